// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls on regions: what they hand to the kernel, and what they return.
 */
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

#include "fake.h"

static const uint32_t everything = IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE |
				   IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT | IPCSHM_POPULATE;

static void answer_region(void)
{
	fake.result = 9;
	fake.writes = true;
	fake.out.region_open.how.id = 0x123456789aULL;
	fake.out.region_open.how.created = 1;
	fake.out.region_open.size = 8192;
	fake.out.region_open.max_size = 0x9876543210ULL;
	fake.out.region_open.max_members = 65;
}

TEST(attr_has_its_size_for_ever)
{
	EXPECT_EQ(64, sizeof(struct ipcshm_region_attr));
}

TEST(open_hands_on_every_argument)
{
	struct ipcshm_region_attr attr = {
		.size = 5000,
		.id = 77,
		.created = 78,
		.max_size = 0x123456789aULL,
		.max_members = 7,
	};
	const char *name = "cam0";

	EXPECT_RETURNS(0, ipcshm_region_open(5, name, everything, 0640, &attr));

	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(5, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x01, 64), fake.asked.command);
	EXPECT_EQ((uintptr_t)name, fake.asked.in.region_open.how.name);
	EXPECT_EQ(4, fake.asked.in.region_open.how.name_len);
	EXPECT_EQ(everything, fake.asked.in.region_open.how.flags);
	EXPECT_EQ(0640, fake.asked.in.region_open.how.mode);
	EXPECT_EQ(0, fake.asked.in.region_open.how.id);
	EXPECT_EQ(0, fake.asked.in.region_open.how.created);
	EXPECT_EQ(0, fake.asked.in.region_open.how.reserved);
	EXPECT_EQ(5000, fake.asked.in.region_open.size);
	EXPECT_EQ(0x123456789aULL, fake.asked.in.region_open.max_size);
	EXPECT_EQ(7, fake.asked.in.region_open.max_members);
	EXPECT_EQ(0, fake.asked.in.region_open.reserved);
}

/* The kernel is the one to refuse them. */
TEST(unknown_flags_and_modes_reach_the_kernel)
{
	EXPECT_FAILS(EINVAL, ipcshm_region_open(5, "a", UINT32_MAX, 0177777, NULL));
	EXPECT_EQ(UINT32_MAX, fake.asked.in.region_open.how.flags);
	EXPECT_EQ(0177777, fake.asked.in.region_open.how.mode);
}

TEST(open_returns_descriptor_and_attributes)
{
	struct ipcshm_region_attr attr = { .size = 5000 };

	answer_region();
	EXPECT_RETURNS(9, ipcshm_region_open(5, "cam0", everything, 0600, &attr));

	EXPECT_EQ(8192, attr.size);
	EXPECT_EQ(0x123456789aULL, attr.id);
	EXPECT_EQ(1, attr.created);
	EXPECT_EQ(0x9876543210ULL, attr.max_size);
	EXPECT_EQ(65, attr.max_members);
}

TEST(open_without_attributes)
{
	answer_region();
	EXPECT_RETURNS(9, ipcshm_region_open(5, "cam0", IPCSHM_READ, 0, NULL));
	EXPECT_EQ(0, fake.asked.in.region_open.size);
	EXPECT_EQ(0, fake.asked.in.region_open.max_size);
	EXPECT_EQ(0, fake.asked.in.region_open.max_members);
}

TEST(open_without_name)
{
	struct ipcshm_region_attr attr = { .size = 4096 };

	EXPECT_RETURNS(0, ipcshm_region_open(5, NULL, IPCSHM_READ | IPCSHM_CREATE, 0, &attr));
	EXPECT_EQ(0, fake.asked.in.region_open.how.name);
	EXPECT_EQ(0, fake.asked.in.region_open.how.name_len);
}

TEST(open_refuses_reserved_members)
{
	struct ipcshm_region_attr attr;

	for (int i = 0; i < 7; i++) {
		memset(&attr, 0, sizeof(attr));
		attr.reserved[i] = 1U << 31;
		EXPECT_RETURNS(-EINVAL, ipcshm_region_open(5, "cam0", IPCSHM_READ, 0, &attr));
	}
	EXPECT_EQ(0, fake.asked.calls);
}

