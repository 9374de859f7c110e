// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared memory from which the receivers of a queue read messages in place.
 *
 * The memory is a shmem file which nobody can map for writing: the kernel alone
 * writes to it, and receivers may trust that what they look at stays as it is
 * until they release it.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/genalloc.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/uio.h>

#include "compat.h"
#include "pool.h"

/**
 * ipcshm_pool_init - make the pool of a queue
 * @pool: the pool
 * @size: bytes
 * @largest: bytes of the largest message
 *
 * Senders put messages where there is space, and leave room for one: so a
 * receiver who holds nothing can always have the next one, also if that was sent
 * when there was no space, and what is behind it fills the pool.
 *
 * Return: 0 or an error.
 */
int ipcshm_pool_init(struct ipcshm_pool *pool, u64 size, size_t largest)
{
	int err = 0;

	pool->size = PAGE_ALIGN(size);
	pool->spare = ALIGN(largest, BIT(IPCSHM_POOL_SHIFT));
	pool->space = gen_pool_create(IPCSHM_POOL_SHIFT, NUMA_NO_NODE);
	if (!pool->space)
		return -ENOMEM;
	/* genalloc says "none" by 0, which is the spare's. */
	if (pool->size > pool->spare)
		err = gen_pool_add(pool->space, pool->spare, pool->size - pool->spare,
				   NUMA_NO_NODE);
	if (err)
		goto destroy;
	pool->backing = shmem_file_setup("ipcshm-pool", pool->size, 0);
	err = PTR_ERR_OR_ZERO(pool->backing);
	if (err)
		goto destroy;
	SHMEM_I(file_inode(pool->backing))->seals =
		F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE;
	return 0;

destroy:
	gen_pool_destroy(pool->space);
	return err;
}

/* Nothing is allocated any more; mappings keep the memory, and only that. */
void ipcshm_pool_destroy(struct ipcshm_pool *pool)
{
	fput(pool->backing);
	gen_pool_destroy(pool->space);
}

u64 ipcshm_pool_used(const struct ipcshm_pool *pool)
{
	u64 used = gen_pool_size(pool->space) - gen_pool_avail(pool->space);

	return used + (test_bit(0, &pool->spare_is_used) ? pool->spare : 0);
}

/* A message of no bytes has a place as well, by which it is released. */
static size_t space_size(size_t size)
{
	return max_t(size_t, size, 1);
}

bool ipcshm_pool_alloc(struct ipcshm_pool *pool, size_t size, u64 *offset)
{
	*offset = gen_pool_alloc(pool->space, space_size(size));
	return *offset;
}

bool ipcshm_pool_alloc_spare(struct ipcshm_pool *pool, u64 *offset)
{
	*offset = 0;
	return !test_and_set_bit_lock(0, &pool->spare_is_used);
}

void ipcshm_pool_free(struct ipcshm_pool *pool, u64 offset, size_t size)
{
	if (offset)
		gen_pool_free(pool->space, offset, space_size(size));
	else
		clear_bit_unlock(0, &pool->spare_is_used);
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
		return PTR_ERR(page) == -ENOSPC ? -ENOMEM : PTR_ERR(page);
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
	return pool->backing->f_op->mmap(pool->backing, vma);
}
