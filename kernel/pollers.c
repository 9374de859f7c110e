// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pollers of an object, woken a few at a time.
 *
 * Any user who may open an object can poll it by tens of thousands of epoll sets, and
 * wake_up_poll() calls them all under one lock. Here the first BATCH pollers are called at
 * once, and a work item calls the rest, so that pollers cost the acting task a constant. The
 * work item calls all of them, the first ones again: a poller looks at the state anew when it
 * is called, so a call too many is harmless. A poller can be an epoll set that hundreds of others
 * poll, so a walk also pauses after some time.
 *
 * The work item keeps its place in the list by an entry of its own, which does nothing when
 * it is called, as the list changes while the lock is dropped.
 */
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>
#include <linux/time64.h>

#include "pollers.h"
#include "work.h"

/* The most pollers that are called while the lock is held once, and the most time for that. */
#define BATCH 32
#define BATCH_NS (100 * NSEC_PER_USEC)

static int pass_over(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	return 0;
}

/*
 * Calls at most BATCH entries from @from on, as wake_up_poll() does: the first exclusive one that
 * accepts the events ends the walk, and so does the time. Returns where to continue, or @end.
 */
static struct list_head *wake_some(struct list_head *from, struct list_head *end, __poll_t events)
{
	struct list_head *next;
	unsigned int count;
	u64 start = 0;

	for (count = 0; from != end; from = next, count++) {
		struct wait_queue_entry *entry = list_entry(from, struct wait_queue_entry, entry);
		unsigned int flags = entry->flags;
		int woken;

		/* One poller needs no clock. */
		if (count == 1)
			start = local_clock();
		if (count == BATCH || (count > 1 && local_clock() - start > BATCH_NS))
			return from;
		next = from->next;
		woken = entry->func(entry, TASK_NORMAL, 0, poll_to_key(events));
		if (woken < 0 || (woken && flags & WQ_FLAG_EXCLUSIVE))
			break;
	}
	return end;
}

/* Entries that are added during the walk are not called: they are in front, or behind the last. */
static void wake_all(struct ipcshm_pollers *pollers, __poll_t events)
{
	struct wait_queue_entry place = { .func = pass_over }, last = { .func = pass_over };
	wait_queue_head_t *head = &pollers->head;
	struct list_head *next;

	spin_lock_irq(&head->lock);
	list_add(&place.entry, &head->head);
	list_add_tail(&last.entry, &head->head);
	for (;;) {
		next = wake_some(place.entry.next, &last.entry, events);
		if (next == &last.entry)
			break;
		list_move_tail(&place.entry, next);
		spin_unlock_irq(&head->lock);
		cond_resched();
		spin_lock_irq(&head->lock);
	}
	list_del(&place.entry);
	list_del(&last.entry);
	spin_unlock_irq(&head->lock);
}

static void pollers_work(struct work_struct *work)
{
	struct ipcshm_pollers *pollers = container_of(work, struct ipcshm_pollers, work);

	wake_all(pollers, (__force __poll_t)atomic_xchg(&pollers->events, 0));
}

/**
 * ipcshm_pollers_wake - report events to all pollers
 * @pollers: of the object
 * @events: what is new
 *
 * Each poller that was added before the call is called, by the work item if there are many. As
 * with wake_up_poll(), a change that is stored before the call is either seen by a poller that
 * looks at it after ipcshm_pollers_add(), or reported to it.
 */
void ipcshm_pollers_wake(struct ipcshm_pollers *pollers, __poll_t events)
{
	wait_queue_head_t *head = &pollers->head;
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&head->lock, flags);
	more = wake_some(head->head.next, &head->head, events) != &head->head;
	spin_unlock_irqrestore(&head->lock, flags);
	if (!more)
		return;
	atomic_or((__force int)events, &pollers->events);
	queue_work(ipcshm_workqueue, &pollers->work);
}

void ipcshm_pollers_init(struct ipcshm_pollers *pollers)
{
	init_waitqueue_head(&pollers->head);
	atomic_set(&pollers->events, 0);
	INIT_WORK(&pollers->work, pollers_work);
}

/* No poller is left. */
void ipcshm_pollers_destroy(struct ipcshm_pollers *pollers)
{
	cancel_work_sync(&pollers->work);
}
