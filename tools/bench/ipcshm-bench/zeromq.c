// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZeroMQ, PUSH to PULL.  Its threads don't survive a fork, so that each process has
 * a context of its own, made after it.
 */
#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

#include "bench.h"

/* One end, in the process that uses it. */
struct end {
	void *context;
	void *socket;
	zmq_msg_t received;
};

static void set_option(void *socket, int option, size_t value)
{
	const int number = (int)value;

	if (zmq_setsockopt(socket, option, &number, sizeof(number)))
		bench_die("zeromq", errno);
}

/* Half of the channel is at each end. */
static void open_end(struct bench_channel *channel, bool sender)
{
	struct end *end = bench_end_alloc(sizeof(*end));

	end->context = zmq_ctx_new();
	end->socket = zmq_socket(end->context, sender ? ZMQ_PUSH : ZMQ_PULL);
	set_option(end->socket, sender ? ZMQ_SNDHWM : ZMQ_RCVHWM, channel->shape->capacity / 2);
	set_option(end->socket, ZMQ_RECONNECT_IVL, 1);
	if (sender ? zmq_connect(end->socket, bench_endpoint(channel)) :
		     zmq_bind(end->socket, bench_endpoint(channel)))
		bench_die(bench_endpoint(channel), errno);
	channel->own = end;
}

static int choose_flags(const struct bench_channel *channel)
{
	return channel->shape->wait == BENCH_SPIN ? ZMQ_DONTWAIT : 0;
}

static int send_one(struct bench_channel *channel, const void *data, unsigned int count)
{
	struct end *end = channel->own;

	(void)count;
	return zmq_send(end->socket, data, channel->shape->size, choose_flags(channel)) < 0 ? -errno
											    : 1;
}

/* Read where it is. */
static int receive_one(struct bench_channel *channel, void *room, unsigned int count,
		       const void **at)
{
	struct end *end = channel->own;

	(void)room;
	(void)count;
	zmq_msg_init(&end->received);
	if (zmq_msg_recv(&end->received, end->socket, choose_flags(channel)) < 0)
		return -errno;
	*at = zmq_msg_data(&end->received);
	return 1;
}

static void release_one(struct bench_channel *channel, unsigned int count)
{
	struct end *end = channel->own;

	(void)count;
	zmq_msg_close(&end->received);
}

const struct bench_transport bench_zeromq[] = {
	{
		.name = "zeromq", .kind = BENCH_PEER, .limits = BENCH_NO_MANY, .batch = 1,
		.create = bench_endpoint_create, .destroy = bench_endpoint_destroy,
		.open = open_end, .send = send_one, .receive = receive_one, .release = release_one,
	},
	{ 0 }
};
