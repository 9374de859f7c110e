/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages received mapped, which a queue file holds until they are released. */
#ifndef IPCSHM_HELD_H
#define IPCSHM_HELD_H

#include <linux/types.h>

struct ipcshm_queue_file;
struct ipcshm_receive_buffer;
struct pid;

int ipcshm_held_prepare(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);
void ipcshm_held_cancel(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);
void ipcshm_held_commit(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf);
bool ipcshm_held_release(struct ipcshm_queue_file *qfile, u64 offset);
void ipcshm_held_release_all(struct ipcshm_queue_file *qfile, const struct pid *holder);

#endif /* IPCSHM_HELD_H */
