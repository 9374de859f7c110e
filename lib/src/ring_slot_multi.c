// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Slot rings: many producers, many consumers, and those of rings that overwrite.  See
 * ring_slot.h.
 */
#include "ring_seat.h"
#include "ring_slot.h"

/* Many producers. */

/*
 * May the slot at @position, whose word is from an earlier lap or FREE, be claimed?
 * 0, or -EAGAIN: it is still in use; -EBADMSG.
 */
static ALWAYS_INLINE int may_claim(struct ring *ring, uint64_t position, uint64_t word)
{
	uint64_t head;

	if (ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER))
		return word == make_word(ring, position, FREE, 0) ? 0 : -EAGAIN;
	if (LIKELY(position - ring->limit + ring->capacity < ring->capacity))
		return 0;
	head = load_hint(&ring_shared(ring)->consumer);
	if (position - head > ring->capacity)
		return -EBADMSG;
	ring->limit = head + ring->capacity;
	return position != ring->limit ? 0 : -EAGAIN;
}

static int drop_oldest(struct ring *ring, uint64_t old, uint64_t mine);

/* The slot at @position was seen to be taken: the next is after it. */
static ALWAYS_INLINE void move_hint(struct ring_side *side, uint64_t position)
{
	atomic_compare_exchange_strong_explicit(&side->position, &position, position + 1,
						memory_order_release, memory_order_relaxed);
}

/* The line is asked for once, and not again to write to it. */
static ALWAYS_INLINE uint64_t load_to_claim(struct slot *slot)
{
	prepare_to_write((unsigned char *)slot);
	return load_word(slot);
}

/* Claims the next slot, and fills in its position.  The hint is to be moved past it. */
static ALWAYS_INLINE int claim_next(struct ring *ring, uint64_t *claimed)
{
	struct ring_side *side = &ring_shared(ring)->producer;
	const uint32_t token = ring->token;
	uint32_t tries;

	for (tries = 0; tries < RING_TRIES; tries++) {
		uint64_t position = load_hint(side);
		struct slot *slot = slot_at(ring, position);
		uint64_t mine = make_word(ring, position, CLAIMED, token);
		uint64_t word = load_to_claim(slot);
		int ret;

		if (is_beyond(word, make_word(ring, position, FREE, 0))) {
			move_hint(side, position);
			continue;
		}
		ret = may_claim(ring, position, word);
		if (LIKELY(!ret)) {
			if (!change_word(slot, word, mine))
				continue;
		} else {
			if (ret == -EAGAIN && ring_has_many(ring, IPCSHM_RING_OVERWRITE))
				ret = drop_oldest(ring, position - ring->capacity, mine);
			/* If the slot or the hint has moved on since, this means nothing. */
			if (ret < 0 && load_word(slot) == word && load_hint(side) == position)
				return ret;
			if (ret <= 0)
				continue;
		}
		*claimed = position;
		return 0;
	}
	return -EALREADY;
}

static ALWAYS_INLINE int claim(struct ring *ring, uint64_t *claimed)
{
	int ret = claim_next(ring, claimed);

	if (LIKELY(!ret))
		move_hint(&ring_shared(ring)->producer, *claimed);
	return ret;
}

/* W0.  No other process changes a CLAIMED slot while its owner lives. */
static ALWAYS_INLINE void finish_claim(struct ring *ring, uint64_t position,
				       enum state state)
{
	atomic_store_explicit(&slot_at(ring, position)->word,
			      make_word(ring, position, state, 0), memory_order_release);
}

static int put_many(struct ring *ring, const void *data, size_t size)
{
	struct ring_side *side = &ring_shared(ring)->producer;
	const bool late = ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER);
	uint64_t position = 0;
	int ret = claim_next(ring, &position);

	(void)size;
	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, 1);
	/*
	 * An item that is READY before the hint moves is sooner in a round trip.  But one
	 * consumer, which claims nothing, would be at the producers' heels.
	 */
	if (!late)
		move_hint(side, position);
	copy_item(slot_at(ring, position)->item, data, ring->item_size);
	finish_claim(ring, position, READY);
	if (late)
		move_hint(side, position);
	ring_publish_claimed(ring, 1);
	return 0;
}

