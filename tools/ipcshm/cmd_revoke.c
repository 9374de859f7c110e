// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm revoke */
#include "command.h"
#include "error.h"
#include "find.h"

static int revoke_object(struct netlink *netlink, const char *word, const struct object *object,
			 void *data)
{
	int err = netlink_revoke(netlink, &(struct which){ .id = object->id });

	(void)data;
	return err ? find_failed(netlink, "revoke", word, err) : STATUS_OK;
}

int command_revoke(const struct command *self, int argc, char **argv)
{
	char **words;

	command_parse(self, NULL, command_parse_objects, argc, argv, &words);
	return find_each("revoke", words, revoke_object, NULL);
}
