// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: what arrives, in which order, from whom, and what it costs.  Waiting is
 * in queue_wait.c, full speed in queue_traffic.c.
 */
#include <sys/uio.h>

#include "common/harness.h"
#include "queue_kinds.h"

#define OTHER_USER	65533
#define FOREIGN_ID	65534	/* the default of kernel.overflowuid and overflowgid */

/* Order and content. */

TEST_F(queue, equal_priorities_arrive_in_the_order_sent)
{
	__u64 i;

	for (i = 0; i < 10; i++)
		ASSERT_TRUE(offer_value(&self->queue, i, 5));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
}

TEST_F(queue, higher_priorities_arrive_first_and_equal_ones_in_order)
{
	const unsigned int count = variant->depth ? variant->depth : SENDERS;
	__u32 priorities[DEPTH];
	bool taken[DEPTH] = { false };
	unsigned int i, n, next;

	srandom(1);
	for (i = 0; i < count; i++) {
		priorities[i] = i % 5 ? random() % 4 : random() % (IPCSHM_PRIORITY_MAX + 1);
		ASSERT_TRUE(offer_value(&self->queue, i, priorities[i]));
	}
	for (n = 0; n < count; n++) {
		next = count;
		for (i = 0; i < count; i++)
			if (!taken[i] && (next == count || priorities[i] > priorities[next]))
				next = i;
		taken[next] = true;
		ASSERT_EQ(next, receive_value(&self->queue));
	}
}

TEST_F(queue, priorities_from_lowest_to_highest_are_kept)
{
	const __u32 priorities[] = { 0, 1, 32766, IPCSHM_PRIORITY_MAX };
	struct ipcshm_message message;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(priorities); i++)
		ASSERT_TRUE(offer_value(&self->queue, i, priorities[i]));
	while (i--) {
		__u64 value;

		ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
		EXPECT_EQ(i, value);
		EXPECT_EQ(priorities[i], message.priority);
	}
}

static void typed_send_role(struct peer *peer)
{
	struct ipcshm_transfer_args transfer = transfer_of("hello", 5);

	transfer.message.type = 0x123456789abcdef0;
	transfer.message.priority = 7;
	peer->result = ipcshm_send_transfer(peer->fd, &transfer, sizeof(transfer));
}

