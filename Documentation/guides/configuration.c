// SPDX-License-Identifier: GPL-2.0-only
/* Configuration: few writers, many readers that see each change as a whole and at once. */
#include <errno.h>
#include <ipcshm-mutex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define VALUES	8

struct config {
	struct ipcshm_mutex lock;	/* one writer at a time */
	uint32_t version;		/* odd while a writer changes the values */
	uint32_t value[VALUES];
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
	struct config *config = ipcshm_area_at(area, IPCSHM_AREA_HEADER, sizeof(*config), 8);

	(void)data;
	if (!config)
		return -EINVAL;
	ipcshm_mutex_init(&config->lock);
	return 0;
}

static struct config *open_config(struct ipcshm_area *area, int device)
{
	struct ipcshm_region_attr attr = { .size = 4096 };

	check(ipcshm_area_open(area, device, "config", 0, 0640, &attr, init_config, NULL,
			       ipcshm_deadline(10000000000ULL)), "open");
	return ipcshm_area_at(area, IPCSHM_AREA_HEADER, sizeof(struct config), 8);
}

/* Sets every value to @value.  A writer that dies halfway leaves an odd version and the lock. */
static void write_config(const struct ipcshm_area *area, struct config *config, uint32_t value,
			 int die_halfway)
{
	int ret = ipcshm_mutex_lock(area, &config->lock, IPCSHM_FOREVER);
	uint32_t version = __atomic_load_n(&config->version, __ATOMIC_RELAXED);

	if (ret == -EOWNERDEAD)		/* the values may be half written: all are rewritten below */
		ret = ipcshm_mutex_consistent(area, &config->lock);
	check(ret, "lock");

	__atomic_store_n(&config->version, version | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (int i = 0; i < VALUES; i++) {
		if (die_halfway && i == VALUES / 2)
			raise(SIGKILL);
		__atomic_store_n(&config->value[i], value, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&config->version, (version | 1) + 1, __ATOMIC_RELEASE);
	check(ipcshm_area_wake(area, &config->version, INT32_MAX), "wake");
	check(ipcshm_mutex_unlock(area, &config->lock), "unlock");
}

/* Copies the values of one version, not older than @known, and returns that version. */
static uint32_t read_config(const struct ipcshm_area *area, const struct config *config,
			    uint32_t known, uint32_t value[VALUES])
{
	uint32_t before, after, deaths;
	int ret;

	for (;;) {
		deaths = ipcshm_area_deaths(area);
		before = __atomic_load_n(&config->version, __ATOMIC_ACQUIRE);
		if (before == known || before & 1) {
			ret = ipcshm_area_wait(area, &config->version, before, deaths,
					       IPCSHM_FOREVER);
			if (ret != -EAGAIN && ret != -EOWNERDEAD && ret != -EINTR)
				check(ret, "wait");
			continue;
		}
		for (int i = 0; i < VALUES; i++)
			value[i] = __atomic_load_n(&config->value[i], __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&config->version, __ATOMIC_RELAXED);
		if (before == after)
			return before;
	}
}

int main(void)
{
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	struct ipcshm_area area;
	struct config *config = open_config(&area, device);
	uint32_t value[VALUES], version;
	int status;

	write_config(&area, config, 1, 0);
	version = read_config(&area, config, 0, value);

	if (check(fork(), "fork") == 0)
		write_config(&area, config, 2, 1);	/* does not return */
	wait(&status);
	if (check(fork(), "fork") == 0) {
		write_config(&area, config, 3, 0);
		_exit(0);
	}
	read_config(&area, config, version, value);
	wait(&status);
	for (int i = 0; i < VALUES; i++)
		printf("%u%c", value[i], i + 1 < VALUES ? ' ' : '\n');
	return value[0] == 3 && value[VALUES - 1] == 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
