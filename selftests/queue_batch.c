// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: many messages with one call, and how far a batch came that couldn't go on.
 */
#include "common/harness.h"
#include "common/queue.h"
#include "batch_fixture.h"

/* A structure that has grown since the module was built. */
struct longer_message {
	struct ipcshm_message message;
	__u64 unknown[3];
};

static int batch_of_longer(struct test_queue *queue, unsigned long command,
			   struct longer_message *messages, __u32 count)
{
	struct ipcshm_batch_args args = {
		.messages = (uintptr_t)messages,
		.count = count,
		.flags = IPCSHM_DONTWAIT,
		.message_size = sizeof(*messages),
	};

	return call(queue->fd, command, &args);
}

TEST_F(batch, messages_may_be_longer_than_the_module_knows)
{
	struct longer_message messages[4] = { 0 };
	unsigned int i;

	number_of(self->values, 4);
	for (i = 0; i < 4; i++)
		describe_message(&messages[i].message, &self->values[i], 1);
	ASSERT_EQ(4, batch_of_longer(&self->queue, IPCSHM_IOC_QUEUE_SEND_BATCH, messages, 4));
	memset(self->values, 0xff, sizeof(self->values));
	ASSERT_EQ(4, batch_of_longer(&self->queue, IPCSHM_IOC_QUEUE_RECEIVE_BATCH, messages, 4));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(i, self->values[i]);
		EXPECT_EQ(getpid(), messages[i].message.pid);
		EXPECT_EQ(0, messages[i].unknown[0] | messages[i].unknown[2]);
	}
}

TEST_F(batch, ends_before_a_message_with_a_member_that_the_module_does_not_know)
{
	struct longer_message messages[3] = { 0 };
	unsigned int i;

	number_of(self->values, 3);
	for (i = 0; i < 3; i++)
		describe_message(&messages[i].message, &self->values[i], 1);
	messages[2].unknown[2] = 1;
	EXPECT_EQ(2, batch_of_longer(&self->queue, IPCSHM_IOC_QUEUE_SEND_BATCH, messages, 3));
	EXPECT_EQ(-E2BIG,
		  batch_of_longer(&self->queue, IPCSHM_IOC_QUEUE_SEND_BATCH, &messages[2], 1));
	EXPECT_EQ(-E2BIG,
		  batch_of_longer(&self->queue, IPCSHM_IOC_QUEUE_RECEIVE_BATCH, &messages[2], 1));
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

/* Partial success. */

TEST_F(batch, all_are_sent_and_received_in_order)
{
	unsigned int i;

	ASSERT_EQ(KEPT, send_numbered(self, KEPT, 0));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).sent);
	ASSERT_EQ(KEPT, receive_many(self, KEPT, 0));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).received);
	for (i = 0; i < KEPT; i++) {
		EXPECT_EQ(i, self->values[i]);
		EXPECT_EQ(8, self->messages[i].size);
		EXPECT_EQ(getpid(), (pid_t)self->messages[i].pid);
		EXPECT_EQ(getuid(), self->messages[i].uid);
		EXPECT_NE(0, self->messages[i].time);
		EXPECT_EQ(0, self->messages[i].request_id);
	}
}

TEST_F(batch, each_message_has_its_own_type_and_priority)
{
	unsigned int i;

	number_of(self->values, KEPT);
	describe_message(self->messages, self->values, KEPT);
	for (i = 0; i < KEPT; i++) {
		self->messages[i].priority = i / 2;
		self->messages[i].type = 100 + i;
	}
	ASSERT_EQ(KEPT, ipcshm_send_batch(self->queue.fd, self->messages, KEPT, 0, SOON));
	ASSERT_EQ(KEPT, receive_many(self, KEPT, 0));
	for (i = 0; i < KEPT; i++) {
		__u64 value = KEPT - 2 - i / 2 * 2 + i % 2;

		EXPECT_EQ(value, self->values[i]);
		EXPECT_EQ(value / 2, self->messages[i].priority);
		EXPECT_EQ(100 + value, self->messages[i].type);
	}
}

