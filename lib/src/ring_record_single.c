// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Record rings of one producer and one consumer: records of any size, one behind the
 * other, each with a header.
 *
 *	0      4        8        12       16
 *	| state | extent | length | unused | data ...          | next header
 *	         <------------- extent, a multiple of 16 ----->
 *
 * Positions count bytes.  A record is in one piece: where it doesn't fit before the
 * end, PADDING goes there and the record begins at 0.  An EMPTY header follows
 * the last record: a consumer finds all data in the header that it has come to,
 * and for a small record one cache line moves.
 *
 *	EMPTY -> RECORD_READY, or PADDING
 *
 * The producer makes a record RECORD_READY at once, and a successor begins at the EMPTY
 * header.  The consumer stores its position when it is done with a record, and changes
 * no header.  With many producers or consumers, records lie otherwise: ring_record_multi.h.
 *
 * Barriers: states are stored with release and loaded with acquire (H).
 * RECORD_READY, PADDING (H0): header and data, and the EMPTY header that follows, were
 * written before; pairs with the consumer's load.
 * The consumer's position (C0): the records were read before they are overwritten; pairs
 * with the load in look_for_record_room().
 */
#include "ring.h"

struct record {
	_Atomic uint32_t state;
	_Atomic uint32_t extent;
	_Atomic uint32_t length;
	uint32_t unused;
	unsigned char data[];
};

#define RECORD_HEADER	((uint64_t)sizeof(struct record))

#define EMPTY	0U
#define RECORD_READY	1U
#define PADDING	2U

/* The record that the producer is about to publish. */
struct room {
	uint64_t start;		/* position of the padding, if there is any, or the record */
	uint64_t padding;	/* bytes */
	uint64_t extent;	/* bytes */
};

static ALWAYS_INLINE struct record *record_at(const struct ring *ring, uint64_t position)
{
	return (struct record *)(ring->data + (position & ring->mask));
}

/* How many bytes lie together from @position on. */
static ALWAYS_INLINE uint64_t straight_at(const struct ring *ring, uint64_t position)
{
	return ring->mask + 1 - (position & ring->mask);
}

static ALWAYS_INLINE uint32_t load_state(const struct record *record)
{
	return atomic_load_explicit(&record->state, memory_order_acquire);
}

static ALWAYS_INLINE void store_state(struct record *record, uint32_t state)
{
	atomic_store_explicit(&record->state, state, memory_order_release);
}

static ALWAYS_INLINE void store_record_position(_Atomic uint64_t *position, uint64_t value)
{
	atomic_store_explicit(position, value, memory_order_release);
}

/* The extent of the record at @position; 0 if the ring is damaged. */
static ALWAYS_INLINE uint64_t extent_at(const struct ring *ring, uint64_t position)
{
	uint64_t extent = atomic_load_explicit(&record_at(ring, position)->extent,
					       memory_order_relaxed);
	uint64_t straight = straight_at(ring, position);

	return extent < RECORD_HEADER || extent % RECORD_HEADER || extent > straight ? 0 : extent;
}

static ALWAYS_INLINE uint64_t record_extent(uint64_t length)
{
	return (RECORD_HEADER + length + RECORD_HEADER - 1) & ~(RECORD_HEADER - 1);
}

/* With the header that follows, it has to fit wherever the ring is when it is empty. */
static ALWAYS_INLINE uint64_t record_length_max(const struct ring *ring)
{
	return (ring->mask + 1) / 2 - 2 * RECORD_HEADER;
}

static void set_header(struct record *record, uint64_t extent, uint64_t length)
{
	atomic_store_explicit(&record->extent, (uint32_t)extent, memory_order_relaxed);
	atomic_store_explicit(&record->length, (uint32_t)length, memory_order_relaxed);
}

/* Producers. */

static struct room room_for(const struct ring *ring, uint64_t tail, uint64_t length)
{
	uint64_t straight = straight_at(ring, tail);
	uint64_t extent = record_extent(length);

	return (struct room) {
		.start = tail,
		.padding = extent > straight ? straight : 0,
		.extent = extent,
	};
}

/* The position after it, and after the header that follows. */
static uint64_t end_of_room(const struct room *room)
{
	return room->start + room->padding + room->extent + RECORD_HEADER;
}

/* Sets ring->limit, before which positions are free; 0 or -EBADMSG. */
static __attribute__((noinline)) int look_for_record_room(struct ring *ring, uint64_t tail)
{
	uint64_t head = load_position(&ring_shared(ring)->consumer.position);

	if (tail - head > ring->capacity)
		return -EBADMSG;
	ring->limit = head + ring->capacity;
	return 0;
}

static ALWAYS_INLINE bool room_fits(const struct ring *ring, const struct room *room)
{
	return (int64_t)(ring->limit - end_of_room(room)) >= 0;
}

