// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: who waits, who is woken, and what ends the wait: a message, room, a
 * deadline, a signal, death.
 */
#include <ctype.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "common/harness.h"
#include "queue_kinds.h"

#define RACES	many(100, 10)	/* how often a race is run */
#define FULL	4	/* messages that a queue of FIXTURE(full) keeps */
#define FILLER	1000	/* the value of the first of them */

/* Blocked receivers. */

TEST_F(queue, receive_blocks_until_a_message_comes)
{
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	EXPECT_EQ(0, try_send(&self->queue, 5, 2));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
	EXPECT_EQ(2, receiver->message.priority);
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
}

TEST_F(queue, read_blocks_until_a_message_comes)
{
	struct peer *receiver = block_receiver_how(&self->queue, read_role, (struct peer) { 0 });

	ASSERT_TRUE(receiver);
	EXPECT_EQ(8, write(self->queue.fd, &(__u64) { 5 }, 8));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
}

TEST_F(queue, blocked_receivers_are_served_in_the_order_they_came)
{
	struct peer *receivers[5];
	__u64 i;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = block_receiver(&self->queue);
		ASSERT_TRUE(receivers[i]);
	}
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		ASSERT_EQ(0, try_send(&self->queue, i, i));
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		EXPECT_EQ(8, finish(receivers[i]));
		EXPECT_EQ(i, receivers[i]->value);
	}
}

/* How often a process has gone to sleep. */
static long sleeps(pid_t pid)
{
	char path[32], line[128];
	long count = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
			break;
	fclose(file);
	return count;
}

/*
 * Whether a process is off its CPU, and not only about to be: then its going to
 * sleep has been counted.  The kernel waits for that to tell where it is.
 */
static bool is_asleep(pid_t pid)
{
	char path[32];
	FILE *file;
	int first;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	first = fgetc(file);
	fclose(file);
	return isdigit(first) && process_state(pid) == 'S';
}

TEST_F(queue, one_message_wakes_one_receiver)
{
	struct peer *receivers[5];
	long slept[5];
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = block_receiver(&self->queue);
		ASSERT_TRUE(receivers[i]);
		ASSERT_TRUE(WAIT_UNTIL(is_asleep(receivers[i]->pid)));
		slept[i] = sleeps(receivers[i]->pid);
	}
	for (n = 0; n < 3; n++) {
		ASSERT_EQ(0, try_send(&self->queue, n, 0));
		EXPECT_EQ(8, finish(receivers[n]));
		EXPECT_EQ(ARRAY_SIZE(receivers) - n - 1, queue_stat_now(&self->queue).receivers);
	}
	for (i = n; i < ARRAY_SIZE(receivers); i++)
		EXPECT_EQ(slept[i], sleeps(receivers[i]->pid));
}

TEST_F(queue, blocked_receiver_with_too_little_room_makes_way_for_the_next)
{
	struct peer *small =
		block_receiver_how(&self->queue, receive_role, (struct peer) { .room = 7 });
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(small);
	ASSERT_TRUE(receiver);
	EXPECT_TRUE(offer_value(&self->queue, 5, 0));
	EXPECT_EQ(-EMSGSIZE, finish(small));
	EXPECT_EQ(8, small->message.size);
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
	EXPECT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 0));
}

TEST_F(queue, blocked_receiver_with_too_little_room_loses_nothing)
{
	struct peer *small =
		block_receiver_how(&self->queue, receive_role, (struct peer) { .room = 7 });

	ASSERT_TRUE(small);
	EXPECT_TRUE(offer_value(&self->queue, 5, 0));
	EXPECT_EQ(-EMSGSIZE, finish(small));
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(5, receive_value(&self->queue));
}

static void *receive_to_vanishing_room(void *room)
{
	this_peer->result = ipcshm_receive(this_peer->fd, room, SIZE, NULL, IPCSHM_FOREVER);
	return NULL;
}

/* Unmaps the room while another thread of it is blocked with it. */
static void vanishing_room_role(struct peer *peer)
{
	void *room = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;

	if (pthread_create(&thread, NULL, receive_to_vanishing_room, room) ||
	    !WAIT_UNTIL(queue_stat(peer->fd).receivers == 1))
		_exit(1);
	munmap(room, SIZE);
	be_ready(peer);
	pthread_join(thread, NULL);
}

TEST_F(queue, blocked_receiver_whose_room_vanished_loses_nothing)
{
	struct peer *receiver = queue_start(&self->queue, vanishing_room_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(is_ready(receiver)));
	ASSERT_TRUE(offer_value(&self->queue, 1, 3));
	EXPECT_EQ(-EFAULT, finish(receiver));
	ASSERT_TRUE(offer_value(&self->queue, 2, 3));
	EXPECT_EQ(0, queue_stat_now(&self->queue).received);
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_EQ(2, receive_value(&self->queue));
	EXPECT_EQ(2, queue_stat_now(&self->queue).received);
}

