// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* POSIX message queues: sending and receiving. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/cdefs.h>

/* The header declares that a deadline is never NULL; Linux takes NULL for none. */
#undef __nonnull
#define __nonnull(parameters)
#include <mqueue.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <time.h>

#include "compat.h"

#define NSEC_PER_SEC	1000000000

/*
 * The largest message of the queue behind a descriptor, 0: not known. mq_receive() needs it for
 * each message: room for less is an error, whatever the message. It never changes while a
 * descriptor is a queue's. An entry of a descriptor that was closed by close() and opened
 * otherwise can be stale: before an error is returned, the kernel is asked.
 */
static _Atomic uint32_t largest[1024];

static bool has_entry(int fd)
{
	return fd >= 0 && fd < (int)(sizeof(largest) / sizeof(*largest));
}

void compat_set_largest(int fd, uint64_t size)
{
	if (has_entry(fd))
		atomic_store_explicit(&largest[fd], (uint32_t)size, memory_order_relaxed);
}

static uint32_t get_largest(int fd)
{
	return has_entry(fd) ? atomic_load_explicit(&largest[fd], memory_order_relaxed) : 0;
}

/* Return 0 if @room is enough for any message of the queue, or -errno. */
static int check_room(int fd, size_t room)
{
	struct ipcshm_queue_stat stat;
	int ret;

	ret = compat_queue_stat(fd, &stat);
	if (ret < 0)
		return ret;
	compat_set_largest(fd, stat.max_message_size);
	if (room >= stat.max_message_size)
		return 0;
	return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY ? -EBADF : -EMSGSIZE;
}

static inline int ensure_room(int fd, size_t room)
{
	uint32_t known = get_largest(fd);

	return known && room >= known ? 0 : check_room(fd, room);
}

/*
 * A cancellation point, made as libc makes its own: the thread can be canceled at any instruction
 * of the system call. Returns 0, or -errno; an error changes errno.
 */
static int transfer(int fd, unsigned long command, struct ipcshm_transfer_args *args)
{
	int type, ret;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = ioctl(fd, command, args);
	pthread_setcanceltype(type, NULL);
	return ret < 0 ? -errno : 0;
}

/* A time of CLOCK_REALTIME, whatever the size of the caller's time_t. */
struct moment {
	int64_t seconds;
	int64_t nanoseconds;
};

/* Return NULL for no deadline, as the kernel's message queues accept it. */
static const struct moment *from_timespec(const struct timespec *from, struct moment *to)
{
	if (!from)
		return NULL;
	*to = (struct moment){ from->tv_sec, from->tv_nsec };
	return to;
}

static bool is_valid(const struct moment *end)
{
	return end->seconds >= 0 && end->nanoseconds >= 0 && end->nanoseconds < NSEC_PER_SEC;
}

/* The deadline in nanoseconds. One that has passed stays one, and one beyond all time is none. */
static uint64_t deadline(const struct moment *end)
{
	uint64_t sum;

	if (!end || __builtin_mul_overflow((uint64_t)end->seconds, NSEC_PER_SEC, &sum) ||
	    __builtin_add_overflow(sum, (uint64_t)end->nanoseconds, &sum))
		return IPCSHM_FOREVER;
	return sum ? sum : 1;
}

/* A deadline that is not valid is an error only if the call would block. */
static int transfer_until(int fd, unsigned long command, struct ipcshm_transfer_args *args,
			  const struct moment *end)
{
	int ret;

	args->clock = CLOCK_REALTIME;
	if (!end || is_valid(end)) {
		args->deadline = deadline(end);
		return transfer(fd, command, args);
	}
	args->deadline = IPCSHM_FOREVER;
	args->flags = IPCSHM_DONTWAIT;
	ret = transfer(fd, command, args);
	return ret == -EAGAIN && !(fcntl(fd, F_GETFL) & O_NONBLOCK) ? -EINVAL : ret;
}

/* Return 0, or -errno. */
static int send_until(mqd_t mqdes, const char *data, size_t size, unsigned int priority,
		      const struct moment *end)
{
	struct ipcshm_transfer_args args = {
		.message = {
			.data = (uintptr_t)data,
			.size = size,
			.priority = priority,
		},
	};

	if (priority > IPCSHM_PRIORITY_MAX)
		return -EINVAL;
	return transfer_until(mqdes, IPCSHM_IOC_QUEUE_SEND, &args, end);
}

