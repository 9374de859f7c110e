// SPDX-License-Identifier: GPL-2.0-only
/* Waits on a word of a region, and their ends by a wake-up, a death and the revocation. */
#include "common/harness.h"
#include "common/region.h"
#include "common/swap.h"
#include "common/wait.h"
#include "wait_fixture.h"

/* The immediate result of a wait on a 4-byte word. */
static int try_wait(struct test_region *region, __u64 offset, __u32 expected)
{
	return wait_word(region, offset, 4, expected, 0);
}

/* The word and its size. */

TEST_F(wait, word_that_differs_is_not_waited_on)
{
	store_word(&self->region, 8, 5);
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, 8, 4));
	EXPECT_EQ(-EAGAIN, wait_word(&self->region, 8, 4, 4, FOREVER));
	EXPECT_EQ(-ETIMEDOUT, try_wait(&self->region, 8, 5));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

TEST_F(wait, all_eight_bytes_count_and_no_more)
{
	const __u64 value = 0x1122334455667788;

	memcpy(self->region.map + 8, &value, 8);
	memset(self->region.map + 16, 0xff, 8);
	EXPECT_EQ(-ETIMEDOUT, wait_word(&self->region, 8, 8, value, 0));
	EXPECT_EQ(-EAGAIN, wait_word(&self->region, 8, 8, value ^ 1ULL << 63, FOREVER));
	EXPECT_EQ(-EAGAIN, wait_word(&self->region, 8, 8, value ^ 1, FOREVER));
	EXPECT_EQ(-ETIMEDOUT, wait_word(&self->region, 8, 4, (__u32)value, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_word(&self->region, 12, 4, value >> 32, 0));
}

TEST_F(wait, last_word_is_a_word)
{
	EXPECT_EQ(-ETIMEDOUT,
		  wait_word(&self->region, PAGES * self->region.page_size - 4, 4, 0, 0));
	EXPECT_EQ(-ETIMEDOUT,
		  wait_word(&self->region, PAGES * self->region.page_size - 8, 8, 0, 0));
}

TEST_F(wait, beyond_the_end_is_no_word)
{
	const __u64 offsets[] = {
		PAGES * self->region.page_size,
		PAGES * self->region.page_size + 8,
		1ULL << 32,
		1ULL << 62,
		1ULL << 63,
		IPCSHM_MEMBER_PAGE_OFFSET,
		~7ULL,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(-EINVAL, wait_word(&self->region, offsets[i], 4, 0, FOREVER));
		EXPECT_EQ(-EINVAL, wait_word(&self->region, offsets[i], 8, 0, FOREVER));
		EXPECT_EQ(-EINVAL, ipcshm_region_watch(self->region.fd, offsets[i], 4, 0, 0));
	}
}

TEST_F(wait, hole_is_zero)
{
	struct peer *peer = block_on(&self->region, 3 * self->region.page_size);

	ASSERT_TRUE(peer);
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, 2 * self->region.page_size, 1));
	EXPECT_EQ(1, wake_word(&self->region, 3 * self->region.page_size, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, word_that_was_punched_out_is_zero)
{
	struct peer *peer;

	store_word(&self->region, self->region.page_size, 5);
	ASSERT_EQ(0, fallocate(self->region.fd, PUNCH, self->region.page_size,
			       self->region.page_size));
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, self->region.page_size, 5));
	peer = block_on(&self->region, self->region.page_size);
	ASSERT_TRUE(peer);
	EXPECT_EQ(1, wake_word(&self->region, self->region.page_size, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, wake_up_finds_waiters_from_before_the_page_was_punched_out)
{
	struct peer *peer = block_on(&self->region, self->region.page_size);

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, fallocate(self->region.fd, PUNCH, self->region.page_size,
			       self->region.page_size));
	store_word(&self->region, self->region.page_size, 5);
	EXPECT_EQ(1, wake_word(&self->region, self->region.page_size, 1));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, self->region.page_size, 0));
}

