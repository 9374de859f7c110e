// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services: every order of the steps of a few clients and servers, with deaths at each. The
 * library's files are compiled by themselves, with hook.h: each atomic access of theirs is a
 * step here.
 */
#include "service_model.h"

/* Servers sleep for requests in the end; no client does, and no server for room. */
static bool clients_are_done(void)
{
	const uint32_t clients = (1U << (scenario->flags & CLIENTS)) - 1;

	return (finished & clients) == clients && !replying;
}

/* Or the only server has died, and has left no request that it had taken. */
static bool server_is_dead(void)
{
	return (finished & 2 && !(taken & ~replied)) || clients_are_done();
}

static bool never_sleeps(void)
{
	return false;
}

#define EXPECT_HOLDS(...) do { \
	const char *_wrong = model_check(&(const struct scenario) { __VA_ARGS__ }); \
	EXPECT_EQ(NULL, _wrong) TH_LOG("%s", _wrong); \
	TH_LOG("%zu states", states); \
} while (0)

TEST(calls_of_one)
{
	EXPECT_HOLDS(.role = { call_2, serve_each }, .flags = ONE_TO_ONE,
		     .may_sleep = clients_are_done);
}

TEST(two_calls_at_once)
{
	EXPECT_HOLDS(.role = { call_two_at_once, serve_each }, .flags = ONE_TO_ONE | TWO_CALLS,
		     .may_sleep = clients_are_done);
}

TEST(two_servers)
{
	EXPECT_HOLDS(.role = { call_1, serve_one, serve_one }, .flags = ONE_TO_TWO,
		     .may_sleep = clients_are_done);
}

TEST(two_clients)
{
	EXPECT_HOLDS(.role = { call_1, call_1, serve_each }, .flags = TWO_TO_ONE,
		     .may_sleep = clients_are_done);
}

TEST(cancelled_call)
{
	EXPECT_HOLDS(.role = { cancel_and_call, serve_each }, .flags = ONE_TO_ONE,
		     .may_sleep = clients_are_done);
}

TEST(stream)
{
	EXPECT_HOLDS(.role = { take_stream, serve_streams }, .flags = ONE_TO_ONE,
		     .may_sleep = clients_are_done);
}

TEST(death_of_the_only_server)
{
	EXPECT_HOLDS(.role = { call_2, serve_each }, .flags = ONE_TO_ONE, .deaths = 1, .mortal = 2,
		     .may_sleep = server_is_dead);
}

TEST(death_of_a_server_whose_calls_fail)
{
	EXPECT_HOLDS(.role = { call_at_once, serve_one, serve_one }, .flags = ONE_TO_TWO,
		     .deaths = 1, .mortal = 2, .may_sleep = clients_are_done);
}

TEST(death_of_a_server_whose_calls_are_retried)
{
	EXPECT_HOLDS(.role = { call_1, serve_one, serve_one }, .flags = ONE_TO_TWO | RETRY,
		     .deaths = 1, .mortal = 2, .may_sleep = clients_are_done);
}

TEST(death_of_a_client_that_streams)
{
	EXPECT_HOLDS(.role = { take_stream, serve_streams }, .flags = ONE_TO_ONE, .deaths = 1,
		     .mortal = 1, .may_sleep = clients_are_done);
}

/*
 * The row of a dead client, or of one that detaches, goes to another, which has the memory of its
 * calls for itself.
 */
TEST(clients_after_each_other)
{
	EXPECT_HOLDS(.role = { call_and_detach, loan_and_write, serve_one },
		     .flags = TWO_TO_ONE | ROWS_FOR_ONE, .deaths = 1, .mortal = 1,
		     .attaching = true, .may_sleep = clients_are_done);
}

TEST(server_that_detaches)
{
	EXPECT_HOLDS(.role = { call_1, take_and_detach, serve_each }, .flags = ONE_TO_TWO,
		     .leaves = never_sleeps, .may_sleep = clients_are_done);
}

TEST_HARNESS_MAIN
