// SPDX-License-Identifier: GPL-2.0-only
/*
 * The members of a region: joins, ends, and the pages that show them.
 *
 * A member is an address space.  Each of its mappings of the region counts, and has
 * the membership as its vm_private_data.  A child that finds no slot, quota or memory
 * at fork(2), where no error can be returned, is a stray: it has a membership without
 * a token.  It becomes a member when it asks for its token while a slot is free.
 */
#include <linux/cred.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "object.h"
#include "quota.h"
#include "member.h"
#include "trace.h"

/* Members that are described in one turn, under the lock and on the stack. */
#define DESCRIBE_BATCH 16

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

/* The member pages. */

static void page_install(struct ipcshm_members *members, u32 index,
			 struct ipcshm_member_table_page *page)
{
	struct ipcshm_member_page *header = page_address(page->page);

	lockdep_assert_held(&members->lock);
	if (!index) {
		header->version = IPCSHM_MEMBER_PAGE_VERSION;
		header->max_members = members->max;
	}
	ipcshm_member_table_add(&members->table, index, page);
	/* Pairs with ipcshm_members_revoke(). */
	smp_mb();
	if (!index && READ_ONCE(members->revoked))
		WRITE_ONCE(header->revoked, 1);
}

/* Adds a page to the table if there is none at the index; or -ENOMEM. */
static int page_ensure(struct ipcshm_members *members, u32 index)
{
	struct ipcshm_member_table_page *page;

	if (ipcshm_member_table_page(&members->table, index))
		return 0;
	page = ipcshm_member_table_page_create();
	if (!page)
		return -ENOMEM;
	mutex_lock(&members->lock);
	if (!ipcshm_member_table_page(&members->table, index)) {
		page_install(members, index, page);
		page = NULL;
	}
	mutex_unlock(&members->lock);
	ipcshm_member_table_page_destroy(page);
	return 0;
}

