// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services in regions: opened by name in any order, event loops, and clients and servers that
 * are killed at random.
 */
#include <ipcshm-service.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "common/harness.h"

#define WORDS		64	/* of a request, and of a reply */
#define CLIENTS		4
#define SERVERS		3
#define KILLS		many(10000, 1000)
#define CREATIONS	many(1000, 50)
#define CALLS		many(20000, 500)
#define SOON		ipcshm_deadline(WAIT_SECONDS * 1000000000ULL)

struct board {
	_Atomic __u64 answered;
	_Atomic __u32 holds;
};

FIXTURE(service) {
	int device;
	struct test_name name;
	struct ipcshm_service service;
	struct board *board;
};

static struct ipcshm_service_attr usual_attr(void)
{
	return (struct ipcshm_service_attr) {
		.max_request_size = WORDS * 8,
		.max_reply_size = WORDS * 8,
		.clients = CLIENTS,
		.servers = SERVERS,
		.request_type = "words",
		.request_version = 1,
		.reply_type = "words",
	};
}

static int open_service(int device, const char *name, struct ipcshm_service *service)
{
	struct ipcshm_service_attr attr = usual_attr();

	return ipcshm_service_open(service, device, name, 0, 0600, &attr, SOON);
}

FIXTURE_SETUP(service)
{
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->name = make_name("service");
	self->board = mmap(NULL, sizeof(*self->board), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->board);
	ASSERT_EQ(0, open_service(self->device, self->name.text, &self->service));
}

FIXTURE_TEARDOWN(service)
{
	ipcshm_service_close(&self->service);
	close(self->device);
}

/* A process with a handle of its own. */
static pid_t start_process(FIXTURE_DATA(service) *self, int (*role)(FIXTURE_DATA(service) *self))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	srand(getpid());
	if (open_service(self->device, self->name.text, &self->service))
		_exit(100);
	_exit(role(self));
}

static void fill_words(void *data, __u64 value)
{
	for (unsigned int i = 0; i < WORDS; i++)
		((__u64 *)data)[i] = value + i;
}

static bool is_whole(const void *data, __u64 size)
{
	const __u64 *words = data;

	for (unsigned int i = 0; i < WORDS; i++) {
		if (words[i] != words[0] + i)
			return false;
	}
	return size == WORDS * 8;
}

/* Returns the id, or an error. */
static long call_value(struct ipcshm_client *client, __u64 value, __u32 flags)
{
	struct ipcshm_service_request request;
	int ret = ipcshm_client_loan(client, WORDS * 8, &request, SOON);

	if (ret)
		return ret;
	fill_words(request.data, value);
	ret = ipcshm_client_call(client, &request, flags);
	return ret ? ret : (long)request.id;
}

/* Replies twice: with the value, and with the next one. */
static int reply_twice(struct ipcshm_server *server, const struct ipcshm_service_request *request)
{
	struct ipcshm_service_reply reply;
	int ret;

	for (__u32 i = 0; i < 2; i++) {
		ret = ipcshm_server_loan(server, request, WORDS * 8, &reply, SOON);
		if (ret)
			return ret;
		fill_words(reply.data, *(const __u64 *)request->data + i);
		ret = ipcshm_server_reply(server, request, &reply, i ? 0 : IPCSHM_SERVICE_MORE);
		if (ret)
			return ret;
	}
	return 0;
}

static int serve_forever(FIXTURE_DATA(service) *self)
{
	struct ipcshm_service_request request;
	struct ipcshm_server server;
	int ret;

	if (ipcshm_server_attach(&server, &self->service))
		return 1;
	for (;;) {
		if (ipcshm_server_take(&server, &request, IPCSHM_FOREVER))
			return 2;
		if (!is_whole(request.data, request.size))
			return 3;
		ret = reply_twice(&server, &request);
		if (ret && ret != -ECANCELED)
			return 4;
	}
}

/* Take all replies of a call. Those of servers that have died since may be among them. */
static int take_replies(struct ipcshm_client *client, long id, __u64 value)
{
	struct ipcshm_service_reply reply;
	int ret;

	do {
		ret = ipcshm_client_take(client, (__u64)id, &reply, SOON);
		if (ret)
			return ret;
		if (!is_whole(reply.data, reply.size) ||
		    *(const __u64 *)reply.data != value + reply.last)
			return -EIO;
		ret = ipcshm_client_release(client, &reply);
	} while (!ret && !reply.last);
	return ret;
}

