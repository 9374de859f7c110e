// SPDX-License-Identifier: GPL-2.0-only
/* Moving waiters of a word to another word: which are moved, and what ends their waits then. */
#include <pthread.h>
#include <stddef.h>

#include "common/harness.h"
#include "common/region.h"
#include "common/wait.h"
#include "wait_fixture.h"

#define FROM		64
#define TARGET		2048
#define SLEEPERS	2000		/* threads, each of which is moved */
#define MOVES		5		/* times */
#define ALL		INT_MAX

static int move_waiters(struct test_region *region, __u64 from, __u64 target, __u32 wake,
			__u32 move)
{
	return ipcshm_region_requeue(region->fd, from, target, 4, 0, wake, move);
}

/* A waiter that has been moved from one word to the other; NULL if it has not. */
static struct peer *block_and_move(struct test_region *region, struct peer how)
{
	struct peer *peer;

	how.wait.offset = FROM;
	how.wait.deaths = deaths_now(region);
	peer = block_waiter(region, wait_role, how);
	return peer && move_waiters(region, FROM, TARGET, 0, ALL) == 1 ? peer : NULL;
}

TEST_F(wait, first_waiters_are_woken_and_the_next_moved_in_order)
{
	struct peer *there = block_on(&self->region, TARGET), *peers[5];
	unsigned int i;

	ASSERT_TRUE(there);
	for (i = 0; i < ARRAY_SIZE(peers); i++) {
		peers[i] = block_on(&self->region, FROM);
		ASSERT_TRUE(peers[i]);
	}
	EXPECT_EQ(4, move_waiters(&self->region, FROM, TARGET, 2, 2));
	EXPECT_EQ(0, finish(peers[0]));
	EXPECT_EQ(0, finish(peers[1]));
	EXPECT_EQ(4, region_stat_now(&self->region).waiters);
	EXPECT_EQ(1, wake_word(&self->region, TARGET, 1));
	EXPECT_EQ(0, finish(there));
	EXPECT_EQ(1, wake_word(&self->region, TARGET, 1));
	EXPECT_EQ(0, finish(peers[2]));
	EXPECT_FALSE(is_done(peers[3]) || is_done(peers[4]));
	EXPECT_EQ(1, wake_word(&self->region, TARGET, ALL));
	EXPECT_EQ(0, finish(peers[3]));
	EXPECT_EQ(1, wake_word(&self->region, FROM, ALL));
	EXPECT_EQ(0, finish(peers[4]));
}

TEST_F(wait, word_that_differs_moves_no_waiter)
{
	struct peer *peer = block_on(&self->region, FROM);

	ASSERT_TRUE(peer);
	EXPECT_EQ(-EAGAIN,
		  ipcshm_region_requeue(self->region.fd, FROM, TARGET, 4, 1, ALL, ALL));
	store_word(&self->region, FROM + 4, 1);
	EXPECT_EQ(-EAGAIN,
		  ipcshm_region_requeue(self->region.fd, FROM, TARGET, 8, 0, ALL, ALL));
	EXPECT_EQ(0, wake_word(&self->region, TARGET, ALL));
	EXPECT_FALSE(is_done(peer));
	EXPECT_EQ(1, ipcshm_region_requeue(self->region.fd, FROM, TARGET, 8, 1ULL << 32, 0, 1));
	EXPECT_EQ(1, wake_word(&self->region, TARGET, ALL));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, nothing_is_moved_without_waiters_or_a_number)
{
	struct peer *peer;

	EXPECT_EQ(0, move_waiters(&self->region, FROM, TARGET, ALL, ALL));
	peer = block_on(&self->region, FROM);
	ASSERT_TRUE(peer);
	EXPECT_EQ(0, move_waiters(&self->region, FROM, TARGET, 0, 0));
	EXPECT_EQ(0, move_waiters(&self->region, TARGET, FROM, ALL, ALL));
	EXPECT_EQ(0, move_waiters(&self->region, FROM + 4, TARGET, ALL, ALL));
	EXPECT_EQ(1, move_waiters(&self->region, FROM, TARGET, ALL, ALL));
	EXPECT_EQ(0, finish(peer));
}

/* Returns the error, and the invalid member. */
static int requeue_args(struct test_region *region, struct ipcshm_region_requeue_args args,
			__u32 *invalid)
{
	int result;

	args.invalid = ~0U;
	result = call(region->fd, IPCSHM_IOC_REGION_REQUEUE, &args);
	*invalid = args.invalid;
	return result;
}

