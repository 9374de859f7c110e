// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Record rings of many: consumers.  See ring_record_multi.h.
 */
#include "ring_record_multi.h"

/* There is no record at @position yet.  0: look again; -EAGAIN. */
static int await_ready(struct ring *ring, uint64_t position, word_t *at, uint64_t word)
{
	if (at && !lap_of(ring, word, position))
		ring_await_claimed(ring, position);
	if (at && load_record_word(at) != word)
		return 0;
	ring->missed = position;
	return -EAGAIN;
}

static ALWAYS_INLINE void hold_record(struct ring *ring, uint64_t position, uint64_t word,
				      unsigned char *record, uint64_t length, uint32_t seat)
{
	ring->held = record;
	ring->held_at = position;
	ring->held_word = word;
	ring->held_size = length;
	ring->serving = seat;
}

static ALWAYS_INLINE bool is_length(const struct ring *ring, uint64_t word, uint64_t position,
				    uint64_t length)
{
	return length <= extent_of(ring, word, position) * RECORD_GRANULE - LENGTH_HEADER;
}

/* Adopt a record that came back.  0, or -EAGAIN: there is none; -EMSGSIZE, -EBADMSG */
static int adopt_record(struct ring *ring, uint32_t seat, size_t room)
{
	unsigned char *record = NULL;
	uint64_t position, length;
	uint64_t word = ring_record_in_claim(ring, seat, &position, &record);
	bool died;

	if (word && load_length(record) > room)
		return -EMSGSIZE;
	if (!ring_seat_adopt(ring, seat, &died))
		return -EAGAIN;
	word = ring_record_in_claim(ring, seat, &position, &record);
	if (!word) {
		ring_seat_finish(ring, seat);
		return -EAGAIN;
	}
	if (died && seat != ring->seat)
		add_to_counter(&ring_shared(ring)->counters.returned, 1);
	length = load_length(record);
	if (length > room || !is_length(ring, word, position, length)) {
		ring_seat_give_up(ring, seat);
		return length > room ? -EMSGSIZE : -EBADMSG;
	}
	hold_record(ring, position, word, record, length, seat);
	return 0;
}

/* The next record that came back: it is older than everything from the head on. */
static __attribute__((noinline)) int take_records_over(struct ring *ring, size_t room)
{
	uint32_t deaths = ipcshm_area_deaths(ring->area);
	uint32_t returned = returned_now(ring);
	uint32_t seat;
	int ret;

	for (seat = 0; seat < ring_seats(ring); seat++) {
		if (!ring_seat_has_claim(ring, seat))
			continue;
		ret = adopt_record(ring, seat, room);
		if (ret != -EAGAIN)
			return ret;
	}
	ring->deaths = deaths;
	ring->returned = returned;
	return -EAGAIN;
}

/* The record at the head isn't READY.  0: look again; else why not. */
static __attribute__((noinline)) int pass_record(struct ring *ring, uint64_t head, word_t *at,
						 uint64_t word)
{
	uint64_t position = head_position(head);
	uint64_t extent = extent_of(ring, word, position);
	int64_t lap = at ? lap_of(ring, word, position) : -1;

	if (load_head(ring) != head)
		return 0;
	if (lap < 0)
		return await_ready(ring, position, at, word);
	if (lap > 0 || !extent || record_state_of(word) == DONE)
		return -EBADMSG;
	if (ring_record_skip_if_gone(ring, at, word))
		return 0;
	if (record_state_of(word) == CLAIMED)
		return await_ready(ring, position, at, word);
	ring_record_pass_padding(ring, head, extent);
	return 0;
}

/* Padding was passed: it is room that no consumer releases. */
static __attribute__((noinline)) void publish_passed(struct ring *ring)
{
	ring_record_reclaim(ring, head_position(load_head(ring)), RECLAIM_STEPS);
	ring_publish_room(ring, INT32_MAX);
}

