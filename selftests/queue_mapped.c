// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues with a pool: messages that are received in place, and stay unchanged until
 * they are given back, by their holder or by its end.
 */
#include "common/harness.h"
#include "common/queue.h"
#include "mapped_fixture.h"

/* The way of a message. */

TEST_F(mapped, queue_stat_has_its_pool)
{
	struct ipcshm_queue_attr attr = attr_of(POOL - 5, LARGEST);
	int fd = ipcshm_queue_open(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				   &attr);

	EXPECT_EQ(POOL, self->size);
	EXPECT_EQ(POOL, queue_stat_now(&self->queue).pool_bytes);
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(0, queue_stat_now(&self->queue).held);
	ASSERT_LE(0, fd);
	EXPECT_EQ(POOL, attr.pool_bytes);
	attr = (struct ipcshm_queue_attr) { 0 };
	ASSERT_LE(0, ipcshm_queue_open(self->queue.device, self->queue.name.text, IPCSHM_WRITE, 0,
				       &attr));
	EXPECT_EQ(POOL, attr.pool_bytes);
}

TEST_F(mapped, message_is_received_where_it_is)
{
	struct ipcshm_message message;
	struct held held;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 7, 5000));
	EXPECT_EQ(5000, ipcshm_receive_mapped(self->queue.fd, &held.offset, &message, SOON));
	EXPECT_EQ(held.offset, message.data);
	EXPECT_EQ(5000, message.size);
	EXPECT_EQ(7, message.type);
	EXPECT_EQ(getpid(), (pid_t)message.pid);
	held.size = 5000;
	held.number = 7;
	EXPECT_TRUE(is_whole(self, &held));
	EXPECT_EQ(1, queue_stat_now(&self->queue).held);
	EXPECT_LE(5000, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(1, queue_stat_now(&self->queue).received);
	EXPECT_EQ(1, give_back(&self->queue, &held));
	EXPECT_EQ(0, queue_stat_now(&self->queue).held);
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
}

TEST_F(mapped, message_of_no_bytes_is_held_as_well)
{
	struct held held[2];

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 0));
	ASSERT_EQ(0, send_numbered(self->queue.fd, 2, 0));
	EXPECT_EQ(0, hold_message(&self->queue, &held[0]));
	EXPECT_EQ(0, hold_message(&self->queue, &held[1]));
	EXPECT_NE(held[0].offset, held[1].offset);
	EXPECT_EQ(2, queue_stat_now(&self->queue).held);
	EXPECT_EQ(1, give_back(&self->queue, &held[0]));
	EXPECT_EQ(1, give_back(&self->queue, &held[1]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
}

TEST_F(mapped, same_messages_can_be_received_plainly)
{
	unsigned char data[LARGEST];
	struct held held;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 5000));
	ASSERT_EQ(0, send_numbered(self->queue.fd, 2, LARGEST));
	ASSERT_EQ(0, send_numbered(self->queue.fd, 3, 100));
	EXPECT_EQ(5000, ipcshm_receive(self->queue.fd, data, sizeof(data), NULL, SOON));
	EXPECT_TRUE(is_numbered(data, 1, 5000));
	EXPECT_EQ(LARGEST, read(self->queue.fd, data, sizeof(data)));
	EXPECT_TRUE(is_numbered(data, 2, LARGEST));
	EXPECT_EQ(0, queue_stat_now(&self->queue).held);
	EXPECT_EQ(100, hold_message(&self->queue, &held));
	EXPECT_TRUE(is_whole(self, &held));
	EXPECT_EQ(1, give_back(&self->queue, &held));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
}

TEST_F(mapped, held_message_stays_as_it_is_while_others_come_and_go)
{
	struct held held, other;
	int i;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 77, LARGEST));
	ASSERT_EQ(LARGEST, hold_message(&self->queue, &held));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, 1 + i * 300));
		ASSERT_EQ(1 + i * 300, hold_message(&self->queue, &other));
		ASSERT_TRUE(is_whole(self, &other));
		ASSERT_TRUE(is_whole(self, &held));
		ASSERT_EQ(1, give_back(&self->queue, &other));
	}
	EXPECT_TRUE(is_whole(self, &held));
}

TEST_F(mapped, messages_are_held_in_any_order)
{
	struct held held[16];
	int i;

	for (i = 0; i < 16; i++)
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, 1000 * i));
	for (i = 0; i < 16; i++)
		ASSERT_EQ(1000 * i, hold_message(&self->queue, &held[i]));
	for (i = 0; i < 16; i++)
		EXPECT_TRUE(is_whole(self, &held[i * 7 % 16]));
	for (i = 0; i < 16; i++) {
		EXPECT_EQ(1, give_back(&self->queue, &held[i * 7 % 16]));
		EXPECT_EQ(15 - i, queue_stat_now(&self->queue).held);
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
}

