// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of a queue's descriptor. */
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

/* A transfer whose deadline does not matter if it doesn't have to wait. */
static bool may_be_fast(const struct ipcshm_queue_file *qfile, fmode_t mode, u32 clock)
{
	return qfile->mode & mode && clock <= CLOCK_MONOTONIC;
}

static long queue_ioctl_send(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_timeout timeout;
	struct ipcshm_transfer_args args IPCSHM_UNINITIALIZED;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_TRANSFER_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!ipcshm_outgoing_is_valid(&args.message) || args.message.request_id ||
	    args.flags & ~IPCSHM_DONTWAIT)
		return -EINVAL;
	if (may_be_fast(qfile, FMODE_WRITE, args.clock) &&
	    likely(ipcshm_queue_send_fast(qfile, &args.message)))
		return 0;
	err = ipcshm_qfile_begin(file, FMODE_WRITE, args.deadline, args.clock, args.flags,
				 &timeout);
	if (err)
		return err;
	return ipcshm_qfile_send(qfile, ipcshm_outgoing_load(qfile, &args.message, NULL), &timeout);
}

/* A message that was received, and can't be delivered without faults. */
static int deliver_slowly(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg,
			  struct ipcshm_message *user, void __user *to)
{
	struct ipcshm_receive_buffer rbuf IPCSHM_UNINITIALIZED;
	int err = ipcshm_rbuf_prepare(&rbuf, user);

	rbuf.msg = msg;
	if (!err)
		err = ipcshm_rbuf_deliver(qfile, &rbuf, to);
	if (err)
		ipcshm_rbuf_put_back(qfile, &rbuf);
	ipcshm_rbuf_put(qfile, &rbuf);
	return err;
}

/* False: take the general way. */
static bool receive_fast(struct ipcshm_queue_file *qfile, struct ipcshm_transfer_args *args,
			 void __user *to, int *result)
{
	struct ipcshm_msg *msg;

	if (args->message.segments || args->message.flags & IPCSHM_MAPPED ||
	    args->flags & IPCSHM_PEEK)
		return false;
	msg = ipcshm_queue_take_fast(qfile, &args->message);
	if (!msg)
		return false;
	if (likely(ipcshm_msg_deliver_words(msg, 0, args->message.data, to))) {
		ipcshm_queue_recycle(qfile->queue, msg);
		*result = 0;
	} else {
		*result = deliver_slowly(qfile, msg, &args->message, to);
	}
	return true;
}

static long queue_ioctl_receive(struct file *file, struct ipcshm_uarg uarg)
{
	const u32 peeking = IPCSHM_PEEK | IPCSHM_DONTWAIT;
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_timeout timeout;
	struct ipcshm_transfer_args args IPCSHM_UNINITIALIZED;
	struct ipcshm_receive_buffer rbuf IPCSHM_UNINITIALIZED;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_TRANSFER_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!ipcshm_rbuf_is_valid(qfile, &args.message) || args.flags & ~peeking)
		return -EINVAL;
	if (args.flags & IPCSHM_PEEK && (args.flags != peeking ||
					 args.message.flags & IPCSHM_MAPPED))
		return -EINVAL;
	if (may_be_fast(qfile, FMODE_READ, args.clock) &&
	    likely(receive_fast(qfile, &args, uarg.ptr, &err)))
		return err;
	err = ipcshm_qfile_begin(file, FMODE_READ, args.deadline, args.clock, args.flags, &timeout);
	if (err)
		return err;
	err = ipcshm_rbuf_prepare(&rbuf, &args.message);
	if (!err)
		err = args.flags & IPCSHM_PEEK ?
			      peek_message(qfile, &rbuf, uarg.ptr) :
			      receive_message(qfile, &rbuf, &timeout, uarg.ptr);
	ipcshm_rbuf_put(qfile, &rbuf);
	return err;
}

static long queue_ioctl_batch(struct file *file, struct ipcshm_uarg uarg, bool sending)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_timeout timeout;
	struct ipcshm_batch_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_BATCH_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!args.count || args.count > IPCSHM_BATCH_MAX || args.flags & ~IPCSHM_DONTWAIT ||
	    args.message_size < IPCSHM_MESSAGE_SIZE_VER0 || args.message_size > PAGE_SIZE)
		return -EINVAL;
	err = ipcshm_qfile_begin(file, sending ? FMODE_WRITE : FMODE_READ, args.deadline,
				 args.clock, args.flags, &timeout);
	if (err)
		return err;
	return sending ? ipcshm_batch_send(qfile, &args, &timeout) :
			 ipcshm_batch_receive(qfile, &args, &timeout);
}

/* Calls. */

