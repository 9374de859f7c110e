// SPDX-License-Identifier: GPL-2.0-only
/* Queues: messages in pieces. */
#include "common/harness.h"
#include "common/queue.h"
#include "batch_fixture.h"

static int send_pieces(struct test_queue *queue, struct ipcshm_segment *segments, __u32 count)
{
	const struct ipcshm_message message = {
		.data = (uintptr_t)segments,
		.segments = count,
	};

	return ipcshm_send_message(queue->fd, &message, SOON);
}

static long receive_pieces(struct test_queue *queue, struct ipcshm_segment *segments, __u32 count)
{
	struct ipcshm_message message = { .data = (uintptr_t)segments, .segments = count };

	return ipcshm_receive_message(queue->fd, &message, SOON);
}

#define PIECE(address, bytes)	{ .data = (uintptr_t)(address), .size = (bytes) }

TEST_F(batch, pieces_are_sent_as_one_message_and_received_into_pieces)
{
	struct ipcshm_segment from[] = { PIECE("hel", 3), PIECE(NULL, 0), PIECE("lo wor", 6),
		PIECE("ld", 2) };
	char a[2], b[7], c[100] = "";
	struct ipcshm_segment to[] = { PIECE(a, sizeof(a)), PIECE(b, sizeof(b)), PIECE(NULL, 0),
		PIECE(c, sizeof(c)) };
	char whole[12] = "";

	ASSERT_EQ(0, send_pieces(&self->queue, from, 4));
	ASSERT_EQ(11, ipcshm_receive(self->queue.fd, whole, sizeof(whole), NULL, SOON));
	EXPECT_STREQ("hello world", whole);
	ASSERT_EQ(0, send_pieces(&self->queue, from, 4));
	ASSERT_EQ(11, receive_pieces(&self->queue, to, 4));
	EXPECT_EQ(0, memcmp(a, "he", 2));
	EXPECT_EQ(0, memcmp(b, "llo wor", 7));
	EXPECT_STREQ("ld", c);
}

TEST_F(batch, most_pieces)
{
	static struct ipcshm_segment pieces[IPCSHM_SEGMENTS_MAX];
	static char from[IPCSHM_SEGMENTS_MAX], to[IPCSHM_SEGMENTS_MAX];
	unsigned int i;

	for (i = 0; i < IPCSHM_SEGMENTS_MAX; i++) {
		from[i] = i * 7;
		pieces[i] = (struct ipcshm_segment) PIECE(&from[i], 1);
	}
	ASSERT_EQ(0, send_pieces(&self->queue, pieces, IPCSHM_SEGMENTS_MAX));
	for (i = 0; i < IPCSHM_SEGMENTS_MAX; i++)
		pieces[i].data = (uintptr_t)&to[IPCSHM_SEGMENTS_MAX - 1 - i];
	ASSERT_EQ(IPCSHM_SEGMENTS_MAX, receive_pieces(&self->queue, pieces, IPCSHM_SEGMENTS_MAX));
	for (i = 0; i < IPCSHM_SEGMENTS_MAX; i++)
		ASSERT_EQ(from[i], to[IPCSHM_SEGMENTS_MAX - 1 - i]);
}

TEST_F(batch, pieces_are_too_large_together_or_too_small)
{
	static char bytes[SIZE];
	struct ipcshm_segment large[] = { PIECE(bytes, SIZE), PIECE(bytes, 1) };
	struct ipcshm_segment small[] = { PIECE(bytes, 3), PIECE(bytes, 4) };
	struct ipcshm_message message = { .data = (uintptr_t)small, .segments = 2 };

	EXPECT_EQ(-EMSGSIZE, send_pieces(&self->queue, large, 2));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, send_pieces(&self->queue, large, 1));
	EXPECT_EQ(SIZE, receive_pieces(&self->queue, large, 2));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(-EMSGSIZE, ipcshm_receive_message(self->queue.fd, &message, SOON));
	EXPECT_EQ(8, message.size);
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(batch, sizes_of_pieces_that_overflow_are_refused)
{
	static char bytes[8];
	struct ipcshm_segment pieces[] = { PIECE(bytes, 8), PIECE(bytes, ~0ULL), PIECE(bytes, 1) };
	struct ipcshm_segment huge[] = { PIECE(bytes, 1ULL << 63), PIECE(bytes, 1ULL << 63) };
	int result = send_pieces(&self->queue, pieces, 3);

	EXPECT_TRUE(result == -EINVAL || result == -EMSGSIZE);
	result = send_pieces(&self->queue, huge, 2);
	EXPECT_TRUE(result == -EINVAL || result == -EMSGSIZE);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

TEST_F(batch, piece_that_isnt_there_is_no_message)
{
	__u64 values[2];
	struct ipcshm_segment pieces[] = { PIECE(values, 8), PIECE(1, 8) };

	EXPECT_EQ(-EFAULT, send_pieces(&self->queue, pieces, 2));
	EXPECT_EQ(-EFAULT, send_pieces(&self->queue, NULL, 1));
	EXPECT_EQ(-EFAULT, send_pieces(&self->queue, (void *)-4096L, 2));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	ASSERT_EQ(0, ipcshm_send(self->queue.fd, "twelve bytes", 12, 0, SOON));
	EXPECT_EQ(-EFAULT, receive_pieces(&self->queue, pieces, 2));
	EXPECT_EQ(-EFAULT, receive_pieces(&self->queue, NULL, 1));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	/* Pieces behind the end of the message are not accessed. */
	pieces[0].size = 12;
	EXPECT_EQ(12, receive_pieces(&self->queue, pieces, 2));
}

TEST_F(batch, messages_of_a_batch_can_be_in_pieces)
{
	struct ipcshm_segment from[] = { PIECE("ab", 2), PIECE("cd", 2) };
	char first[5] = "", second[5] = "";
	struct ipcshm_segment to[] = { PIECE(second, 1), PIECE(second + 1, 3) };

	self->messages[0] = (struct ipcshm_message) { .data = (uintptr_t)from, .segments = 2 };
	self->messages[1] = (struct ipcshm_message) { .data = (uintptr_t)"efgh", .size = 4 };
	ASSERT_EQ(2, ipcshm_send_batch(self->queue.fd, self->messages, 2, 0, SOON));
	self->messages[0] = (struct ipcshm_message) { .data = (uintptr_t)first, .size = 4 };
	self->messages[1] = (struct ipcshm_message) { .data = (uintptr_t)to, .segments = 2 };
	ASSERT_EQ(2, ipcshm_receive_batch(self->queue.fd, self->messages, 2, 0, SOON));
	EXPECT_STREQ("abcd", first);
	EXPECT_STREQ("efgh", second);
}

IPCSHM_TEST_MAIN
