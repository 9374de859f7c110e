// SPDX-License-Identifier: GPL-2.0-only
/* Processes, each on a CPU of its own, and times. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
	exit(EXIT_FAILURE);
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Memory that is inherited by the processes; all zeroes. */
void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("no memory");
	return memory;
}

void pin(pid_t pid, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(pid, sizeof(set), &set);
}

pid_t start_process(unsigned int cpu)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork failed");
	/* By the parent: under a real-time policy the child may not run before. */
	if (pid)
		pin(pid, cpu);
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

void finish_process(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("a process failed");
}

void add(struct times *times, double value)
{
	if (times->count < TIMES_MAX)
		times->of[times->count++] = value;
}

static int compare_numbers(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

double median(struct times *times)
{
	qsort(times->of, times->count, sizeof(times->of[0]), compare_numbers);
	return times->of[times->count / 2];
}
