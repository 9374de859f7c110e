// SPDX-License-Identifier: GPL-2.0-only
/*
 * The textbook's producer and consumer: one process reads lines, another writes them,
 * and between them is a buffer.
 *
 *	buffer bounded <TEXT		a ring: the producer waits while it is full
 *	buffer unbounded <TEXT		chunks: the region grows, no process waits for room;
 *					the consumer begins when all has been read
 */
#include <ipcshm-ring.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"

#define LINE_MAX_BYTES	4000
#define END		""	/* a record of no bytes: there are no more lines */

static const struct ipcshm_ring_attr bounded = {
	.layout = IPCSHM_RING_RECORDS,
	.capacity = 16384,
};

/* In chunks of 16 KiB, up to 64 MiB. */
static const struct ipcshm_ring_attr unbounded = {
	.layout = IPCSHM_RING_CHUNKS,
	.capacity = 64 << 20,
	.item_size = 16384,
};

static void produce(struct ipcshm_ring *ring)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	while ((size = getline(&line, &room, stdin)) > 0) {
		if (size > LINE_MAX_BYTES)
			die("a line is longer than %d bytes", LINE_MAX_BYTES);
		check(ipcshm_ring_put(ring, line, (size_t)size, demo_deadline()), "put into",
		      "buffer");
	}
	check(ipcshm_ring_put(ring, END, 0, demo_deadline()), "put into", "buffer");
	free(line);
}

/* The line isn't copied: it is written from where the producer put it. */
static void consume(struct ipcshm_ring *ring)
{
	const void *line;
	size_t size;

	do {
		size = (size_t)check(ipcshm_ring_peek(ring, &line, demo_deadline()), "peek at",
				     "buffer");
		if (fwrite(line, 1, size, stdout) != size)
			die("can't write");
		check(ipcshm_ring_release(ring), "release", "line");
	} while (size);
	if (fflush(stdout))
		die("can't write");
}

/* A region for it, which has no name: the child inherits it. */
static int make(const struct ipcshm_ring_attr *attr, struct ipcshm_area *area)
{
	struct ipcshm_region_attr region = { .size = 4096 };
	size_t most, size;
	void *base;
	int fd;

	check(ipcshm_ring_size(attr, &most), "make", "buffer");
	region.max_size = most;
	fd = check(ipcshm_region_open(open_device(), NULL, IPCSHM_READ | IPCSHM_WRITE |
				      IPCSHM_CREATE, 0600, &region), "create", "region");
	check(ipcshm_region_map(fd, IPCSHM_READ | IPCSHM_WRITE, &base, &size), "map", "region");
	check(ipcshm_area_init_region(area, fd, base, size), "use", "region");
	check(ipcshm_ring_create(area, 0, attr), "create", "buffer");
	return fd;
}

static struct ipcshm_ring *attach(const struct ipcshm_area *area, uint32_t side)
{
	static struct ipcshm_ring ring;

	check(ipcshm_ring_attach(&ring, area, 0, side), "attach to", "buffer");
	return &ring;
}

int main(int argc, char **argv)
{
	bool grows = argc == 2 && !strcmp(argv[1], "unbounded");
	struct ipcshm_region_stat stat;
	struct ipcshm_area area;
	int status, fd;
	pid_t child;

	if (!grows && (argc != 2 || strcmp(argv[1], "bounded")))
		die("usage: buffer bounded|unbounded <TEXT");
	fd = make(grows ? &unbounded : &bounded, &area);
	child = fork();
	check(child < 0 ? -errno : 0, "start", "producer");
	if (!child) {
		produce(attach(&area, IPCSHM_RING_PRODUCER));
		return EXIT_SUCCESS;
	}
	if (grows && (waitpid(child, &status, 0) != child || status))
		die("the producer failed");
	consume(attach(&area, IPCSHM_RING_CONSUMER));
	if (!grows && (waitpid(child, &status, 0) != child || status))
		die("the producer failed");
	check(ipcshm_region_get_stat(fd, &stat, sizeof(stat)), "look at", "region");
	fprintf(stderr, "the region has %llu bytes\n", (unsigned long long)stat.size);
	return EXIT_SUCCESS;
}
