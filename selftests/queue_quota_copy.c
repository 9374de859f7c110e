// SPDX-License-Identifier: GPL-2.0-only
/* Queues: users that pay for a message while it is copied to user memory that takes its time. */
#include "common/fuse.h"
#include "common/harness.h"
#include "common/queue.h"
#include "quota_fixture.h"

FIXTURE(slow)
{
	struct test_queue queue;
	struct fuse_memory memory;
	__u64 record;
};

FIXTURE_VARIANT(slow)
{
	size_t size;
	bool bounded;
};

FIXTURE_VARIANT_ADD(slow, small)
{
	.size = SMALL,
};

FIXTURE_VARIANT_ADD(slow, large)
{
	.size = LARGE,
};

FIXTURE_VARIANT_ADD(slow, small_bounded)
{
	.size = SMALL,
	.bounded = true,
};

FIXTURE_VARIANT_ADD(slow, large_bounded)
{
	.size = LARGE,
	.bounded = true,
};

/* Another user sends, so that the sender's charge does not matter. */
FIXTURE_SETUP(slow)
{
	int one;

	SKIP_UNLESS_ROOT;
	share_peers(&self->queue.peers);
	self->memory.map = NULL;
	FUSE_MEMORY_OPEN(&self->memory, 8);
	self->queue.device = open_device();
	one = make_queue(&self->queue, 1, 1, 1);
	self->record = used_bytes(&self->queue) - 1;
	close(one);
	self->queue.fd = variant->bounded ? make_queue(&self->queue, 8, 0, LARGE)
					  : make_unbounded(&self->queue);
	ASSERT_LE(0, self->queue.fd);
}

FIXTURE_TEARDOWN(slow)
{
	EXPECT_EQ(0, seteuid(0));
	fuse_memory_close(&self->memory);
	queue_tear_down(&self->queue);
}

/* The receiver is another user, with a descriptor of its own. */
static void become_receiver(struct peer *peer)
{
	if (!become_user(peer->token))
		_exit(1);
}

#define RECEIVER(peer) ((peer)->token)

static int receiver_queue(struct test_queue *queue)
{
	return ipcshm_queue_open(queue->device, "slow", READ_WRITE, 0, NULL);
}

static unsigned char *slow_room;

static void slow_receive_role(struct peer *peer)
{
	struct ipcshm_transfer_args transfer = transfer_of(slow_room, LARGE);

	become_receiver(peer);
	peer->fd = receiver_queue(peer->queue);
	transfer.deadline = SOON;
	transfer.flags = peer->msg.match;
	peer->result = ipcshm_receive_transfer(peer->fd, &transfer, sizeof(transfer));
}

static void slow_read_role(struct peer *peer)
{
	become_receiver(peer);
	peer->fd = receiver_queue(peer->queue);
	peer->result = read(peer->fd, slow_room, LARGE) < 0 ? -errno : 0;
}

static void slow_call_role(struct peer *peer)
{
	struct ipcshm_call_args call = {
		.request = { .data = (uintptr_t)"x", .size = 1 },
		.reply = { .data = (uintptr_t)slow_room, .size = LARGE },
		.deadline = SOON,
		.clock = CLOCK_MONOTONIC,
	};

	become_receiver(peer);
	peer->fd = receiver_queue(peer->queue);
	peer->result = ipcshm_call_transfer(peer->fd, &call, sizeof(call));
}

static __u64 used_by(struct test_queue *queue, uid_t user)
{
	uid_t self = geteuid();
	__u64 result;

	if (!become_user(user))
		return ~0ULL;
	result = used_bytes(queue);
	if (seteuid(0) || setresgid(0, 0, 0) || setresuid(self, self, 0))
		return ~0ULL;
	return result;
}

static bool name_queue(struct test_queue *queue, bool bounded)
{
	close(queue->fd);
	queue->fd = open_queue(queue->device, "slow", READ_WRITE | CREATE_NEW, 0666,
			   bounded ? 8 : IPCSHM_UNBOUNDED, bounded ? 0 : IPCSHM_UNBOUNDED, LARGE);
	return queue->fd >= 0 && !fchmod(queue->fd, 0666);
}

/* A message is charged to the receiver while its copy is blocked, and to no user after it. */
static bool is_charged_meanwhile(struct test_queue *queue, struct fuse_memory *memory,
				 struct peer *receiver, __u64 base, __u64 cost)
{
	bool charged;

