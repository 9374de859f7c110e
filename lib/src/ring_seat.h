/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Seats: which handles are attached, and what consumers of a ring of many have claimed.
 *
 *	 63                10 9        0
 *	| position            | seat    |	head (consumer.position)
 *
 *	 63            16 15         1 0
 *	| position       | count      | C |	a seat's claim; 0: none
 *
 * The head names the next position and the seat that made the last claim.  A consumer
 * stores what it is about to claim in its own seat, then moves the head past it with one
 * compare and exchange (K), which also names its seat: at no instant is an item taken
 * and its owner unknown.  Before the next consumer moves the head on, it makes the last
 * claim certain (C) in the seat that the head names.  So a claim has succeeded if it is
 * certain, or if the head names its seat and lies behind the claim's position.  A claim of
 * which neither is true never succeeded.
 *
 * The owner clears its claim when the items are used up (their words are no longer
 * READY).  A seat whose owner died or detached keeps its claim: another consumer adopts
 * the seat, by a compare and exchange of the token, and gets the items that are still
 * READY before it takes anything from the head.
 *
 * A producer that overwrites drops the oldest item as a consumer would get it.
 */
#ifndef IPCSHM_RING_SEAT_H
#define IPCSHM_RING_SEAT_H

#include "ring.h"

#define RING_SEAT_BITS	10
#define RING_NO_SEAT	((1U << RING_SEAT_BITS) - 1)

#define RING_ADOPTED	0x80000000U	/* in a seat's token: by another consumer */

#define RING_CERTAIN	1ULL
#define RING_SPAN_MAX	((1U << 15) - 1)
#define RING_CLAIM_SHIFT	16
#define RING_CLAIM_POSITIONS	((1ULL << (64 - RING_CLAIM_SHIFT)) - 1)

static ALWAYS_INLINE uint64_t load_head(const struct ring *ring)
{
	return atomic_load_explicit(&ring_shared(ring)->consumer.position, memory_order_acquire);
}

static ALWAYS_INLINE uint64_t head_position(uint64_t head)
{
	return head >> RING_SEAT_BITS;
}

static ALWAYS_INLINE uint32_t head_seat(uint64_t head)
{
	return head & RING_NO_SEAT;
}

static ALWAYS_INLINE uint64_t make_head(uint64_t position, uint32_t seat)
{
	return position << RING_SEAT_BITS | seat;
}

static ALWAYS_INLINE uint32_t ring_seats(const struct ring *ring)
{
	return ring->producers + ring->consumers;
}

static ALWAYS_INLINE struct ring_seat *seat_at(const struct ring *ring, uint32_t seat)
{
	return &ring_shared(ring)->seat[seat];
}

static ALWAYS_INLINE uint64_t load_claim(const struct ring_seat *seat)
{
	return atomic_load_explicit(&seat->claim, memory_order_acquire);
}

static ALWAYS_INLINE void store_claim(struct ring_seat *seat, uint64_t claim)
{
	atomic_store_explicit(&seat->claim, claim, memory_order_release);
}

static ALWAYS_INLINE uint32_t claim_count(uint64_t claim)
{
	return claim >> 1 & RING_SPAN_MAX;
}

/* Claims lie before the head, by less than half of all positions. */
static ALWAYS_INLINE uint64_t claim_position(uint64_t claim, uint64_t head)
{
	uint64_t position = head_position(head);

	return position - ((position - (claim >> RING_CLAIM_SHIFT)) & RING_CLAIM_POSITIONS);
}

static ALWAYS_INLINE bool claim_begins_at(uint64_t claim, uint64_t position)
{
	return claim >> RING_CLAIM_SHIFT == (position & RING_CLAIM_POSITIONS);
}

bool ring_confirm(const struct ring *ring, uint64_t head, uint32_t seat);

/* K: from @head on to @end, of @count positions; false: another was faster. */
static ALWAYS_INLINE bool claim_items(struct ring *ring, uint64_t head, uint32_t number,
				      uint64_t end)
{
	const uint32_t last = head_seat(head);

	store_claim(seat_at(ring, ring->seat),
		    head_position(head) << RING_CLAIM_SHIFT | (uint64_t)number << 1);
	if (UNLIKELY(last != ring->seat && last != RING_NO_SEAT) && !ring_confirm(ring, head, last))
		return false;
	return atomic_compare_exchange_strong_explicit(&ring_shared(ring)->consumer.position, &head,
						       make_head(end, ring->seat),
						       memory_order_acq_rel,
						       memory_order_relaxed);
}

/* Nothing of the own claim is left. */
static ALWAYS_INLINE void end_claim(struct ring *ring)
{
	store_claim(seat_at(ring, ring->seat), 0);
}

/* To drop an item is usual in a ring that overwrites, so that it needs no locked operation. */
static ALWAYS_INLINE void ring_seat_count_dropped(const struct ring *ring)
{
	_Atomic uint64_t *dropped = &seat_at(ring, ring->seat)->dropped;

	atomic_store_explicit(dropped,
			      atomic_load_explicit(dropped, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static ALWAYS_INLINE uint32_t returned_now(const struct ring *ring)
{
	return atomic_load_explicit(&ring_shared(ring)->consumer.returned, memory_order_acquire);
}

/* Something may have come back since the seats were searched in vain. */
static ALWAYS_INLINE bool may_take_over(const struct ring *ring)
{
	return ring->deaths != ipcshm_area_deaths(ring->area) ||
	       ring->returned != returned_now(ring);
}

/* ring_seat.c */

int ring_seat_take(struct ring *ring);
void ring_seat_leave(struct ring *ring);
bool ring_seat_is_gone(const struct ring *ring, uint32_t seat);
uint64_t ring_seats_dropped(const struct ring *ring);
uint32_t ring_seats_taken(const struct ring *ring, uint32_t side);
void ring_seat_inherit(struct ring *ring);
bool ring_seat_has_claim(const struct ring *ring, uint32_t seat);
bool ring_seat_adopt(struct ring *ring, uint32_t seat, bool *died);
void ring_seat_finish(struct ring *ring, uint32_t seat);
void ring_seat_give_up(struct ring *ring, uint32_t seat);
int ring_seat_unpeek(struct ring *ring);

#endif /* IPCSHM_RING_SEAT_H */
