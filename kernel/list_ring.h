/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists that change for each message: without the checks of hardened kernels, which are calls. */
#ifndef IPCSHM_LIST_RING_H
#define IPCSHM_LIST_RING_H

#include <linux/list.h>

/* As list_add_tail(). */
static inline void ipcshm_ring_add(struct list_head *entry, struct list_head *first)
{
	struct list_head *last = first->prev;

	entry->next = first;
	entry->prev = last;
	last->next = entry;
	first->prev = entry;
}

/* As list_del(), without poison. */
static inline void ipcshm_ring_remove(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
}

#endif /* IPCSHM_LIST_RING_H */
