// SPDX-License-Identifier: GPL-2.0-only
/* Regions: size, state and seals, and the descriptor as a file. */
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "region_fixture.h"

/* Size and state. */

TEST_F(region, fstat_has_size_owner_and_mode)
{
	struct stat stat;

	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(self->size, stat.st_size);
	EXPECT_EQ(geteuid(), stat.st_uid);
	EXPECT_EQ(getegid(), stat.st_gid);
	EXPECT_EQ(S_IFREG | 0600, stat.st_mode);
}

TEST_F(region, fstat_has_memory_in_use)
{
	struct stat stat;

	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(0, stat.st_blocks);
	self->map[0] = 1;
	self->map[2 * self->page] = 1;
	self->map[5 * self->page] = 1;
	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_LE(3 * self->page / 512, stat.st_blocks);
}

TEST_F(region, descriptors_of_one_region_show_one_inode)
{
	int fd = open_by_name(self, IPCSHM_READ);
	struct stat one, two;

	ASSERT_EQ(0, fstat(self->fd, &one));
	ASSERT_EQ(0, fstat(fd, &two));
	EXPECT_EQ(one.st_dev, two.st_dev);
	EXPECT_EQ(one.st_ino, two.st_ino);
	close(fd);
}

TEST_F(region, size_is_rounded_up_to_pages)
{
	const size_t asked[] = { 1, self->page - 1, self->page, self->page + 1, 5 * self->page };
	const size_t given[] = { 1, 1, 1, 2, 5 };
	struct ipcshm_region_attr attr;
	struct stat stat;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		attr = (struct ipcshm_region_attr) { .size = asked[i] };
		fd = ipcshm_region_open(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
					&attr);
		ASSERT_LE(0, fd);
		EXPECT_EQ(given[i] * self->page, attr.size);
		EXPECT_EQ(given[i] * self->page, region_stat(fd).size);
		EXPECT_EQ(0, fstat(fd, &stat));
		EXPECT_EQ(given[i] * self->page, stat.st_size);
		close(fd);
	}
}

