// SPDX-License-Identifier: GPL-2.0-only
/* The memory of a region: revoking, also while writers are stuck. */
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "common/fuse.h"
#include "memory_fixture.h"

#define RW		(PROT_READ | PROT_WRITE)
#define OWNER		12345
#define OTHER		12346
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static bool is_revoked(struct test_region *region)
{
	return region_stat_now(region).stat.flags & IPCSHM_STAT_REVOKED;
}

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

TEST_F(memory, access_to_a_revoked_region_is_a_sigbus)
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
	if (!WAIT_UNTIL(may_continue(this_peer)))
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
			let_continue(writers[i]);
		for (i = 0; i < ARRAY_SIZE(writers); i++)
			ASSERT_EQ(0, finish(writers[i]));
		EXPECT_EQ(0, used_memory(fd));
		close(fd);
		forget_peers(&self->region.peers);
	}
}

/* Drops its pages all the time, so that it is always in a page fault. */
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
			let_continue(writers[i]);
		for (i = 0; i < ARRAY_SIZE(writers); i++)
			ASSERT_EQ(0, finish(writers[i]));
		/* A page that came too late is freed by a work item. */
		EXPECT_TRUE(WAIT_UNTIL(used_memory(fd) == 0));
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

TEST_F(memory, reader_revokes_its_own_region)
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

/* Writers whose data does not come: it lies in the file of a FUSE server. */

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

/* The data before it is written. */
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

IPCSHM_TEST_MAIN
