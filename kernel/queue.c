// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: messages through a descriptor.
 *
 * A message is on one of these ways:
 *
 *   sender ---------------------------------> receiver	one is asleep: handed over
 *   sender --> queued ----------------------> receiver	there is room
 *   sender --> blocked --> queued ----------> receiver	it is full: the sender sleeps
 *   sender --> blocked ---------------------> receiver	a rendezvous has no room at all
 *
 * Always true when the lock is free: if a receiver is asleep, nothing is queued
 * and no sender is blocked; if a sender is blocked, the first of the blocked
 * messages has no room.
 */
#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "ioctl.h"
#include "limits.h"
#include "message.h"
#include "queue.h"
#include "waiter.h"

/**
 * struct ipcshm_queue - a message queue
 * @object: its base
 * @max_messages: capacity, 0 is a rendezvous; immutable
 * @max_bytes: capacity; immutable
 * @max_message_size: immutable
 * @lock: protects all below
 * @queued: messages that were accepted
 * @messages: how many; may be over the capacity by those that were put back
 * @bytes: how many bytes they have
 * @blocked: messages of senders that sleep
 * @nr_senders: how many
 * @receivers: struct receiver that sleep, first come first
 * @nr_receivers: how many
 * @sent: messages accepted or handed over, ever; those that aren't queued were received
 * @pollers: who waits in poll; its own lock nests in nothing of ours
 */
struct ipcshm_queue {
	struct ipcshm_object object;
	u64 max_messages;
	u64 max_bytes;
	u32 max_message_size;

	/* on a line of its own, away from what is only read */
	spinlock_t lock ____cacheline_aligned_in_smp;
	struct ipcshm_backlog queued;
	u64 messages;
	u64 bytes;
	struct ipcshm_backlog blocked;
	u64 nr_senders;
	struct list_head receivers;
	u64 nr_receivers;
	u64 sent;
	wait_queue_head_t pollers;
};

/**
 * struct queue_file - what a descriptor of a queue has of its own
 * @queue: a reference; immutable
 * @payer: who opened it, and pays for what is sent through it; immutable
 */
struct queue_file {
	struct ipcshm_queue *queue;
	struct ipcshm_limits *payer;
};

/**
 * struct receiver - a receiver that sleeps
 * @waiter: completed when it has a message, or can't have the one that came
 * @link: in the queue's receivers, until then; protected by the queue's lock
 * @room: how large a message it can take; immutable
 * @msg: the message, or NULL: it was too large; written before completion, read after
 * @needed: how large that was, likewise
 */
struct receiver {
	struct ipcshm_waiter waiter;
	struct list_head link;
	size_t room;
	struct ipcshm_msg *msg;
	size_t needed;
};

static struct queue_file *queue_file(const struct file *file)
{
	return file->private_data;
}

static struct ipcshm_queue *object_queue(const struct ipcshm_object *object)
{
	return container_of(object, struct ipcshm_queue, object);
}

/* Room, and what poll has to say. */

static bool fits(const struct ipcshm_queue *queue, size_t size)
{
	return queue->messages < queue->max_messages && queue->bytes <= queue->max_bytes &&
	       size <= queue->max_bytes - queue->bytes;
}

/* Whether a new message can go in now: not past a blocked one of its priority. */
static bool has_room(const struct ipcshm_queue *queue, size_t size, u32 priority)
{
	const struct ipcshm_msg *first = ipcshm_backlog_first(&queue->blocked);

	return fits(queue, size) && (!first || first->priority < priority);
}

static bool is_readable(const struct ipcshm_queue *queue)
{
	return ipcshm_backlog_first(&queue->queued) || ipcshm_backlog_first(&queue->blocked);
}

/* A message of any size and priority can be sent. */
static bool is_writable(const struct ipcshm_queue *queue)
{
	return !list_empty(&queue->receivers) || has_room(queue, queue->max_message_size, 0);
}

