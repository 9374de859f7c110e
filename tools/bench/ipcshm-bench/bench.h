/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ipcshm-bench: what carries messages between processes, as a table of operations.
 *
 * The loops that measure, the buffers, and the checks of content are the same for
 * all; a transport only moves bytes.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define BENCH_BATCH_MAX		32	/* messages that one call is given */
#define PIPE_MAX		(1 << 20)	/* what a pipe can hold; more is written in parts */
#define BENCH_ROTATION		4	/* a sender's buffer is used again after as many calls */
#define BENCH_PROCESSES_MAX	32
#define BENCH_REPETITIONS_MAX	99

enum bench_pattern { BENCH_ONE_WAY, BENCH_ROUND_TRIP };
enum bench_cpus { BENCH_ANY_CPU, BENCH_ONE_CPU, BENCH_TWO_CPUS };
enum bench_wait { BENCH_BLOCK, BENCH_SPIN, BENCH_BUSY };
enum bench_kind { BENCH_OURS, BENCH_PEER, BENCH_LIMIT };

/**
 * struct bench_shape - the measurement, for every transport
 * @size: bytes of a message, a multiple of 8
 * @capacity: messages that a channel should hold
 * @senders: processes that send, each on the same channel
 * @receivers: processes that receive
 * @pattern: one way, or there and back
 * @cpus: which CPUs the processes may use
 * @wait: how they wait: in the kernel, by trying again and again, or in the kernel
 *	after busy-polling for @busy
 * @busy: microseconds
 */
struct bench_shape {
	size_t size;
	size_t capacity;
	unsigned int senders;
	unsigned int receivers;
	enum bench_pattern pattern;
	enum bench_cpus cpus;
	enum bench_wait wait;
	unsigned int busy;
};

/**
 * struct bench_channel - one way from sender to receiver; inherited by both
 * @transport: what it is made of
 * @shape: what for
 * @in: the receiver's descriptor
 * @out: the sender's
 * @shared: memory of both
 * @shared_size: bytes
 * @state: numbers of each process's own
 * @own: memory of each process's own
 * @back: round trips: the way back
 */
struct bench_channel {
	const struct bench_transport *transport;
	const struct bench_shape *shape;
	int in;
	int out;
	void *shared;
	size_t shared_size;
	uint64_t state[8];
	void *own;
	struct bench_channel *back;
};

/* A message's place in a row of them. */
#define BENCH_STRIDE(size)	(((size) + 63) & ~(size_t)63)

/* Patterns that a transport does not support. */
#define BENCH_NO_ONE_WAY	0x01
#define BENCH_NO_ROUND_TRIP	0x02
#define BENCH_NO_MANY		0x04	/* it is for one sender and one receiver */
#define BENCH_NO_SPIN		0x08
#define BENCH_NO_ONE_CPU	0x10	/* it never lets the other one run */
#define BENCH_NO_BOUNDARIES	0x20	/* several processes can share it up to PIPE_BUF only */
#define BENCH_NO_GAPS		0x40	/* its messages lie side by side, but rows of some sizes have gaps */

/**
 * struct bench_transport - what can carry messages
 * @name: for the report
 * @kind: ours, a peer, or a limit that no transport can beat
 * @limits: BENCH_NO_*
 * @batch: messages that one call takes, 1 to BENCH_BATCH_MAX
 * @max_size: bytes of the largest message; 0: any
 * @create: make it; 0 or a negative error number, and then it is left out
 * @open: in each process that uses it; NULL: nothing to do
 * @send: @count messages, BENCH_STRIDE apart, of which it may read until it was
 *	called BENCH_ROTATION - 1 times more; returns how many were sent, or -EAGAIN
 * @receive: up to @count messages into @room, BENCH_STRIDE apart; where they are
 *	(in @room or elsewhere) is stored in @at; returns how many, or -EAGAIN
 * @release: what receive returned was read; NULL: nothing to do
 * @call: round trips: a request and its reply; NULL: send, and receive from the way back
 * @serve: round trips: reply to what was received last, if @reply isn't NULL, and
 *	receive the next request, if @room isn't; NULL: send and receive
 * @destroy: unmake it
 */
struct bench_transport {
	const char *name;
	enum bench_kind kind;
	unsigned int limits;
	unsigned int batch;
	size_t max_size;
	int (*create)(struct bench_channel *channel);
	void (*open)(struct bench_channel *channel, bool sender);
	int (*send)(struct bench_channel *channel, const void *data, unsigned int count);
	int (*receive)(struct bench_channel *channel, void *room, unsigned int count,
		       const void **at);
	void (*release)(struct bench_channel *channel, unsigned int count);
	void (*call)(struct bench_channel *channel, const void *request, void *room);
	void (*serve)(struct bench_channel *channel, const void *reply, void *room);
	void (*destroy)(struct bench_channel *channel);
};

/* Each ends with one whose name is NULL. */
extern const struct bench_transport bench_queues[];
extern const struct bench_transport bench_rings[];
extern const struct bench_transport bench_pipes[];
extern const struct bench_transport bench_sockets[];
extern const struct bench_transport bench_mqs[];
extern const struct bench_transport bench_memory[];
extern const struct bench_transport bench_limits[];

/* Those that are there if their libraries were when this was built. */
extern const struct bench_transport bench_uring[] __attribute__((weak));
extern const struct bench_transport bench_zeromq[] __attribute__((weak));
extern const struct bench_transport bench_nng[] __attribute__((weak));
extern const struct bench_transport bench_boost[] __attribute__((weak));

/* Transports with io_uring. */
int bench_queue_create(struct bench_channel *channel);
void bench_queue_destroy(struct bench_channel *channel);
int bench_pipe_create(struct bench_channel *channel);
void bench_pipe_destroy(struct bench_channel *channel);

/* Common code of ZeroMQ and nng. */
int bench_endpoint_create(struct bench_channel *channel);
const char *bench_endpoint(const struct bench_channel *channel);
void bench_endpoint_destroy(struct bench_channel *channel);
void *bench_end_alloc(size_t size);

/* Content. */
void bench_fill(void *messages, unsigned int count, size_t size);
void bench_stamp(void *message, size_t size, uint64_t number);
uint64_t bench_check(const void *message, size_t size);

/* Measuring. */
#define BENCH_SAMPLES_MAX	(1 << 17)

/* Round trips are between markers: see mark.h. */
extern bool bench_marked;

/**
 * struct bench_run - the outcome of one run
 * @messages: sent and received
 * @elapsed: nanoseconds for all of them
 * @samples: round trips: nanoseconds of each
 * @nr_samples: how many there are
 */
struct bench_run {
	uint64_t messages;
	uint64_t elapsed;
	uint32_t *samples;
	size_t nr_samples;
};

int bench_measure(const struct bench_transport *transport, const struct bench_shape *shape,
		  uint64_t messages, struct bench_run *run);
void bench_pin(enum bench_cpus cpus, unsigned int which);

uint64_t bench_now(void);
_Noreturn void bench_die(const char *what, int error);
void bench_relax(void);
void bench_nonblock(int fd, const struct bench_shape *shape);
void *bench_shared_alloc(size_t size);

#endif /* BENCH_H */
