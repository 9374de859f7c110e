/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Rings: the layout in shared memory, and declarations that the files of the ring share.
 *
 *	offset
 *	     0	geometry	written once, by create
 *	   128	producer	where producers are
 *	   256	consumer	where consumers are
 *	   384	items		the gate at which consumers sleep
 *	   512	room		the gate at which producers sleep
 *	   640	counters	of rare events
 *	   768	seats		of 64 bytes, one for each handle (ring_seat.h)
 *		data		of the layout, on a multiple of 128: ring_slot.h,
 *				ring_record_single.c, ring_record_multi.h, ring_packed.c,
 *				ring_chunk.c
 *
 * Each side writes to lines that the other side seldom reads, except the data itself.
 * Lines are fetched in pairs, hence 128.
 *
 * Positions count items since the ring was created (bytes in records of one producer and
 * one consumer, granules in records of many) and never wrap: their low bits are the place.
 *
 * A hostile peer can overwrite any of this at any time.  Attaching copies the geometry to
 * the handle and checks it once.  Everything else is loaded once, and is used only after it
 * was masked or compared with what the handle holds.  A loop without progress ends after
 * RING_TRIES rounds, a loop that makes progress after RING_STEPS: the call then returns
 * -EALREADY, and a call that waits looks at its deadline and goes on.
 */
#ifndef IPCSHM_RING_INTERNAL_H
#define IPCSHM_RING_INTERNAL_H

#include <stdatomic.h>

#include "area.h"
#include "ring_copy.h"

#pragma GCC visibility push(default)
#include <ipcshm-ring.h>
#pragma GCC visibility pop

#define RING_MAGIC	0x676e6972U
#define RING_VERSION	2
#define RING_ALIGN	128

/* Flags of a handle beside those of the attr: membarrier(2) does not reach this process. */
#define RING_UNREACHED	0x80000000U
/* Any number of handles may attach. */
#define RING_ANY_PRODUCERS	0x40000000U
#define RING_ANY_CONSUMERS	0x20000000U
/*
 * Records of which only the other side claims: no other handle moves the tail (head).  Both
 * are never set.
 */
#define RING_LONE_PRODUCER	0x10000000U
#define RING_LONE_CONSUMER	0x08000000U

/* Several processes may claim the same item, or room. */
#define RING_CLAIMS	((uint32_t)(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER | \
				    IPCSHM_RING_OVERWRITE))

/* Rounds of a loop in which others made progress instead of the caller. */
#define RING_TRIES	256

/* How long a consumer leaves a producer that has the next item claimed alone: under 1 us. */
#define RING_CLAIMED_PAUSES	32

/* Items, words or records that one attempt of a call steps over. */
#define RING_STEPS	1024

/**
 * struct ring_geometry - what the ring is
 * @magic: RING_MAGIC; stored last, with release, by create
 * @version: RING_VERSION
 */
struct ring_geometry {
	_Atomic uint32_t magic;
	uint32_t version;
	uint32_t layout;
	uint32_t flags;
	uint64_t capacity;
	uint32_t item_size;
	uint32_t handles;
};

/**
 * struct ring_side - producers, or consumers
 * @position: the next to be put (got).  One producer (consumer) alone stores it; a producer
 *	of slots does so only now and then.  Of many producers it is a hint, at most one
 *	claim behind.  Of many consumers it is the head, see ring_seat.h
 * @reclaimed: of consumers of records of many: everything before it is free
 * @returned: changes when something that was claimed may be had again
 * @attached: changes with each attach; 0: no handle has been attached yet
 * @cpu: 1 + the CPU on which one of them attached, or last waited or woke another; or 0
 */
struct ring_side {
	_Alignas(RING_ALIGN) _Atomic uint64_t position;
	_Atomic uint64_t reclaimed;
	_Atomic uint32_t returned;
	_Atomic uint32_t attached;
	_Atomic uint32_t cpu;
};

/**
 * struct ring_gate - where one side sleeps; see ring_gate.c
 * @word: bit 0: a task may be asleep; above it a count
 * @fence: bits 0 and 1: whether tasks that open the gate have to look at @word
 *	after a fence; above them a count
 */
struct ring_gate {
	_Alignas(RING_ALIGN) _Atomic uint32_t word;
	_Atomic uint32_t fence;
};

