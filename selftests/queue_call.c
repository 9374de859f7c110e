// SPDX-License-Identifier: GPL-2.0-only
/* Calls: request and reply, sizes, request ids, REPLY_RECEIVE, crowds of callers and servers. */
#include "call_fixture.h"
#include "common/call.h"
#include "common/harness.h"
#include "common/queue.h"

/* Request and reply. */

TEST_F(call, server_echoes_every_call)
{
	struct peer *server = start_server(&self->queue);
	__u64 i, value;

	ASSERT_TRUE(server);
	for (i = 0; i < CALLS; i++) {
		value = i;
		ASSERT_EQ(8, call_value(self->queue.fd, &value, SOON));
		ASSERT_EQ(i + TAKE_BACK, value);
	}
	EXPECT_TRUE(is_idle(&self->queue));
	EXPECT_EQ(CALLS, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(CALLS, queue_stat_now(&self->queue).received);
	EXPECT_EQ(0, queue_stat_now(&self->queue).dropped);
}

TEST_F(call, request_has_its_caller_type_and_priority)
{
	struct peer *caller = start_caller(&self->queue, (struct peer) {
		.value = 7,
		.msg.type = 70,
		.msg.priority = 700,
	});
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct ipcshm_message message;
	__u64 value;

	ASSERT_TRUE(caller);
	ASSERT_EQ(8, ipcshm_receive(reader, &value, 8, &message, SOON));
	EXPECT_EQ(7, value);
	EXPECT_EQ(caller->pid, (pid_t)message.pid);
	EXPECT_EQ(70, message.type);
	EXPECT_EQ(700, message.priority);
	EXPECT_NE(0, message.request_id);
	EXPECT_EQ(1, queue_stat_now(&self->queue).calls);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, reply_value(reader, message.request_id, 8));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(8, caller->value);
	EXPECT_EQ(8, caller->msg.message.size);
	EXPECT_EQ(getpid(), (pid_t)caller->msg.message.pid);
	EXPECT_EQ(0, caller->msg.message.request_id);
	EXPECT_EQ(0, queue_stat_now(&self->queue).calls);
}

static void send_soon_role(struct peer *peer)
{
	peer->deadline = SOON;
	send_role(peer);
}

TEST_F(call, message_that_is_no_request_has_no_token)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *sender =
		queue_start(&self->queue, send_soon_role, (struct peer) { .value = 7 });
	__u64 value;

	EXPECT_EQ(0, take_request(reader, &value));
	EXPECT_EQ(7, value);
	EXPECT_EQ(0, finish(sender));
}

TEST_F(call, requests_are_served_by_priority)
{
	const __u32 priorities[] = { 1, 5, 3 };
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *callers[3];
	__u64 token, value;
	int i;

	for (i = 0; i < 3; i++) {
		callers[i] = start_caller(&self->queue, (struct peer) {
			.value = priorities[i],
			.msg.priority = priorities[i],
		});
		ASSERT_TRUE(callers[i]);
	}
	for (i = 5; i > 0; i -= 2) {
		token = take_request(reader, &value);
		EXPECT_NE(0, token);
		EXPECT_EQ(i, value);
		EXPECT_EQ(0, reply_value(reader, token, value * 10));
	}
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, finish(callers[i]));
		EXPECT_EQ(10 * priorities[i], callers[i]->value);
	}
}

TEST_F(call, requests_can_be_chosen_by_type_and_answered_in_any_order)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct ipcshm_message messages[3];
	struct peer *callers[3];
	__u64 value;
	int i;

	for (i = 0; i < 3; i++) {
		callers[i] = start_caller(&self->queue, (struct peer) {
			.value = i,
			.msg.type = i,
		});
		ASSERT_TRUE(callers[i]);
	}
	for (i = 2; i >= 0; i--) {
		ASSERT_EQ(8, ipcshm_receive_typed(reader, &value, 8, i, IPCSHM_TYPE_EQUAL,
						  &messages[i], SOON));
		EXPECT_EQ(i, value);
	}
	EXPECT_EQ(3, queue_stat_now(&self->queue).calls);
	EXPECT_EQ(0, reply_value(reader, messages[1].request_id, 11));
	EXPECT_EQ(0, finish(callers[1]));
	EXPECT_EQ(0, reply_value(reader, messages[2].request_id, 12));
	EXPECT_EQ(0, reply_value(reader, messages[0].request_id, 10));
	EXPECT_EQ(0, finish(callers[0]));
	EXPECT_EQ(0, finish(callers[2]));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(10 + i, callers[i]->value);
}

