// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services: many clients and servers at once that die at any moment, and bytes that another
 * process writes.
 */
#include <pthread.h>

#include "service_fixture.h"

/* Serves until it is to stop; now and then it streams. */
static int serve_role(FIXTURE_DATA(service) *self)
{
	struct ipcshm_service_request request;
	struct ipcshm_server server;
	uint64_t value;
	int ret;

	if (ipcshm_server_attach(&server, &self->service))
		return 1;
	ipcshm_server_set_busy_poll(&server, (uint32_t)rand() % 2 * 20000);
	while (!self->board->stop) {
		ret = ipcshm_server_take(&server, &request, ipcshm_deadline(SECOND / 20));
		if (ret == -ETIMEDOUT)
			continue;
		if (ret)
			return 2;
		if (!is_whole(request.data, request.size))
			return 3;
		value = words_value(request.data);
		if (rand() % 64 == 0)
			sched_yield();
		ret = 0;
		if (value % 8 == 0)
			ret = reply_value(&server, &request, value + 1, IPCSHM_SERVICE_MORE, SOON);
		if (!ret)
			ret = reply_value(&server, &request, answer_to(value), 0, SOON);
		if (ret && ret != -ECANCELED)
			return 4;
		/* It was not changed until here. */
		if (!ret)
			self->board->served++;
	}
	ipcshm_server_detach(&server);
	return 0;
}

/* Takes the replies of one call; returns 0 after the last one. */
static int take_answers(struct ipcshm_client *client, uint64_t id, uint64_t value, bool *last)
{
	struct ipcshm_service_reply reply;
	uint64_t expected;
	int ret;

	ret = ipcshm_client_take(client, id, &reply, SOON);
	if (ret)
		return ret;
	*last = reply.last;
	expected = reply.last ? answer_to(value) : value + 1;
	if (reply.id != id || !is_whole(reply.data, reply.size) ||
	    words_value(reply.data) != expected || (!reply.last && value % 8))
		return -EIO;
	return ipcshm_client_release(client, &reply);
}

/* Has two calls outstanding all the time. */
static int call_many(FIXTURE_DATA(service) *self, uint64_t calls, uint32_t flags)
{
	uint64_t own = (uint64_t)ipcshm_area_token(&self->area) << 32;
	int64_t id, before = 0;
	struct ipcshm_client client;
	bool last;
	uint64_t i;
	int ret;

	if (ipcshm_client_attach(&client, &self->service))
		return 1;
	ipcshm_client_set_busy_poll(&client, self->which % 2 * 20000);
	for (i = 0; i <= calls; i++) {
		id = i < calls ? call_value(&client, own | i << 8 | i % 9, flags) : 0;
		if (id < 0)
			return 2;
		for (last = !before; !last;) {
			ret = take_answers(&client, (uint64_t)before,
					   own | (i - 1) << 8 | (i - 1) % 9, &last);
			if (ret)
				return ret == -EOWNERDEAD ? 3 : ret == -ETIMEDOUT ? 4 : 5;
		}
		self->board->answered[self->which] += !!before;
		before = id;
	}
	ipcshm_client_detach(&client);
	return 0;
}

static int call_role(FIXTURE_DATA(service) *self)
{
	return call_many(self, CALLS, 0);
}

TEST_F_TIMEOUT(service, many_clients_are_served_by_many_servers, 120)
{
	struct peer clients[CLIENTS], servers[SERVERS];
	struct ipcshm_service_stat stat;
	uint32_t i;

	for (i = 0; i < CLIENTS; i++)
		clients[i] = start_peer(self, call_role, i);
	for (i = 0; i < SERVERS; i++)
		servers[i] = start_peer(self, serve_role, i);
	for (i = 0; i < CLIENTS; i++)
		EXPECT_EQ(0, peer_end(self->members, clients[i])) TH_LOG("client %u", i);
	self->board->stop = 1;
	for (i = 0; i < SERVERS; i++)
		EXPECT_EQ(0, peer_end(self->members, servers[i])) TH_LOG("server %u", i);
	EXPECT_EQ(CLIENTS * CALLS, self->board->served);
	ASSERT_EQ(0, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat)));
	EXPECT_EQ(CLIENTS * CALLS, stat.calls);
	EXPECT_EQ(0, stat.retried);
	EXPECT_EQ(0, stat.dropped);
	EXPECT_EQ(0, stat.waiting);
}

