// SPDX-License-Identifier: GPL-2.0-only
/* The binary interface of regions: each wrong value alone in otherwise valid input. */
#include <poll.h>
#include <stddef.h>
#include <sys/resource.h>

#include "abi_fixture.h"
#include "common/abi.h"
#include "common/harness.h"

static const struct change wrong_region_values[] = {
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C | W, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C | X | R | W, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C | P | R | W, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C | R | W | N, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, C | X | P | R | W | N, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, C | W, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, C | R | IPCSHM_HANGUP, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, C, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 01000, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 04600, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 0100600, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.mode, ~0, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, 0, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, IPCSHM_REGION_MAX + 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, ~0ULL, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, 1ULL << 63, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, (1ULL << 63) - 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_size, 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_size, IPCSHM_REGION_MAX + 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_size, ~0ULL - 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_size, 1ULL << 63, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_members, IPCSHM_MEMBERS_MAX + 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_members, ~0, EINVAL),
	CHANGE(REGION_GROWING, region_open_args, size, BEYOND, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.reserved, 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.reserved, 1U << 31, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.reserved, 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.name, 0, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT),
	CHANGE(REGION_CREATE, region_open_args, how.name_len, 0, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.name_len, 257, ENAMETOOLONG),
	CHANGE(REGION_CREATE, region_open_args, how.name_len, ~0, ENAMETOOLONG),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.name, NOWHERE, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.name_len, 1, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, 0, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, W, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | X, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | P, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | N, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | IPCSHM_POPULATE, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | IPCSHM_HUGE, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.mode, 0400, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, size, 4096, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, max_size, 4096, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, max_members, 1, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.name, 0, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.name, NOWHERE, EFAULT),
	CHANGE(REGION_OPEN, region_open_args, how.name_len, 0, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.name_len, 257, ENAMETOOLONG),
	CHANGE(REGION_OPEN, region_open_args, how.name_len, NAME_LEN - 1, ENOENT),
};

static const struct change wrong_member_values[] = {
	CHANGE(MEMBER, region_member_args, token, 0, EINVAL),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MIN - 1, EINVAL),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MASK + 1, EINVAL),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MIN | 1U << 31, EINVAL),
	CHANGE(MEMBER, region_member_args, token, ~0, EINVAL),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MIN | 1, ESRCH),
	CHANGE(MEMBER, region_member_args, token, 2 * IPCSHM_TOKEN_MIN, ESRCH),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MASK, ESRCH),
	CHANGE(MEMBERS, region_members_args, member_size, 0, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, 1, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, IPCSHM_MEMBER_SIZE_VER0 - 1, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, 1 << 20, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, 1U << 31, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, ~0, EINVAL),
	CHANGE(MEMBERS, region_members_args, members, 0, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, 1, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, NOWHERE, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, HOLE_ADDRESS, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, 1ULL << 63, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, ~0ULL, EFAULT),
};

static const struct change wrong_wait_values[] = {
	CHANGE(WAIT, region_wait_args, offset, 1, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, 2, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, 7, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, BEYOND, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, 1ULL << 32, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, IPCSHM_MEMBER_PAGE_OFFSET, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, (1ULL << 63) - 4096, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, 1ULL << 63, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, -4ULL, EINVAL),
	CHANGE(WAIT, region_wait_args, expected, 1, EAGAIN),
	CHANGE(WAIT, region_wait_args, expected, ~0U, EAGAIN),
	CHANGE(WAIT, region_wait_args, expected, 1ULL << 32, EINVAL),
	CHANGE(WAIT, region_wait_args, expected, ~0ULL, EINVAL),
	CHANGE(WAIT, region_wait_args, clock, 2, EINVAL),
	CHANGE(WAIT, region_wait_args, clock, CLOCK_TAI, EINVAL),
	CHANGE(WAIT, region_wait_args, clock, ~0, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 0, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 1, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 2, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 3, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 16, EINVAL),
	CHANGE(WAIT, region_wait_args, size, ~0, EINVAL),
	CHANGE(WAIT, region_wait_args, deaths, 12345, EOWNERDEAD),
	CHANGE(WAIT, region_wait_args, deaths, ~0, EOWNERDEAD),
};

