/* SPDX-License-Identifier: GPL-2.0-only */
/* Leases: messages that were received and are to be acknowledged. */
#ifndef IPCSHM_QUEUE_LEASE_H
#define IPCSHM_QUEUE_LEASE_H

#include <linux/lockdep.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "message.h"
#include "process.h"
#include "queue.h"

struct ipcshm_criteria;

/* Places in the table of recent leases: 2 KiB, room for four batches of 64. */
#define LEASES_RECENT 256

/**
 * struct ipcshm_leases - the leases of a process, protected by the queue's lock
 * @older: those that others have displaced from @recent, by id
 * @recent: the place of each lease is its id modulo LEASES_RECENT
 */
struct ipcshm_leases {
	struct rb_root older;
	struct ipcshm_msg *recent[LEASES_RECENT];
};

void ipcshm_lease_make_older(struct ipcshm_leases *leases, struct ipcshm_msg *msg);
struct ipcshm_msg *ipcshm_lease_find_older(const struct ipcshm_leases *leases, u64 id);
void ipcshm_lease_set_timeout(struct ipcshm_queue *queue, struct ipcshm_msg *msg, u64 timeout);

/*
 * Start a lease, which the caller counts. @timeout: nanoseconds from now until it expires, or 0:
 * never
 */
static inline void lease_start(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
			       struct ipcshm_process *process, u64 id, u64 timeout)
{
	struct ipcshm_msg **place = &process->leases->recent[id % LEASES_RECENT];

	lockdep_assert_held(&queue->lock);
	if (unlikely(*place))
		ipcshm_lease_make_older(process->leases, *place);
	*place = msg;
	msg->lease.id = id;
	msg->lease.process = process;
	msg->lease.expiry = 0;
	if (unlikely(timeout))
		ipcshm_lease_set_timeout(queue, msg, timeout);
}

/* End a lease, which the caller counts. */
static inline void lease_end(struct ipcshm_queue *queue, struct ipcshm_msg *msg)
{
	struct ipcshm_leases *leases = msg->lease.process->leases;
	struct ipcshm_msg **place = &leases->recent[msg->lease.id % LEASES_RECENT];

	lockdep_assert_held(&queue->lock);
	if (msg->lease.expiry)
		ipcshm_lease_set_timeout(queue, msg, 0);
	if (likely(*place == msg))
		*place = NULL;
	else
		rb_erase(&msg->lease.by_id, &leases->older);
}

/* Return the message that @process leases by this id, or NULL. */
static inline struct ipcshm_msg *find_lease(const struct ipcshm_process *process, u64 id)
{
	const struct ipcshm_leases *leases = process->leases;
	struct ipcshm_msg *msg;

	if (unlikely(!leases))
		return NULL;
	msg = leases->recent[id % LEASES_RECENT];
	return likely(msg && msg->lease.id == id) ? msg : ipcshm_lease_find_older(leases, id);
}

void ipcshm_leases_init(struct ipcshm_queue *queue);
int ipcshm_leases_prepare(struct ipcshm_process *process);
void ipcshm_leases_destroy(struct ipcshm_queue *queue);
struct ipcshm_msg *ipcshm_lease_begin(struct ipcshm_queue *queue, struct ipcshm_msg *msg,
				      struct ipcshm_process *process,
				      struct ipcshm_criteria *criteria);
void ipcshm_leases_return(struct ipcshm_queue *queue, struct ipcshm_process *process);
void ipcshm_lease_undo(struct ipcshm_queue_file *qfile, struct ipcshm_msg *msg, u64 id);
int ipcshm_queue_acknowledge(struct ipcshm_queue_file *qfile, const u64 *ids, int count, u32 flags,
			     u64 timeout);

#endif /* IPCSHM_QUEUE_LEASE_H */
