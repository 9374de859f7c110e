// SPDX-License-Identifier: GPL-2.0-only
/* service-serve
 *
 * Count the bytes and words of the files that others ask about, until killed.  The
 * files come as descriptors: this program needs neither their names nor the right
 * to open them.  Any number of it can serve the same queue.
 */
#include <ctype.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "service.h"

/* The client chooses the file: one of holes can be nearly endless, and a pipe is. */
static bool is_countable(int file)
{
	struct stat stat;

	return !fstat(file, &stat) && S_ISREG(stat.st_mode) && stat.st_size <= SERVICE_LARGEST;
}

/*
 * With pread: the descriptor is of the client's own open file, and so is its position.
 * The file can grow at the same time.
 */
static struct findings look(int file)
{
	struct findings found = { 0 };
	char text[4096];
	ssize_t size, i;
	int within = 0;

	while (found.bytes < SERVICE_LARGEST &&
	       (size = pread(file, text, sizeof(text), (off_t)found.bytes)) > 0) {
		for (i = 0; i < size; i++) {
			int space = isspace((unsigned char)text[i]);

			found.words += !space && !within;
			within = !space;
		}
		found.bytes += (uint64_t)size;
	}
	return found;
}

/* Whatever the request is, it gets a reply. */
static struct findings serve(const struct ipcshm_message *request, int file)
{
	struct findings found = { .error = -EBADMSG };

	if (request->fd_count == 1 && !request->size && is_countable(file))
		found = look(file);
	if (request->fd_count)
		close(file);
	return found;
}

/* Whether serving goes on after an error, which is at most about one request. */
static bool goes_on(int result)
{
	const struct timespec moment = { .tv_nsec = 10000000 };

	switch (result) {
	case -ESRCH:	/* the caller has given up: its reply is dropped */
	case -EINTR:
		return true;
	case -ENOMEM:	/* neither replied nor received: the next turn tries both again */
	case -EDQUOT:
	case -EMFILE:
	case -ENFILE:
		nanosleep(&moment, NULL);
		return true;
	default:
		return false;
	}
}

int main(void)
{
	struct ipcshm_call_args turn = { .deadline = IPCSHM_FOREVER, .clock = CLOCK_MONOTONIC };
	struct findings found;
	int file, result;
	size_t largest;
	int queue = service_queue(IPCSHM_READ, &largest);
	void *payload = malloc(largest);	/* no request is too large for us */

	if (!payload)
		die("no memory for requests of %zu bytes", largest);
	/* Each turn replies to the last request, if there was one, and waits for the next. */
	for (;;) {
		turn.request = (struct ipcshm_message) {
			.data = (uintptr_t)payload,
			.size = largest,
			.fds = (uintptr_t)&file,
			.fd_count = 1,
		};
		result = ipcshm_reply_receive_transfer(queue, &turn, sizeof(turn));
		if (goes_on(result)) {
			if (result == -ESRCH)
				turn.reply.request_id = 0;
			continue;
		}
		check(result, "serve", SERVICE_QUEUE);
		found = serve(&turn.request, file);
		turn.reply = (struct ipcshm_message) {
			.data = (uintptr_t)&found,
			.size = sizeof(found),
			.request_id = turn.request.request_id,
		};
	}
}
