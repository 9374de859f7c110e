// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm quota */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "find.h"
#include "input_user.h"
#include "names.h"
#include "output_format.h"
#include "output_json.h"
#include "output_table.h"
#include "parse.h"

/**
 * struct quota_command - the command line, and the output
 * @user: the argument of --user, or NULL
 * @all: print the quotas of all users
 * @sets: there are quotas to set
 * @follows_default: one of them is to follow the default
 * @quotas: whose quotas, and what to set
 */
struct quota_command {
	const char *user;
	bool all;
	bool sets;
	bool follows_default;
	bool json;
	struct quotas quotas;
	struct table *table;
	struct json out;
};

static const struct argp_option options[] = {
	{ "user", 'u', "USER", 0, "Quotas of a user, by name or number (default: yours)", 0 },
	{ "default", 'd', NULL, 0, "Quotas of users that have none of their own", 0 },
	{ "net", 'n', NULL, 0, "The bound of all users of this network namespace together", 0 },
	{ "all", 'a', NULL, 0,
	  "The default, the bound, and the quotas of all users that have a record", 0 },
	OPTION_JSON,
	{ 0 }
};

/* "region-bytes=1G", "objects=default" */
static bool parse_setting(const char *word, struct quota_command *command)
{
	size_t length = strcspn(word, "=");
	int type = number_of(quota_names, word, length);
	struct quota *quota;

	if (!word[length] || type < 0)
		return false;
	word += length + 1;
	quota = &command->quotas.quota[type];
	quota->has_max = true;
	if (!strcmp(word, "default")) {
		quota->max = IPCSHM_QUOTA_FOLLOW_DEFAULT;
		command->follows_default = true;
		return true;
	}
	return (quota_is_bytes((unsigned int)type) ? parse_bytes : parse_number)(word, &quota->max) &&
	       quota->max <= INT64_MAX;
}

static void check_whose(const struct quota_command *command, struct argp_state *state)
{
	const struct quotas *quotas = &command->quotas;

	if (quotas->has_uid + quotas->is_default + quotas->is_net + command->all > 1)
		argp_error(state, "give only one of --user, --default, --net and --all");
	if (command->sets && !quotas->has_uid && !quotas->is_default && !quotas->is_net)
		argp_error(state, "setting quotas needs --user, --default or --net");
	if (command->follows_default && quotas->is_default)
		argp_error(state, "the default cannot follow the default");
}

