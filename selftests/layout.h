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
#define VALUE(name, value)						\
	_Static_assert(IPCSHM_##name == (value), #name " has another value")

SIZE(limit, 16);
LAYOUT(limit, used, 0);
LAYOUT(limit, max, 8);

LEAST(info, 104);
LAYOUT(info, abi_version, 0);
LAYOUT(info, reserved, 4);
LAYOUT(info, features, 8);
LAYOUT(info, max_message_size, 16);
LAYOUT(info, objects, 24);
LAYOUT(info, region_bytes, 40);
LAYOUT(info, queue_bytes, 56);
LAYOUT(info, members, 72);
LAYOUT(info, waiters, 88);

SIZE(open_how, 40);
LAYOUT(open_how, name, 0);
LAYOUT(open_how, name_len, 8);
LAYOUT(open_how, flags, 12);
LAYOUT(open_how, mode, 16);
LAYOUT(open_how, created, 20);
LAYOUT(open_how, id, 24);
LAYOUT(open_how, reserved, 32);

LEAST(region_open, 64);
LAYOUT(region_open, how, 0);
LAYOUT(region_open, size, 40);
LAYOUT(region_open, max_size, 48);
LAYOUT(region_open, max_members, 56);
LAYOUT(region_open, reserved, 60);

LEAST(queue_open, 64);
LAYOUT(queue_open, how, 0);
LAYOUT(queue_open, max_messages, 40);
LAYOUT(queue_open, max_bytes, 48);
LAYOUT(queue_open, max_message_size, 56);

LEAST(unlink, 24);
LAYOUT(unlink, name, 0);
LAYOUT(unlink, name_len, 8);
LAYOUT(unlink, kind, 12);
LAYOUT(unlink, flags, 16);
LAYOUT(unlink, reserved, 20);

SIZE(stat, 56);
LAYOUT(stat, id, 0);
LAYOUT(stat, btime, 8);
LAYOUT(stat, uid, 16);
LAYOUT(stat, gid, 20);
LAYOUT(stat, mode, 24);
LAYOUT(stat, flags, 28);
LAYOUT(stat, kind, 32);
LAYOUT(stat, opens, 36);
LAYOUT(stat, reserved, 40);

LEAST(region_stat, 96);
LAYOUT(region_stat, stat, 0);
LAYOUT(region_stat, size, 56);
LAYOUT(region_stat, max_size, 64);
LAYOUT(region_stat, max_members, 72);
LAYOUT(region_stat, members, 76);
LAYOUT(region_stat, joins, 80);
LAYOUT(region_stat, deaths, 84);
LAYOUT(region_stat, waiters, 88);
LAYOUT(region_stat, reserved, 92);

SIZE(member_page, 4096);
LAYOUT(member_page, version, 0);
LAYOUT(member_page, slots, 4);
LAYOUT(member_page, joins, 8);
LAYOUT(member_page, deaths, 12);
LAYOUT(member_page, revoked, 16);
LAYOUT(member_page, reserved, 20);
LAYOUT(member_page, slot, 64);

LEAST(region_self, 8);
LAYOUT(region_self, token, 0);
LAYOUT(region_self, reserved, 4);

LEAST(member, 24);
LAYOUT(member, token, 0);
LAYOUT(member, pid, 4);
LAYOUT(member, uid, 8);
LAYOUT(member, maps, 12);
LAYOUT(member, joined, 16);

LEAST(region_members, 16);
LAYOUT(region_members, members, 0);
LAYOUT(region_members, count, 8);
LAYOUT(region_members, member_size, 12);

LEAST(region_wait, 40);
LAYOUT(region_wait, offset, 0);
LAYOUT(region_wait, expected, 8);
LAYOUT(region_wait, deadline, 16);
LAYOUT(region_wait, clock, 24);
LAYOUT(region_wait, size, 28);
LAYOUT(region_wait, deaths, 32);
LAYOUT(region_wait, flags, 36);

LEAST(region_wake, 16);
LAYOUT(region_wake, offset, 0);
LAYOUT(region_wake, count, 8);
LAYOUT(region_wake, flags, 12);

LEAST(region_watch, 32);
LAYOUT(region_watch, offset, 0);
LAYOUT(region_watch, expected, 8);
LAYOUT(region_watch, size, 16);
LAYOUT(region_watch, deaths, 20);
LAYOUT(region_watch, flags, 24);
LAYOUT(region_watch, reserved, 28);

LEAST(region_resize, 8);
LAYOUT(region_resize, size, 0);

LEAST(region_revoke, 8);
LAYOUT(region_revoke, flags, 0);
LAYOUT(region_revoke, reserved, 4);

LEAST(queue_stat, 128);
LAYOUT(queue_stat, stat, 0);
LAYOUT(queue_stat, max_messages, 56);
LAYOUT(queue_stat, max_bytes, 64);
LAYOUT(queue_stat, max_message_size, 72);
LAYOUT(queue_stat, messages, 80);
LAYOUT(queue_stat, bytes, 88);
LAYOUT(queue_stat, senders, 96);
LAYOUT(queue_stat, receivers, 104);
LAYOUT(queue_stat, sent, 112);
LAYOUT(queue_stat, received, 120);

SIZE(message, 88);
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

LEAST(transfer, 104);
LAYOUT(transfer, message, 0);
LAYOUT(transfer, deadline, 88);
LAYOUT(transfer, clock, 96);
LAYOUT(transfer, flags, 100);

NUMBER(INFO, 0x00, info);
NUMBER(REGION_OPEN, 0x01, region_open);
NUMBER(QUEUE_OPEN, 0x02, queue_open);
NUMBER(UNLINK, 0x03, unlink);
NUMBER(REGION_STAT, 0x20, region_stat);
NUMBER(REGION_SELF, 0x21, region_self);
NUMBER(REGION_MEMBERS, 0x22, region_members);
NUMBER(REGION_WAIT, 0x23, region_wait);
NUMBER(REGION_WAKE, 0x24, region_wake);
NUMBER(REGION_WATCH, 0x25, region_watch);
NUMBER(REGION_RESIZE, 0x26, region_resize);
NUMBER(REGION_REVOKE, 0x27, region_revoke);
NUMBER(QUEUE_STAT, 0x40, queue_stat);
NUMBER(QUEUE_SEND, 0x41, transfer);
NUMBER(QUEUE_RECEIVE, 0x42, transfer);

VALUE(INFO_SIZE_VER0, 72);
VALUE(REGION_OPEN_SIZE_VER0, 48);
VALUE(QUEUE_OPEN_SIZE_VER0, 64);
VALUE(UNLINK_SIZE_VER0, 24);
VALUE(REGION_STAT_SIZE_VER0, 64);
VALUE(QUEUE_STAT_SIZE_VER0, 128);
VALUE(TRANSFER_SIZE_VER0, 104);
VALUE(REGION_SELF_SIZE_VER0, 8);
VALUE(REGION_MEMBERS_SIZE_VER0, 16);
VALUE(MEMBER_SIZE_VER0, 24);
VALUE(REGION_WAIT_SIZE_VER0, 40);
VALUE(REGION_WAKE_SIZE_VER0, 16);
VALUE(REGION_WATCH_SIZE_VER0, 32);
VALUE(REGION_RESIZE_SIZE_VER0, 8);
VALUE(REGION_REVOKE_SIZE_VER0, 8);

VALUE(READ, 0x01);
VALUE(WRITE, 0x02);
VALUE(CREATE, 0x04);
VALUE(EXCLUSIVE, 0x08);
VALUE(PERSISTENT, 0x10);
VALUE(NONBLOCK, 0x20);
VALUE(POPULATE, 0x40);
VALUE(DONTWAIT, 0x01);
VALUE(REGION, 1);
VALUE(QUEUE, 2);
VALUE(FEATURE_REGION, 0x01);
VALUE(FEATURE_QUEUE, 0x02);
VALUE(FEATURE_MEMBERS, 0x04);
VALUE(STAT_NAMED, 0x01);
VALUE(STAT_PERSISTENT, 0x02);
VALUE(STAT_REVOKED, 0x04);
VALUE(NAME_MAX, 255);
VALUE(PRIORITY_MAX, 32767);
VALUE(REGION_MAX, 8ULL << 40);
VALUE(MESSAGE_MAX, 16 << 20);
VALUE(UNBOUNDED, ~0ULL);
VALUE(FOREVER, ~0ULL);
VALUE(MEMBERS_MAX, 1008);
VALUE(MEMBERS_DEFAULT, 64);
VALUE(MEMBER_PAGE_OFFSET, 8ULL << 40);
VALUE(MEMBER_PAGE_VERSION, 1);
VALUE(TOKEN_SLOT_BITS, 10);
VALUE(TOKEN_MASK, 0x3fffffff);
VALUE(TOKEN_SLOT(1), 0);
VALUE(TOKEN_SLOT(5 << 10 | 1008), 1007);

#endif /* IPCSHM_LAYOUT_H */