static void skip_claims(struct ring *ring, const uint64_t *positions, size_t number)
{
	size_t i;

	for (i = 0; i < number; i++)
		finish_claim(ring, positions[i], PADDING);
	count(&ring_shared(ring)->counters.skipped, number);
	ring_publish_claimed(ring, number);
}

/*
 * Claim slots from the hint on, as long as none of them is another producer's, and move the
 * hint once, past all of them.  Returns how many; no reason why there are not more.
 */
static size_t claim_run(struct ring *ring, uint64_t *positions, size_t want)
{
	struct ring_side *side = &ring_shared(ring)->producer;
	const uint32_t token = ring->token;
	uint64_t hint = load_hint(side);
	uint64_t position = hint;
	uint32_t tries;
	size_t have;

	for (have = 0; have < want; have++, position++) {
		struct slot *slot = slot_at(ring, position);
		uint64_t word = load_to_claim(slot);

		if (is_beyond(word, make_word(ring, position, FREE, 0)) ||
		    may_claim(ring, position, word) ||
		    !change_word(slot, word, make_word(ring, position, CLAIMED, token)))
			break;
		positions[have] = position;
	}
	/* Another producer that found slots taken may have moved it, less far or further. */
	for (tries = 0; tries < RING_TRIES && position - hint - 1 < want; tries++)
		if (atomic_compare_exchange_strong_explicit(&side->position, &hint, position,
							    memory_order_release,
							    memory_order_relaxed))
			break;
	return have;
}

static ssize_t claim_some(struct ring *ring, uint64_t *positions, size_t want)
{
	size_t have = claim_run(ring, positions, want);
	int ret = 0;

	for (; have < want && !ret; have += !ret)
		ret = claim(ring, &positions[have]);
	return have ? (ssize_t)have : ret;
}

static bool can_drop(struct ring *ring, uint64_t position);

/* Could as many be claimed, if no other producer came in between? */
static bool seems_to_have_room(struct ring *ring, uint64_t want)
{
	uint64_t position = load_hint(&ring_shared(ring)->producer);
	uint64_t i;

	if (want > ring->capacity)
		want = ring->capacity;
	if (!ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER))
		return position + want - load_hint(&ring_shared(ring)->consumer) <= ring->capacity;
	for (i = 0; i < want; i++, position++)
		if (is_beyond(make_word(ring, position, FREE, 0), load_word(slot_at(ring, position))) &&
		    !(ring_has_many(ring, IPCSHM_RING_OVERWRITE) &&
		      can_drop(ring, position - ring->capacity)))
			return false;
	return true;
}

static int ready_to_claim(struct ring *ring, uint64_t wanted)
{
	return seems_to_have_room(ring, wanted) ? 0 : -EAGAIN;
}

static ssize_t put_some_of_many(struct ring *ring, const void *items, size_t want, bool all)
{
	uint64_t positions[IPCSHM_RING_BULK_MAX];
	const unsigned char *from = items;
	ssize_t have;
	ssize_t i;

	if (want > IPCSHM_RING_BULK_MAX)
		want = IPCSHM_RING_BULK_MAX;
	if (all && !seems_to_have_room(ring, want))
		return -EAGAIN;
	have = claim_some(ring, positions, want);
	if (have < 0)
		return have;
	if (all && (size_t)have < want) {
		skip_claims(ring, positions, (size_t)have);
		return -EALREADY;
	}
	for (i = 0; i < have; i++, from += ring->item_size) {
		copy_item(slot_at(ring, positions[i])->item, from, ring->item_size);
		finish_claim(ring, positions[i], READY);
	}
	ring_publish_claimed(ring, (uint64_t)have);
	return have;
}

static int reserve_many(struct ring *ring, size_t size, void **data)
{
	uint64_t position = 0;
	int ret = claim(ring, &position);

	(void)size;
	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, 1);
	ring->held = slot_at(ring, position);
	ring->position = position;
	*data = ((struct slot *)ring->held)->item;
	return 0;
}

static int commit_many(struct ring *ring, size_t size)
{
	(void)size;
	ring->held = NULL;
	finish_claim(ring, ring->position, READY);
	ring_publish_claimed(ring, 1);
	return 0;
}

