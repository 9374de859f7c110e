// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages in the order in which they are received.
 *
 * While all messages have one type and priority, they are in one ring, oldest first. Otherwise
 * there is a tree of types; the node of each type is in its head, which is the message of that
 * type that is received first, and has a tree of priorities; the node of each priority is in the
 * oldest message of that type and priority, which is in a ring with its equals:
 *
 *	type 1 ------------------- type 2	tree of types, in the heads A and F
 *	   |                          |
 *	priority 9 -- priority 3   priority 9	a tree of priorities for each type
 *	   |             |            |
 *	A - B - C      D - E          F		rings, oldest first
 *
 * So there is nothing to allocate, and depth costs nothing. The first message that differs hangs
 * the ring into the trees in constant time, however many messages are in it; the last ring that is
 * left is taken down again. Each head also knows the best message of the types at and below it, so
 * that the first message of all, and of any type but one, are found without looking at each type.
 * Only a queue that drops its oldest messages needs the worst one as well.
 *
 * Messages that were received and come back are in a backlog of their own. They come back in any
 * order, so each of them is a level of its own there, and its place is found by its number.
 */
#include <linux/rbtree_augmented.h>

#include "backlog.h"

#define LEVEL_MSG(node) rb_entry_safe(node, struct ipcshm_msg, place.level)
#define TYPE_MSG(node) rb_entry_safe(node, struct ipcshm_msg, place.type)

