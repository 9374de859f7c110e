// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas of members and waiters, and of regions that can grow: the user that pays,
 * the exact count, and that all is given back after any end.  (Quotas of objects and
 * messages are in object_quota.c.)
 */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "common/region.h"

#define MANY		65536	/* a larger quota takes too long to be used up */
#define FIELDS		1024	/* regions that one process maps for that */
#define RW		(PROT_READ | PROT_WRITE)

/* The test is a user of its own. */
FIXTURE(limits) {
	struct test_region region;
	int of_root;	/* another region, root's */
};

static uid_t unique_user(void)
{
	return 0x09000000 + getpid();
}

/* Can be undone, as root's saved IDs stay. */
static bool become_user(uid_t user)
{
	return !seteuid(0) && !setresgid(user, user, 0) && !setresuid(user, user, 0);
}

FIXTURE_SETUP(limits)
{
	struct rlimit descriptors = { MANY + 100, MANY + 100 };

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &descriptors));
	self->region.device = open_device();
	self->of_root = open_region(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				    PAGES * sysconf(_SC_PAGESIZE));
	ASSERT_LE(0, self->of_root);
	close(self->region.device);
	ASSERT_TRUE(become_user(unique_user()));
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr){
							  .max_members = IPCSHM_MEMBERS_MAX }));
	ASSERT_EQ(0, self->region.before.members.used);
	ASSERT_EQ(0, self->region.before.waiters.used);
	ASSERT_EQ(0, self->region.before.objects.used);
	ASSERT_EQ(0, self->region.before.region_bytes.used);
	self->region.before = get_info(self->region.device);
}

FIXTURE_TEARDOWN(limits)
{
	EXPECT_EQ(0, seteuid(0));	/* to kill peers of another user */
	region_tear_down(&self->region);
}

static __u64 objects_used(struct test_region *region)
{
	return get_info(region->device).objects.used - region->before.objects.used;
}

static __u64 bytes_used(struct test_region *region)
{
	return get_info(region->device).region_bytes.used - region->before.region_bytes.used;
}

static __u64 members_used(struct test_region *region)
{
	return get_info(region->device).members.used;
}

static __u64 waiters_used(struct test_region *region)
{
	return get_info(region->device).waiters.used;
}

static int create_region(struct test_region *region, __u64 size, __u64 max_size)
{
	struct ipcshm_region_attr attr = {
		.size = size, .max_size = max_size, .max_members = IPCSHM_MEMBERS_MAX,
	};

	return ipcshm_region_open(region->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, &attr);
}

static void user_member_role(struct peer *peer)
{
	if (peer->value && !become_user(peer->value))
		_exit(1);
	member_role(peer);
}

/* Region bytes. */

TEST_F(limits, region_counts_its_largest_size)
{
	int fd = create_region(&self->region, self->region.page_size, 10 * self->region.page_size);

	ASSERT_LE(0, fd);
	EXPECT_EQ(10 * self->region.page_size, bytes_used(&self->region));
	ASSERT_EQ(0, ipcshm_region_resize(fd, 10 * self->region.page_size));
	EXPECT_EQ(10 * self->region.page_size, bytes_used(&self->region));
	ASSERT_EQ(0, ipcshm_region_resize(fd, self->region.page_size));
	EXPECT_EQ(10 * self->region.page_size, bytes_used(&self->region));
	close(fd);
	EXPECT_EQ(0, bytes_used(&self->region));
}

TEST_F(limits, region_that_could_grow_over_the_quota_is_refused)
{
	__u64 max = (self->region.before.region_bytes.max - self->region.before.region_bytes.used) /
		    self->region.page_size * self->region.page_size;
	int fd;

	EXPECT_EQ(-EDQUOT, create_region(&self->region, self->region.page_size,
					 max + self->region.page_size));
	EXPECT_EQ(0, bytes_used(&self->region));
	EXPECT_EQ(0, objects_used(&self->region));
	fd = create_region(&self->region, self->region.page_size, max);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EDQUOT, create_region(&self->region, self->region.page_size, 0));
	close(fd);
	EXPECT_EQ(0, bytes_used(&self->region));
}

