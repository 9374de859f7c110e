// SPDX-License-Identifier: GPL-2.0-only
/* Which users may open and unlink a name: mode, owner, capabilities, access mode of the device. */
#include <linux/capability.h>

#include "common/harness.h"
#include "common/object.h"
#include "names_fixture.h"

static __u32 allowed_rights(mode_t mode, int shift)
{
	const mode_t bits = mode >> shift & 7;

	return (bits & 4 ? R : 0) | (bits & 2 ? W : 0);
}

/* Every combination of rights that the kind has, by one user. */
static int count_wrong_answers(const struct attempt *base, struct user user, __u32 rights)
{
	const __u32 asked[] = { R, R | W, W };
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct attempt what = *base;

		if (asked[i] == W && what.kind == IPCSHM_REGION)
			continue;
		what.flags = asked[i];
		wrong += attempt_as(user, &what) != (asked[i] & ~rights ? -EACCES : 0);
	}
	return wrong;
}

/* Each class's bits alone, and all of the others'. */
static mode_t nth_mode(int n)
{
	const int shift = n % 3 * 3, bits = n / 3 % 8;

	return bits << shift | (n < 24 ? 0 : 0777 & ~(7 << shift));
}

TEST_F_TIMEOUT(name, is_opened_as_its_mode_permits, 120)
{
	const struct attempt base = { self->device, self->kind, self->name.text, 0, false };
	const struct user owner = make_user(0), stranger = make_user(1);
	const struct user member = { stranger.uid, owner.gid, 0 };
	const struct user other_member = { stranger.uid, stranger.gid, owner.gid };

	SKIP_UNLESS_ROOT;
	for (int n = 0; n < 48; n++) {
		const mode_t mode = nth_mode(n);
		int fd = create_as(owner, self->device, self->kind, self->name.text, R | X, mode);

		ASSERT_LE(0, fd);
		ASSERT_EQ(owner.uid, STAT(fd).uid);
		ASSERT_EQ(owner.gid, STAT(fd).gid);
		EXPECT_EQ(0, count_wrong_answers(&base, owner, allowed_rights(mode, 6)));
		EXPECT_EQ(0, count_wrong_answers(&base, member, allowed_rights(mode, 3)));
		EXPECT_EQ(0, count_wrong_answers(&base, other_member, allowed_rights(mode, 3)));
		EXPECT_EQ(0, count_wrong_answers(&base, stranger, allowed_rights(mode, 0)));
		close(fd);
	}
}

TEST_F(name, gives_its_creator_alone_the_requested_rights)
{
	const struct attempt again = { self->device, self->kind, self->name.text, R, false };
	const struct user owner = make_user(0);
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | W | X, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_TRUE(leave_text(self->kind, fd));
	EXPECT_TRUE(has_text(self->kind, fd));
	EXPECT_EQ(-EACCES, attempt_as(owner, &again));
}

TEST_F(name, that_is_there_but_not_permitted_isnt_created_either)
{
	struct attempt what = { self->device, self->kind, self->name.text, R, false };
	const struct user owner = make_user(0), stranger = make_user(1);
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | W | X, 0600);
	ASSERT_LE(0, fd);
	what.flags = R | C;
	EXPECT_EQ(-EACCES, attempt_as(stranger, &what));
	what.flags = R | C | X;
	EXPECT_EQ(-EEXIST, attempt_as(stranger, &what));
}

static int attempt_with(struct user user, __u64 capabilities, const struct attempt *what)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(!prctl(PR_SET_KEEPCAPS, 1) && become_user(user) &&
				      change_capabilities(capabilities)
			      ? -attempt_open(what)
			      : 255);
	return -wait_child(pid);
}

