// SPDX-License-Identifier: GPL-2.0-only
/* Servers that go: which of their calls end, and with which error. */
#include <pthread.h>
#include <sys/syscall.h>

#include "call_fixture.h"
#include "common/call.h"
#include "common/harness.h"
#include "common/queue.h"

/* Servers that go. */

TEST_F(call, call_waits_for_the_first_server)
{
	struct peer *caller = start_caller(&self->queue, (struct peer) { .value = 1 });

	ASSERT_TRUE(caller);
	ASSERT_TRUE(queue_start(&self->queue, serve_role, (struct peer) { 0 }));
	EXPECT_EQ(0, finish(caller));
	EXPECT_EQ(1 + TAKE_BACK, caller->value);
}

TEST_F(call, call_after_the_last_server_fails_with_epipe_at_once)
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
	/* Requests that others have received stay theirs. */
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
	while (token && !may_continue(this_peer))
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
	let_continue(server);
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

IPCSHM_TEST_MAIN
