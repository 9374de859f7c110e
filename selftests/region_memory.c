// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a region: resizing, revoking, getting it at once, huge pages,
 * NUMA policy, locking and swap.
 */
#include <linux/mempolicy.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "common/cgroup.h"
#include "common/fuse.h"
#include "common/harness.h"
#include "common/region.h"
#include "common/swap.h"

#define SIZE		2	/* pages of the region at first */
#define MAX_SIZE	8	/* pages that it can grow to */
#define RW		(PROT_READ | PROT_WRITE)
#define OWNER		12345
#define OTHER		12346
#define MIB		(1 << 20)
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

FIXTURE(memory) {
	struct test_region region;
};

FIXTURE_SETUP(memory)
{
	size_t page = sysconf(_SC_PAGESIZE);

	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) {
		.size = SIZE * page, .max_size = MAX_SIZE * page,
	}));
}

FIXTURE_TEARDOWN(memory)
{
	region_tear_down(&self->region);
}

static int resize(struct test_region *region, size_t pages)
{
	return ipcshm_region_resize(region->fd, pages * region->page_size);
}

static size_t pages_now(struct test_region *region)
{
	return region_stat_now(region).size / region->page_size;
}

static bool is_revoked(struct test_region *region)
{
	return region_stat_now(region).stat.flags & IPCSHM_STAT_REVOKED;
}

/* Bytes of memory that the region uses. */
static size_t used_memory(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? 0 : stat.st_blocks * 512;
}

/* Accesses that may be a SIGBUS. */

static sigjmp_buf after_sigbus;

static void handle_sigbus(int number)
{
	siglongjmp(after_sigbus, number);
}

static void expect_sigbus(void)
{
	sigaction(SIGBUS, &(struct sigaction) { .sa_handler = handle_sigbus }, NULL);
}

static bool can_read(unsigned char *at)
{
	expect_sigbus();
	if (sigsetjmp(after_sigbus, 1))
		return false;
	(void)*(volatile unsigned char *)at;
	return true;
}

static bool can_write(unsigned char *at)
{
	expect_sigbus();
	if (sigsetjmp(after_sigbus, 1))
		return false;
	*(volatile unsigned char *)at = 1;
	return true;
}

static size_t readable_pages(struct test_region *region, unsigned char *at, size_t count)
{
	size_t i, readable = 0;

	for (i = 0; i < count; i++)
		readable += can_read(at + i * region->page_size);
	return readable;
}

static bool all_zero(const unsigned char *at, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (at[i])
			return false;
	return true;
}

/* Resizing. */

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

TEST_F(memory, what_a_region_grows_by_is_zero)
{
	ASSERT_TRUE(map_region(&self->region));
	memset(self->region.map, 0x5a, SIZE * self->region.page_size);
	ASSERT_EQ(0, resize(&self->region, MAX_SIZE));
	EXPECT_EQ(0x5a, self->region.map[SIZE * self->region.page_size - 1]);
	EXPECT_TRUE(all_zero(self->region.map + SIZE * self->region.page_size,
			     (MAX_SIZE - SIZE) * self->region.page_size));
}

TEST_F(memory, what_was_cut_off_comes_back_as_zero)
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

TEST_F(memory, members_use_what_was_grown_without_another_call)
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
	if (!WAIT_UNTIL(is_told(peer)))
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
	tell(child);
	EXPECT_EQ(-EUSERS, finish(child));
	EXPECT_EQ(SIZE, child->value);
	EXPECT_EQ(0, resize(&self->region, 1));
}

