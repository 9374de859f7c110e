/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - areas: memory that processes share, waits in it, and the members that
 * are alive.
 *
 * The base of layers 2 and 3: mutexes, conditions, events and buffers lie in an
 * area.  It is either a region, where the kernel module does the waiting and
 * reports deaths, or any other shared memory, where futex(2) does the waiting.  In the
 * latter no member ever dies, or the program itself reports deaths.
 *
 * struct ipcshm_area is a handle: it belongs to one process and isn't in the
 * shared memory.  After fork(2) the child can use its copy at once; it is a
 * member of its own, with a token of its own.  All calls may be made from any
 * thread, except ipcshm_area_destroy(), which must not run beside another call.
 *
 *	struct ipcshm_area area;
 *	void *base;
 *	size_t size;
 *
 *	ipcshm_region_map(fd, IPCSHM_READ | IPCSHM_WRITE, &base, &size);
 *	ipcshm_area_init_region(&area, fd, base, size);
 */
#ifndef IPCSHM_AREA_H
#define IPCSHM_AREA_H

#include <ipcshm.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ipcshm_area;

/**
 * struct ipcshm_area_ops - how to wait in an area
 * @size: sizeof(struct ipcshm_area_ops); later versions of the structure are longer
 * @wait: sleep while @word is @expected and the area's count of deaths is
 *	@deaths, until @deadline (CLOCK_MONOTONIC nanoseconds, or IPCSHM_FOREVER).
 *	Looking at the word and going to sleep are one step for @wake.
 *	Return: 0: woken, or for no reason; -EAGAIN: the word differs; -EOWNERDEAD:
 *	a member has died; -ETIMEDOUT; -EINTR: a signal was handled; any other
 *	error means that waiting is impossible.  A wake-up that was counted isn't
 *	lost: it makes this return 0, or a death makes every wait return.
 * @wake: wake @count (at most INT_MAX) waiters of @word, in the order of their
 *	arrival.  Return: the number of woken waiters, or -errno.
 * @self: the calling process's token, or 0 if it has none; NULL: it has none but
 *	by ipcshm_area_set_token().  Asked once, and again after fork(2).
 *
 * @word is in the area.  Nothing of this has to order memory accesses.
 */
struct ipcshm_area_ops {
	size_t size;
	int (*wait)(const struct ipcshm_area *area, const uint32_t *word, uint32_t expected,
		    uint32_t deaths, uint64_t deadline);
	int (*wake)(const struct ipcshm_area *area, const uint32_t *word, uint32_t count);
	uint32_t (*self)(const struct ipcshm_area *area);
};

/**
 * struct ipcshm_area - shared memory, and its members
 * @base: where it is
 * @size: bytes
 * @ops: how to wait
 * @members: the member page; NULL: no member ever dies
 * @token: the process's own, or 0: not known yet; on a page that fork(2) wipes
 * @fd: the region's descriptor, the area's own, or -1
 * @reserved: 0
 *
 * To be read only, after one of the init calls.
 */
struct ipcshm_area {
	void *base;
	size_t size;
	const struct ipcshm_area_ops *ops;
	const struct ipcshm_member_page *members;
	uint32_t *token;
	int fd;
	uint32_t reserved[9];
};

/* Bytes at the beginning of an area from ipcshm_area_open() that the library keeps. */
#define IPCSHM_AREA_HEADER	128

