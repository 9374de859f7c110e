// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values of calls: each meaning has some that make sense, so that most generated calls get past
 * the first check.
 */
#include <fcntl.h>
#include <liburing.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "late.h"
#include "process.h"
#include "values.h"

#define MS	1000000ULL
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

struct values area;
uint8_t *memory;

const char *const names[8] = { "a", "b", "/c", "d", "..", "a/b", "", "eeeeeeeeeeeeeeee" };

#define VALUES(...) { (const uint64_t[]){ __VA_ARGS__ }, COUNT(((const uint64_t[]){ __VA_ARGS__ })) }

/* Meanings without values here are computed from the current state. */
static const struct {
	const uint64_t *values;
	size_t count;
} choices[MEANINGS] = {
	[ZERO] = VALUES(0),
	[ANY] = VALUES(0, 1, 2, 3, 4, 0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 63, ~0ULL),
	[FLAGS_REGION] = VALUES(MADE, MADE, MADE | IPCSHM_EXCLUSIVE, MADE | IPCSHM_PERSISTENT,
				MADE | IPCSHM_POPULATE, MADE | IPCSHM_HUGE, IPCSHM_READ,
				IPCSHM_READ | IPCSHM_WRITE, IPCSHM_READ | IPCSHM_BY_ID,
				IPCSHM_READ | IPCSHM_CREATE),
	[FLAGS_QUEUE] = VALUES(MADE, MADE, MADE | IPCSHM_EXCLUSIVE, MADE | IPCSHM_PERSISTENT,
			       MADE | IPCSHM_NONBLOCK, MADE | IPCSHM_HANGUP, MADE | IPCSHM_DEAD_LETTERS,
			       MADE | IPCSHM_DEAD_LETTERS, IPCSHM_READ, IPCSHM_WRITE,
			       IPCSHM_READ | IPCSHM_WRITE | IPCSHM_NONBLOCK,
			       IPCSHM_WRITE | IPCSHM_BY_ID),
	[MODE] = VALUES(0600, 0666, 0, 0400, 0777),
	[KIND] = VALUES(IPCSHM_REGION, IPCSHM_QUEUE),
	[REGION_SIZE] = VALUES(0, 1, PAGE, 2 * PAGE, 4 * PAGE, 4 * PAGE + 1, 64 * PAGE, 1 << 21,
			       PAGE - 1, IPCSHM_UNBOUNDED),
	[MEMBER_TOKEN] = VALUES(0x10000, 0x10000, 0x10001, 0x20000, 0x10002, 0x1ffff,
				0x3fffffff, 5),
	[SLOTS] = VALUES(0, 1, 2, 3, 64, 1009, IPCSHM_MEMBERS_MAX),
	[MESSAGES] = VALUES(0, 1, 2, 4, 16, IPCSHM_UNBOUNDED),
	[BYTES] = VALUES(0, 64, PAGE, 4 * PAGE, 64 * PAGE, IPCSHM_UNBOUNDED),
	[MESSAGE_SIZE] = VALUES(0, 1, 8, 64, 100, PAGE, 2 * PAGE, 64 * PAGE),
	[OFFSET] = VALUES(0, 0, 4, 8, 64, PAGE - 4, PAGE, 2 * PAGE, 4 * PAGE - 4),
	[WORD] = VALUES(0, 0, 0, 1, 2, 0xffffffff),
	[WORD_SIZE] = VALUES(4, 4, 8, 0),
	[CLOCK] = VALUES(CLOCK_MONOTONIC, CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME),
	[COUNT_OF] = VALUES(1, 0, 2, 4, 100, 0x7fffffff),
	[DEATHS] = VALUES(0, 0, 0, 1, 2),
	[PRIORITY] = VALUES(0, 0, 1, 2, IPCSHM_PRIORITY_MAX),
	[TRANSFER_FLAGS] = VALUES(0, IPCSHM_DONTWAIT, IPCSHM_DONTWAIT, IPCSHM_DONTWAIT | IPCSHM_PEEK,
				  IPCSHM_DONTWAIT | IPCSHM_ACK, IPCSHM_ACK,
				  IPCSHM_DONTWAIT | IPCSHM_TRUNCATE, IPCSHM_RETRY),
	[ACK_FLAGS] = VALUES(0, 0, IPCSHM_ACK_RETURN, IPCSHM_ACK_EXTEND),
	[CANCEL_FLAGS] = VALUES(0, IPCSHM_CANCEL_UNDO, IPCSHM_CANCEL_UNDO, IPCSHM_CANCEL_UNDO),
	[ACK_TIMEOUT] = VALUES(0, 0, 1000000, 1000000000),
	[MEMBER_SIZE] = VALUES(sizeof(struct ipcshm_member), sizeof(struct ipcshm_member), 64, PAGE),
	[MESSAGE_STRIDE] = VALUES(sizeof(struct ipcshm_message), sizeof(struct ipcshm_message), 64, PAGE),
	[WORD_STRIDE] = VALUES(sizeof(struct ipcshm_region_word), sizeof(struct ipcshm_region_word),
			       64, PAGE),
	[WATCH_EVENTS] = VALUES(7, 7, 1, 0, 2, 5, 6, 8),
	[PROTECTION] = VALUES(PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE,
			      PROT_READ | PROT_WRITE | PROT_EXEC),
	[MAP_FLAGS] = VALUES(MAP_SHARED, MAP_SHARED, MAP_SHARED | MAP_POPULATE, MAP_PRIVATE,
			     MAP_SHARED | MAP_LOCKED),
	[PAGES] = VALUES(0, 0, 1, 2, 3, 4, IPCSHM_MEMBER_PAGE_OFFSET / PAGE),
	[SEAL] = VALUES(F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL, F_SEAL_GROW | F_SEAL_SHRINK),
	[NTH] = VALUES(1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 30),
	[FALLOCATE] = VALUES(0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
	[ADVICE] = VALUES(MADV_DONTNEED, MADV_REMOVE, MADV_DONTFORK, MADV_PAGEOUT, MADV_HUGEPAGE,
			  MADV_WILLNEED, MADV_COLLAPSE),
	[OVERFLOW] = VALUES(0, 0, IPCSHM_OVERFLOW_DROP_OLDEST, IPCSHM_OVERFLOW_DROP_NEWEST),
	[SPIN] = VALUES(0, 10, 1000),
	[RECEIVE_FLAGS] = VALUES(0, 0, 0, IPCSHM_MAPPED, IPCSHM_MAPPED, IPCSHM_TYPE_EQUAL,
				 IPCSHM_TYPE_NOT, IPCSHM_TYPE_UP_TO,
				 IPCSHM_MAPPED | IPCSHM_TYPE_NOT),
	[SEGMENTS] = VALUES(0, 0, 0, 0, 0, 1, 2, 8),
	[FD_COUNT] = VALUES(0, 0, 0, 0, 1, 2, 16),
	[FEW] = VALUES(1, 2, 3, 8, 0),
	[GRACE] = VALUES(0, 4, 80, 1, 2, 3, 5),
	[USER] = VALUES(0, 1001, 65534, 0xffffffff),
	/* Not our own, whose quotas all programs need; fuzz.c sets those back now and then. */
	[OTHER_USER] = VALUES(1001, 1001, 65534, 0xffffffff),
	[QUOTA_MAX] = VALUES(IPCSHM_QUOTA_FOLLOW_DEFAULT, 0, 1, 2, PAGE, 64 * PAGE, 1 << 30),
	[LARGE] = VALUES(1 << 20, 1 << 30, 1ULL << 62),
	[GIVEN] = VALUES(0),
	[ASKED] = VALUES(0, 0, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP),
	[BREAKAGE] = VALUES(0),
	[ROOM] = VALUES(32768, 32768, PAGE, 256),
	[URING] = VALUES(IORING_OP_READ, IORING_OP_WRITE, IORING_OP_POLL_ADD, IORING_OP_READV,
			 IORING_OP_WRITEV, IORING_OP_FALLOCATE, IORING_OP_NOP),
	[LATE_PAGE] = VALUES(0, 1, 2, 3, 4, 5),
};

static uint64_t make_deadline(uint64_t choice)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	/* Few for ever: such a wait is interrupted in the end, which takes time. */
	switch (choice % 24) {
	case 0:		return IPCSHM_FOREVER;
	case 1:		return ns - 1;
	case 2:		return ns + 20 * MS;
	case 3: case 4:	return ns + 2 * MS;
	case 5: case 6: case 7: return ns + MS / 10;
	default:	return 0;
	}
}

