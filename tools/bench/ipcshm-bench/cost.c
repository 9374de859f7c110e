// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipcshm-cost: the cost of single operations, in nanoseconds of the machine's clock.
 *
 * Made for a machine whose clock counts instructions (make bench-cost), where the
 * outcome is the same each time: one processor, and no noise.  On any other machine it
 * prints times, as exact as one process alone can measure them.
 *
 *	ipcshm-cost [operations|calls|depth|receivers|exec|types|profile]...
 *
 * "profile", which is for tools/bench/profile/run, only runs if it is asked for.
 */
#include <errno.h>
#include <ipcshm.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "crowd.h"
#include "mark.h"

#define CAPACITY	64	/* messages that are sent, then received */
#define ROUNDS		40	/* of them, the first ones to warm up */
#define ROUND_TRIPS	1000
#define DEPTH		100000
#define PAIRS		2000	/* sent and received at a depth */
#define RECEIVERS	1000
#define WAKES		200

static int compare_times(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static int compare_samples(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

	return (first > second) - (first < second);
}

static double find_median(double *numbers, size_t count)
{
	qsort(numbers, count, sizeof(*numbers), compare_times);
	return numbers[count / 2];
}

/* Operations: a row of messages is sent, then received, by one process. */

struct cost {
	double send;
	double receive;
};

static void send_row(struct bench_channel *channel, const char *row)
{
	unsigned int done, batch = channel->transport->batch;

	for (done = 0; done < CAPACITY; done += batch) {
		const char *at = row + done * BENCH_STRIDE(channel->shape->size);

		if (channel->transport->send(channel, at, batch) != (int)batch)
			bench_die(channel->transport->name, EIO);
	}
}

static void receive_row(struct bench_channel *channel, char *row, const void **at)
{
	unsigned int done, batch = channel->transport->batch;

	for (done = 0; done < CAPACITY; done += batch) {
		char *room = row + done * BENCH_STRIDE(channel->shape->size);

		if (channel->transport->receive(channel, room, batch, at + done) != (int)batch)
			bench_die(channel->transport->name, EIO);
		if (channel->transport->release)
			channel->transport->release(channel, batch);
	}
}

/* The section between two markers. */
static enum { MARK_NOTHING, MARK_SENDING, MARK_RECEIVING } marked;

static struct cost measure_row(struct bench_channel *channel, char *rows)
{
	size_t size = channel->shape->size, row = CAPACITY * BENCH_STRIDE(size);
	const void *at[CAPACITY];
	uint64_t start, sent, received;
	unsigned int i;

	for (i = 0; i < CAPACITY; i++)
		bench_stamp(rows + i * BENCH_STRIDE(size), size, i);
	start = bench_now();
	if (marked == MARK_SENDING)
		MARK(MARK_BEGIN);
	send_row(channel, rows);
	MARK(MARK_END);
	sent = bench_now();
	if (marked == MARK_RECEIVING)
		MARK(MARK_BEGIN);
	receive_row(channel, rows + row, at);
	MARK(MARK_END);
	received = bench_now();
	for (i = 0; i < CAPACITY; i++)
		if (bench_check(at[i], size) != i)
			bench_die("messages came in another order", EBADMSG);
	return (struct cost){ (double)(sent - start) / CAPACITY,
			      (double)(received - sent) / CAPACITY };
}

/* Memory before a row may be lent to a transport. */
#define LEAD	64

static char *rows_alloc(size_t size)
{
	char *memory = aligned_alloc(64, LEAD + 2 * CAPACITY * BENCH_STRIDE(size));

	if (memory)
		bench_fill(memory + LEAD, 2 * CAPACITY, size);
	else
		bench_die("aligned_alloc", ENOMEM);
	return memory;
}

static int measure_operations(const struct bench_transport *transport,
			      const struct bench_shape *shape, struct cost *cost)
{
	struct bench_channel channel = { .transport = transport, .shape = shape };
	double sends[ROUNDS], receives[ROUNDS];
	int i, err = transport->create(&channel);
	char *rows;

	if (err)
		return err;
	rows = rows_alloc(shape->size);
	if (transport->open)
		transport->open(&channel, false);
	for (i = 0; i < ROUNDS; i++) {
		*cost = measure_row(&channel, rows + LEAD);
		sends[i] = cost->send;
		receives[i] = cost->receive;
	}
	cost->send = find_median(sends + ROUNDS / 2, ROUNDS / 2);
	cost->receive = find_median(receives + ROUNDS / 2, ROUNDS / 2);
	transport->destroy(&channel);
	free(rows);
	return 0;
}

static double measure_round_trip(const struct bench_transport *transport, size_t size)
{
	const struct bench_shape shape = {
		.size = size, .capacity = 4, .senders = 1, .receivers = 1,
		.pattern = BENCH_ROUND_TRIP, .cpus = BENCH_ONE_CPU,
	};
	struct bench_run run;
	size_t i;

	if (bench_measure(transport, &shape, ROUND_TRIPS, &run))
		return 0;
	qsort(run.samples, run.nr_samples, sizeof(*run.samples), compare_samples);
	i = run.nr_samples / 2;
	return run.samples[i];
}

static void print_number(double number)
{
	if (number > 0)
		printf(" %12.0f", number);
	else
		printf(" %12s", "-");
}

/* @place: a column before the others, or NULL */
static void print_operations(const struct bench_transport *transport, size_t size,
			     const char *place)
{
	const struct bench_shape shape = {
		.size = size, .capacity = CAPACITY, .senders = 1, .receivers = 1,
	};
	struct cost cost = { 0, 0 };
	double round_trip = 0;

	if (!(transport->limits & BENCH_NO_ONE_WAY) &&
	    measure_operations(transport, &shape, &cost))
		return;
	if (!(transport->limits & BENCH_NO_ROUND_TRIP))
		round_trip = measure_round_trip(transport, size);
	if (place)
		printf("%-11s ", place);
	printf("%-16s %8zu", transport->name, size);
	print_number(cost.send);
	print_number(cost.receive);
	print_number(cost.send + cost.receive);
	print_number(round_trip);
	putchar('\n');
	fflush(stdout);
}

/* Of the limits, those of a round trip on one CPU. */
static bool is_measured(const struct bench_transport *transport, size_t size)
{
	if (transport->kind != BENCH_LIMIT)
		return !transport->max_size || size <= transport->max_size;
	return transport->limits & BENCH_NO_ONE_WAY && !(transport->limits & BENCH_NO_ONE_CPU);
}

static void print_all_operations(void)
{
	static const struct bench_transport *const tables[] = {
		bench_queues, bench_pipes, bench_sockets, bench_mqs, bench_limits,
	};
	static const size_t sizes[] = { 64, 1024 };
	const struct bench_transport *transport;
	size_t table, size;

	printf("%-16s %8s %12s %12s %12s %12s\n", "operations", "bytes", "send", "receive",
	       "both", "round trip");
	for (size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++)
		for (table = 0; table < sizeof(tables) / sizeof(tables[0]); table++)
			for (transport = tables[table]; transport->name; transport++)
				if (is_measured(transport, sizes[size]))
					print_operations(transport, sizes[size], NULL);
}

/* Messages of more sizes, in the place that the variable PLACE names, such as a cgroup. */

static void print_messages(const struct bench_transport *transport, const char *place)
{
	static const size_t sizes[] = { 8, 64, 256, 1024, 65536 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (is_measured(transport, sizes[i]))
			print_operations(transport, sizes[i], place);
}

static void print_all_messages(void)
{
	const char *place = getenv("PLACE");
	const struct bench_transport *transport;

	place = place ? place : "here";
	printf("\n%-11s %-16s %8s %12s %12s %12s %12s\n", "messages", "", "bytes", "send", "receive",
	       "both", "round trip");
	for (transport = bench_queues; transport->name; transport++)
		if (strcmp(transport->name, "queue-mapped"))
			print_messages(transport, place);
	print_messages(bench_mqs, place);
}

static int queue_open(void)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = IPCSHM_UNBOUNDED,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = 64,
	};
	int device = ipcshm_open(), queue = device;

	if (device >= 0)
		queue = ipcshm_queue_open(device, NULL,
					  IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600, &attr);
	if (queue < 0)
		bench_die("ipcshm_queue_open", queue);
	close(device);
	return queue;
}

