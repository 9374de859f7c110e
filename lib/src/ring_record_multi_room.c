// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Record rings of many: room, which consumers and padding leave and overwriting producers make.
 */
#include "ring_record_multi.h"

#define RECLAIM_AHEAD	64U	/* granules that a producer reclaims beyond what it needs */

/* CLAIMED by a producer that is gone, unless it became READY at the last moment. */
bool ring_record_skip_if_gone(struct ring *ring, word_t *at, uint64_t word)
{
	if (record_state_of(word) != CLAIMED || !ring_seat_is_gone(ring, seat_of(word)))
		return false;
	if (change_record_word(at, word, in_state(word, PADDING)))
		add_to_counter(&ring_shared(ring)->counters.skipped, 1);
	return true;
}

/* Move the head over padding, which is claimed by no seat.  False: another was faster. */
bool ring_record_pass_padding(struct ring *ring, uint64_t head, uint64_t extent)
{
	uint64_t end = make_head(head_position(head) + extent, RING_NO_SEAT);

	if (!ring_confirm(ring, head, head_seat(head)))
		return false;
	return atomic_compare_exchange_strong_explicit(&ring_shared(ring)->consumer.position, &head,
						       end, memory_order_acq_rel,
						       memory_order_relaxed);
}

/*
 * Move @reclaimed on, up to @target if possible.  Return where it is (H2).
 *
 * Another handle may have moved it less far in the meantime.  It has to follow: no call
 * could step over words behind it that are already used again.
 */
