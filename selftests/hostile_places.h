/* SPDX-License-Identifier: GPL-2.0-only */
/* The places of an operation's memory, its objects, and the other side of a call. */
#ifndef IPCSHM_HOSTILE_PLACES_H
#define IPCSHM_HOSTILE_PLACES_H

#include "common/fuse.h"
#include "common/harness.h"
#include "common/peer.h"

/* Where the pieces are: a page each. */
enum place { STRUCTURE, DATA, REPLY, ARRAY, FDS, NAME, PLACES };

static const char *const place_names[PLACES] = {
	"structure", "data", "reply", "array", "fds", "name",
};

#define IN(place)	(1U << (place))
#define NO_GATE		PLACES
#define A_DESCRIPTOR	1000	/* as a result: any that is not an error */
#define SIZE		8	/* of each message */
#define OTHER_TYPE	77	/* of messages of the tasks that must not wait */

enum target { DEVICE, REGION, QUEUE };

/* Each test is a process of its own, so that its objects can be static. */
static struct fuse_memory memory;
static size_t page_size;
static int device, region, queue, memfd;
static struct test_name region_name, queue_name, new_name;
static struct peers peers;
static struct peer *party;	/* the other side of a call, or NULL */

static void *address_at(enum place place)
{
	return fuse_memory_at(&memory, place);
}

static __u64 number_at(enum place place)
{
	return (uintptr_t)address_at(place);
}

/* The bytes that a place will have when it can be accessed. */
static void *content_at(enum place place)
{
	return memory.content + place * page_size;
}

#define SET_UP(place, type, ...) (*(struct type *)content_at(place) = (struct type) { __VA_ARGS__ })

static int send_one(__u64 type, int fd)
{
	struct ipcshm_transfer_args transfer = {
		.message = {
			.data = (uintptr_t)"message",
			.size = SIZE,
			.type = type,
			.fds = (uintptr_t)&fd,
			.fd_count = fd >= 0,
		},
		.clock = CLOCK_MONOTONIC,
		.flags = IPCSHM_DONTWAIT,
	};

	return call(queue, IPCSHM_IOC_QUEUE_SEND, &transfer);
}

/* Receives a message of a type as soon as it comes; its token or place in the pool. */
static struct ipcshm_message receive_one(__u64 type, __u32 flags)
{
	char data[SIZE];
	struct ipcshm_transfer_args transfer = {
		.message = {
			.data = (uintptr_t)data,
			.size = sizeof(data),
			.type = type,
			.flags = flags | IPCSHM_TYPE_EQUAL,
		},
	};

	WAIT_UNTIL(call(queue, IPCSHM_IOC_QUEUE_RECEIVE, &transfer) != -EAGAIN);
	return transfer.message;
}

/* The other side of a call. */

static void server_role(struct peer *peer)
{
	struct ipcshm_reply_args reply = {
		.message = { .data = (uintptr_t)"answer!", .size = SIZE },
	};

	reply.message.request_id = receive_one(peer->msg.type, 0).request_id;
	peer->result = call(queue, IPCSHM_IOC_QUEUE_REPLY, &reply);
	pause();
}

static void caller_role(struct peer *peer)
{
	char data[SIZE];
	struct ipcshm_call_args args = {
		.request = { .data = (uintptr_t)"request", .size = SIZE },
		.reply = { .data = (uintptr_t)data, .size = SIZE },
		.deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
	};

	peer->result = call(queue, IPCSHM_IOC_QUEUE_CALL, &args);
	pause();
}

#endif /* IPCSHM_HOSTILE_PLACES_H */
