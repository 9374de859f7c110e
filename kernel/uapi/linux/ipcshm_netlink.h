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
#define IPCSHM_MCGRP_NOTIFY	"notify"

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
 * @IPCSHM_CMD_QUOTA_GET: tell about the limits of a user (uid; by default the
 *	caller's own), or the default; or dump the default, then all users; enum
 *	ipcshm_a_quotas
 * @IPCSHM_CMD_QUOTA_SET: set those that are given, of a user or the default
 * @IPCSHM_CMD_NOTIFY: of the multicast group: something has happened; enum
 *	ipcshm_a_notify
 */
enum ipcshm_cmd {
	IPCSHM_CMD_OBJECT_GET = 1,
	IPCSHM_CMD_OBJECT_UNLINK,
	IPCSHM_CMD_OBJECT_REVOKE,
	IPCSHM_CMD_MEMBER_GET,
	IPCSHM_CMD_QUOTA_GET,
	IPCSHM_CMD_QUOTA_SET,
	IPCSHM_CMD_NOTIFY,

	/* private: */
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

	/* private: */
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

	/* private: */
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

	/* private: */
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

	/* private: */
	__IPCSHM_A_MEMBER_MAX,
	IPCSHM_A_MEMBER_MAX = (__IPCSHM_A_MEMBER_MAX - 1)
};

/**
 * enum ipcshm_quota_type - what is counted for each user
 * @IPCSHM_QUOTA_TYPE_OBJECTS: regions and queues that the user created
 * @IPCSHM_QUOTA_TYPE_REGION_BYTES: what the user's regions can grow to, together
 * @IPCSHM_QUOTA_TYPE_QUEUE_BYTES: the user's messages that wait, with the kernel's
 *	record of each
 * @IPCSHM_QUOTA_TYPE_MEMBERS: memberships of the user's processes, in regions of anyone
 * @IPCSHM_QUOTA_TYPE_WAITERS: waits on regions that are blocked, and words watched
 * @IPCSHM_QUOTA_TYPE_DESCRIPTORS: file descriptors in messages that wait
 */
enum ipcshm_quota_type {
	IPCSHM_QUOTA_TYPE_OBJECTS,
	IPCSHM_QUOTA_TYPE_REGION_BYTES,
	IPCSHM_QUOTA_TYPE_QUEUE_BYTES,
	IPCSHM_QUOTA_TYPE_MEMBERS,
	IPCSHM_QUOTA_TYPE_WAITERS,
	IPCSHM_QUOTA_TYPE_DESCRIPTORS,
};

/**
 * enum ipcshm_a_quotas - what a user has, and the most that the user can have
 * @IPCSHM_A_QUOTAS_UID: u32, whose, as seen in the caller's user namespace
 * @IPCSHM_A_QUOTAS_DEFAULT: flag, those of users that have none of their own
 * @IPCSHM_A_QUOTAS_OBJECTS: nest of enum ipcshm_a_quota; from here on one for
 *	each of enum ipcshm_quota_type, in that order
 * @IPCSHM_A_QUOTAS_REGION_BYTES: likewise
 * @IPCSHM_A_QUOTAS_QUEUE_BYTES: likewise
 * @IPCSHM_A_QUOTAS_MEMBERS: likewise
 * @IPCSHM_A_QUOTAS_WAITERS: likewise
 * @IPCSHM_A_QUOTAS_DESCRIPTORS: likewise
 * @IPCSHM_A_QUOTAS_NET: flag, the bound of all users together in the network namespace
 *	of the socket; the initial one has none
 * @IPCSHM_A_QUOTAS_USER_NS: u32, the user namespace of the user, by the inode number
 *	that /proc/PID/ns/user shows; only if it is not the caller's
 */
enum ipcshm_a_quotas {
	IPCSHM_A_QUOTAS_UID = 1,
	IPCSHM_A_QUOTAS_DEFAULT,
	IPCSHM_A_QUOTAS_OBJECTS,
	IPCSHM_A_QUOTAS_REGION_BYTES,
	IPCSHM_A_QUOTAS_QUEUE_BYTES,
	IPCSHM_A_QUOTAS_MEMBERS,
	IPCSHM_A_QUOTAS_WAITERS,
	IPCSHM_A_QUOTAS_DESCRIPTORS,
	IPCSHM_A_QUOTAS_NET,
	IPCSHM_A_QUOTAS_USER_NS,

	/* private: */
	__IPCSHM_A_QUOTAS_MAX,
	IPCSHM_A_QUOTAS_MAX = (__IPCSHM_A_QUOTAS_MAX - 1)
};

/* As IPCSHM_A_QUOTA_MAX of a user: what the default is. */
#define IPCSHM_QUOTA_FOLLOW_DEFAULT	(~0ULL)

/**
 * enum ipcshm_a_quota - one quota of a user
 * @IPCSHM_A_QUOTA_PAD: nothing
 * @IPCSHM_A_QUOTA_USED: u64, what the user has; not of the default
 * @IPCSHM_A_QUOTA_MAX: u64, the most that the user can have, 0 to 2^63-1; set to
 *	IPCSHM_QUOTA_FOLLOW_DEFAULT, the user follows the default again
 * @IPCSHM_A_QUOTA_OWN: flag, the maximum is the user's own
 */
enum ipcshm_a_quota {
	IPCSHM_A_QUOTA_PAD = 1,
	IPCSHM_A_QUOTA_USED,
	IPCSHM_A_QUOTA_MAX,
	IPCSHM_A_QUOTA_OWN,

	/* private: */
	__IPCSHM_A_QUOTA_END,
	IPCSHM_A_QUOTA_LAST = (__IPCSHM_A_QUOTA_END - 1)
};

/**
 * enum ipcshm_notify_type - what has happened
 * @IPCSHM_NOTIFY_TYPE_CREATE: an object was created
 * @IPCSHM_NOTIFY_TYPE_OPEN: an object was opened
 * @IPCSHM_NOTIFY_TYPE_UNLINK: an object lost its name, and is still in use
 * @IPCSHM_NOTIFY_TYPE_FREE: an object is gone, and its name if it had one
 * @IPCSHM_NOTIFY_TYPE_JOIN: a process became a member of a region
 * @IPCSHM_NOTIFY_TYPE_LEAVE: a member left a region
 * @IPCSHM_NOTIFY_TYPE_DEATH: a member of a region died
 * @IPCSHM_NOTIFY_TYPE_REVOKE: an object was revoked
 * @IPCSHM_NOTIFY_TYPE_DROP: a queue lost messages that it had accepted
 * @IPCSHM_NOTIFY_TYPE_QUOTA: a user was refused something for a quota
 * @IPCSHM_NOTIFY_TYPE_LOST: the events before this one were lost, for all listeners
 */
enum ipcshm_notify_type {
	IPCSHM_NOTIFY_TYPE_CREATE = 1,
	IPCSHM_NOTIFY_TYPE_OPEN,
	IPCSHM_NOTIFY_TYPE_UNLINK,
	IPCSHM_NOTIFY_TYPE_FREE,
	IPCSHM_NOTIFY_TYPE_JOIN,
	IPCSHM_NOTIFY_TYPE_LEAVE,
	IPCSHM_NOTIFY_TYPE_DEATH,
	IPCSHM_NOTIFY_TYPE_REVOKE,
	IPCSHM_NOTIFY_TYPE_DROP,
	IPCSHM_NOTIFY_TYPE_QUOTA,
	IPCSHM_NOTIFY_TYPE_LOST,
};

/**
 * enum ipcshm_a_notify - something that has happened
 * @IPCSHM_A_NOTIFY_PAD: nothing
 * @IPCSHM_A_NOTIFY_SEQ: u64, one more than the event before, in this network
 *	namespace; a gap is what was lost
 * @IPCSHM_A_NOTIFY_TYPE: u32, enum ipcshm_notify_type
 * @IPCSHM_A_NOTIFY_TIME: u64, when, nanoseconds of CLOCK_REALTIME
 * @IPCSHM_A_NOTIFY_ID: u64, the object's number; not of QUOTA and LOST
 * @IPCSHM_A_NOTIFY_KIND: u32, enum ipcshm_kind; not of QUOTA and LOST
 * @IPCSHM_A_NOTIFY_NAME: string, the name that the object has, or had; if any
 * @IPCSHM_A_NOTIFY_PID: u32, the process that did it, by its own PID namespace; not
 *	of LOST
 * @IPCSHM_A_NOTIFY_UID: u32, its user; QUOTA: whose quota it is; as seen in the
 *	user namespace that owns the network namespace; not of LOST
 * @IPCSHM_A_NOTIFY_TOKEN: u32, JOIN, LEAVE, DEATH: the member's
 * @IPCSHM_A_NOTIFY_MESSAGES: u64, DROP: how many were lost
 * @IPCSHM_A_NOTIFY_QUOTA: u32, QUOTA: enum ipcshm_quota_type
 * @IPCSHM_A_NOTIFY_AMOUNT: u64, QUOTA: what was asked for; LOST: how many events
 * @IPCSHM_A_NOTIFY_END: u32, LEAVE, DEATH: how the member ended, enum ipcshm_end
 * @IPCSHM_A_NOTIFY_CODE: u32, LEAVE, DEATH: exit status or signal, by END; else 0
 */
enum ipcshm_a_notify {
	IPCSHM_A_NOTIFY_PAD = 1,
	IPCSHM_A_NOTIFY_SEQ,
	IPCSHM_A_NOTIFY_TYPE,
	IPCSHM_A_NOTIFY_TIME,
	IPCSHM_A_NOTIFY_ID,
	IPCSHM_A_NOTIFY_KIND,
	IPCSHM_A_NOTIFY_NAME,
	IPCSHM_A_NOTIFY_PID,
	IPCSHM_A_NOTIFY_UID,
	IPCSHM_A_NOTIFY_TOKEN,
	IPCSHM_A_NOTIFY_MESSAGES,
	IPCSHM_A_NOTIFY_QUOTA,
	IPCSHM_A_NOTIFY_AMOUNT,
	IPCSHM_A_NOTIFY_END,
	IPCSHM_A_NOTIFY_CODE,

	/* private: */
	__IPCSHM_A_NOTIFY_MAX,
	IPCSHM_A_NOTIFY_MAX = (__IPCSHM_A_NOTIFY_MAX - 1)
};

#endif /* _UAPI_LINUX_IPCSHM_NETLINK_H */
