/* SPDX-License-Identifier: GPL-2.0-only */
/* What the demos' programs have in common. */
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

/* What was tried, on what, and why it failed: for calls that return -errno. */
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

/* If a peer dies, nobody waits for it for longer than this. */
static inline uint64_t patience(void)
{
	return ipcshm_deadline(20 * SECOND);
}

#endif /* DEMO_H */
