// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: acknowledged receive. A message stays the queue's until it is acknowledged, and comes
 * back to its old place otherwise.
 */
#include <sys/mman.h>

#include "common/call.h"
#include "common/fuse.h"
#include "common/harness.h"
#include "common/process.h"
#include "common/queue.h"

#define PLACES	8	/* messages that the queue of the fixture keeps */
#define ROOM	64	/* of a received message */

FIXTURE(ack)
{
	struct test_queue queue;
	struct ipcshm_queue_attr attr;
};

FIXTURE_SETUP(ack)
{
	self->attr = (struct ipcshm_queue_attr) { .max_messages = PLACES, .max_message_size = SIZE };
	ASSERT_EQ(0, queue_set_up_attr(&self->queue, self->attr, READ_WRITE));
}

FIXTURE_TEARDOWN(ack)
{
	queue_tear_down(&self->queue);
}

/* Replace the fixture's queue by one with these attributes. */
static int set_up_again(FIXTURE_DATA(ack) *self, struct ipcshm_queue_attr attr)
{
	queue_tear_down(&self->queue);
	return queue_set_up_attr(&self->queue, attr, READ_WRITE);
}

static int send_values(struct test_queue *queue, __u64 from, __u64 to)
{
	for (; from <= to; from++)
		if (try_send(queue, from, 0))
			return -1;
	return 0;
}

/**
 * struct taken - a message that was received
 * @value: its payload
 * @message: its description; ack_id is acknowledged by the next take()
 * @result: of the call
 */
struct taken {
	__u64 value;
	struct ipcshm_message message;
	ssize_t result;
};

static void take_from(int fd, struct taken *taken, __u64 timeout, __u64 deadline)
{
	taken->value = NOTHING;
	taken->message = (struct ipcshm_message) {
		.data = (uintptr_t)&taken->value,
		.size = sizeof(taken->value),
		.ack_id = taken->message.ack_id,
	};
	taken->result = ipcshm_receive_ack(fd, &taken->message, timeout, deadline);
}

static struct taken take(struct test_queue *queue)
{
	struct taken taken = { 0 };

	take_from(queue->fd, &taken, 0, IPCSHM_NOW);
	return taken;
}

static int acknowledge(struct test_queue *queue, const struct taken *taken)
{
	return ipcshm_ack(queue->fd, (uint64_t []) { taken->message.ack_id }, 1);
}

static int give_back(struct test_queue *queue, const struct taken *taken)
{
	return ipcshm_nack(queue->fd, (uint64_t []) { taken->message.ack_id }, 1);
}

TEST_F(ack, message_stays_until_it_is_acknowledged)
{
	struct ipcshm_queue_stat stat;
	struct taken taken;
	__u64 value;

	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	taken = take(&self->queue);
	EXPECT_EQ(8, taken.result);
	EXPECT_EQ(1, taken.value);
	EXPECT_EQ(0, taken.message.returns);
	EXPECT_NE(0, taken.message.ack_id);
	stat = queue_stat_now(&self->queue);
	EXPECT_EQ(1, stat.messages);
	EXPECT_EQ(8, stat.bytes);
	EXPECT_EQ(1, stat.unacknowledged);
	EXPECT_EQ(0, stat.received);
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	EXPECT_EQ(0, poll_now(self->queue.fd) & POLLIN);

	EXPECT_EQ(1, acknowledge(&self->queue, &taken));
	stat = queue_stat_now(&self->queue);
	EXPECT_EQ(0, stat.messages + stat.bytes + stat.unacknowledged + stat.returns);
	EXPECT_EQ(1, stat.received);
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	EXPECT_EQ(-ESRCH, acknowledge(&self->queue, &taken));
}