TEST_F(wait, word_need_not_be_mapped)
{
	struct peer *peer;

	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	ASSERT_EQ(4, pwrite(self->region.fd, &(__u32) { 7 }, 4, 4));
	peer = block_waiter(&self->region, wait_role, (struct peer) {
		.wait.offset = 4,
		.wait.expected = 7,
	});
	ASSERT_TRUE(peer);
	EXPECT_EQ(1, wake_word(&self->region, 4, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, private_copy_of_a_word_is_not_the_word)
{
	__u32 *copy = map_pages(&self->region, self->region.fd, 0, 1, PROT_READ | PROT_WRITE,
				MAP_PRIVATE);

	ASSERT_NE(MAP_FAILED, copy);
	*copy = 5;
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, 0, 5));
	EXPECT_EQ(-ETIMEDOUT, try_wait(&self->region, 0, 0));
}

TEST_F(wait, swapped_out_word_is_read_back)
{
	struct peer *peer;

	if (!has_swap())
		SKIP(return, "no swap");
	memset(self->region.map, 0x5a, PAGES * self->region.page_size);
	ASSERT_TRUE(page_out(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(-EAGAIN, try_wait(&self->region, self->region.page_size, 0));
	ASSERT_TRUE(page_out(self->region.map, PAGES * self->region.page_size));
	peer = block_waiter(
		&self->region, wait_role,
		(struct peer) {
			.wait.offset = self->region.page_size,
			.wait.expected = 0x5a5a5a5a,
		});
	ASSERT_TRUE(peer);
	ASSERT_TRUE(page_out(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(1, wake_word(&self->region, self->region.page_size, 1));
	EXPECT_EQ(0, finish(peer));
	ASSERT_TRUE(page_out(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(0, ipcshm_region_watch(self->region.fd, 0, 4, 0x5a5a5a5a, 0));
	EXPECT_EQ(0, poll(&(struct pollfd) { .fd = self->region.fd, .events = POLLIN }, 1, 0));
	EXPECT_EQ(0x5a5a5a5a, load_word(&self->region, 0));
}

static struct peer *block_huge(struct test_region *region, size_t size, size_t step)
{
	struct peer *first = &region->peers.list[region->peers.count];
	size_t offset;

	for (offset = step; offset < size; offset += step) {
		*(__u32 *)(region->map + offset) = offset;
		if (!block_waiter(region, wait_role,
				  (struct peer){ .wait.offset = offset, .wait.expected = offset }))
			return NULL;
	}
	return first;
}

TEST_F(wait, words_of_a_huge_page_are_words)
{
	const char *was = allow_huge_pages();
	struct ipcshm_region_attr attr = { .size = 4 << 20 };
	struct peer *peer;
	size_t size, offset;
	void *at;

	if (!was)
		SKIP(return, SHMEM_ENABLED " cannot be set");
	self->region.fd =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	ASSERT_LE(0, self->region.fd);
	ASSERT_EQ(0, ipcshm_region_map(self->region.fd, READ_WRITE, &at, &size));
	ASSERT_EQ(0, madvise(at, size, MADV_DONTFORK));
	ASSERT_EQ(0, madvise(at, size, MADV_HUGEPAGE));
	self->region.map = at;
	memset(self->region.map, 0, size);
	restore_huge_pages(was);
	if (!smaps_field(at, "ShmemPmdMapped"))
		SKIP(return, "no huge pages to be had");
	peer = block_huge(&self->region, size, 256 << 10);
	ASSERT_TRUE(peer);
	for (offset = 256 << 10; offset < size; offset += 256 << 10, peer++) {
		EXPECT_EQ(-EAGAIN, try_wait(&self->region, offset, offset + 1));
		EXPECT_EQ(1, wake_word(&self->region, offset, 1));
		EXPECT_EQ(0, finish(peer));
	}
}

/* Wake-ups. */

TEST_F(wait, wake_up_ends_a_wait)
{
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	store_word(&self->region, 0, 1);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

TEST_F(wait, wake_up_ends_a_wait_though_the_word_has_not_changed)
{
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, wake_up_without_a_waiter_is_not_kept)
{
	struct peer *peer;

	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, wake_word(&self->region, 0, INT_MAX));
	peer = block_on(&self->region, 0);
	ASSERT_TRUE(peer);
	EXPECT_EQ(1, wake_word(&self->region, 0, INT_MAX));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, first_waiter_is_woken_first)
{
	struct peer *waiters[6];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i] = block_on(&self->region, 0);
		ASSERT_TRUE(waiters[i]);
	}
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		EXPECT_EQ(1, wake_word(&self->region, 0, 1));
		EXPECT_EQ(0, finish(waiters[i]));
		EXPECT_EQ(ARRAY_SIZE(waiters) - i - 1, region_stat_now(&self->region).waiters);
	}
}

TEST_F(wait, repeated_wait_is_last)
{
	struct peer *first = block_on(&self->region, 0), *second = block_on(&self->region, 0);

	ASSERT_TRUE(first && second);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(first));
	first = block_on(&self->region, 0);
	ASSERT_TRUE(first);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(second));
	EXPECT_EQ(1, region_stat_now(&self->region).waiters);
}

TEST_F(wait, no_more_are_woken_than_asked_for)
{
	struct peer *waiters[5];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i] = block_on(&self->region, 4);
		ASSERT_TRUE(waiters[i]);
	}
	EXPECT_EQ(0, wake_word(&self->region, 4, 0));
	EXPECT_EQ(3, wake_word(&self->region, 4, 3));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, finish(waiters[i]));
	EXPECT_EQ(2, region_stat_now(&self->region).waiters);
	EXPECT_EQ(2, wake_word(&self->region, 4, 3));
	for (i = 3; i < 5; i++)
		EXPECT_EQ(0, finish(waiters[i]));
}

