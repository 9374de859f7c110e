// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings: the calls.  Each checks the handle, and attempts what the layout does; calls that
 * have to wait go on in ring_wait.c.
 */
#include "ring_seat.h"

/* A call was attempted: wait, if that is what it needs and @deadline allows. */
static ssize_t finish_call(struct ring *ring, ssize_t ret, const struct ring_call *call,
			   uint64_t deadline)
{
	if (!is_to_wait(ret))
		return ret;
	if (deadline != IPCSHM_NOW)
		return ring_wait(ring, call, deadline);
	return ring_refused(ring, ret, !ring->item_size || call->all ? call->size : 1);
}

/* 0: may @ring be used so? */
static ALWAYS_INLINE int check_use(const struct ring *ring, uint32_t side)
{
	if (UNLIKELY(ring->side != side))
		return -EPERM;
	if (UNLIKELY(!ring_is_own(ring)))
		return -ESRCH;
	return UNLIKELY(ring->held != NULL) ? -EBUSY : 0;
}

/* 0: may the item that is reserved (peeked) be dealt with? */
static ALWAYS_INLINE int refuse_held(const struct ring *ring, uint32_t side)
{
	if (UNLIKELY(ring->side != side))
		return -EPERM;
	if (UNLIKELY(!ring_is_own(ring)))
		return -ESRCH;
	return UNLIKELY(!ring->held) ? -EINVAL : 0;
}

/* For calls whose operation refuses handles of the other side by itself. */
static ALWAYS_INLINE int refuse_simple(const struct ring *ring)
{
	if (UNLIKELY(!ring_is_own(ring)))
		return -ESRCH;
	return UNLIKELY(ring->held != NULL) ? -EBUSY : 0;
}

static ALWAYS_INLINE int refuse_put(const struct ring *ring, size_t size)
{
	int ret = refuse_simple(ring);

	if (UNLIKELY(ret))
		return ret;
	return UNLIKELY(ring->item_size && size != ring->item_size) ? -EMSGSIZE : 0;
}

static ssize_t attempt_put(struct ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->put(ring, call->from, call->size);
}

/*
 * Calls that may wait are functions of their own: the others have no registers to save, and
 * the fewer stores there are between two items, the better (copy_words()).
 */
static __attribute__((noinline)) int put_or_wait(struct ring *ring, const void *data,
						 size_t size, uint64_t deadline)
{
	const struct ring_call call = { .attempt = attempt_put, .from = data, .size = size };

	return (int)finish_call(ring, attempt_put(ring, &call), &call, deadline);
}

int ipcshm_ring_put(struct ipcshm_ring *handle, const void *data, size_t size, uint64_t deadline)
{
	struct ring *ring = ring_of(handle);
	int ret = refuse_put(ring, size);

	if (UNLIKELY(ret))
		return ret;
	if (deadline != IPCSHM_NOW)
		return put_or_wait(ring, data, size, deadline);
	return ring_ops(ring)->put(ring, data, size);
}

static ssize_t attempt_get(struct ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->get(ring, call->to, call->size);
}

static __attribute__((noinline)) ssize_t get_or_wait(struct ring *ring, void *data,
						     size_t size, uint64_t deadline)
{
	const struct ring_call call = { .attempt = attempt_get, .to = data, .size = size };

	return finish_call(ring, attempt_get(ring, &call), &call, deadline);
}

ssize_t ipcshm_ring_get(struct ipcshm_ring *handle, void *data, size_t size, uint64_t deadline)
{
	struct ring *ring = ring_of(handle);
	ssize_t ret = refuse_simple(ring);

	if (UNLIKELY(ret))
		return ret;
	if (UNLIKELY(size < ring->item_size))
		return -EMSGSIZE;
	if (deadline != IPCSHM_NOW)
		return get_or_wait(ring, data, size, deadline);
	return ring_ops(ring)->get(ring, data, size);
}

static ssize_t attempt_reserve(struct ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->reserve(ring, call->size, call->to);
}

static __attribute__((noinline)) int reserve_or_wait(struct ring *ring, size_t size,
						     void **data, uint64_t deadline)
{
	const struct ring_call call = { .attempt = attempt_reserve, .to = data, .size = size };

	return (int)finish_call(ring, attempt_reserve(ring, &call), &call, deadline);
}

