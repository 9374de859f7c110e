/* SPDX-License-Identifier: GPL-2.0-only */
/* The only place that knows kernel versions. */
#ifndef IPCSHM_COMPAT_H
#define IPCSHM_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "ipcshm needs Linux 6.1 or later"
#endif

#endif /* IPCSHM_COMPAT_H */
