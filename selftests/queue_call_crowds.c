// SPDX-License-Identifier: GPL-2.0-only
/* Many callers and servers, some of which are killed. */
#include "call_fixture.h"
#include "common/call.h"
#include "common/harness.h"
#include "common/queue.h"

/* Each caller its own numbers, so that a reply to another would show. */
static void many_calls_role(struct peer *peer)
{
	__u64 i, value;

	for (i = 0; i < CALLS; i++) {
		value = peer->value << 32 | i;
		peer->result = call_value(peer->fd, &value, SOON);
		if (peer->result != 8 || value != (peer->value << 32 | i) + TAKE_BACK)
			_exit(1);
	}
}

TEST_F_TIMEOUT(call, many_servers_answer_many_callers, 200)
{
	struct peer *callers[CALLERS];
	int i;

	for (i = 0; i < SERVERS; i++)
		ASSERT_TRUE(start_server(&self->queue));
	for (i = 0; i < CALLERS; i++)
		callers[i] =
			queue_start(&self->queue, many_calls_role, (struct peer) { .value = i });
	for (i = 0; i < CALLERS; i++)
		EXPECT_EQ(8, finish(callers[i]));
	EXPECT_TRUE(is_idle(&self->queue));
	EXPECT_EQ(CALLERS * CALLS, queue_stat_now(&self->queue).received);
}

/* A server is killed at any time: each call is answered or fails with EPIPE. */
static void calls_until_role(struct peer *peer)
{
	__u64 value;
	long result;

	do {
		value = peer->value;
		result = call_value(peer->fd, &value, SOON);
		if (result != -EPIPE && (result != 8 || value != peer->value + TAKE_BACK))
			_exit(1);
		peer->msg.type += result == 8;
		peer->msg.priority += result == -EPIPE;
	} while (!may_continue(peer));
}

TEST_F_TIMEOUT(call, killed_servers_leave_no_caller_waiting, 200)
{
	struct peer *callers[CALLERS], *server;
	__u64 answered = 0, failed = 0;
	unsigned int i;

	for (i = 0; i < CALLERS; i++)
		callers[i] = queue_start(&self->queue, calls_until_role,
					 (struct peer) { .value = 100 * i });
	for (i = 0; i < RACES; i++) {
		server = queue_start(&self->queue, serve_role, (struct peer) { 0 });
		usleep(i % 16 * 700 * slowness());
		kill_peer(server);
		self->queue.peers.count--;
	}
	ASSERT_TRUE(queue_start(&self->queue, serve_role, (struct peer) { 0 }));
	answered = queue_stat_now(&self->queue).received;
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).received > answered + CALLERS));
	answered = 0;
	for (i = 0; i < CALLERS; i++)
		let_continue(callers[i]);
	for (i = 0; i < CALLERS; i++) {
		EXPECT_EQ(0, finish(callers[i]));
		answered += callers[i]->msg.type;
		failed += callers[i]->msg.priority;
	}
	EXPECT_TRUE(is_idle(&self->queue));
	EXPECT_LT(0, answered);
	TH_LOG("%llu answered, %llu EPIPE", answered, failed);
}

/* A caller is killed at any time: the server goes on, and nothing is left of it. */
TEST_F_TIMEOUT(call, killed_callers_leave_nothing, 200)
{
	struct peer *server = start_server(&self->queue), *caller;
	unsigned int i;

	ASSERT_TRUE(server);
	for (i = 0; i < RACES; i++) {
		caller = queue_start(&self->queue, calls_until_role, (struct peer) { .value = i });
		usleep(i % 16 * 300);
		kill_peer(caller);
		self->queue.peers.count--;
		ASSERT_TRUE(WAIT_UNTIL(is_idle(&self->queue)));
	}
	EXPECT_EQ(8, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
}

IPCSHM_TEST_MAIN
