// SPDX-License-Identifier: GPL-2.0-only
/* Many watches of words of a region, and their races. */
#include <sys/epoll.h>

#include "common/harness.h"
#include "common/region.h"
#include "common/wait.h"
#include "wait_fixture.h"

/* More watches than a waker notifies itself, each in more than one set. */
#define WATCHES	200
#define SETS	3

struct crowd {
	int fds[WATCHES];
	int sets[SETS];
};

/* Each descriptor watches the word at @offset, and those after it @step bytes further on each. */
static bool make_crowd(struct test_region *region, struct crowd *crowd, __u64 offset, __u64 step)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	unsigned int i, set;

	for (set = 0; set < SETS; set++)
		crowd->sets[set] = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < WATCHES; i++) {
		crowd->fds[i] = region_open_again(region, IPCSHM_READ);
		if (crowd->fds[i] < 0 ||
		    ipcshm_region_watch(crowd->fds[i], offset + i * step, 4, 0, deaths_now(region)))
			return false;
		event.data.u32 = i;
		for (set = 0; set < SETS; set++)
			if (epoll_ctl(crowd->sets[set], EPOLL_CTL_ADD, crowd->fds[i], &event))
				return false;
	}
	return true;
}

/* How many of the first watches, in any set, are not reported before long. */
static unsigned int missed_edges(const struct crowd *crowd, unsigned int count)
{
	struct epoll_event events[WATCHES];
	unsigned int set, missed = 0;

	for (set = 0; set < SETS; set++) {
		bool seen[WATCHES] = { false };
		unsigned int left = count;

		while (left) {
			int got =
				epoll_wait(crowd->sets[set], events, WATCHES, WAIT_SECONDS * 1000);

			if (got <= 0)
				break;
			while (got--) {
				left -= events[got].data.u32 < count && !seen[events[got].data.u32];
				seen[events[got].data.u32] = true;
			}
		}
		missed += left;
	}
	return missed;
}

TEST_F(wait, each_wake_up_is_an_edge_for_each_of_many_watches)
{
	struct crowd crowd;
	unsigned int round;

	ASSERT_TRUE(make_crowd(&self->region, &crowd, 0, 0));
	for (round = 1; round <= 5; round++) {
		store_word(&self->region, 0, round);
		EXPECT_EQ(0, wake_word(&self->region, 0, 1));
		EXPECT_EQ(0, missed_edges(&crowd, WATCHES));
	}
}

TEST_F(wait, wake_ups_of_many_words_are_edges_for_their_watches)
{
	struct crowd crowd;
	unsigned int round, i;

	ASSERT_TRUE(make_crowd(&self->region, &crowd, 0, 8));
	for (round = 1; round <= 3; round++) {
		for (i = 0; i < WATCHES; i++)
			EXPECT_EQ(0, wake_word(&self->region, i * 8, 1));
		EXPECT_EQ(0, missed_edges(&crowd, WATCHES));
	}
}

TEST_F(wait, shrinking_is_an_edge_for_each_watch_beyond_the_end)
{
	struct ipcshm_region_attr attr = { .size = 2 * 4096, .max_size = 2 * 4096 };
	int kept = self->region.fd;
	struct crowd crowd;

	self->region.name.text[0] = 's';
	self->region.fd = ipcshm_region_open(self->region.device, self->region.name.text,
					     READ_WRITE | CREATE_NEW, 0600, &attr);
	ASSERT_LE(0, self->region.fd);
	ASSERT_TRUE(make_crowd(&self->region, &crowd, 4096, 8));
	EXPECT_EQ(0, ipcshm_region_resize(self->region.fd, 4096));
	EXPECT_EQ(0, missed_edges(&crowd, WATCHES));
	close(self->region.fd);
	self->region.fd = kept;
}

static void storm_role(struct peer *peer)
{
	be_ready(peer);
	for (;;)
		ipcshm_region_wake(peer->fd, peer->wait.offset, 1);
}

