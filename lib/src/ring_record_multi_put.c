// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Record rings of many: producers.  See ring_record_multi.h.
 */
#include "ring_record_multi.h"

/* 0: the record, and padding before it if it needs any, has room at @position. */
static ALWAYS_INLINE int has_room(struct ring *ring, uint64_t position, uint64_t extent)
{
	uint64_t straight = granules_to_end(ring, position);
	uint64_t end = position + extent + (extent > straight ? straight : 0);

	if (UNLIKELY(ring->map != NULL))
		return extent <= straight ? 0 : ring_record_add_chunk(ring, position + straight);
	if (LIKELY((int64_t)(ring->limit - end) >= 0))
		return 0;
	return ring_record_await_room(ring, position, end);
}

/* A record that the caller has claimed, and its word. */
struct claimed {
	word_t *at;
	uint64_t word;
	unsigned char *record;
};

/* Another producer has claimed the record at @position: move the tail past it. */
static ALWAYS_INLINE int pass_claimed(struct ring *ring, uint64_t word, uint64_t position)
{
	uint64_t extent = extent_of(ring, word, position);

	if (!extent)
		return -EBADMSG;
	move_position(tail_of(ring), position, position + extent);
	return 0;
}

/* The record does not fit before the end of the segment: claim the rest of that as padding. */
static ALWAYS_INLINE void pad_segment(struct ring *ring, word_t *at, uint64_t word,
				      uint64_t position)
{
	uint64_t straight = granules_to_end(ring, position);

	if (change_record_word(at, word,
			       make_record_word(ring, position, straight, PADDING, 0)))
		move_position(tail_of(ring), position, position + straight);
}

/* The note comes first: if the caller dies after K0, it leads to the record. */
static ALWAYS_INLINE bool claim_word(struct ring *ring, word_t *at, uint64_t word,
				     uint64_t position, uint64_t claimed)
{
	atomic_store_explicit(&seat_at(ring, ring->seat)->note, position, memory_order_relaxed);
	return change_record_word(at, word, claimed);		/* K0 */
}

/*
 * Claim the record at the tail. Its word is of an earlier lap until one producer changes it (K0);
 * the others then move the tail on, in case that producer has died, and try the next one.
 */
static ALWAYS_INLINE int claim_record(struct ring *ring, uint64_t length, struct claimed *claimed)
{
	const uint64_t extent = granules_for(length);
	uint64_t position, word, mine;
	unsigned char *segment;
	uint32_t tries;
	int64_t lap;
	word_t *at;
	int ret;

	if (UNLIKELY(length > claimed_length_max(ring)))
		return -EMSGSIZE;
	for (tries = 0; tries < RING_TRIES; tries++) {
		position = load_position(tail_of(ring));
		segment = segment_of(ring, position);
		if (UNLIKELY(!segment)) {
			ret = ring_record_add_chunk(ring, position);
			if (ret && load_position(tail_of(ring)) == position)
				return ret;
			continue;
		}
		at = word_of(ring, segment, position);
		/* Each line is asked for once, and not again to write to it. */
		prepare_to_write(record_in(ring, segment, position));
		prepare_to_write((unsigned char *)at);
		word = load_record_word(at);
		lap = lap_of(ring, word, position);
		if (lap > 0)
			continue;
		if (!lap) {
			ret = pass_claimed(ring, word, position);
			if (ret)
				return ret;
			continue;
		}
		ret = has_room(ring, position, extent);
		/* If the word or the tail has moved on since, this means nothing. */
		if (UNLIKELY(ret)) {
			if (load_record_word(at) != word ||
			    load_position(tail_of(ring)) != position)
				continue;
			return ret;
		}
		if (UNLIKELY(extent > granules_to_end(ring, position))) {
			pad_segment(ring, at, word, position);
			continue;
		}
		mine = make_record_word(ring, position, extent, CLAIMED, ring->seat);
		if (!claim_word(ring, at, word, position, mine))
			continue;
		move_position(tail_of(ring), position, position + extent);
		*claimed = (struct claimed) { at, mine, record_in(ring, segment, position) };
		if (LIKELY((int64_t)(ring->limit - position - 2 * extent) > 0))
			prepare_to_write(record_in(ring, segment, position + extent));
		return 0;
	}
	return -EALREADY;
}

/* H0 */
static ALWAYS_INLINE void publish_claimed_record(struct ring *ring, word_t *at, uint64_t word)
{
	store_record_word(at, word);
	ring_publish_claimed(ring, 1);
}

static int put_claimed_record(struct ring *ring, const void *data, size_t size)
{
	struct claimed claimed;
	int ret = claim_record(ring, size, &claimed);

	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, size);
	copy_item(claimed.record + LENGTH_HEADER, data, size);
	set_length(claimed.record, size);
	publish_claimed_record(ring, claimed.at, in_state(claimed.word, READY));
	return 0;
}