struct ring_counters {
	_Alignas(RING_ALIGN) _Atomic uint64_t dropped;
	_Atomic uint64_t skipped;
	_Atomic uint64_t wakes;
	_Atomic uint64_t sleeps;
	_Atomic uint64_t returned;
};

/**
 * struct ring_seat - what one handle has of the ring
 * @token: of the process whose handle it is; 0 or dead: free
 * @claim: what a consumer claimed, or is about to; see ring_seat.h
 * @note: the record that a producer claimed, or is about to; see ring_record_multi.h
 * @dropped: items that the seat's producers dropped; they alone store it
 */
struct ring_seat {
	_Alignas(64) _Atomic uint32_t token;
	_Atomic uint64_t claim;
	_Atomic uint64_t note;
	_Atomic uint64_t dropped;
};

struct ring_shared {
	_Alignas(RING_ALIGN) struct ring_geometry geometry;
	struct ring_side producer;
	struct ring_side consumer;
	struct ring_gate items;
	struct ring_gate room;
	struct ring_counters counters;
	struct ring_seat seat[];
};

/**
 * struct ring - the handle; struct ipcshm_ring is memory for it
 * @area: where the ring is
 * @ops: of the layout and the side
 * @token_at: where the area keeps the calling process's token; fork(2) wipes it
 * @token: of the process that attached the handle
 * @position: of one producer or consumer: where it is
 * @limit: the first position that isn't known to be free (filled)
 * @held: what is reserved or peeked; NULL: nothing
 * @held_word: its word, extent or padding, as the layout needs
 * @held_size: bytes of it
 * @held_at: its position
 * @wanted: bytes or items that the last refused call wanted, for ipcshm_ring_arm()
 * @seat: the handle's own
 * @serving: the seat whose claim @held is from, or RING_NO_SEAT: from the own one
 * @last_owner: the token of the seat's last owner, if that died
 * @inherited: the own seat has a claim of its last owner
 * @deaths, @returned: when the seats were last searched in vain
 * @missed: where a consumer last found nothing
 */
struct ring {
	const struct ipcshm_area *area;
	const void *ops;
	struct ring_shared *shared;
	unsigned char *data;
	const uint32_t *token_at;
	uint32_t token;
	uint32_t side;
	void *held;
	uint64_t position;
	uint64_t limit;
	uint64_t capacity;
	uint64_t mask;
	uint64_t stride;
	uint32_t item_size;
	uint32_t shift;
	uint32_t flags;
	uint32_t layout;
	uint32_t ahead;
	uint32_t seat;
	uint64_t held_word;
	uint64_t held_size;
	uint64_t held_at;
	uint64_t wanted;
	_Atomic uint64_t *table;
	void *map;
	uint64_t known_bytes;
	uint64_t missed;
	uint32_t producers;
	uint32_t consumers;
	uint32_t serving;
	uint32_t last_owner;
	uint32_t inherited;
	uint32_t deaths;
	uint32_t returned;
	uint32_t spin;
	uint32_t spin_max;
	uint32_t skipped_spins;
	uint32_t streak;
};

_Static_assert(sizeof(struct ring) <= sizeof(struct ipcshm_ring), "a handle has room for it");

/**
 * struct ring_ops - one side of a layout; none of them waits: -EAGAIN: full, or empty;
 *	-EALREADY: others came in between, or there was much to skip: try again
 * @recover: find the position that the side is at, and end what the seat's last owner began
 * @ready: 0: it seems that @wanted items (a record of so many bytes) could be put or got
 * @put, @get: one item
 * @put_some, @get_some: up to a count, or with @all exactly that
 * @reserve, @commit, @peek, @release: see ipcshm-ring.h; they set and clear @held
 * @undo: discard what is reserved, give back what is peeked
 *
 * Of a producer @get is ring_not_consumer() and @peek, @release and @get_some are NULL; of
 * a consumer @put is ring_not_producer(), and the others of a producer are NULL.
 */
struct ring_ops {
	void (*recover)(struct ring *ring);
	int (*ready)(struct ring *ring, uint64_t wanted);
	int (*put)(struct ring *ring, const void *data, size_t size);
	ssize_t (*put_some)(struct ring *ring, const void *items, size_t count, bool all);
	int (*reserve)(struct ring *ring, size_t size, void **data);
	int (*commit)(struct ring *ring, size_t size);
	int (*undo)(struct ring *ring);
	ssize_t (*get)(struct ring *ring, void *data, size_t size);
	ssize_t (*get_some)(struct ring *ring, void *items, size_t count, bool all);
	ssize_t (*peek)(struct ring *ring, const void **data);
	int (*release)(struct ring *ring);
};

