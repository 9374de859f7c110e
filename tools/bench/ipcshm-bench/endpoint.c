// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the ends of a channel meet that each process makes for itself, with libraries
 * whose threads don't survive a fork.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define SCHEME "ipc://"

int bench_endpoint_create(struct bench_channel *channel)
{
	static unsigned int count;

	channel->shared = calloc(1, 64);
	if (!channel->shared)
		return -ENOMEM;
	snprintf(channel->shared, 64, SCHEME "/tmp/ipcshm-bench-%d-%u", (int)getpid(), count++);
	return 0;
}

const char *bench_endpoint(const struct bench_channel *channel)
{
	return channel->shared;
}

void bench_endpoint_destroy(struct bench_channel *channel)
{
	unlink(bench_endpoint(channel) + strlen(SCHEME));
	free(channel->shared);
}

/* Of @size bytes, for one end. */
void *bench_end_alloc(size_t size)
{
	void *end = calloc(1, size);

	if (end)
		return end;
	bench_die("memory for a socket", ENOMEM);
}
