// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas: what each user of each user namespace consumes, and may consume.
 *
 * A record belongs to a user of a user namespace.  Its parent is the record of the user
 * who created that namespace, in the namespace above.  A charge goes to the payer's
 * record and to all records above, each with a maximum of its own, so the users of a
 * namespace together get no more than its creator may have:
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
 * What the users of a network namespace have in it is charged to the bound of that
 * namespace as well.  For that, a payer's record is one of a user of a user namespace in
 * a network namespace.  The initial network namespace has no bound: there, the records
 * are those of users, and a charge is one atomic operation.
 *
 * What comes from below, out of another user namespace or another network namespace, can
 * use no more than three quarters of a user's quota.  The rest remains for the user's
 * own processes: a container can't use up the quota of the user who started it.
 */
#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>

#include "event.h"
#include "quota.h"
#include "trace.h"
#include "work.h"

/* As a record's own maximum: none is set, the default applies. */
#define FOLLOWS_DEFAULT ULONG_MAX

/* How many waiters are woken before the lock is dropped. */
#define WAKE_BATCH 16

/**
 * struct ipcshm_quotas - a user's quotas, or the bound of a network namespace
 * @used: what is charged; exceeds the maximum if that was lowered since, or by force
 * @own: the record's own maxima, or FOLLOWS_DEFAULT
 * @waiting: how many waiters there are
 * @refs: references; the last is dropped under @records_lock.  A charge needs none: a
 *	record is freed when it has neither references nor charges
 * @parent: the record above, a reference, or NULL; immutable
 * @bound: of the network namespace, a reference, or NULL; immutable
 * @ns: the user namespace, a reference; NULL: the record is a bound; immutable
 * @uid: the user; immutable
 * @node: in @records, unless it is a bound; protected by @records_lock
 * @freed: it is about to be freed; protected by @records_lock
 * @kept: a reference is kept because of @own; protected by @set_lock
 * @keep: in the list of a network namespace that keeps it, or empty; likewise
 * @lock: protects @waiters
 * @waiters: those for whom there was no room
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

/* Each user's maxima, no more than IPCSHM_QUOTA_MAX. */
static ulong max[IPCSHM_NR_QUOTAS] = {
	[IPCSHM_QUOTA_TYPE_OBJECTS] = 16384,
	[IPCSHM_QUOTA_TYPE_MEMBERS] = 65536,
	[IPCSHM_QUOTA_TYPE_WAITERS] = 65536,
	[IPCSHM_QUOTA_TYPE_DESCRIPTORS] = 16384,
};

module_param_named(max_objects, max[IPCSHM_QUOTA_TYPE_OBJECTS], ulong, 0444);
MODULE_PARM_DESC(max_objects, "Regions and queues that a user can create");
module_param_named(max_region_bytes, max[IPCSHM_QUOTA_TYPE_REGION_BYTES], ulong, 0444);
MODULE_PARM_DESC(max_region_bytes, "Sizes of a user's regions together (default: half of the memory)");
module_param_named(max_queue_bytes, max[IPCSHM_QUOTA_TYPE_QUEUE_BYTES], ulong, 0444);
MODULE_PARM_DESC(max_queue_bytes, "A user's bounded queues, and messages in others (default: 1/8 of the memory)");
module_param_named(max_members, max[IPCSHM_QUOTA_TYPE_MEMBERS], ulong, 0444);
MODULE_PARM_DESC(max_members, "Memberships in regions that a user's processes can have");
module_param_named(max_waiters, max[IPCSHM_QUOTA_TYPE_WAITERS], ulong, 0444);
MODULE_PARM_DESC(max_waiters, "Blocked waits on regions, and words watched, that a user can have");
module_param_named(max_descriptors, max[IPCSHM_QUOTA_TYPE_DESCRIPTORS], ulong, 0444);
MODULE_PARM_DESC(max_descriptors, "Descriptors in messages of a user that wait");

/* Of the bound of each network namespace but the initial one; 0: as a user's. */
static ulong net_max[IPCSHM_NR_QUOTAS];

