// SPDX-License-Identifier: GPL-2.0-only
/* The library's own rings. */
#include <ipcshm-ring.h>
#include <stdlib.h>

#include "transport.h"

struct state {
	struct ipcshm_area area;
	struct ipcshm_ring ring;
};

_Static_assert(sizeof(struct state) <= sizeof(struct end), "an end has no room for it");

static struct state *state_of(struct end *end)
{
	return (struct state *)end;
}

static void require_that(bool fine)
{
	if (!fine)
		abort();
}

static void create_ring(void *memory, uint32_t layout, uint32_t flags, uint64_t capacity,
			uint32_t item_size)
{
	const struct ipcshm_ring_attr attr = {
		.layout = layout,
		.flags = flags,
		.capacity = capacity,
		.item_size = item_size,
	};
	struct ipcshm_area area;

	require_that(!ipcshm_area_init_futex(&area, memory, TRANSPORT_ROOM, NULL));
	require_that(!ipcshm_ring_create(&area, 0, &attr));
	ipcshm_area_destroy(&area);
}

static void open_end(struct end *end, void *memory, bool producer)
{
	struct state *at = state_of(end);

	require_that(!ipcshm_area_init_futex(&at->area, memory, TRANSPORT_ROOM, NULL));
	require_that(!ipcshm_ring_attach(&at->ring, &at->area, 0, producer ? IPCSHM_RING_PRODUCER :
								       IPCSHM_RING_CONSUMER));
}

static bool put_item8(struct end *end, const void *item)
{
	return !ipcshm_ring_put(&state_of(end)->ring, item, 8, IPCSHM_NOW);
}

static bool put_item56(struct end *end, const void *item)
{
	return !ipcshm_ring_put(&state_of(end)->ring, item, 56, IPCSHM_NOW);
}

static bool get_item(struct end *end, void *item)
{
	return ipcshm_ring_get(&state_of(end)->ring, item, TRANSPORT_ITEM_MAX, IPCSHM_NOW) > 0;
}

static size_t put_batch(struct end *end, const void *items, size_t count)
{
	ssize_t ret = ipcshm_ring_put_burst(&state_of(end)->ring, items, count, IPCSHM_NOW);

	return ret < 0 ? 0 : (size_t)ret;
}

static size_t get_batch(struct end *end, void *items, size_t count)
{
	ssize_t ret = ipcshm_ring_get_burst(&state_of(end)->ring, items, count, IPCSHM_NOW);

	return ret < 0 ? 0 : (size_t)ret;
}

static void *reserve_record56(struct end *end)
{
	void *at;

	return ipcshm_ring_reserve(&state_of(end)->ring, 56, &at, IPCSHM_NOW) ? NULL : at;
}

static void commit_record56(struct end *end)
{
	require_that(!ipcshm_ring_commit(&state_of(end)->ring, 56));
}

static const void *peek_record(struct end *end)
{
	const void *at;

	return ipcshm_ring_peek(&state_of(end)->ring, &at, IPCSHM_NOW) > 0 ? at : NULL;
}

static void release_record(struct end *end)
{
	require_that(!ipcshm_ring_release(&state_of(end)->ring));
}

#define MANY	(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER)

static void create_slots8(void *memory)
{
	create_ring(memory, IPCSHM_RING_SLOTS, 0, TRANSPORT_CAPACITY, 8);
}

static void create_slots56(void *memory)
{
	create_ring(memory, IPCSHM_RING_SLOTS, 0, TRANSPORT_CAPACITY, 56);
}

/* As few as stay in the processors' nearest caches. */
static void create_few56(void *memory)
{
	create_ring(memory, IPCSHM_RING_SLOTS, 0, 64, 56);
}

static void create_packed8(void *memory)
{
	create_ring(memory, IPCSHM_RING_PACKED, 0, TRANSPORT_CAPACITY, 8);
}

static void create_packed56(void *memory)
{
	create_ring(memory, IPCSHM_RING_PACKED, 0, TRANSPORT_CAPACITY, 56);
}

static void create_records(void *memory)
{
	create_ring(memory, IPCSHM_RING_RECORDS, 0, TRANSPORT_CAPACITY * 64, 0);
}

static void create_many8(void *memory)
{
	create_ring(memory, IPCSHM_RING_SLOTS, MANY, TRANSPORT_CAPACITY, 8);
}

static void create_many_to_one8(void *memory)
{
	create_ring(memory, IPCSHM_RING_SLOTS, IPCSHM_RING_MULTI_PRODUCER, TRANSPORT_CAPACITY, 8);
}

static void create_many_records(void *memory)
{
	create_ring(memory, IPCSHM_RING_RECORDS, MANY, TRANSPORT_CAPACITY * 64, 0);
}

const struct transport ipcshm_transports[] = {
	{ "ipcshm slots", 8, false, create_slots8, open_end, put_item8, get_item, put_batch,
	  .get_batch = get_batch },
	{ "ipcshm slots", 56, false, create_slots56, open_end, put_item56, get_item, put_batch,
	  .get_batch = get_batch },
	{ "ipcshm in place", 56, false, create_slots56, open_end, NULL, NULL, NULL, NULL,
	  reserve_record56, commit_record56, peek_record, release_record },
	{ "ipcshm 64 slots", 56, false, create_few56, open_end, put_item56, get_item, put_batch,
	  .get_batch = get_batch },
	{ "ipcshm packed", 8, false, create_packed8, open_end, put_item8, get_item, put_batch,
	  .get_batch = get_batch },
	{ "ipcshm packed", 56, false, create_packed56, open_end, put_item56, get_item, put_batch,
	  .get_batch = get_batch },
	{ "ipcshm records", 8, false, create_records, open_end, put_item8, .get = get_item },
	{ "ipcshm records", 56, false, create_records, open_end, put_item56, .get = get_item },
	{ "ipcshm slots", 8, true, create_many8, open_end, put_item8, get_item, put_batch,
	  .get_batch = get_batch },
	{ "ipcshm records", 8, true, create_many_records, open_end, put_item8, .get = get_item },
	{ "ipcshm records", 56, true, create_many_records, open_end, put_item56, .get = get_item },
	{ "ipcshm many to one", 8, MANY_TO_ONE, create_many_to_one8, open_end, put_item8, get_item,
	  put_batch, .get_batch = get_batch },
	{ .name = NULL },
};
