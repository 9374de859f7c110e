/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenarios on regions and queues: functions that make what is there, and operations on that. */
#ifndef IPCSHM_SCENARIOS_H
#define IPCSHM_SCENARIOS_H

#include <poll.h>
#include <sys/prctl.h>

#include "parts.h"

static void set_up_nothing(unsigned int count)
{
	(void)count;
}

static void run_system_calls(void)
{
	int i;

	for (i = 0; i < 200; i++)
		close(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static void set_up_watches(unsigned int count)
{
	int epolls[EPOLLS], i, fd;

	region = make_region("watched", 0);
	for (i = 0; i < EPOLLS; i++)
		epolls[i] = new_epoll();
	while (count--) {
		fd = make_region("watched", 0);
		check_result(ipcshm_region_watch(fd, 0, 4, 0, 0), "watch");
		for (i = 0; i < EPOLLS; i++)
			add_to_epoll(epolls[i], fd);
	}
}

static void run_wake(void)
{
	check_result(ipcshm_region_wake(region, 0, 1), "wake");
}

static void run_region_revoke(void)
{
	struct ipcshm_region_revoke_args args = { 0 };

	ioctl(region, IPCSHM_IOC_REGION_REVOKE, &args);
	usleep(50000);
}

static void set_up_word_sleepers(unsigned int count)
{
	region = make_region(NULL, 0);
	start_sleepers(count, sleep_on_word);
	await_waiters(count);
}

static void run_wake_all(void)
{
	check_result(ipcshm_region_wake(region, 0, INT32_MAX), "wake");
}

static void run_move_all(void)
{
	check_result(ipcshm_region_requeue(region, 0, 64, 4, 0, 0, INT32_MAX), "move");
}

static void set_up_receivers(unsigned int count)
{
	queue = make_queue(NULL, 0, 0);
	start_sleepers(count, sleep_in_receive);
	await_receivers(count);
}

static void run_send_other_type(void)
{
	send_one(queue, 2, 0);
}

static void run_send_batch(void)
{
	static struct ipcshm_message messages[IPCSHM_BATCH_MAX];
	struct ipcshm_batch_args args = {
		.messages = (uintptr_t)messages,
		.count = IPCSHM_BATCH_MAX,
		.flags = IPCSHM_DONTWAIT,
	};
	int i;

	for (i = 0; i < IPCSHM_BATCH_MAX; i++)
		messages[i] = (struct ipcshm_message){
			.data = (uintptr_t)"12345678", .size = 8, .type = 2,
		};
	ioctl(queue, IPCSHM_IOC_QUEUE_SEND_BATCH, &args);
}

static void run_queue_revoke(void)
{
	struct ipcshm_queue_revoke_args args = { 0 };

	ioctl(queue, IPCSHM_IOC_QUEUE_REVOKE, &args);
}

static void set_up_callers(unsigned int count)
{
	queue = make_queue(NULL, 0, 0);
	start_sleepers(count, sleep_in_call);
	await_receivers(count);
}

/* Receivers that have no room for the message. */
static void set_up_narrow_receivers(unsigned int count)
{
	queue = make_queue(NULL, 0, 0);
	start_sleepers(count, sleep_without_room);
	await_receivers(count);
}

/* A server, and a caller whose calls are all interrupted once they were received. */
static int server;
static pthread_t caller;

static void ignore_signal(int number)
{
	(void)number;
}

static void *interrupt_calls(void *count)
{
	unsigned int left = *(unsigned int *)count;
	char byte[8];

	while (left--) {
		if (ipcshm_receive(server, byte, sizeof(byte), NULL, IPCSHM_FOREVER))
			exit_with_error("receive");
		pthread_kill(caller, SIGUSR1);
	}
	return NULL;
}

static void set_up_interrupted_calls(unsigned int count)
{
	const struct sigaction action = { .sa_handler = ignore_signal };
	unsigned int left = count;
	pthread_t thread;

	queue = make_queue("interrupted", 0, 0);
	server = make_queue("interrupted", 0, 0);
	caller = pthread_self();
	if (sigaction(SIGUSR1, &action, NULL) ||
	    pthread_create(&thread, NULL, interrupt_calls, &count))
		exit_with_error("interrupted calls");
	while (left--) {
		struct ipcshm_call_args args = { .deadline = IPCSHM_FOREVER };

		if (!ioctl(queue, IPCSHM_IOC_QUEUE_CALL, &args) || errno != EINTR)
			exit_with_error("call");
	}
	pthread_join(thread, NULL);
}

static void run_server_close(void)
{
	close(server);
}

static void set_up_pollers(unsigned int count)
{
	queue = make_queue(NULL, 0, 0);
	while (count--)
		add_to_epoll(new_epoll(), queue);
}

/* Epoll sets that poll others, as many as eventpoll permits for each descriptor. */
#define NESTED 500U

static void set_up_nested_pollers(unsigned int count)
{
	unsigned int i;
	int inner;

	queue = make_queue("nested", 0, 0);
	for (; count >= NESTED; count -= NESTED) {
		inner = new_epoll();
		add_to_epoll(inner, make_queue("nested", 0, 0));
		for (i = 0; i < NESTED; i++)
			add_to_epoll(new_epoll(), inner);
	}
}

/* With a member that is there before the descriptors are, so that its end closes none of them. */
static pid_t member;

static void set_up_region_pollers(unsigned int count)
{
	region = make_region("polled", 0);
	member = fork();
	if (!member) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, region, 0) == MAP_FAILED)
			exit_with_error("mmap");
		stay_asleep(NULL);
	}
	while (count--)
		add_to_epoll(new_epoll(), region);
}