module_param_named(net_max_objects, net_max[IPCSHM_QUOTA_TYPE_OBJECTS], ulong, 0444);
MODULE_PARM_DESC(net_max_objects, "Regions and queues in a network namespace other than the initial one (default: max_objects)");
module_param_named(net_max_region_bytes, net_max[IPCSHM_QUOTA_TYPE_REGION_BYTES], ulong, 0444);
MODULE_PARM_DESC(net_max_region_bytes, "Sizes of the regions there together (default: max_region_bytes)");
module_param_named(net_max_queue_bytes, net_max[IPCSHM_QUOTA_TYPE_QUEUE_BYTES], ulong, 0444);
MODULE_PARM_DESC(net_max_queue_bytes, "Bounded queues there, and messages in others (default: max_queue_bytes)");
module_param_named(net_max_members, net_max[IPCSHM_QUOTA_TYPE_MEMBERS], ulong, 0444);
MODULE_PARM_DESC(net_max_members, "Memberships in regions there (default: max_members)");
module_param_named(net_max_waiters, net_max[IPCSHM_QUOTA_TYPE_WAITERS], ulong, 0444);
MODULE_PARM_DESC(net_max_waiters, "Blocked waits on regions, and words watched, there (default: max_waiters)");
module_param_named(net_max_descriptors, net_max[IPCSHM_QUOTA_TYPE_DESCRIPTORS], ulong, 0444);
MODULE_PARM_DESC(net_max_descriptors, "Descriptors in messages that wait there (default: max_descriptors)");

/* Records of users by namespace, user and bound; references to records. */
static DEFINE_SPINLOCK(records_lock);
static struct rb_root records = RB_ROOT;

/* What a record's own maxima are, and whether they keep it. */
static DEFINE_MUTEX(set_lock);

void ipcshm_quotas_init(void)
{
	u64 memory = (u64)totalram_pages() << PAGE_SHIFT;
	int quota;

	if (!max[IPCSHM_QUOTA_TYPE_REGION_BYTES])
		max[IPCSHM_QUOTA_TYPE_REGION_BYTES] = min_t(u64, memory / 2, ULONG_MAX);
	if (!max[IPCSHM_QUOTA_TYPE_QUEUE_BYTES])
		max[IPCSHM_QUOTA_TYPE_QUEUE_BYTES] = min_t(u64, memory / 8, ULONG_MAX);
	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++) {
		max[quota] = min_t(u64, max[quota], IPCSHM_QUOTA_MAX);
		net_max[quota] = min_t(u64, net_max[quota], IPCSHM_QUOTA_MAX);
	}
}

/* Records. */

static void waiters_wake(struct work_struct *work);

static struct ipcshm_quotas *record_alloc(void)
{
	struct ipcshm_quotas *record = kzalloc(sizeof(*record), GFP_KERNEL_ACCOUNT);
	int quota;

	if (!record)
		return NULL;
	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++)
		record->own[quota] = FOLLOWS_DEFAULT;
	refcount_set(&record->refs, 1);
	RB_CLEAR_NODE(&record->node);
	spin_lock_init(&record->lock);
	INIT_LIST_HEAD(&record->waiters);
	INIT_LIST_HEAD(&record->keep);
	INIT_WORK(&record->work, waiters_wake);
	return record;
}

