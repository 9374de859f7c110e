// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: dead letters. A message that comes back from its last delivery goes to another queue,
 * and is not lost on the way.
 */
#include "common/harness.h"
#include "common/queue.h"

#define DELIVERIES	2	/* of a message, before it is a dead letter */
#define PLACES		8	/* messages that either queue keeps */
#define BATCH		32
#define JOBS		64
#define CHAIN		200	/* queues that each have the next one for dead letters */

FIXTURE(dead)
{
	struct test_queue queue;	/* of dead letters */
	struct ipcshm_queue_attr attr;	/* of the queue of jobs */
	int jobs;
};

static int open_jobs(FIXTURE_DATA(dead) *self)
{
	self->attr.dead_letter_fd = self->queue.fd;
	return ipcshm_queue_open(self->queue.device, NULL, IPCSHM_READ | IPCSHM_WRITE |
				 IPCSHM_CREATE | IPCSHM_DEAD_LETTERS, 0600, &self->attr);
}

FIXTURE_SETUP(dead)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, PLACES, 0, SIZE));
	self->attr = (struct ipcshm_queue_attr) {
		.max_messages = PLACES,
		.max_message_size = SIZE,
		.max_deliveries = DELIVERIES,
	};
	self->jobs = open_jobs(self);
	ASSERT_LE(0, self->jobs);
}

FIXTURE_TEARDOWN(dead)
{
	close(self->jobs);
	queue_tear_down(&self->queue);
}

/* Replace the queue of dead letters, and with it the queue of jobs. */
static int set_up_again(FIXTURE_DATA(dead) *self, struct ipcshm_queue_attr attr, __u32 flags)
{
	close(self->jobs);
	queue_tear_down(&self->queue);
	if (queue_set_up_attr(&self->queue, attr, IPCSHM_READ | IPCSHM_WRITE | flags))
		return -1;
	self->jobs = open_jobs(self);
	return self->jobs < 0 ? self->jobs : 0;
}

static struct ipcshm_queue_stat stat_of(int fd)
{
	struct ipcshm_queue_stat stat = { 0 };

	ipcshm_queue_get_stat(fd, &stat, sizeof(stat));
	return stat;
}

static int send_job(FIXTURE_DATA(dead) *self, __u64 value)
{
	struct ipcshm_message message = {
		.data = (uintptr_t)&value,
		.size = sizeof(value),
	};

	return ipcshm_send_message(self->jobs, &message, IPCSHM_NOW);
}

/* Receive a job; its id is what ipcshm_nack() needs. */
static __u64 take_job(int fd, __u64 *value, __u64 timeout)
{
	struct ipcshm_message message = { .data = (uintptr_t)value, .size = sizeof(*value) };

	*value = NOTHING;
	return ipcshm_receive_ack(fd, &message, timeout, SOON) < 0 ? 0 : message.ack_id;
}

/* Receive a job and return it to the queue. */
static __u64 fail_job(FIXTURE_DATA(dead) *self)
{
	__u64 value;
	__u64 id = take_job(self->jobs, &value, 0);

	return ipcshm_nack(self->jobs, &id, 1) == 1 ? value : NOTHING;
}

static ssize_t receive_dead(FIXTURE_DATA(dead) *self, struct ipcshm_message *message, void *data,
			    size_t size)
{
	message->data = (uintptr_t)data;
	message->size = size;
	return ipcshm_receive_message(self->queue.fd, message, IPCSHM_NOW);
}

TEST_F(dead, message_goes_there_after_its_last_delivery)
{
	struct ipcshm_queue_stat stat;
	struct ipcshm_message message = {
		.data = (uintptr_t)"job",
		.size = 3,
		.type = 7,
		.priority = 5,
	};
	__u64 value, before = ipcshm_deadline(0);
	char data[16];

	ASSERT_EQ(0, ipcshm_send_message(self->jobs, &message, IPCSHM_NOW));
	fail_job(self);
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	fail_job(self);
	stat = stat_of(self->jobs);
	EXPECT_EQ(0, stat.messages);
	EXPECT_EQ(0, stat.bytes);
	EXPECT_EQ(1, stat.received);
	EXPECT_EQ(0, stat.dropped);
	EXPECT_EQ(DELIVERIES, stat.returns);
	EXPECT_EQ(1, stat.dead_letters);
	EXPECT_EQ(stat_of(self->queue.fd).stat.id, stat.dead_letter_id);
	EXPECT_EQ(0, stat_of(self->queue.fd).dead_letter_id);

	message = (struct ipcshm_message) { 0 };
	EXPECT_EQ(3, receive_dead(self, &message, data, sizeof(data)));
	EXPECT_EQ(0, memcmp(data, "job", 3));
	EXPECT_EQ(7, message.type);
	EXPECT_EQ(5, message.priority);
	EXPECT_EQ(getpid(), message.pid);
	EXPECT_EQ(getuid(), message.uid);
	EXPECT_LE(before, message.time);
	EXPECT_GE(ipcshm_deadline(0), message.time);
	EXPECT_EQ(DELIVERIES, message.returns);
}