TEST_F(mapped, batch_is_received_and_given_back)
{
	struct ipcshm_message messages[8];
	uint64_t offsets[8];
	struct held held;
	int i;

	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, 100 * i));
		messages[i] = (struct ipcshm_message) { .flags = IPCSHM_MAPPED };
	}
	ASSERT_EQ(8, ipcshm_receive_batch(self->queue.fd, messages, 8, 0, SOON));
	for (i = 0; i < 8; i++) {
		offsets[i] = messages[i].data;
		held = (struct held) { messages[i].data, messages[i].size, i };
		EXPECT_EQ(100 * i, messages[i].size);
		EXPECT_TRUE(is_whole(self, &held));
	}
	EXPECT_EQ(8, ipcshm_release(self->queue.fd, offsets, 8));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
}

TEST_F(mapped, blocked_receiver_gets_its_message_there)
{
	struct ipcshm_message message = { .flags = IPCSHM_MAPPED };
	pid_t pid = fork_peer();
	struct held held;

	ASSERT_LE(0, pid);
	if (!pid) {
		if (!WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1))
			_exit(1);
		_exit(-send_numbered(self->queue.fd, 5, 3000));
	}
	EXPECT_EQ(3000, ipcshm_receive_message(self->queue.fd, &message, SOON));
	held = (struct held) { message.data, message.size, message.type };
	EXPECT_TRUE(is_whole(self, &held));
	EXPECT_EQ(0, wait_child(pid));
}

TEST_F(mapped, wish_is_fulfilled_there)
{
	struct ipcshm_message message = {
		.flags = IPCSHM_MAPPED | IPCSHM_TYPE_EQUAL,
		.type = 2,
	};

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 10));
	ASSERT_EQ(0, send_numbered(self->queue.fd, 2, 20));
	EXPECT_EQ(20, ipcshm_receive_message(self->queue.fd, &message, SOON));
	EXPECT_TRUE(is_numbered(self->pool + message.data, 2, 20));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
}

/* A message that no user pays for must not be held for long. */
TEST_F(mapped, held_message_costs_its_sender_nothing)
{
	struct held held;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 5000));
	EXPECT_LE(5000, get_info(self->queue.device).queue_bytes.used);
	ASSERT_EQ(5000, hold_message(&self->queue, &held));
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
}

TEST_F(mapped, pool_counts_as_region_bytes_of_its_creator)
{
	struct ipcshm_queue_attr attr = attr_of(POOL, LARGEST);
	__u64 before = get_info(self->queue.device).region_bytes.used;
	int fd = ipcshm_queue_open(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				   &attr);

	ASSERT_LE(0, fd);
	EXPECT_EQ(before + POOL, get_info(self->queue.device).region_bytes.used);
	close(fd);
	EXPECT_EQ(before, get_info(self->queue.device).region_bytes.used);
	attr = attr_of(IPCSHM_POOL_MAX, LARGEST);
	if (get_info(self->queue.device).region_bytes.max < IPCSHM_POOL_MAX)
		EXPECT_EQ(-EDQUOT, ipcshm_queue_open(self->queue.device, NULL,
						     READ_WRITE | IPCSHM_CREATE, 0600, &attr));
	EXPECT_EQ(before, get_info(self->queue.device).region_bytes.used);
}

/* A pool that is full. */

TEST_F(mapped, pool_full_of_held_messages_is_enobufs_and_loses_nothing)
{
	static unsigned char data[LARGEST];
	struct held held[POOL / LARGEST], last;
	unsigned int count = 0;
	uint64_t offset = 1;

	while (count < POOL / LARGEST) {
		ASSERT_EQ(0, send_numbered(self->queue.fd, count, LARGEST));
		ASSERT_EQ(LARGEST, hold_message(&self->queue, &held[count++]));
	}
	EXPECT_EQ(POOL, queue_stat_now(&self->queue).pool_used);
	/* There is other memory to send. */
	ASSERT_EQ(0, send_numbered(self->queue.fd, 100, 3000));
	ASSERT_EQ(0, send_numbered(self->queue.fd, 101, 10));
	EXPECT_EQ(-ENOBUFS, ipcshm_receive_mapped(self->queue.fd, &offset, NULL, SOON));
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(count, queue_stat_now(&self->queue).received);
	EXPECT_EQ(count, queue_stat_now(&self->queue).held);
	/* Copied, it can be had. */
	EXPECT_EQ(3000, ipcshm_receive(self->queue.fd, data, sizeof(data), NULL, SOON));
	EXPECT_TRUE(is_numbered(data, 100, 3000));
	EXPECT_EQ(-ENOBUFS, ipcshm_receive_mapped(self->queue.fd, &offset, NULL, SOON));
	EXPECT_EQ(1, give_back(&self->queue, &held[1]));
	ASSERT_EQ(10, hold_message(&self->queue, &last));
	EXPECT_TRUE(is_whole(self, &last));
	EXPECT_TRUE(is_whole(self, &held[0]));
	EXPECT_TRUE(is_whole(self, &held[2]));
}

