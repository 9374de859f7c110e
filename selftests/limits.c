// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas of members and waiters, and of regions that can grow: who pays, that
 * the count is exact, and that all is given back however it ends.  (Those of
 * objects and messages are in names.c.)
 */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "region_test.h"

#define MANY		65536	/* a larger quota takes too long to be used up */
#define FIELDS		1024	/* regions that one process maps for that */
#define RW		(PROT_READ | PROT_WRITE)

/* The test is a user of its own. */
FIXTURE(limits) {
	int of_root;	/* another region, root's */
};

static uid_t unique_user(void)
{
	return 0x09000000 + getpid();
}

/* Can be undone, as root's saved IDs stay. */
static bool become(uid_t user)
{
	return !seteuid(0) && !setresgid(user, user, 0) && !setresuid(user, user, 0);
}

FIXTURE_SETUP(limits)
{
	struct rlimit descriptors = { MANY + 100, MANY + 100 };

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &descriptors));
	device = open_device();
	self->of_root = open_region(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				    PAGES * sysconf(_SC_PAGESIZE));
	ASSERT_LE(0, self->of_root);
	close(device);
	ASSERT_TRUE(become(unique_user()));
	ASSERT_EQ(0, set_up((struct ipcshm_region_attr) { .max_members = IPCSHM_MEMBERS_MAX }));
	ASSERT_EQ(0, before.members.used);
	ASSERT_EQ(0, before.waiters.used);
	ASSERT_EQ(0, before.objects.used);
	ASSERT_EQ(0, before.region_bytes.used);
	before = get_info(device);
}

FIXTURE_TEARDOWN(limits)
{
	EXPECT_EQ(0, seteuid(0));	/* to kill those who became another user */
	tear_down();
}

static __u64 objects_used(void)
{
	return get_info(device).objects.used - before.objects.used;
}

static __u64 bytes_used(void)
{
	return get_info(device).region_bytes.used - before.region_bytes.used;
}

static __u64 members_used(void)
{
	return get_info(device).members.used;
}

static __u64 waiters_used(void)
{
	return get_info(device).waiters.used;
}

static int create(__u64 size, __u64 max_size)
{
	struct ipcshm_region_attr attr = {
		.size = size, .max_size = max_size, .max_members = IPCSHM_MEMBERS_MAX,
	};

	return ipcshm_region_open(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, &attr);
}

static void user_member_role(struct peer *peer)
{
	if (peer->value && !become(peer->value))
		_exit(1);
	member_role(peer);
}

/* Region bytes. */

TEST_F(limits, region_counts_what_it_can_grow_to)
{
	int fd = create(page_size, 10 * page_size);

	ASSERT_LE(0, fd);
	EXPECT_EQ(10 * page_size, bytes_used());
	ASSERT_EQ(0, ipcshm_region_resize(fd, 10 * page_size));
	EXPECT_EQ(10 * page_size, bytes_used());
	ASSERT_EQ(0, ipcshm_region_resize(fd, page_size));
	EXPECT_EQ(10 * page_size, bytes_used());
	close(fd);
	EXPECT_EQ(0, bytes_used());
}

TEST_F(limits, region_that_could_grow_over_the_quota_is_refused)
{
	__u64 max = (before.region_bytes.max - before.region_bytes.used) / page_size * page_size;
	int fd;

	EXPECT_EQ(-EDQUOT, create(page_size, max + page_size));
	EXPECT_EQ(0, bytes_used());
	EXPECT_EQ(0, objects_used());
	fd = create(page_size, max);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EDQUOT, create(page_size, 0));
	close(fd);
	EXPECT_EQ(0, bytes_used());
}

TEST_F(limits, revoked_region_counts_until_it_is_closed)
{
	int fd = create(page_size, 0);

	ASSERT_EQ(0, ipcshm_region_revoke(fd));
	EXPECT_EQ(1, objects_used());
	close(fd);
	EXPECT_EQ(0, objects_used());
	EXPECT_EQ(0, bytes_used());
}

TEST_F(limits, region_in_flight_counts_for_its_creator)
{
	int ends[2], fd = create(page_size, 0);

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	ASSERT_TRUE(send_descriptor(ends[0], fd));
	close(fd);
	EXPECT_EQ(1, objects_used());
	EXPECT_EQ(page_size, bytes_used());
	close(ends[0]);
	close(ends[1]);
	EXPECT_TRUE(WAIT_UNTIL(objects_used() == 0));
	EXPECT_EQ(0, bytes_used());
}

/* Members. */

