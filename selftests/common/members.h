/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's reports of the members of a region. */
#ifndef IPCSHM_MEMBERS_H
#define IPCSHM_MEMBERS_H

#include "region.h"
#include "test.h"

#define SHARED		MAP_SHARED
#define RW		(PROT_READ | PROT_WRITE)

int list_members(struct test_region *region, struct ipcshm_member *list, __u32 room);
struct ipcshm_member only_member(struct test_region *region);
__u32 maps_now(struct test_region *region);
__u64 memberships(struct test_region *region);
void inherit_role(struct peer *peer);
void exec_pause(void);

#endif /* IPCSHM_MEMBERS_H */
