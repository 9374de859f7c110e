// SPDX-License-Identifier: GPL-2.0-only
#include "members.h"

/* At most so many as fit in @list: how many there are, or -errno. */
int list_members(struct test_region *region, struct ipcshm_member *list, __u32 room)
{
	return ipcshm_region_members(region->fd, list, room, sizeof(*list));
}

/* The only member; all zero if there is another number of them. */
struct ipcshm_member only_member(struct test_region *region)
{
	struct ipcshm_member list[2] = { 0 };

	return list_members(region, list, 2) == 1 ? list[0] : (struct ipcshm_member) { 0 };
}

__u32 maps_now(struct test_region *region)
{
	return only_member(region).maps;
}

/* Those of the user since the test began. */
__u64 memberships(struct test_region *region)
{
	return get_info(region->device).members.used - region->before.members.used;
}

/* Has inherited a mapping; reports its token. */
void inherit_role(struct peer *peer)
{
	peer->token = self_token(peer->region->fd);
	be_ready(peer);
	pause();
}

void exec_pause(void)
{
	exec_peer((char *[]) { "peer", "pause", NULL });
	_exit(127);
}
