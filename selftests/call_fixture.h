/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue for calls: one that keeps messages, and a rendezvous. */
#ifndef IPCSHM_CALL_FIXTURE_H
#define IPCSHM_CALL_FIXTURE_H

#include "common/harness.h"
#include "common/call.h"

FIXTURE(call)
{
	struct test_queue queue;
	int reader;	/* of the test, once it was opened */
};

FIXTURE_VARIANT(call)
{
	__u64 max_messages;
	__u64 max_bytes;
};

FIXTURE_VARIANT_ADD(call, bounded)
{
	.max_messages = KEPT,
	.max_bytes = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(call, rendezvous)
{
	.max_messages = 0,
	.max_bytes = 0,
};

FIXTURE_SETUP(call)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = variant->max_messages,
		.max_bytes = variant->max_bytes,
		.max_message_size = SIZE,
	};

	ASSERT_EQ(0, queue_set_up_attr(&self->queue, attr, IPCSHM_WRITE));
}

FIXTURE_TEARDOWN(call)
{
	queue_tear_down(&self->queue);
}

#endif /* IPCSHM_CALL_FIXTURE_H */