static void run_death(void)
{
	kill(member, SIGKILL);
	waitpid(member, NULL, 0);
	usleep(50000);
}

/* One descriptor with a watch that many epoll sets poll. */
static void set_up_watch_pollers(unsigned int count)
{
	set_up_region_pollers(count);
	check_result(ipcshm_region_watch(region, 0, 4, 0, 0), "watch");
}

static void run_wake_later(void)
{
	run_wake();
	usleep(50000);
}

static void run_send(void)
{
	send_one(queue, 0, 0);
}

static void set_up_messages(unsigned int count)
{
	queue = make_queue(NULL, 0, 0);
	while (count--)
		send_one(queue, 0, 0);
}

static void set_up_priorities(unsigned int count)
{
	queue = make_queue(NULL, 0, 0);
	while (count--)
		send_one(queue, 0, count);
}

static void run_drain(void)
{
	struct ipcshm_queue_drain_args args = { 0 };

	ioctl(queue, IPCSHM_IOC_QUEUE_DRAIN, &args);
}

static void run_queue_close(void)
{
	close(queue);
}

static void run_receive_batch(void)
{
	static struct ipcshm_message messages[IPCSHM_BATCH_MAX];
	static char data[64];
	struct ipcshm_batch_args args = {
		.messages = (uintptr_t)messages,
		.count = IPCSHM_BATCH_MAX,
		.flags = IPCSHM_DONTWAIT,
	};
	int i;

	for (i = 0; i < IPCSHM_BATCH_MAX; i++)
		messages[i] = (struct ipcshm_message){ .data = (uintptr_t)data, .size = 64 };
	ioctl(queue, IPCSHM_IOC_QUEUE_RECEIVE_BATCH, &args);
}

/* Descriptors of one queue, and a process that has them and ends. */
static void set_up_descriptors(unsigned int count)
{
	queue = make_queue("shared", 0, 0);
	while (count--)
		make_queue("shared", 0, 0);
}

static void run_exec(void)
{
	pid_t child = fork();

	if (!child) {
		execl("/proc/self/exe", "worst-latency", "-x", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
}

static void run_exit(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
}

/* A process that holds a message of each descriptor, and shares its table of them. */
static unsigned int held;
static int holder_pipes[2][2];

static int hold_messages(void *none)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1, .max_message_size = 8, .pool_bytes = 16 << 20,
	};
	unsigned int left = held;
	uint64_t offset;
	char byte;
	int fd;

	(void)none;
	while (left--) {
		fd = check_result(ipcshm_queue_open(device, "held", IPCSHM_READ | IPCSHM_WRITE |
					     IPCSHM_CREATE, 0666, &attr), "queue");
		send_one(fd, 0, 0);
		if (ipcshm_receive_mapped(fd, &offset, NULL, 0) != 8)
			exit_with_error("receive");
	}
	if (write(holder_pipes[0][1], "", 1) != 1 || read(holder_pipes[1][0], &byte, 1) != 1)
		_exit(1);
	_exit(0);
}

static void set_up_holder(unsigned int count)
{
	static char stack[1 << 20];
	char byte;

	held = count;
	if (pipe(holder_pipes[0]) || pipe(holder_pipes[1]) ||
	    clone(hold_messages, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL) < 0 ||
	    read(holder_pipes[0][0], &byte, 1) != 1)
		exit_with_error("holder");
}

static void run_holder_exit(void)
{
	if (write(holder_pipes[1][1], "", 1) != 1)
		exit_with_error("holder");
	wait(NULL);
	usleep(500000);
}

#endif /* IPCSHM_SCENARIOS_H */
