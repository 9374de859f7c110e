// SPDX-License-Identifier: GPL-2.0-only
/* Dead letters: a job that kills its workers leaves the queue, and is inspected. */
#include <errno.h>
#include <inttypes.h>
#include <ipcshm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS		20
#define POISON		7	/* the job that no worker survives */
#define DELIVERIES	3

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "dead-letters: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

static int submit(int device)
{
	int jobs = (int)check(ipcshm_queue_open(device, "jobs", IPCSHM_WRITE, 0, NULL), "open");

	for (uint32_t job = 0; job < JOBS; job++)
		check(ipcshm_send(jobs, &job, sizeof(job), 0, IPCSHM_FOREVER), "send");
	return EXIT_SUCCESS;
}

static int work(int jobs)
{
	struct ipcshm_message message = { 0 };
	uint32_t job;
	ssize_t size;

	for (;;) {
		message.data = (uintptr_t)&job;
		message.size = sizeof(job);
		size = ipcshm_receive_ack(jobs, &message, 0, IPCSHM_FOREVER);
		if (size == -EPIPE)
			return EXIT_SUCCESS;
		if (size == -EINTR)
			continue;
		check(size, "receive");
		if (job == POISON)
			raise(SIGKILL);
	}
}

/* Keeps one worker until the jobs are done; returns how many were killed. */
static unsigned int supervise(int jobs)
{
	unsigned int killed = 0;
	pid_t worker;
	int status;

	for (;;) {
		worker = (pid_t)check(fork(), "fork");
		if (!worker)
			_exit(work(jobs));
		if (waitpid(worker, &status, 0) != worker || !WIFSIGNALED(status))
			return killed;
		killed++;
	}
}

/* Prints the dead letters, and returns how many there are. */
static unsigned int inspect(int dead)
{
	struct ipcshm_message message;
	unsigned int count = 0;
	uint32_t job;
	ssize_t size;

	for (;; count++) {
		size = ipcshm_receive(dead, &job, sizeof(job), &message, IPCSHM_NOW);
		if (size == -ETIMEDOUT)
			return count;
		check(size, "receive a dead letter");
		printf("job %" PRIu32 " of process %u was delivered %u times\n", job,
		       (unsigned int)message.pid, (unsigned int)message.returns);
	}
}

int main(void)
{
	struct ipcshm_queue_attr dead_attr = {
		.max_messages = 1000,
		.max_message_size = sizeof(uint32_t),
	};
	struct ipcshm_queue_attr attr = {
		.max_messages = 16,
		.max_message_size = sizeof(uint32_t),
		.max_deliveries = DELIVERIES,
	};
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	int dead = (int)check(ipcshm_queue_open(device, "dead", IPCSHM_READ | IPCSHM_WRITE |
						IPCSHM_CREATE | IPCSHM_EXCLUSIVE, 0600, &dead_attr),
			      "create the queue of dead letters");
	struct ipcshm_queue_stat stat;
	unsigned int killed, letters;
	int jobs;

	attr.dead_letter_fd = dead;
	jobs = (int)check(ipcshm_queue_open(device, "jobs", IPCSHM_READ | IPCSHM_CREATE |
					    IPCSHM_EXCLUSIVE | IPCSHM_HANGUP | IPCSHM_DEAD_LETTERS,
					    0600, &attr),
			  "create the queue of jobs");
	if (check(fork(), "fork") == 0)
		_exit(submit(device));

	killed = supervise(jobs);
	letters = inspect(dead);
	check(ipcshm_queue_get_stat(jobs, &stat, sizeof(stat)), "get statistics");
	printf("%" PRIu64 " jobs left the queue, %u of them as dead letters, %u workers killed\n",
	       (uint64_t)stat.received, letters, killed);
	return stat.received == JOBS && letters == 1 && killed == DELIVERIES ? EXIT_SUCCESS :
									      EXIT_FAILURE;
}
