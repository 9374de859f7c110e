/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Slot rings: items of one size, each beside a word that holds its state.
 *
 *	          63       33 32   30 29      0
 *	slot:    | lap       | state | token   | item ...
 *
 * Slots of up to 64 bytes don't straddle a cache line, so that one line moves from
 * producer to consumer for an item of up to 56 bytes.  The item at a position is in
 * slot position % capacity, in lap position / capacity.  The words of a slot only
 * ever grow (modulo 2^64):
 *
 *	FREE(lap) -> CLAIMED(lap, token) -> READY(lap) -> FREE(lap + 1)
 *	                  |                               /^
 *	                  +-> PADDING(lap) --------------+
 *
 * One producer doesn't claim: a successor writes over anything that wasn't READY, and finds
 * where that begins from a position that is stored every NOTE_EACH items (ring_slot_end()).
 * One consumer doesn't free: it stores its position when it is done, producers look at
 * that, and the words of the last lap stay until they are overwritten.
 *
 * Many producers claim by a compare and exchange of the word, and the token goes in with
 * it, so that at no instant a slot is taken by an unknown producer.  Their shared position is a
 * hint: a producer that finds its slot taken moves it on.  It never passes a slot that
 * isn't taken.
 *
 * Many consumers claim by moving their head (ring_seat.h) past one READY slot or several,
 * and then free them one by one.
 *
 * Deaths: CLAIMED by a dead producer becomes PADDING, by the consumer that comes to it.
 * Slots that a dead consumer had claimed and not freed are found through its seat.
 *
 * Barriers: a word is stored with release and loaded with acquire (W).
 * READY (W0): the item was written before; pairs with the consumer's load.
 * FREE (W1), or one consumer's position (C0): the item was read before it is
 * overwritten; pairs with the load in look_for_free_slots() or claim_next().
 */
#ifndef IPCSHM_RING_SLOT_H
#define IPCSHM_RING_SLOT_H

#include "ring.h"

enum state {
	FREE,
	CLAIMED,
	READY,
	PADDING,
};

struct slot {
	_Atomic uint64_t word;
	unsigned char item[];
};

#define TOKEN_BITS	30
#define STATE_BITS	3
#define LAP_SHIFT	(TOKEN_BITS + STATE_BITS)

static ALWAYS_INLINE uint64_t make_slot_word(const struct ring *ring, uint64_t position,
					     enum state state, uint32_t token)
{
	return (position >> ring->shift) << LAP_SHIFT | (uint64_t)state << TOKEN_BITS | token;
}

static ALWAYS_INLINE enum state slot_state_of(uint64_t word)
{
	return word >> TOKEN_BITS & ((1U << STATE_BITS) - 1);
}

static ALWAYS_INLINE uint32_t token_of(uint64_t word)
{
	return word & IPCSHM_TOKEN_MASK;
}

/* The same lap and state. */
static ALWAYS_INLINE bool word_is(uint64_t word, uint64_t other)
{
	return word >> TOKEN_BITS == other >> TOKEN_BITS;
}

/* Is the slot further than that in its life? */
static ALWAYS_INLINE bool is_beyond(uint64_t word, uint64_t other)
{
	return (int64_t)((word & ~(uint64_t)IPCSHM_TOKEN_MASK) - other) > 0;
}

static ALWAYS_INLINE struct slot *slot_at(const struct ring *ring, uint64_t position)
{
	return (struct slot *)(ring->data + (position & ring->mask) * ring->stride);
}

static ALWAYS_INLINE uint64_t load_slot_word(const struct slot *slot)
{
	return atomic_load_explicit(&slot->word, memory_order_acquire);
}

static ALWAYS_INLINE bool change_slot_word(struct slot *slot, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong_explicit(&slot->word, &from, to,
						       memory_order_acq_rel,
						       memory_order_relaxed);
}

static ALWAYS_INLINE uint64_t load_hint(const struct ring_side *side)
{
	return atomic_load_explicit(&side->position, memory_order_acquire);
}

/* The word of a freed slot that had an item. */
static ALWAYS_INLINE uint64_t freed_word(uint64_t ready)
{
	return ready + (1ULL << LAP_SHIFT) - ((uint64_t)READY << TOKEN_BITS);
}

static ALWAYS_INLINE void store_slot_word(struct slot *slot, uint64_t word)
{
	atomic_store_explicit(&slot->word, word, memory_order_release);
}

/**
 * struct cursor - goes through a run of slots with less work for each than slot_at()
 * @slot: the slot it is at
 * @begin, @end: of all slots
 * @ready: the word that the slot has with an item
 */
struct cursor {
	unsigned char *slot;
	unsigned char *begin;
	unsigned char *end;
	uint64_t ready;
};

static ALWAYS_INLINE struct cursor cursor_at(const struct ring *ring, uint64_t position)
{
	return (struct cursor) {
		.slot = (unsigned char *)slot_at(ring, position),
		.begin = ring->data,
		.end = ring->data + ring->capacity * ring->stride,
		.ready = make_slot_word(ring, position, READY, 0),
	};
}

static ALWAYS_INLINE void move_cursor(struct cursor *cursor, uint64_t stride)
{
	cursor->slot += stride;
	if (UNLIKELY(cursor->slot == cursor->end)) {
		cursor->slot = cursor->begin;
		cursor->ready += 1ULL << LAP_SHIFT;
	}
}

static ALWAYS_INLINE struct slot *slot_of(const struct cursor *cursor)
{
	return (struct slot *)cursor->slot;
}

/* The word that the slot has with padding. */
static ALWAYS_INLINE uint64_t padding_of(const struct cursor *cursor)
{
	return cursor->ready + ((uint64_t)(PADDING - READY) << TOKEN_BITS);
}

/*
 * CLAIMED by a producer that may be gone.  It may have become READY at the last moment, so only
 * what was seen is changed.
 */
static ALWAYS_INLINE bool skip_if_gone(struct ring *ring, struct slot *slot, uint64_t position,
				       uint64_t word)
{
	if (!word_is(word, make_slot_word(ring, position, CLAIMED, 0)) ||
	    !is_gone(ring, token_of(word)))
		return false;
	if (change_slot_word(slot, word, make_slot_word(ring, position, PADDING, 0)))
		add_to_counter(&ring_shared(ring)->counters.skipped, 1);
	return true;
}

/* True: there is something new. */
static inline bool await_claimed(const struct ring *ring, const struct slot *slot,
				 uint64_t position, uint64_t word)
{
	if (word_is(word, make_slot_word(ring, position, CLAIMED, 0)))
		ring_await_claimed(ring, position);
	return load_slot_word(slot) != word;
}

#endif /* IPCSHM_RING_SLOT_H */