TEST_F(queue, blocked_receiver_whose_room_vanished_makes_way_for_the_next)
{
	struct peer *first = queue_start(&self->queue, vanishing_room_role, (struct peer) { 0 });
	struct peer *second;

	ASSERT_TRUE(WAIT_UNTIL(is_ready(first)));
	second = block_receiver(&self->queue);
	ASSERT_TRUE(second);
	ASSERT_TRUE(offer_value(&self->queue, 1, 3));
	EXPECT_EQ(-EFAULT, finish(first));
	EXPECT_EQ(8, finish(second));
	EXPECT_EQ(1, second->value);
}

TEST_F(queue, killed_receiver_leaves_nothing_behind)
{
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	kill_peer(receiver);
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	ASSERT_TRUE(offer_value(&self->queue, 5, 0));
	EXPECT_EQ(5, receive_value(&self->queue));
}

TEST_F(queue, stopped_receiver_goes_on)
{
	struct peer *receiver = block_receiver(&self->queue);
	int status;

	ASSERT_TRUE(receiver);
	kill(receiver->pid, SIGSTOP);
	ASSERT_EQ(receiver->pid, waitpid(receiver->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	kill(receiver->pid, SIGCONT);
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1));
	EXPECT_EQ(0, try_send(&self->queue, 5, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
}

/* Deadlines. */

static int receive_until(struct test_queue *queue, __u32 clock, __u64 deadline, __u64 *value)
{
	struct ipcshm_transfer_args transfer = transfer_of(value, sizeof(*value));

	transfer.clock = clock;
	transfer.deadline = deadline;
	return ipcshm_receive_transfer(queue->fd, &transfer, sizeof(transfer));
}

static int send_until(struct test_queue *queue, __u32 clock, __u64 deadline, __u64 value)
{
	struct ipcshm_transfer_args transfer = transfer_of(&value, sizeof(value));

	transfer.clock = clock;
	transfer.deadline = deadline;
	return ipcshm_send_transfer(queue->fd, &transfer, sizeof(transfer));
}

TEST_F(queue, receive_gives_up_at_its_deadline_and_not_before)
{
	const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	__u64 deadline, value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		deadline = now_ns(clocks[i]) + 50 * MS;
		EXPECT_EQ(-ETIMEDOUT, receive_until(&self->queue, clocks[i], deadline, &value));
		EXPECT_LE(deadline, now_ns(clocks[i]));
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
}

TEST_F(queue, receive_with_a_past_deadline_fails_only_if_it_would_block)
{
	const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	__u64 value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		EXPECT_EQ(-ETIMEDOUT, receive_until(&self->queue, clocks[i], 0, &value));
		EXPECT_EQ(-ETIMEDOUT,
			  receive_until(&self->queue, clocks[i], now_ns(clocks[i]) - 1, &value));
		ASSERT_TRUE(offer_value(&self->queue, i, 0));
		EXPECT_EQ(0, receive_until(&self->queue, clocks[i], 0, &value));
		EXPECT_EQ(i, value);
	}
}

TEST_F(queue, deadline_in_the_far_future_is_none)
{
	const __u64 deadlines[] = { IPCSHM_FOREVER - 1, 1ULL << 63, (1ULL << 63) - 1 };
	struct peer *receiver;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		receiver = block_receiver_how(&self->queue, receive_role,
					      (struct peer) { .deadline = deadlines[i] });
		ASSERT_TRUE(receiver);
		EXPECT_EQ(0, try_send(&self->queue, i, 0));
		EXPECT_EQ(8, finish(receiver));
		EXPECT_EQ(i, receiver->value);
	}
}

TEST_F(queue, dontwait_comes_before_the_deadline)
{
	__u64 value;
	struct ipcshm_transfer_args transfer = transfer_of(&value, sizeof(value));

	transfer.flags = IPCSHM_DONTWAIT;
	transfer.deadline = 0;
	EXPECT_EQ(-EAGAIN, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
}

/* Non-blocking. */

TEST_F(queue, nonblocking_receive_of_nothing_is_eagain)
{
	int fd = queue_open_again(&self->queue, READ_WRITE | IPCSHM_NONBLOCK);
	__u64 value;

	ASSERT_LE(0, fd);
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, ipcshm_receive(fd, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, read(fd, &value, 8));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(8, ipcshm_receive(fd, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(1, value);
	close(fd);
}

TEST_F(queue, fcntl_makes_it_nonblocking_and_back)
{
	struct peer *receiver;
	__u64 value;

	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, ipcshm_receive(self->queue.fd, &value, 8, NULL, IPCSHM_FOREVER));
	EXPECT_EQ(-1, read(self->queue.fd, &value, 8));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, 0));
	receiver = block_receiver(&self->queue);
	ASSERT_TRUE(receiver);
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
}