TEST_F(call, batch_receives_requests)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ), i;
	struct ipcshm_message messages[2];
	struct peer *callers[2];
	__u64 values[2];

	for (i = 0; i < 2; i++) {
		callers[i] = start_caller(&self->queue, (struct peer) { .value = i });
		ASSERT_TRUE(callers[i]);
		messages[i] = (struct ipcshm_message) {
			.data = (uintptr_t)&values[i],
			.size = 8,
		};
	}
	ASSERT_EQ(2, ipcshm_receive_batch(reader, messages, 2, 0, SOON));
	EXPECT_NE(messages[0].request_id, messages[1].request_id);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, reply_value(reader, messages[i].request_id, 20 + values[i]));
		EXPECT_EQ(0, finish(callers[i]));
		EXPECT_EQ(20 + i, callers[i]->value);
	}
}

TEST_F(call, peeked_request_has_no_token_and_stays)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { .value = 7 });
	struct ipcshm_transfer_args transfer;
	__u64 value, token;

	ASSERT_TRUE(caller);
	transfer = transfer_of(&value, 8);
	transfer.flags = IPCSHM_DONTWAIT | IPCSHM_PEEK;
	EXPECT_EQ(0, ipcshm_receive_transfer(reader, &transfer, sizeof(transfer)));
	EXPECT_EQ(0, transfer.message.request_id);
	token = take_request(reader, &value);
	EXPECT_EQ(0, reply_value(reader, token, 9));
	EXPECT_EQ(0, finish(caller));
}

TEST_F(call, request_that_is_read_is_refused)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { .value = 7 });
	__u64 value = 0;

	ASSERT_TRUE(caller);
	EXPECT_EQ(8, read(reader, &value, 8));
	EXPECT_EQ(7, value);
	EXPECT_EQ(-EOPNOTSUPP, finish(caller));
	EXPECT_TRUE(is_idle(&self->queue));
}

/* Pieces and descriptors, both ways. */

static struct ipcshm_segment segment_of(const void *data, size_t size)
{
	return (struct ipcshm_segment) { .data = (uintptr_t)data, .size = size };
}

/* Writes to the descriptor that comes, and sends it back. */
static void write_to_it_role(struct peer *peer)
{
	struct ipcshm_segment pieces[2] = { segment_of("re", 2), segment_of("ply", 3) };
	struct ipcshm_message request, reply = {
		.data = (uintptr_t)pieces,
		.segments = 2,
		.fd_count = 1,
	};
	char text[8];
	int fd;

	if (ipcshm_receive_fds(peer->fd, text, 8, &fd, 1, &request, SOON) != 3 ||
	    write(fd, "served", 6) != 6)
		_exit(1);
	reply.fds = (uintptr_t)&fd;
	reply.request_id = request.request_id;
	peer->result = ipcshm_reply_message(peer->fd, &reply);
}

TEST_F(call, descriptors_go_with_a_request_and_come_with_a_reply)
{
	int file = memfd_create("file", 0), same = -1;
	char text[8] = "", room[16] = "";
	struct ipcshm_segment pieces[2] = { segment_of(room, 1), segment_of(room + 1, 15) };
	struct ipcshm_call_args call = {
		.request = {
			.data = (uintptr_t)"req",
			.size = 3,
			.fds = (uintptr_t)&file,
			.fd_count = 1,
		},
		.reply = {
			.data = (uintptr_t)pieces,
			.segments = 2,
			.fds = (uintptr_t)&same,
			.fd_count = 1,
		},
		.deadline = SOON,
		.clock = CLOCK_MONOTONIC,
	};
	struct peer *server =
		queue_start(&self->queue, write_to_it_role,
			    (struct peer) { .fd = queue_open_again(&self->queue, IPCSHM_READ) });

	EXPECT_EQ(0, ipcshm_call_transfer(self->queue.fd, &call, sizeof(call)));
	EXPECT_EQ(0, finish(server));
	EXPECT_EQ(5, call.reply.size);
	EXPECT_STREQ("reply", room);
	EXPECT_EQ(1, call.reply.fd_count);
	EXPECT_EQ(6, pread(same, text, 8, 0));
	EXPECT_STREQ("served", text);
	EXPECT_EQ(0, get_info(self->queue.device).descriptors.used);
}

TEST_F(call, request_isnt_sent_if_its_reply_has_nowhere_to_go)
{
	struct ipcshm_call_args call = {
		.request = { .data = (uintptr_t)"req", .size = 3 },
		.reply = { .data = 8, .segments = 2 },
		.deadline = SOON,
		.clock = CLOCK_MONOTONIC,
	};

	EXPECT_EQ(-EFAULT, ipcshm_call_transfer(self->queue.fd, &call, sizeof(call)));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).calls);
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
}

TEST_F(call, empty_request_and_empty_reply)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	pid_t pid = fork_peer();
	struct ipcshm_message message;

	if (!pid)
		_exit(ipcshm_receive(reader, NULL, 0, &message, SOON) ||
		      ipcshm_reply(reader, message.request_id, NULL, 0));
	EXPECT_EQ(0, ipcshm_call(self->queue.fd, NULL, 0, NULL, 0, SOON));
	EXPECT_EQ(0, wait_child(pid));
}

