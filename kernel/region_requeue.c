// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving tasks that sleep on a word of a region to another word.
 *
 * A sleeper is moved under the locks of both buckets, so each waker finds it in one of them.
 * There are at most IPCSHM_WORDS_BATCH moves before the locks are dropped.
 *
 * A walk over all buckets ends the waits after a death, the revocation or a shrink
 * (ipcshm_words_wake_outdated()).  It must not miss a sleeper that moves from a bucket ahead of
 * it into one behind it:
 *
 *	death				requeue
 *	store the count of deaths	lock both buckets
 *	 for each bucket:		 W1: the count is the sleeper's?
 *	  W0: lock			 yes: off one list, onto the other
 *	   end the waits		 unlock
 *	  unlock
 *
 * If W0 on the target comes first, W1 sees the death, and the sleeper stays where the walk comes
 * to it, or has been.  Otherwise W0 on the target finds the sleeper.
 */
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "member.h"
#include "region_sleeper.h"
#include "region_wait.h"

/**
 * struct move - how far the moves of a word's sleepers have come
 * @words: of the region
 * @from: the bucket of the word
 * @to: the bucket of the target; it can be the same
 * @offset: of the word
 * @target: offset of the target
 * @arrival: of the next sleeper to look at
 * @before: later arrivals have compared the word after the caller
 * @left: the most to move from now on
 */
struct move {
	struct ipcshm_words *words;
	struct ipcshm_bucket *from;
	struct ipcshm_bucket *to;
	u64 offset;
	u64 target;
	u64 arrival;
	u64 before;
	u32 left;
};

/* A sleeper whose wait is over stays: its end is on the way to it. */
static bool sleeper_is_movable(const struct move *move, const struct word_sleeper *sleeper)
{
	const struct word_wait *wait = sleeper->wait;

	return wait->movable && !atomic_read(&wait->claimed) &&
	       wait->deaths == ipcshm_members_deaths(move->words->members);
}

static void sleeper_move(struct move *move, struct word_sleeper *sleeper)
{
	rb_erase(&sleeper->node, &move->from->sleepers);
	sleeper->offset = move->target;
	ipcshm_word_sleeper_add(move->to, sleeper);
	move->left--;
}

/* Move up to IPCSHM_WORDS_BATCH sleepers. Return whether there are more. */
static bool move_some(struct move *move)
{
	unsigned int i;

	lockdep_assert_held(&move->from->lock);
	lockdep_assert_held(&move->to->lock);
	if (READ_ONCE(move->words->members->revoked) ||
	    ipcshm_word_is_beyond(move->words, move->target))
		return false;
	for (i = 0; i < IPCSHM_WORDS_BATCH && move->left; i++) {
		struct word_sleeper *sleeper =
			ipcshm_word_sleeper_from(move->from, move->offset, move->arrival);

		if (!sleeper || sleeper->offset != move->offset || sleeper->arrival >= move->before)
			return false;
		move->arrival = sleeper->arrival + 1;
		if (sleeper_is_movable(move, sleeper))
			sleeper_move(move, sleeper);
	}
	return move->left;
}

static void move_all(struct move *move)
{
	struct ipcshm_bucket *first = min(move->from, move->to);
	struct ipcshm_bucket *second = max(move->from, move->to);
	bool more;

	do {
		spin_lock(&first->lock);
		if (first == second) {
			more = move_some(move);
		} else {
			spin_lock_nested(&second->lock, SINGLE_DEPTH_NESTING);
			more = move_some(move);
			spin_unlock(&second->lock);
		}
		spin_unlock(&first->lock);
		cond_resched();
	} while (more);
}

/**
 * struct comparison - the check of a word before its sleepers are woken and moved
 * @move: the moves
 * @word: the word, and its expected value
 * @page: the page of the word
 */
struct comparison {
	struct move *move;
	const struct ipcshm_word *word;
	struct page *page;
};

static int word_compare(void *data)
{
	const struct comparison *comparison = data;
	const struct ipcshm_word *word = comparison->word;
	struct move *move = comparison->move;

	lockdep_assert_held(&move->from->lock);
	move->before = move->from->arrivals;
	if (READ_ONCE(move->words->members->revoked))
		return -EKEYREVOKED;
	if (ipcshm_word_is_beyond(move->words, word->offset) ||
	    ipcshm_word_is_beyond(move->words, move->target))
		return -EINVAL;
	return ipcshm_word_differs(move->words, word, comparison->page) ? -EAGAIN : 0;
}

/**
 * ipcshm_words_requeue - wake sleepers of a word, and move others to another word
 * @words: of the region
 * @word: the word, with the value that it must have; valid
 * @requeue: how many, and where to; its target is another word
 *
 * Tasks that go to sleep on @word after the comparison are neither woken nor moved.  Those that
 * sleep on several words can be woken, but are not moved.  Tasks keep their order, behind those
 * that sleep on the target.
 *
 * Return: the number of tasks woken and moved: the first are woken; -EAGAIN: the word differs;
 * -EKEYREVOKED; -EINVAL: a word is beyond the end; -ENOMEM: for the page; -EIO.
 */
int ipcshm_words_requeue(struct ipcshm_words *words, const struct ipcshm_word *word,
			 const struct ipcshm_requeue *requeue)
{
	struct move move = {
		.words = words,
		.from = ipcshm_words_bucket(words, word->offset),
		.to = ipcshm_words_bucket(words, requeue->target),
		.offset = word->offset,
		.target = requeue->target,
		.left = requeue->move,
	};
	struct comparison comparison = {
		.move = &move, .word = word, .page = ipcshm_word_page_get(words, word),
	};
	int woken;

	if (IS_ERR(comparison.page))
		return READ_ONCE(words->members->revoked) ? -EKEYREVOKED : PTR_ERR(comparison.page);
	woken = ipcshm_words_wake_if(words, word->offset, requeue->wake, word_compare, &comparison);
	put_page(comparison.page);
	if (woken < 0)
		return woken;
	move_all(&move);
	return woken + requeue->move - move.left;
}
