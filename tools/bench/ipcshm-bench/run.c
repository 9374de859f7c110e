// SPDX-License-Identifier: GPL-2.0-only
/* One run: the processes, and the loops that are the same for every transport. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "mark.h"

#define PATIENCE	60	/* seconds that a run may take */

/* Shared by the processes of a run. */
struct board {
	_Atomic uint32_t ready;
	_Atomic uint32_t go;
	_Atomic uint64_t start;		/* the earliest */
	_Atomic uint64_t end;		/* the latest */
	_Atomic uint32_t ended;		/* how many have, a futex */
	uint32_t samples[BENCH_SAMPLES_MAX];
};

static struct board *board;

bool bench_marked;

uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void bench_relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

_Noreturn void bench_die(const char *what, int error)
{
	fprintf(stderr, "ipcshm-bench: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(EXIT_FAILURE);
}

void *bench_shared_alloc(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		bench_die("mmap", errno);
	return memory;
}

void bench_nonblock(int fd, const struct bench_shape *shape)
{
	if (shape->wait == BENCH_SPIN && fcntl(fd, F_SETFL, O_NONBLOCK | fcntl(fd, F_GETFL)))
		bench_die("O_NONBLOCK", errno);
}

void bench_pin(enum bench_cpus cpus, unsigned int which)
{
	cpu_set_t set;

	if (cpus == BENCH_ANY_CPU)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpus == BENCH_ONE_CPU ? 0 : which % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN),
		&set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_die("sched_setaffinity", errno);
}

/* Content: a message is words of a pattern between two stamps, its number. */

static uint64_t make_pattern(size_t word)
{
	return (word + 1) * 0x9e3779b97f4a7c15;
}

void bench_fill(void *messages, unsigned int count, size_t size)
{
	unsigned int i;
	size_t word;

	for (i = 0; i < count; i++) {
		uint64_t *words = (uint64_t *)((char *)messages + i * BENCH_STRIDE(size));

		for (word = 0; word < size / 8; word++)
			words[word] = make_pattern(word);
	}
}

void bench_stamp(void *message, size_t size, uint64_t number)
{
	uint64_t *words = message;

	words[0] = number;
	words[size / 8 - 1] = number;
}

/* The sum of the bytes between the stamps, which is the same for all messages of a size. */
static uint64_t expected_sum(size_t size)
{
	static size_t known_size;
	static uint64_t known;
	size_t word;

	if (size == known_size)
		return known;
	known = 0;
	for (word = 1; word + 1 < size / 8; word++)
		known += make_pattern(word);
	known_size = size;
	return known;
}

/* Reads all of it; returns its number. */
uint64_t bench_check(const void *message, size_t size)
{
	const uint64_t *words = message;
	uint64_t sum = 0;
	size_t word;

	for (word = 1; word + 1 < size / 8; word++)
		sum += words[word];
	if (sum != expected_sum(size) || words[0] != words[size / 8 - 1])
		bench_die("what was received isn't what was sent", EBADMSG);
	return words[0];
}

/* The loops. */

/* A process's own buffers. */
struct buffers {
	char *send;
	char *receive;
	unsigned int turn;
};

