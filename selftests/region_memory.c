// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a region: resizing, revoking, getting it at once, huge pages,
 * NUMA policy, locking and swap.
 */
#include <linux/mempolicy.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "common/cgroup.h"
#include "common/fuse.h"
#include "common/harness.h"
#include "common/swap.h"
#include "region_test.h"

#define SIZE		2	/* pages of the region at first */
#define MAX_SIZE	8	/* pages that it can grow to */
#define RW		(PROT_READ | PROT_WRITE)
#define OWNER		12345
#define OTHER		12346
#define MIB		(1 << 20)
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

FIXTURE(memory) {
};

FIXTURE_SETUP(memory)
{
	size_t page = sysconf(_SC_PAGESIZE);

	ASSERT_EQ(0, set_up((struct ipcshm_region_attr) {
		.size = SIZE * page, .max_size = MAX_SIZE * page,
	}));
}

FIXTURE_TEARDOWN(memory)
{
	tear_down();
}

static int resize(size_t pages)
{
	return ipcshm_region_resize(region, pages * page_size);
}

static size_t pages_now(void)
{
	return stat_now().size / page_size;
}

static bool is_revoked(void)
{
	return stat_now().stat.flags & IPCSHM_STAT_REVOKED;
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

static size_t readable_pages(unsigned char *at, size_t count)
{
	size_t i, readable = 0;

	for (i = 0; i < count; i++)
		readable += can_read(at + i * page_size);
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
	ASSERT_TRUE(map_region());
	EXPECT_EQ(SIZE, readable_pages(map, MAX_SIZE));
	EXPECT_FALSE(can_write(map + SIZE * page_size));
	ASSERT_EQ(0, resize(5));
	EXPECT_EQ(5, pages_now());
	EXPECT_EQ(5, readable_pages(map, MAX_SIZE));
	EXPECT_TRUE(can_write(map + 4 * page_size));
	ASSERT_EQ(0, resize(MAX_SIZE));
	EXPECT_EQ(MAX_SIZE, readable_pages(map, MAX_SIZE));
}

TEST_F(memory, what_a_region_grows_by_is_zero)
{
	ASSERT_TRUE(map_region());
	memset(map, 0x5a, SIZE * page_size);
	ASSERT_EQ(0, resize(MAX_SIZE));
	EXPECT_EQ(0x5a, map[SIZE * page_size - 1]);
	EXPECT_TRUE(all_zero(map + SIZE * page_size, (MAX_SIZE - SIZE) * page_size));
}

TEST_F(memory, what_was_cut_off_comes_back_as_zero)
{
	ASSERT_TRUE(map_region());
	memset(map, 0x5a, SIZE * page_size);
	ASSERT_EQ(0, resize(1));
	EXPECT_EQ(1, readable_pages(map, MAX_SIZE));
	ASSERT_EQ(0, resize(SIZE));
	EXPECT_EQ(0x5a, map[page_size - 1]);
	EXPECT_TRUE(all_zero(map + page_size, page_size));
}

TEST_F(memory, size_is_rounded_up_to_pages)
{
	EXPECT_EQ(0, ipcshm_region_resize(region, 2 * page_size + 1));
	EXPECT_EQ(3, pages_now());
	EXPECT_EQ(0, ipcshm_region_resize(region, 1));
	EXPECT_EQ(1, pages_now());
}

TEST_F(memory, size_over_the_largest_is_refused)
{
	struct ipcshm_region_attr fixed = { .size = page_size };
	int other = ipcshm_region_open(device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &fixed);

	EXPECT_EQ(-EINVAL, resize(MAX_SIZE + 1));
	EXPECT_EQ(-EINVAL, ipcshm_region_resize(region, MAX_SIZE * page_size + 1));
	EXPECT_EQ(-EINVAL, ipcshm_region_resize(region, ~0ULL));
	EXPECT_EQ(-EINVAL, resize(0));
	EXPECT_EQ(-EINVAL, ipcshm_region_resize(other, page_size + 1));
	EXPECT_EQ(0, ipcshm_region_resize(other, page_size));
	EXPECT_EQ(SIZE, pages_now());
}

static void touch_role(struct peer *peer)
{
	unsigned char *at = map_pages(region, 0, MAX_SIZE, RW, MAP_SHARED);

	peer->token = self_token(region);
	be_ready(peer);
	if (!WAIT_UNTIL(can_write(at + (MAX_SIZE - 1) * page_size)))
		_exit(1);
	peer->value = readable_pages(at, MAX_SIZE);
}

TEST_F(memory, members_use_what_was_grown_without_another_call)
{
	struct peer *peer = start_ready(touch_role, (struct peer) { 0 });

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, resize(MAX_SIZE));
	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(MAX_SIZE, peer->value);
}

