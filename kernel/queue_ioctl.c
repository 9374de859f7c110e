// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of a queue's descriptor. */
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/time64.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "held.h"
#include "ioctl.h"
#include "outgoing.h"
#include "queue.h"
#include "queue_batch.h"
#include "queue_file.h"
#include "queue_lease.h"
#include "queue_open.h"
#include "receive_buffer.h"

static int receive_message(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
			   const struct ipcshm_timeout *timeout, void __user *to)
{
	int err = ipcshm_queue_receive(qfile, rbuf, 1, timeout);

	if (err == -EMSGSIZE)
		return ipcshm_rbuf_put_needed(rbuf, to);
	if (err < 0)
		return err;
	err = ipcshm_rbuf_deliver(qfile, rbuf, to);
	if (err)
		ipcshm_rbuf_put_back(qfile, rbuf);
	return err;
}

static int peek_message(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
			void __user *to)
{
	int err = ipcshm_queue_peek(qfile, rbuf);

	if (err == -EMSGSIZE)
		return ipcshm_rbuf_put_needed(rbuf, to);
	if (err)
		return err;
	return ipcshm_rbuf_show(qfile, rbuf, to);
}

static inline bool send_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_transfer_args *send = args;

	return ipcshm_outgoing_is_valid(&send->message) && !send->message.request_id &&
	       !send->ack_timeout;
}

static long queue_ioctl_send(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_transfer_args *send = args;
	struct ipcshm_timeout timeout;
	int err;

	err = ipcshm_qfile_begin(file, FMODE_WRITE, send->deadline, send->clock, send->flags,
				 &timeout);
	if (err)
		return err;
	return ipcshm_qfile_send(qfile, ipcshm_outgoing_load(qfile, &send->message), &timeout);
}

static inline bool receive_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_transfer_args *receive = args;
	bool ack = receive->flags & IPCSHM_ACK;

	if (!ipcshm_rbuf_is_valid(qfile_of(file), &receive->message, ack) ||
	    (receive->ack_timeout && !ack))
		return false;
	return !(receive->flags & IPCSHM_PEEK) ||
	       (receive->flags & IPCSHM_DONTWAIT && !ack &&
		!(receive->message.flags & IPCSHM_MAPPED));
}

/*
 * Acknowledge the message of an earlier receive. The id is cleared before, since the receive can
 * fail, or restart, afterwards.
 */
static int acknowledge_first(struct ipcshm_queue_file *qfile, u64 id,
			     struct ipcshm_message __user *to)
{
	if (!id)
		return 0;
	if (put_user(0, &to->ack_id))
		return -EFAULT;
	return min(ipcshm_queue_acknowledge(qfile, &id, 1, 0, 0), 0);
}

static long queue_ioctl_receive(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_transfer_args *receive = args;
	struct ipcshm_receive_buffer rbuf IPCSHM_UNINITIALIZED;
	struct ipcshm_timeout timeout;
	int err;

	err = ipcshm_qfile_begin(file, FMODE_READ, receive->deadline, receive->clock,
				 receive->flags & IPCSHM_DONTWAIT, &timeout);
	if (err)
		return err;
	err = acknowledge_first(qfile, receive->message.ack_id, uarg.ptr);
	if (err)
		return err;
	err = ipcshm_rbuf_prepare(&rbuf, &receive->message);
	ipcshm_rbuf_set_flags(&rbuf, receive->flags, receive->ack_timeout);
	if (!err)
		err = receive->flags & IPCSHM_PEEK ?
			      peek_message(qfile, &rbuf, uarg.ptr) :
			      receive_message(qfile, &rbuf, &timeout, uarg.ptr);
	ipcshm_rbuf_put(qfile, &rbuf);
	return err;
}

static bool batch_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_batch_args *batch = args;

	return batch->count && batch->count <= IPCSHM_BATCH_MAX &&
	       batch->message_size >= IPCSHM_MESSAGE_SIZE_VER0 &&
	       batch->message_size <= PAGE_SIZE &&
	       (!batch->ack_timeout || batch->flags & IPCSHM_ACK);
}

