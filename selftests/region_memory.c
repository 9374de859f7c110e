// SPDX-License-Identifier: GPL-2.0-only
/* The memory of a region: getting it at once, huge pages, NUMA policy, locking and swap. */
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "common/cgroup.h"
#include "common/swap.h"
#include "memory_fixture.h"

#define RW		(PROT_READ | PROT_WRITE)
#define MIB		(1 << 20)

/* All of the memory at once. */

static int open_populated(struct test_region *region, size_t size)
{
	return open_region(region->device, NULL, READ_WRITE | IPCSHM_CREATE | IPCSHM_POPULATE, 0,
			   size);
}

TEST_F(memory, populated_region_has_its_memory_from_the_start)
{
	int fd = open_populated(&self->region, 8 * MIB);

	ASSERT_LE(0, fd);
	EXPECT_EQ(8 * MIB, used_memory(fd));
	EXPECT_EQ(0, used_memory(self->region.fd));
}

TEST_F(memory, populated_region_that_can_grow_has_the_memory_of_its_size)
{
	struct ipcshm_region_attr attr = { .size = MIB, .max_size = 8 * MIB };
	int fd = ipcshm_region_open(self->region.device, NULL,
				    READ_WRITE | IPCSHM_CREATE | IPCSHM_POPULATE, 0, &attr);

	ASSERT_LE(0, fd);
	EXPECT_EQ(MIB, used_memory(fd));
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

TEST_F(memory, signal_does_not_interrupt_populating)
{
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	int fd;

	sigaction(SIGALRM, &(struct sigaction) {
		.sa_handler = count_signal, .sa_flags = SA_RESTART,
	}, NULL);
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	fd = open_populated(&self->region, 128 * MIB);
	setitimer(ITIMER_REAL, &(struct itimerval) { 0 }, NULL);
	EXPECT_LE(0, fd);
	EXPECT_LT(0, signals);
}

/* In a memory cgroup. */
static struct test_name cgroup;

static void populate_role(struct peer *peer)
{
	int fd;

	if (!write_file(cgroup.text, "cgroup.procs", "0"))
		_exit(1);
	write_file(cgroup.text, "memory.swap.max", "0");
	fd = open_populated(peer->region, peer->count);
	peer->value = read_number(cgroup.text, "memory.current", "");
	peer->result = fd < 0 ? fd : 0;
}

TEST_F(memory, populating_over_the_limit_of_a_memory_cgroup_is_enomem_and_kills_no_process)
{
	struct peer *peer;

	cgroup = make_cgroup("16M");
	if (!cgroup.text[0])
		SKIP(return, "no memory cgroup to be had");
	peer = region_start(&self->region, populate_role, (struct peer) { .count = 64 * MIB });
	EXPECT_EQ(-ENOMEM, finish(peer));
	EXPECT_GT(16 * MIB, peer->value);
	EXPECT_EQ(0, read_number(cgroup.text, "memory.events", "oom_kill "));
	EXPECT_EQ(self->region.before.objects.used + 1, get_info(self->region.device).objects.used);
	EXPECT_EQ(self->region.before.region_bytes.used + MAX_SIZE * self->region.page_size,
		  get_info(self->region.device).region_bytes.used);
	EXPECT_TRUE(WAIT_UNTIL(read_number(cgroup.text, "memory.current", "") < MIB));
	EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup.text)));
}

TEST_F(memory, populated_memory_is_charged_to_the_creator)
{
	struct peer *peer;

	cgroup = make_cgroup("64M");
	if (!cgroup.text[0])
		SKIP(return, "no memory cgroup to be had");
	peer = region_start(&self->region, populate_role, (struct peer) { .count = 16 * MIB });
	EXPECT_EQ(0, finish(peer));
	EXPECT_LE(16 * MIB, peer->value);
	EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup.text)));
}

/* Huge pages, NUMA policy, locking, swap. */

FIXTURE(huge) {
	struct test_region region;
	const char *was;
};

FIXTURE_VARIANT(huge) {
	int advice;
	bool is_huge;
};

FIXTURE_VARIANT_ADD(huge, wanted) { .advice = MADV_HUGEPAGE, .is_huge = true };
FIXTURE_VARIANT_ADD(huge, not_wanted) { .advice = MADV_NORMAL, .is_huge = false };
FIXTURE_VARIANT_ADD(huge, refused) { .advice = MADV_NOHUGEPAGE, .is_huge = false };

