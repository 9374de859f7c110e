// SPDX-License-Identifier: GPL-2.0-only
/* service-serve
 *
 * Count the bytes and words of the files that others ask about, until killed.  The
 * files come as descriptors: this program needs neither their names nor the right
 * to open them.  Any number of it can serve the same queue.
 */
#include <ctype.h>
#include <time.h>
#include <unistd.h>

#include "service.h"

/* With pread: the descriptor is of the client's own open file, and so is its position. */
static struct findings look(int file)
{
	struct findings found = { 0 };
	char text[4096];
	ssize_t size, i;
	int within = 0;

	while ((size = pread(file, text, sizeof(text), (off_t)found.bytes)) > 0) {
		for (i = 0; i < size; i++) {
			int space = isspace((unsigned char)text[i]);

			found.words += !space && !within;
			within = !space;
		}
		found.bytes += (uint64_t)size;
	}
	return found;
}

int main(void)
{
	int queue = service_queue(IPCSHM_READ);
	struct ipcshm_call turn = { .deadline = IPCSHM_FOREVER, .clock = CLOCK_MONOTONIC };
	struct findings found;
	int file, result;

	/* Each turn replies to the last request, if there was one, and waits for the next. */
	for (;;) {
		turn.request = (struct ipcshm_message) {
			.fds = (uintptr_t)&file,
			.fd_count = 1,
		};
		result = ipcshm_reply_receive_transfer(queue, &turn, sizeof(turn));
		turn.reply = (struct ipcshm_message) { 0 };
		if (result == -ESRCH)	/* who asked doesn't wait any more */
			continue;
		check(result, "serve", SERVICE_QUEUE);
		if (turn.request.fd_count != 1)
			die("serve %s: a request of %u files", SERVICE_QUEUE,
			    turn.request.fd_count);
		found = look(file);
		close(file);
		turn.reply.data = (uintptr_t)&found;
		turn.reply.size = sizeof(found);
		turn.reply.token = turn.request.token;
	}
}
