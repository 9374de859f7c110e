/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files quota*.c: the record, its maxima and its room. */
#ifndef IPCSHM_QUOTA_INTERNAL_H
#define IPCSHM_QUOTA_INTERNAL_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include "quota.h"

struct user_namespace;

/* Value of a record's own maximum if none is set and the default applies. */
#define FOLLOWS_DEFAULT ULONG_MAX

/**
 * struct ipcshm_quotas - a user's quotas, or the bound of a network namespace
 * @used: the charges; exceed the maximum after it was lowered, or by force
 * @own: the record's own maxima, or FOLLOWS_DEFAULT
 * @waiting: number of @waiters
 * @refs: references; the last is dropped under records_lock.  A charge needs none: a
 *	record is freed when it has neither references nor charges
 * @parent: the record above, a reference, or NULL; immutable
 * @bound: of the network namespace, a reference, or NULL; immutable
 * @ns: the user namespace, a reference; NULL: the record is a bound; immutable
 * @uid: the user; immutable
 * @node: in the tree of records, unless it is a bound; protected by records_lock
 * @freed: about to be freed; protected by records_lock
 * @kept: a reference is kept because of @own; protected by set_lock
 * @keep: in the list of a network namespace that keeps it, or empty; protected by set_lock
 * @lock: protects @waiters
 * @waiters: waiters for room
 * @work: wakes waiters; has a reference while it is queued
 * @rcu: lets uncharge look at a record that another task has just freed
 */
struct ipcshm_quotas {
	atomic64_t used[IPCSHM_NR_QUOTAS];
	ulong own[IPCSHM_NR_QUOTAS];
	atomic_t waiting;
	refcount_t refs;
	struct ipcshm_quotas *parent;
	struct ipcshm_quotas *bound;
	struct user_namespace *ns;
	kuid_t uid;
	struct rb_node node;
	bool freed;
	bool kept;
	struct list_head keep;
	spinlock_t lock;	/* waiters */
	struct list_head waiters;
	struct work_struct work;
	struct rcu_head rcu;
};

/* Default maxima of users and of the bounds of network namespaces. */
extern ulong ipcshm_max[IPCSHM_NR_QUOTAS];
extern ulong ipcshm_net_max[IPCSHM_NR_QUOTAS];

/* The most records of a charge: 33 nested user namespaces, the bound and its record. */
#define for_each_charged(record, payer) \
	for (record = payer; record; record = next_charged(payer, record))

static inline struct ipcshm_quotas *next_charged(const struct ipcshm_quotas *payer,
						 const struct ipcshm_quotas *record)
{
	if (record == payer->bound)
		return NULL;
	return record->parent ?: payer->bound;
}

/* Return the maximum of a user's record without a bound. */
static inline u64 max_of_user(const struct ipcshm_quotas *record, enum ipcshm_quota_type quota)
{
	ulong own = READ_ONCE(record->own[quota]);

	return own != FOLLOWS_DEFAULT ? own : READ_ONCE(ipcshm_max[quota]);
}

static inline u64 max_of(const struct ipcshm_quotas *record, enum ipcshm_quota_type quota)
{
	ulong own = record ? READ_ONCE(record->own[quota]) : FOLLOWS_DEFAULT;

	if (record && record->bound)
		return IPCSHM_QUOTA_MAX;	/* the maxima of parent and bound apply */
	if (own != FOLLOWS_DEFAULT)
		return own;
	if (record && !record->ns)
		return ipcshm_quotas_bound_default(quota);
	return READ_ONCE(ipcshm_max[quota]);
}

/* Return the part of a record's maximum that the payer can use. */
static inline u64 max_for(const struct ipcshm_quotas *payer, const struct ipcshm_quotas *record,
			  enum ipcshm_quota_type quota)
{
	u64 most = max_of(record, quota);

	return record == payer || record == payer->bound ? most : most - most / 4;
}

static inline bool amount_fits(u64 used, u64 amount, u64 most)
{
	return amount <= most && used <= most - amount;
}

static inline bool quota_has_room(const struct ipcshm_quotas *payer,
				  const struct ipcshm_quotas *record,
				  enum ipcshm_quota_type quota, u64 amount)
{
	return amount_fits(atomic64_read(&record->used[quota]), amount,
			   max_for(payer, record, quota));
}

void ipcshm_quotas_release(struct ipcshm_quotas *record);

void ipcshm_quotas_kick_waiters(struct ipcshm_quotas *record);
void ipcshm_quotas_wake_waiters(struct work_struct *work);

#endif /* IPCSHM_QUOTA_INTERNAL_H */
