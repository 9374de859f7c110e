/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of members and waits have in common: a region, its member page,
 * and peers that map it, wait on its words and die.
 *
 * The test itself isn't a member before it calls map_region(), and its mapping
 * isn't inherited: a peer is a member only if its role maps the region, so that
 * its end isn't a death for the others.
 */
#ifndef REGION_TEST_H
#define REGION_TEST_H

#include <poll.h>

#include "peer_test.h"

#define PAGES		4	/* of the region */
#define MS		1000000ULL
#define SECOND		(1000 * MS)
#define SOON		ipcshm_deadline(WAIT_SECONDS * SECOND)

/* Each test is a process of its own, so that what it works on can be static. */
static int device, region;
static struct ipcshm_info before;	/* what the user had before the test */
static struct test_name name;
static size_t page_size;
static unsigned char *map;		/* of the test; see map_region() */
static const struct ipcshm_member_page *member_page;

/* Zero, or -errno. */
static inline int set_up(struct ipcshm_region_attr attr)
{
	page_size = sysconf(_SC_PAGESIZE);
	share_peers();
	name = make_name("region");
	device = ipcshm_open();
	if (device < 0)
		return device;
	before = get_info(device);
	if (!attr.size)
		attr.size = PAGES * page_size;
	region = ipcshm_region_open(device, name.text, READ_WRITE | CREATE_NEW, 0600, &attr);
	if (region < 0)
		return region;
	return ipcshm_region_map_members(region, &member_page);
}

static inline void tear_down(void)
{
	kill_peers();
	close(region);
	close(device);
}

/* Another descriptor of the region. */
static inline int open_again(__u32 flags)
{
	return ipcshm_region_open(device, name.text, flags, 0, NULL);
}

static inline struct ipcshm_region_stat stat_now(void)
{
	return region_stat(region);
}

static inline __u32 deaths_now(void)
{
	return ipcshm_deaths(member_page);
}

static inline __u32 joins_now(void)
{
	return __atomic_load_n(&member_page->joins, __ATOMIC_ACQUIRE);
}

static inline void *map_pages(int fd, size_t first, size_t count, int protection, int flags)
{
	return mmap(NULL, count * page_size, protection, flags, fd, first * page_size);
}

/* The test becomes a member; false if it can't. */
static inline bool map_region(void)
{
	size_t size = stat_now().max_size;

	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	return map != MAP_FAILED && !madvise(map, size, MADV_DONTFORK);
}

static inline __u32 load(__u64 offset)
{
	return __atomic_load_n((__u32 *)(map + offset), __ATOMIC_SEQ_CST);
}

static inline void store(__u64 offset, __u32 value)
{
	__atomic_store_n((__u32 *)(map + offset), value, __ATOMIC_SEQ_CST);
}

/* The token of the calling process, or 0. */
static inline __u32 self_token(int fd)
{
	uint32_t token;

	return ipcshm_region_self(fd, &token) ? 0 : token;
}

static inline bool is_alive(__u32 token)
{
	return ipcshm_is_alive(member_page, token);
}

/* Peers. */

static inline struct peer *start(void (*role)(struct peer *), struct peer how)
{
	if (!how.fd)
		how.fd = region;
	if (!how.size)
		how.size = 4;
	return start_peer(role, how);
}

/* Returns when the peer has called be_ready(); NULL if it doesn't before long. */
static inline struct peer *start_ready(void (*role)(struct peer *), struct peer how)
{
	struct peer *peer = start(role, how);

	return WAIT_UNTIL(is_ready(peer)) ? peer : NULL;
}

/* Maps the region, in a process that isn't a member yet. */
static inline void join(struct peer *peer)
{
	if (map_pages(peer->fd, 0, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED) == MAP_FAILED)
		_exit(1);
	peer->token = self_token(peer->fd);
}

/* Is a member until it is killed. */
static inline void member_role(struct peer *peer)
{
	join(peer);
	be_ready(peer);
	for (;;)
		pause();
}

static inline struct peer *start_member(void)
{
	return start_ready(member_role, (struct peer) { 0 });
}

/* A member that dies; its token, or 0. */
static inline __u32 one_death(void)
{
	struct peer *peer = start_member();

	if (!peer)
		return 0;
	kill_peer(peer);
	return peer->token;
}

static inline int wait_on(struct peer *peer)
{
	struct ipcshm_region_wait_args args = {
		.offset = peer->offset,
		.expected = peer->expected,
		.deadline = peer->deadline,
		.clock = peer->clock,
		.size = peer->size,
		.deaths = peer->deaths,
	};

	return call(peer->fd, IPCSHM_IOC_REGION_WAIT, &args);
}

/* Waits, and is no member. */
static inline void wait_role(struct peer *peer)
{
	peer->result = wait_on(peer);
}

/* Returns when the peer waits; NULL if it doesn't before long. */
static inline struct peer *block(void (*role)(struct peer *), struct peer how)
{
	__u32 waiters = stat_now().waiters;
	struct peer *peer = start(role, how);

	return WAIT_UNTIL(stat_now().waiters == waiters + 1) ? peer : NULL;
}

static inline struct peer *block_on(__u64 offset)
{
	return block(wait_role, (struct peer) { .offset = offset, .deaths = deaths_now() });
}

static inline int wake(__u64 offset, __u32 count)
{
	return ipcshm_region_wake(region, offset, count);
}

#endif /* REGION_TEST_H */