static uint64_t make_pointer(uint64_t choice)
{
	switch (choice % 14) {
	case 0:		return 0;
	case 1:		return (uintptr_t)memory + 2 * PAGE - 8;	/* ends where no one writes */
	case 2:		return (uintptr_t)memory + 3 * PAGE - 8;	/* ends where nothing is */
	case 3:		return 0xffff888000000000;
	case 4:		return map_count ? (uintptr_t)maps[choice % map_count].at : 8;
	case 5:		return (uintptr_t)late_page((unsigned int)(choice / 14 % LATE_PAGES));
	case 6:		/* begins in ordinary memory, or in another page that is late */
		return (uintptr_t)late_page((unsigned int)(choice / 14 % LATE_PAGES)) - 8;
	default:	return (uintptr_t)memory + choice % PAGE;
	}
}

/* The number of one of the program's objects. */
static uint64_t find_object_id(uint64_t choice)
{
	const struct handle *handle = &handles[choice % (handle_count ? handle_count : 1)];
	union {
		struct ipcshm_stat common;
		struct ipcshm_region_stat region;
		struct ipcshm_queue_stat queue;
	} stat = { 0 };

	if (handle->kind == REGION)
		ioctl(handle->fd, IPCSHM_IOC_REGION_STAT, &stat);
	else if (handle->kind == QUEUE)
		ioctl(handle->fd, IPCSHM_IOC_QUEUE_STAT, &stat);
	return stat.common.id;
}