TEST_F(ack, returned_messages_are_at_their_old_places)
{
	struct taken taken[PLACES];
	static const int order[] = { 4, 0, 5, 2 };
	unsigned int i;

	ASSERT_EQ(0, send_values(&self->queue, 0, PLACES - 1));
	for (i = 0; i < 6; i++)
		taken[i] = take(&self->queue);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		EXPECT_EQ(1, give_back(&self->queue, &taken[order[i]]));
	EXPECT_EQ(4, queue_stat_now(&self->queue).returns);
	EXPECT_EQ(2, queue_stat_now(&self->queue).unacknowledged);
	taken[0] = take(&self->queue);
	EXPECT_EQ(0, taken[0].value);
	EXPECT_EQ(1, taken[0].message.returns);
	EXPECT_EQ(2, receive_value(&self->queue));
	EXPECT_EQ(4, receive_value(&self->queue));
	EXPECT_EQ(5, receive_value(&self->queue));
	EXPECT_EQ(6, receive_value(&self->queue));
	EXPECT_EQ(1, give_back(&self->queue, &taken[1]));
	EXPECT_EQ(1, give_back(&self->queue, &taken[0]));
	EXPECT_EQ(0, receive_value(&self->queue));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(7, receive_value(&self->queue));
	EXPECT_EQ(1, acknowledge(&self->queue, &taken[3]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(PLACES, queue_stat_now(&self->queue).received);
}

TEST_F(ack, returned_messages_keep_their_priorities_and_types)
{
	struct taken low, high;
	__u64 value;

	ASSERT_EQ(0, ipcshm_send_typed(self->queue.fd, &(__u64) { 1 }, 8, 7, 1, SOON));
	ASSERT_EQ(0, ipcshm_send_typed(self->queue.fd, &(__u64) { 2 }, 8, 5, 9, SOON));
	ASSERT_EQ(0, ipcshm_send_typed(self->queue.fd, &(__u64) { 3 }, 8, 7, 1, SOON));
	high = take(&self->queue);
	low = take(&self->queue);
	EXPECT_EQ(2, high.value);
	EXPECT_EQ(1, low.value);
	EXPECT_EQ(1, give_back(&self->queue, &low));
	EXPECT_EQ(1, give_back(&self->queue, &high));
	EXPECT_EQ(8, ipcshm_receive_typed(self->queue.fd, &value, 8, 7, IPCSHM_TYPE_EQUAL, NULL,
					  IPCSHM_NOW));
	EXPECT_EQ(1, value);
	EXPECT_EQ(2, receive_value(&self->queue));
	EXPECT_EQ(3, receive_value(&self->queue));
}

TEST_F(ack, receive_acknowledges_the_message_before)
{
	struct taken taken = { 0 };
	__u64 i;

	for (i = 0; i < 3 * PLACES; i++) {
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
		take_from(self->queue.fd, &taken, 0, IPCSHM_NOW);
		ASSERT_EQ(8, taken.result);
		EXPECT_EQ(i, taken.value);
		EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
		EXPECT_EQ(i, queue_stat_now(&self->queue).received);
	}
	/* It acknowledges, even if there is no other message. */
	take_from(self->queue.fd, &taken, 0, IPCSHM_NOW);
	EXPECT_EQ(-ETIMEDOUT, taken.result);
	EXPECT_EQ(0, taken.message.ack_id);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

TEST_F(ack, wrong_ids_have_no_effect)
{
	struct taken taken, other = { 0 };
	uint64_t ids[3];

	ASSERT_EQ(0, send_values(&self->queue, 1, 2));
	taken = take(&self->queue);
	ids[0] = taken.message.ack_id;
	ids[1] = taken.message.ack_id + 1;
	ids[2] = 0;
	EXPECT_EQ(-ESRCH, ipcshm_ack(self->queue.fd, ids + 1, 1));
	EXPECT_EQ(-ESRCH, ipcshm_nack(self->queue.fd, ids + 2, 1));
	EXPECT_EQ(-ESRCH, ipcshm_ack_extend(self->queue.fd, ids + 2, 1, MS));
	other.message.ack_id = ids[1];
	take_from(self->queue.fd, &other, 0, IPCSHM_NOW);
	EXPECT_EQ(-ESRCH, other.result);
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(1, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(1, ipcshm_ack(self->queue.fd, ids, 3));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(-EINVAL, ipcshm_ack(self->queue.fd, ids, 0));
	EXPECT_EQ(-EINVAL, ipcshm_ack(self->queue.fd, ids, IPCSHM_BATCH_MAX + 1));
	EXPECT_EQ(-EFAULT, ipcshm_ack(self->queue.fd, (uint64_t *)8, 1));
}

TEST_F(ack, late_acknowledgment_does_not_end_the_next_lease)
{
	struct taken first, second;

	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	first = take(&self->queue);
	EXPECT_EQ(1, give_back(&self->queue, &first));
	second = take(&self->queue);
	EXPECT_EQ(1, second.value);
	EXPECT_EQ(-ESRCH, acknowledge(&self->queue, &first));
	EXPECT_EQ(1, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(1, acknowledge(&self->queue, &second));
}

/* What comes back, and when. */

static void take_role(struct peer *peer)
{
	struct taken taken = { 0 };
	unsigned int i;

	for (i = 0; i < peer->count; i++) {
		taken.message.ack_id = 0;
		take_from(peer->fd, &taken, 0, SOON);
		peer->result = taken.result;
		peer->value = taken.value;
	}
	be_ready(peer);
	pause();
}

static void take_and_exit_role(struct peer *peer)
{
	struct taken taken = { 0 };

	take_from(peer->fd, &taken, 0, SOON);
	peer->result = taken.result;
	peer->value = taken.value;
}

static void take_and_exec_role(struct peer *peer)
{
	struct taken taken = { 0 };

	take_from(peer->fd, &taken, 0, SOON);
	execl("/bin/sleep", "sleep", "1000", NULL);
	execl("/bin/busybox", "sleep", "1000", NULL);
	_exit(1);
}

TEST_F(ack, messages_of_a_killed_process_come_back_in_order)
{
	struct peer *peer;
	unsigned int i;

	ASSERT_EQ(0, send_values(&self->queue, 0, PLACES - 1));
	peer = queue_start(&self->queue, take_role, (struct peer) { .count = 3 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(peer)));
	EXPECT_EQ(3, queue_stat_now(&self->queue).unacknowledged);
	kill_peer(peer);
	ASSERT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).unacknowledged));
	EXPECT_EQ(3, queue_stat_now(&self->queue).returns);
	for (i = 0; i < PLACES; i++) {
		struct taken taken = take(&self->queue);

		EXPECT_EQ(i, taken.value);
		EXPECT_EQ(i < 3, taken.message.returns);
		EXPECT_EQ(1, acknowledge(&self->queue, &taken));
	}
}

TEST_F(ack, message_of_a_process_that_exits_comes_back)
{
	struct peer *peer;

	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	peer = queue_start(&self->queue, take_and_exit_role, (struct peer) { 0 });
	EXPECT_EQ(8, finish(peer));
	ASSERT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).unacknowledged));
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(ack, message_of_a_process_that_executes_a_program_comes_back)
{
	struct peer *peer;

	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	peer = queue_start(&self->queue, take_and_exec_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).returns));
	EXPECT_EQ(1, receive_value(&self->queue));
	kill_peer(peer);
}