static int compare(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

/* From the initial user namespace downwards. */
static int record_compare(const struct ipcshm_quotas *record, const struct user_namespace *ns,
			  kuid_t uid, const struct ipcshm_quotas *bound)
{
	return compare(ns->level, record->ns->level) ?:
	       compare((unsigned long)ns, (unsigned long)record->ns) ?:
	       compare(__kuid_val(uid), __kuid_val(record->uid)) ?:
	       compare((unsigned long)bound, (unsigned long)record->bound);
}

/* The record, or NULL and where it belongs. */
static struct ipcshm_quotas *record_search(const struct user_namespace *ns, kuid_t uid,
					   const struct ipcshm_quotas *bound,
					   struct rb_node **parent, struct rb_node ***link)
{
	lockdep_assert_held(&records_lock);
	*parent = NULL;
	*link = &records.rb_node;
	while (**link) {
		struct ipcshm_quotas *record = rb_entry(**link, struct ipcshm_quotas, node);
		int order = record_compare(record, ns, uid, bound);

		if (!order)
			return record;
		*parent = **link;
		*link = order < 0 ? &(**link)->rb_left : &(**link)->rb_right;
	}
	return NULL;
}

/* A record that has charges, but no references, gets references again. */
static struct ipcshm_quotas *record_revive(struct ipcshm_quotas *record)
{
	lockdep_assert_held(&records_lock);
	if (record && !refcount_inc_not_zero(&record->refs))
		refcount_set(&record->refs, 1);
	return record;
}

static struct ipcshm_quotas *record_find(const struct user_namespace *ns, kuid_t uid,
					 const struct ipcshm_quotas *bound)
{
	struct ipcshm_quotas *record;
	struct rb_node *parent, **link;

	spin_lock(&records_lock);
	record = record_revive(record_search(ns, uid, bound, &parent, &link));
	spin_unlock(&records_lock);
	return record;
}

/* Unless another task was faster, whose record is returned. */
static struct ipcshm_quotas *record_insert(struct ipcshm_quotas *record)
{
	struct ipcshm_quotas *other;
	struct rb_node *parent, **link;

	spin_lock(&records_lock);
	other = record_revive(record_search(record->ns, record->uid, record->bound, &parent,
					    &link));
	if (!other) {
		rb_link_node(&record->node, parent, link);
		rb_insert_color(&record->node, &records);
	}
	spin_unlock(&records_lock);
	return other ?: record;
}

static struct ipcshm_quotas *record_get(struct user_namespace *ns, kuid_t uid,
					struct ipcshm_quotas *bound, struct ipcshm_quotas *above)
{
	struct ipcshm_quotas *record = record_find(ns, uid, bound);
	struct ipcshm_quotas *other;

	if (record)
		return record;
	record = record_alloc();
	if (!record)
		return NULL;
	record->ns = get_user_ns(ns);
	record->uid = uid;
	record->parent = above ? ipcshm_quotas_get(above) : NULL;
	record->bound = bound ? ipcshm_quotas_get(bound) : NULL;
	other = record_insert(record);
	if (other != record)
		ipcshm_quotas_put(record);
	return other;
}

static bool is_charged(const struct ipcshm_quotas *record)
{
	int quota;

	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++) {
		if (atomic64_read(&record->used[quota]))
			return true;
	}
	return false;
}

/* Returns whether the caller frees it. */
static bool record_unlink(struct ipcshm_quotas *record)
{
	lockdep_assert_held(&records_lock);
	if (record->freed || refcount_read(&record->refs) || is_charged(record))
		return false;
	record->freed = true;
	if (!RB_EMPTY_NODE(&record->node))
		rb_erase(&record->node, &records);
	return true;
}

/* Returns the parent, whose reference is the caller's now. */
static struct ipcshm_quotas *record_free(struct ipcshm_quotas *record)
{
	struct ipcshm_quotas *parent = record->parent;

	if (record->bound)
		ipcshm_quotas_put(record->bound);
	put_user_ns(record->ns);
	kfree_rcu(record, rcu);
	return parent;
}

struct ipcshm_quotas *ipcshm_quotas_get(struct ipcshm_quotas *limits)
{
	refcount_inc(&limits->refs);
	return limits;
}

/**
 * ipcshm_quotas_put - drop a reference
 * @limits: the record
 *
 * What is charged to it remains charged, and can be uncharged without a reference.
 * Doesn't sleep.
 */
void ipcshm_quotas_put(struct ipcshm_quotas *limits)
{
	while (limits && !refcount_dec_not_one(&limits->refs)) {
		bool unlinked = false;

		spin_lock(&records_lock);
		if (refcount_dec_and_test(&limits->refs)) {
			/*
			 * Pairs with the atomic operation in record_uncharge(): either the
			 * charge is seen to be gone here, or the references are there.
			 */
			smp_mb();
			unlinked = record_unlink(limits);
		}
		spin_unlock(&records_lock);
		limits = unlinked ? record_free(limits) : NULL;
	}
}

