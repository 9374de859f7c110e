// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Packed rings: items of one size, one beside the other, one producer and one
 * consumer.
 *
 *	consumer.position          producer.position
 *	       v                          v
 *	| free | item | item | item | item | free | free | free |
 *
 * The producer stores only its own position, after the items (P0), and the
 * consumer its own, after it is done with them (C0).  Each remembers how far the
 * other was, and looks again only when that is used up.
 *
 * Nothing of a death is to be seen: what wasn't published is not there, and the
 * successor begins where the position is.
 */
#include "ring.h"

static ALWAYS_INLINE unsigned char *item_at(const struct ring *ring, uint64_t position)
{
	return ring->data + (position & ring->mask) * ring->item_size;
}

static void recover_packed_producer(struct ring *ring)
{
	ring->position = atomic_load_explicit(&ring_shared(ring)->producer.position,
					      memory_order_acquire);
	ring->limit = ring->position;
	ring->ahead = (uint32_t)((RING_AHEAD + ring->stride - 1) / ring->stride);
}

static void recover_packed_consumer(struct ring *ring)
{
	ring->position = atomic_load_explicit(&ring_shared(ring)->consumer.position,
					      memory_order_acquire);
	ring->limit = ring->position;
}

/* How many items there is room for; or -EBADMSG. */
static __attribute__((noinline)) int64_t look_for_packed_room(struct ring *ring)
{
	/* C0: what the consumer had from there was read before it is overwritten. */
	uint64_t head = atomic_load_explicit(&ring_shared(ring)->consumer.position,
					     memory_order_acquire);

	if (ring->position - head > ring->capacity)
		return -EBADMSG;
	ring->limit = head + ring->capacity;
	return (int64_t)(ring->limit - ring->position);
}

static __attribute__((noinline)) int64_t look_for_packed_items(struct ring *ring)
{
	/* P0: the items were written before. */
	uint64_t tail = atomic_load_explicit(&ring_shared(ring)->producer.position,
					     memory_order_acquire);

	if (tail - ring->position > ring->capacity)
		return -EBADMSG;
	ring->limit = tail;
	return (int64_t)(ring->limit - ring->position);
}

/* The room, from the remembered position if that is enough for @want. */
static ALWAYS_INLINE int64_t count_packed_room(struct ring *ring, uint64_t want)
{
	uint64_t known = ring->limit - ring->position;

	return LIKELY(known >= want) ? (int64_t)known : look_for_packed_room(ring);
}

static ALWAYS_INLINE int64_t count_packed_items(struct ring *ring, uint64_t want)
{
	uint64_t known = ring->limit - ring->position;

	return LIKELY(known >= want) ? (int64_t)known : look_for_packed_items(ring);
}

/* P0, pairs with look_for_packed_items(). */
static ALWAYS_INLINE void advance_packed_producer(struct ring *ring, uint64_t more)
{
	ring->position += more;
	atomic_store_explicit(&ring_shared(ring)->producer.position, ring->position,
			      memory_order_release);
	ring_publish_items(ring, more);
}

/* C0, pairs with look_for_packed_room(). */
static ALWAYS_INLINE void advance_packed_consumer(struct ring *ring, uint64_t more)
{
	ring->position += more;
	atomic_store_explicit(&ring_shared(ring)->consumer.position, ring->position,
			      memory_order_release);
	ring_publish_room(ring, more);
}

/* @have of @want, if that will do; else -EAGAIN, or the error that @have is. */
static ALWAYS_INLINE int64_t limit_to_wanted(int64_t have, size_t want, bool all)
{
	if (have < 0)
		return have;
	if ((uint64_t)have >= want)
		return (int64_t)want;
	return all || !have ? -EAGAIN : have;
}

static int ready_to_put_packed(struct ring *ring, uint64_t wanted)
{
	int64_t have = limit_to_wanted(count_packed_room(ring, wanted), (size_t)wanted, true);

	return have < 0 ? (int)have : 0;
}

static int ready_to_get_packed(struct ring *ring, uint64_t wanted)
{
	int64_t have = limit_to_wanted(count_packed_items(ring, wanted), (size_t)wanted, true);

	return have < 0 ? (int)have : 0;
}

/* The item was written. */
static ALWAYS_INLINE void finish_packed_put(struct ring *ring)
{
	if (LIKELY(ring->limit - ring->position > ring->ahead))
		prepare_to_write(item_at(ring, ring->position + ring->ahead));
	advance_packed_producer(ring, 1);
}

static __attribute__((noinline)) int put_any_packed(struct ring *ring, const void *data)
{
	int64_t have = limit_to_wanted(count_packed_room(ring, 1), 1, true);

	if (have < 0)
		return (int)ring_refused(ring, (ssize_t)have, 1);
	copy_item(item_at(ring, ring->position), data, ring->item_size);
	finish_packed_put(ring);
	return 0;
}

