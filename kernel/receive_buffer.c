// SPDX-License-Identifier: GPL-2.0-only
/* Receive buffers: choice of a message, and its delivery to user memory. */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "held.h"
#include "ioctl.h"
#include "queue_lease.h"
#include "quota.h"
#include "receive_buffer.h"
#include "user_copy.h"
#include "view.h"

void ipcshm_rbuf_put(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf)
{
	if (unlikely(rbuf->buffer.segments))
		kfree(rbuf->buffer.segments);
	rbuf->buffer.segments = NULL;
	if (rbuf->msg)
		ipcshm_queue_recycle(qfile->queue, rbuf->msg);
	rbuf->msg = NULL;
}

/* Initialize a receive buffer from the caller's structure, which has been checked. */
int ipcshm_rbuf_prepare(struct ipcshm_receive_buffer *rbuf, struct ipcshm_message *user)
{
	int err;

	rbuf->user = user;
	rbuf->msg = NULL;
	rbuf->buffer.segments = NULL;
	rbuf->criteria.match.how = user->flags & ~IPCSHM_MAPPED;
	rbuf->criteria.match.type = user->type;
	rbuf->criteria.room = SIZE_MAX;
	rbuf->criteria.needed = 0;
	rbuf->criteria.ack = false;
	rbuf->criteria.ack_id = 0;
	if (user->flags & IPCSHM_MAPPED)
		return 0;
	err = ipcshm_buffer_get(user, READ, &rbuf->buffer);
	if (!err)
		rbuf->criteria.room = iov_iter_count(&rbuf->buffer.iter);
	return err;
}

/* Delivery. */

static int rbuf_fill(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf)
{
	if (rbuf->user->flags & IPCSHM_MAPPED)
		return ipcshm_held_prepare(qfile, rbuf);
	return ipcshm_msg_copy(rbuf->msg, &rbuf->buffer.iter);
}

/*
 * The id for the reply to a received message, or 0. A lease can end during its delivery, and the
 * member belongs to the queue then.
 */
static u64 rbuf_request_id(const struct ipcshm_receive_buffer *rbuf)
{
	return rbuf->criteria.ack_id ? 0 : rbuf->msg->request_id;
}

static int rbuf_describe(struct ipcshm_receive_buffer *rbuf, u64 request_id, void __user *to)
{
	const struct ipcshm_view view = ipcshm_view_current();

	return ipcshm_msg_describe(rbuf->msg, &view, request_id, rbuf->criteria.ack_id,
				   rbuf->user->data, to) ? 0 : -EFAULT;
}

void ipcshm_rbuf_put_back(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf)
{
	if (rbuf->criteria.ack_id)
		ipcshm_lease_undo(qfile, rbuf->msg, rbuf->criteria.ack_id);
	else
		ipcshm_queue_put_back(qfile, rbuf->msg);
	rbuf->msg = NULL;
}

/* Charge a received message to its receiver, and uncharge it. A leased one is the queue's. */

void ipcshm_rbuf_charge(struct ipcshm_receive_buffer *rbuf, struct ipcshm_quotas *payer)
{
	if (!rbuf->criteria.ack_id)
		ipcshm_msg_charge_force(rbuf->msg, payer);
}

void ipcshm_rbuf_uncharge(struct ipcshm_receive_buffer *rbuf)
{
	if (!rbuf->criteria.ack_id)
		ipcshm_msg_uncharge(rbuf->msg);
}

/*
 * A fault of user memory can take any time, and the receiver keeps the message for so long.
 * Small messages are first copied without faults, which mostly succeeds and needs no charge.
 */

/* Return whether there is room for the whole payload of a message that is not mapped. */
static bool has_whole_room(const struct ipcshm_receive_buffer *rbuf)
{
	return rbuf->msg->size <= iov_iter_count(&rbuf->buffer.iter);
}

/* Undo a copy: there is as much room as there was before. */
static void revert_copy(struct ipcshm_receive_buffer *rbuf, size_t room)
{
	iov_iter_revert(&rbuf->buffer.iter, room - iov_iter_count(&rbuf->buffer.iter));
}

static bool copy_at_once(struct ipcshm_receive_buffer *rbuf)
{
	size_t room = iov_iter_count(&rbuf->buffer.iter);

	if (likely(!ipcshm_msg_copy(rbuf->msg, &rbuf->buffer.iter)))
		return true;
	revert_copy(rbuf, room);
	return false;
}