TEST_F(queue, message_carries_type_priority_and_size)
{
	struct peer *sender = queue_start(&self->queue, typed_send_role, (struct peer) { 0 });
	char text[SIZE] = "";
	struct ipcshm_transfer_args transfer = transfer_of(text, sizeof(text));

	ASSERT_EQ(0, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(0, finish(sender));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(0x123456789abcdef0, transfer.message.type);
	EXPECT_EQ(7, transfer.message.priority);
	EXPECT_EQ(5, transfer.message.size);
	EXPECT_EQ(0, transfer.message.flags);
	EXPECT_EQ((uintptr_t)text, transfer.message.data);
}

TEST_F(queue, too_large_message_is_refused)
{
	char data[SIZE + 1] = "";

	EXPECT_EQ(-EMSGSIZE, ipcshm_send(self->queue.fd, data, sizeof(data), 0, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(self->queue.fd, data, sizeof(data)));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

TEST_F(queue, message_too_large_for_the_room_stays)
{
	struct ipcshm_message message;
	__u64 value;

	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	ASSERT_TRUE(offer_value(&self->queue, 2, 0));
	EXPECT_EQ(-EMSGSIZE, ipcshm_receive(self->queue.fd, &value, 7, &message, IPCSHM_FOREVER));
	EXPECT_EQ(8, message.size);
	EXPECT_EQ(-1, read(self->queue.fd, &value, 7));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(2, receive_value(&self->queue));
}

TEST_F(queue, room_that_cannot_be_written_puts_the_message_back_in_front)
{
	char *room = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	ASSERT_NE(MAP_FAILED, room);
	ASSERT_EQ(0, munmap(room + SIZE, SIZE));
	ASSERT_TRUE(offer_value(&self->queue, 1, 3));
	ASSERT_TRUE(offer_value(&self->queue, 2, 3));
	EXPECT_EQ(-EFAULT, ipcshm_receive(self->queue.fd, room + SIZE, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-EFAULT,
		  ipcshm_receive(self->queue.fd, room + SIZE - 4, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, read(self->queue.fd, room + SIZE, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages + queue_stat_now(&self->queue).senders);
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(2, receive_value(&self->queue));
}

TEST_F(queue, addresses_of_the_kernel_are_efault)
{
	void *const kernel = (void *)(1UL << (8 * sizeof(long) - 1));

	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, kernel, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(self->queue.fd, kernel, 8));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(-EFAULT, ipcshm_receive(self->queue.fd, kernel, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, read(self->queue.fd, kernel, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(queue, data_that_cannot_be_read_sends_nothing)
{
	char *data = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, data, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(self->queue.fd, data, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, queue_stat_now(&self->queue).bytes);
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(1, receiver->value);
}

/* Large ones too, whole. */
FIXTURE(content)
{
	struct test_queue queue;
	unsigned char *sent;
	unsigned char *received;
};

FIXTURE_VARIANT(content)
{
	__u64 max_messages;
	__u64 max_bytes;
};

FIXTURE_VARIANT_ADD(content, bounded)
{
	.max_messages = 2,
	.max_bytes = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(content, bounded_in_bytes)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = IPCSHM_MESSAGE_MAX,
};

FIXTURE_VARIANT_ADD(content, unbounded)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(content, rendezvous)
{
	.max_messages = 0,
	.max_bytes = 0,
};

FIXTURE_SETUP(content)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, variant->max_messages, variant->max_bytes,
				  IPCSHM_MESSAGE_MAX));
	if (get_info(self->queue.device).queue_bytes.max < 2 * IPCSHM_MESSAGE_MAX)
		SKIP(return, "a quota too small for the largest message");
	self->sent = malloc(IPCSHM_MESSAGE_MAX);
	self->received = malloc(IPCSHM_MESSAGE_MAX + 1);
	ASSERT_NE(NULL, self->sent);
	ASSERT_NE(NULL, self->received);
}

FIXTURE_TEARDOWN(content)
{
	queue_tear_down(&self->queue);
	free(self->sent);
	free(self->received);
}

static const size_t sizes[] = {
	0, 1, 63, 64, 4000, 4095, 4096, 4097, 65536, 100001, 1 << 20, IPCSHM_MESSAGE_MAX,
};

/* Bytes that differ from size to size and from place to place. */
static void make_content(unsigned char *content, size_t size)
{
	__u32 state = size * 2654435761u + 1;
	size_t i;

	for (i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		content[i] = state >> 24;
	}
}

TEST_F_TIMEOUT(content, of_every_size_arrives_whole, 120)
{
	pid_t peer = fork_peer();
	size_t i;

	ASSERT_LE(0, peer);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_content(self->sent, sizes[i]);
		if (!peer) {
			ASSERT_EQ(0, ipcshm_send(self->queue.fd, self->sent, sizes[i], 0,
						 IPCSHM_FOREVER));
			continue;
		}
		self->received[sizes[i]] = 'x';
		ASSERT_EQ(sizes[i], ipcshm_receive(self->queue.fd, self->received,
						   IPCSHM_MESSAGE_MAX, NULL, IPCSHM_FOREVER));
		EXPECT_EQ(0, memcmp(self->sent, self->received, sizes[i]));
		EXPECT_EQ('x', self->received[sizes[i]]);
	}
	if (!peer)
		_exit(0);
	EXPECT_EQ(0, wait_child(peer));
}

TEST_F_TIMEOUT(content, of_every_size_is_read_as_written, 120)
{
	pid_t peer = fork_peer();
	size_t i;

	ASSERT_LE(0, peer);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_content(self->sent, sizes[i]);
		if (!peer) {
			ASSERT_EQ(sizes[i], write(self->queue.fd, self->sent, sizes[i]));
			continue;
		}
		ASSERT_EQ(sizes[i], read(self->queue.fd, self->received, IPCSHM_MESSAGE_MAX));
		EXPECT_EQ(0, memcmp(self->sent, self->received, sizes[i]));
	}
	if (!peer)
		_exit(0);
	EXPECT_EQ(0, wait_child(peer));
}

/* read and write. */

TEST_F(queue, write_and_read_transfer_one_message)
{
	char text[16] = "";
	struct peer *sender = queue_start(&self->queue, write_role, (struct peer) { .value = 7 });
	struct ipcshm_message message;
	__u64 value;

	EXPECT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(8, finish(sender));
	EXPECT_EQ(7, value);
	EXPECT_EQ(0, message.priority);
	EXPECT_EQ(0, message.type);
	ASSERT_TRUE(offer_value(&self->queue, 8, 0));
	ASSERT_TRUE(offer_value(&self->queue, 9, 0));
	EXPECT_EQ(8, read(self->queue.fd, text, sizeof(text)));
	EXPECT_EQ(8, text[0]);
	EXPECT_EQ(8, read(self->queue.fd, text, sizeof(text)));
	EXPECT_EQ(9, text[0]);
}

static void vector_write_role(struct peer *peer)
{
	struct iovec parts[] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };

	peer->result = writev(peer->fd, parts, ARRAY_SIZE(parts));
}

TEST_F(queue, vector_is_one_message)
{
	struct peer *sender = queue_start(&self->queue, vector_write_role, (struct peer) { 0 });
	char one[1] = "", two[3] = "", three[5] = "";
	struct iovec parts[] = { { one, 1 }, { two, 3 }, { three, 5 } };

	EXPECT_EQ(5, readv(self->queue.fd, parts, ARRAY_SIZE(parts)));
	EXPECT_EQ(5, finish(sender));
	EXPECT_EQ('a', one[0]);
	EXPECT_EQ(0, memcmp(two, "bcd", 3));
	EXPECT_EQ(0, memcmp(three, "e\0\0\0\0", 5));
}

static void empty_write_role(struct peer *peer)
{
	peer->result = write(peer->fd, "", 0);
}

TEST_F(queue, message_of_no_bytes_reads_as_zero)
{
	struct peer *sender = queue_start(&self->queue, empty_write_role, (struct peer) { 0 });
	char byte = 'x';

	EXPECT_EQ(0, read(self->queue.fd, &byte, 1));
	EXPECT_EQ('x', byte);
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(1, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(1, queue_stat_now(&self->queue).received);
}

TEST_F(queue, read_of_no_bytes_receives_nothing)
{
	char byte;

	EXPECT_EQ(0, read(self->queue.fd, &byte, 0));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(0, read(self->queue.fd, &byte, 0));
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(queue, rwf_nowait_does_not_block)
{
	__u64 value = 5;
	struct iovec part = { &value, sizeof(value) };

	EXPECT_EQ(-1, preadv2(self->queue.fd, &part, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_TRUE(offer_value(&self->queue, 6, 0));
	EXPECT_EQ(8, preadv2(self->queue.fd, &part, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(6, value);
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 0));
	EXPECT_EQ(variant->depth ? 8 : -1, pwritev2(self->queue.fd, &part, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(variant->depth ? 6 : NOTHING,
		  variant->depth ? receive_value(&self->queue) : NOTHING);
}

TEST_F(queue, cannot_be_seeked)
{
	char byte;
	struct iovec part = { &byte, 1 };

	EXPECT_EQ(-1, lseek(self->queue.fd, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(self->queue.fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->queue.fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, preadv2(self->queue.fd, &part, 1, 0, 0));
	EXPECT_EQ(ESPIPE, errno);
}

/* Rights. */

TEST_F(queue, descriptor_does_only_what_it_was_opened_for)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ),
	    writer = queue_open_again(&self->queue, IPCSHM_WRITE);
	__u64 value = 1;

	EXPECT_EQ(O_RDONLY, fcntl(reader, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(O_WRONLY, fcntl(writer, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(-EBADF, ipcshm_send(reader, &value, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-EBADF, ipcshm_receive(writer, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(reader, &value, 8));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, read(writer, &value, 8));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	close(reader);
	close(writer);
}

/* Who sent it, and when. */

TEST_F(queue, message_tells_its_sender)
{
	struct peer *sender = queue_start(&self->queue, send_role, (struct peer) { .value = 1 });
	pid_t pid = sender->pid;
	struct ipcshm_message message;
	__u64 value;

	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(pid, message.pid);
	EXPECT_EQ(getuid(), message.uid);
	EXPECT_EQ(getgid(), message.gid);
	EXPECT_EQ(0, finish(sender));
}

TEST_F(queue, blocked_receiver_learns_the_sender)
{
	struct peer *receiver = block_receiver(&self->queue);
	struct peer *sender;
	pid_t pid;

	ASSERT_TRUE(receiver);
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 1 });
	pid = sender->pid;
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(pid, receiver->message.pid);
	EXPECT_EQ(getuid(), receiver->message.uid);
	EXPECT_EQ(getgid(), receiver->message.gid);
}

TEST_F(queue, message_tells_a_sender_that_is_gone)
{
	struct ipcshm_message message;
	struct peer *sender;
	__u64 value;
	pid_t pid;

	if (!variant->depth)
		SKIP(return, "a rendezvous keeps no message of a dead sender");
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 1 });
	pid = sender->pid;
	EXPECT_EQ(0, finish(sender));
	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(pid, message.pid);
}

static void other_user_send_role(struct peer *peer)
{
	if (setresgid(2001, 2002, 2003) || setresuid(1001, 1002, 1003))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	send_role(peer);
}

TEST_F(queue, message_tells_the_real_ids)
{
	struct ipcshm_message message;
	struct peer *sender;
	__u64 value;

	SKIP_UNLESS_ROOT;
	sender = queue_start(&self->queue, other_user_send_role, (struct peer) { .value = 1 });
	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(1001, message.uid);
	EXPECT_EQ(2001, message.gid);
	EXPECT_EQ(0, finish(sender));
}

/* In a PID namespace of its own; value is the sender's number outside of it. */
static void new_pid_namespace_send_role(struct peer *peer)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		_exit(1);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getpid() != 1 ||
		      ipcshm_send(peer->fd, "x", 1, 0, IPCSHM_FOREVER));
	}
	peer->value = pid;
	peer->result = wait_child(pid);
}

TEST_F(queue, pid_is_translated_out_of_a_pid_namespace)
{
	struct ipcshm_message message;
	struct peer *sender;
	char byte;

	SKIP_UNLESS_ROOT;
	sender = queue_start(&self->queue, new_pid_namespace_send_role, (struct peer) { 0 });
	ASSERT_EQ(1, ipcshm_receive(self->queue.fd, &byte, 1, &message, IPCSHM_FOREVER));
	ASSERT_EQ(0, finish(sender));
	EXPECT_EQ(sender->value, message.pid);
}

static void new_pid_namespace_receive_role(struct peer *peer)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		_exit(1);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		receive_role(peer);
		_exit(0);
	}
	if (wait_child(pid))
		_exit(1);
}

TEST_F(queue, sender_without_a_number_in_the_pid_namespace_is_zero)
{
	struct peer *receiver;

	SKIP_UNLESS_ROOT;
	receiver = queue_start(&self->queue, new_pid_namespace_receive_role, (struct peer) { 0 });
	EXPECT_EQ(0, ipcshm_send(self->queue.fd, "x", 1, 0, IPCSHM_FOREVER));
	EXPECT_EQ(1, finish(receiver));
	EXPECT_EQ(0, receiver->message.pid);
	EXPECT_EQ(getuid(), receiver->message.uid);
}

static void new_user_namespace_receive_role(struct peer *peer)
{
	if (unshare(CLONE_NEWUSER))
		_exit(KSFT_SKIP);
	receive_role(peer);
}

TEST_F(queue, ids_without_a_mapping_are_the_overflow_ids)
{
	struct peer *receiver =
		queue_start(&self->queue, new_user_namespace_receive_role, (struct peer) { 0 });

	if (!WAIT_UNTIL(queue_stat_now(&self->queue).receivers || kill(receiver->pid, 0) ||
			process_state(receiver->pid) == 'Z') ||
	    !queue_stat_now(&self->queue).receivers)
		SKIP(return, "no user namespace");
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(FOREIGN_ID, receiver->message.uid);
	EXPECT_EQ(FOREIGN_ID, receiver->message.gid);
	EXPECT_EQ(getpid(), receiver->message.pid);
}

/* Waits with the call until its parent has written the map of its IDs. */
static void mapped_receive_role(struct peer *peer)
{
	if (unshare(CLONE_NEWUSER))
		_exit(KSFT_SKIP);
	be_ready(peer);
	if (!WAIT_UNTIL(is_told(peer)))
		_exit(1);
	receive_role(peer);
}

static bool write_id_map(pid_t pid, const char *file, unsigned int inside, unsigned int outside)
{
	char path[48], line[48];
	bool written;
	int fd, length;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	length = snprintf(line, sizeof(line), "%u %u 1\n", inside, outside);
	written = write(fd, line, length) == length;
	close(fd);
	return written;
}

TEST_F(queue, ids_are_translated_into_the_receivers_user_namespace)
{
	struct peer *receiver;

	SKIP_UNLESS_ROOT;
	receiver = queue_start(&self->queue, mapped_receive_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(receiver)));
	ASSERT_TRUE(write_id_map(receiver->pid, "uid_map", 77, getuid()));
	ASSERT_TRUE(write_id_map(receiver->pid, "gid_map", 88, getgid()));
	tell(receiver);
	EXPECT_EQ(0, ipcshm_send(self->queue.fd, "x", 1, 0, IPCSHM_FOREVER));
	EXPECT_EQ(1, finish(receiver));
	EXPECT_EQ(77, receiver->message.uid);
	EXPECT_EQ(88, receiver->message.gid);
}

TEST_F(queue, time_is_when_it_was_sent)
{
	__u64 before, after, last = 0, value;
	struct ipcshm_message message;
	int i;

	before = now_ns(CLOCK_MONOTONIC);
	for (i = 0; i < 5; i++)
		ASSERT_TRUE(offer_value(&self->queue, i, 0));
	after = now_ns(CLOCK_MONOTONIC);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
		EXPECT_LE(before, message.time);
		EXPECT_GE(variant->depth ? after : now_ns(CLOCK_MONOTONIC), message.time);
		EXPECT_LE(last, message.time);
		last = message.time;
	}
}

/* What it tells of itself. */

TEST_F(queue, stat_tells_what_it_is)
{
	struct ipcshm_queue_stat stat;
	__u64 now = now_ns(CLOCK_REALTIME);
	int again = queue_open_again(&self->queue, IPCSHM_READ);

	ASSERT_EQ(0, ipcshm_queue_get_stat(self->queue.fd, &stat, sizeof(stat)));
	EXPECT_NE(0, stat.stat.id);
	EXPECT_LE(stat.stat.btime, now);
	EXPECT_GE(stat.stat.btime, now - WAIT_SECONDS * 1000 * MS);
	EXPECT_EQ(geteuid(), stat.stat.uid);
	EXPECT_EQ(getegid(), stat.stat.gid);
	EXPECT_EQ(0600, stat.stat.mode);
	EXPECT_EQ(IPCSHM_STAT_NAMED, stat.stat.flags);
	EXPECT_EQ(IPCSHM_QUEUE, stat.stat.kind);
	EXPECT_EQ(2, stat.stat.opens);
	EXPECT_EQ(variant->max_messages, stat.max_messages);
	EXPECT_EQ(variant->max_bytes, stat.max_bytes);
	EXPECT_EQ(SIZE, stat.max_message_size);
	EXPECT_EQ(0, stat.messages | stat.bytes | stat.senders | stat.receivers | stat.sent |
		     stat.received);
	close(again);
}

TEST_F(queue, stat_counts_exactly)
{
	struct ipcshm_queue_stat stat;
	unsigned int i;

	for (i = 0; i < 5; i++)
		ASSERT_TRUE(offer_value(&self->queue, i, i));
	stat = queue_stat_now(&self->queue);
	EXPECT_EQ(variant->depth ? 5 : 0, stat.messages);
	EXPECT_EQ(variant->depth ? 40 : 0, stat.bytes);
	EXPECT_EQ(variant->depth ? 5 : 0, stat.sent);
	EXPECT_EQ(variant->depth ? 0 : 5, stat.senders);
	EXPECT_EQ(0, stat.received);
	EXPECT_EQ(4, receive_value(&self->queue));
	EXPECT_EQ(3, receive_value(&self->queue));
	stat = queue_stat_now(&self->queue);
	EXPECT_EQ(variant->depth ? 3 : 0, stat.messages);
	EXPECT_EQ(variant->depth ? 24 : 0, stat.bytes);
	EXPECT_EQ(variant->depth ? 5 : 2, stat.sent);
	EXPECT_EQ(variant->depth ? 0 : 3, stat.senders);
	EXPECT_EQ(2, stat.received);
	for (i = 0; i < 3; i++)
		EXPECT_NE(NOTHING, receive_value(&self->queue));
	stat = queue_stat_now(&self->queue);
	EXPECT_EQ(0, stat.messages | stat.bytes | stat.senders | stat.receivers);
	EXPECT_EQ(5, stat.sent);
	EXPECT_EQ(5, stat.received);
}

TEST_F(queue, message_handed_over_counts_as_sent_and_received)
{
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).bytes);
	EXPECT_EQ(1, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(1, queue_stat_now(&self->queue).received);
}

/* Death, descriptors and other programs. */

TEST_F(queue, messages_of_a_killed_sender_stay)
{
	struct peer *sender;

	if (!variant->depth)
		SKIP(return, "a rendezvous keeps no message of a dead sender");
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 3 });
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).messages == 1));
	kill_peer(sender);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(3, receive_value(&self->queue));
}

