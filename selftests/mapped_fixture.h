/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue with a pool, and numbered messages that are received in place. */
#ifndef IPCSHM_MAPPED_FIXTURE_H
#define IPCSHM_MAPPED_FIXTURE_H

#include "common/queue.h"

#define PAGE	4096UL
#define POOL	(64 * PAGE)
#define LARGEST	(POOL / 4)	/* message of the queue of the fixture */

FIXTURE(mapped)
{
	struct test_queue queue;
	const unsigned char *pool;
	size_t size;
};

/* The pool is the only bound. */
static inline struct ipcshm_queue_attr attr_of(__u64 pool_bytes, __u64 max_message_size)
{
	return (struct ipcshm_queue_attr) {
		.max_messages = IPCSHM_UNBOUNDED,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = max_message_size,
		.pool_bytes = pool_bytes,
	};
}

FIXTURE_SETUP(mapped)
{
	ASSERT_EQ(0, queue_set_up_attr(&self->queue, attr_of(POOL, LARGEST), READ_WRITE));
	ASSERT_EQ(0, ipcshm_queue_map(self->queue.fd, (const void **)&self->pool, &self->size));
}

FIXTURE_TEARDOWN(mapped)
{
	queue_tear_down(&self->queue);
}

/* Messages whose every byte follows from a number. */

static inline unsigned char byte_of(__u64 number, size_t at)
{
	return number * 31 + at * 7 + (at >> 8);
}

static inline int send_numbered(int fd, __u64 number, size_t size)
{
	static unsigned char data[IPCSHM_MESSAGE_MAX];
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = byte_of(number, i);
	return ipcshm_send_typed(fd, data, size, number, 0, SOON);
}

static inline bool is_numbered(const unsigned char *data, __u64 number, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (data[i] != byte_of(number, i))
			return false;
	return true;
}

/* A message that is held. */
struct held {
	uint64_t offset;
	size_t size;
	__u64 number;
};

static inline long hold_message(struct test_queue *queue, struct held *held)
{
	struct ipcshm_message message;
	long size = ipcshm_receive_mapped(queue->fd, &held->offset, &message, SOON);

	held->size = size;
	held->number = message.type;
	return size;
}

static inline bool is_whole(const FIXTURE_DATA(mapped) *self, const struct held *held)
{
	return held->offset <= self->size && held->size <= self->size - held->offset &&
	       is_numbered(self->pool + held->offset, held->number, held->size);
}

static inline int give_back(struct test_queue *queue, const struct held *held)
{
	return ipcshm_release(queue->fd, &held->offset, 1);
}

#endif /* IPCSHM_MAPPED_FIXTURE_H */
