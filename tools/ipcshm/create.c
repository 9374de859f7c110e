// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm create */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "error.h"
#include "json.h"
#include "names.h"
#include "parse.h"

struct create {
	uint32_t kind;
	const char *name;
	uint32_t mode;
	bool existing;
	uint32_t flags;
	bool json;
	struct ipcshm_region_attr region;
	struct ipcshm_queue_attr queue;
	bool has_bytes;
	/* The kinds whose options were given: bit N for kind N. */
	unsigned int kinds;
};

enum {
	SIZE = 's',
	MESSAGES = 'c',
	MESSAGE_SIZE = 'l',
	MAX_SIZE = 256,
	MAX_MEMBERS,
	POPULATE,
	HUGE_PAGES,
	BYTES,
	OVERFLOW,
	HANGUP,
	POOL
};

static const struct argp_option options[] = {
	{ "mode", 'm', "MODE", 0, "Permission bits, less the umask (default 0600)", 1 },
	{ "existing", 'e', NULL, 0, "One that is there already is fine, and stays as it is", 1 },
	{ "json", 'j', NULL, 0, "Print what was created as JSON", 1 },
	{ NULL, 0, NULL, 0, "Regions:", 2 },
	{ "size", SIZE, "BYTES", 0, "Its size (default 4096), rounded up to pages", 3 },
	{ "max-size", MAX_SIZE, "BYTES", 0, "What it can grow to (default: its size)", 3 },
	{ "max-members", MAX_MEMBERS, "COUNT", 0,
	  "Processes that can map it (default 64, at most 1008)", 3 },
	{ "populate", POPULATE, NULL, 0, "Take its memory now, not when it is used", 3 },
	{ "huge", HUGE_PAGES, NULL, 0, "Its memory is of huge pages, where there are any", 3 },
	{ NULL, 0, NULL, 0, "Queues:", 4 },
	{ "capacity", MESSAGES, "COUNT", 0,
	  "Messages it keeps (default 64); 0: a rendezvous; or \"unbounded\"", 5 },
	{ "max-message", MESSAGE_SIZE, "BYTES", 0, "The largest message (default 8K, at most 16M)",
	  5 },
	{ "max-bytes", BYTES, "BYTES", 0,
	  "Bytes it keeps (default: as many as the messages have); or \"unbounded\"", 5 },
	{ "overflow", OVERFLOW, "WHAT", 0,
	  "When it is full: block (default), drop-oldest or drop-newest", 5 },
	{ "hangup", HANGUP, NULL, 0, "Senders and receivers are told when the other side is gone",
	  5 },
	{ "pool", POOL, "BYTES", 0, "Memory for messages that are received without a copy", 5 },
	{ 0 }
};

static void check(struct argp_state *state, bool valid, const char *what, const char *argument)
{
	if (!valid)
		argp_error(state, "%s: \"%s\"", what, argument);
}

