/* SPDX-License-Identifier: GPL-2.0-only */
/* How failures are told, and what the program ends with. */
#ifndef ERROR_H
#define ERROR_H

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,	/* what no other covers */
	STATUS_USAGE = 2,	/* the command line is wrong */
	STATUS_NOT_FOUND = 3,	/* there is no such object */
	STATUS_DENIED = 4,	/* not permitted */
	STATUS_TIMEOUT = 5,	/* the time was up, or it would have had to wait */
	STATUS_NO_MODULE = 6,	/* the kernel module isn't loaded */
};

/*
 * Say what was tried, on what (NULL: nothing by name), why it failed (-errno), and
 * what can be done: @hint, or NULL for what is generally true of the error.
 * Returns what the program ends with.
 */
int error_tell(const char *action, const char *object, int err, const char *hint);

/* The same when /dev/ipcshm can't be opened. */
int error_open(const char *action, const char *object, int err);

/* The same for what isn't an errno. */
int error_say(const char *action, const char *object, enum status status, const char *why);

/* Whether all that was printed got out; says so if not.  Returns a status. */
int error_check_output(const char *action);

#endif /* ERROR_H */
