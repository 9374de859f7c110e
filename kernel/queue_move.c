// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving messages to another queue: dead letters, and QUEUE_MOVE.
 *
 * A message leaves the first queue under the lock of the first, and enters the second under the
 * lock of the second: the locks do not nest. It keeps its sender, its time, and its returns.
 */
#include <linux/err.h>
#include <linux/sched/signal.h>

#include "queue_internal.h"

/* The queue of dead letters is revoked: the message is lost. */
static void drop_dead_letter(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;

	queue_lock(queue, &effects);
	queue->received--;
	ipcshm_queue_discard(queue, msg, -EKEYREVOKED, &effects);
	queue_unlock(queue, &effects, 0);
}

/* A persistent queue takes no descriptors: see message_files.c. */
static int drop_files(struct ipcshm_msg *msg)
{
	/* The receiver whose lease has expired may still be installing them. */
	if (refcount_read(&msg->users) != 1)
		return -EAGAIN;
	ipcshm_msg_close_files(msg);
	msg->nr_files = 0;
	return 0;
}

/*
 * Send a message that has left its queue through @to. Does not wait.
 *
 * The numbers of two queues do not compare: the message is new in @to, and keeps its number only
 * for the way back.
 *
 * Return: 0, or why it was not sent: -EAGAIN, -EDQUOT, -EPIPE, -EKEYREVOKED.
 */
static int send_moved(struct ipcshm_queue_file *to, struct ipcshm_msg *msg)
{
	static const struct ipcshm_timeout none = { .nonblock = true };
	u64 number = msg->number;
	int sent = 0;

	if (to->queue->persistent && msg->files)
		sent = drop_files(msg);
	if (sent)
		return sent;
	msg->plain = false;	/* the fast path takes only messages of senders */
	msg->returned = false;
	msg->sender = NULL;
	msg->payer = to->payer;
	msg->number = 0;
	do
		sent = ipcshm_queue_send(to, &msg, 1, &none);
	while (sent == -EBUSY);
	if (sent < 0)
		msg->number = number;
	return min(sent, 0);
}

static void send_dead_letter(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	struct ipcshm_queue_file *to = queue->dead_letter_file;
	int err = send_moved(to, msg);

	if (err == -EKEYREVOKED)
		drop_dead_letter(queue, msg);
	else if (err)
		ipcshm_queue_return(queue, msg, to->payer);
}

/**
 * ipcshm_dead_letters_send - send messages that came back too often to their queue
 * @queue: the queue that they come from; has a queue of dead letters
 *
 * One that finds no room there comes back to @queue.
 */
void ipcshm_dead_letters_send(struct ipcshm_queue *queue)
{
	struct ipcshm_msg *msg, *next;
	LIST_HEAD(dead);

	spin_lock(&queue->lock);
	list_splice_init(&queue->dead, &dead);
	spin_unlock(&queue->lock);
	list_for_each_entry_safe(msg, next, &dead, place.equals) {
		send_dead_letter(queue, msg);
		cond_resched();
	}
}

/* QUEUE_MOVE: the messages that a receiver would get. */

/* Return why @msg, which is queued, cannot be moved, or 0. */
static int check_move(const struct ipcshm_msg *msg, const struct ipcshm_queue *to)
{
	/* Its caller waits at the other queue. */
	if (msg->caller)
		return -EOPNOTSUPP;
	if (msg->size > to->max_message_size)
		return -EMSGSIZE;
	return to->persistent && msg->nr_files ? -EPERM : 0;
}

/* Take the next message that matches, which can be moved to @to. -ENOMSG: there is none. */
static struct ipcshm_msg *take_to_move(struct ipcshm_queue *queue, const struct ipcshm_match *match,
				       const struct ipcshm_queue *to)
{
	struct queue_effects effects IPCSHM_UNINITIALIZED;
	struct ipcshm_msg *msg;
	int err;

	queue_lock(queue, &effects);
	msg = find_queued(queue, match);
	err = queue->revoked ? -EKEYREVOKED : msg ? check_move(msg, to) : -ENOMSG;
	if (!err) {
		dequeue_message(queue, msg);
		queue->received++;
		trace_received(queue, msg);
		msg->request_id = 0;
		admit_blocked(queue, &effects);
	}
	queue_unlock(queue, &effects, 0);
	return err ? ERR_PTR(err) : msg;
}

static int move_message(struct ipcshm_queue_file *from, const struct ipcshm_match *match,
			struct ipcshm_queue_file *to)
{
	struct ipcshm_msg *msg = take_to_move(from->queue, match, to->queue);
	u8 returns;
	int err;

	if (IS_ERR(msg))
		return PTR_ERR(msg);
	returns = msg->returns;
	msg->returns = 0;	/* or a dead letter would be one again after one more delivery */
	err = send_moved(to, msg);
	if (err) {
		msg->returns = returns;
		ipcshm_queue_return(from->queue, msg, from->payer);
	}
	return err;
}

/**
 * ipcshm_queue_move - move messages to another queue, the next ones first
 * @from: descriptor of their queue, which has no pool
 * @match: which ones
 * @to: descriptor of another queue
 * @most: how many at most; not more than there are now
 * @moved: number of messages that were moved
 *
 * The last one that was taken comes back to its place if @to does not take it.
 *
 * Return: 0 if any were moved, or there were none; else why not: -EAGAIN, -EDQUOT, -EMSGSIZE,
 * -EPERM, -EPIPE, -EOPNOTSUPP, -EKEYREVOKED.
 */
int ipcshm_queue_move(struct ipcshm_queue_file *from, const struct ipcshm_match *match,
		      struct ipcshm_queue_file *to, u64 most, u64 *moved)
{
	int err = 0;

	most = min_t(u64, most, READ_ONCE(from->queue->messages));
	for (*moved = 0; *moved < most && !fatal_signal_pending(current); ++*moved) {
		err = move_message(from, match, to);
		if (err)
			break;
		cond_resched();
	}
	return *moved || err == -ENOMSG ? 0 : err;
}
