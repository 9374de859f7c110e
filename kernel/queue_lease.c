// SPDX-License-Identifier: GPL-2.0-only
/*
 * Acknowledged receive. A message that was received with IPCSHM_ACK is leased to the process: it
 * stays one of the queue's messages, and counts for its capacity and its payer, but it is in no
 * backlog. The lease ends when
 *
 * - the process acknowledges the message, which then has been received;
 * - the process returns it, the lease expires, or the process goes: the message comes back, to a
 *   sleeping receiver or to the queue's returned messages, which are sorted by number. After its
 *   last delivery it is a dead letter: it is dropped, or sent to the queue of dead letters.
 *
 * Leases have ids that never repeat, so a late acknowledgment does not find a later lease of the
 * same message. The most recent ones of a process are in a table by id, the older ones in a tree.
 * A request is not leased, since its caller waits for the reply.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "gfp.h"
#include "queue_internal.h"
#include "queue_lease.h"
#include "work.h"

#define LEASED_MSG(node) rb_entry_safe(node, struct ipcshm_msg, lease.by_id)
#define EXPIRING_MSG(node) rb_entry_safe(node, struct ipcshm_msg, lease.by_expiry)

/* Leases, under the queue's lock. */

static bool lease_id_less(struct rb_node *a, const struct rb_node *b)
{
	return LEASED_MSG(a)->lease.id < LEASED_MSG(b)->lease.id;
}

static bool expiry_less(struct rb_node *a, const struct rb_node *b)
{
	return EXPIRING_MSG(a)->lease.expiry < EXPIRING_MSG(b)->lease.expiry;
}

/* Move a lease out of the table of recent ones. */
void ipcshm_lease_make_older(struct ipcshm_leases *leases, struct ipcshm_msg *msg)
{
	rb_add(&msg->lease.by_id, &leases->older, lease_id_less);
}

static int lease_id_compare(const void *key, const struct rb_node *node)
{
	u64 other = rb_entry(node, struct ipcshm_msg, lease.by_id)->lease.id;
	u64 id = *(const u64 *)key;

	return id < other ? -1 : id > other;
}

struct ipcshm_msg *ipcshm_lease_find_older(const struct ipcshm_leases *leases, u64 id)
{
	return LEASED_MSG(rb_find(&id, &leases->older, lease_id_compare));
}

/**
 * struct lease_walk - a walk over the leases of a process, which gets no new ones
 * @leases: the leases
 * @first: the walk of the table begins at the place of this id, mostly with the oldest lease
 * @passed: number of places behind it that are empty
 */
struct lease_walk {
	struct ipcshm_leases *leases;
	u64 first;
	u32 passed;
};

/* Return the message of the next lease, which is to end, or NULL. */
static struct ipcshm_msg *next_lease(struct lease_walk *walk)
{
	struct ipcshm_msg *msg = LEASED_MSG(rb_first(&walk->leases->older));

	for (; !msg && walk->passed < LEASES_RECENT; walk->passed += !msg)
		msg = walk->leases->recent[(walk->first + walk->passed) % LEASES_RECENT];
	return msg;
}

static struct ipcshm_msg *first_expiring(const struct ipcshm_queue *queue)
{
	return EXPIRING_MSG(rb_first_cached(&queue->expiring));
}

/* Run expire_work() when the first lease expires. */
static void arm_expiry(struct ipcshm_queue *queue)
{
	const struct ipcshm_msg *first = first_expiring(queue);
	u64 now = ktime_get_ns(), expiry = first ? first->lease.expiry : 0;

	lockdep_assert_held(&queue->lock);
	if (!first)
		return;
	/* Not before: jiffies are rounded up, and the present one has partly passed. */
	mod_delayed_work(ipcshm_workqueue, &queue->expire_work,
			 expiry > now ? nsecs_to_jiffies(expiry - now) + 2 : 0);
}

/* Set when the lease of @msg expires. @timeout: nanoseconds from now; 0: never */
void ipcshm_lease_set_timeout(struct ipcshm_queue *queue, struct ipcshm_msg *msg, u64 timeout)
{
	struct ipcshm_lease *lease = &msg->lease;

	lockdep_assert_held(&queue->lock);
	if (lease->expiry)
		rb_erase_cached(&lease->by_expiry, &queue->expiring);
	lease->expiry = 0;
	if (!timeout)
		return;
	if (check_add_overflow(ktime_get_ns(), timeout, &lease->expiry))
		lease->expiry = U64_MAX;
	if (rb_add_cached(&lease->by_expiry, &queue->expiring, expiry_less))
		arm_expiry(queue);
}

