/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - a robust mutex between processes.
 *
 * The semantics are those of a robust POSIX mutex (pthread_mutex_lock(3p),
 * pthread_mutexattr_setrobust(3p), pthread_mutex_consistent(3p)), with these
 * differences:
 *
 * - The owner is a process.  Its threads exclude each other as well, but any of them
 *   may unlock a mutex of another, and a thread that locks twice waits for itself (as
 *   PTHREAD_MUTEX_NORMAL): -EDEADLK is never returned.  A child of fork(2) is another
 *   process: it does not own the mutexes of its parent.
 * - The death of the owner wakes the waiters, one of which has the mutex next.
 *   There is no list of mutexes that a process has to keep, so a process may hold
 *   any number, and a dying process needn't be able to do anything.
 * - A signal whose handler was set without SA_RESTART ends a wait, with -EINTR.
 *
 * The owner has died if its address space is gone: by exit, kill or exec.  One that
 * leaves the area (unmaps the region) with the mutex locked is gone as if it had died;
 * but that wakes no waiter: waiters notice it within a second.
 *
 * Locking and unlocking a mutex without contention is one atomic operation each, and no
 * system call.  The mutex is unfair: a process that locks it just as it is unlocked can
 * have it before the waiters.
 *
 * Others can write to the mutex, since it is in shared memory.  Even then a call returns
 * by its deadline; but the owner of the mutex is then unknown.
 *
 *	ret = ipcshm_mutex_lock(&area, &shared->lock, IPCSHM_FOREVER);
 *	if (ret == -EOWNERDEAD) {
 *		repair(shared);
 *		ret = ipcshm_mutex_consistent(&area, &shared->lock);
 *	}
 *	if (ret)
 *		return ret;
 *	...
 *	ipcshm_mutex_unlock(&area, &shared->lock);
 */
#ifndef IPCSHM_MUTEX_H
#define IPCSHM_MUTEX_H

#include <ipcshm-area.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct ipcshm_mutex - a mutex; lies in the shared memory, in any place that is a
 *	multiple of 4
 * @layout: that it is a mutex, and of which layout; zero before
 *	ipcshm_mutex_init(), as new memory is
 * @word: the token of the owner, or 0; and in the two highest bits whether others
 *	wait, and whether an owner has died
 * @reserved: 0
 *
 * For the library to look into.
 */
struct ipcshm_mutex {
	uint32_t layout;
	uint32_t word;
	uint32_t reserved[2];
};

/**
 * ipcshm_mutex_init - make a mutex, unlocked
 * @mutex: where
 *
 * Call it once, before other processes use the memory.  If any of several processes may
 * have to do so, call it in the init function of ipcshm_area_open(): a process that is
 * killed there blocks no other.  There is nothing to be destroyed.
 */
void ipcshm_mutex_init(struct ipcshm_mutex *mutex);

/**
 * ipcshm_mutex_lock - lock a mutex
 * @area: the area it lies in
 * @mutex: the mutex
 * @deadline: when to give up: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()),
 *	or IPCSHM_FOREVER
 *
 * A mutex that is unlocked is locked however long ago the deadline was.
 *
 * Return: 0: locked; -EOWNERDEAD: locked, but its last owner has died, and the protected
 * data may be half done: repair it and call ipcshm_mutex_consistent().
 * Not locked: -ETIMEDOUT; -EINTR; -ENOTRECOVERABLE: an owner got -EOWNERDEAD and
 * unlocked it without a repair: it can only be made anew; -ESRCH: the process isn't a
 * member; -EUSERS, -EDQUOT, -ENOMEM: it is a child of fork(2) for which there was no
 * room, and there is none yet: a later call may succeed; -EINVAL: this is no mutex; or
 * waiting is impossible: -EDQUOT, -EIO, -ENOMEM, -EKEYREVOKED.
 */
int ipcshm_mutex_lock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex,
		      uint64_t deadline);

/**
 * ipcshm_mutex_trylock - lock a mutex if that can be done at once
 * @area: the area it lies in
 * @mutex: the mutex
 *
 * Return: 0 or -EOWNERDEAD: locked, as by ipcshm_mutex_lock(); -EBUSY: it is
 * locked, by another process or by this one; -ENOTRECOVERABLE, -ESRCH, -EINVAL.
 */
int ipcshm_mutex_trylock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex);

/**
 * ipcshm_mutex_consistent - mark the data of a mutex as repaired
 * @area: the area it lies in
 * @mutex: the mutex, which the process has locked with -EOWNERDEAD
 *
 * Return: 0, or -EINVAL: no owner died with it, or this is no mutex; -EPERM: the
 * process hasn't locked it.
 */
int ipcshm_mutex_consistent(const struct ipcshm_area *area, struct ipcshm_mutex *mutex);

/**
 * ipcshm_mutex_unlock - unlock a mutex
 * @area: the area it lies in
 * @mutex: the mutex
 *
 * If it was locked with -EOWNERDEAD, without ipcshm_mutex_consistent() after that, all
 * pending and later locks of it fail with -ENOTRECOVERABLE.
 *
 * Return: 0, or -EPERM: the process hasn't locked it; -EINVAL: this is no mutex.
 */
int ipcshm_mutex_unlock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex);

#ifdef __cplusplus
}
#endif

#endif /* IPCSHM_MUTEX_H */