/* Whoever pays. */

static struct user_namespace *ancestor(struct user_namespace *ns, int level)
{
	while (ns->level > level)
		ns = ns->parent;
	return ns;
}

/**
 * ipcshm_quotas_of - the record of a user, in no network namespace in particular
 * @ns: the user namespace
 * @uid: the user
 *
 * Return: a reference, or NULL: no memory.
 */
struct ipcshm_quotas *ipcshm_quotas_of(struct user_namespace *ns, kuid_t uid)
{
	struct ipcshm_quotas *record = record_find(ns, uid, NULL);
	struct ipcshm_quotas *above = NULL;
	int level;

	if (record)
		return record;
	for (level = 0; level <= ns->level; level++) {
		kuid_t user = level < ns->level ? ancestor(ns, level + 1)->owner : uid;

		record = record_get(ancestor(ns, level), user, NULL, above);
		ipcshm_quotas_put(above);
		if (!record)
			return NULL;
		above = record;
	}
	return record;
}

/**
 * ipcshm_quotas_get_current - the record that pays for what the current task gets now
 * @bound: of the network namespace in which it gets that, or NULL
 *
 * Return: a reference, or an error pointer: -ENOMEM.
 */
struct ipcshm_quotas *ipcshm_quotas_get_current(struct ipcshm_quotas *bound)
{
	struct user_namespace *ns = current_user_ns();
	struct ipcshm_quotas *user, *record;

	record = record_find(ns, current_fsuid(), bound);
	if (record)
		return record;
	user = ipcshm_quotas_of(ns, current_fsuid());
	if (!user)
		return ERR_PTR(-ENOMEM);
	if (!bound)
		return user;
	record = record_get(ns, current_fsuid(), bound, user);
	ipcshm_quotas_put(user);
	return record ?: ERR_PTR(-ENOMEM);
}

/* The bound of a new network namespace, or NULL: no memory. */
struct ipcshm_quotas *ipcshm_quotas_create_bound(void)
{
	return record_alloc();
}

/* Charging. */

/* At most as many as user namespaces can be nested, 33, and the bound and its record. */
#define for_each_charged(record, payer) \
	for (record = payer; record; record = next_charged(payer, record))

static struct ipcshm_quotas *next_charged(const struct ipcshm_quotas *payer,
					  const struct ipcshm_quotas *record)
{
	if (record == payer->bound)
		return NULL;
	return record->parent ?: payer->bound;
}

/* The maximum of a bound that has none of its own. */
u64 ipcshm_quotas_bound_default(enum ipcshm_quota_type quota)
{
	return net_max[quota] ?: READ_ONCE(max[quota]);
}

static u64 max_of(const struct ipcshm_quotas *record, enum ipcshm_quota_type quota)
{
	ulong own = record ? READ_ONCE(record->own[quota]) : FOLLOWS_DEFAULT;

	if (record && record->bound)
		return IPCSHM_QUOTA_MAX;	/* that of the parent, and of the bound, applies */
	if (own != FOLLOWS_DEFAULT)
		return own;
	return record && !record->ns ? ipcshm_quotas_bound_default(quota) : READ_ONCE(max[quota]);
}

/* The part of a record's maximum that the payer can use. */
static u64 max_for(const struct ipcshm_quotas *payer, const struct ipcshm_quotas *record,
		   enum ipcshm_quota_type quota)
{
	u64 most = max_of(record, quota);

	return record == payer || record == payer->bound ? most : most - most / 4;
}

static bool fits(u64 used, u64 amount, u64 most)
{
	return amount <= most && used <= most - amount;
}

static bool has_room(const struct ipcshm_quotas *payer, const struct ipcshm_quotas *record,
		     enum ipcshm_quota_type quota, u64 amount)
{
	return fits(atomic64_read(&record->used[quota]), amount, max_for(payer, record, quota));
}