int ipcshm_ring_reserve(struct ipcshm_ring *handle, size_t size, void **data, uint64_t deadline)
{
	struct ring *ring = ring_of(handle);
	int ret = check_use(ring, IPCSHM_RING_PRODUCER);

	if (UNLIKELY(ret))
		return ret;
	if (UNLIKELY(ring->item_size && size != ring->item_size))
		return -EMSGSIZE;
	/* Of no meaning unless something is held. */
	ring->held_size = size;
	if (deadline != IPCSHM_NOW)
		return reserve_or_wait(ring, size, data, deadline);
	return ring_ops(ring)->reserve(ring, size, data);
}

int ipcshm_ring_commit(struct ipcshm_ring *handle, size_t size)
{
	struct ring *ring = ring_of(handle);
	int ret = refuse_held(ring, IPCSHM_RING_PRODUCER);

	if (UNLIKELY(ret))
		return ret;
	if (UNLIKELY(ring->item_size ? size != ring->item_size : size > ring->held_size))
		return -EMSGSIZE;
	return ring_ops(ring)->commit(ring, size);
}

int ipcshm_ring_discard(struct ipcshm_ring *handle)
{
	struct ring *ring = ring_of(handle);
	int ret = refuse_held(ring, IPCSHM_RING_PRODUCER);

	if (UNLIKELY(ret))
		return ret;
	ret = ring_ops(ring)->undo(ring);
	ring->held = NULL;
	return ret;
}

static ssize_t attempt_peek(struct ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->peek(ring, call->to);
}

static __attribute__((noinline)) ssize_t peek_or_wait(struct ring *ring, const void **data,
						      uint64_t deadline)
{
	const struct ring_call call = { .attempt = attempt_peek, .to = data };

	return finish_call(ring, attempt_peek(ring, &call), &call, deadline);
}

ssize_t ipcshm_ring_peek(struct ipcshm_ring *handle, const void **data, uint64_t deadline)
{
	struct ring *ring = ring_of(handle);
	ssize_t ret = check_use(ring, IPCSHM_RING_CONSUMER);

	if (UNLIKELY(ret))
		return ret;
	if (deadline != IPCSHM_NOW)
		return peek_or_wait(ring, data, deadline);
	return ring_ops(ring)->peek(ring, data);
}

int ipcshm_ring_release(struct ipcshm_ring *handle)
{
	struct ring *ring = ring_of(handle);
	int ret = refuse_held(ring, IPCSHM_RING_CONSUMER);

	if (UNLIKELY(ret))
		return ret;
	return ring_ops(ring)->release(ring);
}

/* 0: may so many items be put (got) at once? */
static ALWAYS_INLINE int refuse_some(const struct ring *ring, uint32_t side, size_t number,
				     bool all)
{
	uint32_t many = side == IPCSHM_RING_PRODUCER ? IPCSHM_RING_MULTI_PRODUCER :
						       IPCSHM_RING_MULTI_CONSUMER;
	int ret = check_use(ring, side);

	if (UNLIKELY(ret))
		return ret;
	if (UNLIKELY(!ring->item_size))
		return -EOPNOTSUPP;
	if (all && UNLIKELY(number > ring->capacity ||
			    (number > IPCSHM_RING_BULK_MAX && ring_has_many(ring, many))))
		return -E2BIG;
	return 0;
}

static ssize_t attempt_put_some(struct ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->put_some(ring, call->from, call->size, call->all);
}

static __attribute__((noinline)) ssize_t wait_to_put_some(struct ring *ring, ssize_t ret,
							  const void *items, size_t number,
							  bool all, uint64_t deadline)
{
	const struct ring_call call = { attempt_put_some, items, NULL, number, all, false };

	return finish_call(ring, ret, &call, deadline);
}

static ALWAYS_INLINE ssize_t put_some(struct ring *ring, const void *items, size_t number,
				      bool all, uint64_t deadline)
{
	ssize_t ret = refuse_some(ring, IPCSHM_RING_PRODUCER, number, all);

	if (UNLIKELY(ret || !number))
		return ret;
	ret = ring_ops(ring)->put_some(ring, items, number, all);
	return LIKELY(ret > 0) ? ret : wait_to_put_some(ring, ret, items, number, all, deadline);
}

