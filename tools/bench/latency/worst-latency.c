// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long an unprivileged user can keep the CPU from a real-time task.
 *
 * A real-time thread on the only CPU wakes every PERIOD and notes how late. In each
 * scenario a user without privileges, with all quotas at their defaults, has made as
 * many objects, waits or messages as asked for; then one operation, which may be
 * another user's, has to deal with all of them. The worst lateness during the
 * operation is reported. DIVISOR: make a fraction of the objects, to see what grows.
 *
 *	worst-latency [-d DIVISOR] [SCENARIO...]
 *
 * Runs as root, to become real-time and to raise its limit of descriptors; all else
 * is done as user 1001. Where the kernel can, it is made fully preemptible.
 */
#include <errno.h>
#include <fcntl.h>
#include <ipcshm.h>
#include <linux/genetlink.h>
#include <linux/ipcshm_netlink.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PERIOD		50000ULL	/* nanoseconds */
#define USER		1001
#define DESCRIPTORS	200000
#define HEADER		4U		/* bytes, of an attribute: NLA_HDRLEN, without its signs */
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

/* Scenarios: what is there, then what is measured. */

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

static int netlink_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0)
		exit_with_error("netlink");
	return fd;
}

/* The attribute of a type at or after @at, before @end. */
static char *find_attr(char *at, char *stop, unsigned int type)
{
	struct nlattr *attr;

	for (; at < stop; at += NLA_ALIGN(attr->nla_len)) {
		attr = (struct nlattr *)at;
		if ((attr->nla_type & NLA_TYPE_MASK) == type || !attr->nla_len)
			break;
	}
	return at;
}

struct request {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	char attrs[64];
};

static unsigned int family, group;

static void find_family(void)
{
	struct request request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + HEADER + 8,
			.nlmsg_type = GENL_ID_CTRL,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.generic = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
	};
	static char answer[8192];
	char *at, *stop;
	int fd = netlink_socket();
	ssize_t length;

	*(struct nlattr *)request.attrs = (struct nlattr){ HEADER + 7, CTRL_ATTR_FAMILY_NAME };
	strcpy(request.attrs + HEADER, IPCSHM_FAMILY_NAME);
	if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
		exit_with_error("send");
	length = recv(fd, answer, sizeof(answer), 0);
	if (length < 0)
		exit_with_error("recv");
	stop = answer + (size_t)length;
	at = find_attr(answer + NLMSG_LENGTH(GENL_HDRLEN), stop, CTRL_ATTR_FAMILY_ID);
	family = *(uint16_t *)(at + HEADER);
	at = find_attr(answer + NLMSG_LENGTH(GENL_HDRLEN), stop, CTRL_ATTR_MCAST_GROUPS);
	at = find_attr(at + 2 * HEADER, stop, CTRL_ATTR_MCAST_GRP_ID);
	group = *(uint32_t *)(at + HEADER);
	close(fd);
}

static void set_up_listeners(unsigned int count)
{
	int fd;

	/* Listening takes CAP_SYS_ADMIN, which each user has in a namespace of their own. */
	be_alone();
	find_family();
	while (count--) {
		fd = netlink_socket();
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
			exit_with_error("NETLINK_ADD_MEMBERSHIP");
	}
}

static void run_event(void)
{
	close(make_region(NULL, 0));
	usleep(50000);
}

static void run_dump(uint8_t command)
{
	struct request request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
			.nlmsg_type = (uint16_t)family,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.generic = { .cmd = command, .version = 1 },
	};
	static char answer[65536];
	int fd = netlink_socket();
	ssize_t length;

	if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
		exit_with_error("send");
	do {
		length = recv(fd, answer, sizeof(answer), 0);
		if (length < 0)
			exit_with_error("recv");
	} while (((struct nlmsghdr *)answer)->nlmsg_type != NLMSG_DONE &&
		 ((struct nlmsghdr *)answer)->nlmsg_type != NLMSG_ERROR);
	close(fd);
}

static void run_objects_dump(void)
{
	run_dump(IPCSHM_CMD_OBJECT_GET);
}

static void run_limits_dump(void)
{
	run_dump(IPCSHM_CMD_QUOTA_GET);
}

static void set_up_objects(unsigned int count)
{
	char name[32];

	find_family();
	while (count--) {
		snprintf(name, sizeof(name), "object-%u", count);
		close(make_queue(name, IPCSHM_PERSISTENT, 0));
	}
}

static void run_unlink(void)
{
	char name[32];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "object-%d", i);
		ipcshm_unlink(device, IPCSHM_QUEUE, name);
	}
}

/* Objects of earlier scenarios count in the user's quota. */
static void forget_objects(void)
{
	char name[32];
	int i;

	for (i = 0; i < 16000; i++) {
		snprintf(name, sizeof(name), "object-%d", i);
		ipcshm_unlink(device, IPCSHM_QUEUE, name);
	}
}

/* A child has them in a network namespace of its own, which ends with it. */
static int namespace_pipe[2];

