// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping receivers, found by the type of a message.
 *
 * A message goes to the receiver that arrived first among all that accept its type. Receivers of
 * any type are in a list. Each other kind of match has a tree, ordered by type and then by
 * arrival, in which each node also knows the oldest sleeper at and below it. Finding the receiver
 * of a message therefore takes one look at the list and one descent, or two, in each tree,
 * however many receivers sleep that accept other messages.
 */
#include <linux/rbtree_augmented.h>

#include "sleepers.h"
#include "uapi/linux/ipcshm.h"

#define SLEEPER(from) rb_entry_safe(from, struct ipcshm_sleeper, node)

static struct ipcshm_sleeper *older_sleeper(struct ipcshm_sleeper *a, struct ipcshm_sleeper *b)
{
	return !b || (a && a->number < b->number) ? a : b;
}

static struct ipcshm_sleeper *oldest_at(struct rb_node *node)
{
	return node ? SLEEPER(node)->oldest : NULL;
}

/* True if nothing has changed, and @stop_early asks for that. */
static bool oldest_compute(struct ipcshm_sleeper *sleeper, bool stop_early)
{
	struct ipcshm_sleeper *oldest = older_sleeper(oldest_at(sleeper->node.rb_left), sleeper);

	oldest = older_sleeper(oldest_at(sleeper->node.rb_right), oldest);
	if (stop_early && sleeper->oldest == oldest)
		return true;
	sleeper->oldest = oldest;
	return false;
}

RB_DECLARE_CALLBACKS(static, oldest_callbacks, struct ipcshm_sleeper, node, oldest, oldest_compute)

/* NULL: the sleeper accepts any message, and is in the list. */
static struct rb_root *tree_of(struct ipcshm_sleepers *sleepers, const struct ipcshm_match *match)
{
	switch (match->how) {
	case IPCSHM_TYPE_EQUAL:
		return &sleepers->equal;
	case IPCSHM_TYPE_NOT:
		return &sleepers->other;
	case IPCSHM_TYPE_UP_TO:
		return &sleepers->up_to;
	default:
		return NULL;
	}
}

/* Behind all of its type: its number is the highest. */
static void tree_add(struct rb_root *root, struct ipcshm_sleeper *sleeper)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = sleeper->match.type < SLEEPER(parent)->match.type ? &parent->rb_left :
									   &parent->rb_right;
	}
	sleeper->oldest = NULL;
	rb_link_node(&sleeper->node, parent, link);
	oldest_callbacks.propagate(&sleeper->node, NULL);
	rb_insert_augmented(&sleeper->node, root, &oldest_callbacks);
}

void ipcshm_sleepers_init(struct ipcshm_sleepers *sleepers)
{
	*sleepers = (struct ipcshm_sleepers){ .any = LIST_HEAD_INIT(sleepers->any) };
}

void ipcshm_sleepers_add(struct ipcshm_sleepers *sleepers, struct ipcshm_sleeper *sleeper,
			 const struct ipcshm_match *match)
{
	struct rb_root *root = tree_of(sleepers, match);

	sleeper->match = *match;
	sleeper->number = ++sleepers->number;
	sleepers->count++;
	if (root)
		tree_add(root, sleeper);
	else
		ipcshm_ring_add(&sleeper->link, &sleepers->any);
}

void ipcshm_sleepers_remove(struct ipcshm_sleepers *sleepers, struct ipcshm_sleeper *sleeper)
{
	struct rb_root *root = tree_of(sleepers, &sleeper->match);

	sleepers->count--;
	if (root)
		rb_erase_augmented(&sleeper->node, root, &oldest_callbacks);
	else
		ipcshm_ring_remove(&sleeper->link);
}

/* The first one of exactly this type. */
static struct ipcshm_sleeper *first_of(const struct rb_root *root, u64 type)
{
	struct rb_node *node = root->rb_node;
	struct ipcshm_sleeper *first = NULL;

	while (node) {
		struct ipcshm_sleeper *sleeper = SLEEPER(node);

		if (sleeper->match.type == type)
			first = sleeper;
		node = sleeper->match.type < type ? node->rb_right : node->rb_left;
	}
	return first;
}

/* The oldest of all whose type is below @type. */
static struct ipcshm_sleeper *oldest_below(const struct rb_root *root, u64 type)
{
	struct rb_node *node = root->rb_node;
	struct ipcshm_sleeper *oldest = NULL;

	while (node) {
		struct ipcshm_sleeper *sleeper = SLEEPER(node);

		if (sleeper->match.type < type) {
			oldest = older_sleeper(older_sleeper(oldest_at(node->rb_left), sleeper),
					       oldest);
			node = node->rb_right;
		} else {
			node = node->rb_left;
		}
	}
	return oldest;
}

/* The oldest of all whose type is at least @type. */
static struct ipcshm_sleeper *oldest_from(const struct rb_root *root, u64 type)
{
	struct rb_node *node = root->rb_node;
	struct ipcshm_sleeper *oldest = NULL;

	while (node) {
		struct ipcshm_sleeper *sleeper = SLEEPER(node);

		if (sleeper->match.type >= type) {
			oldest = older_sleeper(older_sleeper(oldest_at(node->rb_right), sleeper),
					       oldest);
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return oldest;
}

static struct ipcshm_sleeper *oldest_beside(const struct rb_root *root, u64 type)
{
	struct ipcshm_sleeper *above = type == U64_MAX ? NULL : oldest_from(root, type + 1);

	return older_sleeper(oldest_below(root, type), above);
}

struct ipcshm_sleeper *ipcshm_sleepers_search(struct ipcshm_sleepers *sleepers, u64 type)
{
	struct ipcshm_sleeper *found = list_first_entry_or_null(&sleepers->any,
								struct ipcshm_sleeper, link);

	if (!RB_EMPTY_ROOT(&sleepers->equal))
		found = older_sleeper(first_of(&sleepers->equal, type), found);
	if (!RB_EMPTY_ROOT(&sleepers->other))
		found = older_sleeper(oldest_beside(&sleepers->other, type), found);
	if (!RB_EMPTY_ROOT(&sleepers->up_to))
		found = older_sleeper(oldest_from(&sleepers->up_to, type), found);
	return found;
}

/* Any one of them, or NULL. */
struct ipcshm_sleeper *ipcshm_sleepers_some(struct ipcshm_sleepers *sleepers)
{
	struct rb_node *node = sleepers->equal.rb_node ?: sleepers->other.rb_node ?:
			       sleepers->up_to.rb_node;

	return list_first_entry_or_null(&sleepers->any, struct ipcshm_sleeper, link) ?:
	       SLEEPER(node);
}
