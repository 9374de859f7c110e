/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ipcshm - shared regions and message queues for co-operating processes.
 *
 * Open /dev/ipcshm, then ask it for regions (shared memory) and queues
 * (message passing); each is a file descriptor of its own.  The calls, and
 * every error each of them can return, are in Documentation/uapi.rst.
 *
 * How this interface grows: a structure only ever gets new members at its end.
 * The kernel learns the caller's size from the ioctl number.  A longer
 * structure than the kernel's is accepted if all that the kernel doesn't know
 * is zero (else E2BIG), a shorter one reads as if zeroes followed, down to its
 * first published size (else EINVAL).  A flag that isn't known, and a reserved
 * member that isn't zero, is EINVAL.  Members marked "out" are ignored on the
 * way in.  Layouts are the same for 32-bit and 64-bit callers; pointers travel
 * as __u64.
 */
#ifndef _UAPI_LINUX_IPCSHM_H
#define _UAPI_LINUX_IPCSHM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IPCSHM_ABI_VERSION	1

#define IPCSHM_NAME_MAX		255	/* bytes in a name, a leading '/' not counted */
#define IPCSHM_PRIORITY_MAX	32767	/* the highest message priority, as in mq_send(3) */
#define IPCSHM_REGION_MAX	(1ULL << 43)	/* bytes: the largest region */
#define IPCSHM_MESSAGE_MAX	(16 << 20)	/* bytes: the largest max_message_size */
#define IPCSHM_UNBOUNDED	(~0ULL)	/* as a queue's capacity: no bound of its own */
#define IPCSHM_FOREVER		(~0ULL)	/* as a deadline: none */

/*
 * Flags of REGION_OPEN and QUEUE_OPEN (struct ipcshm_open).
 *
 * READ lets a region be mapped and read, and messages be received from a queue.
 * WRITE lets a region be changed, and messages be sent to a queue.
 * The rights of a descriptor are these two for as long as it exists.
 */
#define IPCSHM_READ		0x01
#define IPCSHM_WRITE		0x02
#define IPCSHM_CREATE		0x04	/* create it if there is none (O_CREAT) */
#define IPCSHM_EXCLUSIVE	0x08	/* with CREATE: EEXIST if there is one (O_EXCL) */
#define IPCSHM_PERSISTENT	0x10	/* a new name stays until it is unlinked */
#define IPCSHM_NONBLOCK		0x20	/* queues: O_NONBLOCK on the new descriptor */

/**
 * enum ipcshm_kind - what a name names; each kind is a name space of its own
 * @IPCSHM_REGION: a shared memory region
 * @IPCSHM_QUEUE: a message queue
 */
enum ipcshm_kind {
	IPCSHM_REGION = 1,
	IPCSHM_QUEUE = 2,
};

/* struct ipcshm_info.features: what this module can do. */
#define IPCSHM_FEATURE_REGION	0x01ULL
#define IPCSHM_FEATURE_QUEUE	0x02ULL

/**
 * struct ipcshm_limit - a quota of the calling user
 * @used: what the user has charged to it now
 * @max: the most that can be charged; going over it is EDQUOT
 */
struct ipcshm_limit {
	__u64 used;
	__u64 max;
};

/**
 * struct ipcshm_info - IPCSHM_IOC_INFO, all members out
 * @abi_version: IPCSHM_ABI_VERSION of the module
 * @reserved: zero
 * @features: IPCSHM_FEATURE_* bits
 * @message_size_max: the largest max_message_size a queue may be created with
 * @objects: regions and queues that the calling user created
 * @region_bytes: the sizes of the regions that the calling user created
 * @queue_bytes: messages waiting in queues that were sent through descriptors
 *	which the calling user opened; the bytes of each, plus a fixed amount
 *	for the kernel's own record of it
 */
struct ipcshm_info {
	__u32 abi_version;
	__u32 reserved;
	__u64 features;
	__u64 message_size_max;
	struct ipcshm_limit objects;
	struct ipcshm_limit region_bytes;
	struct ipcshm_limit queue_bytes;
};

