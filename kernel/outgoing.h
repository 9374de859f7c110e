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
	return ipcshm_message_is_valid(user) && !user->flags && !user->ack_id &&
	       user->priority <= IPCSHM_PRIORITY_MAX;
}

struct ipcshm_msg *ipcshm_outgoing_create(struct ipcshm_queue_file *qfile,
					  const struct ipcshm_message *user, struct iov_iter *from);
struct ipcshm_msg *ipcshm_outgoing_load(struct ipcshm_queue_file *qfile,
					const struct ipcshm_message *user);

#endif /* IPCSHM_OUTGOING_H */