static bool record_charge(struct ipcshm_quotas *record, enum ipcshm_quota_type quota, u64 amount,
			  u64 most)
{
	s64 used = atomic64_read(&record->used[quota]);

	do {
		if (!fits(used, amount, most))
			return false;
	} while (!atomic64_try_cmpxchg(&record->used[quota], &used, used + amount));
	return true;
}

static void waiters_kick(struct ipcshm_quotas *record)
{
	/* Waiters have references; without them, there is no waiter any more. */
	if (!refcount_inc_not_zero(&record->refs))
		return;
	if (!queue_work(ipcshm_workqueue, &record->work))
		ipcshm_quotas_put(record);
}

static void record_release(struct ipcshm_quotas *record)
{
	bool unlinked;

	spin_lock(&records_lock);
	unlinked = record_unlink(record);
	spin_unlock(&records_lock);
	if (unlinked)
		ipcshm_quotas_put(record_free(record));
}

/* Under RCU: without its charge, the record can be freed by another task. */
static void record_uncharge(struct ipcshm_quotas *record, enum ipcshm_quota_type quota, u64 amount)
{
	s64 left = atomic64_sub_return(amount, &record->used[quota]);

	WARN_ON_ONCE(left < 0);
	/* Pairs with ipcshm_quotas_wait(): either the waiter sees the room, or is seen. */
	if (unlikely(atomic_read(&record->waiting)))
		waiters_kick(record);
	/* Pairs with ipcshm_quotas_put(). */
	if (!left && !refcount_read(&record->refs))
		record_release(record);
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

/* Returns the record that has no room, or NULL: all are charged. */
static struct ipcshm_quotas *charge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
				    u64 amount)
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

/* Listeners of the namespace in which it happens are notified. */
static void report(const struct ipcshm_quotas *payer, const struct ipcshm_quotas *full,
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

/* As ipcshm_quotas_charge(), without a report of the refusal. */
bool ipcshm_quotas_try_charge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount)
{
	return !charge(payer, quota, amount);
}

/**
 * ipcshm_quotas_charge - charge a payer, unless a maximum would be exceeded
 * @payer: the record that pays; the caller has a reference
 * @quota: of what
 * @amount: how much
 *
 * A charge keeps the record until it is uncharged; no reference is needed for that.
 * Doesn't sleep.
 *
 * Return: 0, or -EDQUOT.
 */
int ipcshm_quotas_charge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount)
{
	struct ipcshm_quotas *full = charge(payer, quota, amount);

	if (likely(!full))
		return 0;
	report(payer, full, quota, amount);
	return -EDQUOT;
}

/* Report that ipcshm_quotas_try_charge() was refused. */
void ipcshm_quotas_report(const struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
			  u64 amount)
{
	const struct ipcshm_quotas *record;

	for_each_charged(record, payer) {
		if (!has_room(payer, record, quota, amount))
			break;
	}
	report(payer, record ?: payer, quota, amount);
}

/* As ipcshm_quotas_charge(), even if a maximum is exceeded. */
void ipcshm_quotas_charge_force(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
				u64 amount)
{
	struct ipcshm_quotas *record;

	for_each_charged(record, payer)
		atomic64_add(amount, &record->used[quota]);
}

/* Doesn't sleep, and needs no reference to what has been charged. */
void ipcshm_quotas_uncharge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount)
{
	uncharge_until(payer, NULL, quota, amount);
}

/* Waiting for quota. */

void ipcshm_quotas_waiter_init(struct ipcshm_quotas_waiter *waiter,
			       void (*wake)(struct ipcshm_quotas_waiter *waiter))
{
	waiter->wake = wake;
	waiter->limits = NULL;
	INIT_LIST_HEAD(&waiter->link);
}

static struct ipcshm_quotas *find_full(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
				       u64 amount)
{
	struct ipcshm_quotas *record;

	for_each_charged(record, payer) {
		if (!has_room(payer, record, quota, amount))
			break;
	}
	return record;
}

