// SPDX-License-Identifier: GPL-2.0-only
/* Dead letters: how long either queue lives, and descriptors and attributes that are refused. */
#include "dead_letters_fixture.h"

#define CHAIN		200	/* queues that each have the next one for dead letters */

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
