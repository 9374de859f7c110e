/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A region, its member page, and peers that map it, wait on its words and die.
 *
 * The test itself isn't a member before it calls map_region(), and its mapping isn't inherited: a
 * peer is a member only if its role maps the region, so that its end isn't a death for the others.
 */
#ifndef IPCSHM_REGION_H
#define IPCSHM_REGION_H

#include <poll.h>

#include "peer.h"

#define PAGES		4	/* of the region */
#define MS		1000000ULL
#define SECOND		(1000 * MS)
#define SOON		ipcshm_deadline(WAIT_SECONDS * SECOND)

/**
 * struct test_region - a fixture's region
 * @device: a descriptor of the device
 * @fd: a descriptor of the region
 * @before: the user's quotas before the test
 * @name: the name of the region
 * @page_size: bytes in a page
 * @map: the mapping that makes the test a member, see map_region()
 * @member_page: the region's member page
 * @peers: the peers that were started in the region
 */
struct test_region {
	int device;
	int fd;
	struct ipcshm_info before;
	struct test_name name;
	size_t page_size;
	unsigned char *map;
	const struct ipcshm_member_page *member_page;
	struct peers peers;
};

int region_set_up(struct test_region *region, struct ipcshm_region_attr attr);
void region_tear_down(struct test_region *region);
int region_open_again(struct test_region *region, __u32 flags);
struct ipcshm_region_stat region_stat_now(struct test_region *region);
__u32 deaths_now(struct test_region *region);
__u32 joins_now(struct test_region *region);
void *map_pages(struct test_region *region, int fd, size_t first, size_t count, int protection,
		int flags);
bool map_region(struct test_region *region);
__u32 load_word(struct test_region *region, __u64 offset);
void store_word(struct test_region *region, __u64 offset, __u32 value);
int wake_word(struct test_region *region, __u64 offset, __u32 count);
__u32 self_token(int fd);
bool is_alive(struct test_region *region, __u32 token);

/* Peers; NULL for a peer that does not get so far before long. */

struct peer *region_start(struct test_region *region, void (*role)(struct peer *),
			  struct peer how);
struct peer *region_start_ready(struct test_region *region, void (*role)(struct peer *),
				struct peer how);
struct peer *start_member(struct test_region *region);
__u32 one_death(struct test_region *region);
struct peer *block_waiter(struct test_region *region, void (*role)(struct peer *),
			  struct peer how);
struct peer *block_on(struct test_region *region, __u64 offset);

/* Roles, and their parts. */

void join_region(struct peer *peer);
void member_role(struct peer *peer);
int wait_on(struct peer *peer);
void wait_role(struct peer *peer);

#endif /* IPCSHM_REGION_H */
