/* SPDX-License-Identifier: GPL-2.0-only */
/* Sleeping receivers, found by the type of a message. */
#ifndef IPCSHM_SLEEPERS_H
#define IPCSHM_SLEEPERS_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "backlog.h"

/**
 * struct ipcshm_sleeper - one sleeping receiver; all members are protected by the queue's lock
 * @match: the messages that it accepts
 * @number: its place in the order of arrival
 * @link: in the list of receivers that accept any message, if it does
 * @node: otherwise, in the tree of its kind of match
 * @oldest: the sleeper of the lowest number at and below @node
 */
struct ipcshm_sleeper {
	struct ipcshm_match match;
	u64 number;
	struct list_head link;
	struct rb_node node;
	struct ipcshm_sleeper *oldest;
};

/**
 * struct ipcshm_sleepers - the sleeping receivers of a queue
 * @count: how many there are
 * @number: the number of the last one that arrived
 * @any: those that accept any message, in the order of arrival
 * @equal: those that accept one type, by type, then number
 * @other: those that accept all types but one, by that type, then number
 * @up_to: those that accept types up to one, by that type, then number
 */
struct ipcshm_sleepers {
	u64 count;
	u64 number;
	struct list_head any;
	struct rb_root equal;
	struct rb_root other;
	struct rb_root up_to;
};

void ipcshm_sleepers_init(struct ipcshm_sleepers *sleepers);
void ipcshm_sleepers_add(struct ipcshm_sleepers *sleepers, struct ipcshm_sleeper *sleeper,
			 const struct ipcshm_match *match);
void ipcshm_sleepers_remove(struct ipcshm_sleepers *sleepers, struct ipcshm_sleeper *sleeper);
struct ipcshm_sleeper *ipcshm_sleepers_search(struct ipcshm_sleepers *sleepers, u64 type);
struct ipcshm_sleeper *ipcshm_sleepers_some(struct ipcshm_sleepers *sleepers);

/* The sleeper that accepts a message of @type and arrived before all others that do, or NULL. */
static inline struct ipcshm_sleeper *ipcshm_sleepers_find(struct ipcshm_sleepers *sleepers,
							  u64 type)
{
	return sleepers->count ? ipcshm_sleepers_search(sleepers, type) : NULL;
}

/* The sleeper that arrived first, if each accepts any message, or NULL. */
static inline struct ipcshm_sleeper *
ipcshm_sleepers_first_of_any(struct ipcshm_sleepers *sleepers)
{
	if (sleepers->equal.rb_node || sleepers->other.rb_node || sleepers->up_to.rb_node)
		return NULL;
	return list_first_entry_or_null(&sleepers->any, struct ipcshm_sleeper, link);
}

#endif /* IPCSHM_SLEEPERS_H */
