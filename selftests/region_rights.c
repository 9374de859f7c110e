// SPDX-License-Identifier: GPL-2.0-only
/* Regions: rights of descriptors and users, access control lists, and execution. */
#include <grp.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "region_fixture.h"

#define OTHER_USER	65533
#define LISTED_USER	65532	/* in an access control list */

TEST_F(region, read_only_descriptor_gives_no_writable_shared_mapping)
{
	int fd = open_by_name(self, IPCSHM_READ);
	unsigned char *map;

	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(EACCES, map_error(fd, self->size, PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(EACCES, map_error(fd, self->size, PROT_READ | PROT_WRITE, MAP_SHARED));
	map = map_shared(fd, self->size, PROT_READ);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map, self->size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	self->map[0] = 3;
	EXPECT_EQ(3, map[0]);
	munmap(map, self->size);
	close(fd);
}

TEST_F(region, read_only_descriptor_can_be_mapped_private_and_writable)
{
	int fd = open_by_name(self, IPCSHM_READ);
	unsigned char *map;

	map = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 1;
	EXPECT_EQ(0, self->map[0]);
	munmap(map, self->size);
	close(fd);
}

TEST_F(region, read_only_descriptor_cannot_change_it)
{
	int fd = open_by_name(self, IPCSHM_READ);

	EXPECT_EQ(-1, write(fd, "x", 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, self->page));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, ftruncate(fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, self->map[0]);
	close(fd);
}

/* Whether another user of another group may open it: 0 or EACCES. */
static int open_as(const FIXTURE_DATA(region) *self, uid_t user, gid_t group, uint32_t flags)
{
	pid_t peer = fork_peer();

	if (!peer) {
		if (setgroups(0, NULL) || setresgid(group, group, group) ||
		    setresuid(user, user, user))
			_exit(1);
		_exit(open_by_name(self, flags) == -EACCES ? EACCES : 0);
	}
	return peer < 0 ? -1 : wait_child(peer);
}

static int open_as_other_user(const FIXTURE_DATA(region) *self, uint32_t flags)
{
	return open_as(self, OTHER_USER, OTHER_USER, flags);
}

TEST_F(region, fchmod_and_fchown_change_who_may_open_it)
{
	SKIP_UNLESS_ROOT;
	EXPECT_EQ(EACCES, open_as_other_user(self, IPCSHM_READ));
	ASSERT_EQ(0, fchmod(self->fd, 0604));
	EXPECT_EQ(0604, region_stat(self->fd).stat.mode);
	EXPECT_EQ(0, open_as_other_user(self, IPCSHM_READ));
	EXPECT_EQ(EACCES, open_as_other_user(self, READ_WRITE));
	ASSERT_EQ(0, fchown(self->fd, OTHER_USER, 0));
	EXPECT_EQ(OTHER_USER, region_stat(self->fd).stat.uid);
	EXPECT_EQ(0, open_as_other_user(self, READ_WRITE));
}

/* As setfacl(1) writes it: "u::rw,u:65532:rw,g::-,m::rw,o::-". */
static const struct {
	__u32 version;
	struct { __u16 tag, permissions; __u32 id; } entries[5];
} access_list = {
	.version = 2,
	.entries = { { 1, 6, -1 }, { 2, 6, LISTED_USER }, { 4, 0, -1 }, { 16, 6, -1 },
		     { 32, 0, -1 } },
};

/* The bits of the group in the mode are the mask then, and not the right of the group. */
TEST_F(region, access_control_list_decides_who_may_open_it)
{
	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(self->fd, 0, OTHER_USER));
	ASSERT_EQ(0, fsetxattr(self->fd, "system.posix_acl_access", &access_list,
			       sizeof(access_list), 0));
	EXPECT_EQ(0660, region_stat(self->fd).stat.mode);
	EXPECT_EQ(0, open_as(self, LISTED_USER, LISTED_USER, READ_WRITE));
	EXPECT_EQ(EACCES, open_as(self, OTHER_USER, OTHER_USER, IPCSHM_READ));
	EXPECT_EQ(EACCES, open_as(self, OTHER_USER - 2, OTHER_USER - 2, IPCSHM_READ));
	/* The mask. */
	ASSERT_EQ(0, fchmod(self->fd, 0640));
	EXPECT_EQ(EACCES, open_as(self, LISTED_USER, LISTED_USER, READ_WRITE));
	EXPECT_EQ(0, open_as(self, LISTED_USER, LISTED_USER, IPCSHM_READ));
	ASSERT_EQ(0, fremovexattr(self->fd, "system.posix_acl_access"));
	EXPECT_EQ(EACCES, open_as(self, LISTED_USER, LISTED_USER, IPCSHM_READ));
	EXPECT_EQ(0, open_as(self, OTHER_USER, OTHER_USER, IPCSHM_READ));
}

TEST_F(region, access_control_list_is_changed_by_the_owner_alone)
{
	pid_t peer;
	int fd;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchmod(self->fd, 0606));
	peer = fork_peer();
	if (!peer) {
		if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
		    setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
			_exit(1);
		fd = open_by_name(self, READ_WRITE);
		_exit(fd >= 0 && fsetxattr(fd, "system.posix_acl_access", &access_list,
					   sizeof(access_list), 0) ? errno : 2);
	}
	EXPECT_EQ(EPERM, wait_child(peer));
}