static int parse_region(int key, char *argument, struct argp_state *state, struct create *create)
{
	struct ipcshm_region_attr *attr = &create->region;

	switch (key) {
	case SIZE:
		check(state, parse_bytes(argument, &attr->size), "not a size", argument);
		break;
	case MAX_SIZE:
		check(state, parse_bytes(argument, &attr->max_size), "not a size", argument);
		break;
	case MAX_MEMBERS:
		check(state, parse_up_to(argument, IPCSHM_MEMBERS_MAX, &attr->max_members),
		      "not a number of members", argument);
		break;
	case POPULATE:
		create->flags |= IPCSHM_POPULATE;
		break;
	case HUGE_PAGES:
		create->flags |= IPCSHM_HUGE;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	create->kinds |= 1U << IPCSHM_REGION;
	return 0;
}

static int parse_queue(int key, char *argument, struct argp_state *state, struct create *create)
{
	struct ipcshm_queue_attr *attr = &create->queue;
	int overflow;

	switch (key) {
	case MESSAGES:
		check(state, parse_capacity(argument, &attr->max_messages),
		      "not a number of messages", argument);
		break;
	case MESSAGE_SIZE:
		check(state, parse_bytes(argument, &attr->max_message_size), "not a size",
		      argument);
		break;
	case BYTES:
		create->has_bytes = parse_byte_capacity(argument, &attr->max_bytes);
		check(state, create->has_bytes, "not a size", argument);
		break;
	case OVERFLOW:
		overflow = number_of(overflow_names, argument, strlen(argument));
		check(state, overflow >= 0, "not block, drop-oldest or drop-newest", argument);
		attr->overflow = (uint32_t)overflow;
		break;
	case HANGUP:
		create->flags |= IPCSHM_HANGUP;
		break;
	case POOL:
		check(state, parse_bytes(argument, &attr->pool_bytes), "not a size", argument);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	create->kinds |= 1U << IPCSHM_QUEUE;
	return 0;
}

static void take_argument(struct create *create, char *argument, struct argp_state *state)
{
	if (state->arg_num == 0) {
		int kind = number_of(kind_names, argument, strlen(argument));

		check(state, kind > 0, "neither \"region\" nor \"queue\"", argument);
		create->kind = (uint32_t)kind;
		return;
	}
	check(state, !create->name, "one name is enough", argument);
	create->name = argument;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct create *create = state->input;

	switch (key) {
	case 'm':
		check(state, parse_mode(argument, &create->mode), "not a mode", argument);
		return 0;
	case 'e':
		create->existing = true;
		return 0;
	case 'j':
		create->json = true;
		return 0;
	case ARGP_KEY_ARG:
		take_argument(create, argument, state);
		return 0;
	case ARGP_KEY_END:
		if (!create->name)
			argp_error(state, "what, and by which name?");
		if (create->kinds & ~(1U << create->kind))
			argp_error(state, "that option isn't for a %s",
				   name_of(kind_names, create->kind));
		return 0;
	default:
		if (!parse_region(key, argument, state, create))
			return 0;
		return parse_queue(key, argument, state, create);
	}
}

/* As many bytes as the messages can have, unless that was said. */
static void set_bytes(struct create *create)
{
	struct ipcshm_queue_attr *attr = &create->queue;

	if (create->has_bytes)
		return;
	if (__builtin_mul_overflow(attr->max_messages, attr->max_message_size, &attr->max_bytes))
		attr->max_bytes = IPCSHM_UNBOUNDED;
}

/*
 * With the right that every kind has.  On a queue that tells of hang-ups nobody has
 * been a sender then, and receivers wait for the first one.
 */
static int open_new(int device, struct create *create)
{
	uint32_t flags = IPCSHM_READ | IPCSHM_CREATE | IPCSHM_PERSISTENT | create->flags |
			 (create->existing ? 0 : IPCSHM_EXCLUSIVE);

	if (create->kind == IPCSHM_REGION)
		return ipcshm_region_open(device, create->name, flags, create->mode,
					  &create->region);
	set_bytes(create);
	return ipcshm_queue_open(device, create->name, flags, create->mode, &create->queue);
}

static void print(const struct create *create)
{
	bool is_region = create->kind == IPCSHM_REGION;
	struct json json = { .to = stdout };

	json_open(&json, '{');
	json_key(&json, "id");
	json_number(&json, is_region ? create->region.id : create->queue.id);
	json_key(&json, "kind");
	json_string(&json, name_of(kind_names, create->kind));
	json_key(&json, "name");
	json_string(&json, create->name);
	json_key(&json, "created");
	json_boolean(&json, is_region ? create->region.created : create->queue.created);
	json_close(&json, '}');
	json_line(&json);
}

int command_create(const struct command *self, int argc, char **argv)
{
	struct create create = {
		.mode = 0600,
		.region.size = 4096,
		.queue = { .max_messages = 64, .max_message_size = 8192 },
	};
	struct target target;
	int device, fd;

	command_parse(self, options, parse, argc, argv, &create);
	if (!parse_target(create.name, &target) || target.id || target.kind)
		return error_say("create", create.name, STATUS_USAGE,
				 "Not a name (1 to 255 bytes, no \"/\" but a leading one)");
	create.name = target.name;
	device = ipcshm_open();
	if (device < 0)
		return error_open("create", create.name, device);
	fd = open_new(device, &create);
	if (fd < 0)
		return error_tell("create", create.name, fd,
				  fd == -EINVAL ? "sizes that don't fit together?" : NULL);
	if (create.json)
		print(&create);
	return STATUS_OK;
}
