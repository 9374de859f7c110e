/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The generic netlink family "ipcshm": looking at regions and queues, and
 * steering them.  The same is said, for programs that read it, in
 * Documentation/netlink/specs/ipcshm.yaml; each request, its rights and its
 * errors are described in Documentation/netlink.rst.
 *
 * A number here keeps its meaning.  Whoever reads a message skips attributes
 * that it doesn't know; the kernel refuses those, and tells which it was.
 * 64-bit attributes may be preceded by padding, of type 1.
 */
#ifndef _UAPI_LINUX_IPCSHM_NETLINK_H
#define _UAPI_LINUX_IPCSHM_NETLINK_H

#define IPCSHM_FAMILY_NAME	"ipcshm"
#define IPCSHM_FAMILY_VERSION	1
#define IPCSHM_MCGRP_EVENTS	"events"

/**
 * enum ipcshm_cmd - what can be asked for
 * @IPCSHM_CMD_OBJECT_GET: tell about one object (by id, or kind and name), or
 *	dump all (of a kind, with a name, of an owner: uid), in the order of their
 *	ids; enum ipcshm_a_object
 * @IPCSHM_CMD_OBJECT_UNLINK: take the name from an object (by id, or kind and
 *	name)
 * @IPCSHM_CMD_OBJECT_REVOKE: take an object from all who use it, likewise
 * @IPCSHM_CMD_MEMBER_GET: dump the members of a region, or of all; enum
 *	ipcshm_a_member
 * @IPCSHM_CMD_LIMITS_GET: tell about the limits of a user (uid; by default the
 *	caller's own), or the default; or dump the default, then all users; enum
 *	ipcshm_a_limits
 * @IPCSHM_CMD_LIMITS_SET: set those that are given, of a user or the default
 * @IPCSHM_CMD_EVENT: of the multicast group: something has happened; enum
 *	ipcshm_a_event
 */
enum ipcshm_cmd {
	IPCSHM_CMD_OBJECT_GET = 1,
	IPCSHM_CMD_OBJECT_UNLINK,
	IPCSHM_CMD_OBJECT_REVOKE,
	IPCSHM_CMD_MEMBER_GET,
	IPCSHM_CMD_LIMITS_GET,
	IPCSHM_CMD_LIMITS_SET,
	IPCSHM_CMD_EVENT,

	__IPCSHM_CMD_MAX,
	IPCSHM_CMD_MAX = (__IPCSHM_CMD_MAX - 1)
};

/**
 * enum ipcshm_a_object - a region or a queue
 * @IPCSHM_A_OBJECT_PAD: nothing
 * @IPCSHM_A_OBJECT_ID: u64, its number, never used again while the module is loaded
 * @IPCSHM_A_OBJECT_KIND: u32, enum ipcshm_kind
 * @IPCSHM_A_OBJECT_NAME: string, without a leading '/'; if it has a name
 * @IPCSHM_A_OBJECT_UID: u32, owner, as seen in the caller's user namespace
 * @IPCSHM_A_OBJECT_GID: u32, group, likewise
 * @IPCSHM_A_OBJECT_MODE: u32, permission bits
 * @IPCSHM_A_OBJECT_FLAGS: u32, IPCSHM_STAT_* bits
 * @IPCSHM_A_OBJECT_OPENS: u32, open file descriptions of it
 * @IPCSHM_A_OBJECT_BTIME: u64, when it was created, nanoseconds of CLOCK_REALTIME
 * @IPCSHM_A_OBJECT_REGION: nest of enum ipcshm_a_region, if it is a region
 * @IPCSHM_A_OBJECT_QUEUE: nest of enum ipcshm_a_queue, if it is a queue
 */
enum ipcshm_a_object {
	IPCSHM_A_OBJECT_PAD = 1,
	IPCSHM_A_OBJECT_ID,
	IPCSHM_A_OBJECT_KIND,
	IPCSHM_A_OBJECT_NAME,
	IPCSHM_A_OBJECT_UID,
	IPCSHM_A_OBJECT_GID,
	IPCSHM_A_OBJECT_MODE,
	IPCSHM_A_OBJECT_FLAGS,
	IPCSHM_A_OBJECT_OPENS,
	IPCSHM_A_OBJECT_BTIME,
	IPCSHM_A_OBJECT_REGION,
	IPCSHM_A_OBJECT_QUEUE,

