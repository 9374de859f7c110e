/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - an event between processes: a flag to wait for.
 *
 * An event is set or not.  Waiting for one that is set returns at once.  One that
 * resets itself lets one wait through for each time it was set, as a binary
 * semaphore (sem_post(3), sem_wait(3)) that can't be posted twice; a manual one lets all
 * through until it is reset.  Stores before the event was set can be seen after waiting
 * for it.
 *
 * A death ends every wait, since the process that was to set the event may be dead:
 *
 *	deaths = ipcshm_area_deaths(&area);
 *	if (ipcshm_area_is_alive(&area, shared->worker))
 *		ret = ipcshm_event_wait(&area, &shared->done, deaths, IPCSHM_FOREVER);
 */
#ifndef IPCSHM_EVENT_H
#define IPCSHM_EVENT_H

#include <ipcshm-area.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of ipcshm_event_init(). */
#define IPCSHM_EVENT_MANUAL	0x01	/* stays set until it is reset */

/**
 * struct ipcshm_event - an event; lies in the shared memory, in any place that is a
 *	multiple of 4
 * @layout: that it is an event, and of which layout; zero before ipcshm_event_init()
 * @word: whether it is set, and whether anybody may wait
 * @flags: IPCSHM_EVENT_MANUAL
 * @reserved: 0
 *
 * For the library to look into.
 */
struct ipcshm_event {
	uint32_t layout;
	uint32_t word;
	uint32_t flags;
	uint32_t reserved;
};

/**
 * ipcshm_event_init - make an event that isn't set
 * @event: where
 * @flags: IPCSHM_EVENT_MANUAL, or 0: it resets itself when a wait for it has ended
 *
 * Call it once, before other processes use the memory.  If any of several processes may
 * have to do so, call it in the init function of ipcshm_area_open(): a process that is
 * killed there blocks no other.  There is nothing to be destroyed.
 *
 * Return: 0, or -EINVAL: unknown flags.
 */
int ipcshm_event_init(struct ipcshm_event *event, uint32_t flags);

/**
 * ipcshm_event_set - set an event, and wake its waiters
 * @area: the area it lies in
 * @event: the event
 *
 * Wakes one of them if the event resets itself.  No system call without a waiter.
 *
 * Return: 0, or -EINVAL: this is no event; -EKEYREVOKED.
 */
int ipcshm_event_set(const struct ipcshm_area *area, struct ipcshm_event *event);

/**
 * ipcshm_event_reset - clear an event
 * @event: the event
 *
 * Return: 0, or -EINVAL: this is no event.
 */
int ipcshm_event_reset(struct ipcshm_event *event);

/**
 * ipcshm_event_wait - wait until an event is set
 * @area: the area it lies in
 * @event: the event
 * @deaths: the count of deaths that is known, from ipcshm_area_deaths(), taken before
 *	the check that others are alive; if that doesn't matter, just before the call
 * @deadline: when to give up: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()),
 *	or IPCSHM_FOREVER; 0 only looks
 *
 * Return: 0: it was set; -EOWNERDEAD: it isn't, and a member has died; -ETIMEDOUT;
 * -EINTR; -EINVAL: this is no event; or waiting is impossible: -EDQUOT, -EIO,
 * -ENOMEM, -EKEYREVOKED.
 */
int ipcshm_event_wait(const struct ipcshm_area *area, struct ipcshm_event *event,
		      uint32_t deaths, uint64_t deadline);

#ifdef __cplusplus
}
#endif

#endif /* IPCSHM_EVENT_H */
