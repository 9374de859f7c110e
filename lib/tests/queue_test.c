// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls on whole queues: what they hand to the kernel, and what they return.
 */
#include "harness.h"

#include "fake.h"

static const uint32_t everything = IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE |
				   IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT | IPCSHM_NONBLOCK |
				   IPCSHM_HANGUP;

static void answer_queue(void)
{
	fake.result = 9;
	fake.writes = true;
	fake.out.queue_open.how.id = 0x123456789aULL;
	fake.out.queue_open.how.created = 1;
	fake.out.queue_open.max_messages = 11;
	fake.out.queue_open.max_bytes = 12;
	fake.out.queue_open.max_message_size = 13;
	fake.out.queue_open.pool_bytes = 14;
	fake.out.queue_open.overflow = 15;
}

TEST(attr_has_its_size_for_ever)
{
	EXPECT_EQ(80, sizeof(struct ipcshm_queue_attr));
}

TEST(open_hands_on_every_argument)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = 3,
		.pool_bytes = 1ULL << 40,
		.overflow = IPCSHM_OVERFLOW_DROP_NEWEST,
		.id = 77,
		.created = 78,
		.dead_letter_fd = 7,
	};
	const char *name = "/jobs";

	EXPECT_RETURNS(0, ipcshm_queue_open(5, name, everything, 0640, &attr));

	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(5, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x02, sizeof(struct ipcshm_queue_open_args)), fake.asked.command);
	EXPECT_EQ((uintptr_t)name, fake.asked.in.queue_open.how.name);
	EXPECT_EQ(5, fake.asked.in.queue_open.how.name_len);
	EXPECT_EQ(everything, fake.asked.in.queue_open.how.flags);
	EXPECT_EQ(0640, fake.asked.in.queue_open.how.mode);
	EXPECT_EQ(0, fake.asked.in.queue_open.how.id);
	EXPECT_EQ(0, fake.asked.in.queue_open.how.created);
	EXPECT_EQ(0, fake.asked.in.queue_open.how.reserved);
	EXPECT_EQ(1, fake.asked.in.queue_open.max_messages);
	EXPECT_EQ(IPCSHM_UNBOUNDED, fake.asked.in.queue_open.max_bytes);
	EXPECT_EQ(3, fake.asked.in.queue_open.max_message_size);
	EXPECT_EQ(1ULL << 40, fake.asked.in.queue_open.pool_bytes);
	EXPECT_EQ(IPCSHM_OVERFLOW_DROP_NEWEST, fake.asked.in.queue_open.overflow);
	EXPECT_EQ(0, fake.asked.in.queue_open.max_deliveries);
	EXPECT_EQ(7, fake.asked.in.queue_open.dead_letter_fd);
}

TEST(open_returns_descriptor_and_attributes)
{
	struct ipcshm_queue_attr attr = { 0 };

	answer_queue();
	EXPECT_RETURNS(9, ipcshm_queue_open(5, "jobs", IPCSHM_WRITE, 0, &attr));

	EXPECT_EQ(0x123456789aULL, attr.id);
	EXPECT_EQ(1, attr.created);
	EXPECT_EQ(11, attr.max_messages);
	EXPECT_EQ(12, attr.max_bytes);
	EXPECT_EQ(13, attr.max_message_size);
	EXPECT_EQ(14, attr.pool_bytes);
	EXPECT_EQ(15, attr.overflow);
}

TEST(open_without_name_and_attributes)
{
	union fake_argument want = {
		.queue_open.how.flags = IPCSHM_WRITE,
		.queue_open.how.invalid = UINT32_MAX,
	};

	answer_queue();
	EXPECT_RETURNS(9, ipcshm_queue_open(5, NULL, IPCSHM_WRITE, 0, NULL));
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

TEST(open_refuses_reserved_members)
{
	struct ipcshm_queue_attr attr;

	for (size_t i = 0; i < sizeof(attr.reserved) / sizeof(*attr.reserved); i++) {
		memset(&attr, 0, sizeof(attr));
		attr.reserved[i] = 1U << 31;
		EXPECT_RETURNS(-EINVAL, ipcshm_queue_open(5, "jobs", IPCSHM_READ, 0, &attr));
	}
	EXPECT_EQ(0, fake.asked.calls);
}

TEST(open_that_fails_leaves_the_attributes_alone)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1, .max_bytes = 2, .max_message_size = 3, .id = 4, .created = 5,
		.overflow = 6, .pool_bytes = 7,
	};
	struct ipcshm_queue_attr before = attr;

	answer_queue();
	EXPECT_FAILS(EEXIST, ipcshm_queue_open(5, "jobs", everything, 0600, &attr));
	EXPECT_EQ(0, memcmp(&before, &attr, sizeof(attr)));
}