TEST_F(dead, large_and_empty_messages_go_there)
{
	static char large[SIZE], data[SIZE];
	struct ipcshm_message message;
	unsigned int i;

	memset(large, 'x', sizeof(large));
	ASSERT_EQ(0, ipcshm_send(self->jobs, large, sizeof(large), 0, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_send(self->jobs, NULL, 0, 0, IPCSHM_NOW));
	for (i = 0; i < 2 * DELIVERIES; i++) {
		message = (struct ipcshm_message) { .data = (uintptr_t)data, .size = SIZE };
		ASSERT_LE(0, ipcshm_receive_ack(self->jobs, &message, 0, IPCSHM_NOW));
		ASSERT_EQ(1, ipcshm_nack(self->jobs, &message.ack_id, 1));
	}
	memset(data, 0, sizeof(data));
	message = (struct ipcshm_message) { 0 };
	EXPECT_EQ(SIZE, receive_dead(self, &message, data, sizeof(data)));
	EXPECT_EQ(0, memcmp(data, large, SIZE));
	EXPECT_EQ(0, receive_dead(self, &message, data, sizeof(data)));
}

TEST_F(dead, batch_goes_there_in_its_order)
{
	struct ipcshm_queue_attr attr = { .max_messages = BATCH, .max_message_size = SIZE };
	__u64 ids[BATCH];
	unsigned int i;
	__u64 value;

	self->attr.max_messages = BATCH;
	self->attr.max_deliveries = 1;
	ASSERT_EQ(0, set_up_again(self, attr, 0));
	for (i = 0; i < BATCH; i++)
		ASSERT_EQ(0, send_job(self, i));
	for (i = 0; i < BATCH; i++)
		ids[i] = take_job(self->jobs, &value, 0);
	EXPECT_EQ(BATCH, ipcshm_nack(self->jobs, ids, BATCH));
	for (i = 0; i < BATCH; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
}

/* Take as many jobs as @count. */
static void take_role(struct peer *peer)
{
	for (; peer->count; peer->count--)
		take_job(peer->other_fd, &peer->value, 0);
	be_ready(peer);
	pause();
}

static struct peer *start_taker(FIXTURE_DATA(dead) *self, unsigned int count)
{
	struct peer *peer = queue_start(&self->queue, take_role, (struct peer) {
		.count = count,
		.other_fd = self->jobs,
	});

	return WAIT_UNTIL(is_ready(peer)) ? peer : NULL;
}

TEST_F(dead, messages_of_a_killed_process_go_there)
{
	struct peer *peer;
	unsigned int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, send_job(self, i));
	for (i = 0; i < DELIVERIES; i++) {
		peer = start_taker(self, 3);
		ASSERT_TRUE(peer);
		kill_peer(peer);
		ASSERT_TRUE(WAIT_UNTIL(!stat_of(self->jobs).unacknowledged));
	}
	ASSERT_TRUE(WAIT_UNTIL(stat_of(self->queue.fd).messages == 3));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
}

/* Receive some jobs, and be killed. */
static bool kill_worker(int jobs, unsigned int count)
{
	__u64 value;
	pid_t worker = fork_peer();

	if (!worker) {
		while (count--)
			take_job(jobs, &value, 0);
		raise(SIGKILL);
	}
	return worker > 0 && kill_child(worker) == -SIGKILL;
}

TEST_F(dead, killed_workers_lose_and_double_no_message)
{
	struct ipcshm_queue_attr attr = { .max_messages = JOBS, .max_message_size = SIZE };
	bool found[JOBS] = { false };
	unsigned int i;
	__u64 value;

	self->attr.max_messages = JOBS;
	ASSERT_EQ(0, set_up_again(self, attr, 0));
	for (i = 0; i < JOBS; i++)
		ASSERT_EQ(0, send_job(self, i));
	srand(getpid());
	while (stat_of(self->jobs).messages) {
		ASSERT_TRUE(kill_worker(self->jobs, 1 + rand() % 8));
		ASSERT_TRUE(WAIT_UNTIL(!stat_of(self->jobs).unacknowledged));
	}
	ASSERT_TRUE(WAIT_UNTIL(stat_of(self->queue.fd).messages == JOBS));
	for (i = 0; i < JOBS; i++) {
		value = receive_value(&self->queue);
		ASSERT_GT(JOBS, value);
		EXPECT_FALSE(found[value]);
		found[value] = true;
	}
	EXPECT_EQ(JOBS * DELIVERIES, stat_of(self->jobs).returns);
}

TEST_F(dead, messages_whose_time_is_over_go_there)
{
	unsigned int i;
	__u64 value;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, send_job(self, i));
	for (i = 0; i < 3 * DELIVERIES; i++)
		ASSERT_NE(0, take_job(self->jobs, &value, 1));
	ASSERT_TRUE(WAIT_UNTIL(stat_of(self->queue.fd).messages == 3));
	EXPECT_EQ(0, stat_of(self->jobs).messages);
}

