/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has a region mapped: members, their page, their deaths. */
#ifndef IPCSHM_MEMBER_H
#define IPCSHM_MEMBER_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "uapi/linux/ipcshm.h"

struct ipcshm_membership;
struct ipcshm_object;
struct mm_struct;
struct page;
struct vm_area_struct;

/**
 * struct ipcshm_members - the members of a region
 * @object: the region; immutable
 * @max: how many there can be; immutable
 * @lock: protects all below; taken under mmap_lock
 * @list: struct ipcshm_membership
 * @count: how many
 * @last: the number of the last one that joined
 * @strays: mappings of address spaces that inherited them and are no members
 * @next: the slot to look at first for a new one: the longer a slot rests, the
 *	longer a token isn't used again
 * @revoked: the region was; set once, read without the lock
 * @page: the member page, or NULL: nobody has asked for it yet.  User space has
 *	it mapped, and only the kernel writes to it.
 */
struct ipcshm_members {
	const struct ipcshm_object *object;
	u32 max;
	struct mutex lock;	/* members */
	struct list_head list;
	u32 count;
	u64 last;
	u32 strays;
	u32 next;
	bool revoked;
	struct page *page;
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

int ipcshm_members_map_page(struct ipcshm_members *members, struct vm_area_struct *vma);
int ipcshm_members_lock_alone(struct ipcshm_members *members);
void ipcshm_members_unlock(struct ipcshm_members *members);
void ipcshm_members_revoke(struct ipcshm_members *members);

u32 ipcshm_members_deaths(const struct ipcshm_members *members);
void ipcshm_members_stat(struct ipcshm_members *members, struct ipcshm_region_stat *stat);
u32 ipcshm_members_self(struct ipcshm_members *members);
int ipcshm_members_list(struct ipcshm_members *members, struct ipcshm_region_members *args);
bool ipcshm_members_next(struct ipcshm_members *members, u64 *number, struct ipcshm_member *to);

#endif /* IPCSHM_MEMBER_H */
