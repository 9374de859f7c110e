// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Condition: a word that counts signals, two at a time, and has WAITERS as its lowest
 * bit.
 *
 *	waiter				signaller
 *	set WAITERS, note the word	lock, change things, unlock
 *	unlock the mutex		no WAITERS: done
 *	sleep while the word is		count
 *	  the noted one			wake
 *
 * The next owner of the mutex after the waiter sees WAITERS, and then either changes the
 * word before the waiter sleeps, or finds it asleep.  2^31 signals between noting the word
 * and sleeping on it would look like none.
 *
 * A signaller that found no task to wake clears WAITERS, and only in the very word that
 * it has made.  A task that sleeps on that word is then woken, for nothing; a task that is
 * about to sleep does not.  So every sleeper has set the bit or is about to be woken.
 * Clearing counts as a signal too: signals are not counted without the bit, and the word
 * must differ when the next waiter sets it again.
 */
#include <limits.h>

#include "word.h"

#define COND_LAYOUT	0x436f6e01U	/* "Con", 1 */
#define WAITERS	1U
#define SIGNAL	2U

static bool is_cond(const struct ipcshm_cond *cond)
{
	return layout_is(&cond->layout, COND_LAYOUT);
}

void ipcshm_cond_init(struct ipcshm_cond *cond)
{
	*cond = (struct ipcshm_cond) { 0 };
	layout_set(&cond->layout, COND_LAYOUT);
}

static bool has_waiters(const struct ipcshm_cond *cond)
{
	/* Pairs with ipcshm_cond_wait() by the mutex: see above. */
	return __atomic_load_n(&cond->word, __ATOMIC_RELAXED) & WAITERS;
}

/* The word that it makes. */
static uint32_t count_signal(struct ipcshm_cond *cond)
{
	return __atomic_add_fetch(&cond->word, SIGNAL, __ATOMIC_RELAXED);
}

/* False if there were signals or waiters after @word. */
static bool forget_waiters(struct ipcshm_cond *cond, uint32_t word)
{
	uint32_t none = (word & ~WAITERS) + SIGNAL;

	return __atomic_compare_exchange_n(&cond->word, &word, none, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

static int wake_all(const struct ipcshm_area *area, const struct ipcshm_cond *cond)
{
	int ret = ipcshm_area_wake(area, &cond->word, INT_MAX);

	return ret < 0 ? ret : 0;
}

int ipcshm_cond_signal(const struct ipcshm_area *area, struct ipcshm_cond *cond)
{
	uint32_t word;
	int ret;

	if (!is_cond(cond))
		return -EINVAL;
	if (!has_waiters(cond))
		return 0;
	word = count_signal(cond);
	ret = ipcshm_area_wake(area, &cond->word, 1);
	if (ret < 0)
		return ret;
	return !ret && forget_waiters(cond, word) ? wake_all(area, cond) : 0;
}

int ipcshm_cond_broadcast(const struct ipcshm_area *area, struct ipcshm_cond *cond)
{
	if (!is_cond(cond))
		return -EINVAL;
	if (!has_waiters(cond))
		return 0;
	forget_waiters(cond, count_signal(cond));
	return wake_all(area, cond);
}

/* A signal that this one has had, and can't use. */
static void pass_on(const struct ipcshm_area *area, const struct ipcshm_cond *cond)
{
	ipcshm_area_wake(area, &cond->word, 1);
}

static int await_signal(const struct ipcshm_area *area, const struct ipcshm_cond *cond,
			uint32_t word, uint32_t deaths, uint64_t deadline)
{
	int ret = ipcshm_area_wait(area, &cond->word, word, deaths, deadline);

	/* No signal came since: this one is for an earlier waiter. */
	if (!ret && __atomic_load_n(&cond->word, __ATOMIC_RELAXED) == word)
		pass_on(area, cond);
	return ret == -EAGAIN || ret == -EOWNERDEAD ? 0 : ret;
}

static int lock_again(const struct ipcshm_area *area, struct ipcshm_mutex *mutex,
		      uint64_t deadline)
{
	int ret;

	do
		ret = ipcshm_mutex_lock(area, mutex, deadline);
	while (ret == -EINTR);
	return ret == -ETIMEDOUT ? -EBUSY : ret;
}

int ipcshm_cond_wait(const struct ipcshm_area *area, struct ipcshm_cond *cond,
		     struct ipcshm_mutex *mutex, uint32_t deaths, uint64_t deadline)
{
	uint32_t word;
	int ret, lock;

	if (!is_cond(cond))
		return -EINVAL;
	word = __atomic_or_fetch(&cond->word, WAITERS, __ATOMIC_RELAXED);
	ret = ipcshm_mutex_unlock(area, mutex);
	if (ret)
		return ret;
	ret = await_signal(area, cond, word, deaths, deadline);
	if (ret && ret != -ETIMEDOUT && ret != -EINTR)
		return ret;
	lock = lock_again(area, mutex, deadline);
	if (!ret && lock && lock != -EOWNERDEAD)
		pass_on(area, cond);
	return lock ? lock : ret;
}
