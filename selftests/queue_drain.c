// SPDX-License-Identifier: GPL-2.0-only
/* A queue is drained: all its messages are discarded. */
#include "overflow_fixture.h"

TEST_F(overflow, drain_discards_all_and_counts)
{
	uint64_t drained = 0;
	__u64 i;

	ASSERT_TRUE(begin_queue(&self->queue, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED,
				IPCSHM_OVERFLOW_BLOCK));
	EXPECT_EQ(0, ipcshm_queue_drain(self->queue.fd, &drained));
	EXPECT_EQ(0, drained);
	for (i = 0; i < 300; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, i % 7));
	EXPECT_LT(0, read_quota(&self->queue));
	EXPECT_EQ(0, ipcshm_queue_drain(self->queue.fd, &drained));
	EXPECT_EQ(300, drained);
	EXPECT_EQ(300, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(300, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages + queue_stat_now(&self->queue).bytes);
	EXPECT_EQ(0, read_quota(&self->queue));
	EXPECT_EQ(0, try_send(&self->queue, 5, 0));
	EXPECT_TRUE(HOLDS(5));
}

TEST_F(overflow, blocked_senders_come_in_after_a_drain)
{
	struct peer *senders[2];
	uint64_t drained = 0;
	int i;

	ASSERT_TRUE(begin_queue(&self->queue, 2, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	ASSERT_EQ(0, try_send(&self->queue, 2, 0));
	for (i = 0; i < 2; i++) {
		senders[i] = block_sender(&self->queue, 10 + i, 0);
		ASSERT_TRUE(senders[i]);
	}
	EXPECT_EQ(0, ipcshm_queue_drain(self->queue.fd, &drained));
	EXPECT_EQ(2, drained);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, finish(senders[i]));
	EXPECT_TRUE(HOLDS(10, 11));
}

TEST_F(overflow, drain_leaves_blocked_receivers_alone)
{
	struct peer *receiver;
	uint64_t drained = 1;

	ASSERT_TRUE(begin_queue(&self->queue, 2, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	receiver = block_receiver(&self->queue);
	ASSERT_TRUE(receiver);
	EXPECT_EQ(0, ipcshm_queue_drain(self->queue.fd, &drained));
	EXPECT_EQ(0, drained);
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
}

IPCSHM_TEST_MAIN
