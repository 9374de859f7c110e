// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues with IPCSHM_HANGUP: the hang-up that one end sees when the other end has no
 * user left, and not before.
 *
 * The test's own descriptor can only send.  Peers inherit it; a process at the other
 * end opens another, after the peers are there.
 */
#include "common/harness.h"
#include "common/queue.h"

#define KEPT	4	/* messages that the queue keeps */

FIXTURE(hangup)
{
	struct test_queue queue;
};

FIXTURE_VARIANT(hangup)
{
	__u64 max_messages;
	__u64 max_bytes;
};

FIXTURE_VARIANT_ADD(hangup, bounded)
{
	.max_messages = KEPT,
	.max_bytes = IPCSHM_UNBOUNDED,
};

FIXTURE_VARIANT_ADD(hangup, rendezvous)
{
	.max_messages = 0,
	.max_bytes = 0,
};

static struct ipcshm_queue_attr attr_of(const FIXTURE_VARIANT(hangup) *variant)
{
	return (struct ipcshm_queue_attr) {
		.max_messages = variant->max_messages,
		.max_bytes = variant->max_bytes,
		.max_message_size = SIZE,
	};
}

FIXTURE_SETUP(hangup)
{
	ASSERT_EQ(0,
		  queue_set_up_attr(&self->queue, attr_of(variant), IPCSHM_WRITE | IPCSHM_HANGUP));
}

FIXTURE_TEARDOWN(hangup)
{
	queue_tear_down(&self->queue);
}

/* The structure can be read, and not written. */
static int open_unwritable(struct test_queue *queue)
{
	struct ipcshm_queue_open_args *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	if (args == MAP_FAILED)
		return -errno;
	args->how.name = (uintptr_t)queue->name.text;
	args->how.name_len = strlen(queue->name.text);
	args->how.flags = IPCSHM_READ;
	if (mprotect(args, 4096, PROT_READ))
		return -errno;
	fd = ioctl(queue->device, IPCSHM_IOC_QUEUE_OPEN, args);
	return fd < 0 ? -errno : fd;
}

/* The only receiver has gone. */
static bool leave_as_receiver(struct test_queue *queue)
{
	int reader = queue_open_again(queue, IPCSHM_READ);

	return reader >= 0 && !close(reader);
}

/* A receiver without a sender: the test's only descriptor can receive. */
static bool become_receiver(struct test_queue *queue)
{
	int reader = queue_open_again(queue, IPCSHM_READ);

	return reader >= 0 && dup3(reader, queue->fd, O_CLOEXEC) == queue->fd && !close(reader);
}

static int try_write(struct test_queue *queue)
{
	return write(queue->fd, &(__u64) { 1 }, 8) == 8 ? 0 : -errno;
}

static long try_read(struct test_queue *queue)
{
	__u64 value;
	long result = read(queue->fd, &value, 8);

	return result < 0 ? -errno : result;
}

static short poll_all(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

TEST_F(hangup, open_that_fails_is_no_receiver_that_has_gone)
{
	EXPECT_EQ(-EFAULT, open_unwritable(&self->queue));
	EXPECT_EQ(variant->max_messages ? 0 : -EAGAIN, try_send(&self->queue, 1, 0));
	EXPECT_EQ(0, queue_stat_now(&self->queue).readers);
}

TEST_F(hangup, stat_counts_both_ends)
{
	int reader;

	EXPECT_EQ(IPCSHM_STAT_HANGUP | IPCSHM_STAT_NAMED, queue_stat_now(&self->queue).stat.flags);
	EXPECT_EQ(0, queue_stat_now(&self->queue).readers);
	EXPECT_EQ(1, queue_stat_now(&self->queue).writers);
	reader = queue_open_again(&self->queue, READ_WRITE);
	EXPECT_EQ(1, queue_stat_now(&self->queue).readers);
	EXPECT_EQ(2, queue_stat_now(&self->queue).writers);
	dup(reader);
	EXPECT_EQ(1, queue_stat_now(&self->queue).readers);
	close(queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(1, queue_stat_now(&self->queue).readers);
}

/* Senders. */

TEST_F(hangup, sender_waits_for_the_first_receiver)
{
	struct peer *sender;
	__u64 i;

	for (i = 0; i < variant->max_messages; i++)
		EXPECT_EQ(0, try_send(&self->queue, i, 0));
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, i, 0));
	EXPECT_EQ(0, poll_all(self->queue.fd));
	sender = block_sender(&self->queue, i, 0);
	ASSERT_TRUE(sender);
	ASSERT_TRUE(become_receiver(&self->queue));
	for (i = 0; i <= variant->max_messages; i++)
		EXPECT_EQ(i, receive_value(&self->queue));
	EXPECT_EQ(0, finish(sender));
}

