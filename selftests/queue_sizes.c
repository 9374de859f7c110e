// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: payloads of all sizes, in memory that earlier messages have used, and user memory that
 * ends in the middle of a payload.
 */
#include "common/harness.h"
#include "common/queue.h"

#define LARGEST		5000	/* larger than any recycled memory */
#define BATCH		40

/**
 * struct buffer - memory with an inaccessible page behind it
 * @start: its first byte
 * @end: the byte behind it
 */
struct buffer {
	unsigned char *start;
	unsigned char *end;
};

static bool buffer_map(struct buffer *buffer)
{
	size_t page = (size_t)getpagesize(), size = (LARGEST / page + 2) * page;

	buffer->start = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	buffer->end = buffer->start + size;
	return buffer->start != MAP_FAILED && !mprotect(buffer->end, page, PROT_NONE);
}

static void buffer_unmap(struct buffer *buffer)
{
	munmap(buffer->start, (size_t)(buffer->end - buffer->start) + (size_t)getpagesize());
}

static unsigned char byte_of(size_t seed, size_t i)
{
	return (unsigned char)(seed * 31 + i * 7 + (i >> 8));
}

static void fill_payload(unsigned char *data, size_t size, size_t seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = byte_of(seed, i);
}

static bool is_payload(const unsigned char *data, size_t size, size_t seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (data[i] != byte_of(seed, i))
			return false;
	return true;
}

/* Sizes in an order in which large and small ones follow each other. */
static size_t size_number(size_t i)
{
	return 1 + i * 1999 % LARGEST;
}

FIXTURE(sizes)
{
	struct test_queue queue;
	struct buffer from, to;
};

FIXTURE_VARIANT(sizes)
{
	__u64 max_messages;
	bool by_file;
};

FIXTURE_VARIANT_ADD(sizes, bounded)
{
	.max_messages = BATCH,
};

FIXTURE_VARIANT_ADD(sizes, unbounded)
{
	.max_messages = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(sizes, bounded_by_file)
{
	.max_messages = BATCH,
	.by_file = true,
};

FIXTURE_SETUP(sizes)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, variant->max_messages,
				  variant->max_messages == BATCH ? 0 : IPCSHM_UNBOUNDED,
				  LARGEST));
	ASSERT_TRUE(buffer_map(&self->from));
	ASSERT_TRUE(buffer_map(&self->to));
}

FIXTURE_TEARDOWN(sizes)
{
	buffer_unmap(&self->to);
	buffer_unmap(&self->from);
	queue_tear_down(&self->queue);
}

static long send_payload(int fd, bool by_file, const void *data, size_t size)
{
	ssize_t written;

	if (!by_file)
		return ipcshm_send(fd, data, size, 0, IPCSHM_NOW);
	written = write(fd, data, size);
	return written == (ssize_t)size ? 0 : written < 0 ? -errno : -EIO;
}

static long receive_payload(int fd, bool by_file, void *data, size_t size)
{
	ssize_t got;

	if (!by_file)
		return ipcshm_receive(fd, data, size, NULL, IPCSHM_NOW);
	got = read(fd, data, size);
	return got < 0 ? -errno : got;
}

TEST_F(sizes, payloads_of_all_sizes_arrive_unchanged)
{
	size_t i, size;

	for (i = 0; i < LARGEST; i++) {
		unsigned char *from = self->from.start + i % 9, *to = self->to.start + i % 7;

		size = size_number(i);
		fill_payload(from, size, i);
		memset(to, 0xaa, size + 1);
		ASSERT_EQ(0, send_payload(self->queue.fd, variant->by_file, from, size));
		ASSERT_EQ(size, receive_payload(self->queue.fd, variant->by_file, to, LARGEST));
		ASSERT_TRUE(is_payload(to, size, i));
		ASSERT_EQ(0xaa, to[size]);
	}
}

/* Sizes around those where the way of a payload changes. */
static const size_t edges[] = { 1, 7, 8, 9, 31, 64, 65, 255, 256, 257, 511, 700, 1024, 1800, 3000,
				3800, 3850, 3900, 4000, 4096, LARGEST };

TEST_F(sizes, fault_in_a_payload_has_no_effect)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		const size_t size = edges[i], cuts[] = { 0, size / 3, size / 2, size - 1 };
		unsigned char *from = self->from.end - size, *to = self->to.end - size;

		for (j = 0; j < ARRAY_SIZE(cuts); j++) {
			fill_payload(from, size, i + j);
			ASSERT_EQ(-EFAULT, send_payload(self->queue.fd, variant->by_file,
							self->from.end - cuts[j], size));
			ASSERT_EQ(0, queue_stat_now(&self->queue).messages);
			ASSERT_EQ(0, send_payload(self->queue.fd, variant->by_file, from, size));
			ASSERT_EQ(-EFAULT, receive_payload(self->queue.fd, variant->by_file,
							   self->to.end - cuts[j], size));
			ASSERT_EQ(1, queue_stat_now(&self->queue).messages);
			ASSERT_EQ(size, receive_payload(self->queue.fd, variant->by_file, to, size));
			ASSERT_TRUE(is_payload(to, size, i + j));
		}
	}
}

TEST_F(sizes, batches_of_all_sizes_keep_payloads_and_order)
{
	static unsigned char from[BATCH][LARGEST], to[BATCH][LARGEST];
	struct ipcshm_message sent[BATCH], received[BATCH];
	size_t round, i;

	if (variant->by_file)
		SKIP(return, "write() sends one message");
	for (round = 0; round < 50; round++) {
		for (i = 0; i < BATCH; i++) {
			size_t size = size_number(round * BATCH + i);

			/* Rounds of small, of larger and of mixed payloads. */
			if (round % 3)
				size = 1 + size % (round % 3 == 1 ? 300 : 2000);
			fill_payload(from[i], size, round + i);
			sent[i] = (struct ipcshm_message) { .data = (uintptr_t)from[i],
							    .size = size };
			received[i] = (struct ipcshm_message) { .data = (uintptr_t)to[i],
								.size = LARGEST };
		}
		ASSERT_EQ(BATCH, ipcshm_send_batch(self->queue.fd, sent, BATCH, 0, IPCSHM_NOW));
		ASSERT_EQ(BATCH,
			  ipcshm_receive_batch(self->queue.fd, received, BATCH, 0, IPCSHM_NOW));
		for (i = 0; i < BATCH; i++) {
			ASSERT_EQ(sent[i].size, received[i].size);
			ASSERT_TRUE(is_payload(to[i], received[i].size, round + i));
		}
	}
}

IPCSHM_TEST_MAIN
