// SPDX-License-Identifier: GPL-2.0-only
/* Common code of ipcshm send, recv, call and reply. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "error.h"
#include "quota_hint.h"

error_t transfer_parse(int key, char *argument, struct argp_state *state)
{
	struct transfer *transfer = state->input;

	switch (key) {
	case 't':
		transfer->type = arg_number(state, argument, "--type", 0, UINT64_MAX);
		return 0;
	case 'l':
		transfer->line = true;
		return 0;
	case 'w':
		transfer->timeout = arg_time(state, argument, "--timeout", 0);
		return 0;
	case 'n':
		transfer->dont_wait = true;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing argument: a queue");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

uint64_t transfer_deadline(const struct transfer *transfer)
{
	return transfer->timeout == UINT64_MAX ? IPCSHM_FOREVER :
						 ipcshm_deadline(transfer->timeout);
}

struct ipcshm_transfer_args transfer_prepare(const struct transfer *transfer, void *data,
					     size_t size)
{
	return (struct ipcshm_transfer_args){
		.message = {
			.data = (uintptr_t)data,
			.size = size,
			.type = transfer->type,
			.priority = transfer->priority,
			.flags = transfer->match,
		},
		.deadline = transfer_deadline(transfer),
		.clock = CLOCK_MONOTONIC,
		.flags = (transfer->dont_wait ? IPCSHM_DONTWAIT : 0) |
			 (transfer->peek ? IPCSHM_PEEK : 0),
	};
}

int transfer_read_input(const char *action, char *data, size_t most, size_t *size)
{
	*size = fread(data, 1, most + 1, stdin);
	if (ferror(stdin))
		return error_print_errno(action, NULL, -errno, "reading standard input");
	return STATUS_OK;
}

int transfer_failed(const char *action, const struct transfer *transfer, int fd, size_t size,
		    int err)
{
	const struct quota_request request = { .queue_bytes = size };
	char hint[QUOTA_HINT_MAX];
	struct ipcshm_queue_stat stat;
	int device;

	switch (err) {
	case -EMSGSIZE:
		if (ipcshm_queue_get_stat(fd, &stat, sizeof(stat)))
			break;
		snprintf(hint, sizeof(hint), "%zu%s bytes, the queue takes at most %llu", size,
			 size > stat.max_message_size ? " or more" : "",
			 (unsigned long long)stat.max_message_size);
		return error_print_errno(action, transfer->queue, err, hint);
	case -EDQUOT:
		device = ipcshm_open();
		quota_hint(device, &request, hint);
		close(device);
		return error_print_errno(action, transfer->queue, err, hint);
	}
	return error_print_errno(action, transfer->queue, err, NULL);
}
