// SPDX-License-Identifier: GPL-2.0-only
/* Asking the kernel, over generic netlink.  The only file that knows libmnl. */
#include "input_netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "output_field.h"

/* The kernel makes messages of a dump as large as the room there is for them, up to 32 KiB. */
#define ROOM 65536

/* The fields of a structure by nest and attribute: there are many to read. */
#define NESTS (NEST_QUEUE + 1)
#define ATTRIBUTES 64

struct layout {
	const struct field *field[NESTS][ATTRIBUTES];
};

/* Its numbers on this machine. */
struct family {
	uint16_t id;
	uint32_t group;
};

struct netlink {
	struct mnl_socket *socket;
	unsigned int sequence;
	struct family family;
	struct layout objects;
	struct layout members;
	struct layout events;
	char detail[256];
	char buffer[ROOM];
};

const char *netlink_detail(const struct netlink *netlink)
{
	return netlink->detail;
}

int netlink_fd(const struct netlink *netlink)
{
	return mnl_socket_get_fd(netlink->socket);
}

/* Requests. */

static struct nlmsghdr *begin_request(struct netlink *netlink, uint8_t command, uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(netlink->buffer);
	struct genlmsghdr *generic;

	header->nlmsg_type = netlink->family.id;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = ++netlink->sequence;
	generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	generic->cmd = command;
	generic->version = IPCSHM_FAMILY_VERSION;
	return header;
}

static int send_request(struct netlink *netlink, const struct nlmsghdr *header)
{
	netlink->detail[0] = '\0';
	if (mnl_socket_sendto(netlink->socket, header, header->nlmsg_len) < 0)
		return -errno;
	return 0;
}

/* Answers. */

typedef int (*handler)(const struct nlmsghdr *header, void *data);

