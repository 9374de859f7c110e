/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of every structure of the interface, for any compiler and any word
 * size: published members never move.
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

SIZE(quota, 16);
LAYOUT(quota, used, 0);
LAYOUT(quota, max, 8);

LEAST(info, 120);
LAYOUT(info, abi_version, 0);
LAYOUT(info, reserved, 4);
LAYOUT(info, features, 8);
LAYOUT(info, max_message_size, 16);
LAYOUT(info, objects, 24);
LAYOUT(info, region_bytes, 40);
LAYOUT(info, queue_bytes, 56);
LAYOUT(info, members, 72);
LAYOUT(info, waiters, 88);
LAYOUT(info, descriptors, 104);

SIZE(open_how, 40);
LAYOUT(open_how, name, 0);
LAYOUT(open_how, name_len, 8);
LAYOUT(open_how, flags, 12);
LAYOUT(open_how, mode, 16);
LAYOUT(open_how, created, 20);
LAYOUT(open_how, id, 24);
LAYOUT(open_how, invalid, 32);
LAYOUT(open_how, reserved, 36);

LEAST(region_open_args, 64);
LAYOUT(region_open_args, how, 0);
LAYOUT(region_open_args, size, 40);
LAYOUT(region_open_args, max_size, 48);
LAYOUT(region_open_args, max_members, 56);
LAYOUT(region_open_args, reserved, 60);

LEAST(queue_open_args, 80);
LAYOUT(queue_open_args, how, 0);
LAYOUT(queue_open_args, max_messages, 40);
LAYOUT(queue_open_args, max_bytes, 48);
LAYOUT(queue_open_args, max_message_size, 56);
LAYOUT(queue_open_args, pool_bytes, 64);
LAYOUT(queue_open_args, overflow, 72);
LAYOUT(queue_open_args, reserved, 76);

LEAST(unlink_args, 24);
LAYOUT(unlink_args, name, 0);
LAYOUT(unlink_args, name_len, 8);
LAYOUT(unlink_args, kind, 12);
LAYOUT(unlink_args, flags, 16);
LAYOUT(unlink_args, reserved, 20);

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

LEAST(region_stat, 104);
LAYOUT(region_stat, stat, 0);
LAYOUT(region_stat, size, 56);
LAYOUT(region_stat, max_size, 64);
LAYOUT(region_stat, max_members, 72);
LAYOUT(region_stat, members, 76);
LAYOUT(region_stat, joins, 80);
LAYOUT(region_stat, deaths, 84);
LAYOUT(region_stat, waiters, 88);
LAYOUT(region_stat, reserved, 92);
LAYOUT(region_stat, allocated, 96);

SIZE(member_page, 64 + 4 * 65536);
LAYOUT(member_page, version, 0);
LAYOUT(member_page, max_members, 4);
LAYOUT(member_page, joins, 8);
LAYOUT(member_page, deaths, 12);
LAYOUT(member_page, revoked, 16);
LAYOUT(member_page, reserved, 20);
LAYOUT(member_page, slot, 64);

LEAST(region_self_args, 8);
LAYOUT(region_self_args, token, 0);
LAYOUT(region_self_args, reserved, 4);

LEAST(member, 24);
LAYOUT(member, token, 0);
LAYOUT(member, pid, 4);
LAYOUT(member, uid, 8);
LAYOUT(member, maps, 12);
LAYOUT(member, joined, 16);

LEAST(region_member_args, 40);
LAYOUT(region_member_args, token, 0);
LAYOUT(region_member_args, flags, 4);
LAYOUT(region_member_args, end, 8);
LAYOUT(region_member_args, code, 12);
LAYOUT(region_member_args, pid, 16);
LAYOUT(region_member_args, uid, 20);
LAYOUT(region_member_args, maps, 24);
LAYOUT(region_member_args, reserved, 28);
LAYOUT(region_member_args, joined, 32);

LEAST(region_members_args, 16);
LAYOUT(region_members_args, members, 0);
LAYOUT(region_members_args, count, 8);
LAYOUT(region_members_args, member_size, 12);

LEAST(region_wait_args, 40);
LAYOUT(region_wait_args, offset, 0);
LAYOUT(region_wait_args, expected, 8);
LAYOUT(region_wait_args, deadline, 16);
LAYOUT(region_wait_args, clock, 24);
LAYOUT(region_wait_args, size, 28);
LAYOUT(region_wait_args, deaths, 32);
LAYOUT(region_wait_args, flags, 36);

