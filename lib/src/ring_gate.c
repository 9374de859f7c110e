// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings: waiting for an item, or for room.
 *
 * Each side sleeps at a gate, on its word: bit 0 says that somebody may be asleep,
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
 * P1 would cost more than all the rest of a put.  So the other side only makes it
 * while the fence word says so: LOW (0), RISING, HIGH.  A sleeper that finds it not
 * HIGH sets it RISING and has all processors that run an attached process pass a
 * barrier, by membarrier(2): from then on P sees it, and what was published before
 * can be seen at S2.  A count in the word keeps two that raise it apart.  It stays
 * HIGH until LOWER_AFTER calls of one handle in turn didn't have to sleep.  Where there is no
 * membarrier, sleepers look again every SLICE.
 *
 * A waker wakes as many as there is something for, or all if one needs more, and
 * takes the bits away if there were fewer, unless the word has moved on since: one who
 * went to sleep meanwhile has moved it.  One who was about to sleep on an older count
 * doesn't.  A sleeper that died leaves the bits set, and costs one needless wake-up.
 * Whoever slept and then finds more than it needs passes it on, where others can be on
 * its side: what was published out of turn (behind an item not yet committed) may have
 * come to nobody.
 *
 * Before it sleeps, a call spins: for as long as that has had success of late, or
 * would have had, and not at all where the other side runs on the same CPU.
 */
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

#define SLEEPERS	1U
#define ALL		2U
#define COUNT		4U

#define LOW		0U
#define RISING		1U
#define HIGH		2U
#define FENCE_COUNT	4U

#define LOWER_AFTER	4096
#define RAISE_TRIES	16
#define SLICE		(10 * 1000000ULL)	/* nanoseconds */

#define SPIN_MAX	20000U			/* nanoseconds */
#define SPIN_MIN	2000U			/* longer than the other side needs to wake one */
#define SPIN_LOOKS	16			/* between two looks at the clock */
#define RETRY_SPIN	64			/* waits without, then one try */

static uint64_t now(void)
{
	return ipcshm_deadline(0);
}

static int membarrier(int command)
{
	int saved = errno;
	int ret = (int)syscall(SYS_membarrier, command, 0, 0);

	if (ret < 0)
		ret = -errno;
	errno = saved;
	return ret;
}

/* For the other side, which doesn't wait for one who can't run meanwhile. */
static uint32_t note_cpu(struct ring *ring)
{
	struct ring_side *side = ring_own_side(ring);
	uint32_t cpu = (uint32_t)sched_getcpu() + 1;

	if (atomic_load_explicit(&side->cpu, memory_order_relaxed) != cpu)
		atomic_store_explicit(&side->cpu, cpu, memory_order_relaxed);
	return cpu;
}

static uint32_t cpu_of_others(const struct ring *ring)
{
	struct ring_shared *shared = ring_shared(ring);
	bool producer = ring->side == IPCSHM_RING_PRODUCER;

	return atomic_load_explicit(producer ? &shared->consumer.cpu : &shared->producer.cpu,
				    memory_order_relaxed);
}

/* Those who aren't registered aren't reached by others' barriers. */
void ring_wait_init(struct ring *ring)
{
	bool reached = !membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);

	ring->spin_max = SPIN_MAX;
	ring->spin = SPIN_MAX;
	if (!reached)
		ring->flags |= RING_UNREACHED;
	note_cpu(ring);
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
	note_cpu(ring);
	word = atomic_fetch_add_explicit(&gate->word, COUNT, memory_order_relaxed) + COUNT;
	if (word & ALL)
		wanted = INT32_MAX;
	woken = ipcshm_area_wake(ring->area, (const uint32_t *)&gate->word, wanted);
	if (woken >= 0 && (uint32_t)woken < wanted)
		atomic_compare_exchange_strong_explicit(&gate->word, &word, word & ~(SLEEPERS | ALL),
							memory_order_relaxed,
							memory_order_relaxed);
	count(&ring_shared(ring)->counters.wakes, woken > 0 ? (uint64_t)woken : 0);
}

/* The sleeping side. */

/*
 * S0.  Set @mine to the word to sleep on; false: the word changes all the time, so that
 * the caller looks at the ring again instead.
 */
static bool gate_enter(struct ring_gate *gate, uint32_t how, uint32_t *mine)
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

/* False: nobody can be made to look at the gate. */
static bool gate_raise(struct ring_gate *gate)
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
		if (membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED))
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
 * Nobody has slept for long.  One who goes to sleep now either sees that it is LOW
 * (after S0), or is seen here, and is made to look again.
 */
