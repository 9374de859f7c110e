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
int ipcshm_unlink(int device, enum ipcshm_kind kind, const char *name);

/**
 * struct ipcshm_region_attr - what a region is, in and out of ipcshm_region_open()
 * @size: bytes; in: of a new region, rounded up to pages, 0 without CREATE; out:
 *	of the region opened
 * @id: out: its number
 * @created: out: 1 if the call created it
 * @reserved0: 0
 * @reserved: 0
 */
struct ipcshm_region_attr {
	uint64_t size;
	uint64_t id;
	uint32_t created;
	uint32_t reserved0;
	uint64_t reserved[5];
};

/**
 * ipcshm_region_open - open or create a region
 * @device: from ipcshm_open()
 * @name: its name, or NULL for an anonymous one
 * @flags: IPCSHM_READ, or IPCSHM_READ | IPCSHM_WRITE; with IPCSHM_CREATE,
 *	_EXCLUSIVE, _PERSISTENT
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

/**
 * ipcshm_region_map - map a whole region, shared
 * @fd: a region's descriptor
 * @access: IPCSHM_READ, or IPCSHM_READ | IPCSHM_WRITE
 * @address: filled in: where it is mapped; for munmap(2)
 * @size: filled in: bytes mapped
 *
 * Return: 0, or -EINVAL: another access; -EACCES: the descriptor has no right to
 * it; -EPERM: sealed against writing; -ENOMEM: no room for it in the address
 * space; or what else mmap(2) can fail with.
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
