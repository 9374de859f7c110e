// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
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
 * the load in await_room().
 */
#include "ring_seat.h"

#define GRANULE		32U
#define HEADER		8U	/* bytes before a record, for its length */
#define RECLAIM_STEPS	64U	/* records that a release reclaims at most */
#define RECLAIM_AHEAD	64U	/* granules that a producer reclaims beyond what it needs */

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
	return (size_t)((8ULL << ring->shift) + (position & segment_mask(ring)) * GRANULE);
}

static ALWAYS_INLINE unsigned char *record_at(const struct ring *ring, unsigned char *segment,
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

static ALWAYS_INLINE uint64_t load_word(word_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static ALWAYS_INLINE void store_word(word_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

static ALWAYS_INLINE bool change_word(word_t *word, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong_explicit(word, &from, to, memory_order_acq_rel,
						       memory_order_relaxed);
}

static ALWAYS_INLINE uint64_t make_word(const struct ring *ring, uint64_t position,
					uint64_t extent, enum state state, uint32_t seat)
{
	return position >> ring->shift << ring->shift << EXTENT_SHIFT | extent << EXTENT_SHIFT |
	       (uint64_t)state << STATE_SHIFT | seat;
}

static ALWAYS_INLINE enum state state_of(uint64_t word)
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

static ALWAYS_INLINE uint64_t straight_at(const struct ring *ring, uint64_t position)
{
	return (1ULL << ring->shift) - (position & segment_mask(ring));
}

/* Granules; 0: no call writes such a word. */
static ALWAYS_INLINE uint64_t extent_of(const struct ring *ring, uint64_t word, uint64_t position)
{
	uint64_t extent = word >> EXTENT_SHIFT & segment_mask(ring);

	return extent > straight_at(ring, position) ? 0 : extent;
}

static ALWAYS_INLINE uint64_t extent_for(uint64_t length)
{
	return (HEADER + length + GRANULE - 1) / GRANULE;
}

static ALWAYS_INLINE uint64_t length_max(const struct ring *ring)
{
	return ((uint64_t)GRANULE << ring->shift) / 2 - GRANULE;
}

static ALWAYS_INLINE uint64_t load_position(const _Atomic uint64_t *position)
{
	return atomic_load_explicit(position, memory_order_acquire);
}

static ALWAYS_INLINE void move_position(_Atomic uint64_t *position, uint64_t from, uint64_t to)
{
	atomic_compare_exchange_strong_explicit(position, &from, to, memory_order_acq_rel,
						memory_order_relaxed);
}

static _Atomic uint64_t *tail_of(const struct ring *ring)
{
	return &ring_shared(ring)->producer.position;
}

static _Atomic uint64_t *reclaimed_of(const struct ring *ring)
{
	return &ring_shared(ring)->consumer.reclaimed;
}

/* There is no record at @position yet.  0: look again; -EAGAIN. */
static int await_ready(struct ring *ring, uint64_t position, word_t *at, uint64_t word)
{
	if (at && !lap_of(ring, word, position))
		ring_await_claimed(ring, position);
	if (at && load_word(at) != word)
		return 0;
	ring->missed = position;
	return -EAGAIN;
}

/* CLAIMED by a producer that is gone, unless it became READY at the last moment. */
static bool skip_if_gone(struct ring *ring, word_t *at, uint64_t word)
{
	if (state_of(word) != CLAIMED || !ring_seat_is_gone(ring, seat_of(word)))
		return false;
	if (change_word(at, word, in_state(word, PADDING)))
		count(&ring_shared(ring)->counters.skipped, 1);
	return true;
}

/* Move the head over padding, which is claimed by no seat.  False: another was faster. */
static bool pass_padding(struct ring *ring, uint64_t head, uint64_t extent)
{
	uint64_t end = make_head(head_position(head) + extent, RING_NO_SEAT);

	if (!ring_confirm(ring, head, head_seat(head)))
		return false;
	return atomic_compare_exchange_strong_explicit(&ring_shared(ring)->consumer.position, &head,
						       end, memory_order_acq_rel,
						       memory_order_relaxed);
}

/* Room. */

/*
 * Move @reclaimed on, up to @target if possible.  Return where it is (H2).
 *
 * Another handle may have moved it less far in the meantime.  It has to follow: no call
 * could step over words behind it that are already used again.
 */
static uint64_t reclaim(struct ring *ring, uint64_t target, uint32_t steps)
{
	uint64_t start = load_position(reclaimed_of(ring));
	uint64_t position = start;
	uint32_t tries;

	/* A lone consumer moves the head when it has used a record, not before. */
	if (ring_has_many(ring, RING_LONE_CONSUMER))
		return head_position(load_head(ring));
	while (steps-- && (int64_t)(target - position) > 0) {
		unsigned char *segment = segment_of(ring, position);
		uint64_t word = segment ? load_word(word_of(ring, segment, position)) : 0;
		uint64_t extent = extent_of(ring, word, position);

		if (!segment || lap_of(ring, word, position) || !extent)
			break;
		if (state_of(word) != DONE &&
		    (state_of(word) != PADDING ||
		     (int64_t)(head_position(load_head(ring)) - position) <= 0))
			break;
		position += extent;
	}
	for (tries = 0; (int64_t)(position - start) > 0 && tries < RING_TRIES; tries++)
		if (atomic_compare_exchange_strong_explicit(reclaimed_of(ring), &start, position,
							    memory_order_acq_rel,
							    memory_order_acquire))
			start = position;
	return start;
}

/* More could be reclaimed: the next try goes on from there. */
static bool is_done(struct ring *ring, uint64_t position)
{
	unsigned char *segment = segment_of(ring, position);
	uint64_t word = segment ? load_word(word_of(ring, segment, position)) : 0;

	return segment && !lap_of(ring, word, position) && state_of(word) == DONE;
}

static int drop_claimed(struct ring *ring, uint64_t position);

/*
 * _OVERWRITE: drop the oldest record, at @position: nothing before it is in use.
 *
 * Return: 0: look again; -EAGAIN: it is in use; -EBADMSG.
 */
static int drop_oldest(struct ring *ring, uint64_t position)
{
	uint64_t head = load_head(ring);
	word_t *at = word_of(ring, ring->data, position);
	uint64_t word = load_word(at);
	uint64_t extent = extent_of(ring, word, position);

	if (LIKELY(extent && word == make_word(ring, position, extent, READY, 0) &&
		   head_position(head) == position)) {
		if (!claim_items(ring, head, 1, position + extent))
			return 0;
		store_word(at, in_state(word, DONE));
		end_claim(ring);
		ring_seat_count_dropped(ring);
		/* As reclaim() would.  Any other handle moves it at least as far. */
		move_position(reclaimed_of(ring), position, position + extent);
		return 0;
	}
	if (load_position(reclaimed_of(ring)) != position)
		return 0;
	if (lap_of(ring, word, position) || !extent)
		return -EBADMSG;
	if (skip_if_gone(ring, at, word) || state_of(word) == DONE)
		return 0;
	if (state_of(word) == CLAIMED)
		return -EAGAIN;
	if (head_position(head) != position)
		return state_of(word) == READY ? drop_claimed(ring, position) : 0;
	if (state_of(word) == PADDING)
		pass_padding(ring, head, extent);
	return 0;
}

/* Are positions up to @end free?  0, or -EAGAIN, -EALREADY, -EBADMSG */
static __attribute__((noinline)) int await_room(struct ring *ring, uint64_t position, uint64_t end)
{
	const uint64_t granules = 1ULL << ring->shift;
	const uint64_t ahead = granules / 8 < RECLAIM_AHEAD ? granules / 8 : RECLAIM_AHEAD;
	uint64_t reclaimed = 0;
	uint32_t steps;
	int ret;

	const bool overwrite = ring_has_many(ring, IPCSHM_RING_OVERWRITE);

	for (steps = 0; steps < RING_STEPS; steps++) {
		reclaimed = reclaim(ring, end - granules + ahead,
				    overwrite ? RECLAIM_STEPS : RING_STEPS);
		if (position - reclaimed > granules)
			return -EBADMSG;
		ring->limit = reclaimed + granules;
		if ((int64_t)(ring->limit - end) >= 0)
			return 0;
		if (!overwrite)
			break;
		ret = drop_oldest(ring, reclaimed);
		if (ret)
			return ret;
	}
	return overwrite || is_done(ring, reclaimed) ? -EALREADY : -EAGAIN;
}

/* Producers. */

/* Make the chunk of a position exist, at or behind the tail. */
static __attribute__((noinline)) int add_chunk(struct ring *ring, uint64_t position)
{
	uint64_t reclaimed = reclaim(ring, position, RING_STEPS);
	int ret = ring_chunk_add(ring, position >> ring->shift, reclaimed >> ring->shift);

	return ret == -EAGAIN && is_done(ring, reclaimed) ? -EALREADY : ret;
}

/* 0: the record, and padding before it if it needs any, has room at @position. */
static ALWAYS_INLINE int has_room(struct ring *ring, uint64_t position, uint64_t extent)
{
	uint64_t straight = straight_at(ring, position);
	uint64_t end = position + extent + (extent > straight ? straight : 0);

	if (UNLIKELY(ring->map != NULL))
		return extent <= straight ? 0 : add_chunk(ring, position + straight);
	if (LIKELY((int64_t)(ring->limit - end) >= 0))
		return 0;
	return await_room(ring, position, end);
}

struct claimed {
	word_t *at;
	uint64_t word;
	unsigned char *record;
};

static ALWAYS_INLINE int claim(struct ring *ring, uint64_t length, struct claimed *claimed)
{
	const uint64_t extent = extent_for(length);
	uint64_t position, word, straight, other;
	unsigned char *segment;
	uint32_t tries;
	int64_t lap;
	word_t *at;
	int ret;

	if (UNLIKELY(length > length_max(ring)))
		return -EMSGSIZE;
	for (tries = 0; tries < RING_TRIES; tries++) {
		position = load_position(tail_of(ring));
		segment = segment_of(ring, position);
		if (UNLIKELY(!segment)) {
			ret = add_chunk(ring, position);
			if (ret && load_position(tail_of(ring)) == position)
				return ret;
			continue;
		}
		at = word_of(ring, segment, position);
		/* Each line is asked for once, and not again to write to it. */
		prepare_to_write(record_at(ring, segment, position));
		prepare_to_write((unsigned char *)at);
		word = load_word(at);
		lap = lap_of(ring, word, position);
		if (lap > 0)
			continue;
		if (!lap) {
			other = extent_of(ring, word, position);
			if (!other)
				return -EBADMSG;
			move_position(tail_of(ring), position, position + other);
			continue;
		}
		ret = has_room(ring, position, extent);
		/* If the word or the tail has moved on since, this means nothing. */
		if (UNLIKELY(ret)) {
			if (load_word(at) != word || load_position(tail_of(ring)) != position)
				continue;
			return ret;
		}
		straight = straight_at(ring, position);
		if (UNLIKELY(extent > straight)) {
			if (change_word(at, word, make_word(ring, position, straight, PADDING, 0)))
				move_position(tail_of(ring), position, position + straight);
			continue;
		}
		atomic_store_explicit(&seat_at(ring, ring->seat)->note, position,
				      memory_order_relaxed);
		other = make_word(ring, position, extent, CLAIMED, ring->seat);
		if (!change_word(at, word, other))		/* K0 */
			continue;
		move_position(tail_of(ring), position, position + extent);
		*claimed = (struct claimed) { at, other, record_at(ring, segment, position) };
		if (LIKELY((int64_t)(ring->limit - position - 2 * extent) > 0))
			prepare_to_write(record_at(ring, segment, position + extent));
		return 0;
	}
	return -EALREADY;
}

static ALWAYS_INLINE void set_length(unsigned char *record, uint64_t length)
{
	atomic_store_explicit((_Atomic uint32_t *)(void *)record, (uint32_t)length,
			      memory_order_relaxed);
}

/* H0 */
static ALWAYS_INLINE void publish_record(struct ring *ring, word_t *at, uint64_t word)
{
	store_word(at, word);
	ring_publish_claimed(ring, 1);
}

static int put_many(struct ring *ring, const void *data, size_t size)
{
	struct claimed claimed;
	int ret = claim(ring, size, &claimed);

	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, size);
	copy_item(claimed.record + HEADER, data, size);
	set_length(claimed.record, size);
	publish_record(ring, claimed.at, in_state(claimed.word, READY));
	return 0;
}

static int reserve_many(struct ring *ring, size_t size, void **data)
{
	struct claimed claimed;
	int ret = claim(ring, size, &claimed);

	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, size);
	ring->held = claimed.record;
	ring->held_word = claimed.word;
	ring->held_at = (uint64_t)(uintptr_t)claimed.at;
	*data = claimed.record + HEADER;
	return 0;
}

static word_t *held_word(const struct ring *ring)
{
	return (word_t *)(uintptr_t)ring->held_at;
}

static int commit_many(struct ring *ring, size_t size)
{
	set_length(ring->held, size);
	ring->held = NULL;
	publish_record(ring, held_word(ring), in_state(ring->held_word, READY));
	return 0;
}

static int discard_many(struct ring *ring)
{
	count(&ring_shared(ring)->counters.skipped, 1);
	publish_record(ring, held_word(ring), in_state(ring->held_word, PADDING));
	return 0;
}

/*
 * A lone producer claims nothing either: a record is there when its word is READY, and a
 * successor goes on behind it.
 */

/* Room for a record of @extent granules at *@position, which is past the padding it needs. */
static ALWAYS_INLINE int make_room_alone(struct ring *ring, size_t size, uint64_t *position,
					 uint64_t *extent)
{
	uint64_t straight = straight_at(ring, ring->position);
	int ret;

	if (UNLIKELY(size > length_max(ring)))
		return -EMSGSIZE;
	*extent = extent_for(size);
	ret = has_room(ring, ring->position, *extent);
	if (UNLIKELY(ret))
		return ret;
	*position = ring->position + (UNLIKELY(*extent > straight) ? straight : 0);
	return 0;
}

/* H0.  The padding that is before the record becomes visible first. */
static ALWAYS_INLINE void publish_alone(struct ring *ring, uint64_t position, uint64_t extent,
					size_t size)
{
	set_length(record_at(ring, ring->data, position), size);
	if (UNLIKELY(position != ring->position))
		store_word(word_of(ring, ring->data, ring->position),
			   make_word(ring, ring->position, position - ring->position, PADDING, 0));
	store_word(word_of(ring, ring->data, position),
		   make_word(ring, position, extent, READY, 0));
	ring->position = position + extent;
	atomic_store_explicit(tail_of(ring), ring->position, memory_order_release);
	ring_publish_items(ring, 1);
}

static int put_alone(struct ring *ring, const void *data, size_t size)
{
	uint64_t position, extent;
	int ret = make_room_alone(ring, size, &position, &extent);

	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, size);
	copy_item(record_at(ring, ring->data, position) + HEADER, data, size);
	publish_alone(ring, position, extent, size);
	return 0;
}

