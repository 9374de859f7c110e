// SPDX-License-Identifier: GPL-2.0-only
/* Service: clients call, any of several servers replies; a killed server is noticed at once. */
#include <errno.h>
#include <ipcshm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVERS	2
#define CALLS	1000
#define ROOM	64

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "service: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

/* Replies to each request with its text in capitals. */
static void serve(int device)
{
	int queue = (int)check(ipcshm_queue_open(device, "capitals", IPCSHM_READ, 0, NULL), "open");
	struct ipcshm_message request = { 0 };	/* no request to reply to yet */
	char text[ROOM];
	ssize_t size, answer = 0;

	for (;;) {
		size = ipcshm_reply_receive(queue, text, (size_t)answer, text, sizeof(text), &request,
					    IPCSHM_FOREVER);
		answer = 0;
		if (size == -ESRCH || size == -EINTR)	/* the client has given up; a signal */
			continue;
		for (check(size, "receive"); answer < size; answer++)
			if (text[answer] >= 'a' && text[answer] <= 'z')
				text[answer] = (char)(text[answer] - 'a' + 'A');
	}
}

/* Asks until a server that survives has replied. */
static long ask(int queue, const char *question, char answer[ROOM])
{
	long size;

	do
		size = ipcshm_call(queue, question, strlen(question), answer, ROOM,
				   ipcshm_deadline(10000000000ULL));
	while (size == -EPIPE || size == -EINTR);	/* the server died: ask the others */
	return size;
}

int main(void)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 16,
		.max_message_size = ROOM,
	};
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	int queue = (int)check(ipcshm_queue_open(device, "capitals", IPCSHM_WRITE | IPCSHM_CREATE |
						 IPCSHM_EXCLUSIVE, 0600, &attr), "create");
	pid_t server[SERVERS];
	char answer[ROOM];
	int good = 0;

	for (int i = 0; i < SERVERS; i++) {
		server[i] = (pid_t)check(fork(), "fork");
		if (!server[i])
			serve(device);
	}
	for (int i = 0; i < CALLS; i++) {
		if (i == CALLS / 2)
			kill(server[0], SIGKILL);
		good += check(ask(queue, "ping", answer), "call") == 4 && !memcmp(answer, "PING", 4);
	}
	printf("%d of %d calls answered, one server killed\n", good, CALLS);
	for (int i = 0; i < SERVERS; i++) {
		kill(server[i], SIGKILL);
		waitpid(server[i], NULL, 0);
	}
	return good == CALLS ? EXIT_SUCCESS : EXIT_FAILURE;
}
