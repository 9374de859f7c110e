// SPDX-License-Identifier: GPL-2.0-only
/* The binary interface of queues: each wrong value alone in otherwise valid input. */
#include <stddef.h>

#include "abi_fixture.h"
#include "common/abi.h"
#include "common/harness.h"

static const struct change wrong_queue_values[] = {
	CHANGE(QUEUE_ANONYMOUS, queue_open_args, how.flags, C, EINVAL),
	CHANGE(QUEUE_ANONYMOUS, queue_open_args, how.flags, C | X | R | W, EINVAL),
	CHANGE(QUEUE_ANONYMOUS, queue_open_args, how.flags, C | P | R | W, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, C, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | W, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | C | IPCSHM_HUGE, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.mode, 01000, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.mode, ~0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.reserved, 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.reserved, 1U << 31, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.reserved, 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name, NOWHERE, EFAULT),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name_len, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name_len, 257, ENAMETOOLONG),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name_len, ~0, ENAMETOOLONG),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, MESSAGE_MAX + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, IPCSHM_MESSAGE_MAX + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, ~0ULL, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_bytes, MESSAGE_MAX - 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_messages, 0, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_message_size, 0, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_message_size, IPCSHM_MESSAGE_MAX + 1, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_bytes, 1, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_bytes, MESSAGE_MAX, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_bytes, IPCSHM_UNBOUNDED, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_OLDEST, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_NEWEST + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, overflow, ~0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, MESSAGE_MAX - 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, IPCSHM_POOL_MAX + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, 1ULL << 63, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, ~0ULL, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, C | R | W | IPCSHM_POPULATE, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, C | R | W | IPCSHM_HUGE, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, C | R | W | IPCSHM_BY_ID, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | IPCSHM_POPULATE, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | IPCSHM_HANGUP, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | IPCSHM_HANGUP_EARLY, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, C | R | W | IPCSHM_HANGUP_EARLY, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, pool_bytes, 4096, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_OLDEST, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_deliveries, IPCSHM_DELIVERIES_MAX + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_deliveries, ~0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, max_deliveries, 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, dead_letter_fd, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, dead_letter_fd, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | IPCSHM_DEAD_LETTERS, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, 0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | X, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | P, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.mode, 0400, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, max_messages, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, max_bytes, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, max_message_size, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name, 0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name, NOWHERE, EFAULT),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name_len, 0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name_len, 257, ENAMETOOLONG),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name_len, NAME_LEN - 1, ENOENT),
};

/* Invalid in any message, sent or received. */
#define WRONG_IN_MESSAGE(form, type, message)				\
	CHANGE(form, type, message.ack_id, 1, EINVAL),			\
	CHANGE(form, type, message.ack_id, 1ULL << 63, EINVAL),		\
	CHANGE(form, type, message.segments, IPCSHM_SEGMENTS_MAX + 1, EINVAL), \
	CHANGE(form, type, message.segments, ~0, EINVAL),		\
	CHANGE(form, type, message.fd_count, IPCSHM_FDS_MAX + 1, EINVAL), \
	CHANGE(form, type, message.fd_count, ~0, EINVAL)

#define WRONG_TO_SEND(form, type, message)				\
	WRONG_IN_MESSAGE(form, type, message),				\
	CHANGE(form, type, message.flags, IPCSHM_TYPE_EQUAL, EINVAL),	\
	CHANGE(form, type, message.flags, IPCSHM_MAPPED, EINVAL),	\
	CHANGE(form, type, message.priority, IPCSHM_PRIORITY_MAX + 1, EINVAL), \
	CHANGE(form, type, message.priority, ~0, EINVAL),		\
	CHANGE(form, type, message.size, MESSAGE_MAX + 1, EMSGSIZE),	\
	CHANGE(form, type, message.size, 1ULL << 32, EMSGSIZE),		\
	CHANGE(form, type, message.size, 1ULL << 63, EMSGSIZE),		\
	CHANGE(form, type, message.size, ~0ULL, EMSGSIZE),		\
	CHANGE(form, type, message.data, 0, EFAULT),			\
	CHANGE(form, type, message.data, NOWHERE, EFAULT),		\
	CHANGE(form, type, message.fd_count, 1, EFAULT)

