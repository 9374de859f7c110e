/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ipcshm - shared regions and message queues for co-operating processes.
 *
 * Open /dev/ipcshm, then ask it for regions (shared memory) and queues
 * (message passing); each is a file descriptor of its own.  The calls, and
 * every error each of them can return, are in Documentation/uapi.rst.
 *
 * How this interface grows: the structure of a call only ever gets new members
 * at its end, and a structure inside another one never changes.  The kernel
 * learns the caller's size from the ioctl number.  A longer structure than the
 * kernel's is accepted if all that the kernel doesn't know is zero (else
 * E2BIG), a shorter one reads as if zeroes followed, down to its first
 * published size (else EINVAL).  Of one that is all "out" nothing is read, and
 * what the kernel doesn't know is written as zero.  A flag that isn't known,
 * and a reserved member that isn't zero, is EINVAL.  Members marked "out" are
 * ignored on the way in.  Layouts are the same for 32-bit and 64-bit callers;
 * pointers travel as __u64.  All ioctl numbers are _IOWR, so that a number
 * doesn't change when its structure gets a member in the other direction.
 */
#ifndef _UAPI_LINUX_IPCSHM_H
#define _UAPI_LINUX_IPCSHM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* What is there keeps its meaning; what is new has a feature bit. */
#define IPCSHM_ABI_VERSION	1

#define IPCSHM_NAME_MAX		255	/* bytes in a name, a leading '/' not counted */
#define IPCSHM_PRIORITY_MAX	32767	/* the highest message priority, as in mq_send(3) */
#define IPCSHM_REGION_MAX	(1ULL << 43)	/* bytes: the largest region */
#define IPCSHM_POOL_MAX		(1ULL << 39)	/* bytes: the largest pool of a queue */
#define IPCSHM_MESSAGE_MAX	(16 << 20)	/* bytes: the largest max_message_size */
#define IPCSHM_FDS_MAX		16	/* descriptors that one message can carry */
#define IPCSHM_SEGMENTS_MAX	1024	/* pieces that one message's buffer can have */
#define IPCSHM_BATCH_MAX	1024	/* messages that one call can send or receive */
#define IPCSHM_BUSY_POLL_MAX		1000	/* microseconds: the longest busy wait */
#define IPCSHM_UNBOUNDED	(~0ULL)	/* as a queue's capacity: no bound of its own */
#define IPCSHM_FOREVER		(~0ULL)	/* as a deadline: none */

/*
 * Flags of REGION_OPEN and QUEUE_OPEN (struct ipcshm_open_how).
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
#define IPCSHM_POPULATE		0x40	/* a new region gets its memory now, or ENOMEM */
#define IPCSHM_HANGUP		0x80	/* a new queue: EPIPE when the other side is gone */
#define IPCSHM_HUGE		0x100	/* a new region has huge pages where allowed */

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
#define IPCSHM_FEATURE_MEMBERS	0x04ULL	/* members, WAIT, WAKE, WATCH, RESIZE, REVOKE */
#define IPCSHM_FEATURE_MESSAGES	0x08ULL	/* batches, types, descriptors, overflow, hang-up */
#define IPCSHM_FEATURE_CALL	0x10ULL	/* CALL, REPLY, REPLY_RECEIVE */
#define IPCSHM_FEATURE_POOL	0x20ULL	/* queues whose messages are received mapped */

/**
 * struct ipcshm_quota - a quota of the calling user
 * @used: what the user has charged to it now
 * @max: the most that can be charged; going over it is EDQUOT
 */
struct ipcshm_quota {
	__u64 used;
	__u64 max;
};

/**
 * struct ipcshm_info - IPCSHM_IOC_INFO, all members out
 * @abi_version: IPCSHM_ABI_VERSION of the module
 * @reserved: zero
 * @features: IPCSHM_FEATURE_* bits
 * @max_message_size: the largest max_message_size a queue may be created with
 * @objects: regions and queues that the calling user created
 * @region_bytes: what the regions that the calling user created can grow to
 * @queue_bytes: what bounded queues that the calling user created can keep, and
 *	messages in other queues that were sent through descriptors which the
 *	calling user opened; the bytes of each, plus a fixed amount for the
 *	kernel's own record of it
 * @members: memberships of the calling user's processes, in regions of anyone
 * @waiters: calls of WAIT that are blocked, and words that are watched, through
 *	descriptors which the calling user opened
 * @descriptors: file descriptors in messages that wait, sent through
 *	descriptors which the calling user opened
 */
