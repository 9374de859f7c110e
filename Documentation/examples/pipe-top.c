// SPDX-License-Identifier: GPL-2.0-only
/* pipe-top: of the words that come, print the ten most frequent, "COUNT WORD" */
#include "pipe.h"
#include "words.h"

#define TOP	10

/* Of two words as frequent, the first in the alphabet. */
static int comes_before(const struct word *a, const struct word *b)
{
	return a->count != b->count ? a->count > b->count : strcmp(a->text, b->text) < 0;
}

static void insert(struct word *top, struct word new)
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
	struct ipcshm_queue_attr attr = { .max_message_size = sizeof(struct word) };
	int results = check(ipcshm_queue_open(open_device(), PIPE_RESULTS,
					      IPCSHM_READ | IPCSHM_CREATE, 0600, &attr),
			    "open queue", PIPE_RESULTS);
	struct word top[TOP] = { 0 };
	struct word word;

	while (check(ipcshm_receive(results, &word, sizeof(word), NULL, patience()),
		     "receive from", PIPE_RESULTS) == sizeof(word)) {
		word.text[WORD_LETTERS] = '\0';
		insert(top, word);
	}
	for (int i = 0; i < TOP && top[i].count; i++)
		printf("%u %s\n", top[i].count, top[i].text);
	return EXIT_SUCCESS;
}
