/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files netlink*.c: operations, attributes of structures, messages. */
#ifndef IPCSHM_NETLINK_INTERNAL_H
#define IPCSHM_NETLINK_INTERNAL_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "netlink_field.h"
#include "netlink_gen.h"
#include "uapi/linux/ipcshm_netlink.h"

struct genl_family;
struct genl_info;
struct ipcshm_registry;
struct netlink_callback;
struct netlink_ext_ack;
struct nlattr;
struct sk_buff;

extern struct genl_family ipcshm_nl_family;

/* The operations. */
int ipcshm_nl_object_get(struct sk_buff *request, struct genl_info *info);
int ipcshm_nl_object_dump_start(struct netlink_callback *cb);
int ipcshm_nl_object_dump(struct sk_buff *skb, struct netlink_callback *cb);
int ipcshm_nl_object_unlink(struct sk_buff *request, struct genl_info *info);
int ipcshm_nl_object_revoke(struct sk_buff *request, struct genl_info *info);
int ipcshm_nl_member_dump_start(struct netlink_callback *cb);
int ipcshm_nl_member_dump(struct sk_buff *skb, struct netlink_callback *cb);
int ipcshm_nl_quota_get(struct sk_buff *request, struct genl_info *info);
int ipcshm_nl_quota_dump_start(struct netlink_callback *cb);
int ipcshm_nl_quota_dump(struct sk_buff *skb, struct netlink_callback *cb);
int ipcshm_nl_quota_dump_done(struct netlink_callback *cb);
int ipcshm_nl_quota_set(struct sk_buff *request, struct genl_info *info);

/* The opener's credentials, a user, and the registry of a request. */
const struct cred *ipcshm_nl_become_opener(const struct sk_buff *request);
int ipcshm_nl_uid_get(kuid_t *uid, const struct nlattr *attr, struct netlink_ext_ack *extack);
struct ipcshm_registry *ipcshm_nl_registry(const struct sk_buff *request);

/* In every set of attributes that has 64-bit ones, padding is type 1. */
#define IPCSHM_NL_PAD 1
static_assert(IPCSHM_A_OBJECT_PAD == IPCSHM_NL_PAD && IPCSHM_A_REGION_PAD == IPCSHM_NL_PAD &&
	      IPCSHM_A_QUEUE_PAD == IPCSHM_NL_PAD && IPCSHM_A_MEMBER_PAD == IPCSHM_NL_PAD &&
	      IPCSHM_A_QUOTA_PAD == IPCSHM_NL_PAD);

int ipcshm_nl_message_end(struct sk_buff *skb, void *header, int error);
int ipcshm_nl_message_reply(struct sk_buff *skb, void *header, int error, struct genl_info *info);
void *ipcshm_nl_dump_begin(struct sk_buff *skb, struct netlink_callback *cb, u8 command,
			   u32 changes);
int ipcshm_nl_dump_end(const struct sk_buff *skb, int error);

#endif /* IPCSHM_NETLINK_INTERNAL_H */
