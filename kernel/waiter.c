// SPDX-License-Identifier: GPL-2.0-only
/* One task that sleeps until another one completes its wait. */
#include <linux/hrtimer.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "waiter.h"

/**
 * ipcshm_waiter_sleep - sleep until the wait is completed
 * @waiter: where the one who completes it can find it by now
 * @patience: how long
 *
 * Return: 0 if it was completed; -ERESTARTSYS or -ETIMEDOUT, and then the
 * caller has to take the waiter back, and to see whether it was completed in
 * the meantime, under the lock that protects where it can be found.
 */
int ipcshm_waiter_sleep(struct ipcshm_waiter *waiter, const struct ipcshm_patience *patience)
{
	ktime_t expires = patience->expires;
	ktime_t *timeout = expires == KTIME_MAX ? NULL : &expires;
	int err = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		/* Pairs with ipcshm_waiter_complete(): what it was given is seen. */
		if (smp_load_acquire(&waiter->done))
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (!schedule_hrtimeout_range_clock(timeout, 0, HRTIMER_MODE_ABS,
						    patience->clock)) {
			err = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

/**
 * ipcshm_waiter_complete - end a wait
 * @waiter: no longer found by others, still under the lock that they find it by
 *
 * As soon as @done is set the sleeper may return, its stack and @waiter be gone,
 * and its task exit.  A task is freed a grace period after it last ran, so RCU
 * is all it takes to wake one that may be gone.
 */
void ipcshm_waiter_complete(struct ipcshm_waiter *waiter)
{
	struct task_struct *task = waiter->task;

	rcu_read_lock();
	/* Pairs with the load in ipcshm_waiter_sleep(). */
	smp_store_release(&waiter->done, true);
	wake_up_process(task);
	rcu_read_unlock();
}
