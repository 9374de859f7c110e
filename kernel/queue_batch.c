// SPDX-License-Identifier: GPL-2.0-only
/* Batches: many messages in one call, in chunks. */
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "gfp.h"
#include "ioctl.h"
#include "outgoing.h"
#include "queue_batch.h"
#include "queue_lease.h"
#include "receive_buffer.h"

#define CHUNK IPCSHM_ROW
/* Limit of the bytes in a chunk but for one message, since a blocked sender is not charged. */
#define CHUNK_BYTES SZ_1M

/**
 * struct message_array - the remaining messages of the caller
 * @messages: their address
 * @message_size: size of the caller's structure
 */
struct message_array {
	u64 messages;
	u32 message_size;
};

static void __user *array_address(const struct message_array *array, int index)
{
	return u64_to_user_ptr(array->messages + (u64)index * array->message_size);
}

static struct message_array array_from(const struct ipcshm_batch_args *args, int index)
{
	return (struct message_array){
		.messages = args->messages + (u64)index * args->message_size,
		.message_size = args->message_size,
	};
}

/* Return whether the caller's structures have the kernel's size. */
static bool is_current(const struct message_array *array)
{
	return array->message_size == sizeof(struct ipcshm_message);
}

static int user_get(struct ipcshm_message *user, const struct message_array *array, int index)
{
	struct ipcshm_uarg uarg = { .ptr = array_address(array, index),
				    .size = array->message_size };

	return ipcshm_args_get(user, sizeof(*user), IPCSHM_MESSAGE_SIZE_VER0, uarg);
}

/* Sending. */

static int load_message(struct ipcshm_queue_file *qfile, const struct message_array *array,
			int index, struct ipcshm_msg **msg)
{
	struct ipcshm_message user IPCSHM_UNINITIALIZED;
	int err = user_get(&user, array, index);

	if (err)
		return err;
	if (!ipcshm_outgoing_is_valid(&user) || user.request_id)
		return -EINVAL;
	*msg = ipcshm_outgoing_load(qfile, &user);
	return PTR_ERR_OR_ZERO(*msg);
}

/*
 * Send a chunk. The batch ends before the first message that fails, whose error is returned if
 * no message was sent. @count: number of messages to send; set to the number that was tried.
 */
static int send_slowly(struct ipcshm_queue_file *qfile, const struct ipcshm_timeout *timeout,
		       struct message_array array, int *count)
{
	struct ipcshm_msg *msgs[CHUNK] IPCSHM_UNINITIALIZED;
	int i, loaded, sent, err = 0;
	size_t size = 0;

	for (loaded = 0; loaded < *count && size < CHUNK_BYTES; loaded++) {
		err = load_message(qfile, &array, loaded, &msgs[loaded]);
		if (err)
			break;
		size += msgs[loaded]->size;
	}
	if (!err)
		*count = loaded;
	if (!loaded)
		return err;
	sent = ipcshm_queue_send(qfile, msgs, loaded, timeout);
	for (i = max(sent, 0); i < loaded; i++)
		ipcshm_queue_recycle(qfile->queue, msgs[i]);
	return sent;
}

/* As send_slowly(), with the fast path for as many messages as possible. */
static int send_chunk(struct ipcshm_queue_file *qfile, const struct ipcshm_batch_args *args,
		      const struct ipcshm_timeout *timeout, int done, int *count)
{
	struct message_array array = array_from(args, done);
	int sent = 0, more, tried;

	if (likely(is_current(&array)))
		sent = ipcshm_queue_send_row(qfile, array_address(&array, 0), *count);
	if (likely(sent == *count))
		return sent;
	tried = *count - sent;
	more = send_slowly(qfile, timeout, array_from(args, done + sent), &tried);
	*count = sent + tried;
	return more > 0 ? sent + more : sent ?: more;
}

/* Return whether to continue after a chunk with @some of @tried messages transferred. */
static bool has_next_chunk(int some, int tried, int done, int count)
{
	if (some != tried || done >= count)
		return false;
	cond_resched();
	return true;
}

/**
 * ipcshm_batch_send - send many messages
 * @qfile: the sender's queue file
 * @args: the caller's structure, checked
 * @timeout: timeout for each message
 *
 * Return: the number of sent messages, or an error if there are none.
 */
