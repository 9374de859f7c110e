// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: users that pay for messages. The creator of a bounded queue pays when it is
 * created, the sender for a message that an unbounded queue keeps, and the receiver for
 * memory that it keeps the kernel from freeing. A message for a sleeping task is free.
 */
#include "common/cgroup.h"
#include "common/harness.h"
#include "common/queue.h"
#include "quota_fixture.h"

/* Bounded queues. */

TEST_F(quota, bounded_queue_is_paid_for_by_its_creator)
{
	int fd = make_queue(&self->queue, 10, 1000, SMALL), i;

	EXPECT_EQ(10 * (SMALL + self->record), used_bytes(&self->queue));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, try_size(fd, SMALL));
	EXPECT_EQ(-EAGAIN, try_size(fd, 1));
	EXPECT_EQ(10 * (SMALL + self->record), used_bytes(&self->queue));
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

/* No more than can be in it. */
TEST_F(quota, bytes_that_cant_be_used_cost_nothing)
{
	int fd = make_queue(&self->queue, 10, 1 << 30, SMALL);

	EXPECT_EQ(10 * (SMALL + self->record), used_bytes(&self->queue));
	close(fd);
	fd = make_queue(&self->queue, 10, 300, SMALL);
	EXPECT_EQ(300 + 10 * self->record, used_bytes(&self->queue));
	close(fd);
}

TEST_F(quota, bytes_of_zero_are_as_many_as_needed)
{
	int fd = make_queue(&self->queue, 10, 0, SMALL), i;

	EXPECT_EQ(10 * SMALL, queue_stat(fd).max_bytes);
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, try_size(fd, SMALL));
	EXPECT_EQ(-EAGAIN, try_size(fd, 0));
	EXPECT_EQ(0, ipcshm_queue_set(fd, 20, 0));
	EXPECT_EQ(20 * SMALL, queue_stat(fd).max_bytes);
	close(fd);
	fd = make_queue(&self->queue, IPCSHM_UNBOUNDED, 0, SMALL);
	EXPECT_EQ(IPCSHM_UNBOUNDED, queue_stat(fd).max_bytes);
	close(fd);
	fd = make_queue(&self->queue, 1ULL << 60, 0, SMALL);
	EXPECT_EQ(IPCSHM_UNBOUNDED, queue_stat(fd).max_bytes);
	close(fd);
}

TEST_F(quota, too_large_a_queue_is_edquot)
{
	__u64 max = bytes_quota(&self->queue).max;

	EXPECT_EQ(-EDQUOT, make_queue(&self->queue, max / self->record + 1, 1, 1));
	EXPECT_EQ(-EDQUOT, make_queue(&self->queue, 1ULL << 62, 1, 1));
	EXPECT_EQ(-EDQUOT, make_queue(&self->queue, IPCSHM_UNBOUNDED - 1, IPCSHM_UNBOUNDED - 1, 1));
	EXPECT_EQ(0, used_bytes(&self->queue));
	EXPECT_EQ(1, get_info(self->queue.device).objects.used);
}

TEST_F(quota, sends_to_a_bounded_queue_need_no_quota)
{
	int fd = make_queue(&self->queue, 10, 0, LARGE), i;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
	EXPECT_EQ(POLLOUT, poll_now(fd));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, try_size(fd, LARGE));
	EXPECT_EQ(LARGE, receive_from(fd));
	EXPECT_EQ(0, try_size(fd, LARGE));
}

