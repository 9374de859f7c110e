// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Gates of topics and services: sleeping and waking.
 *
 *	sleeper					waker
 *	S0 set bit 0				W0 store what is waited for
 *	S1 attempt: nothing			W1 is bit 0 set?
 *	   sleep while the word is that		   clear it, count + 1, wake all
 *
 * All four are seq_cst. A waker that dies between W1 and the wake-up wakes the sleepers by its
 * death, and so does a dead member whose death makes an attempt succeed.
 */
#include <limits.h>

#include "gate.h"
#include "spin.h"

#define SPIN_RETRY	64	/* sleeps without a spin, then one try */

void gate_wake(const struct ipcshm_area *area, struct gate *gate)
{
	uint32_t word = atomic_load(&gate->word);

	while (word & 1) {
		if (atomic_compare_exchange_weak(&gate->word, &word, word + 1)) {
			ipcshm_area_wake(area, (const uint32_t *)&gate->word, INT_MAX);
			return;
		}
	}
}

/* Returns the word to sleep on. */
uint32_t gate_enter(struct gate *gate)
{
	return atomic_fetch_or(&gate->word, 1) | 1;
}

static bool attempt_is_to_wait(int ret)
{
	return ret == -EAGAIN || ret == -EALREADY;
}

static uint32_t gate_spin_time(struct gate_spin *spin)
{
	if (!spin || !spin->max)
		return 0;
	if (!spin->now && !(++spin->skipped % SPIN_RETRY))
		spin->now = spin->max < SPIN_MIN ? spin->max : SPIN_MIN;
	return spin->now;
}

/* Attempt the call again for a while: longer the more often that has succeeded. */
static int spin_for(const struct gate_call *call, uint64_t deadline)
{
	uint32_t time = gate_spin_time(call->spin);
	uint64_t end;
	int i, ret;

	if (!time)
		return call->attempt(call->handle, call->argument);
	end = ipcshm_deadline(time);
	if (end > deadline)
		end = deadline;
	do {
		for (i = 0; i < SPIN_LOOKS; i++) {
			ret = call->attempt(call->handle, call->argument);
			if (!attempt_is_to_wait(ret)) {
				call->spin->now = call->spin->max;
				return ret;
			}
			cpu_relax();
		}
	} while (ipcshm_deadline(0) < end);
	call->spin->now = time / 2 < SPIN_MIN ? 0 : time / 2;
	return ret;
}

/* The call was attempted once, and has to wait. */
int gate_wait(const struct ipcshm_area *area, const struct gate_call *call, uint64_t deadline)
{
	uint32_t deaths, word;
	int err, ret;

	for (;;) {
		/* First: a death after this ends the sleep. */
		deaths = ipcshm_area_deaths(area);
		ret = spin_for(call, deadline);
		if (!attempt_is_to_wait(ret))
			return ret;
		word = gate_enter(call->gate);
		ret = call->attempt(call->handle, call->argument);
		if (!attempt_is_to_wait(ret))
			return ret;
		if (deadline != IPCSHM_FOREVER && ipcshm_deadline(0) >= deadline)
			return -ETIMEDOUT;
		if (ret == -EALREADY)
			continue;
		err = ipcshm_area_wait(area, (const uint32_t *)&call->gate->word, word, deaths,
				       deadline);
		if (!err || err == -EAGAIN || err == -EOWNERDEAD)
			continue;
		/* An item that has come counts more than the reason to give up. */
		ret = call->attempt(call->handle, call->argument);
		return attempt_is_to_wait(ret) ? err : ret;
	}
}
