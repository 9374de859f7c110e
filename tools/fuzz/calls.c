// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar of the fuzzer: each call, its object, and the meaning of its values, so
 * that most generated calls get past the first check.  The ioctls come from ipcshm.txt
 * (tools/generate).
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/ipcshm.h>
#include <linux/ipcshm_netlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "actions.h"
#include "calls.h"
#include "late.h"
#include "process.h"
#include "request.h"

#define PAGE	4096ULL
#define MS	1000000ULL
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Memory that structures point to, and results that other calls can use. */
static struct {
	struct ipcshm_message messages[8];
	struct ipcshm_segment segments[8];
	uint64_t offsets[8];
	struct ipcshm_region_word words[8];
	uint64_t request_ids[4];
	uint64_t ack_ids[8];
	int32_t fds[16];
	unsigned int offset_count, request_id_count, ack_id_count;
} area;
static uint8_t *memory;		/* two pages, then one that can't be written, then none */

/* The meanings of values. */
enum meaning {
	ZERO, ANY, FLAGS_REGION, FLAGS_QUEUE, MODE, NAME, NAME_LEN, KIND, REGION_SIZE, SLOTS,
	MEMBER_TOKEN,
	MESSAGES, BYTES, MESSAGE_SIZE, POINTER, OFFSET, WORD, WORD_SIZE, DEADLINE, CLOCK, COUNT_OF,
	DEATHS, PRIORITY, TRANSFER_FLAGS, MEMBER_SIZE, MESSAGE_STRIDE, PROTECTION, MAP_FLAGS, PAGES, SEAL, NTH,
	FALLOCATE, ADVICE, OVERFLOW, SPIN, RECEIVE_FLAGS, SEGMENTS, DATA, FDS, FD_COUNT, REQUEST_ID,
	MESSAGE_ARRAY, OFFSET_ARRAY, WORD_ARRAY, WORD_STRIDE, WATCH_EVENTS, FEW, GRACE, OBJECT, USER,
	OTHER_USER, QUOTA_MAX, LARGE, GIVEN, ACK_ARRAY, ACK_FLAGS, ACK_TIMEOUT, CANCEL_FLAGS,
	QUEUE_FD, ASKED, BREAKAGE, ROOM, URING, LATE_PAGE, MEANINGS
};

static const char *const names[] = { "a", "b", "/c", "d", "..", "a/b", "", "eeeeeeeeeeeeeeee" };

#define VALUES(...) { (const uint64_t[]){ __VA_ARGS__ }, COUNT(((const uint64_t[]){ __VA_ARGS__ })) }

#define MADE (IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE)

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
			       PAGE - 1),
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

/* @before: the value of the field before it, for what goes together with that. */
static uint64_t resolve_value(enum meaning meaning, uint64_t value, uint64_t before)
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

/* Calls. */

struct field {
	uint16_t offset;
	uint16_t size;
	enum meaning meaning;
};

/* With its meaning: a member of a structure. */
#define M(type, member, meaning) \
	{ offsetof(struct type, member), sizeof(((struct type *)0)->member), meaning }
/* A value that is no member of one: an argument. */
#define A(meaning) { 0, 0, meaning }
/* An attribute of a request: bytes, or SIZE_*. */
#define T(attr, size, meaning) { attr, size, meaning }

#define HOW(type, allowed)						\
	M(type, how.name, NAME), M(type, how.name_len, NAME_LEN),	\
	M(type, how.flags, allowed), M(type, how.mode, MODE), M(type, how.id, OBJECT)
/* NOLINTBEGIN(bugprone-macro-parentheses): a member can't be in them */
#define MESSAGE(_type, at, flags_meaning)				\
	M(_type, at.segments, SEGMENTS), M(_type, at.data, DATA), M(_type, at.size, MESSAGE_SIZE),	\
	M(_type, at.type, ANY), M(_type, at.priority, PRIORITY), M(_type, at.flags, flags_meaning), \
	M(_type, at.fds, FDS), M(_type, at.fd_count, FD_COUNT), M(_type, at.request_id, REQUEST_ID)
/* NOLINTEND(bugprone-macro-parentheses) */

