/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of the fast path, which queue_fast.c describes. */
#ifndef IPCSHM_QUEUE_FAST_H
#define IPCSHM_QUEUE_FAST_H

#include <linux/sizes.h>

#include "queue_internal.h"
#include "user_copy.h"
#include "view.h"

/* Bytes of a batch that are copied in one critical section, but for the last message. */
#define ROW_BYTES SZ_32K

/* Return whether no task except a sleeping receiver needs to be woken after a change. */
static inline bool is_calm(struct ipcshm_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	/* Without a barrier: see queue_lock(). */
	return !queue->nr_senders && !queue->revoked && !ipcshm_pollers_exist(&queue->pollers);
}

static inline bool can_send(struct ipcshm_queue *queue)
{
	return is_calm(queue) && !(queue->hangup && readers_are_gone(queue));
}

/**
 * struct outgoing - a sender's description of a message, checked
 * @data: address of the payload
 * @size: its size
 * @type: the message's type
 * @priority: its priority
 * @request_id: id of the request that it replies to, or 0
 */
struct outgoing {
	u64 data;
	u64 size;
	u64 type;
	u32 priority;
	u64 request_id;
};

/*
 * Read a sender's structure, between user_read_access_begin() and _end(). Return whether the
 * message may take the fast path, unless @err is set. Members that a plain message must not
 * have are combined by or.
 */
static __always_inline bool get_outgoing(struct outgoing *out,
					 const struct ipcshm_message __user *user, int *err)
{
	u64 other = ipcshm_get_u32(&user->flags, err);

	out->data = ipcshm_get_u64(&user->data, err);
	out->size = ipcshm_get_u64(&user->size, err);
	out->type = ipcshm_get_u64(&user->type, err);
	out->priority = ipcshm_get_u32(&user->priority, err);
	other |= ipcshm_get_u32(&user->segments, err);
	other |= ipcshm_get_u32(&user->fd_count, err);
	other |= ipcshm_get_u64(&user->ack_id, err);
	out->request_id = ipcshm_get_u64(&user->request_id, err);
	return !other && out->priority <= IPCSHM_PRIORITY_MAX;
}

/* Copy a payload to a spare message, which stays spare. NULL: there is none, or a page fault. */
static __always_inline struct ipcshm_msg *load_spare(struct ipcshm_queue *queue,
						     const struct outgoing *out)
{
	/* Without ipcshm_slot_class() for most sizes. */
	u32 slot_class = likely(out->size <= IPCSHM_WORDS_MAX) ?
			 out->size > IPCSHM_SLOT_MIN_PAYLOAD : ipcshm_slot_class(out->size);
	struct ipcshm_msg *msg = queue->spares.first[slot_class];

	BUILD_BUG_ON(IPCSHM_WORDS_MAX > IPCSHM_SLOT_MIN_PAYLOAD + IPCSHM_SLOT_MIN);
	if (unlikely(!msg ||
		     !ipcshm_slot_get(msg->data, u64_to_user_ptr(out->data), out->size)))
		return NULL;
	return msg;
}

/* Turn the spare message that was loaded into a message from @sender. */
static __always_inline void start_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
					  const struct outgoing *out,
					  const struct ipcshm_sender *sender,
					  struct ipcshm_quotas *payer, u64 time)
{
	ipcshm_spares_pop(&queue->spares, msg->slot_class);
	msg->size = out->size;
	msg->plain = true;
	msg->starved = false;
	msg->returned = false;
	msg->returns = 0;
	msg->charged = payer ? IPCSHM_CHARGED_BYTES : 0;
	msg->sender = NULL;
	msg->caller = NULL;
	msg->payer = payer;
	msg->type = out->type;
	msg->priority = out->priority;
	msg->time = time;
	ipcshm_msg_set_sender(msg, sender);
}

/**
 * struct incoming - a receiver's request, checked
 * @data: address of room for the payload
 * @size: size of that room
 * @match: filter by type
 * @fds: address of room for descriptors, for a receiver that may sleep
 * @ack_id: in a batch that acknowledges: id of the lease to end first, or 0
 * @before: the message of that lease, or NULL, once it was found
 * @fd_count: number of descriptors for which there is room
 */
struct incoming {
	u64 data;
	u64 size;
	struct ipcshm_match match;
	union {
		u64 fds;
		u64 ack_id;
		struct ipcshm_msg *before;
	};
	u32 fd_count;
};

/* Return whether @how is a single filter by type. */
static inline bool is_one_match(u32 how)
{
	return !how || how == IPCSHM_TYPE_EQUAL || how == IPCSHM_TYPE_NOT ||
	       how == IPCSHM_TYPE_UP_TO;
}

/*
 * Read a receiver's structure; see get_outgoing(). @ack_id: set to the id to acknowledge; NULL:
 * there must be none
 */
static __always_inline bool get_incoming(struct incoming *in,
					 const struct ipcshm_message __user *user, u64 *ack_id,
					 int *err)
{
	u64 other = ipcshm_get_u32(&user->segments, err);

	in->data = ipcshm_get_u64(&user->data, err);
	in->size = ipcshm_get_u64(&user->size, err);
	in->match.type = ipcshm_get_u64(&user->type, err);
	in->match.how = ipcshm_get_u32(&user->flags, err);
	in->fds = ipcshm_get_u64(&user->fds, err);
	if (ack_id)
		*ack_id = ipcshm_get_u64(&user->ack_id, err);
	else
		other |= ipcshm_get_u64(&user->ack_id, err);
	in->fd_count = ipcshm_get_u32(&user->fd_count, err);
	return !other && in->fd_count <= IPCSHM_FDS_MAX && is_one_match(in->match.how);
}

