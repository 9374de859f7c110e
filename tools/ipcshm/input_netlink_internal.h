/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files input_netlink*.c, the only ones that know libmnl. */
#ifndef INPUT_NETLINK_INTERNAL_H
#define INPUT_NETLINK_INTERNAL_H

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "input_netlink.h"
#include "output_field.h"

/* The kernel makes messages of a dump as large as the room there is for them, up to 32 KiB. */
#define ROOM 65536

/* The fields of a structure by nest and attribute: there are many to read. */
#define NESTS (NEST_QUEUE + 1)
#define ATTRIBUTES 64

struct layout {
	const struct field *field[NESTS][ATTRIBUTES];
};

/* The ids of the family and its multicast group on this machine. */
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

typedef int (*handler)(const struct nlmsghdr *header, void *data);

/* The return value of receive_messages() if more messages of an answer follow. */
enum { MORE = 1 };

struct nlmsghdr *begin_request(struct netlink *netlink, uint8_t command, uint16_t flags);
int receive_messages(struct netlink *netlink, handler each, void *data, bool *changed);
int exchange_messages(struct netlink *netlink, const struct nlmsghdr *header, handler each,
		      void *data);
int request_action(struct netlink *netlink, const struct nlmsghdr *header);
void read_record(const struct nlmsghdr *header, const struct layout *layout, void *at);

#endif /* INPUT_NETLINK_INTERNAL_H */
