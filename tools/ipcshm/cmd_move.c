// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm move */
#include <errno.h>
#include <inttypes.h>
#include <ipcshm.h>
#include <stdio.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "open.h"

struct move {
	const char *from, *to;
	uint64_t count;
	uint64_t type;
	uint32_t match;
};

static const struct argp_option options[] = {
	{ "count", 'c', "COUNT", 0, "Number of messages (default: all that there are)", 0 },
	{ "type", 't', "NUMBER", 0, "Only messages of this type", 0 },
	{ 0 }
};

static error_t parse_move(int key, char *argument, struct argp_state *state)
{
	struct move *move = state->input;

	switch (key) {
	case 'c':
		move->count = arg_number(state, argument, "--count", 1, UINT64_MAX - 1);
		return 0;
	case 't':
		move->type = arg_number(state, argument, "--type", 0, UINT64_MAX);
		move->match = IPCSHM_TYPE_EQUAL;
		return 0;
	case ARGP_KEY_ARG:
		arg_check(state, state->arg_num < 2, argument, "argument", "two queues");
		*(state->arg_num ? &move->to : &move->from) = argument;
		return 0;
	case ARGP_KEY_END:
		if (!move->to)
			argp_error(state, "missing argument: the queue to move to");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Return why the other queue does not take the next message, or NULL. */
static const char *find_reason(int err)
{
	switch (err) {
	case -EINVAL:
		return "both are the same queue";
	case -EAGAIN:
		return "the other queue is full";
	case -EMSGSIZE:
		return "the next message is too large for the other queue";
	case -EPERM:
		return "the next message has descriptors, which a persistent queue does not take";
	case -EOPNOTSUPP:
		return "the next message is a request, or the queue has a pool";
	default:
		return NULL;
	}
}

static int report_failure(const struct move *move, int err)
{
	const char *reason = find_reason(err);

	if (!reason)
		return error_print_errno("move", move->from, err, NULL);
	return error_print("move", move->from, err == -EAGAIN ? STATUS_TIMEOUT : STATUS_FAILED,
			   reason, NULL);
}

int command_move(const struct command *self, int argc, char **argv)
{
	struct move move = { .count = IPCSHM_UNBOUNDED };
	struct ipcshm_queue_attr from_attr = { 0 }, to_attr = { 0 };
	int from = -1, to = -1, status, err;

	command_parse(self, options, parse_move, argc, argv, &move);
	status = open_queue("move", move.from, IPCSHM_READ, &from_attr, &from);
	if (!status)
		status = open_queue("move", move.to, IPCSHM_WRITE, &to_attr, &to);
	if (status)
		return status;
	err = ipcshm_queue_move(from, to, move.match, move.type, &move.count);
	if (err)
		return report_failure(&move, err);
	printf("%" PRIu64 "\n", move.count);
	return STATUS_OK;
}
