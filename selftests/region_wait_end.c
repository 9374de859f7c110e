// SPDX-License-Identifier: GPL-2.0-only
/* Waits on a word of a region that end by a deadline or by a signal. */
#include "common/harness.h"
#include "common/region.h"
#include "common/wait.h"
#include "wait_fixture.h"

FIXTURE(deadline) {
	struct test_region region;
};

FIXTURE_VARIANT(deadline) {
	clockid_t clock;
};

FIXTURE_VARIANT_ADD(deadline, realtime) { CLOCK_REALTIME };
FIXTURE_VARIANT_ADD(deadline, monotonic) { CLOCK_MONOTONIC };
FIXTURE_VARIANT_ADD(deadline, boottime) { CLOCK_BOOTTIME };

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
		.wait.size = 4,
		.wait.expected = expected,
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
	__u64 at = now_ns(peer->clock) + 200 * MS;

	peer->result = wait_until(peer->region, peer->clock, at, 0);
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
	length = snprintf(offset, sizeof(offset), "%s %lld 0",
			  peer->clock == CLOCK_BOOTTIME ? "boottime" : "monotonic",
			  (long long)peer->count);
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
	clockid_t clock;
	__s64 seconds;
};

FIXTURE_VARIANT_ADD(shifted_clock, later) { CLOCK_MONOTONIC, 1000 };
FIXTURE_VARIANT_ADD(shifted_clock, earlier) { CLOCK_MONOTONIC, -1 };
FIXTURE_VARIANT_ADD(shifted_clock, later_boottime) { CLOCK_BOOTTIME, 1000 };
FIXTURE_VARIANT_ADD(shifted_clock, earlier_boottime) { CLOCK_BOOTTIME, -1 };

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
			    (struct peer){ .count = variant->seconds, .clock = variant->clock });
	EXPECT_EQ(-ETIMEDOUT, finish(peer));
	EXPECT_LE(199 * MS, peer->value);
	EXPECT_GE(10 * SECOND, peer->value);
}

IPCSHM_TEST_MAIN
