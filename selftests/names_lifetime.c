// SPDX-License-Identifier: GPL-2.0-only
/* How long a name lasts, and in which network namespace it is found. */
#include "common/harness.h"
#include "common/object.h"
#include "names_fixture.h"

/*
 * Lifetime.
 */

TEST_F(name, goes_with_the_last_descriptor)
{
	int fd = OPEN(R | W | C | X, 0600), other = OPEN(R, 0), copy = dup(fd);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	close(fd);
	EXPECT_EQ(0, TRY(R));
	close(other);
	EXPECT_EQ(0, TRY(R));
	close(copy);
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, stays_while_a_child_has_the_descriptor)
{
	struct signal_pipe pipe = make_pipe();
	int fd = OPEN(R | W | C | X, 0600);
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork_peer();
	if (pid == 0) {
		close(pipe.write);
		pipe_await(&pipe);
		_exit(0);
	}
	close(fd);
	EXPECT_EQ(0, TRY(R));
	close_pipe(&pipe);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, stays_while_the_descriptor_is_in_flight)
{
	int fd = OPEN(R | W | C | X, 0600), sockets[2];

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets));
	ASSERT_TRUE(leave_text(self->kind, fd));
	ASSERT_TRUE(send_descriptor(sockets[0], fd));
	close(fd);
	EXPECT_EQ(0, TRY(R));
	fd = receive_descriptor(sockets[1]);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(has_text(self->kind, fd));
	ASSERT_TRUE(send_descriptor(sockets[0], fd));
	close(fd);
	EXPECT_EQ(0, TRY(R));
	close(sockets[0]);
	close(sockets[1]);
	EXPECT_TRUE(WAIT_UNTIL(TRY(R) == -ENOENT));
}

/* Creates or opens the object, and waits to be killed. */
static void use_until_killed(int device, enum ipcshm_kind kind, const char *name, __u32 flags,
			     struct signal_pipe *ready)
{
	int fd = open_kind(device, kind, name, R | W | C | flags, 0600);

	if (fd < 0 || !leave_text(kind, fd))
		_exit(1);
	if (kind == IPCSHM_REGION && map_descriptor(fd, PROT_READ | PROT_WRITE) == MAP_FAILED)
		_exit(1);
	pipe_tell(ready);
	pause();
	_exit(1);
}

static void kill_users(struct __test_metadata *_metadata, int device, enum ipcshm_kind kind,
		       const char *name, __u32 flags)
{
	struct signal_pipe ready = make_pipe();
	pid_t pids[3];

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork_peer();
		if (pids[i] == 0)
			use_until_killed(device, kind, name, flags, &ready);
		ASSERT_TRUE(pipe_await(&ready));
		EXPECT_EQ(0, try_open(device, kind, name, R));
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		EXPECT_EQ(0, try_open(device, kind, name, R));
		kill_child(pids[i]);
	}
	close_pipe(&ready);
}

TEST_F(name, killed_users_leave_nothing_behind)
{
	kill_users(_metadata, self->device, self->kind, self->name.text, 0);
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, killed_creator_leaves_the_object_to_its_users)
{
	struct signal_pipe ready = make_pipe();
	pid_t pid = fork_peer();
	int fd;

	if (pid == 0)
		use_until_killed(self->device, self->kind, self->name.text, 0, &ready);
	ASSERT_TRUE(pipe_await(&ready));
	fd = OPEN(R | W, 0);
	ASSERT_LE(0, fd);
	kill_child(pid);
	EXPECT_TRUE(has_text(self->kind, fd));
	EXPECT_EQ(0, TRY(R));
	close(fd);
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, killed_users_leave_persistent_objects)
{
	int fd;

	kill_users(_metadata, self->device, self->kind, self->name.text, P);
	fd = OPEN(R | W, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, STAT(fd).opens);
	EXPECT_TRUE(has_text(self->kind, fd));
	EXPECT_EQ(0, UNLINK());
}