/**
 * struct ring_layout - what there is of each layout
 * @one_producer, @one_consumer: of rings in which that side doesn't claim
 * @many_producers, @many_consumers: that claim
 * @overwriting_producers: of rings that overwrite
 * @lone_producer, @lone_consumer: the only one, of rings with RING_LONE_PRODUCER (_CONSUMER)
 * @geometry: fills in @stride and @bytes (of the data) for the attr
 * @format: makes the data of a new ring
 */
struct ring_layout {
	const struct ring_ops *one_producer;
	const struct ring_ops *many_producers;
	const struct ring_ops *overwriting_producers;
	const struct ring_ops *one_consumer;
	const struct ring_ops *many_consumers;
	const struct ring_ops *lone_producer;
	const struct ring_ops *lone_consumer;
	int (*geometry)(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes);
	void (*format)(const struct ipcshm_ring_attr *attr, unsigned char *data, uint64_t stride);
};

extern const struct ring_layout ring_slots;
extern const struct ring_layout ring_records;
extern const struct ring_layout ring_packed;
extern const struct ring_layout ring_chunks;

extern const struct ring_ops ring_slot_many_producers;
extern const struct ring_ops ring_slot_overwriting_producers;
extern const struct ring_ops ring_slot_many_consumers;
extern const struct ring_ops ring_record_many_producers;
extern const struct ring_ops ring_record_many_consumers;
extern const struct ring_ops ring_record_lone_producer;
extern const struct ring_ops ring_record_lone_consumer;

static inline struct ring_shared *ring_shared(const struct ring *ring)
{
	return ring->shared;
}

static inline bool ring_has_many(const struct ring *ring, uint32_t which)
{
	return ring->flags & which;
}

static inline void add_to_counter(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/*
 * The token isn't a living member's: the process will do nothing more, and everything it
 * stored can be seen.  0 stands for a handle that was detached.
 */
static inline bool is_gone(const struct ring *ring, uint32_t token)
{
	return !ipcshm_area_is_alive(ring->area, token);
}

static ALWAYS_INLINE uint64_t load_position(const _Atomic uint64_t *position)
{
	return atomic_load_explicit(position, memory_order_acquire);
}

/* The handle belongs to the calling process: not so in a child of fork(2). */
static ALWAYS_INLINE bool ring_is_own(const struct ring *ring)
{
	return __atomic_load_n(ring->token_at, __ATOMIC_RELAXED) == ring->token;
}

/*
 * The next item is claimed by a living producer, which is likely to need the line in an instant:
 * a consumer that looks at it all the time keeps it waiting, and is at its heels again for the
 * item after that.  So consumers that keep up let some items come; a consumer that found
 * nothing here before is waiting for this item, and goes on looking.
 */
static inline void ring_await_claimed(const struct ring *ring, uint64_t position)
{
	int i;

	if (ring->missed != position)
		for (i = 0; i < RING_CLAIMED_PAUSES; i++)
			cpu_relax();
}

/* ring_slot_single.c */

uint64_t ring_slot_end(const struct ring *ring);

/* ring_record_multi_room.c */

int ring_record_multi_geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride,
			       uint64_t *bytes);
void ring_record_multi_attach(struct ring *ring);

/* ring_chunk.c */

unsigned char *ring_chunk_at(const struct ring *ring, uint64_t number);
int ring_chunk_add(struct ring *ring, uint64_t number, uint64_t oldest);
int ring_chunk_attach(struct ring *ring);
int ring_region_grow(const struct ipcshm_area *area, const void *end);
uint64_t ring_area_bytes(const struct ipcshm_area *area);

/* ring_gate.c */

void ring_wait_init(struct ring *ring);
uint32_t ring_note_cpu(struct ring *ring);
void ring_gate_open(struct ring *ring, struct ring_gate *gate, uint64_t more);
/* In a gate's word: a sleeper may need more than any one item (room) that comes. */
#define RING_GATE_ALL	2U
bool ring_gate_enter(struct ring_gate *gate, uint32_t how, uint32_t *mine);
bool ring_gate_raise(struct ring_gate *gate);

/* Of a gate's fence word: whether a task may sleep; the rest is a count. */
#define RING_FENCE_STATE	3U

