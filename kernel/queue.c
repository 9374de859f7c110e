// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: the path of a message from sender to receiver.
 *
 *   sender ---------------------------------> receiver	a receiver sleeps: handed over
 *   sender --> queued ----------------------> receiver	the queue has room
 *   sender --> blocked --> queued ----------> receiver	the queue is full: the sender sleeps
 *   sender --> blocked ---------------------> receiver	a rendezvous has no room at all
 *   sender --> starved --> queued ----------> receiver	the quota is used up: the sender sleeps
 *
 *   ... --> queued --> leased --------------> receiver	it acknowledges the message
 *             returned --> ...				or the message comes back
 *
 * Invariants while the lock is free: no sleeping receiver accepts a message that is queued or
 * returned, or, unless it wants a lease, one that is blocked or starved; if senders are blocked,
 * the first of the blocked messages has no room.
 *
 * The creator of a bounded queue pays for its capacity. The messages in an unbounded queue
 * are charged to their senders. A message that belongs to a sleeping task, which is a
 * blocked message or a request whose caller waits, is not charged.
 *
 * Nothing here accesses user memory, and no task sleeps with the lock held. The fast path is
 * in queue_fast.c.
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include "quota.h"
#include "queue_internal.h"
#include "queue_lease.h"
#include "queue_stat_gen.h"
#include "user_copy.h"

/* Room, and the events that poll reports. */

static bool is_readable(const struct ipcshm_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (ipcshm_backlog_first(&queue->queued) || ipcshm_backlog_first(&queue->returned) ||
	    ipcshm_backlog_first(&queue->starved))
		return true;
	/* Only leased messages and a rendezvous block senders without a message to lease. */
	return ipcshm_backlog_first(&queue->blocked) && !queue->unacknowledged;
}

/*
 * Return whether a message of any size, priority and type can be sent. Sleeping receivers do
 * not count, since they may accept other types only, except at a rendezvous.
 */
static bool is_writable(const struct ipcshm_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (is_rendezvous(queue) && queue->receivers.count)
		return true;
	return queue->overflow || has_room(queue, queue->max_message_size, 0);
}

/* The events that poll reports on a descriptor with both rights. */
__poll_t ipcshm_queue_compute_events(const struct ipcshm_queue *queue)
{
	__poll_t events = 0;

	lockdep_assert_held(&queue->lock);
	if (queue->revoked)
		return EPOLLERR | EPOLLHUP;
	if (is_readable(queue))
		events |= READABLE;
	if (is_writable(queue))
		events |= WRITABLE;
	if (queue->readers && queue->writers)
		events |= PEERS;
	if (queue->hangup && writers_are_gone(queue))
		events |= READABLE | EPOLLRDHUP | EPOLLHUP;
	if (queue->hangup && readers_are_gone(queue))
		events |= WRITABLE | EPOLLERR;
	return events;
}

__poll_t ipcshm_queue_events(struct ipcshm_queue *queue, fmode_t mode)
{
	bool revoked;
	__poll_t now;

	spin_lock(&queue->lock);
	now = ipcshm_queue_compute_events(queue);
	revoked = queue->revoked;
	if (!revoked && !ipcshm_queue_has_peer(queue, mode))
		now &= ~PEERS;
	spin_unlock(&queue->lock);
	if (revoked)
		return now;
	if (!(mode & FMODE_READ))
		now &= ~(READABLE | EPOLLRDHUP | EPOLLHUP);
	if (!(mode & FMODE_WRITE))
		now &= ~(WRITABLE | EPOLLERR);
	return now;
}

/* Wake pollers of a descriptor because there may be quota again. */
void ipcshm_queue_wake_senders(struct ipcshm_queue *queue)
{
	ipcshm_pollers_wake(&queue->pollers, WRITABLE);
}

void ipcshm_queue_notify_drops(const struct ipcshm_queue *queue, u32 messages)
{
	struct ipcshm_notification event = {
		.type = IPCSHM_NOTIFY_TYPE_DROP,
		.messages = messages,
	};

	ipcshm_object_notify(&queue->object, event);
}

/* Charges of a queue's creator, under the queue's lock. */

/* Return the cost of a capacity: that of the most messages in it, or 0 if it is unbounded. */
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

/* Return whether a send, and therefore poll, may have to wait for quota. */
bool ipcshm_queue_needs_quota(const struct ipcshm_queue *queue)
{
	return !is_bounded(queue) && !queue->overflow;
}

/* Refund the creator for capacity that the queue no longer has. */
void ipcshm_queue_refund(struct ipcshm_queue *queue)
{
	u64 need = max(queue->price, queue->bytes + queue->messages * ipcshm_msg_cost(0));

	lockdep_assert_held(&queue->lock);
	if (need >= queue->charged)
		return;
	ipcshm_quotas_uncharge(queue->object.payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
			       queue->charged - need);
	queue->charged = need;
}

