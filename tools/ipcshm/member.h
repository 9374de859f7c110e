/* SPDX-License-Identifier: GPL-2.0-only */
/* Members of regions: lists of them. */
#ifndef MEMBER_H
#define MEMBER_H

#include <json-c/json.h>

#include "netlink.h"

/* Of a region, or of all (0).  Return 0, 1 if they changed meanwhile, or -errno. */
int member_table(struct netlink *netlink, uint64_t region);
int member_json(struct netlink *netlink, uint64_t region);

/* As one JSON array: for a region, which has at most IPCSHM_MEMBERS_MAX. */
struct json_object *member_array(struct netlink *netlink, uint64_t region);

#endif /* MEMBER_H */
