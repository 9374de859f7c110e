// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Slot rings: many producers, and those of rings that overwrite: they drop the oldest item as
 * a consumer would get it.  See ring_slot.h.
 */
#include "ring_slot_multi.h"

/*
 * May the slot at @position, whose word is from an earlier lap or FREE, be claimed?
 * 0, or -EAGAIN: it is still in use; -EBADMSG.
 */
static ALWAYS_INLINE int may_claim(struct ring *ring, uint64_t position, uint64_t word)
{
	uint64_t head;

	if (ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER))
		return word == make_slot_word(ring, position, FREE, 0) ? 0 : -EAGAIN;
	if (LIKELY(position - ring->limit + ring->capacity < ring->capacity))
		return 0;
	head = load_hint(&ring_shared(ring)->consumer);
	if (position - head > ring->capacity)
		return -EBADMSG;
	ring->limit = head + ring->capacity;
	return position != ring->limit ? 0 : -EAGAIN;
}

static int drop_oldest_slot(struct ring *ring, uint64_t old, uint64_t mine);

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
	return load_slot_word(slot);
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
		uint64_t mine = make_slot_word(ring, position, CLAIMED, token);
		uint64_t word = load_to_claim(slot);
		int ret;

		if (is_beyond(word, make_slot_word(ring, position, FREE, 0))) {
			move_hint(side, position);
			continue;
		}
		ret = may_claim(ring, position, word);
		if (LIKELY(!ret)) {
			if (!change_slot_word(slot, word, mine))
				continue;
		} else {
			if (ret == -EAGAIN && ring_has_many(ring, IPCSHM_RING_OVERWRITE))
				ret = drop_oldest_slot(ring, position - ring->capacity, mine);
			/* If the slot or the hint has moved on since, this means nothing. */
			if (ret < 0 && load_slot_word(slot) == word && load_hint(side) == position)
				return ret;
			if (ret <= 0)
				continue;
		}
		*claimed = position;
		return 0;
	}
	return -EALREADY;
}

static ALWAYS_INLINE int claim_slot(struct ring *ring, uint64_t *claimed)
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
			      make_slot_word(ring, position, state, 0), memory_order_release);
}

static int put_claimed_slot(struct ring *ring, const void *data, size_t size)
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
	add_to_counter(&ring_shared(ring)->counters.skipped, number);
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

		if (is_beyond(word, make_slot_word(ring, position, FREE, 0)) ||
		    may_claim(ring, position, word) ||
		    !change_slot_word(slot, word, make_slot_word(ring, position, CLAIMED, token)))
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
		ret = claim_slot(ring, &positions[have]);
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
		if (is_beyond(make_slot_word(ring, position, FREE, 0),
			      load_slot_word(slot_at(ring, position))) &&
		    !(ring_has_many(ring, IPCSHM_RING_OVERWRITE) &&
		      can_drop(ring, position - ring->capacity)))
			return false;
	return true;
}

static int ready_to_claim_slots(struct ring *ring, uint64_t wanted)
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

static int reserve_claimed_slot(struct ring *ring, size_t size, void **data)
{
	uint64_t position = 0;
	int ret = claim_slot(ring, &position);

	(void)size;
	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, 1);
	ring->held = slot_at(ring, position);
	ring->position = position;
	*data = ((struct slot *)ring->held)->item;
	return 0;
}

static int commit_claimed_slot(struct ring *ring, size_t size)
{
	(void)size;
	ring->held = NULL;
	finish_claim(ring, ring->position, READY);
	ring_publish_claimed(ring, 1);
	return 0;
}

static int discard_claimed_slot(struct ring *ring)
{
	skip_claims(ring, &ring->position, 1);
	return 0;
}

/* Overwriting. */

