// SPDX-License-Identifier: GPL-2.0-only
/* Receiving: a message that is there, or one that a sender hands over; putting it back. */
#include <linux/sched/signal.h>

#include "queue_internal.h"
#include "queue_lease.h"

static struct ipcshm_msg *find_message(const struct ipcshm_queue *queue,
				       const struct ipcshm_match *match)
{
	lockdep_assert_held(&queue->lock);
	return find_queued(queue, match) ?:
	       ipcshm_backlog_find(&queue->blocked, match) ?:
	       ipcshm_backlog_find(&queue->starved, match);
}

static int check_receive(const struct ipcshm_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (queue->revoked)
		return -EKEYREVOKED;
	return queue->hangup && writers_are_gone(queue) ? -EPIPE : -EAGAIN;
}

/* Return why a receiver cannot lease @msg, the message of a blocked sender. */
static int check_blocked(const struct ipcshm_msg *msg)
{
	/* Else poll, which reports the message, would be wrong for ever. */
	return msg->starved ? -EDQUOT : -EAGAIN;
}

/* Lease @msg, the next message, to @process. A blocked message is leased once there is room. */
static int lease_message(struct ipcshm_queue *queue, struct ipcshm_receive_buffer *rbuf,
			 struct ipcshm_process *process, struct ipcshm_msg *msg)
{
	struct ipcshm_criteria *criteria = &rbuf->criteria;

	lockdep_assert_held(&queue->lock);
	if (msg->sender)
		return check_blocked(msg);
	criteria->needed = msg->size;
	if (msg->size > criteria->room)
		return -EMSGSIZE;
	unlink_queued(queue, msg);
	rbuf->msg = ipcshm_lease_begin(queue, msg, process, criteria);
	return 0;
}

/*
 * Takes the next message for @rbuf: 0; -EAGAIN, -EPIPE or -EKEYREVOKED if there is
 * none; -EMSGSIZE.
 */
static int take_message(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
			struct ipcshm_process *process, struct queue_effects *effects)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_msg *msg = find_message(queue, &rbuf->criteria.match);

	lockdep_assert_held(&queue->lock);
	if (!msg)
		return check_receive(queue);
	if (rbuf->criteria.ack && !msg->caller)
		return lease_message(queue, rbuf, process, msg);
	rbuf->criteria.needed = msg->size;
	if (msg->size > rbuf->criteria.room)
		return -EMSGSIZE;
	if (msg->sender)
		ipcshm_queue_accept(queue, msg, effects);
	else
		dequeue_message(queue, msg);
	/* Even if it was blocked: one that would have fit may have been behind it. */
	admit_blocked(queue, effects);
	mark_received(queue, msg, qfile, process);
	rbuf->msg = msg;
	return 0;
}

/* Add the current task, which is about to sleep; @receiver->process is set. */
void ipcshm_receiver_enter(struct ipcshm_queue_file *qfile, struct queue_receiver *receiver,
			   struct ipcshm_criteria *criteria)
{
	lockdep_assert_held(&qfile->queue->lock);
	receiver->criteria = criteria;
	receiver->qfile = qfile;
	receiver->msg = NULL;
	ipcshm_waiter_init(&receiver->waiter);
	ipcshm_waits_add(&qfile->waits, &receiver->waiter);
	ipcshm_sleepers_add(&qfile->queue->receivers, &receiver->sleeper, &criteria->match);
}

/* The receiver gave up: @err, unless it was completed in the meantime. */
static int receiver_leave(struct ipcshm_queue *queue, struct queue_receiver *receiver, int err)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;

	queue_lock(queue, &effects);
	if (receiver->waiter.done) {
		err = receiver->waiter.result;
	} else {
		ipcshm_sleepers_remove(&queue->receivers, &receiver->sleeper);
		ipcshm_waits_remove(&receiver->waiter);
	}
	queue_unlock(queue, &effects, 0);
	return err;
}

