// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: shared memory behind a descriptor.
 *
 * A region's pages are those of a shmem file, its backing.  Each open makes a
 * file of ours on the inode of that file, so that whatever works on the inode
 * (fstat, seals, swap, huge pages, NUMA policy) works as on a memfd, and what
 * goes through the file is handed to the backing's operations.  A mapping
 * holds our file, and with it the region and this module; its operations are
 * shmem's but for the two that tell when an address space joins and leaves.
 */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "huge.h"
#include "ioctl.h"
#include "quota.h"
#include "member.h"
#include "pollers.h"
#include "region.h"
#include "shmem.h"
#include "trace.h"
#include "wait.h"
#include "waiter.h"

/**
 * struct ipcshm_region - a shared memory region
 * @object: its base
 * @backing: the shmem file that has the pages; a reference; immutable
 * @max_size: bytes, whole pages; what it can grow to; immutable
 * @members: who has it mapped
 * @words: who waits on it
 * @pollers: tasks that poll for deaths and the revocation
 * @flags: REFUNDED: the creator's quota has been given back
 * @work: what follows a death or the revocation, see region_work()
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
	unsigned long flags;
	struct work_struct work;
	struct completion emptied;
};

#define REFUNDED 0	/* a bit of ipcshm_region.flags */

/* Runs region_work(), so that neither a dying process nor netlink waits for it. */
static struct workqueue_struct *workqueue;

/* The operations of an inode that cannot be opened.  They are the kernel's, and immutable. */
static const struct file_operations *closed_fops;

/**
 * struct region_file - what a descriptor of a region has of its own
 * @region: a reference; immutable
 * @payer: who opened it, and pays for waits through it; a reference; immutable
 * @lock: protects what follows, as a whole
 * @watch: the word that is polled for
 * @deaths: those that are known: poll tells of others
 * @rcu: to free it, see struct ipcshm_watch
 */
struct region_file {
	struct ipcshm_region *region;
	struct ipcshm_quotas *payer;
	struct mutex lock;	/* watch */
	struct ipcshm_watch watch;
	u32 deaths;
	struct rcu_head rcu;
};

static struct region_file *region_file(const struct file *file)
{
	return file->private_data;
}

static struct ipcshm_region *region_of(const struct file *file)
{
	return region_file(file)->region;
}

static struct ipcshm_region *object_region(const struct ipcshm_object *object)
{
	return container_of(object, struct ipcshm_region, object);
}

static struct inode *region_inode(const struct ipcshm_region *region)
{
	return file_inode(region->backing);
}

static bool is_revoked(const struct ipcshm_region *region)
{
	return READ_ONCE(region->members.revoked);
}

/* Of a region. */
struct ipcshm_members *ipcshm_region_members(struct ipcshm_object *object)
{
	return &object_region(object)->members;
}

static void region_work_queue(struct ipcshm_region *region)
{
	queue_work(workqueue, &region->work);
}

/*
 * Called after anything that can add a page or change the size: either
 * region_work() finds that, or the flag is seen here and it runs once more.
 */
static void settle(struct ipcshm_region *region)
{
	/* Pairs with region_revoke(). */
	smp_mb();
	if (is_revoked(region))
		region_work_queue(region);
}

/* Mappings. */

/* A mapping was split or moved, or inherited by a child, whose membership differs. */
static void region_vma_open(struct vm_area_struct *vma)
{
	vma->vm_private_data = ipcshm_members_map_copied(&region_of(vma->vm_file)->members,
							 vma->vm_private_data, vma->vm_mm);
}

static void region_vma_close(struct vm_area_struct *vma)
{
	struct ipcshm_region *region = region_of(vma->vm_file);

	if (ipcshm_members_unmap(&region->members, vma->vm_private_data))
		region_work_queue(region);
}

/* Shmem's operations, which cannot be named from here; set with region_vm_ops, then immutable. */
static const struct vm_operations_struct *shmem_vm_ops;

/*
 * The page that shmem returns is locked until it is mapped.  So region_work(),
 * which locks each page that it frees, finds either no page or one that is
 * mapped, and unmaps it; a page that came too late for that is not mapped.
 */