/**
 * struct asleep - a receiver that sleeps or is about to
 * @receiver: its entry in the queue
 * @rbuf: its receive buffer
 * @user: the structure that @rbuf refers to
 */
struct asleep {
	struct queue_receiver receiver;
	struct ipcshm_receive_buffer rbuf;
	struct ipcshm_message user;
};

/* Return whether a receiver finds no message and may sleep without waking another task. */
static inline bool can_sleep(struct ipcshm_queue *queue)
{
	return is_calm(queue) && !ipcshm_backlog_first(&queue->queued) &&
	       !ipcshm_backlog_first(&queue->returned) &&
	       !(queue->hangup && writers_are_gone(queue));
}

/* Return whether no other task needs to be woken after a receive, and no message came back. */
static inline bool is_quiet(struct ipcshm_queue *queue)
{
	return !queue->receivers.count && is_calm(queue) &&
	       !ipcshm_backlog_first(&queue->returned);
}

/* Return the next message if it can be received by the fast path, or NULL. */
static __always_inline struct ipcshm_msg *find_plain(const struct ipcshm_queue *queue,
						     const struct incoming *in)
{
	struct ipcshm_msg *msg;

	msg = likely(!in->match.how) ? ipcshm_backlog_first(&queue->queued) :
				       ipcshm_backlog_find(&queue->queued, &in->match);
	/* If another task peeks at the message, the later of the two frees it. */
	if (unlikely(!msg || !msg->plain || msg->size > in->size ||
		     refcount_read(&msg->users) != 1))
		return NULL;
	return msg;
}

/**
 * struct leaving - charges and memory of messages that leave a queue
 * @payer: payer of the current run of messages with one payer, or NULL
 * @cost: their charge
 * @garbage: messages to free, linked by @next
 */
struct leaving {
	struct ipcshm_quotas *payer;
	u64 cost;
	struct ipcshm_msg *garbage;
};

static __always_inline void uncharge_run(struct leaving *leaving)
{
	if (leaving->payer)
		ipcshm_quotas_uncharge_locked(leaving->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
					      leaving->cost);
}

/* Uncharge a message that has left the queue, and make it spare. */
static __always_inline void retire_message(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
					   struct leaving *leaving)
{
	u32 spare = queue->spares.bytes + ipcshm_slot_size(msg->slot_class);

	if (msg->charged) {
		if (leaving->payer != msg->payer) {
			uncharge_run(leaving);
			leaving->payer = msg->payer;
			leaving->cost = 0;
		}
		leaving->cost += ipcshm_msg_cost(msg->size);
		msg->charged = 0;
	}
	if (unlikely(spare > IPCSHM_SPARE_BYTES)) {
		msg = ipcshm_queue_keep_spare(queue, msg);
		if (msg) {
			msg->next = leaving->garbage;
			leaving->garbage = msg;
		}
		return;
	}
	ipcshm_spares_push(&queue->spares, msg);
}

static __always_inline void subtract_messages(struct ipcshm_queue *queue, u32 count, u64 bytes)
{
	queue->received += count;
	queue->messages -= count;
	queue->bytes -= bytes;
	if (unlikely(queue->charged > queue->price))
		ipcshm_queue_refund(queue);
}

struct ipcshm_msg *ipcshm_fast_hand_over(struct ipcshm_queue_file *qfile,
					 const struct outgoing *out,
					 const struct ipcshm_sender *sender, u64 time,
					 struct ipcshm_caller *caller,
					 struct queue_effects *effects);
void ipcshm_fast_prepare_sleep(struct asleep *asleep, const struct incoming *in);
long ipcshm_fast_sleep(struct ipcshm_queue_file *qfile, struct asleep *asleep,
		       const struct ipcshm_timeout *timeout, struct ipcshm_message __user *to);

/* Deliver a message; return whether that was done, without a page fault. */
static __always_inline bool deliver_incoming(const struct ipcshm_msg *msg,
					     const struct incoming *in,
					     const struct ipcshm_view *view, u64 ack_id,
					     struct ipcshm_message __user *to)
{
	return likely(ipcshm_slot_put(u64_to_user_ptr(in->data), msg->data, msg->size)) &&
	       likely(ipcshm_msg_describe(msg, view, 0, ack_id, in->data, to));
}

void ipcshm_fast_free(struct ipcshm_msg *garbage);

/* queue_fast_lease.c */
bool ipcshm_fast_lease(struct ipcshm_queue_file *qfile, const struct incoming *in, u64 ack_id,
		       u64 timeout, struct ipcshm_message __user *to);

/* queue_fast_call.c */
bool ipcshm_fast_call(struct file *file, struct ipcshm_call_args __user *from, long *result);
bool ipcshm_fast_reply_receive(struct file *file, struct ipcshm_call_args __user *from,
			       long *result);

#endif /* IPCSHM_QUEUE_FAST_H */
