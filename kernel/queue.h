/* SPDX-License-Identifier: GPL-2.0-only */
/* Queues: the path of a message from sender to receiver. */
#ifndef IPCSHM_QUEUE_H
#define IPCSHM_QUEUE_H

#include <linux/cache.h>
#include <linux/completion.h>
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
#include "object.h"
#include "quota.h"
#include "message.h"
#include "pollers.h"
#include "pool.h"
#include "process.h"
#include "sleepers.h"
#include "spares.h"
#include "waiter.h"

struct ipcshm_queue_file;
struct ipcshm_receive_buffer;

/**
 * struct ipcshm_queue - a message queue
 * @object: its base
 * @max_message_size: largest payload; immutable
 * @plain_bound: only messages with fewer bytes can take the fast path; immutable
 * @overflow: enum ipcshm_overflow; immutable
 * @hangup: created with IPCSHM_HANGUP; immutable
 * @persistent: created with IPCSHM_PERSISTENT; immutable
 * @pool: memory for messages that are received mapped; of size 0 if there is none
 * @lock: protects the members below
 * @max_messages: capacity in messages; 0 for a rendezvous
 * @max_bytes: capacity in bytes
 * @price: charge of the creator for the capacity, or 0 if it is unbounded and the senders
 *	pay
 * @charged: actual charge of the creator; more than @price while the queue keeps messages
 *	that exceed a lowered capacity
 * @queued: accepted messages
 * @returned: accepted messages that were received and came back
 * @spares: idle memory of messages
 * @messages: number of messages in @queued and @returned, and leased ones; can exceed the
 *	capacity if messages were put back or the capacity was lowered
 * @bytes: sum of their sizes
 * @peak_messages: maximum of @messages
 * @peak_bytes: maximum of @bytes
 * @blocked: messages of senders that sleep for room
 * @starved: messages of senders that sleep for quota
 * @nr_senders: number of sleeping senders
 * @receivers: sleeping struct queue_receiver
 * @calls: struct ipcshm_caller that wait for a reply, or for their request to be received
 * @nr_calls: number of @calls
 * @readers: number of files that may receive
 * @writers: number of files that may send
 * @had_reader: a file that may receive has been opened
 * @had_writer: a file that may send has been opened
 * @revoked: all operations fail
 * @number: number of the last message
 * @request_id: id of the last request
 * @sent: messages accepted or handed over since creation
 * @received: messages received since creation
 * @dropped: messages that were sent and are never received; @messages counts the sent
 *	messages that are neither received nor dropped
 * @stalls: messages that blocked their sender since creation
 * @max_deliveries: number of leases after which a message is a dead letter, or 0; immutable
 * @dead_letter_file: a queue file of the queue of dead letters, or NULL; immutable
 * @ack_id: id of the last lease
 * @unacknowledged: number of leased messages
 * @returns: times that a leased message came back
 * @dead_letters: times that a message came back from its last lease
 * @dead: dead letters that are about to be sent, by @place.equals
 * @expiring: leases that expire, by time
 * @expire_work: returns messages whose leases have expired; not protected
 * @pollers: pollers of its descriptors; woken without a lock
 * @held: number of messages received mapped and not released; not protected
 * @work: work after the revocation, see ipcshm_queue_work()
 * @emptied: the waits of the revoked queue have ended, and its messages have been discarded
 */
struct ipcshm_queue {
	struct ipcshm_object object;
	u32 max_message_size;
	u32 plain_bound;
	u32 overflow;
	bool hangup;
	bool persistent;
	struct ipcshm_pool pool;

	/* apart from the cache line of read-only members */
	spinlock_t lock ____cacheline_aligned_in_smp;
	u64 max_messages;
	u64 max_bytes;
	u64 price;
	u64 charged;
	struct ipcshm_backlog queued;
	struct ipcshm_backlog returned;
	struct ipcshm_spares spares;
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
	u64 stalls;
	u32 max_deliveries;
	struct ipcshm_queue_file *dead_letter_file;
	u64 ack_id;
	u64 unacknowledged;
	u64 returns;
	u64 dead_letters;
	struct list_head dead;
	struct rb_root_cached expiring;
	struct delayed_work expire_work;
	struct ipcshm_pollers pollers;
	atomic_long_t held;
	struct work_struct work;
	struct completion emptied;
};

static inline bool ipcshm_queue_is_revoked(const struct ipcshm_queue *queue)
{
	return READ_ONCE(queue->revoked);
}

void ipcshm_queue_init(struct ipcshm_queue *queue);
void ipcshm_queue_destroy(struct ipcshm_queue *queue);

void ipcshm_queue_attach(struct ipcshm_queue_file *qfile);
void ipcshm_queue_detach(struct ipcshm_queue_file *qfile);
void ipcshm_queue_cancel(struct ipcshm_queue_file *qfile, bool undo);
void ipcshm_queue_abandon(struct ipcshm_queue_file *qfile, struct ipcshm_process *process);

struct ipcshm_msg *ipcshm_queue_pop_spare(struct ipcshm_queue *queue, size_t size);
void ipcshm_queue_recycle(struct ipcshm_queue *queue, struct ipcshm_msg *msg);

int ipcshm_queue_send(struct ipcshm_queue_file *qfile, struct ipcshm_msg *const *msgs, u32 count,
		      const struct ipcshm_timeout *timeout);
int ipcshm_queue_receive(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbufs,
			 u32 count, const struct ipcshm_timeout *timeout);
bool ipcshm_queue_write_fast(struct ipcshm_queue_file *qfile, u64 data, size_t size);
ssize_t ipcshm_queue_read_fast(struct ipcshm_queue_file *qfile, u64 data, size_t size);

/* The most messages of a batch that are sent or received in one critical section. */
#define IPCSHM_ROW 32

u32 ipcshm_queue_send_row(struct ipcshm_queue_file *qfile,
			  const struct ipcshm_message __user *from, u32 count);
u32 ipcshm_queue_receive_row(struct ipcshm_queue_file *qfile, struct ipcshm_message __user *from,
			     u32 count);
u32 ipcshm_queue_lease_row(struct ipcshm_queue_file *qfile, struct ipcshm_message __user *from,
			   u32 count, u64 timeout);
u32 ipcshm_queue_acknowledge_row(struct ipcshm_queue_file *qfile, const u64 *ids, u32 count);
int ipcshm_queue_peek(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);
void ipcshm_queue_put_back(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg);

int ipcshm_queue_call(struct ipcshm_queue_file *qfile, struct ipcshm_msg *request,
		      struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout,
		      u64 *id);
int ipcshm_queue_wait_peer(struct ipcshm_queue_file *qfile, fmode_t mode,
			   const struct ipcshm_timeout *timeout);
int ipcshm_queue_resume(struct ipcshm_queue_file *qfile, u64 id,
			struct ipcshm_receive_buffer *reply, const struct ipcshm_timeout *timeout);
int ipcshm_queue_reply(struct ipcshm_queue_file *qfile, u64 request_id, struct ipcshm_msg *reply,
		       bool sync);
void ipcshm_queue_refuse(struct ipcshm_queue_file *qfile, u64 request_id, int err);

int ipcshm_queue_set(struct ipcshm_queue *queue, const struct ipcshm_queue_set_args *args);
u64 ipcshm_queue_drain(struct ipcshm_queue *queue);
void ipcshm_queue_revoke(struct ipcshm_queue *queue);
void ipcshm_queue_work(struct work_struct *work);

/* Return @a + @b, or U64_MAX on overflow. */
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
