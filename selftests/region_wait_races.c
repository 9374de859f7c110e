// SPDX-License-Identifier: GPL-2.0-only
/* Waiting on a word of a region: no wake-up is lost, and many waiters at once. */
#include <pthread.h>

#include "common/harness.h"
#include "common/region.h"
#include "common/swap.h"
#include "common/wait.h"
#include "wait_fixture.h"

/* No wake-up is lost. */

static __u32 random_below(__u32 *state, __u32 limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % limit;
}

static void waste_time(__u32 *state)
{
	volatile __u32 turns = random_below(state, 4) ? 0 : random_below(state, 2000);

	while (turns)
		turns--;
}

/* Waits until a word is not as expected; false if no wake-up comes in time. */
static bool await_change(struct test_region *region, __u64 offset, __u32 expected)
{
	while (load_word(region, offset) == expected) {
		int result = wait_word(region, offset, 4, expected, SOON);

		if (result && result != -EAGAIN)
			return false;
	}
	return true;
}

/* Two on one word: each stores the next number when the other has stored its own. */
static void pair_role(struct peer *peer)
{
	__u32 random = getpid() | 1, turn;

	join_for_a_while(peer);
	for (turn = peer->value; turn < 2 * ROUNDS; turn += 2) {
		if (turn && !await_change(peer->region, peer->wait.offset, turn - 2)) {
			peer->result = -ETIMEDOUT;
			break;
		}
		waste_time(&random);
		store_word(peer->region, peer->wait.offset, turn);
		wake_word(peer->region, peer->wait.offset, 1);
	}
	munmap(peer->region->map, PAGES * peer->region->page_size);
}

