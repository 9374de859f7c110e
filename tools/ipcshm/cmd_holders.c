// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm holders */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "find.h"
#include "input_proc.h"
#include "input_user.h"
#include "output_field.h"
#include "output_json.h"
#include "output_table.h"

/**
 * struct search - the command line, and the result
 * @words: objects; none: any
 * @ids: their numbers
 * @id_count: length of @ids
 * @holders: the result
 * @count: length of @holders
 * @room: allocated length of @holders
 */
struct search {
	char **words;
	bool json;
	uint64_t *ids;
	size_t id_count;
	struct holder *holders;
	size_t count;
	size_t room;
};

static const struct argp_option options[] = { OPTION_JSON, { 0 } };

static error_t parse_holders_option(int key, char *argument, struct argp_state *state)
{
	struct search *search = state->input;

	(void)argument;
	switch (key) {
	case 'j':
		search->json = true;
		return 0;
	case ARGP_KEY_ARGS:
		search->words = state->argv + state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Searching. */

static bool is_wanted_holder(const struct search *search, uint64_t id)
{
	for (size_t i = 0; i < search->id_count; i++)
		if (search->ids[i] == id)
			return true;
	return !search->words;
}

static int add_holder(const struct holder *holder, void *data)
{
	struct search *search = data;

	if (!is_wanted_holder(search, holder->id))
		return 0;
	if (search->count == search->room) {
		size_t room = search->room ? 2 * search->room : 64;
		struct holder *holders = reallocarray(search->holders, room, sizeof(*holders));

		if (!holders)
			return -ENOMEM;
		search->holders = holders;
		search->room = room;
	}
	search->holders[search->count++] = *holder;
	return 0;
}

/* Members hold a region without a descriptor. */
static int add_member(const struct member *member, void *data)
{
	struct holder holder = {
		.has = 1 << HOLDER_ID | 1 << HOLDER_KIND | 1 << HOLDER_PID | 1 << HOLDER_UID |
		       1 << HOLDER_MAPS,
		.id = member->region,
		.kind = IPCSHM_REGION,
		.pid = member->pid,
		.uid = member->uid,
		.maps = member->maps,
	};

	process_text(member->pid, holder.process, sizeof(holder.process));
	holder.has |= (uint64_t)(*holder.process != '\0') << HOLDER_PROCESS;
	return add_holder(&holder, data);
}

/* Members carry the region's number alone; those of a region come together. */
static void add_name(struct netlink *netlink, struct holder *holder, struct object *object)
{
	struct which which = { holder->id, 0, NULL };

	if (object->id != holder->id && netlink_object(netlink, &which, object))
		return;
	memcpy(holder->name, object->name, sizeof(holder->name));
	holder->has |= (uint64_t)(*object->name != '\0') << HOLDER_NAME;
}

static int find_members(struct netlink *netlink, struct search *search)
{
	struct object object = { .id = 0 };
	size_t first = search->count;
	int err = netlink_members(netlink, 0, add_member, search);

	if (err < 0)
		return err;
	for (size_t i = first; i < search->count; i++)
		add_name(netlink, &search->holders[i], &object);
	return 0;
}

static void print_hidden(size_t hidden)
{
	if (hidden)
		fprintf(stderr,
			"ipcshm: holders: cannot inspect %zu process%s of other users (root can)\n",
			hidden, hidden == 1 ? "" : "es");
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* By object, process and descriptor; mappings are last. */
static int compare_holders(const void *left, const void *right)
{
	const struct holder *a = left, *b = right;
	bool a_maps = a->has >> HOLDER_MAPS & 1, b_maps = b->has >> HOLDER_MAPS & 1;
	int result = compare_numbers(a->id, b->id);

	if (!result)
		result = compare_numbers(a->pid, b->pid);
	if (!result)
		result = compare_numbers(a_maps, b_maps);
	return result ? result : compare_numbers(a->fd, b->fd);
}

static int find_holders(struct netlink *netlink, struct search *search)
{
	size_t hidden = 0;
	int err = proc_holders(add_holder, search, &hidden);

	if (!err)
		err = find_members(netlink, search);
	print_hidden(hidden);
	if (search->count)
		qsort(search->holders, search->count, sizeof(*search->holders), compare_holders);
	return err;
}

/* Printing. */

static void print_holders_json(const struct search *search)
{
	struct json json = { .to = stdout };

	json_list_open(&json);
	for (size_t i = 0; i < search->count; i++) {
		json_list_next(&json);
		json_open(&json, '{');
		fields_json(holder_fields, &search->holders[i], false, &json);
		json_close(&json, '}');
	}
	json_list_close(&json);
}

static void print_holders_row(struct table *table, const struct holder *holder)
{
	char text[FIELD_TEXT_MAX];

	for (const struct field *field = holder_fields; field->name; field++) {
		field_text(field, holder, text);
		table_cell(table, text, false);
	}
}

static void print_table(const struct search *search)
{
	struct column columns[16];
	struct table *table;
	size_t count = 0;

	for (const struct field *field = holder_fields; field->name; field++)
		columns[count++] = (struct column){ field->heading, field_is_number(field) };
	table = table_create(columns, count);
	if (!table)
		abort();
	for (size_t i = 0; i < search->count; i++)
		print_holders_row(table, &search->holders[i]);
	table_end(table);
}

static int add_id(struct netlink *netlink, const char *word, const struct object *object,
		  void *data)
{
	struct search *search = data;

	(void)netlink;
	(void)word;
	search->ids[search->id_count++] = object->id;
	return STATUS_OK;
}

/* A failure to find one object is printed, and the search goes on with the others. */
static int choose_objects(struct search *search, size_t words)
{
	if (!search->words)
		return STATUS_OK;
	search->ids = calloc(words, sizeof(*search->ids));
	if (!search->ids)
		abort();
	return find_each("holders", search->words, add_id, search);
}

int command_holders(const struct command *self, int argc, char **argv)
{
	struct search search = { .words = NULL };
	struct netlink *netlink;
	int status, err;

	command_parse(self, options, parse_holders_option, argc, argv, &search);
	status = choose_objects(&search, (size_t)argc);
	if (search.words && !search.id_count)
		return status;
	err = netlink_open(&netlink);
	if (!err)
		err = find_holders(netlink, &search);
	if (!err && search.json)
		print_holders_json(&search);
	else if (!err)
		print_table(&search);
	free(search.holders);
	free(search.ids);
	err = find_finish(netlink, "holders", NULL, err);
	return err ? err : status;
}
