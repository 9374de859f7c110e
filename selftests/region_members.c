// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members: who has a region mapped, when a process becomes one and stops being
 * one, and what the member page tells about it.
 */
#include <limits.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "common/region.h"

#define PAUSE		"--pause"	/* as an argument: the program waits to be killed */
#define CHAOS		"--chaos"
#define SHARED		MAP_SHARED
#define RW		(PROT_READ | PROT_WRITE)

#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC	(1 << 15)	/* since Linux 6.7 */
#endif

FIXTURE(members) {
	struct test_region region;
};

FIXTURE_SETUP(members)
{
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
}

FIXTURE_TEARDOWN(members)
{
	region_tear_down(&self->region);
}

/* At most so many as fit in @list: how many there are, or -errno. */
static int list_members(struct test_region *region, struct ipcshm_member *list, __u32 room)
{
	return ipcshm_region_members(region->fd, list, room, sizeof(*list));
}

/* The only member; all zero if there is another number of them. */
static struct ipcshm_member only_member(struct test_region *region)
{
	struct ipcshm_member list[2] = { 0 };

	return list_members(region, list, 2) == 1 ? list[0] : (struct ipcshm_member) { 0 };
}

static __u32 maps_now(struct test_region *region)
{
	return only_member(region).maps;
}

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

/* Those of the user since the test began. */
static __u64 memberships(struct test_region *region)
{
	return get_info(region->device).members.used - region->before.members.used;
}

static bool alone(struct test_region *region)
{
	return region_stat_now(region).members == 1 && maps_now(region) == maps_in_proc(region);
}

/* Joining. */

TEST_F(members, descriptor_alone_makes_no_member)
{
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(0, self_token(self->region.fd));
	EXPECT_EQ(-ESRCH, ipcshm_region_self(self->region.fd, &(uint32_t) { 0 }));
}

TEST_F(members, first_mapping_joins)
{
	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_EQ(1, joins_now(&self->region));
	EXPECT_EQ(1, region_stat_now(&self->region).joins);
	EXPECT_NE(0, self_token(self->region.fd));
	EXPECT_TRUE(is_alive(&self->region, self_token(self->region.fd)));
}

TEST_F(members, every_further_mapping_is_of_the_same_member)
{
	__u32 token, i;

	ASSERT_TRUE(map_region(&self->region));
	token = self_token(self->region.fd);
	for (i = 2; i < 10; i++) {
		ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->region.fd, i % PAGES, 1,
						PROT_READ, SHARED));
		EXPECT_EQ(i, maps_now(&self->region));
	}
	EXPECT_EQ(token, self_token(self->region.fd));
	EXPECT_EQ(1, joins_now(&self->region));
}

TEST_F(members, mappings_by_different_descriptors_are_of_one_member)
{
	int other = region_open_again(&self->region, IPCSHM_READ);

	ASSERT_TRUE(map_region(&self->region));
	ASSERT_NE(MAP_FAILED, map_pages(&self->region, other, 0, 1, PROT_READ, SHARED));
	EXPECT_EQ(2, maps_now(&self->region));
	EXPECT_EQ(self_token(self->region.fd), self_token(other));
}

TEST_F(members, private_mapping_joins)
{
	ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, MAP_PRIVATE));
	EXPECT_NE(0, self_token(self->region.fd));
}

TEST_F(members, read_only_mapping_joins)
{
	int reader = region_open_again(&self->region, IPCSHM_READ);

	ASSERT_NE(MAP_FAILED, map_pages(&self->region, reader, 0, 1, PROT_READ, SHARED));
	EXPECT_NE(0, self_token(self->region.fd));
}

TEST_F(members, mapping_without_any_access_joins)
{
	ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, PROT_NONE, SHARED));
	EXPECT_NE(0, self_token(self->region.fd));
}

TEST_F(members, mapping_that_fails_joins_nobody)
{
	int reader = region_open_again(&self->region, IPCSHM_READ);

	EXPECT_EQ(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, PAGES + 1, RW, SHARED));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(MAP_FAILED, map_pages(&self->region, reader, 0, 1, RW, SHARED));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(0, memberships(&self->region));
}

TEST_F(members, second_process_is_another_member)
{
	struct peer *peer = start_member(&self->region);

	ASSERT_TRUE(peer);
	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(2, region_stat_now(&self->region).members);
	EXPECT_NE(peer->token, self_token(self->region.fd));
	EXPECT_TRUE(is_alive(&self->region, peer->token));
	EXPECT_TRUE(is_alive(&self->region, self_token(self->region.fd)));
}

/* Has inherited a mapping; tells its token. */
static void inherit_role(struct peer *peer)
{
	peer->token = self_token(peer->region->fd);
	be_ready(peer);
	pause();
}

TEST_F(members, child_joins_with_a_token_of_its_own)
{
	struct peer *child;

	ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED));
	child = region_start_ready(&self->region, inherit_role, (struct peer) { 0 });
	ASSERT_TRUE(child);
	EXPECT_NE(0, child->token);
	EXPECT_NE(self_token(self->region.fd), child->token);
	EXPECT_TRUE(is_alive(&self->region, child->token));
	EXPECT_EQ(2, region_stat_now(&self->region).members);
	EXPECT_EQ(2, joins_now(&self->region));
}

TEST_F(members, death_of_a_child_leaves_its_parent_alive)
{
	struct peer *child;

	ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED));
	child = region_start_ready(&self->region, inherit_role, (struct peer) { 0 });
	ASSERT_TRUE(child);
	kill_peer(child);
	EXPECT_FALSE(is_alive(&self->region, child->token));
	EXPECT_TRUE(is_alive(&self->region, self_token(self->region.fd)));
	EXPECT_EQ(1, deaths_now(&self->region));
	EXPECT_EQ(1, region_stat_now(&self->region).members);
}

/* A member with a child that is one, too; both tell their tokens. */
static void parent_role(struct peer *peer)
{
	join_region(peer);
	if (!fork()) {
		peer->value = self_token(peer->region->fd);
		be_ready(peer);
	}
	for (;;)
		pause();
}

TEST_F(members, death_of_a_parent_leaves_its_child_alive)
{
	struct peer *parent;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	parent = region_start_ready(&self->region, parent_role, (struct peer) { 0 });
	ASSERT_TRUE(parent);
	kill_peer(parent);
	EXPECT_FALSE(is_alive(&self->region, parent->token));
	EXPECT_TRUE(is_alive(&self->region, parent->value));
	EXPECT_EQ(1, deaths_now(&self->region));
	kill(only_member(&self->region).pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, wait_child(-1));
	EXPECT_EQ(2, deaths_now(&self->region));
}

TEST_F(members, mapping_with_dontfork_is_not_inherited)
{
	struct peer *child;

	ASSERT_TRUE(map_region(&self->region));	/* has MADV_DONTFORK */
	child = region_start_ready(&self->region, inherit_role, (struct peer) { 0 });
	ASSERT_TRUE(child);
	EXPECT_EQ(0, child->token);
	EXPECT_EQ(1, region_stat_now(&self->region).members);
}

/* Threads, and what else shares an address space. */

/* What a thread or a clone finds out: the token that it has by a descriptor. */
struct token_query {
	int fd;
	__u32 token;
};

static void *ask_in_thread(void *query)
{
	((struct token_query *)query)->token = self_token(((struct token_query *)query)->fd);
	return NULL;
}

TEST_F(members, threads_share_a_token)
{
	struct token_query query = { .fd = self->region.fd };
	pthread_t thread;

	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, pthread_create(&thread, NULL, ask_in_thread, &query));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(self_token(self->region.fd), query.token);
	EXPECT_EQ(1, joins_now(&self->region));
	EXPECT_EQ(0, deaths_now(&self->region));
}

