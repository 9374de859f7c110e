/* SPDX-License-Identifier: GPL-2.0-only */
/* Tasks that sleep on words of a region, in the buckets of the words. */
#ifndef IPCSHM_REGION_SLEEPER_H
#define IPCSHM_REGION_SLEEPER_H

#include <linux/atomic.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "region_word.h"
#include "waiter.h"

struct word_sleeper;

/**
 * struct word_wait - a task that sleeps on words
 * @waiter: its result is an error, or the index of the word of the WAKE that completed it
 * @deaths: number of deaths that the task knew when it went to sleep; immutable
 * @count: number of @sleepers; immutable
 * @claimed: 1 once a task has decided to complete @waiter, under the lock of the bucket in
 *	which it found one of @sleepers, or the sleeping task has given up
 * @movable: REQUEUE may move its only sleeper; immutable
 * @sleepers: one for each word
 */
struct word_wait {
	struct ipcshm_waiter waiter;
	u32 deaths;
	u32 count;
	atomic_t claimed;
	bool movable;
	struct word_sleeper *sleepers;
};

/**
 * struct word_sleeper - a word that a task sleeps on
 * @node: in the bucket, or cleared
 * @bucket: that of the word, or NULL if it has never been in one
 * @wait: the wait that it belongs to; immutable
 * @offset: of the word
 * @arrival: its number among those of the bucket
 *
 * The bucket's lock protects the members.  A sleeper is moved under the locks of both buckets,
 * so its own task reads @bucket, and again under the lock of that.
 */
struct word_sleeper {
	struct rb_node node;
	struct ipcshm_bucket *bucket;
	struct word_wait *wait;
	u64 offset;
	u64 arrival;
};

bool ipcshm_word_wait_claim(struct word_wait *wait);
void ipcshm_word_sleeper_add(struct ipcshm_bucket *bucket, struct word_sleeper *sleeper);
struct word_sleeper *ipcshm_word_sleeper_from(struct ipcshm_bucket *bucket, u64 offset,
					      u64 arrival);
void ipcshm_word_sleeper_remove(struct word_sleeper *sleeper);
void ipcshm_word_sleeper_complete(struct ipcshm_bucket *bucket, struct word_sleeper *sleeper,
				  int result, struct ipcshm_wakeups *wakeups);

#endif /* IPCSHM_REGION_SLEEPER_H */
