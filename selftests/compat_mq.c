// SPDX-License-Identifier: GPL-2.0-only
/* The drop-in: names, descriptors, attributes and lifetime of POSIX message queues. */
#include "compat_mq_fixture.h"

/*
 * create: hold a new queue open until killed
 * remove: close a new queue, and exit with the errno of unlinking it
 */
static void play(const char *role, const char *name)
{
	mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0600, NULL);

	if (queue < 0)
		return;
	if (!strcmp(role, "create"))
		pause();
	mq_close(queue);
	exit(ERRNO(mq_unlink(name)));
}

TEST_F(mq, is_a_queue_of_the_module)
{
	mqd_t queue = mq_open(self->name, O_CREAT | O_RDWR, 0640, NULL);
	struct ipcshm_queue_stat stat;

	ASSERT_LE(0, queue);
	stat = queue_stat(queue);
	EXPECT_EQ(IPCSHM_QUEUE, stat.stat.kind);
	EXPECT_EQ(IPCSHM_STAT_NAMED | IPCSHM_STAT_PERSISTENT, stat.stat.flags);
	EXPECT_EQ(0640, stat.stat.mode);
	EXPECT_EQ(10, stat.max_messages);
	EXPECT_EQ(8192, stat.max_message_size);
	EXPECT_TRUE(is_there(self->device, self->name + 1));
}

TEST_F(mq, names_are_those_of_linux)
{
	char longest[NAME_MAX + 3];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[NAME_MAX + 2] = '\0';
	EXPECT_EQ(EINVAL, ERRNO(mq_open("none", O_RDONLY)));
	EXPECT_EQ(EINVAL, ERRNO(mq_open("", O_RDONLY)));
	EXPECT_EQ(ENOENT, ERRNO(mq_open("/", O_RDONLY)));
	EXPECT_EQ(EACCES, ERRNO(mq_open("/a/b", O_CREAT | O_RDWR, 0600, NULL)));
	EXPECT_EQ(EACCES, ERRNO(mq_open("//a", O_CREAT | O_RDWR, 0600, NULL)));
	EXPECT_EQ(EACCES, ERRNO(mq_open("/.", O_RDONLY)));
	EXPECT_EQ(EACCES, ERRNO(mq_open("/..", O_RDONLY)));
	EXPECT_EQ(ENAMETOOLONG, ERRNO(mq_open(longest, O_RDONLY)));
	EXPECT_EQ(EINVAL, ERRNO(mq_unlink("none")));
	EXPECT_EQ(ENOENT, ERRNO(mq_unlink("/")));
	EXPECT_EQ(EACCES, ERRNO(mq_unlink("/a/b")));
	EXPECT_EQ(ENAMETOOLONG, ERRNO(mq_unlink(longest)));
	EXPECT_EQ(ENOENT, ERRNO(mq_unlink(self->name)));
	longest[NAME_MAX + 1] = '\0';
	EXPECT_EQ(0, ERRNO(mq_open(longest, O_CREAT | O_RDWR, 0600, NULL)));
	EXPECT_EQ(0, ERRNO(mq_unlink(longest)));
}

