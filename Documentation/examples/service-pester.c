// SPDX-License-Identifier: GPL-2.0-only
/* service-pester
 *
 * Send the service what is no request: payloads of all sizes, no file, two files, files
 * that never end, and messages that no reply is expected to.  Print how many were
 * refused.
 */
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "service.h"

static int call_with(int queue, size_t size, uint32_t files, int file)
{
	static char payload[sizeof(struct findings)];
	int both[2] = { file, file };
	struct findings found = { 0 };
	struct ipcshm_call_args call = {
		.request = {
			.data = (uintptr_t)payload,
			.size = size,
			.fds = (uintptr_t)both,
			.fd_count = files,
		},
		.reply = { .data = (uintptr_t)&found, .size = sizeof(found) },
		.deadline = demo_deadline(),
		.clock = CLOCK_MONOTONIC,
	};

	check(ipcshm_call_transfer(queue, &call, sizeof(call)), "call", SERVICE_QUEUE);
	return found.error == -EBADMSG;
}

/* A file of holes that takes years to read, and a pipe that no process writes to. */
static int call_with_endless_files(int queue)
{
	int holes = memfd_create("holes", MFD_CLOEXEC);
	int ends[2];

	if (holes < 0 || ftruncate(holes, (off_t)1 << 62) || pipe(ends))
		die("no file without an end: %s", strerror(errno));
	return call_with(queue, 0, 1, holes) + call_with(queue, 0, 1, ends[0]);
}

int main(void)
{
	size_t largest, size;
	int queue = service_queue(IPCSHM_WRITE, &largest);
	int refused = 0;

	for (size = 1; size <= sizeof(struct findings); size++) {
		refused += call_with(queue, size, 0, STDIN_FILENO);
		refused += call_with(queue, size, 1, STDIN_FILENO);
		check(ipcshm_send(queue, "no request", size < 10 ? size : 10, 0, demo_deadline()),
		      "send to", SERVICE_QUEUE);
	}
	refused += call_with(queue, 0, 0, STDIN_FILENO);
	refused += call_with(queue, 0, 2, STDIN_FILENO);
	refused += call_with_endless_files(queue);
	printf("%d\n", refused);
	return EXIT_SUCCESS;
}
