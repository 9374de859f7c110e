// SPDX-License-Identifier: GPL-2.0-only
/*
 * The textbook's bounded buffer with a mutex and two conditions, between processes,
 * any of which may die.
 *
 *	producer-consumer [ITEMS]
 *
 * A producer puts the numbers from 1 to ITEMS in, two consumers take them out, and the
 * parent checks the sum.  Without the module it works in plain shared memory, but deaths
 * remain unnoticed.
 */
#include <ipcshm-cond.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"

#define SLOTS	8

struct buffer {
	struct ipcshm_mutex lock;
	struct ipcshm_cond not_full, not_empty;
	uint64_t in, out;	/* how many numbers were ever put in, and taken out */
	uint64_t total, sum;
	uint32_t producer;	/* its token, once there is one */
	uint64_t slots[SLOTS];
};

static struct ipcshm_area area;
static struct buffer *buffer;

/* The buffer is valid even after an owner's death: in and out change last. */
static void locked(int result)
{
	if (result == -EOWNERDEAD)
		result = ipcshm_mutex_consistent(&area, &buffer->lock);
	check(result, "lock", "the buffer");
}

static void wait_for(struct ipcshm_cond *condition, uint32_t deaths)
{
	locked(ipcshm_cond_wait(&area, condition, &buffer->lock, deaths, demo_deadline()));
}

static void produce(uint64_t number)
{
	locked(ipcshm_mutex_lock(&area, &buffer->lock, demo_deadline()));
	while (buffer->in - buffer->out == SLOTS)
		wait_for(&buffer->not_full, ipcshm_area_deaths(&area));
	buffer->slots[buffer->in % SLOTS] = number;
	buffer->in++;
	ipcshm_mutex_unlock(&area, &buffer->lock);
	ipcshm_cond_signal(&area, &buffer->not_empty);
}

/* False if no number will come, as the producer has ended. */
static bool wait_for_number(void)
{
	uint32_t deaths;

	while (buffer->in == buffer->out && buffer->out < buffer->total) {
		deaths = ipcshm_area_deaths(&area);	/* before the check of the producer */
		if (buffer->producer && !ipcshm_area_is_alive(&area, buffer->producer))
			return false;
		wait_for(&buffer->not_empty, deaths);
	}
	return buffer->in != buffer->out;
}

static bool consume(void)
{
	bool more;

	locked(ipcshm_mutex_lock(&area, &buffer->lock, demo_deadline()));
	more = wait_for_number();
	if (more) {
		buffer->sum += buffer->slots[buffer->out % SLOTS];
		buffer->out++;
	}
	ipcshm_mutex_unlock(&area, &buffer->lock);
	if (more)
		ipcshm_cond_signal(&area, &buffer->not_full);
	return more;
}

static void run_producer(void)
{
	uint64_t number;

	buffer->producer = ipcshm_area_token(&area);
	for (number = 1; number <= buffer->total; number++)
		produce(number);
	ipcshm_cond_broadcast(&area, &buffer->not_empty);
}

static void run_consumer(void)
{
	while (consume())
		;
	ipcshm_cond_broadcast(&area, &buffer->not_empty);	/* the other may be asleep */
}

static void set_up_region(int device)
{
	struct ipcshm_region_attr attr = { .size = sizeof(*buffer) };
	const uint32_t flags = IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE;
	int fd = check(ipcshm_region_open(device, NULL, flags, 0600, &attr), "create", "a region");
	void *memory;
	size_t size;

	check(ipcshm_region_map(fd, IPCSHM_READ | IPCSHM_WRITE, &memory, &size), "map", "it");
	check(ipcshm_area_init_region(&area, fd, memory, size), "use", "it");
	buffer = memory;
}

static void set_up_plain(void)
{
	void *memory = mmap(NULL, sizeof(*buffer), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check(memory == MAP_FAILED ? -errno : 0, "map", "shared memory");
	check(ipcshm_area_init_futex(&area, memory, sizeof(*buffer), NULL), "use", "it");
	buffer = memory;
}

static void start(void (*run)(void))
{
	pid_t pid = fork();

	check(pid < 0 ? -errno : 0, "start", "a process");
	if (!pid) {
		run();
		_exit(0);
	}
}

int main(int argc, char **argv)
{
	int device = ipcshm_open(), status;

	if (device >= 0)
		set_up_region(device);
	else
		set_up_plain();
	ipcshm_mutex_init(&buffer->lock);
	ipcshm_cond_init(&buffer->not_full);
	ipcshm_cond_init(&buffer->not_empty);
	buffer->total = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;

	start(run_producer);
	start(run_consumer);
	start(run_consumer);
	while (wait(&status) > 0)
		if (status)
			return EXIT_FAILURE;
	printf("%llu numbers, sum %llu\n", (unsigned long long)buffer->out,
	       (unsigned long long)buffer->sum);
	return buffer->sum == buffer->total * (buffer->total + 1) / 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