struct ipcshm_info {
	__u32 abi_version;
	__u32 reserved;
	__u64 features;
	__u64 max_message_size;
	struct ipcshm_quota objects;
	struct ipcshm_quota region_bytes;
	struct ipcshm_quota queue_bytes;
	struct ipcshm_quota members;
	struct ipcshm_quota waiters;
	struct ipcshm_quota descriptors;
};

/**
 * struct ipcshm_open_how - what REGION_OPEN and QUEUE_OPEN have in common
 * @name: address of the name, which needs no NUL at its end; 0 for an anonymous
 *	object, which is reached through its descriptor alone
 * @name_len: bytes in @name, 1 to IPCSHM_NAME_MAX, plus one if the name starts
 *	with a '/', which is dropped; 0 for an anonymous object
 * @flags: IPCSHM_READ, _WRITE, _CREATE, _EXCLUSIVE, _PERSISTENT, and for queues
 *	_NONBLOCK and _HANGUP, for regions _POPULATE and _HUGE
 * @mode: permission bits (0 to 0777) of a new object, less the umask; must be 0
 *	without IPCSHM_CREATE
 * @created: out: 1 if this call created the object, 0 if it was there
 * @id: out: the object's number, never used again for another while the module
 *	is loaded
 * @reserved: 0
 */
struct ipcshm_open_how {
	__u64 name;
	__u32 name_len;
	__u32 flags;
	__u32 mode;
	__u32 created;
	__u64 id;
	__u64 reserved;
};

/**
 * struct ipcshm_region_open_args - IPCSHM_IOC_REGION_OPEN
 * @how: name, rights and mode
 * @size: bytes; in: of a new region, 1 to IPCSHM_REGION_MAX, rounded up to whole
 *	pages, must be 0 without IPCSHM_CREATE; out: of the region opened
 * @max_size: bytes; in: how large a new region can be made by RESIZE, at least
 *	@size, or 0: its size is fixed; out: of the region opened
 * @max_members: in: how many address spaces can map a new region at a time, at
 *	most IPCSHM_MEMBERS_MAX, or 0: IPCSHM_MEMBERS_DEFAULT; out: of the
 *	region opened
 * @reserved: 0
 */
struct ipcshm_region_open_args {
	struct ipcshm_open_how how;
	__u64 size;
	__u64 max_size;
	__u32 max_members;
	__u32 reserved;
};

/**
 * enum ipcshm_overflow - what becomes of a message for which there is no room
 * @IPCSHM_OVERFLOW_BLOCK: its sender waits, or fails with EAGAIN
 * @IPCSHM_OVERFLOW_DROP_OLDEST: the oldest message of the lowest priority goes
 *	until there is room, or the new one itself if all others are of a higher
 *	priority
 * @IPCSHM_OVERFLOW_DROP_NEWEST: the new one goes
 *
 * To the sender a dropped message was sent.  The queue counts it.
 */
enum ipcshm_overflow {
	IPCSHM_OVERFLOW_BLOCK = 0,
	IPCSHM_OVERFLOW_DROP_OLDEST = 1,
	IPCSHM_OVERFLOW_DROP_NEWEST = 2,
};

/**
 * struct ipcshm_queue_open_args - IPCSHM_IOC_QUEUE_OPEN
 * @how: name, rights and mode
 * @max_messages: how many messages the queue keeps: 0 is a rendezvous (a send
 *	returns when a receiver has the message), IPCSHM_UNBOUNDED is no bound
 *	but the sender's quota
 * @max_bytes: how many bytes of messages the queue keeps, at least
 *	@max_message_size, or IPCSHM_UNBOUNDED; 0: as many as @max_messages need;
 *	0 for a rendezvous
 * @max_message_size: the largest message in bytes, 1 to IPCSHM_MESSAGE_MAX
 * @pool_bytes: bytes of shared memory for messages that are received mapped,
 *	rounded up to whole pages, at least @max_message_size, at most
 *	IPCSHM_POOL_MAX; 0: none
 * @overflow: enum ipcshm_overflow; DROP_OLDEST isn't for a rendezvous
 * @reserved: 0
 *
 * All hold for a new queue, and must be 0 without IPCSHM_CREATE.  Out: those of
 * the queue opened.
 */