static const struct change wrong_waitv_values[] = {
	CHANGE(WAITV, region_waitv_args, words, 0, EFAULT),
	CHANGE(WAITV, region_waitv_args, words, 1, EFAULT),
	CHANGE(WAITV, region_waitv_args, words, NOWHERE, EFAULT),
	CHANGE(WAITV, region_waitv_args, words, HOLE_ADDRESS, EFAULT),
	CHANGE(WAITV, region_waitv_args, words, 1ULL << 63, EFAULT),
	CHANGE(WAITV, region_waitv_args, words, ~0ULL, EFAULT),
	CHANGE(WAITV, region_waitv_args, count, 0, EINVAL),
	CHANGE(WAITV, region_waitv_args, count, IPCSHM_WAITV_MAX + 1, EINVAL),
	CHANGE(WAITV, region_waitv_args, count, ~0, EINVAL),
	CHANGE(WAITV, region_waitv_args, word_size, 0, EINVAL),
	CHANGE(WAITV, region_waitv_args, word_size, IPCSHM_REGION_WORD_SIZE_VER0 - 1, EINVAL),
	CHANGE(WAITV, region_waitv_args, word_size, 1 << 20, EINVAL),
	CHANGE(WAITV, region_waitv_args, word_size, ~0, EINVAL),
	CHANGE(WAITV, region_waitv_args, clock, 2, EINVAL),
	CHANGE(WAITV, region_waitv_args, clock, ~0, EINVAL),
	CHANGE(WAITV, region_waitv_args, deaths, 12345, EOWNERDEAD),
	CHANGE(WAITV, region_waitv_args, deaths, ~0, EOWNERDEAD),
};

static const struct change wrong_wake_values[] = {
	CHANGE(WAKE, region_wake_args, count, 1U << 31, EINVAL),
	CHANGE(WAKE, region_wake_args, count, ~0, EINVAL),
	CHANGE(WAKE, region_wake_args, offset, 1, EINVAL),
	CHANGE(WAKE, region_wake_args, offset, 2, EINVAL),
	CHANGE(WAKE, region_wake_args, offset, BEYOND + 3, EINVAL),
	CHANGE(WAKE, region_wake_args, offset, ~0ULL, EINVAL),
};

static const struct change wrong_requeue_values[] = {
	CHANGE(REQUEUE, region_requeue_args, expected, 1, EAGAIN),
	CHANGE(REQUEUE, region_requeue_args, expected, ~0U, EAGAIN),
	CHANGE(REQUEUE, region_requeue_args, offset, 1, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, offset, 2, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, offset, BEYOND, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, offset, IPCSHM_MEMBER_PAGE_OFFSET, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, offset, 1ULL << 63, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, offset, -4ULL, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, target, 0, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, target, 3, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, target, BEYOND, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, target, IPCSHM_MEMBER_PAGE_OFFSET, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, target, 1ULL << 63, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, target, -4ULL, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, size, 0, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, size, 1, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, size, 16, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, size, ~0, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, wake, 1U << 31, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, wake, ~0, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, move, 1U << 31, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, move, ~0, EINVAL),
};

static const struct change wrong_watch_values[] = {
	CHANGE(WATCH, region_watch_args, offset, 1, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, 2, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, BEYOND, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, IPCSHM_MEMBER_PAGE_OFFSET, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, (1ULL << 63) - 4096, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, 1ULL << 63, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, -4ULL, EINVAL),
	CHANGE(WATCH, region_watch_args, expected, 1ULL << 32, EINVAL),
	CHANGE(WATCH, region_watch_args, expected, ~0ULL, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 0, EINVAL),
	CHANGE(WATCH, region_watch_args, events, 0, EINVAL),	/* with a word */
	CHANGE(WATCH, region_watch_args, events, IPCSHM_WATCH_DEATHS, EINVAL),
	CHANGE(WATCH, region_watch_args, events, 0x09, EINVAL),
	CHANGE(WATCH, region_watch_args, events, ~0, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 1, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 2, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 3, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 16, EINVAL),
	CHANGE(WATCH, region_watch_args, size, ~0, EINVAL),
};

static const struct change wrong_resize_values[] = {
	CHANGE(RESIZE, region_resize_args, size, 0, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, BEYOND, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, IPCSHM_REGION_MAX, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, (1ULL << 63) - 1, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, 1ULL << 63, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, ~0ULL, EINVAL),
};

TEST_F(abi, region_open_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_region_values);
}

TEST_F(abi, members_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_member_values);
}

TEST_F(abi, wait_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_wait_values);
}

TEST_F(abi, waitv_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_waitv_values);
}

TEST_F(abi, requeue_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_requeue_values);
}

TEST_F(abi, wake_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_wake_values);
}

TEST_F(abi, watch_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_watch_values);
}

TEST_F(abi, resize_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_resize_values);
}