TEST_F(wait, invalid_member_of_a_move_is_named)
{
	const __u64 size = PAGES * self->region.page_size;
	const struct {
		struct ipcshm_region_requeue_args args;
		size_t invalid;
	} wrong[] = {
#define WRONG(member, ...) \
	{ { __VA_ARGS__ }, offsetof(struct ipcshm_region_requeue_args, member) }
		WRONG(size, .target = 8, .size = 0),
		WRONG(size, .target = 8, .size = 2),
		WRONG(size, .target = 8, .size = 16),
		WRONG(size, .target = 8, .size = 4, .expected = 1ULL << 32),
		WRONG(offset, .target = 8, .size = 4, .offset = 2),
		WRONG(offset, .target = 8, .size = 8, .offset = 4),
		WRONG(offset, .target = 8, .size = 4, .offset = size),
		WRONG(offset, .target = 8, .size = 8, .offset = -8ULL),
		WRONG(target, .target = 2, .size = 4),
		WRONG(target, .target = 4, .size = 8),
		WRONG(target, .target = 0, .size = 4),
		WRONG(target, .target = size, .size = 4),
		WRONG(target, .target = 1ULL << 63, .size = 8),
		WRONG(wake, .target = 8, .size = 4, .wake = 1U << 31),
		WRONG(move, .target = 8, .size = 4, .move = ~0U),
		WRONG(flags, .target = 8, .size = 4, .flags = 1),
		WRONG(reserved, .target = 8, .size = 4, .reserved = 1),
#undef WRONG
	};
	__u32 invalid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, requeue_args(&self->region, wrong[i].args, &invalid));
		EXPECT_EQ(wrong[i].invalid, invalid);
	}
	EXPECT_EQ(0, move_waiters(&self->region, size - 4, size - 8, ALL, ALL));
	EXPECT_EQ(0, move_waiters(&self->region, size - 8, size - 4, ALL, ALL));
}