TEST_F(wait, wake_up_of_any_other_word_wakes_no_waiter)
{
	struct peer *peer = block_on(&self->region, 64);
	__u64 offset;

	ASSERT_TRUE(peer);
	for (offset = 0; offset < PAGES * self->region.page_size; offset += 4)
		if (offset != 64)
			ASSERT_EQ(0, wake_word(&self->region, offset, INT_MAX));
	EXPECT_EQ(-EINVAL, wake_word(&self->region, 65, 1));
	EXPECT_EQ(0, wake_word(&self->region, ~3ULL, 1));
	EXPECT_EQ(1, region_stat_now(&self->region).waiters);
	EXPECT_EQ(1, wake_word(&self->region, 64, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, word_of_another_region_is_another_word)
{
	struct ipcshm_region_attr attr = { .size = self->region.page_size };
	int other =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	EXPECT_EQ(0, ipcshm_region_wake(other, 0, 1));
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

TEST_F(wait, any_descriptor_of_the_region_will_do)
{
	int reader = region_open_again(&self->region, IPCSHM_READ),
	    other = region_open_again(&self->region, READ_WRITE);
	struct peer *peer = block_waiter(&self->region, wait_role, (struct peer) { .fd = reader });

	ASSERT_TRUE(peer);
	EXPECT_EQ(1, ipcshm_region_wake(other, 0, 1));
	EXPECT_EQ(0, finish(peer));
	peer = block_waiter(&self->region, wait_role, (struct peer) { .fd = other });
	ASSERT_TRUE(peer);
	EXPECT_EQ(1, ipcshm_region_wake(reader, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

/* Waits, while a child of its own does the same. */
static void family_role(struct peer *peer)
{
	pid_t child = fork_peer();

	peer->result = wait_on(peer);
	if (!child)
		_exit(peer->result);
	peer->value = wait_child(child);
}

TEST_F(wait, parent_and_child_wait_each_for_itself)
{
	struct peer *peer = region_start(&self->region, family_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(region_stat_now(&self->region).waiters == 2));
	EXPECT_EQ(2, wake_word(&self->region, 0, 5));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(0, peer->value);
}

/* Deaths. */

TEST_F(wait, death_of_a_member_ends_a_wait)
{
	struct peer *member = start_member(&self->region), *peer = block_on(&self->region, 0);

	ASSERT_TRUE(member && peer);
	kill_peer(member);
	EXPECT_EQ(-EOWNERDEAD, finish(peer));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
	EXPECT_EQ(0, wake_word(&self->region, 0, 1));
}

TEST_F(wait, death_before_the_wait_ends_it_at_once)
{
	struct peer how = { .fd = self->region.fd, .wait.size = 4, .deadline = FOREVER };

	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(-EOWNERDEAD, wait_on(&how));
	how.wait.deaths = 2;
	EXPECT_EQ(-EOWNERDEAD, wait_on(&how));
	how.wait.deaths = deaths_now(&self->region);
	how.deadline = 0;
	EXPECT_EQ(-ETIMEDOUT, wait_on(&how));
}

TEST_F(wait, death_ends_the_waits_of_all_words)
{
	struct peer *member = start_member(&self->region), *waiters[40];
	unsigned int i;

	ASSERT_TRUE(member);
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i] = block_on(&self->region, i / 2 * 260);
		ASSERT_TRUE(waiters[i]);
	}
	kill_peer(member);
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		EXPECT_EQ(-EOWNERDEAD, finish(waiters[i]));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

static void leaving_role(struct peer *peer)
{
	void *at = map_pages(peer->region, peer->region->fd, 0, 1, PROT_READ, MAP_SHARED);

	be_ready(peer);
	munmap(at, peer->region->page_size);
}

TEST_F(wait, leaving_ends_no_wait)
{
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(peer);
	EXPECT_EQ(0, finish(region_start(&self->region, leaving_role, (struct peer) { 0 })));
	EXPECT_EQ(1, region_stat_now(&self->region).waiters);
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

static void waiting_member_role(struct peer *peer)
{
	join_region(peer);
	peer->result = wait_on(peer);
	for (;;)
		pause();
}

TEST_F(wait, death_of_a_waiting_member_ends_the_waits_of_others)
{
	struct peer *member = block_waiter(&self->region, waiting_member_role, (struct peer) { 0 });
	struct peer *peer = block_on(&self->region, 0);

	ASSERT_TRUE(member && peer);
	kill_peer(member);
	EXPECT_EQ(-EOWNERDEAD, finish(peer));
}

TEST_F(wait, death_in_one_region_is_none_in_another)
{
	struct ipcshm_region_attr attr = { .size = self->region.page_size };
	int other =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	struct peer *peer = region_start(&self->region, wait_role, (struct peer) { .fd = other });

	ASSERT_TRUE(WAIT_UNTIL(region_stat(other).waiters == 1));
	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(1, region_stat(other).waiters);
	EXPECT_EQ(0, region_stat(other).deaths);
	EXPECT_EQ(1, ipcshm_region_wake(other, 0, 1));
	EXPECT_EQ(0, finish(peer));
}

/* A death just as a wait begins is never missed. */
static void race_death_role(struct peer *peer)
{
	peer->wait.deaths = deaths_now(peer->region);
	be_ready(peer);
	peer->deadline = now_ns(CLOCK_MONOTONIC) + WAIT_SECONDS * SECOND;
	peer->clock = CLOCK_MONOTONIC;
	peer->result = wait_on(peer);
}

TEST_F_TIMEOUT(wait, death_as_a_wait_begins_is_not_missed, 120)
{
	unsigned int i;

	for (i = 0; i < 200; i++) {
		struct peer *member = start_member(&self->region), *peer;

		ASSERT_TRUE(member);
		peer = region_start_ready(&self->region, race_death_role, (struct peer) { 0 });
		ASSERT_TRUE(peer);
		kill_peer(member);
		ASSERT_EQ(-EOWNERDEAD, finish(peer));
		forget_peers(&self->region.peers);
	}
}

/* The revocation. */

TEST_F(wait, revocation_ends_all_waits)
{
	struct peer *first = block_on(&self->region, 0),
		    *second = block_on(&self->region, self->region.page_size);

	ASSERT_TRUE(first && second);
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(first));
	EXPECT_EQ(-EKEYREVOKED, finish(second));
	EXPECT_EQ(-EKEYREVOKED, try_wait(&self->region, 0, 0));
	EXPECT_EQ(-EKEYREVOKED, wake_word(&self->region, 0, 1));
	EXPECT_EQ(-EKEYREVOKED, watch_word(&self->region, 0, 0));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

IPCSHM_TEST_MAIN
