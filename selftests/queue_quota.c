// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: users that pay for messages. The creator of a bounded queue pays when it is
 * created, the sender for a message that an unbounded queue keeps, and the receiver for
 * memory that it keeps the kernel from freeing. A message for a sleeping task is free.
 */
#include "common/cgroup.h"
#include "common/fuse.h"
#include "common/harness.h"
#include "common/queue.h"

#define SMALL	100	/* bytes of a message */
#define LARGE	10000	/* of one that is not copied without faults */

/* The test is a user of its own, and so is a peer with a value. */
FIXTURE(quota)
{
	struct test_queue queue;
	struct fuse_memory memory;
	__u64 record;	/* the cost of a message of no bytes */
};

static uid_t test_user(unsigned int number)
{
	return 0x0a000000 + 4 * getpid() + number;
}

/* Can be undone, as root's saved IDs stay. */
static bool become_user(uid_t user)
{
	return !seteuid(0) && !setresgid(user, user, 0) && !setresuid(user, user, 0);
}

static struct ipcshm_quota bytes_quota(struct test_queue *queue)
{
	return get_info(queue->device).queue_bytes;
}

static __u64 used_bytes(struct test_queue *queue)
{
	return bytes_quota(queue).used;
}

static int make_queue(struct test_queue *queue, __u64 max_messages, __u64 max_bytes,
		      __u64 max_message_size)
{
	return open_queue(queue->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, max_messages,
			  max_bytes, max_message_size);
}

static int make_unbounded(struct test_queue *queue)
{
	return make_queue(queue, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, LARGE);
}

FIXTURE_SETUP(quota)
{
	int one;

	SKIP_UNLESS_ROOT;
	share_peers(&self->queue.peers);
	self->queue.device = open_device();
	ASSERT_TRUE(become_user(test_user(0)));
	self->queue.fd = make_unbounded(&self->queue);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_EQ(0, used_bytes(&self->queue));
	one = make_queue(&self->queue, 1, 1, 1);
	ASSERT_LE(0, one);
	self->record = used_bytes(&self->queue) - 1;
	close(one);
	ASSERT_EQ(0, used_bytes(&self->queue));
}

FIXTURE_TEARDOWN(quota)
{
	EXPECT_EQ(0, seteuid(0));
	if (self->memory.map)
		fuse_memory_close(&self->memory);
	queue_tear_down(&self->queue);
}

static int send_size(int fd, size_t size, __u64 deadline)
{
	static char data[IPCSHM_MESSAGE_MAX + 1];

	return ipcshm_send(fd, data, size, 0, deadline);
}

static int try_size(int fd, size_t size)
{
	static char data[IPCSHM_MESSAGE_MAX + 1];
	struct ipcshm_transfer_args transfer = transfer_of(data, size);

	transfer.flags = IPCSHM_DONTWAIT;
	return ipcshm_send_transfer(fd, &transfer, sizeof(transfer));
}

static long receive_from(int fd)
{
	char data[LARGE];

	return ipcshm_receive(fd, data, sizeof(data), NULL, SOON);
}

/* Queues that use up the quota but for so many bytes; the last of them, or -1. */
static int use_up(struct test_queue *queue, __u64 spare, __u64 record)
{
	struct ipcshm_quota limit = bytes_quota(queue);
	__u64 left = limit.max - limit.used - spare, size;
	int fd = -1;

	while (left > record) {
		size = left - record;
		if (size > IPCSHM_MESSAGE_MAX)
			size = left > IPCSHM_MESSAGE_MAX + 3 * record ? IPCSHM_MESSAGE_MAX :
									size / 2;
		fd = make_queue(queue, 1, size, size);
		if (fd < 0)
			return -1;
		left -= size + record;
	}
	return left ? -1 : fd;
}

/* Bounded queues. */

