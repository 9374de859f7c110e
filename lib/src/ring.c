// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings: making one, attaching to it, and its calls.  How the layouts work is in
 * ring-slot.c, ring-record.c, ring-packed.c and ring-chunk.c, how calls wait in
 * ring-wait.c.
 */
#include "ring.h"

#define CAPACITY_MAX	(1ULL << 31)	/* items */
#define BYTES_MAX	(1ULL << 32)
#define ITEM_MAX	(1U << 24)

#define KNOWN_FLAGS	((uint32_t)(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER | \
				    IPCSHM_RING_OVERWRITE))

/* Producers that overwrite compete with consumers: all of them have to claim. */
#define CLAIMING_PRODUCER	(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_OVERWRITE)
#define CLAIMING_CONSUMER	(IPCSHM_RING_MULTI_CONSUMER | IPCSHM_RING_OVERWRITE)

/* What the data of a ring is. */
struct extent {
	const struct ring_layout *layout;
	uint64_t stride;
	uint64_t bytes;
};

static const struct ring_layout *layout_of(uint32_t layout)
{
	switch (layout) {
	case IPCSHM_RING_SLOTS:
		return &ring_slots;
	case IPCSHM_RING_RECORDS:
		return &ring_records;
	case IPCSHM_RING_PACKED:
		return &ring_packed;
	case IPCSHM_RING_CHUNKS:
		return &ring_chunks;
	default:
		return NULL;
	}
}

static bool counts_bytes(const struct ipcshm_ring_attr *attr)
{
	return attr->layout == IPCSHM_RING_RECORDS || attr->layout == IPCSHM_RING_CHUNKS;
}

static int extent_of(const struct ipcshm_ring_attr *attr, struct extent *extent)
{
	static const struct ipcshm_ring_attr none;
	int ret;

	extent->layout = layout_of(attr->layout);
	if (!extent->layout || attr->flags & ~KNOWN_FLAGS || attr->item_size > ITEM_MAX ||
	    attr->capacity < 2 || attr->capacity & (attr->capacity - 1) ||
	    memcmp(attr->reserved, none.reserved, sizeof(none.reserved)))
		return -EINVAL;
	if (attr->capacity > (counts_bytes(attr) ? BYTES_MAX : CAPACITY_MAX))
		return -EINVAL;
	ret = extent->layout->geometry(attr, &extent->stride, &extent->bytes);
	if (ret)
		return ret;
	return extent->bytes > SIZE_MAX / 2 ? -EINVAL : 0;
}

static size_t size_of(const struct extent *extent)
{
	return (sizeof(struct ring_shared) + (size_t)extent->bytes + RING_ALIGN - 1) &
	       ~(size_t)(RING_ALIGN - 1);
}

int ipcshm_ring_size(const struct ipcshm_ring_attr *attr, size_t *size)
{
	struct extent extent;
	int ret = extent_of(attr, &extent);

	if (!ret)
		*size = size_of(&extent);
	return ret;
}

static unsigned char *data_of(struct ring_shared *shared)
{
	return (unsigned char *)(shared + 1);
}

/* A ring of chunks begins with one: of a region the rest needn't be there yet. */
static int make_exist(const struct ipcshm_area *area, const struct ipcshm_ring_attr *attr,
		      const struct extent *extent, struct ring_shared *shared)
{
	uint64_t later = 0;

	if (attr->layout == IPCSHM_RING_CHUNKS)
		later = attr->capacity - extent->stride;
	return ring_region_grow(area, data_of(shared) + extent->bytes - later);
}