static void set_up_namespace(unsigned int count)
{
	int ready[2];
	char byte;

	forget_objects();
	if (pipe(namespace_pipe) || pipe(ready))
		exit_with_error("pipe");
	if (!fork()) {
		close(namespace_pipe[1]);
		be_alone();
		set_up_objects(count);
		if (write(ready[1], "", 1) != 1 || read(namespace_pipe[0], &byte, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		exit_with_error("namespace");
}

static void run_namespace_end(void)
{
	close(namespace_pipe[1]);
	wait(NULL);
	usleep(500000);
}

struct scenario {
	const char *name;
	unsigned int count;
	void (*set_up)(unsigned int count);
	void (*run)(void);
} scenarios[] = {
	{ "nothing", 1, set_up_nothing, run_system_calls },
	{ "watches-wake", 20000, set_up_watches, run_wake },
	{ "watches-revoke", 20000, set_up_watches, run_region_revoke },
	{ "sleepers-wake", 6000, set_up_word_sleepers, run_wake_all },
	{ "sleepers-move", 6000, set_up_word_sleepers, run_move_all },
	{ "sleepers-revoke", 6000, set_up_word_sleepers, run_region_revoke },
	{ "receivers-send", 6000, set_up_receivers, run_send_other_type },
	{ "receivers-batch", 6000, set_up_receivers, run_send_batch },
	{ "receivers-revoke", 6000, set_up_receivers, run_queue_revoke },
	{ "receivers-narrow", 6000, set_up_narrow_receivers, run_send },
	{ "callers-revoke", 6000, set_up_callers, run_queue_revoke },
	{ "interrupted-close", 20000, set_up_interrupted_calls, run_server_close },
	{ "interrupted-revoke", 20000, set_up_interrupted_calls, run_queue_revoke },
	{ "pollers-send", 40000, set_up_pollers, run_send },
	{ "pollers-nested", 20000, set_up_nested_pollers, run_send },
	{ "pollers-death", 40000, set_up_region_pollers, run_death },
	{ "pollers-revoke", 40000, set_up_region_pollers, run_region_revoke },
	{ "pollers-wake", 40000, set_up_watch_pollers, run_wake_later },
	{ "messages-batch", 100000, set_up_messages, run_receive_batch },
	{ "messages-drain", 100000, set_up_messages, run_drain },
	{ "messages-close", 100000, set_up_messages, run_queue_close },
	{ "messages-type", 100000, set_up_messages, run_send_other_type },
	{ "priorities-type", 32768, set_up_priorities, run_send_other_type },
	{ "descriptors-exec", 16000, set_up_descriptors, run_exec },
	{ "descriptors-exit", 16000, set_up_descriptors, run_exit },
	{ "holder-exit", 16000, set_up_holder, run_holder_exit },
	{ "listeners-event", 8000, set_up_listeners, run_event },
	{ "objects-dump", 16000, set_up_objects, run_objects_dump },
	{ "objects-limits", 16000, set_up_objects, run_limits_dump },
	{ "objects-unlink", 16000, set_up_objects, run_unlink },
	{ "objects-namespace", 8000, set_up_namespace, run_namespace_end },
};

/* In a process of its own, so that nothing is left; microseconds. */
static double measure_scenario(const struct scenario *scenario, unsigned int count)
{
	int ready[2], go[2], status;
	char byte;
	pid_t child;
	uint64_t worst;

	if (pipe(ready) || pipe(go))
		exit_with_error("pipe");
	child = fork();
	if (!child) {
		close(go[1]);
		be_a_user();
		scenario->set_up(count);
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		scenario->run();
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(ready[1]);
	close(go[0]);
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	begin_measurement();
	if (write(go[1], "", 1) != 1 || read(ready[0], &byte, 1) != 1)
		exit_with_error("scenario");
	worst = end_measurement();
	kill(child, SIGKILL);
	close(go[1]);
	close(ready[0]);
	while (waitpid(child, &status, 0) < 0)
		;
	return (double)worst / 1000;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return !argc;
}

static void prepare_process(void)
{
	struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };
	int fd = open("/sys/kernel/debug/sched/preempt", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "full", 4) != 4)
		fprintf(stderr, "worst-latency: the kernel stays as preemptible as it is\n");
	close(fd);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		exit_with_error("RLIMIT_NOFILE");
	setrlimit(RLIMIT_NPROC, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	clockwork = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (clockwork == MAP_FAILED || mlockall(MCL_CURRENT))
		exit_with_error("memory");
	munlockall();
}

int main(int argc, char **argv)
{
	size_t i;
	int option;

	while ((option = getopt(argc, argv, "d:x")) != -1) {
		if (option == 'd')
			divisor = (unsigned int)strtoul(optarg, NULL, 10);
		else
			return 0;	/* run_exec() */
	}
	prepare_process();
	printf("%-20s %10s %12s\n", "scenario", "objects", "worst (us)");
	for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *scenario = &scenarios[i];
		unsigned int count = scenario->count / divisor;
		if (!is_wanted(scenario->name, argc - optind, argv + optind))
			continue;
		printf("%-20s %10u %12.1f\n", scenario->name, count,
		       measure_scenario(scenario, count));
		fflush(stdout);
	}
	return 0;
}
