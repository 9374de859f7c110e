/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ipcshm - shared regions and message queues for co-operating processes.
 *
 * /dev/ipcshm opens regions (shared memory) and queues (messages); each is a
 * file descriptor of its own.  Documentation/uapi.rst describes each operation
 * with every error that it can return.
 *
 * Rules for growth: the structure of an operation gets new members at its end
 * only, and a structure inside another one never changes.  The ioctl number
 * holds the caller's size.  A longer structure than the kernel's is accepted if
 * the excess is zero (else E2BIG).  A shorter one reads as if zeroes followed,
 * down to its first published size (else EINVAL).  Nothing is read from a
 * structure whose members are all "out"; members unknown to the kernel are
 * written as zero.  Unknown flags and nonzero reserved members fail with
 * EINVAL.  Members marked "out" are ignored on the way in.  Layouts are the
 * same for 32-bit and 64-bit callers; pointers are __u64.  All ioctl numbers
 * are _IOWR: a number stays the same if its structure gets a member in the
 * other direction.
 */
#ifndef _UAPI_LINUX_IPCSHM_H
#define _UAPI_LINUX_IPCSHM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Released members keep their meaning; new ones have a feature bit. */
#define IPCSHM_ABI_VERSION	1

#define IPCSHM_NAME_MAX		255	/* bytes in a name, a leading '/' not counted */
#define IPCSHM_PRIORITY_MAX	32767	/* the highest message priority, as in mq_send(3) */
#define IPCSHM_REGION_MAX	(1ULL << 43)	/* bytes: the largest region */
#define IPCSHM_POOL_MAX		(1ULL << 39)	/* bytes: the largest pool of a queue */
#define IPCSHM_MESSAGE_MAX	(16 << 20)	/* bytes: the largest max_message_size */
#define IPCSHM_FDS_MAX		16	/* descriptors that one message can carry */
#define IPCSHM_SEGMENTS_MAX	1024	/* pieces that one message's buffer can have */
#define IPCSHM_BATCH_MAX	1024	/* messages that one call can send or receive */
#define IPCSHM_DELIVERIES_MAX	254	/* the largest max_deliveries of a queue */
#define IPCSHM_WAITV_MAX	128	/* words that one call can wait on */
#define IPCSHM_BUSY_POLL_MAX		1000	/* microseconds: the longest busy wait */
#define IPCSHM_UNBOUNDED	(~0ULL)	/* no bound: a capacity, or a region's max_size */
#define IPCSHM_FOREVER		(~0ULL)	/* as a deadline: none */
#define IPCSHM_NOW		0ULL	/* as a deadline: has passed, so do not wait */

/*
 * Flags of REGION_OPEN and QUEUE_OPEN (struct ipcshm_open_how).
 *
 * READ permits reading and mapping a region, and receiving from a queue.
 * WRITE permits changing a region, and sending to a queue.
 * The rights of a descriptor never change.
 */
#define IPCSHM_READ		0x01
#define IPCSHM_WRITE		0x02
#define IPCSHM_CREATE		0x04	/* create a missing object (O_CREAT) */
#define IPCSHM_EXCLUSIVE	0x08	/* with CREATE: EEXIST if it exists (O_EXCL) */
#define IPCSHM_PERSISTENT	0x10	/* a new name stays until unlinked */
#define IPCSHM_NONBLOCK		0x20	/* queues: O_NONBLOCK on the new descriptor */
#define IPCSHM_POPULATE		0x40	/* allocate a new region's memory now */
#define IPCSHM_HANGUP		0x80	/* new queue: EPIPE after a hang-up */
#define IPCSHM_HUGE		0x100	/* huge pages for a new region */
#define IPCSHM_BY_ID		0x200	/* open the object with this number */
#define IPCSHM_DEAD_LETTERS	0x400	/* a new queue sends its dead letters to another */
#define IPCSHM_TRUSTED		0x800	/* EPERM unless the caller or root owns it */
#define IPCSHM_HANGUP_EARLY	0x1000	/* with HANGUP: also before there was a peer */

/**
 * enum ipcshm_kind - kinds of objects; each has a name space of its own
 * @IPCSHM_REGION: a shared memory region
 * @IPCSHM_QUEUE: a message queue
 */
enum ipcshm_kind {
	IPCSHM_REGION = 1,
	IPCSHM_QUEUE = 2,
};

/* struct ipcshm_info.features */
#define IPCSHM_FEATURE_REGION	0x01ULL
#define IPCSHM_FEATURE_QUEUE	0x02ULL
#define IPCSHM_FEATURE_MEMBERS	0x04ULL	/* members, WAIT, WAKE, WATCH, RESIZE, REVOKE */
#define IPCSHM_FEATURE_MESSAGES	0x08ULL	/* batches, types, descriptors, overflow, hang-up */
#define IPCSHM_FEATURE_CALL	0x10ULL	/* CALL, REPLY, REPLY_RECEIVE */
#define IPCSHM_FEATURE_POOL	0x20ULL	/* queues with a pool for mapped messages */