int ipcshm_ring_create(const struct ipcshm_area *area, uint64_t offset,
		       const struct ipcshm_ring_attr *attr)
{
	struct ring_shared *shared;
	struct extent extent;
	size_t size;
	int ret;

	ret = extent_of(attr, &extent);
	if (ret)
		return ret;
	size = size_of(&extent);
	if (offset > area->size || size > area->size - offset)
		return -ENOSPC;
	shared = ipcshm_area_at(area, offset, size, RING_ALIGN);
	if (!shared)
		return -EINVAL;
	ret = make_exist(area, attr, &extent, shared);
	if (ret)
		return ret;
	memset(shared, 0, sizeof(*shared));
	extent.layout->format(attr, data_of(shared), extent.stride);
	shared->geometry.version = RING_VERSION;
	shared->geometry.layout = attr->layout;
	shared->geometry.flags = attr->flags;
	shared->geometry.capacity = attr->capacity;
	shared->geometry.item_size = attr->item_size;
	/* Pairs with read_geometry(): who sees it sees all of the ring. */
	atomic_store_explicit(&shared->geometry.magic, RING_MAGIC, memory_order_release);
	return 0;
}

/* Copies it once: @attr is what is checked, and what is used. */
static int read_geometry(const struct ring_geometry *geometry, struct ipcshm_ring_attr *attr)
{
	uint32_t magic = atomic_load_explicit(&geometry->magic, memory_order_acquire);
	const volatile struct ring_geometry *hostile = geometry;

	if (!magic)
		return -EAGAIN;
	if (magic != RING_MAGIC || hostile->version != RING_VERSION)
		return -EPROTO;
	*attr = (struct ipcshm_ring_attr) {
		.layout = hostile->layout,
		.flags = hostile->flags,
		.capacity = hostile->capacity,
		.item_size = hostile->item_size,
	};
	return 0;
}

/* Acquire: all that the predecessor stored is to be seen. */
static int become_owner(struct ipcshm_ring *ring)
{
	struct ring_side *side = ring_own_side(ring);
	uint32_t token = ipcshm_area_token(ring->area);
	uint32_t owner = atomic_load_explicit(&side->owner, memory_order_acquire);

	if (!token)
		return -ESRCH;
	if (!ring_is_only_one(ring))
		return 0;
	if (owner && ipcshm_area_is_alive(ring->area, owner))
		return -EBUSY;
	return atomic_compare_exchange_strong_explicit(&side->owner, &owner, token,
						       memory_order_acq_rel,
						       memory_order_relaxed) ? 0 : -EBUSY;
}

static void fill_in(struct ipcshm_ring *ring, const struct ipcshm_ring_attr *attr,
		    const struct extent *extent)
{
	bool producer = ring->side == IPCSHM_RING_PRODUCER;

	ring->capacity = attr->capacity;
	ring->mask = attr->capacity - 1;
	ring->shift = (uint32_t)__builtin_ctzll(attr->capacity);
	ring->stride = extent->stride;
	ring->item_size = attr->item_size;
	ring->layout = attr->layout;
	ring->flags = attr->flags;
	if (attr->flags & IPCSHM_RING_MULTI_PRODUCER)
		ring->flags |= RING_ANY_PRODUCERS;
	if (attr->flags & IPCSHM_RING_MULTI_CONSUMER)
		ring->flags |= RING_ANY_CONSUMERS;
	/* All of them claim, be it one or many. */
	if (attr->flags & IPCSHM_RING_OVERWRITE || attr->layout == IPCSHM_RING_CHUNKS)
		ring->flags |= IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER;
	ring->ops = producer ? extent->layout->producer[!!(attr->flags & CLAIMING_PRODUCER)] :
			       extent->layout->consumer[!!(attr->flags & CLAIMING_CONSUMER)];
}