/**
 * ipcshm_area_open - open an area that is ready for use, or create it
 * @area: filled in
 * @device: from ipcshm_open()
 * @name: the region's
 * @flags: IPCSHM_PERSISTENT, IPCSHM_POPULATE, IPCSHM_HUGE, of a new region; or 0
 * @mode: permission bits of a new region, less the umask
 * @attr: of a new region, its size more than IPCSHM_AREA_HEADER; all 0: open an existing
 *	area only; out: of the one opened
 * @init: called by one process, before any other is let in, to initialize what
 *	follows the first IPCSHM_AREA_HEADER bytes, which is zero: returns 0 or
 *	-errno; NULL: zeroes will do
 * @data: for @init
 * @deadline: CLOCK_MONOTONIC nanoseconds, or IPCSHM_FOREVER: how long to wait for
 *	another process's @init
 *
 * Any number of processes can make this call at the same time, with the same
 * arguments; each returns when the area has been initialized.  If the process that
 * does so dies, or its @init fails, another one begins anew with zeroes.  Example::
 *
 *	static int init(const struct ipcshm_area *area, void *data)
 *	{
 *		ipcshm_mutex_init(ipcshm_area_at(area, IPCSHM_AREA_HEADER,
 *						 sizeof(struct ipcshm_mutex), 8));
 *		return 0;
 *	}
 *
 *	struct ipcshm_region_attr attr = { .size = 4096 };
 *
 *	ret = ipcshm_area_open(&area, device, "table", 0, 0600, &attr, init, NULL,
 *			       ipcshm_deadline(1000000000));
 *
 * Return: 1: this process has initialized the area, 0: another one had; or
 * -EINVAL; -ENOENT: with @attr all 0, there is no such area, and no process creates it;
 * -ETIMEDOUT; -EINTR: a signal was handled; -EPROTO: the region of that name is no such
 * area; -EUSERS, -EDQUOT: no room for another member; the errors of @init,
 * ipcshm_region_open(), ipcshm_region_map() and ipcshm_area_init_region().
 */
int ipcshm_area_open(struct ipcshm_area *area, int device, const char *name, uint32_t flags,
		     mode_t mode, struct ipcshm_region_attr *attr,
		     int (*init)(const struct ipcshm_area *area, void *data), void *data,
		     uint64_t deadline);

/**
 * ipcshm_area_close - give up an area from ipcshm_area_open()
 * @area: no thread of the process uses it any longer
 *
 * Unmaps the region: the process is no longer a member.
 */
void ipcshm_area_close(struct ipcshm_area *area);

/**
 * ipcshm_area_init_region - an area that is a region
 * @area: filled in
 * @fd: the region's descriptor; the area keeps a duplicate of it
 * @base: where the process has it mapped, all of it from its start, for writing
 * @size: bytes of it that are used
 *
 * The process must stay a member until ipcshm_area_destroy(): not unmap it.
 *
 * Return: 0, or -EINVAL: @base is NULL or not on a page, or @size is 0 or goes
 * over the end of the address space; -ESRCH: the process isn't a member; -EUSERS,
 * -EDQUOT: it is a child of fork(2) for which there is no room, or no quota; -EPROTO:
 * the module's member page has a layout that this library doesn't know; -EBADF,
 * -ENOTTY, -EKEYREVOKED, -EMFILE, -ENOMEM.
 */
int ipcshm_area_init_region(struct ipcshm_area *area, int fd, void *base, size_t size);

/**
 * ipcshm_area_init_futex - an area that is any shared memory
 * @area: filled in
 * @base: where it is
 * @size: bytes
 * @members: the member page, in memory that is shared as well; NULL: no member dies,
 *	and a process's token is its process ID
 *
 * Doesn't need the module.  With @members, some process that knows of the deaths
 * of the others (as a parent does) writes that page: for a new member its token
 * into its slot (linux/ipcshm.h), which it then gives to ipcshm_area_set_token();
 * for a death another value into the slot, then a higher @deaths, both with
 * release, then FUTEX_WAKE on @deaths for INT_MAX.  Until it has a token a process
 * can't lock.
 *
 * Without @members the processes must be in one PID namespace.
 *
 * Return: 0, or -EINVAL: @base is NULL, not a multiple of 8, or @size is 0 or goes
 * over the end of the address space; -EPROTO: @members has another version;
 * -ENOSYS: there is @members, and the kernel is older than 5.16; -ENOMEM.
 */
int ipcshm_area_init_futex(struct ipcshm_area *area, void *base, size_t size,
			   const struct ipcshm_member_page *members);

/**
 * ipcshm_area_init - an area with wait operations of the program's own
 * @area: filled in
 * @base: where the shared memory is
 * @size: bytes
 * @ops: wait operations, which stay unchanged until ipcshm_area_destroy()
 * @members: the member page, or NULL: members never die
 *
 * Return: 0, or -EINVAL, -EPROTO, -ENOMEM, as ipcshm_area_init_futex(); -EINVAL, too, if
 * @ops has no @wait or no @wake; -E2BIG: @ops sets an operation that this library does
 * not know.
 */
int ipcshm_area_init(struct ipcshm_area *area, void *base, size_t size,
		     const struct ipcshm_area_ops *ops, const struct ipcshm_member_page *members);

