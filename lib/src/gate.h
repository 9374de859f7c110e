/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Gates: words in shared memory that tasks sleep on until another process opens them.
 */
#ifndef IPCSHM_GATE_H
#define IPCSHM_GATE_H

#include <stdatomic.h>

#include "area.h"

#define GATE_ALIGN	128
#define GATE_SPIN_MAX	20000U	/* nanoseconds */

/* A gate word: bit 0: a task may sleep; the rest is a count of openings. */
struct gate {
	_Atomic uint32_t word;
} __attribute__((aligned(GATE_ALIGN)));

/**
 * struct gate_spin - how long to attempt a call again before sleeping
 * @max: nanoseconds, at most
 * @now: nanoseconds, the next time
 * @skipped: sleeps since the last spin, if @now is 0
 */
struct gate_spin {
	uint32_t max;
	uint32_t now;
	uint32_t skipped;
};

/**
 * struct gate_call - a call that may have to wait
 * @attempt: does it without: -EAGAIN, or -EALREADY
 * @handle, @argument: for @attempt
 * @gate: where it sleeps
 * @spin: how long to look again before it sleeps, or NULL
 */
struct gate_call {
	int (*attempt)(void *handle, void *argument);
	void *handle;
	void *argument;
	struct gate *gate;
	struct gate_spin *spin;
};

void gate_wake(const struct ipcshm_area *area, struct gate *gate);
uint32_t gate_enter(struct gate *gate);
int gate_wait(const struct ipcshm_area *area, const struct gate_call *call, uint64_t deadline);

/*
 * The awaited state was stored seq_cst, as is this load; a sleeper sets the bit and looks
 * again, seq_cst. So one of the two sees the other.
 */
static inline void gate_open(const struct ipcshm_area *area, struct gate *gate)
{
	if (__builtin_expect(atomic_load(&gate->word) & 1, 0))
		gate_wake(area, gate);
}

/* Where a gate is, for ipcshm_region_watch(). */
static inline uint64_t gate_offset(const struct ipcshm_area *area, const struct gate *gate)
{
	return (uintptr_t)&gate->word - (uintptr_t)area->base;
}

#endif /* IPCSHM_GATE_H */