int ipcshm_ring_attach(struct ipcshm_ring *ring, const struct ipcshm_area *area, uint64_t offset,
		       uint32_t side)
{
	struct ring_shared *shared = ipcshm_area_at(area, offset, sizeof(*shared), RING_ALIGN);
	struct ipcshm_ring_attr attr;
	struct extent extent;
	int ret;

	if (!shared || (side != IPCSHM_RING_PRODUCER && side != IPCSHM_RING_CONSUMER))
		return -EINVAL;
	ret = read_geometry(&shared->geometry, &attr);
	if (ret)
		return ret;
	if (extent_of(&attr, &extent) ||
	    !ipcshm_area_at(area, offset, size_of(&extent), RING_ALIGN))
		return -EPROTO;
	/* The memory exists that the ring says it has; what is mapped stays. */
	if (attr.layout != IPCSHM_RING_CHUNKS && offset + size_of(&extent) > ring_area_bytes(area))
		return -EPROTO;
	*ring = (struct ipcshm_ring) {
		.area = area,
		.shared = shared,
		.data = data_of(shared),
		.side = side,
	};
	fill_in(ring, &attr, &extent);
	ret = attr.layout == IPCSHM_RING_CHUNKS ? ring_chunk_attach(ring) : 0;
	if (!ret)
		ret = become_owner(ring);
	if (ret)
		return ret;
	ring_wait_init(ring);
	ring_ops(ring)->recover(ring);
	return 0;
}

void ipcshm_ring_detach(struct ipcshm_ring *ring)
{
	if (ring->held)
		ring_ops(ring)->undo(ring);
	ring->held = NULL;
	if (ring_is_only_one(ring))
		atomic_store_explicit(&ring_own_side(ring)->owner, 0, memory_order_release);
}

/* A call was attempted: wait, if that is what it needs and @deadline allows. */
static ssize_t finish(struct ipcshm_ring *ring, ssize_t ret, const struct ring_call *call,
		      uint64_t deadline)
{
	if (is_to_wait(ret))
		ret = deadline == IPCSHM_NOW ? -EAGAIN : ring_wait(ring, call, deadline);
	return ret;
}

/* The end of a call that doesn't wait. */
static ALWAYS_INLINE ssize_t at_once(ssize_t ret)
{
	return UNLIKELY(ret == -EALREADY) ? -EAGAIN : ret;
}

/* 0: may @ring be used so? */
static ALWAYS_INLINE int refuse(const struct ipcshm_ring *ring, uint32_t side)
{
	if (UNLIKELY(ring->side != side))
		return -EPERM;
	return UNLIKELY(ring->held != NULL) ? -EBUSY : 0;
}

static ALWAYS_INLINE int refuse_put(const struct ipcshm_ring *ring, size_t size)
{
	int ret = refuse(ring, IPCSHM_RING_PRODUCER);

	if (UNLIKELY(ret))
		return ret;
	return UNLIKELY(ring->item_size && size != ring->item_size) ? -EMSGSIZE : 0;
}

static ssize_t attempt_put(struct ipcshm_ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->put(ring, call->from, call->size);
}

/*
 * What may wait is in functions of their own: those that don't have nothing to save, and
 * the fewer stores there are between two items, the better (copy_words()).
 */
static __attribute__((noinline)) int put_or_wait(struct ipcshm_ring *ring, const void *data,
						 size_t size, uint64_t deadline)
{
	const struct ring_call call = { .attempt = attempt_put, .from = data, .size = size };

	return (int)finish(ring, attempt_put(ring, &call), &call, deadline);
}

int ipcshm_ring_put(struct ipcshm_ring *ring, const void *data, size_t size, uint64_t deadline)
{
	int ret = refuse_put(ring, size);

	if (UNLIKELY(ret))
		return ret;
	if (deadline != IPCSHM_NOW)
		return put_or_wait(ring, data, size, deadline);
	return (int)at_once(ring_ops(ring)->put(ring, data, size));
}

static ssize_t attempt_get(struct ipcshm_ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->get(ring, call->to, call->size);
}

static __attribute__((noinline)) ssize_t get_or_wait(struct ipcshm_ring *ring, void *data,
						     size_t size, uint64_t deadline)
{
	const struct ring_call call = { .attempt = attempt_get, .to = data, .size = size };

	return finish(ring, attempt_get(ring, &call), &call, deadline);
}

