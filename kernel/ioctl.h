/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How structures cross the ioctl boundary: the number picks the call, the size
 * in it is the caller's, so that a structure can grow (see uapi/linux/ipcshm.h).
 */
#ifndef IPCSHM_IOCTL_H
#define IPCSHM_IOCTL_H

#include <linux/fault-inject-usercopy.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "uapi/linux/ipcshm.h"

struct file;

/**
 * struct ipcshm_uarg - a caller's structure
 * @ptr: where it is
 * @size: how long the caller says it is
 */
struct ipcshm_uarg {
	void __user *ptr;
	size_t size;
};

/* The number of one of our calls, or -1, which is none. */
static inline int ipcshm_ioctl_nr(unsigned int cmd)
{
	if (_IOC_TYPE(cmd) != IPCSHM_IOC_MAGIC || _IOC_DIR(cmd) != (_IOC_READ | _IOC_WRITE))
		return -1;
	return _IOC_NR(cmd);
}

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
	const unsigned long __user *user = from;
	unsigned long *word = to;
	size_t i;

	if (should_fail_usercopy() || !user_read_access_begin(from, size))
		return -EFAULT;
#pragma GCC unroll 16
	for (i = 0; i < size / sizeof(*word); i++)
		unsafe_get_user(word[i], user + i, fault);
	user_read_access_end();
	return 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

static __always_inline int ipcshm_words_put(void __user *to, const void *from, size_t size)
{
	unsigned long __user *user = to;
	const unsigned long *word = from;
	size_t i;

	if (should_fail_usercopy() || !user_write_access_begin(to, size))
		return -EFAULT;
#pragma GCC unroll 16
	for (i = 0; i < size / sizeof(*word); i++)
		unsafe_put_user(word[i], user + i, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/* @min is the first published size: a caller can't know a shorter structure. */
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

/* A structure that is all out: what the caller knows more than we is zero. */
static inline int ipcshm_args_fill(const void *args, size_t size, struct ipcshm_uarg uarg)
{
	if (uarg.size > size && clear_user(uarg.ptr + size, uarg.size - size))
		return -EFAULT;
	return ipcshm_args_put(args, size, uarg);
}

/* What REGION_OPEN and QUEUE_OPEN take besides what every open takes. */
#define IPCSHM_REGION_FLAGS (IPCSHM_POPULATE | IPCSHM_HUGE)
#define IPCSHM_QUEUE_FLAGS (IPCSHM_NONBLOCK | IPCSHM_HANGUP)

/* The kinds of descriptors. */
enum ipcshm_ioctl_target {
	IPCSHM_ON_DEVICE,
	IPCSHM_ON_REGION,
	IPCSHM_ON_QUEUE,
};

long ipcshm_ioctl(enum ipcshm_ioctl_target target, struct file *file, unsigned int cmd,
		  unsigned long arg);

/* Each with the kernel's copy of the ioctl's structure, whose flags have been checked. */
long ipcshm_ioctl_info(struct file *file, void *args, struct ipcshm_uarg uarg);
long ipcshm_ioctl_region_open(struct file *file, void *args, struct ipcshm_uarg uarg);
long ipcshm_ioctl_queue_open(struct file *file, void *args, struct ipcshm_uarg uarg);
long ipcshm_ioctl_unlink(struct file *file, void *args, struct ipcshm_uarg uarg);

#endif /* IPCSHM_IOCTL_H */