static inline bool is_before(const struct ipcshm_msg *a, const struct ipcshm_msg *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

static inline bool is_lower(const struct ipcshm_msg *a, const struct ipcshm_msg *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->number < b->number;
}

static struct ipcshm_msg *better_message(struct ipcshm_msg *a, struct ipcshm_msg *b)
{
	return !b || (a && is_before(a, b)) ? a : b;
}

/* The first of the messages of type @head->type whose priority is that of the last one. */
static struct ipcshm_msg *first_of_lowest(const struct ipcshm_msg *head, struct ipcshm_msg *last)
{
	struct rb_node *node = head->place.levels.rb_node;
	struct ipcshm_msg *first = last;

	while (node) {
		if (LEVEL_MSG(node)->priority > last->priority) {
			node = node->rb_right;
		} else {
			first = LEVEL_MSG(node);
			node = node->rb_left;
		}
	}
	return first;
}

/* The oldest message of the lowest priority of the type that @head is the head of. */
static struct ipcshm_msg *lowest_of_type(const struct ipcshm_msg *head)
{
	struct ipcshm_msg *last = LEVEL_MSG(rb_last(&head->place.levels));

	return unlikely(head->returned) ? first_of_lowest(head, last) : last;
}

/* The best and the worst message of the types at and below a node. */

static __always_inline struct ipcshm_msg *find_best(struct ipcshm_msg *head)
{
	const struct rb_node *left = head->place.type.rb_left;
	const struct rb_node *right = head->place.type.rb_right;
	struct ipcshm_msg *best = head;

	if (left && is_before(TYPE_MSG(left)->extremes.best, best))
		best = TYPE_MSG(left)->extremes.best;
	if (right && is_before(TYPE_MSG(right)->extremes.best, best))
		best = TYPE_MSG(right)->extremes.best;
	return best;
}

static struct ipcshm_msg *find_worst(struct ipcshm_msg *head)
{
	const struct rb_node *left = head->place.type.rb_left;
	const struct rb_node *right = head->place.type.rb_right;
	struct ipcshm_msg *worst = lowest_of_type(head);

	if (left && is_lower(TYPE_MSG(left)->extremes.worst, worst))
		worst = TYPE_MSG(left)->extremes.worst;
	if (right && is_lower(TYPE_MSG(right)->extremes.worst, worst))
		worst = TYPE_MSG(right)->extremes.worst;
	return worst;
}

/* True if nothing has changed, and @stop_early asks for that. */
static inline bool compute_best(struct ipcshm_msg *head, bool stop_early)
{
	struct ipcshm_msg *best = find_best(head);

	if (stop_early && head->extremes.best == best)
		return true;
	head->extremes.best = best;
	return false;
}

static inline bool compute_both(struct ipcshm_msg *head, bool stop_early)
{
	struct ipcshm_msg *worst = find_worst(head);
	bool same = head->extremes.worst == worst;

	head->extremes.worst = worst;
	return compute_best(head, stop_early && same);
}

RB_DECLARE_CALLBACKS(static, best_callbacks, struct ipcshm_msg, place.type, extremes.best,
		     compute_best)
RB_DECLARE_CALLBACKS(static, both_callbacks, struct ipcshm_msg, place.type, extremes, compute_both)

/* The types at and below @node have changed. */
static void update_extremes(const struct ipcshm_backlog *backlog, struct rb_node *node)
{
	if (unlikely(backlog->needs_worst))
		both_callbacks.propagate(node, NULL);
	else
		best_callbacks.propagate(node, NULL);
}

/* The priorities of @head's type have changed, but not its first message. */
static void update_levels(const struct ipcshm_backlog *backlog, struct ipcshm_msg *head)
{
	if (unlikely(backlog->needs_worst))
		both_callbacks.propagate(&head->place.type, NULL);
}

/* Types. */

/* The head of a type, or NULL; then @parent and @link are where it belongs. */
static struct ipcshm_msg *find_head(struct ipcshm_backlog *backlog, u64 type,
				    struct rb_node **parent, struct rb_node ***link)
{
	*parent = NULL;
	*link = &backlog->types.rb_node;
	while (**link) {
		struct ipcshm_msg *head = TYPE_MSG(**link);

		if (head->type == type)
			return head;
		*parent = **link;
		*link = type < head->type ? &(*parent)->rb_left : &(*parent)->rb_right;
	}
	return NULL;
}

/* @msg, which starts a ring of its own or is the first of one, is the head of a new type. */
static void add_type(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg,
		     struct rb_node *parent, struct rb_node **link)
{
	msg->rank = IPCSHM_RANK_HEAD;
	msg->place.levels = RB_ROOT;
	rb_link_node(&msg->place.level, NULL, &msg->place.levels.rb_node);
	rb_insert_color(&msg->place.level, &msg->place.levels);
	rb_link_node(&msg->place.type, parent, link);
	msg->extremes = (struct ipcshm_extremes){ .best = msg, .worst = msg };
	if (parent)
		update_extremes(backlog, parent);
	if (unlikely(backlog->needs_worst))
		rb_insert_augmented(&msg->place.type, &backlog->types, &both_callbacks);
	else
		rb_insert_augmented(&msg->place.type, &backlog->types, &best_callbacks);
}

static void remove_type(struct ipcshm_backlog *backlog, struct ipcshm_msg *head)
{
	if (unlikely(backlog->needs_worst))
		rb_erase_augmented(&head->place.type, &backlog->types, &both_callbacks);
	else
		rb_erase_augmented(&head->place.type, &backlog->types, &best_callbacks);
}

/* The head of a type is another message. */
static void move_type(struct ipcshm_backlog *backlog, struct ipcshm_msg *from,
		      struct ipcshm_msg *to)
{
	if (from->rank == IPCSHM_RANK_HEAD)
		from->rank = IPCSHM_RANK_LEVEL;
	to->rank = IPCSHM_RANK_HEAD;
	to->place.levels = from->place.levels;
	rb_replace_node(&from->place.type, &to->place.type, &backlog->types);
	to->extremes = (struct ipcshm_extremes){};
	update_extremes(backlog, &to->place.type);
}

/* Levels: the priorities of a type; of returned messages, each is a level of its own. */

/* The oldest message of @msg's level, or NULL; then @parent and @link are where it belongs. */
static struct ipcshm_msg *find_level(struct ipcshm_msg *head, const struct ipcshm_msg *msg,
				     struct rb_node **parent, struct rb_node ***link)
{
	/* The head is leftmost. */
	if (msg->returned ? is_before(msg, head) : msg->priority > head->priority) {
		*parent = &head->place.level;
		*link = &head->place.level.rb_left;
		return NULL;
	}
	*parent = NULL;
	*link = &head->place.levels.rb_node;
	while (**link) {
		struct ipcshm_msg *first = LEVEL_MSG(**link);

		if (first->priority == msg->priority && !msg->returned)
			return first;
		*parent = **link;
		*link = is_before(msg, first) ? &(*parent)->rb_left : &(*parent)->rb_right;
	}
	return NULL;
}

static void add_level(struct ipcshm_backlog *backlog, struct ipcshm_msg *head,
		      struct ipcshm_msg *msg, struct rb_node *parent, struct rb_node **link)
{
	bool is_lowest = backlog->needs_worst && link == &parent->rb_right && !rb_next(parent);

	msg->rank = IPCSHM_RANK_LEVEL;
	INIT_LIST_HEAD(&msg->place.equals);
	rb_link_node(&msg->place.level, parent, link);
	rb_insert_color(&msg->place.level, &head->place.levels);
	if (is_before(msg, head))
		move_type(backlog, head, msg);
	else if (is_lowest || msg->returned)
		update_levels(backlog, head);
}

/* The first of a level is another message of its ring. */
static void move_level(struct ipcshm_msg *head, struct ipcshm_msg *from, struct ipcshm_msg *to)
{
	to->rank = IPCSHM_RANK_LEVEL;
	rb_replace_node(&from->place.level, &to->place.level, &head->place.levels);
}

/* Adding. */

/* Hang the ring of messages that are alike into the trees. */
static void hang_ring(struct ipcshm_backlog *backlog)
{
	if (backlog->first && ipcshm_backlog_is_alike(backlog))
		add_type(backlog, backlog->first, NULL, &backlog->types.rb_node);
}

static void note_first(struct ipcshm_backlog *backlog)
{
	backlog->first = TYPE_MSG(backlog->types.rb_node)->extremes.best;
}

/* In the trees, or in the ring of another message that is found there. */
void ipcshm_backlog_add_by_search(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct rb_node *parent, **link;
	struct ipcshm_msg *head, *first;

	if (backlog->last && ipcshm_msg_is_like(backlog->last, msg)) {
		list_add(&msg->place.equals, &backlog->last->place.equals);
		backlog->last = msg;
		return;
	}
	hang_ring(backlog);
	backlog->last = msg;
	head = find_head(backlog, msg->type, &parent, &link);
	if (!head) {
		INIT_LIST_HEAD(&msg->place.equals);
		add_type(backlog, msg, parent, link);
	} else {
		first = find_level(head, msg, &parent, &link);
		if (first)
			ipcshm_ring_add(&msg->place.equals, &first->place.equals);
		else
			add_level(backlog, head, msg, parent, link);
	}
	if (msg->priority > backlog->first->priority)
		backlog->first = msg;
}

/* Add a returned message to the backlog of such messages, where its number belongs. */
void ipcshm_backlog_add_returned(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct rb_node *parent, **link;
	struct ipcshm_msg *head;

	msg->rank = IPCSHM_RANK_NONE;
	INIT_LIST_HEAD(&msg->place.equals);
	if (!backlog->first) {
		backlog->first = msg;
		return;
	}
	hang_ring(backlog);
	head = find_head(backlog, msg->type, &parent, &link);
	if (!head) {
		add_type(backlog, msg, parent, link);
	} else {
		find_level(head, msg, &parent, &link);
		add_level(backlog, head, msg, parent, link);
	}
	note_first(backlog);
}

/* Removing. */

/* The first of its priority goes: another one of its ring takes its place, or its level ends. */
static void remove_first(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	struct ipcshm_msg *next = list_next_entry(msg, place.equals);
	bool is_head = msg->rank == IPCSHM_RANK_HEAD;
	struct rb_node *parent, **link;
	struct ipcshm_msg *head;

	head = is_head ? msg : find_head(backlog, msg->type, &parent, &link);
	if (next != msg) {
		move_level(head, msg, next);
	} else {
		next = is_head ? LEVEL_MSG(rb_next(&msg->place.level)) : NULL;
		rb_erase(&msg->place.level, &head->place.levels);
	}
	if (!is_head)
		update_levels(backlog, head);
	else if (next)
		move_type(backlog, msg, next);
	else
		remove_type(backlog, msg);
}

static bool is_alone(const struct rb_node *node)
{
	return !node->rb_left && !node->rb_right;
}

/* If one ring is left, the trees are not needed. */
static void take_down_ring(struct ipcshm_backlog *backlog)
{
	struct ipcshm_msg *head = TYPE_MSG(backlog->types.rb_node);

	if (!is_alone(&head->place.type) || !is_alone(head->place.levels.rb_node))
		return;
	head->rank = IPCSHM_RANK_NONE;
	backlog->types = RB_ROOT;
	backlog->last = NULL;
}

/* From the trees, in which there are several rings. */
void ipcshm_backlog_remove_by_search(struct ipcshm_backlog *backlog, struct ipcshm_msg *msg)
{
	if (backlog->last == msg)
		backlog->last = NULL;
	if (msg->rank != IPCSHM_RANK_NONE)
		remove_first(backlog, msg);
	ipcshm_ring_remove(&msg->place.equals);
	if (backlog->first == msg)
		note_first(backlog);
	take_down_ring(backlog);
}

/* Looking. */

/* The oldest of the lowest priority; @needs_worst is set. */
struct ipcshm_msg *ipcshm_backlog_lowest(const struct ipcshm_backlog *backlog)
{
	if (ipcshm_backlog_is_alike(backlog))
		return backlog->first;
	return TYPE_MSG(backlog->types.rb_node)->extremes.worst;
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
	struct rb_node *node = backlog->types.rb_node;
	struct ipcshm_msg *best = NULL;

	while (node) {
		struct rb_node *outer = under ? node->rb_left : node->rb_right;
		struct rb_node *inner = under ? node->rb_right : node->rb_left;
		struct ipcshm_msg *head = TYPE_MSG(node);

		if (under ? head->type >= type : head->type <= type) {
			node = outer;
			continue;
		}
		best = better_message(head, best);
		best = better_message(outer ? TYPE_MSG(outer)->extremes.best : NULL, best);
		node = inner;
	}
	return best;
}

static struct ipcshm_msg *find_in_trees(const struct ipcshm_backlog *backlog,
					const struct ipcshm_match *match)
{
	struct rb_node *node = backlog->types.rb_node;
	struct ipcshm_msg *head;

	switch (match->how) {
	case IPCSHM_TYPE_EQUAL:
		while (node && TYPE_MSG(node)->type != match->type)
			node = match->type < TYPE_MSG(node)->type ? node->rb_left : node->rb_right;
		return TYPE_MSG(node);
	case IPCSHM_TYPE_UP_TO:
		head = TYPE_MSG(rb_first(&backlog->types));
		return ipcshm_match(match, head) ? head : NULL;
	default:
		return better_message(best_beside(backlog, match->type, true),
				      best_beside(backlog, match->type, false));
	}
}

/**
 * ipcshm_match_first - choose the message that a receiver gets first
 * @match: the messages that it wants
 * @a: one of them, or NULL
 * @b: another one, or NULL
 *
 * Return: @a or @b.
 */
struct ipcshm_msg *ipcshm_match_first(const struct ipcshm_match *match, struct ipcshm_msg *a,
				      struct ipcshm_msg *b)
{
	if (a && b && match->how == IPCSHM_TYPE_UP_TO && a->type != b->type)
		return a->type < b->type ? a : b;
	return better_message(a, b);
}

/* The message that is next for a receiver that wants only some, or NULL. */
struct ipcshm_msg *ipcshm_backlog_find(const struct ipcshm_backlog *backlog,
				       const struct ipcshm_match *match)
{
	struct ipcshm_msg *first = backlog->first;

	if (!first)
		return NULL;
	if (ipcshm_backlog_is_alike(backlog))
		return ipcshm_match(match, first) ? first : NULL;
	if (match->how != IPCSHM_TYPE_UP_TO && ipcshm_match(match, first))
		return first;
	return find_in_trees(backlog, match);
}
