/* SPDX-License-Identifier: GPL-2.0-only */
/* One task that sleeps until another one completes its wait. */
#ifndef IPCSHM_WAITER_H
#define IPCSHM_WAITER_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/time64.h>
#include <linux/time_namespace.h>

#include "list_ring.h"

/**
 * struct ipcshm_timeout - how long a call may block
 * @expires: when to give up, absolute; KTIME_MAX: never
 * @clock: the clock of @expires
 * @nonblock: don't block at all
 * @busy_poll: nanoseconds to busy-poll for the end of the wait before going to sleep
 */
struct ipcshm_timeout {
	ktime_t expires;
	clockid_t clock;
	bool nonblock;
	u32 busy_poll;
};

static inline bool ipcshm_clock_is_valid(u32 clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME;
}

/* How far a clock of the caller's time namespace is ahead of the kernel's. */
static inline s64 ipcshm_timens_offset_of(clockid_t clock)
{
#ifdef CONFIG_TIME_NS
	const struct timens_offsets *offsets = &current->nsproxy->time_ns->offsets;
	const struct timespec64 *offset = clock == CLOCK_BOOTTIME ? &offsets->boottime :
								    &offsets->monotonic;

	if (clock == CLOCK_REALTIME)
		return 0;
	return unlikely(offset->tv_sec | offset->tv_nsec) ? timespec64_to_ns(offset) : 0;
#else
	return 0;
#endif
}

/* How far CLOCK_MONOTONIC of the caller's time namespace is ahead of the kernel's. */
static inline s64 ipcshm_timens_offset(void)
{
	return ipcshm_timens_offset_of(CLOCK_MONOTONIC);
}

int ipcshm_timeout_init(struct ipcshm_timeout *timeout, u64 deadline, u32 clock, bool nonblock);

/**
 * struct ipcshm_waiter - on the stack of the task that sleeps
 * @task: the sleeping task; immutable
 * @result: 0 or an error; written before @done is set, read after
 * @poked: the sleeper has to look after something, and sleep again
 * @cancelled: the sleeper has to give up
 * @link: in the waits of a descriptor that can be cancelled, under their lock, or alone
 * @done: the wait is over; set once, under the lock by which the waiter is found,
 *	and read without: from then on the waiter may be gone
 */
struct ipcshm_waiter {
	struct task_struct *task;
	int result;
	bool poked;
	bool cancelled;
	bool done;
	struct list_head link;
};

#define IPCSHM_WAKEUPS_MAX 8

/**
 * struct ipcshm_wakeups - tasks to wake when a lock is dropped
 * @count: how many
 * @sync: the waker is about to sleep: a hint to the scheduler that a woken task
 *	had better stay on this CPU
 * @tasks: references, in order
 */
struct ipcshm_wakeups {
	unsigned int count;
	bool sync;
	struct task_struct *tasks[IPCSHM_WAKEUPS_MAX];
};

static inline void ipcshm_waiter_init(struct ipcshm_waiter *waiter)
{
	*waiter = (struct ipcshm_waiter){ .task = current };
	INIT_LIST_HEAD(&waiter->link);
}

/**
 * struct ipcshm_waits - the waits through a descriptor, which can be cancelled
 * @list: their waiters, by @link
 * @cancelled: waits that begin are cancelled at once
 */
struct ipcshm_waits {
	struct list_head list;
	bool cancelled;
};

static inline void ipcshm_waits_init(struct ipcshm_waits *waits)
{
	INIT_LIST_HEAD(&waits->list);
	waits->cancelled = false;
}

/* Add a task that is about to sleep. All that follows is called with one lock held. */
static inline void ipcshm_waits_add(struct ipcshm_waits *waits, struct ipcshm_waiter *waiter)
{
	waiter->cancelled = waits->cancelled;
	if (likely(!waiter->cancelled))
		ipcshm_ring_add(&waiter->link, &waits->list);
}

/* Remove a waiter if it is there. */
static inline void ipcshm_waits_remove(struct ipcshm_waiter *waiter)
{
	ipcshm_ring_remove(&waiter->link);
	INIT_LIST_HEAD(&waiter->link);
}

bool ipcshm_waits_cancel_some(struct ipcshm_waits *waits, struct ipcshm_wakeups *wakeups);

void ipcshm_waiter_init_module(void);
int ipcshm_waiter_sleep(struct ipcshm_waiter *waiter, const struct ipcshm_timeout *timeout);
void ipcshm_waiter_poke(struct ipcshm_waiter *waiter, struct ipcshm_wakeups *wakeups);
void ipcshm_waiter_complete(struct ipcshm_waiter *waiter, int result,
			    struct ipcshm_wakeups *wakeups);
void ipcshm_wakeups_run(struct ipcshm_wakeups *wakeups);

#endif /* IPCSHM_WAITER_H */
