// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shmem files, and a test of the module's assumptions about them.
 *
 * The module calls shmem's file operations directly, replaces the operations of
 * its mappings and changes its seals.  A kernel in which one of these differs
 * must refuse the module, instead of crashing in the first mmap().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "compat.h"
#include "shmem.h"

#if !defined(CONFIG_SHMEM) || !defined(CONFIG_TMPFS)
#error "ipcshm needs a kernel with CONFIG_SHMEM and CONFIG_TMPFS"
#endif

/*
 * A mount of the kernel's own shmem file system from which nothing can be executed;
 * immutable once loaded.  Its file system is never unmounted.
 */
static struct vfsmount *kernel_mount;

/* Operations of a shmem file that regions and pools call; ->mmap is looked at apart. */
static const struct {
	const char *name;
	size_t offset;
} operations[] = {
#define OPERATION(name) { #name, offsetof(struct file_operations, name) }
	OPERATION(get_unmapped_area),
	OPERATION(llseek),
	OPERATION(read_iter),
	OPERATION(write_iter),
	OPERATION(splice_read),
	OPERATION(fallocate),
#undef OPERATION
};

static bool has_operation(const struct file_operations *ops, size_t i)
{
	return *(const void **)((const char *)ops + operations[i].offset);
}

/* A build with IPCSHM_FAULTS=y behaves as on a kernel that lacks what this parameter names. */
#ifdef IPCSHM_FAULTS
static char *without = "";
module_param(without, charp, 0444);
MODULE_PARM_DESC(without, "Missing feature of shmem: a file operation, seals, fault");

static bool shmem_lacks(const char *name)
{
	return !strcmp(without, name);
}

#else
static bool shmem_lacks(const char *name)
{
	return false;
}
#endif

/*
 * Mounts a shmem file system again, without execution.  So the memory of its files is never
 * mapped to be executed: the kernel refuses PROT_EXEC with EPERM, mprotect(2) to it with
 * EACCES, and READ_IMPLIES_EXEC does not apply.  A region's ->mmap cannot clear VM_MAYEXEC
 * instead: since Linux 6.5, mappings with changed flags are merged without ->close.
 */
static struct vfsmount *mount_create(struct dentry *root)
{
	struct super_block *sb = root->d_sb;
	struct fs_context *context = fs_context_for_mount(sb->s_type, SB_KERNMOUNT);
	struct vfsmount *mount;

	if (IS_ERR(context))
		return ERR_CAST(context);
	/* put_fs_context() drops both. */
	atomic_inc(&sb->s_active);
	context->root = dget(root);
	mount = vfs_create_mount(context);
	put_fs_context(context);
	if (!IS_ERR(mount))
		mount->mnt_flags |= MNT_NOEXEC;
	return mount;
}

/**
 * ipcshm_shmem_file_setup - make an unlinked shmem file
 * @mount: the tmpfs mount whose options apply, or NULL for the kernel's own
 * @name: as shown in /proc/PID/maps
 * @size: bytes
 *
 * Return: the file, or an error.
 */
struct file *ipcshm_shmem_file_setup(struct vfsmount *mount, const char *name, u64 size)
{
	return shmem_file_setup_with_mnt(mount ?: kernel_mount, name, size,
					 ipcshm_no_vma_flags());
}

/*
 * Whether /sys/kernel/mm/transparent_hugepage/shmem_enabled allows huge pages at all:
 * it sets this field of the kernel's own mount, 0 for "never".
 */
bool ipcshm_shmem_may_be_huge(void)
{
	const struct shmem_sb_info *info = kernel_mount->mnt_sb->s_fs_info;

	return READ_ONCE(info->huge);
}

static int refuse_load(const char *what, const char *name)
{
	pr_err("this kernel is not supported: shmem %s%s\n", what, name);
	return -EOPNOTSUPP;
}

static int check_operations(const struct file *file)
{
	size_t i;

	if (!ipcshm_has_mmap(file->f_op) || shmem_lacks("mmap"))
		return refuse_load("files have no ->", "mmap");
	for (i = 0; i < ARRAY_SIZE(operations); i++)
		if (!has_operation(file->f_op, i) || shmem_lacks(operations[i].name))
			return refuse_load("files have no ->", operations[i].name);
	return 0;
}

static int resize_file(struct file *file, loff_t size)
{
	struct iattr attr = { .ia_valid = ATTR_SIZE, .ia_size = size };

	return ipcshm_notify_change(file, &attr);
}

/* The seals are where they are expected, bind a resize, and can be lifted. */
static int check_seals(struct file *file)
{
	struct inode *inode = file_inode(file);
	struct shmem_inode_info *info = SHMEM_I(inode);
	bool work;

	if (info->seals != F_SEAL_SEAL || shmem_lacks("seals"))
		return refuse_load("files have no seals", "");
	inode_lock(inode);
	info->seals = F_SEAL_GROW | F_SEAL_SHRINK;
	work = resize_file(file, 2 * PAGE_SIZE) == -EPERM && resize_file(file, 0) == -EPERM;
	info->seals = 0;
	work = work && !resize_file(file, 2 * PAGE_SIZE) && i_size_read(inode) == 2 * PAGE_SIZE;
	inode_unlock(inode);
	return work ? 0 : refuse_load("seals do not decide about the size", "");
}

/*
 * The operations of a region's mapping are a copy of shmem's with other ->open and
 * ->close.  So shmem must have none, must map pages on a fault, and must keep
 * nothing in the mapping.
 */
static int check_vma(const struct vm_area_struct *vma)
{
	const struct vm_operations_struct *ops = vma ? vma->vm_ops : NULL;

	if (!ops || !ops->fault || shmem_lacks("fault"))
		return refuse_load("mappings have no ->", "fault");
	if (ops->open || ops->close || vma->vm_private_data)
		return refuse_load("mappings have state of their own", "");
	return 0;
}

static int check_mapping(struct file *file)
{
	struct mm_struct *mm = current->mm;
	unsigned long at;
	int err;

	/* No security module is asked about this memory. */
	file_inode(file)->i_flags |= S_PRIVATE;
	at = vm_mmap(file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
	if (IS_ERR_VALUE(at))
		return at;
	mmap_read_lock(mm);
	err = check_vma(find_vma(mm, at));
	mmap_read_unlock(mm);
	vm_munmap(at, PAGE_SIZE);
	return err;
}

static int check_file(struct file *file)
{
	int err;

	err = check_operations(file);
	if (!err)
		err = check_seals(file);
	if (!err)
		err = check_mapping(file);
	return err;
}

/**
 * ipcshm_shmem_init - test that shmem is as the module assumes
 *
 * For the load of the module, in the process that loads it.  The kernel's log
 * names the missing part.
 *
 * Return: 0, -EOPNOTSUPP if this kernel's shmem differs, or another error.
 */
int ipcshm_shmem_init(void)
{
	struct file *file = shmem_file_setup("ipcshm-check", PAGE_SIZE, ipcshm_no_vma_flags());
	int err;

	if (IS_ERR(file))
		return ipcshm_shmem_error(PTR_ERR(file));
	err = check_file(file);
	if (!err) {
		kernel_mount = mount_create(file->f_path.mnt->mnt_root);
		err = PTR_ERR_OR_ZERO(kernel_mount);
	}
	fput(file);
	return err;
}

/* Files that are still open keep the mount. */
void ipcshm_shmem_exit(void)
{
	kern_unmount(kernel_mount);
}
