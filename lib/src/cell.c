// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Cells: the value of version v lies in buffer v % 4.
 *
 *	writer					reader
 *	   lock					R0 load the version: v
 *	W0 fence				R1 copy buffer v % 4
 *	W1 write buffer (v + 1) % 4		R2 fence
 *	W2 version: v + 1			R3 load the version: at most v + 2?
 *	W3 change, wake
 *	   unlock
 *
 * Buffer v % 4 is written again for version v + 4, after version v + 3 was published. If R1 sees
 * any of that, the fences order W2 of v + 3 before R3.
 *
 * A writer that dies before W2 has changed nothing that readers use: the next writer writes the
 * same buffer. A writer that dies between W2 and W3 wakes the sleepers by its death.
 */
#include <limits.h>
#include <stdatomic.h>

#include "word.h"

#pragma GCC visibility push(default)
#include <ipcshm-cell.h>
#pragma GCC visibility pop

#define CELL_LAYOUT		0x43656c01U	/* "Cel", 1 */
#define BUFFERS		4U
#define CELL_SLEEPERS	1U		/* in the change word: a task may sleep */
#define READ_TRIES	256

_Static_assert(sizeof(struct ipcshm_cell) == 64, "values follow on a line of their own");

static size_t cell_stride(size_t size)
{
	return IPCSHM_CELL_BYTES(size) / BUFFERS;
}

static unsigned char *cell_buffer(const struct ipcshm_cell *cell, size_t size, uint64_t version)
{
	return (unsigned char *)(cell + 1) + version % BUFFERS * cell_stride(size);
}

static uint64_t load_version(const struct ipcshm_cell *cell)
{
	return __atomic_load_n(&cell->version, __ATOMIC_ACQUIRE);
}

/* Any process can write to the cell: check what decides which memory is accessed. */
static int check_cell(const struct ipcshm_area *area, const struct ipcshm_cell *cell, size_t size)
{
	uint64_t offset = (uintptr_t)cell - (uintptr_t)area->base;

	if (!layout_is(&cell->layout, CELL_LAYOUT))
		return -EINVAL;
	if (!size || size != __atomic_load_n(&cell->size, __ATOMIC_RELAXED))
		return -EMSGSIZE;
	if (size > IPCSHM_CELL_MAX ||
	    !ipcshm_area_at(area, offset, sizeof(*cell) + IPCSHM_CELL_BYTES(size), 64))
		return -EFAULT;
	return 0;
}

/*
 * Copies between a buffer and memory of the caller's own. The other side may access the buffer
 * at the same time, hence by atomic words; buffers are whole words.
 */
static void load_value(void *to, const unsigned char *buffer, size_t size)
{
	const uint64_t *words = (const uint64_t *)buffer;
	size_t i, rest;
	uint64_t word;

	for (i = 0; i < size; i += sizeof(word)) {
		word = __atomic_load_n(words + i / sizeof(word), __ATOMIC_RELAXED);
		rest = size - i < sizeof(word) ? size - i : sizeof(word);
		memcpy((unsigned char *)to + i, &word, rest);
	}
}

static void store_value(unsigned char *buffer, const void *from, size_t size)
{
	uint64_t *words = (uint64_t *)buffer;
	size_t i, rest;

	for (i = 0; i < size; i += sizeof(*words)) {
		uint64_t word = 0;

		rest = size - i < sizeof(word) ? size - i : sizeof(word);
		memcpy(&word, (const unsigned char *)from + i, rest);
		__atomic_store_n(words + i / sizeof(word), word, __ATOMIC_RELAXED);
	}
}

int ipcshm_cell_init(struct ipcshm_cell *cell, size_t size, const void *value)
{
	if (!size || size > IPCSHM_CELL_MAX || (uintptr_t)cell % _Alignof(struct ipcshm_cell))
		return -EINVAL;
	*cell = (struct ipcshm_cell) { .size = (uint32_t)size, .version = 1 };
	ipcshm_mutex_init(&cell->writer);
	if (value)
		memcpy(cell_buffer(cell, size, 1), value, size);
	else
		memset(cell_buffer(cell, size, 1), 0, size);
	layout_set(&cell->layout, CELL_LAYOUT);
	return 0;
}

int ipcshm_cell_read(const struct ipcshm_area *area, const struct ipcshm_cell *cell, void *value,
		     size_t size, uint64_t *version)
{
	int ret = check_cell(area, cell, size);
	uint64_t now, before;
	int tries;

	if (ret)
		return ret;
	now = load_version(cell);
	for (tries = 0; tries < READ_TRIES; tries++) {
		before = now;						/* R0 */
		load_value(value, cell_buffer(cell, size, before), size);	/* R1 */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);		/* R2, pairs with W0 */
		now = load_version(cell);				/* R3 */
		if (now - before < BUFFERS - 1) {
			if (version)
				*version = before;
			return 0;
		}
	}
	return -EALREADY;
}