static int ask_in_clone(void *query)
{
	ask_in_thread(query);
	return 0;
}

/* The token of a process with the caller's memory, which has ended when this returns. */
static __u32 clone_token(struct test_region *region, int flags)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct token_query query = { .fd = region->fd };
	pid_t pid = clone(ask_in_clone, stack + sizeof(stack), flags | CLONE_VM | SIGCHLD, &query);

	return pid > 0 && !wait_child(pid) ? query.token : 0;
}

TEST_F(members, process_with_the_same_memory_is_the_same_member)
{
	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(self_token(self->region.fd), clone_token(&self->region, 0));
	EXPECT_EQ(1, joins_now(&self->region));
	EXPECT_EQ(0, deaths_now(&self->region));
	EXPECT_TRUE(is_alive(&self->region, self_token(self->region.fd)));
}

TEST_F(members, child_of_vfork_is_the_same_member)
{
	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(self_token(self->region.fd), clone_token(&self->region, CLONE_VFORK));
	EXPECT_EQ(1, joins_now(&self->region));
	EXPECT_EQ(0, deaths_now(&self->region));
}

static void exec_pause(void)
{
	execv("/proc/self/exe", (char *[]) { "members", PAUSE, NULL });
	_exit(127);
}

TEST_F(members, exec_of_a_child_of_vfork_is_no_death)
{
	pid_t pid;

	ASSERT_TRUE(map_region(&self->region));
	pid = vfork();
	if (!pid)
		exec_pause();
	ASSERT_LT(0, pid);
	kill_child(pid);
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_EQ(0, deaths_now(&self->region));
}

/* Mappings that change. */

TEST_F(members, unmapping_a_part_splits_a_mapping_and_nothing_else)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, munmap(self->region.map + self->region.page_size, self->region.page_size));
	EXPECT_EQ(2, maps_now(&self->region));
	EXPECT_TRUE(alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
	ASSERT_EQ(0, munmap(self->region.map, self->region.page_size));
	EXPECT_EQ(1, maps_now(&self->region));
	EXPECT_TRUE(alone(&self->region));
}

TEST_F(members, protecting_a_part_splits_a_mapping_and_nothing_else)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, mprotect(self->region.map + self->region.page_size, self->region.page_size,
			      PROT_READ));
	EXPECT_EQ(3, maps_now(&self->region));
	EXPECT_TRUE(alone(&self->region));
	ASSERT_EQ(0,
		  mprotect(self->region.map + self->region.page_size, self->region.page_size, RW));
	EXPECT_TRUE(alone(&self->region));
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
	EXPECT_TRUE(alone(&self->region));
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
	EXPECT_TRUE(alone(&self->region));
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
	EXPECT_TRUE(alone(&self->region));
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
	EXPECT_TRUE(alone(&self->region));
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
	EXPECT_TRUE(alone(&self->region));
	moved = mremap(moved, self->region.page_size, PAGES * self->region.page_size,
		       MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, moved);
	EXPECT_TRUE(alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
}

TEST_F(members, replacing_a_part_by_other_memory_keeps_the_member)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_NE(MAP_FAILED,
		  mmap(self->region.map + self->region.page_size, self->region.page_size, RW,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(2, maps_now(&self->region));
	EXPECT_TRUE(alone(&self->region));
	EXPECT_EQ(1, joins_now(&self->region));
}

TEST_F(members, replacing_a_part_by_another_part_keeps_the_member)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_NE(MAP_FAILED,
		  mmap(self->region.map + self->region.page_size, self->region.page_size, RW,
		       MAP_SHARED | MAP_FIXED, self->region.fd, 0));
	EXPECT_EQ(3, maps_now(&self->region));
	EXPECT_TRUE(alone(&self->region));
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
	EXPECT_TRUE(alone(&self->region));
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

/* Leaving. */

TEST_F(members, last_munmap_leaves_and_is_no_death)
{
	__u32 token;

	ASSERT_TRUE(map_region(&self->region));
	token = self_token(self->region.fd);
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_FALSE(is_alive(&self->region, token));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(0, self_token(self->region.fd));
	EXPECT_EQ(0, deaths_now(&self->region));
	EXPECT_EQ(0, region_stat_now(&self->region).deaths);
	EXPECT_EQ(1, region_stat_now(&self->region).joins);
}

TEST_F(members, who_comes_back_gets_another_token)
{
	__u32 token, i, last = 0;

	for (i = 0; i < 200; i++) {
		ASSERT_TRUE(map_region(&self->region));
		token = self_token(self->region.fd);
		EXPECT_NE(0, token);
		EXPECT_EQ(token, token & IPCSHM_TOKEN_MASK);
		EXPECT_EQ(0, IPCSHM_TOKEN_SLOT(token));
		EXPECT_NE(last, token);
		EXPECT_FALSE(is_alive(&self->region, last));
		last = token;
		ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	}
	EXPECT_EQ(200, joins_now(&self->region));
}

/* Dying. */

static void exit_role(struct peer *peer)
{
	join_region(peer);
}

static void segfault_role(struct peer *peer)
{
	join_region(peer);
	signal(SIGSEGV, SIG_DFL);
	mprotect(peer->region->map = mmap(NULL, peer->region->page_size, RW,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		 peer->region->page_size, PROT_NONE);
	*(volatile unsigned char *)peer->region->map = 1;
}

static void suicide_role(struct peer *peer)
{
	join_region(peer);
	raise(SIGKILL);
}

static void terminated_role(struct peer *peer)
{
	join_region(peer);
	raise(SIGTERM);
}

static void exec_role(struct peer *peer)
{
	join_region(peer);
	exec_pause();
}

static void *exec_thread(void *unused)
{
	(void)unused;
	exec_pause();
	return NULL;
}

static void exec_by_thread_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	if (!pthread_create(&thread, NULL, exec_thread, NULL))
		for (;;)
			pause();
}

static void *exit_thread(void *unused)
{
	(void)unused;
	_exit(!WAIT_UNTIL(process_state(getpid()) == 'Z'));
}

/* The first thread ends, and then the other one. */
static void last_thread_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	if (!pthread_create(&thread, NULL, exit_thread, NULL))
		syscall(SYS_exit, 0);
}

static void status_role(struct peer *peer)
{
	join_region(peer);
	_exit(203);
}

static void abort_role(struct peer *peer)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	join_region(peer);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void *exit_group_thread(void *unused)
{
	(void)unused;
	_exit(9);
}

/* A thread ends them all, while the first one sleeps. */
static void group_exit_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	if (!pthread_create(&thread, NULL, exit_group_thread, NULL))
		for (;;)
			pause();
}

static void *killing_thread(void *unused)
{
	syscall(SYS_tgkill, getpid(), getpid(), SIGKILL);
	pause();
	return unused;
}

static void killed_by_thread_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	if (!pthread_create(&thread, NULL, killing_thread, NULL))
		for (;;)
			pause();
}

/* A child with the same memory outlives its parent, by a status of its own. */
static int outliving_clone(void *parent)
{
	while (getppid() == *(pid_t *)parent)
		usleep(1000);
	_exit(44);
}

static void outlived_role(struct peer *peer)
{
	static char stack[65536] __attribute__((aligned(16)));
	static pid_t self;

	join_region(peer);
	self = getpid();
	clone(outliving_clone, stack + sizeof(stack), CLONE_VM | SIGCHLD, &self);
	_exit(1);
}

