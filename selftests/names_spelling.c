// SPDX-License-Identifier: GPL-2.0-only
/* Which bytes a name may have, and how many. */
#include "common/harness.h"
#include "common/object.h"
#include "names_fixture.h"

static int unlink_bytes(int device, enum ipcshm_kind kind, const void *name, size_t length)
{
	struct ipcshm_unlink_args args = { .name = (uintptr_t)name,
					   .name_len = length,
					   .kind = kind };

	return call(device, IPCSHM_IOC_UNLINK, &args);
}

FIXTURE(spelling) {
	int device;
	enum ipcshm_kind kind;
	struct test_name name;
};

FIXTURE_VARIANT(spelling) {
	enum ipcshm_kind kind;
};

FIXTURE_VARIANT_ADD(spelling, region) { .kind = IPCSHM_REGION };
FIXTURE_VARIANT_ADD(spelling, queue) { .kind = IPCSHM_QUEUE };

/* These names aren't the process's own: if possible, the namespace is. */
FIXTURE_SETUP(spelling)
{
	if (!geteuid()) {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
	}
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->kind = variant->kind;
	self->name = make_name("spelling");
}

FIXTURE_TEARDOWN(spelling)
{
	unlink_name(self->device, self->kind, self->name.text);
	close(self->device);
}

/* Creates by that name: 0 if all is well, else why it can't be. */
static int check_name(int device, enum ipcshm_kind kind, const void *bytes, size_t length)
{
	int fd = open_bytes(device, kind, bytes, length, R | C | X, 0600);
	int again, result;

	if (fd < 0) {
		result = unlink_bytes(device, kind, bytes, length);
		again = open_bytes(device, kind, bytes, length, R, 0);
		return result == fd && again == fd ? fd : -ENOTRECOVERABLE;
	}
	again = open_bytes(device, kind, bytes, length, R, 0);
	result = stat_of(kind, fd).id == stat_of(kind, again).id ? 0 : -ENOTUNIQ;
	if (unlink_bytes(device, kind, bytes, length))
		result = -ENOTRECOVERABLE;
	close(fd);
	close(again);
	return result;
}

TEST_F(spelling, has_1_to_255_bytes)
{
	char bytes[300];

	memset(bytes, 'n', sizeof(bytes));
	for (size_t length = 1; length <= 255; length++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, bytes, length));
	}
	for (size_t length = 256; length <= sizeof(bytes); length++) {
		EXPECT_EQ(-ENAMETOOLONG, check_name(self->device, self->kind, bytes, length));
	}
	EXPECT_EQ(-ENAMETOOLONG, check_name(self->device, self->kind, bytes, UINT_MAX));
	EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, 0));
}

TEST_F(spelling, has_1_to_255_bytes_after_a_slash)
{
	char bytes[300];

	memset(bytes, 'n', sizeof(bytes));
	bytes[0] = '/';
	for (size_t length = 2; length <= 256; length++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, bytes, length));
	}
	for (size_t length = 257; length <= sizeof(bytes); length++) {
		EXPECT_EQ(-ENAMETOOLONG, check_name(self->device, self->kind, bytes, length));
	}
	EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, 1));
}

TEST_F(spelling, is_the_same_with_a_leading_slash)
{
	char slashed[sizeof(self->name) + 1];
	int fd, same;

	snprintf(slashed, sizeof(slashed), "/%s", self->name.text);
	fd = OPEN(R | C | X | P, 0600);
	ASSERT_LE(0, fd);
	same = open_kind(self->device, self->kind, slashed, R, 0);
	ASSERT_LE(0, same);
	EXPECT_EQ(STAT(fd).id, STAT(same).id);
	EXPECT_EQ(-EEXIST, open_kind(self->device, self->kind, slashed, R | C | X, 0600));
	EXPECT_EQ(0, unlink_name(self->device, self->kind, slashed));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(spelling, isnt_a_path)
{
	const char *const wrong[] = { "/", "//", ".", "..", "/.", "/..", "a/", "/a/", "a/b", "/a/b",
		"//a", "./a", "../a", "a/." };
	const char *const right[] = {
		"...", "/...", ".a", "a.", "..a", "a..", " ", "/ ", "\\", "*"
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, wrong[i], strlen(wrong[i])))
			TH_LOG("%s", wrong[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, right[i], strlen(right[i])))
			TH_LOG("%s", right[i]);
	}
}

TEST_F(spelling, has_no_nul)
{
	char bytes[255];

	memset(bytes, 'n', sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = '\0';
		EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, sizeof(bytes)));
		EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, i + 1));
		bytes[i] = 'n';
	}
}

TEST_F(spelling, may_have_every_other_byte)
{
	const size_t length = strlen(self->name.text);
	int fds[256];

	for (int byte = 1; byte < 256; byte++) {
		char bytes[sizeof(self->name.text) + 2];

		memcpy(bytes, self->name.text, length);
		bytes[length] = byte;
		bytes[length + 1] = 'n';
		fds[byte] =
			open_bytes(self->device, self->kind, bytes, length + 2, R | C | X, 0600);
		EXPECT_EQ(byte == '/' ? -EINVAL : 0, fds[byte] < 0 ? fds[byte] : 0);
	}
	for (int byte = 1; byte < 256; byte++)
		close(fds[byte]);
}

TEST_F(spelling, differs_in_every_byte_and_in_length)
{
	const size_t length = strlen(self->name.text);
	char bytes[sizeof(self->name.text) + 1];

	ASSERT_LE(0, OPEN(R | C | X, 0600));
	memcpy(bytes, self->name.text, length);
	bytes[length] = 'n';
	for (size_t i = 0; i < length; i++) {
		bytes[i] ^= 1;
		EXPECT_EQ(-ENOENT, open_bytes(self->device, self->kind, bytes, length, R, 0));
		bytes[i] ^= 1;
	}
	for (size_t i = 1; i <= length + 1; i++) {
		int fd = open_bytes(self->device, self->kind, bytes, i, R, 0);

		EXPECT_EQ(i == length ? 0 : -ENOENT, fd < 0 ? fd : 0);
	}
}

TEST_F(spelling, needs_no_nul_at_its_end)
{
	const long size = sysconf(_SC_PAGESIZE);
	char *pages =
		mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *edge = pages + size;

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, munmap(edge, size));
	memset(pages, 'n', size);
	for (size_t length = 1; length <= 255; length++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, edge - length, length));
		EXPECT_EQ(-EFAULT, open_bytes(self->device, self->kind, edge - length + 1, length,
					      R | C, 0600));
	}
}

IPCSHM_TEST_MAIN