	__IPCSHM_A_OBJECT_MAX,
	IPCSHM_A_OBJECT_MAX = (__IPCSHM_A_OBJECT_MAX - 1)
};

/**
 * enum ipcshm_a_region - what only a region has
 * @IPCSHM_A_REGION_PAD: nothing
 * @IPCSHM_A_REGION_SIZE: u64, bytes
 * @IPCSHM_A_REGION_MAX_SIZE: u64, bytes that it can grow to, and is charged for
 * @IPCSHM_A_REGION_ALLOCATED: u64, bytes that have memory, or swap
 * @IPCSHM_A_REGION_MAX_MEMBERS: u32, how many processes can map it at a time
 * @IPCSHM_A_REGION_MEMBERS: u32, how many do
 * @IPCSHM_A_REGION_JOINS: u32, memberships since it was created, modulo 2^32
 * @IPCSHM_A_REGION_DEATHS: u32, how many of them ended by a death
 * @IPCSHM_A_REGION_WAITERS: u32, waits on its words that are blocked
 */
enum ipcshm_a_region {
	IPCSHM_A_REGION_PAD = 1,
	IPCSHM_A_REGION_SIZE,
	IPCSHM_A_REGION_MAX_SIZE,
	IPCSHM_A_REGION_ALLOCATED,
	IPCSHM_A_REGION_MAX_MEMBERS,
	IPCSHM_A_REGION_MEMBERS,
	IPCSHM_A_REGION_JOINS,
	IPCSHM_A_REGION_DEATHS,
	IPCSHM_A_REGION_WAITERS,

	__IPCSHM_A_REGION_MAX,
	IPCSHM_A_REGION_MAX = (__IPCSHM_A_REGION_MAX - 1)
};

/**
 * enum ipcshm_a_queue - what only a queue has
 * @IPCSHM_A_QUEUE_PAD: nothing
 * @IPCSHM_A_QUEUE_MAX_MESSAGES: u64, capacity in messages; 0: a rendezvous;
 *	IPCSHM_UNBOUNDED
 * @IPCSHM_A_QUEUE_MAX_BYTES: u64, capacity in bytes; IPCSHM_UNBOUNDED
 * @IPCSHM_A_QUEUE_MAX_MESSAGE_SIZE: u64, the largest message in bytes
 * @IPCSHM_A_QUEUE_MESSAGES: u64, messages in it: its depth
 * @IPCSHM_A_QUEUE_BYTES: u64, how many bytes they have
 * @IPCSHM_A_QUEUE_SENDERS: u64, senders that are blocked
 * @IPCSHM_A_QUEUE_RECEIVERS: u64, receivers that are blocked
 * @IPCSHM_A_QUEUE_SENT: u64, messages accepted since it was created
 * @IPCSHM_A_QUEUE_RECEIVED: u64, messages received since it was created
 * @IPCSHM_A_QUEUE_DROPPED: u64, messages accepted and lost since it was created
 * @IPCSHM_A_QUEUE_PEAK_MESSAGES: u64, the most it ever held: its high-water mark
 * @IPCSHM_A_QUEUE_PEAK_BYTES: u64, the most bytes they ever had
 * @IPCSHM_A_QUEUE_NEXT_TIME: u64, when the message was sent that is received
 *	next, nanoseconds of CLOCK_MONOTONIC in the caller's time namespace: how
 *	far the receivers are behind; if there is one
 * @IPCSHM_A_QUEUE_BLOCKED_TIME: u64, since when the sender is blocked whose turn
 *	is next, likewise; if there is one
 * @IPCSHM_A_QUEUE_POOL_BYTES: u64, size of its pool
 * @IPCSHM_A_QUEUE_POOL_USED: u64, bytes of the pool that hold messages
 * @IPCSHM_A_QUEUE_HELD: u64, messages received mapped and not released
 * @IPCSHM_A_QUEUE_CALLS: u64, callers that wait for a reply
 * @IPCSHM_A_QUEUE_READERS: u32, open file descriptions that may receive
 * @IPCSHM_A_QUEUE_WRITERS: u32, open file descriptions that may send
 * @IPCSHM_A_QUEUE_OVERFLOW: u32, enum ipcshm_overflow
 */
