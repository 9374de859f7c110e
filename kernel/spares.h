/* SPDX-License-Identifier: GPL-2.0-only */
/* Spare messages: memory of former messages, to be recycled. */
#ifndef IPCSHM_SPARES_H
#define IPCSHM_SPARES_H

#include <linux/sizes.h>

#include "message.h"

/**
 * struct ipcshm_spares - spare messages of a queue, protected by its lock
 * @first: first message of each slot class, linked by @next
 * @bytes: memory of all messages
 *
 * A spare message has no files, no charge and one user. It keeps the reference to the pid of its
 * last sender, which often is the next sender, too.
 */
struct ipcshm_spares {
	struct ipcshm_msg *first[IPCSHM_SLOT_CLASSES];
	u32 bytes;
};

/* Limit of the memory of a queue's spare messages, which its quota of objects covers. */
#define IPCSHM_SPARE_BYTES SZ_16K

static inline struct ipcshm_msg *ipcshm_spares_pop(struct ipcshm_spares *spares, u32 slot_class)
{
	struct ipcshm_msg *msg = spares->first[slot_class];

	if (unlikely(!msg))
		return NULL;
	spares->first[slot_class] = msg->next;
	spares->bytes -= ipcshm_slot_size(slot_class);
	return msg;
}

static inline void ipcshm_spares_push(struct ipcshm_spares *spares, struct ipcshm_msg *msg)
{
	msg->next = spares->first[msg->slot_class];
	spares->first[msg->slot_class] = msg;
	spares->bytes += ipcshm_slot_size(msg->slot_class);
}

struct ipcshm_msg *ipcshm_spares_pop_other(struct ipcshm_spares *spares, u32 slot_class);
void ipcshm_spares_destroy(struct ipcshm_spares *spares);

#endif /* IPCSHM_SPARES_H */
