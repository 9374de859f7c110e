// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unloading: refused while any part of the module is in use, possible after that.  The
 * module itself checks that all is given back: it warns of a quota that is not 0.
 * Loading: the effects of the parameters.  Needs the module's file, /ipcshm.ko or
 * IPCSHM_KO.
 */
#include <ipcshm.h>
#include <sched.h>

#include "common/harness.h"
#include "common/module.h"

#define RW (IPCSHM_READ | IPCSHM_WRITE)

FIXTURE(unload)
{
	int device;
	int region;
	int queue;
};

FIXTURE_SETUP(unload)
{
	struct ipcshm_region_attr region = { .size = 4096 };
	struct ipcshm_queue_attr queue = {
		.max_messages = 4, .max_bytes = IPCSHM_UNBOUNDED, .max_message_size = 64,
	};

	if (geteuid() || access(module_file(), R_OK))
		SKIP(return, "needs root, and the module in %s", module_file());
	self->device = ipcshm_open();
	ASSERT_LE(0, self->device);
	self->region = ipcshm_region_open(self->device, NULL, RW | IPCSHM_CREATE, 0, &region);
	ASSERT_LE(0, self->region);
	self->queue = ipcshm_queue_open(self->device, NULL, RW | IPCSHM_CREATE, 0, &queue);
	ASSERT_LE(0, self->queue);
}

/* Closing ends with the last reference a moment after the call. */
FIXTURE_TEARDOWN(unload)
{
	EXPECT_TRUE(WAIT_UNTIL(!unload_module()));
	EXPECT_EQ(0, load_module(""));
}

static void close_all(FIXTURE_DATA(unload) *self)
{
	close(self->device);
	close(self->region);
	close(self->queue);
}

TEST_F(unload, is_refused_while_a_descriptor_is_open)
{
	EXPECT_EQ(EAGAIN, unload_module());
	close(self->region);
	close(self->queue);
	EXPECT_EQ(EAGAIN, unload_module());
	close(self->device);
}

TEST_F(unload, is_refused_while_a_queue_has_a_message_and_a_descriptor)
{
	ASSERT_EQ(0, ipcshm_send(self->queue, "x", 1, 0, IPCSHM_FOREVER));
	close(self->device);
	close(self->region);
	EXPECT_EQ(EAGAIN, unload_module());
	close(self->queue);
}

TEST_F(unload, is_refused_while_a_mapping_exists)
{
	size_t size;
	void *at;

	ASSERT_EQ(0, ipcshm_region_map(self->region, RW, &at, &size));
	close_all(self);
	EXPECT_EQ(EAGAIN, unload_module());
	memset(at, 1, size);
	EXPECT_EQ(EAGAIN, unload_module());
	munmap(at, size);
}

TEST_F(unload, is_refused_while_the_member_page_is_mapped)
{
	const struct ipcshm_member_page *page;

	ASSERT_EQ(0, ipcshm_region_map_members(self->region, &page));
	close_all(self);
	EXPECT_EQ(EAGAIN, unload_module());
	munmap((void *)page, sizeof(*page));
}

TEST_F(unload, is_refused_while_a_receiver_is_blocked_and_possible_when_it_is_killed)
{
	pid_t receiver = fork_peer();
	struct ipcshm_queue_stat stat;
	char byte;

	ASSERT_LE(0, receiver);
	if (!receiver)
		_exit(ipcshm_receive(self->queue, &byte, 1, NULL, IPCSHM_FOREVER) != 0);
	ASSERT_TRUE(WAIT_UNTIL(!ipcshm_queue_get_stat(self->queue, &stat, sizeof(stat)) &&
			       stat.receivers == 1));
	close_all(self);
	EXPECT_EQ(EAGAIN, unload_module());
	kill(receiver, SIGKILL);
	wait_child(receiver);
}

/* An O_PATH descriptor holds an inode, and no module. */
TEST_F(unload, leaves_the_inode_of_a_queue_to_an_o_path_descriptor)
{
	char path[64];
	struct stat stat;
	int at;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->queue);
	at = open(path, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, at);
	ASSERT_EQ(0, fchmod(self->queue, 0640));
	close_all(self);
	ASSERT_TRUE(WAIT_UNTIL(!unload_module()));
	EXPECT_EQ(0, fstat(at, &stat));
	EXPECT_EQ(0640, stat.st_mode);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", at);
	EXPECT_EQ(-1, open(path, O_RDWR | O_CLOEXEC));
	EXPECT_EQ(ENXIO, errno);
	close(at);
	ASSERT_EQ(0, load_module(""));
}

TEST_F(unload, takes_persistent_names_along)
{
	struct ipcshm_region_attr attr = { .size = 4096 };
	int fd = ipcshm_region_open(self->device, "unload", RW | IPCSHM_CREATE |
				    IPCSHM_PERSISTENT, 0600, &attr);

	ASSERT_LE(0, fd);
	close(fd);
	close_all(self);
	ASSERT_TRUE(WAIT_UNTIL(!unload_module()));
	ASSERT_EQ(0, load_module(""));
	self->device = ipcshm_open();
	ASSERT_LE(0, self->device);
	EXPECT_EQ(-ENOENT, ipcshm_unlink(self->device, IPCSHM_REGION, "unload"));
	close(self->device);
}

