// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binary interface of the device: values and flags, each wrong one alone in otherwise valid
 * input, and the order in which they are checked.
 */
#include <stddef.h>
#include <sys/resource.h>

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

TEST_F(abi, stat_and_info_ignore_their_input)
{
	const enum form filled[] = { INFO, REGION_STAT, QUEUE_STAT };

	for (size_t i = 0; i < ARRAY_SIZE(filled); i++) {
		memset(self->world.args, 0xff, sizeof(union args));
		EXPECT_TRUE(call_succeeds(&self->world, filled[i], forms[filled[i]].number,
				     self->world.args));
	}
}

TEST_F(abi, unknown_numbers_are_refused_on_every_descriptor)
{
	bool known[TARGETS][256] = { 0 };

	for (int i = 0; i < FORMS; i++)
		known[forms[i].target][_IOC_NR(forms[i].number)] = true;
	for (int i = 0; i < TARGETS * 256; i++) {
		const int target = i / 256, number = i % 256;

		if (known[target][number])
			continue;
		EXPECT_EQ(-ENOTTY, call(self->world.fd[target],
					_IOWR(IPCSHM_IOC_MAGIC, number, struct ipcshm_info),
					self->world.args));
	}
}

TEST_F(abi, other_kinds_of_ioctl_are_refused)
{
	EXPECT_EQ(-ENOTTY, call(self->world.device, 0, NULL));
	EXPECT_EQ(-ENOTTY, call(self->world.device, TCGETS, self->world.args));
	EXPECT_EQ(-ENOTTY, call(self->world.fd[QUEUE], TCGETS, self->world.args));
	EXPECT_EQ(-ENOTTY, call(self->world.fd[QUEUE], FIONREAD, self->world.args));
	EXPECT_EQ(-ENOTTY, call(self->world.fd[REGION], TCGETS, self->world.args));
}

TEST_F(abi, device_has_no_other_use)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->world.device, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->world.device, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, system_page_size(), PROT_READ, MAP_SHARED,
				   self->world.device, 0));
	EXPECT_EQ(ENODEV, errno);
}

/*
 * The order of the checks: two mistakes at once, and the one that decides.
 */

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

/*
 * Descriptors.
 */

TEST_F(abi, new_descriptors_have_the_rights_asked_for_and_close_on_exec)
{
	const struct {
		enum form form;
		__u32 flags;
		int mode;
	} cases[] = {
		{ REGION_ANONYMOUS, R, O_RDONLY },
		{ REGION_ANONYMOUS, R | W, O_RDWR },
		{ QUEUE_ANONYMOUS, R, O_RDONLY },
		{ QUEUE_ANONYMOUS, W, O_WRONLY },
		{ QUEUE_ANONYMOUS, R | W, O_RDWR },
		{ QUEUE_ANONYMOUS, R | N, O_RDONLY | O_NONBLOCK },
		{ QUEUE_ANONYMOUS, W | N, O_WRONLY | O_NONBLOCK },
		{ QUEUE_ANONYMOUS, R | W | N, O_RDWR | O_NONBLOCK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd;

		fill_args(&self->world, cases[i].form, self->world.args);
		/* the same place in either structure */
		self->world.args->region_open.how.flags = cases[i].flags | IPCSHM_CREATE;
		fd = call(self->world.device, forms[cases[i].form].number, self->world.args);
		ASSERT_LE(0, fd);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		EXPECT_EQ(cases[i].mode, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
		close(fd);
	}
}

TEST_F(abi, without_a_free_descriptor_nothing_is_left_behind)
{
	const enum form creators[] = { REGION_CREATE, REGION_ANONYMOUS, REGION_GROWING, REGION_OPEN,
		QUEUE_CREATE, QUEUE_ANONYMOUS, QUEUE_POOL, QUEUE_OPEN };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(creators); i++) {
		const unsigned long number = forms[creators[i]].number;
		struct snapshot before, after;
		struct rlimit limit, full;

		prepare_world(world, creators[i]);
		fill_args(world, creators[i], world->args);
		before = take_snapshot(world);
		ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
		full = limit;
		full.rlim_cur = before.next_fd;
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &full));
		EXPECT_EQ(-EMFILE, call(world->device, number, world->args));
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
		after = take_snapshot(world);
		EXPECT_TRUE(is_same_snapshot(&before, &after));
	}
}