TEST(open_returns_which_argument_is_not_valid)
{
	struct ipcshm_queue_attr attr = { .invalid = 7 };

	EXPECT_FAILS(EINVAL, ipcshm_queue_open(5, "jobs", everything, 0600, &attr));
	EXPECT_EQ(0, attr.invalid);
	EXPECT_EQ(NULL, ipcshm_queue_invalid(&attr));
	EXPECT_EQ(UINT32_MAX, fake.asked.in.queue_open.how.invalid);

	fake.writes = true;
	fake.out.queue_open.how.invalid = offsetof(struct ipcshm_queue_open_args, overflow);
	EXPECT_FAILS(EINVAL, ipcshm_queue_open(5, "jobs", everything, 0600, &attr));
	EXPECT_EQ(offsetof(struct ipcshm_queue_open_args, overflow), attr.invalid);
	EXPECT_EQ(0, strcmp("overflow", ipcshm_queue_invalid(&attr)));

	fake.out.queue_open.how.invalid = offsetof(struct ipcshm_queue_open_args, how.flags);
	EXPECT_FAILS(EINVAL, ipcshm_queue_open(5, "jobs", everything, 0600, &attr));
	EXPECT_EQ(0, strcmp("flags", ipcshm_queue_invalid(&attr)));

	/* The address of the name. */
	fake.out.queue_open.how.invalid = 0;
	EXPECT_FAILS(EINVAL, ipcshm_queue_open(5, "jobs", everything, 0600, &attr));
	EXPECT_EQ(0, strcmp("name", ipcshm_queue_invalid(&attr)));

	EXPECT_FAILS(EEXIST, ipcshm_queue_open(5, "jobs", everything, 0600, &attr));
	EXPECT_EQ(0, attr.invalid);
}

TEST(stat_comes_back)
{
	struct ipcshm_queue_stat stat;

	fake.writes = true;
	memset(&fake.out, 0x5a, sizeof(stat));
	EXPECT_RETURNS(0, ipcshm_queue_get_stat(9, &stat, sizeof(stat)));

	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x40, sizeof(struct ipcshm_queue_stat)), fake.asked.command);
	EXPECT_EQ(0, memcmp(&stat, &fake.out, sizeof(stat)));
}

TEST(stat_has_the_size_of_the_caller)
{
	union fake_argument stat;

	fake.writes = true;
	memset(&fake.out, 0x5a, sizeof(fake.out));
	for (size_t size = 208; size <= 224; size += 8) {
		memset(&stat, 0xa5, sizeof(stat));
		EXPECT_RETURNS(0, ipcshm_queue_get_stat(9, &stat.queue_stat, size));
		EXPECT_EQ(COMMAND(0x40, size), fake.asked.command);
		EXPECT_EQ(0, memcmp(&fake.out, &stat, size));
		EXPECT_EQ(0xa5, stat.bytes[size]);
	}
	EXPECT_RETURNS(-EINVAL, ipcshm_queue_get_stat(9, &stat.queue_stat, _IOC_SIZEMASK + 1));
	EXPECT_EQ(3, fake.asked.calls);
}

TEST(stat_returns_the_error)
{
	struct ipcshm_queue_stat stat;

	EXPECT_FAILS(ENOTTY, ipcshm_queue_get_stat(9, &stat, sizeof(stat)));
	EXPECT_RETURNS(-EFAULT, ipcshm_queue_get_stat(9, NULL, sizeof(stat)));
}

TEST(set_hands_on_the_capacity)
{
	union fake_argument want = {
		.queue_set = { .max_messages = 7, .max_bytes = IPCSHM_UNBOUNDED },
	};

	EXPECT_RETURNS(0, ipcshm_queue_set(9, 7, IPCSHM_UNBOUNDED));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x49, 24), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EACCES, ipcshm_queue_set(9, 7, 8));
}

TEST(set_spin_hands_on_the_bound)
{
	union fake_argument want = { .queue_spin.microseconds = 50 };

	EXPECT_RETURNS(0, ipcshm_queue_set_busy_poll(9, 50));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x4a, 8), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EINVAL, ipcshm_queue_set_busy_poll(9, UINT32_MAX));
}

TEST(wait_peer_hands_on_the_deadline)
{
	union fake_argument want = {
		.queue_wait_peer = { .deadline = 5, .clock = CLOCK_MONOTONIC },
	};

	EXPECT_RETURNS(0, ipcshm_queue_wait_peer(9, 5));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x4f, 16), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(ETIMEDOUT, ipcshm_queue_wait_peer(9, 5));
}

