// SPDX-License-Identifier: GPL-2.0-only
/* The owner changes the capacity of a queue. */
#include "overflow_fixture.h"

#define OTHER_USER	1001

TEST_F(overflow, more_room_lets_blocked_senders_in)
{
	struct peer *senders[3];
	int i;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 0, 0));
	for (i = 0; i < 3; i++) {
		senders[i] = block_sender(&self->queue, 1 + i, 0);
		ASSERT_TRUE(senders[i]);
	}
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 3, IPCSHM_UNBOUNDED));
	EXPECT_EQ(0, finish(senders[0]));
	EXPECT_EQ(0, finish(senders[1]));
	EXPECT_EQ(1, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(3, queue_stat_now(&self->queue).max_messages);
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED));
	EXPECT_EQ(0, finish(senders[2]));
	EXPECT_TRUE(HOLDS(0, 1, 2, 3));
}

TEST_F(overflow, rendezvous_can_be_made_to_keep_messages_and_back)
{
	struct peer *sender;

	ASSERT_TRUE(begin_queue(&self->queue, 0, 0, IPCSHM_OVERFLOW_BLOCK));
	sender = block_sender(&self->queue, 1, 0);
	ASSERT_TRUE(sender);
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 2, SIZE));
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 0, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 2, 0));
	EXPECT_TRUE(HOLDS(1));
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 2, 0));
}

TEST_F(overflow, less_room_loses_nothing)
{
	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	ASSERT_EQ(0, try_send(&self->queue, 2, 0));
	ASSERT_EQ(0, try_send(&self->queue, 3, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->queue.fd));
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 2, SIZE));
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).dropped);
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 4, 0));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 4, 0));
	EXPECT_EQ(2, receive_value(&self->queue));
	EXPECT_EQ(0, try_send(&self->queue, 4, 0));
	EXPECT_TRUE(HOLDS(3, 4));
}

TEST_F(overflow, opener_gets_the_changed_capacity)
{
	struct ipcshm_queue_attr attr = { 0 };

	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_DROP_NEWEST));
	ASSERT_EQ(0, ipcshm_queue_set(self->queue.fd, 77, 2 * SIZE));
	ASSERT_LE(0, ipcshm_queue_open(self->queue.device, self->queue.name.text, IPCSHM_READ, 0,
				       &attr));
	EXPECT_EQ(77, attr.max_messages);
	EXPECT_EQ(2 * SIZE, attr.max_bytes);
	EXPECT_EQ(IPCSHM_OVERFLOW_DROP_NEWEST, attr.overflow);
	EXPECT_EQ(0, attr.pool_bytes);
}

TEST_F(overflow, room_made_by_the_owner_ends_a_poll)
{
	struct peer *poller;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	poller = queue_start(&self->queue, poll_out_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 2, IPCSHM_UNBOUNDED));
	EXPECT_EQ(POLLOUT, finish(poller));
}

/* A user other than the owner. */
static void stranger_role(struct peer *peer)
{
	if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
	    setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
		_exit(1);
	if (ipcshm_queue_set(peer->fd, 2, SIZE) != -EACCES)
		_exit(2);
	if (ipcshm_queue_revoke(peer->fd) != -EACCES)
		_exit(3);
	/* It can use the rights of the descriptor. */
	peer->result = ipcshm_queue_drain(peer->fd, NULL);
}

TEST_F(overflow, setting_and_revoking_is_for_the_owner)
{
	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(0, finish(queue_start(&self->queue, stranger_role, (struct peer) { 0 })));
	EXPECT_EQ(KEPT, queue_stat_now(&self->queue).max_messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

static void create_as_stranger_role(struct peer *peer)
{
	if (setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
		_exit(1);
	peer->fd = open_queue(peer->queue->device, peer->queue->name.text, READ_WRITE | CREATE_NEW,
			      0600, 1, SIZE, SIZE);
	peer->result = peer->fd < 0 ? peer->fd : 0;
	be_ready(peer);
	pause();
}

TEST_F(overflow, setting_and_revoking_is_for_cap_ipc_owner)
{
	struct peer *owner;

	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(begin_queue(&self->queue, KEPT, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	close(self->queue.fd);
	owner = queue_start(&self->queue, create_as_stranger_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(owner)));
	ASSERT_EQ(0, owner->result);
	self->queue.fd = queue_open_again(&self->queue, IPCSHM_READ);
	ASSERT_LE(0, self->queue.fd);
	EXPECT_EQ(0, ipcshm_queue_set(self->queue.fd, 2, SIZE));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
}

IPCSHM_TEST_MAIN