static long queue_ioctl_send_batch(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	const struct ipcshm_batch_args *batch = args;
	struct ipcshm_timeout timeout;
	int err;

	err = ipcshm_qfile_begin(file, FMODE_WRITE, batch->deadline, batch->clock, batch->flags,
				 &timeout);
	return err ?: ipcshm_batch_send(qfile_of(file), batch, &timeout);
}

static long queue_ioctl_receive_batch(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	const struct ipcshm_batch_args *batch = args;
	struct ipcshm_timeout timeout;
	int err;

	err = ipcshm_qfile_begin(file, FMODE_READ, batch->deadline, batch->clock,
				 batch->flags & IPCSHM_DONTWAIT, &timeout);
	return err ?: ipcshm_batch_receive(qfile_of(file), batch, &timeout);
}

/* Calls. */

static int call_id_put(struct ipcshm_call_args __user *to, u64 id)
{
	return put_user(id, &to->request.request_id) ? -EFAULT : 0;
}

/* Make a call, or resume the one with @id; an interruption writes the id to @id. */
static int call_or_resume(struct ipcshm_queue_file *qfile, struct ipcshm_call_args *args,
			  struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout,
			  u64 *id)
{
	struct ipcshm_msg *request;

	if (*id)
		return ipcshm_queue_resume(qfile, *id, reply, timeout);
	request = ipcshm_outgoing_load(qfile, &args->request);
	if (IS_ERR(request))
		return PTR_ERR(request);
	return ipcshm_queue_call(qfile, request, reply, timeout, id);
}

/* Wait for a server, after which the request is sent again; a resumed call is a new one then. */
static int prepare_retry(struct ipcshm_queue_file *qfile, struct ipcshm_call_args *args,
			 const struct ipcshm_timeout *timeout, struct ipcshm_call_args __user *to,
			 u64 *id)
{
	if (args->request.request_id && call_id_put(to, 0))
		return -EFAULT;
	args->request.request_id = 0;
	*id = 0;
	return ipcshm_queue_wait_peer(qfile, FMODE_WRITE, timeout);
}

/* As call_or_resume(); with IPCSHM_RETRY, until a server has replied. */
static int call_servers(struct ipcshm_queue_file *qfile, struct ipcshm_call_args *args,
			struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout,
			struct ipcshm_call_args __user *to, u64 *id)
{
	int err;

	do {
		err = call_or_resume(qfile, args, reply, timeout, id);
		if (err != -EPIPE || !(args->flags & IPCSHM_RETRY))
			return err;
		err = prepare_retry(qfile, args, timeout, to, id);
	} while (!err);
	return err;
}

/*
 * The task resumes the call by its id, after a signal handler or without one. If the id cannot
 * be written, the call ends.
 */
static int call_interrupted(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *reply,
			    struct ipcshm_call_args __user *to, u64 id)
{
	static const struct ipcshm_timeout none;
	int err = call_id_put(to, id);

	if (!err)
		return -ERESTARTSYS;
	ipcshm_queue_resume(qfile, id, reply, &none);
	return err;
}

/* The call does not exist, another thread resumes it, or its reply needs more room. */
static bool call_stays(int err)
{
	return err == -ESRCH || err == -EBUSY || err == -EMSGSIZE;
}

/* Deliver the reply to a call that ended with @err. Return the result of the ioctl. */
int ipcshm_call_finish(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *reply,
		       struct ipcshm_call_args __user *to, int err, u64 id)
{
	if (err == -ERESTARTSYS && id)
		err = call_interrupted(qfile, reply, to, id);
	/* Without @needed, the request is too large. */
	if (err == -EMSGSIZE && reply->criteria.needed)
		err = ipcshm_rbuf_put_needed(reply, &to->reply);
	else if (!err)
		err = ipcshm_rbuf_deliver(qfile, reply, &to->reply);
	ipcshm_rbuf_put(qfile, reply);
	return err;
}

