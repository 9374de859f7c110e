// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: the way of a message from sender to receiver.
 *
 *   sender ---------------------------------> receiver	one is asleep: handed over
 *   sender --> queued ----------------------> receiver	there is room
 *   sender --> blocked --> queued ----------> receiver	it is full: the sender sleeps
 *   sender --> blocked ---------------------> receiver	a rendezvous has no room at all
 *   sender --> starved --> queued ----------> receiver	there is no quota: the sender sleeps
 *
 * Always true when the lock is free: no receiver is asleep that wants a message
 * which is queued, blocked or starved; if a sender is blocked, the first of the
 * blocked messages has no room.
 *
 * The creator of a bounded queue has paid for all that fits in it.  What an unbounded
 * queue keeps is charged to its senders.  What a sleeping task keeps, a blocked message
 * or a request whose caller waits, is charged to nobody.
 *
 * Nothing here touches user memory, and nothing that has the lock sleeps.
 */
#include <linux/rbtree.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "gfp.h"
#include "quota.h"
#include "queue.h"
#include "trace.h"

/**
 * struct queue_receiver - a receiver that sleeps
 * @waiter: completed when it has a message, or never will
 * @sleeper: in the queue's receivers, until then; protected by the queue's lock
 * @criteria: what it asks for
 * @qfile: through which descriptor; immutable
 * @process: the process, if it is registered there; immutable
 * @msg: the message; written before completion, read after
 */
struct queue_receiver {
	struct ipcshm_waiter waiter;
	struct ipcshm_sleeper sleeper;
	struct ipcshm_criteria *criteria;
	struct ipcshm_queue_file *qfile;
	struct ipcshm_process *process;
	struct ipcshm_msg *msg;
};

/**
 * struct ipcshm_caller - a caller that waits for a reply
 * @waiter: completed when it has one, or never will; without a task, it is interrupted
 * @link: in the queue's calls, until then; protected by the queue's lock
 * @request: the request, until it is received; likewise
 * @qfile: the one that has received it, from then on; likewise
 * @by_request_id: in that one's calls, likewise
 * @request_id: what it is replied to with, likewise
 * @by_process: in the calls of the process that has received it, likewise
 * @criteria: how much room there is for the reply
 * @reply: the reply; written before completion, read after
 * @stays: it was interrupted: a reply without room is kept
 */
struct ipcshm_caller {
	struct ipcshm_waiter waiter;
	struct list_head link;
	struct ipcshm_msg *request;
	struct ipcshm_queue_file *qfile;
	struct rb_node by_request_id;
	u64 request_id;
	struct list_head by_process;
	struct ipcshm_criteria *criteria;
	struct ipcshm_msg *reply;
	bool stays;
};

/**
 * struct interrupted_call - a call whose request was received and whose caller was interrupted
 * @call: the call, moved here from the caller's stack
 * @criteria: of @call
 * @payer: of the caller's descriptor, which a reply is charged to while it is kept
 * @process: the caller; NULL: it has given the call up; protected by the queue's lock
 * @by_id: in the interrupted calls of @process
 * @id: what it is resumed by: its request_id when it was interrupted
 * @timeout: when it ends, of the task that waited last
 * @busy: a task waits for it, and frees it; protected by the queue's lock
 */
struct interrupted_call {
	struct ipcshm_caller call;
	struct ipcshm_criteria criteria;
	struct ipcshm_quotas *payer;
	struct ipcshm_process *process;
	struct rb_node by_id;
	u64 id;
	struct ipcshm_timeout timeout;
	bool busy;
};

/**
 * struct queue_effects - what a change entails, to be done when the lock has been dropped
 * @wakeups: whom to wake
 * @were: what pollers may know already
 * @dropped: how many messages were, that listeners are to be told of
 * @admitted: how many blocked messages were
 * @unsettled: more blocked messages have to be admitted than should be at a time
 * @garbage: messages to be freed, by @by_priority.equals
 */
struct queue_effects {
	struct ipcshm_wakeups wakeups;
	__poll_t were;
	u32 dropped;
	u32 admitted;
	bool unsettled;
	struct list_head garbage;
};

/* The most messages that are admitted, or discarded, while the lock is held once. */
#define BATCH 64

static bool effects_are_full(const struct queue_effects *effects)
{
	return effects->wakeups.count == IPCSHM_WAKEUPS_MAX || effects->admitted == BATCH;
}

/* Room, and what poll has to say. */

static bool message_fits(const struct ipcshm_queue *queue, size_t size)
{
	return queue->messages < queue->max_messages && queue->bytes <= queue->max_bytes &&
	       size <= queue->max_bytes - queue->bytes;
}

/* Whether a new message can go in now: not past a blocked one of its priority. */
static bool has_room(const struct ipcshm_queue *queue, size_t size, u32 priority)
{
	const struct ipcshm_msg *first = ipcshm_backlog_first(&queue->blocked);

	return message_fits(queue, size) && (!first || first->priority < priority);
}

static bool is_readable(const struct ipcshm_queue *queue)
{
	return ipcshm_backlog_first(&queue->queued) || ipcshm_backlog_first(&queue->blocked) ||
	       ipcshm_backlog_first(&queue->starved);
}

static bool is_rendezvous(const struct ipcshm_queue *queue)
{
	return !queue->max_messages;
}

/*
 * A message of any size, priority and type can be sent.  Receivers who sleep say
 * nothing of that, since they may want another type, but at a rendezvous.
 */
static bool is_writable(const struct ipcshm_queue *queue)
{
	if (is_rendezvous(queue) && queue->receivers.count)
		return true;
	return queue->overflow || has_room(queue, queue->max_message_size, 0);
}

static bool readers_are_gone(const struct ipcshm_queue *queue)
{
	return queue->had_reader && !queue->readers;
}

static bool writers_are_gone(const struct ipcshm_queue *queue)
{
	return queue->had_writer && !queue->writers;
}

#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM)

/* What a descriptor with both rights would be told. */
static __poll_t compute_events(const struct ipcshm_queue *queue)
{
	__poll_t events = 0;

	if (queue->revoked)
		return EPOLLERR | EPOLLHUP;
	if (is_readable(queue))
		events |= READABLE;
	if (is_writable(queue))
		events |= WRITABLE;
	if (queue->hangup && writers_are_gone(queue))
		events |= READABLE | EPOLLRDHUP | EPOLLHUP;
	if (queue->hangup && readers_are_gone(queue))
		events |= WRITABLE | EPOLLERR;
	return events;
}

