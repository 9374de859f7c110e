// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Messages: sending and receiving, one and many.
 */
#include <time.h>

#include "internal.h"

int ipcshm_send_transfer(int fd, const struct ipcshm_transfer_args *transfer, size_t size)
{
	/* Nothing in it is out when sending: the kernel doesn't write to it. */
	return call_ioctl(fd, IPCSHM_IOC_QUEUE_SEND, (void *)transfer, size);
}

int ipcshm_receive_transfer(int fd, struct ipcshm_transfer_args *transfer, size_t size)
{
	return call_ioctl(fd, IPCSHM_IOC_QUEUE_RECEIVE, transfer, size);
}

int ipcshm_send_message(int fd, const struct ipcshm_message *message, uint64_t deadline)
{
	const struct ipcshm_transfer_args transfer = {
		.message = *message,
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
	};

	return ipcshm_send_transfer(fd, &transfer, sizeof(transfer));
}

ssize_t ipcshm_receive_message(int fd, struct ipcshm_message *message, uint64_t deadline)
{
	struct ipcshm_transfer_args transfer = {
		.message = *message,
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
	};
	int ret = ipcshm_receive_transfer(fd, &transfer, sizeof(transfer));

	if (ret >= 0 || ret == -EMSGSIZE)
		*message = transfer.message;
	return ret < 0 ? ret : (ssize_t)transfer.message.size;
}

/* Receives, with the message's attributes if the caller wants them. */
static ssize_t receive_into(int fd, struct ipcshm_message *room, struct ipcshm_message *message,
			    uint64_t deadline)
{
	ssize_t ret = ipcshm_receive_message(fd, room, deadline);

	if (message && (ret >= 0 || ret == -EMSGSIZE))
		*message = *room;
	return ret;
}

/* The most frequent calls: the kernel's structure is built once, where it is passed from. */

static inline int send_built(int fd, const void *data, size_t size, uint64_t type,
			     uint32_t priority, uint64_t deadline)
{
	struct ipcshm_transfer_args transfer = {
		.message = {
			.data = (uintptr_t)data,
			.size = size,
			.type = type,
			.priority = priority,
		},
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
	};

	return call_ioctl(fd, IPCSHM_IOC_QUEUE_SEND, &transfer, sizeof(transfer));
}

static inline ssize_t receive_built(int fd, void *data, size_t size, uint64_t type,
				    uint32_t match, struct ipcshm_message *message,
				    uint64_t deadline)
{
	struct ipcshm_transfer_args transfer = {
		.message = {
			.data = (uintptr_t)data,
			.size = size,
			.type = type,
			.flags = match,
		},
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
	};
	int ret = call_ioctl(fd, IPCSHM_IOC_QUEUE_RECEIVE, &transfer, sizeof(transfer));

	if (message && (ret >= 0 || ret == -EMSGSIZE))
		*message = transfer.message;
	return ret < 0 ? ret : (ssize_t)transfer.message.size;
}

int ipcshm_send(int fd, const void *data, size_t size, uint32_t priority, uint64_t deadline)
{
	return send_built(fd, data, size, 0, priority, deadline);
}

ssize_t ipcshm_receive(int fd, void *data, size_t size, struct ipcshm_message *message,
		       uint64_t deadline)
{
	return receive_built(fd, data, size, 0, 0, message, deadline);
}

int ipcshm_send_typed(int fd, const void *data, size_t size, uint64_t type, uint32_t priority,
		      uint64_t deadline)
{
	return send_built(fd, data, size, type, priority, deadline);
}

ssize_t ipcshm_receive_typed(int fd, void *data, size_t size, uint64_t type, uint32_t match,
			     struct ipcshm_message *message, uint64_t deadline)
{
	return receive_built(fd, data, size, type, match, message, deadline);
}

