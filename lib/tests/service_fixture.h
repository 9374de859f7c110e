/* SPDX-License-Identifier: GPL-2.0-only */
/* A service, members that use it, and requests and replies whose words follow from the first. */
#ifndef SERVICE_FIXTURE_H
#define SERVICE_FIXTURE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "harness.h"

#include <ipcshm-service.h>

#include "peer.h"
#include "words.h"

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
static inline struct peer start_peer(FIXTURE_DATA(service) *self,
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

static inline bool is_whole(const void *data, uint64_t size)
{
	return size == WORDS * 8 && words_are_whole(data, WORDS);
}

/* Returns the id, or an error. */
static inline int64_t call_value(struct ipcshm_client *client, uint64_t value, uint32_t flags)
{
	struct ipcshm_service_request request;
	int ret;

	ret = ipcshm_client_loan(client, WORDS * 8, &request, SOON);
	if (ret)
		return ret;
	words_fill(request.data, WORDS, value);
	ret = ipcshm_client_call(client, &request, flags);
	return ret ? ret : (int64_t)request.id;
}

static inline int reply_value(struct ipcshm_server *server, const struct ipcshm_service_request *request,
			      uint64_t value, uint32_t flags, uint64_t deadline)
{
	struct ipcshm_service_reply reply;
	int ret;

	ret = ipcshm_server_loan(server, request, WORDS * 8, &reply, deadline);
	if (ret)
		return ret;
	words_fill(reply.data, WORDS, value);
	return ipcshm_server_reply(server, request, &reply, flags);
}

/* The answer to a question. */
static inline uint64_t answer_to(uint64_t value)
{
	return value * 3 + 1;
}

/* Take a request and reply; returns its id, or an error. */
static inline int64_t serve_one(struct ipcshm_server *server, uint64_t deadline)
{
	struct ipcshm_service_request request;
	int ret;

	ret = ipcshm_server_take(server, &request, deadline);
	if (ret)
		return ret;
	if (!is_whole(request.data, request.size))
		return -EIO;
	ret = reply_value(server, &request, answer_to(words_value(request.data)), 0, deadline);
	return ret ? ret : (int64_t)request.id;
}

/* Take a reply and release it; returns its value. */
static inline uint64_t take_value(struct ipcshm_client *client, uint64_t id)
{
	struct ipcshm_service_reply reply;
	uint64_t value;

	if (ipcshm_client_take(client, id, &reply, SOON) || !is_whole(reply.data, reply.size))
		return ~0ULL;
	value = words_value(reply.data);
	return ipcshm_client_release(client, &reply) ? ~0ULL : value;
}

#endif /* SERVICE_FIXTURE_H */
