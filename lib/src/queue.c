// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Queues: message passing.
 */
#include <time.h>

#include "internal.h"

int ipcshm_queue_open(int device, const char *name, uint32_t flags, mode_t mode,
		      struct ipcshm_queue_attr *attr)
{
	struct ipcshm_queue_attr none = { 0 };
	struct ipcshm_queue_open args;
	int fd;

	if (!attr)
		attr = &none;
	if (attr->reserved0 || memcmp(attr->reserved, none.reserved, sizeof(none.reserved)))
		return -EINVAL;

	args = (struct ipcshm_queue_open) {
		.how = open_arguments(name, flags, mode),
		.max_messages = attr->max_messages,
		.max_bytes = attr->max_bytes,
		.max_message_size = attr->max_message_size,
	};
	fd = call(device, IPCSHM_IOC_QUEUE_OPEN, &args, sizeof(args));
	if (fd < 0)
		return fd;

	attr->max_messages = args.max_messages;
	attr->max_bytes = args.max_bytes;
	attr->max_message_size = args.max_message_size;
	attr->id = args.how.id;
	attr->created = args.how.created;
	return fd;
}

int ipcshm_queue_stat(int fd, struct ipcshm_queue_stat *stat, size_t size)
{
	return call(fd, IPCSHM_IOC_QUEUE_STAT, stat, size);
}

int ipcshm_send(int fd, const void *data, size_t size, uint32_t priority, uint64_t deadline)
{
	struct ipcshm_transfer transfer = {
		.message.data = (uintptr_t)data,
		.message.size = size,
		.message.priority = priority,
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
	};

	return call(fd, IPCSHM_IOC_QUEUE_SEND, &transfer, sizeof(transfer));
}

ssize_t ipcshm_receive(int fd, void *data, size_t size, struct ipcshm_message *message,
		       uint64_t deadline)
{
	struct ipcshm_transfer transfer = {
		.message.data = (uintptr_t)data,
		.message.size = size,
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
	};
	int ret;

	ret = call(fd, IPCSHM_IOC_QUEUE_RECEIVE, &transfer, sizeof(transfer));
	if (message && (ret >= 0 || ret == -EMSGSIZE))
		*message = transfer.message;
	return ret < 0 ? ret : (ssize_t)transfer.message.size;
}

int ipcshm_send_transfer(int fd, const struct ipcshm_transfer *transfer, size_t size)
{
	/* Nothing in it is out when sending: the kernel doesn't write to it. */
	return call(fd, IPCSHM_IOC_QUEUE_SEND, (void *)transfer, size);
}

int ipcshm_receive_transfer(int fd, struct ipcshm_transfer *transfer, size_t size)
{
	return call(fd, IPCSHM_IOC_QUEUE_RECEIVE, transfer, size);
}
