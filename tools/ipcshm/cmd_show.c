// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm show */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "find.h"
#include "output_field.h"
#include "output_json.h"
#include "input_topic.h"
#include "output_member.h"
#include "output_topic.h"
#include "output_view.h"

struct show {
	char **words;
	bool json;
	bool begun;
	struct json out;
};

static const struct argp_option options[] = { OPTION_JSON, { 0 } };

static error_t parse_show_option(int key, char *argument, struct argp_state *state)
{
	struct show *show = state->input;

	(void)argument;
	switch (key) {
	case 'j':
		show->json = true;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing argument: an object");
		return 0;
	case ARGP_KEY_ARGS:
		show->words = state->argv + state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* "max_members" as "max members:" */
static void print_label(const char *name)
{
	char label[32];

	snprintf(label, sizeof(label), "%s:", name);
	for (char *at = strchr(label, '_'); at; at = strchr(at, '_'))
		*at = ' ';
	printf("  %-18s", label);
}

static void print_fields(const struct object *object)
{
	char text[FIELD_TEXT_MAX];

	for (const struct field *field = object_fields; field->name; field++) {
		if (!field_applies(field, object))
			continue;
		field_text(field, object, text);
		print_label(field->name);
		puts(text);
	}
}

static int print_object(struct netlink *netlink, const char *word, const struct object *object)
{
	char state[FIELD_TEXT_MAX];
	int err = 0;

	view_state(object, state);
	printf("%s: %s\n", word, state);
	print_fields(object);
	if (object->kind != IPCSHM_REGION || !object->region.members)
		return STATUS_OK;
	if (object->topic_has)
		topic_table(object->name);
	putchar('\n');
	err = member_table(netlink, object->id);
	return err < 0 ? find_failed(netlink, "show", word, err) : STATUS_OK;
}

static int show_object(struct netlink *netlink, const char *word, const struct object *found,
		       void *data)
{
	struct object copy = *found, *object = &copy;
	struct show *show = data;

	topic_inspect(object);
	if (!show->json) {
		if (show->begun)
			putchar('\n');
		show->begun = true;
		return print_object(netlink, word, object);
	}
	json_list_next(&show->out);
	json_open(&show->out, '{');
	fields_json(object_fields, object, false, &show->out);
	if (object->kind == IPCSHM_REGION) {
		json_key(&show->out, "member_list");
		member_array(netlink, object->id, &show->out);
		if (object->topic_has) {
			json_key(&show->out, "peer_list");
			topic_array(object->name, &show->out);
		}
	}
	json_close(&show->out, '}');
	return STATUS_OK;
}

int command_show(const struct command *self, int argc, char **argv)
{
	struct show show = { .out = { .to = stdout } };
	int status;

	command_parse(self, options, parse_show_option, argc, argv, &show);
	if (show.json)
		json_list_open(&show.out);
	status = find_each("show", show.words, show_object, &show);
	if (show.json)
		json_list_close(&show.out);
	return status;
}
