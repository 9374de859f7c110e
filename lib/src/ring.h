/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Rings: what lies in shared memory, and what the files of the ring share.
 *
 *	offset
 *	     0	geometry	written once, by create
 *	   128	producer	where producers are, who the one producer is
 *	   256	consumer	the same of consumers
 *	   384	items		the gate at which consumers sleep
 *	   512	room		the gate at which producers sleep
 *	   640	counters	of what happens seldom
 *	   768	data		of the layout: ring-slot.c, ring-record.c, ring-packed.c,
 *				ring-chunk.c
 *
 * What one side writes for each item is on lines that the other side seldom reads,
 * but for the data itself.  128, since lines are fetched in pairs.
 *
 * Positions count items (with records, bytes) since the ring was created, and
 * never wrap: their low bits tell the place.
 *
 * Any of this may be overwritten by a hostile peer at any time.  The geometry is
 * copied to the handle and checked once, when it is attached; everything else is
 * loaded once, and used only after it was masked or compared with what the handle
 * holds.  All loops have a bound.
 */
#ifndef IPCSHM_RING_INTERNAL_H
#define IPCSHM_RING_INTERNAL_H

#include <stdatomic.h>

#include "area.h"

#pragma GCC visibility push(default)
#include <ipcshm-ring.h>
#pragma GCC visibility pop

#define RING_MAGIC	0x676e6972U
#define RING_VERSION	1
#define RING_ALIGN	128

/* In a handle's flags, beside those of the attr: no membarrier(2) for this process. */
#define RING_UNREACHED	0x80000000U
/* and whether any number may attach. */
#define RING_ANY_PRODUCERS	0x40000000U
#define RING_ANY_CONSUMERS	0x20000000U

/* In a side's lock, beside the token: somebody sleeps for it. */
#define RING_WAITERS	0x80000000U

/* More tries of a step than that are lost to others only if the ring is damaged. */
#define RING_TRIES	(1U << 16)

#define LIKELY(x)	__builtin_expect(!!(x), 1)
#define UNLIKELY(x)	__builtin_expect(!!(x), 0)
#define ALWAYS_INLINE	inline __attribute__((always_inline))

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
	uint32_t reserved;
};

/**
 * struct ring_side - producers, or consumers
 * @position: the next to be put (got).  Where there is one producer (consumer), it
 *	alone stores it, with slots not for each item that is put; where there are
 *	many, and the layout is slots, it is a hint, which may be behind; with
 *	records it is protected by @lock
 * @reclaimed: of many consumers of records: all before it is free
 * @owner: the token of the one producer (consumer), or 0
 * @lock: the token of who has it, or 0; see lock_side() in ring-record.c
 * @cpu: 1 + the CPU on which one of them attached, or last waited or woke another; or 0
 */
struct ring_side {
	_Alignas(RING_ALIGN) _Atomic uint64_t position;
	_Atomic uint64_t reclaimed;
	_Atomic uint32_t owner;
	_Atomic uint32_t lock;
	_Atomic uint32_t cpu;
};

/**
 * struct ring_gate - where one side sleeps; see ring-wait.c
 * @word: bit 0: somebody may be asleep; above it a count
 * @fence: bits 0 and 1: whether those who open the gate have to look at @word
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

struct ring_shared {
	_Alignas(RING_ALIGN) struct ring_geometry geometry;
	struct ring_side producer;
	struct ring_side consumer;
	struct ring_gate items;
	struct ring_gate room;
	struct ring_counters counters;
};

/**
 * struct ring_ops - one side of a layout; none of them waits: -EAGAIN, or -EALREADY
 *	while ring->contended is locked
 * @recover: find the position that the side is at
 * @ready: 0: it seems that one item could be put (got); changes nothing
 * @put, @get: one item
 * @put_some, @get_some: up to a count, or with @all exactly that
 * @reserve, @commit, @peek, @release: see ipcshm-ring.h
 * @undo: discard what is reserved, give back what is peeked
 *
 * Of a producer @peek, @release, @get and @get_some are NULL, and the other way round.
 */
