// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings between two processes, each on a CPU of its own: the time of a round trip,
 * and how many items go one way in a second, one by one and in batches; beside it,
 * in each repetition, how long a cache line takes to and fro, and two lines, one
 * there and one back.  Two lines are what rings have at least: on some processors a
 * line that its receiver reads and then writes costs half of that.
 *
 * All transports take turns, REPETITIONS times; the medians are printed.  Items are
 * checked when they come out.
 *
 *	speed [REPETITIONS [ROUND_TRIPS [ITEMS [TITLE]]]]
 *
 * TITLE selects the experiments that have it in their title.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "transport.h"

#define BATCH		32
#define TRANSPORTS_MAX	32
#define PROCESSES_MAX	4	/* a side */

/* Of the process's place: what all transports of a run share. */
struct shared {
	_Alignas(4096) unsigned char room[2][TRANSPORT_ROOM];
	_Alignas(128) _Atomic uint64_t ball;
	_Alignas(128) _Atomic uint64_t back;
	_Alignas(128) _Atomic uint32_t ready;
	_Alignas(128) _Atomic uint32_t failed;
	_Alignas(128) _Atomic uint64_t sum;
};

static struct shared *shared;
static unsigned int repetitions = 5;
static uint64_t round_trips = 200000;
static uint64_t item_count = 4000000;

/* Both sides begin at once. */
static void meet_parties(uint32_t parties)
{
	atomic_fetch_add(&shared->ready, 1);
	while (atomic_load(&shared->ready) < parties)
		sched_yield();
}

/* A transport finds nothing of the one before it. */
static void start_over(void)
{
	memset(shared, 0, sizeof(*shared));
}

static void set_item(void *item, size_t size, uint64_t value)
{
	size_t i;

	memcpy(item, &value, 8);
	for (i = 8; i + 8 <= size; i += 8)
		memcpy((char *)item + i, &value, 8);
}

static bool item_is(const void *item, size_t size, uint64_t value)
{
	uint64_t first, last;

	memcpy(&first, item, 8);
	memcpy(&last, (const char *)item + size - 8, 8);
	return first == value && last == value;
}

static void check_item(bool fine)
{
	if (!fine)
		atomic_store(&shared->failed, 1);
}

/* The line. */

static void line_echo(uint64_t count)
{
	uint64_t i;

	for (i = 1; i <= count; i++) {
		while (atomic_load_explicit(&shared->ball, memory_order_acquire) != 2 * i - 1)
			;
		atomic_store_explicit(&shared->ball, 2 * i, memory_order_release);
	}
}

static void line_call(uint64_t count)
{
	uint64_t i;

	for (i = 1; i <= count; i++) {
		atomic_store_explicit(&shared->ball, 2 * i - 1, memory_order_release);
		while (atomic_load_explicit(&shared->ball, memory_order_acquire) != 2 * i)
			;
	}
}

/* The same with a line there and one back, as rings have it. */

static void lines_echo(uint64_t count)
{
	uint64_t i;

	for (i = 1; i <= count; i++) {
		while (atomic_load_explicit(&shared->ball, memory_order_acquire) != i)
			;
		atomic_store_explicit(&shared->back, i, memory_order_release);
	}
}

static void lines_call(uint64_t count)
{
	uint64_t i;

	for (i = 1; i <= count; i++) {
		atomic_store_explicit(&shared->ball, i, memory_order_release);
		while (atomic_load_explicit(&shared->back, memory_order_acquire) != i)
			;
	}
}

/* Item number @value, put in or got out: made, and looked at, in the ring itself if that can be. */

static bool put_item(const struct transport *transport, struct end *out, uint64_t value)
{
	unsigned char item[TRANSPORT_ITEM_MAX];
	void *room;

	if (!transport->reserve) {
		set_item(item, transport->item, value);
		return transport->put(out, item);
	}
	room = transport->reserve(out);
	if (!room)
		return false;
	set_item(room, transport->item, value);
	transport->commit(out);
	return true;
}

static bool get_item(const struct transport *transport, struct end *in, uint64_t *value,
		     bool *whole)
{
	unsigned char copy[TRANSPORT_ITEM_MAX];
	const void *item = copy;

	if (transport->peek)
		item = transport->peek(in);
	else if (!transport->get(in, copy))
		item = NULL;
	if (!item)
		return false;
	memcpy(value, item, 8);
	*whole = item_is(item, transport->item, *value);
	if (transport->release)
		transport->release(in);
	return true;
}

/* Round trips: one ring there, one back. */

static void echo_items(const struct transport *transport)
{
	struct end in, out;
	uint64_t value;
	bool whole;
	uint64_t i;

	transport->open(&in, shared->room[0], false);
	transport->open(&out, shared->room[1], true);
	meet_parties(2);
	for (i = 0; i < round_trips; i++) {
		while (!get_item(transport, &in, &value, &whole))
			;
		while (!put_item(transport, &out, value))
			;
	}
}

