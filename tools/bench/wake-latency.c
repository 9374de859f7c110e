// SPDX-License-Identifier: GPL-2.0-only
/*
 * A round trip between two processes that wait and wake on words of a region:
 * by REGION_WAIT and REGION_WAKE, and by futex(2) on the same memory.
 *
 * The two kinds take turns, REPETITIONS times; the result is the median time
 * of a round trip, alone and with many others who wait on other words.
 *
 *	wake-latency [REPETITIONS]
 *
 * The exit status is 0 if a round trip by the region takes at most BOUND times as
 * long as one by futex(2), in each row.
 */
#include <fcntl.h>
#include <ipcshm.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BOUND		1.15
#define ROUND_TRIPS	2000
#define OTHERS		1000
#define OTHERS_AT	4096	/* offset of the words that the others wait on */
#define SIZE		(OTHERS_AT + 4 * OTHERS + 4096)

/* How to wait on a word while it has a value, and to wake one who does. */
struct kind {
	const char *name;
	void (*wait)(uint32_t offset, uint32_t value);
	void (*wake)(uint32_t offset);
	uint32_t offset;	/* of its word */
};

static int region;
static char *map;
static const struct ipcshm_member_page *members;
static int over;		/* how many rows were */

static uint32_t *get_word(uint32_t offset)
{
	return (uint32_t *)(map + offset);
}

static void region_wait(uint32_t offset, uint32_t value)
{
	ipcshm_region_wait(region, offset, 4, value, ipcshm_deaths(members), IPCSHM_FOREVER);
}

static void region_wake(uint32_t offset)
{
	ipcshm_region_wake(region, offset, 1);
}

static void futex_wait(uint32_t offset, uint32_t value)
{
	syscall(SYS_futex, get_word(offset), FUTEX_WAIT, value, NULL, NULL, 0);
}

static void futex_wake(uint32_t offset)
{
	syscall(SYS_futex, get_word(offset), FUTEX_WAKE, 1, NULL, NULL, 0);
}

static const struct kind kinds[] = {
	{ "region", region_wait, region_wake, 0 },
	{ "futex", futex_wait, futex_wake, 128 },
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Stores this turn, wakes the other one, and waits for the next. */
static void take_turn(const struct kind *kind, uint32_t turn)
{
	__atomic_store_n(get_word(kind->offset), turn, __ATOMIC_SEQ_CST);
	kind->wake(kind->offset);
	while (__atomic_load_n(get_word(kind->offset), __ATOMIC_SEQ_CST) == turn)
		kind->wait(kind->offset, turn);
}

/* Answers each odd turn by an even one. */
static void answer_wakes(const struct kind *kind)
{
	uint32_t turn;

	while (!(__atomic_load_n(get_word(kind->offset), __ATOMIC_SEQ_CST) & 1))
		kind->wait(kind->offset, 0);
	for (turn = 2; turn < 2 * ROUND_TRIPS; turn += 2)
		take_turn(kind, turn);
	__atomic_store_n(get_word(kind->offset), turn, __ATOMIC_SEQ_CST);
	kind->wake(kind->offset);
	_exit(0);
}

/* A death ends the waits of all members: each wait gets the count of deaths, and begins again. */
static pid_t start_answering(const struct kind *kind)
{
	pid_t pid;

	*get_word(kind->offset) = 0;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		answer_wakes(kind);
	}
	return pid;
}

/* Nanoseconds of a round trip. */
static double measure_latency(const struct kind *kind)
{
	pid_t pid = start_answering(kind);
	uint64_t start, elapsed;
	uint32_t turn;

	take_turn(kind, 1);		/* the other one is there */
	start = now_ns();
	for (turn = 3; turn < 2 * ROUND_TRIPS; turn += 2)
		take_turn(kind, turn);
	elapsed = now_ns() - start;
	waitpid(pid, NULL, 0);
	return (double)elapsed / (ROUND_TRIPS - 1);
}

static int compare_times(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static void print_medians(const char *what, unsigned int repetitions)
{
	double *times[2] = { calloc(repetitions, sizeof(double)),
			     calloc(repetitions, sizeof(double)) };
	unsigned int i, k;
	double ratio;

	for (i = 0; i < repetitions; i++)
		for (k = 0; k < 2; k++)
			times[k][i] = measure_latency(&kinds[k]);
	for (k = 0; k < 2; k++)
		qsort(times[k], repetitions, sizeof(double), compare_times);
	ratio = times[0][repetitions / 2] / times[1][repetitions / 2];
	printf("%-28s %12.2f %12.2f %8.2f   %s %.2f\n", what, times[0][repetitions / 2] / 1000,
	       times[1][repetitions / 2] / 1000, ratio, ratio <= BOUND ? "within" : "OVER", BOUND);
	fflush(stdout);
	over += ratio > BOUND;
	free(times[0]);
	free(times[1]);
}

static void *wait_in_region(void *offset)
{
	for (;;)
		region_wait((uint32_t)(uintptr_t)offset, 0);
	return NULL;
}

static void *wait_in_futex(void *offset)
{
	futex_wait((uint32_t)(uintptr_t)offset, 0);
	return NULL;
}

/* A process with threads of both kinds that wait on other words. */
static pid_t start_others(void)
{
	struct ipcshm_region_stat stat = { 0 };
	pthread_attr_t small;
	pthread_t thread;
	uintptr_t i;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_attr_init(&small);
		pthread_attr_setstacksize(&small, 32768);
		for (i = 0; i < OTHERS; i++)
			if (pthread_create(&thread, &small, wait_in_futex,
					   (void *)(OTHERS_AT + 4 * i)) ||
			    pthread_create(&thread, &small, wait_in_region,
					   (void *)(OTHERS_AT + 4 * i)))
				_exit(1);
		for (;;)
			pause();
	}
	while (!ipcshm_region_get_stat(region, &stat, sizeof(stat)) && stat.waiters < OTHERS)
		usleep(1000);
	return pid;
}

static void use_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void print_rows(const char *cpus, unsigned int repetitions)
{
	char what[64];
	pid_t others;

	snprintf(what, sizeof(what), "%s, alone", cpus);
	print_medians(what, repetitions);
	others = start_others();
	snprintf(what, sizeof(what), "%s, %d others", cpus, OTHERS);
	print_medians(what, repetitions);
	kill(others, SIGKILL);
	waitpid(others, NULL, 0);
}

static int set_up(void)
{
	struct ipcshm_region_attr attr = { .size = SIZE };
	int device = ipcshm_open();
	void *memory;
	size_t size;

	if (device < 0)
		return -1;
	region = ipcshm_region_open(device, NULL, IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600,
				    &attr);
	if (region < 0)
		return -1;
	if (ipcshm_region_map(region, IPCSHM_READ | IPCSHM_WRITE, &memory, &size) ||
	    ipcshm_region_map_members(region, &members))
		return -1;
	map = memory;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int repetitions = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 21;

	if (!repetitions || set_up()) {
		fprintf(stderr, "wake-latency: no region: is the module loaded?\n");
		return 1;
	}
	printf("%-28s %12s %12s %8s\n", "round trip, median us", "region", "futex", "ratio");
	print_rows("any CPU", repetitions);
	use_one_cpu();
	print_rows("one CPU", repetitions);
	return over ? 1 : 0;
}
