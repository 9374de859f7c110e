// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: shared memory behind a descriptor.
 *
 * A region's pages are those of a shmem file, its backing.  Each open makes a
 * file of ours on the inode of that file, so that whatever works on the inode
 * (fstat, seals, swap, huge pages, NUMA policy) works as on a memfd.  The file's
 * operations call those of the backing.  A mapping
 * holds our file, and with it the region and this module; its operations are
 * shmem's except for those that count members and refuse revoked pages.
 */
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "quota.h"
#include "region.h"
#include "region_internal.h"

/* Runs region_work(), so neither a dying process nor netlink waits for it. */
static struct workqueue_struct *region_workqueue;

/* The members of an object that is a region. */
struct ipcshm_members *ipcshm_region_members(struct ipcshm_object *object)
{
	return &object_region(object)->members;
}

void ipcshm_region_work_queue(struct ipcshm_region *region)
{
	queue_work(region_workqueue, &region->work);
}

/*
 * Ends each operation that can add a page or change the size.  Either region_work() sees
 * that change, or the flag is seen here and region_work() runs once more.
 */
void ipcshm_region_settle(struct ipcshm_region *region)
{
	/* Pairs with region_revoke(). */
	smp_mb();
	if (is_revoked(region))
		ipcshm_region_work_queue(region);
}

/* Operations that the backing performs on a file of ours, which has the same inode. */

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
 * Writes the bytes of @from, a buffer at a time: shmem copies under the inode's lock,
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
	ipcshm_region_settle(region);
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
	ipcshm_region_settle(region);
	return err;
}

static __poll_t region_poll(struct file *file, poll_table *pt)
{
	struct region_file *rf = region_file(file);
	struct ipcshm_region *region = rf->region;
	__poll_t events = 0;

	ipcshm_pollers_add(&region->pollers, file, pt);
	ipcshm_pollers_add(&rf->watch.pollers, file, pt);
	if (is_revoked(region) && READ_ONCE(rf->events) & IPCSHM_WATCH_REVOKE)
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
	/* The word of a revoked region has no value, though its page may still be there. */
	if (rf->watch.word.size &&
	    (is_revoked(region) || ipcshm_watch_is_due(&region->words, &rf->watch)))
		events |= EPOLLIN | EPOLLRDNORM;
	if (rf->events & IPCSHM_WATCH_DEATHS &&
	    ipcshm_members_deaths(&region->members) != rf->deaths)
		events |= EPOLLPRI;
	mutex_unlock(&rf->lock);
	ipcshm_region_settle(region);
	return events;
}

/*
 * Charges the payer of an unbounded region for @size, and not for its present size; under the
 * inode's lock.  The revocation, which does not take that lock, refunds all.
 */
int ipcshm_region_pay(struct ipcshm_region *region, u64 size)
{
	u64 before = READ_ONCE(region->paid), after = PAGE_ALIGN(size);
	bool grows = after > before, revoked;
	int err = 0;

	lockdep_assert_held(&region_inode(region)->i_rwsem);
	if (grows)
		err = ipcshm_quotas_charge(region->object.payer, IPCSHM_QUOTA_TYPE_REGION_BYTES,
					   after - before);
	if (err)
		return err;
	spin_lock(&region->paid_lock);
	revoked = is_revoked(region);
	if (!revoked)
		WRITE_ONCE(region->paid, after);
	spin_unlock(&region->paid_lock);
	if (grows == revoked)
		ipcshm_quotas_uncharge(region->object.payer, IPCSHM_QUOTA_TYPE_REGION_BYTES,
				       grows ? after - before : before - after);
	return revoked ? -EKEYREVOKED : 0;
}

static void quota_refund(struct ipcshm_region *region)
{
	u64 paid;

	spin_lock(&region->paid_lock);
	paid = region->paid;
	WRITE_ONCE(region->paid, 0);
	spin_unlock(&region->paid_lock);
	ipcshm_quotas_uncharge(region->object.payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, paid);
}

/*
 * Work after a death or the revocation, whose time depends on the number of waits, pollers
 * and pages.  Each run does all work that is pending, if any.
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
	ipcshm_region_backing_empty(region);
	complete_all(&region->emptied);
}

/*
 * Refuses every call and page fault from here on, and leaves the rest to region_work().
 * So no other process can delay the caller.
 */