struct call {
	const char *name;
	unsigned long command;		/* of an ioctl, else @run or @request */
	void (*run)(int fd, const uint64_t *v);
	enum on on;
	unsigned int weight;
	enum on makes;
	struct field fields[VALUES_MAX];
	uint8_t request;		/* of the netlink family */
};

/* Of those that a batch sends or receives. */
static void run_message(int none, const uint64_t *v)
{
	(void)none;
	area.messages[v[0] % COUNT(area.messages)] = (struct ipcshm_message){
		.segments = (uint32_t)v[1],
		.data = v[2],
		.size = v[3],
		.flags = (uint32_t)v[4],
		.fds = (uintptr_t)area.fds,
		.fd_count = (uint32_t)v[5],
		.type = v[6],
	};
}

#define IOCTL(_name, _on, _weight, _command, _makes, ...)		\
	{ .name = (_name), .on = (_on), .weight = (_weight), .command = (_command),	\
	  .makes = (_makes), .fields = { __VA_ARGS__ } }
#define OTHER(_name, _on, _weight, _run, ...)				\
	{ .name = (_name), .on = (_on), .weight = (_weight), .run = (_run),	\
	  .fields = { __VA_ARGS__ } }
#define REQUEST(_name, _weight, _request, ...)				\
	{ .name = (_name), .on = SOCKET, .weight = (_weight), .request = (_request),	\
	  .fields = { A(ASKED), A(BREAKAGE), A(ROOM), __VA_ARGS__ } }
#define PLAIN(_name, _on, _weight, _run)				\
	{ .name = (_name), .on = (_on), .weight = (_weight), .run = (_run) }

#define QUOTAS(meaning)							\
	T(IPCSHM_A_QUOTAS_OBJECTS, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_REGION_BYTES, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_QUEUE_BYTES, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_MEMBERS, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_WAITERS, SIZE_QUOTA, meaning),		\
	T(IPCSHM_A_QUOTAS_DESCRIPTORS, SIZE_QUOTA, meaning)

