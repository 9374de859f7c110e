// SPDX-License-Identifier: GPL-2.0-only
/* Common code of ipcshm cat and ipcshm write. */
#include "copy.h"

#include <ipcshm.h>
#include <stdio.h>

#include "args.h"
#include "error.h"

const struct argp_option copy_options[] = {
	{ "offset", 'o', "BYTES", 0, "Where to begin in the region (default 0)", 0 },
	{ "size", 's', "BYTES", 0, "How many bytes (default: to the end)", 0 },
	{ 0 }
};

error_t copy_parse(int key, char *argument, struct argp_state *state)
{
	struct copy *copy = state->input;

	switch (key) {
	case 'o':
		copy->offset = arg_bytes(state, argument, "--offset", 0, IPCSHM_REGION_MAX);
		return 0;
	case 's':
		copy->size = arg_bytes(state, argument, "--size", 0, IPCSHM_REGION_MAX);
		return 0;
	case ARGP_KEY_ARG:
		if (copy->region)
			return ARGP_ERR_UNKNOWN;
		copy->region = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing argument: a region");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int copy_past_the_end(const char *action, const struct copy *copy, uint64_t end)
{
	char hint[96];

	snprintf(hint, sizeof(hint), "the region has %llu bytes", (unsigned long long)end);
	return error_print(action, copy->region, STATUS_FAILED,
			   copy->offset > end ? "--offset is past the end"
					      : "only what the region has room for was copied",
			   hint);
}

size_t copy_chunk_size(uint64_t left)
{
	return left < COPY_CHUNK ? (size_t)left : COPY_CHUNK;
}
