// SPDX-License-Identifier: GPL-2.0-only
/* Queues of ipcshm, in all the ways in which they can be used. */
#include <errno.h>
#include <ipcshm.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define FLAGS	(IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE)

static int queue_create(struct bench_channel *channel, uint64_t capacity, size_t pool)
{
	const struct bench_shape *shape = channel->shape;
	struct ipcshm_queue_attr attr = {
		.max_messages = capacity,
		.max_bytes = 0,
		.max_message_size = shape->size,
		.pool_bytes = pool,
	};
	int device = ipcshm_open();

	if (device < 0)
		return device;
	channel->in = ipcshm_queue_open(device, NULL, FLAGS, 0600, &attr);
	close(device);
	if (channel->in < 0)
		return channel->in;
	channel->out = channel->in;
	bench_nonblock(channel->in, shape);
	return shape->wait == BENCH_BUSY ? ipcshm_queue_set_busy_poll(channel->in, shape->busy) : 0;
}

int bench_queue_create(struct bench_channel *channel)
{
	return queue_create(channel, channel->shape->capacity, 0);
}

void bench_queue_destroy(struct bench_channel *channel)
{
	close(channel->in);
}

/* One by one. */

static int send_one(struct bench_channel *channel, const void *data, unsigned int count)
{
	int err = ipcshm_send(channel->in, data, channel->shape->size, 0, IPCSHM_FOREVER);

	(void)count;
	return err ? err : 1;
}

static int receive_one(struct bench_channel *channel, void *room, unsigned int count,
		       const void **at)
{
	ssize_t size = ipcshm_receive(channel->in, room, channel->shape->size, NULL,
				      IPCSHM_FOREVER);

	(void)count;
	*at = room;
	return size < 0 ? (int)size : 1;
}

/* In batches. */

static void describe_message(struct ipcshm_message *messages, const void *data, unsigned int count,
			     size_t size)
{
	unsigned int i;

	memset(messages, 0, count * sizeof(*messages));
	for (i = 0; i < count; i++) {
		messages[i].data = (uintptr_t)data + i * BENCH_STRIDE(size);
		messages[i].size = size;
	}
}

static int send_batch(struct bench_channel *channel, const void *data, unsigned int count)
{
	struct ipcshm_message messages[BENCH_BATCH_MAX];

	describe_message(messages, data, count, channel->shape->size);
	return ipcshm_send_batch(channel->in, messages, count, 0, IPCSHM_FOREVER);
}

/* Set where each item of a batch is. */
static void find_items(const char *room, const void **at, int count, size_t size)
{
	int i;

	for (i = 0; i < count; i++)
		at[i] = room + (size_t)i * BENCH_STRIDE(size);
}

static int receive_batch(struct bench_channel *channel, void *room, unsigned int count,
			 const void **at)
{
	struct ipcshm_message messages[BENCH_BATCH_MAX];
	int some;

	describe_message(messages, room, count, channel->shape->size);
	some = ipcshm_receive_batch(channel->in, messages, count, 0, IPCSHM_FOREVER);
	find_items(room, at, some, channel->shape->size);
	return some;
}

/* In an array that is kept, only address and size of the room need to be set again. */

static struct ipcshm_message kept[BENCH_BATCH_MAX];

static int create_kept(struct bench_channel *channel)
{
	memset(kept, 0, sizeof(kept));
	return bench_queue_create(channel);
}

/* What the receive before has delivered is still there when it is acknowledged. */
static int create_acknowledged(struct bench_channel *channel)
{
	memset(kept, 0, sizeof(kept));
	return queue_create(channel, channel->shape->capacity + BENCH_BATCH_MAX, 0);
}

static void prepare_kept(char *room, unsigned int count, size_t size)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		kept[i].data = (uintptr_t)room + i * BENCH_STRIDE(size);
		kept[i].size = size;
	}
}

static int receive_batch_kept(struct bench_channel *channel, void *room, unsigned int count,
			      const void **at)
{
	size_t size = channel->shape->size;
	int some;

	prepare_kept(room, count, size);
	some = ipcshm_receive_batch(channel->in, kept, count, 0, IPCSHM_FOREVER);
	find_items(room, at, some, size);
	return some;
}

/* Acknowledged: each receive acknowledges what was received before. */

static int receive_ack_one(struct bench_channel *channel, void *room, unsigned int count,
			   const void **at)
{
	ssize_t size;

	prepare_kept(room, count, channel->shape->size);
	size = ipcshm_receive_ack(channel->in, kept, 0, IPCSHM_FOREVER);
	*at = room;
	return size < 0 ? (int)size : 1;
}

static int receive_ack_batch(struct bench_channel *channel, void *room, unsigned int count,
			     const void **at)
{
	size_t size = channel->shape->size;
	int some;

	prepare_kept(room, count, size);
	some = ipcshm_receive_batch_ack(channel->in, kept, count, 0, 0, IPCSHM_FOREVER);
	find_items(room, at, some, size);
	return some;
}

/* By read and write. */

static int write_one(struct bench_channel *channel, const void *data, unsigned int count)
{
	(void)count;
	return write(channel->in, data, channel->shape->size) < 0 ? -errno : 1;
}

static int read_one(struct bench_channel *channel, void *room, unsigned int count, const void **at)
{
	(void)count;
	*at = room;
	return read(channel->in, room, channel->shape->size) < 0 ? -errno : 1;
}

