// SPDX-License-Identifier: GPL-2.0-only
/* pipe-count: count the words in a table that survives the program */
#include "pipe.h"

static void count_words(struct word_table *table, const char *text, uint32_t size)
{
	uint32_t in = 0;

	while (in < size) {
		char word[WORD_LETTERS + 1];
		int letters = 0;

		for (; in < size && text[in] != '\n'; in++)
			if (letters < WORD_LETTERS)
				word[letters++] = text[in];
		word[letters] = '\0';
		if (letters)
			word_add(table, word, 1);
		in++;
	}
}

/* A block counts as a whole when @done is set, not before, and not twice. */
static void count_block(struct pipe_counts *counts, const struct block *block, uint32_t size)
{
	const uint64_t done = __atomic_load_n(&counts->done, __ATOMIC_ACQUIRE);

	if (block->number <= done)
		return;		/* comes again after a death */
	if (block->number != done + 1)
		die("block %llu is missing", (unsigned long long)done + 1);
	counts->table[(done + 1) % 2] = counts->table[done % 2];
	count_words(&counts->table[(done + 1) % 2], block->text, size);
	__atomic_store_n(&counts->done, done + 1, __ATOMIC_RELEASE);
}

int main(void)
{
	struct ipcshm_ring words;
	struct pipe pipe;
	uint32_t size;

	pipe_open(&pipe);
	pipe_attach(&pipe, &words, pipe.words, IPCSHM_RING_CONSUMER);
	do {
		const struct block *block = block_peek(&words);

		size = block_size(block);
		count_block(pipe.counts, block, size);
		if (size)
			check(ipcshm_ring_release(&words), "release in", "ring");
	} while (size);
	check(ipcshm_event_set(&pipe.area, &pipe.counts->counted), "set", "event");
	pipe_await(&pipe, &pipe.counts->printed);
	return EXIT_SUCCESS;
}
