// SPDX-License-Identifier: GPL-2.0-only
/* The memory of messages that are gone, for messages to come. */
#include "spares.h"

/* A spare message of the largest class but @slot_class, or NULL. */
struct ipcshm_msg *ipcshm_spares_pop_other(struct ipcshm_spares *spares, u32 slot_class)
{
	int other;

	for (other = IPCSHM_SLOT_CLASSES - 1; other >= 0; other--)
		if (other != slot_class && spares->first[other])
			return ipcshm_spares_pop(spares, other);
	return NULL;
}

/* The queue is no longer used. */
void ipcshm_spares_destroy(struct ipcshm_spares *spares)
{
	struct ipcshm_msg *msg;
	u32 slot_class;

	for (slot_class = 0; slot_class < IPCSHM_SLOT_CLASSES; slot_class++) {
		while ((msg = ipcshm_spares_pop(spares, slot_class))) {
			ipcshm_msg_put(msg);
			cond_resched();
		}
	}
}
