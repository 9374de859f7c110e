// SPDX-License-Identifier: GPL-2.0-only
/* Owner and mode of a descriptor's inode: which users may open, change and revoke an object. */
#include <linux/capability.h>
#include <sys/eventfd.h>
#include <sys/xattr.h>

#include "common/harness.h"
#include "common/object.h"
#include "names_fixture.h"

/*
 * Queues: each has an inode of its own, which holds owner, group and mode.
 */

FIXTURE(queue_inode) {
	int device;
	int fd;
	struct test_name name;
	struct user owner, other;
};

FIXTURE_SETUP(queue_inode)
{
	umask(0);
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->name = make_name("queue-inode");
	self->owner = make_user(0);
	self->other = make_user(1);
	if (geteuid())
		self->fd =
			open_kind(self->device, IPCSHM_QUEUE, self->name.text, R | W | C | X, 0600);
	else
		self->fd = create_as(self->owner, self->device, IPCSHM_QUEUE, self->name.text,
				     R | W | X, 0600);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(queue_inode)
{
	unlink_name(self->device, IPCSHM_QUEUE, self->name.text);
	close(self->device);
}

#define QUEUE_ATTEMPT(user, rights)					\
	attempt_as(user, &(struct attempt) { self->device, IPCSHM_QUEUE,	\
					     self->name.text, rights, false })

TEST_F(queue_inode, opens_as_fchmod_permits)
{
	SKIP_UNLESS_ROOT;
	EXPECT_EQ(-EACCES, QUEUE_ATTEMPT(self->other, R));
	ASSERT_EQ(0, fchmod(self->fd, 0604));
	EXPECT_EQ(0604, queue_stat(self->fd).stat.mode);
	EXPECT_EQ(0, QUEUE_ATTEMPT(self->other, R));
	EXPECT_EQ(-EACCES, QUEUE_ATTEMPT(self->other, R | W));
	ASSERT_EQ(0, fchmod(self->fd, 0066));
	EXPECT_EQ(0, QUEUE_ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, QUEUE_ATTEMPT(self->owner, R));
}

TEST_F(queue_inode, opens_as_fchown_permits)
{
	const struct attempt unlink_it = {
		self->device, IPCSHM_QUEUE, self->name.text, 0, true
	};

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(self->fd, self->other.uid, -1));
	EXPECT_EQ(self->other.uid, queue_stat(self->fd).stat.uid);
	EXPECT_EQ(self->owner.gid, queue_stat(self->fd).stat.gid);
	EXPECT_EQ(0, QUEUE_ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, QUEUE_ATTEMPT(self->owner, R));
	EXPECT_EQ(-EACCES, attempt_as(self->owner, &unlink_it));
	EXPECT_EQ(0, attempt_as(self->other, &unlink_it));
}