struct thread {
	FIXTURE_DATA(service) *self;
	pthread_t thread;
	uint32_t which;
	int result;
};

/* A sanitizer sees what threads do to each other. */
static void *call_in_thread(void *argument)
{
	struct thread *thread = argument;
	FIXTURE_DATA(service) self = *thread->self;

	self.which = thread->which;
	thread->result = call_many(&self, CALLS / 10, IPCSHM_SERVICE_RETRY);
	return NULL;
}

static void *serve_in_thread(void *argument)
{
	struct thread *thread = argument;

	thread->result = serve_role(thread->self);
	return NULL;
}

TEST_F_TIMEOUT(service, threads_have_handles_of_their_own, 120)
{
	struct thread threads[5];
	uint32_t i;

	for (i = 0; i < 5; i++) {
		threads[i] = (struct thread) { .self = self, .which = i };
		ASSERT_EQ(0, pthread_create(&threads[i].thread, NULL,
					    i < 3 ? call_in_thread : serve_in_thread, &threads[i]));
	}
	for (i = 0; i < 5; i++) {
		if (i == 3)
			self->board->stop = 1;
		ASSERT_EQ(0, pthread_join(threads[i].thread, NULL));
		EXPECT_EQ(0, threads[i].result) TH_LOG("thread %u", i);
	}
}

static int call_for_ever_role(FIXTURE_DATA(service) *self)
{
	return call_many(self, UINT32_MAX, IPCSHM_SERVICE_RETRY);
}

/* Calls and cancels at random, until it is killed. */
static int __attribute__((noreturn)) cancel_for_ever_role(FIXTURE_DATA(service) *self)
{
	struct ipcshm_service_reply reply;
	struct ipcshm_client client;
	int64_t id;
	int ret;

	if (ipcshm_client_attach(&client, &self->service))
		_exit(1);
	for (;;) {
		id = call_value(&client, (uint64_t)rand() * 8 + 1, IPCSHM_SERVICE_RETRY);
		if (id < 0)
			_exit(2);
		if (rand() % 2) {
			if (ipcshm_client_cancel(&client, (uint64_t)id))
				_exit(3);
			continue;
		}
		ret = ipcshm_client_take(&client, (uint64_t)id, &reply, SOON);
		if (ret && ret != -EOWNERDEAD)
			_exit(4);
		if (!ret && (!is_whole(reply.data, reply.size) ||
			     ipcshm_client_release(&client, &reply)))
			_exit(5);
	}
}

static struct peer start_one_of_all(FIXTURE_DATA(service) *self, uint32_t i)
{
	if (i < SERVERS)
		return start_peer(self, serve_role, i);
	if (i < SERVERS + 2)
		return start_peer(self, call_for_ever_role, i - SERVERS);
	return start_peer(self, cancel_for_ever_role, i - SERVERS);
}

/* The first client is never killed: all of its calls are answered, in spite of all deaths. */
TEST_F_TIMEOUT(service, survivors_are_served_in_spite_of_deaths, 240)
{
	struct peer peers[SERVERS + CLIENTS];
	struct ipcshm_service_stat stat;
	struct ipcshm_client clients[CLIENTS];
	struct ipcshm_service_request request;
	uint64_t before;
	uint32_t i, k;
	int kills;

	for (i = 0; i < SERVERS + CLIENTS; i++)
		peers[i] = start_one_of_all(self, i);
	for (kills = 0; kills < 400; kills++) {
		do
			i = (uint32_t)rand() % (SERVERS + CLIENTS);
		while (i == SERVERS);
		usleep((useconds_t)(rand() % 3000));
		ASSERT_EQ(1000, peer_kill(self->members, peers[i])) TH_LOG("peer %u, kill %d", i, kills);
		peers[i] = start_one_of_all(self, i);
		ASSERT_EQ(0, waitpid(peers[SERVERS].pid, NULL, WNOHANG));
	}
	before = self->board->answered[0];
	EXPECT_LT(100, before);
	while (self->board->answered[0] < before + 10)
		sched_yield();
	for (i = 0; i < SERVERS + CLIENTS; i++)
		ASSERT_EQ(1000, peer_kill(self->members, peers[i]));
	ASSERT_EQ(0, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat)));
	EXPECT_EQ(0, stat.clients);
	EXPECT_EQ(0, stat.servers);
	EXPECT_EQ(0, stat.taken);
	TH_LOG("%llu calls, %llu replies, %llu retried, %llu dropped",
	       (unsigned long long)stat.calls, (unsigned long long)stat.replies,
	       (unsigned long long)stat.retried, (unsigned long long)stat.dropped);
	/* All memory can be had again. */
	for (i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(0, ipcshm_client_attach(&clients[i], &self->service));
		for (k = 0; k < 4; k++)
			ASSERT_EQ(0, ipcshm_client_loan(&clients[i], 8, &request, IPCSHM_NOW));
	}
}