/* Has watches on the word, sets them anew, and is killed at some time. */
static void watching_role(struct peer *peer)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int set = epoll_create1(EPOLL_CLOEXEC), fds[40];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = region_open_again(peer->region, IPCSHM_READ);
		epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event);
		ipcshm_region_watch(fds[i], peer->wait.offset, 4, 0, 0);
	}
	be_ready(peer);
	for (i = 0;; i++) {
		ipcshm_region_watch(fds[i % ARRAY_SIZE(fds)],
				    i % 3 ? peer->wait.offset : i % 64 * 4, 4, 0, 0);
		epoll_wait(set, &event, 1, 0);
	}
}

TEST_F_TIMEOUT(wait, watches_lose_no_wake_up_while_others_end, 120)
{
	const unsigned int rounds = many(200, 30);
	struct peer *storm =
		region_start_ready(&self->region, storm_role, (struct peer){ .wait.offset = 0 });
	struct peer *watching[4] = { NULL };
	struct crowd crowd;
	unsigned int round;

	ASSERT_TRUE(storm);
	ASSERT_TRUE(make_crowd(&self->region, &crowd, 0, 0));
	for (round = 0; round < rounds; round++) {
		struct peer **one = &watching[round % ARRAY_SIZE(watching)];

		if (*one)
			kill_peer(*one);
		*one = region_start_ready(&self->region, watching_role,
					  (struct peer) { .wait.offset = 0 });
		ASSERT_TRUE(*one);
		ASSERT_EQ(0, missed_edges(&crowd, WATCHES));
	}
	kill_peer(storm);
	/* Receive the rest of the storm. */
	while (epoll_wait(crowd.sets[0], &(struct epoll_event) { 0 }, 1, 100) > 0)
		;
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, missed_edges(&crowd, WATCHES));
}

/* Sleepers of other words are not visited; sleepers that know of a death sleep on. */
TEST_F(wait, deaths_and_wake_ups_find_their_sleepers_among_many)
{
	struct peer *sleeping[100];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sleeping); i++) {
		sleeping[i] = block_on(&self->region, i % 50 * 4);
		ASSERT_TRUE(sleeping[i]);
	}
	for (i = 0; i < 50; i++)
		EXPECT_EQ(1, wake_word(&self->region, i * 4, 1));
	for (i = 0; i < 50; i++)
		EXPECT_EQ(0, finish(sleeping[i]));
	EXPECT_EQ(50, region_stat_now(&self->region).waiters);
	ASSERT_TRUE(one_death(&self->region));
	for (i = 50; i < 100; i++)
		EXPECT_EQ(-EOWNERDEAD, finish(sleeping[i]));
}

/* Polls for its turn, instead of waiting for it. */
static bool poll_change(struct test_region *region, int fd, __u64 offset, __u32 expected)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };

	while (load_word(region, offset) == expected) {
		if (ipcshm_region_watch(fd, offset, 4, expected, 0) ||
		    poll(&entry, 1, WAIT_SECONDS * 1000) != 1)
			return false;
	}
	return true;
}

static void poll_pair_role(struct peer *peer)
{
	int fd = region_open_again(peer->region, READ_WRITE);
	__u32 turn;

	join_for_a_while(peer);
	for (turn = peer->value; turn < 1000; turn += 2) {
		if (turn && !poll_change(peer->region, fd, peer->wait.offset, turn - 2)) {
			peer->result = -ETIMEDOUT;
			break;
		}
		store_word(peer->region, peer->wait.offset, turn);
		wake_word(peer->region, peer->wait.offset, 1);
	}
	munmap(peer->region->map, PAGES * peer->region->page_size);
}

TEST_F_TIMEOUT(wait, pollers_lose_no_wake_up, 120)
{
	unsigned int i, lost = 0;

	for (i = 0; i < 10; i++) {
		store_word(&self->region, i * 4, -1);
		region_start(&self->region, poll_pair_role,
			     (struct peer){ .wait.offset = i * 4, .value = 0 });
		region_start(&self->region, poll_pair_role,
			     (struct peer){ .wait.offset = i * 4, .value = 1 });
	}
	for (i = 0; i < 20; i++)
		lost += finish(&self->region.peers.list[i]) != 0;
	EXPECT_EQ(0, lost);
}

IPCSHM_TEST_MAIN
