// SPDX-License-Identifier: GPL-2.0-only
/* Words of a region: reading them through the page cache, and the buckets of their waits. */
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

#include "region_word.h"

struct ipcshm_bucket *ipcshm_words_bucket(struct ipcshm_words *words, u64 offset)
{
	/* Which words share a bucket differs from region to region. */
	return &words->buckets[hash_64(offset ^ (unsigned long)words, IPCSHM_BUCKET_BITS)];
}

bool ipcshm_word_is_valid(const struct ipcshm_word *word)
{
	return (word->size == 4 || word->size == 8) && !(word->offset % word->size) &&
	       (word->size == 8 || word->expected <= U32_MAX);
}

bool ipcshm_word_is_beyond(const struct ipcshm_words *words, u64 offset)
{
	return offset >= i_size_read(words->mapping->host);
}

/*
 * With the reference, the page stays where it is: it can't be swapped out, moved
 * or made part of a huge page.  It can only be punched out.
 */
struct page *ipcshm_word_page_get(const struct ipcshm_words *words, const struct ipcshm_word *word)
{
	if (ipcshm_word_is_beyond(words, word->offset))
		return ERR_PTR(-EINVAL);
	return shmem_read_mapping_page_gfp(words->mapping, word->offset >> PAGE_SHIFT,
					   mapping_gfp_mask(words->mapping));
}

bool ipcshm_word_differs(const struct ipcshm_words *words, const struct ipcshm_word *word,
			 struct page *page)
{
	const void *memory;
	u64 value;

	/* Punched out: the page is no longer that of the word. */
	if (READ_ONCE(page_folio(page)->mapping) != words->mapping)
		return true;
	/* Some memory models look at the page's flags for that, at those that never change. */
	memory = data_race(kmap_local_page(page)) + offset_in_page(word->offset);
	value = word->size == 4 ? READ_ONCE(*(const u32 *)memory) :
				  READ_ONCE(*(const u64 *)memory);
	kunmap_local(memory);
	return value != word->expected;
}