static int __attribute__((noreturn)) spoil_role(FIXTURE_DATA(service) *self)
{
	unsigned int seed = 1;

	for (;;) {
		size_t at = (size_t)rand_r(&seed) * 8 % (rand_r(&seed) % 8 ? 4096 : AREA);
		uint64_t *word = (uint64_t *)((char *)self->area.base + at);
		uint64_t value = (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed);

		switch (rand_r(&seed) % 6) {
		case 0:
			value %= 64;
			break;
		case 1:
			value = __atomic_load_n(word, __ATOMIC_RELAXED) + value % 3 - 1;
			break;
		case 2:
			value = self->members->slot[0];
			break;
		case 3:	/* the states of a call, by this process and others */
			value = (__atomic_load_n(word, __ATOMIC_RELAXED) & ~0xc0000000ULL) |
				(value & 3) << 30;
			break;
		case 4:	/* the number of replies */
			value = (__atomic_load_n(word, __ATOMIC_RELAXED) & ~0xffffffffULL) |
				(value & 0x80000003);
			break;
		}
		__atomic_store_n(word, value, __ATOMIC_RELAXED);
	}
}

TEST_F_TIMEOUT(service, calls_return_by_their_deadline_whatever_is_written, 120)
{
	struct peer peer = start_peer(self, spoil_role, 0);
	struct ipcshm_service_request request;
	struct ipcshm_service_reply reply;
	struct ipcshm_service_stat stat;
	struct ipcshm_service service;
	struct ipcshm_client client;
	struct ipcshm_server server;
	uint64_t deadline, now, latest = 0;
	unsigned int i, k;
	bool client_is, server_is;

	for (i = 0; i < 1000; i++) {
		deadline = ipcshm_deadline(i % 3 * (SECOND / 1000));
		ipcshm_service_attach(&service, &self->area, 0, NULL);
		client_is = !ipcshm_client_attach(&client, &self->service);
		server_is = !ipcshm_server_attach(&server, &self->service);
		for (k = 0; k < 4 && client_is; k++) {
			if (ipcshm_client_loan(&client, WORDS * 8, &request, deadline))
				break;
			words_fill(request.data, WORDS, k);
			ipcshm_client_call(&client, &request, k % 2);
			if (k == 2)
				ipcshm_client_cancel(&client, request.id);
		}
		for (k = 0; k < 4 && server_is; k++) {
			if (ipcshm_server_take(&server, &request, deadline))
				continue;
			EXPECT_GE(WORDS * 8, request.size);
			if (k == 1)
				ipcshm_server_return(&server, &request);
			reply_value(&server, &request, k, IPCSHM_SERVICE_MORE, deadline);
			if (k != 2)
				reply_value(&server, &request, k, 0, deadline);
		}
		for (k = 0; k < 8 && client_is; k++) {
			if (ipcshm_client_take(&client, 0, &reply, deadline))
				continue;
			EXPECT_GE(WORDS * 8, reply.size);
			words_fill(reply.data, WORDS, k);
			ipcshm_client_release(&client, &reply);
		}
		if (client_is)
			ipcshm_client_detach(&client);
		if (server_is)
			ipcshm_server_detach(&server);
		ipcshm_service_wait(&self->service, 2, 2, deadline);
		ipcshm_service_get_stat(&self->service, &stat, sizeof(stat));
		now = ipcshm_deadline(0);
		if (now > deadline && now - deadline > latest)
			latest = now - deadline;
	}
	EXPECT_LE(latest, 5 * SECOND);
	peer_kill(self->members, peer);
}

TEST_HARNESS_MAIN