TEST_F(batch, each_room_has_its_own_wish)
{
	unsigned int i;

	number_of(self->values, KEPT);
	describe_message(self->messages, self->values, KEPT);
	for (i = 0; i < KEPT; i++)
		self->messages[i].type = i;
	ASSERT_EQ(KEPT, ipcshm_send_batch(self->queue.fd, self->messages, KEPT, 0, SOON));
	describe_message(self->messages, self->values, 4);
	self->messages[0].flags = IPCSHM_TYPE_EQUAL;
	self->messages[0].type = 5;
	self->messages[1].flags = IPCSHM_TYPE_NOT;
	self->messages[1].type = 0;
	self->messages[2].flags = IPCSHM_TYPE_UP_TO;
	self->messages[2].type = 4;
	self->messages[3].flags = IPCSHM_TYPE_EQUAL;
	self->messages[3].type = 5;
	EXPECT_EQ(3, ipcshm_receive_batch(self->queue.fd, self->messages, 4, 0, SOON));
	EXPECT_EQ(5, self->values[0]);
	EXPECT_EQ(1, self->values[1]);
	EXPECT_EQ(0, self->values[2]);
	EXPECT_EQ(KEPT - 3, queue_stat_now(&self->queue).messages);
}

TEST_F(batch, messages_that_fit_are_sent_without_waiting)
{
	EXPECT_EQ(KEPT, send_numbered(self, MANY, IPCSHM_DONTWAIT));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(-EAGAIN, send_numbered(self, MANY, IPCSHM_DONTWAIT));
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, send_numbered(self, MANY, 0));
	EXPECT_EQ(KEPT, receive_many(self, MANY, 0));
	EXPECT_EQ(-EAGAIN, receive_many(self, MANY, 0));
	EXPECT_EQ(KEPT, send_numbered(self, MANY, 0));
	EXPECT_EQ(KEPT, receive_many(self, MANY, IPCSHM_DONTWAIT));
	EXPECT_EQ(-EAGAIN, receive_many(self, MANY, IPCSHM_DONTWAIT));
}

TEST_F(batch, queued_messages_are_received_without_waiting)
{
	ASSERT_EQ(3, send_numbered(self, 3, 0));
	EXPECT_EQ(3, receive_many(self, MANY, 0));
	EXPECT_EQ(2, self->values[2]);
	ASSERT_EQ(5, send_numbered(self, 5, 0));
	EXPECT_EQ(2, receive_many(self, 2, 0));
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
}

TEST_F(batch, past_deadline_is_none_if_there_is_nothing_to_wait_for)
{
	number_of(self->values, MANY);
	describe_message(self->messages, self->values, MANY);
	EXPECT_EQ(KEPT, ipcshm_send_batch(self->queue.fd, self->messages, MANY, 0, 0));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_send_batch(self->queue.fd, self->messages, MANY, 0, 0));
	EXPECT_EQ(KEPT, ipcshm_receive_batch(self->queue.fd, self->messages, MANY, 0, 0));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_receive_batch(self->queue.fd, self->messages, MANY, 0, 0));
}

TEST_F(batch, largest_batch)
{
	static struct ipcshm_message messages[IPCSHM_BATCH_MAX];
	static __u64 values[IPCSHM_BATCH_MAX];
	unsigned int i;

	ASSERT_EQ(0, ipcshm_queue_set(self->queue.fd, IPCSHM_BATCH_MAX, IPCSHM_UNBOUNDED));
	number_of(values, IPCSHM_BATCH_MAX);
	describe_message(messages, values, IPCSHM_BATCH_MAX);
	ASSERT_EQ(IPCSHM_BATCH_MAX,
		  ipcshm_send_batch(self->queue.fd, messages, IPCSHM_BATCH_MAX, 0, SOON));
	memset(values, 0xff, sizeof(values));
	ASSERT_EQ(IPCSHM_BATCH_MAX,
		  ipcshm_receive_batch(self->queue.fd, messages, IPCSHM_BATCH_MAX, 0, SOON));
	for (i = 0; i < IPCSHM_BATCH_MAX; i++)
		ASSERT_EQ(i, values[i]);
}

