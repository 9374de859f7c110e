// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm send, ipcshm recv */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arg.h"
#include "base64.h"
#include "command.h"
#include "error.h"
#include "json.h"
#include "parse.h"
#include "quota.h"

struct transfer {
	const char *queue;
	char **messages;
	uint64_t type;
	uint32_t match; /* recv: IPCSHM_TYPE_* */
	uint32_t priority;
	uint64_t timeout;
	uint64_t count;
	bool dont_wait;
	bool peek;
	bool line;
	bool json;
};

enum { NOT_TYPE = 256, UP_TO, PEEK };

#define OPTION_WAIT								\
	{ "timeout", 'w', "TIME", 0,						\
	  "How long to wait for each: seconds, or 100ms, 2min (default: for ever)", 0 }, \
	{ "nonblock", 'n', NULL, 0, "Don't wait", 0 }

static const struct argp_option send_options[] = {
	{ "priority", 'p', "NUMBER", 0, "0 (default) to 32767; higher ones are received first", 0 },
	{ "type", 't', "NUMBER", 0, "A tag by which receivers can choose (default 0)", 0 },
	{ "line", 'l', NULL, 0, "Each line of standard input is a message, without its newline",
	  0 },
	OPTION_WAIT,
	{ 0 }
};

static const struct argp_option recv_options[] = {
	{ "count", 'c', "COUNT", 0, "How many messages (default 1)", 0 },
	{ "follow", 'f', NULL, 0, "Go on for ever; until the last sender hangs up", 0 },
	{ "type", 't', "NUMBER", 0, "Only messages of this type", 0 },
	{ "not-type", NOT_TYPE, "NUMBER", 0, "Only messages of another type", 0 },
	{ "up-to", UP_TO, "NUMBER", 0, "The lowest type that isn't over this one", 0 },
	{ "peek", PEEK, NULL, 0, "Leave it in the queue; doesn't wait", 0 },
	{ "line", 'l', NULL, 0, "A newline after each message", 0 },
	OPTION_WAIT,
	{ "json", 'j', NULL, 0, "Print each message as JSON, one a line", 0 },
	{ 0 }
};

static error_t parse_common(int key, char *argument, struct argp_state *state)
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

static error_t parse_send(int key, char *argument, struct argp_state *state)
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
		return 0;
	default:
		return parse_common(key, argument, state);
	}
}

static void match(struct argp_state *state, uint32_t how, const char *argument)
{
	struct transfer *transfer = state->input;

	if (transfer->match)
		argp_error(state, "give only one of --type, --not-type and --up-to");
	transfer->type = arg_number(state, argument, "type", 0, UINT64_MAX);
	transfer->match = how;
}

static error_t parse_recv(int key, char *argument, struct argp_state *state)
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
		match(state, IPCSHM_TYPE_EQUAL, argument);
		return 0;
	case NOT_TYPE:
		match(state, IPCSHM_TYPE_NOT, argument);
		return 0;
	case UP_TO:
		match(state, IPCSHM_TYPE_UP_TO, argument);
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
		return parse_common(key, argument, state);
	}
}

/* A queue by its name, and what it can do; a status if it can't be opened. */
static int open_queue(const char *action, const char *word, uint32_t right,
		      struct ipcshm_queue_attr *attr, int *fd)
{
	struct target target;
	int device;

	if (!parse_target(word, &target) || target.id || target.kind == IPCSHM_REGION)
		return error_say(action, word, STATUS_USAGE, "not the name of a queue",
				 "write NAME or queue/NAME");
	device = ipcshm_open();
	if (device < 0)
		return error_open(action, word, device);
	*fd = ipcshm_queue_open(device, target.name, right, 0, attr);
	close(device);
	return *fd < 0 ? error_tell(action, word, *fd, NULL) : STATUS_OK;
}

static struct ipcshm_transfer_args prepare(const struct transfer *transfer, void *data, size_t size)
{
	return (struct ipcshm_transfer_args){
		.message = {
			.data = (uintptr_t)data,
			.size = size,
			.type = transfer->type,
			.priority = transfer->priority,
			.flags = transfer->match,
		},
		.deadline = transfer->timeout == UINT64_MAX ? IPCSHM_FOREVER :
							      ipcshm_deadline(transfer->timeout),
		.clock = CLOCK_MONOTONIC,
		.flags = (transfer->dont_wait ? IPCSHM_DONTWAIT : 0) |
			 (transfer->peek ? IPCSHM_PEEK : 0),
	};
}

/* send */

