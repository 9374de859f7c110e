// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unbounded regions: their size begins with 0 if the creator wants, is exact, and is what the
 * creator's quota pays for.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/harness.h"
#include "common/region.h"
#include "common/resize.h"
#include "common/sigbus.h"

#define RW		(PROT_READ | PROT_WRITE)
#define ROUNDS		200
#define OTHER_USER	1234

FIXTURE(unbounded) {
	struct test_region region;
	size_t page;
};

/* As a user whose quota no other test uses. */
FIXTURE_SETUP(unbounded)
{
	SKIP_UNLESS_ROOT;
	self->page = sysconf(_SC_PAGESIZE);
	ASSERT_EQ(0, seteuid(0x0c000000 + getpid()));
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) {
		.max_size = IPCSHM_UNBOUNDED,
	}));
}

FIXTURE_TEARDOWN(unbounded)
{
	region_tear_down(&self->region);
}

static int set_size(FIXTURE_DATA(unbounded) *self, __u64 size)
{
	return ipcshm_region_resize(self->region.fd, size);
}

/* The size in bytes, as all who report it have it; -1 if they differ. */
static off_t size_now(FIXTURE_DATA(unbounded) *self)
{
	struct ipcshm_region_attr attr = { 0 };
	int fd = ipcshm_region_open(self->region.device, self->region.name.text, IPCSHM_READ, 0,
				    &attr);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -1;
	close(fd);
	return status.st_size == (off_t)attr.size &&
	       status.st_size == (off_t)region_stat_now(&self->region).size ? status.st_size : -1;
}

/* Pages that the user's quota pays for. */
static __u64 paid_pages(FIXTURE_DATA(unbounded) *self)
{
	return get_info(self->region.device).region_bytes.used / self->page;
}

TEST_F(unbounded, size_is_exact)
{
	static const __u64 sizes[] = { 0, 1, 4095, 4096, 4097, 100000, 12, 0, 65536 };
	unsigned int i;

	EXPECT_EQ(IPCSHM_UNBOUNDED, region_stat_now(&self->region).max_size);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ASSERT_EQ(0, set_size(self, sizes[i]));
		EXPECT_EQ(sizes[i], size_now(self));
	}
}

TEST_F(unbounded, quota_pays_for_the_size)
{
	static const __u64 pages[] = { 1, 7, 7, 3, 0, 64, 2 };
	unsigned int i;

	EXPECT_EQ(0, paid_pages(self));
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		ASSERT_EQ(0, set_size(self, pages[i] ? pages[i] * self->page - 5 : 0));
		EXPECT_EQ(pages[i], paid_pages(self));
	}
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(0, paid_pages(self));
	EXPECT_EQ(-EKEYREVOKED, set_size(self, 5 * self->page));
	EXPECT_EQ(-EKEYREVOKED, set_size(self, 0));
	EXPECT_EQ(0, paid_pages(self));
}

TEST_F(unbounded, quota_is_given_back_by_the_last_user)
{
	struct ipcshm_region_attr attr = { .size = 3 * self->page + 1, .max_size = IPCSHM_UNBOUNDED };
	int fd = ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				    &attr);

	ASSERT_LE(0, fd);
	EXPECT_EQ(3 * self->page + 1, attr.size);
	EXPECT_EQ(IPCSHM_UNBOUNDED, attr.max_size);
	EXPECT_EQ(4, paid_pages(self));
	ASSERT_EQ(0, ipcshm_region_resize(fd, 9 * self->page));
	EXPECT_EQ(9, paid_pages(self));
	close(fd);
	EXPECT_EQ(0, paid_pages(self));
}

