/* SPDX-License-Identifier: GPL-2.0-only */
/* Queue files: what a descriptor of a queue has of its own, and can do. */
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

extern const struct file_operations ipcshm_qfile_fops;

/**
 * struct ipcshm_queue_file - what a descriptor of a queue has of its own
 * @queue: a reference; immutable
 * @payer: who opened it, and pays for what is sent through it; a reference; immutable
 * @mode: FMODE_READ, FMODE_WRITE; immutable
 * @attached: it counts as a reader, a writer; open has succeeded
 * @quota_waiter: wakes pollers when there may be quota to send; its own lock, @quota_lock
 * @quota_lock: held while @quota_waiter is asked to wait
 * @quota_work: the work that does so
 * @busy_poll: nanoseconds to look out for a message before sleeping
 * @calls: those whose requests were received here and aren't replied to, by
 *	request_id; protected by the queue's lock
 * @nr_calls: how many there are; written under the queue's lock
 * @processes: the processes that have received them, or hold messages
 * @held: messages received mapped and not released, by offset
 * @nr_held: how many there are
 */
struct ipcshm_queue_file {
	struct ipcshm_queue *queue;
	struct ipcshm_quotas *payer;
	fmode_t mode;
	bool attached;
	spinlock_t quota_lock;	/* asking @quota_waiter to wait */
	struct ipcshm_quotas_waiter quota_waiter;
	struct work_struct quota_work;
	u32 busy_poll;
	struct rb_root calls;
	u64 nr_calls;
	struct ipcshm_processes processes;
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
int ipcshm_qfile_begin(const struct file *file, fmode_t mode, u64 deadline, u32 clock,
		       bool dontwait, struct ipcshm_timeout *timeout);
int ipcshm_qfile_send(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg,
		      const struct ipcshm_timeout *timeout);
long ipcshm_queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long ipcshm_queue_ioctl_slow(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* IPCSHM_QUEUE_FILE_H */