static int reserve_alone(struct ring *ring, size_t size, void **data)
{
	uint64_t position;
	int ret = make_room_alone(ring, size, &position, &ring->held_word);

	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, size);
	ring->held = record_at(ring, ring->data, position);
	ring->held_at = position;
	*data = (unsigned char *)ring->held + HEADER;
	return 0;
}

static int commit_alone(struct ring *ring, size_t size)
{
	ring->held = NULL;
	publish_alone(ring, ring->held_at, ring->held_word, size);
	return 0;
}

static int nothing_to_undo(struct ring *ring)
{
	(void)ring;
	return 0;
}

static int ready_to_put_alone(struct ring *ring, uint64_t wanted)
{
	uint64_t position, extent;

	return make_room_alone(ring, (size_t)wanted, &position, &extent);
}

/* The predecessor may have died before it noted the padding and the record that it published. */
static void recover_lone_producer(struct ring *ring)
{
	uint64_t position = load_position(tail_of(ring));
	int i;

	for (i = 0; i < 2; i++) {
		uint64_t word = load_word(word_of(ring, ring->data, position));

		if (lap_of(ring, word, position))
			break;
		position += extent_of(ring, word, position);
	}
	ring->position = position;
	ring->limit = load_position(reclaimed_of(ring));
	atomic_store_explicit(tail_of(ring), position, memory_order_release);
}

