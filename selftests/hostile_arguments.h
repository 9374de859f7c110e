/* SPDX-License-Identifier: GPL-2.0-only */
/* The structures of the operations, in memory that will be late, and their objects. */
#ifndef IPCSHM_HOSTILE_ARGUMENTS_H
#define IPCSHM_HOSTILE_ARGUMENTS_H

#include "hostile_places.h"

static void arrange_region_open(void)
{
	strcpy(content_at(NAME), new_name.text);
	SET_UP(STRUCTURE, ipcshm_region_open_args, .how = {
		.name = number_at(NAME),
		.name_len = strlen(new_name.text),
		.flags = READ_WRITE | IPCSHM_CREATE,
		.mode = 0600,
	}, .size = 4096);
}

static void arrange_queue_open(void)
{
	strcpy(content_at(NAME), new_name.text);
	SET_UP(STRUCTURE, ipcshm_queue_open_args, .how = {
		.name = number_at(NAME),
		.name_len = strlen(new_name.text),
		.flags = READ_WRITE | IPCSHM_CREATE,
		.mode = 0600,
	}, .max_messages = 4, .max_bytes = 4096, .max_message_size = 4096);
}

static void arrange_unlink(void)
{
	strcpy(content_at(NAME), region_name.text);
	SET_UP(STRUCTURE, ipcshm_unlink_args, .name = number_at(NAME),
	       .name_len = strlen(region_name.text), .kind = IPCSHM_REGION);
}

static void arrange_members(void)
{
	SET_UP(STRUCTURE, ipcshm_region_members_args, .members = number_at(ARRAY), .count = 4,
	       .member_size = sizeof(struct ipcshm_member));
}

/* Of a token that no member has had: slots are numbered from 0. */
static void arrange_member(void)
{
	SET_UP(STRUCTURE, ipcshm_region_member_args, .token = IPCSHM_TOKEN_MIN | 0xffff);
}

static void arrange_wait(void)
{
	SET_UP(STRUCTURE, ipcshm_region_wait_args, .expected = 1, .size = 4,
	       .deaths = region_stat(region).deaths);
}

static void arrange_waitv(void)
{
	SET_UP(STRUCTURE, ipcshm_region_waitv_args, .words = number_at(ARRAY), .count = 1,
	       .word_size = sizeof(struct ipcshm_region_word),
	       .deaths = region_stat(region).deaths);
	SET_UP(ARRAY, ipcshm_region_word, .expected = 1, .size = 4);
}

static void arrange_resize(void)
{
	SET_UP(STRUCTURE, ipcshm_region_resize_args, .size = 5 * page_size);
}

static void arrange_send(void)
{
	SET_UP(STRUCTURE, ipcshm_transfer_args,
	       .message = { .data = number_at(DATA), .size = SIZE }, .flags = IPCSHM_DONTWAIT);
}

/* With segments and descriptors. */
static struct ipcshm_message full_message(void)
{
	SET_UP(ARRAY, ipcshm_segment, .data = number_at(DATA), .size = SIZE);
	*(__s32 *)content_at(FDS) = memfd;
	return (struct ipcshm_message) {
		.data = number_at(ARRAY),
		.segments = 1,
		.fds = number_at(FDS),
		.fd_count = 1,
	};
}

static void arrange_full_send(void)
{
	SET_UP(STRUCTURE, ipcshm_transfer_args, .message = full_message(),
	       .flags = IPCSHM_DONTWAIT);
}

static void arrange_receive(void)
{
	send_one(0, -1);
	arrange_send();
}

static void arrange_full_receive(void)
{
	send_one(0, memfd);
	arrange_full_send();
}

static void arrange_peek(void)
{
	arrange_receive();
	((struct ipcshm_transfer_args *)content_at(STRUCTURE))->flags |= IPCSHM_PEEK;
}

static void arrange_mapped_receive(void)
{
	arrange_receive();
	((struct ipcshm_transfer_args *)content_at(STRUCTURE))->message.flags = IPCSHM_MAPPED;
}

static void arrange_batch(void)
{
	struct ipcshm_message *messages = content_at(ARRAY);

	messages[0] = (struct ipcshm_message) { .data = number_at(DATA), .size = SIZE };
	messages[1] = messages[0];
	SET_UP(STRUCTURE, ipcshm_batch_args, .messages = number_at(ARRAY), .count = 2,
	       .flags = IPCSHM_DONTWAIT, .message_size = sizeof(*messages));
}

static void arrange_receive_batch(void)
{
	send_one(0, -1);
	send_one(0, -1);
	arrange_batch();
}

static void arrange_call(void)
{
	SET_UP(STRUCTURE, ipcshm_call_args,
	       .request = { .data = number_at(DATA), .size = SIZE },
	       .reply = { .data = number_at(REPLY), .size = SIZE },
	       .deadline = IPCSHM_FOREVER);
	party = start_peer(&peers, server_role, (struct peer) { 0 });
}

/* The test receives the request; the operation replies through the same descriptor. */
static __u64 take_request(void)
{
	party = start_peer(&peers, caller_role, (struct peer) { 0 });
	return receive_one(0, 0).request_id;
}

static void arrange_reply(void)
{
	SET_UP(STRUCTURE, ipcshm_reply_args, .message = {
		.data = number_at(DATA),
		.size = SIZE,
		.request_id = take_request(),
	});
}

static void arrange_reply_receive(void)
{
	SET_UP(STRUCTURE, ipcshm_call_args,
	       .request = { .data = number_at(DATA), .size = SIZE },
	       .reply = { .data = number_at(REPLY), .size = SIZE, .request_id = take_request() },
	       .flags = IPCSHM_DONTWAIT);
	send_one(0, -1);
}

static void arrange_release(void)
{
	send_one(0, -1);
	*(__u64 *)content_at(ARRAY) = receive_one(0, IPCSHM_MAPPED).data;
	SET_UP(STRUCTURE, ipcshm_queue_release_args, .offsets = number_at(ARRAY), .count = 1);
}

/* Leases are a process's own, so the caller has none. */
static void arrange_ack(void)
{
	*(__u64 *)content_at(ARRAY) = 1;
	SET_UP(STRUCTURE, ipcshm_queue_ack_args, .ids = number_at(ARRAY), .count = 1);
}

/* Others open and close the queue, so that a valid call would find a peer or not. */
static void arrange_wait_peer(void)
{
	SET_UP(STRUCTURE, ipcshm_queue_wait_peer_args, .clock = CLOCK_THREAD_CPUTIME_ID);
}

/* Of a queue with a pool, which is refused. */
static void arrange_move(void)
{
	SET_UP(STRUCTURE, ipcshm_queue_move_args, .messages = 1, .to_fd = queue);
}

static void arrange_message(void)
{
	send_one(0, -1);
}

static void arrange_vector(void)
{
	SET_UP(ARRAY, iovec, .iov_base = address_at(DATA), .iov_len = SIZE);
}

static void arrange_message_vector(void)
{
	arrange_message();
	arrange_vector();
}

#endif /* IPCSHM_HOSTILE_ARGUMENTS_H */