TEST_F(memory, region_shrinks_without_members_and_frees_memory)
{
	ASSERT_EQ(0, resize(MAX_SIZE));
	ASSERT_EQ(0, fallocate(region, 0, 0, MAX_SIZE * page_size));
	EXPECT_EQ(MAX_SIZE * page_size, used_memory(region));
	EXPECT_EQ(0, resize(1));
	EXPECT_EQ(page_size, used_memory(region));
}

TEST_F(memory, region_does_not_shrink_under_another_member)
{
	struct peer *peer = start_member();

	ASSERT_TRUE(peer);
	EXPECT_EQ(-EBUSY, resize(1));
	ASSERT_TRUE(map_region());
	EXPECT_EQ(-EBUSY, resize(1));
	EXPECT_EQ(SIZE, readable_pages(map, MAX_SIZE));
	EXPECT_EQ(0, resize(SIZE));
	EXPECT_EQ(0, resize(SIZE + 1));
	kill_peer(peer);
	EXPECT_EQ(0, resize(1));
	EXPECT_EQ(1, readable_pages(map, MAX_SIZE));
}

static void await_told_role(struct peer *peer)
{
	peer->result = ipcshm_region_self(region, &peer->token);
	be_ready(peer);
	if (!WAIT_UNTIL(is_told(peer)))
		_exit(1);
	peer->value = readable_pages(map, SIZE);
}