/* With a little more in front, for what some transports need there. */
static void *buffer_alloc(size_t size)
{
	char *buffer = mmap(NULL, size + 64, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (buffer == MAP_FAILED)
		bench_die("mmap", errno);
	return buffer + 64;
}

static struct buffers buffers_alloc(const struct bench_channel *channel)
{
	size_t size = channel->shape->size, row = channel->transport->batch * BENCH_STRIDE(size);
	struct buffers buffers = {
		.send = buffer_alloc(BENCH_ROTATION * row),
		.receive = buffer_alloc(row),
	};

	bench_fill(buffers.send, BENCH_ROTATION * channel->transport->batch, size);
	memset(buffers.receive, 1, row);
	return buffers;
}

/* The next messages to be sent, stamped. */
static char *stamp_messages(struct buffers *buffers, const struct bench_channel *channel,
			    unsigned int count, uint64_t number)
{
	size_t size = channel->shape->size, stride = BENCH_STRIDE(size);
	char *row = buffers->send + buffers->turn * channel->transport->batch * stride;
	unsigned int i;

	buffers->turn = (buffers->turn + 1) % BENCH_ROTATION;
	for (i = 0; i < count; i++)
		bench_stamp(row + i * stride, size, number + i);
	return row;
}

static void send_all(struct bench_channel *channel, const char *row, unsigned int count)
{
	unsigned int done = 0;

	while (done < count) {
		int some = channel->transport->send(channel, row, count - done);

		if (some == -EAGAIN) {
			bench_relax();
			continue;
		}
		if (some <= 0)
			bench_die(channel->transport->name, some);
		done += (unsigned int)some;
		row += (size_t)some * BENCH_STRIDE(channel->shape->size);
	}
}

static unsigned int receive_some(struct bench_channel *channel, void *room, unsigned int count,
				 const void **at)
{
	int some;

	while ((some = channel->transport->receive(channel, room, count, at)) == -EAGAIN)
		bench_relax();
	if (some <= 0)
		bench_die(channel->transport->name, some);
	return (unsigned int)some;
}

static void release_messages(struct bench_channel *channel, unsigned int count)
{
	if (channel->transport->release)
		channel->transport->release(channel, count);
}

static unsigned int limit_batch(const struct bench_channel *channel, uint64_t left)
{
	return left < channel->transport->batch ? (unsigned int)left : channel->transport->batch;
}

/* The numbers of the messages of a loop. */
struct span {
	uint64_t from;
	uint64_t to;
};

static void send_loop(struct bench_channel *channel, struct buffers *buffers, struct span span)
{
	uint64_t number;
	unsigned int count;

	for (number = span.from; number < span.to; number += count) {
		count = limit_batch(channel, span.to - number);
		send_all(channel, stamp_messages(buffers, channel, count, number), count);
	}
}

static void receive_loop(struct bench_channel *channel, struct buffers *buffers, struct span span)
{
	bool ordered = channel->shape->senders == 1 && channel->shape->receivers == 1;
	const void *at[BENCH_BATCH_MAX];
	uint64_t number = span.from;
	unsigned int count, i;

	while (number < span.to) {
		count = receive_some(channel, buffers->receive,
				     limit_batch(channel, span.to - number), at);
		for (i = 0; i < count; i++, number++)
			if (bench_check(at[i], channel->shape->size) != number && ordered)
				bench_die("messages came in another order", EBADMSG);
		release_messages(channel, count);
	}
}

/* A message that comes alone, copied to @room for what has to outlast its release. */
static uint64_t receive_one(struct bench_channel *channel, void *room)
{
	const void *at;
	uint64_t number;

	receive_some(channel, room, 1, &at);
	number = bench_check(at, channel->shape->size);
	release_messages(channel, 1);
	return number;
}

static uint64_t call_server(struct bench_channel *channel, const void *request, void *room)
{
	if (!channel->transport->call) {
		send_all(channel, request, 1);
		return receive_one(channel->back, room);
	}
	channel->transport->call(channel, request, room);
	return bench_check(room, channel->shape->size);
}

static uint64_t serve_caller(struct bench_channel *channel, const void *reply, void *room)
{
	if (!channel->transport->serve) {
		if (reply)
			send_all(channel->back, reply, 1);
		return room ? receive_one(channel, room) : 0;
	}
	channel->transport->serve(channel, reply, room);
	return room ? bench_check(room, channel->shape->size) : 0;
}

static void call_loop(struct bench_channel *channel, struct buffers *buffers, struct span span)
{
	uint64_t before = bench_now(), now, i;

	for (i = span.from; i < span.to; i++) {
		if (call_server(channel, stamp_messages(buffers, channel, 1, i),
				buffers->receive) != i)
			bench_die("a reply to another request", EBADMSG);
		now = bench_now();
		board->samples[(i - span.from) % BENCH_SAMPLES_MAX] = (uint32_t)(now - before);
		before = now;
	}
}

static void serve_loop(struct bench_channel *channel, struct buffers *buffers, struct span span)
{
	const void *reply = NULL;
	uint64_t i, number;

	for (i = span.from; i < span.to; i++) {
		number = serve_caller(channel, reply, buffers->receive);
		reply = stamp_messages(buffers, channel, 1, number);
	}
	serve_caller(channel, reply, NULL);
}

/* The processes. */

static void extend_bound(_Atomic uint64_t *bound, uint64_t time, bool lowest)
{
	uint64_t known = atomic_load(bound);

	while ((!known || (lowest ? time < known : time > known)) &&
	       !atomic_compare_exchange_weak(bound, &known, time))
		;
}

static void open_channels(struct bench_channel *channel, bool sender)
{
	if (!channel->transport->open)
		return;
	channel->transport->open(channel, sender);
	if (channel->back)
		channel->transport->open(channel->back, !sender);
}

/* A sender's memory may be needed until everything has been received. */
static void leave_together(unsigned int parties)
{
	uint32_t ended = atomic_fetch_add(&board->ended, 1) + 1;

	if (ended == parties)
		syscall(SYS_futex, &board->ended, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	for (; ended < parties; ended = atomic_load(&board->ended))
		syscall(SYS_futex, &board->ended, FUTEX_WAIT, ended, NULL, NULL, 0);
}

/* The first use of the channel's memory is not part of the measurement. */
static uint64_t warm_up(const struct bench_shape *shape)
{
	return 2 * shape->capacity * shape->senders * shape->receivers;
}

static void take_part(struct bench_channel *channel, bool sender, uint64_t messages)
{
	static void (*const loops[2][2])(struct bench_channel *channel, struct buffers *buffers,
					 struct span span) = {
		[BENCH_ONE_WAY] = { receive_loop, send_loop },
		[BENCH_ROUND_TRIP] = { serve_loop, call_loop },
	};
	const struct bench_shape *shape = channel->shape;
	uint64_t warm = warm_up(shape) / (sender ? shape->senders : shape->receivers);
	struct buffers buffers = buffers_alloc(channel);

	open_channels(channel, sender);
	loops[shape->pattern][sender](channel, &buffers, (struct span){ 0, warm });
	atomic_fetch_add(&board->ready, 1);
	while (!atomic_load(&board->go))
		sched_yield();
	extend_bound(&board->start, bench_now(), true);
	if (bench_marked && sender)
		MARK(MARK_BEGIN);
	loops[shape->pattern][sender](channel, &buffers, (struct span){ warm, warm + messages });
	if (bench_marked && sender)
		MARK(MARK_END);
	extend_bound(&board->end, bench_now(), false);
	leave_together(channel->shape->senders + channel->shape->receivers);
}

static pid_t start_process(struct bench_channel *channel, bool sender, unsigned int which,
			   uint64_t messages)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		bench_die("fork", errno);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(PATIENCE);
	bench_pin(channel->shape->cpus, channel->shape->senders + channel->shape->receivers > 2 ?
		  which : !sender);
	take_part(channel, sender, messages);
	_exit(0);
}

/* All of them end, or none goes on. */
static void await_processes(const pid_t *pids, unsigned int count, const char *name)
{
	unsigned int i;
	int status;

	for (i = 0; i < count; i++) {
		if (wait(&status) < 0)
			bench_die("wait", errno);
		if (!status)
			continue;
		for (i = 0; i < count; i++)
			kill(pids[i], SIGKILL);
		fprintf(stderr, "ipcshm-bench: %s: a process failed or hung\n", name);
		exit(EXIT_FAILURE);
	}
}

/* Before all of them were ready: none can go on then. */
static bool has_one_ended(void)
{
	siginfo_t info = { 0 };

	return !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

static void run_processes(struct bench_channel *channel, uint64_t messages)
{
	const struct bench_shape *shape = channel->shape;
	unsigned int i, count = shape->senders + shape->receivers;
	pid_t pids[BENCH_PROCESSES_MAX];

	for (i = 0; i < shape->receivers; i++)
		pids[i] = start_process(channel, false, i, messages / shape->receivers);
	for (i = 0; i < shape->senders; i++)
		pids[shape->receivers + i] =
			start_process(channel, true, i, messages / shape->senders);
	while (atomic_load(&board->ready) < count && !has_one_ended())
		sched_yield();
	atomic_store(&board->go, 1);
	await_processes(pids, count, channel->transport->name);
}

static int create_channels(struct bench_channel *channel, struct bench_channel *back,
			   const struct bench_transport *transport, const struct bench_shape *shape)
{
	int err;

	*channel = (struct bench_channel){ .transport = transport, .shape = shape };
	*back = *channel;
	err = transport->create(channel);
	if (err || shape->pattern == BENCH_ONE_WAY)
		return err;
	err = transport->create(back);
	if (err)
		transport->destroy(channel);
	channel->back = back;
	return err;
}

/**
 * bench_measure - one run
 * @transport: by which
 * @shape: of the channel
 * @messages: how many, or round trips; a multiple of both senders and receivers
 * @run: filled in; its samples are valid until the next run
 *
 * Return: 0, or the error number with which the transport couldn't be made.
 */
int bench_measure(const struct bench_transport *transport, const struct bench_shape *shape,
		  uint64_t messages, struct bench_run *run)
{
	struct bench_channel channel, back;
	int err = create_channels(&channel, &back, transport, shape);

	if (err)
		return err;
	if (!board)
		board = bench_shared_alloc(sizeof(*board));
	board->ready = board->go = board->ended = 0;
	board->start = board->end = 0;
	run_processes(&channel, messages);
	transport->destroy(&channel);
	if (channel.back)
		transport->destroy(&back);
	*run = (struct bench_run){
		.messages = messages,
		.elapsed = board->end - board->start,
		.samples = board->samples,
	};
	if (shape->pattern == BENCH_ROUND_TRIP)
		run->nr_samples = messages < BENCH_SAMPLES_MAX ? messages : BENCH_SAMPLES_MAX;
	return 0;
}