/**
 * ipcshm_lease_begin - lease a message to a receiver
 * @queue: the queue, which counts the message, while no backlog has it
 * @msg: the message
 * @process: the receiver
 * @criteria: its criteria; @ack_id is set
 *
 * Return: a reference to the message, for its delivery.
 */
struct ipcshm_msg *ipcshm_lease_begin(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
				      struct ipcshm_process *process,
				      struct ipcshm_criteria *criteria)
{
	lockdep_assert_held(&queue->lock);
	trace_received(queue, msg);
	msg->request_id = 0;
	criteria->ack_id = ++queue->ack_id;
	lease_start(queue, msg, process, criteria->ack_id, criteria->ack_timeout);
	queue->unacknowledged++;
	return ipcshm_msg_get(msg);
}

/* The message has been received, and leaves the queue. */
static void acknowledge_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
				struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	lease_end(queue, msg);
	queue->unacknowledged--;
	uncount_queued(queue, msg);
	queue->received++;
	msg = ipcshm_queue_keep_spare(queue, msg);
	if (msg)
		list_add_tail(&msg->place.equals, &effects->garbage);
	admit_blocked(queue, effects);
}

/*
 * Put a message that the queue counts back to its place, or lease it to @receiver, a sleeping
 * receiver that wants a lease, or NULL.
 */
void ipcshm_queue_take_back(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			    struct queue_receiver *receiver, struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	if (receiver) {
		ipcshm_queue_lease_to(queue, msg, receiver, effects);
		return;
	}
	msg->returned = true;
	ipcshm_backlog_add_returned(&queue->returned, msg);
}

/* The queue is revoked, or the message has been delivered too often. */
static void remove_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			   struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	uncount_queued(queue, msg);
	if (queue->dead_letter_file && !queue->revoked) {
		queue->received++;
		list_add_tail(&msg->place.equals, &queue->dead);
	} else {
		ipcshm_queue_discard(queue, msg, -EKEYREVOKED, effects);
	}
	admit_blocked(queue, effects);
}

/*
 * The message comes back. @delivered: the receiver got it. -EBUSY if the lock has to be dropped
 * before. unlock_returns() drops it, since the message may be a dead letter.
 */
static int return_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg, bool delivered,
			  struct queue_effects *effects)
{
	struct queue_receiver *receiver = NULL;
	bool is_last = delivered && queue->max_deliveries &&
		       msg->returns + 1 >= queue->max_deliveries;
	int err = 0;

	lockdep_assert_held(&queue->lock);
	if (!queue->revoked && !is_last)
		err = ipcshm_queue_find_receiver(queue, msg, &receiver, effects);
	if (err)
		return err;
	lease_end(queue, msg);
	queue->unacknowledged--;
	if (delivered) {
		queue->returns++;
		queue->dead_letters += is_last;
		msg->returns = min_t(u32, msg->returns + 1, U8_MAX);
	}
	if (queue->revoked || is_last) {
		remove_message(queue, msg, effects);
	} else if (receiver && !is_leased_by(receiver, msg)) {
		uncount_queued(queue, msg);
		ipcshm_queue_hand_over(queue, msg, receiver, effects);
		admit_blocked(queue, effects);
	} else {
		ipcshm_queue_take_back(queue, msg, receiver, effects);
	}
	return 0;
}

static inline void unlock_returns(struct ipcshm_queue *queue, struct queue_effects *effects)
{
	bool has_dead = !list_empty(&queue->dead);

	queue_unlock(queue, effects, READABLE);
	if (has_dead)
		ipcshm_dead_letters_send(queue);
}

/* Messages come back a few at a time. */

/* Return whether there may be more. */
static bool return_some(struct ipcshm_queue *queue, struct lease_walk *walk)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	struct ipcshm_msg *msg = NULL;
	int i, err = 0;

	queue_lock(queue, &effects);
	for (i = 0; i < QUEUE_LOCK_BATCH && !err && !effects_are_full(&effects); i++) {
		msg = next_lease(walk);
		if (!msg)
			break;
		err = return_message(queue, msg, true, &effects);
	}
	unlock_returns(queue, &effects);
	cond_resched();
	return msg;
}

/**
 * ipcshm_leases_return - return all messages that a process has not acknowledged
 * @queue: the queue
 * @process: the process, which does not receive more messages
 */
void ipcshm_leases_return(struct ipcshm_queue *queue, struct ipcshm_process *process)
{
	struct lease_walk walk = {
		.leases = READ_ONCE(process->leases),
		.first = READ_ONCE(queue->ack_id) + 1,
	};

	while (walk.leases && return_some(queue, &walk))
		;
}

