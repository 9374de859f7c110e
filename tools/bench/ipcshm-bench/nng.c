// SPDX-License-Identifier: GPL-2.0-only
/* nng, one pair of sockets.  Its threads do not survive a fork: each process starts it anew. */
#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <stdlib.h>

#include "bench.h"

/* One end, in the process that uses it. */
struct end {
	nng_socket socket;
	nng_msg *received;
};

static void check_result(int error)
{
	if (!error)
		return;
	fprintf(stderr, "ipcshm-bench: nng: %s\n", nng_strerror(error));
	exit(EXIT_FAILURE);
}

/* Half of the channel is at each end. */
static void open_end(struct bench_channel *channel, bool sender)
{
	struct end *end = bench_end_alloc(sizeof(*end));
	int room = (int)channel->shape->capacity / 2;

	check_result(nng_pair0_open(&end->socket));
	check_result(
		nng_socket_set_int(end->socket, sender ? NNG_OPT_SENDBUF : NNG_OPT_RECVBUF, room));
	check_result(nng_socket_set_size(end->socket, NNG_OPT_RECVMAXSZ, 0));
	check_result(nng_socket_set_ms(end->socket, NNG_OPT_RECONNMINT, 1));
	check_result(
		sender ? nng_dial(end->socket, bench_endpoint(channel), NULL, NNG_FLAG_NONBLOCK)
		       : nng_listen(end->socket, bench_endpoint(channel), NULL, 0));
	channel->own = end;
}

static int choose_flags(const struct bench_channel *channel)
{
	return channel->shape->wait == BENCH_SPIN ? NNG_FLAG_NONBLOCK : 0;
}

static int result_of(int error)
{
	if (error == NNG_EAGAIN)
		return -EAGAIN;
	check_result(error);
	return 1;
}

static int send_one(struct bench_channel *channel, const void *data, unsigned int count)
{
	struct end *end = channel->own;

	(void)count;
	return result_of(
		nng_send(end->socket, (void *)data, channel->shape->size, choose_flags(channel)));
}

/* Read where it is. */
static int receive_one(struct bench_channel *channel, void *room, unsigned int count,
		       const void **at)
{
	struct end *end = channel->own;
	int result = result_of(nng_recvmsg(end->socket, &end->received, choose_flags(channel)));

	(void)room;
	(void)count;
	if (result == 1)
		*at = nng_msg_body(end->received);
	return result;
}

static void release_one(struct bench_channel *channel, unsigned int count)
{
	struct end *end = channel->own;

	(void)count;
	nng_msg_free(end->received);
}

const struct bench_transport bench_nng[] = {
	{
		.name = "nng", .kind = BENCH_PEER, .limits = BENCH_NO_MANY, .batch = 1,
		.create = bench_endpoint_create, .destroy = bench_endpoint_destroy,
		.open = open_end, .send = send_one, .receive = receive_one, .release = release_one,
	},
	{ 0 }
};
