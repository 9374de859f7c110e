/* SPDX-License-Identifier: GPL-2.0-only */
/* Between user space and a queue: messages made from what is there, slots to be filled there. */
#ifndef IPCSHM_SLOT_H
#define IPCSHM_SLOT_H

#include "queue.h"

bool ipcshm_outgoing_is_valid(const struct ipcshm_message *user);
struct ipcshm_msg *ipcshm_outgoing_create(struct ipcshm_port *port,
					  const struct ipcshm_message *user, struct iov_iter *from);
struct ipcshm_msg *ipcshm_outgoing_load(struct ipcshm_port *port,
					const struct ipcshm_message *user);

bool ipcshm_slot_is_valid(const struct ipcshm_port *port, const struct ipcshm_message *user);
int ipcshm_slot_prepare(struct ipcshm_slot *slot, struct ipcshm_message *user);
void ipcshm_slot_put(struct ipcshm_slot *slot);

int ipcshm_slot_show(struct ipcshm_port *port, struct ipcshm_slot *slot, void __user *to);
bool ipcshm_slot_deliver_at_once(struct ipcshm_port *port, struct ipcshm_slot *slot,
				 void __user *to);
int ipcshm_slot_copy(struct ipcshm_port *port, struct ipcshm_slot *slot);
int ipcshm_slot_deliver(struct ipcshm_port *port, struct ipcshm_slot *slot, void __user *to);
int ipcshm_slot_put_needed(const struct ipcshm_slot *slot, void __user *to);
void ipcshm_slot_put_back(struct ipcshm_port *port, struct ipcshm_slot *slot);

bool ipcshm_held_release(struct ipcshm_port *port, u64 offset);
void ipcshm_held_release_all(struct ipcshm_port *port, const struct pid *holder);

#endif /* IPCSHM_SLOT_H */