void ring_attend(struct ring *ring, struct ring_gate *gate, uint64_t more);

/*
 * Items (room) were published: wake the tasks that sleep for them at @gate.
 *
 * The fence word is loaded after the published data has been stored, but nothing
 * makes the processor do it in that order: either the word has long shown that
 * a task may sleep, and ring_gate_open() has a fence; or the task that makes it show so
 * has all processors pass a barrier, and only then looks at the ring again
 * (ring_gate_raise()).
 *
 * The gate of the own side is looked at as well, to lower it when no task slept there for long.
 */
static ALWAYS_INLINE void ring_publish(struct ring *ring, struct ring_gate *gate,
				       const struct ring_gate *own, uint64_t more)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (UNLIKELY(((atomic_load_explicit(&gate->fence, memory_order_relaxed) |
		       atomic_load_explicit(&own->fence, memory_order_relaxed)) & RING_FENCE_STATE) |
		     (ring->flags & RING_UNREACHED)))
		ring_attend(ring, gate, more);
}

static ALWAYS_INLINE void ring_publish_items(struct ring *ring, uint64_t more)
{
	ring_publish(ring, &ring_shared(ring)->items, &ring_shared(ring)->room, more);
}

static ALWAYS_INLINE void ring_publish_room(struct ring *ring, uint64_t more)
{
	ring_publish(ring, &ring_shared(ring)->room, &ring_shared(ring)->items, more);
}

/* A claim has ended: there is an item, or padding, which with _OVERWRITE is room as well. */
static ALWAYS_INLINE void ring_publish_claimed(struct ring *ring, uint64_t more)
{
	ring_publish_items(ring, more);
	if (ring_has_many(ring, IPCSHM_RING_OVERWRITE))
		ring_publish_room(ring, INT32_MAX);
}

/**
 * struct ring_call - a call that may have to wait
 * @attempt: does it without: -EAGAIN or -EALREADY
 * @from, @to: the caller's memory
 * @size: bytes, or how many items
 * @all: that many or none
 * @peer: it waits for a peer, not for items or room
 */
struct ring_call {
	ssize_t (*attempt)(struct ring *ring, const struct ring_call *call);
	const void *from;
	void *to;
	size_t size;
	bool all;
	bool peer;
};

static ALWAYS_INLINE bool is_to_wait(ssize_t ret)
{
	return UNLIKELY(ret == -EAGAIN || ret == -EALREADY);
}

/* ring_wait.c */

ssize_t ring_wait(struct ring *ring, const struct ring_call *call, uint64_t deadline);

/* ring_refuse.c */

ssize_t ring_refused(struct ring *ring, ssize_t ret, uint64_t wanted);
int ring_not_producer(struct ring *ring, const void *data, size_t size);
ssize_t ring_not_consumer(struct ring *ring, void *data, size_t size);
int ring_nothing_to_undo(struct ring *ring);

/* The other side was there, and is gone; of rings that hang up. */
bool ring_is_hung_up(const struct ring *ring);
uint32_t ring_other_side(const struct ring *ring);

static inline struct ring_side *ring_own_side(const struct ring *ring)
{
	return ring->side == IPCSHM_RING_PRODUCER ? &ring_shared(ring)->producer :
						    &ring_shared(ring)->consumer;
}

/* No other handle can be on the handle's own side. */
static inline bool ring_is_only_one(const struct ring *ring)
{
	return !(ring->flags & (ring->side == IPCSHM_RING_PRODUCER ? RING_ANY_PRODUCERS :
								     RING_ANY_CONSUMERS));
}

/* The gate at which the handle's own side sleeps. */
static inline struct ring_gate *ring_own_gate(const struct ring *ring)
{
	return ring->side == IPCSHM_RING_PRODUCER ? &ring_shared(ring)->room :
						    &ring_shared(ring)->items;
}

static inline struct ring_gate *ring_other_gate(const struct ring *ring)
{
	return ring->side == IPCSHM_RING_PRODUCER ? &ring_shared(ring)->items :
						    &ring_shared(ring)->room;
}

static inline const struct ring_ops *ring_ops(const struct ring *ring)
{
	return ring->ops;
}

static inline struct ring *ring_of(struct ipcshm_ring *handle)
{
	return (struct ring *)handle;
}

#endif /* IPCSHM_RING_INTERNAL_H */