TEST_F_TIMEOUT(wait, pairs_of_processes_lose_no_wake_up, 300)
{
	unsigned int i, lost = 0;

	for (i = 0; i < PAIRS; i++) {
		__u64 offset = (i % PAGES) * self->region.page_size + i * 4;

		store_word(&self->region, offset, -1);
		region_start(&self->region, pair_role,
			     (struct peer){ .wait.offset = offset, .value = 0 });
		region_start(&self->region, pair_role,
			     (struct peer){ .wait.offset = offset, .value = 1 });
	}
	for (i = 0; i < 2 * PAIRS; i++)
		lost += finish(&self->region.peers.list[i]) != 0;
	EXPECT_EQ(0, lost);
	EXPECT_EQ(0, deaths_now(&self->region));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

/*
 * One process begins to wait, again and again, just as the other stores and wakes, a
 * little later each time.  The store is not missed, before the look at the word, between
 * that and going to sleep, or after both.  The delay is measured, because the moment comes
 * many times later on a slow machine.
 */
#define RACES		many(200000, 5000)
#define DELAYS		100	/* different ones */
#define BEGINS		64	/* offset of the word that the waiter stores to as it begins */

static void begin_role(struct peer *peer)
{
	__u32 round;

	join_for_a_while(peer);
	for (round = 1; round <= RACES; round++) {
		store_word(peer->region, BEGINS, round);
		if (!await_change(peer->region, 0, round - 1)) {
			peer->result = -ETIMEDOUT;
			break;
		}
	}
	munmap(peer->region->map, PAGES * peer->region->page_size);
}

/* How long a wait takes, at best, that ends when it has looked at the word: ns. */
static __u64 looking_time(struct test_region *region)
{
	__u64 start, time, best = ~0ULL;
	int i;

	for (i = 0; i < 200; i++) {
		start = now_ns(CLOCK_MONOTONIC);
		wait_word(region, 0, 4, 1, SOON);
		time = now_ns(CLOCK_MONOTONIC) - start;
		best = time < best ? time : best;
	}
	return best;
}

TEST_F_TIMEOUT(wait, store_as_a_wait_begins_is_not_missed, 120)
{
	const __u64 latest = 2 * looking_time(&self->region);
	struct peer *peer = region_start(&self->region, begin_role, (struct peer) { 0 });
	__u32 round;
	__u64 until;

	for (round = 1; round <= RACES; round++) {
		while (load_word(&self->region, BEGINS) != round && !is_done(peer))
			;
		until = now_ns(CLOCK_MONOTONIC) + latest * (round % DELAYS) / DELAYS;
		while (now_ns(CLOCK_MONOTONIC) < until)
			;
		store_word(&self->region, 0, round);
		wake_word(&self->region, 0, 1);
	}
	EXPECT_EQ(0, finish(peer));
}

static bool run_as(int policy, int priority)
{
	const struct sched_param parameter = { .sched_priority = priority };

	return !sched_setscheduler(0, policy, &parameter);
}

static bool stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

/*
 * On one processor, the one interrupts the other, for long enough to store and to
 * wake: where the kernel can be preempted, between any two of its instructions
 * with which a wait begins.
 */
TEST_F_TIMEOUT(wait, store_in_the_midst_of_a_beginning_wait_is_not_missed, 600)
{
	const __u64 latest = 4 * looking_time(&self->region);
	struct peer *peer;
	__u32 round;

	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(stay_on_this_cpu());
	peer = region_start(&self->region, begin_role, (struct peer) { 0 });
	ASSERT_TRUE(run_as(SCHED_FIFO, 1));
	for (round = 1; round <= RACES; round++) {
		struct timespec delay = { .tv_nsec = latest * (round % DELAYS) / DELAYS };

		do
			nanosleep(&delay, NULL);
		while (load_word(&self->region, BEGINS) != round && !is_done(peer));
		store_word(&self->region, 0, round);
		wake_word(&self->region, 0, 1);
	}
	ASSERT_TRUE(run_as(SCHED_OTHER, 0));
	EXPECT_EQ(0, finish(peer));
}

/* A lock of one word: 0 is free, 1 is taken, 2 is taken and perhaps waited for. */

static bool lock_word(struct test_region *region, __u64 offset)
{
	__u32 *word = (__u32 *)(region->map + offset), old = 0;

	if (__atomic_compare_exchange_n(word, &old, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return true;
	while (__atomic_exchange_n(word, 2, __ATOMIC_SEQ_CST)) {
		int result = wait_word(region, offset, 4, 2, SOON);

		if (result && result != -EAGAIN)
			return false;
	}
	return true;
}

static void unlock_word(struct test_region *region, __u64 offset)
{
	if (__atomic_exchange_n((__u32 *)(region->map + offset), 0, __ATOMIC_SEQ_CST) == 2)
		wake_word(region, offset, 1);
}

#define LOCKS		4
#define TURNS		200

static void lock_role(struct peer *peer)
{
	__u32 random = getpid() | 1;
	int i;

	join_for_a_while(peer);
	for (i = 0; i < TURNS; i++) {
		__u64 offset = random_below(&random, LOCKS) * peer->region->page_size;

		if (!lock_word(peer->region, offset)) {
			peer->result = -ETIMEDOUT;
			break;
		}
		++*(volatile __u32 *)(peer->region->map + offset + 64);
		waste_time(&random);
		unlock_word(peer->region, offset);
	}
	munmap(peer->region->map, PAGES * peer->region->page_size);
}

TEST_F_TIMEOUT(wait, crowd_at_a_few_locks_loses_no_wake_up, 300)
{
	unsigned int i, lost = 0;
	__u32 turns = 0;

	for (i = 0; i < 2 * PAIRS; i++)
		region_start(&self->region, lock_role, (struct peer) { 0 });
	for (i = 0; i < 2 * PAIRS; i++)
		lost += finish(&self->region.peers.list[i]) != 0;
	EXPECT_EQ(0, lost);
	for (i = 0; i < LOCKS; i++)
		turns += load_word(&self->region, i * self->region.page_size + 64);
	EXPECT_EQ(2 * PAIRS * TURNS, turns);
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

/* Many at once. */

struct waiting_thread {
	pthread_t thread;
	struct test_region *region;
	__u64 offset;
};

static void *wait_in_thread(void *argument)
{
	struct waiting_thread *waiting = argument;

	return (void *)(long)wait_word(waiting->region, waiting->offset, 4, 0, FOREVER);
}

TEST_F_TIMEOUT(wait, thousands_of_words_each_have_their_waiter, 120)
{
	pthread_attr_t small;
	struct waiting_thread *threads = calloc(THREADS, sizeof(*threads));
	unsigned int i, wrong = 0;
	void *result;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	for (i = 0; i < THREADS; i++) {
		threads[i].region = &self->region;
		threads[i].offset = i * 4;
		ASSERT_EQ(0, pthread_create(&threads[i].thread, &small, wait_in_thread,
					    &threads[i]));
	}
	ASSERT_TRUE(WAIT_UNTIL(region_stat_now(&self->region).waiters == THREADS));
	for (i = 0; i < THREADS; i++)
		wrong += wake_word(&self->region, (i * 7 % THREADS) * 4, 2) != 1;
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i].thread, &result));
		wrong += result != NULL;
	}
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

/* Waits again and again on a word that doesn't change. */
static void *wait_again_in_thread(void *region)
{
	while (!wait_word(region, 0, 4, 0, FOREVER))
		;
	return NULL;
}

TEST_F(wait, waking_all_ends_though_they_wait_again_at_once)
{
	const unsigned int count = 200;
	pthread_attr_t small;
	pthread_t thread;
	unsigned int i;
	int woken;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, pthread_create(&thread, &small, wait_again_in_thread, &self->region));
	ASSERT_TRUE(WAIT_UNTIL(region_stat_now(&self->region).waiters == count));
	for (i = 0; i < 20; i++) {
		woken = wake_word(&self->region, 0, INT_MAX);
		EXPECT_GE((int)count, woken);
	}
}

IPCSHM_TEST_MAIN