TEST_F(limits, member_counts_for_its_user_and_not_for_the_creator)
{
	ASSERT_NE(MAP_FAILED, map_pages(self->of_root, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(1, members_used());
	EXPECT_EQ(0, objects_used());
	ASSERT_NE(MAP_FAILED, map_pages(self->of_root, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(1, members_used());
}

TEST_F(limits, members_are_counted_by_region_and_process)
{
	int other = create(page_size, 0);

	ASSERT_TRUE(map_region());
	ASSERT_NE(MAP_FAILED, map_pages(other, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(2, members_used());
	ASSERT_TRUE(start_member());
	EXPECT_EQ(4, members_used());	/* the peer has inherited the mapping of the other region */
	kill_peer(&peers[0]);
	EXPECT_EQ(2, members_used());
}

TEST_F(limits, member_is_given_back_by_munmap)
{
	ASSERT_TRUE(map_region());
	ASSERT_EQ(0, munmap(map, PAGES * page_size));
	EXPECT_EQ(0, members_used());
}

TEST_F(limits, member_is_given_back_when_it_is_killed)
{
	struct peer *peer = start_member();

	ASSERT_TRUE(peer);
	EXPECT_EQ(1, members_used());
	kill_peer(peer);
	EXPECT_EQ(0, members_used());
}

static void exec_role(struct peer *peer)
{
	join(peer);
	be_ready(peer);
	execv("/proc/self/exe", (char *[]) { "limits", "--pause", NULL });
	_exit(127);
}

TEST_F(limits, member_is_given_back_by_exec)
{
	struct peer *peer = start_ready(exec_role, (struct peer) { 0 });

	ASSERT_TRUE(peer);
	EXPECT_TRUE(WAIT_UNTIL(members_used() == 0));
	EXPECT_EQ(0, kill(peer->pid, 0));
}

TEST_F(limits, member_without_a_descriptor_counts)
{
	int fd = create(page_size, 0);
	void *at = map_pages(fd, 0, 1, RW, MAP_SHARED);

	close(fd);
	EXPECT_EQ(1, members_used());
	EXPECT_EQ(1, objects_used());
	munmap(at, page_size);
	EXPECT_EQ(0, members_used());
	EXPECT_EQ(0, objects_used());
}

static void *field;	/* one of those */

/* A mapping of another region, with no descriptor. */
static void *map_field(void)
{
	int fd = create(page_size, 0);
	void *at = map_pages(fd, 0, 1, RW, MAP_SHARED);

	close(fd);
	return at;
}

static bool map_fields(__u64 count)
{
	while (count--) {
		field = map_field();
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
static bool use_up_members(__u64 spare)
{
	__u64 max = before.members.max - spare, each = max < FIELDS ? max : FIELDS;
	__u64 i;

	if (!map_fields(each))
		return false;
	for (i = 1; i < max / each; i++)
		if (!start_ready(inherit_role, (struct peer) { 0 }))
			return false;
	return map_fields(max % each) && members_used() == max;
}

static void self_role(struct peer *peer)
{
	peer->result = ipcshm_region_self(region, &peer->token);
}

TEST_F_TIMEOUT(limits, members_over_the_quota_are_refused, 200)
{
	struct peer *other;
	unsigned int i;
	void *at;

	if (before.members.max > MANY || before.members.max < 2)
		SKIP(return, "the quota is too large to be used up, or too small");
	ASSERT_TRUE(use_up_members(1));
	at = map_pages(region, 0, PAGES, RW, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(before.members.max, members_used());

	/* A new member, another region, a child: */
	EXPECT_EQ(MAP_FAILED, map_pages(self->of_root, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_EQ(-EDQUOT, finish(start(self_role, (struct peer) { 0 })));
	EXPECT_EQ(before.members.max, members_used());

	/* Nothing more is needed for another mapping, and it is nothing to others. */
	EXPECT_NE(MAP_FAILED, map_pages(region, 0, 1, RW, MAP_SHARED));
	munmap(field, page_size);
	EXPECT_EQ(before.members.max - 1, members_used());
	other = start_ready(user_member_role, (struct peer) { .value = unique_user() + 1 });
	ASSERT_TRUE(other);
	EXPECT_EQ(2, stat_now().members);
	EXPECT_EQ(0, seteuid(0));
	for (i = 0; i < peer_count; i++)
		if (peers[i].pid)
			kill_peer(&peers[i]);
	ASSERT_TRUE(become(unique_user()));
	/* What is left is the test's own: less than two of the many. */
	EXPECT_GT(2 * FIELDS, members_used());
}

TEST_F(limits, members_of_one_user_are_none_of_anothers)
{
	ASSERT_TRUE(start_ready(user_member_role, (struct peer) { .value = unique_user() + 1 }));
	EXPECT_EQ(1, stat_now().members);
	EXPECT_EQ(0, members_used());
	ASSERT_TRUE(start_ready(user_member_role, (struct peer) { 0 }));
	EXPECT_EQ(1, members_used());
}

/* Waiters. */

TEST_F(limits, waiters_are_counted_while_they_wait)
{
	struct peer *first = block_on(0), *second = block_on(4);

	ASSERT_TRUE(first && second);
	EXPECT_EQ(2, waiters_used());
	EXPECT_EQ(1, wake(0, 1));
	EXPECT_EQ(0, finish(first));
	EXPECT_EQ(1, waiters_used());
	kill_peer(second);
	EXPECT_EQ(0, waiters_used());
}

static void user_wait_role(struct peer *peer)
{
	if (!become(peer->value))
		_exit(1);
	wait_role(peer);
}

TEST_F(limits, waiter_counts_for_who_opened_the_descriptor)
{
	struct peer *peer = block(user_wait_role, (struct peer) { .value = unique_user() + 1 });

	ASSERT_TRUE(peer);
	EXPECT_EQ(1, waiters_used());
	peer = start(wait_role, (struct peer) { .fd = self->of_root });
	ASSERT_TRUE(WAIT_UNTIL(region_stat(self->of_root).waiters == 1));
	EXPECT_EQ(1, waiters_used());
}

TEST_F(limits, waiter_is_given_back_whatever_ends_the_wait)
{
	struct peer *peer;

	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_wait(region, 0, 4, 0, 0, 0));
	EXPECT_EQ(-EAGAIN, ipcshm_region_wait(region, 0, 4, 1, 0, 0));
	EXPECT_EQ(-EOWNERDEAD, ipcshm_region_wait(region, 0, 4, 0, 1, 0));
	EXPECT_EQ(-EINVAL, ipcshm_region_wait(region, 1ULL << 40, 4, 0, 0, 0));
	EXPECT_EQ(0, waiters_used());
	peer = block(wait_role, (struct peer) { .handles_signal = true });
	ASSERT_TRUE(peer);
	kill(peer->pid, SIGUSR1);
	EXPECT_EQ(-EINTR, finish(peer));
	EXPECT_EQ(0, waiters_used());
	peer = block_on(0);
	ASSERT_TRUE(peer);
	ASSERT_TRUE(one_death());
	EXPECT_EQ(-EOWNERDEAD, finish(peer));
	EXPECT_EQ(0, waiters_used());
}

TEST_F(limits, watched_word_counts_as_a_waiter)
{
	int other = open_again(IPCSHM_READ);

	ASSERT_EQ(0, ipcshm_region_watch(region, 0, 4, 0, 0));
	ASSERT_EQ(0, ipcshm_region_watch(other, 0, 4, 0, 0));
	EXPECT_EQ(2, waiters_used());
	ASSERT_EQ(0, ipcshm_region_watch(region, 4, 4, 0, 0));
	EXPECT_EQ(2, waiters_used());
	EXPECT_EQ(-EINVAL, ipcshm_region_watch(region, 1, 4, 0, 0));
	EXPECT_EQ(2, waiters_used());
	ASSERT_EQ(0, ipcshm_region_watch(region, 0, 0, 0, 0));
	EXPECT_EQ(1, waiters_used());
	close(other);
	EXPECT_EQ(0, waiters_used());
	EXPECT_EQ(0, stat_now().waiters);
}

/*
 * All of the quota but for @spare, each by a descriptor of its own that watches a
 * word; the last of them, or -1.
 */
static int use_up_waiters(__u64 spare)
{
	__u64 i, max = before.waiters.max - spare;
	int fd = -1;

	for (i = 0; i < max; i++) {
		fd = open_again(IPCSHM_READ);
		if (fd < 0 || ipcshm_region_watch(fd, i % (page_size / 4) * 4, 4, 0, 0))
			return -1;
	}
	return waiters_used() == max ? fd : -1;
}

TEST_F_TIMEOUT(limits, waiters_over_the_quota_are_refused, 200)
{
	__u64 max = before.waiters.max;
	struct peer *peer;
	int last, other;

	if (max > MANY || max < 2)
		SKIP(return, "the quota is too large to be used up, or too small");
	last = use_up_waiters(1);
	ASSERT_LE(0, last);
	other = open_again(IPCSHM_READ);
	peer = block_on(page_size);
	ASSERT_TRUE(peer);
	EXPECT_EQ(max, waiters_used());

	/* Another wait, another watch: */
	EXPECT_EQ(-EDQUOT, ipcshm_region_wait(region, 0, 4, 0, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-EDQUOT, ipcshm_region_watch(other, 0, 4, 0, 0));
	EXPECT_EQ(max, waiters_used());

	/* Nothing more is needed for a watch in place of another, or of no word; and others don't care. */
	EXPECT_EQ(0, ipcshm_region_watch(last, 4, 4, 0, 0));
	EXPECT_EQ(0, ipcshm_region_watch(other, 0, 0, 0, 0));
	EXPECT_EQ(max, waiters_used());
	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_wait(self->of_root, 0, 4, 0, 0, 0));
	EXPECT_EQ(0, ipcshm_region_watch(self->of_root, 0, 4, 0, 0));

	EXPECT_EQ(1, wake(page_size, 1));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(max - 1, waiters_used());
	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_wait(region, 0, 4, 0, 0, 0));
	EXPECT_EQ(0, ipcshm_region_watch(other, 0, 4, 0, 0));
	EXPECT_EQ(max, waiters_used());
	EXPECT_EQ(0, syscall(SYS_close_range, region + 1, ~0U, 0));
	EXPECT_EQ(0, waiters_used());
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--pause"))
		return pause();
	return run_tests(argc, argv);
}