#define WRONG_TO_RECEIVE(form, type, message)				\
	WRONG_IN_MESSAGE(form, type, message),				\
	CHANGE(form, type, message.flags, IPCSHM_TYPE_EQUAL | IPCSHM_TYPE_NOT, EINVAL), \
	CHANGE(form, type, message.flags, IPCSHM_TYPE_EQUAL | IPCSHM_TYPE_UP_TO, EINVAL), \
	CHANGE(form, type, message.flags, IPCSHM_TYPE_NOT | IPCSHM_TYPE_UP_TO, EINVAL), \
	CHANGE(form, type, message.flags, 7, EINVAL),			\
	CHANGE(form, type, message.data, 0, EFAULT),			\
	CHANGE(form, type, message.data, NOWHERE, EFAULT)

static const struct change wrong_transfer_values[] = {
	EITHER_TRANSFER(clock, 2, EINVAL),
	EITHER_TRANSFER(clock, CLOCK_TAI, EINVAL),
	EITHER_TRANSFER(clock, ~0, EINVAL),
	WRONG_TO_SEND(SEND, transfer_args, message),
	WRONG_TO_RECEIVE(RECEIVE, transfer_args, message),
	CHANGE(SEND, transfer_args, message.request_id, 1, EINVAL),
	CHANGE(SEND, transfer_args, flags, IPCSHM_DONTWAIT | IPCSHM_PEEK, EINVAL),
	CHANGE(RECEIVE, transfer_args, flags, IPCSHM_PEEK, EINVAL),	/* might have to wait */
	CHANGE(RECEIVE, transfer_args, flags, IPCSHM_DONTWAIT | IPCSHM_PEEK | IPCSHM_ACK, EINVAL),
	CHANGE(SEND, transfer_args, flags, IPCSHM_ACK, EINVAL),
	EITHER_TRANSFER(ack_timeout, 1, EINVAL),
	EITHER_TRANSFER(ack_timeout, ~0ULL, EINVAL),
};

static const struct change wrong_batch_values[] = {
	CHANGE(SEND_BATCH, batch_args, flags, IPCSHM_ACK, EINVAL),
	EITHER_BATCH(ack_timeout, 1, EINVAL),
	EITHER_BATCH(ack_timeout, ~0ULL, EINVAL),
	EITHER_BATCH(clock, 2, EINVAL),
	EITHER_BATCH(clock, ~0, EINVAL),
	EITHER_BATCH(count, 0, EINVAL),
	EITHER_BATCH(count, IPCSHM_BATCH_MAX + 1, EINVAL),
	EITHER_BATCH(count, ~0, EINVAL),
	EITHER_BATCH(message_size, 0, EINVAL),
	EITHER_BATCH(message_size, IPCSHM_MESSAGE_SIZE_VER0 - 1, EINVAL),
	EITHER_BATCH(message_size, 1 << 20, EINVAL),
	EITHER_BATCH(message_size, ~0, EINVAL),
	EITHER_BATCH(messages, 0, EFAULT),
	EITHER_BATCH(messages, NOWHERE, EFAULT),
	EITHER_BATCH(messages, HOLE_ADDRESS, EFAULT),
	EITHER_BATCH(messages, ~0ULL, EFAULT),
};

