// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting on words of a region: wait, wake and watch.
 *
 * The word is read through the page cache, under the lock that wakers take, so
 * that looking at it and going to sleep are one step for them:
 *
 *	waiter				waker
 *	lock				store to the word (user space)
 *	 the word is as expected?	WAKE: lock
 *	 yes: onto the list		 off the list
 *	unlock, sleep			unlock, wake up
 *
 * Either the waker's critical section comes first, and then its store is seen,
 * or it finds the waiter on the list.  Deaths and the revocation are stores of
 * the kernel's, followed by a wake-up of everyone, and work the same way.
 *
 * A task that waits on several words is in the buckets of all of them.  The first waker that
 * claims the wait completes it; the others remove the sleeper that they found, and go on.
 *
 * Any reader of a region can sleep and watch, so no loop under the lock grows with
 * the number of sleepers or watches.  Both are in trees by offset.  Walks of all
 * sleepers drop the lock after BATCH of them, and continue behind the last one.
 *
 * The watches of a word form a ring in the order of their last notification.  A
 * WAKE counts; a watch whose count is old has to be notified, and as long as
 * there is one the word is due.  The waker notifies the first few, and a work item
 * the rest, in turns over all words.  So each watch is notified after each WAKE,
 * several of which may be reported at once, however often others wake.
 */
#include <linux/hash.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "gfp.h"
#include "member.h"
#include "region_wait.h"
#include "waiter.h"
#include "work.h"

/* The most sleepers, or words, that are looked at while a lock is held once. */
#define BATCH 32

/* The most watches that a waker notifies itself. */
#define NOTIFIED_AT_ONCE 8

struct sleeper;

/**
 * struct wait - a task that sleeps on words
 * @waiter: its result is an error, or the index of the word of the WAKE that completed it
 * @deaths: number of deaths that the task knew when it went to sleep; immutable
 * @count: number of @sleepers; immutable
 * @claimed: 1 once a task has decided to complete @waiter, under the lock of the bucket in
 *	which it found one of @sleepers, or the sleeping task has given up
 * @sleepers: one for each word
 */
struct wait {
	struct ipcshm_waiter waiter;
	u32 deaths;
	u32 count;
	atomic_t claimed;
	struct sleeper *sleepers;
};

/**
 * struct sleeper - a word that a task sleeps on
 * @node: in the bucket, or cleared; protected by the bucket's lock
 * @wait: the wait that it belongs to; immutable
 * @offset: of the word; immutable
 * @arrival: its number among those of the bucket; immutable
 */
struct sleeper {
	struct rb_node node;
	struct wait *wait;
	u64 offset;
	u64 arrival;
};

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

static void words_work(struct work_struct *work);

void ipcshm_words_init(struct ipcshm_words *words, struct address_space *mapping,
		       const struct ipcshm_members *members)
{
	int i;

	words->mapping = mapping;
	words->members = members;
	INIT_WORK(&words->work, words_work);
	for (i = 0; i < ARRAY_SIZE(words->buckets); i++) {
		spin_lock_init(&words->buckets[i].lock);
		words->buckets[i].sleepers = RB_ROOT;
		words->buckets[i].watched = RB_ROOT;
		INIT_LIST_HEAD(&words->buckets[i].due);
	}
}

/* No task sleeps, and no watch is set. */
void ipcshm_words_destroy(struct ipcshm_words *words)
{
	cancel_work_sync(&words->work);
}

static struct ipcshm_bucket *bucket_of(struct ipcshm_words *words, u64 offset)
{
	/* Which words share a bucket differs from region to region. */
	return &words->buckets[hash_64(offset ^ (unsigned long)words, IPCSHM_BUCKET_BITS)];
}

/* Words. */

bool ipcshm_word_is_valid(const struct ipcshm_word *word)
{
	return (word->size == 4 || word->size == 8) && !(word->offset % word->size) &&
	       (word->size == 8 || word->expected <= U32_MAX);
}