/* The last mapping goes as a part of the address space, with some already unmapped. */
static void rest_role(struct peer *peer)
{
	unsigned char *at = map_pages(peer->region, peer->region->fd, 0, PAGES, RW, SHARED);

	peer->token = self_token(peer->region->fd);
	munmap(at + peer->region->page_size, peer->region->page_size);
}

FIXTURE(death) {
	struct test_region region;
};

FIXTURE_VARIANT(death) {
	void (*role)(struct peer *);
	enum ipcshm_end end;
	__u32 code;
};

FIXTURE_VARIANT_ADD(death, exit) { exit_role, IPCSHM_END_EXITED, 0 };
FIXTURE_VARIANT_ADD(death, exit_with_a_status) { status_role, IPCSHM_END_EXITED, 203 };
FIXTURE_VARIANT_ADD(death, segfault) { segfault_role, IPCSHM_END_KILLED, SIGSEGV };
FIXTURE_VARIANT_ADD(death, abort) { abort_role, IPCSHM_END_KILLED, SIGABRT };
FIXTURE_VARIANT_ADD(death, sigkill) { suicide_role, IPCSHM_END_KILLED, SIGKILL };
FIXTURE_VARIANT_ADD(death, sigterm) { terminated_role, IPCSHM_END_KILLED, SIGTERM };
FIXTURE_VARIANT_ADD(death, exec) { exec_role, IPCSHM_END_EXEC, 0 };
FIXTURE_VARIANT_ADD(death, exec_by_a_thread) { exec_by_thread_role, IPCSHM_END_EXEC, 0 };
FIXTURE_VARIANT_ADD(death, last_thread) { last_thread_role, IPCSHM_END_EXITED, 0 };
FIXTURE_VARIANT_ADD(death, exit_by_a_thread) { group_exit_role, IPCSHM_END_EXITED, 9 };
FIXTURE_VARIANT_ADD(death, killed_by_a_thread) {
	killed_by_thread_role, IPCSHM_END_KILLED, SIGKILL
};
FIXTURE_VARIANT_ADD(death, outlived_by_a_child_with_its_memory) {
	outlived_role, IPCSHM_END_EXITED, 44
};
FIXTURE_VARIANT_ADD(death, partly_unmapped) { rest_role, IPCSHM_END_EXITED, 0 };

FIXTURE_SETUP(death)
{
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
}

FIXTURE_TEARDOWN(death)
{
	region_tear_down(&self->region);
}

TEST_F(death, is_counted_once_and_shown_in_the_slot)
{
	struct peer *peer;

	ASSERT_TRUE(map_region(&self->region));
	peer = region_start(&self->region, variant->role, (struct peer) { 0 });
	EXPECT_TRUE(WAIT_UNTIL(deaths_now(&self->region)));
	EXPECT_NE(0, peer->token);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	kill_peer(peer);
	EXPECT_EQ(1, deaths_now(&self->region));
	EXPECT_EQ(1, region_stat_now(&self->region).deaths);
	EXPECT_EQ(2, region_stat_now(&self->region).joins);
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_TRUE(is_alive(&self->region, self_token(self->region.fd)));
	EXPECT_EQ(1, memberships(&self->region));
}

TEST_F(death, counts_a_member_once_whatever_it_has_mapped)
{
	struct peer *peer;

	ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED));
	ASSERT_NE(MAP_FAILED,
		  map_pages(&self->region, self->region.fd, 1, 1, PROT_READ, MAP_PRIVATE));
	peer = region_start(&self->region, variant->role, (struct peer) { 0 });
	EXPECT_TRUE(WAIT_UNTIL(deaths_now(&self->region)));
	kill_peer(peer);
	EXPECT_EQ(1, deaths_now(&self->region));
	EXPECT_EQ(2, maps_now(&self->region));
}

/* What the kernel says of a member; all zero if it doesn't know it. */
static struct ipcshm_region_member_args what_is_known_of(struct test_region *region, __u32 token)
{
	struct ipcshm_region_member_args member = { 0 };

	ipcshm_region_member(region->fd, token, &member);
	return member;
}

TEST_F(death, is_told_with_its_kind)
{
	struct ipcshm_region_member_args known;
	struct peer *peer;
	__u32 code = 1000;

	ASSERT_TRUE(map_region(&self->region));
	peer = region_start(&self->region, variant->role, (struct peer) { 0 });
	EXPECT_TRUE(WAIT_UNTIL(deaths_now(&self->region)));
	EXPECT_EQ(variant->end, ipcshm_member_end(self->region.member_page, peer->token, &code));
	EXPECT_EQ(variant->code, code);
	known = what_is_known_of(&self->region, peer->token);
	EXPECT_EQ(variant->end, known.end);
	EXPECT_EQ(variant->code, known.code);
	EXPECT_EQ(0, known.pid);
	EXPECT_EQ(0, known.maps);
	EXPECT_EQ(IPCSHM_END_NONE,
		  ipcshm_member_end(self->region.member_page, self_token(self->region.fd), &code));
	EXPECT_EQ(0, code);
}

TEST_F(members, leaving_is_told_with_its_kind)
{
	__u32 code = 1000, token;

	ASSERT_TRUE(map_region(&self->region));
	token = self_token(self->region.fd);
	EXPECT_EQ(IPCSHM_END_NONE, what_is_known_of(&self->region, token).end);
	EXPECT_EQ(getpid(), (pid_t)what_is_known_of(&self->region, token).pid);
	EXPECT_EQ(1, what_is_known_of(&self->region, token).maps);
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(IPCSHM_END_LEFT, ipcshm_member_end(self->region.member_page, token, &code));
	EXPECT_EQ(0, code);
	EXPECT_EQ(IPCSHM_END_LEFT, what_is_known_of(&self->region, token).end);
	ASSERT_TRUE(map_region(&self->region));	/* the slot is used again */
	EXPECT_EQ(-ESRCH, ipcshm_region_member(self->region.fd, token,
					       &(struct ipcshm_region_member_args) { 0 }));
	EXPECT_EQ(IPCSHM_END_UNKNOWN, ipcshm_member_end(self->region.member_page, token, NULL));
}

static void held_role(struct peer *peer)
{
	join_region(peer);
	be_ready(peer);
	for (;;)
		pause();
}

/* A descriptor alone keeps no reference to the address space, only a read through it does. */
TEST_F(members, open_memory_does_not_hide_the_kind_of_death)
{
	struct peer *peer = region_start_ready(&self->region, held_role, (struct peer) { 0 });
	char path[64];
	__u32 code;
	int memory;

	ASSERT_TRUE(peer);
	snprintf(path, sizeof(path), "/proc/%d/mem", peer->pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, memory);
	kill_peer(peer);
	close(memory);
	EXPECT_TRUE(WAIT_UNTIL(deaths_now(&self->region)));
	EXPECT_EQ(IPCSHM_END_KILLED,
		  ipcshm_member_end(self->region.member_page, peer->token, &code));
	EXPECT_EQ(SIGKILL, code);
}

TEST_F(members, pidfd_is_of_the_member)
{
	struct peer *peer = start_member(&self->region);
	struct pollfd poller = { .events = POLLIN };
	__u32 token;

	ASSERT_TRUE(peer);
	token = peer->token;
	poller.fd = ipcshm_region_member_pidfd(self->region.fd, token);
	ASSERT_LE(0, poller.fd);
	EXPECT_EQ(0, poll(&poller, 1, 0));
	EXPECT_EQ(0, syscall(SYS_pidfd_send_signal, poller.fd, SIGKILL, NULL, 0));
	EXPECT_EQ(1, poll(&poller, 1, 10000));
	kill_peer(peer);
	EXPECT_EQ(-ESRCH, ipcshm_region_member_pidfd(self->region.fd, token));
	EXPECT_EQ(-EINVAL, ipcshm_region_member_pidfd(self->region.fd, 5));
	EXPECT_EQ(-ESRCH, ipcshm_region_member_pidfd(self->region.fd, IPCSHM_TOKEN_MASK));
	close(poller.fd);
}