#define NOTIFY_READABLE (EPOLLIN | EPOLLRDNORM)
#define NOTIFY_WRITABLE (EPOLLOUT | EPOLLWRNORM)

static __poll_t poll_events(const struct ipcshm_queue *queue)
{
	return (is_readable(queue) ? NOTIFY_READABLE : 0) |
	       (is_writable(queue) ? NOTIFY_WRITABLE : 0);
}

/*
 * What to tell pollers after the lock is dropped, if a change has made the queue
 * readable, or writable, as @events says.  A poller puts itself on @pollers
 * before it takes the lock to look, so one that isn't there yet will see the change.
 */
static __poll_t events_due(struct ipcshm_queue *queue, __poll_t events)
{
	/* Without a barrier: the lock orders it, as said. */
	return waitqueue_active(&queue->pollers) ? poll_events(queue) & events : 0;
}

/* After a change, with the lock dropped: whoever is to be told of it. */
static void notify(struct ipcshm_queue *queue, struct ipcshm_wakeups *wakeups, __poll_t events)
{
	ipcshm_wakeups_run(wakeups);
	if (events)
		wake_up_poll(&queue->pollers, events);
}

/* The moves of a message, all under the queue's lock. */

static void enqueue(struct ipcshm_queue *queue, struct ipcshm_msg *msg, bool front)
{
	ipcshm_backlog_add(&queue->queued, msg, front);
	queue->messages++;
	queue->bytes += msg->size;
}

static void dequeue(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	ipcshm_backlog_remove(&queue->queued, msg);
	queue->messages--;
	queue->bytes -= msg->size;
}

static void block(struct ipcshm_queue *queue, struct ipcshm_msg *msg, struct ipcshm_waiter *sender)
{
	ipcshm_waiter_init(sender);
	msg->sender = sender;
	ipcshm_backlog_add(&queue->blocked, msg, false);
	queue->nr_senders++;
}

static void unblock(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	ipcshm_backlog_remove(&queue->blocked, msg);
	queue->nr_senders--;
	msg->sender = NULL;
}

/* The message of a blocked sender is accepted. */
static void accept(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		   struct ipcshm_wakeups *wakeups)
{
	struct ipcshm_waiter *sender = msg->sender;

	unblock(queue, msg);
	queue->sent++;
	ipcshm_waiter_complete(sender, 0, wakeups);
}

/* There may be room again. */
static void admit(struct ipcshm_queue *queue, struct ipcshm_wakeups *wakeups)
{
	struct ipcshm_msg *msg;

	while ((msg = ipcshm_backlog_first(&queue->blocked)) && fits(queue, msg->size)) {
		accept(queue, msg, wakeups);
		enqueue(queue, msg, false);
	}
}

static void receiver_complete(struct ipcshm_queue *queue, struct receiver *receiver,
			      struct ipcshm_msg *msg, size_t size, struct ipcshm_wakeups *wakeups)
{
	list_del(&receiver->link);
	queue->nr_receivers--;
	receiver->msg = msg;
	receiver->needed = size;
	ipcshm_waiter_complete(&receiver->waiter, msg ? 0 : -EMSGSIZE, wakeups);
}

/*
 * Give @msg to the first receiver that sleeps and has room for it.  Those who
 * came before and haven't get EMSGSIZE, as they would from a message that was
 * there already.
 */
static bool hand_over(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		      struct ipcshm_wakeups *wakeups)
{
	struct receiver *receiver, *next;

	list_for_each_entry_safe(receiver, next, &queue->receivers, link) {
		bool fits = receiver->room >= msg->size;

		receiver_complete(queue, receiver, fits ? msg : NULL, msg->size, wakeups);
		if (fits)
			return true;
	}
	return false;
}

/* Sending. */

/*
 * Returns 0 when the queue has @msg; -EINPROGRESS when @sender has to wait for
 * that; -EAGAIN when it would have to, and there is no @sender.
 */
