// SPDX-License-Identifier: GPL-2.0-only
/* Queue files: what a descriptor of a queue can do, and how queues and descriptors are made. */
#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/time64.h>
#include <linux/uaccess.h>

#include "gfp.h"
#include "held.h"
#include "outgoing.h"
#include "queue.h"
#include "queue_file.h"
#include "quota.h"
#include "receive_buffer.h"
#include "user_copy.h"
#include "work.h"

static struct ipcshm_queue *object_queue(const struct ipcshm_object *object)
{
	return container_of(object, struct ipcshm_queue, object);
}

/* @msg, or the error that there is instead. */
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

/* What each transfer starts with: how long it may take, and whether it may be at all. */
int ipcshm_qfile_begin(const struct file *file, fmode_t mode, u64 deadline, u32 clock,
		       bool dontwait, struct ipcshm_timeout *timeout)
{
	bool nonblock = dontwait || READ_ONCE(file->f_flags) & O_NONBLOCK;
	int err = ipcshm_timeout_init(timeout, deadline, clock, nonblock);

	timeout->busy_poll = READ_ONCE(qfile_of(file)->busy_poll);
	return err ?: qfile_check_access(qfile_of(file), mode);
}

bool ipcshm_queue_capacity_is_valid(u64 max_messages, u64 max_bytes, u64 max_message_size)
{
	return max_messages ? !max_bytes || max_bytes >= max_message_size : !max_bytes;
}

/* Of a queue that keeps messages, 0 bytes are as many as these need. */
u64 ipcshm_queue_bytes_needed(u64 max_messages, u64 max_bytes, u64 max_message_size)
{
	return max_bytes ?: ipcshm_mul(max_messages, max_message_size);
}

static int queue_revoke(struct ipcshm_object *object)
{
	ipcshm_queue_revoke(object_queue(object));
	return 0;
}

static void queue_stat(struct ipcshm_object *object, struct ipcshm_stat *stat)
{
	struct ipcshm_queue *queue = object_queue(object);

	ipcshm_queue_get_stat(queue, container_of(stat, struct ipcshm_queue_stat, stat));
	if (queue->hangup)
		stat->flags |= IPCSHM_STAT_HANGUP;
	if (ipcshm_queue_is_revoked(queue))
		stat->flags |= IPCSHM_STAT_REVOKED;
}

/* read and write, with nothing but a payload. */

static int begin_iocb(const struct kiocb *iocb, fmode_t mode, struct ipcshm_timeout *timeout)
{
	return ipcshm_qfile_begin(iocb->ki_filp, mode, IPCSHM_FOREVER, CLOCK_MONOTONIC,
				  iocb->ki_flags & IOCB_NOWAIT, timeout);
}

