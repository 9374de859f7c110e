/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files region*.c: the region, its open files, and the moves between them. */
#ifndef IPCSHM_REGION_INTERNAL_H
#define IPCSHM_REGION_INTERNAL_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "member.h"
#include "object.h"
#include "pollers.h"
#include "region_wait.h"
#include "region_watch.h"

struct ipcshm_quotas;
struct ipcshm_region_open_args;

/**
 * struct ipcshm_region - a shared memory region
 * @object: its base
 * @backing: the shmem file with the pages; a reference; immutable
 * @max_size: bytes, whole pages, to which it can grow, or IPCSHM_UNBOUNDED; immutable
 * @members: address spaces that map it
 * @words: waits on its words
 * @pollers: tasks that poll for deaths and the revocation
 * @paid_lock: protects @paid
 * @paid: bytes that its payer is charged for; 0 once it is revoked
 * @work: work after a death or the revocation, see region_work()
 * @emptied: the memory of the revoked region has been freed
 *
 * The size is the inode's, and changes under the inode's lock.
 */
struct ipcshm_region {
	struct ipcshm_object object;
	struct file *backing;
	u64 max_size;
	struct ipcshm_members members;
	struct ipcshm_words words;
	struct ipcshm_pollers pollers;
	spinlock_t paid_lock;	/* paid */
	u64 paid;
	struct work_struct work;
	struct completion emptied;
};

/**
 * struct region_file - state of one open file of a region
 * @region: a reference; immutable
 * @payer: user who opened it and pays for waits through it; a reference; immutable
 * @lock: protects all below, as a whole
 * @watch: the word that is polled for
 * @deaths: known number of deaths; poll reports any other
 * @events: IPCSHM_WATCH_*: what poll reports; also read without the lock
 * @rcu: to free it, see struct ipcshm_watch
 */
struct region_file {
	struct ipcshm_region *region;
	struct ipcshm_quotas *payer;
	struct mutex lock;	/* watch */
	struct ipcshm_watch watch;
	u32 deaths;
	u32 events;
	struct rcu_head rcu;
};

static inline struct region_file *region_file(const struct file *file)
{
	return file->private_data;
}

static inline struct ipcshm_region *region_of(const struct file *file)
{
	return region_file(file)->region;
}

static inline struct ipcshm_region *object_region(const struct ipcshm_object *object)
{
	return container_of(object, struct ipcshm_region, object);
}

static inline struct inode *region_inode(const struct ipcshm_region *region)
{
	return file_inode(region->backing);
}

/* Its size can be 0 and is not rounded up, and is what its payer is charged for. */
static inline bool is_unbounded(const struct ipcshm_region *region)
{
	return region->max_size == IPCSHM_UNBOUNDED;
}

static inline u64 region_max_size(const struct ipcshm_region *region)
{
	return min_t(u64, region->max_size, IPCSHM_REGION_MAX);
}

static inline bool is_revoked(const struct ipcshm_region *region)
{
	return READ_ONCE(region->members.revoked);
}

/* region.c */
void ipcshm_region_work_queue(struct ipcshm_region *region);
void ipcshm_region_settle(struct ipcshm_region *region);
int ipcshm_region_pay(struct ipcshm_region *region, u64 size);

/* ipcshm_region_mmap.c */
int ipcshm_region_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long ipcshm_region_get_unmapped_area(struct file *file, unsigned long address,
					      unsigned long len, unsigned long pgoff,
					      unsigned long flags);

/* region_backing.c */
int ipcshm_region_backing_init(void);
struct file *ipcshm_region_backing_create(const struct ipcshm_region_open_args *args,
					  const char *name, umode_t mode);
int ipcshm_region_resize(struct ipcshm_region *region, u64 size, bool may_pay);
void ipcshm_region_backing_empty(struct ipcshm_region *region);

/* ipcshm_region_ioctl.c */
long ipcshm_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int ipcshm_region_rearm(struct region_file *rf, const struct ipcshm_word *word);

#endif /* IPCSHM_REGION_INTERNAL_H */