struct ipcshm_queue_open_args {
	struct ipcshm_open_how how;
	__u64 max_messages;
	__u64 max_bytes;
	__u64 max_message_size;
	__u64 pool_bytes;
	__u32 overflow;
	__u32 reserved;
};

/**
 * struct ipcshm_unlink_args - IPCSHM_IOC_UNLINK
 * @name: address of the name, as in struct ipcshm_open_how
 * @name_len: bytes in @name
 * @kind: enum ipcshm_kind
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_unlink_args {
	__u64 name;
	__u32 name_len;
	__u32 kind;
	__u32 flags;
	__u32 reserved;
};

/* struct ipcshm_stat.flags */
#define IPCSHM_STAT_NAMED	0x01	/* has a name now */
#define IPCSHM_STAT_PERSISTENT	0x02	/* that name keeps it */
#define IPCSHM_STAT_REVOKED	0x04	/* it was revoked */
#define IPCSHM_STAT_HANGUP	0x08	/* a queue created with IPCSHM_HANGUP */

/**
 * struct ipcshm_stat - what REGION_STAT and QUEUE_STAT have in common, all out
 * @id: the object's number
 * @btime: when it was created, nanoseconds of CLOCK_REALTIME
 * @uid: owner, as seen in the caller's user namespace
 * @gid: group, as seen in the caller's user namespace
 * @mode: permission bits
 * @flags: IPCSHM_STAT_NAMED, _PERSISTENT, _REVOKED, _HANGUP
 * @kind: enum ipcshm_kind
 * @opens: open file descriptions of it; a mapping keeps the one it was made through
 * @reserved: 0
 */
struct ipcshm_stat {
	__u64 id;
	__u64 btime;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 flags;
	__u32 kind;
	__u32 opens;
	__u64 reserved[2];
};

/**
 * struct ipcshm_region_stat - IPCSHM_IOC_REGION_STAT, all members out
 * @stat: what every object has
 * @size: bytes
 * @max_size: bytes; what RESIZE can make it, and what is charged to the quota
 * @max_members: how many address spaces can map it at a time
 * @members: how many do
 * @joins: memberships since it was created
 * @deaths: how many of them ended by a death
 * @waiters: calls of WAIT that are blocked
 * @reserved: 0
 * @allocated: bytes that have memory, or swap
 */
struct ipcshm_region_stat {
	struct ipcshm_stat stat;
	__u64 size;
	__u64 max_size;
	__u32 max_members;
	__u32 members;
	__u32 joins;
	__u32 deaths;
	__u32 waiters;
	__u32 reserved;
	__u64 allocated;
};

/*
 * Members.
 *
 * A member of a region is an address space (a process, with all its threads)
 * that maps it.  It joins with its first mapping, also one that it inherits by
 * fork, and leaves with its last.  If the last mapping ends because the address
 * space does, by exit, kill or exec, the member died.
 *
 * A member token identifies a member of a region: lock words and claimed slots
 * hold it.  It is never given to another member while the region exists.  It
 * isn't 0, and its two highest bits are 0 and free for whoever stores it.
 */
#define IPCSHM_MEMBERS_MAX	65536	/* members of one region at a time */
#define IPCSHM_MEMBERS_DEFAULT	1024

#define IPCSHM_TOKEN_SLOT_BITS	16	/* the slot in the low bits, a generation above */
#define IPCSHM_TOKEN_MASK	0x3fffffffU	/* what of a stored word is the token */
#define IPCSHM_TOKEN_MIN	0x10000U	/* generations start with 1 */
#define IPCSHM_TOKEN_SLOT(token)	((token) & 0xffffU)
#define IPCSHM_TOKEN_GENERATION(token)	((token) >> IPCSHM_TOKEN_SLOT_BITS & 0x3fffU)
#define IPCSHM_GENERATIONS	0x3fffU	/* members that a slot has, one after another */