static int send_failed(const struct transfer *transfer, int fd, size_t size, int err)
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
		return error_tell("send", transfer->queue, err, hint);
	case -EDQUOT:
		device = ipcshm_open();
		quota_hint(device, &request, hint);
		close(device);
		return error_tell("send", transfer->queue, err, hint);
	}
	return error_tell("send", transfer->queue, err, NULL);
}

static int send_one(const struct transfer *transfer, int fd, void *data, size_t size)
{
	struct ipcshm_transfer_args call = prepare(transfer, data, size);
	int err = ipcshm_send_transfer(fd, &call, sizeof(call));

	return err < 0 ? send_failed(transfer, fd, size, err) : STATUS_OK;
}

static int send_arguments(const struct transfer *transfer, int fd)
{
	int status = STATUS_OK;

	for (char **message = transfer->messages; !status && *message; message++)
		status = send_one(transfer, fd, *message, strlen(*message));
	return status;
}

static int input_failed(void)
{
	return error_tell("send", NULL, -errno, "reading standard input");
}

static int send_lines(const struct transfer *transfer, int fd)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	int status = STATUS_OK;

	while (!status && (size = getline(&line, &room, stdin)) >= 0) {
		if (size && line[size - 1] == '\n')
			size--;
		status = send_one(transfer, fd, line, (size_t)size);
	}
	if (!status && ferror(stdin))
		status = input_failed();
	free(line);
	return status;
}

/* All of standard input; one byte more than a message can have shows that it is too large. */
static int send_input(const struct transfer *transfer, int fd, size_t most)
{
	char *data = malloc(most + 1);
	size_t size;
	int status;

	if (!data)
		return error_tell("send", transfer->queue, -ENOMEM, NULL);
	size = fread(data, 1, most + 1, stdin);
	status = ferror(stdin) ? input_failed() : send_one(transfer, fd, data, size);
	free(data);
	return status;
}

int command_send(const struct command *self, int argc, char **argv)
{
	struct transfer transfer = { .timeout = UINT64_MAX };
	struct ipcshm_queue_attr attr = { 0 };
	int fd = -1, status;

	command_parse(self, send_options, parse_send, argc, argv, &transfer);
	status = open_queue("send", transfer.queue, IPCSHM_WRITE, &attr, &fd);
	if (status)
		return status;
	if (*transfer.messages)
		return send_arguments(&transfer, fd);
	if (transfer.line)
		return send_lines(&transfer, fd);
	return send_input(&transfer, fd, attr.max_message_size);
}

/* recv */

/* Text as text, anything else in base64: JSON has no bytes. */
static void data_json(struct json *json, const char *data, size_t size)
{
	char *text;

	if (json_is_text(data, size)) {
		json_key(json, "data");
		json_text(json, data, size);
		return;
	}
	text = malloc(base64_size(size) + 1);
	if (!text)
		abort();
	base64_encode(data, size, text);
	json_key(json, "data_base64");
	json_string(json, text);
	free(text);
}

static void print_json(const struct ipcshm_message *message, const char *data)
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
	data_json(&json, data, message->size);
	json_close(&json, '}');
	json_line(&json);
}

/* It is out when this returns, or known not to be: the message is in nobody's queue any more. */
static int print(const struct transfer *transfer, const struct ipcshm_message *message,
		 const char *data)
{
	if (transfer->json) {
		print_json(message, data);
	} else {
		fwrite(data, 1, message->size, stdout);
		if (transfer->line)
			putchar('\n');
	}
	return error_check_output("recv");
}

static int receive_one(const struct transfer *transfer, int fd, char *data, size_t room)
{
	struct ipcshm_transfer_args call = prepare(transfer, data, room);
	int err;

	do
		err = ipcshm_receive_transfer(fd, &call, sizeof(call));
	while (err == -EINTR);
	/* What --follow waits for. */
	if (err == -EPIPE && transfer->count == UINT64_MAX)
		return -1;
	if (err < 0)
		return error_tell("recv", transfer->queue, err,
				  err == -EAGAIN ? "no message matches" : NULL);
	return print(transfer, &call.message, data);
}

static int receive_all(const struct transfer *transfer, int fd, size_t most)
{
	char *data = malloc(most + 1);
	int status = STATUS_OK;

	if (!data)
		return error_tell("recv", transfer->queue, -ENOMEM, NULL);
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

	command_parse(self, recv_options, parse_recv, argc, argv, &transfer);
	status = open_queue("recv", transfer.queue, IPCSHM_READ, &attr, &fd);
	if (status)
		return status;
	return receive_all(&transfer, fd, attr.max_message_size);
}
