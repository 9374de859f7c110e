// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings: seats.  See ring_seat.h for what they are for.
 */
#include "ring_seat.h"

static uint32_t load_token(const struct ring_seat *seat)
{
	return atomic_load_explicit(&seat->token, memory_order_acquire);
}

static bool change_token(struct ring_seat *seat, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong_explicit(&seat->token, &from, to,
						       memory_order_acq_rel,
						       memory_order_relaxed);
}

static void store_token(struct ring_seat *seat, uint32_t token)
{
	atomic_store_explicit(&seat->token, token, memory_order_release);
}

static bool is_free(const struct ring *ring, uint32_t token)
{
	return is_gone(ring, token & ~RING_ADOPTED);
}

/* The producers' seats come first. */
static uint32_t first_seat(const struct ring *ring, uint32_t side)
{
	return side == IPCSHM_RING_PRODUCER ? 0 : ring->producers;
}

static uint32_t end_seat(const struct ring *ring, uint32_t side)
{
	return side == IPCSHM_RING_PRODUCER ? ring->producers : ring_seats(ring);
}

/*
 * Take a free seat of the own side, one without a claim if possible.
 *
 * Return: 0, or -EBUSY: the one producer (consumer) is alive; -EUSERS.
 */
int ring_seat_take(struct ring *ring)
{
	uint32_t end = end_seat(ring, ring->side);
	int pass;
	uint32_t i;

	for (pass = 0; pass < 2; pass++) {
		for (i = first_seat(ring, ring->side); i < end; i++) {
			struct ring_seat *seat = seat_at(ring, i);
			uint32_t token = load_token(seat);

			if (!is_free(ring, token) || (!pass && load_claim(seat)))
				continue;
			if (!change_token(seat, token, ring->token))
				continue;
			ring->seat = i;
			ring->last_owner = token;
			return 0;
		}
	}
	return ring_is_only_one(ring) ? -EBUSY : -EUSERS;
}

/* Leave the own seat, whose claim stays if it has one. */
void ring_seat_leave(struct ring *ring)
{
	store_token(seat_at(ring, ring->seat), 0);
}

/* The handle that claimed something under this seat is gone, even if another adopted the seat. */
bool ring_seat_is_gone(const struct ring *ring, uint32_t seat)
{
	uint32_t token;

	if (seat >= ring_seats(ring))
		return true;
	token = load_token(seat_at(ring, seat));
	return token & RING_ADOPTED || is_gone(ring, token);
}

/* Count the living handles of a side. */
uint32_t ring_seats_taken(const struct ring *ring, uint32_t side)
{
	uint32_t taken = 0;
	uint32_t i;

	for (i = first_seat(ring, side); i < end_seat(ring, side); i++)
		taken += !ring_seat_is_gone(ring, i);
	return taken;
}

/* Count the items that producers dropped: each seat has those of its own. */
uint64_t ring_seats_dropped(const struct ring *ring)
{
	uint64_t dropped = atomic_load_explicit(&ring_shared(ring)->counters.dropped,
						memory_order_relaxed);
	uint32_t i;

	for (i = 0; i < ring->producers; i++)
		dropped += atomic_load_explicit(&seat_at(ring, i)->dropped, memory_order_relaxed);
	return dropped;
}

/*
 * Make the last claim certain if @head is still the head: it names @seat, and lies behind
 * what @seat has claimed.  A claim at the head itself hasn't succeeded yet.
 */
bool ring_confirm(const struct ring *ring, uint64_t head, uint32_t seat)
{
	struct ring_seat *at;
	uint64_t claim;

	if (seat >= ring_seats(ring))
		return true;
	at = seat_at(ring, seat);
	claim = load_claim(at);
	if (!claim || claim & RING_CERTAIN || claim_begins_at(claim, head_position(head)))
		return true;
	if (load_head(ring) != head)
		return false;
	atomic_compare_exchange_strong_explicit(&at->claim, &claim, claim | RING_CERTAIN,
						memory_order_acq_rel, memory_order_relaxed);
	return true;
}

/* The owner of @seat is gone: has its claim succeeded?  If so, it is certain afterwards. */
static bool settle_claim(const struct ring *ring, uint32_t seat)
{
	struct ring_seat *at = seat_at(ring, seat);
	uint64_t head = load_head(ring);

	if (head_seat(head) == seat)
		ring_confirm(ring, head, seat);
	/* If the head has moved on, it was made certain before. */
	return load_claim(at) & RING_CERTAIN;
}

/* The own seat may have a claim of its last owner, which is the handle's now. */
void ring_seat_inherit(struct ring *ring)
{
	if (load_claim(seat_at(ring, ring->seat)) && settle_claim(ring, ring->seat))
		ring->inherited = true;
	else
		end_claim(ring);
}

/* The seat has a claim that could be adopted, or that the handle has inherited. */
bool ring_seat_has_claim(const struct ring *ring, uint32_t seat)
{
	struct ring_seat *at = seat_at(ring, seat);

	if (seat == ring->seat)
		return ring->inherited;
	return load_claim(at) && is_free(ring, load_token(at)) && settle_claim(ring, seat);
}

/* Become the owner of the claim of a seat whose owner is gone. */
bool ring_seat_adopt(struct ring *ring, uint32_t seat, bool *died)
{
	struct ring_seat *at = seat_at(ring, seat);
	uint32_t token = load_token(at);

	*died = token;
	if (seat == ring->seat)
		return ring->inherited;
	if (!load_claim(at) || !is_free(ring, token) ||
	    !change_token(at, token, ring->token | RING_ADOPTED))
		return false;
	if (load_claim(at) && settle_claim(ring, seat))
		return true;
	ring_seat_finish(ring, seat);
	return false;
}

/* Nothing of the claim is left. */
void ring_seat_finish(struct ring *ring, uint32_t seat)
{
	store_claim(seat_at(ring, seat), 0);
	if (seat == ring->seat)
		ring->inherited = false;
	else
		store_token(seat_at(ring, seat), 0);
}

/* Another may adopt it. */
void ring_seat_give_up(struct ring *ring, uint32_t seat)
{
	if (seat == ring->seat)
		return;
	store_token(seat_at(ring, seat), 0);
	atomic_fetch_add_explicit(&ring_shared(ring)->consumer.returned, 1, memory_order_release);
	ring_publish_claimed(ring, INT32_MAX);
}

/* Undo a peek: the claim stays in its seat, which the caller leaves. */
int ring_seat_unpeek(struct ring *ring)
{
	add_to_counter(&ring_shared(ring)->counters.returned, 1);
	if (ring->serving != RING_NO_SEAT)
		ring_seat_give_up(ring, ring->serving);
	return 0;
}
