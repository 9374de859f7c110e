// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings: making one, attaching to it, and what it is and has done.
 *
 * From the top: ring_open.c; ring.c and ring_call.c; ring_wait.c and the layouts
 * (ring_slot_*.c, ring_record_*.c, ring_packed.c, ring_chunk.c); ring_refuse.c;
 * ring_seat.c; ring_gate.c.  Each file calls only those after it, and layouts through
 * struct ring_ops.
 */
#include "ring_seat.h"

#define CAPACITY_MAX	(1ULL << 31)	/* items */
#define BYTES_MAX	(1ULL << 32)
#define ITEM_MAX	(1U << 24)
#define HANDLES_MAX	256U
#define HANDLES_USUAL	64U

/* The smallest struct ipcshm_ring_status that a caller has: that of the first version. */
#define STATUS_SIZE_1	96U

#define KNOWN_FLAGS	(RING_CLAIMS | (uint32_t)IPCSHM_RING_HANGUP)

/* Producers that overwrite compete with consumers: all of them have to claim. */
#define CLAIMING_PRODUCER	(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_OVERWRITE)
#define CLAIMING_CONSUMER	(IPCSHM_RING_MULTI_CONSUMER | IPCSHM_RING_OVERWRITE)

/* The layout of a ring's data. */
struct extent {
	const struct ring_layout *layout;
	uint64_t stride;
	uint64_t bytes;
	uint32_t producers, consumers;	/* seats */
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

static uint32_t handles_of(const struct ipcshm_ring_attr *attr)
{
	return attr->handles ? attr->handles : HANDLES_USUAL;
}

static int ring_extent(const struct ipcshm_ring_attr *attr, struct extent *extent)
{
	static const struct ipcshm_ring_attr none;
	int ret;

	extent->layout = layout_of(attr->layout);
	if (!extent->layout || attr->flags & ~KNOWN_FLAGS || attr->item_size > ITEM_MAX ||
	    attr->handles > HANDLES_MAX ||
	    attr->capacity < 2 || attr->capacity & (attr->capacity - 1) ||
	    memcmp(attr->reserved, none.reserved, sizeof(none.reserved)))
		return -EINVAL;
	if (attr->capacity > (counts_bytes(attr) ? BYTES_MAX : CAPACITY_MAX))
		return -EINVAL;
	extent->producers = attr->flags & IPCSHM_RING_MULTI_PRODUCER ? handles_of(attr) : 1;
	extent->consumers = attr->flags & IPCSHM_RING_MULTI_CONSUMER ? handles_of(attr) : 1;
	ret = extent->layout->geometry(attr, &extent->stride, &extent->bytes);
	if (ret)
		return ret;
	return extent->bytes > SIZE_MAX / 2 ? -EINVAL : 0;
}

static size_t align_size(size_t size)
{
	return (size + RING_ALIGN - 1) & ~(size_t)(RING_ALIGN - 1);
}

/* Bytes before the data. */
static size_t header_size(const struct extent *extent)
{
	size_t seats = extent->producers + extent->consumers;

	return align_size(sizeof(struct ring_shared) + seats * sizeof(struct ring_seat));
}

static size_t size_of(const struct extent *extent)
{
	return header_size(extent) + align_size((size_t)extent->bytes);
}

int ipcshm_ring_size(const struct ipcshm_ring_attr *attr, size_t *size)
{
	struct extent extent;
	int ret = ring_extent(attr, &extent);

	if (!ret)
		*size = size_of(&extent);
	return ret;
}

static unsigned char *data_of(struct ring_shared *shared, const struct extent *extent)
{
	return (unsigned char *)shared + header_size(extent);
}

/* A ring of chunks begins with one: of a region the rest needn't be there yet. */
static int make_exist(const struct ipcshm_area *area, const struct ipcshm_ring_attr *attr,
		      const struct extent *extent, struct ring_shared *shared)
{
	uint64_t places = attr->capacity / extent->stride;
	uint64_t later = 0;
	uint64_t chunk = extent->stride;

	if (attr->layout == IPCSHM_RING_CHUNKS)
		later = (places - 1) * (chunk + chunk / 32 * sizeof(uint64_t));
	return ring_region_grow(area, data_of(shared, extent) + extent->bytes - later);
}

/* The position at which a new ring begins: that of records of many is in granules, in lap 1. */
static uint64_t first_position(const struct ipcshm_ring_attr *attr)
{
	if (attr->layout == IPCSHM_RING_CHUNKS)
		return attr->item_size / 32;
	if (attr->layout == IPCSHM_RING_RECORDS && attr->flags & RING_CLAIMS)
		return attr->capacity / 32;
	return 0;
}

/* Consumers claim by moving the head. */
static bool has_head(const struct ipcshm_ring_attr *attr)
{
	return attr->flags & CLAIMING_CONSUMER || first_position(attr);
}

static void set_positions(struct ring_shared *shared, const struct ipcshm_ring_attr *attr)
{
	uint64_t first = first_position(attr);

	atomic_init(&shared->producer.position, first);
	atomic_init(&shared->consumer.position,
		    has_head(attr) ? make_head(first, RING_NO_SEAT) : first);
	atomic_init(&shared->consumer.reclaimed, first);
}

int ipcshm_ring_create(const struct ipcshm_area *area, uint64_t offset,
		       const struct ipcshm_ring_attr *attr)
{
	struct ring_shared *shared;
	struct extent extent;
	size_t size;
	int ret;

	ret = ring_extent(attr, &extent);
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
	/* An atomic store of its own: a process that waits for the ring may load it at once. */
	atomic_store_explicit(&shared->geometry.magic, 0, memory_order_relaxed);
	memset(&shared->geometry.magic + 1, 0,
	       header_size(&extent) - sizeof(shared->geometry.magic));
	extent.layout->format(attr, data_of(shared, &extent), extent.stride);
	set_positions(shared, attr);
	shared->geometry.version = RING_VERSION;
	shared->geometry.layout = attr->layout;
	shared->geometry.flags = attr->flags;
	shared->geometry.capacity = attr->capacity;
	shared->geometry.item_size = attr->item_size;
	shared->geometry.handles = attr->handles;
	/* Pairs with read_geometry(): a process that loads it sees all of the ring. */
	atomic_store_explicit(&shared->geometry.magic, RING_MAGIC, memory_order_release);
	ipcshm_area_wake(area, (const uint32_t *)&shared->geometry.magic, INT32_MAX);
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
		.handles = hostile->handles,
	};
	return 0;
}