/* An invalid message does not affect the messages before it. */

static const struct {
	size_t at;		/* in the structure of a message, 4 bytes */
	__u32 value;
	int error;
} wrong_to_send[] = {
	{ offsetof(struct ipcshm_message, data), 1, EFAULT },
	{ offsetof(struct ipcshm_message, size), SIZE + 1, EMSGSIZE },
	{ offsetof(struct ipcshm_message, priority), IPCSHM_PRIORITY_MAX + 1, EINVAL },
	{ offsetof(struct ipcshm_message, flags), 1, EINVAL },
	{ offsetof(struct ipcshm_message, ack_id), 1, EINVAL },
	{ offsetof(struct ipcshm_message, request_id), 1, EINVAL },
	{ offsetof(struct ipcshm_message, segments), IPCSHM_SEGMENTS_MAX + 1, EINVAL },
	{ offsetof(struct ipcshm_message, fd_count), 1, EFAULT },
}, wrong_to_receive[] = {
	{ offsetof(struct ipcshm_message, data), 1, EFAULT },
	{ offsetof(struct ipcshm_message, size), 7, EMSGSIZE },
	{ offsetof(struct ipcshm_message, flags), 3, EINVAL },
	{ offsetof(struct ipcshm_message, ack_id), 1, EINVAL },
	{ offsetof(struct ipcshm_message, segments), IPCSHM_SEGMENTS_MAX + 1, EINVAL },
	{ offsetof(struct ipcshm_message, fd_count), 17, EINVAL },
};

static void spoil_message(struct ipcshm_message *message, size_t at, __u32 value)
{
	memcpy((char *)message + at, &(__u64) { value }, at ? 4 : 8);
}

TEST_F(batch, wrong_message_ends_a_batch_that_is_sent)
{
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(wrong_to_send); i++) {
		number_of(self->values, 4);
		describe_message(self->messages, self->values, 4);
		spoil_message(&self->messages[2], wrong_to_send[i].at, wrong_to_send[i].value);
		EXPECT_EQ(2, ipcshm_send_batch(self->queue.fd, self->messages, 4, 0, SOON))
			TH_LOG("case %u", i);
		EXPECT_EQ(-wrong_to_send[i].error,
			  ipcshm_send_batch(self->queue.fd, self->messages + 2, 2, 0, SOON))
			TH_LOG("case %u", i);
		EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
		for (n = 0; n < 2; n++)
			EXPECT_EQ(n, receive_value(&self->queue));
	}
}

TEST_F(batch, wrong_room_ends_a_batch_that_is_received)
{
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(wrong_to_receive); i++) {
		ASSERT_EQ(5, send_numbered(self, 5, 0));
		describe_message(self->messages, self->values, 4);
		spoil_message(&self->messages[2], wrong_to_receive[i].at,
			      wrong_to_receive[i].value);
		EXPECT_EQ(2, ipcshm_receive_batch(self->queue.fd, self->messages, 4, 0, SOON))
			TH_LOG("case %u", i);
		EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
		EXPECT_EQ(-wrong_to_receive[i].error,
			  ipcshm_receive_batch(self->queue.fd, self->messages + 2, 2, 0, SOON))
			TH_LOG("case %u", i);
		EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
		for (n = 2; n < 5; n++)
			EXPECT_EQ(n, receive_value(&self->queue));
	}
}

