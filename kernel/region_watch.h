/* SPDX-License-Identifier: GPL-2.0-only */
/* Watching words of a region by poll. */
#ifndef IPCSHM_REGION_WATCH_H
#define IPCSHM_REGION_WATCH_H

#include <linux/list.h>
#include <linux/types.h>

#include "pollers.h"
#include "region_word.h"

struct watched_word;
struct work_struct;

/**
 * struct ipcshm_watch - a word that a descriptor polls for
 * @word: the word, of size 0 if there is none; protected by the caller of ipcshm_watch_set()
 * @watched: shared by all watches of the word; protected by the caller, too
 * @link: in @watched; protected by the bucket's lock, as all below
 * @armed: number of WAKEs of the word when the watch was set
 * @notified: number of WAKEs that the pollers have been notified of
 * @pollers: pollers of the descriptor
 *
 * Freed after a grace period of RCU, since pollers are notified without the lock.
 */
struct ipcshm_watch {
	struct ipcshm_word word;
	struct watched_word *watched;
	struct list_head link;
	u64 armed;
	u64 notified;
	struct ipcshm_pollers pollers;
};

void ipcshm_watches_work(struct work_struct *work);
bool ipcshm_watches_wake(struct ipcshm_bucket *bucket, u64 offset);
void ipcshm_watches_notify(struct ipcshm_words *words, struct ipcshm_bucket *bucket);
void ipcshm_watches_shrunk(struct ipcshm_words *words);

int ipcshm_watch_set(struct ipcshm_words *words, struct ipcshm_watch *watch,
		     const struct ipcshm_word *word);
bool ipcshm_watch_is_due(struct ipcshm_words *words, struct ipcshm_watch *watch);

#endif /* IPCSHM_REGION_WATCH_H */
