// SPDX-License-Identifier: GPL-2.0-only
/* The time. */
#include "input_clock.h"

#include <time.h>

uint64_t clock_monotonic(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t clock_since(uint64_t then)
{
	uint64_t now = clock_monotonic();

	return now > then ? now - then : 0;
}
