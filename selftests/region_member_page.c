// SPDX-License-Identifier: GPL-2.0-only
/* The member page of a region: which members are alive. */
#include <sys/ptrace.h>

#include "common/harness.h"
#include "common/members.h"
#include "common/region.h"
#include "members_fixture.h"

static void *map_member_page(struct test_region *region, int fd, int protection, int flags)
{
	return mmap(NULL, region->page_size, protection, flags, fd, IPCSHM_MEMBER_PAGE_OFFSET);
}

TEST_F(members, page_has_its_attributes)
{
	unsigned int i;

	EXPECT_EQ(IPCSHM_MEMBER_PAGE_VERSION, self->region.member_page->version);
	EXPECT_EQ(IPCSHM_MEMBERS_DEFAULT, self->region.member_page->max_members);
	EXPECT_EQ(0, self->region.member_page->revoked);
	for (i = 0; i < ARRAY_SIZE(self->region.member_page->reserved); i++)
		EXPECT_EQ(0, self->region.member_page->reserved[i]);
}

TEST_F(members, mapped_page_makes_no_member)
{
	int reader = region_open_again(&self->region, IPCSHM_READ);
	const struct ipcshm_member_page *page =
		map_member_page(&self->region, reader, PROT_READ, SHARED);

	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(1, page->joins);
	EXPECT_TRUE(ipcshm_is_alive(page, self_token(self->region.fd)));
}

TEST_F(members, page_cannot_be_mapped_to_be_changed)
{
	EXPECT_EQ(MAP_FAILED, map_member_page(&self->region, self->region.fd, RW, SHARED));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, map_member_page(&self->region, self->region.fd, PROT_WRITE, SHARED));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED,
		  map_member_page(&self->region, self->region.fd, PROT_READ | PROT_EXEC, SHARED));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(MAP_FAILED,
		  map_member_page(&self->region, self->region.fd, PROT_READ, MAP_PRIVATE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED,
		  map_member_page(&self->region, region_open_again(&self->region, IPCSHM_READ),
				  PROT_READ, MAP_PRIVATE));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(members, page_can_never_be_made_writable)
{
	void *page = (void *)self->region.member_page;

	EXPECT_EQ(-1, mprotect(page, self->region.page_size, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(page, self->region.page_size, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, mprotect(page, self->region.page_size, PROT_NONE));
	EXPECT_EQ(0, mprotect(page, self->region.page_size, PROT_READ));
	EXPECT_EQ(IPCSHM_MEMBER_PAGE_VERSION, self->region.member_page->version);
}

TEST_F(members, page_cannot_be_written_through_proc_mem)
{
	int reader = region_open_again(&self->region, IPCSHM_READ),
	    memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	void *page = map_member_page(&self->region, reader, PROT_READ, SHARED);

	ASSERT_LE(0, memory);
	EXPECT_EQ(-1, pwrite(memory, "x", 1, (uintptr_t)self->region.member_page));
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(-1, pwrite(memory, "x", 1, (uintptr_t)page));
	EXPECT_EQ(IPCSHM_MEMBER_PAGE_VERSION, self->region.member_page->version);
}

static void traced_role(struct peer *peer)
{
	be_ready(peer);
	for (;;)
		pause();
}

TEST_F(members, page_cannot_be_written_through_ptrace)
{
	struct peer *peer = region_start_ready(&self->region, traced_role, (struct peer) { 0 });

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, peer->pid, NULL, NULL));
	ASSERT_EQ(peer->pid, waitpid(peer->pid, NULL, 0));
	EXPECT_EQ(-1, ptrace(PTRACE_POKEDATA, peer->pid, (void *)self->region.member_page, 42L));
	EXPECT_EQ(IPCSHM_MEMBER_PAGE_VERSION, self->region.member_page->version);
}

TEST_F(members, pages_are_at_one_offset_and_no_more_than_there_are)
{
	const __u64 offsets[] = {
		IPCSHM_MEMBER_PAGE_OFFSET + self->region.page_size, 2 * IPCSHM_MEMBER_PAGE_OFFSET,
		3ULL << 61,
	};
	/* The system call of 32-bit processes takes the number of a page, in 32 bits. */
	const __u64 end = sizeof(long) < sizeof(__u64) ? 1ULL << 44 : ~0ULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(MAP_FAILED, mmap(NULL, self->region.page_size, PROT_READ, SHARED,
					   self->region.fd, offsets[i]));
		EXPECT_EQ(offsets[i] < end ? ENXIO : EINVAL, errno);
	}
	EXPECT_EQ(MAP_FAILED, mmap(NULL, sizeof(*self->region.member_page) + self->region.page_size,
				   PROT_READ, SHARED, self->region.fd, IPCSHM_MEMBER_PAGE_OFFSET));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(MAP_FAILED,
		  mmap(NULL, 2 * self->region.page_size, PROT_READ, SHARED, self->region.fd,
		       IPCSHM_MEMBER_PAGE_OFFSET - self->region.page_size));
	EXPECT_EQ(ENXIO, errno);
}

