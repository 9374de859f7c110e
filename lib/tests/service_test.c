// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services: each request reaches one server and each reply its client, requests of dead servers
 * go to others, nothing of the dead remains, and no bytes that another process writes do harm.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "peer.h"

#include <ipcshm-service.h>

#define SECOND		1000000000ULL
#define SOON		ipcshm_deadline(60 * SECOND)
#define AREA		(256 << 10)
#define WORDS		32	/* of a request, and of a reply */
#define CALLS		5000	/* of each client */
#define CLIENTS		4
#define SERVERS		3

struct board {
	_Atomic uint64_t served;
	_Atomic uint32_t stop;
	_Atomic uint64_t answered[CLIENTS];
};

FIXTURE(service) {
	struct ipcshm_member_page *members;
	struct ipcshm_area area;
	struct board *board;
	struct ipcshm_service service;
	uint32_t slots;
	uint32_t which;
};

static const struct ipcshm_service_attr usual = {
	.max_request_size = WORDS * 8,
	.max_reply_size = WORDS * 8,
	.clients = CLIENTS,
	.servers = SERVERS,
	.max_calls = 4,
	.max_held = 3,
	.max_replies = 2,
	.request_version = 3,
	.reply_version = 5,
	.request_type = "question",
	.reply_type = "answer",
};

FIXTURE_SETUP(service)
{
	size_t size;

	self->members = members_create();
	self->board = shared_memory(sizeof(*self->board));
	ASSERT_EQ(0, ipcshm_service_size(&usual, &size));
	ASSERT_LE(size, AREA);
	ASSERT_EQ(0, ipcshm_area_init_futex(&self->area, shared_memory(AREA), AREA,
					    self->members));
	ASSERT_EQ(0, ipcshm_area_set_token(&self->area, members_join(self->members, 0)));
	self->slots = 1;
	ASSERT_EQ(0, ipcshm_service_create(&self->area, 0, &usual));
	ASSERT_EQ(0, ipcshm_service_attach(&self->service, &self->area, 0, NULL));
}

FIXTURE_TEARDOWN(service)
{
	ipcshm_area_destroy(&self->area);
}

/* A process that is a member of its own while it plays a role. */
static struct peer start_peer(FIXTURE_DATA(service) *self,
			      int (*role)(FIXTURE_DATA(service) *self), uint32_t which)
{
	struct peer peer = peer_fork(self->members, &self->area, self->slots++);

	if (!peer.pid) {
		self->which = which;
		srand((unsigned int)getpid());
		_exit(role(self));
	}
	return peer;
}

/* Ends by itself: its membership ends, too. */
static int finish_peer(FIXTURE_DATA(service) *self, struct peer peer)
{
	int status = peer_finish(peer);

	members_die(self->members, peer.token);
	return status;
}

/* All words follow from the first. */
static void fill_words(void *data, uint64_t value)
{
	uint64_t *words = data;
	size_t i;

	for (i = 0; i < WORDS; i++)
		__atomic_store_n(&words[i], value + i, __ATOMIC_RELAXED);
}

static bool is_whole(const void *data, uint64_t size)
{
	const uint64_t *words = data;
	size_t i;

	for (i = 0; i < WORDS; i++) {
		if (__atomic_load_n(&words[i], __ATOMIC_RELAXED) != words[0] + i)
			return false;
	}
	return size == WORDS * 8;
}

static uint64_t value_of(const void *data)
{
	return *(const uint64_t *)data;
}

/* Returns the id, or an error. */
static int64_t call_value(struct ipcshm_client *client, uint64_t value, uint32_t flags)
{
	struct ipcshm_service_request request;
	int ret;

	ret = ipcshm_client_loan(client, WORDS * 8, &request, SOON);
	if (ret)
		return ret;
	fill_words(request.data, value);
	ret = ipcshm_client_call(client, &request, flags);
	return ret ? ret : (int64_t)request.id;
}

static int reply_value(struct ipcshm_server *server, const struct ipcshm_service_request *request,
		       uint64_t value, uint32_t flags, uint64_t deadline)
{
	struct ipcshm_service_reply reply;
	int ret;

	ret = ipcshm_server_loan(server, request, WORDS * 8, &reply, deadline);
	if (ret)
		return ret;
	fill_words(reply.data, value);
	return ipcshm_server_reply(server, request, &reply, flags);
}

/* The answer to a question. */
static uint64_t answer_to(uint64_t value)
{
	return value * 3 + 1;
}

/* Take a request and reply; returns its id, or an error. */
static int64_t serve_one(struct ipcshm_server *server, uint64_t deadline)
{
	struct ipcshm_service_request request;
	int ret;

	ret = ipcshm_server_take(server, &request, deadline);
	if (ret)
		return ret;
	if (!is_whole(request.data, request.size))
		return -EIO;
	ret = reply_value(server, &request, answer_to(value_of(request.data)), 0, deadline);
	return ret ? ret : (int64_t)request.id;
}