/**
 * enum ipcshm_end - how a member ended
 * @IPCSHM_END_NONE: it has not ended
 * @IPCSHM_END_LEFT: it removed its last mapping and lives on: no death
 * @IPCSHM_END_EXITED: its last thread exited; the code is the exit status
 * @IPCSHM_END_KILLED: a signal killed it; the code is the signal's number
 * @IPCSHM_END_EXEC: it executed another program
 * @IPCSHM_END_UNKNOWN: its address space ended while another process had a
 *	reference to it, for example by /proc/PID/mem
 */
enum ipcshm_end {
	IPCSHM_END_NONE = 0,
	IPCSHM_END_LEFT = 1,
	IPCSHM_END_EXITED = 2,
	IPCSHM_END_KILLED = 3,
	IPCSHM_END_EXEC = 4,
	IPCSHM_END_UNKNOWN = 5,
};

/* The word of a slot whose last member has ended, with the member's generation. */
#define IPCSHM_SLOT_ENDED	0x80000000U
#define IPCSHM_SLOT_END(end, code)	((__u32)(end) << 8 | ((code) & 0xffU))
#define IPCSHM_SLOT_HOW(word)	((word) >> 8 & 0xffU)	/* enum ipcshm_end */
#define IPCSHM_SLOT_CODE(word)	((word) & 0xffU)	/* exit status, or signal */

/*
 * Where the member pages are: mmap(NULL, sizeof(struct ipcshm_member_page) rounded
 * up to whole pages, PROT_READ, MAP_SHARED, fd, here).
 */
#define IPCSHM_MEMBER_PAGE_OFFSET	IPCSHM_REGION_MAX
#define IPCSHM_MEMBER_PAGE_VERSION	2

/**
 * struct ipcshm_member_page - who is a member of a region; only the kernel writes
 * @version: IPCSHM_MEMBER_PAGE_VERSION
 * @max_members: how many members there can be at a time
 * @joins: memberships since the region was created, modulo 2^32
 * @deaths: how many of them ended by a death; after the slot has changed
 * @revoked: 1 after the region was revoked
 * @reserved: 0
 * @slot: the token of the member that has the slot; 0 before its first member;
 *	IPCSHM_SLOT_ENDED, and how its last member ended, while it is free
 *
 * Is the member with this token alive?  One load, to be done with acquire:
 * page->slot[IPCSHM_TOKEN_SLOT(token)] == token, for a token from
 * IPCSHM_TOKEN_MIN to IPCSHM_TOKEN_MASK.  All that a member has ever stored can
 * be seen when its slot shows that it is gone.
 *
 * Pages get memory when a slot in them is first used or read.
 */
struct ipcshm_member_page {
	__u32 version;
	__u32 max_members;
	__u32 joins;
	__u32 deaths;
	__u32 revoked;
	__u32 reserved[11];
	__u32 slot[IPCSHM_MEMBERS_MAX];
};

/**
 * struct ipcshm_region_self_args - IPCSHM_IOC_REGION_SELF
 * @token: out: the calling process's token in this region
 * @reserved: 0
 */
struct ipcshm_region_self_args {
	__u32 token;
	__u32 reserved;
};

/**
 * struct ipcshm_member - one member, as REGION_MEMBERS tells
 * @token: identifies it
 * @pid: the process, as seen in the caller's PID namespace, 0 if it has no
 *	number there
 * @uid: the user that joined, as seen in the caller's user namespace
 * @maps: how many mappings it has of the region
 * @joined: when it joined, nanoseconds of CLOCK_REALTIME
 */
struct ipcshm_member {
	__u32 token;
	__u32 pid;
	__u32 uid;
	__u32 maps;
	__u64 joined;
};

/**
 * struct ipcshm_region_member_args - IPCSHM_IOC_REGION_MEMBER
 * @token: in: a member token of the region
 * @flags: none yet: 0
 * @end: out: IPCSHM_END_NONE: the member is alive; else enum ipcshm_end
 * @code: out: exit status or signal, as @end defines; 0 if it is alive
 * @pid: out: as in struct ipcshm_member; 0 if the member has ended
 * @uid: out: likewise
 * @maps: out: likewise
 * @reserved: 0
 * @joined: out: likewise
 */
struct ipcshm_region_member_args {
	__u32 token;
	__u32 flags;
	__u32 end;
	__u32 code;
	__u32 pid;
	__u32 uid;
	__u32 maps;
	__u32 reserved;
	__u64 joined;
};

