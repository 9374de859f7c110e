/* SPDX-License-Identifier: GPL-2.0-only */
/* Models of mutex, condition and event: the shared memory, and the roles of the processes. */
#ifndef SYNC_MODEL_H
#define SYNC_MODEL_H

#include "harness.h"

#include <ipcshm-cell.h>
#include <ipcshm-cond.h>
#include <ipcshm-event.h>
#include <ipcshm-mutex.h>

struct synchronised {
	struct ipcshm_mutex mutex;
	struct ipcshm_cond cond, other_cond;
	struct ipcshm_event event;
	uint32_t number[4];	/* for the roles */
	struct ipcshm_cell cell;
	uint64_t values[IPCSHM_CELL_BYTES(8) / 8];
};

#define MODEL_SHARED	struct synchronised
#include "model.h"

#include "../src/mutex.c"
#undef LAYOUT
#include "../src/cond.c"
#undef LAYOUT
#include "../src/event.c"
#undef LAYOUT
#include "../src/cell.c"

#define shared	(&world.shared)

/* Notes of the processes, at no step of their own. */
#define holder	world.ghost[0]	/* the token of the process inside */
#define owed	world.ghost[1]	/* an owner has died, and no process has learned of it */
#define lost	world.ghost[2]	/* the mutex isn't recoverable: 1: soon, 2: now */

#define ALL	7U

static bool is_constant(const void *address)
{
	return address == &shared->mutex.layout || address == &shared->cond.layout ||
	       address == &shared->other_cond.layout || address == &shared->event.layout ||
	       address == &shared->event.flags || address == &shared->cell.layout ||
	       address == &shared->cell.size || address == &shared->cell.writer.layout;
}

static void set_up_shared(void)
{
	ipcshm_mutex_init(&shared->mutex);
	ipcshm_cond_init(&shared->cond);
	ipcshm_cond_init(&shared->other_cond);
	ipcshm_event_init(&shared->event, scenario->flags);
	ipcshm_cell_init(&shared->cell, 8, &(const uint64_t) { 1 });
	if (scenario->dead_owner) {
		shared->mutex.word = token_of(PROCESSES);
		on_death(token_of(PROCESSES));
	}
}

static void print_shared(const void *before)
{
	const struct synchronised *was = before;

	fprintf(stderr, "mutex %8x cond %2x event %8x", was->mutex.word, was->cond.word,
		was->event.word);
}

static void on_death(uint32_t token)
{
	if (owner_of(shared->mutex.word) == token)
		owed = 1;
	if (holder == token)
		holder = 0;
}

/*
 * Mutex.
 */

static void enter_mutex(int result)
{
	check_that(result == 0 || result == -EOWNERDEAD, "not locked");
	check_that((result == -EOWNERDEAD) == owed,
		   "a death is not reported, or one that did not happen");
	check_that(lost < 2, "a mutex that isn't recoverable was locked");
	check_that(!holder, "two are inside");
	holder = ipcshm_area_token(own_area());
	owed = 0;
	if (result == -EOWNERDEAD)
		check_that(!ipcshm_mutex_consistent(own_area(), &shared->mutex),
			   "not made consistent");
	take_step(&shared->number);
}

static void leave_mutex(void)
{
	check_that(holder == ipcshm_area_token(own_area()), "another process is inside");
	holder = 0;
	check_that(!ipcshm_mutex_unlock(own_area(), &shared->mutex), "not unlocked");
}

static void lock_once(void)
{
	enter_mutex(ipcshm_mutex_lock(own_area(), &shared->mutex, IPCSHM_FOREVER));
	leave_mutex();
}

static void lock_twice(void)
{
	lock_once();
	lock_once();
}

/* It may be in a hurry, or interrupted. */
static void lock_if_possible(void)
{
	int result = ipcshm_mutex_lock(own_area(), &shared->mutex,
				       scenario->hurry ? HURRY : IPCSHM_FOREVER);

	if (result == (scenario->hurry ? -ETIMEDOUT : -EINTR))
		return;
	enter_mutex(result);
	leave_mutex();
}