TEST_F(unbounded, growth_over_the_quota_is_refused)
{
	__u64 max = get_info(self->region.device).region_bytes.max / self->page * self->page;

	ASSERT_EQ(0, set_size(self, 100));
	EXPECT_EQ(-EDQUOT, set_size(self, max + 1));
	EXPECT_EQ(-EDQUOT, set_size(self, IPCSHM_REGION_MAX));
	EXPECT_EQ(-EINVAL, set_size(self, IPCSHM_REGION_MAX + 1));
	EXPECT_EQ(-EINVAL, set_size(self, IPCSHM_UNBOUNDED));
	EXPECT_EQ(100, size_now(self));
	EXPECT_EQ(1, paid_pages(self));
	EXPECT_EQ(0, set_size(self, max));
	EXPECT_EQ(max / self->page, paid_pages(self));
}

TEST_F(unbounded, file_size_limit_is_not_charged)
{
	const struct rlimit limit = { 4 * self->page, 4 * self->page };

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(-EFBIG, set_size(self, 5 * self->page));
	EXPECT_EQ(0, size_now(self));
	EXPECT_EQ(0, paid_pages(self));
}

static void resize_role(struct peer *peer)
{
	__u64 size = region_stat_now(peer->region).size;
	uid_t owner = geteuid();
	int fd;

	if (seteuid(0) || seteuid(OTHER_USER))
		_exit(1);
	fd = region_open_again(peer->region, READ_WRITE);
	peer->result = fd < 0 ? fd : ipcshm_region_resize(fd, size + 1);
	peer->value = ipcshm_region_resize(fd, size - 1);
	/* The one who opened it counts, not the one who calls. */
	if (peer->result == -EPERM)
		peer->count = ipcshm_region_resize(peer->region->fd, size);
	if (seteuid(0) || seteuid(owner))
		_exit(1);
}

TEST_F(unbounded, growth_is_for_the_user_who_pays)
{
	ASSERT_EQ(0, fchmod(self->region.fd, 0666));
	ASSERT_EQ(0, set_size(self, 10));
	struct peer *peer = region_start(&self->region, resize_role, (struct peer) { .count = 1 });

	EXPECT_EQ(-EPERM, finish(peer));
	EXPECT_EQ(0, peer->value);
	EXPECT_EQ(0, peer->count);
	EXPECT_EQ(10, size_now(self));
}

TEST_F(unbounded, bytes_behind_the_end_are_zero_after_growth)
{
	unsigned char *at;

	ASSERT_EQ(0, set_size(self, 10));
	at = map_pages(&self->region, self->region.fd, 0, 1, RW, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, at);
	memset(at, 0x5a, self->page);
	ASSERT_EQ(0, set_size(self, 2 * self->page));
	EXPECT_EQ(0x5a, at[9]);
	EXPECT_TRUE(all_zero(at + 10, self->page - 10));
	memset(at, 0x5a, self->page);
	ASSERT_EQ(0, set_size(self, 20));
	ASSERT_EQ(0, set_size(self, self->page));
	EXPECT_EQ(0x5a, at[19]);
	EXPECT_TRUE(all_zero(at + 20, self->page - 20));
}

TEST_F(unbounded, read_and_write_end_with_the_size)
{
	char data[64];

	EXPECT_EQ(0, pread(self->region.fd, data, sizeof(data), 0));
	ASSERT_EQ(0, set_size(self, 10));
	EXPECT_EQ(10, pwrite(self->region.fd, "0123456789", 10, 0));
	EXPECT_EQ(-1, pwrite(self->region.fd, "x", 1, 10));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(10, pread(self->region.fd, data, sizeof(data), 0));
	EXPECT_EQ(-1, ftruncate(self->region.fd, 11));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fallocate(self->region.fd, 0, 0, 11));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, fallocate(self->region.fd, 0, 0, 10));
	EXPECT_EQ(10, size_now(self));
}

TEST_F(unbounded, mapping_that_is_larger_grows_with_it)
{
	unsigned char *at = map_pages(&self->region, self->region.fd, 0, 8, RW, MAP_SHARED);

	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, readable_pages(&self->region, at, 8));
	ASSERT_EQ(0, set_size(self, 2 * self->page + 1));
	EXPECT_EQ(3, readable_pages(&self->region, at, 8));
	ASSERT_EQ(0, set_size(self, 8 * self->page));
	EXPECT_EQ(8, readable_pages(&self->region, at, 8));
	ASSERT_EQ(0, set_size(self, 0));
	EXPECT_EQ(0, readable_pages(&self->region, at, 8));
	EXPECT_EQ(MAP_FAILED, map_pages(&self->region, self->region.fd,
					IPCSHM_REGION_MAX / self->page - 1, 2, RW, MAP_SHARED));
	EXPECT_EQ(ENXIO, errno);
}

