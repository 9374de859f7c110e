// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings: why a call is refused, and operations that do nothing.
 */
#include "ring_seat.h"

uint32_t ring_other_side(const struct ring *ring)
{
	return ring->side == IPCSHM_RING_PRODUCER ? IPCSHM_RING_CONSUMER : IPCSHM_RING_PRODUCER;
}

bool ring_is_hung_up(const struct ring *ring)
{
	const struct ring_side *other = ring->side == IPCSHM_RING_PRODUCER ?
						&ring_shared(ring)->consumer :
						&ring_shared(ring)->producer;

	return ring->flags & IPCSHM_RING_HANGUP &&
	       atomic_load_explicit(&other->attached, memory_order_acquire) &&
	       !ring_seats_taken(ring, ring_other_side(ring));
}

/*
 * A call found no items or no room.  arm() then waits for @wanted.  If the other side is gone,
 * it may have put something in just before.
 */
ssize_t ring_refused(struct ring *ring, ssize_t ret, uint64_t wanted)
{
	if (!is_to_wait(ret))
		return ret;
	ring->wanted = wanted;
	if (ret != -EAGAIN || !ring_is_hung_up(ring))
		return ret;
	return ring_ops(ring)->ready(ring, wanted) == -EAGAIN ? -EPIPE : -EALREADY;
}

int ring_not_producer(struct ring *ring, const void *data, size_t size)
{
	(void)ring;
	(void)data;
	(void)size;
	return -EPERM;
}

ssize_t ring_not_consumer(struct ring *ring, void *data, size_t size)
{
	(void)ring;
	(void)data;
	(void)size;
	return -EPERM;
}

int ring_nothing_to_undo(struct ring *ring)
{
	(void)ring;
	return 0;
}
