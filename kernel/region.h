/* SPDX-License-Identifier: GPL-2.0-only */
/* Regions: shared memory behind a descriptor. */
#ifndef IPCSHM_REGION_H
#define IPCSHM_REGION_H

#include "object.h"

struct ipcshm_members;

extern const struct ipcshm_object_ops ipcshm_region_ops;

int ipcshm_region_init(void);
void ipcshm_region_exit(void);

struct ipcshm_members *ipcshm_region_members(struct ipcshm_object *object);
size_t ipcshm_region_find_invalid(const struct ipcshm_region_open_args *args);

#endif /* IPCSHM_REGION_H */
