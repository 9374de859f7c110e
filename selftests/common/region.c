// SPDX-License-Identifier: GPL-2.0-only
#include "region.h"

/* Zero, or -errno. */
int region_set_up(struct test_region *region, struct ipcshm_region_attr attr)
{
	*region = (struct test_region) { .page_size = sysconf(_SC_PAGESIZE), .fd = -1 };
	share_peers(&region->peers);
	region->name = make_name("region");
	region->device = ipcshm_open();
	if (region->device < 0)
		return region->device;
	region->before = get_info(region->device);
	if (!attr.size && attr.max_size != IPCSHM_UNBOUNDED)
		attr.size = PAGES * region->page_size;
	region->fd = ipcshm_region_open(region->device, region->name.text, READ_WRITE | CREATE_NEW,
					0600, &attr);
	if (region->fd < 0)
		return region->fd;
	return ipcshm_region_map_members(region->fd, &region->member_page);
}

void region_tear_down(struct test_region *region)
{
	kill_peers(&region->peers);
	close(region->fd);
	close(region->device);
}

/* Another descriptor of the region. */
int region_open_again(struct test_region *region, __u32 flags)
{
	return ipcshm_region_open(region->device, region->name.text, flags, 0, NULL);
}

struct ipcshm_region_stat region_stat_now(struct test_region *region)
{
	return region_stat(region->fd);
}

__u32 deaths_now(struct test_region *region)
{
	return ipcshm_deaths(region->member_page);
}

__u32 joins_now(struct test_region *region)
{
	return __atomic_load_n(&region->member_page->joins, __ATOMIC_ACQUIRE);
}

void *map_pages(struct test_region *region, int fd, size_t first, size_t count, int protection,
		int flags)
{
	return mmap(NULL, count * region->page_size, protection, flags, fd,
		    first * region->page_size);
}

/* The test becomes a member; false if it can't. */
bool map_region(struct test_region *region)
{
	size_t size = region_stat_now(region).max_size;

	region->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);
	return region->map != MAP_FAILED && !madvise(region->map, size, MADV_DONTFORK);
}

__u32 load_word(struct test_region *region, __u64 offset)
{
	return __atomic_load_n((__u32 *)(region->map + offset), __ATOMIC_SEQ_CST);
}

void store_word(struct test_region *region, __u64 offset, __u32 value)
{
	__atomic_store_n((__u32 *)(region->map + offset), value, __ATOMIC_SEQ_CST);
}

int wake_word(struct test_region *region, __u64 offset, __u32 count)
{
	return ipcshm_region_wake(region->fd, offset, count);
}

/* The token of the calling process, or 0. */
__u32 self_token(int fd)
{
	uint32_t token;

	return ipcshm_region_self(fd, &token) ? 0 : token;
}

bool is_alive(struct test_region *region, __u32 token)
{
	return ipcshm_is_alive(region->member_page, token);
}

struct peer *region_start(struct test_region *region, void (*role)(struct peer *), struct peer how)
{
	how.region = region;
	if (!how.fd)
		how.fd = region->fd;
	if (!how.wait.size)
		how.wait.size = 4;
	return start_peer(&region->peers, role, how);
}

/* Returns when the peer has called be_ready(). */
struct peer *region_start_ready(struct test_region *region, void (*role)(struct peer *),
				struct peer how)
{
	struct peer *peer = region_start(region, role, how);

	return WAIT_UNTIL(is_ready(peer)) ? peer : NULL;
}

/* Maps the region, in a process that isn't a member yet. */
void join_region(struct peer *peer)
{
	if (map_pages(peer->region, peer->fd, 0, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED) ==
	    MAP_FAILED)
		_exit(1);
	peer->token = self_token(peer->fd);
}

/* Is a member until it is killed. */
void member_role(struct peer *peer)
{
	join_region(peer);
	be_ready(peer);
	for (;;)
		pause();
}

struct peer *start_member(struct test_region *region)
{
	return region_start_ready(region, member_role, (struct peer) { 0 });
}

/* A member that dies; its token, or 0. */
__u32 one_death(struct test_region *region)
{
	struct peer *peer = start_member(region);

	if (!peer)
		return 0;
	kill_peer(peer);
	return peer->token;
}

int wait_on(struct peer *peer)
{
	struct ipcshm_region_wait_args args = {
		.offset = peer->wait.offset,
		.expected = peer->wait.expected,
		.deadline = peer->deadline,
		.clock = peer->clock,
		.size = peer->wait.size,
		.deaths = peer->wait.deaths,
	};

	return call(peer->fd, IPCSHM_IOC_REGION_WAIT, &args);
}

/* Waits, and is no member. */
void wait_role(struct peer *peer)
{
	peer->result = wait_on(peer);
}

/* Returns when the peer waits. */
struct peer *block_waiter(struct test_region *region, void (*role)(struct peer *), struct peer how)
{
	__u32 waiters = region_stat_now(region).waiters;
	struct peer *peer = region_start(region, role, how);

	return WAIT_UNTIL(region_stat_now(region).waiters == waiters + 1) ? peer : NULL;
}

struct peer *block_on(struct test_region *region, __u64 offset)
{
	return block_waiter(region, wait_role, (struct peer) {
		.wait.offset = offset,
		.wait.deaths = deaths_now(region),
	});
}
