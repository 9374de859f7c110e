/* SPDX-License-Identifier: GPL-2.0-only */
/* One message: payload, sender, and descriptors in flight. */
#ifndef IPCSHM_MESSAGE_H
#define IPCSHM_MESSAGE_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/timekeeping.h>
#include <linux/sched/signal.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/ipcshm.h"
#include "uapi/linux/ipcshm_netlink.h"

struct iov_iter;
struct ipcshm_caller;
struct ipcshm_quotas;
struct ipcshm_pool;
struct ipcshm_process;
struct ipcshm_waiter;

/* Rank of a message in a backlog: first of its type, first of its priority, or neither. */
enum ipcshm_rank { IPCSHM_RANK_NONE, IPCSHM_RANK_LEVEL, IPCSHM_RANK_HEAD };

/**
 * struct ipcshm_place - links of a message in a backlog
 * @equals: the ring of messages of its type and priority, oldest first; outside of a
 *	backlog, a list of messages to free
 * @level: IPCSHM_RANK_LEVEL or _HEAD: node in the tree of priorities of its type
 * @type: IPCSHM_RANK_HEAD: node in the tree of types
 * @levels: IPCSHM_RANK_HEAD: the tree of priorities of its type, the highest leftmost
 */
struct ipcshm_place {
	struct list_head equals;
	struct rb_node level;
	struct rb_node type;
	struct rb_root levels;
};

/**
 * struct ipcshm_extremes - first and last message at and below a node of the tree of types
 * @best: the message that is received first
 * @worst: the oldest one of the lowest priority
 */
struct ipcshm_extremes {
	struct ipcshm_msg *best;
	struct ipcshm_msg *worst;
};

/**
 * struct ipcshm_lease - links of a message that its receiver has to acknowledge
 * @by_id: node in the older leases of @process, see struct ipcshm_leases
 * @by_expiry: node in the queue's leases that expire, unless @expiry is 0
 * @id: number of the lease
 * @expiry: when the message comes back, nanoseconds of CLOCK_MONOTONIC, or 0
 * @process: the receiver
 */
struct ipcshm_lease {
	struct rb_node by_id;
	struct rb_node by_expiry;
	u64 id;
	u64 expiry;
	struct ipcshm_process *process;
};

/**
 * struct ipcshm_msg - one message in the kernel
 * @users: number of tasks that use it
 * @priority: higher is received first
 * @rank: enum ipcshm_rank; [Q]
 * @charged: the charges of @payer, IPCSHM_CHARGED_*; owned by the message's owner
 * @size: bytes of payload
 * @nr_files: descriptors in flight
 * @slot_class: size class of its memory; IPCSHM_SLOT_NONE if it cannot be recycled
 * @plain: only a payload in a slot: see queue_fast.c; [Q]
 * @starved: its sender is blocked for quota, not for room; [Q]
 * @returned: it was received and came back; [Q]
 * @returns: times that it came back; stays at U8_MAX; [Q]
 * @place: its links in a backlog; [Q]
 * @lease: its links while it is leased; [Q]
 * @extremes: IPCSHM_RANK_HEAD: of the types below it; [Q]
 * @request_id: received requests: the id for the reply, else 0; written under the queue's
 *	lock, then owned by the receiver
 * @number: order of arrival among equal messages; [Q]
 * @sender: the sender that is blocked until the queue accepts it, or NULL; [Q]
 * @holder: the process that received it mapped, whose registration at the descriptor has
 *	a reference; protected by the lock of the descriptor's held messages
 * @next: spare messages: the next one; [Q]
 * @caller: the caller that waits for a reply to it, until it is received; [Q]
 * @payer: the user that pays while a queue keeps it: the opener of the sender's descriptor
 *	and, once it is received, of the receiver's; kept by a charge, else by the owner
 * @pid: the sending process; a reference
 * @uid: the sender's real user
 * @gid: the sender's real group
 * @type: the sender's tag
 * @time: time of sending, CLOCK_MONOTONIC
 * @files: files in flight, references; NULL without any
 * @pool: the pool that contains the payload, or NULL
 * @offset: offset of the payload in @pool
 * @pages: without @pool: the payload, or NULL if it is small
 * @data: the payload if it is small
 *
 * A message is owned by its sender, then by a queue, then by its receiver. Members marked [Q]
 * are protected by the queue's lock. Members without a rule are immutable once it is sent.
 */
struct ipcshm_msg {
	refcount_t users;
	u16 priority;
	u8 rank;
	u8 charged;
	u32 size;
	u8 nr_files;
	u8 slot_class;
	bool plain : 1;
	bool starved : 1;
	bool returned : 1;
	u8 returns;
	union {
		struct ipcshm_place place;
		struct ipcshm_lease lease;
	};
	union {
		struct ipcshm_extremes extremes;
		u64 request_id;
	};
	u64 number;
	union {
		struct ipcshm_waiter *sender;
		const struct pid *holder;
		struct ipcshm_msg *next;
	};
	struct ipcshm_caller *caller;
	struct ipcshm_quotas *payer;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	u64 type;
	u64 time;
	struct file **files;
	struct ipcshm_pool *pool;
	union {
		u64 offset;
		struct page **pages;
	};
	u8 data[] __aligned(sizeof(long));
};

/*
 * Sizes of slots. A slot contains a message and its small payload, and can be recycled for
 * another message of its class: see spares.h.
 */