struct ring_ops {
	void (*recover)(struct ipcshm_ring *ring);
	int (*ready)(struct ipcshm_ring *ring);
	int (*put)(struct ipcshm_ring *ring, const void *data, size_t size);
	ssize_t (*put_some)(struct ipcshm_ring *ring, const void *items, size_t count, bool all);
	int (*reserve)(struct ipcshm_ring *ring, size_t size, void **data);
	int (*commit)(struct ipcshm_ring *ring, size_t size);
	int (*undo)(struct ipcshm_ring *ring);
	ssize_t (*get)(struct ipcshm_ring *ring, void *data, size_t size);
	ssize_t (*get_some)(struct ipcshm_ring *ring, void *items, size_t count, bool all);
	ssize_t (*peek)(struct ipcshm_ring *ring, const void **data);
	int (*release)(struct ipcshm_ring *ring);
};

/**
 * struct ring_layout - what there is of each layout
 * @producer, @consumer: for one and for many of them
 * @geometry: fills in @stride and @bytes (of the data) for what the attr says
 * @format: makes the data of a new ring
 */
struct ring_layout {
	const struct ring_ops *producer[2];
	const struct ring_ops *consumer[2];
	int (*geometry)(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes);
	void (*format)(const struct ipcshm_ring_attr *attr, unsigned char *data, uint64_t stride);
};

extern const struct ring_layout ring_slots;
extern const struct ring_layout ring_records;
extern const struct ring_layout ring_packed;
extern const struct ring_layout ring_chunks;

static inline struct ring_shared *ring_shared(const struct ipcshm_ring *ring)
{
	return ring->shared;
}

static inline bool ring_has_many(const struct ipcshm_ring *ring, uint32_t which)
{
	return ring->flags & which;
}

/*
 * A few words are worth no call, which would have the caller save what it knows.  They are
 * loaded one by one, as they were most likely written just before, and a wider load would
 * wait for these stores; but stored in pairs: how many lines are on their way to the
 * producer at once is how many items the stores that a processor can have pending are for.
 */
typedef uint64_t ring_pair __attribute__((vector_size(16), aligned(1), may_alias));

static ALWAYS_INLINE bool is_few_words(size_t size)
{
	return !(size % 8) && size <= 64;
}

static ALWAYS_INLINE uint64_t word_at(const void *from, size_t offset)
{
	uint64_t word;

	memcpy(&word, (const char *)from + offset, 8);
	return word;
}

static ALWAYS_INLINE ring_pair pair_at(const void *from, size_t offset)
{
	ring_pair pair = { word_at(from, offset) };

#ifdef __x86_64__
	/* Else the compiler makes one load of the two. */
	__asm__("" : "+x" (pair));
#endif
	pair[1] = word_at(from, offset + 8);
	return pair;
}

static ALWAYS_INLINE void copy_words(void *to, const void *from, size_t size)
{
	uint64_t last;
	size_t i;

	for (i = 0; i + 16 <= size; i += 16)
		*(ring_pair *)((char *)to + i) = pair_at(from, i);
	if (i < size) {
		last = word_at(from, i);
		memcpy((char *)to + i, &last, 8);
	}
}

static ALWAYS_INLINE void copy_item(void *to, const void *from, size_t size)
{
	if (LIKELY(is_few_words(size)))
		copy_words(to, from, size);
	else
		memcpy(to, from, size);
}

/*
 * A producer asks for the lines it will write next before it needs them, so that several
 * are on their way at once; only those that are free: the others are the consumer's.
 */
#define RING_AHEAD	256	/* bytes */

static ALWAYS_INLINE void prepare_to_write(const unsigned char *at)
{
#ifdef __x86_64__
	/*
	 * The compiler takes the other one, for which the line stays the consumer's as well,
	 * unless it is told of a processor that has this.  Those that haven't ignore it.
	 */
	__asm__ volatile("prefetchw %0" : : "m" (*at));
#else
	__builtin_prefetch(at, 1);
#endif
}

static inline void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/*
 * Whoever has a token that isn't a living member's: it will do nothing more, and
 * all that it has stored is to be seen.  0 stands for one who gave up.
 */
