// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

/* The queue, with these rights and flags for the test. Zero, or -errno. */
int queue_set_up_attr(struct test_queue *queue, struct ipcshm_queue_attr attr, __u32 flags)
{
	share_peers(&queue->peers);
	queue->name = make_name("queue");
	queue->device = ipcshm_open();
	if (queue->device < 0)
		return queue->device;
	queue->fd = ipcshm_queue_open(queue->device, queue->name.text, flags | CREATE_NEW, 0600,
				      &attr);
	return queue->fd < 0 ? queue->fd : 0;
}

int queue_set_up(struct test_queue *queue, __u64 max_messages, __u64 max_bytes,
		 __u64 max_message_size)
{
	return queue_set_up_attr(queue, (struct ipcshm_queue_attr) {
		.max_messages = max_messages,
		.max_bytes = max_bytes,
		.max_message_size = max_message_size,
	}, READ_WRITE);
}

void queue_tear_down(struct test_queue *queue)
{
	kill_peers(&queue->peers);
	close(queue->fd);
	close(queue->device);
}

/* Another descriptor of the queue. */
int queue_open_again(struct test_queue *queue, __u32 flags)
{
	return ipcshm_queue_open(queue->device, queue->name.text, flags, 0, NULL);
}

struct ipcshm_queue_stat queue_stat_now(struct test_queue *queue)
{
	return queue_stat(queue->fd);
}

struct ipcshm_transfer_args transfer_of(const void *data, size_t size)
{
	return (struct ipcshm_transfer_args) {
		.message = { .data = (uintptr_t)data, .size = size },
		.deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
	};
}

int try_send(struct test_queue *queue, __u64 value, __u32 priority)
{
	struct ipcshm_transfer_args transfer = transfer_of(&value, sizeof(value));

	transfer.message.priority = priority;
	transfer.flags = IPCSHM_DONTWAIT;
	return ipcshm_send_transfer(queue->fd, &transfer, sizeof(transfer));
}

/* A size, or -errno. */
long try_receive(struct test_queue *queue, __u64 *value)
{
	struct ipcshm_transfer_args transfer = transfer_of(value, sizeof(*value));
	int result;

	transfer.flags = IPCSHM_DONTWAIT;
	result = ipcshm_receive_transfer(queue->fd, &transfer, sizeof(transfer));
	return result ? result : (long)transfer.message.size;
}

/* The value received, or NOTHING. */
__u64 receive_value(struct test_queue *queue)
{
	__u64 value;

	if (ipcshm_receive(queue->fd, &value, sizeof(value), NULL, SOON) != sizeof(value))
		return NOTHING;
	return value;
}

short poll_now(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

struct peer *queue_start(struct test_queue *queue, void (*role)(struct peer *), struct peer how)
{
	how.queue = queue;
	if (!how.fd)
		how.fd = queue->fd;
	if (!how.msg.room)
		how.msg.room = sizeof(how.value);
	return start_peer(&queue->peers, role, how);
}

void send_role(struct peer *peer)
{
	peer->result = ipcshm_send_typed(peer->fd, &peer->value, sizeof(peer->value),
					 peer->msg.type, peer->msg.priority, peer->deadline);
}

void receive_role(struct peer *peer)
{
	peer->result = ipcshm_receive_typed(peer->fd, &peer->value, peer->msg.room, peer->msg.type,
					    peer->msg.match, &peer->msg.message, peer->deadline);
}

void write_role(struct peer *peer)
{
	peer->result = write(peer->fd, &peer->value, sizeof(peer->value));
	if (peer->result < 0)
		peer->result = -errno;
}

void read_role(struct peer *peer)
{
	peer->result = read(peer->fd, &peer->value, peer->msg.room);
	if (peer->result < 0)
		peer->result = -errno;
}

void poll_in_role(struct peer *peer)
{
	struct pollfd entry = { .fd = peer->fd, .events = POLLIN };

	peer->result = poll(&entry, 1, -1) < 0 ? -errno : entry.revents;
}

void poll_out_role(struct peer *peer)
{
	struct pollfd entry = { .fd = peer->fd, .events = POLLOUT };

	peer->result = poll(&entry, 1, -1) < 0 ? -errno : entry.revents;
}

struct peer *block_sender_how(struct test_queue *queue, void (*role)(struct peer *),
			      struct peer how)
{
	__u64 senders = queue_stat_now(queue).senders;
	struct peer *peer = queue_start(queue, role, how);

	return WAIT_UNTIL(queue_stat_now(queue).senders == senders + 1) ? peer : NULL;
}

struct peer *block_receiver_how(struct test_queue *queue, void (*role)(struct peer *),
				struct peer how)
{
	__u64 receivers = queue_stat_now(queue).receivers;
	struct peer *peer = queue_start(queue, role, how);

	return WAIT_UNTIL(queue_stat_now(queue).receivers == receivers + 1) ? peer : NULL;
}

struct peer *block_sender(struct test_queue *queue, __u64 value, __u32 priority)
{
	return block_sender_how(queue, send_role,
				(struct peer) { .value = value, .msg.priority = priority });
}

struct peer *block_receiver(struct test_queue *queue)
{
	return block_receiver_how(queue, receive_role, (struct peer) { 0 });
}

/*
 * Sends, or, if the queue keeps no more (a rendezvous keeps none), leaves a
 * sender blocked.
 */
bool offer_value(struct test_queue *queue, __u64 value, __u32 priority)
{
	__u64 senders = queue_stat_now(queue).senders;
	int result = try_send(queue, value, priority);
	struct peer *sender;

	if (result != -EAGAIN)
		return !result;
	sender = queue_start(queue, send_role,
			     (struct peer) { .value = value, .msg.priority = priority });
	return WAIT_UNTIL(queue_stat_now(queue).senders == senders + 1 || is_done(sender));
}

struct peer *block_receiver_with_handler(struct test_queue *queue,
						void (*role)(struct peer *), int sa_flags,
						__u64 deadline)
{
	return block_receiver_how(queue, role, (struct peer) {
		.handles_signal = true,
		.sa_flags = sa_flags,
		.deadline = deadline,
	});
}