TEST_F(queue, nonblocking_send_to_a_blocked_receiver_succeeds)
{
	struct peer *receiver = block_receiver(&self->queue);

	ASSERT_TRUE(receiver);
	EXPECT_EQ(0, try_send(&self->queue, 5, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(5, receiver->value);
}

/* Signals. */

static struct peer *block_receiver_with_handler(struct test_queue *queue,
						void (*role)(struct peer *), int sa_flags,
						__u64 deadline)
{
	return block_receiver_how(queue, role, (struct peer) {
		.handles_signal = true,
		.sa_flags = sa_flags,
		.deadline = deadline,
	});
}

TEST_F(queue, signal_interrupts_receive)
{
	void (*const roles[])(struct peer *) = { receive_role, read_role };
	struct peer *receiver;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		receiver = block_receiver_with_handler(&self->queue, roles[i], 0, 0);
		ASSERT_TRUE(receiver);
		kill(receiver->pid, SIGUSR1);
		EXPECT_EQ(-EINTR, finish(receiver));
		EXPECT_EQ(1, receiver->signals);
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(1, receive_value(&self->queue));
}

TEST_F(queue, receive_goes_on_after_a_signal_with_sa_restart)
{
	void (*const roles[])(struct peer *) = { receive_role, read_role };
	struct peer *receiver;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		receiver = block_receiver_with_handler(&self->queue, roles[i], SA_RESTART, 0);
		ASSERT_TRUE(receiver);
		kill(receiver->pid, SIGUSR1);
		ASSERT_TRUE(WAIT_UNTIL(signals_of(receiver) == 1));
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers == 1));
		EXPECT_EQ(0, try_send(&self->queue, i, 0));
		EXPECT_EQ(8, finish(receiver));
		EXPECT_EQ(i, receiver->value);
	}
}

TEST_F(queue, restarted_receive_keeps_its_deadline)
{
	__u64 deadline = ipcshm_deadline(500 * MS * slowness());
	struct peer *receiver =
		block_receiver_with_handler(&self->queue, receive_role, SA_RESTART, deadline);

	ASSERT_TRUE(receiver);
	kill(receiver->pid, SIGUSR1);
	EXPECT_EQ(-ETIMEDOUT, finish(receiver));
	EXPECT_EQ(1, receiver->signals);
	EXPECT_LE(deadline, now_ns(CLOCK_MONOTONIC));
	EXPECT_GE(deadline + WAIT_SECONDS * 1000 * MS, now_ns(CLOCK_MONOTONIC));
}

/* Poll. */

TEST_F(queue, poll_tells_what_would_not_block)
{
	const short writable = variant->depth ? POLLOUT : 0;

	EXPECT_EQ(writable, poll_now(self->queue.fd));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(writable | POLLIN, poll_now(self->queue.fd));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_TRUE(WAIT_UNTIL(poll_now(self->queue.fd) == writable));
	ASSERT_TRUE(block_receiver(&self->queue));
	EXPECT_EQ(POLLOUT, poll_now(self->queue.fd));
}

TEST_F(queue, poll_tells_only_what_the_descriptor_may)
{
	int reader = queue_open_again(&self->queue, IPCSHM_READ),
	    writer = queue_open_again(&self->queue, IPCSHM_WRITE);

	ASSERT_LE(0, reader);
	ASSERT_LE(0, writer);
	EXPECT_EQ(0, poll_now(reader));
	EXPECT_EQ(variant->depth ? POLLOUT : 0, poll_now(writer));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(POLLIN, poll_now(reader));
	EXPECT_EQ(variant->depth ? POLLOUT : 0, poll_now(writer));
	close(reader);
	close(writer);
}