static void try_lock(void)
{
	int result = ipcshm_mutex_trylock(own_area(), &shared->mutex);

	if (result == -EBUSY)
		return;
	enter_mutex(result);
	leave_mutex();
}

/* The process that learns of a death repairs nothing. */
static void lock_and_not_repair(void)
{
	int result = ipcshm_mutex_lock(own_area(), &shared->mutex, IPCSHM_FOREVER);

	if (result == -ENOTRECOVERABLE) {
		check_that(lost, "not recoverable for no reason");
		return;
	}
	if (result == -EOWNERDEAD) {
		owed = 0;
		lost = 1;
		check_that(!ipcshm_mutex_unlock(own_area(), &shared->mutex), "not unlocked");
		lost = 2;
		return;
	}
	enter_mutex(result);
	leave_mutex();
}

/* Leaves, by unmapping it all: no death that would wake anybody. */
static void lock_and_go(void)
{
	enter_mutex(ipcshm_mutex_lock(own_area(), &shared->mutex, IPCSHM_FOREVER));
	holder = 0;
	owed = 1;
	world.members.page.slot[current] = 0;
}

/* The next owner of the mutex has to inform the others: they do not check again. */
static bool first_has_left_with_it(void)
{
	return owner_of(shared->mutex.word) == token_of(0) && !ipcshm_area_is_alive(own_area(),
										    token_of(0));
}

/*
 * Condition.  One makes an item, one of the others takes it and signals the next.
 */

#define made	shared->number[0]
#define taken	shared->number[1]

/* As enter_mutex(), with no step: what the mutex does is tested above. */
static void be_inside(int result)
{
	check_that(result == 0 || result == -EOWNERDEAD, "not locked");
	check_that(!holder, "two are inside");
	holder = ipcshm_area_token(own_area());
	if (result == -EOWNERDEAD)
		check_that(!ipcshm_mutex_consistent(own_area(), &shared->mutex),
			   "not made consistent");
}

static void lock_mutex(void)
{
	int result;

	do
		result = ipcshm_mutex_lock(own_area(), &shared->mutex, IPCSHM_FOREVER);
	while (result == -EINTR);
	be_inside(result);
}

static void make_item(void)
{
	lock_mutex();
	made = 1;
	leave_mutex();
	check_that(!ipcshm_cond_signal(own_area(), &shared->cond), "no signal");
}

static void make_inside(void)
{
	lock_mutex();
	made = 1;
	check_that(!ipcshm_cond_signal(own_area(), &shared->cond), "no signal");
	leave_mutex();
}

static void make_for_all(void)
{
	lock_mutex();
	made = taken = 1;
	leave_mutex();
	check_that(!ipcshm_cond_broadcast(own_area(), &shared->cond), "no broadcast");
}

/* Inside afterwards, or why it gave up. */
static int wait_until_made(uint64_t deadline)
{
	uint32_t deaths;
	int result;

	while (!made) {
		deaths = ipcshm_area_deaths(own_area());
		if (!ipcshm_area_is_alive(own_area(), token_of(0)))
			return 0;
		holder = 0;
		result = ipcshm_cond_wait(own_area(), &shared->cond, &shared->mutex, deaths,
					  deadline);
		if (result == -EBUSY)
			return result;
		be_inside(result == -ETIMEDOUT || result == -EINTR ? 0 : result);
		if (result == -ETIMEDOUT) {
			leave_mutex();
			return result;
		}
	}
	return 0;
}

static void take_until(uint64_t deadline)
{
	lock_mutex();
	if (wait_until_made(deadline))
		return;
	taken = 1;
	leave_mutex();
	check_that(!ipcshm_cond_signal(own_area(), &shared->cond), "no signal");
}

static void take_one(void)
{
	take_until(IPCSHM_FOREVER);
}

/* Gives up whenever it can. */
static void take_in_a_hurry(void)
{
	take_until(HURRY);
}

static const char *is_taken(void)
{
	return made && !taken && world.process[1].state == DONE ? "no process has taken it" : NULL;
}

/*
 * Phases, on one condition: a process that waits for another phase, and came after the
 * signal was counted, must not take the signal from an earlier waiter.
 */

