// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a region mapped: members, their page, their deaths.
 *
 * A member is an address space.  Each of its mappings of the region counts, and
 * knows the membership as its vm_private_data, or NULL if the address space is
 * none: a child that found no slot, or no memory, or no quota at fork(2).
 */
#include <linux/cred.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "limits.h"
#include "member.h"
#include "registry.h"
#include "trace.h"

#define SLOT_MASK (BIT(IPCSHM_TOKEN_SLOT_BITS) - 1)

/**
 * struct ipcshm_membership - an address space that has the region mapped
 * @link: in the region's members; protected by their lock
 * @mm: whose it is; not a reference: it is there as long as it has mappings
 * @maps: how many; protected by the members' lock
 * @number: those who joined before have lower ones; immutable
 * @token: identifies it in this region; immutable
 * @uid: who joined; immutable
 * @payer: whose quota it counts for; immutable
 * @joined: when, CLOCK_REALTIME; immutable
 */
struct ipcshm_membership {
	struct list_head link;
	struct mm_struct *mm;
	u32 maps;
	u64 number;
	u32 token;
	kuid_t uid;
	struct ipcshm_limits *payer;
	u64 joined;
};

void ipcshm_members_init(struct ipcshm_members *members, const struct ipcshm_object *object,
			 u32 max)
{
	members->object = object;
	members->max = max;
	mutex_init(&members->lock);
	INIT_LIST_HEAD(&members->list);
}

/* Each mapping holds the region, so there are no members any more. */
void ipcshm_members_destroy(struct ipcshm_members *members)
{
	WARN_ON_ONCE(!list_empty(&members->list));
	if (members->page)
		__free_page(members->page);
	mutex_destroy(&members->lock);
}

/* The member page. */

/* Once there is one it stays, so that this can be read without the lock. */
static struct ipcshm_member_page *page_of(const struct ipcshm_members *members)
{
	/* Pairs with page_create(): the page is seen as it was filled in. */
	struct page *page = smp_load_acquire(&members->page);

	return page ? page_address(page) : NULL;
}

static int page_create(struct ipcshm_members *members)
{
	struct ipcshm_member_page *content;
	struct page *page;

	lockdep_assert_held(&members->lock);
	if (members->page)
		return 0;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	content = page_address(page);
	content->version = IPCSHM_MEMBER_PAGE_VERSION;
	content->slots = members->max;
	content->revoked = members->revoked;
	/* Pairs with page_of(). */
	smp_store_release(&members->page, page);
	return 0;
}

