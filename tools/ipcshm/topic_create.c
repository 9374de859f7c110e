// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm topic create, ipcshm topic rm */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "error.h"
#include "parse.h"
#include "topic_command.h"
#include "topic_open.h"

enum { PUBLISHERS = 256, SUBSCRIBERS, MAX_HELD, MAX_LOANS, TYPE_VERSION };

struct create {
	const char *name;
	uint32_t mode;
	bool existing;
	struct ipcshm_topic_attr attr;
};

static const struct argp_option options[] = {
	{ "size", 's', "BYTES", 0, "Size of the largest sample (default 64K)", 0 },
	{ "history", 'i', "COUNT", 0, "Samples that it keeps (default 8)", 0 },
	{ "publishers", PUBLISHERS, "COUNT", 0, "Publishers at a time (default 4)", 0 },
	{ "subscribers", SUBSCRIBERS, "COUNT", 0, "Subscribers at a time (default 16)", 0 },
	{ "max-held", MAX_HELD, "COUNT", 0, "Samples that a subscriber can hold (default 4)", 0 },
	{ "max-loans", MAX_LOANS, "COUNT", 0, "Samples that a publisher can prepare (default 2)", 0 },
	{ "type", 't', "NAME", 0, "Name of the type of samples", 0 },
	{ "type-version", TYPE_VERSION, "NUMBER", 0, "Version of the type", 0 },
	{ "mode", 'm', "MODE", 0, "Permission bits, less the umask (default 0600)", 0 },
	{ "existing", 'e', NULL, 0, "Accept an existing topic of this type and size", 0 },
	{ 0 }
};

static error_t parse_topic_option(int key, char *argument, struct argp_state *state)
{
	struct create *create = state->input;
	struct ipcshm_topic_attr *attr = &create->attr;

	switch (key) {
	case 's':
		attr->max_sample_size = arg_bytes(state, argument, "--size", 1,
						  IPCSHM_TOPIC_SIZE_MAX);
		return 0;
	case 'i':
		attr->history = (uint32_t)arg_number(state, argument, "--history", 1,
						     IPCSHM_TOPIC_HISTORY_MAX);
		return 0;
	case PUBLISHERS:
		attr->publishers = (uint32_t)arg_number(state, argument, "--publishers", 1,
							IPCSHM_TOPIC_HANDLES_MAX);
		return 0;
	case SUBSCRIBERS:
		attr->subscribers = (uint32_t)arg_number(state, argument, "--subscribers", 1,
							 IPCSHM_TOPIC_HANDLES_MAX);
		return 0;
	case MAX_HELD:
		attr->max_held = (uint32_t)arg_number(state, argument, "--max-held", 1,
						      IPCSHM_TOPIC_HELD_MAX);
		return 0;
	case MAX_LOANS:
		attr->max_loans = (uint32_t)arg_number(state, argument, "--max-loans", 1,
						       IPCSHM_TOPIC_LOANS_MAX);
		return 0;
	case 't':
		arg_check(state, strlen(argument) <= IPCSHM_TOPIC_TYPE_MAX, argument, "--type",
			  "at most 63 bytes");
		strcpy(attr->type, argument);
		return 0;
	case TYPE_VERSION:
		attr->type_version = (uint32_t)arg_number(state, argument, "--type-version", 0,
							  UINT32_MAX);
		return 0;
	case 'm':
		arg_check(state, parse_mode(argument, &create->mode), argument, "--mode",
			  "octal, 0 to 0777");
		return 0;
	case 'e':
		create->existing = true;
		return 0;
	case ARGP_KEY_ARG:
		if (create->name)
			return ARGP_ERR_UNKNOWN;
		create->name = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing argument: a topic");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Two processes that create it at the same time can both succeed; the topic is the same. */
static bool topic_exists(int device, const char *name)
{
	int region = ipcshm_region_open(device, name, IPCSHM_READ, 0, NULL);

	if (region >= 0)
		close(region);
	return region != -ENOENT;
}

int topic_create(const struct command *self, int argc, char **argv)
{
	struct create create = { .mode = 0600, .attr.max_sample_size = 64 << 10 };
	struct ipcshm_topic topic;
	const char *name;
	int device, status;

	command_parse(self, options, parse_topic_option, argc, argv, &create);
	name = topic_parse_name(self->name, create.name);
	if (!name)
		return STATUS_USAGE;
	device = ipcshm_open();
	if (device < 0)
		return error_open(self->name, create.name, device);
	if (!create.existing && topic_exists(device, name))
		return error_print_errno(self->name, create.name, -EEXIST, NULL);
	close(device);
	status = topic_open(self->name, create.name, IPCSHM_PERSISTENT, create.mode, &create.attr,
			    &topic, &device);
	if (status)
		return status;
	ipcshm_topic_close(&topic);
	return STATUS_OK;
}

/* A region that is something else; one that may not be read could be a topic. */
static bool is_no_topic(int device, const char *name)
{
	int region = ipcshm_region_open(device, name, IPCSHM_READ, 0, NULL);
	struct ipcshm_topic_stat stat;
	int err;

	if (region < 0)
		return false;
	err = ipcshm_topic_inspect(region, &stat, sizeof(stat));
	close(region);
	return err == -EPROTO;
}

/* The control region first: without it there is no topic. */
static int remove_topic(int device, const char *action, const char *word)
{
	const char *name = topic_parse_name(action, word);
	char samples[IPCSHM_NAME_MAX + sizeof(".samples")];
	int err;

	if (!name)
		return STATUS_USAGE;
	if (is_no_topic(device, name))
		return error_print(action, word, STATUS_FAILED, "not a topic",
				   "\"ipcshm rm\" removes other regions");
	err = ipcshm_unlink(device, IPCSHM_REGION, name);
	if (err == -ENOENT)
		return error_print(action, word, STATUS_NOT_FOUND, "no such topic",
				   "\"ipcshm list --topic\" prints those you may see");
	snprintf(samples, sizeof(samples), "%s.samples", name);
	if (!err)
		err = ipcshm_unlink(device, IPCSHM_REGION, samples);
	return err && err != -ENOENT ? error_print_errno(action, word, err, NULL) : STATUS_OK;
}

int topic_rm(const struct command *self, int argc, char **argv)
{
	int device, failed = STATUS_OK;
	char **words;

	command_parse(self, NULL, command_parse_objects, argc, argv, &words);
	device = ipcshm_open();
	if (device < 0)
		return error_open(self->name, *words, device);
	for (; *words; words++) {
		int status = remove_topic(device, self->name, *words);

		if (status)
			failed = status;
	}
	return failed;
}