static int receiver_sleep(struct queue_receiver *receiver, struct ipcshm_receive_buffer *rbuf,
			  const struct ipcshm_timeout *timeout)
{
	int err = ipcshm_waiter_sleep(&receiver->waiter, timeout);

	err = err ? receiver_leave(receiver->qfile->queue, receiver, err) : receiver->waiter.result;
	if (err)
		return err;
	rbuf->msg = receiver->msg;
	/* A message for a task that is being killed is better kept for another. */
	if (fatal_signal_pending(current)) {
		ipcshm_rbuf_put_back(receiver->qfile, rbuf);
		return -EINTR;
	}
	return 0;
}

/* Receive queued messages, or wait for one if there are none. */
static int receive_some(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbufs,
			u32 count, u32 *got, struct ipcshm_process *process,
			const struct ipcshm_timeout *timeout)
{
	struct queue_receiver receiver IPCSHM_UNINITIALIZED;
	__poll_t fresh = 0;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	int err = 0;

	queue_lock(qfile->queue, &effects);
	while (*got < count && !err) {
		err = take_message(qfile, &rbufs[*got], process, &effects);
		if (!err)
			++*got;
	}
	if ((err == -EAGAIN || err == -EDQUOT) && !*got && !timeout->nonblock) {
		receiver.process = process;
		ipcshm_receiver_enter(qfile, &receiver, &rbufs->criteria);
		/* It may want a message that the present sleepers do not. */
		fresh = is_rendezvous(qfile->queue) ? WRITABLE : 0;
		err = -EINPROGRESS;
	}
	queue_unlock(qfile->queue, &effects, fresh);
	if (err != -EINPROGRESS)
		return err;
	err = receiver_sleep(&receiver, rbufs, timeout);
	if (!err)
		++*got;
	return err;
}

/* The call is its caller's, and ends, when the process that has received it exits. */
static void call_adopt(struct ipcshm_queue_file *qfile, u64 request_id,
		       struct ipcshm_process *process)
{
	struct ipcshm_caller *call;

	spin_lock(&qfile->queue->lock);
	call = ipcshm_call_find(qfile, request_id);
	if (call)
		list_add_tail(&call->by_process, &process->calls);
	spin_unlock(&qfile->queue->lock);
}

/*
 * The first calls that a process receives: it is registered now, without the lock. Returns how
 * many messages are left; if registering fails, the calls and what follows them are put back.
 */
static int calls_adopt(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbufs,
		       int count)
{
	struct ipcshm_process *process;
	int i, kept;

	for (kept = 0; kept < count; kept++) {
		if (!rbufs[kept].msg->request_id)
			continue;
		process = ipcshm_process_get(&qfile->processes);
		if (IS_ERR(process))
			break;
		call_adopt(qfile, rbufs[kept].msg->request_id, process);
	}
	for (i = count; i > kept; i--) {
		ipcshm_queue_put_back(qfile, rbufs[i - 1].msg);
		rbufs[i - 1].msg = NULL;
	}
	return kept ?: -ENOMEM;
}

/**
 * ipcshm_receiver_sleep - sleep until there is a message
 * @receiver: the receiver, in the queue
 * @rbuf: receives the message
 * @timeout: when to give up
 *
 * Return: 0, or an error as ipcshm_queue_receive().
 */
int ipcshm_receiver_sleep(struct queue_receiver *receiver, struct ipcshm_receive_buffer *rbuf,
			  const struct ipcshm_timeout *timeout)
{
	int err = receiver_sleep(receiver, rbuf, timeout);

	if (!err && rbuf->msg->request_id && !receiver->process)
		err = min(calls_adopt(receiver->qfile, rbuf, 1), 0);
	return err;
}

/* Return the current process, which must be registered for a lease; or NULL, or an error. */
static struct ipcshm_process *receiving_process(struct ipcshm_queue_file *qfile,
						const struct ipcshm_criteria *criteria)
{
	struct ipcshm_process *process;
	int err;

	if (!criteria->ack)
		return ipcshm_process_find(&qfile->processes);
	if (is_rendezvous(qfile->queue))
		return ERR_PTR(-EOPNOTSUPP);
	process = ipcshm_process_get(&qfile->processes);
	err = IS_ERR(process) ? 0 : ipcshm_leases_prepare(process);
	return err ? ERR_PTR(err) : process;
}

