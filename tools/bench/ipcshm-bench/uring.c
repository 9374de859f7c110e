// SPDX-License-Identifier: GPL-2.0-only
/* Queues and pipes, written and read through io_uring. */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "bench.h"

/* Each process has a ring of its own. */
static void open_ring(struct bench_channel *channel, bool sender)
{
	struct io_uring *ring = malloc(sizeof(*ring));
	int err = ring ? io_uring_queue_init(BENCH_BATCH_MAX, ring, 0) : -ENOMEM;

	(void)sender;
	if (err)
		bench_die("io_uring_queue_init", err);
	channel->own = ring;
}

/* Submits @count transfers, one after the other, and waits for all. */
static int run_entries(struct bench_channel *channel, char *data, unsigned int count,
		       void (*prepare)(struct io_uring_sqe *sqe, int fd, void *data,
				       unsigned int size),
		       int fd)
{
	size_t size = channel->shape->size;
	struct io_uring *ring = channel->own;
	struct io_uring_cqe *cqe;
	unsigned int i;
	int err;

	for (i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		prepare(sqe, fd, data + i * BENCH_STRIDE(size), (unsigned int)size);
		if (i + 1 < count)
			sqe->flags |= IOSQE_IO_LINK;
	}
	err = io_uring_submit_and_wait(ring, count);
	for (i = 0; i < count && err >= 0; i++) {
		err = io_uring_wait_cqe(ring, &cqe);
		if (!err)
			err = cqe->res == (int)size ? 0 : cqe->res < 0 ? cqe->res : -EIO;
		io_uring_cqe_seen(ring, cqe);
	}
	return err < 0 ? err : (int)count;
}

static void prepare_write(struct io_uring_sqe *sqe, int fd, void *data, unsigned int size)
{
	io_uring_prep_write(sqe, fd, data, size, 0);
}

static void prepare_read(struct io_uring_sqe *sqe, int fd, void *data, unsigned int size)
{
	io_uring_prep_read(sqe, fd, data, size, 0);
}

static int send_ring(struct bench_channel *channel, const void *data, unsigned int count)
{
	return run_entries(channel, (char *)data, count, prepare_write, channel->out);
}

static int receive_ring(struct bench_channel *channel, void *room, unsigned int count,
			const void **at)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		at[i] = (char *)room + i * BENCH_STRIDE(channel->shape->size);
	return run_entries(channel, room, count, prepare_read, channel->in);
}

#define RING(and)	.limits = BENCH_NO_SPIN | BENCH_NO_BOUNDARIES | (and), .open = open_ring, \
		.send = send_ring, .receive = receive_ring

const struct bench_transport bench_uring[] = {
	{
		.name = "queue-uring", .kind = BENCH_OURS, .batch = 1,
		.create = bench_queue_create, .destroy = bench_queue_destroy, RING(0),
	}, {
		.name = "queue-uring-32", .kind = BENCH_OURS, .batch = BENCH_BATCH_MAX,
		.create = bench_queue_create, .destroy = bench_queue_destroy, RING(BENCH_NO_ROUND_TRIP),
	}, {
		.name = "pipe-uring", .kind = BENCH_PEER, .batch = 1, .max_size = PIPE_MAX,
		.create = bench_pipe_create, .destroy = bench_pipe_destroy, RING(0),
	}, {
		.name = "pipe-uring-32", .kind = BENCH_PEER, .batch = BENCH_BATCH_MAX,
		.max_size = PIPE_MAX,
		.create = bench_pipe_create, .destroy = bench_pipe_destroy, RING(BENCH_NO_ROUND_TRIP),
	},
	{ 0 }
};