TEST_F(quota, bounded_queue_is_paid_for_by_its_creator)
{
	int fd = make_queue(&self->queue, 10, 1000, SMALL), i;

	EXPECT_EQ(10 * (SMALL + self->record), used_bytes(&self->queue));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, try_size(fd, SMALL));
	EXPECT_EQ(-EAGAIN, try_size(fd, 1));
	EXPECT_EQ(10 * (SMALL + self->record), used_bytes(&self->queue));
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

/* No more than can be in it. */
TEST_F(quota, bytes_that_cant_be_used_cost_nothing)
{
	int fd = make_queue(&self->queue, 10, 1 << 30, SMALL);

	EXPECT_EQ(10 * (SMALL + self->record), used_bytes(&self->queue));
	close(fd);
	fd = make_queue(&self->queue, 10, 300, SMALL);
	EXPECT_EQ(300 + 10 * self->record, used_bytes(&self->queue));
	close(fd);
}

TEST_F(quota, bytes_of_zero_are_as_many_as_needed)
{
	int fd = make_queue(&self->queue, 10, 0, SMALL), i;

	EXPECT_EQ(10 * SMALL, queue_stat(fd).max_bytes);
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, try_size(fd, SMALL));
	EXPECT_EQ(-EAGAIN, try_size(fd, 0));
	EXPECT_EQ(0, ipcshm_queue_set(fd, 20, 0));
	EXPECT_EQ(20 * SMALL, queue_stat(fd).max_bytes);
	close(fd);
	fd = make_queue(&self->queue, IPCSHM_UNBOUNDED, 0, SMALL);
	EXPECT_EQ(IPCSHM_UNBOUNDED, queue_stat(fd).max_bytes);
	close(fd);
	fd = make_queue(&self->queue, 1ULL << 60, 0, SMALL);
	EXPECT_EQ(IPCSHM_UNBOUNDED, queue_stat(fd).max_bytes);
	close(fd);
}

TEST_F(quota, too_large_a_queue_is_edquot)
{
	__u64 max = bytes_quota(&self->queue).max;

	EXPECT_EQ(-EDQUOT, make_queue(&self->queue, max / self->record + 1, 1, 1));
	EXPECT_EQ(-EDQUOT, make_queue(&self->queue, 1ULL << 62, 1, 1));
	EXPECT_EQ(-EDQUOT, make_queue(&self->queue, IPCSHM_UNBOUNDED - 1, IPCSHM_UNBOUNDED - 1, 1));
	EXPECT_EQ(0, used_bytes(&self->queue));
	EXPECT_EQ(1, get_info(self->queue.device).objects.used);
}

TEST_F(quota, sends_to_a_bounded_queue_need_no_quota)
{
	int fd = make_queue(&self->queue, 10, 0, LARGE), i;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
	EXPECT_EQ(POLLOUT, poll_now(fd));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, try_size(fd, LARGE));
	EXPECT_EQ(LARGE, receive_from(fd));
	EXPECT_EQ(0, try_size(fd, LARGE));
}

/* Memory of messages that are gone, which is kept for messages to come. */

#define ROWS	50	/* queues */
#define ROW	100	/* messages in each */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Kilobytes of kernel memory in small pieces. */
static long kernel_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kilobytes = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "SUnreclaim: %ld", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes;
}

static bool fill_row(int fd, size_t size)
{
	int i;

	for (i = 0; i < ROW; i++)
		if (try_size(fd, size))
			return false;
	return true;
}

static bool empty_row(int fd, size_t size)
{
	int i;

	for (i = 0; i < ROW; i++)
		if (receive_from(fd) != (long)size)
			return false;
	return true;
}

/*
 * Queues of many users are filled and emptied with each size in turn. Quotas return to their
 * initial value each time, and so does memory, except for 16 KiB a queue.
 */
