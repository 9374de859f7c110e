/* SPDX-License-Identifier: GPL-2.0-only */
/* The objects of each network namespace, and their names. */
#ifndef IPCSHM_REGISTRY_H
#define IPCSHM_REGISTRY_H

#include <linux/types.h>

#include "uapi/linux/ipcshm.h"

struct ipcshm_object;
struct ipcshm_object_ops;
struct ipcshm_quotas;
struct ipcshm_registry;
struct net;

int ipcshm_registry_init(void);
void ipcshm_registry_exit(void);

struct ipcshm_registry *ipcshm_registry_get_current(void);
void ipcshm_registry_put(struct ipcshm_registry *registry);
struct ipcshm_quotas *ipcshm_registry_payer_get(const struct ipcshm_registry *registry);
struct ipcshm_quotas *ipcshm_registry_bound(const struct ipcshm_registry *registry);
void ipcshm_registry_keep(struct ipcshm_registry *registry, struct ipcshm_quotas *quotas);

struct ipcshm_object *ipcshm_registry_open(struct ipcshm_registry *registry,
					   const struct ipcshm_object_ops *ops,
					   struct ipcshm_open_how *how, const void *attr);
int ipcshm_registry_unlink(struct ipcshm_registry *registry, const struct ipcshm_unlink_args *what);

struct ipcshm_registry *ipcshm_registry_of(const struct net *net);
u32 ipcshm_registry_changes(struct ipcshm_registry *registry);
u32 ipcshm_registry_member_changes(struct ipcshm_registry *registry);
struct ipcshm_object *ipcshm_registry_hold(struct ipcshm_registry *registry, u64 id);
struct ipcshm_object *ipcshm_registry_hold_from(struct ipcshm_registry *registry, u64 id);
struct ipcshm_object *ipcshm_registry_hold_next(struct ipcshm_object *object);
struct ipcshm_object *ipcshm_registry_hold_named(struct ipcshm_registry *registry,
						 enum ipcshm_kind kind, const char *name);
void ipcshm_object_unhold(struct ipcshm_object *object);

#endif /* IPCSHM_REGISTRY_H */
