// SPDX-License-Identifier: GPL-2.0-only
/* Opening an object by its name. */
#include "open.h"

#include <stddef.h>
#include <unistd.h>

#include "error.h"
#include "parse.h"

int open_queue(const char *action, const char *word, uint32_t rights,
	       struct ipcshm_queue_attr *attr, int *fd)
{
	struct target target;
	int device;

	if (!parse_target(word, &target) || target.id || target.kind == IPCSHM_REGION)
		return error_print(action, word, STATUS_USAGE, "not the name of a queue",
				   "write NAME or queue/NAME");
	device = ipcshm_open();
	if (device < 0)
		return error_open(action, word, device);
	*fd = ipcshm_queue_open(device, target.name, rights, 0, attr);
	close(device);
	return *fd < 0 ? error_print_errno(action, word, *fd, NULL) : STATUS_OK;
}

int open_region(const char *action, const char *word, uint32_t rights,
		struct ipcshm_region_attr *attr, int *fd)
{
	struct target target;
	int device;

	if (!parse_target(word, &target) || target.id || target.kind == IPCSHM_QUEUE)
		return error_print(action, word, STATUS_USAGE, "not the name of a region",
				   "write NAME or region/NAME");
	device = ipcshm_open();
	if (device < 0)
		return error_open(action, word, device);
	*fd = ipcshm_region_open(device, target.name, rights, 0, attr);
	close(device);
	return *fd < 0 ? error_print_errno(action, word, *fd, NULL) : STATUS_OK;
}
