// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls that send and receive: what they hand to the kernel, and what they
 * return.
 */
#include "harness.h"

#include "fake.h"

static void answer_message(void)
{
	fake.writes = true;
	fake.out.transfer.message = (struct ipcshm_message) {
		.size = 6, .type = 7, .priority = 8, .pid = 9, .uid = 10, .gid = 11, .time = 12,
	};
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
	EXPECT_EQ(COMMAND(0x41, 112), fake.asked.command);
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
	EXPECT_EQ(COMMAND(0x42, 112), fake.asked.command);
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

TEST(receive_with_too_little_room_returns_the_size)
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
	EXPECT_FAILS(EAGAIN, ipcshm_receive_transfer(9, &self->transfer.transfer, sizeof(self->transfer.transfer)));
	EXPECT_RETURNS(-EFAULT, ipcshm_send_transfer(9, NULL, 104));
	EXPECT_RETURNS(-EFAULT, ipcshm_receive_transfer(9, NULL, 104));
	EXPECT_EQ(4, fake.asked.calls);

	EXPECT_RETURNS(-EINVAL, ipcshm_send_transfer(9, &self->transfer.transfer,
						     _IOC_SIZEMASK + 1));
	EXPECT_RETURNS(-EINVAL, ipcshm_receive_transfer(9, &self->transfer.transfer,
							_IOC_SIZEMASK + 1));
	EXPECT_EQ(4, fake.asked.calls);
}

/* The short ones, each as the structure that it stands for. */

