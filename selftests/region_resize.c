// SPDX-License-Identifier: GPL-2.0-only
/* The memory of a region: resizing. */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "memory_fixture.h"

#define RW		(PROT_READ | PROT_WRITE)

TEST_F(memory, mapping_of_the_largest_size_grows_with_the_region)
{
	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(SIZE, readable_pages(&self->region, self->region.map, MAX_SIZE));
	EXPECT_FALSE(can_write(self->region.map + SIZE * self->region.page_size));
	ASSERT_EQ(0, resize(&self->region, 5));
	EXPECT_EQ(5, pages_now(&self->region));
	EXPECT_EQ(5, readable_pages(&self->region, self->region.map, MAX_SIZE));
	EXPECT_TRUE(can_write(self->region.map + 4 * self->region.page_size));
	ASSERT_EQ(0, resize(&self->region, MAX_SIZE));
	EXPECT_EQ(MAX_SIZE, readable_pages(&self->region, self->region.map, MAX_SIZE));
}

TEST_F(memory, growth_is_zero)
{
	ASSERT_TRUE(map_region(&self->region));
	memset(self->region.map, 0x5a, SIZE * self->region.page_size);
	ASSERT_EQ(0, resize(&self->region, MAX_SIZE));
	EXPECT_EQ(0x5a, self->region.map[SIZE * self->region.page_size - 1]);
	EXPECT_TRUE(all_zero(self->region.map + SIZE * self->region.page_size,
			     (MAX_SIZE - SIZE) * self->region.page_size));
}

TEST_F(memory, removed_part_comes_back_as_zero)
{
	ASSERT_TRUE(map_region(&self->region));
	memset(self->region.map, 0x5a, SIZE * self->region.page_size);
	ASSERT_EQ(0, resize(&self->region, 1));
	EXPECT_EQ(1, readable_pages(&self->region, self->region.map, MAX_SIZE));
	ASSERT_EQ(0, resize(&self->region, SIZE));
	EXPECT_EQ(0x5a, self->region.map[self->region.page_size - 1]);
	EXPECT_TRUE(all_zero(self->region.map + self->region.page_size, self->region.page_size));
}

TEST_F(memory, size_is_rounded_up_to_pages)
{
	EXPECT_EQ(0, ipcshm_region_resize(self->region.fd, 2 * self->region.page_size + 1));
	EXPECT_EQ(3, pages_now(&self->region));
	EXPECT_EQ(0, ipcshm_region_resize(self->region.fd, 1));
	EXPECT_EQ(1, pages_now(&self->region));
}

TEST_F(memory, size_over_the_largest_is_refused)
{
	struct ipcshm_region_attr fixed = { .size = self->region.page_size };
	int other = ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0,
				       &fixed);

	EXPECT_EQ(-EINVAL, resize(&self->region, MAX_SIZE + 1));
	EXPECT_EQ(-EINVAL,
		  ipcshm_region_resize(self->region.fd, MAX_SIZE * self->region.page_size + 1));
	EXPECT_EQ(-EINVAL, ipcshm_region_resize(self->region.fd, ~0ULL));
	EXPECT_EQ(-EINVAL, resize(&self->region, 0));
	EXPECT_EQ(-EINVAL, ipcshm_region_resize(other, self->region.page_size + 1));
	EXPECT_EQ(0, ipcshm_region_resize(other, self->region.page_size));
	EXPECT_EQ(SIZE, pages_now(&self->region));
}

static void touch_role(struct peer *peer)
{
	unsigned char *at = map_pages(peer->region, peer->region->fd, 0, MAX_SIZE, RW, MAP_SHARED);

	peer->token = self_token(peer->region->fd);
	be_ready(peer);
	if (!WAIT_UNTIL(can_write(at + (MAX_SIZE - 1) * peer->region->page_size)))
		_exit(1);
	peer->value = readable_pages(peer->region, at, MAX_SIZE);
}

TEST_F(memory, members_use_growth_without_another_call)
{
	struct peer *peer = region_start_ready(&self->region, touch_role, (struct peer) { 0 });

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, resize(&self->region, MAX_SIZE));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(MAX_SIZE, peer->value);
}

TEST_F(memory, region_shrinks_without_members_and_frees_memory)
{
	ASSERT_EQ(0, resize(&self->region, MAX_SIZE));
	ASSERT_EQ(0, fallocate(self->region.fd, 0, 0, MAX_SIZE * self->region.page_size));
	EXPECT_EQ(MAX_SIZE * self->region.page_size, used_memory(self->region.fd));
	EXPECT_EQ(0, resize(&self->region, 1));
	EXPECT_EQ(self->region.page_size, used_memory(self->region.fd));
}

TEST_F(memory, region_does_not_shrink_under_another_member)
{
	struct peer *peer = start_member(&self->region);

	ASSERT_TRUE(peer);
	EXPECT_EQ(-EBUSY, resize(&self->region, 1));
	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(-EBUSY, resize(&self->region, 1));
	EXPECT_EQ(SIZE, readable_pages(&self->region, self->region.map, MAX_SIZE));
	EXPECT_EQ(0, resize(&self->region, SIZE));
	EXPECT_EQ(0, resize(&self->region, SIZE + 1));
	kill_peer(peer);
	EXPECT_EQ(0, resize(&self->region, 1));
	EXPECT_EQ(1, readable_pages(&self->region, self->region.map, MAX_SIZE));
}

static void await_told_role(struct peer *peer)
{
	peer->result = ipcshm_region_self(peer->region->fd, &peer->token);
	be_ready(peer);
	if (!WAIT_UNTIL(may_continue(peer)))
		_exit(1);
	peer->value = readable_pages(peer->region, peer->region->map, SIZE);
}