static int make_call(struct ipcshm_queue_file *qfile, struct ipcshm_call_args *args,
		     const struct ipcshm_timeout *timeout, struct ipcshm_call_args __user *to)
{
	u64 id = args->request.request_id;
	struct ipcshm_receive_buffer reply IPCSHM_UNINITIALIZED;
	int err;

	err = ipcshm_rbuf_prepare(&reply, &args->reply);
	if (err) {
		ipcshm_rbuf_put(qfile, &reply);
		return err;
	}
	err = call_servers(qfile, args, &reply, timeout, to, &id);
	if (args->request.request_id && err != -ERESTARTSYS && !call_stays(err))
		call_id_put(to, 0); /* the structure can be used for another call */
	return ipcshm_call_finish(qfile, &reply, to, err, id);
}

static inline bool call_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_call_args *call = args;

	return ipcshm_outgoing_is_valid(&call->request) &&
	       ipcshm_rbuf_is_valid(qfile_of(file), &call->reply, false) && !call->reply.flags;
}

static long queue_ioctl_call(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_call_args *call = args;
	struct ipcshm_timeout timeout;
	int err;

	err = ipcshm_qfile_begin(file, FMODE_WRITE, call->deadline, call->clock, false, &timeout);
	return err ?: make_call(qfile_of(file), call, &timeout, uarg.ptr);
}

static int reply_message(struct ipcshm_queue_file *qfile, struct ipcshm_message *user, bool sync)
{
	struct ipcshm_msg *msg = ipcshm_outgoing_load(qfile, user);

	return IS_ERR(msg) ? PTR_ERR(msg) : ipcshm_queue_reply(qfile, user->request_id, msg, sync);
}

static bool reply_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_reply_args *reply = args;

	return ipcshm_outgoing_is_valid(&reply->message);
}

static long queue_ioctl_reply(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_reply_args *reply = args;

	return qfile_check_access(qfile, FMODE_READ) ?:
	       reply_message(qfile, &reply->message, false);
}

/* The restarted call must not reply again. */
static int reply_is_sent(struct ipcshm_uarg uarg)
{
	struct ipcshm_call_args __user *to = uarg.ptr;

	return put_user(0, &to->reply.request_id) ? -EFAULT : 0;
}

static int reply_receive(struct ipcshm_queue_file *qfile, struct ipcshm_call_args *args,
			 const struct ipcshm_timeout *timeout, struct ipcshm_uarg uarg)
{
	struct ipcshm_receive_buffer request IPCSHM_UNINITIALIZED;
	int err = ipcshm_rbuf_prepare(&request, &args->request);

	if (!err && args->reply.request_id) {
		err = reply_message(qfile, &args->reply, true);
		if (!err)
			err = reply_is_sent(uarg);
	}
	if (!err)
		err = receive_message(qfile, &request, timeout, uarg.ptr);
	ipcshm_rbuf_put(qfile, &request);
	return err;
}

static inline bool reply_receive_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_call_args *both = args;

	return ipcshm_rbuf_is_valid(qfile_of(file), &both->request, false) &&
	       (!both->reply.request_id || ipcshm_outgoing_is_valid(&both->reply));
}

static long queue_ioctl_reply_receive(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_call_args *both = args;
	struct ipcshm_timeout timeout;
	int err;

	err = ipcshm_qfile_begin(file, FMODE_READ, both->deadline, both->clock, both->flags,
				 &timeout);
	return err ?: reply_receive(qfile_of(file), both, &timeout, uarg);
}

/* Acknowledgments. */

static bool ack_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_queue_ack_args *ack = args;

	return ack->count && ack->count <= IPCSHM_BATCH_MAX &&
	       ack->flags != (IPCSHM_ACK_RETURN | IPCSHM_ACK_EXTEND) &&
	       (!ack->timeout || ack->flags & IPCSHM_ACK_EXTEND);
}

static long queue_ioctl_ack(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	const struct ipcshm_queue_ack_args *ack = args;

	return qfile_check_access(qfile_of(file), FMODE_READ) ?:
	       ipcshm_batch_acknowledge(qfile_of(file), ack);
}

/* Settings, statistics, drain, revocation. */

static bool release_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_queue_release_args *release = args;

	return release->count && release->count <= IPCSHM_BATCH_MAX;
}

