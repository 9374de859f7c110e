/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting on words of a region: wait, wake and the end of waits. */
#ifndef IPCSHM_REGION_WAIT_H
#define IPCSHM_REGION_WAIT_H

#include <linux/types.h>

#include "region_word.h"

struct ipcshm_timeout;

/**
 * struct ipcshm_requeue - what becomes of the sleepers of a word
 * @target: offset of the word that sleepers are moved to
 * @wake: the most to wake
 * @move: the most of the others to move
 */
struct ipcshm_requeue {
	u64 target;
	u32 wake;
	u32 move;
};

void ipcshm_words_init(struct ipcshm_words *words, struct address_space *mapping,
		       const struct ipcshm_members *members);
void ipcshm_words_destroy(struct ipcshm_words *words);

int ipcshm_words_wait(struct ipcshm_words *words, const struct ipcshm_word *word, u32 deaths,
		      const struct ipcshm_timeout *timeout);
int ipcshm_words_wait_any(struct ipcshm_words *words, const struct ipcshm_word *word, u32 count,
			  u32 deaths, const struct ipcshm_timeout *timeout);
int ipcshm_words_requeue(struct ipcshm_words *words, const struct ipcshm_word *word,
			 const struct ipcshm_requeue *requeue);
int ipcshm_words_wake_if(struct ipcshm_words *words, u64 offset, u32 count,
			 int (*check)(void *data), void *data);
u32 ipcshm_words_wake(struct ipcshm_words *words, u64 offset, u32 count);
void ipcshm_words_wake_outdated(struct ipcshm_words *words);
void ipcshm_words_shrunk(struct ipcshm_words *words);

#endif /* IPCSHM_REGION_WAIT_H */
