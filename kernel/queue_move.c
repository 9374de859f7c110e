// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving messages to another queue: dead letters.
 *
 * A message leaves the first queue under the lock of the first, and enters the second under the
 * lock of the second: the locks do not nest. It keeps its sender, its time, and its returns.
 */
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
 * Return: 0, or why it was not sent: -EAGAIN, -EDQUOT, -EPIPE, -EKEYREVOKED.
 */
static int send_moved(struct ipcshm_queue_file *to, struct ipcshm_msg *msg)
{
	static const struct ipcshm_timeout none = { .nonblock = true };
	int sent = 0;

	if (to->queue->persistent && msg->files)
		sent = drop_files(msg);
	if (sent)
		return sent;
	msg->plain = false;	/* the fast path takes only messages of senders */
	msg->returned = false;
	msg->sender = NULL;
	msg->payer = to->payer;
	do
		sent = ipcshm_queue_send(to, &msg, 1, &none);
	while (sent == -EBUSY);
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