static void thread_leader_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	be_ready(peer);
	if (!pthread_create(&thread, NULL, (void *(*)(void *))(void *)pause, NULL))
		syscall(SYS_exit, 0);
}

TEST_F(members, end_of_the_first_thread_is_no_death)
{
	struct peer *peer =
		region_start_ready(&self->region, thread_leader_role, (struct peer) { 0 });

	ASSERT_TRUE(peer);
	ASSERT_TRUE(WAIT_UNTIL(process_state(peer->pid) == 'Z'));
	EXPECT_TRUE(is_alive(&self->region, peer->token));
	EXPECT_EQ(0, deaths_now(&self->region));
	EXPECT_EQ(peer->pid, (pid_t)only_member(&self->region).pid);
	kill_peer(peer);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	EXPECT_EQ(1, deaths_now(&self->region));
}

TEST_F(members, member_dies_though_another_process_has_its_descriptor)
{
	__u32 token = one_death(&self->region);	/* the test has it */

	EXPECT_NE(0, token);
	EXPECT_FALSE(is_alive(&self->region, token));
	EXPECT_EQ(1, deaths_now(&self->region));
}

/* Sends its descriptor, where nobody receives it. */
static void sender_role(struct peer *peer)
{
	int own = region_open_again(peer->region, READ_WRITE);

	join_region(peer);
	if (send_descriptor(peer->other_fd, own))
		be_ready(peer);
	pause();
}

TEST_F(members, member_dies_though_its_descriptor_is_in_flight)
{
	struct peer *peer;
	int ends[2], late;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	peer = region_start_ready(&self->region, sender_role, (struct peer){ .other_fd = ends[0] });
	ASSERT_TRUE(peer);
	kill_peer(peer);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	EXPECT_EQ(1, deaths_now(&self->region));
	late = receive_descriptor(ends[1]);
	ASSERT_LE(0, late);
	EXPECT_EQ(1, region_stat(late).deaths);
}

/* A member whose child has all descriptors, but not the mappings. */
static void leaky_role(struct peer *peer)
{
	void *at = map_pages(peer->region, peer->region->fd, 0, 1, RW, SHARED);
	pid_t child;

	madvise(at, peer->region->page_size, MADV_DONTFORK);
	peer->token = self_token(peer->region->fd);
	child = fork();
	if (child) {
		peer->value = child;
		be_ready(peer);
	}
	for (;;)
		pause();
}

TEST_F(members, member_dies_though_a_child_inherited_its_descriptors)
{
	struct peer *peer;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	peer = region_start_ready(&self->region, leaky_role, (struct peer) { 0 });
	ASSERT_TRUE(peer);
	kill_peer(peer);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	EXPECT_EQ(1, deaths_now(&self->region));
	kill_child(peer->value);
}

/* Stores numbers, the second word always after the first. */
static void writer_role(struct peer *peer)
{
	__u64 *words = map_pages(peer->region, peer->region->fd, 0, PAGES, RW, SHARED), number = 0;

	peer->token = self_token(peer->region->fd);
	be_ready(peer);
	for (;;) {
		__atomic_store_n(words, ++number, __ATOMIC_RELEASE);
		__atomic_store_n((__u64 *)((char *)words + peer->region->page_size), number,
				 __ATOMIC_RELEASE);
	}
}

/* The dead have no store left to make: each of their words is what it will be. */
static bool last_words_are_there(struct peer *peer)
{
	volatile __u64 *first = (void *)peer->region->map,
		       *second = (void *)(peer->region->map + peer->region->page_size);
	__u64 end = now_ns(CLOCK_MONOTONIC) + WAIT_SECONDS * SECOND;
	__u64 a, b;

	while (is_alive(peer->region, peer->token))
		if (now_ns(CLOCK_MONOTONIC) > end)
			return false;
	b = *second;
	a = *first;
	kill_peer(peer);
	return b && a - b <= 1 && a == *first && b == *second;
}

TEST_F_TIMEOUT(members, last_stores_of_the_dead_are_there_when_its_slot_changes, 120)
{
	unsigned int i, wrong = 0;

	ASSERT_TRUE(map_region(&self->region));
	for (i = 0; i < 100; i++) {
		struct peer *peer =
			region_start_ready(&self->region, writer_role, (struct peer) { 0 });

		ASSERT_TRUE(peer);
		ASSERT_TRUE(WAIT_UNTIL(load_word(&self->region, self->region.page_size)));
		kill(peer->pid, SIGKILL);
		wrong += !last_words_are_there(peer);
		memset(self->region.map, 0, 2 * self->region.page_size);
		forget_peers(&self->region.peers);
	}
	EXPECT_EQ(0, wrong);
}

TEST_F(members, slot_changes_before_the_count_of_deaths)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < 100; i++) {
		struct peer *peer = start_member(&self->region);

		ASSERT_TRUE(peer);
		kill(peer->pid, SIGKILL);
		while (deaths_now(&self->region) == i)
			;
		wrong += is_alive(&self->region, peer->token);
		kill_peer(peer);
		forget_peers(&self->region.peers);
	}
	EXPECT_EQ(0, wrong);
}

/* A full table. */

FIXTURE(full) {
	struct test_region region;
	struct peer *last;
};

FIXTURE_VARIANT(full) {
	__u32 max;
};

FIXTURE_VARIANT_ADD(full, one) { 1 };
FIXTURE_VARIANT_ADD(full, three) { 3 };

FIXTURE_SETUP(full)
{
	__u32 i;

	ASSERT_EQ(0, region_set_up(&self->region,
				   (struct ipcshm_region_attr) { .max_members = variant->max }));
	for (i = 0; i < variant->max; i++) {
		self->last = start_member(&self->region);
		ASSERT_TRUE(self->last);
	}
}

FIXTURE_TEARDOWN(full)
{
	region_tear_down(&self->region);
}

TEST_F(full, page_and_stat_tell_how_many_fit)
{
	EXPECT_EQ(variant->max, self->region.member_page->max_members);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).max_members);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).members);
}

TEST_F(full, table_refuses_one_more)
{
	EXPECT_EQ(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED));
	EXPECT_EQ(EUSERS, errno);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).members);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).joins);
	EXPECT_EQ(0, self_token(self->region.fd));
}

/* One that is no member yet: nothing has changed by trying. */
static void try_role(struct peer *peer)
{
	peer->result = map_pages(peer->region, peer->region->fd, 0, 1, RW, SHARED) == MAP_FAILED
			       ? -errno
			       : 0;
	peer->token = self_token(peer->region->fd);
}

TEST_F(full, death_makes_room_and_the_next_token_is_another)
{
	struct peer *next;

	kill_peer(self->last);
	next = region_start(&self->region, try_role, (struct peer) { 0 });
	EXPECT_EQ(0, finish(next));
	EXPECT_NE(self->last->token, next->token);
	EXPECT_FALSE(is_alive(&self->region, self->last->token));
	EXPECT_EQ(2, deaths_now(&self->region));
}

