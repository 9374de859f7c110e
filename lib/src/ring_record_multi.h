/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Record rings of many producers or consumers, those that overwrite, and those of chunks.
 *
 *	segment:	| word | word | word | ...	one of 64 bits for each granule of 32 bytes
 *			| granule | granule | ...	the data
 *
 *	      63                     12+shift    12 11   10 9    0
 *	word: | tag                  | extent      | state | seat |
 *
 *	      0        8
 *	data: | length | the record ...
 *
 * Positions count granules, and begin in lap 1.  A ring of records has one segment, and
 * the tag is the lap; in a ring of chunks (ring_chunk.c) each chunk is a segment, and the
 * tag is the chunk's number.  A record begins at a granule and is in one piece, @extent
 * granules; where it doesn't fit before the segment's end, PADDING goes there.  Only the
 * word of a record's first granule has a meaning.  Data is never where words are, so that
 * no data can be taken for a word; and a word whose tag is older than the position's is
 * of an earlier lap: there is nothing yet.
 *
 *	(older) -> CLAIMED(seat) -> READY -> DONE
 *	        \              \-> PADDING
 *	         \----------------/^
 *
 * A producer claims by one compare and exchange of the word at the tail (K0).  It holds
 * the extent and the producer's seat, so that at no instant space is taken and its
 * extent or owner is unknown.  The tail is a hint: a producer that finds a record there
 * moves it on.  It never passes a position at which nothing is claimed.
 *
 * A consumer claims by moving the head (ring_seat.h) past a READY record, and makes it
 * DONE when it has used it.  Everything before @reclaimed is free: consumers that release
 * a record, and producers that find no room, move it on over what is DONE, and over PADDING
 * that the head has passed.
 *
 * Deaths: CLAIMED by a dead producer becomes PADDING, by the consumer that comes to it, or
 * by the handle that takes the dead producer's seat: the seat's note holds the position.
 * A record that a dead consumer had claimed is found through its seat.
 *
 * Barriers: words are stored with release and loaded with acquire (H).
 * READY (H0): the record was written before; pairs with the consumer's load.
 * DONE (H1), and @reclaimed (H2): the record was read before it is overwritten; pairs with
 * the load in ring_record_await_room().
 *
 * Producers are in ring_record_multi_put.c, consumers in ring_record_multi_get.c, and what
 * both do about room in ring_record_multi_room.c.
 */
#ifndef IPCSHM_RING_RECORD_MULTI_H
#define IPCSHM_RING_RECORD_MULTI_H

#include "ring_seat.h"

#define RECORD_GRANULE	32U
#define LENGTH_HEADER	8U	/* bytes before a record, for its length */
#define RECLAIM_STEPS	64U	/* records that a release reclaims at most */

enum state {
	DONE,
	CLAIMED,
	READY,
	PADDING,
};

#define STATE_SHIFT	RING_SEAT_BITS
#define EXTENT_SHIFT	(STATE_SHIFT + 2)

typedef _Atomic uint64_t word_t;

static ALWAYS_INLINE uint64_t segment_mask(const struct ring *ring)
{
	return (1ULL << ring->shift) - 1;
}

/* Where the words of the segment of @position begin; NULL: such a chunk isn't there. */
static ALWAYS_INLINE unsigned char *segment_of(const struct ring *ring, uint64_t position)
{
	if (UNLIKELY(ring->map != NULL))
		return ring_chunk_at(ring, position >> ring->shift);
	return ring->data;
}

static ALWAYS_INLINE word_t *word_of(const struct ring *ring, unsigned char *segment,
				     uint64_t position)
{
	return (word_t *)segment + (position & segment_mask(ring));
}

/* From the beginning of the segment. */
static ALWAYS_INLINE size_t record_offset(const struct ring *ring, uint64_t position)
{
	return (size_t)((8ULL << ring->shift) + (position & segment_mask(ring)) * RECORD_GRANULE);
}

static ALWAYS_INLINE unsigned char *record_in(const struct ring *ring, unsigned char *segment,
					      uint64_t position)
{
	return segment + record_offset(ring, position);
}

/* The word of a record at @position that was found before: the map may have changed since. */
static ALWAYS_INLINE word_t *word_of_record(const struct ring *ring, unsigned char *record,
					    uint64_t position)
{
	return word_of(ring, record - record_offset(ring, position), position);
}