static vm_fault_t region_vma_fault(struct vm_fault *vmf)
{
	struct ipcshm_region *region = region_of(vmf->vma->vm_file);
	vm_fault_t result;

	if (is_revoked(region))
		return VM_FAULT_SIGBUS;
	result = shmem_vm_ops->fault(vmf);
	/* After VM_FAULT_RETRY the mapping may be gone, and the region with it. */
	if (!(result & VM_FAULT_LOCKED))
		return result;
	/* As in settle(). */
	smp_mb();
	if (likely(!is_revoked(region)))
		return result;
	unlock_page(vmf->page);
	put_page(vmf->page);
	vmf->page = NULL;
	region_work_queue(region);
	return VM_FAULT_SIGBUS;
}

/* Maps pages that exist, each of them locked meanwhile: see region_vma_fault(). */
static vm_fault_t region_vma_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	if (is_revoked(region_of(vmf->vma->vm_file)))
		return 0;
	return shmem_vm_ops->map_pages(vmf, start, end);
}

static DEFINE_MUTEX(vm_ops_lock);
static struct vm_operations_struct region_vm_ops;

/*
 * Shmem's operations are the same for all of its unlinked files, which the
 * backings are.
 */
static void vma_adopt(struct vm_area_struct *vma)
{
	mutex_lock(&vm_ops_lock);
	if (!shmem_vm_ops) {
		region_vm_ops = *vma->vm_ops;
		region_vm_ops.open = region_vma_open;
		region_vm_ops.close = region_vma_close;
		region_vm_ops.fault = region_vma_fault;
		if (region_vm_ops.map_pages)
			region_vm_ops.map_pages = region_vma_map_pages;
		shmem_vm_ops = vma->vm_ops;
	}
	mutex_unlock(&vm_ops_lock);
	vma->vm_ops = &region_vm_ops;
}

/*
 * A mapping whose flags have changed here is tried once more to be merged by Linux
 * 6.5 and later, and dropped without a close.  We change nothing; where shmem does,
 * for a seal or an architecture, it becomes one that is never merged.
 */
static int region_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ipcshm_region *region = region_of(file);
	unsigned long flags = vma->vm_flags;
	struct ipcshm_membership *member;
	int err;

	if (vma->vm_pgoff >= IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT)
		return ipcshm_members_map_table(&region->members, vma);
	member = ipcshm_members_map(&region->members, vma->vm_mm);
	if (IS_ERR(member))
		return PTR_ERR(member);
	err = ipcshm_vfs_mmap(region->backing, vma);
	if (err) {
		ipcshm_members_unmap(&region->members, member);
		return err;
	}
	if (vma->vm_flags != flags)
		ipcshm_vm_flags_mod(vma, VM_DONTEXPAND, 0);
	vma->vm_private_data = member;
	vma_adopt(vma);
	return 0;
}

/*
 * A mapping can't reach over the end, so that what is mapped can be accessed, but
 * for what a region can still grow to.  Looked at here, because a mapping that
 * continues another one is merged with it and never seen by region_mmap().
 * (VM_DONTEXPAND would hold it against mremap(2) too, but turns off mlock(2) and
 * huge pages.)
 */
static unsigned long region_get_unmapped_area(struct file *file, unsigned long address,
					      unsigned long len, unsigned long pgoff,
					      unsigned long flags)
{
	struct ipcshm_region *region = region_of(file);
	struct file *backing = region->backing;

	if (is_revoked(region))
		return -EKEYREVOKED;
	if (pgoff < IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT &&
	    pgoff + (len >> PAGE_SHIFT) > region->max_size >> PAGE_SHIFT)
		return -ENXIO;
	/* shmem insists on a file of its own here. */
	return backing->f_op->get_unmapped_area(backing, address, len, pgoff, flags);
}

/* What the backing does as well on a file of ours, which has the same inode. */

static loff_t region_llseek(struct file *file, loff_t offset, int whence)
{
	return region_of(file)->backing->f_op->llseek(file, offset, whence);
}

/*
 * Shmem does not look at IOCB_NOWAIT.  A caller that asked not to wait fails as with a memfd.
 * io_uring sets the flag as well and polls after -EAGAIN, but readiness is that of the watch,
 * so a poll might last forever: its requests are carried out at once.
 */