TEST_F(full, tokens_of_a_slot_differ_and_the_old_ones_stay_dead)
{
	__u32 seen[100], i, j;

	kill_peer(self->last);
	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		ASSERT_TRUE(map_region(&self->region));
		seen[i] = self_token(self->region.fd);
		EXPECT_NE(0, seen[i]);
		EXPECT_EQ(seen[i], seen[i] & IPCSHM_TOKEN_MASK);
		for (j = 0; j < i; j++)
			EXPECT_FALSE(is_alive(&self->region, seen[j]));
		ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
		EXPECT_FALSE(is_alive(&self->region, seen[i]));
	}
}

/* Has inherited a mapping which makes it no member; the memory is there all the same. */
static void untracked_role(struct peer *peer)
{
	peer->token = self_token(peer->region->fd);
	peer->value = load_word(peer->region, 0);
	peer->result = ipcshm_region_self(peer->region->fd, &(uint32_t) { 0 });
}

TEST_F(full, child_has_the_mapping_and_no_token)
{
	struct peer *child;

	kill_peer(self->last);
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, madvise(self->region.map, PAGES * self->region.page_size, MADV_DOFORK));
	store_word(&self->region, 0, 42);
	child = region_start(&self->region, untracked_role, (struct peer) { 0 });
	EXPECT_EQ(-EUSERS, finish(child));
	EXPECT_EQ(0, child->token);
	EXPECT_EQ(42, child->value);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).members);
	EXPECT_EQ(1, deaths_now(&self->region));
	EXPECT_EQ(variant->max + 1, region_stat_now(&self->region).joins);
}

static void untracked_changes_role(struct peer *peer)
{
	munmap(peer->region->map + peer->region->page_size, peer->region->page_size);
	mprotect(peer->region->map, peer->region->page_size, PROT_READ);
	mremap(peer->region->map + 2 * peer->region->page_size, peer->region->page_size,
	       peer->region->page_size, MREMAP_MAYMOVE);
	peer->value = self_token(peer->region->fd);
}

TEST_F(full, child_without_a_token_can_change_its_mapping)
{
	struct peer *child;

	kill_peer(self->last);
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, madvise(self->region.map, PAGES * self->region.page_size, MADV_DOFORK));
	child = region_start(&self->region, untracked_changes_role, (struct peer) { 0 });
	EXPECT_EQ(0, finish(child));
	EXPECT_EQ(0, child->value);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).members);
	EXPECT_EQ(1, deaths_now(&self->region));
}

/* Children that find no room at fork, and what each can do to get in later. */

static void ask_again(struct peer *peer)
{
	mprotect(peer->region->map, peer->region->page_size, PROT_READ); /* a split is no way in */
	peer->value = region_stat_now(peer->region).members;
	peer->token = self_token(peer->region->fd);
}

static void map_again(struct peer *peer)
{
	peer->value = region_stat_now(peer->region).members;
	if (map_pages(peer->region, peer->region->fd, 0, 1, RW, SHARED) != MAP_FAILED)
		peer->token = self_token(peer->region->fd);
}

static void fork_again(struct peer *peer)
{
	pid_t pid = fork();

	if (!pid)
		_exit(self_token(peer->region->fd) ? 0 : 1);
	peer->value = region_stat_now(peer->region).members;
	peer->token = wait_child(pid) ? 0 : 1;
}

FIXTURE(stray) {
	struct test_region region;
	struct peer *child;
};

FIXTURE_VARIANT(stray) {
	void (*get_in)(struct peer *);
	__u32 members_before;	/* that there are already when it could get in */
	__u32 deaths;		/* in the end */
};

FIXTURE_VARIANT_ADD(stray, asking) { ask_again, 0, 1 };
FIXTURE_VARIANT_ADD(stray, mapping) { map_again, 0, 1 };
FIXTURE_VARIANT_ADD(stray, forking) { fork_again, 1, 1 };

static void (*get_in)(struct peer *);

static void stray_role(struct peer *peer)
{
	peer->result = ipcshm_region_self(peer->region->fd, &peer->token);
	if (map_pages(peer->region, peer->region->fd, 0, 1, RW, SHARED) != MAP_FAILED ||
	    errno != EUSERS)
		_exit(1);
	be_ready(peer);
	if (!WAIT_UNTIL(is_told(peer)))
		_exit(2);
	get_in(peer);
}

FIXTURE_SETUP(stray)
{
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr){ .max_members = 1 }));
	get_in = variant->get_in;
	self->region.map = map_pages(&self->region, self->region.fd, 0, PAGES, RW, SHARED);
	ASSERT_NE(MAP_FAILED, self->region.map);
	self->child = region_start_ready(&self->region, stray_role, (struct peer) { 0 });
	ASSERT_TRUE(self->child);
}

FIXTURE_TEARDOWN(stray)
{
	region_tear_down(&self->region);
}

TEST_F(stray, learns_why_and_gets_in_when_there_is_room)
{
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	tell(self->child);
	EXPECT_EQ(-EUSERS, finish(self->child));
	EXPECT_LE(self->child->value, variant->members_before);
	EXPECT_NE(0, self->child->token);
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(2, region_stat_now(&self->region).joins);
	EXPECT_EQ(variant->deaths, region_stat_now(&self->region).deaths);
	EXPECT_EQ(0, memberships(&self->region));
}

TEST_F(stray, leaves_no_trace)
{
	kill_peer(self->child);
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_EQ(1, region_stat_now(&self->region).joins);
	EXPECT_EQ(0, region_stat_now(&self->region).deaths);
	EXPECT_EQ(1, memberships(&self->region));
}

/* It has the memory mapped, so that the region can't shrink under it. */
TEST_F(stray, keeps_the_region_from_shrinking)
{
	struct ipcshm_region_attr attr = {
		.size = 2 * self->region.page_size,
		.max_size = 2 * self->region.page_size,
		.max_members = 1,
	};
	struct peer *child;

	self->region.fd =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	self->region.map = map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED);
	ASSERT_NE(MAP_FAILED, self->region.map);
	child = region_start_ready(&self->region, stray_role, (struct peer) { 0 });
	ASSERT_TRUE(child);
	EXPECT_EQ(-EBUSY, ipcshm_region_resize(self->region.fd, self->region.page_size));
	kill_peer(child);
	EXPECT_EQ(0, ipcshm_region_resize(self->region.fd, self->region.page_size));
}

/* Mapped and unmapped again and again: no token comes twice, and the slot is the same. */
TEST_F_TIMEOUT(members, tokens_never_come_again, 300)
{
	enum { JOINS = 40000 };
	__u32 *seen = calloc(JOINS, sizeof(*seen)), i, again = 0, wrong = 0;

	ASSERT_TRUE(seen);
	for (i = 0; i < JOINS; i++) {
		void *at = map_pages(&self->region, self->region.fd, 0, 1, PROT_READ, SHARED);
		__u32 token = self_token(self->region.fd);

		ASSERT_NE(MAP_FAILED, at);
		/* A slot is used until its generations are, and then the next one. */
		wrong += IPCSHM_TOKEN_SLOT(token) != i / IPCSHM_GENERATIONS ||
			 IPCSHM_TOKEN_GENERATION(token) != i % IPCSHM_GENERATIONS + 1;
		ASSERT_EQ(0, munmap(at, self->region.page_size));
		seen[i] = token;
	}
	EXPECT_EQ(0, wrong);
	for (i = 0; i < JOINS; i++)
		again += is_alive(&self->region, seen[i]);
	EXPECT_EQ(0, again);
	EXPECT_EQ(JOINS, joins_now(&self->region));
}

