// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of regions.  Their operations are shmem's but for those that count members and
 * those that refuse pages of a revoked region.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "region_internal.h"

/* Counts a mapping that was split, moved, or inherited by a child with its own membership. */
static void region_vma_open(struct vm_area_struct *vma)
{
	vma->vm_private_data = ipcshm_members_map_copied(&region_of(vma->vm_file)->members,
							 vma->vm_private_data, vma->vm_mm);
}

static void region_vma_close(struct vm_area_struct *vma)
{
	struct ipcshm_region *region = region_of(vma->vm_file);

	if (ipcshm_members_unmap(&region->members, vma->vm_private_data))
		ipcshm_region_work_queue(region);
}

/* Shmem's operations, which cannot be named from here; set with region_vm_ops, then immutable. */
static const struct vm_operations_struct *shmem_vm_ops;

/*
 * The page that shmem returns is locked until it is mapped.  So region_work(),
 * which locks each page that it frees, finds either no page or one that is
 * mapped, and unmaps it; a page that came too late for that is not mapped.
 */
static vm_fault_t region_vma_fault(struct vm_fault *vmf)
{
	struct ipcshm_region *region = region_of(vmf->vma->vm_file);
	vm_fault_t result;

	if (is_revoked(region))
		return VM_FAULT_SIGBUS;
	result = shmem_vm_ops->fault(vmf);
	/* After VM_FAULT_RETRY the mapping may be gone, and the region with it. */
	if (!(result & VM_FAULT_LOCKED))
		return result;
	/* As in ipcshm_region_settle(). */
	smp_mb();
	if (likely(!is_revoked(region)))
		return result;
	unlock_page(vmf->page);
	put_page(vmf->page);
	vmf->page = NULL;
	ipcshm_region_work_queue(region);
	return VM_FAULT_SIGBUS;
}

/* Maps existing pages, each of them locked until it is mapped: see region_vma_fault(). */
static vm_fault_t region_vma_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	if (is_revoked(region_of(vmf->vma->vm_file)))
		return 0;
	return shmem_vm_ops->map_pages(vmf, start, end);
}

static DEFINE_MUTEX(vm_ops_lock);

static struct vm_operations_struct region_vm_ops;

/*
 * Shmem's operations are the same for all of its unlinked files, which the
 * backings are.
 */
static void vma_adopt(struct vm_area_struct *vma)
{
	mutex_lock(&vm_ops_lock);
	if (!shmem_vm_ops) {
		region_vm_ops = *vma->vm_ops;
		region_vm_ops.open = region_vma_open;
		region_vm_ops.close = region_vma_close;
		region_vm_ops.fault = region_vma_fault;
		if (region_vm_ops.map_pages)
			region_vm_ops.map_pages = region_vma_map_pages;
		shmem_vm_ops = vma->vm_ops;
	}
	mutex_unlock(&vm_ops_lock);
	vma->vm_ops = &region_vm_ops;
}

/*
 * A mapping whose flags have changed here is tried once more to be merged by Linux
 * 6.5 and later, and dropped without a close.  We change nothing; where shmem does,
 * for a seal or an architecture, it becomes one that is never merged.
 */
int ipcshm_region_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ipcshm_region *region = region_of(file);
	unsigned long flags = vma->vm_flags;
	struct ipcshm_membership *member;
	int err;

	if (vma->vm_pgoff >= IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT)
		return ipcshm_members_map_table(&region->members, vma);
	member = ipcshm_members_map(&region->members, vma->vm_mm);
	if (IS_ERR(member))
		return PTR_ERR(member);
	err = ipcshm_vfs_mmap(region->backing, vma);
	if (err) {
		ipcshm_members_unmap(&region->members, member);
		return err;
	}
	if (vma->vm_flags != flags)
		ipcshm_vm_flags_mod(vma, VM_DONTEXPAND, 0);
	vma->vm_private_data = member;
	vma_adopt(vma);
	return 0;
}

/*
 * A mapping cannot reach over the end, so that mapped pages can be accessed, except
 * those that a region can still grow to.  Checked here, because a mapping that
 * continues another one is merged with it and never seen by ipcshm_region_mmap().
 * (VM_DONTEXPAND would hold it against mremap(2) too, but turns off mlock(2) and
 * huge pages.)
 */
unsigned long ipcshm_region_get_unmapped_area(struct file *file, unsigned long address,
					      unsigned long len, unsigned long pgoff,
					      unsigned long flags)
{
	struct ipcshm_region *region = region_of(file);
	struct file *backing = region->backing;

	if (is_revoked(region))
		return -EKEYREVOKED;
	if (pgoff < IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT &&
	    pgoff + (len >> PAGE_SHIFT) > region_max_size(region) >> PAGE_SHIFT)
		return -ENXIO;
	/* shmem insists on a file of its own here. */
	return backing->f_op->get_unmapped_area(backing, address, len, pgoff, flags);
}