LEAST(region_word, 24);
LAYOUT(region_word, offset, 0);
LAYOUT(region_word, expected, 8);
LAYOUT(region_word, size, 16);
LAYOUT(region_word, reserved, 20);

LEAST(region_waitv_args, 40);
LAYOUT(region_waitv_args, words, 0);
LAYOUT(region_waitv_args, deadline, 8);
LAYOUT(region_waitv_args, count, 16);
LAYOUT(region_waitv_args, word_size, 20);
LAYOUT(region_waitv_args, clock, 24);
LAYOUT(region_waitv_args, deaths, 28);
LAYOUT(region_waitv_args, flags, 32);
LAYOUT(region_waitv_args, reserved, 36);

LEAST(region_wake_args, 16);
LAYOUT(region_wake_args, offset, 0);
LAYOUT(region_wake_args, count, 8);
LAYOUT(region_wake_args, flags, 12);

LEAST(region_requeue_args, 48);
LAYOUT(region_requeue_args, expected, 0);
LAYOUT(region_requeue_args, offset, 8);
LAYOUT(region_requeue_args, target, 16);
LAYOUT(region_requeue_args, size, 24);
LAYOUT(region_requeue_args, wake, 28);
LAYOUT(region_requeue_args, move, 32);
LAYOUT(region_requeue_args, flags, 36);
LAYOUT(region_requeue_args, invalid, 40);
LAYOUT(region_requeue_args, reserved, 44);

LEAST(region_watch_args, 32);
LAYOUT(region_watch_args, offset, 0);
LAYOUT(region_watch_args, expected, 8);
LAYOUT(region_watch_args, size, 16);
LAYOUT(region_watch_args, deaths, 20);
LAYOUT(region_watch_args, events, 24);
LAYOUT(region_watch_args, flags, 28);

LEAST(region_resize_args, 8);
LAYOUT(region_resize_args, size, 0);

LEAST(region_revoke_args, 8);
LAYOUT(region_revoke_args, flags, 0);
LAYOUT(region_revoke_args, reserved, 4);

LEAST(queue_stat, 216);
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
LAYOUT(queue_stat, dropped, 128);
LAYOUT(queue_stat, peak_messages, 136);
LAYOUT(queue_stat, peak_bytes, 144);
LAYOUT(queue_stat, next_time, 152);
LAYOUT(queue_stat, blocked_time, 160);
LAYOUT(queue_stat, pool_bytes, 168);
LAYOUT(queue_stat, pool_used, 176);
LAYOUT(queue_stat, held, 184);
LAYOUT(queue_stat, calls, 192);
LAYOUT(queue_stat, readers, 200);
LAYOUT(queue_stat, writers, 204);
LAYOUT(queue_stat, overflow, 208);
LAYOUT(queue_stat, reserved, 212);
LAYOUT(queue_stat, stalls, 216);

SIZE(segment, 16);
LAYOUT(segment, data, 0);
LAYOUT(segment, size, 8);

SIZE(message, 88);
LAYOUT(message, data, 0);
LAYOUT(message, size, 8);
LAYOUT(message, type, 16);
LAYOUT(message, priority, 24);
LAYOUT(message, flags, 28);
LAYOUT(message, pid, 32);
LAYOUT(message, uid, 36);
LAYOUT(message, gid, 40);
LAYOUT(message, segments, 44);
LAYOUT(message, time, 48);
LAYOUT(message, fds, 56);
LAYOUT(message, fd_count, 64);
LAYOUT(message, reserved, 68);
LAYOUT(message, request_id, 72);
LAYOUT(message, reserved1, 80);

LEAST(transfer_args, 104);
LAYOUT(transfer_args, message, 0);
LAYOUT(transfer_args, deadline, 88);
LAYOUT(transfer_args, clock, 96);
LAYOUT(transfer_args, flags, 100);

LEAST(batch_args, 32);
LAYOUT(batch_args, messages, 0);
LAYOUT(batch_args, count, 8);
LAYOUT(batch_args, flags, 12);
LAYOUT(batch_args, deadline, 16);
LAYOUT(batch_args, clock, 24);
LAYOUT(batch_args, message_size, 28);

LEAST(call_args, 192);
LAYOUT(call_args, request, 0);
LAYOUT(call_args, reply, 88);
LAYOUT(call_args, deadline, 176);
LAYOUT(call_args, clock, 184);
LAYOUT(call_args, flags, 188);

