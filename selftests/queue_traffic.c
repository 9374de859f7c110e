// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues at full speed, from one sender to one receiver: no message of a stream of numbered records
 * is lost, doubled, damaged or out of order.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "traffic_fixture.h"

#define POLLED		many(20000, 5000)
#define SPREAD		2000	/* how many of a rendezvous go from processor to processor */
#define EVER		(~0ULL)

struct record {
	__u64 sequence;
	__u64 words[6];
	__u64 sum;
};

_Static_assert(sizeof(struct record) == 64, "a million messages of 64 bytes");

static struct record make_record(__u64 sequence)
{
	struct record record = { .sequence = sequence, .sum = sequence };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(record.words); i++) {
		record.words[i] = mix_bits(sequence * 8 + i);
		record.sum += mix_bits(record.words[i]);
	}
	return record;
}

static bool is_record(const struct record *record, __u64 sequence)
{
	struct record expected = make_record(sequence);

	return !memcmp(record, &expected, sizeof(expected));
}

/* A million messages take an emulator minutes. */
static __u64 in_millions(void)
{
	return many(MILLION, 20000);
}

/*
 * Each message of a rendezvous wakes a task, and an emulator takes milliseconds to wake
 * an idle processor.  Both ends share a processor after some messages.
 */
static __u64 spread_of(const FIXTURE_VARIANT(traffic) *variant)
{
	return variant->max_messages ? EVER : SPREAD;
}

static void share_processor(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
}

/* The exit status of the peer. */
static int send_stream(int fd, __u64 count, __u64 spread)
{
	struct record record;
	__u64 i;

	for (i = 0; i < count; i++) {
		if (i == spread)
			share_processor();
		record = make_record(i);
		if (send_patiently(fd, &record, sizeof(record), 0))
			return 1;
	}
	return 0;
}

TEST_F_TIMEOUT(traffic, a_million_messages_arrive_once_and_in_order, 600)
{
	__u64 i, start = now_ns(CLOCK_MONOTONIC), printed = start;
	const __u64 count = in_millions(), spread = spread_of(variant);
	struct record record;
	pid_t sender;
	int fd;

	sender = fork_peer();
	ASSERT_LE(0, sender);
	if (!sender)
		_exit(send_stream(peer_open(self, IPCSHM_WRITE), count, spread));
	fd = peer_open(self, IPCSHM_READ);
	for (i = 0; i < count; i++) {
		if (i == spread)
			share_processor();
		ASSERT_EQ(64, ipcshm_receive(fd, &record, sizeof(record), NULL, IPCSHM_FOREVER));
		ASSERT_EQ(i, record.sequence);
		ASSERT_TRUE(is_record(&record, i));
		print_progress(&printed, i);
	}
	EXPECT_EQ(0, wait_child(sender));
	print_time(start, count);
	EXPECT_EQ(count, queue_stat(fd).sent);
	EXPECT_EQ(count, queue_stat(fd).received);
	EXPECT_EQ(0, queue_stat(fd).messages);
	close(fd);
}

/* Asks epoll only when there was nothing left, so that an edge missed is the end. */
TEST_F_TIMEOUT(traffic, edge_triggered_receiver_misses_nothing, 120)
{
	int fd = peer_open(self, IPCSHM_READ | IPCSHM_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int set = epoll_create1(EPOLL_CLOEXEC);
	__u64 i = 0, start = now_ns(CLOCK_MONOTONIC);
	struct record record;
	ssize_t result;
	pid_t sender;

	ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
	sender = fork_peer();
	ASSERT_LE(0, sender);
	if (!sender)
		_exit(send_stream(peer_open(self, IPCSHM_WRITE), POLLED, spread_of(variant)));
	while (i < POLLED) {
		if (i == spread_of(variant))
			share_processor();
		result = ipcshm_receive(fd, &record, sizeof(record), NULL, IPCSHM_FOREVER);
		if (result == -EAGAIN) {
			ASSERT_EQ(1, epoll_wait(set, &event, 1, WAIT_SECONDS * 1000));
			continue;
		}
		ASSERT_EQ(64, result);
		ASSERT_TRUE(is_record(&record, i));
		i++;
	}
	EXPECT_EQ(0, wait_child(sender));
	print_time(start, POLLED);
	close(set);
	close(fd);
}

/* The same for a sender; the exit status. */
static int send_polled(int fd, __u64 spread)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	int set = epoll_create1(EPOLL_CLOEXEC);
	struct record record;
	__u64 i = 0;
	int result;

	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event))
		return 1;
	while (i < POLLED) {
		if (i == spread)
			share_processor();
		record = make_record(i);
		result = send_patiently(fd, &record, sizeof(record), 0);
		if (!result)
			i++;
		else if (result != -EAGAIN)
			return 2;
		else if (epoll_wait(set, &event, 1, WAIT_SECONDS * 1000) != 1)
			return 3;
	}
	return 0;
}

TEST_F_TIMEOUT(traffic, edge_triggered_sender_misses_no_room, 120)
{
	int fd = peer_open(self, IPCSHM_READ);
	__u64 i, start = now_ns(CLOCK_MONOTONIC);
	struct record record;
	pid_t sender;

	sender = fork_peer();
	ASSERT_LE(0, sender);
	if (!sender)
		_exit(send_polled(peer_open(self, IPCSHM_WRITE | IPCSHM_NONBLOCK),
				  spread_of(variant)));
	for (i = 0; i < POLLED; i++) {
		if (i == spread_of(variant))
			share_processor();
		ASSERT_EQ(64, ipcshm_receive(fd, &record, sizeof(record), NULL,
					     ipcshm_deadline(60 * 1000000000ULL)));
		ASSERT_TRUE(is_record(&record, i));
	}
	EXPECT_EQ(0, wait_child(sender));
	print_time(start, POLLED);
	close(fd);
}

IPCSHM_TEST_MAIN
