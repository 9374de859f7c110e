/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of every structure of the interface, for any compiler and any word
 * size: what was published once never moves.
 */
#ifndef IPCSHM_LAYOUT_H
#define IPCSHM_LAYOUT_H

#include <linux/ipcshm.h>

#define LAYOUT(type, member, at)					\
	_Static_assert(__builtin_offsetof(struct ipcshm_##type, member) == (at), \
		       #type "." #member " has moved")
#define LEAST(type, first_published)					\
	_Static_assert(sizeof(struct ipcshm_##type) >= (first_published), \
		       #type " has shrunk")
#define SIZE(type, bytes)						\
	_Static_assert(sizeof(struct ipcshm_##type) == (bytes),		\
		       #type " has another size")
#define NUMBER(command, nr, type)					\
	_Static_assert(IPCSHM_IOC_##command ==				\
		       _IOC(_IOC_READ | _IOC_WRITE, 0xBC, nr, sizeof(struct ipcshm_##type)), \
		       #command " has another number")

SIZE(limit, 16);
LAYOUT(limit, used, 0);
LAYOUT(limit, max, 8);

LEAST(info, 72);
LAYOUT(info, abi_version, 0);
LAYOUT(info, reserved, 4);
LAYOUT(info, features, 8);
LAYOUT(info, message_size_max, 16);
LAYOUT(info, objects, 24);
LAYOUT(info, region_bytes, 40);
LAYOUT(info, queue_bytes, 56);

SIZE(open, 32);
LAYOUT(open, name, 0);
LAYOUT(open, name_len, 8);
LAYOUT(open, flags, 12);
LAYOUT(open, mode, 16);
LAYOUT(open, created, 20);
LAYOUT(open, id, 24);

LEAST(region_open, 40);
LAYOUT(region_open, open, 0);
LAYOUT(region_open, size, 32);

LEAST(queue_open, 56);
LAYOUT(queue_open, open, 0);
LAYOUT(queue_open, max_messages, 32);
LAYOUT(queue_open, max_bytes, 40);
LAYOUT(queue_open, max_message_size, 48);

LEAST(unlink, 24);
LAYOUT(unlink, name, 0);
LAYOUT(unlink, name_len, 8);
LAYOUT(unlink, kind, 12);
LAYOUT(unlink, flags, 16);
LAYOUT(unlink, reserved, 20);

SIZE(stat, 40);
LAYOUT(stat, id, 0);
LAYOUT(stat, created, 8);
LAYOUT(stat, uid, 16);
LAYOUT(stat, gid, 20);
LAYOUT(stat, mode, 24);
LAYOUT(stat, flags, 28);
LAYOUT(stat, kind, 32);
LAYOUT(stat, opens, 36);

LEAST(region_stat, 48);
LAYOUT(region_stat, stat, 0);
LAYOUT(region_stat, size, 40);

LEAST(queue_stat, 112);
LAYOUT(queue_stat, stat, 0);
LAYOUT(queue_stat, max_messages, 40);
LAYOUT(queue_stat, max_bytes, 48);
LAYOUT(queue_stat, max_message_size, 56);
LAYOUT(queue_stat, messages, 64);
LAYOUT(queue_stat, bytes, 72);
LAYOUT(queue_stat, senders, 80);
LAYOUT(queue_stat, receivers, 88);
LAYOUT(queue_stat, sent, 96);
LAYOUT(queue_stat, received, 104);

SIZE(message, 72);
LAYOUT(message, data, 0);
LAYOUT(message, size, 8);
LAYOUT(message, type, 16);
LAYOUT(message, priority, 24);
LAYOUT(message, flags, 28);
LAYOUT(message, pid, 32);
LAYOUT(message, uid, 36);
LAYOUT(message, gid, 40);
LAYOUT(message, reserved0, 44);
LAYOUT(message, time, 48);
LAYOUT(message, reserved, 56);

LEAST(transfer, 88);
LAYOUT(transfer, message, 0);
LAYOUT(transfer, deadline, 72);
LAYOUT(transfer, clock, 80);
LAYOUT(transfer, flags, 84);

NUMBER(INFO, 0x00, info);
NUMBER(REGION_OPEN, 0x01, region_open);
NUMBER(QUEUE_OPEN, 0x02, queue_open);
NUMBER(UNLINK, 0x03, unlink);
NUMBER(REGION_STAT, 0x20, region_stat);
NUMBER(QUEUE_STAT, 0x40, queue_stat);
NUMBER(QUEUE_SEND, 0x41, transfer);
NUMBER(QUEUE_RECEIVE, 0x42, transfer);

_Static_assert(IPCSHM_INFO_SIZE_VER0 == 72, "published");
_Static_assert(IPCSHM_REGION_OPEN_SIZE_VER0 == 40, "published");
_Static_assert(IPCSHM_QUEUE_OPEN_SIZE_VER0 == 56, "published");
_Static_assert(IPCSHM_UNLINK_SIZE_VER0 == 24, "published");
_Static_assert(IPCSHM_REGION_STAT_SIZE_VER0 == 48, "published");
_Static_assert(IPCSHM_QUEUE_STAT_SIZE_VER0 == 112, "published");
_Static_assert(IPCSHM_TRANSFER_SIZE_VER0 == 88, "published");

#endif /* IPCSHM_LAYOUT_H */