/**
 * struct ipcshm_region_members_args - IPCSHM_IOC_REGION_MEMBERS
 * @members: address of an array of struct ipcshm_member
 * @count: in: how many fit in it; out: how many members there are, of which as
 *	many as fit were written
 * @member_size: sizeof(struct ipcshm_member); at most a page
 */
struct ipcshm_region_members_args {
	__u64 members;
	__u32 count;
	__u32 member_size;
};

/**
 * struct ipcshm_region_wait_args - IPCSHM_IOC_REGION_WAIT
 * @offset: where the word is in the region, a multiple of @size
 * @expected: sleep while the word has this value
 * @deadline: when to give up with ETIMEDOUT: absolute nanoseconds of @clock, or
 *	IPCSHM_FOREVER
 * @clock: CLOCK_REALTIME (0) or CLOCK_MONOTONIC (1)
 * @size: of the word, 4 or 8
 * @deaths: sleep while the region's count of deaths has this value
 * @flags: none yet: 0
 */
struct ipcshm_region_wait_args {
	__u64 offset;
	__u64 expected;
	__u64 deadline;
	__u32 clock;
	__u32 size;
	__u32 deaths;
	__u32 flags;
};

/**
 * struct ipcshm_region_wake_args - IPCSHM_IOC_REGION_WAKE
 * @offset: where the word is, a multiple of 4
 * @count: the most that are woken
 * @flags: none yet: 0
 */
struct ipcshm_region_wake_args {
	__u64 offset;
	__u32 count;
	__u32 flags;
};

/**
 * struct ipcshm_region_watch_args - IPCSHM_IOC_REGION_WATCH
 * @offset: where the word is in the region, a multiple of @size
 * @expected: poll reports EPOLLIN while the word has another value
 * @size: of the word, 4 or 8; 0: watch no word, then @offset and @expected are 0
 * @deaths: poll reports EPOLLPRI while the region's count of deaths has another value
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_region_watch_args {
	__u64 offset;
	__u64 expected;
	__u32 size;
	__u32 deaths;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct ipcshm_region_resize_args - IPCSHM_IOC_REGION_RESIZE
 * @size: bytes, 1 to the region's max_size, rounded up to whole pages
 */
struct ipcshm_region_resize_args {
	__u64 size;
};

/**
 * struct ipcshm_region_revoke_args - IPCSHM_IOC_REGION_REVOKE
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_region_revoke_args {
	__u32 flags;
	__u32 reserved;
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
 * @dropped: messages accepted and lost since it was created: those that
 *	overflowed, were drained, or were requests whose caller gave up
 * @peak_messages: the most messages it ever held
 * @peak_bytes: the most bytes they ever had
 * @next_time: when the message was sent that is received next, nanoseconds of
 *	CLOCK_MONOTONIC in the caller's time namespace; 0 if there is none
 * @blocked_time: the same of the first sender that is blocked
 * @pool_bytes: size of the pool
 * @pool_used: bytes of it that hold messages
 * @held: messages received mapped and not released
 * @calls: callers that wait for a reply
 * @readers: open file descriptions that may receive
 * @writers: open file descriptions that may send
 * @overflow: enum ipcshm_overflow
 * @reserved: 0
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
	__u64 dropped;
	__u64 peak_messages;
	__u64 peak_bytes;
	__u64 next_time;
	__u64 blocked_time;
	__u64 pool_bytes;
	__u64 pool_used;
	__u64 held;
	__u64 calls;
	__u32 readers;
	__u32 writers;
	__u32 overflow;
	__u32 reserved;
};

/* struct ipcshm_message.flags: which messages a receiver wants; none: any. */
#define IPCSHM_TYPE_EQUAL	0x01	/* of this type */
#define IPCSHM_TYPE_NOT		0x02	/* of any other type */
#define IPCSHM_TYPE_UP_TO	0x04	/* of the lowest type that isn't over this one */
#define IPCSHM_MAPPED		0x08	/* receive: tell where it is in the pool, don't copy it */

/**
 * struct ipcshm_segment - a piece of a message's buffer
 * @data: its address
 * @size: its bytes
 */
struct ipcshm_segment {
	__u64 data;
	__u64 size;
};

