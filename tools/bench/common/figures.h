/* SPDX-License-Identifier: GPL-2.0-only */
/* Code of the benches of topics and services: figures, whose medians are printed. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stddef.h>

#define ROUNDS_MAX 101 /* values of a figure */

/* Print what failed, and -errno; end the program. */
void die(const char *what, int ret);

/* The same unless @ret is 0. */
void check(const char *what, int ret);

/* Add a value to a figure; @name has to stay. */
void note_figure(const char *name, double value);

/* The median of a figure; 0: it has no value. */
double find_median(const char *name);

void run_on(int cpu);
void *map_shared(size_t size);

#endif /* FIGURES_H */
