// SPDX-License-Identifier: GPL-2.0-only
/* How failures are told. */
#include "error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

/* What is generally true of an error of the module, and what the program ends with. */
static const struct reason {
	int number;
	enum status status;
	const char *text; /* NULL: as strerror() has it */
	const char *hint;
} reasons[] = {
	{ ENODEV, STATUS_NO_MODULE, "The kernel module isn't loaded", "\"ipcshm load\" loads it" },
	{ ENOENT, STATUS_NOT_FOUND, "No such region or queue",
	  "\"ipcshm list\" shows those that you may see" },
	{ EACCES, STATUS_DENIED, NULL, "\"ipcshm show\" tells its owner and mode" },
	{ EPERM, STATUS_DENIED, NULL, "only an administrator can do it" },
	{ EEXIST, STATUS_FAILED, "There is one already", "--existing takes it as it is" },
	{ EDQUOT, STATUS_FAILED, "A quota is used up", "\"ipcshm limits\" shows yours" },
	{ EKEYREVOKED, STATUS_FAILED, "It was revoked", NULL },
	{ EPIPE, STATUS_FAILED, "There is nobody on the other side any more", NULL },
	{ ETIMEDOUT, STATUS_TIMEOUT, "The time is up", NULL },
	{ EAGAIN, STATUS_TIMEOUT, "It would have to wait", NULL },
	{ EOPNOTSUPP, STATUS_FAILED, "The kernel module doesn't know that",
	  "it is older than this program: see \"ipcshm version\"" },
	{ ENOTTY, STATUS_FAILED, "The kernel module doesn't know that",
	  "it is older than this program: see \"ipcshm version\"" },
	{ E2BIG, STATUS_FAILED, "The kernel module doesn't know that",
	  "it is older than this program: see \"ipcshm version\"" },
};

static const struct reason *find(int number)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].number == number)
			return &reasons[i];
	return NULL;
}

static void print(const char *action, const char *object, const char *why, const char *hint)
{
	fflush(stdout);
	fprintf(stderr, "ipcshm: %s", action);
	if (object && strlen(object) < 1024) {
		char text[4 * 1024 + 1];

		format_name(object, strlen(object), text);
		fprintf(stderr, " %s", text);
	}
	fprintf(stderr, ": %s%s%s%s\n", why, hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
}

int error_tell(const char *action, const char *object, int err, const char *hint)
{
	const struct reason *reason = find(-err);
	const char *text = reason && reason->text ? reason->text : strerror(-err);

	if (!hint && reason)
		hint = reason->hint;
	print(action, object, text, hint);
	return reason ? (int)reason->status : STATUS_FAILED;
}

int error_open(const char *action, const char *object, int err)
{
	if (err == -ENOENT || err == -ENXIO)
		err = -ENODEV;
	return error_tell(action, object, err, err == -EACCES ? "opening /dev/ipcshm" : NULL);
}

int error_say(const char *action, const char *object, enum status status, const char *why)
{
	print(action, object, why, NULL);
	return (int)status;
}

int error_check_output(const char *action)
{
	bool failed = fflush(stdout) != 0;

	if (!failed && !ferror(stdout))
		return STATUS_OK;
	print(action, NULL, strerror(errno ? errno : EIO), "writing to standard output");
	return STATUS_FAILED;
}
