// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watching words of a region by poll.
 *
 * Any reader of a region can watch, so no loop under the lock grows with the number of
 * watches.  They are in trees by offset.
 *
 * The watches of a word form a ring in the order of their last notification.  A
 * WAKE counts; a watch whose count is old has to be notified, and as long as
 * there is one the word is due.  The waker notifies the first few, and a work item
 * the rest, in turns over all words.  So each watch is notified after each WAKE,
 * several of which may be reported at once, however often others wake.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "region_watch.h"
#include "work.h"

/* The most watches that a waker notifies itself. */
#define NOTIFIED_AT_ONCE 8

/**
 * struct watched_word - what all watches of a word share; protected by the bucket's lock
 * @node: in the bucket
 * @offset: of the word; immutable
 * @wakes: how many WAKEs there were
 * @watches: those whose last notification is the longest ago first
 * @due: in the bucket, while the first of @watches has to be notified
 */
struct watched_word {
	struct rb_node node;
	u64 offset;
	u64 wakes;
	struct list_head watches;
	struct list_head due;
};

/* Notifying watches. */

static struct watched_word *watched_at(struct rb_node *node)
{
	return rb_entry_safe(node, struct watched_word, node);
}

/* The first watched word at or behind @offset, or NULL. */
static struct watched_word *watched_from(struct ipcshm_bucket *bucket, u64 offset)
{
	struct watched_word *found = NULL, *watched = watched_at(bucket->watched.rb_node);

	while (watched) {
		if (watched->offset >= offset)
			found = watched;
		watched = watched_at(watched->offset >= offset ? watched->node.rb_left :
								 watched->node.rb_right);
	}
	return found;
}

static struct watched_word *watched_find(struct ipcshm_bucket *bucket, u64 offset)
{
	struct watched_word *watched = watched_from(bucket, offset);

	return watched && watched->offset == offset ? watched : NULL;
}

static void watched_add(struct ipcshm_bucket *bucket, struct watched_word *watched)
{
	struct rb_node **link = &bucket->watched.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = watched->offset < watched_at(parent)->offset ? &parent->rb_left :
								      &parent->rb_right;
	}
	rb_link_node(&watched->node, parent, link);
	rb_insert_color(&watched->node, &bucket->watched);
}

static bool watched_is_due(const struct watched_word *watched)
{
	return list_first_entry(&watched->watches, struct ipcshm_watch, link)->notified !=
	       watched->wakes;
}

/* The word of the latest WAKE is the first in turn. */
static void watched_wake(struct ipcshm_bucket *bucket, struct watched_word *watched)
{
	watched->wakes++;
	if (list_empty(&watched->due))
		list_add(&watched->due, &bucket->due);
}

/* The next watch to be notified, which counts as notified from now on, or NULL. */
static struct ipcshm_watch *watch_take(struct ipcshm_bucket *bucket)
{
	struct watched_word *watched = list_first_entry_or_null(&bucket->due, struct watched_word,
								due);
	struct ipcshm_watch *watch;

	if (!watched)
		return NULL;
	watch = list_first_entry(&watched->watches, struct ipcshm_watch, link);
	watch->notified = watched->wakes;
	list_move_tail(&watch->link, &watched->watches);
	if (watched_is_due(watched))
		list_move_tail(&watched->due, &bucket->due);
	else
		list_del_init(&watched->due);
	return watch;
}

/* At most @count watches; true if there may be more. */
static bool notify_watches(struct ipcshm_bucket *bucket, unsigned int count)
{
	struct ipcshm_watch *watch = NULL;

	while (count--) {
		/* A watch that is taken can be removed, but not freed. */
		rcu_read_lock();
		spin_lock(&bucket->lock);
		watch = watch_take(bucket);
		spin_unlock(&bucket->lock);
		if (watch)
			ipcshm_pollers_wake(&watch->pollers, EPOLLIN | EPOLLRDNORM);
		rcu_read_unlock();
		if (!watch)
			break;
	}
	return watch;
}

/* The word has been woken: true if it is watched, and ipcshm_watches_notify() has to follow. */
bool ipcshm_watches_wake(struct ipcshm_bucket *bucket, u64 offset)
{
	struct watched_word *watched = watched_find(bucket, offset);

	if (watched)
		watched_wake(bucket, watched);
	return watched;
}

void ipcshm_watches_notify(struct ipcshm_words *words, struct ipcshm_bucket *bucket)
{
	if (notify_watches(bucket, NOTIFIED_AT_ONCE))
		queue_work(ipcshm_workqueue, &words->work);
}