static int send_or_block(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			 struct ipcshm_waiter *sender, struct ipcshm_wakeups *wakeups)
{
	bool room = has_room(queue, msg->size, msg->priority);

	if (!hand_over(queue, msg, wakeups)) {
		if (!room && !sender)
			return -EAGAIN;
		if (!room) {
			block(queue, msg, sender);
			return -EINPROGRESS;
		}
		enqueue(queue, msg, false);
	}
	queue->sent++;
	return 0;
}

/* The sender gave up: unless its message was taken meanwhile, it gets it back. */
static int sender_leave(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			struct ipcshm_waiter *sender, int err)
{
	struct ipcshm_wakeups wakeups = { .count = 0 };
	__poll_t events = 0;

	spin_lock(&queue->lock);
	if (sender->done) {
		err = 0;
	} else {
		unblock(queue, msg);
		admit(queue, &wakeups);
		events = events_due(queue, NOTIFY_WRITABLE);
	}
	spin_unlock(&queue->lock);
	notify(queue, &wakeups, events);
	return err;
}

/* Returns 0 when the queue has @msg; else it is still the caller's. */
static int queue_send(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
		      const struct ipcshm_patience *patience)
{
	struct ipcshm_wakeups wakeups = { .count = 0 };
	struct ipcshm_waiter sender;
	__poll_t events;
	int err;

		spin_lock(&queue->lock);
	err = send_or_block(queue, msg, patience->nonblock ? NULL : &sender, &wakeups);
	events = err == -EAGAIN ? 0 : events_due(queue, NOTIFY_READABLE);
	spin_unlock(&queue->lock);
	notify(queue, &wakeups, events);
	if (err != -EINPROGRESS)
		return err;
	err = ipcshm_waiter_sleep(&sender, patience);
	return err ? sender_leave(queue, msg, &sender, err) : 0;
}

static ssize_t queue_send_from(struct file *file, struct iov_iter *from, u64 type, u32 priority,
			       const struct ipcshm_patience *patience)
{
	struct ipcshm_queue *queue = queue_file(file)->queue;
	size_t size = iov_iter_count(from);
	struct ipcshm_msg *msg;
	int err;

	if (size > queue->max_message_size)
		return -EMSGSIZE;
	msg = ipcshm_msg_create(from, type, priority, queue_file(file)->payer);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	err = queue_send(queue, msg, patience);
	if (err) {
		ipcshm_msg_free(msg);
		return err;
	}
	return size;
}

/* Receiving. */

/*
 * The message that is next, if there is one and @room for it; NULL if there is
 * none; -EMSGSIZE, and its size in @needed.
 */
static struct ipcshm_msg *take(struct ipcshm_queue *queue, size_t room, size_t *needed,
			       struct ipcshm_wakeups *wakeups)
{
	struct ipcshm_msg *msg = ipcshm_backlog_first(&queue->queued);

	if (!msg)
		msg = ipcshm_backlog_first(&queue->blocked);
	if (!msg)
		return NULL;
	*needed = msg->size;
	if (msg->size > room)
		return ERR_PTR(-EMSGSIZE);
	if (msg->sender) {
		accept(queue, msg, wakeups);
	} else {
		dequeue(queue, msg);
		admit(queue, wakeups);
	}
	return msg;
}

/*
 * A message that was taken and can't be delivered goes back to where it was.
 * The capacity may be exceeded by it: it was accepted, and isn't to be lost.
 */
static void put_back(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	struct ipcshm_wakeups wakeups = { .count = 0 };
	__poll_t events;

		spin_lock(&queue->lock);
	if (!hand_over(queue, msg, &wakeups))
		enqueue(queue, msg, true);
	events = events_due(queue, NOTIFY_READABLE);
	spin_unlock(&queue->lock);
	notify(queue, &wakeups, events);
}

static void receiver_enter(struct ipcshm_queue *queue, struct receiver *receiver)
{
	ipcshm_waiter_init(&receiver->waiter);
	list_add_tail(&receiver->link, &queue->receivers);
	queue->nr_receivers++;
}