static bool is_beyond(const struct ipcshm_words *words, u64 offset)
{
	return offset >= i_size_read(words->mapping->host);
}

/*
 * With the reference, the page stays where it is: it can't be swapped out, moved
 * or made part of a huge page.  It can only be punched out.
 */
static struct page *word_page_get(const struct ipcshm_words *words, const struct ipcshm_word *word)
{
	if (is_beyond(words, word->offset))
		return ERR_PTR(-EINVAL);
	return shmem_read_mapping_page_gfp(words->mapping, word->offset >> PAGE_SHIFT,
					   mapping_gfp_mask(words->mapping));
}

static bool word_differs(const struct ipcshm_words *words, const struct ipcshm_word *word,
			 struct page *page)
{
	const void *memory;
	u64 value;

	/* Punched out: the page is no longer that of the word. */
	if (READ_ONCE(page_folio(page)->mapping) != words->mapping)
		return true;
	/* Some memory models look at the page's flags for that, at those that never change. */
	memory = data_race(kmap_local_page(page)) + offset_in_page(word->offset);
	value = word->size == 4 ? READ_ONCE(*(const u32 *)memory) :
				  READ_ONCE(*(const u64 *)memory);
	kunmap_local(memory);
	return value != word->expected;
}

/* Waiting. */

static void sleeper_add(struct ipcshm_bucket *bucket, struct sleeper *sleeper)
{
	struct rb_node **link = &bucket->sleepers.rb_node, *parent = NULL;

	sleeper->arrival = bucket->arrivals++;
	while (*link) {
		parent = *link;
		link = sleeper->offset < rb_entry(parent, struct sleeper, node)->offset ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&sleeper->node, parent, link);
	rb_insert_color(&sleeper->node, &bucket->sleepers);
}

static int sleep_unless(struct ipcshm_words *words, struct sleeper *sleeper,
			const struct ipcshm_word *word, struct page *page)
{
	struct ipcshm_bucket *bucket = bucket_of(words, word->offset);
	int err = 0;

	spin_lock(&bucket->lock);
	if (READ_ONCE(words->members->revoked))
		err = -EKEYREVOKED;
	else if (ipcshm_members_deaths(words->members) != sleeper->wait->deaths)
		err = -EOWNERDEAD;
	else if (is_beyond(words, word->offset))
		err = -EINVAL;	/* a page of a large folio can outlive that */
	else if (word_differs(words, word, page))
		err = -EAGAIN;
	if (!err)
		sleeper_add(bucket, sleeper);
	spin_unlock(&bucket->lock);
	return err;
}

static bool wait_claim(struct wait *wait)
{
	return !atomic_xchg(&wait->claimed, 1);
}

static int sleeper_begin(struct ipcshm_words *words, struct sleeper *sleeper,
			 const struct ipcshm_word *word)
{
	struct page *page = word_page_get(words, word);
	int err;

	if (IS_ERR(page))
		return READ_ONCE(words->members->revoked) ? -EKEYREVOKED : PTR_ERR(page);
	err = sleep_unless(words, sleeper, word, page);
	put_page(page);
	return err;
}

/* Also waits for a task that completes the wait under the bucket's lock. */
static void sleeper_end(struct ipcshm_words *words, struct sleeper *sleeper)
{
	struct ipcshm_bucket *bucket = bucket_of(words, sleeper->offset);

	spin_lock(&bucket->lock);
	if (!RB_EMPTY_NODE(&sleeper->node))
		rb_erase(&sleeper->node, &bucket->sleepers);
	spin_unlock(&bucket->lock);
}

/*
 * Returns @result, unless another task has completed the wait.  Afterwards no task can find
 * a sleeper of it.
 */
static int wait_end(struct ipcshm_words *words, struct wait *wait, int result)
{
	bool claimed = wait_claim(wait);
	u32 i;

	for (i = 0; i < wait->count; i++)
		sleeper_end(words, &wait->sleepers[i]);
	return claimed ? result : wait->waiter.result;
}

