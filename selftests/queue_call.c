// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: calls.  Each request gets its one reply, or its caller learns that there
 * won't be any, whoever dies or gives up when.
 *
 * The test itself has a descriptor that can only send, and a peer opens one to
 * receive: so the end of a peer is the end of its descriptor.
 */
#include <pthread.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "common/queue.h"

#define KEPT		4	/* messages that the queue keeps */
#define SERVERS		4
#define CALLERS		4
#define CALLS		many(20000, 500)	/* of each caller in a crowd */
#define RACES		many(200, 30)
#define ABANDONED	many(2000, 200)
#define TAKE_BACK	5	/* what a server adds to a value */

FIXTURE(call)
{
	struct test_queue queue;
	int reader;	/* of the test, once it was opened */
};

FIXTURE_VARIANT(call)
{
	__u64 max_messages;
	__u64 max_bytes;
};

FIXTURE_VARIANT_ADD(call, bounded)
{
	.max_messages = KEPT,
	.max_bytes = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(call, rendezvous)
{
	.max_messages = 0,
	.max_bytes = 0,
};

FIXTURE_SETUP(call)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = variant->max_messages,
		.max_bytes = variant->max_bytes,
		.max_message_size = SIZE,
	};

	ASSERT_EQ(0, queue_set_up_attr(&self->queue, attr, IPCSHM_WRITE));
}

FIXTURE_TEARDOWN(call)
{
	queue_tear_down(&self->queue);
}

/* Callers. */

static long call_value(int fd, __u64 *value, __u64 deadline)
{
	return ipcshm_call(fd, value, sizeof(*value), value, sizeof(*value), deadline);
}

static void call_value_role(struct peer *peer)
{
	peer->result = call_value(peer->fd, &peer->value, peer->deadline);
}

/* With the peer's type, priority and room for the reply. */
static void call_role(struct peer *peer)
{
	struct ipcshm_call_args call = {
		.request = {
			.data = (uintptr_t)&peer->value,
			.size = sizeof(peer->value),
			.type = peer->type,
			.priority = peer->priority,
		},
		.reply = { .data = (uintptr_t)&peer->value, .size = peer->room },
		.deadline = peer->deadline,
		.clock = CLOCK_MONOTONIC,
	};

	peer->result = ipcshm_call_transfer(peer->fd, &call, sizeof(call));
	peer->message = call.reply;
}

/* A caller whose request waits to be received; NULL if it doesn't before long. */
static struct peer *start_caller(struct test_queue *queue, struct peer how)
{
	__u64 calls = queue_stat_now(queue).calls;
	struct peer *peer = queue_start(queue, call_role, how);

	return WAIT_UNTIL(queue_stat_now(queue).calls == calls + 1) ? peer : NULL;
}

/* Servers. */

/* A request, received through this descriptor: its token, or 0. */
static __u64 take_request(int fd, __u64 *value)
{
	struct ipcshm_message message = { 0 };

	if (ipcshm_receive(fd, value, sizeof(*value), &message, SOON) != sizeof(*value))
		return 0;
	return message.request_id;
}

static int reply_value(int fd, __u64 token, __u64 value)
{
	return ipcshm_reply(fd, token, &value, sizeof(value));
}

/* Replies to all that comes, until the queue is revoked or the server killed. */
static int serve(int fd)
{
	struct ipcshm_message message = { 0 };
	__u64 value = 0;
	long size;

	do {
		value += TAKE_BACK;
		size = ipcshm_reply_receive(fd, &value, sizeof(value), &value, sizeof(value),
					    &message, IPCSHM_FOREVER);
	} while (size == sizeof(value) || size == -ESRCH);
	return size;
}

static void serve_role(struct peer *peer)
{
	peer->result = serve(queue_open_again(peer->queue, IPCSHM_READ));
}

static struct peer *start_server(struct test_queue *queue)
{
	return block_receiver_how(queue, serve_role, (struct peer) { 0 });
}

/* Takes one request and keeps it. */
static void keep_role(struct peer *peer)
{
	peer->fd = queue_open_again(peer->queue, IPCSHM_READ);
	peer->result = take_request(peer->fd, &peer->value) ? 0 : 1;
	be_ready(peer);
	pause();
}

/* What is left to be checked of a queue when all is over. */
static bool is_idle(struct test_queue *queue)
{
	struct ipcshm_queue_stat stat = queue_stat_now(queue);

	return !(stat.calls | stat.messages | stat.bytes | stat.senders);
}

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