/* Take a reply and release it; returns its value. */
static uint64_t take_value(struct ipcshm_client *client, uint64_t id)
{
	struct ipcshm_service_reply reply;
	uint64_t value;

	if (ipcshm_client_take(client, id, &reply, SOON) || !is_whole(reply.data, reply.size))
		return ~0ULL;
	value = value_of(reply.data);
	return ipcshm_client_release(client, &reply) ? ~0ULL : value;
}

/* Neither in 32 bits nor in 64, though the memory of requests alone would be small enough in 32. */
TEST_F(service, size_beyond_half_of_the_address_space_is_einval)
{
	struct ipcshm_service_attr attr = {
		.max_request_size = SIZE_MAX / 2 - 1024,
		.max_reply_size = 8,
		.clients = 1,
		.servers = 1,
		.max_calls = 1,
		.max_replies = 1,
	};
	size_t size;

	EXPECT_EQ(-EINVAL, ipcshm_service_size(&attr, &size));
	attr.max_request_size = 1ULL << 31;
	EXPECT_EQ(sizeof(size_t) > 4 ? 0 : -EINVAL, ipcshm_service_size(&attr, &size));
}

TEST_F(service, attributes_are_checked)
{
	struct ipcshm_service_attr attr = usual;
	struct ipcshm_service service;
	size_t size;

#define EXPECT_INVALID(member, value) do { \
	attr = usual; \
	attr.member = value; \
	EXPECT_EQ(-EINVAL, ipcshm_service_size(&attr, &size)); \
} while (0)
	EXPECT_INVALID(max_request_size, 0);
	EXPECT_INVALID(max_reply_size, 0);
	EXPECT_INVALID(max_request_size, IPCSHM_SERVICE_SIZE_MAX + 1);
	EXPECT_INVALID(max_reply_size, IPCSHM_SERVICE_SIZE_MAX + 1);
	EXPECT_INVALID(clients, IPCSHM_SERVICE_HANDLES_MAX + 1);
	EXPECT_INVALID(servers, IPCSHM_SERVICE_HANDLES_MAX + 1);
	EXPECT_INVALID(max_calls, IPCSHM_SERVICE_CALLS_MAX + 1);
	EXPECT_INVALID(max_held, IPCSHM_SERVICE_HELD_MAX + 1);
	EXPECT_INVALID(max_replies, IPCSHM_SERVICE_REPLIES_MAX + 1);
	EXPECT_INVALID(reserved[4], 1);
	attr = usual;
	memset(attr.reply_type, 'x', sizeof(attr.reply_type));
	EXPECT_EQ(-EINVAL, ipcshm_service_size(&attr, &size));

	EXPECT_EQ(-EINVAL, ipcshm_service_create(&self->area, 64, &usual));
	EXPECT_EQ(-ENOSPC, ipcshm_service_create(&self->area, AREA - 1024, &usual));
	EXPECT_EQ(-EINVAL, ipcshm_service_attach(&service, &self->area, 64, NULL));
	EXPECT_EQ(-EPROTO, ipcshm_service_attach(&service, &self->area, AREA / 2, NULL));
	EXPECT_EQ(-EPROTO, ipcshm_service_attach(&service, &self->area, AREA - 128, NULL));
	EXPECT_EQ(-EOPNOTSUPP, ipcshm_service_fd(&self->service, 0));
}

TEST_F(service, types_are_checked_and_reported)
{
	struct ipcshm_service_attr attr = { .request_type = "question", .reply_version = 5 };
	struct ipcshm_service service;

	EXPECT_EQ(0, ipcshm_service_attach(&service, &self->area, 0, &attr));
	EXPECT_EQ(WORDS * 8, attr.max_request_size);
	EXPECT_EQ(3, attr.request_version);
	EXPECT_EQ(2, attr.max_replies);
	EXPECT_STREQ("answer", attr.reply_type);
#define EXPECT_DIFFERS(member, value) do { \
	attr = (struct ipcshm_service_attr) { .member = value }; \
	EXPECT_EQ(-EPROTOTYPE, ipcshm_service_attach(&service, &self->area, 0, &attr)); \
	EXPECT_STREQ("question", attr.request_type); \
} while (0)
	EXPECT_DIFFERS(max_request_size, WORDS);
	EXPECT_DIFFERS(max_reply_size, WORDS);
	EXPECT_DIFFERS(request_version, 4);
	EXPECT_DIFFERS(reply_version, 3);
	EXPECT_DIFFERS(request_type, "questio");
	EXPECT_DIFFERS(reply_type, "answers");
}

