/* SPDX-License-Identifier: GPL-2.0-only */
/* Many messages in one call. */
#ifndef IPCSHM_QUEUE_BATCH_H
#define IPCSHM_QUEUE_BATCH_H

#include "queue.h"

int ipcshm_batch_send(struct ipcshm_queue_file *qfile, const struct ipcshm_batch_args *args,
		      const struct ipcshm_timeout *timeout);
int ipcshm_batch_acknowledge(struct ipcshm_queue_file *qfile,
			     const struct ipcshm_queue_ack_args *args);
int ipcshm_batch_receive(struct ipcshm_queue_file *qfile, const struct ipcshm_batch_args *args,
			 struct ipcshm_timeout *timeout);

#endif /* IPCSHM_QUEUE_BATCH_H */