TEST_F(queue, works_on_without_its_name)
{
	ASSERT_EQ(0, ipcshm_unlink(self->queue.device, IPCSHM_QUEUE, self->queue.name.text));
	EXPECT_EQ(0, queue_stat_now(&self->queue).stat.flags);
	EXPECT_EQ(-ENOENT, queue_open_again(&self->queue, IPCSHM_READ));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(1, receive_value(&self->queue));
}

static void passed_send_role(struct peer *peer)
{
	int fd;

	if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
	    setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
		_exit(1);
	if (queue_open_again(peer->queue, IPCSHM_WRITE) != -EACCES)
		_exit(2);
	fd = receive_descriptor(peer->fd);
	if (fd < 0)
		_exit(3);
	peer->result = ipcshm_send(fd, &peer->value, 8, 0, IPCSHM_FOREVER);
}

TEST_F(queue, descriptor_passed_to_another_user_keeps_its_rights)
{
	struct ipcshm_message message;
	struct peer *sender;
	int sockets[2], fd;
	__u64 value = 0;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	sender = queue_start(&self->queue, passed_send_role,
			     (struct peer) { .fd = sockets[1], .value = 5 });
	fd = queue_open_again(&self->queue, IPCSHM_WRITE);
	ASSERT_TRUE(send_descriptor(sockets[0], fd));
	close(fd);
	EXPECT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message,
				    ipcshm_deadline(WAIT_SECONDS * 1000 * MS)));
	EXPECT_EQ(5, value);
	EXPECT_EQ(OTHER_USER, message.uid);
	EXPECT_EQ(0, finish(sender));
}