TEST_F(limits, revoked_region_counts_until_it_is_closed)
{
	int fd = create_region(&self->region, self->region.page_size, 0);

	ASSERT_EQ(0, ipcshm_region_revoke(fd));
	EXPECT_EQ(1, objects_used(&self->region));
	close(fd);
	EXPECT_EQ(0, objects_used(&self->region));
	EXPECT_EQ(0, bytes_used(&self->region));
}

TEST_F(limits, region_in_flight_counts_for_its_creator)
{
	int ends[2], fd = create_region(&self->region, self->region.page_size, 0);

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	ASSERT_TRUE(send_descriptor(ends[0], fd));
	close(fd);
	EXPECT_EQ(1, objects_used(&self->region));
	EXPECT_EQ(self->region.page_size, bytes_used(&self->region));
	close(ends[0]);
	close(ends[1]);
	EXPECT_TRUE(WAIT_UNTIL(objects_used(&self->region) == 0));
	EXPECT_EQ(0, bytes_used(&self->region));
}

/* Members. */

TEST_F(limits, member_counts_for_its_user_and_not_for_the_creator)
{
	ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->of_root, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(1, members_used(&self->region));
	EXPECT_EQ(0, objects_used(&self->region));
	ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->of_root, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(1, members_used(&self->region));
}