/*
 * Regions: values that depend on the size of a page, and changes of several members.
 */

TEST_F(abi, words_may_lie_up_to_the_end_of_the_region)
{
	const enum form looks[] = { WAIT, WATCH };
	struct world *world = &self->world;

	for (size_t i = 0; i < 4; i++) {
		const enum form form = looks[i / 2];
		const __u32 size = i % 2 ? 8 : 4;
		__u64 *offset = &world->args->wait.offset;	/* of either */

		prepare_world(world, form);
		fill_args(world, form, world->args);
		*(form == WAIT ? &world->args->wait.size : &world->args->watch.size) = size;
		*offset = system_page_size();
		EXPECT_TRUE(call_is_refused(world, world->fd[REGION], forms[form].number,
					    world->args, EINVAL));
		*offset = system_page_size() - size / 2;
		EXPECT_TRUE(call_is_refused(world, world->fd[REGION], forms[form].number,
					    world->args, EINVAL));
		*offset = system_page_size() - size;
		EXPECT_TRUE(call_succeeds(world, form, forms[form].number, world->args));
	}
}

TEST_F(abi, word_of_8_bytes_is_looked_at_as_a_whole)
{
	struct world *world = &self->world;
	__u64 *word = world->memory;

	for (int bit = 0; bit < 64; bit += 9) {
		*word = 1ULL << bit;
		fill_args(world, WAIT, world->args);
		world->args->wait.size = 8;
		EXPECT_TRUE(call_is_refused(world, world->fd[REGION], IPCSHM_IOC_REGION_WAIT,
					    world->args, EAGAIN));
		world->args->wait.expected = 1ULL << bit;
		EXPECT_TRUE(call_succeeds(world, WAIT, IPCSHM_IOC_REGION_WAIT, world->args));
	}
}

TEST_F(abi, each_word_of_several_is_checked)
{
	const struct ipcshm_region_word wrong[] = {
		{ .size = 0 }, { .size = 3 }, { .size = 16 }, { .offset = 2, .size = 4 },
		{ .offset = 4, .size = 8 }, { .offset = BEYOND, .size = 4 },
		{ .offset = 1ULL << 63, .size = 4 }, { .size = 4, .expected = 1ULL << 32 },
		{ .size = 4, .reserved = 1 },
	};
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		for (int place = 0; place < WORDS; place++) {
			fill_args(world, WAITV, world->args);
			world->words[place] = wrong[i];
			EXPECT_TRUE(call_is_refused(world, world->fd[REGION],
						    IPCSHM_IOC_REGION_WAITV, world->args, EINVAL));
			world->words[place] = (struct ipcshm_region_word) {
				.size = 4, .expected = 1,
			};
			EXPECT_TRUE(call_is_refused(world, world->fd[REGION],
						    IPCSHM_IOC_REGION_WAITV, world->args, EAGAIN));
		}
	}
}

TEST_F(abi, watch_of_no_word_has_neither_place_nor_value)
{
	struct world *world = &self->world;

	prepare_world(world, WATCH);
	fill_args(world, WATCH, world->args);
	world->args->watch.size = 0;
	world->args->watch.expected = 0;
	world->args->watch.events = IPCSHM_WATCH_DEATHS;
	world->args->watch.offset = 8;
	EXPECT_TRUE(call_is_refused(world, world->fd[REGION], IPCSHM_IOC_REGION_WATCH, world->args,
				    EINVAL));
	world->args->watch.offset = 0;
	EXPECT_EQ(0, call(world->fd[REGION], IPCSHM_IOC_REGION_WATCH, world->args));
	EXPECT_EQ(0, events_of(world->fd[REGION]));
}

/* The word that was watched before stays watched. */
TEST_F(abi, watch_that_is_refused_replaces_none)
{
	struct world *world = &self->world;

	prepare_world(world, WATCH);
	fill_args(world, WATCH, world->args);
	ASSERT_TRUE(call_succeeds(world, WATCH, IPCSHM_IOC_REGION_WATCH, world->args));
	world->args->watch.expected = 0;
	world->args->watch.flags = 1;
	EXPECT_TRUE(call_is_refused(world, world->fd[REGION], IPCSHM_IOC_REGION_WATCH, world->args,
				    EINVAL));
	EXPECT_EQ(POLLIN, events_of(world->fd[REGION]));
}

