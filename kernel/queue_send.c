// SPDX-License-Identifier: GPL-2.0-only
/* Sending: to a sleeping receiver, into the queue, or blocked until there is room or quota. */
#include <linux/sched/signal.h>

#include "quota.h"
#include "queue_internal.h"
#include "queue_lease.h"

static void receiver_expel(struct ipcshm_queue *queue, struct queue_receiver *receiver,
			   const struct ipcshm_msg *msg, struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	receiver->criteria->needed = msg->size;
	receiver_complete(queue, receiver, -EMSGSIZE, effects);
}

/*
 * Find the receiver of a message: the first in the order of arrival that accepts its type and
 * has room for it. Those before it that have too little room get EMSGSIZE, as they would from a
 * message that was there already; else one of them could keep a rendezvous from ever taking
 * place. -EBUSY if the lock has to be dropped before the search goes on.
 */
int ipcshm_queue_find_receiver(struct ipcshm_queue *queue, const struct ipcshm_msg *msg,
			       struct queue_receiver **found, struct queue_effects *effects)
{
	struct ipcshm_sleeper *sleeper;
	struct queue_receiver *receiver;

	lockdep_assert_held(&queue->lock);
	*found = NULL;
	while ((sleeper = ipcshm_sleepers_find(&queue->receivers, msg->type))) {
		receiver = container_of(sleeper, struct queue_receiver, sleeper);
		if (receiver->criteria->room >= msg->size) {
			*found = receiver;
			break;
		}
		if (effects_are_full(effects))
			return -EBUSY;
		receiver_expel(queue, receiver, msg, effects);
	}
	return 0;
}

void ipcshm_queue_hand_over(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			    struct queue_receiver *receiver, struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	mark_received(queue, msg, receiver->qfile, receiver->process);
	receiver->msg = msg;
	receiver_complete(queue, receiver, 0, effects);
}

/* Lease a message that the queue counts to a sleeping receiver. */
void ipcshm_queue_lease_to(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			   struct queue_receiver *receiver, struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	receiver->msg = ipcshm_lease_begin(queue, msg, receiver->process, receiver->criteria);
	receiver_complete(queue, receiver, 0, effects);
}

/**
 * ipcshm_queue_place - put an accepted and charged message into the queue
 * @queue: the queue
 * @msg: the message
 * @receiver: the sleeping receiver that accepts it, or NULL
 * @effects: collects the tasks to wake
 */
void ipcshm_queue_place(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct queue_receiver *receiver, struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	if (!receiver) {
		enqueue_message(queue, msg);
	} else if (is_leased_by(receiver, msg)) {
		count_queued(queue, msg);
		ipcshm_queue_lease_to(queue, msg, receiver, effects);
	} else {
		ipcshm_msg_uncharge(msg);
		ipcshm_queue_hand_over(queue, msg, receiver, effects);
	}
}

/* Return the oldest message of the lowest priority in the queue, or NULL. */
static struct ipcshm_msg *lowest_queued(const struct ipcshm_queue *queue)
{
	struct ipcshm_msg *msg = ipcshm_backlog_lowest(&queue->queued);
	struct ipcshm_msg *returned = ipcshm_backlog_lowest(&queue->returned);

	lockdep_assert_held(&queue->lock);
	/* Of equal messages, the one that came back is older. */
	return returned && (!msg || returned->priority <= msg->priority) ? returned : msg;
}

/*
 * Drops older messages of the same or a lower priority to make room.  -ENOBUFS if that
 * isn't enough; -EBUSY if the lock would be held for too long: many small messages for
 * a large one.
 */
static int make_room(struct ipcshm_queue *queue, const struct ipcshm_msg *msg,
		     struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	while (!message_fits(queue, msg->size)) {
		struct ipcshm_msg *victim = lowest_queued(queue);

		if (!victim || victim->priority > msg->priority || victim->number > msg->number)
			return -ENOBUFS;
		if (effects->dropped >= QUEUE_LOCK_BATCH)
			return -EBUSY;
		dequeue_message(queue, victim);
		ipcshm_queue_discard(queue, victim, -ENOBUFS, effects);
	}
	return 0;
}

