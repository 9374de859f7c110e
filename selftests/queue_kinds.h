/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fixture for queues of every capacity.
 */
#ifndef QUEUE_KINDS_H
#define QUEUE_KINDS_H

#include "common/harness.h"
#include "common/queue.h"

/* An empty queue of each kind. */
FIXTURE(queue)
{
	struct test_queue queue;
};

FIXTURE_VARIANT(queue)
{
	__u64 max_messages;
	__u64 max_bytes;
	unsigned int depth;	/* messages of SIZE that it keeps */
};

FIXTURE_VARIANT_ADD(queue, bounded)
{
	.max_messages = DEPTH,
	.max_bytes = IPCSHM_UNBOUNDED,
	.depth = DEPTH,
};

FIXTURE_VARIANT_ADD(queue, bounded_in_bytes)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = DEPTH * SIZE,
	.depth = DEPTH,
};

FIXTURE_VARIANT_ADD(queue, unbounded)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = IPCSHM_UNBOUNDED,
	.depth = DEPTH,
};

FIXTURE_VARIANT_ADD(queue, rendezvous)
{
	.max_messages = 0,
	.max_bytes = 0,
	.depth = 0,
};

FIXTURE_SETUP(queue)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, variant->max_messages, variant->max_bytes, SIZE));
}

FIXTURE_TEARDOWN(queue)
{
	queue_tear_down(&self->queue);
}

#endif /* QUEUE_KINDS_H */
