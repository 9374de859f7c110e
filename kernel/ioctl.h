/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls: a table for each kind of descriptor, and the transfer of structures. The number
 * selects the ioctl, and the size in it is the caller's, so that structures can grow (see
 * uapi/linux/ipcshm.h).
 */
#ifndef IPCSHM_IOCTL_H
#define IPCSHM_IOCTL_H

#include <linux/build_bug.h>
#include <linux/fault-inject-usercopy.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/uaccess.h>

#include "uapi/linux/ipcshm.h"
#include "user_copy.h"
#include "waiter.h"

/**
 * struct ipcshm_uarg - a caller's structure
 * @ptr: its address
 * @size: its size according to the caller
 */
struct ipcshm_uarg {
	void __user *ptr;
	size_t size;
};

static inline struct ipcshm_uarg ipcshm_uarg(unsigned int cmd, unsigned long arg)
{
	return (struct ipcshm_uarg){ .ptr = (void __user *)arg, .size = _IOC_SIZE(cmd) };
}

/*
 * Structures of the sizes that are compiled in, which are whole words, go word by
 * word: for those few, what copy_from_user() does beside copying costs more, and so
 * would a loop.  Like that, they can be made to fail (should_fail_usercopy(), which
 * is no code in kernels that aren't built for faults).
 */
static __always_inline int ipcshm_words_get(void *to, const void __user *from, size_t size)
{
	int err = 0;

	if (should_fail_usercopy() || !user_read_access_begin(from, size))
		return -EFAULT;
	ipcshm_get_words(to, from, size / sizeof(u64), &err);
	user_read_access_end();
	return err;
}

/* Copy a structure from the caller; @min is its first published size. */
static __always_inline int ipcshm_args_get(void *args, size_t size, size_t min,
					   struct ipcshm_uarg uarg)
{
	if (likely(uarg.size == size))
		return ipcshm_words_get(args, uarg.ptr, size);
	if (uarg.size < min)
		return -EINVAL;
	return copy_struct_from_user(args, size, uarg.ptr, uarg.size);
}

static inline int ipcshm_args_put(const void *args, size_t size, struct ipcshm_uarg uarg)
{
	return copy_to_user(uarg.ptr, args, min(size, uarg.size)) ? -EFAULT : 0;
}

/* Copy a structure to the caller; members unknown to the kernel are zero. */
static inline int ipcshm_args_fill(const void *args, size_t size, struct ipcshm_uarg uarg)
{
	if (uarg.size > size && clear_user(uarg.ptr + size, uarg.size - size))
		return -EFAULT;
	return ipcshm_args_put(args, size, uarg);
}

/* Size of the largest structure. */
#define IPCSHM_ARGS_MAX 256

/* The members of a structure that are results. */
enum ipcshm_ioctl_out {
	IPCSHM_OUT_NONE,	/* none, or @run writes them itself */
	IPCSHM_OUT_BACK,	/* some: the structure is written back if @run succeeds */
	IPCSHM_OUT_ALL,		/* all: nothing is read */
};

/**
 * struct ipcshm_span - a member of a structure
 * @at: its offset
 * @size: its size; 0: no member
 */
struct ipcshm_span {
	u16 at;
	u16 size;
};

/**
 * struct ipcshm_ioctl - an ioctl; the checks are made in this order
 * @size: size of the kernel's structure
 * @least: smallest size of a caller's structure
 * @out: the members that are results
 * @flags: the member with flags
 * @allowed: flags that may be set
 * @zero: reserved members
 * @invalid: the offset of the member that holds the offset of the invalid one after -EINVAL,
 *	which @run sets in the kernel's copy; 0: the structure has no such member
 * @clock: the offset of the member with the clock of a deadline; 0: no such member
 * @check: returns whether the other members are in range; NULL if @run checks them
 * @access: FMODE_READ or FMODE_WRITE if the descriptor needs it; 0 if @run decides
 * @run: executes the ioctl with the kernel's copy of the structure
 */
struct ipcshm_ioctl {
	u16 size;
	u16 least;
	enum ipcshm_ioctl_out out;
	struct ipcshm_span flags;
	u32 allowed;
	struct ipcshm_span zero[2];
	u16 invalid;
	u16 clock;
	bool (*check)(const struct file *file, const void *args);
	fmode_t access;
	long (*run)(struct file *file, void *args, struct ipcshm_uarg uarg);
};

