// SPDX-License-Identifier: GPL-2.0-only
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/ipcshm.h>
#include <linux/ipcshm_netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "request.h"

#define REQUEST_MAX	2048
#define ANSWER_MAX	32768
#define ANSWERS		16	/* that are read of a dump, before it is left */

static uint16_t family;
static uint32_t group;
static __thread char buffer[REQUEST_MAX] __attribute__((aligned(8)));
static __thread uint32_t sequence;

static struct nlmsghdr *begin_message(uint16_t type, uint8_t command, uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = ++sequence;
	generic->cmd = command;
	generic->version = IPCSHM_FAMILY_VERSION;
	return header;
}

static int take_group_id(const struct nlattr *attr, void *data)
{
	(void)data;
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
		group = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/* The only one there is. */
static int take_group(const struct nlattr *attr, void *data)
{
	return mnl_attr_parse_nested(attr, take_group_id, data);
}

static int take_family(const struct nlattr *attr, void *data)
{
	(void)data;
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		family = mnl_attr_get_u16(attr);
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
		mnl_attr_parse_nested(attr, take_group, NULL);
	return MNL_CB_OK;
}

int request_open(void)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	int on = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&own, sizeof(own))) {
		close(fd);
		return -1;
	}
	return fd;
}

bool request_prepare(void)
{
	struct nlmsghdr *header = begin_message(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	static char answer[ANSWER_MAX] __attribute__((aligned(8)));
	int fd = request_open();
	ssize_t size;

	mnl_attr_put_strz(header, CTRL_ATTR_FAMILY_NAME, IPCSHM_FAMILY_NAME);
	if (send(fd, header, header->nlmsg_len, 0) < 0)
		return false;
	size = recv(fd, answer, sizeof(answer), 0);
	close(fd);
	header = (struct nlmsghdr *)answer;
	if (size < 0 || !mnl_nlmsg_ok(header, (int)size))
		return false;
	mnl_attr_parse(header, sizeof(struct genlmsghdr), take_family, NULL);
	return family;
}

void request_subscribe(int fd)
{
	setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
}

struct nlmsghdr *request_begin(uint8_t command, uint16_t flags)
{
	return begin_message(family, command, flags);
}

static void put_quota(struct nlmsghdr *request, uint16_t type, uint64_t max)
{
	struct nlattr *nest = mnl_attr_nest_start(request, type);

	mnl_attr_put_u64(request, IPCSHM_A_QUOTA_MAXIMUM, max);
	mnl_attr_nest_end(request, nest);
}

void request_put(struct nlmsghdr *request, uint16_t type, uint16_t size, uint64_t value)
{
	const char *text = (const char *)(uintptr_t)value;

	switch (size) {
	case SIZE_FLAG:
		mnl_attr_put(request, type, 0, NULL);
		break;
	case SIZE_TEXT:
		mnl_attr_put_strz(request, type, text ? text : "");
		break;
	case SIZE_QUOTA:
		put_quota(request, type, value);
		break;
	default:
		mnl_attr_put(request, type, size, &value);
	}
}

void request_break(struct nlmsghdr *request, uint64_t how)
{
	uint32_t words = request->nlmsg_len / 4;

	((uint32_t *)request)[how % words] ^= (uint32_t)(how >> 32 ? how >> 32 : how);
}

void request_end(struct nlmsghdr *request, int fd, uint64_t room)
{
	static char answer[ANSWER_MAX];		/* all threads' */
	unsigned int answers = 0;

	if (send(fd, request, request->nlmsg_len < REQUEST_MAX ? request->nlmsg_len : REQUEST_MAX,
		 MSG_DONTWAIT) < 0)
		return;
	while (recv(fd, answer, room < ANSWER_MAX ? room : ANSWER_MAX, MSG_DONTWAIT) > 0)
		if (++answers == ANSWERS)
			break;
}

void request_quotas(int fd, const uint32_t *uid, const uint64_t *max)
{
	struct nlmsghdr *request = request_begin(IPCSHM_CMD_QUOTA_SET, 0);
	unsigned int quota;

	if (uid)
		mnl_attr_put_u32(request, IPCSHM_A_QUOTAS_UID, *uid);
	else
		mnl_attr_put(request, IPCSHM_A_QUOTAS_DEFAULT, 0, NULL);
	for (quota = 0; quota <= IPCSHM_QUOTA_TYPE_DESCRIPTORS; quota++)
		put_quota(request, (uint16_t)(IPCSHM_A_QUOTAS_OBJECTS + quota),
			  uid ? IPCSHM_QUOTA_FOLLOW_DEFAULT : max[quota]);
	request_end(request, fd, ANSWER_MAX);
}
