// SPDX-License-Identifier: GPL-2.0-only
/* Opening a topic by its name. */
#include "topic_open.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "error.h"
#include "output_format.h"
#include "parse.h"

/* How long another process may take to initialize the topic. */
#define PATIENCE 10000000000ULL /* nanoseconds */

const char *topic_parse_name(const char *action, const char *word)
{
	struct target target;

	if (parse_target(word, &target) && !target.id && target.kind != IPCSHM_QUEUE)
		return target.name;
	error_print(action, word, STATUS_USAGE, "not the name of a topic", "write NAME");
	return NULL;
}

static int report_open_failure(const char *action, const char *word,
			       const struct ipcshm_topic_attr *attr, int err)
{
	char hint[160], size[FORMAT_MAX];

	switch (err) {
	case -ENOENT:
		return error_print(action, word, STATUS_NOT_FOUND, "no such topic",
				   "\"ipcshm list --topic\" prints those you may see");
	case -EPROTO:
		return error_print(action, word, STATUS_FAILED, "not a topic",
				   "the region of this name was created by something else");
	case -EPROTOTYPE:
		format_bytes(attr->max_sample_size, size);
		snprintf(hint, sizeof(hint), "it has type \"%s\", version %" PRIu32
			 ", samples of at most %s", attr->type, attr->type_version, size);
		return error_print(action, word, STATUS_FAILED, "the topic has another type", hint);
	}
	return error_print_errno(action, word, err, NULL);
}

int topic_open(const char *action, const char *word, uint32_t flags, mode_t mode,
	       struct ipcshm_topic_attr *attr, struct ipcshm_topic *topic, int *device)
{
	const char *name = topic_parse_name(action, word);
	int err;

	if (!name)
		return STATUS_USAGE;
	*device = ipcshm_open();
	if (*device < 0)
		return error_open(action, word, *device);
	err = ipcshm_topic_open(topic, *device, name, flags, mode, attr, ipcshm_deadline(PATIENCE));
	if (!err)
		return STATUS_OK;
	close(*device);
	return report_open_failure(action, word, attr, err);
}