/* Calls that do nothing: no operation can cost less than the way to it. */

static void empty_getpid(int queue)
{
	(void)queue;
	syscall(SYS_getpid);
}

static void empty_ioctl(int queue)
{
	if (ioctl(queue, _IO(0, 0), NULL) != -1)
		bench_die("ioctl", EIO);
}

static void empty_read(int queue)
{
	char none;

	if (read(queue, &none, 0))
		bench_die("read", errno);
}

static void print_call(const char *name, void (*empty)(int queue), int queue)
{
	double times[ROUNDS];
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		uint64_t start = bench_now();

		for (i = 0; i < CAPACITY; i++)
			empty(queue);
		times[round] = (double)(bench_now() - start) / CAPACITY;
	}
	printf("%-16s %12.0f\n", name, find_median(times, ROUNDS));
}

static void print_calls(void)
{
	int queue = queue_open();

	printf("\n%-16s %12s\n", "calls", "each");
	print_call("getpid", empty_getpid, queue);
	print_call("ioctl", empty_ioctl, queue);
	print_call("read", empty_read, queue);
	close(queue);
}

/* Depth: a message is sent and one is received, with many others in the queue. */

static uint32_t same_priority(unsigned int i)
{
	(void)i;
	return 5;
}

static uint32_t rising_priority(unsigned int i)
{
	return i % (IPCSHM_PRIORITY_MAX + 1);
}

