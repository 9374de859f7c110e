/* SPDX-License-Identifier: GPL-2.0-only */
/* Models of a service: the shared memory, and the roles of clients and servers. */
#ifndef SERVICE_MODEL_H
#define SERVICE_MODEL_H

#include "harness.h"

/* A model has to go through millions of states, beside whatever else runs. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 900

#include <ipcshm-service.h>

struct served {
	_Alignas(256) unsigned char memory[3072];
};

#define MODEL_SHARED	struct served
#define MODEL_FD	1000
#include "model.h"

#include "../src/service.h"

/* Flags of scenarios, for set_up_shared() and the roles. */
#define CLIENTS		0x0fU	/* how many, at most */
#define SERVERS		0xf0U
#define ONE_TO_ONE	0x11U
#define TWO_TO_ONE	0x12U
#define ONE_TO_TWO	0x21U
#define TWO_CALLS	0x100U	/* that each client may have outstanding */
#define RETRY		0x200U
#define ROWS_FOR_ONE	0x400U	/* clients after each other */

/* Notes of the processes, at no step of their own. */
#define replied		world.ghost[0]	/* bits: requests replied to, or failed, see bit_of() */
#define taken		world.ghost[1]	/* bits: requests taken, see bit_of() */
#define finished	world.ghost[2]	/* bits: processes whose role has ended */
#define replying	world.ghost[3]	/* bits: processes in a loan of a reply */

static struct ipcshm_service services[PROCESSES];

/* A token changes only when a handle is attached or detached. */
static bool is_row_constant(size_t offset)
{
	if (offset == offsetof(struct client_row, token))
		return !scenario->attaching;
	return offset == offsetof(struct client_row, calls);
}

/* The state word guards these members, as it does the memory of requests and replies. */
static bool is_slot_constant(size_t offset)
{
	return offset >= offsetof(struct service_slot, size) &&
	       offset <= offsetof(struct service_slot, flags);
}

/* Only the mortal change anything there. */
static bool is_member_constant(const void *address)
{
	const uint32_t *word = address;

	if (word == &world.members.page.deaths)
		return !scenario->deaths;
	return word < world.members.page.slot ||
	       !(scenario->mortal >> (word - world.members.page.slot) & 1);
}

/* Where no order of accesses makes a difference, or the roles have a step of their own. */
static bool is_constant(const void *address)
{
	const struct service *service = (const struct service *)&services[0];
	const unsigned char *at = address;
	const unsigned char *servers = (const unsigned char *)service->servers;
	const unsigned char *slots = (const unsigned char *)service->slots;

	if (at >= (const unsigned char *)&world.members)
		return is_member_constant(address);
	if (at < world.shared.memory + sizeof(struct service_geometry) || at >= service->memory)
		return true;
	if (at >= slots)
		return is_slot_constant((size_t)(at - slots) % sizeof(struct service_slot));
	if (at >= (const unsigned char *)service->pending)
		return false;
	if (at >= servers)
		return true;
	if (at >= service->clients)
		return is_row_constant((size_t)(at - service->clients) % service->row_size);
	return false;
}

void before_access(const volatile void *address);
void before_access(const volatile void *address)
{
	if (!at_once)
		take_step((const void *)address);
}

static void set_up_shared(void)
{
	const struct ipcshm_service_attr attr = {
		.max_request_size = 16,
		.max_reply_size = 16,
		.clients = scenario->flags & ROWS_FOR_ONE ? 1 : scenario->flags & CLIENTS,
		.servers = (scenario->flags & SERVERS) >> 4,
		.max_calls = scenario->flags & TWO_CALLS ? 2 : 1,
		.max_held = 1,
		.max_replies = 1,
	};
	static const struct ipcshm_area_ops ops = {
		.size = sizeof(ops),
		.wait = model_wait,
		.wake = model_wake,
	};
	struct ipcshm_area area;
	unsigned int i;

	at_once = true;
	if (ipcshm_area_init(&area, &world.shared, sizeof(world.shared), &ops, NULL) ||
	    ipcshm_service_create(&area, 0, &attr))
		abort();
	ipcshm_area_destroy(&area);
	for (i = 0; i < PROCESSES; i++)
		if (ipcshm_area_init(&areas[i], &world.shared, sizeof(world.shared), &ops, NULL) ||
		    ipcshm_service_attach(&services[i], &areas[i], 0, NULL))
			abort();
	at_once = false;
}

