// SPDX-License-Identifier: GPL-2.0-only
/* Queues: messages that are received in part, since their receiver has too little room. */
#include "common/harness.h"
#include "common/queue.h"

#define LARGEST		(1 << 20)
#define GUARD		0xa5	/* what is in the room before */

FIXTURE(truncate)
{
	struct test_queue queue;
	unsigned char *payload;	/* of a message: byte i is i % 251 */
	unsigned char *room;	/* of a receiver */
};

FIXTURE_VARIANT(truncate)
{
	size_t size;	/* of the message */
	size_t room;	/* of the receiver */
	bool pool;	/* the queue has one */
};

#define SIZES(name, _size, _room, _pool)				\
	FIXTURE_VARIANT_ADD(truncate, name)				\
	{								\
		.size = _size,						\
		.room = _room,						\
		.pool = _pool,						\
	}

SIZES(words, 64, 24, false);
SIZES(nothing, 64, 0, false);
SIZES(slot, 1000, 999, false);
SIZES(pages, LARGEST, 5000, false);
SIZES(page_end, 12288, 8192, false);
SIZES(pool_words, 64, 24, true);
SIZES(pool_pages, LARGEST, 5000, true);

FIXTURE_SETUP(truncate)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 4,
		.max_message_size = LARGEST,
		.pool_bytes = variant->pool ? 4 * LARGEST : 0,
	};
	size_t i;

	ASSERT_EQ(0, queue_set_up_attr(&self->queue, attr, READ_WRITE));
	self->payload = malloc(LARGEST);
	self->room = malloc(LARGEST);
	ASSERT_TRUE(self->payload && self->room);
	for (i = 0; i < LARGEST; i++)
		self->payload[i] = i % 251;
	memset(self->room, GUARD, LARGEST);
}

FIXTURE_TEARDOWN(truncate)
{
	free(self->payload);
	free(self->room);
	queue_tear_down(&self->queue);
}

static int send_message(FIXTURE_DATA(truncate) *self, size_t size)
{
	return ipcshm_send(self->queue.fd, self->payload, size, 0, IPCSHM_NOW);
}

/* Return whether the first @size bytes of the room are the payload's, and no other was written. */
static bool room_has(FIXTURE_DATA(truncate) *self, size_t size)
{
	size_t i;

	for (i = size; i < LARGEST; i++)
		if (self->room[i] != GUARD)
			return false;
	return !memcmp(self->room, self->payload, size);
}

static int receive_flags(FIXTURE_DATA(truncate) *self, size_t room, __u32 flags,
			 struct ipcshm_message *message)
{
	struct ipcshm_transfer_args transfer = transfer_of(self->room, room);
	int result;

	transfer.deadline = SOON;
	transfer.flags = flags;
	result = ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer));
	*message = transfer.message;
	return result;
}

TEST_F(truncate, message_is_received_in_part)
{
	struct ipcshm_message message;

	ASSERT_EQ(0, send_message(self, variant->size));
	EXPECT_EQ(-EMSGSIZE, receive_flags(self, variant->room, 0, &message));
	EXPECT_TRUE(room_has(self, 0));
	EXPECT_EQ(0, receive_flags(self, variant->room, IPCSHM_TRUNCATE, &message));
	EXPECT_EQ(variant->size, message.size);
	EXPECT_TRUE(room_has(self, variant->room));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(1, queue_stat_now(&self->queue).received);
}

TEST_F(truncate, message_that_fits_is_whole)
{
	struct ipcshm_message message;

	ASSERT_EQ(0, send_message(self, variant->size));
	EXPECT_EQ(0, receive_flags(self, LARGEST, IPCSHM_TRUNCATE, &message));
	EXPECT_EQ(variant->size, message.size);
	EXPECT_TRUE(room_has(self, variant->size));
}

TEST_F(truncate, peek_leaves_the_whole_message)
{
	const __u32 peek = IPCSHM_TRUNCATE | IPCSHM_PEEK | IPCSHM_DONTWAIT;
	struct ipcshm_message message;

	ASSERT_EQ(0, send_message(self, variant->size));
	EXPECT_EQ(0, receive_flags(self, variant->room, peek, &message));
	EXPECT_EQ(variant->size, message.size);
	EXPECT_TRUE(room_has(self, variant->room));
	EXPECT_EQ(0, receive_flags(self, LARGEST, 0, &message));
	EXPECT_TRUE(room_has(self, variant->size));
}