static int call_many(FIXTURE_DATA(service) *self, __u64 calls)
{
	const __u64 own = (__u64)getpid() << 32;
	struct ipcshm_client client;
	long id, before;

	if (ipcshm_client_attach(&client, &self->service))
		return 1;
	before = call_value(&client, own, IPCSHM_SERVICE_RETRY);
	for (__u64 i = 1; i < calls; i++) {
		id = call_value(&client, own + i * WORDS, IPCSHM_SERVICE_RETRY);
		if (id < 0)
			return 2;
		switch (take_replies(&client, before, own + (i - 1) * WORDS)) {
		case 0:
			break;
		case -EOWNERDEAD:	/* as many servers as there are attempts */
			return 3;
		case -ETIMEDOUT:
			return 4;
		default:
			return 5;
		}
		self->board->answered++;
		before = id;
	}
	ipcshm_client_detach(&client);
	return 0;
}

static int call_forever(FIXTURE_DATA(service) *self)
{
	return call_many(self, ~0ULL);
}

static int call_and_detach(FIXTURE_DATA(service) *self)
{
	return call_many(self, CALLS);
}

static pid_t start_one_of_all(FIXTURE_DATA(service) *self, unsigned int which)
{
	return start_process(self, which < SERVERS ? serve_forever : call_forever);
}

/* The last client is not killed: each of its calls is answered. */
TEST_F_TIMEOUT(service, survives_kills_at_random_moments, many(3600, 600))
{
	pid_t pids[SERVERS + CLIENTS];
	struct ipcshm_client clients[CLIENTS];
	struct ipcshm_service_request request;
	struct ipcshm_service_stat stat;
	unsigned int victim;
	__u64 before;

	for (unsigned int i = 0; i < SERVERS + CLIENTS; i++)
		pids[i] = start_one_of_all(self, i);
	for (unsigned int i = 0; i < KILLS; i++) {
		usleep(rand() % 3000);
		victim = rand() % (SERVERS + CLIENTS - 1);
		ASSERT_EQ(-SIGKILL, kill_child(pids[victim])) TH_LOG("process %u, kill %u", victim, i);
		pids[victim] = start_one_of_all(self, victim);
		ASSERT_EQ(0, waitpid(pids[SERVERS + CLIENTS - 1], NULL, WNOHANG));
	}
	before = self->board->answered;
	while (self->board->answered < before + 10)
		usleep(1000);
	for (unsigned int i = 0; i < SERVERS + CLIENTS; i++)
		ASSERT_EQ(-SIGKILL, kill_child(pids[i]));
	ASSERT_EQ(0, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat)));
	TH_LOG("%u kills, %llu calls, %llu retried, %llu dropped", KILLS,
	       (unsigned long long)stat.calls, (unsigned long long)stat.retried,
	       (unsigned long long)stat.dropped);
	EXPECT_LT(0, stat.retried);
	EXPECT_EQ(0, stat.clients);
	EXPECT_EQ(0, stat.servers);
	EXPECT_EQ(0, stat.taken);
	/* Nothing of the dead is left. */
	for (unsigned int i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(0, ipcshm_client_attach(&clients[i], &self->service));
		for (unsigned int k = 0; k < 4; k++)
			EXPECT_EQ(0, ipcshm_client_loan(&clients[i], 8, &request, IPCSHM_NOW));
	}
	for (unsigned int i = 0; i < CLIENTS; i++)
		ipcshm_client_detach(&clients[i]);
}

TEST_F_TIMEOUT(service, many_clients_are_served, many(1200, 240))
{
	pid_t clients[CLIENTS], servers[SERVERS];
	struct ipcshm_service_stat stat;

	for (unsigned int i = 0; i < CLIENTS; i++)
		clients[i] = start_process(self, call_and_detach);
	for (unsigned int i = 0; i < SERVERS; i++)
		servers[i] = start_process(self, serve_forever);
	for (unsigned int i = 0; i < CLIENTS; i++)
		EXPECT_EQ(0, wait_child(clients[i]));
	for (unsigned int i = 0; i < SERVERS; i++)
		EXPECT_EQ(-SIGKILL, kill_child(servers[i]));
	ASSERT_EQ(0, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat)));
	EXPECT_EQ((__u64)CLIENTS * CALLS, stat.calls);
	EXPECT_EQ(0, stat.retried);
}

/* Several processes create the service at once, and some are killed while they do. */
TEST_F_TIMEOUT(service, is_created_though_creators_are_killed, many(1200, 240))
{
	struct test_name name = make_name("created");
	struct ipcshm_service service;
	pid_t pids[3];

	for (unsigned int round = 0; round < CREATIONS; round++) {
		for (unsigned int i = 0; i < 3; i++) {
			pids[i] = fork();
			if (!pids[i]) {
				if (open_service(self->device, name.text, &service))
					_exit(1);
				ipcshm_service_close(&service);
				_exit(0);
			}
		}
		usleep(rand() % 3000);
		EXPECT_NE(1, kill_child(pids[0]));
		EXPECT_EQ(0, open_service(self->device, name.text, &service));
		EXPECT_EQ(0, wait_child(pids[1]));
		EXPECT_EQ(0, wait_child(pids[2]));
		ipcshm_service_close(&service);
	}
}

