// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm list */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "find.h"
#include "input_netlink.h"
#include "input_user.h"
#include "output_format.h"
#include "output_json.h"
#include "output_view.h"
#include "parse.h"

struct list {
	struct filter filter;
	const char *columns;
	bool names;
	bool json;
	bool found;
	bool terminal;
	struct view view;
	struct table *table;
	struct json out;
};

static const struct argp_option options[] = {
	{ "region", 'r', NULL, 0, "Only regions", 0 },
	{ "queue", 'q', NULL, 0, "Only queues", 0 },
	{ "owner", 'u', "USER", 0, "Only objects of a user, by name or number", 0 },
	{ "columns", 'o', "NAME,...", 0, "Columns: any key that --json prints, and \"state\"",
	  0 },
	{ "names", 'n', NULL, 0, "Print names alone, one a line; id/NUMBER for objects without a name",
	  0 },
	OPTION_JSON,
	{ 0 }
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct list *list = state->input;
	struct target target;

	switch (key) {
	case 'r':
		list->filter.kind = IPCSHM_REGION;
		return 0;
	case 'q':
		list->filter.kind = IPCSHM_QUEUE;
		return 0;
	case 'u':
		list->filter.uid = arg_user(state, argument);
		list->filter.has_uid = true;
		return 0;
	case 'o':
		list->columns = argument;
		return 0;
	case 'n':
		list->names = true;
		return 0;
	case 'j':
		list->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (list->filter.name || !parse_target(argument, &target) || target.id)
			return ARGP_ERR_UNKNOWN;
		list->filter.name = target.name;
		if (target.kind)
			list->filter.kind = target.kind;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int print_row(const struct object *object, void *data)
{
	struct list *list = data;
	char text[FIELD_TEXT_MAX];

	list->found = true;
	for (size_t i = 0; i < list->view.count; i++) {
		view_text(&list->view, i, object, text);
		table_cell(list->table, text, view_alarms(&list->view, i, object));
	}
	return 0;
}

static int print_json(const struct object *object, void *data)
{
	struct list *list = data;

	list->found = true;
	json_list_next(&list->out);
	json_open(&list->out, '{');
	fields_json(object_fields, object, false, &list->out);
	json_close(&list->out, '}');
	return 0;
}

/* Unchanged to a pipe, so that the reader can use the name. */
static int print_name(const struct object *object, void *data)
{
	struct list *list = data;
	char text[FIELD_TEXT_MAX];

	list->found = true;
	if (!object->name[0]) {
		printf("id/%" PRIu64 "\n", object->id);
	} else if (list->terminal) {
		format_name(object->name, strlen(object->name), text);
		puts(text);
	} else {
		puts(object->name);
	}
	return 0;
}

static int list_objects(struct netlink *netlink, struct list *list)
{
	int result;

	list->terminal = isatty(STDOUT_FILENO);
	if (list->names)
		return netlink_objects(netlink, &list->filter, print_name, list);
	if (list->json) {
		json_list_open(&list->out);
		result = netlink_objects(netlink, &list->filter, print_json, list);
		json_list_close(&list->out);
		return result;
	}
	list->table = table_create(list->view.columns, list->view.count);
	if (!list->table)
		abort();
	result = netlink_objects(netlink, &list->filter, print_row, list);
	table_end(list->table);
	return result;
}

int command_list(const struct command *self, int argc, char **argv)
{
	struct list list = { .out = { .to = stdout } };
	struct netlink *netlink;
	int result;

	command_parse(self, options, parse_option, argc, argv, &list);
	if (!view_parse(&list.view, list.columns ? list.columns : view_default(list.filter.kind)))
		return error_print("list --columns", list.columns, STATUS_USAGE, "no such column",
				   "see COLUMNS in ipcshm(1)");
	result = netlink_open(&netlink);
	if (!result)
		result = list_objects(netlink, &list);
	/* An empty list is an answer; that a name is not there is an error. */
	if (result >= 0 && list.filter.name && !list.found)
		result = -ENOENT;
	return find_finish(netlink, "list", list.filter.name, result);
}