TEST_F(memory, region_does_not_shrink_under_a_child_that_found_no_slot)
{
	struct ipcshm_region_attr attr = { .size = SIZE * page_size, .max_members = 1 };
	struct peer *child;

	region = ipcshm_region_open(device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	map = map_pages(region, 0, SIZE, RW, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, map);
	child = start_ready(await_told_role, (struct peer) { 0 });
	ASSERT_TRUE(child);
	EXPECT_EQ(-EBUSY, resize(1));
	tell(child);
	EXPECT_EQ(-EUSERS, finish(child));
	EXPECT_EQ(SIZE, child->value);
	EXPECT_EQ(0, resize(1));
}

/* Joins and leaves, and never finds less memory than the region had when it was mapped. */
static void join_often_role(struct peer *peer)
{
	while (!is_told(peer)) {
		unsigned char *at = map_pages(region, 0, MAX_SIZE, RW, MAP_SHARED);

		if (at == MAP_FAILED) {
			if (errno != EBUSY)
				break;
			continue;
		}
		if (stat_now().size > page_size && !can_read(at + page_size))
			peer->result++;
		munmap(at, MAX_SIZE * page_size);
		be_ready(peer);
	}
}

TEST_F(memory, shrinking_and_joining_exclude_each_other)
{
	struct peer *peer = start_ready(join_often_role, (struct peer) { 0 });
	__u64 start = now_ns(CLOCK_MONOTONIC), elapsed = 0;
	unsigned int shrunk = 0, busy = 0;

	ASSERT_TRUE(peer);
	while (elapsed < 2 * SECOND || (!(shrunk && busy) && elapsed < WAIT_SECONDS * SECOND)) {
		int result = resize(1);

		shrunk += !result;
		busy += result == -EBUSY;
		ASSERT_EQ(0, resize(SIZE));
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

	ASSERT_EQ(0, resize(4));
	EXPECT_EQ(seals, SEALS(region));
	EXPECT_EQ(-1, ftruncate(region, page_size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, ftruncate(region, 5 * page_size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fallocate(region, 0, 4 * page_size, page_size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, pwrite(region, "x", 1, 4 * page_size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(4, pages_now());
}

static void truncate_role(struct peer *peer)
{
	be_ready(peer);
	while (!is_told(peer)) {
		if (!ftruncate(region, page_size) || errno != EPERM)
			peer->result++;
	}
}

TEST_F(memory, seals_hold_while_the_size_changes)
{
	struct peer *peer = start_ready(truncate_role, (struct peer) { 0 });
	__u64 end = now_ns(CLOCK_MONOTONIC) + SECOND;

	ASSERT_TRUE(peer);
	while (now_ns(CLOCK_MONOTONIC) < end) {
		ASSERT_EQ(0, resize(MAX_SIZE));
		ASSERT_EQ(0, resize(SIZE));
	}
	tell(peer);
	EXPECT_EQ(0, finish(peer));
}

TEST_F(memory, region_sealed_against_writing_keeps_its_size)
{
	ASSERT_EQ(0, fcntl(region, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EPERM, resize(MAX_SIZE));
	EXPECT_EQ(-EPERM, resize(1));
	EXPECT_EQ(SIZE, pages_now());
}

TEST_F(memory, resizing_needs_the_right_to_write)
{
	int reader = open_again(IPCSHM_READ);

	EXPECT_EQ(-EBADF, ipcshm_region_resize(reader, page_size));
	EXPECT_EQ(-EINVAL, ipcshm_region_resize(reader, 0));
}

TEST_F(memory, file_size_limit_holds)
{
	const struct rlimit limit = { 4 * page_size, 4 * page_size };

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(-EFBIG, resize(5));
	EXPECT_EQ(SIZE, pages_now());
	EXPECT_EQ(0, resize(4));
}

TEST_F(memory, words_can_be_waited_on_as_soon_as_they_are_there)
{
	const __u64 offset = SIZE * page_size;

	EXPECT_EQ(-EINVAL, ipcshm_region_wait(region, offset, 4, 0, 0, 0));
	ASSERT_EQ(0, resize(MAX_SIZE));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_wait(region, offset, 4, 0, 0, 0));
	ASSERT_EQ(0, resize(SIZE));
	EXPECT_EQ(-EINVAL, ipcshm_region_wait(region, offset, 4, 0, 0, 0));
}

/* Revoking. */

TEST_F(memory, revoked_region_has_no_memory_and_no_name)
{
	ASSERT_EQ(0, fallocate(region, 0, 0, SIZE * page_size));
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(0, used_memory(region));
	EXPECT_EQ(0, stat_now().size);
	EXPECT_TRUE(is_revoked());
	EXPECT_EQ(0, stat_now().stat.flags & IPCSHM_STAT_NAMED);
	EXPECT_EQ(1, member_page->revoked);
	EXPECT_EQ(-ENOENT, open_again(IPCSHM_READ));
	EXPECT_EQ(-ENOENT, unlink_name(device, IPCSHM_REGION, name.text));
	EXPECT_LE(0, open_region(device, name.text, READ_WRITE | CREATE_NEW, 0600, page_size));
	EXPECT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_LE(0, open_again(IPCSHM_READ));
}

TEST_F(memory, persistent_name_is_revoked_too)
{
	struct test_name kept = make_name("kept");
	int fd = open_region(device, kept.text, READ_WRITE | CREATE_NEW | IPCSHM_PERSISTENT, 0600,
			     page_size);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ipcshm_region_revoke(fd));
	EXPECT_EQ(-ENOENT, unlink_name(device, IPCSHM_REGION, kept.text));
	close(fd);
	EXPECT_EQ(before.objects.used + 1, get_info(device).objects.used);
}

TEST_F(memory, access_to_what_was_revoked_is_a_sigbus)
{
	unsigned char *private, *reader;

	ASSERT_TRUE(map_region());
	private = map_pages(region, 0, SIZE, RW, MAP_PRIVATE);
	reader = map_pages(open_again(IPCSHM_READ), 0, SIZE, PROT_READ, MAP_SHARED);
	memset(map, 1, SIZE * page_size);
	EXPECT_TRUE(can_write(private));	/* a copy of its own */
	EXPECT_EQ(SIZE, readable_pages(private, SIZE));
	EXPECT_EQ(SIZE, readable_pages(reader, SIZE));
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(0, readable_pages(map, MAX_SIZE));
	EXPECT_EQ(0, readable_pages(private, SIZE));
	EXPECT_EQ(0, readable_pages(reader, SIZE));
	EXPECT_FALSE(can_write(map));
}

TEST_F(memory, locked_memory_is_revoked)
{
	ASSERT_TRUE(map_region());
	ASSERT_EQ(0, mlock(map, SIZE * page_size));
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(0, readable_pages(map, SIZE));
	EXPECT_EQ(0, used_memory(region));
}

TEST_F(memory, sealed_region_is_revoked)
{
	ASSERT_EQ(0, fcntl(region, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(0, stat_now().size);
}

TEST_F(memory, calls_on_a_revoked_region_fail)
{
	uint32_t token;
	void *at;
	char byte;

	ASSERT_TRUE(map_region());
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_self(region, &token));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_members(region, NULL, 0, IPCSHM_MEMBER_SIZE_VER0));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_wait(region, 0, 4, 0, 0, 0));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_wake(region, 0, 1));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_watch(region, 0, 4, 0, 0));
	EXPECT_EQ(-EKEYREVOKED, resize(1));
	EXPECT_EQ(-EKEYREVOKED, ipcshm_region_map_members(region, (void *)&at));
	EXPECT_EQ(MAP_FAILED, map_pages(region, 0, 1, RW, MAP_SHARED));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, pread(region, &byte, 1, 0));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, pwrite(region, "x", 1, 0));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, fallocate(region, 0, 0, 1));
	EXPECT_EQ(EKEYREVOKED, errno);
	EXPECT_EQ(-1, ftruncate(region, page_size));
	EXPECT_EQ(0, stat_now().size);
}

