// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: blocked senders, their order, and what ends their wait: room, a deadline, a signal,
 * death.
 */
#include <sys/uio.h>

#include "common/epoll.h"
#include "common/harness.h"
#include "common/process.h"
#include "full_fixture.h"

/* Lets one message in: in a rendezvous, with a receiver that takes it or waits for it. */
static bool make_room(struct test_queue *queue, unsigned int depth)
{
	struct peer *receiver;

	if (depth)
		return receive_value(queue) != NOTHING;
	receiver = queue_start(queue, receive_role, (struct peer) { 0 });
	return WAIT_UNTIL(queue_stat_now(queue).receivers == 1 || is_done(receiver));
}

static int send_until(struct test_queue *queue, __u32 clock, __u64 deadline, __u64 value)
{
	struct ipcshm_transfer_args transfer = transfer_of(&value, sizeof(value));

	transfer.clock = clock;
	transfer.deadline = deadline;
	return ipcshm_send_transfer(queue->fd, &transfer, sizeof(transfer));
}

TEST_F(full, send_blocks_until_there_is_room)
{
	struct peer *sender = block_sender(&self->queue, 5, 0);

	ASSERT_TRUE(sender);
	EXPECT_EQ(variant->depth, queue_stat_now(&self->queue).sent);
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(variant->depth + 1, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
}

TEST_F(full, write_blocks_until_there_is_room)
{
	struct peer *sender =
		block_sender_how(&self->queue, write_role, (struct peer) { .value = 5 });

	ASSERT_TRUE(sender);
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(8, finish(sender));
}

TEST_F(full, message_of_a_blocked_sender_arrives)
{
	struct peer *sender = block_sender(&self->queue, 5, 3);
	struct ipcshm_message message;
	pid_t pid = sender->pid;
	__u64 value;

	ASSERT_TRUE(sender);
	ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(5, value);
	EXPECT_EQ(3, message.priority);
	EXPECT_EQ(pid, message.pid);
	EXPECT_EQ(getuid(), message.uid);
	EXPECT_EQ(0, finish(sender));
}

TEST_F(full, blocked_senders_are_served_by_priority_then_in_the_order_they_came)
{
	static const __u32 priorities[] = { 5, 1, 9, 5, 9 };
	static const unsigned int order[] = { 2, 4, 0, 3, 1 };
	struct peer *senders[ARRAY_SIZE(priorities)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(priorities); i++) {
		senders[i] = block_sender(&self->queue, i, priorities[i]);
		ASSERT_TRUE(senders[i]);
	}
	for (i = 0; i < ARRAY_SIZE(priorities); i++) {
		ASSERT_TRUE(make_room(&self->queue, variant->depth));
		ASSERT_TRUE(WAIT_UNTIL(is_done(senders[order[i]])));
		EXPECT_EQ(ARRAY_SIZE(priorities) - i - 1, queue_stat_now(&self->queue).senders);
	}
}

TEST_F(full, room_for_one_message_wakes_one_sender)
{
	struct peer *senders[4];
	long slept[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(senders); i++) {
		senders[i] = block_sender(&self->queue, i, 0);
		ASSERT_TRUE(senders[i]);
		ASSERT_TRUE(WAIT_UNTIL(is_asleep(senders[i]->pid)));
		slept[i] = sleeps(senders[i]->pid);
	}
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(0, finish(senders[0]));
	EXPECT_EQ(ARRAY_SIZE(senders) - 1, queue_stat_now(&self->queue).senders);
	for (i = 1; i < ARRAY_SIZE(senders); i++)
		EXPECT_EQ(slept[i], sleeps(senders[i]->pid));
}

TEST_F(full, nonblocking_send_is_eagain)
{
	int fd = queue_open_again(&self->queue, IPCSHM_WRITE | IPCSHM_NONBLOCK);
	__u64 value = 5;
	struct iovec part = { &value, sizeof(value) };

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EAGAIN, ipcshm_send(fd, &value, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(fd, &value, 8));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, value, IPCSHM_PRIORITY_MAX));
	EXPECT_EQ(-1, pwritev2(self->queue.fd, &part, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, ipcshm_send(self->queue.fd, &value, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(variant->depth, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(variant->depth, queue_stat_now(&self->queue).messages);
	close(fd);
}

TEST_F(full, too_large_message_is_refused_at_once)
{
	EXPECT_EQ(-EMSGSIZE, ipcshm_send(self->queue.fd, "123456789", 9, 0, IPCSHM_FOREVER));
}

TEST_F(full, send_gives_up_at_its_deadline_and_not_before)
{
	const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	__u64 deadline, value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		deadline = now_ns(clocks[i]) + 50 * MS;
		EXPECT_EQ(-ETIMEDOUT, send_until(&self->queue, clocks[i], deadline, 5));
		EXPECT_LE(deadline, now_ns(clocks[i]));
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(variant->depth, queue_stat_now(&self->queue).sent);
	ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
}

TEST_F(full, send_with_a_past_deadline_fails_only_if_it_would_block)
{
	const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		EXPECT_EQ(-ETIMEDOUT, send_until(&self->queue, clocks[i], 0, 5));
		EXPECT_EQ(-ETIMEDOUT,
			  send_until(&self->queue, clocks[i], now_ns(clocks[i]) - 1, 5));
		ASSERT_TRUE(make_room(&self->queue, variant->depth));
		EXPECT_EQ(0, send_until(&self->queue, clocks[i], 0, 5));
	}
}

TEST_F(full, signal_interrupts_send_and_nothing_is_sent)
{
	void (*const roles[])(struct peer *) = { send_role, write_role };
	struct peer *sender;
	__u64 value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		sender = block_sender_how(&self->queue, roles[i],
					  (struct peer) { .handles_signal = true });
		ASSERT_TRUE(sender);
		kill(sender->pid, SIGUSR1);
		EXPECT_EQ(-EINTR, finish(sender));
		EXPECT_EQ(1, sender->signals);
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
}

TEST_F(full, send_goes_on_after_a_signal_with_sa_restart)
{
	void (*const roles[])(struct peer *) = { send_role, write_role };
	struct peer *sender;
	size_t i;

	ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		ASSERT_TRUE(fill_queue(&self->queue, variant->depth));
		sender = block_sender_how(&self->queue, roles[i], (struct peer) {
			.handles_signal = true,
			.sa_flags = SA_RESTART,
			.value = i,
		});
		ASSERT_TRUE(sender);
		kill(sender->pid, SIGUSR1);
		ASSERT_TRUE(WAIT_UNTIL(signals_of(sender) == 1));
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 1));
		ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
		EXPECT_EQ(i, receive_value(&self->queue));
		EXPECT_EQ(i ? 8 : 0, finish(sender));
	}
}