ssize_t ipcshm_ring_get(struct ipcshm_ring *ring, void *data, size_t size, uint64_t deadline)
{
	ssize_t ret = refuse(ring, IPCSHM_RING_CONSUMER);

	if (UNLIKELY(ret))
		return ret;
	if (UNLIKELY(size < ring->item_size))
		return -EMSGSIZE;
	if (deadline != IPCSHM_NOW)
		return get_or_wait(ring, data, size, deadline);
	return at_once(ring_ops(ring)->get(ring, data, size));
}

static ssize_t attempt_reserve(struct ipcshm_ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->reserve(ring, call->size, call->to);
}

static __attribute__((noinline)) int reserve_or_wait(struct ipcshm_ring *ring, size_t size,
						     void **data, uint64_t deadline)
{
	const struct ring_call call = { .attempt = attempt_reserve, .to = data, .size = size };

	return (int)finish(ring, attempt_reserve(ring, &call), &call, deadline);
}

int ipcshm_ring_reserve(struct ipcshm_ring *ring, size_t size, void **data, uint64_t deadline)
{
	int ret = refuse_put(ring, size);

	if (UNLIKELY(ret))
		return ret;
	/* Of no meaning unless something is held. */
	ring->held_size = size;
	if (deadline != IPCSHM_NOW)
		return reserve_or_wait(ring, size, data, deadline);
	return (int)at_once(ring_ops(ring)->reserve(ring, size, data));
}

int ipcshm_ring_commit(struct ipcshm_ring *ring, size_t size)
{
	int ret;

	if (UNLIKELY(ring->side != IPCSHM_RING_PRODUCER))
		return -EPERM;
	if (UNLIKELY(!ring->held))
		return -EINVAL;
	if (UNLIKELY(ring->item_size ? size != ring->item_size : size > ring->held_size))
		return -EMSGSIZE;
	ret = ring_ops(ring)->commit(ring, size);
	ring->held = NULL;
	return ret;
}

int ipcshm_ring_discard(struct ipcshm_ring *ring)
{
	int ret;

	if (ring->side != IPCSHM_RING_PRODUCER)
		return -EPERM;
	if (!ring->held)
		return -EINVAL;
	ret = ring_ops(ring)->undo(ring);
	ring->held = NULL;
	return ret;
}

static ssize_t attempt_peek(struct ipcshm_ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->peek(ring, call->to);
}

static __attribute__((noinline)) ssize_t peek_or_wait(struct ipcshm_ring *ring, const void **data,
						      uint64_t deadline)
{
	const struct ring_call call = { .attempt = attempt_peek, .to = data };

	return finish(ring, attempt_peek(ring, &call), &call, deadline);
}

ssize_t ipcshm_ring_peek(struct ipcshm_ring *ring, const void **data, uint64_t deadline)
{
	ssize_t ret = refuse(ring, IPCSHM_RING_CONSUMER);

	if (UNLIKELY(ret))
		return ret;
	if (deadline != IPCSHM_NOW)
		return peek_or_wait(ring, data, deadline);
	return at_once(ring_ops(ring)->peek(ring, data));
}

int ipcshm_ring_release(struct ipcshm_ring *ring)
{
	int ret;

	if (UNLIKELY(ring->side != IPCSHM_RING_CONSUMER))
		return -EPERM;
	if (UNLIKELY(!ring->held))
		return -EINVAL;
	ret = ring_ops(ring)->release(ring);
	ring->held = NULL;
	return ret;
}

/* 0: may so many items be put (got) at once? */
static int refuse_some(const struct ipcshm_ring *ring, uint32_t side, size_t number, bool all)
{
	uint32_t many = side == IPCSHM_RING_PRODUCER ? IPCSHM_RING_MULTI_PRODUCER :
						       IPCSHM_RING_MULTI_CONSUMER;
	uint64_t most = ring->capacity;
	int ret = refuse(ring, side);

	if (ret)
		return ret;
	if (!ring->item_size)
		return -EOPNOTSUPP;
	if (ring_has_many(ring, many) && most > IPCSHM_RING_BULK_MAX)
		most = IPCSHM_RING_BULK_MAX;
	return all && number > most ? -E2BIG : 0;
}

