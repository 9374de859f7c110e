// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slots of members: no token comes twice, slots are used again in the order in which
 * they became free, and a table whose generations are used up refuses, even with few slots
 * and generations, and with all of them.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/module.h>
#include <linux/prandom.h>

#include "member_table.c"

/* A page for the next slot, if it has none. */
static void page_prepare(struct kunit *test, struct ipcshm_member_table *table)
{
	int slot = ipcshm_member_table_next(table);
	struct ipcshm_member_table_page *page;

	if (slot < 0 || ipcshm_member_table_page(table, ipcshm_member_table_index(slot)))
		return;
	page = ipcshm_member_table_page_create();
	KUNIT_ASSERT_NOT_NULL(test, page);
	ipcshm_member_table_add(table, ipcshm_member_table_index(slot), page);
}

/* A new member's token, or 0. */
static u32 member_join(struct kunit *test, struct ipcshm_member_table *table)
{
	page_prepare(test, table);
	return ipcshm_member_table_next(table) < 0 ? 0 : ipcshm_member_table_take(table);
}

static bool is_alive(const struct ipcshm_member_table *table, u32 token)
{
	return ipcshm_member_table_word(table, IPCSHM_TOKEN_SLOT(token)) == token;
}

static struct ipcshm_member_table *table_create(struct kunit *test, u32 limit, u32 generations)
{
	struct ipcshm_member_table *table = kunit_kzalloc(test, sizeof(*table), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, table);
	ipcshm_member_table_init(table, limit, generations);
	return table;
}

static void check_token(struct kunit *test, const struct ipcshm_member_table *table, u32 token)
{
	KUNIT_EXPECT_EQ(test, token & ~IPCSHM_TOKEN_MASK, 0);
	KUNIT_EXPECT_GE(test, IPCSHM_TOKEN_GENERATION(token), 1);
	KUNIT_EXPECT_LE(test, IPCSHM_TOKEN_GENERATION(token), table->generations);
	KUNIT_EXPECT_LT(test, IPCSHM_TOKEN_SLOT(token), table->limit);
}

static void slots_come_back_in_the_order_in_which_they_were_freed(struct kunit *test)
{
	struct ipcshm_member_table *table = table_create(test, 16, IPCSHM_GENERATIONS);
	const u8 order[] = { 5, 0, 3, 7, 1 };
	u32 tokens[8], i;

	for (i = 0; i < ARRAY_SIZE(tokens); i++) {
		tokens[i] = member_join(test, table);
		KUNIT_EXPECT_EQ(test, IPCSHM_TOKEN_SLOT(tokens[i]), i);
	}
	for (i = 0; i < ARRAY_SIZE(order); i++)
		ipcshm_member_table_give_back(table, tokens[order[i]], IPCSHM_END_LEFT, 0);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, member_join(test, table),
				tokens[order[i]] + IPCSHM_TOKEN_MIN);
	KUNIT_EXPECT_EQ(test, IPCSHM_TOKEN_SLOT(member_join(test, table)), 8);
	ipcshm_member_table_destroy(table);
}

static void word_of_a_free_slot_shows_the_end(struct kunit *test)
{
	struct ipcshm_member_table *table = table_create(test, 16, IPCSHM_GENERATIONS);
	u32 token = member_join(test, table), word;

	KUNIT_EXPECT_EQ(test, ipcshm_member_table_word(table, 3), 0);
	KUNIT_EXPECT_TRUE(test, is_alive(table, token));
	ipcshm_member_table_give_back(table, token, IPCSHM_END_EXITED, 255);
	word = ipcshm_member_table_word(table, 0);
	KUNIT_EXPECT_FALSE(test, is_alive(table, token));
	KUNIT_EXPECT_TRUE(test, word & IPCSHM_SLOT_ENDED);
	KUNIT_EXPECT_EQ(test, IPCSHM_TOKEN_GENERATION(word), IPCSHM_TOKEN_GENERATION(token));
	KUNIT_EXPECT_EQ(test, IPCSHM_SLOT_HOW(word), IPCSHM_END_EXITED);
	KUNIT_EXPECT_EQ(test, IPCSHM_SLOT_CODE(word), 255);
	ipcshm_member_table_destroy(table);
}