/* The state word and the replies word of the first call, with one row for clients. */
static void print_shared(const void *before)
{
	const struct served *was = before;
	uint64_t state, replies;

	memcpy(&state, was->memory + 912, 8);
	memcpy(&replies, was->memory + 1280, 8);
	fprintf(stderr, "state %llx replies %llx", (unsigned long long)state,
		(unsigned long long)replies);
}

static void on_death(uint32_t token)
{
	finished |= 1U << IPCSHM_TOKEN_SLOT(token);
	replying &= ~(1U << IPCSHM_TOKEN_SLOT(token));
}

/* Parts of roles. A request's value is its client and id, a reply's also its number. */

static void pause_here(void)
{
	take_step(&world.shared.memory[300]);
}

static uint64_t value_of(uint32_t client, uint64_t id, uint64_t number)
{
	return (uint64_t)client << 32 | id << 8 | number;
}

static uint32_t bit_of(uint32_t client, uint64_t id)
{
	return 1U << (IPCSHM_TOKEN_SLOT(client) * 8 + id % 8);
}

/* Another process that has the same memory is seen between the two stores. */
static void write_value(void *data, uint64_t value)
{
	*(uint64_t *)data = ~0ULL;
	pause_here();
	*(uint64_t *)data = value;
}

static void check_value(const void *data, uint64_t value)
{
	check_that(*(const uint64_t *)data == value, "memory is not what was written");
}

static void attach_client(struct ipcshm_client *client)
{
	int ret;

	memset(client, 0, sizeof(*client));
	at_once = !scenario->attaching;
	do
		ret = ipcshm_client_attach(client, &services[current]);
	while (ret == -EUSERS && scenario->flags & ROWS_FOR_ONE);
	at_once = false;
	check_that(!ret, "not attached");
	ipcshm_client_set_busy_poll(client, 0);
}

static void attach_server(struct ipcshm_server *server)
{
	struct ipcshm_service_request request = { 0 };

	memset(server, 0, sizeof(*server));
	/* With the first look at all calls, which no client has made yet. */
	at_once = true;
	check_that(!ipcshm_server_attach(server, &services[current]), "not attached");
	check_that(ipcshm_server_take(server, &request, IPCSHM_NOW) == -EAGAIN, "taken too early");
	at_once = false;
	ipcshm_server_set_busy_poll(server, 0);
}

static uint64_t send_call(struct ipcshm_client *client)
{
	struct ipcshm_service_request request;

	check_that(!ipcshm_client_loan(client, 8, &request, IPCSHM_FOREVER), "no loan");
	if (!at_once)
		write_value(request.data, ~1ULL);
	*(uint64_t *)request.data = ipcshm_area_token(own_area());
	check_that(!ipcshm_client_call(client, &request,
				       scenario->flags & RETRY ? IPCSHM_SERVICE_RETRY : 0),
		   "no call");
	return request.id;
}

/* Take a reply, of any call if @id is 0; returns whether it is the last one. */
static bool take_reply(struct ipcshm_client *client, uint64_t id)
{
	struct ipcshm_service_reply reply;
	int ret = ipcshm_client_take(client, id, &reply, IPCSHM_FOREVER);
	uint64_t value;

	if (ret == -EOWNERDEAD) {
		check_that(world.deaths_left != scenario->deaths || scenario->leaves,
			   "no server has died");
		check_that(!(scenario->flags & RETRY), "not retried");
		check_that(!(replied & bit_of(ipcshm_area_token(own_area()), reply.id)),
			   "a reply is lost");
		replied |= bit_of(ipcshm_area_token(own_area()), reply.id);
		return true;
	}
	check_that(!ret, "no reply");
	check_that(!id || reply.id == id, "the reply of another call");
	value = value_of(ipcshm_area_token(own_area()), reply.id, reply.number);
	check_value(reply.data, value);
	pause_here();
	check_value(reply.data, value);
	check_that(!ipcshm_client_release(client, &reply), "not released");
	if (reply.last)
		replied |= bit_of(ipcshm_area_token(own_area()), reply.id);
	return reply.last;
}