/* _OVERWRITE: would drop_oldest() come to @end? */
static int can_drop(struct ring *ring, uint64_t end)
{
	uint64_t position = reclaim(ring, end - (1ULL << ring->shift), RING_STEPS);
	uint64_t head = load_head(ring);
	uint64_t word, extent;
	uint32_t steps, seat;

	for (steps = 0; steps < RING_STEPS; steps++, position += extent) {
		if ((int64_t)(position + (1ULL << ring->shift) - end) >= 0)
			return 0;
		word = load_word(word_of(ring, ring->data, position));
		extent = extent_of(ring, word, position);
		if (lap_of(ring, word, position) || !extent)
			return 0;
		if (state_of(word) == CLAIMED && !ring_seat_is_gone(ring, seat_of(word)))
			return -EAGAIN;
		if (state_of(word) != READY || (int64_t)(position - head_position(head)) >= 0)
			continue;
		for (seat = 0; seat < ring_seats(ring); seat++)
			if (claim_begins_at(load_claim(seat_at(ring, seat)), position) &&
			    ring_seat_has_claim(ring, seat))
				break;
		if (seat == ring_seats(ring))
			return -EAGAIN;
	}
	return 0;
}

/* Nothing is overwritten by it. */
static int ready_to_claim(struct ring *ring, uint64_t wanted)
{
	uint64_t position = load_position(tail_of(ring));
	uint64_t extent = extent_for(wanted);
	uint64_t straight = straight_at(ring, position);
	int ret;

	if (wanted > length_max(ring))
		return 0;
	if (!segment_of(ring, position))
		ret = add_chunk(ring, position);
	else if (ring_has_many(ring, IPCSHM_RING_OVERWRITE))
		ret = can_drop(ring, position + extent + (extent > straight ? straight : 0));
	else
		ret = has_room(ring, position, extent);
	return load_position(tail_of(ring)) != position ? 0 : ret;
}