TEST_F(queue, another_program_opens_it_by_name)
{
	struct test_name answers = make_name("answers");
	char *arguments[] = { "peer", "echo", self->queue.name.text, answers.text, NULL };
	struct ipcshm_queue_attr attr = {
		.max_messages = variant->max_messages,
		.max_bytes = variant->max_bytes,
		.max_message_size = SIZE,
	};
	struct ipcshm_message message;
	char text[8] = "";
	pid_t peer;
	int fd;

	fd = ipcshm_queue_open(self->queue.device, answers.text, IPCSHM_READ | CREATE_NEW, 0600,
			       &attr);
	ASSERT_LE(0, fd);
	peer = fork_peer();
	ASSERT_LE(0, peer);
	if (!peer)
		exec_peer(arguments);
	ASSERT_EQ(0, ipcshm_send(self->queue.fd, "hello", 5, 9, IPCSHM_FOREVER));
	EXPECT_EQ(5, ipcshm_receive(fd, text, sizeof(text), &message, IPCSHM_FOREVER));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(peer, message.pid);
	EXPECT_EQ(9, message.priority);
	EXPECT_EQ(0, wait_child(peer));
	close(fd);
}

/* A copy of the peer program that runs as another user than its caller. */
static bool copy_set_user_id(const char *path)
{
	char from[PATH_MAX], data[4096];
	ssize_t length;
	int in, out;

	if (!peer_path(from))
		return false;
	in = open(from, O_RDONLY | O_CLOEXEC);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	while ((length = read(in, data, sizeof(data))) > 0)
		if (write(out, data, length) != length)
			return false;
	close(in);
	return !length && !fchown(out, 1002, 1002) && !fchmod(out, 06755) && !close(out);
}