TEST(open_that_fails_leaves_the_attributes_alone)
{
	struct ipcshm_region_attr attr = {
		.size = 5000, .id = 1, .created = 2, .max_size = 3, .max_members = 4,
	};
	struct ipcshm_region_attr before = attr;

	answer_region();
	EXPECT_FAILS(EEXIST, ipcshm_region_open(5, "cam0", everything, 0600, &attr));
	EXPECT_FAILS(EDQUOT, ipcshm_region_open(5, "cam0", everything, 0600, &attr));
	EXPECT_EQ(0, memcmp(&before, &attr, sizeof(attr)));
}

TEST(open_returns_which_argument_is_not_valid)
{
	struct ipcshm_region_attr attr = { .invalid = 7 };

	EXPECT_FAILS(EINVAL, ipcshm_region_open(5, "cam0", everything, 0600, &attr));
	EXPECT_EQ(0, attr.invalid);
	EXPECT_EQ(NULL, ipcshm_region_invalid(&attr));
	EXPECT_EQ(UINT32_MAX, fake.asked.in.region_open.how.invalid);

	fake.writes = true;
	fake.out.region_open.how.invalid = offsetof(struct ipcshm_region_open_args, max_members);
	EXPECT_FAILS(EINVAL, ipcshm_region_open(5, "cam0", everything, 0600, &attr));
	EXPECT_EQ(offsetof(struct ipcshm_region_open_args, max_members), attr.invalid);
	EXPECT_EQ(0, strcmp("max_members", ipcshm_region_invalid(&attr)));

	fake.out.region_open.how.invalid = offsetof(struct ipcshm_region_open_args, how.flags);
	EXPECT_FAILS(EINVAL, ipcshm_region_open(5, "cam0", everything, 0600, &attr));
	EXPECT_EQ(0, strcmp("flags", ipcshm_region_invalid(&attr)));

	/* The address of the name. */
	fake.out.region_open.how.invalid = 0;
	EXPECT_FAILS(EINVAL, ipcshm_region_open(5, "cam0", everything, 0600, &attr));
	EXPECT_EQ(0, strcmp("name", ipcshm_region_invalid(&attr)));

	EXPECT_FAILS(EEXIST, ipcshm_region_open(5, "cam0", everything, 0600, &attr));
	EXPECT_EQ(0, attr.invalid);
}

TEST(stat_comes_back)
{
	struct ipcshm_region_stat stat;

	fake.writes = true;
	memset(&fake.out, 0x5a, sizeof(stat));
	EXPECT_RETURNS(0, ipcshm_region_get_stat(9, &stat, sizeof(stat)));

	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x20, 104), fake.asked.command);
	EXPECT_EQ(0, memcmp(&stat, &fake.out, sizeof(stat)));
}

TEST(stat_has_the_size_of_the_caller)
{
	union fake_argument stat;

	fake.writes = true;
	memset(&fake.out, 0x5a, sizeof(fake.out));
	for (size_t size = 64; size <= 104; size += 8) {
		memset(&stat, 0xa5, sizeof(stat));
		EXPECT_RETURNS(0, ipcshm_region_get_stat(9, &stat.region_stat, size));
		EXPECT_EQ(COMMAND(0x20, size), fake.asked.command);
		EXPECT_EQ(0, memcmp(&fake.out, &stat, size));
		EXPECT_EQ(0xa5, stat.bytes[size]);
	}
	EXPECT_RETURNS(-EINVAL, ipcshm_region_get_stat(9, &stat.region_stat, _IOC_SIZEMASK + 1));
	EXPECT_EQ(6, fake.asked.calls);
}

TEST(stat_returns_the_error)
{
	struct ipcshm_region_stat stat;

	EXPECT_FAILS(ENOTTY, ipcshm_region_get_stat(9, &stat, sizeof(stat)));
	EXPECT_RETURNS(-EFAULT, ipcshm_region_get_stat(9, NULL, sizeof(stat)));
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
	fake.out.region_stat.size = 4096;
	fake.out.region_stat.max_size = 12288;
	fake.map = &self->memory;
	self->address = NULL;
	self->size = 0;
}

FIXTURE_TEARDOWN(map)
{
	fake.active = false;
}

