/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of /dev/ipcshm. */
#ifndef IPCSHM_DEVICE_H
#define IPCSHM_DEVICE_H

#include <linux/fs.h>

struct ipcshm_registry;

/* The names and numbers that a file of the device gives access to: those of its opener. */
static inline struct ipcshm_registry *ipcshm_device_registry(const struct file *device)
{
	return device->private_data;
}

long ipcshm_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* IPCSHM_DEVICE_H */
