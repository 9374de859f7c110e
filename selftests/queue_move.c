// SPDX-License-Identifier: GPL-2.0-only
/* Queues: messages are moved to another queue, as they are and in their order. */
#include "common/harness.h"
#include "common/queue.h"

#define PLACES		8	/* messages that either queue keeps */
#define MESSAGES	40	/* of the kill test */
#define ROUNDS		many(1000, 60)

FIXTURE(move)
{
	struct test_queue queue;
	int to;			/* another queue */
};

static int open_other(FIXTURE_DATA(move) *self, struct ipcshm_queue_attr attr, __u32 flags)
{
	return ipcshm_queue_open(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE | flags, 0600,
				 &attr);
}

FIXTURE_SETUP(move)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, PLACES, 0, SIZE));
	self->to = open_other(self, (struct ipcshm_queue_attr) {
		.max_messages = PLACES, .max_message_size = SIZE,
	}, 0);
	ASSERT_LE(0, self->to);
}

FIXTURE_TEARDOWN(move)
{
	close(self->to);
	queue_tear_down(&self->queue);
}

/* The number of messages that were moved, or -errno. */
static long move_matching(FIXTURE_DATA(move) *self, __u64 most, __u32 match, __u64 type)
{
	uint64_t messages = most;
	int ret = ipcshm_queue_move(self->queue.fd, self->to, match, type, &messages);

	return ret ? ret : (long)messages;
}

static long move(FIXTURE_DATA(move) *self, __u64 most)
{
	return move_matching(self, most, 0, 0);
}

static int send_value(int fd, __u64 value, __u64 type, __u32 priority)
{
	return ipcshm_send_typed(fd, &value, sizeof(value), type, priority, IPCSHM_NOW);
}

static __u64 receive_next(int fd)
{
	__u64 value = NOTHING;

	return ipcshm_receive(fd, &value, sizeof(value), NULL, IPCSHM_NOW) < 0 ? NOTHING : value;
}

TEST_F(move, messages_stay_what_they_are)
{
	__u64 value, before = ipcshm_deadline(0);
	struct ipcshm_message message = { .data = (uintptr_t)&value, .size = sizeof(value) };

	ASSERT_EQ(0, send_value(self->queue.fd, 1, 7, 3));
	ASSERT_EQ(0, send_value(self->queue.fd, 2, 8, 9));
	ASSERT_EQ(0, send_value(self->queue.fd, 3, 9, 3));
	EXPECT_EQ(3, move(self, IPCSHM_UNBOUNDED));
	EXPECT_EQ(0, queue_stat(self->queue.fd).messages);
	EXPECT_EQ(0, queue_stat(self->queue.fd).bytes);
	EXPECT_EQ(3, queue_stat(self->queue.fd).received);
	EXPECT_EQ(0, queue_stat(self->queue.fd).dropped);
	EXPECT_EQ(3, queue_stat(self->to).messages);
	EXPECT_EQ(3, queue_stat(self->to).sent);
	EXPECT_EQ(2, receive_next(self->to));
	ASSERT_EQ(8, ipcshm_receive_message(self->to, &message, IPCSHM_NOW));
	EXPECT_EQ(1, value);
	EXPECT_EQ(7, message.type);
	EXPECT_EQ(3, message.priority);
	EXPECT_EQ(getpid(), message.pid);
	EXPECT_EQ(getuid(), message.uid);
	EXPECT_LE(before, message.time);
	EXPECT_GE(ipcshm_deadline(0), message.time);
	EXPECT_EQ(3, receive_next(self->to));
	EXPECT_EQ(0, move(self, 1));
}

TEST_F(move, large_and_empty_messages_are_whole)
{
	static char sent[SIZE], got[SIZE];

	memset(sent, 'x', sizeof(sent));
	ASSERT_EQ(0, ipcshm_send(self->queue.fd, sent, SIZE, 0, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_send(self->queue.fd, NULL, 0, 0, IPCSHM_NOW));
	EXPECT_EQ(2, move(self, 2));
	EXPECT_EQ(SIZE, ipcshm_receive(self->to, got, SIZE, NULL, IPCSHM_NOW));
	EXPECT_EQ(0, memcmp(sent, got, SIZE));
	EXPECT_EQ(0, ipcshm_receive(self->to, got, SIZE, NULL, IPCSHM_NOW));
}

TEST_F(move, number_and_type_select)
{
	__u64 i;

	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, send_value(self->queue.fd, i, i, 0));
	EXPECT_EQ(1, move_matching(self, 5, IPCSHM_TYPE_EQUAL, 4));
	EXPECT_EQ(0, move_matching(self, 5, IPCSHM_TYPE_EQUAL, 4));
	EXPECT_EQ(2, move_matching(self, 2, IPCSHM_TYPE_NOT, 0));
	EXPECT_EQ(2, move_matching(self, 5, IPCSHM_TYPE_UP_TO, 3));
	EXPECT_EQ(1, move(self, 5));
	EXPECT_EQ(4, receive_next(self->to));
	EXPECT_EQ(1, receive_next(self->to));
	EXPECT_EQ(2, receive_next(self->to));
	EXPECT_EQ(0, receive_next(self->to));
	EXPECT_EQ(3, receive_next(self->to));
	EXPECT_EQ(5, receive_next(self->to));
}