__poll_t ipcshm_queue_events(struct ipcshm_queue *queue, fmode_t mode)
{
	__poll_t now;
	bool revoked;

	spin_lock(&queue->lock);
	now = compute_events(queue);
	revoked = queue->revoked;
	spin_unlock(&queue->lock);
	if (revoked)
		return now;
	if (!(mode & FMODE_READ))
		now &= ~(READABLE | EPOLLRDHUP | EPOLLHUP);
	if (!(mode & FMODE_WRITE))
		now &= ~(WRITABLE | EPOLLERR);
	return now;
}

/*
 * A poller puts itself on @pollers before it takes the lock to look.  So one
 * that isn't there at either end of a change will see it; no barrier is needed.
 */
static inline void queue_lock(struct ipcshm_queue *queue, struct queue_effects *effects)
{
	spin_lock(&queue->lock);
	effects->wakeups.count = 0;
	effects->wakeups.sync = false;
	effects->dropped = 0;
	effects->admitted = 0;
	effects->unsettled = false;
	INIT_LIST_HEAD(&effects->garbage);
	/* Without a barrier: the lock orders it, as said. */
	effects->were = ipcshm_pollers_exist(&queue->pollers) ? compute_events(queue) : 0;
}

static void notify_drops(const struct ipcshm_queue *queue, u32 messages)
{
	struct ipcshm_notification event = { .type = IPCSHM_NOTIFY_TYPE_DROP, .messages = messages };

	ipcshm_object_tell(&queue->object, event);
}

static void settle_queue(struct ipcshm_queue *queue);

/* Pollers are told of what is new, and of each message: @fresh. */
static inline void queue_unlock_unsettled(struct ipcshm_queue *queue, struct queue_effects *effects,
					  __poll_t fresh)
{
	struct ipcshm_msg *msg, *next;
	__poll_t due = 0;

	/* Likewise. */
	if (ipcshm_pollers_exist(&queue->pollers))
		due = compute_events(queue) & (fresh | ~effects->were);
	spin_unlock(&queue->lock);
	if (effects->wakeups.count)
		ipcshm_wakeups_run(&effects->wakeups);
	if (due)
		ipcshm_pollers_wake(&queue->pollers, due);
	if (effects->dropped)
		notify_drops(queue, effects->dropped);
	list_for_each_entry_safe(msg, next, &effects->garbage, by_priority.equals) {
		ipcshm_msg_put(msg);
		cond_resched();
	}
}

static inline void queue_unlock(struct ipcshm_queue *queue, struct queue_effects *effects,
				__poll_t fresh)
{
	queue_unlock_unsettled(queue, effects, fresh);
	if (effects->unsettled)
		settle_queue(queue);
}

/* Who pays, all under the queue's lock. */

/* What a capacity costs: as much as messages can be in it, or 0 if that is unbounded. */
u64 ipcshm_queue_price(u64 max_messages, u64 max_bytes, u64 max_message_size)
{
	u64 bytes = ipcshm_mul(max_messages, max_message_size);
	u64 records = ipcshm_mul(max_messages, ipcshm_msg_cost(0));

	if (max_messages == IPCSHM_UNBOUNDED || max_bytes == IPCSHM_UNBOUNDED)
		return 0;
	if (check_add_overflow(min(bytes, max_bytes), records, &bytes))
		return U64_MAX;
	return bytes;
}

/* Whether its creator has paid for what is in it. */
static bool is_bounded(const struct ipcshm_queue *queue)
{
	return READ_ONCE(queue->max_messages) != IPCSHM_UNBOUNDED &&
	       READ_ONCE(queue->max_bytes) != IPCSHM_UNBOUNDED;
}

/* Whether a send may have to wait for quota: then poll does so, too. */
bool ipcshm_queue_needs_quota(const struct ipcshm_queue *queue)
{
	return !is_bounded(queue) && !queue->overflow;
}

/* The creator gets back what is paid too much, at last. */
static void refund_creator(struct ipcshm_queue *queue)
{
	u64 need = max(queue->price, queue->bytes + queue->messages * ipcshm_msg_cost(0));

	if (need >= queue->charged)
		return;
	ipcshm_quotas_uncharge(queue->object.payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
			       queue->charged - need);
	queue->charged = need;
}

/**
 * struct shortage - why a message can't be charged
 * @quota: which is used up
 * @amount: how much of it the message needs
 */
struct shortage {
	enum ipcshm_quota_type quota;
	u64 amount;
};

/* The queue wants to keep @msg.  False if its payer's quota is used up. */
static bool charge_payer(const struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct shortage *shortage)
{
	u8 what = (is_bounded(queue) ? 0 : IPCSHM_CHARGED_BYTES) |
		  (msg->nr_files ? IPCSHM_CHARGED_FILES : 0);

	if (!what || msg->caller)
		return true;
	/* Most messages have no descriptors. */
	if (likely(what == IPCSHM_CHARGED_BYTES) &&
	    likely(ipcshm_quotas_try_charge(msg->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
					    ipcshm_msg_cost(msg->size)))) {
		msg->charged = what;
		return true;
	}
	return ipcshm_msg_charge(msg, what, &shortage->quota, &shortage->amount);
}

/* As charge_payer(), and a refusal is reported. */
static bool charge_or_report(const struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	struct shortage shortage;

	if (likely(charge_payer(queue, msg, &shortage)))
		return true;
	ipcshm_quotas_report(msg->payer, shortage.quota, shortage.amount);
	return false;
}

/* The moves of a message, all under the queue's lock. */

static void enqueue_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg, bool front)
{
	if (front)
		ipcshm_backlog_add_front(&queue->queued, msg);
	else
		ipcshm_backlog_add(&queue->queued, msg);
	queue->messages++;
	queue->bytes += msg->size;
	queue->peak_messages = max(queue->peak_messages, queue->messages);
	queue->peak_bytes = max(queue->peak_bytes, queue->bytes);
}

static void dequeue_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	ipcshm_backlog_remove(&queue->queued, msg);
	queue->messages--;
	queue->bytes -= msg->size;
	ipcshm_msg_uncharge(msg);
	if (unlikely(queue->charged > queue->price))
		refund_creator(queue);
}

static void block_sender(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct ipcshm_waiter *sender)
{
	msg->sender = sender;
	msg->starved = false;
	ipcshm_backlog_add(&queue->blocked, msg);
	queue->nr_senders++;
}

/* As block_sender(), for quota; the sender looks after that itself. */
static void starve_sender(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			  struct ipcshm_waiter *sender)
{
	msg->sender = sender;
	msg->starved = true;
	ipcshm_backlog_add(&queue->starved, msg);
	queue->nr_senders++;
}

static void unblock_sender(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	ipcshm_backlog_remove(msg->starved ? &queue->starved : &queue->blocked, msg);
	queue->nr_senders--;
	msg->sender = NULL;
}