/* 0, or -EAGAIN, -EBADMSG */
static ALWAYS_INLINE int await_record_room(struct ring *ring, const struct room *room)
{
	int ret;

	if (LIKELY(room_fits(ring, room)))
		return 0;
	ret = look_for_record_room(ring, room->start);
	if (ret)
		return ret;
	return room_fits(ring, room) ? 0 : -EAGAIN;
}

/*
 * Makes the record that is in @room RECORD_READY, with an EMPTY header behind it.  The last
 * store, H0, is to the header that a consumer at the end of the ring looks at.
 */
static ALWAYS_INLINE void publish_record(struct ring *ring, const struct room *room,
					 uint64_t length)
{
	uint32_t state = RECORD_READY;
	struct record *first = record_at(ring, room->start);
	struct record *record = record_at(ring, room->start + room->padding);

	atomic_store_explicit(&record_at(ring, end_of_room(room) - RECORD_HEADER)->state, EMPTY,
			      memory_order_relaxed);
	set_header(record, room->extent, length);
	if (UNLIKELY(room->padding)) {
		atomic_store_explicit(&record->state, state, memory_order_relaxed);
		set_header(first, room->padding, 0);
		state = PADDING;
	}
	store_state(first, state);
}

/*
 * From @position on to the EMPTY header: over the record, and padding, that a dead producer had
 * published and not counted.
 */
static uint64_t find_end(const struct ring *ring, uint64_t position)
{
	uint64_t extent;
	int i;

	for (i = 0; i < 2 && load_state(record_at(ring, position)) != EMPTY; i++) {
		extent = extent_at(ring, position);
		if (!extent)
			break;
		position += extent;
	}
	return position;
}

static void recover_record_producer(struct ring *ring)
{
	struct ring_side *side = &ring_shared(ring)->producer;

	ring->position = find_end(ring, load_position(&side->position) & ~(RECORD_HEADER - 1));
	ring->limit = ring->position;
	store_record_position(&side->position, ring->position);
}

/* One producer. */

static ALWAYS_INLINE int make_room(struct ring *ring, uint64_t length, struct room *room)
{
	if (UNLIKELY(length > record_length_max(ring)))
		return -EMSGSIZE;
	*room = room_for(ring, ring->position, length);
	return await_record_room(ring, room);
}

static ALWAYS_INLINE void finish_one(struct ring *ring, const struct room *room,
				     uint64_t length)
{
	publish_record(ring, room, length);
	ring->position = end_of_room(room) - RECORD_HEADER;
	store_record_position(&ring_shared(ring)->producer.position, ring->position);
	ring_publish_items(ring, 1);
}

static __attribute__((noinline)) int put_any_record(struct ring *ring, const void *data,
						    size_t size)
{
	struct room room;
	int ret = make_room(ring, size, &room);

	if (ret)
		return (int)ring_refused(ring, ret, size);
	copy_item(record_at(ring, room.start + room.padding)->data, data, size);
	finish_one(ring, &room, size);
	return 0;
}

static int put_record(struct ring *ring, const void *data, size_t size)
{
	/* Where it needs padding, that is more to remember, and to store. */
	const struct room room = { ring->position, 0, record_extent(size) };

	if (UNLIKELY(!room_fits(ring, &room) || size > record_length_max(ring) ||
		     room.extent > straight_at(ring, room.start)))
		return put_any_record(ring, data, size);
	copy_item(record_at(ring, room.start + room.padding)->data, data, size);
	finish_one(ring, &room, size);
	if (LIKELY((int64_t)(ring->limit - ring->position) > 2 * RING_AHEAD))
		prepare_to_write((unsigned char *)record_at(ring, ring->position + RING_AHEAD));
	return 0;
}

static int reserve_record(struct ring *ring, size_t size, void **data)
{
	struct room room;
	int ret = make_room(ring, size, &room);

	if (UNLIKELY(ret))
		return (int)ring_refused(ring, ret, size);
	ring->held = record_at(ring, room.start + room.padding);
	ring->held_word = room.padding;
	*data = ((struct record *)ring->held)->data;
	return 0;
}

static int commit_record(struct ring *ring, size_t size)
{
	const struct room room = {
		.start = ring->position,
		.padding = ring->held_word,
		.extent = record_extent(size),
	};

	ring->held = NULL;
	finish_one(ring, &room, size);
	return 0;
}

static int ready_to_put_record(struct ring *ring, uint64_t wanted)
{
	struct room room;

	return make_room(ring, wanted, &room);
}

/* Consumers. */

/* The length of the RECORD_READY record at @position, or -EBADMSG. */
static ALWAYS_INLINE int64_t checked_length(const struct ring *ring, uint64_t position,
					    uint64_t *extent)
{
	uint64_t length = atomic_load_explicit(&record_at(ring, position)->length,
					       memory_order_relaxed);

	*extent = extent_at(ring, position);
	return UNLIKELY(!*extent || length > *extent - RECORD_HEADER) ? -EBADMSG : (int64_t)length;
}

/* One consumer. */