/**
 * struct ipcshm_open - what REGION_OPEN and QUEUE_OPEN have in common
 * @name: address of the name, which needs no NUL at its end; 0 for an anonymous
 *	object, which is reached through its descriptor alone
 * @name_len: bytes in @name, 1 to IPCSHM_NAME_MAX, plus one if the name starts
 *	with a '/', which is dropped; 0 for an anonymous object
 * @flags: IPCSHM_READ, _WRITE, _CREATE, _EXCLUSIVE, _PERSISTENT, _NONBLOCK
 * @mode: permission bits (0 to 0777) of a new object, less the umask; must be 0
 *	without IPCSHM_CREATE
 * @created: out: 1 if this call created the object, 0 if it was there
 * @id: out: the object's number, never used again for another while the module
 *	is loaded
 */
struct ipcshm_open {
	__u64 name;
	__u32 name_len;
	__u32 flags;
	__u32 mode;
	__u32 created;
	__u64 id;
};

/**
 * struct ipcshm_region_open - IPCSHM_IOC_REGION_OPEN
 * @open: name, rights and mode
 * @size: bytes; in: of a new region, 1 to IPCSHM_REGION_MAX, rounded up to whole
 *	pages, must be 0 without IPCSHM_CREATE; out: of the region opened
 */
struct ipcshm_region_open {
	struct ipcshm_open open;
	__u64 size;
};

/**
 * struct ipcshm_queue_open - IPCSHM_IOC_QUEUE_OPEN
 * @open: name, rights and mode
 * @max_messages: how many messages the queue keeps: 0 is a rendezvous (a send
 *	returns when a receiver has the message), IPCSHM_UNBOUNDED is no bound
 *	but the sender's quota
 * @max_bytes: how many bytes of messages the queue keeps, at least
 *	@max_message_size, or IPCSHM_UNBOUNDED; 0 for a rendezvous
 * @max_message_size: the largest message in bytes, 1 to IPCSHM_MESSAGE_MAX
 *
 * The three hold for a new queue, and must be 0 without IPCSHM_CREATE.  Out:
 * those of the queue opened.
 */
struct ipcshm_queue_open {
	struct ipcshm_open open;
	__u64 max_messages;
	__u64 max_bytes;
	__u64 max_message_size;
};

/**
 * struct ipcshm_unlink - IPCSHM_IOC_UNLINK
 * @name: address of the name, as in struct ipcshm_open
 * @name_len: bytes in @name
 * @kind: enum ipcshm_kind
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_unlink {
	__u64 name;
	__u32 name_len;
	__u32 kind;
	__u32 flags;
	__u32 reserved;
};

/* struct ipcshm_stat.flags */
#define IPCSHM_STAT_NAMED	0x01	/* has a name now */
#define IPCSHM_STAT_PERSISTENT	0x02	/* that name keeps it */

/**
 * struct ipcshm_stat - what REGION_STAT and QUEUE_STAT have in common, all out
 * @id: the object's number
 * @created: when it was created, nanoseconds of CLOCK_REALTIME
 * @uid: owner, as seen in the caller's user namespace
 * @gid: group, as seen in the caller's user namespace
 * @mode: permission bits
 * @flags: IPCSHM_STAT_NAMED, _PERSISTENT
 * @kind: enum ipcshm_kind
 * @opens: open file descriptions of it; a mapping keeps its own open
 */
struct ipcshm_stat {
	__u64 id;
	__u64 created;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 flags;
	__u32 kind;
	__u32 opens;
};

/**
 * struct ipcshm_region_stat - IPCSHM_IOC_REGION_STAT, all members out
 * @stat: what every object has
 * @size: bytes
 */
struct ipcshm_region_stat {
	struct ipcshm_stat stat;
	__u64 size;
};

/**
 * struct ipcshm_queue_stat - IPCSHM_IOC_QUEUE_STAT, all members out
 * @stat: what every object has
 * @max_messages: capacity in messages
 * @max_bytes: capacity in bytes
 * @max_message_size: the largest message in bytes
 * @messages: how many messages it holds now
 * @bytes: how many bytes they have
 * @senders: how many senders are blocked
 * @receivers: how many receivers are blocked
 * @sent: messages accepted since it was created
 * @received: messages received since it was created
 */
