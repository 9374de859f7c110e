// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Slot rings: one producer, one consumer.  See ring_slot.h.
 */
#include "ring_slot.h"

/* One producer. */

/*
 * Sets ring->limit, the first position that may not be used yet; false: the ring is
 * damaged.  With many consumers, slots become free in any order: only the next is
 * looked at.
 */
static __attribute__((noinline)) bool look_for_free_slots(struct ring *ring)
{
	uint64_t head;

	if (ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER)) {
		if (load_slot_word(slot_at(ring, ring->position)) ==
		    make_slot_word(ring, ring->position, FREE, 0))
			ring->limit = ring->position + 1;
		return true;
	}
	head = load_hint(&ring_shared(ring)->consumer);
	if (ring->position - head > ring->capacity)
		return false;
	ring->limit = head + ring->capacity;
	return true;
}

static ALWAYS_INLINE int await_free_slot(struct ring *ring)
{
	if (LIKELY(ring->position != ring->limit))
		return 0;
	if (!look_for_free_slots(ring))
		return -EBADMSG;
	return ring->position != ring->limit ? 0 : -EAGAIN;
}

/* W0 */
static ALWAYS_INLINE void make_slot_ready(struct ring *ring, struct slot *slot)
{
	const uint64_t position = ring->position;

	atomic_store_explicit(&slot->word, make_slot_word(ring, position, READY, 0),
			      memory_order_release);
	ring->position = position + 1;
}

static ALWAYS_INLINE void store_slot_position(struct ring *ring, struct ring_side *side)
{
	atomic_store_explicit(&side->position, ring->position, memory_order_release);
}

/*
 * A store more for each item, to another line, is half as much work again.  It is for a
 * successor only, which looks on from there: less than a lap.
 */
#define NOTE_EACH	64	/* items */

static ALWAYS_INLINE void note_position(struct ring *ring, uint64_t more)
{
	if (UNLIKELY((ring->position & ring->mask & (NOTE_EACH - 1)) < more))
		store_slot_position(ring, &ring_shared(ring)->producer);
}

static ALWAYS_INLINE void prepare_next(const struct ring *ring)
{
	if (LIKELY(ring->limit - ring->position > ring->ahead))
		prepare_to_write((unsigned char *)slot_at(ring, ring->position + ring->ahead));
}

/* There is room, and the item was written to @slot. */
static ALWAYS_INLINE void finish_slot_put(struct ring *ring, struct slot *slot)
{
	make_slot_ready(ring, slot);
	note_position(ring, 1);
	prepare_next(ring);
	ring_publish_items(ring, 1);
}

static __attribute__((noinline)) int put_any_slot(struct ring *ring, const void *data)
{
	int ret = await_free_slot(ring);
	struct slot *slot;

	if (ret)
		return (int)ring_refused(ring, ret, 1);
	slot = slot_at(ring, ring->position);
	copy_item(slot->item, data, ring->item_size);
	finish_slot_put(ring, slot);
	return 0;
}

static int put_slot(struct ring *ring, const void *data, size_t size)
{
	const uint64_t position = ring->position;
	struct slot *slot = slot_at(ring, position);

	(void)size;
	if (UNLIKELY(position == ring->limit || !is_few_words(ring->item_size)))
		return put_any_slot(ring, data);
	copy_words(slot->item, data, ring->item_size);
	finish_slot_put(ring, slot);
	return 0;
}

/* Is there room for so many?  A word is looked at for each that isn't known of. */
static bool has_room_for(struct ring *ring, uint64_t want)
{
	uint64_t position = ring->position;
	bool sound = true;

	if (ring->limit - position >= want)
		return true;
	if (!ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER)) {
		sound = look_for_free_slots(ring);
		return sound && ring->limit - position >= want;
	}
	while (ring->limit - position < want &&
	       load_slot_word(slot_at(ring, ring->limit)) ==
		       make_slot_word(ring, ring->limit, FREE, 0))
		ring->limit++;
	return ring->limit - position >= want;
}

static ssize_t put_some_of_one(struct ring *ring, const void *items, size_t want, bool all)
{
	const unsigned char *from = items;
	int ret = await_free_slot(ring);
	struct slot *slot;
	uint64_t done, some;
	uint64_t have;
	uint64_t i;

	if (ret)
		return ret;
	if (!has_room_for(ring, want) && all)
		return -EAGAIN;
	have = ring->limit - ring->position;
	if (have > want)
		have = want;
	for (done = 0; done < have; done += some) {
		some = have - done < NOTE_EACH ? have - done : NOTE_EACH;
		for (i = 0; i < some; i++, from += ring->item_size) {
			slot = slot_at(ring, ring->position);
			copy_item(slot->item, from, ring->item_size);
			make_slot_ready(ring, slot);
			prepare_next(ring);
		}
		note_position(ring, some);
	}
	ring_publish_items(ring, have);
	return (ssize_t)have;
}

