// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * POSIX message queues: mq_notify().
 *
 * A registration is a region whose name holds the queue's number: the kernel lets one process
 * create it, and removes it when that process ends, however it ends. A child does not inherit
 * it. A thread waits until a message arrives in the empty queue, and delivers the notification.
 *
 * The lock is held with all signals blocked, so a handler may register again, and without
 * cancellation.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compat.h"

#define STACK_SIZE (128 << 10)

/**
 * struct registration - a queue that the process has registered for
 * @next: the next one
 * @queue: the queue's number
 * @serial: number of the registration, for epoll
 * @fd: the thread's descriptor of the queue
 * @claim: the mapping of the region, which holds the registration
 * @claim_size: its size
 * @event: the notification; its attributes are @attributes or NULL
 * @attributes: a copy of those of the thread to start
 * @seen: the queue when the thread last looked at it
 */
struct registration {
	struct registration *next;
	uint64_t queue;
	uint64_t serial;
	int fd;
	void *claim;
	size_t claim_size;
	struct sigevent event;
	pthread_attr_t attributes;
	struct ipcshm_queue_stat seen;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct registration *registrations;
static atomic_uint count;
static uint64_t last_serial;
static int epoll_fd = -1;

/* What the thread that takes the lock had before. */
struct saved {
	sigset_t mask;
	int cancel;
};

static void lock_all(struct saved *saved)
{
	sigset_t all;

	sigfillset(&all);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &saved->cancel);
	pthread_sigmask(SIG_SETMASK, &all, &saved->mask);
	pthread_mutex_lock(&lock);
}

static void unlock_all(const struct saved *saved)
{
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, &saved->mask, NULL);
	pthread_setcancelstate(saved->cancel, NULL);
}

/* Registrations. */

/* Map the region that stands for the registration. Returns 0 or -errno; -EBUSY: it exists. */
static int claim(struct registration *registration)
{
	const uint32_t flags = IPCSHM_READ | IPCSHM_CREATE | IPCSHM_EXCLUSIVE;
	struct ipcshm_region_attr attr = { .size = 1, .max_members = 1 };
	int device = compat_device_open(), fd, ret;
	char name[64];

	if (device < 0)
		return device;
	snprintf(name, sizeof(name), "mq_notify-%" PRIu64, registration->queue);
	fd = ipcshm_region_open(device, name, flags, 0444, &attr);
	close(device);
	if (fd < 0)
		return fd == -EEXIST ? -EBUSY : fd;
	ret = ipcshm_region_map(fd, IPCSHM_READ | IPCSHM_MAP_DONTFORK, &registration->claim,
				&registration->claim_size);
	close(fd);
	return ret;
}

/* A descriptor that the program sends through cannot see messages arrive. */
static int open_readable(uint64_t queue)
{
	struct ipcshm_queue_attr attr = { .id = queue };
	int device = compat_device_open(), fd, moved;

	if (device < 0)
		return device;
	fd = ipcshm_queue_open(device, NULL, IPCSHM_READ | IPCSHM_BY_ID, 0, &attr);
	close(device);
	if (fd < 0)
		return fd;
	moved = compat_move(fd);
	close(fd);
	return moved;
}

static int open_watched(mqd_t mqdes, uint64_t queue)
{
	int flags = fcntl(mqdes, F_GETFL);

	if (flags < 0)
		return -errno;
	return (flags & O_ACCMODE) == O_WRONLY ? open_readable(queue) : compat_move(mqdes);
}

/* Return whether a descriptor, which the program can have closed, is still the queue's. */
static bool is_queue(int fd, uint64_t queue)
{
	struct ipcshm_queue_stat stat;

	return compat_queue_stat(fd, &stat) == 0 && stat.stat.id == queue;
}

static void destroy(struct registration *registration)
{
	if (is_queue(registration->fd, registration->queue))
		close(registration->fd);
	if (registration->claim)
		munmap(registration->claim, registration->claim_size);
	if (registration->event.sigev_notify_attributes)
		pthread_attr_destroy(&registration->attributes);
	free(registration);
}

/* Return the link to the registration for a queue, or to NULL. */
static struct registration **find(uint64_t queue)
{
	struct registration **link = &registrations;

	while (*link && (*link)->queue != queue)
		link = &(*link)->next;
	return link;
}

static void drop(struct registration **link)
{
	struct registration *registration = *link;

	*link = registration->next;
	atomic_fetch_sub(&count, 1);
	destroy(registration);
}

