/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue with no room left; its content comes out first. */
#ifndef IPCSHM_FULL_FIXTURE_H
#define IPCSHM_FULL_FIXTURE_H

#include "common/harness.h"
#include "common/queue.h"

#define FULL	4	/* messages that a queue of FIXTURE(full) keeps */
#define FILLER	1000	/* the value of the first of them */

/* A queue with no room left; what fills it comes out first. */
FIXTURE(full)
{
	struct test_queue queue;
};

FIXTURE_VARIANT(full)
{
	__u64 max_messages;
	__u64 max_bytes;
	unsigned int depth;	/* messages in it */
};

FIXTURE_VARIANT_ADD(full, of_messages)
{
	.max_messages = FULL,
	.max_bytes = IPCSHM_UNBOUNDED,
	.depth = FULL,
};

FIXTURE_VARIANT_ADD(full, of_bytes)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = FULL * sizeof(__u64),
	.depth = FULL,
};

FIXTURE_VARIANT_ADD(full, rendezvous)
{
	.max_messages = 0,
	.max_bytes = 0,
	.depth = 0,
};

static bool fill_queue(struct test_queue *queue, unsigned int depth)
{
	unsigned int i;

	for (i = 0; i < depth; i++)
		if (try_send(queue, FILLER + i, IPCSHM_PRIORITY_MAX))
			return false;
	return try_send(queue, NOTHING, 0) == -EAGAIN;
}

/* Takes out what fill_queue() put in. */
static bool drain_queue(struct test_queue *queue, unsigned int depth)
{
	unsigned int i;

	for (i = 0; i < depth; i++)
		if (receive_value(queue) != FILLER + i)
			return false;
	return true;
}

FIXTURE_SETUP(full)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, variant->max_messages, variant->max_bytes,
				  sizeof(__u64)));
	ASSERT_TRUE(fill_queue(&self->queue, variant->depth));
}

FIXTURE_TEARDOWN(full)
{
	queue_tear_down(&self->queue);
}

#endif /* IPCSHM_FULL_FIXTURE_H */