static int wait_sleep(struct ipcshm_words *words, struct wait *wait,
		      const struct ipcshm_timeout *timeout)
{
	int err;

	atomic_inc(&words->waiters);
	err = ipcshm_waiter_sleep(&wait->waiter, timeout);
	atomic_dec(&words->waiters);
	return err;
}

/**
 * ipcshm_words_wait - sleep while a word has a value
 * @words: of the region
 * @word: which, and the value; valid
 * @deaths: sleep while the region has had so many
 * @timeout: how long
 *
 * Return: 0 when woken; -EAGAIN, -EOWNERDEAD, -EKEYREVOKED, -ETIMEDOUT,
 * -ERESTARTSYS; -EINVAL: beyond the end; -ENOMEM: for the page; -EIO.
 */
int ipcshm_words_wait(struct ipcshm_words *words, const struct ipcshm_word *word, u32 deaths,
		      const struct ipcshm_timeout *timeout)
{
	struct wait wait = { .deaths = deaths, .count = 1 };
	struct sleeper sleeper = { .wait = &wait, .offset = word->offset };
	int err;

	ipcshm_waiter_init(&wait.waiter);
	wait.sleepers = &sleeper;
	err = sleeper_begin(words, &sleeper, word);
	if (err)
		return err;
	err = wait_sleep(words, &wait, timeout);
	/* The task that completed it has removed the only sleeper. */
	return err ? wait_end(words, &wait, err) : wait.waiter.result;
}

/**
 * ipcshm_words_wait_any - sleep while each of several words has a value
 * @words: of the region
 * @word: the words and the values; valid
 * @count: number of words, at least 1
 * @deaths: as ipcshm_words_wait()
 * @timeout: as ipcshm_words_wait()
 *
 * The words are compared one after the other.  If a WAKE of an earlier one completes the wait
 * before a later one is found to differ, the result is the WAKE's: it has counted this task.
 *
 * Return: the index of the word whose WAKE completed the wait; -EAGAIN: a word differs; or
 * an error of ipcshm_words_wait().
 */
int ipcshm_words_wait_any(struct ipcshm_words *words, const struct ipcshm_word *word, u32 count,
			  u32 deaths, const struct ipcshm_timeout *timeout)
{
	struct wait wait = { .deaths = deaths, .count = count };
	int result = 0;
	u32 i;

	wait.sleepers = kmalloc_array(count, sizeof(*wait.sleepers), IPCSHM_GFP);
	if (!wait.sleepers)
		return -ENOMEM;
	ipcshm_waiter_init(&wait.waiter);
	for (i = 0; i < count; i++) {
		wait.sleepers[i] = (struct sleeper){ .wait = &wait, .offset = word[i].offset };
		RB_CLEAR_NODE(&wait.sleepers[i].node);
	}
	for (i = 0; i < count && !result; i++)
		result = sleeper_begin(words, &wait.sleepers[i], &word[i]);
	if (!result)
		result = wait_sleep(words, &wait, timeout);
	result = wait_end(words, &wait, result);
	kfree(wait.sleepers);
	return result;
}

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
	return list_first_entry(&watched->watches, struct ipcshm_watch, link)->told !=
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
	watch->told = watched->wakes;
	list_move_tail(&watch->link, &watched->watches);
	if (watched_is_due(watched))
		list_move_tail(&watched->due, &bucket->due);
	else
		list_del_init(&watched->due);
	return watch;
}

/* At most @count watches; true if there may be more. */
static bool notify_some(struct ipcshm_bucket *bucket, unsigned int count)
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

static void notify(struct ipcshm_words *words, struct ipcshm_bucket *bucket)
{
	if (notify_some(bucket, NOTIFIED_AT_ONCE))
		queue_work(ipcshm_workqueue, &words->work);
}

