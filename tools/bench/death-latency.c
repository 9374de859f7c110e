// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time from a kill -9 until a process that waits on a word of a region learns of the death,
 * until a blocked receiver gets the message that the victim had not acknowledged, and until a
 * pidfd is readable.
 *
 * The three take turns.  Each time a new victim, a member of the region with such a message, is
 * killed by another process, as soon as the measuring one sleeps.
 *
 *	death-latency [KILLS of each kind]
 *
 * The exit status is 0 if the wait and the receive take at most BOUND times as long as the poll,
 * at the median and at the 99th percentile.
 */
#include <errno.h>
#include <fcntl.h>
#include <ipcshm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BOUND	1.5
#define SETTLE	200000	/* nanoseconds from a process's being asleep to the kill */

/* Shared by all processes. */
struct shared {
	uint64_t killed;	/* when */
	int ready;		/* the victim is a member, and has the message */
};

static struct shared *shared;
static int region, queue;
static const struct ipcshm_member_page *page;

static void fail_with(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int is_asleep(pid_t pid)
{
	char path[32], text[256] = "", *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		fail_with(path);
	close(fd);
	end = strrchr(text, ')');
	return end && end[2] == 'S';
}

static void kill_each(int orders, pid_t sleeper)
{
	uint64_t settled;
	pid_t victim;

	while (read(orders, &victim, sizeof(victim)) == sizeof(victim)) {
		while (!is_asleep(sleeper))
			;
		for (settled = now_ns() + SETTLE; now_ns() < settled;)
			;
		shared->killed = now_ns();
		kill(victim, SIGKILL);
	}
	_exit(0);
}

static void await_kill(void)
{
	struct ipcshm_message message = { 0 };
	size_t size;
	void *map;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ipcshm_region_map(region, IPCSHM_READ | IPCSHM_WRITE, &map, &size) ||
	    ipcshm_receive_ack(queue, &message, 0, IPCSHM_NOW))
		_exit(1);
	memset(map, 1, size);
	__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static pid_t start_victim(void)
{
	pid_t pid;

	shared->ready = 0;
	if (ipcshm_send(queue, "", 0, 0, IPCSHM_NOW))
		fail_with("send");
	pid = fork();
	if (pid < 0)
		fail_with("fork");
	if (!pid)
		await_kill();
	while (!__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE))
		usleep(50);
	return pid;
}

/* Nanoseconds from the kill to the end of the wait. */

static uint64_t measure_wait(int orders, pid_t victim)
{
	uint32_t deaths = ipcshm_deaths(page);
	int result;

	if (write(orders, &victim, sizeof(victim)) < 0)
		fail_with("write");
	result = ipcshm_region_wait(region, 0, 4, 0x01010101, deaths, IPCSHM_FOREVER);
	if (result != -EOWNERDEAD)
		fprintf(stderr, "wait: %d\n", result);
	return now_ns() - shared->killed;
}

static uint64_t measure_receive(int orders, pid_t victim)
{
	uint64_t elapsed;
	ssize_t result;

	if (write(orders, &victim, sizeof(victim)) < 0)
		fail_with("write");
	result = ipcshm_receive(queue, NULL, 0, NULL, IPCSHM_FOREVER);
	elapsed = now_ns() - shared->killed;
	if (result)
		fprintf(stderr, "receive: %zd\n", result);
	return elapsed;
}

static uint64_t measure_pidfd(int orders, pid_t victim)
{
	struct pollfd entry = { .fd = (int)syscall(SYS_pidfd_open, victim, 0), .events = POLLIN };
	uint64_t elapsed;

	if (write(orders, &victim, sizeof(victim)) < 0)
		fail_with("write");
	if (poll(&entry, 1, -1) != 1)
		fail_with("poll");
	elapsed = now_ns() - shared->killed;
	close(entry.fd);
	return elapsed;
}

/* Measure one death; the message of a victim of another kind must not stay. */
static uint64_t measure_death(uint64_t (*measure)(int orders, pid_t victim), int orders)
{
	uint64_t elapsed = measure(orders, start_victim());

	wait(NULL);
	ipcshm_receive(queue, NULL, 0, NULL, IPCSHM_NOW);
	return elapsed;
}

static int compare_times(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

static double find_percentile(const uint64_t *sorted, size_t count, unsigned int percent)
{
	size_t at = count * percent / 100;

	return (double)sorted[at < count ? at : count - 1] / 1000;
}

/* Sorts @times, and prints them and the ratio to the sorted @base; whether it is within BOUND. */
static int print_row(const char *what, uint64_t *times, const uint64_t *base, size_t count)
{
	double median, tail;
	int within;

	qsort(times, count, sizeof(*times), compare_times);
	median = find_percentile(times, count, 50) / find_percentile(base, count, 50);
	tail = find_percentile(times, count, 99) / find_percentile(base, count, 99);
	within = median <= BOUND && tail <= BOUND;
	printf("%-8s %8zu %10.1f %10.1f %8.2f %8.2f   %s %.2f\n", what, count,
	       find_percentile(times, count, 50), find_percentile(times, count, 99), median, tail,
	       within ? "within" : "OVER", BOUND);
	return within;
}

static void set_up(void)
{
	struct ipcshm_region_attr attr = { .size = 65536 };
	struct ipcshm_queue_attr queue_attr = { .max_messages = 1, .max_message_size = 1 };
	uint32_t flags = IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE;
	int device = ipcshm_open();

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (device >= 0) {
		region = ipcshm_region_open(device, NULL, flags, 0600, &attr);
		queue = ipcshm_queue_open(device, NULL, flags, 0600, &queue_attr);
	}
	if (device < 0 || region < 0 || queue < 0 || ipcshm_region_map_members(region, &page) ||
	    shared == MAP_FAILED) {
		fprintf(stderr, "death-latency: no region or queue: is the module loaded?\n");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	size_t kills = argc > 1 ? strtoul(argv[1], NULL, 10) : 500, i;
	uint64_t *waits, *receives, *pidfds;
	pid_t self = getpid();
	int orders[2], within;

	set_up();
	waits = calloc(kills, sizeof(*waits));
	receives = calloc(kills, sizeof(*receives));
	pidfds = calloc(kills, sizeof(*pidfds));
	if (!kills || !waits || !receives || !pidfds || pipe2(orders, O_CLOEXEC))
		fail_with("death-latency");
	if (!fork()) {
		close(orders[1]);
		kill_each(orders[0], self);
	}
	for (i = 0; i < kills; i++) {
		waits[i] = measure_death(measure_wait, orders[1]);
		receives[i] = measure_death(measure_receive, orders[1]);
		pidfds[i] = measure_death(measure_pidfd, orders[1]);
	}
	qsort(pidfds, kills, sizeof(*pidfds), compare_times);
	printf("%-8s %8s %10s %10s %8s %8s\n", "", "kills", "p50 us", "p99 us", "p50 x", "p99 x");
	print_row("pidfd", pidfds, pidfds, kills);
	within = print_row("WAIT", waits, pidfds, kills);
	within &= print_row("RECEIVE", receives, pidfds, kills);
	return within ? 0 : 1;
}
