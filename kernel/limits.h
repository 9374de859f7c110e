/* SPDX-License-Identifier: GPL-2.0-only */
/* What each user has, and the most that each user can have. */
#ifndef IPCSHM_LIMITS_H
#define IPCSHM_LIMITS_H

#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/ipcshm.h"

/**
 * enum ipcshm_quota - what is counted
 * @IPCSHM_QUOTA_OBJECTS: regions and queues created
 * @IPCSHM_QUOTA_REGION_BYTES: their sizes
 * @IPCSHM_QUOTA_QUEUE_BYTES: messages that wait, with the kernel's record of each
 * @IPCSHM_QUOTA_MEMBERS: memberships in regions
 * @IPCSHM_QUOTA_WAITERS: calls of WAIT that are blocked
 * @IPCSHM_NR_QUOTAS: how many quotas there are
 */
enum ipcshm_quota {
	IPCSHM_QUOTA_OBJECTS,
	IPCSHM_QUOTA_REGION_BYTES,
	IPCSHM_QUOTA_QUEUE_BYTES,
	IPCSHM_QUOTA_MEMBERS,
	IPCSHM_QUOTA_WAITERS,
	IPCSHM_NR_QUOTAS
};

struct ipcshm_limits;

void ipcshm_limits_init(void);
void ipcshm_limits_exit(void);

struct ipcshm_limits *ipcshm_limits_of(kuid_t uid);
int ipcshm_limits_charge(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount);
void ipcshm_limits_uncharge(struct ipcshm_limits *limits, enum ipcshm_quota quota, u64 amount);
struct ipcshm_limit ipcshm_limits_read(const struct ipcshm_limits *limits,
				       enum ipcshm_quota quota);

#endif /* IPCSHM_LIMITS_H */
