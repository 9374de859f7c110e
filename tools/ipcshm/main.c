// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm: inspect, use and administer shared regions and message queues. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "error.h"

static const struct command commands[] = {
	{ "list", command_list, "[NAME]", "List regions and queues",
	  "Without a filter all objects that you own or may open." },
	{ "show", command_show, "OBJECT...", "Show everything known about an object", NULL },
	{ "members", command_members, "[REGION]", "List the processes that have a region mapped",
	  "Without a region, list the members of all regions." },
	{ "holders", command_holders, "[OBJECT]...",
	  "List the processes that have objects open or mapped",
	  "Without an object, list the holders of all.  Only root can inspect processes of other users." },
	{ "top", command_top, "", "Watch queues and regions, full-screen",
	  "The key \"h\" shows the keys, \"q\" quits." },
	{ "monitor", command_monitor, "", "Print notifications as they happen",
	  "Notifications that were lost, because the receive buffer was full, are counted." },
	{ "metrics", command_metrics, "", "Print all numbers as OpenMetrics text",
	  "For a monitoring system: see EXAMPLES in ipcshm(1)." },
	{ "create", command_create, "region|queue NAME", "Create a region or a queue",
	  "The object persists until \"ipcshm rm\" removes it.  BYTES can be written as 4096, 4K, 1M "
	  "or 2G." },
	{ "rm", command_rm, "OBJECT...", "Remove names",
	  "Processes that use the object keep it; it is freed with the last of them." },
	{ "revoke", command_revoke, "OBJECT...", "Revoke objects from all their users",
	  "An access to a mapping raises SIGBUS from then on, and calls fail." },
	{ "send", command_send, "QUEUE [MESSAGE]...", "Send messages",
	  "Without messages, all of standard input is one; with --line, each line of it." },
	{ "recv", command_recv, "QUEUE", "Receive messages",
	  "They are written to standard output unchanged." },
	{ "call", command_call, "QUEUE [MESSAGE]", "Send a request and print the reply",
	  "Without a message, standard input is the request.  The reply is written to standard "
	  "output unchanged." },
	{ "reply", command_reply, "QUEUE [COMMAND [ARGUMENT]...]",
	  "Receive requests and reply to them",
	  "COMMAND gets the request as its standard input; its output is the reply.  Without a "
	  "command, the request is printed, and the reply read from standard input." },
	{ "move", command_move, "QUEUE QUEUE", "Move messages from one queue to another",
	  "The number of messages that were moved is printed." },
	{ "topic", command_topic, "COMMAND", "Publish, subscribe to, measure and record topics",
	  NULL },
	{ "cat", command_cat, "REGION", "Copy a region to standard output", NULL },
	{ "write", command_write, "REGION", "Copy standard input to a region", NULL },
	{ "quota", command_quota, "[QUOTA=MAXIMUM]...", "Show quotas, or set them",
	  "QUOTA is objects, region-bytes, queue-bytes, members, waiters or descriptors.  "
	  "With MAXIMUM \"default\", a user or a network namespace follows the default again." },
	{ "run", command_run, "[--] PROGRAM [ARGUMENT]...", "Run a program with the module's queues",
	  "POSIX message queues and shared memory of the program are the module's; see ipcshm-run(1)." },
	{ "load", command_load, "[FILE] [PARAMETER=VALUE]...", "Load the kernel module",
	  "Load the installed module, or a file." },
	{ "unload", command_unload, "", "Unload the kernel module", NULL },
	{ "version", command_version, "", "Print the versions of this program and the module",
	  NULL },
};

#define COUNT (sizeof(commands) / sizeof(*commands))

static void print_help(FILE *to)
{
	fputs("Usage: ipcshm COMMAND [OPTION...]\n"
	      "Inspect, use and administer shared regions and message queues.\n\n",
	      to);
	for (size_t i = 0; i < COUNT; i++)
		fprintf(to, "  %-10s%s\n", commands[i].name, commands[i].help);
	fputs("\nAn OBJECT is NAME, region/NAME, queue/NAME, or id/NUMBER.\n"
	      "\"ipcshm COMMAND --help\" prints the options of a command; see also ipcshm(1).\n",
	      to);
}

static const struct command *find_command(const char *name)
{
	return command_find(commands, COUNT, "", name);
}

static void check_output(int status, void *data)
{
	const struct command *command = data;

	if (error_check_output(command->name) && !status)
		_exit(STATUS_FAILED);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	/* At exit, because argp exits after it has printed a command's help. */
	if (on_exit(check_output, (void *)command))
		return error_print(command->name, NULL, STATUS_FAILED, "out of memory", NULL);
	return command->run(command, argc, argv);
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
	/* Numbers for programs, and from the command line, are the same everywhere. */
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
