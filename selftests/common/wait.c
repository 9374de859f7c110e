// SPDX-License-Identifier: GPL-2.0-only
#include "wait.h"

int wait_word(struct test_region *region, __u64 offset, __u32 size, __u64 expected, __u64 deadline)
{
	return ipcshm_region_wait(region->fd, offset, size, expected, deaths_now(region), deadline);
}

/* Members that leave at the end: no death helps anybody out. */
void join_for_a_while(struct peer *peer)
{
	peer->region->map =
		map_pages(peer->region, peer->fd, 0, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (peer->region->map == MAP_FAILED)
		_exit(1);
}

int watch_word(struct test_region *region, __u64 offset, __u32 expected)
{
	return ipcshm_region_watch(region->fd, offset, 4, expected, deaths_now(region));
}
