// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a region: a shmem file that is sealed against changes of its size, its
 * pages, and the changes that the module makes.
 */
#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "compat.h"
#include "huge.h"
#include "region_internal.h"
#include "shmem.h"

/* The operations of an inode that cannot be opened.  They are the kernel's, and immutable. */
static const struct file_operations *closed_fops;

/*
 * Creates a file whose size only the module changes, so that no access to a mapping of it
 * raises SIGBUS by accident.  /proc/PID/maps shows its name.
 */
static struct file *backing_create(const char *name, u64 size, umode_t mode, bool huge)
{
	char *label = kasprintf(GFP_KERNEL, name ? "ipcshm:%s" : "ipcshm", name);
	struct file *backing;

	if (!label)
		return ERR_PTR(-ENOMEM);
	backing = huge ? ipcshm_huge_file_setup(label, size) :
			 ipcshm_shmem_file_setup(NULL, label, size);
	kfree(label);
	if (IS_ERR(backing))
		return ERR_PTR(ipcshm_shmem_error(PTR_ERR(backing)));
	/* As of a memfd that vm.memfd_noexec makes: fchmod(2) cannot make it executable. */
	file_inode(backing)->i_mode = S_IFREG | (mode & 0666);
	/* Otherwise /proc/PID/fd would open shmem's own file, which has no members. */
	file_inode(backing)->i_fop = closed_fops;
	SHMEM_I(file_inode(backing))->seals = F_SEAL_GROW | F_SEAL_SHRINK | IPCSHM_SEAL_EXEC;
	return backing;
}

/* Adds a dirty page: a clean one could be dropped again, since it reads as zero anyway. */
static int populate_page(struct address_space *mapping, pgoff_t index)
{
	/* Without RETRY_MAYFAIL a memory cgroup that is full has the OOM killer sent. */
	gfp_t gfp = mapping_gfp_mask(mapping) | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct page *page = shmem_read_mapping_page_gfp(mapping, index, gfp);

	if (IS_ERR(page))
		return ipcshm_shmem_error(PTR_ERR(page));
	set_page_dirty(page);
	put_page(page);
	return 0;
}

/* Adds all pages.  (On 6.1, any signal would end shmem's fallocate.) */
static int pages_populate(struct file *backing, u64 size)
{
	pgoff_t index;
	int err = 0;

	for (index = 0; index < PAGE_ALIGN(size) >> PAGE_SHIFT && !err; index++) {
		err = fatal_signal_pending(current) ? -EINTR :
		      populate_page(backing->f_mapping, index);
		cond_resched();
	}
	return err;
}

struct file *ipcshm_region_backing_create(const struct ipcshm_region_open_args *args,
					  const char *name, umode_t mode)
{
	u64 size = args->max_size == IPCSHM_UNBOUNDED ? args->size : PAGE_ALIGN(args->size);
	struct file *backing = backing_create(name, size, mode, args->how.flags & IPCSHM_HUGE);
	int err = 0;

	if (IS_ERR(backing))
		return backing;
	if (args->how.flags & IPCSHM_POPULATE)
		err = pages_populate(backing, size);
	if (err) {
		fput(backing);
		return ERR_PTR(err);
	}
	return backing;
}

/*
 * Lifts the seals for a change of the size.  They hold for all other tasks, which act on
 * them under the inode's lock, as this function does.  Only F_GET_SEALS can see them lifted.
 */
static int set_size(struct ipcshm_region *region, u64 size)
{
	struct shmem_inode_info *info = SHMEM_I(region_inode(region));
	struct iattr attr = { .ia_valid = ATTR_SIZE, .ia_size = size };
	int err;

	info->seals &= ~(F_SEAL_GROW | F_SEAL_SHRINK);
	err = ipcshm_notify_change(region->backing, &attr);
	info->seals |= F_SEAL_GROW | F_SEAL_SHRINK;
	return err;
}

static int size_shrink(struct ipcshm_region *region, u64 size)
{
	int err = ipcshm_members_lock_alone(&region->members);

	if (err)
		return err;
	err = set_size(region, size);
	ipcshm_members_unlock(&region->members);
	if (err)
		return err;
	/* Tasks that are no members can wait on words as well. */
	ipcshm_words_shrunk(&region->words);
	if (is_unbounded(region))
		ipcshm_region_pay(region, size);
	return 0;
}

/* The last page, which may be huge, may have been written to beyond the end. */
static int size_grow(struct ipcshm_region *region, u64 size)
{
	struct inode *inode = region_inode(region);

	shmem_truncate_range(inode, i_size_read(inode), -1);
	return set_size(region, size);
}

static int size_grow_paid(struct ipcshm_region *region, u64 size)
{
	u64 before = i_size_read(region_inode(region));
	int err = ipcshm_region_pay(region, size);

	if (err)
		return err;
	err = size_grow(region, size);
	if (err)
		ipcshm_region_pay(region, before);
	return err;
}

static int resize_locked(struct ipcshm_region *region, u64 size, bool may_pay)
{
	struct inode *inode = region_inode(region);

	if (is_revoked(region))
		return -EKEYREVOKED;
	if (SHMEM_I(inode)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (size < i_size_read(inode))
		return size_shrink(region, size);
	if (size == i_size_read(inode))
		return 0;
	if (!is_unbounded(region))
		return size_grow(region, size);
	return may_pay ? size_grow_paid(region, size) : -EPERM;
}

/* @may_pay: the payer of an unbounded region is the caller, so it can grow */
int ipcshm_region_resize(struct ipcshm_region *region, u64 size, bool may_pay)
{
	struct inode *inode = region_inode(region);
	int err;

	/* Another process may be allocating all of the region's memory under it. */
	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	err = resize_locked(region, size, may_pay);
	inode_unlock(inode);
	ipcshm_region_settle(region);
	return err;
}

/*
 * Without the inode's lock, the pages of a shmem file can be freed but its size
 * cannot change.  A holder of the lock settles afterwards.
 */
void ipcshm_region_backing_empty(struct ipcshm_region *region)
{
	struct inode *inode = region_inode(region);

	unmap_mapping_range(inode->i_mapping, 0, 0, 1);
	shmem_truncate_range(inode, 0, IPCSHM_REGION_MAX - 1);
	/* Private copies that were being made of pages before those were freed. */
	unmap_mapping_range(inode->i_mapping, 0, 0, 1);
	if (!inode_trylock(inode))
		return;
	set_size(region, 0);
	inode_unlock(inode);
}

/*
 * A region is opened by its name alone.  The operations that refuse to open its inode are
 * those of anonymous files, which outlive this module as an inode can that an O_PATH
 * descriptor holds.
 */
int ipcshm_region_backing_init(void)
{
	struct file *file = anon_inode_getfile("ipcshm", &generic_ro_fops, NULL, O_RDONLY);
	const struct file_operations *fops;
	int err = -EOPNOTSUPP;

	if (IS_ERR(file))
		return PTR_ERR(file);
	fops = file_inode(file)->i_fop;
	if (fops && !fops->owner && fops->open && fops->open(file_inode(file), file) == -ENXIO)
		err = 0;
	if (!err)
		closed_fops = fops;
	fput(file);
	return err;
}
