/* SPDX-License-Identifier: GPL-2.0-only */
/* Regions: shared memory behind a descriptor. */
#ifndef IPCSHM_REGION_H
#define IPCSHM_REGION_H

#include "registry.h"

/* What REGION_OPEN takes besides what every open takes. */
#define IPCSHM_REGION_FLAGS (IPCSHM_POPULATE | IPCSHM_HUGE)

struct ipcshm_members;

extern const struct ipcshm_object_ops ipcshm_region_ops;

int ipcshm_region_init(void);
void ipcshm_region_exit(void);

struct ipcshm_members *ipcshm_region_members(struct ipcshm_object *object);
int ipcshm_region_check(const struct ipcshm_region_open_args *args);

#endif /* IPCSHM_REGION_H */