TEST_F(unbounded, library_maps_the_present_size)
{
	void *address;
	size_t size;

	EXPECT_EQ(-EINVAL, ipcshm_region_map(self->region.fd, READ_WRITE, &address, &size));
	ASSERT_EQ(0, set_size(self, 3 * self->page));
	ASSERT_EQ(0, ipcshm_region_map(self->region.fd, READ_WRITE, &address, &size));
	EXPECT_EQ(3 * self->page, size);
	memset(address, 1, size);
}

TEST_F(unbounded, another_member_holds_up_shrinking)
{
	struct peer *member;

	ASSERT_EQ(0, set_size(self, 2 * self->page));
	member = region_start_ready(&self->region, member_role, (struct peer) { 0 });
	ASSERT_TRUE(member);
	EXPECT_EQ(-EBUSY, set_size(self, 0));
	EXPECT_EQ(-EBUSY, set_size(self, 2 * self->page - 1));
	EXPECT_EQ(0, set_size(self, 4 * self->page));
	EXPECT_EQ(4, paid_pages(self));
	kill_peer(member);
	EXPECT_TRUE(WAIT_UNTIL(!set_size(self, 0)));
	EXPECT_EQ(0, paid_pages(self));
}

TEST_F(unbounded, word_is_waited_for_if_it_begins_before_the_end)
{
	ASSERT_EQ(0, set_size(self, 5));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_region_wait(self->region.fd, 4, 4, 0, 0, 0));
	EXPECT_EQ(-EINVAL, ipcshm_region_wait(self->region.fd, 8, 4, 0, 0, 0));
}

TEST_F(unbounded, populated_one_has_the_memory_of_its_size)
{
	struct ipcshm_region_attr attr = { .size = self->page + 1, .max_size = IPCSHM_UNBOUNDED };
	int fd = ipcshm_region_open(self->region.device, NULL,
				    READ_WRITE | IPCSHM_CREATE | IPCSHM_POPULATE, 0600, &attr);

	ASSERT_LE(0, fd);
	EXPECT_EQ(2 * self->page, used_memory(fd));
	attr = (struct ipcshm_region_attr) { .max_size = IPCSHM_UNBOUNDED };
	fd = ipcshm_region_open(self->region.device, NULL,
				READ_WRITE | IPCSHM_CREATE | IPCSHM_POPULATE, 0600, &attr);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, used_memory(fd));
}

static void *change_sizes(void *argument)
{
	FIXTURE_DATA(unbounded) *self = argument;
	unsigned int pages = 0;

	while (set_size(self, (++pages % 16) * self->page) != -EKEYREVOKED)
		;
	return NULL;
}

/* The revocation does not wait for the growth that it meets, and neither is paid for twice. */
TEST_F_TIMEOUT(unbounded, revocation_in_the_middle_of_changes_refunds_all, 120)
{
	pthread_t threads[2];
	unsigned int i, k;

	for (i = 0; i < ROUNDS; i++) {
		struct ipcshm_region_attr attr = { .max_size = IPCSHM_UNBOUNDED };

		close(self->region.fd);
		self->region.fd = ipcshm_region_open(self->region.device, NULL,
						     READ_WRITE | IPCSHM_CREATE, 0600, &attr);
		ASSERT_LE(0, self->region.fd);
		for (k = 0; k < 2; k++)
			ASSERT_EQ(0, pthread_create(&threads[k], NULL, change_sizes, self));
		usleep(i * 10);
		ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
		for (k = 0; k < 2; k++)
			pthread_join(threads[k], NULL);
		ASSERT_EQ(0, paid_pages(self));
	}
}

IPCSHM_TEST_MAIN
