/* SPDX-License-Identifier: GPL-2.0-only */
/* Queues: the way of a message from sender to receiver. */
#ifndef IPCSHM_QUEUE_H
#define IPCSHM_QUEUE_H

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/overflow.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "backlog.h"
#include "quota.h"
#include "message.h"
#include "pollers.h"
#include "pool.h"
#include "process.h"
#include "registry.h"
#include "sleepers.h"
#include "waiter.h"

/**
 * struct ipcshm_queue - a message queue
 * @object: its base
 * @max_message_size: immutable
 * @overflow: enum ipcshm_overflow; immutable
 * @hangup: it was created with IPCSHM_HANGUP; immutable
 * @persistent: it was created with IPCSHM_PERSISTENT; immutable
 * @pool: where messages can be received mapped; a size of 0: there is none
 * @lock: protects all below
 * @max_messages: capacity, 0 is a rendezvous
 * @max_bytes: capacity
 * @price: what the capacity costs the queue's creator; 0 if it is unbounded: then the
 *	senders pay
 * @charged: what the creator is charged; more than @price while the queue keeps messages
 *	that have been paid for and would no longer be
 * @queued: messages that were accepted
 * @messages: how many; may be over the capacity by those that were put back, or
 *	if that was lowered
 * @bytes: how many bytes they have
 * @peak_messages: the most there ever were
 * @peak_bytes: likewise
 * @blocked: messages of senders that sleep
 * @starved: messages of senders that sleep because their user's quota is used up
 * @nr_senders: how many senders sleep
 * @receivers: struct queue_receiver that sleep
 * @calls: struct ipcshm_caller that wait for a reply, or for their request to be received
 * @nr_calls: how many
 * @readers: files that may receive
 * @writers: files that may send
 * @had_reader: there has been one
 * @had_writer: likewise
 * @revoked: nothing works any more
 * @number: the last message's
 * @request_id: the last request's
 * @sent: messages accepted or handed over, ever
 * @received: messages received, ever
 * @dropped: messages that were sent and never will be received; what is in
 *	@queued is what was sent, and neither received nor dropped
 * @pollers: pollers of its descriptors; woken with no lock held
 * @held: messages received mapped and not released; not protected
 */
struct ipcshm_queue {
	struct ipcshm_object object;
	u32 max_message_size;
	u32 overflow;
	bool hangup;
	bool persistent;
	struct ipcshm_pool pool;

	/* on a line of its own, away from what is only read */
	spinlock_t lock ____cacheline_aligned_in_smp;
	u64 max_messages;
	u64 max_bytes;
	u64 price;
	u64 charged;
	struct ipcshm_backlog queued;
	u64 messages;
	u64 bytes;
	u64 peak_messages;
	u64 peak_bytes;
	struct ipcshm_backlog blocked;
	struct ipcshm_backlog starved;
	u64 nr_senders;
	struct ipcshm_sleepers receivers;
	struct list_head calls;
	u64 nr_calls;
	u32 readers;
	u32 writers;
	bool had_reader;
	bool had_writer;
	bool revoked;
	u64 number;
	u64 request_id;
	u64 sent;
	u64 received;
	u64 dropped;
	struct ipcshm_pollers pollers;
	atomic_long_t held;
};

/**
 * struct ipcshm_queue_file - what a descriptor of a queue has of its own
 * @queue: a reference; immutable
 * @payer: who opened it, and pays for what is sent through it; a reference; immutable
 * @mode: FMODE_READ, FMODE_WRITE; immutable
 * @attached: it counts as a reader, a writer; the caller of open was told of it
 * @quota_waiter: wakes pollers when there may be quota to send; its own lock, @quota_lock
 * @quota_lock: held while @quota_waiter is asked to wait
 * @quota_work: the work that does so
 * @busy_poll: nanoseconds to look out for a message before sleeping
 * @calls: those whose requests were received here and aren't replied to, by
 *	request_id; protected by the queue's lock
 * @nr_calls: how many there are; written under the queue's lock
 * @processes: the processes that have received them, or hold messages
 * @held: messages received mapped and not released, by offset
 * @nr_held: how many there are
 */
