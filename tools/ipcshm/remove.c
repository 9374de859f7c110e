// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm rm, ipcshm revoke */
#include "command.h"
#include "error.h"
#include "find.h"

/* All arguments are objects. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	if (key == ARGP_KEY_NO_ARGS)
		argp_error(state, "missing argument: an object");
	if (key != ARGP_KEY_ARGS)
		return ARGP_ERR_UNKNOWN;
	*(char ***)state->input = state->argv + state->next;
	return 0;
}

/* By its number: should another get the name just now, it isn't that one. */
static int rm(struct netlink *netlink, const char *word, const struct object *object, void *data)
{
	int err = netlink_unlink(netlink, &(struct which){ .id = object->id });

	(void)data;
	return err ? find_failed(netlink, "rm", word, err) : STATUS_OK;
}

static int revoke(struct netlink *netlink, const char *word, const struct object *object,
		  void *data)
{
	int err = netlink_revoke(netlink, &(struct which){ .id = object->id });

	(void)data;
	return err ? find_failed(netlink, "revoke", word, err) : STATUS_OK;
}

int command_rm(const struct command *self, int argc, char **argv)
{
	char **words;

	command_parse(self, NULL, parse, argc, argv, &words);
	return find_each("rm", words, rm, NULL);
}

int command_revoke(const struct command *self, int argc, char **argv)
{
	char **words;

	command_parse(self, NULL, parse, argc, argv, &words);
	return find_each("revoke", words, revoke, NULL);
}
