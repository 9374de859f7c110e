// SPDX-License-Identifier: GPL-2.0-only
/* Objects as rows of a table. */
#include "output_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "input_clock.h"
#include "output_format.h"

static const uint64_t stuck_after = 1000000000; /* nanoseconds */

static const struct column state_column = { "STATE", false };

/* Those that fit in 80 columns of a terminal, with names of some length. */
const char *view_default(uint32_t kind)
{
	switch (kind) {
	case IPCSHM_REGION:
		return "id,name,uid,mode,size,allocated,members,deaths,waiters";
	case IPCSHM_QUEUE:
		return "id,name,uid,messages,max_messages,peak_messages,lag,blocked,dropped";
	default:
		return "id,kind,name,uid,mode,opens,state";
	}
}

const char *view_default_of_topics(void)
{
	return "id,name,type,uid,mode,publishers,subscribers,published,samples_behind,missed";
}

static bool add_column(struct view *view, const char *name, size_t length)
{
	const struct field *field = field_find(object_fields, name, length);
	bool is_state = length == 5 && !strncmp(name, "state", length);

	if (!field && view->rates)
		field = field_find(rate_fields, name, length);
	if ((!field && !is_state) || view->count == VIEW_COLUMNS_MAX)
		return false;
	view->fields[view->count] = field;
	view->columns[view->count] =
		field ? (struct column){ field->heading, field_is_number(field) } : state_column;
	view->count++;
	return true;
}

bool view_parse(struct view *view, const char *names)
{
	view->count = 0;
	for (;;) {
		size_t length = strcspn(names, ",");

		if (!add_column(view, names, length))
			return false;
		if (!names[length])
			return true;
		names += length + 1;
	}
}

/* Sentences: parts with commas between them. */

static char *begin_part(char *text)
{
	size_t length = strlen(text);

	if (length)
		length += (size_t)snprintf(text + length, FIELD_TEXT_MAX - length, ", ");
	return text + length;
}

#define add_part(text, ...)                                                                        \
	do {                                                                                       \
		char *at = begin_part(text);                                                       \
                                                                                                   \
		snprintf(at, (size_t)((text) + FIELD_TEXT_MAX - at), __VA_ARGS__);                 \
	} while (0)

static void add_field(const char *prefix, const char *name, const struct object *object, char *text)
{
	const struct field *field = field_find(object_fields, name, strlen(name));
	char value[FIELD_TEXT_MAX];

	if (!field_is_set(field, object))
		return;
	field_text(field, object, value);
	add_part(text, "%s%.40s", prefix, value);
}

static void write_topic_state(const struct topic *topic, char *text)
{
	char type[4 * sizeof(topic->type) + 1];

	format_name(topic->type, strnlen(topic->type, sizeof(topic->type)), type);
	add_part(text, "topic%s%s", *type ? " of " : "", type);
	add_part(text, "%" PRIu32 " publisher%s", topic->publishers,
		 format_plural(topic->publishers));
	add_part(text, "%" PRIu32 " subscriber%s", topic->subscribers,
		 format_plural(topic->subscribers));
	if (topic->lag)
		add_part(text, "%" PRIu64 " behind", topic->lag);
	if (topic->missed)
		add_part(text, "%" PRIu64 " missed", topic->missed);
}

static void write_region_state(const struct object *object, char *text)
{
	const struct region *region = &object->region;
	char size[FORMAT_MAX];

	format_bytes(region->size, size);
	add_part(text, "%s", size);
	add_part(text, "%" PRIu32 " member%s", region->members, format_plural(region->members));
	if (region->waiters)
		add_part(text, "%" PRIu32 " waiting", region->waiters);
	if (region->deaths)
		add_part(text, "%" PRIu32 " died", region->deaths);
}

static void write_depth(const struct queue *queue, char *text)
{
	if (queue->max_messages == IPCSHM_UNBOUNDED)
		add_part(text, "%" PRIu64 " message%s", queue->messages,
			 format_plural(queue->messages));
	else if (queue->max_messages)
		add_part(text, "%" PRIu64 " of %" PRIu64 " messages", queue->messages,
			 queue->max_messages);
	else
		add_part(text, "rendezvous");
}

static void write_queue_state(const struct object *object, char *text)
{
	const struct queue *queue = &object->queue;

	write_depth(queue, text);
	if (queue->messages)
		add_field("lag ", "lag", object, text);
	if (queue->senders) {
		add_part(text, "%" PRIu64 " sender%s blocked", queue->senders,
			 format_plural(queue->senders));
		add_field("for ", "blocked", object, text);
	}
	if (queue->receivers)
		add_part(text, "%" PRIu64 " receiver%s waiting", queue->receivers,
			 format_plural(queue->receivers));
	if (queue->calls)
		add_part(text, "%" PRIu64 " call%s", queue->calls, format_plural(queue->calls));
	if (queue->held)
		add_part(text, "%" PRIu64 " held", queue->held);
	if (queue->unacknowledged)
		add_part(text, "%" PRIu64 " unacknowledged", queue->unacknowledged);
	if (queue->dropped)
		add_part(text, "%" PRIu64 " dropped", queue->dropped);
	if (queue->dead_letters)
		add_part(text, "%" PRIu64 " dead letter%s", queue->dead_letters,
			 format_plural(queue->dead_letters));
}

void view_state(const struct object *object, char text[FIELD_TEXT_MAX])
{
	*text = '\0';
	if (object->flags & IPCSHM_STAT_REVOKED)
		add_part(text, "revoked");
	else if (object->topic_has)
		write_topic_state(&object->topic, text);
	else if (object->kind == IPCSHM_REGION)
		write_region_state(object, text);
	else if (object->kind == IPCSHM_QUEUE)
		write_queue_state(object, text);
}

void view_text(const struct view *view, size_t column, const struct object *object,
	       char text[FIELD_TEXT_MAX])
{
	if (view->fields[column])
		field_text(view->fields[column], object, text);
	else
		view_state(object, text);
}

static bool is_stuck(const struct queue *queue)
{
	uint64_t then = clock_monotonic() - stuck_after;

	return (queue->next_time && queue->next_time < then) ||
	       (queue->blocked_time && queue->blocked_time < then);
}

bool view_alarms(const struct view *view, size_t column, const struct object *object)
{
	const struct field *field = view->fields[column];

	if (object->kind != IPCSHM_QUEUE)
		return false;
	if (!field)
		return is_stuck(&object->queue);
	if (field->unit == UNIT_SINCE)
		return is_stuck(&object->queue) && field_is_set(field, object);
	return field->attribute == IPCSHM_A_QUEUE_DROPPED && field->nest == NEST_QUEUE &&
	       object->queue.dropped;
}
