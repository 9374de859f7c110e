// SPDX-License-Identifier: GPL-2.0-only
/* Names of regions and queues: how an object is created by one, and found. */
#include "common/harness.h"
#include "common/object.h"
#include "names_fixture.h"

TEST_F(name, is_anothers_in_the_other_kind)
{
	const enum ipcshm_kind other = IPCSHM_REGION + IPCSHM_QUEUE - self->kind;
	int fd = OPEN(R | C | X | P, 0600), other_fd;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, try_open(self->device, other, self->name.text, R));
	EXPECT_EQ(-ENOENT, unlink_name(self->device, other, self->name.text));
	other_fd = open_kind(self->device, other, self->name.text, R | C | X | P, 0600);
	ASSERT_LE(0, other_fd);
	EXPECT_NE(STAT(fd).id, stat_of(other, other_fd).id);
	EXPECT_EQ(0, unlink_name(self->device, other, self->name.text));
	EXPECT_EQ(0, TRY(R));
}

TEST_F(name, that_isnt_there_isnt_found)
{
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_EQ(-ENOENT, UNLINK());
}

TEST_F(name, is_created_once_and_then_opened)
{
	int fds[3];

	for (int i = 0; i < 3; i++) {
		fds[i] = OPEN(R | W | C, i ? 0 : 0600);
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(STAT(fds[0]).id, STAT(fds[i]).id);
		EXPECT_EQ(0600, STAT(fds[i]).mode);
	}
	EXPECT_EQ(3, STAT(fds[0]).opens);
}

TEST_F(name, is_created_exclusively_once)
{
	int fd = OPEN(R | C | X, 0600);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EEXIST, OPEN(R | C | X, 0600));
	EXPECT_EQ(-EEXIST, OPEN(R | W | C | X | P, 0600));
	EXPECT_EQ(1, STAT(fd).opens);
	EXPECT_EQ(IPCSHM_STAT_NAMED, STAT(fd).flags);
	close(fd);
	fd = OPEN(R | C | X, 0600);
	EXPECT_LE(0, fd);
}

TEST_F(name, of_another_process_is_the_same_object)
{
	int fd = OPEN(R | W | C | X, 0600);
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0) {
		int device = open_device();
		int other = open_kind(device, self->kind, self->name.text, R | W, 0);

		_exit(STAT(other).id == STAT(fd).id && leave_text(self->kind, other) ? 0 : 1);
	}
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_TRUE(has_text(self->kind, fd));
}

TEST_F(name, without_one_objects_are_apart)
{
	int first = open_kind(self->device, self->kind, NULL, R | W | C, 0600);
	int second = open_kind(self->device, self->kind, NULL, R | W | C, 0600);

	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	EXPECT_NE(STAT(first).id, STAT(second).id);
	EXPECT_EQ(0, STAT(first).flags);
	EXPECT_TRUE(leave_text(self->kind, first));
	EXPECT_FALSE(has_text(self->kind, second));
	EXPECT_TRUE(has_text(self->kind, first));
}

TEST_F(name, gets_a_mode_less_the_umask)
{
	/* The memory of a region is never executed. */
	const mode_t all = self->kind == IPCSHM_REGION ? 0666 : 0777;
	const mode_t masks[] = { 0, 022, 027, 077, 0137, 0777 };

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		int fd;

		umask(masks[i]);
		fd = OPEN(R | C | X, 0777);
		ASSERT_LE(0, fd);
		EXPECT_EQ(all & ~masks[i], STAT(fd).mode);
		close(fd);
		fd = OPEN(R | C | X, 0640);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0640 & ~masks[i], STAT(fd).mode);
		close(fd);
	}
}

IPCSHM_TEST_MAIN
