// SPDX-License-Identifier: GPL-2.0-only
/* The order in which arguments are checked: of two mistakes, the first decides the error. */
#include "abi_fixture.h"
#include "common/abi.h"
#include "common/harness.h"

static bool is_refused_twice(struct world *world, const struct change *first,
			     const struct change *second)
{
	prepare_world(world, first->form);
	fill_args(world, first->form, world->args);
	apply_change(world->args, second);
	apply_change(world->args, first);
	return call_is_refused(world, world->fd[forms[first->form].target],
			       forms[first->form].number, world->args, first->error);
}

static const struct change in_order[][2] = {
	/* out of range by itself, before the name */
	{ CHANGE(REGION_CREATE, region_open_args, how.flags, C, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name_len, 1000, ENAMETOOLONG) },
	{ CHANGE(REGION_CREATE, region_open_args, size, 0, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(REGION_CREATE, region_open_args, how.mode, 01000, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, 0, EINVAL),
	  CHANGE(QUEUE_CREATE, queue_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(UNLINK, unlink_args, kind, 3, EINVAL),
	  CHANGE(UNLINK, unlink_args, name, NOWHERE, EFAULT) },
	{ CHANGE(UNLINK, unlink_args, flags, 1, EINVAL),
	  CHANGE(UNLINK, unlink_args, name_len, 1000, ENAMETOOLONG) },
	/* out of range by itself, before the object */
	{ CHANGE(REGION_OPEN, region_open_args, size, 1, EINVAL),
	  CHANGE(REGION_OPEN, region_open_args, how.name_len, NAME_LEN - 1, ENOENT) },
	{ CHANGE(SEND, transfer_args, message.priority, IPCSHM_PRIORITY_MAX + 1, EINVAL),
	  CHANGE(SEND, transfer_args, message.size, MESSAGE_MAX + 1, EMSGSIZE) },
	{ CHANGE(SEND, transfer_args, clock, 2, EINVAL),
	  CHANGE(SEND, transfer_args, message.data, 0, EFAULT) },
	{ CHANGE(RECEIVE, transfer_args, message.flags, 3, EINVAL),
	  CHANGE(RECEIVE, transfer_args, message.size, 0, EMSGSIZE) },
	{ CHANGE(SEND, transfer_args, message.fd_count, IPCSHM_FDS_MAX + 1, EINVAL),
	  CHANGE(SEND, transfer_args, message.size, MESSAGE_MAX + 1, EMSGSIZE) },
	{ CHANGE(SEND, transfer_args, message.request_id, 1, EINVAL),
	  CHANGE(SEND, transfer_args, message.data, 0, EFAULT) },
	{ CHANGE(SEND_BATCH, batch_args, count, 0, EINVAL),
	  CHANGE(SEND_BATCH, batch_args, messages, NOWHERE, EFAULT) },
	{ CHANGE(RECEIVE_BATCH, batch_args, clock, 2, EINVAL),
	  CHANGE(RECEIVE_BATCH, batch_args, messages, NOWHERE, EFAULT) },
	{ CHANGE(CALL, call_args, clock, 2, EINVAL),
	  CHANGE(CALL, call_args, request.data, 0, EFAULT) },
	{ CHANGE(CALL, call_args, reply.ack_id, 1, EINVAL),
	  CHANGE(CALL, call_args, request.size, MESSAGE_MAX + 1, EMSGSIZE) },
	{ CHANGE(REPLY, reply_args, message.flags, 1, EINVAL),
	  CHANGE(REPLY, reply_args, message.request_id, ~0ULL, ESRCH) },
	{ CHANGE(RELEASE, queue_release_args, count, 0, EINVAL),
	  CHANGE(RELEASE, queue_release_args, offsets, NOWHERE, EFAULT) },
	{ CHANGE(ACK, queue_ack_args, count, 0, EINVAL),
	  CHANGE(ACK, queue_ack_args, ids, NOWHERE, EFAULT) },
	{ CHANGE(REGION_CREATE, region_open_args, max_members, ~0, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(REGION_CREATE, region_open_args, reserved, 1, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(WAIT, region_wait_args, flags, 1, EINVAL),
	  CHANGE(WAIT, region_wait_args, deaths, 12345, EOWNERDEAD) },
	{ CHANGE(WAIT, region_wait_args, clock, 2, EINVAL),
	  CHANGE(WAIT, region_wait_args, expected, 1, EAGAIN) },
	{ CHANGE(WAIT, region_wait_args, offset, BEYOND, EINVAL),
	  CHANGE(WAIT, region_wait_args, deaths, 12345, EOWNERDEAD) },
	{ CHANGE(MEMBERS, region_members_args, member_size, 0, EINVAL),
	  CHANGE(MEMBERS, region_members_args, members, NOWHERE, EFAULT) },
	/* the name's length before its bytes */
	{ CHANGE(REGION_CREATE, region_open_args, how.name_len, 257, ENAMETOOLONG),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	/* the name before the quota */
	{ CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT),
	  CHANGE(REGION_CREATE, region_open_args, size, IPCSHM_REGION_MAX, EDQUOT) },
	/* the message's size before its bytes */
	{ CHANGE(SEND, transfer_args, message.size, MESSAGE_MAX + 1, EMSGSIZE),
	  CHANGE(SEND, transfer_args, message.data, 0, EFAULT) },
};

TEST_F(abi, the_first_wrong_thing_decides_the_error)
{
	for (size_t i = 0; i < ARRAY_SIZE(in_order); i++) {
		EXPECT_TRUE(is_refused_twice(&self->world, &in_order[i][0], &in_order[i][1]))
			TH_LOG("case %zu", i);
	}
}

TEST_F(abi, unknown_tail_is_refused_before_unknown_flags)
{
	for (enum form form = 0; form < FORMS; form++) {
		if (forms[form].does & ALL_OUT)
			continue;
		memset(self->world.args, 0xff, sizeof(union args));
		EXPECT_TRUE(call_is_refused(&self->world, self->world.fd[forms[form].target],
				    resize_number(forms[form].number, forms[form].size + 1),
				    self->world.args, E2BIG));
	}
}

TEST_F(abi, unknown_flags_are_refused_before_missing_rights)
{
	struct world *world = &self->world;
	int receiver = open_queue(world->device, NULL, IPCSHM_READ | IPCSHM_CREATE, 0600, 1,
				  MESSAGE_MAX, MESSAGE_MAX);

	ASSERT_LE(0, receiver);
	fill_args(world, SEND, world->args);
	world->args->transfer.flags |= 2;
	EXPECT_TRUE(call_is_refused(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EINVAL));
	world->args->transfer.flags &= ~2;
	EXPECT_TRUE(call_is_refused(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EBADF));
	close(receiver);
}

IPCSHM_TEST_MAIN
