/* SPDX-License-Identifier: GPL-2.0-only */
/* One task that sleeps until another one completes its wait. */
#ifndef IPCSHM_WAITER_H
#define IPCSHM_WAITER_H

#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/time64.h>

/**
 * struct ipcshm_patience - how long a call may block
 * @expires: when to give up, absolute; KTIME_MAX: never
 * @clock: the clock of @expires
 * @nonblock: don't block at all
 */
struct ipcshm_patience {
	ktime_t expires;
	clockid_t clock;
	bool nonblock;
};

/**
 * struct ipcshm_waiter - on the stack of the task that sleeps
 * @task: who sleeps
 * @done: set once, by ipcshm_waiter_complete()
 */
struct ipcshm_waiter {
	struct task_struct *task;
	bool done;
};

static inline void ipcshm_waiter_init(struct ipcshm_waiter *waiter)
{
	waiter->task = current;
	waiter->done = false;
}

int ipcshm_waiter_sleep(struct ipcshm_waiter *waiter, const struct ipcshm_patience *patience);
void ipcshm_waiter_complete(struct ipcshm_waiter *waiter);

#endif /* IPCSHM_WAITER_H */
