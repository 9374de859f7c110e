// SPDX-License-Identifier: GPL-2.0-only
/* The members of a region: looking at one or at all of them. */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "member.h"
#include "member_internal.h"

/* Members that are described in one turn, under the lock and on the stack. */
#define DESCRIBE_BATCH 16

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
	member = ipcshm_membership_find(members, current->mm);
	*token = member ? member->token : 0;
	if (member && !*token)
		member->maps++;	/* it stays without the lock, until unmap */
	mutex_unlock(&members->lock);
	if (*token || !member)
		return member ? 0 : -ESRCH;
	err = ipcshm_membership_admit(members, member);
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
	member = word == args->token ? ipcshm_membership_find_slot(members, slot) : NULL;
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
	member = ipcshm_membership_find_slot(members, *slot);
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
