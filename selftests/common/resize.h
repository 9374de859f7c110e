/* SPDX-License-Identifier: GPL-2.0-only */
/* The size and the memory of a region. */
#ifndef IPCSHM_RESIZE_H
#define IPCSHM_RESIZE_H

#include "region.h"

int resize(struct test_region *region, size_t pages);
size_t pages_now(struct test_region *region);
size_t used_memory(int fd);
bool all_zero(const unsigned char *at, size_t size);

#endif /* IPCSHM_RESIZE_H */