/**
 * struct ipcshm_message - one message
 * @data: address of the payload, or of the room for it; with @segments, of an
 *	array of struct ipcshm_segment; with IPCSHM_MAPPED out: the offset in the
 *	queue's pool, to be given to QUEUE_RELEASE
 * @size: send: bytes of payload, 0 to the queue's max_message_size;
 *	receive: bytes of room; out: bytes of the message, also if the call fails
 *	with EMSGSIZE because the room is smaller than that; with @segments it is
 *	ignored on the way in
 * @type: send: a tag of the sender's choice; receive: with IPCSHM_TYPE_EQUAL,
 *	_NOT or _UP_TO the type to compare with; out: the message's
 * @priority: send: 0 to IPCSHM_PRIORITY_MAX, a higher one is received first;
 *	receive: out
 * @flags: receive: one of IPCSHM_TYPE_EQUAL, _NOT, _UP_TO, or none of them;
 *	IPCSHM_MAPPED; send: 0
 * @pid: receive, out: the sending process as seen in the receiver's PID
 *	namespace, 0 if it has no number there
 * @uid: receive, out: the sender's real user ID as seen in the receiver's user
 *	namespace
 * @gid: receive, out: the sender's real group ID, likewise
 * @segments: 0, or how many segments @data has, at most IPCSHM_SEGMENTS_MAX
 * @time: receive, out: when it was sent, nanoseconds of CLOCK_MONOTONIC in the
 *	receiver's time namespace
 * @fds: address of an array of __s32: file descriptors to send, or room for those
 *	that come; a persistent queue takes them in replies only
 * @fd_count: how many there are in @fds, 0 to IPCSHM_FDS_MAX; receive, out: how
 *	many the message carried; what there was no room for is closed
 * @reserved: 0
 * @request_id: receive, out: if not 0, the sender waits for a reply, and this is what
 *	it is sent with; reply: that; call: see struct ipcshm_call_args; else 0
 * @reserved1: 0
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
	__u32 segments;
	__u64 time;
	__u64 fds;
	__u32 fd_count;
	__u32 reserved;
	__u64 request_id;
	__u64 reserved1;
};

/* Flags of struct ipcshm_transfer_args, ipcshm_batch and ipcshm_call. */
#define IPCSHM_DONTWAIT		0x01	/* this call doesn't block: EAGAIN */
#define IPCSHM_PEEK		0x02	/* receive: leave it in the queue; with DONTWAIT */

/**
 * struct ipcshm_transfer_args - IPCSHM_IOC_QUEUE_SEND and IPCSHM_IOC_QUEUE_RECEIVE
 * @message: the message
 * @deadline: when to give up with ETIMEDOUT if the call has to block: absolute
 *	nanoseconds of @clock, or IPCSHM_FOREVER
 * @clock: CLOCK_REALTIME (0) or CLOCK_MONOTONIC (1)
 * @flags: IPCSHM_DONTWAIT; receive: IPCSHM_PEEK
 */
struct ipcshm_transfer_args {
	struct ipcshm_message message;
	__u64 deadline;
	__u32 clock;
	__u32 flags;
};

/**
 * struct ipcshm_batch_args - IPCSHM_IOC_QUEUE_SEND_BATCH and _RECEIVE_BATCH
 * @messages: address of an array of struct ipcshm_message
 * @count: how many there are, 1 to IPCSHM_BATCH_MAX
 * @flags: IPCSHM_DONTWAIT
 * @deadline: as in struct ipcshm_transfer_args
 * @clock: likewise
 * @message_size: sizeof(struct ipcshm_message), the distance between two of them; at
 *	most a page
 */
struct ipcshm_batch_args {
	__u64 messages;
	__u32 count;
	__u32 flags;
	__u64 deadline;
	__u32 clock;
	__u32 message_size;
};

/**
 * struct ipcshm_call_args - IPCSHM_IOC_QUEUE_CALL and IPCSHM_IOC_QUEUE_REPLY_RECEIVE
 * @request: CALL: what is sent, if its token is 0; else the token is the id of an
 *	interrupted call, which is resumed.  Out: the id, if the call is interrupted
 *	after its request was received; 0 when a resumed call has ended;
 *	REPLY_RECEIVE: the next request, received
 * @reply: CALL: the reply, received; REPLY_RECEIVE: what is sent to the caller
 *	that @reply.request_id stands for; 0: nobody.  Out: its token is 0 when it has
 *	been sent
 * @deadline: as in struct ipcshm_transfer_args
 * @clock: likewise
 * @flags: REPLY_RECEIVE: IPCSHM_DONTWAIT
 */