/* Consumers. */

static ALWAYS_INLINE uint64_t length_at(const unsigned char *record)
{
	return atomic_load_explicit((const _Atomic uint32_t *)(const void *)record,
				    memory_order_relaxed);
}

static ALWAYS_INLINE void hold(struct ring *ring, uint64_t position, uint64_t word,
			       unsigned char *record, uint64_t length, uint32_t seat)
{
	ring->held = record;
	ring->held_at = position;
	ring->held_word = word;
	ring->held_size = length;
	ring->serving = seat;
}

/* The record of a claim, if it is still to be had: its word; else 0. */
static uint64_t record_in_claim(const struct ring *ring, uint32_t seat, uint64_t *position,
				unsigned char **record)
{
	uint64_t claim = load_claim(seat_at(ring, seat));
	unsigned char *segment;
	uint64_t word;

	*position = claim_position(claim, load_head(ring));
	segment = claim ? segment_of(ring, *position) : NULL;
	if (!segment)
		return 0;
	word = load_word(word_of(ring, segment, *position));
	*record = record_at(ring, segment, *position);
	return !lap_of(ring, word, *position) && state_of(word) == READY &&
	       extent_of(ring, word, *position) ? word : 0;
}

/* A consumer that is gone had claimed the record at @position: it is dropped. */
static int drop_claimed(struct ring *ring, uint64_t position)
{
	unsigned char *record;
	uint64_t at, word;
	uint32_t seat;
	bool died;

	for (seat = 0; seat < ring_seats(ring); seat++) {
		if (seat == ring->seat ||
		    !claim_begins_at(load_claim(seat_at(ring, seat)), position) ||
		    !ring_seat_has_claim(ring, seat) || !ring_seat_adopt(ring, seat, &died))
			continue;
		word = record_in_claim(ring, seat, &at, &record);
		if (word) {
			store_word(word_of_record(ring, record, at), in_state(word, DONE));
			count(&ring_shared(ring)->counters.dropped, 1);
		}
		ring_seat_finish(ring, seat);
		return 0;
	}
	return -EAGAIN;
}

