// SPDX-License-Identifier: GPL-2.0-only
/* Pipeline: three processes, two rings; each stage works on an item where it lies. */
#include <errno.h>
#include <inttypes.h>
#include <ipcshm-ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITEMS	10000

struct item {
	uint64_t number;
	uint64_t square;
};

static const struct ipcshm_ring_attr ring_attr = {
	.layout = IPCSHM_RING_SLOTS,
	.flags = IPCSHM_RING_HANGUP,	/* a stage ends when the stage before it has ended */
	.capacity = 64,
	.item_size = sizeof(struct item),
};

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "pipeline: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

/* Makes the numbers, in the memory of the first ring. */
static void produce(struct ipcshm_ring *out)
{
	for (uint64_t i = 1; i <= ITEMS; i++) {
		void *room;

		check(ipcshm_ring_reserve(out, sizeof(struct item), &room, IPCSHM_FOREVER),
		      "reserve");
		*(struct item *)room = (struct item) { .number = i };
		check(ipcshm_ring_commit(out, sizeof(struct item)), "commit");
	}
}

/* Squares them, from the first ring to the second. */
static void transform(struct ipcshm_ring *in, struct ipcshm_ring *out)
{
	const void *item;
	void *room;
	long ret;

	while ((ret = ipcshm_ring_peek(in, &item, IPCSHM_FOREVER)) != -EPIPE) {
		struct item copy = *(const struct item *)item;

		check(ret, "peek");
		copy.square = copy.number * copy.number;
		check(ipcshm_ring_reserve(out, sizeof(copy), &room, IPCSHM_FOREVER), "reserve");
		*(struct item *)room = copy;
		check(ipcshm_ring_commit(out, sizeof(copy)), "commit");
		check(ipcshm_ring_release(in), "release");
	}
}

/* Adds them up. */
static uint64_t sum_up(struct ipcshm_ring *in)
{
	struct item item;
	uint64_t sum = 0;
	long ret;

	while ((ret = ipcshm_ring_get(in, &item, sizeof(item), IPCSHM_FOREVER)) != -EPIPE) {
		check(ret, "get");
		sum += item.square;
	}
	return sum;
}

int main(void)
{
	struct ipcshm_ring in, out;
	struct ipcshm_region_attr attr;
	struct ipcshm_area area;
	size_t room, size;
	uint64_t second, sum;
	void *base;
	int device, fd;

	check(ipcshm_ring_size(&ring_attr, &room), "size");
	second = (room + 127) / 128 * 128;	/* a ring begins at a multiple of 128 */
	attr = (struct ipcshm_region_attr) { .size = second + room };

	/* A region without a name: the children inherit it. */
	device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	fd = (int)check(ipcshm_region_open(device, NULL, IPCSHM_READ | IPCSHM_WRITE |
					   IPCSHM_CREATE, 0600, &attr), "create");
	check(ipcshm_region_map(fd, IPCSHM_READ | IPCSHM_WRITE, &base, &size), "map");
	check(ipcshm_area_init_region(&area, fd, base, size), "use");
	check(ipcshm_ring_create(&area, 0, &ring_attr), "create");
	check(ipcshm_ring_create(&area, second, &ring_attr), "create");

	if (check(fork(), "fork") == 0) {
		check(ipcshm_ring_attach(&out, &area, 0, IPCSHM_RING_PRODUCER), "attach");
		produce(&out);
		ipcshm_ring_detach(&out);
		_exit(EXIT_SUCCESS);
	}
	if (check(fork(), "fork") == 0) {
		check(ipcshm_ring_attach(&in, &area, 0, IPCSHM_RING_CONSUMER), "attach");
		check(ipcshm_ring_attach(&out, &area, second, IPCSHM_RING_PRODUCER), "attach");
		transform(&in, &out);
		ipcshm_ring_detach(&out);
		ipcshm_ring_detach(&in);
		_exit(EXIT_SUCCESS);
	}
	check(ipcshm_ring_attach(&in, &area, second, IPCSHM_RING_CONSUMER), "attach");
	sum = sum_up(&in);
	ipcshm_ring_detach(&in);
	wait(NULL);
	wait(NULL);
	printf("the sum of the first %d squares: %" PRIu64 "\n", ITEMS, sum);
	return sum == (uint64_t)ITEMS * (ITEMS + 1) * (2 * ITEMS + 1) / 6 ? EXIT_SUCCESS :
	       EXIT_FAILURE;
}