TEST_F(queue, message_ends_a_poll)
{
	struct peer *poller = queue_start(&self->queue, poll_in_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(POLLIN, finish(poller));
}

/* An epoll set with the queue in it. */
static int watch(struct test_queue *queue, __u32 events)
{
	struct epoll_event event = { .events = events };
	int set = epoll_create1(EPOLL_CLOEXEC);

	return epoll_ctl(set, EPOLL_CTL_ADD, queue->fd, &event) ? -errno : set;
}

/* The events that come within the time-out, in milliseconds. */
static __u32 events_of(int set, int timeout)
{
	struct epoll_event event;

	return epoll_wait(set, &event, 1, timeout) == 1 ? event.events : 0;
}

TEST_F(queue, level_triggered_epoll_tells_as_long_as_there_is_a_message)
{
	int set = watch(&self->queue, EPOLLIN);

	ASSERT_LE(0, set);
	EXPECT_EQ(0, events_of(set, 0));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(EPOLLIN, events_of(set, 1000));
	EXPECT_EQ(EPOLLIN, events_of(set, 0));
	EXPECT_EQ(1, receive_value(&self->queue));
	EXPECT_TRUE(WAIT_UNTIL(events_of(set, 0) == 0));
	close(set);
}

TEST_F(queue, edge_triggered_epoll_tells_each_message)
{
	int set = watch(&self->queue, EPOLLIN | EPOLLET);

	ASSERT_LE(0, set);
	EXPECT_EQ(0, events_of(set, 0));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(EPOLLIN, events_of(set, 1000));
	EXPECT_EQ(0, events_of(set, 0));
	ASSERT_TRUE(offer_value(&self->queue, 2, 0));
	EXPECT_EQ(EPOLLIN, events_of(set, 1000));
	EXPECT_EQ(0, events_of(set, 0));
	close(set);
}

/* More epoll sets than are called at a time. */
#define SETS 300

TEST_F(queue, message_reaches_each_of_many_epoll_sets)
{
	int sets[SETS], i, round, missed;

	for (i = 0; i < SETS; i++) {
		sets[i] = watch(&self->queue, i % 2 ? EPOLLIN | EPOLLET : EPOLLIN);
		ASSERT_LE(0, sets[i]);
	}
	for (round = 0; round < 3; round++) {
		ASSERT_TRUE(offer_value(&self->queue, round, 0));
		for (i = 0, missed = 0; i < SETS; i++)
			missed += events_of(sets[i], WAIT_SECONDS * 1000) != EPOLLIN;
		EXPECT_EQ(0, missed);
		EXPECT_EQ(round, receive_value(&self->queue));
		/* The sets are called by a work item, which may still be at it. */
		for (i = 0; i < SETS; i++)
			events_of(sets[i], 0);
	}
}

static void closing_role(struct peer *peer)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		close(watch(peer->queue, i % 2 ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN));
	be_ready(peer);
	for (;;)
		close(watch(peer->queue, EPOLLIN | (++i % 2 ? EPOLLEXCLUSIVE : 0)));
}

TEST_F(queue, epoll_sets_come_and_go_as_they_are_called)
{
	const unsigned int rounds = many(3000, 300);
	struct peer *closing[2];
	int sets[SETS];
	__u32 missed = 0;
	unsigned int i;

	if (!variant->depth)
		SKIP(return, "a rendezvous has no room");
	for (i = 0; i < SETS; i++)
		sets[i] = watch(&self->queue, EPOLLIN | EPOLLET);
	for (i = 0; i < ARRAY_SIZE(closing); i++) {
		closing[i] = queue_start(&self->queue, closing_role, (struct peer) { 0 });
		ASSERT_TRUE(WAIT_UNTIL(is_ready(closing[i])));
	}
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
		missed += !events_of(sets[i % SETS], WAIT_SECONDS * 1000);
		if (i == rounds / 2)
			kill_peer(closing[0]);
		ASSERT_EQ(i, receive_value(&self->queue));
	}
	EXPECT_EQ(0, missed);
}

/* Blocked senders. */

/* A queue with no room left; what fills it comes out first. */
FIXTURE(full)
{
	struct test_queue queue;
};

FIXTURE_VARIANT(full)
{
	__u64 max_messages;
	__u64 max_bytes;
	unsigned int depth;	/* messages in it */
};

FIXTURE_VARIANT_ADD(full, of_messages)
{
	.max_messages = FULL,
	.max_bytes = IPCSHM_UNBOUNDED,
	.depth = FULL,
};

FIXTURE_VARIANT_ADD(full, of_bytes)
{
	.max_messages = IPCSHM_UNBOUNDED,
	.max_bytes = FULL * sizeof(__u64),
	.depth = FULL,
};

FIXTURE_VARIANT_ADD(full, rendezvous)
{
	.max_messages = 0,
	.max_bytes = 0,
	.depth = 0,
};

static bool fill(struct test_queue *queue, unsigned int depth)
{
	unsigned int i;

	for (i = 0; i < depth; i++)
		if (try_send(queue, FILLER + i, IPCSHM_PRIORITY_MAX))
			return false;
	return try_send(queue, NOTHING, 0) == -EAGAIN;
}

/* Takes out what fill() put in. */
static bool drain(struct test_queue *queue, unsigned int depth)
{
	unsigned int i;

	for (i = 0; i < depth; i++)
		if (receive_value(queue) != FILLER + i)
			return false;
	return true;
}

/* Lets one message in: in a rendezvous, with a receiver that takes it or waits for it. */
static bool make_room(struct test_queue *queue, unsigned int depth)
{
	struct peer *receiver;

	if (depth)
		return receive_value(queue) != NOTHING;
	receiver = queue_start(queue, receive_role, (struct peer) { 0 });
	return WAIT_UNTIL(queue_stat_now(queue).receivers == 1 || is_done(receiver));
}

FIXTURE_SETUP(full)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, variant->max_messages, variant->max_bytes,
				  sizeof(__u64)));
	ASSERT_TRUE(fill(&self->queue, variant->depth));
}

