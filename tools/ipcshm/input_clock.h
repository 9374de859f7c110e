/* SPDX-License-Identifier: GPL-2.0-only */
/* The time. */
#ifndef INPUT_CLOCK_H
#define INPUT_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_monotonic(void);

/* Return the nanoseconds since then, a time of CLOCK_MONOTONIC. */
uint64_t clock_since(uint64_t then);

#endif /* INPUT_CLOCK_H */