/* Calls. */

static void call_server(struct bench_channel *channel, const void *request, void *room)
{
	size_t size = channel->shape->size;
	ssize_t got = ipcshm_call(channel->in, request, size, room, size, IPCSHM_FOREVER);

	if (got < 0)
		bench_die("ipcshm_call", (int)got);
}

static void serve_caller(struct bench_channel *channel, const void *reply, void *room)
{
	struct ipcshm_message message = { .request_id = channel->state[0] };
	size_t size = channel->shape->size;
	ssize_t got;

	if (!room)
		got = ipcshm_reply(channel->in, message.request_id, reply, size);
	else
		got = ipcshm_reply_receive(channel->in, reply, size, room, size, &message,
					   IPCSHM_FOREVER);
	if (got < 0)
		bench_die("ipcshm_reply_receive", (int)got);
	channel->state[0] = room ? message.request_id : 0;
}

/* Mapped: what was read is given back in batches. */

struct mapped {
	const char *pool;
	size_t size;
	uint64_t count;
	uint64_t *held;
};

static struct mapped *mapped_of(struct bench_channel *channel)
{
	_Static_assert(sizeof(struct mapped) <= sizeof(channel->state), "state");
	return (struct mapped *)channel->state;
}

/*
 * Twice what the queue holds, for what is being read, and what is kept spare; a
 * message takes a multiple of 256 bytes.
 */
static int create_mapped(struct bench_channel *channel)
{
	uint64_t place = (BENCH_STRIDE(channel->shape->size) + 255) / 256 * 256;

	return queue_create(channel, channel->shape->capacity,
			    (2 * channel->shape->capacity + 1) * place);
}

static void open_mapped(struct bench_channel *channel, bool sender)
{
	static uint64_t held[BENCH_BATCH_MAX];
	struct mapped *mapped = mapped_of(channel);
	int err;

	if (sender)
		return;
	err = ipcshm_queue_map(channel->in, (const void **)&mapped->pool, &mapped->size);
	if (err)
		bench_die("ipcshm_queue_map", err);
	mapped->held = held;
}

static void release_some(struct bench_channel *channel, struct mapped *mapped)
{
	int count = ipcshm_release(channel->in, mapped->held, (uint32_t)mapped->count);

	if (count != (int)mapped->count)
		bench_die("ipcshm_release", count < 0 ? count : EINVAL);
	mapped->count = 0;
}

static int receive_mapped(struct bench_channel *channel, void *room, unsigned int count,
			  const void **at)
{
	struct mapped *mapped = mapped_of(channel);
	uint64_t *offset = &mapped->held[mapped->count];
	ssize_t size = ipcshm_receive_mapped(channel->in, offset, NULL, IPCSHM_FOREVER);

	(void)room;
	(void)count;
	if (size < 0)
		return (int)size;
	mapped->count++;
	*at = mapped->pool + *offset;
	return 1;
}

static void release_mapped(struct bench_channel *channel, unsigned int count)
{
	struct mapped *mapped = mapped_of(channel);

	(void)count;
	if (mapped->count == BENCH_BATCH_MAX || 2 * mapped->count >= channel->shape->capacity)
		release_some(channel, mapped);
}

const struct bench_transport bench_queues[] = {
	{
		.name = "queue", .kind = BENCH_OURS, .batch = 1,
		.create = bench_queue_create, .send = send_one, .receive = receive_one,
		.destroy = bench_queue_destroy,
	}, {
		.name = "queue-batch", .kind = BENCH_OURS, .batch = BENCH_BATCH_MAX,
		.limits = BENCH_NO_ROUND_TRIP,
		.create = bench_queue_create, .send = send_batch, .receive = receive_batch,
		.destroy = bench_queue_destroy,
	}, {
		.name = "queue-batch-kept", .kind = BENCH_OURS, .batch = BENCH_BATCH_MAX,
		.limits = BENCH_NO_ROUND_TRIP,
		.create = create_kept, .send = send_batch, .receive = receive_batch_kept,
		.destroy = bench_queue_destroy,
	}, {
		.name = "queue-ack", .kind = BENCH_OURS, .batch = 1, .limits = BENCH_NO_ROUND_TRIP,
		.create = create_acknowledged, .send = send_one, .receive = receive_ack_one,
		.destroy = bench_queue_destroy,
	}, {
		.name = "queue-ack-batch", .kind = BENCH_OURS, .batch = BENCH_BATCH_MAX,
		.limits = BENCH_NO_ROUND_TRIP,
		.create = create_acknowledged, .send = send_batch, .receive = receive_ack_batch,
		.destroy = bench_queue_destroy,
	}, {
		.name = "queue-write", .kind = BENCH_OURS, .batch = 1,
		.create = bench_queue_create, .send = write_one, .receive = read_one,
		.destroy = bench_queue_destroy,
	}, {
		.name = "queue-call", .kind = BENCH_OURS, .batch = 1,
		.limits = BENCH_NO_ONE_WAY | BENCH_NO_SPIN,
		.create = bench_queue_create, .call = call_server, .serve = serve_caller,
		.destroy = bench_queue_destroy,
	}, {
		.name = "queue-mapped", .kind = BENCH_OURS, .batch = 1,
		.create = create_mapped, .open = open_mapped, .send = send_one,
		.receive = receive_mapped, .release = release_mapped, .destroy = bench_queue_destroy,
	},
	{ 0 }
};