TEST_F(quota, idle_memory_is_bounded)
{
	static const size_t sizes[] = { 3000, 1, 64, 65, 1500, 300, 3900, 64 };
	long before, filled, idle;
	int fds[ROWS], i;
	size_t size;

	before = kernel_memory();
	ASSERT_LT(0, before);
	for (i = 0; i < ROWS; i++) {
		ASSERT_TRUE(become_user(test_user(i % 10)));
		fds[i] = make_unbounded(&self->queue);
		ASSERT_LE(0, fds[i]);
	}
	for (size = 0; size < COUNT(sizes); size++) {
		for (i = 0; i < ROWS; i++)
			ASSERT_TRUE(fill_row(fds[i], sizes[size]));
		filled = kernel_memory() - before;
		for (i = 0; i < 10; i++) {
			ASSERT_TRUE(become_user(test_user(i)));
			EXPECT_EQ(ROWS / 10 * ROW * (sizes[size] + self->record),
				  used_bytes(&self->queue));
		}
		for (i = 0; i < ROWS; i++)
			ASSERT_TRUE(empty_row(fds[i], sizes[size]));
		for (i = 0; i < 10; i++) {
			ASSERT_TRUE(become_user(test_user(i)));
			EXPECT_EQ(0, used_bytes(&self->queue));
		}
		idle = kernel_memory() - before;
		if (sizes[size] >= 1500)
			EXPECT_LT(idle, filled / 2);
	}
	for (i = 0; i < ROWS; i++)
		close(fds[i]);
}

/* Memory that the creator has paid for stays, and is filled again. */
TEST_F(quota, idle_memory_of_a_bounded_queue_has_been_paid_for)
{
	int fd = make_queue(&self->queue, ROW, 0, 1500), round;
	long first = 0, later = 0;
	__u64 price = used_bytes(&self->queue);

	for (round = 0; round < 20; round++) {
		ASSERT_TRUE(fill_row(fd, round % 2 ? 1500 : 64));
		EXPECT_EQ(price, used_bytes(&self->queue));
		later = kernel_memory();
		if (!round)
			first = later;
		ASSERT_TRUE(empty_row(fd, round % 2 ? 1500 : 64));
		EXPECT_EQ(price, used_bytes(&self->queue));
	}
	EXPECT_GT(first + 16 * 1024, later);
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

/* A queue that has been filled and emptied can be filled and emptied again, in any order. */
TEST_F(quota, messages_of_all_sizes_are_whole_in_memory_used_again)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 31, 63, 64, 65, 255, 256, 257, 319, 320, 321,
					831, 832, 833, 1856, 1857, 3903, 3904, 3905, 9999 };
	char data[LARGE], room[LARGE];
	size_t i, k, size;

	for (k = 0; k < 3 * COUNT(sizes); k++) {
		for (i = 0; i < COUNT(sizes); i++) {
			size = sizes[(i * 7 + k) % COUNT(sizes)];
			memset(data, (int)(i + k), size);
			ASSERT_EQ(0, ipcshm_send(self->queue.fd, data, size, 0, SOON));
		}
		for (i = 0; i < COUNT(sizes); i++) {
			size = sizes[(i * 7 + k) % COUNT(sizes)];
			memset(data, (int)(i + k), size);
			memset(room, 0x5a, sizeof(room));
			ASSERT_EQ((long)size, ipcshm_receive(self->queue.fd, room, sizeof(room),
							     NULL, SOON));
			EXPECT_EQ(0, memcmp(data, room, size));
			if (size < sizeof(room))
				EXPECT_EQ(0x5a, room[size]);
		}
		EXPECT_EQ(0, used_bytes(&self->queue));
	}
}

