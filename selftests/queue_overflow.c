// SPDX-License-Identifier: GPL-2.0-only
/* Messages without room that block no sender: the oldest or the newest one is dropped. */
#include "overflow_fixture.h"

/* The oldest goes. */

TEST_F(overflow, oldest_messages_make_way)
{
	__u64 i;

	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_OLDEST));
	EXPECT_EQ(IPCSHM_OVERFLOW_DROP_OLDEST, queue_stat_now(&self->queue).overflow);
	for (i = 0; i < KEPT + 3; i++)
		EXPECT_EQ(0, try_send(&self->queue, i, 0));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(KEPT * 8, queue_stat_now(&self->queue).bytes);
	EXPECT_EQ(KEPT + 3, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(3, queue_stat_now(&self->queue).dropped);
	EXPECT_TRUE(HOLDS(3, 4, 5, 6));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).received);
	EXPECT_EQ(3, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(0, read_quota(&self->queue));
}

TEST_F(overflow, lowest_priority_makes_way_first)
{
	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_OLDEST));
	EXPECT_EQ(0, try_send(&self->queue, 50, 5));
	EXPECT_EQ(0, try_send(&self->queue, 20, 2));
	EXPECT_EQ(0, try_send(&self->queue, 30, 3));
	EXPECT_EQ(0, try_send(&self->queue, 21, 2));
	EXPECT_EQ(0, try_send(&self->queue, 40, 4));	/* for 20 */
	EXPECT_EQ(0, try_send(&self->queue, 31, 3));	/* for 21 */
	EXPECT_EQ(0, try_send(&self->queue, 32, 3));	/* for 30 */
	EXPECT_EQ(3, queue_stat_now(&self->queue).dropped);
	EXPECT_TRUE(HOLDS(50, 40, 31, 32));
}

TEST_F(overflow, message_of_a_lower_priority_than_all_goes_itself)
{
	__u64 i;

	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_OLDEST));
	for (i = 0; i < KEPT; i++)
		EXPECT_EQ(0, try_send(&self->queue, i, 3));
	EXPECT_EQ(0, try_send(&self->queue, 99, 2));
	EXPECT_EQ(1, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(KEPT + 1, queue_stat_now(&self->queue).sent);
	EXPECT_TRUE(HOLDS(0, 1, 2, 3));
	EXPECT_EQ(0, read_quota(&self->queue));
}

TEST_F(overflow, as_many_make_way_as_have_the_bytes_that_are_needed)
{
	int i;

	ASSERT_TRUE(begin_queue(&self->queue, IPCSHM_UNBOUNDED, SIZE + 100,
				IPCSHM_OVERFLOW_DROP_OLDEST));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, send_size(&self->queue, 41));
	EXPECT_EQ(0, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(0, send_size(&self->queue, SIZE));
	/* 100 bytes are left beside it: two messages. */
	EXPECT_EQ(98, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(2 * 41 + SIZE, queue_stat_now(&self->queue).bytes);
	EXPECT_EQ(0, send_size(&self->queue, 0));
	EXPECT_EQ(98, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(0, send_size(&self->queue, SIZE));
	EXPECT_EQ(101, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

TEST_F(overflow, write_drops_and_never_blocks)
{
	__u64 i;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_OLDEST));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(8, write(self->queue.fd, &i, 8));
	EXPECT_EQ(9, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->queue.fd));
	EXPECT_TRUE(HOLDS(9));
}

TEST_F(overflow, batch_drops_its_own_first_messages)
{
	struct ipcshm_message messages[KEPT + 2];
	__u64 values[KEPT + 2], i;

	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_OLDEST));
	for (i = 0; i < KEPT + 2; i++) {
		values[i] = i;
		messages[i] = (struct ipcshm_message) { .data = (uintptr_t)&values[i], .size = 8 };
	}
	EXPECT_EQ(KEPT + 2, ipcshm_send_batch(self->queue.fd, messages, KEPT + 2, 0, SOON));
	EXPECT_EQ(2, queue_stat_now(&self->queue).dropped);
	EXPECT_TRUE(HOLDS(2, 3, 4, 5));
}

/* The newest goes. */

TEST_F(overflow, newest_message_is_dropped)
{
	__u64 i;

	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_NEWEST));
	for (i = 0; i < KEPT + 3; i++)
		EXPECT_EQ(0, try_send(&self->queue, i, i));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(KEPT + 3, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(3, queue_stat_now(&self->queue).dropped);
	EXPECT_TRUE(HOLDS(3, 2, 1, 0));
	EXPECT_EQ(0, read_quota(&self->queue));
}