/* False: take the general way. */
static bool write_fast(struct ipcshm_queue_file *qfile, struct iov_iter *from)
{
	struct ipcshm_message user;

	if (!iter_is_ubuf(from) || !(qfile->mode & FMODE_WRITE))
		return false;
	user = (struct ipcshm_message){
		.data = (unsigned long)from->ubuf + from->iov_offset,
		.size = iov_iter_count(from),
	};
	if (!ipcshm_queue_send_fast(qfile, &user))
		return false;
	iov_iter_advance(from, user.size);
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

/* A request can be read, but there is no way to answer it then. */
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

/* A message that was received the short way, or NULL. */
static struct ipcshm_msg *read_fast(struct ipcshm_queue_file *qfile, struct iov_iter *to)
{
	const struct ipcshm_message user = { .size = iov_iter_count(to) };

	if (!iter_is_ubuf(to) || !(qfile->mode & FMODE_READ))
		return NULL;
	return ipcshm_queue_take_fast(qfile, &user);
}

/* False, and nothing has happened: it can't be delivered without faults. */
static bool read_words(struct iov_iter *to, const struct ipcshm_msg *msg)
{
	bool done;

	pagefault_disable();
	done = ipcshm_payload_put(to->ubuf + to->iov_offset, msg->data, msg->size);
	pagefault_enable();
	if (done)
		iov_iter_advance(to, msg->size);
	return done;
}

static ssize_t qfile_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct ipcshm_queue_file *qfile = qfile_of(iocb->ki_filp);
	struct ipcshm_receive_buffer rbuf;
	struct ipcshm_timeout timeout;
	ssize_t size;
	int err = 1;

	if (!iov_iter_count(to))
		return 0;
	rbuf.msg = read_fast(qfile, to);
	if (rbuf.msg && likely(read_words(to, rbuf.msg))) {
		size = rbuf.msg->size;
		ipcshm_queue_recycle(qfile->queue, rbuf.msg);
		return size;
	}
	rbuf = (struct ipcshm_receive_buffer){
		.msg = rbuf.msg,
		.buffer.iter = *to,
		.criteria.room = iov_iter_count(to),
	};
	if (!rbuf.msg)
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

/* In process context, with a spinlock held that is not ours. */
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
 * Whether there is quota for the largest message, or as much quota as can be; if not,
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

/* The process no longer answers calls or needs messages, though others share the queue file. */
static void process_leave(struct ipcshm_process *process)
{
	struct ipcshm_queue_file *qfile =
		container_of(process->processes, struct ipcshm_queue_file, processes);

	ipcshm_queue_abandon(qfile, process);
	ipcshm_held_release_all(qfile, process->pid);
}

/* The whole process, not only this thread of it, which may have had a table to itself. */
static bool is_exiting(const struct signal_struct *process)
{
	return current->flags & PF_EXITING &&
	       (!atomic_read(&process->live) || READ_ONCE(process->flags) & SIGNAL_GROUP_EXIT);
}

/*
 * At exit this is earlier than the wake-up of process.c, which also sees the end of a process
 * that shares its table. Where exec closes a descriptor, the program that knew of calls and
 * messages is gone, even if the process keeps another descriptor of the same file: searching the
 * table for one would make exec take quadratic time.
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

static int qfile_release(struct inode *inode, struct file *file)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);

	ipcshm_queue_detach(qfile);
	ipcshm_held_release_all(qfile, NULL);
	ipcshm_processes_destroy(&qfile->processes);
	xa_destroy(&qfile->held);
	ipcshm_quotas_unwait(&qfile->quota_waiter);
	cancel_work_sync(&qfile->quota_work);
	ipcshm_object_put(&qfile->queue->object);
	ipcshm_quotas_put(qfile->payer);
	kfree(qfile);
	return 0;
}

static void qfile_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);

	ipcshm_object_show(&qfile->queue->object, seq);
	seq_printf(seq, "ipcshm-held:\t%ld\nipcshm-calls:\t%llu\n",
		   atomic_long_read(&qfile->nr_held), READ_ONCE(qfile->nr_calls));
}

static const struct file_operations qfile_fops = {
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

/* Queue inodes. */

/*
 * The root of the kernel's file system of anonymous inodes.  Queue inodes live there: no part
 * of them points into the module, so an O_PATH descriptor of one may outlive the module.
 */
static struct path anon;

int ipcshm_queue_file_init(void)
{
	struct file *file = anon_inode_getfile("[ipcshm]", &generic_ro_fops, NULL, O_RDONLY);

	if (IS_ERR(file))
		return PTR_ERR(file);
	anon = file->f_path;
	path_get(&anon);
	fput(file);
	return 0;
}

void ipcshm_queue_file_exit(void)
{
	path_put(&anon);
}

/* An inode of type 0, as other anonymous inodes have; its owner and group are the caller's. */
static struct inode *inode_create(umode_t mode)
{
	struct inode *inode = alloc_anon_inode(anon.mnt->mnt_sb);

	if (!IS_ERR(inode))
		inode->i_mode = mode;
	return inode;
}

/* The life of a queue and of a queue file. */

#define OFFSET(member) offsetof(struct ipcshm_queue_open_args, member)

static size_t find_invalid_new(const struct ipcshm_queue_open_args *args)
{
	if (!args->max_message_size || args->max_message_size > IPCSHM_MESSAGE_MAX)
		return OFFSET(max_message_size);
	if (args->pool_bytes && (args->pool_bytes < args->max_message_size ||
				 args->pool_bytes > IPCSHM_POOL_MAX))
		return OFFSET(pool_bytes);
	if (args->overflow > IPCSHM_OVERFLOW_DROP_NEWEST ||
	    (args->overflow == IPCSHM_OVERFLOW_DROP_OLDEST && !args->max_messages))
		return OFFSET(overflow);
	return ipcshm_queue_capacity_is_valid(args->max_messages, args->max_bytes,
					      args->max_message_size) ? 0 : OFFSET(max_bytes);
}

/* The offset of a member whose value is not valid, or 0. */
size_t ipcshm_queue_find_invalid(const struct ipcshm_queue_open_args *args)
{
	if (args->how.flags & IPCSHM_CREATE)
		return find_invalid_new(args);
	return args->max_messages ? OFFSET(max_messages) :
	       args->max_bytes ? OFFSET(max_bytes) :
	       args->max_message_size ? OFFSET(max_message_size) :
	       args->pool_bytes ? OFFSET(pool_bytes) :
	       args->overflow ? OFFSET(overflow) : 0;
}

static int pool_create(struct ipcshm_queue *queue, const struct ipcshm_queue_open_args *args,
		       struct ipcshm_quotas *payer)
{
	u64 size = PAGE_ALIGN(args->pool_bytes);
	int err;

	if (!size)
		return 0;
	err = ipcshm_quotas_charge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, size);
	if (err)
		return err;
	err = ipcshm_pool_init(&queue->pool, size, args->max_message_size);
	if (err)
		ipcshm_quotas_uncharge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, size);
	return err;
}