static void call_count(unsigned int count)
{
	struct ipcshm_client client;
	unsigned int i;

	attach_client(&client);
	for (i = 0; i < count; i++)
		while (!take_reply(&client, send_call(&client)))
			check_that(false, "not the last reply");
	finished |= 1U << current;
}

static void call_1(void)
{
	call_count(1);
}

/* The call itself in one step. */
static void call_at_once(void)
{
	struct ipcshm_client client;
	uint64_t id;

	attach_client(&client);
	pause_here();
	at_once = true;
	id = send_call(&client);
	at_once = false;
	take_reply(&client, id);
	finished |= 1U << current;
}

static void call_2(void)
{
	call_count(2);
}


/* Then another client has the row. */
static void call_and_detach(void)
{
	struct ipcshm_client client;

	attach_client(&client);
	pause_here();
	at_once = true;
	send_call(&client);
	at_once = false;
	ipcshm_client_detach(&client);
	finished |= 1U << current;
}

static void loan_and_write(void)
{
	struct ipcshm_service_request request;
	struct ipcshm_client client;

	attach_client(&client);
	check_that(!ipcshm_client_loan(&client, 8, &request, IPCSHM_FOREVER), "no loan");
	write_value(request.data, 1);
	pause_here();
	check_value(request.data, 1);
	finished |= 1U << current;
}

static void call_two_at_once(void)
{
	struct ipcshm_client client;

	attach_client(&client);
	send_call(&client);
	send_call(&client);
	take_reply(&client, 0);
	take_reply(&client, 0);
	finished |= 1U << current;
}

static void cancel_and_call(void)
{
	struct ipcshm_client client;

	attach_client(&client);
	check_that(!ipcshm_client_cancel(&client, send_call(&client)), "not cancelled");
	take_reply(&client, send_call(&client));
	finished |= 1U << current;
}

static void take_stream(void)
{
	struct ipcshm_client client;
	uint64_t id;

	attach_client(&client);
	id = send_call(&client);
	while (!take_reply(&client, id))
		;
	finished |= 1U << current;
}

/* Each request once, unless a server has died, or has returned it. */
static void note_taken(const struct ipcshm_service_request *request)
{
	uint32_t bit = bit_of(request->client, request->id);

	check_that(!(taken & bit) || scenario->flags & RETRY, "a request was taken twice");
	taken |= bit;
}

/* Returns false if the call was cancelled. */
static bool reply_one(struct ipcshm_server *server, const struct ipcshm_service_request *request,
		      uint32_t flags)
{
	struct ipcshm_service_reply reply;
	int ret;

	replying |= 1U << current;
	ret = ipcshm_server_loan(server, request, 8, &reply, IPCSHM_FOREVER);
	replying &= ~(1U << current);
	if (ret == -ECANCELED)
		return false;
	check_that(!ret, "no loan for a reply");
	check_value(request->data, request->client);
	write_value(reply.data, value_of(request->client, request->id, reply.number));
	check_value(request->data, request->client);
	ret = ipcshm_server_reply(server, request, &reply, flags);
	check_that(!ret || ret == -ECANCELED, "not replied");
	if (!ret && !flags)
		replied |= bit_of(request->client, request->id);
	return !ret;
}

static void serve_count(unsigned int requests, unsigned int replies)
{
	struct ipcshm_service_request request;
	struct ipcshm_server server;
	unsigned int i;

	attach_server(&server);
	while (requests--) {
		check_that(!ipcshm_server_take(&server, &request, IPCSHM_FOREVER), "not taken");
		note_taken(&request);
		for (i = 1; i < replies; i++)
			if (!reply_one(&server, &request, IPCSHM_SERVICE_MORE))
				break;
		if (i == replies)
			reply_one(&server, &request, 0);
	}
}

static void serve_each(void)
{
	serve_count(1000, 1);
}

static void serve_one(void)
{
	serve_count(1, 1);
}

static void serve_streams(void)
{
	serve_count(1000, 2);
}

static void take_and_detach(void)
{
	struct ipcshm_service_request request;
	struct ipcshm_server server;

	attach_server(&server);
	check_that(!ipcshm_server_take(&server, &request, IPCSHM_FOREVER), "not taken");
	ipcshm_server_detach(&server);
	finished |= 1U << current;
}

#endif /* SERVICE_MODEL_H */
