// SPDX-License-Identifier: GPL-2.0-only
/* One message: payload, sender, and descriptors in flight. */
#include <linux/cred.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uio.h>

#include "gfp.h"
#include "quota.h"
#include "message.h"
#include "pool.h"
#include "user_copy.h"
#include "waiter.h"

/* The payload. */

static unsigned int nr_pages(const struct ipcshm_msg *msg)
{
	return DIV_ROUND_UP(msg->size, PAGE_SIZE);
}

static void pages_free(struct ipcshm_msg *msg)
{
	unsigned int i;

	for (i = 0; i < nr_pages(msg) && msg->pages[i]; i++) {
		__free_page(msg->pages[i]);
		cond_resched();
	}
	kvfree(msg->pages);
}

static int pages_alloc(struct ipcshm_msg *msg)
{
	unsigned int i;

	msg->pages = kvcalloc(nr_pages(msg), sizeof(*msg->pages), IPCSHM_GFP);
	if (!msg->pages)
		return -ENOMEM;
	for (i = 0; i < nr_pages(msg); i++) {
		msg->pages[i] = alloc_page(IPCSHM_GFP);
		if (!msg->pages[i])
			return -ENOMEM;	/* payload_free() frees the others */
	}
	return 0;
}

static int pages_copy(const struct ipcshm_msg *msg, struct iov_iter *iter,
		      size_t (*copy)(struct page *, size_t, size_t, struct iov_iter *))
{
	size_t left = min_t(size_t, msg->size, iov_iter_count(iter));
	struct page **page;

	for (page = msg->pages; left; page++) {
		size_t part = min_t(size_t, left, PAGE_SIZE);

		if (copy(*page, 0, part, iter) != part)
			return -EFAULT;
		left -= part;
		cond_resched();
	}
	return 0;
}

static void payload_free(struct ipcshm_msg *msg)
{
	if (msg->pool)
		ipcshm_pool_free(msg->pool, msg->offset, msg->size);
	else if (msg->pages)
		pages_free(msg);
}

static int payload_fill(struct ipcshm_msg *msg, struct iov_iter *from)
{
	int err;

	if (msg->pool)
		return ipcshm_pool_write(msg->pool, msg->offset, msg->size, from);
	if (msg->size <= IPCSHM_SMALL_MAX)
		return copy_from_iter_full(msg->data, msg->size, from) ? 0 : -EFAULT;
	err = pages_alloc(msg);
	return err ?: pages_copy(msg, from, copy_page_from_iter);
}

/* Copy the payload to the receiver's memory, as much as there is room for. */
int ipcshm_msg_copy(const struct ipcshm_msg *msg, struct iov_iter *to)
{
	size_t size = min_t(size_t, msg->size, iov_iter_count(to));

	if (msg->pool)
		return ipcshm_pool_read(msg->pool, msg->offset, size, to);
	if (msg->pages)
		return pages_copy(msg, to, copy_page_to_iter);
	return copy_to_iter(msg->data, size, to) == size ? 0 : -EFAULT;
}

static int small_move(const struct ipcshm_msg *msg, struct ipcshm_pool *pool, u64 offset)
{
	struct kvec kvec = { .iov_base = (void *)msg->data, .iov_len = msg->size };
	struct iov_iter from;

	iov_iter_kvec(&from, WRITE, &kvec, 1, msg->size);
	return ipcshm_pool_write(pool, offset, msg->size, &from);
}

static int pages_move(const struct ipcshm_msg *msg, struct ipcshm_pool *pool, u64 offset)
{
	size_t left = msg->size;
	struct page **page;
	int err = 0;

	for (page = msg->pages; left && !err; page++) {
		size_t part = min_t(size_t, left, PAGE_SIZE);
		struct kvec kvec = { .iov_base = kmap_local_page(*page), .iov_len = part };
		struct iov_iter from;

		iov_iter_kvec(&from, WRITE, &kvec, 1, part);
		err = ipcshm_pool_write(pool, offset, part, &from);
		kunmap_local(kvec.iov_base);
		offset += part;
		left -= part;
	}
	return err;
}