static const struct change wrong_call_values[] = {
	EITHER_CALL(clock, 2, EINVAL),
	EITHER_CALL(clock, ~0, EINVAL),
	WRONG_TO_SEND(CALL, call_args, request),
	CHANGE(CALL, call_args, request.request_id, 1, ESRCH),
	WRONG_IN_MESSAGE(CALL, call_args, reply),
	WRONG_TO_RECEIVE(REPLY_RECEIVE, call_args, request),
	WRONG_TO_SEND(REPLY, reply_args, message),
	CHANGE(REPLY, reply_args, message.request_id, ~0ULL, ESRCH),
	CHANGE(REPLY_RECEIVE, call_args, reply.request_id, ~0ULL, ESRCH),
};

static const struct change wrong_pool_values[] = {
	CHANGE(RELEASE, queue_release_args, count, 0, EINVAL),
	CHANGE(RELEASE, queue_release_args, count, IPCSHM_BATCH_MAX + 1, EINVAL),
	CHANGE(RELEASE, queue_release_args, count, ~0, EINVAL),
	CHANGE(RELEASE, queue_release_args, offsets, 0, EFAULT),
	CHANGE(RELEASE, queue_release_args, offsets, NOWHERE, EFAULT),
	CHANGE(RELEASE, queue_release_args, offsets, HOLE_ADDRESS, EFAULT),
	CHANGE(RELEASE, queue_release_args, offsets, ~0ULL, EFAULT),
	CHANGE(ACK, queue_ack_args, count, 0, EINVAL),
	CHANGE(ACK, queue_ack_args, count, IPCSHM_BATCH_MAX + 1, EINVAL),
	CHANGE(ACK, queue_ack_args, count, ~0, EINVAL),
	CHANGE(ACK, queue_ack_args, ids, 0, EFAULT),
	CHANGE(ACK, queue_ack_args, ids, NOWHERE, EFAULT),
	CHANGE(ACK, queue_ack_args, ids, ~0ULL, EFAULT),
	CHANGE(ACK, queue_ack_args, flags, IPCSHM_ACK_RETURN | IPCSHM_ACK_EXTEND, EINVAL),
	CHANGE(ACK, queue_ack_args, timeout, 1, EINVAL),
	CHANGE(MOVE, queue_move_args, messages, 0, EINVAL),
	CHANGE(MOVE, queue_move_args, flags, IPCSHM_TYPE_EQUAL | IPCSHM_TYPE_NOT, EINVAL),
};

static const struct change wrong_set_values[] = {
	CHANGE(SET, queue_set_args, max_messages, 0, EINVAL),
	CHANGE(SET, queue_set_args, max_bytes, MESSAGE_MAX - 1, EINVAL),
	CHANGE(SPIN, queue_busy_poll_args, microseconds, IPCSHM_BUSY_POLL_MAX + 1, EINVAL),
	CHANGE(SPIN, queue_busy_poll_args, microseconds, ~0, EINVAL),
};

TEST_F(abi, queue_open_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_queue_values);
}

TEST_F(abi, transfer_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_transfer_values);
}

TEST_F(abi, batch_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_batch_values);
}

TEST_F(abi, call_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_call_values);
}

TEST_F(abi, release_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_pool_values);
}

TEST_F(abi, set_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_set_values);
}

TEST_F(abi, sizes_out_of_range_are_refused_before_missing_rights)
{
	struct world *world = &self->world;
	int reader = open_growing(world, IPCSHM_READ);

	ASSERT_LE(0, reader);
	fill_args(world, RESIZE, world->args);
	EXPECT_TRUE(call_is_refused(world, reader, IPCSHM_IOC_REGION_RESIZE, world->args, EBADF));
	world->args->resize.size = MAX_PAGES * system_page_size() + 1;
	EXPECT_TRUE(call_is_refused(world, reader, IPCSHM_IOC_REGION_RESIZE, world->args, EINVAL));
	world->args->resize.size = 0;
	EXPECT_TRUE(call_is_refused(world, reader, IPCSHM_IOC_REGION_RESIZE, world->args, EINVAL));
	close(reader);
}

