// SPDX-License-Identifier: GPL-2.0-only
/* Queues: the waits of a descriptor are cancelled, those of others go on. */
#include <pthread.h>

#include "common/call.h"
#include "common/harness.h"
#include "common/process.h"
#include "common/queue.h"

#define PLACES		2	/* messages that the queue keeps */
#define WAITERS		40	/* more than are woken at once */
#define ITEMS		many(20000, 500)
#define RECEIVERS	2

FIXTURE(cancel)
{
	struct test_queue queue;
	int other;	/* another open file description of the queue */
};

FIXTURE_SETUP(cancel)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, PLACES, 0, SIZE));
	self->other = queue_open_again(&self->queue, READ_WRITE);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(cancel)
{
	queue_tear_down(&self->queue);
}

static void receive_batch_role(struct peer *peer)
{
	struct ipcshm_message message = {
		.data = (uintptr_t)&peer->value,
		.size = sizeof(peer->value),
	};

	peer->result = ipcshm_receive_batch(peer->fd, &message, 1, 0, peer->deadline);
}

static void receive_ack_role(struct peer *peer)
{
	struct ipcshm_message message = {
		.data = (uintptr_t)&peer->value,
		.size = sizeof(peer->value),
	};

	peer->result = ipcshm_receive_ack(peer->fd, &message, 0, peer->deadline);
}

static struct peer *start_asleep(struct test_queue *queue, void (*role)(struct peer *),
				 struct peer how)
{
	struct peer *peer = queue_start(queue, role, how);

	return WAIT_UNTIL(is_asleep(peer->pid)) ? peer : NULL;
}

static void (*const receiving[])(struct peer *) = {
	receive_role, receive_batch_role, receive_ack_role, read_role,
};