static int nowait_check(struct kiocb *iocb)
{
	if (!(iocb->ki_flags & IOCB_NOWAIT))
		return 0;
	if (is_sync_kiocb(iocb))
		return -EOPNOTSUPP;
	iocb->ki_flags &= ~IOCB_NOWAIT;
	return 0;
}

static ssize_t region_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct ipcshm_region *region = region_of(iocb->ki_filp);
	int err = nowait_check(iocb);

	if (err)
		return err;
	if (is_revoked(region))
		return -EKEYREVOKED;
	return region->backing->f_op->read_iter(iocb, to);
}

/* Bytes that are copied at a time by write(2). */
#define WRITE_SIZE (64 << 10)

/*
 * Writes what @from has, a buffer at a time: shmem copies under the inode's lock,
 * which a page fault on the caller's memory, for example in a file of a FUSE
 * server, could hold for ever.
 */
static ssize_t write_copied(struct ipcshm_region *region, struct kiocb *iocb,
			    struct iov_iter *from, void *buffer, size_t room)
{
	ssize_t written = 0, result = 0;

	while (iov_iter_count(from) && !fatal_signal_pending(current)) {
		size_t wanted = min(iov_iter_count(from), room);
		struct kvec vec = { buffer, copy_from_iter(buffer, wanted, from) };
		struct iov_iter copied;

		if (!vec.iov_len)
			return written ?: -EFAULT;
		if (is_revoked(region))
			return written ?: -EKEYREVOKED;
		iov_iter_kvec(&copied, ITER_SOURCE, &vec, 1, vec.iov_len);
		result = region->backing->f_op->write_iter(iocb, &copied);
		if (result > 0)
			written += result;
		if (result != wanted)
			break;
		cond_resched();
	}
	return written ?: result ?: -EINTR;
}

static ssize_t write_from_user(struct ipcshm_region *region, struct kiocb *iocb,
			       struct iov_iter *from)
{
	size_t room = min_t(size_t, iov_iter_count(from), WRITE_SIZE);
	void *buffer = kvmalloc(room, GFP_KERNEL_ACCOUNT);
	ssize_t written;

	if (!buffer)
		return -ENOMEM;
	written = write_copied(region, iocb, from, buffer, room);
	kvfree(buffer);
	return written;
}

static ssize_t region_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct ipcshm_region *region = region_of(iocb->ki_filp);
	ssize_t written = nowait_check(iocb);

	if (written)
		return written;
	if (is_revoked(region))
		return -EKEYREVOKED;
	if (user_backed_iter(from) && iov_iter_count(from))
		written = write_from_user(region, iocb, from);
	else
		written = region->backing->f_op->write_iter(iocb, from);
	settle(region);
	return written;
}

static ssize_t region_splice_read(struct file *file, loff_t *pos, struct pipe_inode_info *pipe,
				  size_t len, unsigned int flags)
{
	struct ipcshm_region *region = region_of(file);

	if (is_revoked(region))
		return -EKEYREVOKED;
	return region->backing->f_op->splice_read(file, pos, pipe, len, flags);
}

static long region_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct ipcshm_region *region = region_of(file);
	long err;

	if (is_revoked(region))
		return -EKEYREVOKED;
	err = region->backing->f_op->fallocate(file, mode, offset, len);
	settle(region);
	return err;
}

/* Waiting. */

static long region_ioctl_wait(struct file *file, struct ipcshm_uarg uarg)
{
	struct region_file *rf = region_file(file);
	struct ipcshm_timeout timeout;
	struct ipcshm_region_wait_args args;
	struct ipcshm_word word;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_WAIT_SIZE_VER0, uarg);
	if (!err)
		err = ipcshm_timeout_init(&timeout, args.deadline, args.clock, false);
	if (err)
		return err;
	word = (struct ipcshm_word){ args.offset, args.expected, args.size };
	if (args.flags || !ipcshm_word_is_valid(&word))
		return -EINVAL;
	err = ipcshm_quotas_charge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, 1);
	if (err)
		return err;
	trace_ipcshm_wait(rf->region->object.id, word.offset, word.expected, word.size,
			  args.deaths);
	err = ipcshm_words_wait(&rf->region->words, &word, args.deaths, &timeout);
	trace_ipcshm_wait_end(rf->region->object.id, word.offset, err);
	ipcshm_quotas_uncharge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, 1);
	settle(rf->region);
	return err;
}