static void set_user_id_role(struct peer *peer)
{
	char path[64], number[12];
	char *const arguments[] = { "peer", "send-fd", number, "hello", NULL };

	snprintf(path, sizeof(path), "/tmp/test-peer-%d", getppid());
	snprintf(number, sizeof(number), "%d", peer->fd);
	if (fcntl(peer->fd, F_SETFD, 0) || setresgid(1001, 1001, 1001) ||
	    setresuid(1001, 1001, 1001))
		_exit(1);
	execv(path, arguments);
	_exit(127);
}

TEST_F(queue, set_user_id_program_speaks_for_its_caller)
{
	struct ipcshm_message message;
	struct peer *sender;
	char path[64], text[8] = "";

	SKIP_UNLESS_ROOT;
	snprintf(path, sizeof(path), "/tmp/test-peer-%d", getpid());
	if (!copy_set_user_id(path)) {
		unlink(path);
		SKIP(return, "/tmp has no set-user-ID programs");
	}
	sender = queue_start(&self->queue, set_user_id_role, (struct peer) { 0 });
	EXPECT_EQ(5, ipcshm_receive(self->queue.fd, text, sizeof(text), &message,
				    ipcshm_deadline(WAIT_SECONDS * 1000 * MS)));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(1001, message.uid);
	EXPECT_EQ(1001, message.gid);
	EXPECT_EQ(0, finish(sender));
	unlink(path);
}

