// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values and flags of all structures: each wrong one alone in otherwise valid input is refused, and
 * each at the edge is accepted.
 */
#include "abi_fixture.h"
#include "common/abi.h"
#include "common/harness.h"

static const struct change wrong_unlink_values[] = {
	CHANGE(UNLINK, unlink_args, kind, 0, EINVAL),
	CHANGE(UNLINK, unlink_args, kind, 3, EINVAL),
	CHANGE(UNLINK, unlink_args, kind, ~0, EINVAL),
	CHANGE(UNLINK, unlink_args, kind, IPCSHM_QUEUE, ENOENT),
	CHANGE(UNLINK, unlink_args, name, 0, EINVAL),
	CHANGE(UNLINK, unlink_args, name, NOWHERE, EFAULT),
	CHANGE(UNLINK, unlink_args, name_len, 0, EINVAL),
	CHANGE(UNLINK, unlink_args, name_len, NAME_LEN - 1, ENOENT),
	CHANGE(UNLINK, unlink_args, name_len, 257, ENAMETOOLONG),
	CHANGE(UNLINK, unlink_args, name_len, ~0, ENAMETOOLONG),
	CHANGE(UNLINK, unlink_args, reserved, 1, EINVAL),
	CHANGE(UNLINK, unlink_args, reserved, 1U << 31, EINVAL),
};

TEST_F(abi, unlink_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_unlink_values);
}

/* The bits with a meaning; each other one is tried on top of the form's own flags. */
static const struct {
	struct change change;
	__u32 known;
} flag_members[] = {
	{ CHANGE(REGION_CREATE, region_open_args, how.flags, 0, EINVAL), 0x9ff },
	{ CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, 0, EINVAL), 0x9ff },
	{ CHANGE(REGION_OPEN, region_open_args, how.flags, 0, EINVAL), 0x81f },
	{ CHANGE(QUEUE_CREATE, queue_open_args, how.flags, 0, EINVAL), 0xfff },
	{ CHANGE(QUEUE_ANONYMOUS, queue_open_args, how.flags, 0, EINVAL), 0xfff },
	{ CHANGE(QUEUE_OPEN, queue_open_args, how.flags, 0, EINVAL), 0x83f },
	{ CHANGE(REGION_CREATE, region_open_args, how.mode, 0, EINVAL), 0x1ff },
	{ CHANGE(QUEUE_CREATE, queue_open_args, how.mode, 0, EINVAL), 0x1ff },
	{ CHANGE(SEND, transfer_args, flags, 0, EINVAL), 0x1 },
	{ CHANGE(SEND, transfer_args, message.flags, 0, EINVAL), 0x0 },
	{ CHANGE(RECEIVE, transfer_args, flags, 0, EINVAL), 0xf },
	{ CHANGE(RECEIVE, transfer_args, message.flags, 0, EINVAL), 0xf },
	{ CHANGE(SEND_BATCH, batch_args, flags, 0, EINVAL), 0x1 },
	{ CHANGE(RECEIVE_BATCH, batch_args, flags, 0, EINVAL), 0xf },
	{ CHANGE(ACK, queue_ack_args, flags, 0, EINVAL), 0x3 },
	{ CHANGE(CANCEL, queue_cancel_args, flags, 0, EINVAL), 0x1 },
	{ CHANGE(WAIT_PEER, queue_wait_peer_args, flags, 0, EINVAL), 0x1 },
	{ CHANGE(MOVE, queue_move_args, flags, 0, EINVAL), 0x7 },
	{ CHANGE(CALL, call_args, flags, 0, EINVAL), 0x10 },
	{ CHANGE(CALL, call_args, request.flags, 0, EINVAL), 0x0 },
	{ CHANGE(CALL, call_args, reply.flags, 0, EINVAL), 0xf },
	{ CHANGE(REPLY, reply_args, message.flags, 0, EINVAL), 0x0 },
	{ CHANGE(REPLY_RECEIVE, call_args, flags, 0, EINVAL), 0x1 },
	{ CHANGE(REPLY_RECEIVE, call_args, request.flags, 0, EINVAL), 0xf },
};

static size_t count_accepted_bits(struct world *world, struct change change, __u32 known)
{
	size_t accepted = 0;
	__u32 valid;

	fill_args(world, change.form, world->args);
	memcpy(&valid, world->args->bytes + change.offset, sizeof(valid));
	for (unsigned int bit = 0; bit < 32; bit++) {
		if (known & 1U << bit)
			continue;
		change.value = valid | 1U << bit;
		accepted += !is_refused(world, &change);
	}
	return accepted;
}