static long region_ioctl_wake(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_wake_args args;
	u32 woken;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_WAKE_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.count > INT_MAX || args.offset % 4)
		return -EINVAL;
	if (is_revoked(region))
		return -EKEYREVOKED;
	woken = ipcshm_words_wake(&region->words, args.offset, args.count);
	trace_ipcshm_wake(region->object.id, args.offset, args.count, woken);
	return woken;
}

static int rearm(struct region_file *rf, const struct ipcshm_word *word)
{
	bool was_armed = rf->watch.word.size;
	int err = 0;

	lockdep_assert_held(&rf->lock);
	if (word->size && !was_armed)
		err = ipcshm_quotas_charge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, 1);
	if (err)
		return err;
	err = ipcshm_watch_set(&rf->region->words, &rf->watch, word);
	if ((was_armed || word->size) && !rf->watch.word.size)
		ipcshm_quotas_uncharge(rf->payer, IPCSHM_QUOTA_TYPE_WAITERS, 1);
	return err;
}

static bool watch_is_valid(const struct ipcshm_region_watch_args *args)
{
	struct ipcshm_word word = { args->offset, args->expected, args->size };

	if (args->flags || args->reserved)
		return false;
	if (!args->size)
		return !args->offset && !args->expected;
	return ipcshm_word_is_valid(&word);
}

static long region_ioctl_watch(struct file *file, struct ipcshm_uarg uarg)
{
	struct region_file *rf = region_file(file);
	struct ipcshm_region_watch_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_WATCH_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!watch_is_valid(&args))
		return -EINVAL;
	if (is_revoked(rf->region))
		return -EKEYREVOKED;
	if (args.size && args.offset >= i_size_read(region_inode(rf->region)))
		return -EINVAL;
	if (mutex_lock_killable(&rf->lock))
		return -EINTR;
	err = rearm(rf, &(struct ipcshm_word){ args.offset, args.expected, args.size });
	if (!err)
		rf->deaths = args.deaths;
	mutex_unlock(&rf->lock);
	/* Make current pollers re-evaluate. */
	ipcshm_pollers_wake(&rf->watch.pollers, EPOLLIN | EPOLLRDNORM | EPOLLPRI);
	return err;
}

static __poll_t region_poll(struct file *file, poll_table *pt)
{
	struct region_file *rf = region_file(file);
	struct ipcshm_region *region = rf->region;
	__poll_t events = 0;

	ipcshm_pollers_add(&region->pollers, file, pt);
	ipcshm_pollers_add(&rf->watch.pollers, file, pt);
	if (is_revoked(region))
		return EPOLLERR | EPOLLHUP;
	/* Looking at the word may sleep for memory or swap; a killed task does not wait. */
	if (mutex_lock_killable(&rf->lock))
		return EPOLLERR;
	/*
	 * After a part of a read or write, io_uring polls before it tries the rest, with these
	 * flags set, which no other caller sets by default.  Neither ever waits.
	 */
	if (poll_requested_events(pt) & EPOLLET)
		events |= EPOLLRDNORM | EPOLLWRNORM;
	if (rf->watch.word.size && ipcshm_watch_is_due(&region->words, &rf->watch))
		events |= EPOLLIN | EPOLLRDNORM;
	if (ipcshm_members_deaths(&region->members) != rf->deaths)
		events |= EPOLLPRI;
	mutex_unlock(&rf->lock);
	settle(region);
	return events;
}

/* Size and end. */

/*
 * The seals hold for everyone else: all who act on them do so under the inode's
 * lock, as we do here.  F_GET_SEALS alone may see them lifted.
 */
static int set_size(struct ipcshm_region *region, u64 size)
{
	struct shmem_inode_info *info = SHMEM_I(region_inode(region));
	struct iattr attr = { .ia_valid = ATTR_SIZE, .ia_size = size };
	int err;

	info->seals &= ~(F_SEAL_GROW | F_SEAL_SHRINK);
	err = ipcshm_notify_change(region->backing, &attr);
	info->seals |= F_SEAL_GROW | F_SEAL_SHRINK;
	return err;
}

