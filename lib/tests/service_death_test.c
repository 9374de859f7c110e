// SPDX-License-Identifier: GPL-2.0-only
/* Services: requests of dead servers, nothing of dead clients, and sleeping processes are woken. */
#include "service_fixture.h"

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
	/* Its earlier reply counts. */
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
	EXPECT_EQ(1, words_value(request.data));
	EXPECT_EQ((uint64_t)id, request.id);
	EXPECT_EQ(1, request.attempt);
	EXPECT_EQ(IPCSHM_SERVICE_RETRY, request.flags);
	ASSERT_EQ(0, reply_value(&server, &request, 6, 0, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
	EXPECT_EQ(5, words_value(reply.data));
	EXPECT_EQ(0, reply.attempt);
	EXPECT_EQ(0, reply.last);
	EXPECT_EQ(peer.token, reply.server);
	ASSERT_EQ(0, ipcshm_client_take(&client, 0, &reply, IPCSHM_NOW));
	EXPECT_EQ(6, words_value(reply.data));
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
	EXPECT_EQ(0, words_value(taken[0].data));
	EXPECT_EQ(1, words_value(taken[1].data));
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
		EXPECT_EQ(0, peer_end(self->members, peers[i]));
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
	EXPECT_EQ(0, peer_end(self->members, client));
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
	EXPECT_EQ(0, peer_end(self->members, second));
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
	EXPECT_EQ(0, peer_end(self->members, peer));

	id = call_value(&client, 2, 0);
	peer = start_peer(self, stream_role, 1);
	await_served(self, 2);
	await_sleep(peer.pid);
	EXPECT_EQ(0, ipcshm_client_cancel(&client, (uint64_t)id));
	EXPECT_EQ(0, peer_end(self->members, peer));
}

TEST_HARNESS_MAIN
