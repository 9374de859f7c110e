// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls on regions: what they hand to the kernel, and what they return.
 */
#include "kselftest_harness.h"

#include "fake.h"

static const uint32_t everything = IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE |
				   IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT;

static void answer_region(void)
{
	fake.result = 9;
	fake.writes = true;
	fake.out.region_open.open.id = 0x123456789aULL;
	fake.out.region_open.open.created = 1;
	fake.out.region_open.size = 8192;
}

TEST(attr_has_its_size_for_ever)
{
	EXPECT_EQ(64, sizeof(struct ipcshm_region_attr));
}

TEST(open_hands_on_every_argument)
{
	struct ipcshm_region_attr attr = { .size = 5000, .id = 77, .created = 78 };
	const char *name = "cam0";

	EXPECT_RETURNS(0, ipcshm_region_open(5, name, everything, 0640, &attr));

	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(5, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x01, 40), fake.asked.command);
	EXPECT_EQ((uintptr_t)name, fake.asked.in.region_open.open.name);
	EXPECT_EQ(4, fake.asked.in.region_open.open.name_len);
	EXPECT_EQ(everything, fake.asked.in.region_open.open.flags);
	EXPECT_EQ(0640, fake.asked.in.region_open.open.mode);
	EXPECT_EQ(0, fake.asked.in.region_open.open.id);
	EXPECT_EQ(0, fake.asked.in.region_open.open.created);
	EXPECT_EQ(5000, fake.asked.in.region_open.size);
}

/* The kernel is the one to refuse them. */
TEST(unknown_flags_and_modes_reach_the_kernel)
{
	EXPECT_FAILS(EINVAL, ipcshm_region_open(5, "a", UINT32_MAX, 0177777, NULL));
	EXPECT_EQ(UINT32_MAX, fake.asked.in.region_open.open.flags);
	EXPECT_EQ(0177777, fake.asked.in.region_open.open.mode);
}

TEST(open_returns_descriptor_and_attributes)
{
	struct ipcshm_region_attr attr = { .size = 5000 };

	answer_region();
	EXPECT_RETURNS(9, ipcshm_region_open(5, "cam0", everything, 0600, &attr));

	EXPECT_EQ(8192, attr.size);
	EXPECT_EQ(0x123456789aULL, attr.id);
	EXPECT_EQ(1, attr.created);
}

TEST(open_without_attributes)
{
	answer_region();
	EXPECT_RETURNS(9, ipcshm_region_open(5, "cam0", IPCSHM_READ, 0, NULL));
	EXPECT_EQ(0, fake.asked.in.region_open.size);
}

TEST(open_without_name)
{
	struct ipcshm_region_attr attr = { .size = 4096 };

	EXPECT_RETURNS(0, ipcshm_region_open(5, NULL, IPCSHM_READ | IPCSHM_CREATE, 0, &attr));
	EXPECT_EQ(0, fake.asked.in.region_open.open.name);
	EXPECT_EQ(0, fake.asked.in.region_open.open.name_len);
}

TEST(open_refuses_reserved_members)
{
	struct ipcshm_region_attr attr = { .reserved0 = 1 };

	EXPECT_RETURNS(-EINVAL, ipcshm_region_open(5, "cam0", IPCSHM_READ, 0, &attr));
	for (int i = 0; i < 5; i++) {
		memset(&attr, 0, sizeof(attr));
		attr.reserved[i] = 1ULL << 63;
		EXPECT_RETURNS(-EINVAL, ipcshm_region_open(5, "cam0", IPCSHM_READ, 0, &attr));
	}
	EXPECT_EQ(0, fake.asked.calls);
}

TEST(open_that_fails_leaves_the_attributes_alone)
{
	struct ipcshm_region_attr attr = { .size = 5000, .id = 1, .created = 2 };

	answer_region();
	EXPECT_FAILS(EEXIST, ipcshm_region_open(5, "cam0", everything, 0600, &attr));
	EXPECT_FAILS(EDQUOT, ipcshm_region_open(5, "cam0", everything, 0600, &attr));
	EXPECT_EQ(5000, attr.size);
	EXPECT_EQ(1, attr.id);
	EXPECT_EQ(2, attr.created);
}

