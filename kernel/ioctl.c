// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of ioctls, and what they have in common: fetching the structure, and checking
 * its size, its flags and reserved members, and the access mode of the descriptor.
 */
#include <linux/fs.h>
#include <linux/nospec.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "ioctl.h"

/**
 * struct span - a member of a structure
 * @at: its offset
 * @size: its size; 0: no member
 */
struct span {
	u16 at;
	u16 size;
};

/**
 * struct ioctl_row - an ioctl
 * @target: the kind of descriptor it is for
 * @size: of the kernel's structure
 * @least: the least size of a caller's structure
 * @access: FMODE_READ or FMODE_WRITE if the descriptor needs it; 0: none, or @run decides
 * @flags: the member with flags, of which
 * @allowed: may be set
 * @zero: reserved members
 * @invalid: the offset of the member that holds the offset of the invalid one after -EINVAL,
 *	which @run sets in the kernel's copy; 0: the structure has no such member
 * @fills: the structure is all out; else @run writes the members that are out
 * @run: does it, with the kernel's copy of the structure
 */
struct ioctl_row {
	enum ipcshm_ioctl_target target;
	u16 size;
	u16 least;
	fmode_t access;
	struct span flags;
	u32 allowed;
	struct span zero[2];
	u16 invalid;
	bool fills;
	long (*run)(struct file *file, void *args, struct ipcshm_uarg uarg);
};

#define SPAN(type, member) \
	{ offsetof(struct ipcshm_##type, member), sizeof_field(struct ipcshm_##type, member) }
#define ON(on, type, version) \
	.target = IPCSHM_ON_##on, .size = sizeof(struct ipcshm_##type), \
	.least = IPCSHM_##version##_SIZE_VER0
#define FLAGS(type, flags_allowed) \
	.flags = SPAN(type, flags), .allowed = (flags_allowed)
#define OPEN(type, flags_allowed)						\
	.flags = SPAN(type, how.flags),						\
	.allowed = IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE | IPCSHM_EXCLUSIVE | \
		   IPCSHM_PERSISTENT | IPCSHM_BY_ID | (flags_allowed),		\
	.zero = { SPAN(type, how.reserved), SPAN(type, reserved) },		\
	.invalid = offsetof(struct ipcshm_##type, how.invalid)

/* The ioctls of regions and queues check their structures themselves. */
static const struct ioctl_row rows[] = {
	[_IOC_NR(IPCSHM_IOC_INFO)] = {
		ON(DEVICE, info, INFO),
		.fills = true,
		.run = ipcshm_ioctl_info,
	},
	[_IOC_NR(IPCSHM_IOC_REGION_OPEN)] = {
		ON(DEVICE, region_open_args, REGION_OPEN),
		OPEN(region_open_args, IPCSHM_REGION_FLAGS),
		.run = ipcshm_ioctl_region_open,
	},
	[_IOC_NR(IPCSHM_IOC_QUEUE_OPEN)] = {
		ON(DEVICE, queue_open_args, QUEUE_OPEN),
		OPEN(queue_open_args, IPCSHM_QUEUE_FLAGS),
		.run = ipcshm_ioctl_queue_open,
	},
	[_IOC_NR(IPCSHM_IOC_UNLINK)] = {
		ON(DEVICE, unlink_args, UNLINK),
		.access = FMODE_WRITE,
		FLAGS(unlink_args, 0),
		.zero = { SPAN(unlink_args, reserved) },
		.run = ipcshm_ioctl_unlink,
	},
};

/* The kernel's copy of a caller's structure. */
union args {
	struct ipcshm_info info;
	struct ipcshm_region_open_args region_open;
	struct ipcshm_queue_open_args queue_open;
	struct ipcshm_unlink_args unlink;
};

static const struct ioctl_row *row_find(enum ipcshm_ioctl_target target, unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);
	const struct ioctl_row *row;

	if (_IOC_TYPE(cmd) != IPCSHM_IOC_MAGIC || _IOC_DIR(cmd) != (_IOC_READ | _IOC_WRITE) ||
	    nr >= ARRAY_SIZE(rows))
		return NULL;
	row = &rows[array_index_nospec(nr, ARRAY_SIZE(rows))];
	return row->run && row->target == target ? row : NULL;
}

static int args_fetch(const struct ioctl_row *row, union args *args, struct ipcshm_uarg uarg)
{
	if (uarg.size < row->least)
		return -EINVAL;
	if (!row->fills)
		return copy_struct_from_user(args, row->size, uarg.ptr, uarg.size);
	memset(args, 0, row->size);
	return 0;
}

/* Returns an invalid member, or NULL. */
static const struct span *args_find_invalid(const struct ioctl_row *row, const void *args)
{
	const u32 *flags = args + row->flags.at;
	size_t i;

	if (row->flags.size && *flags & ~row->allowed)
		return &row->flags;
	for (i = 0; i < ARRAY_SIZE(row->zero); i++) {
		if (memchr_inv(args + row->zero[i].at, 0, row->zero[i].size))
			return &row->zero[i];
	}
	return NULL;
}

static u32 *invalid_of(const struct ioctl_row *row, union args *args)
{
	return (void *)args + row->invalid;
}

static int args_check(const struct ioctl_row *row, union args *args)
{
	const struct span *invalid = args_find_invalid(row, args);

	if (row->invalid)
		*invalid_of(row, args) = invalid ? invalid->at : 0;
	return invalid ? -EINVAL : 0;
}

static long args_run(const struct ioctl_row *row, struct file *file, union args *args,
		     struct ipcshm_uarg uarg)
{
	int err = args_check(row, args);

	if (err)
		return err;
	if (row->access & ~file->f_mode)
		return -EBADF;
	return row->run(file, args, uarg);
}

/**
 * ipcshm_ioctl - run an ioctl
 * @target: the kind of the file
 * @file: what it is called on
 * @cmd: the number, with the size of the caller's structure
 * @arg: the address of that
 *
 * Return: what the ioctl returns, or an error.
 */
long ipcshm_ioctl(enum ipcshm_ioctl_target target, struct file *file, unsigned int cmd,
		  unsigned long arg)
{
	const struct ioctl_row *row = row_find(target, cmd);
	struct ipcshm_uarg uarg = ipcshm_uarg(cmd, arg);
	union args args;
	long result;

	if (!row)
		return -ENOTTY;
	result = args_fetch(row, &args, uarg);
	if (result)
		return result;
	result = args_run(row, file, &args, uarg);
	if (result == -EINVAL && row->invalid)	/* which the error stays if this fails */
		put_user(*invalid_of(row, &args), (u32 __user *)(uarg.ptr + row->invalid));
	if (result < 0)
		return result;
	return row->fills ? ipcshm_args_fill(&args, row->size, uarg) : result;
}
