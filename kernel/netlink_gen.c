// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ipcshm.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>

#include "netlink_gen.h"

/* Common nested types */
const struct nla_policy ipcshm_quota_nl_policy[IPCSHM_A_QUOTA_OWN + 1] = {
	[IPCSHM_A_QUOTA_USED] = { .type = NLA_U64, },
	[IPCSHM_A_QUOTA_MAXIMUM] = { .type = NLA_U64, },
	[IPCSHM_A_QUOTA_OWN] = { .type = NLA_FLAG, },
};

/* IPCSHM_CMD_OBJECT_GET - do */
const struct nla_policy ipcshm_object_get_do_nl_policy[IPCSHM_A_OBJECT_UID + 1] = {
	[IPCSHM_A_OBJECT_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[IPCSHM_A_OBJECT_KIND] = NLA_POLICY_RANGE(NLA_U32, 1, 2),
	[IPCSHM_A_OBJECT_NAME] = { .type = NLA_NUL_STRING, .len = 256, },
	[IPCSHM_A_OBJECT_UID] = { .type = NLA_U32, },
};

/* IPCSHM_CMD_OBJECT_UNLINK - do */
const struct nla_policy ipcshm_object_unlink_nl_policy[IPCSHM_A_OBJECT_NAME + 1] = {
	[IPCSHM_A_OBJECT_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[IPCSHM_A_OBJECT_KIND] = NLA_POLICY_RANGE(NLA_U32, 1, 2),
	[IPCSHM_A_OBJECT_NAME] = { .type = NLA_NUL_STRING, .len = 256, },
};

/* IPCSHM_CMD_OBJECT_REVOKE - do */
const struct nla_policy ipcshm_object_revoke_nl_policy[IPCSHM_A_OBJECT_NAME + 1] = {
	[IPCSHM_A_OBJECT_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[IPCSHM_A_OBJECT_KIND] = NLA_POLICY_RANGE(NLA_U32, 1, 2),
	[IPCSHM_A_OBJECT_NAME] = { .type = NLA_NUL_STRING, .len = 256, },
};

/* IPCSHM_CMD_MEMBER_GET - dump */
const struct nla_policy ipcshm_member_get_nl_policy[IPCSHM_A_MEMBER_REGION + 1] = {
	[IPCSHM_A_MEMBER_REGION] = NLA_POLICY_MIN(NLA_U64, 1),
};

/* IPCSHM_CMD_QUOTA_GET - do */
const struct nla_policy ipcshm_quota_get_do_nl_policy[IPCSHM_A_QUOTAS_NET + 1] = {
	[IPCSHM_A_QUOTAS_UID] = { .type = NLA_U32, },
	[IPCSHM_A_QUOTAS_DEFAULT] = { .type = NLA_FLAG, },
	[IPCSHM_A_QUOTAS_NET] = { .type = NLA_FLAG, },
};

/* IPCSHM_CMD_QUOTA_SET - do */
const struct nla_policy ipcshm_quota_set_nl_policy[IPCSHM_A_QUOTAS_NET + 1] = {
	[IPCSHM_A_QUOTAS_UID] = { .type = NLA_U32, },
	[IPCSHM_A_QUOTAS_DEFAULT] = { .type = NLA_FLAG, },
	[IPCSHM_A_QUOTAS_OBJECTS] = NLA_POLICY_NESTED(ipcshm_quota_nl_policy),
	[IPCSHM_A_QUOTAS_REGION_BYTES] = NLA_POLICY_NESTED(ipcshm_quota_nl_policy),
	[IPCSHM_A_QUOTAS_QUEUE_BYTES] = NLA_POLICY_NESTED(ipcshm_quota_nl_policy),
	[IPCSHM_A_QUOTAS_MEMBERS] = NLA_POLICY_NESTED(ipcshm_quota_nl_policy),
	[IPCSHM_A_QUOTAS_WAITERS] = NLA_POLICY_NESTED(ipcshm_quota_nl_policy),
	[IPCSHM_A_QUOTAS_DESCRIPTORS] = NLA_POLICY_NESTED(ipcshm_quota_nl_policy),
	[IPCSHM_A_QUOTAS_NET] = { .type = NLA_FLAG, },
};

/* Members of struct ipcshm_stat */
const struct ipcshm_nl_field ipcshm_nl_object_fields[] = {
	IPCSHM_NL_FIELD(OBJECT_ID, ipcshm_stat, id),
	IPCSHM_NL_FIELD(OBJECT_KIND, ipcshm_stat, kind),
	IPCSHM_NL_FIELD(OBJECT_UID, ipcshm_stat, uid),
	IPCSHM_NL_FIELD(OBJECT_GID, ipcshm_stat, gid),
	IPCSHM_NL_FIELD(OBJECT_MODE, ipcshm_stat, mode),
	IPCSHM_NL_FIELD(OBJECT_FLAGS, ipcshm_stat, flags),
	IPCSHM_NL_FIELD(OBJECT_OPENS, ipcshm_stat, opens),
	IPCSHM_NL_FIELD(OBJECT_BTIME, ipcshm_stat, btime),
	{}
};

/* Members of struct ipcshm_region_stat */
const struct ipcshm_nl_field ipcshm_nl_region_fields[] = {
	IPCSHM_NL_FIELD(REGION_SIZE, ipcshm_region_stat, size),
	IPCSHM_NL_FIELD(REGION_MAX_SIZE, ipcshm_region_stat, max_size),
	IPCSHM_NL_FIELD(REGION_ALLOCATED, ipcshm_region_stat, allocated),
	IPCSHM_NL_FIELD(REGION_MAX_MEMBERS, ipcshm_region_stat, max_members),
	IPCSHM_NL_FIELD(REGION_MEMBERS, ipcshm_region_stat, members),
	IPCSHM_NL_FIELD(REGION_JOINS, ipcshm_region_stat, joins),
	IPCSHM_NL_FIELD(REGION_DEATHS, ipcshm_region_stat, deaths),
	IPCSHM_NL_FIELD(REGION_WAITERS, ipcshm_region_stat, waiters),
	{}
};

/* Members of struct ipcshm_queue_stat */
const struct ipcshm_nl_field ipcshm_nl_queue_fields[] = {
	IPCSHM_NL_FIELD(QUEUE_MAX_MESSAGES, ipcshm_queue_stat, max_messages),
	IPCSHM_NL_FIELD(QUEUE_MAX_BYTES, ipcshm_queue_stat, max_bytes),
	IPCSHM_NL_FIELD(QUEUE_MAX_MESSAGE_SIZE, ipcshm_queue_stat, max_message_size),
	IPCSHM_NL_FIELD(QUEUE_MESSAGES, ipcshm_queue_stat, messages),
	IPCSHM_NL_FIELD(QUEUE_BYTES, ipcshm_queue_stat, bytes),
	IPCSHM_NL_FIELD(QUEUE_SENDERS, ipcshm_queue_stat, senders),
	IPCSHM_NL_FIELD(QUEUE_RECEIVERS, ipcshm_queue_stat, receivers),
	IPCSHM_NL_FIELD(QUEUE_SENT, ipcshm_queue_stat, sent),
	IPCSHM_NL_FIELD(QUEUE_RECEIVED, ipcshm_queue_stat, received),
	IPCSHM_NL_FIELD(QUEUE_DROPPED, ipcshm_queue_stat, dropped),
	IPCSHM_NL_FIELD(QUEUE_PEAK_MESSAGES, ipcshm_queue_stat, peak_messages),
	IPCSHM_NL_FIELD(QUEUE_PEAK_BYTES, ipcshm_queue_stat, peak_bytes),
	IPCSHM_NL_TIME(QUEUE_NEXT_TIME, ipcshm_queue_stat, next_time),
	IPCSHM_NL_TIME(QUEUE_BLOCKED_TIME, ipcshm_queue_stat, blocked_time),
	IPCSHM_NL_FIELD(QUEUE_POOL_BYTES, ipcshm_queue_stat, pool_bytes),
	IPCSHM_NL_FIELD(QUEUE_POOL_USED, ipcshm_queue_stat, pool_used),
	IPCSHM_NL_FIELD(QUEUE_HELD, ipcshm_queue_stat, held),
	IPCSHM_NL_FIELD(QUEUE_CALLS, ipcshm_queue_stat, calls),
	IPCSHM_NL_FIELD(QUEUE_READERS, ipcshm_queue_stat, readers),
	IPCSHM_NL_FIELD(QUEUE_WRITERS, ipcshm_queue_stat, writers),
	IPCSHM_NL_FIELD(QUEUE_OVERFLOW, ipcshm_queue_stat, overflow),
	IPCSHM_NL_FIELD(QUEUE_STALLS, ipcshm_queue_stat, stalls),
	IPCSHM_NL_FIELD(QUEUE_UNACKNOWLEDGED, ipcshm_queue_stat, unacknowledged),
	IPCSHM_NL_FIELD(QUEUE_RETURNS, ipcshm_queue_stat, returns),
	IPCSHM_NL_FIELD(QUEUE_DEAD_LETTERS, ipcshm_queue_stat, dead_letters),
	IPCSHM_NL_FIELD(QUEUE_DEAD_LETTER_ID, ipcshm_queue_stat, dead_letter_id),
	{}
};

/* Members of struct ipcshm_member */
const struct ipcshm_nl_field ipcshm_nl_member_fields[] = {
	IPCSHM_NL_FIELD(MEMBER_TOKEN, ipcshm_member, token),
	IPCSHM_NL_FIELD(MEMBER_PID, ipcshm_member, pid),
	IPCSHM_NL_FIELD(MEMBER_UID, ipcshm_member, uid),
	IPCSHM_NL_FIELD(MEMBER_MAPS, ipcshm_member, maps),
	IPCSHM_NL_FIELD(MEMBER_JOINED, ipcshm_member, joined),
	{}
};