static void waiter_unlink(struct ipcshm_quotas_waiter *waiter)
{
	lockdep_assert_held(&waiter->limits->lock);
	list_del_init(&waiter->link);
	atomic_dec(&waiter->limits->waiting);
}

/**
 * ipcshm_quotas_wait - be woken when there may be room for a charge
 * @payer: to be charged; the caller keeps a reference until after ipcshm_quotas_unwait()
 * @quota: of what
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
	waiter->limits = full;
	waiter->quota = quota;
	waiter->amount = amount;
	spin_lock(&full->lock);
	list_add_tail(&waiter->link, &full->waiters);
	atomic_inc(&full->waiting);
	spin_unlock(&full->lock);
	/* Pairs with record_uncharge(). */
	smp_mb();
	if (!has_room(payer, full, quota, amount))
		return 0;
	ipcshm_quotas_unwait(waiter);
	return -EAGAIN;
}

/**
 * ipcshm_quotas_unwait - stop to wait
 * @waiter: initialized; it may have been woken, or not have waited at all
 *
 * It is not woken any more.  If it was woken, and has charged less than there was room
 * for, others can be woken in its place.
 */
void ipcshm_quotas_unwait(struct ipcshm_quotas_waiter *waiter)
{
	struct ipcshm_quotas *limits = waiter->limits;

	if (!limits)
		return;
	spin_lock(&limits->lock);
	if (!list_empty(&waiter->link))
		waiter_unlink(waiter);
	waiter->limits = NULL;
	spin_unlock(&limits->lock);
	if (atomic_read(&limits->waiting))
		waiters_kick(limits);
}

/*
 * Those for whom there is room, oldest first; the others go back.  A waiter that comes
 * meanwhile looks for itself whether there is room.
 */
