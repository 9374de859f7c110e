// SPDX-License-Identifier: GPL-2.0-only
/* Which descriptor can reply to a request id, and REPLY_RECEIVE. */
#include "call_fixture.h"
#include "common/call.h"
#include "common/harness.h"
#include "common/queue.h"

/* Tokens. */

TEST_F(call, token_is_good_once)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 });
	__u64 value, token;

	ASSERT_TRUE(caller);
	token = take_request(reader, &value);
	EXPECT_EQ(-ESRCH, reply_value(reader, token + 1, 1));
	EXPECT_EQ(-ESRCH, reply_value(reader, ~token, 1));
	EXPECT_EQ(0, reply_value(reader, token, 2));
	EXPECT_EQ(-ESRCH, reply_value(reader, token, 3));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(2, caller->value);
}

TEST_F(call, token_is_bound_to_the_descriptor)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ),
	    other = queue_open_again(&self->queue, IPCSHM_READ), same = dup(reader);
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 });
	__u64 value, token;

	ASSERT_TRUE(caller);
	token = take_request(reader, &value);
	EXPECT_EQ(-ESRCH, reply_value(other, token, 1));
	EXPECT_EQ(0, reply_value(same, token, 2));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(2, caller->value);
}

static void reply_role(struct peer *peer)
{
	peer->result = reply_value(peer->fd, peer->msg.type, peer->value);
}

TEST_F(call, process_that_shares_the_descriptor_can_reply)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 }), *other;
	__u64 value, token;

	ASSERT_TRUE(caller);
	token = take_request(reader, &value);
	other = queue_start(&self->queue, reply_role,
			    (struct peer) { .fd = reader, .msg.type = token, .value = 3 });
	EXPECT_EQ(0, finish(other));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(3, caller->value);
}

TEST_F(call, tokens_are_not_used_again)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ), i;
	__u64 value, token, last = 0;
	struct peer *caller;

	for (i = 0; i < 10; i++) {
		caller = start_caller(&self->queue, (struct peer) { 0 });
		ASSERT_TRUE(caller);
		token = take_request(reader, &value);
		EXPECT_NE(0, token);
		EXPECT_NE(last, token);
		EXPECT_EQ(i ? -ESRCH : 0, i ? reply_value(reader, last, 1) : 0);
		EXPECT_EQ(0, reply_value(reader, token, 1));
		EXPECT_EQ(0, finish(caller));
		last = token;
	}
}

/* REPLY_RECEIVE. */

static long reply_receive(int fd, __u64 token, __u64 *value, struct ipcshm_call_args *call,
			  __u32 flags)
{
	*call = (struct ipcshm_call_args) {
		.request = { .data = (uintptr_t)value, .size = sizeof(*value) },
		.reply = { .data = (uintptr_t)value, .size = sizeof(*value), .request_id = token },
		.deadline = SOON,
		.clock = CLOCK_MONOTONIC,
		.flags = flags,
	};
	return ipcshm_reply_receive_transfer(fd, call, sizeof(*call));
}

TEST_F(call, reply_receive_without_a_token_only_receives)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { .value = 3 });
	struct ipcshm_call_args call;
	__u64 value = 99;

	ASSERT_TRUE(caller);
	ASSERT_EQ(0, reply_receive(reader, 0, &value, &call, 0));
	EXPECT_EQ(3, value);
	EXPECT_NE(0, call.request.request_id);
	EXPECT_EQ(0, call.reply.request_id);
	EXPECT_EQ(1, queue_stat_now(&self->queue).calls);
	EXPECT_EQ(0, reply_value(reader, call.request.request_id, 4));
	EXPECT_EQ(0, finish(caller));
}

TEST_F(call, reply_receive_replies_though_there_is_nothing_to_receive)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { .value = 3 });
	struct ipcshm_call_args call;
	__u64 value, token = take_request(reader, &value);

	ASSERT_TRUE(caller);
	value = 44;
	EXPECT_EQ(-EAGAIN, reply_receive(reader, token, &value, &call, IPCSHM_DONTWAIT));
	EXPECT_EQ(0, call.reply.request_id);
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(44, caller->value);
}

