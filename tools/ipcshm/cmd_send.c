// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm send */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "open.h"
#include "transfer.h"

static const struct argp_option options[] = {
	{ "priority", 'p', "NUMBER", 0, "0 (default) to 32767; higher ones are received first", 0 },
	{ "type", 't', "NUMBER", 0, "Type, by which receivers can select (default 0)", 0 },
	{ "line", 'l', NULL, 0, "Each line of standard input is a message, without its newline",
	  0 },
	TRANSFER_OPTION_WAIT,
	{ 0 }
};

static error_t parse_send_option(int key, char *argument, struct argp_state *state)
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
		return transfer_parse(key, argument, state);
	}
}

static int send_one(const struct transfer *transfer, int fd, void *data, size_t size)
{
	struct ipcshm_transfer_args call = transfer_prepare(transfer, data, size);
	int err = ipcshm_send_transfer(fd, &call, sizeof(call));

	return err < 0 ? transfer_failed("send", transfer, fd, size, err) : STATUS_OK;
}

static int send_arguments(const struct transfer *transfer, int fd)
{
	int status = STATUS_OK;

	for (char **message = transfer->messages; !status && *message; message++)
		status = send_one(transfer, fd, *message, strlen(*message));
	return status;
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
		status = error_print_errno("send", NULL, -errno, "reading standard input");
	free(line);
	return status;
}

static int send_input(const struct transfer *transfer, int fd, size_t most)
{
	char *data = malloc(most + 1);
	size_t size;
	int status;

	if (!data)
		return error_print_errno("send", transfer->queue, -ENOMEM, NULL);
	status = transfer_read_input("send", data, most, &size);
	if (!status)
		status = send_one(transfer, fd, data, size);
	free(data);
	return status;
}

int command_send(const struct command *self, int argc, char **argv)
{
	struct transfer transfer = { .timeout = UINT64_MAX };
	struct ipcshm_queue_attr attr = { 0 };
	int fd = -1, status;

	command_parse(self, options, parse_send_option, argc, argv, &transfer);
	status = open_queue("send", transfer.queue, IPCSHM_WRITE, &attr, &fd);
	if (status)
		return status;
	if (*transfer.messages)
		return send_arguments(&transfer, fd);
	if (transfer.line)
		return send_lines(&transfer, fd);
	return send_input(&transfer, fd, attr.max_message_size);
}
