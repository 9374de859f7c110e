// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings: every order of the steps of a few producers and consumers, with deaths at
 * every step.  The library's files are compiled by themselves, with hook.h: each of
 * their atomic accesses is a step here.
 */
#include "ring_model_roles.h"

/* With _OVERWRITE only the last item has to come. */
static bool is_lost(void)
{
	unsigned int missing = gone_in & ~came;

	if (scenario->flags & IPCSHM_RING_OVERWRITE)
		return missing > gone_in / 2;
	return missing;
}

/* The ring can be filled, and as much comes out. */
static bool can_be_filled(const struct ipcshm_area *area, struct ipcshm_ring *ring)
{
	/* The end of a ring of records, and a begun chunk, may be too small for a record. */
	const unsigned int least = items_max() - !!(scenario->flags & (CHUNKS | RECORDS));
	unsigned int count = fill_ring(area);
	uint64_t buffer[WORDS];

	if (count < least)
		return false;
	while (count && ipcshm_ring_get(ring, buffer, sizeof(buffer), IPCSHM_NOW) > 0)
		count--;
	return !count;
}

/* The rest comes out, no item is missing, and the ring can be filled again. */
static const char *nothing_is_lost(void)
{
	static const struct ipcshm_area_ops ops = {
		.size = sizeof(ops),
		.wait = model_wait,
		.wake = model_wake,
	};
	struct ipcshm_area area;
	struct ipcshm_ring ring;
	struct world saved = world;
	const char *wrong = NULL;
	uint64_t buffer[WORDS];

	at_once = true;
	memset(world.members.page.slot, 0, sizeof(world.members.page.slot));
	world.members.page.slot[PROCESSES] = token_of(PROCESSES);
	ipcshm_area_init(&area, &world.shared, sizeof(world.shared), &ops,
			 (const void *)&world.members.page);
	ipcshm_area_set_token(&area, token_of(PROCESSES));
	if (ipcshm_ring_attach(&ring, &area, 0, IPCSHM_RING_CONSUMER))
		wrong = "no consumer can attach";
	else
		while (ipcshm_ring_get(&ring, buffer, sizeof(buffer), IPCSHM_NOW) > 0) {
			twice |= came & 1U << buffer[0];
			came |= 1U << buffer[0];
		}
	if (is_lost())
		wrong = "an item is lost";
	if (twice && !dead)
		wrong = "an item came twice";
	if (!wrong && !can_be_filled(&area, &ring))
		wrong = "room or a later item is lost";
	ipcshm_area_destroy(&area);
	at_once = false;
	world = saved;
	return wrong;
}

#define EXPECT_HOLDS(...) do { \
	const struct scenario of = { .end = nothing_is_lost, __VA_ARGS__ }; \
	const char *wrong = model_check(&of); \
	TH_LOG("%zu states", states); \
	EXPECT_STREQ("", wrong ? wrong : ""); \
} while (0)

/* One of each: the consumer sleeps, the producer sleeps, and none for ever. */
TEST(slots_of_one_and_one)
{
	EXPECT_HOLDS(.role = { put_3, get_3 });
}

TEST(records_of_one_and_one)
{
	EXPECT_HOLDS(.role = { put_3, get_3 }, .flags = RECORDS);
}

TEST(slots_of_many_and_one_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1, get_until_1 }, .deaths = 1, .mortal = 1,
		     .flags = IPCSHM_RING_MULTI_PRODUCER);
}

TEST(slots_of_many_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1, get_until_1 }, .deaths = 1, .mortal = 1,
		     .flags = MANY);
}

TEST(records_of_many_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1_and_get }, .deaths = 1, .mortal = 1,
		     .flags = MANY | RECORDS);
}

TEST(slots_of_one_and_many_with_the_death_of_a_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2,
		     .flags = IPCSHM_RING_MULTI_CONSUMER);
}

TEST(slots_of_many_with_the_death_of_a_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2, .flags = MANY);
}

TEST(records_of_many_and_one_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1, get_until_1 }, .deaths = 1, .mortal = 1,
		     .flags = IPCSHM_RING_MULTI_PRODUCER | RECORDS);
}

TEST(records_of_many_and_one_with_the_death_of_the_consumer)
{
	EXPECT_HOLDS(.role = { put_0, put_1, try_to_get_2 }, .deaths = 1, .mortal = 4,
		     .flags = IPCSHM_RING_MULTI_PRODUCER | RECORDS);
}

TEST(records_of_one_and_many_with_the_death_of_the_producer)
{
	EXPECT_HOLDS(.role = { put_2, try_to_get_2 }, .deaths = 1, .mortal = 1,
		     .flags = IPCSHM_RING_MULTI_CONSUMER | RECORDS);
}

TEST(records_of_one_and_many_with_the_death_of_a_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2,
		     .flags = IPCSHM_RING_MULTI_CONSUMER | RECORDS);
}

