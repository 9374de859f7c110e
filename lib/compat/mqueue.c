// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* POSIX message queues: names, descriptors and attributes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"

/* Of a new queue without attributes: as in /proc/sys/fs/mqueue. */
#define DEFAULT_MESSAGES	10
#define DEFAULT_SIZE		8192

/* The name that mq_open() of <bits/mqueue2.h> calls when it is compiled with _FORTIFY_SOURCE. */
mqd_t __mq_open_2(const char *name, int oflag);

int compat_queue_stat(int fd, struct ipcshm_queue_stat *stat)
{
	return ipcshm_queue_get_stat(fd, stat, sizeof(*stat));
}

/* Some devices answer an unknown ioctl with EINVAL. */
bool compat_check_foreign(int fd, ssize_t ret)
{
	struct ipcshm_queue_stat stat;

	return ret == -ENOTTY || (ret == -EINVAL && compat_queue_stat(fd, &stat) < 0);
}

/* Return 0, or the error that the kernel's message queues have for such a name. */
static int check_name(const char *name)
{
	if (*name++ != '/')
		return EINVAL;
	if (!*name)
		return ENOENT;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return EACCES;
	return strlen(name) > NAME_MAX ? ENAMETOOLONG : 0;
}

static uint32_t access_flags(int oflag)
{
	switch (oflag & O_ACCMODE) {
	case O_RDONLY:
		return IPCSHM_READ;
	case O_WRONLY:
		return IPCSHM_WRITE;
	case O_RDWR:
		return IPCSHM_READ | IPCSHM_WRITE;
	default:
		return 0;
	}
}

static uint32_t open_flags(int oflag)
{
	uint32_t flags = access_flags(oflag) | compat_create_flags(oflag);

	return oflag & O_NONBLOCK ? flags | IPCSHM_NONBLOCK : flags;
}

static bool attributes_are_valid(const struct mq_attr *attr)
{
	return !attr || (attr->mq_maxmsg > 0 && (uint64_t)attr->mq_maxmsg <= UINT32_MAX &&
			 attr->mq_msgsize > 0 && attr->mq_msgsize <= IPCSHM_MESSAGE_MAX);
}

/* Attributes that are not valid matter only if there is no such queue. */
static int open_invalid(int device, const char *name, int oflag, struct ipcshm_queue_attr *queue)
{
	int fd = ipcshm_queue_open(device, name, open_flags(oflag & ~O_CREAT), 0, queue);

	if (fd == -ENOENT)
		return -EINVAL;
	if (!(oflag & O_EXCL))
		return fd;
	if (fd >= 0)
		compat_close(fd);
	return -EEXIST;
}

static int open_queue(int device, const char *name, int oflag, mode_t mode,
		      const struct mq_attr *attr, struct ipcshm_queue_attr *queue)
{
	if (!(oflag & O_CREAT))
		return ipcshm_queue_open(device, name, open_flags(oflag), 0, queue);
	if (!attributes_are_valid(attr))
		return open_invalid(device, name, oflag, queue);
	queue->max_messages = attr ? (uint64_t)attr->mq_maxmsg : DEFAULT_MESSAGES;
	queue->max_message_size = attr ? (uint64_t)attr->mq_msgsize : DEFAULT_SIZE;
	return ipcshm_queue_open(device, name, open_flags(oflag), mode & 0777, queue);
}

static mqd_t open_name(const char *name, int oflag, mode_t mode, struct mq_attr *attr)
{
	struct ipcshm_queue_attr queue = { 0 };
	int device, fd, err = check_name(name);

	if (err)
		return compat_fail(err);
	if (!access_flags(oflag))
		return compat_fail(EINVAL);
	device = compat_device_open();
	if (compat_falls_back(device))
		return COMPAT_LIBC(mq_open, name, oflag, mode, attr);
	if (device < 0)
		return compat_fail(-device);
	fd = open_queue(device, name, oflag, mode, attr, &queue);
	compat_close(device);
	if (fd < 0)
		return compat_fail(compat_open_error(fd));
	compat_set_largest(fd, queue.max_message_size);
	return fd;
}

mqd_t mq_open(const char *name, int oflag, ...)
{
	struct mq_attr *attr = NULL;
	mode_t mode = 0;
	va_list list;

	va_start(list, oflag);
	if (oflag & O_CREAT) {
		mode = va_arg(list, mode_t); /* NOLINT: it is initialized */
		attr = va_arg(list, struct mq_attr *);
	}
	va_end(list);
	return open_name(name, oflag, mode, attr);
}

/* Libc's function ends a program that passes O_CREAT without a mode. */
mqd_t __mq_open_2(const char *name, int oflag)
{
	if (oflag & O_CREAT)
		return COMPAT_LIBC(__mq_open_2, name, oflag);
	return open_name(name, oflag, 0, NULL);
}

int mq_close(mqd_t mqdes)
{
	compat_notify_close(mqdes);
	compat_set_largest(mqdes, 0);
	return close(mqdes);
}

int mq_unlink(const char *name)
{
	int device, ret = check_name(name);

	if (ret)
		return compat_fail(ret);
	device = compat_device_open();
	if (compat_falls_back(device))
		return COMPAT_LIBC(mq_unlink, name);
	if (device < 0)
		return compat_fail(-device);
	ret = compat_unlink(device, IPCSHM_QUEUE, name);
	compat_close(device);
	return ret;
}

/* A queue of another program can have a capacity that is no long. */
static long as_long(uint64_t number)
{
	return number > LONG_MAX ? LONG_MAX : (long)number;
}

static struct mq_attr queue_attributes(const struct ipcshm_queue_stat *stat, int flags)
{
	return (struct mq_attr){
		.mq_flags = flags & O_NONBLOCK,
		.mq_maxmsg = as_long(stat->max_messages),
		.mq_msgsize = as_long(stat->max_message_size),
		.mq_curmsgs = as_long(stat->messages),
	};
}

/* Set the flags to those of @to, and return the attributes of before; 0, or -errno. */
static int change_attributes(mqd_t mqdes, const struct mq_attr *to, struct mq_attr *before)
{
	struct ipcshm_queue_stat stat;
	int flags, wanted, ret = compat_queue_stat(mqdes, &stat);

	if (ret < 0)
		return ret;
	flags = fcntl(mqdes, F_GETFL);
	if (flags < 0)
		return -errno;
	wanted = to ? (flags & ~O_NONBLOCK) | (int)to->mq_flags : flags;
	if (wanted != flags && fcntl(mqdes, F_SETFL, wanted) < 0)
		return -errno;
	if (before)
		*before = queue_attributes(&stat, flags);
	return 0;
}

int mq_setattr(mqd_t mqdes, const struct mq_attr *restrict mqstat, struct mq_attr *restrict omqstat)
{
	int ret;

	if (mqstat->mq_flags & ~O_NONBLOCK)
		return compat_fail(EINVAL);
	ret = change_attributes(mqdes, mqstat, omqstat);
	if (compat_is_foreign(mqdes, ret))
		return COMPAT_LIBC(mq_setattr, mqdes, mqstat, omqstat);
	return compat_result(ret);
}

int mq_getattr(mqd_t mqdes, struct mq_attr *mqstat)
{
	int ret = change_attributes(mqdes, NULL, mqstat);

	if (compat_is_foreign(mqdes, ret))
		return COMPAT_LIBC(mq_getattr, mqdes, mqstat);
	return compat_result(ret);
}
