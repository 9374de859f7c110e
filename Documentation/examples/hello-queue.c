// SPDX-License-Identifier: GPL-2.0-only
/* hello-queue send TEXT, and in another terminal: hello-queue receive */
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "hello-queue: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	/* It keeps no messages: a send returns when a receiver has the message. */
	struct ipcshm_queue_attr attr = { .max_messages = 0, .max_message_size = 4096 };
	uint64_t deadline = ipcshm_deadline(60 * 1000000000ULL);
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	int queue = (int)check(ipcshm_queue_open(device, "hello", IPCSHM_READ | IPCSHM_WRITE |
						 IPCSHM_CREATE, 0600, &attr), "open hello");

	if (argc == 3 && !strcmp(argv[1], "send")) {
		check(ipcshm_send(queue, argv[2], strlen(argv[2]), 0, deadline), "send to hello");
	} else if (argc == 2 && !strcmp(argv[1], "receive")) {
		struct ipcshm_message from;
		char text[4096];
		long size = check(ipcshm_receive(queue, text, sizeof(text), &from, deadline),
				  "receive from hello");

		printf("process %u sent: %.*s\n", from.pid, (int)size, text);
	} else {
		fprintf(stderr, "usage: hello-queue send TEXT | receive\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
