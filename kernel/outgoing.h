/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages from the data of senders. */
#ifndef IPCSHM_OUTGOING_H
#define IPCSHM_OUTGOING_H

#include <linux/types.h>

#include "user_buffer.h"

struct iov_iter;
struct ipcshm_msg;
struct ipcshm_queue;
struct ipcshm_queue_file;

static inline bool ipcshm_outgoing_is_valid(const struct ipcshm_message *user)
{
	return ipcshm_message_is_valid(user) && !user->flags &&
	       user->priority <= IPCSHM_PRIORITY_MAX;
}

/**
 * struct ipcshm_msg_cache - spare messages of a queue, for a batch
 * @first: those that have been got, all of one slot class
 * @count: how many may be got, once
 * @time: when the batch is sent
 */
struct ipcshm_msg_cache {
	struct ipcshm_msg *first;
	u32 count;
	u64 time;
};

struct ipcshm_msg *ipcshm_outgoing_create(struct ipcshm_queue_file *qfile,
					  const struct ipcshm_message *user, struct iov_iter *from);
struct ipcshm_msg *ipcshm_outgoing_load(struct ipcshm_queue_file *qfile,
					const struct ipcshm_message *user,
					struct ipcshm_msg_cache *cache);
void ipcshm_msg_cache_empty(struct ipcshm_queue *queue, struct ipcshm_msg_cache *cache);

#endif /* IPCSHM_OUTGOING_H */