/* Flags by which the layouts decide: the attr's, and what they come to. */
static uint32_t flags_for(const struct ipcshm_ring_attr *attr)
{
	uint32_t flags = attr->flags;

	if (flags & IPCSHM_RING_MULTI_PRODUCER)
		flags |= RING_ANY_PRODUCERS;
	if (flags & IPCSHM_RING_MULTI_CONSUMER)
		flags |= RING_ANY_CONSUMERS;
	if (attr->layout == IPCSHM_RING_RECORDS && flags & RING_CLAIMS) {
		if (!(flags & CLAIMING_PRODUCER))
			flags |= RING_LONE_PRODUCER;
		if (!(flags & CLAIMING_CONSUMER))
			flags |= RING_LONE_CONSUMER;
	}
	/* All handles claim, be it one or many. */
	if (flags & IPCSHM_RING_OVERWRITE || first_position(attr))
		flags |= IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER;
	return flags;
}

static const struct ring_ops *producer_ops(const struct ring *ring,
					   const struct ring_layout *layout)
{
	if (ring_has_many(ring, IPCSHM_RING_OVERWRITE))
		return layout->overwriting_producers;
	if (ring_has_many(ring, RING_LONE_PRODUCER))
		return layout->lone_producer;
	return ring_has_many(ring, IPCSHM_RING_MULTI_PRODUCER) ? layout->many_producers :
								 layout->one_producer;
}

static const struct ring_ops *consumer_ops(const struct ring *ring,
					   const struct ring_layout *layout)
{
	if (!ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER))
		return layout->one_consumer;
	return ring_has_many(ring, RING_LONE_CONSUMER) ? layout->lone_consumer :
							 layout->many_consumers;
}

static void fill_in(struct ring *ring, const struct ipcshm_ring_attr *attr,
		    const struct extent *extent)
{
	bool producer = ring->side == IPCSHM_RING_PRODUCER;

	ring->data = data_of(ring->shared, extent);
	ring->capacity = attr->capacity;
	ring->mask = attr->capacity - 1;
	ring->shift = (uint32_t)__builtin_ctzll(attr->capacity);
	ring->stride = extent->stride;
	ring->producers = extent->producers;
	ring->consumers = extent->consumers;
	ring->item_size = attr->item_size;
	ring->layout = attr->layout;
	ring->flags = flags_for(attr);
	ring->serving = RING_NO_SEAT;
	ring->ops = producer ? producer_ops(ring, extent->layout) :
			       consumer_ops(ring, extent->layout);
}

static int attach_layout(struct ring *ring, const struct ipcshm_ring_attr *attr)
{
	int ret = attr->layout == IPCSHM_RING_CHUNKS ? ring_chunk_attach(ring) : 0;

	if (!ret && first_position(attr))
		ring_record_multi_attach(ring);
	ring->wanted = ring->item_size ? 1 : 0;
	return ret;
}

/* Peers that wait for one see it. */
static void announce_peer(struct ring *ring)
{
	atomic_fetch_add_explicit(&ring_own_side(ring)->attached, 1, memory_order_release);
	ring_gate_open(ring, ring_other_gate(ring), INT32_MAX);
}

