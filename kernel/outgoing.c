// SPDX-License-Identifier: GPL-2.0-only
/* Messages from the data of senders. */
#include <linux/slab.h>
#include <linux/uio.h>

#include "outgoing.h"
#include "queue_file.h"
#include "user_buffer.h"
#include "user_copy.h"

/*
 * A persistent queue is held by its network namespace.  A file can hold that namespace in
 * turn, if only by the mount that it lies on, and then neither would ever be freed.  A
 * reply never waits in the queue.
 */
static bool may_carry_fds(const struct ipcshm_queue *queue, const struct ipcshm_message *user)
{
	return !queue->persistent || user->request_id;
}

/* All receivers can read the pool; a reply is for one caller. */
static struct ipcshm_pool *pool_for(struct ipcshm_queue *queue, const struct ipcshm_message *user)
{
	return queue->pool.size && !user->request_id ? &queue->pool : NULL;
}

/* A message of the data at @from, with the checked attributes of @user; or an error. */
struct ipcshm_msg *ipcshm_outgoing_create(struct ipcshm_queue_file *qfile,
					  const struct ipcshm_message *user, struct iov_iter *from)
{
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_pool *pool;

	if (iov_iter_count(from) > queue->max_message_size)
		return ERR_PTR(-EMSGSIZE);
	if (user->fd_count && !may_carry_fds(queue, user))
		return ERR_PTR(-EPERM);
	pool = pool_for(queue, user);
	return ipcshm_msg_create(user, from, pool, qfile->payer,
				 pool ? NULL : ipcshm_queue_pop_spare(queue, iov_iter_count(from)));
}

/* A spare message with a small payload that is in one piece; NULL: take the long way. */
static struct ipcshm_msg *load_words(struct ipcshm_queue_file *qfile,
				     const struct ipcshm_message *user)
{
	const struct ipcshm_sender sender = ipcshm_sender_current();
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_msg *msg;

	if (user->segments || user->fd_count || user->size > IPCSHM_WORDS_MAX ||
	    user->size > queue->max_message_size || pool_for(queue, user))
		return NULL;
	msg = ipcshm_queue_pop_spare(queue, user->size);
	if (!msg)
		return NULL;
	if (!ipcshm_payload_get(msg->data, u64_to_user_ptr(user->data), user->size)) {
		ipcshm_queue_recycle(queue, msg);
		return NULL;
	}
	ipcshm_msg_reset(msg, user->size, qfile->payer);
	msg->plain = true;
	msg->type = user->type;
	msg->priority = user->priority;
	msg->time = ktime_get_ns();
	ipcshm_msg_set_sender(msg, &sender);
	return msg;
}

/* As ipcshm_outgoing_create(), with the payload described in @user as well. */
struct ipcshm_msg *ipcshm_outgoing_load(struct ipcshm_queue_file *qfile,
					const struct ipcshm_message *user)
{
	struct ipcshm_buffer buffer;
	struct ipcshm_msg *msg;
	int err;

	msg = load_words(qfile, user);
	if (likely(msg))
		return msg;
	err = ipcshm_buffer_get(user, WRITE, &buffer);
	if (err)
		return ERR_PTR(err);
	msg = ipcshm_outgoing_create(qfile, user, &buffer.iter);
	kfree(buffer.segments);
	return msg;
}