FIXTURE_SETUP(huge)
{
	self->was = allow_huge_pages();
	if (!self->was)
		SKIP(return, SHMEM_ENABLED " cannot be set");
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { .size = 8 * MIB }));
}

FIXTURE_TEARDOWN(huge)
{
	region_tear_down(&self->region);
	restore_huge_pages(self->was);
}

TEST_F(huge, pages_are_mapped_where_they_are_wanted)
{
	unsigned char *at = map_pages(&self->region, self->region.fd, 0,
				      8 * MIB / self->region.page_size, RW, MAP_SHARED);

	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(0, madvise(at, 8 * MIB, variant->advice));
	memset(at, 0x5a, 8 * MIB);
	EXPECT_EQ(variant->is_huge, smaps_field(at, "ShmemPmdMapped") >= 4 * MIB);
	EXPECT_EQ(0x5a, at[8 * MIB - 1]);
}

TEST_F(huge, pages_are_mapped_if_the_mapping_is_made_so)
{
	uint32_t how = READ_WRITE | (variant->is_huge ? IPCSHM_MAP_HUGE : 0);
	void *at;
	size_t size;

	ASSERT_EQ(0, ipcshm_region_map(self->region.fd, how, &at, &size));
	memset(at, 0x5a, size);
	EXPECT_EQ(variant->is_huge, smaps_field(at, "ShmemPmdMapped") >= 4 * MIB);
	munmap(at, size);
}

/* A region that was asked to be of huge pages; its mapping is an ordinary one. */
static unsigned char *map_created_huge(struct test_region *region, __u32 flags,
				       struct ipcshm_region_attr attr)
{
	region->fd = ipcshm_region_open(region->device, NULL,
					READ_WRITE | IPCSHM_CREATE | IPCSHM_HUGE | flags, 0, &attr);
	return map_pages(region, region->fd, 0, attr.max_size / region->page_size, RW, MAP_SHARED);
}

FIXTURE(created_huge) {
	struct test_region region;
	const char *was;
};

FIXTURE_VARIANT(created_huge) {
	const char *mode;
	bool is_huge;
};

FIXTURE_VARIANT_ADD(created_huge, advise) { .mode = "advise", .is_huge = true };
FIXTURE_VARIANT_ADD(created_huge, within_size) { .mode = "within_size", .is_huge = true };
FIXTURE_VARIANT_ADD(created_huge, always) { .mode = "always", .is_huge = true };
FIXTURE_VARIANT_ADD(created_huge, never) { .mode = "never", .is_huge = false };
FIXTURE_VARIANT_ADD(created_huge, deny) { .mode = "deny", .is_huge = false };

FIXTURE_SETUP(created_huge)
{
	self->was = set_huge_pages(variant->mode);
	if (!self->was)
		SKIP(return, SHMEM_ENABLED " cannot be set");
	ASSERT_EQ(0, region_set_up(&self->region,
				   (struct ipcshm_region_attr) { .size = self->region.page_size }));
}

FIXTURE_TEARDOWN(created_huge)
{
	region_tear_down(&self->region);
	restore_huge_pages(self->was);
}

TEST_F(created_huge, region_has_huge_pages_if_the_system_allows_them)
{
	unsigned char *at =
		map_created_huge(&self->region, 0, (struct ipcshm_region_attr) { .size = 8 * MIB });

	ASSERT_NE(MAP_FAILED, at);
	memset(at, 0x5a, 8 * MIB);
	EXPECT_EQ(variant->is_huge ? 8 * MIB : 0, smaps_field(at, "ShmemPmdMapped"));
	EXPECT_EQ(8 * MIB, used_memory(self->region.fd));
}

TEST_F(created_huge, populated_region_has_huge_pages_if_the_system_allows_them)
{
	unsigned char *at = map_created_huge(&self->region, IPCSHM_POPULATE,
					     (struct ipcshm_region_attr) { .size = 8 * MIB });

	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(8 * MIB, used_memory(self->region.fd));
	memset(at, 0x5a, 8 * MIB);
	EXPECT_EQ(variant->is_huge ? 8 * MIB : 0, smaps_field(at, "ShmemPmdMapped"));
}