static int shrink(struct ipcshm_region *region, u64 size)
{
	int err = ipcshm_members_lock_alone(&region->members);

	if (err)
		return err;
	err = set_size(region, size);
	ipcshm_members_unlock(&region->members);
	/* Who isn't a member can wait for a word as well. */
	if (!err)
		ipcshm_words_shrunk(&region->words);
	return err;
}

/* A huge page may reach over the end, and have been written to there. */
static int grow(struct ipcshm_region *region, u64 size)
{
	struct inode *inode = region_inode(region);

	shmem_truncate_range(inode, i_size_read(inode), -1);
	return set_size(region, size);
}

static int resize_locked(struct ipcshm_region *region, u64 size)
{
	struct inode *inode = region_inode(region);

	if (is_revoked(region))
		return -EKEYREVOKED;
	if (SHMEM_I(inode)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (size < i_size_read(inode))
		return shrink(region, size);
	if (size > i_size_read(inode))
		return grow(region, size);
	return 0;
}

static int resize(struct ipcshm_region *region, u64 size)
{
	struct inode *inode = region_inode(region);
	int err;

	/* Another process may be allocating all of the region's memory under it. */
	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	err = resize_locked(region, size);
	inode_unlock(inode);
	settle(region);
	return err;
}

static long region_ioctl_resize(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_resize_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_RESIZE_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!args.size || args.size > region->max_size)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return resize(region, PAGE_ALIGN(args.size));
}

static void refund(struct ipcshm_region *region)
{
	if (!test_and_set_bit(REFUNDED, &region->flags))
		ipcshm_quotas_uncharge(region->object.payer, IPCSHM_QUOTA_TYPE_REGION_BYTES,
				       region->max_size);
}

/*
 * Without the inode's lock, the pages of a shmem file can be freed but its size
 * cannot change.  Whoever holds the lock settles afterwards.
 */
static void take_memory(struct ipcshm_region *region)
{
	struct inode *inode = region_inode(region);

	unmap_mapping_range(inode->i_mapping, 0, 0, 1);
	shmem_truncate_range(inode, 0, IPCSHM_REGION_MAX - 1);
	/* Private copies that were being made of pages before those were freed. */
	unmap_mapping_range(inode->i_mapping, 0, 0, 1);
	if (!inode_trylock(inode))
		return;
	set_size(region, 0);
	inode_unlock(inode);
}

/*
 * What follows a death or the revocation: it takes as long as there are waits,
 * pollers and pages.  Each run does all there is to do, and may find nothing.
 */
static void region_work(struct work_struct *work)
{
	struct ipcshm_region *region = container_of(work, struct ipcshm_region, work);

	ipcshm_words_wake_outdated(&region->words);
	if (!is_revoked(region)) {
		ipcshm_pollers_wake(&region->pollers, EPOLLPRI);
		return;
	}
	ipcshm_pollers_wake(&region->pollers, EPOLLERR | EPOLLHUP);
	take_memory(region);
	complete_all(&region->emptied);
}

/*
 * From here on every call and page fault is refused; the rest is region_work()'s.
 * So nothing that other processes do with the region holds up the caller.
 */
static int region_revoke(struct ipcshm_object *object)
{
	struct ipcshm_region *region = object_region(object);

	ipcshm_members_revoke(&region->members);
	/* Pairs with settle(). */
	smp_mb();
	ipcshm_object_unlink(object);
	refund(region);
	region_work_queue(region);
	return 0;
}

static long region_ioctl_revoke(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_revoke_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_REVOKE_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	if (!ipcshm_object_is_owned(&region->object))
		return -EACCES;
	err = ipcshm_object_revoke(&region->object);
	if (!err)
		wait_for_completion_killable(&region->emptied);
	return err;
}

/* Telling. */

static long region_ioctl_self(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_self_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_SELF_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.reserved)
		return -EINVAL;
	if (is_revoked(region))
		return -EKEYREVOKED;
	err = ipcshm_members_self(&region->members, &args.token);
	return err ?: ipcshm_args_put(&args, sizeof(args), uarg);
}