/* Joins and leaves, and never finds less memory than the region had when it was mapped. */
static void join_often_role(struct peer *peer)
{
	while (!is_told(peer)) {
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
	tell(peer);
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
	while (!is_told(peer)) {
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
	tell(peer);
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

/* Revoking. */

TEST_F(memory, revoked_region_has_no_memory_and_no_name)
{
	ASSERT_EQ(0, fallocate(self->region.fd, 0, 0, SIZE * self->region.page_size));
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(0, used_memory(self->region.fd));
	EXPECT_EQ(0, region_stat_now(&self->region).size);
	EXPECT_TRUE(is_revoked(&self->region));
	EXPECT_EQ(0, region_stat_now(&self->region).stat.flags & IPCSHM_STAT_NAMED);
	EXPECT_EQ(1, self->region.member_page->revoked);
	EXPECT_EQ(-ENOENT, region_open_again(&self->region, IPCSHM_READ));
	EXPECT_EQ(-ENOENT, unlink_name(self->region.device, IPCSHM_REGION, self->region.name.text));
	EXPECT_LE(0, open_region(self->region.device, self->region.name.text,
				 READ_WRITE | CREATE_NEW, 0600, self->region.page_size));
	EXPECT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_LE(0, region_open_again(&self->region, IPCSHM_READ));
}

TEST_F(memory, persistent_name_is_revoked_too)
{
	struct test_name kept = make_name("kept");
	int fd = open_region(self->region.device, kept.text,
			     READ_WRITE | CREATE_NEW | IPCSHM_PERSISTENT, 0600,
			     self->region.page_size);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ipcshm_region_revoke(fd));
	EXPECT_EQ(-ENOENT, unlink_name(self->region.device, IPCSHM_REGION, kept.text));
	close(fd);
	EXPECT_EQ(self->region.before.objects.used + 1, get_info(self->region.device).objects.used);
}

TEST_F(memory, access_to_what_was_revoked_is_a_sigbus)
{
	unsigned char *private, *reader;

	ASSERT_TRUE(map_region(&self->region));
	private = map_pages(&self->region, self->region.fd, 0, SIZE, RW, MAP_PRIVATE);
	reader = map_pages(&self->region, region_open_again(&self->region, IPCSHM_READ), 0, SIZE,
			   PROT_READ, MAP_SHARED);
	memset(self->region.map, 1, SIZE * self->region.page_size);
	EXPECT_TRUE(can_write(private));	/* a copy of its own */
	EXPECT_EQ(SIZE, readable_pages(&self->region, private, SIZE));
	EXPECT_EQ(SIZE, readable_pages(&self->region, reader, SIZE));
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(0, readable_pages(&self->region, self->region.map, MAX_SIZE));
	EXPECT_EQ(0, readable_pages(&self->region, private, SIZE));
	EXPECT_EQ(0, readable_pages(&self->region, reader, SIZE));
	EXPECT_FALSE(can_write(self->region.map));
}

TEST_F(memory, locked_memory_is_revoked)
{
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, mlock(self->region.map, SIZE * self->region.page_size));
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(0, readable_pages(&self->region, self->region.map, SIZE));
	EXPECT_EQ(0, used_memory(self->region.fd));
}

TEST_F(memory, sealed_region_is_revoked)
{
	ASSERT_EQ(0, fcntl(self->region.fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(0, region_stat_now(&self->region).size);
}

TEST_F(memory, calls_on_a_revoked_region_fail)
{
	uint32_t token;
	void *at;
	char byte;

	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_self(self->region.fd, &token));
	EXPECT_EQ(-EKEYREVOKED,
		  ipcshm_region_members(self->region.fd, NULL, 0, IPCSHM_MEMBER_SIZE_VER0));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_wait(self->region.fd, 0, 4, 0, 0, 0));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_wake(self->region.fd, 0, 1));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_watch(self->region.fd, 0, 4, 0, 0));
	EXPECT_EQ(-EKEYREVOKED, resize(&self->region, 1));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_map_members(self->region.fd, (void *)&at));
	EXPECT_EQ(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, pread(self->region.fd, &byte, 1, 0));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, pwrite(self->region.fd, "x", 1, 0));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, fallocate(self->region.fd, 0, 0, 1));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, ftruncate(self->region.fd, self->region.page_size));
	EXPECT_EQ(0, region_stat_now(&self->region).size);
}

TEST_F(memory, wrong_values_are_einval_on_a_revoked_region_too)
{
	struct ipcshm_region_watch_args watch = { .flags = 1 };
	struct ipcshm_region_wake_args wake = { .flags = 1 };
	struct ipcshm_region_wait_args wait = { .size = 4, .flags = 1 };

	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(-EINVAL, call(self->region.fd, IPCSHM_IOC_REGION_WATCH, &watch));
	EXPECT_EQ(-EINVAL, call(self->region.fd, IPCSHM_IOC_REGION_WAKE, &wake));
	EXPECT_EQ(-EINVAL, call(self->region.fd, IPCSHM_IOC_REGION_WAIT, &wait));
	EXPECT_EQ(-EINVAL, resize(&self->region, 0));
}

