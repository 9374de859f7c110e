// SPDX-License-Identifier: GPL-2.0-only
/* An epoll set with a queue in it. */
#include "epoll.h"

/* An epoll set with the queue in it. */
int watch_queue(struct test_queue *queue, __u32 events)
{
	struct epoll_event event = { .events = events };
	int set = epoll_create1(EPOLL_CLOEXEC);

	return epoll_ctl(set, EPOLL_CTL_ADD, queue->fd, &event) ? -errno : set;
}

/* The events that come within the time-out, in milliseconds. */
__u32 set_events(int set, int timeout)
{
	struct epoll_event event;

	return epoll_wait(set, &event, 1, timeout) == 1 ? event.events : 0;
}