static int put_packed(struct ring *ring, const void *data, size_t size)
{
	const uint64_t position = ring->position;

	(void)size;
	if (UNLIKELY(position == ring->limit || !is_few_words(ring->item_size)))
		return put_any_packed(ring, data);
	copy_words(item_at(ring, position), data, ring->item_size);
	finish_packed_put(ring);
	return 0;
}

static __attribute__((noinline)) ssize_t get_any_packed(struct ring *ring, void *data)
{
	int64_t have = limit_to_wanted(count_packed_items(ring, 1), 1, true);

	if (have < 0)
		return ring_refused(ring, (ssize_t)have, 1);
	copy_item(data, item_at(ring, ring->position), ring->item_size);
	advance_packed_consumer(ring, 1);
	return (ssize_t)ring->item_size;
}

static ssize_t get_packed(struct ring *ring, void *data, size_t size)
{
	const uint64_t position = ring->position;
	const uint32_t item_size = ring->item_size;

	(void)size;
	if (UNLIKELY(position == ring->limit || !is_few_words(item_size)))
		return get_any_packed(ring, data);
	copy_words(data, item_at(ring, position), item_size);
	advance_packed_consumer(ring, 1);
	return (ssize_t)item_size;
}

/* How many of @count items lie together from the position on. */
static size_t before_wrap(const struct ring *ring, size_t count)
{
	uint64_t straight = ring->capacity - (ring->position & ring->mask);

	return count < straight ? count : (size_t)straight;
}

static ssize_t put_some_packed(struct ring *ring, const void *from, size_t want, bool all)
{
	int64_t have = limit_to_wanted(count_packed_room(ring, want), want, all);
	size_t first;

	if (have < 0)
		return (ssize_t)have;
	first = before_wrap(ring, (size_t)have);
	memcpy(item_at(ring, ring->position), from, first * ring->item_size);
	memcpy(ring->data, (const unsigned char *)from + first * ring->item_size,
	       ((size_t)have - first) * ring->item_size);
	advance_packed_producer(ring, (uint64_t)have);
	return (ssize_t)have;
}

static ssize_t get_some_packed(struct ring *ring, void *to, size_t want, bool all)
{
	int64_t have = limit_to_wanted(count_packed_items(ring, want), want, all);
	size_t first;

	if (have < 0)
		return (ssize_t)have;
	first = before_wrap(ring, (size_t)have);
	memcpy(to, item_at(ring, ring->position), first * ring->item_size);
	memcpy((unsigned char *)to + first * ring->item_size, ring->data,
	       ((size_t)have - first) * ring->item_size);
	advance_packed_consumer(ring, (uint64_t)have);
	return (ssize_t)have;
}

static int reserve_packed(struct ring *ring, size_t size, void **data)
{
	int64_t have = limit_to_wanted(count_packed_room(ring, 1), 1, true);

	(void)size;
	if (UNLIKELY(have < 0))
		return (int)ring_refused(ring, (ssize_t)have, 1);
	ring->held = item_at(ring, ring->position);
	*data = ring->held;
	return 0;
}

static int commit_packed(struct ring *ring, size_t size)
{
	(void)size;
	ring->held = NULL;
	advance_packed_producer(ring, 1);
	return 0;
}

static ssize_t peek_packed(struct ring *ring, const void **data)
{
	int64_t have = limit_to_wanted(count_packed_items(ring, 1), 1, true);

	if (UNLIKELY(have < 0))
		return ring_refused(ring, (ssize_t)have, 1);
	ring->held = item_at(ring, ring->position);
	*data = ring->held;
	return (ssize_t)ring->item_size;
}

static int release_packed(struct ring *ring)
{
	ring->held = NULL;
	advance_packed_consumer(ring, 1);
	return 0;
}

static int packed_geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes)
{
	if (attr->flags & RING_CLAIMS || !attr->item_size)
		return -EINVAL;
	*stride = attr->item_size;
	*bytes = attr->capacity * attr->item_size;
	return 0;
}

/* No item is looked at before it was written. */
static void format_packed(const struct ipcshm_ring_attr *attr, unsigned char *data, uint64_t stride)
{
	(void)attr;
	(void)data;
	(void)stride;
}

static const struct ring_ops producer = {
	.recover = recover_packed_producer,
	.ready = ready_to_put_packed,
	.put = put_packed,
	.get = ring_not_consumer,
	.put_some = put_some_packed,
	.reserve = reserve_packed,
	.commit = commit_packed,
	.undo = ring_nothing_to_undo,
};

static const struct ring_ops consumer = {
	.recover = recover_packed_consumer,
	.ready = ready_to_get_packed,
	.put = ring_not_producer,
	.get = get_packed,
	.get_some = get_some_packed,
	.peek = peek_packed,
	.release = release_packed,
	.undo = ring_nothing_to_undo,
};

const struct ring_layout ring_packed = {
	.one_producer = &producer,
	.one_consumer = &consumer,
	.geometry = packed_geometry,
	.format = format_packed,
};