TEST(cancel_hands_on_the_flags)
{
	union fake_argument want = { .queue_cancel.flags = IPCSHM_CANCEL_UNDO };

	EXPECT_RETURNS(0, ipcshm_queue_cancel(9, IPCSHM_CANCEL_UNDO));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x4e, 8), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EINVAL, ipcshm_queue_cancel(9, 2));
}

TEST(drain_returns_the_count)
{
	union fake_argument want = { 0 };
	uint64_t messages = 1;

	fake.writes = true;
	fake.out.queue_drain.messages = 1ULL << 40;
	EXPECT_RETURNS(0, ipcshm_queue_drain(9, &messages));
	EXPECT_EQ(1ULL << 40, messages);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x4b, 16), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_RETURNS(0, ipcshm_queue_drain(9, NULL));
}

TEST(drain_that_fails_returns_no_count)
{
	uint64_t messages = 1;

	fake.writes = true;
	EXPECT_FAILS(EBADF, ipcshm_queue_drain(9, &messages));
	EXPECT_EQ(1, messages);
}

TEST(move_passes_all_and_returns_the_count)
{
	union fake_argument want = {
		.queue_move = { .messages = 7, .type = 5, .to_fd = 11, .flags = IPCSHM_TYPE_NOT },
	};
	uint64_t messages = 7;

	fake.writes = true;
	fake.out.queue_move.messages = 3;
	EXPECT_RETURNS(0, ipcshm_queue_move(9, 11, IPCSHM_TYPE_NOT, 5, &messages));
	EXPECT_EQ(3, messages);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x50, 24), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	want.queue_move = (struct ipcshm_queue_move_args) {
		.messages = IPCSHM_UNBOUNDED, .to_fd = 11,
	};
	EXPECT_RETURNS(0, ipcshm_queue_move(9, 11, 0, 0, NULL));
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EAGAIN, ipcshm_queue_move(9, 11, 0, 0, &messages));
	EXPECT_EQ(3, messages);
}

TEST(revoke_takes_nothing_but_the_descriptor)
{
	union fake_argument want = { 0 };

	EXPECT_RETURNS(0, ipcshm_queue_revoke(9));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x4c, 8), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EACCES, ipcshm_queue_revoke(9));
}

TEST(release_hands_on_the_offsets)
{
	const uint64_t offsets[] = { 0, 4096 };
	union fake_argument want = {
		.queue_release = { .offsets = (uintptr_t)offsets, .count = 2 },
	};

	fake.result = 2;
	EXPECT_RETURNS(2, ipcshm_release(9, offsets, 2));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x48, 16), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(EINVAL, ipcshm_release(9, offsets, 2));
}

FIXTURE(map) {
	char memory[1];
	const void *pool;
	size_t size;
};

FIXTURE_SETUP(map)
{
	fake.active = true;
	fake.writes = true;
	fake.out.queue_stat.pool_bytes = 1 << 20;
	fake.map = self->memory;
}

FIXTURE_TEARDOWN(map)
{
	fake.active = false;
}

TEST_F(map, all_of_the_pool_read_only)
{
	EXPECT_RETURNS(0, ipcshm_queue_map(9, &self->pool, &self->size));
	EXPECT_EQ((const void *)self->memory, self->pool);
	EXPECT_EQ(1 << 20, self->size);
	EXPECT_EQ(2, fake.asked.calls);
	EXPECT_EQ(COMMAND(0x40, sizeof(struct ipcshm_queue_stat)), fake.asked.command);
	EXPECT_EQ(NULL, fake.asked.address);
	EXPECT_EQ(1 << 20, fake.asked.length);
	EXPECT_EQ(PROT_READ, fake.asked.protection);
	EXPECT_EQ(MAP_SHARED, fake.asked.sharing);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(0, fake.asked.offset);
}

TEST_F(map, of_a_queue_without_a_pool_is_no_device)
{
	fake.out.queue_stat.pool_bytes = 0;
	EXPECT_RETURNS(-ENODEV, ipcshm_queue_map(9, &self->pool, &self->size));
	EXPECT_EQ(1, fake.asked.calls);
}

TEST_F(map, that_fails_fills_in_nothing)
{
	const void *pool = self;
	size_t size = 5;

	EXPECT_FAILS(ENOTTY, ipcshm_queue_map(9, &pool, &size));
	fake.map_error = EACCES;
	EXPECT_RETURNS(-EACCES, ipcshm_queue_map(9, &pool, &size));
	EXPECT_EQ(self, pool);
	EXPECT_EQ(5, size);
}

TEST_HARNESS_MAIN
