// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: messages without room, and the remedies of the owner: to change the
 * capacity, to discard the messages, to revoke the queue.
 */
#include "common/harness.h"
#include "common/queue.h"

#define KEPT		4	/* messages that the queue keeps */
#define OTHER_USER	1001

FIXTURE(overflow)
{
	struct test_queue queue;
};

FIXTURE_SETUP(overflow)
{
}

FIXTURE_TEARDOWN(overflow)
{
	queue_tear_down(&self->queue);
}

/* A queue in place of that of the fixture. */
static bool begin_queue(struct test_queue *queue, __u64 max_messages, __u64 max_bytes,
			enum ipcshm_overflow overflow)
{
	return !queue_set_up_attr(queue, (struct ipcshm_queue_attr) {
		.max_messages = max_messages,
		.max_bytes = max_bytes,
		.max_message_size = SIZE,
		.overflow = overflow,
	}, READ_WRITE);
}

static int send_size(struct test_queue *queue, size_t size)
{
	static char data[SIZE];

	return ipcshm_send(queue->fd, data, size, 0, 0);
}

static __u64 read_quota(struct test_queue *queue)
{
	return get_info(queue->device).queue_bytes.used;
}

/* Receives exactly these values, and then nothing. */
static bool holds_values(struct test_queue *queue, const __u64 *values, size_t count)
{
	__u64 value;
	size_t i;

	for (i = 0; i < count; i++)
		if (try_receive(queue, &value) != 8 || value != values[i])
			return false;
	return try_receive(queue, &value) == -EAGAIN;
}

#define HOLDS(...)	holds_values(&self->queue, (const __u64 []) { __VA_ARGS__ },		\
				     sizeof((const __u64 []) { __VA_ARGS__ }) / sizeof(__u64))

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

/* Statistics. */

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

/* The owner changes the capacity. */

TEST_F(overflow, more_room_lets_blocked_senders_in)
{
	struct peer *senders[3];
	int i;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 0, 0));
	for (i = 0; i < 3; i++) {
		senders[i] = block_sender(&self->queue, 1 + i, 0);
		ASSERT_TRUE(senders[i]);
	}
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 3, IPCSHM_UNBOUNDED));
	EXPECT_EQ(0, finish(senders[0]));
	EXPECT_EQ(0, finish(senders[1]));
	EXPECT_EQ(1, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(3, queue_stat_now(&self->queue).max_messages);
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED));
	EXPECT_EQ(0, finish(senders[2]));
	EXPECT_TRUE(HOLDS(0, 1, 2, 3));
}

TEST_F(overflow, rendezvous_can_be_made_to_keep_messages_and_back)
{
	struct peer *sender;

	ASSERT_TRUE(begin_queue(&self->queue, 0, 0, IPCSHM_OVERFLOW_BLOCK));
	sender = block_sender(&self->queue, 1, 0);
	ASSERT_TRUE(sender);
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 2, SIZE));
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 0, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 2, 0));
	EXPECT_TRUE(HOLDS(1));
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 2, 0));
}

TEST_F(overflow, less_room_loses_nothing)
{
	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	ASSERT_EQ(0, try_send(&self->queue, 2, 0));
	ASSERT_EQ(0, try_send(&self->queue, 3, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->queue.fd));
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 2, SIZE));
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 4, 0));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 4, 0));
	EXPECT_EQ(2, receive_value(&self->queue));
	EXPECT_EQ(0, try_send(&self->queue, 4, 0));
	EXPECT_TRUE(HOLDS(3, 4));
}

TEST_F(overflow, opener_gets_the_changed_capacity)
{
	struct ipcshm_queue_attr attr = { 0 };

	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_NEWEST));
	ASSERT_EQ(0, ipcshm_queue_set(self->queue.fd, 77, 2 * SIZE));
	ASSERT_LE(0, ipcshm_queue_open(self->queue.device, self->queue.name.text, IPCSHM_READ, 0,
				       &attr));
	EXPECT_EQ(77, attr.max_messages);
	EXPECT_EQ(2 * SIZE, attr.max_bytes);
	EXPECT_EQ(IPCSHM_OVERFLOW_DROP_NEWEST, attr.overflow);
	EXPECT_EQ(0, attr.pool_bytes);
}

TEST_F(overflow, room_made_by_the_owner_ends_a_poll)
{
	struct peer *poller;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	poller = queue_start(&self->queue, poll_out_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 2, IPCSHM_UNBOUNDED));
	EXPECT_EQ(POLLOUT, finish(poller));
}

/* A user other than the owner. */
static void stranger_role(struct peer *peer)
{
	if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
	    setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
		_exit(1);
	if (ipcshm_queue_set(peer->fd, 2, SIZE) != -EACCES)
		_exit(2);
	if (ipcshm_queue_revoke(peer->fd) != -EACCES)
		_exit(3);
	/* It can use the rights of the descriptor. */
	peer->result = ipcshm_queue_drain(peer->fd, NULL);
}

TEST_F(overflow, setting_and_revoking_is_for_the_owner)
{
	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(0, finish(queue_start(&self->queue, stranger_role, (struct peer) { 0 })));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).max_messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