/**
 * ipcshm_queue_receive - receive messages
 * @qfile: the descriptor
 * @rbufs: criteria and room for each message; filled in
 * @count: how many
 * @timeout: how long to wait for the first one
 *
 * Return: how many there are, in the first receive buffers, who have them; each is to be
 * put, or put back, the last one first.  If none, an error: -EMSGSIZE,
 * -EAGAIN, -ETIMEDOUT, -ERESTARTSYS, -EINTR, -ECANCELED, -EPIPE, -EKEYREVOKED, -ENOMEM,
 * -EOPNOTSUPP.
 */
int ipcshm_queue_receive(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbufs,
			 u32 count, const struct ipcshm_timeout *timeout)
{
	struct ipcshm_process *process = receiving_process(qfile, &rbufs->criteria);
	u32 got = 0;
	int err;

	if (IS_ERR(process))
		return PTR_ERR(process);
	err = receive_some(qfile, rbufs, count, &got, process, timeout);
	/* It may have slept for the first one: others can have come with that. */
	if (!err && got < count)
		receive_some(qfile, rbufs, count, &got, process, timeout);
	if (got && !process)
		return calls_adopt(qfile, rbufs, got);
	return got ?: err;
}

/* The message that is next, with a reference; it stays where it is. */
int ipcshm_queue_peek(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_msg *msg;
	int err = 0;

	spin_lock(&queue->lock);
	msg = find_message(queue, &rbuf->criteria.match);
	if (!msg)
		err = check_receive(queue);
	else if (msg->size > rbuf->criteria.room)
		err = -EMSGSIZE;
	else
		rbuf->msg = ipcshm_msg_get(msg);
	if (msg)
		rbuf->criteria.needed = msg->size;
	spin_unlock(&queue->lock);
	return err;
}

/*
 * The charge of its sender, or of its room in a bounded queue, is gone: the receiver
 * pays, unless there is room.
 */
static void put_back_charge(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			    struct ipcshm_quotas *payer)
{
	lockdep_assert_held(&queue->lock);
	if (msg->caller)
		return;
	if (is_bounded(queue) && message_fits(queue, msg->size))
		ipcshm_msg_charge_files_force(msg, payer);
	else
		ipcshm_msg_charge_force(msg, payer);
}

/* @qfile: the one that received a request, or NULL */
static int put_back_once(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct ipcshm_queue_file *qfile, struct ipcshm_quotas *payer,
			 struct queue_effects *effects)
{
	struct queue_receiver *receiver;
	int err;

	lockdep_assert_held(&queue->lock);
	err = ipcshm_queue_find_receiver(queue, msg, &receiver, effects);
	if (err)
		return err;
	msg->sender = NULL;
	queue->received--;
	if (queue->revoked || (msg->request_id && !ipcshm_call_rewind(qfile, msg))) {
		ipcshm_queue_discard(queue, msg, -EKEYREVOKED, effects);
	} else if (receiver && !is_leased_by(receiver, msg)) {
		ipcshm_queue_hand_over(queue, msg, receiver, effects);
	} else {
		put_back_charge(queue, msg, payer);
		count_queued(queue, msg);
		ipcshm_queue_take_back(queue, msg, receiver, effects);
	}
	return 0;
}

/*
 * A message that was taken and can't be delivered goes back to its place.  It may
 * exceed the capacity: it was accepted, and isn't to be lost, unless the queue has no
 * possible receiver left.
 */
static void put_back(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		     struct ipcshm_queue_file *qfile, struct ipcshm_quotas *payer)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	int err;

	ipcshm_msg_uncharge(msg);
	do {
		queue_lock(queue, &effects);
		err = put_back_once(queue, msg, qfile, payer, &effects);
		queue_unlock(queue, &effects, READABLE);
		cond_resched();
	} while (err);
}

void ipcshm_queue_put_back(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg)
{
	put_back(qfile->queue, msg, qfile, qfile->payer);
}

/* As ipcshm_queue_put_back(), but for a message that no descriptor received, not a request. */
void ipcshm_queue_return(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct ipcshm_quotas *payer)
{
	put_back(queue, msg, NULL, payer);
}