TEST_F(quota, set_charges_the_difference)
{
	int fd = make_queue(&self->queue, 10, 0, SMALL);
	__u64 each = SMALL + self->record;

	EXPECT_EQ(0, ipcshm_queue_set(fd, 15, 0));
	EXPECT_EQ(15 * each, used_bytes(&self->queue));
	EXPECT_EQ(0, ipcshm_queue_set(fd, 5, 0));
	EXPECT_EQ(5 * each, used_bytes(&self->queue));
	EXPECT_EQ(-EDQUOT, ipcshm_queue_set(fd, bytes_quota(&self->queue).max, 0));
	EXPECT_EQ(5, queue_stat(fd).max_messages);
	EXPECT_EQ(5 * each, used_bytes(&self->queue));
	EXPECT_EQ(0, ipcshm_queue_set(fd, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED));
	EXPECT_EQ(0, used_bytes(&self->queue));
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

/* Else its creator could have them for nothing. */
TEST_F(quota, messages_over_a_lowered_capacity_are_still_paid_for)
{
	int fd = make_queue(&self->queue, 10, 0, SMALL), i;
	__u64 each = SMALL + self->record;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, try_size(fd, SMALL));
	EXPECT_EQ(0, ipcshm_queue_set(fd, 2, 0));
	EXPECT_EQ(10 * each, used_bytes(&self->queue));
	for (i = 9; i >= 0; i--) {
		ASSERT_EQ(SMALL, receive_from(fd));
		EXPECT_EQ((i > 2 ? i : 2) * each, used_bytes(&self->queue));
	}
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F(quota, revoked_queue_is_paid_back_at_once)
{
	int fd = make_queue(&self->queue, 10, 0, SMALL);

	ASSERT_EQ(0, try_size(fd, SMALL));
	ASSERT_EQ(0, ipcshm_queue_revoke(fd));
	EXPECT_EQ(0, used_bytes(&self->queue));
	close(fd);
	EXPECT_EQ(0, used_bytes(&self->queue));
}

/* Unbounded queues. */

static void fill_memory_role(struct peer *peer)
{
	if (write(peer->other_fd, "0", 1) != 1)
		_exit(1);
	do
		peer->result = try_size(peer->fd, SMALL);
	while (!peer->result);
}

TEST_F(quota, small_messages_at_the_limit_of_a_memory_cgroup_are_enomem)
{
	struct test_name cgroup;
	char path[128];
	int procs;

	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, setresuid(0, 0, 0));
	cgroup = make_cgroup("16M");
	if (!cgroup.text[0])
		SKIP(return, "no memory cgroup available");
	write_file(cgroup.text, "memory.swap.max", "0");
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup.text);
	procs = open(path, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, procs);
	EXPECT_EQ(-ENOMEM, finish(queue_start(&self->queue, fill_memory_role,
					      (struct peer) { .other_fd = procs })));
	EXPECT_LT(10000, queue_stat(self->queue.fd).messages);
	EXPECT_EQ(0, read_number(cgroup.text, "memory.events", "oom_kill "));
	close(procs);
	close(self->queue.fd);
	EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup.text)));
}

TEST_F(quota, message_in_an_unbounded_queue_is_paid_for_by_its_sender)
{
	ASSERT_EQ(0, try_size(self->queue.fd, SMALL));
	EXPECT_EQ(SMALL + self->record, used_bytes(&self->queue));
	ASSERT_EQ(0, try_size(self->queue.fd, LARGE));
	EXPECT_EQ(SMALL + LARGE + 2 * self->record, used_bytes(&self->queue));
	EXPECT_EQ(SMALL, receive_from(self->queue.fd));
	EXPECT_EQ(LARGE + self->record, used_bytes(&self->queue));
	EXPECT_EQ(0, ipcshm_queue_drain(self->queue.fd, NULL));
	EXPECT_EQ(0, used_bytes(&self->queue));
}

static void send_size_role(struct peer *peer)
{
	peer->result = send_size(peer->fd, peer->value, peer->deadline);
}

/* A sender that waits for quota is a blocked sender. */
static struct peer *block_for_quota(struct test_queue *queue, __u64 deadline)
{
	return block_sender_how(queue, send_size_role, (struct peer) {
		.value = SMALL, .deadline = deadline
	});
}

TEST_F(quota, send_waits_for_quota)
{
	int last = use_up(&self->queue, 0, self->record);
	struct peer *sender;

	ASSERT_LE(0, last);
	EXPECT_EQ(-EAGAIN, try_size(self->queue.fd, SMALL));
	sender = block_for_quota(&self->queue, SOON);
	ASSERT_TRUE(sender);
	EXPECT_TRUE(WAIT_UNTIL(process_state(sender->pid) == 'S'));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, ipcshm_queue_revoke(last));	/* the sender has inherited it */
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(SMALL, receive_from(self->queue.fd));
}