/* Copy what can be read of attributes, which the caller may destroy. Returns 0 or an errno. */
static int copy_attributes(const pthread_attr_t *from, pthread_attr_t *to)
{
	struct sched_param parameters;
	size_t guard, size;
	int value, ret = pthread_attr_init(to);
	void *stack;

	if (ret)
		return ret;
	if (!pthread_attr_getguardsize(from, &guard))
		pthread_attr_setguardsize(to, guard);
	/* Without a stack of its own, its end is NULL. */
	if (!pthread_attr_getstack(from, &stack, &size) && (uintptr_t)stack + size)
		pthread_attr_setstack(to, stack, size);
	else if (!pthread_attr_getstacksize(from, &size))
		pthread_attr_setstacksize(to, size);
	if (!pthread_attr_getschedpolicy(from, &value))
		pthread_attr_setschedpolicy(to, value);
	if (!pthread_attr_getschedparam(from, &parameters))
		pthread_attr_setschedparam(to, &parameters);
	if (!pthread_attr_getinheritsched(from, &value))
		pthread_attr_setinheritsched(to, value);
	return 0;
}

/* Deliveries. */

/* The sender of the next message, for siginfo_t. Unknown if the message is gone. */
static void find_sender(const struct registration *registration, siginfo_t *info)
{
	size_t room = (size_t)registration->seen.max_message_size;
	struct ipcshm_transfer_args args = {
		.message.size = room,
		.flags = IPCSHM_DONTWAIT | IPCSHM_PEEK,
	};
	void *data = malloc(room);

	args.message.data = (uintptr_t)data;
	if (data && ipcshm_receive_transfer(registration->fd, &args, sizeof(args)) >= 0) {
		info->si_pid = (pid_t)args.message.pid;
		info->si_uid = args.message.uid;
	}
	free(data);
}

static void send_signal(const struct registration *registration)
{
	siginfo_t info = { .si_signo = registration->event.sigev_signo, .si_code = SI_MESGQ };

	info.si_value = registration->event.sigev_value;
	find_sender(registration, &info);
	if (info.si_signo)
		syscall(SYS_rt_sigqueueinfo, getpid(), info.si_signo, &info);
}

static void *run_function(void *argument)
{
	struct sigevent event = *(struct sigevent *)argument;
	sigset_t none;

	free(argument);
	pthread_detach(pthread_self());
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	event.sigev_notify_function(event.sigev_value);
	return NULL;
}

static void start_thread(struct registration *registration)
{
	bool own = registration->event.sigev_notify_attributes;
	struct sigevent *event = malloc(sizeof(*event));
	pthread_t thread;

	if (!event)
		return;
	*event = registration->event;
	if (pthread_create(&thread, own ? &registration->attributes : NULL, run_function, event))
		free(event);
}

static void deliver(struct registration *registration)
{
	switch (registration->event.sigev_notify) {
	case SIGEV_SIGNAL:
		send_signal(registration);
		break;
	case SIGEV_THREAD:
		start_thread(registration);
		break;
	}
}

/*
 * Return whether a message arrived in the empty queue and is there, as far as the counts show. If
 * it was not empty before, all of its messages must have left since.
 */
static bool has_arrived(const struct ipcshm_queue_stat *before, const struct ipcshm_queue_stat *now)
{
	uint64_t sent = now->sent - before->sent;
	uint64_t left = before->messages + sent - now->messages;

	return sent && now->messages && left >= before->messages;
}

/* The registration may be gone, and its place taken by another one, since epoll reported it. */
static struct registration **find_serial(uint64_t serial)
{
	struct registration **link = &registrations;

	while (*link && (*link)->serial != serial)
		link = &(*link)->next;
	return link;
}

/* The registration ends before its notification can be seen, so a handler can register again. */
static void look(uint64_t serial)
{
	struct registration **link = find_serial(serial), *registration = *link;
	struct ipcshm_queue_stat now;

	if (!registration)
		return;
	if (compat_queue_stat(registration->fd, &now) < 0 || now.stat.id != registration->queue) {
		drop(link);
		return;
	}
	if (!has_arrived(&registration->seen, &now)) {
		registration->seen = now;
		return;
	}
	*link = registration->next;
	atomic_fetch_sub(&count, 1);
	munmap(registration->claim, registration->claim_size);
	registration->claim = NULL;
	deliver(registration);
	destroy(registration);
}

/* The thread, with all signals blocked. It goes on without a descriptor that the program closed. */
static void *watch(void *argument)
{
	int fd = (int)(intptr_t)argument, ready;
	struct epoll_event event;
	struct saved saved;

	for (;;) {
		ready = epoll_wait(fd, &event, 1, -1);
		if (ready < 0 && errno != EINTR)
			return NULL;
		if (ready <= 0)
			continue;
		lock_all(&saved);
		look(event.data.u64);
		unlock_all(&saved);
	}
}

/* Fork: the thread and the registrations stay with the parent. */

static struct saved before_fork;

static void prepare_fork(void)
{
	struct saved saved;

	lock_all(&saved);
	before_fork = saved;
}

static void after_fork(void)
{
	struct saved saved = before_fork;

	unlock_all(&saved);
}

