// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lower bound for rings of slots: lines that have the item and its number, and
 * nothing else.  The consumer's place is read once a lap; deaths, waits and hostile
 * peers are not supported.
 */
#include <stdatomic.h>
#include <string.h>

#include "transport.h"

struct line {
	_Alignas(64) _Atomic uint64_t number;
	unsigned char item[56];
};

struct shared {
	_Alignas(128) _Atomic uint64_t consumed;
	_Alignas(128) struct line lines[TRANSPORT_CAPACITY];
};

struct state {
	struct shared *shared;
	uint64_t next;
	uint64_t limit;
};

static struct state *state_of(struct end *end)
{
	return (struct state *)end;
}

static void create_lines(void *memory)
{
	(void)memory;
}

static void open_end(struct end *end, void *memory, bool producer)
{
	(void)producer;
	*state_of(end) = (struct state) { .shared = memory, .limit = TRANSPORT_CAPACITY };
}

static struct line *next_line(struct state *at)
{
	return &at->shared->lines[at->next % TRANSPORT_CAPACITY];
}

static void *reserve_line(struct end *end)
{
	struct state *at = state_of(end);

	if (at->next == at->limit)
		at->limit = TRANSPORT_CAPACITY + atomic_load_explicit(&at->shared->consumed,
								      memory_order_acquire);
	return at->next == at->limit ? NULL : next_line(at)->item;
}

static void commit_line(struct end *end)
{
	struct state *at = state_of(end);

	atomic_store_explicit(&next_line(at)->number, at->next + 1, memory_order_release);
	at->next++;
}

static const void *peek_line(struct end *end)
{
	struct line *line = next_line(state_of(end));
	uint64_t number = atomic_load_explicit(&line->number, memory_order_acquire);

	return number == state_of(end)->next + 1 ? line->item : NULL;
}

static void release_line(struct end *end)
{
	struct state *at = state_of(end);

	atomic_store_explicit(&at->shared->consumed, ++at->next, memory_order_release);
}

const struct transport bare_transports[] = {
	{ "bare lines", 8, false, create_lines, open_end, NULL, NULL, NULL, NULL, reserve_line,
	  commit_line, peek_line, release_line },
	{ "bare lines", 56, false, create_lines, open_end, NULL, NULL, NULL, NULL, reserve_line,
	  commit_line, peek_line, release_line },
	{ .name = NULL },
};
