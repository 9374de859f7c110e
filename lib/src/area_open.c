// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Open or create an area that is ready for use, even if a process dies at the same time.
 *
 * The first word of the area holds its state:
 *
 *	0 -> CREATING | token -> AREA_READY
 *
 * A process that finds 0 claims the area with its token, initializes it, and publishes it.
 * The others wait for that.  A claim whose owner has died is taken over, and the
 * area begins again from zeroes: nothing a dead creator left is ever seen.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "area.h"

#define CREATING	0x40000000U	/* | token; without one: its creator has failed */
#define AREA_READY		0x80000001U	/* the version of this header in the low bits */

static _Atomic uint32_t *area_state_of(const struct ipcshm_area *area)
{
	return (_Atomic uint32_t *)area->base;
}

/* Whole pages are given back rather than written to: a large area stays as empty as it was. */
static void clear_area(const struct ipcshm_area *area)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t first = area->size < page ? area->size : page;

	memset((char *)area->base + IPCSHM_AREA_HEADER, 0, first - IPCSHM_AREA_HEADER);
	if (area->size > first &&
	    fallocate(area->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)first,
		      (off_t)(area->size - first)))
		memset((char *)area->base + first, 0, area->size - first);
}

/**
 * struct initializer - what makes an area ready
 * @create: initialize it; or only wait for a process that does
 * @init, @data: as given to ipcshm_area_open()
 */
struct initializer {
	bool create;
	int (*init)(const struct ipcshm_area *area, void *data);
	void *data;
};

/* Initialize the claimed area; a failure leaves it to the next process. */
static int init_claimed(const struct ipcshm_area *area, bool is_new, const struct initializer *by)
{
	_Atomic uint32_t *state = area_state_of(area);
	int ret;

	if (!is_new)
		clear_area(area);
	ret = by->init ? by->init(area, by->data) : 0;
	/* Pairs with the load in make_area_ready(): what is published has been initialized. */
	atomic_store_explicit(state, ret < 0 ? CREATING : AREA_READY, memory_order_release);
	ipcshm_area_wake(area, (const uint32_t *)state, INT32_MAX);
	return ret < 0 ? ret : 1;
}

/* Returns 1 if this process has initialized the area, 0 if another one had, or an error. */
static int make_area_ready(const struct ipcshm_area *area, const struct initializer *by,
			   uint64_t deadline)
{
	const uint32_t self = ipcshm_area_token(area);
	_Atomic uint32_t *state = area_state_of(area);
	int ret = 0;

	if (!self)
		return area_no_token(area);
	for (;;) {
		/* The deaths before the word: one in between ends the wait. */
		uint32_t deaths = ipcshm_area_deaths(area);
		uint32_t now = atomic_load_explicit(state, memory_order_acquire);
		uint32_t owner = now & IPCSHM_TOKEN_MASK;

		if (now == AREA_READY)
			return 0;
		if (now && now != (CREATING | owner))
			return -EPROTO;
		if (!now || !ipcshm_area_is_alive(area, owner)) {
			bool is_new = !now;

			if (!by->create)
				return -ENOENT;
			if (atomic_compare_exchange_strong_explicit(state, &now, CREATING | self,
								    memory_order_acquire,
								    memory_order_relaxed))
				return init_claimed(area, is_new, by);
			continue;
		}
		if (ret && ret != -EAGAIN && ret != -EOWNERDEAD)
			return ret;
		ret = ipcshm_area_wait(area, (const uint32_t *)state, now, deaths, deadline);
	}
}

static int open_region(struct ipcshm_area *area, int device, const char *name, uint32_t flags,
		       mode_t mode, struct ipcshm_region_attr *attr)
{
	size_t size = 0;
	void *base;
	int fd, ret;

	if (attr->size)
		flags |= IPCSHM_CREATE;
	fd = ipcshm_region_open(device, name, IPCSHM_READ | IPCSHM_WRITE | flags, mode, attr);
	if (fd < 0)
		return fd;
	ret = ipcshm_region_map(fd, IPCSHM_READ | IPCSHM_WRITE, &base, &size);
	if (ret < 0)
		goto close_fd;
	ret = size > IPCSHM_AREA_HEADER ? ipcshm_area_init_region(area, fd, base, size) : -EPROTO;
	if (ret)
		munmap(base, size);
close_fd:
	close(fd);	/* the area has a duplicate */
	return ret;
}

int ipcshm_area_open(struct ipcshm_area *area, int device, const char *name, uint32_t flags,
		     mode_t mode, struct ipcshm_region_attr *attr,
		     int (*init)(const struct ipcshm_area *area, void *data), void *data,
		     uint64_t deadline)
{
	const struct initializer by = { attr && attr->size, init, data };
	const uint32_t allowed = IPCSHM_PERSISTENT | IPCSHM_POPULATE | IPCSHM_HUGE;
	int saved = errno;
	int ret;

	if (!attr || flags & ~(by.create ? allowed : 0))
		return -EINVAL;
	if (by.create && attr->size <= IPCSHM_AREA_HEADER)
		return -EINVAL;
	ret = open_region(area, device, name, flags, mode, attr);
	if (!ret) {
		ret = make_area_ready(area, &by, deadline);
		if (ret < 0)
			ipcshm_area_close(area);
	}
	errno = saved;
	return ret;
}

void ipcshm_area_close(struct ipcshm_area *area)
{
	void *base = area->base;
	size_t size = area->size;
	int saved = errno;

	ipcshm_area_destroy(area);
	munmap(base, size);
	errno = saved;
}
