// SPDX-License-Identifier: GPL-2.0-only
/* Waiting on several words of a region: which wake-up ends the wait, and what else does. */
#include "common/harness.h"
#include "common/region.h"
#include "common/wait.h"
#include "wait_fixture.h"

/* Waits on the words at 0, 8, …, @count of them. */
static void waitv_role(struct peer *peer)
{
	struct ipcshm_region_word words[IPCSHM_WAITV_MAX];
	unsigned int i;

	for (i = 0; i < peer->count; i++)
		words[i] = (struct ipcshm_region_word){
			.offset = 8 * i, .expected = peer->wait.expected, .size = 4,
		};
	peer->result =
		ipcshm_region_waitv(peer->fd, words, peer->count, peer->wait.deaths,
				    peer->deadline);
}

static struct peer *block_on_words(struct test_region *region, unsigned int count)
{
	return block_waiter(region, waitv_role,
			    (struct peer){ .count = count, .wait.deaths = deaths_now(region) });
}

static __u64 waiters_used(struct test_region *region)
{
	return get_info(region->device).waiters.used - region->before.waiters.used;
}

TEST_F(wait, wake_up_of_each_of_several_words_ends_the_wait)
{
	unsigned int i;

	for (i = 0; i < IPCSHM_WAITV_MAX; i += 9) {
		struct peer *peer = block_on_words(&self->region, IPCSHM_WAITV_MAX);

		ASSERT_TRUE(peer);
		EXPECT_EQ(IPCSHM_WAITV_MAX, waiters_used(&self->region));
		EXPECT_EQ(1, wake_word(&self->region, 8 * i, 1));
		EXPECT_EQ(i, finish(peer));
		EXPECT_EQ(0, wake_word(&self->region, 0, 1));
		EXPECT_EQ(0, region_stat_now(&self->region).waiters);
	}
	EXPECT_EQ(0, waiters_used(&self->region));
}

TEST_F(wait, several_words_of_which_one_differs_are_not_waited_on)
{
	struct ipcshm_region_word words[] = {
		{ .size = 4 },
		{ .offset = self->region.page_size, .size = 8 },
		{ .offset = 4, .size = 4 },
	};
	int fd = self->region.fd;
	unsigned int i;

	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_waitv(fd, words, 3, deaths_now(&self->region), 0));
	for (i = 0; i < 3; i++) {
		words[i].expected = 1;
		EXPECT_EQ(-EAGAIN, ipcshm_region_waitv(fd, words, 3, deaths_now(&self->region),
						       FOREVER));
		words[i].expected = 0;
	}
	EXPECT_EQ(-EOWNERDEAD,
		  ipcshm_region_waitv(fd, words, 3, deaths_now(&self->region) + 1, FOREVER));
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, waiters_used(&self->region));
}

/* Two on the word at 0, the first of which has it in its array twice. */
static void twice_role(struct peer *peer)
{
	const struct ipcshm_region_word words[] = { { .size = 4 }, { .size = 4 } };

	peer->result = ipcshm_region_waitv(peer->fd, words, 2, peer->wait.deaths, peer->deadline);
}

TEST_F(wait, word_that_is_given_twice_takes_one_wake_up)
{
	struct peer *first = block_waiter(&self->region, twice_role, (struct peer) {
		.wait.deaths = deaths_now(&self->region),
	});
	struct peer *second = block_on(&self->region, 0);

	ASSERT_TRUE(first && second);
	EXPECT_EQ(2, wake_word(&self->region, 0, 5));
	EXPECT_EQ(0, finish(first));
	EXPECT_EQ(0, finish(second));
}

TEST_F(wait, sleeper_on_several_words_takes_one_wake_up)
{
	struct peer *several = block_on_words(&self->region, 3);
	struct peer *one = block_on(&self->region, 8);

	ASSERT_TRUE(several && one);
	EXPECT_EQ(1, wake_word(&self->region, 8, 1));
	EXPECT_EQ(1, finish(several));
	EXPECT_EQ(1, wake_word(&self->region, 8, 1));
	EXPECT_EQ(0, finish(one));
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
}

TEST_F(wait, death_ends_a_wait_on_several_words)
{
	struct peer *peer = block_on_words(&self->region, 100);

	ASSERT_TRUE(peer);
	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(-EOWNERDEAD, finish(peer));
}

