/* SPDX-License-Identifier: GPL-2.0-only */
/* Common code of the tests that need swap or huge pages. */
#ifndef IPCSHM_SWAP_H
#define IPCSHM_SWAP_H

#include <stdlib.h>
#include <sys/mman.h>

#include "test.h"

#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

bool has_swap(void);
bool is_resident(void *address, size_t size);
void touch_pages(void *address, size_t size);
bool page_out(void *address, size_t size);
__u64 smaps_field(const void *address, const char *field);
const char *set_huge_pages(const char *mode);
const char *allow_huge_pages(void);
void restore_huge_pages(const char *was);

#endif /* IPCSHM_SWAP_H */
