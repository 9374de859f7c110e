/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening objects through /dev/ipcshm, and unlinking their names. */
#ifndef IPCSHM_OPEN_H
#define IPCSHM_OPEN_H

#include <linux/fs.h>

#include "ioctl.h"

struct ipcshm_registry;

/* The names and numbers that a file of the device gives access to: those of its opener. */
static inline struct ipcshm_registry *ipcshm_device_registry(const struct file *device)
{
	return device->private_data;
}

long ipcshm_device_region_open(struct file *file, struct ipcshm_uarg uarg);
long ipcshm_device_queue_open(struct file *file, struct ipcshm_uarg uarg);
long ipcshm_device_unlink(struct file *file, struct ipcshm_uarg uarg);

#endif /* IPCSHM_OPEN_H */
