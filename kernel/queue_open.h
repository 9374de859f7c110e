/* SPDX-License-Identifier: GPL-2.0-only */
/* How queues and their files are made and freed. */
#ifndef IPCSHM_QUEUE_OPEN_H
#define IPCSHM_QUEUE_OPEN_H

#include <linux/types.h>

#include "object.h"

extern const struct ipcshm_object_ops ipcshm_queue_ops;

int ipcshm_queue_file_init(void);
void ipcshm_queue_file_exit(void);
size_t ipcshm_queue_find_invalid(const struct ipcshm_queue_open_args *args);
bool ipcshm_queue_capacity_is_valid(u64 max_messages, u64 max_bytes, u64 max_message_size);
u64 ipcshm_queue_bytes_needed(u64 max_messages, u64 max_bytes, u64 max_message_size);

#endif /* IPCSHM_QUEUE_OPEN_H */
