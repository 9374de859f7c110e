// SPDX-License-Identifier: GPL-2.0-only
/* Messages received mapped, which a queue file holds until they are released. */
#include <linux/bits.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "gfp.h"
#include "held.h"
#include "queue_file.h"
#include "receive_buffer.h"

static unsigned long held_index(u64 offset)
{
	return offset >> IPCSHM_POOL_SHIFT;
}

/*
 * Prepare to hold the message, so that ipcshm_held_commit() cannot fail.  Until then no other
 * thread can release the message, not even by guessing its offset.
 */
int ipcshm_held_prepare(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf)
{
	struct ipcshm_process *process = ipcshm_process_get(&qfile->processes);
	struct ipcshm_msg *held;
	int err;

	if (IS_ERR(process))
		return PTR_ERR(process);
	held = ipcshm_msg_in_pool(rbuf->msg, &qfile->queue->pool);
	if (IS_ERR(held))
		return PTR_ERR(held);
	err = xa_reserve(&qfile->held, held_index(held->offset), IPCSHM_GFP);
	if (err) {
		ipcshm_msg_put(held);
		return err;
	}
	held->holder = process->pid;
	rbuf->held = held;
	rbuf->user->data = held->offset;
	return 0;
}

void ipcshm_held_cancel(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf)
{
	xa_release(&qfile->held, held_index(rbuf->held->offset));
	ipcshm_msg_put(rbuf->held);
}

/* From now on the queue file holds the message until it is released. */
void ipcshm_held_commit(struct ipcshm_queue_file *qfile, struct ipcshm_receive_buffer *rbuf)
{
	struct ipcshm_msg *held = rbuf->held;

	atomic_long_inc(&qfile->queue->held);
	atomic_long_inc(&qfile->nr_held);
	/* The entry is reserved: nothing is allocated. */
	xa_store(&qfile->held, held_index(held->offset), held, GFP_NOWAIT);
}

/* The message that is held at @index, no longer; or NULL. */
static struct ipcshm_msg *held_take(struct ipcshm_queue_file *qfile, unsigned long index)
{
	struct ipcshm_msg *held;

	xa_lock(&qfile->held);
	held = xa_load(&qfile->held, index);
	if (held)	/* leave an entry that is reserved */
		__xa_erase(&qfile->held, index);
	xa_unlock(&qfile->held);
	return held;
}

bool ipcshm_held_release(struct ipcshm_queue_file *qfile, u64 offset)
{
	struct ipcshm_msg *held = NULL;

	if (IS_ALIGNED(offset, BIT_ULL(IPCSHM_POOL_SHIFT)))
		held = held_take(qfile, held_index(offset));
	if (!held)
		return false;
	atomic_long_dec(&qfile->queue->held);
	atomic_long_dec(&qfile->nr_held);
	ipcshm_msg_put(held);
	return true;
}

/* All that @holder holds; NULL: that anyone does. */
void ipcshm_held_release_all(struct ipcshm_queue_file *qfile, const struct pid *holder)
{
	struct ipcshm_msg *held;
	unsigned long index;

	xa_for_each(&qfile->held, index, held) {
		xa_lock(&qfile->held);
		held = xa_load(&qfile->held, index);
		if (held && holder && held->holder != holder)
			held = NULL;
		if (held)
			__xa_erase(&qfile->held, index);
		xa_unlock(&qfile->held);
		cond_resched();
		if (!held)
			continue;
		atomic_long_dec(&qfile->queue->held);
		atomic_long_dec(&qfile->nr_held);
		ipcshm_msg_put(held);
	}
}
