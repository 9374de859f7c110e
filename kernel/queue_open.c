// SPDX-License-Identifier: GPL-2.0-only
/* How queues and their files are made and freed. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/slab.h>

#include "gfp.h"
#include "queue.h"
#include "queue_file.h"
#include "queue_open.h"
#include "quota.h"

static struct ipcshm_queue *object_queue(const struct ipcshm_object *object)
{
	return container_of(object, struct ipcshm_queue, object);
}

bool ipcshm_queue_capacity_is_valid(u64 max_messages, u64 max_bytes, u64 max_message_size)
{
	return max_messages ? !max_bytes || max_bytes >= max_message_size : !max_bytes;
}

/* Return the capacity in bytes: 0 means as many as @max_messages need. */
u64 ipcshm_queue_bytes_needed(u64 max_messages, u64 max_bytes, u64 max_message_size)
{
	return max_bytes ?: ipcshm_mul(max_messages, max_message_size);
}

/*
 * The root of the kernel's file system of anonymous inodes.  Queue inodes live there: no part
 * of them points into the module, so an O_PATH descriptor of one may outlive the module.
 */
static struct path anon;

int ipcshm_queue_file_init(void)
{
	struct file *file = anon_inode_getfile("[ipcshm]", &generic_ro_fops, NULL, O_RDONLY);

	if (IS_ERR(file))
		return PTR_ERR(file);
	anon = file->f_path;
	path_get(&anon);
	fput(file);
	return 0;
}

void ipcshm_queue_file_exit(void)
{
	path_put(&anon);
}

/* An inode of type 0, as other anonymous inodes have; its owner and group are the caller's. */
static struct inode *inode_create(umode_t mode)
{
	struct inode *inode = alloc_anon_inode(anon.mnt->mnt_sb);

	if (!IS_ERR(inode))
		inode->i_mode = mode;
	return inode;
}

#define QUEUE_ARG(member) offsetof(struct ipcshm_queue_open_args, member)

static size_t find_invalid_new(const struct ipcshm_queue_open_args *args)
{
	if (args->how.flags & IPCSHM_HANGUP_EARLY && !(args->how.flags & IPCSHM_HANGUP))
		return QUEUE_ARG(how.flags);
	if (!args->max_message_size || args->max_message_size > IPCSHM_MESSAGE_MAX)
		return QUEUE_ARG(max_message_size);
	if (args->pool_bytes && (args->pool_bytes < args->max_message_size ||
				 args->pool_bytes > IPCSHM_POOL_MAX))
		return QUEUE_ARG(pool_bytes);
	if (args->max_deliveries > IPCSHM_DELIVERIES_MAX)
		return QUEUE_ARG(max_deliveries);
	if (args->how.flags & IPCSHM_DEAD_LETTERS) {
		if (args->pool_bytes)
			return QUEUE_ARG(pool_bytes);
		if (!args->max_deliveries)
			return QUEUE_ARG(max_deliveries);
	} else if (args->dead_letter_fd) {
		return QUEUE_ARG(dead_letter_fd);
	}
	if (args->overflow > IPCSHM_OVERFLOW_DROP_NEWEST ||
	    (args->overflow == IPCSHM_OVERFLOW_DROP_OLDEST && !args->max_messages))
		return QUEUE_ARG(overflow);
	return ipcshm_queue_capacity_is_valid(args->max_messages, args->max_bytes,
					      args->max_message_size) ? 0 : QUEUE_ARG(max_bytes);
}

/* The offset of a member whose value is not valid, or 0. */
size_t ipcshm_queue_find_invalid(const struct ipcshm_queue_open_args *args)
{
	if (args->how.flags & IPCSHM_CREATE)
		return find_invalid_new(args);
	return args->max_messages ? QUEUE_ARG(max_messages) :
	       args->max_bytes ? QUEUE_ARG(max_bytes) :
	       args->max_message_size ? QUEUE_ARG(max_message_size) :
	       args->pool_bytes ? QUEUE_ARG(pool_bytes) :
	       args->overflow ? QUEUE_ARG(overflow) :
	       args->max_deliveries ? QUEUE_ARG(max_deliveries) :
	       args->dead_letter_fd ? QUEUE_ARG(dead_letter_fd) : 0;
}

