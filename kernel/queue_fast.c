// SPDX-License-Identifier: GPL-2.0-only
/*
 * The short way of a message, where nothing but the message and the queue is concerned: no task
 * sleeps, polls or is blocked, and there is room. It has a small payload in one piece and no
 * descriptors, and memory for it is spare. Anything else takes the general way, which this file
 * leaves untouched: each function here either does all or nothing.
 */
#include "queue_internal.h"
#include "user_copy.h"

/* No other task has to learn of a change. */
static inline bool is_quiet(struct ipcshm_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	/* Without a barrier: see queue_lock(). */
	return !queue->receivers.count && !queue->nr_senders && !queue->revoked &&
	       !ipcshm_pollers_exist(&queue->pollers);
}

static inline bool can_send(struct ipcshm_queue *queue, size_t size)
{
	return is_quiet(queue) && message_fits(queue, size) &&
	       !(queue->hangup && readers_are_gone(queue));
}

static inline void enqueue_new(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	msg->number = ++queue->number;
	queue->sent++;
	trace_sent(queue, msg);
	enqueue_message(queue, msg, false);
}

/**
 * ipcshm_queue_send_fast - send a message the short way
 * @qfile: through which descriptor, which may send
 * @user: the message, checked
 *
 * Return: whether it has been sent.
 */
bool ipcshm_queue_send_fast(struct ipcshm_queue_file *qfile, const struct ipcshm_message *user)
{
	unsigned long payload[IPCSHM_WORDS_MAX / sizeof(long)] IPCSHM_UNINITIALIZED;
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_msg *msg = NULL;
	struct shortage shortage;
	size_t size = user->size;
	u64 time;

	if (user->size > IPCSHM_WORDS_MAX || size > queue->max_message_size || queue->pool.size ||
	    user->segments | user->fd_count)
		return false;
	if (!ipcshm_payload_get(payload, u64_to_user_ptr(user->data), size))
		return false;
	time = ktime_get_ns();
	spin_lock(&queue->lock);
	if (likely(can_send(queue, size)))
		msg = ipcshm_spares_pop(&queue->spares, ipcshm_slot_class(size));
	if (unlikely(!msg)) {
		spin_unlock(&queue->lock);
		return false;
	}
	ipcshm_payload_move(msg->data, payload, size);
	ipcshm_msg_start(msg, user, qfile->payer, time);
	if (unlikely(!charge_payer(queue, msg, &shortage))) {
		ipcshm_spares_push(&queue->spares, msg);
		spin_unlock(&queue->lock);
		return false;
	}
	enqueue_new(queue, msg);
	spin_unlock(&queue->lock);
	return true;
}

/**
 * ipcshm_queue_send_row - send messages the short way
 * @qfile: through which descriptor, which may send
 * @msgs: the messages
 * @count: how many
 *
 * Return: how many the queue has accepted, the first ones.
 */
u32 ipcshm_queue_send_row(struct ipcshm_queue_file *qfile, struct ipcshm_msg *const *msgs,
			  u32 count)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct shortage shortage;
	u32 sent;

	spin_lock(&queue->lock);
	for (sent = 0; sent < count; sent++) {
		if (!can_send(queue, msgs[sent]->size) ||
		    !charge_payer(queue, msgs[sent], &shortage))
			break;
		enqueue_new(queue, msgs[sent]);
	}
	spin_unlock(&queue->lock);
	return sent;
}

/* The next message, if it can be received the short way, or NULL. */
static inline struct ipcshm_msg *take_next(struct ipcshm_queue *queue,
					   const struct ipcshm_match *match, u64 room)
{
	struct ipcshm_msg *msg;

	msg = likely(!match->how) ? ipcshm_backlog_first(&queue->queued) :
				    ipcshm_backlog_find(&queue->queued, match);
	if (unlikely(!msg || !is_quiet(queue) || msg->size > room || msg->caller ||
		     msg->size > IPCSHM_WORDS_MAX || msg->slot_class == IPCSHM_SLOT_NONE ||
		     msg->nr_files))
		return NULL;
	dequeue_message(queue, msg);
	queue->received++;
	trace_received(queue, msg);
	msg->request_id = 0;
	return msg;
}

/**
 * ipcshm_queue_take_fast - receive a message the short way
 * @qfile: through which descriptor, which may receive
 * @user: what is wanted, checked
 *
 * Return: the message, which is the caller's, or NULL.
 */
struct ipcshm_msg *ipcshm_queue_take_fast(struct ipcshm_queue_file *qfile,
					  const struct ipcshm_message *user)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_match match = { .how = user->flags, .type = user->type };
	struct ipcshm_msg *msg;

	spin_lock(&queue->lock);
	msg = take_next(queue, &match, user->size);
	spin_unlock(&queue->lock);
	return msg;
}

/**
 * ipcshm_queue_take_row - receive messages the short way
 * @qfile: through which descriptor, which may receive
 * @rooms: how large they may be
 * @msgs: filled in: the messages, which are the caller's
 * @count: how many
 *
 * Return: how many there are.
 */
u32 ipcshm_queue_take_row(struct ipcshm_queue_file *qfile, const struct ipcshm_room *rooms,
			  struct ipcshm_msg **msgs, u32 count)
{
	static const struct ipcshm_match any;
	struct ipcshm_queue *queue = qfile->queue;
	u32 taken;

	spin_lock(&queue->lock);
	for (taken = 0; taken < count; taken++) {
		msgs[taken] = take_next(queue, &any, rooms[taken].size);
		if (!msgs[taken])
			break;
	}
	spin_unlock(&queue->lock);
	return taken;
}

/* Up to @count spare messages for payloads of @size bytes, in a list; or NULL. */
struct ipcshm_msg *ipcshm_queue_pop_spares(struct ipcshm_queue *queue, size_t size, u32 count)
{
	struct ipcshm_msg *msg, *list = NULL;
	u32 slot_class = ipcshm_slot_class(size);

	spin_lock(&queue->lock);
	while (count-- && (msg = ipcshm_spares_pop(&queue->spares, slot_class))) {
		msg->next = list;
		list = msg;
	}
	spin_unlock(&queue->lock);
	return list;
}

/* The messages are no longer needed. */
void ipcshm_queue_recycle_row(struct ipcshm_queue *queue, struct ipcshm_msg **msgs, u32 count)
{
	u32 i;

	spin_lock(&queue->lock);
	for (i = 0; i < count; i++)
		msgs[i] = ipcshm_queue_keep_spare(queue, msgs[i]);
	spin_unlock(&queue->lock);
	for (i = 0; i < count; i++)
		if (unlikely(msgs[i]))
			ipcshm_msg_put(msgs[i]);
}