TEST(records_of_one_and_many_in_order)
{
	EXPECT_HOLDS(.role = { put_3, get_3 }, .ordered = true,
		     .flags = IPCSHM_RING_MULTI_CONSUMER | RECORDS);
}

/* The producer sleeps for room. */
TEST(records_of_many_and_one_in_order)
{
	EXPECT_HOLDS(.role = { put_3, get_3 }, .ordered = true,
		     .flags = IPCSHM_RING_MULTI_PRODUCER | RECORDS);
}

TEST(records_of_many_with_the_death_of_a_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2,
		     .flags = MANY | RECORDS);
}

/* A consumer that needs two items finds them, at any progress of the other. */
TEST(slots_of_many_consumers_one_of_which_needs_two)
{
	EXPECT_HOLDS(.role = { get_2_at_once, begin_with_3_and_get_1 },
		     .flags = IPCSHM_RING_MULTI_CONSUMER | LARGER);
}

TEST(slots_of_many_consumers_one_of_which_needs_the_rest)
{
	EXPECT_HOLDS(.role = { get_2_at_once, begin_with_4_and_get_2 },
		     .flags = IPCSHM_RING_MULTI_CONSUMER | LARGER);
}

TEST(slots_of_many_consumers_in_place)
{
	EXPECT_HOLDS(.role = { get_2_at_once, begin_with_4_and_peek_2 },
		     .flags = IPCSHM_RING_MULTI_CONSUMER | LARGER);
}

TEST(slots_of_many_consumers_come_in_order_in_bulk)
{
	EXPECT_HOLDS(.role = { get_2_at_once, begin_with_3_and_get_1 }, .ordered = true,
		     .flags = IPCSHM_RING_MULTI_CONSUMER | LARGER);
}

TEST(slots_of_many_consumers_with_an_event_loop)
{
	EXPECT_HOLDS(.role = { loop_for_1, begin_with_2_and_get_1 }, .flags = IPCSHM_RING_MULTI_CONSUMER);
}

TEST(slots_of_one_and_one_in_bulk)
{
	EXPECT_HOLDS(.role = { put_2_at_once, get_2_at_once });
}

TEST(slots_of_many_in_bulk_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_2_at_once, put_1_and_get }, .deaths = 1, .mortal = 1,
		     .flags = MANY | LARGER);
}

TEST(slots_of_one_and_one_in_bursts)
{
	EXPECT_HOLDS(.role = { put_2, get_2_in_bursts });
}

TEST(slots_of_many_in_bursts)
{
	EXPECT_HOLDS(.role = { put_2_in_bursts, get_2_in_bursts }, .flags = MANY);
}

TEST(slots_of_one_and_one_with_an_event_loop_for_room)
{
	EXPECT_HOLDS(.role = { put_in_loop_2, get_any }, .flags = FILLED);
}

TEST(records_of_many_with_an_event_loop_for_room)
{
	EXPECT_HOLDS(.role = { put_in_loop_2, get_any }, .flags = MANY | RECORDS | FILLED);
}

TEST(slots_of_many_with_the_death_of_an_attaching_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1_and_get }, .deaths = 1, .mortal = 1, .attaching = true,
		     .flags = MANY);
}

TEST(records_of_many_with_the_death_of_an_attaching_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2,
		     .attaching = true, .flags = MANY | RECORDS);
}

TEST(slots_that_overwrite)
{
	EXPECT_HOLDS(.role = { put_3, get_until_2 }, .ordered = true,
		     .flags = IPCSHM_RING_OVERWRITE);
}

TEST(slots_that_overwrite_in_place)
{
	EXPECT_HOLDS(.role = { reserve_3, get_until_2 }, .ordered = true,
		     .flags = IPCSHM_RING_OVERWRITE);
}

TEST(records_that_overwrite)
{
	EXPECT_HOLDS(.role = { put_3, get_until_2 }, .ordered = true,
		     .flags = IPCSHM_RING_OVERWRITE | RECORDS);
}

/* Two producers drop the oldest item concurrently. */
TEST(slots_of_many_that_overwrite_with_a_death)
{
	EXPECT_HOLDS(.role = { put_item_2, put_item_3 },
		     .deaths = 1, .mortal = 3, .flags = MANY | IPCSHM_RING_OVERWRITE | FILLED);
}

TEST(slots_that_overwrite_with_a_death)
{
	EXPECT_HOLDS(.role = { put_3, try_to_get_2 }, .deaths = 1, .mortal = 3,
		     .flags = IPCSHM_RING_OVERWRITE);
}

TEST(records_that_overwrite_with_a_death)
{
	EXPECT_HOLDS(.role = { put_3, try_to_get_2 }, .deaths = 1, .mortal = 3,
		     .flags = IPCSHM_RING_OVERWRITE | RECORDS);
}

/* The oldest chunk is free when both have released, in any order. */
TEST(chunks_of_many_that_two_consumers_reclaim)
{
	EXPECT_HOLDS(.role = { get_any, get_any, put_4 }, .flags = MANY | CHUNKS | FILLED);
}

TEST_HARNESS_MAIN