/* The child has no mapping of a claim. */
static void after_fork_in_child(void)
{
	struct registration *registration;

	while ((registration = registrations) != NULL) {
		registrations = registration->next;
		registration->claim = NULL;
		destroy(registration);
	}
	atomic_store(&count, 0);
	if (epoll_fd >= 0)
		close(epoll_fd);
	epoll_fd = -1;
	after_fork();
}

static void handle_fork(void)
{
	pthread_atfork(prepare_fork, after_fork, after_fork_in_child);
}

/* Start a thread, and set epoll_fd. Returns 0 or -errno. */
static int start_watching(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int fd = epoll_create1(EPOLL_CLOEXEC), moved, ret;
	pthread_attr_t attributes;
	pthread_t thread;

	if (fd < 0)
		return -errno;
	moved = compat_move(fd);
	close(fd);
	if (moved < 0)
		return moved;
	pthread_once(&once, handle_fork);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	ret = pthread_create(&thread, &attributes, watch, (void *)(intptr_t)moved);
	pthread_attr_destroy(&attributes);
	if (ret)
		close(moved);
	else
		epoll_fd = moved;
	return -ret;
}

/* Add the registration to the thread's set; with a new thread if the program closed the set. */
static int watch_queue(struct registration *registration)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = registration->serial };
	int ret;

	if (epoll_fd >= 0 && !epoll_ctl(epoll_fd, EPOLL_CTL_ADD, registration->fd, &event))
		return 0;
	ret = start_watching();
	if (!ret && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, registration->fd, &event))
		ret = -errno;
	return ret;
}

static int set_event(struct registration *registration, const struct sigevent *event)
{
	int ret = 0;

	registration->event = *event;
	if (event->sigev_notify != SIGEV_THREAD)
		registration->event.sigev_notify_attributes = NULL;
	if (registration->event.sigev_notify_attributes) {
		ret = copy_attributes(event->sigev_notify_attributes, &registration->attributes);
		if (ret)
			registration->event.sigev_notify_attributes = NULL;
	}
	return -ret;
}

/* The state that @seen starts from is read after the thread would see a change. */
static int fill(struct registration *registration, mqd_t mqdes, const struct sigevent *event)
{
	int ret = set_event(registration, event);

	if (!ret)
		ret = claim(registration);
	if (ret)
		return ret;
	registration->fd = open_watched(mqdes, registration->queue);
	if (registration->fd < 0)
		return registration->fd;
	ret = watch_queue(registration);
	if (ret)
		return ret;
	return compat_queue_stat(registration->fd, &registration->seen);
}

/* An older registration is over if the program closed the thread's descriptor. */
static int add(mqd_t mqdes, uint64_t queue, const struct sigevent *event)
{
	struct registration **link = find(queue), *registration;
	int ret;

	if (*link && is_queue((*link)->fd, queue))
		return -EBUSY;
	if (*link)
		drop(link);
	registration = calloc(1, sizeof(*registration));
	if (!registration)
		return -ENOMEM;
	registration->queue = queue;
	registration->serial = ++last_serial;
	registration->fd = -1;
	ret = fill(registration, mqdes, event);
	if (ret) {
		destroy(registration);
		return ret == -EDQUOT ? -ENOMEM : ret;
	}
	registration->next = registrations;
	registrations = registration;
	atomic_fetch_add(&count, 1);
	return 0;
}

static bool event_is_valid(const struct sigevent *event)
{
	switch (event->sigev_notify) {
	case SIGEV_SIGNAL:
		return event->sigev_signo >= 0 && event->sigev_signo < _NSIG;
	case SIGEV_NONE:
	case SIGEV_THREAD:
		return true;
	default:
		return false;
	}
}

static void end_registration(uint64_t queue)
{
	struct registration **link = find(queue);

	if (*link)
		drop(link);
}

int mq_notify(mqd_t mqdes, const struct sigevent *notification)
{
	struct ipcshm_queue_stat stat;
	struct saved saved;
	int ret = 0;

	if (notification && !event_is_valid(notification))
		return compat_fail(EINVAL);
	ret = compat_queue_stat(mqdes, &stat);
	if (compat_is_foreign(mqdes, ret))
		return COMPAT_LIBC(mq_notify, mqdes, notification);
	if (ret < 0)
		return compat_fail(-ret);
	lock_all(&saved);
	if (notification)
		ret = add(mqdes, stat.stat.id, notification);
	else
		end_registration(stat.stat.id);
	unlock_all(&saved);
	return compat_result(ret);
}

/* As with the kernel's message queues, any descriptor of the queue ends the notification. */
void compat_notify_close(int fd)
{
	struct ipcshm_queue_stat stat;
	struct saved saved;

	if (!atomic_load(&count) || compat_queue_stat(fd, &stat) < 0)
		return;
	lock_all(&saved);
	end_registration(stat.stat.id);
	unlock_all(&saved);
}