TEST_F(created_huge, region_takes_no_more_than_its_size)
{
	unsigned char *at = map_created_huge(&self->region, 0, (struct ipcshm_region_attr) {
		.size = 2 * MIB + self->region.page_size, .max_size = 8 * MIB,
	});

	ASSERT_NE(MAP_FAILED, at);
	memset(at, 0x5a, 2 * MIB + self->region.page_size);
	EXPECT_EQ(2 * MIB + self->region.page_size, used_memory(self->region.fd));
	ASSERT_EQ(0, ipcshm_region_resize(self->region.fd, 8 * MIB));
	EXPECT_TRUE(
		all_zero(at + 2 * MIB + self->region.page_size, 6 * MIB - self->region.page_size));
	EXPECT_EQ(0x5a, at[2 * MIB + self->region.page_size - 1]);
	EXPECT_EQ(-1, ftruncate(self->region.fd, 2 * MIB));
	EXPECT_EQ(EPERM, errno);
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(0, used_memory(self->region.fd));
}

TEST_F(memory, pinned_pages_outlive_the_revocation_without_harm)
{
	struct iovec all = { .iov_len = SIZE * self->region.page_size };
	char bytes[64];
	int ends[2];

	ASSERT_TRUE(map_region(&self->region));
	memset(self->region.map, 0x5a, SIZE * self->region.page_size);
	all.iov_base = self->region.map;
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ((ssize_t)all.iov_len, vmsplice(ends[1], &all, 1, 0));
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(0, used_memory(self->region.fd));
	ASSERT_EQ((ssize_t)sizeof(bytes), read(ends[0], bytes, sizeof(bytes)));
	EXPECT_EQ(0x5a, bytes[0]);
	EXPECT_EQ(0x5a, bytes[sizeof(bytes) - 1]);
}

TEST_F(memory, mapping_that_isnt_for_children_is_not_inherited)
{
	void *at;
	size_t size;
	pid_t child;

	ASSERT_EQ(0,
		  ipcshm_region_map(self->region.fd, READ_WRITE | IPCSHM_MAP_DONTFORK, &at, &size));
	child = fork_peer();
	ASSERT_LE(0, child);
	if (!child)
		_exit(msync(at, size, MS_ASYNC) ? errno : 0);
	EXPECT_EQ(ENOMEM, wait_child(child));
	EXPECT_EQ(0, msync(at, size, MS_ASYNC));
	munmap(at, size);
}

TEST_F(memory, policy_of_a_region_holds_for_every_mapping_of_it)
{
	unsigned long node = 1;
	int policy = -1;
	void *other;

	ASSERT_TRUE(map_region(&self->region));
	if (syscall(SYS_mbind, self->region.map, SIZE * self->region.page_size, MPOL_BIND, &node, 8,
		    0)) {
		ASSERT_EQ(ENOSYS, errno);
		SKIP(return, "no NUMA");
	}
	other = map_pages(&self->region, self->region.fd, 0, SIZE, RW, MAP_SHARED);
	ASSERT_EQ(0, syscall(SYS_get_mempolicy, &policy, NULL, 0, self->region.map, MPOL_F_ADDR));
	EXPECT_EQ(MPOL_BIND, policy);
	policy = -1;
	ASSERT_EQ(0, syscall(SYS_get_mempolicy, &policy, NULL, 0, other, MPOL_F_ADDR));
	EXPECT_EQ(MPOL_BIND, policy);
	EXPECT_EQ(SIZE, readable_pages(&self->region, self->region.map, SIZE));
}

TEST_F(memory, region_can_be_locked)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, mlock(self->region.map, SIZE * self->region.page_size));
	EXPECT_EQ(SIZE * self->region.page_size, smaps_field(self->region.map, "Locked"));
	EXPECT_EQ(SIZE * self->region.page_size, used_memory(self->region.fd));
	EXPECT_EQ(0, munlock(self->region.map, SIZE * self->region.page_size));
}

static void check_role(struct peer *peer)
{
	unsigned char *at =
		map_pages(peer->region, peer->region->fd, 0, SIZE, PROT_READ, MAP_SHARED);
	size_t i;

	for (i = 0; i < SIZE * peer->region->page_size; i++)
		peer->result += at[i] != 0x5a;
}

TEST_F(memory, swapped_out_memory_comes_back_for_all)
{
	if (!has_swap())
		SKIP(return, "no swap");
	ASSERT_TRUE(map_region(&self->region));
	memset(self->region.map, 0x5a, SIZE * self->region.page_size);
	ASSERT_TRUE(page_out(self->region.map, SIZE * self->region.page_size));
	EXPECT_EQ(0, finish(region_start(&self->region, check_role, (struct peer) { 0 })));
	ASSERT_TRUE(page_out(self->region.map, SIZE * self->region.page_size));
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(0, used_memory(self->region.fd));
}

IPCSHM_TEST_MAIN
