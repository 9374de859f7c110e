// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues and io_uring: reads, writes and polls of a queue complete in the ring,
 * and those that have to wait do so without a thread that waits for them.
 */
#include <dirent.h>
#include <liburing.h>
#include <sys/uio.h>

#include "common/harness.h"
#include "common/queue.h"

#define KEPT	4	/* messages that the queue keeps */
#define ENTRIES	64

/* io_uring's own errors: not there, or not allowed. */
#define IS_MISSING(error)	((error) == -ENOSYS || (error) == -EPERM)

FIXTURE(uring)
{
	struct test_queue queue;
	struct io_uring ring;
};

FIXTURE_SETUP(uring)
{
	int result;

	ASSERT_EQ(0, queue_set_up(&self->queue, KEPT, IPCSHM_UNBOUNDED, SIZE));
	result = io_uring_queue_init(ENTRIES, &self->ring, 0);
	if (IS_MISSING(result))
		SKIP(return, "this kernel has no io_uring, or not for us");
	ASSERT_EQ(0, result);
}

FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	queue_tear_down(&self->queue);
}

/* Threads of this process beside itself: io_uring's workers are such. */
static unsigned int count_workers(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned int count = 0;

	while ((entry = readdir(tasks)))
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count - 1;
}

static bool submit_read(struct io_uring *ring, int fd, void *room, size_t size, __u64 data)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(ring);

	io_uring_prep_read(entry, fd, room, size, 0);
	entry->user_data = data;
	return io_uring_submit(ring) == 1;
}

static bool submit_write(struct io_uring *ring, int fd, const void *from, size_t size, __u64 data)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(ring);

	io_uring_prep_write(entry, fd, from, size, 0);
	entry->user_data = data;
	return io_uring_submit(ring) == 1;
}

static bool submit_poll(struct io_uring *ring, int fd, unsigned int events, bool many_times)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(ring);

	if (many_times)
		io_uring_prep_poll_multishot(entry, fd, events);
	else
		io_uring_prep_poll_add(entry, fd, events);
	entry->user_data = 0;
	return io_uring_submit(ring) == 1;
}

/* The next completion: its result and data; -1000 if there is none. */
static int next_completion(struct io_uring *ring, __u64 *data)
{
	struct __kernel_timespec limit = { .tv_sec = WAIT_SECONDS };
	struct io_uring_cqe *entry;
	int result;

	if (io_uring_wait_cqe_timeout(ring, &entry, &limit))
		return -1000;
	result = entry->res;
	if (data)
		*data = entry->user_data;
	io_uring_cqe_seen(ring, entry);
	return result;
}

static bool nothing_completed(struct io_uring *ring)
{
	struct io_uring_cqe *entry;

	return io_uring_peek_cqe(ring, &entry) == -EAGAIN;
}

TEST_F(uring, read_and_write_complete_at_once)
{
	__u64 from = 5, to = 0, which = 0;

	ASSERT_TRUE(submit_write(&self->ring, self->queue.fd, &from, 8, 1));
	EXPECT_EQ(8, next_completion(&self->ring, &which));
	EXPECT_EQ(1, which);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &to, 8, 2));
	EXPECT_EQ(8, next_completion(&self->ring, &which));
	EXPECT_EQ(2, which);
	EXPECT_EQ(5, to);
	EXPECT_EQ(0, count_workers());
}

TEST_F(uring, read_waits_without_a_worker)
{
	__u64 value = 0;

	ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &value, 8, 1));
	EXPECT_TRUE(nothing_completed(&self->ring));
	EXPECT_EQ(0, count_workers());
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	ASSERT_EQ(0, try_send(&self->queue, 7, 0));
	EXPECT_EQ(8, next_completion(&self->ring, NULL));
	EXPECT_EQ(7, value);
	EXPECT_EQ(0, count_workers());
}

