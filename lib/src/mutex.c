// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Mutex: a word with the owner's token.
 *
 *	0				unlocked
 *	owner				locked
 *	owner | INCONSISTENT		locked, and not repaired since an owner died
 *	INCONSISTENT			not recoverable, for ever
 *
 * and WORD_WAITERS with those that have an owner.
 */
#include <limits.h>

#include "word.h"

#define MUTEX_LAYOUT		0x4d757401U	/* "Mut", 1 */
#define INCONSISTENT	(1U << 31)

#define LOOK_AGAIN	1000000000ULL	/* nanoseconds */

static bool is_mutex(const struct ipcshm_mutex *mutex)
{
	return layout_is(&mutex->layout, MUTEX_LAYOUT);
}

static uint32_t owner_of(uint32_t word)
{
	return word & IPCSHM_TOKEN_MASK;
}

void ipcshm_mutex_init(struct ipcshm_mutex *mutex)
{
	*mutex = (struct ipcshm_mutex) { 0 };
	layout_set(&mutex->layout, MUTEX_LAYOUT);
}

/*
 * Lock the mutex, if the word as it was loaded allows it; @locked is what it becomes.
 *
 * Return: 0 or -EOWNERDEAD: locked; -EBUSY; -ENOTRECOVERABLE; -EAGAIN: the word has
 * changed.
 */
static int take_mutex(const struct ipcshm_area *area, struct ipcshm_mutex *mutex, uint32_t word,
		      uint32_t locked)
{
	uint32_t owner = owner_of(word);

	if (!owner && word & INCONSISTENT)
		return -ENOTRECOVERABLE;
	if (owner && ipcshm_area_is_alive(area, owner))
		return -EBUSY;
	if (owner)
		locked |= INCONSISTENT;
	/* Pairs with the exchange in unlock, and a death with the load of its slot. */
	if (!word_take(&mutex->word, word, locked | (word & WORD_WAITERS)))
		return -EAGAIN;
	return owner ? -EOWNERDEAD : 0;
}

/*
 * An owner that leaves the area is gone as one that dies is, but without a count and a
 * wake-up: sleepers check again regularly.
 */
static int sleep_for_owner(const struct ipcshm_area *area, struct ipcshm_mutex *mutex,
			   uint32_t word, uint32_t deaths, uint64_t deadline)
{
	uint64_t until = area->members ? ipcshm_deadline(LOOK_AGAIN) : IPCSHM_FOREVER;
	int ret;

	if (until > deadline)
		until = deadline;
	ret = word_sleep(area, &mutex->word, word, deaths, until);
	return ret == -ETIMEDOUT && until != deadline ? -EAGAIN : ret;
}

static int lock_contended(const struct ipcshm_area *area, struct ipcshm_mutex *mutex,
			  uint32_t locked, uint64_t deadline)
{
	uint32_t deaths, word;
	bool again = false;
	int ret;

	for (;; again = true) {
		/* First: this count has a death, or it ends the sleep, or take_mutex() sees it. */
		deaths = ipcshm_area_deaths(area);
		word = __atomic_load_n(&mutex->word, __ATOMIC_RELAXED);
		ret = take_mutex(area, mutex, word, locked);
		if (ret != -EBUSY && ret != -EAGAIN)
			return ret;
		if (again && is_past(deadline))
			return word_give_up(area, &mutex->word);
		if (ret == -EBUSY)
			ret = sleep_for_owner(area, mutex, word, deaths, deadline);
		if (!ret)
			locked |= WORD_WAITERS;
		else if (ret != -EAGAIN && ret != -EOWNERDEAD)
			return ret;
	}
}

int ipcshm_mutex_lock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex,
		      uint64_t deadline)
{
	uint32_t self = area_token(area);

	if (!is_mutex(mutex))
		return -EINVAL;
	if (!self)
		return area_no_token(area);
	if (word_take(&mutex->word, 0, self))
		return 0;
	return lock_contended(area, mutex, self, deadline);
}

int ipcshm_mutex_trylock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex)
{
	uint32_t self = area_token(area);
	int ret;

	if (!is_mutex(mutex))
		return -EINVAL;
	if (!self)
		return area_no_token(area);
	ret = take_mutex(area, mutex, __atomic_load_n(&mutex->word, __ATOMIC_RELAXED), self);
	return ret == -EAGAIN ? -EBUSY : ret;
}

/* 0, or why not. */
static int check_owner(const struct ipcshm_area *area, const struct ipcshm_mutex *mutex,
		       uint32_t word)
{
	uint32_t self = area_token(area);

	if (!is_mutex(mutex))
		return -EINVAL;
	return self && owner_of(word) == self ? 0 : -EPERM;
}

int ipcshm_mutex_consistent(const struct ipcshm_area *area, struct ipcshm_mutex *mutex)
{
	uint32_t word = __atomic_load_n(&mutex->word, __ATOMIC_RELAXED);
	int ret = check_owner(area, mutex, word);

	if (ret)
		return ret;
	if (!(word & INCONSISTENT))
		return -EINVAL;
	/* No process reads the bit before the owner has unlocked or died. */
	__atomic_fetch_and(&mutex->word, ~INCONSISTENT, __ATOMIC_RELAXED);
	return 0;
}

int ipcshm_mutex_unlock(const struct ipcshm_area *area, struct ipcshm_mutex *mutex)
{
	uint32_t word = __atomic_load_n(&mutex->word, __ATOMIC_RELAXED);
	uint32_t left = word & INCONSISTENT;
	int ret = check_owner(area, mutex, word);

	if (ret)
		return ret;
	/* Others can only have set WORD_WAITERS.  Pairs with word_take(). */
	word = __atomic_exchange_n(&mutex->word, left, __ATOMIC_RELEASE);
	if (word & WORD_WAITERS)
		ipcshm_area_wake(area, &mutex->word, left ? INT_MAX : 1);
	return 0;
}