/*
 * What queued messages cost, for users that nobody else is.
 */
FIXTURE(quota)
{
	struct test_queue queue;
	uid_t user;
};

FIXTURE_SETUP(quota)
{
	if (geteuid())
		SKIP(return, "needs root");
	self->user = 1000000 + 2 * getpid();
	ASSERT_EQ(0, queue_set_up(&self->queue, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, 1 << 20));
}

FIXTURE_TEARDOWN(quota)
{
	queue_tear_down(&self->queue);
}

/* From here on the test runs as that user; root's own queue is closed. */
static bool become(struct test_queue *queue, uid_t user)
{
	return !close(queue->fd) && !setresuid(user, user, user) &&
	       (queue->fd = open_queue(queue->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				   IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, 1 << 20)) >= 0;
}

static __u64 used(struct test_queue *queue)
{
	return get_info(queue->device).queue_bytes.used;
}

static int send_zeroes(struct test_queue *queue, size_t size)
{
	static char data[1 << 20];

	return ipcshm_send(queue->fd, data, size, 0, IPCSHM_FOREVER);
}

/* With a deadline in the past. */
static int try_zeroes(struct test_queue *queue, size_t size)
{
	static char data[1 << 20];

	return ipcshm_send(queue->fd, data, size, 0, 0);
}