/* One turn: no bucket keeps others waiting. */
static void words_work(struct work_struct *work)
{
	struct ipcshm_words *words = container_of(work, struct ipcshm_words, work);
	bool more = false;
	int i;

	for (i = 0; i < ARRAY_SIZE(words->buckets); i++) {
		if (!list_empty(&words->buckets[i].due) && notify_some(&words->buckets[i], BATCH))
			more = true;
		cond_resched();
	}
	if (more)
		queue_work(ipcshm_workqueue, &words->work);
}

/* Waking. */

static struct sleeper *sleeper_at(struct rb_node *node)
{
	return rb_entry_safe(node, struct sleeper, node);
}

static bool sleeper_is_before(const struct sleeper *sleeper, u64 offset, u64 arrival)
{
	return sleeper->offset == offset ? sleeper->arrival < arrival : sleeper->offset < offset;
}

/* The first sleeper on a word at or behind @offset, on that word of those since @arrival. */
static struct sleeper *sleeper_from(struct ipcshm_bucket *bucket, u64 offset, u64 arrival)
{
	struct sleeper *found = NULL, *sleeper = sleeper_at(bucket->sleepers.rb_node);

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

/* The wait may be gone afterwards. */
static void sleeper_complete(struct ipcshm_bucket *bucket, struct sleeper *sleeper, int result,
			     struct ipcshm_wakeups *wakeups)
{
	struct wait *wait = sleeper->wait;

	rb_erase(&sleeper->node, &bucket->sleepers);
	RB_CLEAR_NODE(&sleeper->node);
	if (wait_claim(wait))
		ipcshm_waiter_complete(&wait->waiter, result, wakeups);
}

/* Completes a batch of waits on a word, of those that arrived before; true if there may be more. */
static bool complete_some(struct ipcshm_bucket *bucket, u64 offset, u64 before, u32 count,
			  struct ipcshm_wakeups *wakeups)
{
	unsigned int i;

	count = min(count, IPCSHM_WAKEUPS_MAX);
	for (i = 0; i < BATCH && wakeups->count < count; i++) {
		struct sleeper *sleeper = sleeper_from(bucket, offset, 0);

		if (!sleeper || sleeper->offset != offset || sleeper->arrival >= before)
			return false;
		sleeper_complete(bucket, sleeper, sleeper - sleeper->wait->sleepers, wakeups);
	}
	return true;
}

/*
 * Returns the number of woken tasks, in the order of their arrival.  A task that starts
 * a new wait in the meantime is not woken again, so the loop ends.
 */
u32 ipcshm_words_wake(struct ipcshm_words *words, u64 offset, u32 count)
{
	struct ipcshm_bucket *bucket = bucket_of(words, offset);
	struct ipcshm_wakeups wakeups = { .count = 0 };
	struct watched_word *watched;
	u32 woken = 0;
	u64 before;
	bool more;

	spin_lock(&bucket->lock);
	before = bucket->arrivals;
	watched = watched_find(bucket, offset);
	if (watched)
		watched_wake(bucket, watched);
	for (;;) {
		more = complete_some(bucket, offset, before, count - woken, &wakeups);
		spin_unlock(&bucket->lock);
		woken += wakeups.count;
		ipcshm_wakeups_run(&wakeups);
		if (!more || woken >= count)
			break;
		cond_resched();
		wakeups.count = 0;
		spin_lock(&bucket->lock);
	}
	if (watched)
		notify(words, bucket);
	return woken;
}

/**
 * struct walk - how far a walk of all sleepers of a bucket has come
 * @offset: of the next sleeper's word
 * @arrival: of the next sleeper, on that word
 * @before: later arrivals know what the walk is about
 */
struct walk {
	u64 offset;
	u64 arrival;
	u64 before;
};

/* Of the next sleepers, those whose wait is over; false at the end. */
static bool complete_outdated(struct ipcshm_words *words, struct ipcshm_bucket *bucket,
			      struct walk *walk, struct ipcshm_wakeups *wakeups)
{
	u32 deaths = ipcshm_members_deaths(words->members);
	bool revoked = READ_ONCE(words->members->revoked);
	unsigned int i;

