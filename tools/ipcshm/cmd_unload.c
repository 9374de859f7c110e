// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm unload */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "input_kmod.h"
#include "input_proc.h"

static error_t parse_nothing(int key, char *argument, struct argp_state *state)
{
	(void)key;
	(void)argument;
	(void)state;
	return ARGP_ERR_UNKNOWN;
}

struct users {
	char text[256];
	size_t count;
	uint32_t last;
};

/* Adds "actor (12)" for a process that was not the last one added. */
static int add_user(const struct holder *holder, void *data)
{
	struct users *users = data;
	size_t length = strlen(users->text);

	if (users->count && users->last == holder->pid)
		return 0;
	users->last = holder->pid;
	users->count++;
	snprintf(users->text + length, sizeof(users->text) - length, "%s%s (%" PRIu32 ")",
		 length ? ", " : "", *holder->process ? holder->process : "?", holder->pid);
	return 0;
}

/* Descriptors and mappings hold the module: name the processes that have them. */
static int report_users(void)
{
	struct users users = { .count = 0 };
	char hint[sizeof(users.text) + 128];
	size_t hidden = 0;

	proc_holders(add_user, &users, &hidden);
	if (users.count)
		snprintf(hint, sizeof(hint), "descriptors: %s; \"ipcshm holders\" prints each", users.text);
	else
		snprintf(hint, sizeof(hint), "\"ipcshm holders\" prints processes that have a region mapped");
	return error_print("unload", NULL, STATUS_FAILED, "in use", hint);
}

int command_unload(const struct command *self, int argc, char **argv)
{
	int err;

	command_parse(self, NULL, parse_nothing, argc, argv, NULL);
	err = kmod_unload(KMOD_NAME);
	switch (-err) {
	case 0:
		return STATUS_OK;
	case EAGAIN:
	case EBUSY:
		return report_users();
	case ENOENT:
		return error_print("unload", NULL, STATUS_NO_MODULE, "kernel module not loaded",
				   NULL);
	default:
		return error_print_errno(
			"unload", NULL, err,
			err == -EPERM ? "unloading modules needs CAP_SYS_MODULE, which root has"
				      : NULL);
	}
}
