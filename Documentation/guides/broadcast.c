// SPDX-License-Identifier: GPL-2.0-only
/* Broadcast: one process publishes samples, every subscriber reads all of them from one region. */
#include <errno.h>
#include <inttypes.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS		256	/* a subscriber may lag this far behind */
#define SAMPLES		1000
#define SUBSCRIBERS	3

/* A slot is whole while its number is that of the sample that a subscriber looks for. */
struct slot {
	uint64_t number;
	uint64_t value;
};

struct channel {
	uint64_t published;	/* samples so far; subscribers wait on this word */
	struct slot slot[SLOTS];
};

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "broadcast: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

static void publish(int fd, struct channel *channel, uint64_t number, uint64_t value)
{
	struct slot *slot = &channel->slot[number % SLOTS];

	__atomic_store_n(&slot->number, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&slot->value, value, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->number, number, __ATOMIC_RELEASE);
	__atomic_store_n(&channel->published, number, __ATOMIC_RELEASE);
	check(ipcshm_region_wake(fd, offsetof(struct channel, published), INT32_MAX), "wake");
}

/* Returns 0, or -ESTALE if the publisher has overwritten the sample. */
static int read_sample(const struct channel *channel, uint64_t number, uint64_t *value)
{
	const struct slot *slot = &channel->slot[number % SLOTS];

	if (__atomic_load_n(&slot->number, __ATOMIC_ACQUIRE) != number)
		return -ESTALE;
	*value = __atomic_load_n(&slot->value, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&slot->number, __ATOMIC_RELAXED) == number ? 0 : -ESTALE;
}

/* Returns the number of samples published, once that differs from @known. */
static uint64_t wait_for_sample(int fd, const struct channel *channel,
				const struct ipcshm_member_page *members, uint64_t known)
{
	uint64_t published;
	int ret;

	while ((published = __atomic_load_n(&channel->published, __ATOMIC_ACQUIRE)) == known) {
		ret = ipcshm_region_wait(fd, offsetof(struct channel, published), 8, known,
					 ipcshm_deaths(members), IPCSHM_FOREVER);
		if (ret != -EAGAIN && ret != -EOWNERDEAD && ret != -EINTR)
			check(ret, "wait");
	}
	return published;
}

static int subscribe(int device)
{
	const struct ipcshm_member_page *members;
	uint64_t next = 1, published, value, sum = 0, lost = 0;
	struct channel *channel;
	size_t size;
	void *memory;
	int fd;

	fd = (int)check(ipcshm_region_open(device, "samples", IPCSHM_READ, 0, NULL), "open");
	check(ipcshm_region_map(fd, IPCSHM_READ, &memory, &size), "map");
	check(ipcshm_region_map_members(fd, &members), "map members");
	channel = memory;

	while (next <= SAMPLES) {
		published = wait_for_sample(fd, channel, members, next - 1);
		for (; next <= published; next++) {
			if (!read_sample(channel, next, &value))
				sum += value;
			else
				lost++;
		}
	}
	printf("subscriber %d: %" PRIu64 " samples, %" PRIu64 " lost\n", (int)getpid(),
	       SAMPLES - lost, lost);
	return lost || sum == (uint64_t)SAMPLES * (SAMPLES + 1) / 2 ? 0 : EXIT_FAILURE;
}

int main(void)
{
	struct ipcshm_region_attr attr = { .size = sizeof(struct channel) };
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	int fd = (int)check(ipcshm_region_open(device, "samples", IPCSHM_READ | IPCSHM_WRITE |
					       IPCSHM_CREATE, 0640, &attr), "create");
	int status, failed = 0;
	void *memory;
	size_t size;

	check(ipcshm_region_map(fd, IPCSHM_READ | IPCSHM_WRITE, &memory, &size), "map");
	for (int i = 0; i < SUBSCRIBERS; i++)
		if (check(fork(), "fork") == 0)
			exit(subscribe(device));

	for (uint64_t i = 1; i <= SAMPLES; i++)
		publish(fd, memory, i, i);

	for (int i = 0; i < SUBSCRIBERS; i++)
		failed |= wait(&status) < 0 || status;
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