/* C0 */
static ALWAYS_INLINE void advance_record_consumer(struct ring *ring, uint64_t extent)
{
	ring->position += extent;
	store_record_position(&ring_shared(ring)->consumer.position, ring->position);
	ring_publish_room(ring, INT32_MAX);
}

/* The next header isn't RECORD_READY: 0: look again; else why not. */
static __attribute__((noinline)) int pass_one(struct ring *ring)
{
	struct record *record = record_at(ring, ring->position);
	uint32_t state = load_state(record);
	uint64_t extent;

	if (state == RECORD_READY)
		return 0;
	if (state == EMPTY)
		return -EAGAIN;
	extent = extent_at(ring, ring->position);
	if (state != PADDING || !extent)
		return -EBADMSG;
	advance_record_consumer(ring, extent);
	return 0;
}

/* The length of the next record. */
static ALWAYS_INLINE int64_t await_record(struct ring *ring, uint64_t *extent)
{
	uint32_t tries = 0;
	int ret;

	while (UNLIKELY(load_state(record_at(ring, ring->position)) != RECORD_READY)) {
		ret = pass_one(ring);
		if (ret)
			return ret;
		if (tries++ > RING_STEPS)
			return -EALREADY;
	}
	return checked_length(ring, ring->position, extent);
}

static ALWAYS_INLINE ssize_t copy_out(struct ring *ring, void *data, size_t size, int64_t length,
				      uint64_t extent)
{
	if (UNLIKELY(length < 0))
		return (ssize_t)length;
	if (UNLIKELY((uint64_t)length > size))
		return -EMSGSIZE;
	copy_item(data, record_at(ring, ring->position)->data, (size_t)length);
	advance_record_consumer(ring, extent);
	return (ssize_t)length;
}

static __attribute__((noinline)) ssize_t get_any_record(struct ring *ring, void *data, size_t size)
{
	uint64_t extent = 0;
	int64_t length = await_record(ring, &extent);

	if (length < 0)
		return ring_refused(ring, (ssize_t)length, 0);
	return copy_out(ring, data, size, length, extent);
}

static ssize_t get_record(struct ring *ring, void *data, size_t size)
{
	uint64_t extent = 0;
	int64_t length;

	if (UNLIKELY(load_state(record_at(ring, ring->position)) != RECORD_READY))
		return get_any_record(ring, data, size);
	length = checked_length(ring, ring->position, &extent);
	return copy_out(ring, data, size, length, extent);
}

static ssize_t peek_record(struct ring *ring, const void **data)
{
	int64_t length = await_record(ring, &ring->held_word);

	if (UNLIKELY(length < 0))
		return ring_refused(ring, (ssize_t)length, 0);
	ring->held = record_at(ring, ring->position);
	*data = ((struct record *)ring->held)->data;
	return (ssize_t)length;
}

static int release_record(struct ring *ring)
{
	ring->held = NULL;
	advance_record_consumer(ring, ring->held_word);
	return 0;
}

static int ready_to_get_record(struct ring *ring, uint64_t wanted)
{
	uint64_t extent = 0;
	int64_t length = await_record(ring, &extent);

	(void)wanted;
	return length < 0 ? (int)length : 0;
}

static void recover_record_consumer(struct ring *ring)
{
	ring->position = load_position(&ring_shared(ring)->consumer.position) & ~(RECORD_HEADER - 1);
}

/* Making one. */

static int record_geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes)
{
	if (attr->item_size || attr->capacity < 256)
		return -EINVAL;
	if (attr->flags & RING_CLAIMS)
		return ring_record_multi_geometry(attr, stride, bytes);
	*stride = 1;
	*bytes = attr->capacity;
	return 0;
}

static void format_records(const struct ipcshm_ring_attr *attr, unsigned char *data,
			   uint64_t stride)
{
	if (attr->flags & RING_CLAIMS)
		memset(data, 0, (size_t)(attr->capacity / stride * sizeof(uint64_t)));
	else
		atomic_init(&((struct record *)data)->state, EMPTY);
}

static const struct ring_ops one_producer = {
	.recover = recover_record_producer,
	.ready = ready_to_put_record,
	.put = put_record,
	.get = ring_not_consumer,
	.reserve = reserve_record,
	.commit = commit_record,
	.undo = ring_nothing_to_undo,
};

static const struct ring_ops one_consumer = {
	.recover = recover_record_consumer,
	.ready = ready_to_get_record,
	.put = ring_not_producer,
	.get = get_record,
	.peek = peek_record,
	.release = release_record,
	.undo = ring_nothing_to_undo,
};

const struct ring_layout ring_records = {
	.one_producer = &one_producer,
	.many_producers = &ring_record_many_producers,
	.overwriting_producers = &ring_record_many_producers,
	.one_consumer = &one_consumer,
	.many_consumers = &ring_record_many_consumers,
	.lone_producer = &ring_record_lone_producer,
	.lone_consumer = &ring_record_lone_consumer,
	.geometry = record_geometry,
	.format = format_records,
};
