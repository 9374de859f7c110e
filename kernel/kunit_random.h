/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef IPCSHM_KUNIT_RANDOM_H
#define IPCSHM_KUNIT_RANDOM_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/random.h>

/* Seed @random, and print the seed. */
static inline void seed_random(struct kunit *test, struct rnd_state *random)
{
	u32 seed = get_random_u32();	/* put a reported seed here to repeat a failure */

	kunit_info(test, "seed %u", seed);
	prandom_seed_state(random, seed);
}

static inline u32 draw_below(struct rnd_state *random, u32 below)
{
	return prandom_u32_state(random) % below;
}

#endif /* IPCSHM_KUNIT_RANDOM_H */
