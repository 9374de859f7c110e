/* SPDX-License-Identifier: GPL-2.0-only */
/* The quota that a request exceeded, for the remedy of EDQUOT. */
#ifndef QUOTA_HINT_H
#define QUOTA_HINT_H

#include <stdint.h>

#define QUOTA_HINT_MAX 256

/* The charge of a failed request. */
struct quota_request {
	uint64_t objects;
	uint64_t region_bytes;
	uint64_t queue_bytes;
};

/*
 * Write the name of the caller's quota that has no room for the request, its usage, and the
 * remedy.
 */
void quota_hint(int device, const struct quota_request *request, char hint[QUOTA_HINT_MAX]);

#endif /* QUOTA_HINT_H */