static ALWAYS_INLINE uint64_t load_record_word(word_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static ALWAYS_INLINE void store_record_word(word_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

static ALWAYS_INLINE bool change_record_word(word_t *word, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong_explicit(word, &from, to, memory_order_acq_rel,
						       memory_order_relaxed);
}

static ALWAYS_INLINE uint64_t make_record_word(const struct ring *ring, uint64_t position,
					       uint64_t extent, enum state state, uint32_t seat)
{
	return position >> ring->shift << ring->shift << EXTENT_SHIFT | extent << EXTENT_SHIFT |
	       (uint64_t)state << STATE_SHIFT | seat;
}

static ALWAYS_INLINE enum state record_state_of(uint64_t word)
{
	return word >> STATE_SHIFT & 3;
}

static ALWAYS_INLINE uint32_t seat_of(uint64_t word)
{
	return word & RING_NO_SEAT;
}

/* The same record in another state. */
static ALWAYS_INLINE uint64_t in_state(uint64_t word, enum state state)
{
	return (word & ~(uint64_t)((1U << EXTENT_SHIFT) - 1)) | (uint64_t)state << STATE_SHIFT;
}

/* 0: the word is of the position's lap (chunk); less: of an earlier one. */
static ALWAYS_INLINE int64_t lap_of(const struct ring *ring, uint64_t word, uint64_t position)
{
	return (int64_t)((word >> EXTENT_SHIFT >> ring->shift << ring->shift << EXTENT_SHIFT) -
			 (position >> ring->shift << ring->shift << EXTENT_SHIFT));
}

static ALWAYS_INLINE uint64_t granules_to_end(const struct ring *ring, uint64_t position)
{
	return (1ULL << ring->shift) - (position & segment_mask(ring));
}

/* Granules; 0: no call writes such a word. */
static ALWAYS_INLINE uint64_t extent_of(const struct ring *ring, uint64_t word, uint64_t position)
{
	uint64_t extent = word >> EXTENT_SHIFT & segment_mask(ring);

	return extent > granules_to_end(ring, position) ? 0 : extent;
}

static ALWAYS_INLINE uint64_t granules_for(uint64_t length)
{
	return (LENGTH_HEADER + length + RECORD_GRANULE - 1) / RECORD_GRANULE;
}

static ALWAYS_INLINE uint64_t claimed_length_max(const struct ring *ring)
{
	return ((uint64_t)RECORD_GRANULE << ring->shift) / 2 - RECORD_GRANULE;
}

static ALWAYS_INLINE void move_position(_Atomic uint64_t *position, uint64_t from, uint64_t to)
{
	atomic_compare_exchange_strong_explicit(position, &from, to, memory_order_acq_rel,
						memory_order_relaxed);
}

static inline _Atomic uint64_t *tail_of(const struct ring *ring)
{
	return &ring_shared(ring)->producer.position;
}

static inline _Atomic uint64_t *reclaimed_of(const struct ring *ring)
{
	return &ring_shared(ring)->consumer.reclaimed;
}

static ALWAYS_INLINE uint64_t load_length(const unsigned char *record)
{
	return atomic_load_explicit((const _Atomic uint32_t *)(const void *)record,
				    memory_order_relaxed);
}

static ALWAYS_INLINE void set_length(unsigned char *record, uint64_t length)
{
	atomic_store_explicit((_Atomic uint32_t *)(void *)record, (uint32_t)length,
			      memory_order_relaxed);
}

/* ring_record_multi_room.c */

bool ring_record_skip_if_gone(struct ring *ring, word_t *at, uint64_t word);
bool ring_record_pass_padding(struct ring *ring, uint64_t head, uint64_t extent);
uint64_t ring_record_reclaim(struct ring *ring, uint64_t target, uint32_t steps);
uint64_t ring_record_in_claim(const struct ring *ring, uint32_t seat, uint64_t *position,
			      unsigned char **record);
int ring_record_await_room(struct ring *ring, uint64_t position, uint64_t end);
int ring_record_add_chunk(struct ring *ring, uint64_t position);
int ring_record_can_drop(struct ring *ring, uint64_t end);

#endif /* IPCSHM_RING_RECORD_MULTI_H */
