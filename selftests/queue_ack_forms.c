// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: acknowledged receive of each form of message: with descriptors, in place, requests and
 * batches; and the end of the queue.
 */
#include <sys/mman.h>

#include "common/call.h"
#include "common/fuse.h"
#include "common/harness.h"
#include "common/queue.h"
#include "ack_fixture.h"

TEST_F(ack, descriptors_are_received_with_each_delivery)
{
	struct ipcshm_message message;
	int ends[2], fds[2], i;
	char data[ROOM], byte;

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, ipcshm_send_fds(self->queue.fd, "x", 1, &ends[1], 1, SOON));
	for (i = 0; i < 2; i++) {
		message = (struct ipcshm_message) {
			.data = (uintptr_t)data,
			.size = sizeof(data),
			.fds = (uintptr_t)&fds[i],
			.fd_count = 1,
		};
		ASSERT_EQ(1, ipcshm_receive_ack(self->queue.fd, &message, 0, IPCSHM_NOW));
		EXPECT_EQ(1, message.fd_count);
		EXPECT_EQ(1, write(fds[i], "y", 1));
		EXPECT_EQ(1, read(ends[0], &byte, 1));
		close(fds[i]);
		if (!i)
			EXPECT_EQ(1, ipcshm_nack(self->queue.fd, &message.ack_id, 1));
	}
	EXPECT_EQ(1, ipcshm_ack(self->queue.fd, &message.ack_id, 1));
	close(ends[1]);
	EXPECT_EQ(0, read(ends[0], &byte, 1));	/* no descriptor is left */
	close(ends[0]);
}

FIXTURE(slow)
{
	struct test_queue queue;
	struct fuse_memory memory;
	int ends[2];
	struct peer *receiver;
};

/* A receiver whose room for a descriptor, at @value, blocks for longer than the lease. */
static void take_slowly_role(struct peer *peer)
{
	int *fd = (int *)(uintptr_t)peer->value;
	char byte;
	struct ipcshm_message message = {
		.data = (uintptr_t)&byte,
		.size = 1,
		.fds = peer->value,
		.fd_count = 1,
	};

	peer->result = ipcshm_receive_ack(peer->fd, &message, 20 * MS, SOON);
	peer->msg.message = message;
	peer->count = write(*fd, "y", 1);
}

/* The lease of the slow receiver has expired; another message came back before its own. */
FIXTURE_SETUP(slow)
{
	struct ipcshm_message other;
	char byte;

	ASSERT_EQ(0, queue_set_up(&self->queue, PLACES, IPCSHM_UNBOUNDED, SIZE));
	FUSE_MEMORY_OPEN(&self->memory, 1);
	ASSERT_EQ(0, pipe(self->ends));
	ASSERT_EQ(0, ipcshm_send_typed(self->queue.fd, "a", 1, 1, 0, SOON));
	ASSERT_EQ(0, ipcshm_send_fds(self->queue.fd, "b", 1, &self->ends[1], 1, SOON));
	other = (struct ipcshm_message) { .data = (uintptr_t)&byte, .size = 1 };
	ASSERT_EQ(1, ipcshm_receive_ack(self->queue.fd, &other, 0, IPCSHM_NOW));
	self->receiver = queue_start(&self->queue, take_slowly_role, (struct peer) {
		.value = (uintptr_t)fuse_memory_at(&self->memory, 0),
	});
	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&self->memory, 0)));
	ASSERT_EQ(1, ipcshm_nack(self->queue.fd, &other.ack_id, 1));
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).returns == 2));
}

FIXTURE_TEARDOWN(slow)
{
	close(self->ends[0]);
	close(self->ends[1]);
	fuse_memory_close(&self->memory);
	queue_tear_down(&self->queue);
}