/* The message of a blocked sender is accepted.  A caller goes on waiting, for the reply. */
static void accept_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			   struct queue_effects *effects)
{
	struct ipcshm_waiter *sender = msg->sender;

	unblock_sender(queue, msg);
	queue->sent++;
	trace_ipcshm_send(queue, msg);
	if (!msg->caller)
		ipcshm_waiter_complete(sender, 0, &effects->wakeups);
}

/* There may be room again. */
static void admit_blocked(struct ipcshm_queue *queue, struct queue_effects *effects)
{
	struct ipcshm_msg *msg;

	while ((msg = ipcshm_backlog_first(&queue->blocked)) && message_fits(queue, msg->size)) {
		effects->unsettled = effects_are_full(effects);
		if (effects->unsettled)
			break;
		effects->admitted++;
		if (charge_or_report(queue, msg)) {
			accept_message(queue, msg, effects);
			enqueue_message(queue, msg, false);
		} else {
			struct ipcshm_waiter *sender = msg->sender;

			unblock_sender(queue, msg);
			starve_sender(queue, msg, sender);
			ipcshm_waiter_poke(sender, &effects->wakeups);
		}
	}
}

/* Calls, all under the queue's lock. */

/* The call is no longer its queue file's. */
static void call_unbind(struct ipcshm_caller *call)
{
	if (!call->qfile)
		return;
	rb_erase(&call->by_request_id, &call->qfile->calls);
	WRITE_ONCE(call->qfile->nr_calls, call->qfile->nr_calls - 1);
	list_del_init(&call->by_process);
	call->qfile = NULL;
}

static void call_complete(struct ipcshm_queue *queue, struct ipcshm_caller *call, int result,
			  struct queue_effects *effects)
{
	call_unbind(call);
	list_del(&call->link);
	queue->nr_calls--;
	if (call->waiter.task) {
		ipcshm_waiter_complete(&call->waiter, result, &effects->wakeups);
		return;
	}
	call->waiter.result = result;
	call->waiter.done = true;
}

static bool request_id_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ipcshm_caller, by_request_id)->request_id <
	       rb_entry(b, struct ipcshm_caller, by_request_id)->request_id;
}

/*
 * A request is received: from now on its call is the queue file's, and the process's, if that is
 * registered already: see calls_adopt().
 */
static void call_begin(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		       struct ipcshm_queue_file *qfile, struct ipcshm_process *process)
{
	struct ipcshm_caller *call = msg->caller;

	msg->caller = NULL;
	msg->request_id = ++queue->request_id;
	call->request = NULL;
	call->qfile = qfile;
	call->request_id = msg->request_id;
	rb_add(&call->by_request_id, &qfile->calls, request_id_less);
	WRITE_ONCE(qfile->nr_calls, qfile->nr_calls + 1);
	if (process)
		list_add_tail(&call->by_process, &process->calls);
}

static int request_id_compare(const void *key, const struct rb_node *node)
{
	const struct ipcshm_caller *call = rb_entry(node, struct ipcshm_caller, by_request_id);
	u64 request_id = *(const u64 *)key;

	return request_id < call->request_id ? -1 : request_id > call->request_id;
}

static struct ipcshm_caller *call_find(struct ipcshm_queue_file *qfile, u64 request_id)
{
	struct rb_node *node = rb_find(&request_id, &qfile->calls, request_id_compare);

	return rb_entry_safe(node, struct ipcshm_caller, by_request_id);
}

/* A request that was received, but not delivered.  False if its caller has gone. */
static bool call_rewind(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg)
{
	struct ipcshm_caller *call = call_find(qfile, msg->request_id);

	if (!call)
		return false;
	call_unbind(call);
	call->request = msg;
	msg->caller = call;
	return true;
}

static void count_drop(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		       struct queue_effects *effects)
{
	queue->dropped++;
	effects->dropped++;
	trace_ipcshm_drop(queue, msg);
}

/* A message that was accepted is never received. */
static void discard_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg, int why,
			    struct queue_effects *effects)
{
	count_drop(queue, msg, effects);
	if (msg->caller)
		call_complete(queue, msg->caller, why, effects);
	list_add_tail(&msg->by_priority.equals, &effects->garbage);
}

/* Sending. */

static void receiver_complete(struct ipcshm_queue *queue, struct queue_receiver *receiver,
			      int result, struct queue_effects *effects)
{
	ipcshm_sleepers_remove(&queue->receivers, &receiver->sleeper);
	ipcshm_waiter_complete(&receiver->waiter, result, &effects->wakeups);
}

static void mark_received(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			  struct ipcshm_queue_file *qfile, struct ipcshm_process *process)
{
	queue->received++;
	trace_ipcshm_receive(queue, msg);
	msg->request_id = 0;
	if (msg->caller)
		call_begin(queue, msg, qfile, process);
}

static void receiver_expel(struct ipcshm_queue *queue, struct queue_receiver *receiver,
			   const struct ipcshm_msg *msg, struct queue_effects *effects)
{
	receiver->criteria->needed = msg->size;
	receiver_complete(queue, receiver, -EMSGSIZE, effects);
}

/*
 * Find the receiver of a message: the first in the order of arrival that accepts its type and
 * has room for it. Those before it that have too little room get EMSGSIZE, as they would from a
 * message that was there already; else one of them could keep a rendezvous from ever taking
 * place. -EBUSY if the lock has to be dropped before the search goes on.
 */
static int receiver_find(struct ipcshm_queue *queue, const struct ipcshm_msg *msg,
			 struct queue_receiver **found, struct queue_effects *effects)
{
	struct ipcshm_sleeper *sleeper;
	struct queue_receiver *receiver;

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

static void hand_over_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			      struct queue_receiver *receiver, struct queue_effects *effects)
{
	mark_received(queue, msg, receiver->qfile, receiver->process);
	receiver->msg = msg;
	receiver_complete(queue, receiver, 0, effects);
}

/*
 * Makes room at the cost of what is older and not more important.  -ENOBUFS if
 * that isn't enough; -EBUSY if it takes more than the lock should be held for: many
 * small ones for a large one.
 */
static int make_room(struct ipcshm_queue *queue, const struct ipcshm_msg *msg,
		     struct queue_effects *effects)
{
	while (!message_fits(queue, msg->size)) {
		struct ipcshm_msg *victim = ipcshm_backlog_lowest(&queue->queued);

		if (!victim || victim->priority > msg->priority || victim->number > msg->number)
			return -ENOBUFS;
		if (effects->dropped >= BATCH)
			return -EBUSY;
		dequeue_message(queue, victim);
		discard_message(queue, victim, -ENOBUFS, effects);
	}
	return 0;
}

static int check_send(const struct ipcshm_queue *queue, const struct ipcshm_msg *msg)
{
	if (queue->revoked)
		return -EKEYREVOKED;
	return readers_are_gone(queue) && (queue->hangup || msg->caller) ? -EPIPE : 0;
}

