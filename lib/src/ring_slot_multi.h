/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Slot rings: what many producers and many consumers share.
 */
#ifndef IPCSHM_RING_SLOT_MULTI_H
#define IPCSHM_RING_SLOT_MULTI_H

#include "ring_seat.h"
#include "ring_slot.h"

/* ring_slot_multi_claim.c */

uint32_t ring_slot_free_run(struct ring *ring, uint64_t position, uint32_t span);
uint32_t ring_slot_items_in_claim(const struct ring *ring, uint32_t seat, uint64_t *first);
void ring_slot_end_adopted(struct ring *ring, uint32_t seat);
uint32_t ring_slot_adopt(struct ring *ring, uint32_t seat, uint64_t *first);

#endif /* IPCSHM_RING_SLOT_MULTI_H */
