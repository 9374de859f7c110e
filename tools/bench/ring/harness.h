/* SPDX-License-Identifier: GPL-2.0-only */
/* Common code of the programs that measure rings. */
#ifndef RING_HARNESS_H
#define RING_HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REPETITIONS_MAX	99
#define TIMES_MAX	(REPETITIONS_MAX * 32)

/* A number of measured times, in nanoseconds. */
struct times {
	double of[TIMES_MAX];
	unsigned int count;
};

void add(struct times *times, double value);
double median(struct times *times);

_Noreturn void die(const char *what);
uint64_t now_ns(void);
void *share(size_t size);
void pin(pid_t pid, unsigned int cpu);
pid_t start_process(unsigned int cpu);
void finish_process(pid_t pid);

static inline void relax_cpu(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

#endif /* RING_HARNESS_H */
