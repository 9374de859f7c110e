// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Services: clients. See service.h for the states of a call.
 */
#include "service.h"

static struct client *client_of(struct ipcshm_client *handle)
{
	return (struct client *)handle;
}

static uint32_t call_slot(const struct client *client, uint32_t k)
{
	return client->which * client->service->geometry.max_calls + k;
}

static struct service_slot *call_slot_at(const struct client *client, uint32_t k)
{
	return &client->service->slots[call_slot(client, k)];
}

/* A living server may access the slot of a call that is not outstanding any longer. */
static bool is_busy(const struct client *client, uint32_t k, uint64_t word)
{
	const struct service *service = client->service;
	const enum call_state state = call_state(word);

	return (state == CALL_TAKEN || state == CALL_DROPPED) &&
	       ipcshm_area_is_alive(service->area, call_token(word)) &&
	       !is_finished(service, call_slot(client, k), call_number(word));
}

/* No server is to take the request, and one that has taken it is to drop it. */
static void drop_call(const struct client *client, uint32_t k)
{
	_Atomic uint64_t *state = &client->row->state[k];
	uint64_t word = atomic_load(state);
	uint64_t wanted;
	int tries;

	for (tries = 0; tries < SERVICE_TRIES; tries++) {
		if (call_state(word) == CALL_IDLE || call_state(word) == CALL_DROPPED)
			return;
		if (is_busy(client, k, word))
			wanted = call_word(call_number(word), CALL_DROPPED, call_token(word));
		else
			wanted = call_word(call_number(word), CALL_IDLE, 0);
		if (atomic_compare_exchange_strong(state, &word, wanted))
			return;
	}
}

/* Loans. */

static int attempt_request_loan(void *handle, void *argument)
{
	struct ipcshm_service_request *request = argument;
	struct client *client = handle;
	const struct service *service = client->service;
	uint64_t word;
	uint32_t k;

	for (k = 0; k < service->geometry.max_calls; k++) {
		word = atomic_load(&client->row->state[k]);
		if (client->used & 1U << k || is_busy(client, k, word))
			continue;
		client->used |= 1U << k;
		client->call[k] = (struct client_call) { 0 };
		*request = (struct ipcshm_service_request) {
			.data = memory_at(service, call_slot(client, k)),
			.size = request->size,
			.index = k,
		};
		return 0;
	}
	return -EAGAIN;
}

int ipcshm_client_loan(struct ipcshm_client *handle, uint64_t size,
		       struct ipcshm_service_request *request, uint64_t deadline)
{
	struct client *client = client_of(handle);
	const struct service *service = client->service;
	const struct gate_call call = {
		.attempt = attempt_request_loan,
		.handle = client,
		.argument = request,
		.gate = &client->row->replies,
	};
	int ret;

	if (!service_token_is_own(service, client->token))
		return -ESRCH;
	if (size > service->geometry.request_size)
		return -EMSGSIZE;
	if ((uint32_t)__builtin_popcount(client->used) >= service->geometry.max_calls)
		return -ENOBUFS;
	request->size = size;
	ret = attempt_request_loan(client, request);
	if (ret == -EAGAIN && deadline)
		ret = gate_wait(service->area, &call, deadline);
	return ret;
}

static bool is_loan(const struct client *client, const struct ipcshm_service_request *request)
{
	const uint32_t k = request->index;

	return k < client->service->geometry.max_calls && client->used & 1U << k &&
	       !client->call[k].id;
}

int ipcshm_client_discard(struct ipcshm_client *handle,
			  const struct ipcshm_service_request *request)
{
	struct client *client = client_of(handle);

	if (!service_token_is_own(client->service, client->token))
		return -ESRCH;
	if (!is_loan(client, request))
		return -EINVAL;
	client->used &= ~(1U << request->index);
	return 0;
}

/* Calls. */

static void write_slot(const struct client *client,
		       const struct ipcshm_service_request *request, uint32_t flags)
{
	struct service_slot *slot = call_slot_at(client, request->index);

	atomic_store_explicit(&slot->size, request->size, memory_order_relaxed);
	atomic_store_explicit(&slot->id, request->id, memory_order_relaxed);
	atomic_store_explicit(&slot->time, ipcshm_deadline(0), memory_order_relaxed);
	atomic_store_explicit(&slot->flags, flags, memory_order_relaxed);
	atomic_store_explicit(&slot->client, client->token, memory_order_relaxed);
	atomic_store_explicit(&slot->attempt, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->released, (uint64_t)(uint32_t)request->id << 32,
			      memory_order_relaxed);
}

