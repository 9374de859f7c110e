// SPDX-License-Identifier: GPL-2.0-only
/* pipe-filter LETTERS: keep the words of at least so many letters, in lower case */
#include "pipe.h"
#include "words.h"

/* In place: what is written is never longer than what was read.  The words end up
 * one to a line, the last one with no newline.
 */
static uint32_t filter(char *text, uint32_t size, uint32_t letters)
{
	uint32_t out = 0;	/* end of the words kept */
	uint32_t in = 0;

	while (in < size) {
		uint32_t begin = in;

		while (in < size && is_letter(text[in])) {
			text[in] = (char)(text[in] | 0x20);
			in++;
		}
		if (in > begin && in - begin >= letters) {
			if (out > 0)
				text[out++] = '\n';
			memmove(text + out, text + begin, in - begin);
			out += in - begin;
		}
		in++;
	}
	return out;
}

int main(int argc, char **argv)
{
	uint32_t letters = argc == 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	int device = open_device();
	char *blocks = pipe_region(device);
	int text = pipe_queue(device, PIPE_TEXT, IPCSHM_READ);
	int words = pipe_queue(device, PIPE_WORDS, IPCSHM_WRITE);
	uint32_t size;

	do {
		struct block block = block_receive(text, PIPE_TEXT);

		size = block.size;
		block.size = filter(blocks + block.number * PIPE_BLOCK_SIZE, size, letters);
		/* An empty block means the end: one that has become empty must not. */
		if (size && !block.size)
			blocks[block.number * PIPE_BLOCK_SIZE + block.size++] = '\n';
		block_send(words, PIPE_WORDS, block);
	} while (size);
	return EXIT_SUCCESS;
}
