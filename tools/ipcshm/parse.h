/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of a command line as numbers.  Calls return whether the word is valid. */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* "12", "0x1f" */
bool parse_number(const char *word, uint64_t *number);

/* A number up to @most. */
bool parse_up_to(const char *word, uint64_t most, uint32_t *number);

/* "4096", "4K", "1M", "2GiB": powers of 1024, up to E. */
bool parse_bytes(const char *word, uint64_t *bytes);

/* A number or bytes, or "unbounded": IPCSHM_UNBOUNDED. */
bool parse_capacity(const char *word, uint64_t *number);
bool parse_byte_capacity(const char *word, uint64_t *bytes);

/* Permission bits: "640", "0640". */
bool parse_mode(const char *word, uint32_t *mode);

/* "2", "0.5", "2s", "500ms", "10us", "100ns", "3min": nanoseconds. */
bool parse_duration(const char *word, uint64_t *nanoseconds);

/**
 * struct target - the words that identify an object
 * @id: its number, or 0
 * @kind: enum ipcshm_kind; 0: either
 * @name: its name
 *
 * "id/12", "region/cam0", "queue/cam0", "cam0" or "/cam0".  No name has a '/'
 * inside, so that no name looks like another form.
 */
struct target {
	uint64_t id;
	uint32_t kind;
	const char *name;
};

bool parse_target(const char *word, struct target *target);

#endif /* PARSE_H */