LEAST(reply_args, 96);
LAYOUT(reply_args, message, 0);
LAYOUT(reply_args, flags, 88);
LAYOUT(reply_args, reserved, 92);

LEAST(queue_set_args, 24);
LAYOUT(queue_set_args, max_messages, 0);
LAYOUT(queue_set_args, max_bytes, 8);
LAYOUT(queue_set_args, flags, 16);
LAYOUT(queue_set_args, reserved, 20);

LEAST(queue_drain_args, 16);
LAYOUT(queue_drain_args, messages, 0);
LAYOUT(queue_drain_args, flags, 8);
LAYOUT(queue_drain_args, reserved, 12);

LEAST(queue_busy_poll_args, 8);
LAYOUT(queue_busy_poll_args, microseconds, 0);
LAYOUT(queue_busy_poll_args, flags, 4);

LEAST(queue_release_args, 16);
LAYOUT(queue_release_args, offsets, 0);
LAYOUT(queue_release_args, count, 8);
LAYOUT(queue_release_args, flags, 12);

LEAST(queue_revoke_args, 8);
LAYOUT(queue_revoke_args, flags, 0);
LAYOUT(queue_revoke_args, reserved, 4);

NUMBER(INFO, 0x00, info);
NUMBER(REGION_OPEN, 0x01, region_open_args);
NUMBER(QUEUE_OPEN, 0x02, queue_open_args);
NUMBER(UNLINK, 0x03, unlink_args);
NUMBER(REGION_STAT, 0x20, region_stat);
NUMBER(REGION_SELF, 0x21, region_self_args);
NUMBER(REGION_MEMBERS, 0x22, region_members_args);
NUMBER(REGION_MEMBER, 0x28, region_member_args);
NUMBER(REGION_WAIT, 0x23, region_wait_args);
NUMBER(REGION_WAITV, 0x29, region_waitv_args);
NUMBER(REGION_WAKE, 0x24, region_wake_args);
NUMBER(REGION_REQUEUE, 0x2a, region_requeue_args);
NUMBER(REGION_WATCH, 0x25, region_watch_args);
NUMBER(REGION_RESIZE, 0x26, region_resize_args);
NUMBER(REGION_REVOKE, 0x27, region_revoke_args);
NUMBER(QUEUE_STAT, 0x40, queue_stat);
NUMBER(QUEUE_SEND, 0x41, transfer_args);
NUMBER(QUEUE_RECEIVE, 0x42, transfer_args);
NUMBER(QUEUE_SEND_BATCH, 0x43, batch_args);
NUMBER(QUEUE_RECEIVE_BATCH, 0x44, batch_args);
NUMBER(QUEUE_CALL, 0x45, call_args);
NUMBER(QUEUE_REPLY, 0x46, reply_args);
NUMBER(QUEUE_REPLY_RECEIVE, 0x47, call_args);
NUMBER(QUEUE_RELEASE, 0x48, queue_release_args);
NUMBER(QUEUE_SET, 0x49, queue_set_args);
NUMBER(QUEUE_BUSY_POLL, 0x4a, queue_busy_poll_args);
NUMBER(QUEUE_DRAIN, 0x4b, queue_drain_args);
NUMBER(QUEUE_REVOKE, 0x4c, queue_revoke_args);

VALUE(INFO_SIZE_VER0, 120);
VALUE(REGION_OPEN_SIZE_VER0, 64);
VALUE(QUEUE_OPEN_SIZE_VER0, 80);
VALUE(UNLINK_SIZE_VER0, 24);
VALUE(REGION_STAT_SIZE_VER0, 104);
VALUE(QUEUE_STAT_SIZE_VER0, 216);
VALUE(TRANSFER_SIZE_VER0, 104);
VALUE(BATCH_SIZE_VER0, 32);
VALUE(CALL_SIZE_VER0, 192);
VALUE(REPLY_SIZE_VER0, 96);
VALUE(QUEUE_SET_SIZE_VER0, 24);
VALUE(QUEUE_DRAIN_SIZE_VER0, 16);
VALUE(QUEUE_BUSY_POLL_SIZE_VER0, 8);
VALUE(QUEUE_RELEASE_SIZE_VER0, 16);
VALUE(QUEUE_REVOKE_SIZE_VER0, 8);
VALUE(REGION_SELF_SIZE_VER0, 8);
VALUE(REGION_MEMBER_SIZE_VER0, 40);
VALUE(REGION_MEMBERS_SIZE_VER0, 16);
VALUE(MEMBER_SIZE_VER0, 24);
VALUE(REGION_WAIT_SIZE_VER0, 40);
VALUE(REGION_WORD_SIZE_VER0, 24);
VALUE(REGION_WAITV_SIZE_VER0, 40);
VALUE(REGION_WAKE_SIZE_VER0, 16);
VALUE(REGION_REQUEUE_SIZE_VER0, 48);
VALUE(REGION_WATCH_SIZE_VER0, 32);
VALUE(REGION_RESIZE_SIZE_VER0, 8);
VALUE(REGION_REVOKE_SIZE_VER0, 8);

