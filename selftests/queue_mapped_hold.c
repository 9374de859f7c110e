// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues with a pool: messages that are held are given back by their holder, by the close of its
 * descriptor or by its end.
 */
#include <pthread.h>

#include "common/harness.h"
#include "common/queue.h"
#include "mapped_fixture.h"

TEST_F(mapped, only_held_messages_can_be_given_back)
{
	struct held held;
	uint64_t wrong[] = { 0, 0, 1, POOL, ~0ULL, 1ULL << 63, PAGE };
	int other = queue_open_again(&self->queue, IPCSHM_READ);
	size_t i;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 100));
	EXPECT_EQ(-EINVAL, ipcshm_release(self->queue.fd, wrong, 1));
	ASSERT_EQ(100, hold_message(&self->queue, &held));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (wrong[i] == held.offset)
			wrong[i] += 64;
		EXPECT_EQ(-EINVAL, ipcshm_release(self->queue.fd, &wrong[i], 1));
		wrong[i] = held.offset + 1 + i;
		EXPECT_EQ(-EINVAL, ipcshm_release(self->queue.fd, &wrong[i], 1));
	}
	EXPECT_EQ(-EINVAL, ipcshm_release(other, &held.offset, 1));
	EXPECT_EQ(1, queue_stat_now(&self->queue).held);
	EXPECT_EQ(1, give_back(&self->queue, &held));
	EXPECT_EQ(-EINVAL, give_back(&self->queue, &held));
}

/* With a table of descriptors to itself, which goes when the thread does. */
struct thread_hold {
	struct test_queue *queue;
	struct held held;
};

static void *hold_in_a_thread(void *argument)
{
	struct thread_hold *hold_of = argument;

	if (unshare(CLONE_FILES) || hold_message(hold_of->queue, &hold_of->held) != 100)
		return NULL;
	return argument;
}

TEST_F(mapped, end_of_a_thread_gives_nothing_back)
{
	struct thread_hold holder = { .queue = &self->queue };
	pthread_t thread;
	void *done;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 100));
	ASSERT_EQ(0, pthread_create(&thread, NULL, hold_in_a_thread, &holder));
	ASSERT_EQ(0, pthread_join(thread, &done));
	ASSERT_TRUE(done);
	EXPECT_EQ(1, queue_stat_now(&self->queue).held);
	ASSERT_EQ(0, send_numbered(self->queue.fd, 2, 100));
	EXPECT_TRUE(is_whole(self, &holder.held));
	EXPECT_EQ(1, give_back(&self->queue, &holder.held));
}

/* A thread that is still there when its process is killed, though it has a table of its own. */

static void *pause_with_own_descriptors(void *unused)
{
	if (unshare(CLONE_FILES) || close(this_peer->queue->fd))
		return unused;
	be_ready(this_peer);
	for (;;)
		pause();
}

static void hold_beside_a_thread_role(struct peer *peer)
{
	struct held held;
	pthread_t thread;

	if (hold_message(peer->queue, &held) != 100 ||
	    pthread_create(&thread, NULL, pause_with_own_descriptors, NULL) ||
	    !WAIT_UNTIL(is_ready(peer)))
		return;
	let_continue(peer);
	pause();
}

TEST_F_TIMEOUT(mapped, killed_process_gives_back_all_with_any_descriptors_of_its_threads, 120)
{
	struct peer *holder;
	unsigned int i;

	for (i = 0; i < many(100, 20); i++) {
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, 100));
		holder = queue_start(&self->queue, hold_beside_a_thread_role, (struct peer) { 0 });
		ASSERT_TRUE(WAIT_UNTIL(may_continue(holder)));
		ASSERT_EQ(1, queue_stat_now(&self->queue).held);
		kill_peer(holder);
		ASSERT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).held));
	}
}

static int hold_and_exit(void *unused)
{
	struct held held;

	_exit(unused || hold_message(this_peer->queue, &held) != 100);
}

/* A process that shares the table of descriptors, and closes none. */
static void hold_with_a_shared_table_role(struct peer *peer)
{
	char *stack = malloc(1 << 16);
	pid_t pid = clone(hold_and_exit, stack + (1 << 16), CLONE_FILES | SIGCHLD, NULL);

	peer->result = pid < 0 ? 1 : wait_child(pid);
	be_ready(peer);
	pause();
}