TEST_F(memory, wrong_values_are_einval_on_a_revoked_region_too)
{
	struct ipcshm_region_watch_args watch = { .flags = 1 };
	struct ipcshm_region_wake_args wake = { .flags = 1 };
	struct ipcshm_region_wait_args wait = { .size = 4, .flags = 1 };

	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(-EINVAL, call(region, IPCSHM_IOC_REGION_WATCH, &watch));
	EXPECT_EQ(-EINVAL, call(region, IPCSHM_IOC_REGION_WAKE, &wake));
	EXPECT_EQ(-EINVAL, call(region, IPCSHM_IOC_REGION_WAIT, &wait));
	EXPECT_EQ(-EINVAL, resize(0));
}

TEST_F(memory, mapping_beside_an_old_one_fails_on_a_revoked_region)
{
	unsigned char *at = mmap(NULL, 3 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_EQ(at, mmap(at, page_size, RW, MAP_SHARED | MAP_FIXED, region, 0));
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(MAP_FAILED, mmap(at + page_size, page_size, RW, MAP_SHARED | MAP_FIXED, region,
				   page_size));
	EXPECT_EQ(EKEYREVOKED, errno);
}

TEST_F(memory, members_of_a_revoked_region_live_and_die)
{
	struct peer *peer = start_member();

	ASSERT_TRUE(peer);
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_TRUE(is_alive(peer->token));
	kill_peer(peer);
	EXPECT_FALSE(is_alive(peer->token));
	EXPECT_EQ(1, deaths_now());
	EXPECT_EQ(0, stat_now().members);
}

/* How many pages can be read after the call that revoked the region. */
static size_t pages_left(unsigned char *at)
{
	if (!WAIT_UNTIL(is_told(me)))
		_exit(1);
	return readable_pages(at, SIZE);
}

/* Writes until that is a SIGBUS; how many pages can be read after that. */
static void write_role(struct peer *peer)
{
	unsigned char *at = map_pages(peer->fd, 0, SIZE, RW, peer->value);
	size_t i;

	for (i = 0; can_write(at + i % SIZE * page_size); i++)
		if (i == 100)
			be_ready(peer);
	peer->result = pages_left(at);
}

TEST_F_TIMEOUT(memory, writers_are_stopped_by_the_revocation, 120)
{
	unsigned int round, i;

	for (round = 0; round < 50; round++) {
		struct peer *writers[4];
		int fd = open_region(device, NULL, READ_WRITE | IPCSHM_CREATE, 0, SIZE * page_size);

		for (i = 0; i < ARRAY_SIZE(writers); i++) {
			writers[i] = start_ready(write_role, (struct peer) {
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
		forget_peers();
	}
}

/* Drops what it has mapped all the time, so that it is always in a page fault. */
static void fault_role(struct peer *peer)
{
	unsigned char *at = map_pages(peer->fd, 0, SIZE, RW, MAP_SHARED);
	size_t i;

	for (i = 0; can_write(at + i % SIZE * page_size); i++) {
		madvise(at, SIZE * page_size, i % 2 ? MADV_DONTNEED : MADV_REMOVE);
		if (i == 100)
			be_ready(peer);
	}
	peer->result = pages_left(at);
}

TEST_F_TIMEOUT(memory, page_faults_are_stopped_by_the_revocation, 120)
{
	unsigned int round, i;

	for (round = 0; round < 50; round++) {
		struct peer *writers[3];
		int fd = open_region(device, NULL, READ_WRITE | IPCSHM_CREATE, 0, SIZE * page_size);

		for (i = 0; i < ARRAY_SIZE(writers); i++) {
			writers[i] = start_ready(fault_role, (struct peer) { .fd = fd });
			ASSERT_TRUE(writers[i]);
		}
		ASSERT_EQ(0, ipcshm_region_revoke(fd));
		for (i = 0; i < ARRAY_SIZE(writers); i++)
			tell(writers[i]);
		for (i = 0; i < ARRAY_SIZE(writers); i++)
			ASSERT_EQ(0, finish(writers[i]));
		EXPECT_EQ(0, used_memory(fd));
		close(fd);
		forget_peers();
	}
}

static void revoke_role(struct peer *peer)
{
	if (setresgid(peer->value, peer->value, peer->value) ||
	    setresuid(peer->value, peer->value, peer->value))
		_exit(1);
	peer->result = ipcshm_region_revoke(peer->fd);
}

static int revoke_as(uid_t user, int fd)
{
	return finish(start(revoke_role, (struct peer) { .fd = fd, .value = user }));
}

TEST_F(memory, only_the_owner_and_root_revoke)
{
	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(region, OWNER, OWNER));
	EXPECT_EQ(-EACCES, revoke_as(OTHER, region));
	EXPECT_EQ(SIZE, pages_now());
	EXPECT_EQ(0, member_page->revoked);
	EXPECT_EQ(0, revoke_as(OWNER, region));
	EXPECT_TRUE(is_revoked());
}

TEST_F(memory, root_revokes_a_region_of_another_user)
{
	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(region, OWNER, OWNER));
	EXPECT_EQ(0, ipcshm_region_revoke(region));
}

TEST_F(memory, reader_revokes_what_it_owns)
{
	EXPECT_EQ(0, ipcshm_region_revoke(open_again(IPCSHM_READ)));
}

TEST_F(memory, revocation_gives_the_quota_back)
{
	int reader = open_again(IPCSHM_READ);

	ASSERT_TRUE(map_region());
	EXPECT_EQ(before.region_bytes.used + MAX_SIZE * page_size,
		  get_info(device).region_bytes.used);
	ASSERT_EQ(0, ipcshm_region_revoke(reader));
	EXPECT_EQ(before.region_bytes.used, get_info(device).region_bytes.used);
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	munmap(map, MAX_SIZE * page_size);
	close(reader);
	close(region);
	EXPECT_EQ(before.region_bytes.used, get_info(device).region_bytes.used);
}

/* Writers whose data does not come: what they write from lies in the file of a FUSE server. */

static struct fuse_memory source;

FIXTURE(stuck) {
	struct peer *writer;
};

FIXTURE_VARIANT(stuck) {
	void (*role)(struct peer *);
};

static void stuck_write_role(struct peer *peer)
{
	peer->result = write(region, source.map, page_size) < 0 ? -errno : 0;
}

/* What comes before it is written. */
static void stuck_writev_role(struct peer *peer)
{
	struct iovec parts[] = {
		{ .iov_base = "text", .iov_len = 4 },
		{ .iov_base = source.map, .iov_len = page_size - 4 },
	};

	peer->result = pwritev(region, parts, 2, 0) < 0 ? -errno : 0;
}

static void stuck_sendfile_role(struct peer *peer)
{
	peer->result = sendfile(region, source.fd, NULL, page_size) < 0 ? -errno : 0;
}

FIXTURE_VARIANT_ADD(stuck, write) { .role = stuck_write_role };
FIXTURE_VARIANT_ADD(stuck, writev) { .role = stuck_writev_role };
FIXTURE_VARIANT_ADD(stuck, sendfile) { .role = stuck_sendfile_role };

FIXTURE_SETUP(stuck)
{
	size_t page = sysconf(_SC_PAGESIZE);

	FUSE_MEMORY_OPEN(&source, 1);
	ASSERT_EQ(0, set_up((struct ipcshm_region_attr) {
		.size = SIZE * page, .max_size = MAX_SIZE * page,
	}));
	ASSERT_TRUE(map_region());
	memset(map, 0x5a, SIZE * page);
	self->writer = start(variant->role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&source, 0)));
}

