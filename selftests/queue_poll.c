// SPDX-License-Identifier: GPL-2.0-only
/* Queues: poll, and epoll sets. */
#include "common/epoll.h"
#include "common/harness.h"
#include "queue_kinds.h"

TEST_F(queue, poll_reports_calls_that_would_not_block)
{
	const short writable = variant->depth ? POLLOUT : 0;

	EXPECT_EQ(writable, poll_now(self->queue.fd));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(writable | POLLIN, poll_now(self->queue.fd));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_TRUE(WAIT_UNTIL(poll_now(self->queue.fd) == writable));
	ASSERT_TRUE(block_receiver(&self->queue));
	EXPECT_EQ(POLLOUT, poll_now(self->queue.fd));
}

TEST_F(queue, poll_reports_only_rights_of_the_descriptor)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ),
	    writer = queue_open_again(&self->queue, IPCSHM_WRITE);

	ASSERT_LE(0, reader);
	ASSERT_LE(0, writer);
	EXPECT_EQ(0, poll_now(reader));
	EXPECT_EQ(variant->depth ? POLLOUT : 0, poll_now(writer));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(POLLIN, poll_now(reader));
	EXPECT_EQ(variant->depth ? POLLOUT : 0, poll_now(writer));
	close(reader);
	close(writer);
}

TEST_F(queue, message_ends_a_poll)
{
	struct peer *poller = queue_start(&self->queue, poll_in_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(POLLIN, finish(poller));
}

TEST_F(queue, level_triggered_epoll_reports_as_long_as_there_is_a_message)
{
	int set = watch_queue(&self->queue, EPOLLIN);

	ASSERT_LE(0, set);
	EXPECT_EQ(0, set_events(set, 0));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(EPOLLIN, set_events(set, 1000));
	EXPECT_EQ(EPOLLIN, set_events(set, 0));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_TRUE(WAIT_UNTIL(set_events(set, 0) == 0));
	close(set);
}

TEST_F(queue, edge_triggered_epoll_reports_each_message)
{
	int set = watch_queue(&self->queue, EPOLLIN | EPOLLET);

	ASSERT_LE(0, set);
	EXPECT_EQ(0, set_events(set, 0));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(EPOLLIN, set_events(set, 1000));
	EXPECT_EQ(0, set_events(set, 0));
	ASSERT_TRUE(offer_value(&self->queue, 2, 0));
	EXPECT_EQ(EPOLLIN, set_events(set, 1000));
	EXPECT_EQ(0, set_events(set, 0));
	close(set);
}

/* More epoll sets than are called at a time. */
#define SETS 300

TEST_F(queue, message_reaches_each_of_many_epoll_sets)
{
	int sets[SETS], i, round, missed;

	for (i = 0; i < SETS; i++) {
		sets[i] = watch_queue(&self->queue, i % 2 ? EPOLLIN | EPOLLET : EPOLLIN);
		ASSERT_LE(0, sets[i]);
	}
	for (round = 0; round < 3; round++) {
		ASSERT_TRUE(offer_value(&self->queue, round, 0));
		for (i = 0, missed = 0; i < SETS; i++)
			missed += set_events(sets[i], WAIT_SECONDS * 1000) != EPOLLIN;
		EXPECT_EQ(0, missed);
		EXPECT_EQ(round, receive_value(&self->queue));
		/* The sets are called by a work item, which may still be at it. */
		for (i = 0; i < SETS; i++)
			set_events(sets[i], 0);
	}
}

static void closing_role(struct peer *peer)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		close(watch_queue(peer->queue, i % 2 ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN));
	be_ready(peer);
	for (;;)
		close(watch_queue(peer->queue, EPOLLIN | (++i % 2 ? EPOLLEXCLUSIVE : 0)));
}

TEST_F(queue, epoll_sets_come_and_go_as_they_are_called)
{
	const unsigned int rounds = many(3000, 300);
	struct peer *closing[2];
	int sets[SETS];
	__u32 missed = 0;
	unsigned int i;

	if (!variant->depth)
		SKIP(return, "a rendezvous has no room");
	for (i = 0; i < SETS; i++)
		sets[i] = watch_queue(&self->queue, EPOLLIN | EPOLLET);
	for (i = 0; i < ARRAY_SIZE(closing); i++) {
		closing[i] = queue_start(&self->queue, closing_role, (struct peer) { 0 });
		ASSERT_TRUE(WAIT_UNTIL(is_ready(closing[i])));
	}
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
		missed += !set_events(sets[i % SETS], WAIT_SECONDS * 1000);
		if (i == rounds / 2)
			kill_peer(closing[0]);
		ASSERT_EQ(i, receive_value(&self->queue));
	}
	EXPECT_EQ(0, missed);
}

IPCSHM_TEST_MAIN