struct ipcshm_queue_stat {
	struct ipcshm_stat stat;
	__u64 max_messages;
	__u64 max_bytes;
	__u64 max_message_size;
	__u64 messages;
	__u64 bytes;
	__u64 senders;
	__u64 receivers;
	__u64 sent;
	__u64 received;
};

/**
 * struct ipcshm_message - one message
 * @data: address of the payload, or of the room for it
 * @size: send: bytes of payload, 0 to the queue's max_message_size;
 *	receive: bytes of room; out: bytes of the message, also if the call
 *	fails with EMSGSIZE because the room is smaller than that
 * @type: send: a tag of the sender's choice; receive: out
 * @priority: send: 0 to IPCSHM_PRIORITY_MAX, a higher one is received first;
 *	receive: out
 * @flags: none yet: 0
 * @pid: receive, out: the sending process as seen in the receiver's PID
 *	namespace, 0 if it has no number there
 * @uid: receive, out: the sender's real user ID as seen in the receiver's user
 *	namespace
 * @gid: receive, out: the sender's real group ID, likewise
 * @reserved0: 0
 * @time: receive, out: when it was sent, nanoseconds of CLOCK_MONOTONIC
 * @reserved: 0
 */
struct ipcshm_message {
	__u64 data;
	__u64 size;
	__u64 type;
	__u32 priority;
	__u32 flags;
	__u32 pid;
	__u32 uid;
	__u32 gid;
	__u32 reserved0;
	__u64 time;
	__u64 reserved[2];
};

/* struct ipcshm_transfer.flags */
#define IPCSHM_DONTWAIT		0x01	/* this call doesn't block: EAGAIN */

/**
 * struct ipcshm_transfer - IPCSHM_IOC_QUEUE_SEND and IPCSHM_IOC_QUEUE_RECEIVE
 * @message: the message
 * @deadline: when to give up with ETIMEDOUT if the call has to block: absolute
 *	nanoseconds of @clock, or IPCSHM_FOREVER
 * @clock: CLOCK_REALTIME (0) or CLOCK_MONOTONIC (1)
 * @flags: IPCSHM_DONTWAIT
 */
struct ipcshm_transfer {
	struct ipcshm_message message;
	__u64 deadline;
	__u32 clock;
	__u32 flags;
};

/* The first published size of each structure: the least the kernel accepts. */
#define IPCSHM_INFO_SIZE_VER0		72
#define IPCSHM_REGION_OPEN_SIZE_VER0	40
#define IPCSHM_QUEUE_OPEN_SIZE_VER0	56
#define IPCSHM_UNLINK_SIZE_VER0		24
#define IPCSHM_REGION_STAT_SIZE_VER0	48
#define IPCSHM_QUEUE_STAT_SIZE_VER0	112
#define IPCSHM_TRANSFER_SIZE_VER0	88

#define IPCSHM_IOC_MAGIC	0xBC

/* on /dev/ipcshm */
#define IPCSHM_IOC_INFO		_IOWR(IPCSHM_IOC_MAGIC, 0x00, struct ipcshm_info)
#define IPCSHM_IOC_REGION_OPEN	_IOWR(IPCSHM_IOC_MAGIC, 0x01, struct ipcshm_region_open)
#define IPCSHM_IOC_QUEUE_OPEN	_IOWR(IPCSHM_IOC_MAGIC, 0x02, struct ipcshm_queue_open)
#define IPCSHM_IOC_UNLINK	_IOWR(IPCSHM_IOC_MAGIC, 0x03, struct ipcshm_unlink)

/* on a region */
#define IPCSHM_IOC_REGION_STAT	_IOWR(IPCSHM_IOC_MAGIC, 0x20, struct ipcshm_region_stat)

/* on a queue */
#define IPCSHM_IOC_QUEUE_STAT	_IOWR(IPCSHM_IOC_MAGIC, 0x40, struct ipcshm_queue_stat)
#define IPCSHM_IOC_QUEUE_SEND	_IOWR(IPCSHM_IOC_MAGIC, 0x41, struct ipcshm_transfer)
#define IPCSHM_IOC_QUEUE_RECEIVE	_IOWR(IPCSHM_IOC_MAGIC, 0x42, struct ipcshm_transfer)

#endif /* _UAPI_LINUX_IPCSHM_H */