/* Some message has to go: perhaps this one. */
static int make_room_or_refuse(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			       struct queue_effects *effects)
{
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
	struct ipcshm_quota limit = ipcshm_quotas_read(msg->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES);

	return msg->nr_files || ipcshm_msg_cost(msg->size) > limit.max ? -EDQUOT : -EAGAIN;
}

/*
 * Returns 0 when the queue has @msg, or has dropped it; -EINPROGRESS when @sender
 * has to wait for that; -EAGAIN or -EDQUOT when it would have to, and there is no
 * @sender; -EBUSY when the lock has to be dropped before it goes on.
 */
static int offer_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct ipcshm_waiter *sender, struct queue_effects *effects)
{
	struct queue_receiver *receiver;
	int err, full = 0;

	err = check_send(queue, msg) ?: receiver_find(queue, msg, &receiver, effects);
	if (err)
		return err;
	if (!receiver && !has_room(queue, msg->size, msg->priority))
		full = make_room_or_refuse(queue, msg, effects);
	if (!receiver && !full && !charge_or_report(queue, msg))
		full = queue->overflow ? -ENOBUFS : -EDQUOT;
	if (full == -EBUSY || (full == -EAGAIN && !sender))
		return full;
	if (full == -EDQUOT && !sender)
		return check_quota(msg);
	msg->number = ++queue->number;
	if (full == -EAGAIN) {
		block_sender(queue, msg, sender);
		return -EINPROGRESS;
	}
	if (full == -EDQUOT) {
		starve_sender(queue, msg, sender);
		sender->poked = true;
		return -EINPROGRESS;
	}
	queue->sent++;
	trace_ipcshm_send(queue, msg);
	if (receiver)
		hand_over_message(queue, msg, receiver, effects);
	else if (full)
		discard_message(queue, msg, -ENOBUFS, effects);
	else
		enqueue_message(queue, msg, false);
	return 0;
}

