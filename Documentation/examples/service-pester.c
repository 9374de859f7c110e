// SPDX-License-Identifier: GPL-2.0-only
/* service-pester
 *
 * Send the service what is no request: payloads of all sizes, no file, two files, and
 * messages that no reply is expected to.  Print how many were refused.
 */
#include <time.h>
#include <unistd.h>

#include "service.h"

static int call_with(int queue, size_t size, uint32_t files)
{
	static char payload[sizeof(struct findings)];
	int both[2] = { STDIN_FILENO, STDIN_FILENO };
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

int main(void)
{
	size_t largest, size;
	int queue = service_queue(IPCSHM_WRITE, &largest);
	int refused = 0;

	for (size = 1; size <= sizeof(struct findings); size++) {
		refused += call_with(queue, size, 0);
		refused += call_with(queue, size, 1);
		check(ipcshm_send(queue, "no request", size < 10 ? size : 10, 0, demo_deadline()),
		      "send to", SERVICE_QUEUE);
	}
	refused += call_with(queue, 0, 0);
	refused += call_with(queue, 0, 2);
	printf("%d\n", refused);
	return EXIT_SUCCESS;
}