TEST_F(service, request_reaches_a_server_and_its_reply_the_client)
{
	struct ipcshm_service_request request, taken;
	struct ipcshm_service_reply reply, got;
	uint64_t before = ipcshm_deadline(0);
	struct ipcshm_service_stat stat;
	struct ipcshm_client client;
	struct ipcshm_server server;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&server, &taken, IPCSHM_NOW));
	EXPECT_EQ(-ENOENT, ipcshm_client_take(&client, 0, &got, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_client_loan(&client, 40, &request, IPCSHM_NOW));
	EXPECT_EQ(0, (uintptr_t)request.data % 64);
	strcpy(request.data, "what?");
	request.size = 6;
	ASSERT_EQ(0, ipcshm_client_call(&client, &request, 0));
	EXPECT_EQ(1, request.id);
	EXPECT_EQ(-EINVAL, ipcshm_client_call(&client, &request, 0));
	EXPECT_EQ(-EINVAL, ipcshm_client_discard(&client, &request));
	EXPECT_EQ(-EAGAIN, ipcshm_client_take(&client, 1, &got, IPCSHM_NOW));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_client_take(&client, 0, &got, ipcshm_deadline(SECOND / 100)));
	EXPECT_EQ(-ENOENT, ipcshm_client_take(&client, 2, &got, IPCSHM_NOW));

	ASSERT_EQ(0, ipcshm_server_take(&server, &taken, IPCSHM_NOW));
	EXPECT_STREQ("what?", taken.data);
	EXPECT_EQ(6, taken.size);
	EXPECT_EQ(1, taken.id);
	EXPECT_EQ(0, taken.attempt);
	EXPECT_EQ(0, taken.flags);
	EXPECT_EQ(self->members->slot[0], taken.client);
	EXPECT_LE(before, taken.time);
	EXPECT_GE(ipcshm_deadline(0), taken.time);
	EXPECT_EQ(-EAGAIN, ipcshm_client_take(&client, 1, &got, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat)));
	EXPECT_EQ(1, stat.taken);
	EXPECT_EQ(0, stat.waiting);

	EXPECT_EQ(-EINVAL, ipcshm_server_reply(&server, &taken, &reply, 0));
	ASSERT_EQ(0, ipcshm_server_loan(&server, &taken, 64, &reply, IPCSHM_NOW));
	EXPECT_EQ(0, reply.number);
	EXPECT_EQ(1, reply.id);
	strcpy(reply.data, "that");
	reply.size = 5;
	reply.status = -7;
	EXPECT_EQ(-EINVAL, ipcshm_server_reply(&server, &taken, &reply, 2));
	ASSERT_EQ(0, ipcshm_server_reply(&server, &taken, &reply, 0));
	EXPECT_EQ(-EINVAL, ipcshm_server_reply(&server, &taken, &reply, 0));
	EXPECT_EQ(-EINVAL, ipcshm_server_loan(&server, &taken, 64, &reply, IPCSHM_NOW));

	ASSERT_EQ(0, ipcshm_client_take(&client, 0, &got, IPCSHM_NOW));
	EXPECT_STREQ("that", got.data);
	EXPECT_EQ(5, got.size);
	EXPECT_EQ(1, got.id);
	EXPECT_EQ(0, got.number);
	EXPECT_EQ(-7, got.status);
	EXPECT_EQ(1, got.last);
	EXPECT_EQ(0, got.attempt);
	EXPECT_EQ(self->members->slot[0], got.server);
	EXPECT_EQ(-ENOENT, ipcshm_client_take(&client, 1, &got, IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_client_release(&client, &got));
	EXPECT_EQ(-EINVAL, ipcshm_client_release(&client, &got));

	ASSERT_EQ(0, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat)));
	EXPECT_EQ(1, stat.calls);
	EXPECT_EQ(1, stat.replies);
	EXPECT_EQ(1, stat.clients);
	EXPECT_EQ(1, stat.servers);
	EXPECT_EQ(0, stat.taken);
	EXPECT_EQ(0, stat.dropped);
	EXPECT_EQ(-EINVAL, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat) - 1));
}

TEST_F(service, calls_and_requests_are_bounded)
{
	struct ipcshm_service_request requests[5], taken[4];
	struct ipcshm_service_reply reply;
	struct ipcshm_client client;
	struct ipcshm_server server;
	int i;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	EXPECT_EQ(-EMSGSIZE, ipcshm_client_loan(&client, WORDS * 8 + 1, &requests[0], IPCSHM_NOW));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, ipcshm_client_loan(&client, 8, &requests[i], IPCSHM_NOW));
	EXPECT_EQ(-ENOBUFS, ipcshm_client_loan(&client, 8, &requests[4], IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_client_discard(&client, &requests[1]));
	EXPECT_EQ(-EINVAL, ipcshm_client_discard(&client, &requests[1]));
	EXPECT_EQ(0, ipcshm_client_loan(&client, 8, &requests[1], IPCSHM_NOW));
	requests[0].size = WORDS * 8 + 1;
	EXPECT_EQ(-EMSGSIZE, ipcshm_client_call(&client, &requests[0], 0));
	requests[0].size = 8;
	EXPECT_EQ(-EINVAL, ipcshm_client_call(&client, &requests[0], 2));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, ipcshm_client_call(&client, &requests[i], 0));
	EXPECT_EQ(-ENOBUFS, ipcshm_client_loan(&client, 8, &requests[4], SOON));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, ipcshm_server_take(&server, &taken[i], IPCSHM_NOW));
	EXPECT_EQ(-ENOBUFS, ipcshm_server_take(&server, &taken[3], IPCSHM_NOW));
	EXPECT_EQ(-EMSGSIZE, ipcshm_server_loan(&server, &taken[1], WORDS * 8 + 1, &reply, SOON));
	ASSERT_EQ(0, ipcshm_server_loan(&server, &taken[1], WORDS * 8, &reply, SOON));
	reply.size++;
	EXPECT_EQ(-EMSGSIZE, ipcshm_server_reply(&server, &taken[1], &reply, 0));
	reply.size--;
	EXPECT_EQ(0, ipcshm_server_reply(&server, &taken[1], &reply, 0));
	EXPECT_EQ(0, ipcshm_server_take(&server, &taken[3], IPCSHM_NOW));
	/* The reply holds the memory until it is released. */
	ASSERT_EQ(0, ipcshm_client_take(&client, requests[1].id, &reply, IPCSHM_NOW));
	EXPECT_EQ(-ENOBUFS, ipcshm_client_loan(&client, 8, &requests[4], SOON));
	ASSERT_EQ(0, ipcshm_client_release(&client, &reply));
	EXPECT_EQ(0, ipcshm_client_loan(&client, 8, &requests[4], IPCSHM_NOW));
}

