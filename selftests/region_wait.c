// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting on a word of a region: what ends a wait (a wake-up, a death, a
 * deadline, a signal), that no wake-up is lost, and watching a word by poll.
 */
#include <pthread.h>
#include <sys/epoll.h>

#include "common/harness.h"
#include "common/region.h"
#include "common/swap.h"

#define ROUNDS		many(1000, 50)	/* of each pair; 100 processes: 100,000 waits */
#define PAIRS		50
#define THREADS		2000
#define FOREVER		IPCSHM_FOREVER
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

FIXTURE(wait) {
	struct test_region region;
};

FIXTURE_SETUP(wait)
{
	ASSERT_EQ(0,
		  region_set_up(&self->region, (struct ipcshm_region_attr){ .max_members = 200 }));
	ASSERT_TRUE(map_region(&self->region));
}

FIXTURE_TEARDOWN(wait)
{
	region_tear_down(&self->region);
}

static int wait_word(struct test_region *region, __u64 offset, __u32 size, __u64 expected,
		     __u64 deadline)
{
	return ipcshm_region_wait(region->fd, offset, size, expected, deaths_now(region), deadline);
}

/* What a wait on a 4-byte word says at once; it doesn't stay. */
static int try_wait(struct test_region *region, __u64 offset, __u32 expected)
{
	return wait_word(region, offset, 4, expected, 0);
}

/* The word and its size. */

TEST_F(wait, word_that_differs_is_not_waited_on)
{
	store_word(&self->region, 8, 5);
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, 8, 4));
	EXPECT_EQ(-EAGAIN, wait_word(&self->region, 8, 4, 4, FOREVER));
	EXPECT_EQ(-ETIMEDOUT, try_wait(&self->region, 8, 5));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

TEST_F(wait, all_eight_bytes_count_and_no_more)
{
	const __u64 value = 0x1122334455667788;

	memcpy(self->region.map + 8, &value, 8);
	memset(self->region.map + 16, 0xff, 8);
	EXPECT_EQ(-ETIMEDOUT, wait_word(&self->region, 8, 8, value, 0));
	EXPECT_EQ(-EAGAIN, wait_word(&self->region, 8, 8, value ^ 1ULL << 63, FOREVER));
	EXPECT_EQ(-EAGAIN, wait_word(&self->region, 8, 8, value ^ 1, FOREVER));
	EXPECT_EQ(-ETIMEDOUT, wait_word(&self->region, 8, 4, (__u32)value, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_word(&self->region, 12, 4, value >> 32, 0));
}

TEST_F(wait, last_word_is_a_word)
{
	EXPECT_EQ(-ETIMEDOUT,
		  wait_word(&self->region, PAGES * self->region.page_size - 4, 4, 0, 0));
	EXPECT_EQ(-ETIMEDOUT,
		  wait_word(&self->region, PAGES * self->region.page_size - 8, 8, 0, 0));
}

TEST_F(wait, beyond_the_end_is_no_word)
{
	const __u64 offsets[] = {
		PAGES * self->region.page_size,
		PAGES * self->region.page_size + 8,
		1ULL << 32,
		1ULL << 62,
		1ULL << 63,
		IPCSHM_MEMBER_PAGE_OFFSET,
		~7ULL,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(-EINVAL, wait_word(&self->region, offsets[i], 4, 0, FOREVER));
		EXPECT_EQ(-EINVAL, wait_word(&self->region, offsets[i], 8, 0, FOREVER));
		EXPECT_EQ(-EINVAL, ipcshm_region_watch(self->region.fd, offsets[i], 4, 0, 0));
	}
}

TEST_F(wait, hole_is_zero)
{
	struct peer *peer = block_on(&self->region, 3 * self->region.page_size);

	ASSERT_TRUE(peer);
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, 2 * self->region.page_size, 1));
	EXPECT_EQ(1, wake_word(&self->region, 3 * self->region.page_size, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, word_that_was_punched_out_is_zero)
{
	struct peer *peer;

	store_word(&self->region, self->region.page_size, 5);
	ASSERT_EQ(0, fallocate(self->region.fd, PUNCH, self->region.page_size,
			       self->region.page_size));
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, self->region.page_size, 5));
	peer = block_on(&self->region, self->region.page_size);
	ASSERT_TRUE(peer);
	EXPECT_EQ(1, wake_word(&self->region, self->region.page_size, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, wake_up_finds_who_waited_before_the_page_was_punched_out)
{
	struct peer *peer = block_on(&self->region, self->region.page_size);

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, fallocate(self->region.fd, PUNCH, self->region.page_size,
			       self->region.page_size));
	store_word(&self->region, self->region.page_size, 5);
	EXPECT_EQ(1, wake_word(&self->region, self->region.page_size, 1));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, self->region.page_size, 0));
}