TEST_F(memory, mapping_beside_an_old_one_fails_on_a_revoked_region)
{
	unsigned char *at = mmap(NULL, 3 * self->region.page_size, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_EQ(at,
		  mmap(at, self->region.page_size, RW, MAP_SHARED | MAP_FIXED, self->region.fd, 0));
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(MAP_FAILED,
		  mmap(at + self->region.page_size, self->region.page_size, RW,
		       MAP_SHARED | MAP_FIXED, self->region.fd, self->region.page_size));
	EXPECT_EQ(EKEYREVOKED, errno);
}

TEST_F(memory, members_of_a_revoked_region_live_and_die)
{
	struct peer *peer = start_member(&self->region);

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_TRUE(is_alive(&self->region, peer->token));
	kill_peer(peer);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	EXPECT_EQ(1, deaths_now(&self->region));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
}

/* How many pages can be read after the call that revoked the region. */
static size_t pages_left(struct test_region *region, unsigned char *at)
{
	if (!WAIT_UNTIL(is_told(this_peer)))
		_exit(1);
	return readable_pages(region, at, SIZE);
}

/* Writes until that is a SIGBUS; how many pages can be read after that. */
static void write_role(struct peer *peer)
{
	unsigned char *at = map_pages(peer->region, peer->fd, 0, SIZE, RW, peer->value);
	size_t i;

	for (i = 0; can_write(at + i % SIZE * peer->region->page_size); i++)
		if (i == 100)
			be_ready(peer);
	peer->result = pages_left(peer->region, at);
}

TEST_F_TIMEOUT(memory, writers_are_stopped_by_the_revocation, 120)
{
	unsigned int round, i;

	for (round = 0; round < 50; round++) {
		struct peer *writers[4];
		int fd = open_region(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0,
				     SIZE * self->region.page_size);

		for (i = 0; i < ARRAY_SIZE(writers); i++) {
			writers[i] = region_start_ready(&self->region, write_role, (struct peer) {
				.fd = fd, .value = i ? MAP_SHARED : MAP_PRIVATE,
			});
			ASSERT_TRUE(writers[i]);
		}
		ASSERT_EQ(0, ipcshm_region_revoke(fd));
		for (i = 0; i < ARRAY_SIZE(writers); i++)
			tell(writers[i]);
		for (i = 0; i < ARRAY_SIZE(writers); i++)
			ASSERT_EQ(0, finish(writers[i]));
		EXPECT_EQ(0, used_memory(fd));
		close(fd);
		forget_peers(&self->region.peers);
	}
}

/* Drops what it has mapped all the time, so that it is always in a page fault. */
static void fault_role(struct peer *peer)
{
	unsigned char *at = map_pages(peer->region, peer->fd, 0, SIZE, RW, MAP_SHARED);
	size_t i;

	for (i = 0; can_write(at + i % SIZE * peer->region->page_size); i++) {
		madvise(at, SIZE * peer->region->page_size, i % 2 ? MADV_DONTNEED : MADV_REMOVE);
		if (i == 100)
			be_ready(peer);
	}
	peer->result = pages_left(peer->region, at);
}

TEST_F_TIMEOUT(memory, page_faults_are_stopped_by_the_revocation, 120)
{
	unsigned int round, i;

	for (round = 0; round < 50; round++) {
		struct peer *writers[3];
		int fd = open_region(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0,
				     SIZE * self->region.page_size);

		for (i = 0; i < ARRAY_SIZE(writers); i++) {
			writers[i] = region_start_ready(&self->region, fault_role,
							(struct peer) { .fd = fd });
			ASSERT_TRUE(writers[i]);
		}
		ASSERT_EQ(0, ipcshm_region_revoke(fd));
		for (i = 0; i < ARRAY_SIZE(writers); i++)
			tell(writers[i]);
		for (i = 0; i < ARRAY_SIZE(writers); i++)
			ASSERT_EQ(0, finish(writers[i]));
		EXPECT_EQ(0, used_memory(fd));
		close(fd);
		forget_peers(&self->region.peers);
	}
}

static void revoke_role(struct peer *peer)
{
	if (setresgid(peer->value, peer->value, peer->value) ||
	    setresuid(peer->value, peer->value, peer->value))
		_exit(1);
	peer->result = ipcshm_region_revoke(peer->fd);
}

static int revoke_as(struct test_region *region, uid_t user, int fd)
{
	return finish(region_start(region, revoke_role, (struct peer) { .fd = fd, .value = user }));
}

TEST_F(memory, only_the_owner_and_root_revoke)
{
	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(self->region.fd, OWNER, OWNER));
	EXPECT_EQ(-EACCES, revoke_as(&self->region, OTHER, self->region.fd));
	EXPECT_EQ(SIZE, pages_now(&self->region));
	EXPECT_EQ(0, self->region.member_page->revoked);
	EXPECT_EQ(0, revoke_as(&self->region, OWNER, self->region.fd));
	EXPECT_TRUE(is_revoked(&self->region));
}

TEST_F(memory, root_revokes_a_region_of_another_user)
{
	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(self->region.fd, OWNER, OWNER));
	EXPECT_EQ(0, ipcshm_region_revoke(self->region.fd));
}

TEST_F(memory, reader_revokes_what_it_owns)
{
	EXPECT_EQ(0, ipcshm_region_revoke(region_open_again(&self->region, IPCSHM_READ)));
}

