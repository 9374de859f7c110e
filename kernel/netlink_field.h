/* SPDX-License-Identifier: GPL-2.0-only */
/* Netlink attributes that are members of structures. */
#ifndef IPCSHM_NETLINK_FIELD_H
#define IPCSHM_NETLINK_FIELD_H

#include <linux/stddef.h>
#include <linux/types.h>

#include "uapi/linux/ipcshm.h"
#include "uapi/linux/ipcshm_netlink.h"

struct sk_buff;

/**
 * struct ipcshm_nl_field - an attribute that is a member of a structure
 * @attr: its type; those of 4 bytes are u32, those of 8 u64
 * @size: how long
 * @offset: where it is
 * @optional: 0 means that there is none
 */
struct ipcshm_nl_field {
	u8 attr;
	u8 size;
	u16 offset;
	bool optional;
};

#define __IPCSHM_NL_FIELD(name, type, member, is_optional)	\
	{							\
		.attr = IPCSHM_A_##name,			\
		.offset = offsetof(struct type, member),	\
		.size = sizeof_field(struct type, member),	\
		.optional = is_optional,			\
	}
#define IPCSHM_NL_FIELD(name, type, member) __IPCSHM_NL_FIELD(name, type, member, false)
#define IPCSHM_NL_TIME(name, type, member) __IPCSHM_NL_FIELD(name, type, member, true)

/* A table of fields ends with an attribute of 0. */
int ipcshm_nl_put_fields(struct sk_buff *skb, const struct ipcshm_nl_field *fields,
			 const void *base);

#endif /* IPCSHM_NETLINK_FIELD_H */
