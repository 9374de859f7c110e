/* SPDX-License-Identifier: GPL-2.0-only */
/* Running a command that turns input into output. */
#ifndef FILTER_H
#define FILTER_H

#include <stddef.h>

/**
 * struct filter_data - the input and the output of a command
 * @input: its standard input
 * @input_size: in bytes
 * @output: its standard output
 * @output_room: bytes that are read at most; a command that writes on gets SIGPIPE
 * @output_size: out: in bytes
 */
struct filter_data {
	const char *input;
	size_t input_size;
	char *output;
	size_t output_room;
	size_t output_size;
};

/* Run a command.  Returns its status, as of waitpid(), or -errno if it did not start. */
int filter_run(char **command, struct filter_data *data);

#endif /* FILTER_H */
