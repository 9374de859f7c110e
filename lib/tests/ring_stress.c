// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings under stress: processes that put in and get out in all ways that there are, while
 * others of them are killed, stopped and interrupted at any instant.
 *
 *	ring_stress [SECONDS [LAYOUT]]		of each layout and number of processes
 *
 * No call may return -EBADMSG.  Every item whose put returned has to come, but for what
 * a killed consumer had.  Each consumer sees the items of each producer in order, but for
 * items that came back.
 */
#include <errno.h>
#include <ipcshm-ring.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "members.h"

#define SIZE		(1U << 20)
#define MS		1000000ULL
#define SERIES		16384		/* lives of producers */
#define ITEMS		4096		/* that one puts in at most */
#define PROCESSES_MAX	8
#define BATCH		8
#define MANY		(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER)

/* Notes of the processes beside the ring. */
struct board {
	_Atomic uint32_t series;
	_Atomic uint32_t sent[SERIES];
	_Atomic unsigned char received[SERIES][ITEMS / 8];
	_Atomic uint64_t gets, late, returns;
	_Atomic int32_t wrong;		/* an error that may not be */
	_Atomic int32_t where;
	_Atomic bool stop, drain;
};

struct run {
	const char *name;
	uint32_t layout;
	uint32_t producers, consumers;
	bool kills;
};

static struct board *board;
static struct ipcshm_member_page *members;
static void *memory;
static struct ipcshm_area area;
static const struct run *run;

static bool has_records(void)
{
	return run->layout == IPCSHM_RING_RECORDS || run->layout == IPCSHM_RING_CHUNKS;
}

static void die_with(const char *what)
{
	fprintf(stderr, "ring_stress: %s\n", what);
	exit(EXIT_FAILURE);
}

/* An error that a call may return at any time is none. */
static void expect_result(ssize_t ret, int where)
{
	static const int may_be[] = { EAGAIN, EALREADY, ETIMEDOUT, EINTR, EMSGSIZE };
	size_t i;

	if (ret >= 0)
		return;
	for (i = 0; i < sizeof(may_be) / sizeof(may_be[0]); i++)
		if (ret == -may_be[i])
			return;
	board->wrong = (int32_t)ret;
	board->where = where;
	_exit(1);
}

static uint64_t choose_deadline(void)
{
	return rand() % 4 ? ipcshm_deadline((uint64_t)(rand() % 5) * MS) : IPCSHM_NOW;
}

static void on_signal(int number)
{
	(void)number;
}

static void enter_child(uint32_t slot)
{
	const struct sigaction action = { .sa_handler = on_signal };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &action, NULL);
	srand((unsigned int)getpid());
	ipcshm_area_set_token(&area, members->slot[slot]);
}

static void attach_handle(struct ipcshm_ring *ring, uint32_t side)
{
	int ret = ipcshm_ring_attach(ring, &area, 0, side);

	if (ret) {
		board->wrong = ret;
		board->where = 1;
		_exit(1);
	}
	ipcshm_ring_set_busy_poll(ring, rand() % 2 ? 0 : 2000);
}

static uint64_t item_of(uint32_t series, uint32_t index)
{
	return (uint64_t)series << 32 | index;
}

/* One or several items from @index on; returns how many. */
static ssize_t put_some(struct ipcshm_ring *ring, uint32_t series, uint32_t index)
{
	uint64_t items[BATCH];
	unsigned char record[96] = { 0 };
	size_t count = 1 + (size_t)rand() % BATCH;
	size_t size = has_records() ? 8 + (size_t)rand() % 80 : 8;
	void *room;
	ssize_t ret;
	size_t i;

	for (i = 0; i < BATCH; i++)
		items[i] = item_of(series, index + (uint32_t)i);
	memcpy(record, items, 8);
	switch (rand() % 8) {
	case 0:
		ret = ipcshm_ring_reserve(ring, size, &room, choose_deadline());
		if (!ret)
			expect_result(ipcshm_ring_discard(ring), 2);
		return ret;
	case 1:
		ret = ipcshm_ring_reserve(ring, size, &room, choose_deadline());
		if (ret)
			return ret;
		memcpy(room, record, size);
		expect_result(ipcshm_ring_commit(ring, size), 3);
		return 1;
	case 2:
		if (!has_records())
			return ipcshm_ring_put_bulk(ring, items, count, choose_deadline());
		break;
	case 3:
		if (!has_records())
			return ipcshm_ring_put_burst(ring, items, count, choose_deadline());
		break;
	default:
		break;
	}
	ret = ipcshm_ring_put(ring, record, size, choose_deadline());
	return ret ? ret : 1;
}