static void waiters_wake(struct work_struct *work)
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

		if (fits(atomic64_read(&record->used[waiter->quota]) + *sum, waiter->amount,
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

/* Looking at records, and setting maxima. */

/* The record of a user, if there is one: a reference, or NULL. */
struct ipcshm_quotas *ipcshm_quotas_find(struct user_namespace *ns, kuid_t uid)
{
	return record_find(ns, uid, NULL);
}

/* The record after @limits, which is put, or the first; with a reference, or NULL. */
struct ipcshm_quotas *ipcshm_quotas_next(struct ipcshm_quotas *limits)
{
	struct ipcshm_quotas *next;
	struct rb_node *node;

	spin_lock(&records_lock);
	node = limits ? rb_next(&limits->node) : rb_first(&records);
	next = record_revive(rb_entry_safe(node, struct ipcshm_quotas, node));
	spin_unlock(&records_lock);
	ipcshm_quotas_put(limits);
	return next;
}

kuid_t ipcshm_quotas_uid(const struct ipcshm_quotas *limits)
{
	return limits->uid;
}

struct user_namespace *ipcshm_quotas_ns(const struct ipcshm_quotas *limits)
{
	return limits->ns;
}

/* Of the network namespace that the record is for, or NULL: it is for all. */
struct ipcshm_quotas *ipcshm_quotas_bound(const struct ipcshm_quotas *limits)
{
	return limits->bound;
}

/* That of the user, in all network namespaces together. */
static const struct ipcshm_quotas *user_of(const struct ipcshm_quotas *payer)
{
	return payer->bound ? payer->parent : payer;
}

/* What a user consumes, and may consume under all maxima of the payer; NULL: the default. */
struct ipcshm_quota ipcshm_quotas_read(const struct ipcshm_quotas *payer,
				       enum ipcshm_quota_type quota)
{
	struct ipcshm_quota limit = { .max = IPCSHM_QUOTA_MAX };
	const struct ipcshm_quotas *record;

	if (!payer)
		return (struct ipcshm_quota){ .max = max_of(NULL, quota) };
	limit.used = atomic64_read(&user_of(payer)->used[quota]);
	for_each_charged(record, payer)
		limit.max = min(limit.max, max_for(payer, record, quota));
	return limit;
}

/* What the records above allow. */
u64 ipcshm_quotas_ceiling(const struct ipcshm_quotas *limits, enum ipcshm_quota_type quota)
{
	const struct ipcshm_quotas *record;
	u64 ceiling = IPCSHM_QUOTA_MAX;

	for_each_charged(record, limits) {
		if (record != limits)
			ceiling = min(ceiling, max_for(limits, record, quota));
	}
	return ceiling;
}

bool ipcshm_quotas_is_own(const struct ipcshm_quotas *limits, enum ipcshm_quota_type quota)
{
	return limits && READ_ONCE(user_of(limits)->own[quota]) != FOLLOWS_DEFAULT;
}

static bool has_own(const struct ipcshm_quotas *limits)
{
	int quota;

	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++) {
		if (ipcshm_quotas_is_own(limits, quota))
			return true;
	}
	return false;
}

/* The maxima of the initial user namespace's users stay, as long as the module does. */
static bool keeps_itself(const struct ipcshm_quotas *limits)
{
	return limits->ns == &init_user_ns && has_own(limits);
}

static void set_own(struct ipcshm_quotas *limits, enum ipcshm_quota_type quota, ulong amount)
{
	bool keep, kept;

	mutex_lock(&set_lock);
	WRITE_ONCE(limits->own[quota], amount);
	kept = limits->kept;
	keep = limits->ns == &init_user_ns ? keeps_itself(limits) : kept;
	limits->kept = keep;
	mutex_unlock(&set_lock);
	if (keep && !kept)
		ipcshm_quotas_get(limits);
	if (kept && !keep)
		ipcshm_quotas_put(limits);
	if (atomic_read(&limits->waiting))
		waiters_kick(limits);
}

/**
 * ipcshm_quotas_set - set a maximum
 * @limits: the record; NULL: the default
 * @quota: of what
 * @amount: at most IPCSHM_QUOTA_MAX, or for a record IPCSHM_QUOTA_FOLLOW_DEFAULT
 *
 * A user who holds more keeps it; further charges are refused.
 */
void ipcshm_quotas_set(struct ipcshm_quotas *limits, enum ipcshm_quota_type quota, u64 amount)
{
	if (limits)
		set_own(limits, quota, min_t(u64, amount, FOLLOWS_DEFAULT));
	else
		WRITE_ONCE(max[quota], amount);
}

/**
 * ipcshm_quotas_keep - keep a record because it has maxima of its own
 * @limits: of a user of another user namespace than the initial one
 * @keeper: the records that a network namespace keeps; the one that sets last does
 *
 * So maxima last as long as that network namespace, and can't keep user namespaces.
 */
void ipcshm_quotas_keep(struct ipcshm_quotas *limits, struct list_head *keeper)
{
	mutex_lock(&set_lock);
	if (!limits->kept)
		ipcshm_quotas_get(limits);
	limits->kept = true;
	list_move_tail(&limits->keep, keeper);
	mutex_unlock(&set_lock);
}

static struct ipcshm_quotas *unkeep(struct list_head *keeper)
{
	struct ipcshm_quotas *limits;
	int quota;

	mutex_lock(&set_lock);
	limits = list_first_entry_or_null(keeper, struct ipcshm_quotas, keep);
	if (limits) {
		list_del_init(&limits->keep);
		limits->kept = false;
		for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++)
			WRITE_ONCE(limits->own[quota], FOLLOWS_DEFAULT);
	}
	mutex_unlock(&set_lock);
	return limits;
}

void ipcshm_quotas_unkeep_all(struct list_head *keeper)
{
	struct ipcshm_quotas *limits;

	while ((limits = unkeep(keeper))) {
		ipcshm_quotas_put(limits);
		cond_resched();
	}
}

/* Only when nothing can be charged any more: what is left are records with own maxima. */
void ipcshm_quotas_exit(void)
{
	struct ipcshm_quotas *limits = NULL;
	int quota;

	while ((limits = ipcshm_quotas_next(limits))) {
		WARN_ON_ONCE(is_charged(limits));
		for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++)
			set_own(limits, quota, FOLLOWS_DEFAULT);
	}
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&records));
}
