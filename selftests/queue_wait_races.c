// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: a message comes at the moment at which the blocked receiver is killed,
 * is interrupted or gives up.  It has the message, or that is there for the next.
 */
#include "common/harness.h"
#include "full_fixture.h"
#include "queue_kinds.h"

#define RACES	many(100, 10)	/* how often a race is run */

TEST_F_TIMEOUT(queue, killed_receiver_loses_no_message, 150)
{
	struct peer *first, *second;
	__u64 i;

	for (i = 0; i < RACES; i++) {
		first = block_receiver(&self->queue);
		second = block_receiver(&self->queue);
		ASSERT_TRUE(first);
		ASSERT_TRUE(second);
		kill(first->pid, SIGKILL);
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
		kill_peer(first);
		ASSERT_TRUE(WAIT_UNTIL(is_done(second)));
		ASSERT_EQ(8, finish(second));
		ASSERT_EQ(i, second->value);
		ASSERT_EQ(i + 1, queue_stat_now(&self->queue).sent);
		ASSERT_EQ(i + 1, queue_stat_now(&self->queue).received);
		ASSERT_EQ(0, queue_stat_now(&self->queue).messages);
		ASSERT_EQ(0, queue_stat_now(&self->queue).receivers);
		forget_peers(&self->queue.peers);
	}
}

TEST_F_TIMEOUT(queue, interrupted_receiver_has_the_message_or_leaves_it, 150)
{
	struct peer *receiver;
	unsigned int got = 0;
	long result;
	__u64 i;

	for (i = 0; i < RACES; i++) {
		receiver = block_receiver_with_handler(&self->queue, receive_role, 0, 0);
		ASSERT_TRUE(receiver);
		kill(receiver->pid, SIGUSR1);
		ASSERT_TRUE(offer_value(&self->queue, i, 0));
		result = finish(receiver);
		if (result == 8) {
			got++;
			ASSERT_EQ(i, receiver->value);
		} else {
			ASSERT_EQ(-EINTR, result);
			ASSERT_EQ(i, receive_value(&self->queue));
		}
		ASSERT_EQ(0, queue_stat_now(&self->queue).messages);
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 0));
		ASSERT_EQ(i + 1, queue_stat_now(&self->queue).received);
		forget_peers(&self->queue.peers);
	}
	TH_LOG("%u of %u had it", got, RACES);
}

TEST_F_TIMEOUT(queue, receiver_that_gives_up_has_the_message_or_leaves_it, 150)
{
	struct peer *receiver;
	unsigned int got = 0;
	long result;
	__u64 i;

	for (i = 0; i < RACES; i++) {
		__u64 deadline = ipcshm_deadline(2 * MS + i * MS / 20);

		receiver = queue_start(&self->queue, receive_role,
				       (struct peer) { .deadline = deadline });
		while (now_ns(CLOCK_MONOTONIC) < deadline)
			;
		ASSERT_TRUE(offer_value(&self->queue, i, 0));
		result = finish(receiver);
		if (result == 8) {
			got++;
			ASSERT_EQ(i, receiver->value);
		} else {
			ASSERT_EQ(-ETIMEDOUT, result);
			ASSERT_EQ(i, receive_value(&self->queue));
		}
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 0));
		ASSERT_EQ(i + 1, queue_stat_now(&self->queue).received);
		forget_peers(&self->queue.peers);
	}
	TH_LOG("%u of %u had it", got, RACES);
}

TEST_F_TIMEOUT(full, killed_sender_passes_its_turn_on, 150)
{
	struct peer *first, *second;
	unsigned int i;
	__u64 value;

	for (i = 0; i < RACES; i++) {
		first = block_sender(&self->queue, 1, 0);
		second = block_sender(&self->queue, 2, 0);
		ASSERT_TRUE(first);
		ASSERT_TRUE(second);
		kill(first->pid, SIGKILL);
		ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
		value = receive_value(&self->queue);
		if (value == 1)
			value = receive_value(&self->queue);
		ASSERT_EQ(2, value);
		kill_peer(first);
		ASSERT_EQ(0, finish(second));
		ASSERT_EQ(-EAGAIN, try_receive(&self->queue, &value));
		ASSERT_EQ(0, queue_stat_now(&self->queue).senders);
		ASSERT_TRUE(fill_queue(&self->queue, variant->depth));
		forget_peers(&self->queue.peers);
	}
}

/* Makes room; whether the sender had sent by then: all of it, or none. */
static bool sent_or_not(struct test_queue *queue, struct __test_metadata *_metadata,
			struct peer *sender, unsigned int depth, int error)
{
	__u64 value = NOTHING;
	long result;

	ASSERT_TRUE(drain_queue(queue, depth));
	if (!depth)
		try_receive(queue, &value);
	result = finish(sender);
	if (result) {
		ASSERT_EQ(error, result);
		ASSERT_EQ(NOTHING, value);
	} else {
		ASSERT_EQ(5, depth ? receive_value(queue) : value);
	}
	ASSERT_EQ(-EAGAIN, try_receive(queue, &value));
	ASSERT_EQ(0, queue_stat_now(queue).senders);
	ASSERT_EQ(queue_stat_now(queue).sent, queue_stat_now(queue).received);
	return !result;
}

TEST_F_TIMEOUT(full, interrupted_sender_has_sent_or_not, 150)
{
	struct peer *sender;
	unsigned int i, sent = 0;

	ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
	for (i = 0; i < RACES; i++) {
		ASSERT_TRUE(fill_queue(&self->queue, variant->depth));
		sender = block_sender_how(&self->queue, send_role, (struct peer) {
			.handles_signal = true,
			.value = 5,
		});
		ASSERT_TRUE(sender);
		kill(sender->pid, SIGUSR1);
		sent += sent_or_not(&self->queue, _metadata, sender, variant->depth, -EINTR);
		forget_peers(&self->queue.peers);
	}
	TH_LOG("%u of %u were sent", sent, RACES);
}

TEST_F_TIMEOUT(full, sender_that_gives_up_has_sent_or_not, 150)
{
	struct peer *sender;
	unsigned int i, sent = 0;
	__u64 deadline;

	ASSERT_TRUE(drain_queue(&self->queue, variant->depth));
	for (i = 0; i < RACES; i++) {
		ASSERT_TRUE(fill_queue(&self->queue, variant->depth));
		deadline = ipcshm_deadline(2 * MS + i * MS / 20);
		sender = queue_start(&self->queue, send_role,
				     (struct peer) { .value = 5, .deadline = deadline });
		while (now_ns(CLOCK_MONOTONIC) < deadline)
			;
		sent += sent_or_not(&self->queue, _metadata, sender, variant->depth, -ETIMEDOUT);
		forget_peers(&self->queue.peers);
	}
	TH_LOG("%u of %u were sent", sent, RACES);
}

IPCSHM_TEST_MAIN