int ipcshm_send_fds(int fd, const void *data, size_t size, const int *fds, uint32_t count,
		    uint64_t deadline)
{
	const struct ipcshm_message message = {
		.data = (uintptr_t)data,
		.size = size,
		.fds = (uintptr_t)fds,
		.fd_count = count,
	};

	return ipcshm_send_message(fd, &message, deadline);
}

ssize_t ipcshm_receive_fds(int fd, void *data, size_t size, int *fds, uint32_t count,
			   struct ipcshm_message *message, uint64_t deadline)
{
	struct ipcshm_message room = {
		.data = (uintptr_t)data,
		.size = size,
		.fds = (uintptr_t)fds,
		.fd_count = count,
	};

	return receive_into(fd, &room, message, deadline);
}

ssize_t ipcshm_receive_mapped(int fd, uint64_t *offset, struct ipcshm_message *message,
			      uint64_t deadline)
{
	struct ipcshm_message room = { .flags = IPCSHM_MAPPED };
	ssize_t ret = receive_into(fd, &room, message, deadline);

	if (ret >= 0)
		*offset = room.data;
	return ret;
}

static int transfer_batch(int fd, unsigned int command, const struct ipcshm_message *messages,
			  uint32_t count, uint32_t flags, uint64_t ack_timeout, uint64_t deadline)
{
	struct ipcshm_batch_args args = {
		.messages = (uintptr_t)messages,
		.count = count,
		.flags = flags,
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
		.message_size = sizeof(*messages),
		.ack_timeout = ack_timeout,
	};

	return call_ioctl(fd, command, &args, sizeof(args));
}

int ipcshm_send_batch(int fd, const struct ipcshm_message *messages, uint32_t count,
		      uint32_t flags, uint64_t deadline)
{
	return transfer_batch(fd, IPCSHM_IOC_QUEUE_SEND_BATCH, messages, count, flags, 0, deadline);
}

int ipcshm_receive_batch(int fd, struct ipcshm_message *messages, uint32_t count, uint32_t flags,
			 uint64_t deadline)
{
	return transfer_batch(fd, IPCSHM_IOC_QUEUE_RECEIVE_BATCH, messages, count, flags, 0,
			      deadline);
}

ssize_t ipcshm_receive_ack(int fd, struct ipcshm_message *message, uint64_t timeout,
			   uint64_t deadline)
{
	struct ipcshm_transfer_args transfer = {
		.message = *message,
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
		.flags = IPCSHM_ACK,
		.ack_timeout = timeout,
	};
	int ret = call_ioctl(fd, IPCSHM_IOC_QUEUE_RECEIVE, &transfer, sizeof(transfer));

	*message = transfer.message;
	return ret < 0 ? ret : (ssize_t)message->size;
}

int ipcshm_receive_batch_ack(int fd, struct ipcshm_message *messages, uint32_t count,
			     uint32_t flags, uint64_t timeout, uint64_t deadline)
{
	return transfer_batch(fd, IPCSHM_IOC_QUEUE_RECEIVE_BATCH, messages, count,
			      flags | IPCSHM_ACK, timeout, deadline);
}

static int acknowledge_messages(int fd, const __u64 *ids, uint32_t count, uint32_t flags,
				uint64_t timeout)
{
	struct ipcshm_queue_ack_args args = {
		.ids = (uintptr_t)ids,
		.count = count,
		.flags = flags,
		.timeout = timeout,
	};

	return call_ioctl(fd, IPCSHM_IOC_QUEUE_ACK, &args, sizeof(args));
}

int ipcshm_ack(int fd, const __u64 *ids, uint32_t count)
{
	return acknowledge_messages(fd, ids, count, 0, 0);
}

int ipcshm_nack(int fd, const __u64 *ids, uint32_t count)
{
	return acknowledge_messages(fd, ids, count, IPCSHM_ACK_RETURN, 0);
}

int ipcshm_ack_extend(int fd, const __u64 *ids, uint32_t count, uint64_t timeout)
{
	return acknowledge_messages(fd, ids, count, IPCSHM_ACK_EXTEND, timeout);
}