static int discard_many(struct ring *ring)
{
	skip_claims(ring, &ring->position, 1);
	return 0;
}

/* Many consumers, and producers that drop the oldest item as a consumer would get it. */

/* The next slots from the head on. */
struct run {
	uint64_t head;
	uint64_t position;
	uint32_t span;		/* slots */
	uint32_t ready;		/* of them: items; the others are padding */
	bool certain;		/* the head is still the same: there are no more, if less were found */
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
		uint64_t word = load_word(slot_of(&cursor));

		if (UNLIKELY(word != cursor.ready)) {
			if (skip_if_gone(ring, slot_of(&cursor), run->position + i, word))
				word = load_word(slot_of(&cursor));
			if (word != cursor.ready && !word_is(word, padding_of(&cursor)))
				break;
		}
		run->ready += word == cursor.ready;
	}
	run->span = i;
	run->certain = run->ready == want || load_head(ring) == run->head;
}

/* W1 */
static ALWAYS_INLINE void give_room(struct ring *ring, uint64_t position)
{
	atomic_store_explicit(&slot_at(ring, position)->word,
			      make_word(ring, position + ring->capacity, FREE, 0),
			      memory_order_release);
}

/* Slots that were freed before are left: they may be another's by now. */
static uint32_t free_run(struct ring *ring, uint64_t position, uint32_t span)
{
	uint32_t i, more = 0;

	for (i = 0; i < span; i++) {
		uint64_t word = load_word(slot_at(ring, position + i));

		if (!word_is(word, make_word(ring, position + i, READY, 0)) &&
		    !word_is(word, make_word(ring, position + i, PADDING, 0)))
			continue;
		give_room(ring, position + i);
		more++;
	}
	return more;
}

/* Items that another consumer had claimed and that are still to be had. */
static uint32_t items_in_claim(const struct ring *ring, uint32_t seat, uint64_t *first)
{
	uint64_t claim = load_claim(seat_at(ring, seat));
	uint64_t position = claim_position(claim, load_head(ring));
	uint32_t i, found = 0;

	for (i = 0; i < claim_count(claim); i++)
		if (load_word(slot_at(ring, position + i)) ==
		    make_word(ring, position + i, READY, 0) && !found++)
			*first = position + i;
	return found;
}

/* Nothing but padding is left of a claim: its slots are free. */
static void end_adopted(struct ring *ring, uint32_t seat)
{
	uint64_t claim = load_claim(seat_at(ring, seat));
	uint32_t more = free_run(ring, claim_position(claim, load_head(ring)), claim_count(claim));

	ring_seat_finish(ring, seat);
	if (more)
		ring_publish_room(ring, more);
}

/* Adopt what is left of a claim.  Returns how many items, of which the first is at @first. */
static uint32_t adopt(struct ring *ring, uint32_t seat, uint64_t *first)
{
	uint32_t items;
	bool died;

	if (!ring_seat_adopt(ring, seat, &died))
		return 0;
	items = items_in_claim(ring, seat, first);
	if (!items)
		end_adopted(ring, seat);
	else if (died && seat != ring->seat)
		count(&ring_shared(ring)->counters.returned, items);
	return items;
}

static ALWAYS_INLINE void hold(struct ring *ring, uint64_t position, uint32_t seat)
{
	ring->held = slot_at(ring, position);
	ring->held_word = make_word(ring, position, READY, 0);
	ring->serving = seat;
}

