/* SPDX-License-Identifier: GPL-2.0-only */
/* An epoll set with a queue in it. */
#ifndef IPCSHM_EPOLL_H
#define IPCSHM_EPOLL_H

#include <sys/epoll.h>

#include "queue.h"

int watch_queue(struct test_queue *queue, __u32 events);
__u32 set_events(int set, int timeout);

#endif /* IPCSHM_EPOLL_H */