TEST_F_TIMEOUT(members, a_table_of_more_than_a_page_fills_up, 300)
{
	enum { MEMBERS = 1050 };
	struct ipcshm_region_attr attr = { .size = self->region.page_size, .max_members = MEMBERS };
	struct ipcshm_member *list = calloc(MEMBERS, sizeof(*list));
	int i, errors = 0;

	self->region.fd =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	ASSERT_EQ(0, ipcshm_region_map_members(self->region.fd, &self->region.member_page));
	self->region.map = map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED);
	ASSERT_NE(MAP_FAILED, self->region.map);
	for (i = 0; i < MEMBERS - 1; i++)
		region_start(&self->region, inherit_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(&self->region.peers.list[i - 1])));
	EXPECT_EQ(MEMBERS, list_members(&self->region, list, MEMBERS));
	for (i = 0; i < MEMBERS; i++)
		errors += !is_alive(&self->region, list[i].token) || list[i].maps != 1 ||
			  (i && list[i].token <= list[i - 1].token);
	EXPECT_EQ(0, errors);
	EXPECT_EQ(-EUSERS, finish(region_start(&self->region, untracked_role, (struct peer){ 0 })));
	for (i = 0; i < MEMBERS - 1; i++)
		kill_peer(&self->region.peers.list[i]);
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_EQ(MEMBERS - 1, (int)deaths_now(&self->region));
}

/* The member page. */

static void *map_member_page(struct test_region *region, int fd, int protection, int flags)
{
	return mmap(NULL, region->page_size, protection, flags, fd, IPCSHM_MEMBER_PAGE_OFFSET);
}

TEST_F(members, page_tells_what_it_is)
{
	unsigned int i;

	EXPECT_EQ(IPCSHM_MEMBER_PAGE_VERSION, self->region.member_page->version);
	EXPECT_EQ(IPCSHM_MEMBERS_DEFAULT, self->region.member_page->max_members);
	EXPECT_EQ(0, self->region.member_page->revoked);
	for (i = 0; i < ARRAY_SIZE(self->region.member_page->reserved); i++)
		EXPECT_EQ(0, self->region.member_page->reserved[i]);
}

TEST_F(members, page_of_any_descriptor_makes_nobody_a_member)
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
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(MAP_FAILED, mmap(NULL, self->region.page_size, PROT_READ, SHARED,
					   self->region.fd, offsets[i]));
		EXPECT_EQ(ENXIO, errno);
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

/* IPCSHM_IOC_REGION_MEMBERS */

TEST_F(members, list_tells_token_process_user_maps_and_time)
{
	__u64 since = now_ns(CLOCK_REALTIME);
	struct ipcshm_member member;

	ASSERT_TRUE(map_region(&self->region));
	member = only_member(&self->region);
	EXPECT_EQ(self_token(self->region.fd), member.token);
	EXPECT_EQ(getpid(), (pid_t)member.pid);
	EXPECT_EQ(geteuid(), member.uid);
	EXPECT_EQ(1, member.maps);
	EXPECT_LE(since, member.joined);
	EXPECT_GE(now_ns(CLOCK_REALTIME), member.joined);
}

TEST_F(members, list_tells_the_process_of_a_child)
{
	struct peer *child;

	ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED));
	child = region_start_ready(&self->region, inherit_role, (struct peer) { 0 });
	ASSERT_TRUE(child);
	ASSERT_EQ(0, munmap(mmap(NULL, self->region.page_size, RW, MAP_SHARED, self->region.fd, 0),
			    self->region.page_size));
	{
		struct ipcshm_member list[2] = { 0 };

		ASSERT_EQ(2, list_members(&self->region, list, 2));
		EXPECT_EQ(child->token, list[1].token);
		EXPECT_EQ(child->pid, (pid_t)list[1].pid);
		EXPECT_EQ(getpid(), (pid_t)list[0].pid);
	}
}

TEST_F(members, list_is_cut_to_the_room_and_the_count_is_not)
{
	struct ipcshm_member list[4];
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_TRUE(start_member(&self->region));
	memset(list, 0xaa, sizeof(list));
	EXPECT_EQ(3, list_members(&self->region, list, 2));
	EXPECT_EQ(self->region.peers.list[0].token, list[0].token);
	EXPECT_EQ(self->region.peers.list[1].token, list[1].token);
	EXPECT_EQ(0xaaaaaaaa, list[2].token);
	EXPECT_EQ(3, list_members(&self->region, NULL, 0));
	EXPECT_EQ(3, list_members(&self->region, list, 4));
	EXPECT_EQ(self->region.peers.list[2].token, list[2].token);
	EXPECT_EQ(0xaaaaaaaa, list[3].token);
}

TEST_F(members, list_of_a_later_version_is_filled_up_with_zeroes)
{
	struct {
		struct ipcshm_member known;
		__u64 later[2];
	} list[2];
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_TRUE(start_member(&self->region));
	memset(list, 0xaa, sizeof(list));
	EXPECT_EQ(2, ipcshm_region_members(self->region.fd, &list[0].known, 2, sizeof(list[0])));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(self->region.peers.list[i].token, list[i].known.token);
		EXPECT_EQ(0, list[i].later[0]);
		EXPECT_EQ(0, list[i].later[1]);
	}
}

TEST_F(members, list_needs_room_that_can_be_written)
{
	struct ipcshm_member list[1];

	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(-EFAULT, list_members(&self->region, (void *)self->region.member_page, 1));
	EXPECT_EQ(-EFAULT, list_members(&self->region, NULL, 1));
	EXPECT_EQ(-EINVAL,
		  ipcshm_region_members(self->region.fd, list, 1, IPCSHM_MEMBER_SIZE_VER0 - 1));
	EXPECT_EQ(1, list_members(&self->region, list, UINT_MAX));
}

/* In a PID namespace of its own: who is seen there, and as what. */
static void namespace_role(struct peer *peer)
{
	struct ipcshm_member list[2] = { 0 };

	join_region(peer);
	if (list_members(peer->region, list, 2) == 2)
		peer->value = list[0].pid << 8 | list[1].pid;
	be_ready(peer);
	for (;;)
		pause();
}

static void enter_namespace_role(struct peer *peer)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		_exit(1);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		namespace_role(peer);
	}
	peer->result = pid;
	for (;;)
		pause();
}

TEST_F(members, list_tells_processes_as_the_caller_sees_them)
{
	struct ipcshm_member list[2] = { 0 };
	struct peer *peer;

	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(map_region(&self->region));
	peer = region_start_ready(&self->region, enter_namespace_role, (struct peer) { 0 });
	ASSERT_TRUE(peer);
	EXPECT_EQ(1, peer->value);	/* the test has no number there, the peer is the first */
	EXPECT_TRUE(WAIT_UNTIL(__atomic_load_n(&peer->result, __ATOMIC_ACQUIRE)));
	ASSERT_EQ(2, list_members(&self->region, list, 2));
	EXPECT_EQ(getpid(), (pid_t)list[0].pid);
	EXPECT_EQ(peer->result, (long)list[1].pid);
}

static void user_role(struct peer *peer)
{
	if (setresuid(12345, 12345, 12345))
		_exit(1);
	member_role(peer);
}

TEST_F(members, list_tells_the_user_who_joined)
{
	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(region_start_ready(&self->region, user_role, (struct peer) { 0 }));
	EXPECT_EQ(12345, only_member(&self->region).uid);
}

/*
 * Killed anywhere: processes that do everything there is to do with regions, and
 * their children, die at any moment.  Bystanders wait for nothing but deaths.
 */

#define REGIONS		3	/* the last has few slots */
#define TRACKED		2	/* those before it, where every join finds one */
#define WORKERS		6
#define MAPPINGS	8
#define FEW		4
#define ROUND		100	/* kills before all is quiet for a look */

