/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - rings: bounded buffers between processes, in an area (ipcshm-area.h).
 *
 * Producers put items in, consumers get them out in the same order.  While the
 * other side is awake no call makes a system call.  A process that is killed in
 * the middle of any of them leaves nothing behind that stops the others: uncommitted
 * items are skipped, committed items are delivered.
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
 * Layouts, chosen by the properties of the items:
 *
 * IPCSHM_RING_SLOTS: items of one size, each beside a word with its state.
 *	One cache line moves per item of up to 56 bytes: the shortest way from one
 *	process to another.
 * IPCSHM_RING_RECORDS: records of any size, up to nearly half the ring.
 * IPCSHM_RING_PACKED: items of one size, nothing between them, one producer and
 *	one consumer: the most items per second when they are small.
 *
 * IPCSHM_RING_CHUNKS: as _RECORDS, in a buffer that grows: a region becomes larger as
 *	chunks are added, up to the capacity; chunks are used again.  Such a ring is the
 *	last object in its area, and the area has the largest size of the region
 *	(ipcshm_region_map(); max_size).
 *
 * A ring has one producer (consumer): a second one is refused unless the first has
 * died.  With IPCSHM_RING_MULTI_PRODUCER (_CONSUMER) it has up to attr.handles, and
 * does a little more work per item.  No call holds a lock: a process that is stopped
 * at any instant holds up only the items that it has reserved or peeked.
 *
 * If a consumer dies while it has an item (between peek and release), the item
 * comes back: each item is delivered at least once.  An item that came back is the
 * next to be delivered.  Each consumer gets the items of each producer in order,
 * except items that came back.
 *
 * If the caller does not want to wait, a call has three answers: the item; -EAGAIN: the
 * ring is full, or empty; -EALREADY: contention.  After -EAGAIN, ipcshm_ring_arm() and
 * poll(2) wait until that changes.  -EALREADY is rare: others made progress in between,
 * or there was much to skip, such as discarded items.  Nothing is held by another
 * process, and the next try goes on where this one ended.
 *
 * Even if another process writes into the ring at any time, a call returns an item or
 * an error, accesses nothing outside of the ring and ends by its deadline.  The work of
 * a call does not depend on the capacity of the ring.
 *
 * Calls return 0, a size or a count, or -errno; see each.  Beside the errors
 * listed: -EBADMSG: the ring holds something that no call of this library writes;
 * -EPERM: the handle is of the other side; -ESRCH: the handle belongs to another
 * process (the parent, after fork(2)).
 * Calls that wait can also return the errors of ipcshm_area_wait().
 */
#ifndef IPCSHM_RING_H
#define IPCSHM_RING_H

#include <ipcshm-area.h>