static int check_send(const struct ipcshm_queue *queue, const struct ipcshm_msg *msg)
{
	lockdep_assert_held(&queue->lock);
	if (queue->revoked)
		return -EKEYREVOKED;
	return readers_are_gone(queue) && (queue->hangup || msg->caller) ? -EPIPE : 0;
}

/* Some message has to go: perhaps this one. */
static int make_room_or_refuse(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			       struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	if (queue->overflow != IPCSHM_OVERFLOW_DROP_OLDEST)
		return queue->overflow ? -ENOBUFS : -EAGAIN;
	/* By its first attempt: what comes while it makes room again and again isn't older. */
	if (!msg->number)
		msg->number = ++queue->number;
	return make_room(queue, msg, effects);
}

/*
 * Poll waits for queue bytes, as much as the largest message needs; it does not know of
 * descriptors.
 */
static int check_quota(const struct ipcshm_msg *msg)
{
	struct ipcshm_quota quota = ipcshm_quotas_read(msg->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES);

	return msg->nr_files || ipcshm_msg_cost(msg->size) > quota.max ? -EDQUOT : -EAGAIN;
}

/*
 * Returns 0 when the queue has @msg, or has dropped it; -EINPROGRESS when @sender
 * has to wait for that; -EAGAIN or -EDQUOT when it would have to, and there is no
 * @sender; -EBUSY when the lock has to be dropped before it goes on.
 */
int ipcshm_queue_offer(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		       struct ipcshm_waiter *sender, struct queue_effects *effects)
{
	struct queue_receiver *receiver;
	int err, full = 0;
	bool stays;

	lockdep_assert_held(&queue->lock);
	err = check_send(queue, msg) ?: ipcshm_queue_find_receiver(queue, msg, &receiver, effects);
	if (err)
		return err;
	stays = !receiver || is_leased_by(receiver, msg);
	if (stays && !has_room(queue, msg->size, msg->priority))
		full = make_room_or_refuse(queue, msg, effects);
	if (stays && !full && !charge_or_report(queue, msg))
		full = queue->overflow ? -ENOBUFS : -EDQUOT;
	if (full == -EBUSY || (full == -EAGAIN && !sender))
		return full;
	if (full == -EDQUOT && !sender)
		return check_quota(msg);
	msg->number = ++queue->number;
	queue->stalls += full == -EAGAIN || full == -EDQUOT;
	if (full == -EAGAIN) {
		ipcshm_queue_block(queue, msg, sender);
		return -EINPROGRESS;
	}
	if (full == -EDQUOT) {
		ipcshm_queue_starve(queue, msg, sender);
		sender->poked = true;
		return -EINPROGRESS;
	}
	queue->sent++;
	trace_sent(queue, msg);
	if (full)
		ipcshm_queue_discard(queue, msg, -ENOBUFS, effects);
	else
		ipcshm_queue_place(queue, msg, receiver, effects);
	return 0;
}

/* The sender gave up: unless its message has been taken, it gets it back. */
static int sender_leave(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct ipcshm_waiter *sender, int err)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;

	queue_lock(queue, &effects);
	if (sender->done) {
		err = sender->result;
	} else {
		ipcshm_queue_unblock(queue, msg);
		ipcshm_waits_remove(sender);
		admit_blocked(queue, &effects);
	}
	queue_unlock(queue, &effects, 0);
	return err;
}

/**
 * struct quota_wait - a blocked sender that waits for quota
 * @waiter: in the record that has no room
 * @sender: to be poked when that has
 */
struct quota_wait {
	struct ipcshm_quotas_waiter waiter;
	struct ipcshm_waiter *sender;
};

static void quota_wait_wake(struct ipcshm_quotas_waiter *waiter)
{
	struct ipcshm_waiter *sender = container_of(waiter, struct quota_wait, waiter)->sender;

	WRITE_ONCE(sender->poked, true);
	wake_up_process(sender->task);
}

