// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: memory of messages that are gone, which is kept for messages to come, and the users that
 * pay for it.
 */
#include "common/harness.h"
#include "quota_fixture.h"

#define ROWS	50	/* queues */
#define ROW	100	/* messages in each */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Kilobytes of kernel memory in small pieces. */
static long kernel_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kilobytes = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "SUnreclaim: %ld", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes;
}

static bool fill_row(int fd, size_t size)
{
	int i;

	for (i = 0; i < ROW; i++)
		if (try_size(fd, size))
			return false;
	return true;
}

static bool empty_row(int fd, size_t size)
{
	int i;

	for (i = 0; i < ROW; i++)
		if (receive_from(fd) != (long)size)
			return false;
	return true;
}

/*
 * Queues of many users are filled and emptied with each size in turn. Quotas return to their
 * initial value each time, and so does memory, except for 16 KiB a queue.
 */
TEST_F(quota, idle_memory_is_bounded)
{
	static const size_t sizes[] = { 3000, 1, 64, 65, 1500, 300, 3900, 64 };
	long before, filled, idle;
	int fds[ROWS], i;
	size_t size;

	before = kernel_memory();
	ASSERT_LT(0, before);
	for (i = 0; i < ROWS; i++) {
		ASSERT_TRUE(become_user(test_user(i % 10)));
		fds[i] = make_unbounded(&self->queue);
		ASSERT_LE(0, fds[i]);
	}
	for (size = 0; size < COUNT(sizes); size++) {
		for (i = 0; i < ROWS; i++)
			ASSERT_TRUE(fill_row(fds[i], sizes[size]));
		filled = kernel_memory() - before;
		for (i = 0; i < 10; i++) {
			ASSERT_TRUE(become_user(test_user(i)));
			EXPECT_EQ(ROWS / 10 * ROW * (sizes[size] + self->record),
				  used_bytes(&self->queue));
		}
		for (i = 0; i < ROWS; i++)
			ASSERT_TRUE(empty_row(fds[i], sizes[size]));
		for (i = 0; i < 10; i++) {
			ASSERT_TRUE(become_user(test_user(i)));
			EXPECT_EQ(0, used_bytes(&self->queue));
		}
		idle = kernel_memory() - before;
		if (sizes[size] >= 1500)
			EXPECT_LT(idle, filled / 2);
	}
	for (i = 0; i < ROWS; i++)
		close(fds[i]);
}

/* Memory that the creator has paid for stays, and is filled again. */
TEST_F(quota, idle_memory_of_a_bounded_queue_has_been_paid_for)
{
	int fd = make_queue(&self->queue, ROW, 0, 1500), round;
	long first = 0, later = 0;
	__u64 price = used_bytes(&self->queue);

	for (round = 0; round < 20; round++) {
		ASSERT_TRUE(fill_row(fd, round % 2 ? 1500 : 64));
		EXPECT_EQ(price, used_bytes(&self->queue));
		later = kernel_memory();
		if (!round)
			first = later;
		ASSERT_TRUE(empty_row(fd, round % 2 ? 1500 : 64));
		EXPECT_EQ(price, used_bytes(&self->queue));
	}
	EXPECT_GT(first + 16 * 1024, later);
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

/* A queue that has been filled and emptied can be filled and emptied again, in any order. */
TEST_F(quota, messages_of_all_sizes_are_whole_in_memory_used_again)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 31, 63, 64, 65, 255, 256, 257, 319, 320, 321,
					831, 832, 833, 1856, 1857, 3903, 3904, 3905, 9999 };
	char data[LARGE], room[LARGE];
	size_t i, k, size;

	for (k = 0; k < 3 * COUNT(sizes); k++) {
		for (i = 0; i < COUNT(sizes); i++) {
			size = sizes[(i * 7 + k) % COUNT(sizes)];
			memset(data, (int)(i + k), size);
			ASSERT_EQ(0, ipcshm_send(self->queue.fd, data, size, 0, SOON));
		}
		for (i = 0; i < COUNT(sizes); i++) {
			size = sizes[(i * 7 + k) % COUNT(sizes)];
			memset(data, (int)(i + k), size);
			memset(room, 0x5a, sizeof(room));
			ASSERT_EQ((long)size, ipcshm_receive(self->queue.fd, room, sizeof(room),
							     NULL, SOON));
			EXPECT_EQ(0, memcmp(data, room, size));
			if (size < sizeof(room))
				EXPECT_EQ(0x5a, room[size]);
		}
		EXPECT_EQ(0, used_bytes(&self->queue));
	}
}

IPCSHM_TEST_MAIN
