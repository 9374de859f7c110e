/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the fuzzer's programs: calls, and their values. */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define VALUES_MAX	24	/* of one call */
#define STEPS_MAX	64	/* of one program */

/**
 * struct step - one call of a program
 * @call: which: a row of the table in grammar.c
 * @object: which of the descriptors or mappings there are, modulo their number
 * @async: made by a thread of its own, which the program does not wait for
 * @literal: bit i: @values[i] is used as it is; else it chooses one of the values
 *	that make sense there
 * @values: of the call's fields, in the order of the table
 */
struct step {
	uint32_t call;
	uint32_t object;
	uint32_t async;
	uint32_t literal;
	uint64_t values[VALUES_MAX];
};

struct program {
	uint32_t count;
	struct step steps[STEPS_MAX];
};

/* Random numbers that depend on nothing but the seed. */
static inline uint64_t draw_number(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* A number below @n; 0 if there is none. */
static inline uint32_t draw_below(uint64_t *state, uint32_t n)
{
	return n ? (uint32_t)(draw_number(state) % n) : 0;
}

/* True one time in @n. */
static inline bool one_in(uint64_t *state, uint32_t n)
{
	return !draw_below(state, n);
}

/* A step that makes sense, but for a value now and then. */
struct step make_step(uint64_t *state);
void change_step(struct step *step, uint64_t *state);

/* One line each, and an empty one at the end. */
void print_program(FILE *file, const struct program *program);
bool parse_program(FILE *file, struct program *program);

/* Once in a process, before its first call. */
bool prepare_calls(void);

/* False if there is nothing yet to make it on. */
bool make_call(const struct step *step);

#endif /* CALLS_H */
