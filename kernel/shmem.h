/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory of regions and pools: shmem files. */
#ifndef IPCSHM_SHMEM_H
#define IPCSHM_SHMEM_H

#include <linux/errno.h>
#include <linux/types.h>

struct file;
struct vfsmount;

struct file *ipcshm_shmem_file_setup(struct vfsmount *mount, const char *name, u64 size);
bool ipcshm_shmem_may_be_huge(void);
int ipcshm_shmem_init(void);
void ipcshm_shmem_exit(void);

/* No memory for an inode or a page is a full file system to shmem. */
static inline int ipcshm_shmem_error(int err)
{
	return err == -ENOSPC ? -ENOMEM : err;
}

#endif /* IPCSHM_SHMEM_H */
