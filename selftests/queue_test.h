/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of queues have in common: a queue, and peers that send to it,
 * receive from it and are blocked at it.
 */
#ifndef QUEUE_TEST_H
#define QUEUE_TEST_H

#include <poll.h>

#include "peer_test.h"

#define SENDERS		16	/* as many are blocked at a rendezvous instead */
#define DEPTH		64	/* messages that a queue of FIXTURE(queue) keeps */
#define SIZE		4096	/* of its largest message */
#define NOTHING		(~0ULL)	/* no value is */
#define MS		1000000ULL
#define SOON		ipcshm_deadline(WAIT_SECONDS * 1000 * MS)

/* Each test is a process of its own, so that what it works on can be static. */
static int device, queue;
static struct test_name name;

/* The queue, with these rights and flags for the test. Zero, or -errno. */
static inline int set_up_attr(struct ipcshm_queue_attr attr, __u32 flags)
{
	share_peers();
	name = make_name("queue");
	device = ipcshm_open();
	if (device < 0)
		return device;
	queue = ipcshm_queue_open(device, name.text, flags | CREATE_NEW, 0600, &attr);
	return queue < 0 ? queue : 0;
}

static inline int set_up(__u64 max_messages, __u64 max_bytes, __u64 max_message_size)
{
	return set_up_attr((struct ipcshm_queue_attr) {
		.max_messages = max_messages,
		.max_bytes = max_bytes,
		.max_message_size = max_message_size,
	}, READ_WRITE);
}

static inline void tear_down(void)
{
	kill_peers();
	close(queue);
	close(device);
}

/* Another descriptor of the queue. */
static inline int open_again(__u32 flags)
{
	return ipcshm_queue_open(device, name.text, flags, 0, NULL);
}

static inline struct ipcshm_queue_stat stat_now(void)
{
	return queue_stat(queue);
}

/* Calls of the test itself. */

static inline struct ipcshm_transfer_args transfer_of(const void *data, size_t size)
{
	return (struct ipcshm_transfer_args) {
		.message = { .data = (uintptr_t)data, .size = size },
		.deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
	};
}

static inline int try_send(__u64 value, __u32 priority)
{
	struct ipcshm_transfer_args transfer = transfer_of(&value, sizeof(value));

	transfer.message.priority = priority;
	transfer.flags = IPCSHM_DONTWAIT;
	return ipcshm_send_transfer(queue, &transfer, sizeof(transfer));
}

/* A size, or -errno. */
static inline long try_receive(__u64 *value)
{
	struct ipcshm_transfer_args transfer = transfer_of(value, sizeof(*value));
	int result;

	transfer.flags = IPCSHM_DONTWAIT;
	result = ipcshm_receive_transfer(queue, &transfer, sizeof(transfer));
	return result ? result : (long)transfer.message.size;
}

/* The value received, or NOTHING. */
static inline __u64 receive_value(void)
{
	__u64 value;

	if (ipcshm_receive(queue, &value, sizeof(value), NULL, SOON) != sizeof(value))
		return NOTHING;
	return value;
}

static inline short poll_now(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

/* Peers. */

static inline struct peer *start(void (*role)(struct peer *), struct peer how)
{
	if (!how.fd)
		how.fd = queue;
	if (!how.room)
		how.room = sizeof(how.value);
	return start_peer(role, how);
}

static inline void send_role(struct peer *peer)
{
	peer->result = ipcshm_send_typed(peer->fd, &peer->value, sizeof(peer->value), peer->type,
					 peer->priority, peer->deadline);
}

static inline void receive_role(struct peer *peer)
{
	peer->result = ipcshm_receive_typed(peer->fd, &peer->value, peer->room, peer->type,
					    peer->match, &peer->message, peer->deadline);
}

static inline void write_role(struct peer *peer)
{
	peer->result = write(peer->fd, &peer->value, sizeof(peer->value));
	if (peer->result < 0)
		peer->result = -errno;
}

static inline void read_role(struct peer *peer)
{
	peer->result = read(peer->fd, &peer->value, peer->room);
	if (peer->result < 0)
		peer->result = -errno;
}

static inline void poll_in_role(struct peer *peer)
{
	struct pollfd entry = { .fd = peer->fd, .events = POLLIN };

	peer->result = poll(&entry, 1, -1) < 0 ? -errno : entry.revents;
}

static inline void poll_out_role(struct peer *peer)
{
	struct pollfd entry = { .fd = peer->fd, .events = POLLOUT };

	peer->result = poll(&entry, 1, -1) < 0 ? -errno : entry.revents;
}

/* These return when the peer is blocked; NULL if it isn't before long. */

static inline struct peer *block_sender_how(void (*role)(struct peer *), struct peer how)
{
	__u64 senders = stat_now().senders;
	struct peer *peer = start(role, how);

	return WAIT_UNTIL(stat_now().senders == senders + 1) ? peer : NULL;
}

static inline struct peer *block_receiver_how(void (*role)(struct peer *), struct peer how)
{
	__u64 receivers = stat_now().receivers;
	struct peer *peer = start(role, how);

	return WAIT_UNTIL(stat_now().receivers == receivers + 1) ? peer : NULL;
}

static inline struct peer *block_sender(__u64 value, __u32 priority)
{
	return block_sender_how(send_role, (struct peer) { .value = value, .priority = priority });
}

static inline struct peer *block_receiver(void)
{
	return block_receiver_how(receive_role, (struct peer) { 0 });
}

/*
 * Sends, or, if the queue keeps no more (a rendezvous keeps none), leaves a
 * sender blocked.
 */
static inline bool offer(__u64 value, __u32 priority)
{
	__u64 senders = stat_now().senders;
	int result = try_send(value, priority);
	struct peer *sender;

	if (result != -EAGAIN)
		return !result;
	sender = start(send_role, (struct peer) { .value = value, .priority = priority });
	return WAIT_UNTIL(stat_now().senders == senders + 1 || is_done(sender));
}

#endif /* QUEUE_TEST_H */
