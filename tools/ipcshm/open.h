/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening an object by its name or number. */
#ifndef OPEN_H
#define OPEN_H

#include <ipcshm.h>

/*
 * Open a queue or a region with some of IPCSHM_READ and IPCSHM_WRITE, and read its
 * attributes.  Return STATUS_OK with @fd, or print why not and return the exit status.
 */
int open_queue(const char *action, const char *word, uint32_t rights,
	       struct ipcshm_queue_attr *attr, int *fd);
int open_region(const char *action, const char *word, uint32_t rights,
		struct ipcshm_region_attr *attr, int *fd);

#endif /* OPEN_H */