static long region_ioctl_member(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_member_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_MEMBER_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	if (is_revoked(region))
		return -EKEYREVOKED;
	err = ipcshm_members_get(&region->members, &args);
	return err ?: ipcshm_args_put(&args, sizeof(args), uarg);
}

static long region_ioctl_members(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_members_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_MEMBERS_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.member_size < IPCSHM_MEMBER_SIZE_VER0 || args.member_size > PAGE_SIZE)
		return -EINVAL;
	if (is_revoked(region))
		return -EKEYREVOKED;
	err = ipcshm_members_list(&region->members, &args);
	return err ?: ipcshm_args_put(&args, sizeof(args), uarg);
}

static void region_stat(struct ipcshm_object *object, struct ipcshm_stat *stat)
{
	struct ipcshm_region *region = object_region(object);
	struct ipcshm_region_stat *to = container_of(stat, struct ipcshm_region_stat, stat);

	to->size = is_revoked(region) ? 0 : i_size_read(region_inode(region));
	to->max_size = region->max_size;
	to->allocated = READ_ONCE(region_inode(region)->i_blocks) << SECTOR_SHIFT;
	ipcshm_members_stat(&region->members, to);
	to->waiters = atomic_read(&region->words.waiters);
	if (is_revoked(region))
		stat->flags |= IPCSHM_STAT_REVOKED;
}

/* A revoked region still answers this, as it does REVOKE. */
static long region_ioctl_stat(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region *region = region_of(file);
	struct ipcshm_region_stat args = {};

	if (uarg.size < IPCSHM_REGION_STAT_SIZE_VER0)
		return -EINVAL;
	ipcshm_object_stat(&region->object, &args.stat);
	return ipcshm_args_fill(&args, sizeof(args), uarg);
}

static long region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ipcshm_uarg uarg = ipcshm_uarg(cmd, arg);

	switch (ipcshm_ioctl_nr(cmd)) {
	case _IOC_NR(IPCSHM_IOC_REGION_STAT):
		return region_ioctl_stat(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_SELF):
		return region_ioctl_self(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_MEMBER):
		return region_ioctl_member(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_MEMBERS):
		return region_ioctl_members(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_WAIT):
		return region_ioctl_wait(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_WAKE):
		return region_ioctl_wake(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_WATCH):
		return region_ioctl_watch(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_RESIZE):
		return region_ioctl_resize(file, uarg);
	case _IOC_NR(IPCSHM_IOC_REGION_REVOKE):
		return region_ioctl_revoke(file, uarg);
	default:
		return -ENOTTY;
	}
}

static int region_file_release(struct inode *inode, struct file *file)
{
	struct region_file *rf = region_file(file);

	mutex_lock(&rf->lock);
	rearm(rf, &(struct ipcshm_word){ 0 });
	mutex_unlock(&rf->lock);
	ipcshm_pollers_destroy(&rf->watch.pollers);
	ipcshm_object_put(&rf->region->object);
	ipcshm_quotas_put(rf->payer);
	mutex_destroy(&rf->lock);
	kfree_rcu(rf, rcu);
	return 0;
}

static void region_show_fdinfo(struct seq_file *seq, struct file *file)
{
	ipcshm_object_show(&region_of(file)->object, seq);
}

static const struct file_operations region_fops = {
	.owner = THIS_MODULE,
	.release = region_file_release,
	.mmap = region_mmap,
	.get_unmapped_area = region_get_unmapped_area,
	.llseek = region_llseek,
	.read_iter = region_read_iter,
	.write_iter = region_write_iter,
	.splice_read = region_splice_read,
	.splice_write = iter_file_splice_write,
	.fallocate = region_fallocate,
	.fsync = noop_fsync,
	.poll = region_poll,
	.show_fdinfo = region_show_fdinfo,
	.unlocked_ioctl = region_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	IPCSHM_FOP_BUFFER_WASYNC
};

/* The life of a region. */

