// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm recv */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "open.h"
#include "output_data.h"
#include "output_json.h"
#include "transfer.h"

enum { NOT_TYPE = 256, UP_TO, PEEK };

static const struct argp_option options[] = {
	{ "count", 'c', "COUNT", 0, "Number of messages (default 1)", 0 },
	{ "follow", 'f', NULL, 0, "Receive until the last sender hangs up", 0 },
	{ "type", 't', "NUMBER", 0, "Only messages of this type", 0 },
	{ "not-type", NOT_TYPE, "NUMBER", 0, "Only messages of another type", 0 },
	{ "up-to", UP_TO, "NUMBER", 0, "The lowest type, up to this one", 0 },
	{ "peek", PEEK, NULL, 0, "Print a message and leave it in the queue, without waiting", 0 },
	{ "line", 'l', NULL, 0, "Print a newline after each message", 0 },
	TRANSFER_OPTION_WAIT,
	{ "json", 'j', NULL, 0, "Print each message as JSON, one a line", 0 },
	{ 0 }
};

static void set_match(struct argp_state *state, uint32_t how, const char *argument)
{
	struct transfer *transfer = state->input;

	if (transfer->match)
		argp_error(state, "give only one of --type, --not-type and --up-to");
	transfer->type = arg_number(state, argument, "type", 0, UINT64_MAX);
	transfer->match = how;
}

static error_t parse_recv_option(int key, char *argument, struct argp_state *state)
{
	struct transfer *transfer = state->input;

	switch (key) {
	case 'c':
		transfer->count = arg_number(state, argument, "--count", 1, UINT64_MAX - 1);
		return 0;
	case 'f':
		transfer->count = UINT64_MAX;
		return 0;
	case 't':
		set_match(state, IPCSHM_TYPE_EQUAL, argument);
		return 0;
	case NOT_TYPE:
		set_match(state, IPCSHM_TYPE_NOT, argument);
		return 0;
	case UP_TO:
		set_match(state, IPCSHM_TYPE_UP_TO, argument);
		return 0;
	case PEEK:
		transfer->peek = true;
		transfer->dont_wait = true;
		return 0;
	case 'j':
		transfer->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (transfer->queue)
			return ARGP_ERR_UNKNOWN;
		transfer->queue = argument;
		return 0;
	case ARGP_KEY_END:
		/* Each look would be at the same message. */
		if (transfer->peek && transfer->count > 1)
			argp_error(state, "--peek prints one message: leave out --count and --follow");
		return 0;
	default:
		return transfer_parse(key, argument, state);
	}
}

static void print_recv_json(const struct ipcshm_message *message, const char *data)
{
	const struct {
		const char *key;
		uint64_t number;
	} numbers[] = {
		{ "size", message->size },
		{ "type", message->type },
		{ "priority", message->priority },
		{ "pid", message->pid },
		{ "uid", message->uid },
		{ "gid", message->gid },
		{ "age", ipcshm_deadline(0) - message->time },
		{ "descriptors", message->fd_count },
	};
	struct json json = { .to = stdout };

	json_open(&json, '{');
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		json_key(&json, numbers[i].key);
		json_number(&json, numbers[i].number);
	}
	json_key(&json, "wants_reply");
	json_boolean(&json, message->request_id);
	data_json_or_text(&json, data, message->size);
	json_close(&json, '}');
	json_line(&json);
}

/* Flushes the output: a message that was received and not printed is an error. */
static int print_received(const struct transfer *transfer, const struct ipcshm_message *message,
			  const char *data)
{
	if (transfer->json) {
		print_recv_json(message, data);
	} else {
		fwrite(data, 1, message->size, stdout);
		if (transfer->line)
			putchar('\n');
	}
	return error_check_output("recv");
}

static int receive_one(const struct transfer *transfer, int fd, char *data, size_t room)
{
	struct ipcshm_transfer_args call = transfer_prepare(transfer, data, room);
	int err;

	do
		err = ipcshm_receive_transfer(fd, &call, sizeof(call));
	while (err == -EINTR);
	/* --follow ends with the last sender. */
	if (err == -EPIPE && transfer->count == UINT64_MAX)
		return -1;
	if (err < 0)
		return error_print_errno("recv", transfer->queue, err,
					 err == -EAGAIN ? "no message matches" : NULL);
	return print_received(transfer, &call.message, data);
}

static int receive_all(const struct transfer *transfer, int fd, size_t most)
{
	char *data = malloc(most + 1);
	int status = STATUS_OK;

	if (!data)
		return error_print_errno("recv", transfer->queue, -ENOMEM, NULL);
	for (uint64_t i = 0; !status && i < transfer->count; i++)
		status = receive_one(transfer, fd, data, most);
	free(data);
	return status < 0 ? STATUS_OK : status;
}

int command_recv(const struct command *self, int argc, char **argv)
{
	struct transfer transfer = { .timeout = UINT64_MAX, .count = 1 };
	struct ipcshm_queue_attr attr = { 0 };
	int fd = -1, status;

	command_parse(self, options, parse_recv_option, argc, argv, &transfer);
	status = open_queue("recv", transfer.queue, IPCSHM_READ, &attr, &fd);
	if (status)
		return status;
	return receive_all(&transfer, fd, attr.max_message_size);
}
