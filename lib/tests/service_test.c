// SPDX-License-Identifier: GPL-2.0-only
/* Services: each request reaches one server and each reply its client, in order and in bounds. */
#include "service_fixture.h"

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

TEST_F(service, request_reaches_a_server)
{
	struct ipcshm_service_request request, taken;
	struct ipcshm_service_reply got;
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
}

TEST_F(service, reply_reaches_its_client)
{
	struct ipcshm_service_request taken;
	struct ipcshm_service_reply reply, got;
	struct ipcshm_service_stat stat;
	struct ipcshm_client client;
	struct ipcshm_server server;

	ASSERT_EQ(0, ipcshm_client_attach(&client, &self->service));
	ASSERT_EQ(0, ipcshm_server_attach(&server, &self->service));
	ASSERT_EQ(1, call_value(&client, 5, 0));
	ASSERT_EQ(0, ipcshm_server_take(&server, &taken, IPCSHM_NOW));
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
			EXPECT_EQ(i * 100 + k, words_value(request.data));
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
			ASSERT_EQ(2 * k + i, words_value(request.data));
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
		EXPECT_EQ(i, words_value(replies[i].data));
		EXPECT_EQ(0, replies[i].last);
	}
	/* The first reply has to be released before its memory is used again. */
	ASSERT_EQ(0, ipcshm_client_release(&client, &replies[1]));
	EXPECT_EQ(-EAGAIN, reply_value(&server, &request, 2, IPCSHM_SERVICE_MORE, IPCSHM_NOW));
	EXPECT_EQ(0, words_value(replies[0].data));
	ASSERT_EQ(0, ipcshm_client_release(&client, &replies[0]));
	for (i = 2; i < 100; i++) {
		ASSERT_EQ(0, reply_value(&server, &request, i, i < 99 ? IPCSHM_SERVICE_MORE : 0,
					 IPCSHM_NOW));
		ASSERT_EQ(0, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
		EXPECT_EQ(i, reply.number);
		EXPECT_EQ(i, words_value(reply.data));
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
	EXPECT_EQ(3, words_value(reply.data));
	EXPECT_EQ(0, ipcshm_client_release(&client, &reply));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, ipcshm_client_loan(&client, 8, &other, IPCSHM_NOW));
		EXPECT_NE(memory, other.data);
	}
	EXPECT_EQ(-EAGAIN, ipcshm_client_loan(&client, 8, &other, IPCSHM_NOW));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_client_loan(&client, 8, &other,
						 ipcshm_deadline(SECOND / 100)));
	EXPECT_EQ(2, words_value(request.data));
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
	EXPECT_EQ(0, peer_end(self->members, start_peer(self, use_inherited_role, 0)));
	EXPECT_EQ(id, serve_one(&handles->server, IPCSHM_NOW));
	EXPECT_EQ(answer_to(1), take_value(&handles->client, (uint64_t)id));
	EXPECT_EQ(-EOPNOTSUPP, ipcshm_client_arm(&handles->client, 0));
	EXPECT_EQ(-EOPNOTSUPP, ipcshm_server_arm(&handles->server, 0));
}

TEST_HARNESS_MAIN
