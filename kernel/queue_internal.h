/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of a queue: its lock, the effects of a change, the moves of a message. */
#ifndef IPCSHM_QUEUE_INTERNAL_H
#define IPCSHM_QUEUE_INTERNAL_H

#include <linux/lockdep.h>
#include <linux/sched/signal.h>

#include "backlog.h"
#include "compat.h"
#include "queue.h"
#include "queue_file.h"
#include "receive_buffer.h"
#include "trace.h"

/**
 * struct queue_receiver - a receiver that sleeps
 * @waiter: completed when it has a message, or never will
 * @sleeper: in the queue's receivers, until then; protected by the queue's lock
 * @criteria: the messages that it accepts
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
 * @request: the request, until it is received; protected by the queue's lock
 * @qfile: the one that has received it, from then on; protected by the queue's lock
 * @by_request_id: in that one's calls; protected by the queue's lock
 * @request_id: the id for its reply; protected by the queue's lock
 * @by_process: in the calls of the process that has received it; protected by the queue's lock
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
 * struct queue_effects - what a change entails, to be done when the lock has been dropped
 * @wakeups: whom to wake
 * @were: what pollers may know already
 * @dropped: how many messages were dropped, for the notification
 * @steps: how many blocked messages were admitted, and interrupted calls ended
 * @unsettled: more blocked messages have to be admitted than should be at a time
 * @garbage: messages to be freed, by @place.equals
 */
struct queue_effects {
	struct ipcshm_wakeups wakeups;
	__poll_t were;
	u32 dropped;
	u32 steps;
	bool unsettled;
	struct list_head garbage;
};

/* The most messages that are admitted or discarded, or @steps, while the lock is held once. */
#define QUEUE_LOCK_BATCH 64

static inline bool effects_are_full(const struct queue_effects *effects)
{
	return effects->wakeups.count == IPCSHM_WAKEUPS_MAX ||
	       effects->steps >= QUEUE_LOCK_BATCH;
}

/* queue.c */
__poll_t ipcshm_queue_compute_events(const struct ipcshm_queue *queue);
void ipcshm_queue_notify_drops(const struct ipcshm_queue *queue, u32 messages);
void ipcshm_queue_settle(struct ipcshm_queue *queue);
void ipcshm_queue_refund(struct ipcshm_queue *queue);
void ipcshm_queue_block(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct ipcshm_waiter *sender);
void ipcshm_queue_starve(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct ipcshm_waiter *sender);
void ipcshm_queue_unblock(struct ipcshm_queue *queue, struct ipcshm_msg *msg);
void ipcshm_queue_accept(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct queue_effects *effects);
void ipcshm_queue_count_drop(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			     struct queue_effects *effects);
void ipcshm_queue_discard(struct ipcshm_queue *queue, struct ipcshm_msg *msg, int why,
			  struct queue_effects *effects);

struct ipcshm_msg *ipcshm_queue_keep_spare(struct ipcshm_queue *queue, struct ipcshm_msg *msg);
void ipcshm_queue_admit(struct ipcshm_queue *queue, struct queue_effects *effects);

/* queue_send.c */
int ipcshm_queue_find_receiver(struct ipcshm_queue *queue, const struct ipcshm_msg *msg,
			       struct queue_receiver **found, struct queue_effects *effects);
void ipcshm_queue_lease_to(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			   struct queue_receiver *receiver, struct queue_effects *effects);
void ipcshm_queue_place(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct queue_receiver *receiver, struct queue_effects *effects);
void ipcshm_queue_hand_over(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			    struct queue_receiver *receiver, struct queue_effects *effects);
int ipcshm_queue_offer(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		       struct ipcshm_waiter *sender, struct queue_effects *effects);

/* queue_lease.c */
void ipcshm_queue_take_back(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			    struct queue_receiver *receiver, struct queue_effects *effects);

/* queue_move.c */
void ipcshm_dead_letters_send(struct ipcshm_queue *queue);

/* queue_peer.c */
bool ipcshm_queue_has_peer(const struct ipcshm_queue *queue, fmode_t mode);

/* queue_receive.c */
void ipcshm_queue_return(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct ipcshm_quotas *payer);
void ipcshm_receiver_enter(struct ipcshm_queue_file *qfile, struct queue_receiver *receiver,
			   struct ipcshm_criteria *criteria);