static void gate_lower(struct ring *ring, struct ring_gate *gate)
{
	uint32_t fence = atomic_load_explicit(&gate->fence, memory_order_relaxed);

	if ((fence & RING_FENCE_STATE) != HIGH ||
	    !atomic_compare_exchange_strong_explicit(&gate->fence, &fence, fence & ~RING_FENCE_STATE,
						     memory_order_relaxed, memory_order_relaxed))
		return;
	atomic_thread_fence(memory_order_seq_cst);	/* pairs with that of gate_enter() */
	if (!(atomic_load_explicit(&gate->word, memory_order_relaxed) & SLEEPERS))
		return;
	gate_raise(gate);
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

/* For how long it is worth it, in nanoseconds. */
static uint32_t spin_time(struct ring *ring)
{
	if (!ring->spin_max || note_cpu(ring) == cpu_of_others(ring))
		return 0;
	if (ring->spin >= SPIN_MIN)
		return ring->spin;
	/* It wasn't, of late: is it now? */
	return ++ring->skipped_spins % RETRY_SPIN ? 0 : SPIN_MIN;
}

/* What was waited for came sooner than it takes to sleep. */
static void spin_next_time(struct ring *ring)
{
	if (ring->spin < SPIN_MIN && ring->spin_max)
		ring->spin = SPIN_MIN;
}

/* Returns what the last attempt did. */
static ssize_t spin(struct ring *ring, const struct ring_call *call, uint64_t deadline)
{
	uint32_t patience = spin_time(ring);
	uint64_t end;
	ssize_t ret;
	int i;

	if (!patience)
		return call->attempt(ring, call);
	end = now() + patience;
	if (end > deadline)
		end = deadline;
	do {
		for (i = 0; i < SPIN_LOOKS; i++) {
			ret = call->attempt(ring, call);
			if (!is_to_wait(ret)) {
				ring->spin = ring->spin_max;
				return ret;
			}
			relax();
		}
	} while (now() < end);
	ring->spin = patience / 2;
	return ret;
}

/* One more look after the last wait: a deadline doesn't hide what is there. */
static ssize_t give_up(struct ring *ring, const struct ring_call *call, int err)
{
	ssize_t ret = call->attempt(ring, call);

	return is_to_wait(ret) ? err : ret;
}

/* Different ones of those who wait need different amounts. */
static uint32_t how_to_sleep(const struct ring *ring, const struct ring_call *call)
{
	bool counts_bytes = ring->layout == IPCSHM_RING_RECORDS ||
			    ring->layout == IPCSHM_RING_CHUNKS;
	bool varies = counts_bytes && ring->side == IPCSHM_RING_PRODUCER;

	return varies || call->all || call->peer ? ALL : 0;
}

/* @err is what a wait ended with. */
static ssize_t after_wait(struct ring *ring, const struct ring_call *call, int err,
			  uint64_t deadline)
{
	if (err && err != -EAGAIN && err != -EOWNERDEAD && err != -ETIMEDOUT)
		return give_up(ring, call, err);
	if (deadline != IPCSHM_FOREVER && now() >= deadline)
		return give_up(ring, call, -ETIMEDOUT);
	return -EAGAIN;
}

static ssize_t sleep_at_gate(struct ring *ring, const struct ring_call *call, uint32_t deaths,
			     uint64_t deadline)
{
	struct ring_gate *gate = ring_own_gate(ring);
	uint64_t until = deadline;
	uint64_t began = now();
	uint32_t word;
	ssize_t ret;
	int err;

	if (!gate_enter(gate, how_to_sleep(ring, call), &word))
		return after_wait(ring, call, 0, deadline);
	if (!gate_raise(gate) && deadline > began + SLICE)
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
	count(&ring_shared(ring)->counters.sleeps, 1);
	ring->streak = 0;
	err = ipcshm_area_wait(ring->area, (const uint32_t *)&gate->word, word, deaths, until);
	if (now() - began < ring->spin_max)
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
		ret = spin(ring, call, deadline);
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

int ipcshm_ring_set_busy_poll(struct ipcshm_ring *handle, uint32_t nanoseconds)
{
	struct ring *ring = ring_of(handle);

	ring->spin_max = nanoseconds;
	ring->spin = nanoseconds;
	return 0;
}

int ipcshm_ring_fd(const struct ipcshm_ring *handle)
{
	const struct ring *ring = (const struct ring *)handle;

	return ring->area->fd < 0 ? -EOPNOTSUPP : ring->area->fd;
}

int ipcshm_ring_arm(struct ipcshm_ring *handle, int fd)
{
	struct ring *ring = ring_of(handle);
	struct ring_gate *gate = ring_own_gate(ring);
	uint64_t offset = (uintptr_t)&gate->word - (uintptr_t)ring->area->base;
	uint32_t deaths = ipcshm_area_deaths(ring->area);
	uint32_t word;

	if (!ring_is_own(ring))
		return -ESRCH;
	if (ring->area->fd < 0)
		return -EOPNOTSUPP;
	if (!gate_enter(gate, ALL, &word))
		return 1;
	if (!gate_raise(gate))
		return -ENOSYS;
	atomic_thread_fence(memory_order_seq_cst);	/* S1, pairs with P1 */
	if (ring_ops(ring)->ready(ring, ring->wanted) != -EAGAIN || ring_is_hung_up(ring))
		return 1;
	ring->streak = 0;
	return ipcshm_region_watch(fd, offset, sizeof(word), word, deaths);
}
