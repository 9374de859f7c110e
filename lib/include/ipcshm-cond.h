/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - a condition variable between processes.
 *
 * To wait, with a mutex, for a state of the data that the mutex protects.  The
 * semantics are those of POSIX (pthread_cond_wait(3p), pthread_cond_signal(3p)), with
 * these differences:
 *
 * - A death ends every wait, as a wake-up for no reason does: the process that was to
 *   signal may be dead.  So a signal can't get lost with a waiter that dies, either.
 * - A call doesn't outlast its deadline, not even to get the mutex back, which
 *   another may hold for ever: -EBUSY.
 * - A signal whose handler was set without SA_RESTART ends a wait, with -EINTR.
 *
 * As with POSIX a wait may end for no reason, so it belongs in a loop:
 *
 *	ret = ipcshm_mutex_lock(&area, &shared->lock, IPCSHM_FOREVER);
 *	while (!ret && !shared->items) {
 *		deaths = ipcshm_area_deaths(&area);
 *		if (!ipcshm_area_is_alive(&area, shared->producer))
 *			break;
 *		ret = ipcshm_cond_wait(&area, &shared->more, &shared->lock, deaths,
 *				       IPCSHM_FOREVER);
 *	}
 */
#ifndef IPCSHM_COND_H
#define IPCSHM_COND_H

#include <ipcshm-mutex.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct ipcshm_cond - a condition variable; lies in the shared memory, in any place
 *	that is a multiple of 4
 * @layout: that it is a condition, and of which layout; zero before
 *	ipcshm_cond_init()
 * @word: how many signals there were, and in the lowest bit whether anybody may wait
 * @reserved: 0
 *
 * For the library to look into.
 */
struct ipcshm_cond {
	uint32_t layout;
	uint32_t word;
	uint32_t reserved[2];
};

/**
 * ipcshm_cond_init - make a condition variable
 * @cond: where
 *
 * Call it once, before other processes use the memory.  If any of several processes may
 * have to do so, call it in the init function of ipcshm_area_open(): a process that is
 * killed there blocks no other.  There is nothing to be destroyed.
 */
void ipcshm_cond_init(struct ipcshm_cond *cond);

/**
 * ipcshm_cond_wait - unlock a mutex, wait for a signal, and lock the mutex again
 * @area: the area they lie in
 * @cond: the condition
 * @mutex: the mutex, which the process has locked
 * @deaths: the count of deaths that is known, from ipcshm_area_deaths(), taken before
 *	the check that others are alive; if that doesn't matter, just before the call
 * @deadline: when to give up: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), or
 *	IPCSHM_FOREVER
 *
 * Unlocking and waiting are one step for a process that locks the mutex, and then signals.
 *
 * Return: with the mutex locked: 0: there was a signal, or a death, or nothing;
 * -EOWNERDEAD: as ipcshm_mutex_lock(): the mutex's last owner has died with it;
 * -ETIMEDOUT; -EINTR.
 * With the mutex no longer locked: -EBUSY: the deadline has passed, and another has the
 * mutex; -ENOTRECOVERABLE; or waiting is impossible: -EDQUOT, -EIO, -ENOMEM,
 * -EKEYREVOKED.
 * With nothing done: -EPERM: the process hasn't locked the mutex; -EINVAL: this is no
 * condition, or no mutex.
 */
int ipcshm_cond_wait(const struct ipcshm_area *area, struct ipcshm_cond *cond,
		     struct ipcshm_mutex *mutex, uint32_t deaths, uint64_t deadline);

/**
 * ipcshm_cond_signal - wake one waiter of a condition
 * @area: the area it lies in
 * @cond: the condition
 *
 * With the mutex locked or not.  No system call without a waiter, except for the first
 * signal after the last wait.
 *
 * Return: 0, or -EINVAL: this is no condition; -EKEYREVOKED.
 */
int ipcshm_cond_signal(const struct ipcshm_area *area, struct ipcshm_cond *cond);

/**
 * ipcshm_cond_broadcast - wake all waiters of a condition
 * @area: the area it lies in
 * @cond: the condition
 *
 * With the mutex locked or not.  No system call without a waiter.
 *
 * Return: 0, or -EINVAL: this is no condition; -EKEYREVOKED.
 */
int ipcshm_cond_broadcast(const struct ipcshm_area *area, struct ipcshm_cond *cond);

#ifdef __cplusplus
}
#endif

#endif /* IPCSHM_COND_H */
