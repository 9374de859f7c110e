/* SPDX-License-Identifier: GPL-2.0-only */
/* What joins the programs of the third demo:
 *
 *	pipe-read --text--> pipe-filter --words--> pipe-count --results--> pipe-top
 *	    ^                                          |
 *	    +-------------------free-------------------+
 *
 * The text itself stays where it is, in blocks of a region.  What goes through
 * the queues says where.  Every program creates what isn't there yet, so they can
 * be started in any order.
 */
#ifndef PIPE_H
#define PIPE_H

#include "demo.h"

#define PIPE_REGION	"demo-pipe-blocks"
#define PIPE_TEXT	"demo-pipe-text"
#define PIPE_WORDS	"demo-pipe-words"
#define PIPE_FREE	"demo-pipe-free"
#define PIPE_RESULTS	"demo-pipe-results"

#define PIPE_BLOCKS	8
#define PIPE_BLOCK_SIZE	8192

/* The message: a block, and how much of it is used; 0: this was the last one. */
struct block {
	uint32_t number;
	uint32_t size;
};

static inline char *pipe_region(int device)
{
	struct ipcshm_region_attr attr = { .size = PIPE_BLOCKS * PIPE_BLOCK_SIZE };
	int region = check(ipcshm_region_open(device, PIPE_REGION,
					      IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE,
					      0600, &attr), "open region", PIPE_REGION);
	void *blocks;
	size_t size;

	check(ipcshm_region_map(region, IPCSHM_READ | IPCSHM_WRITE, &blocks, &size),
	      "map region", PIPE_REGION);
	if (size < PIPE_BLOCKS * PIPE_BLOCK_SIZE)
		die("region %s has %zu bytes, too few", PIPE_REGION, size);
	return blocks;
}

/* A queue with room for all blocks; @access: IPCSHM_READ to receive, _WRITE to send. */
static inline int pipe_queue(int device, const char *name, uint32_t access)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = PIPE_BLOCKS,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = sizeof(struct block),
	};

	return check(ipcshm_queue_open(device, name, access | IPCSHM_CREATE, 0600, &attr),
		     "open queue", name);
}

static inline void block_send(int queue, const char *name, struct block block)
{
	check(ipcshm_send(queue, &block, sizeof(block), 0, patience()), "send to", name);
}

/* What comes from another program is checked before it is used. */
static inline struct block block_receive(int queue, const char *name)
{
	struct block block;
	int size = check(ipcshm_receive(queue, &block, sizeof(block), NULL, patience()),
			 "receive from", name);

	if (size != sizeof(block) || block.number >= PIPE_BLOCKS || block.size > PIPE_BLOCK_SIZE)
		die("receive from %s: not a block", name);
	return block;
}

#endif /* PIPE_H */
