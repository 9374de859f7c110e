/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages in the order in which they are received. */
#ifndef IPCSHM_BACKLOG_H
#define IPCSHM_BACKLOG_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct ipcshm_msg;

/**
 * struct ipcshm_rank - a message's place in one order
 * @level: in the tree, if it is the first of its equals
 * @equals: the ring of its equals, oldest first
 */
struct ipcshm_rank {
	struct rb_node level;
	struct list_head equals;
};

/**
 * struct ipcshm_backlog - messages, first in first out among equals
 * @by_priority: the first message of each priority, the highest leftmost
 * @by_type: the first message of each type and priority, the lowest type
 *	leftmost, and in it the highest priority
 * @first: the first message of the highest priority, or NULL
 * @last: the last message that came, if it is still there: one like it goes behind it
 * @levels: how many messages are in @by_type, which are the first of their level
 * @mixed: there has been more than one type, or many levels, since there was no message
 */
struct ipcshm_backlog {
	struct rb_root by_priority;
	struct rb_root by_type;
	struct ipcshm_msg *first;
	struct ipcshm_msg *last;
	u32 levels;
	bool mixed;
};

/**
 * struct ipcshm_match - which messages a receiver wants
 * @how: 0: any; IPCSHM_TYPE_EQUAL, _NOT or _UP_TO
 * @type: to compare with
 */
struct ipcshm_match {
	u32 how;
	u64 type;
};

bool ipcshm_match(const struct ipcshm_match *match, const struct ipcshm_msg *msg);

void ipcshm_backlog_add(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg);
void ipcshm_backlog_add_front(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg);
void ipcshm_backlog_remove(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg);
/* The oldest of the highest priority. */
static inline struct ipcshm_msg *ipcshm_backlog_first(const struct ipcshm_backlog *backlog)
{
	return backlog->first;
}

struct ipcshm_msg *ipcshm_backlog_lowest(const struct ipcshm_backlog *backlog);
struct ipcshm_msg *ipcshm_backlog_find(const struct ipcshm_backlog *backlog,
				       const struct ipcshm_match *match);

#endif /* IPCSHM_BACKLOG_H */