int ipcshm_receiver_sleep(struct queue_receiver *receiver, struct ipcshm_receive_buffer *rbuf,
			  const struct ipcshm_timeout *timeout);

/* queue_call.c */
void ipcshm_caller_init(struct ipcshm_caller *call, struct ipcshm_criteria *criteria);
int ipcshm_caller_wait(struct ipcshm_queue_file *qfile, struct ipcshm_caller *call,
		       struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout,
		       u64 *id);
void ipcshm_call_begin(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		       struct ipcshm_queue_file *qfile, struct ipcshm_process *process);
void ipcshm_call_complete(struct ipcshm_queue *queue, struct ipcshm_caller *call, int result,
			  struct queue_effects *effects);
void ipcshm_call_end(struct ipcshm_queue *queue, struct ipcshm_caller *call, int result,
		     struct queue_effects *effects);
struct ipcshm_caller *ipcshm_call_find(struct ipcshm_queue_file *qfile, u64 request_id);
bool ipcshm_call_rewind(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg);
void ipcshm_interrupted_end_all(struct ipcshm_queue_file *qfile, struct ipcshm_process *process);

/* Room. */

static inline bool message_fits(const struct ipcshm_queue *queue, size_t size)
{
	lockdep_assert_held(&queue->lock);
	return queue->messages < queue->max_messages && queue->bytes <= queue->max_bytes &&
	       size <= queue->max_bytes - queue->bytes;
}

/* Whether a new message can go in now: not past a blocked one of its priority. */
static inline bool has_room(const struct ipcshm_queue *queue, size_t size, u32 priority)
{
	const struct ipcshm_msg *first = ipcshm_backlog_first(&queue->blocked);

	lockdep_assert_held(&queue->lock);
	return message_fits(queue, size) && (!first || first->priority < priority);
}

static inline bool is_rendezvous(const struct ipcshm_queue *queue)
{
	return !queue->max_messages;
}

static inline bool readers_are_gone(const struct ipcshm_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return queue->had_reader && !queue->readers;
}

static inline bool writers_are_gone(const struct ipcshm_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return queue->had_writer && !queue->writers;
}

#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM)
#define PEERS EPOLLPRI

/* The lock. */

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
	effects->steps = 0;
	effects->unsettled = false;
	INIT_LIST_HEAD(&effects->garbage);
	/* Without a barrier: the lock orders it, as described above. */
	effects->were = ipcshm_pollers_exist(&queue->pollers) ?
				ipcshm_queue_compute_events(queue) : 0;
}

/* Pollers are notified of new events, and of each message: @fresh. */
static inline void queue_unlock_unsettled(struct ipcshm_queue *queue, struct queue_effects *effects,
					  __poll_t fresh)
{
	struct ipcshm_msg *msg, *next;
	__poll_t due = 0;

	/* The lock orders this check, too. */
	if (ipcshm_pollers_exist(&queue->pollers))
		due = ipcshm_queue_compute_events(queue) & (fresh | ~effects->were);
	spin_unlock(&queue->lock);
	if (effects->wakeups.count)
		ipcshm_wakeups_run(&effects->wakeups);
	if (due)
		ipcshm_pollers_wake(&queue->pollers, due);
	if (effects->dropped)
		ipcshm_queue_notify_drops(queue, effects->dropped);
	list_for_each_entry_safe(msg, next, &effects->garbage, place.equals) {
		ipcshm_msg_put(msg);
		cond_resched();
	}
}

static inline void queue_unlock(struct ipcshm_queue *queue, struct queue_effects *effects,
				__poll_t fresh)
{
	queue_unlock_unsettled(queue, effects, fresh);
	if (effects->unsettled)
		ipcshm_queue_settle(queue);
}

/* Payers, all under the queue's lock. */