TEST_F(ack, message_of_a_closed_descriptor_comes_back)
{
	int fd = queue_open_again(&self->queue, IPCSHM_READ);
	struct taken taken = { 0 };

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	take_from(fd, &taken, 0, IPCSHM_NOW);
	EXPECT_EQ(8, taken.result);
	EXPECT_EQ(-ESRCH, acknowledge(&self->queue, &taken));
	close(fd);
	EXPECT_EQ(0, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(ack, message_of_another_process_is_not_acknowledged)
{
	struct peer *peer;
	uint64_t id;

	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	peer = queue_start(&self->queue, take_role, (struct peer) { .count = 1 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(peer)));
	for (id = 0; id < 4; id++)
		EXPECT_EQ(-ESRCH, ipcshm_ack(self->queue.fd, &id, 1));
	EXPECT_EQ(1, queue_stat_now(&self->queue).unacknowledged);
	kill_peer(peer);
}

TEST_F(ack, message_comes_back_when_its_time_is_over)
{
	struct taken slow = { 0 }, next = { 0 };

	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	take_from(self->queue.fd, &slow, 20 * MS, IPCSHM_NOW);
	EXPECT_EQ(8, slow.result);
	take_from(self->queue.fd, &next, 0, SOON);
	EXPECT_EQ(8, next.result);
	EXPECT_EQ(1, next.value);
	EXPECT_EQ(1, next.message.returns);
	EXPECT_EQ(-ESRCH, acknowledge(&self->queue, &slow));
	EXPECT_EQ(1, acknowledge(&self->queue, &next));
}

TEST_F(ack, earliest_of_many_times_comes_first)
{
	struct taken taken[3] = { 0 };
	static const __u64 timeouts[] = { 3600000, 20, 40 };
	unsigned int i;

	ASSERT_EQ(0, send_values(&self->queue, 0, 2));
	for (i = 0; i < 3; i++)
		take_from(self->queue.fd, &taken[i], timeouts[i] * MS, IPCSHM_NOW);
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).returns == 2));
	EXPECT_EQ(1, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(2, receive_value(&self->queue));
	EXPECT_EQ(1, acknowledge(&self->queue, &taken[0]));
}