static bool show_at_once(struct ipcshm_receive_buffer *rbuf, u64 request_id, void __user *to)
{
	const struct ipcshm_msg *msg = rbuf->msg;
	bool done = false;
	size_t room;

	if (!ipcshm_msg_is_small(msg) || rbuf->user->flags & IPCSHM_MAPPED)
		return false;
	room = iov_iter_count(&rbuf->buffer.iter);
	pagefault_disable();
	if (!rbuf->user->segments && msg->size <= min_t(size_t, room, IPCSHM_WORDS_MAX)) {
		done = likely(ipcshm_payload_put(u64_to_user_ptr(rbuf->user->data), msg->data,
						 msg->size)) &&
		       likely(!rbuf_describe(rbuf, request_id, to));
	} else if (likely(copy_at_once(rbuf))) {
		done = !rbuf_describe(rbuf, request_id, to);
		if (!done)
			revert_copy(rbuf, room);
	}
	pagefault_enable();
	return done;
}

static bool hold_at_once(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
			 void __user *to)
{
	int err;

	if (ipcshm_held_prepare(qfile, rbuf))
		return false;
	pagefault_disable();
	err = rbuf_describe(rbuf, rbuf->msg->request_id, to);
	pagefault_enable();
	if (err)
		ipcshm_held_cancel(qfile, rbuf);
	else
		ipcshm_held_commit(qfile, rbuf);
	return !err;
}

/* Deliver a message as ipcshm_rbuf_deliver() does, but fail on a page fault. */
bool ipcshm_rbuf_deliver_at_once(struct ipcshm_queue_file *qfile,
				 struct ipcshm_receive_buffer *rbuf, void __user *to)
{
	if (rbuf->msg->nr_files)
		return false;
	if (rbuf->user->flags & IPCSHM_MAPPED)
		return !rbuf->criteria.ack_id && hold_at_once(qfile, rbuf, to);
	return show_at_once(rbuf, rbuf_request_id(rbuf), to);
}

/* Copy the payload of a received message. */
int ipcshm_rbuf_copy(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf)
{
	int err;

	if (ipcshm_msg_is_small(rbuf->msg)) {
		bool done;

		pagefault_disable();
		done = copy_at_once(rbuf);
		pagefault_enable();
		if (done)
			return 0;
	}
	ipcshm_msg_charge_force(rbuf->msg, qfile->payer);
	err = ipcshm_msg_copy(rbuf->msg, &rbuf->buffer.iter);
	ipcshm_msg_uncharge(rbuf->msg);
	return err;
}

/*
 * Write the payload to the caller's memory, and its description to the structure at @to. The
 * message stays in the queue, which may charge it. If another task receives the message
 * concurrently, this call keeps it.
 */
int ipcshm_rbuf_show(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
		     void __user *to)
{
	u64 cost = ipcshm_msg_cost(rbuf->msg->size);
	int err;

	if (show_at_once(rbuf, 0, to))
		return 0;
	ipcshm_quotas_charge_force(qfile->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES, cost);
	ipcshm_quotas_charge_force(qfile->payer, IPCSHM_QUOTA_TYPE_DESCRIPTORS,
				   rbuf->msg->nr_files);
	err = rbuf_fill(qfile, rbuf) ?: rbuf_describe(rbuf, 0, to);
	ipcshm_quotas_uncharge(qfile->payer, IPCSHM_QUOTA_TYPE_DESCRIPTORS, rbuf->msg->nr_files);
	ipcshm_quotas_uncharge(qfile->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES, cost);
	return err;
}

static int fds_put(const struct ipcshm_fds *fds, s32 __user *to)
{
	return copy_to_user(to, fds->numbers, fds->count * sizeof(*to)) ? -EFAULT : 0;
}

/*
 * Write the structure and install the descriptors. The numbers are written first, so that a
 * failure leaves the caller's structure unchanged.
 */
static int rbuf_give(struct ipcshm_receive_buffer *rbuf, void __user *to)
{
	struct ipcshm_fds fds;
	int err;

	if (!rbuf->msg->nr_files)
		return rbuf_describe(rbuf, rbuf_request_id(rbuf), to);
	err = ipcshm_fds_reserve(&fds, rbuf->msg, rbuf->user->fd_count);
	if (err)
		return err;
	err = fds_put(&fds, u64_to_user_ptr(rbuf->user->fds));
	if (!err)
		err = rbuf_describe(rbuf, rbuf_request_id(rbuf), to);
	if (err)
		ipcshm_fds_cancel(&fds);
	else
		ipcshm_fds_install(&fds, rbuf->msg);
	return err;
}

