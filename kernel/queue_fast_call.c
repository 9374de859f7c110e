// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast path of calls: a request goes to a sleeping receiver, and a reply to its caller, while
 * the queue is calm. Each ioctl needs one critical section. See queue_fast.c.
 */
#include <linux/ktime.h>
#include <linux/uaccess.h>

#include "ioctl.h"
#include "queue_fast.h"

static inline void effects_init(struct queue_effects *effects)
{
	effects->wakeups.count = 0;
	/* The caller and the server sleep after the wake-up. */
	effects->wakeups.sync = true;
}

/* Send a request to a sleeping receiver; return false if the fast path cannot be taken. */
static bool send_request(struct ipcshm_queue_file *qfile, const struct outgoing *out,
			 struct ipcshm_caller *call)
{
	const struct ipcshm_sender sender = ipcshm_sender_current();
	struct ipcshm_queue *queue = qfile->queue;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	u64 time = ktime_get_ns();
	bool sent;

	effects_init(&effects);
	spin_lock(&queue->lock);
	pagefault_disable();
	sent = can_send(queue) && ipcshm_fast_hand_over(qfile, out, &sender, time, call, &effects);
	pagefault_enable();
	spin_unlock(&queue->lock);
	if (sent)
		ipcshm_wakeups_run(&effects.wakeups);
	return sent;
}

/* Try the fast path; false: take the general path. */
bool ipcshm_fast_call(struct file *file, struct ipcshm_call_args __user *from, long *result)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct asleep asleep IPCSHM_UNINITIALIZED;
	struct ipcshm_caller call IPCSHM_UNINITIALIZED;
	struct outgoing out IPCSHM_UNINITIALIZED;
	struct incoming in IPCSHM_UNINITIALIZED;
	struct ipcshm_timeout timeout;
	u64 deadline, id = 0;
	u32 clock, flags;
	int err = 0;
	bool valid;

	if (should_fail_usercopy() || !user_read_access_begin(from, sizeof(*from)))
		return false;
	valid = get_outgoing(&out, &from->request, &err) &
		get_incoming(&in, &from->reply, NULL, &err);
	deadline = ipcshm_get_u64(&from->deadline, &err);
	clock = ipcshm_get_u32(&from->clock, &err);
	flags = ipcshm_get_u32(&from->flags, &err);
	user_read_access_end();
	if (unlikely(err || !valid || flags & ~IPCSHM_RETRY || out.request_id || in.match.how ||
		     out.size >= qfile->queue->plain_bound || trace_ipcshm_send_enabled() ||
		     ipcshm_qfile_begin(file, FMODE_WRITE, deadline, clock, false, &timeout)) ||
	    timeout.nonblock)
		return false;
	ipcshm_fast_prepare_sleep(&asleep, &in);
	ipcshm_caller_init(&call, &asleep.rbuf.criteria);
	if (!send_request(qfile, &out, &call))
		return false;
	err = ipcshm_caller_wait(qfile, &call, &asleep.rbuf, &timeout, &id);
	/* The general path sends the request again. */
	if (unlikely(err == -EPIPE && flags))
		return false;
	*result = ipcshm_call_finish(qfile, &asleep.rbuf, from, err, id);
	return true;
}

/* The restarted ioctl must not reply again. */
static __always_inline bool clear_request_id(struct ipcshm_call_args __user *to)
{
	if (should_fail_usercopy() || !user_write_access_begin(to, sizeof(*to)))
		return false;
	unsafe_put_user(0, &to->reply.request_id, fault);
	user_write_access_end();
	return true;

fault:
	user_write_access_end();
	return false;
}

/*
 * Reply, and become a sleeping receiver. Return false, without an effect, if the fast path cannot
 * be taken.
 */
static bool send_reply(struct ipcshm_queue_file *qfile, const struct outgoing *out,
		       struct asleep *asleep, struct ipcshm_call_args __user *from)
{
	const struct ipcshm_sender sender = ipcshm_sender_current();
	struct ipcshm_queue *queue = qfile->queue;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	struct ipcshm_caller *call = NULL;
	struct ipcshm_msg *msg = NULL;
	u64 time = ktime_get_ns();

	effects_init(&effects);
	spin_lock(&queue->lock);
	pagefault_disable();
	if (likely(can_sleep(queue)))
		call = ipcshm_call_find(qfile, out->request_id);
	/* An interrupted call may have expired, or its caller pays for the reply. */
	if (likely(call && !call->stays && call->criteria->room >= out->size))
		msg = load_spare(queue, out);
	if (likely(msg) && unlikely(!clear_request_id(from)))
		msg = NULL;
	if (likely(msg)) {
		start_message(queue, msg, out, &sender, qfile->payer, time);
		msg->charged = 0;
		msg->request_id = 0;
		msg->number = 0;
		call->criteria->needed = msg->size;
		call->reply = msg;
		ipcshm_call_complete(queue, call, 0, &effects);
		ipcshm_receiver_enter(qfile, &asleep->receiver, &asleep->rbuf.criteria);
	}
	pagefault_enable();
	spin_unlock(&queue->lock);
	if (likely(msg)) {
		ipcshm_wakeups_run(&effects.wakeups);
		trace_ipcshm_reply(queue->object.id, out->request_id, out->size, 0);
	}
	return msg;
}

/* Try the fast path; false: take the general path. */
bool ipcshm_fast_reply_receive(struct file *file, struct ipcshm_call_args __user *from,
			       long *result)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct asleep asleep IPCSHM_UNINITIALIZED;
	struct outgoing out IPCSHM_UNINITIALIZED;
	struct incoming in IPCSHM_UNINITIALIZED;
	struct ipcshm_timeout timeout;
	u32 clock, flags;
	u64 deadline;
	int err = 0;
	bool valid;

	if (should_fail_usercopy() || !user_read_access_begin(from, sizeof(*from)))
		return false;
	valid = get_outgoing(&out, &from->reply, &err) &
		get_incoming(&in, &from->request, NULL, &err);
	deadline = ipcshm_get_u64(&from->deadline, &err);
	clock = ipcshm_get_u32(&from->clock, &err);
	flags = ipcshm_get_u32(&from->flags, &err);
	user_read_access_end();
	if (unlikely(err || !valid || flags || !out.request_id ||
		     out.size >= qfile->queue->plain_bound ||
		     ipcshm_qfile_begin(file, FMODE_READ, deadline, clock, false, &timeout)) ||
	    timeout.nonblock)
		return false;
	ipcshm_fast_prepare_sleep(&asleep, &in);
	asleep.receiver.process = ipcshm_process_find(&qfile->processes);
	if (!send_reply(qfile, &out, &asleep, from))
		return false;
	*result = ipcshm_fast_sleep(qfile, &asleep, &timeout, &from->request);
	return true;
}