TEST_F(limits, members_are_counted_by_region_and_process)
{
	int other = create_region(&self->region, self->region.page_size, 0);

	ASSERT_TRUE(map_region(&self->region));
	ASSERT_NE(MAP_FAILED, map_pages(&self->region, other, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(2, members_used(&self->region));
	ASSERT_TRUE(start_member(&self->region));
	/* The peer has inherited the mapping of the other region. */
	EXPECT_EQ(4, members_used(&self->region));
	kill_peer(&self->region.peers.list[0]);
	EXPECT_EQ(2, members_used(&self->region));
}

TEST_F(limits, member_is_given_back_by_munmap)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(0, members_used(&self->region));
}

TEST_F(limits, member_is_given_back_when_it_is_killed)
{
	struct peer *peer = start_member(&self->region);

	ASSERT_TRUE(peer);
	EXPECT_EQ(1, members_used(&self->region));
	kill_peer(peer);
	EXPECT_EQ(0, members_used(&self->region));
}

static void exec_role(struct peer *peer)
{
	join_region(peer);
	be_ready(peer);
	execv("/proc/self/exe", (char *[]) { "limits", "--pause", NULL });
	_exit(127);
}

TEST_F(limits, member_is_given_back_by_exec)
{
	struct peer *peer = region_start_ready(&self->region, exec_role, (struct peer) { 0 });

	ASSERT_TRUE(peer);
	EXPECT_TRUE(WAIT_UNTIL(members_used(&self->region) == 0));
	EXPECT_EQ(0, kill(peer->pid, 0));
}

TEST_F(limits, member_without_a_descriptor_counts)
{
	int fd = create_region(&self->region, self->region.page_size, 0);
	void *at = map_pages(&self->region, fd, 0, 1, RW, MAP_SHARED);

	close(fd);
	EXPECT_EQ(1, members_used(&self->region));
	EXPECT_EQ(1, objects_used(&self->region));
	munmap(at, self->region.page_size);
	EXPECT_EQ(0, members_used(&self->region));
	EXPECT_EQ(0, objects_used(&self->region));
}

static void *field;	/* one of those */

/* A mapping of another region, with no descriptor. */
static void *map_field(struct test_region *region)
{
	int fd = create_region(region, region->page_size, 0);
	void *at = map_pages(region, fd, 0, 1, RW, MAP_SHARED);

	close(fd);
	return at;
}

static bool map_fields(struct test_region *region, __u64 count)
{
	while (count--) {
		field = map_field(region);
		if (field == MAP_FAILED)
			return false;
	}
	return true;
}

static void inherit_role(struct peer *peer)
{
	be_ready(peer);
	pause();
}

/* All of the quota but for @spare, by a process that maps many regions, and its children. */
static bool use_up_members(struct test_region *region, __u64 spare)
{
	__u64 max = region->before.members.max - spare, each = max < FIELDS ? max : FIELDS;
	__u64 i;

	if (!map_fields(region, each))
		return false;
	for (i = 1; i < max / each; i++)
		if (!region_start_ready(region, inherit_role, (struct peer) { 0 }))
			return false;
	return map_fields(region, max % each) && members_used(region) == max;
}

static void self_role(struct peer *peer)
{
	peer->result = ipcshm_region_self(peer->region->fd, &peer->token);
}

TEST_F_TIMEOUT(limits, members_over_the_quota_are_refused, 200)
{
	struct peer *other;
	unsigned int i;
	void *at;

	if (self->region.before.members.max > MANY || self->region.before.members.max < 2)
		SKIP(return, "the quota is too large to be used up, or too small");
	ASSERT_TRUE(use_up_members(&self->region, 1));
	at = map_pages(&self->region, self->region.fd, 0, PAGES, RW, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(self->region.before.members.max, members_used(&self->region));

	/* A new member, another region, a child: */
	EXPECT_EQ(MAP_FAILED, map_pages(&self->region, self->of_root, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_EQ(-EDQUOT, finish(region_start(&self->region, self_role, (struct peer) { 0 })));
	EXPECT_EQ(self->region.before.members.max, members_used(&self->region));

	/* Nothing more is needed for another mapping, and it is nothing to others. */
	EXPECT_NE(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, MAP_SHARED));
	munmap(field, self->region.page_size);
	EXPECT_EQ(self->region.before.members.max - 1, members_used(&self->region));
	other = region_start_ready(&self->region, user_member_role,
				   (struct peer) { .value = unique_user() + 1 });
	ASSERT_TRUE(other);
	EXPECT_EQ(2, region_stat_now(&self->region).members);
	EXPECT_EQ(0, seteuid(0));
	for (i = 0; i < self->region.peers.count; i++)
		if (self->region.peers.list[i].pid)
			kill_peer(&self->region.peers.list[i]);
	ASSERT_TRUE(become_user(unique_user()));
	/* The rest is the test's own, less than two of the many. */
	EXPECT_GT(2 * FIELDS, members_used(&self->region));
}

TEST_F(limits, members_of_one_user_are_none_of_anothers)
{
	ASSERT_TRUE(region_start_ready(&self->region, user_member_role,
				       (struct peer) { .value = unique_user() + 1 }));
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_EQ(0, members_used(&self->region));
	ASSERT_TRUE(region_start_ready(&self->region, user_member_role, (struct peer) { 0 }));
	EXPECT_EQ(1, members_used(&self->region));
}

/* Waiters. */

TEST_F(limits, waiters_are_counted_while_they_wait)
{
	struct peer *first = block_on(&self->region, 0), *second = block_on(&self->region, 4);

	ASSERT_TRUE(first && second);
	EXPECT_EQ(2, waiters_used(&self->region));
	EXPECT_EQ(1, wake_word(&self->region, 0, 1));
	EXPECT_EQ(0, finish(first));
	EXPECT_EQ(1, waiters_used(&self->region));
	kill_peer(second);
	EXPECT_EQ(0, waiters_used(&self->region));
}

static void user_wait_role(struct peer *peer)
{
	if (!become_user(peer->value))
		_exit(1);
	wait_role(peer);
}

TEST_F(limits, waiter_counts_for_the_opener_of_the_descriptor)
{
	struct peer *peer = block_waiter(&self->region, user_wait_role,
					 (struct peer) { .value = unique_user() + 1 });

	ASSERT_TRUE(peer);
	EXPECT_EQ(1, waiters_used(&self->region));
	peer = region_start(&self->region, wait_role, (struct peer) { .fd = self->of_root });
	ASSERT_TRUE(WAIT_UNTIL(region_stat(self->of_root).waiters == 1));
	EXPECT_EQ(1, waiters_used(&self->region));
}

TEST_F(limits, waiter_is_given_back_after_any_end_of_the_wait)
{
	struct peer *peer;

	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_wait(self->region.fd, 0, 4, 0, 0, 0));
	EXPECT_EQ(-EAGAIN, ipcshm_region_wait(self->region.fd, 0, 4, 1, 0, 0));
	EXPECT_EQ(-EOWNERDEAD, ipcshm_region_wait(self->region.fd, 0, 4, 0, 1, 0));
	EXPECT_EQ(-EINVAL, ipcshm_region_wait(self->region.fd, 1ULL << 40, 4, 0, 0, 0));
	EXPECT_EQ(0, waiters_used(&self->region));
	peer = block_waiter(&self->region, wait_role, (struct peer) { .handles_signal = true });
	ASSERT_TRUE(peer);
	kill(peer->pid, SIGUSR1);
	EXPECT_EQ(-EINTR, finish(peer));
	EXPECT_EQ(0, waiters_used(&self->region));
	peer = block_on(&self->region, 0);
	ASSERT_TRUE(peer);
	ASSERT_TRUE(one_death(&self->region));
	EXPECT_EQ(-EOWNERDEAD, finish(peer));
	EXPECT_EQ(0, waiters_used(&self->region));
}

TEST_F(limits, watched_word_counts_as_a_waiter)
{
	int other = region_open_again(&self->region, IPCSHM_READ);

	ASSERT_EQ(0, ipcshm_region_watch(self->region.fd, 0, 4, 0, 0));
	ASSERT_EQ(0, ipcshm_region_watch(other, 0, 4, 0, 0));
	EXPECT_EQ(2, waiters_used(&self->region));
	ASSERT_EQ(0, ipcshm_region_watch(self->region.fd, 4, 4, 0, 0));
	EXPECT_EQ(2, waiters_used(&self->region));
	EXPECT_EQ(-EINVAL, ipcshm_region_watch(self->region.fd, 1, 4, 0, 0));
	EXPECT_EQ(2, waiters_used(&self->region));
	ASSERT_EQ(0, ipcshm_region_watch(self->region.fd, 0, 0, 0, 0));
	EXPECT_EQ(1, waiters_used(&self->region));
	close(other);
	EXPECT_EQ(0, waiters_used(&self->region));
	EXPECT_EQ(0, region_stat_now(&self->region).waiters);
}

/*
 * All of the quota but for @spare, each by a descriptor of its own that watches a
 * word; the last of them, or -1.
 */
static int use_up_waiters(struct test_region *region, __u64 spare)
{
	__u64 i, max = region->before.waiters.max - spare;
	int fd = -1;

	for (i = 0; i < max; i++) {
		fd = region_open_again(region, IPCSHM_READ);
		if (fd < 0 || ipcshm_region_watch(fd, i % (region->page_size / 4) * 4, 4, 0, 0))
			return -1;
	}
	return waiters_used(region) == max ? fd : -1;
}

TEST_F_TIMEOUT(limits, waiters_over_the_quota_are_refused, 200)
{
	__u64 max = self->region.before.waiters.max;
	struct peer *peer;
	int last, other;

	if (max > MANY || max < 2)
		SKIP(return, "the quota is too large to be used up, or too small");
	last = use_up_waiters(&self->region, 1);
	ASSERT_LE(0, last);
	other = region_open_again(&self->region, IPCSHM_READ);
	peer = block_on(&self->region, self->region.page_size);
	ASSERT_TRUE(peer);
	EXPECT_EQ(max, waiters_used(&self->region));

	/* Another wait, another watch: */
	EXPECT_EQ(-EDQUOT, ipcshm_region_wait(self->region.fd, 0, 4, 0, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-EDQUOT, ipcshm_region_watch(other, 0, 4, 0, 0));
	EXPECT_EQ(max, waiters_used(&self->region));

	/* A watch in place of another one, or of no word, needs no more quota. */
	EXPECT_EQ(0, ipcshm_region_watch(last, 4, 4, 0, 0));
	EXPECT_EQ(0, ipcshm_region_watch(other, 0, 0, 0, 0));
	EXPECT_EQ(max, waiters_used(&self->region));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_wait(self->of_root, 0, 4, 0, 0, 0));
	EXPECT_EQ(0, ipcshm_region_watch(self->of_root, 0, 4, 0, 0));

	EXPECT_EQ(1, wake_word(&self->region, self->region.page_size, 1));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(max - 1, waiters_used(&self->region));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_wait(self->region.fd, 0, 4, 0, 0, 0));
	EXPECT_EQ(0, ipcshm_region_watch(other, 0, 4, 0, 0));
	EXPECT_EQ(max, waiters_used(&self->region));
	EXPECT_EQ(0, syscall(SYS_close_range, self->region.fd + 1, ~0U, 0));
	EXPECT_EQ(0, waiters_used(&self->region));
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--pause"))
		return pause();
	return run_tests(argc, argv);
}