TEST_F(mapped, queued_messages_leave_room_in_the_pool)
{
	struct held held;
	__u64 i;

	for (i = 0; i < 3 * POOL / LARGEST; i++)
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, LARGEST));
	for (i = 0; i < 3 * POOL / LARGEST; i++) {
		ASSERT_EQ(LARGEST, hold_message(&self->queue, &held));
		EXPECT_EQ(i, held.number);
		EXPECT_TRUE(is_whole(self, &held));
		EXPECT_EQ(1, give_back(&self->queue, &held));
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
}

TEST_F(mapped, batch_ends_where_the_pool_does)
{
	struct ipcshm_message messages[POOL / LARGEST + 2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(messages); i++) {
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, LARGEST));
		messages[i] = (struct ipcshm_message) { .flags = IPCSHM_MAPPED };
	}
	EXPECT_EQ(POOL / LARGEST,
		  ipcshm_receive_batch(self->queue.fd, messages, ARRAY_SIZE(messages), 0, SOON));
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(-ENOBUFS,
		  ipcshm_receive_batch(self->queue.fd, messages + POOL / LARGEST, 2, 0, SOON));
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

/* The mapping. */

TEST_F(mapped, pool_is_read_only_for_ever)
{
	char zero[16] = "", path[] = "/proc/self/mem";
	const int more[] = { PROT_WRITE, PROT_EXEC };
	struct held held;
	int memory, i;

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(MAP_FAILED,
			  mmap(NULL, PAGE, PROT_READ | more[i], MAP_SHARED, self->queue.fd, 0));
		/* A kernel whose mount of such files is noexec refuses execution itself. */
		EXPECT_TRUE(errno == EACCES || (more[i] == PROT_EXEC && errno == EPERM));
		EXPECT_EQ(-1, mprotect((void *)self->pool, PAGE, PROT_READ | more[i]));
		EXPECT_EQ(EACCES, errno);
	}
	ASSERT_EQ(0, send_numbered(self->queue.fd, 3, PAGE));
	ASSERT_EQ(PAGE, hold_message(&self->queue, &held));
	/* Nor as a debugger does it. */
	memory = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, memory);
	EXPECT_EQ(-1, pwrite(memory, zero, sizeof(zero), (uintptr_t)self->pool + held.offset));
	EXPECT_TRUE(is_whole(self, &held));
}

TEST_F(mapped, mapping_is_shared)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, self->queue.fd, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(mapped, mapping_is_within_the_pool)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->queue.fd, POOL));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, POOL + PAGE, PROT_READ, MAP_SHARED, self->queue.fd, 0));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, POOL, PROT_READ, MAP_SHARED, self->queue.fd, PAGE));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_NE(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->queue.fd, POOL - PAGE));
}

TEST_F(mapped, mapping_is_for_receivers)
{
	int writer = queue_open_again(&self->queue, IPCSHM_WRITE),
	    reader = queue_open_again(&self->queue, IPCSHM_READ);
	const void *pool;
	size_t size;

	EXPECT_EQ(-EACCES, ipcshm_queue_map(writer, &pool, &size));
	EXPECT_EQ(0, ipcshm_queue_map(reader, &pool, &size));
}

TEST_F(mapped, queue_without_a_pool_has_nothing_to_map)
{
	struct ipcshm_message message = { .flags = IPCSHM_MAPPED };
	int fd = open_queue(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 1, PAGE,
			    PAGE);
	const void *pool;
	size_t size;

	EXPECT_EQ(-ENODEV, ipcshm_queue_map(fd, &pool, &size));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	ASSERT_EQ(0, ipcshm_send(fd, "x", 1, 0, SOON));
	EXPECT_EQ(-EINVAL, ipcshm_receive_message(fd, &message, SOON));
	EXPECT_EQ(1, queue_stat(fd).messages);
	EXPECT_EQ(-EINVAL, ipcshm_release(fd, (uint64_t []) { 0 }, 1));
}

