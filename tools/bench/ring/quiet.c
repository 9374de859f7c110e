// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls of rings: how many two processes make while items go from one to the
 * other, each of which may wait for ever; and how much of a CPU a consumer without
 * items takes.
 *
 *	quiet [ITEMS]
 */
#include <errno.h>
#include <ipcshm-ring.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define ROOM		(256UL << 10)
#define ITEM		56
#define WARM		100000		/* items, before system calls are counted */
#define IDLE		2000000000ULL	/* nanoseconds */

/* A traced process calls this at the beginning and the end of the counted part. */
#define MARK		SYS_getppid

static void *shared;

static void require_that(bool fine, const char *what)
{
	if (!fine)
		die(what);
}

static void attach_ring(struct ipcshm_ring *ring, struct ipcshm_area *area, uint32_t side)
{
	require_that(!ipcshm_area_init_futex(area, shared, ROOM, NULL) &&
			!ipcshm_ring_attach(ring, area, 0, side), "not attached");
}

static void create_ring(void)
{
	const struct ipcshm_ring_attr attr = {
		.layout = IPCSHM_RING_SLOTS,
		.capacity = 1024,
		.item_size = ITEM,
	};
	struct ipcshm_area area;

	require_that(!ipcshm_area_init_futex(&area, shared, ROOM, NULL) &&
			!ipcshm_ring_create(&area, 0, &attr), "no ring");
	ipcshm_area_destroy(&area);
}

/* Busy. */

static void put_items(struct ipcshm_ring *ring, uint64_t count)
{
	unsigned char item[ITEM] = { 0 };

	while (count--)
		require_that(!ipcshm_ring_put(ring, item, ITEM, IPCSHM_FOREVER), "not put in");
}

static void get_items(struct ipcshm_ring *ring, uint64_t count)
{
	unsigned char item[ITEM];

	while (count--)
		require_that(ipcshm_ring_get(ring, item, ITEM, IPCSHM_FOREVER) == ITEM, "not got");
}

static void take_part(uint32_t side, uint64_t count)
{
	void (*loop)(struct ipcshm_ring *, uint64_t) =
		side == IPCSHM_RING_PRODUCER ? put_items : get_items;
	struct ipcshm_area area;
	struct ipcshm_ring ring;

	attach_ring(&ring, &area, side);
	loop(&ring, WARM);
	syscall(MARK);
	loop(&ring, count);
	syscall(MARK);
	/* The first process to end may keep the other waiting: that is not counted. */
}

static pid_t start_traced(uint32_t side, uint64_t count)
{
	pid_t pid = start_process(side);
	int status;

	if (!pid) {
		require_that(!ptrace(PTRACE_TRACEME, 0, 0, 0), "not traced");
		raise(SIGSTOP);
		take_part(side, count);
		_exit(0);
	}
	require_that(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "a process failed");
	require_that(!ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
		     "not traced");
	return pid;
}

struct traced {
	pid_t pid;
	bool counting;
	uint64_t calls;
};

static void count_call(struct traced *traced)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, traced->pid, sizeof(info), &info) <= 0)
		die("PTRACE_GET_SYSCALL_INFO failed");
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (info.entry.nr == MARK)
		traced->counting = !traced->counting;
	else if (traced->counting)
		traced->calls++;
}

static uint64_t count_calls(uint64_t items)
{
	struct traced traced[2] = {
		{ .pid = start_traced(IPCSHM_RING_PRODUCER, items) },
		{ .pid = start_traced(IPCSHM_RING_CONSUMER, items) },
	};
	unsigned int left = 2;
	int status;
	pid_t pid;

	ptrace(PTRACE_SYSCALL, traced[0].pid, 0, 0);
	ptrace(PTRACE_SYSCALL, traced[1].pid, 0, 0);
	while (left) {
		pid = waitpid(-1, &status, 0);
		require_that(pid > 0 && !WIFSIGNALED(status), "a process failed");
		if (WIFEXITED(status)) {
			require_that(!WEXITSTATUS(status), "a process failed");
			left--;
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			count_call(&traced[pid == traced[1].pid]);
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
	}
	return traced[0].calls + traced[1].calls;
}

/* Idle. */

static uint64_t cpu_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t wait_in_vain(void)
{
	unsigned char item[ITEM];
	struct ipcshm_area area;
	struct ipcshm_ring ring;
	uint64_t before;

	attach_ring(&ring, &area, IPCSHM_RING_CONSUMER);
	before = cpu_time();
	require_that(ipcshm_ring_get(&ring, item, ITEM, ipcshm_deadline(IDLE)) == -ETIMEDOUT,
			"something came");
	return cpu_time() - before;
}

int main(int argc, char **argv)
{
	uint64_t items = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000000;
	uint64_t calls, time;

	require_that(items, "usage: quiet [ITEMS]");
	shared = share(ROOM);
	create_ring();
	calls = count_calls(items);
	printf("%llu system calls of both sides for %llu items: %.6f a message\n",
	       (unsigned long long)calls, (unsigned long long)items,
	       (double)calls / (double)items);
	create_ring();
	time = wait_in_vain();
	printf("a consumer that waits takes %.4f %% of a CPU (%.0f us in %.0f s)\n",
	       100.0 * (double)time / (double)IDLE, (double)time / 1000, (double)IDLE / 1e9);
	return EXIT_SUCCESS;
}