/* The receiver gave up: false if it was completed meanwhile. */
static bool receiver_leave(struct ipcshm_queue *queue, struct receiver *receiver)
{
	bool leave;

	spin_lock(&queue->lock);
	leave = !receiver->waiter.done;
	if (leave) {
		list_del(&receiver->link);
		queue->nr_receivers--;
	}
	spin_unlock(&queue->lock);
	return leave;
}

static struct ipcshm_msg *receiver_sleep(struct ipcshm_queue *queue, struct receiver *receiver,
					 const struct ipcshm_patience *patience, size_t *needed)
{
	int err = ipcshm_waiter_sleep(&receiver->waiter, patience);

	if (err && receiver_leave(queue, receiver))
		return ERR_PTR(err);
	*needed = receiver->needed;
	if (!receiver->msg)
		return ERR_PTR(-EMSGSIZE);
	/* What was given to a task that is being killed is better kept for another. */
	if (fatal_signal_pending(current)) {
		put_back(queue, receiver->msg);
		return ERR_PTR(-EINTR);
	}
	return receiver->msg;
}

/* @needed tells the size of the message, if it is received or too large. */
static struct ipcshm_msg *queue_receive(struct ipcshm_queue *queue, size_t room,
					const struct ipcshm_patience *patience, size_t *needed)
{
	struct receiver receiver = { .room = room };
	struct ipcshm_wakeups wakeups = { .count = 0 };
	struct ipcshm_msg *msg;
	__poll_t events = 0;
	bool was_writable;

		spin_lock(&queue->lock);
	was_writable = is_writable(queue);
	msg = take(queue, room, needed, &wakeups);
	if (!msg && patience->nonblock)
		msg = ERR_PTR(-EAGAIN);
	if (!msg)
		receiver_enter(queue, &receiver);
	if (!was_writable)
		events = events_due(queue, NOTIFY_WRITABLE);
	spin_unlock(&queue->lock);
	notify(queue, &wakeups, events);
	return msg ?: receiver_sleep(queue, &receiver, patience, needed);
}

/* The message, copied to @to; it is the caller's to free, or to put back. */
static struct ipcshm_msg *queue_receive_to(struct file *file, struct iov_iter *to,
					   const struct ipcshm_patience *patience, size_t *needed)
{
	struct ipcshm_queue *queue = queue_file(file)->queue;
	struct ipcshm_msg *msg = queue_receive(queue, iov_iter_count(to), patience, needed);
	int err;

	if (IS_ERR(msg))
		return msg;
	err = ipcshm_msg_copy(msg, to);
	if (err) {
		put_back(queue, msg);
		return ERR_PTR(err);
	}
	return msg;
}

/* The calls. */

static bool wants_nonblock(const struct file *file)
{
	return READ_ONCE(file->f_flags) & O_NONBLOCK;
}

static int transfer_get(struct ipcshm_transfer *args, struct ipcshm_patience *patience,
			struct file *file, struct ipcshm_uarg uarg)
{
	const struct ipcshm_message *message = &args->message;
	int err;

	err = ipcshm_args_get(args, sizeof(*args), IPCSHM_TRANSFER_SIZE_VER0, uarg);
	if (err)
		return err;
	if (message->flags || message->segments || message->fd_count || message->token)
		return -EINVAL;
	if (args->flags & ~IPCSHM_DONTWAIT)
		return -EINVAL;
	return ipcshm_patience_get(patience, args->deadline, args->clock,
				   args->flags & IPCSHM_DONTWAIT || wants_nonblock(file));
}

static void transfer_iter(struct iov_iter *iter, unsigned int direction,
			  const struct ipcshm_message *message)
{
	iov_iter_ubuf(iter, direction, u64_to_user_ptr(message->data), message->size);
}

