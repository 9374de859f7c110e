// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast path of messages. A message takes it if all of this holds:
 *
 * - the message is plain: a payload of at most IPCSHM_SMALL_MAX bytes in one piece, without
 *   descriptors, not in a pool: get_outgoing(), get_incoming(), @plain;
 * - the queue is calm: no task polls or is blocked: is_calm();
 * - a sender finds room, or a sleeping receiver, and no receiver filters by type: can_send(),
 *   ipcshm_fast_hand_over();
 *   a receiver finds a message, or goes to sleep at an empty queue: is_quiet(), can_sleep();
 * - the queue has a spare message, and the sender's quota allows the charge: load_spare();
 * - access to the caller's memory does not fault;
 * - the tracepoint is off.
 *
 * All other messages take the general path. Each function here does all or nothing, and reads the
 * caller's structure itself, as the general path does afterwards.
 *
 * User memory is accessed with the queue's lock held, as futex(2) does under the lock of its hash
 * bucket: with page faults disabled, a fault does not sleep but ends the copy with an error, and
 * the message takes the general path. In one critical section, at most IPCSHM_ROW messages are
 * copied, and at most ROW_BYTES and one more message. A message is copied from or to its place in
 * the queue, so a failed delivery leaves it there, and one critical section is enough. Calls are in
 * queue_fast_call.c, messages that are to be acknowledged in queue_fast_lease.c.
 */
#include <linux/ktime.h>
#include <linux/uaccess.h>

#include "ioctl.h"
#include "queue_fast.h"

/* Sending. */

static __always_inline void add_messages(struct ipcshm_queue *queue, u32 count, u64 bytes)
{
	queue->sent += count;
	queue->messages += count;
	queue->bytes += bytes;
	if (queue->peak_messages < queue->messages)
		queue->peak_messages = queue->messages;
	if (queue->peak_bytes < queue->bytes)
		queue->peak_bytes = queue->bytes;
}

/**
 * ipcshm_fast_hand_over - send a message to a sleeping receiver
 * @qfile: the sender's queue file
 * @out: the message
 * @sender: identity of the sender
 * @time: time of sending
 * @caller: the caller that waits for a reply, or NULL
 * @effects: collects the tasks to wake
 *
 * Called with the lock held and page faults disabled.
 *
 * Return: the message, which the receiver owns, or NULL if nothing was sent.
 */
struct ipcshm_msg *ipcshm_fast_hand_over(struct ipcshm_queue_file *qfile,
					 const struct outgoing *out,
					 const struct ipcshm_sender *sender, u64 time,
					 struct ipcshm_caller *caller,
					 struct queue_effects *effects)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_sleeper *sleeper = ipcshm_sleepers_first_of_any(&queue->receivers);
	struct queue_receiver *receiver;
	struct ipcshm_msg *msg;

	lockdep_assert_held(&queue->lock);
	if (!sleeper)
		return NULL;
	receiver = container_of(sleeper, struct queue_receiver, sleeper);
	if (receiver->criteria->ack)
		return NULL;
	msg = receiver->criteria->room >= out->size ? load_spare(queue, out) : NULL;
	if (!msg)
		return NULL;
	start_message(queue, msg, out, sender, qfile->payer, time);
	msg->charged = 0;
	msg->number = ++queue->number;
	if (caller) {
		msg->plain = false;
		msg->caller = caller;
		caller->request = msg;
		ipcshm_ring_add(&caller->link, &queue->calls);
		ipcshm_waits_add(&qfile->waits, &caller->waiter);
		queue->nr_calls++;
	}
	queue->sent++;
	ipcshm_queue_hand_over(queue, msg, receiver, effects);
	return msg;
}