enum deed {
	MAP, TOUCH, WAIT, FORK, EXEC, UNMAP, WAKE, WATCH, SEND, RECEIVE, LEAK, SPLIT, LOOK, DEEDS
};

static const char *const deed_names[DEEDS] = {
	"map", "fault", "wait", "fork", "exec", "unmap", "wake", "watch", "send", "receive", "leak",
	"split", "look",
};

/* What happened at least so often, and what at most: a kill may come in between. */
struct bounds {
	__u64 begun, ended;
};

struct chaos {
	int regions[REGIONS];
	int ends[2];			/* of a socket: descriptors pass through it */
	bool unmaps;
	size_t page_size;
	enum deed doing[WORKERS];	/* what each was about when it was killed */
	struct bounds joins[TRACKED], unmaps_of[TRACKED];
};

struct mapping {
	unsigned char *at;	/* or NULL */
	int region;
	bool writable;
};

/* A process of it; children have a copy. */
static struct chaos *chaos;
static int chaos_fd;
static struct mapping mappings[MAPPINGS];
static enum deed *doing;		/* of a worker; NULL in its descendants */
static unsigned int descendants;
static __u32 random_state;

static __u32 random_below(__u32 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

static int random_region(void)
{
	return chaos->regions[random_below(REGIONS)];
}

static unsigned int mappings_of(int which)
{
	unsigned int i, count = 0;

	for (i = 0; i < MAPPINGS; i++)
		count += mappings[i].at && mappings[i].region == which;
	return count;
}

static void count_begun(struct bounds *bounds, int which)
{
	if (which < TRACKED)
		__atomic_add_fetch(&bounds[which].begun, 1, __ATOMIC_SEQ_CST);
}

static void count_ended(struct bounds *bounds, int which)
{
	if (which < TRACKED)
		__atomic_add_fetch(&bounds[which].ended, 1, __ATOMIC_SEQ_CST);
}

static void chaos_map(void)
{
	static const struct { int protection, flags; } ways[] = {
		{ RW, MAP_SHARED }, { RW, MAP_PRIVATE }, { PROT_READ, MAP_SHARED },
	};
	struct mapping *to = &mappings[random_below(MAPPINGS)];
	unsigned int way = random_below(ARRAY_SIZE(ways));
	int which = random_below(REGIONS);
	bool joins;
	void *at;

	if (to->at)
		return;
	joins = !mappings_of(which);
	if (joins)
		count_begun(chaos->joins, which);
	at = mmap(NULL, PAGES * chaos->page_size, ways[way].protection, ways[way].flags,
		  chaos->regions[which], 0);
	if (at == MAP_FAILED)
		return;
	if (joins)
		count_ended(chaos->joins, which);
	*to = (struct mapping) { at, which, ways[way].protection & PROT_WRITE };
}

static void chaos_unmap(void)
{
	struct mapping *which = &mappings[random_below(MAPPINGS)];
	bool last;

	if (!chaos->unmaps || !which->at)
		return;
	last = mappings_of(which->region) == 1;
	if (last)
		count_begun(chaos->unmaps_of, which->region);
	munmap(which->at, PAGES * chaos->page_size);
	if (last)
		count_ended(chaos->unmaps_of, which->region);
	which->at = NULL;
}

static void chaos_touch(void)
{
	struct mapping *which = &mappings[random_below(MAPPINGS)];
	size_t i;

	for (i = 0; which->at && i < PAGES; i++) {
		volatile __u32 *word = (__u32 *)(which->at + i * chaos->page_size) + 8;

		if (which->writable)
			*word = i;
		else
			(void)*word;
	}
}

static void chaos_wait(void)
{
	int fd = random_region();
	__u64 deadline = IPCSHM_FOREVER;

	if (random_below(20))
		deadline = ipcshm_deadline(random_below(500) * 1000);
	ipcshm_region_wait(fd, random_below(4) * 4, 4, 0, region_stat(fd).deaths, deadline);
}

static void chaos_wake(void)
{
	ipcshm_region_wake(random_region(), random_below(4) * 4, 1 + random_below(2));
}

static void chaos_watch(void)
{
	struct pollfd entry = { .fd = random_region(), .events = POLLIN | POLLPRI };

	ipcshm_region_watch(entry.fd, random_below(4) * 4, 4, 0, region_stat(entry.fd).deaths);
	poll(&entry, 1, !random_below(4));
}

/* A child joins all that its parent has mapped. */
static void count_inherited(void (*count)(struct bounds *, int))
{
	int i;

	for (i = 0; i < REGIONS; i++)
		if (mappings_of(i))
			count(chaos->joins, i);
}

static void chaos_fork(void)
{
	pid_t pid;

	if (descendants++ >= 3 || random_below(3))
		return;
	count_inherited(count_begun);
	pid = fork_peer();
	if (pid > 0)
		count_inherited(count_ended);
	if (!pid) {
		doing = NULL;
		random_state += getpid();
	}
}

static void chaos_exec(void)
{
	char fd[16], seed[16], worker[16];

	if (random_below(20))
		return;
	snprintf(fd, sizeof(fd), "%d", chaos_fd);
	snprintf(seed, sizeof(seed), "%u", random_state);
	snprintf(worker, sizeof(worker), "%d", doing ? (int)(doing - chaos->doing) : -1);
	execv("/proc/self/exe", (char *[]) { "members", CHAOS, fd, seed, worker, NULL });
	_exit(127);
}

static void chaos_send(void)
{
	send_descriptor(chaos->ends[0], random_region());
}

/* Some are kept and never closed. */
static void keep(int fd)
{
	if (fd > 100)
		close(fd);
}

static void chaos_receive(void)
{
	keep(receive_descriptor(chaos->ends[1]));
}

static void chaos_leak(void)
{
	keep(dup(random_region()));
}

static void chaos_split(void)
{
	struct mapping *which = &mappings[random_below(MAPPINGS)];

	if (which->at)
		mprotect(which->at + chaos->page_size, chaos->page_size,
			 which->writable ? RW : PROT_READ);
}

static void chaos_look(void)
{
	const struct ipcshm_member_page *page;

	if (!ipcshm_region_map_members(random_region(), &page))
		munmap((void *)page, chaos->page_size);
}

static void run_chaos(void)
{
	static void (*const deeds[DEEDS])(void) = {
		[MAP] = chaos_map, [TOUCH] = chaos_touch, [UNMAP] = chaos_unmap,
		[WAIT] = chaos_wait, [WAKE] = chaos_wake, [WATCH] = chaos_watch,
		[FORK] = chaos_fork, [EXEC] = chaos_exec, [SEND] = chaos_send,
		[RECEIVE] = chaos_receive, [LEAK] = chaos_leak, [SPLIT] = chaos_split,
		[LOOK] = chaos_look,
	};

	for (;;) {
		/* Half of the time, so that there is something to do the others with. */
		enum deed deed = random_below(2) ? random_below(2) ? MAP : TOUCH :
						   random_below(DEEDS);

		if (doing)
			__atomic_store_n(doing, deed, __ATOMIC_RELEASE);
		deeds[deed]();
	}
}

static struct chaos *map_chaos(int fd)
{
	return mmap(NULL, sizeof(struct chaos), RW, MAP_SHARED, fd, 0);
}

/* After exec: memory is gone, descriptors aren't. */
static int resume_chaos(char **arguments)
{
	int worker = atoi(arguments[2]);

	chaos_fd = atoi(arguments[0]);
	random_state = strtoul(arguments[1], NULL, 10) | 1;
	chaos = map_chaos(chaos_fd);
	if (chaos == MAP_FAILED)
		return 1;
	if (worker >= 0)
		doing = &chaos->doing[worker];
	descendants = 2;
	run_chaos();
	return 0;
}

static __u64 shmem_in_use(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Shmem: %llu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}

FIXTURE(killed) {
	struct test_region region;
	__u64 shmem_before;
};

FIXTURE_VARIANT(killed) {
	bool unmaps;
};

FIXTURE_VARIANT_ADD(killed, mapped) { .unmaps = false };
FIXTURE_VARIANT_ADD(killed, unmapping) { .unmaps = true };

FIXTURE_SETUP(killed)
{
	int i;

	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	self->region.before = get_info(self->region.device);
	self->shmem_before = shmem_in_use();
	chaos_fd = syscall(SYS_memfd_create, "chaos", 0);
	ASSERT_EQ(0, ftruncate(chaos_fd, sizeof(struct chaos)));
	chaos = map_chaos(chaos_fd);
	ASSERT_NE(MAP_FAILED, chaos);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, chaos->ends));
	chaos->unmaps = variant->unmaps;
	chaos->page_size = self->region.page_size;
	for (i = 0; i < REGIONS; i++) {
		struct ipcshm_region_attr attr = {
			.size = PAGES * self->region.page_size,
			.max_members = i < REGIONS - 1 ? IPCSHM_MEMBERS_MAX : FEW,
		};

		chaos->regions[i] = ipcshm_region_open(self->region.device, NULL,
						       READ_WRITE | IPCSHM_CREATE, 0600, &attr);
		ASSERT_LE(0, chaos->regions[i]);
		fcntl(chaos->regions[i], F_SETFD, 0);	/* not lost in an exec */
	}
}

