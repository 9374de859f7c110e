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
 * place; what differs is which one the tree knows as the first.  Returns the one
 * that was the first until now.
 */
static struct rb_node *rank_add(struct rb_root *root, struct ipcshm_rank *rank, bool front,
				int (*cmp)(struct rb_node *, const struct rb_node *))
{
	struct rb_node *first = rb_find_add(&rank->level, root, cmp);

	INIT_LIST_HEAD(&rank->equals);
	if (!first)
		return NULL;
	list_add_tail(&rank->equals, &rb_entry(first, struct ipcshm_rank, level)->equals);
	if (front)
		rb_replace_node(first, &rank->level, root);
	RB_CLEAR_NODE(front ? first : &rank->level);
	return first;
}

/* Where a tree needn't be searched: behind @last, the last one of a ring. */
static void rank_add_behind(struct ipcshm_rank *rank, struct ipcshm_rank *last)
{
	list_add(&rank->equals, &last->equals);
	RB_CLEAR_NODE(&rank->level);
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

static bool is_like(const struct ipcshm_msg *a, const struct ipcshm_msg *b)
{
	return a->priority == b->priority && a->type == b->type;
}

/* In the trees, or in the ring of another message that is found there. */
static void add_by_search(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *first = PRIORITY_MSG(rank_add(&backlog->by_priority, &msg->by_priority,
							 false, by_priority));

	if (first && is_like(first, msg))
		rank_add_behind(&msg->by_type, list_prev_entry(&first->by_type, equals));
	else
		rank_add(&backlog->by_type, &msg->by_type, false, by_type);
	if (!backlog->first || backlog->first->priority < msg->priority)
		backlog->first = msg;
}

/* Behind all of its equals; most often those are what came just before. */
void ipcshm_backlog_add(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *last = backlog->last;

	if (last && is_like(last, msg)) {
		rank_add_behind(&msg->by_priority, &last->by_priority);
		rank_add_behind(&msg->by_type, &last->by_type);
	} else {
		add_by_search(backlog, msg);
	}
	backlog->last = msg;
}

/* In front of all of its equals. */
void ipcshm_backlog_add_front(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	rank_add(&backlog->by_priority, &msg->by_priority, true, by_priority);
	rank_add(&backlog->by_type, &msg->by_type, true, by_type);
	if (!backlog->first || backlog->first->priority <= msg->priority)
		backlog->first = msg;
}

/* Which comes after @msg, the first of its priority. */
static struct ipcshm_msg *next_by_priority(struct ipcshm_msg *msg)
{
	struct ipcshm_msg *next = list_next_entry(msg, by_priority.equals);

	return next != msg ? next : PRIORITY_MSG(rb_next(&msg->by_priority.level));
}

void ipcshm_backlog_remove(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	if (backlog->first == msg)
		backlog->first = next_by_priority(msg);
	if (backlog->last == msg)
		backlog->last = NULL;
	rank_remove(&backlog->by_priority, &msg->by_priority);
	rank_remove(&backlog->by_type, &msg->by_type);
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

/* The best message of the lowest type over @type, or of all with no @type. */
static struct ipcshm_msg *first_of_next_type(const struct ipcshm_backlog *backlog, const u64 *type)
{
	struct rb_node *node = backlog->by_type.rb_node;
	struct ipcshm_msg *best = NULL;

	while (node) {
		struct ipcshm_msg *msg = TYPE_MSG(node);

		if (type && msg->type <= *type) {
			node = node->rb_right;
		} else {
			best = msg;
			node = node->rb_left;
		}
	}
	return best;
}

/* The best one of each other type is looked at, whatever the depth. */
static struct ipcshm_msg *find_other(const struct ipcshm_backlog *backlog, u64 type)
{
	struct ipcshm_msg *msg = first_of_next_type(backlog, NULL);
	struct ipcshm_msg *best = NULL;

	for (; msg; msg = first_of_next_type(backlog, &msg->type)) {
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
