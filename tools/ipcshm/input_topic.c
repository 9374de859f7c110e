// SPDX-License-Identifier: GPL-2.0-only
/* Topics among the regions. */
#include "input_topic.h"

#include <ipcshm-topic.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".samples"

static int compare_names(const void *left, const void *right)
{
	return strcmp(left, right);
}

void topics_note(struct topics *topics, const char *name)
{
	size_t length = strlen(name), suffix = strlen(SUFFIX);
	char *topic, **node;

	if (length <= suffix || strcmp(name + length - suffix, SUFFIX))
		return;
	topic = strndup(name, length - suffix);
	if (!topic)
		abort();
	node = tsearch(topic, &topics->names, compare_names);
	if (!node)
		abort();
	if (*node != topic)
		free(topic);
}

bool topics_have(const struct topics *topics, const char *name)
{
	return tfind(name, &topics->names, compare_names);
}

void topics_free(struct topics *topics)
{
	tdestroy(topics->names, free);
	topics->names = NULL;
}

static int open_readable(const char *name)
{
	int device = ipcshm_open(), region;

	if (device < 0)
		return device;
	region = ipcshm_region_open(device, name, IPCSHM_READ, 0, NULL);
	close(device);
	return region;
}

bool topic_inspect(struct object *object)
{
	struct topic *topic = &object->topic;
	struct ipcshm_topic_stat stat;
	int region, err;

	if (object->kind != IPCSHM_REGION || !object->name[0])
		return false;
	region = open_readable(object->name);
	if (region < 0)
		return false;
	err = ipcshm_topic_inspect(region, &stat, sizeof(stat));
	close(region);
	if (err)
		return false;
	*topic = (struct topic) {
		.max_sample_size = stat.attr.max_sample_size,
		.published = stat.published,
		.lag = stat.lag,
		.missed = stat.missed,
		.publishers = stat.publishers,
		.subscribers = stat.subscribers,
		.reliable = stat.reliable,
		.held = stat.held,
		.history = stat.attr.history,
		.type_version = stat.attr.type_version,
	};
	memcpy(topic->type, stat.attr.type, sizeof(topic->type));
	object->topic_has = TOPIC_ALL;
	if (!topic->type[0])
		object->topic_has &= ~(1ULL << TOPIC_TYPE | 1ULL << TOPIC_TYPE_VERSION);
	return true;
}

void topics_look(struct topics *topics, struct object *object)
{
	if (object->kind != IPCSHM_REGION || !object->name[0])
		return;
	topics_note(topics, object->name);
	if (topics_have(topics, object->name))
		topic_inspect(object);
}
