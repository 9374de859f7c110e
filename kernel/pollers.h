/* SPDX-License-Identifier: GPL-2.0-only */
/* Pollers of an object, woken a few at a time. */
#ifndef IPCSHM_POLLERS_H
#define IPCSHM_POLLERS_H

#include <linux/atomic.h>
#include <linux/poll.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/**
 * struct ipcshm_pollers - tasks, epoll sets and io_uring requests that poll an object
 * @head: the wait queue; entries of other subsystems
 * @events: what @work reports
 * @work: wakes the pollers that ipcshm_pollers_wake() leaves over
 */
struct ipcshm_pollers {
	wait_queue_head_t head;
	atomic_t events;
	struct work_struct work;
};

void ipcshm_pollers_init(struct ipcshm_pollers *pollers);
void ipcshm_pollers_destroy(struct ipcshm_pollers *pollers);

static inline bool ipcshm_pollers_exist(struct ipcshm_pollers *pollers)
{
	/* Without a barrier: the caller holds the lock under which pollers look at the state. */
	return waitqueue_active(&pollers->head);
}

static inline void ipcshm_pollers_add(struct ipcshm_pollers *pollers, struct file *file,
				      poll_table *table)
{
	poll_wait(file, &pollers->head, table);
}

void ipcshm_pollers_wake(struct ipcshm_pollers *pollers, __poll_t events);

#endif /* IPCSHM_POLLERS_H */