/* A call that cannot return a descriptor does not look for the object. */
TEST_F(abi, missing_descriptor_is_reported_before_a_wrong_name)
{
	const struct change changes[] = {
		CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EMFILE),
		CHANGE(REGION_CREATE, region_open_args, how.name_len, 257, EMFILE),
		CHANGE(REGION_OPEN, region_open_args, how.name_len, NAME_LEN - 1, EMFILE),
		CHANGE(QUEUE_CREATE, queue_open_args, how.name, NOWHERE, EMFILE),
		CHANGE(QUEUE_OPEN, queue_open_args, how.name_len, NAME_LEN - 1, EMFILE),
		CHANGE(REGION_CREATE, region_open_args, size, 0, EINVAL),
		CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, 0, EINVAL),
	};
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const enum form form = changes[i].form;
		struct rlimit limit, full;

		prepare_world(world, form);
		fill_args(world, form, world->args);
		apply_change(world->args, &changes[i]);
		ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
		full = limit;
		full.rlim_cur = take_snapshot(world).next_fd;
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &full));
		EXPECT_EQ(-changes[i].error, call(world->device, forms[form].number, world->args));
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	}
}

/* Every byte is written, and none behind the last one. */
TEST_F(abi, stat_and_info_are_filled_to_their_end)
{
	const enum form filled[] = { INFO, REGION_STAT, QUEUE_STAT };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(filled); i++) {
		const enum form form = filled[i];
		union args whole;

		call(world->fd[forms[form].target], forms[form].number, world->args);
		whole = *world->args;
		for (size_t size = forms[form].least; size <= forms[form].size; size++) {
			for (int canary = 0x55; canary <= 0xaa; canary += 0x55) {
				union args *args = world->args;

				memset(args, canary, sizeof(*args));
				EXPECT_EQ(0, call(world->fd[forms[form].target],
						  resize_number(forms[form].number, size), args));
				EXPECT_EQ(0, memcmp(&whole, args, size));
				EXPECT_EQ(canary, (unsigned char)args->bytes[size]);
			}
		}
	}
}

/*
 * Reported values.
 */

TEST_F(abi, info_has_version_features_and_limits)
{
	struct ipcshm_info info = get_info(self->world.device);

	EXPECT_EQ(IPCSHM_ABI_VERSION, info.abi_version);
	EXPECT_EQ(0, info.reserved);
	EXPECT_EQ(IPCSHM_FEATURE_REGION | IPCSHM_FEATURE_QUEUE | IPCSHM_FEATURE_MEMBERS |
		  IPCSHM_FEATURE_MESSAGES | IPCSHM_FEATURE_CALL | IPCSHM_FEATURE_POOL,
		  info.features & 0x3f);
	EXPECT_EQ(IPCSHM_MESSAGE_MAX, info.max_message_size);
	EXPECT_LT(2, info.objects.max);
	EXPECT_LE(system_page_size(), info.region_bytes.max);
	EXPECT_LE(sizeof(PAYLOAD), info.queue_bytes.max);
	EXPECT_LT(1, info.members.max);
	EXPECT_EQ(1, info.members.used);
	EXPECT_LT(1, info.waiters.max);
	EXPECT_EQ(0, info.waiters.used);
	EXPECT_LE(IPCSHM_FDS_MAX, info.descriptors.max);
	EXPECT_EQ(0, info.descriptors.used);
}

TEST_F(abi, largest_sizes_are_within_the_interface)
{
	struct ipcshm_info info = get_info(self->world.device);
	const struct change largest[] = {
		CHANGE(REGION_CREATE, region_open_args, size, IPCSHM_REGION_MAX, EDQUOT),
		CHANGE(REGION_CREATE, region_open_args, max_size, IPCSHM_REGION_MAX, EDQUOT),
	};

	EXPECT_EQ(8ULL << 40, IPCSHM_REGION_MAX);
	EXPECT_EQ(16 << 20, IPCSHM_MESSAGE_MAX);
	if (info.region_bytes.max >= IPCSHM_REGION_MAX)
		SKIP(return, "the quota lets the largest region be created");
	EXPECT_REFUSED(largest);
}

