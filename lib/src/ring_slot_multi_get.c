// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Slot rings: many consumers.  See ring_slot.h.
 */
#include "ring_slot_multi.h"

/* The next slots from the head on. */
struct run {
	uint64_t head;
	uint64_t position;
	uint32_t span;		/* slots */
	uint32_t ready;		/* of them: items; the others are padding */
	bool certain;		/* the head has not moved, so there are no more items */
};

/* Count at most @want items from the head on, and the padding up to the last of them. */
static ALWAYS_INLINE void look_ahead(struct ring *ring, uint32_t want, struct run *run)
{
	const uint64_t most = ring->capacity < RING_SPAN_MAX ? ring->capacity : RING_SPAN_MAX;
	const uint64_t stride = ring->stride;
	struct cursor cursor;
	uint32_t i;

	run->head = load_head(ring);
	run->position = head_position(run->head);
	run->ready = 0;
	cursor = cursor_at(ring, run->position);
	for (i = 0; i < most && run->ready < want; i++, move_cursor(&cursor, stride)) {
		uint64_t word = load_slot_word(slot_of(&cursor));

		if (UNLIKELY(word != cursor.ready)) {
			if (skip_if_gone(ring, slot_of(&cursor), run->position + i, word))
				word = load_slot_word(slot_of(&cursor));
			if (word != cursor.ready && !word_is(word, padding_of(&cursor)))
				break;
		}
		run->ready += word == cursor.ready;
	}
	run->span = i;
	run->certain = run->ready == want || load_head(ring) == run->head;
}

static ALWAYS_INLINE void hold_slot(struct ring *ring, uint64_t position, uint32_t seat)
{
	ring->held = slot_at(ring, position);
	ring->held_word = make_slot_word(ring, position, READY, 0);
	ring->serving = seat;
}

/* The next item that came back: it is older than everything from the head on. */
static __attribute__((noinline)) int take_slots_over(struct ring *ring)
{
	uint32_t deaths = ipcshm_area_deaths(ring->area);
	uint32_t returned = returned_now(ring);
	uint32_t steps = 0, seat;
	uint64_t first = 0;

	for (seat = 0; seat < ring_seats(ring); seat++) {
		if (!ring_seat_has_claim(ring, seat))
			continue;
		/* Claims of many slots with no item: ring_slot_adopt() has ended those before. */
		if (steps > RING_STEPS)
			return -EALREADY;
		steps += claim_count(load_claim(seat_at(ring, seat)));
		if (ring_slot_adopt(ring, seat, &first)) {
			hold_slot(ring, first, seat);
			return 0;
		}
	}
	ring->deaths = deaths;
	ring->returned = returned;
	return -EAGAIN;
}

/* How many slots from @position on are padding. */
static uint32_t padding_at(struct ring *ring, uint64_t position)
{
	uint32_t i;

	for (i = 0; i < RING_STEPS; i++, position++) {
		struct slot *slot = slot_at(ring, position);
		uint64_t word = load_slot_word(slot);

		if (skip_if_gone(ring, slot, position, word))
			word = load_slot_word(slot);
		if (!word_is(word, make_slot_word(ring, position, PADDING, 0)))
			break;
	}
	return i;
}

/* The slot at the head isn't ready.  0: look again; else why not. */
static __attribute__((noinline)) int pass_slot(struct ring *ring, uint64_t head)
{
	uint64_t position = head_position(head);
	uint32_t more = padding_at(ring, position);
	uint64_t word = load_slot_word(slot_at(ring, position));

	if (load_head(ring) != head || word == make_slot_word(ring, position, READY, 0))
		return 0;
	if (!more) {
		if (is_beyond(word, make_slot_word(ring, position, PADDING, 0)))
			return -EBADMSG;
		if (await_claimed(ring, slot_at(ring, position), position, word))
			return 0;
		ring->missed = position;
		return -EAGAIN;
	}
	if (!claim_items(ring, head, more, position + more))
		return 0;
	ring_slot_free_run(ring, position, more);
	end_claim(ring);
	ring_publish_room(ring, more);
	return more == RING_STEPS ? -EALREADY : 0;
}

/* The next item is the caller's: ring->held. */
static ALWAYS_INLINE int take_slot(struct ring *ring)
{
	uint32_t tries;
	int ret;

	if (UNLIKELY(may_take_over(ring))) {
		ret = take_slots_over(ring);
		if (ret != -EAGAIN)
			return ret;
	}
	for (tries = 0; tries < RING_TRIES; tries++) {
		uint64_t head = load_head(ring);
		uint64_t position = head_position(head);

		if (LIKELY(load_slot_word(slot_at(ring, position)) ==
			   make_slot_word(ring, position, READY, 0))) {
			if (!claim_items(ring, head, 1, position + 1))
				continue;
			hold_slot(ring, position, RING_NO_SEAT);
			return 0;
		}
		ret = pass_slot(ring, head);
		if (ret)
			return ret;
	}
	return -EALREADY;
}

