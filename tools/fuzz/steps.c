// SPDX-License-Identifier: GPL-2.0-only
/* The steps of a program: they are made up, changed, written to a file, and read from one. */
#include <stdlib.h>
#include <string.h>

#include "grammar.h"

/* Making them up. */

static uint32_t choose_call(uint64_t *state)
{
	unsigned int total = 0, chosen;
	uint32_t i;

	for (i = 0; i < call_count; i++)
		total += calls[i].weight;
	chosen = draw_below(state, total);
	for (i = 0; i + 1 < call_count && chosen >= calls[i].weight; i++)
		chosen -= calls[i].weight;
	return i;
}

/* Of one value; a program is written down each time it runs, and so had better be short. */
#define CHOICES	4096

static void choose_value(struct step *step, unsigned int i, uint64_t *state)
{
	step->values[i] = draw_below(state, CHOICES);
	step->literal &= ~(1U << i);
	if (!one_in(state, 24))
		return;
	step->literal |= 1U << i;
	step->values[i] = one_in(state, 2) ? 1ULL << draw_below(state, 64) : draw_number(state);
}

struct step make_step(uint64_t *state)
{
	struct step step = { .call = choose_call(state), .object = draw_below(state, HANDLES) };
	unsigned int i, fields = field_count(&calls[step.call]);

	step.async = one_in(state, 6);
	step.literal = one_in(state, 12) ? LATE_STRUCTURE : 0;
	for (i = 0; i < fields; i++)
		choose_value(&step, i, state);
	return step;
}

void change_step(struct step *step, uint64_t *state)
{
	unsigned int fields = field_count(&calls[step->call]);

	switch (draw_below(state, 8)) {
	case 0:
		step->async ^= 1;
		break;
	case 1:
		step->object = draw_below(state, HANDLES);
		break;
	case 2:
		if (one_in(state, 4)) {
			step->literal ^= LATE_STRUCTURE;
			break;
		}
		__attribute__((fallthrough));
	default:
		if (fields)
			choose_value(step, draw_below(state, fields), state);
	}
}

/* Writing them down. */

void print_program(FILE *file, const struct program *program)
{
	const struct step *step;
	unsigned int i;

	for (step = program->steps; step < program->steps + program->count; step++) {
		fprintf(file, "%s %u %u %x", calls[step->call].name, step->object, step->async,
			step->literal);
		for (i = 0; i < field_count(&calls[step->call]); i++)
			fprintf(file, " %llx", (unsigned long long)step->values[i]);
		fputc('\n', file);
	}
	fputc('\n', file);
}

static bool parse_step(char *line, struct step *step)
{
	char *name = strtok(line, " \n"), *word;
	uint32_t *const head[] = { &step->object, &step->async, &step->literal };
	unsigned int i;

	if (!name)
		return false;
	for (step->call = 0; step->call < call_count; step->call++)
		if (!strcmp(calls[step->call].name, name))
			break;
	for (i = 0; i < COUNT(head); i++) {
		word = strtok(NULL, " \n");
		if (!word)
			return false;
		*head[i] = (uint32_t)strtoul(word, NULL, i == 2 ? 16 : 10);
	}
	for (i = 0; i < VALUES_MAX && (word = strtok(NULL, " \n")); i++)
		step->values[i] = strtoull(word, NULL, 16);
	return step->call < call_count;
}

/* Lines that start with '#' and unknown calls are skipped. */
bool parse_program(FILE *file, struct program *program)
{
	char line[1024];

	memset(program, 0, sizeof(*program));
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '\n' && program->count)
			return true;
		if (line[0] == '\n' || line[0] == '#' || program->count == STEPS_MAX)
			continue;
		if (parse_step(line, &program->steps[program->count]))
			program->count++;
		else
			program->steps[program->count] = (struct step){ 0 };
	}
	return program->count;
}
