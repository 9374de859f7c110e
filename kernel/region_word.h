/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of a region, and hash buckets of the tasks that wait on them or watch them. */
#ifndef IPCSHM_REGION_WORD_H
#define IPCSHM_REGION_WORD_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct address_space;
struct ipcshm_members;
struct page;

/* Words of a bucket share a lock; waiters on other words are skipped by a tree. */
#define IPCSHM_BUCKET_BITS 7

/* The most sleepers or words that are visited in one critical section. */
#define IPCSHM_WORDS_BATCH 32

/**
 * struct ipcshm_bucket - waits and watches of the words that hash to it
 * @lock: protects the members below
 * @sleepers: struct sleeper, by offset, then by arrival
 * @arrivals: number of sleepers since creation
 * @watched: struct watched_word, by offset
 * @due: words of @watched with watches to notify
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
 * @members: members of the region, whose deaths and revocation end waits; immutable
 * @waiters: number of sleeping tasks
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
 * struct ipcshm_word - a word and its expected value
 * @offset: its offset in the region
 * @expected: the value
 * @size: its size, 4 or 8
 */
struct ipcshm_word {
	u64 offset;
	u64 expected;
	u32 size;
};

bool ipcshm_word_is_valid(const struct ipcshm_word *word);
bool ipcshm_word_is_beyond(const struct ipcshm_words *words, u64 offset);
struct page *ipcshm_word_page_get(const struct ipcshm_words *words,
				  const struct ipcshm_word *word);
bool ipcshm_word_differs(const struct ipcshm_words *words, const struct ipcshm_word *word,
			 struct page *page);
struct ipcshm_bucket *ipcshm_words_bucket(struct ipcshm_words *words, u64 offset);

#endif /* IPCSHM_REGION_WORD_H */