FIXTURE_TEARDOWN(full)
{
	queue_tear_down(&self->queue);
}

TEST_F(full, send_blocks_until_there_is_room)
{
	struct peer *sender = block_sender(&self->queue, 5, 0);

	ASSERT_TRUE(sender);
	EXPECT_EQ(variant->depth, queue_stat_now(&self->queue).sent);
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(variant->depth + 1, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
}

TEST_F(full, write_blocks_until_there_is_room)
{
	struct peer *sender =
		block_sender_how(&self->queue, write_role, (struct peer) { .value = 5 });

	ASSERT_TRUE(sender);
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(8, finish(sender));
}

TEST_F(full, message_of_a_blocked_sender_arrives)
{
	struct peer *sender = block_sender(&self->queue, 5, 3);
	struct ipcshm_message message;
	pid_t pid = sender->pid;
	__u64 value;

	ASSERT_TRUE(sender);
	ASSERT_TRUE(drain(&self->queue, variant->depth));
	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(5, value);
	EXPECT_EQ(3, message.priority);
	EXPECT_EQ(pid, message.pid);
	EXPECT_EQ(getuid(), message.uid);
	EXPECT_EQ(0, finish(sender));
}

TEST_F(full, blocked_senders_are_served_by_priority_then_in_the_order_they_came)
{
	static const __u32 priorities[] = { 5, 1, 9, 5, 9 };
	static const unsigned int order[] = { 2, 4, 0, 3, 1 };
	struct peer *senders[ARRAY_SIZE(priorities)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(priorities); i++) {
		senders[i] = block_sender(&self->queue, i, priorities[i]);
		ASSERT_TRUE(senders[i]);
	}
	for (i = 0; i < ARRAY_SIZE(priorities); i++) {
		ASSERT_TRUE(make_room(&self->queue, variant->depth));
		ASSERT_TRUE(WAIT_UNTIL(is_done(senders[order[i]])));
		EXPECT_EQ(ARRAY_SIZE(priorities) - i - 1, queue_stat_now(&self->queue).senders);
	}
}

TEST_F(full, room_for_one_message_wakes_one_sender)
{
	struct peer *senders[4];
	long slept[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(senders); i++) {
		senders[i] = block_sender(&self->queue, i, 0);
		ASSERT_TRUE(senders[i]);
		ASSERT_TRUE(WAIT_UNTIL(is_asleep(senders[i]->pid)));
		slept[i] = sleeps(senders[i]->pid);
	}
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(0, finish(senders[0]));
	EXPECT_EQ(ARRAY_SIZE(senders) - 1, queue_stat_now(&self->queue).senders);
	for (i = 1; i < ARRAY_SIZE(senders); i++)
		EXPECT_EQ(slept[i], sleeps(senders[i]->pid));
}

TEST_F(full, nonblocking_send_is_eagain)
{
	int fd = queue_open_again(&self->queue, IPCSHM_WRITE | IPCSHM_NONBLOCK);
	__u64 value = 5;
	struct iovec part = { &value, sizeof(value) };

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EAGAIN, ipcshm_send(fd, &value, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(-1, write(fd, &value, 8));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, value, IPCSHM_PRIORITY_MAX));
	EXPECT_EQ(-1, pwritev2(self->queue.fd, &part, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, ipcshm_send(self->queue.fd, &value, 8, 0, IPCSHM_FOREVER));
	EXPECT_EQ(variant->depth, queue_stat_now(&self->queue).sent);
	EXPECT_EQ(variant->depth, queue_stat_now(&self->queue).messages);
	close(fd);
}

TEST_F(full, too_large_message_is_refused_at_once)
{
	EXPECT_EQ(-EMSGSIZE, ipcshm_send(self->queue.fd, "123456789", 9, 0, IPCSHM_FOREVER));
}

TEST_F(full, send_gives_up_at_its_deadline_and_not_before)
{
	const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	__u64 deadline, value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		deadline = now_ns(clocks[i]) + 50 * MS;
		EXPECT_EQ(-ETIMEDOUT, send_until(&self->queue, clocks[i], deadline, 5));
		EXPECT_LE(deadline, now_ns(clocks[i]));
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(variant->depth, queue_stat_now(&self->queue).sent);
	ASSERT_TRUE(drain(&self->queue, variant->depth));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
}

TEST_F(full, send_with_a_past_deadline_fails_only_if_it_would_block)
{
	const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		EXPECT_EQ(-ETIMEDOUT, send_until(&self->queue, clocks[i], 0, 5));
		EXPECT_EQ(-ETIMEDOUT,
			  send_until(&self->queue, clocks[i], now_ns(clocks[i]) - 1, 5));
		ASSERT_TRUE(make_room(&self->queue, variant->depth));
		EXPECT_EQ(0, send_until(&self->queue, clocks[i], 0, 5));
	}
}

