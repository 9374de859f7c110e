// SPDX-License-Identifier: GPL-2.0-only
/* Code of the benches of topics and services. */
#include "figures.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIGURES_MAX 32

struct figure {
	const char *name;
	double values[ROUNDS_MAX];
	unsigned int count;
};

static struct figure figures[FIGURES_MAX];

void die(const char *what, int ret)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(-ret));
	exit(1);
}

void check(const char *what, int ret)
{
	if (ret)
		die(what, ret);
}

/* The figure of that name, or the one that is to get it. */
static struct figure *find_figure(const char *name)
{
	unsigned int i;

	for (i = 0; figures[i].name && strcmp(figures[i].name, name); i++)
		;
	return &figures[i];
}

void note_figure(const char *name, double value)
{
	struct figure *figure = find_figure(name);

	figure->name = name;
	figure->values[figure->count++] = value;
}

static int compare_values(const void *left, const void *right)
{
	const double *x = left, *y = right;

	return *x < *y ? -1 : *x > *y;
}

double find_median(const char *name)
{
	struct figure *figure = find_figure(name);

	if (!figure->count)
		return 0;
	qsort(figure->values, figure->count, sizeof(double), compare_values);
	return figure->values[figure->count / 2];
}

void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu % (size_t)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

void *map_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap", -ENOMEM);
	return memory;
}