TEST_F(queue_inode, changes_for_its_owner_alone)
{
	pid_t pid;

	SKIP_UNLESS_ROOT;
	pid = fork();
	if (pid == 0)
		_exit(become_user(self->other) && fchmod(self->fd, 0666) && errno == EPERM &&
		      fchown(self->fd, self->other.uid, -1) && errno == EPERM ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(0600, queue_stat(self->fd).stat.mode);
	pid = fork();
	if (pid == 0)
		_exit(become_user(self->owner) && !fchmod(self->fd, 0640) ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(0640, queue_stat(self->fd).stat.mode);
}

static mode_t mode_of(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? 0 : stat.st_mode & 07777;
}

static ino_t inode_of(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? 0 : stat.st_ino;
}

TEST_F(queue_inode, changes_no_other_descriptor)
{
	int queue = open_kind(self->device, IPCSHM_QUEUE, NULL, R | W | C, 0600);
	int again = open_kind(self->device, IPCSHM_QUEUE, self->name.text, R, 0);
	int event = eventfd(0, EFD_CLOEXEC);
	mode_t before = mode_of(event);

	ASSERT_LE(0, queue);
	ASSERT_LE(0, again);
	ASSERT_EQ(0, fchmod(self->fd, 0321));
	EXPECT_EQ(0321, mode_of(self->fd));
	EXPECT_EQ(0321, mode_of(again));
	EXPECT_EQ(0600, mode_of(queue));
	EXPECT_EQ(0600, queue_stat(queue).stat.mode);
	EXPECT_EQ(before, mode_of(event));
	EXPECT_EQ(inode_of(self->fd), inode_of(again));
	EXPECT_NE(inode_of(self->fd), inode_of(queue));
	EXPECT_NE(inode_of(self->fd), inode_of(event));
	close(event);
	close(again);
	close(queue);
}

TEST_F(queue_inode, shows_owner_and_mode_in_fstat)
{
	struct stat stat;

	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(0600, stat.st_mode);
	EXPECT_EQ(queue_stat(self->fd).stat.uid, stat.st_uid);
	EXPECT_EQ(queue_stat(self->fd).stat.gid, stat.st_gid);
	EXPECT_EQ(0, stat.st_size);
}

/* An access control list would be neither shown by QUEUE_STAT nor asked. */
TEST_F(queue_inode, refuses_access_control_lists)
{
	static const struct {
		__u32 version;
		struct { __u16 tag, perm; __u32 id; } entries[4];
	} list = { 2, { { 1, 6, -1 }, { 4, 0, -1 }, { 16, 6, -1 }, { 32, 0, -1 } } };

	EXPECT_EQ(-1, fsetxattr(self->fd, "system.posix_acl_access", &list, sizeof(list), 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, fsetxattr(self->fd, "user.test", "", 0, 0));
	EXPECT_EQ(0600, queue_stat(self->fd).stat.mode);
}

TEST_F(queue_inode, has_no_size_to_change)
{
	EXPECT_EQ(-1, ftruncate(self->fd, 4096));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fallocate(self->fd, 0, 0, 4096));
	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
}

static int reopen_descriptor(int fd, int flags)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

TEST_F(queue_inode, is_not_opened_through_proc)
{
	char path[64], link[64] = "";
	int at;

	SKIP_UNLESS_ROOT;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	EXPECT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ("anon_inode:[ipcshm-queue]", link);
	EXPECT_EQ(-ENXIO, reopen_descriptor(self->fd, O_RDONLY));
	EXPECT_EQ(-ENXIO, reopen_descriptor(self->fd, O_WRONLY));
	EXPECT_EQ(-ENXIO, reopen_descriptor(self->fd, O_RDWR));
	at = reopen_descriptor(self->fd, O_PATH);
	ASSERT_LE(0, at);
	EXPECT_EQ(0600, mode_of(at));
	EXPECT_EQ(-ENXIO, reopen_descriptor(at, O_RDWR));
	close(at);
}

/*
 * Regions: the effects of their inode.
 */

FIXTURE(region) {
	int device;
	int fd;
	struct test_name name;
	struct user owner, other;
};

FIXTURE_SETUP(region)
{
	umask(0);
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->name = make_name("region-names");
	self->owner = make_user(0);
	self->other = make_user(1);
	if (geteuid()) {
		self->fd = open_kind(self->device, IPCSHM_REGION, self->name.text, R | W | C | X,
				     0600);
	} else {
		self->fd = create_as(self->owner, self->device, IPCSHM_REGION, self->name.text,
				     R | W | X, 0600);
	}
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(region)
{
	unlink_name(self->device, IPCSHM_REGION, self->name.text);
	close(self->device);
}

#define ATTEMPT(user, rights)						\
	attempt_as(user, &(struct attempt) { self->device, IPCSHM_REGION,	\
					     self->name.text, rights, false })

TEST_F(region, opens_as_fchmod_permits)
{
	SKIP_UNLESS_ROOT;
	EXPECT_EQ(-EACCES, ATTEMPT(self->other, R));
	ASSERT_EQ(0, fchmod(self->fd, 0604));
	EXPECT_EQ(0604, region_stat(self->fd).stat.mode);
	EXPECT_EQ(0, ATTEMPT(self->other, R));
	EXPECT_EQ(-EACCES, ATTEMPT(self->other, R | W));
	ASSERT_EQ(0, fchmod(self->fd, 0066));
	EXPECT_EQ(0, ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, ATTEMPT(self->owner, R));
}

/* The group bits of the mode are then the list's mask, and no longer the group's rights. */
TEST_F(region, opens_as_its_access_control_list_permits)
{
	const struct user member = { make_user(2).uid, self->owner.gid, 0 };
	const struct {
		__u32 version;
		struct { __u16 tag, perm; __u32 id; } entries[5];
	} list = { 2, { { 1, 6, -1 }, { 2, 4, self->other.uid }, { 4, 0, -1 }, { 16, 6, -1 },
			{ 32, 0, -1 } } };

	SKIP_UNLESS_ROOT;
	EXPECT_EQ(-EACCES, ATTEMPT(self->other, R));
	if (fsetxattr(self->fd, "system.posix_acl_access", &list, sizeof(list), 0) &&
	    errno == EOPNOTSUPP)
		SKIP(return, "no access control lists in this kernel's tmpfs");
	EXPECT_EQ(0660, region_stat(self->fd).stat.mode);
	EXPECT_EQ(0, ATTEMPT(self->other, R));
	EXPECT_EQ(-EACCES, ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, ATTEMPT(member, R));
	EXPECT_EQ(0, ATTEMPT(self->owner, R | W));
}

TEST_F(region, opens_as_fchown_permits)
{
	const struct attempt unlink_it = {
		self->device, IPCSHM_REGION, self->name.text, 0, true
	};

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(self->fd, self->other.uid, -1));
	EXPECT_EQ(self->other.uid, region_stat(self->fd).stat.uid);
	EXPECT_EQ(self->owner.gid, region_stat(self->fd).stat.gid);
	EXPECT_EQ(0, ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, ATTEMPT(self->owner, R));
	EXPECT_EQ(-EACCES, attempt_as(self->owner, &unlink_it));
	EXPECT_EQ(0, attempt_as(self->other, &unlink_it));
}

TEST_F(region, changes_its_mode_for_its_owner_alone)
{
	pid_t pid;

	SKIP_UNLESS_ROOT;
	pid = fork();
	if (pid == 0)
		_exit(become_user(self->other) && fchmod(self->fd, 0666) && errno == EPERM ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(0600, region_stat(self->fd).stat.mode);
	pid = fork();
	if (pid == 0)
		_exit(become_user(self->owner) && !fchmod(self->fd, 0640) ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(0640, region_stat(self->fd).stat.mode);
}

static int revoke_region(int fd)
{
	struct ipcshm_region_revoke_args args = { 0 };

	return call(fd, IPCSHM_IOC_REGION_REVOKE, &args);
}

static int revoke_with(struct user user, __u64 capabilities, int fd)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(!prctl(PR_SET_KEEPCAPS, 1) && become_user(user) &&
				      change_capabilities(capabilities)
			      ? -revoke_region(fd)
			      : 255);
	return -wait_child(pid);
}

TEST_F(region, is_revoked_by_its_owner_alone)
{
	const struct user root = { 0, 0, 0 }, member = { self->other.uid, self->owner.gid, 0 };
	const __u64 ipc_owner = 1ULL << CAP_IPC_OWNER;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchmod(self->fd, 0666));
	EXPECT_EQ(-EACCES, revoke_with(self->other, 0, self->fd));
	EXPECT_EQ(-EACCES, revoke_with(member, 0, self->fd));
	EXPECT_EQ(-EACCES, revoke_with(root, ~ipc_owner, self->fd));
	EXPECT_EQ(0, region_stat(self->fd).stat.flags & IPCSHM_STAT_REVOKED);
	EXPECT_EQ(0, try_open(self->device, IPCSHM_REGION, self->name.text, R));
	EXPECT_EQ(0, revoke_with(self->owner, 0, self->fd));
	EXPECT_NE(0, region_stat(self->fd).stat.flags & IPCSHM_STAT_REVOKED);
	/* once more is for the owner alone, too */
	EXPECT_EQ(-EACCES, revoke_with(self->other, 0, self->fd));
	EXPECT_EQ(0, revoke_with(self->owner, 0, self->fd));
}

TEST_F(region, is_revoked_with_cap_ipc_owner)
{
	SKIP_UNLESS_ROOT;
	EXPECT_EQ(0, revoke_with(self->other, 1ULL << CAP_IPC_OWNER, self->fd));
	EXPECT_NE(0, region_stat(self->fd).stat.flags & IPCSHM_STAT_REVOKED);
}

/* The new owner may, the old one may no longer; the right to write is not needed. */
TEST_F(region, is_revoked_by_its_new_owner_after_fchown)
{
	int reader = open_kind(self->device, IPCSHM_REGION, self->name.text, R, 0);

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, reader);
	ASSERT_EQ(0, fchown(self->fd, self->other.uid, -1));
	EXPECT_EQ(-EACCES, revoke_with(self->owner, 0, reader));
	EXPECT_EQ(0, revoke_with(self->other, 0, reader));
	close(reader);
}

/* The name is free for another region at once. */
TEST_F(region, loses_its_name_when_it_is_revoked)
{
	for (int persistent = 0; persistent < 2; persistent++) {
		const __u32 flags = R | W | C | X | (persistent ? P : 0);
		int fd, next;

		unlink_name(self->device, IPCSHM_REGION, self->name.text);
		fd = open_kind(self->device, IPCSHM_REGION, self->name.text, flags, 0600);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, revoke_region(fd));
		EXPECT_EQ(-ENOENT, try_open(self->device, IPCSHM_REGION, self->name.text, R));
		EXPECT_EQ(-ENOENT, unlink_name(self->device, IPCSHM_REGION, self->name.text));
		EXPECT_EQ(IPCSHM_STAT_REVOKED, region_stat(fd).stat.flags);
		EXPECT_EQ(1, region_stat(fd).stat.opens);
		next = open_kind(self->device, IPCSHM_REGION, self->name.text, R | C | X, 0600);
		EXPECT_LE(0, next);
		EXPECT_NE(region_stat(fd).stat.id, region_stat(next).stat.id);
		EXPECT_EQ(0, revoke_region(fd));	/* which isn't about the name's new owner */
		EXPECT_EQ(0, try_open(self->device, IPCSHM_REGION, self->name.text, R));
		close(next);
		close(fd);
	}
}