/* Parts of a table row that describe a structure. */
#define IPCSHM_SPAN(type, member) \
	{ offsetof(struct ipcshm_##type, member), sizeof_field(struct ipcshm_##type, member) }
#define IPCSHM_ARGS(type, version) \
	.size = sizeof(struct ipcshm_##type) + \
		BUILD_BUG_ON_ZERO(sizeof(struct ipcshm_##type) > IPCSHM_ARGS_MAX) + \
		BUILD_BUG_ON_ZERO(sizeof(struct ipcshm_##type) < IPCSHM_##version##_SIZE_VER0), \
	.least = IPCSHM_##version##_SIZE_VER0
#define IPCSHM_FLAGS(type, flags_allowed) \
	.flags = IPCSHM_SPAN(type, flags), .allowed = (flags_allowed)
#define IPCSHM_CLOCK(type) \
	.clock = offsetof(struct ipcshm_##type, clock)

/**
 * struct ipcshm_ioctls - the ioctls of a kind of descriptor
 * @ioctls: by number; entries without @run do not exist
 * @first: number of the first entry
 * @count: number of entries
 */
struct ipcshm_ioctls {
	const struct ipcshm_ioctl *ioctls;
	unsigned int first;
	unsigned int count;
};

static __always_inline int ipcshm_ioctl_fetch(const struct ipcshm_ioctl *ioctl, void *args,
					      struct ipcshm_uarg uarg)
{
	if (ioctl->out != IPCSHM_OUT_ALL)
		return ipcshm_args_get(args, ioctl->size, ioctl->least, uarg);
	memset(args, 0, ioctl->size);
	return uarg.size < ioctl->least ? -EINVAL : 0;
}

/* Return an invalid member, or NULL. */
static __always_inline const struct ipcshm_span *
ipcshm_ioctl_find_invalid(const struct ipcshm_ioctl *ioctl, const void *args)
{
	const u32 *flags = args + ioctl->flags.at;
	size_t i;

	if (ioctl->flags.size && *flags & ~ioctl->allowed)
		return &ioctl->flags;
	for (i = 0; i < ARRAY_SIZE(ioctl->zero); i++) {
		if (ioctl->zero[i].size &&
		    memchr_inv(args + ioctl->zero[i].at, 0, ioctl->zero[i].size))
			return &ioctl->zero[i];
	}
	return NULL;
}

static __always_inline int ipcshm_ioctl_check(const struct ipcshm_ioctl *ioctl,
					      const struct file *file, void *args)
{
	const struct ipcshm_span *invalid = ipcshm_ioctl_find_invalid(ioctl, args);
	const u32 *clock = args + ioctl->clock;

	if (ioctl->invalid)
		*(u32 *)(args + ioctl->invalid) = invalid ? invalid->at : 0;
	if (invalid || (ioctl->clock && !ipcshm_clock_is_valid(*clock)) ||
	    (ioctl->check && !ioctl->check(file, args)))
		return -EINVAL;
	return ioctl->access & ~file->f_mode ? -EBADF : 0;
}

/* Run one ioctl, with room for the kernel's copy of its structure at @args. */
static __always_inline long ipcshm_ioctl_run_one(const struct ipcshm_ioctl *ioctl,
						 struct file *file, void *args,
						 struct ipcshm_uarg uarg)
{
	long result = ipcshm_ioctl_fetch(ioctl, args, uarg);

	if (result)
		return result;
	result = ipcshm_ioctl_check(ioctl, file, args) ?: ioctl->run(file, args, uarg);
	if (ioctl->invalid && result == -EINVAL)	/* stays -EINVAL if this fails */
		put_user(*(u32 *)(args + ioctl->invalid),
			 (u32 __user *)(uarg.ptr + ioctl->invalid));
	if (ioctl->out == IPCSHM_OUT_NONE || result < 0)
		return result;
	if (ioctl->out == IPCSHM_OUT_BACK)
		return ipcshm_args_put(args, ioctl->size, uarg) ?: result;
	return ipcshm_args_fill(args, ioctl->size, uarg) ?: result;
}

long ipcshm_ioctl_run(const struct ipcshm_ioctls *table, struct file *file, unsigned int cmd,
		      unsigned long arg);

#endif /* IPCSHM_IOCTL_H */
