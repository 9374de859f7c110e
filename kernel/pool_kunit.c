// SPDX-License-Identifier: GPL-2.0-only
/*
 * The spaces of a pool, against a map of its own: none overlap, none is left
 * behind, and there is one where there is a gap that is large enough.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>

#include "pool.c"
#include "kunit_random.h"

/* In place of shmem.c, which is the module's own. */
struct file *ipcshm_shmem_file_setup(struct vfsmount *mount, const char *name, u64 size)
{
	return shmem_file_setup(name, size, ipcshm_no_vma_flags());
}

#define LARGEST		(3 * PAGE_SIZE + 100)
#define SIZE		(16 * PAGE_SIZE)
#define UNITS		(SIZE >> IPCSHM_POOL_SHIFT)
#define SPACES		100
#define STEPS		20000

struct space {
	u64 offset;
	size_t size;
};

/**
 * struct scene - a pool, and what should be in it
 * @pool: under test
 * @random: state of the random numbers
 * @spaces: those that are in use have an offset
 * @is_used: by one of them
 */
struct scene {
	struct ipcshm_pool pool;
	struct rnd_state random;
	struct space spaces[SPACES];
	bool is_used[UNITS];
};

/* Returns how many of its units weren't as they should have been. */
static int mark_units(struct scene *scene, const struct space *space, bool used)
{
	u64 first = space->offset >> IPCSHM_POOL_SHIFT, i;
	int wrong = 0;

	for (i = first; i < first + nr_units(space->size); i++) {
		wrong += i >= UNITS || scene->is_used[i] == used;
		if (i < UNITS)
			scene->is_used[i] = used;
	}
	return wrong;
}

static bool has_gap(const struct scene *scene, size_t size)
{
	unsigned int i, free = 0;

	for (i = scene->pool.spare >> IPCSHM_POOL_SHIFT; i < UNITS && free < nr_units(size); i++)
		free = scene->is_used[i] ? 0 : free + 1;
	return free >= nr_units(size);
}

static void take_units(struct kunit *test, struct scene *scene, struct space *space)
{
	bool fits;

	space->size = draw_below(&scene->random,
				 draw_below(&scene->random, 8) ? 2000 : LARGEST + 1);
	fits = has_gap(scene, space->size);
	KUNIT_EXPECT_EQ(test, fits, ipcshm_pool_alloc(&scene->pool, space->size, &space->offset));
	if (!fits) {
		space->offset = 0;
		return;
	}
	KUNIT_EXPECT_GE(test, space->offset, scene->pool.spare);
	KUNIT_EXPECT_EQ(test, 0, mark_units(scene, space, true));
}

static void give_units_back(struct kunit *test, struct scene *scene, struct space *space)
{
	KUNIT_EXPECT_EQ(test, 0, mark_units(scene, space, false));
	ipcshm_pool_free(&scene->pool, space->offset, space->size);
	space->offset = 0;
}

static void check_used(struct kunit *test, const struct scene *scene)
{
	unsigned int i, used = 0;

	for (i = 0; i < UNITS; i++)
		used += scene->is_used[i];
	KUNIT_EXPECT_EQ(test, (u64)used << IPCSHM_POOL_SHIFT, ipcshm_pool_used(&scene->pool));
}

/* Mostly taking, then mostly giving back. */
static void run_pool_step(struct kunit *test, struct scene *scene, int number)
{
	struct space *space = &scene->spaces[draw_below(&scene->random, SPACES)];
	bool taking = draw_below(&scene->random, 8) < (number / 512 % 2 ? 2 : 6);

	if (taking && !space->offset)
		take_units(test, scene, space);
	else if (!taking && space->offset)
		give_units_back(test, scene, space);
	check_used(test, scene);
}

static void spaces_come_and_go(struct kunit *test)
{
	struct scene *scene = kunit_kzalloc(test, sizeof(*scene), GFP_KERNEL);
	u64 offset;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, scene);
	seed_random(test, &scene->random);
	KUNIT_ASSERT_EQ(test, 0, ipcshm_pool_init(&scene->pool, SIZE, LARGEST));
	for (i = 0; i < STEPS; i++)
		run_pool_step(test, scene, i);
	for (i = 0; i < SPACES; i++)
		if (scene->spaces[i].offset)
			give_units_back(test, scene, &scene->spaces[i]);
	/* As if nothing had been. */
	KUNIT_EXPECT_EQ(test, 0, ipcshm_pool_used(&scene->pool));
	KUNIT_EXPECT_TRUE(test, ipcshm_pool_alloc(&scene->pool, SIZE - scene->pool.spare, &offset));
	ipcshm_pool_destroy(&scene->pool);
}

#define MANY_UNITS	(256 << 10)

/**
 * struct long_search - a search by a task of its own, through gaps that are all too small
 * @pool: the pool
 * @done: the search has ended
 * @found: its result
 */
struct long_search {
	struct ipcshm_pool pool;
	struct completion done;
	bool found;
};

static int search_in_gaps(void *argument)
{
	struct long_search *search = argument;
	u64 offset;

	search->found = ipcshm_pool_alloc(&search->pool, 2 << IPCSHM_POOL_SHIFT, &offset);
	complete(&search->done);
	return 0;
}

/* Another receiver can release its message during the search. */
static void long_search_keeps_the_lock_from_no_task(struct kunit *test)
{
	struct long_search *search = kunit_kzalloc(test, sizeof(*search), GFP_KERNEL);
	struct task_struct *task;

	KUNIT_ASSERT_NOT_NULL(test, search);
	init_completion(&search->done);
	KUNIT_ASSERT_EQ(test, 0, ipcshm_pool_init(&search->pool,
						  (u64)MANY_UNITS << IPCSHM_POOL_SHIFT, 1));
	memset(search->pool.map, 0x55,
	       BITS_TO_LONGS(search->pool.units) * sizeof(*search->pool.map));
	search->pool.used = search->pool.units / 2;
	task = kthread_run(search_in_gaps, search, "long-search");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	while (!mutex_is_locked(&search->pool.lock) && !completion_done(&search->done))
		cond_resched();
	/* The first unit, which the search has passed. */
	ipcshm_pool_free(&search->pool, search->pool.spare, 1);
	KUNIT_EXPECT_FALSE(test, completion_done(&search->done));
	wait_for_completion(&search->done);
	KUNIT_EXPECT_FALSE(test, search->found);
	ipcshm_pool_destroy(&search->pool);
}

static void spare_is_for_one(struct kunit *test)
{
	struct ipcshm_pool pool = {};
	u64 offset = 1;

	KUNIT_ASSERT_EQ(test, 0, ipcshm_pool_init(&pool, SIZE, LARGEST));
	KUNIT_EXPECT_TRUE(test, ipcshm_pool_alloc_spare(&pool, &offset));
	KUNIT_EXPECT_EQ(test, 0, offset);
	KUNIT_EXPECT_EQ(test, pool.spare, ipcshm_pool_used(&pool));
	KUNIT_EXPECT_FALSE(test, ipcshm_pool_alloc_spare(&pool, &offset));
	ipcshm_pool_free(&pool, 0, LARGEST);
	KUNIT_EXPECT_TRUE(test, ipcshm_pool_alloc_spare(&pool, &offset));
	ipcshm_pool_destroy(&pool);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(spaces_come_and_go),
	KUNIT_CASE(long_search_keeps_the_lock_from_no_task),
	KUNIT_CASE(spare_is_for_one),
	{}
};

static struct kunit_suite suite = {
	.name = "ipcshm-pool",
	.test_cases = cases,
};

kunit_test_suite(suite);
