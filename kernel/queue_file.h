/* SPDX-License-Identifier: GPL-2.0-only */
/* Queue files: descriptors of queues, and the calls on them. */
#ifndef IPCSHM_QUEUE_FILE_H
#define IPCSHM_QUEUE_FILE_H

#include "registry.h"

/* What can be asked for when a queue is opened. */
#define IPCSHM_QUEUE_FLAGS (IPCSHM_NONBLOCK | IPCSHM_HANGUP)

extern const struct ipcshm_object_ops ipcshm_queue_ops;

int ipcshm_queue_file_init(void);
void ipcshm_queue_file_exit(void);
int ipcshm_queue_check(const struct ipcshm_queue_open_args *args);

#endif /* IPCSHM_PORT_H */
