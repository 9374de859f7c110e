// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions and io_uring: reads and writes of a region complete in the ring as
 * pread(2) and pwrite(2) do, although the descriptor can be polled for its watch.
 */
#include <liburing.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "common/fuse.h"
#include "common/harness.h"
#include "common/region.h"

#define IS_MISSING(error)	((error) == -ENOSYS || (error) == -EPERM)

FIXTURE(uring) {
	struct test_region region;
	struct io_uring ring;
	unsigned char *bytes;	/* more than the region has; a page that faults follows */
	size_t room;
};

FIXTURE_VARIANT(uring) {
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(uring, inline) { .flags = 0 };
FIXTURE_VARIANT_ADD(uring, worker) { .flags = IOSQE_ASYNC };

FIXTURE_SETUP(uring)
{
	int result;

	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
	self->room = (PAGES + 2) * self->region.page_size;
	self->bytes = mmap(NULL, self->room + self->region.page_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->bytes);
	ASSERT_EQ(0, mprotect(self->bytes + self->room, self->region.page_size, PROT_NONE));
	memset(self->bytes, 'x', self->room);
	result = io_uring_queue_init(8, &self->ring, 0);
	if (IS_MISSING(result))
		SKIP(return, "no io_uring in this kernel, or not permitted");
	ASSERT_EQ(0, result);
	ASSERT_TRUE(map_region(&self->region));
}

FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	region_tear_down(&self->region);
}

/* The result of the prepared entry; -ETIME if there is none before long. */
static int complete_entry(struct io_uring *ring, unsigned int flags, struct io_uring_sqe *entry)
{
	struct __kernel_timespec limit = { .tv_sec = WAIT_SECONDS };
	struct io_uring_cqe *done;
	int result;

	io_uring_sqe_set_flags(entry, flags);
	result = io_uring_submit(ring);
	if (result != 1)
		return result < 0 ? result : -EIO;
	do
		result = io_uring_wait_cqe_timeout(ring, &done, &limit);
	while (result == -EINTR);
	if (result)
		return result;
	result = done->res;
	io_uring_cqe_seen(ring, done);
	return result;
}

static int uring_read(struct test_region *region, struct io_uring *ring, unsigned int flags,
		      void *to, size_t size, off_t at)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(ring);

	io_uring_prep_read(entry, region->fd, to, size, at);
	return complete_entry(ring, flags, entry);
}

static int uring_write(struct test_region *region, struct io_uring *ring, unsigned int flags,
		       const void *from, size_t size, off_t at)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(ring);

	io_uring_prep_write(entry, region->fd, from, size, at);
	return complete_entry(ring, flags, entry);
}

TEST_F(uring, bytes_are_written_and_read)
{
	ASSERT_EQ(self->region.page_size, uring_write(&self->region, &self->ring, variant->flags,
						      self->bytes, self->region.page_size, 5));
	EXPECT_EQ(0, self->region.map[4]);
	EXPECT_EQ('x', self->region.map[5]);
	EXPECT_EQ('x', self->region.map[self->region.page_size + 4]);
	EXPECT_EQ(0, self->region.map[self->region.page_size + 5]);
	self->region.map[6] = 'y';
	ASSERT_EQ(3, uring_read(&self->region, &self->ring, variant->flags, self->bytes, 3, 4));
	EXPECT_EQ(0, memcmp(self->bytes, "\0xy", 3));
}

TEST_F(uring, vectors_are_written_and_read)
{
	char one[2] = "ab", two[3] = "cde";
	const struct iovec vector[] = { { one, sizeof(one) }, { two, sizeof(two) } };
	struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);

	io_uring_prep_writev(entry, self->region.fd, vector, 2, self->region.page_size - 2);
	EXPECT_EQ(5, complete_entry(&self->ring, variant->flags, entry));
	EXPECT_EQ(0, memcmp(self->region.map + self->region.page_size - 2, "abcde", 5));
	memcpy(self->region.map + self->region.page_size - 2, "vwxyz", 5);
	entry = io_uring_get_sqe(&self->ring);
	io_uring_prep_readv(entry, self->region.fd, vector, 2, self->region.page_size - 2);
	EXPECT_EQ(5, complete_entry(&self->ring, variant->flags, entry));
	EXPECT_EQ(0, memcmp(one, "vw", 2));
	EXPECT_EQ(0, memcmp(two, "xyz", 3));
}

TEST_F(uring, read_stops_at_the_end)
{
	memset(self->region.map, 'r', PAGES * self->region.page_size);
	EXPECT_EQ(3, uring_read(&self->region, &self->ring, variant->flags, self->bytes, self->room,
				PAGES * self->region.page_size - 3));
	EXPECT_EQ(0, memcmp(self->bytes, "rrrx", 4));
	EXPECT_EQ(
		PAGES * self->region.page_size,
		uring_read(&self->region, &self->ring, variant->flags, self->bytes, self->room, 0));
	EXPECT_EQ('r', self->bytes[PAGES * self->region.page_size - 1]);
	EXPECT_EQ('x', self->bytes[PAGES * self->region.page_size]);
	EXPECT_EQ(0, uring_read(&self->region, &self->ring, variant->flags, self->bytes, self->room,
				PAGES * self->region.page_size));
}

/* Whether shmem writes the part before the end first differs between kernels. */
TEST_F(uring, write_does_not_pass_the_end)
{
	ssize_t expected = pwrite(self->region.fd, self->bytes, 2 * self->region.page_size,
				  (PAGES - 1) * self->region.page_size);

	if (expected < 0)
		expected = -errno;
	EXPECT_EQ(expected,
		  uring_write(&self->region, &self->ring, variant->flags, self->bytes,
			      2 * self->region.page_size, (PAGES - 1) * self->region.page_size));
	EXPECT_EQ(-EPERM, uring_write(&self->region, &self->ring, variant->flags, self->bytes, 1,
				      PAGES * self->region.page_size));
}

