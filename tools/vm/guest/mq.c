// SPDX-License-Identifier: GPL-2.0-only
/* usage: mq NAME [MESSAGE]: create a POSIX message queue, send a message, print their number. */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	mqd_t queue = argc > 1 ? mq_open(argv[1], O_CREAT | O_RDWR, 0600, NULL) : -1;
	struct mq_attr attr;

	if (queue < 0) {
		perror("mq_open");
		return 1;
	}
	if (argc > 2 && mq_send(queue, argv[2], strlen(argv[2]), 0)) {
		perror("mq_send");
		return 1;
	}
	if (mq_getattr(queue, &attr)) {
		perror("mq_getattr");
		return 1;
	}
	printf("%ld\n", attr.mq_curmsgs);
	return 0;
}