TEST_F(move, full_queue_ends_it)
{
	__u64 i;

	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, send_value(self->queue.fd, i, 0, 0));
	for (i = 0; i < PLACES - 2; i++)
		ASSERT_EQ(0, send_value(self->to, 100 + i, 0, 1));
	EXPECT_EQ(2, move(self, 5));
	EXPECT_EQ(-EAGAIN, move(self, 5));
	EXPECT_EQ(3, queue_stat(self->queue.fd).messages);
	EXPECT_EQ(2, queue_stat(self->queue.fd).received);
	ASSERT_EQ(0, send_value(self->queue.fd, 5, 0, 0));
	for (i = 2; i < 6; i++)
		EXPECT_EQ(i, receive_next(self->queue.fd));
	for (i = 0; i < PLACES - 2; i++)
		EXPECT_EQ(100 + i, receive_next(self->to));
	EXPECT_EQ(0, receive_next(self->to));
	EXPECT_EQ(1, receive_next(self->to));
}

/* Its number in the other queue does not count, where it is the newest one. */
TEST_F(move, queue_that_drops_the_oldest_keeps_it)
{
	int other = open_other(self, (struct ipcshm_queue_attr) {
		.max_messages = PLACES, .max_message_size = SIZE,
		.overflow = IPCSHM_OVERFLOW_DROP_OLDEST,
	}, 0);
	__u64 i;

	for (i = 0; i < 3 * PLACES; i++)
		ASSERT_EQ(0, send_value(other, i, 0, 0));
	ASSERT_EQ(0, send_value(self->queue.fd, 99, 0, 0));
	EXPECT_EQ(0, ipcshm_queue_move(self->queue.fd, other, 0, 0, NULL));
	for (i = 2 * PLACES + 1; i < 3 * PLACES; i++)
		EXPECT_EQ(i, receive_next(other));
	EXPECT_EQ(99, receive_next(other));
}

TEST_F(move, blocked_sender_comes_in)
{
	struct peer *sender;
	__u64 i;

	for (i = 0; i < PLACES; i++)
		ASSERT_EQ(0, send_value(self->queue.fd, i, 0, 0));
	sender = block_sender(&self->queue, PLACES, 0);
	ASSERT_TRUE(sender);
	EXPECT_EQ(1, move(self, 1));
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(PLACES - 1, move(self, IPCSHM_UNBOUNDED));
	EXPECT_EQ(PLACES, receive_next(self->queue.fd));
}

/* Starts at the other queue. */
static void receive_other_role(struct peer *peer)
{
	peer->result = ipcshm_receive(peer->other_fd, &peer->value, sizeof(peer->value), NULL, SOON);
}

TEST_F(move, sleeping_receiver_gets_one)
{
	struct peer *receiver = queue_start(&self->queue, receive_other_role, (struct peer) {
		.other_fd = self->to,
	});

	ASSERT_TRUE(WAIT_UNTIL(queue_stat(self->to).receivers == 1));
	ASSERT_EQ(0, send_value(self->queue.fd, 6, 0, 0));
	EXPECT_EQ(1, move(self, 1));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(6, receiver->value);
}

TEST_F(move, descriptors_go_along)
{
	int ends[2], fd = -1;
	struct ipcshm_message message = { .fds = (uintptr_t)&fd, .fd_count = 1 };
	char byte;

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, ipcshm_send_fds(self->queue.fd, "", 0, &ends[1], 1, SOON));
	close(ends[1]);
	EXPECT_EQ(1, move(self, 1));
	EXPECT_EQ(0, ipcshm_receive_message(self->to, &message, IPCSHM_NOW));
	EXPECT_EQ(1, message.fd_count);
	EXPECT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(1, read(ends[0], &byte, 1));
	close(fd);
	EXPECT_EQ(0, read(ends[0], &byte, 1));	/* no other is left */
}

