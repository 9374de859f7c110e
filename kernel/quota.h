/* SPDX-License-Identifier: GPL-2.0-only */
/* Quotas: what each user of each user namespace consumes, and may consume. */
#ifndef IPCSHM_QUOTA_H
#define IPCSHM_QUOTA_H

#include <linux/limits.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/ipcshm.h"
#include "uapi/linux/ipcshm_netlink.h"

/* enum ipcshm_quota_type, as in netlink messages, from 0. */
#define IPCSHM_NR_QUOTAS (IPCSHM_QUOTA_TYPE_DESCRIPTORS + 1)

/* The largest value of a quota. */
#define IPCSHM_QUOTA_MAX ((u64)LONG_MAX)

struct ipcshm_quotas;
struct user_namespace;

/**
 * struct ipcshm_quotas_waiter - a task or a poller that waits for quota
 * @wake: called once, in process context and with a spinlock held, when an attempt to
 *	charge is worthwhile; must not sleep, and must not take a lock under which
 *	ipcshm_quotas_wait() or ipcshm_quotas_unwait() is called
 * @payer: to be charged
 * @record: the record that has no room, while @link is in its list
 * @link: protected by the lock of @record
 * @quota: the quota to charge
 * @amount: how much of it
 *
 * The owner sets @wake; ipcshm_quotas_wait() sets the rest.
 */
struct ipcshm_quotas_waiter {
	void (*wake)(struct ipcshm_quotas_waiter *waiter);
	struct ipcshm_quotas *payer;
	struct ipcshm_quotas *record;
	struct list_head link;
	enum ipcshm_quota_type quota;
	u64 amount;
};

void ipcshm_quotas_init(void);
void ipcshm_quotas_exit(void);

struct ipcshm_quotas *ipcshm_quotas_get_current(struct ipcshm_quotas *bound);
struct ipcshm_quotas *ipcshm_quotas_get(struct ipcshm_quotas *record);
void ipcshm_quotas_put(struct ipcshm_quotas *record);

bool ipcshm_quotas_try_charge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
			      u64 amount);
int ipcshm_quotas_charge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount);
void ipcshm_quotas_report(const struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
			  u64 amount);
void ipcshm_quotas_charge_force(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
				u64 amount);
void ipcshm_quotas_uncharge_locked(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota,
				   u64 amount);
void ipcshm_quotas_uncharge(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount);

void ipcshm_quotas_waiter_init(struct ipcshm_quotas_waiter *waiter,
			       void (*wake)(struct ipcshm_quotas_waiter *waiter));
int ipcshm_quotas_wait(struct ipcshm_quotas *payer, enum ipcshm_quota_type quota, u64 amount,
		       struct ipcshm_quotas_waiter *waiter);
void ipcshm_quotas_unwait(struct ipcshm_quotas_waiter *waiter);

struct ipcshm_quotas *ipcshm_quotas_create_bound(void);
struct ipcshm_quotas *ipcshm_quotas_find(struct user_namespace *ns, kuid_t uid);
struct ipcshm_quotas *ipcshm_quotas_of(struct user_namespace *ns, kuid_t uid);
struct ipcshm_quotas *ipcshm_quotas_next(struct ipcshm_quotas *record);
kuid_t ipcshm_quotas_uid(const struct ipcshm_quotas *record);
struct user_namespace *ipcshm_quotas_ns(const struct ipcshm_quotas *record);
struct ipcshm_quotas *ipcshm_quotas_bound(const struct ipcshm_quotas *record);
struct ipcshm_quota ipcshm_quotas_read(const struct ipcshm_quotas *payer,
				       enum ipcshm_quota_type quota);
u64 ipcshm_quotas_bound_default(enum ipcshm_quota_type quota);
u64 ipcshm_quotas_ceiling(const struct ipcshm_quotas *payer, enum ipcshm_quota_type quota);
void ipcshm_quotas_keep(struct ipcshm_quotas *record, struct list_head *keeper);
void ipcshm_quotas_unkeep_all(struct list_head *keeper);
bool ipcshm_quotas_is_own(const struct ipcshm_quotas *record, enum ipcshm_quota_type quota);
void ipcshm_quotas_set(struct ipcshm_quotas *record, enum ipcshm_quota_type quota, u64 max);

#endif /* IPCSHM_QUOTA_H */
