// SPDX-License-Identifier: GPL-2.0-only
/* Queue files: the operations of a descriptor of a queue. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/time64.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "gfp.h"
#include "held.h"
#include "outgoing.h"
#include "queue.h"
#include "queue_file.h"
#include "quota.h"
#include "receive_buffer.h"
#include "work.h"

/* Return @msg, or an error. */
int ipcshm_qfile_send(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg,
		      const struct ipcshm_timeout *timeout)
{
	int err;

	if (IS_ERR(msg))
		return PTR_ERR(msg);
	err = ipcshm_queue_send(qfile, &msg, 1, timeout);
	if (err > 0)
		return 0;
	ipcshm_queue_recycle(qfile->queue, msg);
	return err;
}

/* Prologue of all transfers: compute the timeout and check the descriptor's rights. */
int ipcshm_qfile_begin(const struct file *file, fmode_t mode, u64 deadline, u32 clock,
		       bool dontwait, struct ipcshm_timeout *timeout)
{
	bool nonblock = dontwait || READ_ONCE(file->f_flags) & O_NONBLOCK;
	int err = ipcshm_timeout_init(timeout, deadline, clock, nonblock);

	timeout->busy_poll = READ_ONCE(qfile_of(file)->busy_poll);
	return err ?: qfile_check_access(qfile_of(file), mode);
}

/* read and write: payloads only. */

static int begin_iocb(const struct kiocb *iocb, fmode_t mode, struct ipcshm_timeout *timeout)
{
	return ipcshm_qfile_begin(iocb->ki_filp, mode, IPCSHM_FOREVER, CLOCK_MONOTONIC,
				  iocb->ki_flags & IOCB_NOWAIT, timeout);
}

/* Write by the fast path; false if it cannot be taken. */
static bool write_fast(struct ipcshm_queue_file *qfile, struct iov_iter *from)
{
	size_t size = iov_iter_count(from);

	if (!iter_is_ubuf(from) || !(qfile->mode & FMODE_WRITE) ||
	    !ipcshm_queue_write_fast(qfile, (unsigned long)from->ubuf + from->iov_offset, size))
		return false;
	iov_iter_advance(from, size);
	return true;
}

static ssize_t qfile_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct ipcshm_queue_file *qfile = qfile_of(iocb->ki_filp);
	const struct ipcshm_message user = {};
	size_t size = iov_iter_count(from);
	struct ipcshm_timeout timeout;
	struct iov_iter iter;
	int err;

	if (write_fast(qfile, from))
		return size;
	iter = *from;
	err = begin_iocb(iocb, FMODE_WRITE, &timeout);
	if (!err)
		err = ipcshm_qfile_send(qfile, ipcshm_outgoing_create(qfile, &user, &iter),
					&timeout);
	if (err)
		return err;
	iov_iter_advance(from, size);
	return size;
}

/* A request that is read cannot be replied to. */
static ssize_t read_deliver(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf)
{
	int err = ipcshm_rbuf_copy(qfile, rbuf);

	if (err) {
		ipcshm_rbuf_put_back(qfile, rbuf);
		return err;
	}
	if (rbuf->msg->request_id)
		ipcshm_queue_refuse(qfile, rbuf->msg->request_id, -EOPNOTSUPP);
	return rbuf->msg->size;
}

/* Read by the fast path; return the size, or an error if it cannot be taken. */
static ssize_t read_fast(struct ipcshm_queue_file *qfile, struct iov_iter *to)
{
	ssize_t size;

	if (!iter_is_ubuf(to) || !(qfile->mode & FMODE_READ))
		return -EBUSY;
	size = ipcshm_queue_read_fast(qfile, (unsigned long)to->ubuf + to->iov_offset,
				      iov_iter_count(to));
	if (likely(size >= 0))
		iov_iter_advance(to, size);
	return size;
}

static ssize_t qfile_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct ipcshm_queue_file *qfile = qfile_of(iocb->ki_filp);
	struct ipcshm_receive_buffer rbuf IPCSHM_UNINITIALIZED;
	struct ipcshm_timeout timeout;
	ssize_t size;
	int err;

	if (!iov_iter_count(to))
		return 0;
	size = read_fast(qfile, to);
	if (likely(size >= 0))
		return size;
	rbuf = (struct ipcshm_receive_buffer){
		.buffer.iter = *to,
		.criteria.room = iov_iter_count(to),
	};
	err = begin_iocb(iocb, FMODE_READ, &timeout) ?:
	      ipcshm_queue_receive(qfile, &rbuf, 1, &timeout);
	if (err < 0)
		return err == -EPIPE ? 0 : err;	/* the end of file */
	size = read_deliver(qfile, &rbuf);
	if (size > 0)
		iov_iter_advance(to, size);
	ipcshm_rbuf_put(qfile, &rbuf);
	return size;
}

/* Called in process context with a spinlock of the quota's record held. */
static void qfile_quota_wake(struct ipcshm_quotas_waiter *waiter)
{
	queue_work(ipcshm_workqueue,
		   &container_of(waiter, struct ipcshm_queue_file, quota_waiter)->quota_work);
}

static void qfile_quota_work(struct work_struct *work)
{
	ipcshm_queue_wake_senders(container_of(work, struct ipcshm_queue_file, quota_work)->queue);
}