/* A new call, or the one that was interrupted as @id, which is filled in if this one is. */
static int call_or_resume(struct ipcshm_queue_file *qfile, struct ipcshm_call_args *args,
			  struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout,
			  u64 *id)
{
	struct ipcshm_msg *request;

	if (*id)
		return ipcshm_queue_resume(qfile, *id, reply, timeout);
	request = ipcshm_outgoing_load(qfile, &args->request, NULL);
	if (IS_ERR(request))
		return PTR_ERR(request);
	return ipcshm_queue_call(qfile, request, reply, timeout, id);
}

static int call_id_put(struct ipcshm_uarg uarg, u64 id)
{
	struct ipcshm_call_args __user *to = uarg.ptr;

	return put_user(id, &to->request.request_id) ? -EFAULT : 0;
}

/*
 * The task will come back with the id, after a signal handler or without one. If there is
 * nowhere to write it to, the call ends.
 */
static int call_interrupted(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *reply,
			    struct ipcshm_uarg uarg, u64 id)
{
	static const struct ipcshm_timeout none;
	int err = call_id_put(uarg, id);

	if (!err)
		return -ERESTARTSYS;
	ipcshm_queue_resume(qfile, id, reply, &none);
	return err;
}

/* There is no such call, another thread resumes it, or its reply waits for more room. */
static bool call_stays(int err)
{
	return err == -ESRCH || err == -EBUSY || err == -EMSGSIZE;
}

static int make_call(struct ipcshm_queue_file *qfile, struct ipcshm_call_args *args,
		     const struct ipcshm_timeout *timeout, struct ipcshm_uarg uarg)
{
	void __user *to = uarg.ptr + offsetof(struct ipcshm_call_args, reply);
	u64 id = args->request.request_id;
	struct ipcshm_receive_buffer reply IPCSHM_UNINITIALIZED;
	int err;

	err = ipcshm_rbuf_prepare(&reply, &args->reply);
	if (err)
		goto put_reply;
	err = call_or_resume(qfile, args, &reply, timeout, &id);
	if (err == -ERESTARTSYS && id)
		err = call_interrupted(qfile, &reply, uarg, id);
	else if (args->request.request_id && !call_stays(err))
		call_id_put(uarg, 0); /* the structure can be used for another call */
	/* If nothing is needed, it is the request that is too large. */
	if (err == -EMSGSIZE && reply.criteria.needed)
		err = ipcshm_rbuf_put_needed(&reply, to);
	else if (!err)
		err = ipcshm_rbuf_deliver(qfile, &reply, to);
put_reply:
	ipcshm_rbuf_put(qfile, &reply);
	return err;
}

static long queue_ioctl_call(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_timeout timeout;
	struct ipcshm_call_args args IPCSHM_UNINITIALIZED;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_CALL_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!ipcshm_outgoing_is_valid(&args.request) || !ipcshm_rbuf_is_valid(qfile, &args.reply) ||
	    args.reply.flags || args.flags)
		return -EINVAL;
	err = ipcshm_qfile_begin(file, FMODE_WRITE, args.deadline, args.clock, false, &timeout);
	return err ?: make_call(qfile, &args, &timeout, uarg);
}

static int send_reply(struct ipcshm_queue_file *qfile, struct ipcshm_message *user, bool sync)
{
	struct ipcshm_msg *msg = ipcshm_outgoing_load(qfile, user, NULL);

	return IS_ERR(msg) ? PTR_ERR(msg) : ipcshm_queue_reply(qfile, user->request_id, msg, sync);
}

static long queue_ioctl_reply(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_reply_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REPLY_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!ipcshm_outgoing_is_valid(&args.message) || args.flags || args.reserved)
		return -EINVAL;
	err = qfile_check_access(qfile, FMODE_READ);
	return err ?: send_reply(qfile, &args.message, false);
}

/* So that the call can be restarted without replying once more. */
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
		err = send_reply(qfile, &args->reply, true);
		if (!err)
			err = reply_is_sent(uarg);
	}
	if (!err)
		err = receive_message(qfile, &request, timeout, uarg.ptr);
	ipcshm_rbuf_put(qfile, &request);
	return err;
}

static long queue_ioctl_reply_receive(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_timeout timeout;
	struct ipcshm_call_args args IPCSHM_UNINITIALIZED;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_CALL_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!ipcshm_rbuf_is_valid(qfile, &args.request) || args.flags & ~IPCSHM_DONTWAIT ||
	    (args.reply.request_id && !ipcshm_outgoing_is_valid(&args.reply)))
		return -EINVAL;
	err = ipcshm_qfile_begin(file, FMODE_READ, args.deadline, args.clock, args.flags, &timeout);
	return err ?: reply_receive(qfile, &args, &timeout, uarg);
}