/* A descriptor without the right fails before any argument is read. */
TEST_F(abi, missing_rights_are_refused_before_the_message_is_looked_at)
{
	const enum form by_senders[] = { SEND, SEND_BATCH, CALL };
	const enum form by_receivers[] = { RECEIVE, RECEIVE_BATCH, REPLY, REPLY_RECEIVE, RELEASE, ACK,
		DRAIN, MOVE };
	struct world *world = &self->world;
	int receiver = open_pooled(world, IPCSHM_READ), sender = open_pooled(world, IPCSHM_WRITE);

	ASSERT_LE(0, receiver);
	ASSERT_LE(0, sender);
	for (size_t i = 0; i < ARRAY_SIZE(by_senders); i++) {
		fill_args(world, by_senders[i], world->args);
		EXPECT_TRUE(call_is_refused(world, receiver, forms[by_senders[i]].number,
					    world->args, EBADF));
	}
	for (size_t i = 0; i < ARRAY_SIZE(by_receivers); i++) {
		fill_args(world, by_receivers[i], world->args);
		EXPECT_TRUE(call_is_refused(world, sender, forms[by_receivers[i]].number,
					    world->args, EBADF));
	}
	fill_args(world, SEND, world->args);
	world->args->transfer.message.size = MESSAGE_MAX + 1;
	EXPECT_TRUE(call_is_refused(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EBADF));
	world->args->transfer.message.size = 1;
	world->args->transfer.message.data = NOWHERE;
	EXPECT_TRUE(call_is_refused(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EBADF));
	fill_args(world, REPLY, world->args);
	world->args->reply.message.request_id = ~0ULL;
	EXPECT_TRUE(call_is_refused(world, sender, IPCSHM_IOC_QUEUE_REPLY, world->args, EBADF));
	close(receiver);
	close(sender);
}

TEST_F(abi, rights_are_not_needed_to_look_and_to_own)
{
	const enum form by_anyone[] = { QUEUE_STAT, SET, SPIN };
	struct world *world = &self->world;
	int fds[] = { open_pooled(world, IPCSHM_READ), open_pooled(world, IPCSHM_WRITE) };

	for (int i = 0; i < 2; i++) {
		ASSERT_LE(0, fds[i]);
		for (size_t j = 0; j < ARRAY_SIZE(by_anyone); j++) {
			fill_args(world, by_anyone[j], world->args);
			EXPECT_EQ(0, call(fds[i], forms[by_anyone[j]].number, world->args));
		}
		fill_args(world, QUEUE_REVOKE, world->args);
		EXPECT_EQ(0, call(fds[i], IPCSHM_IOC_QUEUE_REVOKE, world->args));
		close(fds[i]);
	}
}

TEST_F(abi, revoked_queue_answers_stat_and_revoke_alone)
{
	struct world *world = &self->world;

	ASSERT_TRUE(call_succeeds(world, QUEUE_REVOKE, IPCSHM_IOC_QUEUE_REVOKE, world->args));
	for (enum form form = 0; form < FORMS; form++) {
		if (forms[form].target != QUEUE || form == QUEUE_STAT || form == QUEUE_REVOKE)
			continue;
		fill_args(world, form, world->args);
		EXPECT_TRUE(call_is_refused(world, world->fd[QUEUE], forms[form].number,
					    world->args, EKEYREVOKED));
	}
	EXPECT_EQ(IPCSHM_STAT_REVOKED, queue_stat(world->fd[QUEUE]).stat.flags);
	fill_args(world, QUEUE_REVOKE, world->args);
	EXPECT_EQ(0, call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_REVOKE, world->args));
}

TEST_F(abi, too_large_a_message_is_refused_before_a_full_queue)
{
	struct world *world = &self->world;

	for (int i = 0; i < CAPACITY; i++) {
		ASSERT_EQ(0, transfer_message(world, SEND));
	}
	fill_args(world, SEND, world->args);
	EXPECT_TRUE(call_is_refused(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_SEND, world->args,
				    EAGAIN));
	world->args->transfer.message.size = MESSAGE_MAX + 1;
	EXPECT_TRUE(call_is_refused(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_SEND, world->args,
				    EMSGSIZE));
}