static uint32_t falling_priority(unsigned int i)
{
	return IPCSHM_PRIORITY_MAX - rising_priority(i);
}

static uint32_t scattered_priority(unsigned int i)
{
	return (i * 2654435761U >> 7) % (IPCSHM_PRIORITY_MAX + 1);
}

static const struct {
	const char *name;
	uint32_t (*priority)(unsigned int i);
} orders[] = {
	{ "same", same_priority },
	{ "rising", rising_priority },
	{ "falling", falling_priority },
	{ "scattered", scattered_priority },
};

static void send_one(int queue, uint32_t priority)
{
	char message[64] = "";
	int err = ipcshm_send(queue, message, sizeof(message), priority, IPCSHM_FOREVER);

	if (err)
		bench_die("ipcshm_send", err);
}

static void receive_one(int queue)
{
	char message[64];
	ssize_t size = ipcshm_receive(queue, message, sizeof(message), NULL, IPCSHM_FOREVER);

	if (size < 0)
		bench_die("ipcshm_receive", (int)size);
}

static double measure_pairs(int queue, uint32_t (*priority)(unsigned int i), unsigned int from)
{
	uint64_t start = bench_now();
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		send_one(queue, priority(from + i));
		receive_one(queue);
	}
	return (double)(bench_now() - start) / PAIRS;
}

static void print_depth(void)
{
	unsigned int order, i;

	printf("\n%-16s %12s %12s %8s\n", "depth, priorities", "1", "100000", "ratio");
	for (order = 0; order < sizeof(orders) / sizeof(orders[0]); order++) {
		int queue = queue_open();
		double shallow, deep;

		send_one(queue, orders[order].priority(0));
		measure_pairs(queue, orders[order].priority, 1);
		shallow = measure_pairs(queue, orders[order].priority, 1);
		for (i = 0; i < DEPTH; i++)
			send_one(queue, orders[order].priority(i));
		deep = measure_pairs(queue, orders[order].priority, DEPTH);
		printf("%-16s %12.0f %12.0f %8.3f\n", orders[order].name, shallow, deep,
		       deep / shallow);
		fflush(stdout);
		ipcshm_queue_drain(queue, NULL);
		close(queue);
	}
}

/* Receivers: one of many that are blocked is woken by each message. */