int ipcshm_batch_send(struct ipcshm_queue_file *qfile, const struct ipcshm_batch_args *args,
		      const struct ipcshm_timeout *timeout)
{
	int some, tried, done = 0, count = args->count;

	do {
		tried = min(count - done, CHUNK);
		some = send_chunk(qfile, args, timeout, done, &tried);
		if (some > 0)
			done += some;
	} while (has_next_chunk(some, tried, done, count));
	return done ?: some;
}

/* Acknowledging. */

/* Acknowledge a chunk, by the fast path as far as possible. */
static int acknowledge_ids(struct ipcshm_queue_file *qfile, const u64 *ids, int count)
{
	int fast = ipcshm_queue_acknowledge_row(qfile, ids, count), more;

	if (likely(fast == count))
		return fast;
	more = ipcshm_queue_acknowledge(qfile, ids + fast, count - fast, 0, 0);
	return more > 0 ? fast + more : fast ?: more;
}

/**
 * ipcshm_batch_acknowledge - acknowledge many messages
 * @qfile: the receiver's queue file
 * @args: the caller's structure, checked
 *
 * Return: the number of leases that ended or were extended, or an error if there are none.
 */
int ipcshm_batch_acknowledge(struct ipcshm_queue_file *qfile,
			     const struct ipcshm_queue_ack_args *args)
{
	const u64 __user *from = u64_to_user_ptr(args->ids);
	u64 ids[CHUNK] IPCSHM_UNINITIALIZED;
	int some, tried, done = 0, count = args->count;

	do {
		tried = min(count - done, CHUNK);
		if (copy_from_user(ids, from + done, tried * sizeof(*ids)))
			return done ?: -EFAULT;
		some = args->flags ? ipcshm_queue_acknowledge(qfile, ids, tried, args->flags,
							      args->timeout) :
				     acknowledge_ids(qfile, ids, tried);
		if (some > 0)
			done += some;
	} while (has_next_chunk(some, tried, done, count));
	return done ?: some;
}

/* Collect the ids of messages to acknowledge first, and clear them in the caller's structures. */
static int take_ids(const struct message_array *array, int count, u64 *ids)
{
	struct ipcshm_message __user *user = array_address(array, 0);
	int i, taken = 0;
	u64 id;

	if (!user_access_begin(user, (size_t)array->message_size * count))
		return -EFAULT;
	for (i = 0; i < count; i++) {
		user = array_address(array, i);
		unsafe_get_user(id, &user->ack_id, fault);
		if (!id)
			continue;
		unsafe_put_user(0, &user->ack_id, fault);
		ids[taken++] = id;
	}
	user_access_end();
	return taken;

fault:
	user_access_end();
	return -EFAULT;
}

static int acknowledge_array(struct ipcshm_queue_file *qfile, const struct ipcshm_batch_args *args)
{
	u64 ids[CHUNK] IPCSHM_UNINITIALIZED;
	int taken, done, count = args->count;

	for (done = 0; done < count; done += CHUNK) {
		struct message_array array = array_from(args, done);

		taken = take_ids(&array, min(count - done, CHUNK), ids);
		if (taken > 0 && acknowledge_ids(qfile, ids, taken) != taken)
			return -ESRCH;
		if (taken < 0)
			return taken;
		cond_resched();
	}
	return 0;
}

/* Receiving. */

static int prepare_buffer(struct ipcshm_queue_file *qfile, const struct message_array *array,
			  int index, struct ipcshm_receive_buffer *rbuf)
{
	int err = user_get(rbuf->user, array, index);

	if (err)
		return err;
	if (!ipcshm_rbuf_is_valid(qfile, rbuf->user, false))
		return -EINVAL;
	return ipcshm_rbuf_prepare(rbuf, rbuf->user);
}

/*
 * Deliver received messages up to the first one that fails. The rest is put back, the last
 * one first, which restores the order.
 */