static __always_inline bool send_outgoing(struct ipcshm_queue_file *qfile,
					  const struct outgoing *out)
{
	const struct ipcshm_sender sender = ipcshm_sender_current();
	struct ipcshm_queue *queue = qfile->queue;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	struct ipcshm_quotas *payer = NULL;
	struct ipcshm_msg *msg = NULL;
	u64 time;

	effects.wakeups.count = 0;
	effects.wakeups.sync = false;
	if (unlikely(out->size >= queue->plain_bound || trace_ipcshm_send_enabled()))
		return false;
	time = ktime_get_ns();
	spin_lock(&queue->lock);
	pagefault_disable();
	if (unlikely(!can_send(queue)))
		goto unlock;
	if (queue->receivers.count) {
		msg = ipcshm_fast_hand_over(qfile, out, &sender, time, NULL, &effects);
		goto unlock;
	}
	if (likely(message_fits(queue, out->size)))
		msg = load_spare(queue, out);
	if (msg && !queue->price) {
		payer = qfile->payer;
		if (unlikely(!ipcshm_quotas_try_charge(payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
						       ipcshm_msg_cost(out->size))))
			msg = NULL;
	}
	if (likely(msg)) {
		start_message(queue, msg, out, &sender, payer, time);
		msg->number = ++queue->number;
		ipcshm_backlog_add(&queue->queued, msg);
		add_messages(queue, 1, out->size);
	}
unlock:
	pagefault_enable();
	spin_unlock(&queue->lock);
	if (effects.wakeups.count)
		ipcshm_wakeups_run(&effects.wakeups);
	return msg;
}

/**
 * ipcshm_queue_write_fast - send a message of type 0 and priority 0 by the fast path
 * @qfile: the sender's queue file, which may send
 * @data: address of the payload
 * @size: its size
 *
 * Return: whether it has been sent.
 */
bool ipcshm_queue_write_fast(struct ipcshm_queue_file *qfile, u64 data, size_t size)
{
	const struct outgoing out = { .data = data, .size = size };

	return send_outgoing(qfile, &out);
}

/* The deadline does not matter, since the fast path never waits. */
static __always_inline bool send_transfer(struct ipcshm_queue_file *qfile,
					  const struct ipcshm_transfer_args __user *from)
{
	struct outgoing out IPCSHM_UNINITIALIZED;
	u32 clock, flags;
	u64 ack_timeout;
	int err = 0;
	bool valid;

	if (!(qfile->mode & FMODE_WRITE) || should_fail_usercopy() ||
	    !user_read_access_begin(from, sizeof(*from)))
		return false;
	valid = get_outgoing(&out, &from->message, &err);
	clock = ipcshm_get_u32(&from->clock, &err);
	flags = ipcshm_get_u32(&from->flags, &err);
	ack_timeout = ipcshm_get_u64(&from->ack_timeout, &err);
	user_read_access_end();
	return likely(!err && valid && !(out.request_id | ack_timeout) &&
		      clock <= CLOCK_MONOTONIC && !(flags & ~IPCSHM_DONTWAIT)) &&
	       likely(send_outgoing(qfile, &out));
}

/* Sending batches. */

/* Read structures. Return how many of them, from the first, may take the fast path. */
static u32 get_outgoing_row(const struct ipcshm_queue *queue, struct outgoing *row,
			    const struct ipcshm_message __user *from, u32 count)
{
	int err = 0;
	u32 i;

	if (should_fail_usercopy() || !user_read_access_begin(from, count * sizeof(*from)))
		return 0;
	for (i = 0; i < count; i++)
		if (!get_outgoing(&row[i], &from[i], &err) || row[i].request_id ||
		    row[i].size >= queue->plain_bound)
			break;
	user_read_access_end();
	return err ? 0 : i;
}

static u64 cost_of(const struct outgoing *row, u32 count)
{
	u64 cost = 0;

	for (; count; count--)
		cost += ipcshm_msg_cost(row++->size);
	return cost;
}

/* Enqueue as many messages as spares and room allow. @bytes: set to their sizes' sum. */
static u32 enqueue_row(struct ipcshm_queue *queue, const struct outgoing *row, u32 count,
		       struct ipcshm_quotas *payer, u64 time, u64 *bytes)
{
	const struct ipcshm_sender sender = ipcshm_sender_current();
	u64 room = queue->max_bytes - queue->bytes, number = queue->number, sum = 0;
	struct ipcshm_msg *msg;
	u32 i;

