// SPDX-License-Identifier: GPL-2.0-only
/* Regions: the system calls of memory management, and huge pages. */
#include <linux/mempolicy.h>
#include <sys/syscall.h>

#include "region_fixture.h"

TEST_F(region, madvise_keeps_the_content)
{
	const int advice[] = { MADV_NORMAL, MADV_RANDOM, MADV_WILLNEED, MADV_DONTNEED };
	size_t i;

	memset(self->map, 3, self->size);
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_EQ(0, madvise(self->map, self->size, advice[i]));
		EXPECT_TRUE(all_bytes(self->map, self->size, 3));
	}
}

TEST_F(region, madvise_remove_punches_a_hole)
{
	memset(self->map, 3, self->size);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_REMOVE));
	EXPECT_TRUE(all_bytes(self->map, self->page, 0));
	EXPECT_TRUE(all_bytes(self->map + self->page, self->size - self->page, 3));
}

TEST_F(region, madvise_dontfork_keeps_it_from_children)
{
	pid_t peer;

	ASSERT_EQ(0, madvise(self->map, self->size, MADV_DONTFORK));
	peer = fork_peer();
	ASSERT_LE(0, peer);
	if (!peer) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile uint32_t *)self->word = 1;
		_exit(0);
	}
	EXPECT_EQ(-SIGSEGV, wait_child(peer));
	EXPECT_EQ(0, *self->word);
}

TEST_F(region, mlock_makes_it_resident)
{
	unsigned char resident[PAGES];
	int i;

	ASSERT_EQ(0, mlock(self->map, self->size));
	ASSERT_EQ(0, mincore(self->map, self->size, resident));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(1, resident[i] & 1);
	EXPECT_EQ(0, munlock(self->map, self->size));
}

TEST_F(region, mremap_moves_the_mapping)
{
	unsigned char *other = map_shared(self->fd, self->size, PROT_READ | PROT_WRITE);
	void *room = mmap(NULL, self->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *moved;

	ASSERT_NE(MAP_FAILED, other);
	ASSERT_NE(MAP_FAILED, room);
	moved = mremap(other, self->size, self->size, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	ASSERT_EQ(room, (void *)moved);
	moved[0] = 1;
	EXPECT_EQ(1, self->map[0]);
	munmap(moved, self->size);
}

TEST_F(region, mremap_grows_the_mapping_up_to_the_size)
{
	unsigned char *map = map_shared(self->fd, self->page, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, map);
	map = mremap(map, self->page, self->size, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, map);
	map[self->size - 1] = 1;
	EXPECT_EQ(1, self->map[self->size - 1]);
	munmap(map, self->size);
}

TEST_F(region, mapping_can_be_split)
{
	int fd = open_by_name(self, READ_WRITE);
	unsigned char *map = map_shared(fd, self->size, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, map);
	close(fd);
	ASSERT_EQ(0, munmap(map + 2 * self->page, self->page));
	ASSERT_EQ(0, mprotect(map + 4 * self->page, self->page, PROT_READ));
	map[0] = 1;
	map[3 * self->page] = 2;
	map[self->size - 1] = 3;
	EXPECT_EQ(1, self->map[0]);
	EXPECT_EQ(2, self->map[3 * self->page]);
	EXPECT_EQ(3, self->map[self->size - 1]);
	EXPECT_EQ(2, region_stat(self->fd).stat.opens);
	munmap(map, 2 * self->page);
	EXPECT_EQ(2, region_stat(self->fd).stat.opens);
	munmap(map + 3 * self->page, self->size - 3 * self->page);
	EXPECT_EQ(1, region_stat(self->fd).stat.opens);
}

TEST_F(region, mbind_sets_its_policy)
{
	unsigned long nodes = 1;
	int policy = -1;

	if (syscall(SYS_mbind, self->map, self->size, MPOL_BIND, &nodes, 64, 0)) {
		ASSERT_EQ(ENOSYS, errno);
		SKIP(return, "a kernel without NUMA");
	}
	memset(self->map, 1, self->size);
	ASSERT_EQ(0, syscall(SYS_get_mempolicy, &policy, NULL, 0, self->map, MPOL_F_ADDR));
	EXPECT_EQ(MPOL_BIND, policy);
}

TEST_F(region, huge_pages_hold_the_same_bytes)
{
	const size_t huge = 2 << 20, size = 4 * huge;
	int fd = open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, size);
	uint32_t *map, *other;
	size_t i;

	map = map_shared(fd, size, PROT_READ | PROT_WRITE);
	other = map_shared(fd, size, PROT_READ);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(MAP_FAILED, other);
	if (madvise(map, size, MADV_HUGEPAGE))
		SKIP(return, "a kernel without huge pages");
	for (i = 0; i < size / sizeof(*map); i += 1024)
		map[i] = i + 1;
	for (i = 0; i < size / sizeof(*map); i += 1024)
		ASSERT_EQ(i + 1, other[i]);
	ASSERT_EQ(0, madvise(map, self->page, MADV_REMOVE));
	EXPECT_EQ(0, other[0]);
	EXPECT_EQ(1025, other[1024]);
	munmap(map, size);
	munmap(other, size);
	close(fd);
}

TEST_F(region, large_one_takes_only_the_memory_it_uses)
{
	const size_t size = (size_t)300 << 20;
	int fd = open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, size);
	unsigned char *map;
	struct stat stat;
	char byte;

	if (fd == -EDQUOT || fd == -ENOMEM)
		SKIP(return, "no quota or memory for a large region");
	ASSERT_LE(0, fd);
	map = map_shared(fd, size, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 1;
	map[size - 1] = 2;
	EXPECT_EQ(1, pread(fd, &byte, 1, size - 1));
	EXPECT_EQ(2, byte);
	EXPECT_EQ(0, map[size / 2]);
	ASSERT_EQ(0, fstat(fd, &stat));
	EXPECT_EQ(size, stat.st_size);
	EXPECT_GT(size / 8 / 512, stat.st_blocks);
	munmap(map, size);
	close(fd);
}

IPCSHM_TEST_MAIN
