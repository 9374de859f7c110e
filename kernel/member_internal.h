/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by member.c, member_page.c and member_list.c: memberships, and finding them. */
#ifndef IPCSHM_MEMBER_INTERNAL_H
#define IPCSHM_MEMBER_INTERNAL_H

#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "uapi/linux/ipcshm.h"

struct ipcshm_members;
struct ipcshm_quotas;
struct mm_struct;

/**
 * struct ipcshm_membership - an address space that maps the region
 * @by_mm: in the region's members; protected by their lock
 * @by_slot: in the region's members while it has a token; protected by their lock
 * @mm: the address space; no reference, since it outlives its mappings; immutable
 * @maps: its mappings, and calls that use this; protected by the members' lock
 * @token: identifies it in this region; 0: a stray; set once, under the members' lock
 * @uid: user of its first mapping, or of the parent; immutable
 * @payer: user whose quota it is charged to while it has a token; the charge keeps it
 * @joined: time at which it got the token, CLOCK_REALTIME
 */
struct ipcshm_membership {
	struct rb_node by_mm;
	struct rb_node by_slot;
	const struct mm_struct *mm;
	u32 maps;
	u32 token;
	kuid_t uid;
	struct ipcshm_quotas *payer;
	u64 joined;
};

static inline u32 node_slot(const struct rb_node *node)
{
	return IPCSHM_TOKEN_SLOT(rb_entry(node, struct ipcshm_membership, by_slot)->token);
}

int ipcshm_member_page_ensure(struct ipcshm_members *members, u32 index);
struct ipcshm_membership *ipcshm_membership_find(struct ipcshm_members *members,
						 const struct mm_struct *mm);
struct ipcshm_membership *ipcshm_membership_find_slot(struct ipcshm_members *members, u64 slot);
int ipcshm_membership_admit(struct ipcshm_members *members, struct ipcshm_membership *member);

#endif /* IPCSHM_MEMBER_INTERNAL_H */
