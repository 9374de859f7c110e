// SPDX-License-Identifier: GPL-2.0-only
/* Objects, members and notifications over netlink. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "input_netlink_internal.h"

/* Objects. */

static void put_which(struct nlmsghdr *header, const struct which *which)
{
	if (which->id) {
		mnl_attr_put_u64(header, IPCSHM_A_OBJECT_ID, which->id);
		return;
	}
	mnl_attr_put_u32(header, IPCSHM_A_OBJECT_KIND, which->kind);
	mnl_attr_put_strz(header, IPCSHM_A_OBJECT_NAME, which->name);
}

struct one_object {
	const struct layout *layout;
	struct object *object;
};

static int read_object(const struct nlmsghdr *header, void *data)
{
	const struct one_object *one = data;

	memset(one->object, 0, sizeof(*one->object));
	read_record(header, one->layout, one->object);
	return 0;
}

int netlink_object(struct netlink *netlink, const struct which *which, struct object *object)
{
	struct nlmsghdr *header = begin_request(netlink, IPCSHM_CMD_OBJECT_GET, NLM_F_ACK);
	struct one_object one = { &netlink->objects, object };

	put_which(header, which);
	return exchange_messages(netlink, header, read_object, &one);
}

static int request_object_action(struct netlink *netlink, uint8_t command,
				 const struct which *which)
{
	struct nlmsghdr *header = begin_request(netlink, command, NLM_F_ACK);

	put_which(header, which);
	return request_action(netlink, header);
}

int netlink_unlink(struct netlink *netlink, const struct which *which)
{
	return request_object_action(netlink, IPCSHM_CMD_OBJECT_UNLINK, which);
}

int netlink_revoke(struct netlink *netlink, const struct which *which)
{
	return request_object_action(netlink, IPCSHM_CMD_OBJECT_REVOKE, which);
}

struct objects {
	const struct layout *layout;
	int (*each)(const struct object *object, void *data);
	void *data;
};

static int each_object(const struct nlmsghdr *header, void *data)
{
	const struct objects *objects = data;
	struct object object = { 0 };

	read_record(header, objects->layout, &object);
	return objects->each(&object, objects->data);
}

int netlink_objects(struct netlink *netlink, const struct filter *filter,
		    int (*each)(const struct object *object, void *data), void *data)
{
	struct nlmsghdr *header = begin_request(netlink, IPCSHM_CMD_OBJECT_GET, NLM_F_DUMP);
	struct objects objects = { &netlink->objects, each, data };

	if (filter->kind)
		mnl_attr_put_u32(header, IPCSHM_A_OBJECT_KIND, filter->kind);
	if (filter->name)
		mnl_attr_put_strz(header, IPCSHM_A_OBJECT_NAME, filter->name);
	if (filter->has_uid)
		mnl_attr_put_u32(header, IPCSHM_A_OBJECT_UID, filter->uid);
	return exchange_messages(netlink, header, each_object, &objects);
}

/* Members. */

struct members {
	const struct layout *layout;
	int (*each)(const struct member *member, void *data);
	void *data;
};

static int each_member(const struct nlmsghdr *header, void *data)
{
	const struct members *members = data;
	struct member member = { 0 };

	read_record(header, members->layout, &member);
	return members->each(&member, members->data);
}

int netlink_members(struct netlink *netlink, uint64_t region,
		    int (*each)(const struct member *member, void *data), void *data)
{
	struct nlmsghdr *header = begin_request(netlink, IPCSHM_CMD_MEMBER_GET, NLM_F_DUMP);
	struct members members = { &netlink->members, each, data };

	if (region)
		mnl_attr_put_u64(header, IPCSHM_A_MEMBER_REGION, region);
	return exchange_messages(netlink, header, each_member, &members);
}

/* Events. */

struct events {
	const struct layout *layout;
	int (*each)(const struct event *event, void *data);
	void *data;
};

static int each_event(const struct nlmsghdr *header, void *data)
{
	const struct genlmsghdr *generic = mnl_nlmsg_get_payload(header);
	const struct events *events = data;
	struct event event = { 0 };

	if (generic->cmd != IPCSHM_CMD_NOTIFY)
		return 0;
	read_record(header, events->layout, &event);
	return events->each(&event, events->data);
}

int netlink_listen(struct netlink *netlink, uint32_t bytes)
{
	int room = (int)bytes, fd = netlink_fd(netlink);

	/* As much as one may: more than net.core.rmem_max only with CAP_NET_ADMIN. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (mnl_socket_setsockopt(netlink->socket, NETLINK_ADD_MEMBERSHIP, &netlink->family.group,
				  sizeof(netlink->family.group)) < 0)
		return -errno;
	return 0;
}

int netlink_events(struct netlink *netlink, int (*each)(const struct event *event, void *data),
		   void *data)
{
	struct events events = { &netlink->events, each, data };
	bool changed;
	int result = receive_messages(netlink, each_event, &events, &changed);

	return result == MORE ? 0 : result;
}