TEST_F(mq, opens_as_the_flags_ask)
{
	mqd_t queue;

	EXPECT_EQ(ENOENT, ERRNO(mq_open(self->name, O_RDONLY)));
	EXPECT_EQ(EINVAL, ERRNO(mq_open(self->name, O_CREAT | O_ACCMODE, 0600, NULL)));
	queue = mq_open(self->name, O_CREAT | O_EXCL | O_RDONLY | O_NONBLOCK, 0600, NULL);
	ASSERT_LE(0, queue);
	EXPECT_EQ(EEXIST, ERRNO(mq_open(self->name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL)));
	EXPECT_EQ(0, ERRNO(mq_open(self->name, O_CREAT | O_RDWR, 0600, NULL)));
	EXPECT_EQ(O_NONBLOCK | O_RDONLY, fcntl(queue, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	EXPECT_EQ(FD_CLOEXEC, fcntl(queue, F_GETFD));
	EXPECT_EQ(EBADF, ERRNO(mq_send(queue, "x", 1, 0)));
}

TEST_F(mq, checks_attributes_of_a_new_queue_only)
{
	struct mq_attr none = { 0 }, negative = { .mq_maxmsg = 1, .mq_msgsize = -1 };
	struct mq_attr huge = { .mq_maxmsg = 1, .mq_msgsize = IPCSHM_MESSAGE_MAX + 1L };
	struct mq_attr many = { .mq_maxmsg = UINT32_MAX, .mq_msgsize = 8192 };
	struct mq_attr too_many = { .mq_maxmsg = LONG_MAX, .mq_msgsize = 8 };
	const int create = O_CREAT | O_RDWR;

	EXPECT_EQ(EINVAL, ERRNO(mq_open(self->name, create, 0600, &none)));
	EXPECT_EQ(EINVAL, ERRNO(mq_open(self->name, create | O_EXCL, 0600, &negative)));
	EXPECT_EQ(EINVAL, ERRNO(mq_open(self->name, create, 0600, &huge)));
	EXPECT_EQ(EINVAL, ERRNO(mq_open(self->name, create, 0600, &too_many)));
	EXPECT_EQ(ENOSPC, ERRNO(mq_open(self->name, create, 0600, &many)));
	EXPECT_FALSE(is_there(self->device, self->name));
	ASSERT_LE(0, create_small(self->name, 0, 3));
	EXPECT_EQ(0, ERRNO(mq_open(self->name, create, 0600, &none)));
	EXPECT_EQ(EEXIST, ERRNO(mq_open(self->name, create | O_EXCL, 0600, &none)));
}

TEST_F(mq, takes_mode_and_umask)
{
	mqd_t queue;

	umask(022);
	queue = mq_open(self->name, O_CREAT | O_RDWR, 07666, NULL);
	ASSERT_LE(0, queue);
	EXPECT_EQ(0644, queue_stat(queue).stat.mode);
}

static int open_as(struct user user, const char *name, int flags)
{
	pid_t pid = fork_peer();

	if (!pid)
		_exit(become_user(user) ? ERRNO(mq_open(name, flags)) : 255);
	return wait_child(pid);
}

static int unlink_as(struct user user, const char *name)
{
	pid_t pid = fork_peer();

	if (!pid)
		_exit(become_user(user) ? ERRNO(mq_unlink(name)) : 255);
	return wait_child(pid);
}

TEST_F(mq, permits_by_mode_and_owner)
{
	struct user owner = make_user(0), other = make_user(1);
	mqd_t queue;

	SKIP_UNLESS_ROOT;
	queue = mq_open(self->name, O_CREAT | O_RDWR, 0604, NULL);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, fchown(queue, owner.uid, owner.gid));
	EXPECT_EQ(0, open_as(owner, self->name, O_RDWR));
	EXPECT_EQ(0, open_as(other, self->name, O_RDONLY));
	EXPECT_EQ(EACCES, open_as(other, self->name, O_WRONLY));
	EXPECT_EQ(EACCES, open_as(other, self->name, O_RDWR));
	EXPECT_EQ(EACCES, unlink_as(other, self->name));
	EXPECT_EQ(0, unlink_as(owner, self->name));
}

TEST_F(mq, shows_and_sets_attributes)
{
	mqd_t queue = create_small(self->name, 0, 3);
	struct mq_attr attr, set = { .mq_flags = O_NONBLOCK, .mq_maxmsg = 99, .mq_msgsize = 99 };

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	ASSERT_EQ(0, mq_setattr(queue, &set, &attr));
	EXPECT_EQ(0, attr.mq_flags);
	EXPECT_EQ(3, attr.mq_maxmsg);
	EXPECT_EQ(16, attr.mq_msgsize);
	EXPECT_EQ(1, attr.mq_curmsgs);
	ASSERT_EQ(0, mq_getattr(queue, &attr));
	EXPECT_EQ(O_NONBLOCK, attr.mq_flags);
	EXPECT_EQ(3, attr.mq_maxmsg);
	set.mq_flags = 0;
	ASSERT_EQ(0, mq_setattr(queue, &set, NULL));
	ASSERT_EQ(0, mq_getattr(queue, &attr));
	EXPECT_EQ(0, attr.mq_flags);
	set.mq_flags = O_NONBLOCK | O_APPEND;
	EXPECT_EQ(EINVAL, ERRNO(mq_setattr(queue, &set, NULL)));
}

/* O_NONBLOCK belongs to the open file, which a duplicate and a child share. */
TEST_F(mq, has_flags_by_open)
{
	mqd_t queue = create_small(self->name, 0, 3), other = mq_open(self->name, O_RDWR);
	struct mq_attr attr, set = { .mq_flags = O_NONBLOCK };
	pid_t pid;

	ASSERT_LE(0, other);
	pid = fork_peer();
	if (!pid)
		_exit(ERRNO(mq_setattr(queue, &set, NULL)));
	ASSERT_EQ(0, wait_child(pid));
	ASSERT_EQ(0, mq_getattr(dup(queue), &attr));
	EXPECT_EQ(O_NONBLOCK, attr.mq_flags);
	ASSERT_EQ(0, mq_getattr(other, &attr));
	EXPECT_EQ(0, attr.mq_flags);
}

TEST_F(mq, refuses_other_descriptors)
{
	struct mq_attr attr, set = { 0 };
	int ends[2], closed;
	char data[16];
	int i;

	ASSERT_EQ(0, pipe(ends));
	closed = dup(ends[0]);
	close(closed);
	for (i = 0; i < 3; i++) {
		int fd = ((int[]) { ends[0], closed, -1 })[i];

		EXPECT_EQ(EBADF, ERRNO(mq_getattr(fd, &attr)));
		EXPECT_EQ(EBADF, ERRNO(mq_setattr(fd, &set, &attr)));
		EXPECT_EQ(EBADF, ERRNO(mq_send(fd, "x", 1, 0)));
		EXPECT_EQ(EBADF, ERRNO(mq_receive(fd, data, sizeof(data), NULL)));
		EXPECT_EQ(EBADF, ERRNO(mq_notify(fd, NULL)));
	}
	EXPECT_EQ(EBADF, ERRNO(mq_close(closed)));
	EXPECT_EQ(EBADF, ERRNO(mq_close(-1)));
}

/* A queue of the kernel's that was inherited, or opened by a system call. */
TEST_F(mq, serves_queues_of_the_kernel)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	const int flags = O_CREAT | O_RDWR | O_NONBLOCK;
	unsigned int priority;
	mqd_t queue;
	char data[16];

	queue = (mqd_t)syscall(SYS_mq_open, self->name + 1, flags, 0600, &attr);
	if (queue < 0 && errno == ENOSYS)
		SKIP(return, "the kernel has no message queues");
	ASSERT_LE(0, queue);
	EXPECT_FALSE(is_there(self->device, self->name));
	EXPECT_EQ(0, mq_getattr(queue, &attr));
	EXPECT_EQ(2, attr.mq_maxmsg);
	EXPECT_EQ(0, mq_send(queue, "x", 1, 7));
	EXPECT_EQ(1, mq_receive(queue, data, sizeof(data), &priority));
	EXPECT_EQ(7, priority);
	EXPECT_EQ(EAGAIN, ERRNO(mq_receive(queue, data, sizeof(data), NULL)));
	EXPECT_EQ(0, mq_notify(queue, NULL));
	EXPECT_EQ(0, mq_close(queue));
	syscall(SYS_mq_unlink, self->name + 1);
}