/* An item of an adopted claim was used up: the next consumer gets the others. */
static __attribute__((noinline)) void end_served(struct ring *ring, uint32_t seat)
{
	uint64_t first;

	if (ring_slot_items_in_claim(ring, seat, &first))
		ring_seat_give_up(ring, seat);
	else
		ring_slot_end_adopted(ring, seat);
}

static ALWAYS_INLINE void release_held_slot(struct ring *ring)
{
	store_slot_word(ring->held, freed_word(ring->held_word));		/* W1 */
	if (UNLIKELY(ring->serving != RING_NO_SEAT))
		end_served(ring, ring->serving);
	else
		end_claim(ring);
	ring->held = NULL;
}

static __attribute__((noinline)) ssize_t get_any_of_many(struct ring *ring, void *data)
{
	int ret = take_slot(ring);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 1);
	copy_item(data, ((struct slot *)ring->held)->item, ring->item_size);
	release_held_slot(ring);
	ring_publish_room(ring, 1);
	return (ssize_t)ring->item_size;
}

/* The usual case holds nothing in between. */
static ssize_t get_claimed_slot(struct ring *ring, void *data, size_t size)
{
	const uint64_t head = load_head(ring);
	const uint64_t position = head_position(head);
	const uint64_t ready = make_slot_word(ring, position, READY, 0);
	struct slot *slot = slot_at(ring, position);
	const uint64_t word = load_slot_word(slot);

	(void)size;
	if (UNLIKELY(word == make_slot_word(ring, position, FREE, 0)) && load_head(ring) == head &&
	    !may_take_over(ring)) {
		ring->missed = position;
		return ring_refused(ring, -EAGAIN, 1);
	}
	if (UNLIKELY(may_take_over(ring) || word != ready || !is_few_words(ring->item_size) ||
		     !claim_items(ring, head, 1, position + 1)))
		return get_any_of_many(ring, data);
	copy_words(data, slot->item, ring->item_size);
	store_slot_word(slot, freed_word(ready));		/* W1 */
	end_claim(ring);
	ring_publish_room(ring, 1);
	return (ssize_t)ring->item_size;
}

static __attribute__((noinline)) ssize_t peek_any_of_many(struct ring *ring, const void **data)
{
	int ret = take_slot(ring);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 1);
	*data = ((struct slot *)ring->held)->item;
	return (ssize_t)ring->item_size;
}

static ssize_t peek_claimed_slot(struct ring *ring, const void **data)
{
	const uint64_t head = load_head(ring);
	const uint64_t position = head_position(head);
	struct slot *slot = slot_at(ring, position);

	if (UNLIKELY(may_take_over(ring) ||
		     load_slot_word(slot) != make_slot_word(ring, position, READY, 0) ||
		     !claim_items(ring, head, 1, position + 1)))
		return peek_any_of_many(ring, data);
	hold_slot(ring, position, RING_NO_SEAT);
	*data = slot->item;
	return (ssize_t)ring->item_size;
}

static int release_claimed_slot(struct ring *ring)
{
	release_held_slot(ring);
	ring_publish_room(ring, 1);
	return 0;
}

/* How many items came back, up to @want. */
static uint32_t how_many_returned(const struct ring *ring, uint32_t want)
{
	uint32_t have = 0, seat;
	uint64_t first;

	for (seat = 0; seat < ring_seats(ring) && have < want; seat++)
		if (ring_seat_has_claim(ring, seat))
			have += ring_slot_items_in_claim(ring, seat, &first);
	return have < want ? have : want;
}

/* Could as many be got, if no other consumer came in between? */
static int ready_to_take_slots(struct ring *ring, uint64_t wanted)
{
	uint32_t want = wanted < IPCSHM_RING_BULK_MAX ? (uint32_t)wanted : IPCSHM_RING_BULK_MAX;
	struct run run;

	if (may_take_over(ring))
		want -= how_many_returned(ring, want);
	if (!want)
		return 0;
	look_ahead(ring, want, &run);
	return run.ready == want || !run.certain || (!run.ready && run.span) ? 0 : -EAGAIN;
}

/*
 * Copy up to @want items of a run, and free their slots and all padding, each slot once: from
 * then on it may be another's.
 */
static size_t use_run(struct ring *ring, uint64_t position, uint32_t span, unsigned char *to,
		      size_t want)
{
	struct cursor cursor = cursor_at(ring, position);
	const uint64_t stride = ring->stride;
	const size_t size = ring->item_size;
	size_t have = 0;

	for (; span; span--, move_cursor(&cursor, stride)) {
		struct slot *slot = slot_of(&cursor);
		uint64_t word = load_slot_word(slot);

		if (LIKELY(word == cursor.ready && have < want)) {
			copy_item(to, slot->item, size);
			to += size;
			have++;
		} else if (!word_is(word, padding_of(&cursor))) {
			continue;
		}
		store_slot_word(slot, freed_word(cursor.ready));	/* W1 */
	}
	return have;
}

