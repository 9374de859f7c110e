/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transports of items from process to process, as a table of operations: the loops
 * that measure and check are the same for all.
 */
#ifndef RING_TRANSPORT_H
#define RING_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_ITEM_MAX	64	/* bytes */
#define TRANSPORT_CAPACITY	1024	/* items, of all */
#define TRANSPORT_ROOM		(1 << 20)	/* bytes of shared memory that each may use */

struct end {
	_Alignas(64) unsigned char state[768];
};

#define MANY_TO_ONE	2	/* several producers */

/**
 * struct transport - a ring
 * @name: for the report
 * @item: bytes of an item
 * @many: false, true: for any number of producers and consumers; or MANY_TO_ONE
 * @create: make it in shared memory, which is all zeroes, aligned to 4096
 * @open: one end of it, in the process that uses it
 * @put: put one item in if there is room
 * @get: get one out if there is one
 * @put_batch: put several in, as many as there is room for; NULL: it can't
 * @get_batch: get several out, as many as there are
 * @reserve: room for the next item in the ring itself, if there is any; NULL: it can't
 * @commit: the item is there
 * @peek: the next item in the ring itself, if there is one
 * @release: it was read
 *
 * One that can reserve is measured so, instead of by @put and @get.
 */
struct transport {
	const char *name;
	size_t item;
	int many;
	void (*create)(void *memory);
	void (*open)(struct end *end, void *memory, bool producer);
	bool (*put)(struct end *end, const void *item);
	bool (*get)(struct end *end, void *item);
	size_t (*put_batch)(struct end *end, const void *items, size_t count);
	size_t (*get_batch)(struct end *end, void *items, size_t count);
	void *(*reserve)(struct end *end);
	void (*commit)(struct end *end);
	const void *(*peek)(struct end *end);
	void (*release)(struct end *end);
};

/* Each ends with one whose name is NULL; empty where the peer isn't installed. */
extern const struct transport ipcshm_transports[];
extern const struct transport dpdk_transports[];
extern const struct transport ck_transports[];
extern const struct transport boost_transports[];
extern const struct transport cached_transports[];
extern const struct transport bare_transports[];

#endif /* RING_TRANSPORT_H */
