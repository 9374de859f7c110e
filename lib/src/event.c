// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Event: a word that is SET, or not, and then perhaps WORD_WAITERS.
 */
#include <limits.h>

#include "word.h"

#define EVENT_LAYOUT	0x45766e01U	/* "Evn", 1 */
#define SET	1U

static bool is_event(const struct ipcshm_event *event)
{
	return layout_is(&event->layout, EVENT_LAYOUT);
}

static bool is_manual(const struct ipcshm_event *event)
{
	return __atomic_load_n(&event->flags, __ATOMIC_RELAXED) & IPCSHM_EVENT_MANUAL;
}

int ipcshm_event_init(struct ipcshm_event *event, uint32_t flags)
{
	if (flags & ~(uint32_t)IPCSHM_EVENT_MANUAL)
		return -EINVAL;
	*event = (struct ipcshm_event) { .flags = flags };
	layout_set(&event->layout, EVENT_LAYOUT);
	return 0;
}

int ipcshm_event_set(const struct ipcshm_area *area, struct ipcshm_event *event)
{
	int ret = 0;

	if (!is_event(event))
		return -EINVAL;
	/* Pairs with the load and the taking in wait, and with reset. */
	if (__atomic_exchange_n(&event->word, SET, __ATOMIC_RELEASE) & WORD_WAITERS)
		ret = ipcshm_area_wake(area, &event->word, is_manual(event) ? INT_MAX : 1);
	return ret < 0 ? ret : 0;
}

int ipcshm_event_reset(struct ipcshm_event *event)
{
	if (!is_event(event))
		return -EINVAL;
	/* Makes stores before the set visible, as the event is reset here. */
	__atomic_fetch_and(&event->word, ~SET, __ATOMIC_ACQUIRE);
	return 0;
}

/* 0: it was set; -EBUSY: it isn't; -EAGAIN: the word has changed. */
static int try_pass(struct ipcshm_event *event, uint32_t word, uint32_t left)
{
	if (!(word & SET))
		return -EBUSY;
	if (is_manual(event))
		return 0;
	return word_take(&event->word, word, left) ? 0 : -EAGAIN;
}

int ipcshm_event_wait(const struct ipcshm_area *area, struct ipcshm_event *event,
		      uint32_t deaths, uint64_t deadline)
{
	uint32_t word, left = 0;
	bool again = false;
	int ret, end = 0;

	if (!is_event(event))
		return -EINVAL;
	for (;; again = true) {
		/* Pairs with set. */
		word = __atomic_load_n(&event->word, __ATOMIC_ACQUIRE);
		ret = try_pass(event, word, left);
		if (!ret || end)
			return ret ? end : 0;
		if (again && is_past(deadline))
			return word_give_up(area, &event->word);
		if (ret == -EBUSY)
			ret = word_sleep(area, &event->word, word, deaths, deadline);
		if (!ret)
			left = WORD_WAITERS;
		else if (ret != -EAGAIN)
			end = ret;
	}
}
