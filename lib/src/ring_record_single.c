// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Record rings: records of any size, one behind the other, each with a header.
 *
 *	0      4        8        12       16
 *	| state | extent | length | unused | data ...          | next header
 *	         <------------- extent, a multiple of 16 ----->
 *
 * Positions count bytes.  A record is in one piece: where it doesn't fit before the
 * end, PADDING goes there and the record begins at 0.  A header whose state is EMPTY
 * follows the last record: a consumer finds all it has to know in the header it has
 * come to, and for a small record one cache line moves.
 *
 *	EMPTY -> BUSY | token -> READY -> PEEKED | token -> DONE
 *	               \-> PADDING ------------------------/
 *
 * One producer makes a record READY at once: it is BUSY in no one's eyes, and a
 * successor begins at the header that is EMPTY.  One consumer stores its position
 * when it is done with a record, and changes no header.
 *
 * Many producers take turns to claim: under a lock, one makes the next header EMPTY
 * and then its own BUSY, which is the step.  Data is written and records are made
 * READY with no lock, in any order.  Many consumers take turns likewise to make a
 * record PEEKED, and to reclaim those that are DONE, from the oldest on.
 *
 * Deaths: the lock holds its owner's token, and is taken from one who is gone.  The
 * headers are the truth and the positions only follow: who gets the lock moves the
 * position over what the one before had claimed or peeked.  BUSY by one who is gone
 * becomes PADDING, by the consumer that comes to it.  PEEKED by one who is gone is
 * peeked again, by a consumer that finds nothing else.
 *
 * In a ring of chunks (ring-chunk.c) the same records lie in chunks, which needn't lie
 * together: a record is in one chunk, and the header that follows may be in the next.
 *
 * Barriers: states are stored with release and loaded with acquire (H).
 * READY, PADDING (H0): header and data, and the EMPTY header that follows, were
 * written before; pairs with the consumer's load.
 * One consumer's position (C0), and of many what is reclaimed (C1): the records were
 * read before they are overwritten; pairs with the load in look_for_room().
 */
#include "ring.h"

struct record {
	_Atomic uint32_t state;
	_Atomic uint32_t extent;
	_Atomic uint32_t length;
	uint32_t unused;
	unsigned char data[];
};

#define HEADER	((uint64_t)sizeof(struct record))

#define EMPTY	0U
#define READY	1U
#define PADDING	2U
#define DONE	3U
#define BUSY	0x40000000U	/* | token */
#define PEEKED	0x80000000U	/* | token */
#define KIND	0xc0000000U

/* The model (tests/ring_model.c) has less patience. */
#ifndef LOCK_TRIES
#define LOCK_TRIES	200
#endif

/* What a producer has claimed, or is about to. */
struct room {
	uint64_t start;		/* position of the padding, if there is any, or the record */
	uint64_t padding;	/* bytes */
	uint64_t extent;	/* bytes */
};

static ALWAYS_INLINE struct record *record_at(const struct ipcshm_ring *ring, uint64_t position)
{
	if (UNLIKELY(ring->map))
		return (struct record *)(ring_chunk_at(ring, position) + (position & ring->mask));
	return (struct record *)(ring->data + (position & ring->mask));
}

/* How many bytes lie together from @position on. */
static ALWAYS_INLINE uint64_t straight_at(const struct ipcshm_ring *ring, uint64_t position)
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

static ALWAYS_INLINE bool change_state(struct record *record, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong_explicit(&record->state, &from, to,
						       memory_order_acq_rel,
						       memory_order_relaxed);
}

static ALWAYS_INLINE bool is_by_one_gone(const struct ipcshm_ring *ring, uint32_t state,
					 uint32_t kind)
{
	return (state & KIND) == kind && is_gone(ring, state & ~KIND);
}

static ALWAYS_INLINE uint64_t load_position(const _Atomic uint64_t *position)
{
	return atomic_load_explicit(position, memory_order_acquire);
}

static ALWAYS_INLINE void store_position(_Atomic uint64_t *position, uint64_t value)
{
	atomic_store_explicit(position, value, memory_order_release);
}