TEST_F(abi, queue_stat_counts_messages_and_bytes)
{
	struct ipcshm_queue_stat stat;

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, transfer_message(&self->world, SEND));
	}
	ASSERT_EQ(0, transfer_message(&self->world, RECEIVE));
	stat = queue_stat(self->world.fd[QUEUE]);
	EXPECT_EQ(2, stat.messages);
	EXPECT_EQ(2 * sizeof(PAYLOAD), stat.bytes);
	EXPECT_EQ(3, stat.peak_messages);
	EXPECT_EQ(3 * sizeof(PAYLOAD), stat.peak_bytes);
	EXPECT_EQ(0, stat.dropped);
	EXPECT_LT(0, stat.next_time);
	EXPECT_GE(now_ns(CLOCK_MONOTONIC), stat.next_time);
	EXPECT_EQ(0, stat.blocked_time);
	EXPECT_EQ(3, stat.sent);
	EXPECT_EQ(1, stat.received);
}

TEST_F(abi, room_too_small_returns_the_size_and_keeps_the_message)
{
	struct world *world = &self->world;
	union args expected;

	prepare_world(world, RECEIVE);
	fill_args(world, RECEIVE, world->args);
	world->args->transfer.message.size = sizeof(PAYLOAD) - 1;
	expected = *world->args;
	expected.transfer.message.size = sizeof(PAYLOAD);
	EXPECT_TRUE(call_fails(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, world->args,
			       EMSGSIZE));
	EXPECT_EQ(0, memcmp(&expected, world->args, sizeof(expected)));
	EXPECT_EQ(0, transfer_message(world, RECEIVE));
	EXPECT_STREQ(PAYLOAD, world->room);
}

TEST_F(abi, room_too_small_in_read_only_memory_keeps_the_message)
{
	struct world *world = &self->world;
	char *page = map_anonymous(1, PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, page);
	prepare_world(world, RECEIVE);
	fill_args(world, RECEIVE, world->args);
	world->args->transfer.message.size = 1;
	memcpy(page, world->args, sizeof(struct ipcshm_transfer_args));
	ASSERT_EQ(0, mprotect(page, system_page_size(), PROT_READ));
	EXPECT_TRUE(call_fails(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, page, EFAULT));
}

TEST_F(abi, a_message_that_cant_be_delivered_stays_the_first)
{
	struct world *world = &self->world;
	char first[] = "first", second[] = "second";
	char *const messages[] = { first, second };

	for (int i = 0; i < 2; i++) {
		fill_args(world, SEND, world->args);
		world->args->transfer.message.data = (uintptr_t)messages[i];
		world->args->transfer.message.size = strlen(messages[i]) + 1;
		ASSERT_EQ(0, call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_SEND, world->args));
	}
	fill_args(world, RECEIVE, world->args);
	world->args->transfer.message.data = (uintptr_t)(world->edge - 2);
	EXPECT_TRUE(call_is_refused(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, world->args,
				    EFAULT));
	EXPECT_EQ(0, transfer_message(world, RECEIVE));
	EXPECT_STREQ(first, world->room);
}

TEST_F(abi, payload_may_end_at_the_edge_of_memory)
{
	struct world *world = &self->world;

	fill_args(world, SEND, world->args);
	world->args->transfer.message.data = (uintptr_t)(world->edge - MESSAGE_MAX);
	world->args->transfer.message.size = MESSAGE_MAX;
	EXPECT_TRUE(call_succeeds(world, SEND, IPCSHM_IOC_QUEUE_SEND, world->args));
	world->args->transfer.message.data = (uintptr_t)(world->edge - MESSAGE_MAX + 1);
	EXPECT_TRUE(call_is_refused(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_SEND, world->args,
				    EFAULT));
}

IPCSHM_TEST_MAIN