/* The others. */

static long queue_ioctl_release(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_file *qfile = qfile_of(file);
	struct ipcshm_queue_release_args args;
	u64 __user *from;
	int i, err;
	u64 offset;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_QUEUE_RELEASE_SIZE_VER0, uarg);
	if (err)
		return err;
	if (!args.count || args.count > IPCSHM_BATCH_MAX || args.flags)
		return -EINVAL;
	err = qfile_check_access(qfile, FMODE_READ);
	from = u64_to_user_ptr(args.offsets);
	for (i = 0; i < args.count && !err; i++) {
		if (get_user(offset, from + i))
			err = -EFAULT;
		else if (!ipcshm_held_release(qfile, offset))
			err = -EINVAL;
	}
	return err ? (i > 1 ? i - 1 : err) : i;
}

static long queue_ioctl_set(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue *queue = qfile_of(file)->queue;
	struct ipcshm_queue_set_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_QUEUE_SET_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.reserved ||
	    !ipcshm_queue_capacity_is_valid(args.max_messages, args.max_bytes,
					    queue->max_message_size) ||
	    (!args.max_messages && queue->overflow == IPCSHM_OVERFLOW_DROP_OLDEST))
		return -EINVAL;
	if (!ipcshm_object_is_owned(&queue->object))
		return -EACCES;
	args.max_bytes = ipcshm_queue_bytes_needed(args.max_messages, args.max_bytes,
						   queue->max_message_size);
	return ipcshm_queue_set(queue, &args);
}

static long queue_ioctl_busy_poll(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_busy_poll_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_QUEUE_BUSY_POLL_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.microseconds > IPCSHM_BUSY_POLL_MAX)
		return -EINVAL;
	err = qfile_check_access(qfile_of(file), 0);
	if (!err)
		WRITE_ONCE(qfile_of(file)->busy_poll, args.microseconds * NSEC_PER_USEC);
	return err;
}

static long queue_ioctl_drain(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_drain_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_QUEUE_DRAIN_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	err = qfile_check_access(qfile_of(file), FMODE_READ);
	if (err)
		return err;
	err = ipcshm_args_put(&args, sizeof(args), uarg);	/* or nobody would know */
	if (err)
		return err;
	args.messages = ipcshm_queue_drain(qfile_of(file)->queue);
	/* It is done, whatever has become of the caller's memory by now. */
	ipcshm_args_put(&args, sizeof(args), uarg);
	return 0;
}

static long queue_ioctl_revoke(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_object *object = &qfile_of(file)->queue->object;
	struct ipcshm_queue_revoke_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_QUEUE_REVOKE_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	return ipcshm_object_is_owned(object) ? ipcshm_object_revoke(object) : -EACCES;
}

/* A revoked queue still answers this, as it does REVOKE. */
static long queue_ioctl_stat(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_stat args = {};

	if (uarg.size < IPCSHM_QUEUE_STAT_SIZE_VER0)
		return -EINVAL;
	ipcshm_object_stat(&qfile_of(file)->queue->object, &args.stat);
	return ipcshm_args_fill(&args, sizeof(args), uarg);
}

long ipcshm_queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ipcshm_uarg uarg = ipcshm_uarg(cmd, arg);

	/* The most frequent ones first, whatever the switch becomes. */
	if (likely(cmd == IPCSHM_IOC_QUEUE_SEND))
		return queue_ioctl_send(file, uarg);
	if (likely(cmd == IPCSHM_IOC_QUEUE_RECEIVE))
		return queue_ioctl_receive(file, uarg);
	switch (ipcshm_ioctl_nr(cmd)) {
	case _IOC_NR(IPCSHM_IOC_QUEUE_STAT):
		return queue_ioctl_stat(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_SEND):
		return queue_ioctl_send(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_RECEIVE):
		return queue_ioctl_receive(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_SEND_BATCH):
		return queue_ioctl_batch(file, uarg, true);
	case _IOC_NR(IPCSHM_IOC_QUEUE_RECEIVE_BATCH):
		return queue_ioctl_batch(file, uarg, false);
	case _IOC_NR(IPCSHM_IOC_QUEUE_CALL):
		return queue_ioctl_call(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_REPLY):
		return queue_ioctl_reply(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_REPLY_RECEIVE):
		return queue_ioctl_reply_receive(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_RELEASE):
		return queue_ioctl_release(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_SET):
		return queue_ioctl_set(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_BUSY_POLL):
		return queue_ioctl_busy_poll(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_DRAIN):
		return queue_ioctl_drain(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_REVOKE):
		return queue_ioctl_revoke(file, uarg);
	default:
		return -ENOTTY;
	}
}