static inline bool is_gone(const struct ipcshm_ring *ring, uint32_t token)
{
	return !ipcshm_area_is_alive(ring->area, token);
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* ring-slot.c */

uint64_t ring_slot_end(const struct ipcshm_ring *ring);

/* ring-chunk.c */

unsigned char *ring_chunk_at(const struct ipcshm_ring *ring, uint64_t position);
int ring_chunk_add(struct ipcshm_ring *ring, uint64_t head, uint64_t tail);
int ring_chunk_attach(struct ipcshm_ring *ring);
int ring_chunk_geometry(const struct ipcshm_ring_attr *attr, uint64_t *stride, uint64_t *bytes);
void ring_chunk_format(const struct ipcshm_ring_attr *attr, unsigned char *data, uint64_t stride);
int ring_region_grow(const struct ipcshm_area *area, const void *end);
uint64_t ring_area_bytes(const struct ipcshm_area *area);

/* ring-wait.c */

void ring_gate_open(struct ipcshm_ring *ring, struct ring_gate *gate, uint64_t more);
/* Of a gate's fence word: whether somebody may sleep; the rest is a count. */
#define RING_FENCE_STATE	3U

void ring_attend(struct ipcshm_ring *ring, struct ring_gate *gate, uint64_t more);

/*
 * Items (room) were published: whoever sleeps for that, at @gate, is woken.
 *
 * The fence word is loaded after what was published has been stored, but nothing
 * makes the processor do it in that order: either the word has long said that
 * somebody may sleep, and ring_gate_open() has a fence; or whoever makes it say so
 * has all processors pass a barrier, and only then looks at the ring again
 * (gate_raise() in ring-wait.c).
 *
 * The gate of the own side is looked at as well: for how long has nobody slept there?
 */
static ALWAYS_INLINE void ring_publish(struct ipcshm_ring *ring, struct ring_gate *gate,
				       const struct ring_gate *own, uint64_t more)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (UNLIKELY(((atomic_load_explicit(&gate->fence, memory_order_relaxed) |
		       atomic_load_explicit(&own->fence, memory_order_relaxed)) & RING_FENCE_STATE) |
		     (ring->flags & RING_UNREACHED)))
		ring_attend(ring, gate, more);
}

static ALWAYS_INLINE void ring_publish_items(struct ipcshm_ring *ring, uint64_t more)
{
	ring_publish(ring, &ring_shared(ring)->items, &ring_shared(ring)->room, more);
}

static ALWAYS_INLINE void ring_publish_room(struct ipcshm_ring *ring, uint64_t more)
{
	ring_publish(ring, &ring_shared(ring)->room, &ring_shared(ring)->items, more);
}

/* What was claimed is so no more: an item, or padding, which with _OVERWRITE is room as well. */
static ALWAYS_INLINE void ring_publish_claimed(struct ipcshm_ring *ring, uint64_t more)
{
	ring_publish_items(ring, more);
	if (ring_has_many(ring, IPCSHM_RING_OVERWRITE))
		ring_publish_room(ring, INT32_MAX);
}

/**
 * struct ring_call - a call that may have to wait
 * @attempt: does it without: -EAGAIN
 * @from, @to: the caller's memory
 * @size: bytes, or how many items
 * @all: that many or none
 */
struct ring_call {
	ssize_t (*attempt)(struct ipcshm_ring *ring, const struct ring_call *call);
	const void *from;
	void *to;
	size_t size;
	bool all;
};

static ALWAYS_INLINE bool is_to_wait(ssize_t ret)
{
	return UNLIKELY(ret == -EAGAIN || ret == -EALREADY);
}

void ring_wait_init(struct ipcshm_ring *ring);
ssize_t ring_wait(struct ipcshm_ring *ring, const struct ring_call *call, uint64_t deadline);

static inline struct ring_side *ring_own_side(const struct ipcshm_ring *ring)
{
	return ring->side == IPCSHM_RING_PRODUCER ? &ring_shared(ring)->producer :
						    &ring_shared(ring)->consumer;
}

/* Can nobody else be on the handle's own side? */
static inline bool ring_is_only_one(const struct ipcshm_ring *ring)
{
	return !(ring->flags & (ring->side == IPCSHM_RING_PRODUCER ? RING_ANY_PRODUCERS :
								     RING_ANY_CONSUMERS));
}

/* The gate at which the handle's own side sleeps. */
static inline struct ring_gate *ring_own_gate(const struct ipcshm_ring *ring)
{
	return ring->side == IPCSHM_RING_PRODUCER ? &ring_shared(ring)->room :
						    &ring_shared(ring)->items;
}

static inline const struct ring_ops *ring_ops(const struct ipcshm_ring *ring)
{
	return ring->ops;
}

#endif /* IPCSHM_RING_INTERNAL_H */