TEST_F(region, has_owner_mode_and_size_in_fstat)
{
	struct ipcshm_region_stat own = region_stat(self->fd);
	struct stat stat;

	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_TRUE(S_ISREG(stat.st_mode));
	EXPECT_EQ(own.stat.uid, stat.st_uid);
	EXPECT_EQ(own.stat.gid, stat.st_gid);
	EXPECT_EQ(own.stat.mode, stat.st_mode & 07777);
	EXPECT_EQ(own.size, (__u64)stat.st_size);
}

TEST_F(region, is_kept_by_a_mapping_alone)
{
	const int protections[] = { MAP_SHARED, MAP_PRIVATE };

	for (size_t i = 0; i < ARRAY_SIZE(protections); i++) {
		int fd = self->fd;
		char *mapping;

		if (i) {
			fd = open_kind(self->device, IPCSHM_REGION, self->name.text, R | W | C | X,
				       0600);
		}
		mapping = mmap(NULL, 1, PROT_READ | PROT_WRITE, protections[i], fd, 0);
		ASSERT_NE(MAP_FAILED, (void *)mapping);
		close(fd);
		fd = open_kind(self->device, IPCSHM_REGION, self->name.text, R, 0);
		EXPECT_LE(0, fd);
		EXPECT_EQ(2, region_stat(fd).stat.opens);
		close(fd);
		ASSERT_EQ(0, munmap(mapping, 1));
		EXPECT_EQ(-ENOENT, try_open(self->device, IPCSHM_REGION, self->name.text, R));
	}
}

TEST_F(region, is_kept_by_a_childs_mapping_alone)
{
	struct signal_pipe pipe = make_pipe();
	char *mapping = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, (void *)mapping);
	close(self->fd);
	pid = fork_peer();
	if (pid == 0) {
		close(pipe.write);
		pipe_await(&pipe);
		_exit(0);
	}
	ASSERT_EQ(0, munmap(mapping, 1));
	EXPECT_EQ(0, try_open(self->device, IPCSHM_REGION, self->name.text, R));
	kill_child(pid);
	EXPECT_EQ(-ENOENT, try_open(self->device, IPCSHM_REGION, self->name.text, R));
	close_pipe(&pipe);
}

IPCSHM_TEST_MAIN
