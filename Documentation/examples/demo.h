/* SPDX-License-Identifier: GPL-2.0-only */
/* Common code of the demos' programs. */
#ifndef DEMO_H
#define DEMO_H

#include <errno.h>
#include <ipcshm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND	1000000000ULL

__attribute__((format(printf, 1, 2), noreturn))
static inline void die(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

/* For calls that return -errno: prints the action, its object, and the error. */
static inline int check(long result, const char *what, const char *name)
{
	if (result < 0)
		die("%s %s: %s", what, name, strerror((int)-result));
	return (int)result;
}

static inline int open_device(void)
{
	return check(ipcshm_open(), "open", "/dev/ipcshm");
}

/* No process waits longer than this for a peer that has died. */
static inline uint64_t demo_deadline(void)
{
	return ipcshm_deadline(20 * SECOND);
}

#endif /* DEMO_H */
