/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two programs of the service have in common: the queue of requests. */
#ifndef SERVICE_H
#define SERVICE_H

#include "demo.h"

#define SERVICE_QUEUE	"demo-service"

/*
 * A request has no payload but a descriptor, of the file to look at.  This is the
 * reply.
 */
struct findings {
	uint64_t bytes;
	uint64_t words;
};

/* @access: IPCSHM_READ to serve, IPCSHM_WRITE to ask.  Whoever comes first creates it. */
static inline int service_queue(uint32_t access)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 16,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = sizeof(struct findings),
	};

	return check(ipcshm_queue_open(open_device(), SERVICE_QUEUE, access | IPCSHM_CREATE,
				       0600, &attr), "open queue", SERVICE_QUEUE);
}

#endif /* SERVICE_H */
