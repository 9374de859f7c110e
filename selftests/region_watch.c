// SPDX-License-Identifier: GPL-2.0-only
/* Watching a word of a region by poll and epoll. */
#include <sys/epoll.h>

#include "common/harness.h"
#include "common/region.h"
#include "common/wait.h"
#include "wait_fixture.h"

/* Watching. */

#define NONE	0

static short events_of(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLPRI | POLLOUT };

	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

/* Blocks in poll(), and returns its events. */
static void poll_role(struct peer *peer)
{
	struct pollfd entry = { .fd = peer->fd, .events = peer->value };

	be_ready(peer);
	peer->result = poll(&entry, 1, -1) < 0 ? -errno : entry.revents;
}

static void beyond_role(struct peer *peer)
{
	be_ready(peer);
	peer->result = ipcshm_region_wait(peer->fd, peer->value, 4, 0, 0, IPCSHM_FOREVER);
}

static struct peer *block_poller(struct test_region *region, short events)
{
	struct peer *peer = region_start_ready(region, poll_role, (struct peer){ .value = events });

	return peer && WAIT_UNTIL(process_state(peer->pid) == 'S') ? peer : NULL;
}

TEST_F(wait, nothing_is_watched_at_first)
{
	EXPECT_EQ(NONE, events_of(self->region.fd));
	store_word(&self->region, 0, 1);
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(NONE, events_of(self->region.fd));
}

TEST_F(wait, watch_reports_as_long_as_the_word_differs)
{
	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	store_word(&self->region, 0, 1);
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
	store_word(&self->region, 0, 0);
	EXPECT_EQ(NONE, events_of(self->region.fd));
}

TEST_F(wait, watch_of_eight_bytes_sees_them_all)
{
	ASSERT_EQ(0, ipcshm_region_watch(self->region.fd, 8, 8, 1ULL << 40, 0));
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
	store_word(&self->region, 12, 1 << 8);
	EXPECT_EQ(NONE, events_of(self->region.fd));
	store_word(&self->region, 16, 1);
	EXPECT_EQ(NONE, events_of(self->region.fd));
}

/* A process with only a descriptor does not keep a region from shrinking. */
TEST_F(wait, word_that_goes_with_a_part_of_the_region_ends_its_waits)
{
	struct ipcshm_region_attr attr = { .size = 3 * 4096, .max_size = 3 * 4096 };
	int fd = ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				    &attr);
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	struct peer *low, *high;

	ASSERT_LE(0, fd);
	low = region_start_ready(&self->region, beyond_role,
				 (struct peer){ .fd = fd, .value = 4096 });
	high = region_start_ready(&self->region, beyond_role,
				  (struct peer){ .fd = fd, .value = 8192 });
	ASSERT_TRUE(low && high);
	ASSERT_TRUE(WAIT_UNTIL(region_stat(fd).waiters == 2));
	ASSERT_EQ(0, ipcshm_region_watch(fd, 8192, 4, 0, 0));
	EXPECT_EQ(0, poll(&entry, 1, 0));
	EXPECT_EQ(0, ipcshm_region_resize(fd, 8192));
	EXPECT_EQ(-EINVAL, finish(high));
	EXPECT_EQ(1, poll(&entry, 1, 1000 * WAIT_SECONDS));
	EXPECT_EQ(1, region_stat(fd).waiters);
	EXPECT_EQ(1, ipcshm_region_wake(fd, 4096, 1));
	EXPECT_EQ(0, finish(low));
}

TEST_F(wait, watch_reports_a_wake_up_until_it_is_set_again)
{
	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	EXPECT_EQ(NONE, events_of(self->region.fd));
}

TEST_F(wait, watch_reports_no_wake_up_of_another_word)
{
	__u64 offset;

	ASSERT_EQ(0, watch_word(&self->region, 64, 0));
	for (offset = 0; offset < PAGES * self->region.page_size; offset += 4)
		if (offset != 64)
			wake_word(&self->region, offset, 1);
	EXPECT_EQ(NONE, events_of(self->region.fd));
}

TEST_F(wait, blocked_poller_is_woken_with_the_word)
{
	struct peer *peer;

	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	peer = block_poller(&self->region, POLLIN);
	ASSERT_TRUE(peer);
	store_word(&self->region, 0, 1);
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
	EXPECT_EQ(POLLIN, finish(peer));
}

TEST_F(wait, watch_takes_no_wake_up_from_a_waiter)
{
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
}

