/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that is done later, by a kernel thread. */
#ifndef IPCSHM_WORK_H
#define IPCSHM_WORK_H

#include <linux/workqueue.h>

/*
 * For everything that the module does later.  It is emptied when the module goes, after
 * the last descriptor, mapping and network namespace: queued work needs no
 * reference to the module.
 */
extern struct workqueue_struct *ipcshm_workqueue;

#endif /* IPCSHM_WORK_H */