/**
 * struct ipcshm_quota - a quota of the calling user
 * @used: present consumption
 * @max: maximum; beyond it, operations fail with EDQUOT
 */
struct ipcshm_quota {
	__u64 used;
	__u64 max;
};

/* As the maximum of a user in the netlink request quota-set: the default. */
#define IPCSHM_QUOTA_FOLLOW_DEFAULT	(~0ULL)

/**
 * struct ipcshm_info - IPCSHM_IOC_INFO, all members out
 * @abi_version: IPCSHM_ABI_VERSION of the module
 * @reserved: zero
 * @features: IPCSHM_FEATURE_* bits
 * @max_message_size: the largest max_message_size a queue may be created with
 * @objects: regions and queues that the calling user created
 * @region_bytes: maximum sizes of the regions that the calling user created
 * @queue_bytes: capacities of bounded queues that the calling user created, and
 *	messages in other queues that were sent through descriptors which the
 *	calling user opened; each with a fixed amount for the kernel's record
 * @members: memberships of the calling user's processes, in any regions
 * @waiters: words of blocked REGION_WAIT and REGION_WAITV operations, and watched
 *	words, through descriptors which the calling user opened
 * @descriptors: file descriptors in pending messages, sent through descriptors
 *	which the calling user opened
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
 * struct ipcshm_open_how - common members of REGION_OPEN and QUEUE_OPEN
 * @name: address of the name, which needs no NUL at its end; 0 for an anonymous
 *	object, to which only its descriptor leads
 * @name_len: bytes in @name, 1 to IPCSHM_NAME_MAX, plus one if the name starts
 *	with a '/', which is dropped; 0 for an anonymous object
 * @flags: IPCSHM_READ, _WRITE, _CREATE, _EXCLUSIVE, _PERSISTENT, _BY_ID, _TRUSTED; for
 *	queues _NONBLOCK, _HANGUP, _HANGUP_EARLY and _DEAD_LETTERS; for regions _POPULATE
 *	and _HUGE
 * @mode: permission bits (0 to 0777) of a new object, less the umask, and less
 *	those for execution of a region; must be 0 without IPCSHM_CREATE
 * @created: out: 1 if this call created the object, 0 if it existed
 * @id: in with IPCSHM_BY_ID, without IPCSHM_CREATE and @name: the number of an object
 *	that has a name; out: the object's number, never used again for another while
 *	the module is loaded
 * @invalid: out: after EINVAL, the offset in the ioctl's structure of the member whose
 *	value is not valid; else 0
 * @reserved: 0
 */
struct ipcshm_open_how {
	__u64 name;
	__u32 name_len;
	__u32 flags;
	__u32 mode;
	__u32 created;
	__u64 id;
	__u32 invalid;
	__u32 reserved;
};

/**
 * struct ipcshm_region_open_args - IPCSHM_IOC_REGION_OPEN
 * @how: name, rights and mode
 * @size: bytes; in: of a new region, 1 to IPCSHM_REGION_MAX, rounded up to whole
 *	pages, must be 0 without IPCSHM_CREATE; out: of the region opened
 * @max_size: bytes; in: maximum for REGION_RESIZE of a new region, at least
 *	@size, which is charged to the quota; 0: its size is fixed; IPCSHM_UNBOUNDED:
 *	IPCSHM_REGION_MAX, but the present size is charged, can be 0, and is not
 *	rounded up; out: of the region opened
 * @max_members: in: maximum of address spaces that map a new region at a time,
 *	at most IPCSHM_MEMBERS_MAX, or 0: IPCSHM_MEMBERS_DEFAULT; out: of the
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
 * enum ipcshm_overflow - treatment of a message without room
 * @IPCSHM_OVERFLOW_BLOCK: its sender waits, or fails with EAGAIN
 * @IPCSHM_OVERFLOW_DROP_OLDEST: drop the oldest messages of the lowest priority
 *	until there is room, or the new one if all others have a higher priority
 * @IPCSHM_OVERFLOW_DROP_NEWEST: drop the new message
 *
 * For its sender a dropped message was sent.  The queue counts it.
 */
enum ipcshm_overflow {
	IPCSHM_OVERFLOW_BLOCK = 0,
	IPCSHM_OVERFLOW_DROP_OLDEST = 1,
	IPCSHM_OVERFLOW_DROP_NEWEST = 2,
};