static int lock_writers(const struct ipcshm_area *area, struct ipcshm_cell *cell,
			uint64_t deadline)
{
	int ret = ipcshm_mutex_lock(area, &cell->writer, deadline);

	/* The buffer that a dead writer left incomplete is written again. */
	return ret == -EOWNERDEAD ? ipcshm_mutex_consistent(area, &cell->writer) : ret;
}

static void publish_value(const struct ipcshm_area *area, struct ipcshm_cell *cell,
			  const void *value, size_t size, uint64_t version)
{
	uint32_t change = (uint32_t)version << 1;

	__atomic_thread_fence(__ATOMIC_RELEASE);				/* W0, pairs with R2 */
	store_value(cell_buffer(cell, size, version), value, size);		/* W1 */
	__atomic_store_n(&cell->version, version, __ATOMIC_RELEASE);		/* W2, pairs with R0 */
	/* Pairs with the load in await_change(): a sleeper has set the bit, or sees the version. */
	if (__atomic_exchange_n(&cell->change, change, __ATOMIC_ACQ_REL) & CELL_SLEEPERS)	/* W3 */
		ipcshm_area_wake(area, &cell->change, INT_MAX);
}

static int write_value(const struct ipcshm_area *area, struct ipcshm_cell *cell,
		       const void *value, size_t size, const uint64_t *expected, uint64_t deadline)
{
	int ret = check_cell(area, cell, size);
	uint64_t version;

	if (ret)
		return ret;
	ret = lock_writers(area, cell, deadline);
	if (ret)
		return ret;
	version = load_version(cell);
	if (expected && version != *expected)
		ret = -ESTALE;
	else
		publish_value(area, cell, value, size, version + 1);
	ipcshm_mutex_unlock(area, &cell->writer);
	return ret;
}

int ipcshm_cell_write(const struct ipcshm_area *area, struct ipcshm_cell *cell, const void *value,
		      size_t size, uint64_t deadline)
{
	return write_value(area, cell, value, size, NULL, deadline);
}

int ipcshm_cell_replace(const struct ipcshm_area *area, struct ipcshm_cell *cell,
			const void *value, size_t size, uint64_t version, uint64_t deadline)
{
	return write_value(area, cell, value, size, &version, deadline);
}

/*
 * Announce a sleeper. Returns true, and the word to sleep on, if the cell still has @version;
 * false if it has another one.
 */
static bool await_change(struct ipcshm_cell *cell, uint64_t version, uint32_t *word)
{
	uint32_t change = __atomic_load_n(&cell->change, __ATOMIC_ACQUIRE);

	*word = change | CELL_SLEEPERS;
	if (load_version(cell) != version)
		return false;
	/* If the word has changed, so has the version, and the wait returns at once. */
	__atomic_compare_exchange_n(&cell->change, &change, *word, false, __ATOMIC_ACQ_REL,
				    __ATOMIC_RELAXED);
	return true;
}

int ipcshm_cell_wait(const struct ipcshm_area *area, struct ipcshm_cell *cell, uint64_t version,
		     uint64_t deadline)
{
	uint32_t deaths, word;
	bool again = false;
	int ret;

	if (!layout_is(&cell->layout, CELL_LAYOUT))
		return -EINVAL;
	for (;; again = true) {
		/* First: the death of a writer before W3 ends the sleep. */
		deaths = ipcshm_area_deaths(area);
		if (!await_change(cell, version, &word))
			return 0;
		if (again && is_past(deadline))
			return -ETIMEDOUT;
		ret = ipcshm_area_wait(area, &cell->change, word, deaths, deadline);
		if (ret && ret != -EAGAIN && ret != -EOWNERDEAD)
			return load_version(cell) != version ? 0 : ret;
	}
}

int ipcshm_cell_arm(const struct ipcshm_area *area, struct ipcshm_cell *cell, uint64_t version,
		    int fd)
{
	uint64_t offset = (uintptr_t)&cell->change - (uintptr_t)area->base;
	uint32_t deaths = ipcshm_area_deaths(area);
	uint32_t word;

	if (!layout_is(&cell->layout, CELL_LAYOUT))
		return -EINVAL;
	if (area->fd < 0)
		return -EOPNOTSUPP;
	if (!await_change(cell, version, &word))
		return 1;
	return ipcshm_region_watch(fd, offset, sizeof(word), word, deaths);
}
