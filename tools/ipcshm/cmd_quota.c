// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm limits */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "output_field.h"
#include "find.h"
#include "output_format.h"
#include "output_json.h"
#include "names.h"
#include "parse.h"
#include "output_table.h"
#include "input_user.h"

struct choice {
	const char *user;
	bool all;
	bool set;
	bool json;
	struct limits limits;
	struct table *table;
	struct json out;
};

static const struct argp_option options[] = {
	{ "user", 'u', "USER", 0, "Of a user, by name or number (default: yours)", 0 },
	{ "default", 'd', NULL, 0, "Of users that have none of their own", 0 },
	{ "all", 'a', NULL, 0, "Of all users there are records of, and the default", 0 },
	OPTION_JSON,
	{ 0 }
};

static bool is_bytes(unsigned int quota)
{
	return quota == IPCSHM_QUOTA_TYPE_REGION_BYTES || quota == IPCSHM_QUOTA_TYPE_QUEUE_BYTES;
}

/* "region-bytes=1G", "objects=default" */
static bool parse_setting(const char *word, struct limits *limits)
{
	size_t length = strcspn(word, "=");
	int quota = number_of(quota_names, word, length);
	struct limit *limit;

	if (!word[length] || quota < 0)
		return false;
	word += length + 1;
	limit = &limits->quota[quota];
	limit->has_max = true;
	if (!strcmp(word, "default")) {
		limit->max = IPCSHM_QUOTA_FOLLOW_DEFAULT;
		return !limits->is_default;
	}
	return (is_bytes((unsigned int)quota) ? parse_bytes : parse_number)(word, &limit->max) &&
	       limit->max <= INT64_MAX;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case 'u':
		choice->user = argument;
		choice->limits.uid = arg_user(state, argument);
		choice->limits.has_uid = true;
		return 0;
	case 'd':
		choice->limits.is_default = true;
		return 0;
	case 'a':
		choice->all = true;
		return 0;
	case 'j':
		choice->json = true;
		return 0;
	case ARGP_KEY_ARG:
		choice->set = true;
		if (!parse_setting(argument, &choice->limits))
			argp_error(state,
				   "invalid limit \"%s\" (QUOTA=MAXIMUM; QUOTA is objects, region-bytes, "
				   "queue-bytes, members, waiters or descriptors; MAXIMUM is a number, "
				   "bytes with K, M, G, T, P or E, or for a user \"default\")",
				   argument);
		return 0;
	case ARGP_KEY_END:
		if (choice->limits.has_uid + choice->limits.is_default + choice->all > 1)
			argp_error(state, "give only one of --user, --default and --all");
		if (choice->set && !choice->limits.has_uid && !choice->limits.is_default)
			argp_error(state, "setting limits needs --user or --default");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void number_text(unsigned int quota, uint64_t number, char text[FORMAT_MAX])
{
	if (is_bytes(quota))
		format_bytes(number, text);
	else
		snprintf(text, FORMAT_MAX, "%llu", (unsigned long long)number);
}

static void whose(const struct limits *limits, char text[USER_TEXT_MAX])
{
	if (limits->is_default)
		snprintf(text, USER_TEXT_MAX, "(default)");
	else
		user_text(limits->uid, text);
}

/* The header is printed with the first row, so that an error comes without. */
static void begin_table(struct choice *choice)
{
	static const struct column columns[] = { { "USER", false },
						 { "QUOTA", false },
						 { "USED", true },
						 { "MAXIMUM", true },
						 { "BY", false } };

	if (!choice->table)
		choice->table = table_create(columns, sizeof(columns) / sizeof(*columns));
	if (!choice->table)
		abort();
}

static int print_rows(const struct limits *limits, void *data)
{
	struct choice *choice = data;

	begin_table(choice);
	for (unsigned int i = 0; i < QUOTAS; i++) {
		const struct limit *limit = &limits->quota[i];
		char user[USER_TEXT_MAX], used[FORMAT_MAX] = "-", max[FORMAT_MAX] = "-";

		whose(limits, user);
		if (limit->has_used)
			number_text(i, limit->used, used);
		if (limit->has_max)
			number_text(i, limit->max, max);
		table_cell(choice->table, user, false);
		table_cell(choice->table, quota_names[i], false);
		table_cell(choice->table, used, limit->has_used && limit->used >= limit->max);
		table_cell(choice->table, max, false);
		table_cell(choice->table,
			   limits->is_default ? "-"
			   : limit->own	      ? "own"
					      : "default",
			   false);
	}
	return 0;
}

static void number_json(struct json *json, const char *key, bool is_known, uint64_t number)
{
	json_key(json, key);
	if (is_known)
		json_number(json, number);
	else
		json_null(json);
}

/* "region-bytes" as "region_bytes", as all keys are. */
static void limit_json(struct json *json, const char *quota, const struct limit *limit)
{
	char key[32], *dash;

	snprintf(key, sizeof(key), "%s", quota);
	dash = strchr(key, '-');
	if (dash)
		*dash = '_';
	json_key(json, key);
	json_open(json, '{');
	number_json(json, "used", limit->has_used, limit->used);
	number_json(json, "max", limit->has_max, limit->max);
	json_key(json, "own");
	json_boolean(json, limit->own);
	json_close(json, '}');
}

static int print_json(const struct limits *limits, void *data)
{
	struct json *json = &((struct choice *)data)->out;

	json_list_next(json);
	json_open(json, '{');
	number_json(json, "uid", !limits->is_default, limits->uid);
	json_key(json, "default");
	json_boolean(json, limits->is_default);
	for (unsigned int i = 0; i < QUOTAS; i++)
		limit_json(json, quota_names[i], &limits->quota[i]);
	json_close(json, '}');
	return 0;
}

static int ask(struct netlink *netlink, struct choice *choice,
	       int (*each)(const struct limits *limits, void *data))
{
	int err;

	if (choice->all)
		return netlink_all_limits(netlink, each, choice);
	err = netlink_limits(netlink, &choice->limits);
	return err < 0 ? err : each(&choice->limits, choice);
}

static int print(struct netlink *netlink, struct choice *choice)
{
	int err;

	if (choice->json) {
		json_list_open(&choice->out);
		err = ask(netlink, choice, print_json);
		json_list_close(&choice->out);
		return err;
	}
	err = ask(netlink, choice, print_rows);
	if (choice->table)
		table_end(choice->table);
	return err;
}

int command_limits(const struct command *self, int argc, char **argv)
{
	struct choice choice = { .out = { .to = stdout } };
	struct netlink *netlink;
	int err;

	command_parse(self, options, parse, argc, argv, &choice);
	err = netlink_open(&netlink);
	if (!err && choice.set)
		err = netlink_set_limits(netlink, &choice.limits);
	else if (!err)
		err = print(netlink, &choice);
	if (err == -EPERM && !(netlink && *netlink_detail(netlink))) {
		netlink_close(netlink);
		return error_tell("limits", choice.user, err,
				  "setting limits needs CAP_SYS_RESOURCE");
	}
	return find_finish(netlink, "limits", choice.user, err);
}
