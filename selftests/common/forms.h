/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The forms of the ioctls: a command with valid arguments and the state in which it succeeds. Each
 * form has all tests of abi_sizes.c, and those of the flags and reserved members of its structure.
 *
 * FORM(form, variant, command, structure, least, target, does, answer)
 *	@variant: its name in the names of tests
 *	@least: the first published size of the structure
 *	@target: the descriptor, see enum target
 *	@does: its effects, see abi.h
 *	@answer: if that is not 0 or a descriptor
 *	fill_args() and prepare_world() provide the arguments and the state.
 *
 * PLAIN(form, variant, command, structure, least, target, does, arguments...)
 *	A form without pointers, whose answer is 0: @arguments initializes the structure. It is
 *	also made in late memory (hostile_memory.c) and with faults in the kernel (fault.c).
 *
 * A new ioctl is a new row.
 */
#ifndef FORM
#define FORM(...)
#endif
#ifndef PLAIN
#define PLAIN(form, variant, command, structure, least, target, does, ...)	\
	FORM(form, variant, command, structure, least, target, does, 0)
#endif

PLAIN(INFO, info, INFO, info, 120, DEVICE, ALL_OUT)
FORM(REGION_CREATE, region_create, REGION_OPEN, region_open_args, 64, DEVICE, OUT | EFFECT, 0)
FORM(REGION_ANONYMOUS, region_anonymous, REGION_OPEN, region_open_args, 64, DEVICE, OUT | EFFECT, 0)
FORM(REGION_GROWING, region_growing, REGION_OPEN, region_open_args, 64, DEVICE, OUT | EFFECT, 0)
FORM(REGION_OPEN, region_open, REGION_OPEN, region_open_args, 64, DEVICE, OUT | EFFECT, 0)
FORM(QUEUE_CREATE, queue_create, QUEUE_OPEN, queue_open_args, 80, DEVICE, OUT | EFFECT, 0)
FORM(QUEUE_ANONYMOUS, queue_anonymous, QUEUE_OPEN, queue_open_args, 80, DEVICE, OUT | EFFECT, 0)
FORM(QUEUE_RENDEZVOUS, queue_rendezvous, QUEUE_OPEN, queue_open_args, 80, DEVICE, OUT | EFFECT, 0)
FORM(QUEUE_POOL, queue_pool, QUEUE_OPEN, queue_open_args, 80, DEVICE, OUT | EFFECT, 0)
FORM(QUEUE_OPEN, queue_open, QUEUE_OPEN, queue_open_args, 80, DEVICE, OUT | EFFECT, 0)
FORM(UNLINK, unlink, UNLINK, unlink_args, 24, DEVICE, EFFECT, 0)
PLAIN(REGION_STAT, region_stat, REGION_STAT, region_stat, 104, REGION, ALL_OUT)
PLAIN(SELF, self, REGION_SELF, region_self_args, 8, REGION, OUT)
FORM(MEMBER, member, REGION_MEMBER, region_member_args, 40, REGION, OUT, 0)
FORM(MEMBERS, members, REGION_MEMBERS, region_members_args, 16, REGION, OUT, 0)
FORM(WAIT, wait, REGION_WAIT, region_wait_args, 40, REGION, 0, -ETIMEDOUT)
FORM(WAITV, waitv, REGION_WAITV, region_waitv_args, 40, REGION, 0, -ETIMEDOUT)
PLAIN(WAKE, wake, REGION_WAKE, region_wake_args, 16, REGION, 0, .count = 1)
PLAIN(REQUEUE, requeue, REGION_REQUEUE, region_requeue_args, 48, REGION, 0,
	.target = 8, .size = 4, .wake = 1, .move = 1)
FORM(WATCH, watch, REGION_WATCH, region_watch_args, 32, REGION, EFFECT, 0)
FORM(RESIZE, resize, REGION_RESIZE, region_resize_args, 8, REGION, EFFECT, 0)
PLAIN(REVOKE, revoke, REGION_REVOKE, region_revoke_args, 8, REGION, EFFECT)
PLAIN(QUEUE_STAT, queue_stat, QUEUE_STAT, queue_stat, 216, QUEUE, ALL_OUT)
FORM(SEND, send, QUEUE_SEND, transfer_args, 104, QUEUE, EFFECT, 0)
FORM(RECEIVE, receive, QUEUE_RECEIVE, transfer_args, 104, QUEUE, OUT | EFFECT, 0)
FORM(SEND_BATCH, send_batch, QUEUE_SEND_BATCH, batch_args, 32, QUEUE, EFFECT, BATCH)
FORM(RECEIVE_BATCH, receive_batch, QUEUE_RECEIVE_BATCH, batch_args, 32, QUEUE, EFFECT, BATCH)
FORM(CALL, call, QUEUE_CALL, call_args, 192, QUEUE, OUT | EFFECT | ASKS, 0)
FORM(REPLY, reply, QUEUE_REPLY, reply_args, 96, QUEUE, EFFECT, 0)
FORM(REPLY_RECEIVE, reply_receive, QUEUE_REPLY_RECEIVE, call_args, 192, QUEUE, OUT | EFFECT, 0)
FORM(RELEASE, release, QUEUE_RELEASE, queue_release_args, 16, QUEUE, EFFECT, 1)
FORM(ACK, ack, QUEUE_ACK, queue_ack_args, 24, QUEUE, EFFECT, 1)
PLAIN(SET, set, QUEUE_SET, queue_set_args, 24, QUEUE, EFFECT,
	.max_messages = 8, .max_bytes = 65536)
PLAIN(SPIN, spin, QUEUE_BUSY_POLL, queue_busy_poll_args, 8, QUEUE, 0, .microseconds = 1)
PLAIN(DRAIN, drain, QUEUE_DRAIN, queue_drain_args, 16, QUEUE, OUT | EFFECT)
PLAIN(CANCEL, cancel, QUEUE_CANCEL, queue_cancel_args, 8, QUEUE, 0, .flags = IPCSHM_CANCEL_UNDO)
FORM(WAIT_PEER, wait_peer, QUEUE_WAIT_PEER, queue_wait_peer_args, 16, QUEUE, 0, -ETIMEDOUT)
FORM(MOVE, move, QUEUE_MOVE, queue_move_args, 24, QUEUE, 0, -EOPNOTSUPP)
PLAIN(QUEUE_REVOKE, queue_revoke, QUEUE_REVOKE, queue_revoke_args, 8, QUEUE, EFFECT)

#undef FORM
#undef PLAIN