TEST_F(full, signal_interrupts_send_and_nothing_is_sent)
{
	void (*const roles[])(struct peer *) = { send_role, write_role };
	struct peer *sender;
	__u64 value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		sender = block_sender_how(&self->queue, roles[i],
					  (struct peer) { .handles_signal = true });
		ASSERT_TRUE(sender);
		kill(sender->pid, SIGUSR1);
		EXPECT_EQ(-EINTR, finish(sender));
		EXPECT_EQ(1, sender->signals);
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	ASSERT_TRUE(drain(&self->queue, variant->depth));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
}

TEST_F(full, send_goes_on_after_a_signal_with_sa_restart)
{
	void (*const roles[])(struct peer *) = { send_role, write_role };
	struct peer *sender;
	size_t i;

	ASSERT_TRUE(drain(&self->queue, variant->depth));
	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		ASSERT_TRUE(fill(&self->queue, variant->depth));
		sender = block_sender_how(&self->queue, roles[i], (struct peer) {
			.handles_signal = true,
			.sa_flags = SA_RESTART,
			.value = i,
		});
		ASSERT_TRUE(sender);
		kill(sender->pid, SIGUSR1);
		ASSERT_TRUE(WAIT_UNTIL(signals_of(sender) == 1));
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 1));
		ASSERT_TRUE(drain(&self->queue, variant->depth));
		EXPECT_EQ(i, receive_value(&self->queue));
		EXPECT_EQ(i ? 8 : 0, finish(sender));
	}
}

TEST_F(full, killed_blocked_sender_sends_nothing)
{
	struct peer *sender = block_sender(&self->queue, 5, 0),
		    *next = block_sender(&self->queue, 6, 0);
	__u64 value;

	ASSERT_TRUE(sender);
	ASSERT_TRUE(next);
	kill_peer(sender);
	EXPECT_EQ(1, queue_stat_now(&self->queue).senders);
	ASSERT_TRUE(drain(&self->queue, variant->depth));
	EXPECT_EQ(6, receive_value(&self->queue));
	EXPECT_EQ(0, finish(next));
	EXPECT_EQ(-EAGAIN, try_receive(&self->queue, &value));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
}

TEST_F(full, stopped_sender_goes_on)
{
	struct peer *sender = block_sender(&self->queue, 5, 0);
	int status;

	ASSERT_TRUE(sender);
	kill(sender->pid, SIGSTOP);
	ASSERT_EQ(sender->pid, waitpid(sender->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	kill(sender->pid, SIGCONT);
	ASSERT_TRUE(drain(&self->queue, variant->depth));
	EXPECT_EQ(5, receive_value(&self->queue));
	EXPECT_EQ(0, finish(sender));
}

TEST_F(full, is_writable_once_there_is_room)
{
	EXPECT_EQ(0, poll_now(self->queue.fd) & POLLOUT);
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(POLLOUT, poll_now(self->queue.fd) & POLLOUT);
	ASSERT_EQ(0, try_send(&self->queue, 5, 0));
	EXPECT_EQ(0, poll_now(self->queue.fd) & POLLOUT);
}

TEST_F(full, room_ends_a_poll)
{
	struct peer *poller = queue_start(&self->queue, poll_out_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(process_state(poller->pid) == 'S'));
	ASSERT_TRUE(make_room(&self->queue, variant->depth));
	EXPECT_EQ(POLLOUT, finish(poller));
}

TEST_F(full, edge_triggered_epoll_tells_when_there_is_room)
{
	int set = watch(&self->queue, EPOLLOUT | EPOLLET);
	int i;

	ASSERT_LE(0, set);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, events_of(set, 0));
		ASSERT_TRUE(make_room(&self->queue, variant->depth));
		EXPECT_EQ(EPOLLOUT, events_of(set, 1000));
		ASSERT_EQ(0, try_send(&self->queue, 5, 0));
	}
	close(set);
}

/* In bytes, it is not enough that a small message would fit. */
FIXTURE(bytes)
{
	struct test_queue queue;
};

FIXTURE_SETUP(bytes)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, IPCSHM_UNBOUNDED, 2 * SIZE, SIZE));
}

FIXTURE_TEARDOWN(bytes)
{
	queue_tear_down(&self->queue);
}

static int send_bytes(struct test_queue *queue, size_t size, __u32 priority)
{
	static char data[SIZE];
	struct ipcshm_transfer_args transfer = transfer_of(data, size);

	transfer.message.priority = priority;
	transfer.flags = IPCSHM_DONTWAIT;
	return ipcshm_send_transfer(queue->fd, &transfer, sizeof(transfer));
}

