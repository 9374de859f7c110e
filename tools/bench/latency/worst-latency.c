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
#include <linux/genetlink.h>
#include <linux/ipcshm_netlink.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "parts.h"
#include "scenarios.h"

#define HEADER	4U	/* bytes, of an attribute: NLA_HDRLEN, without its signs */

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