static long queue_ioctl_release(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	const struct ipcshm_queue_release_args *release = args;
	u64 __user *from = u64_to_user_ptr(release->offsets);
	int i, err = qfile_check_access(qfile, FMODE_READ);
	u64 offset;

	for (i = 0; i < release->count && !err; i++) {
		if (get_user(offset, from + i))
			err = -EFAULT;
		else if (!ipcshm_held_release(qfile, offset))
			err = -EINVAL;
	}
	return err ? (i > 1 ? i - 1 : err) : i;
}

static bool set_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_queue *queue = qfile_of(file)->queue;
	const struct ipcshm_queue_set_args *set = args;

	return ipcshm_queue_capacity_is_valid(set->max_messages, set->max_bytes,
					      queue->max_message_size) &&
	       (set->max_messages || queue->overflow != IPCSHM_OVERFLOW_DROP_OLDEST);
}

static long queue_ioctl_set(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue *queue = qfile_of(file)->queue;
	struct ipcshm_queue_set_args *set = args;

	if (!ipcshm_object_is_owned(&queue->object))
		return -EACCES;
	set->max_bytes = ipcshm_queue_bytes_needed(set->max_messages, set->max_bytes,
						   queue->max_message_size);
	return ipcshm_queue_set(queue, set);
}

static bool busy_poll_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_queue_busy_poll_args *busy_poll = args;

	return busy_poll->microseconds <= IPCSHM_BUSY_POLL_MAX;
}

static long queue_ioctl_busy_poll(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	const struct ipcshm_queue_busy_poll_args *busy_poll = args;
	int err = qfile_check_access(qfile_of(file), 0);

	if (!err)
		WRITE_ONCE(qfile_of(file)->busy_poll, busy_poll->microseconds * NSEC_PER_USEC);
	return err;
}

static long queue_ioctl_wait_peer(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	const struct ipcshm_queue_wait_peer_args *wait = args;
	struct ipcshm_timeout timeout;
	int err;

	err = ipcshm_qfile_begin(file, 0, wait->deadline, wait->clock, wait->flags, &timeout);
	return err ?: ipcshm_queue_wait_peer(qfile, qfile->mode, &timeout);
}

static long queue_ioctl_cancel(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	const struct ipcshm_queue_cancel_args *cancel = args;
	int err = qfile_check_access(qfile_of(file), 0);

	if (!err)
		ipcshm_queue_cancel(qfile_of(file), cancel->flags & IPCSHM_CANCEL_UNDO);
	return err;
}

static long queue_ioctl_drain(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_drain_args *drain = args;
	int err;

	err = qfile_check_access(qfile_of(file), FMODE_READ);
	if (err)
		return err;
	/* A drain without a result would be unknown to the caller. */
	err = ipcshm_args_put(drain, sizeof(*drain), uarg);
	if (err)
		return err;
	drain->messages = ipcshm_queue_drain(qfile_of(file)->queue);
	/* The drain is complete, even if the caller's memory is gone. */
	ipcshm_args_put(drain, sizeof(*drain), uarg);
	return 0;
}

static bool move_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_queue_move_args *move = args;

	return move->messages && !(move->flags & (move->flags - 1));
}

static int move_messages(struct ipcshm_queue_file *from, struct ipcshm_queue_move_args *move,
			 const struct file *to)
{
	const struct ipcshm_match match = { move->flags, move->type };
	int err;

	if (to->f_op != &ipcshm_qfile_fops)
		return -EBADF;
	err = qfile_check_access(qfile_of(to), FMODE_WRITE);
	if (err)
		return err;
	if (qfile_of(to)->queue == from->queue)
		return -EINVAL;
	return ipcshm_queue_move(from, &match, qfile_of(to), move->messages, &move->messages);
}

static long queue_ioctl_move(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_queue_move_args *move = args;
	struct file *to;
	int err;

	err = qfile_check_access(qfile, FMODE_READ);
	if (!err && qfile->queue->pool.size)
		err = -EOPNOTSUPP;
	/* The number of messages must reach the caller, as in queue_ioctl_drain(). */
	if (!err)
		err = ipcshm_args_put(move, sizeof(*move), uarg);
	if (err)
		return err;
	to = fget(move->to_fd);
	if (!to)
		return -EBADF;
	err = move_messages(qfile, move, to);
	fput(to);
	if (!err)
		ipcshm_args_put(move, sizeof(*move), uarg);
	return err;
}

