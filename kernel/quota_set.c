// SPDX-License-Identifier: GPL-2.0-only
/* Maxima of quotas: the defaults, and the own maxima of users and namespaces. */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>

#include "quota.h"
#include "quota_internal.h"

/* Each user's maxima, no more than IPCSHM_QUOTA_MAX. */
ulong ipcshm_max[IPCSHM_NR_QUOTAS] = {
	[IPCSHM_QUOTA_TYPE_OBJECTS] = 16384,
	[IPCSHM_QUOTA_TYPE_MEMBERS] = 65536,
	[IPCSHM_QUOTA_TYPE_WAITERS] = 65536,
	[IPCSHM_QUOTA_TYPE_DESCRIPTORS] = 16384,
};

module_param_named(max_objects, ipcshm_max[IPCSHM_QUOTA_TYPE_OBJECTS], ulong, 0444);
MODULE_PARM_DESC(max_objects, "Regions and queues that a user can create");
module_param_named(max_region_bytes, ipcshm_max[IPCSHM_QUOTA_TYPE_REGION_BYTES], ulong, 0444);
MODULE_PARM_DESC(max_region_bytes, "Sizes of a user's regions together (default: half of the memory)");
module_param_named(max_queue_bytes, ipcshm_max[IPCSHM_QUOTA_TYPE_QUEUE_BYTES], ulong, 0444);
MODULE_PARM_DESC(max_queue_bytes, "A user's bounded queues, and messages in others (default: 1/8 of the memory)");
module_param_named(max_members, ipcshm_max[IPCSHM_QUOTA_TYPE_MEMBERS], ulong, 0444);
MODULE_PARM_DESC(max_members, "Memberships in regions that a user's processes can have");
module_param_named(max_waiters, ipcshm_max[IPCSHM_QUOTA_TYPE_WAITERS], ulong, 0444);
MODULE_PARM_DESC(max_waiters, "Blocked waits on regions, and words watched, that a user can have");
module_param_named(max_descriptors, ipcshm_max[IPCSHM_QUOTA_TYPE_DESCRIPTORS], ulong, 0444);
MODULE_PARM_DESC(max_descriptors, "Descriptors in messages of a user that wait");

/* Maxima of each network namespace other than the initial one; 0: those of a user. */
ulong ipcshm_net_max[IPCSHM_NR_QUOTAS];

module_param_named(net_max_objects, ipcshm_net_max[IPCSHM_QUOTA_TYPE_OBJECTS], ulong, 0444);
MODULE_PARM_DESC(net_max_objects, "Regions and queues in a network namespace other than the initial one (default: max_objects)");
module_param_named(net_max_region_bytes,
		   ipcshm_net_max[IPCSHM_QUOTA_TYPE_REGION_BYTES], ulong, 0444);
MODULE_PARM_DESC(net_max_region_bytes, "Sizes of the regions there together (default: max_region_bytes)");
module_param_named(net_max_queue_bytes,
		   ipcshm_net_max[IPCSHM_QUOTA_TYPE_QUEUE_BYTES], ulong, 0444);
MODULE_PARM_DESC(net_max_queue_bytes, "Bounded queues there, and messages in others (default: max_queue_bytes)");
module_param_named(net_max_members, ipcshm_net_max[IPCSHM_QUOTA_TYPE_MEMBERS], ulong, 0444);
MODULE_PARM_DESC(net_max_members, "Memberships in regions there (default: max_members)");
module_param_named(net_max_waiters, ipcshm_net_max[IPCSHM_QUOTA_TYPE_WAITERS], ulong, 0444);
MODULE_PARM_DESC(net_max_waiters, "Blocked waits on regions, and words watched, there (default: max_waiters)");
module_param_named(net_max_descriptors,
		   ipcshm_net_max[IPCSHM_QUOTA_TYPE_DESCRIPTORS], ulong, 0444);
MODULE_PARM_DESC(net_max_descriptors, "Descriptors in messages that wait there (default: max_descriptors)");

/* Protects a record's own maxima, and the reference that they keep. */
static DEFINE_MUTEX(set_lock);

void ipcshm_quotas_init(void)
{
	u64 memory = (u64)totalram_pages() << PAGE_SHIFT;
	int quota;

	if (!ipcshm_max[IPCSHM_QUOTA_TYPE_REGION_BYTES])
		ipcshm_max[IPCSHM_QUOTA_TYPE_REGION_BYTES] = min_t(u64, memory / 2, ULONG_MAX);
	if (!ipcshm_max[IPCSHM_QUOTA_TYPE_QUEUE_BYTES])
		ipcshm_max[IPCSHM_QUOTA_TYPE_QUEUE_BYTES] = min_t(u64, memory / 8, ULONG_MAX);
	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++) {
		ipcshm_max[quota] = min_t(u64, ipcshm_max[quota], IPCSHM_QUOTA_MAX);
		ipcshm_net_max[quota] = min_t(u64, ipcshm_net_max[quota], IPCSHM_QUOTA_MAX);
	}
}

