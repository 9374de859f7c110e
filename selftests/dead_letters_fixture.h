/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue of jobs, and the queue of its dead letters. */
#ifndef IPCSHM_DEAD_LETTERS_FIXTURE_H
#define IPCSHM_DEAD_LETTERS_FIXTURE_H

#include "common/harness.h"
#include "common/queue.h"

#define DELIVERIES	2	/* of a message, before it is a dead letter */
#define PLACES		8	/* messages that either queue keeps */

FIXTURE(dead)
{
	struct test_queue queue;	/* of dead letters */
	struct ipcshm_queue_attr attr;	/* of the queue of jobs */
	int jobs;
};

static inline int open_jobs(FIXTURE_DATA(dead) *self)
{
	self->attr.dead_letter_fd = self->queue.fd;
	return ipcshm_queue_open(self->queue.device, NULL, IPCSHM_READ | IPCSHM_WRITE |
				 IPCSHM_CREATE | IPCSHM_DEAD_LETTERS, 0600, &self->attr);
}

FIXTURE_SETUP(dead)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, PLACES, 0, SIZE));
	self->attr = (struct ipcshm_queue_attr) {
		.max_messages = PLACES,
		.max_message_size = SIZE,
		.max_deliveries = DELIVERIES,
	};
	self->jobs = open_jobs(self);
	ASSERT_LE(0, self->jobs);
}

FIXTURE_TEARDOWN(dead)
{
	close(self->jobs);
	queue_tear_down(&self->queue);
}

/* Replace the queue of dead letters, and with it the queue of jobs. */
static inline int set_up_again(FIXTURE_DATA(dead) *self, struct ipcshm_queue_attr attr,
			       __u32 flags)
{
	close(self->jobs);
	queue_tear_down(&self->queue);
	if (queue_set_up_attr(&self->queue, attr, IPCSHM_READ | IPCSHM_WRITE | flags))
		return -1;
	self->jobs = open_jobs(self);
	return self->jobs < 0 ? self->jobs : 0;
}

static inline struct ipcshm_queue_stat stat_of(int fd)
{
	struct ipcshm_queue_stat stat = { 0 };

	ipcshm_queue_get_stat(fd, &stat, sizeof(stat));
	return stat;
}

static inline int send_job(FIXTURE_DATA(dead) *self, __u64 value)
{
	struct ipcshm_message message = {
		.data = (uintptr_t)&value,
		.size = sizeof(value),
	};

	return ipcshm_send_message(self->jobs, &message, IPCSHM_NOW);
}

/* Receive a job; its id is what ipcshm_nack() needs, 0 if there is none by the deadline. */
static inline __u64 take_job_until(int fd, __u64 *value, __u64 timeout, __u64 deadline)
{
	struct ipcshm_message message = { .data = (uintptr_t)value, .size = sizeof(*value) };

	*value = NOTHING;
	return ipcshm_receive_ack(fd, &message, timeout, deadline) < 0 ? 0 : message.ack_id;
}

static inline __u64 take_job(int fd, __u64 *value, __u64 timeout)
{
	return take_job_until(fd, value, timeout, SOON);
}

/* Receive a job and return it to the queue. */
static inline __u64 fail_job(FIXTURE_DATA(dead) *self)
{
	__u64 value;
	__u64 id = take_job(self->jobs, &value, 0);

	return ipcshm_nack(self->jobs, &id, 1) == 1 ? value : NOTHING;
}

static inline ssize_t receive_dead(FIXTURE_DATA(dead) *self, struct ipcshm_message *message,
				   void *data, size_t size)
{
	message->data = (uintptr_t)data;
	message->size = size;
	return ipcshm_receive_message(self->queue.fd, message, IPCSHM_NOW);
}

#endif /* IPCSHM_DEAD_LETTERS_FIXTURE_H */
