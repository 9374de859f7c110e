// SPDX-License-Identifier: GPL-2.0-only
/* Objects that are opened by id: only those that have a name. */
#include "common/harness.h"
#include "common/object.h"
#include "names_fixture.h"

static int open_numbered(int device, enum ipcshm_kind kind, __u64 id, __u32 flags)
{
	struct ipcshm_region_open_args region = { .how = { .id = id,
							   .flags = flags | IPCSHM_BY_ID } };
	struct ipcshm_queue_open_args queue = { .how = region.how };

	return kind == IPCSHM_REGION ? call(device, IPCSHM_IOC_REGION_OPEN, &region) :
				       call(device, IPCSHM_IOC_QUEUE_OPEN, &queue);
}

TEST_F(name, is_not_needed_to_open_by_number)
{
	const enum ipcshm_kind other = self->kind == IPCSHM_REGION ? IPCSHM_QUEUE : IPCSHM_REGION;
	int fd = OPEN(R | W | C | X, 0600), again;
	__u64 id = STAT(fd).id;

	ASSERT_LE(0, fd);
	again = open_numbered(self->device, self->kind, id, R);
	ASSERT_LE(0, again);
	EXPECT_EQ(id, STAT(again).id);
	EXPECT_EQ(O_RDONLY, fcntl(again, F_GETFL) & O_ACCMODE);
	ASSERT_TRUE(leave_text(self->kind, fd));
	EXPECT_TRUE(has_text(self->kind, again));
	EXPECT_EQ(-ENOENT, open_numbered(self->device, other, id, R));
	EXPECT_EQ(-ENOENT, open_numbered(self->device, self->kind, id + 1, R));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, 0, R));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, id, R | C));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, id, R | X));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, id, 0));
}

/* An object that has no name, or no longer has one, is reached through its descriptors alone. */
TEST_F(name, is_needed_for_the_number_to_open_it)
{
	int anonymous = open_kind(self->device, self->kind, NULL, R | W | C, 0600);
	int fd = OPEN(R | W | C | X, 0600);
	__u64 id = STAT(fd).id;

	ASSERT_LE(0, anonymous);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, open_numbered(self->device, self->kind, STAT(anonymous).id, R));
	ASSERT_EQ(0, unlink_name(self->device, self->kind, self->name.text));
	EXPECT_EQ(-ENOENT, open_numbered(self->device, self->kind, id, R));
}

TEST_F(name, is_opened_by_number_as_its_mode_permits)
{
	const struct user owner = make_user(0), stranger = make_user(1);
	int fd;
	pid_t pid;
	__u64 id;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | W | X, 0604);
	ASSERT_LE(0, fd);
	id = STAT(fd).id;
	pid = fork();
	if (pid == 0)
		_exit(become_user(stranger) &&
				      open_numbered(self->device, self->kind, id, R) >= 0 &&
				      open_numbered(self->device, self->kind, id, R | W) == -EACCES
			      ? 0
			      : 1);
	EXPECT_EQ(0, wait_child(pid));
}

TEST_F(name, of_another_network_namespace_is_not_opened_by_number)
{
	int fd = OPEN(R | W | C | X, 0600), outside = self->device, inside;
	__u64 id = STAT(fd).id;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	inside = open_device();
	ASSERT_LE(0, inside);
	EXPECT_EQ(-ENOENT, open_numbered(inside, self->kind, id, R));
	EXPECT_LE(0, open_numbered(outside, self->kind, id, R));
}

IPCSHM_TEST_MAIN