static int reserve_claimed_record(struct ring *ring, size_t size, void **data)
{
	struct claimed claimed;
	int ret = claim_record(ring, size, &claimed);

	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, size);
	ring->held = claimed.record;
	ring->held_word = claimed.word;
	ring->held_at = (uint64_t)(uintptr_t)claimed.at;
	*data = claimed.record + LENGTH_HEADER;
	return 0;
}

static word_t *held_word(const struct ring *ring)
{
	return (word_t *)(uintptr_t)ring->held_at;
}

static int commit_claimed_record(struct ring *ring, size_t size)
{
	set_length(ring->held, size);
	ring->held = NULL;
	publish_claimed_record(ring, held_word(ring), in_state(ring->held_word, READY));
	return 0;
}

static int discard_claimed_record(struct ring *ring)
{
	add_to_counter(&ring_shared(ring)->counters.skipped, 1);
	publish_claimed_record(ring, held_word(ring), in_state(ring->held_word, PADDING));
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
	uint64_t straight = granules_to_end(ring, ring->position);
	int ret;

	if (UNLIKELY(size > claimed_length_max(ring)))
		return -EMSGSIZE;
	*extent = granules_for(size);
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
	set_length(record_in(ring, ring->data, position), size);
	if (UNLIKELY(position != ring->position))
		store_record_word(word_of(ring, ring->data, ring->position),
				  make_record_word(ring, ring->position,
						   position - ring->position, PADDING, 0));
	store_record_word(word_of(ring, ring->data, position),
			  make_record_word(ring, position, extent, READY, 0));
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
	copy_item(record_in(ring, ring->data, position) + LENGTH_HEADER, data, size);
	publish_alone(ring, position, extent, size);
	return 0;
}

static int reserve_alone(struct ring *ring, size_t size, void **data)
{
	uint64_t position;
	int ret = make_room_alone(ring, size, &position, &ring->held_word);

	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, size);
	ring->held = record_in(ring, ring->data, position);
	ring->held_at = position;
	*data = (unsigned char *)ring->held + LENGTH_HEADER;
	return 0;
}

static int commit_alone(struct ring *ring, size_t size)
{
	ring->held = NULL;
	publish_alone(ring, ring->held_at, ring->held_word, size);
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
		uint64_t word = load_record_word(word_of(ring, ring->data, position));

		if (lap_of(ring, word, position))
			break;
		position += extent_of(ring, word, position);
	}
	ring->position = position;
	ring->limit = load_position(reclaimed_of(ring));
	atomic_store_explicit(tail_of(ring), position, memory_order_release);
}

/* Nothing is overwritten by it. */
static int ready_to_claim_record(struct ring *ring, uint64_t wanted)
{
	uint64_t position = load_position(tail_of(ring));
	uint64_t extent = granules_for(wanted);
	uint64_t straight = granules_to_end(ring, position);
	int ret;

	if (wanted > claimed_length_max(ring))
		return 0;
	if (!segment_of(ring, position))
		ret = ring_record_add_chunk(ring, position);
	else if (ring_has_many(ring, IPCSHM_RING_OVERWRITE))
		ret = ring_record_can_drop(ring, position + extent +
					   (extent > straight ? straight : 0));
	else
		ret = has_room(ring, position, extent);
	return load_position(tail_of(ring)) != position ? 0 : ret;
}

/* The seat's last owner may have died with a record claimed. */
static void recover_record_producers(struct ring *ring)
{
	uint64_t position = atomic_load_explicit(&seat_at(ring, ring->seat)->note,
						 memory_order_relaxed);
	unsigned char *segment = segment_of(ring, position);
	unsigned char *record;
	uint64_t word;

	ring->limit = load_position(reclaimed_of(ring));
	if (segment) {
		word_t *at = word_of(ring, segment, position);

		word = load_record_word(at);
		if (!lap_of(ring, word, position) && record_state_of(word) == CLAIMED &&
		    seat_of(word) == ring->seat &&
		    change_record_word(at, word, in_state(word, PADDING))) {
			add_to_counter(&ring_shared(ring)->counters.skipped, 1);
			ring_publish_claimed(ring, 1);
		}
	}
	/* Or with one that it was about to drop. */
	ring_seat_inherit(ring);
	if (!ring->inherited)
		return;
	word = ring_record_in_claim(ring, ring->seat, &position, &record);
	if (word) {
		store_record_word(word_of_record(ring, record, position), in_state(word, DONE));
		add_to_counter(&ring_shared(ring)->counters.dropped, 1);
	}
	ring_seat_finish(ring, ring->seat);
}

const struct ring_ops ring_record_many_producers = {
	.recover = recover_record_producers,
	.ready = ready_to_claim_record,
	.put = put_claimed_record,
	.get = ring_not_consumer,
	.reserve = reserve_claimed_record,
	.commit = commit_claimed_record,
	.undo = discard_claimed_record,
};

const struct ring_ops ring_record_lone_producer = {
	.recover = recover_lone_producer,
	.ready = ready_to_put_alone,
	.put = put_alone,
	.get = ring_not_consumer,
	.reserve = reserve_alone,
	.commit = commit_alone,
	.undo = ring_nothing_to_undo,
};