TEST_F(call, request_tells_its_caller_type_and_priority)
{
	struct peer *caller = start_caller(&self->queue, (struct peer) {
		.value = 7,
		.type = 70,
		.priority = 700,
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
	EXPECT_EQ(8, caller->message.size);
	EXPECT_EQ(getpid(), (pid_t)caller->message.pid);
	EXPECT_EQ(0, caller->message.request_id);
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
			.priority = priorities[i],
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
		callers[i] = start_caller(&self->queue, (struct peer) { .value = i, .type = i });
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

static struct ipcshm_segment piece(const void *data, size_t size)
{
	return (struct ipcshm_segment) { .data = (uintptr_t)data, .size = size };
}

/* Writes to the descriptor that comes, and sends it back. */
static void write_to_it_role(struct peer *peer)
{
	struct ipcshm_segment pieces[2] = { piece("re", 2), piece("ply", 3) };
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
	struct ipcshm_segment pieces[2] = { piece(room, 1), piece(room + 1, 15) };
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
	struct peer *caller = start_caller(&self->queue, (struct peer) { .room = 4 });
	__u64 value, token;

	ASSERT_TRUE(caller);
	token = take_request(reader, &value);
	EXPECT_EQ(0, reply_value(reader, token, 1));
	EXPECT_EQ(-EMSGSIZE, finish(caller));
	EXPECT_EQ(8, caller->message.size);
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
	peer->result = reply_value(peer->fd, peer->type, peer->value);
}

TEST_F(call, process_that_shares_the_descriptor_can_reply)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 }), *other;
	__u64 value, token;

	ASSERT_TRUE(caller);
	token = take_request(reader, &value);
	other = queue_start(&self->queue, reply_role,
			    (struct peer) { .fd = reader, .type = token, .value = 3 });
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

/* Callers that give up. */

TEST_F(call, deadline_withdraws_a_request_that_waits)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 value = 1, deadline = ipcshm_deadline(20 * MS * slowness());

	EXPECT_EQ(-ETIMEDOUT, call_value(self->queue.fd, &value, deadline));
	EXPECT_LE(deadline, now_ns(CLOCK_MONOTONIC));
	EXPECT_EQ(1, value);
	EXPECT_TRUE(is_idle(&self->queue));
	EXPECT_EQ(variant->max_messages ? 1 : 0, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(-ETIMEDOUT, ipcshm_receive(reader, &value, 8, NULL, 0));
	EXPECT_EQ(-ETIMEDOUT, call_value(self->queue.fd, &value, 0));
	EXPECT_TRUE(is_idle(&self->queue));
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
}

TEST_F(call, deadline_of_a_request_that_was_received_makes_the_reply_late)
{
	struct peer how = { .deadline = ipcshm_deadline(100 * MS * slowness()) };
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, how);
	__u64 value, token = take_request(reader, &value);

	ASSERT_TRUE(caller);
	ASSERT_NE(0, token);
	EXPECT_EQ(-ETIMEDOUT, finish(caller));
	EXPECT_EQ(-ESRCH, reply_value(reader, token, 1));
	EXPECT_TRUE(is_idle(&self->queue));
	EXPECT_EQ(0, queue_stat_now(&self->queue).dropped);
}

TEST_F(call, killed_caller_withdraws_a_request_that_waits)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 });
	__u64 value;

	ASSERT_TRUE(caller);
	kill_peer(caller);
	EXPECT_TRUE(is_idle(&self->queue));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_receive(reader, &value, 8, NULL, 0));
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
}

TEST_F(call, reply_to_a_killed_caller_is_esrch)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 });
	__u64 value, token;

	ASSERT_TRUE(caller);
	token = take_request(reader, &value);
	kill_peer(caller);
	EXPECT_EQ(0, queue_stat_now(&self->queue).calls);
	EXPECT_EQ(-ESRCH, reply_value(reader, token, 1));
}

/*
 * Callers that are interrupted once their request was received: the call stays, and goes on
 * under its id.
 */

static struct ipcshm_call_args call_of(struct peer *peer)
{
	return (struct ipcshm_call_args) {
		.request = { .data = (uintptr_t)&peer->value, .size = sizeof(peer->value) },
		.reply = { .data = (uintptr_t)&peer->value, .size = sizeof(peer->value) },
		.deadline = peer->deadline,
		.clock = CLOCK_MONOTONIC,
	};
}

/* Calls once; with EINTR, the peer's token is what the call left. */
static void call_once_role(struct peer *peer)
{
	struct ipcshm_call_args transfer = call_of(peer);

	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
	peer->message.request_id = transfer.request.request_id;
}

