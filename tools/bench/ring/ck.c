// SPDX-License-Identifier: GPL-2.0-only
/* Concurrency Kit's ck_ring, where libck-dev is installed. */
#include "transport.h"

#if __has_include(<ck_ring.h>)
#include <ck_ring.h>

/* The ring, and what it calls its buffer, on a line of its own. */
struct shared {
	struct ck_ring ring;
	_Alignas(64) unsigned char buffer[];
};

struct state {
	struct shared *shared;
};

struct item64 {
	_Alignas(8) unsigned char bytes[64];
};

CK_RING_PROTOTYPE(item64, item64)

static struct shared *ring_of(const struct end *end)
{
	return ((const struct state *)end)->shared;
}

static void create_ring(void *memory)
{
	ck_ring_init(&((struct shared *)memory)->ring, TRANSPORT_CAPACITY);
}

static void open_end(struct end *end, void *memory, bool producer)
{
	(void)producer;
	((struct state *)end)->shared = memory;
}

static bool put_item8(struct end *end, const void *item)
{
	struct shared *at = ring_of(end);

	return ck_ring_enqueue_spsc(&at->ring, (void *)at->buffer, *(void *const *)item);
}

static bool get_item8(struct end *end, void *item)
{
	struct shared *at = ring_of(end);

	return ck_ring_dequeue_spsc(&at->ring, (void *)at->buffer, item);
}

static bool put_item64(struct end *end, const void *item)
{
	struct shared *at = ring_of(end);

	return CK_RING_ENQUEUE_SPSC(item64, &at->ring, (void *)at->buffer, (void *)(uintptr_t)item);
}

static bool get_item64(struct end *end, void *item)
{
	struct shared *at = ring_of(end);

	return CK_RING_DEQUEUE_SPSC(item64, &at->ring, (void *)at->buffer, item);
}

static bool put_many(struct end *end, const void *item)
{
	struct shared *at = ring_of(end);

	return ck_ring_enqueue_mpmc(&at->ring, (void *)at->buffer, *(void *const *)item);
}

static bool get_many(struct end *end, void *item)
{
	struct shared *at = ring_of(end);

	return ck_ring_dequeue_mpmc(&at->ring, (void *)at->buffer, item);
}

const struct transport ck_transports[] = {
	{ "ck_ring", 8, false, create_ring, open_end, put_item8, .get = get_item8 },
	{ "ck_ring", 64, false, create_ring, open_end, put_item64, .get = get_item64 },
	{ "ck_ring", 8, true, create_ring, open_end, put_many, .get = get_many },
	{ .name = NULL },
};
#else
const struct transport ck_transports[] = { { .name = NULL } };
#endif
