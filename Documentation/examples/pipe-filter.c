// SPDX-License-Identifier: GPL-2.0-only
/* pipe-filter LETTERS: keep the words of at least so many letters, in lower case */
#include "pipe.h"

/* The words end up one to a line, the last one with no newline: never more than there was. */
static uint32_t filter(char *out, const char *in, uint32_t size, uint32_t letters)
{
	uint32_t end = 0;	/* of the words kept */
	uint32_t i = 0;

	while (i < size) {
		uint32_t begin = end + (end > 0);
		uint32_t length = 0;

		for (; i < size && is_letter(in[i]); i++, length++)
			out[begin + length] = (char)(in[i] | 0x20);
		if (length && length >= letters) {
			if (end > 0)
				out[end] = '\n';
			end = begin + length;
		}
		i++;
	}
	return end;
}

int main(int argc, char **argv)
{
	uint32_t letters = argc == 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	struct ipcshm_ring text, words;
	struct pipe pipe;
	uint32_t size;

	pipe_open(&pipe);
	pipe_attach(&pipe, &text, pipe.text, IPCSHM_RING_CONSUMER);
	pipe_attach(&pipe, &words, pipe.words, IPCSHM_RING_PRODUCER);
	do {
		const struct block *in = block_peek(&text);
		struct block *out = block_reserve(&words);

		size = block_size(in);
		out->number = in->number;
		out->size = filter(out->text, in->text, size, letters);
		/* An empty block means the end: one that has become empty must not. */
		if (size && !out->size)
			out->text[out->size++] = '\n';
		block_commit(&words);
		if (size)
			check(ipcshm_ring_release(&text), "release in", "ring");
	} while (size);
	pipe_await(&pipe, &pipe.counts->counted);
	return EXIT_SUCCESS;
}
