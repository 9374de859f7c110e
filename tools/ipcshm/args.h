/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values of options and arguments.  An invalid value ends the program with STATUS_USAGE
 * and a message that names the value, its purpose, and the allowed values.
 */
#ifndef ARGS_H
#define ARGS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

/* End the program unless @valid; @what names the purpose, @allowed the allowed values. */
void arg_check(struct argp_state *state, bool valid, const char *value, const char *what,
	       const char *allowed);

/* Return a number from @least to @most. */
uint64_t arg_number(struct argp_state *state, const char *value, const char *what, uint64_t least,
		    uint64_t most);

/* Return a size in bytes from @least to @most. */
uint64_t arg_bytes(struct argp_state *state, const char *value, const char *what, uint64_t least,
		   uint64_t most);

/* Return a number of messages, or of bytes, or IPCSHM_UNBOUNDED for "unbounded". */
uint64_t arg_capacity(struct argp_state *state, const char *value, const char *what);
uint64_t arg_byte_capacity(struct argp_state *state, const char *value, const char *what);

/* Return a time in nanoseconds, at least @least. */
uint64_t arg_time(struct argp_state *state, const char *value, const char *what, uint64_t least);

/* Return the uid of a user, given by name or number. */
uint32_t arg_user(struct argp_state *state, const char *value);

#endif /* ARGS_H */