/* Quotas. */

/**
 * ipcshm_msg_charge - charge a message that a queue keeps to its payer
 * @msg: the message, which is not charged
 * @what: IPCSHM_CHARGED_*
 * @quota: on failure: the quota that is used up
 * @amount: on failure: the amount that is needed
 *
 * Does not sleep. A failure charges nothing.
 *
 * Return: whether the message is charged.
 */
bool ipcshm_msg_charge(struct ipcshm_msg *msg, u8 what, enum ipcshm_quota_type *quota, u64 *amount)
{
	*quota = IPCSHM_QUOTA_TYPE_QUEUE_BYTES;
	*amount = ipcshm_msg_cost(msg->size);
	if (what & IPCSHM_CHARGED_BYTES &&
	    !ipcshm_quotas_try_charge(msg->payer, *quota, *amount))
		return false;
	if (what & IPCSHM_CHARGED_FILES &&
	    !ipcshm_quotas_try_charge(msg->payer, IPCSHM_QUOTA_TYPE_DESCRIPTORS, msg->nr_files)) {
		if (what & IPCSHM_CHARGED_BYTES)
			ipcshm_quotas_uncharge(msg->payer, *quota, *amount);
		*quota = IPCSHM_QUOTA_TYPE_DESCRIPTORS;
		*amount = msg->nr_files;
		return false;
	}
	msg->charged = what;
	return true;
}

static void charge_force(struct ipcshm_msg *msg, struct ipcshm_quotas *payer, u8 what)
{
	if (msg->charged || !what)
		return;
	msg->payer = payer;
	msg->charged = what;
	if (what & IPCSHM_CHARGED_BYTES)
		ipcshm_quotas_charge_force(payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
					   ipcshm_msg_cost(msg->size));
	if (what & IPCSHM_CHARGED_FILES)
		ipcshm_quotas_charge_force(payer, IPCSHM_QUOTA_TYPE_DESCRIPTORS, msg->nr_files);
}

/* Charge a message to the receiver that prevents its release. */
void ipcshm_msg_charge_force(struct ipcshm_msg *msg, struct ipcshm_quotas *payer)
{
	charge_force(msg, payer, IPCSHM_CHARGED_BYTES | (msg->files ? IPCSHM_CHARGED_FILES : 0));
}

/* Charge only descriptors, since the queue's creator pays for the bytes. */
void ipcshm_msg_charge_files_force(struct ipcshm_msg *msg, struct ipcshm_quotas *payer)
{
	charge_force(msg, payer, msg->files ? IPCSHM_CHARGED_FILES : 0);
}

void ipcshm_msg_uncharge_slow(struct ipcshm_msg *msg)
{
	u8 charged = msg->charged;

	msg->charged = 0;
	/* The last one may free the record. */
	if (charged & IPCSHM_CHARGED_FILES)
		ipcshm_quotas_uncharge(msg->payer, IPCSHM_QUOTA_TYPE_DESCRIPTORS, msg->nr_files);
	if (charged & IPCSHM_CHARGED_BYTES)
		ipcshm_quotas_uncharge(msg->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
				       ipcshm_msg_cost(msg->size));
}

/* The message. */

static struct ipcshm_msg *msg_alloc(size_t size, struct ipcshm_pool *pool, u64 offset,
				    struct ipcshm_quotas *payer)
{
	bool small = !pool && size <= IPCSHM_SMALL_MAX;
	struct ipcshm_msg *msg;
	u8 slot_class;

	slot_class = small ? ipcshm_slot_class(size) : IPCSHM_SLOT_NONE;
	msg = kmalloc(small ? ipcshm_slot_size(slot_class) : sizeof(*msg), IPCSHM_GFP);
	if (!msg)
		return NULL;
	refcount_set(&msg->users, 1);
	msg->nr_files = 0;
	msg->charged = 0;
	msg->slot_class = slot_class;
	msg->pid = NULL;
	msg->files = NULL;
	msg->pool = pool;
	if (pool)
		msg->offset = offset;
	else
		msg->pages = NULL;
	ipcshm_msg_reset(msg, size, payer);
	return msg;
}