/**
 * struct ipcshm_queue_open_args - IPCSHM_IOC_QUEUE_OPEN
 * @how: name, rights and mode
 * @max_messages: capacity in messages: 0 is a rendezvous (a send returns when a
 *	receiver has the message); with IPCSHM_UNBOUNDED only the sender's quota
 *	is a bound
 * @max_bytes: capacity in bytes, at least @max_message_size, or
 *	IPCSHM_UNBOUNDED; 0: enough for @max_messages; 0 for a rendezvous
 * @max_message_size: the largest message in bytes, 1 to IPCSHM_MESSAGE_MAX
 * @pool_bytes: bytes of shared memory for messages that are received mapped,
 *	rounded up to whole pages, at least @max_message_size, at most
 *	IPCSHM_POOL_MAX; 0: none
 * @overflow: enum ipcshm_overflow; DROP_OLDEST not for a rendezvous
 * @max_deliveries: times that a message is received with IPCSHM_ACK, 1 to
 *	IPCSHM_DELIVERIES_MAX: when it comes back from the last one, it is a dead letter,
 *	which is dropped or goes to @dead_letter_fd; 0: no bound
 * @dead_letter_fd: with IPCSHM_DEAD_LETTERS, which needs @max_deliveries and no pool: a
 *	descriptor that may send to the queue of dead letters, whose max_message_size is
 *	at least @max_message_size; else 0
 * @reserved: 0
 *
 * All apply to a new queue, and must be 0 without IPCSHM_CREATE.  Out: the
 * attributes of the opened queue, except @dead_letter_fd: see dead_letter_id of struct
 * ipcshm_queue_stat.
 *
 * The queue of dead letters lives as long as the new queue, which counts as one of its openers
 * and writers. The creator of the new queue pays for its dead letters. A persistent queue of dead
 * letters gets them without descriptors. If there is no room or quota, they are delivered again.
 */