TEST_F(abi, each_unknown_flag_is_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_members); i++)
		EXPECT_EQ(0, count_accepted_bits(&self->world, flag_members[i].change,
						 flag_members[i].known));
}

static bool has_flags(enum form form, const struct member *member)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_members); i++)
		if (flag_members[i].change.form == form &&
		    flag_members[i].change.offset == member->at)
			return true;
	return false;
}

/* Whether no bit of a member has a meaning in a form. */
static bool is_reserved(enum form form, const struct member *member)
{
	if (forms[form].does & ALL_OUT || strcmp(member->structure, forms[form].structure))
		return false;
	return !strncmp(member->name, "reserved", 8) ||
	       (!strcmp(member->name, "flags") && !has_flags(form, member));
}

TEST_F(abi, each_bit_of_a_reserved_member_is_refused)
{
	size_t tried = 0;

	for (enum form form = 0; form < FORMS; form++) {
		for (const struct member *member = members; member->structure; member++) {
			if (!is_reserved(form, member))
				continue;
			EXPECT_EQ(0, count_accepted_bits(&self->world, (struct change) {
				form, member->at, member->size, 0, EINVAL,
			}, 0));
			tried++;
		}
	}
	EXPECT_LT(20, tried);
}

/* The smallest and the largest valid values. */
static const struct change right_values[] = {
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | C, 0),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W | C, 0),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W | C | X, 0),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 0, 0),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 0777, 0),
	CHANGE(REGION_CREATE, region_open_args, size, 1, 0),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W | C | IPCSHM_POPULATE, 0),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, R | C | IPCSHM_POPULATE, 0),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W | C | IPCSHM_HUGE, 0),
	CHANGE(REGION_CREATE, region_open_args, max_size, BEYOND, 0),
	CHANGE(REGION_CREATE, region_open_args, max_members, 1, 0),
	CHANGE(REGION_CREATE, region_open_args, max_members, IPCSHM_MEMBERS_MAX, 0),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | W, 0),
	CHANGE(REGION_OPEN, region_open_args, how.created, ~0, 0),
	CHANGE(REGION_OPEN, region_open_args, how.id, ~0ULL, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | C, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, W | C, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | W | C | X | P | N, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.mode, 0777, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_messages, 1, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_messages, IPCSHM_UNBOUNDED, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_messages, 1000, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_bytes, 0, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_bytes, IPCSHM_UNBOUNDED, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_bytes, IPCSHM_UNBOUNDED - 1, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, 1, 0),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_message_size, IPCSHM_MESSAGE_MAX, 0),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_NEWEST, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | W | C | IPCSHM_HANGUP, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_NEWEST, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, MESSAGE_MAX, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, 1 << 20, 0),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, pool_bytes, MESSAGE_MAX, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, W, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | W, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | N, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.created, ~0, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.id, ~0ULL, 0),
	CHANGE(SEND, transfer_args, message.priority, IPCSHM_PRIORITY_MAX, 0),
	CHANGE(SEND, transfer_args, message.type, ~0ULL, 0),
	CHANGE(SEND, transfer_args, message.size, 0, 0),
	CHANGE(SELF, region_self_args, token, ~0, 0),
	CHANGE(MEMBERS, region_members_args, count, 0, 0),
	CHANGE(MEMBERS, region_members_args, count, 1, 0),
	CHANGE(MEMBERS, region_members_args, count, ~0, 0),
	CHANGE(MEMBERS, region_members_args, member_size, MAX_MEMBERS * IPCSHM_MEMBER_SIZE_VER0, 0),
	CHANGE(WAIT, region_wait_args, offset, 2048, 0),
	CHANGE(WAIT, region_wait_args, offset, 4092, 0),
	CHANGE(WAIT, region_wait_args, size, 8, 0),
	CHANGE(WAIT, region_wait_args, deadline, 1, 0),
	CHANGE(WAIT, region_wait_args, clock, CLOCK_REALTIME, 0),
	CHANGE(WAIT, region_wait_args, clock, CLOCK_BOOTTIME, 0),
	CHANGE(WAITV, region_waitv_args, count, 1, 0),
	CHANGE(WAITV, region_waitv_args, deadline, 1, 0),
	CHANGE(WAITV, region_waitv_args, clock, CLOCK_REALTIME, 0),
	CHANGE(WAITV, region_waitv_args, clock, CLOCK_BOOTTIME, 0),
	CHANGE(WAKE, region_wake_args, count, 0, 0),
	CHANGE(WAKE, region_wake_args, count, INT_MAX, 0),
	CHANGE(WAKE, region_wake_args, offset, 4, 0),
	CHANGE(WAKE, region_wake_args, offset, BEYOND, 0),
	CHANGE(WAKE, region_wake_args, offset, -4ULL, 0),
	CHANGE(REQUEUE, region_requeue_args, wake, INT_MAX, 0),
	CHANGE(REQUEUE, region_requeue_args, move, INT_MAX, 0),
	CHANGE(REQUEUE, region_requeue_args, move, 0, 0),
	CHANGE(REQUEUE, region_requeue_args, offset, 4092, 0),
	CHANGE(REQUEUE, region_requeue_args, target, 4092, 0),
	CHANGE(REQUEUE, region_requeue_args, size, 8, 0),
	CHANGE(REQUEUE, region_requeue_args, invalid, ~0, 0),
	CHANGE(WATCH, region_watch_args, offset, 4092, 0),
	CHANGE(WATCH, region_watch_args, size, 8, 0),
	CHANGE(WATCH, region_watch_args, expected, ~0U, 0),
	CHANGE(WATCH, region_watch_args, deaths, ~0, 0),
	EITHER_TRANSFER(deadline, 0, 0),
	EITHER_TRANSFER(deadline, 1ULL << 63, 0),
	EITHER_TRANSFER(clock, CLOCK_REALTIME, 0),
	EITHER_TRANSFER(clock, CLOCK_BOOTTIME, 0),
	EITHER_TRANSFER(message.pid, ~0, 0),
	EITHER_TRANSFER(message.uid, ~0, 0),
	EITHER_TRANSFER(message.gid, ~0, 0),
	EITHER_TRANSFER(message.time, ~0ULL, 0),
	EITHER_TRANSFER(message.returns, ~0, 0),
	CHANGE(RECEIVE, transfer_args, message.type, ~0ULL, 0),
	CHANGE(RECEIVE, transfer_args, message.priority, ~0, 0),
	CHANGE(RECEIVE, transfer_args, message.size, sizeof(PAYLOAD), 0),
	CHANGE(RECEIVE, transfer_args, message.size, ~0ULL, 0),
	CHANGE(RECEIVE, transfer_args, message.request_id, ~0ULL, 0),
	CHANGE(RECEIVE, transfer_args, message.flags, IPCSHM_TYPE_EQUAL, 0),
	CHANGE(RECEIVE, transfer_args, message.flags, IPCSHM_TYPE_UP_TO, 0),
	CHANGE(RECEIVE, transfer_args, message.flags, IPCSHM_MAPPED, 0),
	EITHER_BATCH(deadline, 0, 0),
	EITHER_BATCH(clock, CLOCK_REALTIME, 0),
	EITHER_CALL(clock, CLOCK_REALTIME, 0),
	EITHER_CALL(clock, CLOCK_BOOTTIME, 0),
	CHANGE(CALL, call_args, request.priority, IPCSHM_PRIORITY_MAX, 0),
	CHANGE(CALL, call_args, request.type, ~0ULL, 0),
	CHANGE(CALL, call_args, reply.request_id, ~0ULL, 0),
	CHANGE(REPLY, reply_args, message.priority, IPCSHM_PRIORITY_MAX, 0),
	CHANGE(REPLY, reply_args, message.size, 0, 0),
	CHANGE(REPLY_RECEIVE, call_args, request.request_id, ~0ULL, 0),
	CHANGE(SET, queue_set_args, max_messages, 1, 0),
	CHANGE(SET, queue_set_args, max_messages, IPCSHM_UNBOUNDED, 0),
	CHANGE(SET, queue_set_args, max_bytes, MESSAGE_MAX, 0),
	CHANGE(SET, queue_set_args, max_bytes, IPCSHM_UNBOUNDED, 0),
	CHANGE(SET, queue_set_args, max_bytes, 0, 0),
	CHANGE(SPIN, queue_busy_poll_args, microseconds, 0, 0),
	CHANGE(SPIN, queue_busy_poll_args, microseconds, IPCSHM_BUSY_POLL_MAX, 0),
	CHANGE(DRAIN, queue_drain_args, messages, ~0ULL, 0),
};

TEST_F(abi, each_value_at_the_edge_is_accepted)
{
	for (size_t i = 0; i < ARRAY_SIZE(right_values); i++) {
		const struct change *change = &right_values[i];

		prepare_world(&self->world, change->form);
		fill_args(&self->world, change->form, self->world.args);
		apply_change(self->world.args, change);
		EXPECT_TRUE(call_succeeds(&self->world, change->form, forms[change->form].number,
				     self->world.args))
			TH_LOG("case %zu", i);
	}
}

IPCSHM_TEST_MAIN
