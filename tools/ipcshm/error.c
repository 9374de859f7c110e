// SPDX-License-Identifier: GPL-2.0-only
/* Error messages: "ipcshm: ACTION OBJECT: CAUSE (REMEDY)". */
#include "error.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "output_format.h"

#define OLDER "the loaded module is older than this program, see \"ipcshm version\""

/* The cause that an errno of the module stands for, its exit status, and what to do about it. */
static const struct reason {
	int number;
	enum status status;
	const char *text; /* NULL: strerror() */
	const char *hint;
} reasons[] = {
	{ ENODEV, STATUS_NO_MODULE, "kernel module not loaded", "\"ipcshm load\" loads the module" },
	{ ENOENT, STATUS_NOT_FOUND, "no such region or queue",
	  "\"ipcshm list\" prints those you may see" },
	{ EACCES, STATUS_DENIED, NULL, "ask its owner, or an administrator, for access" },
	{ EPERM, STATUS_DENIED, NULL, "only the owner or an administrator can do this" },
	{ EEXIST, STATUS_FAILED, "already exists", "--existing accepts an existing object" },
	{ EDQUOT, STATUS_FAILED, "quota exceeded", "\"ipcshm quota\" prints your quotas" },
	{ EKEYREVOKED, STATUS_FAILED, "revoked by its owner or an administrator", NULL },
	{ EPIPE, STATUS_FAILED, "the other side has hung up", NULL },
	{ ETIMEDOUT, STATUS_TIMEOUT, "timed out", NULL },
	{ EAGAIN, STATUS_TIMEOUT, "would block", NULL },
	{ EOPNOTSUPP, STATUS_FAILED, "not supported by the kernel module", OLDER },
	{ ENOTTY, STATUS_FAILED, "not supported by the kernel module", OLDER },
	{ E2BIG, STATUS_FAILED, "not supported by the kernel module", OLDER },
};

static const struct reason *find_reason(int number)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].number == number)
			return &reasons[i];
	return NULL;
}

static void print_message(const char *action, const char *object, const char *why, const char *hint)
{
	fflush(stdout);
	fprintf(stderr, "ipcshm: %s", action);
	if (object && strlen(object) < 1024) {
		char text[4 * 1024 + 1];

		format_name(object, strlen(object), text);
		fprintf(stderr, " %s", text);
	}
	/* Causes are in lower case, those of strerror() too. */
	fprintf(stderr, ": %c%s%s%s%s\n", tolower((unsigned char)*why), why + 1,
		hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
}

int error_print_errno(const char *action, const char *object, int err, const char *hint)
{
	const struct reason *reason = find_reason(-err);
	const char *text = reason && reason->text ? reason->text : strerror(-err);

	if (!hint && reason)
		hint = reason->hint;
	print_message(action, object, text, hint);
	return reason ? (int)reason->status : STATUS_FAILED;
}

int error_open(const char *action, const char *object, int err)
{
	if (err == -ENOENT || err == -ENXIO)
		err = -ENODEV;
	return error_print_errno(
		action, object, err,
		err == -EACCES ? "you may not open /dev/ipcshm: see its owner and mode" : NULL);
}

int error_print(const char *action, const char *object, enum status status, const char *why,
		const char *hint)
{
	print_message(action, object, why, hint);
	return (int)status;
}

int error_check_output(const char *action)
{
	bool failed = fflush(stdout) != 0;

	if (!failed && !ferror(stdout))
		return STATUS_OK;
	print_message(action, NULL, strerror(errno ? errno : EIO), "writing to standard output");
	return STATUS_FAILED;
}
