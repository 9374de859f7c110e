// SPDX-License-Identifier: GPL-2.0-only
/* Values of options and arguments. */
#include "args.h"

#include <inttypes.h>
#include <stdio.h>

#include "input_user.h"
#include "output_format.h"
#include "parse.h"

#define BYTES "a whole number, alone or with K, M, G, T, P or E"

void arg_check(struct argp_state *state, bool valid, const char *value, const char *what,
	       const char *allowed)
{
	if (!valid)
		argp_error(state, "invalid %s \"%s\" (%s)", what, value, allowed);
}

uint64_t arg_number(struct argp_state *state, const char *value, const char *what, uint64_t least,
		    uint64_t most)
{
	char allowed[64];
	uint64_t number = 0;
	bool valid = parse_number(value, &number) && number >= least && number <= most;

	if (most == UINT64_MAX)
		snprintf(allowed, sizeof(allowed), "a number, at least %" PRIu64, least);
	else
		snprintf(allowed, sizeof(allowed), "a number from %" PRIu64 " to %" PRIu64, least,
			 most);
	arg_check(state, valid, value, what, allowed);
	return number;
}

uint64_t arg_bytes(struct argp_state *state, const char *value, const char *what, uint64_t least,
		   uint64_t most)
{
	char allowed[160], low[FORMAT_MAX], high[FORMAT_MAX];
	uint64_t bytes = 0;

	arg_check(state, parse_bytes(value, &bytes), value, what, BYTES);
	format_bytes(least, low);
	format_bytes(most, high);
	snprintf(allowed, sizeof(allowed), "from %s to %s", low, high);
	arg_check(state, bytes >= least && bytes <= most, value, what, allowed);
	return bytes;
}

uint64_t arg_capacity(struct argp_state *state, const char *value, const char *what)
{
	uint64_t number = 0;

	arg_check(state, parse_capacity(value, &number), value, what, "a number, or \"unbounded\"");
	return number;
}

uint64_t arg_byte_capacity(struct argp_state *state, const char *value, const char *what)
{
	uint64_t bytes = 0;

	arg_check(state, parse_byte_capacity(value, &bytes), value, what,
		  BYTES ", or \"unbounded\"");
	return bytes;
}

uint64_t arg_time(struct argp_state *state, const char *value, const char *what, uint64_t least)
{
	char allowed[96], low[FORMAT_MAX];
	uint64_t time = 0;

	arg_check(state, parse_duration(value, &time), value, what,
		  "a number of seconds, or with ns, us, ms, s, min or h");
	format_duration(least, low);
	snprintf(allowed, sizeof(allowed), "at least %s", low);
	arg_check(state, time >= least, value, what, allowed);
	return time;
}

uint32_t arg_user(struct argp_state *state, const char *value)
{
	uint32_t uid = 0;

	arg_check(state, user_find(value, &uid), value, "user", "a user's name or number");
	return uid;
}