TEST_F(service, another_type_is_refused)
{
	struct ipcshm_service_attr attr = usual_attr();
	struct ipcshm_service service;

	attr.request_version = 2;
	EXPECT_EQ(-EPROTOTYPE, ipcshm_service_open(&service, self->device, self->name.text, 0,
						   0600, &attr, SOON));
	EXPECT_EQ(1, attr.request_version);
	EXPECT_EQ(-EINVAL, ipcshm_service_open(&service, self->device, self->name.text, 1, 0600,
					       &attr, SOON));
}

static int hold_request(FIXTURE_DATA(service) *self)
{
	struct ipcshm_service_request request;
	struct ipcshm_server server;

	if (ipcshm_server_attach(&server, &self->service) ||
	    ipcshm_server_take(&server, &request, SOON))
		return 1;
	self->board->holds++;
	for (;;)
		pause();
}

TEST_F(service, call_of_a_killed_server_fails_at_once)
{
	struct ipcshm_service_reply reply;
	struct ipcshm_client client;
	pid_t pid;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_LT(0, call_value(&client, 1, 0));
	pid = start_process(self, hold_request);
	while (!self->board->holds)
		usleep(1000);
	kill(pid, SIGKILL);
	EXPECT_EQ(-EOWNERDEAD, ipcshm_client_take(&client, 0, &reply, SOON));
	EXPECT_EQ(-SIGKILL, wait_child(pid));
	ipcshm_client_detach(&client);
}

/* Waits for what is armed. */
static int await_event(int epoll)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, WAIT_SECONDS * 1000) == 1 ? 0 : -ETIMEDOUT;
}

static int make_epoll(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLPRI };
	int epoll = epoll_create1(0);

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -1 : epoll;
}

/* An event loop that serves. */
static int poll_requests(FIXTURE_DATA(service) *self)
{
	int fd = ipcshm_service_fd(&self->service, self->device);
	struct ipcshm_service_request request;
	struct ipcshm_server server;
	int epoll = make_epoll(fd);
	int ret;

	if (epoll < 0 || ipcshm_server_attach(&server, &self->service))
		return 1;
	for (;;) {
		ret = ipcshm_server_take(&server, &request, IPCSHM_NOW);
		if (!ret) {
			ret = reply_twice(&server, &request);
			if (ret && ret != -ECANCELED)
				return 2;
			continue;
		}
		if (ret != -EAGAIN && ret != -EALREADY)
			return 3;
		ret = ipcshm_server_arm(&server, fd);
		if (ret < 0)
			return 4;
		if (!ret && await_event(epoll))
			return 5;
	}
}

/* An event loop that calls, and takes what comes. */
static int poll_replies(FIXTURE_DATA(service) *self)
{
	int fd = ipcshm_service_fd(&self->service, self->device);
	struct ipcshm_service_reply reply;
	struct ipcshm_client client;
	int epoll = make_epoll(fd);
	unsigned int called = 0, done = 0;
	int ret;

	if (epoll < 0 || ipcshm_client_attach(&client, &self->service))
		return 1;
	while (done < 300) {
		for (; called < 300 && called < done + 3; called++) {
			if (call_value(&client, called, IPCSHM_SERVICE_RETRY) < 0)
				return 2;
		}
		ret = ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW);
		if (!ret) {
			if (!is_whole(reply.data, reply.size))
				return 3;
			done += reply.last;
			ipcshm_client_release(&client, &reply);
			continue;
		}
		if (ret != -EAGAIN)
			return 4;
		ret = ipcshm_client_arm(&client, fd);
		if (ret < 0)
			return 5;
		if (!ret && await_event(epoll))
			return 6;
	}
	ipcshm_client_detach(&client);
	return 0;
}

TEST_F(service, reports_requests_and_replies_to_event_loops)
{
	pid_t clients[2], servers[2];

	for (unsigned int i = 0; i < 2; i++) {
		clients[i] = start_process(self, poll_replies);
		servers[i] = start_process(self, poll_requests);
	}
	usleep(20000);
	/* The other server takes over by its event loop, too. */
	EXPECT_EQ(-SIGKILL, kill_child(servers[0]));
	for (unsigned int i = 0; i < 2; i++)
		EXPECT_EQ(0, wait_child(clients[i]));
	EXPECT_EQ(-SIGKILL, kill_child(servers[1]));
}

IPCSHM_TEST_MAIN
