/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model checker for the library's own code.  A few processes run a role each on a
 * stack of its own, in every order of their visible steps: accesses to the shared
 * memory, waits and wake-ups, and the steps of a death, at every possible point.
 *
 * Define MODEL_SHARED, the type of the shared memory, include this, then the sources
 * under test, and define the functions that are declared below.  From here on, atomic
 * operations are calls of the model, which let all other processes run first.  A state
 * is the shared memory, and the stack and the registers of each process; a known state
 * (by a hash of 64 bits) is not explored again.  The model does not cover memory that
 * is ordered otherwise than the program.
 *
 * It fails at a check_that() in a role; when a process sleeps and no other process could
 * wake it, even with a deadline; and at the scenario's check of the end.
 */
#ifndef MODEL_H
#define MODEL_H

static void take_step(const void *address);

/* The descriptor of each process's area; the model's own if it has one. */
#ifndef MODEL_FD
#define MODEL_FD	(-1)
#endif

/* For the library, its headers too: before each access, the others. */
#define __atomic_load_n(p, order)	(take_step(p), (__atomic_load_n)(p, order))
#define __atomic_store_n(p, v, order)	(take_step(p), (__atomic_store_n)(p, v, order))
#define __atomic_exchange_n(p, v, order) (take_step(p), (__atomic_exchange_n)(p, v, order))
#define __atomic_fetch_and(p, v, order)	(take_step(p), (__atomic_fetch_and)(p, v, order))
#define __atomic_add_fetch(p, v, order)	(take_step(p), (__atomic_add_fetch)(p, v, order))
#define __atomic_fetch_add(p, v, order)	(take_step(p), (__atomic_fetch_add)(p, v, order))
#define __atomic_or_fetch(p, v, order)	(take_step(p), (__atomic_or_fetch)(p, v, order))
#define __atomic_compare_exchange_n(p, e, v, weak, yes, no) \
	(take_step(p), (__atomic_compare_exchange_n)(p, e, v, weak, yes, no))

#include <errno.h>
#include <ipcshm-area.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define PROCESSES	3
#define STACK		8192
#define DEPTH		1000
#define STATES		(1U << 24)

enum state {
	UNUSED,
	RUNS,		/* next: an access, or what comes after a sleep */
	LOOKS_AT_CLOCK,
	WAITS,		/* next: look at the word, and fall asleep */
	SLEEPS,
	WAKES,		/* next: wake others */
	DONE,
	DEAD,		/* next: its slot changes, */
	GONE,		/* next: it is counted, */
	COUNTED,	/* next: sleepers are woken */
	BURIED,
};

struct question {
	const uint32_t *word;
	uint32_t expected, deaths, count;
	uint64_t deadline;
};

struct process {
	enum state state;
	unsigned int member;
	bool late;		/* its deadline is past */
	struct question question;	/* of one who waits or wakes, */
	int answer;			/* and its answer */
	const char *used;	/* of its stack, from here to the end */
	jmp_buf registers;
};

/* struct ipcshm_member_page with no more slots than are used: it is in each state. */
struct __attribute__((may_alias)) small_member_page {
	uint32_t version, max_members, joins, deaths, revoked, reserved[11];
	uint32_t slot[PROCESSES + 1];
};

_Static_assert(offsetof(struct small_member_page, slot) ==
	       offsetof(struct ipcshm_member_page, slot), "not the layout of the real one");

/* Everything that makes a state. */
static struct world {
	MODEL_SHARED shared;
	struct {
		struct small_member_page page;
	} members;
	uint32_t ghost[4];		/* what the roles note, at no step of its own */
	unsigned int deaths_left, signals_left;
	struct process process[PROCESSES];
	char stack[PROCESSES][STACK] __attribute__((aligned(64)));
} world;

/**
 * struct scenario - the roles of processes
 * @role: of each process; NULL: no more
 * @threads: the first two are threads of one process
 * @deaths: how many may die
 * @mortal: bits: which of them
 * @hurry: deadlines can pass
 * @signals: how many waits may be ended by a signal
 * @leaves: whether an awaited process has left; NULL: never
 * @flags: for set_up_shared()
 * @attaching: for the roles: attaching is looked at as well
 * @ordered: for the roles: items have to be in order
 * @dead_owner: the mutex is that of a process that died before
 * @may_sleep: whether a process may sleep for ever; NULL: never
 * @end: the error when all have ended, or NULL
 */
struct scenario {
	void (*role[PROCESSES])(void);
	bool threads;
	unsigned int deaths, mortal, signals;
	bool hurry;
	bool dead_owner;
	bool attaching, ordered;
	uint32_t flags;
	bool (*leaves)(void);
	bool (*may_sleep)(void);
	const char *(*end)(void);
};

