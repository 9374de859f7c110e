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

/* The most units and gaps that are searched in one critical section. */
#define SEARCH_UNITS	(8 * PAGE_SIZE)
#define SEARCH_GAPS	64

/**
 * struct search - a search for a space
 * @first: start of the rest to search, or of the space that was found
 * @count: units of the space
 * @found: the space at @first is large enough
 */
struct search {
	unsigned long first;
	unsigned int count;
	bool found;
};

/* Search some of the next gaps. Return false at the end, or if a space is found. */
static bool search_some(const struct ipcshm_pool *pool, struct search *search)
{
	unsigned long until, used;
	unsigned int gaps;

	search->first = max(search->first, pool->free_from);
	if (search->first + search->count > pool->units)
		return false;
	until = min(search->first + SEARCH_UNITS, pool->units);
	for (gaps = 0; gaps < SEARCH_GAPS && search->first < until; gaps++) {
		search->first = find_next_zero_bit(pool->map, until, search->first);
		if (search->first == until || search->first + search->count > pool->units)
			break;
		used = find_next_bit(pool->map, search->first + search->count, search->first);
		search->found = used >= search->first + search->count;
		if (search->found)
			return false;
		search->first = used + 1;
	}
	return true;
}

/*
 * Allocate the first space that is large enough, so that a pool that is seldom full is mostly
 * untouched. A space that another task frees before @search->first counts as freed after this
 * call.
 */
bool ipcshm_pool_alloc(struct ipcshm_pool *pool, size_t size, u64 *offset)
{
	struct search search = { .count = nr_units(size) };
	bool more;

	for (;;) {
		mutex_lock(&pool->lock);
		more = search_some(pool, &search);
		if (search.found)
			units_set(pool, search.first, search.count);
		mutex_unlock(&pool->lock);
		if (!more)
			break;
		cond_resched();
	}
	*offset = pool->spare + ((u64)search.first << IPCSHM_POOL_SHIFT);
	return search.found;
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
