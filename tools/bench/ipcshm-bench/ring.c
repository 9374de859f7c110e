// SPDX-License-Identifier: GPL-2.0-only
/* The library's rings, in memory of their own: they need no module. */
#include <errno.h>
#include <ipcshm-ring.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

#define MANY	(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER)

/* One end, in the process that uses it. */
struct end {
	struct ipcshm_area area;
	struct ipcshm_ring ring;
};

static struct end *end_of(struct bench_channel *channel)
{
	return channel->own;
}

static uint64_t make_deadline(const struct bench_channel *channel)
{
	return channel->shape->wait == BENCH_SPIN ? IPCSHM_NOW : IPCSHM_FOREVER;
}

static int create_ring(struct bench_channel *channel, uint32_t layout)
{
	const struct bench_shape *shape = channel->shape;
	bool many = shape->senders + shape->receivers > 2;
	struct ipcshm_ring_attr attr = {
		.layout = many ? IPCSHM_RING_SLOTS : layout,
		.flags = many ? MANY : 0,
		.capacity = 2,
		.item_size = (uint32_t)shape->size,
	};
	struct ipcshm_area area;
	int err;

	while (attr.capacity * 2 <= shape->capacity)
		attr.capacity *= 2;
	err = ipcshm_ring_size(&attr, &channel->shared_size);
	if (err)
		return err;
	channel->shared = bench_shared_alloc(channel->shared_size);
	err = ipcshm_area_init_futex(&area, channel->shared, channel->shared_size, NULL);
	if (!err) {
		err = ipcshm_ring_create(&area, 0, &attr);
		ipcshm_area_destroy(&area);
	}
	if (err)
		munmap(channel->shared, channel->shared_size);
	return err;
}

static int create_slots(struct bench_channel *channel)
{
	return create_ring(channel, IPCSHM_RING_SLOTS);
}

static int create_packed(struct bench_channel *channel)
{
	return create_ring(channel, IPCSHM_RING_PACKED);
}

static void destroy_ring(struct bench_channel *channel)
{
	munmap(channel->shared, channel->shared_size);
}

/* Nanoseconds for which a call that waits looks out before it sleeps. */
static uint32_t choose_busy_poll(const struct bench_shape *shape)
{
	return shape->wait == BENCH_BUSY ? shape->busy * 1000 : 0;
}

static void open_end(struct bench_channel *channel, bool sender)
{
	struct end *end = aligned_alloc(64, (sizeof(*end) + 63) / 64 * 64);
	int err = -ENOMEM;

	if (end)
		err = ipcshm_area_init_futex(&end->area, channel->shared, channel->shared_size,
					     NULL);
	if (!err)
		err = ipcshm_ring_attach(&end->ring, &end->area, 0,
					 sender ? IPCSHM_RING_PRODUCER : IPCSHM_RING_CONSUMER);
	if (err)
		bench_die("ipcshm_ring_attach", err);
	ipcshm_ring_set_busy_poll(&end->ring, choose_busy_poll(channel->shape));
	channel->own = end;
}

static int put_one(struct bench_channel *channel, const void *data, unsigned int count)
{
	int err = ipcshm_ring_put(&end_of(channel)->ring, data, channel->shape->size,
				  make_deadline(channel));

	(void)count;
	return err ? err : 1;
}

/* Read where it is, until it is released. */
static int peek_one(struct bench_channel *channel, void *room, unsigned int count, const void **at)
{
	ssize_t size = ipcshm_ring_peek(&end_of(channel)->ring, at, make_deadline(channel));

	(void)room;
	(void)count;
	return size < 0 ? (int)size : 1;
}

static void release_one(struct bench_channel *channel, unsigned int count)
{
	int err = ipcshm_ring_release(&end_of(channel)->ring);

	(void)count;
	if (err)
		bench_die("ipcshm_ring_release", err);
}

static int put_batch(struct bench_channel *channel, const void *data, unsigned int count)
{
	return (int)ipcshm_ring_put_burst(&end_of(channel)->ring, data, count,
					  make_deadline(channel));
}

static int get_batch(struct bench_channel *channel, void *room, unsigned int count, const void **at)
{
	int i, some = (int)ipcshm_ring_get_burst(&end_of(channel)->ring, room, count,
						 make_deadline(channel));

	for (i = 0; i < some; i++)
		at[i] = (char *)room + (size_t)i * channel->shape->size;
	return some;
}

const struct bench_transport bench_rings[] = {
	{
		.name = "ring", .kind = BENCH_OURS, .batch = 1,
		.create = create_slots, .open = open_end, .send = put_one, .receive = peek_one,
		.release = release_one, .destroy = destroy_ring,
	}, {
		.name = "ring-batch", .kind = BENCH_OURS, .batch = BENCH_BATCH_MAX,
		.limits = BENCH_NO_ROUND_TRIP | BENCH_NO_GAPS,
		.create = create_packed, .open = open_end, .send = put_batch, .receive = get_batch,
		.destroy = destroy_ring,
	},
	{ 0 }
};
