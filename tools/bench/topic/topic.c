// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: topic [ROUNDS]
 *
 * The cost of topics, beside rings of slots of the same run. Each figure is the median of ROUNDS,
 * which are made in turns, so other work on the machine affects all of them alike.
 */
#include <errno.h>
#include <ipcshm-ring.h>
#include <ipcshm-topic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/figures.h"

#define TURNS		20000	/* round trips a round */
#define BATCH		32	/* publications between two looks at the clock */
#define BATCHES		1500	/* a round */
#define SAMPLES		(BATCH * BATCHES)
#define CONTROL		(1 << 20)

/* One topic in memory of its own. */
struct place {
	struct ipcshm_area area;
	struct ipcshm_topic topic;
	void *control, *samples;
	size_t size;
};

static void make_topic(struct place *place, struct ipcshm_topic_attr attr)
{
	size_t control;

	check("size", ipcshm_topic_size(&attr, &control, &place->size));
	place->control = map_shared(CONTROL);
	place->samples = map_shared(place->size);
	check("area", ipcshm_area_init_futex(&place->area, place->control, CONTROL, NULL));
	check("create", ipcshm_topic_create(&place->area, 0, &attr));
	check("attach", ipcshm_topic_attach(&place->topic, &place->area, 0, place->samples,
					    place->size, NULL));
}

static void free_topic(struct place *place)
{
	ipcshm_area_destroy(&place->area);
	munmap(place->control, CONTROL);
	munmap(place->samples, place->size);
}

static double seconds_since(uint64_t start)
{
	return (double)(ipcshm_deadline(0) - start) / 1e9;
}

/* Round trips of 64 bytes; both sides spin. */

static void publish_item(struct ipcshm_publisher *publisher, const void *item)
{
	check("send", ipcshm_publisher_send(publisher, item, 64, IPCSHM_FOREVER));
}

static void take_item(struct ipcshm_subscriber *subscriber, void *item)
{
	struct ipcshm_sample sample;
	int ret;

	do
		ret = ipcshm_subscriber_take(subscriber, &sample, IPCSHM_NOW);
	while (ret == -EAGAIN);
	check("take", ret);
	memcpy(item, sample.data, 64);
	check("release", ipcshm_subscriber_release(subscriber, &sample));
}

static void echo_topic(struct place *there, struct place *back)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	char item[64];
	int i;

	run_on(1);
	check("attach", ipcshm_subscriber_attach(&subscriber, &there->topic, 0, 1));
	check("attach", ipcshm_publisher_attach(&publisher, &back->topic));
	for (i = 0; i < TURNS; i++) {
		take_item(&subscriber, item);
		publish_item(&publisher, item);
	}
}

static double measure_topic_turn(void)
{
	const struct ipcshm_topic_attr attr = { .max_sample_size = 64, .publishers = 1,
						.subscribers = 1 };
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	struct place there, back;
	char item[64] = { 0 };
	uint64_t start;
	double time;
	pid_t pid;
	int i;

	make_topic(&there, attr);
	make_topic(&back, attr);
	pid = fork();
	if (!pid) {
		echo_topic(&there, &back);
		_exit(0);
	}
	run_on(0);
	check("attach", ipcshm_subscriber_attach(&subscriber, &back.topic, 0, 1));
	check("attach", ipcshm_publisher_attach(&publisher, &there.topic));
	check("wait", ipcshm_topic_wait(&there.topic, 1, 1, IPCSHM_FOREVER));
	start = ipcshm_deadline(0);
	for (i = 0; i < TURNS; i++) {
		publish_item(&publisher, item);
		take_item(&subscriber, item);
	}
	time = seconds_since(start) / TURNS / 2;
	waitpid(pid, NULL, 0);
	ipcshm_publisher_detach(&publisher);
	free_topic(&there);
	free_topic(&back);
	return time * 1e9;
}

static void put_item(struct ipcshm_ring *ring, const void *item)
{
	int ret;

	do
		ret = ipcshm_ring_put(ring, item, 64, IPCSHM_NOW);
	while (ret == -EAGAIN);
	check("put", ret);
}

