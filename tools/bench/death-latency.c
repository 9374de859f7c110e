// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long after a kill -9 does a process that waits on a word of a region
 * learn of the death, and how long one that polls a pidfd?
 *
 * The two take turns.  Each time a new victim, a member of the region, is
 * killed by a third process, as soon as the measuring one sleeps.
 *
 *	death-latency [KILLS of each kind]
 *
 * The exit status is 0 if the wait takes at most BOUND times as long as the poll,
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
	int ready;		/* the victim is a member */
};

static struct shared *shared;
static int region;
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

static pid_t start_victim(void)
{
	size_t size;
	void *map;
	pid_t pid;

	shared->ready = 0;
	pid = fork();
	if (pid < 0)
		fail_with("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ipcshm_region_map(region, IPCSHM_READ | IPCSHM_WRITE, &map, &size))
			_exit(1);
		memset(map, 1, size);
		__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
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

static void print_row(const char *what, const uint64_t *sorted, size_t count)
{
	printf("%-8s %8zu %10.1f %10.1f\n", what, count, find_percentile(sorted, count, 50),
	       find_percentile(sorted, count, 99));
}

/* Whether it is within the bound. */
static int print_ratio(const uint64_t *waits, const uint64_t *pidfds, size_t count)
{
	double median = find_percentile(waits, count, 50) / find_percentile(pidfds, count, 50);
	double tail = find_percentile(waits, count, 99) / find_percentile(pidfds, count, 99);
	int within = median <= BOUND && tail <= BOUND;

	printf("%-8s %8s %10.2f %10.2f   %s %.2f\n", "ratio", "", median, tail,
	       within ? "within" : "OVER", BOUND);
	return within;
}

static void set_up(void)
{
	struct ipcshm_region_attr attr = { .size = 65536 };
	int device = ipcshm_open();

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (device >= 0)
		region = ipcshm_region_open(device, NULL,
					    IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600, &attr);
	if (device < 0 || region < 0 || ipcshm_region_map_members(region, &page) ||
	    shared == MAP_FAILED) {
		fprintf(stderr, "death-latency: no region: is the module loaded?\n");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	size_t kills = argc > 1 ? strtoul(argv[1], NULL, 10) : 500, i;
	uint64_t *waits, *pidfds;
	pid_t self = getpid();
	int orders[2];

	set_up();
	waits = calloc(kills, sizeof(*waits));
	pidfds = calloc(kills, sizeof(*pidfds));
	if (!kills || !waits || !pidfds || pipe2(orders, O_CLOEXEC))
		fail_with("death-latency");
	if (!fork()) {
		close(orders[1]);
		kill_each(orders[0], self);
	}
	for (i = 0; i < kills; i++) {
		waits[i] = measure_wait(orders[1], start_victim());
		wait(NULL);
		pidfds[i] = measure_pidfd(orders[1], start_victim());
		wait(NULL);
	}
	qsort(waits, kills, sizeof(*waits), compare_times);
	qsort(pidfds, kills, sizeof(*pidfds), compare_times);
	printf("%-8s %8s %10s %10s\n", "", "kills", "p50 us", "p99 us");
	print_row("WAIT", waits, kills);
	print_row("pidfd", pidfds, kills);
	return print_ratio(waits, pidfds, kills) ? 0 : 1;
}
