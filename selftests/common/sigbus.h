/* SPDX-License-Identifier: GPL-2.0-only */
/* Accesses that may be a SIGBUS. */
#ifndef IPCSHM_SIGBUS_H
#define IPCSHM_SIGBUS_H

#include "region.h"

bool can_read(unsigned char *at);
bool can_write(unsigned char *at);
size_t readable_pages(struct test_region *region, unsigned char *at, size_t count);

#endif /* IPCSHM_SIGBUS_H */