/* Whether its creator has paid for the whole capacity. */
static inline bool is_bounded(const struct ipcshm_queue *queue)
{
	return READ_ONCE(queue->max_messages) != IPCSHM_UNBOUNDED &&
	       READ_ONCE(queue->max_bytes) != IPCSHM_UNBOUNDED;
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
static inline bool charge_payer(const struct ipcshm_queue *queue, struct ipcshm_msg *msg,
				struct shortage *shortage)
{
	u8 what = (is_bounded(queue) ? 0 : IPCSHM_CHARGED_BYTES) |
		  (msg->nr_files ? IPCSHM_CHARGED_FILES : 0);

	lockdep_assert_held(&queue->lock);
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
static inline bool charge_or_report(const struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	struct shortage shortage;

	lockdep_assert_held(&queue->lock);
	if (likely(charge_payer(queue, msg, &shortage)))
		return true;
	ipcshm_quotas_report(msg->payer, shortage.quota, shortage.amount);
	return false;
}

/* The moves of a message, all under the queue's lock. */

/* Return the message in the queue that a receiver gets next, or NULL. */
static inline struct ipcshm_msg *find_queued(const struct ipcshm_queue *queue,
					     const struct ipcshm_match *match)
{
	struct ipcshm_msg *msg = ipcshm_backlog_find(&queue->queued, match);

	lockdep_assert_held(&queue->lock);
	if (likely(!ipcshm_backlog_first(&queue->returned)))
		return msg;
	return ipcshm_match_first(match, msg, ipcshm_backlog_find(&queue->returned, match));
}

static inline struct ipcshm_msg *first_queued(const struct ipcshm_queue *queue)
{
	static const struct ipcshm_match any;

	return find_queued(queue, &any);
}

static inline void count_queued(struct ipcshm_queue *queue, const struct ipcshm_msg *msg)
{
	lockdep_assert_held(&queue->lock);
	queue->messages++;
	queue->bytes += msg->size;
	queue->peak_messages = max(queue->peak_messages, queue->messages);
	queue->peak_bytes = max(queue->peak_bytes, queue->bytes);
}

static inline void enqueue_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	lockdep_assert_held(&queue->lock);
	ipcshm_backlog_add(&queue->queued, msg);
	count_queued(queue, msg);
}

static inline void uncount_queued(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	lockdep_assert_held(&queue->lock);
	queue->messages--;
	queue->bytes -= msg->size;
	ipcshm_msg_uncharge(msg);
	if (unlikely(queue->charged > queue->price))
		ipcshm_queue_refund(queue);
}

static inline void unlink_queued(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	lockdep_assert_held(&queue->lock);
	ipcshm_backlog_remove(msg->returned ? &queue->returned : &queue->queued, msg);
}

static inline void dequeue_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	unlink_queued(queue, msg);
	uncount_queued(queue, msg);
}

/* There may be room again. */
static inline void admit_blocked(struct ipcshm_queue *queue, struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	if (unlikely(ipcshm_backlog_first(&queue->blocked)))
		ipcshm_queue_admit(queue, effects);
}

/* Return whether a sleeping receiver gets a lease of @msg, for which there must be room. */
static inline bool is_leased_by(const struct queue_receiver *receiver,
				const struct ipcshm_msg *msg)
{
	return receiver->criteria->ack && !msg->caller;
}

static inline void receiver_complete(struct ipcshm_queue *queue, struct queue_receiver *receiver,
				     int result, struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	ipcshm_sleepers_remove(&queue->receivers, &receiver->sleeper);
	ipcshm_waits_remove(&receiver->waiter);
	ipcshm_waiter_complete(&receiver->waiter, result, &effects->wakeups);
}

/* The arguments are not calculated unless the tracepoint is on. */
static inline void trace_sent(const struct ipcshm_queue *queue, const struct ipcshm_msg *msg)
{
	if (trace_ipcshm_send_enabled())
		trace_ipcshm_send(queue->object.id, msg->size, msg->type, queue->messages,
				  msg->priority, pid_nr(msg->pid));
}

static inline void trace_received(const struct ipcshm_queue *queue, const struct ipcshm_msg *msg)
{
	if (trace_ipcshm_receive_enabled())
		trace_ipcshm_receive(queue->object.id, msg->size, msg->type, queue->messages,
				     msg->priority, pid_nr(msg->pid));
}

static inline void mark_received(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
				 struct ipcshm_queue_file *qfile, struct ipcshm_process *process)
{
	lockdep_assert_held(&queue->lock);
	queue->received++;
	trace_received(queue, msg);
	msg->request_id = 0;
	if (msg->caller)
		ipcshm_call_begin(queue, msg, qfile, process);
}

/* The lock was only dropped in between; a task that is being killed needn't go on. */
static inline bool should_retry(int err)
{
	if (err != -EBUSY)
		return false;
	cond_resched();
	return !fatal_signal_pending(current);
}

#endif /* IPCSHM_QUEUE_INTERNAL_H */
