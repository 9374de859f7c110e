// SPDX-License-Identifier: GPL-2.0-only
/* Mappings of a region that are split, moved, joined and replaced, and their count. */
#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "common/members.h"
#include "common/region.h"
#include "members_fixture.h"

#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC	(1 << 15)	/* since Linux 6.7 */
#endif

/* How many mappings of the region, without its member page, the kernel shows. */
static unsigned int maps_in_proc(struct test_region *region)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned long long offset;
	unsigned int count = 0;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, region->name.text) &&
		    sscanf(line, "%*s %*s %llx", &offset) == 1 &&
		    offset < IPCSHM_MEMBER_PAGE_OFFSET)
			count++;
	if (file)
		fclose(file);
	return count;
}

static bool is_alone(struct test_region *region)
{
	return region_stat_now(region).members == 1 && maps_now(region) == maps_in_proc(region);
}

/* Mappings that change. */

TEST_F(members, unmapping_a_part_splits_a_mapping_and_nothing_else)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, munmap(self->region.map + self->region.page_size, self->region.page_size));
	EXPECT_EQ(2, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
	ASSERT_EQ(0, munmap(self->region.map, self->region.page_size));
	EXPECT_EQ(1, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
}

TEST_F(members, protecting_a_part_splits_a_mapping_and_nothing_else)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, mprotect(self->region.map + self->region.page_size, self->region.page_size,
			      PROT_READ));
	EXPECT_EQ(3, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
	ASSERT_EQ(0,
		  mprotect(self->region.map + self->region.page_size, self->region.page_size, RW));
	EXPECT_TRUE(is_alone(&self->region));
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(0, deaths_now(&self->region));
}

