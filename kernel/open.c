// SPDX-License-Identifier: GPL-2.0-only
/* Opening objects through /dev/ipcshm, and unlinking their names. */
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>

#include "ioctl.h"
#include "object.h"
#include "open.h"
#include "queue_open.h"
#include "region.h"
#include "registry.h"

/* Any member of the structure that @how begins. */
static int refuse_member(struct ipcshm_open_how *how, size_t offset)
{
	how->invalid = offset;
	return -EINVAL;
}

#define REFUSE(how, member) refuse_member(how, offsetof(struct ipcshm_open_how, member))

static int check_name(struct ipcshm_open_how *how)
{
	if (!how->name && how->name_len)
		return REFUSE(how, name);
	return how->name && !how->name_len ? REFUSE(how, name_len) : 0;
}

static int check_creation(struct ipcshm_open_how *how)
{
	if (how->mode & ~0777)
		return REFUSE(how, mode);
	if (how->flags & IPCSHM_BY_ID ||
	    (!how->name && how->flags & (IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT)))
		return REFUSE(how, flags);
	return check_name(how);
}

/* Of an object that exists; @creation: flags that are for a new one. */
static int check_existing(struct ipcshm_open_how *how, u32 creation)
{
	if (how->flags & (IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT | creation))
		return REFUSE(how, flags);
	if (how->mode)
		return REFUSE(how, mode);
	if (!(how->flags & IPCSHM_BY_ID))
		return how->name ? check_name(how) : REFUSE(how, name);
	if (how->name)
		return REFUSE(how, name);
	if (how->name_len)
		return REFUSE(how, name_len);
	return how->id ? 0 : REFUSE(how, id);
}

/* The part that all kinds of objects share. */
static int check_how(struct ipcshm_open_how *how, u32 creation)
{
	if (!(how->flags & (IPCSHM_READ | IPCSHM_WRITE)))
		return REFUSE(how, flags);
	return how->flags & IPCSHM_CREATE ? check_creation(how) : check_existing(how, creation);
}

/* The rights of a descriptor of the device, as of a directory: creating changes it. */
static bool device_permits(const struct file *device, u32 flags)
{
	if (flags & IPCSHM_READ && !(device->f_mode & FMODE_READ))
		return false;
	return !(flags & (IPCSHM_WRITE | IPCSHM_CREATE)) || device->f_mode & FMODE_WRITE;
}

/*
 * Each step can be undone if a later one fails. The descriptor is installed when nothing can
 * fail.
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
	if (err == -EINVAL)
		REFUSE(how, name);
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
	ipcshm_object_opened(object, how->created && how->flags & IPCSHM_PERSISTENT);
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

long ipcshm_ioctl_region_open(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_region_open_args *open = args;
	int err = check_how(&open->how, IPCSHM_REGION_FLAGS);

	if (err)
		return err;
	open->how.invalid = ipcshm_region_find_invalid(open);
	if (open->how.invalid)
		return -EINVAL;
	return object_open(file, &ipcshm_region_ops, &open->how, open, sizeof(*open), uarg);
}

long ipcshm_ioctl_queue_open(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_open_args *open = args;
	int err = check_how(&open->how, IPCSHM_HANGUP);

	if (err)
		return err;
	open->how.invalid = ipcshm_queue_find_invalid(open);
	if (open->how.invalid)
		return -EINVAL;
	return object_open(file, &ipcshm_queue_ops, &open->how, open, sizeof(*open), uarg);
}

long ipcshm_ioctl_unlink(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	const struct ipcshm_unlink_args *unlink = args;

	if (unlink->kind != IPCSHM_REGION && unlink->kind != IPCSHM_QUEUE)
		return -EINVAL;
	return ipcshm_registry_unlink(ipcshm_device_registry(file), unlink);
}
