// SPDX-License-Identifier: GPL-2.0-only
/* Statistics of a queue: peaks, waiting times, stalls. */
#include "overflow_fixture.h"

TEST_F(overflow, stat_remembers_the_most_it_held)
{
	__u64 i;

	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	EXPECT_TRUE(HOLDS(0, 1, 2));
	EXPECT_EQ(0, send_size(&self->queue, 1000));
	EXPECT_EQ(3, queue_stat_now(&self->queue).peak_messages);
	EXPECT_EQ(1000, queue_stat_now(&self->queue).peak_bytes);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
}

TEST_F(overflow, stat_has_the_waiting_times_of_message_and_sender)
{
	__u64 before = now_ns(CLOCK_MONOTONIC), between;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	EXPECT_EQ(0, queue_stat_now(&self->queue).next_time);
	EXPECT_EQ(0, queue_stat_now(&self->queue).blocked_time);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	between = now_ns(CLOCK_MONOTONIC);
	EXPECT_EQ(0, queue_stat_now(&self->queue).blocked_time);
	ASSERT_TRUE(block_sender(&self->queue, 2, 0));
	EXPECT_LE(before, queue_stat_now(&self->queue).next_time);
	EXPECT_GE(between, queue_stat_now(&self->queue).next_time);
	EXPECT_LE(between, queue_stat_now(&self->queue).blocked_time);
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_LE(between, queue_stat_now(&self->queue).next_time);
	EXPECT_EQ(0, queue_stat_now(&self->queue).blocked_time);
}

TEST_F(overflow, stat_counts_messages_that_block_their_senders)
{
	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(0, queue_stat_now(&self->queue).stalls);
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 2, 0));
	EXPECT_EQ(0, queue_stat_now(&self->queue).stalls);
	ASSERT_TRUE(block_sender(&self->queue, 3, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).stalls);
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(3, receive_value(&self->queue));
	ASSERT_EQ(0, try_send(&self->queue, 4, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).stalls);
}

TEST_F(overflow, dropped_messages_are_no_stalls)
{
	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_NEWEST));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(0, try_send(&self->queue, 2, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(0, queue_stat_now(&self->queue).stalls);
}

IPCSHM_TEST_MAIN
