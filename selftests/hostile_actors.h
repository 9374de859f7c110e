/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that use the objects while a task is stuck, and those that act on its object. */
#ifndef IPCSHM_HOSTILE_ACTORS_H
#define IPCSHM_HOSTILE_ACTORS_H

#include <poll.h>

#include "common/netlink.h"
#include "hostile_places.h"

/* The other processes of the machine; @value counts their finished operations. */

static void others_at_device(struct peer *peer)
{
	int fd = open_device();
	int made = open_region(fd, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 4096);

	peer->value++;
	get_info(fd);
	close(open_region(fd, region_name.text, IPCSHM_READ, 0, 0));
	close(open_queue(fd, queue_name.text, IPCSHM_READ, 0, 0, 0, 0));
	close(made);
	close(fd);
}

static void others_at_region(struct peer *peer)
{
	struct ipcshm_region_wake_args wake = { .count = 1 };
	struct ipcshm_region_resize_args resize = { .size = 5 * page_size };
	struct ipcshm_member array[4];
	struct ipcshm_region_members_args members = {
		.members = (uintptr_t)array,
		.count = 4,
		.member_size = sizeof(array[0]),
	};
	struct pollfd entry = { .fd = region, .events = POLLIN };
	struct stat stat;
	char bytes[4];
	void *map;

	peer->value++;
	region_stat(region);
	fstat(region, &stat);
	poll(&entry, 1, 0);
	call(region, IPCSHM_IOC_REGION_WAKE, &wake);
	call(region, IPCSHM_IOC_REGION_MEMBERS, &members);
	peer->value++;
	map = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	if (map != MAP_FAILED)
		munmap(map, page_size);
	peer->value++;
	if (pread(region, bytes, 4, 0) == 4 && pwrite(region, bytes, 4, 0) != 4)
		errno = 0;
	peer->value++;
	call(region, IPCSHM_IOC_REGION_RESIZE, &resize);
	fchmod(region, 0666);
}

static void others_at_queue(struct peer *peer)
{
	struct ipcshm_queue_set_args set = { .max_messages = 16, .max_bytes = 65536 };
	struct pollfd entry = { .fd = queue, .events = POLLIN };

	peer->value++;
	queue_stat(queue);
	poll(&entry, 1, 0);
	call(queue, IPCSHM_IOC_QUEUE_SET, &set);
	if (!send_one(OTHER_TYPE, -1))
		receive_one(OTHER_TYPE, 0);
}

static void others_at_netlink(struct peer *peer)
{
	struct link link;

	peer->value++;
	if (link_open(&link))
		return;
	ask_all(&link, IPCSHM_CMD_OBJECT_GET);
	link_talk(&link, NULL, NULL);
	peer->value++;
	ask_all(&link, IPCSHM_CMD_MEMBER_GET);
	link_talk(&link, NULL, NULL);
	peer->value++;
	ask_all(&link, IPCSHM_CMD_QUOTA_GET);
	link_talk(&link, NULL, NULL);
	peer->value++;
	set_limit(&link, false, 4711, 0, IPCSHM_QUOTA_FOLLOW_DEFAULT);
	link_close(&link);
}

static void others_role(struct peer *peer)
{
	others_at_device(peer);
	others_at_queue(peer);
	others_at_netlink(peer);
	others_at_region(peer);
}

/* Actions on the stuck task and its object. */
enum action {
	NOTHING, FAIL, KILL_TASK, KILL_PARTY, KILL_SERVER, UNLINK, REVOKE, NETLINK_REVOKE, DRAIN,
	NEW_NAMESPACE,
};

static void unlink_role(struct peer *peer)
{
	peer->result = unlink_name(device, IPCSHM_REGION, region_name.text) ?:
		       unlink_name(device, IPCSHM_QUEUE, queue_name.text);
}

static void revoke_role(struct peer *peer)
{
	struct ipcshm_region_revoke_args region_args = { 0 };
	struct ipcshm_queue_revoke_args queue_args = { 0 };

	peer->result = call(region, IPCSHM_IOC_REGION_REVOKE, &region_args) ?:
		       call(queue, IPCSHM_IOC_QUEUE_REVOKE, &queue_args);
}

static void netlink_revoke_role(struct peer *peer)
{
	const __u64 ids[] = { region_stat(region).stat.id, queue_stat(queue).stat.id };
	struct link link;
	size_t i;

	peer->result = link_open(&link);
	for (i = 0; i < 2 && !peer->result; i++) {
		ask(&link, IPCSHM_CMD_OBJECT_REVOKE);
		mnl_attr_put_u64(link.header, IPCSHM_A_OBJECT_ID, ids[i]);
		peer->result = link_talk(&link, NULL, NULL);
	}
}

static void drain_role(struct peer *peer)
{
	struct ipcshm_queue_drain_args args = { 0 };

	peer->result = call(queue, IPCSHM_IOC_QUEUE_DRAIN, &args);
}

/* Registers with every subsystem that knows network namespaces, generic netlink too. */
static void namespace_role(struct peer *peer)
{
	peer->result = unshare(CLONE_NEWNET) ? -errno : 0;
}

static void (*const actors[])(struct peer *) = {
	[UNLINK] = unlink_role,
	[REVOKE] = revoke_role,
	[NETLINK_REVOKE] = netlink_revoke_role,
	[DRAIN] = drain_role,
	[NEW_NAMESPACE] = namespace_role,
};

#endif /* IPCSHM_HOSTILE_ACTORS_H */
