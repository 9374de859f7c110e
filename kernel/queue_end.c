// SPDX-License-Identifier: GPL-2.0-only
/* The end of waits: descriptors and processes come and go, the owner drains and revokes. */
#include <linux/sched.h>

#include "quota.h"
#include "queue_internal.h"
#include "queue_lease.h"
#include "work.h"

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

	lockdep_assert_held(&queue->lock);
	list_for_each_entry_safe(call, next, &queue->calls, link) {
		if (effects_are_full(effects))
			break;
		ipcshm_call_end(queue, call, scope->err, effects);
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

	lockdep_assert_held(&queue->lock);
	while (!effects_are_full(effects) && (call = first_bound_call(scope)))
		ipcshm_call_end(queue, call, scope->err, effects);
}

static void senders_end(struct ipcshm_queue *queue, const struct end_scope *scope,
			struct queue_effects *effects)
{
	struct ipcshm_msg *msg;

	lockdep_assert_held(&queue->lock);
	while (!effects_are_full(effects) && (msg = ipcshm_backlog_first(&queue->blocked) ?:
						    ipcshm_backlog_first(&queue->starved))) {
		struct ipcshm_waiter *sender = msg->sender;

		ipcshm_queue_unblock(queue, msg);
		ipcshm_waits_remove(sender);
		ipcshm_waiter_complete(sender, scope->err, &effects->wakeups);
	}
}

static void receivers_end(struct ipcshm_queue *queue, const struct end_scope *scope,
			  struct queue_effects *effects)
{
	struct ipcshm_sleeper *sleeper;

	lockdep_assert_held(&queue->lock);
	while (!effects_are_full(effects) && (sleeper = ipcshm_sleepers_some(&queue->receivers)))
		receiver_complete(queue, container_of(sleeper, struct queue_receiver, sleeper),
				  scope->err, effects);
}

/* A few at a time.  A new wait fails with the same error at once. */
static void waits_end(struct ipcshm_queue *queue, const struct end_scope *scope)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;
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

/* A descriptor goes.  The requests that it received will not get a reply. */
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
	struct queue_effects effects IPCSHM_UNINITIALIZED;

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
	ipcshm_interrupted_end_all(qfile, process);
	ipcshm_leases_return(qfile->queue, process);
}

/**
 * ipcshm_queue_cancel - end the waits through a queue file, or let tasks wait again
 * @qfile: the queue file
 * @undo: let tasks wait again
 */
void ipcshm_queue_cancel(struct ipcshm_queue_file *qfile, bool undo)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	bool more;

	do {
		queue_lock(queue, &effects);
		qfile->waits.cancelled = !undo;
		more = !undo && ipcshm_waits_cancel_some(&qfile->waits, &effects.wakeups);
		queue_unlock(queue, &effects, 0);
		cond_resched();
	} while (more);
}

static u64 drain_some(struct ipcshm_queue *queue, u64 most)
{
	struct ipcshm_msg *msg;
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	u64 count;

	queue_lock(queue, &effects);
	for (count = 0; count < min_t(u64, most, QUEUE_LOCK_BATCH); count++) {
		msg = first_queued(queue);
		if (!msg)
			break;
		dequeue_message(queue, msg);
		ipcshm_queue_discard(queue, msg, -ENOBUFS, &effects);
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

/* Work after the revocation, whose time depends on the numbers of waits and messages. */
void ipcshm_queue_work(struct work_struct *work)
{
	struct ipcshm_queue *queue = container_of(work, struct ipcshm_queue, work);
	struct end_scope scope = { .senders = true, .receivers = true, .err = -EKEYREVOKED };

	waits_end(queue, &scope);
	while (ipcshm_queue_drain(queue))
		;
	complete_all(&queue->emptied);
}

/*
 * Refuse every operation from here on, and leave the rest to ipcshm_queue_work(), since other
 * requests of netlink wait for this one.
 */
void ipcshm_queue_revoke(struct ipcshm_queue *queue)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;

	queue_lock(queue, &effects);
	WRITE_ONCE(queue->revoked, true);
	queue->price = 0;
	ipcshm_queue_refund(queue);
	queue_unlock(queue, &effects, 0);
	ipcshm_object_unlink(&queue->object);
	queue_work(ipcshm_workqueue, &queue->work);
}