/*
 * Return whether there is quota for the largest message, or all of the quota is free. If not,
 * pollers are woken when there may be.
 */
static bool qfile_has_quota(struct ipcshm_queue_file *qfile)
{
	const enum ipcshm_quota_type quota = IPCSHM_QUOTA_TYPE_QUEUE_BYTES;
	u64 amount = min(ipcshm_msg_cost(qfile->queue->max_message_size),
			 ipcshm_quotas_read(qfile->payer, quota).max);
	int err;

	spin_lock(&qfile->quota_lock);
	err = ipcshm_quotas_wait(qfile->payer, quota, amount, &qfile->quota_waiter);
	spin_unlock(&qfile->quota_lock);
	return err;
}

static __poll_t qfile_poll(struct file *file, poll_table *pt)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	__poll_t now;

	ipcshm_pollers_add(&qfile->queue->pollers, file, pt);
	now = ipcshm_queue_events(qfile->queue, qfile->mode);
	if (now & EPOLLOUT && !(now & EPOLLERR) && ipcshm_queue_needs_quota(qfile->queue) &&
	    !qfile_has_quota(qfile))
		now &= ~(EPOLLOUT | EPOLLWRNORM);
	return now;
}

static int qfile_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_pool *pool = &qfile->queue->pool;

	if (!pool->size)
		return -ENODEV;
	return qfile_check_access(qfile, FMODE_READ) ?: ipcshm_pool_mmap(pool, vma);
}

/* End the calls and held messages of a process; others may share the queue file. */
static void process_leave(struct ipcshm_process *process)
{
	struct ipcshm_queue_file *qfile =
		container_of(process->processes, struct ipcshm_queue_file, processes);

	ipcshm_queue_abandon(qfile, process);
	ipcshm_held_release_all(qfile, process->pid);
}

/* The whole process exits, not only a thread with a descriptor table of its own. */
static bool is_exiting(const struct signal_struct *process)
{
	return current->flags & PF_EXITING &&
	       (!atomic_read(&process->live) || READ_ONCE(process->flags) & SIGNAL_GROUP_EXIT);
}

/*
 * At exit this runs before the wake-up of process.c, which also covers processes that share
 * their descriptor table. After exec closes a descriptor, the program that knew the calls and
 * messages is gone, even if another descriptor of the same file remains. A search of the table
 * for one would make exec take quadratic time.
 */
static int qfile_flush(struct file *file, fl_owner_t table)
{
	struct ipcshm_process *process = NULL;

	if (current->in_execve || is_exiting(current->signal))
		process = ipcshm_process_find(&qfile_of(file)->processes);
	if (process)
		process_leave(process);
	return 0;
}

/* Free a queue file, but not its reference to the queue. */
void ipcshm_qfile_destroy(struct ipcshm_queue_file *qfile)
{
	ipcshm_queue_detach(qfile);
	ipcshm_held_release_all(qfile, NULL);
	ipcshm_processes_destroy(&qfile->processes);
	xa_destroy(&qfile->held);
	ipcshm_quotas_unwait(&qfile->quota_waiter);
	cancel_work_sync(&qfile->quota_work);
	ipcshm_quotas_put(qfile->payer);
	kfree(qfile);
}

static int qfile_release(struct inode *inode, struct file *file)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_queue *queue = qfile->queue;

	ipcshm_qfile_destroy(qfile);
	ipcshm_object_put(&queue->object);
	return 0;
}

static void qfile_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);

	ipcshm_object_show(&qfile->queue->object, seq);
	seq_printf(seq, "ipcshm-held:\t%ld\nipcshm-calls:\t%llu\n",
		   atomic_long_read(&qfile->nr_held), READ_ONCE(qfile->nr_calls));
}

struct ipcshm_queue_file *ipcshm_qfile_create(struct ipcshm_queue *queue, u32 flags)
{
	struct ipcshm_quotas *payer = ipcshm_object_payer_get(&queue->object);
	struct ipcshm_queue_file *qfile;

	if (IS_ERR(payer))
		return ERR_CAST(payer);
	qfile = kzalloc(sizeof(*qfile), IPCSHM_GFP);
	if (!qfile) {
		ipcshm_quotas_put(payer);
		return ERR_PTR(-ENOMEM);
	}
	qfile->queue = queue;
	qfile->payer = payer;
	spin_lock_init(&qfile->quota_lock);
	ipcshm_quotas_waiter_init(&qfile->quota_waiter, qfile_quota_wake);
	INIT_WORK(&qfile->quota_work, qfile_quota_work);
	qfile->mode =
		(flags & IPCSHM_READ ? FMODE_READ : 0) | (flags & IPCSHM_WRITE ? FMODE_WRITE : 0);
	qfile->calls = RB_ROOT;
	ipcshm_processes_init(&qfile->processes, process_leave);
	ipcshm_waits_init(&qfile->waits);
	xa_init_flags(&qfile->held, XA_FLAGS_ACCOUNT);
	return qfile;
}

const struct file_operations ipcshm_qfile_fops = {
	.owner = THIS_MODULE,
	.release = qfile_release,
	.flush = qfile_flush,
	.read_iter = qfile_read_iter,
	.write_iter = qfile_write_iter,
	.poll = qfile_poll,
	.mmap = qfile_mmap,
	.show_fdinfo = qfile_show_fdinfo,
	.unlocked_ioctl = ipcshm_queue_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
