// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does what the tests of the program want to see: actor hold REGION | die REGION | take QUEUE |
 * lease QUEUE | ask QUEUE | publish TOPIC | many COUNT PREFIX | churn PREFIX | flood COUNT
 */
#include <ipcshm-topic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint32_t both = IPCSHM_READ | IPCSHM_WRITE;

static long check_result(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "actor: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

static void join_region(int device, const char *name)
{
	int fd = (int)check_result(ipcshm_region_open(device, name, both, 0, NULL), name);
	void *map;
	size_t size;

	check_result(ipcshm_region_map(fd, both, &map, &size), "map");
}

static void stay_until_killed(void)
{
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

/* A member until it is killed. */
static void hold_region(int device, const char *name)
{
	join_region(device, name);
	stay_until_killed();
}

/* Holds a message, and a request, until it is killed. */
static void take_messages(int device, const char *name)
{
	int fd = (int)check_result(ipcshm_queue_open(device, name, IPCSHM_READ, 0, NULL), name);
	uint64_t offset;
	char request[64];

	check_result(ipcshm_receive_mapped(fd, &offset, NULL, IPCSHM_FOREVER), "receive mapped");
	check_result(ipcshm_receive(fd, request, sizeof(request), NULL, IPCSHM_FOREVER), "receive");
	stay_until_killed();
}

/* Has a message that it does not acknowledge, until it is killed. */
static void lease_message(int device, const char *name)
{
	int fd = (int)check_result(ipcshm_queue_open(device, name, IPCSHM_READ, 0, NULL), name);
	struct ipcshm_transfer_args call = { .deadline = IPCSHM_FOREVER, .flags = IPCSHM_ACK };
	char data[64];

	call.message.data = (uintptr_t)data;
	call.message.size = sizeof(data);
	check_result(ipcshm_receive_transfer(fd, &call, sizeof(call)), "receive");
	stay_until_killed();
}

/* Calls, and waits for the reply. */
static void ask_queue(int device, const char *name)
{
	int fd = (int)check_result(ipcshm_queue_open(device, name, IPCSHM_WRITE, 0, NULL), name);
	char reply[64];

	check_result(ipcshm_call(fd, "?", 1, reply, sizeof(reply), IPCSHM_FOREVER), "call");
}

static int create_object(int device, const char *name, uint64_t number, uint32_t flags)
{
	struct ipcshm_region_attr region = { .size = 4096 };
	struct ipcshm_queue_attr queue = { .max_messages = 8,
					   .max_bytes = 512,
					   .max_message_size = 64 };

	if (number % 2)
		return ipcshm_region_open(device, name, both | IPCSHM_CREATE | flags, 0600,
					  &region);
	return ipcshm_queue_open(device, name, both | IPCSHM_CREATE | flags, 0600, &queue);
}

/* A sample with a user header, which the program cannot make. */
static void publish_sample(int device, const char *name)
{
	struct ipcshm_topic_attr attr = { 0 };
	struct ipcshm_publisher publisher;
	struct ipcshm_sample sample;
	struct ipcshm_topic topic;

	check_result(ipcshm_topic_open(&topic, device, name, 0, 0, &attr, IPCSHM_NOW), name);
	check_result(ipcshm_publisher_attach(&publisher, &topic), "attach");
	check_result(ipcshm_publisher_loan(&publisher, 4, &sample, IPCSHM_FOREVER), "loan");
	memcpy(sample.data, "data", 4);
	memcpy(sample.header, "user header", 11);
	check_result(ipcshm_publisher_publish(&publisher, &sample, IPCSHM_FOREVER), "publish");
}

/* Regions and queues that stay. */
static void create_many(int device, uint64_t count, const char *prefix)
{
	char name[64];

	for (uint64_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s-%llu", prefix, (unsigned long long)i);
		close((int)check_result(create_object(device, name, i, IPCSHM_PERSISTENT), name));
	}
}

/* They come and go until it is killed. */
static void churn_objects(int device, const char *prefix)
{
	int fds[16] = { 0 };
	char name[64];

	for (uint64_t i = 0;; i++) {
		int *fd = &fds[i % 16];

		if (*fd)
			close(*fd);
		snprintf(name, sizeof(name), "%s-%llu", prefix, (unsigned long long)i % 64);
		*fd = (int)check_result(create_object(device, name, i / 64, 0), name);
	}
}

/* Each is created, opened and gone: three events. */
static void flood_events(int device, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		close((int)check_result(create_object(device, NULL, 0, 0), "create"));
}

int main(int argc, char **argv)
{
	int device = (int)check_result(ipcshm_open(), "open /dev/ipcshm");

	if (argc == 3 && !strcmp(argv[1], "hold"))
		hold_region(device, argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "die"))
		join_region(device, argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "take"))
		take_messages(device, argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "lease"))
		lease_message(device, argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "ask"))
		ask_queue(device, argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "publish"))
		publish_sample(device, argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "many"))
		create_many(device, strtoull(argv[2], NULL, 10), argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "churn"))
		churn_objects(device, argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "flood"))
		flood_events(device, strtoull(argv[2], NULL, 10));
	else
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