TEST_F(name, stays_if_it_is_persistent_until_unlinked)
{
	int fd = OPEN(R | W | C | X | P, 0600);
	__u64 id = STAT(fd).id;

	ASSERT_LE(0, fd);
	ASSERT_TRUE(leave_text(self->kind, fd));
	close(fd);
	fd = OPEN(R | W, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(id, STAT(fd).id);
	EXPECT_EQ(IPCSHM_STAT_NAMED | IPCSHM_STAT_PERSISTENT, STAT(fd).flags);
	EXPECT_TRUE(has_text(self->kind, fd));
	close(fd);
	EXPECT_EQ(0, UNLINK());
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_EQ(-ENOENT, UNLINK());
}

TEST_F(name, doesnt_become_persistent_by_being_opened)
{
	int fd = OPEN(R | W | C | X, 0600), other = OPEN(R | C | P, 0600);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	EXPECT_EQ(IPCSHM_STAT_NAMED, STAT(other).flags);
	close(fd);
	close(other);
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, unlinked_is_free_for_another_object)
{
	int old = OPEN(R | W | C | X | P, 0600), new;

	ASSERT_LE(0, old);
	ASSERT_EQ(0, UNLINK());
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_EQ(0, STAT(old).flags & IPCSHM_STAT_NAMED);
	new = OPEN(R | W | C | X, 0600);
	ASSERT_LE(0, new);
	EXPECT_NE(STAT(old).id, STAT(new).id);
	EXPECT_TRUE(leave_text(self->kind, old));
	EXPECT_FALSE(has_text(self->kind, new));
	EXPECT_TRUE(has_text(self->kind, old));
	close(old);
	EXPECT_EQ(0, TRY(R));
	EXPECT_EQ(IPCSHM_STAT_NAMED, STAT(new).flags);
}

/*
 * Other programs.
 */

static bool pass_through_peer(int device, const char *name)
{
	char *const arguments[] = { "peer", "echo", (char *)name, (char *)name, NULL };
	int queue = open_kind(device, IPCSHM_QUEUE, name, R | W, 0);
	pid_t pid;

	if (!leave_text(IPCSHM_QUEUE, queue))
		return false;
	pid = fork_peer();
	if (pid == 0)
		exec_peer(arguments);
	return !wait_child(pid) && queue_stat(queue).received == 1 &&
	       has_text(IPCSHM_QUEUE, queue);
}

static bool count_by_peer(int device, const char *name)
{
	char *const arguments[] = { "peer", "region", (char *)name, NULL };
	int fd = open_kind(device, IPCSHM_REGION, name, R, 0);
	const __u32 *count = map_descriptor(fd, PROT_READ);
	pid_t pid = fork();

	if (pid == 0)
		exec_peer(arguments);
	return !wait_child(pid) && count != MAP_FAILED && *count == 1;
}

TEST_F(name, is_all_that_another_program_needs)
{
	ASSERT_LE(0, OPEN(R | W | C | X, 0600));
	if (self->kind == IPCSHM_REGION) {
		EXPECT_TRUE(count_by_peer(self->device, self->name.text));
	} else {
		EXPECT_TRUE(pass_through_peer(self->device, self->name.text));
	}
}

TEST_F(name, goes_when_its_last_user_executes_another_program)
{
	const struct test_name in = make_name("in"), out = make_name("out");
	char *const arguments[] = { "peer", "echo", (char *)in.text, (char *)out.text, NULL };
	int to = open_kind(self->device, IPCSHM_QUEUE, in.text, R | W | C | X, 0600);
	int from = open_kind(self->device, IPCSHM_QUEUE, out.text, R | W | C | X, 0600);
	pid_t pid;

	ASSERT_LE(0, to);
	ASSERT_LE(0, from);
	pid = fork_peer();
	if (pid == 0) {
		int fd = OPEN(R | W | C | X, 0600);

		if (fd < 0 || (self->kind == IPCSHM_REGION &&
			       map_descriptor(fd, PROT_READ) == MAP_FAILED))
			_exit(1);
		exec_peer(arguments);
	}
	ASSERT_TRUE(WAIT_UNTIL(queue_stat(to).receivers == 1));
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_TRUE(leave_text(IPCSHM_QUEUE, to));
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_TRUE(has_text(IPCSHM_QUEUE, from));
}

/*
 * Network namespaces.
 */

/* Runs in a child, in a new network namespace, with a device of that. */
static int enter_namespace(int flags)
{
	if (unshare(flags))
		_exit(KSFT_SKIP);
	return open_device();
}

TEST_F(name, is_anothers_in_another_network_namespace)
{
	int fd = OPEN(R | W | C | X, 0600);
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0) {
		int device = enter_namespace(CLONE_NEWNET), other;

		EXPECT_EQ(-ENOENT, try_open(device, self->kind, self->name.text, R));
		EXPECT_EQ(-ENOENT, unlink_name(device, self->kind, self->name.text));
		other = open_kind(device, self->kind, self->name.text, R | W | C | X, 0600);
		EXPECT_LE(0, other);
		EXPECT_NE(STAT(fd).id, STAT(other).id);
		_exit(0);
	}
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(1, STAT(fd).opens);
}

TEST_F(name, is_looked_up_where_the_device_was_opened)
{
	int fd = OPEN(R | W | C | X, 0600);
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0) {
		int other;

		enter_namespace(CLONE_NEWNET);
		other = OPEN(R, 0);
		EXPECT_EQ(STAT(fd).id, STAT(other).id);
		EXPECT_EQ(0, UNLINK());
		_exit(0);
	}
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, is_looked_up_through_a_device_from_another_namespace)
{
	struct signal_pipe done = make_pipe();
	int sockets[2], device;
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets));
	pid = fork_peer();
	if (pid == 0) {
		int own = enter_namespace(CLONE_NEWNET);

		close(done.write);
		if (open_kind(own, self->kind, self->name.text, R | C | X, 0600) >= 0)
			send_descriptor(sockets[1], own);
		pipe_await(&done);
		_exit(0);
	}
	device = receive_descriptor(sockets[0]);
	ASSERT_LE(0, device);
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_EQ(0, try_open(device, self->kind, self->name.text, R));
	close_pipe(&done);
	EXPECT_EQ(0, wait_child(pid));
}

