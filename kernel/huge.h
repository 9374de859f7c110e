/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared memory of huge pages. */
#ifndef IPCSHM_HUGE_MEMORY_H
#define IPCSHM_HUGE_MEMORY_H

#include <linux/types.h>

struct file;

void ipcshm_huge_init(void);
void ipcshm_huge_exit(void);
struct file *ipcshm_huge_file_setup(const char *name, u64 size);

#endif /* IPCSHM_HUGE_MEMORY_H */