/* Up to where it can grow, so that it needn't be mapped again. */
TEST_F(map, whole_region_is_mapped_shared)
{
	EXPECT_RETURNS(0, ipcshm_region_map(9, IPCSHM_READ | IPCSHM_WRITE, &self->address,
					    &self->size));

	EXPECT_EQ(&self->memory, self->address);
	EXPECT_EQ(12288, self->size);
	EXPECT_EQ(2, fake.asked.calls);
	EXPECT_EQ(COMMAND(0x20, 104), fake.asked.command);
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

TEST_F(map, region_larger_than_the_address_space_is_not_mapped)
{
	if (sizeof(size_t) == 8)
		SKIP(return, "no region is that large");
	fake.out.region_stat.max_size = (1ULL << 32) + 4096;
	EXPECT_RETURNS(-ENOMEM, ipcshm_region_map(9, IPCSHM_READ, &self->address, &self->size));
	EXPECT_EQ(1, fake.asked.calls);
}

TEST_F(map, mapping_returns_the_error)
{
	const int errors[] = { EPERM, EACCES, EUSERS, EDQUOT, EKEYREVOKED, ENOMEM };

	for (size_t i = 0; i < 6; i++) {
		fake.map_error = errors[i];
		EXPECT_RETURNS(-errors[i], ipcshm_region_map(9, IPCSHM_READ, &self->address,
							     &self->size));
	}
	EXPECT_EQ(NULL, self->address);
	EXPECT_EQ(0, self->size);
}

TEST_F(map, member_pages_are_mapped_whole_read_only_at_their_offset)
{
	const struct ipcshm_member_page *page = NULL;

	EXPECT_RETURNS(0, ipcshm_region_map_members(9, &page));

	EXPECT_EQ(&self->memory, (const char *)page);
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(NULL, fake.asked.address);
	EXPECT_EQ(64 + 4 * 65536, fake.asked.length);
	EXPECT_EQ(PROT_READ, fake.asked.protection);
	EXPECT_EQ(MAP_SHARED, fake.asked.sharing);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(1LL << 43, fake.asked.offset);
}

TEST_F(map, mapping_the_member_page_returns_the_error)
{
	const struct ipcshm_member_page *page = NULL;
	const int errors[] = { EKEYREVOKED, ENOMEM, EBADF };

	for (size_t i = 0; i < 3; i++) {
		fake.map_error = errors[i];
		EXPECT_RETURNS(-errors[i], ipcshm_region_map_members(9, &page));
	}
	EXPECT_EQ(NULL, page);
}

/*
 * Members.
 */

TEST(self_returns_the_token)
{
	union fake_argument zero = { 0 };
	uint32_t token = 0;

	fake.writes = true;
	fake.out.region_self.token = 0x3fffffff;
	EXPECT_RETURNS(0, ipcshm_region_self(9, &token));
	EXPECT_EQ(0x3fffffff, token);
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x21, 8), fake.asked.command);
	EXPECT_EQ(0, memcmp(&zero, &fake.asked.in, sizeof(zero)));
}

TEST(self_that_fails_leaves_the_token_alone)
{
	uint32_t token = 77;

	fake.writes = true;
	EXPECT_FAILS(ESRCH, ipcshm_region_self(9, &token));
	EXPECT_FAILS(EKEYREVOKED, ipcshm_region_self(9, &token));
	EXPECT_EQ(77, token);
}

TEST(members_hands_on_every_argument)
{
	struct ipcshm_member members[3];
	union fake_argument want = {
		.region_members.members = (uintptr_t)members,
		.region_members.count = 3,
		.region_members.member_size = 24,
	};

	fake.writes = true;
	fake.out.region_members.count = 5;
	EXPECT_RETURNS(5, ipcshm_region_members(9, members, 3, sizeof(members[0])));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x22, 16), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));

	EXPECT_RETURNS(5, ipcshm_region_members(9, NULL, 0, 40));
	EXPECT_EQ(0, fake.asked.in.region_members.members);
	EXPECT_EQ(0, fake.asked.in.region_members.count);
	EXPECT_EQ(40, fake.asked.in.region_members.member_size);
	fake.out.region_members.count = 0;
	EXPECT_RETURNS(0, ipcshm_region_members(9, members, 3, sizeof(members[0])));
}

TEST(members_returns_the_error)
{
	const int errors[] = { EINVAL, ENOMEM, EKEYREVOKED, EFAULT, ENOTTY };

	fake.writes = true;
	fake.out.region_members.count = 5;
	for (size_t i = 0; i < 5; i++)
		EXPECT_FAILS(errors[i], ipcshm_region_members(9, NULL, 3, 24));
	EXPECT_EQ(5, fake.asked.calls);
}

/* 2^32 + 24 bytes must not become 24. */
TEST(members_of_an_impossible_size_are_refused)
{
	if (sizeof(size_t) == 4)
		SKIP(return, "no such size on this machine");
	EXPECT_RETURNS(-EINVAL, ipcshm_region_members(9, NULL, 1, (size_t)((1ULL << 32) + 24)));
	EXPECT_RETURNS(-EINVAL, ipcshm_region_members(9, NULL, 1, SIZE_MAX));
	EXPECT_EQ(0, fake.asked.calls);
}