/* Spare messages. */

/* The memory of idle messages that a bounded queue may keep, as part of its price. */
#define SPARE_BYTES_MAX SZ_256K

/*
 * Return whether the price covers the idle and the queued messages. A slot has less than twice the
 * bytes that its message costs, so both together take no more memory than a full queue may.
 */
static bool is_paid(const struct ipcshm_queue *queue, u64 spare_bytes)
{
	BUILD_BUG_ON(IPCSHM_SLOT_MIN > 2 * sizeof(struct ipcshm_msg));
	return spare_bytes <= SPARE_BYTES_MAX &&
	       spare_bytes / 2 + queue->bytes + queue->messages * ipcshm_msg_cost(0) <=
	       queue->price;
}

/*
 * Keep @msg as a spare message. Return a message to free, which may be another one that @msg
 * replaces, or NULL.
 */
struct ipcshm_msg *ipcshm_queue_keep_spare(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *other;
	u64 bytes;

	lockdep_assert_held(&queue->lock);
	/* If another task peeks at the message, the later of the two frees it. */
	if (msg->slot_class == IPCSHM_SLOT_NONE || msg->nr_files ||
	    refcount_read(&msg->users) != 1 || WARN_ON_ONCE(msg->charged))
		return msg;
	bytes = queue->spares.bytes + ipcshm_slot_size(msg->slot_class);
	if (likely(bytes <= IPCSHM_SPARE_BYTES) || is_paid(queue, bytes)) {
		ipcshm_spares_push(&queue->spares, msg);
		return NULL;
	}
	other = ipcshm_spares_pop_other(&queue->spares, msg->slot_class);
	if (!other)
		return msg;
	bytes -= ipcshm_slot_size(other->slot_class);
	if (bytes > IPCSHM_SPARE_BYTES && !is_paid(queue, bytes)) {
		ipcshm_spares_push(&queue->spares, other);
		return msg;
	}
	ipcshm_spares_push(&queue->spares, msg);
	return other;
}

/* Return a spare message for a payload of @size bytes, or NULL. */
struct ipcshm_msg *ipcshm_queue_pop_spare(struct ipcshm_queue *queue, size_t size)
{
	struct ipcshm_msg *msg;
	u32 slot_class;

	if (size > IPCSHM_SMALL_MAX)
		return NULL;
	slot_class = ipcshm_slot_class(size);
	if (!READ_ONCE(queue->spares.first[slot_class]))
		return NULL;
	spin_lock(&queue->lock);
	msg = ipcshm_spares_pop(&queue->spares, slot_class);
	spin_unlock(&queue->lock);
	return msg;
}

/* Recycle or free a message. */
void ipcshm_queue_recycle(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *garbage = msg;

	if (likely(msg->slot_class != IPCSHM_SLOT_NONE)) {
		spin_lock(&queue->lock);
		garbage = ipcshm_queue_keep_spare(queue, msg);
		spin_unlock(&queue->lock);
	}
	if (unlikely(garbage))
		ipcshm_msg_put(garbage);
}

/* State changes of a message, under the queue's lock. */

void ipcshm_queue_block(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct ipcshm_waiter *sender)
{
	lockdep_assert_held(&queue->lock);
	msg->sender = sender;
	msg->starved = false;
	ipcshm_backlog_add(&queue->blocked, msg);
	queue->nr_senders++;
}

/* As ipcshm_queue_block(), for quota: the sender itself tries to charge again. */
void ipcshm_queue_starve(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct ipcshm_waiter *sender)
{
	lockdep_assert_held(&queue->lock);
	msg->sender = sender;
	msg->starved = true;
	ipcshm_backlog_add(&queue->starved, msg);
	queue->nr_senders++;
}

void ipcshm_queue_unblock(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	lockdep_assert_held(&queue->lock);
	ipcshm_backlog_remove(msg->starved ? &queue->starved : &queue->blocked, msg);
	queue->nr_senders--;
	msg->sender = NULL;
}

/* Accept the message of a blocked sender. A caller continues to wait, for the reply. */
void ipcshm_queue_accept(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct queue_effects *effects)
{
	struct ipcshm_waiter *sender = msg->sender;

	lockdep_assert_held(&queue->lock);
	ipcshm_queue_unblock(queue, msg);
	queue->sent++;
	trace_sent(queue, msg);
	if (msg->caller)
		return;
	ipcshm_waits_remove(sender);
	ipcshm_waiter_complete(sender, 0, &effects->wakeups);
}