TEST_F(service, handles_are_bounded_and_come_back)
{
	struct ipcshm_client clients[CLIENTS + 1];
	struct ipcshm_server servers[SERVERS + 1];
	int i;

	for (i = 0; i < CLIENTS; i++)
		ASSERT_EQ(0, ipcshm_client_attach(&clients[i], &self->service));
	EXPECT_EQ(-EUSERS, ipcshm_client_attach(&clients[CLIENTS], &self->service));
	ipcshm_client_detach(&clients[1]);
	EXPECT_EQ(0, ipcshm_client_attach(&clients[CLIENTS], &self->service));
	for (i = 0; i < SERVERS; i++)
		ASSERT_EQ(0, ipcshm_server_attach(&servers[i], &self->service));
	EXPECT_EQ(-EUSERS, ipcshm_server_attach(&servers[SERVERS], &self->service));
	ipcshm_server_detach(&servers[2]);
	EXPECT_EQ(0, ipcshm_server_attach(&servers[SERVERS], &self->service));
	EXPECT_EQ(0, ipcshm_service_wait(&self->service, CLIENTS, SERVERS, IPCSHM_NOW));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_service_wait(&self->service, CLIENTS, SERVERS + 1,
						  ipcshm_deadline(SECOND / 100)));
	ASSERT_EQ(0, ipcshm_area_set_token(&self->area, 0));
	EXPECT_EQ(-ESRCH, ipcshm_client_attach(&clients[0], &self->service));
	EXPECT_EQ(-ESRCH, ipcshm_server_attach(&servers[0], &self->service));
}

TEST_F(service, clients_have_their_turns_and_their_order)
{
	struct ipcshm_service_request request;
	struct ipcshm_client clients[3];
	struct ipcshm_server server;
	uint64_t i, k;

	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ipcshm_client_attach(&clients[i], &self->service));
		for (k = 0; k < 3; k++)
			ASSERT_LT(0, call_value(&clients[i], i * 100 + k, 0));
	}
	for (k = 0; k < 3; k++) {
		for (i = 0; i < 3; i++) {
			ASSERT_EQ(0, ipcshm_server_take(&server, &request, IPCSHM_NOW));
			EXPECT_EQ(i * 100 + k, value_of(request.data));
			ASSERT_EQ(0, reply_value(&server, &request, 1, 0, IPCSHM_NOW));
		}
	}
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&server, &request, IPCSHM_NOW));
	/* Also when memory is used in another order than it was first. */
	for (k = 0; k < 100; k++) {
		uint64_t first = (uint64_t)call_value(&clients[0], 2 * k, 0);

		ASSERT_EQ(1, take_value(&clients[0], k ? first - 1 : 1));
		ASSERT_LE(0, call_value(&clients[0], 2 * k + 1, 0));
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, ipcshm_server_take(&server, &request, IPCSHM_NOW));
			ASSERT_EQ(2 * k + i, value_of(request.data));
			ASSERT_EQ(0, reply_value(&server, &request, 1, 0, IPCSHM_NOW));
		}
		ASSERT_EQ(1, take_value(&clients[0], k ? 0 : first));
	}
}

TEST_F(service, replies_are_matched_by_id)
{
	struct ipcshm_service_request taken[3];
	struct ipcshm_service_reply reply;
	struct ipcshm_client client;
	struct ipcshm_server server;
	int64_t ids[3];
	uint64_t i;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	for (i = 0; i < 3; i++)
		ids[i] = call_value(&client, i, 0);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, ipcshm_server_take(&server, &taken[i], IPCSHM_NOW));
	ASSERT_EQ(0, reply_value(&server, &taken[2], 2, 0, IPCSHM_NOW));
	EXPECT_EQ(-EAGAIN, ipcshm_client_take(&client, (uint64_t)ids[0], &reply, IPCSHM_NOW));
	ASSERT_EQ(0, reply_value(&server, &taken[0], 0, 0, IPCSHM_NOW));
	EXPECT_EQ(2, take_value(&client, (uint64_t)ids[2]));
	EXPECT_EQ(0, take_value(&client, 0));
	EXPECT_EQ(-EAGAIN, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
	ASSERT_EQ(0, reply_value(&server, &taken[1], 1, 0, IPCSHM_NOW));
	EXPECT_EQ(1, take_value(&client, (uint64_t)ids[1]));
}

