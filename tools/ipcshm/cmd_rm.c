// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm rm */
#include "command.h"
#include "error.h"
#include "find.h"

/* By its number: should another get the name just now, it isn't that one. */
static int remove_object(struct netlink *netlink, const char *word, const struct object *object,
			 void *data)
{
	int err = netlink_unlink(netlink, &(struct which){ .id = object->id });

	(void)data;
	return err ? find_failed(netlink, "rm", word, err) : STATUS_OK;
}

int command_rm(const struct command *self, int argc, char **argv)
{
	char **words;

	command_parse(self, NULL, command_parse_objects, argc, argv, &words);
	return find_each("rm", words, remove_object, NULL);
}
