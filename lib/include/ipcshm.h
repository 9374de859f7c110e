/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - shared regions and message queues for co-operating processes.
 *
 * Layer 1: thin calls over the kernel interface (linux/ipcshm.h, described in
 * Documentation/uapi.rst).  Each call returns 0, a count or a descriptor, or
 * -errno; none sets errno, prints, keeps state or installs a signal handler.
 * All may be called from any thread.  On an error nothing has happened, and
 * nothing is filled in, except as described below.
 *
 * Beside the errors listed, each call can return -EBADF: no such descriptor;
 * -ENOTTY: a descriptor of another kind; -EFAULT: an address that isn't valid;
 * and -EINVAL.
 *
 * Structures of linux/ipcshm.h go to the kernel as they are, with the size the
 * caller has compiled in, so that a program and this library needn't be built
 * with the same version of that header.
 *
 *	int device = ipcshm_open();
 *	struct ipcshm_region_attr attr = { .size = 4096 };
 *	int fd = ipcshm_region_open(device, "cam0", IPCSHM_READ | IPCSHM_WRITE |
 *				    IPCSHM_CREATE, 0600, &attr);
 */
#ifndef IPCSHM_H
#define IPCSHM_H

#include <linux/ipcshm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of functions that are defined here, and exported for languages that cannot include this. */
#ifdef __GNUC_GNU_INLINE__
#define IPCSHM_INLINE	extern inline
#else
#define IPCSHM_INLINE	inline
#endif

