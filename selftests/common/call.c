// SPDX-License-Identifier: GPL-2.0-only
#include "call.h"

long call_value(int fd, __u64 *value, __u64 deadline)
{
	return ipcshm_call(fd, value, sizeof(*value), value, sizeof(*value), deadline);
}

/* With the peer's type, priority and room for the reply. */
void call_role(struct peer *peer)
{
	struct ipcshm_call_args call = {
		.request = {
			.data = (uintptr_t)&peer->value,
			.size = sizeof(peer->value),
			.type = peer->msg.type,
			.priority = peer->msg.priority,
		},
		.reply = { .data = (uintptr_t)&peer->value, .size = peer->msg.room },
		.deadline = peer->deadline,
		.clock = CLOCK_MONOTONIC,
	};

	peer->result = ipcshm_call_transfer(peer->fd, &call, sizeof(call));
	peer->msg.message = call.reply;
}

/* A caller with a pending request; NULL if there is none before long. */
struct peer *start_caller(struct test_queue *queue, struct peer how)
{
	__u64 calls = queue_stat_now(queue).calls;
	struct peer *peer = queue_start(queue, call_role, how);

	return WAIT_UNTIL(queue_stat_now(queue).calls == calls + 1) ? peer : NULL;
}

/* A request, received through this descriptor: its token, or 0. */
__u64 take_request(int fd, __u64 *value)
{
	struct ipcshm_message message = { 0 };

	if (ipcshm_receive(fd, value, sizeof(*value), &message, SOON) != sizeof(*value))
		return 0;
	return message.request_id;
}

int reply_value(int fd, __u64 token, __u64 value)
{
	return ipcshm_reply(fd, token, &value, sizeof(value));
}

/* Replies to all that comes, until the queue is revoked or the server killed. */
int serve_requests(int fd)
{
	struct ipcshm_message message = { 0 };
	__u64 value = 0;
	long size;

	do {
		value += TAKE_BACK;
		size = ipcshm_reply_receive(fd, &value, sizeof(value), &value, sizeof(value),
					    &message, IPCSHM_FOREVER);
	} while (size == sizeof(value) || size == -ESRCH);
	return size;
}

void serve_role(struct peer *peer)
{
	peer->result = serve_requests(queue_open_again(peer->queue, IPCSHM_READ));
}

struct peer *start_server(struct test_queue *queue)
{
	return block_receiver_how(queue, serve_role, (struct peer) { 0 });
}

/* Takes one request and keeps it. */
void keep_role(struct peer *peer)
{
	peer->fd = queue_open_again(peer->queue, IPCSHM_READ);
	peer->result = take_request(peer->fd, &peer->value) ? 0 : 1;
	be_ready(peer);
	pause();
}

/* The state of a queue after all calls have ended. */
bool is_idle(struct test_queue *queue)
{
	struct ipcshm_queue_stat stat = queue_stat_now(queue);

	return !(stat.calls | stat.messages | stat.bytes | stat.senders);
}
