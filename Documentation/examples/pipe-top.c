// SPDX-License-Identifier: GPL-2.0-only
/* pipe-top: of the words that were counted, print the ten most frequent, "COUNT WORD" */
#include "pipe.h"

#define TOP	10

/* Of two words as frequent, the first in the alphabet. */
static int comes_before(const struct word *a, const struct word *b)
{
	return a->count != b->count ? a->count > b->count : strcmp(a->text, b->text) < 0;
}

static void insert_word(struct word *top, struct word new)
{
	for (int i = 0; i < TOP; i++) {
		if (comes_before(&new, &top[i])) {
			struct word old = top[i];

			top[i] = new;
			new = old;
		}
	}
}

int main(void)
{
	const struct word_table *table;
	struct word top[TOP] = { 0 };
	struct pipe pipe;

	pipe_open(&pipe);
	pipe_await(&pipe, &pipe.counts->counted);
	table = &pipe.counts->table[__atomic_load_n(&pipe.counts->done, __ATOMIC_ACQUIRE) % 2];
	for (int i = 0; i < WORD_SLOTS; i++) {
		struct word word = table->slots[i];

		word.text[WORD_LETTERS] = '\0';
		if (word.count)
			insert_word(top, word);
	}
	for (int i = 0; i < TOP && top[i].count; i++)
		printf("%u %s\n", top[i].count, top[i].text);
	fflush(stdout);
	check(ipcshm_event_set(&pipe.area, &pipe.counts->printed), "set", "event");
	return EXIT_SUCCESS;
}
