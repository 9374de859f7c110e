/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests of the netlink family: a request is begun, gets its attributes, and is
 * sent. The kernel's answer goes to a function; an error is returned as -errno, with
 * the kernel's text.
 */
#ifndef IPCSHM_NETLINK_H
#define IPCSHM_NETLINK_H

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/ipcshm_netlink.h>

#include "test.h"

#define NO_ATTR		0

/**
 * struct link - a socket, its request, and the state of the answer
 * @family: its number
 * @group: that of notifications
 * @room: bytes that are received at a time
 * @interrupted: the dump was inconsistent (NLM_F_DUMP_INTR)
 * @text: the kernel's text for an error
 * @attr: the type of the wrong or missing attribute
 */
struct link {
	struct mnl_socket *socket;
	__u16 family;
	__u32 group;
	size_t room;
	char request[4096];
	struct nlmsghdr *header;
	unsigned int seq;
	bool interrupted;
	char text[256];
	__u16 attr;
};

/* Called with the attributes of each message; 0, or -errno. */
typedef int (*answer_fn)(const struct nlattr **attrs, void *data);

#define ATTRS_MAX 32

int collect(const struct nlattr *attr, void *attrs);
void ask(struct link *link, __u8 command);
void ask_all(struct link *link, __u8 command);
int link_receive(struct link *link, answer_fn answer, void *data);
int link_send(struct link *link);
int link_talk(struct link *link, answer_fn answer, void *data);
int link_open_with(struct link *link, size_t room);
int link_open(struct link *link);
void link_close(struct link *link);
int link_subscribe(struct link *link);
int set_limit(struct link *link, bool of_all, uid_t user, int quota, __u64 max);

#endif /* IPCSHM_NETLINK_H */
