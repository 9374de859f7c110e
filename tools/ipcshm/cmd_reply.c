// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipcshm reply
 *
 * A request without a reply must not leave its caller waiting: it ends with the descriptor that
 * received it.
 */
#include <errno.h>
#include <inttypes.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "filter.h"
#include "open.h"
#include "transfer.h"

/**
 * struct server - the command line, and the request that is served
 * @transfer: options, and the queue; the first one, for transfer_parse()
 * @command: and its arguments, or NULL
 * @fd: the descriptor that receives
 * @request: room for @most bytes
 * @reply: room for @most + 1 bytes: the last one shows that it is too large
 * @reply_size: bytes of @reply
 * @most: the largest message
 * @has_ended: serve no more requests
 */
struct server {
	struct transfer transfer;
	char **command;
	int fd;
	char *request;
	char *reply;
	size_t reply_size;
	size_t most;
	bool has_ended;
};

static const struct argp_option options[] = {
	{ "count", 'c', "COUNT", 0, "Number of requests (default 1)", 0 },
	{ "follow", 'f', NULL, 0, "Serve requests until the last sender hangs up", 0 },
	{ "type", 't', "NUMBER", 0, "Only requests of this type", 0 },
	{ "line", 'l', NULL, 0,
	  "Without a command: a newline after each request, and each line is a reply", 0 },
	TRANSFER_OPTION_WAIT,
	{ 0 }
};

static void check_arguments(const struct server *server, struct argp_state *state)
{
	if (server->command && server->transfer.line)
		argp_error(state, "--line excludes a command");
	if (!server->command && !server->transfer.line && server->transfer.count > 1)
		argp_error(state, "several requests need a command, or --line");
}

/* The queue; then the command with all arguments that are left. */
static void set_argument(struct server *server, char *argument, struct argp_state *state)
{
	if (!server->transfer.queue) {
		server->transfer.queue = argument;
		return;
	}
	server->command = state->argv + state->next - 1;
	state->next = state->argc;
}

static error_t parse_reply_option(int key, char *argument, struct argp_state *state)
{
	struct server *server = state->input;

	switch (key) {
	case 'c':
		server->transfer.count = arg_number(state, argument, "--count", 1, UINT64_MAX - 1);
		return 0;
	case 'f':
		server->transfer.count = UINT64_MAX;
		return 0;
	case 't':
		server->transfer.match = IPCSHM_TYPE_EQUAL;
		return transfer_parse(key, argument, state);
	case ARGP_KEY_ARG:
		set_argument(server, argument, state);
		return 0;
	case ARGP_KEY_END:
		check_arguments(server, state);
		return 0;
	default:
		return transfer_parse(key, argument, state);
	}
}

/* The reply of a command. */

static void set_number(const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	setenv(name, text, 1);
}

static void describe_request(const struct ipcshm_message *request)
{
	set_number("IPCSHM_TYPE", request->type);
	set_number("IPCSHM_PRIORITY", request->priority);
	set_number("IPCSHM_PID", request->pid);
	set_number("IPCSHM_UID", request->uid);
	set_number("IPCSHM_GID", request->gid);
}

/* Half of an answer is none. */
static int check_command(const struct server *server, int result)
{
	char why[64];

	/* Sending will report that the reply is too large. */
	if (!result || server->reply_size > server->most)
		return STATUS_OK;
	if (WIFSIGNALED(result))
		snprintf(why, sizeof(why), "the command was killed by signal %d", WTERMSIG(result));
	else
		snprintf(why, sizeof(why), "the command ended with status %d", WEXITSTATUS(result));
	return error_print("reply", server->transfer.queue, STATUS_FAILED, why,
			   "the caller gets no reply");
}

static int ask_command(struct server *server, const struct ipcshm_message *request)
{
	struct filter_data data = {
		.input = server->request,
		.input_size = request->size,
		.output = server->reply,
		.output_room = server->most + 1,
	};
	int result;

	describe_request(request);
	result = filter_run(server->command, &data);
	server->reply_size = data.output_size;
	if (result >= 0)
		return check_command(server, result);
	/* Every request would fail like this one. */
	server->has_ended = true;
	return error_print("reply", server->command[0], STATUS_FAILED, strerror(-result),
			   "running the command");
}

