// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The session of "ipcshm run --auto-remove": memory may be without a user for a while, and goes
 * with the last process of the session.
 *
 * The session is a queue without a name, whose descriptor every process inherits. A message in it
 * holds a descriptor of each region, and has the region's number as its type. So the kernel knows
 * how long a region lasts, and no process has to be there in the end. A process that has closed the
 * descriptor does not belong to the session any longer.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "compat.h"

static int session = -1;
static uint64_t session_id;

__attribute__((constructor)) static void read_session(void)
{
	const char *value = secure_getenv("IPCSHM_SESSION");

	if (!value || sscanf(value, "%d:%" SCNu64, &session, &session_id) != 2)
		session = -1;
}

/* The program may have closed the descriptor, and opened another one with its number. */
bool compat_has_session(void)
{
	struct ipcshm_queue_stat stat;

	return session >= 0 && !compat_queue_stat(session, &stat) && stat.stat.id == session_id;
}

void compat_session_keep(int fd, uint64_t id)
{
	struct ipcshm_message message = {
		.type = id,
		.fds = (uintptr_t)&fd,
		.fd_count = 1,
	};

	if (compat_has_session())
		ipcshm_send_message(session, &message, IPCSHM_NOW);
}

void compat_session_drop(uint64_t id)
{
	int fd = -1;
	struct ipcshm_message message = {
		.type = id,
		.flags = IPCSHM_TYPE_EQUAL,
		.fds = (uintptr_t)&fd,
		.fd_count = 1,
	};

	if (ipcshm_receive_message(session, &message, IPCSHM_NOW) >= 0 && message.fd_count)
		compat_close(fd);
}