TEST_F(bytes, writable_only_while_the_largest_message_fits)
{
	char byte;

	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->queue.fd));
	ASSERT_EQ(0, send_bytes(&self->queue, 1, 1));
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
	EXPECT_EQ(-EAGAIN, send_bytes(&self->queue, SIZE, 0));
	EXPECT_EQ(1, read(self->queue.fd, &byte, 1));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->queue.fd));
}

TEST_F(bytes, message_that_just_fits_is_accepted)
{
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	ASSERT_EQ(0, send_bytes(&self->queue, 1, 0));
	EXPECT_EQ(-EAGAIN, send_bytes(&self->queue, SIZE, 0));
	EXPECT_EQ(0, send_bytes(&self->queue, SIZE - 1, 0));
	EXPECT_EQ(-EAGAIN, send_bytes(&self->queue, 1, 0));
	EXPECT_EQ(2 * SIZE, queue_stat_now(&self->queue).bytes);
}

TEST_F(bytes, message_of_no_bytes_always_fits)
{
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	EXPECT_EQ(0, send_bytes(&self->queue, 0, 0));
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
}

/* One receive can make room for many. */
TEST_F(bytes, room_for_many_messages_lets_many_senders_in)
{
	struct peer *senders[3];
	char data[SIZE];
	unsigned int i;

	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 2));
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 1));
	for (i = 0; i < ARRAY_SIZE(senders); i++) {
		senders[i] = block_sender(&self->queue, i, 0);
		ASSERT_TRUE(senders[i]);
	}
	ASSERT_EQ(SIZE, read(self->queue.fd, data, SIZE));
	for (i = 0; i < ARRAY_SIZE(senders); i++)
		EXPECT_EQ(0, finish(senders[i]));
	EXPECT_EQ(SIZE + 24, queue_stat_now(&self->queue).bytes);
}

/* The largest message, of type 1. */
static void typed_role(struct peer *peer)
{
	static char data[SIZE];
	struct ipcshm_transfer_args transfer = transfer_of(data, SIZE);

	transfer.message.type = 1;
	peer->result = ipcshm_send_transfer(peer->fd, &transfer, sizeof(transfer));
}

TEST_F(bytes, sender_gets_in_when_the_one_before_it_is_received)
{
	static char data[SIZE];
	struct ipcshm_transfer_args transfer = transfer_of(data, SIZE);
	struct peer *large, *small;

	ASSERT_EQ(0, send_bytes(&self->queue, SIZE, 0));
	ASSERT_EQ(0, send_bytes(&self->queue, SIZE / 2, 0));
	large = block_sender_how(&self->queue, typed_role, (struct peer) { 0 });
	ASSERT_TRUE(large);
	small = block_sender(&self->queue, 1, 0);
	ASSERT_TRUE(small);
	transfer.message.type = 1;
	transfer.message.flags = IPCSHM_TYPE_EQUAL;
	ASSERT_EQ(0, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(0, finish(large));
	EXPECT_EQ(0, finish(small));
	EXPECT_EQ(3, queue_stat_now(&self->queue).messages);
}

/*
 * Races: a message comes at the moment at which the blocked receiver is killed,
 * is interrupted or gives up.  It has the message, or that is there for the next.
 */

TEST_F_TIMEOUT(queue, killed_receiver_loses_no_message, 150)
{
	struct peer *first, *second;
	__u64 i;

	for (i = 0; i < RACES; i++) {
		first = block_receiver(&self->queue);
		second = block_receiver(&self->queue);
		ASSERT_TRUE(first);
		ASSERT_TRUE(second);
		kill(first->pid, SIGKILL);
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
		kill_peer(first);
		ASSERT_TRUE(WAIT_UNTIL(is_done(second)));
		ASSERT_EQ(8, finish(second));
		ASSERT_EQ(i, second->value);
		ASSERT_EQ(i + 1, queue_stat_now(&self->queue).sent);
		ASSERT_EQ(i + 1, queue_stat_now(&self->queue).received);
		ASSERT_EQ(0, queue_stat_now(&self->queue).messages);
		ASSERT_EQ(0, queue_stat_now(&self->queue).receivers);
		forget_peers(&self->queue.peers);
	}
}

TEST_F_TIMEOUT(queue, interrupted_receiver_has_the_message_or_leaves_it, 150)
{
	struct peer *receiver;
	unsigned int got = 0;
	long result;
	__u64 i;

	for (i = 0; i < RACES; i++) {
		receiver = block_receiver_with_handler(&self->queue, receive_role, 0, 0);
		ASSERT_TRUE(receiver);
		kill(receiver->pid, SIGUSR1);
		ASSERT_TRUE(offer_value(&self->queue, i, 0));
		result = finish(receiver);
		if (result == 8) {
			got++;
			ASSERT_EQ(i, receiver->value);
		} else {
			ASSERT_EQ(-EINTR, result);
			ASSERT_EQ(i, receive_value(&self->queue));
		}
		ASSERT_EQ(0, queue_stat_now(&self->queue).messages);
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 0));
		ASSERT_EQ(i + 1, queue_stat_now(&self->queue).received);
		forget_peers(&self->queue.peers);
	}
	TH_LOG("%u of %u had it", got, RACES);
}

