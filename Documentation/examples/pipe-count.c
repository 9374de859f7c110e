// SPDX-License-Identifier: GPL-2.0-only
/* pipe-count: count the words, then send each with its count to who wants results */
#include "pipe.h"
#include "words.h"

static struct word_table table;

static void count(const char *text, uint32_t size)
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
			word_add(&table, word, 1);
		in++;
	}
}

/* With no room for messages, each send waits until pipe-top has the message. */
static void send_results(int device)
{
	struct ipcshm_queue_attr attr = { .max_message_size = sizeof(struct word) };
	int results = check(ipcshm_queue_open(device, PIPE_RESULTS, IPCSHM_WRITE | IPCSHM_CREATE,
					      0600, &attr), "open queue", PIPE_RESULTS);

	for (int i = 0; i < WORD_SLOTS; i++)
		if (table.slots[i].count)
			check(ipcshm_send(results, &table.slots[i], sizeof(struct word), 0,
					  patience()), "send to", PIPE_RESULTS);
	check(ipcshm_send(results, NULL, 0, 0, patience()), "send to", PIPE_RESULTS);
}

int main(void)
{
	int device = open_device();
	char *blocks = pipe_region(device);
	int words = pipe_queue(device, PIPE_WORDS, IPCSHM_READ);
	int free_blocks = pipe_queue(device, PIPE_FREE, IPCSHM_WRITE);
	struct block block;

	/* Blocks come from here, so there is no text before there is a reader for it. */
	for (block.number = 0; block.number < PIPE_BLOCKS; block.number++) {
		block.size = 0;
		block_send(free_blocks, PIPE_FREE, block);
	}
	do {
		block = block_receive(words, PIPE_WORDS);
		count(blocks + block.number * PIPE_BLOCK_SIZE, block.size);
		block_send(free_blocks, PIPE_FREE, block);
	} while (block.size);
	send_results(device);
	return EXIT_SUCCESS;
}