static error_t parse_quota_option(int key, char *argument, struct argp_state *state)
{
	struct quota_command *command = state->input;

	switch (key) {
	case 'u':
		command->user = argument;
		command->quotas.uid = arg_user(state, argument);
		command->quotas.has_uid = true;
		return 0;
	case 'd':
		command->quotas.is_default = true;
		return 0;
	case 'n':
		command->quotas.is_net = true;
		return 0;
	case 'a':
		command->all = true;
		return 0;
	case 'j':
		command->json = true;
		return 0;
	case ARGP_KEY_ARG:
		command->sets = true;
		if (!parse_setting(argument, command))
			argp_error(state,
				   "invalid setting \"%s\" (QUOTA=MAXIMUM; QUOTA is objects, region-bytes, "
				   "queue-bytes, members, waiters or descriptors; MAXIMUM is a number, "
				   "bytes with K, M, G, T, P or E, or \"default\")",
				   argument);
		return 0;
	case ARGP_KEY_END:
		check_whose(command, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void write_owner(const struct quotas *quotas, char text[USER_TEXT_MAX])
{
	if (quotas->is_default)
		snprintf(text, USER_TEXT_MAX, "(default)");
	else if (quotas->is_net)
		snprintf(text, USER_TEXT_MAX, "(net)");
	else
		user_text(quotas->uid, text);
}

/* The header is printed with the first row, so that an error comes without. */
static void begin_table(struct quota_command *command)
{
	static const struct column columns[] = { { "USER", false },	 { "USER-NS", false },
						 { "QUOTA", false },	 { "USED", true },
						 { "MAXIMUM", true },	 { "SET", false } };

	if (!command->table)
		command->table = table_create(columns, sizeof(columns) / sizeof(*columns));
	if (!command->table)
		abort();
}

static const char *describe_setting(const struct quotas *quotas, const struct quota *quota)
{
	if (quotas->is_default)
		return "-";
	return quota->own ? "own" : "default";
}

static void print_quota_row(struct table *table, const struct quotas *quotas, unsigned int type)
{
	const struct quota *quota = &quotas->quota[type];
	char owner[USER_TEXT_MAX], ns[FORMAT_MAX] = "-", used[FORMAT_MAX] = "-", max[FORMAT_MAX] = "-";

	write_owner(quotas, owner);
	if (quotas->has_user_ns)
		snprintf(ns, sizeof(ns), "%u", quotas->user_ns);
	if (quota->has_used)
		format_quota(type, quota->used, used);
	if (quota->has_max)
		format_quota(type, quota->max, max);
	table_cell(table, owner, false);
	table_cell(table, ns, false);
	table_cell(table, quota_names[type], false);
	table_cell(table, used, quota->has_used && quota->used >= quota->max);
	table_cell(table, max, false);
	table_cell(table, describe_setting(quotas, quota), false);
}

static int print_quota_rows(const struct quotas *quotas, void *data)
{
	struct quota_command *command = data;

	begin_table(command);
	for (unsigned int type = 0; type < QUOTAS; type++)
		print_quota_row(command->table, quotas, type);
	return 0;
}

static void add_quota_number(struct json *json, const char *key, bool is_known, uint64_t number)
{
	json_key(json, key);
	if (is_known)
		json_number(json, number);
	else
		json_null(json);
}

static void add_boolean(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_boolean(json, value);
}

/* "region-bytes" as "region_bytes", as all keys are. */
static void add_quota(struct json *json, const char *name, const struct quota *quota)
{
	char key[32], *dash;

	snprintf(key, sizeof(key), "%s", name);
	dash = strchr(key, '-');
	if (dash)
		*dash = '_';
	json_key(json, key);
	json_open(json, '{');
	add_quota_number(json, "used", quota->has_used, quota->used);
	add_quota_number(json, "max", quota->has_max, quota->max);
	add_boolean(json, "own", quota->own);
	json_close(json, '}');
}

static int print_quota_json(const struct quotas *quotas, void *data)
{
	struct json *json = &((struct quota_command *)data)->out;

	json_list_next(json);
	json_open(json, '{');
	add_quota_number(json, "uid", quotas->has_uid, quotas->uid);
	add_quota_number(json, "user_ns", quotas->has_user_ns, quotas->user_ns);
	add_boolean(json, "default", quotas->is_default);
	add_boolean(json, "net", quotas->is_net);
	for (unsigned int type = 0; type < QUOTAS; type++)
		add_quota(json, quota_names[type], &quotas->quota[type]);
	json_close(json, '}');
	return 0;
}

typedef int (*quotas_printer)(const struct quotas *quotas, void *data);

static int print_each(struct netlink *netlink, struct quota_command *command,
		      quotas_printer print)
{
	int err;

	if (command->all) {
		err = netlink_all_quotas(netlink, print, command);
		return err < 0 ? err : netlink_bound(netlink, print, command);
	}
	err = netlink_quotas(netlink, &command->quotas);
	return err < 0 ? err : print(&command->quotas, command);
}

static int print_quotas(struct netlink *netlink, struct quota_command *command)
{
	int err;

	if (command->json) {
		json_list_open(&command->out);
		err = print_each(netlink, command, print_quota_json);
		json_list_close(&command->out);
		return err;
	}
	err = print_each(netlink, command, print_quota_rows);
	if (command->table)
		table_end(command->table);
	return err;
}

int command_quota(const struct command *self, int argc, char **argv)
{
	struct quota_command command = { .out = { .to = stdout } };
	struct netlink *netlink;
	int err;

	command_parse(self, options, parse_quota_option, argc, argv, &command);
	err = netlink_open(&netlink);
	if (!err && command.sets)
		err = netlink_set_quotas(netlink, &command.quotas);
	else if (!err)
		err = print_quotas(netlink, &command);
	return find_finish(netlink, "quota", command.quotas.is_net ? "--net" : command.user, err);
}
