// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls and replies: what is handed to the kernel, and what is returned.
 */
#include "harness.h"

#include "fake.h"

FIXTURE(call) {
	char there[6], back[64];
	struct ipcshm_message message;
	union fake_argument want;
};

FIXTURE_SETUP(call)
{
	self->message.request_id = 99;
	self->want.call = (struct ipcshm_call_args) {
		.request = { .data = (uintptr_t)self->there, .size = 6 },
		.reply = { .data = (uintptr_t)self->back, .size = 64 },
		.deadline = 5,
		.clock = CLOCK_MONOTONIC,
	};
}

FIXTURE_TEARDOWN(call)
{
}

/* The next request comes, and the reply has been sent. */
static void answer_request(void)
{
	fake.writes = true;
	fake.out.call = (struct ipcshm_call_args) {
		.request = { .size = 3, .type = 4, .priority = 5, .pid = 6, .request_id = 100 },
		.reply = { .request_id = 0 },
	};
}

TEST_F(call, hands_on_every_argument)
{
	EXPECT_RETURNS(64, ipcshm_call(9, self->there, 6, self->back, 64, 5));
	EXPECT_EQ(1, fake.asked.calls);
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x45, 192), fake.asked.command);
	EXPECT_EQ(0, memcmp(&self->want, &fake.asked.in, sizeof(self->want)));
}

TEST_F(call, typed_call_hands_on_type_priority_and_flags)
{
	self->want.call.request.type = 7;
	self->want.call.request.priority = 3;
	self->want.call.flags = IPCSHM_RETRY;
	EXPECT_RETURNS(64, ipcshm_call_typed(9, self->there, 6, 7, 3, self->back, 64,
					     IPCSHM_RETRY, 5));
	EXPECT_EQ(COMMAND(0x45, 192), fake.asked.command);
	EXPECT_EQ(0, memcmp(&self->want, &fake.asked.in, sizeof(self->want)));
	EXPECT_FAILS(EPIPE, ipcshm_call_typed(9, self->there, 6, 7, 3, self->back, 64, 0, 5));
}

TEST_F(call, returns_the_size_of_the_reply)
{
	fake.writes = true;
	fake.out.call.request.size = 6;
	fake.out.call.reply.size = 0;
	EXPECT_RETURNS(0, ipcshm_call(9, self->there, 6, self->back, 64, 5));
	fake.out.call.reply.size = IPCSHM_MESSAGE_MAX;
	EXPECT_RETURNS(IPCSHM_MESSAGE_MAX, ipcshm_call(9, self->there, 6, self->back, 64, 5));
}

TEST_F(call, returns_the_error_and_does_not_retry)
{
	const int errors[] = { EPIPE, EINTR, ETIMEDOUT, EMSGSIZE, EAGAIN };

	for (int i = 0; i < 5; i++)
		EXPECT_FAILS(errors[i], ipcshm_call(9, self->there, 6, self->back, 64, 5));
	EXPECT_EQ(5, fake.asked.calls);
}

TEST_F(call, resumes_a_call_that_leaves_its_id)
{
	self->want.call.request.request_id = 100;
	fake.out.call = self->want.call;
	fake.out.call.reply.size = 3;
	fake.writes = true;
	fake.interrupts = 2;
	EXPECT_RETURNS(3, ipcshm_call(9, self->there, 6, self->back, 64, 5));
	EXPECT_EQ(3, fake.asked.calls);
	EXPECT_EQ(100, fake.asked.in.call.request.request_id);
}

TEST_F(call, transfer_leaves_an_interrupted_call_to_its_caller)
{
	struct ipcshm_call_args transfer = self->want.call;

	fake.out.call = transfer;
	fake.out.call.request.request_id = 100;
	fake.writes = true;
	fake.interrupts = 1;
	EXPECT_RETURNS(-EINTR, ipcshm_call_transfer(9, &transfer, sizeof(transfer)));
	EXPECT_EQ(100, transfer.request.request_id);
	EXPECT_EQ(1, fake.asked.calls);
}

