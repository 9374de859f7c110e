/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ipcshm.yaml */
/* YNL-GEN kernel source */

#ifndef IPCSHM_NETLINK_GEN_H
#define IPCSHM_NETLINK_GEN_H

#include <net/netlink.h>

#include "netlink_field.h"
#include "uapi/linux/ipcshm_netlink.h"

extern const struct nla_policy ipcshm_quota_nl_policy[IPCSHM_A_QUOTA_OWN + 1];
extern const struct nla_policy ipcshm_object_get_do_nl_policy[IPCSHM_A_OBJECT_UID + 1];
extern const struct nla_policy ipcshm_object_unlink_nl_policy[IPCSHM_A_OBJECT_NAME + 1];
extern const struct nla_policy ipcshm_object_revoke_nl_policy[IPCSHM_A_OBJECT_NAME + 1];
extern const struct nla_policy ipcshm_member_get_nl_policy[IPCSHM_A_MEMBER_REGION + 1];
extern const struct nla_policy ipcshm_quota_get_do_nl_policy[IPCSHM_A_QUOTAS_NET + 1];
extern const struct nla_policy ipcshm_quota_set_nl_policy[IPCSHM_A_QUOTAS_NET + 1];

extern const struct ipcshm_nl_field ipcshm_nl_object_fields[];
extern const struct ipcshm_nl_field ipcshm_nl_region_fields[];
extern const struct ipcshm_nl_field ipcshm_nl_queue_fields[];
extern const struct ipcshm_nl_field ipcshm_nl_member_fields[];

#endif /* IPCSHM_NETLINK_GEN_H */