/* The next item that came back: it is older than everything from the head on. */
static __attribute__((noinline)) int take_over(struct ring *ring)
{
	uint32_t deaths = ipcshm_area_deaths(ring->area);
	uint32_t returned = returned_now(ring);
	uint32_t steps = 0, seat;
	uint64_t first = 0;

	for (seat = 0; seat < ring_seats(ring); seat++) {
		if (!ring_seat_has_claim(ring, seat))
			continue;
		/* Claims of many slots with no item: adopt() has ended those before. */
		if (steps > RING_STEPS)
			return -EALREADY;
		steps += claim_count(load_claim(seat_at(ring, seat)));
		if (adopt(ring, seat, &first)) {
			hold(ring, first, seat);
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
		uint64_t word = load_word(slot);

		if (skip_if_gone(ring, slot, position, word))
			word = load_word(slot);
		if (!word_is(word, make_word(ring, position, PADDING, 0)))
			break;
	}
	return i;
}

/* The slot at the head isn't ready.  0: look again; else why not. */
static __attribute__((noinline)) int pass(struct ring *ring, uint64_t head)
{
	uint64_t position = head_position(head);
	uint32_t more = padding_at(ring, position);
	uint64_t word = load_word(slot_at(ring, position));

	if (load_head(ring) != head || word == make_word(ring, position, READY, 0))
		return 0;
	if (!more) {
		if (is_beyond(word, make_word(ring, position, PADDING, 0)))
			return -EBADMSG;
		if (await_claimed(ring, slot_at(ring, position), position, word))
			return 0;
		ring->missed = position;
		return -EAGAIN;
	}
	if (!claim_items(ring, head, more, position + more))
		return 0;
	free_run(ring, position, more);
	end_claim(ring);
	ring_publish_room(ring, more);
	return more == RING_STEPS ? -EALREADY : 0;
}

/* The next item is the caller's: ring->held. */
static ALWAYS_INLINE int take(struct ring *ring)
{
	uint32_t tries;
	int ret;

	if (UNLIKELY(may_take_over(ring))) {
		ret = take_over(ring);
		if (ret != -EAGAIN)
			return ret;
	}
	for (tries = 0; tries < RING_TRIES; tries++) {
		uint64_t head = load_head(ring);
		uint64_t position = head_position(head);

		if (LIKELY(load_word(slot_at(ring, position)) ==
			   make_word(ring, position, READY, 0))) {
			if (!claim_items(ring, head, 1, position + 1))
				continue;
			hold(ring, position, RING_NO_SEAT);
			return 0;
		}
		ret = pass(ring, head);
		if (ret)
			return ret;
	}
	return -EALREADY;
}

/* An item of an adopted claim was used up: the next consumer gets the others. */
static __attribute__((noinline)) void served(struct ring *ring, uint32_t seat)
{
	uint64_t first;

	if (items_in_claim(ring, seat, &first))
		ring_seat_give_up(ring, seat);
	else
		end_adopted(ring, seat);
}

static ALWAYS_INLINE void release_held(struct ring *ring)
{
	store_word(ring->held, freed(ring->held_word));		/* W1 */
	if (UNLIKELY(ring->serving != RING_NO_SEAT))
		served(ring, ring->serving);
	else
		end_claim(ring);
	ring->held = NULL;
}

static __attribute__((noinline)) ssize_t get_any_of_many(struct ring *ring, void *data)
{
	int ret = take(ring);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 1);
	copy_item(data, ((struct slot *)ring->held)->item, ring->item_size);
	release_held(ring);
	ring_publish_room(ring, 1);
	return (ssize_t)ring->item_size;
}

/* The usual case holds nothing in between. */
static ssize_t get_many(struct ring *ring, void *data, size_t size)
{
	const uint64_t head = load_head(ring);
	const uint64_t position = head_position(head);
	const uint64_t ready = make_word(ring, position, READY, 0);
	struct slot *slot = slot_at(ring, position);
	const uint64_t word = load_word(slot);

	(void)size;
	if (UNLIKELY(word == make_word(ring, position, FREE, 0)) && load_head(ring) == head &&
	    !may_take_over(ring)) {
		ring->missed = position;
		return ring_refused(ring, -EAGAIN, 1);
	}
	if (UNLIKELY(may_take_over(ring) || word != ready || !is_few_words(ring->item_size) ||
		     !claim_items(ring, head, 1, position + 1)))
		return get_any_of_many(ring, data);
	copy_words(data, slot->item, ring->item_size);
	store_word(slot, freed(ready));		/* W1 */
	end_claim(ring);
	ring_publish_room(ring, 1);
	return (ssize_t)ring->item_size;
}

static __attribute__((noinline)) ssize_t peek_any_of_many(struct ring *ring, const void **data)
{
	int ret = take(ring);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 1);
	*data = ((struct slot *)ring->held)->item;
	return (ssize_t)ring->item_size;
}