struct ipcshm_queue_open_args {
	struct ipcshm_open_how how;
	__u64 max_messages;
	__u64 max_bytes;
	__u64 max_message_size;
	__u64 pool_bytes;
	__u32 overflow;
	__u32 max_deliveries;
	__s32 dead_letter_fd;
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
#define IPCSHM_STAT_PERSISTENT	0x02	/* the name keeps the object */
#define IPCSHM_STAT_REVOKED	0x04	/* was revoked */
#define IPCSHM_STAT_HANGUP	0x08	/* a queue created with IPCSHM_HANGUP */

/**
 * struct ipcshm_stat - common members of REGION_STAT and QUEUE_STAT, all out
 * @id: the object's number
 * @btime: time of creation, nanoseconds of CLOCK_REALTIME
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
 * @stat: members of every object
 * @size: bytes
 * @max_size: bytes; maximum for REGION_RESIZE, charged to the quota; or
 *	IPCSHM_UNBOUNDED: the size is charged
 * @max_members: maximum of address spaces that map it at a time
 * @members: number of address spaces that map it
 * @joins: memberships since it was created
 * @deaths: memberships that ended by a death
 * @waiters: blocked REGION_WAIT and REGION_WAITV operations
 * @reserved: 0
 * @allocated: bytes in memory or swap
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
 * that maps it.  It joins with its first mapping, which fork may pass on, and
 * leaves with its last.  If the last mapping ends with the address space, by
 * exit, kill or exec, the member died.
 *
 * A member token identifies a member of a region: lock words and claimed slots
 * hold it.  It is never given to another member while the region exists.  It is
 * nonzero, and its two highest bits are 0, for the use of programs that store it.
 */
#define IPCSHM_MEMBERS_MAX	65536	/* members of one region at a time */
#define IPCSHM_MEMBERS_DEFAULT	1024

#define IPCSHM_TOKEN_SLOT_BITS	16	/* the slot in the low bits, a generation above */
#define IPCSHM_TOKEN_MASK	0x3fffffffU	/* the token in a stored word */
#define IPCSHM_TOKEN_MIN	0x10000U	/* generations start with 1 */
#define IPCSHM_TOKEN_SLOT(token)	((token) & 0xffffU)
#define IPCSHM_TOKEN_GENERATION(token)	((token) >> IPCSHM_TOKEN_SLOT_BITS & 0x3fffU)
#define IPCSHM_GENERATIONS	0x3fffU	/* successive members of a slot */

/**
 * enum ipcshm_end - how a member ended
 * @IPCSHM_END_NONE: it is alive
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
 * Offset of the member pages: mmap(NULL, sizeof(struct ipcshm_member_page) rounded
 * up to whole pages, PROT_READ, MAP_SHARED, fd, here).
 */
#define IPCSHM_MEMBER_PAGE_OFFSET	IPCSHM_REGION_MAX
#define IPCSHM_MEMBER_PAGE_VERSION	2

/**
 * struct ipcshm_member_page - the members of a region; only the kernel writes
 * @version: IPCSHM_MEMBER_PAGE_VERSION
 * @max_members: maximum of members at a time
 * @joins: memberships since the region was created, modulo 2^32
 * @deaths: memberships that ended by a death; changes after the slot
 * @revoked: 1 after the region was revoked
 * @reserved: 0
 * @slot: token of the member in the slot; 0 before its first member;
 *	IPCSHM_SLOT_ENDED and the end of its last member while it is free
 *
 * A member is alive if page->slot[IPCSHM_TOKEN_SLOT(token)] == token, for a token
 * from IPCSHM_TOKEN_MIN to IPCSHM_TOKEN_MASK.  Load the slot with acquire: when
 * it shows that a member is gone, all stores of the member's tasks are visible.
 * Stores that no task makes can follow: those of reads with O_DIRECT that io_uring
 * has in flight, and of devices for which the memory is registered.
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
 * struct ipcshm_member - one member, as REGION_MEMBERS returns it
 * @token: the member token
 * @pid: the process, as seen in the caller's PID namespace, 0 if it has no
 *	number there
 * @uid: the user that joined, as seen in the caller's user namespace
 * @maps: number of its mappings of the region
 * @joined: time of joining, nanoseconds of CLOCK_REALTIME
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
 * @uid: out: as in struct ipcshm_member
 * @maps: out: as in struct ipcshm_member
 * @reserved: 0
 * @joined: out: as in struct ipcshm_member
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
 * @count: in: elements of the array; out: number of members, of which those that
 *	fit were written
 * @member_size: sizeof(struct ipcshm_member); at most a page
 */
struct ipcshm_region_members_args {
	__u64 members;
	__u32 count;
	__u32 member_size;
};

/**
 * struct ipcshm_region_wait_args - IPCSHM_IOC_REGION_WAIT
 * @offset: offset of the word in the region, a multiple of @size
 * @expected: sleep while the word has this value
 * @deadline: end of the wait, with ETIMEDOUT: absolute nanoseconds of @clock, or
 *	IPCSHM_FOREVER
 * @clock: CLOCK_REALTIME (0), CLOCK_MONOTONIC (1) or CLOCK_BOOTTIME (7)
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
 * struct ipcshm_region_word - a word that REGION_WAITV waits on
 * @offset: offset of the word in the region, a multiple of @size
 * @expected: sleep while the word has this value
 * @size: 4 or 8
 * @reserved: 0
 */
struct ipcshm_region_word {
	__u64 offset;
	__u64 expected;
	__u32 size;
	__u32 reserved;
};

/**
 * struct ipcshm_region_waitv_args - IPCSHM_IOC_REGION_WAITV
 * @words: address of an array of struct ipcshm_region_word
 * @deadline: as in struct ipcshm_region_wait_args
 * @count: number of words, 1 to IPCSHM_WAITV_MAX
 * @word_size: sizeof(struct ipcshm_region_word), the distance between two words; at most a
 *	page
 * @clock: as in struct ipcshm_region_wait_args
 * @deaths: as in struct ipcshm_region_wait_args
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_region_waitv_args {
	__u64 words;
	__u64 deadline;
	__u32 count;
	__u32 word_size;
	__u32 clock;
	__u32 deaths;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct ipcshm_region_wake_args - IPCSHM_IOC_REGION_WAKE
 * @offset: offset of the word, a multiple of 4
 * @count: maximum of waiters to wake
 * @flags: none yet: 0
 */
struct ipcshm_region_wake_args {
	__u64 offset;
	__u32 count;
	__u32 flags;
};

/* struct ipcshm_region_watch_args.events: what poll reports. */
#define IPCSHM_WATCH_WORD	0x01	/* EPOLLIN: a change of the word, or a WAKE */
#define IPCSHM_WATCH_DEATHS	0x02	/* EPOLLPRI: a death */
#define IPCSHM_WATCH_REVOKE	0x04	/* EPOLLERR and EPOLLHUP: the revocation */

/**
 * struct ipcshm_region_requeue_args - IPCSHM_IOC_REGION_REQUEUE
 * @expected: fail with EAGAIN if the word at @offset differs
 * @offset: offset of the word whose waiters are woken and moved, a multiple of @size
 * @target: offset of the word to which waiters are moved, another multiple of @size
 * @size: 4 or 8; with 4, @expected is less than 2^32
 * @wake: maximum of waiters to wake
 * @move: maximum of waiters to move
 * @flags: none yet: 0
 * @invalid: out: after EINVAL, the offset in this structure of the member whose value is
 *	not valid, if it is known; else 0
 * @reserved: 0
 */
struct ipcshm_region_requeue_args {
	__u64 expected;
	__u64 offset;
	__u64 target;
	__u32 size;
	__u32 wake;
	__u32 move;
	__u32 flags;
	__u32 invalid;
	__u32 reserved;
};

/**
 * struct ipcshm_region_watch_args - IPCSHM_IOC_REGION_WATCH
 * @offset: offset of the word in the region, a multiple of @size
 * @expected: poll reports EPOLLIN while the word has another value
 * @size: of the word, 4 or 8; without IPCSHM_WATCH_WORD it is 0, as are @offset and
 *	@expected
 * @deaths: poll reports EPOLLPRI while the region's count of deaths has another value
 * @events: IPCSHM_WATCH_WORD, _DEATHS, _REVOKE: any of them, or 0: none
 * @flags: none yet: 0
 */
struct ipcshm_region_watch_args {
	__u64 offset;
	__u64 expected;
	__u32 size;
	__u32 deaths;
	__u32 events;
	__u32 flags;
};

/**
 * struct ipcshm_region_resize_args - IPCSHM_IOC_REGION_RESIZE
 * @size: bytes, 1 to the region's max_size, rounded up to whole pages; of an
 *	unbounded region 0 to IPCSHM_REGION_MAX, not rounded up
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
 * @stat: members of every object
 * @max_messages: capacity in messages
 * @max_bytes: capacity in bytes
 * @max_message_size: the largest message in bytes
 * @messages: number of messages, with those that are not acknowledged
 * @bytes: their bytes
 * @senders: blocked senders
 * @receivers: blocked receivers
 * @sent: messages accepted since it was created
 * @received: messages received since it was created, and acknowledged if received so; also
 *	those that another queue got
 * @dropped: messages accepted and lost since it was created: by an overflow, a
 *	drain, a caller that gave up its request, or too many deliveries without a queue
 *	of dead letters
 * @peak_messages: highest number of messages so far
 * @peak_bytes: highest number of bytes so far
 * @next_time: time of sending of the next message, nanoseconds of
 *	CLOCK_MONOTONIC in the caller's time namespace; 0 in an empty queue
 * @blocked_time: time since which the first blocked sender waits, as @next_time
 * @pool_bytes: size of the pool
 * @pool_used: bytes of it that hold messages
 * @held: messages received mapped and not released
 * @calls: callers that wait for a reply
 * @readers: open file descriptions that may receive
 * @writers: open file descriptions that may send
 * @overflow: enum ipcshm_overflow
 * @reserved: 0
 * @stalls: messages that blocked their sender since it was created, for want of room or
 *	quota
 * @unacknowledged: messages that were received and are to be acknowledged
 * @returns: times that such a message came back since it was created
 * @dead_letters: times that a message came back from its last delivery
 * @dead_letter_id: number of the queue of dead letters, or 0
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
	__u64 stalls;
	__u64 unacknowledged;
	__u64 returns;
	__u64 dead_letters;
	__u64 dead_letter_id;
};

/* struct ipcshm_message.flags: the filter of a receiver; none: any type. */
#define IPCSHM_TYPE_EQUAL	0x01	/* of this type */
#define IPCSHM_TYPE_NOT		0x02	/* of any other type */
#define IPCSHM_TYPE_UP_TO	0x04	/* of the lowest type up to this one */
#define IPCSHM_MAPPED		0x08	/* receive: return the offset in the pool, no copy */

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
 *	queue's pool, for QUEUE_RELEASE
 * @size: send: bytes of payload, 0 to the queue's max_message_size;
 *	receive: bytes of room; out: bytes of the message, even on EMSGSIZE or with
 *	IPCSHM_TRUNCATE, if the room is smaller; with @segments ignored on the way in
 * @type: send: a tag that the sender chooses; receive: with IPCSHM_TYPE_EQUAL,
 *	_NOT or _UP_TO the type to compare with; out: the message's
 * @priority: send: 0 to IPCSHM_PRIORITY_MAX, a higher one is received first;
 *	receive: out
 * @flags: receive: one of IPCSHM_TYPE_EQUAL, _NOT, _UP_TO, or none of them;
 *	IPCSHM_MAPPED; send: 0
 * @pid: receive, out: the sending process as seen in the receiver's PID
 *	namespace, 0 if it has no number there
 * @uid: receive, out: the sender's real user ID as seen in the receiver's user
 *	namespace
 * @gid: receive, out: the sender's real group ID, as @uid
 * @segments: 0, or number of segments of @data, at most IPCSHM_SEGMENTS_MAX
 * @time: receive, out: time of sending, nanoseconds of CLOCK_MONOTONIC in the
 *	receiver's time namespace
 * @fds: address of an array of __s32: file descriptors to send, or room for
 *	received ones; a persistent queue takes them in replies only
 * @fd_count: elements of @fds, 0 to IPCSHM_FDS_MAX; receive, out: number that the
 *	message carried; descriptors without room are closed
 * @returns: receive, out: times that the message was received with IPCSHM_ACK and came
 *	back, 255: or more
 * @request_id: receive, out: if not 0, the sender waits for a reply with this id;
 *	reply: that id; call: see struct ipcshm_call_args; else 0
 * @ack_id: receive with IPCSHM_ACK: the message to acknowledge first, or 0; out: the id of
 *	the received message, 0 if it is a request or an error is returned; else 0
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
	__u32 returns;
	__u64 request_id;
	__u64 ack_id;
};

