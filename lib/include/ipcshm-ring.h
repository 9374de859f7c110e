/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - rings: bounded buffers between processes, in an area (ipcshm-area.h).
 *
 * Producers put items in, consumers get them out in the same order.  While the
 * other side is awake no call makes a system call.  A process that is killed in
 * the middle of any of them leaves nothing behind that stops the others: what
 * it had not committed is skipped, what was committed is delivered.
 *
 *	struct ipcshm_ring_attr attr = { .layout = IPCSHM_RING_SLOTS,
 *					 .capacity = 1024, .item_size = sizeof(job) };
 *	ipcshm_ring_create(&area, 0, &attr);		one process
 *
 *	ipcshm_ring_attach(&ring, &area, 0, IPCSHM_RING_PRODUCER);
 *	ipcshm_ring_put(&ring, &job, sizeof(job), IPCSHM_FOREVER);
 *
 *	ipcshm_ring_attach(&ring, &area, 0, IPCSHM_RING_CONSUMER);
 *	ipcshm_ring_get(&ring, &job, sizeof(job), IPCSHM_FOREVER);
 *
 * Layouts, chosen by what the items are like:
 *
 * IPCSHM_RING_SLOTS: items of one size, each beside a word that tells its state.
 *	One cache line moves per item of up to 56 bytes: the shortest way from one
 *	process to another.
 * IPCSHM_RING_RECORDS: records of any size, up to nearly half the ring.
 * IPCSHM_RING_PACKED: items of one size, nothing between them, one producer and
 *	one consumer: the most items per second when they are small.
 *
 * IPCSHM_RING_CHUNKS: as _RECORDS, in a buffer that grows: a region becomes larger as
 *	chunks are added, up to the capacity; chunks are used again.  Such a ring is the
 *	last thing in its area, which is all that the region can grow to
 *	(ipcshm_region_map(); max_size).
 *
 * With one producer (consumer), that is what the ring keeps to: a second one is
 * refused, unless the first has died.  With IPCSHM_RING_MULTI_PRODUCER
 * (_CONSUMER) there can be any number, and a little more work is done per item.
 *
 * If a consumer dies while it has an item (between peek and release), the item
 * comes back: each item is delivered at least once.  With one consumer it comes
 * back in its place, with many after others that came later.
 *
 * Whatever other processes write into the ring, and whenever, a call returns an
 * item or an error, accesses nothing outside of the ring and ends by its
 * deadline.
 *
 * Calls return 0, a size or a count, or -errno; see each.  Beside the errors
 * listed: -EBADMSG: the ring is damaged; -EPERM: the handle is of the other side;
 * -ESRCH: the process isn't a member of the area any more.
 * Those that wait can also return the errors of ipcshm_area_wait().
 */
#ifndef IPCSHM_RING_H
#define IPCSHM_RING_H

#include <ipcshm-area.h>