	if (!WAIT_UNTIL(fuse_memory_is_waiting(memory, 0)))
		return false;
	charged = used_bytes(queue) == base && used_by(queue, RECEIVER(receiver)) == cost;
	if (!charged)
		ksft_print_msg("sender %llu of %llu, receiver %llu of %llu\n", used_bytes(queue),
			       base, used_by(queue, RECEIVER(receiver)), cost);
	fuse_memory_release(memory, 0);
	fuse_memory_release(memory, 1);
	fuse_memory_release(memory, 2);
	return !finish(receiver) && used_by(queue, RECEIVER(receiver)) == 0 && charged;
}

static struct peer receiver_peer(void)
{
	return (struct peer) { .token = test_user(1) };
}

TEST_F(slow, receive_is_charged_to_the_receiver)
{
	__u64 base;

	ASSERT_TRUE(name_queue(&self->queue, variant->bounded));
	slow_room = self->memory.map;
	base = used_bytes(&self->queue);
	ASSERT_EQ(0, try_size(self->queue.fd, variant->size));
	EXPECT_TRUE(
		is_charged_meanwhile(&self->queue, &self->memory,
				     queue_start(&self->queue, slow_receive_role, receiver_peer()),
				     base, variant->size + self->record));
	EXPECT_EQ(base, used_bytes(&self->queue));
}

TEST_F(slow, read_is_charged_to_the_receiver)
{
	__u64 base;

	ASSERT_TRUE(name_queue(&self->queue, variant->bounded));
	slow_room = self->memory.map;
	base = used_bytes(&self->queue);
	ASSERT_EQ(0, try_size(self->queue.fd, variant->size));
	EXPECT_TRUE(is_charged_meanwhile(&self->queue, &self->memory,
					 queue_start(&self->queue, slow_read_role, receiver_peer()),
					 base, variant->size + self->record));
}

TEST_F(slow, peek_is_charged_to_the_receiver)
{
	struct peer how = receiver_peer(), *receiver;
	__u64 base;

	ASSERT_TRUE(name_queue(&self->queue, variant->bounded));
	slow_room = self->memory.map;
	base = used_bytes(&self->queue);
	ASSERT_EQ(0, try_size(self->queue.fd, variant->size));
	how.msg.match = IPCSHM_PEEK | IPCSHM_DONTWAIT;
	receiver = queue_start(&self->queue, slow_receive_role, how);
	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&self->memory, 0)));
	ASSERT_EQ((long)variant->size, receive_from(self->queue.fd));
	EXPECT_TRUE(is_charged_meanwhile(&self->queue, &self->memory, receiver, base,
					 variant->size + self->record));
}

TEST_F(slow, reply_is_charged_to_the_caller)
{
	struct ipcshm_message message = { 0 };
	char data[LARGE] = "";
	struct peer *caller;
	__u64 base;

	ASSERT_TRUE(name_queue(&self->queue, variant->bounded));
	slow_room = self->memory.map;
	base = used_bytes(&self->queue);
	caller = queue_start(&self->queue, slow_call_role, receiver_peer());
	ASSERT_EQ(1, ipcshm_receive(self->queue.fd, data, 1, &message, SOON));
	ASSERT_EQ(0, ipcshm_reply(self->queue.fd, message.request_id, data, variant->size));
	EXPECT_TRUE(is_charged_meanwhile(&self->queue, &self->memory, caller, base,
					 variant->size + self->record));
}

/* A message that is put back without room is charged to its receiver. */
TEST_F(slow, message_put_back_is_charged_to_the_receiver)
{
	struct peer *receiver;
	__u64 base, count = 0;

	ASSERT_TRUE(name_queue(&self->queue, variant->bounded));
	slow_room = self->memory.map;
	ASSERT_EQ(0, try_size(self->queue.fd, variant->size));
	receiver = queue_start(&self->queue, slow_receive_role, receiver_peer());
	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&self->memory, 0)));
	while (count < 8 && !try_size(self->queue.fd, variant->size))
		count++;
	base = used_bytes(&self->queue);
	fuse_memory_fail(&self->memory, 0);
	EXPECT_EQ(-EFAULT, finish(receiver));
	EXPECT_EQ(9, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(base, used_bytes(&self->queue));
	EXPECT_EQ(variant->size + self->record, used_by(&self->queue, test_user(1)));
	while (count--)
		EXPECT_EQ((long)variant->size, receive_from(self->queue.fd));
	EXPECT_EQ((long)variant->size, receive_from(self->queue.fd));
	EXPECT_EQ(0, used_by(&self->queue, test_user(1)));
}

IPCSHM_TEST_MAIN