static int msg_fill(struct ipcshm_msg *msg, const struct ipcshm_message *args,
		    struct iov_iter *from)
{
	const struct ipcshm_sender sender = ipcshm_sender_current();
	int err = payload_fill(msg, from);

	if (!err && args->fd_count)
		err = ipcshm_msg_get_files(msg, u64_to_user_ptr(args->fds), args->fd_count);
	if (err)
		return err;
	msg->type = args->type;
	msg->priority = args->priority;
	msg->time = ktime_get_ns();
	msg->plain = msg->slot_class != IPCSHM_SLOT_NONE && !msg->nr_files;
	ipcshm_msg_set_sender(msg, &sender);
	return 0;
}

/**
 * ipcshm_msg_create - create a message from the current task
 * @args: its type, priority and descriptors, checked
 * @from: the whole payload; its length has been checked
 * @pool: pool for the payload if it has space, or NULL
 * @payer: payer while a queue keeps the message; the caller has a reference
 * @spare: a spare message of the size's slot class, whose ownership passes; or NULL
 *
 * Return: the message, or -ENOMEM, -EFAULT, -EBADF, -EPERM.
 */
struct ipcshm_msg *ipcshm_msg_create(const struct ipcshm_message *args, struct iov_iter *from,
				     struct ipcshm_pool *pool, struct ipcshm_quotas *payer,
				     struct ipcshm_msg *spare)
{
	size_t size = iov_iter_count(from);
	struct ipcshm_msg *msg = spare;
	u64 offset = 0;
	int err;

	if (msg) {
		ipcshm_msg_reset(msg, size, payer);
	} else {
		if (pool && !ipcshm_pool_alloc(pool, size, &offset))
			pool = NULL;
		msg = msg_alloc(size, pool, offset, payer);
	}
	if (!msg) {
		if (pool)
			ipcshm_pool_free(pool, offset, size);
		return ERR_PTR(-ENOMEM);
	}
	err = msg_fill(msg, args, from);
	if (!err)
		return msg;
	ipcshm_msg_put(msg);
	return ERR_PTR(err);
}

/**
 * ipcshm_msg_in_pool - get a message whose payload is in the pool
 * @msg: the message
 * @pool: the pool of its queue
 *
 * This is the message itself if its payload is in the pool. Otherwise the pool had no space
 * when it was sent, and this is a copy of the payload, without other members.
 *
 * Return: a reference, or -ENOBUFS, -ENOMEM.
 */
struct ipcshm_msg *ipcshm_msg_in_pool(struct ipcshm_msg *msg, struct ipcshm_pool *pool)
{
	struct ipcshm_msg *copy;
	u64 offset;
	int err;

	if (msg->pool)
		return ipcshm_msg_get(msg);
	if (!ipcshm_pool_alloc(pool, msg->size, &offset) &&
	    !ipcshm_pool_alloc_spare(pool, &offset))
		return ERR_PTR(-ENOBUFS);
	copy = msg_alloc(msg->size, pool, offset, NULL);
	if (!copy) {
		ipcshm_pool_free(pool, offset, msg->size);
		return ERR_PTR(-ENOMEM);
	}
	err = msg->pages ? pages_move(msg, pool, offset) : small_move(msg, pool, offset);
	if (err) {
		ipcshm_msg_put(copy);
		return ERR_PTR(err);
	}
	return copy;
}

void ipcshm_msg_put(struct ipcshm_msg *msg)
{
	if (!refcount_dec_and_test(&msg->users))
		return;
	WARN_ON_ONCE(msg->charged);
	ipcshm_msg_close_files(msg);
	payload_free(msg);
	put_pid(msg->pid);
	kfree(msg);
}
