/* SPDX-License-Identifier: GPL-2.0-only */
/* The shared memory of the third demo's programs:
 *
 *	pipe-read --text--> pipe-filter --words--> pipe-count --counts--> pipe-top
 *
 * The region holds two rings of blocks, the table of counts, and two events.  Any
 * program creates the region, and they can be started in any order.  While one of them
 * lives, the region does, and a program that was killed is started again and goes on
 * where the dead one was:
 *
 * - A block that it had reserved is free again, and a block that it had peeked comes
 *   again.  It releases a block after it has committed the result, so that a result can
 *   come twice, but never not at all.
 * - Blocks have numbers, by which pipe-count recognizes a result that comes twice.
 * - The last block is never released, so that every successor finds it.
 */
#ifndef PIPE_H
#define PIPE_H

#include <ipcshm-event.h>
#include <ipcshm-ring.h>

#include "demo.h"
#include "words.h"

#define PIPE_REGION	"demo-pipe"

#define PIPE_BLOCKS	8	/* in each ring */
#define PIPE_BLOCK_SIZE	8192

struct block {
	uint64_t number;	/* from 1 on */
	uint32_t size;		/* of the text; 0: this is the last block */
	char text[PIPE_BLOCK_SIZE];
};

/* table[done % 2] counts the blocks up to number @done; the other table is being made. */
struct pipe_counts {
	struct ipcshm_event counted, printed;
	uint64_t done;
	struct word_table table[2];
};

/* A process's own view of the region. */
struct pipe {
	struct ipcshm_area area;
	uint64_t text, words;	/* offsets of the rings */
	struct pipe_counts *counts;
};

static const struct ipcshm_ring_attr pipe_ring = {
	.layout = IPCSHM_RING_SLOTS,
	.capacity = PIPE_BLOCKS,
	.item_size = sizeof(struct block),
};

static inline size_t pipe_layout(struct pipe *pipe)
{
	size_t ring = 0;

	check(ipcshm_ring_size(&pipe_ring, &ring), "size of", "ring");
	pipe->text = IPCSHM_AREA_HEADER;
	pipe->words = pipe->text + ring;
	return (size_t)pipe->words + ring + sizeof(struct pipe_counts);
}

static inline struct pipe_counts *pipe_counts(const struct ipcshm_area *area)
{
	return ipcshm_area_at(area, area->size - sizeof(struct pipe_counts),
			      sizeof(struct pipe_counts), 8);
}

/* Done by one process; if it is killed, by another. */
static inline int pipe_init(const struct ipcshm_area *area, void *data)
{
	const struct pipe *pipe = data;
	struct pipe_counts *counts = pipe_counts(area);
	int ret = ipcshm_ring_create(area, pipe->text, &pipe_ring);

	if (!ret)
		ret = ipcshm_ring_create(area, pipe->words, &pipe_ring);
	if (!ret)
		ret = ipcshm_event_init(&counts->counted, IPCSHM_EVENT_MANUAL);
	return ret ? ret : ipcshm_event_init(&counts->printed, IPCSHM_EVENT_MANUAL);
}

static inline void pipe_open(struct pipe *pipe)
{
	struct ipcshm_region_attr attr = { .size = pipe_layout(pipe) };
	int device = open_device();

	check(ipcshm_area_open(&pipe->area, device, PIPE_REGION, 0, 0600, &attr, pipe_init, pipe,
			       demo_deadline()), "open area", PIPE_REGION);
	pipe->counts = pipe_counts(&pipe->area);
	if (!pipe->counts)
		die("area %s is too small", PIPE_REGION);
}

static inline void pipe_attach(const struct pipe *pipe, struct ipcshm_ring *ring, uint64_t offset,
			       uint32_t side)
{
	check(ipcshm_ring_attach(ring, &pipe->area, offset, side), "attach to", "ring");
}

static inline struct block *block_reserve(struct ipcshm_ring *ring)
{
	void *room = NULL;

	check(ipcshm_ring_reserve(ring, sizeof(struct block), &room, demo_deadline()), "reserve in",
	      "ring");
	return room;
}

static inline void block_commit(struct ipcshm_ring *ring)
{
	check(ipcshm_ring_commit(ring, sizeof(struct block)), "commit to", "ring");
}

static inline const struct block *block_peek(struct ipcshm_ring *ring)
{
	const void *block = NULL;

	check((int)ipcshm_ring_peek(ring, &block, demo_deadline()), "peek at", "ring");
	return block;
}

/* Data of another program is checked before it is used. */
static inline uint32_t block_size(const struct block *block)
{
	uint32_t size = *(const volatile uint32_t *)&block->size;

	if (size > PIPE_BLOCK_SIZE)
		die("a block has %u bytes", size);
	return size;
}

/* Deaths of others are no reason to stop waiting. */
static inline void pipe_await(const struct pipe *pipe, struct ipcshm_event *event)
{
	uint64_t deadline = demo_deadline();
	int ret;

	do
		ret = ipcshm_event_wait(&pipe->area, event, ipcshm_area_deaths(&pipe->area),
					deadline);
	while (ret == -EOWNERDEAD);
	check(ret, "wait for", "the end");
}

#endif /* PIPE_H */
