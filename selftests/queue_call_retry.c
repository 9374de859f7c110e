// SPDX-License-Identifier: GPL-2.0-only
/* Calls with IPCSHM_RETRY: another server gets the request of one that ended. */
#include "call_fixture.h"
#include "common/call.h"
#include "common/harness.h"
#include "common/process.h"

#define ASKERS	4
#define ROUNDS	many(400, 40)	/* calls of each of them */
#define KILLS	many(500, 25)	/* at most, of servers */

/* Calls until the deadline; what the server adds is in the value. */
static void retry_role(struct peer *peer)
{
	peer->result = ipcshm_call_typed(peer->fd, &peer->value, sizeof(peer->value),
					 peer->msg.type, peer->msg.priority, &peer->value,
					 sizeof(peer->value), IPCSHM_RETRY, peer->deadline);
}

static struct peer *start_retry(struct test_queue *queue, struct peer how)
{
	__u64 calls = queue_stat_now(queue).calls;
	struct peer *peer = queue_start(queue, retry_role, how);

	return WAIT_UNTIL(queue_stat_now(queue).calls == calls + 1) ? peer : NULL;
}

TEST_F(call, retry_goes_to_another_server_after_the_first_is_killed)
{
	struct peer *server = queue_start(&self->queue, keep_role, (struct peer) { 0 }), *caller;

	caller = start_retry(&self->queue, (struct peer) { .value = 1 });
	ASSERT_TRUE(caller);
	ASSERT_TRUE(WAIT_UNTIL(is_ready(server)));
	ASSERT_TRUE(start_server(&self->queue));
	kill_peer(server);
	EXPECT_EQ(8, finish(caller));
	EXPECT_EQ(1 + TAKE_BACK, caller->value);
	EXPECT_TRUE(is_idle(&self->queue));
}

TEST_F(call, retry_waits_for_a_server_while_there_is_none)
{
	struct peer *server = queue_start(&self->queue, keep_role, (struct peer) { 0 });
	struct peer *first = start_retry(&self->queue, (struct peer) { .value = 1 }), *second;

	ASSERT_TRUE(first);
	ASSERT_TRUE(WAIT_UNTIL(is_ready(server)));
	second = start_retry(&self->queue, (struct peer) { .value = 2 });
	ASSERT_TRUE(second);
	kill_peer(server);
	ASSERT_TRUE(WAIT_UNTIL(is_idle(&self->queue) && is_asleep(first->pid) &&
			       is_asleep(second->pid)));
	ASSERT_TRUE(queue_start(&self->queue, serve_role, (struct peer) { 0 }));
	EXPECT_EQ(8, finish(first));
	EXPECT_EQ(8, finish(second));
	EXPECT_EQ(1 + TAKE_BACK, first->value);
	EXPECT_EQ(2 + TAKE_BACK, second->value);
}

TEST_F(call, retry_after_the_last_server_waits)
{
	struct peer *caller;

	close(queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(-EPIPE, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
	caller = queue_start(&self->queue, retry_role, (struct peer) { .value = 1 });
	ASSERT_TRUE(WAIT_UNTIL(is_asleep(caller->pid)));
	ASSERT_TRUE(start_server(&self->queue));
	EXPECT_EQ(8, finish(caller));
}

/* A descriptor that is closed, not a process that is killed. */
TEST_F(call, retry_goes_on_when_the_descriptor_is_closed)
{
	struct peer *caller = start_retry(&self->queue, (struct peer) { .value = 1 });
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 value;

	ASSERT_TRUE(caller);
	ASSERT_NE(0, take_request(reader, &value));
	close(reader);
	ASSERT_TRUE(start_server(&self->queue));
	EXPECT_EQ(8, finish(caller));
}

TEST_F(call, retry_ends_at_its_deadline)
{
	__u64 value = 1;

	close(queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(-ETIMEDOUT,
		  ipcshm_call_typed(self->queue.fd, &value, 8, 0, 0, &value, 8, IPCSHM_RETRY,
				    ipcshm_deadline(20 * MS)));
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, ipcshm_call_typed(self->queue.fd, &value, 8, 0, 0, &value, 8,
					     IPCSHM_RETRY, IPCSHM_FOREVER));
	EXPECT_TRUE(is_idle(&self->queue));
}

TEST_F(call, retry_ends_with_the_queue_and_when_it_is_cancelled)
{
	struct peer *caller;

	close(queue_open_again(&self->queue, IPCSHM_READ));
	caller = queue_start(&self->queue, retry_role, (struct peer) { .value = 1 });
	ASSERT_TRUE(WAIT_UNTIL(is_asleep(caller->pid)));
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	EXPECT_EQ(-ECANCELED, finish(caller));
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, IPCSHM_CANCEL_UNDO));
	caller = queue_start(&self->queue, retry_role, (struct peer) { .value = 1 });
	ASSERT_TRUE(WAIT_UNTIL(is_asleep(caller->pid)));
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(caller));
}

/* The signal comes while the server has the request: the call is resumed, and then sent again. */
TEST_F(call, retry_goes_on_after_a_resumed_call)
{
	struct peer *caller = start_retry(&self->queue, (struct peer) {
		.value = 1,
		.handles_signal = true,
	});
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 value;

	ASSERT_TRUE(caller);
	ASSERT_NE(0, take_request(reader, &value));
	ASSERT_TRUE(WAIT_UNTIL(is_asleep(caller->pid)));
	kill(caller->pid, SIGUSR1);
	ASSERT_TRUE(WAIT_UNTIL(signals_of(caller) == 1 && is_asleep(caller->pid)));
	close(reader);
	ASSERT_TRUE(start_server(&self->queue));
	EXPECT_EQ(8, finish(caller));
	EXPECT_EQ(1 + TAKE_BACK, caller->value);
	EXPECT_TRUE(is_idle(&self->queue));
}

static void ask_role(struct peer *peer)
{
	__u64 i, value;

	for (i = 0; i < ROUNDS; i++) {
		value = i;
		peer->result = ipcshm_call_typed(peer->fd, &value, 8, 0, 0, &value, 8,
						 IPCSHM_RETRY, IPCSHM_FOREVER);
		if (peer->result != 8 || value != i + TAKE_BACK)
			return;
		peer->count++;
	}
}

TEST_F(call, retry_answers_every_call_while_servers_are_killed)
{
	struct peer *askers[ASKERS], *server = NULL;
	unsigned int kills = 0, i;

	for (i = 0; i < ASKERS; i++)
		askers[i] = queue_start(&self->queue, ask_role, (struct peer) { 0 });
	for (i = 0; i < ASKERS; i++) {
		while (!is_done(askers[i])) {
			server = queue_start(&self->queue, serve_role, (struct peer) { 0 });
			usleep((1000 + kills % 7 * 500) * slowness());
			if (kills++ < KILLS)
				kill_peer(server);
			else
				WAIT_UNTIL(is_done(askers[i]));
		}
	}
	for (i = 0; i < ASKERS; i++) {
		EXPECT_EQ(8, finish(askers[i]));
		EXPECT_EQ(ROUNDS, askers[i]->count);
	}
	EXPECT_TRUE(is_idle(&self->queue));
	TH_LOG("%u servers were killed", kills);
}

TEST_HARNESS_MAIN
