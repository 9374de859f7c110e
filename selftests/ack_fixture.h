/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue whose messages are acknowledged. */
#ifndef IPCSHM_ACK_FIXTURE_H
#define IPCSHM_ACK_FIXTURE_H

#include "common/fuse.h"
#include "common/queue.h"

#define PLACES	8	/* messages that the queue of the fixture keeps */
#define ROOM	64	/* of a received message */

FIXTURE(ack)
{
	struct test_queue queue;
	struct ipcshm_queue_attr attr;
};

FIXTURE_SETUP(ack)
{
	self->attr = (struct ipcshm_queue_attr) { .max_messages = PLACES, .max_message_size = SIZE };
	ASSERT_EQ(0, queue_set_up_attr(&self->queue, self->attr, READ_WRITE));
}

FIXTURE_TEARDOWN(ack)
{
	queue_tear_down(&self->queue);
}

/* Replace the fixture's queue by one with these attributes. */
static inline int set_up_again(FIXTURE_DATA(ack) *self, struct ipcshm_queue_attr attr)
{
	queue_tear_down(&self->queue);
	return queue_set_up_attr(&self->queue, attr, READ_WRITE);
}

static inline int send_values(struct test_queue *queue, __u64 from, __u64 to)
{
	for (; from <= to; from++)
		if (try_send(queue, from, 0))
			return -1;
	return 0;
}

/**
 * struct taken - a message that was received
 * @value: its payload
 * @message: its description; ack_id is acknowledged by the next take_message()
 * @result: of the call
 */
struct taken {
	__u64 value;
	struct ipcshm_message message;
	ssize_t result;
};

static inline void take_from(int fd, struct taken *taken, __u64 timeout, __u64 deadline)
{
	taken->value = NOTHING;
	taken->message = (struct ipcshm_message) {
		.data = (uintptr_t)&taken->value,
		.size = sizeof(taken->value),
		.ack_id = taken->message.ack_id,
	};
	taken->result = ipcshm_receive_ack(fd, &taken->message, timeout, deadline);
}

static inline struct taken take_message(struct test_queue *queue)
{
	struct taken taken = { 0 };

	take_from(queue->fd, &taken, 0, IPCSHM_NOW);
	return taken;
}

static inline int acknowledge_message(struct test_queue *queue, const struct taken *taken)
{
	return ipcshm_ack(queue->fd, &taken->message.ack_id, 1);
}

static inline int give_back(struct test_queue *queue, const struct taken *taken)
{
	return ipcshm_nack(queue->fd, &taken->message.ack_id, 1);
}

#endif /* IPCSHM_ACK_FIXTURE_H */
