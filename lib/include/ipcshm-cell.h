/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - cells: the latest value of a structure, shared between processes.
 *
 * A cell holds one value of a fixed size: a configuration, a state, a position. Readers copy
 * the latest value and always get a whole one, never parts of two. They hold no lock, so a
 * stopped reader delays no writer, and a stopped writer delays no reader. Writers exclude
 * each other with a robust mutex. If a writer is killed before its value is complete, the cell
 * keeps the value that it had.
 *
 * Each value has a version, which starts at 1 and grows by 1 with each write. A reader waits
 * for a version other than the one that it knows, in a call or in an event loop.
 *
 *	struct shared {
 *		struct ipcshm_cell cell;
 *		unsigned char values[IPCSHM_CELL_BYTES(sizeof(struct config))];
 *	};
 *
 *	ipcshm_cell_init(&shared->cell, sizeof(struct config), &defaults);	one process
 *
 *	ipcshm_cell_write(&area, &shared->cell, &config, sizeof(config), IPCSHM_FOREVER);
 *
 *	ipcshm_cell_read(&area, &shared->cell, &config, sizeof(config), &version);
 *	ipcshm_cell_wait(&area, &shared->cell, version, IPCSHM_FOREVER);
 *
 * The read side is a sequence lock over four buffers: a read is repeated only if three or
 * more values were written while it copied one.
 */
#ifndef IPCSHM_CELL_H
#define IPCSHM_CELL_H

#include <ipcshm-area.h>
#include <ipcshm-mutex.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes after a struct ipcshm_cell that hold its values, of @size bytes each. */
#define IPCSHM_CELL_BYTES(size)	(4 * (((size_t)(size) + 63) / 64 * 64))

/* The largest value, in bytes. */
#define IPCSHM_CELL_MAX		(1U << 20)

/**
 * struct ipcshm_cell - a cell, in shared memory at a multiple of 64; its values follow it
 * @layout: identifies a cell and its layout; zero before ipcshm_cell_init()
 * @size: bytes of a value
 * @version: version of the latest value
 * @change: changes with the version; readers sleep on it
 * @reserved: 0
 * @writer: serializes the writers
 * @reserved1: 0
 *
 * Only the library accesses the members.
 */
struct ipcshm_cell {
	uint32_t layout;
	uint32_t size;
	uint64_t version;
	uint32_t change;
	uint32_t reserved;
	struct ipcshm_mutex writer;
	uint32_t reserved1[6];
} __attribute__((aligned(64)));

/**
 * ipcshm_cell_init - initialize a cell
 * @cell: where, in an area; IPCSHM_CELL_BYTES(@size) bytes follow it
 * @size: bytes of a value, 1 to IPCSHM_CELL_MAX
 * @value: the first value, whose version is 1; NULL: zeroes
 *
 * One process calls this once, before others use the cell, for example in the @init function
 * of ipcshm_area_open(). Nothing has to be destroyed.
 *
 * Return: 0, or -EINVAL: invalid @size, or @cell is not aligned.
 */
int ipcshm_cell_init(struct ipcshm_cell *cell, size_t size, const void *value);

/**
 * ipcshm_cell_read - copy the latest value of a cell
 * @area: the area that contains the cell
 * @cell: the cell
 * @value: filled in
 * @size: bytes of a value, as given to ipcshm_cell_init()
 * @version: filled in with the version of the value; or NULL
 *
 * Makes no system call and never waits.
 *
 * Return: 0, or -EINVAL: not a cell; -EMSGSIZE: values have another size; -EFAULT: the cell
 * exceeds the area; -EALREADY: writers were faster than each of many attempts.
 */
int ipcshm_cell_read(const struct ipcshm_area *area, const struct ipcshm_cell *cell, void *value,
		     size_t size, uint64_t *version);

/**
 * ipcshm_cell_write - replace the value of a cell
 * @area: the area that contains the cell
 * @cell: the cell
 * @value: the new value
 * @size: bytes of a value, as given to ipcshm_cell_init()
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), or IPCSHM_FOREVER: how long
 *	to wait for another writer
 *
 * Wakes waiting readers. If none waits and no other writer is active, the call makes no system
 * call.
 *
 * Return: 0, or -EINVAL, -EMSGSIZE, -EFAULT as ipcshm_cell_read(); -ETIMEDOUT; -EINTR; -ESRCH:
 * the process is not a member of the area; -EUSERS, -EDQUOT, -ENOMEM, -EIO, -EKEYREVOKED.
 */
int ipcshm_cell_write(const struct ipcshm_area *area, struct ipcshm_cell *cell, const void *value,
		      size_t size, uint64_t deadline);

/**
 * ipcshm_cell_replace - replace the value of a cell if it has not changed
 * @area: the area that contains the cell
 * @cell: the cell
 * @value: the new value
 * @size: bytes of a value, as given to ipcshm_cell_init()
 * @version: version of the value that the new one is based on
 * @deadline: as for ipcshm_cell_write()
 *
 * Several writers change different members of a value without losing each other's changes::
 *
 *	do {
 *		ipcshm_cell_read(&area, cell, &config, sizeof(config), &version);
 *		config.level++;
 *		ret = ipcshm_cell_replace(&area, cell, &config, sizeof(config), version,
 *					  IPCSHM_FOREVER);
 *	} while (ret == -ESTALE);
 *
 * Return: as ipcshm_cell_write(), or -ESTALE: the cell has another version.
 */
int ipcshm_cell_replace(const struct ipcshm_area *area, struct ipcshm_cell *cell,
			const void *value, size_t size, uint64_t version, uint64_t deadline);

/**
 * ipcshm_cell_wait - wait for a new value
 * @area: the area that contains the cell
 * @cell: the cell
 * @version: the version that the caller knows; 0: none
 * @deadline: when to give up: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), or
 *	IPCSHM_FOREVER; 0 only checks
 *
 * Return: 0: the cell has another version; -ETIMEDOUT; -EINTR; -EINVAL: not a cell; or the
 * errors of ipcshm_area_wait() except a death.
 */
int ipcshm_cell_wait(const struct ipcshm_area *area, struct ipcshm_cell *cell, uint64_t version,
		     uint64_t deadline);

/**
 * ipcshm_cell_arm - report a new value to an event loop
 * @area: the area that contains the cell, a region
 * @cell: the cell
 * @version: the version that the caller knows; 0: none
 * @fd: a descriptor of the region, which watches one word at a time: a program that polls
 *	several cells opens the region once for each
 *
 * After it returned 0, poll(2) and epoll(7) report EPOLLIN on @fd when the cell has another
 * version. Call it again each time before waiting.
 *
 * Return: 0: wait; 1: the cell has another version already; or -EINVAL: not a cell;
 * -EOPNOTSUPP: the area is not a region; the errors of ipcshm_region_watch().
 */
int ipcshm_cell_arm(const struct ipcshm_area *area, struct ipcshm_cell *cell, uint64_t version,
		    int fd);

#ifdef __cplusplus
}
#endif

#endif /* IPCSHM_CELL_H */