static int read_detail(const struct nlattr *attribute, void *data)
{
	struct netlink *netlink = data;

	if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
		snprintf(netlink->detail, sizeof(netlink->detail), "%.*s",
			 mnl_attr_get_payload_len(attribute), mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

/* The error of a request; with NETLINK_CAP_ACK the request itself does not come back. */
static int read_error(struct netlink *netlink, const struct nlmsghdr *header, size_t size)
{
	const int *error = mnl_nlmsg_get_payload(header);

	if (mnl_nlmsg_get_payload_len(header) < size)
		return -EBADMSG;
	if (header->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(header, (unsigned int)size, read_detail, netlink);
	return *error;
}

/* The answer goes on. */
enum { MORE = 1 };

static int handle_message(struct netlink *netlink, const struct nlmsghdr *header, handler each,
			  void *data, bool *changed)
{
	int err;

	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		*changed = true;
	switch (header->nlmsg_type) {
	case NLMSG_NOOP:
		return MORE;
	case NLMSG_ERROR:
		return read_error(netlink, header, sizeof(struct nlmsgerr));
	case NLMSG_DONE:
		return read_error(netlink, header, sizeof(int));
	case NLMSG_OVERRUN:
		return -ENOBUFS;
	default:
		if (mnl_nlmsg_get_payload_len(header) < sizeof(struct genlmsghdr))
			return -EBADMSG;
		err = each(header, data);
		return err < 0 ? err : MORE;
	}
}

/* One buffer of messages.  An error that came from @each ends it, too. */
static int receive_messages(struct netlink *netlink, handler each, void *data, bool *changed)
{
	ssize_t size = mnl_socket_recvfrom(netlink->socket, netlink->buffer, ROOM);
	const struct nlmsghdr *header = (const struct nlmsghdr *)netlink->buffer;
	int left = (int)size, result = MORE;

	if (size < 0)
		return -errno;
	for (; result == MORE && mnl_nlmsg_ok(header, left);
	     header = mnl_nlmsg_next(header, &left)) {
		/* The rest of an answer that was not read to its end. */
		if (header->nlmsg_seq && header->nlmsg_seq != netlink->sequence)
			continue;
		result = handle_message(netlink, header, each, data, changed);
	}
	return result;
}

/* Ask, and hand each answer on.  Returns 1 if the dump changed concurrently. */
static int exchange_messages(struct netlink *netlink, const struct nlmsghdr *header, handler each,
			     void *data)
{
	bool changed = false;
	int result = send_request(netlink, header);

	if (result)
		return result;
	do
		result = receive_messages(netlink, each, data, &changed);
	while (result == MORE);
	return result ? result : changed;
}

static int reject_message(const struct nlmsghdr *header, void *data)
{
	(void)header;
	(void)data;
	return -EBADMSG; /* an acknowledgement was expected */
}

/* Ask for something to be done. */
static int request_action(struct netlink *netlink, const struct nlmsghdr *header)
{
	return exchange_messages(netlink, header, reject_message, NULL);
}

/* From attributes to structures, by the table of fields. */

struct record {
	const struct layout *layout;
	enum nest nest;
	char *at;
};

static int read_nest(const struct record *record, unsigned int type, const struct nlattr *nest);

static void read_field(const struct field *field, const struct nlattr *attribute, char *at)
{
	uint16_t size = mnl_attr_get_payload_len(attribute);
	uint64_t *has = (uint64_t *)at + (field->nest != NEST_NONE);

	if (field->unit == UNIT_NAME && size <= field->size && size > 0)
		snprintf(at + field->offset, field->size, "%.*s", size,
			 mnl_attr_get_str(attribute));
	else if (field->unit != UNIT_NAME && size == field->size)
		memcpy(at + field->offset, mnl_attr_get_payload(attribute), size);
	else
		return;
	*has |= 1ULL << field->attribute;
}

static int read_attribute(const struct nlattr *attribute, void *data)
{
	struct record *record = data;
	unsigned int type = mnl_attr_get_type(attribute);
	const struct field *field;

	if (type >= ATTRIBUTES)
		return MNL_CB_OK;
	field = record->layout->field[record->nest][type];
	if (field)
		read_field(field, attribute, record->at);
	else if (record->nest == NEST_NONE)
		return read_nest(record, type, attribute);
	return MNL_CB_OK;
}

/* Only objects have any. */
static int read_nest(const struct record *record, unsigned int type, const struct nlattr *nest)
{
	struct record inside = *record;

	if (type == IPCSHM_A_OBJECT_REGION)
		inside.nest = NEST_REGION;
	else if (type == IPCSHM_A_OBJECT_QUEUE)
		inside.nest = NEST_QUEUE;
	else
		return MNL_CB_OK;
	return mnl_attr_parse_nested(nest, read_attribute, &inside);
}

static void read_record(const struct nlmsghdr *header, const struct layout *layout, void *at)
{
	struct record record = { layout, NEST_NONE, at };

	mnl_attr_parse(header, sizeof(struct genlmsghdr), read_attribute, &record);
}

static void init_layout(struct layout *layout, const struct field *field)
{
	for (; field->name; field++)
		layout->field[field->nest][field->attribute] = field;
}

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

/* Quotas: one nest for each, in the order of enum ipcshm_quota_type. */

static int read_quota(const struct nlattr *attribute, void *data)
{
	struct quota *quota = data;
	uint16_t type = mnl_attr_get_type(attribute);
	bool is_u64 = mnl_attr_get_payload_len(attribute) == sizeof(uint64_t);

	if (type == IPCSHM_A_QUOTA_USED && is_u64) {
		quota->has_used = true;
		quota->used = mnl_attr_get_u64(attribute);
	} else if (type == IPCSHM_A_QUOTA_MAXIMUM && is_u64) {
		quota->has_max = true;
		quota->max = mnl_attr_get_u64(attribute);
	} else if (type == IPCSHM_A_QUOTA_OWN) {
		quota->own = true;
	}
	return MNL_CB_OK;
}

static void read_u32(const struct nlattr *attribute, uint32_t *number, bool *is_set)
{
	if (mnl_attr_get_payload_len(attribute) != sizeof(*number))
		return;
	*number = mnl_attr_get_u32(attribute);
	*is_set = true;
}

static int read_quotas_attribute(const struct nlattr *attribute, void *data)
{
	struct quotas *quotas = data;
	unsigned int type = mnl_attr_get_type(attribute);
	unsigned int quota = type - IPCSHM_A_QUOTAS_OBJECTS;

	if (type == IPCSHM_A_QUOTAS_DEFAULT)
		quotas->is_default = true;
	else if (type == IPCSHM_A_QUOTAS_NET)
		quotas->is_net = true;
	else if (type == IPCSHM_A_QUOTAS_UID)
		read_u32(attribute, &quotas->uid, &quotas->has_uid);
	else if (type == IPCSHM_A_QUOTAS_USER_NS)
		read_u32(attribute, &quotas->user_ns, &quotas->has_user_ns);
	else if (type >= IPCSHM_A_QUOTAS_OBJECTS && quota < QUOTAS)
		return mnl_attr_parse_nested(attribute, read_quota, &quotas->quota[quota]);
	return MNL_CB_OK;
}

static int read_quotas(const struct nlmsghdr *header, void *data)
{
	memset(data, 0, sizeof(struct quotas));
	mnl_attr_parse(header, sizeof(struct genlmsghdr), read_quotas_attribute, data);
	return 0;
}

static void put_whose(struct nlmsghdr *header, const struct quotas *quotas)
{
	if (quotas->is_default)
		mnl_attr_put(header, IPCSHM_A_QUOTAS_DEFAULT, 0, NULL);
	else if (quotas->is_net)
		mnl_attr_put(header, IPCSHM_A_QUOTAS_NET, 0, NULL);
	else if (quotas->has_uid)
		mnl_attr_put_u32(header, IPCSHM_A_QUOTAS_UID, quotas->uid);
}

int netlink_quotas(struct netlink *netlink, struct quotas *quotas)
{
	struct nlmsghdr *header = begin_request(netlink, IPCSHM_CMD_QUOTA_GET, NLM_F_ACK);

	put_whose(header, quotas);
	return exchange_messages(netlink, header, read_quotas, quotas);
}

struct all_quotas {
	int (*each)(const struct quotas *quotas, void *data);
	void *data;
};

static int each_quotas(const struct nlmsghdr *header, void *data)
{
	const struct all_quotas *all = data;
	struct quotas quotas;

	read_quotas(header, &quotas);
	return all->each(&quotas, all->data);
}

int netlink_all_quotas(struct netlink *netlink,
		       int (*each)(const struct quotas *quotas, void *data), void *data)
{
	struct nlmsghdr *header = begin_request(netlink, IPCSHM_CMD_QUOTA_GET, NLM_F_DUMP);
	struct all_quotas all = { each, data };

	return exchange_messages(netlink, header, each_quotas, &all);
}

int netlink_set_quotas(struct netlink *netlink, const struct quotas *quotas)
{
	struct nlmsghdr *header = begin_request(netlink, IPCSHM_CMD_QUOTA_SET, NLM_F_ACK);

	put_whose(header, quotas);
	for (unsigned int i = 0; i < QUOTAS; i++) {
		struct nlattr *nest;

		if (!quotas->quota[i].has_max)
			continue;
		nest = mnl_attr_nest_start(header, (uint16_t)(IPCSHM_A_QUOTAS_OBJECTS + i));
		mnl_attr_put_u64(header, IPCSHM_A_QUOTA_MAXIMUM, quotas->quota[i].max);
		mnl_attr_nest_end(header, nest);
	}
	return request_action(netlink, header);
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

/* The family's number, and that of its multicast group. */

struct group {
	const char *name;
	uint32_t id;
};

static int read_group(const struct nlattr *attribute, void *data)
{
	struct group *group = data;

	if (mnl_attr_get_type(attribute) == CTRL_ATTR_MCAST_GRP_NAME)
		group->name = mnl_attr_get_str(attribute);
	else if (mnl_attr_get_type(attribute) == CTRL_ATTR_MCAST_GRP_ID)
		group->id = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int read_groups(const struct nlattr *attribute, void *data)
{
	struct group group = { "", 0 };

	mnl_attr_parse_nested(attribute, read_group, &group);
	if (!strcmp(group.name, IPCSHM_MCGRP_NOTIFY))
		*(uint32_t *)data = group.id;
	return MNL_CB_OK;
}

static int read_family_attribute(const struct nlattr *attribute, void *data)
{
	struct family *family = data;

	if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
		family->id = mnl_attr_get_u16(attribute);
	else if (mnl_attr_get_type(attribute) == CTRL_ATTR_MCAST_GROUPS)
		mnl_attr_parse_nested(attribute, read_groups, &family->group);
	return MNL_CB_OK;
}

static int read_family(const struct nlmsghdr *header, void *data)
{
	mnl_attr_parse(header, sizeof(struct genlmsghdr), read_family_attribute, data);
	return 0;
}

static int find_family(struct netlink *netlink)
{
	struct nlmsghdr *header = begin_request(netlink, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	int err;

	header->nlmsg_type = GENL_ID_CTRL;
	((struct genlmsghdr *)mnl_nlmsg_get_payload(header))->version = 1;
	mnl_attr_put_strz(header, CTRL_ATTR_FAMILY_NAME, IPCSHM_FAMILY_NAME);
	err = exchange_messages(netlink, header, read_family, &netlink->family);
	return err == -ENOENT ? -ENODEV : err;
}

static int set_option(struct netlink *netlink, int option)
{
	int on = 1;

	return mnl_socket_setsockopt(netlink->socket, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int open_socket(struct netlink *netlink)
{
	int err;

	netlink->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!netlink->socket)
		return -errno;
	if (mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	err = set_option(netlink, NETLINK_EXT_ACK);
	if (!err)
		err = set_option(netlink, NETLINK_CAP_ACK);
	/* Without it the kernel would ignore what it doesn't know in a filter. */
	if (!err)
		err = set_option(netlink, NETLINK_GET_STRICT_CHK);
	return err ? err : find_family(netlink);
}

int netlink_open(struct netlink **netlink)
{
	int err;

	*netlink = calloc(1, sizeof(**netlink));
	if (!*netlink)
		return -ENOMEM;
	init_layout(&(*netlink)->objects, object_fields);
	init_layout(&(*netlink)->members, member_fields);
	init_layout(&(*netlink)->events, event_fields);
	err = open_socket(*netlink);
	if (err) {
		netlink_close(*netlink);
		*netlink = NULL;
	}
	return err;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	free(netlink);
}