TEST_F(full, killed_blocked_sender_sends_nothing)
{
	struct peer *sender = block_sender(&self->queue, 5, 0),
		    *next = block_sender(&self->queue, 6, 0);
	__u64 value;

	ASSERT_TRUE(sender);
	ASSERT_TRUE(next);
	kill_peer(sender);
	EXPECT_EQ(1, queue_stat_now(&self->queue).senders);
	ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
	EXPECT_EQ(6, receive_value(&self->queue));
	EXPECT_EQ(0, finish(next));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
}

TEST_F(full, stopped_sender_goes_on)
{
	struct peer *sender = block_sender(&self->queue, 5, 0);
	int status;

	ASSERT_TRUE(sender);
	kill(sender->pid, SIGSTOP);
	ASSERT_EQ(sender->pid, waitpid(sender->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	kill(sender->pid, SIGCONT);
	ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
	EXPECT_EQ(5, receive_value(&self->queue));
	EXPECT_EQ(0, finish(sender));
}

TEST_F(full, is_writable_once_there_is_room)
{
	EXPECT_EQ(0, poll_now(self->queue.fd) & POLLOUT);
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(POLLOUT, poll_now(self->queue.fd) & POLLOUT);
	ASSERT_EQ(0, try_send(&self->queue, 5, 0));
	EXPECT_EQ(0, poll_now(self->queue.fd) & POLLOUT);
}

TEST_F(full, room_ends_a_poll)
{
	struct peer *poller = queue_start(&self->queue, poll_out_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(POLLOUT, finish(poller));
}

TEST_F(full, edge_triggered_epoll_reports_room)
{
	int set = watch_queue(&self->queue, EPOLLOUT | EPOLLET);
	int i;

	ASSERT_LE(0, set);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, set_events(set, 0));
		ASSERT_TRUE(make_room(&self->queue, variant->depth));
		EXPECT_EQ(EPOLLOUT, set_events(set, 1000));
		ASSERT_EQ(0, try_send(&self->queue, 5, 0));
	}
	close(set);
}

/* In bytes, it is not enough that a small message would fit. */
FIXTURE(bytes)
{
	struct test_queue queue;
};

FIXTURE_SETUP(bytes)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, IPCSHM_UNBOUNDED, 2 * SIZE, SIZE));
}

