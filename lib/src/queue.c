// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Queues: what they are, and what is done to a whole one.
 */
#include <sys/mman.h>
#include <time.h>

#include "internal.h"

int ipcshm_queue_open(int device, const char *name, uint32_t flags, mode_t mode,
		      struct ipcshm_queue_attr *attr)
{
	struct ipcshm_queue_attr none = { 0 };
	struct ipcshm_queue_open_args args;
	int fd;

	if (!attr)
		attr = &none;
	if (memcmp(attr->reserved, none.reserved, sizeof(none.reserved)))
		return -EINVAL;

	args = (struct ipcshm_queue_open_args) {
		.how = open_arguments(name, flags, mode, attr->id),
		.max_messages = attr->max_messages,
		.max_bytes = attr->max_bytes,
		.max_message_size = attr->max_message_size,
		.pool_bytes = attr->pool_bytes,
		.overflow = attr->overflow,
		.max_deliveries = attr->max_deliveries,
		.dead_letter_fd = attr->dead_letter_fd,
	};
	fd = call_ioctl(device, IPCSHM_IOC_QUEUE_OPEN, &args, sizeof(args));
	attr->invalid = invalid_argument(&args.how, fd);
	if (fd < 0)
		return fd;

	attr->max_messages = args.max_messages;
	attr->max_bytes = args.max_bytes;
	attr->max_message_size = args.max_message_size;
	attr->pool_bytes = args.pool_bytes;
	attr->overflow = args.overflow;
	attr->max_deliveries = args.max_deliveries;
	attr->id = args.how.id;
	attr->created = args.how.created;
	return fd;
}

const char *ipcshm_queue_invalid(const struct ipcshm_queue_attr *attr)
{
	static const struct argument_name names[] = {
		HOW_NAMES(ipcshm_queue_open_args),
		{ offsetof(struct ipcshm_queue_open_args, max_messages), "max_messages" },
		{ offsetof(struct ipcshm_queue_open_args, max_bytes), "max_bytes" },
		{ offsetof(struct ipcshm_queue_open_args, max_message_size), "max_message_size" },
		{ offsetof(struct ipcshm_queue_open_args, pool_bytes), "pool_bytes" },
		{ offsetof(struct ipcshm_queue_open_args, overflow), "overflow" },
		{ offsetof(struct ipcshm_queue_open_args, max_deliveries), "max_deliveries" },
		{ offsetof(struct ipcshm_queue_open_args, dead_letter_fd), "dead_letter_fd" },
	};

	return argument_name(names, sizeof(names) / sizeof(*names), attr->invalid);
}

int ipcshm_queue_get_stat(int fd, struct ipcshm_queue_stat *stat, size_t size)
{
	return call_ioctl(fd, IPCSHM_IOC_QUEUE_STAT, stat, size);
}

int ipcshm_queue_set(int fd, uint64_t max_messages, uint64_t max_bytes)
{
	struct ipcshm_queue_set_args args = { .max_messages = max_messages, .max_bytes = max_bytes };

	return call_ioctl(fd, IPCSHM_IOC_QUEUE_SET, &args, sizeof(args));
}

int ipcshm_queue_set_busy_poll(int fd, uint32_t microseconds)
{
	struct ipcshm_queue_busy_poll_args args = { .microseconds = microseconds };

	return call_ioctl(fd, IPCSHM_IOC_QUEUE_BUSY_POLL, &args, sizeof(args));
}

int ipcshm_queue_wait_peer(int fd, uint64_t deadline)
{
	struct ipcshm_queue_wait_peer_args args = {
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
	};

	return call_ioctl(fd, IPCSHM_IOC_QUEUE_WAIT_PEER, &args, sizeof(args));
}

int ipcshm_queue_cancel(int fd, uint32_t flags)
{
	struct ipcshm_queue_cancel_args args = { .flags = flags };

	return call_ioctl(fd, IPCSHM_IOC_QUEUE_CANCEL, &args, sizeof(args));
}

int ipcshm_queue_drain(int fd, uint64_t *messages)
{
	struct ipcshm_queue_drain_args args = { 0 };
	int ret = call_ioctl(fd, IPCSHM_IOC_QUEUE_DRAIN, &args, sizeof(args));

	if (messages && !ret)
		*messages = args.messages;
	return ret;
}

int ipcshm_queue_move(int fd, int to_fd, uint32_t match, uint64_t type, uint64_t *messages)
{
	struct ipcshm_queue_move_args args = {
		.messages = messages ? *messages : IPCSHM_UNBOUNDED,
		.type = type,
		.to_fd = to_fd,
		.flags = match,
	};
	int ret = call_ioctl(fd, IPCSHM_IOC_QUEUE_MOVE, &args, sizeof(args));

	if (messages && !ret)
		*messages = args.messages;
	return ret;
}

int ipcshm_queue_revoke(int fd)
{
	struct ipcshm_queue_revoke_args args = { 0 };

	return call_ioctl(fd, IPCSHM_IOC_QUEUE_REVOKE, &args, sizeof(args));
}

int ipcshm_queue_map(int fd, const void **pool, size_t *size)
{
	struct ipcshm_queue_stat stat;
	void *mapped = NULL;
	size_t length;
	int ret;

	ret = call_ioctl(fd, IPCSHM_IOC_QUEUE_STAT, &stat, sizeof(stat));
	if (ret < 0)
		return ret;
	if (!stat.pool_bytes)
		return -ENODEV;
	length = (size_t)stat.pool_bytes;
	if (length != stat.pool_bytes)
		return -ENOMEM;

	ret = map_fd(fd, PROT_READ, &mapped, length, 0);
	if (ret)
		return ret;
	*pool = mapped;
	*size = length;
	return 0;
}

int ipcshm_release(int fd, const uint64_t *offsets, uint32_t count)
{
	struct ipcshm_queue_release_args args = { .offsets = (uintptr_t)offsets, .count = count };

	return call_ioctl(fd, IPCSHM_IOC_QUEUE_RELEASE, &args, sizeof(args));
}
