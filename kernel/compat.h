/* SPDX-License-Identifier: GPL-2.0-only */
/* The only place that knows kernel versions. */
#ifndef IPCSHM_COMPAT_H
#define IPCSHM_COMPAT_H

#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/version.h>
#include <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "ipcshm needs Linux 6.1 or later"
#endif
#ifndef GENL_MCAST_CAP_SYS_ADMIN
#error "ipcshm needs a release of 2024 or later of Linux 6.1 or 6.6, or Linux 6.8 or later"
#endif

/* On the stack, written before it is read: not set to zero first. */
#if __has_attribute(__uninitialized__)
#define IPCSHM_UNINITIALIZED __attribute__((__uninitialized__))
#else
#define IPCSHM_UNINITIALIZED
#endif

/* Flags of a mapping are changed by functions alone since 6.3. */
static inline void ipcshm_vm_flags_mod(struct vm_area_struct *vma, unsigned long set,
				       unsigned long clear)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#else
	vm_flags_mod(vma, set, clear);
#endif
}

/*
 * The flags of shmem_file_setup() and shmem_file_setup_with_mnt() are a number
 * before 7.2 and a structure since.  Their type decides, since either can be
 * backported.
 */
#ifdef EMPTY_VMA_FLAGS
#define ipcshm_no_vma_flags()								\
	__builtin_choose_expr(__builtin_types_compatible_p(typeof(shmem_file_setup) *, \
		struct file *(*)(const char *, loff_t, unsigned long)),			\
		0UL, EMPTY_VMA_FLAGS)
#else
#define ipcshm_no_vma_flags() 0UL
#endif

/* Memory that can be sealed against execution, since 6.3. */
#ifdef F_SEAL_EXEC
#define IPCSHM_SEAL_EXEC F_SEAL_EXEC
#else
#define IPCSHM_SEAL_EXEC 0
#endif

/*
 * How a file declares that io_uring needs no thread for buffered writes to it: by a flag of
 * the open file, and since 6.10 by one of its operations.
 */
#ifdef FOP_BUFFER_WASYNC
#define IPCSHM_FOP_BUFFER_WASYNC .fop_flags = FOP_BUFFER_WASYNC
#define IPCSHM_FMODE_BUFFER_WASYNC ((__force fmode_t)0)
#else
#define IPCSHM_FOP_BUFFER_WASYNC
#define IPCSHM_FMODE_BUFFER_WASYNC FMODE_BUF_WASYNC
#endif

/*
 * Files can have an ->mmap_prepare instead of an ->mmap since 6.16; those of shmem
 * do since 7.2 at the latest.  The kernel's function for callers like us calls the
 * one that exists.  It was renamed in 6.17.
 */
static inline int ipcshm_vfs_mmap(struct file *file, struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return call_mmap(file, vma);
#else
	return vfs_mmap(file, vma);
#endif
}

static inline bool ipcshm_has_mmap(const struct file_operations *ops)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
	return ops->mmap;
#else
	return ops->mmap || ops->mmap_prepare;
#endif
}

/* A mount's user namespace became its ID map in 6.3. */
static inline int ipcshm_notify_change(struct file *file, struct iattr *attr)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	return notify_change(file_mnt_user_ns(file), file_dentry(file), attr, NULL);
#else
	return notify_change(file_mnt_idmap(file), file_dentry(file), attr, NULL);
#endif
}

/* Neither regions nor queues are on a mount with an ID map. */
static inline int ipcshm_inode_permission(struct inode *inode, int mask)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	return inode_permission(&init_user_ns, inode, mask);
#else
	return inode_permission(&nop_mnt_idmap, inode, mask);
#endif
}

/*
 * Ask the security modules whether the current task may receive @file.  The hook itself is
 * not exported.  receive_fd() calls it first, and installs nothing if the number cannot be
 * written.  Before 6.8 it writes no number, and the hook is left out: SELinux and AppArmor
 * check each use of a received file again; Smack and BPF programs do not.
 */
static inline int ipcshm_file_check_receive(struct file *file)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	return 0;
#else
	int result = receive_fd(file, (int __user *)ULONG_MAX, O_CLOEXEC);

	if (WARN_ON_ONCE(result >= 0)) {
		close_fd(result);
		return -EPERM;
	}
	return result == -EFAULT ? 0 : result;
#endif
}

/* Attributes of a dump's request: in a structure of their own since 6.7. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define ipcshm_dump_attrs(cb) (genl_dumpit_info(cb)->attrs)
#else
#define ipcshm_dump_attrs(cb) (genl_dumpit_info(cb)->info.attrs)
#endif

#endif /* IPCSHM_COMPAT_H */