TEST_F(region, size_never_changes)
{
	EXPECT_EQ(-1, ftruncate(self->fd, self->size + self->page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, ftruncate(self->fd, self->size - self->page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fallocate(self->fd, 0, self->size, self->page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, pwrite(self->fd, "x", 1, self->size));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(self->size, region_stat(self->fd).size);
	self->map[self->size - 1] = 1;
}

/* Beyond 2 GiB, calls are refused for a file that is not opened as a large one. */
TEST_F(region, file_is_a_large_one)
{
	int file = memfd_create("file", MFD_CLOEXEC);

	EXPECT_EQ(fcntl(file, F_GETFL), fcntl(self->fd, F_GETFL));
	EXPECT_EQ(-1, ftruncate(self->fd, 3LL << 30));
	EXPECT_EQ(EPERM, errno);	/* sealed, and not EINVAL */
	EXPECT_EQ(-1, pwrite(self->fd, "x", 1, 3LL << 30));
	EXPECT_EQ(EPERM, errno);	/* and not EFBIG */
}

TEST_F(region, stat_has_its_attributes)
{
	struct ipcshm_region_stat stat;
	__u64 now = now_ns(CLOCK_REALTIME);

	ASSERT_EQ(0, ipcshm_region_get_stat(self->fd, &stat, sizeof(stat)));
	EXPECT_NE(0, stat.stat.id);
	EXPECT_LE(stat.stat.btime, now);
	EXPECT_GE(stat.stat.btime, now - WAIT_SECONDS * 1000000000ULL);
	EXPECT_EQ(geteuid(), stat.stat.uid);
	EXPECT_EQ(getegid(), stat.stat.gid);
	EXPECT_EQ(0600, stat.stat.mode);
	EXPECT_EQ(IPCSHM_STAT_NAMED, stat.stat.flags);
	EXPECT_EQ(IPCSHM_REGION, stat.stat.kind);
	EXPECT_EQ(self->size, stat.size);
}

TEST_F(region, stat_follows_opens_and_unlink)
{
	int fd = open_by_name(self, READ_WRITE);
	unsigned char *map = map_shared(fd, self->size, PROT_READ);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(2, region_stat(self->fd).stat.opens);
	close(fd);
	EXPECT_EQ(2, region_stat(self->fd).stat.opens);
	munmap(map, self->size);
	EXPECT_EQ(1, region_stat(self->fd).stat.opens);
	ASSERT_EQ(0, ipcshm_unlink(self->device, IPCSHM_REGION, self->name.text));
	EXPECT_EQ(0, region_stat(self->fd).stat.flags);
}

TEST_F(region, open_reports_whether_it_created)
{
	struct ipcshm_region_attr attr = { .size = self->page };
	int fd = ipcshm_region_open(self->device, self->name.text, READ_WRITE | IPCSHM_CREATE,
				    0600, &attr);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, attr.created);
	EXPECT_EQ(self->size, attr.size);
	EXPECT_EQ(region_stat(self->fd).stat.id, attr.id);
	close(fd);
}

/* Seals. */

TEST_F(region, is_sealed_against_resizing_only)
{
	EXPECT_EQ(F_SEAL_GROW | F_SEAL_SHRINK, SEALS(self->fd));
}

TEST_F(region, write_seal_needs_writable_mappings_gone)
{
	int fd = open_by_name(self, READ_WRITE);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	self->map[0] = 1;
	ASSERT_EQ(0, munmap(self->map, self->size));
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE, SEALS(self->fd));
	close(fd);
}

TEST_F(region, write_seal_holds_for_every_descriptor)
{
	int other = open_by_name(self, READ_WRITE);
	void *map;
	size_t size;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, munmap(self->map, self->size));
	ASSERT_EQ(0, fcntl(self->fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EPERM, ipcshm_region_map(other, READ_WRITE, &map, &size));
	EXPECT_EQ(-1, pwrite(other, "x", 1, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, self->page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, map_error(open_by_name(self, IPCSHM_READ), self->size, PROT_READ, MAP_SHARED));
	EXPECT_EQ(0, map_error(other, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	close(other);
}

TEST_F(region, future_write_seal_leaves_old_mappings_writable)
{
	unsigned char *map;

	ASSERT_EQ(0, fcntl(self->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	self->map[0] = 1;
	EXPECT_EQ(EPERM, map_error(self->fd, self->size, PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(-1, pwrite(self->fd, "x", 1, 0));
	EXPECT_EQ(EPERM, errno);
	map = map_shared(self->fd, self->size, PROT_READ);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(1, map[0]);
	EXPECT_EQ(-1, mprotect(map, self->size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	munmap(map, self->size);
}

TEST_F(region, seal_seal_ends_sealing)
{
	ASSERT_EQ(0, fcntl(self->fd, F_ADD_SEALS, F_SEAL_SEAL));
	EXPECT_EQ(-1, fcntl(self->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	EXPECT_EQ(EPERM, errno);
	self->map[0] = 1;
}

/* The descriptor as a file. */

TEST_F(region, descriptor_and_mapping_are_the_same_bytes)
{
	char text[8] = "";

	EXPECT_EQ(5, write(self->fd, "hello", 5));
	EXPECT_EQ(0, memcmp(self->map, "hello", 5));
	EXPECT_EQ(5, lseek(self->fd, 0, SEEK_CUR));
	memcpy(self->map + self->page, "there", 5);
	EXPECT_EQ(self->page, lseek(self->fd, self->page, SEEK_SET));
	EXPECT_EQ(5, read(self->fd, text, 5));
	EXPECT_STREQ("there", text);
	EXPECT_EQ(3, pwrite(self->fd, "abc", 3, 2 * self->page - 1));
	EXPECT_EQ(0, memcmp(self->map + 2 * self->page - 1, "abc", 3));
	EXPECT_EQ(5, pread(self->fd, text, 5, 0));
	EXPECT_EQ(0, memcmp(text, "hello", 5));
	EXPECT_EQ(self->size, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, read(self->fd, text, 5));
}

TEST_F(region, vectors_are_read_and_written)
{
	char one[2], two[3];
	struct iovec vector[] = { { one, sizeof(one) }, { two, sizeof(two) } };

	EXPECT_EQ(5, pwrite(self->fd, "abcde", 5, 0));
	EXPECT_EQ(5, readv(self->fd, vector, 2));
	EXPECT_EQ(0, memcmp(one, "ab", 2));
	EXPECT_EQ(0, memcmp(two, "cde", 3));
	EXPECT_EQ(5, writev(self->fd, vector, 2));
	EXPECT_EQ(0, memcmp(self->map + 5, "abcde", 5));
}

TEST_F(region, opens_have_positions_of_their_own)
{
	int fd = open_by_name(self, READ_WRITE);

	EXPECT_EQ(1, write(self->fd, "a", 1));
	EXPECT_EQ(1, write(fd, "b", 1));
	EXPECT_EQ('b', self->map[0]);
	EXPECT_EQ(0, self->map[1]);
	close(fd);
}

TEST_F(region, splice_moves_bytes_in_and_out)
{
	char text[8] = "";
	off_t offset = self->page;
	int ends[2];

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	ASSERT_EQ(5, write(ends[1], "hello", 5));
	EXPECT_EQ(5, splice(ends[0], NULL, self->fd, &offset, 5, 0));
	EXPECT_EQ(0, memcmp(self->map + self->page, "hello", 5));
	offset = self->page;
	EXPECT_EQ(5, splice(self->fd, &offset, ends[1], NULL, 5, 0));
	EXPECT_EQ(5, read(ends[0], text, sizeof(text)));
	EXPECT_STREQ("hello", text);
	close(ends[0]);
	close(ends[1]);
}

TEST_F(region, sendfile_sends_it)
{
	char text[8] = "";
	off_t offset = self->page;
	int sockets[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	memcpy(self->map + self->page, "hello", 5);
	EXPECT_EQ(5, sendfile(sockets[0], self->fd, &offset, 5));
	EXPECT_EQ(5, read(sockets[1], text, sizeof(text)));
	EXPECT_STREQ("hello", text);
	close(sockets[0]);
	close(sockets[1]);
}

TEST_F(region, punched_hole_reads_as_zero_and_frees_memory)
{
	struct stat full, less;

	memset(self->map, 1, self->size);
	ASSERT_EQ(0, fstat(self->fd, &full));
	ASSERT_EQ(0, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, self->page,
			       2 * self->page));
	EXPECT_TRUE(all_bytes(self->map, self->page, 1));
	EXPECT_TRUE(all_bytes(self->map + self->page, 2 * self->page, 0));
	EXPECT_TRUE(all_bytes(self->map + 3 * self->page, self->size - 3 * self->page, 1));
	memset(self->map, 1, self->size);
	ASSERT_EQ(0, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			       self->size));
	ASSERT_EQ(0, fstat(self->fd, &less));
	EXPECT_LT(less.st_blocks, full.st_blocks);
	EXPECT_EQ(self->size, less.st_size);
}

TEST_F(region, fallocate_makes_memory_ready)
{
	struct stat stat;

	ASSERT_EQ(0, fallocate(self->fd, 0, 0, self->size));
	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(self->size / 512, stat.st_blocks);
	EXPECT_TRUE(all_bytes(self->map, self->size, 0));
}

TEST_F(region, seek_finds_data_and_holes)
{
	self->map[2 * self->page] = 1;
	EXPECT_EQ(2 * self->page, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(3 * self->page, lseek(self->fd, 2 * self->page, SEEK_HOLE));
}

IPCSHM_TEST_MAIN