TEST_F(abi, resize_rounds_to_whole_pages_up_to_the_largest_size)
{
	const __u64 largest = MAX_PAGES * system_page_size();
	const __u64 sizes[] = { system_page_size() + 1, 2 * system_page_size() + 1, largest - 1,
				largest, 1 };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const __u64 rounded = (sizes[i] + system_page_size() - 1) / system_page_size() *
				      system_page_size();

		fill_args(world, RESIZE, world->args);
		world->args->resize.size = sizes[i];
		EXPECT_EQ(0, call(world->fd[REGION], IPCSHM_IOC_REGION_RESIZE, world->args));
		EXPECT_EQ(sizes[i], world->args->resize.size);
		EXPECT_EQ(rounded, region_stat(world->fd[REGION]).size);
		EXPECT_EQ(largest, region_stat(world->fd[REGION]).max_size);
	}
	world->args->resize.size = largest + 1;
	EXPECT_TRUE(call_is_refused(world, world->fd[REGION], IPCSHM_IOC_REGION_RESIZE, world->args,
			    EINVAL));
}

TEST_F(abi, resize_heeds_the_largest_file_of_the_process)
{
	struct rlimit limit = { system_page_size(), RLIM_INFINITY };
	struct world *world = &self->world;

	signal(SIGXFSZ, SIG_IGN);
	fill_args(world, RESIZE, world->args);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_TRUE(call_is_refused(world, world->fd[REGION], IPCSHM_IOC_REGION_RESIZE, world->args,
				    EFBIG));
	limit.rlim_cur = 2 * system_page_size();
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_TRUE(call_succeeds(world, RESIZE, IPCSHM_IOC_REGION_RESIZE, world->args));
}

TEST_F(abi, self_is_for_members)
{
	struct world *world = &self->world;

	fill_args(world, SELF, world->args);
	munmap(world->memory, system_page_size());
	EXPECT_TRUE(call_is_refused(world, world->fd[REGION], IPCSHM_IOC_REGION_SELF, world->args,
				    ESRCH));
	world->memory = map_growing(world->fd[REGION]);
	ASSERT_NE(NULL, world->memory);
	EXPECT_TRUE(call_succeeds(world, SELF, IPCSHM_IOC_REGION_SELF, world->args));
	EXPECT_NE(0, world->args->self.token);
	EXPECT_EQ(0, world->args->self.token & ~IPCSHM_TOKEN_MASK);
	EXPECT_GT(MAX_MEMBERS, IPCSHM_TOKEN_SLOT(world->args->self.token));
}

/* An array of longer members than the kernel's: the unknown rest is zero. */
TEST_F(abi, members_are_written_as_the_caller_lays_them_out)
{
	const __u32 sizes[] = { IPCSHM_MEMBER_SIZE_VER0, IPCSHM_MEMBER_SIZE_VER0 + 1, 40,
		system_page_size() };
	struct world *world = &self->world;
	struct ipcshm_region_self_args me = { 0 };
	const char zero[65536] = { 0 };

	ASSERT_EQ(0, call(world->fd[REGION], IPCSHM_IOC_REGION_SELF, &me));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct ipcshm_member member;

		fill_args(world, MEMBERS, world->args);
		world->args->members.members = (uintptr_t)(world->edge - sizes[i]);
		world->args->members.member_size = sizes[i];
		memset(world->edge - sizes[i] - 1, 0xa5, sizes[i] + 1);
		EXPECT_TRUE(call_succeeds(world, MEMBERS, IPCSHM_IOC_REGION_MEMBERS, world->args));
		EXPECT_EQ(1, world->args->members.count);
		EXPECT_EQ(sizes[i], world->args->members.member_size);
		memcpy(&member, world->edge - sizes[i], sizeof(member));
		EXPECT_EQ(me.token, member.token);
		EXPECT_EQ((__u32)getpid(), member.pid);
		EXPECT_EQ(geteuid(), member.uid);
		EXPECT_EQ(1, member.maps);
		EXPECT_NE(0, member.joined);
		EXPECT_EQ(0, memcmp(zero, world->edge - sizes[i] + sizeof(member),
				    sizes[i] - sizeof(member)));
		EXPECT_EQ((char)0xa5, world->edge[-1 - (int)sizes[i]]);
	}
	world->args->members.member_size = system_page_size() + 1;
	EXPECT_TRUE(call_is_refused(world, world->fd[REGION], IPCSHM_IOC_REGION_MEMBERS,
				    world->args, EINVAL));
}

