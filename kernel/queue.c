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
 * Nothing here touches user memory, and nothing that has the lock sleeps; the short way has a file
 * of its own, queue_fast.c.
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include "quota.h"
#include "queue_internal.h"
#include "queue_stat_gen.h"
#include "user_copy.h"

/* Room, and what poll has to say. */

static bool is_readable(const struct ipcshm_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return ipcshm_backlog_first(&queue->queued) || ipcshm_backlog_first(&queue->blocked) ||
	       ipcshm_backlog_first(&queue->starved);
}

/*
 * A message of any size, priority and type can be sent.  Receivers who sleep say
 * nothing of that, since they may want another type, but at a rendezvous.
 */
static bool is_writable(const struct ipcshm_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (is_rendezvous(queue) && queue->receivers.count)
		return true;
	return queue->overflow || has_room(queue, queue->max_message_size, 0);
}

/* What a descriptor with both rights would be told. */
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
	now = ipcshm_queue_compute_events(queue);
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

/* There may be quota again for a descriptor that polls. */
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

	ipcshm_object_tell(&queue->object, event);
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

/* Whether a send may have to wait for quota: then poll does so, too. */
bool ipcshm_queue_needs_quota(const struct ipcshm_queue *queue)
{
	return !is_bounded(queue) && !queue->overflow;
}

/* The creator gets back what is paid too much, at last. */
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

/* What a bounded queue may keep of what its creator has paid for. */
#define SPARE_BYTES_MAX SZ_256K

/* Whether the memory of idle messages and of those that are queued has been paid for. */
static bool is_paid(const struct ipcshm_queue *queue, u64 spare_bytes)
{
	return spare_bytes <= SPARE_BYTES_MAX &&
	       spare_bytes + queue->bytes + queue->messages * ipcshm_msg_cost(0) <= queue->price;
}

/*
 * Keep @msg as a spare message. Returns a message that has to be freed, perhaps another one that
 * had to make room; or NULL.
 */
struct ipcshm_msg *ipcshm_queue_keep_spare(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *other;
	u64 bytes;

	lockdep_assert_held(&queue->lock);
	/* If another task peeks at it, the last of both frees it. */
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

/* A spare message for a payload of @size bytes, or NULL. */
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

/* @msg is no longer needed. */
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

/* The moves of a message, all under the queue's lock. */

void ipcshm_queue_block(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct ipcshm_waiter *sender)
{
	lockdep_assert_held(&queue->lock);
	msg->sender = sender;
	msg->starved = false;
	ipcshm_backlog_add(&queue->blocked, msg);
	queue->nr_senders++;
}

/* As ipcshm_queue_block(), for quota; the sender looks after that itself. */
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

/* The message of a blocked sender is accepted.  A caller goes on waiting, for the reply. */
void ipcshm_queue_accept(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct queue_effects *effects)
{
	struct ipcshm_waiter *sender = msg->sender;

	lockdep_assert_held(&queue->lock);
	ipcshm_queue_unblock(queue, msg);
	queue->sent++;
	trace_sent(queue, msg);
	if (!msg->caller)
		ipcshm_waiter_complete(sender, 0, &effects->wakeups);
}

/* There may be room again: admit blocked messages, a few at a time. */
void ipcshm_queue_admit(struct ipcshm_queue *queue, struct queue_effects *effects)
{
	struct ipcshm_msg *msg;

	lockdep_assert_held(&queue->lock);
	while ((msg = ipcshm_backlog_first(&queue->blocked)) && message_fits(queue, msg->size)) {
		effects->unsettled = effects_are_full(effects);
		if (effects->unsettled)
			break;
		effects->admitted++;
		if (charge_or_report(queue, msg)) {
			ipcshm_queue_accept(queue, msg, effects);
			enqueue_message(queue, msg, false);
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

/* A message that was accepted is never received. */
void ipcshm_queue_discard(struct ipcshm_queue *queue, struct ipcshm_msg *msg, int why,
			  struct queue_effects *effects)
{
	lockdep_assert_held(&queue->lock);
	ipcshm_queue_count_drop(queue, msg, effects);
	if (msg->caller)
		ipcshm_call_complete(queue, msg->caller, why, effects);
	list_add_tail(&msg->place.equals, &effects->garbage);
}

/* What the owner can do. */

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

/* All but @stat->stat. */
void ipcshm_queue_get_stat(struct ipcshm_queue *queue, struct ipcshm_queue_stat *stat)
{
	spin_lock(&queue->lock);
	ipcshm_queue_copy_stat(queue, stat);
	stat->senders = queue->nr_senders;
	stat->receivers = queue->receivers.count;
	stat->next_time = message_time(ipcshm_backlog_first(&queue->queued));
	stat->blocked_time = message_time(ipcshm_backlog_first(&queue->blocked) ?:
					  ipcshm_backlog_first(&queue->starved));
	stat->calls = queue->nr_calls;
	spin_unlock(&queue->lock);
	stat->held = atomic_long_read(&queue->held);
	stat->pool_bytes = queue->pool.size;
	stat->pool_used = queue->pool.size ? ipcshm_pool_used(&queue->pool) : 0;
}

/* Its pool and its @max_message_size are set already. */
void ipcshm_queue_init(struct ipcshm_queue *queue)
{
	/* A message in a pool is not plain. */
	queue->plain_bound = queue->pool.size ? 0 :
			     min_t(u32, queue->max_message_size, IPCSHM_WORDS_MAX) + 1;
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
	ipcshm_spares_destroy(&queue->spares);
}