FIXTURE_TEARDOWN(stuck)
{
	fuse_memory_close(&source);
	tear_down();
}

TEST_F(stuck, writer_does_not_hold_up_a_change_of_the_size)
{
	EXPECT_EQ(0, resize(MAX_SIZE));
	EXPECT_EQ(0, resize(1));
	EXPECT_EQ(1, pages_now());
	fuse_memory_release(&source, 0);
	EXPECT_EQ(0, finish(self->writer));
}

TEST_F(stuck, writer_does_not_hold_up_other_calls)
{
	EXPECT_EQ(0, fchmod(region, 0640));
	EXPECT_EQ(4, pwrite(region, "text", 4, page_size));
	EXPECT_EQ(0, fallocate(region, PUNCH, 0, page_size));
	EXPECT_EQ(page_size, lseek(region, 0, SEEK_DATA));
	EXPECT_EQ(-1, ftruncate(region, page_size));
	EXPECT_EQ(EPERM, errno);
	fuse_memory_release(&source, 0);
	EXPECT_EQ(0, finish(self->writer));
}

TEST_F(stuck, writer_does_not_hold_up_the_revocation)
{
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(before.region_bytes.used, get_info(device).region_bytes.used);
	EXPECT_EQ(-ENOENT, open_again(IPCSHM_READ));
	EXPECT_EQ(0, readable_pages(map, SIZE));
	EXPECT_EQ(0, used_memory(region));
	fuse_memory_release(&source, 0);
	finish(self->writer);
	EXPECT_TRUE(WAIT_UNTIL(!used_memory(region)));
	EXPECT_EQ(0, readable_pages(map, SIZE));
}