TEST_F(batch, too_little_room_for_the_first_returns_the_size)
{
	ASSERT_EQ(2, send_numbered(self, 2, 0));
	describe_message(self->messages, self->values, 2);
	self->messages[0].size = 3;
	EXPECT_EQ(-EMSGSIZE, ipcshm_receive_batch(self->queue.fd, self->messages, 2, 0, SOON));
	EXPECT_EQ(8, self->messages[0].size);
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

/* Wherever that is: the kernel takes some at a time. */
TEST_F(batch, too_little_room_for_a_later_one_leaves_its_structure_as_it_was)
{
	struct ipcshm_message messages[40];
	__u64 values[40] = { 0 };
	unsigned int at;

	ASSERT_EQ(0, ipcshm_queue_set(self->queue.fd, 40, IPCSHM_UNBOUNDED));
	for (at = 1; at < 40; at++) {
		describe_message(messages, values, 40);
		ASSERT_EQ(40, ipcshm_send_batch(self->queue.fd, messages, 40, 0, SOON));
		messages[at].size = 3;
		ASSERT_EQ(at, ipcshm_receive_batch(self->queue.fd, messages, 40, 0, SOON));
		EXPECT_EQ(3, messages[at].size);
		describe_message(messages, values, 40);
		ASSERT_EQ(40 - at, ipcshm_receive_batch(self->queue.fd, messages, 40, 0, SOON));
	}
}

/* The last of the array that is there is the second. */
static struct ipcshm_message *half_an_array(int protection)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	struct ipcshm_message *messages = (void *)(pages + page - 2 * sizeof(*messages));
	static __u64 values[2];

	describe_message(messages, values, 2);
	mprotect(pages + page, page, protection);
	return messages;
}

TEST_F(batch, end_of_the_array_that_cant_be_read_ends_the_batch)
{
	struct ipcshm_message *messages = half_an_array(PROT_NONE);

	EXPECT_EQ(2, ipcshm_send_batch(self->queue.fd, messages, 4, 0, SOON));
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(-EFAULT, ipcshm_send_batch(self->queue.fd, messages + 2, 4, 0, SOON));
	ASSERT_EQ(2, send_numbered(self, 2, 0));
	EXPECT_EQ(2, ipcshm_receive_batch(self->queue.fd, messages, 4, 0, SOON));
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(-EFAULT, ipcshm_receive_batch(self->queue.fd, messages + 2, 4, 0, SOON));
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

TEST_F(batch, end_of_the_array_that_cant_be_written_loses_nothing)
{
	struct ipcshm_message *messages = half_an_array(PROT_READ);
	unsigned int i;

	ASSERT_EQ(5, send_numbered(self, 5, 0));
	/* All zero behind the two: room for a message of no bytes. */
	ASSERT_EQ(0, ipcshm_send(self->queue.fd, NULL, 0, 0, SOON));
	EXPECT_EQ(2, ipcshm_receive_batch(self->queue.fd, messages, 4, 0, SOON));
	for (i = 2; i < 5; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(-EFAULT, ipcshm_receive_batch(self->queue.fd, messages + 2, 2, 0, SOON));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
}

TEST_F(batch, sending_writes_nothing_back)
{
	struct ipcshm_message *messages = half_an_array(PROT_NONE);
	size_t page = sysconf(_SC_PAGESIZE);

	ASSERT_EQ(0, mprotect((void *)((uintptr_t)messages & -page), page, PROT_READ));
	EXPECT_EQ(2, ipcshm_send_batch(self->queue.fd, messages, 2, 0, SOON));
}

/* Blocked in the middle. */

static void send_batch_role(struct peer *peer)
{
	struct ipcshm_message messages[MANY];
	__u64 values[MANY];

	number_of(values, MANY);
	describe_message(messages, values, MANY);
	peer->result = ipcshm_send_batch(peer->fd, messages, MANY, 0, peer->deadline);
}

static void receive_batch_role(struct peer *peer)
{
	struct ipcshm_message messages[MANY];
	__u64 values[MANY];

	describe_message(messages, values, MANY);
	peer->result = ipcshm_receive_batch(peer->fd, messages, MANY, 0, peer->deadline);
	peer->value = values[0];
}

TEST_F(batch, sender_blocks_until_all_are_sent)
{
	struct peer *sender = block_sender_how(&self->queue, send_batch_role, (struct peer) { 0 });
	unsigned int i;

	ASSERT_TRUE(sender);
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).sent);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(MANY, finish(sender));
	EXPECT_EQ(MANY, queue_stat_now(&self->queue).sent);
}