TEST_F(uring, write_waits_for_room_without_a_worker)
{
	__u64 value = 99, i;

	for (i = 0; i < KEPT; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	ASSERT_TRUE(submit_write(&self->ring, self->queue.fd, &value, 8, 1));
	EXPECT_TRUE(nothing_completed(&self->ring));
	EXPECT_EQ(0, count_workers());
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(0, receive_value(&self->queue));
	EXPECT_EQ(8, next_completion(&self->ring, NULL));
	EXPECT_EQ(0, count_workers());
	for (i = 1; i < KEPT; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(99, receive_value(&self->queue));
}

TEST_F(uring, many_reads_wait_and_each_gets_one_message)
{
	__u64 values[16], which, i, seen = 0;

	for (i = 0; i < 16; i++)
		ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &values[i], 8, i));
	EXPECT_EQ(0, count_workers());
	for (i = 0; i < 16; i++) {
		ASSERT_EQ(0, ipcshm_send(self->queue.fd, &i, 8, 0, SOON));
		ASSERT_EQ(8, next_completion(&self->ring, &which));
		ASSERT_GT(16, which);
		EXPECT_EQ(i, values[which]);
		seen |= 1 << which;
	}
	EXPECT_EQ(0xffff, seen);
	EXPECT_TRUE(nothing_completed(&self->ring));
	EXPECT_EQ(0, count_workers());
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

TEST_F(uring, message_from_another_process_completes_a_read)
{
	struct peer *sender;
	__u64 value = 0;

	ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &value, 8, 1));
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 6 });
	EXPECT_EQ(8, next_completion(&self->ring, NULL));
	EXPECT_EQ(6, value);
	EXPECT_EQ(0, finish(sender));
}

TEST_F(uring, rendezvous_is_read_without_a_worker)
{
	struct peer *sender;
	__u64 value = 0;

	close(self->queue.fd);
	self->queue.fd =
		open_queue(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 0, 0, SIZE);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &value, 8, 1));
	EXPECT_EQ(0, count_workers());
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 6 });
	EXPECT_EQ(8, next_completion(&self->ring, NULL));
	EXPECT_EQ(6, value);
	EXPECT_EQ(0, finish(sender));
}

TEST_F(uring, read_that_may_not_wait_is_eagain_in_the_ring)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
	__u64 value;

	io_uring_prep_read(entry, self->queue.fd, &value, 8, 0);
	entry->rw_flags = RWF_NOWAIT;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(-EAGAIN, next_completion(&self->ring, NULL));
}

TEST_F(uring, errors_come_in_the_ring)
{
	__u64 value = 1;
	char byte;
	int reader = queue_open_again(&self->queue, IPCSHM_READ);

	ASSERT_TRUE(submit_write(&self->ring, reader, &value, 8, 1));
	EXPECT_EQ(-EBADF, next_completion(&self->ring, NULL));
	ASSERT_TRUE(submit_write(&self->ring, self->queue.fd, (void *)1, 8, 1));
	EXPECT_EQ(-EFAULT, next_completion(&self->ring, NULL));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &byte, 1, 1));
	EXPECT_EQ(-EMSGSIZE, next_completion(&self->ring, NULL));
	ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, (void *)1, 8, 1));
	EXPECT_EQ(-EFAULT, next_completion(&self->ring, NULL));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(uring, read_that_waits_can_be_cancelled)
{
	struct io_uring_sqe *entry;
	__u64 value = 0, which;
	int results[2] = { 1, 1 }, i;

	ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &value, 8, 0));
	entry = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(entry, 0, 0);
	entry->user_data = 1;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		int result = next_completion(&self->ring, &which);

		ASSERT_GT(2, which);
		results[which] = result;
	}
	EXPECT_EQ(-ECANCELED, results[0]);
	EXPECT_EQ(0, results[1]);
	ASSERT_EQ(0, try_send(&self->queue, 3, 0));
	EXPECT_EQ(3, receive_value(&self->queue));
}

/* A ring that goes while its reads wait takes no message along. */
static void abandoned_read_role(struct peer *peer)
{
	struct io_uring ring;

	if (io_uring_queue_init(4, &ring, 0))
		_exit(1);
	if (!submit_read(&ring, peer->fd, &peer->value, 8, 0))
		_exit(2);
	be_ready(peer);
	pause();
}