	lockdep_assert_held(&queue->lock);
	for (i = 0; i < count; i++, row++) {
		if (unlikely(row->size > room - sum || sum > ROW_BYTES))
			break;
		msg = load_spare(queue, row);
		if (unlikely(!msg))
			break;
		start_message(queue, msg, row, &sender, payer, time);
		msg->number = ++number;
		ipcshm_backlog_add(&queue->queued, msg);
		sum += row->size;
	}
	queue->number = number;
	*bytes = sum;
	return i;
}

/* Charge all messages at once, and uncharge those that were not sent. */
static u32 send_outgoing_row(struct ipcshm_queue_file *qfile, const struct outgoing *row, u32 count)
{
	const enum ipcshm_quota_type quota = IPCSHM_QUOTA_TYPE_QUEUE_BYTES;
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_quotas *payer = queue->price ? NULL : qfile->payer;
	u64 bytes, cost = 0;
	u32 sent;

	lockdep_assert_held(&queue->lock);
	if (queue->messages >= queue->max_messages || queue->bytes > queue->max_bytes)
		return 0;
	count = min_t(u64, count, queue->max_messages - queue->messages);
	if (payer) {
		cost = cost_of(row, count);
		if (unlikely(!ipcshm_quotas_try_charge(payer, quota, cost)))
			return 0;
	}
	sent = enqueue_row(queue, row, count, payer, ktime_get_ns(), &bytes);
	if (payer && unlikely(sent < count))
		ipcshm_quotas_uncharge_locked(payer, quota, cost - cost_of(row, sent));
	add_messages(queue, sent, bytes);
	return sent;
}

/**
 * ipcshm_queue_send_row - send messages by the fast path
 * @qfile: the sender's queue file, which may send
 * @from: structures that describe the messages, not checked
 * @count: number of messages, at most IPCSHM_ROW
 *
 * Return: how many messages, from the first, were sent.
 */
u32 ipcshm_queue_send_row(struct ipcshm_queue_file *qfile,
			  const struct ipcshm_message __user *from, u32 count)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct outgoing row[IPCSHM_ROW] IPCSHM_UNINITIALIZED;
	u32 sent = 0;

	if (trace_ipcshm_send_enabled())
		return 0;
	count = get_outgoing_row(queue, row, from, count);
	if (!count)
		return 0;
	spin_lock(&queue->lock);
	pagefault_disable();
	if (likely(can_send(queue) && !queue->receivers.count))
		sent = send_outgoing_row(qfile, row, count);
	pagefault_enable();
	spin_unlock(&queue->lock);
	return sent;
}

/* Receiving. */

noinline void ipcshm_fast_free(struct ipcshm_msg *garbage)
{
	struct ipcshm_msg *msg;

	while ((msg = garbage)) {
		garbage = msg->next;
		ipcshm_msg_put(msg);
	}
}

/*
 * Receive one message to user memory. Return its size; -EAGAIN if the queue is empty; or -EBUSY if
 * the fast path cannot be taken.
 */
static __always_inline ssize_t receive_incoming(struct ipcshm_queue_file *qfile,
						const struct incoming *in,
						const struct ipcshm_view *view,
						struct ipcshm_message __user *to)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct leaving leaving IPCSHM_UNINITIALIZED;
	struct ipcshm_msg *msg;
	ssize_t size = -EBUSY;

	if (trace_ipcshm_receive_enabled())
		return -EBUSY;
	leaving.payer = NULL;
	leaving.garbage = NULL;
	spin_lock(&queue->lock);
	pagefault_disable();
	msg = likely(is_quiet(queue)) ? find_plain(queue, in) : NULL;
	if (likely(msg) &&
	    likely(ipcshm_slot_put(u64_to_user_ptr(in->data), msg->data, msg->size)) &&
	    likely(!to || ipcshm_msg_describe(msg, view, 0, 0, in->data, to))) {
		size = msg->size;
		ipcshm_backlog_remove(&queue->queued, msg);
		retire_message(queue, msg, &leaving);
		uncharge_run(&leaving);
		subtract_messages(queue, 1, size);
	} else if (!ipcshm_backlog_first(&queue->queued)) {
		size = -EAGAIN;
	}
	pagefault_enable();
	spin_unlock(&queue->lock);
	if (unlikely(leaving.garbage))
		ipcshm_fast_free(leaving.garbage);
	return size;
}

