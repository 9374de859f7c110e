/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - a robust mutex between processes.
 *
 * The semantics are those of a robust POSIX mutex (pthread_mutex_lock(3p),
 * pthread_mutexattr_setrobust(3p), pthread_mutex_consistent(3p)), with these
 * differences:
 *
 * - The owner is a process.  Its threads exclude each other as well, but any of them
 *   may unlock what one of them has locked, and a thread that locks twice waits for
 *   itself (as PTHREAD_MUTEX_NORMAL): -EDEADLK is never returned.  A child of
 *   fork(2) is another process: it owns nothing that its parent has locked.
 * - The death of the owner wakes those who wait, one of which has the mutex next.
 *   There is no list of mutexes that a process has to keep, so a process may hold
 *   any number, and the one who dies needn't be able to do anything.
 * - A signal whose handler was set without SA_RESTART ends a wait, with -EINTR.
 *
 * The owner has died if its address space is gone: by exit, kill or exec.  One that
 * leaves the area (unmaps the region) with the mutex locked is gone as if it had died;
 * but that wakes nobody: who waits already finds out within a second.
 *
 * Locking and unlocking a mutex that nobody else wants is one atomic operation each,
 * and no system call.  The mutex is unfair: who comes just when it is unlocked can
 * have it before those who wait.
 *
 * Others can write to the mutex, since it is in shared memory.  Whatever they write,
 * a call returns by its deadline; but who holds the mutex is then anybody's guess.
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
 * Return: 0: locked; -EOWNERDEAD: locked, but its last owner has died, and what the
 * mutex protects may be half done: repair it and call ipcshm_mutex_consistent().
 * Not locked: -ETIMEDOUT; -EINTR; -ENOTRECOVERABLE: somebody had it with
 * -EOWNERDEAD and unlocked it as it was: it can only be made anew; -ESRCH: the
 * process isn't a member; -EUSERS, -EDQUOT, -ENOMEM: it is a child of fork(2) for which
 * there was no room, and there is none yet: a later call may succeed; -EINVAL: this is
 * no mutex; or why it can't be waited: -EDQUOT, -EIO, -ENOMEM, -EKEYREVOKED.
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
 * ipcshm_mutex_consistent - what the mutex protects is whole again
 * @area: the area it lies in
 * @mutex: the mutex, which the process has locked with -EOWNERDEAD
 *
 * Return: 0, or -EINVAL: nobody died with it, or this is no mutex; -EPERM: the
 * process hasn't locked it.
 */
int ipcshm_mutex_consistent(const struct ipcshm_area *area, struct ipcshm_mutex *mutex);

/**
 * ipcshm_mutex_unlock - unlock a mutex
 * @area: the area it lies in
 * @mutex: the mutex
 *
 * One that was locked with -EOWNERDEAD, without ipcshm_mutex_consistent() after
 * that, becomes -ENOTRECOVERABLE for all who lock it or wait to.
 *
 * Return: 0, or -EPERM: the process hasn't locked it; -EINVAL: this is no mutex.
 */
int ipcshm_mutex_unlock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex);

#ifdef __cplusplus
}
#endif

#endif /* IPCSHM_MUTEX_H */