TEST_F(quota, send_that_waits_for_quota_ends_with_its_deadline)
{
	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	EXPECT_EQ(-ETIMEDOUT, send_size(self->queue.fd, SMALL, ipcshm_deadline(50 * MS)));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
}

TEST_F(quota, killed_sender_that_waited_for_quota_leaves_nothing)
{
	int last = use_up(&self->queue, 0, self->record);
	struct peer *sender;

	ASSERT_LE(0, last);
	sender = block_for_quota(&self->queue, SOON);
	ASSERT_TRUE(sender);
	kill_peer(sender);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	close(last);
	EXPECT_EQ(0, try_size(self->queue.fd, SMALL));
}

TEST_F(quota, message_larger_than_the_quota_is_edquot)
{
	struct ipcshm_quota limit = bytes_quota(&self->queue);
	int fd = make_queue(&self->queue, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, IPCSHM_MESSAGE_MAX);

	if (limit.max > IPCSHM_MESSAGE_MAX)
		SKIP(return, "the quota is larger than any message");
	EXPECT_EQ(-EDQUOT, send_size(fd, limit.max, SOON));
	EXPECT_EQ(-EDQUOT, try_size(fd, limit.max));
	EXPECT_EQ(POLLOUT, poll_now(fd));
}

/* It is in its queue, though that does not keep it: a receiver takes it directly. */
TEST_F(quota, receiver_takes_a_message_that_waits_for_quota)
{
	struct peer *sender;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	sender = block_for_quota(&self->queue, SOON);
	ASSERT_TRUE(sender);
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
	EXPECT_EQ(SMALL, receive_from(self->queue.fd));
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
}

TEST_F(quota, senders_that_wait_for_quota_end_with_the_queue)
{
	struct peer *sender;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	sender = block_for_quota(&self->queue, SOON);
	ASSERT_TRUE(sender);
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_EQ(-EKEYREVOKED, finish(sender));
}

/* A crowd that shares a little quota: everything arrives. */
TEST_F(quota, many_senders_share_a_little_quota)
{
	struct peer *sender[8];
	int i, j;

	ASSERT_LE(0, use_up(&self->queue, SMALL + self->record, self->record));
	for (j = 0; j < 10; j++) {
		for (i = 0; i < 8; i++)
			sender[i] = queue_start(&self->queue, send_size_role, (struct peer) {
				.value = SMALL, .deadline = SOON
			});
		for (i = 0; i < 8; i++)
			ASSERT_EQ(SMALL, receive_from(self->queue.fd));
		for (i = 0; i < 8; i++)
			ASSERT_EQ(0, finish(sender[i]));
	}
	EXPECT_EQ(bytes_quota(&self->queue).max - SMALL - self->record, used_bytes(&self->queue));
}

/* Poll. */

