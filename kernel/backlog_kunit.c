// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of messages, against one that is found by looking at all of them:
 * random messages come and go, and each kind of receiver is asked for.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "backlog.c"
#include "kunit_random.h"

#define MESSAGES	48
#define STEPS		20000

/**
 * struct scene - a backlog, and what should be in it
 * @backlog: under test
 * @random: state of the random numbers
 * @msgs: all messages there are
 * @queued: those that are in it
 * @number: the last one's
 * @types: how many they have
 * @returned: messages are added by their numbers, which are random
 */
struct scene {
	struct ipcshm_backlog backlog;
	struct rnd_state random;
	struct ipcshm_msg *msgs[MESSAGES];
	bool queued[MESSAGES];
	u64 number;
	u32 types;
	bool returned;
};

static bool goes_before(const struct ipcshm_match *match, const struct ipcshm_msg *a,
			const struct ipcshm_msg *b)
{
	if (match->how == IPCSHM_TYPE_UP_TO && a->type != b->type)
		return a->type < b->type;
	return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

static struct ipcshm_msg *expected_message(const struct scene *scene,
					   const struct ipcshm_match *match)
{
	struct ipcshm_msg *best = NULL;
	int i;

	for (i = 0; i < MESSAGES; i++) {
		struct ipcshm_msg *msg = scene->msgs[i];

		if (scene->queued[i] && ipcshm_match(match, msg) &&
		    (!best || goes_before(match, msg, best)))
			best = msg;
	}
	return best;
}

static struct ipcshm_msg *expected_lowest(const struct scene *scene)
{
	struct ipcshm_msg *lowest = NULL;
	int i;

	for (i = 0; i < MESSAGES; i++) {
		struct ipcshm_msg *msg = scene->msgs[i];

		if (scene->queued[i] &&
		    (!lowest || msg->priority < lowest->priority ||
		     (msg->priority == lowest->priority && msg->number < lowest->number)))
			lowest = msg;
	}
	return lowest;
}

static struct ipcshm_match some_match(struct scene *scene)
{
	static const u32 hows[] = { 0, IPCSHM_TYPE_EQUAL, IPCSHM_TYPE_NOT, IPCSHM_TYPE_UP_TO };

	return (struct ipcshm_match){
		.how = hows[draw_below(&scene->random, ARRAY_SIZE(hows))],
		.type = draw_below(&scene->random, scene->types + 1),
	};
}

static int index_of(const struct scene *scene, const struct ipcshm_msg *msg)
{
	int i;

	for (i = 0; scene->msgs[i] != msg; i++)
		;
	return i;
}

static void add_message(struct scene *scene)
{
	int i = draw_below(&scene->random, MESSAGES);
	struct ipcshm_msg *msg = scene->msgs[i];

	if (scene->queued[i])
		return;
	msg->type = draw_below(&scene->random, scene->types);
	msg->priority = draw_below(&scene->random, 4);
	msg->returned = scene->returned;
	if (scene->returned) {
		msg->number = draw_below(&scene->random, 1 << 20) * MESSAGES + i;
		ipcshm_backlog_add_returned(&scene->backlog, msg);
	} else {
		msg->number = ++scene->number;
		ipcshm_backlog_add(&scene->backlog, msg);
	}
	scene->queued[i] = true;
}

/* Remove a message that is received. */
static void take_one(struct kunit *test, struct scene *scene)
{
	struct ipcshm_match match = some_match(scene);
	struct ipcshm_msg *msg = ipcshm_backlog_find(&scene->backlog, &match);

	KUNIT_EXPECT_PTR_EQ(test, msg, expected_message(scene, &match));
	if (!msg)
		return;
	ipcshm_backlog_remove(&scene->backlog, msg);
	scene->queued[index_of(scene, msg)] = false;
}

/* Remove a message as a sender does that gives up. */
static void remove_one(struct scene *scene)
{
	int i = draw_below(&scene->random, MESSAGES);

	if (scene->queued[i])
		ipcshm_backlog_remove(&scene->backlog, scene->msgs[i]);
	scene->queued[i] = false;
}

static void check_ends(struct kunit *test, const struct scene *scene)
{
	static const struct ipcshm_match any;

	KUNIT_EXPECT_PTR_EQ(test, ipcshm_backlog_first(&scene->backlog),
			    expected_message(scene, &any));
	if (scene->backlog.needs_worst)
		KUNIT_EXPECT_PTR_EQ(test, ipcshm_backlog_lowest(&scene->backlog),
				    expected_lowest(scene));
}

/* Mostly growing, then mostly shrinking, so that it is empty and full now and then. */
static void run_backlog_step(struct kunit *test, struct scene *scene, int number)
{
	if (draw_below(&scene->random, 8) < (number / 256 % 2 ? 5 : 2))
		add_message(scene);
	else if (draw_below(&scene->random, 8))
		take_one(test, scene);
	else
		remove_one(scene);
	check_ends(test, scene);
}

static void run_backlog_scene(struct kunit *test, u32 types, bool returned, bool needs_worst)
{
	struct scene *scene = kunit_kzalloc(test, sizeof(*scene), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, scene);
	seed_random(test, &scene->random);
	scene->types = types;
	scene->returned = returned;
	scene->backlog.needs_worst = needs_worst;
	for (i = 0; i < MESSAGES; i++) {
		scene->msgs[i] = kunit_kzalloc(test, sizeof(struct ipcshm_msg), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, scene->msgs[i]);
	}
	for (i = 0; i < STEPS; i++)
		run_backlog_step(test, scene, i);
}

static void run_backlog_steps(struct kunit *test, u32 types, bool returned)
{
	run_backlog_scene(test, types, returned, false);
	run_backlog_scene(test, types, returned, true);
}

static void one_type(struct kunit *test)
{
	run_backlog_steps(test, 1, false);
}

static void few_types(struct kunit *test)
{
	run_backlog_steps(test, 3, false);
}

static void many_types(struct kunit *test)
{
	run_backlog_steps(test, 40, false);
}

static void returned_of_one_type(struct kunit *test)
{
	run_backlog_steps(test, 1, true);
}

static void returned_of_few_types(struct kunit *test)
{
	run_backlog_steps(test, 3, true);
}

static void returned_of_many_types(struct kunit *test)
{
	run_backlog_steps(test, 40, true);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(one_type),
	KUNIT_CASE(few_types),
	KUNIT_CASE(many_types),
	KUNIT_CASE(returned_of_one_type),
	KUNIT_CASE(returned_of_few_types),
	KUNIT_CASE(returned_of_many_types),
	{}
};

static struct kunit_suite suite = {
	.name = "ipcshm-backlog",
	.test_cases = cases,
};

kunit_test_suite(suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("unit tests of ipcshm");