/* Flags of struct ipcshm_transfer_args, ipcshm_batch and ipcshm_call. */
#define IPCSHM_DONTWAIT		0x01	/* don't block: EAGAIN */
#define IPCSHM_PEEK		0x02	/* receive: leave it in the queue; with DONTWAIT */
#define IPCSHM_ACK		0x04	/* receive: it comes back unless acknowledged */
#define IPCSHM_TRUNCATE		0x08	/* receive: drop what the room does not hold */
#define IPCSHM_RETRY		0x10	/* call: wait for another server if one ends */

/**
 * struct ipcshm_transfer_args - IPCSHM_IOC_QUEUE_SEND and IPCSHM_IOC_QUEUE_RECEIVE
 * @message: the message
 * @deadline: end of a blocking wait, with ETIMEDOUT: absolute nanoseconds of
 *	@clock, or IPCSHM_FOREVER
 * @clock: CLOCK_REALTIME (0), CLOCK_MONOTONIC (1) or CLOCK_BOOTTIME (7)
 * @flags: IPCSHM_DONTWAIT; receive: IPCSHM_PEEK or IPCSHM_ACK, IPCSHM_TRUNCATE
 * @ack_timeout: with IPCSHM_ACK: nanoseconds after which the message comes back, or 0: when
 *	the process or the descriptor goes; else 0
 *
 * A message received with IPCSHM_ACK stays in the queue, and in its capacity, until the process
 * acknowledges it, but others don't receive it. It comes back to its old place when the process
 * returns it (QUEUE_ACK), when @ack_timeout is over, and when the process dies or executes a
 * program without the descriptor. The end of the open file description has the same effect. A
 * rendezvous keeps no messages: EOPNOTSUPP.
 */
