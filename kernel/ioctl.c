// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of all descriptors: finding the row of one, and running it. */
#include <linux/fs.h>
#include <linux/nospec.h>

#include "compat.h"
#include "ioctl.h"

static const struct ipcshm_ioctl *ioctl_find(const struct ipcshm_ioctls *table, unsigned int cmd)
{
	unsigned int index = _IOC_NR(cmd) - table->first;
	const struct ipcshm_ioctl *ioctl;

	if (_IOC_TYPE(cmd) != IPCSHM_IOC_MAGIC || _IOC_DIR(cmd) != (_IOC_READ | _IOC_WRITE) ||
	    index >= table->count)
		return NULL;
	ioctl = &table->ioctls[array_index_nospec(index, table->count)];
	return ioctl->run ? ioctl : NULL;
}

/**
 * ipcshm_ioctl_run - run an ioctl
 * @table: the ioctls of the kind of descriptor
 * @file: the descriptor
 * @cmd: the number, with the size of the caller's structure
 * @arg: the address of that
 *
 * Return: the result of the ioctl, or an error.
 */
long ipcshm_ioctl_run(const struct ipcshm_ioctls *table, struct file *file, unsigned int cmd,
		      unsigned long arg)
{
	u64 args[IPCSHM_ARGS_MAX / sizeof(u64)] IPCSHM_UNINITIALIZED;
	const struct ipcshm_ioctl *ioctl = ioctl_find(table, cmd);

	return ioctl ? ipcshm_ioctl_run_one(ioctl, file, args, ipcshm_uarg(cmd, arg)) : -ENOTTY;
}