/* A caller whose request was received through @reader, with this token. */
static struct peer *start_received_how(struct test_queue *queue, void (*role)(struct peer *),
				       int reader, __u64 *token, struct peer how)
{
	__u64 calls = queue_stat_now(queue).calls, value;
	struct peer *peer = queue_start(queue, role, how);

	if (!WAIT_UNTIL(queue_stat_now(queue).calls == calls + 1))
		return NULL;
	*token = take_request(reader, &value);
	return *token ? peer : NULL;
}

static struct peer *start_received(struct test_queue *queue, int reader, __u64 *token,
				   struct peer how)
{
	return start_received_how(queue, call_once_role, reader, token, how);
}

static bool stop(struct peer *peer)
{
	return !kill(peer->pid, SIGSTOP) && WAIT_UNTIL(process_state(peer->pid) == 'T');
}

TEST_F(call, stopped_caller_gets_its_reply_when_it_goes_on)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller;
	__u64 token;
	int early;

	for (early = 0; early < 2; early++) {
		caller = start_received(&self->queue, reader, &token, (struct peer) { .value = 1 });
		ASSERT_TRUE(caller);
		ASSERT_TRUE(stop(caller));
		if (early)
			EXPECT_EQ(0, reply_value(reader, token, 4));
		kill(caller->pid, SIGCONT);
		if (!early) {
			ASSERT_TRUE(WAIT_UNTIL(process_state(caller->pid) == 'S'));
			ASSERT_TRUE(stop(caller));
			kill(caller->pid, SIGCONT);
			EXPECT_EQ(0, reply_value(reader, token, 4));
		}
		EXPECT_EQ(0, finish(caller));
		EXPECT_EQ(4, caller->value);
		EXPECT_EQ(0, caller->message.request_id);
		EXPECT_TRUE(is_idle(&self->queue));
	}
}

TEST_F(call, traced_caller_gets_its_reply)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ), status;
	__u64 token;
	struct peer *caller =
		start_received(&self->queue, reader, &token, (struct peer) { .value = 1 });

	ASSERT_TRUE(caller);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, caller->pid, 0, 0));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, caller->pid, 0, 0));
	ASSERT_EQ(caller->pid, waitpid(caller->pid, &status, 0));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, caller->pid, 0, 0));
	EXPECT_EQ(0, reply_value(reader, token, 4));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(4, caller->value);
}

TEST_F(call, handled_signal_with_sa_restart_resumes_the_call)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 token;
	struct peer *caller = start_received(&self->queue, reader, &token, (struct peer) {
		.handles_signal = true, .sa_flags = SA_RESTART,
	});

	ASSERT_TRUE(caller);
	kill(caller->pid, SIGUSR1);
	ASSERT_TRUE(WAIT_UNTIL(signals_of(caller) == 1));
	EXPECT_EQ(0, reply_value(reader, token, 4));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(4, caller->value);
	EXPECT_EQ(0, caller->message.request_id);
}

/* The library resumes whatever the handler's flags. */
TEST_F(call, handled_signal_does_not_end_ipcshm_call)
{
	const int flags[] = { 0, SA_RESTART };
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller;
	unsigned int i;
	__u64 token;

	for (i = 0; i < 2; i++) {
		caller = start_received_how(&self->queue, call_value_role, reader, &token,
					    (struct peer){
						    .handles_signal = true,
						    .sa_flags = flags[i],
					    });
		ASSERT_TRUE(caller);
		kill(caller->pid, SIGUSR1);
		ASSERT_TRUE(WAIT_UNTIL(signals_of(caller) == 1));
		EXPECT_EQ(0, reply_value(reader, token, 4));
		EXPECT_EQ(8, finish(caller));
		EXPECT_EQ(4, caller->value);
	}
}

/* After EINTR the structure has the id; here the peer waits to be told before it goes on. */
static void resume_when_told_role(struct peer *peer)
{
	struct ipcshm_call_args transfer = call_of(peer);

	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
	peer->token = peer->result == -EINTR && transfer.request.request_id;
	peer->message.request_id = transfer.request.request_id;
	be_ready(peer);
	while (!is_told(peer))
		usleep(500);
	transfer.reply.size = peer->room;
	transfer.deadline = peer->deadline;
	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
	peer->message = transfer.reply;
	peer->message.request_id = transfer.request.request_id;
}

/* A call that is interrupted, with the id that its caller has. */
static struct peer *interrupt_call(struct test_queue *queue, int reader, __u64 *token,
				   struct peer how)
{
	struct peer *caller;