TEST_F(wait, signal_ends_a_wait_on_several_words)
{
	struct peer *peer =
		block_waiter(&self->region, waitv_role, (struct peer){
			.count = 100,
			.wait.deaths = deaths_now(&self->region),
			.handles_signal = true,
		});

	ASSERT_TRUE(peer);
	kill(peer->pid, SIGUSR1);
	EXPECT_EQ(-EINTR, finish(peer));
	EXPECT_EQ(0, waiters_used(&self->region));
}

TEST_F(wait, deadline_ends_a_wait_on_several_words)
{
	struct peer *peer = region_start(&self->region, waitv_role, (struct peer){
		.count = 100, .wait.deaths = deaths_now(&self->region),
		.deadline = ipcshm_deadline(20 * MS),
	});

	EXPECT_EQ(-ETIMEDOUT, finish(peer));
	EXPECT_EQ(0, waiters_used(&self->region));
}

TEST_F(wait, killed_waiter_is_on_none_of_several_words)
{
	struct peer *peer = block_on_words(&self->region, 100);

	ASSERT_TRUE(peer);
	kill_peer(peer);
	EXPECT_EQ(0, wake_word(&self->region, 8, 10));
	EXPECT_TRUE(WAIT_UNTIL(region_stat_now(&self->region).waiters == 0));
	EXPECT_EQ(0, waiters_used(&self->region));
}

TEST_F(wait, revocation_ends_a_wait_on_several_words)
{
	struct peer *peer = block_on_words(&self->region, 100);

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(peer));
}

/* Waits on the first word, and on the one at @offset. */
static void two_words_role(struct peer *peer)
{
	const struct ipcshm_region_word words[] = {
		{ .size = 4 },
		{ .offset = peer->wait.offset, .size = 4 },
	};

	be_ready(peer);
	peer->result = ipcshm_region_waitv(peer->fd, words, 2, 0, FOREVER);
}

TEST_F(wait, end_of_one_of_several_words_ends_the_wait)
{
	struct ipcshm_region_attr attr = { .size = 2 * 4096, .max_size = 2 * 4096 };
	int fd = ipcshm_region_open(self->region.device, NULL,
				    IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600, &attr);
	struct peer *peer = region_start_ready(&self->region, two_words_role,
					       (struct peer){ .fd = fd, .wait.offset = 4096 });

	ASSERT_TRUE(peer);
	ASSERT_TRUE(WAIT_UNTIL(region_stat(fd).waiters == 1));
	ASSERT_EQ(0, ipcshm_region_resize(fd, 4096));
	EXPECT_EQ(-EINVAL, finish(peer));
	EXPECT_EQ(0, ipcshm_region_wake(fd, 0, 1));
}

/* Wakes one word until the task that is woken has finished; @value counts what it woke. */
static void waker_role(struct peer *peer)
{
	while (!is_done(&peer->region->peers.list[0])) {
		int woken = ipcshm_region_wake(peer->fd, peer->wait.offset, 1);

		if (woken < 0) {
			peer->result = woken;
			break;
		}
		peer->value += woken;
	}
}

/* Counts its wake-ups, each of which is by one WAKE of one word. */
static void woken_role(struct peer *peer)
{
	struct ipcshm_region_word words[8];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = (struct ipcshm_region_word){ .offset = 8 * i, .size = 4 };
	for (i = 0; i < peer->count; i++) {
		int woken = ipcshm_region_waitv(peer->fd, words, ARRAY_SIZE(words),
						peer->wait.deaths, i % 16 ? FOREVER : 0);

		if (woken >= 0) {
			peer->value++;
		} else if (woken != -ETIMEDOUT) {
			peer->result = woken;
			break;
		}
	}
}

TEST_F_TIMEOUT(wait, wakers_of_several_words_each_count_their_own, 120)
{
	struct peer *wakers[4], *woken = region_start(&self->region, woken_role, (struct peer){
		.count = many(20000, 2000), .wait.deaths = deaths_now(&self->region),
	});
	__u64 counted = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wakers); i++)
		wakers[i] = region_start(&self->region, waker_role,
					 (struct peer){ .wait.offset = 8 * 2 * i });
	EXPECT_EQ(0, finish(woken));
	for (i = 0; i < ARRAY_SIZE(wakers); i++) {
		EXPECT_EQ(0, finish(wakers[i]));
		counted += wakers[i]->value;
	}
	EXPECT_LT(0, counted);
	EXPECT_EQ(woken->value, counted);
	EXPECT_EQ(0, waiters_used(&self->region));
}

IPCSHM_TEST_MAIN
