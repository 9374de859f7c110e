/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process that runs programs, one after the other: what a program has got in
 * it, the threads that make some of its calls, the children that it forks.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "calls.h"

#define HANDLES		24
#define MAPS		8
#define HELPERS		2	/* threads that make calls that the program does not wait for */
#define CHILDREN	3	/* that a program can fork; they go on with the program */
#define THREADS		(1 + HELPERS + CHILDREN)

/* The object of a call. */
enum on { DEVICE, REGION, QUEUE, SOCKET, ANYTHING, NOTHING, MAPPING };

struct handle {
	int fd;
	enum on kind;
};

struct mapping {
	uint8_t *at;
	size_t size;
};

extern struct handle handles[HANDLES + HELPERS];
extern unsigned int handle_count;
extern struct mapping maps[MAPS + HELPERS];
extern unsigned int map_count;

/* A returned descriptor: closed when the program ends, or at once if there are too many. */
void remember(int fd, enum on kind);

/* Where a mapping may come to be: nothing that we need ourselves is near. */
void *free_place(size_t size);
void remember_mapping(void *at, size_t size);
/* Return how many bytes at @at, up to @size, can be unmapped without harm to the fuzzer. */
size_t harmless(const uint8_t *at, size_t size);

/*
 * True in the child, which has a thread's number of its own; it goes on for @grace
 * ms at the most after its parent has come to the end.
 */
bool fork_child(unsigned int grace);

/* The @nth thing that can fail in this thread's next call does. */
void fail_next(unsigned int nth);
void begin_call(void);
void end_call(void);

/**
 * struct observer - callbacks of calls
 * @begin: called in each thread, and child, with its number: one of THREADS
 * @covered: called in it after each call that it has made
 */
struct observer {
	void (*begin)(unsigned int number);
	void (*covered)(void);
};

/* SIGUSR1 must have a handler. */
bool start_process(const struct observer *observer);
void run_program(const struct program *program);

#endif /* PROCESS_H */
