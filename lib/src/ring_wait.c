// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings: calls that wait for an item, or for room, at a gate (ring_gate.c).
 *
 * Before it sleeps, a call spins: for as long as that has had success of late, or
 * would have had, and not at all where the other side runs on the same CPU.
 */
#include "ring.h"
#include "spin.h"

#define SLICE		(10 * 1000000ULL)	/* nanoseconds */

#define RETRY_SPIN	64			/* waits without, then one try */

static uint64_t time_now(void)
{
	return ipcshm_deadline(0);
}

static uint32_t cpu_of_others(const struct ring *ring)
{
	struct ring_shared *shared = ring_shared(ring);
	bool producer = ring->side == IPCSHM_RING_PRODUCER;

	return atomic_load_explicit(producer ? &shared->consumer.cpu : &shared->producer.cpu,
				    memory_order_relaxed);
}

/* For how long it is worth it, in nanoseconds. */
static uint32_t ring_spin_time(struct ring *ring)
{
	if (!ring->spin_max || ring_note_cpu(ring) == cpu_of_others(ring))
		return 0;
	if (ring->spin >= SPIN_MIN)
		return ring->spin;
	/* It wasn't, of late: is it now? */
	return ++ring->skipped_spins % RETRY_SPIN ? 0 : SPIN_MIN;
}

/* The awaited item came sooner than a sleep takes. */
static void spin_next_time(struct ring *ring)
{
	if (ring->spin < SPIN_MIN && ring->spin_max)
		ring->spin = SPIN_MIN;
}

/* Returns what the last attempt did. */
static ssize_t busy_poll(struct ring *ring, const struct ring_call *call, uint64_t deadline)
{
	uint32_t patience = ring_spin_time(ring);
	uint64_t end;
	ssize_t ret;
	int i;

	if (!patience)
		return call->attempt(ring, call);
	end = time_now() + patience;
	if (end > deadline)
		end = deadline;
	do {
		for (i = 0; i < SPIN_LOOKS; i++) {
			ret = call->attempt(ring, call);
			if (!is_to_wait(ret)) {
				ring->spin = ring->spin_max;
				return ret;
			}
			cpu_relax();
		}
	} while (time_now() < end);
	ring->spin = patience / 2;
	return ret;
}

/* One more look after the last wait: a deadline doesn't hide what is there. */
static ssize_t give_up(struct ring *ring, const struct ring_call *call, int err)
{
	ssize_t ret = call->attempt(ring, call);

	return is_to_wait(ret) ? err : ret;
}

/* Waiters may need different amounts. */
static uint32_t how_to_sleep(const struct ring *ring, const struct ring_call *call)
{
	bool counts_bytes = ring->layout == IPCSHM_RING_RECORDS ||
			    ring->layout == IPCSHM_RING_CHUNKS;
	bool varies = counts_bytes && ring->side == IPCSHM_RING_PRODUCER;

	return varies || call->all || call->peer ? RING_GATE_ALL : 0;
}

/* @err is what a wait ended with. */
static ssize_t after_wait(struct ring *ring, const struct ring_call *call, int err,
			  uint64_t deadline)
{
	if (err && err != -EAGAIN && err != -EOWNERDEAD && err != -ETIMEDOUT)
		return give_up(ring, call, err);
	if (deadline != IPCSHM_FOREVER && time_now() >= deadline)
		return give_up(ring, call, -ETIMEDOUT);
	return -EAGAIN;
}

static ssize_t sleep_at_gate(struct ring *ring, const struct ring_call *call, uint32_t deaths,
			     uint64_t deadline)
{
	struct ring_gate *gate = ring_own_gate(ring);
	uint64_t until = deadline;
	uint64_t began = time_now();
	uint32_t word;
	ssize_t ret;
	int err;

	if (!ring_gate_enter(gate, how_to_sleep(ring, call), &word))
		return after_wait(ring, call, 0, deadline);
	if (!ring_gate_raise(gate) && deadline > began + SLICE)
		until = began + SLICE;
	atomic_thread_fence(memory_order_seq_cst);	/* S1, pairs with P1 */
	ret = call->attempt(ring, call);		/* S2 */
	/* A peer that left may have put something in just before. */
	if (ret == -EAGAIN && !call->peer && ring_is_hung_up(ring)) {
		ret = call->attempt(ring, call);
		if (ret == -EAGAIN)
			return -EPIPE;
	}
	if (ret != -EAGAIN) {
		spin_next_time(ring);
		return ret;
	}
	add_to_counter(&ring_shared(ring)->counters.sleeps, 1);
	ring->streak = 0;
	err = ipcshm_area_wait(ring->area, (const uint32_t *)&gate->word, word, deaths, until);
	if (time_now() - began < ring->spin_max)
		spin_next_time(ring);
	return after_wait(ring, call, err, deadline);
}

/* The call has been attempted once, and has to wait. */
ssize_t ring_wait(struct ring *ring, const struct ring_call *call, uint64_t deadline)
{
	uint64_t sleeps = 0;
	uint32_t deaths;
	ssize_t ret;

	do {
		deaths = ipcshm_area_deaths(ring->area);
		ret = busy_poll(ring, call, deadline);
		if (ret == -EAGAIN) {
			sleeps++;
			ret = sleep_at_gate(ring, call, deaths, deadline);
		}
		/* Others came in between, or there was much to skip: go on until the deadline. */
		if (ret == -EALREADY)
			ret = after_wait(ring, call, 0, deadline);
	} while (is_to_wait(ret));
	/* A call that gives up may have been woken for something that another has to see now. */
	if (sleeps && !call->peer && !ring_is_only_one(ring) &&
	    (ret < 0 || !ring_ops(ring)->ready(ring, ring->item_size ? 1 : 0)))
		ring_gate_open(ring, ring_own_gate(ring), 1);
	return ret;
}
