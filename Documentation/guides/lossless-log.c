// SPDX-License-Identifier: GPL-2.0-only
/* Log collector that loses nothing: killed at any moment, it leaves every line in the file. */
#include <errno.h>
#include <ipcshm.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOGGERS	3
#define LINES	1000
#define BATCH	64
#define ROOM	64
#define CRASH	7	/* batches that a collector survives in this program */

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "lossless-log: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

static int log_lines(int device, int logger)
{
	int queue = (int)check(ipcshm_queue_open(device, "lossless-log", IPCSHM_WRITE, 0, NULL),
			       "open");
	char line[ROOM];

	for (int i = 0; i < LINES; i++) {
		int size = snprintf(line, sizeof(line), "%d %d\n", logger, i);

		/* Waits while the queue is full: no line is dropped. */
		check(ipcshm_send(queue, line, (size_t)size, 0, IPCSHM_FOREVER), "send");
	}
	return EXIT_SUCCESS;
}

/* Cuts off what a killed collector wrote after the last whole line: that line comes back. */
static void repair(FILE *out)
{
	long whole = 0;
	int byte;

	rewind(out);
	while ((byte = getc(out)) != EOF)
		if (byte == '\n')
			whole = ftell(out);
	if (ftruncate(fileno(out), whole) || fseek(out, 0, SEEK_END))
		check(-errno, "repair the file");
}

/* The lines are in the file before the next receive acknowledges them. */
static void write_lines(FILE *out, const struct ipcshm_message *message, int count)
{
	for (int i = 0; i < count; i++)
		fwrite((const char *)(uintptr_t)message[i].data, 1, (size_t)message[i].size, out);
	if (fflush(out))
		check(-errno, "write");
}

static int collect(int queue, FILE *out)
{
	static struct ipcshm_message message[BATCH];
	static char text[BATCH][ROOM];
	unsigned int batches = 0;
	int count;

	repair(out);
	for (;;) {
		for (int i = 0; i < BATCH; i++) {
			message[i].data = (uintptr_t)text[i];
			message[i].size = ROOM;
		}
		/* Acknowledges the batch before. */
		count = ipcshm_receive_batch_ack(queue, message, BATCH, 0, 0, IPCSHM_FOREVER);
		if (count == -EPIPE)
			return EXIT_SUCCESS;
		if (count == -EINTR)
			continue;
		check(count, "receive");
		if (++batches == CRASH) {
			message[count / 2].size /= 2;
			write_lines(out, message, count / 2 + 1);
			raise(SIGKILL);
		}
		write_lines(out, message, count);
	}
}

/* Keeps one collector until the loggers have gone; returns how many were killed. */
static unsigned int supervise(int queue, FILE *out)
{
	unsigned int killed = 0;
	pid_t collector;
	int status;

	for (;;) {
		collector = (pid_t)check(fork(), "fork");
		if (!collector)
			_exit(collect(queue, out));
		if (waitpid(collector, &status, 0) != collector || !WIFSIGNALED(status))
			return killed;
		killed++;
	}
}

/* Counts different lines: one that was written twice counts once. */
static unsigned int count_lines(FILE *out)
{
	static bool found[LOGGERS][LINES];
	unsigned int count = 0;
	int logger, line;

	rewind(out);
	while (fscanf(out, "%d %d\n", &logger, &line) == 2) {
		if (logger < 0 || logger >= LOGGERS || line < 0 || line >= LINES)
			return 0;
		count += !found[logger][line];
		found[logger][line] = true;
	}
	return feof(out) ? count : 0;
}

int main(void)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 256,
		.max_message_size = ROOM,
	};
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	int queue = (int)check(ipcshm_queue_open(device, "lossless-log", IPCSHM_READ |
						 IPCSHM_CREATE | IPCSHM_EXCLUSIVE | IPCSHM_HANGUP,
						 0620, &attr),
			       "create");
	FILE *out = tmpfile();
	unsigned int lines, killed;

	if (!out)
		check(-errno, "create a file");
	for (int i = 0; i < LOGGERS; i++)
		if (check(fork(), "fork") == 0)
			_exit(log_lines(device, i));

	killed = supervise(queue, out);
	lines = count_lines(out);
	printf("%u lines, %u collectors killed\n", lines, killed);
	return lines == LOGGERS * LINES && killed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