static long queue_ioctl_send(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_patience patience;
	struct ipcshm_transfer args;
	struct iov_iter from;
	ssize_t sent;
	int err;

	err = transfer_get(&args, &patience, file, uarg);
	if (err)
		return err;
	if (args.message.priority > IPCSHM_PRIORITY_MAX)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (args.message.size > IPCSHM_MESSAGE_MAX)
		return -EMSGSIZE;
	transfer_iter(&from, WRITE, &args.message);
	sent = queue_send_from(file, &from, args.message.type, args.message.priority, &patience);
	return sent < 0 ? sent : 0;
}

/* Tells how large the message is that there was no room for. */
static long put_needed(struct ipcshm_transfer *args, size_t needed, struct ipcshm_uarg uarg)
{
	args->message.size = needed;
	return ipcshm_args_put(args, sizeof(*args), uarg) ?: -EMSGSIZE;
}

static long queue_ioctl_receive(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_patience patience;
	struct ipcshm_transfer args;
	struct ipcshm_msg *msg;
	struct iov_iter to;
	size_t needed;
	int err;

	err = transfer_get(&args, &patience, file, uarg);
	if (err)
		return err;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	args.message.size = min_t(u64, args.message.size, IPCSHM_MESSAGE_MAX);
	transfer_iter(&to, READ, &args.message);
	msg = queue_receive_to(file, &to, &patience, &needed);
	if (msg == ERR_PTR(-EMSGSIZE))
		return put_needed(&args, needed, uarg);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ipcshm_msg_describe(msg, &args.message);
	err = ipcshm_args_put(&args, sizeof(args), uarg);
	if (err)
		put_back(queue_file(file)->queue, msg);
	else
		ipcshm_msg_free(msg);
	return err;
}

static long queue_ioctl_stat(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue *queue = queue_file(file)->queue;
	struct ipcshm_queue_stat args = {};

	if (uarg.size < IPCSHM_QUEUE_STAT_SIZE_VER0)
		return -EINVAL;
	ipcshm_object_stat(&queue->object, &args.stat);
	args.max_messages = queue->max_messages;
	args.max_bytes = queue->max_bytes;
	args.max_message_size = queue->max_message_size;
	spin_lock(&queue->lock);
	args.messages = queue->messages;
	args.bytes = queue->bytes;
	args.senders = queue->nr_senders;
	args.receivers = queue->nr_receivers;
	args.sent = queue->sent;
	args.received = queue->sent - queue->messages;
	spin_unlock(&queue->lock);
	return ipcshm_args_fill(&args, sizeof(args), uarg);
}

static long queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ipcshm_uarg uarg = ipcshm_uarg(cmd, arg);

	switch (ipcshm_ioctl_nr(cmd)) {
	case _IOC_NR(IPCSHM_IOC_QUEUE_STAT):
		return queue_ioctl_stat(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_SEND):
		return queue_ioctl_send(file, uarg);
	case _IOC_NR(IPCSHM_IOC_QUEUE_RECEIVE):
		return queue_ioctl_receive(file, uarg);
	default:
		return -ENOTTY;
	}
}

static struct ipcshm_patience iocb_patience(const struct kiocb *iocb)
{
	return (struct ipcshm_patience){
		.expires = KTIME_MAX,
		.clock = CLOCK_MONOTONIC,
		.nonblock = iocb->ki_flags & IOCB_NOWAIT || wants_nonblock(iocb->ki_filp),
	};
}

static ssize_t queue_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct ipcshm_patience patience = iocb_patience(iocb);

	return queue_send_from(iocb->ki_filp, from, 0, 0, &patience);
}

static ssize_t queue_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct ipcshm_patience patience = iocb_patience(iocb);
	struct ipcshm_msg *msg;
	size_t size;

	if (!iov_iter_count(to))
		return 0;
	msg = queue_receive_to(iocb->ki_filp, to, &patience, &size);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ipcshm_msg_free(msg);
	return size;
}

static __poll_t queue_poll(struct file *file, poll_table *pt)
{
	struct ipcshm_queue *queue = queue_file(file)->queue;
	__poll_t events;

	poll_wait(file, &queue->pollers, pt);
	spin_lock(&queue->lock);
	events = poll_events(queue);
	spin_unlock(&queue->lock);
	if (!(file->f_mode & FMODE_READ))
		events &= ~NOTIFY_READABLE;
	if (!(file->f_mode & FMODE_WRITE))
		events &= ~NOTIFY_WRITABLE;
	return events;
}