static ALWAYS_INLINE bool is_length(const struct ring *ring, uint64_t word, uint64_t position,
				    uint64_t length)
{
	return length <= extent_of(ring, word, position) * GRANULE - HEADER;
}

/* Adopt a record that came back.  0, or -EAGAIN: there is none; -EMSGSIZE, -EBADMSG */
static int adopt(struct ring *ring, uint32_t seat, size_t room)
{
	unsigned char *record = NULL;
	uint64_t position, length;
	uint64_t word = record_in_claim(ring, seat, &position, &record);
	bool died;

	if (word && length_at(record) > room)
		return -EMSGSIZE;
	if (!ring_seat_adopt(ring, seat, &died))
		return -EAGAIN;
	word = record_in_claim(ring, seat, &position, &record);
	if (!word) {
		ring_seat_finish(ring, seat);
		return -EAGAIN;
	}
	if (died && seat != ring->seat)
		count(&ring_shared(ring)->counters.returned, 1);
	length = length_at(record);
	if (length > room || !is_length(ring, word, position, length)) {
		ring_seat_give_up(ring, seat);
		return length > room ? -EMSGSIZE : -EBADMSG;
	}
	hold(ring, position, word, record, length, seat);
	return 0;
}

/* The next record that came back: it is older than everything from the head on. */
static __attribute__((noinline)) int take_over(struct ring *ring, size_t room)
{
	uint32_t deaths = ipcshm_area_deaths(ring->area);
	uint32_t returned = returned_now(ring);
	uint32_t seat;
	int ret;

	for (seat = 0; seat < ring_seats(ring); seat++) {
		if (!ring_seat_has_claim(ring, seat))
			continue;
		ret = adopt(ring, seat, room);
		if (ret != -EAGAIN)
			return ret;
	}
	ring->deaths = deaths;
	ring->returned = returned;
	return -EAGAIN;
}