enum ipcshm_a_queue {
	IPCSHM_A_QUEUE_PAD = 1,
	IPCSHM_A_QUEUE_MAX_MESSAGES,
	IPCSHM_A_QUEUE_MAX_BYTES,
	IPCSHM_A_QUEUE_MAX_MESSAGE_SIZE,
	IPCSHM_A_QUEUE_MESSAGES,
	IPCSHM_A_QUEUE_BYTES,
	IPCSHM_A_QUEUE_SENDERS,
	IPCSHM_A_QUEUE_RECEIVERS,
	IPCSHM_A_QUEUE_SENT,
	IPCSHM_A_QUEUE_RECEIVED,
	IPCSHM_A_QUEUE_DROPPED,
	IPCSHM_A_QUEUE_PEAK_MESSAGES,
	IPCSHM_A_QUEUE_PEAK_BYTES,
	IPCSHM_A_QUEUE_NEXT_TIME,
	IPCSHM_A_QUEUE_BLOCKED_TIME,
	IPCSHM_A_QUEUE_POOL_BYTES,
	IPCSHM_A_QUEUE_POOL_USED,
	IPCSHM_A_QUEUE_HELD,
	IPCSHM_A_QUEUE_CALLS,
	IPCSHM_A_QUEUE_READERS,
	IPCSHM_A_QUEUE_WRITERS,
	IPCSHM_A_QUEUE_OVERFLOW,

	__IPCSHM_A_QUEUE_MAX,
	IPCSHM_A_QUEUE_MAX = (__IPCSHM_A_QUEUE_MAX - 1)
};

/**
 * enum ipcshm_a_member - an address space that has a region mapped
 * @IPCSHM_A_MEMBER_PAD: nothing
 * @IPCSHM_A_MEMBER_REGION: u64, the region's number
 * @IPCSHM_A_MEMBER_TOKEN: u32, what identifies the member in this region
 * @IPCSHM_A_MEMBER_PID: u32, the process, as seen in the caller's PID namespace;
 *	0 if it has no number there
 * @IPCSHM_A_MEMBER_UID: u32, the user that joined, as seen in the caller's user
 *	namespace
 * @IPCSHM_A_MEMBER_MAPS: u32, how many mappings it has of the region
 * @IPCSHM_A_MEMBER_JOINED: u64, when it joined, nanoseconds of CLOCK_REALTIME
 */
enum ipcshm_a_member {
	IPCSHM_A_MEMBER_PAD = 1,
	IPCSHM_A_MEMBER_REGION,
	IPCSHM_A_MEMBER_TOKEN,
	IPCSHM_A_MEMBER_PID,
	IPCSHM_A_MEMBER_UID,
	IPCSHM_A_MEMBER_MAPS,
	IPCSHM_A_MEMBER_JOINED,

	__IPCSHM_A_MEMBER_MAX,
	IPCSHM_A_MEMBER_MAX = (__IPCSHM_A_MEMBER_MAX - 1)
};

/**
 * enum ipcshm_quota - what is counted for each user
 * @IPCSHM_QUOTA_OBJECTS: regions and queues that the user created
 * @IPCSHM_QUOTA_REGION_BYTES: what the user's regions can grow to, together
 * @IPCSHM_QUOTA_QUEUE_BYTES: the user's messages that wait, with the kernel's
 *	record of each
 * @IPCSHM_QUOTA_MEMBERS: memberships of the user's processes, in regions of anyone
 * @IPCSHM_QUOTA_WAITERS: waits on regions that are blocked, and words watched
 * @IPCSHM_QUOTA_DESCRIPTORS: file descriptors in messages that wait
 */