static long queue_ioctl_revoke(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue *queue = qfile_of(file)->queue;
	int err;

	if (!ipcshm_object_is_owned(&queue->object))
		return -EACCES;
	err = ipcshm_object_revoke(&queue->object);
	if (!err)
		wait_for_completion_killable(&queue->emptied);
	return err;
}

/* STAT and REVOKE work on a revoked queue, too. */
static long queue_ioctl_stat(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_stat *stat = args;

	ipcshm_object_stat(&qfile_of(file)->queue->object, &stat->stat);
	return 0;
}

#define FIRST _IOC_NR(IPCSHM_IOC_QUEUE_STAT)
#define NR(name) (_IOC_NR(IPCSHM_IOC_QUEUE_##name) - FIRST)

static const struct ipcshm_ioctl queue_ioctls[] = {
	[NR(STAT)] = {
		IPCSHM_ARGS(queue_stat, QUEUE_STAT),
		.out = IPCSHM_OUT_ALL,
		.run = queue_ioctl_stat,
	},
	[NR(SEND)] = {
		IPCSHM_ARGS(transfer_args, TRANSFER),
		IPCSHM_FLAGS(transfer_args, IPCSHM_DONTWAIT),
		IPCSHM_CLOCK(transfer_args),
		.check = send_is_valid,
		.access = FMODE_WRITE,
		.run = queue_ioctl_send,
	},
	[NR(RECEIVE)] = {
		IPCSHM_ARGS(transfer_args, TRANSFER),
		IPCSHM_FLAGS(transfer_args,
			     IPCSHM_DONTWAIT | IPCSHM_PEEK | IPCSHM_ACK | IPCSHM_TRUNCATE),
		IPCSHM_CLOCK(transfer_args),
		.check = receive_is_valid,
		.access = FMODE_READ,
		.run = queue_ioctl_receive,
	},
	[NR(SEND_BATCH)] = {
		IPCSHM_ARGS(batch_args, BATCH),
		IPCSHM_FLAGS(batch_args, IPCSHM_DONTWAIT),
		IPCSHM_CLOCK(batch_args),
		.check = batch_is_valid,
		.access = FMODE_WRITE,
		.run = queue_ioctl_send_batch,
	},
	[NR(RECEIVE_BATCH)] = {
		IPCSHM_ARGS(batch_args, BATCH),
		IPCSHM_FLAGS(batch_args, IPCSHM_DONTWAIT | IPCSHM_ACK | IPCSHM_TRUNCATE),
		IPCSHM_CLOCK(batch_args),
		.check = batch_is_valid,
		.access = FMODE_READ,
		.run = queue_ioctl_receive_batch,
	},
	[NR(CALL)] = {
		IPCSHM_ARGS(call_args, CALL),
		IPCSHM_FLAGS(call_args, IPCSHM_RETRY),
		IPCSHM_CLOCK(call_args),
		.check = call_is_valid,
		.access = FMODE_WRITE,
		.run = queue_ioctl_call,
	},
	[NR(REPLY)] = {
		IPCSHM_ARGS(reply_args, REPLY),
		IPCSHM_FLAGS(reply_args, 0),
		.zero = { IPCSHM_SPAN(reply_args, reserved) },
		.check = reply_is_valid,
		.access = FMODE_READ,
		.run = queue_ioctl_reply,
	},
	[NR(REPLY_RECEIVE)] = {
		IPCSHM_ARGS(call_args, CALL),
		IPCSHM_FLAGS(call_args, IPCSHM_DONTWAIT),
		IPCSHM_CLOCK(call_args),
		.check = reply_receive_is_valid,
		.access = FMODE_READ,
		.run = queue_ioctl_reply_receive,
	},
	[NR(RELEASE)] = {
		IPCSHM_ARGS(queue_release_args, QUEUE_RELEASE),
		IPCSHM_FLAGS(queue_release_args, 0),
		.check = release_is_valid,
		.access = FMODE_READ,
		.run = queue_ioctl_release,
	},
	[NR(SET)] = {
		IPCSHM_ARGS(queue_set_args, QUEUE_SET),
		IPCSHM_FLAGS(queue_set_args, 0),
		.zero = { IPCSHM_SPAN(queue_set_args, reserved) },
		.check = set_is_valid,
		.run = queue_ioctl_set,
	},
	[NR(BUSY_POLL)] = {
		IPCSHM_ARGS(queue_busy_poll_args, QUEUE_BUSY_POLL),
		IPCSHM_FLAGS(queue_busy_poll_args, 0),
		.check = busy_poll_is_valid,
		.run = queue_ioctl_busy_poll,
	},
	[NR(WAIT_PEER)] = {
		IPCSHM_ARGS(queue_wait_peer_args, QUEUE_WAIT_PEER),
		IPCSHM_FLAGS(queue_wait_peer_args, IPCSHM_DONTWAIT),
		IPCSHM_CLOCK(queue_wait_peer_args),
		.run = queue_ioctl_wait_peer,
	},
	[NR(CANCEL)] = {
		IPCSHM_ARGS(queue_cancel_args, QUEUE_CANCEL),
		IPCSHM_FLAGS(queue_cancel_args, IPCSHM_CANCEL_UNDO),
		.zero = { IPCSHM_SPAN(queue_cancel_args, reserved) },
		.run = queue_ioctl_cancel,
	},
	[NR(DRAIN)] = {
		IPCSHM_ARGS(queue_drain_args, QUEUE_DRAIN),
		IPCSHM_FLAGS(queue_drain_args, 0),
		.zero = { IPCSHM_SPAN(queue_drain_args, reserved) },
		.access = FMODE_READ,
		.run = queue_ioctl_drain,
	},
	[NR(MOVE)] = {
		IPCSHM_ARGS(queue_move_args, QUEUE_MOVE),
		IPCSHM_FLAGS(queue_move_args,
			     IPCSHM_TYPE_EQUAL | IPCSHM_TYPE_NOT | IPCSHM_TYPE_UP_TO),
		.check = move_is_valid,
		.access = FMODE_READ,
		.run = queue_ioctl_move,
	},
	[NR(ACK)] = {
		IPCSHM_ARGS(queue_ack_args, QUEUE_ACK),
		IPCSHM_FLAGS(queue_ack_args, IPCSHM_ACK_RETURN | IPCSHM_ACK_EXTEND),
		.check = ack_is_valid,
		.access = FMODE_READ,
		.run = queue_ioctl_ack,
	},
	[NR(REVOKE)] = {
		IPCSHM_ARGS(queue_revoke_args, QUEUE_REVOKE),
		IPCSHM_FLAGS(queue_revoke_args, 0),
		.zero = { IPCSHM_SPAN(queue_revoke_args, reserved) },
		.run = queue_ioctl_revoke,
	},
};