TEST_F(call, transfer_has_the_size_of_the_caller)
{
	union fake_argument call, before;

	memset(&call, 0x5a, sizeof(call));
	before = call;
	EXPECT_RETURNS(0, ipcshm_call_transfer(9, &call.call, 200));
	EXPECT_EQ(COMMAND(0x45, 200), fake.asked.command);
	EXPECT_EQ(0, memcmp(&before, &fake.asked.in, 200));
	EXPECT_RETURNS(0, ipcshm_reply_receive_transfer(9, &call.call, 192));
	EXPECT_EQ(COMMAND(0x47, 192), fake.asked.command);
	EXPECT_EQ(0, memcmp(&before, &fake.asked.in, 192));
	EXPECT_RETURNS(-EINVAL, ipcshm_call_transfer(9, &call.call, _IOC_SIZEMASK + 1));
	EXPECT_RETURNS(-EINVAL, ipcshm_reply_receive_transfer(9, &call.call, _IOC_SIZEMASK + 1));
	EXPECT_EQ(2, fake.asked.calls);
}

TEST_F(call, reply_hands_on_every_argument)
{
	union fake_argument want = {
		.reply.message = { .data = (uintptr_t)self->there, .size = 6, .request_id = 77 },
	};

	EXPECT_RETURNS(0, ipcshm_reply(9, 77, self->there, 6));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x46, 96), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
	EXPECT_FAILS(ESRCH, ipcshm_reply(9, 77, self->there, 6));
}

TEST_F(call, reply_message_goes_as_it_is)
{
	union fake_argument want = { 0 };

	memset(&want.reply.message, 0x5a, sizeof(want.reply.message));
	EXPECT_RETURNS(0, ipcshm_reply_message(9, &want.reply.message));
	EXPECT_EQ(COMMAND(0x46, 96), fake.asked.command);
	EXPECT_EQ(0, memcmp(&want, &fake.asked.in, sizeof(want)));
}

TEST_F(call, reply_receive_hands_on_every_argument)
{
	self->want.call.request = (struct ipcshm_message) {
		.data = (uintptr_t)self->back,
		.size = 64,
	};
	self->want.call.reply = (struct ipcshm_message) {
		.data = (uintptr_t)self->there,
		.size = 6,
		.request_id = 99,
	};
	answer_request();
	EXPECT_RETURNS(3, ipcshm_reply_receive(9, self->there, 6, self->back, 64, &self->message,
					       5));
	EXPECT_EQ(9, fake.asked.fd);
	EXPECT_EQ(COMMAND(0x47, 192), fake.asked.command);
	EXPECT_EQ(0, memcmp(&self->want, &fake.asked.in, sizeof(self->want)));
	EXPECT_EQ(0, memcmp(&fake.out.call.request, &self->message, sizeof(self->message)));
}

TEST_F(call, reply_that_was_sent_is_not_sent_again)
{
	const int errors[] = { EINTR, ETIMEDOUT, EAGAIN, EPIPE };

	answer_request();
	for (int i = 0; i < 4; i++) {
		self->message.request_id = 99;
		EXPECT_FAILS(errors[i], ipcshm_reply_receive(9, self->there, 6, self->back, 64,
							     &self->message, 5));
		EXPECT_EQ(0, self->message.request_id);
	}
}

TEST_F(call, reply_that_was_not_sent_is_still_to_be_sent)
{
	const int errors[] = { EMSGSIZE, ENOMEM, EINVAL, EFAULT };

	for (int i = 0; i < 4; i++) {
		EXPECT_FAILS(errors[i], ipcshm_reply_receive(9, self->there, 6, self->back, 64,
							     &self->message, 5));
		EXPECT_EQ(99, self->message.request_id);
	}
}

TEST_F(call, reply_after_the_caller_has_gone_is_over)
{
	EXPECT_FAILS(ESRCH, ipcshm_reply_receive(9, self->there, 6, self->back, 64,
						 &self->message, 5));
	EXPECT_EQ(0, self->message.request_id);
}

TEST_F(call, request_without_room_returns_its_size)
{
	answer_request();
	fake.out.call.request.size = 4096;
	EXPECT_FAILS(EMSGSIZE, ipcshm_reply_receive(9, self->there, 6, self->back, 64,
						    &self->message, 5));
	EXPECT_EQ(0, self->message.request_id);
	EXPECT_EQ(4096, self->message.size);
}

TEST_HARNESS_MAIN
