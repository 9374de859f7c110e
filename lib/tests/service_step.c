// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server, and a client, of a service are killed after each single instruction of a call. The
 * request of the server is answered once, by it or by another, or its call fails; the client
 * after the dead one finds a service in which nothing is left.
 *
 * Compiled as the library is, with no sanitizer, so that the instructions are those of the
 * library. Without IPCSHM_LONG, only after some instructions.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness.h"

#include "peer.h"

#include <ipcshm-service.h>

#define SIZE	16384
#define CHILD	1	/* slot */
#define SOME	7	/* instructions between two kills */

static struct ipcshm_area area;
static struct ipcshm_member_page *members;
static struct ipcshm_service service;
static uint32_t flags;	/* of the calls */

static void set_up(void)
{
	const struct ipcshm_service_attr attr = {
		.max_request_size = 8,
		.max_reply_size = 8,
		.clients = 1,
		.servers = 2,
		.max_calls = 2,
		.max_held = 1,
	};

	if (ipcshm_service_create(&area, 0, &attr) ||
	    ipcshm_service_attach(&service, &area, 0, NULL))
		abort();
}

static uint64_t send_call(struct ipcshm_client *client, uint64_t value, uint32_t how)
{
	struct ipcshm_service_request request;

	if (ipcshm_client_loan(client, 8, &request, IPCSHM_NOW))
		return 0;
	*(uint64_t *)request.data = value;
	return ipcshm_client_call(client, &request, how) ? 0 : request.id;
}

/* Serves one request, if there is one; returns 1 if it did, 0, or an error. */
static int serve_request(struct ipcshm_server *server)
{
	struct ipcshm_service_request request;
	struct ipcshm_service_reply reply;
	int ret;

	ret = ipcshm_server_take(server, &request, IPCSHM_NOW);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	ret = ipcshm_server_loan(server, &request, 8, &reply, IPCSHM_NOW);
	if (ret)
		return ret;
	*(uint64_t *)reply.data = *(const uint64_t *)request.data + 1;
	ret = ipcshm_server_reply(server, &request, &reply, 0);
	return ret ? ret : 1;
}

/* Returns the value, or an error. */
static int take_reply(struct ipcshm_client *client, uint64_t id)
{
	struct ipcshm_service_reply reply;
	int ret = ipcshm_client_take(client, id, &reply, IPCSHM_NOW);

	if (ret)
		return ret;
	ret = reply.last ? (int)*(const uint64_t *)reply.data : -EIO;
	return ipcshm_client_release(client, &reply) ? -EIO : ret;
}

static void be_server(void)
{
	struct ipcshm_server server;

	if (ipcshm_server_attach(&server, &service))
		_exit(1);
	peer_be_stepped();
	serve_request(&server);
	_exit(0);
}

static void be_client(void)
{
	struct ipcshm_client client;
	uint64_t id;

	if (ipcshm_client_attach(&client, &service))
		_exit(1);
	peer_be_stepped();
	id = send_call(&client, 5, flags);
	take_reply(&client, id);
	ipcshm_client_cancel(&client, id);
	ipcshm_client_detach(&client);
	_exit(0);
}

/* Let a child play a role for so many instructions; returns false if it came to its end. */
static bool kill_after(void (*role)(void), unsigned int steps)
{
	struct peer peer = peer_fork(members, &area, CHILD);
	bool alive;

	if (!peer.pid)
		role();
	peer_await_steps(peer);
	alive = peer_step(peer, steps);
	peer_kill(members, peer);
	return alive;
}

static unsigned int choose_stride(void)
{
	return getenv("IPCSHM_LONG") ? 1 : SOME;
}

FIXTURE(step) {
	void *memory;
};

FIXTURE_VARIANT(step) {
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(step, retried) {
	.flags = IPCSHM_SERVICE_RETRY,
};

FIXTURE_VARIANT_ADD(step, failing) {
	.flags = 0,
};

FIXTURE_SETUP(step)
{
	flags = variant->flags;
	self->memory = shared_memory(SIZE);
	members = members_create();
	ASSERT_EQ(0, ipcshm_area_init_futex(&area, self->memory, SIZE, members));
	ASSERT_EQ(0, ipcshm_area_set_token(&area, members_join(members, 0)));
}

FIXTURE_TEARDOWN(step)
{
	ipcshm_area_destroy(&area);
}

TEST_F_TIMEOUT(step, killed_at_each_instruction_of_a_server, 3600)
{
	unsigned int steps = 0, by_dead = 0, by_other = 0, failed = 0;
	struct ipcshm_client client;
	struct ipcshm_server server;
	bool alive = true;
	int served, value, expected;
	uint64_t id;

	for (; alive; steps += choose_stride()) {
		set_up();
		ASSERT_EQ(0, ipcshm_client_attach(&client, &service));
		ASSERT_EQ(0, ipcshm_server_attach(&server, &service));
		id = send_call(&client, 5, variant->flags);
		alive = kill_after(be_server, steps);
		served = serve_request(&server);
		ASSERT_LE(0, served) TH_LOG("after %u instructions", steps);
		value = take_reply(&client, id);
		if (served)
			by_other++;
		else if (value == 6)
			by_dead++;
		else
			failed++;
		expected = served || variant->flags || value >= 0 ? 6 : -EOWNERDEAD;
		ASSERT_EQ(expected, value) TH_LOG("after %u instructions", steps);
		ASSERT_EQ(0, serve_request(&server)) TH_LOG("after %u instructions", steps);
		id = send_call(&client, 7, 0);
		ASSERT_EQ(1, serve_request(&server)) TH_LOG("after %u instructions", steps);
		ASSERT_EQ(8, take_reply(&client, id)) TH_LOG("after %u instructions", steps);
	}
	TH_LOG("%u instructions: served by the dead one %u times, by another %u, failed %u", steps,
	       by_dead, by_other, failed);
	EXPECT_LT(300, steps);
	EXPECT_LT(0, by_dead);
	EXPECT_LT(5, by_other);
	EXPECT_EQ(!variant->flags, failed > 5);
}

TEST_F_TIMEOUT(step, killed_at_each_instruction_of_a_client, 3600)
{
	struct ipcshm_client client;
	struct ipcshm_server server;
	unsigned int steps = 0;
	bool alive = true;
	uint64_t ids[2];
	int i;

	for (; alive; steps += choose_stride()) {
		set_up();
		ASSERT_EQ(0, ipcshm_server_attach(&server, &service));
		alive = kill_after(be_client, steps);
		ASSERT_EQ(0, serve_request(&server)) TH_LOG("after %u instructions", steps);
		ASSERT_EQ(0, ipcshm_client_attach(&client, &service));
		for (i = 0; i < 2; i++) {
			ids[i] = send_call(&client, 10 * (uint64_t)i, 0);
			ASSERT_NE(0, ids[i]) TH_LOG("after %u instructions", steps);
		}
		for (i = 0; i < 2; i++)
			ASSERT_EQ(1, serve_request(&server)) TH_LOG("after %u instructions", steps);
		ASSERT_EQ(0, serve_request(&server));
		for (i = 0; i < 2; i++)
			ASSERT_EQ(10 * i + 1, take_reply(&client, ids[i]));
	}
	TH_LOG("%u instructions", steps);
	EXPECT_LT(300, steps);
}

TEST_HARNESS_MAIN
