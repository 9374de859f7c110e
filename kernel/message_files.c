// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors in flight: the files of a message. */
#include <linux/eventfd.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "gfp.h"
#include "message.h"

#ifndef PIDFS_MAGIC	/* before Linux 6.9 */
#define PIDFS_MAGIC 0x50494446
#endif
#define MQUEUE_MAGIC 0x19800202	/* POSIX message queues; defined in ipc/mqueue.c only */

/* A file system that the kernel mounts for itself: most of its files are regular by name only. */
static bool is_internal(const struct super_block *sb)
{
	return sb->s_flags & (SB_NOUSER | SB_KERNMOUNT);
}

static bool is_plain_regular(const struct inode *inode)
{
	if (!S_ISREG(inode->i_mode))
		return false;
	switch (inode->i_sb->s_magic) {
	case TMPFS_MAGIC:	/* regions and memfds among them */
	case HUGETLBFS_MAGIC:
	case SECRETMEM_MAGIC:
		return true;
	case MQUEUE_MAGIC:
	case NSFS_MAGIC:
	case PIDFS_MAGIC:
	case PROC_SUPER_MAGIC:
		return false;
	default:
		return !is_internal(inode->i_sb);
	}
}

static bool is_eventfd(struct file *file)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fileget(file);

	if (IS_ERR(eventfd))
		return false;
	eventfd_ctx_put(eventfd);
	return true;
}

/*
 * Only files that cannot hold a queue may travel: a queue that is reached through nothing
 * but a message in itself would never be freed.  (Sockets have a collector of such cycles;
 * a module cannot join it.)
 */
static bool may_travel(struct file *file)
{
	const struct inode *inode = file_inode(file);

	return S_ISDIR(inode->i_mode) || S_ISFIFO(inode->i_mode) || is_plain_regular(inode) ||
	       is_eventfd(file);
}

static void files_put(struct ipcshm_msg *msg)
{
	u32 i;

	for (i = 0; i < msg->nr_files; i++)
		fput(msg->files[i]);
	kfree(msg->files);
	msg->files = NULL;
}

/* Adds the file that the sender calls @fd. */
static int files_add(struct ipcshm_msg *msg, s32 fd)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	if (!may_travel(file)) {
		fput(file);
		return -EPERM;
	}
	msg->files[msg->nr_files++] = file;
	return 0;
}

int ipcshm_msg_get_files(struct ipcshm_msg *msg, const s32 __user *from, u32 count)
{
	s32 fds[IPCSHM_FDS_MAX];
	int err = 0;
	u32 i;

	if (copy_from_user(fds, from, count * sizeof(*fds)))
		return -EFAULT;
	msg->files = kcalloc(count, sizeof(*msg->files), IPCSHM_GFP);
	if (!msg->files)
		return -ENOMEM;
	for (i = 0; i < count && !err; i++)
		err = files_add(msg, fds[i]);
	if (err)
		files_put(msg);
	return err;
}

/* The message stays, for example in the pool, but needs no files any longer. */
void ipcshm_msg_close_files(struct ipcshm_msg *msg)
{
	if (msg->files)
		files_put(msg);
}

/* Give back numbers that were not used. */
void ipcshm_fds_cancel(const struct ipcshm_fds *fds)
{
	u32 i;

	for (i = 0; i < fds->count; i++)
		put_unused_fd(fds->numbers[i]);
}

/**
 * ipcshm_fds_reserve - reserve descriptors of the current task for the files of a message
 * @fds: filled in
 * @msg: the message
 * @room: maximum number of descriptors
 *
 * Everything that can refuse a descriptor does so here.  An installed descriptor cannot
 * be taken back: closing it drops POSIX locks, calls the file's ->flush, and may hit what
 * another thread has put in its place.  So the numbers are copied out first, and
 * installed when nothing can fail any longer.
 *
 * Return: 0, or an error of a security module, -EMFILE or -ENOMEM; then nothing is reserved.
 */
int ipcshm_fds_reserve(struct ipcshm_fds *fds, const struct ipcshm_msg *msg, u32 room)
{
	u32 count = min(room, msg->nr_files);
	int fd;

	for (fds->count = 0; fds->count < count; fds->count++) {
		fd = ipcshm_file_check_receive(msg->files[fds->count]);
		if (!fd)
			fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0) {
			ipcshm_fds_cancel(fds);
			return fd;
		}
		fds->numbers[fds->count] = fd;
	}
	return 0;
}

void ipcshm_fds_install(const struct ipcshm_fds *fds, const struct ipcshm_msg *msg)
{
	u32 i;

	for (i = 0; i < fds->count; i++)
		fd_install(fds->numbers[i], get_file(msg->files[i]));
}
