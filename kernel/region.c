// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: shared memory behind a descriptor.
 *
 * A region's pages are those of a shmem file, its backing.  Each open makes a
 * file of ours on the inode of that file, so that whatever works on the inode
 * (fstat, seals, swap, huge pages, NUMA policy) works as on a memfd, and what
 * goes through the file is handed to the backing's operations.  A mapping
 * holds our file, and with it the region and this module.
 */
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "ioctl.h"
#include "limits.h"
#include "region.h"

/**
 * struct ipcshm_region - a shared memory region
 * @object: its base
 * @backing: the shmem file that has the pages; a reference; immutable
 * @size: bytes, whole pages; immutable
 */
struct ipcshm_region {
	struct ipcshm_object object;
	struct file *backing;
	u64 size;
};

static struct ipcshm_region *region_of(const struct file *file)
{
	return file->private_data;
}

static struct ipcshm_region *object_region(const struct ipcshm_object *object)
{
	return container_of(object, struct ipcshm_region, object);
}

/* What the backing does as well on a file of ours, which has the same inode. */

static const struct file_operations *backing_ops(const struct file *file)
{
	return region_of(file)->backing->f_op;
}

/*
 * A mapping can't reach over the end, so that what is mapped can be accessed.
 * (VM_DONTEXPAND would hold that against mremap(2) too, but turns off mlock(2)
 * and huge pages.)
 */
static int region_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff + vma_pages(vma) > region_of(file)->size >> PAGE_SHIFT)
		return -ENXIO;
	return backing_ops(file)->mmap(file, vma);
}

static unsigned long region_get_unmapped_area(struct file *file, unsigned long address,
					      unsigned long len, unsigned long pgoff,
					      unsigned long flags)
{
	struct file *backing = region_of(file)->backing;

	/* shmem insists on a file of its own here. */
	return backing->f_op->get_unmapped_area(backing, address, len, pgoff, flags);
}

static loff_t region_llseek(struct file *file, loff_t offset, int whence)
{
	return backing_ops(file)->llseek(file, offset, whence);
}

static ssize_t region_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return backing_ops(iocb->ki_filp)->read_iter(iocb, to);
}

static ssize_t region_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return backing_ops(iocb->ki_filp)->write_iter(iocb, from);
}

static ssize_t region_splice_read(struct file *file, loff_t *pos, struct pipe_inode_info *pipe,
				  size_t len, unsigned int flags)
{
	return backing_ops(file)->splice_read(file, pos, pipe, len, flags);
}

static long region_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	return backing_ops(file)->fallocate(file, mode, offset, len);
}

static long region_stat(struct ipcshm_region *region, struct ipcshm_uarg uarg)
{
	struct ipcshm_region_stat args;
	int err;

	err = ipcshm_args_get(&args, sizeof(args), IPCSHM_REGION_STAT_SIZE_VER0, uarg);
	if (err)
		return err;
	ipcshm_object_stat(&region->object, &args.stat);
	args.size = region->size;
	return ipcshm_args_put(&args, sizeof(args), uarg);
}

static long region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ipcshm_uarg uarg = ipcshm_uarg(cmd, arg);

	switch (ipcshm_ioctl_nr(cmd)) {
	case _IOC_NR(IPCSHM_IOC_REGION_STAT):
		return region_stat(region_of(file), uarg);
	default:
		return -ENOTTY;
	}
}

static int region_file_release(struct inode *inode, struct file *file)
{
	ipcshm_object_put(&region_of(file)->object);
	return 0;
}

static const struct file_operations region_fops = {
	.owner = THIS_MODULE,
	.release = region_file_release,
	.mmap = region_mmap,
	.get_unmapped_area = region_get_unmapped_area,
	.llseek = region_llseek,
	.read_iter = region_read_iter,
	.write_iter = region_write_iter,
	.splice_read = region_splice_read,
	.splice_write = iter_file_splice_write,
	.fallocate = region_fallocate,
	.fsync = noop_fsync,
	.unlocked_ioctl = region_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* The life of a region. */

int ipcshm_region_check(const struct ipcshm_region_open *args)
{
	bool create = args->open.flags & IPCSHM_CREATE;

	if (!(args->open.flags & IPCSHM_READ) || args->open.flags & IPCSHM_NONBLOCK)
		return -EINVAL;
	if (!create)
		return args->size ? -EINVAL : 0;
	return args->size && args->size <= IPCSHM_REGION_MAX ? 0 : -EINVAL;
}

/*
 * A file whose size can't change: no access to a mapping of it is ever a SIGBUS.
 * Its name is what /proc/PID/maps shows.
 */
static struct file *backing_create(const char *name, u64 size, umode_t mode)
{
	char *label = kasprintf(GFP_KERNEL, name ? "ipcshm:%s" : "ipcshm", name);
	struct file *backing;

	if (!label)
		return ERR_PTR(-ENOMEM);
	backing = shmem_file_setup(label, size, 0);
	kfree(label);
	if (IS_ERR(backing))
		return backing;
	file_inode(backing)->i_mode = S_IFREG | mode;
	SHMEM_I(file_inode(backing))->seals = F_SEAL_GROW | F_SEAL_SHRINK;
	return backing;
}

static struct ipcshm_object *region_create(const void *attr, const char *name,
					   struct ipcshm_limits *owner, umode_t mode)
{
	u64 size = PAGE_ALIGN(((const struct ipcshm_region_open *)attr)->size);
	struct ipcshm_region *region;
	int err;

	err = ipcshm_limits_charge(owner, IPCSHM_QUOTA_REGION_BYTES, size);
	if (err)
		return ERR_PTR(err);
	err = -ENOMEM;
	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		goto uncharge;
	region->backing = backing_create(name, size, mode);
	if (IS_ERR(region->backing)) {
		err = PTR_ERR(region->backing);
		goto free;
	}
	region->object.inode = file_inode(region->backing);
	region->size = size;
	return &region->object;

free:
	kfree(region);
uncharge:
	ipcshm_limits_uncharge(owner, IPCSHM_QUOTA_REGION_BYTES, size);
	return ERR_PTR(err);
}

/*
 * alloc_file_pseudo() takes over a reference to the inode, and none to the
 * module that the file's operations are in, though closing the file drops one.
 */
static struct file *region_open(struct ipcshm_object *object, u32 flags)
{
	struct ipcshm_region *region = object_region(object);
	struct inode *inode = file_inode(region->backing);
	struct file *file;

	ihold(inode);
	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(inode, region->backing->f_path.mnt,
				 region->backing->f_path.dentry->d_name.name,
				 flags & IPCSHM_WRITE ? O_RDWR : O_RDONLY, &region_fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		iput(inode);
		return file;
	}
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->private_data = region;
	return file;
}

static void region_describe(const struct ipcshm_object *object, void *attr)
{
	((struct ipcshm_region_open *)attr)->size = object_region(object)->size;
}

static void region_release(struct ipcshm_object *object)
{
	struct ipcshm_region *region = object_region(object);

	ipcshm_limits_uncharge(object->owner, IPCSHM_QUOTA_REGION_BYTES, region->size);
	fput(region->backing);
	kfree(region);
}

const struct ipcshm_object_ops ipcshm_region_ops = {
	.kind = IPCSHM_REGION,
	.create = region_create,
	.open = region_open,
	.describe = region_describe,
	.release = region_release,
};