ssize_t ipcshm_ring_put_bulk(struct ipcshm_ring *handle, const void *items, size_t count,
			     uint64_t deadline)
{
	return put_some(ring_of(handle), items, count, true, deadline);
}

ssize_t ipcshm_ring_put_burst(struct ipcshm_ring *handle, const void *items, size_t count,
			      uint64_t deadline)
{
	return put_some(ring_of(handle), items, count, false, deadline);
}

static ssize_t attempt_get_some(struct ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->get_some(ring, call->to, call->size, call->all);
}

static __attribute__((noinline)) ssize_t wait_to_get_some(struct ring *ring, ssize_t ret,
							  void *items, size_t number, bool all,
							  uint64_t deadline)
{
	const struct ring_call call = { attempt_get_some, NULL, items, number, all, false };

	return finish_call(ring, ret, &call, deadline);
}

static ALWAYS_INLINE ssize_t get_some(struct ring *ring, void *items, size_t number, bool all,
				      uint64_t deadline)
{
	ssize_t ret = refuse_some(ring, IPCSHM_RING_CONSUMER, number, all);

	if (UNLIKELY(ret || !number))
		return ret;
	ret = ring_ops(ring)->get_some(ring, items, number, all);
	return LIKELY(ret > 0) ? ret : wait_to_get_some(ring, ret, items, number, all, deadline);
}

ssize_t ipcshm_ring_get_bulk(struct ipcshm_ring *handle, void *items, size_t count,
			     uint64_t deadline)
{
	return get_some(ring_of(handle), items, count, true, deadline);
}

ssize_t ipcshm_ring_get_burst(struct ipcshm_ring *handle, void *items, size_t count,
			      uint64_t deadline)
{
	return get_some(ring_of(handle), items, count, false, deadline);
}

static ssize_t attempt_wait_peer(struct ring *ring, const struct ring_call *call)
{
	(void)call;
	return ring_seats_taken(ring, ring_other_side(ring)) ? 0 : -EAGAIN;
}

int ipcshm_ring_wait_peer(struct ipcshm_ring *handle, uint64_t deadline)
{
	const struct ring_call call = { .attempt = attempt_wait_peer, .peer = true };
	struct ring *ring = ring_of(handle);
	ssize_t ret;

	if (!ring_is_own(ring))
		return -ESRCH;
	ret = attempt_wait_peer(ring, &call);
	if (ret && deadline != IPCSHM_NOW)
		ret = ring_wait(ring, &call, deadline);
	return (int)ret;
}

int ipcshm_ring_set_busy_poll(struct ipcshm_ring *handle, uint32_t nanoseconds)
{
	struct ring *ring = ring_of(handle);

	ring->spin_max = nanoseconds;
	ring->spin = nanoseconds;
	return 0;
}

int ipcshm_ring_fd(const struct ipcshm_ring *handle)
{
	const struct ring *ring = (const struct ring *)handle;

	return ring->area->fd < 0 ? -EOPNOTSUPP : ring->area->fd;
}

int ipcshm_ring_arm(struct ipcshm_ring *handle, int fd)
{
	struct ring *ring = ring_of(handle);
	struct ring_gate *gate = ring_own_gate(ring);
	uint64_t offset = (uintptr_t)&gate->word - (uintptr_t)ring->area->base;
	uint32_t deaths = ipcshm_area_deaths(ring->area);
	uint32_t word;

	if (!ring_is_own(ring))
		return -ESRCH;
	if (ring->area->fd < 0)
		return -EOPNOTSUPP;
	if (!ring_gate_enter(gate, RING_GATE_ALL, &word))
		return 1;
	if (!ring_gate_raise(gate))
		return -ENOSYS;
	atomic_thread_fence(memory_order_seq_cst);	/* S1, pairs with P1 */
	if (ring_ops(ring)->ready(ring, ring->wanted) != -EAGAIN || ring_is_hung_up(ring))
		return 1;
	ring->streak = 0;
	return ipcshm_region_watch(fd, offset, sizeof(word), word, deaths);
}
