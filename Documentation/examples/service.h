/* SPDX-License-Identifier: GPL-2.0-only */
/* Common code of the service's two programs: the queue of requests. */
#ifndef SERVICE_H
#define SERVICE_H

#include "demo.h"

#define SERVICE_QUEUE	"demo-service"
#define SERVICE_LARGEST	(64 << 20)	/* bytes of a file */

/*
 * A request has no payload but one descriptor, of the regular file to look at.  This is
 * the reply.
 */
struct findings {
	int32_t error; /* 0, or -EBADMSG for what is no request: the rest is 0 then */
	uint32_t reserved;
	uint64_t bytes;
	uint64_t words;
};

/*
 * @access: IPCSHM_READ to serve, IPCSHM_WRITE to ask.  The first process creates the
 * queue, and need not be one of ours: *largest is how large a message can be.
 */
static inline int service_queue(uint32_t access, size_t *largest)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 16,
		.max_bytes = 16 * sizeof(struct findings),
		.max_message_size = sizeof(struct findings),
	};
	int queue = check(ipcshm_queue_open(open_device(), SERVICE_QUEUE, access | IPCSHM_CREATE,
					    0600, &attr), "open queue", SERVICE_QUEUE);

	if (attr.max_message_size < sizeof(struct findings))
		die("queue %s takes at most %llu bytes, too few for a reply", SERVICE_QUEUE,
		    (unsigned long long)attr.max_message_size);
	*largest = attr.max_message_size;
	return queue;
}

#endif /* SERVICE_H */
