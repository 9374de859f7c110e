// SPDX-License-Identifier: GPL-2.0-only
/* What each user has, and the most that each user can have. */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "event.h"
#include "limits.h"
#include "trace.h"

/* As a user's own maximum: there is none, the default holds. */
#define FOLLOWS_DEFAULT ULONG_MAX

/**
 * struct ipcshm_limits - one user's quotas
 * @uid: whose; immutable
 * @used: what is charged; more than the maximum only if that was lowered since
 * @own: the user's own maximum, or FOLLOWS_DEFAULT
 *
 * A user's record is made when the user first needs one and stays until the
 * module goes.  There are at most as many as user IDs, each is charged to the
 * memory cgroup it was made in, and no message or object has to count
 * references to it.
 */
struct ipcshm_limits {
	kuid_t uid;
	atomic64_t used[IPCSHM_NR_QUOTAS];
	ulong own[IPCSHM_NR_QUOTAS];
};

/* The most that each user can have, no more than IPCSHM_QUOTA_MAX. */
static ulong max[IPCSHM_NR_QUOTAS] = {
	[IPCSHM_QUOTA_OBJECTS] = 16384,
	[IPCSHM_QUOTA_MEMBERS] = 65536,
	[IPCSHM_QUOTA_WAITERS] = 65536,
	[IPCSHM_QUOTA_DESCRIPTORS] = 16384,
};

module_param_named(max_objects, max[IPCSHM_QUOTA_OBJECTS], ulong, 0444);
MODULE_PARM_DESC(max_objects, "Regions and queues that a user can create");
module_param_named(max_region_bytes, max[IPCSHM_QUOTA_REGION_BYTES], ulong, 0444);
MODULE_PARM_DESC(max_region_bytes, "Sizes of a user's regions together (default: half of the memory)");
module_param_named(max_queue_bytes, max[IPCSHM_QUOTA_QUEUE_BYTES], ulong, 0444);
MODULE_PARM_DESC(max_queue_bytes, "A user's waiting messages together (default: 1/16 of the memory)");
module_param_named(max_members, max[IPCSHM_QUOTA_MEMBERS], ulong, 0444);
MODULE_PARM_DESC(max_members, "Memberships in regions that a user's processes can have");
module_param_named(max_waiters, max[IPCSHM_QUOTA_WAITERS], ulong, 0444);
MODULE_PARM_DESC(max_waiters, "Blocked waits on regions, and words watched, that a user can have");
module_param_named(max_descriptors, max[IPCSHM_QUOTA_DESCRIPTORS], ulong, 0444);
MODULE_PARM_DESC(max_descriptors, "Descriptors in messages of a user that wait");

/* By user ID.  Entries are only ever added. */
static DEFINE_XARRAY_FLAGS(users, XA_FLAGS_ACCOUNT);

void ipcshm_limits_init(void)
{
	u64 memory = (u64)totalram_pages() << PAGE_SHIFT;
	int quota;

	if (!max[IPCSHM_QUOTA_REGION_BYTES])
		max[IPCSHM_QUOTA_REGION_BYTES] = min_t(u64, memory / 2, ULONG_MAX);
	if (!max[IPCSHM_QUOTA_QUEUE_BYTES])
		max[IPCSHM_QUOTA_QUEUE_BYTES] = min_t(u64, memory / 16, ULONG_MAX);
	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++)
		max[quota] = min_t(u64, max[quota], IPCSHM_QUOTA_MAX);
}

/* Only when nothing can be charged any more. */
void ipcshm_limits_exit(void)
{
	struct ipcshm_limits *limits;
	unsigned long uid;

	xa_for_each(&users, uid, limits) {
		int quota;

		for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++)
			WARN_ON_ONCE(atomic64_read(&limits->used[quota]));
		kfree(limits);
	}
	xa_destroy(&users);
}

static struct ipcshm_limits *limits_create(kuid_t uid)
{
	struct ipcshm_limits *limits = kzalloc(sizeof(*limits), GFP_KERNEL_ACCOUNT);
	int quota;

