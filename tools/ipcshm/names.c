// SPDX-License-Identifier: GPL-2.0-only
/* Words for the numbers of the interface. */
#include "names.h"

#include <string.h>

/* Numbers that begin with 1 have a word that nothing matches at 0. */
const char *const kind_names[] = { "", "region", "queue", NULL };
const char *const holder_kind_names[] = { "device", "region", "queue", NULL };
const char *const overflow_names[] = { "block", "drop-oldest", "drop-newest", NULL };
const char *const event_names[] = { "", "create", "open", "unlink", "free", "join", "leave",
				    "death", "revoke", "drop", "quota", "lost", NULL };
const char *const quota_names[] = { "objects", "region-bytes", "queue-bytes", "members",
				    "waiters", "descriptors", NULL };
const char *const end_names[] = { "", "left", "exited", "killed", "exec", "unknown", NULL };
const char *const access_names[] = { "read", "write", "read-write", NULL };
const char *const flag_names[] = { "named", "persistent", "revoked", "hangup", NULL };

const char *name_of(const char *const names[], uint64_t number)
{
	for (uint64_t i = 0; names[i]; i++)
		if (i == number && *names[i])
			return names[i];
	return "?";
}

int number_of(const char *const names[], const char *word, size_t length)
{
	for (int i = 0; names[i]; i++)
		if (*names[i] && strlen(names[i]) == length && !strncmp(names[i], word, length))
			return i;
	return -1;
}