/* The sender gave up: unless its message was taken meanwhile, it gets it back. */
static int sender_leave(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct ipcshm_waiter *sender, int err)
{
	struct queue_effects effects;

	queue_lock(queue, &effects);
	if (sender->done) {
		err = sender->result;
	} else {
		unblock_sender(queue, msg);
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

	if (!has_room(queue, msg->size, msg->priority)) {
		unblock_sender(queue, msg);
		block_sender(queue, msg, sender);
		return true;
	}
	if (!charge_payer(queue, msg, shortage))
		return false;
	accept_message(queue, msg, effects);
	enqueue_message(queue, msg, false);
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
	struct queue_effects effects;
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

/* The lock was only dropped in between; who is being killed needn't go on. */
static bool should_retry(int err)
{
	return err == -EBUSY && !fatal_signal_pending(current);
}

/* Sends what can be sent at once, then waits for one more, if it may. */
static int send_some(struct ipcshm_queue *queue, struct ipcshm_msg *const *msgs, u32 count,
		     u32 *sent, const struct ipcshm_timeout *timeout)
{
	struct ipcshm_waiter sender;
	struct ipcshm_msg *msg;
	u32 before = *sent;
	struct queue_effects effects;
	int err = 0;

	ipcshm_waiter_init(&sender);
	queue_lock(queue, &effects);
	while (*sent < count && !err) {
		msg = msgs[*sent];
		err = offer_message(queue, msg, timeout->nonblock ? NULL : &sender, &effects);
		if (!err)
			++*sent;
	}
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
		err = send_some(qfile->queue, msgs, count, &sent, timeout);
	while ((!err || should_retry(err)) && sent < count);
	return sent ?: err;
}

/* Receiving. */

static struct ipcshm_msg *find_message(const struct ipcshm_queue *queue,
				       const struct ipcshm_match *match)
{
	return ipcshm_backlog_find(&queue->queued, match) ?:
	       ipcshm_backlog_find(&queue->blocked, match) ?:
	       ipcshm_backlog_find(&queue->starved, match);
}

/* Restore the invariants (see the top of this file) after a change that stopped early. */
static void settle_queue(struct ipcshm_queue *queue)
{
	struct queue_effects effects;

	do {
		cond_resched();
		queue_lock(queue, &effects);
		admit_blocked(queue, &effects);
		queue_unlock_unsettled(queue, &effects, 0);
	} while (effects.unsettled);
}

static int check_receive(const struct ipcshm_queue *queue)
{
	if (queue->revoked)
		return -EKEYREVOKED;
	return queue->hangup && writers_are_gone(queue) ? -EPIPE : -EAGAIN;
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

	if (!msg)
		return check_receive(queue);
	rbuf->criteria.needed = msg->size;
	if (msg->size > rbuf->criteria.room)
		return -EMSGSIZE;
	if (msg->sender)
		accept_message(queue, msg, effects);
	else
		dequeue_message(queue, msg);
	/* Also if it was blocked: one that would have fit may have been behind it. */
	admit_blocked(queue, effects);
	mark_received(queue, msg, qfile, process);
	rbuf->msg = msg;
	return 0;
}

static void receiver_enter(struct ipcshm_queue_file *qfile, struct queue_receiver *receiver,
			   struct ipcshm_process *process, struct ipcshm_criteria *criteria)
{
	receiver->criteria = criteria;
	receiver->qfile = qfile;
	receiver->process = process;
	receiver->msg = NULL;
	ipcshm_waiter_init(&receiver->waiter);
	ipcshm_sleepers_add(&qfile->queue->receivers, &receiver->sleeper, &criteria->match);
}

/* The receiver gave up: @err, unless it was completed meanwhile. */
static int receiver_leave(struct ipcshm_queue *queue, struct queue_receiver *receiver, int err)
{
	struct queue_effects effects;

	queue_lock(queue, &effects);
	if (receiver->waiter.done)
		err = receiver->waiter.result;
	else
		ipcshm_sleepers_remove(&queue->receivers, &receiver->sleeper);
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
	/* What was given to a task that is being killed is better kept for another. */
	if (fatal_signal_pending(current)) {
		ipcshm_queue_put_back(receiver->qfile, receiver->msg);
		return -EINTR;
	}
	rbuf->msg = receiver->msg;
	return 0;
}

/* Receives what is there, or waits for one if nothing is. */
static int receive_some(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbufs,
			u32 count, u32 *got, struct ipcshm_process *process,
			const struct ipcshm_timeout *timeout)
{
	struct queue_receiver receiver;
	__poll_t fresh = 0;
	struct queue_effects effects;
	int err = 0;

	queue_lock(qfile->queue, &effects);
	while (*got < count && !err) {
		err = take_message(qfile, &rbufs[*got], process, &effects);
		if (!err)
			++*got;
	}
	if (err == -EAGAIN && !*got && !timeout->nonblock) {
		receiver_enter(qfile, &receiver, process, &rbufs->criteria);
		/* It may want what those who sleep already don't. */
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
	call = call_find(qfile, request_id);
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
 * ipcshm_queue_receive - receive messages
 * @qfile: through which descriptor
 * @rbufs: what is wanted; filled in
 * @count: how many
 * @timeout: how long to wait for the first one
 *
 * Return: how many there are, in the first receive buffers, who have them; each is to be
 * put, or put back, the last one first.  If none, an error: -EMSGSIZE,
 * -EAGAIN, -ETIMEDOUT, -ERESTARTSYS, -EINTR, -EPIPE, -EKEYREVOKED, -ENOMEM.
 */
int ipcshm_queue_receive(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbufs,
			 u32 count, const struct ipcshm_timeout *timeout)
{
	struct ipcshm_process *process = ipcshm_process_find(&qfile->processes);
	u32 got = 0;
	int err = receive_some(qfile, rbufs, count, &got, process, timeout);

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
 * What was paid for it by its sender, or by the room that it had in a bounded queue, is
 * gone: the receiver pays, unless there is room.
 */
static void put_back_charge(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg)
{
	if (msg->caller)
		return;
	if (is_bounded(qfile->queue) && message_fits(qfile->queue, msg->size))
		ipcshm_msg_charge_files_force(msg, qfile->payer);
	else
		ipcshm_msg_charge_force(msg, qfile->payer);
}

static int put_back_once(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg,
			 struct queue_effects *effects)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct queue_receiver *receiver;
	int err;

	err = receiver_find(queue, msg, &receiver, effects);
	if (err)
		return err;
	msg->sender = NULL;
	queue->received--;
	if (queue->revoked || (msg->request_id && !call_rewind(qfile, msg))) {
		discard_message(queue, msg, -EKEYREVOKED, effects);
	} else if (receiver) {
		hand_over_message(queue, msg, receiver, effects);
	} else {
		put_back_charge(qfile, msg);
		enqueue_message(queue, msg, true);
	}
	return 0;
}

/*
 * A message that was taken and can't be delivered goes back to where it was.
 * The capacity may be exceeded by it: it was accepted, and isn't to be lost,
 * unless there is nobody any more who could receive it or cares.
 */
void ipcshm_queue_put_back(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct queue_effects effects;
	int err;

	ipcshm_msg_uncharge(msg);
	do {
		queue_lock(queue, &effects);
		err = put_back_once(qfile, msg, &effects);
		queue_unlock(queue, &effects, READABLE);
	} while (err);
}

/* Calling. */

/* A call ends without a reply.  A request that nobody has received yet is withdrawn. */
static void call_end(struct ipcshm_queue *queue, struct ipcshm_caller *call, int result,
		     struct queue_effects *effects)
{
	struct ipcshm_msg *request = call->request;

	if (request) {
		if (request->sender) {
			unblock_sender(queue, request);
		} else {
			dequeue_message(queue, request);
			count_drop(queue, request, effects);
		}
		list_add_tail(&request->by_priority.equals, &effects->garbage);
	}
	call_complete(queue, call, result, effects);
	admit_blocked(queue, effects);
}

/* The caller gave up.  Once its request was received, the call must not be restarted. */
static int call_leave(struct ipcshm_queue *queue, struct ipcshm_caller *call, int err)
{
	struct queue_effects effects;

	queue_lock(queue, &effects);
	if (!call->waiter.done) {
		if (err == -ERESTARTSYS && !call->request)
			err = -EINTR;
		call_end(queue, call, err, &effects);
	}
	queue_unlock(queue, &effects, 0);
	return call->waiter.result;
}

/* Interrupted calls. */

static bool id_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct interrupted_call, by_id)->id <
	       rb_entry(b, struct interrupted_call, by_id)->id;
}

static int id_compare(const void *key, const struct rb_node *node)
{
	u64 id = *(const u64 *)key, other = rb_entry(node, struct interrupted_call, by_id)->id;

	return id < other ? -1 : id > other;
}

static struct interrupted_call *interrupted_create(struct ipcshm_queue_file *qfile)
{
	struct interrupted_call *interrupted;
	int err;

	err = ipcshm_quotas_charge(qfile->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
				   sizeof(*interrupted));
	if (err)
		return NULL;
	interrupted = kzalloc(sizeof(*interrupted), IPCSHM_GFP);
	if (!interrupted) {
		ipcshm_quotas_uncharge(qfile->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
				       sizeof(*interrupted));
		return NULL;
	}
	interrupted->payer = qfile->payer;
	return interrupted;
}

static void interrupted_free(struct ipcshm_queue_file *qfile, struct interrupted_call *interrupted)
{
	struct ipcshm_msg *reply = interrupted->call.reply;

	if (reply) {
		ipcshm_msg_uncharge(reply);
		ipcshm_msg_put(reply);
	}
	ipcshm_quotas_uncharge(qfile->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES, sizeof(*interrupted));
	kfree(interrupted);
}

/* A received call leaves the caller's stack; whatever leads to it now leads to the copy. */
static void call_move(struct ipcshm_caller *call, struct interrupted_call *interrupted,
		      struct ipcshm_process *process, const struct ipcshm_timeout *timeout)
{
	struct ipcshm_caller *copy = &interrupted->call;

	*copy = *call;
	copy->waiter.task = NULL;
	copy->stays = true;
	interrupted->criteria = *call->criteria;
	copy->criteria = &interrupted->criteria;
	list_replace(&call->link, &copy->link);
	rb_replace_node(&call->by_request_id, &copy->by_request_id, &call->qfile->calls);
	INIT_LIST_HEAD(&copy->by_process);
	if (!list_empty(&call->by_process))
		list_replace(&call->by_process, &copy->by_process);
	interrupted->id = call->request_id;
	interrupted->timeout = *timeout;
	interrupted->process = process;
	rb_add(&interrupted->by_id, &process->interrupted, id_less);
}

/*
 * The caller was interrupted. If its request was received, the call stays, under an id by which
 * the caller resumes it. Without the memory or the quota for that, and for a task that is being
 * killed, it ends.
 */
static int call_interrupt(struct ipcshm_queue_file *qfile, struct ipcshm_caller *call,
			  const struct ipcshm_timeout *timeout, u64 *id)
{
	struct ipcshm_process *process = ipcshm_process_get(&qfile->processes);
	struct interrupted_call *interrupted;
	bool moved;

	if (IS_ERR(process) || fatal_signal_pending(current))
		return call_leave(qfile->queue, call, -ERESTARTSYS);
	interrupted = interrupted_create(qfile);
	if (!interrupted)
		return call_leave(qfile->queue, call, -ERESTARTSYS);
	spin_lock(&qfile->queue->lock);
	moved = !call->waiter.done && call->qfile;
	if (moved)
		call_move(call, interrupted, process, timeout);
	spin_unlock(&qfile->queue->lock);
	if (!moved) {
		interrupted_free(qfile, interrupted);
		return call_leave(qfile->queue, call, -ERESTARTSYS);
	}
	*id = interrupted->id;
	return -ERESTARTSYS;
}

/* The call @id of the current process, which is now the current task's; or an error. */
static struct interrupted_call *resume_begin(struct ipcshm_queue_file *qfile, u64 id,
					     struct ipcshm_receive_buffer *reply,
					     const struct ipcshm_timeout *timeout)
{
	struct ipcshm_process *process = ipcshm_process_find(&qfile->processes);
	struct interrupted_call *interrupted = NULL;
	struct rb_node *node;

	if (!process)
		return ERR_PTR(-ESRCH);
	spin_lock(&qfile->queue->lock);
	node = rb_find(&id, &process->interrupted, id_compare);
	if (node)
		interrupted = rb_entry(node, struct interrupted_call, by_id);
	if (!interrupted) {
		interrupted = ERR_PTR(-ESRCH);
	} else if (interrupted->busy) {
		interrupted = ERR_PTR(-EBUSY);
	} else {
		interrupted->busy = true;
		interrupted->timeout = *timeout;
		interrupted->call.waiter.task = current;
		interrupted->criteria.room = reply->criteria.room;
	}
	spin_unlock(&qfile->queue->lock);
	return interrupted;
}

/* What has become of the call: its result; -ERESTARTSYS or -EMSGSIZE leave it to be resumed. */
static int resume_end(struct ipcshm_queue *queue, struct interrupted_call *interrupted,
		      struct ipcshm_receive_buffer *reply, int err, struct queue_effects *effects)
{
	struct ipcshm_caller *call = &interrupted->call;

	if (!call->waiter.done && err != -ERESTARTSYS)
		call_end(queue, call, err, effects);
	reply->criteria.needed = interrupted->criteria.needed;
	if (call->waiter.done) {
		err = call->waiter.result;
		if (call->reply && call->reply->size > reply->criteria.room)
			err = -EMSGSIZE;
	}
	if (interrupted->process && (!call->waiter.done || err == -EMSGSIZE)) {
		interrupted->busy = false;
		call->waiter.task = NULL;
		if (call->reply)
			ipcshm_msg_charge_force(call->reply, interrupted->payer);
		return err;
	}
	if (interrupted->process)
		rb_erase(&interrupted->by_id, &interrupted->process->interrupted);
	interrupted->process = NULL;
	if (!err) {
		reply->msg = call->reply;
		call->reply = NULL;
		ipcshm_msg_uncharge(reply->msg);
	}
	return err;
}

/**
 * ipcshm_queue_resume - wait for the reply to a call that was interrupted
 * @qfile: through which descriptor the call was made
 * @id: what ipcshm_queue_call() has filled in
 * @reply: how large it may be; filled in
 * @timeout: how long to wait for it
 *
 * Return: as ipcshm_queue_call(); -ESRCH: the current process has no such call; -EBUSY: another
 * thread resumes it. After -ERESTARTSYS, and -EMSGSIZE if there is a reply, it can be resumed.
 */
int ipcshm_queue_resume(struct ipcshm_queue_file *qfile, u64 id,
			struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout)
{
	struct interrupted_call *interrupted = resume_begin(qfile, id, reply, timeout);
	struct queue_effects effects;
	bool ended;
	int err;

	if (IS_ERR(interrupted))
		return PTR_ERR(interrupted);
	err = ipcshm_waiter_sleep(&interrupted->call.waiter, timeout);
	queue_lock(qfile->queue, &effects);
	err = resume_end(qfile->queue, interrupted, reply, err, &effects);
	ended = !interrupted->process;
	queue_unlock(qfile->queue, &effects, 0);
	trace_ipcshm_call(qfile->queue, id, reply->msg ? reply->msg->size : 0, err);
	if (ended)
		interrupted_free(qfile, interrupted);
	return err;
}

/* Returns a call that the process can't resume any longer, to be freed; or NULL. */
static struct interrupted_call *interrupted_take(struct ipcshm_queue_file *qfile,
						 struct ipcshm_process *process)
{
	struct interrupted_call *interrupted;
	struct queue_effects effects;
	bool busy = false;

	do {
		queue_lock(qfile->queue, &effects);
		interrupted =
			rb_entry_safe(process->interrupted.rb_node, struct interrupted_call, by_id);
		if (interrupted) {
			rb_erase(&interrupted->by_id, &process->interrupted);
			interrupted->process = NULL;
			busy = interrupted->busy;
			if (!interrupted->call.waiter.done)
				call_end(qfile->queue, &interrupted->call, -EINTR, &effects);
		}
		queue_unlock(qfile->queue, &effects, 0);
		cond_resched();
	} while (interrupted && busy);
	return interrupted;
}

static void interrupted_end_all(struct ipcshm_queue_file *qfile, struct ipcshm_process *process)
{
	struct interrupted_call *interrupted;

	while ((interrupted = interrupted_take(qfile, process)))
		interrupted_free(qfile, interrupted);
}

/* Calling. */

static int call_send(struct ipcshm_queue *queue, struct ipcshm_caller *call,
		     const struct ipcshm_timeout *timeout)
{
	struct queue_effects effects;
	int err;

	queue_lock(queue, &effects);
	effects.wakeups.sync = true;
	list_add_tail(&call->link, &queue->calls);
	queue->nr_calls++;
	err = offer_message(queue, call->request, timeout->nonblock ? NULL : &call->waiter,
			    &effects);
	if (err && err != -EINPROGRESS) {
		list_del(&call->link);
		queue->nr_calls--;
	}
	queue_unlock(queue, &effects, READABLE);
	return err == -EINPROGRESS ? 0 : err;
}

/**
 * ipcshm_queue_call - send a request and wait for the reply
 * @qfile: through which descriptor
 * @request: the message, from now on the queue's
 * @reply: how large it may be; filled in
 * @timeout: how long to wait for it
 * @id: filled in with -ERESTARTSYS if the request was received: what resumes the call
 *
 * Return: 0, and the reply is @reply's; or an error.
 */
int ipcshm_queue_call(struct ipcshm_queue_file *qfile, struct ipcshm_msg *request,
		      struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout,
		      u64 *id)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_caller call = { .request = request, .criteria = &reply->criteria };
	int err;

	ipcshm_waiter_init(&call.waiter);
	INIT_LIST_HEAD(&call.by_process);
	request->caller = &call;
	do
		err = call_send(queue, &call, timeout);
	while (should_retry(err));
	if (err) {
		ipcshm_msg_put(request);
		return err;
	}
	err = ipcshm_waiter_sleep(&call.waiter, timeout);
	if (err == -ERESTARTSYS)
		err = call_interrupt(qfile, &call, timeout, id);
	else if (err)
		err = call_leave(queue, &call, err);
	else
		err = call.waiter.result;
	reply->msg = call.reply;
	trace_ipcshm_call(queue, call.request_id, call.reply ? call.reply->size : 0, err);
	return err;
}

/* Nobody waits for the reply any longer, though nobody has noticed yet. */
static bool call_has_expired(struct ipcshm_caller *call)
{
	const struct ipcshm_timeout *timeout =
		&container_of(call, struct interrupted_call, call)->timeout;
	ktime_t now;

	if (call->waiter.task)
		return false;
	now = timeout->clock == CLOCK_REALTIME ? ktime_get_real() : ktime_get();
	return ktime_compare(now, timeout->expires) >= 0;
}

/* The reply to an interrupted call is kept for the caller, whose user pays. */
static void call_charge(struct ipcshm_caller *call)
{
	struct interrupted_call *interrupted = container_of(call, struct interrupted_call, call);

	ipcshm_msg_charge_force(call->reply, interrupted->payer);
}

/* False: the call has ended by its deadline. */
static bool call_answer(struct ipcshm_queue *queue, struct ipcshm_caller *call,
			struct ipcshm_msg *reply, struct queue_effects *effects)
{
	int result = 0;

	if (call_has_expired(call)) {
		list_add(&reply->by_priority.equals, &effects->garbage);
		call_complete(queue, call, -ETIMEDOUT, effects);
		return false;
	}
	call->criteria->needed = reply->size;
	if (reply->size > call->criteria->room && !call->stays) {
		result = -EMSGSIZE;
		list_add(&reply->by_priority.equals, &effects->garbage);
	} else {
		call->reply = reply;
		if (!call->waiter.task)
			call_charge(call);
	}
	call_complete(queue, call, result, effects);
	return true;
}

/**
 * ipcshm_queue_reply - answer a call
 * @qfile: the descriptor that has received the request
 * @request_id: the request's
 * @reply: the message, from now on the queue's
 * @sync: the current task is about to sleep
 *
 * Return: 0, or -ESRCH: nobody waits for it.
 */
int ipcshm_queue_reply(struct ipcshm_queue_file *qfile, u64 request_id, struct ipcshm_msg *reply,
		       bool sync)
{
	struct ipcshm_queue *queue = qfile->queue;
	size_t size = reply->size;
	struct ipcshm_caller *call;
	bool answered = false;
	struct queue_effects effects;

	queue_lock(queue, &effects);
	effects.wakeups.sync = sync;
	call = call_find(qfile, request_id);
	if (call)
		answered = call_answer(queue, call, reply, &effects);
	else
		list_add(&reply->by_priority.equals, &effects.garbage);
	queue_unlock(queue, &effects, 0);
	trace_ipcshm_reply(queue, request_id, size, answered ? 0 : -ESRCH);
	return answered ? 0 : -ESRCH;
}

/* A request was received in a way in which it can't be answered. */
void ipcshm_queue_refuse(struct ipcshm_queue_file *qfile, u64 request_id, int err)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_caller *call;
	struct queue_effects effects;

	queue_lock(queue, &effects);
	call = call_find(qfile, request_id);
	if (call)
		call_complete(queue, call, err, &effects);
	queue_unlock(queue, &effects, 0);
}

