// SPDX-License-Identifier: GPL-2.0-only
/* Dead letters: a queue without room for them, a revoked one, and the quota that they use. */
#include "dead_letters_fixture.h"

/* Without room there. */

TEST_F(dead, message_without_room_is_delivered_again)
{
	struct ipcshm_queue_stat stat;
	unsigned int i;
	__u64 value;

	for (i = 0; i < PLACES; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	ASSERT_EQ(0, send_job(self, 100));
	ASSERT_EQ(0, send_job(self, 101));
	for (i = 0; i < DELIVERIES + 3; i++)
		EXPECT_EQ(100, fail_job(self));
	stat = stat_of(self->jobs);
	EXPECT_EQ(2, stat.messages);
	EXPECT_EQ(16, stat.bytes);
	EXPECT_EQ(2, stat.sent);
	EXPECT_EQ(0, stat.received);
	EXPECT_EQ(0, stat.dropped);
	EXPECT_EQ(8, try_receive(&self->queue, &value));
	EXPECT_EQ(100, fail_job(self));
	EXPECT_EQ(PLACES, stat_of(self->queue.fd).messages);
	EXPECT_EQ(101, fail_job(self));
}

TEST_F(dead, rendezvous_takes_it_only_from_a_sleeping_receiver)
{
	struct ipcshm_queue_attr attr = { .max_message_size = SIZE };
	struct peer *receiver;

	ASSERT_EQ(0, set_up_again(self, attr, 0));
	ASSERT_EQ(0, send_job(self, 5));
	fail_job(self);
	EXPECT_EQ(5, fail_job(self));
	EXPECT_EQ(1, stat_of(self->jobs).messages);
	receiver = block_receiver(&self->queue);
	ASSERT_TRUE(receiver);
	EXPECT_EQ(5, fail_job(self));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
	EXPECT_EQ(0, stat_of(self->jobs).messages);
}

TEST_F(dead, full_queue_that_drops_the_oldest_takes_it)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1,
		.max_message_size = SIZE,
		.overflow = IPCSHM_OVERFLOW_DROP_OLDEST,
	};

	ASSERT_EQ(0, set_up_again(self, attr, 0));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	ASSERT_EQ(0, send_job(self, 2));
	fail_job(self);
	fail_job(self);
	EXPECT_EQ(2, receive_value(&self->queue));
	EXPECT_EQ(1, stat_of(self->queue.fd).dropped);
}

TEST_F(dead, message_for_a_revoked_queue_is_dropped)
{
	struct ipcshm_queue_stat stat;

	ASSERT_EQ(0, send_job(self, 1));
	fail_job(self);
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	fail_job(self);
	stat = stat_of(self->jobs);
	EXPECT_EQ(1, stat.dropped);
	EXPECT_EQ(1, stat.dead_letters);
	EXPECT_EQ(0, stat.received);
	EXPECT_EQ(0, stat.messages);
	EXPECT_EQ(-EKEYREVOKED, open_jobs(self));
}

TEST_F(dead, message_of_a_revoked_queue_of_jobs_does_not_go_there)
{
	__u64 value;
	__u64 id;

	self->attr.max_deliveries = 1;
	close(self->jobs);
	self->jobs = open_jobs(self);
	ASSERT_LE(0, self->jobs);
	ASSERT_EQ(0, send_job(self, 1));
	id = take_job(self->jobs, &value, 0);
	ASSERT_EQ(0, ipcshm_queue_revoke(self->jobs));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_nack(self->jobs, &id, 1));
	close(self->jobs);
	EXPECT_EQ(0, stat_of(self->queue.fd).messages);
}

/* What a message costs, and what it carries. */

static __u64 queue_bytes_used(FIXTURE_DATA(dead) *self)
{
	struct ipcshm_info info = { 0 };

	ipcshm_get_info(self->queue.device, &info, sizeof(info));
	return info.queue_bytes.used;
}

TEST_F(dead, unbounded_queue_charges_the_creator)
{
	struct ipcshm_queue_attr attr = { .max_messages = IPCSHM_UNBOUNDED, .max_message_size = SIZE };
	__u64 before, value;

	ASSERT_EQ(0, set_up_again(self, attr, 0));
	before = queue_bytes_used(self);
	ASSERT_EQ(0, send_job(self, 1));
	EXPECT_EQ(before, queue_bytes_used(self));
	fail_job(self);
	fail_job(self);
	EXPECT_LT(before, queue_bytes_used(self));
	EXPECT_EQ(8, try_receive(&self->queue, &value));
	EXPECT_EQ(before, queue_bytes_used(self));
}

TEST_F(dead, unbounded_queue_of_jobs_is_not_charged_after_it)
{
	__u64 before;

	self->attr.max_messages = IPCSHM_UNBOUNDED;
	close(self->jobs);
	self->jobs = open_jobs(self);
	ASSERT_LE(0, self->jobs);
	before = queue_bytes_used(self);
	ASSERT_EQ(0, send_job(self, 1));
	fail_job(self);
	EXPECT_LT(before, queue_bytes_used(self));
	fail_job(self);
	EXPECT_EQ(before, queue_bytes_used(self));
}

IPCSHM_TEST_MAIN
