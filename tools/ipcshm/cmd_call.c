// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm call */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "open.h"
#include "transfer.h"

static const struct argp_option options[] = {
	{ "priority", 'p', "NUMBER", 0, "0 (default) to 32767; higher ones are received first", 0 },
	{ "type", 't', "NUMBER", 0, "Type, by which servers can select (default 0)", 0 },
	{ "line", 'l', NULL, 0, "Print a newline after the reply", 0 },
	{ "timeout", 'w', "TIME", 0,
	  "Timeout until the reply: seconds, or 100ms, 2min (default: none)", 0 },
	{ 0 }
};

static error_t parse_call_option(int key, char *argument, struct argp_state *state)
{
	struct transfer *transfer = state->input;

	switch (key) {
	case 'p':
		transfer->priority = (uint32_t)arg_number(state, argument, "--priority", 0,
							  IPCSHM_PRIORITY_MAX);
		return 0;
	case ARGP_KEY_ARGS:
		transfer->queue = state->argv[state->next];
		transfer->messages = state->argv + state->next + 1;
		if (transfer->messages[0] && transfer->messages[1])
			argp_error(state, "a call has one message");
		return 0;
	default:
		return transfer_parse(key, argument, state);
	}
}

static int report_call_failure(const struct transfer *transfer, int fd, size_t size, int err)
{
	const char *queue = transfer->queue;

	switch (err) {
	case -EPIPE:
		return error_print("call", queue, STATUS_FAILED, "no server replied",
				   "the one that had the request ended, or the queue has none");
	case -ENOBUFS:
		return error_print("call", queue, STATUS_FAILED, "the request was dropped",
				   "the queue overflowed, or was drained");
	case -EOPNOTSUPP:
		return error_print("call", queue, STATUS_FAILED, "the receiver cannot reply",
				   "it uses read(2)");
	default:
		return transfer_failed("call", transfer, fd, size, err);
	}
}

static int print_reply(const struct transfer *transfer, const char *data, size_t size)
{
	fwrite(data, 1, size, stdout);
	if (transfer->line)
		putchar('\n');
	return error_check_output("call");
}

/* The reply takes the place of the request: @data has room for either. */
static int call_queue(const struct transfer *transfer, int fd, char *data, size_t size, size_t room)
{
	struct ipcshm_call_args call = {
		.request = {
			.data = (uintptr_t)data,
			.size = size,
			.type = transfer->type,
			.priority = transfer->priority,
		},
		.reply = { .data = (uintptr_t)data, .size = room },
		.deadline = transfer_deadline(transfer),
		.clock = CLOCK_MONOTONIC,
	};
	int err;

	/* If the request was received, the same call resumes the wait. */
	do
		err = ipcshm_call_transfer(fd, &call, sizeof(call));
	while (err == -EINTR && call.request.request_id);
	return err < 0 ? report_call_failure(transfer, fd, size, err)
		       : print_reply(transfer, data, call.reply.size);
}

/* One byte more than the maximum shows that the request is too large. */
static int read_request(const struct transfer *transfer, char *data, size_t most, size_t *size)
{
	if (!*transfer->messages)
		return transfer_read_input("call", data, most, size);
	*size = strnlen(*transfer->messages, most + 1);
	memcpy(data, *transfer->messages, *size);
	return STATUS_OK;
}

int command_call(const struct command *self, int argc, char **argv)
{
	struct transfer transfer = { .timeout = UINT64_MAX };
	struct ipcshm_queue_attr attr = { 0 };
	int fd = -1, status;
	size_t size = 0;
	char *data;

	command_parse(self, options, parse_call_option, argc, argv, &transfer);
	status = open_queue("call", transfer.queue, IPCSHM_WRITE, &attr, &fd);
	if (status)
		return status;
	data = malloc(attr.max_message_size + 1);
	if (!data)
		return error_print_errno("call", transfer.queue, -ENOMEM, NULL);
	status = read_request(&transfer, data, attr.max_message_size, &size);
	if (!status)
		status = call_queue(&transfer, fd, data, size, attr.max_message_size);
	free(data);
	return status;
}