FIXTURE_TEARDOWN(killed)
{
	region_tear_down(&self->region);
}

/*
 * Waits for deaths alone, and publishes the number that it knows. It leads a process group of its
 * own, which kill_some() spares.
 */
static void bystander_role(struct peer *peer)
{
	setpgid(0, 0);
	be_ready(peer);
	for (;;) {
		int result = ipcshm_region_wait(peer->fd, peer->region->page_size - 4, 4, 0,
						peer->deaths, IPCSHM_FOREVER);

		if (result != -EOWNERDEAD)
			_exit(1);
		__atomic_store_n(&peer->deaths, region_stat(peer->fd).deaths, __ATOMIC_RELEASE);
	}
}

static bool start_bystanders(struct test_region *region)
{
	int i;

	for (i = 0; i < REGIONS; i++)
		if (!region_start_ready(region, bystander_role,
					(struct peer) { .fd = chaos->regions[i] }))
			return false;
	return true;
}

/* While nobody dies any more. */
static bool bystander_knows(struct test_region *region, int i)
{
	__u32 deaths = region_stat(chaos->regions[i]).deaths;

	return WAIT_UNTIL(__atomic_load_n(&region->peers.list[i].deaths, __ATOMIC_ACQUIRE) ==
			  deaths);
}

static pid_t start_chaos(unsigned int worker)
{
	__u32 seed = random_below(UINT_MAX);
	pid_t pid = fork_peer();

	if (!pid) {
		random_state = seed | 1;
		doing = &chaos->doing[worker];
		run_chaos();
	}
	return pid;
}

static void kill_worker(pid_t *worker, unsigned int *killed_while, enum deed *deed)
{
	kill_child(*worker);
	killed_while[__atomic_load_n(deed, __ATOMIC_ACQUIRE)]++;
}

/* Each is replaced when it is killed.  Returns when all are dead, the orphans too. */
static void kill_some(unsigned int kills, unsigned int *killed_while)
{
	pid_t workers[WORKERS];
	unsigned int i, worker;

	for (i = 0; i < WORKERS; i++)
		workers[i] = start_chaos(i);
	for (i = 0; i < kills; i++) {
		worker = random_below(WORKERS);
		usleep(random_below(4000));	/* any moment will do */
		kill_worker(&workers[worker], killed_while, &chaos->doing[worker]);
		workers[worker] = start_chaos(worker);
	}
	for (i = 0; i < WORKERS; i++)
		kill(workers[i], SIGKILL);
	while (waitpid(0, NULL, 0) > 0)
		;
}

/* All slots of the region can be taken again, and no more. */
static bool slots_are_back(struct test_region *region, int fd, unsigned int slots)
{
	unsigned int i;

	for (i = 0; i < slots; i++)
		if (!region_start_ready(region, member_role, (struct peer) { .fd = fd }))
			return false;
	return map_pages(region, fd, 0, 1, PROT_READ, MAP_SHARED) == MAP_FAILED && errno == EUSERS;
}

static bool is_within(const struct bounds *bounds, __u64 count)
{
	return bounds->ended <= count && count <= bounds->begun;
}

static __u64 leaves(const struct ipcshm_region_stat *stat)
{
	return stat->joins - stat->deaths;
}

TEST_F_TIMEOUT(killed, anywhere_leaves_nothing_behind, 1800)
{
	unsigned int kills, all = many(10000, ROUND), killed_while[DEEDS] = { 0 };
	struct ipcshm_info after;
	int i;

	random_state = getpid() | 1;
	ASSERT_TRUE(start_bystanders(&self->region));
	for (kills = 0; kills < all; kills += ROUND) {
		kill_some(ROUND, killed_while);
		for (i = 0; i < REGIONS; i++) {
			struct ipcshm_region_stat stat = region_stat(chaos->regions[i]);

			EXPECT_TRUE(bystander_knows(&self->region, i));
			EXPECT_EQ(0, stat.members);
			EXPECT_TRUE(WAIT_UNTIL(region_stat(chaos->regions[i]).waiters == 1));
			if (i >= TRACKED)
				continue;
			EXPECT_TRUE(is_within(&chaos->joins[i], stat.joins));
			EXPECT_TRUE(is_within(&chaos->unmaps_of[i], leaves(&stat)));
		}
		EXPECT_EQ(self->region.before.members.used,
			  get_info(self->region.device).members.used);
	}
	for (i = 0; i < REGIONS; i++) {
		struct ipcshm_region_stat stat = region_stat(chaos->regions[i]);

		TH_LOG("region %d: %u joins, %u deaths", i, stat.joins, stat.deaths);
		EXPECT_LT(0, stat.deaths);
	}
	for (i = 0; i < DEEDS; i++) {
		TH_LOG("%u killed while they %s", killed_while[i], deed_names[i]);
		if (all > ROUND && i < UNMAP + chaos->unmaps)
			EXPECT_LT(0, killed_while[i]);
	}
	kill_peers(&self->region.peers);
	forget_peers(&self->region.peers);
	EXPECT_TRUE(slots_are_back(&self->region, chaos->regions[REGIONS - 1], FEW));
	kill_peers(&self->region.peers);
	for (i = 0; i < REGIONS; i++)
		close(chaos->regions[i]);
	close(chaos->ends[0]);
	close(chaos->ends[1]);
	EXPECT_TRUE(WAIT_UNTIL(get_info(self->region.device).objects.used ==
			       self->region.before.objects.used));
	after = get_info(self->region.device);
	EXPECT_EQ(self->region.before.region_bytes.used, after.region_bytes.used);
	EXPECT_EQ(self->region.before.members.used, after.members.used);
	EXPECT_EQ(self->region.before.waiters.used, after.waiters.used);	/* watches, too */
	EXPECT_TRUE(WAIT_UNTIL(shmem_in_use() < self->shmem_before + (1 << 20)));
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], PAUSE))
		return pause();
	if (argc == 5 && !strcmp(argv[1], CHAOS))
		return resume_chaos(argv + 2);
	return run_tests(argc, argv);
}
