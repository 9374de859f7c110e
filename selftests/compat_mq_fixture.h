/* SPDX-License-Identifier: GPL-2.0-only */
/* Message queues by the drop-in. */
#ifndef IPCSHM_COMPAT_MQ_FIXTURE_H
#define IPCSHM_COMPAT_MQ_FIXTURE_H

#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "compat_fixture.h"

/* The name of a queue, with its slash, which is removed in the end. */
FIXTURE(mq) {
	int device;
	char name[80];
};

FIXTURE_SETUP(mq)
{
	umask(0);
	self->device = open_device();
	ASSERT_LE(0, self->device);
	snprintf(self->name, sizeof(self->name), "/%s", make_name("mq").text);
	unlink_name(self->device, IPCSHM_QUEUE, self->name);
}

FIXTURE_TEARDOWN(mq)
{
	unlink_name(self->device, IPCSHM_QUEUE, self->name);
	close(self->device);
}

static inline bool is_there(int device, const char *name)
{
	return try_open(device, IPCSHM_QUEUE, name, R) != -ENOENT;
}

/* A new queue for that many messages of 16 bytes. */
static inline mqd_t create_small(const char *name, int flags, long messages)
{
	struct mq_attr attr = { .mq_maxmsg = messages, .mq_msgsize = 16 };

	return mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attr);
}

static inline struct timespec soon(long milliseconds)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_nsec += milliseconds * 1000000;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

static inline long messages(mqd_t queue)
{
	struct mq_attr attr;

	return mq_getattr(queue, &attr) ? -1 : attr.mq_curmsgs;
}

#endif /* IPCSHM_COMPAT_MQ_FIXTURE_H */