TEST_F(service, stream_ends_with_its_last_reply)
{
	struct ipcshm_service_request request;
	struct ipcshm_service_reply replies[2], reply;
	struct ipcshm_client client;
	struct ipcshm_server server;
	uint64_t i;
	int64_t id;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	id = call_value(&client, 1, 0);
	ASSERT_EQ(0, ipcshm_server_take(&server, &request, IPCSHM_NOW));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, reply_value(&server, &request, i, IPCSHM_SERVICE_MORE, IPCSHM_NOW));
	EXPECT_EQ(-EAGAIN, reply_value(&server, &request, 2, IPCSHM_SERVICE_MORE, IPCSHM_NOW));
	EXPECT_EQ(-ETIMEDOUT, reply_value(&server, &request, 2, IPCSHM_SERVICE_MORE,
					  ipcshm_deadline(SECOND / 100)));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ipcshm_client_take(&client, (uint64_t)id, &replies[i], IPCSHM_NOW));
		EXPECT_EQ(i, replies[i].number);
		EXPECT_EQ(i, value_of(replies[i].data));
		EXPECT_EQ(0, replies[i].last);
	}
	/* The first reply has to be released before its memory is used again. */
	ASSERT_EQ(0, ipcshm_client_release(&client, &replies[1]));
	EXPECT_EQ(-EAGAIN, reply_value(&server, &request, 2, IPCSHM_SERVICE_MORE, IPCSHM_NOW));
	EXPECT_EQ(0, value_of(replies[0].data));
	ASSERT_EQ(0, ipcshm_client_release(&client, &replies[0]));
	for (i = 2; i < 100; i++) {
		ASSERT_EQ(0, reply_value(&server, &request, i, i < 99 ? IPCSHM_SERVICE_MORE : 0,
					 IPCSHM_NOW));
		ASSERT_EQ(0, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
		EXPECT_EQ(i, reply.number);
		EXPECT_EQ(i, value_of(reply.data));
		EXPECT_EQ(i == 99, reply.last);
		ASSERT_EQ(0, ipcshm_client_release(&client, &reply));
	}
	EXPECT_EQ(-ENOENT, ipcshm_client_take(&client, (uint64_t)id, &reply, IPCSHM_NOW));
}

TEST_F(service, cancelled_call_is_dropped)
{
	struct ipcshm_service_request request, other;
	struct ipcshm_service_reply reply;
	struct ipcshm_service_stat stat;
	struct ipcshm_client client;
	struct ipcshm_server server;
	void *memory;
	int64_t id;
	int i;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	id = call_value(&client, 1, 0);
	EXPECT_EQ(0, ipcshm_client_cancel(&client, (uint64_t)id));
	EXPECT_EQ(-ENOENT, ipcshm_client_cancel(&client, (uint64_t)id));
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&server, &request, IPCSHM_NOW));

	/* Taken: its memory is not used before the server has finished it. */
	id = call_value(&client, 2, 0);
	ASSERT_EQ(0, ipcshm_server_take(&server, &request, IPCSHM_NOW));
	memory = request.data;
	ASSERT_EQ(0, reply_value(&server, &request, 3, IPCSHM_SERVICE_MORE, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_client_cancel(&client, (uint64_t)id));
	EXPECT_EQ(3, value_of(reply.data));
	EXPECT_EQ(0, ipcshm_client_release(&client, &reply));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ipcshm_client_loan(&client, 8, &other, IPCSHM_NOW));
		EXPECT_NE(memory, other.data);
	}
	EXPECT_EQ(-EAGAIN, ipcshm_client_loan(&client, 8, &other, IPCSHM_NOW));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_client_loan(&client, 8, &other,
						 ipcshm_deadline(SECOND / 100)));
	EXPECT_EQ(2, value_of(request.data));
	EXPECT_EQ(-ECANCELED, reply_value(&server, &request, 4, 0, IPCSHM_NOW));
	EXPECT_EQ(-EINVAL, reply_value(&server, &request, 4, 0, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_client_loan(&client, 8, &other, IPCSHM_NOW));
	EXPECT_EQ(memory, other.data);
	ASSERT_EQ(0, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat)));
	EXPECT_EQ(1, stat.dropped);

	/* Between the loan of a reply and the reply. */
	ASSERT_EQ(0, ipcshm_client_call(&client, &other, 0));
	ASSERT_EQ(0, ipcshm_server_take(&server, &request, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_server_loan(&server, &request, 8, &reply, IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_client_cancel(&client, other.id));
	EXPECT_EQ(-ECANCELED, ipcshm_server_reply(&server, &request, &reply, 0));
	EXPECT_EQ(0, ipcshm_client_loan(&client, 8, &other, IPCSHM_NOW));
}

static int hold_request_role(FIXTURE_DATA(service) *self)
{
	struct ipcshm_service_request request;
	struct ipcshm_server server;

	if (ipcshm_server_attach(&server, &self->service) ||
	    ipcshm_server_take(&server, &request, SOON))
		return 1;
	if (self->which && reply_value(&server, &request, self->which, IPCSHM_SERVICE_MORE, SOON))
		return 2;
	self->board->served++;
	for (;;)
		pause();
}

static void await_served(FIXTURE_DATA(service) *self, uint64_t count)
{
	while (self->board->served < count)
		sched_yield();
}

TEST_F(service, call_of_a_dead_server_fails)
{
	struct ipcshm_service_request request;
	struct ipcshm_service_reply reply;
	struct ipcshm_client client;
	struct ipcshm_server server;
	struct peer peer;
	int64_t id;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	id = call_value(&client, 1, 0);
	peer = start_peer(self, hold_request_role, 5);
	await_served(self, 1);
	EXPECT_EQ(1000, peer_kill(self->members, peer));
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&server, &request, IPCSHM_NOW));
	/* What it has replied before counts. */
	EXPECT_EQ(5, take_value(&client, (uint64_t)id));
	EXPECT_EQ(-EOWNERDEAD, ipcshm_client_take(&client, 0, &reply, SOON));
	EXPECT_EQ((uint64_t)id, reply.id);
	EXPECT_EQ(-ENOENT, ipcshm_client_take(&client, (uint64_t)id, &reply, SOON));
	id = call_value(&client, 2, 0);
	EXPECT_EQ(id, serve_one(&server, IPCSHM_NOW));
	EXPECT_EQ(answer_to(2), take_value(&client, (uint64_t)id));
}

