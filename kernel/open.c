// SPDX-License-Identifier: GPL-2.0-only
/* Opening objects through /dev/ipcshm, and unlinking their names. */
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>

#include "ioctl.h"
#include "open.h"
#include "queue_file.h"
#include "region.h"
#include "registry.h"

/* What can be wrong with the part that all kinds of objects share. */
static int open_check(const struct ipcshm_open_how *how, u32 kind_flags)
{
	const u32 access = IPCSHM_READ | IPCSHM_WRITE;
	const u32 lasting = IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT;

	if (how->flags & ~(access | lasting | IPCSHM_CREATE | kind_flags))
		return -EINVAL;
	if (!(how->flags & access) || how->mode & ~0777 || how->reserved)
		return -EINVAL;
	if (!how->name != !how->name_len)
		return -EINVAL;
	if (!(how->flags & IPCSHM_CREATE))
		return !how->name || how->mode || how->flags & lasting ? -EINVAL : 0;
	return !how->name && how->flags & lasting ? -EINVAL : 0;
}

/* What a descriptor of the device is for, as with a directory: creating changes it. */
static bool device_permits(const struct file *device, u32 flags)
{
	if (flags & IPCSHM_READ && !(device->f_mode & FMODE_READ))
		return false;
	return !(flags & (IPCSHM_WRITE | IPCSHM_CREATE)) || device->f_mode & FMODE_WRITE;
}

/*
 * The steps are in an order in which each can be undone by the next one's
 * failure, and the descriptor appears when nothing can fail any more.
 */
static long object_open(struct file *device, const struct ipcshm_object_ops *ops,
			struct ipcshm_open_how *how, void *args, size_t size,
			struct ipcshm_uarg uarg)
{
	struct ipcshm_object *object;
	struct file *file;
	int fd, err;

	if (!device_permits(device, how->flags))
		return -EBADF;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	object = ipcshm_registry_open(ipcshm_device_registry(device), ops, how, args);
	err = PTR_ERR_OR_ZERO(object);
	if (err)
		goto put_fd;
	file = ops->open(object, how->flags);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto put_object;
	ops->describe(object, args);
	err = ipcshm_args_put(args, size, uarg);
	if (err)
		goto put_file;
	if (ops->opened)
		ops->opened(file);
	ipcshm_registry_opened(object, how->created && how->flags & IPCSHM_PERSISTENT);
	fd_install(fd, file);
	return fd;

put_file:
	fput(file);
	goto put_fd;	/* the file had the reference to the object */
put_object:
	ipcshm_object_put(object);
put_fd:
	put_unused_fd(fd);
	return err;
}

long ipcshm_device_region_open(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_region_open_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_OPEN_SIZE_VER0, uarg);
	if (!err)
		err = open_check(&args.how, IPCSHM_REGION_FLAGS);
	if (!err)
		err = ipcshm_region_check(&args);
	if (err)
		return err;
	return object_open(file, &ipcshm_region_ops, &args.how, &args, sizeof(args), uarg);
}

long ipcshm_device_queue_open(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_open_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_QUEUE_OPEN_SIZE_VER0, uarg);
	if (!err)
		err = open_check(&args.how, IPCSHM_QUEUE_FLAGS);
	if (!err)
		err = ipcshm_queue_check(&args);
	if (err)
		return err;
	return object_open(file, &ipcshm_queue_ops, &args.how, &args, sizeof(args), uarg);
}

long ipcshm_device_unlink(struct file *file, struct ipcshm_uarg uarg)
{
	struct ipcshm_unlink_args args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_UNLINK_SIZE_VER0, uarg);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	if (args.kind != IPCSHM_REGION && args.kind != IPCSHM_QUEUE)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return ipcshm_registry_unlink(ipcshm_device_registry(file), &args);
}