TEST_F(batch, receiver_blocks_until_there_is_one)
{
	struct peer *receiver =
		block_receiver_how(&self->queue, receive_batch_role, (struct peer) { 0 });

	ASSERT_TRUE(receiver);
	EXPECT_EQ(0, try_send(&self->queue, 5, 0));
	EXPECT_EQ(1, finish(receiver));
	EXPECT_EQ(5, receiver->value);
	EXPECT_EQ(-ETIMEDOUT, ipcshm_receive_batch(self->queue.fd, self->messages, 1, 0, 0));
}

TEST_F(batch, deadline_in_the_middle_ends_it_with_the_sent_part)
{
	struct peer how = { .deadline = ipcshm_deadline(50 * MS) };

	EXPECT_EQ(KEPT, finish(queue_start(&self->queue, send_batch_role, how)));
	EXPECT_LE(how.deadline, now_ns(CLOCK_MONOTONIC));
	EXPECT_EQ(-ETIMEDOUT, finish(queue_start(&self->queue, send_batch_role, how)));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
}

TEST_F(batch, signal_in_the_middle_ends_it_with_the_sent_part)
{
	struct peer how = { .handles_signal = true };
	struct peer *sender = block_sender_how(&self->queue, send_batch_role, how);

	ASSERT_TRUE(sender);
	kill(sender->pid, SIGUSR1);
	EXPECT_EQ(KEPT, finish(sender));
	sender = block_sender_how(&self->queue, send_batch_role, how);
	ASSERT_TRUE(sender);
	kill(sender->pid, SIGUSR1);
	EXPECT_EQ(-EINTR, finish(sender));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).sent);
}

/* Restarting from the beginning would send them once more. */
TEST_F(batch, signal_in_the_middle_never_restarts_the_sent_part)
{
	struct peer how = { .handles_signal = true, .sa_flags = SA_RESTART };
	struct peer *sender = block_sender_how(&self->queue, send_batch_role, how);
	unsigned int i;

	ASSERT_TRUE(sender);
	kill(sender->pid, SIGUSR1);
	EXPECT_EQ(KEPT, finish(sender));
	sender = block_sender_how(&self->queue, send_batch_role, how);
	ASSERT_TRUE(sender);
	kill(sender->pid, SIGUSR1);
	ASSERT_TRUE(
		WAIT_UNTIL(signals_of(sender) == 1 && queue_stat_now(&self->queue).senders == 1));
	for (i = 0; i < KEPT; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(MANY, finish(sender));
}

TEST_F(batch, killed_sender_leaves_its_sent_messages)
{
	struct peer *sender = block_sender_how(&self->queue, send_batch_role, (struct peer) { 0 });
	unsigned int i;

	ASSERT_TRUE(sender);
	kill_peer(sender);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	for (i = 0; i < KEPT; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

TEST_F(batch, batch_for_blocked_receivers_wakes_each)
{
	struct peer *receivers[3];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		receivers[i] = block_receiver(&self->queue);
		ASSERT_TRUE(receivers[i]);
	}
	ASSERT_EQ(5, send_numbered(self, 5, 0));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(8, finish(receivers[i]));
		EXPECT_EQ(i, receivers[i]->value);
	}
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

/* With so many, the module looks at all of them for one message at a time. */
TEST_F_TIMEOUT(batch, batch_is_sent_whole_past_many_receivers_of_another_type, 60)
{
	const struct peer other = { .msg.type = 9, .msg.match = IPCSHM_TYPE_EQUAL };
	unsigned int i;

	for (i = 0; i < 70; i++)
		ASSERT_TRUE(block_receiver_how(&self->queue, receive_role, other));
	EXPECT_EQ(KEPT, send_numbered(self, KEPT, 0));
	for (i = 0; i < KEPT; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(70, queue_stat_now(&self->queue).receivers);
}

TEST_F(batch, batch_received_lets_blocked_senders_in)
{
	struct peer *senders[3];
	unsigned int i;

	ASSERT_EQ(KEPT, send_numbered(self, KEPT, 0));
	for (i = 0; i < 3; i++) {
		senders[i] = block_sender(&self->queue, 100 + i, 0);
		ASSERT_TRUE(senders[i]);
	}
	/* All messages, including those that arrive during the call. */
	EXPECT_EQ(KEPT + 3, receive_many(self, KEPT + 3, 0));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, finish(senders[i]));
		EXPECT_EQ(100 + i, self->values[KEPT + i]);
	}
}

/* A rendezvous. */

FIXTURE(rendezvous)
{
	struct test_queue queue;
};

FIXTURE_SETUP(rendezvous)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, 0, 0, SIZE));
}