int ipcshm_ring_attach(struct ipcshm_ring *handle, const struct ipcshm_area *area, uint64_t offset,
		       uint32_t side)
{
	struct ring_shared *shared = ipcshm_area_at(area, offset, sizeof(*shared), RING_ALIGN);
	struct ring *ring = ring_of(handle);
	struct ipcshm_ring_attr attr;
	struct extent extent;
	int ret;

	if (!shared || (side != IPCSHM_RING_PRODUCER && side != IPCSHM_RING_CONSUMER))
		return -EINVAL;
	ret = read_geometry(&shared->geometry, &attr);
	if (ret)
		return ret;
	if (ring_extent(&attr, &extent) ||
	    !ipcshm_area_at(area, offset, size_of(&extent), RING_ALIGN))
		return -EPROTO;
	/* The memory exists that the ring needs; what is mapped stays. */
	if (attr.layout != IPCSHM_RING_CHUNKS && offset + size_of(&extent) > ring_area_bytes(area))
		return -EPROTO;
	*ring = (struct ring) {
		.area = area,
		.shared = shared,
		.side = side,
		.token = ipcshm_area_token(area),
		.token_at = area->token,
	};
	if (!ring->token)
		return area_no_token(area);
	fill_in(ring, &attr, &extent);
	ret = attach_layout(ring, &attr);
	if (!ret)
		ret = ring_seat_take(ring);
	if (ret)
		return ret;
	ring_wait_init(ring);
	ring_ops(ring)->recover(ring);
	announce_peer(ring);
	return 0;
}

void ipcshm_ring_detach(struct ipcshm_ring *handle)
{
	struct ring *ring = ring_of(handle);
	bool returns = ring->inherited;

	/* A child's copy of its parent's handle. */
	if (!ring_is_own(ring))
		return;
	if (ring->held) {
		ring_ops(ring)->undo(ring);
		returns = true;
	}
	ring->held = NULL;
	ring_seat_leave(ring);
	if (returns) {
		atomic_fetch_add_explicit(&ring_shared(ring)->consumer.returned, 1,
					  memory_order_release);
		ring_publish_claimed(ring, INT32_MAX);
	}
	if (ring->flags & IPCSHM_RING_HANGUP)
		ring_gate_open(ring, ring_other_gate(ring), INT32_MAX);
}

/* As it was created: see flags_for(). */
static uint32_t flags_of(const struct ring *ring)
{
	uint32_t flags = ring->flags & (IPCSHM_RING_OVERWRITE | IPCSHM_RING_HANGUP);

	if (ring->flags & RING_ANY_PRODUCERS)
		flags |= IPCSHM_RING_MULTI_PRODUCER;
	if (ring->flags & RING_ANY_CONSUMERS)
		flags |= IPCSHM_RING_MULTI_CONSUMER;
	return flags;
}

/* One producer of slots stores its position only now and then. */
static uint64_t ring_end(const struct ring *ring)
{
	if (ring->layout == IPCSHM_RING_SLOTS && !ring_has_many(ring, IPCSHM_RING_MULTI_PRODUCER))
		return ring_slot_end(ring);
	return atomic_load_explicit(&ring_shared(ring)->producer.position, memory_order_relaxed);
}

static uint64_t ring_begin(const struct ring *ring)
{
	uint64_t position = atomic_load_explicit(&ring_shared(ring)->consumer.position,
						 memory_order_relaxed);

	return ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER) ? head_position(position) : position;
}

/* Positions of records of many are in granules of 32 bytes. */
static uint64_t amount_at(const struct ring *ring, const struct ipcshm_ring_attr *attr,
			  uint64_t position)
{
	uint64_t first = first_position(attr);

	(void)ring;
	return first ? (position - first) * 32 : position;
}

static void fill_in_attr(const struct ring *ring, struct ipcshm_ring_attr *attr)
{
	*attr = (struct ipcshm_ring_attr) {
		.layout = ring->layout,
		.flags = flags_of(ring),
		.capacity = ring->capacity,
		.item_size = ring->map ? (uint32_t)ring->stride : ring->item_size,
	};
	if (attr->flags & (IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER))
		attr->handles = attr->flags & IPCSHM_RING_MULTI_PRODUCER ? ring->producers :
									   ring->consumers;
}

int ipcshm_ring_get_stat(const struct ipcshm_ring *handle, struct ipcshm_ring_status *status,
			 size_t size)
{
	const struct ring *ring = (const struct ring *)handle;
	struct ring_shared *shared = ring_shared(ring);
	struct ring_counters *counters = &shared->counters;
	struct ipcshm_ring_status all = {
		.dropped = ring_seats_dropped(ring),
		.skipped = atomic_load_explicit(&counters->skipped, memory_order_relaxed),
		.returned = atomic_load_explicit(&counters->returned, memory_order_relaxed),
		.wakes = atomic_load_explicit(&counters->wakes, memory_order_relaxed),
		.sleeps = atomic_load_explicit(&counters->sleeps, memory_order_relaxed),
		.producers = ring_seats_taken(ring, IPCSHM_RING_PRODUCER),
		.consumers = ring_seats_taken(ring, IPCSHM_RING_CONSUMER),
	};

	if (size < STATUS_SIZE_1)
		return -EINVAL;
	fill_in_attr(ring, &all.attr);
	all.put = amount_at(ring, &all.attr, ring_end(ring));
	all.got = amount_at(ring, &all.attr, ring_begin(ring));
	/* The structure of an older caller ends earlier; that of a newer one ends in zeroes. */
	memset(status, 0, size);
	memcpy(status, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}
