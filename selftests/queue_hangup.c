// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues with IPCSHM_HANGUP: what is told to those at one end when nobody is left
 * at the other, and that nothing is told before.
 *
 * The test's own descriptor can only send.  Peers inherit it; who is to be at the
 * other end opens another, after the peers are there.
 */
#include "common/harness.h"
#include "queue_test.h"

#define KEPT	4	/* messages that the queue keeps */

FIXTURE(hangup)
{
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
	ASSERT_EQ(0, set_up_attr(attr_of(variant), IPCSHM_WRITE | IPCSHM_HANGUP));
}

FIXTURE_TEARDOWN(hangup)
{
	tear_down();
}

/* The structure can be read, and not written. */
static int open_unwritable(void)
{
	struct ipcshm_queue_open_args *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	if (args == MAP_FAILED)
		return -errno;
	args->how.name = (uintptr_t)name.text;
	args->how.name_len = strlen(name.text);
	args->how.flags = IPCSHM_READ;
	if (mprotect(args, 4096, PROT_READ))
		return -errno;
	fd = ioctl(device, IPCSHM_IOC_QUEUE_OPEN, args);
	return fd < 0 ? -errno : fd;
}

/* There was a receiver, and there is none any more. */
static bool leave_as_receiver(void)
{
	int reader = open_again(IPCSHM_READ);

	return reader >= 0 && !close(reader);
}

/* A receiver, and no sender any more: the test's only descriptor is that. */
static bool become_receiver(void)
{
	int reader = open_again(IPCSHM_READ);

	return reader >= 0 && dup3(reader, queue, O_CLOEXEC) == queue && !close(reader);
}

static int try_write(void)
{
	return write(queue, &(__u64) { 1 }, 8) == 8 ? 0 : -errno;
}

static long try_read(void)
{
	__u64 value;
	long result = read(queue, &value, 8);

	return result < 0 ? -errno : result;
}