TEST_F(move, leased_message_stays)
{
	__u64 value;
	struct ipcshm_message message = { .data = (uintptr_t)&value, .size = sizeof(value) };

	ASSERT_EQ(0, send_value(self->queue.fd, 1, 0, 0));
	ASSERT_EQ(0, send_value(self->queue.fd, 2, 0, 0));
	ASSERT_EQ(8, ipcshm_receive_ack(self->queue.fd, &message, 0, IPCSHM_NOW));
	EXPECT_EQ(1, move(self, IPCSHM_UNBOUNDED));
	EXPECT_EQ(2, receive_next(self->to));
	EXPECT_EQ(1, ipcshm_nack(self->queue.fd, &message.ack_id, 1));
	EXPECT_EQ(1, move(self, IPCSHM_UNBOUNDED));
	EXPECT_EQ(1, receive_next(self->to));
}

/* A dead letter that goes back has all its deliveries again. */
TEST_F(move, returns_begin_anew)
{
	struct ipcshm_message message;
	int jobs = open_other(self, (struct ipcshm_queue_attr) {
		.max_messages = PLACES,
		.max_message_size = SIZE,
		.max_deliveries = 2,
		.dead_letter_fd = self->queue.fd,
	}, IPCSHM_DEAD_LETTERS);
	int i, round;

	ASSERT_LE(0, jobs);
	ASSERT_EQ(0, dup2(jobs, self->to) - self->to);
	ASSERT_EQ(0, ipcshm_send(jobs, NULL, 0, 0, IPCSHM_NOW));
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 2; i++) {
			message = (struct ipcshm_message) { 0 };
			ASSERT_EQ(0, ipcshm_receive_ack(jobs, &message, 0, IPCSHM_NOW));
			EXPECT_EQ(i, message.returns);
			ASSERT_EQ(1, ipcshm_nack(jobs, &message.ack_id, 1));
		}
		ASSERT_EQ(1, queue_stat(self->queue.fd).messages);
		EXPECT_EQ(1, move(self, 1));
	}
}

TEST_F(move, errors_move_nothing)
{
	uint64_t messages = 1;
	int other = open_other(self, (struct ipcshm_queue_attr) {
		.max_messages = 1, .max_message_size = 7,
	}, 0);

	ASSERT_EQ(0, send_value(self->queue.fd, 1, 0, 0));
	EXPECT_EQ(-EINVAL, move(self, 0));
	EXPECT_EQ(-EINVAL, move_matching(self, 1, IPCSHM_TYPE_EQUAL | IPCSHM_TYPE_NOT, 0));
	EXPECT_EQ(-EINVAL, move_matching(self, 1, IPCSHM_MAPPED, 0));
	EXPECT_EQ(-EINVAL, ipcshm_queue_move(self->queue.fd, self->queue.fd, 0, 0, &messages));
	EXPECT_EQ(-EBADF, ipcshm_queue_move(self->queue.fd, -1, 0, 0, &messages));
	EXPECT_EQ(-EBADF, ipcshm_queue_move(self->queue.fd, 0, 0, 0, &messages));
	EXPECT_EQ(-EBADF, ipcshm_queue_move(self->queue.fd, self->queue.device, 0, 0, &messages));
	EXPECT_EQ(-EBADF, ipcshm_queue_move(self->to, queue_open_again(&self->queue, IPCSHM_READ),
					    0, 0, &messages));
	EXPECT_EQ(-EBADF, ipcshm_queue_move(queue_open_again(&self->queue, IPCSHM_WRITE), self->to,
					    0, 0, &messages));
	EXPECT_EQ(-EMSGSIZE, ipcshm_queue_move(self->queue.fd, other, 0, 0, &messages));
	EXPECT_EQ(1, messages);
	ASSERT_EQ(0, ipcshm_queue_revoke(self->to));
	EXPECT_EQ(-EKEYREVOKED, move(self, 1));
	EXPECT_EQ(1, receive_next(self->queue.fd));
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_queue_move(self->queue.fd, other, 0, 0, &messages));
}

TEST_F(move, persistent_queue_takes_no_descriptors)
{
	struct test_name name = make_name("persistent");
	struct ipcshm_queue_attr attr = { .max_messages = PLACES, .max_message_size = SIZE };
	int fd = ipcshm_queue_open(self->queue.device, name.text,
				   READ_WRITE | IPCSHM_CREATE | IPCSHM_PERSISTENT, 0600, &attr);

	ASSERT_LE(0, fd);
	ASSERT_EQ(self->to, dup2(fd, self->to));
	ASSERT_EQ(0, ipcshm_send_fds(self->queue.fd, "", 0, &self->queue.device, 0, SOON));
	EXPECT_EQ(1, move(self, 1));
	ASSERT_EQ(0, ipcshm_send_fds(self->queue.fd, "", 0, (int []) { open("/", O_RDONLY) }, 1, SOON));
	EXPECT_EQ(-EPERM, move(self, 1));
	EXPECT_EQ(1, queue_stat(self->queue.fd).messages);
	EXPECT_EQ(0, ipcshm_unlink(self->queue.device, IPCSHM_QUEUE, name.text));
}

