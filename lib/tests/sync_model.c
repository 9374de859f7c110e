// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mutex, condition, event and cell: every order of the steps of a few processes, with
 * deaths at every step.
 */
#include "sync_model.h"
#include "sync_model_cell.h"

#define EXPECT_HOLDS(...) do { \
	const struct scenario of = { __VA_ARGS__ }; \
	const char *wrong = model_check(&of); \
	TH_LOG("%zu states", states); \
	EXPECT_STREQ("", wrong ? wrong : ""); \
} while (0)

TEST(mutex_of_three_with_two_deaths)
{
	EXPECT_HOLDS(.role = { lock_once, lock_once, lock_once }, .deaths = 2, .mortal = ALL);
}

TEST(mutex_of_two_locked_twice_with_a_death)
{
	EXPECT_HOLDS(.role = { lock_twice, lock_twice }, .deaths = 1, .mortal = ALL);
}

TEST(mutex_of_three_locked_again)
{
	EXPECT_HOLDS(.role = { lock_once, lock_twice, lock_once });
}

TEST(mutex_with_deadlines)
{
	EXPECT_HOLDS(.role = { lock_if_possible, lock_once, lock_once }, .hurry = true,
		     .deaths = 1, .mortal = ALL);
}

TEST(mutex_with_signals)
{
	EXPECT_HOLDS(.role = { lock_if_possible, lock_if_possible, lock_if_possible },
		     .signals = 2, .deaths = 1, .mortal = ALL);
}

TEST(mutex_tried)
{
	EXPECT_HOLDS(.role = { try_lock, lock_once, lock_once }, .deaths = 1, .mortal = ALL);
}

TEST(mutex_of_two_threads_and_another_process)
{
	EXPECT_HOLDS(.role = { lock_once, lock_once, lock_once }, .threads = true,
		     .deaths = 1, .mortal = 1);
}

TEST(mutex_of_one_who_died_before)
{
	EXPECT_HOLDS(.role = { lock_once, lock_once, lock_once }, .dead_owner = true);
}

TEST(mutex_of_one_who_left)
{
	EXPECT_HOLDS(.role = { lock_and_go, lock_once, lock_once }, .leaves = first_has_left_with_it);
}

TEST(mutex_that_is_not_repaired_or_cannot_be)
{
	EXPECT_HOLDS(.role = { lock_and_not_repair, lock_and_not_repair, lock_and_not_repair },
		     .dead_owner = true);
}

TEST(mutex_that_is_not_repaired)
{
	EXPECT_HOLDS(.role = { lock_and_not_repair, lock_and_not_repair, lock_and_not_repair },
		     .deaths = 2, .mortal = ALL);
}

TEST(condition_with_two_waiters)
{
	EXPECT_HOLDS(.role = { make_item, take_one, take_one }, .end = is_taken);
}

TEST(condition_with_the_death_of_a_waiter)
{
	EXPECT_HOLDS(.role = { make_item, take_one, take_one }, .end = is_taken, .deaths = 1,
		     .mortal = 4);
}

TEST(condition_with_the_death_of_who_signals)
{
	EXPECT_HOLDS(.role = { make_item, take_one, take_one }, .deaths = 1, .mortal = 1);
}

TEST(condition_with_deadlines)
{
	EXPECT_HOLDS(.role = { make_inside, take_one, take_in_a_hurry }, .end = is_taken,
		     .hurry = true);
}

TEST(condition_with_signals)
{
	EXPECT_HOLDS(.role = { make_item, take_one, take_one }, .end = is_taken, .signals = 1);
}

TEST(condition_for_all)
{
	EXPECT_HOLDS(.role = { make_for_all, take_one, take_one });
}

TEST(condition_with_a_waiter_for_later)
{
	EXPECT_HOLDS(.role = { make_first, make_second, await_second_after_first });
}

FIXTURE(long) {
};

FIXTURE_SETUP(long)
{
}

FIXTURE_TEARDOWN(long)
{
}

TEST_F_TIMEOUT(long, condition_with_unneeded_signals, 300)
{
	EXPECT_HOLDS(.role = { make_both, await_second, wait_in_a_hurry }, .hurry = true,
		     .may_sleep = second_has_come);
}

TEST(conditions_of_a_bounded_buffer)
{
	EXPECT_HOLDS(.role = { put_two, take_two });
}

TEST(event_lets_one_through_at_a_time)
{
	EXPECT_HOLDS(.role = { start_baton, pass_baton, pass_baton });
}

TEST(event_with_a_death)
{
	EXPECT_HOLDS(.role = { start_baton, pass_baton, pass_baton }, .deaths = 1, .mortal = ALL);
}

TEST(event_with_deadlines)
{
	EXPECT_HOLDS(.role = { start_baton, pass_baton, pass_baton_in_a_hurry }, .hurry = true);
}

TEST(event_with_signals)
{
	EXPECT_HOLDS(.role = { start_baton, pass_baton, pass_baton }, .signals = 2);
}

TEST(manual_event_lets_all_through)
{
	EXPECT_HOLDS(.flags = IPCSHM_EVENT_MANUAL, .role = { set_manual, wait_for_event, wait_for_event });
}

TEST(cell_with_a_reader_of_many_writes)
{
	EXPECT_HOLDS(.role = { replace_often, read_value });
}

TEST(cell_with_two_writers)
{
	EXPECT_HOLDS(.role = { replace_value, replace_value, follow_value });
}

TEST(cell_whose_writers_die)
{
	EXPECT_HOLDS(.role = { replace_value, replace_value, await_value }, .deaths = 2,
		     .mortal = 3, .may_sleep = version_is_old);
}

TEST_HARNESS_MAIN