TEST(member_is_alive_while_its_slot_has_its_token)
{
	static struct ipcshm_member_page page;
	const uint32_t token = 5U << 16 | 2;

	EXPECT_EQ(0, ipcshm_is_alive(&page, token));
	page.slot[2] = token;
	EXPECT_EQ(1, ipcshm_is_alive(&page, token));
	page.slot[2] = IPCSHM_SLOT_ENDED | 5U << 16 | IPCSHM_SLOT_END(IPCSHM_END_KILLED, 9);
	EXPECT_EQ(0, ipcshm_is_alive(&page, token));
	page.slot[2] = token + (1U << 16);
	EXPECT_EQ(0, ipcshm_is_alive(&page, token));
	page.slot[65535] = 0x3fffffff;
	EXPECT_EQ(1, ipcshm_is_alive(&page, 0x3fffffff));
	page.slot[0] = 0x10000;
	EXPECT_EQ(1, ipcshm_is_alive(&page, 0x10000));
}

/* A token may come from memory that a hostile process wrote. */
TEST(what_is_no_token_is_not_alive_even_if_its_slot_has_it)
{
	struct ipcshm_member_page *page = calloc(1, sizeof(*page));
	const uint32_t words[] = {
		0, 1, 0xffff, 0x40000000, 0x40010000, 0x80010005, 0xc000ffff, UINT32_MAX,
	};

	ASSERT_NE(NULL, page);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		page->slot[IPCSHM_TOKEN_SLOT(words[i])] = words[i];
		EXPECT_EQ(0, ipcshm_is_alive(page, words[i]));
	}
	free(page);
}

TEST(deaths_are_read_from_the_page)
{
	static struct ipcshm_member_page page;

	EXPECT_EQ(0, ipcshm_deaths(&page));
	page.deaths = 0x80000001;
	EXPECT_EQ(0x80000001, ipcshm_deaths(&page));
}

/*
 * Waiting, resizing, revoking.
 */

TEST(wait_hands_on_every_argument)
{
	union fake_argument want = {
		.region_wait.offset = 0x123456789a8ULL,
		.region_wait.expected = 0xfedcba9876543210ULL,
		.region_wait.deadline = 123456789012ULL,
		.region_wait.clock = CLOCK_MONOTONIC,
		.region_wait.size = 8,
		.region_wait.deaths = 0x80000001,
	};

	EXPECT_RETURNS(0, ipcshm_region_wait(9, 0x123456789a8ULL, 8, 0xfedcba9876543210ULL,
					     0x80000001, 123456789012ULL));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x23, 40), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

TEST(wait_returns_the_error_and_does_not_retry)
{
	const int errors[] = { EAGAIN, EOWNERDEAD, ETIMEDOUT, EINTR, EINVAL, EDQUOT, EIO, ENOMEM,
			       EKEYREVOKED };

	for (size_t i = 0; i < 9; i++)
		EXPECT_FAILS(errors[i], ipcshm_region_wait(9, 1, 3, 0, 0, IPCSHM_FOREVER));
	EXPECT_EQ(9, fake.asked.calls);
	EXPECT_EQ(IPCSHM_FOREVER, fake.asked.in.region_wait.deadline);
}

TEST(waitv_hands_on_every_argument_and_returns_the_index)
{
	const struct ipcshm_region_word words[2] = { { .size = 4 }, { .offset = 8, .size = 8 } };
	union fake_argument want = {
		.region_waitv.words = (uintptr_t)words,
		.region_waitv.deadline = 123456789012ULL,
		.region_waitv.count = 2,
		.region_waitv.word_size = 24,
		.region_waitv.clock = CLOCK_MONOTONIC,
		.region_waitv.deaths = 0x80000001,
	};

	fake.result = 1;
	EXPECT_RETURNS(1, ipcshm_region_waitv(9, words, 2, 0x80000001, 123456789012ULL));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x29, 40), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EAGAIN, ipcshm_region_waitv(9, words, UINT32_MAX, 0, IPCSHM_FOREVER));
	EXPECT_EQ(UINT32_MAX, fake.asked.in.region_waitv.count);
	EXPECT_FAILS(EINTR, ipcshm_region_waitv(9, NULL, 0, 0, 0));
}

