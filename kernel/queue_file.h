/* SPDX-License-Identifier: GPL-2.0-only */
/* Queue files: state and operations of a descriptor of a queue. */
#ifndef IPCSHM_QUEUE_FILE_H
#define IPCSHM_QUEUE_FILE_H

#include <linux/fs.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "object.h"
#include "process.h"
#include "queue.h"
#include "quota.h"
#include "waiter.h"

extern const struct file_operations ipcshm_qfile_fops;

/**
 * struct ipcshm_queue_file - state of a descriptor of a queue
 * @queue: a reference; immutable
 * @payer: record of the opener, who pays for messages sent through it; a reference; immutable
 * @mode: FMODE_READ, FMODE_WRITE; immutable
 * @attached: counts as a reader or writer, since open has succeeded
 * @quota_waiter: wakes pollers when there may be quota to send
 * @quota_lock: serializes registrations of @quota_waiter
 * @quota_work: registers @quota_waiter
 * @busy_poll: nanoseconds to poll for a message before sleeping
 * @calls: calls whose requests were received here and are not replied to, by request_id;
 *	protected by the queue's lock
 * @nr_calls: number of @calls; written under the queue's lock
 * @processes: the processes that have received requests or hold messages
 * @waits: the tasks that sleep; protected by the queue's lock
 * @held: messages received mapped and not released, by offset
 * @nr_held: number of @held
 */
struct ipcshm_queue_file {
	struct ipcshm_queue *queue;
	struct ipcshm_quotas *payer;
	fmode_t mode;
	bool attached;
	spinlock_t quota_lock;	/* registrations of @quota_waiter */
	struct ipcshm_quotas_waiter quota_waiter;
	struct work_struct quota_work;
	u32 busy_poll;
	struct rb_root calls;
	u64 nr_calls;
	struct ipcshm_processes processes;
	struct ipcshm_waits waits;
	struct xarray held;
	atomic_long_t nr_held;
};

static inline struct ipcshm_queue_file *qfile_of(const struct file *file)
{
	return file->private_data;
}

static inline int qfile_check_access(const struct ipcshm_queue_file *qfile, fmode_t mode)
{
	if ((qfile->mode & mode) != mode)
		return -EBADF;
	return ipcshm_queue_is_revoked(qfile->queue) ? -EKEYREVOKED : 0;
}

struct ipcshm_queue_file *ipcshm_qfile_create(struct ipcshm_queue *queue, u32 flags);
void ipcshm_qfile_destroy(struct ipcshm_queue_file *qfile);
int ipcshm_qfile_begin(const struct file *file, fmode_t mode, u64 deadline, u32 clock,
		       bool dontwait, struct ipcshm_timeout *timeout);
int ipcshm_qfile_send(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg,
		      const struct ipcshm_timeout *timeout);
int ipcshm_queue_move(struct ipcshm_queue_file *from, const struct ipcshm_match *match,
		      struct ipcshm_queue_file *to, u64 most, u64 *moved);
long ipcshm_queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long ipcshm_queue_ioctl_slow(struct file *file, unsigned int cmd, unsigned long arg);
int ipcshm_call_finish(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *reply,
		       struct ipcshm_call_args __user *to, int err, u64 id);

#endif /* IPCSHM_QUEUE_FILE_H */
