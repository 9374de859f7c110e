// SPDX-License-Identifier: GPL-2.0-only
/* Queues: the cost of queued messages, for users of the test's own. */
#include "common/harness.h"
#include "common/queue.h"

/*
 * The cost of queued messages, for users of the test's own.
 */
FIXTURE(quota)
{
	struct test_queue queue;
	uid_t user;
};

FIXTURE_SETUP(quota)
{
	if (geteuid())
		SKIP(return, "needs root");
	self->user = 1000000 + 2 * getpid();
	ASSERT_EQ(0, queue_set_up(&self->queue, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, 1 << 20));
}

FIXTURE_TEARDOWN(quota)
{
	queue_tear_down(&self->queue);
}

/* From here on the test runs as that user; root's own queue is closed. */
static bool become_user(struct test_queue *queue, uid_t user)
{
	return !close(queue->fd) && !setresuid(user, user, user) &&
	       (queue->fd = open_queue(queue->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				   IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, 1 << 20)) >= 0;
}

static __u64 used_bytes(struct test_queue *queue)
{
	return get_info(queue->device).queue_bytes.used;
}

static int send_zeroes(struct test_queue *queue, size_t size)
{
	static char data[1 << 20];

	return ipcshm_send(queue->fd, data, size, 0, IPCSHM_FOREVER);
}

/* With a deadline in the past. */
static int try_zeroes(struct test_queue *queue, size_t size)
{
	static char data[1 << 20];

	return ipcshm_send(queue->fd, data, size, 0, 0);
}

static bool receive_one(struct test_queue *queue)
{
	static char data[1 << 20];

	return ipcshm_receive(queue->fd, data, sizeof(data), NULL, 0) >= 0;
}

TEST_F(quota, queued_messages_count_with_their_bytes)
{
	const size_t lengths[] = { 0, 1, 64, 5000, 1 << 20 };
	__u64 before, each, fixed;
	size_t i;

	ASSERT_TRUE(become_user(&self->queue, self->user));
	EXPECT_EQ(0, used_bytes(&self->queue));
	ASSERT_EQ(0, send_zeroes(&self->queue, 0));
	fixed = used_bytes(&self->queue);
	EXPECT_LT(0, fixed);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		before = used_bytes(&self->queue);
		ASSERT_EQ(0, send_zeroes(&self->queue, lengths[i]));
		each = used_bytes(&self->queue) - before;
		EXPECT_EQ(fixed + lengths[i], each);
	}
	ASSERT_TRUE(receive_one(&self->queue));
	EXPECT_EQ(before + each - fixed, used_bytes(&self->queue));
}

TEST_F(quota, comes_back_exactly_when_the_messages_are_received)
{
	size_t i;

	ASSERT_TRUE(become_user(&self->queue, self->user));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, send_zeroes(&self->queue, i * 777));
	for (i = 0; i < 20; i++)
		ASSERT_TRUE(receive_one(&self->queue));
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F(quota, comes_back_exactly_when_the_queue_is_closed)
{
	size_t i;

	ASSERT_TRUE(become_user(&self->queue, self->user));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, send_zeroes(&self->queue, i * 777));
	EXPECT_LT(0, used_bytes(&self->queue));
	close(self->queue.fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F(quota, comes_back_exactly_when_the_sender_is_killed)
{
	struct test_name other = make_name("killed");
	struct peer *sender;
	int reader;

	ASSERT_EQ(0, close(self->queue.fd));
	ASSERT_EQ(0, setresuid(self->user, self->user, self->user));
	self->queue.fd = open_queue(self->queue.device, other.text, READ_WRITE | IPCSHM_CREATE,
				    0600, 1, IPCSHM_UNBOUNDED, SIZE);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	sender = block_sender(&self->queue, 2, 0);
	ASSERT_TRUE(sender);
	reader = ipcshm_queue_open(self->queue.device, other.text, IPCSHM_READ, 0, NULL);
	ASSERT_LE(0, reader);
	close(self->queue.fd);
	kill_peer(sender);
	EXPECT_LT(0, used_bytes(&self->queue));
	close(reader);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F(quota, failed_send_costs_nothing)
{
	ASSERT_TRUE(become_user(&self->queue, self->user));
	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, NULL, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, NULL, 1 << 20, 0, IPCSHM_FOREVER));
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F(quota, message_handed_over_costs_nothing)
{
	struct peer *receiver;

	ASSERT_TRUE(become_user(&self->queue, self->user));
	receiver = block_receiver(&self->queue);
	ASSERT_TRUE(receiver);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F(quota, counts_for_the_opener_of_the_descriptor)
{
	struct peer *sender;

	ASSERT_EQ(0, close(self->queue.fd));
	ASSERT_EQ(0, setresuid(self->user, self->user, 0));
	self->queue.fd = open_queue(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				    IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, SIZE);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_EQ(0, setresuid(0, 0, 0));
	ASSERT_EQ(0, setresuid(self->user + 1, self->user + 1, 0));
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 1 });
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(0, used_bytes(&self->queue));
	ASSERT_EQ(0, setresuid(0, 0, 0));
	ASSERT_EQ(0, setresuid(self->user, self->user, self->user));
	EXPECT_LT(8, used_bytes(&self->queue));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F_TIMEOUT(quota, used_up_blocks_until_a_message_is_received, 120)
{
	const size_t size = 1 << 20;
	struct ipcshm_quota limit;
	unsigned int count = 0;
	int result;

	ASSERT_TRUE(become_user(&self->queue, self->user));
	limit = get_info(self->queue.device).queue_bytes;
	if (limit.max > 256 * size)
		SKIP(return, "a quota of %llu bytes", limit.max);
	while (!(result = try_zeroes(&self->queue, size)))
		count++;
	ASSERT_EQ(-ETIMEDOUT, result);
	EXPECT_EQ(count, queue_stat_now(&self->queue).messages);
	limit = get_info(self->queue.device).queue_bytes;
	EXPECT_GE(limit.max, limit.used);
	EXPECT_GE(limit.used + size + SIZE, limit.max);
	ASSERT_TRUE(receive_one(&self->queue));
	EXPECT_EQ(0, try_zeroes(&self->queue, size));
	EXPECT_EQ(-ETIMEDOUT, try_zeroes(&self->queue, size));
}

IPCSHM_TEST_MAIN