/* Return the size of the message, or -errno. */
static ssize_t receive_until(mqd_t mqdes, char *data, size_t room, unsigned int *priority,
			     const struct moment *end)
{
	struct ipcshm_transfer_args args = {
		.message = {
			.data = (uintptr_t)data,
			.size = room < IPCSHM_MESSAGE_MAX ? room : IPCSHM_MESSAGE_MAX,
		},
	};
	int ret = ensure_room(mqdes, room);

	if (!ret)
		ret = transfer_until(mqdes, IPCSHM_IOC_QUEUE_RECEIVE, &args, end);
	if (ret < 0)
		return ret;
	if (priority)
		*priority = args.message.priority;
	return (ssize_t)args.message.size;
}

static ssize_t receive_result(ssize_t ret)
{
	return ret < 0 ? compat_fail((int)-ret) : ret;
}

int mq_send(mqd_t mqdes, const char *msg_ptr, size_t msg_len, unsigned int msg_prio)
{
	int ret = send_until(mqdes, msg_ptr, msg_len, msg_prio, NULL);

	if (compat_is_foreign(mqdes, ret))
		return COMPAT_LIBC(mq_send, mqdes, msg_ptr, msg_len, msg_prio);
	return compat_result(ret);
}

int mq_timedsend(mqd_t mqdes, const char *msg_ptr, size_t msg_len, unsigned int msg_prio,
		 const struct timespec *abs_timeout)
{
	struct moment end;
	int ret = send_until(mqdes, msg_ptr, msg_len, msg_prio, from_timespec(abs_timeout, &end));

	if (compat_is_foreign(mqdes, ret))
		return COMPAT_LIBC(mq_timedsend, mqdes, msg_ptr, msg_len, msg_prio, abs_timeout);
	return compat_result(ret);
}

ssize_t mq_receive(mqd_t mqdes, char *msg_ptr, size_t msg_len, unsigned int *msg_prio)
{
	ssize_t ret = receive_until(mqdes, msg_ptr, msg_len, msg_prio, NULL);

	if (compat_is_foreign(mqdes, ret))
		return COMPAT_LIBC(mq_receive, mqdes, msg_ptr, msg_len, msg_prio);
	return receive_result(ret);
}

ssize_t mq_timedreceive(mqd_t mqdes, char *restrict msg_ptr, size_t msg_len,
			unsigned int *restrict msg_prio, const struct timespec *restrict abs_timeout)
{
	struct moment end;
	ssize_t ret = receive_until(mqdes, msg_ptr, msg_len, msg_prio,
				    from_timespec(abs_timeout, &end));

	if (compat_is_foreign(mqdes, ret))
		return COMPAT_LIBC(mq_timedreceive, mqdes, msg_ptr, msg_len, msg_prio,
				   abs_timeout);
	return receive_result(ret);
}

/* 32-bit programs that are compiled for 64-bit times call these names. */
#if __TIMESIZE == 32

struct timespec64 {
	int64_t tv_sec;
	int32_t tv_nsec;
	int32_t padding;
};

int __mq_timedsend_time64(mqd_t mqdes, const char *msg_ptr, size_t msg_len, unsigned int msg_prio,
			  const struct timespec64 *abs_timeout);
ssize_t __mq_timedreceive_time64(mqd_t mqdes, char *restrict msg_ptr, size_t msg_len,
				 unsigned int *restrict msg_prio,
				 const struct timespec64 *restrict abs_timeout);

static const struct moment *from_timespec64(const struct timespec64 *from, struct moment *to)
{
	if (!from)
		return NULL;
	*to = (struct moment){ from->tv_sec, from->tv_nsec };
	return to;
}

int __mq_timedsend_time64(mqd_t mqdes, const char *msg_ptr, size_t msg_len, unsigned int msg_prio,
			  const struct timespec64 *abs_timeout)
{
	struct moment end;
	int ret = send_until(mqdes, msg_ptr, msg_len, msg_prio, from_timespec64(abs_timeout, &end));

	if (compat_is_foreign(mqdes, ret))
		return COMPAT_LIBC(__mq_timedsend_time64, mqdes, msg_ptr, msg_len, msg_prio,
				   abs_timeout);
	return compat_result(ret);
}

ssize_t __mq_timedreceive_time64(mqd_t mqdes, char *restrict msg_ptr, size_t msg_len,
				 unsigned int *restrict msg_prio,
				 const struct timespec64 *restrict abs_timeout)
{
	struct moment end;
	ssize_t ret = receive_until(mqdes, msg_ptr, msg_len, msg_prio,
				    from_timespec64(abs_timeout, &end));

	if (compat_is_foreign(mqdes, ret))
		return COMPAT_LIBC(__mq_timedreceive_time64, mqdes, msg_ptr, msg_len, msg_prio,
				   abs_timeout);
	return receive_result(ret);
}

#endif
