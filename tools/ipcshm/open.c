// SPDX-License-Identifier: GPL-2.0-only
/* Opening an object by its name or number. */
#include "open.h"

#include <stddef.h>
#include <unistd.h>

#include "error.h"
#include "parse.h"

static uint32_t by_id(const struct target *target)
{
	return target->id ? IPCSHM_BY_ID : 0;
}

/* NULL for an object that is opened by its number. */
static const char *name_to_open(const struct target *target)
{
	return target->id ? NULL : target->name;
}

int open_queue(const char *action, const char *word, uint32_t rights,
	       struct ipcshm_queue_attr *attr, int *fd)
{
	struct target target;
	int device;

	if (!parse_target(word, &target) || target.kind == IPCSHM_REGION)
		return error_print(action, word, STATUS_USAGE, "not a queue",
				   "write NAME, queue/NAME or id/NUMBER");
	device = ipcshm_open();
	if (device < 0)
		return error_open(action, word, device);
	attr->id = target.id;
	*fd = ipcshm_queue_open(device, name_to_open(&target), rights | by_id(&target), 0, attr);
	close(device);
	return *fd < 0 ? error_print_errno(action, word, *fd, NULL) : STATUS_OK;
}

int open_region(const char *action, const char *word, uint32_t rights,
		struct ipcshm_region_attr *attr, int *fd)
{
	struct target target;
	int device;

	if (!parse_target(word, &target) || target.kind == IPCSHM_QUEUE)
		return error_print(action, word, STATUS_USAGE, "not a region",
				   "write NAME, region/NAME or id/NUMBER");
	device = ipcshm_open();
	if (device < 0)
		return error_open(action, word, device);
	attr->id = target.id;
	*fd = ipcshm_region_open(device, name_to_open(&target), rights | by_id(&target), 0, attr);
	close(device);
	return *fd < 0 ? error_print_errno(action, word, *fd, NULL) : STATUS_OK;
}