int ipcshm_region_check(const struct ipcshm_region_open_args *args)
{
	if (!(args->how.flags & IPCSHM_READ) || args->reserved)
		return -EINVAL;
	if (!(args->how.flags & IPCSHM_CREATE))
		return args->size || args->max_size || args->max_members ||
		       args->how.flags & IPCSHM_REGION_FLAGS ? -EINVAL : 0;
	if (!args->size || args->size > IPCSHM_REGION_MAX)
		return -EINVAL;
	if (args->max_size && args->max_size < args->size)
		return -EINVAL;
	return args->max_size <= IPCSHM_REGION_MAX && args->max_members <= IPCSHM_MEMBERS_MAX ?
	       0 : -EINVAL;
}

/*
 * A file whose size doesn't change under anyone's hands: no access to a mapping
 * of it is a SIGBUS by accident.  Its name is what /proc/PID/maps shows.
 */
static struct file *backing_create(const char *name, u64 size, umode_t mode, bool huge)
{
	char *label = kasprintf(GFP_KERNEL, name ? "ipcshm:%s" : "ipcshm", name);
	struct file *backing;

	if (!label)
		return ERR_PTR(-ENOMEM);
	backing = huge ? ipcshm_huge_file_setup(label, size) :
			 ipcshm_shmem_file_setup(NULL, label, size);
	kfree(label);
	if (IS_ERR(backing))
		return ERR_PTR(ipcshm_shmem_error(PTR_ERR(backing)));
	/* As of a memfd that vm.memfd_noexec makes: fchmod(2) cannot make it executable. */
	file_inode(backing)->i_mode = S_IFREG | (mode & 0666);
	/* Or else /proc/PID/fd would open shmem's own file, which knows no members. */
	file_inode(backing)->i_fop = closed_fops;
	SHMEM_I(file_inode(backing))->seals = F_SEAL_GROW | F_SEAL_SHRINK | IPCSHM_SEAL_EXEC;
	return backing;
}

/* One page, dirty: a clean one could be dropped again, as it reads as zero anyway. */
static int populate_page(struct address_space *mapping, pgoff_t index)
{
	/* Without RETRY_MAYFAIL a memory cgroup that is full has the OOM killer sent. */
	gfp_t gfp = mapping_gfp_mask(mapping) | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct page *page = shmem_read_mapping_page_gfp(mapping, index, gfp);

	if (IS_ERR(page))
		return ipcshm_shmem_error(PTR_ERR(page));
	set_page_dirty(page);
	put_page(page);
	return 0;
}

/* All of the memory.  (On 6.1, any signal would end shmem's fallocate.) */
static int populate(struct file *backing, u64 size)
{
	pgoff_t index;
	int err = 0;

	for (index = 0; index < size >> PAGE_SHIFT && !err; index++) {
		err = fatal_signal_pending(current) ? -EINTR :
		      populate_page(backing->f_mapping, index);
		cond_resched();
	}
	return err;
}

static struct file *memory_create(const struct ipcshm_region_open_args *args, const char *name,
				  umode_t mode)
{
	u64 size = PAGE_ALIGN(args->size);
	struct file *backing = backing_create(name, size, mode, args->how.flags & IPCSHM_HUGE);
	int err = 0;

	if (IS_ERR(backing))
		return backing;
	if (args->how.flags & IPCSHM_POPULATE)
		err = populate(backing, size);
	if (err) {
		fput(backing);
		return ERR_PTR(err);
	}
	return backing;
}

static struct ipcshm_object *region_create(const void *attr, const char *name,
					   struct ipcshm_quotas *payer, umode_t mode)
{
	const struct ipcshm_region_open_args *args = attr;
	u64 max_size = PAGE_ALIGN(args->max_size ?: args->size);
	struct ipcshm_region *region;
	int err;

	err = ipcshm_quotas_charge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, max_size);
	if (err)
		return ERR_PTR(err);
	err = -ENOMEM;
	region = kvzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);	/* its buckets are some pages */
	if (!region)
		goto uncharge;
	region->backing = memory_create(args, name, mode);
	if (IS_ERR(region->backing)) {
		err = PTR_ERR(region->backing);
		goto free;
	}
	region->object.inode = region_inode(region);
	region->max_size = max_size;
	ipcshm_members_init(&region->members, &region->object,
			    args->max_members ?: IPCSHM_MEMBERS_DEFAULT);
	ipcshm_words_init(&region->words, region->backing->f_mapping, &region->members);
	ipcshm_pollers_init(&region->pollers);
	INIT_WORK(&region->work, region_work);
	init_completion(&region->emptied);
	return &region->object;

