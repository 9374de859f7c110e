// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: blocked receivers, their order, and what ends their wait: a message, a deadline, a
 * signal, death.
 */
#include <pthread.h>

#include "common/harness.h"
#include "common/process.h"
#include "queue_kinds.h"

TEST_F(queue, receive_blocks_until_a_message_comes)
{
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	EXPECT_EQ(0, try_send(&self->queue, 5, 2));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
	EXPECT_EQ(2, receiver->msg.message.priority);
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
}

TEST_F(queue, read_blocks_until_a_message_comes)
{
	struct peer *receiver = block_receiver_how(&self->queue, read_role, (struct peer) { 0 });

	ASSERT_TRUE(receiver);
	EXPECT_EQ(8, write(self->queue.fd, &(__u64) { 5 }, 8));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
}

TEST_F(queue, blocked_receivers_are_served_in_the_order_they_came)
{
	struct peer *receivers[5];
	__u64 i;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = block_receiver(&self->queue);
		ASSERT_TRUE(receivers[i]);
	}
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		ASSERT_EQ(0, try_send(&self->queue, i, i));
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		EXPECT_EQ(8, finish(receivers[i]));
		EXPECT_EQ(i, receivers[i]->value);
	}
}

TEST_F(queue, one_message_wakes_one_receiver)
{
	struct peer *receivers[5];
	long slept[5];
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = block_receiver(&self->queue);
		ASSERT_TRUE(receivers[i]);
		ASSERT_TRUE(WAIT_UNTIL(is_asleep(receivers[i]->pid)));
		slept[i] = sleeps(receivers[i]->pid);
	}
	for (n = 0; n < 3; n++) {
		ASSERT_EQ(0, try_send(&self->queue, n, 0));
		EXPECT_EQ(8, finish(receivers[n]));
		EXPECT_EQ(ARRAY_SIZE(receivers) - n - 1, queue_stat_now(&self->queue).receivers);
	}
	for (i = n; i < ARRAY_SIZE(receivers); i++)
		EXPECT_EQ(slept[i], sleeps(receivers[i]->pid));
}

TEST_F(queue, blocked_receiver_with_too_little_room_makes_way_for_the_next)
{
	struct peer *small =
		block_receiver_how(&self->queue, receive_role, (struct peer) { .msg.room = 7 });
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(small);
	ASSERT_TRUE(receiver);
	EXPECT_TRUE(offer_value(&self->queue, 5, 0));
	EXPECT_EQ(-EMSGSIZE, finish(small));
	EXPECT_EQ(8, small->msg.message.size);
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
	EXPECT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 0));
}

TEST_F(queue, blocked_receiver_with_too_little_room_loses_nothing)
{
	struct peer *small =
		block_receiver_how(&self->queue, receive_role, (struct peer) { .msg.room = 7 });

	ASSERT_TRUE(small);
	EXPECT_TRUE(offer_value(&self->queue, 5, 0));
	EXPECT_EQ(-EMSGSIZE, finish(small));
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(5, receive_value(&self->queue));
}

static void *receive_to_vanishing_room(void *room)
{
	this_peer->result = ipcshm_receive(this_peer->fd, room, SIZE, NULL, IPCSHM_FOREVER);
	return NULL;
}

/* Unmaps the room while another thread of it is blocked with it. */
static void vanishing_room_role(struct peer *peer)
{
	void *room = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;

	if (pthread_create(&thread, NULL, receive_to_vanishing_room, room) ||
	    !WAIT_UNTIL(queue_stat(peer->fd).receivers == 1))
		_exit(1);
	munmap(room, SIZE);
	be_ready(peer);
	pthread_join(thread, NULL);
}

TEST_F(queue, blocked_receiver_whose_room_vanished_loses_nothing)
{
	struct peer *receiver = queue_start(&self->queue, vanishing_room_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(is_ready(receiver)));
	ASSERT_TRUE(offer_value(&self->queue, 1, 3));
	EXPECT_EQ(-EFAULT, finish(receiver));
	ASSERT_TRUE(offer_value(&self->queue, 2, 3));
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(2, receive_value(&self->queue));
	EXPECT_EQ(2, queue_stat_now(&self->queue).received);
}

TEST_F(queue, blocked_receiver_whose_room_vanished_makes_way_for_the_next)
{
	struct peer *first = queue_start(&self->queue, vanishing_room_role, (struct peer) { 0 });
	struct peer *second;

	ASSERT_TRUE(WAIT_UNTIL(is_ready(first)));
	second = block_receiver(&self->queue);
	ASSERT_TRUE(second);
	ASSERT_TRUE(offer_value(&self->queue, 1, 3));
	EXPECT_EQ(-EFAULT, finish(first));
	EXPECT_EQ(8, finish(second));
	EXPECT_EQ(1, second->value);
}

TEST_F(queue, killed_receiver_leaves_nothing_behind)
{
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	kill_peer(receiver);
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	ASSERT_TRUE(offer_value(&self->queue, 5, 0));
	EXPECT_EQ(5, receive_value(&self->queue));
}

