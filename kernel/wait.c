// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting on a word of a region: wait, wake and watch.
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
 */
#include <linux/hash.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "member.h"
#include "wait.h"
#include "waiter.h"

/**
 * struct sleeper - a task that sleeps on a word
 * @waiter: completed by a WAKE, a death or the revocation
 * @link: in the bucket, until then; protected by the bucket's lock
 * @offset: of the word; immutable
 * @arrival: its number among those of the bucket; immutable
 * @deaths: those it knew of when it went to sleep; immutable
 */
struct sleeper {
	struct ipcshm_waiter waiter;
	struct list_head link;
	u64 offset;
	u64 arrival;
	u32 deaths;
};

void ipcshm_words_init(struct ipcshm_words *words, struct address_space *mapping,
		       const struct ipcshm_members *members)
{
	int i;

	words->mapping = mapping;
	words->members = members;
	for (i = 0; i < ARRAY_SIZE(words->buckets); i++) {
		spin_lock_init(&words->buckets[i].lock);
		INIT_LIST_HEAD(&words->buckets[i].sleepers);
		INIT_LIST_HEAD(&words->buckets[i].watches);
	}
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

	/* Punched out: what was there isn't the word any more. */
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

static int sleep_unless(struct ipcshm_words *words, struct ipcshm_bucket *bucket,
			struct sleeper *sleeper, const struct ipcshm_word *word, struct page *page)
{
	int err = 0;

	spin_lock(&bucket->lock);
	if (READ_ONCE(words->members->revoked))
		err = -EKEYREVOKED;
	else if (ipcshm_members_deaths(words->members) != sleeper->deaths)
		err = -EOWNERDEAD;
	else if (is_beyond(words, word->offset))
		err = -EINVAL;	/* a page of a large folio can outlive that */
	else if (word_differs(words, word, page))
		err = -EAGAIN;
	if (!err) {
		sleeper->arrival = bucket->arrivals++;
		list_add_tail(&sleeper->link, &bucket->sleepers);
	}
	spin_unlock(&bucket->lock);
	return err;
}

/* The sleeper gave up: @err, unless it was completed meanwhile. */
static int sleeper_leave(struct ipcshm_bucket *bucket, struct sleeper *sleeper, int err)
{
	spin_lock(&bucket->lock);
	if (sleeper->waiter.done)
		err = sleeper->waiter.result;
	else
		list_del(&sleeper->link);
	spin_unlock(&bucket->lock);
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
	struct ipcshm_bucket *bucket = bucket_of(words, word->offset);
	struct sleeper sleeper = { .offset = word->offset, .deaths = deaths };
	struct page *page;
	int err;

	page = word_page_get(words, word);
	if (IS_ERR(page))
		return READ_ONCE(words->members->revoked) ? -EKEYREVOKED : PTR_ERR(page);
	ipcshm_waiter_init(&sleeper.waiter);
	err = sleep_unless(words, bucket, &sleeper, word, page);
	put_page(page);
	if (err)
		return err;
	atomic_inc(&words->waiters);
	err = ipcshm_waiter_sleep(&sleeper.waiter, timeout);
	atomic_dec(&words->waiters);
	return err ? sleeper_leave(bucket, &sleeper, err) : sleeper.waiter.result;
}

/* Waking. */

static void sleeper_complete(struct sleeper *sleeper, int result, struct ipcshm_wakeups *wakeups)
{
	list_del(&sleeper->link);
	ipcshm_waiter_complete(&sleeper->waiter, result, wakeups);
}

/*
 * A watch is told of each wake-up, and takes none away.  Under the lock, since
 * only the bucket keeps it from going.
 */
static void wake_watches(struct ipcshm_bucket *bucket, u64 offset)
{
	struct ipcshm_watch *watch;

	list_for_each_entry(watch, &bucket->watches, link) {
		if (watch->word.offset != offset)
			continue;
		WRITE_ONCE(watch->woken, true);
		wake_up_poll(&watch->pollers, EPOLLIN | EPOLLRDNORM);
	}
}

/* As many as are woken at a time, of those that arrived before; there may be more. */
static u32 complete_some(struct ipcshm_bucket *bucket, u64 offset, u64 before, u32 count,
			 struct ipcshm_wakeups *wakeups)
{
	struct sleeper *sleeper, *next;

	count = min(count, IPCSHM_WAKEUPS_MAX);
	list_for_each_entry_safe(sleeper, next, &bucket->sleepers, link) {
		if (wakeups->count == count || sleeper->arrival >= before)
			break;
		if (sleeper->offset == offset)
			sleeper_complete(sleeper, 0, wakeups);
	}
	return wakeups->count;
}

/*
 * Returns how many were woken, those who came first.  Whoever comes back while
 * the others are woken isn't one of them, or there might be no end to it.
 */
u32 ipcshm_words_wake(struct ipcshm_words *words, u64 offset, u32 count)
{
	struct ipcshm_bucket *bucket = bucket_of(words, offset);
	u32 some, woken = 0;
	u64 before;

	spin_lock(&bucket->lock);
	before = bucket->arrivals;
	wake_watches(bucket, offset);
	spin_unlock(&bucket->lock);
	do {
		struct ipcshm_wakeups wakeups = { .count = 0 };

		spin_lock(&bucket->lock);
		some = complete_some(bucket, offset, before, count - woken, &wakeups);
		spin_unlock(&bucket->lock);
		ipcshm_wakeups_run(&wakeups);
		woken += some;
		cond_resched();
	} while (some == IPCSHM_WAKEUPS_MAX && woken < count);
	return woken;
}

/* Those who sleep for what isn't so any more; new ones know it already. */
static void complete_outdated(struct ipcshm_words *words, struct ipcshm_bucket *bucket,
			      struct ipcshm_wakeups *wakeups)
{
	u32 deaths = ipcshm_members_deaths(words->members);
	bool revoked = READ_ONCE(words->members->revoked);
	struct sleeper *sleeper, *next;

	list_for_each_entry_safe(sleeper, next, &bucket->sleepers, link) {
		if (wakeups->count == IPCSHM_WAKEUPS_MAX)
			break;
		if (revoked)
			sleeper_complete(sleeper, -EKEYREVOKED, wakeups);
		else if (sleeper->deaths != deaths)
			sleeper_complete(sleeper, -EOWNERDEAD, wakeups);
		else if (is_beyond(words, sleeper->offset))
			sleeper_complete(sleeper, -EINVAL, wakeups);
	}
}

/* A member has died, or the region was revoked, or has shrunk. */
void ipcshm_words_wake_outdated(struct ipcshm_words *words)
{
	int i = 0;

	while (i < ARRAY_SIZE(words->buckets)) {
		struct ipcshm_wakeups wakeups = { .count = 0 };

		spin_lock(&words->buckets[i].lock);
		complete_outdated(words, &words->buckets[i], &wakeups);
		spin_unlock(&words->buckets[i].lock);
		ipcshm_wakeups_run(&wakeups);
		if (wakeups.count < IPCSHM_WAKEUPS_MAX)
			i++;
		cond_resched();
	}
}

static void wake_watches_beyond(struct ipcshm_words *words, struct ipcshm_bucket *bucket)
{
	struct ipcshm_watch *watch;

	spin_lock(&bucket->lock);
	list_for_each_entry(watch, &bucket->watches, link) {
		if (is_beyond(words, watch->word.offset))
			wake_up_poll(&watch->pollers, EPOLLIN | EPOLLRDNORM);
	}
	spin_unlock(&bucket->lock);
}

/* The region has shrunk: words are gone that are waited for, or watched. */
void ipcshm_words_shrunk(struct ipcshm_words *words)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(words->buckets); i++)
		wake_watches_beyond(words, &words->buckets[i]);
	ipcshm_words_wake_outdated(words);
}

/* Watching. */

void ipcshm_watch_arm(struct ipcshm_words *words, struct ipcshm_watch *watch)
{
	struct ipcshm_bucket *bucket = bucket_of(words, watch->word.offset);

	spin_lock(&bucket->lock);
	WRITE_ONCE(watch->woken, false);
	list_add(&watch->link, &bucket->watches);
	spin_unlock(&bucket->lock);
}

void ipcshm_watch_disarm(struct ipcshm_words *words, struct ipcshm_watch *watch)
{
	struct ipcshm_bucket *bucket = bucket_of(words, watch->word.offset);

	spin_lock(&bucket->lock);
	list_del(&watch->link);
	spin_unlock(&bucket->lock);
}

/* Whether there was a wake-up, or the word differs; also if it can't be read. */
bool ipcshm_watch_is_due(struct ipcshm_words *words, struct ipcshm_watch *watch)
{
	struct page *page;
	bool due;

	if (READ_ONCE(watch->woken))
		return true;
	page = word_page_get(words, &watch->word);
	if (IS_ERR(page))
		return true;
	due = word_differs(words, &watch->word, page);
	put_page(page);
	return due;
}
