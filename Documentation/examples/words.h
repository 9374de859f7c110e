/* SPDX-License-Identifier: GPL-2.0-only */
/* A table of words and how often each was seen: open addressing, no pointers,
 * all zero when empty.  So it can lie in a region, where every process has it at
 * another address and new memory reads as zeroes.
 */
#ifndef WORDS_H
#define WORDS_H

#include "demo.h"

#define WORD_LETTERS	27	/* further letters of a word don't count */
#define WORD_SLOTS	32768

struct word {
	char text[WORD_LETTERS + 1];
	uint32_t count;
};

struct word_table {
	struct word slots[WORD_SLOTS];
};

/* The same letters in every locale, as those of tr A-Za-z. */
static inline int is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline void word_add(struct word_table *table, const char *text, uint32_t count)
{
	uint32_t hash = 2166136261;

	for (const char *c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619;

	for (uint32_t i = 0; i < WORD_SLOTS; i++) {
		struct word *word = &table->slots[(hash + i) % WORD_SLOTS];

		if (!word->count)
			strcpy(word->text, text);
		else if (strcmp(word->text, text))
			continue;
		word->count += count;
		return;
	}
	die("more than %d different words", WORD_SLOTS);
}

static inline void word_table_add(struct word_table *sum, const struct word_table *table)
{
	for (const struct word *word = table->slots; word < table->slots + WORD_SLOTS; word++)
		if (word->count)
			word_add(sum, word->text, word->count);
}

static inline void word_table_print(const struct word_table *table)
{
	for (const struct word *word = table->slots; word < table->slots + WORD_SLOTS; word++)
		if (word->count)
			printf("%u %s\n", word->count, word->text);
}

#endif /* WORDS_H */