enum ipcshm_quota {
	IPCSHM_QUOTA_OBJECTS,
	IPCSHM_QUOTA_REGION_BYTES,
	IPCSHM_QUOTA_QUEUE_BYTES,
	IPCSHM_QUOTA_MEMBERS,
	IPCSHM_QUOTA_WAITERS,
	IPCSHM_QUOTA_DESCRIPTORS,
};

/**
 * enum ipcshm_a_limits - what a user has, and the most that the user can have
 * @IPCSHM_A_LIMITS_UID: u32, whose, as seen in the caller's user namespace
 * @IPCSHM_A_LIMITS_DEFAULT: flag, those of users that have none of their own
 * @IPCSHM_A_LIMITS_OBJECTS: nest of enum ipcshm_a_limit; from here on one for
 *	each of enum ipcshm_quota, in that order
 * @IPCSHM_A_LIMITS_REGION_BYTES: likewise
 * @IPCSHM_A_LIMITS_QUEUE_BYTES: likewise
 * @IPCSHM_A_LIMITS_MEMBERS: likewise
 * @IPCSHM_A_LIMITS_WAITERS: likewise
 * @IPCSHM_A_LIMITS_DESCRIPTORS: likewise
 * @IPCSHM_A_LIMITS_NET: flag, the bound of all users together in the network namespace
 *	of the socket; the initial one has none
 * @IPCSHM_A_LIMITS_USER_NS: u32, the user namespace of the user, by the inode number
 *	that /proc/PID/ns/user shows; only if it is not the caller's
 */
enum ipcshm_a_limits {
	IPCSHM_A_LIMITS_UID = 1,
	IPCSHM_A_LIMITS_DEFAULT,
	IPCSHM_A_LIMITS_OBJECTS,
	IPCSHM_A_LIMITS_REGION_BYTES,
	IPCSHM_A_LIMITS_QUEUE_BYTES,
	IPCSHM_A_LIMITS_MEMBERS,
	IPCSHM_A_LIMITS_WAITERS,
	IPCSHM_A_LIMITS_DESCRIPTORS,
	IPCSHM_A_LIMITS_NET,
	IPCSHM_A_LIMITS_USER_NS,

	__IPCSHM_A_LIMITS_MAX,
	IPCSHM_A_LIMITS_MAX = (__IPCSHM_A_LIMITS_MAX - 1)
};

/* As IPCSHM_A_LIMIT_MAX of a user: what the default is. */
#define IPCSHM_LIMIT_DEFAULT	(~0ULL)

/**
 * enum ipcshm_a_limit - one quota of a user
 * @IPCSHM_A_LIMIT_PAD: nothing
 * @IPCSHM_A_LIMIT_USED: u64, what the user has; not of the default
 * @IPCSHM_A_LIMIT_MAX: u64, the most that the user can have, 0 to 2^63-1; set to
 *	IPCSHM_LIMIT_DEFAULT, the user follows the default again
 * @IPCSHM_A_LIMIT_OWN: flag, the maximum is the user's own
 */
enum ipcshm_a_limit {
	IPCSHM_A_LIMIT_PAD = 1,
	IPCSHM_A_LIMIT_USED,
	IPCSHM_A_LIMIT_MAX,
	IPCSHM_A_LIMIT_OWN,

	__IPCSHM_A_LIMIT_END,
	IPCSHM_A_LIMIT_LAST = (__IPCSHM_A_LIMIT_END - 1)
};

/**
 * enum ipcshm_event_type - what has happened
 * @IPCSHM_EVENT_TYPE_CREATE: an object was created
 * @IPCSHM_EVENT_TYPE_OPEN: an object was opened
 * @IPCSHM_EVENT_TYPE_UNLINK: an object lost its name, and is still in use
 * @IPCSHM_EVENT_TYPE_FREE: an object is gone, and its name if it had one
 * @IPCSHM_EVENT_TYPE_JOIN: a process became a member of a region
 * @IPCSHM_EVENT_TYPE_LEAVE: a member left a region
 * @IPCSHM_EVENT_TYPE_DEATH: a member of a region died
 * @IPCSHM_EVENT_TYPE_REVOKE: an object was revoked
 * @IPCSHM_EVENT_TYPE_DROP: a queue lost messages that it had accepted
 * @IPCSHM_EVENT_TYPE_QUOTA: a user was refused something for a quota
 * @IPCSHM_EVENT_TYPE_LOST: the events before this one were lost, for all listeners
 */
