// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls on queues: what they hand to the kernel, and what they return.
 */
#include "kselftest_harness.h"

#include "fake.h"

static const uint32_t everything = IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE |
				   IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT | IPCSHM_NONBLOCK;

static void answer_queue(void)
{
	fake.result = 9;
	fake.writes = true;
	fake.out.queue_open.how.id = 0x123456789aULL;
	fake.out.queue_open.how.created = 1;
	fake.out.queue_open.max_messages = 11;
	fake.out.queue_open.max_bytes = 12;
	fake.out.queue_open.max_message_size = 13;
}

static void answer_message(void)
{
	fake.writes = true;
	fake.out.transfer.message = (struct ipcshm_message) {
		.size = 6, .type = 7, .priority = 8, .pid = 9, .uid = 10, .gid = 11, .time = 12,
	};
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
		.id = 77,
		.created = 78,
	};
	const char *name = "/jobs";

	EXPECT_RETURNS(0, ipcshm_queue_open(5, name, everything, 0640, &attr));

	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(5, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x02, 64), fake.asked.command);
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
}

TEST(open_without_name_and_attributes)
{
	union fake_argument want = { .queue_open.how.flags = IPCSHM_WRITE };

	answer_queue();
	EXPECT_RETURNS(9, ipcshm_queue_open(5, NULL, IPCSHM_WRITE, 0, NULL));
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

TEST(open_refuses_reserved_members)
{
	struct ipcshm_queue_attr attr = { .reserved0 = 1 };

	EXPECT_RETURNS(-EINVAL, ipcshm_queue_open(5, "jobs", IPCSHM_READ, 0, &attr));
	for (int i = 0; i < 5; i++) {
		memset(&attr, 0, sizeof(attr));
		attr.reserved[i] = 1ULL << 63;
		EXPECT_RETURNS(-EINVAL, ipcshm_queue_open(5, "jobs", IPCSHM_READ, 0, &attr));
	}
	EXPECT_EQ(0, fake.asked.calls);
}

TEST(open_that_fails_leaves_the_attributes_alone)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1, .max_bytes = 2, .max_message_size = 3, .id = 4, .created = 5,
	};
	struct ipcshm_queue_attr before = attr;

	answer_queue();
	EXPECT_FAILS(EEXIST, ipcshm_queue_open(5, "jobs", everything, 0600, &attr));
	EXPECT_EQ(0, memcmp(&before, &attr, sizeof(attr)));
}

TEST(stat_comes_back)
{
	struct ipcshm_queue_stat stat;

	fake.writes = true;
	memset(&fake.out, 0x5a, sizeof(stat));
	EXPECT_RETURNS(0, ipcshm_queue_stat(9, &stat, sizeof(stat)));

	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x40, 128), fake.asked.command);
	EXPECT_EQ(0, memcmp(&stat, &fake.out, sizeof(stat)));
}

TEST(stat_has_the_size_of_the_caller)
{
	union fake_argument stat;

	fake.writes = true;
	memset(&fake.out, 0x5a, sizeof(fake.out));
	for (size_t size = 120; size <= 136; size += 8) {
		memset(&stat, 0xa5, sizeof(stat));
		EXPECT_RETURNS(0, ipcshm_queue_stat(9, &stat.queue_stat, size));
		EXPECT_EQ(COMMAND(0x40, size), fake.asked.command);
		EXPECT_EQ(0, memcmp(&fake.out, &stat, size));
		EXPECT_EQ(0xa5, stat.bytes[size]);
	}
	EXPECT_RETURNS(-EINVAL, ipcshm_queue_stat(9, &stat.queue_stat, _IOC_SIZEMASK + 1));
	EXPECT_EQ(3, fake.asked.calls);
}

TEST(stat_returns_the_error)
{
	struct ipcshm_queue_stat stat;

	EXPECT_FAILS(ENOTTY, ipcshm_queue_stat(9, &stat, sizeof(stat)));
	EXPECT_RETURNS(-EFAULT, ipcshm_queue_stat(9, NULL, sizeof(stat)));
}

TEST(send_hands_on_every_argument)
{
	union fake_argument want = {
		.transfer.message.size = 6,
		.transfer.message.priority = 31,
		.transfer.deadline = 123456789012ULL,
		.transfer.clock = CLOCK_MONOTONIC,
	};
	const char *data = "hello";

	want.transfer.message.data = (uintptr_t)data;
	EXPECT_RETURNS(0, ipcshm_send(9, data, 6, 31, 123456789012ULL));

	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x41, 104), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

/* The kernel is the one to refuse them, or not. */
TEST(send_of_anything_reaches_the_kernel)
{
	EXPECT_RETURNS(0, ipcshm_send(9, NULL, 0, 0, IPCSHM_FOREVER));
	EXPECT_EQ(0, fake.asked.in.transfer.message.data);
	EXPECT_EQ(0, fake.asked.in.transfer.message.size);
	EXPECT_EQ(IPCSHM_FOREVER, fake.asked.in.transfer.deadline);

	EXPECT_FAILS(EINVAL, ipcshm_send(9, "", SIZE_MAX, UINT32_MAX, 0));
	EXPECT_EQ(SIZE_MAX, fake.asked.in.transfer.message.size);
	EXPECT_EQ(UINT32_MAX, fake.asked.in.transfer.message.priority);
	EXPECT_EQ(0, fake.asked.in.transfer.deadline);
}

