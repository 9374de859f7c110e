/* SPDX-License-Identifier: GPL-2.0-only */
/* Words for the numbers of the interface. */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Each list ends with NULL; a number is the index of its word. */
extern const char *const kind_names[];

/* The file of a descriptor: the device, or an object of a kind. */
extern const char *const holder_kind_names[];

extern const char *const overflow_names[];
extern const char *const event_names[];
extern const char *const quota_names[];
extern const char *const end_names[];

/* Of O_RDONLY and so on. */
extern const char *const access_names[];

/* Of bit N of an object's flags. */
extern const char *const flag_names[];

/* The word for @number, or "?". */
const char *name_of(const char *const names[], uint64_t number);

/* The number of a word of @length bytes, or -1. */
int number_of(const char *const names[], const char *word, size_t length);

#endif /* NAMES_H */