static vm_fault_t table_fault(struct vm_fault *vmf)
{
	struct ipcshm_members *members = vmf->vma->vm_private_data;
	pgoff_t index = vmf->pgoff - (IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT);

	if (index >= IPCSHM_MEMBER_TABLE_PAGES)
		return VM_FAULT_SIGBUS;
	if (page_ensure(members, index))
		return VM_FAULT_OOM;
	vmf->page = ipcshm_member_table_page(&members->table, index);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct table_vm_ops = {
	.fault = table_fault,
};

/* Read-only for ever: neither mprotect(2) nor ptrace(2) can write to it. */
int ipcshm_members_map_table(struct ipcshm_members *members, struct vm_area_struct *vma)
{
	int err;

	if (vma->vm_pgoff != IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT ||
	    vma_pages(vma) > IPCSHM_MEMBER_TABLE_PAGES)
		return -ENXIO;
	/* VM_SHARED isn't set if the descriptor is read-only. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	err = page_ensure(members, 0);
	if (err)
		return err;
	ipcshm_vm_flags_mod(vma, VM_DONTEXPAND, VM_MAYWRITE);
	vma->vm_private_data = members;
	vma->vm_ops = &table_vm_ops;
	return 0;
}

u32 ipcshm_members_deaths(const struct ipcshm_members *members)
{
	const struct ipcshm_member_page *header = ipcshm_member_table_header(&members->table);

	return header ? READ_ONCE(header->deaths) : 0;
}

/* Takes no lock: the caller must not wait for a holder of one. */
void ipcshm_members_revoke(struct ipcshm_members *members)
{
	struct ipcshm_member_page *header;

	WRITE_ONCE(members->revoked, true);
	/* Pairs with page_install(): one of the two sees what the other has stored. */
	smp_mb();
	header = ipcshm_member_table_header(&members->table);
	if (header)
		WRITE_ONCE(header->revoked, 1);
}

/* Memberships, by address space and by slot: each step is logarithmic. */

static struct ipcshm_membership *membership_find(struct ipcshm_members *members,
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

static u32 node_slot(const struct rb_node *node)
{
	return IPCSHM_TOKEN_SLOT(rb_entry(node, struct ipcshm_membership, by_slot)->token);
}

static bool goes_before_by_slot(struct rb_node *node, const struct rb_node *other)
{
	return node_slot(node) < node_slot(other);
}

/* The member with the lowest slot at or above this one, or NULL. */
static struct ipcshm_membership *membership_find_slot(struct ipcshm_members *members, u64 slot)
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
	ipcshm_object_tell(members->object, (struct ipcshm_notification){
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
		err = page_ensure(members, index);
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

static int membership_admit(struct ipcshm_members *members, struct ipcshm_membership *member)
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
	struct ipcshm_membership *member = membership_find(members, mm);

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
	err = membership_admit(members, member);
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
		membership_admit(members, member);
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
	if (members->count + members->strays == !!membership_find(members, current->mm))
		return 0;
	mutex_unlock(&members->lock);
	return -EBUSY;
}

void ipcshm_members_unlock(struct ipcshm_members *members)
{
	mutex_unlock(&members->lock);
}

/* State. */

void ipcshm_members_stat(struct ipcshm_members *members, struct ipcshm_region_stat *stat)
{
	const struct ipcshm_member_page *header;

	mutex_lock(&members->lock);
	header = ipcshm_member_table_header(&members->table);
	stat->max_members = members->max;
	stat->members = members->count;
	stat->joins = header ? header->joins : 0;
	stat->deaths = header ? header->deaths : 0;
	mutex_unlock(&members->lock);
}

/**
 * ipcshm_members_self - the token of the current process, which may be a stray
 * @members: the region's members
 * @token: filled in
 *
 * Return: 0, or -ESRCH: the process doesn't have the region mapped; -EUSERS, -EDQUOT,
 * -ENOMEM: it inherited a mapping, and can't become a member now.
 */
int ipcshm_members_self(struct ipcshm_members *members, u32 *token)
{
	struct ipcshm_membership *member;
	int err;

	mutex_lock(&members->lock);
	member = membership_find(members, current->mm);
	*token = member ? member->token : 0;
	if (member && !*token)
		member->maps++;	/* it stays without the lock, until unmap */
	mutex_unlock(&members->lock);
	if (*token || !member)
		return member ? 0 : -ESRCH;
	err = membership_admit(members, member);
	*token = READ_ONCE(member->token);
	ipcshm_members_unmap(members, member);
	return err;
}

/*
 * A child joins before it has a process ID, so the ID is looked up later.  It is looked up
 * by number, since RCU keeps nothing else of a task whose fork failed.
 */
static u32 member_pid(const struct ipcshm_membership *member)
{
	u32 pid = 0;
#ifdef CONFIG_MEMCG
	struct task_struct *owner;

	rcu_read_lock();
	owner = rcu_dereference(member->mm->owner);
	if (owner)
		pid = pid_nr_ns(find_pid_ns(owner->tgid, &init_pid_ns),
				task_active_pid_ns(current));
	rcu_read_unlock();
#endif
	return pid;
}

static void member_describe(const struct ipcshm_membership *member, struct ipcshm_member *to)
{
	*to = (struct ipcshm_member){
		.token = member->token,
		.pid = member_pid(member),
		.uid = from_kuid_munged(current_user_ns(), member->uid),
		.maps = member->maps,
		.joined = member->joined,
	};
}

/**
 * ipcshm_members_get - describe the member with a token
 * @members: the region's members
 * @args: the token; the other members are filled in
 *
 * Return: 0, or -EINVAL: not a token; -ESRCH: never given out, or its slot has had another
 * member since.
 */
int ipcshm_members_get(struct ipcshm_members *members, struct ipcshm_region_member_args *args)
{
	u32 slot = IPCSHM_TOKEN_SLOT(args->token);
	struct ipcshm_membership *member;
	struct ipcshm_member known = {};
	u32 word;

	if (args->token < IPCSHM_TOKEN_MIN || args->token > IPCSHM_TOKEN_MASK)
		return -EINVAL;
	mutex_lock(&members->lock);
	word = ipcshm_member_table_word(&members->table, slot);
	member = word == args->token ? membership_find_slot(members, slot) : NULL;
	if (member)
		member_describe(member, &known);
	mutex_unlock(&members->lock);
	if (IPCSHM_TOKEN_GENERATION(word) != IPCSHM_TOKEN_GENERATION(args->token))
		return -ESRCH;
	args->end = member ? IPCSHM_END_NONE : IPCSHM_SLOT_HOW(word);
	args->code = member ? 0 : IPCSHM_SLOT_CODE(word);
	args->pid = known.pid;
	args->uid = known.uid;
	args->maps = known.maps;
	args->joined = known.joined;
	return 0;
}

/*
 * Describes at most @count members from a slot on.  Returns their number, and sets the slot
 * to go on with.
 */
static u32 members_describe(struct ipcshm_members *members, u64 *slot, struct ipcshm_member *to,
			    u32 count)
{
	struct ipcshm_membership *member;
	struct rb_node *node;
	u32 i = 0;

	mutex_lock(&members->lock);
	member = membership_find_slot(members, *slot);
	for (node = member ? &member->by_slot : NULL; node && i < count; node = rb_next(node)) {
		member_describe(rb_entry(node, struct ipcshm_membership, by_slot), &to[i++]);
		*slot = node_slot(node) + 1;
	}
	mutex_unlock(&members->lock);
	return i;
}

/*
 * Describes the member with the lowest slot at or above @cursor, which is set to the next.
 * Concurrent joins and ends make no other member be missed or listed twice.
 */
bool ipcshm_members_next(struct ipcshm_members *members, u64 *cursor, struct ipcshm_member *to)
{
	return members_describe(members, cursor, to, 1);
}

static int member_put(u64 address, u32 size, const struct ipcshm_member *member)
{
	void __user *to = u64_to_user_ptr(address);
	size_t known = min_t(size_t, size, sizeof(*member));

	if (copy_to_user(to, member, known) || clear_user(to + known, size - known))
		return -EFAULT;
	return 0;
}

static int members_put(const struct ipcshm_region_members_args *args, u32 at,
		       const struct ipcshm_member *batch, u32 count)
{
	int err = 0;
	u32 i;

	for (i = 0; i < count && !err; i++)
		err = member_put(args->members + (u64)(at + i) * args->member_size,
				 args->member_size, &batch[i]);
	return err;
}

/*
 * A copy to user space may fault, which takes mmap_lock, so each batch is copied without the
 * lock.  The list may include members that join concurrently.  Its length is the number
 * written, or the number of members if the room was too small.
 */
int ipcshm_members_list(struct ipcshm_members *members, struct ipcshm_region_members_args *args)
{
	struct ipcshm_member batch[DESCRIBE_BATCH];
	u32 some, written = 0, fit = min_t(u32, args->count, IPCSHM_MEMBERS_MAX);
	u64 slot = 0;
	int err;

	while (written < fit) {
		some = members_describe(members, &slot, batch,
					min_t(u32, fit - written, DESCRIBE_BATCH));
		if (!some)
			break;
		err = members_put(args, written, batch, some);
		if (err)
			return err;
		written += some;
		cond_resched();
	}
	args->count = written < fit ? written : max(written, READ_ONCE(members->count));
	return 0;
}