TEST_F(quota, set_charges_the_difference)
{
	int fd = make_queue(&self->queue, 10, 0, SMALL);
	__u64 each = SMALL + self->record;

	EXPECT_EQ(0, ipcshm_queue_set(fd, 15, 0));
	EXPECT_EQ(15 * each, used_bytes(&self->queue));
	EXPECT_EQ(0, ipcshm_queue_set(fd, 5, 0));
	EXPECT_EQ(5 * each, used_bytes(&self->queue));
	EXPECT_EQ(-EDQUOT, ipcshm_queue_set(fd, bytes_quota(&self->queue).max, 0));
	EXPECT_EQ(5, queue_stat(fd).max_messages);
	EXPECT_EQ(5 * each, used_bytes(&self->queue));
	EXPECT_EQ(0, ipcshm_queue_set(fd, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED));
	EXPECT_EQ(0, used_bytes(&self->queue));
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

/* Else its creator could have them for nothing. */
TEST_F(quota, messages_over_a_lowered_capacity_are_still_paid_for)
{
	int fd = make_queue(&self->queue, 10, 0, SMALL), i;
	__u64 each = SMALL + self->record;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, try_size(fd, SMALL));
	EXPECT_EQ(0, ipcshm_queue_set(fd, 2, 0));
	EXPECT_EQ(10 * each, used_bytes(&self->queue));
	for (i = 9; i >= 0; i--) {
		ASSERT_EQ(SMALL, receive_from(fd));
		EXPECT_EQ((i > 2 ? i : 2) * each, used_bytes(&self->queue));
	}
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F(quota, revoked_queue_is_paid_back_at_once)
{
	int fd = make_queue(&self->queue, 10, 0, SMALL);

	ASSERT_EQ(0, try_size(fd, SMALL));
	ASSERT_EQ(0, ipcshm_queue_revoke(fd));
	EXPECT_EQ(0, used_bytes(&self->queue));
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

/* Unbounded queues. */

static void fill_memory_role(struct peer *peer)
{
	if (write(peer->other_fd, "0", 1) != 1)
		_exit(1);
	do
		peer->result = try_size(peer->fd, SMALL);
	while (!peer->result);
}

TEST_F(quota, small_messages_at_the_limit_of_a_memory_cgroup_are_enomem)
{
	struct test_name cgroup;
	char path[128];
	int procs;

	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, setresuid(0, 0, 0));
	cgroup = make_cgroup("16M");
	if (!cgroup.text[0])
		SKIP(return, "no memory cgroup available");
	write_file(cgroup.text, "memory.swap.max", "0");
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup.text);
	procs = open(path, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, procs);
	EXPECT_EQ(-ENOMEM, finish(queue_start(&self->queue, fill_memory_role,
					      (struct peer) { .other_fd = procs })));
	EXPECT_LT(10000, queue_stat(self->queue.fd).messages);
	EXPECT_EQ(0, read_number(cgroup.text, "memory.events", "oom_kill "));
	close(procs);
	close(self->queue.fd);
	EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup.text)));
}

TEST_F(quota, message_in_an_unbounded_queue_is_paid_for_by_its_sender)
{
	ASSERT_EQ(0, try_size(self->queue.fd, SMALL));
	EXPECT_EQ(SMALL + self->record, used_bytes(&self->queue));
	ASSERT_EQ(0, try_size(self->queue.fd, LARGE));
	EXPECT_EQ(SMALL + LARGE + 2 * self->record, used_bytes(&self->queue));
	EXPECT_EQ(SMALL, receive_from(self->queue.fd));
	EXPECT_EQ(LARGE + self->record, used_bytes(&self->queue));
	EXPECT_EQ(0, ipcshm_queue_drain(self->queue.fd, NULL));
	EXPECT_EQ(0, used_bytes(&self->queue));
}

static void send_size_role(struct peer *peer)
{
	peer->result = send_size(peer->fd, peer->value, peer->deadline);
}

/* A sender that waits for quota is a blocked sender. */
static struct peer *block_for_quota(struct test_queue *queue, __u64 deadline)
{
	return block_sender_how(queue, send_size_role, (struct peer) {
		.value = SMALL, .deadline = deadline
	});
}

TEST_F(quota, send_waits_for_quota)
{
	int last = use_up(&self->queue, 0, self->record);
	struct peer *sender;

	ASSERT_LE(0, last);
	EXPECT_EQ(-EAGAIN, try_size(self->queue.fd, SMALL));
	sender = block_for_quota(&self->queue, SOON);
	ASSERT_TRUE(sender);
	EXPECT_TRUE(WAIT_UNTIL(process_state(sender->pid) == 'S'));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, ipcshm_queue_revoke(last));	/* the sender has inherited it */
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(SMALL, receive_from(self->queue.fd));
}

TEST_F(quota, send_that_waits_for_quota_ends_with_its_deadline)
{
	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	EXPECT_EQ(-ETIMEDOUT, send_size(self->queue.fd, SMALL, ipcshm_deadline(50 * MS)));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
}

