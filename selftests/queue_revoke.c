// SPDX-License-Identifier: GPL-2.0-only
/* A queue is revoked: all calls end, and all later ones fail. */
#include "overflow_fixture.h"

TEST_F(overflow, revoked_queue_is_gone_for_all)
{
	struct ipcshm_message message = { 0 };
	__u64 value = 0;

	ASSERT_TRUE(begin_queue(&self->queue, 2, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(IPCSHM_STAT_REVOKED, queue_stat_now(&self->queue).stat.flags);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages + queue_stat_now(&self->queue).bytes);
	EXPECT_EQ(0, read_quota(&self->queue));
	EXPECT_EQ(-ENOENT, queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(-EKEYREVOKED, try_send(&self->queue, 1, 0));
	EXPECT_EQ(-EKEYREVOKED, try_receive(&self->queue, &value));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_send_batch(self->queue.fd, &message, 1, 0, SOON));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_receive_batch(self->queue.fd, &message, 1, 0, SOON));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_call(self->queue.fd, &value, 8, &value, 8, SOON));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_reply(self->queue.fd, 1, &value, 8));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_queue_set(self->queue.fd, 2, SIZE));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_queue_drain(self->queue.fd, NULL));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_queue_set_busy_poll(self->queue.fd, 1));
	EXPECT_EQ(-1, read(self->queue.fd, &value, 8));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, write(self->queue.fd, &value, 8));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(POLLERR | POLLHUP, poll_now(self->queue.fd) & ~(POLLIN | POLLOUT));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
}

TEST_F(overflow, revocation_ends_all_waits_of_a_queue)
{
	struct peer *sender, *writer, *poller;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	sender = block_sender(&self->queue, 2, 0);
	writer = block_sender_how(&self->queue, write_role, (struct peer) { 0 });
	poller = queue_start(&self->queue, poll_out_role, (struct peer) { 0 });
	ASSERT_TRUE(sender && writer);
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(sender));
	EXPECT_EQ(-EKEYREVOKED, finish(writer));
	EXPECT_EQ(POLLERR | POLLHUP, finish(poller) & (POLLERR | POLLHUP));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
}

TEST_F(overflow, revocation_ends_receivers_that_wait)
{
	struct peer *receivers[12];
	size_t i;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = block_receiver_how(&self->queue, i % 2 ? receive_role : read_role,
						  (struct peer) { 0 });
		ASSERT_TRUE(receivers[i]);
	}
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		EXPECT_EQ(-EKEYREVOKED, finish(receivers[i]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
}

TEST_F(overflow, name_of_a_revoked_queue_is_free)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1,
		.max_bytes = SIZE,
		.max_message_size = SIZE,
	};
	int fd;

	ASSERT_TRUE(begin_queue(&self->queue, 1, IPCSHM_UNBOUNDED, IPCSHM_OVERFLOW_BLOCK));
	EXPECT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	fd = ipcshm_queue_open(self->queue.device, self->queue.name.text, READ_WRITE | CREATE_NEW,
			       0600, &attr);
	ASSERT_LE(0, fd);
	EXPECT_NE(queue_stat_now(&self->queue).stat.id, queue_stat(fd).stat.id);
	EXPECT_EQ(0, ipcshm_send(fd, "x", 1, 0, 0));
}

/* Revoked while many processes use it: none hangs, nothing is left. */
static void busy_role(struct peer *peer)
{
	__u64 value;

	do {
		if (peer->msg.priority % 2)
			peer->result = ipcshm_send(peer->fd, &peer->value, 8, 0, SOON);
		else
			peer->result = ipcshm_receive(peer->fd, &value, 8, NULL, SOON);
	} while (peer->result >= 0);
}

TEST_F_TIMEOUT(overflow, revocation_of_a_busy_queue_leaves_nothing, 120)
{
	struct peer *busy[6];
	unsigned int round;
	size_t i;

	for (round = 0; round < many(50, 8); round++) {
		ASSERT_TRUE(begin_queue(&self->queue, round % 3, round % 3 ? IPCSHM_UNBOUNDED : 0,
					IPCSHM_OVERFLOW_BLOCK));
		for (i = 0; i < ARRAY_SIZE(busy); i++)
			busy[i] = queue_start(&self->queue, busy_role,
					      (struct peer) { .msg.priority = i });
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).sent > 20));
		ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
		for (i = 0; i < ARRAY_SIZE(busy); i++)
			ASSERT_EQ(-EKEYREVOKED, finish(busy[i]));
		EXPECT_EQ(0, queue_stat_now(&self->queue).messages +
				     queue_stat_now(&self->queue).senders +
				     queue_stat_now(&self->queue).receivers);
		EXPECT_EQ(queue_stat_now(&self->queue).sent,
			  queue_stat_now(&self->queue).received +
				  queue_stat_now(&self->queue).dropped);
		EXPECT_EQ(0, read_quota(&self->queue));
		forget_peers(&self->queue.peers);
		close(self->queue.fd);
		close(self->queue.device);
	}
}

IPCSHM_TEST_MAIN