/* Admit blocked messages as far as there is room, a few at a time. */
void ipcshm_queue_admit(struct ipcshm_queue *queue, struct queue_effects *effects)
{
	struct queue_receiver *receiver;
	struct ipcshm_msg *msg;

	lockdep_assert_held(&queue->lock);
	while ((msg = ipcshm_backlog_first(&queue->blocked)) && message_fits(queue, msg->size)) {
		effects->unsettled = effects_are_full(effects) ||
				     ipcshm_queue_find_receiver(queue, msg, &receiver, effects);
		if (effects->unsettled)
			break;
		effects->steps++;
		if (charge_or_report(queue, msg)) {
			ipcshm_queue_accept(queue, msg, effects);
			ipcshm_queue_place(queue, msg, receiver, effects);
		} else {
			struct ipcshm_waiter *sender = msg->sender;

			ipcshm_queue_unblock(queue, msg);
			ipcshm_queue_starve(queue, msg, sender);
			ipcshm_waiter_poke(sender, &effects->wakeups);
		}
	}
}

/* Restore the invariants (see the top of this file) after a change that stopped early. */
void ipcshm_queue_settle(struct ipcshm_queue *queue)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;

	do {
		cond_resched();
		queue_lock(queue, &effects);
		admit_blocked(queue, &effects);
		queue_unlock_unsettled(queue, &effects, 0);
	} while (effects.unsettled);
}

void ipcshm_queue_count_drop(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			     struct queue_effects *effects)
{
	queue->dropped++;
	effects->dropped++;
	trace_ipcshm_drop(queue->object.id, msg->size, msg->type, queue->messages,
			  msg->priority, pid_nr(msg->pid));
}

/* Count an accepted message that is never received. */
void ipcshm_queue_discard(struct ipcshm_queue *queue, struct ipcshm_msg *msg, int why,
			  struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	ipcshm_queue_count_drop(queue, msg, effects);
	if (msg->caller)
		ipcshm_call_complete(queue, msg->caller, why, effects);
	list_add_tail(&msg->place.equals, &effects->garbage);
}

/* Operations of the owner. */

/* Charge a larger capacity at once; refund a smaller one as messages leave. */
static int change_price(struct ipcshm_queue *queue, const struct ipcshm_queue_set_args *args)
{
	u64 price = ipcshm_queue_price(args->max_messages, args->max_bytes,
				       queue->max_message_size);
	int err;

	lockdep_assert_held(&queue->lock);
	if (price > queue->charged) {
		err = ipcshm_quotas_charge(queue->object.payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
					   price - queue->charged);
		if (err)
			return err;
		queue->charged = price;
	}
	queue->price = price;
	ipcshm_queue_refund(queue);
	return 0;
}

int ipcshm_queue_set(struct ipcshm_queue *queue, const struct ipcshm_queue_set_args *args)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;
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

static u64 message_time(const struct ipcshm_msg *msg)
{
	return msg ? msg->time + ipcshm_timens_offset() : 0;
}

/* Fill in everything except @stat->stat. */
void ipcshm_queue_get_stat(struct ipcshm_queue *queue, struct ipcshm_queue_stat *stat)
{
	spin_lock(&queue->lock);
	ipcshm_queue_copy_stat(queue, stat);
	stat->senders = queue->nr_senders;
	stat->receivers = queue->receivers.count;
	stat->next_time = message_time(first_queued(queue));
	stat->blocked_time = message_time(ipcshm_backlog_first(&queue->blocked) ?:
					  ipcshm_backlog_first(&queue->starved));
	stat->calls = queue->nr_calls;
	if (queue->dead_letter_file)
		stat->dead_letter_id = queue->dead_letter_file->queue->object.id;
	spin_unlock(&queue->lock);
	stat->held = atomic_long_read(&queue->held);
	stat->pool_bytes = queue->pool.size;
	stat->pool_used = queue->pool.size ? ipcshm_pool_used(&queue->pool) : 0;
}

/* Initialize a queue whose pool and @max_message_size are set. */
void ipcshm_queue_init(struct ipcshm_queue *queue)
{
	/* messages in a pool are not plain */
	queue->plain_bound = queue->pool.size ? 0 :
			     min_t(u32, queue->max_message_size, IPCSHM_SMALL_MAX) + 1;
	spin_lock_init(&queue->lock);
	ipcshm_sleepers_init(&queue->receivers);
	INIT_LIST_HEAD(&queue->calls);
	ipcshm_pollers_init(&queue->pollers);
	ipcshm_leases_init(queue);
	INIT_WORK(&queue->work, ipcshm_queue_work);
	init_completion(&queue->emptied);
}

/* No task is blocked, since each has a file of the queue open. */
void ipcshm_queue_destroy(struct ipcshm_queue *queue)
{
	cancel_work_sync(&queue->work);
	while (ipcshm_queue_drain(queue))
		;
	ipcshm_leases_destroy(queue);
	ipcshm_pollers_destroy(&queue->pollers);
	ipcshm_spares_destroy(&queue->spares);
}