enum ipcshm_event_type {
	IPCSHM_EVENT_TYPE_CREATE = 1,
	IPCSHM_EVENT_TYPE_OPEN,
	IPCSHM_EVENT_TYPE_UNLINK,
	IPCSHM_EVENT_TYPE_FREE,
	IPCSHM_EVENT_TYPE_JOIN,
	IPCSHM_EVENT_TYPE_LEAVE,
	IPCSHM_EVENT_TYPE_DEATH,
	IPCSHM_EVENT_TYPE_REVOKE,
	IPCSHM_EVENT_TYPE_DROP,
	IPCSHM_EVENT_TYPE_QUOTA,
	IPCSHM_EVENT_TYPE_LOST,
};

/**
 * enum ipcshm_a_event - something that has happened
 * @IPCSHM_A_EVENT_PAD: nothing
 * @IPCSHM_A_EVENT_SEQ: u64, one more than the event before, in this network
 *	namespace; a gap is what was lost
 * @IPCSHM_A_EVENT_TYPE: u32, enum ipcshm_event_type
 * @IPCSHM_A_EVENT_TIME: u64, when, nanoseconds of CLOCK_REALTIME
 * @IPCSHM_A_EVENT_ID: u64, the object's number; not of QUOTA and LOST
 * @IPCSHM_A_EVENT_KIND: u32, enum ipcshm_kind; not of QUOTA and LOST
 * @IPCSHM_A_EVENT_NAME: string, the name that the object has, or had; if any
 * @IPCSHM_A_EVENT_PID: u32, the process that did it, by its own PID namespace; not
 *	of LOST
 * @IPCSHM_A_EVENT_UID: u32, its user; QUOTA: whose quota it is; as seen in the
 *	user namespace that owns the network namespace; not of LOST
 * @IPCSHM_A_EVENT_TOKEN: u32, JOIN, LEAVE, DEATH: the member's
 * @IPCSHM_A_EVENT_MESSAGES: u64, DROP: how many were lost
 * @IPCSHM_A_EVENT_QUOTA: u32, QUOTA: enum ipcshm_quota
 * @IPCSHM_A_EVENT_AMOUNT: u64, QUOTA: what was asked for; LOST: how many events
 * @IPCSHM_A_EVENT_END: u32, LEAVE, DEATH: how the member ended, enum ipcshm_end
 * @IPCSHM_A_EVENT_CODE: u32, LEAVE, DEATH: exit status or signal, by END; else 0
 */
enum ipcshm_a_event {
	IPCSHM_A_EVENT_PAD = 1,
	IPCSHM_A_EVENT_SEQ,
	IPCSHM_A_EVENT_TYPE,
	IPCSHM_A_EVENT_TIME,
	IPCSHM_A_EVENT_ID,
	IPCSHM_A_EVENT_KIND,
	IPCSHM_A_EVENT_NAME,
	IPCSHM_A_EVENT_PID,
	IPCSHM_A_EVENT_UID,
	IPCSHM_A_EVENT_TOKEN,
	IPCSHM_A_EVENT_MESSAGES,
	IPCSHM_A_EVENT_QUOTA,
	IPCSHM_A_EVENT_AMOUNT,
	IPCSHM_A_EVENT_END,
	IPCSHM_A_EVENT_CODE,

	__IPCSHM_A_EVENT_MAX,
	IPCSHM_A_EVENT_MAX = (__IPCSHM_A_EVENT_MAX - 1)
};

#endif /* _UAPI_LINUX_IPCSHM_NETLINK_H */