/* The maximum of a bound that has none of its own. */
u64 ipcshm_quotas_bound_default(enum ipcshm_quota_type quota)
{
	return ipcshm_net_max[quota] ?: READ_ONCE(ipcshm_max[quota]);
}

/* That of the user, in all network namespaces together. */
static const struct ipcshm_quotas *user_of(const struct ipcshm_quotas *payer)
{
	return payer->bound ? payer->parent : payer;
}

/* Usage of a user, and the maximum under all maxima of the payer; NULL: the default. */
struct ipcshm_quota ipcshm_quotas_read(const struct ipcshm_quotas *payer,
				       enum ipcshm_quota_type quota)
{
	struct ipcshm_quota value = { .max = IPCSHM_QUOTA_MAX };
	const struct ipcshm_quotas *record;

	if (!payer)
		return (struct ipcshm_quota){ .max = max_of(NULL, quota) };
	value.used = atomic64_read(&user_of(payer)->used[quota]);
	for_each_charged(record, payer)
		value.max = min(value.max, max_for(payer, record, quota));
	return value;
}

/* The lowest maximum of the records above. */
u64 ipcshm_quotas_ceiling(const struct ipcshm_quotas *payer, enum ipcshm_quota_type quota)
{
	const struct ipcshm_quotas *record;
	u64 ceiling = IPCSHM_QUOTA_MAX;

	for_each_charged(record, payer) {
		if (record != payer)
			ceiling = min(ceiling, max_for(payer, record, quota));
	}
	return ceiling;
}

bool ipcshm_quotas_is_own(const struct ipcshm_quotas *record, enum ipcshm_quota_type quota)
{
	return record && READ_ONCE(user_of(record)->own[quota]) != FOLLOWS_DEFAULT;
}

static bool has_own(const struct ipcshm_quotas *record)
{
	int quota;

	for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++) {
		if (ipcshm_quotas_is_own(record, quota))
			return true;
	}
	return false;
}

/* The maxima of the initial user namespace's users stay, as long as the module does. */
static bool keeps_itself(const struct ipcshm_quotas *record)
{
	return record->ns == &init_user_ns && has_own(record);
}

static void set_own(struct ipcshm_quotas *record, enum ipcshm_quota_type quota, ulong amount)
{
	bool keep, kept;

	mutex_lock(&set_lock);
	WRITE_ONCE(record->own[quota], amount);
	kept = record->kept;
	keep = record->ns == &init_user_ns ? keeps_itself(record) : kept;
	record->kept = keep;
	mutex_unlock(&set_lock);
	if (keep && !kept)
		ipcshm_quotas_get(record);
	if (kept && !keep)
		ipcshm_quotas_put(record);
	if (atomic_read(&record->waiting))
		ipcshm_quotas_kick_waiters(record);
}

/**
 * ipcshm_quotas_set - set a maximum
 * @record: the record; NULL: the default
 * @quota: the kind
 * @amount: at most IPCSHM_QUOTA_MAX, or for a record IPCSHM_QUOTA_FOLLOW_DEFAULT
 *
 * A user above the maximum keeps its charges; further charges are refused.
 */
void ipcshm_quotas_set(struct ipcshm_quotas *record, enum ipcshm_quota_type quota, u64 amount)
{
	if (record)
		set_own(record, quota, min_t(u64, amount, FOLLOWS_DEFAULT));
	else
		WRITE_ONCE(ipcshm_max[quota], amount);
}

/**
 * ipcshm_quotas_keep - keep a record because it has maxima of its own
 * @record: of a user of another user namespace than the initial one
 * @keeper: the records that a network namespace keeps; the one that sets last does
 *
 * So maxima last as long as that network namespace, and can't keep user namespaces.
 */
void ipcshm_quotas_keep(struct ipcshm_quotas *record, struct list_head *keeper)
{
	mutex_lock(&set_lock);
	if (!record->kept)
		ipcshm_quotas_get(record);
	record->kept = true;
	list_move_tail(&record->keep, keeper);
	mutex_unlock(&set_lock);
}

static struct ipcshm_quotas *take_kept(struct list_head *keeper)
{
	struct ipcshm_quotas *record;
	int quota;

	mutex_lock(&set_lock);
	record = list_first_entry_or_null(keeper, struct ipcshm_quotas, keep);
	if (record) {
		list_del_init(&record->keep);
		record->kept = false;
		for (quota = 0; quota < IPCSHM_NR_QUOTAS; quota++)
			WRITE_ONCE(record->own[quota], FOLLOWS_DEFAULT);
	}
	mutex_unlock(&set_lock);
	return record;
}

void ipcshm_quotas_unkeep_all(struct list_head *keeper)
{
	struct ipcshm_quotas *record;

	while ((record = take_kept(keeper))) {
		ipcshm_quotas_put(record);
		cond_resched();
	}
}