/* The extent of the record at @position; 0 if the ring is damaged. */
static ALWAYS_INLINE uint64_t extent_at(const struct ipcshm_ring *ring, uint64_t position)
{
	uint64_t extent = atomic_load_explicit(&record_at(ring, position)->extent,
					       memory_order_relaxed);
	uint64_t straight = straight_at(ring, position);

	return extent < HEADER || extent % HEADER || extent > straight ? 0 : extent;
}

static ALWAYS_INLINE uint64_t extent_for(uint64_t length)
{
	return (HEADER + length + HEADER - 1) & ~(HEADER - 1);
}

/* With the header that follows, it has to fit wherever the ring is when it is empty. */
static ALWAYS_INLINE uint64_t length_max(const struct ipcshm_ring *ring)
{
	return (ring->mask + 1) / 2 - 2 * HEADER;
}

static void set_header(struct record *record, uint64_t extent, uint64_t length)
{
	atomic_store_explicit(&record->extent, (uint32_t)extent, memory_order_relaxed);
	atomic_store_explicit(&record->length, (uint32_t)length, memory_order_relaxed);
}

/* Locks. */

static bool try_lock(const struct ipcshm_ring *ring, _Atomic uint32_t *lock, uint32_t token)
{
	uint32_t owner = atomic_load_explicit(lock, memory_order_relaxed);

	if (owner && !is_gone(ring, owner & ~RING_WAITERS))
		return false;
	return atomic_compare_exchange_strong_explicit(lock, &owner, token | (owner & RING_WAITERS),
						       memory_order_acquire,
						       memory_order_relaxed);
}

/*
 * 0, or -EALREADY: it is another's, who is alive; ring_wait() waits for it.  It is
 * held for a few instructions, unless its owner was interrupted there.
 */
static int lock_side(struct ipcshm_ring *ring, struct ring_side *side)
{
	const uint32_t token = area_token(ring->area);
	int tries;

	if (!token)
		return -ESRCH;
	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (try_lock(ring, &side->lock, token))
			return 0;
		relax();
	}
	ring->contended = &side->lock;
	return -EALREADY;
}

static void unlock_side(struct ipcshm_ring *ring, struct ring_side *side)
{
	uint32_t was = atomic_exchange_explicit(&side->lock, 0, memory_order_release);

	if (UNLIKELY(was & RING_WAITERS))
		ipcshm_area_wake(ring->area, (const uint32_t *)&side->lock, INT32_MAX);
}

/* Producers. */

static const _Atomic uint64_t *free_from(const struct ipcshm_ring *ring)
{
	struct ring_side *side = &ring_shared(ring)->consumer;

	return ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER) ? &side->reclaimed :
								 &side->position;
}

static struct room room_for(const struct ipcshm_ring *ring, uint64_t tail, uint64_t length)
{
	uint64_t straight = straight_at(ring, tail);
	uint64_t extent = extent_for(length);

	return (struct room) {
		.start = tail,
		.padding = extent > straight ? straight : 0,
		.extent = extent,
	};
}

/* The position after it, and after the header that follows. */
static uint64_t end_of(const struct room *room)
{
	return room->start + room->padding + room->extent + HEADER;
}

/* Sets ring->limit, before which positions are free; 0 or -EBADMSG. */
static __attribute__((noinline)) int look_for_room(struct ipcshm_ring *ring, uint64_t tail)
{
	uint64_t head = load_position(free_from(ring));

	if (tail - head > ring->capacity)
		return -EBADMSG;
	/* A chunk is free when all of it is. */
	if (ring->map)
		head &= ~ring->mask;
	ring->limit = head + ring->capacity;
	return 0;
}

static int reclaim_for(struct ipcshm_ring *ring, const struct room *room);

static ALWAYS_INLINE bool fits(const struct ipcshm_ring *ring, const struct room *room)
{
	return (int64_t)(ring->limit - end_of(room)) >= 0;
}

