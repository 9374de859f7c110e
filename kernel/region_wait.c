// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting on words of a region: going to sleep, and the end of the wait.
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
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "gfp.h"
#include "member.h"
#include "region_sleeper.h"
#include "region_wait.h"
#include "region_watch.h"
#include "waiter.h"

void ipcshm_words_init(struct ipcshm_words *words, struct address_space *mapping,
		       const struct ipcshm_members *members)
{
	int i;

	words->mapping = mapping;
	words->members = members;
	INIT_WORK(&words->work, ipcshm_watches_work);
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

static int sleep_unless(struct ipcshm_words *words, struct word_sleeper *sleeper,
			const struct ipcshm_word *word, struct page *page)
{
	struct ipcshm_bucket *bucket = ipcshm_words_bucket(words, word->offset);
	int err = 0;

	spin_lock(&bucket->lock);
	if (READ_ONCE(words->members->revoked))
		err = -EKEYREVOKED;
	else if (ipcshm_members_deaths(words->members) != sleeper->wait->deaths)
		err = -EOWNERDEAD;
	else if (ipcshm_word_is_beyond(words, word->offset))
		err = -EINVAL;	/* a page of a large folio can outlive that */
	else if (ipcshm_word_differs(words, word, page))
		err = -EAGAIN;
	if (!err)
		ipcshm_word_sleeper_add(bucket, sleeper);
	spin_unlock(&bucket->lock);
	return err;
}

static int sleeper_begin(struct ipcshm_words *words, struct word_sleeper *sleeper,
			 const struct ipcshm_word *word)
{
	struct page *page = ipcshm_word_page_get(words, word);
	int err;

	if (IS_ERR(page))
		return READ_ONCE(words->members->revoked) ? -EKEYREVOKED : PTR_ERR(page);
	err = sleep_unless(words, sleeper, word, page);
	put_page(page);
	return err;
}

/*
 * Returns @result, unless another task has completed the wait.  Afterwards no task can find
 * a sleeper of it.
 */
static int wait_end(struct word_wait *wait, int result)
{
	bool claimed = ipcshm_word_wait_claim(wait);
	u32 i;

	for (i = 0; i < wait->count; i++)
		ipcshm_word_sleeper_remove(&wait->sleepers[i]);
	return claimed ? result : wait->waiter.result;
}

static int wait_sleep(struct ipcshm_words *words, struct word_wait *wait,
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
 * @word: the word, with the value; valid
 * @deaths: sleep while the region has had so many
 * @timeout: how long
 *
 * Return: 0 when woken; -EAGAIN, also after a signal if the task had been moved to another word;
 * -EOWNERDEAD, -EKEYREVOKED, -ETIMEDOUT, -ERESTARTSYS; -EINVAL: beyond the end; -ENOMEM: for
 * the page; -EIO.
 */
int ipcshm_words_wait(struct ipcshm_words *words, const struct ipcshm_word *word, u32 deaths,
		      const struct ipcshm_timeout *timeout)
{
	struct word_wait wait = { .deaths = deaths, .count = 1, .movable = true };
	struct word_sleeper sleeper = { .wait = &wait, .offset = word->offset };
	int err;

	ipcshm_waiter_init(&wait.waiter);
	wait.sleepers = &sleeper;
	err = sleeper_begin(words, &sleeper, word);
	if (err)
		return err;
	err = wait_sleep(words, &wait, timeout);
	/* The task that completed it has removed the only sleeper. */
	if (!err)
		return wait.waiter.result;
	err = wait_end(&wait, err);
	/* Starting again would be sleeping on the word that the task has been moved from. */
	return err == -ERESTARTSYS && sleeper.offset != word->offset ? -EAGAIN : err;
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
	struct word_wait wait = { .deaths = deaths, .count = count };
	int result = 0;
	u32 i;

	wait.sleepers = kmalloc_array(count, sizeof(*wait.sleepers), IPCSHM_GFP);
	if (!wait.sleepers)
		return -ENOMEM;
	ipcshm_waiter_init(&wait.waiter);
	for (i = 0; i < count; i++) {
		wait.sleepers[i] = (struct word_sleeper){ .wait = &wait, .offset = word[i].offset };
		RB_CLEAR_NODE(&wait.sleepers[i].node);
	}
	for (i = 0; i < count && !result; i++)
		result = sleeper_begin(words, &wait.sleepers[i], &word[i]);
	if (!result)
		result = wait_sleep(words, &wait, timeout);
	result = wait_end(&wait, result);
	kfree(wait.sleepers);
	return result;
}