TEST_F(slow, delivery_goes_on_after_the_end_of_the_lease)
{
	fuse_memory_release(&self->memory, 0);
	EXPECT_EQ(1, finish(self->receiver));
	EXPECT_EQ(0, self->receiver->msg.message.request_id);
	EXPECT_EQ(1, self->receiver->count);
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

TEST_F(slow, descriptors_outlive_the_end_of_the_lease)
{
	char bytes[2];
	int fd;

	EXPECT_EQ(1, ipcshm_receive(self->queue.fd, bytes, 1, NULL, IPCSHM_NOW));
	EXPECT_EQ(1, ipcshm_receive_fds(self->queue.fd, bytes, 1, &fd, 1, NULL, IPCSHM_NOW));
	EXPECT_EQ(1, write(fd, "x", 1));
	close(fd);
	fuse_memory_release(&self->memory, 0);
	EXPECT_EQ(1, finish(self->receiver));
	EXPECT_EQ(1, self->receiver->count);
	EXPECT_EQ(2, read(self->ends[0], bytes, 2));
	close(self->ends[1]);
	self->ends[1] = -1;
	EXPECT_EQ(0, read(self->ends[0], bytes, 1));	/* no descriptor is left */
}

TEST_F(ack, message_is_leased_in_place)
{
	struct ipcshm_message message;
	const unsigned char *pool;
	__u64 offset = NOTHING;
	size_t size;
	int i;

	self->attr.pool_bytes = 16 * 4096;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	ASSERT_EQ(0, ipcshm_queue_map(self->queue.fd, (const void **)&pool, &size));
	ASSERT_EQ(0, ipcshm_send(self->queue.fd, "abc", 3, 0, SOON));
	for (i = 0; i < 2; i++) {
		message = (struct ipcshm_message) { .flags = IPCSHM_MAPPED };
		ASSERT_EQ(3, ipcshm_receive_ack(self->queue.fd, &message, 0, IPCSHM_NOW));
		EXPECT_EQ(0, memcmp(pool + message.data, "abc", 3));
		EXPECT_TRUE(offset == NOTHING || offset == message.data);
		offset = message.data;
		EXPECT_EQ(-EINVAL, ipcshm_release(self->queue.fd, (uint64_t []) { offset }, 1));
		if (!i)
			EXPECT_EQ(1, ipcshm_nack(self->queue.fd, &message.ack_id, 1));
	}
	EXPECT_NE(0, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(1, ipcshm_ack(self->queue.fd, &message.ack_id, 1));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
	munmap((void *)pool, size);
}

/* A message that had no space in the pool when it was sent. */
TEST_F(ack, message_outside_of_the_pool_is_leased_by_copy_only)
{
	struct ipcshm_message message = { .flags = IPCSHM_MAPPED };
	char data[SIZE] = { 0 };
	ssize_t result;
	int i;

	self->attr.pool_bytes = 2 * SIZE;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, ipcshm_send(self->queue.fd, data, SIZE, 0, SOON));
	do {
		message.ack_id = 0;
		result = ipcshm_receive_ack(self->queue.fd, &message, 0, IPCSHM_NOW);
	} while (result == SIZE);
	EXPECT_EQ(-ENOBUFS, result);
	message = (struct ipcshm_message) { .data = (uintptr_t)data, .size = SIZE };
	EXPECT_EQ(SIZE, ipcshm_receive_ack(self->queue.fd, &message, 0, IPCSHM_NOW));
	EXPECT_EQ(0, message.returns);
}

TEST_F(ack, request_is_answered_and_not_acknowledged)
{
	struct peer *caller;
	struct taken taken;

	caller = queue_start(&self->queue, call_role, (struct peer) { .value = 5 });
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).messages == 1));
	taken = take_message(&self->queue);
	EXPECT_EQ(5, taken.value);
	EXPECT_NE(0, taken.message.request_id);
	EXPECT_EQ(0, taken.message.ack_id);
	EXPECT_EQ(0, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(0, ipcshm_reply(self->queue.fd, taken.message.request_id, &(__u64) { 6 }, 8));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(6, caller->value);
}

TEST_F(ack, batch_acknowledges_the_batch_before)
{
	struct ipcshm_message messages[PLACES] = { 0 };
	__u64 values[PLACES], next = 0, sent = 0;
	int round, got, i;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < PLACES; i++) {
			messages[i].data = (uintptr_t)&values[i];
			messages[i].size = 8;
		}
		ASSERT_EQ(0, send_values(&self->queue, sent, sent + 4));
		sent += 5;
		got = ipcshm_receive_batch_ack(self->queue.fd, messages, PLACES, 0, 0, IPCSHM_NOW);
		/* Three places were free beside the five messages before. */
		ASSERT_EQ(5, got);
		for (i = 0; i < got; i++)
			EXPECT_EQ(next++, values[i]);
		EXPECT_EQ(5, queue_stat_now(&self->queue).unacknowledged);
		EXPECT_EQ(next - 5, queue_stat_now(&self->queue).received);
		/* So that there is room for the next five. */
		got = ipcshm_receive_batch_ack(self->queue.fd, messages, PLACES, IPCSHM_DONTWAIT, 0, 0);
		EXPECT_EQ(-EAGAIN, got);
		EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	}
}