/* The descriptor of a queue of the program, or 0, which a queue without dead letters needs. */
static uint64_t find_queue_fd(uint64_t choice)
{
	const struct handle *handle = &handles[choice % (handle_count ? handle_count : 1)];

	return choice % 3 && handle->kind == QUEUE ? (uint64_t)handle->fd : 0;
}

uint64_t resolve_value(enum meaning meaning, uint64_t value, uint64_t before)
{
	switch (meaning) {
	case NAME:	return value % 10 ? (uintptr_t)names[value % COUNT(names)] : 0;
	case NAME_LEN:	return before % 10 ? strlen(names[before % COUNT(names)]) : 0;
	case DATA:	return resolve_value(SEGMENTS, before, 0) ? (uintptr_t)area.segments :
								    make_pointer(value);
	case FDS:	return value % 16 ? (uintptr_t)area.fds : make_pointer(value);
	case REQUEST_ID:	return value % 4 ? area.request_ids[value % COUNT(area.request_ids)] : 0;
	case MESSAGE_ARRAY: return value % 16 ? (uintptr_t)area.messages : make_pointer(value);
	case OFFSET_ARRAY: return value % 16 ? (uintptr_t)area.offsets : make_pointer(value);
	case ACK_ARRAY: return value % 16 ? (uintptr_t)area.ack_ids : make_pointer(value);
	case WORD_ARRAY: return value % 16 ? (uintptr_t)area.words : make_pointer(value);
	case POINTER:	return make_pointer(value);
	case DEADLINE:	return make_deadline(value);
	case OBJECT:	return find_object_id(value);
	case QUEUE_FD:	return find_queue_fd(value);
	default:	return choices[meaning].values[value % choices[meaning].count];
	}
}

/* Keep the results of a message that other calls can use: a request id, a place in the pool. */
static void learn_message(const struct ipcshm_message *message)
{
	if (message->request_id)
		area.request_ids[area.request_id_count++ % COUNT(area.request_ids)] = message->request_id;
	if (message->ack_id)
		area.ack_ids[area.ack_id_count++ % COUNT(area.ack_ids)] = message->ack_id;
	if (message->flags & IPCSHM_MAPPED)
		area.offsets[area.offset_count++ % COUNT(area.offsets)] = message->data;
}

void learn_from(unsigned long command, const void *argument, int result)
{
	const struct ipcshm_batch_args *batch = argument;
	int i;

	if (command == IPCSHM_IOC_QUEUE_RECEIVE || command == IPCSHM_IOC_QUEUE_REPLY_RECEIVE)
		learn_message(argument);	/* a message is the first of their members */
	if (command == IPCSHM_IOC_QUEUE_RECEIVE_BATCH &&
	    batch->messages == (uintptr_t)area.messages)
		for (i = 0; i < result && i < (int)COUNT(area.messages); i++)
			learn_message(&area.messages[i]);
}

/* Some descriptors that can be sent, and some that can't. */
static bool prepare_area(void)
{
	unsigned int i, half = COUNT(area.fds) / 2;

	for (i = 0; i < COUNT(area.segments); i++)
		area.segments[i] = (struct ipcshm_segment){ (uintptr_t)memory + 64ULL * i, 24 };
	for (i = 0; i < COUNT(area.words); i++)
		area.words[i] = (struct ipcshm_region_word){ .offset = 8ULL * (i % 5), .size = 4 };
	for (i = 0; i < COUNT(area.messages); i++)
		area.messages[i] = (struct ipcshm_message){
			.data = (uintptr_t)memory + 64ULL * i, .size = 64, .priority = i % 3,
		};
	for (i = half; i + 1 < COUNT(area.fds); i += 4) {
		if (pipe2(&area.fds[i], O_CLOEXEC) ||
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, &area.fds[i + 2]))
			return false;
	}
	return true;
}

bool prepare_values(void)
{
	memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory != MAP_FAILED && !mprotect(memory + 2 * PAGE, PAGE, PROT_READ) &&
	       !munmap(memory + 3 * PAGE, PAGE) && prepare_area();
}
