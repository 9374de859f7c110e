// SPDX-License-Identifier: GPL-2.0-only
/*
 * Persistent objects: they hold nothing that holds their network namespace, or both would
 * stay for ever.  So no descriptor can wait in a persistent queue.
 */
#include <sys/eventfd.h>
#include <sys/mount.h>

#include "common/descriptors.h"
#include "common/harness.h"
#include "common/queue.h"

#define KEPT	8
#define PAGE	4096

/* A persistent queue. */
FIXTURE(persistent)
{
	struct test_queue queue;
	struct signal_pipe pipe;	/* the read end shows when the last write end is closed */
};

FIXTURE_SETUP(persistent)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = KEPT,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = SIZE,
	};

	ASSERT_EQ(0, queue_set_up_attr(&self->queue, attr, READ_WRITE | IPCSHM_PERSISTENT));
	self->pipe = make_pipe();
	ASSERT_LE(0, self->pipe.read);
}

FIXTURE_TEARDOWN(persistent)
{
	unlink_name(self->queue.device, IPCSHM_QUEUE, self->queue.name.text);
	queue_tear_down(&self->queue);
}

/* Every kind that other queues take. */

static int open_region_fd(void)
{
	return open_region(open_device(), NULL, READ_WRITE | IPCSHM_CREATE, 0600, PAGE);
}

static int open_memory(void)
{
	return memfd_create("test", MFD_CLOEXEC);
}

