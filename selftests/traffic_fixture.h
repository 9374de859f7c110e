/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue of each capacity, which the processes of a test open by its name. */
#ifndef IPCSHM_TRAFFIC_FIXTURE_H
#define IPCSHM_TRAFFIC_FIXTURE_H

#include <ipcshm.h>

#include "common/harness.h"

#define SIZE_MAX_SENT	8192	/* bytes of the largest message */
#define MILLION		1000000

FIXTURE(traffic)
{
	int device;
	int queue;
	struct test_name name;
};

FIXTURE_VARIANT(traffic)
{
	__u64 max_messages;
	__u64 max_bytes;
};

FIXTURE_VARIANT_ADD(traffic, bounded)
{
	.max_messages = 64,
	.max_bytes = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(traffic, bounded_in_bytes)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = 2 * SIZE_MAX_SENT,
};

FIXTURE_VARIANT_ADD(traffic, unbounded)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(traffic, rendezvous)
{
	.max_messages = 0,
	.max_bytes = 0,
};

FIXTURE_SETUP(traffic)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = variant->max_messages,
		.max_bytes = variant->max_bytes,
		.max_message_size = SIZE_MAX_SENT,
	};

	self->name = make_name("traffic");
	self->device = ipcshm_open();
	ASSERT_LE(0, self->device);
	self->queue = ipcshm_queue_open(self->device, self->name.text, READ_WRITE | CREATE_NEW,
					0600, &attr);
	ASSERT_LE(0, self->queue);
}

FIXTURE_TEARDOWN(traffic)
{
	close(self->queue);
	close(self->device);
}

/* The peer's own descriptor. */
static inline int peer_open(const FIXTURE_DATA(traffic) *self, __u32 flags)
{
	return ipcshm_queue_open(self->device, self->name.text, flags, 0, NULL);
}

static inline __u64 mix_bits(__u64 value)
{
	value ^= value >> 31;
	value *= 0x9e3779b97f4a7c15;
	return value ^ value >> 29;
}

/* Sends, and waits while the quota of an unbounded queue is used up. */
static inline int send_patiently(int fd, const void *data, size_t size, __u32 priority)
{
	int result;

	while ((result = ipcshm_send(fd, data, size, priority, IPCSHM_FOREVER)) == -EDQUOT)
		sched_yield();
	return result;
}

static inline void print_time(__u64 start, unsigned int count)
{
	double us = (now_ns(CLOCK_MONOTONIC) - start) / 1000.0;

	ksft_print_msg("     %u messages in %.1f s, %.2f us each\n", count, us / 1e6, us / count);
}

/* A sign of life every ten seconds or so. */
static inline void print_progress(__u64 *last, unsigned int count)
{
	__u64 now = now_ns(CLOCK_MONOTONIC);

	if (now < *last + 10 * 1000000000ULL)
		return;
	ksft_print_msg("     %u messages so far\n", count);
	*last = now;
}

#endif /* IPCSHM_TRAFFIC_FIXTURE_H */
