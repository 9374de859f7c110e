/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The word that a mutex and an event consist of, with a bit for sleepers.
 *
 * While a task sleeps on the word, that bit is set, or a woken task has not looked at
 * the word yet.  So a task that clears the bit has to wake one sleeper, and the woken
 * task has to set it again, as it cannot know whether others sleep.  If either dies
 * before it does so, its death wakes all.
 *
 * Any process can write to the word.  It is loaded once for each decision, and after
 * its first round a loop checks the deadline itself: a word that changes all the time
 * would keep it from sleeping.
 */
#ifndef IPCSHM_WORD_H
#define IPCSHM_WORD_H

#include "area.h"

#define WORD_WAITERS	(1U << 30)

/* The object begins with what it is: not initialised, or written to, it is refused. */
static inline bool layout_is(const uint32_t *layout, uint32_t wanted)
{
	/* Pairs with layout_set(): what was initialised before it is seen. */
	return __atomic_load_n(layout, __ATOMIC_ACQUIRE) == wanted;
}

static inline void layout_set(uint32_t *layout, uint32_t value)
{
	/* Pairs with layout_is(). */
	__atomic_store_n(layout, value, __ATOMIC_RELEASE);
}

/* An acquire: pairs with the release of the previous owner. */
static inline bool word_take(uint32_t *word, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline bool is_past(uint64_t deadline)
{
	return deadline != IPCSHM_FOREVER && ipcshm_deadline(0) >= deadline;
}

/*
 * Sleep while the word is @value, and the bit set.  Needs no memory order: the wait and the
 * wake-up provide it themselves.
 *
 * Return: as ipcshm_area_wait().
 */
static inline int word_sleep(const struct ipcshm_area *area, uint32_t *word, uint32_t value,
			     uint32_t deaths, uint64_t deadline)
{
	uint32_t asleep = value | WORD_WAITERS;

	if (value != asleep && !__atomic_compare_exchange_n(word, &value, asleep, false,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return -EAGAIN;
	return ipcshm_area_wait(area, word, asleep, deaths, deadline);
}

/* Time is up.  A wake-up that this one may have had is for another then. */
static inline int word_give_up(const struct ipcshm_area *area, const uint32_t *word)
{
	ipcshm_area_wake(area, word, 1);
	return -ETIMEDOUT;
}

#endif /* IPCSHM_WORD_H */
