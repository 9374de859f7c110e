// SPDX-License-Identifier: GPL-2.0-only
/* Peers: the descriptors that receive what another one sends. */
#include <linux/poll.h>
#include <linux/wait.h>

#include "queue_internal.h"

void ipcshm_queue_attach(struct ipcshm_queue_file *qfile)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct queue_effects effects IPCSHM_UNINITIALIZED;

	queue_lock(queue, &effects);
	queue->readers += !!(qfile->mode & FMODE_READ);
	queue->writers += !!(qfile->mode & FMODE_WRITE);
	queue->had_reader |= queue->readers;
	queue->had_writer |= queue->writers;
	queue_unlock(queue, &effects, PEERS);
	qfile->attached = true;
}

/* Return whether a descriptor with the rights @mode has a peer: a reader, a writer, or either. */
bool ipcshm_queue_has_peer(const struct ipcshm_queue *queue, fmode_t mode)
{
	const fmode_t both = FMODE_READ | FMODE_WRITE;

	lockdep_assert_held(&queue->lock);
	if ((mode & both) == both)
		return queue->readers > 1 || queue->writers > 1;
	return mode & FMODE_READ ? queue->writers : queue->readers;
}

/**
 * struct peer_wait - a task that waits for a peer
 * @entry: in the queue's pollers
 * @waiter: of the task
 */
struct peer_wait {
	struct wait_queue_entry entry;
	struct ipcshm_waiter waiter;
};

/* Poke the task if there is a new peer, or the queue has been revoked. */
static int peer_wait_wake(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	struct ipcshm_waiter *waiter = &container_of(entry, struct peer_wait, entry)->waiter;

	if (!(key_to_poll(key) & (PEERS | EPOLLERR)))
		return 0;
	WRITE_ONCE(waiter->poked, true);
	return wake_up_process(waiter->task);
}

/* Return 0 if there is a peer, an error, or -EINPROGRESS: the current task has to sleep. */
static int look_for_peer(struct ipcshm_queue_file *qfile, fmode_t mode,
			 struct ipcshm_waiter *waiter)
{
	struct ipcshm_queue *queue = qfile->queue;
	int err = -EINPROGRESS;

	spin_lock(&queue->lock);
	ipcshm_waits_remove(waiter);
	if (queue->revoked)
		err = -EKEYREVOKED;
	else if (ipcshm_queue_has_peer(queue, mode))
		err = 0;
	else
		ipcshm_waits_add(&qfile->waits, waiter);
	spin_unlock(&queue->lock);
	return err;
}

static void leave_waits(struct ipcshm_queue *queue, struct ipcshm_waiter *waiter)
{
	spin_lock(&queue->lock);
	ipcshm_waits_remove(waiter);
	spin_unlock(&queue->lock);
}

/**
 * ipcshm_queue_wait_peer - wait until a queue file has a peer
 * @qfile: the queue file
 * @mode: FMODE_WRITE: wait for a reader; FMODE_READ: for a writer; both: for another file
 * @timeout: when to give up
 *
 * Return: 0, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS, -ECANCELED or -EKEYREVOKED.
 */
int ipcshm_queue_wait_peer(struct ipcshm_queue_file *qfile, fmode_t mode,
			   const struct ipcshm_timeout *timeout)
{
	wait_queue_head_t *head = &qfile->queue->pollers.head;
	struct peer_wait wait;
	int err;

	ipcshm_waiter_init(&wait.waiter);
	init_waitqueue_func_entry(&wait.entry, peer_wait_wake);
	add_wait_queue(head, &wait.entry);
	do {
		err = look_for_peer(qfile, mode, &wait.waiter);
		if (err == -EINPROGRESS && !timeout->nonblock)
			err = ipcshm_waiter_sleep(&wait.waiter, timeout);
	} while (err == -EAGAIN);
	remove_wait_queue(head, &wait.entry);
	leave_waits(qfile->queue, &wait.waiter);
	return err == -EINPROGRESS ? -EAGAIN : err;
}