TEST_F(stuck, killed_writer_leaves_nothing_behind)
{
	kill_peer(self->writer);
	EXPECT_EQ(0, resize(MAX_SIZE));
	EXPECT_EQ(0, ipcshm_region_revoke(region));
}

/* All of the memory at once. */

static int open_populated(size_t size)
{
	return open_region(device, NULL, READ_WRITE | IPCSHM_CREATE | IPCSHM_POPULATE, 0, size);
}

TEST_F(memory, populated_region_has_its_memory_from_the_start)
{
	int fd = open_populated(8 * MIB);

	ASSERT_LE(0, fd);
	EXPECT_EQ(8 * MIB, used_memory(fd));
	EXPECT_EQ(0, used_memory(region));
}

TEST_F(memory, populated_region_that_can_grow_has_the_memory_of_its_size)
{
	struct ipcshm_region_attr attr = { .size = MIB, .max_size = 8 * MIB };
	int fd = ipcshm_region_open(device, NULL, READ_WRITE | IPCSHM_CREATE | IPCSHM_POPULATE, 0,
				    &attr);

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
	fd = open_populated(128 * MIB);
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
	fd = open_populated(peer->expected);
	peer->value = read_number(cgroup.text, "memory.current", "");
	peer->result = fd < 0 ? fd : 0;
}