FIXTURE_TEARDOWN(bytes)
{
	queue_tear_down(&self->queue);
}

static int send_bytes(struct test_queue *queue, size_t size, __u32 priority)
{
	static char data[SIZE];
	struct ipcshm_transfer_args transfer = transfer_of(data, size);

	transfer.message.priority = priority;
	transfer.flags = IPCSHM_DONTWAIT;
	return ipcshm_send_transfer(queue->fd, &transfer, sizeof(transfer));
}

TEST_F(bytes, writable_only_while_the_largest_message_fits)
{
	char byte;

	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->queue.fd));
	ASSERT_EQ(0, send_bytes(&self->queue, 1, 1));
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
	EXPECT_EQ(-EAGAIN, send_bytes(&self->queue, SIZE, 0));
	EXPECT_EQ(1, read(self->queue.fd, &byte, 1));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->queue.fd));
}

TEST_F(bytes, message_that_just_fits_is_accepted)
{
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	ASSERT_EQ(0, send_bytes(&self->queue, 1, 0));
	EXPECT_EQ(-EAGAIN, send_bytes(&self->queue, SIZE, 0));
	EXPECT_EQ(0, send_bytes(&self->queue, SIZE - 1, 0));
	EXPECT_EQ(-EAGAIN, send_bytes(&self->queue, 1, 0));
	EXPECT_EQ(2 * SIZE, queue_stat_now(&self->queue).bytes);
}

TEST_F(bytes, message_of_no_bytes_always_fits)
{
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	EXPECT_EQ(0, send_bytes(&self->queue, 0, 0));
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
}

/* One receive can make room for many. */
TEST_F(bytes, room_for_many_messages_lets_many_senders_in)
{
	struct peer *senders[3];
	char data[SIZE];
	unsigned int i;

	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 2));
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 1));
	for (i = 0; i < ARRAY_SIZE(senders); i++) {
		senders[i] = block_sender(&self->queue, i, 0);
		ASSERT_TRUE(senders[i]);
	}
	ASSERT_EQ(SIZE, read(self->queue.fd, data, SIZE));
	for (i = 0; i < ARRAY_SIZE(senders); i++)
		EXPECT_EQ(0, finish(senders[i]));
	EXPECT_EQ(SIZE + 24, queue_stat_now(&self->queue).bytes);
}

/* The largest message, of type 1. */
static void typed_role(struct peer *peer)
{
	static char data[SIZE];
	struct ipcshm_transfer_args transfer = transfer_of(data, SIZE);

	transfer.message.type = 1;
	peer->result = ipcshm_send_transfer(peer->fd, &transfer, sizeof(transfer));
}

TEST_F(bytes, sender_gets_in_when_the_one_before_it_is_received)
{
	static char data[SIZE];
	struct ipcshm_transfer_args transfer = transfer_of(data, SIZE);
	struct peer *large, *small;

	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE / 2, 0));
	large = block_sender_how(&self->queue, typed_role, (struct peer) { 0 });
	ASSERT_TRUE(large);
	small = block_sender(&self->queue, 1, 0);
	ASSERT_TRUE(small);
	transfer.message.type = 1;
	transfer.message.flags = IPCSHM_TYPE_EQUAL;
	ASSERT_EQ(0, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(0, finish(large));
	EXPECT_EQ(0, finish(small));
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
}

IPCSHM_TEST_MAIN