static uint64_t call_echo(const struct transport *transport)
{
	struct end in, out;
	uint64_t start;
	uint64_t value;
	bool whole;
	uint64_t i;

	transport->open(&out, shared->room[0], true);
	transport->open(&in, shared->room[1], false);
	meet_parties(2);
	start = now_ns();
	for (i = 0; i < round_trips; i++) {
		while (!put_item(transport, &out, i))
			;
		while (!get_item(transport, &in, &value, &whole))
			;
		check_item(whole && value == i);
	}
	return now_ns() - start;
}

/* One way, one by one. */

static void produce_items(const struct transport *transport, uint32_t parties, uint64_t count)
{
	struct end out;
	uint64_t i;

	transport->open(&out, shared->room[0], true);
	meet_parties(parties);
	for (i = 0; i < count; i++) {
		while (!put_item(transport, &out, i)) {
			relax_cpu();
			if (parties > 2)
				sched_yield();
		}
	}
}

static void consume_items(const struct transport *transport, uint32_t parties, uint64_t count)
{
	uint64_t sum = 0;
	uint64_t value;
	struct end in;
	bool whole;
	uint64_t i;

	transport->open(&in, shared->room[0], false);
	meet_parties(parties);
	for (i = 0; i < count; i++) {
		while (!get_item(transport, &in, &value, &whole)) {
			relax_cpu();
			if (parties > 2)
				sched_yield();
		}
		check_item(whole && (parties > 2 || value == i));
		sum += value;
	}
	atomic_fetch_add(&shared->sum, sum);
}

/* One way, in batches. */

static void produce_batches(const struct transport *transport)
{
	_Alignas(8) unsigned char items[BATCH * TRANSPORT_ITEM_MAX];
	struct end out;
	size_t done, n;
	uint64_t i;

	transport->open(&out, shared->room[0], true);
	meet_parties(2);
	for (i = 0; i < item_count; i += BATCH) {
		for (n = 0; n < BATCH; n++)
			set_item(items + n * transport->item, transport->item, i + n);
		for (done = 0; done < BATCH; done += n) {
			n = transport->put_batch(&out, items + done * transport->item,
						 BATCH - done);
			if (!n)
				relax_cpu();
		}
	}
}

static void consume_batches(const struct transport *transport)
{
	_Alignas(8) unsigned char items[BATCH * TRANSPORT_ITEM_MAX];
	struct end in;
	uint64_t i = 0;
	size_t k, n;

	transport->open(&in, shared->room[0], false);
	meet_parties(2);
	while (i < item_count) {
		n = transport->get_batch(&in, items, BATCH);
		if (!n)
			relax_cpu();
		for (k = 0; k < n; k++, i++)
			check_item(item_is(items + k * transport->item, transport->item, i));
	}
}

/* Processes. */

static void finish_child(pid_t pid)
{
	finish_process(pid);
	if (atomic_load(&shared->failed))
		die("what came out isn't what was put in");
}

/* Measurements: nanoseconds for each round trip or item. */

static double measure_lines_by(void (*echo_it)(uint64_t), void (*call_it)(uint64_t))
{
	uint64_t begin;
	pid_t pid;

	start_over();
	pid = start_process(1);
	if (!pid) {
		echo_it(round_trips);
		_exit(0);
	}
	begin = now_ns();
	call_it(round_trips);
	begin = now_ns() - begin;
	finish_child(pid);
	return (double)begin / (double)round_trips;
}

static double measure_line(void)
{
	return measure_lines_by(line_echo, line_call);
}

static double measure_two_lines(void)
{
	return measure_lines_by(lines_echo, lines_call);
}

static double measure_round_trip(const struct transport *transport)
{
	uint64_t time;
	pid_t pid;

	start_over();
	transport->create(shared->room[0]);
	transport->create(shared->room[1]);
	pid = start_process(1);
	if (!pid) {
		echo_items(transport);
		_exit(0);
	}
	time = call_echo(transport);
	finish_child(pid);
	return (double)time / (double)round_trips;
}

static double measure_one_way(const struct transport *transport)
{
	uint64_t begin;
	pid_t pid;

	start_over();
	transport->create(shared->room[0]);
	pid = start_process(1);
	if (!pid) {
		produce_items(transport, 2, item_count);
		_exit(0);
	}
	while (!atomic_load(&shared->ready))
		sched_yield();
	begin = now_ns();
	consume_items(transport, 2, item_count);
	begin = now_ns() - begin;
	finish_child(pid);
	return (double)begin / (double)item_count;
}

static double measure_batches(const struct transport *transport)
{
	uint64_t begin;
	pid_t pid;

	start_over();
	transport->create(shared->room[0]);
	pid = start_process(1);
	if (!pid) {
		produce_batches(transport);
		_exit(0);
	}
	while (!atomic_load(&shared->ready))
		sched_yield();
	begin = now_ns();
	consume_batches(transport);
	begin = now_ns() - begin;
	finish_child(pid);
	return (double)begin / (double)item_count;
}

