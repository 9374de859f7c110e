// SPDX-License-Identifier: GPL-2.0-only
/* Reading the command line of a command. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

const struct command *command_find(const struct command *commands, size_t count, const char *prefix,
				   const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(commands[i].name + strlen(prefix), name))
			return &commands[i];
	return NULL;
}

static void parse_with(const struct command *self, const struct argp_option *options,
		       argp_parser_t parse, int argc, char **argv, void *input,
		       unsigned int flags)
{
	char doc[512], name[64];
	struct argp argp = { options, parse, self->arguments, doc, NULL, NULL, NULL };

	snprintf(doc, sizeof(doc), "%s.%s%s", self->help, self->more ? "\v" : "",
		 self->more ? self->more : "");
	snprintf(name, sizeof(name), "ipcshm %s", self->name);
	argv[0] = name;
	argp_err_exit_status = STATUS_USAGE;
	if (argp_parse(&argp, argc, argv, flags, NULL, input))
		exit(STATUS_USAGE);
}

void command_parse(const struct command *self, const struct argp_option *options,
		   argp_parser_t parse, int argc, char **argv, void *input)
{
	parse_with(self, options, parse, argc, argv, input, 0);
}

void command_parse_in_order(const struct command *self, const struct argp_option *options,
			    argp_parser_t parse, int argc, char **argv, void *input)
{
	parse_with(self, options, parse, argc, argv, input, ARGP_IN_ORDER);
}

error_t command_parse_objects(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	if (key == ARGP_KEY_NO_ARGS)
		argp_error(state, "missing argument: an object");
	if (key != ARGP_KEY_ARGS)
		return ARGP_ERR_UNKNOWN;
	*(char ***)state->input = state->argv + state->next;
	return 0;
}
