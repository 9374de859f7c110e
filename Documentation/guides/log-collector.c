// SPDX-License-Identifier: GPL-2.0-only
/* Log collector: programs log without ever waiting, one collector writes the lines. */
#include <errno.h>
#include <inttypes.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOGGERS	3
#define LINES	100
#define BATCH	32
#define ROOM	256

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "log-collector: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

static int log_lines(int device)
{
	int queue = (int)check(ipcshm_queue_open(device, "log", IPCSHM_WRITE, 0, NULL), "open");
	char line[ROOM];

	for (int i = 0; i < LINES; i++) {
		int size = snprintf(line, sizeof(line), "line %d", i);

		/* Never blocks: a full queue drops its oldest line. */
		check(ipcshm_send(queue, line, (size_t)size, 0, IPCSHM_FOREVER), "send");
	}
	return EXIT_SUCCESS;
}

/* Writes lines until all loggers have closed the queue, and returns how many. */
static uint64_t collect(int queue, FILE *out)
{
	static char text[BATCH][ROOM];
	uint64_t lines = 0;
	int count;

	for (;;) {
		struct ipcshm_message message[BATCH] = { 0 };

		for (int i = 0; i < BATCH; i++) {
			message[i].data = (uintptr_t)text[i];
			message[i].size = ROOM;
		}
		count = ipcshm_receive_batch(queue, message, BATCH, 0, IPCSHM_FOREVER);
		if (count == -EPIPE)
			return lines;
		if (count == -EINTR)
			continue;
		check(count, "receive");
		for (int i = 0; i < count; i++)	/* the kernel vouches for the process and the time */
			fprintf(out, "%" PRIu64 " [%u] %.*s\n", (uint64_t)message[i].time,
				(unsigned int)message[i].pid, (int)message[i].size, text[i]);
		lines += (uint64_t)count;
	}
}

int main(void)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 64,
		.max_message_size = ROOM,
		.overflow = IPCSHM_OVERFLOW_DROP_OLDEST,
	};
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	int queue = (int)check(ipcshm_queue_open(device, "log", IPCSHM_READ | IPCSHM_CREATE |
						 IPCSHM_EXCLUSIVE | IPCSHM_HANGUP, 0620, &attr),
			       "create");
	struct ipcshm_queue_stat stat;
	uint64_t lines;

	for (int i = 0; i < LOGGERS; i++)
		if (check(fork(), "fork") == 0)
			_exit(log_lines(device));

	lines = collect(queue, stdout);
	check(ipcshm_queue_get_stat(queue, &stat, sizeof(stat)), "get statistics");
	printf("%" PRIu64 " lines, %" PRIu64 " dropped\n", lines, (uint64_t)stat.dropped);
	return lines + stat.dropped == LOGGERS * LINES ? EXIT_SUCCESS : EXIT_FAILURE;
}