/* The end of waiting. */

/**
 * struct end_scope - whose waits end, and how
 * @still: only while this is so
 * @qfile: calls whose requests were received through it; NULL: all calls
 * @process: of those, which were received by this process; NULL: all
 * @senders: also senders that sleep
 * @receivers: also receivers that sleep
 * @err: the result
 */
struct end_scope {
	bool (*still)(const struct ipcshm_queue *queue);
	const struct ipcshm_queue_file *qfile;
	struct ipcshm_process *process;
	bool senders;
	bool receivers;
	int err;
};

static void calls_end(struct ipcshm_queue *queue, const struct end_scope *scope,
		      struct queue_effects *effects)
{
	struct ipcshm_caller *call, *next;

	list_for_each_entry_safe(call, next, &queue->calls, link) {
		if (effects_are_full(effects))
			break;
		call_end(queue, call, scope->err, effects);
	}
}

static struct ipcshm_caller *first_bound_call(const struct end_scope *scope)
{
	if (scope->process)
		return list_first_entry_or_null(&scope->process->calls, struct ipcshm_caller,
						by_process);
	return rb_entry_safe(scope->qfile->calls.rb_node, struct ipcshm_caller, by_request_id);
}

/* Not by way of all calls: any user of the queue can close descriptors all day. */
static void bound_calls_end(struct ipcshm_queue *queue, const struct end_scope *scope,
			    struct queue_effects *effects)
{
	struct ipcshm_caller *call;

