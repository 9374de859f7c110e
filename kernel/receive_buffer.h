/* SPDX-License-Identifier: GPL-2.0-only */
/* User memory of messages: payloads to send, buffers to receive into, messages held mapped. */
#ifndef IPCSHM_RECEIVE_BUFFER_H
#define IPCSHM_RECEIVE_BUFFER_H

#include "queue.h"

bool ipcshm_outgoing_is_valid(const struct ipcshm_message *user);
struct ipcshm_msg *ipcshm_outgoing_create(struct ipcshm_queue_file *qfile,
					  const struct ipcshm_message *user, struct iov_iter *from);
struct ipcshm_msg *ipcshm_outgoing_load(struct ipcshm_queue_file *qfile,
					const struct ipcshm_message *user);

bool ipcshm_rbuf_is_valid(const struct ipcshm_queue_file *qfile, const struct ipcshm_message *user);
int ipcshm_rbuf_prepare(struct ipcshm_receive_buffer *rbuf, struct ipcshm_message *user);
void ipcshm_rbuf_put(struct ipcshm_receive_buffer *rbuf);

int ipcshm_rbuf_show(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
		     void __user *to);
bool ipcshm_rbuf_deliver_at_once(struct ipcshm_queue_file *qfile,
				 struct ipcshm_receive_buffer *rbuf, void __user *to);
int ipcshm_rbuf_copy(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);
int ipcshm_rbuf_deliver(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf,
			void __user *to);
int ipcshm_rbuf_put_needed(const struct ipcshm_receive_buffer *rbuf, void __user *to);
void ipcshm_rbuf_put_back(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);

bool ipcshm_held_release(struct ipcshm_queue_file *qfile, u64 offset);
void ipcshm_held_release_all(struct ipcshm_queue_file *qfile, const struct pid *holder);

#endif /* IPCSHM_SLOT_H */