	how.handles_signal = true;
	caller = start_received_how(queue, resume_when_told_role, reader, token, how);
	if (!caller || kill(caller->pid, SIGUSR1) || !WAIT_UNTIL(is_ready(caller)))
		return NULL;
	return caller->token ? caller : NULL;
}

TEST_F(call, eintr_leaves_an_id_that_resumes_the_call)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ), early;
	struct peer *caller;
	__u64 token;

	for (early = 0; early < 2; early++) {
		caller = interrupt_call(&self->queue, reader, &token, (struct peer) { 0 });
		ASSERT_TRUE(caller);
		EXPECT_EQ(1, queue_stat_now(&self->queue).calls);
		if (early)
			EXPECT_EQ(0, reply_value(reader, token, 4));
		tell(caller);
		if (!early) {
			ASSERT_TRUE(WAIT_UNTIL(process_state(caller->pid) == 'S'));
			EXPECT_EQ(0, reply_value(reader, token, 4));
		}
		EXPECT_EQ(0, finish(caller));
		EXPECT_EQ(4, caller->value);
		EXPECT_EQ(0, caller->message.request_id);
		EXPECT_EQ(-ESRCH, reply_value(reader, token, 4));
		EXPECT_TRUE(is_idle(&self->queue));
	}
}

TEST_F(call, resumed_call_ends_at_its_new_deadline)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 token;
	struct peer *caller = interrupt_call(&self->queue, reader, &token, (struct peer) { 0 });

	ASSERT_TRUE(caller);
	caller->deadline = 1;
	tell(caller);
	EXPECT_EQ(-ETIMEDOUT, finish(caller));
	EXPECT_EQ(0, caller->message.request_id);
	EXPECT_EQ(-ESRCH, reply_value(reader, token, 4));
	EXPECT_TRUE(is_idle(&self->queue));
}

TEST_F(call, interrupted_call_ends_at_its_deadline)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 token, deadline = ipcshm_deadline(300 * MS);
	struct peer *caller =
		interrupt_call(&self->queue, reader, &token, (struct peer){ .deadline = deadline });

	ASSERT_TRUE(caller);
	ASSERT_TRUE(WAIT_UNTIL(now_ns(CLOCK_MONOTONIC) > deadline));
	EXPECT_EQ(-ESRCH, reply_value(reader, token, 4));
	EXPECT_EQ(0, queue_stat_now(&self->queue).calls);
	tell(caller);
	EXPECT_EQ(-ETIMEDOUT, finish(caller));
}

TEST_F(call, reply_to_an_interrupted_call_stays_until_there_is_room)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 token;
	struct peer *caller = interrupt_call(&self->queue, reader, &token, (struct peer) { 0 });

	ASSERT_TRUE(caller);
	EXPECT_EQ(0, reply_value(reader, token, 4));
	caller->room = 4;
	tell(caller);
	EXPECT_EQ(-EMSGSIZE, finish(caller));
	EXPECT_EQ(8, caller->message.size);
	EXPECT_NE(0, caller->message.request_id);
}

TEST_F(call, interrupted_call_is_epipe_when_its_server_goes)
{
	struct peer *server = queue_start(&self->queue, keep_role, (struct peer) { 0 });
	struct peer *caller = queue_start(&self->queue, resume_when_told_role,
					  (struct peer) { .handles_signal = true });

	ASSERT_TRUE(WAIT_UNTIL(is_ready(server)));
	kill(caller->pid, SIGUSR1);
	ASSERT_TRUE(WAIT_UNTIL(is_ready(caller)));
	EXPECT_EQ(1, queue_stat_now(&self->queue).calls);
	kill_peer(server);
	EXPECT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).calls));
	tell(caller);
	EXPECT_EQ(-EPIPE, finish(caller));
}

TEST_F(call, interrupted_call_ends_with_its_process)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 token;
	struct peer *caller = interrupt_call(&self->queue, reader, &token, (struct peer) { 0 });

	ASSERT_TRUE(caller);
	kill_peer(caller);	/* the test has the same descriptor */
	EXPECT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).calls));
	EXPECT_EQ(-ESRCH, reply_value(reader, token, 4));
	EXPECT_TRUE(is_idle(&self->queue));
}

