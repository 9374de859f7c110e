// SPDX-License-Identifier: GPL-2.0-only
/* Members of a region: joining and leaving, and the list. */
#include <pthread.h>

#include "common/harness.h"
#include "common/members.h"
#include "common/region.h"
#include "members_fixture.h"

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

TEST_F(members, failed_mapping_makes_no_member)
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

/* A member with a child that is a member too; both report their tokens. */
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

/* Threads, and other tasks that share an address space. */

/* The token that a thread or a clone has by a descriptor. */
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

TEST_F(members, member_that_returns_gets_another_token)
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

/* IPCSHM_IOC_REGION_MEMBERS */

TEST_F(members, list_has_token_process_user_maps_and_time)
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

TEST_F(members, list_has_the_process_of_a_child)
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

/* In a PID namespace of its own: the processes and numbers that it sees. */
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

TEST_F(members, list_has_processes_as_the_caller_sees_them)
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

TEST_F(members, list_has_the_user_that_joined)
{
	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(region_start_ready(&self->region, user_role, (struct peer) { 0 }));
	EXPECT_EQ(12345, only_member(&self->region).uid);
}

IPCSHM_TEST_MAIN