TEST_F(quota, killed_sender_that_waited_for_quota_leaves_nothing)
{
	int last = use_up(&self->queue, 0, self->record);
	struct peer *sender;

	ASSERT_LE(0, last);
	sender = block_for_quota(&self->queue, SOON);
	ASSERT_TRUE(sender);
	kill_peer(sender);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	close(last);
	EXPECT_EQ(0, try_size(self->queue.fd, SMALL));
}

TEST_F(quota, message_larger_than_the_quota_is_edquot)
{
	struct ipcshm_quota limit = bytes_quota(&self->queue);
	int fd = make_queue(&self->queue, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, IPCSHM_MESSAGE_MAX);

	if (limit.max > IPCSHM_MESSAGE_MAX)
		SKIP(return, "the quota is larger than any message");
	EXPECT_EQ(-EDQUOT, send_size(fd, limit.max, SOON));
	EXPECT_EQ(-EDQUOT, try_size(fd, limit.max));
	EXPECT_EQ(POLLOUT, poll_now(fd));
}

/* It is in its queue, though that does not keep it: a receiver takes it directly. */
TEST_F(quota, receiver_takes_a_message_that_waits_for_quota)
{
	struct peer *sender;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	sender = block_for_quota(&self->queue, SOON);
	ASSERT_TRUE(sender);
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
	EXPECT_EQ(SMALL, receive_from(self->queue.fd));
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
}

TEST_F(quota, senders_that_wait_for_quota_end_with_the_queue)
{
	struct peer *sender;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	sender = block_for_quota(&self->queue, SOON);
	ASSERT_TRUE(sender);
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(sender));
}

/* A crowd that shares a little quota: everything arrives. */
TEST_F(quota, many_senders_share_a_little_quota)
{
	struct peer *sender[8];
	int i, j;

	ASSERT_LE(0, use_up(&self->queue, SMALL + self->record, self->record));
	for (j = 0; j < 10; j++) {
		for (i = 0; i < 8; i++)
			sender[i] = queue_start(&self->queue, send_size_role, (struct peer) {
				.value = SMALL, .deadline = SOON
			});
		for (i = 0; i < 8; i++)
			ASSERT_EQ(SMALL, receive_from(self->queue.fd));
		for (i = 0; i < 8; i++)
			ASSERT_EQ(0, finish(sender[i]));
	}
	EXPECT_EQ(bytes_quota(&self->queue).max - SMALL - self->record, used_bytes(&self->queue));
}

/* Poll. */