static int open_file(void)
{
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int open_directory(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_pipe(void)
{
	return make_pipe().write;
}

static int open_event(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static int open_closed(void)
{
	return -1;
}

static int (*const kinds[])(void) = {
	open_region_fd, open_memory, open_file, open_directory, open_pipe, open_event, open_closed,
};

TEST_F(persistent, queue_takes_no_descriptor)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		EXPECT_EQ(-EPERM, send_fd(&self->queue, kinds[i]()))
			TH_LOG("kind %zu", i);
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, used_descriptors(&self->queue));
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(persistent, refused_descriptor_is_not_kept)
{
	EXPECT_EQ(-EPERM, send_fd(&self->queue, self->pipe.write));
	close(self->pipe.write);
	EXPECT_TRUE(is_closed(&self->pipe));
}

/* The refusal does not depend on whether a receiver waits, or on room. */
TEST_F(persistent, waiting_receiver_and_full_queue_make_no_difference)
{
	struct peer *receiver = block_receiver(&self->queue);
	int i;

	ASSERT_TRUE(receiver);
	EXPECT_EQ(-EPERM, send_fd(&self->queue, self->pipe.write));
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	kill_peer(receiver);
	for (i = 0; i < KEPT; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	EXPECT_EQ(-EPERM, send_fd(&self->queue, self->pipe.write));
}

TEST_F(persistent, batch_ends_before_the_message_with_descriptors)
{
	struct ipcshm_message messages[3] = {
		{ .data = (uintptr_t)"a", .size = 1 },
		{ .data = (uintptr_t)"b", .size = 1, .fds = (uintptr_t)&self->pipe.write,
		  .fd_count = 1 },
		{ .data = (uintptr_t)"c", .size = 1 },
	};

	EXPECT_EQ(1, ipcshm_send_batch(self->queue.fd, messages, 3, 0, SOON));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(-EPERM, ipcshm_send_batch(self->queue.fd, messages + 1, 2, 0, SOON));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
}

static struct ipcshm_call_args call_of(void *data)
{
	return (struct ipcshm_call_args) {
		.request = { .data = (uintptr_t)data, .size = 1 },
		.reply = { .data = (uintptr_t)data, .size = 1 },
		.deadline = SOON,
		.clock = CLOCK_MONOTONIC,
	};
}

TEST_F(persistent, request_carries_no_descriptor)
{
	char byte = 'x';
	struct ipcshm_call_args call = call_of(&byte);

	call.request.fds = (uintptr_t)&self->pipe.write;
	call.request.fd_count = 1;
	EXPECT_EQ(-EPERM, ipcshm_call_transfer(self->queue.fd, &call, sizeof(call)));
	EXPECT_EQ(0, queue_stat_now(&self->queue).calls);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

static void call_role(struct peer *peer)
{
	char byte = 'x';
	struct ipcshm_call_args call = call_of(&byte);
	int fd = -1;

	call.reply.fds = (uintptr_t)&fd;
	call.reply.fd_count = 1;
	peer->result = ipcshm_call_transfer(peer->queue->fd, &call, sizeof(call));
	if (!peer->result)
		peer->result = write(fd, "y", 1);
}

/* A reply never waits in the queue. */
TEST_F(persistent, reply_carries_descriptors)
{
	struct peer *caller = queue_start(&self->queue, call_role, (struct peer) { 0 });
	struct ipcshm_message message = { 0 };
	char byte = 0;

	ASSERT_EQ(1, ipcshm_receive(self->queue.fd, &byte, 1, &message, SOON));
	message = (struct ipcshm_message) {
		.data = (uintptr_t)&byte,
		.size = 1,
		.request_id = message.request_id,
		.fds = (uintptr_t)&self->pipe.write,
		.fd_count = 1,
	};
	EXPECT_EQ(0, ipcshm_reply_message(self->queue.fd, &message));
	EXPECT_EQ(1, finish(caller));
	EXPECT_EQ(1, read(self->pipe.read, &byte, 1));
	EXPECT_EQ('y', byte);
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

/* The size limits of a queue do not change while it exists. */

TEST_F(persistent, unlinked_queue_still_takes_none)
{
	ASSERT_EQ(0, unlink_name(self->queue.device, IPCSHM_QUEUE, self->queue.name.text));
	EXPECT_EQ(-EPERM, send_fd(&self->queue, self->pipe.write));
}

TEST_F(persistent, opening_with_the_flag_changes_nothing)
{
	struct test_name other = make_name("other");
	__u32 flags = READ_WRITE | IPCSHM_CREATE;

	close(self->queue.fd);
	self->queue.fd = open_queue(self->queue.device, other.text, flags, 0600, KEPT, PAGE, PAGE);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_LE(0, open_queue(self->queue.device, other.text, flags | IPCSHM_PERSISTENT, 0600,
				KEPT, PAGE, PAGE));
	EXPECT_EQ(0, send_fd(&self->queue, self->pipe.write));
}

/*
 * Network namespaces.
 *
 * A file can hold a namespace by the mount that it lies on: a mount that a less privileged
 * mount namespace inherits stays together with the mounts on top of it.  A user namespace
 * with a maximum of one network namespace shows when it is freed: the next one can be made.
 */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

static void must_succeed(bool done, int status)
{
	if (!done)
		_exit(status);
}

/* Where a tmpfs is mounted. */
static const char *mount_point(void)
{
	mkdir("/tmp", 0777);
	mkdir("/tmp/persistent", 0777);
	return "/tmp/persistent";
}

/* A mount that holds this network namespace once it is inherited. */
static void mount_holder(const char *type)
{
	must_succeed(!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 10);
	must_succeed(!mount("test", mount_point(), type, 0, NULL), 11);
	must_succeed(!close(open("/tmp/persistent/file", O_CREAT | O_WRONLY, 0666)), 12);
	must_succeed(!close(open("/tmp/persistent/net", O_CREAT | O_WRONLY, 0666)), 13);
	must_succeed(!mount("/proc/self/ns/net", "/tmp/persistent/net", NULL, MS_BIND, NULL), 14);
	must_succeed(strcmp(type, "tmpfs") || !mkfifo("/tmp/persistent/fifo", 0666), 15);
	must_succeed(!unshare(CLONE_NEWUSER | CLONE_NEWNS), 16);
}

static int hold_by_directory(void)
{
	mount_holder("tmpfs");
	return open("/tmp/persistent", O_RDONLY | O_DIRECTORY);
}

static int hold_by_file(void)
{
	mount_holder("tmpfs");
	return open("/tmp/persistent/file", O_RDONLY);
}

static int hold_by_fifo(void)
{
	mount_holder("tmpfs");
	return open("/tmp/persistent/fifo", O_RDWR);
}

static int hold_by_posix_queues(void)
{
	mount_holder("mqueue");
	return open("/tmp/persistent", O_RDONLY | O_DIRECTORY);
}

static int hold_by_nothing(void)
{
	return -1;
}

FIXTURE(namespaces)
{
	struct test_queue queue;
	int unused;
};

FIXTURE_VARIANT(namespaces)
{
	int (*hold)(void);
};

FIXTURE_VARIANT_ADD(namespaces, directory)
{
	.hold = hold_by_directory,
};

FIXTURE_VARIANT_ADD(namespaces, regular_file)
{
	.hold = hold_by_file,
};

FIXTURE_VARIANT_ADD(namespaces, fifo)
{
	.hold = hold_by_fifo,
};

FIXTURE_VARIANT_ADD(namespaces, posix_queues)
{
	.hold = hold_by_posix_queues,
};

FIXTURE_VARIANT_ADD(namespaces, nothing)
{
	.hold = hold_by_nothing,
};

FIXTURE_SETUP(namespaces)
{
	SKIP_UNLESS_ROOT;
	share_peers(&self->queue.peers);
}

FIXTURE_TEARDOWN(namespaces)
{
}

/* Leaves a persistent queue with a message that has such a file, in a new network namespace. */
static void leave_queue(struct test_queue *queue, int (*hold)(void))
{
	int region, fd;

	must_succeed(WAIT_UNTIL(!unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC)), 3);
	queue->device = open_device();
	queue->fd =
		open_queue(queue->device, "left", READ_WRITE | IPCSHM_CREATE | IPCSHM_PERSISTENT,
			   0600, KEPT, PAGE, PAGE);
	must_succeed(queue->fd >= 0, 4);
	region = open_region(queue->device, "left", READ_WRITE | IPCSHM_CREATE | IPCSHM_PERSISTENT,
			     0600, PAGE);
	must_succeed(region >= 0, 5);
	must_succeed(write(queue->fd, "x", 1) == 1, 6);
	fd = hold();
	if (fd >= 0)
		must_succeed(send_fd(queue, fd) <= 0, 7);
	_exit(0);
}

static bool can_have_namespace(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWNET) ? 1 : 0);
	return !wait_child(pid);
}

static void user_role(struct peer *peer)
{
	pid_t pid;

	must_succeed(!unshare(CLONE_NEWUSER), 1);
	must_succeed(write_file("/proc/self/uid_map", "0 0 1") &&
		     write_file("/proc/self/setgroups", "deny") &&
		     write_file("/proc/self/gid_map", "0 0 1") &&
		     write_file("/proc/sys/user/max_net_namespaces", "1"), 2);
	must_succeed(can_have_namespace(), 8);
	pid = fork();
	if (!pid)
		leave_queue(peer->queue, (void *)(uintptr_t)peer->value);
	must_succeed(!(peer->result = wait_child(pid)), 9);
	peer->result = WAIT_UNTIL(can_have_namespace()) ? 0 : -EBUSY;
}

TEST_F_TIMEOUT(namespaces, end_though_persistent_objects_are_left, 120)
{
	struct peer *user = queue_start(&self->queue, user_role, (struct peer) {
		.value = (uintptr_t)variant->hold
	});

	EXPECT_EQ(0, finish(user))
		TH_LOG("result %ld", user->result);
}

IPCSHM_TEST_MAIN
