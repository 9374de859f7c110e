/* SPDX-License-Identifier: GPL-2.0-only */
/* Models of rings: the shared memory, and what is in it before the roles begin. */
#ifndef RING_MODEL_H
#define RING_MODEL_H

#include "harness.h"

/* A model has to go through millions of states, beside whatever else runs. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 900

#include <ipcshm-ring.h>

struct ringed {
	_Alignas(128) unsigned char ring[2048];
};

#define MODEL_SHARED	struct ringed
#define MODEL_FD	1000
#include "model.h"

#define MANY	(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER)
#define RECORDS	0x100U		/* beside the ring's flags, for set_up_shared() */
#define LARGER	0x200U		/* holds four items of slots */
#define CHUNKS	0x400U
#define FILLED	0x800U		/* is full in the beginning */
#define OWN	(RECORDS | LARGER | CHUNKS | FILLED)

#define WORDS	12		/* of the largest item */

/* Notes of the processes, at no step of their own: bits of the items' numbers. */
#define gone_in	world.ghost[0]	/* put has returned */
#define came	world.ghost[1]	/* was seen */
#define twice	world.ghost[2]	/* was seen before */
#define dead	world.ghost[3]	/* tokens' slots */

static bool is_between(const void *address, size_t from, size_t to)
{
	const unsigned char *at = address;

	return at >= world.shared.ring + from && at < world.shared.ring + to;
}

/*
 * The geometry, and unused words: counters except for the last, and the CPUs of the
 * others, since no process spins.
 */
#define COUNTERS	640, 672
#define CPU_OF_PRODUCER	152, 156
#define CPU_OF_CONSUMER	280, 284
#define SEATS		768		/* the data is behind them */

static bool is_constant(const void *address)
{
	return is_between(address, 0, 128) || is_between(address, COUNTERS) ||
	       is_between(address, CPU_OF_PRODUCER) || is_between(address, CPU_OF_CONSUMER);
}

static void clear_shared(size_t from, size_t to)
{
	memset(world.shared.ring + from, 0, to - from);
}

void before_access(const volatile void *address);
void before_access(const volatile void *address)
{
	clear_shared(COUNTERS);
	clear_shared(CPU_OF_PRODUCER);
	clear_shared(CPU_OF_CONSUMER);
	if (!at_once)
		take_step((const void *)address);
}

/* Items are 0, 1, ...; a record takes nearly half of the ring, or of a chunk. */
static size_t item_size(void)
{
	if (scenario->flags & CHUNKS)
		return 96;
	return scenario->flags & RECORDS ? 80 : 8;
}

/* How many items an empty ring has room for. */
static unsigned int items_max(void)
{
	return scenario->flags & (LARGER | CHUNKS) ? 4 : 2;
}

/* Put in as many items as there is room for, with a handle of the moment; returns how many. */
static unsigned int fill_ring(const struct ipcshm_area *area)
{
	uint64_t buffer[WORDS] = { 0 };
	struct ipcshm_ring ring;

	if (ipcshm_ring_attach(&ring, area, 0, IPCSHM_RING_PRODUCER))
		return 0;
	while (buffer[0] < items_max() &&
	       !ipcshm_ring_put(&ring, buffer, item_size(), IPCSHM_NOW)) {
		gone_in |= 1U << buffer[0];
		buffer[0]++;
	}
	ipcshm_ring_detach(&ring);
	return (unsigned int)buffer[0];
}

static void set_up_shared(void)
{
	struct ipcshm_ring_attr attr = {
		.layout = IPCSHM_RING_SLOTS,
		.flags = scenario->flags & ~OWN,
		.capacity = scenario->flags & LARGER ? 4 : 2,
		.item_size = 8,
		.handles = 3,
	};
	static const struct ipcshm_area_ops ops = {
		.size = sizeof(ops),
		.wait = model_wait,
		.wake = model_wake,
	};
	struct ipcshm_area area;

	if (scenario->flags & RECORDS) {
		attr.layout = IPCSHM_RING_RECORDS;
		attr.capacity = 256;
		attr.item_size = 0;
	} else if (scenario->flags & CHUNKS) {
		attr.layout = IPCSHM_RING_CHUNKS;
		attr.capacity = 512;
		attr.item_size = 256;
	}
	at_once = true;
	if (ipcshm_area_init(&area, &world.shared, sizeof(world.shared), &ops, NULL) ||
	    ipcshm_ring_create(&area, 0, &attr))
		abort();
	ipcshm_area_set_token(&area, token_of(PROCESSES));
	if (scenario->flags & FILLED && fill_ring(&area) != items_max())
		abort();
	ipcshm_area_destroy(&area);
	at_once = false;
}

static void print_shared(const void *before)
{
	const unsigned char *ring = ((const struct ringed *)before)->ring;
	uint64_t tail, head, one, two;

	memcpy(&tail, ring + 128, 8);
	memcpy(&head, ring + 256, 8);
	memcpy(&one, ring + 768, 8);
	memcpy(&two, ring + 784, 8);
	fprintf(stderr, "tail %llu head %llu: %llx %llx", (unsigned long long)tail,
		(unsigned long long)head, (unsigned long long)one, (unsigned long long)two);
}

static void on_death(uint32_t token)
{
	dead |= 1U << IPCSHM_TOKEN_SLOT(token);
}

#endif /* RING_MODEL_H */
