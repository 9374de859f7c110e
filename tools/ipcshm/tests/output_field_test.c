// SPDX-License-Identifier: GPL-2.0-only
/* Fields, views and samples: text and JSON of the kernel's answers. */
#include "kselftest_harness.h"

#include <time.h>

#include "input_sample.h"
#include "object.h"
#include "output_field.h"
#include "output_json.h"
#include "output_view.h"

static uint64_t time_ago(uint64_t nanoseconds)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec - nanoseconds;
}

static struct object make_queue(uint64_t id)
{
	return (struct object){
		.has = 0xfff,
		.kind_has = ~1ULL,
		.id = id,
		.kind = IPCSHM_QUEUE,
		.name = "jobs",
		.mode = 0640,
		.queue = { .max_messages = 64, .max_bytes = IPCSHM_UNBOUNDED },
	};
}

static const struct field *find_object_field(const char *name)
{
	return field_find(object_fields, name, strlen(name));
}

static void text_of(const struct object *object, const char *name, char *text)
{
	field_text(find_object_field(name), object, text);
}

static const char *json_of(const struct field *fields, const void *record, bool sparse)
{
	static char text[4096];
	struct json json = { .to = fmemopen(text, sizeof(text), "w") };

	fields_json(fields, record, sparse, &json);
	json_line(&json);
	fclose(json.to);
	return text;
}

#define EXPECT_FIELD(expected, object, name)                                                       \
	do {                                                                                       \
		char text[FIELD_TEXT_MAX];                                                         \
                                                                                                   \
		text_of(&(object), name, text);                                                    \
		EXPECT_STREQ(expected, text);                                                      \
	} while (0)

TEST(fields_fit_their_masks)
{
	for (const struct field *field = object_fields; field->name; field++) {
		EXPECT_LT(0, field->attribute);
		EXPECT_GT(64, field->attribute);
		EXPECT_EQ(field, find_object_field(field->name));
	}
}

TEST(a_field_shows_its_unit)
{
	struct object object = make_queue(3);

	object.flags = IPCSHM_STAT_NAMED | IPCSHM_STAT_PERSISTENT;
	object.queue.bytes = 1536;
	object.queue.overflow = IPCSHM_OVERFLOW_DROP_OLDEST;
	EXPECT_FIELD("3", object, "id");
	EXPECT_FIELD("queue", object, "kind");
	EXPECT_FIELD("0640", object, "mode");
	EXPECT_FIELD("named,persistent", object, "flags");
	EXPECT_FIELD("1.5 KiB", object, "bytes");
	EXPECT_FIELD("64", object, "max_messages");
	EXPECT_FIELD("unbounded", object, "max_bytes");
	EXPECT_FIELD("drop-oldest", object, "overflow");
}

TEST(what_is_not_there_is_a_dash_and_null)
{
	struct object object = make_queue(3);

	object.kind_has &= ~(1ULL << IPCSHM_A_QUEUE_NEXT_TIME);
	object.has &= ~(1ULL << IPCSHM_A_OBJECT_NAME);
	EXPECT_FIELD("-", object, "lag");
	EXPECT_FIELD("-", object, "name");
	EXPECT_FIELD("-", object, "members");
	EXPECT_TRUE(strstr(json_of(object_fields, &object, false), "\"lag\":null,"));
	EXPECT_TRUE(strstr(json_of(object_fields, &object, false), "\"max_bytes\":null,"));
	EXPECT_FALSE(strstr(json_of(object_fields, &object, true), "\"lag\""));
}

TEST(json_has_what_the_kind_has)
{
	struct object object = make_queue(3);

	EXPECT_TRUE(strstr(json_of(object_fields, &object, false), "\"messages\":0,"));
	EXPECT_FALSE(strstr(json_of(object_fields, &object, false), "\"members\""));
	object.kind = IPCSHM_REGION;
	EXPECT_FALSE(strstr(json_of(object_fields, &object, false), "\"messages\""));
	EXPECT_TRUE(strstr(json_of(object_fields, &object, false), "\"members\":0,"));
}