static void produce_items(void)
{
	struct ipcshm_ring ring;
	uint32_t series, index = 0;
	ssize_t ret;

	attach_handle(&ring, IPCSHM_RING_PRODUCER);
	series = atomic_fetch_add(&board->series, 1);
	if (series >= SERIES)
		_exit(2);
	while (index + BATCH < ITEMS && !board->stop) {
		ret = put_some(&ring, series, index);
		expect_result(ret, 4);
		if (ret > 0) {
			index += (uint32_t)ret;
			board->sent[series] = index;
		}
	}
	ipcshm_ring_detach(&ring);
	_exit(series + 1 >= SERIES ? 2 : 0);
}

static void note_item(uint64_t item, uint32_t *last)
{
	uint32_t series = (uint32_t)(item >> 32), index = (uint32_t)item;

	if (series >= SERIES || index >= ITEMS) {
		board->wrong = 1;
		_exit(1);
	}
	if (index + 1 <= last[series])
		atomic_fetch_add(&board->late, 1);
	else
		last[series] = index + 1;
	atomic_fetch_or(&board->received[series][index / 8], (unsigned char)(1U << index % 8));
	atomic_fetch_add(&board->gets, 1);
}

static ssize_t get_some(struct ipcshm_ring *ring, uint32_t *last)
{
	size_t count = 1 + (size_t)rand() % (board->drain ? 1 : BATCH);
	uint64_t items[BATCH] = { 0 };
	unsigned char record[96];
	const void *peeked;
	ssize_t ret, i;

	switch (rand() % 8) {
	case 0:
	case 1:
		ret = ipcshm_ring_peek(ring, &peeked, choose_deadline());
		if (ret < 0)
			return ret;
		memcpy(items, peeked, 8);
		if (rand() % 16 == 0) {
			atomic_fetch_add(&board->returns, 1);
			ipcshm_ring_detach(ring);
			attach_handle(ring, IPCSHM_RING_CONSUMER);
			return 0;
		}
		note_item(items[0], last);
		expect_result(ipcshm_ring_release(ring), 5);
		return 1;
	case 2:
	case 3:
		if (has_records())
			break;
		ret = rand() % 2 ? ipcshm_ring_get_bulk(ring, items, count, choose_deadline()) :
				   ipcshm_ring_get_burst(ring, items, count, choose_deadline());
		for (i = 0; i < ret; i++)
			note_item(items[i], last);
		return ret;
	case 4:
		ret = ipcshm_ring_get(ring, record, 4, choose_deadline());
		if (ret >= 0)
			expect_result(-EBADMSG, 6);
		return ret;
	default:
		break;
	}
	ret = ipcshm_ring_get(ring, record, sizeof(record), choose_deadline());
	if (ret > 0) {
		memcpy(items, record, 8);
		note_item(items[0], last);
	}
	return ret;
}

static void consume_items(void)
{
	uint32_t *last = calloc(SERIES, sizeof(*last));
	struct ipcshm_ring ring;
	unsigned int misses = 0;
	ssize_t ret;

	attach_handle(&ring, IPCSHM_RING_CONSUMER);
	while (misses < 200) {
		ret = get_some(&ring, last);
		expect_result(ret, 7);
		misses = ret > 0 || ret == -EALREADY || !board->drain ? 0 : misses + 1;
	}
	ipcshm_ring_detach(&ring);
	_exit(0);
}

struct child {
	pid_t pid;
	uint32_t token;
	bool producer;
};

static void start_child(struct child *child, uint32_t slot)
{
	child->token = members_join(members, slot);
	child->pid = fork();
	if (child->pid)
		return;
	enter_child(slot);
	if (child->producer)
		produce_items();
	consume_items();
}