static const struct scenario *scenario;
static jmp_buf scheduler;
static unsigned int current;
static const char *failure;
static struct ipcshm_area areas[PROCESSES];
static uint64_t *seen;
static size_t states;

/* Called by the roles. */

static const struct ipcshm_area *own_area(void)
{
	return &areas[current];
}

/* Where the stack of its caller ends. */
static void __attribute__((noinline)) note_stack(struct process *process)
{
	process->used = __builtin_frame_address(0);
}

static void to_scheduler(enum state state)
{
	struct process *process = &world.process[current];

	process->state = state;
	note_stack(process);
	if (!_setjmp(process->registers))
		_longjmp(scheduler, 1);
}

static void check_that(bool right, const char *what)
{
	if (!right && !failure)
		failure = what;
	if (failure)
		to_scheduler(RUNS);
}

/* Functions of the scenarios: whether an address is not written again, */
static bool is_constant(const void *address);
/* the shared memory as it is at first, */
static void set_up_shared(void);
/* the print of a step on the way to a failure, */
static void print_shared(const void *before);
/* and what they note of a death. */
static void on_death(uint32_t token);

/* Only what others write is a step. */
static void take_step(const void *address)
{
	const char *at = address;

	if (at >= (char *)&world.shared && at < (char *)&world.ghost && !is_constant(address))
		to_scheduler(RUNS);
}

/* A question to the scheduler, and its answer. */
static int ask_scheduler(enum state state, struct question question)
{
	struct process *process = &world.process[current];
	int answer;

	process->question = question;
	to_scheduler(state);
	answer = process->answer;
	memset(&process->question, 0, sizeof(process->question));
	process->answer = 0;
	return answer;
}

static int model_wait(const struct ipcshm_area *area, const uint32_t *word, uint32_t expected,
		      uint32_t deaths, uint64_t deadline)
{
	(void)area;
	return ask_scheduler(WAITS, (struct question) {
		.word = word, .expected = expected, .deaths = deaths, .deadline = deadline });
}

/* Of scenarios that do something at once, with no other in between. */
static bool at_once;

static int wake_at_once(const uint32_t *word);

static int model_wake(const struct ipcshm_area *area, const uint32_t *word, uint32_t count)
{
	(void)area;
	if (at_once)
		return wake_at_once(word);
	return ask_scheduler(WAKES, (struct question) { .word = word, .count = count });
}

/*
 * A time after all deadlines, at which a mutex looks again whether its owner has left.
 * It comes only after that, by scenario->leaves: else it would hide that a wake-up was lost.
 */
#define LATER	(IPCSHM_FOREVER - 1)

/* With scenario->hurry it is any time, but no earlier than it was. */
uint64_t ipcshm_deadline(uint64_t timeout)
{
	struct process *process = &world.process[current];

	if (timeout)
		return LATER;
	if (scenario->hurry && !process->late)
		to_scheduler(LOOKS_AT_CLOCK);
	return process->late ? IPCSHM_FOREVER - 1 : 0;
}

#define HURRY	(IPCSHM_FOREVER - 2)	/* a deadline that passes at any time */

/* The possible next steps. */

struct choice {
	enum { RUN, WAKE_THIS, TIME_OUT, INTERRUPT, BE_LATE, KILL, BURY } what;
	unsigned int who, whom;
};

static unsigned int list_choices(struct choice *choices, bool *progress)
{
	unsigned int count = 0, i, k;

	*progress = false;
	for (i = 0; i < PROCESSES; i++) {
		struct process *process = &world.process[i];
		enum state state = process->state;
		unsigned int before = count;

		switch (state) {
		case LOOKS_AT_CLOCK:
			choices[count++] = (struct choice) { BE_LATE, i, 0 };
			/* fall through */
		case RUNS:
		case WAITS:
			choices[count++] = (struct choice) { RUN, i, 0 };
			break;
		case WAKES:
			for (k = 0; process->question.count == 1 && k < PROCESSES; k++)
				if (world.process[k].state == SLEEPS &&
				    world.process[k].question.word == process->question.word)
					choices[count++] = (struct choice) { WAKE_THIS, i, k };
			if (count == before)
				choices[count++] = (struct choice) { RUN, i, 0 };
			break;
		case DEAD:
		case GONE:
		case COUNTED:
			choices[count++] = (struct choice) { BURY, i, 0 };
			break;
		case SLEEPS:
			if (scenario->leaves && scenario->leaves() &&
			    process->question.deadline == LATER)
				choices[count++] = (struct choice) { TIME_OUT, i, 0 };
			break;
		default:
			break;
		}
		*progress |= count > before;
		if (state == SLEEPS && scenario->hurry && process->question.deadline == HURRY)
			choices[count++] = (struct choice) { TIME_OUT, i, 0 };
		if (state == SLEEPS && world.signals_left)
			choices[count++] = (struct choice) { INTERRUPT, i, 0 };
		if (state >= RUNS && state <= WAKES && world.deaths_left &&
		    scenario->mortal >> i & 1)
			choices[count++] = (struct choice) { KILL, i, 0 };
	}
	return count;
}