TEST_F(wait, read_only_descriptor_moves_no_waiter)
{
	struct peer *peer = block_on(&self->region, FROM);
	int reader = region_open_again(&self->region, IPCSHM_READ);

	ASSERT_TRUE(peer && reader >= 0);
	EXPECT_EQ(-EBADF, ipcshm_region_requeue(reader, FROM, TARGET, 4, 0, ALL, ALL));
	EXPECT_EQ(1, ipcshm_region_wake(reader, FROM, ALL));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, deadline_ends_the_wait_of_a_moved_waiter)
{
	struct peer *peer = block_and_move(&self->region, (struct peer){
		.deadline = ipcshm_deadline(200 * MS), .clock = CLOCK_MONOTONIC,
	});

	ASSERT_TRUE(peer);
	EXPECT_EQ(-ETIMEDOUT, finish(peer));
	EXPECT_EQ(0, wake_word(&self->region, TARGET, ALL));
	EXPECT_EQ(0, wake_word(&self->region, FROM, ALL));
	EXPECT_EQ(0, move_waiters(&self->region, TARGET, FROM, ALL, ALL));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

TEST_F(wait, killed_waiter_is_not_where_it_was_moved)
{
	struct peer *peer = block_and_move(&self->region, (struct peer){ 0 });

	ASSERT_TRUE(peer);
	kill_peer(peer);
	EXPECT_EQ(0, wake_word(&self->region, TARGET, ALL));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

TEST_F(wait, death_ends_the_wait_of_a_moved_waiter)
{
	struct peer *peer = block_and_move(&self->region, (struct peer){ 0 });

	ASSERT_TRUE(peer);
	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(-EOWNERDEAD, finish(peer));
}

TEST_F(wait, revocation_ends_the_wait_of_a_moved_waiter)
{
	struct peer *peer = block_and_move(&self->region, (struct peer){ 0 });

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(peer));
	EXPECT_EQ(-EKEYREVOKED, move_waiters(&self->region, TARGET, FROM, ALL, ALL));
}

TEST_F(wait, end_of_the_target_ends_the_wait_of_a_moved_waiter)
{
	struct ipcshm_region_attr attr = { .size = 2 * 4096, .max_size = 2 * 4096 };
	int fd = ipcshm_region_open(self->region.device, NULL,
				    IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600, &attr);
	struct peer *peer = region_start(&self->region, wait_role, (struct peer){ .fd = fd });

	ASSERT_TRUE(WAIT_UNTIL(region_stat(fd).waiters == 1));
	ASSERT_EQ(1, ipcshm_region_requeue(fd, 0, 4096, 4, 0, 0, 1));
	ASSERT_EQ(0, ipcshm_region_resize(fd, 4096));
	EXPECT_EQ(-EINVAL, finish(peer));
	EXPECT_EQ(-EINVAL, ipcshm_region_requeue(fd, 0, 4096, 4, 0, 0, 1));
}

/* Sleeping again would be on the word that it was moved from, where no wake-up is to come. */
TEST_F(wait, signal_does_not_send_a_moved_waiter_back)
{
	struct peer *handler = block_and_move(&self->region, (struct peer){
		.handles_signal = true, .sa_flags = SA_RESTART,
	});
	struct peer *stopped = block_and_move(&self->region, (struct peer){ 0 });

	ASSERT_TRUE(handler && stopped);
	kill(handler->pid, SIGUSR1);
	EXPECT_EQ(-EAGAIN, finish(handler));
	kill(stopped->pid, SIGSTOP);
	kill(stopped->pid, SIGCONT);
	EXPECT_EQ(-EAGAIN, finish(stopped));
	EXPECT_EQ(0, wake_word(&self->region, FROM, ALL));
	EXPECT_EQ(0, wake_word(&self->region, TARGET, ALL));
}

static void several_role(struct peer *peer)
{
	const struct ipcshm_region_word words[] = {
		{ .offset = FROM + 8, .size = 4 }, { .offset = FROM, .size = 4 },
	};

	peer->result = ipcshm_region_waitv(peer->fd, words, 2, peer->wait.deaths, FOREVER);
}

TEST_F(wait, waiter_on_several_words_is_woken_and_never_moved)
{
	struct peer *several = block_waiter(&self->region, several_role,
					    (struct peer){ .wait.deaths = deaths_now(&self->region) });
	struct peer *one = block_on(&self->region, FROM);

	ASSERT_TRUE(several && one);
	EXPECT_EQ(1, move_waiters(&self->region, FROM, TARGET, 0, ALL));
	EXPECT_EQ(1, wake_word(&self->region, TARGET, ALL));
	EXPECT_EQ(0, finish(one));
	EXPECT_FALSE(is_done(several));
	EXPECT_EQ(1, move_waiters(&self->region, FROM, TARGET, 1, ALL));
	EXPECT_EQ(1, finish(several));
}

TEST_F(wait, watch_of_the_word_reports_a_move_as_a_wake_up)
{
	int from = region_open_again(&self->region, IPCSHM_READ);
	int target = region_open_again(&self->region, IPCSHM_READ);
	struct pollfd polled[] = { { .fd = from, .events = POLLIN },
				   { .fd = target, .events = POLLIN } };

	ASSERT_EQ(0, ipcshm_region_watch(from, FROM, 4, 0, 0));
	ASSERT_EQ(0, ipcshm_region_watch(target, TARGET, 4, 0, 0));
	ASSERT_EQ(0, poll(polled, 2, 0));
	EXPECT_EQ(0, move_waiters(&self->region, FROM, TARGET, 0, ALL));
	EXPECT_EQ(1, poll(polled, 2, WAIT_SECONDS * 1000));
	EXPECT_EQ(POLLIN, polled[0].revents);
}

static void *wait_in_thread(void *region)
{
	return (void *)(long)wait_word(region, 0, 4, 0, FOREVER);
}

TEST_F_TIMEOUT(wait, each_of_many_moved_waiters_is_woken_once, 300)
{
	pthread_t *threads = calloc(SLEEPERS, sizeof(*threads));
	unsigned int i, wrong = 0;
	pthread_attr_t small;
	void *result;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	for (i = 0; i < SLEEPERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], &small, wait_in_thread, &self->region));
	ASSERT_TRUE(WAIT_UNTIL(region_stat_now(&self->region).waiters == SLEEPERS));
	for (i = 0; i < MOVES; i++)
		EXPECT_EQ(SLEEPERS, move_waiters(&self->region, 4 * i, 4 * i + 4, 0, ALL));
	for (i = 0; i < MOVES; i++)
		EXPECT_EQ(0, wake_word(&self->region, 4 * i, ALL));
	EXPECT_EQ(SLEEPERS / 2, wake_word(&self->region, 4 * MOVES, SLEEPERS / 2));
	EXPECT_EQ(SLEEPERS / 2, move_waiters(&self->region, 4 * MOVES, 0, 100, ALL));
	EXPECT_EQ(SLEEPERS / 2 - 100, wake_word(&self->region, 0, ALL));
	for (i = 0; i < SLEEPERS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &result));
		wrong += result != NULL;
	}
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

/* Moves waiters between two words until the test stops or kills it. */
static void mover_role(struct peer *peer)
{
	while (!may_continue(peer) && peer->result >= 0) {
		peer->result = move_waiters(peer->region, FROM, peer->wait.offset, 0, peer->count);
		if (peer->result >= 0)
			peer->result = move_waiters(peer->region, peer->wait.offset, FROM, 0,
						    peer->count);
	}
}

static void stop_mover(struct peer *mover)
{
	let_continue(mover);
	finish(mover);
}

