// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: acknowledged receive. A message stays the queue's until it is acknowledged, and comes
 * back to its old place otherwise.
 */
#include "common/harness.h"
#include "common/queue.h"
#include "ack_fixture.h"

TEST_F(ack, message_stays_until_it_is_acknowledged)
{
	struct ipcshm_queue_stat stat;
	struct taken taken;
	__u64 value;

	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	taken = take_message(&self->queue);
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

	EXPECT_EQ(1, acknowledge_message(&self->queue, &taken));
	stat = queue_stat_now(&self->queue);
	EXPECT_EQ(0, stat.messages + stat.bytes + stat.unacknowledged + stat.returns);
	EXPECT_EQ(1, stat.received);
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	EXPECT_EQ(-ESRCH, acknowledge_message(&self->queue, &taken));
}

TEST_F(ack, returned_messages_are_at_their_old_places)
{
	struct taken taken[PLACES];
	static const int order[] = { 4, 0, 5, 2 };
	unsigned int i;

	ASSERT_EQ(0, send_values(&self->queue, 0, PLACES - 1));
	for (i = 0; i < 6; i++)
		taken[i] = take_message(&self->queue);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		EXPECT_EQ(1, give_back(&self->queue, &taken[order[i]]));
	EXPECT_EQ(4, queue_stat_now(&self->queue).returns);
	EXPECT_EQ(2, queue_stat_now(&self->queue).unacknowledged);
	taken[0] = take_message(&self->queue);
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
	EXPECT_EQ(1, acknowledge_message(&self->queue, &taken[3]));
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
	high = take_message(&self->queue);
	low = take_message(&self->queue);
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
	__u64 ids[3];

	ASSERT_EQ(0, send_values(&self->queue, 1, 2));
	taken = take_message(&self->queue);
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
	EXPECT_EQ(-EFAULT, ipcshm_ack(self->queue.fd, (__u64 *)8, 1));
}

TEST_F(ack, late_acknowledgment_does_not_end_the_next_lease)
{
	struct taken first, second;

	ASSERT_EQ(0, send_values(&self->queue, 1, 1));
	first = take_message(&self->queue);
	EXPECT_EQ(1, give_back(&self->queue, &first));
	second = take_message(&self->queue);
	EXPECT_EQ(1, second.value);
	EXPECT_EQ(-ESRCH, acknowledge_message(&self->queue, &first));
	EXPECT_EQ(1, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(1, acknowledge_message(&self->queue, &second));
}

/* Messages that come back. */

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
		struct taken taken = take_message(&self->queue);

		EXPECT_EQ(i, taken.value);
		EXPECT_EQ(i < 3, taken.message.returns);
		EXPECT_EQ(1, acknowledge_message(&self->queue, &taken));
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
	EXPECT_EQ(-ESRCH, acknowledge_message(&self->queue, &taken));
	close(fd);
	EXPECT_EQ(0, queue_stat_now(&self->queue).unacknowledged);
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(ack, message_of_another_process_is_not_acknowledged)
{
	struct peer *peer;
	__u64 id;

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
	EXPECT_EQ(-ESRCH, acknowledge_message(&self->queue, &slow));
	EXPECT_EQ(1, acknowledge_message(&self->queue, &next));
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
	EXPECT_EQ(1, acknowledge_message(&self->queue, &taken[0]));
}

TEST_F(ack, time_can_be_extended_and_shortened)
{
	struct taken taken[2] = { 0 };
	unsigned int i;

	ASSERT_EQ(0, send_values(&self->queue, 0, 1));
	for (i = 0; i < 2; i++)
		take_from(self->queue.fd, &taken[i], 3600000 * MS, IPCSHM_NOW);
	EXPECT_EQ(1, ipcshm_ack_extend(self->queue.fd, &taken[0].message.ack_id, 1,
				       20 * MS));
	EXPECT_EQ(1, ipcshm_ack_extend(self->queue.fd, &taken[1].message.ack_id, 1,
				       0));
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).returns == 1));
	EXPECT_EQ(0, receive_value(&self->queue));
	EXPECT_EQ(1, acknowledge_message(&self->queue, &taken[1]));
}

/* Many leases. */

#define LEASES	700	/* more than the kernel's table of recent ones has places */

static void lease_many(FIXTURE_DATA(ack) *self, __u64 *ids)
{
	unsigned int i;

	for (i = 0; i < LEASES; i++) {
		struct taken taken = { 0 };

		try_send(&self->queue, i, 0);
		take_from(self->queue.fd, &taken, 0, IPCSHM_NOW);
		ids[i] = taken.value == i ? taken.message.ack_id : 0;
	}
}

