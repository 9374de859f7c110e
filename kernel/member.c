// SPDX-License-Identifier: GPL-2.0-only
/*
 * The members of a region: joins and ends.
 *
 * A member is an address space.  Each of its mappings of the region counts, and has
 * the membership as its vm_private_data.  A child that finds no slot, quota or memory
 * at fork(2), where no error can be returned, is a stray: it has a membership without
 * a token.  It becomes a member when it asks for its token while a slot is free.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "member.h"
#include "member_internal.h"
#include "object.h"
#include "quota.h"
#include "trace.h"

void ipcshm_members_init(struct ipcshm_members *members, const struct ipcshm_object *object,
			 u32 max)
{
	members->object = object;
	members->max = max;
	mutex_init(&members->lock);
	members->by_mm = RB_ROOT;
	members->by_slot = RB_ROOT;
	ipcshm_member_table_init(&members->table, IPCSHM_MEMBERS_MAX, IPCSHM_GENERATIONS);
}

/* Each mapping holds the region, so no member is left. */
void ipcshm_members_destroy(struct ipcshm_members *members)
{
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&members->by_mm));
	ipcshm_member_table_destroy(&members->table);
	mutex_destroy(&members->lock);
}

/* Memberships, by address space and by slot: each step is logarithmic. */

struct ipcshm_membership *ipcshm_membership_find(struct ipcshm_members *members,
						 const struct mm_struct *mm)
{
	struct rb_node *node = members->by_mm.rb_node;

	lockdep_assert_held(&members->lock);
	while (node) {
		struct ipcshm_membership *member = rb_entry(node, struct ipcshm_membership, by_mm);

		if (member->mm == mm)
			return member;
		node = mm < member->mm ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static bool goes_before_by_mm(struct rb_node *node, const struct rb_node *other)
{
	return rb_entry(node, struct ipcshm_membership, by_mm)->mm <
	       rb_entry(other, struct ipcshm_membership, by_mm)->mm;
}

static bool goes_before_by_slot(struct rb_node *node, const struct rb_node *other)
{
	return node_slot(node) < node_slot(other);
}

/* The member with the lowest slot at or above this one, or NULL. */
struct ipcshm_membership *ipcshm_membership_find_slot(struct ipcshm_members *members, u64 slot)
{
	struct rb_node *node = members->by_slot.rb_node;
	struct rb_node *best = NULL;

	lockdep_assert_held(&members->lock);
	while (node) {
		if (node_slot(node) >= slot) {
			best = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return best ? rb_entry(best, struct ipcshm_membership, by_slot) : NULL;
}

/* Joining and leaving. */

/**
 * struct end - how a membership ends
 * @how: the kind of end
 * @code: exit status or signal
 */
struct end {
	enum ipcshm_end how;
	u32 code;
};

static void membership_notify(const struct ipcshm_members *members, enum ipcshm_notify_type type,
			      u32 token, const struct end *end)
{
	ipcshm_object_members_changed(members->object);
	ipcshm_object_notify(members->object, (struct ipcshm_notification){
		.type = type,
		.token = token,
		.end = end->how,
		.code = end->code,
	});
}

/* Gives a stray the next free slot, whose page exists. */
static int membership_enter(struct ipcshm_members *members, struct ipcshm_membership *member,
			    struct ipcshm_quotas *payer)
{
	struct ipcshm_member_page *header = ipcshm_member_table_header(&members->table);
	int err = ipcshm_quotas_charge(payer, IPCSHM_QUOTA_TYPE_MEMBERS, 1);

	lockdep_assert_held(&members->lock);
	if (err)
		return err;
	member->payer = payer;
	member->joined = ktime_get_real_ns();
	WRITE_ONCE(member->token, ipcshm_member_table_take(&members->table));
	WRITE_ONCE(header->joins, header->joins + 1);
	rb_add(&member->by_slot, &members->by_slot, goes_before_by_slot);
	members->strays--;
	members->count++;
	trace_ipcshm_join(members->object->id, member->token, members->count);
	membership_notify(members, IPCSHM_NOTIFY_TYPE_JOIN, member->token, &(struct end){});
	return 0;
}

/* The slot that the next member gets, or -EUSERS. */
static int slot_find_free(const struct ipcshm_members *members)
{
	return members->count < members->max ? ipcshm_member_table_next(&members->table) : -EUSERS;
}

/*
 * Makes a stray a member, unless another thread did.  A missing page of the table is added
 * without the lock.  Each turn but the last adds one of a bounded number of pages.
 */
static int membership_admit_charged(struct ipcshm_members *members,
				    struct ipcshm_membership *member,
				    struct ipcshm_quotas *payer)
{
	int slot, err = 0;
	u32 index;

	for (;;) {
		mutex_lock(&members->lock);
		slot = member->token ? 0 : slot_find_free(members);
		if (slot < 0)
			break;
		index = ipcshm_member_table_index(slot);
		if (ipcshm_member_table_page(&members->table, index))
			break;
		mutex_unlock(&members->lock);
		err = ipcshm_member_page_ensure(members, index);
		if (err)
			return err;
	}
	if (slot < 0)
		err = slot;
	else if (!member->token)
		err = membership_enter(members, member, payer);
	mutex_unlock(&members->lock);
	return err;
}

int ipcshm_membership_admit(struct ipcshm_members *members, struct ipcshm_membership *member)
{
	struct ipcshm_quotas *payer;
	int err;

	if (READ_ONCE(member->token))
		return 0;
	payer = ipcshm_object_payer_get(members->object);
	if (IS_ERR(payer))
		return PTR_ERR(payer);
	err = membership_admit_charged(members, member, payer);
	ipcshm_quotas_put(payer);
	return err;
}

static struct ipcshm_membership *membership_count_map(struct ipcshm_members *members,
						      const struct mm_struct *mm)
{
	struct ipcshm_membership *member = ipcshm_membership_find(members, mm);

	if (member)
		member->maps++;
	return member;
}

/* Counts a mapping in the membership of an address space; a new membership is a stray. */
static struct ipcshm_membership *membership_get(struct ipcshm_members *members,
						const struct mm_struct *mm, gfp_t gfp)
{
	struct ipcshm_membership *member, *other;

	mutex_lock(&members->lock);
	member = membership_count_map(members, mm);
	mutex_unlock(&members->lock);
	if (member)
		return member;
	member = kzalloc(sizeof(*member), gfp);
	if (!member)
		return ERR_PTR(-ENOMEM);
	member->mm = mm;
	member->maps = 1;
	member->uid = current_fsuid();
	mutex_lock(&members->lock);
	/* Another thread can have added one in the meantime. */
	other = membership_count_map(members, mm);
	if (!other) {
		rb_add(&member->by_mm, &members->by_mm, goes_before_by_mm);
		members->strays++;
	}
	mutex_unlock(&members->lock);
	if (!other)
		return member;
	kfree(member);
	return other;
}

/**
 * ipcshm_members_map - count a new mapping of the region
 * @members: the region's members
 * @mm: the address space
 *
 * Return: the membership, for the mapping's vm_private_data; or -EUSERS, -EDQUOT,
 * -ENOMEM.
 */
struct ipcshm_membership *ipcshm_members_map(struct ipcshm_members *members, struct mm_struct *mm)
{
	struct ipcshm_membership *member = membership_get(members, mm, GFP_KERNEL_ACCOUNT);
	int err;

	if (IS_ERR(member))
		return member;
	err = ipcshm_membership_admit(members, member);
	if (!err)
		return member;
	ipcshm_members_unmap(members, member);
	return ERR_PTR(err);
}

/**
 * ipcshm_members_map_copied - count a mapping that was split, moved or inherited
 * @members: the region's members
 * @original: the membership of the mapping that was copied
 * @mm: the address space of the copy
 *
 * No error can be returned to fork(2), so the allocation of a membership must not fail.  A
 * child that cannot join is a stray.
 *
 * Return: the membership of the copy.
 */
struct ipcshm_membership *ipcshm_members_map_copied(struct ipcshm_members *members,
						    struct ipcshm_membership *original,
						    struct mm_struct *mm)
{
	struct ipcshm_membership *member;

	member = membership_get(members, mm, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	if (mm != original->mm)
		ipcshm_membership_admit(members, member);
	return member;
}

static struct end end_from_exit(void)
{
	const struct signal_struct *signal = current->signal;
	int status = READ_ONCE(signal->flags) & SIGNAL_GROUP_EXIT ?
		     READ_ONCE(signal->group_exit_code) : current->exit_code;

	if (status & 0x7f)
		return (struct end){ IPCSHM_END_KILLED, status & 0x7f };
	return (struct end){ IPCSHM_END_EXITED, status >> 8 & 0xff };
}

/*
 * How a membership ends, from the task that removes its last mapping.  A process that uses
 * the address space leaves.  If none does, the task dropped the last reference: in
 * exit_mm(), where it has given up its memory but not yet its descriptors; in execve(2); or
 * after it has looked into the address space of another process.
 */
static struct end end_from_mm(const struct mm_struct *mm)
{
	if (atomic_read(&mm->mm_users))
		return (struct end){ IPCSHM_END_LEFT };
	if (current->flags & PF_EXITING && !current->mm && current->files)
		return end_from_exit();
	if (current->in_execve)
		return (struct end){ IPCSHM_END_EXEC };
	return (struct end){ IPCSHM_END_UNKNOWN };
}

static void membership_leave(struct ipcshm_members *members, struct ipcshm_membership *member,
			     const struct end *end)
{
	struct ipcshm_member_page *header = ipcshm_member_table_header(&members->table);

	rb_erase(&member->by_slot, &members->by_slot);
	members->count--;
	ipcshm_member_table_give_back(&members->table, member->token, end->how, end->code);
	if (end->how == IPCSHM_END_LEFT) {
		trace_ipcshm_leave(members->object->id, member->token, members->count);
		membership_notify(members, IPCSHM_NOTIFY_TYPE_LEAVE, member->token, end);
		return;
	}
	/* Pairs with a load of deaths in user space, which then sees the slot. */
	smp_store_release(&header->deaths, header->deaths + 1);
	trace_ipcshm_death(members->object->id, member->token, members->count, end->how,
			   end->code);
	membership_notify(members, IPCSHM_NOTIFY_TYPE_DEATH, member->token, end);
}

static void membership_end(struct ipcshm_members *members, struct ipcshm_membership *member,
			   const struct end *end)
{
	lockdep_assert_held(&members->lock);
	rb_erase(&member->by_mm, &members->by_mm);
	if (member->token)
		membership_leave(members, member, end);
	else
		members->strays--;
}

/*
 * Removes a mapping from its membership.  Returns true if the member died: the last mapping
 * ended with the address space.
 */
bool ipcshm_members_unmap(struct ipcshm_members *members, struct ipcshm_membership *member)
{
	struct end end = end_from_mm(member->mm);
	bool last, died;

	mutex_lock(&members->lock);
	last = !--member->maps;
	if (last)
		membership_end(members, member, &end);
	mutex_unlock(&members->lock);
	if (!last)
		return false;
	died = member->token && end.how != IPCSHM_END_LEFT;
	if (member->token)
		ipcshm_quotas_uncharge(member->payer, IPCSHM_QUOTA_TYPE_MEMBERS, 1);
	kfree(member);
	return died;
}

/*
 * Excludes joins and forks until ipcshm_members_unlock(), or fails with -EBUSY if a process
 * other than the current one maps the region.
 */
int ipcshm_members_lock_alone(struct ipcshm_members *members)
{
	mutex_lock(&members->lock);
	if (members->count + members->strays == !!ipcshm_membership_find(members, current->mm))
		return 0;
	mutex_unlock(&members->lock);
	return -EBUSY;
}

void ipcshm_members_unlock(struct ipcshm_members *members)
{
	mutex_unlock(&members->lock);
}