/* The walk over the buckets that ends the waits meets waiters that move across its way. */
TEST_F_TIMEOUT(wait, death_during_moves_ends_each_wait, 300)
{
	struct peer *movers[2], *waiters[8];
	unsigned int round, i;

	for (round = 0; round < many(60, 15); round++) {
		for (i = 0; i < ARRAY_SIZE(waiters); i++) {
			waiters[i] = block_on(&self->region, FROM);
			ASSERT_TRUE(waiters[i]);
		}
		for (i = 0; i < ARRAY_SIZE(movers); i++)
			movers[i] = region_start(&self->region, mover_role, (struct peer){
				.count = ALL, .wait.offset = TARGET + 8 * round,
			});
		ASSERT_TRUE(one_death(&self->region));
		for (i = 0; i < ARRAY_SIZE(waiters); i++)
			ASSERT_EQ(-EOWNERDEAD, finish(waiters[i]));
		for (i = 0; i < ARRAY_SIZE(movers); i++)
			stop_mover(movers[i]);
		forget_peers(&self->region.peers);
	}
}

TEST_F(wait, revocation_during_moves_ends_each_wait)
{
	struct peer *mover, *waiters[20];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i] = block_on(&self->region, FROM);
		ASSERT_TRUE(waiters[i]);
	}
	mover = region_start(&self->region, mover_role,
			     (struct peer){ .count = ALL, .wait.offset = TARGET });
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		EXPECT_EQ(-EKEYREVOKED, finish(waiters[i]));
	EXPECT_EQ(-EKEYREVOKED, finish(mover));
}

TEST_F_TIMEOUT(wait, killed_mover_leaves_each_waiter_on_a_word, 120)
{
	struct peer *waiters[40];
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i] = block_on(&self->region, FROM);
		ASSERT_TRUE(waiters[i]);
	}
	for (round = 0; round < many(100, 20); round++) {
		struct peer *mover = region_start(&self->region, mover_role, (struct peer){
			.count = 1 + 7 * round % 40, .wait.offset = TARGET,
		});

		usleep(random() % 3000);
		kill_peer(mover);
	}
	EXPECT_EQ(ARRAY_SIZE(waiters), region_stat_now(&self->region).waiters);
	EXPECT_EQ(ARRAY_SIZE(waiters), wake_word(&self->region, FROM, ALL) +
				       wake_word(&self->region, TARGET, ALL));
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		EXPECT_EQ(0, finish(waiters[i]));
}

/* Wakes one word until all of the first peers have finished; @value counts what it woke. */
static void waker_role(struct peer *peer)
{
	unsigned int done = 0;

	while (done < peer->index) {
		int woken = ipcshm_region_wake(peer->fd, peer->wait.offset, 1);

		if (woken < 0) {
			peer->result = woken;
			break;
		}
		peer->value += woken;
		while (done < peer->index && is_done(&peer->region->peers.list[done]))
			done++;
	}
}

/* Counts its wake-ups; some waits end at once, or are about to when a wake-up or a move comes. */
static void woken_role(struct peer *peer)
{
	unsigned int i;

	for (i = 0; i < peer->count; i++) {
		int result = ipcshm_region_wait(peer->fd, FROM, 4, 0, peer->wait.deaths,
						i % 4 ? FOREVER : ipcshm_deadline(i % 64 * 1000));

		if (!result) {
			peer->value++;
		} else if (result != -ETIMEDOUT) {
			peer->result = result;
			break;
		}
	}
}

TEST_F_TIMEOUT(wait, no_wake_up_is_lost_by_moves, 300)
{
	struct peer *sleepers[6], *movers[2], *wakers[2];
	__u64 counted = 0, woken = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sleepers); i++)
		sleepers[i] = region_start(&self->region, woken_role, (struct peer){
			.count = many(5000, 500), .wait.deaths = deaths_now(&self->region),
		});
	for (i = 0; i < ARRAY_SIZE(movers); i++)
		movers[i] = region_start(&self->region, mover_role,
					 (struct peer){ .count = 2 * i + 1, .wait.offset = TARGET });
	for (i = 0; i < ARRAY_SIZE(wakers); i++)
		wakers[i] = region_start(&self->region, waker_role, (struct peer){
			.index = ARRAY_SIZE(sleepers), .wait.offset = i ? FROM : TARGET,
		});
	for (i = 0; i < ARRAY_SIZE(sleepers); i++) {
		EXPECT_EQ(0, finish(sleepers[i]));
		woken += sleepers[i]->value;
	}
	for (i = 0; i < ARRAY_SIZE(wakers); i++) {
		EXPECT_EQ(0, finish(wakers[i]));
		counted += wakers[i]->value;
	}
	for (i = 0; i < ARRAY_SIZE(movers); i++)
		stop_mover(movers[i]);
	EXPECT_LT(0, counted);
	EXPECT_EQ(woken, counted);
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

IPCSHM_TEST_MAIN