/* The general path: see queue_fast.c. */
long ipcshm_queue_ioctl_slow(struct file *file, unsigned int cmd, unsigned long arg)
{
	static const struct ipcshm_ioctls table = {
		queue_ioctls, FIRST, ARRAY_SIZE(queue_ioctls),
	};
	union {
		struct ipcshm_transfer_args transfer;
		struct ipcshm_call_args call;
	} args IPCSHM_UNINITIALIZED;
	struct ipcshm_uarg uarg = ipcshm_uarg(cmd, arg);

	/* The most frequent ones first, with constant rows. */
	if (likely(cmd == IPCSHM_IOC_QUEUE_SEND))
		return ipcshm_ioctl_run_one(&queue_ioctls[NR(SEND)], file, &args, uarg);
	if (likely(cmd == IPCSHM_IOC_QUEUE_RECEIVE))
		return ipcshm_ioctl_run_one(&queue_ioctls[NR(RECEIVE)], file, &args, uarg);
	if (cmd == IPCSHM_IOC_QUEUE_CALL)
		return ipcshm_ioctl_run_one(&queue_ioctls[NR(CALL)], file, &args, uarg);
	if (cmd == IPCSHM_IOC_QUEUE_REPLY_RECEIVE)
		return ipcshm_ioctl_run_one(&queue_ioctls[NR(REPLY_RECEIVE)], file, &args, uarg);
	return ipcshm_ioctl_run(&table, file, cmd, arg);
}