TEST_F(call, reply_receive_without_anybody_to_reply_to_receives_nothing)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *gone = start_caller(&self->queue, (struct peer) { 0 }), *caller;
	struct ipcshm_call_args call;
	__u64 value, token = take_request(reader, &value);

	ASSERT_TRUE(gone);
	kill_peer(gone);
	caller = start_caller(&self->queue, (struct peer) { .value = 3 });
	ASSERT_TRUE(caller);
	EXPECT_EQ(-ESRCH, reply_receive(reader, token, &value, &call, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages + queue_stat_now(&self->queue).senders);
	EXPECT_EQ(0, reply_receive(reader, 0, &value, &call, 0));
	EXPECT_EQ(3, value);
}

TEST_F(call, reply_receive_that_cant_reply_receives_nothing)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *first = start_caller(&self->queue, (struct peer) { 0 }), *second;
	struct ipcshm_call_args call = { .deadline = SOON, .clock = CLOCK_MONOTONIC };
	__u64 value, token = take_request(reader, &value);

	second = start_caller(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(first && second);
	call.request = (struct ipcshm_message) { .data = (uintptr_t)&value, .size = 8 };
	call.reply = (struct ipcshm_message) { .data = 1, .size = 8, .request_id = token };
	EXPECT_EQ(-EFAULT, ipcshm_reply_receive_transfer(reader, &call, sizeof(call)));
	EXPECT_EQ(token, call.reply.request_id);
	call.reply.size = SIZE + 1;
	EXPECT_EQ(-EMSGSIZE, ipcshm_reply_receive_transfer(reader, &call, sizeof(call)));
	EXPECT_EQ(token, call.reply.request_id);
	EXPECT_EQ(2, queue_stat_now(&self->queue).calls);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages + queue_stat_now(&self->queue).senders);
	EXPECT_EQ(0, reply_receive(reader, token, &value, &call, 0));
	EXPECT_EQ(0, finish(first));
}

/* The server replies, waits, is interrupted, and goes on: but not from the beginning. */
static void interrupted_server_role(struct peer *peer)
{
	struct ipcshm_call_args call;
	int reader = queue_open_again(peer->queue, IPCSHM_READ);
	__u64 token = take_request(reader, &peer->value);

	peer->value += TAKE_BACK;
	peer->result = reply_receive(reader, token, &peer->value, &call, 0);
	peer->msg.type = call.reply.request_id;
	peer->msg.priority = call.request.request_id != 0;
	if (!peer->result)
		reply_value(reader, call.request.request_id, 77);
}

TEST_F(call, signal_after_the_reply_doesnt_reply_again)
{
	const int flags[] = { 0, SA_RESTART };
	struct peer *caller, *server;
	int i;

	for (i = 0; i < 2; i++) {
		server = block_receiver_how(&self->queue, interrupted_server_role, (struct peer) {
			.handles_signal = true,
			.sa_flags = flags[i],
			.msg.type = 1,
		});
		ASSERT_TRUE(server);
		caller = queue_start(&self->queue, call_role, (struct peer) { .value = 5 });
		EXPECT_EQ(0, finish(caller));
		EXPECT_EQ(5 + TAKE_BACK, caller->value);
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1));
		kill(server->pid, SIGUSR1);
		if (flags[i]) {
			ASSERT_TRUE(WAIT_UNTIL(signals_of(server) == 1 &&
					       queue_stat_now(&self->queue).receivers == 1));
			caller = queue_start(&self->queue, call_role, (struct peer) { .value = 6 });
			EXPECT_EQ(0, finish(caller));
			EXPECT_EQ(77, caller->value);
			EXPECT_EQ(1, server->msg.priority);
		}
		EXPECT_EQ(flags[i] ? 0 : -EINTR, finish(server));
		EXPECT_EQ(0, server->msg.type);
	}
}

IPCSHM_TEST_MAIN
