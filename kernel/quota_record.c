// SPDX-License-Identifier: GPL-2.0-only
/* The records of quotas: which there are, and which pays for a task. */
#include <linux/cred.h>
#include <linux/lockdep.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>

#include "quota.h"
#include "quota_internal.h"

/* Records of users by namespace, user and bound; references to records. */
static DEFINE_SPINLOCK(records_lock);
static struct rb_root records = RB_ROOT;

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
	INIT_WORK(&record->work, ipcshm_quotas_wake_waiters);
	return record;
}

static int compare_numbers(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

/* From the initial user namespace downwards. */
static int record_compare(const struct ipcshm_quotas *record, const struct user_namespace *ns,
			  kuid_t uid, const struct ipcshm_quotas *bound)
{
	return compare_numbers(ns->level, record->ns->level) ?:
	       compare_numbers((unsigned long)ns, (unsigned long)record->ns) ?:
	       compare_numbers(__kuid_val(uid), __kuid_val(record->uid)) ?:
	       compare_numbers((unsigned long)bound, (unsigned long)record->bound);
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

void ipcshm_quotas_release(struct ipcshm_quotas *record)
{
	bool unlinked;

	spin_lock(&records_lock);
	unlinked = record_unlink(record);
	spin_unlock(&records_lock);
	if (unlinked)
		ipcshm_quotas_put(record_free(record));
}

struct ipcshm_quotas *ipcshm_quotas_get(struct ipcshm_quotas *record)
{
	refcount_inc(&record->refs);
	return record;
}

/**
 * ipcshm_quotas_put - drop a reference
 * @record: the record
 *
 * Charges remain, and can be uncharged without a reference.
 * Doesn't sleep.
 */
void ipcshm_quotas_put(struct ipcshm_quotas *record)
{
	while (record && !refcount_dec_not_one(&record->refs)) {
		bool unlinked = false;

		spin_lock(&records_lock);
		if (refcount_dec_and_test(&record->refs)) {
			/*
			 * Pairs with the atomic operation in record_uncharge(): either the
			 * charge is seen to be gone here, or the references are there.
			 */
			smp_mb();
			unlinked = record_unlink(record);
		}
		spin_unlock(&records_lock);
		record = unlinked ? record_free(record) : NULL;
	}
}

/* Payers. */

static struct user_namespace *find_ancestor(struct user_namespace *ns, int level)
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
		kuid_t user = level < ns->level ? find_ancestor(ns, level + 1)->owner : uid;

		record = record_get(find_ancestor(ns, level), user, NULL, above);
		ipcshm_quotas_put(above);
		if (!record)
			return NULL;
		above = record;
	}
	return record;
}

/**
 * ipcshm_quotas_get_current - the record that pays for charges of the current task
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

/* Looking at records. */

/* The record of a user, if there is one: a reference, or NULL. */
struct ipcshm_quotas *ipcshm_quotas_find(struct user_namespace *ns, kuid_t uid)
{
	return record_find(ns, uid, NULL);
}

/* The record after @record, which is put, or the first; with a reference, or NULL. */
struct ipcshm_quotas *ipcshm_quotas_next(struct ipcshm_quotas *record)
{
	struct ipcshm_quotas *next;
	struct rb_node *node;

	spin_lock(&records_lock);
	node = record ? rb_next(&record->node) : rb_first(&records);
	next = record_revive(rb_entry_safe(node, struct ipcshm_quotas, node));
	spin_unlock(&records_lock);
	ipcshm_quotas_put(record);
	return next;
}

kuid_t ipcshm_quotas_uid(const struct ipcshm_quotas *record)
{
	return record->uid;
}

struct user_namespace *ipcshm_quotas_ns(const struct ipcshm_quotas *record)
{
	return record->ns;
}

/* Return the bound of the network namespace of a record, or NULL if the record is for all. */
struct ipcshm_quotas *ipcshm_quotas_bound(const struct ipcshm_quotas *record)
{
	return record->bound;
}

/* Only when no charge is possible: records with maxima of their own are left. */
void ipcshm_quotas_exit(void)
{
	struct ipcshm_quotas *record = NULL;
	int quota;

	while ((record = ipcshm_quotas_next(record))) {
		WARN_ON_ONCE(is_charged(record));
		for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++)
			ipcshm_quotas_set(record, quota, IPCSHM_QUOTA_FOLLOW_DEFAULT);
	}
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&records));
}
