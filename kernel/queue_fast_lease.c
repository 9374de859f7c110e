// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast path of acknowledged receive: see queue_fast.c. The process has leased a message before,
 * the message it acknowledges is plain, and no task still delivers that one.
 */
#include "queue_fast.h"
#include "queue_lease.h"

static bool is_retirable(const struct ipcshm_msg *msg)
{
	return msg->plain && refcount_read(&msg->users) == 1;
}

/* Return the message of a lease that can be retired, or NULL. */
static struct ipcshm_msg *find_retirable(const struct ipcshm_process *process, u64 id)
{
	struct ipcshm_msg *msg = find_lease(process, id);

	return likely(msg) && likely(is_retirable(msg)) ? msg : NULL;
}

/**
 * ipcshm_fast_lease - acknowledge a message and receive the next one, to be acknowledged
 * @qfile: the receiver's queue file, which may receive
 * @in: the receiver's request
 * @ack_id: id of the lease to end first, or 0
 * @timeout: nanoseconds until the lease expires, or 0
 * @to: structure to be filled in
 *
 * Return: whether that has been done, or else nothing.
 */
bool ipcshm_fast_lease(struct ipcshm_queue_file *qfile, const struct incoming *in, u64 ack_id,
		       u64 timeout, struct ipcshm_message __user *to)
{
	struct ipcshm_process *process = ipcshm_process_find(&qfile->processes);
	const struct ipcshm_view view = ipcshm_view_current();
	struct ipcshm_queue *queue = qfile->queue;
	struct ipcshm_msg *msg, *before = NULL;
	struct leaving leaving = {};
	bool done = false;

	if (!process || !READ_ONCE(process->leases) || trace_ipcshm_receive_enabled())
		return false;
	spin_lock(&queue->lock);
	pagefault_disable();
	if (unlikely(!is_quiet(queue)))
		goto unlock;
	if (ack_id) {
		before = find_retirable(process, ack_id);
		if (unlikely(!before))
			goto unlock;
	}
	msg = find_plain(queue, in);
	if (unlikely(!msg) || unlikely(!deliver_incoming(msg, in, &view, queue->ack_id + 1, to)))
		goto unlock;
	ipcshm_backlog_remove(&queue->queued, msg);
	lease_start(queue, msg, process, ++queue->ack_id, timeout);
	queue->unacknowledged += !before;
	if (likely(before)) {
		lease_end(queue, before);
		subtract_messages(queue, 1, before->size);
		retire_message(queue, before, &leaving);
		uncharge_run(&leaving);
	}
	done = true;
unlock:
	pagefault_enable();
	spin_unlock(&queue->lock);
	if (unlikely(leaving.garbage))
		ipcshm_fast_free(leaving.garbage);
	return done;
}

/* Batches. */

/* Read structures. Return whether all of them may take the fast path. */
static bool get_row(struct incoming *row, const struct ipcshm_message __user *from, u32 count)
{
	const struct incoming *end = row + count;
	int err = 0;

	if (should_fail_usercopy() || !user_read_access_begin(from, count * sizeof(*from)))
		return false;
	for (; row < end; row++, from++)
		if (!get_incoming(row, from, &row->ack_id, &err))
			break;
	user_read_access_end();
	return row == end && !err;
}

/**
 * struct taken - messages that a row acknowledges
 * @count: their number
 * @bytes: sum of their sizes
 */
struct taken {
	u32 count;
	u64 bytes;
};

/* Return messages to the table of recent leases, from which take_leases() has taken them. */
static void restore_leases(struct ipcshm_leases *leases, const struct incoming *row, u32 count)
{
	for (; count; count--, row++)
		if (row->before)
			leases->recent[row->before->lease.id % LEASES_RECENT] = row->before;
}

/*
 * Take the messages that a row acknowledges from the table, so that no id is found twice. Return
 * whether they all can be acknowledged so.
 */
static bool take_leases(struct ipcshm_leases *leases, struct incoming *row, u32 count,
			struct taken *taken)
{
	struct ipcshm_msg **place, *msg;
	struct incoming *at;

	for (at = row; at < row + count; at++) {
		if (unlikely(!at->ack_id))
			continue;	/* @before is NULL as well */
		place = &leases->recent[at->ack_id % LEASES_RECENT];
		msg = *place;
		if (unlikely(!msg) || unlikely(msg->lease.id != at->ack_id) ||
		    unlikely(!is_retirable(msg))) {
			restore_leases(leases, row, at - row);
			return false;
		}
		*place = NULL;
		at->before = msg;
		taken->count++;
		taken->bytes += msg->size;
	}
	return true;
}