	while (!effects_are_full(effects) && (call = first_bound_call(scope)))
		call_end(queue, call, scope->err, effects);
}

static void senders_end(struct ipcshm_queue *queue, const struct end_scope *scope,
			struct queue_effects *effects)
{
	struct ipcshm_msg *msg;

	while (!effects_are_full(effects) && (msg = ipcshm_backlog_first(&queue->blocked) ?:
						    ipcshm_backlog_first(&queue->starved))) {
		struct ipcshm_waiter *sender = msg->sender;

		unblock_sender(queue, msg);
		ipcshm_waiter_complete(sender, scope->err, &effects->wakeups);
	}
}

static void receivers_end(struct ipcshm_queue *queue, const struct end_scope *scope,
			  struct queue_effects *effects)
{
	struct ipcshm_sleeper *sleeper;

	while (!effects_are_full(effects) && (sleeper = ipcshm_sleepers_some(&queue->receivers)))
		receiver_complete(queue, container_of(sleeper, struct queue_receiver, sleeper),
				  scope->err, effects);
}

/* A few at a time.  Who comes anew meanwhile gets the same error at once. */
static void waits_end(struct ipcshm_queue *queue, const struct end_scope *scope)
{
	struct queue_effects effects;
	bool more;

	do {
		queue_lock(queue, &effects);
		if (!scope->still || scope->still(queue)) {
			if (scope->qfile)
				bound_calls_end(queue, scope, &effects);
			else
				calls_end(queue, scope, &effects);
			if (scope->senders)
				senders_end(queue, scope, &effects);
			if (scope->receivers)
				receivers_end(queue, scope, &effects);
		} else {
			/* Among the senders that are left one may have become first that fits. */
			admit_blocked(queue, &effects);
		}
		more = effects_are_full(&effects);
		queue_unlock(queue, &effects, 0);
		cond_resched();
	} while (more);
}

