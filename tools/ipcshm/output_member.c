// SPDX-License-Identifier: GPL-2.0-only
/* Lists of members of regions. */
#include "output_member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input_user.h"
#include "output_field.h"
#include "output_format.h"
#include "output_json.h"
#include "output_table.h"

/* All fields, and what the process is called. */
static int print_member_row(const struct member *member, void *data)
{
	struct table *table = data;
	char process[PROCESS_MAX], text[FIELD_TEXT_MAX];

	for (const struct field *field = member_fields; field->name; field++) {
		field_text(field, member, text);
		table_cell(table, text, false);
	}
	process_text(member->pid, process, sizeof(process));
	format_name(process, strlen(process), text);
	table_cell(table, *text ? text : "-", false);
	return 0;
}

static void write_json(const struct member *member, struct json *json)
{
	char process[PROCESS_MAX];

	json_open(json, '{');
	fields_json(member_fields, member, false, json);
	json_key(json, "process");
	process_text(member->pid, process, sizeof(process));
	if (*process)
		json_string(json, process);
	else
		json_null(json);
	json_close(json, '}');
}

int member_table(struct netlink *netlink, uint64_t region)
{
	struct column columns[16];
	size_t count = 0;
	struct table *table;
	int result;

	for (const struct field *field = member_fields; field->name; field++)
		columns[count++] = (struct column){ field->heading, field_is_number(field) };
	columns[count++] = (struct column){ "PROCESS", false };
	table = table_create(columns, count);
	if (!table)
		abort();
	result = netlink_members(netlink, region, print_member_row, table);
	table_end(table);
	return result;
}

static int add_list_member(const struct member *member, void *data)
{
	json_list_next(data);
	write_json(member, data);
	return 0;
}

int member_json(struct netlink *netlink, uint64_t region)
{
	struct json json = { .to = stdout };
	int result;

	json_list_open(&json);
	result = netlink_members(netlink, region, add_list_member, &json);
	json_list_close(&json);
	return result;
}

struct array {
	struct json *json;
	bool open;
};

static int add_array_member(const struct member *member, void *data)
{
	struct array *array = data;

	if (!array->open)
		json_open(array->json, '[');
	array->open = true;
	write_json(member, array->json);
	return 0;
}

void member_array(struct netlink *netlink, uint64_t region, struct json *json)
{
	struct array array = { json, false };
	int result = netlink_members(netlink, region, add_array_member, &array);

	if (!array.open && result < 0) {
		json_null(json);
		return;
	}
	if (!array.open)
		json_open(json, '[');
	json_close(json, ']');
}
