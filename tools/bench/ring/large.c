// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large records between two processes, each on a CPU of its own: made and read in the
 * ring itself, beside the same bytes written and read in bare buffers of as much
 * memory, which have a number each; and records that are handed over without looking
 * at more than their first word.
 *
 * The ways take turns, REPETITIONS times; the medians are printed.  Fails if the ring takes
 * more than BOUND times as long as the bare buffers, or if handing over takes so much
 * longer for one size than for another.
 *
 *	large [REPETITIONS]
 */
#include <ipcshm-ring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

#define CAPACITY	(4UL << 20)	/* bytes, where all of a record is written and read */
#define HANDED_AT_ONCE	64UL		/* records that a ring has room for, where it isn't */
#define LARGEST		(1UL << 20)
#define ROOM		(HANDED_AT_ONCE * LARGEST + (64UL << 10))
#define BOUND		1.2
#define BYTES		(64UL << 20)	/* of a run in which all are written and read */
#define HANDED		50000		/* records of a run in which they aren't */
#define SIZES		6

/* So that bare buffers are as many as records in the ring, and lie as they do. */
#define HEADER		16UL

struct shared {
	_Alignas(128) _Atomic uint64_t put;
	_Alignas(128) _Atomic uint64_t got;
	_Alignas(128) _Atomic uint32_t ready;
	_Alignas(4096) unsigned char room[ROOM];
};

struct end {
	struct ipcshm_area area;
	struct ipcshm_ring ring;
	uint64_t next;
	size_t size;
};

/* A way to hand records over: where the next one is, waiting for it; and the end of that. */
struct way {
	void *(*reserve)(struct end *end);
	void (*commit)(struct end *end);
	const void *(*peek)(struct end *end);
	void (*release)(struct end *end);
	bool all;		/* of a record is written and read */
};

static struct shared *shared;

static void require_that(bool fine, const char *what)
{
	if (!fine)
		die(what);
}

/* The ring. */

static void *reserve_record(struct end *end)
{
	void *at;

	require_that(!ipcshm_ring_reserve(&end->ring, end->size, &at, IPCSHM_FOREVER),
		     "not reserved");
	return at;
}

static void commit_record(struct end *end)
{
	require_that(!ipcshm_ring_commit(&end->ring, end->size), "not committed");
}

static const void *peek_record(struct end *end)
{
	const void *at;

	require_that(ipcshm_ring_peek(&end->ring, &at, IPCSHM_FOREVER) == (ssize_t)end->size,
			"not peeked");
	return at;
}

static void release_record(struct end *end)
{
	require_that(!ipcshm_ring_release(&end->ring), "not released");
}

/* Bare buffers. */

static unsigned char *find_buffer(const struct end *end)
{
	size_t stride = end->size + HEADER;

	return shared->room + HEADER + end->next % (CAPACITY / stride) * stride;
}

static void *await_room(struct end *end)
{
	while (end->next - atomic_load_explicit(&shared->got, memory_order_acquire) ==
	       CAPACITY / (end->size + HEADER))
		relax_cpu();
	return find_buffer(end);
}

static void tell_put(struct end *end)
{
	atomic_store_explicit(&shared->put, ++end->next, memory_order_release);
}

static const void *await_record(struct end *end)
{
	while (atomic_load_explicit(&shared->put, memory_order_acquire) == end->next)
		relax_cpu();
	return find_buffer(end);
}

static void tell_got(struct end *end)
{
	atomic_store_explicit(&shared->got, ++end->next, memory_order_release);
}

static const struct way in_ring = {
	reserve_record, commit_record, peek_record, release_record, true,
};
static const struct way in_buffers = { await_room, tell_put, await_record, tell_got, true };
static const struct way handed = {
	reserve_record, commit_record, peek_record, release_record, false,
};

/* Operations on records. */

static void write_record(uint64_t *words, size_t size, uint64_t value)
{
	size_t i;

	for (i = 0; i < size / 8; i++)
		words[i] = value + i;
}

static bool record_is(const uint64_t *words, size_t size, uint64_t value)
{
	uint64_t differs = 0;
	size_t i;

	for (i = 0; i < size / 8; i++)
		differs |= words[i] ^ (value + i);
	return !differs;
}

/* Both sides begin at once. */
static void meet_peer(void)
{
	atomic_fetch_add(&shared->ready, 1);
	while (atomic_load(&shared->ready) < 2)
		relax_cpu();
}

