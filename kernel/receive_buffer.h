/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive buffers: user memory for one message. */
#ifndef IPCSHM_RECEIVE_BUFFER_H
#define IPCSHM_RECEIVE_BUFFER_H

#include <linux/uio.h>

#include "backlog.h"
#include "queue_file.h"
#include "user_buffer.h"

/**
 * struct ipcshm_criteria - the messages that a receiver accepts
 * @match: filter by type
 * @room: size of the largest payload; SIZE_MAX: any
 * @needed: size of the message that exceeds @room; set with -EMSGSIZE
 * @ack: the message is to be leased, unless it is a request
 * @ack_timeout: with @ack: nanoseconds until the lease expires, or 0
 * @ack_id: id of the lease of the received message, or 0; set with the message
 */
struct ipcshm_criteria {
	struct ipcshm_match match;
	size_t room;
	size_t needed;
	bool ack;
	u64 ack_timeout;
	u64 ack_id;
};

/**
 * struct ipcshm_receive_buffer - user memory for one message
 * @msg: the message that the buffer owns, or NULL
 * @held: mapped delivery: the message in the pool, until the queue file holds it
 * @criteria: the messages that the caller accepts
 * @user: the caller's structure
 * @buffer: destination of the payload
 */
struct ipcshm_receive_buffer {
	struct ipcshm_msg *msg;
	struct ipcshm_msg *held;
	struct ipcshm_criteria criteria;
	struct ipcshm_message *user;
	struct ipcshm_buffer buffer;
};

static inline bool ipcshm_rbuf_is_valid(const struct ipcshm_queue_file *qfile,
					const struct ipcshm_message *user, bool ack)
{
	const u32 types = IPCSHM_TYPE_EQUAL | IPCSHM_TYPE_NOT | IPCSHM_TYPE_UP_TO;
	u32 how = user->flags & types;

	if (user->flags & IPCSHM_MAPPED && (user->segments || !qfile->queue->pool.size))
		return false;
	return ipcshm_message_is_valid(user) && (ack || !user->ack_id) &&
	       !(user->flags & ~(types | IPCSHM_MAPPED)) && !(how & (how - 1));
}

/* Set what the flags of the ioctl ask for, after ipcshm_rbuf_prepare(). */
static inline void ipcshm_rbuf_set_flags(struct ipcshm_receive_buffer *rbuf, u32 flags,
					 u64 ack_timeout)
{
	rbuf->criteria.ack = flags & IPCSHM_ACK;
	rbuf->criteria.ack_timeout = ack_timeout;
	if (flags & IPCSHM_TRUNCATE)
		rbuf->criteria.room = SIZE_MAX;
}

int ipcshm_rbuf_prepare(struct ipcshm_receive_buffer *rbuf, struct ipcshm_message *user);
void ipcshm_rbuf_put(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);

int ipcshm_rbuf_show(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
		     void __user *to);
bool ipcshm_rbuf_deliver_at_once(struct ipcshm_queue_file *qfile,
				 struct ipcshm_receive_buffer *rbuf, void __user *to);
int ipcshm_rbuf_copy(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);
int ipcshm_rbuf_deliver(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
			void __user *to);
int ipcshm_rbuf_put_needed(const struct ipcshm_receive_buffer *rbuf, void __user *to);
void ipcshm_rbuf_charge(struct ipcshm_receive_buffer *rbuf, struct ipcshm_quotas *payer);
void ipcshm_rbuf_uncharge(struct ipcshm_receive_buffer *rbuf);
void ipcshm_rbuf_put_back(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);

#endif /* IPCSHM_RECEIVE_BUFFER_H */