struct ipcshm_transfer_args {
	struct ipcshm_message message;
	__u64 deadline;
	__u32 clock;
	__u32 flags;
	__u64 ack_timeout;
};

/**
 * struct ipcshm_batch_args - IPCSHM_IOC_QUEUE_SEND_BATCH and _RECEIVE_BATCH
 * @messages: address of an array of struct ipcshm_message
 * @count: elements of the array, 1 to IPCSHM_BATCH_MAX
 * @flags: IPCSHM_DONTWAIT; receive: IPCSHM_ACK, IPCSHM_TRUNCATE
 * @deadline: as in struct ipcshm_transfer_args
 * @clock: as in struct ipcshm_transfer_args
 * @message_size: sizeof(struct ipcshm_message), the distance between two of them; at
 *	most a page
 * @ack_timeout: as in struct ipcshm_transfer_args
 */
struct ipcshm_batch_args {
	__u64 messages;
	__u32 count;
	__u32 flags;
	__u64 deadline;
	__u32 clock;
	__u32 message_size;
	__u64 ack_timeout;
};

/**
 * struct ipcshm_call_args - IPCSHM_IOC_QUEUE_CALL and IPCSHM_IOC_QUEUE_REPLY_RECEIVE
 * @request: CALL: the request to send, if its request_id is 0; else that is the id
 *	of an interrupted call to resume.  Out: the id, if the call is interrupted
 *	after its request was received; 0 when a resumed call has ended;
 *	REPLY_RECEIVE: the next request, received
 * @reply: CALL: the reply, received; REPLY_RECEIVE: the reply to send to the caller
 *	with @reply.request_id; 0: none.  Out: request_id is 0 when it has been sent
 * @deadline: as in struct ipcshm_transfer_args
 * @clock: as in struct ipcshm_transfer_args
 * @flags: CALL: IPCSHM_RETRY; REPLY_RECEIVE: IPCSHM_DONTWAIT
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
 * @message: the reply, with the request's request_id
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
 * @max_bytes: as in struct ipcshm_queue_open_args
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
 * @messages: out: number of discarded messages
 * @flags: none yet: 0
 * @reserved: 0
 */
