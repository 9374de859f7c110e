// SPDX-License-Identifier: GPL-2.0-only
/* service-ask FILE...
 *
 * Have the words and bytes of each file counted by a server, and print them as
 * "wc -wc" does.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "service.h"

#define TRIES	3	/* servers that may die over one request */

static int call(int queue, int file, struct findings *found)
{
	struct ipcshm_call_args call = {
		.request = { .fds = (uintptr_t)&file, .fd_count = 1 },
		.reply = { .data = (uintptr_t)found, .size = sizeof(*found) },
		.deadline = demo_deadline(),
		.clock = CLOCK_MONOTONIC,
	};
	int result = ipcshm_call_transfer(queue, &call, sizeof(call));

	return !result && call.reply.size != sizeof(*found) ? -EBADMSG : result;
}

/* -EPIPE is at once: the server died.  Asking another is no harm here. */
static struct findings ask(int queue, const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct findings found;
	int result = -EPIPE;

	if (file < 0)
		die("open %s: %s", path, strerror(errno));
	for (int i = 0; i < TRIES && result == -EPIPE; i++)
		result = call(queue, file, &found);
	check(result ? result : found.error, "ask about", path);
	close(file);
	return found;
}

int main(int argc, char **argv)
{
	size_t largest;
	int queue = service_queue(IPCSHM_WRITE, &largest);

	for (int i = 1; i < argc; i++) {
		struct findings found = ask(queue, argv[i]);

		printf("%llu %llu %s\n", (unsigned long long)found.words,
		       (unsigned long long)found.bytes, argv[i]);
	}
	return EXIT_SUCCESS;
}
