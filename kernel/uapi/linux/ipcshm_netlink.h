/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The generic netlink family "ipcshm": observation and control of regions and
 * queues.  Documentation/netlink/specs/ipcshm.yaml is the same for programs, and
 * Documentation/netlink.rst describes each request, its rights and its errors.
 *
 * A number keeps its meaning.  Receivers of a message skip unknown attributes;
 * the kernel refuses them and names the first one.  64-bit attributes may be
 * preceded by padding, of type 1.
 */
#ifndef _UAPI_LINUX_IPCSHM_NETLINK_H
#define _UAPI_LINUX_IPCSHM_NETLINK_H

#define IPCSHM_FAMILY_NAME	"ipcshm"
#define IPCSHM_FAMILY_VERSION	1
#define IPCSHM_MCGRP_NOTIFY	"notify"

/**
 * enum ipcshm_cmd - requests and notifications
 * @IPCSHM_CMD_OBJECT_GET: get one object (by id, or kind and name), or dump all
 *	(of a kind, with a name, of an owner: uid), in the order of their ids; enum
 *	ipcshm_a_object
 * @IPCSHM_CMD_OBJECT_UNLINK: remove the name of an object (by id, or kind and
 *	name)
 * @IPCSHM_CMD_OBJECT_REVOKE: take an object away from all users (by id, or kind
 *	and name)
 * @IPCSHM_CMD_MEMBER_GET: dump the members of one region, or of all; enum
 *	ipcshm_a_member
 * @IPCSHM_CMD_QUOTA_GET: get the quotas of a user (uid; by default the caller), or
 *	the default; or dump the default, then all users; enum ipcshm_a_quotas
 * @IPCSHM_CMD_QUOTA_SET: set the given quotas of a user or of the default
 * @IPCSHM_CMD_NOTIFY: a notification of the multicast group; enum ipcshm_a_notify
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
 * @IPCSHM_A_OBJECT_PAD: padding
 * @IPCSHM_A_OBJECT_ID: u64, its number, never used again while the module is loaded
 * @IPCSHM_A_OBJECT_KIND: u32, enum ipcshm_kind
 * @IPCSHM_A_OBJECT_NAME: string, without a leading '/'; absent without a name
 * @IPCSHM_A_OBJECT_UID: u32, owner, as seen in the caller's user namespace
 * @IPCSHM_A_OBJECT_GID: u32, group, as seen in the caller's user namespace
 * @IPCSHM_A_OBJECT_MODE: u32, permission bits
 * @IPCSHM_A_OBJECT_FLAGS: u32, IPCSHM_STAT_* bits
 * @IPCSHM_A_OBJECT_OPENS: u32, open file descriptions of it
 * @IPCSHM_A_OBJECT_BTIME: u64, time of creation, nanoseconds of CLOCK_REALTIME
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
 * enum ipcshm_a_region - attributes of a region
 * @IPCSHM_A_REGION_PAD: padding
 * @IPCSHM_A_REGION_SIZE: u64, bytes
 * @IPCSHM_A_REGION_MAX_SIZE: u64, maximum in bytes, charged to the creator
 * @IPCSHM_A_REGION_ALLOCATED: u64, bytes in memory or swap
 * @IPCSHM_A_REGION_MAX_MEMBERS: u32, maximum of processes that map it
 * @IPCSHM_A_REGION_MEMBERS: u32, number of processes that map it
 * @IPCSHM_A_REGION_JOINS: u32, memberships since it was created, modulo 2^32
 * @IPCSHM_A_REGION_DEATHS: u32, memberships that ended by a death
 * @IPCSHM_A_REGION_WAITERS: u32, blocked waits on its words
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
 * enum ipcshm_a_queue - attributes of a queue
 * @IPCSHM_A_QUEUE_PAD: padding
 * @IPCSHM_A_QUEUE_MAX_MESSAGES: u64, capacity in messages; 0: a rendezvous;
 *	IPCSHM_UNBOUNDED
 * @IPCSHM_A_QUEUE_MAX_BYTES: u64, capacity in bytes; IPCSHM_UNBOUNDED
 * @IPCSHM_A_QUEUE_MAX_MESSAGE_SIZE: u64, the largest message in bytes
 * @IPCSHM_A_QUEUE_MESSAGES: u64, number of messages: its depth
 * @IPCSHM_A_QUEUE_BYTES: u64, their bytes
 * @IPCSHM_A_QUEUE_SENDERS: u64, blocked senders
 * @IPCSHM_A_QUEUE_RECEIVERS: u64, blocked receivers
 * @IPCSHM_A_QUEUE_SENT: u64, messages accepted since it was created
 * @IPCSHM_A_QUEUE_RECEIVED: u64, messages received since it was created
 * @IPCSHM_A_QUEUE_DROPPED: u64, messages accepted and lost since it was created
 * @IPCSHM_A_QUEUE_PEAK_MESSAGES: u64, highest number of messages so far
 * @IPCSHM_A_QUEUE_PEAK_BYTES: u64, highest number of bytes so far
 * @IPCSHM_A_QUEUE_NEXT_TIME: u64, time of sending of the next message, nanoseconds
 *	of CLOCK_MONOTONIC in the caller's time namespace; absent in an empty queue
 * @IPCSHM_A_QUEUE_BLOCKED_TIME: u64, time since which the next blocked sender
 *	waits, on the same clock; absent without one
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
 * enum ipcshm_a_member - an address space that maps a region
 * @IPCSHM_A_MEMBER_PAD: padding
 * @IPCSHM_A_MEMBER_REGION: u64, the region's number
 * @IPCSHM_A_MEMBER_TOKEN: u32, the member token
 * @IPCSHM_A_MEMBER_PID: u32, the process, as seen in the caller's PID namespace;
 *	0 without an ID there
 * @IPCSHM_A_MEMBER_UID: u32, the user that joined, as seen in the caller's user
 *	namespace
 * @IPCSHM_A_MEMBER_MAPS: u32, number of its mappings of the region
 * @IPCSHM_A_MEMBER_JOINED: u64, time of joining, nanoseconds of CLOCK_REALTIME
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
 * enum ipcshm_quota_type - quotas of each user
 * @IPCSHM_QUOTA_TYPE_OBJECTS: regions and queues that the user created
 * @IPCSHM_QUOTA_TYPE_REGION_BYTES: maximum sizes of the regions that the user created
 * @IPCSHM_QUOTA_TYPE_QUEUE_BYTES: capacities of the user's bounded queues and pending
 *	messages in others, with the kernel's record of each
 * @IPCSHM_QUOTA_TYPE_MEMBERS: memberships of the user's processes, in any regions
 * @IPCSHM_QUOTA_TYPE_WAITERS: blocked waits on regions, and watched words
 * @IPCSHM_QUOTA_TYPE_DESCRIPTORS: file descriptors in pending messages
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
 * enum ipcshm_a_quotas - consumption and quotas of a user
 * @IPCSHM_A_QUOTAS_UID: u32, the user, as seen in the caller's user namespace
 * @IPCSHM_A_QUOTAS_DEFAULT: flag, the default for users without own quotas
 * @IPCSHM_A_QUOTAS_OBJECTS: nest of enum ipcshm_a_quota; from here on one for
 *	each of enum ipcshm_quota_type, in that order
 * @IPCSHM_A_QUOTAS_REGION_BYTES: nest of enum ipcshm_a_quota
 * @IPCSHM_A_QUOTAS_QUEUE_BYTES: nest of enum ipcshm_a_quota
 * @IPCSHM_A_QUOTAS_MEMBERS: nest of enum ipcshm_a_quota
 * @IPCSHM_A_QUOTAS_WAITERS: nest of enum ipcshm_a_quota
 * @IPCSHM_A_QUOTAS_DESCRIPTORS: nest of enum ipcshm_a_quota
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

/* As IPCSHM_A_QUOTA_MAX of a user: the default. */
#define IPCSHM_QUOTA_FOLLOW_DEFAULT	(~0ULL)