TEST_F(hangup, sending_without_a_receiver_fails_with_epipe_without_a_signal)
{
	struct ipcshm_message message = { 0 };

	ASSERT_TRUE(leave_as_receiver(&self->queue));
	EXPECT_EQ(-EPIPE, try_send(&self->queue, 1, 0));
	EXPECT_EQ(-EPIPE, ipcshm_send(self->queue.fd, "x", 1, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-EPIPE, ipcshm_send_batch(self->queue.fd, &message, 1, 0, IPCSHM_FOREVER));
	/* SIGPIPE would be the end of this process. */
	EXPECT_EQ(-EPIPE, try_write(&self->queue));
	EXPECT_EQ(0, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, get_info(self->queue.device).queue_bytes.used);
}

TEST_F(hangup, blocked_senders_get_epipe_when_the_last_receiver_closes)
{
	struct peer *senders[3];
	int readers[2];
	__u64 i;

	for (i = 0; i < variant->max_messages; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	senders[0] = block_sender(&self->queue, 1, 0);
	senders[1] = block_sender_how(&self->queue, write_role, (struct peer) { .value = 2 });
	senders[2] = block_sender(&self->queue, 3, 7);
	ASSERT_TRUE(senders[0] && senders[1] && senders[2]);
	for (i = 0; i < 2; i++)
		readers[i] = queue_open_again(&self->queue, IPCSHM_READ);
	close(readers[0]);
	EXPECT_EQ(3, queue_stat_now(&self->queue).senders);
	close(readers[1]);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EPIPE, finish(senders[i]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(variant->max_messages, queue_stat_now(&self->queue).messages);
}

static void open_and_wait_role(struct peer *peer)
{
	peer->fd = queue_open_again(peer->queue, peer->value);
	be_ready(peer);
	pause();
}

/* Starts a process that opens a descriptor with these rights, and stays. */
static struct peer *start_opener(struct test_queue *queue, __u32 flags)
{
	struct peer *peer = queue_start(queue, open_and_wait_role, (struct peer){ .value = flags });

	return WAIT_UNTIL(is_ready(peer)) ? peer : NULL;
}

TEST_F(hangup, blocked_senders_get_epipe_when_the_last_receiver_is_killed)
{
	struct peer *reader, *sender;
	__u64 i;

	for (i = 0; i < variant->max_messages; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	sender = block_sender(&self->queue, 1, 0);
	reader = start_opener(&self->queue, IPCSHM_READ);
	ASSERT_TRUE(sender && reader);
	kill_peer(reader);
	EXPECT_EQ(-EPIPE, finish(sender));
}

TEST_F(hangup, inherited_receiver_is_one_until_its_last_copy_goes)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ), copy = dup(reader);
	struct peer *heir = queue_start(&self->queue, poll_in_role, (struct peer) { .fd = reader });

	close(reader);
	close(copy);
	EXPECT_EQ(1, queue_stat_now(&self->queue).readers);
	EXPECT_EQ(variant->max_messages ? 0 : -EAGAIN, try_send(&self->queue, 1, 0));
	kill_peer(heir);
	EXPECT_EQ(-EPIPE, try_send(&self->queue, 1, 0));
}

TEST_F(hangup, new_receiver_ends_it)
{
	ASSERT_TRUE(leave_as_receiver(&self->queue));
	EXPECT_EQ(-EPIPE, try_send(&self->queue, 1, 0));
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_READ));
	EXPECT_EQ(variant->max_messages ? 0 : -EAGAIN, try_send(&self->queue, 1, 0));
}