/* Sizes. */

TEST_F(call, reply_larger_than_the_room_fails_for_the_caller_alone)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { .msg.room = 4 });
	__u64 value, token;

	ASSERT_TRUE(caller);
	token = take_request(reader, &value);
	EXPECT_EQ(0, reply_value(reader, token, 1));
	EXPECT_EQ(-EMSGSIZE, finish(caller));
	EXPECT_EQ(8, caller->msg.message.size);
	EXPECT_TRUE(is_idle(&self->queue));
}

TEST_F(call, reply_larger_than_any_message_can_be_made_smaller)
{
	static char large[SIZE + 1];
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 });
	__u64 value, token;

	ASSERT_TRUE(caller);
	token = take_request(reader, &value);
	EXPECT_EQ(-EMSGSIZE, ipcshm_reply(reader, token, large, sizeof(large)));
	EXPECT_EQ(-EFAULT, ipcshm_reply(reader, token, NULL, 8));
	EXPECT_EQ(0, reply_value(reader, token, 1));
	EXPECT_EQ(0, finish(caller));
}

TEST_F(call, request_too_large_for_the_server_stays)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { .value = 1 });
	struct ipcshm_message message = { 0 };
	__u64 value, token;
	char room[4];

	ASSERT_TRUE(caller);
	EXPECT_EQ(-EMSGSIZE, ipcshm_receive(reader, room, 4, &message, SOON));
	EXPECT_EQ(8, message.size);
	EXPECT_EQ(0, message.request_id);
	EXPECT_EQ(-EFAULT, ipcshm_receive(reader, (void *)1, 8, &message, SOON));
	token = take_request(reader, &value);
	EXPECT_EQ(0, reply_value(reader, token, 1));
	EXPECT_EQ(0, finish(caller));
}

TEST_F(call, caller_whose_room_cant_be_written_fails_alone)
{
	struct peer *server = start_server(&self->queue);

	ASSERT_TRUE(server);
	EXPECT_EQ(-EFAULT, ipcshm_call(self->queue.fd, &(__u64) { 1 }, 8, (void *)1, 8, SOON));
	EXPECT_EQ(8, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
	EXPECT_EQ(0, kill(server->pid, 0));
}

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

/* Room for requests. */

TEST_F(call, call_of_a_full_queue_waits_for_room)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *callers[KEPT + 2];
	__u64 value, token;
	int i;

	for (i = 0; i < KEPT + 2; i++) {
		callers[i] = start_caller(&self->queue, (struct peer) { .value = i });
		ASSERT_TRUE(callers[i]);
	}
	EXPECT_EQ(variant->max_messages, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(KEPT + 2 - variant->max_messages, queue_stat_now(&self->queue).senders);
	for (i = 0; i < KEPT + 2; i++) {
		token = take_request(reader, &value);
		EXPECT_EQ(i, value);
		EXPECT_EQ(0, reply_value(reader, token, 10 + i));
	}
	for (i = 0; i < KEPT + 2; i++) {
		EXPECT_EQ(0, finish(callers[i]));
		EXPECT_EQ(10 + i, callers[i]->value);
	}
	EXPECT_TRUE(is_idle(&self->queue));
}

TEST_F(call, caller_without_room_that_gives_up_leaves_nothing)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller;
	__u64 value, i;

	for (i = 0; i < variant->max_messages; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	EXPECT_EQ(-ETIMEDOUT, call_value(self->queue.fd, &(__u64) { 9 }, ipcshm_deadline(10 * MS)));
	caller = start_caller(&self->queue, (struct peer) { .value = 9 });
	ASSERT_TRUE(caller);
	kill_peer(caller);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(0, queue_stat_now(&self->queue).dropped);
	for (i = 0; i < variant->max_messages; i++) {
		EXPECT_EQ(0, take_request(reader, &value));
		EXPECT_EQ(i, value);
	}
	EXPECT_TRUE(is_idle(&self->queue));
}

/* Busy waiting changes nothing but time. */
TEST_F(call, callers_and_servers_that_wait_busily_get_the_same)
{
	struct peer *server;
	__u64 i, value;

	ASSERT_EQ(0, ipcshm_queue_set_busy_poll(self->queue.fd, 50));
	server = start_server(&self->queue);
	ASSERT_TRUE(server);
	for (i = 0; i < 200; i++) {
		value = i;
		ASSERT_EQ(8, call_value(self->queue.fd, &value, SOON));
		ASSERT_EQ(i + TAKE_BACK, value);
	}
	kill_peer(server);
	EXPECT_EQ(-EPIPE, call_value(self->queue.fd, &value, SOON));
	EXPECT_TRUE(is_idle(&self->queue));
}

/* Crowds. */

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
