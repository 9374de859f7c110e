// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm-cost: what few and what many idle objects add to an operation. */
#include <errno.h>
#include <ipcshm.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "crowd.h"

#define FEW_DESCRIPTORS		1000
#define MANY_DESCRIPTORS	16000
#define FEW_SLEEPERS		3	/* one for each kind of filter */
#define MANY_SLEEPERS		1000
#define PAIRS			2000	/* messages sent and received in a turn */

/* Open the queue of this process, which is made by the first call. */
static int open_queue(void)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = IPCSHM_UNBOUNDED,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = 64,
	};
	int device = ipcshm_open(), queue = device;

	if (device >= 0)
		queue = ipcshm_queue_open(device, "crowd",
					  IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600, &attr);
	if (queue < 0)
		bench_die("ipcshm_queue_open", queue);
	close(device);
	return queue;
}

/* Exec closes descriptors, each of an open queue. */

/* Nanoseconds of an exec with so many descriptors, until its program has ended. */
static double time_exec(unsigned int count)
{
	uint64_t *start = mmap(NULL, sizeof(*start), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double time;
	int status;
	pid_t pid;

	if (start == MAP_FAILED)
		bench_die("mmap", errno);
	pid = fork();
	if (pid < 0)
		bench_die("fork", errno);
	if (!pid) {
		while (count--)
			open_queue();
		*start = bench_now();
		/* A part of no name: it does nothing. */
		execl("/proc/self/exe", "ipcshm-cost", "nothing", NULL);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		bench_die("exec", ECHILD);
	time = (double)(bench_now() - *start);
	munmap(start, sizeof(*start));
	return time;
}

void crowd_exec(void)
{
	const struct rlimit limit = { MANY_DESCRIPTORS + 100, MANY_DESCRIPTORS + 100 };
	int queue = open_queue();
	double none, few, many;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		bench_die("setrlimit", errno);
	time_exec(MANY_DESCRIPTORS);
	none = time_exec(0);
	few = (time_exec(FEW_DESCRIPTORS) - none) / FEW_DESCRIPTORS;
	many = (time_exec(MANY_DESCRIPTORS) - none) / MANY_DESCRIPTORS;
	printf("\n%-16s %12d %12d %8s\n%-16s %12.0f %12.0f %8.3f\n", "closed by exec",
	       FEW_DESCRIPTORS, MANY_DESCRIPTORS, "ratio", "descriptor", few, many, many / few);
	close(queue);
}

/* Messages of a type that blocked receivers do not accept. */

static int shared_queue;

static void *sleep_for_another_type(void *index)
{
	static const struct {
		uint32_t match;
		uint64_t type;
	} others[] = {
		{ IPCSHM_TYPE_EQUAL, 2 }, { IPCSHM_TYPE_NOT, 1 }, { IPCSHM_TYPE_UP_TO, 0 },
	};
	size_t i = (uintptr_t)index % (sizeof(others) / sizeof(others[0]));
	uint64_t value;

	ipcshm_receive_typed(shared_queue, &value, sizeof(value), others[i].type, others[i].match,
			     NULL, IPCSHM_FOREVER);
	bench_die("a receiver of another type got a message", EBADMSG);
	return NULL;
}

/* Start the receivers number @from to @to - 1. */
static void start_sleepers(uintptr_t from, uintptr_t to)
{
	struct ipcshm_queue_stat stat;
	pthread_attr_t small;
	pthread_t thread;
	uintptr_t i;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	for (i = from; i < to; i++)
		if (pthread_create(&thread, &small, sleep_for_another_type, (void *)i))
			bench_die("pthread_create", EAGAIN);
	do {
		sched_yield();
		if (ipcshm_queue_get_stat(shared_queue, &stat, sizeof(stat)))
			bench_die("ipcshm_queue_get_stat", EIO);
	} while (stat.receivers != to);
}

static double time_pair(void)
{
	uint64_t value = 0, start;
	unsigned int i;

	start = bench_now();
	for (i = 0; i < PAIRS; i++)
		if (ipcshm_send_typed(shared_queue, &value, sizeof(value), 1, 0, 0) ||
		    ipcshm_receive_typed(shared_queue, &value, sizeof(value), 1,
					 IPCSHM_TYPE_EQUAL, NULL, 0) != sizeof(value))
			bench_die("a message of a type", EIO);
	return (double)(bench_now() - start) / PAIRS;
}

void crowd_types(void)
{
	double few, many;

	shared_queue = open_queue();
	start_sleepers(0, FEW_SLEEPERS);
	time_pair();
	few = time_pair();
	start_sleepers(FEW_SLEEPERS, MANY_SLEEPERS);
	time_pair();
	many = time_pair();
	printf("\n%-16s %12d %12d %8s\n%-16s %12.0f %12.0f %8.3f\n", "other receivers",
	       FEW_SLEEPERS, MANY_SLEEPERS, "ratio", "send and receive", few, many, many / few);
}