static int reserve_slot(struct ring *ring, size_t size, void **data)
{
	int ret = await_free_slot(ring);
	struct slot *slot;

	(void)size;
	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, 1);
	slot = slot_at(ring, ring->position);
	ring->held = slot;
	*data = slot->item;
	return 0;
}

static int commit_slot(struct ring *ring, size_t size)
{
	struct slot *slot = ring->held;

	(void)size;
	ring->held = NULL;
	finish_slot_put(ring, slot);
	return 0;
}

/*
 * The first position that isn't made ready: on from the one that was noted, over slots that
 * were made ready and may have been consumed since.  A position is noted each NOTE_EACH items.
 */
uint64_t ring_slot_end(const struct ring *ring)
{
	uint64_t position = load_hint(&ring_shared(ring)->producer);
	uint64_t i;

	for (i = 0; i <= 3 * NOTE_EACH; i++, position++)
		if (!is_beyond(load_slot_word(slot_at(ring, position)),
			       make_slot_word(ring, position, FREE, 0)))
			break;
	return position;
}

static int ready_to_put_slots(struct ring *ring, uint64_t wanted)
{
	int ret = await_free_slot(ring);

	if (ret)
		return ret;
	return has_room_for(ring, wanted < ring->capacity ? wanted : ring->capacity) ? 0 : -EAGAIN;
}

static void recover_slot_producer(struct ring *ring)
{
	uint64_t position = ring_slot_end(ring);

	ring->position = position;
	ring->limit = position;
	ring->ahead = (uint32_t)((RING_AHEAD + ring->stride - 1) / ring->stride);
	store_slot_position(ring, &ring_shared(ring)->producer);
}

/* One consumer. */

/* C0, pairs with look_for_free_slots() and may_claim(). */
static ALWAYS_INLINE void advance_slot_consumer(struct ring *ring, uint64_t more)
{
	ring->position += more;
	store_slot_position(ring, &ring_shared(ring)->consumer);
	ring_publish_room(ring, more);
}

/* The next slot isn't ready: is that to be skipped?  Each step is progress. */
static __attribute__((noinline)) bool skip_one(struct ring *ring)
{
	struct slot *slot = slot_at(ring, ring->position);
	uint64_t word = load_slot_word(slot);

	if (word_is(word, make_slot_word(ring, ring->position, PADDING, 0))) {
		advance_slot_consumer(ring, 1);
		return true;
	}
	if (is_beyond(word, make_slot_word(ring, ring->position, FREE, 0)) &&
	    (skip_if_gone(ring, slot, ring->position, word) ||
	     await_claimed(ring, slot, ring->position, word)))
		return true;
	ring->missed = ring->position;
	return false;
}

static ALWAYS_INLINE bool is_ready(const struct ring *ring)
{
	return load_slot_word(slot_at(ring, ring->position)) ==
	       make_slot_word(ring, ring->position, READY, 0);
}

static ALWAYS_INLINE int await_item(struct ring *ring)
{
	uint64_t tries;

	if (LIKELY(is_ready(ring)))
		return 0;
	for (tries = 0; tries < RING_STEPS; tries++) {
		if (!skip_one(ring))
			return -EAGAIN;
		if (is_ready(ring))
			return 0;
	}
	return -EALREADY;
}

static __attribute__((noinline)) ssize_t get_any_slot(struct ring *ring, void *data)
{
	int ret = await_item(ring);

	if (ret)
		return ring_refused(ring, ret, 1);
	copy_item(data, slot_at(ring, ring->position)->item, ring->item_size);
	advance_slot_consumer(ring, 1);
	return (ssize_t)ring->item_size;
}

static ssize_t get_slot(struct ring *ring, void *data, size_t size)
{
	const uint32_t item_size = ring->item_size;

	(void)size;
	if (UNLIKELY(!is_ready(ring) || !is_few_words(item_size)))
		return get_any_slot(ring, data);
	copy_words(data, slot_at(ring, ring->position)->item, item_size);
	advance_slot_consumer(ring, 1);
	return (ssize_t)item_size;
}