TEST_F(uring, memory_that_ends_early_is_used_as_far_as_it_goes)
{
	unsigned char *last = self->bytes + self->room - self->region.page_size;
	ssize_t expected = pwrite(self->region.fd, last, 2 * self->region.page_size, 0);

	EXPECT_EQ(self->region.page_size, expected);
	EXPECT_EQ(expected, uring_write(&self->region, &self->ring, variant->flags, last,
					2 * self->region.page_size, 0));
	expected = pread(self->region.fd, last, 2 * self->region.page_size, 0);
	EXPECT_EQ(self->region.page_size, expected);
	EXPECT_EQ(expected, uring_read(&self->region, &self->ring, variant->flags, last,
				       2 * self->region.page_size, 0));
	EXPECT_EQ(-EFAULT, uring_write(&self->region, &self->ring, variant->flags,
				       last + self->region.page_size, 1, 0));
	EXPECT_EQ(-EFAULT, uring_read(&self->region, &self->ring, variant->flags,
				      last + self->region.page_size, 1, 0));
}

TEST_F(uring, revoked_region_is_neither_read_nor_written)
{
	ASSERT_EQ(0, ipcshm_region_revoke(self->region.fd));
	EXPECT_EQ(-EKEYREVOKED,
		  uring_read(&self->region, &self->ring, variant->flags, self->bytes, 1, 0));
	EXPECT_EQ(-EKEYREVOKED,
		  uring_write(&self->region, &self->ring, variant->flags, self->bytes, 1, 0));
}

TEST_F(uring, reader_does_not_write)
{
	int reader = region_open_again(&self->region, IPCSHM_READ);
	struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);

	io_uring_prep_write(entry, reader, self->bytes, 1, 0);
	EXPECT_EQ(-EBADF, complete_entry(&self->ring, variant->flags, entry));
}

/* As with a memfd, which shares the functions that would wait. */
TEST_F(uring, calls_that_must_not_wait_are_not_supported)
{
	const struct iovec vector = { self->bytes, 1 };

	EXPECT_EQ(-1, preadv2(self->region.fd, &vector, 1, 0, RWF_NOWAIT));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, pwritev2(self->region.fd, &vector, 1, 0, RWF_NOWAIT));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(0, self->region.map[0]);
}

/* Reads never wait, and yet readiness is that of the watch. */
TEST_F(uring, polls_report_the_watch_alone)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLPRI | EPOLLET };
	struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
	struct io_uring_cqe *done;
	int set = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, set);
	ASSERT_EQ(0, ipcshm_region_watch(self->region.fd, 0, 4, 0, deaths_now(&self->region)));
	ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, self->region.fd, &event));
	io_uring_prep_poll_add(entry, self->region.fd, POLLIN | POLLPRI);
	io_uring_sqe_set_flags(entry, variant->flags);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(0, epoll_wait(set, &event, 1, 0));
	EXPECT_EQ(-EAGAIN, io_uring_peek_cqe(&self->ring, &done));
	store_word(&self->region, 0, 1);
	ASSERT_LE(0, ipcshm_region_wake(self->region.fd, 0, 1));
	EXPECT_EQ(1, epoll_wait(set, &event, 1, WAIT_SECONDS * 1000));
	EXPECT_EQ(EPOLLIN, event.events);
	ASSERT_EQ(0, io_uring_wait_cqe(&self->ring, &done));
	EXPECT_EQ(POLLIN, done->res);
	close(set);
}

/* A read that goes around the page cache, into the memory of the region. */

static struct fuse_memory memory;

static void direct_read_role(struct peer *peer)
{
	struct io_uring ring;
	struct io_uring_sqe *entry;
	unsigned char *to;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory.fd);
	fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	join_region(peer);
	to = map_pages(peer->region, peer->region->fd, 0, 1, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (fd < 0 || to == MAP_FAILED || io_uring_queue_init(2, &ring, 0))
		_exit(1);
	entry = io_uring_get_sqe(&ring);
	io_uring_prep_read(entry, fd, to, peer->region->page_size, 0);
	if (io_uring_submit(&ring) != 1)
		_exit(1);
	be_ready(peer);
	for (;;)
		pause();
}

/* The promise that a member which has ended stores nothing more has this exception. */
TEST(direct_read_in_flight_is_stored_after_the_death)
{
	struct test_region only, *region = &only;
	struct io_uring ring;
	struct peer *reader;

	SKIP_UNLESS_ROOT;
	if (IS_MISSING(io_uring_queue_init(2, &ring, 0)))
		SKIP(return, "no io_uring in this kernel, or not permitted");
	io_uring_queue_exit(&ring);
	FUSE_MEMORY_OPEN(&memory, 1);
	memset(memory.content, 'd', memory.page_size);
	ASSERT_EQ(0, region_set_up(region, (struct ipcshm_region_attr) { 0 }));
	ASSERT_TRUE(map_region(region));
	reader = region_start_ready(region, direct_read_role, (struct peer) { 0 });
	ASSERT_TRUE(reader);
	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&memory, 0)));
	kill_peer(reader);
	ASSERT_TRUE(WAIT_UNTIL(deaths_now(region) == 1));
	EXPECT_FALSE(is_alive(region, reader->token));
	EXPECT_EQ(0, region->map[0]);
	fuse_memory_release(&memory, 0);
	EXPECT_TRUE(WAIT_UNTIL(*(volatile unsigned char *)region->map == 'd'));
	region_tear_down(region);
	fuse_memory_close(&memory);
}

IPCSHM_TEST_MAIN