TEST_F(hangup, descriptor_with_both_rights_counts_as_both)
{
	int both = queue_open_again(&self->queue, READ_WRITE);

	EXPECT_EQ(variant->max_messages ? 0 : -EAGAIN, try_send(&self->queue, 1, 0));
	close(both);
	EXPECT_EQ(-EPIPE, try_send(&self->queue, 1, 0));
	ASSERT_TRUE(become_receiver(&self->queue));
	EXPECT_EQ(variant->max_messages ? 8 : 0, try_read(&self->queue));
	EXPECT_EQ(0, try_read(&self->queue));
	both = queue_open_again(&self->queue, READ_WRITE);
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, try_read(&self->queue));
}

static void send_three_role(struct peer *peer)
{
	__u64 value = 1;
	struct ipcshm_message messages[KEPT + 2];
	int i;

	for (i = 0; i < KEPT + 2; i++)
		messages[i] = (struct ipcshm_message) { .data = (uintptr_t)&value, .size = 8 };
	peer->result = ipcshm_send_batch(peer->fd, messages, KEPT + 2, 0, SOON);
}

TEST_F(hangup, batch_returns_the_part_sent_before)
{
	struct peer *sender = block_sender_how(&self->queue, send_three_role, (struct peer) { 0 });

	ASSERT_TRUE(sender);
	ASSERT_TRUE(leave_as_receiver(&self->queue));
	EXPECT_EQ(variant->max_messages ? KEPT : -EPIPE, finish(sender));
}

/* Receivers. */

/* A queue that was opened to receive, with no sender yet. */
static bool begin_as_receiver(struct test_queue *queue, struct ipcshm_queue_attr attr)
{
	close(queue->fd);
	queue->fd = ipcshm_queue_open(queue->device, queue->name.text,
				      IPCSHM_READ | CREATE_NEW | IPCSHM_HANGUP, 0600, &attr);
	return queue->fd >= 0;
}

static bool leave_as_sender(struct test_queue *queue)
{
	int writer = queue_open_again(queue, IPCSHM_WRITE);

	return writer >= 0 && !close(writer);
}

TEST_F(hangup, receiver_waits_for_the_first_sender)
{
	struct peer *receiver;
	int writer;
	__u64 value;

	ASSERT_TRUE(begin_as_receiver(&self->queue, attr_of(variant)));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	EXPECT_EQ(0, poll_all(self->queue.fd));
	receiver = block_receiver(&self->queue);
	ASSERT_TRUE(receiver);
	writer = queue_open_again(&self->queue, IPCSHM_WRITE);
	EXPECT_EQ(0, ipcshm_send(writer, &(__u64) { 5 }, 8, 0, SOON));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
}

