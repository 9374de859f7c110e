/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - shared regions and message queues for co-operating processes.
 *
 * Layer 1: thin calls over the kernel interface (linux/ipcshm.h, described in
 * Documentation/uapi.rst).  Each call returns 0, a count or a descriptor, or
 * -errno; none sets errno, prints, keeps state or installs a signal handler.
 * All may be called from any thread.  On an error nothing has happened, and
 * nothing is filled in unless it is said below.
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
 * ipcshm_info - what the module can do, and the caller's quotas
 * @device: from ipcshm_open()
 * @info: filled in, with zeroes where the module is older than the caller's
 *	header; undefined on an error
 * @size: sizeof(*info)
 *
 * Return: 0, or -EINVAL: @size isn't that of any version of the structure.
 */
int ipcshm_info(int device, struct ipcshm_info *info, size_t size);

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
 * struct ipcshm_region_attr - what a region is, in and out of ipcshm_region_open()
 * @size: bytes; in: of a new region, rounded up to pages, 0 without CREATE; out:
 *	of the region opened
 * @id: out: its number
 * @created: out: 1 if the call created it
 * @max_members: how many processes can map it at a time, 1 to IPCSHM_MEMBERS_MAX;
 *	in: of a new region, 0: IPCSHM_MEMBERS_DEFAULT; 0 without CREATE
 * @max_size: bytes; what ipcshm_region_resize() can make it; in: of a new region,
 *	rounded up to pages, 0: not more than @size; 0 without CREATE
 * @reserved: 0
 */
struct ipcshm_region_attr {
	uint64_t size;
	uint64_t id;
	uint32_t created;
	uint32_t max_members;
	uint64_t max_size;
	uint64_t reserved[4];
};

/**
 * ipcshm_region_open - open or create a region
 * @device: from ipcshm_open()
 * @name: its name, or NULL for an anonymous one
 * @flags: IPCSHM_READ, or IPCSHM_READ | IPCSHM_WRITE; with IPCSHM_CREATE,
 *	_EXCLUSIVE, _PERSISTENT, _POPULATE
 * @mode: permission bits of a new region, less the umask; 0 without CREATE
 * @attr: with CREATE: the size wanted; may be NULL without
 *
 * The semantics are those of shm_open(3).  A region that is there keeps its
 * size; @attr tells what was opened.
 *
 * Return: a descriptor, which is close-on-exec, or -EINVAL, -ENAMETOOLONG,
 * -ENOENT, -EEXIST, -EACCES, -EDQUOT, -EMFILE, -ENFILE, -ENOMEM, -ENXIO.
 */
int ipcshm_region_open(int device, const char *name, uint32_t flags, mode_t mode,
		       struct ipcshm_region_attr *attr);

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
 *	its present size can't be accessed yet
 *
 * Return: 0, or -EINVAL: another access; -EACCES: the descriptor has no right to
 * it; -EPERM: sealed against writing; -EUSERS: the region has max_members;
 * -EDQUOT: the user's quota of members; -EKEYREVOKED; -ENOMEM: no room for it in
 * the address space; or what else mmap(2) can fail with.
 */
int ipcshm_region_map(int fd, uint32_t access, void **address, size_t *size);

/**
 * ipcshm_region_stat - owner, mode and size of a region
 * @fd: a region's descriptor
 * @stat: filled in, as by ipcshm_info()
 * @size: sizeof(*stat)
 *
 * Return: 0, or -EINVAL, as ipcshm_info().
 */
int ipcshm_region_stat(int fd, struct ipcshm_region_stat *stat, size_t size);

/**
 * ipcshm_region_resize - grow a region, or shrink it
 * @fd: a region's descriptor with IPCSHM_WRITE
 * @bytes: wanted, rounded up to pages; 1 to the region's max_size
 *
 * Shrinking is possible while nobody else is a member.
 *
 * Return: 0, or -EINVAL, -EBADF: no IPCSHM_WRITE; -EBUSY: somebody else is a
 * member; -EPERM: sealed against writing; -EFBIG, -ENOMEM, -EKEYREVOKED.
 */
int ipcshm_region_resize(int fd, uint64_t bytes);

/**
 * ipcshm_region_revoke - take a region away from everybody
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
 * Return: 0, or -ESRCH: the process isn't a member; -EKEYREVOKED.
 */
int ipcshm_region_self(int fd, uint32_t *token);

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
 * ipcshm_region_map_members - map the member page, read-only
 * @fd: a region's descriptor
 * @page: filled in; for munmap(2) with the size of a page
 *
 * It makes nobody a member.
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
static inline int ipcshm_is_alive(const struct ipcshm_member_page *page, uint32_t token)
{
	uint32_t slot = IPCSHM_TOKEN_SLOT(token);

	return slot < IPCSHM_MEMBERS_MAX &&
	       __atomic_load_n(&page->slot[slot], __ATOMIC_ACQUIRE) == token;
}