TEST_F(ack, displaced_leases_are_found)
{
	static const unsigned int steps[] = { 1, LEASES - 1, 257, 1 };
	__u64 ids[LEASES];
	unsigned int i, k;

	self->attr.max_messages = LEASES;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	for (k = 0; k < ARRAY_SIZE(steps); k++) {
		lease_many(self, ids);
		EXPECT_EQ(LEASES, queue_stat_now(&self->queue).unacknowledged);
		for (i = 0; i < LEASES; i++) {
			__u64 *id = &ids[(i + 1) * steps[k] % LEASES];

			EXPECT_EQ(1, ipcshm_ack(self->queue.fd, id, 1));
			EXPECT_EQ(-ESRCH, ipcshm_ack(self->queue.fd, id, 1));
		}
		EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	}
}

static void lease_many_role(struct peer *peer)
{
	struct taken taken = { 0 };
	unsigned int i;

	for (i = 0; i < LEASES; i++) {
		taken.message.ack_id = 0;
		take_from(peer->fd, &taken, 0, SOON);
	}
	be_ready(peer);
	pause();
}

TEST_F(ack, displaced_leases_of_a_killed_process_come_back)
{
	struct peer *peer;

	self->attr.max_messages = LEASES;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	ASSERT_EQ(0, send_values(&self->queue, 0, LEASES - 1));
	peer = queue_start(&self->queue, lease_many_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(peer)));
	EXPECT_EQ(LEASES, queue_stat_now(&self->queue).unacknowledged);
	kill_peer(peer);
	ASSERT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).unacknowledged));
	for (__u64 i = 0; i < LEASES; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
}

/* A queue that has had messages has memory for the next one, which then takes the fast path. */
TEST_F(ack, timeout_without_a_lease_is_refused)
{
	struct ipcshm_transfer_args args;
	__u64 value = 3;

	ASSERT_EQ(0, send_values(&self->queue, 1, 2));
	EXPECT_EQ(1, receive_value(&self->queue));
	args = transfer_of(&value, sizeof(value));
	args.ack_timeout = 1;
	EXPECT_EQ(-1, ioctl(self->queue.fd, IPCSHM_IOC_QUEUE_SEND, &args));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->queue.fd, IPCSHM_IOC_QUEUE_RECEIVE, &args));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
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
		taken[i] = take_message(&self->queue);
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, PLACES, 0));
	sender = block_sender(&self->queue, PLACES, 0);
	ASSERT_TRUE(sender);
	EXPECT_EQ(0, poll_now(self->queue.fd) & (POLLIN | POLLOUT));
	EXPECT_EQ(-ETIMEDOUT, take_message(&self->queue).result);
	EXPECT_EQ(1, acknowledge_message(&self->queue, &taken[3]));
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
		taken[i] = take_message(&self->queue);
	sender = block_sender(&self->queue, PLACES, 0);
	receiver = queue_start(&self->queue, take_role, (struct peer) { .count = 1 });
	ASSERT_TRUE(sender);
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1));
	EXPECT_EQ(1, acknowledge_message(&self->queue, &taken[0]));
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
		taken[i] = take_message(&self->queue);
	EXPECT_EQ(0, try_send(&self->queue, 99, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(1, give_back(&self->queue, &taken[2]));
	EXPECT_EQ(0, try_send(&self->queue, 100, 0));
	EXPECT_EQ(2, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(100, receive_value(&self->queue));
	for (i = 0; i < PLACES; i++)
		EXPECT_EQ(i == 2 ? -ESRCH : 1, acknowledge_message(&self->queue, &taken[i]));
}

TEST_F(ack, rendezvous_keeps_no_message)
{
	self->attr.max_messages = 0;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	EXPECT_EQ(-EOPNOTSUPP, take_message(&self->queue).result);
}

TEST_F(ack, message_is_dropped_after_its_last_delivery)
{
	struct taken taken;
	int i;

	self->attr.max_deliveries = 3;
	ASSERT_EQ(0, set_up_again(self, self->attr));
	ASSERT_EQ(0, send_values(&self->queue, 1, 2));
	for (i = 0; i < 3; i++) {
		taken = take_message(&self->queue);
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
	taken = take_message(&self->queue);
	EXPECT_EQ(1, taken.value);
	EXPECT_EQ(0, taken.message.returns);
}

IPCSHM_TEST_MAIN
