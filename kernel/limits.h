/* SPDX-License-Identifier: GPL-2.0-only */
/* What each user has, and the most that each user can have. */
#ifndef IPCSHM_LIMITS_H
#define IPCSHM_LIMITS_H

#include <linux/limits.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/ipcshm.h"
#include "uapi/linux/ipcshm_netlink.h"

/* enum ipcshm_quota, as it is told over netlink, from 0. */
#define IPCSHM_NR_QUOTAS (IPCSHM_QUOTA_DESCRIPTORS + 1)

/* The most that a quota can be. */
#define IPCSHM_QUOTA_MAX ((u64)LONG_MAX)

struct ipcshm_limits;

void ipcshm_limits_init(void);
void ipcshm_limits_exit(void);

struct ipcshm_limits *ipcshm_limits_of(kuid_t uid);
struct ipcshm_limits *ipcshm_limits_find(kuid_t uid);
struct ipcshm_limits *ipcshm_limits_next(unsigned long *uid);
kuid_t ipcshm_limits_uid(const struct ipcshm_limits *limits);
int ipcshm_limits_charge(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount);
void ipcshm_limits_uncharge(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount);
struct ipcshm_limit ipcshm_limits_read(const struct ipcshm_limits *limits,
				       enum ipcshm_quota quota);
bool ipcshm_limits_is_own(const struct ipcshm_limits *limits, enum ipcshm_quota quota);
void ipcshm_limits_set(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 max);

#endif /* IPCSHM_LIMITS_H */