/**
 * enum ipcshm_a_quota - one quota of a user
 * @IPCSHM_A_QUOTA_PAD: padding
 * @IPCSHM_A_QUOTA_USED: u64, present consumption; absent for the default
 * @IPCSHM_A_QUOTA_MAX: u64, the quota, 0 to 2^63-1; IPCSHM_QUOTA_FOLLOW_DEFAULT sets
 *	the user back to the default
 * @IPCSHM_A_QUOTA_OWN: flag, the quota is the user's own
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
 * enum ipcshm_notify_type - kinds of notifications
 * @IPCSHM_NOTIFY_TYPE_CREATE: an object was created
 * @IPCSHM_NOTIFY_TYPE_OPEN: an object was opened
 * @IPCSHM_NOTIFY_TYPE_UNLINK: an object lost its name, and is still in use
 * @IPCSHM_NOTIFY_TYPE_FREE: an object has ended, with its name if it had one
 * @IPCSHM_NOTIFY_TYPE_JOIN: a process became a member of a region
 * @IPCSHM_NOTIFY_TYPE_LEAVE: a member left a region
 * @IPCSHM_NOTIFY_TYPE_DEATH: a member of a region died
 * @IPCSHM_NOTIFY_TYPE_REVOKE: an object was revoked
 * @IPCSHM_NOTIFY_TYPE_DROP: a queue lost messages that it had accepted
 * @IPCSHM_NOTIFY_TYPE_QUOTA: a request was refused because of a quota
 * @IPCSHM_NOTIFY_TYPE_LOST: the notifications before this one were lost, for all
 *	listeners
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
 * enum ipcshm_a_notify - a notification
 * @IPCSHM_A_NOTIFY_PAD: padding
 * @IPCSHM_A_NOTIFY_SEQ: u64, number in this network namespace; a gap means lost
 *	notifications
 * @IPCSHM_A_NOTIFY_TYPE: u32, enum ipcshm_notify_type
 * @IPCSHM_A_NOTIFY_TIME: u64, nanoseconds of CLOCK_REALTIME
 * @IPCSHM_A_NOTIFY_ID: u64, the object's number; absent in QUOTA and LOST
 * @IPCSHM_A_NOTIFY_KIND: u32, enum ipcshm_kind; absent in QUOTA and LOST
 * @IPCSHM_A_NOTIFY_NAME: string, the object's present or former name, if any
 * @IPCSHM_A_NOTIFY_PID: u32, the acting process, in its own PID namespace; absent in
 *	LOST
 * @IPCSHM_A_NOTIFY_UID: u32, its user; QUOTA: the user of the quota; as seen in the
 *	user namespace that owns the network namespace; absent in LOST
 * @IPCSHM_A_NOTIFY_TOKEN: u32, JOIN, LEAVE, DEATH: the member token
 * @IPCSHM_A_NOTIFY_MESSAGES: u64, DROP: number of lost messages
 * @IPCSHM_A_NOTIFY_QUOTA: u32, QUOTA: enum ipcshm_quota_type
 * @IPCSHM_A_NOTIFY_AMOUNT: u64, QUOTA: the requested amount; LOST: number of
 *	notifications
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
