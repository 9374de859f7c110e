/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory whose pages come from a FUSE server, so that a test decides when, and
 * whether, an access to a page returns. The server is a child process that speaks
 * to /dev/fuse itself, with a private mount of one file.
 *
 *	struct fuse_memory memory;
 *
 *	FUSE_MEMORY_OPEN(&memory, 2);
 *	memcpy(memory.content, &args, sizeof(args));	// never blocks
 *	start a peer that calls ioctl(fd, command, memory.map);
 *	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&memory, 0)));
 *	fuse_memory_release(&memory, 0);		// the peer goes on
 *	fuse_memory_close(&memory);
 *
 * Open the memory before the test maps a region: the server is forked and would
 * become a member. It closes the descriptors that it inherits.
 */
#ifndef IPCSHM_FUSE_H
#define IPCSHM_FUSE_H

#include "test.h"

enum fuse_memory_mode {
	FUSE_MEMORY_BLOCKS,	/* a read waits until the mode changes */
	FUSE_MEMORY_RETURNS,	/* a read returns the content, after a delay if one is set */
	FUSE_MEMORY_FAILS,	/* a read fails with EIO: SIGBUS or EFAULT */
};

/**
 * struct fuse_memory_page - a page, as the test and the server share it
 * @mode: enum fuse_memory_mode, set by the test
 * @delay: milliseconds between a read and its reply, set by the test
 * @waiting: reads that have no reply yet, set by the server
 * @reads: reads since the memory was opened, set by the server
 */
struct fuse_memory_page {
	unsigned int mode;
	unsigned int delay;
	unsigned int waiting;
	unsigned int reads;
};

/**
 * struct fuse_memory - the memory, as the test sees it
 * @map: a shared, writable mapping of the file; at first each page blocks
 * @content: the bytes that reads return and write-back changes; an access to them
 *	never blocks
 * @pages: number of pages
 * @page_size: bytes in one
 * @fd: the file, to map it elsewhere
 * @deaf: set before fuse_memory_open(): the server ignores signals of its readers,
 *	which therefore cannot even be killed
 * @server: process ID of the server
 * @page: one for each page
 * @bell: an eventfd: a mode has changed
 * @control: a socket to the server
 */
struct fuse_memory {
	unsigned char *map;
	unsigned char *content;
	size_t pages;
	size_t page_size;
	int fd;
	bool deaf;
	pid_t server;
	struct fuse_memory_page *page;
	int bell;
	int control;
};

/* The test's side. */

int fuse_memory_open(struct fuse_memory *memory, size_t pages);

/* In a test or a FIXTURE_SETUP(). */
#define FUSE_MEMORY_OPEN(memory, pages)					\
	do {								\
		int err_ = fuse_memory_open(memory, pages);		\
									\
		if (err_ == -ENODEV)					\
			SKIP(return, "this kernel has no FUSE");	\
		ASSERT_EQ(0, err_);					\
	} while (0)

unsigned char *fuse_memory_at(struct fuse_memory *memory, size_t page);
bool fuse_memory_is_waiting(struct fuse_memory *memory, size_t page);
unsigned int fuse_memory_reads(struct fuse_memory *memory, size_t page);
void fuse_memory_release(struct fuse_memory *memory, size_t page);
void fuse_memory_fail(struct fuse_memory *memory, size_t page);
void fuse_memory_delay(struct fuse_memory *memory, size_t page, unsigned int ms);
int fuse_memory_block(struct fuse_memory *memory, size_t page);
void fuse_memory_kill(struct fuse_memory *memory);
void fuse_memory_close(struct fuse_memory *memory);

#endif /* IPCSHM_FUSE_H */
