// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: service [ROUNDS]
 *
 * Costs of calls of services, beside the ping-pong of two rings of slots in the same run, and
 * beside calls through a queue if the module is loaded. Each figure is the median of ROUNDS,
 * which are made in turns, so other work on the machine affects all of them alike.
 */
#include <errno.h>
#include <ipcshm-ring.h>
#include <ipcshm-service.h>
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
#define SIZE		64	/* bytes of a request, and of a reply */
#define AREA		(1 << 20)

static double nanoseconds_since(uint64_t start, int turns)
{
	return (double)(ipcshm_deadline(0) - start) / turns;
}

/* Services. */

struct place {
	struct ipcshm_area area;
	struct ipcshm_service service;
	size_t size;
};

static void make_service(struct place *place, struct ipcshm_service_attr attr)
{
	check("size", ipcshm_service_size(&attr, &place->size));
	check("area", ipcshm_area_init_futex(&place->area, map_shared(place->size), place->size,
					     NULL));
	check("create", ipcshm_service_create(&place->area, 0, &attr));
	check("attach", ipcshm_service_attach(&place->service, &place->area, 0, NULL));
}

static void free_service(struct place *place)
{
	void *base = place->area.base;

	ipcshm_area_destroy(&place->area);
	munmap(base, place->size);
}

static void send_call(struct ipcshm_client *client, uint64_t size, const void *copy)
{
	struct ipcshm_service_request request;

	check("loan", ipcshm_client_loan(client, size, &request, IPCSHM_NOW));
	if (copy)
		memcpy(request.data, copy, size);
	check("call", ipcshm_client_call(client, &request, 0));
}

/* Looks for a request until there is one, if @deadline is IPCSHM_NOW. */
static void serve_request(struct ipcshm_server *server, uint64_t size, bool copy, uint64_t deadline)
{
	struct ipcshm_service_request request;
	struct ipcshm_service_reply reply = { 0 };
	int ret;

	do
		ret = ipcshm_server_take(server, &request, deadline);
	while (ret == -EAGAIN);
	check("take", ret);
	check("loan", ipcshm_server_loan(server, &request, size, &reply, IPCSHM_NOW));
	if (copy)
		memcpy(reply.data, request.data, size);
	check("reply", ipcshm_server_reply(server, &request, &reply, 0));
}

static void take_reply(struct ipcshm_client *client, void *copy, uint64_t deadline)
{
	struct ipcshm_service_reply reply = { 0 };
	int ret;

	do
		ret = ipcshm_client_take(client, 0, &reply, deadline);
	while (ret == -EAGAIN);
	check("take", ret);
	if (copy)
		memcpy(copy, reply.data, SIZE);
	check("release", ipcshm_client_release(client, &reply));
}

/* Round trips between two processes; both look without sleeping, or sleep at once. */
static double measure_call(bool sleeps)
{
	const struct ipcshm_service_attr attr = { .max_request_size = SIZE,
						  .max_reply_size = SIZE };
	const uint64_t deadline = sleeps ? IPCSHM_FOREVER : IPCSHM_NOW;
	const int turns = sleeps ? TURNS / 10 : TURNS;
	struct ipcshm_client client;
	struct ipcshm_server server;
	char item[SIZE] = { 0 };
	struct place place;
	uint64_t start;
	double time;
	pid_t pid;
	int i;

	make_service(&place, attr);
	pid = fork();
	if (!pid) {
		run_on(1);
		check("attach", ipcshm_server_attach(&server, &place.service));
		ipcshm_server_set_busy_poll(&server, 0);
		for (i = 0; i <= turns; i++)
			serve_request(&server, SIZE, true, deadline);
		_exit(0);
	}
	run_on(0);
	check("attach", ipcshm_client_attach(&client, &place.service));
	ipcshm_client_set_busy_poll(&client, 0);
	for (i = 0, start = 0; i <= turns; i++) {
		if (i == 1)
			start = ipcshm_deadline(0);
		send_call(&client, SIZE, item);
		take_reply(&client, item, deadline);
	}
	time = nanoseconds_since(start, turns);
	waitpid(pid, NULL, 0);
	free_service(&place);
	return time;
}

/* A whole call by one process, of any size, since nothing is copied. */
static double measure_work(uint64_t size, uint32_t clients)
{
	const struct ipcshm_service_attr attr = { .max_request_size = size, .max_reply_size = size,
						  .clients = clients };
	struct ipcshm_client client;
	struct ipcshm_server server;
	struct place place;
	uint64_t start;
	double time;
	int i;

	run_on(0);
	make_service(&place, attr);
	check("attach", ipcshm_client_attach(&client, &place.service));
	check("attach", ipcshm_server_attach(&server, &place.service));
	for (i = -1000, start = 0; i < TURNS; i++) {
		if (!i)
			start = ipcshm_deadline(0);
		send_call(&client, size, NULL);
		serve_request(&server, size, false, IPCSHM_NOW);
		take_reply(&client, NULL, IPCSHM_NOW);
	}
	time = nanoseconds_since(start, TURNS);
	free_service(&place);
	return time;
}

/* Rings: one for each way. */

