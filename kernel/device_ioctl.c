// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of /dev/ipcshm: open objects, and unlink their names. */
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>

#include "device.h"
#include "ioctl.h"
#include "object.h"
#include "queue_open.h"
#include "quota.h"
#include "region.h"
#include "registry.h"

/* Flags of REGION_OPEN and QUEUE_OPEN, in addition to those of every open. */
#define REGION_FLAGS (IPCSHM_POPULATE | IPCSHM_HUGE)
#define QUEUE_CREATION_FLAGS (IPCSHM_HANGUP | IPCSHM_HANGUP_EARLY | IPCSHM_DEAD_LETTERS)
#define QUEUE_FLAGS (IPCSHM_NONBLOCK | QUEUE_CREATION_FLAGS)

static long device_ioctl_info(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_quotas *quotas = ipcshm_registry_payer_get(ipcshm_device_registry(file));

	if (IS_ERR(quotas))
		return PTR_ERR(quotas);
	*(struct ipcshm_info *)args = (struct ipcshm_info){
		.abi_version = IPCSHM_ABI_VERSION,
		.features = IPCSHM_FEATURE_REGION | IPCSHM_FEATURE_QUEUE | IPCSHM_FEATURE_MEMBERS |
			    IPCSHM_FEATURE_MESSAGES | IPCSHM_FEATURE_CALL | IPCSHM_FEATURE_POOL,
		.max_message_size = IPCSHM_MESSAGE_MAX,
		.objects = ipcshm_quotas_read(quotas, IPCSHM_QUOTA_TYPE_OBJECTS),
		.region_bytes = ipcshm_quotas_read(quotas, IPCSHM_QUOTA_TYPE_REGION_BYTES),
		.queue_bytes = ipcshm_quotas_read(quotas, IPCSHM_QUOTA_TYPE_QUEUE_BYTES),
		.members = ipcshm_quotas_read(quotas, IPCSHM_QUOTA_TYPE_MEMBERS),
		.waiters = ipcshm_quotas_read(quotas, IPCSHM_QUOTA_TYPE_WAITERS),
		.descriptors = ipcshm_quotas_read(quotas, IPCSHM_QUOTA_TYPE_DESCRIPTORS),
	};
	ipcshm_quotas_put(quotas);
	return 0;
}

/* Return EINVAL with the offset of the invalid member, in a structure that begins with @how. */
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

/* Check a request to open an existing object; @creation: flags for new objects only. */
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

/* Check the part that all kinds of objects share. */
static int check_how(struct ipcshm_open_how *how, u32 creation)
{
	if (!(how->flags & (IPCSHM_READ | IPCSHM_WRITE)))
		return REFUSE(how, flags);
	return how->flags & IPCSHM_CREATE ? check_creation(how) : check_existing(how, creation);
}

/* A descriptor of the device has rights like a directory's: creation needs write access. */
static bool device_permits(const struct file *device, u32 flags)
{
	if (flags & IPCSHM_READ && !(device->f_mode & FMODE_READ))
		return false;
	return !(flags & (IPCSHM_WRITE | IPCSHM_CREATE)) || device->f_mode & FMODE_WRITE;
}

/*
 * Each step can be undone if a later one fails, so the descriptor is installed last.
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
	goto put_fd;	/* the file owned the reference to the object */
put_object:
	ipcshm_object_put(object);
put_fd:
	put_unused_fd(fd);
	return err;
}

static long device_ioctl_region_open(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_region_open_args *open = args;
	int err = check_how(&open->how, REGION_FLAGS);

	if (err)
		return err;
	open->how.invalid = ipcshm_region_find_invalid(open);
	if (open->how.invalid)
		return -EINVAL;
	return object_open(file, &ipcshm_region_ops, &open->how, open, sizeof(*open), uarg);
}

static long device_ioctl_queue_open(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	struct ipcshm_queue_open_args *open = args;
	int err = check_how(&open->how, QUEUE_CREATION_FLAGS);

	if (err)
		return err;
	open->how.invalid = ipcshm_queue_find_invalid(open);
	if (open->how.invalid)
		return -EINVAL;
	return object_open(file, &ipcshm_queue_ops, &open->how, open, sizeof(*open), uarg);
}

static bool unlink_is_valid(const struct file *file, const void *args)
{
	const struct ipcshm_unlink_args *unlink = args;

	return unlink->kind == IPCSHM_REGION || unlink->kind == IPCSHM_QUEUE;
}

static long device_ioctl_unlink(struct file *file, void *args, struct ipcshm_uarg uarg)
{
	return ipcshm_registry_unlink(ipcshm_device_registry(file), args);
}

#define OPEN(type, flags_allowed, ...)						\
	.flags = IPCSHM_SPAN(type, how.flags),					\
	.allowed = IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE | IPCSHM_EXCLUSIVE | \
		   IPCSHM_PERSISTENT | IPCSHM_BY_ID | IPCSHM_TRUSTED | (flags_allowed), \
	.zero = { IPCSHM_SPAN(type, how.reserved), __VA_ARGS__ },			\
	.invalid = offsetof(struct ipcshm_##type, how.invalid)

static const struct ipcshm_ioctl device_ioctls[] = {
	[_IOC_NR(IPCSHM_IOC_INFO)] = {
		IPCSHM_ARGS(info, INFO),
		.out = IPCSHM_OUT_ALL,
		.run = device_ioctl_info,
	},
	[_IOC_NR(IPCSHM_IOC_REGION_OPEN)] = {
		IPCSHM_ARGS(region_open_args, REGION_OPEN),
		OPEN(region_open_args, REGION_FLAGS, IPCSHM_SPAN(region_open_args, reserved)),
		.run = device_ioctl_region_open,
	},
	[_IOC_NR(IPCSHM_IOC_QUEUE_OPEN)] = {
		IPCSHM_ARGS(queue_open_args, QUEUE_OPEN),
		OPEN(queue_open_args, QUEUE_FLAGS, IPCSHM_SPAN(queue_open_args, reserved)),
		.run = device_ioctl_queue_open,
	},
	[_IOC_NR(IPCSHM_IOC_UNLINK)] = {
		IPCSHM_ARGS(unlink_args, UNLINK),
		IPCSHM_FLAGS(unlink_args, 0),
		.zero = { IPCSHM_SPAN(unlink_args, reserved) },
		.check = unlink_is_valid,
		.access = FMODE_WRITE,
		.run = device_ioctl_unlink,
	},
};

long ipcshm_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	static const struct ipcshm_ioctls table = { device_ioctls, 0, ARRAY_SIZE(device_ioctls) };

	return ipcshm_ioctl_run(&table, file, cmd, arg);
}
