// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared memory from which the receivers of a queue read messages in place.
 *
 * The memory is a shmem file which no process can map for writing: the kernel alone
 * writes to it, and a received message does not change until its receiver releases it.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "compat.h"
#include "gfp.h"
#include "pool.h"
#include "shmem.h"

/**
 * ipcshm_pool_init - make the pool of a queue
 * @pool: the pool
 * @size: bytes
 * @largest: bytes of the largest message
 *
 * Senders put messages where there is space, and leave room for one.  So a receiver
 * that holds nothing can always have the next message, even if it was sent when there
 * was no space, and later messages fill the pool.
 *
 * A bitmap of our own holds the used parts, since the bitmap of genalloc is charged to
 * no memory cgroup, and is large even for an unused pool.
 *
 * Return: 0 or an error.
 */
int ipcshm_pool_init(struct ipcshm_pool *pool, u64 size, size_t largest)
{
	pool->size = PAGE_ALIGN(size);
	pool->spare = ALIGN(largest, BIT(IPCSHM_POOL_SHIFT));
	pool->units = (pool->size - pool->spare) >> IPCSHM_POOL_SHIFT;
	mutex_init(&pool->lock);
	pool->map = kvcalloc(BITS_TO_LONGS(pool->units), sizeof(*pool->map), IPCSHM_GFP);
	if (!pool->map)
		return -ENOMEM;
	pool->backing = ipcshm_shmem_file_setup(NULL, "ipcshm-pool", pool->size);
	if (IS_ERR(pool->backing)) {
		kvfree(pool->map);
		return ipcshm_shmem_error(PTR_ERR(pool->backing));
	}
	SHMEM_I(file_inode(pool->backing))->seals =
		F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE;
	return 0;
}

/* All messages have been freed; mappings keep the memory alone. */
void ipcshm_pool_destroy(struct ipcshm_pool *pool)
{
	fput(pool->backing);
	kvfree(pool->map);
}

u64 ipcshm_pool_used(const struct ipcshm_pool *pool)
{
	u64 used = (u64)READ_ONCE(pool->used) << IPCSHM_POOL_SHIFT;

	return used + (test_bit(0, &pool->spare_is_used) ? pool->spare : 0);
}

/* A message of no bytes has a place as well, by which it is released. */
static unsigned int nr_units(size_t size)
{
	return DIV_ROUND_UP(max_t(size_t, size, 1), BIT(IPCSHM_POOL_SHIFT));
}

static void units_set(struct ipcshm_pool *pool, unsigned long first, unsigned int count)
{
	bitmap_set(pool->map, first, count);
	WRITE_ONCE(pool->used, pool->used + count);
	if (pool->free_from == first)
		pool->free_from = first + count;
}

static void units_clear(struct ipcshm_pool *pool, unsigned long first, unsigned int count)
{
	bitmap_clear(pool->map, first, count);
	WRITE_ONCE(pool->used, pool->used - count);
	pool->free_from = min(pool->free_from, first);
}

/* The most units that are looked at before other tasks can run, beside those of the space. */
#define SEARCH_UNITS (8 * PAGE_SIZE)

/*
 * Returns the first unit of the first space that is large enough, or a number that is too large.
 * In a large pool that is full of gaps a search is long, so other tasks can run between two of
 * its steps.
 */
static unsigned long find_space(const struct ipcshm_pool *pool, unsigned int count)
{
	unsigned long first = pool->free_from, until, used;

	while (first + count <= pool->units) {
		until = min(first + SEARCH_UNITS, pool->units);
		first = find_next_zero_bit(pool->map, until, first);
		if (first < until && first + count <= pool->units) {
			used = find_next_bit(pool->map, first + count, first);
			if (used >= first + count)
				return first;
			first = used + 1;
		}
		cond_resched();
	}
	return pool->units;
}

/* The first space that is large enough: of a pool that is seldom full, most is never touched. */
bool ipcshm_pool_alloc(struct ipcshm_pool *pool, size_t size, u64 *offset)
{
	unsigned int count = nr_units(size);
	unsigned long first;

	mutex_lock(&pool->lock);
	first = find_space(pool, count);
	if (first < pool->units)
		units_set(pool, first, count);
	mutex_unlock(&pool->lock);
	*offset = pool->spare + ((u64)first << IPCSHM_POOL_SHIFT);
	return first < pool->units;
}

bool ipcshm_pool_alloc_spare(struct ipcshm_pool *pool, u64 *offset)
{
	*offset = 0;
	return !test_and_set_bit_lock(0, &pool->spare_is_used);
}

void ipcshm_pool_free(struct ipcshm_pool *pool, u64 offset, size_t size)
{
	if (!offset) {
		clear_bit_unlock(0, &pool->spare_is_used);
		return;
	}
	mutex_lock(&pool->lock);
	units_clear(pool, (offset - pool->spare) >> IPCSHM_POOL_SHIFT, nr_units(size));
	mutex_unlock(&pool->lock);
}

static struct page *page_get(struct ipcshm_pool *pool, u64 offset)
{
	struct address_space *mapping = pool->backing->f_mapping;

	return shmem_read_mapping_page_gfp(mapping, offset >> PAGE_SHIFT,
					   mapping_gfp_mask(mapping) | __GFP_RETRY_MAYFAIL |
					   __GFP_NOWARN);
}

/* Returns how many bytes of this page were copied. */
static ssize_t page_copy(struct ipcshm_pool *pool, u64 offset, size_t size, struct iov_iter *iter,
			 size_t (*copy)(struct page *, size_t, size_t, struct iov_iter *))
{
	struct page *page = page_get(pool, offset);
	size_t part = min_t(size_t, size, PAGE_SIZE - offset_in_page(offset));
	size_t done;

	if (IS_ERR(page))
		return ipcshm_shmem_error(PTR_ERR(page));
	done = copy(page, offset_in_page(offset), part, iter);
	if (copy == copy_page_from_iter)
		set_page_dirty(page);
	put_page(page);
	return done == part ? part : -EFAULT;
}

static int pool_copy(struct ipcshm_pool *pool, u64 offset, size_t size, struct iov_iter *iter,
		     size_t (*copy)(struct page *, size_t, size_t, struct iov_iter *))
{
	while (size) {
		ssize_t part = page_copy(pool, offset, size, iter, copy);

		if (part < 0)
			return part;
		offset += part;
		size -= part;
		cond_resched();
	}
	return 0;
}

int ipcshm_pool_write(struct ipcshm_pool *pool, u64 offset, size_t size, struct iov_iter *from)
{
	return pool_copy(pool, offset, size, from, copy_page_from_iter);
}

int ipcshm_pool_read(struct ipcshm_pool *pool, u64 offset, size_t size, struct iov_iter *to)
{
	return pool_copy(pool, offset, size, to, copy_page_to_iter);
}

/*
 * Read-only for ever.  The mapping is one of the shmem file: it holds the memory
 * and neither the queue nor this module.
 */
int ipcshm_pool_mmap(struct ipcshm_pool *pool, struct vm_area_struct *vma)
{
	unsigned long pages = pool->size >> PAGE_SHIFT;

	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -ENXIO;
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EACCES;
	ipcshm_vm_flags_mod(vma, 0, VM_MAYWRITE | VM_MAYEXEC);
	vma_set_file(vma, pool->backing);
	return ipcshm_vfs_mmap(pool->backing, vma);
}
