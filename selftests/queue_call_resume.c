// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callers that give up, and calls that a signal, a stop, a tracer or a freezer interrupts: the
 * caller gets its reply when it resumes the call by the request id.
 */
#include <pthread.h>
#include <sys/mount.h>
#include <sys/ptrace.h>

#include "call_fixture.h"
#include "common/call.h"
#include "common/cgroup.h"
#include "common/harness.h"
#include "common/queue.h"

static void call_value_role(struct peer *peer)
{
	peer->result = call_value(peer->fd, &peer->value, peer->deadline);
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

/* Calls once; after EINTR, the peer's token is the request id. */
static void call_once_role(struct peer *peer)
{
	struct ipcshm_call_args transfer = call_of(peer);

	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
	peer->msg.message.request_id = transfer.request.request_id;
}

/* A caller whose request was received through @reader, with this id. */
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

static bool stop_peer(struct peer *peer)
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
		ASSERT_TRUE(stop_peer(caller));
		if (early)
			EXPECT_EQ(0, reply_value(reader, token, 4));
		kill(caller->pid, SIGCONT);
		if (!early) {
			ASSERT_TRUE(WAIT_UNTIL(process_state(caller->pid) == 'S'));
			ASSERT_TRUE(stop_peer(caller));
			kill(caller->pid, SIGCONT);
			EXPECT_EQ(0, reply_value(reader, token, 4));
		}
		EXPECT_EQ(0, finish(caller));
		EXPECT_EQ(4, caller->value);
		EXPECT_EQ(0, caller->msg.message.request_id);
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
	EXPECT_EQ(0, caller->msg.message.request_id);
}

/* The library resumes the call with any flags of the handler. */
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

/* After EINTR the structure has the id; the peer resumes when the test signals. */
static void resume_when_signalled_role(struct peer *peer)
{
	struct ipcshm_call_args transfer = call_of(peer);

	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
	peer->token = peer->result == -EINTR && transfer.request.request_id;
	peer->msg.message.request_id = transfer.request.request_id;
	be_ready(peer);
	while (!may_continue(peer))
		usleep(500);
	transfer.reply.size = peer->msg.room;
	transfer.deadline = peer->deadline;
	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
	peer->msg.message = transfer.reply;
	peer->msg.message.request_id = transfer.request.request_id;
}

/* A call that is interrupted, with the id that its caller has. */
static struct peer *interrupt_call(struct test_queue *queue, int reader, __u64 *token,
				   struct peer how)
{
	struct peer *caller;

	how.handles_signal = true;
	caller = start_received_how(queue, resume_when_signalled_role, reader, token, how);
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
		let_continue(caller);
		if (!early) {
			ASSERT_TRUE(WAIT_UNTIL(process_state(caller->pid) == 'S'));
			EXPECT_EQ(0, reply_value(reader, token, 4));
		}
		EXPECT_EQ(0, finish(caller));
		EXPECT_EQ(4, caller->value);
		EXPECT_EQ(0, caller->msg.message.request_id);
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
	let_continue(caller);
	EXPECT_EQ(-ETIMEDOUT, finish(caller));
	EXPECT_EQ(0, caller->msg.message.request_id);
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
	let_continue(caller);
	EXPECT_EQ(-ETIMEDOUT, finish(caller));
}

TEST_F(call, reply_to_an_interrupted_call_stays_until_there_is_room)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ);
	__u64 token;
	struct peer *caller = interrupt_call(&self->queue, reader, &token, (struct peer) { 0 });

	ASSERT_TRUE(caller);
	EXPECT_EQ(0, reply_value(reader, token, 4));
	caller->msg.room = 4;
	let_continue(caller);
	EXPECT_EQ(-EMSGSIZE, finish(caller));
	EXPECT_EQ(8, caller->msg.message.size);
	EXPECT_NE(0, caller->msg.message.request_id);
}

TEST_F(call, interrupted_call_is_epipe_when_its_server_goes)
{
	struct peer *server = queue_start(&self->queue, keep_role, (struct peer) { 0 });
	struct peer *caller = queue_start(&self->queue, resume_when_signalled_role,
					  (struct peer) { .handles_signal = true });

	ASSERT_TRUE(WAIT_UNTIL(is_ready(server)));
	kill(caller->pid, SIGUSR1);
	ASSERT_TRUE(WAIT_UNTIL(is_ready(caller)));
	EXPECT_EQ(1, queue_stat_now(&self->queue).calls);
	kill_peer(server);
	EXPECT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).calls));
	let_continue(caller);
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
	let_continue(caller);
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

IPCSHM_TEST_MAIN