TEST_F(abi, info_counts_the_users_objects)
{
	struct ipcshm_info before = get_info(self->world.device), after;
	int region = open_region(self->world.device, NULL, R | C, 0, system_page_size() + 1);
	int queue = open_queue(self->world.device, NULL, R | C, 0, 1, 1, 1);

	ASSERT_LE(0, region);
	ASSERT_LE(0, queue);
	after = get_info(self->world.device);
	EXPECT_EQ(before.objects.used + 2, after.objects.used);
	EXPECT_EQ(before.region_bytes.used + 2 * system_page_size(), after.region_bytes.used);
	EXPECT_LT(before.queue_bytes.used, after.queue_bytes.used);
	close(region);
	close(queue);
	after = get_info(self->world.device);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(abi, info_counts_the_messages_that_wait)
{
	struct ipcshm_info before = get_info(self->world.device), one, two, after;

	ASSERT_EQ(0, transfer_message(&self->world, SEND));
	one = get_info(self->world.device);
	ASSERT_EQ(0, transfer_message(&self->world, SEND));
	two = get_info(self->world.device);
	EXPECT_LE(before.queue_bytes.used + sizeof(PAYLOAD), one.queue_bytes.used);
	EXPECT_EQ(one.queue_bytes.used - before.queue_bytes.used,
		  two.queue_bytes.used - one.queue_bytes.used);
	drain_queue(&self->world);
	after = get_info(self->world.device);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(abi, only_the_creating_call_reports_created)
{
	struct ipcshm_region_open_args region;
	struct ipcshm_queue_open_args queue;
	int fds[4];

	for (int i = 0; i < 2; i++) {
		region = (struct ipcshm_region_open_args) {
			.how = open_args(self->world.name.text, R | W | C, 0600),
			.size = 5 * system_page_size() - i,
		};
		queue = (struct ipcshm_queue_open_args) {
			.how = open_args(self->world.name.text, R | W | C, 0600),
			.max_messages = 3 + i, .max_bytes = 100 + i, .max_message_size = 10 + i,
		};
		region.how.created = queue.how.created = 7;
		region.how.id = queue.how.id = ~0ULL;
		fds[2 * i] = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &region);
		fds[2 * i + 1] = call(self->world.device, IPCSHM_IOC_QUEUE_OPEN, &queue);
		ASSERT_LE(0, fds[2 * i]);
		ASSERT_LE(0, fds[2 * i + 1]);
		EXPECT_EQ(!i, region.how.created);
		EXPECT_EQ(!i, queue.how.created);
		EXPECT_EQ(5 * system_page_size(), region.size);
		EXPECT_EQ(5 * system_page_size(), region.max_size);
		EXPECT_EQ(IPCSHM_MEMBERS_DEFAULT, region.max_members);
		EXPECT_EQ(3, queue.max_messages);
		EXPECT_EQ(100, queue.max_bytes);
		EXPECT_EQ(10, queue.max_message_size);
		EXPECT_EQ(region_stat(fds[0]).stat.id, region.how.id);
		EXPECT_EQ(queue_stat(fds[1]).stat.id, queue.how.id);
	}
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

TEST_F(abi, sizes_are_reported_in_whole_pages)
{
	const __u64 sizes[] = { 1, system_page_size() - 1, system_page_size(),
				system_page_size() + 1, 10 * system_page_size() - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const __u64 rounded = (sizes[i] + system_page_size() - 1) / system_page_size() *
				      system_page_size();
		struct ipcshm_region_open_args args = {
			.how = open_args(NULL, R | C, 0), .size = sizes[i],
		};
		int fd = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &args);

		ASSERT_LE(0, fd);
		EXPECT_EQ(rounded, args.size);
		EXPECT_EQ(rounded, region_stat(fd).size);
		close(fd);
	}
}

TEST_F(abi, an_id_is_never_used_twice)
{
	__u64 last = 0;

	for (int i = 0; i < 100; i++) {
		int region = open_region(self->world.device, NULL, R | C, 0, 1);
		int queue = open_queue(self->world.device, NULL, R | C, 0, 1, 1, 1);
		__u64 ids[] = { region_stat(region).stat.id, queue_stat(queue).stat.id };

		close(region);
		close(queue);
		EXPECT_NE(0, ids[0]);
		EXPECT_NE(0, ids[1]);
		EXPECT_NE(ids[0], ids[1]);
		EXPECT_NE(last, ids[0]);
		last = ids[1];
	}
}

static void check_stat(struct __test_metadata *_metadata, const struct ipcshm_stat *stat,
		       enum ipcshm_kind kind, __u64 since)
{
	EXPECT_NE(0, stat->id);
	EXPECT_LE(since, stat->btime);
	EXPECT_GE(now_ns(CLOCK_REALTIME), stat->btime);
	EXPECT_EQ(geteuid(), stat->uid);
	EXPECT_EQ(getegid(), stat->gid);
	EXPECT_EQ(0640, stat->mode);
	EXPECT_EQ(kind, stat->kind);
	EXPECT_EQ(0, stat->reserved[0] | stat->reserved[1]);
}

/* The kernel's coarse clock may be a tick behind. */
static __u64 just_before(void)
{
	return now_ns(CLOCK_REALTIME) - 20000000;
}

TEST_F(abi, region_stat_has_the_created_sizes)
{
	__u64 since = just_before();
	struct ipcshm_region_stat stat;
	int fd, second;

	umask(0);
	fd = open_region(self->world.device, self->world.name.text, R | W | C | X | P, 0640, 1);
	ASSERT_LE(0, fd);
	stat = region_stat(fd);
	check_stat(_metadata, &stat.stat, IPCSHM_REGION, since);
	EXPECT_EQ(IPCSHM_STAT_NAMED | IPCSHM_STAT_PERSISTENT, stat.stat.flags);
	EXPECT_EQ(1, stat.stat.opens);
	EXPECT_EQ(system_page_size(), stat.size);
	EXPECT_EQ(system_page_size(), stat.max_size);
	EXPECT_EQ(IPCSHM_MEMBERS_DEFAULT, stat.max_members);
	EXPECT_EQ(0, stat.members + stat.joins + stat.deaths + stat.waiters + stat.reserved);
	second = open_region(self->world.device, self->world.name.text, R, 0, 0);
	ASSERT_LE(0, second);
	EXPECT_EQ(2, region_stat(fd).stat.opens);
	EXPECT_EQ(2, region_stat(dup(fd)).stat.opens);
	EXPECT_EQ(0, unlink_name(self->world.device, IPCSHM_REGION, self->world.name.text));
	EXPECT_EQ(0, region_stat(fd).stat.flags & IPCSHM_STAT_NAMED);
	close(second);
	EXPECT_EQ(1, region_stat(fd).stat.opens);
}

TEST_F(abi, queue_stat_has_the_created_sizes)
{
	__u64 since = just_before();
	struct ipcshm_queue_stat stat;
	int fd;

	umask(0);
	fd = open_queue(self->world.device, self->world.name.text, R | W | C | X, 0640, 7, 100, 50);
	ASSERT_LE(0, fd);
	stat = queue_stat(fd);
	check_stat(_metadata, &stat.stat, IPCSHM_QUEUE, since);
	EXPECT_EQ(IPCSHM_STAT_NAMED, stat.stat.flags);
	EXPECT_EQ(1, stat.stat.opens);
	EXPECT_EQ(7, stat.max_messages);
	EXPECT_EQ(100, stat.max_bytes);
	EXPECT_EQ(50, stat.max_message_size);
	EXPECT_EQ(0, stat.messages + stat.bytes + stat.senders + stat.receivers);
	EXPECT_EQ(0, stat.sent + stat.received + stat.dropped);
	EXPECT_EQ(0, stat.peak_messages + stat.peak_bytes + stat.next_time + stat.blocked_time);
	EXPECT_EQ(0, stat.pool_bytes + stat.pool_used + stat.held + stat.calls);
	EXPECT_EQ(IPCSHM_OVERFLOW_BLOCK, stat.overflow);
	EXPECT_EQ(1, stat.readers);
	EXPECT_EQ(1, stat.writers);
	EXPECT_EQ(0, stat.reserved);
	EXPECT_EQ(0, unlink_name(self->world.device, IPCSHM_QUEUE, self->world.name.text));
	EXPECT_EQ(0, queue_stat(fd).stat.flags & IPCSHM_STAT_NAMED);
	close(fd);
}

TEST_F(abi, name_may_end_at_the_edge_of_memory)
{
	struct world *world = &self->world;
	const size_t length = strlen(world->name.text);

	memcpy(world->edge - length, world->name.text, length);
	for (int i = 0; i < 2; i++) {
		const enum form form = i ? QUEUE_CREATE : REGION_CREATE;

		prepare_world(world, form);
		fill_args(world, form, world->args);
		world->args->region_open.how.name = (uintptr_t)(world->edge - length);
		EXPECT_TRUE(call_succeeds(world, form, forms[form].number, world->args));
		world->args->region_open.how.name_len++;
		EXPECT_TRUE(call_is_refused(world, world->device, forms[form].number, world->args,
					    EFAULT));
	}
}

IPCSHM_TEST_MAIN