TEST(requeue_hands_on_every_argument_and_returns_how_many)
{
	union fake_argument want = {
		.region_requeue.expected = 0xfedcba9876543210ULL,
		.region_requeue.offset = 0x123456789a8ULL,
		.region_requeue.target = 0x23456789ab8ULL,
		.region_requeue.size = 8,
		.region_requeue.wake = 3,
		.region_requeue.move = INT32_MAX,
	};

	fake.result = 5;
	EXPECT_RETURNS(5, ipcshm_region_requeue(9, 0x123456789a8ULL, 0x23456789ab8ULL, 8,
						0xfedcba9876543210ULL, 3, INT32_MAX));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x2a, 48), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EAGAIN, ipcshm_region_requeue(9, 0, 4, 4, 0, 0, 0));
	EXPECT_FAILS(EBADF, ipcshm_region_requeue(-1, 0, 4, 4, 0, 1, 1));
}

TEST(wake_hands_on_every_argument_and_returns_how_many)
{
	union fake_argument want = {
		.region_wake.offset = 0x123456789a8ULL,
		.region_wake.count = 0x7fffffff,
	};

	fake.result = 3;
	EXPECT_RETURNS(3, ipcshm_region_wake(9, 0x123456789a8ULL, 0x7fffffff));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x24, 16), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EINVAL, ipcshm_region_wake(9, 0, UINT32_MAX));
	EXPECT_EQ(UINT32_MAX, fake.asked.in.region_wake.count);
	EXPECT_FAILS(EKEYREVOKED, ipcshm_region_wake(9, 0, 1));
}

TEST(watch_hands_on_every_argument)
{
	union fake_argument want = {
		.region_watch.offset = 0x123456789a8ULL,
		.region_watch.expected = 0xfedcba9876543210ULL,
		.region_watch.size = 8,
		.region_watch.deaths = 0x80000001,
		.region_watch.events = IPCSHM_WATCH_WORD | IPCSHM_WATCH_DEATHS | IPCSHM_WATCH_REVOKE,
	};

	EXPECT_RETURNS(0, ipcshm_region_watch(9, 0x123456789a8ULL, 8, 0xfedcba9876543210ULL,
					      0x80000001));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x25, 32), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EINVAL, ipcshm_region_watch(9, 1, 3, 0, 0));
	EXPECT_FAILS(EDQUOT, ipcshm_region_watch(9, 0, 4, 0, 0));
	EXPECT_FAILS(EKEYREVOKED, ipcshm_region_watch(9, 0, 0, 0, 0));
	EXPECT_EQ(IPCSHM_WATCH_DEATHS | IPCSHM_WATCH_REVOKE, fake.asked.in.region_watch.events);
}

TEST(watch_events_hands_on_every_argument)
{
	union fake_argument want = {
		.region_watch.offset = 0x123456789a8ULL,
		.region_watch.expected = 0xfedcba9876543210ULL,
		.region_watch.size = 8,
		.region_watch.deaths = 0x80000001,
		.region_watch.events = 0x90000001,
	};

	EXPECT_RETURNS(0, ipcshm_region_watch_events(9, 0x90000001, 0x123456789a8ULL, 8,
						     0xfedcba9876543210ULL, 0x80000001));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x25, 32), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EINVAL, ipcshm_region_watch_events(9, 8, 0, 0, 0, 0));
}

TEST(resize_hands_on_the_size)
{
	EXPECT_RETURNS(0, ipcshm_region_resize(9, 0x123456789aULL));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x26, 8), fake.asked.command);
	EXPECT_EQ(0x123456789aULL, fake.asked.in.region_resize.size);
}

TEST(resize_returns_the_error)
{
	const int errors[] = { EINVAL, EBADF, EBUSY, EPERM, EFBIG, ENOMEM, EKEYREVOKED };

	for (size_t i = 0; i < 7; i++)
		EXPECT_FAILS(errors[i], ipcshm_region_resize(9, UINT64_MAX));
	EXPECT_EQ(UINT64_MAX, fake.asked.in.region_resize.size);
	EXPECT_EQ(7, fake.asked.calls);
}

TEST(revoke_asks_for_nothing_else)
{
	union fake_argument zero = { 0 };

	memset(&fake.asked.in, 0xff, 8);
	EXPECT_RETURNS(0, ipcshm_region_revoke(9));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x27, 8), fake.asked.command);
	EXPECT_EQ(0, memcmp(&zero, &fake.asked.in, sizeof(zero)));
	EXPECT_FAILS(EACCES, ipcshm_region_revoke(9));
}

TEST_HARNESS_MAIN
