// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Calls: a request, and the reply to it.
 */
#include <time.h>

#include "internal.h"

int ipcshm_call_transfer(int fd, struct ipcshm_call_args *transfer, size_t size)
{
	return call_ioctl(fd, IPCSHM_IOC_QUEUE_CALL, transfer, size);
}

int ipcshm_reply_receive_transfer(int fd, struct ipcshm_call_args *transfer, size_t size)
{
	return call_ioctl(fd, IPCSHM_IOC_QUEUE_REPLY_RECEIVE, transfer, size);
}

int ipcshm_reply_message(int fd, const struct ipcshm_message *message)
{
	struct ipcshm_reply_args args = { .message = *message };

	return call_ioctl(fd, IPCSHM_IOC_QUEUE_REPLY, &args, sizeof(args));
}

static inline ssize_t call_built(int fd, struct ipcshm_call_args *transfer)
{
	int ret;

	/* If the request was received, its request_id is now the id that resumes the call. */
	do
		ret = ipcshm_call_transfer(fd, transfer, sizeof(*transfer));
	while (ret == -EINTR && transfer->request.request_id);
	return ret < 0 ? ret : (ssize_t)transfer->reply.size;
}

ssize_t ipcshm_call(int fd, const void *request, size_t request_size, void *reply,
		    size_t reply_room, uint64_t deadline)
{
	struct ipcshm_call_args transfer = {
		.request = { .data = (uintptr_t)request, .size = request_size },
		.reply = { .data = (uintptr_t)reply, .size = reply_room },
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
	};

	return call_built(fd, &transfer);
}

ssize_t ipcshm_call_typed(int fd, const void *request, size_t request_size, uint64_t type,
			  uint32_t priority, void *reply, size_t reply_room, uint32_t flags,
			  uint64_t deadline)
{
	struct ipcshm_call_args transfer = {
		.request = {
			.data = (uintptr_t)request,
			.size = request_size,
			.type = type,
			.priority = priority,
		},
		.reply = { .data = (uintptr_t)reply, .size = reply_room },
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
		.flags = flags,
	};

	return call_built(fd, &transfer);
}

int ipcshm_reply(int fd, uint64_t token, const void *data, size_t size)
{
	const struct ipcshm_message message = {
		.data = (uintptr_t)data,
		.size = size,
		.request_id = token,
	};

	return ipcshm_reply_message(fd, &message);
}

ssize_t ipcshm_reply_receive(int fd, const void *reply, size_t reply_size, void *request,
			     size_t request_room, struct ipcshm_message *message,
			     uint64_t deadline)
{
	struct ipcshm_call_args transfer = {
		.request = { .data = (uintptr_t)request, .size = request_room },
		.reply = {
			.data = (uintptr_t)reply,
			.size = reply_size,
			.request_id = message->request_id,
		},
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
	};
	int ret = ipcshm_reply_receive_transfer(fd, &transfer, sizeof(transfer));

	if (ret >= 0) {
		*message = transfer.request;
		return (ssize_t)transfer.request.size;
	}
	/* The token is good once: the same call again must not be about it. */
	message->request_id = ret == -ESRCH ? 0 : transfer.reply.request_id;
	if (ret == -EMSGSIZE)
		message->size = transfer.request.size;
	return ret;
}