TEST_F(memory, populating_over_the_limit_of_a_memory_cgroup_is_enomem_and_kills_nobody)
{
	struct peer *peer;

	cgroup = make_cgroup("16M");
	if (!cgroup.text[0])
		SKIP(return, "no memory cgroup to be had");
	peer = start(populate_role, (struct peer) { .expected = 64 * MIB });
	EXPECT_EQ(-ENOMEM, finish(peer));
	EXPECT_GT(16 * MIB, peer->value);
	EXPECT_EQ(0, read_number(cgroup.text, "memory.events", "oom_kill "));
	EXPECT_EQ(before.objects.used + 1, get_info(device).objects.used);
	EXPECT_EQ(before.region_bytes.used + MAX_SIZE * page_size,
		  get_info(device).region_bytes.used);
	EXPECT_TRUE(WAIT_UNTIL(read_number(cgroup.text, "memory.current", "") < MIB));
	EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup.text)));
}

TEST_F(memory, populated_memory_is_charged_to_the_creator)
{
	struct peer *peer;

	cgroup = make_cgroup("64M");
	if (!cgroup.text[0])
		SKIP(return, "no memory cgroup to be had");
	peer = start(populate_role, (struct peer) { .expected = 16 * MIB });
	EXPECT_EQ(0, finish(peer));
	EXPECT_LE(16 * MIB, peer->value);
	EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup.text)));
}

/* Huge pages, NUMA policy, locking, swap. */

FIXTURE(huge) {
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
	ASSERT_EQ(0, set_up((struct ipcshm_region_attr) { .size = 8 * MIB }));
}

FIXTURE_TEARDOWN(huge)
{
	tear_down();
	restore_huge_pages(self->was);
}

TEST_F(huge, pages_are_mapped_where_they_are_wanted)
{
	unsigned char *at = map_pages(region, 0, 8 * MIB / page_size, RW, MAP_SHARED);

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

	ASSERT_EQ(0, ipcshm_region_map(region, how, &at, &size));
	memset(at, 0x5a, size);
	EXPECT_EQ(variant->is_huge, smaps_field(at, "ShmemPmdMapped") >= 4 * MIB);
	munmap(at, size);
}

/* A region that was asked to be of huge pages; its mapping is an ordinary one. */
static unsigned char *map_created_huge(__u32 flags, struct ipcshm_region_attr attr)
{
	region = ipcshm_region_open(device, NULL, READ_WRITE | IPCSHM_CREATE | IPCSHM_HUGE | flags,
				    0, &attr);
	return map_pages(region, 0, attr.max_size / page_size, RW, MAP_SHARED);
}

FIXTURE(created_huge) {
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
	ASSERT_EQ(0, set_up((struct ipcshm_region_attr) { .size = page_size }));
}

FIXTURE_TEARDOWN(created_huge)
{
	tear_down();
	restore_huge_pages(self->was);
}

TEST_F(created_huge, region_has_huge_pages_if_the_system_allows_them)
{
	unsigned char *at = map_created_huge(0, (struct ipcshm_region_attr) { .size = 8 * MIB });

	ASSERT_NE(MAP_FAILED, at);
	memset(at, 0x5a, 8 * MIB);
	EXPECT_EQ(variant->is_huge ? 8 * MIB : 0, smaps_field(at, "ShmemPmdMapped"));
	EXPECT_EQ(8 * MIB, used_memory(region));
}

TEST_F(created_huge, populated_region_has_huge_pages_if_the_system_allows_them)
{
	unsigned char *at = map_created_huge(IPCSHM_POPULATE,
					     (struct ipcshm_region_attr) { .size = 8 * MIB });

	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(8 * MIB, used_memory(region));
	memset(at, 0x5a, 8 * MIB);
	EXPECT_EQ(variant->is_huge ? 8 * MIB : 0, smaps_field(at, "ShmemPmdMapped"));
}

