/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands: each is a function, and a row of the table in main.c. */
#ifndef COMMAND_H
#define COMMAND_H

#include <argp.h>
#include <stdbool.h>

/**
 * struct command - a row of the table
 * @name: the word on the command line
 * @run: executes the command and returns an enum status
 * @arguments: the arguments, as its usage prints them
 * @help: its effect, in one line
 * @more: further help, or NULL
 */
struct command {
	const char *name;
	int (*run)(const struct command *self, int argc, char **argv);
	const char *arguments;
	const char *help;
	const char *more;
};

/* Return the command of that name, or NULL.  All names of the table begin with the prefix. */
const struct command *command_find(const struct command *commands, size_t count, const char *prefix,
				   const char *name);

/* The option of every command that can print JSON. */
#define OPTION_JSON { "json", 'j', NULL, 0, "Print JSON", 0 }

/*
 * Parse the command line: call @parse with each option and argument, and @input.  A wrong
 * command line ends the program with STATUS_USAGE, --help with STATUS_OK.
 */
void command_parse(const struct command *self, const struct argp_option *options,
		   argp_parser_t parse, int argc, char **argv, void *input);

/* The same, but options after the first argument are arguments, too. */
void command_parse_in_order(const struct command *self, const struct argp_option *options,
			    argp_parser_t parse, int argc, char **argv, void *input);

/* Parse objects: all arguments, and at least one, into the char ** that @input points to. */
error_t command_parse_objects(int key, char *argument, struct argp_state *state);

int command_list(const struct command *self, int argc, char **argv);
int command_show(const struct command *self, int argc, char **argv);
int command_create(const struct command *self, int argc, char **argv);
int command_move(const struct command *self, int argc, char **argv);
int command_rm(const struct command *self, int argc, char **argv);
int command_revoke(const struct command *self, int argc, char **argv);
int command_send(const struct command *self, int argc, char **argv);
int command_recv(const struct command *self, int argc, char **argv);
int command_call(const struct command *self, int argc, char **argv);
int command_reply(const struct command *self, int argc, char **argv);
int command_topic(const struct command *self, int argc, char **argv);
int command_cat(const struct command *self, int argc, char **argv);
int command_write(const struct command *self, int argc, char **argv);
int command_members(const struct command *self, int argc, char **argv);
int command_holders(const struct command *self, int argc, char **argv);
int command_monitor(const struct command *self, int argc, char **argv);
int command_top(const struct command *self, int argc, char **argv);
int command_metrics(const struct command *self, int argc, char **argv);
int command_quota(const struct command *self, int argc, char **argv);
int command_run(const struct command *self, int argc, char **argv);
int command_load(const struct command *self, int argc, char **argv);
int command_unload(const struct command *self, int argc, char **argv);
int command_version(const struct command *self, int argc, char **argv);

#endif /* COMMAND_H */