TEST_F(call, interrupted_call_is_resumed_by_its_process_alone)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 token, id;
	struct peer *caller = interrupt_call(&self->queue, reader, &token, (struct peer) { 0 });
	struct peer mine = { .deadline = SOON };
	struct ipcshm_call_args transfer = call_of(&mine);

	ASSERT_TRUE(caller);
	for (id = 1; id < token + 4; id++) {
		transfer.request.request_id = id;
		EXPECT_EQ(-ESRCH,
			  ipcshm_call_transfer(self->queue.fd, &transfer, sizeof(transfer)));
		EXPECT_EQ(id, transfer.request.request_id);
	}
	EXPECT_EQ(0, reply_value(reader, token, 4));
	tell(caller);
	EXPECT_EQ(0, finish(caller));
}

/* Two threads resume the same call: one of them waits. */

static struct ipcshm_call_args contested;

static void *resume_contested(void *result)
{
	struct ipcshm_call_args transfer = contested;

	*(long *)result = ipcshm_call_transfer(this_peer->fd, &transfer, sizeof(transfer));
	return NULL;
}

static void resume_twice_role(struct peer *peer)
{
	long results[2] = { 1, 1 };
	pthread_t threads[2];

	contested = call_of(peer);
	if (ipcshm_call_transfer(peer->fd, &contested, sizeof(contested)) != -EINTR)
		_exit(1);
	pthread_create(&threads[0], NULL, resume_contested, &results[0]);
	pthread_create(&threads[1], NULL, resume_contested, &results[1]);
	while (__atomic_load_n(&results[0], __ATOMIC_ACQUIRE) == 1 &&
	       __atomic_load_n(&results[1], __ATOMIC_ACQUIRE) == 1)
		usleep(500);
	be_ready(peer);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	peer->result = (results[0] == -EBUSY && !results[1]) ||
		       (results[1] == -EBUSY && !results[0]) ? 0 : -1;
}

TEST_F(call, interrupted_call_is_resumed_by_one_thread_at_a_time)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 token;
	struct peer *caller = start_received_how(&self->queue, resume_twice_role, reader, &token,
						 (struct peer) { .handles_signal = true });

	ASSERT_TRUE(caller);
	kill(caller->pid, SIGUSR1);
	ASSERT_TRUE(WAIT_UNTIL(is_ready(caller)));
	EXPECT_EQ(0, reply_value(reader, token, 4));
	EXPECT_EQ(0, finish(caller));
}

/* A caller that abandons calls: each counts in its quota. */

static void abandon_role(struct peer *peer)
{
	/* Again and again, since a signal may come before its call. */
	const struct itimerspec often = {
		.it_value = { .tv_nsec = 5 * MS }, .it_interval = { .tv_nsec = 5 * MS },
	};
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &often, NULL))
		_exit(1);
	for (peer->value = 0; peer->value < ABANDONED; peer->value++) {
		struct ipcshm_call_args transfer = call_of(peer);

		if (ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer)) != -EINTR)
			_exit(1);
		peer->token += !!transfer.request.request_id;
	}
	be_ready(peer);
	for (;;)	/* the timer goes on */
		pause();
}

static void take_all_role(struct peer *peer)
{
	__u64 value;

	while (take_request(peer->fd, &value))
		;
}

TEST_F_TIMEOUT(call, abandoned_calls_count_in_a_quota_and_end_with_the_process, 120)
{
	__u64 before = get_info(self->queue.device).queue_bytes.used, used;
	struct peer *caller;

	ASSERT_TRUE(
		queue_start(&self->queue, take_all_role,
			    (struct peer) { .fd = queue_open_again(&self->queue, IPCSHM_READ) }));
	caller = queue_start(&self->queue, abandon_role, (struct peer) { .handles_signal = true });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(caller)));
	EXPECT_LT(ABANDONED / 2, caller->token);
	EXPECT_EQ(caller->token, queue_stat_now(&self->queue).calls);
	used = get_info(self->queue.device).queue_bytes.used;
	EXPECT_LE(before + caller->token * 100, used);
	kill_peer(caller);
	EXPECT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).calls));
	EXPECT_TRUE(WAIT_UNTIL(get_info(self->queue.device).queue_bytes.used == before));
}