static ssize_t attempt_put_some(struct ipcshm_ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->put_some(ring, call->from, call->size, call->all);
}

static ssize_t put_some(struct ipcshm_ring *ring, const void *items, size_t number, bool all,
			uint64_t deadline)
{
	const struct ring_call call = { attempt_put_some, items, NULL, number, all };
	ssize_t ret = refuse_some(ring, IPCSHM_RING_PRODUCER, number, all);

	if (ret || !number)
		return ret;
	return finish(ring, attempt_put_some(ring, &call), &call, deadline);
}

ssize_t ipcshm_ring_put_bulk(struct ipcshm_ring *ring, const void *items, size_t count,
			     uint64_t deadline)
{
	return put_some(ring, items, count, true, deadline);
}

ssize_t ipcshm_ring_put_burst(struct ipcshm_ring *ring, const void *items, size_t count,
			      uint64_t deadline)
{
	return put_some(ring, items, count, false, deadline);
}

static ssize_t attempt_get_some(struct ipcshm_ring *ring, const struct ring_call *call)
{
	return ring_ops(ring)->get_some(ring, call->to, call->size, call->all);
}

static ssize_t get_some(struct ipcshm_ring *ring, void *items, size_t number, bool all,
			uint64_t deadline)
{
	const struct ring_call call = { attempt_get_some, NULL, items, number, all };
	ssize_t ret = refuse_some(ring, IPCSHM_RING_CONSUMER, number, all);

	if (ret || !number)
		return ret;
	return finish(ring, attempt_get_some(ring, &call), &call, deadline);
}

ssize_t ipcshm_ring_get_bulk(struct ipcshm_ring *ring, void *items, size_t count,
			     uint64_t deadline)
{
	return get_some(ring, items, count, true, deadline);
}

ssize_t ipcshm_ring_get_burst(struct ipcshm_ring *ring, void *items, size_t count,
			      uint64_t deadline)
{
	return get_some(ring, items, count, false, deadline);
}

/* As it was created: see fill_in(). */
static uint32_t flags_of(const struct ipcshm_ring *ring)
{
	uint32_t flags = ring->flags & IPCSHM_RING_OVERWRITE;

	if (ring->flags & RING_ANY_PRODUCERS)
		flags |= IPCSHM_RING_MULTI_PRODUCER;
	if (ring->flags & RING_ANY_CONSUMERS)
		flags |= IPCSHM_RING_MULTI_CONSUMER;
	return flags;
}

/* One producer of slots says seldom where it is. */
static uint64_t end_of(const struct ipcshm_ring *ring)
{
	if (ring->layout == IPCSHM_RING_SLOTS && !ring_has_many(ring, IPCSHM_RING_MULTI_PRODUCER))
		return ring_slot_end(ring);
	return atomic_load_explicit(&ring_shared(ring)->producer.position, memory_order_relaxed);
}

int ipcshm_ring_stat(const struct ipcshm_ring *ring, struct ipcshm_ring_stat *stat, size_t size)
{
	struct ring_shared *shared = ring_shared(ring);
	struct ring_counters *counters = &shared->counters;

	if (size != sizeof(*stat))
		return -EINVAL;
	*stat = (struct ipcshm_ring_stat) {
		.attr = {
			.layout = ring->layout,
			.flags = flags_of(ring),
			.capacity = ring->capacity,
			.item_size = ring->map ? (uint32_t)ring->stride : ring->item_size,
		},
		.put = end_of(ring),
		.got = atomic_load_explicit(&shared->consumer.position, memory_order_relaxed),
		.dropped = atomic_load_explicit(&counters->dropped, memory_order_relaxed),
		.skipped = atomic_load_explicit(&counters->skipped, memory_order_relaxed),
		.returned = atomic_load_explicit(&counters->returned, memory_order_relaxed),
		.wakes = atomic_load_explicit(&counters->wakes, memory_order_relaxed),
		.sleeps = atomic_load_explicit(&counters->sleeps, memory_order_relaxed),
	};
	return 0;
}