	if (!limits)
		return NULL;
	limits->uid = uid;
	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++)
		limits->own[quota] = FOLLOWS_DEFAULT;
	return limits;
}

/* The record of a user, or NULL. */
struct ipcshm_limits *ipcshm_limits_find(kuid_t uid)
{
	return xa_load(&users, __kuid_val(uid));
}

/* The record of the first user whose number isn't below @uid, which is set to it; or NULL. */
struct ipcshm_limits *ipcshm_limits_next(unsigned long *uid)
{
	return xa_find(&users, uid, ULONG_MAX, XA_PRESENT);
}

kuid_t ipcshm_limits_uid(const struct ipcshm_limits *limits)
{
	return limits->uid;
}

/* The record of a user, made if there is none; or -ENOMEM. */
struct ipcshm_limits *ipcshm_limits_of(kuid_t uid)
{
	struct ipcshm_limits *limits = ipcshm_limits_find(uid);
	struct ipcshm_limits *other;

	if (limits)
		return limits;
	limits = limits_create(uid);
	if (!limits)
		return ERR_PTR(-ENOMEM);
	other = xa_cmpxchg(&users, __kuid_val(uid), NULL, limits, GFP_KERNEL_ACCOUNT);
	if (!other)
		return limits;
	kfree(limits);
	return xa_is_err(other) ? ERR_PTR(xa_err(other)) : other;
}

static u64 max_of(const struct ipcshm_limits *limits, enum ipcshm_quota quota)
{
	ulong own = limits ? READ_ONCE(limits->own[quota]) : FOLLOWS_DEFAULT;

	return own == FOLLOWS_DEFAULT ? READ_ONCE(max[quota]) : own;
}

/* Listeners of the namespace in which it happens are told. */
static int refuse(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount)
{
	struct ipcshm_event event = {
		.type = IPCSHM_EVENT_TYPE_QUOTA,
		.uid = limits->uid,
		.quota = quota,
		.amount = amount,
	};

	trace_ipcshm_quota(__kuid_val(limits->uid), quota, amount,
			   atomic64_read(&limits->used[quota]), max_of(limits, quota));
	if (current->nsproxy)
		ipcshm_event_send(current->nsproxy->net_ns, &event);
	return -EDQUOT;
}

int ipcshm_limits_charge(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount)
{
	s64 used = atomic64_read(&limits->used[quota]);
	u64 most = max_of(limits, quota);

	do {
		if (amount > most || used > most - amount)
			return refuse(limits, quota, amount);
	} while (!atomic64_try_cmpxchg(&limits->used[quota], &used, used + amount));
	return 0;
}

void ipcshm_limits_uncharge(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount)
{
	WARN_ON_ONCE(atomic64_sub_return(amount, &limits->used[quota]) < 0);
}

/* What a user has, and can have; of NULL, what a user has who has no record. */
struct ipcshm_limit ipcshm_limits_read(const struct ipcshm_limits *limits,
				       enum ipcshm_quota quota)
{
	return (struct ipcshm_limit){
		.used = limits ? atomic64_read(&limits->used[quota]) : 0,
		.max = max_of(limits, quota),
	};
}

bool ipcshm_limits_is_own(const struct ipcshm_limits *limits, enum ipcshm_quota quota)
{
	return limits && READ_ONCE(limits->own[quota]) != FOLLOWS_DEFAULT;
}

/**
 * ipcshm_limits_set - set the most that can be had
 * @limits: whose; NULL: the default
 * @quota: of what
 * @amount: at most IPCSHM_QUOTA_MAX, or of a user IPCSHM_LIMIT_DEFAULT
 *
 * Who has more keeps it, and gets no more.
 */
void ipcshm_limits_set(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount)
{
	if (limits)
		WRITE_ONCE(limits->own[quota], min_t(u64, amount, FOLLOWS_DEFAULT));
	else
		WRITE_ONCE(max[quota], amount);
}
