// SPDX-License-Identifier: GPL-2.0-only
/* OpenMetrics text: families, values, and names that cannot forge any. */
#include "kselftest_harness.h"

#include <inttypes.h>

#include "input_clock.h"
#include "output_field.h"
#include "output_metrics.h"

static char text[65536];

/* All that is printed for objects, which are of one kind or the other. */
static void print(struct metrics metrics)
{
	memset(text, 0, sizeof(text));
	metrics.to = fmemopen(text, sizeof(text), "w");
	metrics_print(&metrics);
	fclose(metrics.to);
}

static void print_object(const struct object *object)
{
	print((struct metrics){ .objects = object, .object_count = 1 });
}

static struct object make_queue(const char *name)
{
	struct object object = {
		.has = ~0ULL,
		.kind_has = ~0ULL,
		.id = 7,
		.kind = IPCSHM_QUEUE,
		.uid = 1000,
	};

	snprintf(object.name, sizeof(object.name), "%s", name);
	return object;
}

static bool has_line(const char *line)
{
	size_t length = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[length] == '\n')
			return true;
	return false;
}

static size_t count_lines(void)
{
	size_t count = 0;

	for (const char *at = text; *at; at++)
		count += *at == '\n';
	return count;
}

#define SENT "ipcshm_queue_sent_total{id=\"7\",kind=\"queue\",uid=\"1000\",name=\""

TEST(families_have_type_unit_and_help)
{
	struct object object = make_queue("jobs");

	object.queue.sent = 18446744073709551615ULL;
	object.queue.bytes = 512;
	print_object(&object);
	EXPECT_TRUE(has_line("# TYPE ipcshm_queue_sent counter"));
	EXPECT_TRUE(has_line(SENT "jobs\"} 18446744073709551615"));
	EXPECT_TRUE(has_line("# TYPE ipcshm_queue_bytes gauge"));
	EXPECT_TRUE(has_line("# UNIT ipcshm_queue_bytes bytes"));
	EXPECT_TRUE(has_line("# HELP ipcshm_queue_bytes Bytes of the messages in the queue."));
	EXPECT_TRUE(has_line("ipcshm_objects{kind=\"queue\"} 1"));
	EXPECT_TRUE(has_line("ipcshm_objects{kind=\"region\"} 0"));
	EXPECT_STREQ("# EOF\n", text + strlen(text) - 6);
	EXPECT_EQ(NULL, strstr(text, "ipcshm_region_"));
	EXPECT_EQ(NULL, strstr(text, "ipcshm_topic_"));
}

TEST(unbounded_is_infinite_and_a_time_is_an_age)
{
	struct object object = make_queue("q");
	const char *at;

	object.queue.max_messages = IPCSHM_UNBOUNDED;
	object.queue.next_time = clock_monotonic() - 2500000000;
	print_object(&object);
	EXPECT_NE(NULL, strstr(text, "\nipcshm_queue_max_messages{id=\"7\",kind=\"queue\","
				     "uid=\"1000\",name=\"q\"} +Inf\n"));
	at = strstr(text, "\nipcshm_queue_lag_seconds{");
	ASSERT_NE(NULL, at);
	EXPECT_GE(strtod(strchr(at, '}') + 1, NULL), 2.5);
	EXPECT_LT(strtod(strchr(at, '}') + 1, NULL), 60);
	EXPECT_NE(NULL, strstr(text, "\nipcshm_queue_blocked_seconds{id=\"7\",kind=\"queue\","
				     "uid=\"1000\",name=\"q\"} 0.000000000\n"));
}

TEST(an_older_module_has_fewer_families)
{
	struct object object = make_queue("q");

	object.kind_has &= ~(1ULL << IPCSHM_A_QUEUE_DEAD_LETTERS);
	print_object(&object);
	EXPECT_EQ(NULL, strstr(text, "dead_letters"));
	EXPECT_NE(NULL, strstr(text, "\nipcshm_queue_returns_total{"));
}