static ssize_t peek_many(struct ring *ring, const void **data)
{
	const uint64_t head = load_head(ring);
	const uint64_t position = head_position(head);
	struct slot *slot = slot_at(ring, position);

	if (UNLIKELY(may_take_over(ring) ||
		     load_word(slot) != make_word(ring, position, READY, 0) ||
		     !claim_items(ring, head, 1, position + 1)))
		return peek_any_of_many(ring, data);
	hold(ring, position, RING_NO_SEAT);
	*data = slot->item;
	return (ssize_t)ring->item_size;
}

static int release_many(struct ring *ring)
{
	release_held(ring);
	ring_publish_room(ring, 1);
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

/* How many items came back, up to @want. */
static uint32_t how_many_returned(const struct ring *ring, uint32_t want)
{
	uint32_t have = 0, seat;
	uint64_t first;

	for (seat = 0; seat < ring_seats(ring) && have < want; seat++)
		if (ring_seat_has_claim(ring, seat))
			have += items_in_claim(ring, seat, &first);
	return have < want ? have : want;
}

/* Could as many be got, if no other consumer came in between? */
static int ready_to_take(struct ring *ring, uint64_t wanted)
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
		uint64_t word = load_word(slot);

		if (LIKELY(word == cursor.ready && have < want)) {
			copy_item(to, slot->item, size);
			to += size;
			have++;
		} else if (!word_is(word, padding_of(&cursor))) {
			continue;
		}
		store_word(slot, freed(cursor.ready));	/* W1 */
	}
	return have;
}

