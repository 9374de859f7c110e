// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lower bounds of all transports: the same processes and loops, but nothing is
 * carried.  The receiver makes up what it would have received.
 *
 *	getpid		a system call for each message at each end
 *	memcpy		a copy of each message at each end
 *	futex, eventfd	a wake-up each way
 *	cache-line	a word in shared memory each way, without sleeping
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

enum { NUMBER };

/* The next message, as if it had come. */
static void make_up(struct bench_channel *channel, void *room)
{
	uint64_t number = channel->state[NUMBER]++;

	if (!number)
		bench_fill(room, 1, channel->shape->size);
	bench_stamp(room, channel->shape->size, number);
}

static int create_nothing(struct bench_channel *channel)
{
	(void)channel;
	return 0;
}

static void destroy_nothing(struct bench_channel *channel)
{
	(void)channel;
}

/* One way. */

static int send_getpid(struct bench_channel *channel, const void *data, unsigned int count)
{
	(void)channel;
	(void)data;
	(void)count;
	syscall(SYS_getpid);
	return 1;
}

static int receive_getpid(struct bench_channel *channel, void *room, unsigned int count,
			  const void **at)
{
	(void)count;
	syscall(SYS_getpid);
	make_up(channel, room);
	*at = room;
	return 1;
}

/* Room for a copy, made when it is first needed. */
static void *get_copy(struct bench_channel *channel)
{
	if (!channel->own) {
		channel->own = malloc(channel->shape->size);
		if (!channel->own)
			bench_die("malloc", ENOMEM);
		bench_fill(channel->own, 1, channel->shape->size);
	}
	return channel->own;
}

/* The compiler must not see that the copy is unused. */
static void *(*volatile copy)(void *to, const void *from, size_t size) = memcpy;

static int send_memcpy(struct bench_channel *channel, const void *data, unsigned int count)
{
	(void)count;
	copy(get_copy(channel), data, channel->shape->size);
	return 1;
}

static int receive_memcpy(struct bench_channel *channel, void *room, unsigned int count,
			  const void **at)
{
	(void)count;
	copy(room, get_copy(channel), channel->shape->size);
	make_up(channel, room);
	*at = room;
	return 1;
}

/* There and back: the ball is where it has been put last. */

struct ball {
	_Alignas(64) _Atomic uint32_t turns;
};

static struct ball *ball_of(struct bench_channel *channel)
{
	return channel->shared;
}

static int create_ball(struct bench_channel *channel)
{
	channel->shared = bench_shared_alloc(sizeof(struct ball));
	return 0;
}

static void destroy_ball(struct bench_channel *channel)
{
	munmap(channel->shared, sizeof(struct ball));
}

static void spin_until(struct ball *ball, uint32_t turns)
{
	while (atomic_load_explicit(&ball->turns, memory_order_acquire) != turns)
		bench_relax();
}

static void call_line(struct bench_channel *channel, const void *request, void *room)
{
	uint32_t turns = 2 * (uint32_t)channel->state[NUMBER];

	(void)request;
	atomic_store_explicit(&ball_of(channel)->turns, turns + 1, memory_order_release);
	spin_until(ball_of(channel), turns + 2);
	make_up(channel, room);
}

static void serve_line(struct bench_channel *channel, const void *reply, void *room)
{
	uint32_t turns = 2 * (uint32_t)channel->state[NUMBER];

	if (reply)
		atomic_store_explicit(&ball_of(channel)->turns, turns, memory_order_release);
	if (!room)
		return;
	spin_until(ball_of(channel), turns + 1);
	make_up(channel, room);
}

static void sleep_until(struct ball *ball, uint32_t turns)
{
	uint32_t now;

	while ((now = atomic_load(&ball->turns)) != turns)
		syscall(SYS_futex, &ball->turns, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void set_turns(struct ball *ball, uint32_t turns)
{
	atomic_store(&ball->turns, turns);
	syscall(SYS_futex, &ball->turns, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void call_futex(struct bench_channel *channel, const void *request, void *room)
{
	uint32_t turns = 2 * (uint32_t)channel->state[NUMBER];

	(void)request;
	set_turns(ball_of(channel), turns + 1);
	sleep_until(ball_of(channel), turns + 2);
	make_up(channel, room);
}

static void serve_futex(struct bench_channel *channel, const void *reply, void *room)
{
	uint32_t turns = 2 * (uint32_t)channel->state[NUMBER];

	if (reply)
		set_turns(ball_of(channel), turns);
	if (!room)
		return;
	sleep_until(ball_of(channel), turns + 1);
	make_up(channel, room);
}

static int create_eventfds(struct bench_channel *channel)
{
	channel->in = eventfd(0, EFD_CLOEXEC);
	channel->out = eventfd(0, EFD_CLOEXEC);
	return channel->in < 0 || channel->out < 0 ? -errno : 0;
}

static void destroy_eventfds(struct bench_channel *channel)
{
	close(channel->in);
	close(channel->out);
}

static void signal_eventfd(int fd)
{
	if (eventfd_write(fd, 1))
		bench_die("eventfd", errno);
}

static void await_eventfd(int fd)
{
	eventfd_t count;

	if (eventfd_read(fd, &count))
		bench_die("eventfd", errno);
}

static void call_eventfd(struct bench_channel *channel, const void *request, void *room)
{
	(void)request;
	signal_eventfd(channel->in);
	await_eventfd(channel->out);
	make_up(channel, room);
}

static void serve_eventfd(struct bench_channel *channel, const void *reply, void *room)
{
	if (reply)
		signal_eventfd(channel->out);
	if (!room)
		return;
	await_eventfd(channel->in);
	make_up(channel, room);
}

#define ONE_WAY		.kind = BENCH_LIMIT, .batch = 1, .create = create_nothing, \
			.destroy = destroy_nothing, .limits = BENCH_NO_ROUND_TRIP | BENCH_NO_MANY
#define ROUND_TRIP	.kind = BENCH_LIMIT, .batch = 1, \
			.limits = BENCH_NO_ONE_WAY | BENCH_NO_MANY | BENCH_NO_SPIN

const struct bench_transport bench_limits[] = {
	{ .name = "getpid", ONE_WAY, .send = send_getpid, .receive = receive_getpid },
	{ .name = "memcpy", ONE_WAY, .send = send_memcpy, .receive = receive_memcpy },
	{
		.name = "futex", ROUND_TRIP, .create = create_ball, .destroy = destroy_ball,
		.call = call_futex, .serve = serve_futex,
	}, {
		.name = "eventfd", ROUND_TRIP, .create = create_eventfds,
		.destroy = destroy_eventfds, .call = call_eventfd, .serve = serve_eventfd,
	}, {
		.name = "cache-line", .kind = BENCH_LIMIT, .batch = 1,
		.limits = BENCH_NO_ONE_WAY | BENCH_NO_MANY | BENCH_NO_ONE_CPU,
		.create = create_ball, .destroy = destroy_ball,
		.call = call_line, .serve = serve_line,
	},
	{ 0 }
};
