// SPDX-License-Identifier: GPL-2.0-only
/* The socket of generic netlink: its family, requests, answers, and attributes of structures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "input_netlink_internal.h"

const char *netlink_detail(const struct netlink *netlink)
{
	return netlink->detail;
}

int netlink_fd(const struct netlink *netlink)
{
	return mnl_socket_get_fd(netlink->socket);
}

/* Requests. */

struct nlmsghdr *begin_request(struct netlink *netlink, uint8_t command, uint16_t flags)
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
int receive_messages(struct netlink *netlink, handler each, void *data, bool *changed)
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
int exchange_messages(struct netlink *netlink, const struct nlmsghdr *header, handler each,
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
int request_action(struct netlink *netlink, const struct nlmsghdr *header)
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

void read_record(const struct nlmsghdr *header, const struct layout *layout, void *at)
{
	struct record record = { layout, NEST_NONE, at };

	mnl_attr_parse(header, sizeof(struct genlmsghdr), read_attribute, &record);
}

static void init_layout(struct layout *layout, const struct field *field)
{
	for (; field->name; field++)
		layout->field[field->nest][field->attribute] = field;
}

/* The ids of the family and of its multicast group. */

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