static void put_item(struct ipcshm_ring *ring, const void *item, uint64_t deadline)
{
	int ret;

	do
		ret = ipcshm_ring_put(ring, item, SIZE, deadline);
	while (ret == -EAGAIN);
	check("put", ret);
}

static void get_item(struct ipcshm_ring *ring, void *item, uint64_t deadline)
{
	ssize_t ret;

	do
		ret = ipcshm_ring_get(ring, item, SIZE, deadline);
	while (ret == -EAGAIN);
	if (ret < 0)
		die("get", (int)ret);
}

static double measure_rings(bool sleeps)
{
	const struct ipcshm_ring_attr attr = { .layout = IPCSHM_RING_SLOTS, .capacity = 64,
					       .item_size = SIZE };
	const uint64_t deadline = sleeps ? IPCSHM_FOREVER : IPCSHM_NOW;
	const int turns = sleeps ? TURNS / 10 : TURNS;
	void *memory = map_shared(AREA);
	struct ipcshm_ring there, back;
	struct ipcshm_area area;
	char item[SIZE] = { 0 };
	uint64_t start;
	double time;
	pid_t pid;
	int i;

	check("area", ipcshm_area_init_futex(&area, memory, AREA, NULL));
	check("create", ipcshm_ring_create(&area, 0, &attr));
	check("create", ipcshm_ring_create(&area, AREA / 2, &attr));
	pid = fork();
	if (!pid) {
		run_on(1);
		check("attach", ipcshm_ring_attach(&there, &area, 0, IPCSHM_RING_CONSUMER));
		check("attach", ipcshm_ring_attach(&back, &area, AREA / 2, IPCSHM_RING_PRODUCER));
		ipcshm_ring_set_busy_poll(&there, 0);
		for (i = 0; i <= turns; i++) {
			get_item(&there, item, deadline);
			put_item(&back, item, deadline);
		}
		_exit(0);
	}
	run_on(0);
	check("attach", ipcshm_ring_attach(&there, &area, 0, IPCSHM_RING_PRODUCER));
	check("attach", ipcshm_ring_attach(&back, &area, AREA / 2, IPCSHM_RING_CONSUMER));
	ipcshm_ring_set_busy_poll(&back, 0);
	for (i = 0, start = 0; i <= turns; i++) {
		if (i == 1)
			start = ipcshm_deadline(0);
		put_item(&there, item, deadline);
		get_item(&back, item, deadline);
	}
	time = nanoseconds_since(start, turns);
	waitpid(pid, NULL, 0);
	ipcshm_area_destroy(&area);
	munmap(memory, AREA);
	return time;
}

/* Queues. */

static void answer_calls(int device)
{
	int queue = ipcshm_queue_open(device, "bench-service", IPCSHM_READ, 0, NULL);
	struct ipcshm_message message = { 0 };
	char item[SIZE] = { 0 };

	run_on(1);
	while (ipcshm_reply_receive(queue, item, SIZE, item, SIZE, &message, IPCSHM_FOREVER) >= 0)
		;
	_exit(0);
}

static double measure_queue(int device)
{
	struct ipcshm_queue_attr attr = { .max_messages = 16, .max_message_size = SIZE };
	int queue = ipcshm_queue_open(device, "bench-service", IPCSHM_WRITE | IPCSHM_CREATE, 0600,
				      &attr);
	const int turns = TURNS / 10;
	char item[SIZE] = { 0 };
	uint64_t start;
	double time;
	pid_t pid;
	int i;

	if (queue < 0)
		die("queue", queue);
	pid = fork();
	if (!pid)
		answer_calls(device);
	run_on(0);
	for (i = 0, start = 0; i <= turns; i++) {
		if (i == 1)
			start = ipcshm_deadline(0);
		if (ipcshm_call(queue, item, SIZE, item, SIZE, IPCSHM_FOREVER) != SIZE)
			die("call", -EIO);
	}
	time = nanoseconds_since(start, turns);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(queue);
	return time;
}

static void print_ratio(const char *what, const char *figure, const char *other)
{
	if (find_median(other) > 0)
		printf("%-44s %8.1f ns / %8.1f ns = %.2f\n", what, find_median(figure), find_median(other),
		       find_median(figure) / find_median(other));
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 7;
	int device = ipcshm_open();
	int i;

	for (i = 0; i < rounds && i < ROUNDS_MAX; i++) {
		note_figure("rings", measure_rings(false));
		note_figure("call", measure_call(false));
		note_figure("rings, sleeping", measure_rings(true));
		note_figure("call, sleeping", measure_call(true));
		note_figure("work", measure_work(SIZE, 16));
		note_figure("work, 1 MiB", measure_work(1 << 20, 16));
		note_figure("work, 1024 clients", measure_work(SIZE, 1024));
		if (device >= 0)
			note_figure("queue", measure_queue(device));
	}
	print_ratio("64 B and back, spinning / by two rings", "call", "rings");
	print_ratio("64 B and back, sleeping / by two rings", "call, sleeping", "rings, sleeping");
	print_ratio("64 B and back, sleeping / by a queue", "call, sleeping", "queue");
	print_ratio("a call of 1 MiB / of 64 B, one process", "work, 1 MiB", "work");
	print_ratio("rows for 1024 clients / for 16, one process", "work, 1024 clients", "work");
	return 0;
}