/* A freezer leaves the system call as a stop does. */
static bool write_file(const char *directory, const char *file, const char *text)
{
	char path[128];
	int fd, ok;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static bool is_frozen(const char *directory)
{
	char path[128], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.events", directory);
	file = fopen(path, "re");
	if (!file)
		return false;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return strstr(text, "frozen 1");
}

TEST_F(call, frozen_caller_gets_its_reply)
{
	const char *cgroup = "/tmp/test-freezer/test";
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller;
	char number[16];
	__u64 token;

	SKIP_UNLESS_ROOT;
	mkdir("/tmp/test-freezer", 0700);
	if (mount("none", "/tmp/test-freezer", "cgroup2", 0, NULL) && errno != EBUSY)
		SKIP(return, "no cgroup2");
	mkdir(cgroup, 0700);
	caller = start_received(&self->queue, reader, &token, (struct peer) { .value = 1 });
	ASSERT_TRUE(caller);
	snprintf(number, sizeof(number), "%d", caller->pid);
	if (write_file(cgroup, "cgroup.procs", number) &&
	    write_file(cgroup, "cgroup.freeze", "1")) {
		EXPECT_TRUE(WAIT_UNTIL(is_frozen(cgroup)));
		EXPECT_EQ(0, reply_value(reader, token, 4));
		EXPECT_TRUE(write_file(cgroup, "cgroup.freeze", "0"));
		EXPECT_EQ(0, finish(caller));
		EXPECT_EQ(4, caller->value);
	} else {
		kill_peer(caller);
	}
	EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup) || errno == ENOENT));
	umount("/tmp/test-freezer");
}

TEST_F(call, signal_before_the_request_was_received_withdraws_it)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { .handles_signal = true });
	__u64 value;

	ASSERT_TRUE(caller);
	kill(caller->pid, SIGUSR1);
	EXPECT_EQ(-EINTR, finish(caller));
	EXPECT_TRUE(is_idle(&self->queue));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_receive(reader, &value, 8, NULL, 0));
}

TEST_F(call, restarted_call_makes_its_request_once)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) {
		.handles_signal = true,
		.sa_flags = SA_RESTART,
		.value = 5,
	});
	__u64 value, token;

	ASSERT_TRUE(caller);
	kill(caller->pid, SIGUSR1);
	ASSERT_TRUE(WAIT_UNTIL(signals_of(caller) == 1 && queue_stat_now(&self->queue).calls == 1));
	token = take_request(reader, &value);
	EXPECT_EQ(5, value);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages + queue_stat_now(&self->queue).senders);
	EXPECT_EQ(0, reply_value(reader, token, 6));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(6, caller->value);
}

/* Servers that go. */

TEST_F(call, call_waits_for_the_first_server)
{
	struct peer *caller = start_caller(&self->queue, (struct peer) { .value = 1 });

	ASSERT_TRUE(caller);
	ASSERT_TRUE(queue_start(&self->queue, serve_role, (struct peer) { 0 }));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(1 + TAKE_BACK, caller->value);
}

