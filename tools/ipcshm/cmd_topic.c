// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm topic: commands of a second level. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "topic_command.h"

static const struct command commands[] = {
	{ "topic create", topic_create, "TOPIC", "Create a topic",
	  "The topic persists until \"ipcshm topic rm\" removes it." },
	{ "topic rm", topic_rm, "TOPIC...", "Remove topics",
	  "Processes that use the topic keep it; it is freed with the last of them." },
	{ "topic pub", topic_pub, "TOPIC [SAMPLE]...", "Publish samples",
	  "Without samples, all of standard input is one; with --line, each line of it." },
	{ "topic sub", topic_sub, "TOPIC", "Write samples to standard output", NULL },
	{ "topic echo", topic_echo, "TOPIC", "Print samples for people",
	  "With position, time, publisher, size and missed samples of each." },
	{ "topic hz", topic_hz, "TOPIC", "Measure the rate of a topic",
	  "Prints a line after each delay, until it is interrupted." },
	{ "topic bw", topic_bw, "TOPIC", "Measure the bandwidth of a topic",
	  "Prints a line after each delay, until it is interrupted." },
	{ "topic record", topic_record, "TOPIC FILE", "Record samples to an MCAP file",
	  "Until it is interrupted; the file is complete then." },
	{ "topic replay", topic_replay, "FILE [TOPIC]", "Publish the samples of an MCAP file",
	  "By default to the topic that was recorded, which is created if there is none." },
};

#define TOPIC_COMMANDS (sizeof(commands) / sizeof(*commands))

static void print_topic_help(FILE *to)
{
	fputs("Usage: ipcshm topic COMMAND [OPTION...]\n"
	      "Use topics: publish and subscribe.\n\n",
	      to);
	for (size_t i = 0; i < TOPIC_COMMANDS; i++)
		fprintf(to, "  %-14s%s\n", commands[i].name, commands[i].help);
	fputs("\n\"ipcshm topic COMMAND --help\" prints the options of a command.\n", to);
}

int command_topic(const struct command *self, int argc, char **argv)
{
	const struct command *command;

	(void)self;
	if (argc < 2) {
		print_topic_help(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help") || !strcmp(argv[1], "-h")) {
		print_topic_help(stdout);
		return STATUS_OK;
	}
	command = command_find(commands, TOPIC_COMMANDS, "topic ", argv[1]);
	if (!command)
		return error_print("topic", argv[1], STATUS_USAGE, "no such command",
				   "\"ipcshm topic help\" lists the commands");
	return command->run(command, argc - 1, argv + 1);
}
