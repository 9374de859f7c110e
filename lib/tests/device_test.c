// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls on /dev/ipcshm: what they hand to the kernel, and what they return.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "harness.h"

#include "fake.h"

TEST(open_is_close_on_exec)
{
	fake.result = 7;
	EXPECT_RETURNS(7, ipcshm_open());

	EXPECT_STREQ("/dev/ipcshm", fake.asked.path);
	EXPECT_EQ(O_RDWR | O_CLOEXEC, fake.asked.flags);
	EXPECT_EQ(1, fake.asked.calls);
}

TEST(open_returns_the_error)
{
	EXPECT_FAILS(ENOENT, ipcshm_open());
	EXPECT_FAILS(EINTR, ipcshm_open());
	EXPECT_EQ(2, fake.asked.calls);
}

/* A device whose mode permits reading or writing alone still opens what exists. */
TEST(open_is_content_with_one_right)
{
	EXPECT_FAILS(EACCES, ipcshm_open());
	EXPECT_EQ(3, fake.asked.calls);
	EXPECT_EQ(O_WRONLY | O_CLOEXEC, fake.asked.flags);
}

TEST(info_comes_back)
{
	struct ipcshm_info info;

	fake.writes = true;
	memset(&fake.out, 0x5a, sizeof(info));
	EXPECT_RETURNS(0, ipcshm_get_info(5, &info, sizeof(info)));

	EXPECT_EQ(5, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x00, 120), fake.asked.command);
	EXPECT_EQ(&info, fake.asked.argument);
	EXPECT_EQ(0, memcmp(&info, &fake.out, sizeof(info)));
}

/* An earlier header or a later one: the structure is the caller's, whole and no more. */
TEST(info_has_the_size_of_the_caller)
{
	const size_t sizes[] = { 64, 72, 104, 112, 4096 };

	fake.writes = true;
	memset(&fake.out, 0x5a, sizeof(fake.out));
	for (size_t i = 0; i < 5; i++) {
		struct ipcshm_info *info = malloc(sizes[i]);

		ASSERT_NE(NULL, info);
		EXPECT_RETURNS(0, ipcshm_get_info(5, info, sizes[i]));
		EXPECT_EQ(COMMAND(0x00, sizes[i]), fake.asked.command);
		EXPECT_EQ(info, fake.asked.argument);
		EXPECT_EQ(0, memcmp(info, &fake.out, sizes[i]));
		free(info);
	}
}

/* The kernel writes all of it, with zeroes for unknown members. */
TEST(info_is_left_to_the_kernel_to_fill)
{
	struct ipcshm_info info, before;

	memset(&info, 0xa5, sizeof(info));
	before = info;
	EXPECT_RETURNS(0, ipcshm_get_info(5, &info, sizeof(info)));
	EXPECT_EQ(0, memcmp(&before, &info, sizeof(info)));
}

TEST(size_that_no_command_can_carry_is_refused)
{
	static union fake_argument info;

	EXPECT_RETURNS(0, ipcshm_get_info(5, &info.info, _IOC_SIZEMASK));
	EXPECT_EQ(COMMAND(0x00, _IOC_SIZEMASK), fake.asked.command);

	EXPECT_RETURNS(-EINVAL, ipcshm_get_info(5, &info.info, _IOC_SIZEMASK + 1));
	EXPECT_RETURNS(-EINVAL, ipcshm_get_info(5, &info.info, SIZE_MAX));
	EXPECT_EQ(1, fake.asked.calls);
}

TEST(info_returns_the_error)
{
	struct ipcshm_info info;

	EXPECT_FAILS(EBADF, ipcshm_get_info(5, &info, sizeof(info)));
	EXPECT_FAILS(ENOTTY, ipcshm_get_info(5, &info, sizeof(info)));
	EXPECT_FAILS(EINVAL, ipcshm_get_info(5, &info, 0));
	EXPECT_RETURNS(-EFAULT, ipcshm_get_info(5, NULL, sizeof(info)));
}

TEST(unlink_hands_on_kind_and_name)
{
	const char *name = "/cam0";

	EXPECT_RETURNS(0, ipcshm_unlink(5, IPCSHM_QUEUE, name));

	EXPECT_EQ(5, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x03, 24), fake.asked.command);
	EXPECT_EQ((uintptr_t)name, fake.asked.in.unlink.name);
	EXPECT_EQ(5, fake.asked.in.unlink.name_len);
	EXPECT_EQ(2, fake.asked.in.unlink.kind);
	EXPECT_EQ(0, fake.asked.in.unlink.flags);
	EXPECT_EQ(0, fake.asked.in.unlink.reserved);

	EXPECT_RETURNS(0, ipcshm_unlink(5, IPCSHM_REGION, ""));
	EXPECT_EQ(0, fake.asked.in.unlink.name_len);
	EXPECT_EQ(1, fake.asked.in.unlink.kind);
}

TEST(unlink_returns_the_error)
{
	EXPECT_FAILS(ENOENT, ipcshm_unlink(5, IPCSHM_REGION, "a"));
	EXPECT_FAILS(EINVAL, ipcshm_unlink(5, IPCSHM_REGION, NULL));
	EXPECT_EQ(0, fake.asked.in.unlink.name);
	EXPECT_EQ(0, fake.asked.in.unlink.name_len);
}

/* 2^32 + 1 bytes must not become a name of one byte. */
TEST(overlong_name_is_not_cut_to_an_allowed_one)
{
	size_t block = 1 << 21, length = (size_t)((1ULL << 32) + 1);
	char *name, *at;

	if (sizeof(size_t) == 4)
		SKIP(return, "no such name on this machine");

	/* The same block of memory over and over, to need no 4 GiB. */
	int fd = memfd_create("name", MFD_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, (off_t)block));
	name = mmap(NULL, length + block, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, name);
	for (at = name; at < name + length - 1; at += block)
		ASSERT_EQ(at, mmap(at, block, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				   fd, 0));
	memset(name, 'a', block);
	*at = 'a';

	EXPECT_RETURNS(0, ipcshm_unlink(5, IPCSHM_REGION, name));
	EXPECT_EQ(UINT32_MAX, fake.asked.in.unlink.name_len);
}

TEST_HARNESS_MAIN