TEST_F(call, without_a_server_any_more_it_is_epipe_at_once)
{
	struct peer *server = start_server(&self->queue);

	ASSERT_TRUE(server);
	EXPECT_EQ(8, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
	kill_peer(server);
	EXPECT_EQ(0, queue_stat_now(&self->queue).readers);
	EXPECT_EQ(-EPIPE, call_value(self->queue.fd, &(__u64) { 1 }, IPCSHM_FOREVER));
	EXPECT_TRUE(is_idle(&self->queue));
	/* It is not for ever. */
	ASSERT_TRUE(start_server(&self->queue));
	EXPECT_EQ(8, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
}

TEST_F(call, server_killed_before_it_received_the_request_is_epipe)
{
	struct peer *server = queue_start(&self->queue, keep_role, (struct peer) { 0 });
	struct peer *first = start_caller(&self->queue, (struct peer) { 0 }), *second;

	ASSERT_TRUE(WAIT_UNTIL(is_ready(server)));
	second = start_caller(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(first && second);
	kill_peer(server);
	EXPECT_EQ(-EPIPE, finish(first));
	EXPECT_EQ(-EPIPE, finish(second));
	EXPECT_TRUE(is_idle(&self->queue));
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
}

/* Another process has a descriptor to receive through, but not that one. */
TEST_F(call, server_killed_after_it_received_the_request_is_epipe)
{
	struct peer *server = queue_start(&self->queue, keep_role, (struct peer) { 0 }), *other,
		    *caller;

	caller = start_caller(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(caller);
	ASSERT_TRUE(WAIT_UNTIL(is_ready(server)));
	other = start_server(&self->queue);
	ASSERT_TRUE(other);
	kill_peer(server);
	EXPECT_EQ(-EPIPE, finish(caller));
	EXPECT_EQ(8, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
}

/* Takes one request through the descriptor that it was given, and keeps it. */
static void keep_shared_role(struct peer *peer)
{
	peer->result = take_request(peer->fd, &peer->value) ? 0 : 1;
	be_ready(peer);
	pause();
}

TEST_F(call, server_killed_is_epipe_though_others_share_its_descriptor)
{
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 }), *server;
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 value, token;

	ASSERT_TRUE(caller);
	server = queue_start(&self->queue, keep_shared_role, (struct peer) { .fd = reader });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(server)));
	kill_peer(server);
	EXPECT_EQ(-EPIPE, finish(caller));
	/* What the others have received stays theirs. */
	caller = start_caller(&self->queue, (struct peer) { 0 });
	token = take_request(reader, &value);
	ASSERT_NE(0, token);
	server = queue_start(&self->queue, keep_shared_role, (struct peer) { .fd = reader });
	kill_peer(server);
	EXPECT_EQ(0, reply_value(reader, token, 4));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(4, caller->value);
}

/*
 * A process that shares its table of descriptors with one that lives on: its end closes nothing.
 */

static int shared_reader;	/* the server's descriptor */

static int take_and_exit(void *unused)
{
	__u64 value;

	_exit(unused || !take_request(shared_reader, &value));
}

static int take_and_be_killed(void *unused)
{
	__u64 value;

	if (!unused && take_request(shared_reader, &value))
		raise(SIGKILL);
	_exit(1);
}

/* The thread that has taken the request outlives the one that the process began with. */
static void *take_and_go_on(void *unused)
{
	__u64 value, token = take_request(shared_reader, &value);

	be_ready(this_peer);
	while (token && !is_told(this_peer))
		usleep(500);
	_exit(unused || reply_value(shared_reader, token, 4));
}

static int take_in_a_thread(void *unused)
{
	pthread_t thread;

	if (!unused && !pthread_create(&thread, NULL, take_and_go_on, NULL))
		syscall(SYS_exit, 0);
	_exit(1);
}

static void sharing_role(struct peer *peer)
{
	static int (*const ends[])(void *) = { take_and_exit, take_and_be_killed,
					       take_in_a_thread };
	static const int flags[] = { 0, CLONE_VM, CLONE_VM | CLONE_VFORK };
	char *stack = malloc(1 << 16);

	shared_reader = peer->fd;
	if (clone(ends[peer->index], stack + (1 << 16), CLONE_FILES | flags[peer->kind] | SIGCHLD,
		  NULL) < 0)
		_exit(1);
	pause();
}

TEST_F(call, server_that_ends_is_epipe_though_it_shares_its_table)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *server, *caller;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		server = queue_start(&self->queue, sharing_role, (struct peer) {
			.fd = reader, .index = i % 2, .kind = i / 2,
		});
		EXPECT_EQ(-EPIPE, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
		EXPECT_NE('Z', process_state(server->pid));
		kill_peer(server);
	}
	caller = start_caller(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(caller);
	EXPECT_EQ(0, reply_value(reader, take_request(reader, &caller->value), 4));
	EXPECT_EQ(0, finish(caller));
}

TEST_F(call, server_whose_first_thread_exits_goes_on)
{
	struct peer *server = queue_start(&self->queue, sharing_role, (struct peer) {
		.fd = queue_open_again(&self->queue, IPCSHM_READ), .index = 2,
	});
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 });

	ASSERT_TRUE(caller);
	ASSERT_TRUE(WAIT_UNTIL(is_ready(server)));
	EXPECT_EQ(1, queue_stat_now(&self->queue).calls);
	tell(server);
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(4, caller->value);
}

static void exec_role(struct peer *peer)
{
	char *arguments[] = { "peer", "closed", "999", NULL };

	take_request(peer->fd, &peer->value);
	exec_peer(arguments);
}

static void exec_with_a_copy_role(struct peer *peer)
{
	int copy = fcntl(peer->fd, F_DUPFD, 100);	/* which exec leaves open */

	if (copy >= 0)
		exec_role(peer);
}