/* Many producers and as many consumers; beyond two processes they share CPUs. */
static double measure_many(const struct transport *transport, unsigned int side)
{
	uint64_t each = item_count / PROCESSES_MAX / side;
	pid_t pids[2 * PROCESSES_MAX];
	uint64_t begin;
	unsigned int i;

	start_over();
	transport->create(shared->room[0]);
	for (i = 0; i < 2 * side; i++) {
		pids[i] = start_process(i);
		if (!pids[i]) {
			if (i % 2)
				produce_items(transport, 2 * side + 1, each);
			else
				consume_items(transport, 2 * side + 1, each);
			_exit(0);
		}
	}
	meet_parties(2 * side + 1);
	begin = now_ns();
	for (i = 0; i < 2 * side; i++)
		finish_child(pids[i]);
	begin = now_ns() - begin;
	if (atomic_load(&shared->sum) != side * (each * (each - 1) / 2))
		die("what came out isn't what was put in");
	return (double)begin / (double)(each * side);
}

static double measure_many1(const struct transport *transport)
{
	return measure_many(transport, 1);
}

static double measure_many2(const struct transport *transport)
{
	return measure_many(transport, 2);
}

static double measure_many4(const struct transport *transport)
{
	return measure_many(transport, 4);
}

/* The report. */

/*
 * An experiment and its unit: nanoseconds and times the line, or items a second.
 */
struct experiment {
	const char *title;
	double (*measure)(const struct transport *transport);
	bool many;
	bool rate;
	bool batch;
	bool consumers;		/* several */
};

static bool is_wanted(const struct transport *transport, const struct experiment *experiment)
{
	return !!transport->many == experiment->many &&
	       (transport->put_batch || !experiment->batch) &&
	       !(transport->many == MANY_TO_ONE && experiment->consumers);
}

static size_t collect_transports(const struct transport **all, const struct experiment *experiment)
{
	const struct transport *const sets[] = {
		ipcshm_transports, bare_transports, cached_transports, ck_transports,
		dpdk_transports, boost_transports,
	};
	const struct transport *next;
	size_t count = 0;
	size_t i;

	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		for (next = sets[i]; next->name; next++)
			if (is_wanted(next, experiment) && count < TRANSPORTS_MAX)
				all[count++] = next;
	return count;
}

static const struct experiment experiments[] = {
	{ "round trip", measure_round_trip, false, false, false, false },
	{ "one way, one by one", measure_one_way, false, true, false, false },
	{ "one way, batches of 32", measure_batches, false, true, true, false },
	{ "many: round trip", measure_round_trip, true, false, false, false },
	{ "many: one way, batches of 32", measure_batches, true, true, true, false },
	{ "many producers and consumers: 1 + 1 processes", measure_many1, true, true, false, false },
	{ "2 + 2 processes", measure_many2, true, true, false, true },
	{ "4 + 4 processes", measure_many4, true, true, false, true },
};

/* The times of a transport, and their ratios to the times of the lines. */
struct result {
	struct times time, by_line, by_lines;
};

static void print_experiment(const struct experiment *experiment, const struct transport *transport,
			      struct result *result)
{
	double time = median(&result->time);

	printf("  %-18s %3zu B ", transport->name, transport->item);
	if (experiment->rate)
		printf("%8.1f M/s\n", 1000 / time);
	else
		printf("%8.0f ns  %5.2f x line  %5.2f x lines\n", time, median(&result->by_line),
		       median(&result->by_lines));
}

static void run_experiment(const struct experiment *experiment)
{
	static struct result results[TRANSPORTS_MAX];
	static struct times one, two;
	const struct transport *all[TRANSPORTS_MAX];
	size_t count = collect_transports(all, experiment);
	double line, lines, time;
	unsigned int turn;
	size_t i;

	memset(results, 0, sizeof(results));
	one.count = 0;
	two.count = 0;
	for (turn = 0; turn < repetitions; turn++) {
		for (i = 0; i < count; i++) {
			line = measure_line();
			lines = measure_two_lines();
			time = experiment->measure(all[i]);
			add(&one, line);
			add(&two, lines);
			add(&results[i].time, time);
			add(&results[i].by_line, time / line);
			add(&results[i].by_lines, time / lines);
		}
	}
	printf("%s  (to and fro: one line %.0f ns, two lines %.0f ns)\n", experiment->title,
	       median(&one), median(&two));
	for (i = 0; i < count; i++)
		print_experiment(experiment, all[i], &results[i]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc > 1)
		repetitions = (unsigned int)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		round_trips = strtoul(argv[2], NULL, 10);
	if (argc > 3)
		item_count = strtoul(argv[3], NULL, 10) / BATCH * BATCH;
	if (!repetitions || repetitions > REPETITIONS_MAX || !round_trips || !item_count)
		die("usage: speed [REPETITIONS [ROUND_TRIPS [ITEMS [TITLE]]]]");
	shared = share(sizeof(*shared));
	pin(0, 0);
	for (i = 0; i < sizeof(experiments) / sizeof(experiments[0]); i++)
		if (argc < 5 || strstr(experiments[i].title, argv[4]))
			run_experiment(&experiments[i]);
	return EXIT_SUCCESS;
}