/* The record at the head isn't READY.  0: look again; else why not. */
static __attribute__((noinline)) int pass(struct ring *ring, uint64_t head, word_t *at,
					  uint64_t word)
{
	uint64_t position = head_position(head);
	uint64_t extent = extent_of(ring, word, position);
	int64_t lap = at ? lap_of(ring, word, position) : -1;

	if (load_head(ring) != head)
		return 0;
	if (lap < 0)
		return await_ready(ring, position, at, word);
	if (lap > 0 || !extent || state_of(word) == DONE)
		return -EBADMSG;
	if (skip_if_gone(ring, at, word))
		return 0;
	if (state_of(word) == CLAIMED)
		return await_ready(ring, position, at, word);
	pass_padding(ring, head, extent);
	return 0;
}

/* Padding was passed: it is room that no consumer releases. */
static __attribute__((noinline)) void publish_passed(struct ring *ring)
{
	reclaim(ring, head_position(load_head(ring)), RECLAIM_STEPS);
	ring_publish_room(ring, INT32_MAX);
}

/* The next record is the caller's, if it has @room for it. */
static ALWAYS_INLINE int take(struct ring *ring, size_t room)
{
	bool passed = false;
	uint32_t steps;
	int ret = 0;

	if (UNLIKELY(may_take_over(ring))) {
		ret = take_over(ring, room);
		if (ret != -EAGAIN)
			return ret;
	}
	for (steps = 0; steps < RING_STEPS; steps++) {
		uint64_t head = load_head(ring);
		uint64_t position = head_position(head);
		unsigned char *segment = segment_of(ring, position);
		word_t *at = segment ? word_of(ring, segment, position) : NULL;
		uint64_t word = at ? load_word(at) : 0;
		unsigned char *record;
		uint64_t length;

		if (UNLIKELY(!at || lap_of(ring, word, position) || state_of(word) != READY ||
			     !extent_of(ring, word, position))) {
			ret = pass(ring, head, at, word);
			passed |= !ret;
			if (ret)
				break;
			continue;
		}
		record = record_at(ring, segment, position);
		length = length_at(record);
		if (UNLIKELY(length > room || !is_length(ring, word, position, length))) {
			if (load_head(ring) != head)
				continue;
			ret = is_length(ring, word, position, length) ? -EMSGSIZE : -EBADMSG;
			break;
		}
		if (!claim_items(ring, head, 1, position + extent_of(ring, word, position)))
			continue;
		hold(ring, position, word, record, length, RING_NO_SEAT);
		if (UNLIKELY(passed))
			publish_passed(ring);
		return 0;
	}
	if (passed)
		publish_passed(ring);
	return ret ? ret : -EALREADY;
}

static ALWAYS_INLINE void release_held(struct ring *ring)
{
	uint64_t position = ring->held_at;

	/* H1 */
	store_word(word_of_record(ring, ring->held, position), in_state(ring->held_word, DONE));
	if (UNLIKELY(ring->serving != RING_NO_SEAT))
		ring_seat_finish(ring, ring->serving);
	else
		end_claim(ring);
	ring->held = NULL;
	if (UNLIKELY(ring->map != NULL))
		reclaim(ring, head_position(load_head(ring)), RECLAIM_STEPS);
	ring_publish_room(ring, INT32_MAX);
}