TEST_F_TIMEOUT(queue, receiver_that_gives_up_has_the_message_or_leaves_it, 150)
{
	struct peer *receiver;
	unsigned int got = 0;
	long result;
	__u64 i;

	for (i = 0; i < RACES; i++) {
		__u64 deadline = ipcshm_deadline(2 * MS + i * MS / 20);

		receiver = queue_start(&self->queue, receive_role,
				       (struct peer) { .deadline = deadline });
		while (now_ns(CLOCK_MONOTONIC) < deadline)
			;
		ASSERT_TRUE(offer_value(&self->queue, i, 0));
		result = finish(receiver);
		if (result == 8) {
			got++;
			ASSERT_EQ(i, receiver->value);
		} else {
			ASSERT_EQ(-ETIMEDOUT, result);
			ASSERT_EQ(i, receive_value(&self->queue));
		}
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).senders == 0));
		ASSERT_EQ(i + 1, queue_stat_now(&self->queue).received);
		forget_peers(&self->queue.peers);
	}
	TH_LOG("%u of %u had it", got, RACES);
}

TEST_F_TIMEOUT(full, killed_sender_passes_its_turn_on, 150)
{
	struct peer *first, *second;
	unsigned int i;
	__u64 value;

	for (i = 0; i < RACES; i++) {
		first = block_sender(&self->queue, 1, 0);
		second = block_sender(&self->queue, 2, 0);
		ASSERT_TRUE(first);
		ASSERT_TRUE(second);
		kill(first->pid, SIGKILL);
		ASSERT_TRUE(drain(&self->queue, variant->depth));
		value = receive_value(&self->queue);
		if (value == 1)
			value = receive_value(&self->queue);
		ASSERT_EQ(2, value);
		kill_peer(first);
		ASSERT_EQ(0, finish(second));
		ASSERT_EQ(-EAGAIN, try_receive(&self->queue, &value));
		ASSERT_EQ(0, queue_stat_now(&self->queue).senders);
		ASSERT_TRUE(fill(&self->queue, variant->depth));
		forget_peers(&self->queue.peers);
	}
}

/* Makes room; whether the sender had sent by then: all of it, or none. */
static bool sent_or_not(struct test_queue *queue, struct __test_metadata *_metadata,
			struct peer *sender, unsigned int depth, int error)
{
	__u64 value = NOTHING;
	long result;

	ASSERT_TRUE(drain(queue, depth));
	if (!depth)
		try_receive(queue, &value);
	result = finish(sender);
	if (result) {
		ASSERT_EQ(error, result);
		ASSERT_EQ(NOTHING, value);
	} else {
		ASSERT_EQ(5, depth ? receive_value(queue) : value);
	}
	ASSERT_EQ(-EAGAIN, try_receive(queue, &value));
	ASSERT_EQ(0, queue_stat_now(queue).senders);
	ASSERT_EQ(queue_stat_now(queue).sent, queue_stat_now(queue).received);
	return !result;
}

TEST_F_TIMEOUT(full, interrupted_sender_has_sent_or_not, 150)
{
	struct peer *sender;
	unsigned int i, sent = 0;

	ASSERT_TRUE(drain(&self->queue, variant->depth));
	for (i = 0; i < RACES; i++) {
		ASSERT_TRUE(fill(&self->queue, variant->depth));
		sender = block_sender_how(&self->queue, send_role, (struct peer) {
			.handles_signal = true,
			.value = 5,
		});
		ASSERT_TRUE(sender);
		kill(sender->pid, SIGUSR1);
		sent += sent_or_not(&self->queue, _metadata, sender, variant->depth, -EINTR);
		forget_peers(&self->queue.peers);
	}
	TH_LOG("%u of %u were sent", sent, RACES);
}

TEST_F_TIMEOUT(full, sender_that_gives_up_has_sent_or_not, 150)
{
	struct peer *sender;
	unsigned int i, sent = 0;
	__u64 deadline;

	ASSERT_TRUE(drain(&self->queue, variant->depth));
	for (i = 0; i < RACES; i++) {
		ASSERT_TRUE(fill(&self->queue, variant->depth));
		deadline = ipcshm_deadline(2 * MS + i * MS / 20);
		sender = queue_start(&self->queue, send_role,
				     (struct peer) { .value = 5, .deadline = deadline });
		while (now_ns(CLOCK_MONOTONIC) < deadline)
			;
		sent += sent_or_not(&self->queue, _metadata, sender, variant->depth, -ETIMEDOUT);
		forget_peers(&self->queue.peers);
	}
	TH_LOG("%u of %u were sent", sent, RACES);
}

IPCSHM_TEST_MAIN
