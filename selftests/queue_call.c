// SPDX-License-Identifier: GPL-2.0-only
/* Calls: requests and replies, with their sizes, pieces and descriptors, and room for requests. */
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

IPCSHM_TEST_MAIN
