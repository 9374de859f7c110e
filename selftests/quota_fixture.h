/* SPDX-License-Identifier: GPL-2.0-only */
/* Users that pay for the messages of a queue. */
#ifndef IPCSHM_QUOTA_FIXTURE_H
#define IPCSHM_QUOTA_FIXTURE_H

#include "common/fuse.h"
#include "common/harness.h"
#include "common/queue.h"

#define SMALL	100	/* bytes of a message */
#define LARGE	10000	/* of one that is not copied without faults */

/* The test is a user of its own, and so is a peer with a value. */
FIXTURE(quota)
{
	struct test_queue queue;
	struct fuse_memory memory;
	__u64 record;	/* the cost of a message of no bytes */
};

static inline uid_t test_user(unsigned int number)
{
	return 0x0a000000 + 4 * getpid() + number;
}

/* Can be undone, as root's saved IDs stay. */
static inline bool become_user(uid_t user)
{
	return !seteuid(0) && !setresgid(user, user, 0) && !setresuid(user, user, 0);
}

static inline struct ipcshm_quota bytes_quota(struct test_queue *queue)
{
	return get_info(queue->device).queue_bytes;
}

static inline __u64 used_bytes(struct test_queue *queue)
{
	return bytes_quota(queue).used;
}

static inline int make_queue(struct test_queue *queue, __u64 max_messages, __u64 max_bytes,
			     __u64 max_message_size)
{
	return open_queue(queue->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, max_messages,
			  max_bytes, max_message_size);
}

static inline int make_unbounded(struct test_queue *queue)
{
	return make_queue(queue, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, LARGE);
}

FIXTURE_SETUP(quota)
{
	int one;

	SKIP_UNLESS_ROOT;
	share_peers(&self->queue.peers);
	self->queue.device = open_device();
	ASSERT_TRUE(become_user(test_user(0)));
	self->queue.fd = make_unbounded(&self->queue);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_EQ(0, used_bytes(&self->queue));
	one = make_queue(&self->queue, 1, 1, 1);
	ASSERT_LE(0, one);
	self->record = used_bytes(&self->queue) - 1;
	close(one);
	ASSERT_EQ(0, used_bytes(&self->queue));
}

FIXTURE_TEARDOWN(quota)
{
	EXPECT_EQ(0, seteuid(0));
	if (self->memory.map)
		fuse_memory_close(&self->memory);
	queue_tear_down(&self->queue);
}

static inline int send_size(int fd, size_t size, __u64 deadline)
{
	static char data[IPCSHM_MESSAGE_MAX + 1];

	return ipcshm_send(fd, data, size, 0, deadline);
}

static inline int try_size(int fd, size_t size)
{
	static char data[IPCSHM_MESSAGE_MAX + 1];
	struct ipcshm_transfer_args transfer = transfer_of(data, size);

	transfer.flags = IPCSHM_DONTWAIT;
	return ipcshm_send_transfer(fd, &transfer, sizeof(transfer));
}

static inline long receive_from(int fd)
{
	char data[LARGE];

	return ipcshm_receive(fd, data, sizeof(data), NULL, SOON);
}

/* Queues that use up the quota but for so many bytes; the last of them, or -1. */
static inline int use_up(struct test_queue *queue, __u64 spare, __u64 record)
{
	struct ipcshm_quota limit = bytes_quota(queue);
	__u64 left = limit.max - limit.used - spare, size;
	int fd = -1;

	while (left > record) {
		size = left - record;
		if (size > IPCSHM_MESSAGE_MAX)
			size = left > IPCSHM_MESSAGE_MAX + 3 * record ? IPCSHM_MESSAGE_MAX :
									size / 2;
		fd = make_queue(queue, 1, size, size);
		if (fd < 0)
			return -1;
		left -= size + record;
	}
	return left ? -1 : fd;
}

#endif /* IPCSHM_QUOTA_FIXTURE_H */
