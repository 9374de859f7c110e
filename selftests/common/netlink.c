// SPDX-License-Identifier: GPL-2.0-only
#include "netlink.h"

int collect(const struct nlattr *attr, void *attrs)
{
	if (mnl_attr_get_type(attr) < ATTRS_MAX)
		((const struct nlattr **)attrs)[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void link_begin(struct link *link, __u16 type, __u8 command, __u16 flags)
{
	struct genlmsghdr *generic;

	link->header = mnl_nlmsg_put_header(link->request);
	link->header->nlmsg_type = type;
	link->header->nlmsg_flags = NLM_F_REQUEST | flags;
	link->header->nlmsg_seq = ++link->seq;
	generic = mnl_nlmsg_put_extra_header(link->header, sizeof(*generic));
	generic->cmd = command;
	generic->version = IPCSHM_FAMILY_VERSION;
}

void ask(struct link *link, __u8 command)
{
	link_begin(link, link->family, command, NLM_F_ACK);
}

void ask_all(struct link *link, __u8 command)
{
	link_begin(link, link->family, command, NLM_F_DUMP);
}

/* Text and attribute of an error message. */
static int link_error(struct link *link, const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);
	size_t length = sizeof(*error);
	const struct nlattr *attr;

	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		length += mnl_nlmsg_get_payload_len(&error->msg);
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return error->error;
	mnl_attr_for_each(attr, header, length) {
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			snprintf(link->text, sizeof(link->text), "%s", mnl_attr_get_str(attr));
			break;
		case NLMSGERR_ATTR_OFFS:
			link->attr = mnl_attr_get_type((struct nlattr *)
				(link->request + mnl_attr_get_u32(attr)));
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			link->attr = mnl_attr_get_u32(attr);
			break;
		}
	}
	return error->error;
}

static int link_message(const struct nlmsghdr *header, answer_fn answer, void *data)
{
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	mnl_attr_parse(header, sizeof(struct genlmsghdr), collect, attrs);
	return answer ? answer(attrs, data) : 0;
}

/* One datagram: 1 if more is to come, else 0 or -errno. */
int link_receive(struct link *link, answer_fn answer, void *data)
{
	static char buffer[1 << 17] __attribute__((aligned(8)));
	ssize_t length = mnl_socket_recvfrom(link->socket, buffer, link->room);
	const struct nlmsghdr *header = (const void *)buffer;
	int left, result = 1;

	/* One that can't be read is lost, as if there had been no room for it. */
	if (length < 0)
		return errno == EFAULT || errno == ENOMEM ? -ENOBUFS : -errno;
	for (left = length; result > 0 && mnl_nlmsg_ok(header, left);
	     header = mnl_nlmsg_next(header, &left)) {
		if (header->nlmsg_flags & NLM_F_DUMP_INTR)
			link->interrupted = true;
		if (header->nlmsg_type == NLMSG_ERROR)
			return link_error(link, header);
		if (header->nlmsg_type == NLMSG_DONE)
			return *(const int *)mnl_nlmsg_get_payload(header);
		result = link_message(header, answer, data) ?: 1;
	}
	return result;
}

int link_send(struct link *link)
{
	link->text[0] = '\0';
	link->attr = NO_ATTR;
	link->interrupted = false;
	return mnl_socket_sendto(link->socket, link->header, link->header->nlmsg_len) < 0 ?
	       -errno : 0;
}

/* The request, and all its answers: 0 or -errno. */
int link_talk(struct link *link, answer_fn answer, void *data)
{
	int result = link_send(link) ?: 1;

	while (result > 0)
		result = link_receive(link, answer, data);
	return result;
}

static int take_group(const struct nlattr *attr, void *data)
{
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };
	struct link *link = data;

	mnl_attr_parse_nested(attr, collect, attrs);
	if (!strcmp(mnl_attr_get_str(attrs[CTRL_ATTR_MCAST_GRP_NAME]), IPCSHM_MCGRP_NOTIFY))
		link->group = mnl_attr_get_u32(attrs[CTRL_ATTR_MCAST_GRP_ID]);
	return MNL_CB_OK;
}

static int take_family(const struct nlattr **attrs, void *data)
{
	struct link *link = data;

	link->family = mnl_attr_get_u16(attrs[CTRL_ATTR_FAMILY_ID]);
	mnl_attr_parse_nested(attrs[CTRL_ATTR_MCAST_GROUPS], take_group, link);
	return 0;
}

/* Dumps come in pieces of at most so many bytes, a page at least. */
int link_open_with(struct link *link, size_t room)
{
	int on = 1;

	*link = (struct link) { .socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC) };
	link->room = room;
	if (!link->socket || mnl_socket_bind(link->socket, 0, MNL_SOCKET_AUTOPID))
		return -errno;
	mnl_socket_setsockopt(link->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	link_begin(link, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	mnl_attr_put_strz(link->header, CTRL_ATTR_FAMILY_NAME, IPCSHM_FAMILY_NAME);
	return link_talk(link, take_family, link);
}

int link_open(struct link *link)
{
	return link_open_with(link, 1 << 15);
}

void link_close(struct link *link)
{
	mnl_socket_close(link->socket);
}

/* From now on events come; 0 or -errno. */
int link_subscribe(struct link *link)
{
	int group = link->group;

	return mnl_socket_setsockopt(link->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) ?
	       -errno : 0;
}

/* The maximum of a quota, of a user or by default; 0 or -errno. */
int set_limit(struct link *link, bool of_all, uid_t user, int quota, __u64 max)
{
	struct nlattr *nest;

	ask(link, IPCSHM_CMD_QUOTA_SET);
	if (of_all)
		mnl_attr_put(link->header, IPCSHM_A_QUOTAS_DEFAULT, 0, NULL);
	else
		mnl_attr_put_u32(link->header, IPCSHM_A_QUOTAS_UID, user);
	nest = mnl_attr_nest_start(link->header, IPCSHM_A_QUOTAS_OBJECTS + quota);
	mnl_attr_put_u64(link->header, IPCSHM_A_QUOTA_MAXIMUM, max);
	mnl_attr_nest_end(link->header, nest);
	return link_talk(link, NULL, NULL);
}
