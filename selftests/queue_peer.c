// SPDX-License-Identifier: GPL-2.0-only
/* Queues: waiting for a peer, polling for one, and queues that hang up before there was one. */
#include "common/call.h"
#include "common/harness.h"
#include "common/process.h"
#include "common/queue.h"

#define KEPT_HERE	4	/* messages that the queue keeps */
#define WAITERS		40	/* more than are woken at once */

FIXTURE(peer)
{
	struct test_queue queue;
};

static int set_up_with(struct test_queue *queue, __u32 flags)
{
	return queue_set_up_attr(queue, (struct ipcshm_queue_attr) {
		.max_messages = KEPT_HERE,
		.max_message_size = SIZE,
	}, flags);
}

FIXTURE_SETUP(peer)
{
	ASSERT_EQ(0, set_up_with(&self->queue, IPCSHM_WRITE));
}

FIXTURE_TEARDOWN(peer)
{
	queue_tear_down(&self->queue);
}

/* Replace the queue. */
static int set_up_again(FIXTURE_DATA(peer) *self, __u32 flags)
{
	queue_tear_down(&self->queue);
	return set_up_with(&self->queue, flags);
}

static void wait_peer_role(struct peer *peer)
{
	peer->result = ipcshm_queue_wait_peer(peer->fd, peer->deadline);
}

/* Start a peer that waits through a descriptor; NULL if it does not sleep before long. */
static struct peer *start_waiter(struct test_queue *queue, struct peer how)
{
	struct peer *waiter = queue_start(queue, wait_peer_role, how);

	return WAIT_UNTIL(is_asleep(waiter->pid)) ? waiter : NULL;
}

static void poll_peer_role(struct peer *peer)
{
	struct pollfd entry = { .fd = peer->fd, .events = POLLPRI };

	peer->result = poll(&entry, 1, -1) < 0 ? -errno : entry.revents;
}

static short poll_peer(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLPRI };

	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

TEST_F(peer, sender_waits_for_a_receiver)
{
	struct peer *waiter = start_waiter(&self->queue, (struct peer) { 0 });
	int other;

	ASSERT_TRUE(waiter);
	other = queue_open_again(&self->queue, IPCSHM_WRITE);
	ASSERT_LE(0, other);
	ASSERT_TRUE(WAIT_UNTIL(is_asleep(waiter->pid)));
	EXPECT_FALSE(is_done(waiter));
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(0, finish(waiter));
	EXPECT_EQ(0, ipcshm_queue_wait_peer(self->queue.fd, IPCSHM_NOW));
}

TEST_F(peer, receiver_waits_for_a_sender)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *waiter;

	EXPECT_EQ(0, ipcshm_queue_wait_peer(reader, IPCSHM_NOW));
	close(self->queue.fd);
	self->queue.fd = reader;
	waiter = start_waiter(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(waiter);
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_FALSE(is_done(waiter));
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_WRITE));
	EXPECT_EQ(0, finish(waiter));
}

TEST_F(peer, descriptor_with_both_rights_is_not_its_own_peer)
{
	static const __u32 rights[] = { IPCSHM_READ, IPCSHM_WRITE, READ_WRITE };
	size_t i;
	int other;

	ASSERT_EQ(0, set_up_again(self, READ_WRITE));
	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		EXPECT_EQ(-ETIMEDOUT, ipcshm_queue_wait_peer(self->queue.fd, IPCSHM_NOW));
		EXPECT_EQ(0, poll_peer(self->queue.fd));
		other = queue_open_again(&self->queue, rights[i]);
		ASSERT_LE(0, other);
		EXPECT_EQ(0, ipcshm_queue_wait_peer(self->queue.fd, IPCSHM_NOW));
		EXPECT_EQ(POLLPRI, poll_peer(self->queue.fd));
		close(other);
	}
}

/* The queue has a reader and a writer before, which are the same descriptor. */
TEST_F(peer, descriptor_with_both_rights_is_woken_by_another_one)
{
	struct peer *waiter, *poller;

	ASSERT_EQ(0, set_up_again(self, READ_WRITE));
	waiter = start_waiter(&self->queue, (struct peer) { 0 });
	poller = queue_start(&self->queue, poll_peer_role, (struct peer) { 0 });
	ASSERT_TRUE(waiter && WAIT_UNTIL(is_asleep(poller->pid)));
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_WRITE));
	EXPECT_EQ(0, finish(waiter));
	EXPECT_EQ(POLLPRI, finish(poller));
}

TEST_F(peer, poll_reports_one_for_as_long_as_it_is_there)
{
	int reader, other;

	EXPECT_EQ(0, poll_peer(self->queue.fd));
	other = queue_open_again(&self->queue, IPCSHM_WRITE);
	EXPECT_EQ(0, poll_peer(self->queue.fd));
	reader = queue_open_again(&self->queue, IPCSHM_READ);
	ASSERT_LE(0, reader);
	EXPECT_EQ(POLLPRI, poll_peer(self->queue.fd));
	EXPECT_EQ(POLLPRI, poll_peer(reader));
	close(self->queue.fd);
	EXPECT_EQ(POLLPRI, poll_peer(reader));
	close(other);
	EXPECT_EQ(0, poll_peer(reader));
	self->queue.fd = reader;
}

