// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm: look at shared regions and message queues, use them, and steer them. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "error.h"

static const struct command commands[] = {
	{ "list", command_list, "[NAME]", "List regions and queues",
	  "Without a filter all that you may see: those that are yours, or that you may open." },
	{ "show", command_show, "OBJECT...", "Show all there is to know of an object", NULL },
	{ "members", command_members, "[REGION]", "List the processes that have a region mapped",
	  "Without a name those of all regions." },
	{ "holders", command_holders, "[OBJECT]...",
	  "List the processes that have objects open or mapped",
	  "Without an object those of all.  What processes of other users have, root sees." },
	{ "top", command_top, "", "Watch queues and regions, full-screen",
	  "In it, \"h\" shows the keys, \"q\" ends it." },
	{ "monitor", command_monitor, "", "Print events as they happen",
	  "Events that were lost, because they came faster than they could be printed, are told, "
	  "too." },
	{ "create", command_create, "region|queue NAME", "Create a region or a queue",
	  "It stays until it is removed with \"ipcshm rm\".  Bytes can be written as 4096, 4K, 1M "
	  "or 2G." },
	{ "rm", command_rm, "OBJECT...", "Remove names",
	  "Those who use the object keep it; it goes with the last of them." },
	{ "revoke", command_revoke, "OBJECT...", "Take objects from all who use them",
	  "An access to a mapping of it is SIGBUS from then on, and calls fail." },
	{ "send", command_send, "QUEUE [MESSAGE]...", "Send messages",
	  "Without messages, all of standard input is one; with --line, each line of it." },
	{ "recv", command_recv, "QUEUE", "Receive messages",
	  "They go to standard output as they are." },
	{ "cat", command_cat, "REGION", "Copy a region to standard output", NULL },
	{ "write", command_write, "REGION", "Copy standard input to a region", NULL },
	{ "quota", command_quota, "[QUOTA=MAXIMUM]...", "Show quotas, or set them",
	  "QUOTA is objects, region-bytes, queue-bytes, members, waiters or descriptors.  "
	  "With MAXIMUM \"default\", a user or a network namespace follows the default again." },
	{ "load", command_load, "[FILE] [PARAMETER=VALUE]...", "Load the kernel module",
	  "The one that is installed, or a file." },
	{ "unload", command_unload, "", "Unload the kernel module", NULL },
	{ "version", command_version, "", "Tell the versions of this program and the module",
	  NULL },
};

#define COUNT (sizeof(commands) / sizeof(*commands))

static void print_help(FILE *to)
{
	fputs("Usage: ipcshm COMMAND [OPTION...]\n"
	      "Shared regions and message queues: look at them, use them, steer them.\n\n",
	      to);
	for (size_t i = 0; i < COUNT; i++)
		fprintf(to, "  %-10s%s\n", commands[i].name, commands[i].help);
	fputs("\nAn OBJECT is NAME, region/NAME, queue/NAME, or id/NUMBER.\n"
	      "\"ipcshm COMMAND --help\" tells a command's options, ipcshm(1) all.\n",
	      to);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	int status = command->run(command, argc, argv), output = error_check_output(command->name);

	return status ? status : output;
}

static int run_help(int argc, char **argv)
{
	const struct command *command = argc > 2 ? find_command(argv[2]) : NULL;
	char option[] = "--help", *arguments[] = { argv[0], option, NULL };

	if (command)
		return run_command(command, 2, arguments);
	print_help(stdout);
	return error_check_output("help");
}

int main(int argc, char **argv)
{
	const struct command *command;

	setlocale(LC_ALL, "");
	/* What is read by programs, and parsed by us, is the same everywhere. */
	setlocale(LC_NUMERIC, "C");
	if (argc < 2) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return run_help(argc, argv);
	command = find_command(strcmp(argv[1], "--version") ? argv[1] : "version");
	if (!command)
		return error_print(argv[1], NULL, STATUS_USAGE, "no such command",
				   "\"ipcshm help\" lists the commands");
	return run_command(command, argc - 1, argv + 1);
}