TEST(stat_comes_back)
{
	struct ipcshm_region_stat stat;

	fake.writes = true;
	memset(&fake.out, 0x5a, sizeof(stat));
	EXPECT_RETURNS(0, ipcshm_region_stat(9, &stat, sizeof(stat)));

	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x20, 48), fake.asked.command);
	EXPECT_EQ(0, memcmp(&stat, &fake.out, sizeof(stat)));
}

TEST(stat_has_the_size_of_the_caller)
{
	union fake_argument stat, zero = { 0 };

	memset(&stat, 0xff, sizeof(stat));
	EXPECT_RETURNS(0, ipcshm_region_stat(9, &stat.region_stat, 56));
	EXPECT_EQ(COMMAND(0x20, 56), fake.asked.command);
	EXPECT_EQ(0, memcmp(&zero, &fake.asked.in, sizeof(zero)));
	EXPECT_EQ(0xff, stat.bytes[56]);
	EXPECT_RETURNS(-EINVAL, ipcshm_region_stat(9, &stat.region_stat, _IOC_SIZEMASK + 1));
}

TEST(stat_returns_the_error)
{
	struct ipcshm_region_stat stat;

	EXPECT_FAILS(ENOTTY, ipcshm_region_stat(9, &stat, sizeof(stat)));
	EXPECT_RETURNS(-EFAULT, ipcshm_region_stat(9, NULL, sizeof(stat)));
}

FIXTURE(map) {
	char memory;
	void *address;
	size_t size;
};

FIXTURE_SETUP(map)
{
	fake.active = true;
	fake.writes = true;
	fake.out.region_stat.size = 12288;
	fake.map = &self->memory;
	self->address = NULL;
	self->size = 0;
}

FIXTURE_TEARDOWN(map)
{
	fake.active = false;
}

TEST_F(map, whole_region_is_mapped_shared)
{
	EXPECT_RETURNS(0, ipcshm_region_map(9, IPCSHM_READ | IPCSHM_WRITE, &self->address,
					    &self->size));

	EXPECT_EQ(&self->memory, self->address);
	EXPECT_EQ(12288, self->size);
	EXPECT_EQ(2, fake.asked.calls);
	EXPECT_EQ(COMMAND(0x20, 48), fake.asked.command);
	EXPECT_EQ(NULL, fake.asked.address);
	EXPECT_EQ(12288, fake.asked.length);
	EXPECT_EQ(PROT_READ | PROT_WRITE, fake.asked.protection);
	EXPECT_EQ(MAP_SHARED, fake.asked.sharing);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(0, fake.asked.offset);
}

TEST_F(map, read_access_is_read_only)
{
	EXPECT_RETURNS(0, ipcshm_region_map(9, IPCSHM_READ, &self->address, &self->size));
	EXPECT_EQ(PROT_READ, fake.asked.protection);
}

TEST_F(map, other_access_is_refused)
{
	const uint32_t others[] = { 0, IPCSHM_WRITE, IPCSHM_READ | IPCSHM_CREATE, UINT32_MAX };

	for (size_t i = 0; i < 4; i++)
		EXPECT_RETURNS(-EINVAL, ipcshm_region_map(9, others[i], &self->address,
							  &self->size));
	EXPECT_EQ(0, fake.asked.calls);
}

TEST_F(map, what_is_no_region_is_not_mapped)
{
	EXPECT_FAILS(ENOTTY, ipcshm_region_map(9, IPCSHM_READ, &self->address, &self->size));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(NULL, self->address);
	EXPECT_EQ(0, self->size);
}

TEST_F(map, mapping_returns_the_error)
{
	fake.map_error = EPERM;
	EXPECT_RETURNS(-EPERM, ipcshm_region_map(9, IPCSHM_READ, &self->address, &self->size));
	fake.map_error = EACCES;
	EXPECT_RETURNS(-EACCES, ipcshm_region_map(9, IPCSHM_READ, &self->address, &self->size));
	EXPECT_EQ(NULL, self->address);
	EXPECT_EQ(0, self->size);
}

TEST_HARNESS_MAIN
