// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: order, content, rights and statistics.  Waiting is in queue_wait.c, full speed in
 * queue_traffic.c.
 */
#include <sys/uio.h>

#include "common/harness.h"
#include "queue_kinds.h"

/* Order and content. */

TEST_F(queue, equal_priorities_arrive_in_the_order_sent)
{
	__u64 i;

	for (i = 0; i < 10; i++)
		ASSERT_TRUE(offer_value(&self->queue, i, 5));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
}

TEST_F(queue, higher_priorities_arrive_first_and_equal_ones_in_order)
{
	const unsigned int count = variant->depth ? variant->depth : SENDERS;
	__u32 priorities[DEPTH];
	bool taken[DEPTH] = { false };
	unsigned int i, n, next;

	srandom(1);
	for (i = 0; i < count; i++) {
		priorities[i] = i % 5 ? random() % 4 : random() % (IPCSHM_PRIORITY_MAX + 1);
		ASSERT_TRUE(offer_value(&self->queue, i, priorities[i]));
	}
	for (n = 0; n < count; n++) {
		next = count;
		for (i = 0; i < count; i++)
			if (!taken[i] && (next == count || priorities[i] > priorities[next]))
				next = i;
		taken[next] = true;
		ASSERT_EQ(next, receive_value(&self->queue));
	}
}

TEST_F(queue, priorities_from_lowest_to_highest_are_kept)
{
	const __u32 priorities[] = { 0, 1, 32766, IPCSHM_PRIORITY_MAX };
	struct ipcshm_message message;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(priorities); i++)
		ASSERT_TRUE(offer_value(&self->queue, i, priorities[i]));
	while (i--) {
		__u64 value;

		ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
		EXPECT_EQ(i, value);
		EXPECT_EQ(priorities[i], message.priority);
	}
}

static void typed_send_role(struct peer *peer)
{
	struct ipcshm_transfer_args transfer = transfer_of("hello", 5);

	transfer.message.type = 0x123456789abcdef0;
	transfer.message.priority = 7;
	peer->result = ipcshm_send_transfer(peer->fd, &transfer, sizeof(transfer));
}