VALUE(ABI_VERSION, 1);

VALUE(READ, 0x01);
VALUE(WRITE, 0x02);
VALUE(CREATE, 0x04);
VALUE(EXCLUSIVE, 0x08);
VALUE(PERSISTENT, 0x10);
VALUE(NONBLOCK, 0x20);
VALUE(POPULATE, 0x40);
VALUE(HANGUP, 0x80);
VALUE(HUGE, 0x100);
VALUE(BY_ID, 0x200);
VALUE(DONTWAIT, 0x01);
VALUE(PEEK, 0x02);
VALUE(TYPE_EQUAL, 0x01);
VALUE(TYPE_NOT, 0x02);
VALUE(TYPE_UP_TO, 0x04);
VALUE(MAPPED, 0x08);
VALUE(OVERFLOW_BLOCK, 0);
VALUE(OVERFLOW_DROP_OLDEST, 1);
VALUE(OVERFLOW_DROP_NEWEST, 2);
VALUE(REGION, 1);
VALUE(QUEUE, 2);
VALUE(FEATURE_REGION, 0x01);
VALUE(FEATURE_QUEUE, 0x02);
VALUE(FEATURE_MEMBERS, 0x04);
VALUE(FEATURE_MESSAGES, 0x08);
VALUE(FEATURE_CALL, 0x10);
VALUE(FEATURE_POOL, 0x20);
VALUE(STAT_NAMED, 0x01);
VALUE(STAT_PERSISTENT, 0x02);
VALUE(STAT_REVOKED, 0x04);
VALUE(STAT_HANGUP, 0x08);
VALUE(NAME_MAX, 255);
VALUE(PRIORITY_MAX, 32767);
VALUE(REGION_MAX, 8ULL << 40);
VALUE(POOL_MAX, 512ULL << 30);
VALUE(MESSAGE_MAX, 16 << 20);
VALUE(FDS_MAX, 16);
VALUE(SEGMENTS_MAX, 1024);
VALUE(BATCH_MAX, 1024);
VALUE(BUSY_POLL_MAX, 1000);
VALUE(UNBOUNDED, ~0ULL);
VALUE(FOREVER, ~0ULL);
VALUE(NOW, 0);
VALUE(MEMBERS_MAX, 65536);
VALUE(MEMBERS_DEFAULT, 1024);
VALUE(MEMBER_PAGE_OFFSET, 8ULL << 40);
VALUE(MEMBER_PAGE_VERSION, 2);
VALUE(TOKEN_SLOT_BITS, 16);
VALUE(TOKEN_MASK, 0x3fffffff);
VALUE(TOKEN_MIN, 0x10000);
VALUE(TOKEN_SLOT(5 << 16 | 65535), 65535);
VALUE(TOKEN_SLOT(5 << 16), 0);
VALUE(TOKEN_GENERATION(5 << 16 | 65535), 5);
VALUE(TOKEN_GENERATION(0xffffffff), 0x3fff);
VALUE(GENERATIONS, 0x3fff);
VALUE(END_NONE, 0);
VALUE(END_LEFT, 1);
VALUE(END_EXITED, 2);
VALUE(END_KILLED, 3);
VALUE(END_EXEC, 4);
VALUE(END_UNKNOWN, 5);
VALUE(SLOT_ENDED, 0x80000000);
VALUE(SLOT_END(2, 0x1ff), 0x2ff);
VALUE(SLOT_HOW(0x80020309), 3);
VALUE(SLOT_CODE(0x80020309), 9);

#endif /* IPCSHM_LAYOUT_H */
