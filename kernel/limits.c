// SPDX-License-Identifier: GPL-2.0-only
/* What each user has, and the most that each user can have. */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "limits.h"

/**
 * struct ipcshm_limits - one user's quotas
 * @used: what is charged; never more than the maximum of the same quota
 *
 * A user's record is made when the user first needs one and stays until the
 * module goes.  There are at most as many as user IDs, each is charged to the
 * memory cgroup it was made in, and no message or object has to count
 * references to it.
 */
struct ipcshm_limits {
	atomic64_t used[IPCSHM_NR_QUOTAS];
};

/* The most that each user can have, no more than S64_MAX. */
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
MODULE_PARM_DESC(max_waiters, "Blocked waits on regions that a user can have");
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
		max[quota] = min_t(u64, max[quota], S64_MAX);
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

/* The record of a user, made if there is none; or -ENOMEM. */
struct ipcshm_limits *ipcshm_limits_of(kuid_t uid)
{
	struct ipcshm_limits *limits = xa_load(&users, __kuid_val(uid));
	struct ipcshm_limits *other;

	if (limits)
		return limits;
	limits = kzalloc(sizeof(*limits), GFP_KERNEL_ACCOUNT);
	if (!limits)
		return ERR_PTR(-ENOMEM);
	other = xa_cmpxchg(&users, __kuid_val(uid), NULL, limits, GFP_KERNEL_ACCOUNT);
	if (!other)
		return limits;
	kfree(limits);
	return xa_is_err(other) ? ERR_PTR(xa_err(other)) : other;
}

int ipcshm_limits_charge(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount)
{
	s64 used = atomic64_read(&limits->used[quota]);

	do {
		if (amount > max[quota] || used > max[quota] - amount)
			return -EDQUOT;
	} while (!atomic64_try_cmpxchg(&limits->used[quota], &used, used + amount));
	return 0;
}

void ipcshm_limits_uncharge(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount)
{
	WARN_ON_ONCE(atomic64_sub_return(amount, &limits->used[quota]) < 0);
}

struct ipcshm_limit ipcshm_limits_read(const struct ipcshm_limits *limits,
				       enum ipcshm_quota quota)
{
	return (struct ipcshm_limit){
		.used = atomic64_read(&limits->used[quota]),
		.max = max[quota],
	};
}