TEST_F(ack, batch_with_a_wrong_id_receives_nothing)
{
	struct ipcshm_message messages[2] = { 0 };
	struct taken taken;
	__u64 values[2];
	int i;

	ASSERT_EQ(0, send_values(&self->queue, 1, 3));
	taken = take_message(&self->queue);
	for (i = 0; i < 2; i++) {
		messages[i].data = (uintptr_t)&values[i];
		messages[i].size = 8;
		messages[i].ack_id = taken.message.ack_id + i;
	}
	EXPECT_EQ(-ESRCH, ipcshm_receive_batch_ack(self->queue.fd, messages, 2, 0, 0, IPCSHM_NOW));
	EXPECT_EQ(0, messages[0].ack_id);
	EXPECT_EQ(0, messages[1].ack_id);
	EXPECT_EQ(1, queue_stat_now(&self->queue).received);
	EXPECT_EQ(0, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

static void prepare_batch(struct ipcshm_message *messages, __u64 *values, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		messages[i].data = (uintptr_t)&values[i];
		messages[i].size = sizeof(*values);
	}
}

/* Lease a batch, often enough that the next one takes the fast path. */
static int lease_batches(FIXTURE_DATA(ack) *self, struct ipcshm_message *messages, __u64 *values,
			 int count)
{
	int round, got = 0;

	for (round = 0; round < 3; round++) {
		send_values(&self->queue, 1, count);
		prepare_batch(messages, values, count);
		got = ipcshm_receive_batch_ack(self->queue.fd, messages, count, 0, 0, IPCSHM_NOW);
	}
	return got;
}

TEST_F(ack, batch_that_gets_fewer_messages_clears_the_other_ids)
{
	struct ipcshm_message messages[4] = { 0 };
	__u64 values[4];
	int i;

	ASSERT_EQ(4, lease_batches(self, messages, values, 4));
	ASSERT_EQ(0, send_values(&self->queue, 9, 9));
	prepare_batch(messages, values, 4);
	EXPECT_EQ(1, ipcshm_receive_batch_ack(self->queue.fd, messages, 4, 0, 0, IPCSHM_NOW));
	EXPECT_EQ(9, values[0]);
	EXPECT_NE(0, messages[0].ack_id);
	for (i = 1; i < 4; i++)
		EXPECT_EQ(0, messages[i].ack_id);
	EXPECT_EQ(1, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(12, queue_stat_now(&self->queue).received);
	EXPECT_EQ(1, ipcshm_ack(self->queue.fd, &messages[0].ack_id, 1));
}

TEST_F(ack, batch_with_an_id_twice_receives_nothing)
{
	struct ipcshm_message messages[4] = { 0 };
	struct ipcshm_queue_stat stat;
	__u64 values[4];

	ASSERT_EQ(4, lease_batches(self, messages, values, 4));
	ASSERT_EQ(0, send_values(&self->queue, 1, 4));
	prepare_batch(messages, values, 4);
	messages[3].ack_id = messages[1].ack_id;
	EXPECT_EQ(-ESRCH, ipcshm_receive_batch_ack(self->queue.fd, messages, 4, 0, 0, IPCSHM_NOW));
	stat = queue_stat_now(&self->queue);
	/* The first three ids were good; the fourth message is still leased. */
	EXPECT_EQ(1, stat.unacknowledged);
	EXPECT_EQ(5, stat.messages);
	EXPECT_EQ(11, stat.received);
}

TEST_F(ack, revocation_ends_leases)
{
	struct taken taken;

	ASSERT_EQ(0, send_values(&self->queue, 1, 2));
	taken = take_message(&self->queue);
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, acknowledge_message(&self->queue, &taken));
	EXPECT_EQ(-EKEYREVOKED, give_back(&self->queue, &taken));
	EXPECT_EQ(-EKEYREVOKED, take_message(&self->queue).result);
}

TEST_F(ack, drain_leaves_unacknowledged_messages)
{
	struct taken taken;
	uint64_t drained;

	ASSERT_EQ(0, send_values(&self->queue, 1, 3));
	taken = take_message(&self->queue);
	ASSERT_EQ(0, ipcshm_queue_drain(self->queue.fd, &drained));
	EXPECT_EQ(2, drained);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(1, give_back(&self->queue, &taken));
	EXPECT_EQ(1, receive_value(&self->queue));
}

IPCSHM_TEST_MAIN