TEST_F(dead, sleeping_receiver_gets_it)
{
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	ASSERT_EQ(0, send_job(self, 9));
	fail_job(self);
	EXPECT_EQ(9, fail_job(self));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(9, receiver->value);
}

TEST_F(dead, poll_reports_it)
{
	ASSERT_EQ(0, send_job(self, 9));
	fail_job(self);
	EXPECT_EQ(0, poll_now(self->queue.fd) & POLLIN);
	fail_job(self);
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd) & POLLIN);
}

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

static int fail_job_with_fds(FIXTURE_DATA(dead) *self)
{
	struct ipcshm_message message = { 0 };

	if (ipcshm_receive_ack(self->jobs, &message, 0, IPCSHM_NOW))
		return -1;
	return ipcshm_nack(self->jobs, &message.ack_id, 1);
}

TEST_F(dead, descriptors_go_along)
{
	struct ipcshm_message message = { 0 };
	int ends[2], fd = -1, i;
	char byte;

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, ipcshm_send_fds(self->jobs, "", 0, &ends[1], 1, SOON));
	close(ends[1]);
	for (i = 0; i < DELIVERIES; i++)
		ASSERT_EQ(1, fail_job_with_fds(self));
	message.fds = (uintptr_t)&fd;
	message.fd_count = 1;
	EXPECT_EQ(0, receive_dead(self, &message, NULL, 0));
	EXPECT_EQ(1, message.fd_count);
	EXPECT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(1, read(ends[0], &byte, 1));
	close(fd);
	EXPECT_EQ(0, read(ends[0], &byte, 1));	/* no other is left */
	close(ends[0]);
}

TEST_F(dead, persistent_queue_gets_messages_without_descriptors)
{
	struct ipcshm_queue_attr attr = { .max_messages = PLACES, .max_message_size = SIZE };
	struct ipcshm_message message = { 0 };
	int ends[2], i;
	char byte;

	ASSERT_EQ(0, set_up_again(self, attr, IPCSHM_PERSISTENT));
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, ipcshm_send_fds(self->jobs, "", 0, &ends[1], 1, SOON));
	close(ends[1]);
	for (i = 0; i < DELIVERIES; i++)
		ASSERT_EQ(1, fail_job_with_fds(self));
	EXPECT_EQ(0, read(ends[0], &byte, 1));
	EXPECT_EQ(0, receive_dead(self, &message, NULL, 0));
	EXPECT_EQ(0, message.fd_count);
	close(ends[0]);
	EXPECT_EQ(0, ipcshm_unlink(self->queue.device, IPCSHM_QUEUE, self->queue.name.text));
}

/* How long the queues live. */

TEST_F(dead, queue_of_jobs_keeps_it)
{
	int fd = queue_open_again(&self->queue, IPCSHM_READ);

	ASSERT_LE(0, fd);
	EXPECT_EQ(3, stat_of(fd).stat.opens);
	EXPECT_EQ(2, stat_of(fd).writers);
	close(fd);
	ASSERT_EQ(0, send_job(self, 3));
	fail_job(self);
	close(self->queue.fd);
	fail_job(self);
	self->queue.fd = queue_open_again(&self->queue, IPCSHM_READ);
	ASSERT_LE(0, self->queue.fd);
	EXPECT_EQ(3, receive_value(&self->queue));
	close(self->jobs);
	close(self->queue.fd);
	EXPECT_TRUE(WAIT_UNTIL(queue_open_again(&self->queue, IPCSHM_READ) == -ENOENT));
	self->jobs = self->queue.fd = -1;
}