FIXTURE_TEARDOWN(rendezvous)
{
	queue_tear_down(&self->queue);
}

TEST_F(rendezvous, batch_goes_to_receivers_one_by_one)
{
	struct peer *sender = block_sender_how(&self->queue, send_batch_role, (struct peer) { 0 });
	unsigned int i;

	ASSERT_TRUE(sender);
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(MANY, finish(sender));
}

TEST_F(rendezvous, batch_without_waiting_serves_blocked_receivers)
{
	struct ipcshm_message messages[3];
	struct peer *receivers[2];
	__u64 values[3];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		receivers[i] = block_receiver(&self->queue);
		ASSERT_TRUE(receivers[i]);
	}
	number_of(values, 3);
	describe_message(messages, values, 3);
	EXPECT_EQ(2, ipcshm_send_batch(self->queue.fd, messages, 3, IPCSHM_DONTWAIT, 0));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(8, finish(receivers[i]));
		EXPECT_EQ(i, receivers[i]->value);
	}
}

TEST_F(rendezvous, batch_received_takes_messages_of_blocked_senders)
{
	struct ipcshm_message messages[4];
	__u64 values[4], i;

	for (i = 0; i < 3; i++)
		ASSERT_TRUE(block_sender(&self->queue, i, 0));
	describe_message(messages, values, 4);
	EXPECT_EQ(3, ipcshm_receive_batch(self->queue.fd, messages, 4, 0, SOON));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(i, values[i]);
		EXPECT_EQ(0, finish(&self->queue.peers.list[i]));
	}
}

/* Batches at both ends, of random sizes, at full speed. */

#define STREAM	many(200000, 20000)	/* messages */

static void stream_role(struct peer *peer)
{
	struct ipcshm_message messages[MANY];
	__u64 values[MANY], next = 0;
	unsigned int i, count;
	int sent;

	srandom(2);
	while (next < STREAM) {
		count = 1 + random() % MANY;
		for (i = 0; i < count; i++)
			values[i] = next + i;
		describe_message(messages, values, count);
		sent = ipcshm_send_batch(peer->fd, messages, count, 0, SOON);
		if (sent <= 0)
			_exit(1);
		next += sent;
	}
	peer->value = next;
}

TEST_F_TIMEOUT(batch, stream_of_batches_arrives_once_and_in_order, 120)
{
	struct peer *sender = queue_start(&self->queue, stream_role, (struct peer) { 0 });
	__u64 next = 0, sent;
	int i, count;

	while (next < STREAM) {
		count = receive_many(self, 1 + next % MANY, 0);
		ASSERT_LT(0, count);
		for (i = 0; i < count; i++)
			ASSERT_EQ(next + i, self->values[i]);
		next += count;
	}
	while ((count = ipcshm_receive_batch(self->queue.fd, self->messages, MANY, IPCSHM_DONTWAIT,
					     0)) > 0)
		next += count;
	EXPECT_EQ(0, finish(sender));
	sent = sender->value;
	while ((count = ipcshm_receive_batch(self->queue.fd, self->messages, MANY, IPCSHM_DONTWAIT,
					     0)) > 0)
		next += count;
	EXPECT_EQ(sent, next);
}

IPCSHM_TEST_MAIN