static void get_item(struct ipcshm_ring *ring, void *item)
{
	ssize_t ret;

	do
		ret = ipcshm_ring_get(ring, item, 64, IPCSHM_NOW);
	while (ret == -EAGAIN);
	if (ret < 0)
		die("get", (int)ret);
}

static double measure_ring_turn(void)
{
	const struct ipcshm_ring_attr attr = { .layout = IPCSHM_RING_SLOTS, .capacity = 64,
					       .item_size = 64 };
	struct ipcshm_area area;
	struct ipcshm_ring there, back;
	char item[64] = { 0 };
	uint64_t start;
	void *memory = map_shared(CONTROL);
	double time;
	pid_t pid;
	int i;

	check("area", ipcshm_area_init_futex(&area, memory, CONTROL, NULL));
	check("create", ipcshm_ring_create(&area, 0, &attr));
	check("create", ipcshm_ring_create(&area, CONTROL / 2, &attr));
	pid = fork();
	if (!pid) {
		run_on(1);
		check("attach", ipcshm_ring_attach(&there, &area, 0, IPCSHM_RING_CONSUMER));
		check("attach", ipcshm_ring_attach(&back, &area, CONTROL / 2, IPCSHM_RING_PRODUCER));
		for (i = 0; i < TURNS; i++) {
			get_item(&there, item);
			put_item(&back, item);
		}
		_exit(0);
	}
	run_on(0);
	check("attach", ipcshm_ring_attach(&there, &area, 0, IPCSHM_RING_PRODUCER));
	check("attach", ipcshm_ring_attach(&back, &area, CONTROL / 2, IPCSHM_RING_CONSUMER));
	put_item(&there, item);
	get_item(&back, item);
	start = ipcshm_deadline(0);
	for (i = 1; i < TURNS; i++) {
		put_item(&there, item);
		get_item(&back, item);
	}
	time = seconds_since(start) / (TURNS - 1) / 2;
	waitpid(pid, NULL, 0);
	ipcshm_area_destroy(&area);
	munmap(memory, CONTROL);
	return time * 1e9;
}

/* The publisher's cost per sample, with so many subscribers, which take now and then. */
static double measure_publishing(uint32_t subscribers, unsigned int every)
{
	const struct ipcshm_topic_attr attr = { .max_sample_size = 64, .history = 64,
						.publishers = 1, .subscribers = 8 };
	struct ipcshm_subscriber handles[8];
	struct ipcshm_publisher publisher;
	struct ipcshm_sample sample;
	struct place place;
	char item[64] = { 0 };
	uint64_t start, time = 0;
	unsigned int i, k;

	run_on(0);
	make_topic(&place, attr);
	check("attach", ipcshm_publisher_attach(&publisher, &place.topic));
	for (i = 0; i < subscribers; i++)
		check("attach", ipcshm_subscriber_attach(&handles[i], &place.topic, 0, 0));
	for (i = 0; i < BATCHES; i++) {
		start = ipcshm_deadline(0);
		for (k = 0; k < BATCH; k++)
			publish_item(&publisher, item);
		time += ipcshm_deadline(0) - start;
		for (k = 0; k < subscribers && i % every == 0; k++) {
			check("latest", ipcshm_subscriber_latest(&handles[k], &sample));
			check("release", ipcshm_subscriber_release(&handles[k], &sample));
		}
	}
	ipcshm_publisher_detach(&publisher);
	free_topic(&place);
	return (double)time / SAMPLES;
}

