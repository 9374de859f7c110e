// SPDX-License-Identifier: GPL-2.0-only
/* The pages that show the members of a region to user space. */
#include <linux/lockdep.h>
#include <linux/mm.h>

#include "compat.h"
#include "member.h"
#include "member_internal.h"

static void page_install(struct ipcshm_members *members, u32 index,
			 struct ipcshm_member_table_page *page)
{
	struct ipcshm_member_page *header = page_address(page->page);

	lockdep_assert_held(&members->lock);
	if (!index) {
		header->version = IPCSHM_MEMBER_PAGE_VERSION;
		header->max_members = members->max;
	}
	ipcshm_member_table_add(&members->table, index, page);
	/* Pairs with ipcshm_members_revoke(). */
	smp_mb();
	if (!index && READ_ONCE(members->revoked))
		WRITE_ONCE(header->revoked, 1);
}

/* Adds a page to the table if there is none at the index; or -ENOMEM. */
int ipcshm_member_page_ensure(struct ipcshm_members *members, u32 index)
{
	struct ipcshm_member_table_page *page;

	if (ipcshm_member_table_page(&members->table, index))
		return 0;
	page = ipcshm_member_table_page_create();
	if (!page)
		return -ENOMEM;
	mutex_lock(&members->lock);
	if (!ipcshm_member_table_page(&members->table, index)) {
		page_install(members, index, page);
		page = NULL;
	}
	mutex_unlock(&members->lock);
	ipcshm_member_table_page_destroy(page);
	return 0;
}

static vm_fault_t table_fault(struct vm_fault *vmf)
{
	struct ipcshm_members *members = vmf->vma->vm_private_data;
	pgoff_t index = vmf->pgoff - (IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT);

	if (index >= IPCSHM_MEMBER_TABLE_PAGES)
		return VM_FAULT_SIGBUS;
	if (ipcshm_member_page_ensure(members, index))
		return VM_FAULT_OOM;
	vmf->page = ipcshm_member_table_page(&members->table, index);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct table_vm_ops = {
	.fault = table_fault,
};

/* Read-only for ever: neither mprotect(2) nor ptrace(2) can write to it. */
int ipcshm_members_map_table(struct ipcshm_members *members, struct vm_area_struct *vma)
{
	int err;

	if (vma->vm_pgoff != IPCSHM_MEMBER_PAGE_OFFSET >> PAGE_SHIFT ||
	    vma_pages(vma) > IPCSHM_MEMBER_TABLE_PAGES)
		return -ENXIO;
	/* VM_SHARED isn't set if the descriptor is read-only. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	err = ipcshm_member_page_ensure(members, 0);
	if (err)
		return err;
	ipcshm_vm_flags_mod(vma, VM_DONTEXPAND, VM_MAYWRITE);
	vma->vm_private_data = members;
	vma->vm_ops = &table_vm_ops;
	return 0;
}

u32 ipcshm_members_deaths(const struct ipcshm_members *members)
{
	const struct ipcshm_member_page *header = ipcshm_member_table_header(&members->table);

	return header ? READ_ONCE(header->deaths) : 0;
}

/* Takes no lock: the caller must not wait for a holder of one. */
void ipcshm_members_revoke(struct ipcshm_members *members)
{
	struct ipcshm_member_page *header;

	WRITE_ONCE(members->revoked, true);
	/* Pairs with page_install(): one of the two sees what the other has stored. */
	smp_mb();
	header = ipcshm_member_table_header(&members->table);
	if (header)
		WRITE_ONCE(header->revoked, 1);
}
