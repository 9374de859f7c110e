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
 * So there is nothing to allocate, and depth costs nothing.  While there is more
 * than one type, each node of the tree by type also knows the best message below
 * it, by which a message of any type but one is found without looking at each type.
 * The nodes learn this when the second type comes, or before there are too many of
 * them to do that under a spinlock.
 */
#include <linux/rbtree_augmented.h>

#include "backlog.h"
#include "message.h"

#define PRIORITY_MSG(node) rb_entry_safe(node, struct ipcshm_msg, by_priority.level)
#define TYPE_MSG(node) rb_entry_safe(node, struct ipcshm_msg, by_type.level)

static int compare_numbers(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

static int by_priority(struct rb_node *a, const struct rb_node *b)
{
	return compare_numbers(PRIORITY_MSG(b)->priority, PRIORITY_MSG(a)->priority);
}

static int by_type(struct rb_node *a, const struct rb_node *b)
{
	return compare_numbers(TYPE_MSG(a)->type, TYPE_MSG(b)->type) ?:
	       compare_numbers(TYPE_MSG(b)->priority, TYPE_MSG(a)->priority);
}

static int of_type(const void *type, const struct rb_node *node)
{
	return compare_numbers(*(const u64 *)type, TYPE_MSG(node)->type);
}

static bool is_before(const struct ipcshm_msg *a, const struct ipcshm_msg *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

static struct ipcshm_msg *better_message(struct ipcshm_msg *a, struct ipcshm_msg *b)
{
	return !b || (a && is_before(a, b)) ? a : b;
}

/* True if nothing has changed, and @stop_early asks for that. */
static bool best_compute(struct ipcshm_msg *msg, bool stop_early)
{
	struct ipcshm_msg *left = TYPE_MSG(msg->by_type.level.rb_left);
	struct ipcshm_msg *right = TYPE_MSG(msg->by_type.level.rb_right);
	struct ipcshm_msg *best = better_message(left ? left->best : NULL, msg);

	best = better_message(right ? right->best : NULL, best);
	if (stop_early && msg->best == best)
		return true;
	msg->best = best;
	return false;
}

RB_DECLARE_CALLBACKS(static, best_callbacks, struct ipcshm_msg, by_type.level, best, best_compute)

/* A node is new in the tree by type. */
static void best_start(struct rb_node *node)
{
	TYPE_MSG(node)->best = NULL;
	best_callbacks.propagate(node, NULL);
}

/* The most levels of one type that are not kept as if there were more types. */
#define LEVELS_MAX 64

/*
 * The best ones are known as soon as there is a second type or the tree has many
 * levels, and until there is no message left: learning them visits each level.
 */
static void note_type(struct ipcshm_backlog *backlog, const struct ipcshm_msg *new)
{
	struct ipcshm_msg *msg, *next;

	if (backlog->mixed || !backlog->first)
		return;
	if (backlog->first->type == new->type && backlog->levels < LEVELS_MAX)
		return;
	backlog->mixed = true;
	rbtree_postorder_for_each_entry_safe(msg, next, &backlog->by_type, by_type.level)
		best_compute(msg, false);
}

static bool is_mixed(const struct rb_root *by_type)
{
	return container_of(by_type, struct ipcshm_backlog, by_type)->mixed;
}

/* The first of a level is another one. */
static void type_first_changed(struct rb_node *first, const struct rb_root *root)
{
	if (is_mixed(root))
		best_start(first);
}

/* These return the node that is equal, or add @node and return NULL. */

static struct rb_node *priority_find_add(struct rb_node *node, struct rb_root *root)
{
	return rb_find_add(node, root, by_priority);
}

static struct rb_node *type_find_add(struct rb_node *node, struct rb_root *root)
{
	struct rb_node **link = &root->rb_node;
	struct rb_node *parent = NULL;

	while (*link) {
		int order = by_type(node, *link);

		parent = *link;
		if (!order)
			return parent;
		link = order < 0 ? &parent->rb_left : &parent->rb_right;
	}
	container_of(root, struct ipcshm_backlog, by_type)->levels++;
	rb_link_node(node, parent, link);
	if (is_mixed(root)) {
		best_start(node);
		rb_insert_augmented(node, root, &best_callbacks);
	} else {
		rb_insert_color(node, root);
	}
	return NULL;
}

/*
 * Behind all of its equals, or in front of them.  In a ring that is the same
 * place; what differs is which one the tree knows as the first.  Returns the one
 * that was the first until now.
 */
static struct rb_node *rank_add(struct rb_root *root, struct ipcshm_rank *rank, bool front,
				struct rb_node *(*find_add)(struct rb_node *, struct rb_root *))
{
	struct rb_node *first = find_add(&rank->level, root);

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

/* Returns the one that has become the first of its level, or NULL. */
static struct rb_node *rank_remove(struct rb_root *root, struct ipcshm_rank *rank,
				   void (*erase)(struct rb_node *, struct rb_root *))
{
	struct ipcshm_rank *next = list_next_entry(rank, equals);
	struct rb_node *first = NULL;

	if (next == rank) {
		erase(&rank->level, root);
	} else if (!RB_EMPTY_NODE(&rank->level)) {
		first = &next->level;
		rb_replace_node(&rank->level, first, root);
	}
	list_del(&rank->equals);
	return first;
}

static void type_erase(struct rb_node *node, struct rb_root *root)
{
	container_of(root, struct ipcshm_backlog, by_type)->levels--;
	if (is_mixed(root))
		rb_erase_augmented(node, root, &best_callbacks);
	else
		rb_erase(node, root);
}

static bool is_like(const struct ipcshm_msg *a, const struct ipcshm_msg *b)
{
	return a->priority == b->priority && a->type == b->type;
}

/* In the trees, or in the ring of another message that is found there. */
static void add_by_search(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *first = PRIORITY_MSG(rank_add(&backlog->by_priority, &msg->by_priority,
							 false, priority_find_add));

	if (first && is_like(first, msg))
		rank_add_behind(&msg->by_type, list_prev_entry(&first->by_type, equals));
	else
		rank_add(&backlog->by_type, &msg->by_type, false, type_find_add);
	if (!backlog->first || backlog->first->priority < msg->priority)
		backlog->first = msg;
}

/* Behind all of its equals; most often those are what came just before. */
void ipcshm_backlog_add(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *last = backlog->last;

	note_type(backlog, msg);
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
	note_type(backlog, msg);
	rank_add(&backlog->by_priority, &msg->by_priority, true, priority_find_add);
	if (rank_add(&backlog->by_type, &msg->by_type, true, type_find_add))
		type_first_changed(&msg->by_type.level, &backlog->by_type);
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
	struct rb_node *first;

	if (backlog->first == msg)
		backlog->first = next_by_priority(msg);
	if (backlog->last == msg)
		backlog->last = NULL;
	rank_remove(&backlog->by_priority, &msg->by_priority, rb_erase);
	first = rank_remove(&backlog->by_type, &msg->by_type, type_erase);
	if (first)
		type_first_changed(first, &backlog->by_type);
	if (!backlog->first)
		backlog->mixed = false;
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

/* The best one of all under @type, or of all over it. */
static struct ipcshm_msg *best_beside(const struct ipcshm_backlog *backlog, u64 type, bool under)
{
	struct rb_node *node = backlog->by_type.rb_node;
	struct ipcshm_msg *best = NULL;

	while (node) {
		struct rb_node *outer = under ? node->rb_left : node->rb_right;
		struct rb_node *inner = under ? node->rb_right : node->rb_left;
		struct ipcshm_msg *msg = TYPE_MSG(node);

		if (under ? msg->type >= type : msg->type <= type) {
			node = outer;
			continue;
		}
		best = better_message(msg, best);
		best = better_message(outer ? TYPE_MSG(outer)->best : NULL, best);
		node = inner;
	}
	return best;
}

static struct ipcshm_msg *find_other(const struct ipcshm_backlog *backlog, u64 type)
{
	if (!backlog->mixed)
		return NULL;
	return better_message(best_beside(backlog, type, true), best_beside(backlog, type, false));
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