TEST_F(mapped, process_that_exits_gives_back_though_it_shares_its_table)
{
	struct peer *holder;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 100));
	holder = queue_start(&self->queue, hold_with_a_shared_table_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(holder)));
	EXPECT_EQ(0, holder->result);
	EXPECT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).held));
}

static void hold_and_exec_role(struct peer *peer)
{
	char *arguments[] = { "peer", "closed", "999", NULL };
	struct held held;

	peer->result = hold_message(peer->queue, &held);
	exec_peer(arguments);
}

TEST_F(mapped, process_that_executes_another_program_gives_back)
{
	struct peer *holder;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 100));
	holder = queue_start(&self->queue, hold_and_exec_role, (struct peer) { 0 });
	EXPECT_EQ(0, wait_child(holder->pid));
	holder->pid = 0;
	EXPECT_EQ(100, holder->result);
	EXPECT_EQ(0, queue_stat_now(&self->queue).held);
}

TEST_F(mapped, batch_of_releases_returns_its_progress)
{
	struct held held[3];
	uint64_t offsets[4];
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, 100));
		ASSERT_EQ(100, hold_message(&self->queue, &held[i]));
		offsets[i < 2 ? i : 3] = held[i].offset;
	}
	offsets[2] = 3;
	EXPECT_EQ(2, ipcshm_release(self->queue.fd, offsets, 4));
	EXPECT_EQ(1, queue_stat_now(&self->queue).held);
	EXPECT_EQ(-EINVAL, ipcshm_release(self->queue.fd, offsets + 2, 2));
	EXPECT_EQ(1, queue_stat_now(&self->queue).held);
	/* The same twice is wrong the second time. */
	offsets[2] = offsets[3];
	EXPECT_EQ(1, ipcshm_release(self->queue.fd, offsets + 2, 2));
	EXPECT_EQ(0, queue_stat_now(&self->queue).held);
}

TEST_F(mapped, closing_the_descriptor_gives_back)
{
	struct ipcshm_message message = { .flags = IPCSHM_MAPPED };
	int reader = queue_open_again(&self->queue, IPCSHM_READ), copy = dup(reader);

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 100));
	ASSERT_EQ(100, ipcshm_receive_message(reader, &message, SOON));
	close(reader);
	EXPECT_EQ(1, queue_stat_now(&self->queue).held);
	close(copy);
	EXPECT_EQ(0, queue_stat_now(&self->queue).held);
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

static void hold_role(struct peer *peer)
{
	struct ipcshm_message message = { .flags = IPCSHM_MAPPED };

	peer->result = ipcshm_receive_message(peer->fd, &message, SOON);
	peer->value = message.data;
	be_ready(peer);
	pause();
}

TEST_F(mapped, killed_receiver_gives_back_though_others_share_its_descriptor)
{
	struct peer *receivers[2];
	struct held mine;
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, 100));
	ASSERT_EQ(100, hold_message(&self->queue, &mine));
	for (i = 0; i < 2; i++) {
		receivers[i] = queue_start(&self->queue, hold_role, (struct peer) { 0 });
		ASSERT_TRUE(WAIT_UNTIL(is_ready(receivers[i])));
		EXPECT_EQ(100, receivers[i]->result);
	}
	EXPECT_EQ(3, queue_stat_now(&self->queue).held);
	kill_peer(receivers[0]);
	EXPECT_EQ(2, queue_stat_now(&self->queue).held);
	kill_peer(receivers[1]);
	EXPECT_EQ(1, queue_stat_now(&self->queue).held);
	EXPECT_TRUE(is_whole(self, &mine));
	EXPECT_EQ(1, give_back(&self->queue, &mine));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(3, queue_stat_now(&self->queue).received);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

TEST_F(mapped, process_that_shares_the_descriptor_can_give_back)
{
	struct peer *receiver;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 100));
	receiver = queue_start(&self->queue, hold_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(receiver)));
	EXPECT_EQ(1, ipcshm_release(self->queue.fd, (uint64_t []) { receiver->value }, 1));
	EXPECT_EQ(0, queue_stat_now(&self->queue).held);
	kill_peer(receiver);
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
}

IPCSHM_TEST_MAIN