TEST_F(truncate, leased_message_comes_back_whole)
{
	struct ipcshm_message message;
	__u64 id;

	ASSERT_EQ(0, send_message(self, variant->size));
	EXPECT_EQ(0, receive_flags(self, variant->room, IPCSHM_TRUNCATE | IPCSHM_ACK, &message));
	EXPECT_EQ(variant->size, message.size);
	EXPECT_TRUE(room_has(self, variant->room));
	id = message.ack_id;
	ASSERT_EQ(1, ipcshm_nack(self->queue.fd, &id, 1));
	EXPECT_EQ(0, receive_flags(self, LARGEST, 0, &message));
	EXPECT_EQ(1, message.returns);
	EXPECT_TRUE(room_has(self, variant->size));
}

TEST_F(truncate, batch_receives_each_in_part)
{
	struct ipcshm_message messages[2] = {
		{ .data = (uintptr_t)self->room, .size = variant->room },
		{ .data = (uintptr_t)self->room, .size = variant->room },
	};

	ASSERT_EQ(0, send_message(self, variant->size));
	ASSERT_EQ(0, send_message(self, variant->size));
	EXPECT_EQ(2, ipcshm_receive_batch(self->queue.fd, messages, 2, IPCSHM_TRUNCATE, SOON));
	EXPECT_EQ(variant->size, messages[0].size);
	EXPECT_EQ(variant->size, messages[1].size);
	EXPECT_TRUE(room_has(self, variant->room));
}

TEST_F(truncate, pieces_are_filled_in_order)
{
	struct ipcshm_segment pieces[] = {
		{ .data = (uintptr_t)self->room, .size = variant->room / 2 },
		{ .data = (uintptr_t)self->room + variant->room / 2,
		  .size = variant->room - variant->room / 2 },
	};
	struct ipcshm_transfer_args transfer = transfer_of(pieces, 0);

	ASSERT_EQ(0, send_message(self, variant->size));
	transfer.message.segments = 2;
	transfer.flags = IPCSHM_TRUNCATE;
	EXPECT_EQ(0, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(variant->size, transfer.message.size);
	EXPECT_TRUE(room_has(self, variant->room));
}

/* Receives into shared memory; the room is the peer's value. */
static void receive_part_role(struct peer *peer)
{
	struct ipcshm_transfer_args transfer =
		transfer_of(&peer->value, peer->msg.room < 8 ? peer->msg.room : 8);

	transfer.flags = IPCSHM_TRUNCATE;
	peer->result = ipcshm_receive_transfer(peer->fd, &transfer, sizeof(transfer));
	peer->msg.message = transfer.message;
}

TEST_F(truncate, blocked_receiver_gets_its_part)
{
	struct peer *receiver = block_receiver_how(&self->queue, receive_part_role,
						   (struct peer) { .msg.room = 8 });

	ASSERT_TRUE(receiver);
	ASSERT_EQ(0, send_message(self, variant->size));
	EXPECT_EQ(0, finish(receiver));
	EXPECT_EQ(variant->size, receiver->msg.message.size);
	EXPECT_EQ(0, memcmp(&receiver->value, self->payload, 8));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

TEST_F(truncate, fault_leaves_the_message)
{
	struct ipcshm_transfer_args transfer = transfer_of((void *)1, 8);
	struct ipcshm_message message;

	ASSERT_EQ(0, send_message(self, variant->size));
	transfer.flags = IPCSHM_TRUNCATE;
	EXPECT_EQ(-EFAULT, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(0, receive_flags(self, LARGEST, 0, &message));
	EXPECT_TRUE(room_has(self, variant->size));
}

TEST_F(truncate, send_does_not_know_the_flag)
{
	struct ipcshm_transfer_args transfer = transfer_of(self->payload, 8);

	transfer.flags = IPCSHM_TRUNCATE;
	EXPECT_EQ(-EINVAL, ipcshm_send_transfer(self->queue.fd, &transfer, sizeof(transfer)));
}

TEST_HARNESS_MAIN