static const struct call calls[] = {
	PLAIN("open", NOTHING, 2, run_open),
#include "calls_gen.h"
	OTHER("message", NOTHING, 4, run_message, A(FEW), A(SEGMENTS), A(DATA), A(MESSAGE_SIZE),
		A(RECEIVE_FLAGS), A(FD_COUNT), A(ANY)),
	PLAIN("close", ANYTHING, 3, run_close),
	PLAIN("dup", ANYTHING, 1, run_dup),
	OTHER("read", ANYTHING, 3, run_read, A(POINTER), A(MESSAGE_SIZE)),
	OTHER("write", ANYTHING, 3, run_write, A(POINTER), A(MESSAGE_SIZE)),
	OTHER("poll", ANYTHING, 4, run_poll, A(ANY)),
	OTHER("flags", ANYTHING, 1, run_flags, A(ANY)),
	OTHER("pwrite", REGION, 3, run_pwrite, A(OFFSET)),
	OTHER("fallocate", REGION, 2, run_fallocate, A(FALLOCATE), A(OFFSET), A(REGION_SIZE)),
	OTHER("seal", REGION, 1, run_seal, A(SEAL)),
	OTHER("fchmod", ANYTHING, 1, run_fchmod, A(MODE)),
	OTHER("mmap", REGION, 14, run_mmap, A(REGION_SIZE), A(PROTECTION), A(MAP_FLAGS), A(PAGES)),
	OTHER("mmap_pool", QUEUE, 4, run_mmap, A(REGION_SIZE), A(PROTECTION), A(MAP_FLAGS),
		A(PAGES)),
	OTHER("munmap", MAPPING, 4, run_munmap, A(ANY), A(REGION_SIZE)),
	OTHER("mprotect", MAPPING, 2, run_mprotect, A(ANY), A(PROTECTION)),
	OTHER("mremap", MAPPING, 2, run_mremap, A(REGION_SIZE), A(ANY)),
	OTHER("madvise", MAPPING, 2, run_madvise, A(ADVICE)),
	OTHER("store", MAPPING, 5, run_store, A(OFFSET), A(WORD)),
	OTHER("raw", ANYTHING, 3, run_raw, A(COUNT_OF), A(MESSAGE_SIZE), A(POINTER)),
	OTHER("uring", ANYTHING, 4, run_uring, A(URING), A(POINTER), A(MESSAGE_SIZE), A(ANY)),
	OTHER("renew", NOTHING, 4, run_renew, A(LATE_PAGE)),
	OTHER("fork", NOTHING, 1, run_fork, A(GRACE)),
	OTHER("namespace", NOTHING, 1, run_namespace, A(ANY)),
	OTHER("become", NOTHING, 1, run_become, A(GRACE)),
	OTHER("fail", NOTHING, 5, run_fail, A(NTH)),
	PLAIN("socket", NOTHING, 1, run_socket),
	PLAIN("subscribe", SOCKET, 1, run_subscribe),
	REQUEST("object_get", 5, IPCSHM_CMD_OBJECT_GET, T(IPCSHM_A_OBJECT_ID, 8, OBJECT),
		T(IPCSHM_A_OBJECT_KIND, 4, KIND), T(IPCSHM_A_OBJECT_NAME, SIZE_TEXT, NAME),
		T(IPCSHM_A_OBJECT_UID, 4, USER)),
	REQUEST("object_unlink", 3, IPCSHM_CMD_OBJECT_UNLINK, T(IPCSHM_A_OBJECT_ID, 8, OBJECT),
		T(IPCSHM_A_OBJECT_KIND, 4, KIND), T(IPCSHM_A_OBJECT_NAME, SIZE_TEXT, NAME)),
	REQUEST("object_revoke", 2, IPCSHM_CMD_OBJECT_REVOKE, T(IPCSHM_A_OBJECT_ID, 8, OBJECT),
		T(IPCSHM_A_OBJECT_KIND, 4, KIND), T(IPCSHM_A_OBJECT_NAME, SIZE_TEXT, NAME)),
	REQUEST("member_get", 3, IPCSHM_CMD_MEMBER_GET, T(IPCSHM_A_MEMBER_REGION, 8, OBJECT)),
	REQUEST("quota_get", 3, IPCSHM_CMD_QUOTA_GET, T(IPCSHM_A_QUOTAS_UID, 4, USER),
		T(IPCSHM_A_QUOTAS_DEFAULT, SIZE_FLAG, GIVEN),
		T(IPCSHM_A_QUOTAS_NET, SIZE_FLAG, GIVEN),
		T(IPCSHM_A_QUOTAS_USER_NS, 4, USER)),
	REQUEST("quota_set", 2, IPCSHM_CMD_QUOTA_SET, T(IPCSHM_A_QUOTAS_UID, 4, OTHER_USER),
		QUOTAS(QUOTA_MAX)),
	REQUEST("quota_set_default", 1, IPCSHM_CMD_QUOTA_SET,
		T(IPCSHM_A_QUOTAS_DEFAULT, SIZE_FLAG, GIVEN), QUOTAS(LARGE)),
	REQUEST("quota_set_net", 1, IPCSHM_CMD_QUOTA_SET,
		T(IPCSHM_A_QUOTAS_NET, SIZE_FLAG, GIVEN), QUOTAS(QUOTA_MAX)),
};

static unsigned int field_count(const struct call *call)
{
	unsigned int i = 0;

	while (i < VALUES_MAX && (call->fields[i].size || call->fields[i].meaning))
		i++;
	return i;
}

/* Making them up. */

static uint32_t choose_call(uint64_t *state)
{
	unsigned int total = 0, chosen;
	uint32_t i;

	for (i = 0; i < COUNT(calls); i++)
		total += calls[i].weight;
	chosen = draw_below(state, total);
	for (i = 0; chosen >= calls[i].weight; i++)
		chosen -= calls[i].weight;
	return i;
}

/* In step.literal: the structure of an ioctl lies in late memory. No call has so many values. */
#define LATE_STRUCTURE	(1U << 31)

/* Of one value; a program is written down each time it runs, and so had better be short. */
#define CHOICES	4096

static void choose_value(struct step *step, unsigned int i, uint64_t *state)
{
	step->values[i] = draw_below(state, CHOICES);
	step->literal &= ~(1U << i);
	if (!one_in(state, 24))
		return;
	step->literal |= 1U << i;
	step->values[i] = one_in(state, 2) ? 1ULL << draw_below(state, 64) : draw_number(state);
}