TEST_F(peer, new_peer_wakes_pollers)
{
	struct peer *poller = queue_start(&self->queue, poll_peer_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(is_asleep(poller->pid)));
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_WRITE));
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(POLLPRI, finish(poller));
}

TEST_F(peer, new_peer_wakes_all_that_wait)
{
	struct peer *waiters[WAITERS];
	size_t i;

	for (i = 0; i < WAITERS; i++) {
		waiters[i] = start_waiter(&self->queue, (struct peer) { 0 });
		ASSERT_TRUE(waiters[i]);
	}
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_READ));
	for (i = 0; i < WAITERS; i++)
		EXPECT_EQ(0, finish(waiters[i]));
}

TEST_F(peer, wait_ends_as_others_do)
{
	struct ipcshm_queue_wait_peer_args args = {
		.deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
		.flags = IPCSHM_DONTWAIT,
	};
	struct peer *waiter;

	EXPECT_EQ(-EAGAIN, call(self->queue.fd, IPCSHM_IOC_QUEUE_WAIT_PEER, &args));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_queue_wait_peer(self->queue.fd, ipcshm_deadline(10 * MS)));
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, ipcshm_queue_wait_peer(self->queue.fd, IPCSHM_FOREVER));
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, 0));
	waiter = start_waiter(&self->queue, (struct peer) { .handles_signal = true });
	ASSERT_TRUE(waiter);
	kill(waiter->pid, SIGUSR1);
	EXPECT_EQ(-EINTR, finish(waiter));
	waiter = start_waiter(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(waiter);
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(waiter));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_queue_wait_peer(self->queue.fd, IPCSHM_FOREVER));
}

TEST_F(peer, wait_goes_on_after_a_handler_with_restart)
{
	struct peer *waiter = start_waiter(&self->queue, (struct peer) {
		.handles_signal = true,
		.sa_flags = SA_RESTART,
	});

	ASSERT_TRUE(waiter);
	kill(waiter->pid, SIGUSR1);
	ASSERT_TRUE(WAIT_UNTIL(signals_of(waiter) == 1 && is_asleep(waiter->pid)));
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(0, finish(waiter));
}

/* Poll reports the hang-up, and cannot wait for its end. */
TEST_F(peer, sender_waits_after_a_hang_up)
{
	struct peer *waiter;

	ASSERT_EQ(0, set_up_again(self, IPCSHM_WRITE | IPCSHM_HANGUP));
	close(queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(-EPIPE, try_send(&self->queue, 1, 0));
	EXPECT_EQ(POLLERR, poll_peer(self->queue.fd));
	waiter = start_waiter(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(waiter);
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(0, finish(waiter));
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
}

TEST_F(peer, early_hang_up_holds_from_the_first_moment)
{
	__u64 value;
	int reader;

	ASSERT_EQ(0, set_up_again(self, IPCSHM_WRITE | IPCSHM_HANGUP));
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
	ASSERT_EQ(0, set_up_again(self, IPCSHM_WRITE | IPCSHM_HANGUP | IPCSHM_HANGUP_EARLY));
	EXPECT_EQ(-EPIPE, try_send(&self->queue, 1, 0));
	EXPECT_EQ(-EPIPE, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	reader = queue_open_again(&self->queue, IPCSHM_READ);
	ASSERT_LE(0, reader);
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
	close(self->queue.fd);
	self->queue.fd = reader;
	EXPECT_EQ(8, try_receive(&self->queue, &value));
	EXPECT_EQ(-EPIPE, try_receive(&self->queue, &value));
	ASSERT_EQ(0, set_up_again(self, IPCSHM_READ | IPCSHM_HANGUP | IPCSHM_HANGUP_EARLY));
	EXPECT_EQ(-EPIPE, try_receive(&self->queue, &value));
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_WRITE));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
}

TEST_F(peer, early_hang_up_is_for_new_queues_that_hang_up)
{
	struct ipcshm_queue_attr attr = { .max_messages = 1, .max_message_size = 8 };

	EXPECT_EQ(-EINVAL,
		  ipcshm_queue_open(self->queue.device, NULL, IPCSHM_WRITE | IPCSHM_CREATE |
				    IPCSHM_HANGUP_EARLY, 0600, &attr));
	EXPECT_STREQ("flags", ipcshm_queue_invalid(&attr));
	EXPECT_EQ(-EINVAL, queue_open_again(&self->queue, IPCSHM_WRITE | IPCSHM_HANGUP |
					    IPCSHM_HANGUP_EARLY));
}

TEST_HARNESS_MAIN
