/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting on a word of a region: wait, wake and watch. */
#ifndef IPCSHM_WAIT_H
#define IPCSHM_WAIT_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "uapi/linux/ipcshm.h"

struct address_space;
struct ipcshm_members;
struct ipcshm_timeout;

/* A thousand waiters on other words are hardly felt. */
#define IPCSHM_BUCKET_BITS 7

/**
 * struct ipcshm_bucket - who waits on the words that hash to it
 * @lock: protects all below
 * @sleepers: struct sleeper, first come first
 * @arrivals: how many there ever were
 * @watches: struct ipcshm_watch
 */
struct ipcshm_bucket {
	spinlock_t lock;	/* sleepers, watches */
	struct list_head sleepers;
	u64 arrivals;
	struct list_head watches;
};

/**
 * struct ipcshm_words - who waits on the words of a region
 * @mapping: the region's pages; immutable
 * @members: whose deaths, and whose region's revocation, end waits; immutable
 * @waiters: how many sleep
 * @buckets: by the hash of the offset
 */
struct ipcshm_words {
	struct address_space *mapping;
	const struct ipcshm_members *members;
	atomic_t waiters;
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

/**
 * struct ipcshm_watch - a word that a descriptor polls for
 * @word: which; a size of 0 is none; immutable while it is in a bucket
 * @link: in its bucket, if there is a word; protected by the bucket's lock
 * @woken: there was a WAKE; changed under the bucket's lock
 * @pollers: who is to be told
 */
struct ipcshm_watch {
	struct ipcshm_word word;
	struct list_head link;
	bool woken;
	wait_queue_head_t pollers;
};

bool ipcshm_word_is_valid(const struct ipcshm_word *word);

void ipcshm_words_init(struct ipcshm_words *words, struct address_space *mapping,
		       const struct ipcshm_members *members);

int ipcshm_words_wait(struct ipcshm_words *words, const struct ipcshm_word *word, u32 deaths,
		      const struct ipcshm_timeout *timeout);
u32 ipcshm_words_wake(struct ipcshm_words *words, u64 offset, u32 count);
void ipcshm_words_wake_outdated(struct ipcshm_words *words);
void ipcshm_words_shrunk(struct ipcshm_words *words);

void ipcshm_watch_arm(struct ipcshm_words *words, struct ipcshm_watch *watch);
void ipcshm_watch_disarm(struct ipcshm_words *words, struct ipcshm_watch *watch);
bool ipcshm_watch_is_due(struct ipcshm_words *words, struct ipcshm_watch *watch);

#endif /* IPCSHM_WAIT_H */
