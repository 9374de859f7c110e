// SPDX-License-Identifier: GPL-2.0-only
/* Queues: peeking at the next message, by type and by priority. */
#include "common/harness.h"
#include "queue_kinds.h"
#include "queue_match.h"

static __u64 peek_message(struct test_queue *queue, __u32 match, __u64 type)
{
	struct ipcshm_message message;
	__u64 value = 0;

	return try_match(queue, &value, match, type, IPCSHM_PEEK, &message) ? NOTHING : value;
}

TEST_F(queue, peek_leaves_the_message_and_its_sender_where_they_are)
{
	struct ipcshm_queue_stat before, after;
	struct ipcshm_message message;
	__u64 value;

	EXPECT_EQ(NOTHING, peek_message(&self->queue, ANY, 0));
	ASSERT_TRUE(offer_kind(&self->queue, 1, (struct kind) { .type = 4, .priority = 2 }));
	ASSERT_TRUE(offer_kind(&self->queue, 2, (struct kind) { .type = 5, .priority = 7 }));
	before = queue_stat_now(&self->queue);
	EXPECT_EQ(2, peek_message(&self->queue, ANY, 0));
	ASSERT_EQ(0, try_match(&self->queue, &value, ANY, 0, IPCSHM_PEEK, &message));
	EXPECT_EQ(2, value);
	EXPECT_EQ(5, message.type);
	EXPECT_EQ(7, message.priority);
	EXPECT_EQ(sizeof(value), message.size);
	EXPECT_EQ(variant->depth ? getpid() : self->queue.peers.list[1].pid, (pid_t)message.pid);
	EXPECT_NE(0, message.time);
	after = queue_stat_now(&self->queue);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(2, take_message(&self->queue, ANY, 0));
	EXPECT_EQ(1, peek_message(&self->queue, ANY, 0));
}

TEST_F(queue, peek_returns_the_first_message_that_matches)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		ASSERT_TRUE(offer_kind(&self->queue, i, kinds[i]));
	for (i = 0; i < ARRAY_SIZE(wishes); i++) {
		EXPECT_EQ(wishes[i].order[0] == END ? NOTHING : wishes[i].order[0],
			  peek_message(&self->queue, wishes[i].match, wishes[i].type))
			TH_LOG("wish %zu", i);
	}
}

TEST_F(queue, peek_with_too_little_room_returns_the_size)
{
	struct ipcshm_transfer_args transfer = transfer_of("", 0);

	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	transfer.flags = IPCSHM_DONTWAIT | IPCSHM_PEEK;
	EXPECT_EQ(-EMSGSIZE, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(8, transfer.message.size);
	transfer.message = (struct ipcshm_message) { .data = 1, .size = 8 };
	EXPECT_EQ(-EFAULT, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(1, receive_value(&self->queue));
}

/* One peeks, one receives: a message that is peeked at is whole, or not there. */
static void peek_role(struct peer *peer)
{
	__u64 words[SIZE / 8];
	struct ipcshm_transfer_args transfer;
	int result;
	size_t i;

	do {
		transfer = transfer_of(words, sizeof(words));
		transfer.flags = IPCSHM_DONTWAIT | IPCSHM_PEEK;
		result = ipcshm_receive_transfer(peer->fd, &transfer, sizeof(transfer));
		for (i = 0; !result && i < SIZE / 8; i++)
			if (words[i] != words[0])
				_exit(1);
		peer->value += !result;
	} while (!result || result == -EAGAIN);
	peer->result = result;
}

TEST_F_TIMEOUT(queue, peeked_message_is_whole_though_it_is_taken, 120)
{
	struct peer *peeker = queue_start(&self->queue, peek_role, (struct peer) { 0 });
	__u64 words[SIZE / 8];
	unsigned int i;
	size_t n;

	if (!variant->depth)
		SKIP(return, "a rendezvous keeps no message");
	for (i = 0; i < STEPS || !peeker->value; i++) {
		for (n = 0; n < ARRAY_SIZE(words); n++)
			words[n] = i;
		ASSERT_EQ(0, ipcshm_send(self->queue.fd, words, sizeof(words), 0, SOON));
		ASSERT_EQ(sizeof(words),
			  ipcshm_receive(self->queue.fd, words, sizeof(words), NULL, SOON));
	}
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(peeker));
	TH_LOG("%llu looks", peeker->value);
}

IPCSHM_TEST_MAIN