TEST(send_returns_the_error_and_does_not_retry)
{
	const int errors[] = { EAGAIN, ETIMEDOUT, EINTR, EMSGSIZE, EDQUOT, ENOMEM, EBADF };

	for (int i = 0; i < 7; i++)
		EXPECT_FAILS(errors[i], ipcshm_send(9, "", 1, 0, 0));
	EXPECT_EQ(7, fake.asked.calls);
}

TEST(receive_hands_on_every_argument)
{
	union fake_argument want = {
		.transfer.message.size = 64,
		.transfer.deadline = 123456789012ULL,
		.transfer.clock = CLOCK_MONOTONIC,
	};
	char room[64];

	want.transfer.message.data = (uintptr_t)room;
	EXPECT_RETURNS(64, ipcshm_receive(9, room, sizeof(room), NULL, 123456789012ULL));

	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x42, 104), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

TEST(receive_returns_the_size_and_the_message)
{
	struct ipcshm_message message;
	char room[64];

	answer_message();
	EXPECT_RETURNS(6, ipcshm_receive(9, room, sizeof(room), &message, 0));
	EXPECT_EQ(0, memcmp(&fake.out.transfer.message, &message, sizeof(message)));
	EXPECT_RETURNS(6, ipcshm_receive(9, room, sizeof(room), NULL, 0));

	fake.out.transfer.message.size = 0;
	EXPECT_RETURNS(0, ipcshm_receive(9, room, sizeof(room), &message, 0));
}

TEST(largest_message_is_not_negative)
{
	fake.writes = true;
	fake.out.transfer.message.size = IPCSHM_MESSAGE_MAX;
	EXPECT_RETURNS(IPCSHM_MESSAGE_MAX, ipcshm_receive(9, NULL, 0, NULL, 0));
}

TEST(receive_with_too_little_room_tells_the_size)
{
	struct ipcshm_message message = { .size = 1 };
	char room[4];

	fake.writes = true;
	fake.out.transfer.message.size = 6;
	EXPECT_FAILS(EMSGSIZE, ipcshm_receive(9, room, sizeof(room), &message, 0));
	EXPECT_EQ(6, message.size);
	EXPECT_FAILS(EMSGSIZE, ipcshm_receive(9, room, sizeof(room), NULL, 0));
}

TEST(receive_that_fails_leaves_the_message_alone)
{
	const int errors[] = { EAGAIN, ETIMEDOUT, EINTR, EINVAL, EBADF, EFAULT, ENOTTY };
	struct ipcshm_message message, before;

	memset(&message, 0x5a, sizeof(message));
	before = message;
	for (int i = 0; i < 7; i++)
		EXPECT_FAILS(errors[i], ipcshm_receive(9, NULL, 4, &message, 0));
	EXPECT_EQ(0, memcmp(&before, &message, sizeof(message)));
	EXPECT_EQ(7, fake.asked.calls);
}

FIXTURE(transfer) {
	union fake_argument transfer;
	union fake_argument before;
};

FIXTURE_SETUP(transfer)
{
	memset(&self->transfer, 0x5a, sizeof(self->transfer));
	self->before = self->transfer;
}

FIXTURE_TEARDOWN(transfer)
{
}

TEST_F(transfer, sent_as_it_is_in_the_size_of_the_caller)
{
	EXPECT_RETURNS(0, ipcshm_send_transfer(9, &self->transfer.transfer, 104));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x41, 104), fake.asked.command);
	EXPECT_EQ(0, memcmp(&self->before, &fake.asked.in, 104));

	EXPECT_RETURNS(0, ipcshm_send_transfer(9, &self->transfer.transfer, 112));
	EXPECT_EQ(COMMAND(0x41, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&self->before, &fake.asked.in, 112));
	EXPECT_EQ(0, memcmp(&self->before, &self->transfer, sizeof(self->before)));
}

TEST_F(transfer, received_into_as_it_is_in_the_size_of_the_caller)
{
	EXPECT_RETURNS(0, ipcshm_receive_transfer(9, &self->transfer.transfer, 112));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x42, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&self->before, &fake.asked.in, 112));

	answer_message();
	EXPECT_RETURNS(0, ipcshm_receive_transfer(9, &self->transfer.transfer, 104));
	EXPECT_EQ(COMMAND(0x42, 104), fake.asked.command);
	EXPECT_EQ(0, memcmp(&fake.out, &self->transfer, 104));
	EXPECT_EQ(0x5a, self->transfer.bytes[104]);
}

TEST_F(transfer, errors_are_returned)
{
	EXPECT_FAILS(E2BIG, ipcshm_send_transfer(9, &self->transfer.transfer, 112));
	EXPECT_FAILS(EAGAIN, ipcshm_receive_transfer(9, &self->transfer.transfer, 104));
	EXPECT_RETURNS(-EFAULT, ipcshm_send_transfer(9, NULL, 104));
	EXPECT_RETURNS(-EFAULT, ipcshm_receive_transfer(9, NULL, 104));
	EXPECT_EQ(4, fake.asked.calls);

	EXPECT_RETURNS(-EINVAL, ipcshm_send_transfer(9, &self->transfer.transfer,
						     _IOC_SIZEMASK + 1));
	EXPECT_RETURNS(-EINVAL, ipcshm_receive_transfer(9, &self->transfer.transfer,
							_IOC_SIZEMASK + 1));
	EXPECT_EQ(4, fake.asked.calls);
}

TEST_HARNESS_MAIN