#ifdef __cplusplus
extern "C" {
/* Some calls share their name with a structure, as stat(2) does. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

/**
 * ipcshm_open - open /dev/ipcshm
 *
 * The descriptor belongs to the network namespace the caller is in now, and is
 * close-on-exec.
 *
 * Return: a descriptor, or -ENOENT: the module isn't loaded; -EACCES; or what
 * else open(2) can fail with.
 */
int ipcshm_open(void);

/**
 * ipcshm_get_info - what the module can do, and the caller's quotas
 * @device: from ipcshm_open()
 * @info: filled in, with zeroes where the module is older than the caller's
 *	header; undefined on an error
 * @size: sizeof(*info)
 *
 * Return: 0, or -EINVAL: @size isn't that of any version of the structure.
 */
int ipcshm_get_info(int device, struct ipcshm_info *info, size_t size);

/**
 * ipcshm_unlink - remove the name of a region or a queue
 * @device: from ipcshm_open()
 * @kind: IPCSHM_REGION or IPCSHM_QUEUE
 * @name: the name
 *
 * Return: 0, or -ENOENT, -EACCES, -EINVAL, -ENAMETOOLONG, -ENXIO.
 */
int ipcshm_unlink(int device, uint32_t kind, const char *name);

/**
 * struct ipcshm_region_attr - attributes of a region, in and out of ipcshm_region_open()
 * @size: bytes; in: of a new region, rounded up to pages, 0 without CREATE; out:
 *	of the region opened
 * @id: its number; in: with IPCSHM_BY_ID; out: of the opened object
 * @created: out: 1 if the call created it
 * @max_members: how many processes can map it at a time, 1 to IPCSHM_MEMBERS_MAX;
 *	in: of a new region, 0: IPCSHM_MEMBERS_DEFAULT; 0 without CREATE
 * @max_size: bytes; the maximum for ipcshm_region_resize(); in: of a new region,
 *	rounded up to pages, 0: not more than @size; IPCSHM_UNBOUNDED: the user pays
 *	for @size, which can be 0 and is not rounded up; 0 without CREATE
 * @invalid: out: after -EINVAL, the offset in struct ipcshm_region_open_args of the
 *	argument that is not valid, for ipcshm_region_invalid(); 0: not known
 * @reserved: 0
 */
struct ipcshm_region_attr {
	uint64_t size;
	uint64_t id;
	uint32_t created;
	uint32_t max_members;
	uint64_t max_size;
	uint32_t invalid;
	uint32_t reserved[7];
};

/**
 * ipcshm_region_open - open or create a region
 * @device: from ipcshm_open()
 * @name: its name, or NULL for an anonymous one, or with IPCSHM_BY_ID
 * @flags: IPCSHM_READ, or IPCSHM_READ | IPCSHM_WRITE; with IPCSHM_CREATE,
 *	_EXCLUSIVE, _PERSISTENT, _POPULATE, _HUGE; or IPCSHM_BY_ID, which opens the
 *	region with the number in @attr; IPCSHM_TRUSTED: only if the caller or root owns it
 * @mode: permission bits of a new region, less the umask; 0 without CREATE
 * @attr: with CREATE: the size wanted; may be NULL without
 *
 * The semantics are those of shm_open(3).  An existing region keeps its size;
 * @attr returns its attributes.
 *
 * Return: a descriptor, which is close-on-exec, or -EINVAL, -ENAMETOOLONG,
 * -ENOENT, -EEXIST, -EACCES, -EDQUOT, -EMFILE, -ENFILE, -ENOMEM, -ENXIO; -EPERM: another
 * user owns it (IPCSHM_TRUSTED).
 */
int ipcshm_region_open(int device, const char *name, uint32_t flags, mode_t mode,
		       struct ipcshm_region_attr *attr);

/**
 * ipcshm_region_invalid - name the argument that ipcshm_region_open() refused
 * @attr: of the call that failed with -EINVAL
 *
 * Return: "name", "flags", "mode" or a member of struct ipcshm_region_attr, for
 * messages; NULL: not known.
 */
const char *ipcshm_region_invalid(const struct ipcshm_region_attr *attr);

/* How ipcshm_region_map() maps, beside the access: as madvise(2) would make it. */
#define IPCSHM_MAP_HUGE		0x100	/* MADV_HUGEPAGE */
#define IPCSHM_MAP_DONTFORK	0x200	/* MADV_DONTFORK: children don't inherit it */

/**
 * ipcshm_region_map - map a whole region, shared, and become a member of it
 * @fd: a region's descriptor
 * @access: IPCSHM_READ, or IPCSHM_READ | IPCSHM_WRITE; with IPCSHM_MAP_HUGE,
 *	IPCSHM_MAP_DONTFORK
 * @address: filled in: where it is mapped; for munmap(2)
 * @size: filled in: bytes mapped: all that the region can grow to; what is beyond
 *	its present size can't be accessed yet; of an unbounded region its present size
 *
 * Return: 0, or -EINVAL: another access, or no byte to map; -EACCES: the descriptor has no right to
 * it; -EPERM: sealed against writing; -EUSERS: the region has max_members;
 * -EDQUOT: the user's quota of members; -EKEYREVOKED; -ENOMEM: no room for it in
 * the address space; or what else mmap(2) can fail with.
 */
int ipcshm_region_map(int fd, uint32_t access, void **address, size_t *size);

/**
 * ipcshm_region_get_stat - owner, mode and size of a region
 * @fd: a region's descriptor
 * @stat: filled in, as by ipcshm_get_info()
 * @size: sizeof(*stat)
 *
 * Return: 0, or -EINVAL, as ipcshm_get_info().
 */
int ipcshm_region_get_stat(int fd, struct ipcshm_region_stat *stat, size_t size);

/**
 * ipcshm_region_resize - grow a region, or shrink it
 * @fd: a region's descriptor with IPCSHM_WRITE
 * @bytes: wanted, rounded up to pages; 1 to the region's max_size; of an unbounded
 *	region 0 to IPCSHM_REGION_MAX, not rounded up
 *
 * Shrinking is possible while the region has no other member.
 *
 * Return: 0, or -EINVAL, -EBADF: no IPCSHM_WRITE; -EBUSY: another process is a
 * member; -EPERM: sealed against writing, or an unbounded region that another user
 * pays for would grow; -EDQUOT: the user's quota, of an unbounded region; -EFBIG,
 * -ENOMEM, -EKEYREVOKED.
 */
int ipcshm_region_resize(int fd, uint64_t bytes);

/**
 * ipcshm_region_revoke - take a region away from all processes
 * @fd: a region's descriptor
 *
 * Its name and memory go; an access to a mapping of it is SIGBUS, and calls fail
 * with -EKEYREVOKED.  For its owner and CAP_IPC_OWNER.
 *
 * Return: 0, or -EACCES.
 */
int ipcshm_region_revoke(int fd);

/**
 * ipcshm_region_self - the calling process's token in a region
 * @fd: a region's descriptor
 * @token: filled in
 *
 * A child of fork(2) has another than its parent, and has to ask for it.
 *
 * A child of fork(2) for which there was no room becomes a member now, if there is.
 *
 * Return: 0, or -ESRCH: the process doesn't have the region mapped; -EUSERS, -EDQUOT,
 * -ENOMEM: it inherited a mapping, and the region has max_members, or the user's quota
 * of members is used up, or there is no memory; -EKEYREVOKED.
 */
int ipcshm_region_self(int fd, uint32_t *token);

/**
 * ipcshm_region_member - what is known of the member with a token
 * @fd: a region's descriptor
 * @token: the member token
 * @member: filled in: IPCSHM_END_NONE as its end and who it is while it is alive; how it
 *	ended until another member has its slot
 *
 * Return: 0, or -EINVAL: not a token; -ESRCH: the region never gave it out, or the
 * member has ended and its slot has had another one since; -EKEYREVOKED.
 */
int ipcshm_region_member(int fd, uint32_t token, struct ipcshm_region_member_args *member);

/**
 * ipcshm_region_member_pidfd - a descriptor of the process that is a member
 * @fd: a region's descriptor
 * @token: the member token
 *
 * The descriptor is that of pidfd_open(2), and close-on-exec.  It is certain to be of
 * the member's process, even if process IDs are reused in the meantime.
 *
 * Return: the descriptor, or -EINVAL: not a token; -ESRCH: the member has ended, or its
 * process has no ID in the caller's PID namespace; -EKEYREVOKED, -EMFILE, -ENFILE,
 * -ENOMEM.
 */
int ipcshm_region_member_pidfd(int fd, uint32_t token);

/**
 * ipcshm_region_members - who are the members of a region
 * @fd: a region's descriptor
 * @members: an array, filled in with as many as fit
 * @count: how many fit in it
 * @size: sizeof(*members)
 *
 * Return: how many members there are, which may be more than @count, or -EINVAL,
 * -ENOMEM, -EKEYREVOKED.
 */
int ipcshm_region_members(int fd, struct ipcshm_member *members, uint32_t count, size_t size);

/**
 * ipcshm_region_map_members - map the member pages, read-only
 * @fd: a region's descriptor
 * @page: filled in; for munmap(2) with sizeof(**@page)
 *
 * The mapping doesn't make the process a member.
 *
 * Return: 0, or -EKEYREVOKED, -ENOMEM, or what else mmap(2) can fail with.
 */
int ipcshm_region_map_members(int fd, const struct ipcshm_member_page **page);

/**
 * ipcshm_is_alive - is a member alive?
 * @page: from ipcshm_region_map_members()
 * @token: the member's; any value, as it may have been read from shared memory
 *
 * One load, no system call.  If it isn't alive, all that it has ever stored in the
 * region can be seen, and nothing more comes.
 */
IPCSHM_INLINE int ipcshm_is_alive(const struct ipcshm_member_page *page, uint32_t token)
{
	const uint32_t *slot = &page->slot[IPCSHM_TOKEN_SLOT(token)];

	return token - IPCSHM_TOKEN_MIN <= IPCSHM_TOKEN_MASK - IPCSHM_TOKEN_MIN &&
	       __atomic_load_n(slot, __ATOMIC_ACQUIRE) == token;
}

/**
 * ipcshm_member_end - how did a member end?
 * @page: from ipcshm_region_map_members()
 * @token: the member's; any value, as it may have been read from shared memory
 * @code: filled in with the exit status (IPCSHM_END_EXITED), the signal
 *	(IPCSHM_END_KILLED) or 0; or NULL
 *
 * One load, no system call.
 *
 * Return: IPCSHM_END_NONE: the member is alive; the kind of end (enum ipcshm_end), of
 * which all but IPCSHM_END_LEFT are deaths; IPCSHM_END_UNKNOWN, too, if another member
 * had the slot since, or this is no token of the region.
 */
enum ipcshm_end ipcshm_member_end(const struct ipcshm_member_page *page, uint32_t token,
				  uint32_t *code);

/**
 * ipcshm_deaths - how many members of a region have died
 * @page: from ipcshm_region_map_members()
 *
 * To be read before looking at what a wait is about, and given to it.
 */
IPCSHM_INLINE uint32_t ipcshm_deaths(const struct ipcshm_member_page *page)
{
	return __atomic_load_n(&page->deaths, __ATOMIC_ACQUIRE);
}

/**
 * ipcshm_region_wait - sleep while a word of a region has a value
 * @fd: a region's descriptor
 * @offset: where the word is, a multiple of @size
 * @size: of the word, 4 or 8
 * @expected: the value
 * @deaths: the count of deaths that is known, from ipcshm_deaths()
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), or
 *	IPCSHM_FOREVER
 *
 * The semantics are those of FUTEX_WAIT (futex(2)), with an end when a member
 * dies.
 *
 * Return: 0: woken; -EAGAIN: the word has another value; -EOWNERDEAD: a member
 * has died; or -ETIMEDOUT, -EINTR, -EINVAL, -EDQUOT, -EIO, -ENOMEM, -EKEYREVOKED.
 */
int ipcshm_region_wait(int fd, uint64_t offset, uint32_t size, uint64_t expected,
		       uint32_t deaths, uint64_t deadline);

/**
 * ipcshm_region_waitv - sleep while each of several words of a region has a value
 * @fd: a region's descriptor
 * @words: the words and the values
 * @count: number of words, 1 to IPCSHM_WAITV_MAX
 * @deaths: known count of deaths, from ipcshm_deaths()
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), or
 *	IPCSHM_FOREVER
 *
 * Each word counts for the quota of waiters.
 *
 * Return: the index of the word whose wake-up ended the wait; -EAGAIN: one of the words has
 * another value; -EFAULT; or an error of ipcshm_region_wait().
 */
int ipcshm_region_waitv(int fd, const struct ipcshm_region_word *words, uint32_t count,
			uint32_t deaths, uint64_t deadline);

/**
 * ipcshm_region_wake - wake the waiters of a word of a region
 * @fd: a region's descriptor
 * @offset: where the word is
 * @count: the maximum number to wake, in the order of their arrival
 *
 * Return: the number of woken waiters, or -EINVAL: @count exceeds INT_MAX; -EKEYREVOKED.
 */
int ipcshm_region_wake(int fd, uint64_t offset, uint32_t count);

/**
 * ipcshm_region_requeue - wake waiters of a word, and move others to another word
 * @fd: a region's descriptor, with the right to write
 * @offset: where the word is, a multiple of @size
 * @target: where the other word is, another multiple of @size
 * @size: of the words, 4 or 8
 * @expected: the value that the word must have
 * @wake: the maximum number to wake, in the order of their arrival
 * @move: the maximum number to move, of those that arrived next
 *
 * The semantics are those of FUTEX_CMP_REQUEUE (futex(2)). Waiters on several words are not
 * moved. If a moved waiter catches a signal, its wait ends with -EAGAIN.
 *
 * Return: the number of waiters woken and moved; moved are those beyond @wake; -EAGAIN: the word
 * has another value; or -EBADF, -EINVAL, -EIO, -ENOMEM, -EKEYREVOKED.
 */
int ipcshm_region_requeue(int fd, uint64_t offset, uint64_t target, uint32_t size,
			  uint64_t expected, uint32_t wake, uint32_t move);

/**
 * ipcshm_region_watch - have poll(2) on a region's descriptor wait on a word
 * @fd: a region's descriptor
 * @offset: where the word is, a multiple of @size
 * @size: of the word, 4 or 8; 0: watch no word
 * @expected: EPOLLIN while the word has another value, or after a wake-up
 * @deaths: EPOLLPRI while the region's count of deaths is another
 *
 * One watch a file description; a call replaces it.
 *
 * Return: 0, or -EINVAL, -EDQUOT, -ENOMEM, -EKEYREVOKED.
 */
int ipcshm_region_watch(int fd, uint64_t offset, uint32_t size, uint64_t expected,
			uint32_t deaths);

/**
 * ipcshm_region_watch_events - choose what poll(2) on a region's descriptor reports
 * @fd: a region's descriptor
 * @events: IPCSHM_WATCH_WORD, _DEATHS, _REVOKE: any of them, or 0
 * @offset: as of ipcshm_region_watch(); 0 without IPCSHM_WATCH_WORD
 * @size: as of ipcshm_region_watch(); 0 without IPCSHM_WATCH_WORD
 * @expected: as of ipcshm_region_watch(); 0 without IPCSHM_WATCH_WORD
 * @deaths: as of ipcshm_region_watch()
 *
 * ipcshm_region_watch() is this call with all three events, or without IPCSHM_WATCH_WORD if its
 * size is 0.
 *
 * Return: 0, or -EINVAL, -EDQUOT, -ENOMEM, -EKEYREVOKED.
 */
int ipcshm_region_watch_events(int fd, uint32_t events, uint64_t offset, uint32_t size,
			       uint64_t expected, uint32_t deaths);

/**
 * struct ipcshm_queue_attr - attributes of a queue, in and out of ipcshm_queue_open()
 * @max_messages: capacity in messages; 0: rendezvous; IPCSHM_UNBOUNDED
 * @max_bytes: capacity in bytes, at least @max_message_size; 0: as many as
 *	@max_messages need; IPCSHM_UNBOUNDED
 * @max_message_size: the largest message, 1 to IPCSHM_MESSAGE_MAX bytes
 * @id: its number; in: with IPCSHM_BY_ID; out: of the opened object
 * @created: out: 1 if the call created it
 * @overflow: enum ipcshm_overflow: the treatment of a message for which there is
 *	no room
 * @pool_bytes: bytes for messages that are received mapped, rounded up to whole
 *	pages, at least @max_message_size; 0: none
 * @invalid: out: after -EINVAL, the offset in struct ipcshm_queue_open_args of the
 *	argument that is not valid, for ipcshm_queue_invalid(); 0: not known
 * @max_deliveries: times that a message is received with ipcshm_receive_ack(), at most
 *	IPCSHM_DELIVERIES_MAX, before it is a dead letter, which is dropped or goes to
 *	@dead_letter_fd; 0: no bound
 * @dead_letter_fd: in: with IPCSHM_DEAD_LETTERS, which needs @max_deliveries and no pool: a
 *	descriptor that may send to the queue of dead letters; else 0
 * @reserved: 0
 *
 * All but @id, @created, @invalid and @dead_letter_fd, in: of a new queue, 0 without CREATE;
 * out: of the queue opened.
 */
struct ipcshm_queue_attr {
	uint64_t max_messages;
	uint64_t max_bytes;
	uint64_t max_message_size;
	uint64_t id;
	uint32_t created;
	uint32_t overflow;
	uint64_t pool_bytes;
	uint32_t invalid;
	uint32_t max_deliveries;
	int32_t dead_letter_fd;
	uint32_t reserved[5];
};

/**
 * ipcshm_queue_open - open or create a queue
 * @device: from ipcshm_open()
 * @name: its name, or NULL for an anonymous one
 * @flags: IPCSHM_READ to receive, IPCSHM_WRITE to send; IPCSHM_NONBLOCK; with
 *	IPCSHM_CREATE, _EXCLUSIVE, _PERSISTENT, _HANGUP, _HANGUP_EARLY, _DEAD_LETTERS; or
 *	IPCSHM_BY_ID, IPCSHM_TRUSTED, as for a region
 * @mode: permission bits of a new queue, less the umask; 0 without CREATE
 * @attr: with CREATE: the capacity wanted; may be NULL without
 *
 * The semantics are those of mq_open(3).
 *
 * With IPCSHM_HANGUP a new queue is like a pipe.  Once its last receiver has gone,
 * sending fails with -EPIPE (without a signal).  Once its last sender has gone,
 * receiving from the empty queue fails with -EPIPE, and read(2) returns 0. With
 * IPCSHM_HANGUP_EARLY they fail so before the first receiver or sender has come, too.
 *
 * With IPCSHM_DEAD_LETTERS a message that comes back from its last delivery goes to another
 * queue, with its type, priority, sender, time, descriptors and number of returns. That queue
 * lives as long as the new one, which counts as one of its writers. If it has no room, the
 * message is delivered again; if it is persistent, the message arrives without descriptors. The
 * messages are charged to the user who creates the new queue.
 *
 * Return: a descriptor, or the errors of ipcshm_region_open(), or, of @dead_letter_fd, -EBADF:
 * not a queue's, or it may not send; -EMSGSIZE: its queue has a smaller max_message_size;
 * -EKEYREVOKED.
 */
int ipcshm_queue_open(int device, const char *name, uint32_t flags, mode_t mode,
		      struct ipcshm_queue_attr *attr);

/**
 * ipcshm_queue_invalid - name the argument that ipcshm_queue_open() refused
 * @attr: of the call that failed with -EINVAL
 *
 * Return: "name", "flags", "mode" or a member of struct ipcshm_queue_attr, for
 * messages; NULL: not known.
 */
const char *ipcshm_queue_invalid(const struct ipcshm_queue_attr *attr);

/**
 * ipcshm_queue_get_stat - owner, mode, capacity and state of a queue
 * @fd: a queue's descriptor
 * @stat: filled in, as by ipcshm_get_info()
 * @size: sizeof(*stat)
 *
 * Return: 0, or -EINVAL, as ipcshm_get_info().
 */
int ipcshm_queue_get_stat(int fd, struct ipcshm_queue_stat *stat, size_t size);

/**
 * ipcshm_queue_set - change the capacity of a queue
 * @fd: a queue's descriptor
 * @max_messages: as in struct ipcshm_queue_attr
 * @max_bytes: as in struct ipcshm_queue_attr
 *
 * For its owner and CAP_IPC_OWNER.  With more room, senders that are blocked go
 * on; with less, no message is lost, and it takes none until there is room again.
 *
 * Return: 0, or -EINVAL: not a capacity that a queue with its max_message_size
 * and overflow can have; -EACCES, -EKEYREVOKED.
 */
int ipcshm_queue_set(int fd, uint64_t max_messages, uint64_t max_bytes);

/**
 * ipcshm_queue_set_busy_poll - make blocking calls of a descriptor busy-poll first
 * @fd: a queue's descriptor
 * @microseconds: how long a call that has to wait for a message or a reply busy-polls
 *	before it sleeps, 0 (the default: never) to IPCSHM_BUSY_POLL_MAX
 *
 * Saves the time it takes to wake a process that sleeps, and costs processor
 * time.
 *
 * Return: 0, or -EINVAL, -EKEYREVOKED.
 */
int ipcshm_queue_set_busy_poll(int fd, uint32_t microseconds);

/**
 * ipcshm_queue_wait_peer - wait until a queue has a receiver, or a sender
 * @fd: a queue's descriptor
 * @deadline: as for ipcshm_receive()
 *
 * Waits until another descriptor of the queue receives what this one sends, or sends what it
 * receives: with IPCSHM_WRITE alone, one with IPCSHM_READ; with IPCSHM_READ alone, one with
 * IPCSHM_WRITE; with both, any. Poll reports POLLPRI for as long as there is one.
 *
 * Return: 0, or -EAGAIN: the descriptor is O_NONBLOCK; -ETIMEDOUT, -EINTR, -ECANCELED,
 * -EKEYREVOKED, -EBADF.
 */
int ipcshm_queue_wait_peer(int fd, uint64_t deadline);

/**
 * ipcshm_queue_cancel - end the waits of a descriptor
 * @fd: a queue's descriptor
 * @flags: 0, or IPCSHM_CANCEL_UNDO: operations may wait again
 *
 * Sends, receives and calls that wait at the open file description fail with -ECANCELED, and
 * also those that would wait later. So a thread ends the blocked receive of another one without
 * a signal, and misses none that is about to begin. Operations that need not wait go on.
 *
 * Return: 0, or -EINVAL, -EKEYREVOKED, -EBADF.
 */
int ipcshm_queue_cancel(int fd, uint32_t flags);

/**
 * ipcshm_queue_drain - discard all messages of a queue
 * @fd: a queue's descriptor with IPCSHM_READ
 * @messages: filled in with how many they were; may be NULL
 *
 * Those of senders that are blocked come in afterwards.
 *
 * Return: 0, or -EBADF: no IPCSHM_READ; -EKEYREVOKED.
 */
int ipcshm_queue_drain(int fd, uint64_t *messages);

/**
 * ipcshm_queue_move - move messages to another queue
 * @fd: a queue's descriptor with IPCSHM_READ
 * @to_fd: another queue's descriptor with IPCSHM_WRITE
 * @match: which messages: 0, any; IPCSHM_TYPE_EQUAL, _NOT or _UP_TO: by @type
 * @type: the type that @match refers to
 * @messages: in: how many at most; out: how many were moved; NULL: all that there are
 *
 * For example dead letters, back to the queue of jobs. The messages that a receiver would get
 * next are moved, none is lost or doubled, and each keeps its sender, time, type, priority and
 * descriptors. Their returns are 0, and the user who opened @to_fd pays for them. The call does
 * not wait for room: it ends when the other queue is full.
 *
 * Return: 0: some were moved, or there is none; or -EAGAIN: the other queue is full; -EDQUOT;
 * -EMSGSIZE: too large for it; -EPERM: descriptors, which a persistent queue does not take;
 * -EOPNOTSUPP: a request, or the queue has a pool; -EPIPE, -EINVAL, -EBADF, -EKEYREVOKED.
 */
int ipcshm_queue_move(int fd, int to_fd, uint32_t match, uint64_t type, uint64_t *messages);

/**
 * ipcshm_queue_revoke - take a queue away from all processes
 * @fd: a queue's descriptor
 *
 * Its name and its messages go, and blocked calls fail with -EKEYREVOKED, as do all
 * later calls except ipcshm_queue_get_stat() and this one.  For its owner and
 * CAP_IPC_OWNER.
 *
 * Return: 0, or -EACCES.
 */
int ipcshm_queue_revoke(int fd);

/**
 * ipcshm_send - send one message
 * @fd: a queue's descriptor with IPCSHM_WRITE
 * @data: the payload
 * @size: bytes of it
 * @priority: 0 to IPCSHM_PRIORITY_MAX; higher is received first
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), or
 *	IPCSHM_FOREVER
 *
 * Blocks while the queue is full (a rendezvous: until a receiver has the
 * message), unless the descriptor is O_NONBLOCK, or the queue was created to drop
 * messages instead.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -EINTR, -EMSGSIZE, -EDQUOT, -ENOMEM, -EINVAL;
 * -ECANCELED: see ipcshm_queue_cancel(); -EPIPE: the last receiver has gone
 * (IPCSHM_HANGUP); -EKEYREVOKED; -EBADF also: the descriptor has no IPCSHM_WRITE.
 */
int ipcshm_send(int fd, const void *data, size_t size, uint32_t priority, uint64_t deadline);

/**
 * ipcshm_receive - receive one message
 * @fd: a queue's descriptor with IPCSHM_READ
 * @data: room for the payload
 * @size: bytes of room
 * @message: filled in with size, type, priority, sender and time; may be NULL
 * @deadline: CLOCK_MONOTONIC nanoseconds, or IPCSHM_FOREVER
 *
 * Return: the message's size, or -EAGAIN, -ETIMEDOUT, -EINTR, -EINVAL; -ECANCELED: see
 * ipcshm_queue_cancel(); -EBADF also: the descriptor has no IPCSHM_READ; -EMSGSIZE: the
 * room is too small, the message stays in the queue, and @message->size is its size;
 * -EPIPE: it is empty, and the last sender has gone (IPCSHM_HANGUP); -EKEYREVOKED.
 */
ssize_t ipcshm_receive(int fd, void *data, size_t size, struct ipcshm_message *message,
		       uint64_t deadline);

/**
 * ipcshm_send_typed - send one message that has a type
 * @fd: a queue's descriptor with IPCSHM_WRITE
 * @data: the payload
 * @size: bytes of it
 * @type: a tag of the sender's choice, by which receivers can choose
 * @priority: as for ipcshm_send()
 * @deadline: as for ipcshm_send()
 *
 * Return: as ipcshm_send(), which sends with type 0.
 */
int ipcshm_send_typed(int fd, const void *data, size_t size, uint64_t type, uint32_t priority,
		      uint64_t deadline);

/**
 * ipcshm_receive_typed - receive one message of certain types
 * @fd: a queue's descriptor with IPCSHM_READ
 * @data: room for the payload
 * @size: bytes of room
 * @type: the type that @match refers to
 * @match: IPCSHM_TYPE_EQUAL: a message of this type; IPCSHM_TYPE_NOT: of any
 *	other; IPCSHM_TYPE_UP_TO: of the lowest type that isn't over this one; 0:
 *	any
 * @message: as for ipcshm_receive()
 * @deadline: as for ipcshm_receive()
 *
 * The semantics are those of msgrcv(2).  Of the messages that match, the oldest
 * of the highest priority comes; with UP_TO the lowest type counts first.
 *
 * Return: as ipcshm_receive(), which takes any type.
 */
ssize_t ipcshm_receive_typed(int fd, void *data, size_t size, uint64_t type, uint32_t match,
			     struct ipcshm_message *message, uint64_t deadline);

/**
 * ipcshm_send_fds - send one message with file descriptors
 * @fd: a queue's descriptor with IPCSHM_WRITE
 * @data: the payload
 * @size: bytes of it
 * @fds: descriptors, of regions, regular files and memfds, directories, pipes and
 *	eventfds
 * @count: how many they are, at most IPCSHM_FDS_MAX
 * @deadline: as for ipcshm_send()
 *
 * The semantics are those of SCM_RIGHTS (unix(7)): the receiver gets descriptors
 * of the same open files.  They can be closed as soon as they have been sent.
 *
 * Return: as ipcshm_send(), of which -EDQUOT can be about the user's quota of
 * descriptors on the way, and -EBADF about any descriptor; -EPERM: another kind
 * of file, which could hold a queue in turn, or a persistent queue.
 */
int ipcshm_send_fds(int fd, const void *data, size_t size, const int *fds, uint32_t count,
		    uint64_t deadline);

/**
 * ipcshm_receive_fds - receive one message, and the file descriptors it carries
 * @fd: a queue's descriptor with IPCSHM_READ
 * @data: room for the payload
 * @size: bytes of room
 * @fds: filled in with the descriptors, which are close-on-exec
 * @count: how many fit in it, at most IPCSHM_FDS_MAX
 * @message: as for ipcshm_receive(); its fd_count is the number of descriptors in the
 *	message; those that didn't fit were closed
 * @deadline: as for ipcshm_receive()
 *
 * Return: as ipcshm_receive(), which closes all that come; -EMFILE, -ENFILE: too
 * many are open, the message stays in the queue with all of them.
 */
ssize_t ipcshm_receive_fds(int fd, void *data, size_t size, int *fds, uint32_t count,
			   struct ipcshm_message *message, uint64_t deadline);

/**
 * ipcshm_send_message - send one message, described by a structure
 * @fd: a queue's descriptor with IPCSHM_WRITE
 * @message: see struct ipcshm_message; what it doesn't set must be zero
 * @deadline: as for ipcshm_send()
 *
 * For payloads in several pieces, or with a type and descriptors.
 *
 * Return: as ipcshm_send_fds().
 */
int ipcshm_send_message(int fd, const struct ipcshm_message *message, uint64_t deadline);

/**
 * ipcshm_receive_message - receive one message, described by a structure
 * @fd: a queue's descriptor with IPCSHM_READ
 * @message: see struct ipcshm_message; filled in, on -EMSGSIZE with its size
 * @deadline: as for ipcshm_receive()
 *
 * message.size and message.fd_count are what there is room for on the way in, and
 * what the message has on the way out: set them before each call.
 *
 * Return: as ipcshm_receive_fds(), and -ENOBUFS as ipcshm_receive_mapped().
 */
ssize_t ipcshm_receive_message(int fd, struct ipcshm_message *message, uint64_t deadline);

/**
 * ipcshm_send_transfer - send one message, with everything the kernel offers
 * @fd: a queue's descriptor with IPCSHM_WRITE
 * @transfer: see struct ipcshm_transfer_args
 * @size: sizeof(*transfer)
 *
 * For another clock, and for IPCSHM_DONTWAIT.
 *
 * Return: as ipcshm_send_fds(); -E2BIG: @transfer has a member set that the module
 * is too old for.
 */
int ipcshm_send_transfer(int fd, const struct ipcshm_transfer_args *transfer, size_t size);

/**
 * ipcshm_receive_transfer - receive one message, with everything the kernel offers
 * @fd: a queue's descriptor with IPCSHM_READ
 * @transfer: see struct ipcshm_transfer_args; its message is filled in, on -EMSGSIZE
 *	with its size only
 * @size: sizeof(*transfer)
 *
 * For another clock, IPCSHM_DONTWAIT, IPCSHM_PEEK, which leaves the message in the
 * queue, IPCSHM_ACK, as ipcshm_receive_ack(), and IPCSHM_TRUNCATE: a message for which
 * there is too little room is received in part, and message.size is still its whole size.
 * message.size and message.fd_count are to be set before each call.
 *
 * Return: 0, or the errors of ipcshm_receive_message(); -E2BIG as above.
 */
int ipcshm_receive_transfer(int fd, struct ipcshm_transfer_args *transfer, size_t size);

/**
 * ipcshm_send_batch - send many messages with one call
 * @fd: a queue's descriptor with IPCSHM_WRITE
 * @messages: an array of them
 * @count: how many there are, 1 to IPCSHM_BATCH_MAX
 * @flags: 0 or IPCSHM_DONTWAIT
 * @deadline: as for ipcshm_send(), for all of them together
 *
 * The semantics are those of sendmmsg(2): they are sent one after the other, as
 * with so many calls, until one can't be sent.
 *
 * Return: how many were sent; the errors of ipcshm_send_message() if the first one
 * wasn't.
 */
int ipcshm_send_batch(int fd, const struct ipcshm_message *messages, uint32_t count,
		      uint32_t flags, uint64_t deadline);

/**
 * ipcshm_receive_batch - receive many messages with one call
 * @fd: a queue's descriptor with IPCSHM_READ
 * @messages: an array of messages with room, filled in; each can ask for a type
 * @count: how many there are, 1 to IPCSHM_BATCH_MAX
 * @flags: 0, IPCSHM_DONTWAIT, IPCSHM_TRUNCATE
 * @deadline: as for ipcshm_receive(), for the first of them
 *
 * The semantics are those of recvmmsg(2) with MSG_WAITFORONE: it waits until there
 * is a message, and takes all other messages that are there by then.
 *
 * Return: how many were received; the errors of ipcshm_receive_message() if none
 * was.
 */
int ipcshm_receive_batch(int fd, struct ipcshm_message *messages, uint32_t count, uint32_t flags,
			 uint64_t deadline);

/**
 * ipcshm_receive_ack - receive one message that comes back unless it is acknowledged
 * @fd: a queue's descriptor with IPCSHM_READ, not of a rendezvous
 * @message: as for ipcshm_receive_message(); its ack_id is the message to acknowledge
 *	first, or 0; filled in, with the ack_id of the received message
 * @timeout: nanoseconds after which the message comes back; 0: only when the process or
 *	the descriptor goes
 * @deadline: as for ipcshm_receive()
 *
 * The message stays in the queue, and in its capacity, until the process acknowledges it:
 * with the next call, or by ipcshm_ack(). Until then no other call receives it. It comes back
 * to its old place if the process returns it with ipcshm_nack(), lets @timeout pass, exits,
 * is killed or executes a program without @fd, or if the open file description is closed. Then
 * its member returns grows by one. Descriptors are received with each delivery.
 *
 * A request (ipcshm_call()) is received as by ipcshm_receive_message(): its ack_id is 0. A
 * message that is received mapped needs no ipcshm_release(), and its bytes stay until it is
 * acknowledged or comes back.
 *
 * Once the message of @message->ack_id is acknowledged, that is 0, even if the call fails
 * afterwards.
 *
 * Return: the message's size, or the errors of ipcshm_receive_message(); -ESRCH: the message
 * to acknowledge came back already, or isn't the process's, and nothing was received;
 * -EOPNOTSUPP: the queue is a rendezvous; -EDQUOT: it doesn't wait, and the queue has only
 * messages of senders that wait for quota; -ENOMEM.
 */
ssize_t ipcshm_receive_ack(int fd, struct ipcshm_message *message, uint64_t timeout,
			   uint64_t deadline);

/**
 * ipcshm_receive_batch_ack - receive many messages that come back unless acknowledged
 * @fd: as for ipcshm_receive_ack()
 * @messages: as for ipcshm_receive_batch(); all messages with an ack_id are acknowledged
 *	first
 * @count: how many there are, 1 to IPCSHM_BATCH_MAX
 * @flags: 0 or IPCSHM_DONTWAIT
 * @timeout: as for ipcshm_receive_ack()
 * @deadline: as for ipcshm_receive_batch()
 *
 * Return: how many were received; the errors of ipcshm_receive_ack() if none was. On
 * -ESRCH, some may have been acknowledged, and all of their ack_id are 0.
 */
int ipcshm_receive_batch_ack(int fd, struct ipcshm_message *messages, uint32_t count,
			     uint32_t flags, uint64_t timeout, uint64_t deadline);

/**
 * ipcshm_ack - acknowledge messages
 * @fd: the descriptor through which the process received them
 * @ids: their ack_id
 * @count: how many there are, 1 to IPCSHM_BATCH_MAX
 *
 * They leave the queue, and can't come back.
 *
 * Return: how many were acknowledged, up to the first one that failed; if that is the
 * first, -ESRCH: it came back already, or isn't the process's; -EKEYREVOKED; -EINVAL;
 * -EFAULT; -EBADF.
 */
int ipcshm_ack(int fd, const __u64 *ids, uint32_t count);

/**
 * ipcshm_nack - return messages to the queue
 * @fd: as for ipcshm_ack()
 * @ids: as for ipcshm_ack()
 * @count: as for ipcshm_ack()
 *
 * The next receiver gets them, which may be the same process.
 *
 * Return: as ipcshm_ack().
 */
int ipcshm_nack(int fd, const __u64 *ids, uint32_t count);

/**
 * ipcshm_ack_extend - set when messages that are not acknowledged come back
 * @fd: as for ipcshm_ack()
 * @ids: as for ipcshm_ack()
 * @count: as for ipcshm_ack()
 * @timeout: nanoseconds from now; 0: only when the process or the descriptor goes
 *
 * For work that takes longer than expected.
 *
 * Return: as ipcshm_ack().
 */
int ipcshm_ack_extend(int fd, const __u64 *ids, uint32_t count, uint64_t timeout);

/**
 * ipcshm_call - send a request and wait for the reply to it
 * @fd: a queue's descriptor with IPCSHM_WRITE
 * @request: the payload of the request
 * @request_size: bytes of it
 * @reply: room for the payload of the reply
 * @reply_room: bytes of room
 * @deadline: as for ipcshm_send(), for both ways together
 *
 * A server that receives the request from the queue gets a token with it, and replies
 * with ipcshm_reply() or ipcshm_reply_receive().  If the caller gives up before a
 * server has taken it, the request is gone from the queue.  Once a server has taken
 * it, the call goes on after any signal handler; ipcshm_call_transfer() returns.
 *
 * Return: the reply's size, or -EPIPE: the last server has gone, or the one that
 * took the request closed its descriptor or died; -ETIMEDOUT; -EINTR: no server has
 * taken the request, or the call could not be kept; -EMSGSIZE: the request is larger than
 * max_message_size, or there was not enough room for the reply, which is lost;
 * -ECANCELED: see ipcshm_queue_cancel(); -EAGAIN, -EDQUOT, -ENOMEM, -EINVAL, -EKEYREVOKED;
 * -EBADF also: the descriptor has no IPCSHM_WRITE.
 */
ssize_t ipcshm_call(int fd, const void *request, size_t request_size, void *reply,
		    size_t reply_room, uint64_t deadline);

/**
 * ipcshm_call_typed - send a request with a type and priority, and wait for its reply
 * @fd: as for ipcshm_call()
 * @request: as for ipcshm_call()
 * @request_size: as for ipcshm_call()
 * @type: as for ipcshm_send_typed()
 * @priority: as for ipcshm_send()
 * @reply: as for ipcshm_call()
 * @reply_room: as for ipcshm_call()
 * @flags: 0, or IPCSHM_RETRY: wait for another server instead of -EPIPE
 * @deadline: as for ipcshm_call(), for all attempts together
 *
 * With IPCSHM_RETRY the request is sent again if the server that received it ends without a
 * reply, and waits while there is no server. So a request can be served twice, though only one
 * reply arrives: servers must expect that.
 *
 * Return: as ipcshm_call().
 */
ssize_t ipcshm_call_typed(int fd, const void *request, size_t request_size, uint64_t type,
			  uint32_t priority, void *reply, size_t reply_room, uint32_t flags,
			  uint64_t deadline);

/**
 * ipcshm_reply - reply to a request
 * @fd: the queue's descriptor with IPCSHM_READ, through which it was received
 * @token: its token (struct ipcshm_message), which isn't 0
 * @data: the payload of the reply
 * @size: bytes of it
 *
 * It never blocks, and a token is good for one reply.
 *
 * Return: 0, or -ESRCH: the caller no longer waits, or the token isn't one of this
 * descriptor's, or was used; -EMSGSIZE: larger than max_message_size; -EDQUOT,
 * -ENOMEM, -EINVAL, -EKEYREVOKED; -EBADF also: the descriptor has no IPCSHM_READ.
 */
int ipcshm_reply(int fd, uint64_t token, const void *data, size_t size);

/**
 * ipcshm_reply_receive - reply to a request and receive the next one
 * @fd: a queue's descriptor with IPCSHM_READ
 * @reply: the payload of the reply
 * @reply_size: bytes of it
 * @request: room for the payload of the next request
 * @request_room: bytes of room
 * @message: in: its token is that of the request to reply to, or 0: there is none;
 *	out: the next request's token, size, type, priority, sender and time
 * @deadline: as for ipcshm_receive(), for the next request
 *
 * One call for a server's loop.  @message->token is 0 as soon as the reply was
 * sent, or can no longer be sent, even if the call fails: it can be made again
 * unchanged.  A message that was sent with ipcshm_send() is received too, with the
 * token 0.
 *
 * Return: the request's size, or the errors of ipcshm_receive(); -ESRCH, as of
 * ipcshm_reply(): nothing was received, @message->token is 0; -EMSGSIZE: as of
 * ipcshm_reply() if @message->token isn't 0 then, else as of ipcshm_receive().
 */
ssize_t ipcshm_reply_receive(int fd, const void *reply, size_t reply_size, void *request,
			     size_t request_room, struct ipcshm_message *message,
			     uint64_t deadline);

/**
 * ipcshm_call_transfer - call, with everything the kernel offers
 * @fd: a queue's descriptor with IPCSHM_WRITE
 * @transfer: see struct ipcshm_call_args; the reply is filled in, on -EMSGSIZE with its
 *	size only
 * @size: sizeof(*transfer)
 *
 * For types, priorities, descriptors and pieces, of the request and of the reply.
 * On -EINTR with a token in the request that isn't 0, the same call resumes.
 *
 * Return: 0, or -ESRCH, -EBUSY: the request's token isn't 0, and the process has no
 * such call, or another thread resumes it; the errors of ipcshm_call(), ipcshm_send_fds() and
 * ipcshm_receive_fds(); -E2BIG: @transfer has a member set that the module is too
 * old for.
 */
int ipcshm_call_transfer(int fd, struct ipcshm_call_args *transfer, size_t size);

/**
 * ipcshm_reply_message - reply to a request, with everything a message can have
 * @fd: the queue's descriptor with IPCSHM_READ, through which it was received
 * @message: the reply, with the request's token
 *
 * Return: as ipcshm_reply(), and the errors of ipcshm_send_fds() that are about
 * descriptors.
 */
int ipcshm_reply_message(int fd, const struct ipcshm_message *message);

/**
 * ipcshm_reply_receive_transfer - reply and receive, with everything the kernel offers
 * @fd: a queue's descriptor with IPCSHM_READ
 * @transfer: see struct ipcshm_call_args; the request is filled in, and the reply's token
 *	is 0 when that was sent, also on an error
 * @size: sizeof(*transfer)
 *
 * Return: 0, or the errors of ipcshm_reply_message() and ipcshm_receive_message();
 * -E2BIG as above.
 */
int ipcshm_reply_receive_transfer(int fd, struct ipcshm_call_args *transfer, size_t size);

/**
 * ipcshm_queue_map - map the pool of a queue, read-only
 * @fd: a queue's descriptor with IPCSHM_READ
 * @pool: filled in; for munmap(2)
 * @size: filled in: bytes mapped
 *
 * The mapping can never be made writable.
 *
 * Return: 0, or -ENODEV: the queue has no pool; -EACCES: the descriptor has no
 * IPCSHM_READ; -EKEYREVOKED; -ENOMEM: no room for it in the address space; or another
 * error of mmap(2).
 */
int ipcshm_queue_map(int fd, const void **pool, size_t *size);

/**
 * ipcshm_receive_mapped - receive one message where it is
 * @fd: the descriptor with IPCSHM_READ of a queue that has a pool
 * @offset: filled in: where the payload is in the pool
 * @message: as for ipcshm_receive()
 * @deadline: as for ipcshm_receive()
 *
 * The payload isn't copied.  It stays in place and unchanged until it is given back
 * with ipcshm_release(), or the descriptor is closed, or the process ends.
 *
 * Return: as ipcshm_receive(); -ENOBUFS: the pool is full of held messages, the message
 * stays in the queue.
 */
ssize_t ipcshm_receive_mapped(int fd, uint64_t *offset, struct ipcshm_message *message,
			      uint64_t deadline);

/**
 * ipcshm_release - give back messages that were received mapped
 * @fd: the queue's descriptor through which they were received
 * @offsets: an array of where they are in the pool
 * @count: how many there are, 1 to IPCSHM_BATCH_MAX
 *
 * Return: how many were given back: fewer than @count if the next one isn't held;
 * -EINVAL if the first isn't; -EKEYREVOKED; -EBADF also: the descriptor has no
 * IPCSHM_READ.
 */
int ipcshm_release(int fd, const uint64_t *offsets, uint32_t count);

/**
 * ipcshm_deadline - a deadline from a time-out
 * @timeout: nanoseconds from now
 *
 * Return: CLOCK_MONOTONIC nanoseconds, at most IPCSHM_FOREVER - 1.
 */
uint64_t ipcshm_deadline(uint64_t timeout);

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif

#endif /* IPCSHM_H */
