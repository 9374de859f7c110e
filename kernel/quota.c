// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas: the consumption of each user of each user namespace, and its maxima.
 *
 * A record belongs to a user of a user namespace. Its parent is the record of the
 * namespace's creator, in the namespace above. A charge goes to the payer's record and to
 * all records above, each with a maximum of its own, so the users of a namespace together
 * cannot exceed the maximum of its creator:
 *
 *	bound of a network namespace
 *	  ^			     user 1001 of the initial user namespace
 *	  |				^			^
 *	  |		user 0 of a namespace that	user 0 of another
 *	  |		user 1001 created		of those
 *	  |		  ^		^
 *	the same user, in	    user 1 of a namespace
 *	that network namespace	    that user 0 created
 *
 * The consumption in a network namespace is also charged to the bound of that namespace. A
 * payer's record is therefore that of a user of a user namespace in a network namespace.
 * The initial network namespace has no bound: a charge there is one atomic operation.
 *
 * Charges from below, out of another user namespace or network namespace, can use no more
 * than three quarters of a user's quota. The rest remains for the user's own processes, so
 * a container cannot use up the quota of the user that started it.
 */
#include <linux/atomic.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>

#include "netlink_notify.h"
#include "quota.h"
#include "quota_internal.h"
#include "trace.h"

static bool record_charge(struct ipcshm_quotas *record, enum ipcshm_quota_type quota, u64 amount,
			  u64 most)
{
	s64 used = atomic64_read(&record->used[quota]);

	do {
		if (!amount_fits(used, amount, most))
			return false;
	} while (!atomic64_try_cmpxchg(&record->used[quota], &used, used + amount));
	return true;
}

/* Called under RCU: without its charge, another task can free the record. */
static void record_uncharge(struct ipcshm_quotas *record, enum ipcshm_quota_type quota, u64 amount)
{
	s64 left = atomic64_sub_return(amount, &record->used[quota]);

	WARN_ON_ONCE(left < 0);
	/* Pairs with ipcshm_quotas_wait(): the waiter sees the room, or this task the waiter. */
	if (unlikely(atomic_read(&record->waiting)))
		ipcshm_quotas_kick_waiters(record);
	/* Pairs with ipcshm_quotas_put(). */
	if (!left && !refcount_read(&record->refs))
		ipcshm_quotas_release(record);
}

static void uncharge_until(struct ipcshm_quotas *payer, const struct ipcshm_quotas *end,
			   enum ipcshm_quota_type quota, u64 amount)
{
	struct ipcshm_quotas *record, *next;

	rcu_read_lock();
	for (record = payer; record != end; record = next) {
		next = next_charged(payer, record);
		record_uncharge(record, quota, amount);
	}
	rcu_read_unlock();
}

/* Charge all records. Return the record that has no room, or NULL. */
static struct ipcshm_quotas *charge_all_records(struct ipcshm_quotas *payer,
						enum ipcshm_quota_type quota, u64 amount)
{
	struct ipcshm_quotas *record;

	for_each_charged(record, payer) {
		if (!record_charge(record, quota, amount, max_for(payer, record, quota)))
			break;
	}
	if (record)
		uncharge_until(payer, record, quota, amount);
	return record;
}

/* Notify the listeners of the current network namespace. */
static void report_refusal(const struct ipcshm_quotas *payer, const struct ipcshm_quotas *full,
			   enum ipcshm_quota_type quota, u64 amount)
{
	struct ipcshm_notification event = {
		.type = IPCSHM_NOTIFY_TYPE_QUOTA,
		.uid = payer->uid,
		.quota = quota,
		.amount = amount,
	};

	trace_ipcshm_quota(__kuid_val(payer->uid), quota, amount,
			   atomic64_read(&full->used[quota]), max_for(payer, full, quota));
	if (current->nsproxy)
		ipcshm_notify(current->nsproxy->net_ns, &event);
}

/* Return whether no other record is charged: for users of the initial namespaces. */
static bool is_single_record(const struct ipcshm_quotas *payer)
{
	return !payer->parent && !payer->bound;
}

/* As ipcshm_quotas_charge(), but do not report a refusal. */
bool ipcshm_quotas_try_charge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount)
{
	if (likely(is_single_record(payer)))
		return record_charge(payer, quota, amount, max_of_user(payer, quota));
	return !charge_all_records(payer, quota, amount);
}

/**
 * ipcshm_quotas_charge - charge a payer, unless a maximum would be exceeded
 * @payer: the record that pays; the caller has a reference
 * @quota: the quota
 * @amount: amount to charge
 *
 * A charge keeps the record, without a reference, until it is uncharged. Does not sleep.
 *
 * Return: 0, or -EDQUOT.
 */
int ipcshm_quotas_charge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount)
{
	struct ipcshm_quotas *full = charge_all_records(payer, quota, amount);

	if (likely(!full))
		return 0;
	report_refusal(payer, full, quota, amount);
	return -EDQUOT;
}

/* Report that ipcshm_quotas_try_charge() was refused. */
void ipcshm_quotas_report(const struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
			  u64 amount)
{
	const struct ipcshm_quotas *record;

	for_each_charged(record, payer) {
		if (!quota_has_room(payer, record, quota, amount))
			break;
	}
	report_refusal(payer, record ?: payer, quota, amount);
}

/* As ipcshm_quotas_charge(), but a maximum can be exceeded. */
void ipcshm_quotas_charge_force(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
				u64 amount)
{
	struct ipcshm_quotas *record;

	for_each_charged(record, payer)
		atomic64_add(amount, &record->used[quota]);
}

/* As ipcshm_quotas_uncharge(); the caller's spinlock is an RCU read-side section. */
void ipcshm_quotas_uncharge_locked(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
				   u64 amount)
{
	if (likely(is_single_record(payer)))
		record_uncharge(payer, quota, amount);
	else
		uncharge_until(payer, NULL, quota, amount);
}

/* Uncharge a payer. Does not sleep, and needs no reference to @payer. */
void ipcshm_quotas_uncharge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount)
{
	uncharge_until(payer, NULL, quota, amount);
}