static int own_namespace(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

TEST_F(name, goes_with_its_network_namespace)
{
	const struct user owner = make_user(0);
	int home = own_namespace(), device;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, home);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	device = open_device();
	ASSERT_LE(0, device);
	close(create_as(owner, device, self->kind, self->name.text, R | X | P, 0600));
	EXPECT_EQ(0, try_open(device, self->kind, self->name.text, R));
	EXPECT_EQ(1, info_of(owner, device).objects.used);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_TRUE(WAIT_UNTIL(try_open(device, self->kind, self->name.text, R) == -ENXIO));
	EXPECT_EQ(-ENXIO, open_kind(device, self->kind, self->name.text, R | C, 0600));
	EXPECT_EQ(-ENXIO, open_kind(device, self->kind, self->name.text, R | C | X | P, 0600));
	EXPECT_EQ(-ENXIO, unlink_name(device, self->kind, self->name.text));
	EXPECT_TRUE(WAIT_UNTIL(info_of(owner, device).objects.used == 0));
	EXPECT_EQ(0, info_of(owner, device).region_bytes.used);
}

TEST_F(name, goes_with_its_network_namespace_among_many)
{
	const struct user owner = make_user(0);
	int home = own_namespace(), device;
	char other[32];

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, home);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	device = open_device();
	ASSERT_LE(0, device);
	for (int i = 0; i < 200; i++) {
		snprintf(other, sizeof(other), "one-of-many-%d", i);
		close(create_as(owner, device, self->kind, other, R | X | P, 0600));
	}
	EXPECT_EQ(200, info_of(owner, device).objects.used);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_TRUE(WAIT_UNTIL(info_of(owner, device).objects.used == 0));
}

TEST_F(name, isnt_needed_after_its_network_namespace)
{
	int home = own_namespace(), device;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, home);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	device = open_device();
	ASSERT_LE(0, device);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_TRUE(WAIT_UNTIL(try_open(device, self->kind, self->name.text, R) == -ENXIO));
	EXPECT_EQ(IPCSHM_ABI_VERSION, get_info(device).abi_version);
	EXPECT_LE(0, open_kind(device, self->kind, NULL, R | C, 0600));
}

TEST_F(name, gone_with_its_namespace_leaves_the_object_to_its_users)
{
	int home = own_namespace(), device, fd;
	__u64 id;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, home);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	device = open_device();
	ASSERT_LE(0, device);
	fd = open_kind(device, self->kind, self->name.text, R | W | C | X | P, 0600);
	ASSERT_LE(0, fd);
	id = STAT(fd).id;
	ASSERT_TRUE(leave_text(self->kind, fd));
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_TRUE(WAIT_UNTIL(try_open(device, self->kind, self->name.text, R) == -ENXIO));
	EXPECT_TRUE(WAIT_UNTIL(!(STAT(fd).flags & IPCSHM_STAT_NAMED)));
	EXPECT_EQ(id, STAT(fd).id);
	EXPECT_TRUE(has_text(self->kind, fd));
	EXPECT_TRUE(leave_text(self->kind, fd));
}

/* A user that is root in namespaces of its own, without privileges outside. */
static void be_root_inside(struct __test_metadata *_metadata, struct user user, int outside,
			   enum ipcshm_kind kind, const char *name, int socket)
{
	int inside, fd;

	if (!become_user(user))
		_exit(1);
	inside = enter_namespace(CLONE_NEWUSER | CLONE_NEWNET);
	send_descriptor(socket, inside);
	close(receive_descriptor(socket));	/* the parent has created one here */
	EXPECT_EQ(-EACCES, try_open(outside, kind, name, R));
	EXPECT_EQ(-EACCES, unlink_name(outside, kind, name));
	fd = open_kind(inside, kind, name, R | W, 0);
	EXPECT_LE(0, fd);
	EXPECT_EQ(65534, stat_of(kind, fd).uid);
	EXPECT_EQ(65534, stat_of(kind, fd).gid);
	EXPECT_EQ(0, unlink_name(inside, kind, name));
	_exit(0);
}

TEST_F(name, is_ruled_by_the_root_of_its_own_namespace_alone)
{
	const struct user owner = make_user(0), nobody = make_user(1);
	int sockets[2], inside, fd, status;
	pid_t pid;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | X, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets));
	pid = fork();
	if (pid == 0) {
		close(sockets[0]);
		be_root_inside(_metadata, nobody, self->device, self->kind, self->name.text,
			       sockets[1]);
	}
	close(sockets[1]);
	inside = receive_descriptor(sockets[0]);
	if (inside >= 0) {
		EXPECT_EQ(-ENOENT, try_open(inside, self->kind, self->name.text, R));
		fd = create_as(owner, inside, self->kind, self->name.text, R | X, 0);
		EXPECT_LE(0, fd);
		send_descriptor(sockets[0], fd);
	}
	status = wait_child(pid);
	if (status == KSFT_SKIP)
		SKIP(return, "users can't have user namespaces here");
	EXPECT_EQ(0, status);
}

IPCSHM_TEST_MAIN