/* 0, or -EAGAIN, -EALREADY, -EBADMSG */
static ALWAYS_INLINE int await_room(struct ipcshm_ring *ring, const struct room *room)
{
	int ret;

	if (LIKELY(fits(ring, room)))
		return 0;
	ret = look_for_room(ring, room->start);
	if (!ret && !fits(ring, room) && ring_has_many(ring, IPCSHM_RING_MULTI_CONSUMER)) {
		ret = reclaim_for(ring, room);
		if (!ret)
			ret = look_for_room(ring, room->start);
	}
	if (ret)
		return ret;
	return fits(ring, room) ? 0 : -EAGAIN;
}

/*
 * Puts the record that is in @room into @state, with an EMPTY header behind it.  What
 * is stored last, H0, is what a consumer at the end of the ring looks at.
 */
static ALWAYS_INLINE void publish_record(struct ipcshm_ring *ring, const struct room *room,
					 uint64_t length, uint32_t state)
{
	struct record *first = record_at(ring, room->start);
	struct record *record = record_at(ring, room->start + room->padding);

	atomic_store_explicit(&record_at(ring, end_of(room) - HEADER)->state, EMPTY,
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
 * From @position on to the header that is EMPTY: over what somebody who died had
 * done and not counted.
 */
static uint64_t find_end(const struct ipcshm_ring *ring, uint64_t position)
{
	uint64_t end = position + ring->capacity;
	uint64_t extent;

	while (position < end && load_state(record_at(ring, position)) != EMPTY) {
		extent = extent_at(ring, position);
		if (!extent)
			break;
		position += extent;
	}
	return position;
}

static void recover_producer(struct ipcshm_ring *ring)
{
	struct ring_side *side = &ring_shared(ring)->producer;

	ring->position = find_end(ring, load_position(&side->position) & ~(HEADER - 1));
	ring->limit = ring->position;
	store_position(&side->position, ring->position);
}

/* One producer. */

static ALWAYS_INLINE int make_room(struct ipcshm_ring *ring, uint64_t length, struct room *room)
{
	if (UNLIKELY(length > length_max(ring)))
		return -EMSGSIZE;
	*room = room_for(ring, ring->position, length);
	return await_room(ring, room);
}

static ALWAYS_INLINE void finish_one(struct ipcshm_ring *ring, const struct room *room,
				     uint64_t length)
{
	publish_record(ring, room, length, READY);
	ring->position = end_of(room) - HEADER;
	store_position(&ring_shared(ring)->producer.position, ring->position);
	ring_publish_items(ring, 1);
}

static int put_one(struct ipcshm_ring *ring, const void *data, size_t size)
{
	struct room room;
	int ret = make_room(ring, size, &room);

	if (UNLIKELY(ret))
		return ret;
	copy_item(record_at(ring, room.start + room.padding)->data, data, size);
	finish_one(ring, &room, size);
	if (LIKELY((int64_t)(ring->limit - ring->position) > 2 * RING_AHEAD))
		prepare_to_write((unsigned char *)record_at(ring, ring->position + RING_AHEAD));
	return 0;
}

static int reserve_one(struct ipcshm_ring *ring, size_t size, void **data)
{
	struct room room;
	int ret = make_room(ring, size, &room);

	if (ret)
		return ret;
	ring->held = record_at(ring, room.start + room.padding);
	ring->held_word = room.padding;
	*data = ((struct record *)ring->held)->data;
	return 0;
}

static int commit_one(struct ipcshm_ring *ring, size_t size)
{
	const struct room room = {
		.start = ring->position,
		.padding = ring->held_word,
		.extent = extent_for(size),
	};

	finish_one(ring, &room, size);
	return 0;
}

static int nothing_to_undo(struct ipcshm_ring *ring)
{
	(void)ring;
	return 0;
}

static int ready_to_put(struct ipcshm_ring *ring)
{
	struct room room;

	return make_room(ring, 0, &room);
}

/* Many producers. */

static int claim_locked(struct ipcshm_ring *ring, struct ring_side *side, uint64_t length,
			struct room *room)
{
	const uint64_t tail = load_position(&side->position) & ~(HEADER - 1);
	int ret;

	*room = room_for(ring, find_end(ring, tail), length);
	ret = await_room(ring, room);
	if (!ret && ring->map && (end_of(room) ^ room->start) & ~ring->mask)
		ret = ring_chunk_add(ring, load_position(free_from(ring)), room->start);
	if (ret)
		return ret;
	publish_record(ring, room, length, BUSY | area_token(ring->area));
	store_position(&side->position, end_of(room) - HEADER);
	return 0;
}

static int claim(struct ipcshm_ring *ring, uint64_t length, struct record **record)
{
	struct ring_side *side = &ring_shared(ring)->producer;
	struct room room = { 0 };
	int ret;

	if (length > length_max(ring))
		return -EMSGSIZE;
	ret = lock_side(ring, side);
	if (ret)
		return ret;
	ret = claim_locked(ring, side, length, &room);
	unlock_side(ring, side);
	*record = record_at(ring, room.start + room.padding);
	return ret;
}

/* H0 */
static int commit_record(struct ipcshm_ring *ring, struct record *record, uint64_t length)
{
	atomic_store_explicit(&record->length, (uint32_t)length, memory_order_relaxed);
	store_state(record, READY);
	ring_publish_claimed(ring, 1);
	return 0;
}

static int put_many(struct ipcshm_ring *ring, const void *data, size_t size)
{
	struct record *record;
	int ret = claim(ring, size, &record);

	if (ret)
		return ret;
	memcpy(record->data, data, size);
	return commit_record(ring, record, size);
}

static int reserve_many(struct ipcshm_ring *ring, size_t size, void **data)
{
	struct record *record;
	int ret = claim(ring, size, &record);

	if (ret)
		return ret;
	ring->held = record;
	*data = record->data;
	return 0;
}

static int commit_many(struct ipcshm_ring *ring, size_t size)
{
	return commit_record(ring, ring->held, size);
}

static int discard_many(struct ipcshm_ring *ring)
{
	store_state(ring->held, PADDING);
	count(&ring_shared(ring)->counters.skipped, 1);
	ring_publish_claimed(ring, 1);
	return 0;
}

/* Nothing is overwritten by it. */
static int ready_to_claim(struct ipcshm_ring *ring)
{
	const uint64_t tail = load_position(&ring_shared(ring)->producer.position);
	struct room room = room_for(ring, tail & ~(HEADER - 1), 0);

	return ring_has_many(ring, IPCSHM_RING_OVERWRITE) ? 0 : await_room(ring, &room);
}

static void recover_many_producers(struct ipcshm_ring *ring)
{
	ring->limit = 0;
}

/* Consumers. */

/* BUSY, by one who may be gone; it may have become READY before the end. */
static bool skip_if_gone(struct ipcshm_ring *ring, struct record *record, uint32_t state)
{
	if (!is_by_one_gone(ring, state, BUSY))
		return false;
	if (change_state(record, state, PADDING))
		count(&ring_shared(ring)->counters.skipped, 1);
	return true;
}

/* The length of the READY record at @position, or -EBADMSG. */
static ALWAYS_INLINE int64_t length_at(const struct ipcshm_ring *ring, uint64_t position,
				       uint64_t *extent)
{
	uint64_t length = atomic_load_explicit(&record_at(ring, position)->length,
					       memory_order_relaxed);

	*extent = extent_at(ring, position);
	return UNLIKELY(!*extent || length > *extent - HEADER) ? -EBADMSG : (int64_t)length;
}

/* One consumer. */

/* C0 */
static ALWAYS_INLINE void consumed(struct ipcshm_ring *ring, uint64_t extent)
{
	ring->position += extent;
	store_position(&ring_shared(ring)->consumer.position, ring->position);
	ring_publish_room(ring, INT32_MAX);
}

/* The next header isn't READY: 0: look again; else why not. */
static __attribute__((noinline)) int pass_one(struct ipcshm_ring *ring)
{
	struct record *record = record_at(ring, ring->position);
	uint32_t state = load_state(record);
	uint64_t extent;

	if (state == READY || skip_if_gone(ring, record, state))
		return 0;
	if (state == EMPTY || (state & KIND) == BUSY)
		return -EAGAIN;
	extent = extent_at(ring, ring->position);
	if (state != PADDING || !extent)
		return -EBADMSG;
	consumed(ring, extent);
	return 0;
}

/* The length of the next record. */
static ALWAYS_INLINE int64_t await_record(struct ipcshm_ring *ring, uint64_t *extent)
{
	uint64_t end = ring->position + ring->capacity;
	uint64_t tries = 0;
	int ret;

	while (UNLIKELY(load_state(record_at(ring, ring->position)) != READY)) {
		ret = pass_one(ring);
		if (ret)
			return ret;
		if (ring->position > end || tries++ > ring->capacity / HEADER)
			return -EBADMSG;
	}
	return length_at(ring, ring->position, extent);
}

static ssize_t get_one(struct ipcshm_ring *ring, void *data, size_t size)
{
	uint64_t extent = 0;
	int64_t length = await_record(ring, &extent);

	if (UNLIKELY(length < 0))
		return (ssize_t)length;
	if (UNLIKELY((uint64_t)length > size))
		return -EMSGSIZE;
	copy_item(data, record_at(ring, ring->position)->data, (size_t)length);
	consumed(ring, extent);
	return (ssize_t)length;
}

static ssize_t peek_one(struct ipcshm_ring *ring, const void **data)
{
	int64_t length = await_record(ring, &ring->held_word);

	if (length < 0)
		return (ssize_t)length;
	ring->held = record_at(ring, ring->position);
	*data = ((struct record *)ring->held)->data;
	return (ssize_t)length;
}

static int release_one(struct ipcshm_ring *ring)
{
	consumed(ring, ring->held_word);
	return 0;
}

static int ready_to_get(struct ipcshm_ring *ring)
{
	uint64_t extent = 0;
	int64_t length = await_record(ring, &extent);

	return length < 0 ? (int)length : 0;
}

static void recover_consumer(struct ipcshm_ring *ring)
{
	ring->position = load_position(&ring_shared(ring)->consumer.position) & ~(HEADER - 1);
}

/* Many consumers.  All that is "locked" is called with the consumers' lock held. */

/* C1: records that are DONE, from the oldest on. */
/* Returns whether there is more room than before. */
static bool reclaim_locked(struct ipcshm_ring *ring, struct ring_side *side, uint64_t cursor)
{
	uint64_t start = load_position(&side->reclaimed) & ~(HEADER - 1);
	uint64_t position = start;
	uint64_t extent;

	while (position - start < ring->capacity && position != cursor &&
	       load_state(record_at(ring, position)) == DONE) {
		extent = extent_at(ring, position);
		if (!extent)
			break;
		position += extent;
	}
	if (position != start)
		store_position(&side->reclaimed, position);
	return position != start;
}

/*
 * _OVERWRITE: the oldest records go, until there is @room.  The cursor is moved along
 * with what is reclaimed.
 */
static int drop_locked(struct ipcshm_ring *ring, struct ring_side *side, uint64_t cursor,
		       const struct room *room)
{
	uint64_t position = load_position(&side->reclaimed) & ~(HEADER - 1);
	uint64_t tries;

	for (tries = 0; tries <= ring->capacity / HEADER; tries++) {
		struct record *record = record_at(ring, position);
		uint32_t state = load_state(record);
		uint64_t extent = extent_at(ring, position);

		if ((int64_t)(position + ring->capacity - end_of(room)) >= 0)
			break;
		if (!extent || state == EMPTY)
			return -EBADMSG;
		if ((state & KIND) && !is_gone(ring, state & ~KIND))
			return -EAGAIN;
		if (!change_state(record, state, DONE))
			continue;
		if (state == READY || (state & KIND) == PEEKED)
			count(&ring_shared(ring)->counters.dropped, 1);
		if (position == cursor) {
			cursor += extent;
			store_position(&side->position, cursor);
		}
		position += extent;
		store_position(&side->reclaimed, position);
	}
	return 0;
}

/* Over what one who died had peeked and not counted. */
static uint64_t cursor_locked(const struct ipcshm_ring *ring, struct ring_side *side)
{
	uint64_t position = load_position(&side->position) & ~(HEADER - 1);
	uint64_t end = position + ring->capacity;
	uint64_t extent;
	uint32_t state;

	while (position < end) {
		state = load_state(record_at(ring, position));
		extent = extent_at(ring, position);
		if (((state & KIND) != PEEKED && state != DONE) || !extent)
			break;
		position += extent;
	}
	return position;
}

/* A producer has found no room. */
static int reclaim_for(struct ipcshm_ring *ring, const struct room *room)
{
	struct ring_side *side = &ring_shared(ring)->consumer;
	uint64_t cursor;
	int ret = lock_side(ring, side);

	if (ret)
		return ret;
	cursor = cursor_locked(ring, side);
	store_position(&side->position, cursor);
	reclaim_locked(ring, side, cursor);
	if (ring_has_many(ring, IPCSHM_RING_OVERWRITE))
		ret = drop_locked(ring, side, cursor, room);
	unlock_side(ring, side);
	return ret;
}

static uint32_t returned_now(const struct ipcshm_ring *ring)
{
	return (uint32_t)atomic_load_explicit(&ring_shared(ring)->counters.returned,
					      memory_order_acquire);
}

static bool may_take_over(const struct ipcshm_ring *ring)
{
	return ring->deaths != ipcshm_area_deaths(ring->area) ||
	       ring->returned != returned_now(ring);
}

static int64_t hold_locked(struct ipcshm_ring *ring, uint64_t position)
{
	struct record *record = record_at(ring, position);
	uint64_t extent;
	int64_t length = length_at(ring, position, &extent);

	if (length < 0)
		return length;
	store_state(record, PEEKED | area_token(ring->area));
	ring->held = record;
	ring->held_word = extent;
	ring->held_size = (uint64_t)length;
	return length;
}

/* A record that one had who is gone: they are between what is reclaimed and the cursor. */
static int64_t take_over_locked(struct ipcshm_ring *ring, struct ring_side *side, uint64_t cursor)
{
	uint64_t start = load_position(&side->reclaimed) & ~(HEADER - 1);
	uint32_t deaths = ipcshm_area_deaths(ring->area);
	uint32_t returned = returned_now(ring);
	uint64_t position = start;
	uint64_t extent;
	uint32_t state;

	while (position != cursor && position - start < ring->capacity) {
		state = load_state(record_at(ring, position));
		if (is_by_one_gone(ring, state, PEEKED)) {
			if (state & ~KIND)
				count(&ring_shared(ring)->counters.returned, 1);
			return hold_locked(ring, position);
		}
		extent = extent_at(ring, position);
		if (!extent)
			return -EBADMSG;
		position += extent;
	}
	ring->deaths = deaths;
	ring->returned = returned;
	return -EAGAIN;
}

/* The next record that is READY, from @cursor on; what is PADDING becomes DONE. */
static int64_t next_locked(struct ipcshm_ring *ring, uint64_t *cursor)
{
	uint64_t tries;

	for (tries = 0; tries <= ring->capacity / HEADER; tries++) {
		struct record *record = record_at(ring, *cursor);
		uint32_t state = load_state(record);
		uint64_t extent;
		int64_t length;

		if (state == EMPTY)
			return -EAGAIN;
		if (skip_if_gone(ring, record, state))
			continue;
		if ((state & KIND) == BUSY)
			return -EAGAIN;
		extent = extent_at(ring, *cursor);
		if (!extent)
			return -EBADMSG;
		if (state == READY) {
			length = hold_locked(ring, *cursor);
			*cursor += extent;
			return length;
		}
		if (state != PADDING)
			return -EBADMSG;
		store_state(record, DONE);
		*cursor += extent;
	}
	return -EBADMSG;
}

static int64_t take(struct ipcshm_ring *ring)
{
	struct ring_side *side = &ring_shared(ring)->consumer;
	uint64_t cursor;
	int64_t length = lock_side(ring, side);
	bool more_room;

	if (length)
		return length;
	cursor = cursor_locked(ring, side);
	length = next_locked(ring, &cursor);
	store_position(&side->position, cursor);
	if (length == -EAGAIN && may_take_over(ring))
		length = take_over_locked(ring, side, cursor);
	more_room = reclaim_locked(ring, side, cursor);
	unlock_side(ring, side);
	/* Of what was skipped, and is nobody's to release. */
	if (more_room)
		ring_publish_room(ring, INT32_MAX);
	return length;
}

/*
 * H0 of the other direction.  Whoever has the lock may have looked at it before: then
 * a producer that finds no room reclaims it.
 */
static int release_many(struct ipcshm_ring *ring)
{
	struct ring_side *side = &ring_shared(ring)->consumer;

	store_state(ring->held, DONE);
	if (try_lock(ring, &side->lock, area_token(ring->area))) {
		reclaim_locked(ring, side, load_position(&side->position));
		unlock_side(ring, side);
	}
	ring_publish_room(ring, INT32_MAX);
	return 0;
}

/* As if its owner had died. */
static int unpeek_many(struct ipcshm_ring *ring)
{
	store_state(ring->held, PEEKED);
	atomic_fetch_add_explicit(&ring_shared(ring)->counters.returned, 1, memory_order_release);
	ring_publish_claimed(ring, 1);
	return 0;
}

static ssize_t get_many(struct ipcshm_ring *ring, void *data, size_t size)
{
	int64_t length = take(ring);

	if (length < 0)
		return (ssize_t)length;
	if ((uint64_t)length > size) {
		unpeek_many(ring);
		length = -EMSGSIZE;
	} else {
		memcpy(data, ((struct record *)ring->held)->data, (size_t)length);
		release_many(ring);
	}
	ring->held = NULL;
	return (ssize_t)length;
}

static ssize_t peek_many(struct ipcshm_ring *ring, const void **data)
{
	int64_t length = take(ring);

	if (length < 0)
		return (ssize_t)length;
	*data = ((struct record *)ring->held)->data;
	return (ssize_t)length;
}

/* Nothing is held by this: it says what take() would come to. */
static int ready_to_take(struct ipcshm_ring *ring)
{
	const struct record *record =
		record_at(ring, load_position(&ring_shared(ring)->consumer.position) & ~(HEADER - 1));
	uint32_t state = load_state(record);

	return state == EMPTY || ((state & KIND) == BUSY && !is_gone(ring, state & ~KIND)) ?
	       (may_take_over(ring) ? 0 : -EAGAIN) : 0;
}

static void recover_many_consumers(struct ipcshm_ring *ring)
{
	ring->deaths = ipcshm_area_deaths(ring->area) - 1;
}

/* Making one. */

static int geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes)
{
	if (attr->item_size || attr->capacity < 256)
		return -EINVAL;
	*stride = 1;
	*bytes = attr->capacity;
	return 0;
}

static void format(const struct ipcshm_ring_attr *attr, unsigned char *data, uint64_t stride)
{
	(void)attr;
	(void)stride;
	atomic_init(&((struct record *)data)->state, EMPTY);
}

static const struct ring_ops one_producer = {
	.recover = recover_producer,
	.ready = ready_to_put,
	.put = put_one,
	.reserve = reserve_one,
	.commit = commit_one,
	.undo = nothing_to_undo,
};

static const struct ring_ops many_producers = {
	.recover = recover_many_producers,
	.ready = ready_to_claim,
	.put = put_many,
	.reserve = reserve_many,
	.commit = commit_many,
	.undo = discard_many,
};

static const struct ring_ops one_consumer = {
	.recover = recover_consumer,
	.ready = ready_to_get,
	.get = get_one,
	.peek = peek_one,
	.release = release_one,
	.undo = nothing_to_undo,
};

static const struct ring_ops many_consumers = {
	.recover = recover_many_consumers,
	.ready = ready_to_take,
	.get = get_many,
	.peek = peek_many,
	.release = release_many,
	.undo = unpeek_many,
};

const struct ring_layout ring_chunks = {
	.producer = { &many_producers, &many_producers },
	.consumer = { &many_consumers, &many_consumers },
	.geometry = ring_chunk_geometry,
	.format = ring_chunk_format,
};

const struct ring_layout ring_records = {
	.producer = { &one_producer, &many_producers },
	.consumer = { &one_consumer, &many_consumers },
	.geometry = geometry,
	.format = format,
};