TEST_F(quota, poll_agrees_with_send)
{
	int last = use_up(&self->queue, 0, self->record);
	struct peer *poller;

	ASSERT_LE(0, last);
	EXPECT_EQ(0, poll_now(self->queue.fd));
	poller = queue_start(&self->queue, poll_out_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	EXPECT_FALSE(is_done(poller));
	EXPECT_EQ(0, ipcshm_queue_revoke(last));
	EXPECT_EQ(POLLOUT, finish(poller));
	EXPECT_EQ(POLLOUT, poll_now(self->queue.fd));
	EXPECT_EQ(0, try_size(self->queue.fd, LARGE));
}

/* Room for a small message, but not for the largest. */
TEST_F(quota, poll_wants_room_for_the_largest_message)
{
	ASSERT_LE(0, use_up(&self->queue, LARGE / 2, self->record));
	EXPECT_EQ(0, poll_now(self->queue.fd));
	EXPECT_EQ(0, try_size(self->queue.fd, SMALL));
	EXPECT_EQ(-EAGAIN, try_size(self->queue.fd, LARGE));
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
}

/* A message that is handed over costs nothing. */

TEST_F(quota, waiting_receiver_gets_a_message_without_quota)
{
	struct peer *receiver;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	receiver = block_receiver_how(&self->queue, receive_role, (struct peer) { 0 });
	ASSERT_TRUE(receiver);
	EXPECT_EQ(0, try_send(&self->queue, 7, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(7, receiver->value);
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
}

TEST_F(quota, rendezvous_needs_no_quota)
{
	struct peer *receiver;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	close(self->queue.fd);
	self->queue.fd = make_queue(&self->queue, 0, 0, SMALL);
	ASSERT_LE(0, self->queue.fd);
	receiver = block_receiver_how(&self->queue, receive_role, (struct peer) { 0 });
	ASSERT_TRUE(receiver);
	EXPECT_EQ(POLLOUT, poll_now(self->queue.fd) & POLLOUT);
	EXPECT_EQ(0, try_send(&self->queue, 7, 0));
	EXPECT_EQ(8, finish(receiver));
}

static void call_role(struct peer *peer)
{
	peer->result = ipcshm_call(peer->fd, &peer->value, 8, &peer->value, 8, SOON);
}

TEST_F(quota, calls_need_no_quota)
{
	struct ipcshm_message message = { 0 };
	struct peer *caller;
	__u64 value = 0;

	ASSERT_LE(0, use_up(&self->queue, 0, self->record));
	caller = queue_start(&self->queue, call_role, (struct peer) { .value = 3 });
	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, SOON));
	value++;
	EXPECT_EQ(0, ipcshm_reply(self->queue.fd, message.request_id, &value, 8));
	EXPECT_EQ(8, finish(caller));
	EXPECT_EQ(4, caller->value);
	EXPECT_EQ(bytes_quota(&self->queue).max, used_bytes(&self->queue));
}

/* Calls; a signal interrupts the call, and the peer resumes it when the test signals. */
static void call_twice_role(struct peer *peer)
{
	static char reply[LARGE];
	struct ipcshm_call_args transfer = {
		.request = { .data = (uintptr_t)&peer->value, .size = 8 },
		.reply = { .data = (uintptr_t)reply, .size = sizeof(reply) },
		.deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
	};

	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
	peer->token = peer->result == -EINTR && transfer.request.request_id;
	be_ready(peer);
	while (!may_continue(peer))
		usleep(500);
	peer->result = ipcshm_call_transfer(peer->fd, &transfer, sizeof(transfer));
}

/* An interrupted caller for which a reply of LARGE bytes is kept. */
static struct peer *keep_reply(struct test_queue *queue, __u64 *cost)
{
	struct ipcshm_message message = { 0 };
	struct peer *caller;
	char data[LARGE] = "";
	__u64 base;

	caller = queue_start(queue, call_twice_role, (struct peer) { .handles_signal = true });
	if (ipcshm_receive(queue->fd, data, 8, &message, SOON) != 8 || kill(caller->pid, SIGUSR1) ||
	    !WAIT_UNTIL(is_ready(caller)) || !caller->token)
		return NULL;
	base = used_bytes(queue);
	if (ipcshm_reply(queue->fd, message.request_id, data, LARGE))
		return NULL;
	*cost = used_bytes(queue) - base;
	return caller;
}

TEST_F(quota, kept_reply_is_charged_until_the_call_is_resumed)
{
	struct peer *caller;
	__u64 cost;

	caller = keep_reply(&self->queue, &cost);
	ASSERT_TRUE(caller);
	EXPECT_EQ(LARGE + self->record, cost);
	let_continue(caller);
	EXPECT_LE(0, finish(caller));
	EXPECT_EQ(0, used_bytes(&self->queue));
}

TEST_F(quota, kept_reply_is_paid_back_when_its_caller_is_killed)
{
	struct peer *caller;
	__u64 cost;

	caller = keep_reply(&self->queue, &cost);
	ASSERT_TRUE(caller);
	kill_peer(caller);
	EXPECT_TRUE(WAIT_UNTIL(!used_bytes(&self->queue)));
}

/* User memory that takes its time. */

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