/**
 * ipcshm_queue_read_fast - receive the payload of any message by the fast path
 * @qfile: the receiver's queue file, which may receive
 * @data: address of room for the payload
 * @size: size of that room
 *
 * Return: the size of the message, or an error if none was received.
 */
ssize_t ipcshm_queue_read_fast(struct ipcshm_queue_file *qfile, u64 data, size_t size)
{
	const struct incoming in = { .data = data, .size = size };

	return receive_incoming(qfile, &in, NULL, NULL);
}

/* Prepare the receive buffer of the current task, which may have to sleep. */
void ipcshm_fast_prepare_sleep(struct asleep *asleep, const struct incoming *in)
{
	asleep->user = (struct ipcshm_message){
		.data = in->data,
		.size = in->size,
		.type = in->match.type,
		.flags = in->match.how,
		.fds = in->fds,
		.fd_count = in->fd_count,
	};
	/* Cannot fail for a payload in one piece. */
	ipcshm_rbuf_prepare(&asleep->rbuf, &asleep->user);
}

/* Sleep until a message arrives, and deliver it. Return the result of the ioctl. */
long ipcshm_fast_sleep(struct ipcshm_queue_file *qfile, struct asleep *asleep,
		       const struct ipcshm_timeout *timeout, struct ipcshm_message __user *to)
{
	struct ipcshm_receive_buffer *rbuf = &asleep->rbuf;
	int err = ipcshm_receiver_sleep(&asleep->receiver, rbuf, timeout);

	if (err == -EMSGSIZE)
		return ipcshm_rbuf_put_needed(rbuf, to);
	if (err)
		return err;
	err = ipcshm_rbuf_deliver(qfile, rbuf, to);
	if (err)
		ipcshm_rbuf_put_back(qfile, rbuf);
	ipcshm_rbuf_put(qfile, rbuf);
	return err;
}

/* Sleep if the queue is empty; return false if the fast path cannot be taken. */
static noinline bool receive_asleep(struct file *file, const struct incoming *in,
				    const struct ipcshm_timeout *timeout,
				    struct ipcshm_message __user *to, long *result)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct asleep asleep IPCSHM_UNINITIALIZED;
	bool may_sleep;

	ipcshm_fast_prepare_sleep(&asleep, in);
	asleep.receiver.process = ipcshm_process_find(&qfile->processes);
	spin_lock(&qfile->queue->lock);
	may_sleep = can_sleep(qfile->queue);
	if (likely(may_sleep))
		ipcshm_receiver_enter(qfile, &asleep.receiver, &asleep.rbuf.criteria);
	spin_unlock(&qfile->queue->lock);
	if (may_sleep)
		*result = ipcshm_fast_sleep(qfile, &asleep, timeout, to);
	return may_sleep;
}

static __always_inline bool receive_transfer(struct file *file,
					     struct ipcshm_transfer_args __user *from,
					     long *result)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct incoming in IPCSHM_UNINITIALIZED;
	struct ipcshm_timeout timeout;
	struct ipcshm_view view;
	u64 deadline, ack_id, ack_timeout;
	u32 clock, flags;
	int err = 0;
	ssize_t size;
	bool valid;

	if (!(qfile->mode & FMODE_READ) || should_fail_usercopy() ||
	    !user_read_access_begin(from, sizeof(*from)))
		return false;
	valid = get_incoming(&in, &from->message, &ack_id, &err);
	deadline = ipcshm_get_u64(&from->deadline, &err);
	clock = ipcshm_get_u32(&from->clock, &err);
	flags = ipcshm_get_u32(&from->flags, &err);
	ack_timeout = ipcshm_get_u64(&from->ack_timeout, &err);
	user_read_access_end();
	if (unlikely(err || !valid || clock > CLOCK_MONOTONIC))
		return false;
	*result = 0;
	if (unlikely(flags & ~IPCSHM_DONTWAIT))
		return !(flags & ~(IPCSHM_DONTWAIT | IPCSHM_ACK)) &&
		       ipcshm_fast_lease(qfile, &in, ack_id, ack_timeout, &from->message);
	if (unlikely(ack_id | ack_timeout))
		return false;
	view = ipcshm_view_current();
	size = receive_incoming(qfile, &in, &view, &from->message);
	if (likely(size >= 0))
		return true;
	return size == -EAGAIN &&
	       !ipcshm_qfile_begin(file, FMODE_READ, deadline, clock, flags, &timeout) &&
	       !timeout.nonblock && receive_asleep(file, &in, &timeout, &from->message, result);
}

