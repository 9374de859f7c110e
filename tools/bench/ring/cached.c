// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring with cached indices, in the manner of rigtorp's SPSCQueue: each side keeps
 * what it last saw of the other's index, and looks again only when that is used up.
 */
#include <stdatomic.h>
#include <string.h>

#include "transport.h"

struct shared {
	_Alignas(128) _Atomic size_t tail;
	_Alignas(128) _Atomic size_t head;
	_Alignas(128) unsigned char items[];
};

struct state {
	struct shared *shared;
	size_t own;
	size_t other;
};

static struct state *state_of(struct end *end)
{
	return (struct state *)end;
}

static void create_ring(void *memory)
{
	(void)memory;
}

static void open_end(struct end *end, void *memory, bool producer)
{
	(void)producer;
	*state_of(end) = (struct state) { .shared = memory };
}

static inline bool put_item(struct end *end, const void *item, size_t size)
{
	struct state *at = state_of(end);

	if (at->own - at->other == TRANSPORT_CAPACITY) {
		at->other = atomic_load_explicit(&at->shared->head, memory_order_acquire);
		if (at->own - at->other == TRANSPORT_CAPACITY)
			return false;
	}
	memcpy(at->shared->items + at->own % TRANSPORT_CAPACITY * size, item, size);
	atomic_store_explicit(&at->shared->tail, ++at->own, memory_order_release);
	return true;
}

static inline bool get_item(struct end *end, void *item, size_t size)
{
	struct state *at = state_of(end);

	if (at->own == at->other) {
		at->other = atomic_load_explicit(&at->shared->tail, memory_order_acquire);
		if (at->own == at->other)
			return false;
	}
	memcpy(item, at->shared->items + at->own % TRANSPORT_CAPACITY * size, size);
	atomic_store_explicit(&at->shared->head, ++at->own, memory_order_release);
	return true;
}

static bool put_item8(struct end *end, const void *item)
{
	return put_item(end, item, 8);
}

static bool get_item8(struct end *end, void *item)
{
	return get_item(end, item, 8);
}

static bool put_item64(struct end *end, const void *item)
{
	return put_item(end, item, 64);
}

static bool get_item64(struct end *end, void *item)
{
	return get_item(end, item, 64);
}

const struct transport cached_transports[] = {
	{ "cached index", 8, false, create_ring, open_end, put_item8, .get = get_item8 },
	{ "cached index", 64, false, create_ring, open_end, put_item64, .get = get_item64 },
	{ .name = NULL },
};