uint64_t ring_record_reclaim(struct ring *ring, uint64_t target, uint32_t steps)
{
	uint64_t start = load_position(reclaimed_of(ring));
	uint64_t position = start;
	uint32_t tries;

	/* A lone consumer moves the head when it has used a record, not before. */
	if (ring_has_many(ring, RING_LONE_CONSUMER))
		return head_position(load_head(ring));
	while (steps-- && (int64_t)(target - position) > 0) {
		unsigned char *segment = segment_of(ring, position);
		uint64_t word = segment ? load_record_word(word_of(ring, segment, position)) : 0;
		uint64_t extent = extent_of(ring, word, position);

		if (!segment || lap_of(ring, word, position) || !extent)
			break;
		if (record_state_of(word) != DONE &&
		    (record_state_of(word) != PADDING ||
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
	uint64_t word = segment ? load_record_word(word_of(ring, segment, position)) : 0;

	return segment && !lap_of(ring, word, position) && record_state_of(word) == DONE;
}

/* The word of a claimed record that remains, or 0. */
uint64_t ring_record_in_claim(const struct ring *ring, uint32_t seat, uint64_t *position,
			      unsigned char **record)
{
	uint64_t claim = load_claim(seat_at(ring, seat));
	unsigned char *segment;
	uint64_t word;

	*position = claim_position(claim, load_head(ring));
	segment = claim ? segment_of(ring, *position) : NULL;
	if (!segment)
		return 0;
	word = load_record_word(word_of(ring, segment, *position));
	*record = record_in(ring, segment, *position);
	return !lap_of(ring, word, *position) && record_state_of(word) == READY &&
	       extent_of(ring, word, *position) ? word : 0;
}

/* A consumer that is gone had claimed the record at @position: it is dropped. */
static int drop_claimed_record(struct ring *ring, uint64_t position)
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
		word = ring_record_in_claim(ring, seat, &at, &record);
		if (word) {
			store_record_word(word_of_record(ring, record, at), in_state(word, DONE));
			add_to_counter(&ring_shared(ring)->counters.dropped, 1);
		}
		ring_seat_finish(ring, seat);
		return 0;
	}
	return -EAGAIN;
}

/*
 * _OVERWRITE: drop the oldest record, at @position: nothing before it is in use.
 *
 * Return: 0: look again; -EAGAIN: it is in use; -EBADMSG.
 */
static int drop_oldest_record(struct ring *ring, uint64_t position)
{
	uint64_t head = load_head(ring);
	word_t *at = word_of(ring, ring->data, position);
	uint64_t word = load_record_word(at);
	uint64_t extent = extent_of(ring, word, position);

	if (LIKELY(extent && word == make_record_word(ring, position, extent, READY, 0) &&
		   head_position(head) == position)) {
		if (!claim_items(ring, head, 1, position + extent))
			return 0;
		store_record_word(at, in_state(word, DONE));
		end_claim(ring);
		ring_seat_count_dropped(ring);
		/* As ring_record_reclaim() would.  Any other handle moves it at least as far. */
		move_position(reclaimed_of(ring), position, position + extent);
		return 0;
	}
	if (load_position(reclaimed_of(ring)) != position)
		return 0;
	if (lap_of(ring, word, position) || !extent)
		return -EBADMSG;
	if (ring_record_skip_if_gone(ring, at, word) || record_state_of(word) == DONE)
		return 0;
	if (record_state_of(word) == CLAIMED)
		return -EAGAIN;
	if (head_position(head) != position)
		return record_state_of(word) == READY ? drop_claimed_record(ring, position) : 0;
	if (record_state_of(word) == PADDING)
		ring_record_pass_padding(ring, head, extent);
	return 0;
}

/* Are positions up to @end free?  0, or -EAGAIN, -EALREADY, -EBADMSG */
int ring_record_await_room(struct ring *ring, uint64_t position, uint64_t end)
{
	const uint64_t granules = 1ULL << ring->shift;
	const uint64_t ahead = granules / 8 < RECLAIM_AHEAD ? granules / 8 : RECLAIM_AHEAD;
	uint64_t reclaimed = 0;
	uint32_t steps;
	int ret;

	const bool overwrite = ring_has_many(ring, IPCSHM_RING_OVERWRITE);

	for (steps = 0; steps < RING_STEPS; steps++) {
		reclaimed = ring_record_reclaim(ring, end - granules + ahead,
						overwrite ? RECLAIM_STEPS : RING_STEPS);
		if (position - reclaimed > granules)
			return -EBADMSG;
		ring->limit = reclaimed + granules;
		if ((int64_t)(ring->limit - end) >= 0)
			return 0;
		if (!overwrite)
			break;
		ret = drop_oldest_record(ring, reclaimed);
		if (ret)
			return ret;
	}
	return overwrite || is_done(ring, reclaimed) ? -EALREADY : -EAGAIN;
}

/* Make the chunk of a position exist, at or behind the tail. */
int ring_record_add_chunk(struct ring *ring, uint64_t position)
{
	uint64_t reclaimed = ring_record_reclaim(ring, position, RING_STEPS);
	int ret = ring_chunk_add(ring, position >> ring->shift, reclaimed >> ring->shift);

	return ret == -EAGAIN && is_done(ring, reclaimed) ? -EALREADY : ret;
}

/* _OVERWRITE: would drop_oldest_record() come to @end? */
int ring_record_can_drop(struct ring *ring, uint64_t end)
{
	uint64_t position = ring_record_reclaim(ring, end - (1ULL << ring->shift), RING_STEPS);
	uint64_t head = load_head(ring);
	uint64_t word, extent;
	uint32_t steps, seat;

	for (steps = 0; steps < RING_STEPS; steps++, position += extent) {
		if ((int64_t)(position + (1ULL << ring->shift) - end) >= 0)
			return 0;
		word = load_record_word(word_of(ring, ring->data, position));
		extent = extent_of(ring, word, position);
		if (lap_of(ring, word, position) || !extent)
			return 0;
		if (record_state_of(word) == CLAIMED && !ring_seat_is_gone(ring, seat_of(word)))
			return -EAGAIN;
		if (record_state_of(word) != READY ||
		    (int64_t)(position - head_position(head)) >= 0)
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

/* Making one. */

int ring_record_multi_geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride,
			       uint64_t *bytes)
{
	*stride = RECORD_GRANULE;
	*bytes = attr->capacity / RECORD_GRANULE * sizeof(uint64_t) + attr->capacity;
	return 0;
}

/* The handle's shift is that of the granules of a segment. */
void ring_record_multi_attach(struct ring *ring)
{
	ring->shift -= (uint32_t)__builtin_ctz(RECORD_GRANULE);
	ring->mask = segment_mask(ring);
}