struct step make_step(uint64_t *state)
{
	struct step step = { .call = choose_call(state), .object = draw_below(state, HANDLES) };
	unsigned int i, fields = field_count(&calls[step.call]);

	step.async = one_in(state, 6);
	step.literal = one_in(state, 12) ? LATE_STRUCTURE : 0;
	for (i = 0; i < fields; i++)
		choose_value(&step, i, state);
	return step;
}

void change_step(struct step *step, uint64_t *state)
{
	unsigned int fields = field_count(&calls[step->call]);

	switch (draw_below(state, 8)) {
	case 0:
		step->async ^= 1;
		break;
	case 1:
		step->object = draw_below(state, HANDLES);
		break;
	case 2:
		if (one_in(state, 4)) {
			step->literal ^= LATE_STRUCTURE;
			break;
		}
		__attribute__((fallthrough));
	default:
		if (fields)
			choose_value(step, draw_below(state, fields), state);
	}
}

/* Writing them down. */

void print_program(FILE *file, const struct program *program)
{
	const struct step *step;
	unsigned int i;

	for (step = program->steps; step < program->steps + program->count; step++) {
		fprintf(file, "%s %u %u %x", calls[step->call].name, step->object, step->async,
			step->literal);
		for (i = 0; i < field_count(&calls[step->call]); i++)
			fprintf(file, " %llx", (unsigned long long)step->values[i]);
		fputc('\n', file);
	}
	fputc('\n', file);
}

static bool parse_step(char *line, struct step *step)
{
	char *name = strtok(line, " \n"), *word;
	uint32_t *const head[] = { &step->object, &step->async, &step->literal };
	unsigned int i;

	if (!name)
		return false;
	for (step->call = 0; step->call < COUNT(calls); step->call++)
		if (!strcmp(calls[step->call].name, name))
			break;
	for (i = 0; i < COUNT(head); i++) {
		word = strtok(NULL, " \n");
		if (!word)
			return false;
		*head[i] = (uint32_t)strtoul(word, NULL, i == 2 ? 16 : 10);
	}
	for (i = 0; i < VALUES_MAX && (word = strtok(NULL, " \n")); i++)
		step->values[i] = strtoull(word, NULL, 16);
	return step->call < COUNT(calls);
}

/* Lines that start with '#' and unknown calls are skipped. */
bool parse_program(FILE *file, struct program *program)
{
	char line[1024];

	memset(program, 0, sizeof(*program));
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '\n' && program->count)
			return true;
		if (line[0] == '\n' || line[0] == '#' || program->count == STEPS_MAX)
			continue;
		if (parse_step(line, &program->steps[program->count]))
			program->count++;
		else
			program->steps[program->count] = (struct step){ 0 };
	}
	return program->count;
}

/* Running them. */

/* Create an object that a call needs: a plain one, by a name that others use. */
static void provide_object(enum on kind)
{
	const struct ipcshm_open_how how = {
		.name = (uintptr_t)names[0], .name_len = 1, .flags = MADE, .mode = 0666,
	};
	struct ipcshm_region_open_args region = { .how = how, .size = 4 * PAGE, .max_size = 8 * PAGE };
	struct ipcshm_queue_open_args queue = {
		.how = how, .max_messages = 4, .max_bytes = 4 * PAGE, .max_message_size = PAGE,
		.pool_bytes = 4 * PAGE,
	};

	if (kind == REGION)
		remember(ioctl(handles[0].fd, IPCSHM_IOC_REGION_OPEN, &region), REGION);
	else if (kind == QUEUE)
		remember(ioctl(handles[0].fd, IPCSHM_IOC_QUEUE_OPEN, &queue), QUEUE);
	else if (kind == SOCKET)
		run_socket(-1, NULL);
}

/* A descriptor of the kind, but now and then any; -1 if there is none. */
static int choose_handle(enum on kind, uint32_t object)
{
	unsigned int i, fitting = 0;
	int chosen[HANDLES];

	for (i = 0; i < handle_count; i++)
		if (kind == ANYTHING || handles[i].kind == kind || object == HANDLES - 1)
			chosen[fitting++] = handles[i].fd;
	return fitting ? chosen[object % fitting] : -1;
}