static bool receive_one(struct test_queue *queue)
{
	static char data[1 << 20];

	return ipcshm_receive(queue->fd, data, sizeof(data), NULL, 0) >= 0;
}

TEST_F(quota, queued_messages_count_with_their_bytes)
{
	const size_t lengths[] = { 0, 1, 64, 5000, 1 << 20 };
	__u64 before, each, fixed;
	size_t i;

	ASSERT_TRUE(become(&self->queue, self->user));
	EXPECT_EQ(0, used(&self->queue));
	ASSERT_EQ(0, send_zeroes(&self->queue, 0));
	fixed = used(&self->queue);
	EXPECT_LT(0, fixed);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		before = used(&self->queue);
		ASSERT_EQ(0, send_zeroes(&self->queue, lengths[i]));
		each = used(&self->queue) - before;
		EXPECT_EQ(fixed + lengths[i], each);
	}
	ASSERT_TRUE(receive_one(&self->queue));
	EXPECT_EQ(before + each - fixed, used(&self->queue));
}

TEST_F(quota, comes_back_exactly_when_the_messages_are_received)
{
	size_t i;

	ASSERT_TRUE(become(&self->queue, self->user));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, send_zeroes(&self->queue, i * 777));
	for (i = 0; i < 20; i++)
		ASSERT_TRUE(receive_one(&self->queue));
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F(quota, comes_back_exactly_when_the_queue_is_closed)
{
	size_t i;

	ASSERT_TRUE(become(&self->queue, self->user));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, send_zeroes(&self->queue, i * 777));
	EXPECT_LT(0, used(&self->queue));
	close(self->queue.fd);
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F(quota, comes_back_exactly_when_the_sender_is_killed)
{
	struct test_name other = make_name("killed");
	struct peer *sender;
	int reader;

	ASSERT_EQ(0, close(self->queue.fd));
	ASSERT_EQ(0, setresuid(self->user, self->user, self->user));
	self->queue.fd = open_queue(self->queue.device, other.text, READ_WRITE | IPCSHM_CREATE,
				    0600, 1, IPCSHM_UNBOUNDED, SIZE);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	sender = block_sender(&self->queue, 2, 0);
	ASSERT_TRUE(sender);
	reader = ipcshm_queue_open(self->queue.device, other.text, IPCSHM_READ, 0, NULL);
	ASSERT_LE(0, reader);
	close(self->queue.fd);
	kill_peer(sender);
	EXPECT_LT(0, used(&self->queue));
	close(reader);
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F(quota, failed_send_costs_nothing)
{
	ASSERT_TRUE(become(&self->queue, self->user));
	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, NULL, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-EFAULT, ipcshm_send(self->queue.fd, NULL, 1 << 20, 0, IPCSHM_FOREVER));
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F(quota, message_handed_over_costs_nothing)
{
	struct peer *receiver;

	ASSERT_TRUE(become(&self->queue, self->user));
	receiver = block_receiver(&self->queue);
	ASSERT_TRUE(receiver);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F(quota, counts_for_the_user_who_opened_the_descriptor)
{
	struct peer *sender;

	ASSERT_EQ(0, close(self->queue.fd));
	ASSERT_EQ(0, setresuid(self->user, self->user, 0));
	self->queue.fd = open_queue(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				    IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, SIZE);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_EQ(0, setresuid(0, 0, 0));
	ASSERT_EQ(0, setresuid(self->user + 1, self->user + 1, 0));
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 1 });
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(0, used(&self->queue));
	ASSERT_EQ(0, setresuid(0, 0, 0));
	ASSERT_EQ(0, setresuid(self->user, self->user, self->user));
	EXPECT_LT(8, used(&self->queue));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F_TIMEOUT(quota, used_up_blocks_until_a_message_is_received, 120)
{
	const size_t size = 1 << 20;
	struct ipcshm_quota limit;
	unsigned int count = 0;
	int result;

	ASSERT_TRUE(become(&self->queue, self->user));
	limit = get_info(self->queue.device).queue_bytes;
	if (limit.max > 256 * size)
		SKIP(return, "a quota of %llu bytes", limit.max);
	while (!(result = try_zeroes(&self->queue, size)))
		count++;
	ASSERT_EQ(-ETIMEDOUT, result);
	EXPECT_EQ(count, queue_stat_now(&self->queue).messages);
	limit = get_info(self->queue.device).queue_bytes;
	EXPECT_GE(limit.max, limit.used);
	EXPECT_GE(limit.used + size + SIZE, limit.max);
	ASSERT_TRUE(receive_one(&self->queue));
	EXPECT_EQ(0, try_zeroes(&self->queue, size));
	EXPECT_EQ(-ETIMEDOUT, try_zeroes(&self->queue, size));
}

IPCSHM_TEST_MAIN
