// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared memory of huge pages.  The mount of a shmem file decides its page size, so the
 * module has a mount of its own, as graphics drivers have.  No process can reach it.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mount.h>

#include "huge.h"
#include "shmem.h"

/* Immutable once loaded; NULL: this kernel has no huge pages for shared memory. */
static struct vfsmount *mount;

/* When the module is loaded, so that no user's namespace is the mount's. */
void ipcshm_huge_init(void)
{
	char options[] = "huge=within_size";	/* its reader writes to it */

	/* Or tmpfs would complain of the option. */
	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		return;
	mount = vfs_kern_mount(get_fs_type("tmpfs"), SB_KERNMOUNT, "ipcshm", options);
	if (IS_ERR(mount))
		mount = NULL;
	else
		mount->mnt_flags |= MNT_NOEXEC;	/* as the other memory, see shmem.c */
}

/* Files on it that are still being closed keep it. */
void ipcshm_huge_exit(void)
{
	if (mount)
		kern_unmount(mount);
}

/*
 * As ipcshm_shmem_file_setup(); the memory is of huge pages, as far as there are
 * any.  A mount of one's own is not bound by the administrator's "never" for shared
 * memory, so look at that here.  Shmem itself obeys "deny".
 */
struct file *ipcshm_huge_file_setup(const char *name, u64 size)
{
	if (!ipcshm_shmem_may_be_huge())
		return ipcshm_shmem_file_setup(NULL, name, size);
	return ipcshm_shmem_file_setup(mount, name, size);
}
