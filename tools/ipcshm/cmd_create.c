// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm create */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "names.h"
#include "open.h"
#include "output_json.h"
#include "parse.h"
#include "quota_hint.h"

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
	const char *dead_letters;
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
	POOL,
	DELIVERIES,
	DEAD_LETTERS
};

static const struct argp_option options[] = {
	{ "mode", 'm', "MODE", 0, "Permission bits, less the umask (default 0600)", 1 },
	{ "existing", 'e', NULL, 0, "Accept an existing object, and leave it as it is", 1 },
	{ "json", 'j', NULL, 0, "Print the object as JSON", 1 },
	{ NULL, 0, NULL, 0, "Regions:", 2 },
	{ "size", SIZE, "BYTES", 0, "Its size (default 4096), rounded up to pages", 3 },
	{ "max-size", MAX_SIZE, "BYTES", 0, "Upper bound of its size (default: its size); or \"unbounded\"", 3 },
	{ "max-members", MAX_MEMBERS, "COUNT", 0,
	  "Processes that can map it (default 1024, at most 65536)", 3 },
	{ "populate", POPULATE, NULL, 0, "Allocate its memory now, not at first use", 3 },
	{ "huge", HUGE_PAGES, NULL, 0, "Use huge pages, where available", 3 },
	{ NULL, 0, NULL, 0, "Queues:", 4 },
	{ "capacity", MESSAGES, "COUNT", 0,
	  "Messages it holds (default 64); 0: a rendezvous; or \"unbounded\"", 5 },
	{ "max-message", MESSAGE_SIZE, "BYTES", 0, "Size of the largest message (default 8K, at most 16M)",
	  5 },
	{ "max-bytes", BYTES, "BYTES", 0,
	  "Bytes it holds (default: room for all its messages); or \"unbounded\"", 5 },
	{ "overflow", OVERFLOW, "WHAT", 0,
	  "When it is full: block (default), drop-oldest or drop-newest", 5 },
	{ "hangup", HANGUP, NULL, 0, "Fail with EPIPE when the last process of the other side is gone",
	  5 },
	{ "pool", POOL, "BYTES", 0, "Memory for messages that are received without a copy", 5 },
	{ "max-deliveries", DELIVERIES, "COUNT", 0,
	  "Deliveries of a message that is not acknowledged (at most 254; default: no bound)", 5 },
	{ "dead-letters", DEAD_LETTERS, "QUEUE", 0,
	  "Where a message goes after its last delivery (default: it is dropped)", 5 },
	{ 0 }
};