static short poll_all(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

TEST_F(hangup, open_that_fails_is_no_receiver_that_has_gone)
{
	EXPECT_EQ(-EFAULT, open_unwritable());
	EXPECT_EQ(variant->max_messages ? 0 : -EAGAIN, try_send(1, 0));
	EXPECT_EQ(0, stat_now().readers);
}

TEST_F(hangup, stat_tells_who_is_there)
{
	int reader;

	EXPECT_EQ(IPCSHM_STAT_HANGUP | IPCSHM_STAT_NAMED, stat_now().stat.flags);
	EXPECT_EQ(0, stat_now().readers);
	EXPECT_EQ(1, stat_now().writers);
	reader = open_again(READ_WRITE);
	EXPECT_EQ(1, stat_now().readers);
	EXPECT_EQ(2, stat_now().writers);
	dup(reader);
	EXPECT_EQ(1, stat_now().readers);
	close(open_again(IPCSHM_READ));
	EXPECT_EQ(1, stat_now().readers);
}

/* Senders. */

TEST_F(hangup, sender_waits_for_the_first_receiver)
{
	struct peer *sender;
	__u64 i;

	for (i = 0; i < variant->max_messages; i++)
		EXPECT_EQ(0, try_send(i, 0));
	EXPECT_EQ(-EAGAIN, try_send(i, 0));
	EXPECT_EQ(0, poll_all(queue));
	sender = block_sender(i, 0);
	ASSERT_TRUE(sender);
	ASSERT_TRUE(become_receiver());
	for (i = 0; i <= variant->max_messages; i++)
		EXPECT_EQ(i, receive_value());
	EXPECT_EQ(0, finish(sender));
}

TEST_F(hangup, sending_to_nobody_is_epipe_without_a_signal)
{
	struct ipcshm_message message = { 0 };

	ASSERT_TRUE(leave_as_receiver());
	EXPECT_EQ(-EPIPE, try_send(1, 0));
	EXPECT_EQ(-EPIPE, ipcshm_send(queue, "x", 1, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-EPIPE, ipcshm_send_batch(queue, &message, 1, 0, IPCSHM_FOREVER));
	/* SIGPIPE would be the end of this process. */
	EXPECT_EQ(-EPIPE, try_write());
	EXPECT_EQ(0, stat_now().sent);
	EXPECT_EQ(0, get_info(device).queue_bytes.used);
}

TEST_F(hangup, blocked_senders_get_epipe_when_the_last_receiver_closes)
{
	struct peer *senders[3];
	int readers[2];
	__u64 i;

	for (i = 0; i < variant->max_messages; i++)
		ASSERT_EQ(0, try_send(i, 0));
	senders[0] = block_sender(1, 0);
	senders[1] = block_sender_how(write_role, (struct peer) { .value = 2 });
	senders[2] = block_sender(3, 7);
	ASSERT_TRUE(senders[0] && senders[1] && senders[2]);
	for (i = 0; i < 2; i++)
		readers[i] = open_again(IPCSHM_READ);
	close(readers[0]);
	EXPECT_EQ(3, stat_now().senders);
	close(readers[1]);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EPIPE, finish(senders[i]));
	EXPECT_EQ(0, stat_now().senders);
	EXPECT_EQ(variant->max_messages, stat_now().messages);
}

static void open_and_wait_role(struct peer *peer)
{
	peer->fd = open_again(peer->value);
	be_ready(peer);
	pause();
}

/* Whoever opens a descriptor of its own with these rights, and doesn't end. */
static struct peer *start_opener(__u32 flags)
{
	struct peer *peer = start(open_and_wait_role, (struct peer) { .value = flags });

	return WAIT_UNTIL(is_ready(peer)) ? peer : NULL;
}

TEST_F(hangup, blocked_senders_get_epipe_when_the_last_receiver_is_killed)
{
	struct peer *reader, *sender;
	__u64 i;

	for (i = 0; i < variant->max_messages; i++)
		ASSERT_EQ(0, try_send(i, 0));
	sender = block_sender(1, 0);
	reader = start_opener(IPCSHM_READ);
	ASSERT_TRUE(sender && reader);
	kill_peer(reader);
	EXPECT_EQ(-EPIPE, finish(sender));
}

TEST_F(hangup, inherited_receiver_is_one_until_its_last_copy_goes)
{
	int reader = open_again(IPCSHM_READ), copy = dup(reader);
	struct peer *heir = start(poll_in_role, (struct peer) { .fd = reader });

	close(reader);
	close(copy);
	EXPECT_EQ(1, stat_now().readers);
	EXPECT_EQ(variant->max_messages ? 0 : -EAGAIN, try_send(1, 0));
	kill_peer(heir);
	EXPECT_EQ(-EPIPE, try_send(1, 0));
}

TEST_F(hangup, new_receiver_ends_it)
{
	ASSERT_TRUE(leave_as_receiver());
	EXPECT_EQ(-EPIPE, try_send(1, 0));
	ASSERT_LE(0, open_again(IPCSHM_READ));
	EXPECT_EQ(variant->max_messages ? 0 : -EAGAIN, try_send(1, 0));
}

TEST_F(hangup, descriptor_with_both_rights_counts_as_both)
{
	int both = open_again(READ_WRITE);

	EXPECT_EQ(variant->max_messages ? 0 : -EAGAIN, try_send(1, 0));
	close(both);
	EXPECT_EQ(-EPIPE, try_send(1, 0));
	ASSERT_TRUE(become_receiver());
	EXPECT_EQ(variant->max_messages ? 8 : 0, try_read());
	EXPECT_EQ(0, try_read());
	both = open_again(READ_WRITE);
	ASSERT_EQ(0, fcntl(queue, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, try_read());
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

TEST_F(hangup, batch_returns_what_was_sent_before)
{
	struct peer *sender = block_sender_how(send_three_role, (struct peer) { 0 });

	ASSERT_TRUE(sender);
	ASSERT_TRUE(leave_as_receiver());
	EXPECT_EQ(variant->max_messages ? KEPT : -EPIPE, finish(sender));
}

/* Receivers. */

/* A queue that was opened to receive, with no sender yet. */
static bool begin_as_receiver(struct ipcshm_queue_attr attr)
{
	close(queue);
	queue = ipcshm_queue_open(device, name.text, IPCSHM_READ | CREATE_NEW | IPCSHM_HANGUP,
				  0600, &attr);
	return queue >= 0;
}

static bool leave_as_sender(void)
{
	int writer = open_again(IPCSHM_WRITE);

	return writer >= 0 && !close(writer);
}

TEST_F(hangup, receiver_waits_for_the_first_sender)
{
	struct peer *receiver;
	int writer;
	__u64 value;

	ASSERT_TRUE(begin_as_receiver(attr_of(variant)));
	EXPECT_EQ(-EAGAIN, try_receive(&value));
	EXPECT_EQ(0, poll_all(queue));
	receiver = block_receiver();
	ASSERT_TRUE(receiver);
	writer = open_again(IPCSHM_WRITE);
	EXPECT_EQ(0, ipcshm_send(writer, &(__u64) { 5 }, 8, 0, SOON));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
}

TEST_F(hangup, receiver_gets_what_is_left_and_then_the_end)
{
	__u64 value = 0;
	struct ipcshm_message message = { .data = (uintptr_t)&value, .size = 8 };

	ASSERT_TRUE(begin_as_receiver(attr_of(variant)));
	if (variant->max_messages) {
		int writer = open_again(IPCSHM_WRITE);

		EXPECT_EQ(0, ipcshm_send(writer, &(__u64) { 5 }, 8, 0, SOON));
		EXPECT_EQ(0, ipcshm_send(writer, &(__u64) { 6 }, 8, 0, SOON));
		close(writer);
		EXPECT_EQ(8, try_read());
		EXPECT_EQ(6, receive_value());
	} else {
		ASSERT_TRUE(leave_as_sender());
	}
	EXPECT_EQ(-EPIPE, ipcshm_receive(queue, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-EPIPE, try_receive(&value));
	EXPECT_EQ(-EPIPE, ipcshm_receive_batch(queue, &message, 1, 0, IPCSHM_FOREVER));
	EXPECT_EQ(0, try_read());
	EXPECT_EQ(0, try_read());
}

TEST_F(hangup, end_comes_also_to_who_wishes_for_another_type)
{
	__u64 value;
	int writer;

	if (!variant->max_messages)
		SKIP(return, "a rendezvous keeps no messages");
	ASSERT_TRUE(begin_as_receiver(attr_of(variant)));
	writer = open_again(IPCSHM_WRITE);
	EXPECT_EQ(0, ipcshm_send_typed(writer, &(__u64) { 5 }, 8, 2, 0, SOON));
	close(writer);
	EXPECT_EQ(-EPIPE, ipcshm_receive_typed(queue, &value, 8, 1, IPCSHM_TYPE_EQUAL, NULL,
					       IPCSHM_FOREVER));
	EXPECT_EQ(5, receive_value());
}

TEST_F(hangup, blocked_receivers_get_the_end_when_the_last_sender_closes)
{
	struct peer *receiver, *reader;
	int writers[2];

	ASSERT_TRUE(begin_as_receiver(attr_of(variant)));
	receiver = block_receiver();
	reader = block_receiver_how(read_role, (struct peer) { 0 });
	ASSERT_TRUE(receiver && reader);
	writers[0] = open_again(IPCSHM_WRITE);
	writers[1] = open_again(IPCSHM_WRITE);
	close(writers[1]);
	EXPECT_EQ(2, stat_now().receivers);
	close(writers[0]);
	EXPECT_EQ(-EPIPE, finish(receiver));
	EXPECT_EQ(0, finish(reader));
	EXPECT_EQ(0, stat_now().receivers);
}

TEST_F(hangup, blocked_receivers_get_the_end_when_the_last_sender_is_killed)
{
	struct peer *receiver, *writer;

	ASSERT_TRUE(begin_as_receiver(attr_of(variant)));
	receiver = block_receiver();
	writer = start_opener(IPCSHM_WRITE);
	ASSERT_TRUE(receiver && writer);
	kill_peer(writer);
	EXPECT_EQ(-EPIPE, finish(receiver));
}

TEST_F(hangup, new_sender_ends_the_end)
{
	__u64 value;

	ASSERT_TRUE(begin_as_receiver(attr_of(variant)));
	ASSERT_TRUE(leave_as_sender());
	EXPECT_EQ(-EPIPE, try_receive(&value));
	ASSERT_LE(0, open_again(IPCSHM_WRITE));
	EXPECT_EQ(-EAGAIN, try_receive(&value));
}

/* Poll. */

TEST_F(hangup, poll_tells_a_sender)
{
	const short writable = variant->max_messages ? POLLOUT : 0;
	int reader;

	EXPECT_EQ(writable, poll_all(queue));
	reader = open_again(IPCSHM_READ);
	EXPECT_EQ(writable, poll_all(queue));
	close(reader);
	EXPECT_EQ(POLLERR | POLLOUT, poll_all(queue));
	reader = open_again(IPCSHM_READ);
	EXPECT_EQ(writable, poll_all(queue));
}

TEST_F(hangup, poll_tells_a_receiver)
{
	int writer;

	ASSERT_TRUE(begin_as_receiver(attr_of(variant)));
	EXPECT_EQ(0, poll_all(queue));
	writer = open_again(IPCSHM_WRITE);
	EXPECT_EQ(0, poll_all(queue));
	if (variant->max_messages)
		EXPECT_EQ(0, ipcshm_send(writer, &(__u64) { 5 }, 8, 0, SOON));
	close(writer);
	EXPECT_EQ(POLLIN | POLLHUP | POLLRDHUP, poll_all(queue));
	if (variant->max_messages)
		EXPECT_EQ(5, receive_value());
	/* A read wouldn't block. */
	EXPECT_EQ(POLLIN | POLLHUP | POLLRDHUP, poll_all(queue));
	writer = open_again(IPCSHM_WRITE);
	EXPECT_EQ(0, poll_all(queue));
}

TEST_F(hangup, poll_ends_when_the_other_end_goes)
{
	struct peer *poller;
	__u64 i;
	int reader, writer;

	for (i = 0; i < variant->max_messages; i++)
		ASSERT_EQ(0, try_send(i, 0));
	poller = start(poll_out_role, (struct peer) { 0 });
	reader = open_again(IPCSHM_READ);
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	close(reader);
	EXPECT_EQ(POLLERR | POLLOUT, finish(poller));

	ASSERT_TRUE(begin_as_receiver(attr_of(variant)));
	poller = start(poll_in_role, (struct peer) { 0 });
	writer = open_again(IPCSHM_WRITE);
	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	close(writer);
	EXPECT_EQ(POLLHUP | POLLIN, finish(poller));
}

/* Persistent. */

TEST_F(hangup, name_remembers_that_there_were_receivers)
{
	struct ipcshm_queue_attr attr = attr_of(variant);

	close(queue);
	queue = ipcshm_queue_open(device, name.text, READ_WRITE | CREATE_NEW | IPCSHM_HANGUP |
				  IPCSHM_PERSISTENT, 0600, &attr);
	ASSERT_LE(0, queue);
	close(queue);
	queue = open_again(IPCSHM_WRITE);
	EXPECT_EQ(-EPIPE, try_send(1, 0));
	EXPECT_EQ(0, ipcshm_unlink(device, IPCSHM_QUEUE, name.text));
}

/* Those without IPCSHM_HANGUP. */

FIXTURE(plain)
{
};

FIXTURE_SETUP(plain)
{
	ASSERT_EQ(0, set_up_attr((struct ipcshm_queue_attr) {
		.max_messages = 1,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = SIZE,
	}, IPCSHM_WRITE));
}

FIXTURE_TEARDOWN(plain)
{
	tear_down();
}

TEST_F(plain, queue_keeps_messages_for_whoever_comes)
{
	struct peer *sender;

	EXPECT_EQ(0, stat_now().stat.flags & IPCSHM_STAT_HANGUP);
	ASSERT_TRUE(leave_as_receiver());
	EXPECT_EQ(0, try_send(1, 0));
	EXPECT_EQ(-EAGAIN, try_send(2, 0));
	EXPECT_EQ(0, poll_all(queue));
	sender = block_sender(2, 0);
	ASSERT_TRUE(sender);
	ASSERT_TRUE(leave_as_receiver());
	EXPECT_EQ(1, stat_now().senders);
	ASSERT_TRUE(become_receiver());
	EXPECT_EQ(1, receive_value());
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(2, receive_value());
	EXPECT_EQ(0, poll_all(queue));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_receive(queue, &(__u64) { 0 }, 8, NULL,
					     ipcshm_deadline(10 * MS)));
}

IPCSHM_TEST_MAIN