TEST_F(mapped, mapping_outlives_the_queue)
{
	struct held held;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 9, LARGEST));
	ASSERT_EQ(LARGEST, hold_message(&self->queue, &held));
	close(self->queue.fd);
	EXPECT_EQ(0, get_info(self->queue.device).objects.used);
	EXPECT_TRUE(is_whole(self, &held));
	EXPECT_EQ(0, munmap((void *)self->pool, self->size));
}

static void look_role(struct peer *peer)
{
	peer->result = !is_numbered((const void *)(uintptr_t)peer->msg.type, 9, LARGEST);
}

TEST_F(mapped, child_sees_its_parents_held_messages)
{
	struct held held;

	ASSERT_EQ(0, send_numbered(self->queue.fd, 9, LARGEST));
	ASSERT_EQ(LARGEST, hold_message(&self->queue, &held));
	EXPECT_EQ(0, finish(queue_start(&self->queue, look_role, (struct peer) {
		.msg.type = (uintptr_t)self->pool + held.offset,
	})));
	EXPECT_EQ(1, queue_stat_now(&self->queue).held);
}

TEST_F(mapped, message_that_isnt_taken_is_no_more_in_the_pool)
{
	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 5000));
	EXPECT_LE(5000, queue_stat_now(&self->queue).pool_used);
	ASSERT_EQ(0, ipcshm_queue_drain(self->queue.fd, NULL));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, NULL, 5000, 0, SOON));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, 5000));
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
}

/* Large messages. */

static const size_t large[] = { 4097, 65536, 65537, 1 << 20, (1 << 20) + 1, 10000000,
	IPCSHM_MESSAGE_MAX - 1, IPCSHM_MESSAGE_MAX };

static unsigned char room[IPCSHM_MESSAGE_MAX + 1];

TEST_F_TIMEOUT(mapped, messages_up_to_the_largest_arrive_whole, 120)
{
	struct ipcshm_queue_attr attr = attr_of(2 * IPCSHM_MESSAGE_MAX, IPCSHM_MESSAGE_MAX);
	const unsigned char *pool;
	struct held held;
	size_t i;

	close(self->queue.fd);
	self->queue.fd = ipcshm_queue_open(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE,
					   0600, &attr);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_EQ(0, ipcshm_queue_map(self->queue.fd, (const void **)&pool, &self->size));
	for (i = 0; i < ARRAY_SIZE(large); i++) {
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, large[i]));
		ASSERT_EQ((long)large[i], hold_message(&self->queue, &held));
		EXPECT_TRUE(is_numbered(pool + held.offset, i, large[i]));
		EXPECT_EQ(1, give_back(&self->queue, &held));
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
}

TEST_F_TIMEOUT(mapped, large_messages_arrive_whole_without_a_pool, 120)
{
	struct ipcshm_segment pieces[] = {
		{ .data = (uintptr_t)room, .size = 12345 },
		{ .data = (uintptr_t)room + 12345, .size = sizeof(room) - 12345 },
	};
	struct ipcshm_message message = { .data = (uintptr_t)pieces, .segments = 2 };
	struct ipcshm_queue_attr attr = attr_of(0, IPCSHM_MESSAGE_MAX);
	size_t i;

	close(self->queue.fd);
	self->queue.fd = ipcshm_queue_open(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE,
					   0600, &attr);
	ASSERT_LE(0, self->queue.fd);
	for (i = 0; i < ARRAY_SIZE(large); i++) {
		ASSERT_EQ(0, send_numbered(self->queue.fd, i, large[i]));
		ASSERT_EQ(0, send_numbered(self->queue.fd, i + 1, large[i]));
		memset(room, 0, sizeof(room));
		ASSERT_EQ((long)large[i],
			  ipcshm_receive(self->queue.fd, room, sizeof(room), NULL, SOON));
		EXPECT_TRUE(is_numbered(room, i, large[i]));
		memset(room, 0, sizeof(room));
		ASSERT_EQ((long)large[i], ipcshm_receive_message(self->queue.fd, &message, SOON));
		EXPECT_TRUE(is_numbered(room, i + 1, large[i]));
	}
	EXPECT_EQ(-EMSGSIZE, ipcshm_send(self->queue.fd, room, IPCSHM_MESSAGE_MAX + 1, 0, SOON));
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
}