static int parse_region(int key, char *argument, struct argp_state *state, struct create *create)
{
	struct ipcshm_region_attr *attr = &create->region;

	switch (key) {
	case SIZE:
		attr->size = arg_bytes(state, argument, "--size", 0, IPCSHM_REGION_MAX);
		break;
	case MAX_SIZE:
		attr->max_size = arg_byte_capacity(state, argument, "--max-size");
		arg_check(state, attr->max_size == IPCSHM_UNBOUNDED ||
			  (attr->max_size && attr->max_size <= IPCSHM_REGION_MAX), argument,
			  "--max-size", "1 to 8T, or \"unbounded\"");
		break;
	case MAX_MEMBERS:
		attr->max_members = (uint32_t)arg_number(state, argument, "--max-members", 1,
							 IPCSHM_MEMBERS_MAX);
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
		attr->max_messages = arg_capacity(state, argument, "--capacity");
		break;
	case MESSAGE_SIZE:
		attr->max_message_size =
			arg_bytes(state, argument, "--max-message", 1, IPCSHM_MESSAGE_MAX);
		break;
	case BYTES:
		attr->max_bytes = arg_byte_capacity(state, argument, "--max-bytes");
		create->has_bytes = true;
		break;
	case OVERFLOW:
		overflow = number_of(overflow_names, argument, strlen(argument));
		arg_check(state, overflow >= 0, argument, "--overflow",
			  "block, drop-oldest or drop-newest");
		attr->overflow = (uint32_t)overflow;
		break;
	case HANGUP:
		create->flags |= IPCSHM_HANGUP;
		break;
	case POOL:
		attr->pool_bytes = arg_bytes(state, argument, "--pool", 1, IPCSHM_POOL_MAX);
		break;
	case DELIVERIES:
		attr->max_deliveries = (uint32_t)arg_number(state, argument, "--max-deliveries", 1,
							    IPCSHM_DELIVERIES_MAX);
		break;
	case DEAD_LETTERS:
		create->dead_letters = argument;
		create->flags |= IPCSHM_DEAD_LETTERS;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	create->kinds |= 1U << IPCSHM_QUEUE;
	return 0;
}

static void parse_create_argument(struct create *create, char *argument, struct argp_state *state)
{
	if (state->arg_num == 0) {
		int kind = number_of(kind_names, argument, strlen(argument));

		arg_check(state, kind > 0, argument, "kind", "region or queue");
		create->kind = (uint32_t)kind;
		return;
	}
	arg_check(state, !create->name, argument, "argument", "one object at a time");
	create->name = argument;
}

/* Values that are valid each, but not together. */
static void check_sizes(const struct create *create, struct argp_state *state)
{
	const struct ipcshm_region_attr *region = &create->region;
	const struct ipcshm_queue_attr *queue = &create->queue;

	if (!region->size && region->max_size != IPCSHM_UNBOUNDED)
		argp_error(state, "--size 0 needs --max-size unbounded");
	if (region->max_size && region->max_size < region->size)
		argp_error(state, "--max-size is smaller than --size");
	if (queue->pool_bytes && queue->pool_bytes < queue->max_message_size)
		argp_error(state, "--pool is smaller than --max-message");
	if (!queue->max_messages && queue->overflow == IPCSHM_OVERFLOW_DROP_OLDEST)
		argp_error(state, "--overflow drop-oldest needs a --capacity above 0");
	if (create->dead_letters && !queue->max_deliveries)
		argp_error(state, "--dead-letters needs --max-deliveries");
	if (create->dead_letters && queue->pool_bytes)
		argp_error(state, "--dead-letters and --pool exclude each other");
	if (!create->has_bytes)
		return;
	if (!queue->max_messages && queue->max_bytes)
		argp_error(state, "--capacity 0 keeps no bytes: leave out --max-bytes");
	if (queue->max_messages && queue->max_bytes < queue->max_message_size)
		argp_error(state, "--max-bytes is smaller than --max-message");
}

static error_t parse_create_option(int key, char *argument, struct argp_state *state)
{
	struct create *create = state->input;

	switch (key) {
	case 'm':
		arg_check(state, parse_mode(argument, &create->mode), argument, "--mode",
			  "octal, 0 to 0777");
		return 0;
	case 'e':
		create->existing = true;
		return 0;
	case 'j':
		create->json = true;
		return 0;
	case ARGP_KEY_ARG:
		parse_create_argument(create, argument, state);
		return 0;
	case ARGP_KEY_END:
		if (!create->name)
			argp_error(state, "missing kind or name (region NAME or queue NAME)");
		if (create->kinds & ~(1U << create->kind))
			argp_error(state, "an option does not apply to a %s (see --help)",
				   name_of(kind_names, create->kind));
		check_sizes(create, state);
		return 0;
	default:
		if (!parse_region(key, argument, state, create))
			return 0;
		return parse_queue(key, argument, state, create);
	}
}

/* Room for the largest messages, without the option --max-bytes. */
static void set_max_bytes(struct create *create)
{
	struct ipcshm_queue_attr *attr = &create->queue;

	if (create->has_bytes)
		return;
	if (__builtin_mul_overflow(attr->max_messages, attr->max_message_size, &attr->max_bytes))
		attr->max_bytes = IPCSHM_UNBOUNDED;
}

/*
 * The right decides how the new queue ends for others. With --hangup it must have had no sender,
 * so that receivers wait for the first one. Without, it must have had no receiver, so that callers
 * wait for the first one. An existing object may only be readable.
 */
static uint32_t right_to_create(const struct create *create)
{
	bool is_region = create->kind == IPCSHM_REGION;

	return is_region || create->existing || create->flags & IPCSHM_HANGUP ? IPCSHM_READ :
										 IPCSHM_WRITE;
}

static int open_object(int device, struct create *create)
{
	uint32_t flags = right_to_create(create) | IPCSHM_CREATE | IPCSHM_PERSISTENT |
			 create->flags | (create->existing ? 0 : IPCSHM_EXCLUSIVE);

	if (create->kind == IPCSHM_REGION)
		return ipcshm_region_open(device, create->name, flags, create->mode,
					  &create->region);
	set_max_bytes(create);
	return ipcshm_queue_open(device, create->name, flags, create->mode, &create->queue);
}

static void print_create_json(const struct create *create)
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

/* Bytes that the creator of a queue pays for, without the kernel's records: 0 if unbounded. */
static uint64_t count_paid_bytes(const struct ipcshm_queue_attr *attr)
{
	uint64_t bytes;

	if (attr->max_messages == IPCSHM_UNBOUNDED || attr->max_bytes == IPCSHM_UNBOUNDED)
		return 0;
	if (__builtin_mul_overflow(attr->max_messages, attr->max_message_size, &bytes))
		return attr->max_bytes;
	return bytes < attr->max_bytes ? bytes : attr->max_bytes;
}

static int report_create_failure(const struct create *create, int device, int err)
{
	bool is_region = create->kind == IPCSHM_REGION;
	const struct ipcshm_region_attr *region = &create->region;
	const struct quota_request request = {
		.objects = 1,
		.region_bytes = !is_region	   ? create->queue.pool_bytes
				: region->max_size && region->max_size != IPCSHM_UNBOUNDED
					? region->max_size
					: region->size,
		.queue_bytes = is_region ? 0 : count_paid_bytes(&create->queue),
	};
	const char *invalid = is_region ? ipcshm_region_invalid(region) :
					  ipcshm_queue_invalid(&create->queue);
	char hint[QUOTA_HINT_MAX];

	if (err == -EINVAL && invalid) {
		snprintf(hint, sizeof(hint), "the module refuses its %s", invalid);
		return error_print_errno("create", create->name, err, hint);
	}
	if (err == -EMSGSIZE && create->dead_letters)
		return error_print_errno("create", create->name, err,
					 "the --max-message of the queue of dead letters is smaller");
	if (err != -EDQUOT)
		return error_print_errno("create", create->name, err, NULL);
	quota_hint(device, &request, hint);
	return error_print_errno("create", create->name, err, hint);
}

int command_create(const struct command *self, int argc, char **argv)
{
	struct create create = {
		.mode = 0600,
		.region.size = 4096,
		.queue = { .max_messages = 64, .max_message_size = 8192 },
	};
	struct ipcshm_queue_attr dead_letters = { 0 };
	struct target target;
	int device, fd, status;

	command_parse(self, options, parse_create_option, argc, argv, &create);
	if (!parse_target(create.name, &target) || target.id || target.kind)
		return error_print("create", create.name, STATUS_USAGE, "not a name",
				   "1 to 255 bytes; \"/\" only as the first one");
	create.name = target.name;
	if (create.dead_letters) {
		status = open_queue("create", create.dead_letters, IPCSHM_WRITE, &dead_letters,
				    &create.queue.dead_letter_fd);
		if (status != STATUS_OK)
			return status;
	}
	device = ipcshm_open();
	if (device < 0)
		return error_open("create", create.name, device);
	fd = open_object(device, &create);
	if (fd < 0)
		return report_create_failure(&create, device, fd);
	if (create.json)
		print_create_json(&create);
	return STATUS_OK;
}