/* The same for mappings, by their numbers. */
static int choose_object(enum on kind, uint32_t object)
{
	const uint64_t whole[] = { 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0 };
	int fd;

	if (kind == NOTHING)
		return -1;
	if (kind == MAPPING && map_count)
		return (int)(object % map_count);
	fd = choose_handle(kind == MAPPING ? REGION : kind, object);
	if (fd < 0) {
		provide_object(kind == MAPPING ? REGION : kind);
		fd = choose_handle(kind == MAPPING ? REGION : kind, object);
	}
	if (kind != MAPPING)
		return fd;
	run_mmap(fd, whole);
	return map_count ? 0 : -1;
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

static void learn_from(unsigned long command, const void *argument, int result)
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

/* Every other attribute is there; with ASKED, BREAKAGE and ROOM before them. */
#define IS_GIVEN	0x800

static void make_request(const struct step *step, const struct call *call, int fd, const uint64_t *v)
{
	struct nlmsghdr *request = request_begin(call->request, (uint16_t)v[0]);
	const struct field *field;
	unsigned int i;
	bool literal;

	for (i = 3; i < VALUES_MAX && call->fields[i].size; i++) {
		field = &call->fields[i];
		literal = step->literal & 1U << i;
		if (literal && field->size == SIZE_TEXT)
			request_put(request, field->offset, SIZE_TEXT, resolve_value(NAME, 1 + v[i] % 9, 0));
		else if (literal || step->values[i] & IS_GIVEN)
			request_put(request, field->offset, field->size, v[i]);
	}
	if (v[1])
		request_break(request, v[1]);
	request_end(request, fd, v[2]);
}

static uint8_t *move_to_late(const uint8_t *argument, size_t size, uint32_t which)
{
	uint32_t page = which % LATE_PAGES;

	late_renew(page);
	memcpy(late_content(page), argument, size);
	return late_page(page);
}

static void make_ioctl(const struct step *step, const struct call *call, int fd, const uint64_t *v)
{
	uint8_t *argument = memory + PAGE + 512;	/* all threads': they disturb each other */
	int i, result;

	memset(argument, 0, _IOC_SIZE(call->command));
	for (i = 0; i < VALUES_MAX && call->fields[i].size; i++)
		memcpy(argument + call->fields[i].offset, &v[i],
		       call->fields[i].size < 8 ? call->fields[i].size : 8);
	for (i = 0; i < (int)COUNT(area.fds) / 2; i++)
		area.fds[i] = handles[(unsigned int)i % handle_count].fd;
	if (step->literal & LATE_STRUCTURE)
		argument = move_to_late(argument, _IOC_SIZE(call->command), step->object);
	result = ioctl(fd, call->command, argument);
	if (result < 0)
		return;
	if (!(step->literal & LATE_STRUCTURE))
		learn_from(call->command, argument, result);
	if (call->makes != NOTHING)
		remember(result, call->makes);
}

bool make_call(const struct step *step)
{
	const struct call *call = &calls[step->call];
	uint64_t v[VALUES_MAX];
	int i, on;

	for (i = 0; i < VALUES_MAX; i++)
		v[i] = step->literal & 1U << i ? step->values[i] :
		       resolve_value(call->fields[i].meaning, step->values[i],
			       i ? step->values[i - 1] : 0);
	on = choose_object(call->on, step->object);
	if (on < 0 && call->on != NOTHING)
		return false;
	if (call->run == run_fail) {
		run_fail(on, v);
		return true;
	}
	begin_call();
	if (call->run)
		call->run(on, v);
	else if (call->request)
		make_request(step, call, on, v);
	else
		make_ioctl(step, call, on, v);
	end_call();
	return true;
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

bool prepare_calls(void)
{
	memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory != MAP_FAILED && !mprotect(memory + 2 * PAGE, PAGE, PROT_READ) &&
	       !munmap(memory + 3 * PAGE, PAGE) && prepare_area() && late_prepare();
}