/* Lease messages to @process. Return their number. */
static u32 lease_messages(struct ipcshm_queue *queue, struct ipcshm_process *process,
			  const struct incoming *row, u32 count, u64 timeout,
			  struct ipcshm_message __user *to)
{
	const struct ipcshm_view view = ipcshm_view_current();
	const struct incoming *at, *end = row + count;
	u64 id = queue->ack_id, bytes = 0;
	struct ipcshm_msg *msg;

	lockdep_assert_held(&queue->lock);
	for (at = row; at < end && bytes <= ROW_BYTES; at++, to++) {
		msg = find_plain(queue, at);
		if (unlikely(!msg) || unlikely(!deliver_incoming(msg, at, &view, id + 1, to)))
			break;
		bytes += msg->size;
		ipcshm_backlog_remove(&queue->queued, msg);
		lease_start(queue, msg, process, ++id, timeout);
	}
	queue->ack_id = id;
	queue->unacknowledged += at - row;
	return at - row;
}

/* The messages, which take_leases() has taken, have been received. */
static void retire_leases(struct ipcshm_queue *queue, const struct incoming *row, u32 count,
			  const struct taken *taken, struct leaving *leaving)
{
	const struct incoming *end = row + count;

	lockdep_assert_held(&queue->lock);
	for (; row < end; row++) {
		if (unlikely(!row->before))
			continue;
		if (unlikely(row->before->lease.expiry))
			ipcshm_lease_set_timeout(queue, row->before, 0);
		retire_message(queue, row->before, leaving);
	}
	queue->unacknowledged -= taken->count;
	uncharge_run(leaving);
	subtract_messages(queue, taken->count, taken->bytes);
}

/* Clear the ids in structures that got no message. */
static void clear_ids(struct ipcshm_message __user *to, const struct incoming *row, u32 count)
{
	for (; count; count--, row++, to++)
		if (row->before && put_user(0, &to->ack_id))
			break;	/* acknowledging them again fails */
}

/**
 * ipcshm_queue_lease_row - acknowledge messages and receive others, to be acknowledged
 * @qfile: the receiver's queue file, which may receive
 * @from: structures of the receiver, not checked; filled in
 * @count: number of structures, at most IPCSHM_ROW
 * @timeout: nanoseconds until the leases expire, or 0
 *
 * Return: how many structures, from the first, were filled in, while the ids of all of them were
 * acknowledged; or 0, and nothing has been done.
 */
u32 ipcshm_queue_lease_row(struct ipcshm_queue_file *qfile, struct ipcshm_message __user *from,
			   u32 count, u64 timeout)
{
	struct ipcshm_process *process = ipcshm_process_find(&qfile->processes);
	struct incoming row[IPCSHM_ROW] IPCSHM_UNINITIALIZED;
	struct ipcshm_queue *queue = qfile->queue;
	struct leaving leaving = {};
	struct taken taken = {};
	u32 received = 0;

	if (!process || !READ_ONCE(process->leases) || trace_ipcshm_receive_enabled() ||
	    !get_row(row, from, count))
		return 0;
	spin_lock(&queue->lock);
	pagefault_disable();
	if (likely(is_quiet(queue)) &&
	    likely(take_leases(process->leases, row, count, &taken))) {
		received = lease_messages(queue, process, row, count, timeout, from);
		if (likely(received))
			retire_leases(queue, row, count, &taken, &leaving);
		else
			restore_leases(process->leases, row, count);
	}
	pagefault_enable();
	spin_unlock(&queue->lock);
	if (unlikely(leaving.garbage))
		ipcshm_fast_free(leaving.garbage);
	if (received && received < count)
		clear_ids(from + received, row + received, count - received);
	return received;
}

/**
 * ipcshm_queue_acknowledge_row - acknowledge messages by the fast path
 * @qfile: the receiver's queue file
 * @ids: ids of leases
 * @count: number of @ids, at most IPCSHM_ROW
 *
 * Return: how many of the messages, from the first, have been acknowledged.
 */
u32 ipcshm_queue_acknowledge_row(struct ipcshm_queue_file *qfile, const u64 *ids, u32 count)
{
	struct ipcshm_process *process = ipcshm_process_find(&qfile->processes);
	struct ipcshm_queue *queue = qfile->queue;
	struct leaving leaving = {};
	struct ipcshm_msg *msg;
	u64 bytes = 0;
	u32 i = 0;

	if (!process)
		return 0;
	spin_lock(&queue->lock);
	if (likely(is_calm(queue))) {
		for (; i < count; i++) {
			msg = find_retirable(process, ids[i]);
			if (unlikely(!msg))
				break;
			lease_end(queue, msg);
			bytes += msg->size;
			retire_message(queue, msg, &leaving);
		}
		queue->unacknowledged -= i;
		uncharge_run(&leaving);
		subtract_messages(queue, i, bytes);
	}
	spin_unlock(&queue->lock);
	if (unlikely(leaving.garbage))
		ipcshm_fast_free(leaving.garbage);
	return i;
}
