/* SPDX-License-Identifier: GPL-2.0-only */
/* Callers and servers at a queue. */
#ifndef IPCSHM_CALL_H
#define IPCSHM_CALL_H

#include "queue.h"
#include "test.h"

#define KEPT		4	/* messages that the queue keeps */
#define SERVERS		4
#define CALLERS		4
#define CALLS		many(20000, 500)	/* of each caller in a crowd */
#define RACES		many(200, 30)
#define ABANDONED	many(2000, 200)
#define TAKE_BACK	5	/* a server adds this to a value */

/* Callers. */

long call_value(int fd, __u64 *value, __u64 deadline);
void call_role(struct peer *peer);
struct peer *start_caller(struct test_queue *queue, struct peer how);

/* Servers. */

__u64 take_request(int fd, __u64 *value);
int reply_value(int fd, __u64 token, __u64 value);
int serve_requests(int fd);
void serve_role(struct peer *peer);
struct peer *start_server(struct test_queue *queue);
void keep_role(struct peer *peer);
bool is_idle(struct test_queue *queue);

#endif /* IPCSHM_CALL_H */