static int deliver_message(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
			   void __user *to)
{
	bool mapped = rbuf->user->flags & IPCSHM_MAPPED;
	int err = rbuf_fill(qfile, rbuf);

	if (err)
		return err;
	err = rbuf_give(rbuf, to);
	if (!mapped)
		return err;
	if (err) {
		ipcshm_held_cancel(qfile, rbuf);
		return err;
	}
	ipcshm_held_commit(qfile, rbuf);
	return 0;
}

/* Return whether a message is only a small payload in one piece. */
static bool is_in_slot(const struct ipcshm_receive_buffer *rbuf)
{
	const struct ipcshm_msg *msg = rbuf->msg;

	return msg->slot_class != IPCSHM_SLOT_NONE &&
	       !(msg->nr_files | rbuf->user->segments | (rbuf->user->flags & IPCSHM_MAPPED)) &&
	       likely(has_whole_room(rbuf));
}

static __always_inline bool deliver_from_slot(struct ipcshm_receive_buffer *rbuf, void __user *to)
{
	const struct ipcshm_view view = ipcshm_view_current();
	const struct ipcshm_msg *msg = rbuf->msg;
	bool done;

	pagefault_disable();
	done = likely(ipcshm_slot_put(u64_to_user_ptr(rbuf->user->data), msg->data,
				      msg->size)) &&
	       likely(ipcshm_msg_describe(msg, &view, rbuf_request_id(rbuf),
					  rbuf->criteria.ack_id, rbuf->user->data, to));
	pagefault_enable();
	return done;
}

/*
 * Deliver a leased message, which the queue keeps. The lease keeps its place in the pool, too, so
 * that must be where it was sent.
 */
static int deliver_leased(struct ipcshm_receive_buffer *rbuf, void __user *to)
{
	const struct ipcshm_msg *msg = rbuf->msg;
	int err;

	if (is_in_slot(rbuf) && deliver_from_slot(rbuf, to))
		return 0;
	if (!(rbuf->user->flags & IPCSHM_MAPPED)) {
		err = ipcshm_msg_copy(msg, &rbuf->buffer.iter);
		if (err)
			return err;
	} else if (msg->pool) {
		rbuf->user->data = msg->offset;
	} else {
		return -ENOBUFS;
	}
	return rbuf_give(rbuf, to);
}

/*
 * Close the files of a delivered message now, even if its receiver holds it mapped. A task that
 * still delivers it from a lease that has ended installs them, too; the last user closes them then.
 */
static void close_files(struct ipcshm_receive_buffer *rbuf)
{
	unsigned int users = rbuf->user->flags & IPCSHM_MAPPED && rbuf->held == rbuf->msg ? 2 : 1;

	if (refcount_read(&rbuf->msg->users) == users)
		ipcshm_msg_close_files(rbuf->msg);
}

/*
 * Deliver a received message. It is charged to the receiver while that waits for user memory.
 * Afterwards the caller frees it or puts it back.
 */
int ipcshm_rbuf_deliver(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
			void __user *to)
{
	int err;

	if (rbuf->criteria.ack_id)
		return deliver_leased(rbuf, to);
	if (likely(is_in_slot(rbuf) && !rbuf->msg->charged) && likely(deliver_from_slot(rbuf, to)))
		return 0;
	if (!rbuf->msg->charged && ipcshm_rbuf_deliver_at_once(qfile, rbuf, to))
		return 0;
	ipcshm_msg_charge_force(rbuf->msg, qfile->payer);
	err = deliver_message(qfile, rbuf, to);
	ipcshm_msg_uncharge(rbuf->msg);
	if (!err)
		close_files(rbuf);
	return err;
}

/* Write the size of the message that exceeds the caller's buffer. */
int ipcshm_rbuf_put_needed(const struct ipcshm_receive_buffer *rbuf, void __user *to)
{
	struct ipcshm_message __user *message = to;

	return put_user(rbuf->criteria.needed, &message->size) ? -EFAULT : -EMSGSIZE;
}