#ifdef __cplusplus
extern "C" {
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
#define IPCSHM_RING_HANGUP		0x08	/* waits end when the other side is gone */

/* Sides, for ipcshm_ring_attach(). */
#define IPCSHM_RING_PRODUCER	1
#define IPCSHM_RING_CONSUMER	2

/* The most items of a bulk call, where there are many producers or consumers. */
#define IPCSHM_RING_BULK_MAX	256

/**
 * struct ipcshm_ring_attr - what a ring is
 * @layout: IPCSHM_RING_SLOTS, _RECORDS, _PACKED or _CHUNKS
 * @flags: IPCSHM_RING_MULTI_PRODUCER, _MULTI_CONSUMER, _OVERWRITE, _HANGUP; with
 *	_PACKED only _HANGUP; with _CHUNKS not _OVERWRITE
 * @capacity: how much it holds: items, or with _RECORDS and _CHUNKS bytes; a power of
 *	two, at most 2^31 items or 2^32 bytes, at least 2 items or 256 bytes.  A record
 *	takes its size and 16, rounded up to 16; in a ring of _CHUNKS, of many producers
 *	or consumers, or with _OVERWRITE its size and 8, rounded up to 32
 * @item_size: bytes in an item, 1 to 2^24; with _RECORDS 0; with _CHUNKS bytes in a
 *	chunk, a power of two from 256 to 2^24, at most half the capacity and at
 *	least 2^-16 of it: a record is up to nearly half of a chunk
 * @handles: how many producers, and how many consumers, can be attached at once where
 *	there can be many; at most 256; 0: 64
 * @reserved: 0
 */
struct ipcshm_ring_attr {
	uint32_t layout;
	uint32_t flags;
	uint64_t capacity;
	uint32_t item_size;
	uint32_t handles;
	uint32_t reserved[2];
};

/**
 * struct ipcshm_ring_status - state and counters of a ring
 * @attr: attributes of the ring
 * @put: number of items put in (with _RECORDS and _CHUNKS bytes, including what each
 *	record takes beside its size)
 * @got: the part of @put that was got out, dropped or skipped
 * @dropped: items that _OVERWRITE gave up
 * @skipped: items that were reserved and not committed, since their producer
 *	discarded them or died
 * @returned: items that came back, since their consumer detached or died
 * @wakes: wake-ups of sleeping processes
 * @sleeps: number of times that a process slept
 * @producers: attached handles of living producers
 * @consumers: attached handles of living consumers
 */
struct ipcshm_ring_status {
	struct ipcshm_ring_attr attr;
	uint64_t put;
	uint64_t got;
	uint64_t dropped;
	uint64_t skipped;
	uint64_t returned;
	uint64_t wakes;
	uint64_t sleeps;
	uint32_t producers;
	uint32_t consumers;
};

/**
 * struct ipcshm_ring - a process's handle on one side of a ring
 * @opaque: for the library alone: don't copy or change it
 *
 * One thread at a time uses a handle; each thread attaches its own.  In a child of
 * fork(2) the parent's handles return -ESRCH, and detaching them does nothing; the
 * child attaches its own.
 */
struct ipcshm_ring {
	uint64_t opaque[48];
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
 * @attr: its attributes
 *
 * No other process may use that part of the area.
 *
 * Return: 0, or -EINVAL: invalid attributes or address; -ENOSPC:
 * the area is too small; with _CHUNKS the errors of ipcshm_region_resize().
 */
int ipcshm_ring_create(const struct ipcshm_area *area, uint64_t offset,
		       const struct ipcshm_ring_attr *attr);

/**
 * ipcshm_ring_open - open or create a ring in a region of its own and attach to it
 * @ring: filled in
 * @area: filled in: the area that holds the ring; stays until the ring is detached
 * @device: from ipcshm_open()
 * @name: the region's name
 * @flags: IPCSHM_PERSISTENT, IPCSHM_POPULATE, IPCSHM_HUGE for a new region; or 0
 * @mode: permission bits of a new region, less the umask
 * @attr: attributes of the ring
 * @side: IPCSHM_RING_PRODUCER or _CONSUMER
 * @deadline: as for ipcshm_area_open()
 *
 * Any number of processes can make this call concurrently, each for its side.  A process
 * that is killed at any point of it blocks no other: see ipcshm_area_open().  The ring
 * lies IPCSHM_AREA_HEADER bytes from the start of @area, where the process can attach
 * further handles.  After ipcshm_ring_detach(), close @area with ipcshm_area_close().
 *
 * Return: 1: this process has created the ring; 0: it existed; -EPROTO: the region of
 * that name holds something else, or a ring with other attributes; or the errors of
 * ipcshm_ring_create(), ipcshm_ring_attach() and ipcshm_area_open().
 */
int ipcshm_ring_open(struct ipcshm_ring *ring, struct ipcshm_area *area, int device,
		     const char *name, uint32_t flags, mode_t mode,
		     const struct ipcshm_ring_attr *attr, uint32_t side, uint64_t deadline);

/**
 * ipcshm_ring_attach - become a producer or a consumer
 * @ring: filled in
 * @area: where the ring is; stays while it is attached
 * @offset: as it was created with
 * @side: IPCSHM_RING_PRODUCER or _CONSUMER
 *
 * Return: 0, or -EINVAL; -EAGAIN: the ring is not created yet: its first four bytes are a
 * word that is 0 until then, and ipcshm_area_wait() on that word returns when the ring is
 * created; -EPROTO: @offset holds no ring, or a ring of a layout version that this library
 * doesn't know, or the ring doesn't fit in the area; -EBUSY: its one producer (consumer) is
 * alive; -EUSERS: as many as attr.handles are attached; -ESRCH: the process isn't a member
 * of the area.
 */
int ipcshm_ring_attach(struct ipcshm_ring *ring, const struct ipcshm_area *area,
		       uint64_t offset, uint32_t side);

/**
 * ipcshm_ring_detach - detach from a ring
 * @ring: attached; done with
 *
 * A reserved item is discarded, a peeked item comes back.  A process detaches before
 * it unmaps the area: unmapping is no death, and does not wake processes that wait for
 * what the handle had.
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
 * Return: 0, or -EAGAIN: full, with IPCSHM_NOW; -EALREADY: contention, with
 * IPCSHM_NOW; -ETIMEDOUT, -EINTR; -EPIPE: full, and the consumers are gone
 * (IPCSHM_RING_HANGUP); -EMSGSIZE: another size than an item can have; -EBUSY: an
 * item is reserved.
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
 * Return: the item's size, or -EAGAIN: empty, with IPCSHM_NOW; -EALREADY: contention,
 * with IPCSHM_NOW; -ETIMEDOUT, -EINTR; -EPIPE: empty, and the producers are gone
 * (IPCSHM_RING_HANGUP); -EMSGSIZE: the room is too small, the item stays the next;
 * -EBUSY: an item is peeked.
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
 * It stays the caller's until it is released.  Any process that can write to the area
 * can change it at any time: copy data before checking it.
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
 * Return: @count, or -EAGAIN, -EALREADY, -ETIMEDOUT, -EINTR, -EPIPE, -EBUSY as
 * ipcshm_ring_put();
 * -E2BIG: @count is too large; -EOPNOTSUPP: the ring is of _RECORDS or
 * _CHUNKS.
 */
ssize_t ipcshm_ring_put_bulk(struct ipcshm_ring *ring, const void *items, size_t count,
			     uint64_t deadline);

/**
 * ipcshm_ring_put_burst - put in as many of several items as there is room for
 * @ring: as for ipcshm_ring_put_bulk()
 * @items: as for ipcshm_ring_put_bulk()
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
 * The items are one after the other in the ring, except items that came back: they come
 * first.
 *
 * Return: @count, or -EAGAIN, -EALREADY, -ETIMEDOUT, -EINTR, -EPIPE, -EBUSY as
 * ipcshm_ring_get(); -E2BIG, -EOPNOTSUPP.
 */
ssize_t ipcshm_ring_get_bulk(struct ipcshm_ring *ring, void *items, size_t count,
			     uint64_t deadline);

/**
 * ipcshm_ring_get_burst - get as many items out as there are
 * @ring: as for ipcshm_ring_get_bulk()
 * @items: as for ipcshm_ring_get_bulk()
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
 * ipcshm_ring_set_busy_poll - for how long calls look again and again before they sleep
 * @ring: attached
 * @nanoseconds: at most; 0: not at all; 20000 if it isn't set
 *
 * It is less when it had no success of late, and nothing where the other side was last
 * seen on the caller's CPU.
 *
 * Return: 0.
 */
int ipcshm_ring_set_busy_poll(struct ipcshm_ring *ring, uint32_t nanoseconds);

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
 * Call it when a call with IPCSHM_NOW returned -EAGAIN, each time before waiting.
 * poll(2) and epoll(7) then report EPOLLIN on @fd when the refused call may succeed:
 * when there is room for a record of its size, or there are as many items as it
 * wanted; and EPOLLPRI when a member has died, which may have the same effect.  Nothing
 * that comes is missed.
 *
 * Return: 0: wait; 1: don't wait, the call may succeed, or the other side has hung up; or
 * -EBADF, -EDQUOT, -EKEYREVOKED; -EOPNOTSUPP: the area isn't a region; -ENOSYS:
 * membarrier(2) is unavailable.
 */
int ipcshm_ring_arm(struct ipcshm_ring *ring, int fd);

/**
 * ipcshm_ring_wait_peer - wait for a peer
 * @ring: attached
 * @deadline: as for ipcshm_ring_put()
 *
 * Waits until at least one handle of the other side is attached and its process alive.
 *
 * Return: 0, or -EAGAIN: there is none, with IPCSHM_NOW; -ETIMEDOUT, -EINTR.
 */
int ipcshm_ring_wait_peer(struct ipcshm_ring *ring, uint64_t deadline);

/**
 * ipcshm_ring_get_stat - get state and counters of a ring
 * @ring: attached
 * @status: filled in; all of it can change at once
 * @size: sizeof(*@status); later versions of the structure are longer
 *
 * If @size is larger than the structure that the library knows, the rest is zero; if it is
 * smaller, the members that do not fit are left out.
 *
 * Return: 0, or -EINVAL: smaller than the structure was in its first version.
 */
int ipcshm_ring_get_stat(const struct ipcshm_ring *ring, struct ipcshm_ring_status *status, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* IPCSHM_RING_H */