#define IPCSHM_SLOT_CLASSES	5
#define IPCSHM_SLOT_NONE	U8_MAX
#define IPCSHM_SLOT_MIN		256U

/* The largest payload in the smallest slot. */
#define IPCSHM_SLOT_MIN_PAYLOAD (IPCSHM_SLOT_MIN - sizeof(struct ipcshm_msg))

static inline u32 ipcshm_slot_size(u32 slot_class)
{
	return IPCSHM_SLOT_MIN << slot_class;
}

/* The largest payload in the largest slot; larger ones have pages of their own. */
#define IPCSHM_SMALL_MAX \
	((IPCSHM_SLOT_MIN << (IPCSHM_SLOT_CLASSES - 1)) - sizeof(struct ipcshm_msg))

/* Return the slot class for a payload of @size bytes, at most IPCSHM_SMALL_MAX. */
static inline u32 ipcshm_slot_class(size_t size)
{
	return fls((size + sizeof(struct ipcshm_msg) - 1) | (IPCSHM_SLOT_MIN / 2)) -
	       ilog2(IPCSHM_SLOT_MIN);
}

struct ipcshm_msg *ipcshm_msg_create(const struct ipcshm_message *args, struct iov_iter *from,
				     struct ipcshm_pool *pool, struct ipcshm_quotas *payer,
				     struct ipcshm_msg *spare);
void ipcshm_msg_put(struct ipcshm_msg *msg);

static inline struct ipcshm_msg *ipcshm_msg_get(struct ipcshm_msg *msg)
{
	refcount_inc(&msg->users);
	return msg;
}

/**
 * struct ipcshm_sender - the identity of a message's sender
 * @pid: the process
 * @uid: its real user
 * @gid: its real group
 */
struct ipcshm_sender {
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
};

/*
 * Return the identity of the current task. It has the real ids, as SCM_CREDENTIALS does: a
 * set-user-ID program whose standard output is a queue speaks for its caller.
 */
static inline struct ipcshm_sender ipcshm_sender_current(void)
{
	const struct cred *cred = current_cred();

	return (struct ipcshm_sender){
		.pid = task_tgid(current),
		.uid = cred->uid,
		.gid = cred->gid,
	};
}

static inline void ipcshm_msg_set_sender(struct ipcshm_msg *msg, const struct ipcshm_sender *sender)
{
	if (unlikely(msg->pid != sender->pid)) {
		put_pid(msg->pid);
		msg->pid = get_pid(sender->pid);
	}
	msg->uid = sender->uid;
	msg->gid = sender->gid;
}

/* Initialize a new or recycled message. */
static inline void ipcshm_msg_reset(struct ipcshm_msg *msg, size_t size,
				    struct ipcshm_quotas *payer)
{
	msg->size = size;
	msg->starved = false;
	msg->returned = false;
	msg->returns = 0;
	msg->request_id = 0;
	msg->number = 0;
	msg->sender = NULL;
	msg->caller = NULL;
	msg->payer = payer;
}

int ipcshm_msg_copy(const struct ipcshm_msg *msg, struct iov_iter *to);

/**
 * struct ipcshm_fds - descriptor numbers that are reserved for the files of a message
 * @count: number of descriptors
 * @numbers: their numbers
 *
 * A reserved number refers to no file, and no other thread can close or replace it.
 */
struct ipcshm_fds {
	u32 count;
	s32 numbers[IPCSHM_FDS_MAX];
};

int ipcshm_fds_reserve(struct ipcshm_fds *fds, const struct ipcshm_msg *msg, u32 room);
void ipcshm_fds_cancel(const struct ipcshm_fds *fds);
void ipcshm_fds_install(const struct ipcshm_fds *fds, const struct ipcshm_msg *msg);

struct ipcshm_msg *ipcshm_msg_in_pool(struct ipcshm_msg *msg, struct ipcshm_pool *pool);
int ipcshm_msg_get_files(struct ipcshm_msg *msg, const s32 __user *from, u32 count);
void ipcshm_msg_close_files(struct ipcshm_msg *msg);

/* struct ipcshm_msg.charged */
#define IPCSHM_CHARGED_BYTES	0x01
#define IPCSHM_CHARGED_FILES	0x02

/* Return the charge of IPCSHM_QUOTA_TYPE_QUEUE_BYTES for a message of @size bytes. */
static inline u64 ipcshm_msg_cost(u64 size)
{
	return size + sizeof(struct ipcshm_msg);
}

/* Peeking copies the payload, which sleeps only if user memory does. */
static inline bool ipcshm_msg_is_small(const struct ipcshm_msg *msg)
{
	return !msg->pool && !msg->pages;
}

bool ipcshm_msg_charge(struct ipcshm_msg *msg, u8 what, enum ipcshm_quota_type *quota, u64 *amount);
void ipcshm_msg_charge_force(struct ipcshm_msg *msg, struct ipcshm_quotas *payer);
void ipcshm_msg_charge_files_force(struct ipcshm_msg *msg, struct ipcshm_quotas *payer);
void ipcshm_msg_uncharge_slow(struct ipcshm_msg *msg);

static inline void ipcshm_msg_uncharge(struct ipcshm_msg *msg)
{
	if (msg->charged)
		ipcshm_msg_uncharge_slow(msg);
}

#endif /* IPCSHM_MESSAGE_H */