static void run_role(void)
{
	scenario->role[current]();
	to_scheduler(DONE);
}

/* Data that calls have left there would make equal states differ. */
static void clear_unused_stack(unsigned int who)
{
	memset(world.stack[who], 0, (size_t)(world.process[who].used - world.stack[who]));
}

/* Returns when it has come to its next step. */
static void run_process(unsigned int who)
{
	current = who;
	if (!_setjmp(scheduler))
		_longjmp(world.process[who].registers, 1);
	clear_unused_stack(who);
}

static void awaken_process(unsigned int who, int result)
{
	world.process[who].state = RUNS;
	world.process[who].answer = result;
}

static int wake_at_once(const uint32_t *word)
{
	unsigned int i;
	int woken = 0;

	for (i = 0; i < PROCESSES; i++)
		if (world.process[i].state == SLEEPS && world.process[i].question.word == word) {
			awaken_process(i, 0);
			woken++;
		}
	return woken;
}

/* One who waits looks, one who wakes wakes all; then it runs up to its next step. */
static void run_from(unsigned int who)
{
	struct process *process = &world.process[who];

	if (process->state == WAITS) {
		process->answer = -EAGAIN;
		if (process->question.deaths != world.members.page.deaths) {
			process->answer = -EOWNERDEAD;
		} else if (*process->question.word == process->question.expected) {
			process->state = SLEEPS;
			return;
		}
	} else if (process->state == WAKES) {
		process->answer = wake_at_once(process->question.word);
	}
	run_process(who);
}

static uint32_t token_of(unsigned int member)
{
	return 1U << IPCSHM_TOKEN_SLOT_BITS | member;
}

/* As the module does it; see ipcshm_member_table_give_back() there. */
static void bury_process(unsigned int who)
{
	struct process *process = &world.process[who];
	unsigned int i;

	if (process->state == DEAD)
		world.members.page.slot[process->member] = 0;
	else if (process->state == GONE)
		world.members.page.deaths++;
	else
		for (i = 0; i < PROCESSES; i++)
			if (world.process[i].state == SLEEPS &&
			    world.process[i].question.deaths != world.members.page.deaths)
				awaken_process(i, -EOWNERDEAD);
	process->state++;
}

/* With all of its threads. */
static void kill_member(unsigned int who)
{
	unsigned int i;

	for (i = 0; i < PROCESSES; i++)
		if (world.process[i].state != UNUSED &&
		    world.process[i].member == world.process[who].member)
			world.process[i].state = BURIED;
	world.process[who].state = DEAD;
	world.deaths_left--;
}

static void apply_choice(const struct choice *choice)
{
	struct process *process = &world.process[choice->who];

	switch (choice->what) {
	case RUN:
		run_from(choice->who);
		break;
	case WAKE_THIS:
		awaken_process(choice->whom, 0);
		process->answer = 1;
		run_process(choice->who);
		break;
	case TIME_OUT:
		process->late = true;
		awaken_process(choice->who, -ETIMEDOUT);
		break;
	case INTERRUPT:
		world.signals_left--;
		awaken_process(choice->who, -EINTR);
		break;
	case BE_LATE:
		process->late = true;
		run_process(choice->who);
		break;
	case KILL:
		on_death(token_of(process->member));
		kill_member(choice->who);
		break;
	case BURY:
		bury_process(choice->who);
		break;
	}
}

/* All states. */