static vm_fault_t page_fault(struct vm_fault *vmf)
{
	struct ipcshm_members *members = vmf->vma->vm_private_data;

	if (vmf->pgoff != IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	get_page(members->page);
	vmf->page = members->page;
	return 0;
}

static const struct vm_operations_struct page_vm_ops = {
	.fault = page_fault,
};

/* Read-only for ever: neither mprotect(2) nor ptrace(2) can write to it. */
int ipcshm_members_map_page(struct ipcshm_members *members, struct vm_area_struct *vma)
{
	int err;

	if (vma->vm_pgoff != IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT || vma_pages(vma) != 1)
		return -ENXIO;
	/* VM_SHARED isn't set if the descriptor is read-only. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EACCES;
	mutex_lock(&members->lock);
	err = page_create(members);
	mutex_unlock(&members->lock);
	if (err)
		return err;
	ipcshm_vm_flags_mod(vma, VM_DONTEXPAND, VM_MAYWRITE | VM_MAYEXEC);
	vma->vm_private_data = members;
	vma->vm_ops = &page_vm_ops;
	return 0;
}

u32 ipcshm_members_deaths(const struct ipcshm_members *members)
{
	const struct ipcshm_member_page *page = page_of(members);

	return page ? READ_ONCE(page->deaths) : 0;
}

void ipcshm_members_revoke(struct ipcshm_members *members)
{
	mutex_lock(&members->lock);
	WRITE_ONCE(members->revoked, true);
	if (members->page)
		WRITE_ONCE(page_of(members)->revoked, 1);
	mutex_unlock(&members->lock);
}

/* Slots. */

static bool slot_is_free(const struct ipcshm_member_page *page, u32 slot)
{
	return !(page->slot[slot] & SLOT_MASK);
}

/* The token that the next member in a slot gets: another generation of it. */
static u32 slot_token(const struct ipcshm_member_page *page, u32 slot)
{
	u32 generation = (page->slot[slot] >> IPCSHM_TOKEN_SLOT_BITS) + 1;

	return (generation << IPCSHM_TOKEN_SLOT_BITS | (slot + 1)) & IPCSHM_TOKEN_MASK;
}

/* A token for a new member; there is a free slot. */
static u32 slot_take(struct ipcshm_members *members)
{
	struct ipcshm_member_page *page = page_of(members);
	u32 slot = members->next;
	u32 token;

	while (!slot_is_free(page, slot))
		slot = (slot + 1) % members->max;
	members->next = (slot + 1) % members->max;
	token = slot_token(page, slot);
	WRITE_ONCE(page->slot[slot], token);
	WRITE_ONCE(page->joins, page->joins + 1);
	return token;
}

/*
 * The last mapping is gone.  The generation stays, for the next token; without a
 * slot in it, it is nobody's.  If the whole address space is, so are its threads:
 * the releases order their last stores, and the slot, before what a reader that
 * loads with acquire does next.
 */
static void slot_give_back(struct ipcshm_members *members, u32 token, bool died)
{
	struct ipcshm_member_page *page = page_of(members);

	/* Pairs with user space's look at the slot. */
	smp_store_release(&page->slot[IPCSHM_TOKEN_SLOT(token)], token & ~SLOT_MASK);
	if (!died)
		return;
	/* Pairs with user space's look at the deaths: the slot is seen then. */
	smp_store_release(&page->deaths, page->deaths + 1);
}

/* Joining and leaving. */

static void tell(const struct ipcshm_members *members, enum ipcshm_event_type type, u32 token)
{
	ipcshm_object_members_changed(members->object);
	ipcshm_object_tell(members->object,
			   (struct ipcshm_event){ .type = type, .token = token });
}

static struct ipcshm_membership *find(struct ipcshm_members *members, const struct mm_struct *mm)
{
	struct ipcshm_membership *member;

	lockdep_assert_held(&members->lock);
	list_for_each_entry(member, &members->list, link) {
		if (member->mm == mm)
			return member;
	}
	return NULL;
}

static int membership_add(struct ipcshm_members *members, struct ipcshm_membership *member)
{
	int err;

	if (members->count == members->max)
		return -EUSERS;
	err = page_create(members);
	if (err)
		return err;
	err = ipcshm_limits_charge(member->payer, IPCSHM_QUOTA_MEMBERS, 1);
	if (err)
		return err;
	member->token = slot_take(members);
	member->number = ++members->last;
	list_add_tail(&member->link, &members->list);
	members->count++;
	trace_ipcshm_join(members->object->id, member->token, members->count);
	tell(members, IPCSHM_EVENT_TYPE_JOIN, member->token);
	return 0;
}

static struct ipcshm_membership *membership_create(struct ipcshm_members *members,
						   struct mm_struct *mm)
{
	struct ipcshm_limits *payer = ipcshm_limits_of(current_fsuid());
	struct ipcshm_membership *member;
	int err;

	if (IS_ERR(payer))
		return ERR_CAST(payer);
	member = kzalloc(sizeof(*member), GFP_KERNEL_ACCOUNT);
	if (!member)
		return ERR_PTR(-ENOMEM);
	member->mm = mm;
	member->uid = current_fsuid();
	member->payer = payer;
	member->joined = ktime_get_real_ns();
	err = membership_add(members, member);
	if (err) {
		kfree(member);
		return ERR_PTR(err);
	}
	return member;
}

/**
 * ipcshm_members_map - an address space has one more mapping of the region
 * @members: the region's members
 * @mm: the address space
 *
 * Return: the membership, for the mapping's vm_private_data; or -EUSERS, -EDQUOT,
 * -ENOMEM.
 */
struct ipcshm_membership *ipcshm_members_map(struct ipcshm_members *members, struct mm_struct *mm)
{
	struct ipcshm_membership *member;

	mutex_lock(&members->lock);
	member = find(members, mm);
	if (!member)
		member = membership_create(members, mm);
	if (!IS_ERR(member))
		member->maps++;
	mutex_unlock(&members->lock);
	return member;
}

/**
 * ipcshm_members_map_copied - a mapping was split or moved, or inherited by a child
 * @members: the region's members
 * @original: the membership of the mapping that was copied, or NULL
 * @mm: the address space of the copy
 *
 * Return: the membership of the copy, or NULL if it has none: there is nobody to
 * report an error to.
 */
struct ipcshm_membership *ipcshm_members_map_copied(struct ipcshm_members *members,
						    struct ipcshm_membership *original,
						    struct mm_struct *mm)
{
	struct ipcshm_membership *member = NULL;

	/* What a child inherited without becoming a member stays so when it is split. */
	if (original || mm != current->mm)
		member = ipcshm_members_map(members, mm);
	if (!IS_ERR_OR_NULL(member))
		return member;
	mutex_lock(&members->lock);
	members->strays++;
	mutex_unlock(&members->lock);
	return NULL;
}

static void stray_unmap(struct ipcshm_members *members)
{
	mutex_lock(&members->lock);
	members->strays--;
	mutex_unlock(&members->lock);
}

static void membership_end(struct ipcshm_members *members, struct ipcshm_membership *member,
			   bool died)
{
	slot_give_back(members, member->token, died);
	list_del(&member->link);
	members->count--;
	if (died) {
		trace_ipcshm_death(members->object->id, member->token, members->count);
		tell(members, IPCSHM_EVENT_TYPE_DEATH, member->token);
	} else {
		trace_ipcshm_leave(members->object->id, member->token, members->count);
		tell(members, IPCSHM_EVENT_TYPE_LEAVE, member->token);
	}
}

/*
 * A mapping of a member is gone.  Returns whether the member died: whoever has
 * the last mapping removed by the end of the address space, when nobody uses it
 * any more, didn't choose to leave.
 */
bool ipcshm_members_unmap(struct ipcshm_members *members, struct ipcshm_membership *member)
{
	bool died, last;

	if (!member) {
		stray_unmap(members);
		return false;
	}
	died = !atomic_read(&member->mm->mm_users);
	mutex_lock(&members->lock);
	last = !--member->maps;
	if (last)
		membership_end(members, member, died);
	mutex_unlock(&members->lock);
	if (!last)
		return false;
	ipcshm_limits_uncharge(member->payer, IPCSHM_QUOTA_MEMBERS, 1);
	kfree(member);
	return died;
}

/*
 * Nobody but the current process has the region mapped, and nobody joins, or is forked,
 * before ipcshm_members_unlock(); or -EBUSY.
 */
int ipcshm_members_lock_alone(struct ipcshm_members *members)
{
	mutex_lock(&members->lock);
	if (!members->strays && members->count == !!find(members, current->mm))
		return 0;
	mutex_unlock(&members->lock);
	return -EBUSY;
}

void ipcshm_members_unlock(struct ipcshm_members *members)
{
	mutex_unlock(&members->lock);
}

/* Telling. */

void ipcshm_members_stat(struct ipcshm_members *members, struct ipcshm_region_stat *stat)
{
	const struct ipcshm_member_page *page;

	mutex_lock(&members->lock);
	page = page_of(members);
	stat->max_members = members->max;
	stat->members = members->count;
	stat->joins = page ? page->joins : 0;
	stat->deaths = page ? page->deaths : 0;
	mutex_unlock(&members->lock);
}

/* The token of the current process, or 0. */
u32 ipcshm_members_self(struct ipcshm_members *members)
{
	struct ipcshm_membership *member;
	u32 token;

	mutex_lock(&members->lock);
	member = find(members, current->mm);
	token = member ? member->token : 0;
	mutex_unlock(&members->lock);
	return token;
}

/*
 * A child joins before it has a number, so who it is can only be asked later; and
 * by the number, since of a fork that fails there is nothing else that RCU keeps.
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

static void describe(const struct ipcshm_membership *member, struct ipcshm_member *to)
{
	*to = (struct ipcshm_member){
		.token = member->token,
		.pid = member_pid(member),
		.uid = from_kuid_munged(current_user_ns(), member->uid),
		.maps = member->maps,
		.joined = member->joined,
	};
}

/* At most @count of them, into @to; returns how many there are. */
static u32 describe_all(struct ipcshm_members *members, struct ipcshm_member *to, u32 count)
{
	struct ipcshm_membership *member;
	u32 found;

	mutex_lock(&members->lock);
	found = members->count;
	list_for_each_entry(member, &members->list, link) {
		if (!count--)
			break;
		describe(member, to++);
	}
	mutex_unlock(&members->lock);
	return found;
}

/*
 * The member with the least number over @number, which is set to it.  So those who
 * come and go meanwhile make nobody else be missed, or told twice.
 */
bool ipcshm_members_next(struct ipcshm_members *members, u64 *number, struct ipcshm_member *to)
{
	struct ipcshm_membership *member;
	bool found = false;

	mutex_lock(&members->lock);
	list_for_each_entry(member, &members->list, link) {
		found = member->number > *number;
		if (found)
			break;
	}
	if (found) {
		*number = member->number;
		describe(member, to);
	}
	mutex_unlock(&members->lock);
	return found;
}

static int put_one(u64 address, u32 size, const struct ipcshm_member *member)
{
	void __user *to = u64_to_user_ptr(address);
	size_t known = min_t(size_t, size, sizeof(*member));

	if (copy_to_user(to, member, known) || clear_user(to + known, size - known))
		return -EFAULT;
	return 0;
}

/* Copying out may fault, which takes mmap_lock, and so isn't done under the lock. */
int ipcshm_members_list(struct ipcshm_members *members, struct ipcshm_region_members *args)
{
	u32 i, fit = min(args->count, members->max);
	struct ipcshm_member *all;
	int err = 0;

	all = kvcalloc(fit, sizeof(*all), GFP_KERNEL_ACCOUNT);
	if (!all && fit)
		return -ENOMEM;
	args->count = describe_all(members, all, fit);
	for (i = 0; i < min(fit, args->count) && !err; i++)
		err = put_one(args->members + (u64)i * args->member_size, args->member_size,
			      &all[i]);
	kvfree(all);
	return err;
}
