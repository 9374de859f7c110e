/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared memory from which the receivers of a queue read messages in place. */
#ifndef IPCSHM_POOL_H
#define IPCSHM_POOL_H

#include <linux/mutex.h>
#include <linux/types.h>

struct file;
struct iov_iter;
struct vm_area_struct;

/*
 * Messages in a pool are at multiples of this power of two, about the size of the
 * kernel's own record of a message.  So the records of held messages, which count for
 * no quota, take no more than the pool, which does count.
 */
#define IPCSHM_POOL_SHIFT	8

/**
 * struct ipcshm_pool - the pool of a queue
 * @backing: a shmem file; a reference; immutable
 * @size: bytes, whole pages; immutable
 * @spare: bytes at its beginning, enough for any message; immutable
 * @spare_is_used: by one
 * @units: how many there are in the rest, of IPCSHM_POOL_SHIFT; immutable
 * @lock: protects all below
 * @map: which of them are in use
 * @used: how many; read without the lock
 * @free_from: all before this one are in use
 */
struct ipcshm_pool {
	struct file *backing;
	u64 size;
	size_t spare;
	unsigned long spare_is_used;
	unsigned long units;
	struct mutex lock;	/* for what follows */
	unsigned long *map;
	unsigned long used;
	unsigned long free_from;
};

int ipcshm_pool_init(struct ipcshm_pool *pool, u64 size, size_t largest);
void ipcshm_pool_destroy(struct ipcshm_pool *pool);
u64 ipcshm_pool_used(const struct ipcshm_pool *pool);

bool ipcshm_pool_alloc(struct ipcshm_pool *pool, size_t size, u64 *offset);
bool ipcshm_pool_alloc_spare(struct ipcshm_pool *pool, u64 *offset);
void ipcshm_pool_free(struct ipcshm_pool *pool, u64 offset, size_t size);
int ipcshm_pool_write(struct ipcshm_pool *pool, u64 offset, size_t size, struct iov_iter *from);
int ipcshm_pool_read(struct ipcshm_pool *pool, u64 offset, size_t size, struct iov_iter *to);
int ipcshm_pool_mmap(struct ipcshm_pool *pool, struct vm_area_struct *vma);

#endif /* IPCSHM_POOL_H */
