// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slots of a region's members, in pages that user space maps to read them.
 *
 * A slot is one word: 0 before its first member, the token of its member, or how its
 * last member ended.  Each member of a slot has another generation.  A slot whose
 * generations are used up is retired, so no token is given out twice.
 *
 *	alive	00 generation(14) slot(16)
 *	free	10 generation(14) end(8) code(8)
 *
 * Free slots are in a list, in the order in which they became free, and are used
 * before slots that never had a member.  So the size of the table follows from the
 * highest number of members at a time, and the number of retired slots.
 */
#include <linux/gfp.h>
#include <linux/slab.h>

#include "member_table.h"

#define HEADER_WORDS	(offsetof(struct ipcshm_member_page, slot) / sizeof(u32))

void ipcshm_member_table_init(struct ipcshm_member_table *table, u32 limit, u32 generations)
{
	*table = (struct ipcshm_member_table){ .limit = limit, .generations = generations };
}

void ipcshm_member_table_destroy(struct ipcshm_member_table *table)
{
	u32 index;

	for (index = 0; index < IPCSHM_MEMBER_TABLE_PAGES; index++)
		ipcshm_member_table_page_destroy(table->pages[index]);
}

struct ipcshm_member_table_page *ipcshm_member_table_page_create(void)
{
	struct ipcshm_member_table_page *page = kmalloc(sizeof(*page), GFP_KERNEL_ACCOUNT);

	if (!page)
		return NULL;
	page->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page->page) {
		kfree(page);
		return NULL;
	}
	return page;
}

void ipcshm_member_table_page_destroy(struct ipcshm_member_table_page *page)
{
	if (!page)
		return;
	__free_page(page->page);
	kfree(page);
}

/* The page at an index, or NULL before the first use of a slot in it. */
struct page *ipcshm_member_table_page(const struct ipcshm_member_table *table, u32 index)
{
	/* Pairs with ipcshm_member_table_add(): the content of the page is seen. */
	struct ipcshm_member_table_page *page = smp_load_acquire(&table->pages[index]);

	return page ? page->page : NULL;
}

/* Adds a page at an index that has none. */
void ipcshm_member_table_add(struct ipcshm_member_table *table, u32 index,
			     struct ipcshm_member_table_page *page)
{
	/* Pairs with ipcshm_member_table_page(). */
	smp_store_release(&table->pages[index], page);
}

/* Position of a slot in the pages. */

u32 ipcshm_member_table_index(u32 slot)
{
	return (HEADER_WORDS + slot) / IPCSHM_MEMBER_TABLE_WORDS;
}

static u32 *slot_word(const struct ipcshm_member_table *table, u32 slot)
{
	u32 *words = page_address(table->pages[ipcshm_member_table_index(slot)]->page);

	return &words[(HEADER_WORDS + slot) % IPCSHM_MEMBER_TABLE_WORDS];
}

static u16 *slot_next(struct ipcshm_member_table *table, u32 slot)
{
	struct ipcshm_member_table_page *page = table->pages[ipcshm_member_table_index(slot)];

	return &page->next[(HEADER_WORDS + slot) % IPCSHM_MEMBER_TABLE_WORDS];
}

/* The word of a slot, as user space sees it. */
u32 ipcshm_member_table_word(const struct ipcshm_member_table *table, u32 slot)
{
	return slot < table->slots ? *slot_word(table, slot) : 0;
}

/* The slot that the next member gets; -EUSERS: all are in use or retired. */
int ipcshm_member_table_next(const struct ipcshm_member_table *table)
{
	if (table->free)
		return table->first;
	return table->slots < table->limit ? table->slots : -EUSERS;
}

/* Takes the next slot, whose page exists, for a new member; returns its token. */
u32 ipcshm_member_table_take(struct ipcshm_member_table *table)
{
	u32 slot, token, *word;

	if (table->free) {
		slot = table->first;
		table->first = *slot_next(table, slot);
		table->free--;
	} else {
		slot = table->slots++;
	}
	word = slot_word(table, slot);
	token = (IPCSHM_TOKEN_GENERATION(*word) + 1) << IPCSHM_TOKEN_SLOT_BITS | slot;
	WRITE_ONCE(*word, token);
	return token;
}

static void free_slot_append(struct ipcshm_member_table *table, u32 slot)
{
	if (table->free++)
		*slot_next(table, table->last) = slot;
	else
		table->first = slot;
	table->last = slot;
}

/*
 * Ends the member with a token.  The release orders all stores of its threads before the
 * accesses of a reader that has loaded the slot with acquire.
 */
void ipcshm_member_table_give_back(struct ipcshm_member_table *table, u32 token,
				   enum ipcshm_end end, u32 code)
{
	u32 generation = IPCSHM_TOKEN_GENERATION(token);
	u32 slot = IPCSHM_TOKEN_SLOT(token);

	/* Pairs with a load of the slot in user space. */
	smp_store_release(slot_word(table, slot),
			  IPCSHM_SLOT_ENDED | generation << IPCSHM_TOKEN_SLOT_BITS |
			  IPCSHM_SLOT_END(end, code));
	if (generation < table->generations)
		free_slot_append(table, slot);
}