TEST_F(members, page_does_not_grow)
{
	EXPECT_EQ(MAP_FAILED,
		  mremap((void *)self->region.member_page, sizeof(*self->region.member_page),
			 sizeof(*self->region.member_page) + self->region.page_size,
			 MREMAP_MAYMOVE));
}

/* Also by a system call, and in pieces. */
TEST_F(members, slots_that_were_never_used_read_as_zero)
{
	char *half = (char *)self->region.member_page + sizeof(*self->region.member_page) / 2 /
								self->region.page_size *
								self->region.page_size;
	int pipe_ends[2];
	size_t i;

	ASSERT_EQ(0, pipe(pipe_ends));
	for (i = 0; i < IPCSHM_MEMBERS_MAX; i += 500)
		EXPECT_EQ(0, self->region.member_page->slot[i]);
	EXPECT_EQ(0, self->region.member_page->slot[IPCSHM_MEMBERS_MAX - 1]);
	EXPECT_EQ(4, write(pipe_ends[1], &self->region.member_page->slot[30000], 4));
	ASSERT_EQ(0, munmap(half, self->region.page_size));
	EXPECT_EQ(0, self->region.member_page->slot[0]);
	EXPECT_EQ(0, self->region.member_page->slot[IPCSHM_MEMBERS_MAX - 1]);
}

static void far_role(struct peer *peer)
{
	const struct ipcshm_member_page *page;

	/* A mapping of its own, in which no page was looked at yet. */
	if (ipcshm_region_map_members(peer->region->fd, &page))
		_exit(1);
	for (peer->value = 0; peer->value < IPCSHM_MEMBERS_MAX; peer->value += 64)
		if (page->slot[peer->value])
			_exit(2);
}

TEST_F(members, slots_that_were_never_used_can_be_read_by_many_at_once)
{
	struct peer *peer[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(peer); i++)
		peer[i] = region_start(&self->region, far_role, (struct peer) { 0 });
	for (i = 0; i < ARRAY_SIZE(peer); i++)
		EXPECT_EQ(0, finish(peer[i]));
}

static void page_role(struct peer *peer)
{
	peer->value = is_alive(peer->region, peer->token);
}

TEST_F(members, page_is_inherited)
{
	struct peer *peer;

	ASSERT_TRUE(map_region(&self->region));
	peer = region_start(&self->region, page_role,
			    (struct peer) { .token = self_token(self->region.fd) });
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(1, peer->value);
}

TEST_F(members, page_comes_back_after_dontneed)
{
	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
	EXPECT_EQ(0,
		  madvise((void *)self->region.member_page, self->region.page_size, MADV_DONTNEED));
	EXPECT_EQ(1, joins_now(&self->region));
	EXPECT_TRUE(is_alive(&self->region, self_token(self->region.fd)));
}

TEST_F(members, page_outlives_descriptor_and_member)
{
	ASSERT_TRUE(map_region(&self->region));
	close(self->region.fd);
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(1, joins_now(&self->region));
	EXPECT_EQ(self->region.before.objects.used + 1, get_info(self->region.device).objects.used);
	munmap((void *)self->region.member_page, sizeof(*self->region.member_page));
	EXPECT_EQ(self->region.before.objects.used, get_info(self->region.device).objects.used);
}

TEST_F(members, token_that_cannot_be_is_dead)
{
	const __u32 tokens[] = {
		0, 1, IPCSHM_MEMBERS_DEFAULT + 1, 0xffff, IPCSHM_TOKEN_MIN, IPCSHM_TOKEN_MASK,
		IPCSHM_TOKEN_MASK + 1, UINT_MAX,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tokens); i++)
		EXPECT_FALSE(is_alive(&self->region, tokens[i]));
}

IPCSHM_TEST_MAIN