TEST_F(quota, poll_agrees_with_send)
{
	int last = use_up(&self->queue, 0, self->record);
	struct peer *poller;

	ASSERT_LE(0, last);
	EXPECT_EQ(0, poll_now(self->queue.fd));
	poller = queue_start(&self->queue, poll_out_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	EXPECT_FALSE(is_done(poller));
	EXPECT_EQ(0, ipcshm_queue_revoke(last));
	EXPECT_EQ(POLLOUT, finish(poller));
	EXPECT_EQ(POLLOUT, poll_now(self->queue.fd));
	EXPECT_EQ(0, try_size(self->queue.fd, LARGE));
}

/* Room for a small message, but not for the largest. */
TEST_F(quota, poll_wants_room_for_the_largest_message)
{
	ASSERT_LE(0, use_up(&self->queue, LARGE / 2, self->record));
	EXPECT_EQ(0, poll_now(self->queue.fd));
	EXPECT_EQ(0, try_size(self->queue.fd, SMALL));
	EXPECT_EQ(-EAGAIN, try_size(self->queue.fd, LARGE));
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
}

/* A message that is handed over costs nothing. */

TEST_F(quota, waiting_receiver_gets_a_message_without_quota)
{
	struct peer *receiver;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	receiver = block_receiver_how(&self->queue, receive_role, (struct peer) { 0 });
	ASSERT_TRUE(receiver);
	EXPECT_EQ(0, try_send(&self->queue, 7, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(7, receiver->value);
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
}

TEST_F(quota, rendezvous_needs_no_quota)
{
	struct peer *receiver;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	close(self->queue.fd);
	self->queue.fd = make_queue(&self->queue, 0, 0, SMALL);
	ASSERT_LE(0, self->queue.fd);
	receiver = block_receiver_how(&self->queue, receive_role, (struct peer) { 0 });
	ASSERT_TRUE(receiver);
	EXPECT_EQ(POLLOUT, poll_now(self->queue.fd) & POLLOUT);
	EXPECT_EQ(0, try_send(&self->queue, 7, 0));
	EXPECT_EQ(8, finish(receiver));
}

static void call_role(struct peer *peer)
{
	peer->result = ipcshm_call(peer->fd, &peer->value, 8, &peer->value, 8, SOON);
}

TEST_F(quota, calls_need_no_quota)
{
	struct ipcshm_message message = { 0 };
	struct peer *caller;
	__u64 value = 0;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	caller = queue_start(&self->queue, call_role, (struct peer) { .value = 3 });
	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, SOON));
	value++;
	EXPECT_EQ(0, ipcshm_reply(self->queue.fd, message.request_id, &value, 8));
	EXPECT_EQ(8, finish(caller));
	EXPECT_EQ(4, caller->value);
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
}

/* Calls; a signal interrupts the call, and the peer resumes it when the test signals. */
static void call_twice_role(struct peer *peer)
{
	static char reply[LARGE];
	struct ipcshm_call_args transfer = {
		.request = { .data = (uintptr_t)&peer->value, .size = 8 },
		.reply = { .data = (uintptr_t)reply, .size = sizeof(reply) },
		.deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
	};

	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
	peer->token = peer->result == -EINTR && transfer.request.request_id;
	be_ready(peer);
	while (!may_continue(peer))
		usleep(500);
	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
}

/* An interrupted caller for which a reply of LARGE bytes is kept. */
static struct peer *keep_reply(struct test_queue *queue, __u64 *cost)
{
	struct ipcshm_message message = { 0 };
	struct peer *caller;
	char data[LARGE] = "";
	__u64 base;

	caller = queue_start(queue, call_twice_role, (struct peer) { .handles_signal = true });
	if (ipcshm_receive(queue->fd, data, 8, &message, SOON) != 8 || kill(caller->pid, SIGUSR1) ||
	    !WAIT_UNTIL(is_ready(caller)) || !caller->token)
		return NULL;
	base = used_bytes(queue);
	if (ipcshm_reply(queue->fd, message.request_id, data, LARGE))
		return NULL;
	*cost = used_bytes(queue) - base;
	return caller;
}

TEST_F(quota, kept_reply_is_charged_until_the_call_is_resumed)
{
	struct peer *caller;
	__u64 cost;

	caller = keep_reply(&self->queue, &cost);
	ASSERT_TRUE(caller);
	EXPECT_EQ(LARGE + self->record, cost);
	let_continue(caller);
	EXPECT_LE(0, finish(caller));
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F(quota, kept_reply_is_paid_back_when_its_caller_is_killed)
{
	struct peer *caller;
	__u64 cost;

	caller = keep_reply(&self->queue, &cost);
	ASSERT_TRUE(caller);
	kill_peer(caller);
	EXPECT_TRUE(WAIT_UNTIL(!used_bytes(&self->queue)));
}

/* A dead letter is charged to the creator of the queue that it comes from. */
TEST_F(quota, dead_letter_without_quota_is_delivered_again)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1,
		.max_message_size = SMALL,
		.max_deliveries = 1,
		.dead_letter_fd = self->queue.fd,
	};
	struct ipcshm_message message = { 0 };
	char data[SMALL];
	int i, rest, jobs;

	jobs = ipcshm_queue_open(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE |
				 IPCSHM_DEAD_LETTERS, 0600, &attr);
	ASSERT_LE(0, jobs);
	ASSERT_EQ(0, try_size(jobs, SMALL));
	rest = make_queue(&self->queue, (bytes_quota(&self->queue).max - used_bytes(&self->queue)) /
			  (SMALL + self->record), 0, SMALL);
	ASSERT_LE(0, rest);
	for (i = 0; i < 2; i++) {
		message.data = (uintptr_t)data;
		message.size = sizeof(data);
		ASSERT_EQ(SMALL, ipcshm_receive_ack(jobs, &message, 0, IPCSHM_NOW));
		EXPECT_EQ(i, message.returns);
		if (i)
			close(rest);
		ASSERT_EQ(1, ipcshm_nack(jobs, &message.ack_id, 1));
		message.ack_id = 0;
		EXPECT_EQ(!i, queue_stat(jobs).messages);
		EXPECT_EQ(i, queue_stat(self->queue.fd).messages);
	}
	close(jobs);
}

IPCSHM_TEST_MAIN