TEST_F(wait, word_need_not_be_mapped)
{
	struct peer *peer;

	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	ASSERT_EQ(4, pwrite(self->region.fd, &(__u32) { 7 }, 4, 4));
	peer = block_waiter(&self->region, wait_role, (struct peer) { .offset = 4, .expected = 7 });
	ASSERT_TRUE(peer);
	EXPECT_EQ(1, wake_word(&self->region, 4, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, private_copy_of_a_word_is_not_the_word)
{
	__u32 *copy = map_pages(&self->region, self->region.fd, 0, 1, PROT_READ | PROT_WRITE,
				MAP_PRIVATE);

	ASSERT_NE(MAP_FAILED, copy);
	*copy = 5;
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, 0, 5));
	EXPECT_EQ(-ETIMEDOUT, try_wait(&self->region, 0, 0));
}

TEST_F(wait, swapped_out_word_is_read_back)
{
	struct peer *peer;

	if (!has_swap())
		SKIP(return, "no swap");
	memset(self->region.map, 0x5a, PAGES * self->region.page_size);
	ASSERT_TRUE(page_out(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, self->region.page_size, 0));
	ASSERT_TRUE(page_out(self->region.map, PAGES * self->region.page_size));
	peer = block_waiter(
		&self->region, wait_role,
		(struct peer){ .offset = self->region.page_size, .expected = 0x5a5a5a5a });
	ASSERT_TRUE(peer);
	ASSERT_TRUE(page_out(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(1, wake_word(&self->region, self->region.page_size, 1));
	EXPECT_EQ(0, finish(peer));
	ASSERT_TRUE(page_out(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(0, ipcshm_region_watch(self->region.fd, 0, 4, 0x5a5a5a5a, 0));
	EXPECT_EQ(0, poll(&(struct pollfd) { .fd = self->region.fd, .events = POLLIN }, 1, 0));
	EXPECT_EQ(0x5a5a5a5a, load_word(&self->region, 0));
}

static struct peer *block_huge(struct test_region *region, size_t size, size_t step)
{
	struct peer *first = &region->peers.list[region->peers.count];
	size_t offset;

	for (offset = step; offset < size; offset += step) {
		*(__u32 *)(region->map + offset) = offset;
		if (!block_waiter(region, wait_role,
				  (struct peer){ .offset = offset, .expected = offset }))
			return NULL;
	}
	return first;
}

TEST_F(wait, words_of_a_huge_page_are_words)
{
	const char *was = allow_huge_pages();
	struct ipcshm_region_attr attr = { .size = 4 << 20 };
	struct peer *peer;
	size_t size, offset;
	void *at;

	if (!was)
		SKIP(return, SHMEM_ENABLED " cannot be set");
	self->region.fd =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	ASSERT_LE(0, self->region.fd);
	ASSERT_EQ(0, ipcshm_region_map(self->region.fd, READ_WRITE, &at, &size));
	ASSERT_EQ(0, madvise(at, size, MADV_DONTFORK));
	ASSERT_EQ(0, madvise(at, size, MADV_HUGEPAGE));
	self->region.map = at;
	memset(self->region.map, 0, size);
	restore_huge_pages(was);
	if (!smaps_field(at, "ShmemPmdMapped"))
		SKIP(return, "no huge pages to be had");
	peer = block_huge(&self->region, size, 256 << 10);
	ASSERT_TRUE(peer);
	for (offset = 256 << 10; offset < size; offset += 256 << 10, peer++) {
		EXPECT_EQ(-EAGAIN, try_wait(&self->region, offset, offset + 1));
		EXPECT_EQ(1, wake_word(&self->region, offset, 1));
		EXPECT_EQ(0, finish(peer));
	}
}

/* Wake-ups. */

TEST_F(wait, wake_up_ends_a_wait)
{
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	store_word(&self->region, 0, 1);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

TEST_F(wait, wake_up_ends_a_wait_though_the_word_has_not_changed)
{
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, wake_up_without_a_waiter_is_not_kept)
{
	struct peer *peer;

	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, wake_word(&self->region, 0, INT_MAX));
	peer = block_on(&self->region, 0);
	ASSERT_TRUE(peer);
	EXPECT_EQ(1, wake_word(&self->region, 0, INT_MAX));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, who_came_first_is_woken_first)
{
	struct peer *waiters[6];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i] = block_on(&self->region, 0);
		ASSERT_TRUE(waiters[i]);
	}
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		EXPECT_EQ(1, wake_word(&self->region, 0, 1));
		EXPECT_EQ(0, finish(waiters[i]));
		EXPECT_EQ(ARRAY_SIZE(waiters) - i - 1, region_stat_now(&self->region).waiters);
	}
}

TEST_F(wait, who_waits_again_is_last)
{
	struct peer *first = block_on(&self->region, 0), *second = block_on(&self->region, 0);

	ASSERT_TRUE(first && second);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(first));
	first = block_on(&self->region, 0);
	ASSERT_TRUE(first);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(second));
	EXPECT_EQ(1, region_stat_now(&self->region).waiters);
}