TEST_F(move, queue_with_a_pool_is_refused)
{
	int pooled = open_other(self, (struct ipcshm_queue_attr) {
		.max_messages = PLACES, .max_message_size = SIZE, .pool_bytes = 8 * SIZE,
	}, 0);

	ASSERT_EQ(0, send_value(pooled, 1, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, ipcshm_queue_move(pooled, self->to, 0, 0, NULL));
	EXPECT_EQ(1, receive_next(pooled));
	/* But not the other way. */
	ASSERT_EQ(0, send_value(self->to, 2, 0, 0));
	EXPECT_EQ(0, ipcshm_queue_move(self->to, pooled, 0, 0, NULL));
	EXPECT_EQ(2, receive_next(pooled));
}

static void call_role(struct peer *peer)
{
	peer->result = ipcshm_call(peer->fd, "ask", 3, &peer->value, sizeof(peer->value), SOON);
}

TEST_F(move, request_stays_and_is_answered)
{
	struct peer *caller = queue_start(&self->queue, call_role, (struct peer) { 0 });
	struct ipcshm_message message = { 0 };
	char data[8];

	ASSERT_TRUE(WAIT_UNTIL(queue_stat(self->queue.fd).messages == 1));
	EXPECT_EQ(-EOPNOTSUPP, move(self, 1));
	ASSERT_EQ(3, ipcshm_receive(self->queue.fd, data, sizeof(data), &message, IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_reply(self->queue.fd, message.request_id, "reply", 5));
	EXPECT_EQ(5, finish(caller));
}

TEST_F(move, hung_up_queue_refuses)
{
	struct test_name name = make_name("hangup");
	struct ipcshm_queue_attr attr = { .max_messages = PLACES, .max_message_size = SIZE };
	int writer = ipcshm_queue_open(self->queue.device, name.text, IPCSHM_WRITE | IPCSHM_CREATE |
				       IPCSHM_HANGUP, 0600, &attr);
	int reader = ipcshm_queue_open(self->queue.device, name.text, IPCSHM_READ, 0, NULL);

	ASSERT_LE(0, reader);
	close(reader);
	ASSERT_EQ(0, send_value(self->queue.fd, 1, 0, 0));
	EXPECT_EQ(-EPIPE, ipcshm_queue_move(self->queue.fd, writer, 0, 0, NULL));
	EXPECT_EQ(1, receive_next(self->queue.fd));
}

/* Move to and fro, a few at a time. */
static void move_role(struct peer *peer)
{
	uint64_t messages;

	for (;;) {
		messages = 3;
		ipcshm_queue_move(peer->fd, peer->other_fd, 0, 0, &messages);
		messages = 2;
		ipcshm_queue_move(peer->other_fd, peer->fd, 0, 0, &messages);
		peer->count++;
	}
}

TEST_F_TIMEOUT(move, killed_movers_lose_and_double_no_message, 120)
{
	const struct ipcshm_queue_attr attr = {
		.max_messages = MESSAGES, .max_message_size = SIZE,
	};
	bool found[MESSAGES] = { false };
	struct peer *movers[2];
	unsigned int round, i;
	__u64 value;

	queue_tear_down(&self->queue);
	ASSERT_EQ(0, queue_set_up_attr(&self->queue, attr, READ_WRITE));
	ASSERT_EQ(self->to, dup2(open_other(self, attr, 0), self->to));
	for (i = 0; i < MESSAGES; i++)
		ASSERT_EQ(0, send_value(self->queue.fd, i, i % 3, i % 5));
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < 2; i++) {
			movers[i] = queue_start(&self->queue, move_role, (struct peer) {
				.other_fd = self->to,
			});
			ASSERT_TRUE(WAIT_UNTIL(movers[i]->count));
		}
		usleep(round % 7 * 300);
		for (i = 0; i < 2; i++)
			kill_peer(movers[i]);
		ASSERT_EQ(MESSAGES, queue_stat(self->queue.fd).messages +
			  queue_stat(self->to).messages) TH_LOG("round %u", round);
	}
	for (i = 0; i < MESSAGES; i++) {
		value = receive_next(self->to);
		if (value == NOTHING)
			value = receive_next(self->queue.fd);
		ASSERT_GT(MESSAGES, value);
		EXPECT_FALSE(found[value]);
		found[value] = true;
	}
}

IPCSHM_TEST_MAIN