TEST_F(queue, stopped_receiver_goes_on)
{
	struct peer *receiver = block_receiver(&self->queue);
	int status;

	ASSERT_TRUE(receiver);
	kill(receiver->pid, SIGSTOP);
	ASSERT_EQ(receiver->pid, waitpid(receiver->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	kill(receiver->pid, SIGCONT);
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1));
	EXPECT_EQ(0, try_send(&self->queue, 5, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
}

/* Deadlines. */

static int receive_until(struct test_queue *queue, __u32 clock, __u64 deadline, __u64 *value)
{
	struct ipcshm_transfer_args transfer = transfer_of(value, sizeof(*value));

	transfer.clock = clock;
	transfer.deadline = deadline;
	return ipcshm_receive_transfer(queue->fd, &transfer, sizeof(transfer));
}

TEST_F(queue, receive_gives_up_at_its_deadline_and_not_before)
{
	const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	__u64 deadline, value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		deadline = now_ns(clocks[i]) + 50 * MS;
		EXPECT_EQ(-ETIMEDOUT, receive_until(&self->queue, clocks[i], deadline, &value));
		EXPECT_LE(deadline, now_ns(clocks[i]));
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
}

TEST_F(queue, receive_with_a_past_deadline_fails_only_if_it_would_block)
{
	const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	__u64 value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		EXPECT_EQ(-ETIMEDOUT, receive_until(&self->queue, clocks[i], 0, &value));
		EXPECT_EQ(-ETIMEDOUT,
			  receive_until(&self->queue, clocks[i], now_ns(clocks[i]) - 1, &value));
		ASSERT_TRUE(offer_value(&self->queue, i, 0));
		EXPECT_EQ(0, receive_until(&self->queue, clocks[i], 0, &value));
		EXPECT_EQ(i, value);
	}
}

TEST_F(queue, deadline_in_the_far_future_is_none)
{
	const __u64 deadlines[] = { IPCSHM_FOREVER - 1, 1ULL << 63, (1ULL << 63) - 1 };
	struct peer *receiver;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		receiver = block_receiver_how(&self->queue, receive_role,
					      (struct peer) { .deadline = deadlines[i] });
		ASSERT_TRUE(receiver);
		EXPECT_EQ(0, try_send(&self->queue, i, 0));
		EXPECT_EQ(8, finish(receiver));
		EXPECT_EQ(i, receiver->value);
	}
}

TEST_F(queue, dontwait_comes_before_the_deadline)
{
	__u64 value;
	struct ipcshm_transfer_args transfer = transfer_of(&value, sizeof(value));

	transfer.flags = IPCSHM_DONTWAIT;
	transfer.deadline = 0;
	EXPECT_EQ(-EAGAIN, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
}

/* Non-blocking. */

TEST_F(queue, nonblocking_receive_of_nothing_is_eagain)
{
	int fd = queue_open_again(&self->queue, READ_WRITE | IPCSHM_NONBLOCK);
	__u64 value;

	ASSERT_LE(0, fd);
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, ipcshm_receive(fd, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, read(fd, &value, 8));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(8, ipcshm_receive(fd, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(1, value);
	close(fd);
}

TEST_F(queue, fcntl_makes_it_nonblocking_and_back)
{
	struct peer *receiver;
	__u64 value;

	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, ipcshm_receive(self->queue.fd, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, read(self->queue.fd, &value, 8));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, 0));
	receiver = block_receiver(&self->queue);
	ASSERT_TRUE(receiver);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
}

TEST_F(queue, nonblocking_send_to_a_blocked_receiver_succeeds)
{
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	EXPECT_EQ(0, try_send(&self->queue, 5, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
}

/* Signals. */

TEST_F(queue, signal_interrupts_receive)
{
	void (*const roles[])(struct peer *) = { receive_role, read_role };
	struct peer *receiver;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		receiver = block_receiver_with_handler(&self->queue, roles[i], 0, 0);
		ASSERT_TRUE(receiver);
		kill(receiver->pid, SIGUSR1);
		EXPECT_EQ(-EINTR, finish(receiver));
		EXPECT_EQ(1, receiver->signals);
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(queue, receive_goes_on_after_a_signal_with_sa_restart)
{
	void (*const roles[])(struct peer *) = { receive_role, read_role };
	struct peer *receiver;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		receiver = block_receiver_with_handler(&self->queue, roles[i], SA_RESTART, 0);
		ASSERT_TRUE(receiver);
		kill(receiver->pid, SIGUSR1);
		ASSERT_TRUE(WAIT_UNTIL(signals_of(receiver) == 1));
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1));
		EXPECT_EQ(0, try_send(&self->queue, i, 0));
		EXPECT_EQ(8, finish(receiver));
		EXPECT_EQ(i, receiver->value);
	}
}

TEST_F(queue, restarted_receive_keeps_its_deadline)
{
	__u64 deadline = ipcshm_deadline(500 * MS * slowness());
	struct peer *receiver =
		block_receiver_with_handler(&self->queue, receive_role, SA_RESTART, deadline);

	ASSERT_TRUE(receiver);
	kill(receiver->pid, SIGUSR1);
	EXPECT_EQ(-ETIMEDOUT, finish(receiver));
	EXPECT_EQ(1, receiver->signals);
	EXPECT_LE(deadline, now_ns(CLOCK_MONOTONIC));
	EXPECT_GE(deadline + WAIT_SECONDS * 1000 * MS, now_ns(CLOCK_MONOTONIC));
}

IPCSHM_TEST_MAIN
