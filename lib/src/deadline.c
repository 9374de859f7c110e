// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Deadlines: absolute time, so that a call can be made again after -EINTR
 * without waiting longer in all.
 */
#include <time.h>

#include "internal.h"

uint64_t ipcshm_deadline(uint64_t timeout)
{
	uint64_t latest = IPCSHM_FOREVER - 1;
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * NANOSECONDS + (uint64_t)ts.tv_nsec;

	return timeout > latest - now ? latest : now + timeout;
}