/**
 * ipcshm_deaths - how many members of a region have died
 * @page: from ipcshm_region_map_members()
 *
 * To be read before looking at what a wait is about, and given to it.
 */
static inline uint32_t ipcshm_deaths(const struct ipcshm_member_page *page)
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
 * ipcshm_region_wake - wake those who wait on a word of a region
 * @fd: a region's descriptor
 * @offset: where the word is
 * @count: the most that are woken, those who came first
 *
 * Return: how many were, or -EINVAL: @count is over INT_MAX; -EKEYREVOKED.
 */
int ipcshm_region_wake(int fd, uint64_t offset, uint32_t count);

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
 * Return: 0, or -EINVAL, -EDQUOT, -EKEYREVOKED.
 */
int ipcshm_region_watch(int fd, uint64_t offset, uint32_t size, uint64_t expected,
			uint32_t deaths);

/**
 * struct ipcshm_queue_attr - what a queue is, in and out of ipcshm_queue_open()
 * @max_messages: capacity in messages; 0: rendezvous; IPCSHM_UNBOUNDED
 * @max_bytes: capacity in bytes, at least @max_message_size; 0 for a rendezvous;
 *	IPCSHM_UNBOUNDED
 * @max_message_size: the largest message, 1 to IPCSHM_MESSAGE_MAX bytes
 * @id: out: its number
 * @created: out: 1 if the call created it
 * @reserved0: 0
 * @reserved: 0
 *
 * The first three, in: of a new queue, 0 without CREATE; out: of the queue
 * opened.
 */
struct ipcshm_queue_attr {
	uint64_t max_messages;
	uint64_t max_bytes;
	uint64_t max_message_size;
	uint64_t id;
	uint32_t created;
	uint32_t reserved0;
	uint64_t reserved[5];
};

/**
 * ipcshm_queue_open - open or create a queue
 * @device: from ipcshm_open()
 * @name: its name, or NULL for an anonymous one
 * @flags: IPCSHM_READ to receive, IPCSHM_WRITE to send; IPCSHM_NONBLOCK; with
 *	IPCSHM_CREATE, _EXCLUSIVE, _PERSISTENT
 * @mode: permission bits of a new queue, less the umask; 0 without CREATE
 * @attr: with CREATE: the capacity wanted; may be NULL without
 *
 * The semantics are those of mq_open(3).
 *
 * Return: a descriptor, or the errors of ipcshm_region_open().
 */
int ipcshm_queue_open(int device, const char *name, uint32_t flags, mode_t mode,
		      struct ipcshm_queue_attr *attr);

/**
 * ipcshm_queue_stat - owner, mode, capacity and state of a queue
 * @fd: a queue's descriptor
 * @stat: filled in, as by ipcshm_info()
 * @size: sizeof(*stat)
 *
 * Return: 0, or -EINVAL, as ipcshm_info().
 */
int ipcshm_queue_stat(int fd, struct ipcshm_queue_stat *stat, size_t size);

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
 * message), unless the descriptor is O_NONBLOCK.
 *
 * Return: 0, or -EAGAIN, -ETIMEDOUT, -EINTR, -EMSGSIZE, -EDQUOT, -ENOMEM,
 * -EINVAL; -EBADF also: the descriptor has no IPCSHM_WRITE.
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
 * Return: the message's size, or -EAGAIN, -ETIMEDOUT, -EINTR, -EINVAL; -EBADF
 * also: the descriptor has no IPCSHM_READ; -EMSGSIZE: the room is too small,
 * the message stays in the queue, and @message->size is its size.
 */
ssize_t ipcshm_receive(int fd, void *data, size_t size, struct ipcshm_message *message,
		       uint64_t deadline);

/**
 * ipcshm_send_transfer - send one message, with everything the kernel offers
 * @fd: a queue's descriptor with IPCSHM_WRITE
 * @transfer: see struct ipcshm_transfer
 * @size: sizeof(*transfer)
 *
 * Return: as ipcshm_send(); -E2BIG: @transfer has a member set that the module
 * is too old for.
 */
int ipcshm_send_transfer(int fd, const struct ipcshm_transfer *transfer, size_t size);

/**
 * ipcshm_receive_transfer - receive one message, with everything the kernel offers
 * @fd: a queue's descriptor with IPCSHM_READ
 * @transfer: see struct ipcshm_transfer; its message is filled in, on -EMSGSIZE
 *	with its size only
 * @size: sizeof(*transfer)
 *
 * message.size is the room on the way in and the message's size on the way out:
 * set it before each call.
 *
 * Return: 0, or the errors of ipcshm_receive(); -E2BIG as above.
 */
int ipcshm_receive_transfer(int fd, struct ipcshm_transfer *transfer, size_t size);

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
