// SPDX-License-Identifier: GPL-2.0-only
/* Waiting until there is room for a charge. */
#include <linux/lockdep.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "quota.h"
#include "quota_internal.h"
#include "work.h"

/* How many waiters are woken before the lock is dropped. */
#define WAKE_BATCH 16

void ipcshm_quotas_waiter_init(struct ipcshm_quotas_waiter *waiter,
			       void (*wake)(struct ipcshm_quotas_waiter *waiter))
{
	waiter->wake = wake;
	waiter->record = NULL;
	INIT_LIST_HEAD(&waiter->link);
}

void ipcshm_quotas_kick_waiters(struct ipcshm_quotas *record)
{
	/* Waiters have references; without references, there is no waiter. */
	if (!refcount_inc_not_zero(&record->refs))
		return;
	if (!queue_work(ipcshm_workqueue, &record->work))
		ipcshm_quotas_put(record);
}

static struct ipcshm_quotas *find_full(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
				       u64 amount)
{
	struct ipcshm_quotas *record;

	for_each_charged(record, payer) {
		if (!quota_has_room(payer, record, quota, amount))
			break;
	}
	return record;
}

static void waiter_unlink(struct ipcshm_quotas_waiter *waiter)
{
	lockdep_assert_held(&waiter->record->lock);
	list_del_init(&waiter->link);
	atomic_dec(&waiter->record->waiting);
}

/**
 * ipcshm_quotas_wait - be woken when there may be room for a charge
 * @payer: to be charged; the caller keeps a reference until after ipcshm_quotas_unwait()
 * @quota: the kind
 * @amount: how much
 * @waiter: initialized
 *
 * After it was woken, a waiter tries to charge, and may have to wait again.  In the end
 * it calls ipcshm_quotas_unwait(), by which the next waiter gets its turn.
 *
 * Return: 0: @waiter->wake will be called, once; -EAGAIN: there is room now;
 * -EDQUOT: so much exceeds a maximum.
 */
int ipcshm_quotas_wait(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount,
		       struct ipcshm_quotas_waiter *waiter)
{
	struct ipcshm_quotas *full;

	ipcshm_quotas_unwait(waiter);
	full = find_full(payer, quota, amount);
	if (!full)
		return -EAGAIN;
	if (amount > max_for(payer, full, quota))
		return -EDQUOT;
	waiter->payer = payer;
	waiter->record = full;
	waiter->quota = quota;
	waiter->amount = amount;
	spin_lock(&full->lock);
	list_add_tail(&waiter->link, &full->waiters);
	atomic_inc(&full->waiting);
	spin_unlock(&full->lock);
	/* Pairs with record_uncharge(). */
	smp_mb();
	if (!quota_has_room(payer, full, quota, amount))
		return 0;
	ipcshm_quotas_unwait(waiter);
	return -EAGAIN;
}

/**
 * ipcshm_quotas_unwait - stop to wait
 * @waiter: initialized; it may have been woken, or not have waited at all
 *
 * It is no longer woken.  If it was woken, and has charged less than there was room
 * for, others can be woken in its place.
 */
void ipcshm_quotas_unwait(struct ipcshm_quotas_waiter *waiter)
{
	struct ipcshm_quotas *record = waiter->record;

	if (!record)
		return;
	spin_lock(&record->lock);
	if (!list_empty(&waiter->link))
		waiter_unlink(waiter);
	waiter->record = NULL;
	spin_unlock(&record->lock);
	if (atomic_read(&record->waiting))
		ipcshm_quotas_kick_waiters(record);
}

void ipcshm_quotas_wake_waiters(struct work_struct *work);

/*
 * Wakes the waiters for which there is room, oldest first; the others go back.  A new
 * waiter checks by itself whether there is room.
 */
void ipcshm_quotas_wake_waiters(struct work_struct *work)
{
	struct ipcshm_quotas *record = container_of(work, struct ipcshm_quotas, work);
	u64 promised[IPCSHM_NR_QUOTAS] = {};
	struct ipcshm_quotas_waiter *waiter;
	unsigned int turns = 0;
	LIST_HEAD(todo);

	spin_lock(&record->lock);
	list_splice_init(&record->waiters, &todo);
	while ((waiter = list_first_entry_or_null(&todo, struct ipcshm_quotas_waiter, link))) {
		u64 *sum = &promised[waiter->quota];

		if (amount_fits(atomic64_read(&record->used[waiter->quota]) + *sum, waiter->amount,
				max_for(waiter->payer, record, waiter->quota))) {
			*sum += waiter->amount;
			waiter_unlink(waiter);
			waiter->wake(waiter);
		} else {
			list_move_tail(&waiter->link, &record->waiters);
		}
		if (++turns % WAKE_BATCH)
			continue;
		spin_unlock(&record->lock);
		cond_resched();
		spin_lock(&record->lock);
	}
	spin_unlock(&record->lock);
	ipcshm_quotas_put(record);
}
