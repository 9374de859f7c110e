// SPDX-License-Identifier: GPL-2.0-only
/* Which quota a request exceeded. */
#include "quota_hint.h"

#include <inttypes.h>
#include <ipcshm.h>
#include <stdbool.h>
#include <stdio.h>

#include "output_format.h"

static void write_amount(uint64_t amount, bool is_bytes, char text[FORMAT_MAX])
{
	if (is_bytes)
		format_bytes(amount, text);
	else
		snprintf(text, FORMAT_MAX, "%" PRIu64, amount);
}

/* False if the quota has room: then it is not the one. */
static bool write_exceeded(const char *name, bool is_bytes, const struct ipcshm_quota *limit,
			   uint64_t amount, char hint[QUOTA_HINT_MAX])
{
	char used[FORMAT_MAX], max[FORMAT_MAX], asked[FORMAT_MAX];

	if (!amount || (limit->used <= limit->max && amount <= limit->max - limit->used))
		return false;
	write_amount(limit->used, is_bytes, used);
	write_amount(limit->max, is_bytes, max);
	write_amount(amount, is_bytes, asked);
	snprintf(hint, QUOTA_HINT_MAX,
		 "%s: %s of %s in use, %s requested; free some, or ask an administrator for more", name,
		 used, max, asked);
	return true;
}

void quota_hint(int device, const struct quota_request *request, char hint[QUOTA_HINT_MAX])
{
	struct ipcshm_info info;

	snprintf(hint, QUOTA_HINT_MAX,
		 "of yours, a parent user namespace's or the network namespace's; \"ipcshm limits\" "
		 "prints yours");
	if (ipcshm_get_info(device, &info, sizeof(info)))
		return;
	if (!write_exceeded("objects", false, &info.objects, request->objects, hint) &&
	    !write_exceeded("region-bytes", true, &info.region_bytes, request->region_bytes, hint))
		write_exceeded("queue-bytes", true, &info.queue_bytes, request->queue_bytes, hint);
}