TEST_F(dead, queue_of_jobs_counts_as_a_writer)
{
	struct ipcshm_queue_attr attr = { .max_messages = PLACES, .max_message_size = SIZE };
	__u64 value;
	int reader;

	ASSERT_EQ(0, set_up_again(self, attr, IPCSHM_HANGUP));
	reader = queue_open_again(&self->queue, IPCSHM_READ);
	ASSERT_LE(0, reader);
	close(self->queue.fd);
	self->queue.fd = reader;
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	close(self->jobs);
	self->jobs = -1;
	EXPECT_TRUE(WAIT_UNTIL(try_receive(&self->queue, &value) == -EPIPE));
}

TEST_F(dead, long_chain_of_queues_is_freed)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1,
		.max_message_size = 1,
		.max_deliveries = 1,
	};
	__u64 objects;
	struct ipcshm_info info = { 0 };
	int i, fd, last = dup(self->queue.fd);

	ASSERT_EQ(0, ipcshm_get_info(self->queue.device, &info, sizeof(info)));
	objects = info.objects.used;
	for (i = 0; i < CHAIN; i++) {
		attr.dead_letter_fd = last;
		fd = ipcshm_queue_open(self->queue.device, NULL, IPCSHM_READ | IPCSHM_WRITE |
				       IPCSHM_CREATE | IPCSHM_DEAD_LETTERS, 0600, &attr);
		close(last);
		ASSERT_LE(0, fd);
		last = fd;
	}
	ASSERT_EQ(0, ipcshm_get_info(self->queue.device, &info, sizeof(info)));
	EXPECT_EQ(objects + CHAIN, info.objects.used);
	close(last);
	EXPECT_TRUE(WAIT_UNTIL(!ipcshm_get_info(self->queue.device, &info, sizeof(info)) &&
			       info.objects.used == objects));
}

/* Descriptors and attributes that are refused. */

static int create_with(FIXTURE_DATA(dead) *self, int fd, __u32 flags)
{
	self->attr.dead_letter_fd = fd;
	return ipcshm_queue_open(self->queue.device, NULL, IPCSHM_READ | IPCSHM_CREATE | flags,
				 0600, &self->attr);
}

TEST_F(dead, other_descriptors_are_refused)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ), ends[2];

	ASSERT_LE(0, reader);
	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(-EBADF, create_with(self, reader, IPCSHM_DEAD_LETTERS));
	EXPECT_EQ(-EBADF, create_with(self, ends[1], IPCSHM_DEAD_LETTERS));
	EXPECT_EQ(-EBADF, create_with(self, self->queue.device, IPCSHM_DEAD_LETTERS));
	EXPECT_EQ(-EBADF, create_with(self, -1, IPCSHM_DEAD_LETTERS));
	EXPECT_EQ(-EBADF, create_with(self, INT32_MAX, IPCSHM_DEAD_LETTERS));
	self->attr.max_message_size = SIZE + 1;
	self->attr.max_bytes = 0;
	EXPECT_EQ(-EMSGSIZE, create_with(self, self->queue.fd, IPCSHM_DEAD_LETTERS));
	close(reader);
	close(ends[0]);
	close(ends[1]);
}

TEST_F(dead, attributes_that_do_not_fit_are_named)
{
	EXPECT_EQ(-EINVAL, create_with(self, self->queue.fd, 0));
	EXPECT_STREQ("dead_letter_fd", ipcshm_queue_invalid(&self->attr));
	self->attr.pool_bytes = SIZE;
	EXPECT_EQ(-EINVAL, create_with(self, self->queue.fd, IPCSHM_DEAD_LETTERS));
	EXPECT_STREQ("pool_bytes", ipcshm_queue_invalid(&self->attr));
	self->attr.pool_bytes = 0;
	self->attr.max_deliveries = 0;
	EXPECT_EQ(-EINVAL, create_with(self, self->queue.fd, IPCSHM_DEAD_LETTERS));
	EXPECT_STREQ("max_deliveries", ipcshm_queue_invalid(&self->attr));
	self->attr = (struct ipcshm_queue_attr) { 0 };
	EXPECT_EQ(-EINVAL, ipcshm_queue_open(self->queue.device, self->queue.name.text, IPCSHM_READ |
					     IPCSHM_DEAD_LETTERS, 0, &self->attr));
	EXPECT_STREQ("flags", ipcshm_queue_invalid(&self->attr));
}

IPCSHM_TEST_MAIN