TEST_F(mapped, large_message_that_cant_be_copied_is_none)
{
	struct ipcshm_queue_attr attr = attr_of(0, IPCSHM_MESSAGE_MAX);
	size_t size = 1 << 20;
	char *edge;

	close(self->queue.fd);
	self->queue.fd = ipcshm_queue_open(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE,
					   0600, &attr);
	ASSERT_LE(0, self->queue.fd);
	edge = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(0, mprotect(edge + size, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, edge + 1, size, 0, SOON));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
	ASSERT_EQ(0, send_numbered(self->queue.fd, 1, size));
	EXPECT_EQ(-EFAULT, ipcshm_receive(self->queue.fd, edge + 1, size, NULL, SOON));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ((long)size, ipcshm_receive(self->queue.fd, edge, size, NULL, SOON));
	EXPECT_TRUE(is_numbered((unsigned char *)edge, 1, size));
}

/* A stream between processes, with a window of messages that are held. */

#define STREAM	many(5000, 500)
#define WINDOW	6

static size_t stream_size(__u64 number)
{
	return number * 2654435761U % LARGEST;
}

static void stream_role(struct peer *peer)
{
	__u64 i;

	for (i = 0; i < STREAM; i++)
		if (send_numbered(peer->fd, i, stream_size(i)))
			_exit(1);
}

/* A few of the newest messages of a stream, held. */
struct window {
	struct held held[WINDOW];
	unsigned int oldest, next;
};

/* A held message stays whole until it is given back. */
static bool give_back_oldest(FIXTURE_DATA(mapped) *self, struct window *window)
{
	struct held *held = &window->held[window->oldest++ % WINDOW];

	return is_whole(self, held) && give_back(&self->queue, held) == 1;
}

/*
 * The pool may be full of held messages.  Then nothing is lost: there is space as
 * soon as enough messages have been given back.
 */
static bool receive_next(FIXTURE_DATA(mapped) *self, struct window *window, __u64 number)
{
	struct held *held = &window->held[window->next % WINDOW];
	long size;

	while ((size = hold_message(&self->queue, held)) == -ENOBUFS)
		if (window->oldest == window->next || !give_back_oldest(self, window))
			return false;
	window->next++;
	return size == (long)stream_size(number) && held->number == number &&
	       is_whole(self, held);
}

TEST_F_TIMEOUT(mapped, stream_is_whole_when_it_comes_and_when_it_is_given_back, 120)
{
	struct window window = { .oldest = 0 };
	struct peer *sender;
	unsigned int i;

	ASSERT_EQ(0, ipcshm_queue_set(self->queue.fd, 8, IPCSHM_UNBOUNDED));
	sender = queue_start(&self->queue, stream_role, (struct peer) { 0 });
	for (i = 0; i < STREAM; i++) {
		if (window.next - window.oldest == WINDOW)
			ASSERT_TRUE(give_back_oldest(self, &window));
		ASSERT_TRUE(receive_next(self, &window, i));
	}
	EXPECT_EQ(0, finish(sender));
	while (window.oldest < window.next)
		ASSERT_TRUE(give_back_oldest(self, &window));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
}

/* A receiver is killed at any time. */
static void hold_and_release_role(struct peer *peer)
{
	struct ipcshm_message message;

	for (;;) {
		message = (struct ipcshm_message) { .flags = IPCSHM_MAPPED };
		if (ipcshm_receive_message(peer->fd, &message, SOON) >= 0 && message.type % 3)
			ipcshm_release(peer->fd, (uint64_t []) { message.data }, 1);
	}
}

TEST_F_TIMEOUT(mapped, killed_receivers_leave_nothing_held, 120)
{
	struct peer *receiver;
	unsigned int i, n;

	for (i = 0; i < many(200, 30); i++) {
		receiver = queue_start(&self->queue, hold_and_release_role, (struct peer) { 0 });
		for (n = 0; n < 10 + i % 10; n++)
			ASSERT_EQ(0, send_numbered(self->queue.fd, n, n * 50));
		kill_peer(receiver);
		ASSERT_EQ(0, queue_stat_now(&self->queue).held);
		self->queue.peers.count--;
	}
	ASSERT_EQ(0, ipcshm_queue_drain(self->queue.fd, NULL));
	EXPECT_EQ(0, queue_stat_now(&self->queue).pool_used);
	EXPECT_EQ(queue_stat_now(&self->queue).sent,
		  queue_stat_now(&self->queue).received + queue_stat_now(&self->queue).dropped);
}

IPCSHM_TEST_MAIN
