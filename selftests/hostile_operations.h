/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of operations: each with its memory, its arguments and its result. */
#ifndef IPCSHM_HOSTILE_OPERATIONS_H
#define IPCSHM_HOSTILE_OPERATIONS_H

#include <liburing.h>
#include <sys/sendfile.h>

#include "hostile_arguments.h"
#include "hostile_places.h"

/* Operations that are not ioctls: bytes, or -1 and errno. */

static long run_queue_read(void)
{
	return read(queue, address_at(DATA), SIZE);
}

static long run_queue_write(void)
{
	return write(queue, address_at(DATA), SIZE);
}

static long run_queue_readv(void)
{
	return readv(queue, address_at(ARRAY), 1);
}

static long run_queue_writev(void)
{
	return writev(queue, address_at(ARRAY), 1);
}

static long run_region_read(void)
{
	return pread(region, address_at(DATA), SIZE, 0);
}

static long run_region_readv(void)
{
	return preadv(region, address_at(ARRAY), 1, 0);
}

static long run_region_write(void)
{
	return pwrite(region, address_at(DATA), SIZE, 0);
}

static long run_region_writev(void)
{
	return pwritev(region, address_at(ARRAY), 1, 0);
}

/* Through a pipe of the kernel's. */
static long run_region_sendfile(void)
{
	off_t offset = DATA * page_size;

	return sendfile(region, memory.fd, &offset, SIZE);
}

static long run_uring(int fd, bool is_write)
{
	struct io_uring ring;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *done;
	int result = io_uring_queue_init(2, &ring, 0);

	if (result) {
		errno = -result;
		return -1;
	}
	entry = io_uring_get_sqe(&ring);
	if (is_write)
		io_uring_prep_write(entry, fd, address_at(DATA), SIZE, 0);
	else
		io_uring_prep_read(entry, fd, address_at(DATA), SIZE, 0);
	io_uring_submit(&ring);
	do
		result = io_uring_wait_cqe(&ring, &done);
	while (result == -EINTR);
	if (!result)
		result = done->res;
	io_uring_queue_exit(&ring);
	errno = -result;
	return result < 0 ? -1 : result;
}

static long run_uring_queue_read(void)
{
	return run_uring(queue, false);
}

static long run_uring_queue_write(void)
{
	return run_uring(queue, true);
}

static long run_uring_region_read(void)
{
	return run_uring(region, false);
}

static long run_uring_region_write(void)
{
	return run_uring(region, true);
}

/**
 * struct operation - a row of the table
 * @name: for messages
 * @target: the descriptor
 * @command: of an ioctl; else @run
 * @places: its memory: one access to each waits, in turn
 * @late: a place that was read before and is written in the end, or 0; the
 *	operation is held up at @gate while it is made to wait again
 * @gate: see there
 * @kept: messages in the queue after a failure
 * @result: if all goes well
 * @arguments: of an ioctl without pointers, or NULL
 * @size: of @arguments
 * @arrange: writes the contents of the places, and brings the objects into a state
 * @run: see @command
 */
struct operation {
	const char *name;
	enum target target;
	unsigned long command;
	unsigned int places;
	unsigned int late;
	enum place gate;
	unsigned int kept;
	long result;
	const void *arguments;
	size_t size;
	void (*arrange)(void);
	long (*run)(void);
};

#define IOCTL(_command, _target, ...)					\
	{ .name = #_command, .command = IPCSHM_IOC_##_command, .target = _target,	\
	  .places = IN(STRUCTURE), __VA_ARGS__ }
#define OTHER(_run, _target, ...)					\
	{ .name = #_run, .run = run_##_run, .target = _target,		\
	  .places = IN(DATA), .result = SIZE, __VA_ARGS__ }