/**
 * ipcshm_area_destroy - free the resources of an area
 * @area: from an init call; no longer in use
 *
 * The content of the shared memory stays, and so do its mapping and the given
 * descriptor.
 */
void ipcshm_area_destroy(struct ipcshm_area *area);

/**
 * ipcshm_area_token - the calling process's token in an area
 * @area: the area
 *
 * A load, but for the first time in a process.  All threads of a process have the
 * same, and a child of fork(2) another than its parent.
 *
 * Return: the token, or 0: the process isn't a member.  A child of fork(2) for which the
 * region had no room becomes one in a later call, as soon as there is room; until then
 * what needs a token fails with -EUSERS, -EDQUOT or -ENOMEM.
 */
uint32_t ipcshm_area_token(const struct ipcshm_area *area);

/**
 * ipcshm_area_set_token - set the calling process's token
 * @area: the area
 * @token: 1 to IPCSHM_TOKEN_MASK; or 0: none
 *
 * For areas in which the program itself manages the members.
 *
 * Return: 0, or -EINVAL: not a token.
 */
int ipcshm_area_set_token(const struct ipcshm_area *area, uint32_t token);

/**
 * ipcshm_area_is_alive - is a member alive?
 * @area: the area
 * @token: the member's; any value, as it may have been read from shared memory
 *
 * One load, and no system call.  All that one who is dead has stored can be seen.
 */
IPCSHM_INLINE bool ipcshm_area_is_alive(const struct ipcshm_area *area, uint32_t token)
{
	if (!area->members)
		return token && token <= IPCSHM_TOKEN_MASK;
	return ipcshm_is_alive(area->members, token);
}

/**
 * ipcshm_area_deaths - how many members of an area have died
 * @area: the area
 *
 * To be read before looking at what a wait is about, and given to it.
 */
IPCSHM_INLINE uint32_t ipcshm_area_deaths(const struct ipcshm_area *area)
{
	return area->members ? ipcshm_deaths(area->members) : 0;
}

/**
 * ipcshm_area_at - a place in an area
 * @area: the area
 * @offset: bytes from its start; any value, as it may have been read from shared
 *	memory
 * @size: bytes that are used there
 * @align: what the address has to be a multiple of, a power of two
 *
 * Return: the address; NULL: it isn't all in the area, or not aligned.
 */
IPCSHM_INLINE void *ipcshm_area_at(const struct ipcshm_area *area, uint64_t offset, size_t size,
				   size_t align)
{
	uintptr_t at;

	if (offset > area->size || size > area->size - (size_t)offset)
		return NULL;
	at = (uintptr_t)area->base + (uintptr_t)offset;
	return at & (align - 1) ? NULL : (void *)at;
}

/**
 * ipcshm_area_wait - sleep while a word of an area has a value
 * @area: the area
 * @word: in it
 * @expected: the value
 * @deaths: the count of deaths that is known, from ipcshm_area_deaths()
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), or
 *	IPCSHM_FOREVER
 *
 * Return: 0: woken, or for no reason; -EAGAIN: the word has another value;
 * -EOWNERDEAD: a member has died; -ETIMEDOUT; -EINTR: a signal was handled whose
 * handler was set without SA_RESTART (on kernels before 5.16, in an area of
 * ipcshm_area_init_futex() with a deadline: any handler); in a region also -EINVAL,
 * -EDQUOT, -EIO, -ENOMEM, -EKEYREVOKED.
 */
IPCSHM_INLINE int ipcshm_area_wait(const struct ipcshm_area *area, const uint32_t *word,
				   uint32_t expected, uint32_t deaths, uint64_t deadline)
{
	return area->ops->wait(area, word, expected, deaths, deadline);
}

/**
 * ipcshm_area_wake - wake the waiters of a word of an area
 * @area: the area
 * @word: in it
 * @count: the maximum number to wake, in the order of their arrival; at most INT_MAX
 *
 * Return: the number of woken waiters, or -EINVAL; in a region also -EKEYREVOKED.
 */
IPCSHM_INLINE int ipcshm_area_wake(const struct ipcshm_area *area, const uint32_t *word,
				   uint32_t count)
{
	return area->ops->wake(area, word, count);
}

#ifdef __cplusplus
}
#endif

#endif /* IPCSHM_AREA_H */
