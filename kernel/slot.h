/* SPDX-License-Identifier: GPL-2.0-only */
/* Slots: messages on their way between user space and a queue. */
#ifndef IPCSHM_SLOT_H
#define IPCSHM_SLOT_H

#include "queue.h"

bool ipcshm_slot_can_send(const struct ipcshm_message *user);
bool ipcshm_slot_can_receive(const struct ipcshm_port *port, const struct ipcshm_message *user);

int ipcshm_slot_create(struct ipcshm_port *port, struct ipcshm_slot *slot);
int ipcshm_slot_load(struct ipcshm_port *port, struct ipcshm_slot *slot,
		     struct ipcshm_message *user);
int ipcshm_slot_prepare(struct ipcshm_slot *slot, struct ipcshm_message *user);
void ipcshm_slot_put(struct ipcshm_slot *slot);

int ipcshm_slot_show(struct ipcshm_port *port, struct ipcshm_slot *slot, void __user *to);
int ipcshm_slot_deliver(struct ipcshm_port *port, struct ipcshm_slot *slot, void __user *to);
int ipcshm_slot_put_needed(const struct ipcshm_slot *slot, void __user *to);
void ipcshm_slot_put_back(struct ipcshm_port *port, struct ipcshm_slot *slot);

bool ipcshm_held_release(struct ipcshm_port *port, u64 offset);
void ipcshm_held_release_all(struct ipcshm_port *port, const struct signal_struct *holder);

#endif /* IPCSHM_SLOT_H */
