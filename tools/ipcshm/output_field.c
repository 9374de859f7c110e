// SPDX-License-Identifier: GPL-2.0-only
/* The fields of the kernel's answers, and their text. */
#include "output_field.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "input_clock.h"
#include "input_user.h"
#include "names.h"
#include "object.h"
#include "output_format.h"
#include "output_json.h"

#define FIELD(structure, member, name_, heading_, unit_, nest_, attribute_) {	\
	.name = (name_), .heading = (heading_), .unit = (unit_), .nest = (nest_), \
	.attribute = (attribute_), .offset = offsetof(struct structure, member),	\
	.size = sizeof(((struct structure *)0)->member) }

#define OBJECT(member, name, heading, unit, attribute) \
	FIELD(object, member, name, heading, unit, NEST_NONE, IPCSHM_A_OBJECT_##attribute)
#define REGION(member, heading, unit, attribute) \
	FIELD(object, region.member, #member, heading, unit, NEST_REGION, \
	      IPCSHM_A_REGION_##attribute)
#define QUEUE_AS(member, name, heading, unit, attribute) \
	FIELD(object, queue.member, name, heading, unit, NEST_QUEUE, IPCSHM_A_QUEUE_##attribute)
#define QUEUE(member, heading, unit, attribute) \
	QUEUE_AS(member, #member, heading, unit, attribute)

#define TOPIC(member, name, heading, unit, attribute) \
	FIELD(object, topic.member, name, heading, unit, NEST_TOPIC, TOPIC_##attribute)

const struct field object_fields[] = {
	OBJECT(id, "id", "ID", UNIT_COUNT, ID),
	OBJECT(kind, "kind", "KIND", UNIT_KIND, KIND),
	OBJECT(name, "name", "NAME", UNIT_NAME, NAME),
	OBJECT(uid, "uid", "OWNER", UNIT_USER, UID),
	OBJECT(gid, "gid", "GROUP", UNIT_GROUP, GID),
	OBJECT(mode, "mode", "MODE", UNIT_MODE, MODE),
	OBJECT(flags, "flags", "FLAGS", UNIT_FLAGS, FLAGS),
	OBJECT(opens, "opens", "OPENS", UNIT_COUNT, OPENS),
	OBJECT(btime, "created", "CREATED", UNIT_TIME, BTIME),
	REGION(size, "SIZE", UNIT_BYTES, SIZE),
	REGION(max_size, "MAX-SIZE", UNIT_BYTE_CAPACITY, MAX_SIZE),
	REGION(allocated, "ALLOCATED", UNIT_BYTES, ALLOCATED),
	REGION(members, "MEMBERS", UNIT_COUNT, MEMBERS),
	REGION(max_members, "MAX-MEMBERS", UNIT_COUNT, MAX_MEMBERS),
	REGION(joins, "JOINS", UNIT_COUNT, JOINS),
	REGION(deaths, "DEATHS", UNIT_COUNT, DEATHS),
	REGION(waiters, "WAITERS", UNIT_COUNT, WAITERS),
	REGION_GENERATED
	TOPIC(type, "type", "TYPE", UNIT_NAME, TYPE),
	TOPIC(type_version, "type_version", "TYPE-VERSION", UNIT_COUNT, TYPE_VERSION),
	TOPIC(publishers, "publishers", "PUBLISHERS", UNIT_COUNT, PUBLISHERS),
	TOPIC(subscribers, "subscribers", "SUBSCRIBERS", UNIT_COUNT, SUBSCRIBERS),
	TOPIC(reliable, "reliable", "RELIABLE", UNIT_COUNT, RELIABLE),
	TOPIC(published, "published", "PUBLISHED", UNIT_COUNT, PUBLISHED),
	TOPIC(lag, "samples_behind", "BEHIND", UNIT_COUNT, LAG),
	TOPIC(missed, "missed", "MISSED", UNIT_COUNT, MISSED),
	TOPIC(held, "samples_held", "SAMPLES-HELD", UNIT_COUNT, HELD),
	TOPIC(history, "history", "HISTORY", UNIT_COUNT, HISTORY),
	TOPIC(max_sample_size, "max_sample_size", "MAX-SAMPLE", UNIT_BYTES, MAX_SAMPLE_SIZE),
	QUEUE(messages, "DEPTH", UNIT_COUNT, MESSAGES),
	QUEUE(max_messages, "CAPACITY", UNIT_CAPACITY, MAX_MESSAGES),
	QUEUE(peak_messages, "PEAK", UNIT_COUNT, PEAK_MESSAGES),
	QUEUE(bytes, "BYTES", UNIT_BYTES, BYTES),
	QUEUE(max_bytes, "MAX-BYTES", UNIT_BYTE_CAPACITY, MAX_BYTES),
	QUEUE(peak_bytes, "PEAK-BYTES", UNIT_BYTES, PEAK_BYTES),
	QUEUE(max_message_size, "MAX-MESSAGE", UNIT_BYTES, MAX_MESSAGE_SIZE),
	QUEUE(overflow, "OVERFLOW", UNIT_OVERFLOW, OVERFLOW),
	QUEUE(writers, "WRITERS", UNIT_COUNT, WRITERS),
	QUEUE(readers, "READERS", UNIT_COUNT, READERS),
	QUEUE(senders, "SENDERS", UNIT_COUNT, SENDERS),
	QUEUE(receivers, "RECEIVERS", UNIT_COUNT, RECEIVERS),
	QUEUE_AS(next_time, "lag", "LAG", UNIT_SINCE, NEXT_TIME),
	QUEUE_AS(blocked_time, "blocked", "BLOCKED", UNIT_SINCE, BLOCKED_TIME),
	QUEUE(sent, "SENT", UNIT_COUNT, SENT),
	QUEUE(received, "RECEIVED", UNIT_COUNT, RECEIVED),
	QUEUE(dropped, "DROPPED", UNIT_COUNT, DROPPED),
	QUEUE(calls, "CALLS", UNIT_COUNT, CALLS),
	QUEUE(pool_bytes, "POOL", UNIT_BYTES, POOL_BYTES),
	QUEUE(pool_used, "POOL-USED", UNIT_BYTES, POOL_USED),
	QUEUE(held, "HELD", UNIT_COUNT, HELD),
	QUEUE_GENERATED
	{ .name = NULL }
};

const struct field rate_fields[] = {
	FIELD(object, rates.send, "send_rate", "SEND", UNIT_RATE, NEST_QUEUE, 0),
	FIELD(object, rates.receive, "receive_rate", "RECEIVE", UNIT_RATE, NEST_QUEUE, 0),
	FIELD(object, topic.publish_rate, "publish_rate", "PUBLISH", UNIT_RATE, NEST_TOPIC,
	      TOPIC_PUBLISH_RATE),
	{ .name = NULL }
};

#define MEMBER(member_, heading, unit, attribute) \
	FIELD(member, member_, #member_, heading, unit, NEST_NONE, IPCSHM_A_MEMBER_##attribute)

const struct field member_fields[] = {
	MEMBER(region, "REGION", UNIT_COUNT, REGION),
	MEMBER(token, "TOKEN", UNIT_COUNT, TOKEN),
	MEMBER(pid, "PID", UNIT_COUNT, PID),
	MEMBER(uid, "USER", UNIT_USER, UID),
	MEMBER(maps, "MAPS", UNIT_COUNT, MAPS),
	MEMBER(joined, "JOINED", UNIT_TIME, JOINED),
	{ .name = NULL }
};

#define HOLDER(member, heading, unit, attribute) \
	FIELD(holder, member, #member, heading, unit, NEST_NONE, HOLDER_##attribute)

const struct field holder_fields[] = {
	HOLDER(id, "ID", UNIT_COUNT, ID),
	HOLDER(kind, "KIND", UNIT_HOLDER_KIND, KIND),
	HOLDER(name, "NAME", UNIT_NAME, NAME),
	HOLDER(pid, "PID", UNIT_COUNT, PID),
	HOLDER(uid, "USER", UNIT_USER, UID),
	HOLDER(fd, "FD", UNIT_COUNT, FD),
	HOLDER(access, "ACCESS", UNIT_ACCESS, ACCESS),
	HOLDER(maps, "MAPS", UNIT_COUNT, MAPS),
	HOLDER(held, "HELD", UNIT_COUNT, HELD),
	HOLDER(calls, "CALLS", UNIT_COUNT, CALLS),
	HOLDER(process, "PROCESS", UNIT_NAME, PROCESS),
	{ .name = NULL }
};

#define EVENT(member, name, heading, unit, attribute) \
	FIELD(event, member, name, heading, unit, NEST_NONE, IPCSHM_A_NOTIFY_##attribute)

const struct field event_fields[] = {
	EVENT(seq, "seq", "SEQ", UNIT_COUNT, SEQ),
	EVENT(time, "time", "TIME", UNIT_TIME, TIME),
	EVENT(type, "event", "EVENT", UNIT_EVENT, TYPE),
	EVENT(kind, "kind", "KIND", UNIT_KIND, KIND),
	EVENT(id, "id", "ID", UNIT_COUNT, ID),
	EVENT(name, "name", "NAME", UNIT_NAME, NAME),
	EVENT(pid, "pid", "PID", UNIT_COUNT, PID),
	EVENT(uid, "uid", "USER", UNIT_USER, UID),
	EVENT(token, "token", "TOKEN", UNIT_COUNT, TOKEN),
	EVENT(end, "end", "END", UNIT_END, END),
	EVENT(code, "code", "CODE", UNIT_COUNT, CODE),
	EVENT(messages, "messages", "MESSAGES", UNIT_COUNT, MESSAGES),
	EVENT(quota, "quota", "QUOTA", UNIT_QUOTA, QUOTA),
	EVENT(amount, "amount", "AMOUNT", UNIT_COUNT, AMOUNT),
	{ .name = NULL }
};

const struct field *field_find(const struct field *fields, const char *name, size_t length)
{
	for (; fields->name; fields++)
		if (strlen(fields->name) == length && !strncmp(fields->name, name, length))
			return fields;
	return NULL;
}

uint64_t field_number(const struct field *field, const void *record)
{
	const char *at = (const char *)record + field->offset;
	uint64_t number = 0;
	uint32_t small;

	if (field->size == sizeof(number)) {
		memcpy(&number, at, sizeof(number));
	} else if (field->size == sizeof(small)) {
		memcpy(&small, at, sizeof(small));
		number = small;
	}
	return number;
}

/* "has" is the first of all records; "kind_has" and "topic_has" follow it. */
bool field_is_set(const struct field *field, const void *record)
{
	static const size_t places[] = { [NEST_REGION] = 1, [NEST_QUEUE] = 1, [NEST_TOPIC] = 2 };
	uint64_t has;

	memcpy(&has, (const uint64_t *)record + places[field->nest], sizeof(has));
	return has >> field->attribute & 1;
}

bool field_applies(const struct field *field, const void *record)
{
	const struct object *object = record;

	switch (field->nest) {
	case NEST_REGION:
		return object->kind == IPCSHM_REGION;
	case NEST_QUEUE:
		return object->kind == IPCSHM_QUEUE;
	case NEST_TOPIC:
		return object->topic_has;
	default:
		return true;
	}
}

static bool has_value(const struct field *field, const void *record)
{
	return field_applies(field, record) && field_is_set(field, record);
}

/* How each unit looks, for people. */

static void write_count(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%" PRIu64, number);
}

static void write_capacity(uint64_t number, char *text)
{
	if (number == IPCSHM_UNBOUNDED)
		snprintf(text, FORMAT_MAX, "unbounded");
	else
		write_count(number, text);
}

static void write_bytes(uint64_t number, char *text)
{
	if (number == IPCSHM_UNBOUNDED)
		snprintf(text, FORMAT_MAX, "unbounded");
	else
		format_bytes(number, text);
}

static void write_rate(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%" PRIu64 "/s", number);
}

static void write_since(uint64_t number, char *text)
{
	format_duration(clock_since(number), text);
}

static void write_kind(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%s", name_of(kind_names, number));
}

static void write_holder_kind(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%s", name_of(holder_kind_names, number));
}

static void write_user(uint64_t number, char *text)
{
	user_text((uint32_t)number, text);
}

static void write_group(uint64_t number, char *text)
{
	group_text((uint32_t)number, text);
}

static void write_mode(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%04" PRIo64, number);
}

static void write_flags(uint64_t number, char *text)
{
	size_t length = 0;

	*text = '\0';
	for (unsigned int bit = 0; flag_names[bit]; bit++)
		if (number >> bit & 1)
			length += (size_t)snprintf(text + length, FORMAT_MAX - length, "%s%s",
						   length ? "," : "", flag_names[bit]);
}

static void write_access(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%s", name_of(access_names, number));
}

static void write_overflow(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%s", name_of(overflow_names, number));
}

static void write_event(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%s", name_of(event_names, number));
}

static void write_end(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%s", name_of(end_names, number));
}

static void write_quota(uint64_t number, char *text)
{
	snprintf(text, FORMAT_MAX, "%s", name_of(quota_names, number));
}

/* And for scripts: what isn't a number there is its text. */

static void add_number(uint64_t number, struct json *json)
{
	json_number(json, number);
}

static void add_capacity(uint64_t number, struct json *json)
{
	if (number == IPCSHM_UNBOUNDED)
		json_null(json);
	else
		json_number(json, number);
}

static void add_since(uint64_t number, struct json *json)
{
	json_number(json, clock_since(number));
}

static void add_time(uint64_t number, struct json *json)
{
	char text[FORMAT_MAX];

	format_timestamp(number, text);
	json_string(json, text);
}

static void add_flags(uint64_t number, struct json *json)
{
	json_open(json, '[');
	for (unsigned int bit = 0; flag_names[bit]; bit++)
		if (number >> bit & 1)
			json_string(json, flag_names[bit]);
	json_close(json, ']');
}

static const struct {
	void (*text)(uint64_t number, char *text);
	void (*json)(uint64_t number, struct json *json);
	bool right;
} units[] = {
	[UNIT_COUNT] = { write_count, add_number, true },
	[UNIT_CAPACITY] = { write_capacity, add_capacity, true },
	[UNIT_BYTES] = { write_bytes, add_number, true },
	[UNIT_BYTE_CAPACITY] = { write_bytes, add_capacity, true },
	[UNIT_RATE] = { write_rate, add_number, true },
	[UNIT_SINCE] = { write_since, add_since, true },
	[UNIT_TIME] = { format_time, add_time, false },
	[UNIT_KIND] = { write_kind, NULL, false },
	[UNIT_HOLDER_KIND] = { write_holder_kind, NULL, false },
	[UNIT_USER] = { write_user, add_number, false },
	[UNIT_GROUP] = { write_group, add_number, false },
	[UNIT_MODE] = { write_mode, NULL, false },
	[UNIT_FLAGS] = { write_flags, add_flags, false },
	[UNIT_ACCESS] = { write_access, NULL, false },
	[UNIT_OVERFLOW] = { write_overflow, NULL, false },
	[UNIT_EVENT] = { write_event, NULL, false },
	[UNIT_END] = { write_end, NULL, false },
	[UNIT_QUOTA] = { write_quota, NULL, false },
};

bool field_is_number(const struct field *field)
{
	return field->unit != UNIT_NAME && units[field->unit].right;
}

void field_text(const struct field *field, const void *record, char text[FIELD_TEXT_MAX])
{
	const char *name = (const char *)record + field->offset;

	if (!has_value(field, record))
		snprintf(text, FIELD_TEXT_MAX, "-");
	else if (field->unit == UNIT_NAME)
		format_name(name, strnlen(name, field->size), text);
	else
		units[field->unit].text(field_number(field, record), text);
}

void field_json(const struct field *field, const void *record, struct json *json)
{
	const char *name = (const char *)record + field->offset;
	char text[FIELD_TEXT_MAX];

	if (!has_value(field, record)) {
		json_null(json);
	} else if (field->unit == UNIT_NAME) {
		json_text(json, name, strnlen(name, field->size));
	} else if (units[field->unit].json) {
		units[field->unit].json(field_number(field, record), json);
	} else {
		units[field->unit].text(field_number(field, record), text);
		json_string(json, text);
	}
}

void fields_json(const struct field *fields, const void *record, bool sparse, struct json *json)
{
	for (; fields->name; fields++) {
		if (!field_applies(fields, record) || (sparse && !field_is_set(fields, record)))
			continue;
		json_key(json, fields->name);
		field_json(fields, record, json);
	}
}