struct ipcshm_queue_file {
	struct ipcshm_queue *queue;
	struct ipcshm_quotas *payer;
	fmode_t mode;
	bool attached;
	spinlock_t quota_lock;	/* asking @quota_waiter to wait */
	struct ipcshm_quotas_waiter quota_waiter;
	struct work_struct quota_work;
	u32 busy_poll;
	struct rb_root calls;
	u64 nr_calls;
	struct ipcshm_processes processes;
	struct xarray held;
	atomic_long_t nr_held;
};

/**
 * struct ipcshm_criteria - what a receiver asks for
 * @match: which messages
 * @room: how large a one it can take
 * @needed: the size of the one that it can't: set with -EMSGSIZE
 */
struct ipcshm_criteria {
	struct ipcshm_match match;
	size_t room;
	size_t needed;
};

/**
 * struct ipcshm_buffer - a caller's memory
 * @iter: where it is
 * @segments: its pieces, if there are several
 */
struct ipcshm_buffer {
	struct iov_iter iter;
	struct iovec *segments;
};

/**
 * struct ipcshm_receive_buffer - what a caller receives one message in
 * @msg: the message, if the receive buffer has it
 * @held: delivery of a mapped message: the message in the pool, until the queue file holds it
 * @criteria: which one, and how large
 * @user: the caller's structure
 * @buffer: where the payload goes
 */
struct ipcshm_receive_buffer {
	struct ipcshm_msg *msg;
	struct ipcshm_msg *held;
	struct ipcshm_criteria criteria;
	struct ipcshm_message *user;
	struct ipcshm_buffer buffer;
};

static inline bool ipcshm_queue_is_revoked(const struct ipcshm_queue *queue)
{
	return READ_ONCE(queue->revoked);
}

void ipcshm_queue_init(struct ipcshm_queue *queue);
void ipcshm_queue_destroy(struct ipcshm_queue *queue);

void ipcshm_queue_attach(struct ipcshm_queue_file *qfile);
void ipcshm_queue_detach(struct ipcshm_queue_file *qfile);
void ipcshm_queue_abandon(struct ipcshm_queue_file *qfile, struct ipcshm_process *process);

int ipcshm_queue_send(struct ipcshm_queue_file *qfile, struct ipcshm_msg *const *msgs, u32 count,
		      const struct ipcshm_timeout *timeout);
int ipcshm_queue_receive(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbufs,
			 u32 count, const struct ipcshm_timeout *timeout);
int ipcshm_queue_peek(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);
void ipcshm_queue_put_back(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg);

int ipcshm_queue_call(struct ipcshm_queue_file *qfile, struct ipcshm_msg *request,
		      struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout,
		      u64 *id);
int ipcshm_queue_resume(struct ipcshm_queue_file *qfile, u64 id,
			struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout);
int ipcshm_queue_reply(struct ipcshm_queue_file *qfile, u64 request_id, struct ipcshm_msg *reply,
		       bool sync);
void ipcshm_queue_refuse(struct ipcshm_queue_file *qfile, u64 request_id, int err);

int ipcshm_queue_set(struct ipcshm_queue *queue, const struct ipcshm_queue_set_args *args);
u64 ipcshm_queue_drain(struct ipcshm_queue *queue);
void ipcshm_queue_revoke(struct ipcshm_queue *queue);

/* Saturates. */
static inline u64 ipcshm_mul(u64 a, u64 b)
{
	u64 product;

	return check_mul_overflow(a, b, &product) ? U64_MAX : product;
}

u64 ipcshm_queue_price(u64 max_messages, u64 max_bytes, u64 max_message_size);
bool ipcshm_queue_needs_quota(const struct ipcshm_queue *queue);
__poll_t ipcshm_queue_events(struct ipcshm_queue *queue, fmode_t mode);
void ipcshm_queue_wake_senders(struct ipcshm_queue *queue);
void ipcshm_queue_get_stat(struct ipcshm_queue *queue, struct ipcshm_queue_stat *stat);

#endif /* IPCSHM_QUEUE_H */