static ssize_t get_many(struct ring *ring, void *data, size_t size)
{
	int ret = take(ring, size);
	ssize_t length;

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 0);
	length = (ssize_t)ring->held_size;
	copy_item(data, (unsigned char *)ring->held + HEADER, (size_t)length);
	release_held(ring);
	return length;
}

static ssize_t peek_many(struct ring *ring, const void **data)
{
	int ret = take(ring, SIZE_MAX);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 0);
	*data = (unsigned char *)ring->held + HEADER;
	return (ssize_t)ring->held_size;
}

static int release_many(struct ring *ring)
{
	release_held(ring);
	return 0;
}

/* The claim stays in its seat, which the caller leaves. */
static int unpeek_many(struct ring *ring)
{
	count(&ring_shared(ring)->counters.returned, 1);
	if (ring->serving != RING_NO_SEAT)
		ring_seat_give_up(ring, ring->serving);
	return 0;
}

static bool has_returned(const struct ring *ring)
{
	unsigned char *record;
	uint64_t position;
	uint32_t seat;

	for (seat = 0; seat < ring_seats(ring); seat++)
		if (ring_seat_has_claim(ring, seat) &&
		    record_in_claim(ring, seat, &position, &record))
			return true;
	return false;
}

/* Nothing is held by this: it returns what take() would. */
static int ready_to_take(struct ring *ring, uint64_t wanted)
{
	uint64_t head = load_head(ring);
	uint64_t position = head_position(head);
	unsigned char *segment = segment_of(ring, position);
	uint64_t word = segment ? load_word(word_of(ring, segment, position)) : 0;

	(void)wanted;
	if (may_take_over(ring) && has_returned(ring))
		return 0;
	if (segment && lap_of(ring, word, position) >= 0 &&
	    (state_of(word) != CLAIMED || ring_seat_is_gone(ring, seat_of(word))))
		return 0;
	return load_head(ring) != head ? 0 : -EAGAIN;
}

/*
 * A lone consumer claims nothing: the record is at the head until it has been used, and a
 * successor finds it there.
 */

/* H2 */
static ALWAYS_INLINE void consumed(struct ring *ring, uint64_t extent)
{
	ring->position += extent;
	atomic_store_explicit(&ring_shared(ring)->consumer.position,
			      make_head(ring->position, RING_NO_SEAT), memory_order_release);
	ring_publish_room(ring, INT32_MAX);
}

/* The next record isn't READY, or is damaged.  0: look again; else why not. */
static __attribute__((noinline)) int pass_alone(struct ring *ring)
{
	uint64_t position = ring->position;
	word_t *at = word_of(ring, ring->data, position);
	uint64_t word = load_word(at);
	uint64_t extent = extent_of(ring, word, position);
	int64_t lap = lap_of(ring, word, position);

	if (lap < 0)
		return await_ready(ring, position, at, word);
	if (lap > 0 || !extent || state_of(word) == DONE)
		return -EBADMSG;
	if (state_of(word) == READY || skip_if_gone(ring, at, word))
		return 0;
	if (state_of(word) == CLAIMED)
		return await_ready(ring, position, at, word);
	consumed(ring, extent);
	return 0;
}

/* The next record is at the position: fills in its length and extent. */
static ALWAYS_INLINE int await_record(struct ring *ring, uint64_t *length, uint64_t *extent)
{
	uint32_t steps;
	int ret;

	for (steps = 0; steps < RING_STEPS; steps++) {
		uint64_t position = ring->position;
		uint64_t word = load_word(word_of(ring, ring->data, position));

		*extent = extent_of(ring, word, position);
		if (LIKELY(word == make_word(ring, position, *extent, READY, 0) && *extent)) {
			*length = length_at(record_at(ring, ring->data, position));
			return UNLIKELY(*length > *extent * GRANULE - HEADER) ? -EBADMSG : 0;
		}
		ret = pass_alone(ring);
		if (ret)
			return ret;
	}
	return -EALREADY;
}

static ssize_t get_alone(struct ring *ring, void *data, size_t size)
{
	uint64_t length, extent;
	int ret = await_record(ring, &length, &extent);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 0);
	if (UNLIKELY(length > size))
		return -EMSGSIZE;
	copy_item(data, record_at(ring, ring->data, ring->position) + HEADER, (size_t)length);
	consumed(ring, extent);
	return (ssize_t)length;
}

