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

/* Read the name of an object of a kind, and open the device. */
static int prepare_open(const char *action, const char *word, uint32_t kind, struct target *target,
			int *device)
{
	const bool is_region = kind == IPCSHM_REGION;

	if (!parse_target(word, target) || (target->kind && target->kind != kind))
		return error_print(action, word, STATUS_USAGE,
				   is_region ? "not a region" : "not a queue",
				   is_region ? "write NAME, region/NAME or id/NUMBER" :
					       "write NAME, queue/NAME or id/NUMBER");
	*device = ipcshm_open();
	return *device < 0 ? error_open(action, word, *device) : STATUS_OK;
}

int open_queue(const char *action, const char *word, uint32_t rights,
	       struct ipcshm_queue_attr *attr, int *fd)
{
	struct target target;
	int device = -1, status;

	status = prepare_open(action, word, IPCSHM_QUEUE, &target, &device);
	if (status)
		return status;
	attr->id = target.id;
	*fd = ipcshm_queue_open(device, name_to_open(&target), rights | by_id(&target), 0, attr);
	close(device);
	return *fd < 0 ? error_print_errno(action, word, *fd, NULL) : STATUS_OK;
}

int open_region(const char *action, const char *word, uint32_t rights,
		struct ipcshm_region_attr *attr, int *fd)
{
	struct target target;
	int device = -1, status;

	status = prepare_open(action, word, IPCSHM_REGION, &target, &device);
	if (status)
		return status;
	attr->id = target.id;
	*fd = ipcshm_region_open(device, name_to_open(&target), rights | by_id(&target), 0, attr);
	close(device);
	return *fd < 0 ? error_print_errno(action, word, *fd, NULL) : STATUS_OK;
}