/* The reply of standard input. */

static int read_reply_line(struct server *server)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size = getline(&line, &room, stdin);

	if (size > 0 && line[size - 1] == '\n')
		size--;
	if (size >= 0) {
		server->reply_size = (size_t)size > server->most ? server->most + 1 : (size_t)size;
		memcpy(server->reply, line, server->reply_size);
	}
	free(line);
	server->has_ended = size < 0;
	return size < 0 ? error_print("reply", server->transfer.queue, STATUS_FAILED,
				      "standard input ended before the reply",
				      "the caller gets no reply")
			: STATUS_OK;
}

static int ask_input(struct server *server, const struct ipcshm_message *request)
{
	int status;

	fwrite(server->request, 1, request->size, stdout);
	if (server->transfer.line)
		putchar('\n');
	status = error_check_output("reply");
	if (status)
		server->has_ended = true;
	else if (server->transfer.line)
		status = read_reply_line(server);
	else
		status = transfer_read_input("reply", server->reply, server->most,
					     &server->reply_size);
	return status;
}

/* Requests. */

static int receive_request(struct server *server, struct ipcshm_message *request)
{
	struct ipcshm_transfer_args call;
	int err;

	do {
		call = transfer_prepare(&server->transfer, server->request, server->most);
		err = ipcshm_receive_transfer(server->fd, &call, sizeof(call));
	} while (err == -EINTR);
	*request = call.message;
	if (err >= 0)
		return STATUS_OK;
	server->has_ended = true;
	/* --follow ends with the last sender. */
	if (err == -EPIPE && server->transfer.count == UINT64_MAX)
		return STATUS_OK;
	return error_print_errno("reply", server->transfer.queue, err,
				 err == -EAGAIN ? "no request matches" : NULL);
}

/* The reply to a message that was sent without a call is not wanted. */
static int send_reply(const struct server *server, uint64_t request_id)
{
	int err;

	if (!request_id)
		return STATUS_OK;
	err = ipcshm_reply(server->fd, request_id, server->reply, server->reply_size);
	if (err == -ESRCH)
		return error_print("reply", server->transfer.queue, STATUS_FAILED,
				   "the caller no longer waits", NULL);
	return err < 0 ? transfer_failed("reply", &server->transfer, server->fd, server->reply_size,
					 err)
		       : STATUS_OK;
}

/* End the request, and go on with another descriptor; the queue always has a receiver. */
static void refuse_request(struct server *server)
{
	struct ipcshm_queue_attr attr = { 0 };
	int fd;

	if (open_queue("reply", server->transfer.queue, IPCSHM_READ, &attr, &fd)) {
		server->has_ended = true;
		return;
	}
	close(server->fd);
	server->fd = fd;
}

static int serve_request(struct server *server)
{
	struct ipcshm_message request;
	int status = receive_request(server, &request);

	if (status || server->has_ended)
		return status;
	status = server->command ? ask_command(server, &request) : ask_input(server, &request);
	if (!status)
		status = send_reply(server, request.request_id);
	if (status && !server->has_ended)
		refuse_request(server);
	return status;
}

static int serve_requests(struct server *server)
{
	int failed = STATUS_OK;

	for (uint64_t i = 0; !server->has_ended && i < server->transfer.count; i++) {
		int status = serve_request(server);

		if (status)
			failed = status;
	}
	return failed;
}

int command_reply(const struct command *self, int argc, char **argv)
{
	struct server server = { .transfer = { .timeout = UINT64_MAX, .count = 1 }, .fd = -1 };
	struct ipcshm_queue_attr attr = { 0 };
	int status;

	command_parse_in_order(self, options, parse_reply_option, argc, argv, &server);
	status = open_queue("reply", server.transfer.queue, IPCSHM_READ, &attr, &server.fd);
	if (status)
		return status;
	server.most = attr.max_message_size;
	server.request = malloc(server.most + 1);
	server.reply = malloc(server.most + 1);
	if (server.request && server.reply)
		status = serve_requests(&server);
	else
		status = error_print_errno("reply", server.transfer.queue, -ENOMEM, NULL);
	free(server.request);
	free(server.reply);
	return status;
}
