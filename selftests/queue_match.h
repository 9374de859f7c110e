/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of different types and priorities, and receivers that choose among them. */
#ifndef IPCSHM_QUEUE_MATCH_H
#define IPCSHM_QUEUE_MATCH_H

#include "queue_kinds.h"

#define TYPES		6	/* that random messages have */
#define PRIORITIES	4
#define STEPS		many(20000, 2000)
#define CROWD		10	/* blocked senders of a rendezvous */
#define ANY		0
#define EQUAL		IPCSHM_TYPE_EQUAL
#define NOT		IPCSHM_TYPE_NOT
#define UP_TO		IPCSHM_TYPE_UP_TO

/* The attributes of a message besides its value. */
struct kind {
	__u64 type;
	__u32 priority;
};

/* Sends, or leaves a sender blocked. */
static inline bool offer_kind(struct test_queue *queue, __u64 value, struct kind kind)
{
	__u64 senders = queue_stat_now(queue).senders;
	struct ipcshm_transfer_args transfer = transfer_of(&value, sizeof(value));
	struct peer *sender;
	int result;

	transfer.message.type = kind.type;
	transfer.message.priority = kind.priority;
	transfer.flags = IPCSHM_DONTWAIT;
	result = ipcshm_send_transfer(queue->fd, &transfer, sizeof(transfer));
	if (result != -EAGAIN)
		return !result;
	sender = queue_start(queue, send_role, (struct peer) {
		.value = value,
		.msg.type = kind.type,
		.msg.priority = kind.priority,
	});
	return WAIT_UNTIL(queue_stat_now(queue).senders == senders + 1 || is_done(sender));
}

static inline int try_match(struct test_queue *queue, __u64 *value, __u32 match, __u64 type, __u32 flags,
			    struct ipcshm_message *message)
{
	struct ipcshm_transfer_args transfer = transfer_of(value, sizeof(*value));
	int result;

	transfer.message.flags = match;
	transfer.message.type = type;
	transfer.flags = IPCSHM_DONTWAIT | flags;
	result = ipcshm_receive_transfer(queue->fd, &transfer, sizeof(transfer));
	*message = transfer.message;
	return result;
}

/* The value received, or NOTHING. */
static inline __u64 take_message(struct test_queue *queue, __u32 match, __u64 type)
{
	struct ipcshm_message message;
	__u64 value;

	return try_match(queue, &value, match, type, 0, &message) ? NOTHING : value;
}

/* Each match, on the same messages. */

static const struct kind kinds[] = {
	[0] = { .type = 5, .priority = 1 },
	[1] = { .type = 2, .priority = 0 },
	[2] = { .type = 9, .priority = 3 },
	[3] = { .type = 2, .priority = 1 },
	[4] = { .type = 0, .priority = 0 },
	[5] = { .type = 5, .priority = 1 },
	[6] = { .type = ~0ULL, .priority = 2 },
};

#define END	0xff	/* of a list of kinds */

static const struct {
	__u32 match;
	__u64 type;
	__u8 order[ARRAY_SIZE(kinds) + 1];	/* in which they come */
} wishes[] = {
	{ ANY, 0, { 2, 6, 0, 3, 5, 1, 4, END } },
	{ ANY, 5, { 2, 6, 0, 3, 5, 1, 4, END } },
	{ EQUAL, 5, { 0, 5, END } },
	{ EQUAL, 2, { 3, 1, END } },
	{ EQUAL, 0, { 4, END } },
	{ EQUAL, ~0ULL, { 6, END } },
	{ EQUAL, 3, { END } },
	{ NOT, 5, { 2, 6, 3, 1, 4, END } },
	{ NOT, 9, { 6, 0, 3, 5, 1, 4, END } },
	{ NOT, 0, { 2, 6, 0, 3, 5, 1, END } },
	{ NOT, 3, { 2, 6, 0, 3, 5, 1, 4, END } },
	{ UP_TO, 0, { 4, END } },
	{ UP_TO, 1, { 4, END } },
	{ UP_TO, 2, { 4, 3, 1, END } },
	{ UP_TO, 8, { 4, 3, 1, 0, 5, END } },
	{ UP_TO, ~0ULL, { 4, 3, 1, 0, 5, 2, 6, END } },
};

#endif /* IPCSHM_QUEUE_MATCH_H */