TEST_F(members, moving_a_mapping_keeps_the_member)
{
	unsigned char *to = mmap(NULL, PAGES * self->region.page_size, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u32 token;

	ASSERT_TRUE(map_region(&self->region));
	token = self_token(self->region.fd);
	ASSERT_EQ(to, mremap(self->region.map, PAGES * self->region.page_size,
			     PAGES * self->region.page_size, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_EQ(token, self_token(self->region.fd));
	EXPECT_EQ(1, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
	ASSERT_EQ(0, munmap(to, PAGES * self->region.page_size));
	EXPECT_FALSE(is_alive(&self->region, token));
	EXPECT_EQ(0, deaths_now(&self->region));
}

TEST_F(members, moving_a_part_keeps_the_member)
{
	unsigned char *to =
		mmap(NULL, self->region.page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(to, mremap(self->region.map + self->region.page_size, self->region.page_size,
			     self->region.page_size, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_EQ(3, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
}

TEST_F(members, doubled_mapping_counts_twice)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_NE(MAP_FAILED,
		  mremap(self->region.map, 0, PAGES * self->region.page_size, MREMAP_MAYMOVE));
	EXPECT_EQ(2, maps_now(&self->region));
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(1, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
}

TEST_F(members, moving_a_mapping_and_leaving_it_there_counts_both)
{
	unsigned char *to;

	ASSERT_TRUE(map_region(&self->region));
	to = mremap(self->region.map, PAGES * self->region.page_size,
		    PAGES * self->region.page_size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	ASSERT_NE(MAP_FAILED, (void *)to);
	EXPECT_EQ(2, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	ASSERT_EQ(0, munmap(to, PAGES * self->region.page_size));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(0, deaths_now(&self->region));
}

TEST_F(members, shrinking_and_growing_a_mapping_keeps_the_member)
{
	void *moved;

	ASSERT_TRUE(map_region(&self->region));
	moved = mremap(self->region.map, PAGES * self->region.page_size, self->region.page_size, 0);
	ASSERT_EQ(self->region.map, moved);
	EXPECT_TRUE(is_alone(&self->region));
	moved = mremap(moved, self->region.page_size, PAGES * self->region.page_size,
		       MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, moved);
	EXPECT_TRUE(is_alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
}

TEST_F(members, replacing_a_part_by_other_memory_keeps_the_member)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_NE(MAP_FAILED,
		  mmap(self->region.map + self->region.page_size, self->region.page_size, RW,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(2, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
}

TEST_F(members, replacing_a_part_by_another_part_keeps_the_member)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_NE(MAP_FAILED,
		  mmap(self->region.map + self->region.page_size, self->region.page_size, RW,
		       MAP_SHARED | MAP_FIXED, self->region.fd, 0));
	EXPECT_EQ(3, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
}

TEST_F(members, replacing_all_by_other_memory_leaves)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_NE(MAP_FAILED, mmap(self->region.map, PAGES * self->region.page_size, RW,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(0, deaths_now(&self->region));
}

/* Another process can have a mapping split, too: through a userfaultfd that it was given. */
static void register_role(struct peer *peer)
{
	struct uffdio_register part = {
		.range = { (uintptr_t)(peer->region->map + peer->region->page_size),
			   peer->region->page_size },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	peer->result = ioctl(peer->other_fd, UFFDIO_REGISTER, &part) ? -errno : 0;
}

TEST_F(members, mapping_split_by_another_process_keeps_the_member)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		SKIP(return, "no userfaultfd that takes any mapping");
	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(0, finish(region_start(&self->region, register_role,
					 (struct peer){ .other_fd = fd })));
	EXPECT_EQ(3, maps_now(&self->region));
	EXPECT_TRUE(is_alone(&self->region));
	close(fd);
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(0, deaths_now(&self->region));
}

static int advice;

/* A mapping next to another one may become a part of that, and count as one. */
FIXTURE(adjacent) {
	struct test_region region;
};

FIXTURE_VARIANT(adjacent) {
	int seal;
	int advice;	/* for each when it is there */
};

FIXTURE_VARIANT_ADD(adjacent, plain) { .seal = 0 };
FIXTURE_VARIANT_ADD(adjacent, sealed) { .seal = F_SEAL_FUTURE_WRITE };
FIXTURE_VARIANT_ADD(adjacent, huge) { .advice = MADV_HUGEPAGE };
FIXTURE_VARIANT_ADD(adjacent, dontfork) { .advice = MADV_DONTFORK };

FIXTURE_SETUP(adjacent)
{
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
	advice = variant->advice;
	if (variant->seal)
		ASSERT_EQ(0, fcntl(self->region.fd, F_ADD_SEALS, variant->seal));
}

FIXTURE_TEARDOWN(adjacent)
{
	region_tear_down(&self->region);
}

/* Page after page; returns the first. */
static unsigned char *map_one_by_one(struct test_region *region)
{
	unsigned char *at = mmap(NULL, (PAGES + 1) * region->page_size, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	for (i = 0; i < PAGES; i++) {
		if (mmap(at + i * region->page_size, region->page_size, PROT_READ,
			 MAP_SHARED | MAP_FIXED, region->fd, i * region->page_size) == MAP_FAILED)
			return NULL;
		if (advice && madvise(at + i * region->page_size, region->page_size, advice) &&
		    errno != EINVAL)
			return NULL;
	}
	return at;
}

TEST_F(adjacent, mappings_are_counted_as_the_kernel_shows_them)
{
	ASSERT_TRUE(map_one_by_one(&self->region));
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_EQ(maps_in_proc(&self->region), maps_now(&self->region));
}

TEST_F(adjacent, mappings_are_all_gone_after_munmap)
{
	unsigned char *at = map_one_by_one(&self->region);

	ASSERT_TRUE(at);
	ASSERT_EQ(0, munmap(at, PAGES * self->region.page_size));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(0, deaths_now(&self->region));
	EXPECT_EQ(0, memberships(&self->region));
}

static void adjacent_role(struct peer *peer)
{
	if (!map_one_by_one(peer->region))
		_exit(1);
	peer->token = self_token(peer->region->fd);
	be_ready(peer);
	pause();
}

TEST_F(adjacent, mappings_die_with_their_process)
{
	struct peer *peer = region_start_ready(&self->region, adjacent_role, (struct peer) { 0 });

	ASSERT_TRUE(peer);
	EXPECT_TRUE(is_alive(&self->region, peer->token));
	kill_peer(peer);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(1, deaths_now(&self->region));
}

TEST_F(adjacent, mapping_does_not_reach_over_the_end)
{
	unsigned char *at = map_one_by_one(&self->region);

	ASSERT_TRUE(at);
	EXPECT_EQ(MAP_FAILED,
		  mmap(at + PAGES * self->region.page_size, self->region.page_size, PROT_READ,
		       MAP_SHARED | MAP_FIXED, self->region.fd, PAGES * self->region.page_size));
	EXPECT_EQ(ENXIO, errno);
}

IPCSHM_TEST_MAIN