/* A new descriptor. */
void ipcshm_queue_attach(struct ipcshm_queue_file *qfile)
{
	struct ipcshm_queue *queue = qfile->queue;

	spin_lock(&queue->lock);
	queue->readers += !!(qfile->mode & FMODE_READ);
	queue->writers += !!(qfile->mode & FMODE_WRITE);
	queue->had_reader |= queue->readers;
	queue->had_writer |= queue->writers;
	spin_unlock(&queue->lock);
	qfile->attached = true;
}

/* A descriptor goes.  What was received through it and not replied to never will be. */
void ipcshm_queue_detach(struct ipcshm_queue_file *qfile)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct end_scope server = { .qfile = qfile, .err = -EPIPE };
	struct end_scope readers = { .still = readers_are_gone,
				     .senders = queue->hangup,
				     .err = -EPIPE };
	struct end_scope writers = { .still = writers_are_gone,
				     .receivers = queue->hangup,
				     .err = -EPIPE };
	struct queue_effects effects;

	if (!qfile->attached)
		return;
	waits_end(queue, &server);
	queue_lock(queue, &effects);
	queue->readers -= !!(qfile->mode & FMODE_READ);
	queue->writers -= !!(qfile->mode & FMODE_WRITE);
	queue_unlock(queue, &effects, 0);
	waits_end(queue, &readers);
	waits_end(queue, &writers);
}

/* A process is gone, though others have the same descriptor. */
void ipcshm_queue_abandon(struct ipcshm_queue_file *qfile, struct ipcshm_process *process)
{
	struct end_scope scope = { .qfile = qfile, .process = process, .err = -EPIPE };

	waits_end(qfile->queue, &scope);
	interrupted_end_all(qfile, process);
}

/* What the owner can do. */

/* Charge a larger capacity at once; refund a smaller one as messages leave. */
static int change_price(struct ipcshm_queue *queue, const struct ipcshm_queue_set_args *args)
{
	u64 price = ipcshm_queue_price(args->max_messages, args->max_bytes,
				       queue->max_message_size);
	int err;

	if (price > queue->charged) {
		err = ipcshm_quotas_charge(queue->object.payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
					   price - queue->charged);
		if (err)
			return err;
		queue->charged = price;
	}
	queue->price = price;
	refund_creator(queue);
	return 0;
}

int ipcshm_queue_set(struct ipcshm_queue *queue, const struct ipcshm_queue_set_args *args)
{
	struct queue_effects effects;
	int err;

	queue_lock(queue, &effects);
	err = queue->revoked ? -EKEYREVOKED : change_price(queue, args);
	if (!err) {
		queue->max_messages = args->max_messages;
		queue->max_bytes = args->max_bytes;
		admit_blocked(queue, &effects);
	}
	queue_unlock(queue, &effects, 0);
	return err;
}

static u64 drain_some(struct ipcshm_queue *queue, u64 most)
{
	struct ipcshm_msg *msg;
	struct queue_effects effects;
	u64 count;

	queue_lock(queue, &effects);
	for (count = 0; count < min_t(u64, most, BATCH); count++) {
		msg = ipcshm_backlog_first(&queue->queued);
		if (!msg)
			break;
		dequeue_message(queue, msg);
		discard_message(queue, msg, -ENOBUFS, &effects);
	}
	admit_blocked(queue, &effects);
	queue_unlock(queue, &effects, 0);
	cond_resched();
	return count;
}

/* Returns how many messages were discarded: as many as there are now, at most. */
u64 ipcshm_queue_drain(struct ipcshm_queue *queue)
{
	u64 some, drained = 0, most = READ_ONCE(queue->messages);

	do {
		some = drain_some(queue, most - drained);
		drained += some;
	} while (some && drained < most);
	return drained;
}

void ipcshm_queue_revoke(struct ipcshm_queue *queue)
{
	struct end_scope scope = { .senders = true, .receivers = true, .err = -EKEYREVOKED };
	struct queue_effects effects;

	queue_lock(queue, &effects);
	WRITE_ONCE(queue->revoked, true);
	queue_unlock(queue, &effects, 0);
	ipcshm_object_unlink(&queue->object);
	waits_end(queue, &scope);
	while (ipcshm_queue_drain(queue))
		;
	queue_lock(queue, &effects);
	queue->price = 0;
	refund_creator(queue);
	queue_unlock(queue, &effects, 0);
}

/* There may be quota again for a descriptor that polls. */
void ipcshm_queue_wake_senders(struct ipcshm_queue *queue)
{
	ipcshm_pollers_wake(&queue->pollers, WRITABLE);
}

static u64 message_time(const struct ipcshm_msg *msg)
{
	return msg ? msg->time + ipcshm_timens_offset() : 0;
}

/* All but @stat->stat. */
void ipcshm_queue_get_stat(struct ipcshm_queue *queue, struct ipcshm_queue_stat *stat)
{
	spin_lock(&queue->lock);
	stat->max_messages = queue->max_messages;
	stat->max_bytes = queue->max_bytes;
	stat->messages = queue->messages;
	stat->bytes = queue->bytes;
	stat->senders = queue->nr_senders;
	stat->receivers = queue->receivers.count;
	stat->sent = queue->sent;
	stat->received = queue->received;
	stat->dropped = queue->dropped;
	stat->peak_messages = queue->peak_messages;
	stat->peak_bytes = queue->peak_bytes;
	stat->next_time = message_time(ipcshm_backlog_first(&queue->queued));
	stat->blocked_time = message_time(ipcshm_backlog_first(&queue->blocked) ?:
					  ipcshm_backlog_first(&queue->starved));
	stat->calls = queue->nr_calls;
	stat->readers = queue->readers;
	stat->writers = queue->writers;
	spin_unlock(&queue->lock);
	stat->max_message_size = queue->max_message_size;
	stat->overflow = queue->overflow;
	stat->held = atomic_long_read(&queue->held);
	stat->pool_bytes = queue->pool.size;
	stat->pool_used = queue->pool.size ? ipcshm_pool_used(&queue->pool) : 0;
}

void ipcshm_queue_init(struct ipcshm_queue *queue)
{
	spin_lock_init(&queue->lock);
	ipcshm_sleepers_init(&queue->receivers);
	INIT_LIST_HEAD(&queue->calls);
	ipcshm_pollers_init(&queue->pollers);
}

/* Nobody is blocked: who is has a file of the queue open. */
void ipcshm_queue_destroy(struct ipcshm_queue *queue)
{
	while (ipcshm_queue_drain(queue))
		;
	ipcshm_pollers_destroy(&queue->pollers);
}