TEST_F(memory, revocation_gives_the_quota_back)
{
	int reader = region_open_again(&self->region, IPCSHM_READ);

	ASSERT_TRUE(map_region(&self->region));
	EXPECT_EQ(self->region.before.region_bytes.used + MAX_SIZE * self->region.page_size,
		  get_info(self->region.device).region_bytes.used);
	ASSERT_EQ(0, ipcshm_region_revoke(reader));
	EXPECT_EQ(self->region.before.region_bytes.used,
		  get_info(self->region.device).region_bytes.used);
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	munmap(self->region.map, MAX_SIZE * self->region.page_size);
	close(reader);
	close(self->region.fd);
	EXPECT_EQ(self->region.before.region_bytes.used,
		  get_info(self->region.device).region_bytes.used);
}

/* Writers whose data does not come: what they write from lies in the file of a FUSE server. */

static struct fuse_memory source;

FIXTURE(stuck) {
	struct test_region region;
	struct peer *writer;
};

FIXTURE_VARIANT(stuck) {
	void (*role)(struct peer *);
};

static void stuck_write_role(struct peer *peer)
{
	peer->result =
		write(peer->region->fd, source.map, peer->region->page_size) < 0 ? -errno : 0;
}

/* What comes before it is written. */
static void stuck_writev_role(struct peer *peer)
{
	struct iovec parts[] = {
		{ .iov_base = "text", .iov_len = 4 },
		{ .iov_base = source.map, .iov_len = peer->region->page_size - 4 },
	};

	peer->result = pwritev(peer->region->fd, parts, 2, 0) < 0 ? -errno : 0;
}

static void stuck_sendfile_role(struct peer *peer)
{
	peer->result = sendfile(peer->region->fd, source.fd, NULL, peer->region->page_size) < 0
			       ? -errno
			       : 0;
}

FIXTURE_VARIANT_ADD(stuck, write) { .role = stuck_write_role };
FIXTURE_VARIANT_ADD(stuck, writev) { .role = stuck_writev_role };
FIXTURE_VARIANT_ADD(stuck, sendfile) { .role = stuck_sendfile_role };

FIXTURE_SETUP(stuck)
{
	size_t page = sysconf(_SC_PAGESIZE);

	FUSE_MEMORY_OPEN(&source, 1);
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) {
		.size = SIZE * page, .max_size = MAX_SIZE * page,
	}));
	ASSERT_TRUE(map_region(&self->region));
	memset(self->region.map, 0x5a, SIZE * page);
	self->writer = region_start(&self->region, variant->role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&source, 0)));
}

FIXTURE_TEARDOWN(stuck)
{
	fuse_memory_close(&source);
	region_tear_down(&self->region);
}

TEST_F(stuck, writer_does_not_hold_up_a_change_of_the_size)
{
	EXPECT_EQ(0, resize(&self->region, MAX_SIZE));
	EXPECT_EQ(0, resize(&self->region, 1));
	EXPECT_EQ(1, pages_now(&self->region));
	fuse_memory_release(&source, 0);
	EXPECT_EQ(0, finish(self->writer));
}

TEST_F(stuck, writer_does_not_hold_up_other_calls)
{
	EXPECT_EQ(0, fchmod(self->region.fd, 0640));
	EXPECT_EQ(4, pwrite(self->region.fd, "text", 4, self->region.page_size));
	EXPECT_EQ(0, fallocate(self->region.fd, PUNCH, 0, self->region.page_size));
	EXPECT_EQ(self->region.page_size, lseek(self->region.fd, 0, SEEK_DATA));
	EXPECT_EQ(-1, ftruncate(self->region.fd, self->region.page_size));
	EXPECT_EQ(EPERM, errno);
	fuse_memory_release(&source, 0);
	EXPECT_EQ(0, finish(self->writer));
}

TEST_F(stuck, writer_does_not_hold_up_the_revocation)
{
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(self->region.before.region_bytes.used,
		  get_info(self->region.device).region_bytes.used);
	EXPECT_EQ(-ENOENT, region_open_again(&self->region, IPCSHM_READ));
	EXPECT_EQ(0, readable_pages(&self->region, self->region.map, SIZE));
	EXPECT_EQ(0, used_memory(self->region.fd));
	fuse_memory_release(&source, 0);
	finish(self->writer);
	EXPECT_TRUE(WAIT_UNTIL(!used_memory(self->region.fd)));
	EXPECT_EQ(0, readable_pages(&self->region, self->region.map, SIZE));
}

TEST_F(stuck, killed_writer_leaves_nothing_behind)
{
	kill_peer(self->writer);
	EXPECT_EQ(0, resize(&self->region, MAX_SIZE));
	EXPECT_EQ(0, ipcshm_region_revoke(self->region.fd));
}

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

TEST_F(memory, populating_over_the_limit_of_a_memory_cgroup_is_enomem_and_kills_nobody)
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

TEST_F(memory, pages_that_were_pinned_outlive_the_revocation_and_harm_nobody)
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

TEST_F(memory, swapped_out_memory_is_there_for_everybody)
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