static int pool_create(struct ipcshm_queue *queue, const struct ipcshm_queue_open_args *args,
		       struct ipcshm_quotas *payer)
{
	u64 size = PAGE_ALIGN(args->pool_bytes);
	int err;

	if (!size)
		return 0;
	err = ipcshm_quotas_charge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, size);
	if (err)
		return err;
	err = ipcshm_pool_init(&queue->pool, size, args->max_message_size);
	if (err)
		ipcshm_quotas_uncharge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, size);
	return err;
}

static void pool_destroy(struct ipcshm_queue *queue, struct ipcshm_quotas *payer)
{
	if (!queue->pool.size)
		return;
	ipcshm_quotas_uncharge(payer, IPCSHM_QUOTA_TYPE_REGION_BYTES, queue->pool.size);
	ipcshm_pool_destroy(&queue->pool);
}

/* The creator pays for all that a bounded queue can keep. */
static int room_charge(struct ipcshm_queue *queue, struct ipcshm_quotas *payer)
{
	u64 price = ipcshm_queue_price(queue->max_messages, queue->max_bytes,
				       queue->max_message_size);
	int err = ipcshm_quotas_charge(payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES, price);

	if (err)
		return err;
	queue->price = price;
	queue->charged = price;
	return 0;
}

/* Dead letters. */

/* Return a queue file of @queue, which is open, for another queue to send through. */
static struct ipcshm_queue_file *dead_letter_file_create(struct ipcshm_queue *queue)
{
	struct ipcshm_queue_file *qfile = ipcshm_qfile_create(queue, IPCSHM_WRITE);

	if (!IS_ERR(qfile)) {
		refcount_inc(&queue->object.users);
		ipcshm_queue_attach(qfile);
	}
	return qfile;
}

static int dead_letters_attach(struct ipcshm_queue *queue, const struct file *file)
{
	struct ipcshm_queue_file *to;
	int err;

	if (file->f_op != &ipcshm_qfile_fops)
		return -EBADF;
	to = qfile_of(file);
	err = qfile_check_access(to, FMODE_WRITE);
	if (err)
		return err;
	if (to->queue->max_message_size < queue->max_message_size)
		return -EMSGSIZE;
	to = dead_letter_file_create(to->queue);
	if (IS_ERR(to))
		return PTR_ERR(to);
	queue->dead_letter_file = to;
	return 0;
}

/*
 * Set the queue of dead letters by a descriptor. It is older than the new queue, so queues cannot
 * refer to each other in a circle.
 */
static int dead_letters_open(struct ipcshm_queue *queue, const struct ipcshm_queue_open_args *args)
{
	struct file *file;
	int err;

	if (!(args->how.flags & IPCSHM_DEAD_LETTERS))
		return 0;
	file = fget(args->dead_letter_fd);
	if (!file)
		return -EBADF;
	err = dead_letters_attach(queue, file);
	fput(file);
	return err;
}

static void dead_letters_close(struct ipcshm_queue *queue)
{
	struct ipcshm_queue *to;

	if (!queue->dead_letter_file)
		return;
	to = queue->dead_letter_file->queue;
	ipcshm_qfile_destroy(queue->dead_letter_file);
	/* That one may have a queue of dead letters, too: without recursion. */
	ipcshm_object_put_later(&to->object);
}

static struct ipcshm_object *queue_create(const void *attr, const char *name,
					  struct ipcshm_quotas *payer, umode_t mode)
{
	const struct ipcshm_queue_open_args *args = attr;
	struct ipcshm_queue *queue = kzalloc(sizeof(*queue), IPCSHM_GFP);
	int err;

	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->object.inode = inode_create(mode);
	err = PTR_ERR_OR_ZERO(queue->object.inode);
	if (err)
		goto free;
	err = pool_create(queue, args, payer);
	if (err)
		goto put_inode;
	queue->max_message_size = args->max_message_size;
	queue->max_messages = args->max_messages;
	queue->max_bytes = ipcshm_queue_bytes_needed(args->max_messages, args->max_bytes,
						     args->max_message_size);
	err = dead_letters_open(queue, args);
	if (err)
		goto destroy_pool;
	err = room_charge(queue, payer);
	if (err)
		goto close_dead_letters;
	queue->overflow = args->overflow;
	queue->max_deliveries = args->max_deliveries;
	queue->queued.needs_worst = args->overflow == IPCSHM_OVERFLOW_DROP_OLDEST;
	queue->returned.needs_worst = queue->queued.needs_worst;
	queue->hangup = args->how.flags & IPCSHM_HANGUP;
	queue->had_reader = args->how.flags & IPCSHM_HANGUP_EARLY;
	queue->had_writer = queue->had_reader;
	queue->persistent = args->how.flags & IPCSHM_PERSISTENT;
	ipcshm_queue_init(queue);
	return &queue->object;

close_dead_letters:
	dead_letters_close(queue);
destroy_pool:
	pool_destroy(queue, payer);
put_inode:
	iput(queue->object.inode);
free:
	kfree(queue);
	return ERR_PTR(err);
}