/* A queue keeps its queue of dead letters, which is freed after it. */
TEST_F(unload, takes_persistent_queues_with_dead_letters_along)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 4, .max_message_size = 64, .max_deliveries = 1,
	};
	static const char *const names[] = { "unload-c", "unload-b", "unload-a" };
	int i, fd, last = dup(self->queue);

	for (i = 0; i < 3; i++) {
		attr.dead_letter_fd = last;
		fd = ipcshm_queue_open(self->device, names[i], RW | IPCSHM_CREATE |
				       IPCSHM_PERSISTENT | IPCSHM_DEAD_LETTERS, 0600, &attr);
		ASSERT_LE(0, fd);
		close(last);
		ASSERT_EQ(0, ipcshm_send(fd, "x", 1, 0, IPCSHM_NOW));
		last = fd;
	}
	close(last);
	close_all(self);
	ASSERT_TRUE(WAIT_UNTIL(!unload_module()));
	ASSERT_EQ(0, load_module(""));
}

static bool load_anew(FIXTURE_DATA(unload) *self, const char *parameters)
{
	close_all(self);
	if (!WAIT_UNTIL(!unload_module()) || load_module(parameters))
		return false;
	self->device = ipcshm_open();
	return self->device >= 0;
}

TEST_F(unload, parameters_set_the_quotas)
{
	const char *parameters =
		"max_objects=2 max_region_bytes=12288 max_queue_bytes=4096 max_members=1 max_waiters=1";
	struct ipcshm_region_attr attr = { .size = 8192 };
	struct ipcshm_info info;
	int fd;

	ASSERT_TRUE(load_anew(self, parameters));
	info = get_info(self->device);
	EXPECT_EQ(2, info.objects.max);
	EXPECT_EQ(12288, info.region_bytes.max);
	EXPECT_EQ(4096, info.queue_bytes.max);
	EXPECT_EQ(1, info.members.max);
	EXPECT_EQ(1, info.waiters.max);
	fd = ipcshm_region_open(self->device, NULL, RW | IPCSHM_CREATE, 0, &attr);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EDQUOT, ipcshm_region_open(self->device, NULL, RW | IPCSHM_CREATE, 0, &attr));
	EXPECT_EQ(0, ipcshm_region_watch(fd, 0, 4, 0, 0));
	EXPECT_EQ(-EDQUOT, ipcshm_region_wait(fd, 0, 4, 0, 0, IPCSHM_FOREVER));
	close(fd);
	close(self->device);
}

static int make_object(int device)
{
	struct ipcshm_region_attr attr = { .size = 4096 };

	return ipcshm_region_open(device, NULL, RW | IPCSHM_CREATE, 0, &attr);
}

TEST_F(unload, parameters_set_the_bound_of_each_new_network_namespace)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), inside, one, two;

	ASSERT_LE(0, home);
	ASSERT_TRUE(load_anew(self, "max_objects=2 net_max_objects=1"));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	inside = ipcshm_open();
	ASSERT_LE(0, inside);
	EXPECT_EQ(1, get_info(inside).objects.max);
	one = make_object(inside);
	EXPECT_LE(0, one);
	EXPECT_EQ(-EDQUOT, make_object(inside));
	EXPECT_EQ(2, get_info(self->device).objects.max);
	two = make_object(self->device);
	EXPECT_LE(0, two);
	EXPECT_LT(1, get_info(inside).queue_bytes.max);
	close(one);
	close(two);
	close(inside);
	close(self->device);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	close(home);
}

TEST_F(unload, quota_of_zero_members_or_waiters_forbids_them)
{
	struct ipcshm_region_attr attr = { .size = 4096 };
	void *at;
	size_t size;
	int fd;

	ASSERT_TRUE(load_anew(self, "max_members=0 max_waiters=0"));
	fd = ipcshm_region_open(self->device, NULL, RW | IPCSHM_CREATE, 0, &attr);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EDQUOT, ipcshm_region_map(fd, RW, &at, &size));
	EXPECT_EQ(-EDQUOT, ipcshm_region_wait(fd, 0, 4, 0, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-EDQUOT, ipcshm_region_watch(fd, 0, 4, 0, 0));
	close(fd);
	close(self->device);
}

TEST_F(unload, parameter_sets_the_mode_of_the_device)
{
	struct stat node;

	ASSERT_TRUE(load_anew(self, "mode=0640"));
	ASSERT_EQ(0, fstat(self->device, &node));
	EXPECT_EQ(S_IFCHR | 0640, node.st_mode);
	close(self->device);
}

TEST_F(unload, mode_of_the_device_is_octal)
{
	struct stat node;

	ASSERT_TRUE(load_anew(self, "mode=660"));
	ASSERT_EQ(0, fstat(self->device, &node));
	EXPECT_EQ(S_IFCHR | 0660, node.st_mode);
	close(self->device);
}

TEST_F(unload, parameter_that_makes_no_sense_is_refused)
{
	close_all(self);
	ASSERT_TRUE(WAIT_UNTIL(!unload_module()));
	EXPECT_EQ(EINVAL, load_module("max_members=many"));
	EXPECT_EQ(EINVAL, load_module("max_waiters=-1"));
	EXPECT_EQ(EINVAL, load_module("mode=888"));
	EXPECT_EQ(EINVAL, load_module("mode=1777"));
	EXPECT_EQ(EINVAL, load_module("mode=-1"));
	EXPECT_EQ(EINVAL, load_module("mode="));
	EXPECT_EQ(EINVAL, load_module("mode=rw"));
	ASSERT_EQ(0, load_module(""));
}

/* It loads the module itself. */
int main(int argc, char **argv)
{
	give_time();
	return test_harness_run(argc, argv);
}