/* How many are ready, of @want; @span: so many slots on, since some are skipped. */
static size_t how_many_ready(struct ring *ring, size_t want, uint64_t *span)
{
	uint64_t most = want + (1U << 15);	/* as many are skipped as a claim has room for */
	size_t have = 0;
	uint64_t i;

	if (most > ring->capacity)
		most = ring->capacity;
	for (i = 0; i < most && have < want; i++) {
		uint64_t position = ring->position + i;
		struct slot *slot = slot_at(ring, position);
		uint64_t word = load_slot_word(slot);

		/* Its owner may have made it ready in the end. */
		if (skip_if_gone(ring, slot, position, word))
			word = load_slot_word(slot);
		if (word == make_slot_word(ring, position, READY, 0))
			have++;
		else if (!word_is(word, make_slot_word(ring, position, PADDING, 0)))
			break;
	}
	*span = i;
	return have;
}

/* @have of the next @span; false: another process has written to their words. */
static bool copy_ready(struct ring *ring, unsigned char *to, size_t have, uint64_t span)
{
	uint64_t i;

	for (i = 0; i < span && have; i++) {
		uint64_t position = ring->position + i;
		struct slot *slot = slot_at(ring, position);

		if (load_slot_word(slot) != make_slot_word(ring, position, READY, 0))
			continue;
		copy_item(to, slot->item, ring->item_size);
		to += ring->item_size;
		have--;
	}
	return !have;
}

static ssize_t get_some_of_one(struct ring *ring, void *items, size_t want, bool all)
{
	int ret = await_item(ring);
	uint64_t span;
	size_t have;

	if (ret)
		return ret;
	have = how_many_ready(ring, want, &span);
	if (all && have < want)
		return -EAGAIN;
	if (!copy_ready(ring, items, have, span))
		return -EBADMSG;
	advance_slot_consumer(ring, span);
	return (ssize_t)have;
}

static int ready_to_get_slots(struct ring *ring, uint64_t wanted)
{
	int ret = await_item(ring);
	uint64_t span;

	if (ret)
		return ret;
	return how_many_ready(ring, (size_t)wanted, &span) == wanted ? 0 : -EAGAIN;
}

static ssize_t peek_slot(struct ring *ring, const void **data)
{
	int ret = await_item(ring);

	if (UNLIKELY(ret))
		return ring_refused(ring, ret, 1);
	ring->held = slot_at(ring, ring->position);
	*data = ((struct slot *)ring->held)->item;
	return (ssize_t)ring->item_size;
}

static int release_slot(struct ring *ring)
{
	ring->held = NULL;
	advance_slot_consumer(ring, 1);
	return 0;
}

static void recover_slot_consumer(struct ring *ring)
{
	ring->position = load_hint(&ring_shared(ring)->consumer);
}

/* Making one. */

static uint64_t stride_of(uint64_t item_size)
{
	uint64_t bytes = sizeof(struct slot) + item_size;
	uint64_t stride = 16;

	if (bytes > 64)
		return (bytes + 63) & ~(uint64_t)63;
	while (stride < bytes)
		stride *= 2;
	return stride;
}

static int slot_geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes)
{
	if (!attr->item_size)
		return -EINVAL;
	*stride = stride_of(attr->item_size);
	*bytes = attr->capacity * *stride;
	return 0;
}

static void format_slots(const struct ipcshm_ring_attr *attr, unsigned char *data, uint64_t stride)
{
	uint64_t i;

	for (i = 0; i < attr->capacity; i++)
		atomic_init(&((struct slot *)(data + i * stride))->word, 0);
}

static const struct ring_ops one_producer = {
	.recover = recover_slot_producer,
	.ready = ready_to_put_slots,
	.put = put_slot,
	.get = ring_not_consumer,
	.put_some = put_some_of_one,
	.reserve = reserve_slot,
	.commit = commit_slot,
	.undo = ring_nothing_to_undo,
};

static const struct ring_ops one_consumer = {
	.recover = recover_slot_consumer,
	.ready = ready_to_get_slots,
	.put = ring_not_producer,
	.get = get_slot,
	.get_some = get_some_of_one,
	.peek = peek_slot,
	.release = release_slot,
	.undo = ring_nothing_to_undo,
};

const struct ring_layout ring_slots = {
	.one_producer = &one_producer,
	.many_producers = &ring_slot_many_producers,
	.overwriting_producers = &ring_slot_overwriting_producers,
	.one_consumer = &one_consumer,
	.many_consumers = &ring_slot_many_consumers,
	.geometry = slot_geometry,
	.format = format_slots,
};
