// SPDX-License-Identifier: GPL-2.0-only
/* pipe-read FILE...: put the text of the files, block by block, into the pipeline */
#include <fcntl.h>
#include <unistd.h>

#include "pipe.h"
#include "words.h"

/* Up to a block of text that doesn't end within a word, if the file goes on. */
static uint32_t read_block(int file, char *text, off_t *offset, const char *path)
{
	ssize_t size = pread(file, text, PIPE_BLOCK_SIZE, *offset);
	ssize_t end = size;

	if (size < 0)
		die("read %s: %s", path, strerror(errno));
	if (size == PIPE_BLOCK_SIZE)
		while (end > 0 && is_letter(text[end - 1]))
			end--;
	if (end == 0)
		end = size;	/* nothing but letters */
	*offset += end;
	return (uint32_t)end;
}

int main(int argc, char **argv)
{
	int device = open_device();
	char *blocks = pipe_region(device);
	int free_blocks = pipe_queue(device, PIPE_FREE, IPCSHM_READ);
	int text = pipe_queue(device, PIPE_TEXT, IPCSHM_WRITE);
	struct block block = block_receive(free_blocks, PIPE_FREE);

	for (int i = 1; i < argc; i++) {
		int file = open(argv[i], O_RDONLY);
		off_t offset = 0;

		if (file < 0)
			die("open %s: %s", argv[i], strerror(errno));
		for (;;) {
			block.size = read_block(file, blocks + block.number * PIPE_BLOCK_SIZE,
						&offset, argv[i]);
			if (!block.size)
				break;
			block_send(text, PIPE_TEXT, block);
			block = block_receive(free_blocks, PIPE_FREE);
		}
		close(file);
	}

	/* The last block is an empty one.  When all are back, nothing is on its way. */
	block.size = 0;
	block_send(text, PIPE_TEXT, block);
	for (int i = 0; i < PIPE_BLOCKS; i++)
		block_receive(free_blocks, PIPE_FREE);
	return EXIT_SUCCESS;
}