TEST_F(wait, watch_is_replaced_by_the_next)
{
	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	store_word(&self->region, 0, 1);
	ASSERT_EQ(0, watch_word(&self->region, 4, 0));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(NONE, events_of(self->region.fd));
	wake_word(&self->region, 4, 1);
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
}

TEST_F(wait, watch_that_is_refused_changes_nothing)
{
	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	EXPECT_EQ(-EINVAL,
		  ipcshm_region_watch(self->region.fd, PAGES * self->region.page_size, 4, 0, 0));
	EXPECT_EQ(-EINVAL, ipcshm_region_watch(self->region.fd, 2, 4, 0, 0));
	EXPECT_EQ(-EINVAL, ipcshm_region_watch(self->region.fd, 0, 4, 1ULL << 32, 0));
	EXPECT_EQ(-EINVAL, ipcshm_region_watch(self->region.fd, 0, 0, 1, 0));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
}

TEST_F(wait, watch_is_taken_away_by_a_size_of_zero)
{
	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	store_word(&self->region, 0, 1);
	ASSERT_EQ(0, ipcshm_region_watch(self->region.fd, 0, 0, 0, 0));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(NONE, events_of(self->region.fd));
}

TEST_F(wait, new_watch_is_seen_by_current_pollers)
{
	struct peer *peer;

	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	peer = block_poller(&self->region, POLLIN);
	ASSERT_TRUE(peer);
	ASSERT_EQ(0, watch_word(&self->region, 0, 1));
	EXPECT_EQ(POLLIN, finish(peer));
}

TEST_F(wait, descriptors_watch_each_for_itself)
{
	int other = region_open_again(&self->region, IPCSHM_READ);

	ASSERT_EQ(0, ipcshm_region_watch(other, 4, 4, 0, 0));
	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	store_word(&self->region, 0, 1);
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
	EXPECT_EQ(NONE, events_of(other));
	wake_word(&self->region, 4, 1);
	EXPECT_EQ(POLLIN, events_of(other));
	close(other);
	wake_word(&self->region, 4, 1);
}

TEST_F(wait, many_descriptors_watch_one_word)
{
	int fds[20];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = region_open_again(&self->region, IPCSHM_READ);
		ASSERT_EQ(0, ipcshm_region_watch(fds[i], 0, 4, 0, 0));
	}
	close(fds[7]);
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		if (i != 7)
			EXPECT_EQ(POLLIN, events_of(fds[i]));
}

TEST_F(wait, duplicates_of_a_descriptor_share_its_watch)
{
	int copy = dup(self->region.fd);

	ASSERT_EQ(0, ipcshm_region_watch(copy, 0, 4, 1, 0));
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
	close(copy);
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
}

/* Sets the watch that its parent polls for. */
static void watch_role(struct peer *peer)
{
	peer->result = ipcshm_region_watch(peer->fd, 0, 4, 0, 0);
}

TEST_F(wait, watch_set_by_a_child_is_that_of_the_descriptor)
{
	EXPECT_EQ(0, finish(region_start(&self->region, watch_role, (struct peer) { 0 })));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
}

TEST_F(wait, death_is_reported_until_it_is_acknowledged)
{
	EXPECT_EQ(NONE, events_of(self->region.fd));
	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(POLLPRI, events_of(self->region.fd));
	EXPECT_EQ(POLLPRI, events_of(self->region.fd));
	ASSERT_EQ(0, ipcshm_region_watch(self->region.fd, 0, 0, 0, 1));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(POLLPRI, events_of(self->region.fd));
	store_word(&self->region, 0, 1);
	EXPECT_EQ(POLLIN | POLLPRI, events_of(self->region.fd));
}

TEST_F(wait, new_descriptor_knows_the_deaths_before_it)
{
	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(NONE, events_of(region_open_again(&self->region, IPCSHM_READ)));
}

TEST_F(wait, blocked_poller_is_woken_by_a_death)
{
	struct peer *member = start_member(&self->region),
		    *peer = block_poller(&self->region, POLLPRI);

	ASSERT_TRUE(member && peer);
	kill_peer(member);
	EXPECT_EQ(POLLPRI, finish(peer));
}

/* The events of an epoll set's only member. */
static __u32 epoll_events(int set, int timeout)
{
	struct epoll_event event;

	return epoll_wait(set, &event, 1, timeout) == 1 ? event.events : 0;
}

