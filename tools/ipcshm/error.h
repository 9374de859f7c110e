/* SPDX-License-Identifier: GPL-2.0-only */
/* Error messages and exit statuses. */
#ifndef ERROR_H
#define ERROR_H

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,	/* any other failure */
	STATUS_USAGE = 2,	/* invalid command line */
	STATUS_NOT_FOUND = 3,	/* no such object */
	STATUS_DENIED = 4,	/* not permitted */
	STATUS_TIMEOUT = 5,	/* timed out, or would block */
	STATUS_NO_MODULE = 6,	/* kernel module not loaded */
};

/*
 * Print the failed action, its object (or NULL), the cause (-errno) and the remedy: @hint,
 * or NULL for the general remedy of the errno.  Returns the exit status.
 */
int error_print_errno(const char *action, const char *object, int err, const char *hint);

/* Print why /dev/ipcshm could not be opened.  Returns the exit status. */
int error_open(const char *action, const char *object, int err);

/* Print a failure that is no errno: @why in lower case, @hint or NULL.  Returns @status. */
int error_print(const char *action, const char *object, enum status status, const char *why,
		const char *hint);

/* Flush standard output; if that fails, print why.  Returns the exit status. */
int error_check_output(const char *action);

#endif /* ERROR_H */