TEST_F(queue, message_carries_type_priority_and_size)
{
	struct peer *sender = queue_start(&self->queue, typed_send_role, (struct peer) { 0 });
	char text[SIZE] = "";
	struct ipcshm_transfer_args transfer = transfer_of(text, sizeof(text));

	ASSERT_EQ(0, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(0, finish(sender));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(0x123456789abcdef0, transfer.message.type);
	EXPECT_EQ(7, transfer.message.priority);
	EXPECT_EQ(5, transfer.message.size);
	EXPECT_EQ(0, transfer.message.flags);
	EXPECT_EQ((uintptr_t)text, transfer.message.data);
}

TEST_F(queue, too_large_message_is_refused)
{
	char data[SIZE + 1] = "";

	EXPECT_EQ(-EMSGSIZE, ipcshm_send(self->queue.fd, data, sizeof(data), 0, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(self->queue.fd, data, sizeof(data)));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

TEST_F(queue, message_too_large_for_the_room_stays)
{
	struct ipcshm_message message;
	__u64 value;

	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	ASSERT_TRUE(offer_value(&self->queue, 2, 0));
	EXPECT_EQ(-EMSGSIZE, ipcshm_receive(self->queue.fd, &value, 7, &message, IPCSHM_FOREVER));
	EXPECT_EQ(8, message.size);
	EXPECT_EQ(-1, read(self->queue.fd, &value, 7));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(2, receive_value(&self->queue));
}

TEST_F(queue, room_that_cannot_be_written_puts_the_message_back_in_front)
{
	char *room = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	ASSERT_NE(MAP_FAILED, room);
	ASSERT_EQ(0, munmap(room + SIZE, SIZE));
	ASSERT_TRUE(offer_value(&self->queue, 1, 3));
	ASSERT_TRUE(offer_value(&self->queue, 2, 3));
	EXPECT_EQ(-EFAULT, ipcshm_receive(self->queue.fd, room + SIZE, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-EFAULT,
		  ipcshm_receive(self->queue.fd, room + SIZE - 4, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, read(self->queue.fd, room + SIZE, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages + queue_stat_now(&self->queue).senders);
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(2, receive_value(&self->queue));
}

TEST_F(queue, addresses_of_the_kernel_are_efault)
{
	void *const kernel = (void *)(1UL << (8 * sizeof(long) - 1));

	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, kernel, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(self->queue.fd, kernel, 8));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(-EFAULT, ipcshm_receive(self->queue.fd, kernel, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, read(self->queue.fd, kernel, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(queue, data_that_cannot_be_read_sends_nothing)
{
	char *data = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, data, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(self->queue.fd, data, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, queue_stat_now(&self->queue).bytes);
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(1, receiver->value);
}

/* Large ones too, whole. */
FIXTURE(content)
{
	struct test_queue queue;
	unsigned char *sent;
	unsigned char *received;
};

FIXTURE_VARIANT(content)
{
	__u64 max_messages;
	__u64 max_bytes;
};

FIXTURE_VARIANT_ADD(content, bounded)
{
	.max_messages = 2,
	.max_bytes = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(content, bounded_in_bytes)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = IPCSHM_MESSAGE_MAX,
};

FIXTURE_VARIANT_ADD(content, unbounded)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(content, rendezvous)
{
	.max_messages = 0,
	.max_bytes = 0,
};

FIXTURE_SETUP(content)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, variant->max_messages, variant->max_bytes,
				  IPCSHM_MESSAGE_MAX));
	if (get_info(self->queue.device).queue_bytes.max < 2 * IPCSHM_MESSAGE_MAX)
		SKIP(return, "a quota too small for the largest message");
	self->sent = malloc(IPCSHM_MESSAGE_MAX);
	self->received = malloc(IPCSHM_MESSAGE_MAX + 1);
	ASSERT_NE(NULL, self->sent);
	ASSERT_NE(NULL, self->received);
}

FIXTURE_TEARDOWN(content)
{
	queue_tear_down(&self->queue);
	free(self->sent);
	free(self->received);
}

static const size_t sizes[] = {
	0, 1, 63, 64, 4000, 4095, 4096, 4097, 65536, 100001, 1 << 20, IPCSHM_MESSAGE_MAX,
};

/* Bytes that differ from size to size and from place to place. */
static void make_content(unsigned char *content, size_t size)
{
	__u32 state = size * 2654435761u + 1;
	size_t i;

	for (i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		content[i] = state >> 24;
	}
}

TEST_F_TIMEOUT(content, of_every_size_arrives_whole, 120)
{
	pid_t peer = fork_peer();
	size_t i;

	ASSERT_LE(0, peer);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_content(self->sent, sizes[i]);
		if (!peer) {
			ASSERT_EQ(0, ipcshm_send(self->queue.fd, self->sent, sizes[i], 0,
						 IPCSHM_FOREVER));
			continue;
		}
		self->received[sizes[i]] = 'x';
		ASSERT_EQ(sizes[i], ipcshm_receive(self->queue.fd, self->received,
						   IPCSHM_MESSAGE_MAX, NULL, IPCSHM_FOREVER));
		EXPECT_EQ(0, memcmp(self->sent, self->received, sizes[i]));
		EXPECT_EQ('x', self->received[sizes[i]]);
	}
	if (!peer)
		_exit(0);
	EXPECT_EQ(0, wait_child(peer));
}

TEST_F_TIMEOUT(content, of_every_size_is_read_as_written, 120)
{
	pid_t peer = fork_peer();
	size_t i;

	ASSERT_LE(0, peer);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_content(self->sent, sizes[i]);
		if (!peer) {
			ASSERT_EQ(sizes[i], write(self->queue.fd, self->sent, sizes[i]));
			continue;
		}
		ASSERT_EQ(sizes[i], read(self->queue.fd, self->received, IPCSHM_MESSAGE_MAX));
		EXPECT_EQ(0, memcmp(self->sent, self->received, sizes[i]));
	}
	if (!peer)
		_exit(0);
	EXPECT_EQ(0, wait_child(peer));
}

/* read and write. */

TEST_F(queue, write_and_read_transfer_one_message)
{
	char text[16] = "";
	struct peer *sender = queue_start(&self->queue, write_role, (struct peer) { .value = 7 });
	struct ipcshm_message message;
	__u64 value;

	EXPECT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(8, finish(sender));
	EXPECT_EQ(7, value);
	EXPECT_EQ(0, message.priority);
	EXPECT_EQ(0, message.type);
	ASSERT_TRUE(offer_value(&self->queue, 8, 0));
	ASSERT_TRUE(offer_value(&self->queue, 9, 0));
	EXPECT_EQ(8, read(self->queue.fd, text, sizeof(text)));
	EXPECT_EQ(8, text[0]);
	EXPECT_EQ(8, read(self->queue.fd, text, sizeof(text)));
	EXPECT_EQ(9, text[0]);
}

static void vector_write_role(struct peer *peer)
{
	struct iovec parts[] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };

	peer->result = writev(peer->fd, parts, ARRAY_SIZE(parts));
}

TEST_F(queue, vector_is_one_message)
{
	struct peer *sender = queue_start(&self->queue, vector_write_role, (struct peer) { 0 });
	char one[1] = "", two[3] = "", three[5] = "";
	struct iovec parts[] = { { one, 1 }, { two, 3 }, { three, 5 } };

	EXPECT_EQ(5, readv(self->queue.fd, parts, ARRAY_SIZE(parts)));
	EXPECT_EQ(5, finish(sender));
	EXPECT_EQ('a', one[0]);
	EXPECT_EQ(0, memcmp(two, "bcd", 3));
	EXPECT_EQ(0, memcmp(three, "e\0\0\0\0", 5));
}

static void empty_write_role(struct peer *peer)
{
	peer->result = write(peer->fd, "", 0);
}

TEST_F(queue, message_of_no_bytes_reads_as_zero)
{
	struct peer *sender = queue_start(&self->queue, empty_write_role, (struct peer) { 0 });
	char byte = 'x';

	EXPECT_EQ(0, read(self->queue.fd, &byte, 1));
	EXPECT_EQ('x', byte);
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(1, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(1, queue_stat_now(&self->queue).received);
}

TEST_F(queue, read_of_no_bytes_receives_nothing)
{
	char byte;

	EXPECT_EQ(0, read(self->queue.fd, &byte, 0));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(0, read(self->queue.fd, &byte, 0));
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(queue, rwf_nowait_does_not_block)
{
	__u64 value = 5;
	struct iovec part = { &value, sizeof(value) };

	EXPECT_EQ(-1, preadv2(self->queue.fd, &part, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_TRUE(offer_value(&self->queue, 6, 0));
	EXPECT_EQ(8, preadv2(self->queue.fd, &part, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(6, value);
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 0));
	EXPECT_EQ(variant->depth ? 8 : -1, pwritev2(self->queue.fd, &part, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(variant->depth ? 6 : NOTHING,
		  variant->depth ? receive_value(&self->queue) : NOTHING);
}

TEST_F(queue, cannot_be_seeked)
{
	char byte;
	struct iovec part = { &byte, 1 };

	EXPECT_EQ(-1, lseek(self->queue.fd, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(self->queue.fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->queue.fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, preadv2(self->queue.fd, &part, 1, 0, 0));
	EXPECT_EQ(ESPIPE, errno);
}

/* Rights. */

TEST_F(queue, descriptor_has_only_the_rights_of_its_open)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ),
	    writer = queue_open_again(&self->queue, IPCSHM_WRITE);
	__u64 value = 1;

	EXPECT_EQ(O_RDONLY, fcntl(reader, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(O_WRONLY, fcntl(writer, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(-EBADF, ipcshm_send(reader, &value, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-EBADF, ipcshm_receive(writer, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(reader, &value, 8));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, read(writer, &value, 8));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	close(reader);
	close(writer);
}

/* Statistics. */

TEST_F(queue, stat_has_its_attributes)
{
	struct ipcshm_queue_stat stat;
	__u64 now = now_ns(CLOCK_REALTIME);
	int again = queue_open_again(&self->queue, IPCSHM_READ);

	ASSERT_EQ(0, ipcshm_queue_get_stat(self->queue.fd, &stat, sizeof(stat)));
	EXPECT_NE(0, stat.stat.id);
	EXPECT_LE(stat.stat.btime, now);
	EXPECT_GE(stat.stat.btime, now - WAIT_SECONDS * 1000 * MS);
	EXPECT_EQ(geteuid(), stat.stat.uid);
	EXPECT_EQ(getegid(), stat.stat.gid);
	EXPECT_EQ(0600, stat.stat.mode);
	EXPECT_EQ(IPCSHM_STAT_NAMED, stat.stat.flags);
	EXPECT_EQ(IPCSHM_QUEUE, stat.stat.kind);
	EXPECT_EQ(2, stat.stat.opens);
	EXPECT_EQ(variant->max_messages, stat.max_messages);
	EXPECT_EQ(variant->max_bytes, stat.max_bytes);
	EXPECT_EQ(SIZE, stat.max_message_size);
	EXPECT_EQ(0, stat.messages | stat.bytes | stat.senders | stat.receivers | stat.sent |
		     stat.received);
	close(again);
}

TEST_F(queue, stat_counts_exactly)
{
	struct ipcshm_queue_stat stat;
	unsigned int i;

	for (i = 0; i < 5; i++)
		ASSERT_TRUE(offer_value(&self->queue, i, i));
	stat = queue_stat_now(&self->queue);
	EXPECT_EQ(variant->depth ? 5 : 0, stat.messages);
	EXPECT_EQ(variant->depth ? 40 : 0, stat.bytes);
	EXPECT_EQ(variant->depth ? 5 : 0, stat.sent);
	EXPECT_EQ(variant->depth ? 0 : 5, stat.senders);
	EXPECT_EQ(0, stat.received);
	EXPECT_EQ(4, receive_value(&self->queue));
	EXPECT_EQ(3, receive_value(&self->queue));
	stat = queue_stat_now(&self->queue);
	EXPECT_EQ(variant->depth ? 3 : 0, stat.messages);
	EXPECT_EQ(variant->depth ? 24 : 0, stat.bytes);
	EXPECT_EQ(variant->depth ? 5 : 2, stat.sent);
	EXPECT_EQ(variant->depth ? 0 : 3, stat.senders);
	EXPECT_EQ(2, stat.received);
	for (i = 0; i < 3; i++)
		EXPECT_NE(NOTHING, receive_value(&self->queue));
	stat = queue_stat_now(&self->queue);
	EXPECT_EQ(0, stat.messages | stat.bytes | stat.senders | stat.receivers);
	EXPECT_EQ(5, stat.sent);
	EXPECT_EQ(5, stat.received);
}

TEST_F(queue, message_handed_over_counts_as_sent_and_received)
{
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).bytes);
	EXPECT_EQ(1, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(1, queue_stat_now(&self->queue).received);
}

IPCSHM_TEST_MAIN
