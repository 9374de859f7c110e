/* SPDX-License-Identifier: GPL-2.0-only */
/* How memory is allocated that user space asks for. */
#ifndef IPCSHM_GFP_H
#define IPCSHM_GFP_H

#include <linux/gfp.h>

/*
 * Charged to the caller's memory cgroup.  At the limit of that, and without memory, the
 * allocation fails: no task is killed for it.
 */
#define IPCSHM_GFP (GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#endif /* IPCSHM_GFP_H */