#ifdef __cplusplus
extern "C" {
/* A call shares its name with a structure, as stat(2) does. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

/* struct ipcshm_ring_attr.layout */
#define IPCSHM_RING_SLOTS	1
#define IPCSHM_RING_RECORDS	2
#define IPCSHM_RING_PACKED	3
#define IPCSHM_RING_CHUNKS	4

/* struct ipcshm_ring_attr.flags */
#define IPCSHM_RING_MULTI_PRODUCER	0x01
#define IPCSHM_RING_MULTI_CONSUMER	0x02
#define IPCSHM_RING_OVERWRITE		0x04	/* when full, the oldest item goes */

/* Sides, for ipcshm_ring_attach(). */
#define IPCSHM_RING_PRODUCER	1
#define IPCSHM_RING_CONSUMER	2

/* As a deadline: don't wait, but fail with -EAGAIN. */
#define IPCSHM_NOW	0ULL

/* The most items of a bulk call, where there are many producers or consumers. */
#define IPCSHM_RING_BULK_MAX	256

/**
 * struct ipcshm_ring_attr - what a ring is
 * @layout: IPCSHM_RING_SLOTS, _RECORDS, _PACKED or _CHUNKS
 * @flags: IPCSHM_RING_MULTI_PRODUCER, _MULTI_CONSUMER, _OVERWRITE; none of them
 *	with _PACKED, not _OVERWRITE with _CHUNKS
 * @capacity: how much it holds: items, or with _RECORDS and _CHUNKS bytes, of
 *	which each record takes its size and 16, rounded up to 16; a power of two,
 *	at most 2^31 items or 2^32 bytes, at least 2 items or 256 bytes
 * @item_size: bytes in an item, 1 to 2^24; with _RECORDS 0; with _CHUNKS bytes in a
 *	chunk, a power of two from 256 to 2^24, at most half the capacity and at
 *	least 2^-16 of it: a record is up to nearly half of a chunk
 * @reserved: 0
 */
struct ipcshm_ring_attr {
	uint32_t layout;
	uint32_t flags;
	uint64_t capacity;
	uint32_t item_size;
	uint32_t reserved[3];
};

/**
 * struct ipcshm_ring_stat - how a ring is doing
 * @attr: what it is
 * @put: how many items (with _RECORDS and _CHUNKS bytes, with what each takes) were put in
 * @got: how many of them were got out, or dropped, or skipped
 * @dropped: items that _OVERWRITE gave up
 * @skipped: items that were reserved and not committed, as their producer
 *	discarded them or died
 * @returned: items that came back, as their consumer detached or died
 * @wakes: wake-ups of sleeping processes
 * @sleeps: how often a process slept
 */
struct ipcshm_ring_stat {
	struct ipcshm_ring_attr attr;
	uint64_t put;
	uint64_t got;
	uint64_t dropped;
	uint64_t skipped;
	uint64_t returned;
	uint64_t wakes;
	uint64_t sleeps;
	uint64_t reserved[4];
};

/**
 * struct ipcshm_ring - a process's handle on one side of a ring
 *
 * Plain data, but for the library alone: don't copy or change it.  One thread
 * at a time uses it; each thread, and each child of fork(2), attaches one of
 * its own.
 */
struct ipcshm_ring {
	const struct ipcshm_area *area;
	const void *ops;
	void *shared;
	unsigned char *data;
	uint64_t position;
	uint64_t limit;
	uint64_t capacity;
	uint64_t mask;
	uint64_t stride;
	void *held;
	void *contended;
	const void *map;
	uint64_t known_bytes;
	uint64_t held_word;
	uint64_t held_size;
	uint32_t item_size;
	uint32_t shift;
	uint32_t side;
	uint32_t flags;
	uint32_t layout;
	uint32_t deaths;
	uint32_t returned;
	uint32_t spin;
	uint32_t spin_max;
	uint32_t skipped_spins;
	uint32_t streak;
	uint32_t ahead;
	uint64_t reserved[11];
};

/**
 * ipcshm_ring_size - how much room a ring needs
 * @attr: of the ring
 * @size: filled in: bytes
 *
 * Return: 0, or -EINVAL: such a ring can't be.
 */
int ipcshm_ring_size(const struct ipcshm_ring_attr *attr, size_t *size);

/**
 * ipcshm_ring_create - make a ring
 * @area: where
 * @offset: bytes from the start of the area, a multiple of 128
 * @attr: what it is to be
 *
 * Nobody else uses that part of the area yet, or any more.
 *
 * Return: 0, or -EINVAL: such a ring can't be, or not at that address; -ENOSPC:
 * the area is too small; with _CHUNKS the errors of ipcshm_region_resize().
 */
int ipcshm_ring_create(const struct ipcshm_area *area, uint64_t offset,
		       const struct ipcshm_ring_attr *attr);

/**
 * ipcshm_ring_attach - become a producer or a consumer
 * @ring: filled in
 * @area: where the ring is; stays while it is attached
 * @offset: as it was created with
 * @side: IPCSHM_RING_PRODUCER or _CONSUMER
 *
 * Return: 0, or -EINVAL; -EAGAIN: it isn't created yet; -EPROTO: there is no ring
 * there, or one of a layout version that this library doesn't know, or it
 * doesn't fit in the area; -EBUSY: its one producer (consumer) is alive;
 * -ESRCH: the process isn't a member of the area.
 */
int ipcshm_ring_attach(struct ipcshm_ring *ring, const struct ipcshm_area *area,
		       uint64_t offset, uint32_t side);

/**
 * ipcshm_ring_detach - be that no longer
 * @ring: attached; done with
 *
 * What is reserved is discarded, what is peeked comes back.  A process detaches before
 * it unmaps the area: that is no death, and wakes nobody who waits for what it had.
 */
void ipcshm_ring_detach(struct ipcshm_ring *ring);

/**
 * ipcshm_ring_put - put one item in
 * @ring: a producer's
 * @data: the item
 * @size: bytes; the ring's item_size, or with _RECORDS and _CHUNKS up to
 *	nearly half of it (of a chunk)
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), or
 *	IPCSHM_FOREVER, or IPCSHM_NOW
 *
 * Waits while the ring is full.  With _OVERWRITE the oldest item goes instead;
 * only while a consumer has just that one peeked, the call waits for it.
 *
 * Return: 0, or -EAGAIN: full, with IPCSHM_NOW; -ETIMEDOUT, -EINTR; -EMSGSIZE:
 * another size than an item can have; -EBUSY: an item is reserved.
 */
int ipcshm_ring_put(struct ipcshm_ring *ring, const void *data, size_t size, uint64_t deadline);

/**
 * ipcshm_ring_get - get one item out
 * @ring: a consumer's
 * @data: room for it
 * @size: bytes of room
 * @deadline: as for ipcshm_ring_put()
 *
 * Waits while the ring is empty.
 *
 * Return: the item's size, or -EAGAIN: empty, with IPCSHM_NOW; -ETIMEDOUT, -EINTR;
 * -EMSGSIZE: the room is too small, the item stays; -EBUSY: an item is peeked.
 */
ssize_t ipcshm_ring_get(struct ipcshm_ring *ring, void *data, size_t size, uint64_t deadline);

/**
 * ipcshm_ring_reserve - get room for an item in the ring itself
 * @ring: a producer's, with nothing reserved
 * @size: bytes, as for ipcshm_ring_put()
 * @data: filled in: where to write it, a multiple of 8; with _PACKED only as far as
 *	the item_size is one
 * @deadline: as for ipcshm_ring_put()
 *
 * Return: as ipcshm_ring_put().
 */
int ipcshm_ring_reserve(struct ipcshm_ring *ring, size_t size, void **data, uint64_t deadline);

/**
 * ipcshm_ring_commit - hand the reserved item over to the consumers
 * @ring: a producer's
 * @size: bytes; with _RECORDS and _CHUNKS at most what was reserved, else the item_size
 *
 * Return: 0, or -EMSGSIZE: another size; -EINVAL: nothing is reserved.
 */
int ipcshm_ring_commit(struct ipcshm_ring *ring, size_t size);

/**
 * ipcshm_ring_discard - don't put the reserved item in
 * @ring: a producer's
 *
 * Return: 0, or -EINVAL: nothing is reserved.
 */
int ipcshm_ring_discard(struct ipcshm_ring *ring);

/**
 * ipcshm_ring_peek - look at the next item in the ring itself
 * @ring: a consumer's, with nothing peeked
 * @data: filled in: where it is, a multiple of 8; with _PACKED only as far as the
 *	item_size is one
 * @deadline: as for ipcshm_ring_put()
 *
 * It stays the caller's until it is released.  Whoever can write to the area can
 * change it meanwhile: copy what is to be checked.
 *
 * Return: the item's size, or as ipcshm_ring_get().
 */
ssize_t ipcshm_ring_peek(struct ipcshm_ring *ring, const void **data, uint64_t deadline);

/**
 * ipcshm_ring_release - be done with the peeked item
 * @ring: a consumer's
 *
 * Return: 0, or -EINVAL: nothing is peeked.
 */
int ipcshm_ring_release(struct ipcshm_ring *ring);

/**
 * ipcshm_ring_put_bulk - put all of several items in, or none
 * @ring: a producer's; not with _RECORDS or _CHUNKS
 * @items: an array of items of the ring's item_size
 * @count: how many; at most the ring's capacity, and IPCSHM_RING_BULK_MAX where
 *	there are many producers
 * @deadline: as for ipcshm_ring_put()
 *
 * Waits until there is room for all.  With many producers, items of others can
 * come in between.
 *
 * Return: @count, or -EAGAIN, -ETIMEDOUT, -EINTR, -EBUSY as ipcshm_ring_put();
 * -E2BIG: @count is too large; -EOPNOTSUPP: the ring is of _RECORDS or
 * _CHUNKS.
 */
ssize_t ipcshm_ring_put_bulk(struct ipcshm_ring *ring, const void *items, size_t count,
			     uint64_t deadline);

/**
 * ipcshm_ring_put_burst - put in as many of several items as there is room for
 * @ring: as for ipcshm_ring_put_bulk()
 * @items: likewise
 * @count: how many at most
 * @deadline: as for ipcshm_ring_put()
 *
 * Waits until there is room for one.
 *
 * Return: how many were put in, or as ipcshm_ring_put_bulk().
 */
ssize_t ipcshm_ring_put_burst(struct ipcshm_ring *ring, const void *items, size_t count,
			      uint64_t deadline);

/**
 * ipcshm_ring_get_bulk - get a number of items out, or none
 * @ring: a consumer's; not with _RECORDS or _CHUNKS
 * @items: room for @count items of the ring's item_size
 * @count: how many; limits as for ipcshm_ring_put_bulk()
 * @deadline: as for ipcshm_ring_put()
 *
 * Return: @count, or -EAGAIN, -ETIMEDOUT, -EINTR, -EBUSY as ipcshm_ring_get();
 * -E2BIG, -EOPNOTSUPP.
 */
ssize_t ipcshm_ring_get_bulk(struct ipcshm_ring *ring, void *items, size_t count,
			     uint64_t deadline);

/**
 * ipcshm_ring_get_burst - get as many items out as there are
 * @ring: as for ipcshm_ring_get_bulk()
 * @items: likewise
 * @count: how many at most
 * @deadline: as for ipcshm_ring_put()
 *
 * Waits until there is one.
 *
 * Return: how many, or as ipcshm_ring_get_bulk().
 */
ssize_t ipcshm_ring_get_burst(struct ipcshm_ring *ring, void *items, size_t count,
			      uint64_t deadline);

/**
 * ipcshm_ring_spin - for how long calls look again and again before they sleep
 * @ring: attached
 * @nanoseconds: at most; 0: not at all; 20000 if it isn't set
 *
 * It is less when it had no success of late, and nothing where the other side was last
 * seen on the caller's CPU.
 *
 * Return: 0.
 */
int ipcshm_ring_spin(struct ipcshm_ring *ring, uint32_t nanoseconds);

/**
 * ipcshm_ring_fd - a descriptor for an event loop
 * @ring: in an area that is a region
 *
 * The area's own.  A region's file description watches one word at a time: a
 * program that polls for several rings, or for both sides of one, opens the
 * region once more for each (ipcshm_region_open()), and gives that descriptor to
 * ipcshm_ring_arm().
 *
 * Return: a descriptor that belongs to the area, or -EOPNOTSUPP: the area isn't a
 * region.
 */
int ipcshm_ring_fd(const struct ipcshm_ring *ring);

/**
 * ipcshm_ring_arm - have the descriptor report when there is something to do
 * @ring: as for ipcshm_ring_fd()
 * @fd: from it, or another descriptor of the same region
 *
 * To be called when a call with IPCSHM_NOW said -EAGAIN, each time before
 * waiting.  poll(2) and epoll(7) then report EPOLLIN on @fd when a consumer may
 * find an item, or a producer room, and EPOLLPRI when a member has died, which
 * may have the same effect.  Nothing that comes is missed.
 *
 * Return: 0: wait; 1: don't, there may be something already; or -EBADF, -EDQUOT,
 * -EKEYREVOKED; -EOPNOTSUPP: the area isn't a region; -ENOSYS: membarrier(2) isn't
 * to be had.
 */
int ipcshm_ring_arm(struct ipcshm_ring *ring, int fd);

/**
 * ipcshm_ring_stat - how a ring is doing
 * @ring: attached
 * @stat: filled in; all of it can change at once
 * @size: sizeof(*@stat)
 *
 * Return: 0, or -EINVAL: another size.
 */
int ipcshm_ring_stat(const struct ipcshm_ring *ring, struct ipcshm_ring_stat *stat, size_t size);

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif

#endif /* IPCSHM_RING_H */
