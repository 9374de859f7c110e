/* SPDX-License-Identifier: GPL-2.0-only */
/* What shmem says, in terms of ours. */
#ifndef IPCSHM_SHMEM_H
#define IPCSHM_SHMEM_H

#include <linux/errno.h>

/* No memory for an inode, or a page, is a full file system to it. */
static inline int ipcshm_shmem_error(int err)
{
	return err == -ENOSPC ? -ENOMEM : err;
}

#endif /* IPCSHM_SHMEM_H */
