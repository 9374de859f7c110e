// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dead letters: a message that comes back from its last delivery goes to another queue, with its
 * descriptors, and is not lost on the way.
 */
#include "dead_letters_fixture.h"

#define BATCH		32
#define JOBS		64

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

/* Kill a worker at some moment, or let it first receive @count jobs, or all if there are fewer. */
static bool kill_worker(int jobs, unsigned int count, bool at_once)
{
	__u64 value;
	pid_t worker = fork_peer();

	if (!worker) {
		while (count && take_job_until(jobs, &value, 0, IPCSHM_NOW))
			count--;
		raise(SIGKILL);
	}
	return worker > 0 && (at_once ? kill_child(worker) : wait_child(worker)) == -SIGKILL;
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
		ASSERT_TRUE(kill_worker(self->jobs, 1 + rand() % 8, rand() % 2));
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

TEST_F(dead, it_is_newer_than_the_messages_that_are_there)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = PLACES,
		.max_message_size = SIZE,
		.overflow = IPCSHM_OVERFLOW_DROP_OLDEST,
	};
	unsigned int i;

	self->attr.max_deliveries = 1;
	ASSERT_EQ(0, set_up_again(self, attr, 0));
	for (i = 0; i < 2 * PLACES; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	ASSERT_EQ(0, send_job(self, 99));
	EXPECT_EQ(99, fail_job(self));
	EXPECT_EQ(PLACES + 1, stat_of(self->queue.fd).dropped);
	for (i = PLACES + 1; i < 2 * PLACES; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(99, receive_value(&self->queue));
}

TEST_F(dead, refused_messages_return_to_their_places)
{
	struct ipcshm_queue_attr attr = { .max_messages = PLACES, .max_message_size = SIZE };
	__u64 ids[2], value;
	unsigned int i;

	self->attr.max_deliveries = 1;
	ASSERT_EQ(0, set_up_again(self, attr, 0));
	for (i = 0; i < PLACES; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, send_job(self, i));
	for (i = 0; i < 2; i++)
		ids[i] = take_job(self->jobs, &value, 0);
	EXPECT_EQ(1, ipcshm_nack(self->jobs, &ids[1], 1));
	EXPECT_EQ(1, ipcshm_nack(self->jobs, &ids[0], 1));
	for (i = 0; i < 3; i++) {
		ASSERT_NE(0, take_job(self->jobs, &value, 0));
		EXPECT_EQ(i, value);
	}
}

IPCSHM_TEST_MAIN