/* A consumer that is gone had claimed the slot at @position: its items are dropped. */
static int drop_claimed_slot(struct ring *ring, uint64_t position)
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
		items = ring_slot_adopt(ring, seat, &first);
		if (!items)
			return 0;
		claim = load_claim(seat_at(ring, seat));
		ring_slot_free_run(ring, claim_position(claim, load_head(ring)),
				   claim_count(claim));
		ring_seat_finish(ring, seat);
		add_to_counter(&ring_shared(ring)->counters.dropped, items);
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
static __attribute__((noinline)) int drop_oldest_slot(struct ring *ring, uint64_t old,
						      uint64_t mine)
{
	uint64_t head = load_head(ring);
	struct slot *slot = slot_at(ring, old);
	uint64_t word = load_slot_word(slot);
	bool item = word == make_slot_word(ring, old, READY, 0);

	if (head_position(head) != old)
		return drop_claimed_slot(ring, old);
	if (!item && skip_if_gone(ring, slot, old, word))
		return 0;
	if (!item && !word_is(word, make_slot_word(ring, old, PADDING, 0)))
		return -EAGAIN;
	if (!claim_items(ring, head, 1, old + 1))
		return 0;
	store_slot_word(slot, mine);
	end_claim(ring);
	if (item)
		ring_seat_count_dropped(ring);
	return 1;
}

/* Would drop_oldest_slot() come to an end, if the slot's turn came? */
static bool can_drop(struct ring *ring, uint64_t old)
{
	uint64_t head = load_head(ring);
	uint64_t word = load_slot_word(slot_at(ring, old));
	uint32_t seat;

	if ((int64_t)(old - head_position(head)) >= 0)
		return !word_is(word, make_slot_word(ring, old, CLAIMED, 0)) ||
		       is_gone(ring, token_of(word));
	for (seat = 0; seat < ring_seats(ring); seat++) {
		uint64_t claim = load_claim(seat_at(ring, seat));

		if (claim && old - claim_position(claim, head) < claim_count(claim) &&
		    ring_seat_has_claim(ring, seat))
			return true;
	}
	return load_slot_word(slot_at(ring, old)) != word;
}

/* The usual case of a full ring: the oldest item is the next at the head. */
static int put_overwriting(struct ring *ring, const void *data, size_t size)
{
	struct ring_side *side = &ring_shared(ring)->producer;
	const uint64_t position = load_hint(side);
	const uint64_t old = position - ring->capacity;
	const uint64_t head = load_head(ring);
	struct slot *slot = slot_at(ring, position);
	const uint64_t ready = make_slot_word(ring, old, READY, 0);

	if (UNLIKELY(head_position(head) != old || load_slot_word(slot) != ready ||
		     !is_few_words(ring->item_size) || !claim_items(ring, head, 1, old + 1)))
		return put_claimed_slot(ring, data, size);
	store_slot_word(slot, make_slot_word(ring, position, CLAIMED, ring->token));
	end_claim(ring);
	ring_seat_count_dropped(ring);
	move_hint(side, position);
	copy_words(slot->item, data, ring->item_size);
	store_slot_word(slot, make_slot_word(ring, position, READY, 0));	/* W0 */
	ring_publish_claimed(ring, 1);
	return 0;
}

/* A producer that overwrites may have died with a slot that it was about to drop. */
static void recover_slot_producers(struct ring *ring)
{
	uint64_t claim;
	uint64_t first;

	ring->limit = 0;
	ring_seat_inherit(ring);
	if (!ring->inherited)
		return;
	claim = load_claim(seat_at(ring, ring->seat));
	add_to_counter(&ring_shared(ring)->counters.dropped,
		       ring_slot_items_in_claim(ring, ring->seat, &first));
	ring_slot_free_run(ring, claim_position(claim, load_head(ring)), claim_count(claim));
	ring_seat_finish(ring, ring->seat);
}

const struct ring_ops ring_slot_many_producers = {
	.recover = recover_slot_producers,
	.ready = ready_to_claim_slots,
	.put = put_claimed_slot,
	.get = ring_not_consumer,
	.put_some = put_some_of_many,
	.reserve = reserve_claimed_slot,
	.commit = commit_claimed_slot,
	.undo = discard_claimed_slot,
};

const struct ring_ops ring_slot_overwriting_producers = {
	.recover = recover_slot_producers,
	.ready = ready_to_claim_slots,
	.put = put_overwriting,
	.get = ring_not_consumer,
	.put_some = put_some_of_many,
	.reserve = reserve_claimed_slot,
	.commit = commit_claimed_slot,
	.undo = discard_claimed_slot,
};
