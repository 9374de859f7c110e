/* SPDX-License-Identifier: GPL-2.0-only */
/* Waits of the test itself, and roles of several processes at a word. */
#ifndef IPCSHM_WAIT_H
#define IPCSHM_WAIT_H

#include "region.h"
#include "swap.h"
#include "test.h"

#define ROUNDS		many(1000, 50)	/* of each pair; 100 processes: 100,000 waits */
#define PAIRS		50
#define THREADS		2000
#define FOREVER		IPCSHM_FOREVER
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

int wait_word(struct test_region *region, __u64 offset, __u32 size, __u64 expected, __u64 deadline);
void join_for_a_while(struct peer *peer);
int watch_word(struct test_region *region, __u64 offset, __u32 expected);

#endif /* IPCSHM_WAIT_H */