TEST_F(service, request_of_a_dead_server_goes_to_another)
{
	struct ipcshm_service_request request;
	struct ipcshm_service_reply reply;
	struct ipcshm_service_stat stat;
	struct ipcshm_client client;
	struct ipcshm_server server;
	struct peer peer;
	int64_t id;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	id = call_value(&client, 1, IPCSHM_SERVICE_RETRY);
	peer = start_peer(self, hold_request_role, 5);
	await_served(self, 1);
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&server, &request, IPCSHM_NOW));
	EXPECT_EQ(1000, peer_kill(self->members, peer));
	ASSERT_EQ(0, ipcshm_server_take(&server, &request, IPCSHM_NOW));
	EXPECT_EQ(1, value_of(request.data));
	EXPECT_EQ((uint64_t)id, request.id);
	EXPECT_EQ(1, request.attempt);
	EXPECT_EQ(IPCSHM_SERVICE_RETRY, request.flags);
	ASSERT_EQ(0, reply_value(&server, &request, 6, 0, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
	EXPECT_EQ(5, value_of(reply.data));
	EXPECT_EQ(0, reply.attempt);
	EXPECT_EQ(0, reply.last);
	EXPECT_EQ(peer.token, reply.server);
	ASSERT_EQ(0, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
	EXPECT_EQ(6, value_of(reply.data));
	EXPECT_EQ(1, reply.attempt);
	EXPECT_EQ(1, reply.last);
	ASSERT_EQ(0, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat)));
	EXPECT_EQ(1, stat.retried);
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&server, &request, IPCSHM_NOW));
}

TEST_F(service, attempts_are_bounded)
{
	struct ipcshm_service_request request;
	struct ipcshm_service_reply reply;
	struct ipcshm_client client;
	struct ipcshm_server server;
	uint64_t i;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_LT(0, call_value(&client, 1, IPCSHM_SERVICE_RETRY));
	for (i = 0; i < IPCSHM_SERVICE_ATTEMPTS; i++) {
		struct peer peer;

		EXPECT_EQ(-EAGAIN, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
		peer = start_peer(self, hold_request_role, 0);
		await_served(self, i + 1);
		ASSERT_EQ(1000, peer_kill(self->members, peer));
	}
	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&server, &request, IPCSHM_NOW));
	EXPECT_EQ(-EOWNERDEAD, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
}

static int call_and_hold_role(FIXTURE_DATA(service) *self)
{
	struct ipcshm_client client;
	uint64_t i;

	if (ipcshm_client_attach(&client, &self->service))
		return 1;
	for (i = 0; i < 4; i++) {
		if (call_value(&client, i, IPCSHM_SERVICE_RETRY) < 0)
			return 2;
	}
	self->board->served++;
	for (;;)
		pause();
}

