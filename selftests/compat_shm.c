// SPDX-License-Identifier: GPL-2.0-only
/* The drop-in: POSIX shared memory. */
#include <fcntl.h>
#include <ipcshm.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "compat_fixture.h"

#define OTHER_USER	1234

static volatile char *map(int fd, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Create, of one page. */
static int create_page(const char *name, int flags)
{
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600);

	return fd < 0 || ftruncate(fd, 4096) ? -1 : fd;
}

/*
 * create: map a new object until killed
 * add: add one to the first byte, and exit
 * leave: write to a new object, and exit
 * remove: close a new object, and exit with the errno of unlinking it
 * unlink: exit with the errno of unlinking it
 */
static void play(const char *role, const char *name)
{
	volatile char *at;
	int fd;

	if (!strcmp(role, "unlink"))
		exit(ERRNO(shm_unlink(name)));
	fd = strcmp(role, "add") ? create_page(name, 0) : shm_open(name, O_RDWR, 0);
	if (fd < 0)
		return;
	at = map(fd, 4096);
	close(fd);
	if (!at)
		return;
	if (!strcmp(role, "add")) {
		++*at;
		exit(0);
	}
	*at = 1;
	if (!strcmp(role, "create"))
		pause();
	if (!strcmp(role, "leave"))
		exit(0);
	munmap((void *)at, 4096);
	exit(ERRNO(shm_unlink(name)));
}

/* The name of an object, with its slash, which is removed in the end. */
FIXTURE(shm) {
	int device;
	char name[80];
};

FIXTURE_SETUP(shm)
{
	umask(0);
	self->device = open_device();
	ASSERT_LE(0, self->device);
	snprintf(self->name, sizeof(self->name), "/%s", make_name("shm").text);
	unlink_name(self->device, IPCSHM_REGION, self->name);
}

FIXTURE_TEARDOWN(shm)
{
	unlink_name(self->device, IPCSHM_REGION, self->name);
	close(self->device);
}

static bool has_region(FIXTURE_DATA(shm) *self)
{
	return try_open(self->device, IPCSHM_REGION, self->name, R) != -ENOENT;
}

static off_t size_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) ? -1 : status.st_size;
}

TEST_F(shm, is_a_region_of_the_module)
{
	int fd = shm_open(self->name, O_CREAT | O_RDWR, 0640);
	struct ipcshm_region_stat stat;
	struct stat status;
	char path[128];

	ASSERT_LE(0, fd);
	stat = region_stat(fd);
	EXPECT_EQ(IPCSHM_REGION, stat.stat.kind);
	EXPECT_EQ(IPCSHM_STAT_NAMED | IPCSHM_STAT_PERSISTENT, stat.stat.flags);
	EXPECT_EQ(0, stat.size);
	ASSERT_EQ(0, fstat(fd, &status));
	EXPECT_EQ(S_IFREG | 0640, status.st_mode);
	EXPECT_EQ(0, status.st_size);
	EXPECT_EQ(geteuid(), status.st_uid);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	snprintf(path, sizeof(path), "/dev/shm%s", self->name);
	EXPECT_EQ(-1, access(path, F_OK));
}