int ipcshm_client_call(struct ipcshm_client *handle, struct ipcshm_service_request *request,
		       uint32_t flags)
{
	struct client *client = client_of(handle);
	const struct service *service = client->service;
	const uint32_t k = request->index;

	if (!service_token_is_own(service, client->token))
		return -ESRCH;
	if (!is_loan(client, request) || flags & ~IPCSHM_SERVICE_RETRY)
		return -EINVAL;
	if (request->size > service->geometry.request_size)
		return -EMSGSIZE;
	request->id = ++client->calls;
	atomic_store_explicit(&client->row->calls, client->calls, memory_order_relaxed);
	client->call[k] = (struct client_call) { .id = request->id, .may_retry = flags };
	client->called |= 1U << k;
	write_slot(client, request, flags);
	atomic_store(&client->row->state[k],						/* C0 */
		     call_word((uint32_t)request->id, CALL_READY, 0));
	service_set_pending(service, client->which);					/* C1 */
	gate_open(service->area, &service->shared->requests);
	return 0;
}

/* Returns which slot has the outstanding call, or -1. */
static int find_call(const struct client *client, uint64_t id)
{
	uint32_t k;

	for (k = 0; k < client->service->geometry.max_calls; k++) {
		if (client->called & 1U << k && client->call[k].id == id)
			return (int)k;
	}
	return -1;
}

/* The call is not outstanding any longer; its slot is used until its replies are released. */
static void end_call(struct client *client, uint32_t k)
{
	client->called &= ~(1U << k);
	if (!client->call[k].held)
		client->used &= ~(1U << k);
}

int ipcshm_client_cancel(struct ipcshm_client *handle, uint64_t id)
{
	struct client *client = client_of(handle);
	const struct service *service = client->service;
	int k = find_call(client, id);

	if (!service_token_is_own(service, client->token))
		return -ESRCH;
	if (k < 0)
		return -ENOENT;
	drop_call(client, (uint32_t)k);
	end_call(client, (uint32_t)k);
	/* The server may wait for room. */
	gate_open(service->area, &service->shared->room);
	return 0;
}

/* Replies. */

static int break_call(struct client *client, uint32_t k, struct ipcshm_service_reply *reply,
		      int error)
{
	*reply = (struct ipcshm_service_reply) { .id = client->call[k].id };
	drop_call(client, k);
	end_call(client, k);
	return error;
}

/* The replies word has a reply that was not taken. Another process may have written anything. */
static int take_reply(struct client *client, uint32_t k, uint64_t replies,
		      struct ipcshm_service_reply *reply)
{
	const struct service *service = client->service;
	const uint32_t most = service->geometry.max_replies;
	struct client_call *call = &client->call[k];
	struct reply_meta *meta = reply_at(service, call_slot(client, k), call->taken);
	uint32_t count = replies & REPLIES_COUNT;
	uint64_t size = atomic_load_explicit(&meta->size, memory_order_relaxed);

	if (count - call->taken > most - (call->taken - call->released) ||
	    size > service->geometry.reply_size)
		return break_call(client, k, reply, -EBADMSG);
	*reply = (struct ipcshm_service_reply) {
		.data = meta + 1,
		.size = size,
		.id = call->id,
		.number = call->taken,
		.status = (int32_t)atomic_load_explicit(&meta->status, memory_order_relaxed),
		.server = atomic_load_explicit(&meta->server, memory_order_relaxed),
		.attempt = atomic_load_explicit(&meta->attempt, memory_order_relaxed),
		.last = replies & REPLIES_FINISHED && call->taken + 1 == count,
		.index = k,
	};
	call->held |= 1ULL << call->taken % most;
	call->taken++;
	if (reply->last)
		end_call(client, k);
	return 0;
}

/* The server has died with the request, and no other one will take it. */
static bool is_given_up(const struct client *client, uint32_t k)
{
	uint64_t word = atomic_load(&client->row->state[k]);

	return call_state(word) == CALL_TAKEN &&
	       call_number(word) == (uint32_t)client->call[k].id &&
	       !ipcshm_area_is_alive(client->service->area, call_token(word)) &&
	       !(client->call[k].may_retry && may_try_again(call_slot_at(client, k)));
}

/* There is a reply, or the call is finished without one, which is an error. */
static bool has_reply(const struct client *client, uint32_t k, uint64_t *replies)
{
	*replies = atomic_load(&call_slot_at(client, k)->replies);
	return call_number(*replies) == (uint32_t)client->call[k].id &&
	       ((*replies & REPLIES_COUNT) != client->call[k].taken ||
		*replies & REPLIES_FINISHED);
}

static int look_at_call(struct client *client, uint32_t k, struct ipcshm_service_reply *reply)
{
	const struct client_call *call = &client->call[k];
	uint64_t replies;

	if (!has_reply(client, k, &replies)) {
		if (!is_given_up(client, k))
			return -EAGAIN;
		/* Replies that the dead server has published can be seen now. */
		if (!has_reply(client, k, &replies))
			return break_call(client, k, reply, -EOWNERDEAD);
	}
	if ((replies & REPLIES_COUNT) == call->taken)
		return break_call(client, k, reply, -EBADMSG);
	return take_reply(client, k, replies, reply);
}

/**
 * struct wanted_reply - what a take is for
 * @id: of the call; 0: any
 * @reply: to be filled in
 */
struct wanted_reply {
	uint64_t id;
	struct ipcshm_service_reply *reply;
};

