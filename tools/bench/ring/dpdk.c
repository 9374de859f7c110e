// SPDX-License-Identifier: GPL-2.0-only
/* DPDK's rte_ring, where dpdk-dev is installed. */
#include "transport.h"

#if __has_include(<rte_ring_elem.h>)
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdlib.h>

struct state {
	struct rte_ring *ring;
};

static struct rte_ring *ring_of(const struct end *end)
{
	return ((const struct state *)end)->ring;
}

static void create_ring(void *memory, unsigned int flags)
{
	if (rte_ring_init(memory, "bench", TRANSPORT_CAPACITY, flags))
		abort();
}

static void create_single(void *memory)
{
	create_ring(memory, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static void create_many(void *memory)
{
	create_ring(memory, 0);
}

static void open_end(struct end *end, void *memory, bool producer)
{
	(void)producer;
	((struct state *)end)->ring = memory;
}

static bool put_item8(struct end *end, const void *item)
{
	return !rte_ring_sp_enqueue_elem(ring_of(end), (void *)(uintptr_t)item, 8);
}

static bool get_item8(struct end *end, void *item)
{
	return !rte_ring_sc_dequeue_elem(ring_of(end), item, 8);
}

static size_t put_batch8(struct end *end, const void *items, size_t count)
{
	return rte_ring_sp_enqueue_burst_elem(ring_of(end), items, 8, (unsigned int)count, NULL);
}

static size_t get_batch8(struct end *end, void *items, size_t count)
{
	return rte_ring_sc_dequeue_burst_elem(ring_of(end), items, 8, (unsigned int)count, NULL);
}

static bool put_item64(struct end *end, const void *item)
{
	return !rte_ring_sp_enqueue_elem(ring_of(end), (void *)(uintptr_t)item, 64);
}

static bool get_item64(struct end *end, void *item)
{
	return !rte_ring_sc_dequeue_elem(ring_of(end), item, 64);
}

static size_t put_batch64(struct end *end, const void *items, size_t count)
{
	return rte_ring_sp_enqueue_burst_elem(ring_of(end), items, 64, (unsigned int)count, NULL);
}

static size_t get_batch64(struct end *end, void *items, size_t count)
{
	return rte_ring_sc_dequeue_burst_elem(ring_of(end), items, 64, (unsigned int)count, NULL);
}

static bool put_many(struct end *end, const void *item)
{
	return !rte_ring_mp_enqueue_elem(ring_of(end), (void *)(uintptr_t)item, 8);
}

static bool get_many(struct end *end, void *item)
{
	return !rte_ring_mc_dequeue_elem(ring_of(end), item, 8);
}

const struct transport dpdk_transports[] = {
	{ "rte_ring", 8, false, create_single, open_end, put_item8, get_item8, put_batch8,
	  .get_batch = get_batch8 },
	{ "rte_ring", 64, false, create_single, open_end, put_item64, get_item64, put_batch64,
	  .get_batch = get_batch64 },
	{ "rte_ring", 8, true, create_many, open_end, put_many, .get = get_many },
	{ .name = NULL },
};
#else
const struct transport dpdk_transports[] = { { .name = NULL } };
#endif