TEST_F(ack, time_can_be_extended_and_shortened)
{
	struct taken taken[2] = { 0 };
	unsigned int i;

	ASSERT_EQ(0, send_values(&self->queue, 0, 1));
	for (i = 0; i < 2; i++)
		take_from(self->queue.fd, &taken[i], 3600000 * MS, IPCSHM_NOW);
	EXPECT_EQ(1, ipcshm_ack_extend(self->queue.fd, (uint64_t []) { taken[0].message.ack_id }, 1,
				       20 * MS));
	EXPECT_EQ(1, ipcshm_ack_extend(self->queue.fd, (uint64_t []) { taken[1].message.ack_id }, 1,
				       0));
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).returns == 1));
	EXPECT_EQ(0, receive_value(&self->queue));
	EXPECT_EQ(1, acknowledge(&self->queue, &taken[1]));
}

/* Room. */

TEST_F(ack, unacknowledged_messages_count_for_the_capacity)
{
	struct taken taken[PLACES];
	struct peer *sender;
	__u64 value;
	int i;

	ASSERT_EQ(0, send_values(&self->queue, 0, PLACES - 1));
	for (i = 0; i < PLACES; i++)
		taken[i] = take(&self->queue);
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, PLACES, 0));
	sender = block_sender(&self->queue, PLACES, 0);
	ASSERT_TRUE(sender);
	EXPECT_EQ(0, poll_now(self->queue.fd) & (POLLIN | POLLOUT));
	EXPECT_EQ(-ETIMEDOUT, take(&self->queue).result);
	EXPECT_EQ(1, acknowledge(&self->queue, &taken[3]));
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(PLACES, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(1, give_back(&self->queue, &taken[5]));
	EXPECT_EQ(0, try_receive(&self->queue, &value) < 0);
	EXPECT_EQ(5, value);
	EXPECT_EQ(PLACES, receive_value(&self->queue));
}

TEST_F(ack, blocked_message_is_leased_to_a_sleeping_receiver_once_there_is_room)
{
	struct peer *sender, *receiver;
	struct taken taken[PLACES];
	int i;

	ASSERT_EQ(0, send_values(&self->queue, 0, PLACES - 1));
	for (i = 0; i < PLACES; i++)
		taken[i] = take(&self->queue);
	sender = block_sender(&self->queue, PLACES, 0);
	receiver = queue_start(&self->queue, take_role, (struct peer) { .count = 1 });
	ASSERT_TRUE(sender);
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1));
	EXPECT_EQ(1, acknowledge(&self->queue, &taken[0]));
	EXPECT_EQ(0, finish(sender));
	ASSERT_TRUE(WAIT_UNTIL(is_ready(receiver)));
	EXPECT_EQ(PLACES, receiver->value);
	EXPECT_EQ(PLACES, queue_stat_now(&self->queue).unacknowledged);
	kill_peer(receiver);
}

TEST_F(ack, sleeping_receiver_gets_a_lease)
{
	struct peer *receiver = queue_start(&self->queue, take_role, (struct peer) { .count = 1 });

	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1));
	ASSERT_EQ(0, send_values(&self->queue, 5, 5));
	ASSERT_TRUE(WAIT_UNTIL(is_ready(receiver)));
	EXPECT_EQ(8, receiver->result);
	EXPECT_EQ(5, receiver->value);
	EXPECT_EQ(1, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	kill_peer(receiver);
	EXPECT_EQ(5, receive_value(&self->queue));
}

TEST_F(ack, returned_message_goes_to_a_sleeping_receiver)
{
	struct peer *first, *second, *plain;

	ASSERT_EQ(0, send_values(&self->queue, 5, 5));
	first = queue_start(&self->queue, take_role, (struct peer) { .count = 1 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(first)));
	second = queue_start(&self->queue, take_role, (struct peer) { .count = 1 });
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1));
	kill_peer(first);
	ASSERT_TRUE(WAIT_UNTIL(is_ready(second)));
	EXPECT_EQ(5, second->value);
	plain = block_receiver(&self->queue);
	ASSERT_TRUE(plain);
	kill_peer(second);
	EXPECT_EQ(8, finish(plain));
	EXPECT_EQ(5, plain->value);
	EXPECT_EQ(2, plain->msg.message.returns);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

static void receive_to_nowhere_role(struct peer *peer)
{
	peer->result = ipcshm_receive(peer->fd, (void *)8, ROOM, NULL, SOON);
}

TEST_F(ack, message_that_another_receiver_could_not_have_is_leased)
{
	struct peer *plain, *receiver;

	plain = block_receiver_how(&self->queue, receive_to_nowhere_role, (struct peer) { 0 });
	receiver = block_receiver_how(&self->queue, take_role, (struct peer) { .count = 1 });
	ASSERT_TRUE(plain);
	ASSERT_TRUE(receiver);
	ASSERT_EQ(0, send_values(&self->queue, 5, 5));
	EXPECT_EQ(-EFAULT, finish(plain));
	ASSERT_TRUE(WAIT_UNTIL(is_ready(receiver)));
	EXPECT_EQ(5, receiver->value);
	EXPECT_EQ(1, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	kill_peer(receiver);
	ASSERT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).unacknowledged));
	EXPECT_EQ(5, receive_value(&self->queue));
}

