// SPDX-License-Identifier: GPL-2.0-only
/* One message, and a set of them in the order in which they are received. */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uio.h>

#include "limits.h"
#include "message.h"
#include "waiter.h"

static u64 cost(size_t size)
{
	return size + sizeof(struct ipcshm_msg);
}

/*
 * The real IDs, as SCM_CREDENTIALS has them: a set-user-ID program that is
 * handed a queue as its standard output speaks for its caller.
 */
static void stamp(struct ipcshm_msg *msg)
{
	msg->pid = get_pid(task_tgid(current));
	msg->uid = current_uid();
	msg->gid = current_gid();
	msg->time = ktime_get_ns();
}

/**
 * ipcshm_msg_create - a message from the current task
 * @from: the payload, whole; its length has been checked
 * @type: the sender's tag
 * @priority: checked as well
 * @payer: whose quota it counts for
 *
 * Return: the message, or -EDQUOT, -ENOMEM, -EFAULT.
 */
struct ipcshm_msg *ipcshm_msg_create(struct iov_iter *from, u64 type, u32 priority,
				     struct ipcshm_limits *payer)
{
	size_t size = iov_iter_count(from);
	struct ipcshm_msg *msg;
	int err;

	err = ipcshm_limits_charge(payer, IPCSHM_QUOTA_QUEUE_BYTES, cost(size));
	if (err)
		return ERR_PTR(err);
	err = -ENOMEM;
	msg = kvmalloc(struct_size(msg, data, size), GFP_KERNEL_ACCOUNT);
	if (!msg)
		goto uncharge;
	err = -EFAULT;
	if (!copy_from_iter_full(msg->data, size, from))
		goto free;
	msg->sender = NULL;
	msg->payer = payer;
	msg->type = type;
	msg->priority = priority;
	msg->size = size;
	stamp(msg);
	return msg;

free:
	kvfree(msg);
uncharge:
	ipcshm_limits_uncharge(payer, IPCSHM_QUOTA_QUEUE_BYTES, cost(size));
	return ERR_PTR(err);
}

void ipcshm_msg_free(struct ipcshm_msg *msg)
{
	ipcshm_limits_uncharge(msg->payer, IPCSHM_QUOTA_QUEUE_BYTES, cost(msg->size));
	put_pid(msg->pid);
	kvfree(msg);
}

int ipcshm_msg_copy(const struct ipcshm_msg *msg, struct iov_iter *to)
{
	return copy_to_iter(msg->data, msg->size, to) == msg->size ? 0 : -EFAULT;
}

/* What a receiver learns of a message, in the current task's namespaces. */
void ipcshm_msg_describe(const struct ipcshm_msg *msg, struct ipcshm_message *to)
{
	to->size = msg->size;
	to->type = msg->type;
	to->priority = msg->priority;
	to->pid = pid_nr_ns(msg->pid, task_active_pid_ns(current));
	to->uid = from_kuid_munged(current_user_ns(), msg->uid);
	to->gid = from_kgid_munged(current_user_ns(), msg->gid);
	to->time = msg->time + ipcshm_timens_offset();
}

static int by_priority(struct rb_node *a, const struct rb_node *b)
{
	u32 x = rb_entry(a, struct ipcshm_msg, level)->priority;
	u32 y = rb_entry(b, struct ipcshm_msg, level)->priority;

	return x > y ? -1 : x < y;	/* the highest leftmost */
}

/*
 * Behind all of its priority, or in front of them.  In a ring that is the same
 * place; what differs is which one the tree knows as the first.
 */
void ipcshm_backlog_add(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg, bool front)
{
	struct rb_node *first = rb_find_add(&msg->level, &backlog->levels, by_priority);

	INIT_LIST_HEAD(&msg->same);
	if (!first)
		return;
	list_add_tail(&msg->same, &rb_entry(first, struct ipcshm_msg, level)->same);
	if (front)
		rb_replace_node(first, &msg->level, &backlog->levels);
	RB_CLEAR_NODE(front ? first : &msg->level);
}

void ipcshm_backlog_remove(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *next = list_next_entry(msg, same);

	if (next == msg)
		rb_erase(&msg->level, &backlog->levels);
	else if (!RB_EMPTY_NODE(&msg->level))
		rb_replace_node(&msg->level, &next->level, &backlog->levels);
	list_del(&msg->same);
}