static void queue_describe(const struct ipcshm_object *object, void *attr)
{
	const struct ipcshm_queue *queue = object_queue(object);
	struct ipcshm_queue_open_args *args = attr;

	args->max_messages = READ_ONCE(queue->max_messages);
	args->max_bytes = READ_ONCE(queue->max_bytes);
	args->max_message_size = queue->max_message_size;
	args->pool_bytes = queue->pool.size;
	args->overflow = queue->overflow;
	args->max_deliveries = queue->max_deliveries;
}

static void queue_release(struct ipcshm_object *object)
{
	struct ipcshm_queue *queue = object_queue(object);

	ipcshm_queue_destroy(queue);
	dead_letters_close(queue);
	ipcshm_quotas_uncharge(object->payer, IPCSHM_QUOTA_TYPE_QUEUE_BYTES, queue->charged);
	pool_destroy(queue, object->payer);
	iput(object->inode);
	kfree(queue);
}

static int access_flags(u32 flags)
{
	if (!(flags & IPCSHM_WRITE))
		return O_RDONLY;
	return flags & IPCSHM_READ ? O_RDWR : O_WRONLY;
}

/*
 * alloc_file_pseudo() takes ownership of an inode reference.  It takes no module reference,
 * although closing the file drops one.
 */
static struct file *queue_alloc_file(struct inode *inode, int flags)
{
	struct file *file;

	ihold(inode);
	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(inode, anon.mnt, "[ipcshm-queue]", flags, &ipcshm_qfile_fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		iput(inode);
	}
	return file;
}

static struct file *qfile_open(struct ipcshm_object *object, u32 flags)
{
	int f_flags = access_flags(flags) | (flags & IPCSHM_NONBLOCK ? O_NONBLOCK : 0);
	struct ipcshm_queue_file *qfile = ipcshm_qfile_create(object_queue(object), flags);
	struct file *file;

	if (IS_ERR(qfile))
		return ERR_CAST(qfile);
	file = queue_alloc_file(object->inode, f_flags);
	if (IS_ERR(file)) {
		ipcshm_quotas_put(qfile->payer);
		kfree(qfile);
		return file;
	}
	file->private_data = qfile;
	stream_open(file_inode(file), file);
	file->f_mode |= FMODE_NOWAIT;
	return file;
}

static void qfile_opened(struct file *file)
{
	ipcshm_queue_attach(qfile_of(file));
}

static void queue_stat(struct ipcshm_object *object, struct ipcshm_stat *stat)
{
	struct ipcshm_queue *queue = object_queue(object);

	ipcshm_queue_get_stat(queue, container_of(stat, struct ipcshm_queue_stat, stat));
	if (queue->hangup)
		stat->flags |= IPCSHM_STAT_HANGUP;
	if (ipcshm_queue_is_revoked(queue))
		stat->flags |= IPCSHM_STAT_REVOKED;
}

static int queue_revoke(struct ipcshm_object *object)
{
	ipcshm_queue_revoke(object_queue(object));
	return 0;
}

const struct ipcshm_object_ops ipcshm_queue_ops = {
	.kind = IPCSHM_QUEUE,
	.create = queue_create,
	.open = qfile_open,
	.opened = qfile_opened,
	.describe = queue_describe,
	.stat = queue_stat,
	.revoke = queue_revoke,
	.release = queue_release,
};
