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
#include "input_topic.h"
#include "input_user.h"
#include "output_format.h"
#include "output_json.h"
#include "output_view.h"
#include "parse.h"

struct list {
	struct filter filter;
	const char *columns;
	bool names;
	bool only_topics;
	bool json;
	bool found;
	bool terminal;
	struct view view;
	struct table *table;
	struct topics topics;
	struct json out;
};

static const struct argp_option options[] = {
	{ "region", 'r', NULL, 0, "Only regions", 0 },
	{ "queue", 'q', NULL, 0, "Only queues", 0 },
	{ "topic", 't', NULL, 0, "Only topics: regions with publishers and subscribers", 0 },
	{ "owner", 'u', "USER", 0, "Only objects of a user, by name or number", 0 },
	{ "columns", 'o', "NAME,...", 0, "Columns: any key that --json prints, and \"state\"",
	  0 },
	{ "names", 'n', NULL, 0, "Print names alone, one a line; id/NUMBER for objects without a name",
	  0 },
	OPTION_JSON,
	{ 0 }
};

static error_t parse_list_option(int key, char *argument, struct argp_state *state)
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
	case 't':
		list->filter.kind = IPCSHM_REGION;
		list->only_topics = true;
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

/* Return whether the object is to be listed; with the state of the topic that it is. */
static bool take_object(struct list *list, struct object *object)
{
	/* One name alone: its samples are not in the list. */
	if (list->filter.name)
		topic_inspect(object);
	else
		topics_look(&list->topics, object);
	if (list->only_topics && !object->topic_has)
		return false;
	list->found = true;
	return true;
}

static int print_list_row(const struct object *listed, void *data)
{
	struct object object = *listed;
	struct list *list = data;
	char text[FIELD_TEXT_MAX];

	if (!take_object(list, &object))
		return 0;
	for (size_t i = 0; i < list->view.count; i++) {
		view_text(&list->view, i, &object, text);
		table_cell(list->table, text, view_alarms(&list->view, i, &object));
	}
	return 0;
}

static int print_list_json(const struct object *listed, void *data)
{
	struct object object = *listed;
	struct list *list = data;

	if (!take_object(list, &object))
		return 0;
	json_list_next(&list->out);
	json_open(&list->out, '{');
	fields_json(object_fields, &object, false, &list->out);
	json_close(&list->out, '}');
	return 0;
}

/* Unchanged to a pipe, so that the reader can use the name. */
static int print_name(const struct object *listed, void *data)
{
	struct object object = *listed;
	struct list *list = data;
	char text[FIELD_TEXT_MAX];

	if (!take_object(list, &object))
		return 0;
	if (!object.name[0]) {
		printf("id/%" PRIu64 "\n", object.id);
	} else if (list->terminal) {
		format_name(object.name, strlen(object.name), text);
		puts(text);
	} else {
		puts(object.name);
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
		result = netlink_objects(netlink, &list->filter, print_list_json, list);
		json_list_close(&list->out);
		return result;
	}
	list->table = table_create(list->view.columns, list->view.count);
	if (!list->table)
		abort();
	result = netlink_objects(netlink, &list->filter, print_list_row, list);
	table_end(list->table);
	return result;
}

int command_list(const struct command *self, int argc, char **argv)
{
	struct list list = { .out = { .to = stdout } };
	struct netlink *netlink;
	int result;

	command_parse(self, options, parse_list_option, argc, argv, &list);
	if (!list.columns)
		list.columns = list.only_topics ? view_default_of_topics()
						: view_default(list.filter.kind);
	if (!view_parse(&list.view, list.columns))
		return error_print("list --columns", list.columns, STATUS_USAGE, "no such column",
				   "see COLUMNS in ipcshm(1)");
	result = netlink_open(&netlink);
	if (!result)
		result = list_objects(netlink, &list);
	topics_free(&list.topics);
	/* An empty list is an answer; that a name is not there is an error. */
	if (result >= 0 && list.filter.name && !list.found)
		result = -ENOENT;
	return find_finish(netlink, "list", list.filter.name, result);
}