struct ipcshm_call_args {
	struct ipcshm_message request;
	struct ipcshm_message reply;
	__u64 deadline;
	__u32 clock;
	__u32 flags;
};

/**
 * struct ipcshm_reply_args - IPCSHM_IOC_QUEUE_REPLY
 * @message: the reply, with the request's token
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_reply_args {
	struct ipcshm_message message;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct ipcshm_queue_set_args - IPCSHM_IOC_QUEUE_SET
 * @max_messages: as in struct ipcshm_queue_open_args
 * @max_bytes: likewise
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_queue_set_args {
	__u64 max_messages;
	__u64 max_bytes;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct ipcshm_queue_drain_args - IPCSHM_IOC_QUEUE_DRAIN
 * @messages: out: how many were discarded
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_queue_drain_args {
	__u64 messages;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct ipcshm_queue_busy_poll_args - IPCSHM_IOC_QUEUE_BUSY_POLL
 * @microseconds: how long a call through this descriptor that has to wait looks
 *	out for the end of the wait before it sleeps, 0 to IPCSHM_BUSY_POLL_MAX
 * @flags: none yet: 0
 */
struct ipcshm_queue_busy_poll_args {
	__u32 microseconds;
	__u32 flags;
};

/**
 * struct ipcshm_queue_release_args - IPCSHM_IOC_QUEUE_RELEASE
 * @offsets: address of an array of __u64: where the messages are in the pool
 * @count: how many there are, 1 to IPCSHM_BATCH_MAX
 * @flags: none yet: 0
 */
struct ipcshm_queue_release_args {
	__u64 offsets;
	__u32 count;
	__u32 flags;
};

/**
 * struct ipcshm_queue_revoke_args - IPCSHM_IOC_QUEUE_REVOKE
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_queue_revoke_args {
	__u32 flags;
	__u32 reserved;
};

/* The least size of each structure that the kernel accepts, for ever. */
#define IPCSHM_INFO_SIZE_VER0		72
#define IPCSHM_REGION_OPEN_SIZE_VER0	48
#define IPCSHM_QUEUE_OPEN_SIZE_VER0	64
#define IPCSHM_UNLINK_SIZE_VER0		24
#define IPCSHM_REGION_STAT_SIZE_VER0	64
#define IPCSHM_QUEUE_STAT_SIZE_VER0	128
#define IPCSHM_MESSAGE_SIZE_VER0	88
#define IPCSHM_TRANSFER_SIZE_VER0	104
#define IPCSHM_BATCH_SIZE_VER0		32
#define IPCSHM_CALL_SIZE_VER0		192
#define IPCSHM_REPLY_SIZE_VER0		96
#define IPCSHM_QUEUE_SET_SIZE_VER0	24
#define IPCSHM_QUEUE_DRAIN_SIZE_VER0	16
#define IPCSHM_QUEUE_BUSY_POLL_SIZE_VER0	8
#define IPCSHM_QUEUE_RELEASE_SIZE_VER0	16
#define IPCSHM_QUEUE_REVOKE_SIZE_VER0	8
#define IPCSHM_REGION_SELF_SIZE_VER0	8
#define IPCSHM_REGION_MEMBER_SIZE_VER0	40
#define IPCSHM_REGION_MEMBERS_SIZE_VER0	16
#define IPCSHM_MEMBER_SIZE_VER0		24
#define IPCSHM_REGION_WAIT_SIZE_VER0	40
#define IPCSHM_REGION_WAKE_SIZE_VER0	16
#define IPCSHM_REGION_WATCH_SIZE_VER0	32
#define IPCSHM_REGION_RESIZE_SIZE_VER0	8
#define IPCSHM_REGION_REVOKE_SIZE_VER0	8

#define IPCSHM_IOC_MAGIC	0xBC