TEST_F(wait, no_more_are_woken_than_asked_for)
{
	struct peer *waiters[5];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i] = block_on(&self->region, 4);
		ASSERT_TRUE(waiters[i]);
	}
	EXPECT_EQ(0, wake_word(&self->region, 4, 0));
	EXPECT_EQ(3, wake_word(&self->region, 4, 3));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, finish(waiters[i]));
	EXPECT_EQ(2, region_stat_now(&self->region).waiters);
	EXPECT_EQ(2, wake_word(&self->region, 4, 3));
	for (i = 3; i < 5; i++)
		EXPECT_EQ(0, finish(waiters[i]));
}

TEST_F(wait, wake_up_of_any_other_word_wakes_nobody)
{
	struct peer *peer = block_on(&self->region, 64);
	__u64 offset;

	ASSERT_TRUE(peer);
	for (offset = 0; offset < PAGES * self->region.page_size; offset += 4)
		if (offset != 64)
			ASSERT_EQ(0, wake_word(&self->region, offset, INT_MAX));
	EXPECT_EQ(-EINVAL, wake_word(&self->region, 65, 1));
	EXPECT_EQ(0, wake_word(&self->region, ~3ULL, 1));
	EXPECT_EQ(1, region_stat_now(&self->region).waiters);
	EXPECT_EQ(1, wake_word(&self->region, 64, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, word_of_another_region_is_another_word)
{
	struct ipcshm_region_attr attr = { .size = self->region.page_size };
	int other =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	EXPECT_EQ(0, ipcshm_region_wake(other, 0, 1));
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, any_descriptor_of_the_region_will_do)
{
	int reader = region_open_again(&self->region, IPCSHM_READ),
	    other = region_open_again(&self->region, READ_WRITE);
	struct peer *peer = block_waiter(&self->region, wait_role, (struct peer) { .fd = reader });

	ASSERT_TRUE(peer);
	EXPECT_EQ(1, ipcshm_region_wake(other, 0, 1));
	EXPECT_EQ(0, finish(peer));
	peer = block_waiter(&self->region, wait_role, (struct peer) { .fd = other });
	ASSERT_TRUE(peer);
	EXPECT_EQ(1, ipcshm_region_wake(reader, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

/* Waits, while a child of its own does the same. */
static void family_role(struct peer *peer)
{
	pid_t child = fork_peer();

	peer->result = wait_on(peer);
	if (!child)
		_exit(peer->result);
	peer->value = wait_child(child);
}

TEST_F(wait, parent_and_child_wait_each_for_itself)
{
	struct peer *peer = region_start(&self->region, family_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(region_stat_now(&self->region).waiters == 2));
	EXPECT_EQ(2, wake_word(&self->region, 0, 5));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(0, peer->value);
}

/* Deadlines and signals. */

FIXTURE(deadline) {
	struct test_region region;
};

FIXTURE_VARIANT(deadline) {
	clockid_t clock;
};

FIXTURE_VARIANT_ADD(deadline, realtime) { CLOCK_REALTIME };
FIXTURE_VARIANT_ADD(deadline, monotonic) { CLOCK_MONOTONIC };

FIXTURE_SETUP(deadline)
{
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
}

FIXTURE_TEARDOWN(deadline)
{
	region_tear_down(&self->region);
}

static int wait_until(struct test_region *region, clockid_t clock, __u64 deadline, __u32 expected)
{
	struct peer how = {
		.fd = region->fd,
		.size = 4,
		.expected = expected,
		.deadline = deadline,
		.clock = clock,
	};

	return wait_on(&how);
}

TEST_F(deadline, ends_a_wait_and_not_early)
{
	__u64 at = now_ns(variant->clock) + 100 * MS;

	EXPECT_EQ(-ETIMEDOUT, wait_until(&self->region, variant->clock, at, 0));
	EXPECT_LE(at, now_ns(variant->clock));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
}

TEST_F(deadline, in_the_past_ends_a_wait_at_once)
{
	EXPECT_EQ(-ETIMEDOUT, wait_until(&self->region, variant->clock, 0, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_until(&self->region, variant->clock, 1, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_until(&self->region, variant->clock, now_ns(variant->clock), 0));
}

TEST_F(deadline, in_the_past_is_no_matter_if_the_word_differs)
{
	EXPECT_EQ(-EAGAIN, wait_until(&self->region, variant->clock, 0, 1));
}

TEST_F(deadline, far_away_is_waited_for)
{
	const __u64 far[] = { FOREVER, FOREVER - 1, 1ULL << 63, (1ULL << 63) - 1, 1ULL << 62 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(far); i++) {
		struct peer *peer = block_waiter(&self->region, wait_role, (struct peer) {
			.deadline = far[i], .clock = variant->clock,
		});

		ASSERT_TRUE(peer);
		EXPECT_EQ(1, wake_word(&self->region, 0, 1));
		EXPECT_EQ(0, finish(peer));
	}
}

TEST_F(deadline, is_kept_though_signals_interrupt)
{
	struct peer *peer = block_waiter(&self->region, wait_role, (struct peer) {
		.deadline = now_ns(variant->clock) + 500 * MS, .clock = variant->clock,
		.handles_signal = true, .sa_flags = SA_RESTART,
	});
	unsigned int sent;

	ASSERT_TRUE(peer);
	for (sent = 0; !is_done(peer); sent++) {
		kill(peer->pid, SIGUSR1);
		ASSERT_TRUE(WAIT_UNTIL(signals_of(peer) > sent || is_done(peer)));
	}
	EXPECT_EQ(-ETIMEDOUT, finish(peer));
	EXPECT_LT(0, peer->signals);
}

TEST_F(wait, signal_handler_ends_a_wait)
{
	struct peer *peer =
		block_waiter(&self->region, wait_role, (struct peer){ .handles_signal = true });

	ASSERT_TRUE(peer);
	kill(peer->pid, SIGUSR1);
	EXPECT_EQ(-EINTR, finish(peer));
	EXPECT_EQ(1, peer->signals);
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
}

TEST_F(wait, signal_handler_with_restart_ends_no_wait)
{
	struct peer *peer = block_waiter(&self->region, wait_role, (struct peer) {
		.handles_signal = true, .sa_flags = SA_RESTART,
	});

	ASSERT_TRUE(peer);
	kill(peer->pid, SIGUSR1);
	ASSERT_TRUE(WAIT_UNTIL(signals_of(peer) == 1));
	ASSERT_TRUE(WAIT_UNTIL(wake_word(&self->region, 0, 1)));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, stop_and_continue_ends_no_wait)
{
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	kill(peer->pid, SIGSTOP);
	ASSERT_TRUE(WAIT_UNTIL(process_state(peer->pid) == 'T'));
	kill(peer->pid, SIGCONT);
	ASSERT_TRUE(WAIT_UNTIL(wake_word(&self->region, 0, 1)));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, stopped_waiter_sees_a_change_when_it_goes_on)
{
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	kill(peer->pid, SIGSTOP);
	ASSERT_TRUE(WAIT_UNTIL(process_state(peer->pid) == 'T'));
	store_word(&self->region, 0, 1);
	wake_word(&self->region, 0, 1);
	kill(peer->pid, SIGCONT);
	EXPECT_EQ(-EAGAIN, finish(peer));
}

TEST_F(wait, killed_waiter_leaves_no_trace)
{
	__u64 used = get_info(self->region.device).waiters.used;
	struct peer *first = block_on(&self->region, 0), *second = block_on(&self->region, 0);

	ASSERT_TRUE(first && second);
	EXPECT_EQ(used + 2, get_info(self->region.device).waiters.used);
	kill_peer(first);
	EXPECT_EQ(1, region_stat_now(&self->region).waiters);
	EXPECT_EQ(used + 1, get_info(self->region.device).waiters.used);
	EXPECT_EQ(1, wake_word(&self->region, 0, 5));
	EXPECT_EQ(0, finish(second));
	EXPECT_EQ(0, deaths_now(&self->region));
	EXPECT_EQ(used, get_info(self->region.device).waiters.used);
}

/* Time namespaces: the deadline is of the clock that the process sees. */

static void shifted_role(struct peer *peer)
{
	__u64 start = now_ns(CLOCK_REALTIME);
	__u64 at = now_ns(CLOCK_MONOTONIC) + 200 * MS;

	peer->result = wait_until(peer->region, CLOCK_MONOTONIC, at, 0);
	peer->value = now_ns(CLOCK_REALTIME) - start;
}

static void enter_time_namespace_role(struct peer *peer)
{
	char offset[64];
	ssize_t length;
	pid_t child;
	int fd;

	if (unshare(CLONE_NEWTIME))
		_exit(1);
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	length = snprintf(offset, sizeof(offset), "monotonic %lld 0", (long long)peer->count);
	if (write(fd, offset, length) != length)
		_exit(2);
	child = fork_peer();
	if (!child) {
		shifted_role(peer);
		_exit(0);
	}
	wait_child(child);
}

FIXTURE(shifted_clock) {
	struct test_region region;
};

FIXTURE_VARIANT(shifted_clock) {
	__s64 seconds;
};

FIXTURE_VARIANT_ADD(shifted_clock, later) { 1000 };
FIXTURE_VARIANT_ADD(shifted_clock, earlier) { -1 };

FIXTURE_SETUP(shifted_clock)
{
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
}

FIXTURE_TEARDOWN(shifted_clock)
{
	region_tear_down(&self->region);
}

TEST_F(shifted_clock, has_deadlines_of_its_own)
{
	struct peer *peer;

	SKIP_UNLESS_ROOT;
	if (access("/proc/self/timens_offsets", F_OK))
		SKIP(return, "no time namespaces");
	peer = region_start(&self->region, enter_time_namespace_role,
			    (struct peer){ .count = variant->seconds });
	EXPECT_EQ(-ETIMEDOUT, finish(peer));
	EXPECT_LE(199 * MS, peer->value);
	EXPECT_GE(10 * SECOND, peer->value);
}

/* Deaths. */

TEST_F(wait, death_of_a_member_ends_a_wait)
{
	struct peer *member = start_member(&self->region), *peer = block_on(&self->region, 0);

	ASSERT_TRUE(member && peer);
	kill_peer(member);
	EXPECT_EQ(-EOWNERDEAD, finish(peer));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
}

TEST_F(wait, death_before_the_wait_ends_it_at_once)
{
	struct peer how = { .fd = self->region.fd, .size = 4, .deadline = FOREVER };

	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(-EOWNERDEAD, wait_on(&how));
	how.deaths = 2;
	EXPECT_EQ(-EOWNERDEAD, wait_on(&how));
	how.deaths = deaths_now(&self->region);
	how.deadline = 0;
	EXPECT_EQ(-ETIMEDOUT, wait_on(&how));
}

TEST_F(wait, death_ends_the_waits_of_all_words)
{
	struct peer *member = start_member(&self->region), *waiters[40];
	unsigned int i;

	ASSERT_TRUE(member);
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i] = block_on(&self->region, i / 2 * 260);
		ASSERT_TRUE(waiters[i]);
	}
	kill_peer(member);
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		EXPECT_EQ(-EOWNERDEAD, finish(waiters[i]));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

static void leaving_role(struct peer *peer)
{
	void *at = map_pages(peer->region, peer->region->fd, 0, 1, PROT_READ, MAP_SHARED);

	be_ready(peer);
	munmap(at, peer->region->page_size);
}

TEST_F(wait, leaving_ends_no_wait)
{
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	EXPECT_EQ(0, finish(region_start(&self->region, leaving_role, (struct peer) { 0 })));
	EXPECT_EQ(1, region_stat_now(&self->region).waiters);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

static void waiting_member_role(struct peer *peer)
{
	join_region(peer);
	peer->result = wait_on(peer);
	for (;;)
		pause();
}

TEST_F(wait, death_of_a_waiting_member_ends_the_waits_of_others)
{
	struct peer *member = block_waiter(&self->region, waiting_member_role, (struct peer) { 0 });
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(member && peer);
	kill_peer(member);
	EXPECT_EQ(-EOWNERDEAD, finish(peer));
}

TEST_F(wait, death_in_one_region_is_none_in_another)
{
	struct ipcshm_region_attr attr = { .size = self->region.page_size };
	int other =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	struct peer *peer = region_start(&self->region, wait_role, (struct peer) { .fd = other });

	ASSERT_TRUE(WAIT_UNTIL(region_stat(other).waiters == 1));
	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(1, region_stat(other).waiters);
	EXPECT_EQ(0, region_stat(other).deaths);
	EXPECT_EQ(1, ipcshm_region_wake(other, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

/* A death just as somebody begins to wait is never missed. */
static void race_death_role(struct peer *peer)
{
	peer->deaths = deaths_now(peer->region);
	be_ready(peer);
	peer->deadline = now_ns(CLOCK_MONOTONIC) + WAIT_SECONDS * SECOND;
	peer->clock = CLOCK_MONOTONIC;
	peer->result = wait_on(peer);
}

TEST_F_TIMEOUT(wait, death_as_a_wait_begins_is_not_missed, 120)
{
	unsigned int i;

	for (i = 0; i < 200; i++) {
		struct peer *member = start_member(&self->region), *peer;

		ASSERT_TRUE(member);
		peer = region_start_ready(&self->region, race_death_role, (struct peer) { 0 });
		ASSERT_TRUE(peer);
		kill_peer(member);
		ASSERT_EQ(-EOWNERDEAD, finish(peer));
		forget_peers(&self->region.peers);
	}
}

/* No wake-up is lost. */

static __u32 random_below(__u32 *state, __u32 limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % limit;
}

static void dawdle(__u32 *state)
{
	volatile __u32 turns = random_below(state, 4) ? 0 : random_below(state, 2000);

	while (turns)
		turns--;
}

/* Waits until a word isn't as expected; false if nobody wakes it in time. */
static bool await_change(struct test_region *region, __u64 offset, __u32 expected)
{
	while (load_word(region, offset) == expected) {
		int result = wait_word(region, offset, 4, expected, SOON);

		if (result && result != -EAGAIN)
			return false;
	}
	return true;
}

/* Members that leave at the end: no death helps anybody out. */
static void join_for_a_while(struct peer *peer)
{
	peer->region->map =
		map_pages(peer->region, peer->fd, 0, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (peer->region->map == MAP_FAILED)
		_exit(1);
}

/* Two on one word: each stores the next number when the other has stored its own. */
static void pair_role(struct peer *peer)
{
	__u32 random = getpid() | 1, turn;

	join_for_a_while(peer);
	for (turn = peer->value; turn < 2 * ROUNDS; turn += 2) {
		if (turn && !await_change(peer->region, peer->offset, turn - 2)) {
			peer->result = -ETIMEDOUT;
			break;
		}
		dawdle(&random);
		store_word(peer->region, peer->offset, turn);
		wake_word(peer->region, peer->offset, 1);
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
			     (struct peer){ .offset = offset, .value = 0 });
		region_start(&self->region, pair_role,
			     (struct peer){ .offset = offset, .value = 1 });
	}
	for (i = 0; i < 2 * PAIRS; i++)
		lost += finish(&self->region.peers.list[i]) != 0;
	EXPECT_EQ(0, lost);
	EXPECT_EQ(0, deaths_now(&self->region));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

/*
 * One begins to wait, again and again, just as the other stores and wakes, a
 * little later each time: whether the store comes before the look at the word,
 * between that and going to sleep, or after both, it isn't missed.  How much later
 * is measured, because on a slow machine the moment comes after many times longer.
 */
#define RACES		many(200000, 5000)
#define DELAYS		100	/* different ones */
#define BEGINS		64	/* offset of the word that says who begins to wait */

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
		dawdle(&random);
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

/* Watching. */

#define NONE	0

static short events_of(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLPRI | POLLOUT };

	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

static int watch(struct test_region *region, __u64 offset, __u32 expected)
{
	return ipcshm_region_watch(region->fd, offset, 4, expected, deaths_now(region));
}

/* Is blocked in poll(); what it says at the end. */
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

TEST_F(wait, watch_tells_as_long_as_the_word_differs)
{
	ASSERT_EQ(0, watch(&self->region, 0, 0));
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

/* Who has only a descriptor isn't in the way of a region that shrinks. */
TEST_F(wait, word_that_goes_with_a_part_of_the_region_ends_what_waits_for_it)
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

TEST_F(wait, watch_tells_of_a_wake_up_until_it_is_set_again)
{
	ASSERT_EQ(0, watch(&self->region, 0, 0));
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
	ASSERT_EQ(0, watch(&self->region, 0, 0));
	EXPECT_EQ(NONE, events_of(self->region.fd));
}

TEST_F(wait, watch_tells_of_no_wake_up_of_another_word)
{
	__u64 offset;

	ASSERT_EQ(0, watch(&self->region, 64, 0));
	for (offset = 0; offset < PAGES * self->region.page_size; offset += 4)
		if (offset != 64)
			wake_word(&self->region, offset, 1);
	EXPECT_EQ(NONE, events_of(self->region.fd));
}

TEST_F(wait, blocked_poller_is_woken_with_the_word)
{
	struct peer *peer;

	ASSERT_EQ(0, watch(&self->region, 0, 0));
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
	ASSERT_EQ(0, watch(&self->region, 0, 0));
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
}

TEST_F(wait, watch_is_replaced_by_the_next)
{
	ASSERT_EQ(0, watch(&self->region, 0, 0));
	store_word(&self->region, 0, 1);
	ASSERT_EQ(0, watch(&self->region, 4, 0));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(NONE, events_of(self->region.fd));
	wake_word(&self->region, 4, 1);
	EXPECT_EQ(POLLIN, events_of(self->region.fd));
}

TEST_F(wait, watch_that_is_refused_changes_nothing)
{
	ASSERT_EQ(0, watch(&self->region, 0, 0));
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
	ASSERT_EQ(0, watch(&self->region, 0, 0));
	store_word(&self->region, 0, 1);
	ASSERT_EQ(0, ipcshm_region_watch(self->region.fd, 0, 0, 0, 0));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(NONE, events_of(self->region.fd));
}

TEST_F(wait, new_watch_is_seen_by_who_polls_already)
{
	struct peer *peer;

	ASSERT_EQ(0, watch(&self->region, 0, 0));
	peer = block_poller(&self->region, POLLIN);
	ASSERT_TRUE(peer);
	ASSERT_EQ(0, watch(&self->region, 0, 1));
	EXPECT_EQ(POLLIN, finish(peer));
}

TEST_F(wait, descriptors_watch_each_for_itself)
{
	int other = region_open_again(&self->region, IPCSHM_READ);

	ASSERT_EQ(0, ipcshm_region_watch(other, 4, 4, 0, 0));
	ASSERT_EQ(0, watch(&self->region, 0, 0));
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

TEST_F(wait, death_is_told_until_it_is_acknowledged)
{
	EXPECT_EQ(NONE, events_of(self->region.fd));
	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(POLLPRI, events_of(self->region.fd));
	EXPECT_EQ(POLLPRI, events_of(self->region.fd));
	ASSERT_EQ(0, ipcshm_region_watch(self->region.fd, 0, 0, 0, 1));
	EXPECT_EQ(NONE, events_of(self->region.fd));
	ASSERT_EQ(0, watch(&self->region, 0, 0));
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

/* What an epoll set says of its only member. */
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

TEST_F(wait, level_triggered_epoll_tells_again)
{
	int set = epoll_of(&self->region, EPOLLIN | EPOLLPRI);

	ASSERT_EQ(0, watch(&self->region, 0, 0));
	EXPECT_EQ(0, epoll_events(set, 0));
	store_word(&self->region, 0, 1);
	wake_word(&self->region, 0, 1);
	EXPECT_EQ(EPOLLIN, epoll_events(set, 0));
	EXPECT_EQ(EPOLLIN, epoll_events(set, 0));
	ASSERT_EQ(0, watch(&self->region, 0, 1));
	EXPECT_EQ(0, epoll_events(set, 0));
	ASSERT_TRUE(one_death(&self->region));
	/* Pollers are woken by a work item, which may not have run yet. */
	EXPECT_TRUE(WAIT_UNTIL(epoll_events(set, 0) == EPOLLPRI));
}

TEST_F(wait, edge_triggered_epoll_tells_once_for_a_wake_up)
{
	int set = epoll_of(&self->region, EPOLLIN | EPOLLPRI | EPOLLET);

	ASSERT_EQ(0, watch(&self->region, 0, 0));
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

	ASSERT_EQ(0, watch(&self->region, 0, 0));
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
		ipcshm_region_wake(peer->fd, peer->offset, 1);
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
		ipcshm_region_watch(fds[i], peer->offset, 4, 0, 0);
	}
	be_ready(peer);
	for (i = 0;; i++) {
		ipcshm_region_watch(fds[i % ARRAY_SIZE(fds)], i % 3 ? peer->offset : i % 64 * 4,
				    4, 0, 0);
		epoll_wait(set, &event, 1, 0);
	}
}

TEST_F_TIMEOUT(wait, watches_lose_no_wake_up_though_others_end_meanwhile, 120)
{
	const unsigned int rounds = many(200, 30);
	struct peer *storm =
		region_start_ready(&self->region, storm_role, (struct peer){ .offset = 0 });
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
					  (struct peer) { .offset = 0 });
		ASSERT_TRUE(*one);
		ASSERT_EQ(0, missed_edges(&crowd, WATCHES));
	}
	kill_peer(storm);
	/* What is still to be reported of the storm. */
	while (epoll_wait(crowd.sets[0], &(struct epoll_event) { 0 }, 1, 100) > 0)
		;
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, missed_edges(&crowd, WATCHES));
}

/* Sleepers of other words are not looked at, those who know of a death are not ended by it. */
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
		if (turn && !poll_change(peer->region, fd, peer->offset, turn - 2)) {
			peer->result = -ETIMEDOUT;
			break;
		}
		store_word(peer->region, peer->offset, turn);
		wake_word(peer->region, peer->offset, 1);
	}
	munmap(peer->region->map, PAGES * peer->region->page_size);
}

TEST_F_TIMEOUT(wait, pollers_lose_no_wake_up, 120)
{
	unsigned int i, lost = 0;

	for (i = 0; i < 10; i++) {
		store_word(&self->region, i * 4, -1);
		region_start(&self->region, poll_pair_role,
			     (struct peer){ .offset = i * 4, .value = 0 });
		region_start(&self->region, poll_pair_role,
			     (struct peer){ .offset = i * 4, .value = 1 });
	}
	for (i = 0; i < 20; i++)
		lost += finish(&self->region.peers.list[i]) != 0;
	EXPECT_EQ(0, lost);
}

/* The revocation. */

TEST_F(wait, revocation_ends_all_waits)
{
	struct peer *first = block_on(&self->region, 0),
		    *second = block_on(&self->region, self->region.page_size);

	ASSERT_TRUE(first && second);
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(first));
	EXPECT_EQ(-EKEYREVOKED, finish(second));
	EXPECT_EQ(-EKEYREVOKED, try_wait(&self->region, 0, 0));
	EXPECT_EQ(-EKEYREVOKED, wake_word(&self->region, 0, 1));
	EXPECT_EQ(-EKEYREVOKED, watch(&self->region, 0, 0));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

TEST_F(wait, revocation_is_told_by_poll)
{
	struct peer *peer = block_poller(&self->region, POLLIN);

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(POLLERR | POLLHUP, finish(peer));
	EXPECT_EQ(POLLERR | POLLHUP, events_of(self->region.fd));
}

IPCSHM_TEST_MAIN
