/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue that each test creates as it needs it, with a given capacity. */
#ifndef IPCSHM_OVERFLOW_FIXTURE_H
#define IPCSHM_OVERFLOW_FIXTURE_H

#include "common/harness.h"
#include "common/queue.h"

#define KEPT		4	/* messages that the queue keeps */

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
static inline bool begin_queue(struct test_queue *queue, __u64 max_messages, __u64 max_bytes,
			       enum ipcshm_overflow overflow)
{
	return !queue_set_up_attr(queue, (struct ipcshm_queue_attr) {
		.max_messages = max_messages,
		.max_bytes = max_bytes,
		.max_message_size = SIZE,
		.overflow = overflow,
	}, READ_WRITE);
}

static inline int send_size(struct test_queue *queue, size_t size)
{
	static char data[SIZE];

	return ipcshm_send(queue->fd, data, size, 0, 0);
}

static inline __u64 read_quota(struct test_queue *queue)
{
	return get_info(queue->device).queue_bytes.used;
}

/* Receives exactly these values, and then nothing. */
static inline bool holds_values(struct test_queue *queue, const __u64 *values, size_t count)
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

#endif /* IPCSHM_OVERFLOW_FIXTURE_H */