static int region_revoke(struct ipcshm_object *object)
{
	struct ipcshm_region *region = object_region(object);

	ipcshm_members_revoke(&region->members);
	/* Pairs with ipcshm_region_settle(). */
	smp_mb();
	ipcshm_object_unlink(object);
	quota_refund(region);
	ipcshm_region_work_queue(region);
	return 0;
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

static int region_file_release(struct inode *inode, struct file *file)
{
	struct region_file *rf = region_file(file);

	mutex_lock(&rf->lock);
	ipcshm_region_rearm(rf, &(struct ipcshm_word){ 0 });
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
	.mmap = ipcshm_region_mmap,
	.get_unmapped_area = ipcshm_region_get_unmapped_area,
	.llseek = region_llseek,
	.read_iter = region_read_iter,
	.write_iter = region_write_iter,
	.splice_read = region_splice_read,
	.splice_write = iter_file_splice_write,
	.fallocate = region_fallocate,
	.fsync = noop_fsync,
	.poll = region_poll,
	.show_fdinfo = region_show_fdinfo,
	.unlocked_ioctl = ipcshm_region_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	IPCSHM_FOP_BUFFER_WASYNC
};

/* The life of a region. */

#define REGION_ARG(member) offsetof(struct ipcshm_region_open_args, member)

/* The offset of a member whose value is not valid, or 0. */
size_t ipcshm_region_find_invalid(const struct ipcshm_region_open_args *args)
{
	bool create = args->how.flags & IPCSHM_CREATE;
	bool unbounded = create && args->max_size == IPCSHM_UNBOUNDED;

	if (!(args->how.flags & IPCSHM_READ))
		return REGION_ARG(how.flags);
	if (create ? args->size > IPCSHM_REGION_MAX || (!args->size && !unbounded) : args->size)
		return REGION_ARG(size);
	if (args->max_size && !unbounded && (!create || args->max_size < args->size ||
					     args->max_size > IPCSHM_REGION_MAX))
		return REGION_ARG(max_size);
	return args->max_members > (create ? IPCSHM_MEMBERS_MAX : 0) ? REGION_ARG(max_members) : 0;
}

static struct ipcshm_object *region_create(const void *attr, const char *name,
					   struct ipcshm_quotas *payer, umode_t mode)
{
	const struct ipcshm_region_open_args *args = attr;
	bool unbounded = args->max_size == IPCSHM_UNBOUNDED;
	u64 paid = PAGE_ALIGN(unbounded || !args->max_size ? args->size : args->max_size);
	struct ipcshm_region *region;
	int err;

	err = ipcshm_quotas_charge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, paid);
	if (err)
		return ERR_PTR(err);
	err = -ENOMEM;
	region = kvzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);	/* its buckets are some pages */
	if (!region)
		goto uncharge;
	region->backing = ipcshm_region_backing_create(args, name, mode);
	if (IS_ERR(region->backing)) {
		err = PTR_ERR(region->backing);
		goto free;
	}
	region->object.inode = region_inode(region);
	region->max_size = unbounded ? IPCSHM_UNBOUNDED : paid;
	spin_lock_init(&region->paid_lock);
	region->paid = paid;
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
	ipcshm_quotas_uncharge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, paid);
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
	rf->events = IPCSHM_WATCH_DEATHS | IPCSHM_WATCH_REVOKE;
	ipcshm_pollers_init(&rf->watch.pollers);
	return rf;
}

/*
 * alloc_file_pseudo() takes ownership of a reference to the inode, and takes none to the
 * module of the file's operations, although closing the file drops one.
 */
static struct file *region_alloc_file(struct ipcshm_region *region, u32 flags)
{
	struct inode *inode = region_inode(region);
	struct file *file;

	ihold(inode);
	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(inode, region->backing->f_path.mnt,
				 region->backing->f_path.dentry->d_name.name,
				 (flags & IPCSHM_WRITE ? O_RDWR : O_RDONLY) | O_LARGEFILE,
				 &region_fops);
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
	file = region_alloc_file(region, flags);
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
	quota_refund(region);
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

int ipcshm_region_init(void)
{
	int err;

	err = ipcshm_region_backing_init();
	if (err)
		return err;
	region_workqueue = alloc_workqueue("ipcshm", WQ_UNBOUND, 0);
	return region_workqueue ? 0 : -ENOMEM;
}

/* No region exists, and so no work is pending. */
void ipcshm_region_exit(void)
{
	destroy_workqueue(region_workqueue);
}