TEST_F(shm, names_are_those_of_libc)
{
	char longest[NAME_MAX + 3];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[NAME_MAX + 2] = '\0';
	EXPECT_EQ(EINVAL, ERRNO(shm_open("", O_RDONLY, 0)));
	EXPECT_EQ(EINVAL, ERRNO(shm_open("/", O_RDONLY, 0)));
	EXPECT_EQ(EINVAL, ERRNO(shm_open("/a/b", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(ENAMETOOLONG, ERRNO(shm_open(longest, O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(EINVAL, ERRNO(shm_unlink("/")));
	EXPECT_EQ(EINVAL, ERRNO(shm_unlink("/a/b")));
	EXPECT_EQ(ENAMETOOLONG, ERRNO(shm_unlink(longest)));
	EXPECT_EQ(ENOENT, ERRNO(shm_open(self->name, O_RDONLY, 0)));
	EXPECT_EQ(ENOENT, ERRNO(shm_unlink(self->name)));
	longest[NAME_MAX + 1] = '\0';
	EXPECT_EQ(0, ERRNO(shm_open(longest, O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(0, ERRNO(shm_unlink(longest)));
	/* Slashes in front make no difference. */
	EXPECT_EQ(0, ERRNO(shm_open(self->name + 1, O_CREAT | O_EXCL | O_RDWR, 0600)));
	EXPECT_EQ(EEXIST, ERRNO(shm_open(self->name, O_CREAT | O_EXCL | O_RDWR, 0600)));
}

TEST_F(shm, flags_are_those_of_open)
{
	int fd = create_page(self->name, 0), reader;

	ASSERT_LE(0, fd);
	EXPECT_EQ(EEXIST, ERRNO(shm_open(self->name, O_CREAT | O_EXCL | O_RDWR, 0600)));
	EXPECT_EQ(EINVAL, ERRNO(shm_open(self->name, O_WRONLY, 0)));
	reader = shm_open(self->name, O_CREAT | O_RDONLY, 0600);
	ASSERT_LE(0, reader);
	EXPECT_EQ(4096, size_of(reader));
	EXPECT_EQ(EINVAL, ERRNO(ftruncate(reader, 8192)));
	EXPECT_EQ(NULL, map(reader, 4096));
	EXPECT_EQ(EACCES, errno);
	EXPECT_NE(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0));
}

TEST_F(shm, mode_decides_who_opens_it)
{
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, create_page(self->name, 0));
	pid = fork_peer();
	if (!pid) {
		if (setgid(OTHER_USER) || setuid(OTHER_USER))
			_exit(1);
		if (ERRNO(shm_open(self->name, O_RDONLY, 0)) != EACCES)
			_exit(2);
		_exit(ERRNO(shm_unlink(self->name)) != EACCES ? 3 : 0);
	}
	EXPECT_EQ(0, wait_child(pid));
}

TEST_F(shm, size_is_set_by_ftruncate)
{
	static const off_t sizes[] = { 1, 100, 4096, 100000, 5000, 0, 8192 };
	int fd = shm_open(self->name, O_CREAT | O_RDWR, 0600);
	unsigned int i;

	ASSERT_LE(0, fd);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ASSERT_EQ(0, ftruncate(fd, sizes[i]));
		EXPECT_EQ(sizes[i], size_of(fd));
		ASSERT_EQ(0, ftruncate64(fd, sizes[i] + 1));
		EXPECT_EQ(sizes[i] + 1, size_of(fd));
	}
	EXPECT_EQ(EINVAL, ERRNO(ftruncate(fd, -1)));
	EXPECT_EQ(EFBIG, ERRNO(ftruncate(fd, LONG_MAX)));
	EXPECT_EQ(ENOSPC, ERRNO(ftruncate(fd, 1L << 42)));
	EXPECT_EQ(8193, size_of(fd));
}

TEST_F(shm, posix_fallocate_grows_it_and_never_shrinks_it)
{
	int fd = shm_open(self->name, O_CREAT | O_RDWR, 0600);

	ASSERT_LE(0, fd);
	errno = 7;
	EXPECT_EQ(0, posix_fallocate(fd, 0, 10000));
	EXPECT_EQ(10000, size_of(fd));
	EXPECT_EQ(12288, region_stat(fd).allocated);
	EXPECT_EQ(0, posix_fallocate64(fd, 100, 200));
	EXPECT_EQ(10000, size_of(fd));
	EXPECT_EQ(EINVAL, posix_fallocate(fd, 0, 0));
	EXPECT_EQ(EINVAL, posix_fallocate(fd, -1, 1));
	EXPECT_EQ(EFBIG, posix_fallocate(fd, LONG_MAX, 1));
	EXPECT_EQ(ENOSPC, posix_fallocate(fd, 0, 1L << 42));
	EXPECT_EQ(10000, size_of(fd));
	EXPECT_EQ(7, errno);
}

TEST_F(shm, other_files_are_left_to_libc)
{
	int file = memfd_create("file", MFD_ALLOW_SEALING);

	ASSERT_LE(0, file);
	EXPECT_EQ(0, ftruncate(file, 100));
	EXPECT_EQ(0, posix_fallocate(file, 0, 200));
	EXPECT_EQ(200, size_of(file));
	ASSERT_EQ(0, fcntl(file, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	EXPECT_EQ(EPERM, ERRNO(ftruncate(file, 300)));
	EXPECT_EQ(EPERM, posix_fallocate(file, 0, 300));
	EXPECT_EQ(EBADF, ERRNO(ftruncate(-1, 300)));
	EXPECT_EQ(EBADF, posix_fallocate(-1, 0, 300));
	EXPECT_EQ(200, size_of(file));
}

TEST_F(shm, memory_is_shared_with_a_program_that_opens_it)
{
	int fd = create_page(self->name, 0);
	volatile char *at = map(fd, 4096);

	ASSERT_NE(NULL, at);
	*at = 40;
	EXPECT_EQ(0, wait_child(play_role("add", self->name, NULL)));
	EXPECT_EQ(0, wait_child(play_role("add", self->name, NULL)));
	EXPECT_EQ(42, *at);
	EXPECT_EQ(1, pwrite(fd, "\7", 1, 9));
	EXPECT_EQ(7, at[9]);
}

/* A descriptor alone is enough: the program is static, so nothing is preloaded. */
TEST_F(shm, descriptor_serves_a_program_without_the_drop_in)
{
	int fd = create_page(self->name, 0);
	volatile char *at = map(fd, 4096);
	char number[16];
	pid_t pid;

	ASSERT_NE(NULL, at);
	*at = 41;
	fcntl(fd, F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", fd);
	pid = fork_peer();
	if (!pid)
		exec_peer((char *[]) { "peer", "region-fd", number, NULL });
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(42, *at);
}

TEST_F(shm, truncation_empties_it)
{
	int fd = create_page(self->name, 0), again;

	ASSERT_EQ(4, pwrite(fd, "data", 4, 0));
	again = shm_open(self->name, O_RDWR | O_TRUNC, 0);
	ASSERT_LE(0, again);
	EXPECT_EQ(0, size_of(fd));
	ASSERT_EQ(0, ftruncate(again, 4096));
	EXPECT_EQ(0, *map(fd, 4096));
	EXPECT_NE(0, ERRNO(shm_open(self->name, O_RDONLY | O_TRUNC, 0)));
}

TEST_F(shm, truncation_leaves_the_size_to_others_that_map_it)
{
	pid_t pid = play_role("create", self->name, NULL);
	char byte = 9;
	int fd;

	ASSERT_TRUE(WAIT_UNTIL((fd = shm_open(self->name, O_RDWR, 0)) >= 0 &&
			       pread(fd, &byte, 1, 0) == 1 && byte == 1));
	fd = shm_open(self->name, O_CREAT | O_RDWR | O_TRUNC, 0600);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4096, size_of(fd));
	EXPECT_EQ(1, pread(fd, &byte, 1, 0));
	EXPECT_EQ(0, byte);
	EXPECT_EQ(EBUSY, ERRNO(ftruncate(fd, 100)));
	EXPECT_EQ(0, ftruncate(fd, 4096));
	EXPECT_EQ(0, ftruncate(fd, 8192));
	kill_child(pid);
	EXPECT_TRUE(WAIT_UNTIL(!ftruncate(fd, 100)));
}

TEST_F(shm, unlink_leaves_it_to_its_users)
{
	int fd = create_page(self->name, 0), other;
	volatile char *at = map(fd, 4096);

	ASSERT_NE(NULL, at);
	*at = 5;
	ASSERT_EQ(0, shm_unlink(self->name));
	EXPECT_EQ(ENOENT, ERRNO(shm_unlink(self->name)));
	EXPECT_EQ(ENOENT, ERRNO(shm_open(self->name, O_RDWR, 0)));
	other = create_page(self->name, 0);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, *map(other, 4096));
	EXPECT_EQ(5, *at);
	EXPECT_EQ(0, ftruncate(fd, 8192));
}

TEST_F(shm, persists_until_unlinked)
{
	pid_t pid = play_role("create", self->name, NULL);
	char byte = 0;
	int fd;

	ASSERT_TRUE(WAIT_UNTIL(has_region(self)));
	ASSERT_TRUE(WAIT_UNTIL((fd = shm_open(self->name, O_RDWR, 0)) >= 0 &&
			       pread(fd, &byte, 1, 0) == 1 && byte == 1));
	kill_child(pid);
	close(fd);
	EXPECT_TRUE(has_region(self));
	fd = shm_open(self->name, O_RDWR, 0);
	EXPECT_EQ(1, *map(fd, 4096));
}

TEST_F(shm, goes_with_its_last_user_if_asked_to)
{
	pid_t pid = play_role("create", self->name, "IPCSHM_AUTO_REMOVE");
	int fd;

	ASSERT_TRUE(WAIT_UNTIL((fd = shm_open(self->name, O_RDWR, 0)) >= 0));
	kill_child(pid);
	EXPECT_TRUE(has_region(self));
	close(fd);
	EXPECT_TRUE(WAIT_UNTIL(!has_region(self)));
	EXPECT_EQ(0, wait_child(play_role("remove", self->name, "IPCSHM_AUTO_REMOVE")));
	EXPECT_EQ(0, wait_child(play_role("remove", self->name, NULL)));
}

/* As "ipcshm run --auto-remove" does. */
static int open_session(int device)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = IPCSHM_UNBOUNDED,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = 1,
	};
	int fd = ipcshm_queue_open(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, &attr);
	char text[64];

	fcntl(fd, F_SETFD, 0);
	snprintf(text, sizeof(text), "%d:%llu", fd, (unsigned long long)attr.id);
	setenv("IPCSHM_SESSION", text, 1);
	return fd;
}

TEST_F(shm, lasts_as_long_as_the_session)
{
	int session = open_session(self->device);

	ASSERT_LE(0, session);
	EXPECT_EQ(0, wait_child(play_role("leave", self->name, "IPCSHM_AUTO_REMOVE")));
	EXPECT_EQ(0, wait_child(play_role("add", self->name, "IPCSHM_AUTO_REMOVE")));
	EXPECT_TRUE(has_region(self));
	EXPECT_EQ(1, queue_stat(session).messages);
	/* What is unlinked is not kept. */
	EXPECT_EQ(0, wait_child(play_role("unlink", self->name, "IPCSHM_AUTO_REMOVE")));
	EXPECT_FALSE(has_region(self));
	EXPECT_EQ(0, queue_stat(session).messages);
	EXPECT_EQ(0, wait_child(play_role("leave", self->name, "IPCSHM_AUTO_REMOVE")));
	EXPECT_TRUE(has_region(self));
	close(session);
	EXPECT_TRUE(WAIT_UNTIL(!has_region(self)));
}

/* Another descriptor with the number of a closed session is none. */
TEST_F(shm, ends_with_its_last_user_without_the_session)
{
	static const char *const values[] = { "100000:5", "0:1", "nonsense", "" };
	int session = open_session(self->device), other;
	char text[64];
	unsigned int i;

	snprintf(text, sizeof(text), "%s", getenv("IPCSHM_SESSION"));
	other = open_session(self->device);
	ASSERT_EQ(session, dup2(other, session));
	setenv("IPCSHM_SESSION", text, 1);
	EXPECT_EQ(0, wait_child(play_role("leave", self->name, "IPCSHM_AUTO_REMOVE")));
	EXPECT_TRUE(WAIT_UNTIL(!has_region(self)));
	EXPECT_EQ(0, queue_stat(session).messages);
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		setenv("IPCSHM_SESSION", values[i], 1);
		EXPECT_EQ(0, wait_child(play_role("leave", self->name, "IPCSHM_AUTO_REMOVE")));
		EXPECT_TRUE(WAIT_UNTIL(!has_region(self)));
	}
}

TEST_F(shm, takes_the_lowest_descriptor)
{
	int lowest = dup(0), fd;

	close(lowest);
	fd = shm_open(self->name, O_CREAT | O_RDWR, 0600);
	EXPECT_EQ(lowest, fd);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, shm_unlink(self->name));
	EXPECT_EQ(lowest, dup(0));
}

COMPAT_TEST_MAIN
