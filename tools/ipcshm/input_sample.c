// SPDX-License-Identifier: GPL-2.0-only
/* Samples: all objects at a point in time. */
#include "input_sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input_clock.h"

static int add_object(const struct object *object, void *data)
{
	struct sample *sample = data;

	if (sample->count == sample->room) {
		size_t room = sample->room ? 2 * sample->room : 64;
		struct object *objects = reallocarray(sample->objects, room, sizeof(*objects));

		if (!objects)
			return -ENOMEM;
		sample->objects = objects;
		sample->room = room;
	}
	sample->objects[sample->count] = *object;
	topics_look(&sample->topics, &sample->objects[sample->count]);
	if (!sample->only_topics || sample->objects[sample->count].topic_has)
		sample->count++;
	return 0;
}

int sample_take(struct sample *sample, struct netlink *netlink, const struct filter *filter)
{
	int err;

	sample->count = 0;
	sample->time = clock_monotonic();
	err = netlink_objects(netlink, filter, add_object, sample);
	topics_free(&sample->topics);
	return err;
}

static uint64_t compute_rate(uint64_t count, uint64_t before, uint64_t nanoseconds)
{
	return (uint64_t)((double)(count - before) * 1e9 / (double)nanoseconds + 0.5);
}

static void set_rates(struct object *object, const struct object *before, uint64_t nanoseconds)
{
	const struct queue *queue = &object->queue;

	if (!nanoseconds)
		return;
	if (object->topic_has && before->topic_has) {
		object->topic.publish_rate = compute_rate(object->topic.published,
							  before->topic.published, nanoseconds);
		object->topic_has |= 1ULL << TOPIC_PUBLISH_RATE;
	}
	if (object->kind != IPCSHM_QUEUE)
		return;
	object->rates.send = compute_rate(queue->sent, before->queue.sent, nanoseconds);
	object->rates.receive = compute_rate(queue->received, before->queue.received,
					     nanoseconds);
	object->kind_has |= 1; /* attribute 0: ours */
}

/* Both are in the order of their numbers, which are never used again. */
void sample_rate(struct sample *sample, const struct sample *before)
{
	uint64_t nanoseconds = before->time ? sample->time - before->time : 0;
	size_t j = 0;

	for (size_t i = 0; i < sample->count; i++) {
		while (j < before->count && before->objects[j].id < sample->objects[i].id)
			j++;
		if (j < before->count && before->objects[j].id == sample->objects[i].id)
			set_rates(&sample->objects[i], &before->objects[j], nanoseconds);
	}
}

struct order {
	const struct field *field;
	bool reverse;
};

/* Since long ago is more than since a moment ago. */
static int compare_values(const struct field *field, const struct object *a, const struct object *b)
{
	uint64_t x, y;
	int result;

	if (field->unit == UNIT_NAME)
		return strcmp(a->name, b->name);
	x = field_number(field, a);
	y = field_number(field, b);
	result = (x < y) - (x > y);
	return field->unit == UNIT_SINCE ? -result : result;
}

static int compare_objects(const void *left, const void *right, void *data)
{
	const struct object *a = *(const struct object *const *)left;
	const struct object *b = *(const struct object *const *)right;
	const struct order *order = data;
	bool has_a = field_applies(order->field, a) && field_is_set(order->field, a);
	bool has_b = field_applies(order->field, b) && field_is_set(order->field, b);
	int result = 0;

	if (has_a != has_b)
		return has_b - has_a;
	if (has_a)
		result = compare_values(order->field, a, b);
	if (order->reverse)
		result = -result;
	/* The same order each time, so that rows don't dance. */
	return result ? result : (a->id > b->id) - (a->id < b->id);
}

void sample_sort(const struct object **objects, size_t count, const struct field *field,
		 bool reverse)
{
	struct order order = { field, reverse };

	if (count)
		qsort_r(objects, count, sizeof(void *), compare_objects, &order);
}