/* One turn: no bucket keeps others waiting. */
void ipcshm_watches_work(struct work_struct *work)
{
	struct ipcshm_words *words = container_of(work, struct ipcshm_words, work);
	bool more = false;
	int i;

	for (i = 0; i < ARRAY_SIZE(words->buckets); i++) {
		if (!list_empty(&words->buckets[i].due) &&
		    notify_watches(&words->buckets[i], IPCSHM_WORDS_BATCH))
			more = true;
		cond_resched();
	}
	if (more)
		queue_work(ipcshm_workqueue, &words->work);
}

/* The next watched words from @offset on; false at the end. */
static bool wake_watched_from(struct ipcshm_bucket *bucket, u64 *offset)
{
	struct watched_word *watched;
	unsigned int i;

	spin_lock(&bucket->lock);
	for (i = 0; i < IPCSHM_WORDS_BATCH; i++) {
		watched = watched_from(bucket, *offset);
		if (!watched)
			break;
		watched_wake(bucket, watched);
		*offset = watched->offset + 1;
	}
	spin_unlock(&bucket->lock);
	cond_resched();
	return watched;
}

/* The region has shrunk: watched words are gone. */
void ipcshm_watches_shrunk(struct ipcshm_words *words)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(words->buckets); i++) {
		u64 offset = i_size_read(words->mapping->host);

		while (wake_watched_from(&words->buckets[i], &offset))
			;
		ipcshm_watches_notify(words, &words->buckets[i]);
	}
}

/* Watching. */

static void watch_arm(struct ipcshm_words *words, struct ipcshm_watch *watch,
		      const struct ipcshm_word *word, struct watched_word *new)
{
	struct ipcshm_bucket *bucket = ipcshm_words_bucket(words, word->offset);
	struct watched_word *watched;

	spin_lock(&bucket->lock);
	watched = watched_find(bucket, word->offset);
	if (!watched) {
		watched = new;
		watched_add(bucket, watched);
	}
	watch->armed = watched->wakes;
	watch->notified = watched->wakes;
	list_add_tail(&watch->link, &watched->watches);
	spin_unlock(&bucket->lock);
	watch->word = *word;
	watch->watched = watched;
	if (watched != new)
		kfree(new);
}

static void watch_disarm(struct ipcshm_words *words, struct ipcshm_watch *watch)
{
	struct ipcshm_bucket *bucket = ipcshm_words_bucket(words, watch->word.offset);
	struct watched_word *watched = watch->watched;
	bool empty;

	spin_lock(&bucket->lock);
	list_del(&watch->link);
	empty = list_empty(&watched->watches);
	if (empty)
		rb_erase(&watched->node, &bucket->watched);
	if (empty || !watched_is_due(watched))
		list_del_init(&watched->due);
	spin_unlock(&bucket->lock);
	watch->word.size = 0;
	if (empty)
		kfree(watched);
}

/**
 * ipcshm_watch_set - change the word that a watch is for
 * @words: of the region
 * @watch: no other task sets it, or looks whether it is due
 * @word: the word, with the value; valid, or of size 0: none
 *
 * Return: 0, or -ENOMEM with nothing changed, only if there is a word.
 */
int ipcshm_watch_set(struct ipcshm_words *words, struct ipcshm_watch *watch,
		     const struct ipcshm_word *word)
{
	struct watched_word *new = NULL;

	if (word->size) {
		new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
		if (!new)
			return -ENOMEM;
		new->offset = word->offset;
		INIT_LIST_HEAD(&new->watches);
		INIT_LIST_HEAD(&new->due);
	}
	if (watch->word.size)
		watch_disarm(words, watch);
	if (word->size)
		watch_arm(words, watch, word, new);
	return 0;
}

/* Whether there was a wake-up, or the word differs or can't be read. */
bool ipcshm_watch_is_due(struct ipcshm_words *words, struct ipcshm_watch *watch)
{
	struct ipcshm_bucket *bucket = ipcshm_words_bucket(words, watch->word.offset);
	struct page *page;
	bool due;

	spin_lock(&bucket->lock);
	due = watch->watched->wakes != watch->armed;
	spin_unlock(&bucket->lock);
	if (due)
		return true;
	page = ipcshm_word_page_get(words, &watch->word);
	if (IS_ERR(page))
		return true;
	due = ipcshm_word_differs(words, &watch->word, page);
	put_page(page);
	return due;
}
