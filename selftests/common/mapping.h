/* SPDX-License-Identifier: GPL-2.0-only */
/* Mappings of a test, and their bytes. */
#ifndef IPCSHM_MAPPING_H
#define IPCSHM_MAPPING_H

#include <sys/mman.h>

#include "test.h"

void *map_shared(int fd, size_t size, int protection);
int map_error(int fd, size_t size, int protection, int flags);
bool all_bytes(const unsigned char *bytes, size_t size, unsigned char value);

#endif /* IPCSHM_MAPPING_H */