TEST(typed_hands_on_every_argument)
{
	union fake_argument want = {
		.transfer.message = { .size = 6, .type = 1ULL << 63, .priority = 31 },
		.transfer.deadline = 5,
		.transfer.clock = CLOCK_MONOTONIC,
	};
	char data[6] = "";

	want.transfer.message.data = (uintptr_t)data;
	EXPECT_RETURNS(0, ipcshm_send_typed(9, data, 6, 1ULL << 63, 31, 5));
	EXPECT_EQ(COMMAND(0x41, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));

	want.transfer.message.priority = 0;
	want.transfer.message.flags = IPCSHM_TYPE_UP_TO;
	EXPECT_RETURNS(6, ipcshm_receive_typed(9, data, 6, 1ULL << 63, IPCSHM_TYPE_UP_TO, NULL, 5));
	EXPECT_EQ(COMMAND(0x42, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

TEST(descriptors_are_handed_on)
{
	union fake_argument want = {
		.transfer.message = { .size = 6, .fd_count = 2 },
		.transfer.deadline = 5,
		.transfer.clock = CLOCK_MONOTONIC,
	};
	struct ipcshm_message message = { 0 };
	int fds[2] = { 3, 4 };
	char data[6] = "";

	want.transfer.message.data = (uintptr_t)data;
	want.transfer.message.fds = (uintptr_t)fds;
	EXPECT_RETURNS(0, ipcshm_send_fds(9, data, 6, fds, 2, 5));
	EXPECT_EQ(COMMAND(0x41, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));

	EXPECT_RETURNS(6, ipcshm_receive_fds(9, data, 6, fds, 2, NULL, 5));
	EXPECT_EQ(COMMAND(0x42, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));

	answer_message();
	fake.out.transfer.message.fd_count = 7;
	EXPECT_RETURNS(6, ipcshm_receive_fds(9, data, 6, fds, 2, &message, 5));
	EXPECT_EQ(7, message.fd_count);
}

TEST(mapped_returns_the_offset)
{
	union fake_argument want = {
		.transfer.message.flags = IPCSHM_MAPPED,
		.transfer.deadline = 5,
		.transfer.clock = CLOCK_MONOTONIC,
	};
	struct ipcshm_message message = { 0 };
	uint64_t offset = 1;

	answer_message();
	fake.out.transfer.message.data = 8192;
	EXPECT_RETURNS(6, ipcshm_receive_mapped(9, &offset, &message, 5));
	EXPECT_EQ(COMMAND(0x42, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_EQ(8192, offset);
	EXPECT_EQ(8, message.priority);

	offset = 1;
	EXPECT_FAILS(ENOBUFS, ipcshm_receive_mapped(9, &offset, &message, 5));
	EXPECT_EQ(1, offset);
	EXPECT_RETURNS(6, ipcshm_receive_mapped(9, &offset, NULL, 5));
	EXPECT_EQ(8192, offset);
}

TEST(message_goes_as_it_is)
{
	struct ipcshm_message message, before;
	union fake_argument want = { 0 };

	memset(&message, 0x5a, sizeof(message));
	before = message;
	want.transfer.message = message;
	want.transfer.deadline = 5;
	want.transfer.clock = CLOCK_MONOTONIC;
	EXPECT_RETURNS(0, ipcshm_send_message(9, &message, 5));
	EXPECT_EQ(COMMAND(0x41, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_EQ(0, memcmp(&before, &message, sizeof(message)));

	answer_message();
	EXPECT_RETURNS(6, ipcshm_receive_message(9, &message, 5));
	EXPECT_EQ(COMMAND(0x42, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_EQ(0, memcmp(&fake.out, &message, sizeof(message)));
}

TEST(message_is_filled_in_on_an_error_only_if_there_is_no_room)
{
	struct ipcshm_message message = { .size = 1 };

	answer_message();
	EXPECT_FAILS(EAGAIN, ipcshm_receive_message(9, &message, 5));
	EXPECT_EQ(1, message.size);
	EXPECT_FAILS(EMSGSIZE, ipcshm_receive_message(9, &message, 5));
	EXPECT_EQ(6, message.size);
}

/* Many. */

TEST(batch_hands_on_every_argument)
{
	struct ipcshm_message messages[3] = { 0 };
	union fake_argument want = {
		.batch = {
			.messages = (uintptr_t)messages,
			.count = 3,
			.flags = IPCSHM_DONTWAIT,
			.deadline = 5,
			.clock = CLOCK_MONOTONIC,
			.message_size = sizeof(*messages),
		},
	};

	fake.result = 2;
	EXPECT_RETURNS(2, ipcshm_send_batch(9, messages, 3, IPCSHM_DONTWAIT, 5));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x43, 40), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));

	EXPECT_RETURNS(2, ipcshm_receive_batch(9, messages, 3, IPCSHM_DONTWAIT, 5));
	EXPECT_EQ(COMMAND(0x44, 40), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

TEST(acknowledged_receive_hands_on_what_to_acknowledge)
{
	struct ipcshm_message message = { .data = 1, .size = 3, .ack_id = 7 };
	union fake_argument want = {
		.transfer = {
			.message = message,
			.deadline = 5,
			.clock = CLOCK_MONOTONIC,
			.flags = IPCSHM_ACK,
			.ack_timeout = 6,
		},
	};

	answer_message();
	fake.out.transfer.message.size = 2;
	fake.out.transfer.message.ack_id = 8;
	EXPECT_RETURNS(2, ipcshm_receive_ack(9, &message, 6, 5));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x42, 112), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_EQ(8, message.ack_id);
}

TEST(acknowledged_batch_has_a_timeout)
{
	struct ipcshm_message messages[2] = { { 0 } };
	union fake_argument want = {
		.batch = {
			.messages = (uintptr_t)messages,
			.count = 2,
			.flags = IPCSHM_DONTWAIT | IPCSHM_ACK,
			.deadline = 5,
			.clock = CLOCK_MONOTONIC,
			.message_size = sizeof(*messages),
			.ack_timeout = 6,
		},
	};

	fake.result = 1;
	EXPECT_RETURNS(1, ipcshm_receive_batch_ack(9, messages, 2, IPCSHM_DONTWAIT, 6, 5));
	EXPECT_EQ(COMMAND(0x44, 40), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

static void expect_ack(struct __test_metadata *_metadata, const __u64 *ids, uint32_t flags,
		       uint64_t timeout)
{
	union fake_argument want = {
		.queue_ack = {
			.ids = (uintptr_t)ids,
			.count = 2,
			.flags = flags,
			.timeout = timeout,
		},
	};

	EXPECT_EQ(COMMAND(0x4d, 24), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

TEST(acknowledgments_hand_on_the_ids)
{
	const __u64 ids[] = { 3, 4 };

	fake.result = 2;
	EXPECT_RETURNS(2, ipcshm_ack(9, ids, 2));
	expect_ack(_metadata, ids, 0, 0);
	EXPECT_RETURNS(2, ipcshm_nack(9, ids, 2));
	expect_ack(_metadata, ids, IPCSHM_ACK_RETURN, 0);
	EXPECT_RETURNS(2, ipcshm_ack_extend(9, ids, 2, 5));
	expect_ack(_metadata, ids, IPCSHM_ACK_EXTEND, 5);
}

TEST(batch_returns_the_error_and_does_not_retry)
{
	EXPECT_FAILS(EAGAIN, ipcshm_send_batch(9, NULL, 1, 0, 0));
	EXPECT_FAILS(EINTR, ipcshm_receive_batch(9, NULL, 1, 0, 0));
	EXPECT_EQ(2, fake.asked.calls);
}

TEST_HARNESS_MAIN
