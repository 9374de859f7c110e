// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waking tasks that sleep on words of a region.
 *
 * Any reader of a region can sleep, so no loop under the lock grows with the number of
 * sleepers.  They are in trees by offset.  Walks of all sleepers drop the lock after
 * IPCSHM_WORDS_BATCH of them, and continue behind the last one.
 */
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "member.h"
#include "region_sleeper.h"
#include "region_wait.h"
#include "region_watch.h"
#include "waiter.h"

/* Completes a batch of waits on a word, of those that arrived before; true if there may be more. */
static bool complete_some(struct ipcshm_bucket *bucket, u64 offset, u64 before, u32 count,
			  struct ipcshm_wakeups *wakeups)
{
	unsigned int i;

	count = min(count, IPCSHM_WAKEUPS_MAX);
	for (i = 0; i < IPCSHM_WORDS_BATCH && wakeups->count < count; i++) {
		struct word_sleeper *sleeper = ipcshm_word_sleeper_from(bucket, offset, 0);

		if (!sleeper || sleeper->offset != offset || sleeper->arrival >= before)
			return false;
		ipcshm_word_sleeper_complete(bucket, sleeper, sleeper - sleeper->wait->sleepers,
					     wakeups);
	}
	return true;
}

/**
 * ipcshm_words_wake_if - wake the sleepers of a word, and notify its watches
 * @words: of the region
 * @offset: of the word
 * @count: the most to wake
 * @check: returns 0 or an error, called first, with the lock of the word's bucket held; or NULL
 * @data: its argument
 *
 * A task that starts a new wait in the meantime is not woken again, so the loop ends.
 *
 * Return: the number of woken tasks, in the order of their arrival; or an error of @check.
 */
int ipcshm_words_wake_if(struct ipcshm_words *words, u64 offset, u32 count,
			 int (*check)(void *data), void *data)
{
	struct ipcshm_bucket *bucket = ipcshm_words_bucket(words, offset);
	struct ipcshm_wakeups wakeups = { .count = 0 };
	bool watched, more;
	u32 woken = 0;
	u64 before;
	int err;

	spin_lock(&bucket->lock);
	err = check ? check(data) : 0;
	if (err) {
		spin_unlock(&bucket->lock);
		return err;
	}
	before = bucket->arrivals;
	watched = ipcshm_watches_wake(bucket, offset);
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
		ipcshm_watches_notify(words, bucket);
	return woken;
}

/* Returns the number of woken tasks. */
u32 ipcshm_words_wake(struct ipcshm_words *words, u64 offset, u32 count)
{
	return ipcshm_words_wake_if(words, offset, count, NULL, NULL);
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

/* End the waits that are over among the next sleepers. Return whether there are more. */
static bool complete_outdated(struct ipcshm_words *words, struct ipcshm_bucket *bucket,
			      struct walk *walk, struct ipcshm_wakeups *wakeups)
{
	u32 deaths = ipcshm_members_deaths(words->members);
	bool revoked = READ_ONCE(words->members->revoked);
	unsigned int i;

	for (i = 0; i < IPCSHM_WORDS_BATCH && wakeups->count < IPCSHM_WAKEUPS_MAX; i++) {
		struct word_sleeper *sleeper =
			ipcshm_word_sleeper_from(bucket, walk->offset, walk->arrival);

		if (!sleeper)
			return false;
		walk->offset = sleeper->offset;
		walk->arrival = sleeper->arrival + 1;
		if (sleeper->arrival >= walk->before)
			*walk = (struct walk){ sleeper->offset + 1, 0, walk->before };
		else if (revoked)
			ipcshm_word_sleeper_complete(bucket, sleeper, -EKEYREVOKED, wakeups);
		else if (sleeper->wait->deaths != deaths)
			ipcshm_word_sleeper_complete(bucket, sleeper, -EOWNERDEAD, wakeups);
		else if (ipcshm_word_is_beyond(words, sleeper->offset))
			ipcshm_word_sleeper_complete(bucket, sleeper, -EINVAL, wakeups);
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

/* The region has shrunk: words are gone that are waited for, or watched. */
void ipcshm_words_shrunk(struct ipcshm_words *words)
{
	ipcshm_watches_shrunk(words);
	ipcshm_words_wake_outdated(words);
}