static void make_phase(uint32_t phase)
{
	lock_mutex();
	made = phase;
	leave_mutex();
	check_that(!ipcshm_cond_signal(own_area(), &shared->cond), "no signal");
}

static void make_first(void)
{
	make_phase(1);
}

static void make_both(void)
{
	make_phase(1);
	make_phase(2);
}

static void wait_for_phase(uint32_t phase)
{
	while (made < phase) {
		holder = 0;
		be_inside(ipcshm_cond_wait(own_area(), &shared->cond, &shared->mutex, 0,
					   IPCSHM_FOREVER));
	}
	leave_mutex();
}

static void make_second(void)
{
	lock_mutex();
	wait_for_phase(1);
	make_phase(2);
}

static void await_second(void)
{
	lock_mutex();
	wait_for_phase(2);
}

/* Comes after the first signal was counted, when it may not have woken anybody yet. */
static void await_second_after_first(void)
{
	if (__atomic_load_n(&shared->cond.word, __ATOMIC_RELAXED) < SIGNAL)
		return;
	await_second();
}

/* Waits for nothing, and not for long. */
static void wait_in_a_hurry(void)
{
	int result;

	lock_mutex();
	holder = 0;
	result = ipcshm_cond_wait(own_area(), &shared->cond, &shared->mutex, 0, HURRY);
	if (result != -EBUSY) {
		be_inside(result == -ETIMEDOUT ? 0 : result);
		leave_mutex();
	}
	if (!result)
		check_that(!ipcshm_cond_signal(own_area(), &shared->cond), "no signal");
}

static bool second_has_come(void)
{
	return world.process[1].state == DONE;
}

/* A buffer with room for one, and two conditions. */
static void put_two(void)
{
	for (int i = 0; i < 2; i++) {
		lock_mutex();
		while (made) {
			holder = 0;
			be_inside(ipcshm_cond_wait(own_area(), &shared->other_cond, &shared->mutex,
						   0, IPCSHM_FOREVER));
		}
		made = 1;
		check_that(!ipcshm_cond_signal(own_area(), &shared->cond), "no signal");
		leave_mutex();
	}
}

static void take_two(void)
{
	for (int i = 0; i < 2; i++) {
		lock_mutex();
		wait_until_made(IPCSHM_FOREVER);
		made = 0;
		leave_mutex();
		check_that(!ipcshm_cond_signal(own_area(), &shared->other_cond), "no signal");
	}
}

/*
 * Event.  One that resets itself is a baton here: its holder sets it for the next.
 */

static void pass_baton_until(uint64_t deadline)
{
	uint32_t deaths = 0;
	int result;

	for (;;) {
		result = ipcshm_event_wait(own_area(), &shared->event, deaths, deadline);
		if (result != -EOWNERDEAD)
			break;
		/* It may be lost. */
		deaths = ipcshm_area_deaths(own_area());
		check_that(!ipcshm_event_set(own_area(), &shared->event), "not set");
	}
	if (result == -ETIMEDOUT || result == -EINTR)
		return;
	check_that(!result, "no wait");
	check_that(!holder || scenario->deaths, "two have the baton");
	holder = ipcshm_area_token(own_area());
	take_step(&shared->number);
	holder = 0;
	check_that(!ipcshm_event_set(own_area(), &shared->event), "not set");
}

static void pass_baton(void)
{
	pass_baton_until(IPCSHM_FOREVER);
}

static void pass_baton_in_a_hurry(void)
{
	pass_baton_until(HURRY);
}

static void start_baton(void)
{
	check_that(!ipcshm_event_set(own_area(), &shared->event), "not set");
	pass_baton();
}

/* A manual one lets all through. */
static void wait_for_event(void)
{
	check_that(!ipcshm_event_wait(own_area(), &shared->event, 0, IPCSHM_FOREVER), "no wait");
	check_that(shared->number[0] == 1, "not what was stored");
}

static void set_manual(void)
{
	shared->number[0] = 1;
	check_that(!ipcshm_event_set(own_area(), &shared->event), "not set");
}

#endif /* SYNC_MODEL_H */