static int queue_file_release(struct inode *inode, struct file *file)
{
	struct queue_file *qf = queue_file(file);

	ipcshm_object_put(&qf->queue->object);
	kfree(qf);
	return 0;
}

static const struct file_operations queue_fops = {
	.owner = THIS_MODULE,
	.release = queue_file_release,
	.read_iter = queue_read_iter,
	.write_iter = queue_write_iter,
	.poll = queue_poll,
	.unlocked_ioctl = queue_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* The life of a queue. */

static bool capacity_is_valid(const struct ipcshm_queue_open *args)
{
	if (!args->max_message_size || args->max_message_size > IPCSHM_MESSAGE_MAX)
		return false;
	if (!args->max_messages)
		return !args->max_bytes;
	return args->max_bytes >= args->max_message_size;
}

int ipcshm_queue_check(const struct ipcshm_queue_open *args)
{
	if (args->how.flags & IPCSHM_CREATE)
		return capacity_is_valid(args) ? 0 : -EINVAL;
	return args->max_messages || args->max_bytes || args->max_message_size ? -EINVAL : 0;
}

static struct ipcshm_object *queue_create(const void *attr, const char *name,
					  struct ipcshm_limits *payer, umode_t mode)
{
	const struct ipcshm_queue_open *args = attr;
	struct ipcshm_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);

	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->max_messages = args->max_messages;
	queue->max_bytes = args->max_bytes;
	queue->max_message_size = args->max_message_size;
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->receivers);
	init_waitqueue_head(&queue->pollers);
	return &queue->object;
}

static int access_flags(u32 flags)
{
	if (!(flags & IPCSHM_WRITE))
		return O_RDONLY;
	return flags & IPCSHM_READ ? O_RDWR : O_WRONLY;
}

static struct file *queue_open(struct ipcshm_object *object, u32 flags)
{
	int f_flags = access_flags(flags) | (flags & IPCSHM_NONBLOCK ? O_NONBLOCK : 0);
	struct ipcshm_limits *payer = ipcshm_limits_of(current_fsuid());
	struct queue_file *qf;
	struct file *file;

	if (IS_ERR(payer))
		return ERR_CAST(payer);
	qf = kmalloc(sizeof(*qf), GFP_KERNEL_ACCOUNT);
	if (!qf)
		return ERR_PTR(-ENOMEM);
	qf->queue = object_queue(object);
	qf->payer = payer;
	file = anon_inode_getfile("[ipcshm-queue]", &queue_fops, qf, f_flags);
	if (IS_ERR(file)) {
		kfree(qf);
		return file;
	}
	stream_open(file_inode(file), file);
	file->f_mode |= FMODE_NOWAIT;
	return file;
}

static void queue_describe(const struct ipcshm_object *object, void *attr)
{
	const struct ipcshm_queue *queue = object_queue(object);
	struct ipcshm_queue_open *args = attr;

	args->max_messages = queue->max_messages;
	args->max_bytes = queue->max_bytes;
	args->max_message_size = queue->max_message_size;
}

/* Nobody is blocked: who is has a file of the queue open. */
static void queue_release(struct ipcshm_object *object)
{
	struct ipcshm_queue *queue = object_queue(object);
	struct ipcshm_msg *msg;

	while ((msg = ipcshm_backlog_first(&queue->queued))) {
		ipcshm_backlog_remove(&queue->queued, msg);
		ipcshm_msg_free(msg);
		cond_resched();
	}
	kfree(queue);
}

const struct ipcshm_object_ops ipcshm_queue_ops = {
	.kind = IPCSHM_QUEUE,
	.create = queue_create,
	.open = queue_open,
	.describe = queue_describe,
	.release = queue_release,
};