TEST_F(abi, members_are_counted_without_room_for_any)
{
	struct world *world = &self->world;

	memset(world->members, 0xa5, sizeof(world->members));
	fill_args(world, MEMBERS, world->args);
	world->args->members.count = 0;
	world->args->members.members = 0;
	EXPECT_TRUE(call_succeeds(world, MEMBERS, IPCSHM_IOC_REGION_MEMBERS, world->args));
	EXPECT_EQ(1, world->args->members.count);
	munmap(world->memory, system_page_size());
	fill_args(world, MEMBERS, world->args);
	EXPECT_TRUE(call_succeeds(world, MEMBERS, IPCSHM_IOC_REGION_MEMBERS, world->args));
	EXPECT_EQ(0, world->args->members.count);
	EXPECT_EQ(0xa5a5a5a5, world->members[0].token);
	world->memory = map_growing(world->fd[REGION]);
}

TEST_F(abi, members_need_all_of_the_room_they_are_promised)
{
	const __u32 sizes[] = { IPCSHM_MEMBER_SIZE_VER0, 64, system_page_size() };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill_args(world, MEMBERS, world->args);
		world->args->members.members = (uintptr_t)(world->edge - sizes[i] + 1);
		world->args->members.member_size = sizes[i];
		EXPECT_TRUE(call_is_refused(world, world->fd[REGION], IPCSHM_IOC_REGION_MEMBERS,
				    world->args, EFAULT));
	}
}

static const struct change wrong_whatever_the_region[] = {
	CHANGE(SELF, region_self_args, reserved, 1, EINVAL),
	CHANGE(MEMBER, region_member_args, flags, 1, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, 0, EINVAL),
	CHANGE(WAIT, region_wait_args, flags, 1, EINVAL),
	CHANGE(WAKE, region_wake_args, flags, 1, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, flags, 1, EINVAL),
	CHANGE(REQUEUE, region_requeue_args, size, 3, EINVAL),
	CHANGE(WATCH, region_watch_args, flags, 1, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 3, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, 0, EINVAL),
	CHANGE(REVOKE, region_revoke_args, flags, 1, EINVAL),
};

TEST_F(abi, revoked_region_answers_stat_and_revoke_alone)
{
	struct world *world = &self->world;

	ASSERT_TRUE(call_succeeds(world, REVOKE, IPCSHM_IOC_REGION_REVOKE, world->args));
	for (enum form form = 0; form < FORMS; form++) {
		if (forms[form].target != REGION || form == REGION_STAT || form == REVOKE)
			continue;
		fill_args(world, form, world->args);
		EXPECT_TRUE(call_is_refused(world, world->fd[REGION], forms[form].number,
					    world->args, EKEYREVOKED));
	}
	EXPECT_EQ(IPCSHM_STAT_REVOKED, region_stat(world->fd[REGION]).stat.flags);
	fill_args(world, REVOKE, world->args);
	EXPECT_EQ(0, call(world->fd[REGION], IPCSHM_IOC_REGION_REVOKE, world->args));
}

TEST_F(abi, wrong_values_are_refused_before_a_revoked_region)
{
	struct world *world = &self->world;

	fill_args(world, REVOKE, world->args);
	ASSERT_TRUE(call_succeeds(world, REVOKE, IPCSHM_IOC_REGION_REVOKE, world->args));
	for (size_t i = 0; i < ARRAY_SIZE(wrong_whatever_the_region); i++) {
		const struct change *change = &wrong_whatever_the_region[i];

		fill_args(world, change->form, world->args);
		apply_change(world->args, change);
		EXPECT_TRUE(call_is_refused(world, world->fd[REGION], forms[change->form].number,
				    world->args, change->error))
			TH_LOG("case %zu", i);
	}
}

TEST_F(abi, every_opener_gets_the_limits_of_a_region)
{
	struct ipcshm_region_open_args args = {
		.how = open_args(self->world.name.text, R | W | C, 0600),
		.size = system_page_size() + 1,
		.max_size = 6 * system_page_size() + 1,
		.max_members = 3,
	};
	int fds[2];

	for (int i = 0; i < 2; i++) {
		fds[i] = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &args);
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(2 * system_page_size(), args.size);
		EXPECT_EQ(7 * system_page_size(), args.max_size);
		EXPECT_EQ(3, args.max_members);
		EXPECT_EQ(7 * system_page_size(), region_stat(fds[i]).max_size);
		EXPECT_EQ(3, region_stat(fds[i]).max_members);
		args = (struct ipcshm_region_open_args) {
			.how = open_args(self->world.name.text, R, 0),
		};
	}
	close(fds[0]);
	close(fds[1]);
}

IPCSHM_TEST_MAIN
