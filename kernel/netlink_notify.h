/* SPDX-License-Identifier: GPL-2.0-only */
/* Notifications to subscribers. */
#ifndef IPCSHM_NETLINK_NOTIFY_H
#define IPCSHM_NETLINK_NOTIFY_H

#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/ipcshm.h"
#include "uapi/linux/ipcshm_netlink.h"

struct genl_family;
struct net;

/**
 * struct ipcshm_notification - a notification
 * @type: of the notification
 * @id: of the object, or 0
 * @kind: of the object
 * @name: that the object has, or had, or NULL
 * @uid: whose quota it is
 * @token: of the member, or 0
 * @end: how the member ended, and
 * @code: its exit status, or the signal
 * @messages: how many were lost
 * @quota: the exhausted quota
 * @amount: the refused charge; or how many notifications were lost
 *
 * The sender of the notification adds the process and the time.
 */
struct ipcshm_notification {
	enum ipcshm_notify_type type;
	u64 id;
	u32 kind;
	const char *name;
	kuid_t uid;
	u32 token;
	enum ipcshm_end end;
	u32 code;
	u64 messages;
	enum ipcshm_quota_type quota;
	u64 amount;
};

int ipcshm_notify_init(void);
void ipcshm_notify_exit(void);
void ipcshm_notify_use(const struct genl_family *family);
void ipcshm_notify_stop(void);

void ipcshm_notify(struct net *net, const struct ipcshm_notification *event);

#endif /* IPCSHM_NETLINK_NOTIFY_H */
