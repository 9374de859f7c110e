// SPDX-License-Identifier: GPL-2.0-only
/* The quota that a request exceeded. */
#include "quota_hint.h"

#include <ipcshm.h>
#include <linux/ipcshm_netlink.h>
#include <stdbool.h>
#include <stdio.h>

#include "names.h"
#include "output_format.h"

/* False if the quota has room: then it is not the one. */
static bool write_exceeded(unsigned int type, const struct ipcshm_quota *quota, uint64_t amount,
			   char hint[QUOTA_HINT_MAX])
{
	char used[FORMAT_MAX], max[FORMAT_MAX], asked[FORMAT_MAX];

	if (!amount || (quota->used <= quota->max && amount <= quota->max - quota->used))
		return false;
	format_quota(type, quota->used, used);
	format_quota(type, quota->max, max);
	format_quota(type, amount, asked);
	snprintf(hint, QUOTA_HINT_MAX,
		 "%s: %s of %s in use, %s requested; free some, or ask an administrator for more",
		 quota_names[type], used, max, asked);
	return true;
}

void quota_hint(int device, const struct quota_request *request, char hint[QUOTA_HINT_MAX])
{
	struct ipcshm_info info;

	snprintf(hint, QUOTA_HINT_MAX,
		 "of yours, a parent user namespace's or the network namespace's; \"ipcshm quota\" "
		 "prints yours");
	if (ipcshm_get_info(device, &info, sizeof(info)))
		return;
	if (!write_exceeded(IPCSHM_QUOTA_TYPE_OBJECTS, &info.objects, request->objects, hint) &&
	    !write_exceeded(IPCSHM_QUOTA_TYPE_REGION_BYTES, &info.region_bytes,
			    request->region_bytes, hint))
		write_exceeded(IPCSHM_QUOTA_TYPE_QUEUE_BYTES, &info.queue_bytes,
			       request->queue_bytes, hint);
}
