// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Slot rings: what a consumer of many had claimed, and left when it died or detached.  Other
 * consumers take it over, and producers that overwrite drop it.  See ring_seat.h.
 */
#include "ring_slot_multi.h"

/* W1 */
static ALWAYS_INLINE void give_room(struct ring *ring, uint64_t position)
{
	atomic_store_explicit(&slot_at(ring, position)->word,
			      make_slot_word(ring, position + ring->capacity, FREE, 0),
			      memory_order_release);
}

/* Slots that were freed before are left: they may be another's by now. */
uint32_t ring_slot_free_run(struct ring *ring, uint64_t position, uint32_t span)
{
	uint32_t i, more = 0;

	for (i = 0; i < span; i++) {
		uint64_t word = load_slot_word(slot_at(ring, position + i));

		if (!word_is(word, make_slot_word(ring, position + i, READY, 0)) &&
		    !word_is(word, make_slot_word(ring, position + i, PADDING, 0)))
			continue;
		give_room(ring, position + i);
		more++;
	}
	return more;
}

/* Items that another consumer claimed, as far as they remain. */
uint32_t ring_slot_items_in_claim(const struct ring *ring, uint32_t seat, uint64_t *first)
{
	uint64_t claim = load_claim(seat_at(ring, seat));
	uint64_t position = claim_position(claim, load_head(ring));
	uint32_t i, found = 0;

	for (i = 0; i < claim_count(claim); i++)
		if (load_slot_word(slot_at(ring, position + i)) ==
		    make_slot_word(ring, position + i, READY, 0) && !found++)
			*first = position + i;
	return found;
}

/* Nothing but padding is left of a claim: its slots are free. */
void ring_slot_end_adopted(struct ring *ring, uint32_t seat)
{
	uint64_t claim = load_claim(seat_at(ring, seat));
	uint32_t more = ring_slot_free_run(ring, claim_position(claim, load_head(ring)),
					   claim_count(claim));

	ring_seat_finish(ring, seat);
	if (more)
		ring_publish_room(ring, more);
}

/* Adopt what is left of a claim.  Returns how many items, of which the first is at @first. */
uint32_t ring_slot_adopt(struct ring *ring, uint32_t seat, uint64_t *first)
{
	uint32_t items;
	bool died;

	if (!ring_seat_adopt(ring, seat, &died))
		return 0;
	items = ring_slot_items_in_claim(ring, seat, first);
	if (!items)
		ring_slot_end_adopted(ring, seat);
	else if (died && seat != ring->seat)
		add_to_counter(&ring_shared(ring)->counters.returned, items);
	return items;
}
