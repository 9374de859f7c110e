// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slots of a region's members, in pages that user space maps to read them.
 *
 * A slot is one word: 0 before its first member, the member's token while there is
 * one, and how the last member ended while there is none.  Each member of a slot has
 * another generation.  A slot whose generations are used up is retired, so no token
 * is ever given out twice.
 *
 *	alive	00 generation(14) slot(16)
 *	free	10 generation(14) end(8) code(8)
 *
 * Free slots are in a list, in the order in which they became free, and are used
 * before slots that never had a member.  So the table needs as many pages as members
 * existed at the same time, and retired slots.
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

/* The page at an index, or NULL if no slot of it was used yet. */
struct page *ipcshm_member_table_page(const struct ipcshm_member_table *table, u32 index)
{
	/* Pairs with ipcshm_member_table_add(): the page is seen as it was filled in. */
	struct ipcshm_member_table_page *page = smp_load_acquire(&table->pages[index]);

	return page ? page->page : NULL;
}

/* There is none at the index yet. */
void ipcshm_member_table_add(struct ipcshm_member_table *table, u32 index,
			     struct ipcshm_member_table_page *page)
{
	/* Pairs with ipcshm_member_table_page(). */
	smp_store_release(&table->pages[index], page);
}

/* Where in the pages a slot is. */

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

/* What user space sees of a slot. */
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

/* Takes the next slot, whose page is there, for a new member; returns its token. */
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
 * The member with a token has ended.  The release orders all that its threads have
 * stored before what a reader does that has loaded the slot with acquire.
 */
void ipcshm_member_table_give_back(struct ipcshm_member_table *table, u32 token,
				   enum ipcshm_end end, u32 code)
{
	u32 generation = IPCSHM_TOKEN_GENERATION(token);
	u32 slot = IPCSHM_TOKEN_SLOT(token);

	/* Pairs with user space's look at the slot. */
	smp_store_release(slot_word(table, slot),
			  IPCSHM_SLOT_ENDED | generation << IPCSHM_TOKEN_SLOT_BITS |
			  IPCSHM_SLOT_END(end, code));
	if (generation < table->generations)
		free_slot_append(table, slot);
}