static int deliver_chunk(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbufs,
			 int received, const struct message_array *array)
{
	int i, delivered, err = 0;

	for (delivered = 0; delivered < received; delivered++) {
		void __user *to = array_address(array, delivered);

		if (ipcshm_rbuf_deliver_at_once(qfile, &rbufs[delivered], to)) {
			ipcshm_rbuf_uncharge(&rbufs[delivered]);
			continue;
		}
		/* The rest waits for user memory, too. */
		for (i = delivered; i < received; i++)
			ipcshm_rbuf_charge(&rbufs[i], qfile->payer);
		err = ipcshm_rbuf_deliver(qfile, &rbufs[delivered], to);
		if (err)
			break;
	}
	for (i = received; i > delivered; i--)
		ipcshm_rbuf_put_back(qfile, &rbufs[i - 1]);
	return delivered ?: err;
}

/* Receive a chunk; see send_chunk(). */
static int receive_chunk(struct ipcshm_queue_file *qfile, const struct ipcshm_batch_args *args,
			 const struct ipcshm_timeout *timeout, int done, int count,
			 struct ipcshm_receive_buffer *rbufs)
{
	struct message_array array = array_from(args, done);
	int i, prepared, received, err = 0;

	for (prepared = 0; prepared < count; prepared++) {
		err = prepare_buffer(qfile, &array, prepared, &rbufs[prepared]);
		if (err)
			break;
		ipcshm_rbuf_set_flags(&rbufs[prepared], args->flags, args->ack_timeout);
	}
	received = prepared ? ipcshm_queue_receive(qfile, rbufs, prepared, timeout) : err;
	if (received > 0)
		received = deliver_chunk(qfile, rbufs, received, &array);
	for (i = 0; i < prepared; i++)
		ipcshm_rbuf_put(qfile, &rbufs[i]);
	return received;
}

/* Receive as many messages as possible by the fast path, which also acknowledges. */
static int receive_row(struct ipcshm_queue_file *qfile, const struct ipcshm_batch_args *args,
		       int done, int count)
{
	struct message_array array = array_from(args, done);

	if (!is_current(&array))
		return 0;
	if (args->flags & IPCSHM_ACK)
		return ipcshm_queue_lease_row(qfile, array_address(&array, 0), count,
					      args->ack_timeout);
	return ipcshm_queue_receive_row(qfile, array_address(&array, 0), count);
}

/* Allocate buffers, followed by room for the caller's structures. */
static struct ipcshm_receive_buffer *rbufs_create(int count)
{
	struct ipcshm_message *users;
	struct ipcshm_receive_buffer *rbufs;
	int i;

	rbufs = kmalloc_array(count, sizeof(*rbufs) + sizeof(*users), IPCSHM_GFP);
	if (!rbufs)
		return NULL;
	users = (struct ipcshm_message *)(rbufs + count);
	for (i = 0; i < count; i++)
		rbufs[i].user = &users[i];
	return rbufs;
}

/**
 * ipcshm_batch_receive - receive many messages
 * @qfile: the receiver's queue file
 * @args: the caller's structure, checked
 * @timeout: timeout for the first message
 *
 * Return: the number of received messages, or an error if there are none.
 */
int ipcshm_batch_receive(struct ipcshm_queue_file *qfile, const struct ipcshm_batch_args *args,
			 struct ipcshm_timeout *timeout)
{
	int some = 0, done = 0, count = args->count;
	struct ipcshm_receive_buffer *rbufs;

	/* An id that does not exist must be found before a message is received. */
	if (args->flags & IPCSHM_ACK && count > CHUNK)
		some = acknowledge_array(qfile, args);
	if (some)
		return some;
	do {
		some = receive_row(qfile, args, done, min(count - done, CHUNK));
		done += some;
		timeout->nonblock |= some > 0;
	} while (has_next_chunk(some, CHUNK, done, count));
	if (done == count)
		return done;
	if (args->flags & IPCSHM_ACK && count <= CHUNK && !done)
		some = acknowledge_array(qfile, args);
	if (some < 0)
		return some;
	rbufs = rbufs_create(min(count - done, CHUNK));
	if (!rbufs)
		return done ?: -ENOMEM;
	do {
		some = receive_chunk(qfile, args, timeout, done, min(count - done, CHUNK), rbufs);
		if (some > 0)
			done += some;
		timeout->nonblock = true;
	} while (has_next_chunk(some, CHUNK, done, count));
	if (!done && some == -EMSGSIZE)
		some = ipcshm_rbuf_put_needed(rbufs, u64_to_user_ptr(args->messages));
	kfree(rbufs);
	return done ?: some;
}
