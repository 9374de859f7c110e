/* SPDX-License-Identifier: GPL-2.0-only */
/* Leases: messages that were received and are to be acknowledged. */
#ifndef IPCSHM_QUEUE_LEASE_H
#define IPCSHM_QUEUE_LEASE_H

#include <linux/types.h>

struct ipcshm_criteria;
struct ipcshm_msg;
struct ipcshm_process;
struct ipcshm_queue;
struct ipcshm_queue_file;

void ipcshm_leases_init(struct ipcshm_queue *queue);
void ipcshm_leases_destroy(struct ipcshm_queue *queue);
struct ipcshm_msg *ipcshm_lease_begin(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
				      struct ipcshm_process *process,
				      struct ipcshm_criteria *criteria);
void ipcshm_leases_return(struct ipcshm_queue *queue, struct ipcshm_process *process);
void ipcshm_lease_undo(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg, u64 id);
int ipcshm_queue_acknowledge(struct ipcshm_queue_file *qfile, const u64 *ids, int count, u32 flags,
			     u64 timeout);

#endif /* IPCSHM_QUEUE_LEASE_H */