free:
	kvfree(region);
uncharge:
	ipcshm_quotas_uncharge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, max_size);
	return ERR_PTR(err);
}

static struct region_file *region_file_create(struct ipcshm_region *region)
{
	struct ipcshm_quotas *payer = ipcshm_object_payer_get(&region->object);
	struct region_file *rf;

	if (IS_ERR(payer))
		return ERR_CAST(payer);
	rf = kzalloc(sizeof(*rf), GFP_KERNEL_ACCOUNT);
	if (!rf) {
		ipcshm_quotas_put(payer);
		return ERR_PTR(-ENOMEM);
	}
	rf->region = region;
	rf->payer = payer;
	mutex_init(&rf->lock);
	rf->deaths = ipcshm_members_deaths(&region->members);
	ipcshm_pollers_init(&rf->watch.pollers);
	return rf;
}

/*
 * alloc_file_pseudo() takes over a reference to the inode, and none to the
 * module that the file's operations are in, though closing the file drops one.
 */
static struct file *file_create(struct ipcshm_region *region, u32 flags)
{
	struct inode *inode = region_inode(region);
	struct file *file;

	ihold(inode);
	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(inode, region->backing->f_path.mnt,
				 region->backing->f_path.dentry->d_name.name,
				 flags & IPCSHM_WRITE ? O_RDWR : O_RDONLY, &region_fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		iput(inode);
		return file;
	}
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_NOWAIT |
			IPCSHM_FMODE_BUFFER_WASYNC;
	return file;
}

static struct file *region_open(struct ipcshm_object *object, u32 flags)
{
	struct ipcshm_region *region = object_region(object);
	struct region_file *rf = region_file_create(region);
	struct file *file;

	if (IS_ERR(rf))
		return ERR_CAST(rf);
	file = file_create(region, flags);
	if (IS_ERR(file)) {
		ipcshm_quotas_put(rf->payer);
		kfree(rf);
		return file;
	}
	file->private_data = rf;
	return file;
}

static void region_describe(const struct ipcshm_object *object, void *attr)
{
	const struct ipcshm_region *region = object_region(object);
	struct ipcshm_region_open_args *args = attr;

	args->size = i_size_read(region_inode(region));
	args->max_size = region->max_size;
	args->max_members = region->members.max;
}

static void region_release(struct ipcshm_object *object)
{
	struct ipcshm_region *region = object_region(object);

	cancel_work_sync(&region->work);
	ipcshm_words_destroy(&region->words);
	ipcshm_pollers_destroy(&region->pollers);
	refund(region);
	ipcshm_members_destroy(&region->members);
	fput(region->backing);
	kvfree(region);
}

const struct ipcshm_object_ops ipcshm_region_ops = {
	.kind = IPCSHM_REGION,
	.create = region_create,
	.open = region_open,
	.describe = region_describe,
	.stat = region_stat,
	.revoke = region_revoke,
	.release = region_release,
};

/*
 * A region is opened by its name; an inode of an anonymous file, which refuses to
 * be opened, provides the operations for that.  They stay when this module is
 * gone, as an inode can that O_PATH descriptors hold.
 */
static int closed_fops_get(void)
{
	struct file *file = anon_inode_getfile("ipcshm", &generic_ro_fops, NULL, O_RDONLY);
	const struct file_operations *fops;
	int err = -EOPNOTSUPP;

	if (IS_ERR(file))
		return PTR_ERR(file);
	fops = file_inode(file)->i_fop;
	if (fops && !fops->owner && fops->open && fops->open(file_inode(file), file) == -ENXIO)
		err = 0;
	if (!err)
		closed_fops = fops;
	fput(file);
	return err;
}

int ipcshm_region_init(void)
{
	int err;

	err = closed_fops_get();
	if (err)
		return err;
	workqueue = alloc_workqueue("ipcshm", WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

/* No region exists, and so no work. */
void ipcshm_region_exit(void)
{
	destroy_workqueue(workqueue);
}