TEST_F(name, of_any_mode_is_opened_with_cap_ipc_owner_or_cap_dac_override)
{
	const struct attempt open_it = { self->device, self->kind, self->name.text, R | W, false };
	const struct attempt unlink_it = { self->device, self->kind, self->name.text, 0, true };
	const struct user owner = make_user(0), stranger = make_user(1), root = { 0, 0, 0 };
	const __u64 ipc_owner = 1ULL << CAP_IPC_OWNER, dac_override = 1ULL << CAP_DAC_OVERRIDE;
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | X, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, TRY(R | W));
	EXPECT_EQ(-EACCES, attempt_with(root, ~(ipc_owner | dac_override), &open_it));
	EXPECT_EQ(-EACCES, attempt_with(root, ~ipc_owner, &unlink_it));
	EXPECT_EQ(-EACCES, attempt_with(stranger, ~(ipc_owner | dac_override), &open_it));
	EXPECT_EQ(-EACCES, attempt_with(stranger, ~ipc_owner, &unlink_it));
	EXPECT_EQ(0, attempt_with(stranger, dac_override, &open_it));
	EXPECT_EQ(0, attempt_with(stranger, ipc_owner, &open_it));
	EXPECT_EQ(0, attempt_with(stranger, ipc_owner, &unlink_it));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, is_unlinked_by_its_owner_alone)
{
	const struct attempt what = { self->device, self->kind, self->name.text, 0, true };
	const struct user owner = make_user(0), stranger = make_user(1);
	const struct user member = { stranger.uid, owner.gid, 0 };
	const struct user owner_elsewhere = { owner.uid, stranger.gid, 0 };
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | X | P, 0077);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, attempt_as(stranger, &what));
	EXPECT_EQ(-EACCES, attempt_as(member, &what));
	EXPECT_EQ(0, TRY(R));
	EXPECT_EQ(0, attempt_as(owner_elsewhere, &what));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, isnt_asked_for_when_a_descriptor_is_used)
{
	int fd = OPEN(R | W | C | X, 0);
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0)
		_exit(become_user(make_user(0)) && leave_text(self->kind, fd) && STAT(fd).id ? 0
											     : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_TRUE(has_text(self->kind, fd));
}

/* The access mode of the device's descriptor limits the rights. */
TEST_F(name, device_descriptor_is_limited_by_its_access_mode)
{
	int reader = open(TEST_DEVICE, O_RDONLY | O_CLOEXEC);
	int writer = open(TEST_DEVICE, O_WRONLY | O_CLOEXEC);
	struct test_name name = make_name("access"), other = make_name("other");
	bool is_queue = variant->kind == IPCSHM_QUEUE;
	int device = open_device();

	ASSERT_LE(0, reader);
	ASSERT_LE(0, writer);
	if (is_queue) {
		ASSERT_LE(0, open_queue(device, name.text, READ_WRITE | IPCSHM_CREATE, 0600,
					1, 8, 8));
	} else {
		ASSERT_LE(0, open_region(device, name.text, READ_WRITE | IPCSHM_CREATE, 0600,
					 4096));
	}
	if (is_queue) {
		EXPECT_LE(0, open_queue(reader, name.text, IPCSHM_READ, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(reader, name.text, IPCSHM_WRITE, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(reader, name.text, READ_WRITE, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(reader, other.text, IPCSHM_READ | IPCSHM_CREATE, 0600,
					     1, 8, 8));
		EXPECT_LE(0, open_queue(writer, name.text, IPCSHM_WRITE, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(writer, name.text, IPCSHM_READ, 0, 0, 0, 0));
		EXPECT_LE(0, open_queue(writer, other.text, IPCSHM_WRITE | IPCSHM_CREATE, 0600,
					1, 8, 8));
	} else {
		EXPECT_LE(0, open_region(reader, name.text, IPCSHM_READ, 0, 0));
		EXPECT_EQ(-EBADF, open_region(reader, name.text, READ_WRITE, 0, 0));
		EXPECT_EQ(-EBADF, open_region(reader, other.text, IPCSHM_READ | IPCSHM_CREATE,
					      0600, 4096));
		EXPECT_EQ(-EBADF, open_region(writer, name.text, IPCSHM_READ, 0, 0));
		EXPECT_EQ(-EBADF, open_region(writer, name.text, READ_WRITE, 0, 0));
	}
	EXPECT_LT(0, get_info(reader).objects.max);
	EXPECT_LT(0, get_info(writer).objects.max);
	EXPECT_EQ(-EBADF, unlink_name(reader, variant->kind, name.text));
	EXPECT_EQ(0, unlink_name(writer, variant->kind, name.text));
	close(reader);
	close(writer);
	close(device);
}

IPCSHM_TEST_MAIN