/* Execution: a region is no way around vm.memfd_noexec. */

TEST_F(region, memory_is_never_mapped_to_be_executed)
{
	const int more[] = { PROT_EXEC, PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(more); i++) {
		EXPECT_EQ(EPERM, map_error(self->fd, self->size, more[i], MAP_SHARED));
		EXPECT_EQ(EPERM, map_error(self->fd, self->size, more[i], MAP_PRIVATE));
		EXPECT_EQ(-1, mprotect(self->map, self->size, more[i]));
		EXPECT_EQ(EACCES, errno);
	}
	EXPECT_EQ(0, mprotect(self->map, self->size, PROT_READ));
}

TEST_F(region, memory_of_huge_pages_is_never_mapped_to_be_executed)
{
	struct ipcshm_region_attr attr = { .size = self->size };
	int fd = ipcshm_region_open(self->device, NULL,
				    READ_WRITE | IPCSHM_CREATE | IPCSHM_HUGE, 0600, &attr);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, map_error(fd, self->size, PROT_READ, MAP_SHARED));
	EXPECT_EQ(EPERM, map_error(fd, self->size, PROT_READ | PROT_EXEC, MAP_SHARED));
	close(fd);
}

/* Of the mapping at an address, as in /proc/self/maps. */
static bool is_executable(const void *map)
{
	unsigned long start;
	char line[256], rights[5] = "";
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%*x %4s", &start, rights) == 2 &&
		    start == (unsigned long)map)
			break;
	if (maps)
		fclose(maps);
	return rights[2] != '-';
}

/* The personality of old programs, which makes readable memory executable. */
TEST_F(region, reading_does_not_imply_execution)
{
	const int plain = personality(0xffffffff);
	unsigned char *other;

	ASSERT_LE(0, personality(plain | READ_IMPLIES_EXEC));
	other = map_shared(self->fd, self->size, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_FALSE(is_executable(other));
	EXPECT_EQ(0, mprotect(other, self->size, PROT_READ));
	EXPECT_FALSE(is_executable(other));
	ASSERT_LE(0, personality(plain));
}

TEST_F(region, descriptor_cannot_be_executed)
{
	char *arguments[] = { NULL }, path[32];
	pid_t peer;

	EXPECT_EQ(sizeof("#!/bin/sh"), pwrite(self->fd, "#!/bin/sh", sizeof("#!/bin/sh"), 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	fchmod(self->fd, 0700);
	peer = fork_peer();
	if (!peer) {
		syscall(SYS_execveat, self->fd, "", arguments, arguments, AT_EMPTY_PATH);
		if (errno != EACCES)
			_exit(1);
		execve(path, arguments, arguments);
		_exit(errno);
	}
	EXPECT_EQ(EACCES, wait_child(peer));
}

TEST_F(region, mode_has_no_bits_for_execution)
{
	struct ipcshm_region_attr attr = { .size = self->size };
	mode_t mask = umask(0);
	int fd = ipcshm_region_open(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0777, &attr);

	umask(mask);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0666, region_stat(fd).stat.mode);
	close(fd);
}

/* As that of a memfd with MFD_NOEXEC_SEAL. */
TEST_F(region, is_sealed_against_execution)
{
	int memfd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_LE(0, memfd);
	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_EXEC))
		SKIP(return, "a kernel without F_SEAL_EXEC");
	EXPECT_EQ(F_SEAL_EXEC, fcntl(self->fd, F_GET_SEALS) & F_SEAL_EXEC);
	EXPECT_EQ(-1, fchmod(self->fd, 0700));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, fchmod(self->fd, 0640));
	close(memfd);
}

IPCSHM_TEST_MAIN
