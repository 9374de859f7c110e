// SPDX-License-Identifier: GPL-2.0-only
/* pipe-read FILE...: put the text of the files, block by block, into the pipeline */
#include <fcntl.h>
#include <unistd.h>

#include "pipe.h"

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

/* The ring, and how far this program and those killed before it have come. */
struct sender {
	struct ipcshm_ring ring;
	struct block *block;
	uint64_t number, sent;
};

/* Of blocks that a predecessor has sent, only the end in the file is of interest. */
static void prepare_block(struct sender *sender)
{
	static struct block ignored;

	sender->number++;
	sender->block = sender->number > sender->sent ? block_reserve(&sender->ring) : &ignored;
	sender->block->number = sender->number;
}

static void send_block(struct sender *sender, uint32_t size)
{
	sender->block->size = size;
	if (sender->number > sender->sent)
		block_commit(&sender->ring);
}

static void send_file(struct sender *sender, const char *path)
{
	int file = open(path, O_RDONLY);
	off_t offset = 0;
	uint32_t size;

	if (file < 0)
		die("open %s: %s", path, strerror(errno));
	while ((size = read_block(file, sender->block->text, &offset, path))) {
		send_block(sender, size);
		prepare_block(sender);
	}
	close(file);
}

int main(int argc, char **argv)
{
	struct ipcshm_ring_status status;
	struct sender sender = { 0 };
	struct pipe pipe;

	pipe_open(&pipe);
	pipe_attach(&pipe, &sender.ring, pipe.text, IPCSHM_RING_PRODUCER);
	check(ipcshm_ring_get_stat(&sender.ring, &status, sizeof(status)), "status of", "ring");
	sender.sent = status.put;
	prepare_block(&sender);
	for (int i = 1; i < argc; i++)
		send_file(&sender, argv[i]);
	send_block(&sender, 0);
	/* The region goes with its last user: stay until all has been counted. */
	pipe_await(&pipe, &pipe.counts->counted);
	return EXIT_SUCCESS;
}