TEST_F(service, nothing_of_a_dead_client_is_served)
{
	struct ipcshm_service_request taken[2], request;
	struct ipcshm_client clients[CLIENTS];
	struct ipcshm_service_reply loan;
	struct ipcshm_service_stat stat;
	struct ipcshm_server server;
	struct peer peer;
	int i;

	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	peer = start_peer(self, call_and_hold_role, 0);
	await_served(self, 1);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ipcshm_server_take(&server, &taken[i], IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_server_loan(&server, &taken[0], 8, &loan, IPCSHM_NOW));
	EXPECT_EQ(1000, peer_kill(self->members, peer));
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&server, &request, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_service_get_stat(&self->service, &stat, sizeof(stat)));
	EXPECT_EQ(0, stat.clients);
	EXPECT_EQ(0, stat.waiting);

	/* Another client has its row, but not what the server still has. */
	for (i = 0; i < CLIENTS; i++)
		ASSERT_EQ(0, ipcshm_client_attach(&clients[i], &self->service));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ipcshm_client_loan(&clients[0], 8, &request, IPCSHM_NOW));
	EXPECT_EQ(-EAGAIN, ipcshm_client_loan(&clients[0], 8, &request, IPCSHM_NOW));
	EXPECT_EQ(0, value_of(taken[0].data));
	EXPECT_EQ(1, value_of(taken[1].data));
	EXPECT_EQ(-ECANCELED, ipcshm_server_reply(&server, &taken[0], &loan, 0));
	EXPECT_EQ(-ECANCELED, ipcshm_server_loan(&server, &taken[1], 8, &loan, IPCSHM_NOW));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ipcshm_client_loan(&clients[0], 8, &request, IPCSHM_NOW));
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&server, &request, IPCSHM_NOW));
}

TEST_F(service, returned_request_goes_to_another_server)
{
	struct ipcshm_service_request request;
	struct ipcshm_service_reply reply;
	struct ipcshm_server servers[2];
	struct ipcshm_client client;
	int64_t ids[2];
	int i;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ipcshm_server_attach(&servers[i], &self->service));
	ids[0] = call_value(&client, 1, 0);
	ASSERT_EQ(0, ipcshm_server_take(&servers[0], &request, IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_server_return(&servers[0], &request));
	EXPECT_EQ(-EINVAL, ipcshm_server_return(&servers[0], &request));
	EXPECT_EQ(ids[0], serve_one(&servers[1], IPCSHM_NOW));
	EXPECT_EQ(answer_to(1), take_value(&client, (uint64_t)ids[0]));

	/* A server that detaches returns what may be retried, and fails the rest. */
	ids[0] = call_value(&client, 2, 0);
	ids[1] = call_value(&client, 3, IPCSHM_SERVICE_RETRY);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ipcshm_server_take(&servers[0], &request, IPCSHM_NOW));
	ipcshm_server_detach(&servers[0]);
	EXPECT_EQ(ids[1], serve_one(&servers[1], IPCSHM_NOW));
	EXPECT_EQ(-EAGAIN, serve_one(&servers[1], IPCSHM_NOW));
	EXPECT_EQ(-EOWNERDEAD, ipcshm_client_take(&client, (uint64_t)ids[0], &reply, IPCSHM_NOW));
	EXPECT_EQ(answer_to(3), take_value(&client, (uint64_t)ids[1]));

	/* Cancelled: there is nothing to return. */
	ids[0] = call_value(&client, 4, 0);
	ASSERT_EQ(0, ipcshm_server_take(&servers[1], &request, IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_client_cancel(&client, (uint64_t)ids[0]));
	EXPECT_EQ(0, ipcshm_server_return(&servers[1], &request));
	EXPECT_EQ(-EAGAIN, ipcshm_server_take(&servers[1], &request, IPCSHM_NOW));
}

struct inherited {
	struct ipcshm_client client;
	struct ipcshm_server server;
};

static int use_inherited_role(FIXTURE_DATA(service) *self)
{
	struct inherited *handles = (void *)self->board;
	struct ipcshm_service_request request = { 0 };
	struct ipcshm_service_reply reply = { 0 };

	if (ipcshm_client_loan(&handles->client, 8, &request, IPCSHM_NOW) != -ESRCH ||
	    ipcshm_client_call(&handles->client, &request, 0) != -ESRCH ||
	    ipcshm_client_discard(&handles->client, &request) != -ESRCH ||
	    ipcshm_client_take(&handles->client, 0, &reply, IPCSHM_NOW) != -ESRCH ||
	    ipcshm_client_release(&handles->client, &reply) != -ESRCH ||
	    ipcshm_client_cancel(&handles->client, 1) != -ESRCH ||
	    ipcshm_client_arm(&handles->client, 0) != -ESRCH)
		return 1;
	if (ipcshm_server_take(&handles->server, &request, IPCSHM_NOW) != -ESRCH ||
	    ipcshm_server_loan(&handles->server, &request, 8, &reply, IPCSHM_NOW) != -ESRCH ||
	    ipcshm_server_reply(&handles->server, &request, &reply, 0) != -ESRCH ||
	    ipcshm_server_return(&handles->server, &request) != -ESRCH ||
	    ipcshm_server_arm(&handles->server, 0) != -ESRCH)
		return 2;
	ipcshm_client_detach(&handles->client);
	ipcshm_server_detach(&handles->server);
	return 0;
}

