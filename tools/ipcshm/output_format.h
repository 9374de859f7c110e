/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers and names for people. */
#ifndef OUTPUT_FORMAT_H
#define OUTPUT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the text of a number. */
#define FORMAT_MAX 48

/* "512 B", "4 KiB", "1.5 GiB": three digits, rounded down. */
void format_bytes(uint64_t bytes, char text[FORMAT_MAX]);

/* "850 ns", "1.5 ms", "12 s", "3 min 20 s", "2 h 5 min", "4 d 3 h" */
void format_duration(uint64_t nanoseconds, char text[FORMAT_MAX]);

/* CLOCK_REALTIME as local time, to the second: "2026-11-23 12:19:46". */
void format_time(uint64_t nanoseconds, char text[FORMAT_MAX]);

/* The same for programs, RFC 3339: "2026-11-23T12:19:46.123456789Z". */
void format_timestamp(uint64_t nanoseconds, char text[FORMAT_MAX]);

/*
 * Write text of unknown origin, with every byte that a terminal could take for a command
 * spelled out: "\x1b".  A backslash is doubled.  @text has room for 4 times @size bytes
 * and a NUL.
 */
void format_name(const char *name, size_t size, char *text);

/* Return the ending of a plural: "" or "s". */
const char *format_plural(uint64_t count);

/* Return the columns of a terminal that the text takes. */
size_t format_width(const char *text);

/* Return whether a quota (enum ipcshm_quota_type) counts bytes; write an amount of it. */
bool quota_is_bytes(unsigned int type);
void format_quota(unsigned int type, uint64_t amount, char text[FORMAT_MAX]);

#endif /* OUTPUT_FORMAT_H */