TEST_F(ack, overflow_drops_no_unacknowledged_message)
{
	struct taken taken[PLACES];
	int i;

	self->attr.overflow = IPCSHM_OVERFLOW_DROP_OLDEST;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	ASSERT_EQ(0, send_values(&self->queue, 0, PLACES - 1));
	for (i = 0; i < PLACES; i++)
		taken[i] = take(&self->queue);
	EXPECT_EQ(0, try_send(&self->queue, 99, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(1, give_back(&self->queue, &taken[2]));
	EXPECT_EQ(0, try_send(&self->queue, 100, 0));
	EXPECT_EQ(2, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(100, receive_value(&self->queue));
	for (i = 0; i < PLACES; i++)
		EXPECT_EQ(i == 2 ? -ESRCH : 1, acknowledge(&self->queue, &taken[i]));
}

TEST_F(ack, rendezvous_keeps_no_message)
{
	self->attr.max_messages = 0;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	EXPECT_EQ(-EOPNOTSUPP, take(&self->queue).result);
}

TEST_F(ack, message_is_dropped_after_its_last_delivery)
{
	struct taken taken;
	int i;

	self->attr.max_deliveries = 3;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	ASSERT_EQ(0, send_values(&self->queue, 1, 2));
	for (i = 0; i < 3; i++) {
		taken = take(&self->queue);
		EXPECT_EQ(1, taken.value);
		EXPECT_EQ(i, taken.message.returns);
		EXPECT_EQ(1, give_back(&self->queue, &taken));
	}
	EXPECT_EQ(1, queue_stat_now(&self->queue).dead_letters);
	EXPECT_EQ(1, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(2, receive_value(&self->queue));
}

TEST_F(ack, undelivered_message_does_not_count_as_delivered)
{
	struct ipcshm_message message = { .data = 8, .size = ROOM };
	struct taken taken;

	self->attr.max_deliveries = 1;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	EXPECT_EQ(-EFAULT, ipcshm_receive_ack(self->queue.fd, &message, 0, IPCSHM_NOW));
	message = (struct ipcshm_message) { .data = (uintptr_t)&taken, .size = 7 };
	EXPECT_EQ(-EMSGSIZE, ipcshm_receive_ack(self->queue.fd, &message, 0, IPCSHM_NOW));
	EXPECT_EQ(8, message.size);
	EXPECT_EQ(0, queue_stat_now(&self->queue).unacknowledged);
	taken = take(&self->queue);
	EXPECT_EQ(1, taken.value);
	EXPECT_EQ(0, taken.message.returns);
}

/* Forms of a message. */

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
			EXPECT_EQ(1, ipcshm_nack(self->queue.fd, (uint64_t []) { message.ack_id }, 1));
	}
	EXPECT_EQ(1, ipcshm_ack(self->queue.fd, (uint64_t []) { message.ack_id }, 1));
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
	ASSERT_EQ(1, ipcshm_nack(self->queue.fd, (uint64_t []) { other.ack_id }, 1));
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
			EXPECT_EQ(1, ipcshm_nack(self->queue.fd, (uint64_t []) { message.ack_id }, 1));
	}
	EXPECT_NE(0, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(1, ipcshm_ack(self->queue.fd, (uint64_t []) { message.ack_id }, 1));
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
	taken = take(&self->queue);
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
	taken = take(&self->queue);
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

TEST_F(ack, revocation_ends_leases)
{
	struct taken taken;

	ASSERT_EQ(0, send_values(&self->queue, 1, 2));
	taken = take(&self->queue);
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, acknowledge(&self->queue, &taken));
	EXPECT_EQ(-EKEYREVOKED, give_back(&self->queue, &taken));
	EXPECT_EQ(-EKEYREVOKED, take(&self->queue).result);
}

TEST_F(ack, drain_leaves_unacknowledged_messages)
{
	struct taken taken;
	uint64_t drained;

	ASSERT_EQ(0, send_values(&self->queue, 1, 3));
	taken = take(&self->queue);
	ASSERT_EQ(0, ipcshm_queue_drain(self->queue.fd, &drained));
	EXPECT_EQ(2, drained);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(1, give_back(&self->queue, &taken));
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_HARNESS_MAIN
