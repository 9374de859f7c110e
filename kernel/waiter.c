// SPDX-License-Identifier: GPL-2.0-only
/* One task that sleeps until another one completes its wait. */
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/wait.h>

#include "waiter.h"

/* From the arguments of a call: -EINVAL if there is no such clock. */
int ipcshm_timeout_init(struct ipcshm_timeout *timeout, u64 deadline, u32 clock, bool nonblock)
{
	s64 expires = min_t(u64, deadline, KTIME_MAX);

	if (!ipcshm_clock_is_valid(clock))
		return -EINVAL;
	if (expires != KTIME_MAX &&
	    check_sub_overflow(expires, ipcshm_timens_offset_of(clock), &expires))
		expires = KTIME_MAX;
	timeout->expires = max_t(s64, expires, 0);
	timeout->clock = clock;
	timeout->nonblock = nonblock;
	timeout->busy_poll = 0;
	return 0;
}

/*
 * For a while, as long as no other task wants the CPU: if the wait ends in that time,
 * neither side has had to go through the scheduler.
 */
static bool busy_poll_done(const struct ipcshm_waiter *waiter, u32 nanoseconds)
{
	u64 start = local_clock();

	do {
		/* Pairs with ipcshm_waiter_complete(), as below. */
		if (smp_load_acquire(&waiter->done))
			return true;
		if (need_resched() || signal_pending(current))
			break;
		cpu_relax();
	} while (local_clock() - start < nanoseconds);
	return false;
}

/**
 * ipcshm_waiter_sleep - sleep until the wait is over
 * @waiter: where its completer can find it by now
 * @timeout: how long
 *
 * Return: 0 if it is, and @waiter has the result; -ERESTARTSYS or -ETIMEDOUT, and
 * then the caller has to look, under the lock, whether it was completed in the
 * meantime; -ECANCELED if it was cancelled; -EAGAIN: it was poked.
 */
int ipcshm_waiter_sleep(struct ipcshm_waiter *waiter, const struct ipcshm_timeout *timeout)
{
	ktime_t expires = timeout->expires;
	ktime_t *hrtimeout = expires == KTIME_MAX ? NULL : &expires;
	int err = 0;

	/* The task that was woken wants this CPU, and may well end the wait. */
	if (need_resched()) {
		cond_resched();
		/* Pairs with the release in ipcshm_waiter_complete(). */
		if (smp_load_acquire(&waiter->done))
			return 0;
	}
	if (timeout->busy_poll && busy_poll_done(waiter, timeout->busy_poll))
		return 0;
	for (;;) {
		/* Freezable: a suspend must not interrupt a call that can't be restarted. */
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		/* Pairs with ipcshm_waiter_complete(): the result is visible. */
		if (smp_load_acquire(&waiter->done))
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (READ_ONCE(waiter->cancelled)) {
			err = -ECANCELED;
			break;
		}
		if (READ_ONCE(waiter->poked)) {
			WRITE_ONCE(waiter->poked, false);
			err = -EAGAIN;
			break;
		}
		if (!schedule_hrtimeout_range_clock(hrtimeout, 0, HRTIMER_MODE_ABS,
						    timeout->clock)) {
			err = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

/**
 * ipcshm_waiter_complete - end a wait
 * @waiter: unlinked; the lock that protected its links is still held
 * @result: of the wait, 0 or an error
 * @wakeups: the tasks to wake when the lock is dropped
 *
 * As soon as @done is set the sleeper may return, and its stack and @waiter be
 * gone: hence the reference to the task.  The wake-up comes after the lock,
 * because the woken task is likely to take the lock next, and would spin on it while
 * the waker's CPU is away.  If there are very many, the rest is woken at once.
 */
void ipcshm_waiter_complete(struct ipcshm_waiter *waiter, int result,
			    struct ipcshm_wakeups *wakeups)
{
	struct task_struct *task = get_task_struct(waiter->task);

	waiter->result = result;
	/* Pairs with ipcshm_waiter_sleep(). */
	smp_store_release(&waiter->done, true);
	if (wakeups->count < IPCSHM_WAKEUPS_MAX) {
		wakeups->tasks[wakeups->count++] = task;
		return;
	}
	wake_up_process(task);
	put_task_struct(task);
}

static void wake_later(struct ipcshm_waiter *waiter, struct ipcshm_wakeups *wakeups)
{
	if (wakeups->count < IPCSHM_WAKEUPS_MAX)
		wakeups->tasks[wakeups->count++] = get_task_struct(waiter->task);
	else
		wake_up_process(waiter->task);
}

/* Make a sleeper look after something, and sleep again; the lock is held by which it was found. */
void ipcshm_waiter_poke(struct ipcshm_waiter *waiter, struct ipcshm_wakeups *wakeups)
{
	WRITE_ONCE(waiter->poked, true);
	wake_later(waiter, wakeups);
}

/* Make some sleepers give up. Return whether there are more. */
bool ipcshm_waits_cancel_some(struct ipcshm_waits *waits, struct ipcshm_wakeups *wakeups)
{
	struct ipcshm_waiter *waiter;

	while (wakeups->count < IPCSHM_WAKEUPS_MAX) {
		waiter = list_first_entry_or_null(&waits->list, struct ipcshm_waiter, link);
		if (!waiter)
			return false;
		ipcshm_waits_remove(waiter);
		WRITE_ONCE(waiter->cancelled, true);
		wake_later(waiter, wakeups);
	}
	return true;
}

/* Flag of a wake-up with that hint, which no header for modules defines. */
static int sync_flags __ro_after_init;

static int learn_flags(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	sync_flags = flags;
	return 0;
}

void __init ipcshm_waiter_init_module(void)
{
	struct wait_queue_entry entry = { .func = learn_flags };
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(head);

	add_wait_queue(&head, &entry);
	__wake_up_sync_key(&head, TASK_NORMAL, NULL);
}

/* As __wake_up_sync_key() for the only task of a wait queue, without the queue. */
static void wake_up_process_sync(struct task_struct *task)
{
	struct wait_queue_entry entry = { .private = task };

	default_wake_function(&entry, TASK_NORMAL, sync_flags, NULL);
}

void ipcshm_wakeups_run(struct ipcshm_wakeups *wakeups)
{
	unsigned int i;

	for (i = 0; i < wakeups->count; i++) {
		if (wakeups->sync)
			wake_up_process_sync(wakeups->tasks[i]);
		else
			wake_up_process(wakeups->tasks[i]);
		put_task_struct(wakeups->tasks[i]);
	}
}
