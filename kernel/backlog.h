/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages in the order in which they are received. */
#ifndef IPCSHM_BACKLOG_H
#define IPCSHM_BACKLOG_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "list_ring.h"
#include "message.h"

/**
 * struct ipcshm_backlog - messages, first in first out among equals
 * @first: the first message of the highest priority, or NULL
 * @last: the message that was added last by a search, if it is still there
 * @types: the head of each type, the lowest leftmost; empty while all messages are alike
 * @needs_worst: ipcshm_backlog_lowest() is called; immutable
 */
struct ipcshm_backlog {
	struct ipcshm_msg *first;
	struct ipcshm_msg *last;
	struct rb_root types;
	bool needs_worst;
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
struct ipcshm_msg *ipcshm_match_first(const struct ipcshm_match *match, struct ipcshm_msg *a,
				      struct ipcshm_msg *b);

void ipcshm_backlog_add_by_search(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg);
void ipcshm_backlog_add_returned(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg);
void ipcshm_backlog_remove_by_search(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg);
struct ipcshm_msg *ipcshm_backlog_lowest(const struct ipcshm_backlog *backlog);
struct ipcshm_msg *ipcshm_backlog_find(const struct ipcshm_backlog *backlog,
				       const struct ipcshm_match *match);

/* The oldest of the highest priority. */
static inline struct ipcshm_msg *ipcshm_backlog_first(const struct ipcshm_backlog *backlog)
{
	return backlog->first;
}

static inline bool ipcshm_backlog_is_alike(const struct ipcshm_backlog *backlog)
{
	return !backlog->types.rb_node;
}

static inline bool ipcshm_msg_is_like(const struct ipcshm_msg *a, const struct ipcshm_msg *b)
{
	return a->priority == b->priority && a->type == b->type;
}

/* Behind all of its equals. */
static inline void ipcshm_backlog_add(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *first = backlog->first;

	msg->rank = IPCSHM_RANK_NONE;
	if (!first) {
		INIT_LIST_HEAD(&msg->place.equals);
		backlog->first = msg;
	} else if (ipcshm_backlog_is_alike(backlog) && likely(ipcshm_msg_is_like(first, msg))) {
		ipcshm_ring_add(&msg->place.equals, &first->place.equals);
	} else {
		ipcshm_backlog_add_by_search(backlog, msg);
	}
}

static inline void ipcshm_backlog_remove(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *next = list_next_entry(msg, place.equals);

	if (unlikely(!ipcshm_backlog_is_alike(backlog))) {
		ipcshm_backlog_remove_by_search(backlog, msg);
		return;
	}
	if (backlog->first == msg)
		backlog->first = next == msg ? NULL : next;
	ipcshm_ring_remove(&msg->place.equals);
}

#endif /* IPCSHM_BACKLOG_H */