/* on /dev/ipcshm */
#define IPCSHM_IOC_INFO		_IOWR(IPCSHM_IOC_MAGIC, 0x00, struct ipcshm_info)
#define IPCSHM_IOC_REGION_OPEN	_IOWR(IPCSHM_IOC_MAGIC, 0x01, struct ipcshm_region_open_args)
#define IPCSHM_IOC_QUEUE_OPEN	_IOWR(IPCSHM_IOC_MAGIC, 0x02, struct ipcshm_queue_open_args)
#define IPCSHM_IOC_UNLINK	_IOWR(IPCSHM_IOC_MAGIC, 0x03, struct ipcshm_unlink_args)

/* on a region */
#define IPCSHM_IOC_REGION_STAT	_IOWR(IPCSHM_IOC_MAGIC, 0x20, struct ipcshm_region_stat)
#define IPCSHM_IOC_REGION_SELF	_IOWR(IPCSHM_IOC_MAGIC, 0x21, struct ipcshm_region_self_args)
#define IPCSHM_IOC_REGION_MEMBERS	_IOWR(IPCSHM_IOC_MAGIC, 0x22, struct ipcshm_region_members_args)
#define IPCSHM_IOC_REGION_WAIT	_IOWR(IPCSHM_IOC_MAGIC, 0x23, struct ipcshm_region_wait_args)
#define IPCSHM_IOC_REGION_WAKE	_IOWR(IPCSHM_IOC_MAGIC, 0x24, struct ipcshm_region_wake_args)
#define IPCSHM_IOC_REGION_WATCH	_IOWR(IPCSHM_IOC_MAGIC, 0x25, struct ipcshm_region_watch_args)
#define IPCSHM_IOC_REGION_RESIZE	_IOWR(IPCSHM_IOC_MAGIC, 0x26, struct ipcshm_region_resize_args)
#define IPCSHM_IOC_REGION_REVOKE	_IOWR(IPCSHM_IOC_MAGIC, 0x27, struct ipcshm_region_revoke_args)
#define IPCSHM_IOC_REGION_MEMBER	_IOWR(IPCSHM_IOC_MAGIC, 0x28, struct ipcshm_region_member_args)

/* on a queue */
#define IPCSHM_IOC_QUEUE_STAT	_IOWR(IPCSHM_IOC_MAGIC, 0x40, struct ipcshm_queue_stat)
#define IPCSHM_IOC_QUEUE_SEND	_IOWR(IPCSHM_IOC_MAGIC, 0x41, struct ipcshm_transfer_args)
#define IPCSHM_IOC_QUEUE_RECEIVE	_IOWR(IPCSHM_IOC_MAGIC, 0x42, struct ipcshm_transfer_args)
#define IPCSHM_IOC_QUEUE_SEND_BATCH	_IOWR(IPCSHM_IOC_MAGIC, 0x43, struct ipcshm_batch_args)
#define IPCSHM_IOC_QUEUE_RECEIVE_BATCH	_IOWR(IPCSHM_IOC_MAGIC, 0x44, struct ipcshm_batch_args)
#define IPCSHM_IOC_QUEUE_CALL	_IOWR(IPCSHM_IOC_MAGIC, 0x45, struct ipcshm_call_args)
#define IPCSHM_IOC_QUEUE_REPLY	_IOWR(IPCSHM_IOC_MAGIC, 0x46, struct ipcshm_reply_args)
#define IPCSHM_IOC_QUEUE_REPLY_RECEIVE	_IOWR(IPCSHM_IOC_MAGIC, 0x47, struct ipcshm_call_args)
#define IPCSHM_IOC_QUEUE_RELEASE	_IOWR(IPCSHM_IOC_MAGIC, 0x48, struct ipcshm_queue_release_args)
#define IPCSHM_IOC_QUEUE_SET	_IOWR(IPCSHM_IOC_MAGIC, 0x49, struct ipcshm_queue_set_args)
#define IPCSHM_IOC_QUEUE_BUSY_POLL	_IOWR(IPCSHM_IOC_MAGIC, 0x4a, struct ipcshm_queue_busy_poll_args)
#define IPCSHM_IOC_QUEUE_DRAIN	_IOWR(IPCSHM_IOC_MAGIC, 0x4b, struct ipcshm_queue_drain_args)
#define IPCSHM_IOC_QUEUE_REVOKE	_IOWR(IPCSHM_IOC_MAGIC, 0x4c, struct ipcshm_queue_revoke_args)

#endif /* _UAPI_LINUX_IPCSHM_H */