/* The next record is the caller's, if it has @room for it. */
static ALWAYS_INLINE int take_record(struct ring *ring, size_t room)
{
	bool passed = false;
	uint32_t steps;
	int ret = 0;

	if (UNLIKELY(may_take_over(ring))) {
		ret = take_records_over(ring, room);
		if (ret != -EAGAIN)
			return ret;
	}
	for (steps = 0; steps < RING_STEPS; steps++) {
		uint64_t head = load_head(ring);
		uint64_t position = head_position(head);
		unsigned char *segment = segment_of(ring, position);
		word_t *at = segment ? word_of(ring, segment, position) : NULL;
		uint64_t word = at ? load_record_word(at) : 0;
		unsigned char *record;
		uint64_t length;

		if (UNLIKELY(!at || lap_of(ring, word, position) ||
			     record_state_of(word) != READY || !extent_of(ring, word, position))) {
			ret = pass_record(ring, head, at, word);
			passed |= !ret;
			if (ret)
				break;
			continue;
		}
		record = record_in(ring, segment, position);
		length = load_length(record);
		if (UNLIKELY(length > room || !is_length(ring, word, position, length))) {
			if (load_head(ring) != head)
				continue;
			ret = is_length(ring, word, position, length) ? -EMSGSIZE : -EBADMSG;
			break;
		}
		if (!claim_items(ring, head, 1, position + extent_of(ring, word, position)))
			continue;
		hold_record(ring, position, word, record, length, RING_NO_SEAT);
		if (UNLIKELY(passed))
			publish_passed(ring);
		return 0;
	}
	if (passed)
		publish_passed(ring);
	return ret ? ret : -EALREADY;
}

static ALWAYS_INLINE void release_held_record(struct ring *ring)
{
	uint64_t position = ring->held_at;

	/* H1 */
	store_record_word(word_of_record(ring, ring->held, position),
			  in_state(ring->held_word, DONE));
	if (UNLIKELY(ring->serving != RING_NO_SEAT))
		ring_seat_finish(ring, ring->serving);
	else
		end_claim(ring);
	ring->held = NULL;
	if (UNLIKELY(ring->map != NULL))
		ring_record_reclaim(ring, head_position(load_head(ring)), RECLAIM_STEPS);
	ring_publish_room(ring, INT32_MAX);
}

static ssize_t get_claimed_record(struct ring *ring, void *data, size_t size)
{
	int ret = take_record(ring, size);
	ssize_t length;

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 0);
	length = (ssize_t)ring->held_size;
	copy_item(data, (unsigned char *)ring->held + LENGTH_HEADER, (size_t)length);
	release_held_record(ring);
	return length;
}

static ssize_t peek_claimed_record(struct ring *ring, const void **data)
{
	int ret = take_record(ring, SIZE_MAX);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 0);
	*data = (unsigned char *)ring->held + LENGTH_HEADER;
	return (ssize_t)ring->held_size;
}

static int release_claimed_record(struct ring *ring)
{
	release_held_record(ring);
	return 0;
}

static bool has_returned(const struct ring *ring)
{
	unsigned char *record;
	uint64_t position;
	uint32_t seat;

	for (seat = 0; seat < ring_seats(ring); seat++)
		if (ring_seat_has_claim(ring, seat) &&
		    ring_record_in_claim(ring, seat, &position, &record))
			return true;
	return false;
}

/* Nothing is held by this: it returns what take_record() would. */
static int ready_to_take_record(struct ring *ring, uint64_t wanted)
{
	uint64_t head = load_head(ring);
	uint64_t position = head_position(head);
	unsigned char *segment = segment_of(ring, position);
	uint64_t word = segment ? load_record_word(word_of(ring, segment, position)) : 0;

	(void)wanted;
	if (may_take_over(ring) && has_returned(ring))
		return 0;
	if (segment && lap_of(ring, word, position) >= 0 &&
	    (record_state_of(word) != CLAIMED || ring_seat_is_gone(ring, seat_of(word))))
		return 0;
	return load_head(ring) != head ? 0 : -EAGAIN;
}

