/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values of options and arguments.  A value that is invalid ends the program with
 * STATUS_USAGE and a message that names the value, what it is for, and what is allowed.
 */
#ifndef ARGS_H
#define ARGS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

/* End the program unless @valid: @what the value is for, and what is @allowed. */
void arg_check(struct argp_state *state, bool valid, const char *value, const char *what,
	       const char *allowed);

/* A number from @least to @most. */
uint64_t arg_number(struct argp_state *state, const char *value, const char *what, uint64_t least,
		    uint64_t most);

/* A size in bytes from @least to @most. */
uint64_t arg_bytes(struct argp_state *state, const char *value, const char *what, uint64_t least,
		   uint64_t most);

/* A number of messages, or of bytes, or "unbounded". */
uint64_t arg_capacity(struct argp_state *state, const char *value, const char *what);
uint64_t arg_byte_capacity(struct argp_state *state, const char *value, const char *what);

/* A time in nanoseconds, at least @least. */
uint64_t arg_time(struct argp_state *state, const char *value, const char *what, uint64_t least);

/* A user, by name or number. */
uint32_t arg_user(struct argp_state *state, const char *value);

#endif /* ARGS_H */
