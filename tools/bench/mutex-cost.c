// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of locking and unlocking a mutex, beside a robust pthread mutex between
 * processes.
 *
 * Natively, without the module: the area is plain shared memory with futex, which the
 * path without contention never gets to, and so that both wait in the same way.  The
 * two kinds take turns, REPETITIONS times; the result is the median.
 *
 *	mutex-cost [REPETITIONS]
 *
 * Fails if a mutex without contention costs more than the pthread one.
 */
#include <errno.h>
#include <ipcshm-mutex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ALONE		1000000		/* pairs of lock and unlock of one who is alone */
#define TOGETHER	500000		/* of each of two processes */

struct shared {
	struct ipcshm_mutex mutex __attribute__((aligned(64)));
	pthread_mutex_t pthread __attribute__((aligned(64)));
	uint64_t count __attribute__((aligned(64)));
	uint32_t ready, go;
};

static struct shared *shared;
static struct ipcshm_area area;

static void lock_ours(unsigned int pairs)
{
	while (pairs--) {
		ipcshm_mutex_lock(&area, &shared->mutex, IPCSHM_FOREVER);
		shared->count++;
		ipcshm_mutex_unlock(&area, &shared->mutex);
	}
}

static void lock_theirs(unsigned int pairs)
{
	while (pairs--) {
		pthread_mutex_lock(&shared->pthread);
		shared->count++;
		pthread_mutex_unlock(&shared->pthread);
	}
}

typedef void pairs_fn(unsigned int pairs);

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double measure_alone(pairs_fn *pairs)
{
	double start = now_ns();

	pairs(ALONE);
	return (now_ns() - start) / ALONE;
}

static double measure_together(pairs_fn *pairs)
{
	double start;
	pid_t pid;

	shared->count = 0;
	shared->ready = shared->go = 0;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
		while (!__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE))
			;
		pairs(TOGETHER);
		_exit(0);
	}
	while (!__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE))
		;
	start = now_ns();
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	pairs(TOGETHER);
	waitpid(pid, NULL, 0);
	if (shared->count != 2 * TOGETHER) {
		fprintf(stderr, "mutex-cost: two were inside\n");
		exit(1);
	}
	return (now_ns() - start) / (2 * TOGETHER);
}

static int compare_times(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

/* The ratio. */
static double print_medians(const char *what, double (*measure)(pairs_fn *), unsigned int repetitions)
{
	double *times = calloc(2 * repetitions, sizeof(*times)), ratio;
	unsigned int i;

	if (!times)
		exit(1);
	for (i = 0; i < repetitions; i++) {
		times[i] = measure(lock_ours);
		times[repetitions + i] = measure(lock_theirs);
	}
	qsort(times, repetitions, sizeof(*times), compare_times);
	qsort(times + repetitions, repetitions, sizeof(*times), compare_times);
	ratio = times[repetitions / 2] / times[repetitions + repetitions / 2];
	printf("%-28s %12.1f %12.1f %8.2f\n", what, times[repetitions / 2],
	       times[repetitions + repetitions / 2], ratio);
	free(times);
	return ratio;
}

static int set_up(void)
{
	pthread_mutexattr_t attr;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED || ipcshm_area_init_futex(&area, shared, sizeof(*shared), NULL))
		return -1;
	ipcshm_mutex_init(&shared->mutex);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	return pthread_mutex_init(&shared->pthread, &attr);
}

int main(int argc, char **argv)
{
	unsigned int repetitions = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 21;
	double ratio;

	if (!repetitions || set_up()) {
		fprintf(stderr, "mutex-cost: no shared memory, or 0 repetitions\n");
		return 1;
	}
	printf("%-28s %12s %12s %8s\n", "lock and unlock, median ns", "ipcshm", "pthread", "ratio");
	ratio = print_medians("alone", measure_alone, repetitions);
	print_medians("two processes", measure_together, repetitions);
	return ratio > 1.0;
}