static ssize_t peek_alone(struct ring *ring, const void **data)
{
	uint64_t length;
	int ret = await_record(ring, &length, &ring->held_word);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 0);
	ring->held = record_at(ring, ring->data, ring->position);
	*data = (unsigned char *)ring->held + HEADER;
	return (ssize_t)length;
}

static int release_alone(struct ring *ring)
{
	ring->held = NULL;
	consumed(ring, ring->held_word);
	return 0;
}

static int ready_to_take_alone(struct ring *ring, uint64_t wanted)
{
	uint64_t length, extent;

	(void)wanted;
	return await_record(ring, &length, &extent);
}

static void recover_lone_consumer(struct ring *ring)
{
	ring->position = head_position(load_head(ring));
}

/* The seat's last owner may have died with a record claimed. */
static void recover_many_producers(struct ring *ring)
{
	uint64_t position = atomic_load_explicit(&seat_at(ring, ring->seat)->note,
						 memory_order_relaxed);
	unsigned char *segment = segment_of(ring, position);
	unsigned char *record;
	uint64_t word;

	ring->limit = load_position(reclaimed_of(ring));
	if (segment) {
		word_t *at = word_of(ring, segment, position);

		word = load_word(at);
		if (!lap_of(ring, word, position) && state_of(word) == CLAIMED &&
		    seat_of(word) == ring->seat && change_word(at, word, in_state(word, PADDING))) {
			count(&ring_shared(ring)->counters.skipped, 1);
			ring_publish_claimed(ring, 1);
		}
	}
	/* Or with one that it was about to drop. */
	ring_seat_inherit(ring);
	if (!ring->inherited)
		return;
	word = record_in_claim(ring, ring->seat, &position, &record);
	if (word) {
		store_word(word_of_record(ring, record, position), in_state(word, DONE));
		count(&ring_shared(ring)->counters.dropped, 1);
	}
	ring_seat_finish(ring, ring->seat);
}

static void recover_many_consumers(struct ring *ring)
{
	unsigned char *record;
	uint64_t position;

	/* Processes that died before may have left something. */
	ring->deaths = ipcshm_area_deaths(ring->area) - 1;
	ring_seat_inherit(ring);
	if (ring->inherited && ring->last_owner &&
	    record_in_claim(ring, ring->seat, &position, &record))
		count(&ring_shared(ring)->counters.returned, 1);
}

/* Making one. */

int ring_record_multi_geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride,
			       uint64_t *bytes)
{
	*stride = GRANULE;
	*bytes = attr->capacity / GRANULE * sizeof(uint64_t) + attr->capacity;
	return 0;
}

/* The handle's shift is that of the granules of a segment. */
void ring_record_multi_attach(struct ring *ring)
{
	ring->shift -= (uint32_t)__builtin_ctz(GRANULE);
	ring->mask = segment_mask(ring);
}

const struct ring_ops ring_record_many_producers = {
	.recover = recover_many_producers,
	.ready = ready_to_claim,
	.put = put_many,
	.get = ring_not_consumer,
	.reserve = reserve_many,
	.commit = commit_many,
	.undo = discard_many,
};

const struct ring_ops ring_record_lone_producer = {
	.recover = recover_lone_producer,
	.ready = ready_to_put_alone,
	.put = put_alone,
	.get = ring_not_consumer,
	.reserve = reserve_alone,
	.commit = commit_alone,
	.undo = nothing_to_undo,
};

const struct ring_ops ring_record_many_consumers = {
	.recover = recover_many_consumers,
	.ready = ready_to_take,
	.put = ring_not_producer,
	.get = get_many,
	.peek = peek_many,
	.release = release_many,
	.undo = unpeek_many,
};

const struct ring_ops ring_record_lone_consumer = {
	.recover = recover_lone_consumer,
	.ready = ready_to_take_alone,
	.put = ring_not_producer,
	.get = get_alone,
	.peek = peek_alone,
	.release = release_alone,
	.undo = nothing_to_undo,
};

const struct ring_layout ring_chunks = {
	.many_producers = &ring_record_many_producers,
	.many_consumers = &ring_record_many_consumers,
	.geometry = ring_chunk_geometry,
	.format = ring_chunk_format,
};
