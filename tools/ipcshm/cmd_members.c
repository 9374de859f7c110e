// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm members */
#include <stddef.h>

#include "command.h"
#include "error.h"
#include "find.h"
#include "output_member.h"

struct choice {
	const char *region;
	bool json;
};

static const struct argp_option options[] = { OPTION_JSON, { 0 } };

static error_t parse_members_option(int key, char *argument, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case 'j':
		choice->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (choice->region)
			return ARGP_ERR_UNKNOWN;
		choice->region = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int print_members(struct netlink *netlink, uint64_t region, bool json)
{
	return json ? member_json(netlink, region) : member_table(netlink, region);
}

static int print_members_of(struct netlink *netlink, const char *word, const struct object *object,
			    void *data)
{
	const struct choice *choice = data;
	int err;

	if (object->kind != IPCSHM_REGION)
		return error_print("members", word, STATUS_FAILED, "a queue has no members",
				   "\"ipcshm holders\" prints who has it open");
	err = print_members(netlink, object->id, choice->json);
	return err < 0 ? find_failed(netlink, "members", word, err) : STATUS_OK;
}

int command_members(const struct command *self, int argc, char **argv)
{
	struct choice choice = { NULL, false };
	struct netlink *netlink;
	int err;

	command_parse(self, options, parse_members_option, argc, argv, &choice);
	if (choice.region)
		return find_each("members", (char *[]){ (char *)choice.region, NULL },
				 print_members_of, &choice);
	err = netlink_open(&netlink);
	if (!err)
		err = print_members(netlink, 0, choice.json);
	return find_finish(netlink, "members", NULL, err);
}
