/* SPDX-License-Identifier: GPL-2.0-only */
/* The members of a region: joins, ends, and the pages that show them. */
#ifndef IPCSHM_MEMBER_H
#define IPCSHM_MEMBER_H

#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "member_table.h"
#include "uapi/linux/ipcshm.h"

struct ipcshm_membership;
struct ipcshm_object;
struct mm_struct;
struct vm_area_struct;

/**
 * struct ipcshm_members - the members of a region
 * @object: the region; immutable
 * @max: highest number of members at a time; immutable
 * @lock: protects all below; taken under mmap_lock; nothing is allocated under it
 * @by_mm: struct ipcshm_membership, members and strays, by address space
 * @by_slot: struct ipcshm_membership, members, by slot
 * @count: number of members
 * @strays: number of address spaces that inherited a mapping but found no slot, quota or
 *	memory
 * @revoked: the region was revoked; set once, read without the lock
 * @table: the slots
 */
struct ipcshm_members {
	const struct ipcshm_object *object;
	u32 max;
	struct mutex lock;	/* members */
	struct rb_root by_mm;
	struct rb_root by_slot;
	u32 count;
	u32 strays;
	bool revoked;
	struct ipcshm_member_table table;
};

void ipcshm_members_init(struct ipcshm_members *members, const struct ipcshm_object *object,
			 u32 max);
void ipcshm_members_destroy(struct ipcshm_members *members);

struct ipcshm_membership *ipcshm_members_map(struct ipcshm_members *members,
					     struct mm_struct *mm);
struct ipcshm_membership *ipcshm_members_map_copied(struct ipcshm_members *members,
						    struct ipcshm_membership *original,
						    struct mm_struct *mm);
bool ipcshm_members_unmap(struct ipcshm_members *members, struct ipcshm_membership *member);

int ipcshm_members_map_table(struct ipcshm_members *members, struct vm_area_struct *vma);
int ipcshm_members_lock_alone(struct ipcshm_members *members);
void ipcshm_members_unlock(struct ipcshm_members *members);
void ipcshm_members_revoke(struct ipcshm_members *members);

u32 ipcshm_members_deaths(const struct ipcshm_members *members);
void ipcshm_members_stat(struct ipcshm_members *members, struct ipcshm_region_stat *stat);
int ipcshm_members_self(struct ipcshm_members *members, u32 *token);
int ipcshm_members_get(struct ipcshm_members *members, struct ipcshm_region_member_args *args);
int ipcshm_members_list(struct ipcshm_members *members, struct ipcshm_region_members_args *args);
bool ipcshm_members_next(struct ipcshm_members *members, u64 *cursor, struct ipcshm_member *to);

#endif /* IPCSHM_MEMBER_H */
