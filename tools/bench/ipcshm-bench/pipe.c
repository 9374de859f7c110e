// SPDX-License-Identifier: GPL-2.0-only
/* Pipes, and Unix sockets of all types. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"

#define OVERHEAD	1024	/* bytes that a socket may charge for a small message */

/* All of @size bytes, once there is room for or are any. */

static int write_all(int fd, const char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t some = write(fd, data + done, size - done);

		if (some > 0)
			done += (size_t)some;
		else if (errno != EAGAIN)
			return -errno;
		else if (!done)
			return -EAGAIN;
	}
	return 1;
}

static int read_all(int fd, char *room, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t some = read(fd, room + done, size - done);

		if (some > 0)
			done += (size_t)some;
		else if (!some || errno != EAGAIN)
			return some ? -errno : -EPIPE;
		else if (!done)
			return -EAGAIN;
	}
	return 1;
}

static int send_stream(struct bench_channel *channel, const void *data, unsigned int count)
{
	(void)count;
	return write_all(channel->out, data, channel->shape->size);
}

static int receive_stream(struct bench_channel *channel, void *room, unsigned int count,
			  const void **at)
{
	(void)count;
	*at = room;
	return read_all(channel->in, room, channel->shape->size);
}

void bench_pipe_destroy(struct bench_channel *channel)
{
	close(channel->in);
	close(channel->out);
}

static int keep_descriptor(struct bench_channel *channel, const int ends[2])
{
	channel->in = ends[0];
	channel->out = ends[1];
	bench_nonblock(ends[0], channel->shape);
	bench_nonblock(ends[1], channel->shape);
	return 0;
}

/* At most as large as anybody may make it.  A page that was read in part takes up room, too. */
int bench_pipe_create(struct bench_channel *channel)
{
	size_t bytes = channel->shape->size * channel->shape->capacity + 4096;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fcntl(ends[1], F_SETPIPE_SZ, bytes < PIPE_MAX ? bytes : PIPE_MAX);
	return keep_descriptor(channel, ends);
}

/* A row of messages as if it were one: what has no boundaries can do that. */

static int send_row(struct bench_channel *channel, const void *data, unsigned int count)
{
	int err = write_all(channel->out, data, count * channel->shape->size);

	return err < 0 ? err : (int)count;
}

static int receive_row(struct bench_channel *channel, void *room, unsigned int count,
		       const void **at)
{
	int err = read_all(channel->in, room, count * channel->shape->size);
	unsigned int i;

	for (i = 0; i < count; i++)
		at[i] = (char *)room + i * channel->shape->size;
	return err < 0 ? err : (int)count;
}

const struct bench_transport bench_pipes[] = {
	{
		.name = "pipe", .kind = BENCH_PEER, .batch = 1, .limits = BENCH_NO_BOUNDARIES,
		.create = bench_pipe_create, .send = send_stream, .receive = receive_stream,
		.destroy = bench_pipe_destroy,
	}, {
		.name = "pipe-row", .kind = BENCH_PEER, .batch = BENCH_BATCH_MAX,
		.limits = BENCH_NO_ROUND_TRIP | BENCH_NO_MANY | BENCH_NO_GAPS,
		.create = bench_pipe_create, .send = send_row, .receive = receive_row,
		.destroy = bench_pipe_destroy,
	},
	{ 0 }
};

/* Sockets.  A packet is one buffer, part of it contiguous: large ones can't be allocated. */

#define PACKET_MAX	(1 << 18)

static int create_socket(struct bench_channel *channel, int type)
{
	size_t size = channel->shape->size;
	/* The kernel doubles it. */
	int bytes = (int)(channel->shape->capacity * (size + size / 2 + OVERHEAD) / 2);
	int ends[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends))
		return -errno;
	/* For root alone; otherwise the default size has to do. */
	if (setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return keep_descriptor(channel, ends);
}

static int create_unix_stream(struct bench_channel *channel)
{
	return create_socket(channel, SOCK_STREAM);
}

static int create_seqpacket(struct bench_channel *channel)
{
	return create_socket(channel, SOCK_SEQPACKET);
}

static int create_dgram(struct bench_channel *channel)
{
	return create_socket(channel, SOCK_DGRAM);
}

static int send_packet(struct bench_channel *channel, const void *data, unsigned int count)
{
	(void)count;
	return send(channel->out, data, channel->shape->size, 0) < 0 ? -errno : 1;
}

static int receive_packet(struct bench_channel *channel, void *room, unsigned int count,
			  const void **at)
{
	(void)count;
	*at = room;
	return recv(channel->in, room, channel->shape->size, 0) < 0 ? -errno : 1;
}

static void describe_message(struct mmsghdr *headers, struct iovec *pieces, const void *data,
			     unsigned int count, size_t size)
{
	unsigned int i;

	memset(headers, 0, count * sizeof(*headers));
	for (i = 0; i < count; i++) {
		pieces[i].iov_base = (char *)data + i * BENCH_STRIDE(size);
		pieces[i].iov_len = size;
		headers[i].msg_hdr.msg_iov = &pieces[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
}

static int send_packets(struct bench_channel *channel, const void *data, unsigned int count)
{
	struct mmsghdr headers[BENCH_BATCH_MAX];
	struct iovec pieces[BENCH_BATCH_MAX];
	int some;

	describe_message(headers, pieces, data, count, channel->shape->size);
	some = sendmmsg(channel->out, headers, count, 0);
	return some < 0 ? -errno : some;
}

static int receive_packets(struct bench_channel *channel, void *room, unsigned int count,
			   const void **at)
{
	struct mmsghdr headers[BENCH_BATCH_MAX];
	struct iovec pieces[BENCH_BATCH_MAX];
	int i, some;

	describe_message(headers, pieces, room, count, channel->shape->size);
	some = recvmmsg(channel->in, headers, count, MSG_WAITFORONE, NULL);
	for (i = 0; i < some; i++)
		at[i] = pieces[i].iov_base;
	return some < 0 ? -errno : some;
}

const struct bench_transport bench_sockets[] = {
	{
		.name = "unix-stream", .kind = BENCH_PEER, .batch = 1, .limits = BENCH_NO_MANY,
		.create = create_unix_stream, .send = send_stream, .receive = receive_stream,
		.destroy = bench_pipe_destroy,
	}, {
		.name = "seqpacket", .kind = BENCH_PEER, .batch = 1, .max_size = PACKET_MAX,
		.create = create_seqpacket, .send = send_packet, .receive = receive_packet,
		.destroy = bench_pipe_destroy,
	}, {
		.name = "dgram", .kind = BENCH_PEER, .batch = 1, .max_size = PACKET_MAX,
		.create = create_dgram, .send = send_packet, .receive = receive_packet,
		.destroy = bench_pipe_destroy,
	}, {
		.name = "dgram-mmsg", .kind = BENCH_PEER, .batch = BENCH_BATCH_MAX,
		.limits = BENCH_NO_ROUND_TRIP, .max_size = PACKET_MAX,
		.create = create_dgram, .send = send_packets, .receive = receive_packets,
		.destroy = bench_pipe_destroy,
	}, {
		.name = "seqpacket-mmsg", .kind = BENCH_PEER, .batch = BENCH_BATCH_MAX,
		.limits = BENCH_NO_ROUND_TRIP, .max_size = PACKET_MAX,
		.create = create_seqpacket, .send = send_packets, .receive = receive_packets,
		.destroy = bench_pipe_destroy,
	},
	{ 0 }
};
