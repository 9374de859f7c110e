/* SPDX-License-Identifier: GPL-2.0-only */
/* One message, and a set of them in the order in which they are received. */
#ifndef IPCSHM_MESSAGE_H
#define IPCSHM_MESSAGE_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/ipcshm.h"

struct iov_iter;
struct ipcshm_limits;
struct ipcshm_waiter;
struct pid;

/**
 * struct ipcshm_msg - one message in the kernel
 * @level: in the tree of its backlog, if it is the first of its priority
 * @same: the others of its priority in the same backlog, in a ring
 * @sender: who is blocked until the queue accepts it, else NULL
 * @payer: whose quota it is charged to
 * @pid: who sent it; a reference
 * @uid: the sender's real user
 * @gid: the sender's real group
 * @type: the sender's tag
 * @time: when it was sent, CLOCK_MONOTONIC
 * @priority: higher is received first
 * @size: bytes in @data
 * @data: the payload
 *
 * Belongs to whoever holds it: the sender that made it, then the backlog of a
 * queue (and the queue's lock protects @level, @same and @sender), then the
 * receiver that took it.  All else is immutable.
 */
struct ipcshm_msg {
	struct rb_node level;
	struct list_head same;
	struct ipcshm_waiter *sender;
	struct ipcshm_limits *payer;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	u64 type;
	u64 time;
	u32 priority;
	u32 size;
	u8 data[];
};

struct ipcshm_msg *ipcshm_msg_create(struct iov_iter *from, u64 type, u32 priority,
				     struct ipcshm_limits *payer);
void ipcshm_msg_free(struct ipcshm_msg *msg);
int ipcshm_msg_copy(const struct ipcshm_msg *msg, struct iov_iter *to);
void ipcshm_msg_describe(const struct ipcshm_msg *msg, struct ipcshm_message *to);

/**
 * struct ipcshm_backlog - messages by priority, first in first out within one
 * @levels: the first message of each priority, the highest leftmost
 */
struct ipcshm_backlog {
	struct rb_root levels;
};

static inline struct ipcshm_msg *ipcshm_backlog_first(const struct ipcshm_backlog *backlog)
{
	return rb_entry_safe(rb_first(&backlog->levels), struct ipcshm_msg, level);
}

void ipcshm_backlog_add(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg, bool front);
void ipcshm_backlog_remove(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg);

#endif /* IPCSHM_MESSAGE_H */