TEST_F(overflow, rendezvous_drops_messages_without_a_receiver)
{
	struct peer *receiver;

	ASSERT_TRUE(begin_queue(&self->queue, 0, 0, IPCSHM_OVERFLOW_DROP_NEWEST));
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).dropped);
	receiver = block_receiver(&self->queue);
	ASSERT_TRUE(receiver);
	EXPECT_EQ(0, try_send(&self->queue, 2, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(2, receiver->value);
	EXPECT_EQ(1, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(0, read_quota(&self->queue));
}

TEST_F(overflow, message_for_a_blocked_receiver_drops_nothing)
{
	const enum ipcshm_overflow policies[] = { IPCSHM_OVERFLOW_DROP_OLDEST,
		IPCSHM_OVERFLOW_DROP_NEWEST };
	struct peer *receiver;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, policies[i]));
		receiver = block_receiver_how(&self->queue, receive_role, (struct peer) {
			.msg.match = IPCSHM_TYPE_EQUAL,
			.msg.type = 1,
		});
		ASSERT_TRUE(receiver);
		EXPECT_EQ(0, try_send(&self->queue, 10, 0));
		EXPECT_EQ(0, ipcshm_send_typed(self->queue.fd, &(__u64) { 11 }, 8, 1, 0, 0));
		EXPECT_EQ(8, finish(receiver));
		EXPECT_EQ(11, receiver->value);
		EXPECT_EQ(0, queue_stat_now(&self->queue).dropped);
		EXPECT_TRUE(HOLDS(10));
		close(self->queue.fd);
		forget_peers(&self->queue.peers);
	}
}

TEST_F(overflow, dropped_request_is_enobufs_for_its_caller)
{
	__u64 value = 1;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_NEWEST));
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(-ENOBUFS, ipcshm_call(self->queue.fd, &value, 8, &value, 8, SOON));
	EXPECT_EQ(1, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(0, queue_stat_now(&self->queue).calls);
}

TEST_F(overflow, request_makes_others_go)
{
	static char request[SIZE];
	int i;

	ASSERT_TRUE(begin_queue(&self->queue, IPCSHM_UNBOUNDED, SIZE, IPCSHM_OVERFLOW_DROP_OLDEST));
	for (i = 0; i < SIZE; i++)
		ASSERT_EQ(0, send_size(&self->queue, 1));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_call(self->queue.fd, request, SIZE, request, SIZE, SOON));
	/* And it went itself when its caller gave up. */
	EXPECT_EQ(SIZE + 1, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).calls);
}

/* Many send more than is kept: messages arrive in order, lost ones are counted. */

#define FLOOD	many(200000, 10000)

static void flood_role(struct peer *peer)
{
	__u64 i;

	for (i = 0; i < FLOOD; i++) {
		peer->value = (__u64)peer->msg.priority << 32 | i;
		if (ipcshm_send(peer->fd, &peer->value, 8, 0, 0))
			_exit(1);
	}
}

TEST_F_TIMEOUT(overflow, received_and_dropped_are_all_that_was_sent, 120)
{
	__u64 last[3] = { 0 }, received = 0, value;
	struct peer *senders[3];
	int i;

	ASSERT_TRUE(begin_queue(&self->queue, 16, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_OLDEST));
	for (i = 0; i < 3; i++)
		senders[i] = queue_start(&self->queue, flood_role, (struct peer) {
			.msg.priority = i,
		});
	while (queue_stat_now(&self->queue).sent < 3 * FLOOD ||
	       queue_stat_now(&self->queue).messages) {
		if (try_receive(&self->queue, &value) != 8)
			continue;
		received++;
		ASSERT_GT(3, value >> 32);
		ASSERT_LE(last[value >> 32], (value & ~0U) + 1);
		last[value >> 32] = (value & ~0U) + 1;
	}
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, finish(senders[i]));
	}
	EXPECT_EQ(received, queue_stat_now(&self->queue).received);
	EXPECT_EQ(3 * FLOOD, received + queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(0, read_quota(&self->queue));
	TH_LOG("%llu of %u were dropped", queue_stat_now(&self->queue).dropped, 3 * FLOOD);
}

IPCSHM_TEST_MAIN