	for (i = 0; i < BATCH && wakeups->count < IPCSHM_WAKEUPS_MAX; i++) {
		struct sleeper *sleeper = sleeper_from(bucket, walk->offset, walk->arrival);

		if (!sleeper)
			return false;
		walk->offset = sleeper->offset;
		walk->arrival = sleeper->arrival + 1;
		if (sleeper->arrival >= walk->before)
			*walk = (struct walk){ sleeper->offset + 1, 0, walk->before };
		else if (revoked)
			sleeper_complete(bucket, sleeper, -EKEYREVOKED, wakeups);
		else if (sleeper->wait->deaths != deaths)
			sleeper_complete(bucket, sleeper, -EOWNERDEAD, wakeups);
		else if (is_beyond(words, sleeper->offset))
			sleeper_complete(bucket, sleeper, -EINVAL, wakeups);
	}
	return true;
}

static void wake_outdated(struct ipcshm_words *words, struct ipcshm_bucket *bucket)
{
	struct walk walk = { 0 };
	bool more;

	do {
		struct ipcshm_wakeups wakeups = { .count = 0 };

		spin_lock(&bucket->lock);
		walk.before = walk.before ?: bucket->arrivals;
		more = complete_outdated(words, bucket, &walk, &wakeups);
		spin_unlock(&bucket->lock);
		ipcshm_wakeups_run(&wakeups);
		cond_resched();
	} while (more);
}

/* A member has died, or the region was revoked, or has shrunk. */
void ipcshm_words_wake_outdated(struct ipcshm_words *words)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(words->buckets); i++)
		wake_outdated(words, &words->buckets[i]);
}

/* The next watched words from @offset on; false at the end. */
static bool wake_watched_from(struct ipcshm_bucket *bucket, u64 *offset)
{
	struct watched_word *watched;
	unsigned int i;

	spin_lock(&bucket->lock);
	for (i = 0; i < BATCH; i++) {
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

/* The region has shrunk: words are gone that are waited for, or watched. */
void ipcshm_words_shrunk(struct ipcshm_words *words)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(words->buckets); i++) {
		u64 offset = i_size_read(words->mapping->host);

		while (wake_watched_from(&words->buckets[i], &offset))
			;
		notify(words, &words->buckets[i]);
	}
	ipcshm_words_wake_outdated(words);
}

/* Watching. */

static void watch_arm(struct ipcshm_words *words, struct ipcshm_watch *watch,
		      const struct ipcshm_word *word, struct watched_word *new)
{
	struct ipcshm_bucket *bucket = bucket_of(words, word->offset);
	struct watched_word *watched;

	spin_lock(&bucket->lock);
	watched = watched_find(bucket, word->offset);
	if (!watched) {
		watched = new;
		watched_add(bucket, watched);
	}
	watch->armed = watched->wakes;
	watch->told = watched->wakes;
	list_add_tail(&watch->link, &watched->watches);
	spin_unlock(&bucket->lock);
	watch->word = *word;
	watch->watched = watched;
	if (watched != new)
		kfree(new);
}

static void watch_disarm(struct ipcshm_words *words, struct ipcshm_watch *watch)
{
	struct ipcshm_bucket *bucket = bucket_of(words, watch->word.offset);
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
 * @word: which, and the value; valid, or of size 0: none
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
	struct ipcshm_bucket *bucket = bucket_of(words, watch->word.offset);
	struct page *page;
	bool due;

	spin_lock(&bucket->lock);
	due = watch->watched->wakes != watch->armed;
	spin_unlock(&bucket->lock);
	if (due)
		return true;
	page = word_page_get(words, &watch->word);
	if (IS_ERR(page))
		return true;
	due = word_differs(words, &watch->word, page);
	put_page(page);
	return due;
}