static int attempt_reply_take(void *handle, void *argument)
{
	const struct wanted_reply *wanted = argument;
	struct client *client = handle;
	const uint32_t calls = client->service->geometry.max_calls;
	uint32_t i, k;
	int ret;

	for (i = 0; i < calls; i++) {
		k = (client->next + i) % calls;
		if (!(client->called & 1U << k) || (wanted->id && client->call[k].id != wanted->id))
			continue;
		ret = look_at_call(client, k, wanted->reply);
		if (ret == -EAGAIN)
			continue;
		client->next = (k + 1) % calls;
		return ret;
	}
	return -EAGAIN;
}

int ipcshm_client_take(struct ipcshm_client *handle, uint64_t id,
		       struct ipcshm_service_reply *reply, uint64_t deadline)
{
	struct client *client = client_of(handle);
	const struct service *service = client->service;
	struct wanted_reply wanted = { id, reply };
	const struct gate_call call = {
		.attempt = attempt_reply_take,
		.handle = client,
		.argument = &wanted,
		.gate = &client->row->replies,
		.spin = &client->spin,
	};
	int ret;

	if (!service_token_is_own(service, client->token))
		return -ESRCH;
	if (id ? find_call(client, id) < 0 : !client->called)
		return -ENOENT;
	ret = attempt_reply_take(client, &wanted);
	if (ret == -EAGAIN && deadline)
		ret = gate_wait(service->area, &call, deadline);
	return ret;
}

int ipcshm_client_release(struct ipcshm_client *handle, const struct ipcshm_service_reply *reply)
{
	struct client *client = client_of(handle);
	const struct service *service = client->service;
	const uint32_t most = service->geometry.max_replies;
	const uint32_t k = reply->index;
	struct client_call *call;
	uint64_t bit;

	if (!service_token_is_own(service, client->token))
		return -ESRCH;
	if (k >= service->geometry.max_calls || !(client->used & 1U << k))
		return -EINVAL;
	call = &client->call[k];
	bit = 1ULL << reply->number % most;
	if (call->id != reply->id || !(call->held & bit))
		return -EINVAL;
	call->held &= ~bit;
	if (!(client->called & 1U << k)) {
		end_call(client, k);
		return 0;
	}
	while (call->released != call->taken && !(call->held & 1ULL << call->released % most))
		call->released++;
	atomic_store(&call_slot_at(client, k)->released,
		     (uint64_t)(uint32_t)call->id << 32 | call->released);
	gate_open(service->area, &service->shared->room);
	return 0;
}

/* Event loops. */

int ipcshm_client_set_busy_poll(struct ipcshm_client *handle, uint32_t nanoseconds)
{
	client_of(handle)->spin = (struct gate_spin) { .max = nanoseconds, .now = nanoseconds };
	return 0;
}

int ipcshm_client_arm(struct ipcshm_client *handle, int fd)
{
	struct client *client = client_of(handle);
	const struct ipcshm_area *area = client->service->area;
	struct gate *gate = &client->row->replies;
	uint32_t deaths = ipcshm_area_deaths(area);
	uint64_t replies;
	uint32_t k, word;

	if (!service_token_is_own(client->service, client->token))
		return -ESRCH;
	if (area->fd < 0)
		return -EOPNOTSUPP;
	word = gate_enter(gate);
	for (k = 0; k < client->service->geometry.max_calls; k++) {
		if (client->called & 1U << k &&
		    (has_reply(client, k, &replies) || is_given_up(client, k)))
			return 1;
	}
	return ipcshm_region_watch(fd, gate_offset(area, gate), sizeof(word), word, deaths);
}

/* Attaching. */

int ipcshm_client_attach(struct ipcshm_client *handle, const struct ipcshm_service *of)
{
	const struct service *service = (const struct service *)of;
	struct client *client = client_of(handle);
	uint32_t token = area_token(service->area);
	uint32_t i, k;

	if (!token)
		return area_no_token(service->area);
	*client = (struct client) {
		.service = service,
		.token = token,
		.spin = { .max = GATE_SPIN_MAX, .now = GATE_SPIN_MAX },
	};
	for (i = 0; i < service->geometry.clients; i++) {
		client->which = i;
		client->row = client_row(service, i);
		if (!service_take_row(service, &client->row->token, token))
			continue;
		/* Another process may have written what would wrap to the id of no call. */
		client->calls = atomic_load_explicit(&client->row->calls, memory_order_relaxed) &
				UINT64_MAX >> 1;
		for (k = 0; k < service->geometry.max_calls; k++)
			drop_call(client, k);
		gate_open(service->area, &service->shared->peers);
		return 0;
	}
	return -EUSERS;
}

void ipcshm_client_detach(struct ipcshm_client *handle)
{
	struct client *client = client_of(handle);
	const struct service *service = client->service;
	uint32_t k;

	/* The parent's, in a child of fork(2). */
	if (!service_token_is_own(service, client->token))
		return;
	for (k = 0; k < service->geometry.max_calls; k++) {
		if (client->called & 1U << k)
			drop_call(client, k);
	}
	atomic_store(&client->row->token, 0);
	client->token = 0;
	gate_open(service->area, &service->shared->room);
}