static void pool_destroy(struct ipcshm_queue *queue, struct ipcshm_quotas *payer)
{
	if (!queue->pool.size)
		return;
	ipcshm_quotas_uncharge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, queue->pool.size);
	ipcshm_pool_destroy(&queue->pool);
}

/* The creator pays for all that a bounded queue can keep. */
static int room_charge(struct ipcshm_queue *queue, struct ipcshm_quotas *payer)
{
	u64 price = ipcshm_queue_price(queue->max_messages, queue->max_bytes,
				       queue->max_message_size);
	int err = ipcshm_quotas_charge(payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES, price);

	if (err)
		return err;
	queue->price = price;
	queue->charged = price;
	return 0;
}

static struct ipcshm_object *queue_create(const void *attr, const char *name,
					  struct ipcshm_quotas *payer, umode_t mode)
{
	const struct ipcshm_queue_open_args *args = attr;
	struct ipcshm_queue *queue = kzalloc(sizeof(*queue), IPCSHM_GFP);
	int err;

	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->object.inode = inode_create(mode);
	err = PTR_ERR_OR_ZERO(queue->object.inode);
	if (err)
		goto free;
	err = pool_create(queue, args, payer);
	if (err)
		goto put_inode;
	queue->max_message_size = args->max_message_size;
	queue->max_messages = args->max_messages;
	queue->max_bytes = ipcshm_queue_bytes_needed(args->max_messages, args->max_bytes,
						     args->max_message_size);
	err = room_charge(queue, payer);
	if (err)
		goto destroy_pool;
	queue->overflow = args->overflow;
	queue->hangup = args->how.flags & IPCSHM_HANGUP;
	queue->persistent = args->how.flags & IPCSHM_PERSISTENT;
	ipcshm_queue_init(queue);
	return &queue->object;

destroy_pool:
	pool_destroy(queue, payer);
put_inode:
	iput(queue->object.inode);
free:
	kfree(queue);
	return ERR_PTR(err);
}

static void queue_describe(const struct ipcshm_object *object, void *attr)
{
	const struct ipcshm_queue *queue = object_queue(object);
	struct ipcshm_queue_open_args *args = attr;

	args->max_messages = READ_ONCE(queue->max_messages);
	args->max_bytes = READ_ONCE(queue->max_bytes);
	args->max_message_size = queue->max_message_size;
	args->pool_bytes = queue->pool.size;
	args->overflow = queue->overflow;
}

static void queue_release(struct ipcshm_object *object)
{
	struct ipcshm_queue *queue = object_queue(object);

	ipcshm_queue_destroy(queue);
	ipcshm_quotas_uncharge(object->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES, queue->charged);
	pool_destroy(queue, object->payer);
	iput(object->inode);
	kfree(queue);
}

static struct ipcshm_queue_file *qfile_create(struct ipcshm_queue *queue, u32 flags)
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
	xa_init_flags(&qfile->held, XA_FLAGS_ACCOUNT);
	return qfile;
}

static int access_flags(u32 flags)
{
	if (!(flags & IPCSHM_WRITE))
		return O_RDONLY;
	return flags & IPCSHM_READ ? O_RDWR : O_WRONLY;
}

/*
 * alloc_file_pseudo() takes ownership of an inode reference.  It takes no module reference,
 * although closing the file drops one.
 */
static struct file *file_create(struct inode *inode, int flags)
{
	struct file *file;

	ihold(inode);
	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(inode, anon.mnt, "[ipcshm-queue]", flags, &qfile_fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		iput(inode);
	}
	return file;
}

static struct file *qfile_open(struct ipcshm_object *object, u32 flags)
{
	int f_flags = access_flags(flags) | (flags & IPCSHM_NONBLOCK ? O_NONBLOCK : 0);
	struct ipcshm_queue_file *qfile = qfile_create(object_queue(object), flags);
	struct file *file;

	if (IS_ERR(qfile))
		return ERR_CAST(qfile);
	file = file_create(object->inode, f_flags);
	if (IS_ERR(file)) {
		ipcshm_quotas_put(qfile->payer);
		kfree(qfile);
		return file;
	}
	file->private_data = qfile;
	stream_open(file_inode(file), file);
	file->f_mode |= FMODE_NOWAIT;
	return file;
}

static void qfile_opened(struct file *file)
{
	ipcshm_queue_attach(qfile_of(file));
}

const struct ipcshm_object_ops ipcshm_queue_ops = {
	.kind = IPCSHM_QUEUE,
	.create = queue_create,
	.open = qfile_open,
	.opened = qfile_opened,
	.describe = queue_describe,
	.stat = queue_stat,
	.revoke = queue_revoke,
	.release = queue_release,
};