/* Random joins and ends until no slot is left; each token is marked when it is given out. */
static void table_exhaust(struct kunit *test, u32 limit, u32 generations, u32 members)
{
	struct ipcshm_member_table *table = table_create(test, limit, generations);
	unsigned long *seen = bitmap_zalloc((size_t)limit * (generations + 1), GFP_KERNEL);
	u32 *alive = kunit_kcalloc(test, members, sizeof(*alive), GFP_KERNEL);
	u32 token, count = 0, given = 0, again = 0;
	struct rnd_state random;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	KUNIT_ASSERT_NOT_NULL(test, alive);
	prandom_seed_state(&random, limit + generations);
	for (;;) {
		if (count < members && (!count || prandom_u32_state(&random) & 1)) {
			token = member_join(test, table);
			if (!token)
				break;
			check_token(test, table, token);
			again += test_and_set_bit(IPCSHM_TOKEN_SLOT(token) * (generations + 1) +
						  IPCSHM_TOKEN_GENERATION(token), seen);
			alive[count++] = token;
			given++;
		} else {
			u32 i = prandom_u32_state(&random) % count;

			KUNIT_EXPECT_TRUE(test, is_alive(table, alive[i]));
			ipcshm_member_table_give_back(table, alive[i], IPCSHM_END_LEFT, 0);
			KUNIT_EXPECT_FALSE(test, is_alive(table, alive[i]));
			alive[i] = alive[--count];
		}
	}
	KUNIT_EXPECT_EQ(test, again, 0);
	/* Living members of a full table have used only a part of their generations. */
	KUNIT_EXPECT_GE(test, given, (limit - members) * generations);
	while (count)
		ipcshm_member_table_give_back(table, alive[--count], IPCSHM_END_LEFT, 0);
	while ((token = member_join(test, table))) {
		again += test_and_set_bit(IPCSHM_TOKEN_SLOT(token) * (generations + 1) +
					  IPCSHM_TOKEN_GENERATION(token), seen);
		ipcshm_member_table_give_back(table, token, IPCSHM_END_LEFT, 0);
		given++;
	}
	KUNIT_EXPECT_EQ(test, again, 0);
	KUNIT_EXPECT_EQ(test, given, limit * generations);
	bitmap_free(seen);
	ipcshm_member_table_destroy(table);
}

static void few_generations_never_repeat(struct kunit *test)
{
	table_exhaust(test, 4, 3, 1);
	table_exhaust(test, 4, 3, 4);
	table_exhaust(test, 3000, 5, 1500);
}

static void one_slot_has_all_its_generations(struct kunit *test)
{
	table_exhaust(test, 1, IPCSHM_GENERATIONS, 1);
}

static void all_slots_can_be_used(struct kunit *test)
{
	struct ipcshm_member_table *table;
	u32 i, wrong = 0;

	table = table_create(test, IPCSHM_MEMBERS_MAX, IPCSHM_GENERATIONS);
	for (i = 0; i < IPCSHM_MEMBERS_MAX; i++)
		wrong += member_join(test, table) != (IPCSHM_TOKEN_MIN | i);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, ipcshm_member_table_next(table), -EUSERS);
	for (i = 0; i < IPCSHM_MEMBERS_MAX; i++)
		wrong += !is_alive(table, IPCSHM_TOKEN_MIN | i);
	for (i = 0; i < IPCSHM_MEMBERS_MAX; i++)
		ipcshm_member_table_give_back(table, IPCSHM_TOKEN_MIN | i, IPCSHM_END_LEFT, 0);
	for (i = 0; i < IPCSHM_MEMBERS_MAX; i++)
		wrong += member_join(test, table) != (2 * IPCSHM_TOKEN_MIN | i);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	ipcshm_member_table_destroy(table);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(slots_come_back_in_the_order_in_which_they_were_freed),
	KUNIT_CASE(word_of_a_free_slot_shows_the_end),
	KUNIT_CASE(few_generations_never_repeat),
	KUNIT_CASE(one_slot_has_all_its_generations),
	KUNIT_CASE(all_slots_can_be_used),
	{}
};

static struct kunit_suite suite = {
	.name = "ipcshm-table",
	.test_cases = cases,
};

kunit_test_suite(suite);