TEST_F(created_huge, region_takes_no_more_than_its_size)
{
	unsigned char *at = map_created_huge(0, (struct ipcshm_region_attr) {
		.size = 2 * MIB + page_size, .max_size = 8 * MIB,
	});

	ASSERT_NE(MAP_FAILED, at);
	memset(at, 0x5a, 2 * MIB + page_size);
	EXPECT_EQ(2 * MIB + page_size, used_memory(region));
	ASSERT_EQ(0, ipcshm_region_resize(region, 8 * MIB));
	EXPECT_TRUE(all_zero(at + 2 * MIB + page_size, 6 * MIB - page_size));
	EXPECT_EQ(0x5a, at[2 * MIB + page_size - 1]);
	EXPECT_EQ(-1, ftruncate(region, 2 * MIB));
	EXPECT_EQ(EPERM, errno);
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(0, used_memory(region));
}

TEST_F(memory, pages_that_were_pinned_outlive_the_revocation_and_harm_nobody)
{
	struct iovec all = { .iov_len = SIZE * page_size };
	char bytes[64];
	int ends[2];

	ASSERT_TRUE(map_region());
	memset(map, 0x5a, SIZE * page_size);
	all.iov_base = map;
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ((ssize_t)all.iov_len, vmsplice(ends[1], &all, 1, 0));
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(0, used_memory(region));
	ASSERT_EQ((ssize_t)sizeof(bytes), read(ends[0], bytes, sizeof(bytes)));
	EXPECT_EQ(0x5a, bytes[0]);
	EXPECT_EQ(0x5a, bytes[sizeof(bytes) - 1]);
}

TEST_F(memory, mapping_that_isnt_for_children_is_not_inherited)
{
	void *at;
	size_t size;
	pid_t child;

	ASSERT_EQ(0, ipcshm_region_map(region, READ_WRITE | IPCSHM_MAP_DONTFORK, &at, &size));
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

	ASSERT_TRUE(map_region());
	if (syscall(SYS_mbind, map, SIZE * page_size, MPOL_BIND, &node, 8, 0)) {
		ASSERT_EQ(ENOSYS, errno);
		SKIP(return, "no NUMA");
	}
	other = map_pages(region, 0, SIZE, RW, MAP_SHARED);
	ASSERT_EQ(0, syscall(SYS_get_mempolicy, &policy, NULL, 0, map, MPOL_F_ADDR));
	EXPECT_EQ(MPOL_BIND, policy);
	policy = -1;
	ASSERT_EQ(0, syscall(SYS_get_mempolicy, &policy, NULL, 0, other, MPOL_F_ADDR));
	EXPECT_EQ(MPOL_BIND, policy);
	EXPECT_EQ(SIZE, readable_pages(map, SIZE));
}

TEST_F(memory, region_can_be_locked)
{
	ASSERT_TRUE(map_region());
	ASSERT_EQ(0, mlock(map, SIZE * page_size));
	EXPECT_EQ(SIZE * page_size, smaps_field(map, "Locked"));
	EXPECT_EQ(SIZE * page_size, used_memory(region));
	EXPECT_EQ(0, munlock(map, SIZE * page_size));
}

static void check_role(struct peer *peer)
{
	unsigned char *at = map_pages(region, 0, SIZE, PROT_READ, MAP_SHARED);
	size_t i;

	for (i = 0; i < SIZE * page_size; i++)
		peer->result += at[i] != 0x5a;
}

TEST_F(memory, swapped_out_memory_is_there_for_everybody)
{
	if (!has_swap())
		SKIP(return, "no swap");
	ASSERT_TRUE(map_region());
	memset(map, 0x5a, SIZE * page_size);
	ASSERT_TRUE(page_out(map, SIZE * page_size));
	EXPECT_EQ(0, finish(start(check_role, (struct peer) { 0 })));
	ASSERT_TRUE(page_out(map, SIZE * page_size));
	ASSERT_EQ(0, ipcshm_region_revoke(region));
	EXPECT_EQ(0, used_memory(region));
}

IPCSHM_TEST_MAIN