/* Loan, publish, take and release, by one process: of any size, since nothing is copied. */
static double measure_loan(uint64_t size)
{
	const struct ipcshm_topic_attr attr = { .max_sample_size = size, .history = 4,
						.publishers = 1, .subscribers = 1 };
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	struct ipcshm_sample sample;
	struct place place;
	uint64_t start;
	double time;
	int i;

	run_on(0);
	make_topic(&place, attr);
	check("attach", ipcshm_publisher_attach(&publisher, &place.topic));
	check("attach", ipcshm_subscriber_attach(&subscriber, &place.topic, 0, 0));
	for (i = -1000, start = 0; i < SAMPLES; i++) {
		if (!i)
			start = ipcshm_deadline(0);
		check("loan", ipcshm_publisher_loan(&publisher, size, &sample, IPCSHM_NOW));
		check("publish", ipcshm_publisher_publish(&publisher, &sample, IPCSHM_NOW));
		check("take", ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
		check("release", ipcshm_subscriber_release(&subscriber, &sample));
	}
	time = seconds_since(start) / SAMPLES;
	ipcshm_publisher_detach(&publisher);
	free_topic(&place);
	return time * 1e9;
}

/* Hand-over of a large record by a ring, without looking at it. */
static double measure_ring_record(size_t size)
{
	const struct ipcshm_ring_attr attr = { .layout = IPCSHM_RING_RECORDS, .capacity = 8 << 20 };
	size_t bytes = 16 << 20;
	struct ipcshm_area area;
	struct ipcshm_ring in, out;
	void *memory = map_shared(bytes), *data;
	const void *peeked;
	uint64_t start;
	double time;
	int i;

	run_on(0);
	check("area", ipcshm_area_init_futex(&area, memory, bytes, NULL));
	check("create", ipcshm_ring_create(&area, 0, &attr));
	check("attach", ipcshm_ring_attach(&in, &area, 0, IPCSHM_RING_PRODUCER));
	check("attach", ipcshm_ring_attach(&out, &area, 0, IPCSHM_RING_CONSUMER));
	for (i = -1000, start = 0; i < SAMPLES; i++) {
		if (!i)
			start = ipcshm_deadline(0);
		check("reserve", ipcshm_ring_reserve(&in, size, &data, IPCSHM_NOW));
		check("commit", ipcshm_ring_commit(&in, size));
		if (ipcshm_ring_peek(&out, &peeked, IPCSHM_NOW) < 0)
			die("peek", -5);
		check("release", ipcshm_ring_release(&out));
	}
	time = seconds_since(start) / SAMPLES;
	ipcshm_area_destroy(&area);
	munmap(memory, bytes);
	return time * 1e9;
}

static void print_ratio(const char *what, const char *figure, const char *other, double target)
{
	printf("%-52s %8.1f ns / %8.1f ns = %.2f (target %.2f)\n", what, find_median(figure),
	       find_median(other), find_median(figure) / find_median(other), target);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 7;
	int i;

	for (i = 0; i < rounds && i < ROUNDS_MAX; i++) {
		note_figure("ring", measure_ring_turn());
		note_figure("topic", measure_topic_turn());
		note_figure("publish 1", measure_publishing(1, 4));
		note_figure("publish 8", measure_publishing(8, 4));
		note_figure("publish 1, a slow reader", measure_publishing(1, 40));
		note_figure("publish 0", measure_publishing(0, 1));
		note_figure("loan 64", measure_loan(64));
		note_figure("loan 1 MiB", measure_loan(1 << 20));
		note_figure("loan 16 MiB", measure_loan(16 << 20));
		note_figure("record 1 MiB", measure_ring_record(1 << 20));
	}
	print_ratio("64 B to a spinning subscriber / ring of slots", "topic", "ring", 1.3);
	print_ratio("publishing to 8 subscribers / to 1", "publish 8", "publish 1", 1.15);
	print_ratio("publishing to a slow lossy reader / to none", "publish 1, a slow reader",
		    "publish 0", 1.05);
	print_ratio("loan of 1 MiB / of 64 B", "loan 1 MiB", "loan 64", 1.1);
	print_ratio("loan of 16 MiB / of 64 B", "loan 16 MiB", "loan 64", 1.1);
	print_ratio("1 MiB by loan / ring's hand-over", "loan 1 MiB", "record 1 MiB", 1.5);
	return 0;
}