TEST_F(call, server_that_executes_another_program_is_epipe_though_a_copy_stays)
{
	struct peer *server =
		queue_start(&self->queue, exec_with_a_copy_role,
			    (struct peer) { .fd = queue_open_again(&self->queue, IPCSHM_READ) });

	EXPECT_EQ(-EPIPE, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
	EXPECT_EQ(0, wait_child(server->pid));
	server->pid = 0;
}

/* How long an exec takes that closes as many descriptors of the queue; 0: it failed. */
static __u64 time_exec(struct test_queue *queue, unsigned int count)
{
	struct rlimit limit = { count + 1000, count + 1000 };
	char *arguments[] = { "peer", "closed", "999", NULL };
	__u64 *start = mmap(NULL, sizeof(*start), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork_peer();

	if (!pid) {
		if (setrlimit(RLIMIT_NOFILE, &limit))
			_exit(1);
		while (count--)
			if (queue_open_again(queue, IPCSHM_WRITE) < 0)
				_exit(1);
		*start = now_ns(CLOCK_MONOTONIC);
		exec_peer(arguments);
	}
	return wait_child(pid) ? 0 : now_ns(CLOCK_MONOTONIC) - *start;
}

static __u64 lesser(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

TEST_F_TIMEOUT(call, exec_takes_linear_time_in_the_descriptors_that_it_closes, 200)
{
	__u64 few = ~0ULL, many_more = ~0ULL;
	unsigned int i;

	SKIP_UNLESS_ROOT;
	for (i = 0; i < 3; i++) {
		few = lesser(few, time_exec(&self->queue, 4000));
		many_more = lesser(many_more, time_exec(&self->queue, 16000));
	}
	ASSERT_NE(0, few);
	ASSERT_NE(0, many_more);
	TH_LOG("exec closes 4,000 descriptors in %llu us, 16,000 in %llu us", few / 1000,
	       many_more / 1000);
	EXPECT_LT(many_more, 8 * few);
}

TEST_F(call, server_that_only_closes_a_copy_goes_on)
{
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 });
	int reader = queue_open_again(&self->queue, IPCSHM_READ), copy = dup(reader);
	__u64 value, token = take_request(reader, &value);

	ASSERT_TRUE(caller);
	close(reader);
	EXPECT_EQ(0, reply_value(copy, token, 4));
	EXPECT_EQ(0, finish(caller));
}

static void close_role(struct peer *peer)
{
	int reader = queue_open_again(peer->queue, IPCSHM_READ);

	peer->result = take_request(reader, &peer->value) ? 0 : 1;
	close(reader);
	be_ready(peer);
	pause();
}

TEST_F(call, server_that_closes_and_lives_is_epipe)
{
	struct peer *server = queue_start(&self->queue, close_role, (struct peer) { 0 });

	EXPECT_EQ(-EPIPE, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
	EXPECT_EQ(0, server->result);
	EXPECT_EQ(0, kill(server->pid, 0));
}

TEST_F(call, server_that_executes_another_program_is_epipe)
{
	/* Which it has from the test, so that the description stays open. */
	struct peer *server =
		queue_start(&self->queue, exec_role,
			    (struct peer) { .fd = queue_open_again(&self->queue, IPCSHM_READ) });

	EXPECT_EQ(-EPIPE, call_value(self->queue.fd, &(__u64) { 1 }, SOON));
	EXPECT_EQ(0, wait_child(server->pid));
	server->pid = 0;
}

TEST_F(call, revocation_ends_calls)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *received = start_caller(&self->queue, (struct peer) { 0 }), *waiting;
	__u64 value, token = take_request(reader, &value);

	waiting = start_caller(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(received && waiting);
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(received));
	EXPECT_EQ(-EKEYREVOKED, finish(waiting));
	EXPECT_EQ(-EKEYREVOKED, reply_value(reader, token, 1));
	EXPECT_TRUE(is_idle(&self->queue));
}

TEST_F(call, drained_request_is_enobufs_for_its_caller)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 });
	uint64_t drained = 0;

	if (!variant->max_messages)
		SKIP(return, "a rendezvous keeps no request");
	ASSERT_TRUE(caller);
	EXPECT_EQ(0, ipcshm_queue_drain(reader, &drained));
	EXPECT_EQ(1, drained);
	EXPECT_EQ(-ENOBUFS, finish(caller));
	EXPECT_TRUE(is_idle(&self->queue));
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
	peer->type = call.reply.request_id;
	peer->priority = call.request.request_id != 0;
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
			.type = 1,
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
			EXPECT_EQ(1, server->priority);
		}
		EXPECT_EQ(flags[i] ? 0 : -EINTR, finish(server));
		EXPECT_EQ(0, server->type);
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

/* A server is killed at any time: each call is answered, or it is EPIPE. */
static void calls_until_role(struct peer *peer)
{
	__u64 value;
	long result;

	do {
		value = peer->value;
		result = call_value(peer->fd, &value, SOON);
		if (result != -EPIPE && (result != 8 || value != peer->value + TAKE_BACK))
			_exit(1);
		peer->type += result == 8;
		peer->priority += result == -EPIPE;
	} while (!is_told(peer));
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
		tell(callers[i]);
	for (i = 0; i < CALLERS; i++) {
		EXPECT_EQ(0, finish(callers[i]));
		answered += callers[i]->type;
		failed += callers[i]->priority;
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