struct ipcshm_queue_drain_args {
	__u64 messages;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct ipcshm_queue_move_args - IPCSHM_IOC_QUEUE_MOVE: move messages to another queue
 * @messages: in: how many at most, not 0; out: how many were moved
 * @type: type that @flags refer to
 * @to_fd: descriptor of the other queue, with IPCSHM_WRITE
 * @flags: one of IPCSHM_TYPE_EQUAL, _NOT, _UP_TO, or none of them
 *
 * The messages that a receiver would get next, and as many as there are now at most, in one
 * step each: none is lost or doubled. They keep sender, time, type, priority and
 * descriptors; their returns are 0, and the user who opened @to_fd pays for them. The
 * operation does not wait for room.
 *
 * EAGAIN, EDQUOT, EPIPE: no message was moved: as for a send to the other queue
 * EMSGSIZE: the next message is too large for the other queue
 * EPERM: the next message has descriptors, and the other queue is persistent
 * EOPNOTSUPP: the next message is a request, or the queue has a pool
 * EBADF: @to_fd is no queue's descriptor with IPCSHM_WRITE
 * EINVAL: both are one queue; @messages is 0; an unknown flag, or two
 */
struct ipcshm_queue_move_args {
	__u64 messages;
	__u64 type;
	__s32 to_fd;
	__u32 flags;
};

/**
 * struct ipcshm_queue_busy_poll_args - IPCSHM_IOC_QUEUE_BUSY_POLL
 * @microseconds: time that a blocking operation on this descriptor busy-polls
 *	before it sleeps, 0 to IPCSHM_BUSY_POLL_MAX
 * @flags: none yet: 0
 */
struct ipcshm_queue_busy_poll_args {
	__u32 microseconds;
	__u32 flags;
};

/**
 * struct ipcshm_queue_wait_peer_args - IPCSHM_IOC_QUEUE_WAIT_PEER: wait for a peer
 * @deadline: as in struct ipcshm_transfer_args
 * @clock: as in struct ipcshm_transfer_args
 * @flags: IPCSHM_DONTWAIT
 *
 * Waits until the queue has a descriptor that receives what this one sends, or sends what this
 * one receives: with IPCSHM_WRITE alone, one with IPCSHM_READ, and the reverse; with both, any
 * other one. Poll reports EPOLLPRI for as long as there is one.
 *
 * Errors:
 * EAGAIN: there is none, and the call does not wait
 * ETIMEDOUT, EINTR, ECANCELED, EKEYREVOKED: as for a receive
 * EINVAL: an unknown clock or flag
 */
struct ipcshm_queue_wait_peer_args {
	__u64 deadline;
	__u32 clock;
	__u32 flags;
};

/* Flags of struct ipcshm_queue_cancel_args. */
#define IPCSHM_CANCEL_UNDO	0x01	/* operations may wait again */

/**
 * struct ipcshm_queue_cancel_args - IPCSHM_IOC_QUEUE_CANCEL: end the waits of a descriptor
 * @flags: 0: operations on this open file description that wait, or would wait, fail;
 *	IPCSHM_CANCEL_UNDO: they wait again
 * @reserved: 0
 *
 * Ends sends, receives and calls that sleep with ECANCELED, and also those that begin later, so
 * that a thread that is about to sleep is not missed. Operations that need not wait are not
 * affected, nor is poll. A call whose request was received ends, too.
 *
 * Errors:
 * EINVAL: an unknown flag
 * EKEYREVOKED: the queue was revoked
 */
struct ipcshm_queue_cancel_args {
	__u32 flags;
	__u32 reserved;
};

/**
 * struct ipcshm_queue_release_args - IPCSHM_IOC_QUEUE_RELEASE
 * @offsets: address of an array of __u64: offsets of the messages in the pool
 * @count: elements of the array, 1 to IPCSHM_BATCH_MAX
 * @flags: none yet: 0
 */
struct ipcshm_queue_release_args {
	__u64 offsets;
	__u32 count;
	__u32 flags;
};

/* Flags of struct ipcshm_queue_ack_args. */
#define IPCSHM_ACK_RETURN	0x01	/* the messages come back now */
#define IPCSHM_ACK_EXTEND	0x02	/* they come back after @timeout from now */

/**
 * struct ipcshm_queue_ack_args - IPCSHM_IOC_QUEUE_ACK: acknowledge messages
 * @ids: address of an array of __u64: ack_id of messages that the process received
 * @count: elements of the array, 1 to IPCSHM_BATCH_MAX
 * @flags: 0: the messages are acknowledged; IPCSHM_ACK_RETURN or IPCSHM_ACK_EXTEND
 * @timeout: with IPCSHM_ACK_EXTEND: nanoseconds, or 0: no time-out; else 0
 *
 * Acknowledges messages that the process received with IPCSHM_ACK, returns them to the queue, or
 * sets when they come back. Returns the number of messages, up to the first one that fails.
 *
 * Errors:
 * EINVAL: count is out of its range, an unknown flag, both flags, or a timeout without EXTEND
 * ESRCH: the process has no such message: it came back already, or was acknowledged
 * EBADF: the descriptor does not have IPCSHM_READ
 */
struct ipcshm_queue_ack_args {
	__u64 ids;
	__u32 count;
	__u32 flags;
	__u64 timeout;
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

/* The size of each structure in its first version: the least that the kernel accepts. */
#define IPCSHM_INFO_SIZE_VER0		120
#define IPCSHM_REGION_OPEN_SIZE_VER0	64
#define IPCSHM_QUEUE_OPEN_SIZE_VER0	80
#define IPCSHM_UNLINK_SIZE_VER0		24
#define IPCSHM_REGION_STAT_SIZE_VER0	104
#define IPCSHM_QUEUE_STAT_SIZE_VER0	216
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
#define IPCSHM_QUEUE_ACK_SIZE_VER0	24
#define IPCSHM_QUEUE_CANCEL_SIZE_VER0	8
#define IPCSHM_QUEUE_WAIT_PEER_SIZE_VER0	16
#define IPCSHM_QUEUE_MOVE_SIZE_VER0	24
#define IPCSHM_REGION_SELF_SIZE_VER0	8
#define IPCSHM_REGION_MEMBER_SIZE_VER0	40
#define IPCSHM_REGION_MEMBERS_SIZE_VER0	16
#define IPCSHM_MEMBER_SIZE_VER0		24
#define IPCSHM_REGION_WAIT_SIZE_VER0	40
#define IPCSHM_REGION_WORD_SIZE_VER0	24
#define IPCSHM_REGION_WAITV_SIZE_VER0	40
#define IPCSHM_REGION_WAKE_SIZE_VER0	16
#define IPCSHM_REGION_REQUEUE_SIZE_VER0	48
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
#define IPCSHM_IOC_REGION_MEMBERS \
	_IOWR(IPCSHM_IOC_MAGIC, 0x22, struct ipcshm_region_members_args)
#define IPCSHM_IOC_REGION_WAIT	_IOWR(IPCSHM_IOC_MAGIC, 0x23, struct ipcshm_region_wait_args)
#define IPCSHM_IOC_REGION_WAKE	_IOWR(IPCSHM_IOC_MAGIC, 0x24, struct ipcshm_region_wake_args)
#define IPCSHM_IOC_REGION_WATCH	_IOWR(IPCSHM_IOC_MAGIC, 0x25, struct ipcshm_region_watch_args)
#define IPCSHM_IOC_REGION_RESIZE \
	_IOWR(IPCSHM_IOC_MAGIC, 0x26, struct ipcshm_region_resize_args)
#define IPCSHM_IOC_REGION_REVOKE \
	_IOWR(IPCSHM_IOC_MAGIC, 0x27, struct ipcshm_region_revoke_args)
#define IPCSHM_IOC_REGION_MEMBER \
	_IOWR(IPCSHM_IOC_MAGIC, 0x28, struct ipcshm_region_member_args)
#define IPCSHM_IOC_REGION_WAITV	_IOWR(IPCSHM_IOC_MAGIC, 0x29, struct ipcshm_region_waitv_args)
#define IPCSHM_IOC_REGION_REQUEUE \
	_IOWR(IPCSHM_IOC_MAGIC, 0x2a, struct ipcshm_region_requeue_args)

/* on a queue */
#define IPCSHM_IOC_QUEUE_STAT	_IOWR(IPCSHM_IOC_MAGIC, 0x40, struct ipcshm_queue_stat)
#define IPCSHM_IOC_QUEUE_SEND	_IOWR(IPCSHM_IOC_MAGIC, 0x41, struct ipcshm_transfer_args)
#define IPCSHM_IOC_QUEUE_RECEIVE	_IOWR(IPCSHM_IOC_MAGIC, 0x42, struct ipcshm_transfer_args)
#define IPCSHM_IOC_QUEUE_SEND_BATCH	_IOWR(IPCSHM_IOC_MAGIC, 0x43, struct ipcshm_batch_args)
#define IPCSHM_IOC_QUEUE_RECEIVE_BATCH	_IOWR(IPCSHM_IOC_MAGIC, 0x44, struct ipcshm_batch_args)
#define IPCSHM_IOC_QUEUE_CALL	_IOWR(IPCSHM_IOC_MAGIC, 0x45, struct ipcshm_call_args)
#define IPCSHM_IOC_QUEUE_REPLY	_IOWR(IPCSHM_IOC_MAGIC, 0x46, struct ipcshm_reply_args)
#define IPCSHM_IOC_QUEUE_REPLY_RECEIVE	_IOWR(IPCSHM_IOC_MAGIC, 0x47, struct ipcshm_call_args)
#define IPCSHM_IOC_QUEUE_RELEASE \
	_IOWR(IPCSHM_IOC_MAGIC, 0x48, struct ipcshm_queue_release_args)
#define IPCSHM_IOC_QUEUE_SET	_IOWR(IPCSHM_IOC_MAGIC, 0x49, struct ipcshm_queue_set_args)
#define IPCSHM_IOC_QUEUE_BUSY_POLL \
	_IOWR(IPCSHM_IOC_MAGIC, 0x4a, struct ipcshm_queue_busy_poll_args)
#define IPCSHM_IOC_QUEUE_DRAIN	_IOWR(IPCSHM_IOC_MAGIC, 0x4b, struct ipcshm_queue_drain_args)
#define IPCSHM_IOC_QUEUE_REVOKE	_IOWR(IPCSHM_IOC_MAGIC, 0x4c, struct ipcshm_queue_revoke_args)
#define IPCSHM_IOC_QUEUE_ACK	_IOWR(IPCSHM_IOC_MAGIC, 0x4d, struct ipcshm_queue_ack_args)
#define IPCSHM_IOC_QUEUE_CANCEL	_IOWR(IPCSHM_IOC_MAGIC, 0x4e, struct ipcshm_queue_cancel_args)
#define IPCSHM_IOC_QUEUE_WAIT_PEER \
	_IOWR(IPCSHM_IOC_MAGIC, 0x4f, struct ipcshm_queue_wait_peer_args)
#define IPCSHM_IOC_QUEUE_MOVE	_IOWR(IPCSHM_IOC_MAGIC, 0x50, struct ipcshm_queue_move_args)

#endif /* _UAPI_LINUX_IPCSHM_H */