static int epoll_of(struct test_region *region, __u32 events)
{
	struct epoll_event event = { .events = events };
	int set = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(set, EPOLL_CTL_ADD, region->fd, &event);
	return set;
}

TEST_F(wait, level_triggered_epoll_reports_again)
{
	int set = epoll_of(&self->region, EPOLLIN | EPOLLPRI);

	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	EXPECT_EQ(0, epoll_events(set, 0));
	store_word(&self->region, 0, 1);
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(EPOLLIN, epoll_events(set, 0));
	EXPECT_EQ(EPOLLIN, epoll_events(set, 0));
	ASSERT_EQ(0, watch_word(&self->region, 0, 1));
	EXPECT_EQ(0, epoll_events(set, 0));
	ASSERT_TRUE(one_death(&self->region));
	/* Pollers are woken by a work item, which may not have run yet. */
	EXPECT_TRUE(WAIT_UNTIL(epoll_events(set, 0) == EPOLLPRI));
}

TEST_F(wait, edge_triggered_epoll_reports_a_wake_up_once)
{
	int set = epoll_of(&self->region, EPOLLIN | EPOLLPRI | EPOLLET);

	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	EXPECT_EQ(0, epoll_events(set, 0));
	store_word(&self->region, 0, 1);
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(EPOLLIN, epoll_events(set, 0));
	EXPECT_EQ(0, epoll_events(set, 0));
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(EPOLLIN, epoll_events(set, 0));
	EXPECT_EQ(0, epoll_events(set, 0));
}

static void epoll_role(struct peer *peer)
{
	be_ready(peer);
	peer->result = epoll_events(peer->value, -1);
}

TEST_F(wait, blocked_epoll_is_woken)
{
	struct peer *peer;

	ASSERT_EQ(0, watch_word(&self->region, 0, 0));
	peer = region_start_ready(&self->region, epoll_role,
				  (struct peer){ .value = epoll_of(&self->region, EPOLLIN) });
	ASSERT_TRUE(peer);
	ASSERT_TRUE(WAIT_UNTIL(process_state(peer->pid) == 'S'));
	store_word(&self->region, 0, 1);
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(EPOLLIN, finish(peer));
}

TEST_F(wait, watched_descriptor_leaves_an_epoll_set_when_it_is_closed)
{
	int other = region_open_again(&self->region, IPCSHM_READ),
	    set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };

	ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, other, &event));
	ASSERT_EQ(0, ipcshm_region_watch(other, 0, 4, 0, 0));
	close(other);
	store_word(&self->region, 0, 1);
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(0, epoll_events(set, 0));
}

TEST_F(wait, revocation_is_reported_by_poll)
{
	struct peer *peer = block_poller(&self->region, POLLIN);

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(POLLERR | POLLHUP, finish(peer));
	EXPECT_EQ(POLLERR | POLLHUP, events_of(self->region.fd));
}

/* The events that poll reports. */

TEST_F(wait, poll_reports_the_chosen_events)
{
	__u32 deaths = deaths_now(&self->region), events;

	ASSERT_TRUE(one_death(&self->region));
	store_word(&self->region, 0, 1);
	for (events = 0; events < 8; events++) {
		__u32 size = events & IPCSHM_WATCH_WORD ? 4 : 0;
		short expected = (events & IPCSHM_WATCH_WORD ? POLLIN : 0) |
				 (events & IPCSHM_WATCH_DEATHS ? POLLPRI : 0);

		ASSERT_EQ(0, ipcshm_region_watch_events(self->region.fd, events, 0, size, 0,
							deaths));
		EXPECT_EQ(expected, events_of(self->region.fd));
	}
}

TEST_F(wait, revocation_is_reported_only_if_chosen)
{
	int deaths = region_open_again(&self->region, IPCSHM_READ);
	int word = region_open_again(&self->region, IPCSHM_READ);

	ASSERT_EQ(0, ipcshm_region_watch_events(deaths, IPCSHM_WATCH_DEATHS, 0, 0, 0,
						deaths_now(&self->region)));
	ASSERT_EQ(0, ipcshm_region_watch_events(word, IPCSHM_WATCH_WORD, 0, 4, 0, 0));
	EXPECT_EQ(NONE, events_of(word));
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(POLLERR | POLLHUP, events_of(self->region.fd));
	EXPECT_EQ(NONE, events_of(deaths));
	EXPECT_EQ(POLLIN, events_of(word));
}

IPCSHM_TEST_MAIN