/* Enqueue a starved message if there is quota, or block it if there is no longer room. */
static bool try_charge_starved(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			       struct shortage *shortage, struct queue_effects *effects)
{
	struct ipcshm_waiter *sender = msg->sender;
	struct queue_receiver *receiver;

	lockdep_assert_held(&queue->lock);
	if (ipcshm_queue_find_receiver(queue, msg, &receiver, effects)) {
		WRITE_ONCE(sender->poked, true);	/* again, when the lock was dropped */
		return true;
	}
	if (!has_room(queue, msg->size, msg->priority)) {
		ipcshm_queue_unblock(queue, msg);
		ipcshm_queue_block(queue, msg, sender);
		return true;
	}
	if (!charge_payer(queue, msg, shortage))
		return false;
	ipcshm_queue_accept(queue, msg, effects);
	ipcshm_queue_place(queue, msg, receiver, effects);
	return true;
}

/*
 * The sender was poked: if its message is starved, it tries to charge it, and else waits
 * for quota.  Returns 0 if it has to sleep on, or to look whether it is done; -EDQUOT if
 * there will never be so much.
 */
static int retry_charge(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct quota_wait *quota_wait)
{
	struct ipcshm_quotas *payer = NULL;
	struct shortage shortage;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	int err;

	queue_lock(queue, &effects);
	if (!quota_wait->sender->done && msg->starved &&
	    !try_charge_starved(queue, msg, &shortage, &effects))
		payer = msg->payer;
	queue_unlock(queue, &effects, READABLE);
	if (!payer)
		return 0;
	err = ipcshm_quotas_wait(payer, shortage.quota, shortage.amount, &quota_wait->waiter);
	if (err != -EAGAIN)
		return err;
	cond_resched();
	WRITE_ONCE(quota_wait->sender->poked, true);
	return 0;
}

/* Sleeps until the queue has the message, which is blocked or starved. */
static int sender_sleep(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct ipcshm_waiter *sender, const struct ipcshm_timeout *timeout)
{
	struct quota_wait quota_wait = { .sender = sender };
	int err;

	ipcshm_quotas_waiter_init(&quota_wait.waiter, quota_wait_wake);
	do {
		err = ipcshm_waiter_sleep(sender, timeout);
		if (err != -EAGAIN)
			break;
		err = retry_charge(queue, msg, &quota_wait);
	} while (!err);
	err = err ? sender_leave(queue, msg, sender, err) : sender->result;
	ipcshm_quotas_unwait(&quota_wait.waiter);
	return err;
}

/* Send until a message would block, then wait with that one, if it may. */
static int send_some(struct ipcshm_queue_file *qfile, struct ipcshm_msg *const *msgs, u32 count,
		     u32 *sent, const struct ipcshm_timeout *timeout)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_waiter sender;
	struct ipcshm_msg *msg;
	u32 before = *sent;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	int err = 0;

	ipcshm_waiter_init(&sender);
	queue_lock(queue, &effects);
	while (*sent < count && !err) {
		msg = msgs[*sent];
		err = ipcshm_queue_offer(queue, msg, timeout->nonblock ? NULL : &sender, &effects);
		if (!err)
			++*sent;
	}
	if (err == -EINPROGRESS)
		ipcshm_waits_add(&qfile->waits, &sender);
	queue_unlock(queue, &effects, *sent > before || err == -EINPROGRESS ? READABLE : 0);
	if (err != -EINPROGRESS)
		return err;
	err = sender_sleep(queue, msg, &sender, timeout);
	if (!err)
		++*sent;
	return err;
}

/**
 * ipcshm_queue_send - send messages
 * @qfile: through which descriptor
 * @msgs: the messages
 * @count: how many
 * @timeout: how long to wait for room
 *
 * Return: how many the queue has accepted, the first ones, which are the caller's
 * no more, the others still are; if none, an error.
 */
int ipcshm_queue_send(struct ipcshm_queue_file *qfile, struct ipcshm_msg *const *msgs, u32 count,
		      const struct ipcshm_timeout *timeout)
{
	u32 sent = 0;
	int err;

	do
		err = send_some(qfile, msgs, count, &sent, timeout);
	while ((!err || should_retry(err)) && sent < count);
	return sent ?: err;
}