TEST_F(mq, takes_the_lowest_descriptor)
{
	int lowest = dup(0);
	mqd_t queue;

	close(lowest);
	queue = mq_open(self->name, O_CREAT | O_RDWR, 0600, NULL);
	EXPECT_EQ(lowest, queue);
	EXPECT_EQ(0, mq_close(queue));
	EXPECT_EQ(0, mq_unlink(self->name));
	EXPECT_EQ(lowest, dup(0));
}

TEST_F(mq, unlink_leaves_the_queue_to_its_users)
{
	mqd_t queue = create_small(self->name, 0, 3), other;
	char data[16];

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, mq_unlink(self->name));
	EXPECT_EQ(ENOENT, ERRNO(mq_open(self->name, O_RDWR)));
	EXPECT_EQ(0, mq_send(queue, "old", 3, 0));
	other = create_small(self->name, 0, 3);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, messages(other));
	EXPECT_EQ(3, mq_receive(queue, data, sizeof(data), NULL));
}

TEST_F(mq, persists_until_unlinked)
{
	mqd_t queue = create_small(self->name, 0, 3);
	char data[16];

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, mq_send(queue, "kept", 4, 9));
	ASSERT_EQ(0, mq_close(queue));
	queue = mq_open(self->name, O_RDWR);
	ASSERT_LE(0, queue);
	EXPECT_EQ(4, mq_receive(queue, data, sizeof(data), NULL));
}

