/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of a region, and the buckets of those who wait on them or watch them. */
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

/* Waiters on other words share a lock, and are not looked at. */
#define IPCSHM_BUCKET_BITS 7

/* The most sleepers, or words, that are looked at while a lock is held once. */
#define IPCSHM_WORDS_BATCH 32

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

bool ipcshm_word_is_valid(const struct ipcshm_word *word);
bool ipcshm_word_is_beyond(const struct ipcshm_words *words, u64 offset);
struct page *ipcshm_word_page_get(const struct ipcshm_words *words,
				  const struct ipcshm_word *word);
bool ipcshm_word_differs(const struct ipcshm_words *words, const struct ipcshm_word *word,
			 struct page *page);
struct ipcshm_bucket *ipcshm_words_bucket(struct ipcshm_words *words, u64 offset);

#endif /* IPCSHM_REGION_WORD_H */