static void create_as_stranger_role(struct peer *peer)
{
	if (setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
		_exit(1);
	peer->fd = open_queue(peer->queue->device, peer->queue->name.text, READ_WRITE | CREATE_NEW,
			      0600, 1, SIZE, SIZE);
	peer->result = peer->fd < 0 ? peer->fd : 0;
	be_ready(peer);
	pause();
}

TEST_F(overflow, setting_and_revoking_is_for_cap_ipc_owner)
{
	struct peer *owner;

	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	close(self->queue.fd);
	owner = queue_start(&self->queue, create_as_stranger_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(owner)));
	ASSERT_EQ(0, owner->result);
	self->queue.fd = queue_open_again(&self->queue, IPCSHM_READ);
	ASSERT_LE(0, self->queue.fd);
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 2, SIZE));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
}

/* Drain. */

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

/* Revoke. */

TEST_F(overflow, revoked_queue_is_gone_for_all)
{
	struct ipcshm_message message = { 0 };
	__u64 value = 0;

	ASSERT_TRUE(begin_queue(&self->queue, 2, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(IPCSHM_STAT_REVOKED, queue_stat_now(&self->queue).stat.flags);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages + queue_stat_now(&self->queue).bytes);
	EXPECT_EQ(0, read_quota(&self->queue));
	EXPECT_EQ(-ENOENT, queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(-EKEYREVOKED, try_send(&self->queue, 1, 0));
	EXPECT_EQ(-EKEYREVOKED, try_receive(&self->queue, &value));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_send_batch(self->queue.fd, &message, 1, 0, SOON));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_receive_batch(self->queue.fd, &message, 1, 0, SOON));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_call(self->queue.fd, &value, 8, &value, 8, SOON));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_reply(self->queue.fd, 1, &value, 8));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_queue_set(self->queue.fd, 2, SIZE));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_queue_drain(self->queue.fd, NULL));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_queue_set_busy_poll(self->queue.fd, 1));
	EXPECT_EQ(-1, read(self->queue.fd, &value, 8));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, write(self->queue.fd, &value, 8));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(POLLERR | POLLHUP, poll_now(self->queue.fd) & ~(POLLIN | POLLOUT));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
}

TEST_F(overflow, revocation_ends_all_waits_of_a_queue)
{
	struct peer *sender, *writer, *poller;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	sender = block_sender(&self->queue, 2, 0);
	writer = block_sender_how(&self->queue, write_role, (struct peer) { 0 });
	poller = queue_start(&self->queue, poll_out_role, (struct peer) { 0 });
	ASSERT_TRUE(sender && writer);
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(sender));
	EXPECT_EQ(-EKEYREVOKED, finish(writer));
	EXPECT_EQ(POLLERR | POLLHUP, finish(poller) & (POLLERR | POLLHUP));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
}

TEST_F(overflow, revocation_ends_receivers_that_wait)
{
	struct peer *receivers[12];
	size_t i;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = block_receiver_how(&self->queue, i % 2 ? receive_role : read_role,
						  (struct peer) { 0 });
		ASSERT_TRUE(receivers[i]);
	}
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		EXPECT_EQ(-EKEYREVOKED, finish(receivers[i]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
}

TEST_F(overflow, name_of_a_revoked_queue_is_free)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1,
		.max_bytes = SIZE,
		.max_message_size = SIZE,
	};
	int fd;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	fd = ipcshm_queue_open(self->queue.device, self->queue.name.text, READ_WRITE | CREATE_NEW,
			       0600, &attr);
	ASSERT_LE(0, fd);
	EXPECT_NE(queue_stat_now(&self->queue).stat.id, queue_stat(fd).stat.id);
	EXPECT_EQ(0, ipcshm_send(fd, "x", 1, 0, 0));
}

/* Revoked while many processes use it: none hangs, nothing is left. */
static void busy_role(struct peer *peer)
{
	__u64 value;

	do {
		if (peer->msg.priority % 2)
			peer->result = ipcshm_send(peer->fd, &peer->value, 8, 0, SOON);
		else
			peer->result = ipcshm_receive(peer->fd, &value, 8, NULL, SOON);
	} while (peer->result >= 0);
}

TEST_F_TIMEOUT(overflow, revocation_of_a_busy_queue_leaves_nothing, 120)
{
	struct peer *busy[6];
	unsigned int round;
	size_t i;

	for (round = 0; round < many(50, 8); round++) {
		ASSERT_TRUE(begin_queue(&self->queue, round % 3, round % 3 ? IPCSHM_UNBOUNDED : 0,
					IPCSHM_OVERFLOW_BLOCK));
		for (i = 0; i < ARRAY_SIZE(busy); i++)
			busy[i] = queue_start(&self->queue, busy_role,
					      (struct peer) { .msg.priority = i });
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).sent > 20));
		ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
		for (i = 0; i < ARRAY_SIZE(busy); i++)
			ASSERT_EQ(-EKEYREVOKED, finish(busy[i]));
		EXPECT_EQ(0, queue_stat_now(&self->queue).messages +
				     queue_stat_now(&self->queue).senders +
				     queue_stat_now(&self->queue).receivers);
		EXPECT_EQ(queue_stat_now(&self->queue).sent,
			  queue_stat_now(&self->queue).received +
				  queue_stat_now(&self->queue).dropped);
		EXPECT_EQ(0, read_quota(&self->queue));
		forget_peers(&self->queue.peers);
		close(self->queue.fd);
		close(self->queue.device);
	}
}

IPCSHM_TEST_MAIN
