/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue, and messages that are sent and received together. */
#ifndef IPCSHM_BATCH_FIXTURE_H
#define IPCSHM_BATCH_FIXTURE_H

#include "common/queue.h"

#define KEPT	8	/* messages that the queue keeps */
#define MANY	12	/* more than that */

FIXTURE(batch)
{
	struct test_queue queue;
	struct ipcshm_message messages[MANY];
	__u64 values[MANY];
};

FIXTURE_SETUP(batch)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, KEPT, IPCSHM_UNBOUNDED, SIZE));
}

FIXTURE_TEARDOWN(batch)
{
	queue_tear_down(&self->queue);
}

/* Messages with a value each, or room for that. */
static inline void describe_message(struct ipcshm_message *messages, __u64 *values, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		messages[i] = (struct ipcshm_message) {
			.data = (uintptr_t)&values[i],
			.size = sizeof(values[i]),
		};
}

static inline void number_of(__u64 *values, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		values[i] = i;
}

static inline int send_numbered(FIXTURE_DATA(batch) *self, unsigned int count, __u32 flags)
{
	number_of(self->values, count);
	describe_message(self->messages, self->values, count);
	return ipcshm_send_batch(self->queue.fd, self->messages, count, flags, IPCSHM_FOREVER);
}

static inline int receive_many(FIXTURE_DATA(batch) *self, unsigned int count, __u32 flags)
{
	memset(self->values, 0xff, sizeof(self->values));
	describe_message(self->messages, self->values, count);
	return ipcshm_receive_batch(self->queue.fd, self->messages, count, flags, SOON);
}

#endif /* IPCSHM_BATCH_FIXTURE_H */