TEST_F(service, child_of_fork_cannot_use_inherited_handles)
{
	struct inherited *handles = shared_memory(sizeof(*handles));
	int64_t id;

	self->board = (void *)handles;
	ASSERT_EQ(0, ipcshm_client_attach(&handles->client, &self->service));
	ASSERT_EQ(0, ipcshm_server_attach(&handles->server, &self->service));
	id = call_value(&handles->client, 1, 0);
	EXPECT_EQ(0, finish_peer(self, start_peer(self, use_inherited_role, 0)));
	EXPECT_EQ(id, serve_one(&handles->server, IPCSHM_NOW));
	EXPECT_EQ(answer_to(1), take_value(&handles->client, (uint64_t)id));
	EXPECT_EQ(-EOPNOTSUPP, ipcshm_client_arm(&handles->client, 0));
	EXPECT_EQ(-EOPNOTSUPP, ipcshm_server_arm(&handles->server, 0));
}

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
		value = value_of(request.data);
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
	    value_of(reply.data) != expected || (!reply.last && value % 8))
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
		EXPECT_EQ(0, finish_peer(self, clients[i])) TH_LOG("client %u", i);
	self->board->stop = 1;
	for (i = 0; i < SERVERS; i++)
		EXPECT_EQ(0, finish_peer(self, servers[i])) TH_LOG("server %u", i);
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

static int take_one_role(FIXTURE_DATA(service) *self)
{
	struct ipcshm_server server;

	if (ipcshm_server_attach(&server, &self->service))
		return 1;
	return serve_one(&server, SOON) < 0;
}

TEST_F(service, sleeping_servers_and_clients_are_woken)
{
	struct ipcshm_client client;
	struct peer peers[SERVERS];
	int i;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	for (i = 0; i < SERVERS; i++)
		peers[i] = start_peer(self, take_one_role, 0);
	ASSERT_EQ(0, ipcshm_service_wait(&self->service, 1, SERVERS, SOON));
	for (i = 0; i < SERVERS; i++)
		await_sleep(peers[i].pid);
	for (i = 0; i < SERVERS; i++) {
		ASSERT_LT(0, call_value(&client, (uint64_t)i, 0));
		EXPECT_EQ(answer_to((uint64_t)i), take_value(&client, 0));
	}
	for (i = 0; i < SERVERS; i++)
		EXPECT_EQ(0, finish_peer(self, peers[i]));
}

static int sleep_for_reply_role(FIXTURE_DATA(service) *self)
{
	struct ipcshm_service_reply reply;
	struct ipcshm_client client;

	if (ipcshm_client_attach(&client, &self->service) || call_value(&client, 1, 0) < 0)
		return 1;
	return ipcshm_client_take(&client, 0, &reply, SOON) == -EOWNERDEAD ? 0 : 2;
}

TEST_F(service, death_of_its_server_wakes_a_client)
{
	struct peer client, server;

	client = start_peer(self, sleep_for_reply_role, 0);
	server = start_peer(self, hold_request_role, 0);
	await_served(self, 1);
	await_sleep(client.pid);
	EXPECT_EQ(1000, peer_kill(self->members, server));
	EXPECT_EQ(0, finish_peer(self, client));
}

TEST_F(service, death_of_a_server_wakes_another)
{
	struct ipcshm_client client;
	struct peer first, second;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_LT(0, call_value(&client, 1, IPCSHM_SERVICE_RETRY));
	first = start_peer(self, hold_request_role, 0);
	await_served(self, 1);
	second = start_peer(self, take_one_role, 0);
	ASSERT_EQ(0, ipcshm_service_wait(&self->service, 1, 2, SOON));
	await_sleep(second.pid);
	EXPECT_EQ(1000, peer_kill(self->members, first));
	EXPECT_EQ(answer_to(1), take_value(&client, 0));
	EXPECT_EQ(0, finish_peer(self, second));
}

static int stream_role(FIXTURE_DATA(service) *self)
{
	struct ipcshm_service_request request;
	struct ipcshm_server server;
	int ret, i;

	if (ipcshm_server_attach(&server, &self->service) ||
	    ipcshm_server_take(&server, &request, SOON))
		return 1;
	for (i = 0; i < 2; i++) {
		if (reply_value(&server, &request, 1, IPCSHM_SERVICE_MORE, SOON))
			return 2;
	}
	self->board->served++;
	ret = reply_value(&server, &request, 1, IPCSHM_SERVICE_MORE, SOON);
	if (self->which)
		return ret == -ECANCELED ? 0 : 3;
	return ret ? 4 : 0;
}

TEST_F(service, server_that_waits_for_room_is_woken)
{
	struct ipcshm_client client;
	struct peer peer;
	int64_t id;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_LT(0, call_value(&client, 1, 0));
	peer = start_peer(self, stream_role, 0);
	await_served(self, 1);
	await_sleep(peer.pid);
	EXPECT_EQ(1, take_value(&client, 0));
	EXPECT_EQ(0, finish_peer(self, peer));

	id = call_value(&client, 2, 0);
	peer = start_peer(self, stream_role, 1);
	await_served(self, 2);
	await_sleep(peer.pid);
	EXPECT_EQ(0, ipcshm_client_cancel(&client, (uint64_t)id));
	EXPECT_EQ(0, finish_peer(self, peer));
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
			fill_words(request.data, k);
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
			fill_words(reply.data, k);
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