TEST_F(memory, region_does_not_shrink_under_a_child_that_found_no_slot)
{
	struct ipcshm_region_attr attr = { .size = SIZE * self->region.page_size,
					   .max_members = 1 };
	struct peer *child;

	self->region.fd =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	self->region.map = map_pages(&self->region, self->region.fd, 0, SIZE, RW, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, self->region.map);
	child = region_start_ready(&self->region, await_told_role, (struct peer) { 0 });
	ASSERT_TRUE(child);
	EXPECT_EQ(-EBUSY, resize(&self->region, 1));
	let_continue(child);
	EXPECT_EQ(-EUSERS, finish(child));
	EXPECT_EQ(SIZE, child->value);
	EXPECT_EQ(0, resize(&self->region, 1));
}

/* Joins and leaves, and never finds less memory than the region had when it was mapped. */
static void join_often_role(struct peer *peer)
{
	while (!may_continue(peer)) {
		unsigned char *at =
			map_pages(peer->region, peer->region->fd, 0, MAX_SIZE, RW, MAP_SHARED);

		if (at == MAP_FAILED) {
			if (errno != EBUSY)
				break;
			continue;
		}
		if (region_stat_now(peer->region).size > peer->region->page_size &&
		    !can_read(at + peer->region->page_size))
			peer->result++;
		munmap(at, MAX_SIZE * peer->region->page_size);
		be_ready(peer);
	}
}

TEST_F(memory, shrinking_and_joining_exclude_each_other)
{
	struct peer *peer = region_start_ready(&self->region, join_often_role, (struct peer) { 0 });
	__u64 start = now_ns(CLOCK_MONOTONIC), elapsed = 0;
	unsigned int shrunk = 0, busy = 0;

	ASSERT_TRUE(peer);
	while (elapsed < 2 * SECOND || (!(shrunk && busy) && elapsed < WAIT_SECONDS * SECOND)) {
		int result = resize(&self->region, 1);

		shrunk += !result;
		busy += result == -EBUSY;
		ASSERT_EQ(0, resize(&self->region, SIZE));
		elapsed = now_ns(CLOCK_MONOTONIC) - start;
	}
	let_continue(peer);
	EXPECT_EQ(0, finish(peer));
	EXPECT_LT(0, shrunk);
	EXPECT_LT(0, busy);
}

TEST_F(memory, only_resize_changes_the_size)
{
	const int seals = F_SEAL_GROW | F_SEAL_SHRINK;

	ASSERT_EQ(0, resize(&self->region, 4));
	EXPECT_EQ(seals, SEALS(self->region.fd));
	EXPECT_EQ(-1, ftruncate(self->region.fd, self->region.page_size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, ftruncate(self->region.fd, 5 * self->region.page_size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fallocate(self->region.fd, 0, 4 * self->region.page_size,
				self->region.page_size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, pwrite(self->region.fd, "x", 1, 4 * self->region.page_size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(4, pages_now(&self->region));
}

static void truncate_role(struct peer *peer)
{
	be_ready(peer);
	while (!may_continue(peer)) {
		if (!ftruncate(peer->region->fd, peer->region->page_size) || errno != EPERM)
			peer->result++;
	}
}

TEST_F(memory, seals_hold_while_the_size_changes)
{
	struct peer *peer = region_start_ready(&self->region, truncate_role, (struct peer) { 0 });
	__u64 end = now_ns(CLOCK_MONOTONIC) + SECOND;

	ASSERT_TRUE(peer);
	while (now_ns(CLOCK_MONOTONIC) < end) {
		ASSERT_EQ(0, resize(&self->region, MAX_SIZE));
		ASSERT_EQ(0, resize(&self->region, SIZE));
	}
	let_continue(peer);
	EXPECT_EQ(0, finish(peer));
}

TEST_F(memory, region_sealed_against_writing_keeps_its_size)
{
	ASSERT_EQ(0, fcntl(self->region.fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EPERM, resize(&self->region, MAX_SIZE));
	EXPECT_EQ(-EPERM, resize(&self->region, 1));
	EXPECT_EQ(SIZE, pages_now(&self->region));
}

TEST_F(memory, resizing_needs_the_right_to_write)
{
	int reader = region_open_again(&self->region, IPCSHM_READ);

	EXPECT_EQ(-EBADF, ipcshm_region_resize(reader, self->region.page_size));
	EXPECT_EQ(-EINVAL, ipcshm_region_resize(reader, 0));
}

TEST_F(memory, file_size_limit_holds)
{
	const struct rlimit limit = { 4 * self->region.page_size, 4 * self->region.page_size };

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(-EFBIG, resize(&self->region, 5));
	EXPECT_EQ(SIZE, pages_now(&self->region));
	EXPECT_EQ(0, resize(&self->region, 4));
}

TEST_F(memory, words_can_be_waited_on_as_soon_as_they_are_there)
{
	const __u64 offset = SIZE * self->region.page_size;

	EXPECT_EQ(-EINVAL, ipcshm_region_wait(self->region.fd, offset, 4, 0, 0, 0));
	ASSERT_EQ(0, resize(&self->region, MAX_SIZE));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_wait(self->region.fd, offset, 4, 0, 0, 0));
	ASSERT_EQ(0, resize(&self->region, SIZE));
	EXPECT_EQ(-EINVAL, ipcshm_region_wait(self->region.fd, offset, 4, 0, 0, 0));
}

IPCSHM_TEST_MAIN
