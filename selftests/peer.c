// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program that the tests execute: it checks the effects of exec, and that programs
 * which share only a name can co-operate.  Exits with 0 if all checks pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM	4096

static int report_failure(const char *what, long result)
{
	fprintf(stderr, "# peer: %s: %s\n", what, strerror((int)-result));
	return 1;
}

/* Adds one to the first word of a region. */
static int add_one(int fd)
{
	size_t size;
	void *map;
	int result = ipcshm_region_map(fd, IPCSHM_READ | IPCSHM_WRITE, &map, &size);

	if (result)
		return report_failure("map", result);
	__atomic_fetch_add((uint32_t *)map, 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* region NAME: add to a region opened by name */
static int open_and_add(char **arguments)
{
	int fd = ipcshm_region_open(ipcshm_open(), arguments[0], IPCSHM_READ | IPCSHM_WRITE, 0,
				    NULL);

	return fd < 0 ? report_failure(arguments[0], fd) : add_one(fd);
}

/* region-fd NUMBER: add to a region that was inherited */
static int add_to_inherited(char **arguments)
{
	return add_one(atoi(arguments[0]));
}

/* closed NUMBER: there is no such descriptor here */
static int check_closed(char **arguments)
{
	return fcntl(atoi(arguments[0]), F_GETFD) == -1 && errno == EBADF ? 0 : 1;
}

/* echo FROM TO: receive one message and send it on, both queues opened by name */
static int echo_message(char **arguments)
{
	struct ipcshm_message message;
	int device = ipcshm_open();
	int from = ipcshm_queue_open(device, arguments[0], IPCSHM_READ, 0, NULL);
	int to = ipcshm_queue_open(device, arguments[1], IPCSHM_WRITE, 0, NULL);
	char data[ROOM];
	ssize_t size;
	int result;

	if (from < 0)
		return report_failure(arguments[0], from);
	if (to < 0)
		return report_failure(arguments[1], to);
	size = ipcshm_receive(from, data, sizeof(data), &message, IPCSHM_FOREVER);
	if (size < 0)
		return report_failure("receive", size);
	result = ipcshm_send(to, data, (size_t)size, message.priority, IPCSHM_FOREVER);
	return result ? report_failure("send", result) : 0;
}

/* send-fd NUMBER TEXT: send TEXT to a queue that was inherited */
static int send_to_inherited(char **arguments)
{
	int result = ipcshm_send(atoi(arguments[0]), arguments[1], strlen(arguments[1]), 0,
				 IPCSHM_FOREVER);

	return result ? report_failure("send", result) : 0;
}

/* pause: wait to be killed */
static int wait_for_signal(char **arguments)
{
	(void)arguments;
	return pause();
}

static const struct {
	const char *name;
	int arguments;
	int (*run)(char **arguments);
} commands[] = {
	{ "region", 1, open_and_add },
	{ "region-fd", 1, add_to_inherited },
	{ "closed", 1, check_closed },
	{ "echo", 2, echo_message },
	{ "send-fd", 2, send_to_inherited },
	{ "pause", 0, wait_for_signal },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc == commands[i].arguments + 2 && !strcmp(argv[1], commands[i].name))
			return commands[i].run(argv + 2);
	fprintf(stderr, "# peer: no such command\n");
	return 2;
}