TEST(events_have_only_what_they_tell)
{
	struct event event = { .has = 1ULL << IPCSHM_A_NOTIFY_SEQ | 1ULL << IPCSHM_A_NOTIFY_TYPE,
			       .seq = 5,
			       .type = IPCSHM_NOTIFY_TYPE_QUOTA };

	EXPECT_STREQ("\"seq\":5,\"event\":\"quota\"\n", json_of(event_fields, &event, true));
}

TEST(a_state_says_what_is_stuck)
{
	struct object object = make_queue(3);
	char text[FIELD_TEXT_MAX];
	struct view view = { .rates = false };

	ASSERT_TRUE(view_parse(&view, "state"));
	object.queue.messages = 64;
	object.queue.senders = 2;
	object.queue.next_time = time_ago(5000000000);
	object.queue.blocked_time = time_ago(3000000000);
	view_state(&object, text);
	EXPECT_STREQ("64 of 64 messages, lag 5 s, 2 senders blocked, for 3 s", text);
	EXPECT_TRUE(view_alarms(&view, 0, &object));
	object.queue.next_time = time_ago(1000);
	object.queue.blocked_time = 0;
	EXPECT_FALSE(view_alarms(&view, 0, &object));
}

TEST(a_state_says_what_receivers_have)
{
	struct object object = make_queue(3);
	char text[FIELD_TEXT_MAX];

	object.queue.messages = 3;
	object.queue.unacknowledged = 2;
	object.queue.held = 4;
	object.queue.dead_letters = 1;
	object.kind_has &= ~(1ULL << IPCSHM_A_QUEUE_NEXT_TIME);
	view_state(&object, text);
	EXPECT_STREQ("3 of 64 messages, 4 held, 2 unacknowledged, 1 dead letter", text);
}

TEST(views_know_their_columns)
{
	struct view view = { .rates = false };

	EXPECT_TRUE(view_parse(&view, view_default(0)));
	EXPECT_TRUE(view_parse(&view, view_default(IPCSHM_REGION)));
	EXPECT_TRUE(view_parse(&view, view_default(IPCSHM_QUEUE)));
	EXPECT_FALSE(view_parse(&view, ""));
	EXPECT_FALSE(view_parse(&view, "id,"));
	EXPECT_FALSE(view_parse(&view, "id,nonsense"));
	EXPECT_FALSE(view_parse(&view, "send_rate"));
	view.rates = true;
	EXPECT_TRUE(view_parse(&view, "send_rate"));
}

TEST(rates_are_between_two_looks)
{
	struct object then[] = { make_queue(1), make_queue(2), make_queue(4) },
		      now[] = { make_queue(2), make_queue(3), make_queue(4) };
	struct sample before = { .objects = then, .count = 3, .room = 3, .time = 1000000000 };
	struct sample sample = { .objects = now, .count = 3, .room = 3, .time = 3000000000 };

	then[1].queue.sent = 100;
	now[0].queue.sent = 300;
	then[2].queue.received = 10;
	now[2].queue.received = 15;
	sample_rate(&sample, &before);
	EXPECT_EQ(100, now[0].rates.send);
	EXPECT_TRUE(field_is_set(&rate_fields[0], &now[0]));
	EXPECT_FALSE(field_is_set(&rate_fields[0], &now[1])); /* new: nothing to compare with */
	EXPECT_EQ(3, now[2].rates.receive);
}

TEST(order_is_largest_first_and_unknown_last)
{
	struct object objects[] = { make_queue(1), make_queue(2), make_queue(3), make_queue(4) };
	const struct object *rows[] = { &objects[0], &objects[1], &objects[2], &objects[3] };

	objects[0].queue.next_time = time_ago(1000);
	objects[1].kind_has = 0;
	objects[2].queue.next_time = time_ago(9000000000);
	objects[3].queue.next_time = objects[0].queue.next_time;
	sample_sort(rows, 4, find_object_field("lag"), false);
	EXPECT_EQ(3, rows[0]->id);
	EXPECT_EQ(1, rows[1]->id);
	EXPECT_EQ(4, rows[2]->id);
	EXPECT_EQ(2, rows[3]->id);
	sample_sort(rows, 4, find_object_field("lag"), true);
	EXPECT_EQ(1, rows[0]->id);
	EXPECT_EQ(3, rows[2]->id);
	EXPECT_EQ(2, rows[3]->id);
}

TEST_HARNESS_MAIN
