// SPDX-License-Identifier: GPL-2.0-only
/* At-least-once worker: a job whose worker is killed goes to another worker. */
#include <errno.h>
#include <ipcshm.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS	3
#define JOBS	100

struct job {
	uint32_t number;
	uint32_t input;
};

/* What the jobs compute, in memory that all processes share. */
struct results {
	_Atomic uint64_t square[JOBS];
	_Atomic uint32_t runs;
};

static struct results *results;

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "at-least-once: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

/*
 * A job can run twice, so it must do no harm then: it stores a value instead of adding to one.
 * Some jobs kill their first worker, before or after the work.
 */
static void run_job(const struct job *job, uint32_t returns)
{
	if (job->number % 10 == 3 && !returns)
		raise(SIGKILL);
	results->square[job->number] = (uint64_t)job->input * job->input;
	results->runs++;
	if (job->number % 10 == 7 && !returns)
		raise(SIGKILL);
}

static int work(int queue)
{
	struct ipcshm_message message = { 0 };
	struct job job;
	ssize_t size;

	for (;;) {
		message.data = (uintptr_t)&job;
		message.size = sizeof(job);
		/* Acknowledges the job before, whose ack_id is still there. */
		size = ipcshm_receive_ack(queue, &message, 0, IPCSHM_FOREVER);
		if (size == -EPIPE)
			return EXIT_SUCCESS;
		if (size == -EINTR)
			continue;
		check(size, "receive");
		run_job(&job, message.returns);
	}
}

static int submit(int device)
{
	int queue = (int)check(ipcshm_queue_open(device, "at-least-once", IPCSHM_WRITE, 0, NULL),
			       "open");

	for (uint32_t i = 0; i < JOBS; i++) {
		struct job job = { .number = i, .input = i + 1 };

		check(ipcshm_send(queue, &job, sizeof(job), 0, IPCSHM_FOREVER), "send");
	}
	return EXIT_SUCCESS;
}

static void start_worker(int queue)
{
	if (check(fork(), "fork") == 0)
		_exit(work(queue));
}

/* Replaces killed workers until all children have finished; returns how many were killed. */
static unsigned int supervise(int queue)
{
	unsigned int killed = 0;
	int status;

	while (wait(&status) > 0) {
		if (!WIFSIGNALED(status))
			continue;
		killed++;
		start_worker(queue);
	}
	return killed;
}

int main(void)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 16,
		.max_message_size = sizeof(struct job),
	};
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	int queue = (int)check(ipcshm_queue_open(device, "at-least-once", IPCSHM_READ |
						 IPCSHM_CREATE | IPCSHM_EXCLUSIVE | IPCSHM_HANGUP,
						 0600, &attr),
			       "create");
	unsigned int killed, done = 0;

	results = mmap(NULL, sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (results == MAP_FAILED)
		check(-errno, "map");
	if (check(fork(), "fork") == 0)
		_exit(submit(device));
	for (int i = 0; i < WORKERS; i++)
		start_worker(queue);

	/* The supervisor's own descriptor keeps the queue and its jobs, whatever the workers do. */
	killed = supervise(queue);
	for (uint64_t i = 0; i < JOBS; i++)
		done += results->square[i] == (i + 1) * (i + 1);
	printf("%u jobs done in %u runs, %u workers killed\n", done, (unsigned int)results->runs,
	       killed);
	return done == JOBS && killed == JOBS / 5 ? EXIT_SUCCESS : EXIT_FAILURE;
}