static uint64_t mix_hash(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint64_t word;
	size_t i;

	for (i = 0; i < size; i += sizeof(word)) {
		word = 0;
		memcpy(&word, bytes + i, size - i < sizeof(word) ? size - i : sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return hash;
}

static uint64_t hash_state(void)
{
	const struct small_member_page *page = &world.members.page;
	uint64_t hash = mix_hash(1, &world.shared, sizeof(world.shared));
	unsigned int i;

	hash = mix_hash(hash, &page->deaths, sizeof(page->deaths));
	hash = mix_hash(hash, page->slot, PROCESSES * sizeof(page->slot[0]));
	hash = mix_hash(hash, world.ghost, sizeof(world.ghost));
	hash = mix_hash(hash, &world.deaths_left, 2 * sizeof(world.deaths_left));
	for (i = 0; i < PROCESSES; i++) {
		const struct process *process = &world.process[i];

		hash = mix_hash(hash, process, offsetof(struct process, late));
		if (process->state >= DONE || process->state == UNUSED)
			continue;
		hash = mix_hash(hash, &process->late,
				sizeof(*process) - offsetof(struct process, late));
		hash = mix_hash(hash, process->used,
				(size_t)(world.stack[i] + STACK - process->used));
	}
	return hash ? hash : 1;
}

static bool is_new(uint64_t hash)
{
	size_t at = hash % STATES;

	while (seen[at] && seen[at] != hash)
		at = (at + 1) % STATES;
	if (seen[at])
		return false;
	seen[at] = hash;
	return ++states < STATES / 4 * 3;
}

static bool task_sleeps(void)
{
	unsigned int i;

	for (i = 0; i < PROCESSES; i++)
		if (world.process[i].state == SLEEPS)
			return true;
	return false;
}

/* The error when no process can continue, or NULL. */
static const char *find_error(void)
{
	if (task_sleeps())
		return scenario->may_sleep && scenario->may_sleep() ? NULL :
		       "a process sleeps for ever";
	return scenario->end ? scenario->end() : NULL;
}

/* The way to a failure, one line a step, from its end. */
static void print_step(const struct choice *choice, const struct world *before)
{
	static const char *const names[] = {
		"runs", "wakes", "times out", "is interrupted", "is late", "dies", "is buried",
	};

	fprintf(stderr, "# ");
	print_shared(&before->shared);
	fprintf(stderr, " deaths %u, states %u %u %u: %u %s", before->members.page.deaths, before->process[0].state, before->process[1].state,
		before->process[2].state, choice->who, names[choice->what]);
	if (choice->what == WAKE_THIS)
		fprintf(stderr, " %u", choice->whom);
	fprintf(stderr, "\n");
}

static bool explore_states(unsigned int depth)
{
	struct choice choices[PROCESSES * (PROCESSES + 3)];
	static struct world way[DEPTH];
	struct world *saved = &way[depth];
	unsigned int count, i;
	bool progress;

	if (!is_new(hash_state()))
		return true;
	count = list_choices(choices, &progress);
	if (!progress)
		failure = find_error();
	if (depth == DEPTH - 1)
		failure = "no end to it";
	memcpy(saved, &world, sizeof(world));
	for (i = 0; i < count && !failure; i++) {
		apply_choice(&choices[i]);
		if (!failure && explore_states(depth + 1)) {
			memcpy(&world, saved, sizeof(world));
			continue;
		}
		print_step(&choices[i], saved);
	}
	return !failure;
}

/* Up to its first step. */
static void start_process(unsigned int i)
{
	ucontext_t context;

	current = i;
	getcontext(&context);
	context.uc_stack.ss_sp = world.stack[i];
	context.uc_stack.ss_size = STACK;
	makecontext(&context, run_role, 0);
	if (!_setjmp(scheduler))
		setcontext(&context);
}

static void set_up_process(unsigned int i)
{
	static const struct ipcshm_area_ops ops = {
		.size = sizeof(ops),
		.wait = model_wait,
		.wake = model_wake,
	};
	struct process *process = &world.process[i];

	process->member = scenario->threads && i == 1 ? 0 : i;
	if (ipcshm_area_init(&areas[i], &world.shared, sizeof(world.shared), &ops,
			     (const void *)&world.members.page))
		abort();
	areas[i].fd = MODEL_FD;
	ipcshm_area_set_token(&areas[i], token_of(process->member));
	world.members.page.slot[process->member] = token_of(process->member);
	start_process(i);
}

/* NULL, or what is wrong. */
static const char *model_check(const struct scenario *of)
{
	unsigned int i;

	scenario = of;
	memset(&world, 0, sizeof(world));
	world.members.page.version = IPCSHM_MEMBER_PAGE_VERSION;
	world.deaths_left = of->deaths;
	world.signals_left = of->signals;
	seen = calloc(STATES, sizeof(*seen));
	states = 0;
	failure = NULL;
	current = PROCESSES;
	set_up_shared();
	for (i = 0; i < PROCESSES && of->role[i]; i++)
		set_up_process(i);
	explore_states(0);
	free(seen);
	if (states >= STATES / 4 * 3)
		failure = "too many states";
	return failure;
}

#endif /* MODEL_H */