TEST_F(uring, killed_reader_leaves_nothing_behind)
{
	struct peer *reader = queue_start(&self->queue, abandoned_read_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(is_ready(reader)));
	kill_peer(reader);
	ASSERT_EQ(0, try_send(&self->queue, 3, 0));
	EXPECT_EQ(3, receive_value(&self->queue));
	EXPECT_EQ(1, queue_stat_now(&self->queue).received);
}

TEST_F(uring, end_of_file_completes_a_read)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1,
		.max_bytes = SIZE,
		.max_message_size = SIZE,
	};
	struct test_name other = make_name("end");
	__u64 value;
	int writer;

	close(self->queue.fd);
	self->queue.fd = ipcshm_queue_open(self->queue.device, other.text,
					   IPCSHM_READ | CREATE_NEW | IPCSHM_HANGUP, 0600, &attr);
	ASSERT_LE(0, self->queue.fd);
	writer = ipcshm_queue_open(self->queue.device, other.text, IPCSHM_WRITE, 0, NULL);
	ASSERT_LE(0, writer);
	ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &value, 8, 1));
	EXPECT_TRUE(nothing_completed(&self->ring));
	close(writer);
	EXPECT_EQ(0, next_completion(&self->ring, NULL));
}

TEST_F(uring, revocation_completes_pending_requests)
{
	__u64 value;

	ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &value, 8, 1));
	EXPECT_TRUE(nothing_completed(&self->ring));
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, next_completion(&self->ring, NULL));
}

/* Poll. */

TEST_F(uring, poll_waits_without_a_worker)
{
	ASSERT_TRUE(submit_poll(&self->ring, self->queue.fd, POLLIN, false));
	EXPECT_TRUE(nothing_completed(&self->ring));
	EXPECT_EQ(0, count_workers());
	ASSERT_EQ(0, try_send(&self->queue, 3, 0));
	EXPECT_EQ(POLLIN, next_completion(&self->ring, NULL) & POLLIN);
	EXPECT_TRUE(nothing_completed(&self->ring));
	EXPECT_EQ(3, receive_value(&self->queue));
}

TEST_F(uring, multishot_poll_reports_each_message)
{
	__u64 i;

	ASSERT_TRUE(submit_poll(&self->ring, self->queue.fd, POLLIN, true));
	EXPECT_TRUE(nothing_completed(&self->ring));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
		EXPECT_EQ(POLLIN, next_completion(&self->ring, NULL) & POLLIN);
		EXPECT_EQ(i, receive_value(&self->queue));
	}
	EXPECT_EQ(0, count_workers());
}

/* Everything through rings, at both ends. */

#define STREAM	many(100000, 4800)	/* messages, a multiple of the next */
#define DEPTH_OF_RING	8

static void write_stream_role(struct peer *peer)
{
	__u64 values[DEPTH_OF_RING], sent, i;
	struct io_uring ring;

	if (io_uring_queue_init(ENTRIES, &ring, 0))
		_exit(1);
	for (sent = 0; sent < STREAM; sent += DEPTH_OF_RING) {
		for (i = 0; i < DEPTH_OF_RING; i++) {
			values[i] = sent + i;
			if (!submit_write(&ring, peer->fd, &values[i], 8, i))
				_exit(2);
		}
		for (i = 0; i < DEPTH_OF_RING; i++)
			if (next_completion(&ring, NULL) != 8)
				_exit(3);
	}
	peer->result = count_workers();
}

TEST_F_TIMEOUT(uring, stream_of_reads_and_writes_loses_nothing, 120)
{
	struct peer *writer = queue_start(&self->queue, write_stream_role, (struct peer) { 0 });
	unsigned char *seen = calloc(STREAM, 1);
	__u64 value, i, doubled = 0, missing = 0;

	for (i = 0; i < STREAM; i++) {
		ASSERT_TRUE(submit_read(&self->ring, self->queue.fd, &value, 8, i));
		ASSERT_EQ(8, next_completion(&self->ring, NULL));
		ASSERT_GT(STREAM, value);
		doubled += seen[value]++;
	}
	for (i = 0; i < STREAM; i++)
		missing += !seen[i];
	EXPECT_EQ(0, finish(writer));
	EXPECT_EQ(0, doubled);
	EXPECT_EQ(0, missing);
	EXPECT_EQ(0, count_workers());
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

IPCSHM_TEST_MAIN
