// SPDX-License-Identifier: GPL-2.0-only
/* Common code of ipcshm send and ipcshm recv. */
#include "transfer.h"

#include <time.h>

#include "args.h"

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
		.deadline = transfer->timeout == UINT64_MAX ? IPCSHM_FOREVER :
							      ipcshm_deadline(transfer->timeout),
		.clock = CLOCK_MONOTONIC,
		.flags = (transfer->dont_wait ? IPCSHM_DONTWAIT : 0) |
			 (transfer->peek ? IPCSHM_PEEK : 0),
	};
}