static void open_end(struct end *end, uint32_t side, size_t size)
{
	*end = (struct end) { .size = size };
	require_that(!ipcshm_area_init_futex(&end->area, shared->room, ROOM, NULL) &&
			!ipcshm_ring_attach(&end->ring, &end->area, 0, side), "not attached");
}

static void produce_records(const struct way *way, size_t size, uint64_t count)
{
	struct end end;
	uint64_t i;

	open_end(&end, IPCSHM_RING_PRODUCER, size);
	meet_peer();
	for (i = 0; i < count; i++) {
		write_record(way->reserve(&end), way->all ? size : 8, i);
		way->commit(&end);
	}
}

static void consume_records(const struct way *way, size_t size, uint64_t count)
{
	struct end end;
	uint64_t i;

	open_end(&end, IPCSHM_RING_CONSUMER, size);
	meet_peer();
	for (i = 0; i < count; i++) {
		require_that(record_is(way->peek(&end), way->all ? size : 8, i),
				"what came out isn't what was put in");
		way->release(&end);
	}
}

static void create_ring(size_t capacity)
{
	const struct ipcshm_ring_attr attr = {
		.layout = IPCSHM_RING_RECORDS,
		.capacity = capacity,
	};
	struct ipcshm_area area;

	require_that(!ipcshm_area_init_futex(&area, shared->room, ROOM, NULL) &&
			!ipcshm_ring_create(&area, 0, &attr), "no ring");
	ipcshm_area_destroy(&area);
	shared->put = 0;
	shared->got = 0;
	shared->ready = 0;
}

/* Nanoseconds for each record. */
static double measure_way(const struct way *way, size_t size)
{
	uint64_t count = way->all ? BYTES / size : HANDED;
	uint64_t begin;
	pid_t pid;

	create_ring(way->all ? CAPACITY : HANDED_AT_ONCE * size);
	pid = start_process(1);
	if (!pid) {
		produce_records(way, size, count);
		_exit(0);
	}
	while (!atomic_load(&shared->ready))
		relax_cpu();
	begin = now_ns();
	consume_records(way, size, count);
	begin = now_ns() - begin;
	finish_process(pid);
	return (double)begin / (double)count;
}

/* The report. */

static bool print_ratio(double ratio)
{
	bool met = ratio <= BOUND;

	printf("  %5.2f, target %.2f: %s\n", ratio, BOUND, met ? "met" : "not met");
	return met;
}

static bool compare_with_buffers(size_t size, unsigned int repetitions)
{
	static struct times ring, buffers, ratios;

	ring.count = buffers.count = ratios.count = 0;
	while (repetitions--) {
		add(&ring, measure_way(&in_ring, size));
		add(&buffers, measure_way(&in_buffers, size));
		add(&ratios, ring.of[ring.count - 1] / buffers.of[ring.count - 1]);
	}
	printf("  %8zu B  ring %10.0f ns  bare buffers %10.0f ns", size, median(&ring),
	       median(&buffers));
	return print_ratio(median(&ratios));
}

static bool compare_sizes(unsigned int repetitions)
{
	static const size_t sizes[SIZES] = { 64, 4096, 16384, 65536, 262144, LARGEST };
	static struct times times[SIZES];
	double least = 0, most = 0;
	size_t i;

	while (repetitions--)
		for (i = 0; i < SIZES; i++)
			add(&times[i], measure_way(&handed, sizes[i]));
	for (i = 0; i < SIZES; i++) {
		double time = median(&times[i]);

		printf("  %8zu B  %10.0f ns\n", sizes[i], time);
		least = !least || time < least ? time : least;
		most = time > most ? time : most;
	}
	printf("  most / least");
	return print_ratio(most / least);
}

int main(int argc, char **argv)
{
	unsigned int repetitions = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 9;
	bool met = true;

	require_that(repetitions && repetitions <= REPETITIONS_MAX, "usage: large [REPETITIONS]");
	shared = share(sizeof(*shared));
	pin(0, 0);
	printf("written and read in place, a record:\n");
	met &= compare_with_buffers(65536, repetitions);
	met &= compare_with_buffers(LARGEST, repetitions);
	printf("handed over, a record:\n");
	met &= compare_sizes(repetitions);
	return met ? EXIT_SUCCESS : EXIT_FAILURE;
}
