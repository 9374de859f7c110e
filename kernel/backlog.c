// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages in the order in which they are received.
 *
 * A message is in two orders, by priority and by type.  Each is a tree with a
 * node for each level, which is the first message of that level itself, and a
 * ring of the messages of that level:
 *
 *	  level 9 ──────── level 3		tree
 *	     │                │
 *	  A ─ B ─ C        D ─ E		rings, oldest first
 *
 * So there is nothing to allocate, and depth costs nothing.
 */
#include "backlog.h"
#include "message.h"

#define PRIORITY_MSG(node) rb_entry_safe(node, struct ipcshm_msg, by_priority.level)
#define TYPE_MSG(node) rb_entry_safe(node, struct ipcshm_msg, by_type.level)

static int compare(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

static int by_priority(struct rb_node *a, const struct rb_node *b)
{
	return compare(PRIORITY_MSG(b)->priority, PRIORITY_MSG(a)->priority);
}

static int by_type(struct rb_node *a, const struct rb_node *b)
{
	return compare(TYPE_MSG(a)->type, TYPE_MSG(b)->type) ?:
	       compare(TYPE_MSG(b)->priority, TYPE_MSG(a)->priority);
}

static int of_type(const void *type, const struct rb_node *node)
{
	return compare(*(const u64 *)type, TYPE_MSG(node)->type);
}

/*
 * Behind all of its equals, or in front of them.  In a ring that is the same
 * place; what differs is which one the tree knows as the first.
 */
static void rank_add(struct rb_root *root, struct ipcshm_rank *rank, bool front,
		     int (*cmp)(struct rb_node *, const struct rb_node *))
{
	struct rb_node *first = rb_find_add(&rank->level, root, cmp);

	INIT_LIST_HEAD(&rank->equals);
	if (!first)
		return;
	list_add_tail(&rank->equals, &rb_entry(first, struct ipcshm_rank, level)->equals);
	if (front)
		rb_replace_node(first, &rank->level, root);
	RB_CLEAR_NODE(front ? first : &rank->level);
}

static void rank_remove(struct rb_root *root, struct ipcshm_rank *rank)
{
	struct ipcshm_rank *next = list_next_entry(rank, equals);

	if (next == rank)
		rb_erase(&rank->level, root);
	else if (!RB_EMPTY_NODE(&rank->level))
		rb_replace_node(&rank->level, &next->level, root);
	list_del(&rank->equals);
}

void ipcshm_backlog_add(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg, bool front)
{
	rank_add(&backlog->by_priority, &msg->by_priority, front, by_priority);
	rank_add(&backlog->by_type, &msg->by_type, front, by_type);
}

void ipcshm_backlog_remove(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	rank_remove(&backlog->by_priority, &msg->by_priority);
	rank_remove(&backlog->by_type, &msg->by_type);
}

/* The oldest of the highest priority. */
struct ipcshm_msg *ipcshm_backlog_first(const struct ipcshm_backlog *backlog)
{
	return PRIORITY_MSG(rb_first(&backlog->by_priority));
}

/* The oldest of the lowest priority. */
struct ipcshm_msg *ipcshm_backlog_lowest(const struct ipcshm_backlog *backlog)
{
	return PRIORITY_MSG(rb_last(&backlog->by_priority));
}

bool ipcshm_match(const struct ipcshm_match *match, const struct ipcshm_msg *msg)
{
	switch (match->how) {
	case IPCSHM_TYPE_EQUAL:
		return msg->type == match->type;
	case IPCSHM_TYPE_NOT:
		return msg->type != match->type;
	case IPCSHM_TYPE_UP_TO:
		return msg->type <= match->type;
	default:
		return true;
	}
}

static bool is_before(const struct ipcshm_msg *a, const struct ipcshm_msg *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

/* The best one of each other type and priority is looked at, whatever the depth. */
static struct ipcshm_msg *find_other(const struct ipcshm_backlog *backlog, u64 type)
{
	struct ipcshm_msg *best = NULL;
	struct rb_node *node;

	for (node = rb_first(&backlog->by_type); node; node = rb_next(node)) {
		struct ipcshm_msg *msg = TYPE_MSG(node);

		if (msg->type != type && (!best || is_before(msg, best)))
			best = msg;
	}
	return best;
}

/* The message that is next for a receiver who wants only some, or NULL. */
struct ipcshm_msg *ipcshm_backlog_find(const struct ipcshm_backlog *backlog,
				       const struct ipcshm_match *match)
{
	struct ipcshm_msg *msg;

	switch (match->how) {
	case IPCSHM_TYPE_EQUAL:
		return TYPE_MSG(rb_find_first(&match->type, &backlog->by_type, of_type));
	case IPCSHM_TYPE_UP_TO:
		msg = TYPE_MSG(rb_first(&backlog->by_type));
		return msg && ipcshm_match(match, msg) ? msg : NULL;
	}
	msg = ipcshm_backlog_first(backlog);
	if (!msg || ipcshm_match(match, msg))
		return msg;
	return find_other(backlog, match->type);
}