/* Return whether leases have expired whose messages are still to be returned. */
static bool expire_some(struct ipcshm_queue *queue)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	u64 now = ktime_get_ns();
	struct ipcshm_msg *msg;
	bool more = false;
	int i;

	queue_lock(queue, &effects);
	for (i = 0; (msg = first_expiring(queue)) && msg->lease.expiry <= now; i++) {
		more = i == QUEUE_LOCK_BATCH || effects_are_full(&effects) ||
		       return_message(queue, msg, true, &effects);
		if (more)
			break;
	}
	if (!more)
		arm_expiry(queue);
	unlock_returns(queue, &effects);
	cond_resched();
	return more;
}

static void expire_work(struct work_struct *work)
{
	struct ipcshm_queue *queue =
		container_of(to_delayed_work(work), struct ipcshm_queue, expire_work);

	while (expire_some(queue))
		;
}

void ipcshm_leases_init(struct ipcshm_queue *queue)
{
	queue->expiring = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&queue->dead);
	INIT_DELAYED_WORK(&queue->expire_work, expire_work);
}

/**
 * ipcshm_leases_prepare - prepare a process for its first lease
 * @process: the current process
 *
 * Return: 0 or -ENOMEM.
 */
int ipcshm_leases_prepare(struct ipcshm_process *process)
{
	struct ipcshm_leases *leases;

	if (READ_ONCE(process->leases))
		return 0;
	leases = kzalloc(sizeof(*leases), IPCSHM_GFP);
	if (!leases)
		return -ENOMEM;
	/* Another thread may have been faster. */
	if (cmpxchg(&process->leases, NULL, leases))
		kfree(leases);
	return 0;
}

/* No message is leased. */
void ipcshm_leases_destroy(struct ipcshm_queue *queue)
{
	cancel_delayed_work_sync(&queue->expire_work);
}

/**
 * ipcshm_lease_undo - return a message that was leased and not delivered
 * @qfile: the receiver's queue file
 * @msg: the message, a reference
 * @id: id of the lease
 */
void ipcshm_lease_undo(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg, u64 id)
{
	struct ipcshm_process *process = ipcshm_process_find(&qfile->processes);
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	int err;

	do {
		queue_lock(qfile->queue, &effects);
		/* Another thread may have ended the lease. */
		err = process && find_lease(process, id) == msg ?
			      return_message(qfile->queue, msg, false, &effects) : 0;
		queue_unlock(qfile->queue, &effects, READABLE);
	} while (err);
	ipcshm_msg_put(msg);
}

/* Operations of a receiver. */

/* -EBUSY if the lock has to be dropped before. */
static int end_lease(struct ipcshm_queue *queue, struct ipcshm_process *process, u64 id, u32 flags,
		     u64 timeout, struct queue_effects *effects)
{
	struct ipcshm_msg *msg = process ? find_lease(process, id) : NULL;

	lockdep_assert_held(&queue->lock);
	if (queue->revoked)
		return -EKEYREVOKED;
	if (!msg)
		return -ESRCH;
	if (flags & IPCSHM_ACK_RETURN)
		return return_message(queue, msg, true, effects);
	if (flags & IPCSHM_ACK_EXTEND)
		ipcshm_lease_set_timeout(queue, msg, timeout);
	else
		acknowledge_message(queue, msg, effects);
	return 0;
}

/**
 * ipcshm_queue_acknowledge - acknowledge messages, return them, or extend their leases
 * @qfile: the receiver's queue file
 * @ids: ids of leases
 * @count: number of @ids, at most QUEUE_LOCK_BATCH
 * @flags: 0, IPCSHM_ACK_RETURN or IPCSHM_ACK_EXTEND
 * @timeout: with IPCSHM_ACK_EXTEND, nanoseconds from now, or 0
 *
 * Return: how many of the leases, from the first; or an error if there are none: -ESRCH,
 * -EKEYREVOKED.
 */
int ipcshm_queue_acknowledge(struct ipcshm_queue_file *qfile, const u64 *ids, int count, u32 flags,
			     u64 timeout)
{
	struct ipcshm_process *process = ipcshm_process_find(&qfile->processes);
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	int done = 0, err = 0;

	do {
		queue_lock(qfile->queue, &effects);
		for (err = 0; done < count && !err && !effects_are_full(&effects); done += !err)
			err = end_lease(qfile->queue, process, ids[done], flags, timeout, &effects);
		if (flags & IPCSHM_ACK_RETURN)
			unlock_returns(qfile->queue, &effects);
		else
			queue_unlock(qfile->queue, &effects, 0);
	} while (done < count && (!err || err == -EBUSY));
	return done ?: err;
}
