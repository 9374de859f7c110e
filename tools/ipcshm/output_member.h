/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of members of regions. */
#ifndef OUTPUT_MEMBER_H
#define OUTPUT_MEMBER_H

#include "output_json.h"
#include "input_netlink.h"

/*
 * Print the members of a region, or of all (0).  Return 0, 1 if they changed concurrently,
 * or -errno.
 */
int member_table(struct netlink *netlink, uint64_t region);
int member_json(struct netlink *netlink, uint64_t region);

/* Write the members as the value of a key; null if the region is gone. */
void member_array(struct netlink *netlink, uint64_t region, struct json *json);

#endif /* OUTPUT_MEMBER_H */