/* Each line break, quote and backslash is escaped; what is not UTF-8 is replaced. */
TEST(hostile_names_forge_nothing)
{
	static const struct {
		const char *name, *label;
	} cases[] = {
		{ "a\"} 1\nipcshm_forged{x=\"", "a\\\"} 1\\nipcshm_forged{x=\\\"" },
		{ "\n# EOF\n", "\\n# EOF\\n" },
		{ "back\\slash\\", "back\\\\slash\\\\" },
		{ "\\n", "\\\\n" },
		{ "\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc3\"", "\xef\xbf\xbd\\\"" },
		{ "\xe2\x82\n", "\xef\xbf\xbd\xef\xbf\xbd\\n" },
		{ "\xc3\xbc\r\033", "\xc3\xbc\r\033" },
		{ "", "" },
	};
	struct object object = make_queue("plain");
	char line[256];
	size_t lines;

	print_object(&object);
	lines = count_lines();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		object = make_queue(cases[i].name);
		print_object(&object);
		snprintf(line, sizeof(line), SENT "%s\"} 0", cases[i].label);
		EXPECT_TRUE(has_line(line));
		EXPECT_EQ(lines, count_lines());
	}
}

/* As in tables. */
TEST(a_terminal_gets_no_commands)
{
	struct object object = make_queue("\033[2J");

	print((struct metrics){ .spell_out = true, .objects = &object, .object_count = 1 });
	EXPECT_TRUE(has_line(SENT "\\\\x1b[2J\"} 0"));
	EXPECT_EQ(NULL, strchr(text, '\033'));
}

static bool is_printed(const struct field *field)
{
	struct object object = make_queue("q");
	uint32_t small = 7654321;
	uint64_t number = small;

	if (field->nest == NEST_REGION || field->nest == NEST_TOPIC)
		object.kind = IPCSHM_REGION;
	object.topic_has = field->nest == NEST_TOPIC ? ~0ULL : 0;
	memcpy((char *)&object + field->offset, field->size == 4 ? (void *)&small : &number,
	       field->size);
	print_object(&object);
	return strstr(text, field->unit == UNIT_SINCE ? field->name : "} 7654321\n");
}

/* A new field needs a metric, or a place in this list. */
TEST(every_number_has_a_metric)
{
	for (const struct field *field = object_fields; field->name; field++) {
		if (!field_is_number(field) || !strcmp(field->name, "id") ||
		    !strcmp(field->name, "dead_letter_id") || !strcmp(field->name, "type_version"))
			continue;
		EXPECT_TRUE(is_printed(field))
			TH_LOG("no metric of %s", field->name);
	}
}

TEST(quotas_have_a_scope)
{
	static const struct quotas quotas[] = {
		{ .is_default = true, .quota = { [0] = { .has_max = true, .max = 5 } } },
		{ .has_uid = true, .uid = 3, .has_user_ns = true, .user_ns = 9,
		  .quota = { [1] = { .has_used = true, .used = 2, .has_max = true, .max = 4 } } },
		{ .is_net = true, .quota = { [0] = { .has_used = true, .used = 1 } } },
	};

	print((struct metrics){ .quotas = quotas, .quotas_count = 3 });
	EXPECT_TRUE(has_line("ipcshm_quota_max{quota=\"objects\",scope=\"default\",uid=\"\",user_ns=\"\"} 5"));
	EXPECT_TRUE(has_line("ipcshm_quota_max{quota=\"region-bytes\",scope=\"user\",uid=\"3\",user_ns=\"9\"} 4"));
	EXPECT_TRUE(has_line("ipcshm_quota_used{quota=\"region-bytes\",scope=\"user\",uid=\"3\",user_ns=\"9\"} 2"));
	EXPECT_TRUE(has_line("ipcshm_quota_used{quota=\"objects\",scope=\"net\",uid=\"\",user_ns=\"\"} 1"));
	EXPECT_EQ(NULL, strstr(text, "ipcshm_quota_used{quota=\"objects\",scope=\"default\""));
}

TEST_HARNESS_MAIN