/* A later initializer in __VA_ARGS__ replaces that of @places above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct operation operations[] = {
#define PLAIN(form, variant, _command, structure, least, _target, does, ...)	\
	IOCTL(_command, _target, .size = sizeof(struct ipcshm_##structure),	\
	      .arguments = &(const struct ipcshm_##structure){ __VA_ARGS__ }),
#include "common/forms.h"
	IOCTL(REGION_OPEN, DEVICE, .places = IN(STRUCTURE) | IN(NAME), .late = IN(STRUCTURE),
	      .gate = NAME, .arrange = arrange_region_open, .result = A_DESCRIPTOR),
	IOCTL(QUEUE_OPEN, DEVICE, .places = IN(STRUCTURE) | IN(NAME), .late = IN(STRUCTURE),
	      .gate = NAME, .arrange = arrange_queue_open, .result = A_DESCRIPTOR),
	IOCTL(UNLINK, DEVICE, .places = IN(STRUCTURE) | IN(NAME), .arrange = arrange_unlink),

	IOCTL(REGION_MEMBERS, REGION, .places = IN(STRUCTURE) | IN(ARRAY),
	      .late = IN(STRUCTURE), .gate = ARRAY, .arrange = arrange_members),
	IOCTL(REGION_MEMBER, REGION, .arrange = arrange_member, .result = -ESRCH),
	IOCTL(REGION_WAIT, REGION, .arrange = arrange_wait, .result = -EAGAIN),
	IOCTL(REGION_WAITV, REGION, .places = IN(STRUCTURE) | IN(ARRAY), .arrange = arrange_waitv,
	      .result = -EAGAIN),
	IOCTL(REGION_WATCH, REGION),
	IOCTL(REGION_RESIZE, REGION, .arrange = arrange_resize),

	IOCTL(QUEUE_SEND, QUEUE, .places = IN(STRUCTURE) | IN(DATA), .arrange = arrange_send),
	IOCTL(QUEUE_SEND, QUEUE, .places = IN(ARRAY) | IN(DATA) | IN(FDS),
	      .arrange = arrange_full_send),
	IOCTL(QUEUE_RECEIVE, QUEUE, .places = IN(STRUCTURE) | IN(DATA), .late = IN(STRUCTURE),
	      .gate = DATA, .arrange = arrange_receive, .kept = 1),
	IOCTL(QUEUE_RECEIVE, QUEUE, .places = IN(ARRAY) | IN(DATA) | IN(FDS),
	      .late = IN(STRUCTURE), .gate = FDS, .arrange = arrange_full_receive, .kept = 1),
	IOCTL(QUEUE_RECEIVE, QUEUE, .places = IN(DATA), .late = IN(STRUCTURE), .gate = DATA,
	      .arrange = arrange_peek, .kept = 1),
	IOCTL(QUEUE_RECEIVE, QUEUE, .arrange = arrange_mapped_receive, .kept = 1),
	IOCTL(QUEUE_SEND_BATCH, QUEUE, .places = IN(STRUCTURE) | IN(ARRAY) | IN(DATA),
	      .arrange = arrange_batch, .result = 2),
	IOCTL(QUEUE_RECEIVE_BATCH, QUEUE, .places = IN(STRUCTURE) | IN(ARRAY) | IN(DATA),
	      .late = IN(ARRAY), .gate = DATA, .arrange = arrange_receive_batch, .result = 2,
	      .kept = 2),
	IOCTL(QUEUE_CALL, QUEUE, .places = IN(STRUCTURE) | IN(DATA) | IN(REPLY),
	      .late = IN(STRUCTURE), .gate = REPLY, .arrange = arrange_call),
	IOCTL(QUEUE_REPLY, QUEUE, .places = IN(STRUCTURE) | IN(DATA), .arrange = arrange_reply),
	IOCTL(QUEUE_REPLY_RECEIVE, QUEUE, .places = IN(STRUCTURE) | IN(DATA) | IN(REPLY),
	      .late = IN(STRUCTURE), .gate = DATA, .arrange = arrange_reply_receive, .kept = 1),
	IOCTL(QUEUE_RELEASE, QUEUE, .places = IN(STRUCTURE) | IN(ARRAY),
	      .arrange = arrange_release, .result = 1),
	IOCTL(QUEUE_ACK, QUEUE, .places = IN(STRUCTURE) | IN(ARRAY),
	      .arrange = arrange_ack, .result = -ESRCH),
	IOCTL(QUEUE_WAIT_PEER, QUEUE, .arrange = arrange_wait_peer, .result = -EINVAL),
	IOCTL(QUEUE_MOVE, QUEUE, .arrange = arrange_move, .result = -EOPNOTSUPP),

	OTHER(queue_read, QUEUE, .arrange = arrange_message, .kept = 1),
	OTHER(queue_write, QUEUE),
	OTHER(queue_readv, QUEUE, .places = IN(ARRAY) | IN(DATA),
	      .arrange = arrange_message_vector, .kept = 1),
	OTHER(queue_writev, QUEUE, .places = IN(ARRAY) | IN(DATA), .arrange = arrange_vector),
	OTHER(uring_queue_read, QUEUE, .arrange = arrange_message, .kept = 1),
	OTHER(uring_queue_write, QUEUE),
	OTHER(region_read, REGION),
	OTHER(region_readv, REGION, .places = IN(ARRAY) | IN(DATA), .arrange = arrange_vector),
	OTHER(region_write, REGION),
	OTHER(region_writev, REGION, .places = IN(ARRAY) | IN(DATA), .arrange = arrange_vector),
	OTHER(region_sendfile, REGION),
	OTHER(uring_region_read, REGION),
	OTHER(uring_region_write, REGION),
};
#pragma GCC diagnostic pop

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static int target_of(const struct operation *operation)
{
	return operation->target == DEVICE ? device : operation->target == REGION ? region : queue;
}

#endif /* IPCSHM_HOSTILE_OPERATIONS_H */