TEST_F(cancel, receives_end_and_nothing_is_lost)
{
	struct peer *peers[sizeof(receiving) / sizeof(receiving[0])];
	size_t i;

	for (i = 0; i < sizeof(receiving) / sizeof(receiving[0]); i++) {
		peers[i] = block_receiver_how(&self->queue, receiving[i], (struct peer) { 0 });
		ASSERT_TRUE(peers[i]);
	}
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	for (i = 0; i < sizeof(receiving) / sizeof(receiving[0]); i++)
		EXPECT_EQ(-ECANCELED, finish(peers[i]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	EXPECT_EQ(0, try_send(&self->queue, 7, 0));
	EXPECT_EQ(7, receive_value(&self->queue));
}

static void (*const sending[])(struct peer *) = { send_role, write_role };

TEST_F(cancel, sends_end_and_their_messages_stay_out)
{
	struct peer *peers[sizeof(sending) / sizeof(sending[0])];
	__u64 value;
	size_t i;

	for (i = 0; i < PLACES; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	for (i = 0; i < sizeof(sending) / sizeof(sending[0]); i++) {
		peers[i] = block_sender_how(&self->queue, sending[i], (struct peer) { .value = 9 });
		ASSERT_TRUE(peers[i]);
	}
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	for (i = 0; i < sizeof(sending) / sizeof(sending[0]); i++)
		EXPECT_EQ(-ECANCELED, finish(peers[i]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	for (i = 0; i < PLACES; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
}

TEST_F(cancel, calls_end_before_and_after_their_request_is_received)
{
	struct peer *caller = start_caller(&self->queue, (struct peer) { 0 });
	__u64 value, token;

	ASSERT_TRUE(caller);
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	EXPECT_EQ(-ECANCELED, finish(caller));
	EXPECT_TRUE(is_idle(&self->queue));
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, IPCSHM_CANCEL_UNDO));
	caller = start_caller(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(caller);
	token = take_request(self->other, &value);
	ASSERT_NE(0, token);
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	EXPECT_EQ(-ECANCELED, finish(caller));
	EXPECT_EQ(-ESRCH, reply_value(self->other, token, 1));
	EXPECT_TRUE(is_idle(&self->queue));
}

/* Its first wait ends by a signal, and the call stays; so the second wait is another one. */
static void resume_role(struct peer *peer)
{
	struct ipcshm_call_args call = {
		.request = { .data = (uintptr_t)&peer->value, .size = sizeof(peer->value) },
		.reply = { .data = (uintptr_t)&peer->value, .size = sizeof(peer->value) },
		.deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
	};

	peer->count = -ipcshm_call_transfer(peer->fd, &call, sizeof(call));
	be_ready(peer);
	peer->result = ipcshm_call_transfer(peer->fd, &call, sizeof(call));
}

TEST_F(cancel, resumed_call_ends)
{
	struct peer *caller = queue_start(&self->queue, resume_role,
					  (struct peer) { .handles_signal = true });
	__u64 value;

	ASSERT_NE(0, take_request(self->other, &value));
	ASSERT_TRUE(WAIT_UNTIL(is_asleep(caller->pid)));
	kill(caller->pid, SIGUSR1);
	ASSERT_TRUE(WAIT_UNTIL(is_ready(caller) && is_asleep(caller->pid)));
	EXPECT_EQ(EINTR, caller->count);
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	EXPECT_EQ(-ECANCELED, finish(caller));
	EXPECT_TRUE(is_idle(&self->queue));
}

static void wait_peer_role(struct peer *peer)
{
	peer->result = ipcshm_queue_wait_peer(peer->fd, peer->deadline);
}

TEST_F(cancel, wait_for_a_peer_ends)
{
	struct peer *waiter;

	close(self->other);
	waiter = start_asleep(&self->queue, wait_peer_role, (struct peer) { 0 });
	ASSERT_TRUE(waiter);
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	EXPECT_EQ(-ECANCELED, finish(waiter));
}

TEST_F(cancel, all_of_many_waits_end)
{
	struct peer *peers[WAITERS];
	size_t i;

	for (i = 0; i < WAITERS; i++) {
		peers[i] = block_receiver(&self->queue);
		ASSERT_TRUE(peers[i]);
	}
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	for (i = 0; i < WAITERS; i++)
		EXPECT_EQ(-ECANCELED, finish(peers[i]));
}

/* A wait that has ended is not in the list; its task's stack is another one's by now. */
TEST_F(cancel, ended_waits_are_forgotten)
{
	struct peer *peer = block_receiver(&self->queue);
	__u64 value, token;
	size_t i;

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(peer));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_receive(self->queue.fd, &value, 8, NULL, IPCSHM_NOW));
	for (i = 0; i < PLACES; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_send(self->queue.fd, &value, 8, 0, IPCSHM_NOW));
	peer = block_sender(&self->queue, 9, 0);
	ASSERT_TRUE(peer);
	for (i = 0; i <= PLACES; i++)
		ASSERT_NE(NOTHING, receive_value(&self->queue));
	EXPECT_EQ(0, finish(peer));
	peer = start_caller(&self->queue, (struct peer) { 0 });
	ASSERT_TRUE(peer);
	token = take_request(self->other, &value);
	EXPECT_EQ(0, reply_value(self->other, token, 1));
	EXPECT_EQ(0, finish(peer));
	peer = block_receiver(&self->queue);
	ASSERT_TRUE(peer);
	kill_peer(peer);
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, IPCSHM_CANCEL_UNDO));
	EXPECT_TRUE(is_idle(&self->queue));
}

TEST_F(cancel, other_descriptors_wait_on)
{
	struct peer *peer = block_receiver_how(&self->queue, receive_role,
					       (struct peer) { .fd = self->other });

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	EXPECT_EQ(0, try_send(&self->queue, 5, 0));
	EXPECT_EQ(8, finish(peer));
	EXPECT_EQ(5, peer->value);
}

TEST_F(cancel, later_waits_end_until_it_is_undone)
{
	struct peer *peer;
	__u64 value;

	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	EXPECT_EQ(-ECANCELED, ipcshm_receive(self->queue.fd, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	EXPECT_EQ(0, ipcshm_send(self->queue.fd, &value, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(0, ipcshm_send(self->queue.fd, &value, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-ECANCELED, ipcshm_send(self->queue.fd, &value, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-ECANCELED, call_value(self->queue.fd, &value, IPCSHM_FOREVER));
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
	EXPECT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, NULL, IPCSHM_FOREVER));
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, IPCSHM_CANCEL_UNDO));
	peer = block_receiver(&self->queue);
	ASSERT_TRUE(peer);
	EXPECT_EQ(0, try_send(&self->queue, 6, 0));
	EXPECT_EQ(8, finish(peer));
}

TEST_F(cancel, revoked_queue_has_nothing_to_cancel)
{
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_queue_cancel(self->queue.fd, 0));
}

/* Threads that receive while another one cancels and undoes that all the time. */

static struct {
	int fd;
	__u64 received;
	bool stop;
} crowd;

static void *receive_all(void *unused)
{
	__u64 value;
	long size;

	while (!__atomic_load_n(&crowd.stop, __ATOMIC_ACQUIRE)) {
		size = ipcshm_receive(crowd.fd, &value, 8, NULL, IPCSHM_FOREVER);
		if (size == 8)
			__atomic_fetch_add(&crowd.received, 1, __ATOMIC_RELAXED);
		else if (size != -ECANCELED)
			return (void *)size;
	}
	return unused;
}

TEST_F(cancel, loses_no_message_in_a_race)
{
	pthread_t threads[RECEIVERS];
	void *result;
	__u64 value;
	size_t i;

	crowd.fd = self->queue.fd;
	crowd.received = 0;
	crowd.stop = false;
	for (i = 0; i < RECEIVERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, receive_all, NULL));
	for (value = 0; value < ITEMS; value++) {
		ASSERT_EQ(0, ipcshm_send(self->other, &value, 8, 0, SOON));
		ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd,
						 value % 2 ? IPCSHM_CANCEL_UNDO : 0));
	}
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, IPCSHM_CANCEL_UNDO));
	EXPECT_TRUE(WAIT_UNTIL(__atomic_load_n(&crowd.received, __ATOMIC_RELAXED) == ITEMS));
	__atomic_store_n(&crowd.stop, true, __ATOMIC_RELEASE);
	/* A thread is missed neither before nor after it looked. */
	ASSERT_EQ(0, ipcshm_queue_cancel(self->queue.fd, 0));
	for (i = 0; i < RECEIVERS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &result));
		EXPECT_EQ(NULL, result);
	}
	EXPECT_EQ(ITEMS, queue_stat_now(&self->queue).received);
}

TEST_HARNESS_MAIN