TEST_F(hangup, receiver_gets_the_rest_and_then_the_end)
{
	__u64 value = 0;
	struct ipcshm_message message = { .data = (uintptr_t)&value, .size = 8 };

	ASSERT_TRUE(begin_as_receiver(&self->queue, attr_of(variant)));
	if (variant->max_messages) {
		int writer = queue_open_again(&self->queue, IPCSHM_WRITE);

		EXPECT_EQ(0, ipcshm_send(writer, &(__u64) { 5 }, 8, 0, SOON));
		EXPECT_EQ(0, ipcshm_send(writer, &(__u64) { 6 }, 8, 0, SOON));
		close(writer);
		EXPECT_EQ(8, try_read(&self->queue));
		EXPECT_EQ(6, receive_value(&self->queue));
	} else {
		ASSERT_TRUE(leave_as_sender(&self->queue));
	}
	EXPECT_EQ(-EPIPE, ipcshm_receive(self->queue.fd, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-EPIPE, try_receive(&self->queue, &value));
	EXPECT_EQ(-EPIPE, ipcshm_receive_batch(self->queue.fd, &message, 1, 0, IPCSHM_FOREVER));
	EXPECT_EQ(0, try_read(&self->queue));
	EXPECT_EQ(0, try_read(&self->queue));
}

TEST_F(hangup, end_comes_also_to_receivers_of_another_type)
{
	__u64 value;
	int writer;

	if (!variant->max_messages)
		SKIP(return, "a rendezvous keeps no messages");
	ASSERT_TRUE(begin_as_receiver(&self->queue, attr_of(variant)));
	writer = queue_open_again(&self->queue, IPCSHM_WRITE);
	EXPECT_EQ(0, ipcshm_send_typed(writer, &(__u64) { 5 }, 8, 2, 0, SOON));
	close(writer);
	EXPECT_EQ(-EPIPE, ipcshm_receive_typed(self->queue.fd, &value, 8, 1, IPCSHM_TYPE_EQUAL,
					       NULL, IPCSHM_FOREVER));
	EXPECT_EQ(5, receive_value(&self->queue));
}

TEST_F(hangup, blocked_receivers_get_the_end_when_the_last_sender_closes)
{
	struct peer *receiver, *reader;
	int writers[2];

	ASSERT_TRUE(begin_as_receiver(&self->queue, attr_of(variant)));
	receiver = block_receiver(&self->queue);
	reader = block_receiver_how(&self->queue, read_role, (struct peer) { 0 });
	ASSERT_TRUE(receiver && reader);
	writers[0] = queue_open_again(&self->queue, IPCSHM_WRITE);
	writers[1] = queue_open_again(&self->queue, IPCSHM_WRITE);
	close(writers[1]);
	EXPECT_EQ(2, queue_stat_now(&self->queue).receivers);
	close(writers[0]);
	EXPECT_EQ(-EPIPE, finish(receiver));
	EXPECT_EQ(0, finish(reader));
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
}

TEST_F(hangup, blocked_receivers_get_the_end_when_the_last_sender_is_killed)
{
	struct peer *receiver, *writer;

	ASSERT_TRUE(begin_as_receiver(&self->queue, attr_of(variant)));
	receiver = block_receiver(&self->queue);
	writer = start_opener(&self->queue, IPCSHM_WRITE);
	ASSERT_TRUE(receiver && writer);
	kill_peer(writer);
	EXPECT_EQ(-EPIPE, finish(receiver));
}

TEST_F(hangup, new_sender_ends_the_end)
{
	__u64 value;

	ASSERT_TRUE(begin_as_receiver(&self->queue, attr_of(variant)));
	ASSERT_TRUE(leave_as_sender(&self->queue));
	EXPECT_EQ(-EPIPE, try_receive(&self->queue, &value));
	ASSERT_LE(0, queue_open_again(&self->queue, IPCSHM_WRITE));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
}

/* Poll. */

TEST_F(hangup, poll_reports_the_end_to_a_sender)
{
	const short writable = variant->max_messages ? POLLOUT : 0;
	int reader;

	EXPECT_EQ(writable, poll_all(self->queue.fd));
	reader = queue_open_again(&self->queue, IPCSHM_READ);
	EXPECT_EQ(writable, poll_all(self->queue.fd));
	close(reader);
	EXPECT_EQ(POLLERR | POLLOUT, poll_all(self->queue.fd));
	reader = queue_open_again(&self->queue, IPCSHM_READ);
	EXPECT_EQ(writable, poll_all(self->queue.fd));
}

TEST_F(hangup, poll_reports_the_end_to_a_receiver)
{
	int writer;

	ASSERT_TRUE(begin_as_receiver(&self->queue, attr_of(variant)));
	EXPECT_EQ(0, poll_all(self->queue.fd));
	writer = queue_open_again(&self->queue, IPCSHM_WRITE);
	EXPECT_EQ(0, poll_all(self->queue.fd));
	if (variant->max_messages)
		EXPECT_EQ(0, ipcshm_send(writer, &(__u64) { 5 }, 8, 0, SOON));
	close(writer);
	EXPECT_EQ(POLLIN | POLLHUP | POLLRDHUP, poll_all(self->queue.fd));
	if (variant->max_messages)
		EXPECT_EQ(5, receive_value(&self->queue));
	/* A read wouldn't block. */
	EXPECT_EQ(POLLIN | POLLHUP | POLLRDHUP, poll_all(self->queue.fd));
	writer = queue_open_again(&self->queue, IPCSHM_WRITE);
	EXPECT_EQ(0, poll_all(self->queue.fd));
}

TEST_F(hangup, poll_ends_when_the_other_end_goes)
{
	struct peer *poller;
	__u64 i;
	int reader, writer;

	for (i = 0; i < variant->max_messages; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	poller = queue_start(&self->queue, poll_out_role, (struct peer) { 0 });
	reader = queue_open_again(&self->queue, IPCSHM_READ);
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	close(reader);
	EXPECT_EQ(POLLERR | POLLOUT, finish(poller));

	ASSERT_TRUE(begin_as_receiver(&self->queue, attr_of(variant)));
	poller = queue_start(&self->queue, poll_in_role, (struct peer) { 0 });
	writer = queue_open_again(&self->queue, IPCSHM_WRITE);
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	close(writer);
	EXPECT_EQ(POLLHUP | POLLIN, finish(poller));
}

/* Persistent. */

TEST_F(hangup, name_remembers_that_there_were_receivers)
{
	struct ipcshm_queue_attr attr = attr_of(variant);

	close(self->queue.fd);
	self->queue.fd = ipcshm_queue_open(
		self->queue.device, self->queue.name.text,
		READ_WRITE | CREATE_NEW | IPCSHM_HANGUP | IPCSHM_PERSISTENT, 0600, &attr);
	ASSERT_LE(0, self->queue.fd);
	close(self->queue.fd);
	self->queue.fd = queue_open_again(&self->queue, IPCSHM_WRITE);
	EXPECT_EQ(-EPIPE, try_send(&self->queue, 1, 0));
	EXPECT_EQ(0, ipcshm_unlink(self->queue.device, IPCSHM_QUEUE, self->queue.name.text));
}

/* Those without IPCSHM_HANGUP. */

FIXTURE(plain)
{
	struct test_queue queue;
};

FIXTURE_SETUP(plain)
{
	ASSERT_EQ(0, queue_set_up_attr(&self->queue, (struct ipcshm_queue_attr) {
		.max_messages = 1,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = SIZE,
	}, IPCSHM_WRITE));
}

FIXTURE_TEARDOWN(plain)
{
	queue_tear_down(&self->queue);
}

TEST_F(plain, queue_keeps_messages_for_later_receivers)
{
	struct peer *sender;

	EXPECT_EQ(0, queue_stat_now(&self->queue).stat.flags & IPCSHM_STAT_HANGUP);
	ASSERT_TRUE(leave_as_receiver(&self->queue));
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 2, 0));
	EXPECT_EQ(0, poll_all(self->queue.fd));
	sender = block_sender(&self->queue, 2, 0);
	ASSERT_TRUE(sender);
	ASSERT_TRUE(leave_as_receiver(&self->queue));
	EXPECT_EQ(1, queue_stat_now(&self->queue).senders);
	ASSERT_TRUE(become_receiver(&self->queue));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(2, receive_value(&self->queue));
	EXPECT_EQ(0, poll_all(self->queue.fd));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_receive(self->queue.fd, &(__u64) { 0 }, 8, NULL,
					     ipcshm_deadline(10 * MS)));
}

IPCSHM_TEST_MAIN
