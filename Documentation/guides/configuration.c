// SPDX-License-Identifier: GPL-2.0-only
/* Configuration: few writers, many readers that see each change as a whole and at once. */
#include <errno.h>
#include <ipcshm-cell.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define VALUES	8
#define TIMEOUT	10000000000ULL	/* nanoseconds */

struct config {
	uint32_t value[VALUES];
};

struct shared {
	unsigned char header[IPCSHM_AREA_HEADER];
	struct ipcshm_cell cell;
	unsigned char values[IPCSHM_CELL_BYTES(sizeof(struct config))];
};

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "configuration: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

static int init_config(const struct ipcshm_area *area, void *data)
{
	struct shared *shared = area->base;

	return ipcshm_cell_init(&shared->cell, sizeof(struct config), data);
}

/* Any process may come first; it sets the defaults. */
static struct ipcshm_cell *open_config(struct ipcshm_area *area, int device)
{
	struct ipcshm_region_attr attr = { .size = sizeof(struct shared) };
	struct config defaults = { .value = { 1, 1, 1, 1, 1, 1, 1, 1 } };
	struct shared *shared;

	check(ipcshm_area_open(area, device, "config", 0, 0640, &attr, init_config, &defaults,
			       ipcshm_deadline(TIMEOUT)), "open");
	shared = area->base;
	return &shared->cell;
}

/* Adds 1 to each value, without losing what other writers change at the same time. */
static void increment_config(const struct ipcshm_area *area, struct ipcshm_cell *cell)
{
	struct config config;
	uint64_t version;
	int ret;

	do {
		check(ipcshm_cell_read(area, cell, &config, sizeof(config), &version), "read");
		for (int i = 0; i < VALUES; i++)
			config.value[i]++;
		ret = ipcshm_cell_replace(area, cell, &config, sizeof(config), version,
					  ipcshm_deadline(TIMEOUT));
	} while (ret == -ESTALE);
	check(ret, "write");
}

static void write_forever(int device)
{
	struct ipcshm_area area;
	struct ipcshm_cell *cell = open_config(&area, device);

	for (;;)
		increment_config(&area, cell);
}

/* Returns the version that was read; checks that it is whole. */
static uint64_t read_config(const struct ipcshm_area *area, struct ipcshm_cell *cell)
{
	struct config config;
	uint64_t version;

	check(ipcshm_cell_read(area, cell, &config, sizeof(config), &version), "read");
	for (int i = 1; i < VALUES; i++) {
		if (config.value[i] != config.value[0])
			check(-EBADMSG, "half a configuration");
	}
	return version;
}

/* An event loop, which other descriptors can be part of. */
static void follow_config(const struct ipcshm_area *area, struct ipcshm_cell *cell, int fd,
			  int loop, int changes)
{
	struct epoll_event event;
	uint64_t version;

	while (changes--) {
		version = read_config(area, cell);
		/* 1: there is another version already. */
		if (check(ipcshm_cell_arm(area, cell, version, fd), "arm"))
			continue;
		if (epoll_wait(loop, &event, 1, (int)(TIMEOUT / 1000000)) != 1)
			check(-ETIMEDOUT, "wait");
	}
}

int main(void)
{
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	struct ipcshm_area area;
	struct ipcshm_cell *cell = open_config(&area, device);
	struct epoll_event event = { .events = EPOLLIN };
	int loop = epoll_create1(0);
	int fd;

	fd = (int)check(ipcshm_region_open(device, "config", IPCSHM_READ, 0, NULL), "open config");
	check(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event), "add");
	for (int i = 0; i < 20; i++) {
		pid_t writer = (pid_t)check(fork(), "fork");

		if (!writer)
			write_forever(device);
		follow_config(&area, cell, fd, loop, 100);
		kill(writer, SIGKILL);	/* at any instant */
		waitpid(writer, NULL, 0);
	}
	increment_config(&area, cell);
	read_config(&area, cell);
	printf("20 writers were killed, every version was whole\n");
	close(fd);
	close(loop);
	ipcshm_area_close(&area);
	return EXIT_SUCCESS;
}
