// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings: waiting for an item, or for room.
 *
 * Each side sleeps at a gate, on its word: bit 0 means that a task may be asleep,
 * bit 1 that one of them needs more than any one item (room) that comes, and the
 * rest is a count that moves with each sleeper and each wake-up.
 *
 *	sleeper					other side
 *	S0 word: count + 1, bit 0		P0 publish
 *	   raise the gate			   fence word set?
 *	S1 fence				P1 fence
 *	S2 look at the ring: nothing		P2 word has bit 0?
 *	   sleep while the word is that		   count + 1, wake
 *
 * Either S2 sees P0 or P2 sees S0, by the two fences, which are the only ones that
 * have to be seq_cst: it is a store before a load of something else on each side.
 *
 * P1 would cost more than all the rest of a put.  So the other side only makes it if
 * the fence word requests it: LOW (0), RISING, HIGH.  A sleeper that finds it not
 * HIGH sets it RISING and has all processors that run an attached process pass a
 * barrier, by membarrier(2): from then on P sees it, and earlier publications can be
 * seen at S2.  A count in the word keeps two that raise it apart.  It stays
 * HIGH until LOWER_AFTER calls of one handle in turn didn't have to sleep.  Where there is no
 * membarrier, sleepers look again every SLICE.
 *
 * A waker wakes one task for each item (room), or all if one needs more, and clears the
 * bits if there were fewer, unless the word has moved on since: a new sleeper has moved
 * it.  A task that was about to sleep on an older count does not sleep.  A dead sleeper
 * leaves the bits set, and costs one needless wake-up.  A woken task that finds more than
 * it needs passes the wake-up on, if its side can have others: an item that was published
 * out of turn (behind an uncommitted item) may have woken no task.
 */
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ring.h"

#define SLEEPERS	1U
#define COUNT		4U

#define LOW		0U
#define RISING		1U
#define HIGH		2U
#define FENCE_COUNT	4U

#define LOWER_AFTER	4096
#define RAISE_TRIES	16
#define SPIN_MAX	20000U			/* nanoseconds */

static int call_membarrier(int command)
{
	int saved = errno;
	int ret = (int)syscall(SYS_membarrier, command, 0, 0);

	if (ret < 0)
		ret = -errno;
	errno = saved;
	return ret;
}

/* For the other side, which does not spin for a process that cannot run. */
uint32_t ring_note_cpu(struct ring *ring)
{
	struct ring_side *side = ring_own_side(ring);
	uint32_t cpu = (uint32_t)sched_getcpu() + 1;

	if (atomic_load_explicit(&side->cpu, memory_order_relaxed) != cpu)
		atomic_store_explicit(&side->cpu, cpu, memory_order_relaxed);
	return cpu;
}

/* The barriers of others reach registered processes only. */
void ring_wait_init(struct ring *ring)
{
	bool reached = !call_membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);

	ring->spin_max = SPIN_MAX;
	ring->spin = SPIN_MAX;
	if (!reached)
		ring->flags |= RING_UNREACHED;
	ring_note_cpu(ring);
}

/* The opening side. */

void ring_gate_open(struct ring *ring, struct ring_gate *gate, uint64_t more)
{
	uint32_t wanted = more < INT32_MAX ? (uint32_t)more : INT32_MAX;
	uint32_t word;
	int woken;

	atomic_thread_fence(memory_order_seq_cst);	/* P1, pairs with S1 */
	if (!(atomic_load_explicit(&gate->word, memory_order_relaxed) & SLEEPERS))
		return;
	ring_note_cpu(ring);
	word = atomic_fetch_add_explicit(&gate->word, COUNT, memory_order_relaxed) + COUNT;
	if (word & RING_GATE_ALL)
		wanted = INT32_MAX;
	woken = ipcshm_area_wake(ring->area, (const uint32_t *)&gate->word, wanted);
	if (woken >= 0 && (uint32_t)woken < wanted)
		atomic_compare_exchange_strong_explicit(&gate->word, &word, word & ~(SLEEPERS | RING_GATE_ALL),
							memory_order_relaxed,
							memory_order_relaxed);
	add_to_counter(&ring_shared(ring)->counters.wakes, woken > 0 ? (uint64_t)woken : 0);
}

/* The sleeping side. */

/*
 * S0.  Set @mine to the word to sleep on; false: the word changes all the time, so that
 * the caller looks at the ring again instead.
 */
bool ring_gate_enter(struct ring_gate *gate, uint32_t how, uint32_t *mine)
{
	uint32_t word = atomic_load_explicit(&gate->word, memory_order_relaxed);
	int tries;

	for (tries = 0; tries < RAISE_TRIES; tries++) {
		*mine = (word + COUNT) | SLEEPERS | how;
		if (!atomic_compare_exchange_weak_explicit(&gate->word, &word, *mine,
							   memory_order_relaxed,
							   memory_order_relaxed))
			continue;
		/* S0 before the look at the fence word, which gate_lower() may be changing. */
		atomic_thread_fence(memory_order_seq_cst);
		return true;
	}
	return false;
}

/* False: membarrier(2) is unavailable. */
bool ring_gate_raise(struct ring_gate *gate)
{
	uint32_t fence = atomic_load_explicit(&gate->fence, memory_order_relaxed);
	uint32_t rising;
	int tries;

	for (tries = 0; tries < RAISE_TRIES; tries++) {
		if ((fence & RING_FENCE_STATE) == HIGH)
			return true;
		rising = ((fence & ~RING_FENCE_STATE) + FENCE_COUNT) | RISING;
		if (!atomic_compare_exchange_strong_explicit(&gate->fence, &fence, rising,
							     memory_order_relaxed,
							     memory_order_relaxed))
			continue;
		if (call_membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED))
			return false;
		fence = rising;
		if (atomic_compare_exchange_strong_explicit(&gate->fence, &fence,
							    rising - RISING + HIGH,
							    memory_order_relaxed,
							    memory_order_relaxed))
			return true;
	}
	return false;
}

/*
 * No task has slept for long.  A task that goes to sleep now either sees that it is LOW
 * (after S0), or is seen here, and is made to look again.
 */
static void gate_lower(struct ring *ring, struct ring_gate *gate)
{
	uint32_t fence = atomic_load_explicit(&gate->fence, memory_order_relaxed);

	if ((fence & RING_FENCE_STATE) != HIGH ||
	    !atomic_compare_exchange_strong_explicit(&gate->fence, &fence, fence & ~RING_FENCE_STATE,
						     memory_order_relaxed, memory_order_relaxed))
		return;
	atomic_thread_fence(memory_order_seq_cst);	/* pairs with that of ring_gate_enter() */
	if (!(atomic_load_explicit(&gate->word, memory_order_relaxed) & SLEEPERS))
		return;
	ring_gate_raise(gate);
	ring_gate_open(ring, gate, INT32_MAX);
}

/* Something was put (got), while one of the gates isn't LOW. */
void ring_attend(struct ring *ring, struct ring_gate *gate, uint64_t more)
{
	if (atomic_load_explicit(&gate->fence, memory_order_relaxed) & RING_FENCE_STATE ||
	    ring->flags & RING_UNREACHED)
		ring_gate_open(ring, gate, more);
	if (++ring->streak < LOWER_AFTER)
		return;
	ring->streak = 0;
	gate_lower(ring, ring_own_gate(ring));
}
