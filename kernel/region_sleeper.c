// SPDX-License-Identifier: GPL-2.0-only
/* Tasks that sleep on words of a region, in the buckets of the words. */
#include <linux/spinlock.h>

#include "region_sleeper.h"

void ipcshm_word_sleeper_add(struct ipcshm_bucket *bucket, struct word_sleeper *sleeper)
{
	struct rb_node **link = &bucket->sleepers.rb_node, *parent = NULL;

	WRITE_ONCE(sleeper->bucket, bucket);
	sleeper->arrival = bucket->arrivals++;
	while (*link) {
		parent = *link;
		link = sleeper->offset < rb_entry(parent, struct word_sleeper, node)->offset ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&sleeper->node, parent, link);
	rb_insert_color(&sleeper->node, &bucket->sleepers);
}

bool ipcshm_word_wait_claim(struct word_wait *wait)
{
	return !atomic_xchg(&wait->claimed, 1);
}

static struct word_sleeper *sleeper_at(struct rb_node *node)
{
	return rb_entry_safe(node, struct word_sleeper, node);
}

static bool sleeper_is_before(const struct word_sleeper *sleeper, u64 offset, u64 arrival)
{
	return sleeper->offset == offset ? sleeper->arrival < arrival : sleeper->offset < offset;
}

/* The first sleeper on a word at or behind @offset, on that word of those since @arrival. */
struct word_sleeper *ipcshm_word_sleeper_from(struct ipcshm_bucket *bucket, u64 offset,
					      u64 arrival)
{
	struct word_sleeper *found = NULL, *sleeper = sleeper_at(bucket->sleepers.rb_node);

	while (sleeper) {
		if (sleeper_is_before(sleeper, offset, arrival)) {
			sleeper = sleeper_at(sleeper->node.rb_right);
		} else {
			found = sleeper;
			sleeper = sleeper_at(sleeper->node.rb_left);
		}
	}
	return found;
}

/*
 * For the task that sleeps: afterwards no other task can find the sleeper, and none completes
 * its wait.  It can be moved until the lock of its bucket is held.
 */
void ipcshm_word_sleeper_remove(struct word_sleeper *sleeper)
{
	struct ipcshm_bucket *bucket = READ_ONCE(sleeper->bucket);

	if (!bucket)
		return;
	spin_lock(&bucket->lock);
	while (bucket != sleeper->bucket) {
		spin_unlock(&bucket->lock);
		bucket = READ_ONCE(sleeper->bucket);
		spin_lock(&bucket->lock);
	}
	if (!RB_EMPTY_NODE(&sleeper->node))
		rb_erase(&sleeper->node, &bucket->sleepers);
	spin_unlock(&bucket->lock);
}

/* The wait may be gone afterwards. */
void ipcshm_word_sleeper_complete(struct ipcshm_bucket *bucket, struct word_sleeper *sleeper,
				  int result, struct ipcshm_wakeups *wakeups)
{
	struct word_wait *wait = sleeper->wait;

	rb_erase(&sleeper->node, &bucket->sleepers);
	RB_CLEAR_NODE(&sleeper->node);
	if (ipcshm_word_wait_claim(wait))
		ipcshm_waiter_complete(&wait->waiter, result, wakeups);
}
