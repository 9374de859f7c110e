/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting on words of a region: wait, wake and watch. */
#ifndef IPCSHM_REGION_WAIT_H
#define IPCSHM_REGION_WAIT_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "pollers.h"
#include "uapi/linux/ipcshm.h"

struct address_space;
struct ipcshm_members;
struct ipcshm_timeout;

/* Waiters on other words share a lock, and are not looked at. */
#define IPCSHM_BUCKET_BITS 7

/**
 * struct ipcshm_bucket - waits and watches of the words that hash to it
 * @lock: protects all below
 * @sleepers: struct sleeper, by offset, then by arrival
 * @arrivals: how many sleepers there ever were
 * @watched: struct watched_word, by offset
 * @due: those of @watched that have watches to be notified
 */
struct ipcshm_bucket {
	spinlock_t lock;	/* sleepers, watches */
	struct rb_root sleepers;
	u64 arrivals;
	struct rb_root watched;
	struct list_head due;
};

/**
 * struct ipcshm_words - waits and watches of a region's words
 * @mapping: the region's pages; immutable
 * @members: whose deaths, and whose region's revocation, end waits; immutable
 * @waiters: how many tasks sleep
 * @work: notifies the watches that a WAKE leaves over
 * @buckets: by the hash of the offset
 */
struct ipcshm_words {
	struct address_space *mapping;
	const struct ipcshm_members *members;
	atomic_t waiters;
	struct work_struct work;
	struct ipcshm_bucket buckets[1 << IPCSHM_BUCKET_BITS];
};

/**
 * struct ipcshm_word - a word, and the value that is waited on
 * @offset: where it is
 * @expected: the value
 * @size: 4 or 8 bytes
 */
struct ipcshm_word {
	u64 offset;
	u64 expected;
	u32 size;
};

struct watched_word;

/**
 * struct ipcshm_watch - a word that a descriptor polls for
 * @word: which; a size of 0 is none; protected by the caller of ipcshm_watch_set()
 * @watched: shared by all watches of the word; protected by the caller, too
 * @link: in @watched; protected by the bucket's lock, as all below
 * @armed: the count of WAKEs when the watch was set
 * @told: the count of WAKEs that the pollers have been notified of
 * @pollers: of the descriptor
 *
 * To be freed after a grace period of RCU: pollers are notified without the lock.
 */
struct ipcshm_watch {
	struct ipcshm_word word;
	struct watched_word *watched;
	struct list_head link;
	u64 armed;
	u64 told;
	struct ipcshm_pollers pollers;
};

bool ipcshm_word_is_valid(const struct ipcshm_word *word);

void ipcshm_words_init(struct ipcshm_words *words, struct address_space *mapping,
		       const struct ipcshm_members *members);
void ipcshm_words_destroy(struct ipcshm_words *words);

int ipcshm_words_wait(struct ipcshm_words *words, const struct ipcshm_word *word, u32 deaths,
		      const struct ipcshm_timeout *timeout);
int ipcshm_words_wait_any(struct ipcshm_words *words, const struct ipcshm_word *word, u32 count,
			  u32 deaths, const struct ipcshm_timeout *timeout);
u32 ipcshm_words_wake(struct ipcshm_words *words, u64 offset, u32 count);
void ipcshm_words_wake_outdated(struct ipcshm_words *words);
void ipcshm_words_shrunk(struct ipcshm_words *words);

int ipcshm_watch_set(struct ipcshm_words *words, struct ipcshm_watch *watch,
		     const struct ipcshm_word *word);
bool ipcshm_watch_is_due(struct ipcshm_words *words, struct ipcshm_watch *watch);

#endif /* IPCSHM_REGION_WAIT_H */
