// SPDX-License-Identifier: GPL-2.0-only
/* Job queue: one process submits jobs, whichever worker is free takes the next. */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS	3
#define JOBS	100

struct job {
	uint32_t number;
	uint32_t input;
};

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "job-queue: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

/* Works until the submitter has closed the queue and no job is left. */
static int work(int device)
{
	int queue = (int)check(ipcshm_queue_open(device, "jobs", IPCSHM_READ, 0, NULL), "open");
	unsigned int done = 0;
	struct job job;
	ssize_t size;

	for (;;) {
		size = ipcshm_receive(queue, &job, sizeof(job), NULL, IPCSHM_FOREVER);
		if (size == -EPIPE)
			break;
		if (size == -EINTR)
			continue;
		if (check(size, "receive") == sizeof(job))
			done++;
	}
	printf("worker %d: %u jobs\n", (int)getpid(), done);
	return (int)done;
}

int main(void)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 16,	/* a full queue makes the submitter wait */
		.max_message_size = sizeof(struct job),
	};
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	int queue = (int)check(ipcshm_queue_open(device, "jobs", IPCSHM_WRITE | IPCSHM_CREATE |
						 IPCSHM_EXCLUSIVE | IPCSHM_HANGUP, 0600, &attr),
			       "create");
	int status, done = 0;

	for (int i = 0; i < WORKERS; i++) {
		if (check(fork(), "fork") == 0) {
			close(queue);	/* the submitter alone has the right to send */
			exit(work(device));
		}
	}

	for (uint32_t i = 0; i < JOBS; i++) {
		struct job job = { .number = i, .input = i * i };

		/* Every tenth job is urgent: a higher priority is received first. */
		check(ipcshm_send(queue, &job, sizeof(job), i % 10 == 0, IPCSHM_FOREVER), "send");
	}
	close(queue);			/* no job will follow: the workers finish and exit */

	for (int i = 0; i < WORKERS; i++)
		if (wait(&status) > 0 && WIFEXITED(status))
			done += WEXITSTATUS(status);
	printf("%d jobs done\n", done);
	return done == JOBS ? EXIT_SUCCESS : EXIT_FAILURE;
}
