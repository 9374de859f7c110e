/* SPDX-License-Identifier: GPL-2.0-only */
/* Quotas: what each user of each user namespace consumes, and may consume. */
#ifndef IPCSHM_LIMITS_H
#define IPCSHM_LIMITS_H

#include <linux/limits.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/ipcshm.h"
#include "uapi/linux/ipcshm_netlink.h"

/* enum ipcshm_quota, as in netlink messages, from 0. */
#define IPCSHM_NR_QUOTAS (IPCSHM_QUOTA_DESCRIPTORS + 1)

/* The largest value of a quota. */
#define IPCSHM_QUOTA_MAX ((u64)LONG_MAX)

struct ipcshm_limits;
struct user_namespace;

/**
 * struct ipcshm_limits_waiter - a task or a poller that waits for quota
 * @wake: called once, in process context and with a spinlock held, when an attempt to
 *	charge is worthwhile; must not sleep, and must not take a lock under which
 *	ipcshm_limits_wait() or ipcshm_limits_unwait() is called
 * @payer: to be charged
 * @limits: the record that has no room, while @link is in its list
 * @link: protected by the lock of @limits
 * @quota: what is to be charged
 * @amount: how much of it
 *
 * The owner sets @wake; ipcshm_limits_wait() sets the rest.
 */
struct ipcshm_limits_waiter {
	void (*wake)(struct ipcshm_limits_waiter *waiter);
	struct ipcshm_limits *payer;
	struct ipcshm_limits *limits;
	struct list_head link;
	enum ipcshm_quota quota;
	u64 amount;
};

void ipcshm_limits_init(void);
void ipcshm_limits_exit(void);

struct ipcshm_limits *ipcshm_limits_get_current(struct ipcshm_limits *bound);
struct ipcshm_limits *ipcshm_limits_get(struct ipcshm_limits *limits);
void ipcshm_limits_put(struct ipcshm_limits *limits);

bool ipcshm_limits_try_charge(struct ipcshm_limits *payer, enum ipcshm_quota quota, u64 amount);
int ipcshm_limits_charge(struct ipcshm_limits *payer, enum ipcshm_quota quota, u64 amount);
void ipcshm_limits_report(const struct ipcshm_limits *payer, enum ipcshm_quota quota, u64 amount);
void ipcshm_limits_charge_force(struct ipcshm_limits *payer, enum ipcshm_quota quota, u64 amount);
void ipcshm_limits_uncharge(struct ipcshm_limits *payer, enum ipcshm_quota quota, u64 amount);

void ipcshm_limits_waiter_init(struct ipcshm_limits_waiter *waiter,
			       void (*wake)(struct ipcshm_limits_waiter *waiter));
int ipcshm_limits_wait(struct ipcshm_limits *payer, enum ipcshm_quota quota, u64 amount,
		       struct ipcshm_limits_waiter *waiter);
void ipcshm_limits_unwait(struct ipcshm_limits_waiter *waiter);

struct ipcshm_limits *ipcshm_limits_create_bound(void);
struct ipcshm_limits *ipcshm_limits_find(struct user_namespace *ns, kuid_t uid);
struct ipcshm_limits *ipcshm_limits_of(struct user_namespace *ns, kuid_t uid);
struct ipcshm_limits *ipcshm_limits_next(struct ipcshm_limits *limits);
kuid_t ipcshm_limits_uid(const struct ipcshm_limits *limits);
struct user_namespace *ipcshm_limits_ns(const struct ipcshm_limits *limits);
struct ipcshm_limits *ipcshm_limits_bound(const struct ipcshm_limits *limits);
struct ipcshm_limit ipcshm_limits_read(const struct ipcshm_limits *payer, enum ipcshm_quota quota);
u64 ipcshm_limits_ceiling(const struct ipcshm_limits *limits, enum ipcshm_quota quota);
void ipcshm_limits_keep(struct ipcshm_limits *limits, struct list_head *keeper);
void ipcshm_limits_unkeep_all(struct list_head *keeper);
bool ipcshm_limits_is_own(const struct ipcshm_limits *limits, enum ipcshm_quota quota);
void ipcshm_limits_set(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 max);

#endif /* IPCSHM_LIMITS_H */
