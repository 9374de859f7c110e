/* SPDX-License-Identifier: GPL-2.0-only */
/* The slots of a region's members, in pages that user space maps to read them. */
#ifndef IPCSHM_MEMBER_TABLE_H
#define IPCSHM_MEMBER_TABLE_H

#include <linux/mm.h>
#include <linux/types.h>

#include "uapi/linux/ipcshm.h"

#define IPCSHM_MEMBER_TABLE_SIZE	PAGE_ALIGN(sizeof(struct ipcshm_member_page))
#define IPCSHM_MEMBER_TABLE_PAGES	(IPCSHM_MEMBER_TABLE_SIZE >> PAGE_SHIFT)
#define IPCSHM_MEMBER_TABLE_WORDS	(PAGE_SIZE / sizeof(u32))	/* of a page */

/**
 * struct ipcshm_member_table_page - one page of a table
 * @page: user space maps it; only the kernel writes to it
 * @next: for each slot in the page that is in the list of free slots, the next one
 */
struct ipcshm_member_table_page {
	struct page *page;
	u16 next[IPCSHM_MEMBER_TABLE_WORDS];
};

/**
 * struct ipcshm_member_table - the slots of a region
 * @pages: pages in use; an entry is set once, and read without the lock
 * @limit: highest number of slots; immutable
 * @generations: members that a slot can have, one after another; immutable
 * @slots: number of slots that have been used
 * @free: number of those that are free and not retired
 * @first: the slot that has been free for longest, if @free is not 0
 * @last: the slot that became free last, if @free is not 0
 *
 * The members' lock protects a table.
 */
struct ipcshm_member_table {
	struct ipcshm_member_table_page *pages[IPCSHM_MEMBER_TABLE_PAGES];
	u32 limit;
	u32 generations;
	u32 slots;
	u32 free;
	u16 first;
	u16 last;
};

void ipcshm_member_table_init(struct ipcshm_member_table *table, u32 limit, u32 generations);
void ipcshm_member_table_destroy(struct ipcshm_member_table *table);

struct ipcshm_member_table_page *ipcshm_member_table_page_create(void);
void ipcshm_member_table_page_destroy(struct ipcshm_member_table_page *page);
struct page *ipcshm_member_table_page(const struct ipcshm_member_table *table, u32 index);
void ipcshm_member_table_add(struct ipcshm_member_table *table, u32 index,
			     struct ipcshm_member_table_page *page);

u32 ipcshm_member_table_index(u32 slot);
int ipcshm_member_table_next(const struct ipcshm_member_table *table);
u32 ipcshm_member_table_take(struct ipcshm_member_table *table);
void ipcshm_member_table_give_back(struct ipcshm_member_table *table, u32 token,
				   enum ipcshm_end end, u32 code);
u32 ipcshm_member_table_word(const struct ipcshm_member_table *table, u32 slot);

/* The first page starts with the header; NULL if there is none yet. */
static inline struct ipcshm_member_page *
ipcshm_member_table_header(const struct ipcshm_member_table *table)
{
	struct page *page = ipcshm_member_table_page(table, 0);

	return page ? page_address(page) : NULL;
}

#endif /* IPCSHM_MEMBER_TABLE_H */
