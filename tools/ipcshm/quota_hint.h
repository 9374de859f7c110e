/* SPDX-License-Identifier: GPL-2.0-only */
/* Which quota a request exceeded, for the remedy of an EDQUOT. */
#ifndef QUOTA_HINT_H
#define QUOTA_HINT_H

#include <stdint.h>

#define QUOTA_HINT_MAX 256

/* What a failed request would have charged. */
struct quota_request {
	uint64_t objects;
	uint64_t region_bytes;
	uint64_t queue_bytes;
};

/*
 * Write which of the caller's quotas has no room for the request, how much of it is in
 * use, and who can change that.
 */
void quota_hint(int device, const struct quota_request *request, char hint[QUOTA_HINT_MAX]);

#endif /* QUOTA_HINT_H */