/* Returns the exit status, or -1: killed. */
static int bury_child(struct child *child, int options)
{
	int status;

	if (waitpid(child->pid, &status, options) != child->pid)
		return -2;
	members_die(members, child->token);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void make_ring(void)
{
	struct ipcshm_ring_attr attr = {
		.layout = run->layout,
		.flags = (run->producers > 1 ? IPCSHM_RING_MULTI_PRODUCER : 0) |
			 (run->consumers > 1 ? IPCSHM_RING_MULTI_CONSUMER : 0),
		.capacity = run->layout == IPCSHM_RING_RECORDS ? 1024 : 32,
		.item_size = run->layout == IPCSHM_RING_RECORDS ? 0 : 8,
		.handles = PROCESSES_MAX + 2,
	};

	if (run->layout == IPCSHM_RING_CHUNKS) {
		attr.capacity = 8192;
		attr.item_size = 512;
	}
	memset(memory, 0, SIZE);
	memset(board, 0, sizeof(*board));
	if (ipcshm_ring_create(&area, 0, &attr))
		die_with("no ring");
}

static uint64_t count_lost(void)
{
	uint64_t lost = 0;
	uint32_t series, i;

	for (series = 0; series < SERIES; series++)
		for (i = 0; i < board->sent[series]; i++)
			lost += !(board->received[series][i / 8] >> i % 8 & 1);
	return lost;
}

/* One thing that happens to one of them. */
static bool disturb_child(struct child *children, uint32_t slot, uint64_t *kills)
{
	struct child *child = &children[slot];
	int status;

	switch (rand() % 8) {
	case 0:
		if (!run->kills)
			break;
		kill(child->pid, SIGKILL);
		kill(child->pid, SIGCONT);
		status = bury_child(child, 0);
		*kills += status == -1 && !child->producer;
		if (status == 1)
			return false;
		start_child(child, slot);
		break;
	case 1:
	case 2:
		kill(child->pid, SIGSTOP);
		break;
	case 3:
		kill(child->pid, SIGUSR1);
		break;
	default:
		kill(child->pid, SIGCONT);
	}
	return true;
}

/* One run ends early if its board is full. */
static int try_run(uint64_t end)
{
	uint32_t count = run->producers + run->consumers, i;
	struct child children[PROCESSES_MAX];
	uint64_t kills = 0, lost;
	const struct timespec pause = { 0, 300000 };
	int status, failed = 0;

	make_ring();
	for (i = 0; i < count; i++) {
		children[i].producer = i < run->producers;
		start_child(&children[i], i);
	}
	while (ipcshm_deadline(0) < end && !failed && board->series < SERIES - 64) {
		for (i = 0; i < count && !failed; i++) {
			status = bury_child(&children[i], WNOHANG);
			if (status == 1)
				failed = 1;
			else if (status != -2)
				start_child(&children[i], i);
		}
		if (!failed)
			failed = !disturb_child(children, (uint32_t)rand() % count, &kills);
		nanosleep(&pause, NULL);
	}
	board->stop = true;
	for (i = 0; i < count; i++)
		kill(children[i].pid, SIGCONT);
	for (i = 0; i < run->producers; i++)
		failed |= bury_child(&children[i], 0) == 1;
	board->drain = true;
	for (; i < count; i++)
		failed |= bury_child(&children[i], 0) == 1;
	lost = count_lost();
	failed |= lost > kills * BATCH;
	failed |= board->late > (kills + board->returns) * BATCH;
	printf("%s %s %u:%u%s: %llu items, %u lives of producers, %llu consumers killed, %llu lost, %llu late, %llu returned",
	       failed ? "not ok" : "ok", run->name, run->producers, run->consumers,
	       run->kills ? "" : " without kills", (unsigned long long)board->gets, board->series,
	       (unsigned long long)kills, (unsigned long long)lost, (unsigned long long)board->late,
	       (unsigned long long)board->returns);
	if (board->wrong)
		printf(", %s at %d", board->wrong < 0 ? strerror(-board->wrong) : "an item that isn't one",
		       board->where);
	printf("\n");
	fflush(stdout);
	return failed;
}

static int try_runs(uint64_t seconds)
{
	uint64_t end = ipcshm_deadline(seconds * 1000 * MS);
	int failed = 0;

	do
		failed |= try_run(end);
	while (!failed && ipcshm_deadline(0) < end);
	return failed;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint32_t layout;
	} layouts[] = {
		{ "slots", IPCSHM_RING_SLOTS },
		{ "packed", IPCSHM_RING_PACKED },
		{ "records", IPCSHM_RING_RECORDS },
		{ "unbounded", IPCSHM_RING_CHUNKS },
	};
	static const uint32_t sides[][2] = { { 1, 1 }, { 4, 1 }, { 1, 4 }, { 2, 2 }, { 4, 4 } };
	uint64_t seconds = argc > 1 ? strtoul(argv[1], NULL, 10) : 2;
	static struct run this;
	int failed = 0;
	size_t i, k;

	memory = shared_memory(SIZE);
	board = shared_memory(sizeof(*board));
	members = members_create();
	if (ipcshm_area_init_futex(&area, memory, SIZE, members))
		die_with("no area");
	run = &this;
	for (i = 0; i < 4; i++)
		for (k = 0; k < 2 * sizeof(sides) / sizeof(sides[0]); k++) {
			this = (struct run) { layouts[i].name, layouts[i].layout, sides[k / 2][0],
					      sides[k / 2][1], k % 2 };
			if (argc > 2 && strcmp(argv[2], this.name))
				continue;
			if (this.layout != IPCSHM_RING_PACKED || k < 2)
				failed |= try_runs(seconds);
		}
	return failed;
}
