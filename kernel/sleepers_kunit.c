// SPDX-License-Identifier: GPL-2.0-only
/*
 * The search for the receiver of a message, compared with a look at each receiver: random
 * receivers come and go, and messages of random types are sent.
 */
#include <kunit/test.h>

#include "sleepers.c"
#include "kunit_random.h"

#define SLEEPERS	64
#define STEPS		20000

/**
 * struct dormitory - sleepers, and which of them should be found
 * @sleepers: the index under test
 * @random: decides what happens
 * @beds: all sleepers
 * @asleep: those that are in the index
 * @types: how many types messages and matches have
 */
struct dormitory {
	struct ipcshm_sleepers sleepers;
	struct rnd_state random;
	struct ipcshm_sleeper beds[SLEEPERS];
	bool asleep[SLEEPERS];
	u32 types;
};

/* Both ends of the range are among the types. */
static u64 some_type(struct dormitory *dormitory)
{
	u32 type = draw_below(&dormitory->random, dormitory->types + 1);

	return type == dormitory->types ? U64_MAX : type;
}

static bool accepts_type(const struct ipcshm_match *match, u64 type)
{
	switch (match->how) {
	case IPCSHM_TYPE_EQUAL:
		return type == match->type;
	case IPCSHM_TYPE_NOT:
		return type != match->type;
	case IPCSHM_TYPE_UP_TO:
		return type <= match->type;
	default:
		return true;
	}
}

static struct ipcshm_sleeper *expected_sleeper(struct dormitory *dormitory, u64 type)
{
	struct ipcshm_sleeper *first = NULL;
	int i;

	for (i = 0; i < SLEEPERS; i++) {
		struct ipcshm_sleeper *sleeper = &dormitory->beds[i];

		if (dormitory->asleep[i] && accepts_type(&sleeper->match, type) &&
		    (!first || sleeper->number < first->number))
			first = sleeper;
	}
	return first;
}

static void add_sleeper(struct dormitory *dormitory)
{
	static const u32 hows[] = { 0, IPCSHM_TYPE_EQUAL, IPCSHM_TYPE_NOT, IPCSHM_TYPE_UP_TO };
	u32 i = draw_below(&dormitory->random, SLEEPERS);
	struct ipcshm_match match = {
		.how = hows[draw_below(&dormitory->random, ARRAY_SIZE(hows))],
		.type = some_type(dormitory),
	};

	if (dormitory->asleep[i])
		return;
	ipcshm_sleepers_add(&dormitory->sleepers, &dormitory->beds[i], &match);
	dormitory->asleep[i] = true;
}

static void remove_sleeper(struct dormitory *dormitory, struct ipcshm_sleeper *sleeper)
{
	u32 i = sleeper - dormitory->beds;

	if (dormitory->asleep[i])
		ipcshm_sleepers_remove(&dormitory->sleepers, sleeper);
	dormitory->asleep[i] = false;
}

static void send_one(struct kunit *test, struct dormitory *dormitory)
{
	u64 type = some_type(dormitory);
	struct ipcshm_sleeper *found = ipcshm_sleepers_find(&dormitory->sleepers, type);

	KUNIT_EXPECT_PTR_EQ(test, found, expected_sleeper(dormitory, type));
	if (found)
		remove_sleeper(dormitory, found);
}

static void check_some(struct kunit *test, struct dormitory *dormitory)
{
	struct ipcshm_sleeper *some = ipcshm_sleepers_some(&dormitory->sleepers);

	KUNIT_EXPECT_EQ(test, !some, !dormitory->sleepers.count);
	if (some)
		KUNIT_EXPECT_TRUE(test, dormitory->asleep[some - dormitory->beds]);
}

static void run_sleepers_steps(struct kunit *test, u32 types)
{
	struct dormitory *dormitory = kunit_kzalloc(test, sizeof(*dormitory), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, dormitory);
	seed_random(test, &dormitory->random);
	dormitory->types = types;
	ipcshm_sleepers_init(&dormitory->sleepers);
	for (i = 0; i < STEPS; i++) {
		if (draw_below(&dormitory->random, 8) < (i / 256 % 2 ? 6 : 3))
			add_sleeper(dormitory);
		else if (draw_below(&dormitory->random, 4))
			send_one(test, dormitory);
		else
			remove_sleeper(dormitory,
				       &dormitory->beds[draw_below(&dormitory->random, SLEEPERS)]);
		check_some(test, dormitory);
	}
}

static void receivers_of_one_type(struct kunit *test)
{
	run_sleepers_steps(test, 1);
}

static void receivers_of_few_types(struct kunit *test)
{
	run_sleepers_steps(test, 4);
}

static void receivers_of_many_types(struct kunit *test)
{
	run_sleepers_steps(test, 60);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(receivers_of_one_type),
	KUNIT_CASE(receivers_of_few_types),
	KUNIT_CASE(receivers_of_many_types),
	{}
};

static struct kunit_suite suite = {
	.name = "ipcshm-sleepers",
	.test_cases = cases,
};

kunit_test_suite(suite);