/* Receiving batches. */

static u32 get_incoming_row(struct incoming *row, const struct ipcshm_message __user *from,
			    u32 count)
{
	int err = 0;
	u32 i;

	if (should_fail_usercopy() || !user_read_access_begin(from, count * sizeof(*from)))
		return 0;
	for (i = 0; i < count; i++)
		if (!get_incoming(&row[i], &from[i], NULL, &err))
			break;
	user_read_access_end();
	return err ? 0 : i;
}

/* Deliver messages and remove them from the queue. Return their number. */
static u32 receive_incoming_row(struct ipcshm_queue *queue, const struct incoming *row, u32 count,
				struct ipcshm_message __user *to, struct leaving *leaving)
{
	const struct ipcshm_view view = ipcshm_view_current();
	struct ipcshm_msg *msg;
	u64 bytes = 0;
	u32 i;

	lockdep_assert_held(&queue->lock);
	for (i = 0; i < count && bytes <= ROW_BYTES; i++, row++, to++) {
		msg = find_plain(queue, row);
		if (unlikely(!msg) || unlikely(!deliver_incoming(msg, row, &view, 0, to)))
			break;
		bytes += msg->size;
		ipcshm_backlog_remove(&queue->queued, msg);
		retire_message(queue, msg, leaving);
	}
	uncharge_run(leaving);
	subtract_messages(queue, i, bytes);
	return i;
}

/**
 * ipcshm_queue_receive_row - receive messages by the fast path
 * @qfile: the receiver's queue file, which may receive
 * @from: structures of the receiver, not checked; filled in
 * @count: number of structures, at most IPCSHM_ROW
 *
 * Return: how many structures, from the first, were filled in.
 */
u32 ipcshm_queue_receive_row(struct ipcshm_queue_file *qfile, struct ipcshm_message __user *from,
			     u32 count)
{
	struct incoming row[IPCSHM_ROW] IPCSHM_UNINITIALIZED;
	struct ipcshm_queue *queue = qfile->queue;
	struct leaving leaving = {};
	u32 received = 0;

	if (trace_ipcshm_receive_enabled())
		return 0;
	count = get_incoming_row(row, from, count);
	if (!count)
		return 0;
	spin_lock(&queue->lock);
	pagefault_disable();
	if (likely(is_quiet(queue)))
		received = receive_incoming_row(queue, row, count, from, &leaving);
	pagefault_enable();
	spin_unlock(&queue->lock);
	if (unlikely(leaving.garbage))
		ipcshm_fast_free(leaving.garbage);
	return received;
}

/* The most frequent ioctls try the fast path, then the general path, as all others do. */
long ipcshm_queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *from = (void __user *)arg;
	long result;

	if (likely(cmd == IPCSHM_IOC_QUEUE_SEND)) {
		if (likely(send_transfer(qfile_of(file), from)))
			return 0;
	} else if (likely(cmd == IPCSHM_IOC_QUEUE_RECEIVE)) {
		if (likely(receive_transfer(file, from, &result)))
			return result;
	} else if (cmd == IPCSHM_IOC_QUEUE_CALL) {
		if (likely(ipcshm_fast_call(file, from, &result)))
			return result;
	} else if (cmd == IPCSHM_IOC_QUEUE_REPLY_RECEIVE) {
		if (likely(ipcshm_fast_reply_receive(file, from, &result)))
			return result;
	}
	return ipcshm_queue_ioctl_slow(file, cmd, arg);
}