/* Adopt claims until they have @want items.  Returns how many seats @adopted has. */
static uint32_t adopt_claims(struct ring *ring, size_t want, uint32_t *adopted, uint32_t *have)
{
	uint32_t seats = 0, items, seat;
	uint64_t first;

	*have = 0;
	for (seat = 0; seat < ring_seats(ring) && *have < want; seat++) {
		items = ring_seat_has_claim(ring, seat) ? ring_slot_adopt(ring, seat, &first) : 0;
		if (items)
			adopted[seats++] = seat;
		*have += items;
	}
	return seats;
}

static size_t use_adopted(struct ring *ring, uint32_t seat, unsigned char *to, size_t want)
{
	uint64_t claim = load_claim(seat_at(ring, seat));
	size_t done = use_run(ring, claim_position(claim, load_head(ring)), claim_count(claim), to,
			      want);

	end_served(ring, seat);
	return done;
}

/* All of @want items or none, of which some have come back. */
static ssize_t get_with_returned(struct ring *ring, unsigned char *to, size_t want)
{
	uint32_t adopted[RING_NO_SEAT];
	uint32_t seats, have, rest, i;
	struct run run = { 0 };
	bool claimed = false;
	size_t done = 0;

	rest = (uint32_t)want - how_many_returned(ring, (uint32_t)want);
	if (rest) {
		look_ahead(ring, rest, &run);
		if (run.ready < rest)
			return run.certain ? -EAGAIN : -EALREADY;
	}
	seats = adopt_claims(ring, want, adopted, &have);
	/* The own seat has room for one claim. */
	if (have < want && !ring->inherited) {
		rest = (uint32_t)want - have;
		look_ahead(ring, rest, &run);
		claimed = run.ready == rest && claim_items(ring, run.head, run.span,
							   run.position + run.span);
	}
	if (have < want && !claimed) {
		for (i = 0; i < seats; i++)
			ring_seat_give_up(ring, adopted[i]);
		return -EALREADY;
	}
	for (i = 0; i < seats; i++)
		done += use_adopted(ring, adopted[i], to + done * ring->item_size, want - done);
	if (claimed) {
		done += use_run(ring, run.position, run.span, to + done * ring->item_size,
				want - done);
		end_claim(ring);
	}
	ring_publish_room(ring, INT32_MAX);
	return done == want ? (ssize_t)done : -EBADMSG;
}

/* An item that came back, alone. */
static ssize_t get_returned(struct ring *ring, void *item)
{
	int ret = take_slots_over(ring);

	if (ret)
		return ret;
	copy_item(item, ((struct slot *)ring->held)->item, ring->item_size);
	release_held_slot(ring);
	ring_publish_room(ring, 1);
	return 1;
}

static __attribute__((noinline)) ssize_t get_some_returned(struct ring *ring, void *items,
							   size_t want, bool all)
{
	int ret;

	if (!all || want == 1)
		return get_returned(ring, items);
	if (how_many_returned(ring, (uint32_t)want))
		return get_with_returned(ring, items, want);
	ret = take_slots_over(ring);
	if (ret)
		return ret;
	/* It has come in between. */
	ring->held = NULL;
	ring_seat_give_up(ring, ring->serving);
	return -EALREADY;
}

static ssize_t get_some_of_many(struct ring *ring, void *items, size_t want, bool all)
{
	struct run run;
	uint32_t tries;
	ssize_t ret;
	size_t have;

	if (want > IPCSHM_RING_BULK_MAX)
		want = IPCSHM_RING_BULK_MAX;
	if (UNLIKELY(may_take_over(ring))) {
		ret = get_some_returned(ring, items, want, all);
		if (ret != -EAGAIN || may_take_over(ring))
			return ret;
	}
	for (tries = 0; tries < RING_TRIES; tries++) {
		look_ahead(ring, (uint32_t)want, &run);
		if (!run.ready) {
			ret = pass_slot(ring, run.head);
			if (ret)
				return ret;
			continue;
		}
		if (all && run.ready < want) {
			if (run.certain)
				return -EAGAIN;
			continue;
		}
		if (!claim_items(ring, run.head, run.span, run.position + run.span))
			continue;
		have = use_run(ring, run.position, run.span, items, run.ready);
		end_claim(ring);
		ring_publish_room(ring, run.span);
		return have == run.ready ? (ssize_t)have : -EBADMSG;
	}
	return -EALREADY;
}

static void recover_slot_consumers(struct ring *ring)
{
	uint64_t first;

	/* Processes that died before may have left something. */
	ring->deaths = ipcshm_area_deaths(ring->area) - 1;
	ring_seat_inherit(ring);
	if (ring->inherited && ring->last_owner)
		add_to_counter(&ring_shared(ring)->counters.returned,
			       ring_slot_items_in_claim(ring, ring->seat, &first));
}

const struct ring_ops ring_slot_many_consumers = {
	.recover = recover_slot_consumers,
	.ready = ready_to_take_slots,
	.put = ring_not_producer,
	.get = get_claimed_slot,
	.get_some = get_some_of_many,
	.peek = peek_claimed_slot,
	.release = release_claimed_slot,
	.undo = ring_seat_unpeek,
};