/*
 * A lone consumer claims nothing: the record is at the head until it has been used, and a
 * successor finds it there.
 */

/* H2 */
static ALWAYS_INLINE void advance_lone_consumer(struct ring *ring, uint64_t extent)
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
	uint64_t word = load_record_word(at);
	uint64_t extent = extent_of(ring, word, position);
	int64_t lap = lap_of(ring, word, position);

	if (lap < 0)
		return await_ready(ring, position, at, word);
	if (lap > 0 || !extent || record_state_of(word) == DONE)
		return -EBADMSG;
	if (record_state_of(word) == READY || ring_record_skip_if_gone(ring, at, word))
		return 0;
	if (record_state_of(word) == CLAIMED)
		return await_ready(ring, position, at, word);
	advance_lone_consumer(ring, extent);
	return 0;
}

/* The next record is at the position: fills in its length and extent. */
static ALWAYS_INLINE int await_next_record(struct ring *ring, uint64_t *length, uint64_t *extent)
{
	uint32_t steps;
	int ret;

	for (steps = 0; steps < RING_STEPS; steps++) {
		uint64_t position = ring->position;
		uint64_t word = load_record_word(word_of(ring, ring->data, position));

		*extent = extent_of(ring, word, position);
		if (LIKELY(word == make_record_word(ring, position, *extent, READY, 0) &&
			   *extent)) {
			*length = load_length(record_in(ring, ring->data, position));
			return UNLIKELY(*length > *extent * RECORD_GRANULE - LENGTH_HEADER) ? -EBADMSG : 0;
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
	int ret = await_next_record(ring, &length, &extent);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 0);
	if (UNLIKELY(length > size))
		return -EMSGSIZE;
	copy_item(data, record_in(ring, ring->data, ring->position) + LENGTH_HEADER, (size_t)length);
	advance_lone_consumer(ring, extent);
	return (ssize_t)length;
}

static ssize_t peek_alone(struct ring *ring, const void **data)
{
	uint64_t length;
	int ret = await_next_record(ring, &length, &ring->held_word);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 0);
	ring->held = record_in(ring, ring->data, ring->position);
	*data = (unsigned char *)ring->held + LENGTH_HEADER;
	return (ssize_t)length;
}

static int release_alone(struct ring *ring)
{
	ring->held = NULL;
	advance_lone_consumer(ring, ring->held_word);
	return 0;
}

static int ready_to_take_alone(struct ring *ring, uint64_t wanted)
{
	uint64_t length, extent;

	(void)wanted;
	return await_next_record(ring, &length, &extent);
}

static void recover_lone_consumer(struct ring *ring)
{
	ring->position = head_position(load_head(ring));
}

static void recover_record_consumers(struct ring *ring)
{
	unsigned char *record;
	uint64_t position;

	/* Processes that died before may have left something. */
	ring->deaths = ipcshm_area_deaths(ring->area) - 1;
	ring_seat_inherit(ring);
	if (ring->inherited && ring->last_owner &&
	    ring_record_in_claim(ring, ring->seat, &position, &record))
		add_to_counter(&ring_shared(ring)->counters.returned, 1);
}

const struct ring_ops ring_record_many_consumers = {
	.recover = recover_record_consumers,
	.ready = ready_to_take_record,
	.put = ring_not_producer,
	.get = get_claimed_record,
	.peek = peek_claimed_record,
	.release = release_claimed_record,
	.undo = ring_seat_unpeek,
};

const struct ring_ops ring_record_lone_consumer = {
	.recover = recover_lone_consumer,
	.ready = ready_to_take_alone,
	.put = ring_not_producer,
	.get = get_alone,
	.peek = peek_alone,
	.release = release_alone,
	.undo = ring_nothing_to_undo,
};