TEST_F(mq, persists_after_a_kill)
{
	pid_t pid = play_role("create", self->name, NULL);

	ASSERT_TRUE(WAIT_UNTIL(is_there(self->device, self->name)));
	kill_child(pid);
	EXPECT_TRUE(is_there(self->device, self->name));
}

TEST_F(mq, goes_with_its_last_user_if_asked_to)
{
	pid_t pid = play_role("create", self->name, "IPCSHM_AUTO_REMOVE");
	mqd_t queue;

	ASSERT_TRUE(WAIT_UNTIL(is_there(self->device, self->name)));
	queue = mq_open(self->name, O_RDWR);
	ASSERT_LE(0, queue);
	kill_child(pid);
	EXPECT_TRUE(is_there(self->device, self->name));
	mq_close(queue);
	EXPECT_FALSE(is_there(self->device, self->name));
}

TEST_F(mq, is_unlinked_after_it_went)
{
	EXPECT_EQ(0, wait_child(play_role("remove", self->name, "IPCSHM_AUTO_REMOVE")));
	EXPECT_EQ(0, wait_child(play_role("remove", self->name, NULL)));
	EXPECT_EQ(ENOENT, ERRNO(mq_unlink(self->name)));
}

TEST_F(mq, is_closed_by_exec)
{
	mqd_t queue = create_small(self->name, 0, 3);
	char number[16];
	pid_t pid;

	snprintf(number, sizeof(number), "%d", queue);
	pid = fork_peer();
	if (!pid)
		exec_peer((char *[]) { "peer", "closed", number, NULL });
	EXPECT_EQ(0, wait_child(pid));
}

/* With a limit so low that no descriptor can be moved out of the way. */
TEST_F(mq, works_with_few_descriptors)
{
	struct rlimit limit = { 64, 64 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(0, ERRNO(mq_open(self->name, O_CREAT | O_RDWR, 0600, NULL)));
	while (dup(0) >= 0)
		;
	EXPECT_EQ(EMFILE, ERRNO(mq_open(self->name, O_RDWR)));
	EXPECT_EQ(EMFILE, ERRNO(mq_unlink(self->name)));
}

mqd_t __mq_open_2(const char *name, int oflag);

TEST_F(mq, has_the_name_of_fortified_programs)
{
	int status;
	pid_t pid;

	EXPECT_EQ(ENOENT, ERRNO(__mq_open_2(self->name, O_RDWR)));
	ASSERT_LE(0, create_small(self->name, 0, 3));
	EXPECT_EQ(0, ERRNO(__mq_open_2(self->name, O_RDWR)));
	pid = fork_peer();
	if (!pid) {
		close(2);
		__mq_open_2(self->name, O_RDWR | O_CREAT);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

COMPAT_TEST_MAIN
