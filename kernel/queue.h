/* SPDX-License-Identifier: GPL-2.0-only */
/* Queues: messages through a descriptor. */
#ifndef IPCSHM_QUEUE_H
#define IPCSHM_QUEUE_H

#include "registry.h"

extern const struct ipcshm_object_ops ipcshm_queue_ops;

int ipcshm_queue_check(const struct ipcshm_queue_open *args);

#endif /* IPCSHM_QUEUE_H */