static int shared_queue, answers;
static atomic_uint woken;

static void *receive_for_ever(void *unused)
{
	for (;;) {
		receive_one(shared_queue);
		atomic_fetch_add(&woken, 1);
		send_one(answers, 0);
	}
	return unused;
}

static void await_blocked(unsigned int count)
{
	struct ipcshm_queue_stat stat;

	do {
		sched_yield();
		if (ipcshm_queue_get_stat(shared_queue, &stat, sizeof(stat)))
			bench_die("ipcshm_queue_get_stat", EIO);
	} while (stat.receivers != count);
}

static double measure_wakes(unsigned int receivers)
{
	double times[WAKES];
	unsigned int i;

	for (i = 0; i < WAKES; i++) {
		uint64_t start;

		await_blocked(receivers);
		atomic_store(&woken, 0);
		start = bench_now();
		send_one(shared_queue, 0);
		receive_one(answers);
		times[i] = (double)(bench_now() - start);
		await_blocked(receivers);
		if (atomic_load(&woken) != 1)
			bench_die("not one receiver was woken", EBADMSG);
	}
	return find_median(times, WAKES);
}

static void start_receivers(unsigned int count)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	for (; count; count--)
		if (pthread_create(&thread, &small, receive_for_ever, NULL))
			bench_die("pthread_create", EAGAIN);
}

static void print_receivers(void)
{
	double one, many;

	shared_queue = queue_open();
	answers = queue_open();
	start_receivers(1);
	measure_wakes(1);
	one = measure_wakes(1);
	start_receivers(RECEIVERS - 1);
	many = measure_wakes(RECEIVERS);
	printf("\n%-16s %12s %12s %8s\n%-16s %12.0f %12.0f %8.3f\n", "blocked receivers", "1", "1000",
	       "ratio", "there and back", one, many, many / one);
}

/* Profile: the same, with markers; a line for each section of the plugin's output. */

static void end_section(const struct bench_transport *transport, const char *what, size_t size,
			unsigned int operations)
{
	MARK(MARK_DUMP);
	printf("section %s %s %zu %u\n", transport->name, what, size, operations);
	fflush(stdout);
}

static void profile_transport(const struct bench_transport *transport, size_t size)
{
	const struct bench_shape shape = {
		.size = size, .capacity = CAPACITY, .senders = 1, .receivers = 1,
	};
	struct cost cost;

	if (!(transport->limits & BENCH_NO_ONE_WAY)) {
		marked = MARK_SENDING;
		if (!measure_operations(transport, &shape, &cost))
			end_section(transport, "send", size, ROUNDS * CAPACITY);
		marked = MARK_RECEIVING;
		if (!measure_operations(transport, &shape, &cost))
			end_section(transport, "receive", size, ROUNDS * CAPACITY);
		marked = MARK_NOTHING;
	}
	if (!(transport->limits & BENCH_NO_ROUND_TRIP)) {
		bench_marked = true;
		measure_round_trip(transport, size);
		bench_marked = false;
		end_section(transport, "round-trip", size, ROUND_TRIPS);
	}
}

static void profile_transports(void)
{
	const struct bench_transport *transport;
	const char *size = getenv("SIZE");

	for (transport = bench_queues; transport->name; transport++)
		profile_transport(transport, size ? strtoul(size, NULL, 0) : 64);
	profile_transport(bench_mqs, size ? strtoul(size, NULL, 0) : 64);
}

static const struct {
	const char *name;
	void (*run)(void);
	bool only_if_asked;
} parts[] = {
	{ "operations", print_all_operations, false },
	{ "calls", print_calls, false },
	{ "depth", print_depth, false },
	{ "receivers", print_receivers, false },
	{ "exec", crowd_exec, false },
	{ "types", crowd_types, false },
	{ "messages", print_all_messages, true },
	{ "profile", profile_transports, true },
};

static bool is_asked_for(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (is_asked_for(parts[i].name, argc, argv) ||
		    (argc == 1 && !parts[i].only_if_asked))
			parts[i].run();
	return 0;
}