/* All of @want items or none, of which some have come back. */
static ssize_t get_with_returned(struct ring *ring, unsigned char *to, size_t want)
{
	uint32_t adopted[RING_NO_SEAT];
	uint32_t seats = 0, have = 0, rest, i, seat;
	size_t done = 0;
	struct run run = { 0 };
	uint64_t first;
	bool claimed = false;

	rest = (uint32_t)want - how_many_returned(ring, (uint32_t)want);
	if (rest) {
		look_ahead(ring, rest, &run);
		if (run.ready < rest)
			return run.certain ? -EAGAIN : -EALREADY;
	}
	for (seat = 0; seat < ring_seats(ring) && have < want; seat++) {
		uint32_t items = ring_seat_has_claim(ring, seat) ? adopt(ring, seat, &first) : 0;

		if (items)
			adopted[seats++] = seat;
		have += items;
	}
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
	for (i = 0; i < seats; i++) {
		uint64_t claim = load_claim(seat_at(ring, adopted[i]));

		done += use_run(ring, claim_position(claim, load_head(ring)), claim_count(claim),
				to + done * ring->item_size, want - done);
		served(ring, adopted[i]);
	}
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
	int ret = take_over(ring);

	if (ret)
		return ret;
	copy_item(item, ((struct slot *)ring->held)->item, ring->item_size);
	release_held(ring);
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
	ret = take_over(ring);
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
			ret = pass(ring, run.head);
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

/* Overwriting. */

/* A consumer that is gone had claimed the slot at @position: its items are dropped. */
static int drop_claimed(struct ring *ring, uint64_t position)
{
	uint64_t head = load_head(ring);
	uint32_t seat, items;
	uint64_t first;

	for (seat = 0; seat < ring_seats(ring); seat++) {
		uint64_t claim = load_claim(seat_at(ring, seat));

		if (seat == ring->seat || !claim ||
		    position - claim_position(claim, head) >= claim_count(claim) ||
		    !ring_seat_has_claim(ring, seat))
			continue;
		items = adopt(ring, seat, &first);
		if (!items)
			return 0;
		claim = load_claim(seat_at(ring, seat));
		free_run(ring, claim_position(claim, load_head(ring)), claim_count(claim));
		ring_seat_finish(ring, seat);
		count(&ring_shared(ring)->counters.dropped, items);
		return 0;
	}
	return -EAGAIN;
}

/*
 * The slot at @old, a lap ago, isn't free: drop the item, which makes the slot the caller's,
 * with @mine as its word.
 *
 * Return: 1; 0: look again, it may be free now; -EAGAIN.
 */
static __attribute__((noinline)) int drop_oldest(struct ring *ring, uint64_t old, uint64_t mine)
{
	uint64_t head = load_head(ring);
	struct slot *slot = slot_at(ring, old);
	uint64_t word = load_word(slot);
	bool item = word == make_word(ring, old, READY, 0);

	if (head_position(head) != old)
		return drop_claimed(ring, old);
	if (!item && skip_if_gone(ring, slot, old, word))
		return 0;
	if (!item && !word_is(word, make_word(ring, old, PADDING, 0)))
		return -EAGAIN;
	if (!claim_items(ring, head, 1, old + 1))
		return 0;
	store_word(slot, mine);
	end_claim(ring);
	if (item)
		ring_seat_count_dropped(ring);
	return 1;
}

/* Would drop_oldest() come to an end, if the slot's turn came? */
static bool can_drop(struct ring *ring, uint64_t old)
{
	uint64_t head = load_head(ring);
	uint64_t word = load_word(slot_at(ring, old));
	uint32_t seat;

	if ((int64_t)(old - head_position(head)) >= 0)
		return !word_is(word, make_word(ring, old, CLAIMED, 0)) ||
		       is_gone(ring, token_of(word));
	for (seat = 0; seat < ring_seats(ring); seat++) {
		uint64_t claim = load_claim(seat_at(ring, seat));

		if (claim && old - claim_position(claim, head) < claim_count(claim) &&
		    ring_seat_has_claim(ring, seat))
			return true;
	}
	return load_word(slot_at(ring, old)) != word;
}

/* The usual case of a full ring: the oldest item is the next at the head. */
static int put_overwriting(struct ring *ring, const void *data, size_t size)
{
	struct ring_side *side = &ring_shared(ring)->producer;
	const uint64_t position = load_hint(side);
	const uint64_t old = position - ring->capacity;
	const uint64_t head = load_head(ring);
	struct slot *slot = slot_at(ring, position);
	const uint64_t ready = make_word(ring, old, READY, 0);

	if (UNLIKELY(head_position(head) != old || load_word(slot) != ready ||
		     !is_few_words(ring->item_size) || !claim_items(ring, head, 1, old + 1)))
		return put_many(ring, data, size);
	store_word(slot, make_word(ring, position, CLAIMED, ring->token));
	end_claim(ring);
	ring_seat_count_dropped(ring);
	move_hint(side, position);
	copy_words(slot->item, data, ring->item_size);
	store_word(slot, make_word(ring, position, READY, 0));	/* W0 */
	ring_publish_claimed(ring, 1);
	return 0;
}

/* A producer that overwrites may have died with a slot that it was about to drop. */
static void recover_many_producers(struct ring *ring)
{
	uint64_t claim;
	uint64_t first;

	ring->limit = 0;
	ring_seat_inherit(ring);
	if (!ring->inherited)
		return;
	claim = load_claim(seat_at(ring, ring->seat));
	count(&ring_shared(ring)->counters.dropped, items_in_claim(ring, ring->seat, &first));
	free_run(ring, claim_position(claim, load_head(ring)), claim_count(claim));
	ring_seat_finish(ring, ring->seat);
}

static void recover_many_consumers(struct ring *ring)
{
	uint64_t first;

	/* Processes that died before may have left something. */
	ring->deaths = ipcshm_area_deaths(ring->area) - 1;
	ring_seat_inherit(ring);
	if (ring->inherited && ring->last_owner)
		count(&ring_shared(ring)->counters.returned,
		      items_in_claim(ring, ring->seat, &first));
}

const struct ring_ops ring_slot_many_producers = {
	.recover = recover_many_producers,
	.ready = ready_to_claim,
	.put = put_many,
	.get = ring_not_consumer,
	.put_some = put_some_of_many,
	.reserve = reserve_many,
	.commit = commit_many,
	.undo = discard_many,
};

const struct ring_ops ring_slot_overwriting_producers = {
	.recover = recover_many_producers,
	.ready = ready_to_claim,
	.put = put_overwriting,
	.get = ring_not_consumer,
	.put_some = put_some_of_many,
	.reserve = reserve_many,
	.commit = commit_many,
	.undo = discard_many,
};

const struct ring_ops ring_slot_many_consumers = {
	.recover = recover_many_consumers,
	.ready = ready_to_take,
	.put = ring_not_producer,
	.get = get_many,
	.get_some = get_some_of_many,
	.peek = peek_many,
	.release = release_many,
	.undo = unpeek_many,
};
