/* SPDX-License-Identifier: GPL-2.0-only */
/* The measurement of lateness, and parts that scenarios share. */
#ifndef IPCSHM_PARTS_H
#define IPCSHM_PARTS_H

#include <errno.h>
#include <fcntl.h>
#include <ipcshm.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PERIOD		50000ULL	/* nanoseconds */
#define USER		1001
#define DESCRIPTORS	200000
#define EPOLLS		8
#define STACK		(16 << 10)

static struct {
	bool stop;
	uint64_t worst;
} *clockwork;				/* shared with the processes of a scenario */

static unsigned int divisor = 1;

static void exit_with_error(const char *what)
{
	perror(what);
	_exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The real-time task. */

static void watch_the_clock(void)
{
	struct sched_param parameters = { .sched_priority = 50 };
	struct timespec until;
	uint64_t due, late;

	if (sched_setscheduler(0, SCHED_FIFO, &parameters))
		exit_with_error("SCHED_FIFO");
	for (due = now_ns() + PERIOD; !clockwork->stop; due = now_ns() + PERIOD) {
		until.tv_sec = (time_t)(due / 1000000000);
		until.tv_nsec = (long)(due % 1000000000);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		late = now_ns() - due;
		if (late > clockwork->worst)
			clockwork->worst = late;
	}
	_exit(0);
}

static pid_t watcher;

static void begin_measurement(void)
{
	clockwork->stop = false;
	clockwork->worst = 0;
	watcher = fork();
	if (watcher < 0)
		exit_with_error("fork");
	if (!watcher)
		watch_the_clock();
	usleep(2000);
	clockwork->worst = 0;
}

static uint64_t end_measurement(void)
{
	usleep(2000);
	clockwork->stop = true;
	waitpid(watcher, NULL, 0);
	return clockwork->worst;
}

/* Parts of scenarios. */

static int device;

static void be_a_user(void)
{
	if (setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
		exit_with_error("setresuid");
	device = open("/dev/ipcshm", O_RDWR | O_CLOEXEC);
	if (device < 0)
		exit_with_error("/dev/ipcshm");
}

static int check_result(int result, const char *what)
{
	if (result < 0) {
		errno = -result;
		exit_with_error(what);
	}
	return result;
}

static int make_region(const char *name, uint32_t flags)
{
	struct ipcshm_region_attr attr = { .size = 4096 };

	return check_result(ipcshm_region_open(device, name, flags | IPCSHM_READ | IPCSHM_WRITE |
					       IPCSHM_CREATE, 0666, &attr), "region");
}

static int make_queue(const char *name, uint32_t flags, uint32_t overflow)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = IPCSHM_UNBOUNDED,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = 64,
		.overflow = overflow,
	};

	return check_result(ipcshm_queue_open(device, name, flags | IPCSHM_READ | IPCSHM_WRITE |
					      IPCSHM_CREATE, 0666, &attr), "queue");
}

static void send_one(int queue, uint64_t type, uint32_t priority)
{
	check_result(ipcshm_send_typed(queue, "12345678", 8, type, priority, 0), "send");
}

static void add_to_epoll(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLPRI };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		exit_with_error("epoll_ctl");
}

static int new_epoll(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		exit_with_error("epoll_create1");
	return epoll;
}

/* In namespaces of the user's own. */
static void be_alone(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		exit_with_error("unshare");
	device = open("/dev/ipcshm", O_RDWR | O_CLOEXEC);
	if (device < 0)
		exit_with_error("/dev/ipcshm");
}

/* A thread each that sleeps in the kernel; ends with the process. */
static void start_sleepers(unsigned int count, void *(*sleep)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	while (count--)
		if (pthread_create(&thread, &attr, sleep, NULL))
			exit_with_error("pthread_create");
}

static int region, queue;

/* The end of thousands of threads at once is not what is measured. */
static void *stay_asleep(void *none)
{
	for (;;)
		pause();
	return none;
}

static void *sleep_on_word(void *none)
{
	ipcshm_region_wait(region, 0, 4, 0, 0, IPCSHM_FOREVER);
	return stay_asleep(none);
}

static void *sleep_in_receive(void *none)
{
	char byte[8];

	ipcshm_receive_typed(queue, byte, sizeof(byte), 1, IPCSHM_TYPE_EQUAL, NULL, IPCSHM_FOREVER);
	return stay_asleep(none);
}

static void *sleep_without_room(void *none)
{
	char byte;

	ipcshm_receive(queue, &byte, 1, NULL, IPCSHM_FOREVER);
	return stay_asleep(none);
}

static void *sleep_in_call(void *none)
{
	struct ipcshm_call_args args = { .deadline = IPCSHM_FOREVER };

	ioctl(queue, IPCSHM_IOC_QUEUE_CALL, &args);
	return stay_asleep(none);
}

static void await_waiters(unsigned int count)
{
	struct ipcshm_region_stat stat;

	do
		usleep(1000);
	while (!ipcshm_region_get_stat(region, &stat, sizeof(stat)) && stat.waiters < count);
}

static void await_receivers(unsigned int count)
{
	struct ipcshm_queue_stat stat;

	do
		usleep(1000);
	while (!ipcshm_queue_get_stat(queue, &stat, sizeof(stat)) &&
	       stat.receivers + stat.calls < count);
}

#endif /* IPCSHM_PARTS_H */
