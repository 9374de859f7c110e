// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Services: servers. See service.h for the states of a call.
 */
#include "service.h"

static struct server *server_of(struct ipcshm_server *handle)
{
	return (struct server *)handle;
}

static struct client_row *row_of(const struct service *service, uint32_t slot)
{
	return client_row(service, slot / service->geometry.max_calls);
}

static void count_up(_Atomic uint64_t *counter)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

/* Publish @count replies of call @number; with REPLIES_FINISHED, the slot is the client's. */
static void publish_replies(const struct service *service, uint32_t slot, uint32_t number,
			    uint64_t count)
{
	atomic_store(&service->slots[slot].replies, (uint64_t)number << 32 | count);
	gate_open(service->area, &row_of(service, slot)->replies);
}

/* The client is gone, or does not want the reply. */
static void finish_dropped(struct server *server, uint32_t slot, uint32_t number)
{
	count_up(&server->row->dropped);
	publish_replies(server->service, slot, number, REPLIES_FINISHED);
}

/* Taking. */

/* The state is TAKEN by this server. Another process may have written anything to the slot. */
static int open_request(struct server *server, uint32_t slot, uint32_t number,
			struct ipcshm_service_request *request)
{
	const uint64_t taken = call_word(number, CALL_TAKEN, server->token);
	const struct service *service = server->service;
	struct service_slot *at = &service->slots[slot];
	const uint32_t i = (uint32_t)__builtin_ctz(~server->used);
	struct held_request *held = &server->held[i];
	uint64_t replies = atomic_load(&at->replies);
	uint64_t id = atomic_load_explicit(&at->id, memory_order_relaxed);
	uint32_t client;

	/* Finished by a server that died then: the client may have gone on. */
	if (call_number(replies) == number && replies & REPLIES_FINISHED)
		return -EALREADY;
	client = atomic_load_explicit(&at->client, memory_order_relaxed);
	/* Cancelled, or another client has the row, and has not dropped the call yet. */
	if (atomic_load(state_at(service, slot)) != taken ||
	    atomic_load(&row_of(service, slot)->token) != client) {
		finish_dropped(server, slot, number);
		return -EALREADY;
	}
	*request = (struct ipcshm_service_request) {
		.data = memory_at(service, slot),
		.size = atomic_load_explicit(&at->size, memory_order_relaxed),
		.id = (id & ~(uint64_t)UINT32_MAX) | number,
		.time = atomic_load_explicit(&at->time, memory_order_relaxed),
		.client = client,
		.attempt = atomic_load_explicit(&at->attempt, memory_order_relaxed),
		.flags = atomic_load_explicit(&at->flags, memory_order_relaxed),
		.index = slot,
	};
	if (request->size > service->geometry.request_size) {
		finish_dropped(server, slot, number);
		return -EBADMSG;
	}
	*held = (struct held_request) {
		.state = taken,
		.slot = slot,
		.count = call_number(replies) == number ? replies & REPLIES_COUNT : 0,
		.client = request->client,
		.attempt = request->attempt,
		.flags = request->flags,
	};
	server->used |= 1U << i;
	return 0;
}

/* Find the oldest request of a row. */
static bool find_ready(const struct service *service, struct client_row *row, uint32_t *which,
		       uint64_t *word)
{
	bool found = false;
	uint64_t state;
	uint32_t k;

	if (!service_token_is_alive(service, &row->token))
		return false;
	for (k = 0; k < service->geometry.max_calls; k++) {
		state = atomic_load(&row->state[k]);
		if (call_state(state) != CALL_READY ||
		    (found && (int32_t)(call_number(state) - call_number(*word)) >= 0))
			continue;
		found = true;
		*which = k;
		*word = state;
	}
	return found;
}

static int take_from_row(struct server *server, uint32_t which,
			 struct ipcshm_service_request *request)
{
	const struct service *service = server->service;
	struct client_row *row = client_row(service, which);
	uint64_t word = 0;
	uint32_t k = 0;
	int tries, ret;

	for (tries = 0; tries < SERVICE_TRIES; tries++) {
		if (!find_ready(service, row, &k, &word)) {				/* P0 */
			atomic_fetch_and(&service->pending[which / 64],			/* P1 */
					 ~(1ULL << which % 64));
			if (!find_ready(service, row, &k, &word))			/* P2 */
				return -EAGAIN;
			service_set_pending(service, which);
		}
		if (!atomic_compare_exchange_strong(&row->state[k], &word,
						    call_word(call_number(word), CALL_TAKEN,
							       server->token)))
			continue;
		ret = open_request(server, which * service->geometry.max_calls + k,
				   call_number(word), request);
		if (ret != -EALREADY)
			return ret;
	}
	return -EALREADY;
}

/* Take the request of a dead server, if it is one that another server may take. */
static int take_request_over(struct server *server, uint32_t slot, uint64_t word,
			     struct ipcshm_service_request *request)
{
	const struct service *service = server->service;
	struct service_slot *at = &service->slots[slot];

	if (ipcshm_area_is_alive(service->area, call_token(word)) ||
	    !(atomic_load_explicit(&at->flags, memory_order_relaxed) & IPCSHM_SERVICE_RETRY) ||
	    !may_try_again(at) || is_finished(service, slot, call_number(word)))
		return -EAGAIN;
	if (!atomic_compare_exchange_strong(state_at(service, slot), &word,
					    call_word(call_number(word), CALL_TAKEN, server->token)))
		return -EAGAIN;
	atomic_fetch_add(&at->attempt, 1);
	count_up(&server->row->retried);
	return open_request(server, slot, call_number(word), request);
}

/* After a death: take what a dead server had, and find what it was about to take. */
static int look_at_all(struct server *server, struct ipcshm_service_request *request)
{
	const struct service *service = server->service;
	const uint32_t calls = service->geometry.max_calls;
	uint32_t which, k;
	uint64_t word;
	int ret;

	for (which = 0; which < service->geometry.clients; which++) {
		struct client_row *row = client_row(service, which);

		if (!service_token_is_alive(service, &row->token))
			continue;
		for (k = 0; k < calls; k++) {
			word = atomic_load(&row->state[k]);
			if (call_state(word) == CALL_READY)
				service_set_pending(service, which);
			if (call_state(word) != CALL_TAKEN)
				continue;
			ret = take_request_over(server, which * calls + k, word, request);
			if (!ret || ret == -EBADMSG)
				return ret;
		}
	}
	return -EAGAIN;
}

static int take_of_the_dead(struct server *server, struct ipcshm_service_request *request)
{
	uint32_t deaths = ipcshm_area_deaths(server->service->area);
	int ret;

	if (server->has_looked && server->deaths == deaths)
		return -EAGAIN;
	ret = look_at_all(server, request);
	if (ret == -EAGAIN) {
		server->deaths = deaths;
		server->has_looked = true;
	}
	return ret;
}

/* Take from the rows of a word of pending bits. */
static int take_from_rows(struct server *server, uint32_t first, uint64_t bits,
			  struct ipcshm_service_request *request)
{
	const uint32_t clients = server->service->geometry.clients;
	int ret, result = -EAGAIN;
	uint32_t which;

	for (; bits; bits &= bits - 1) {
		which = first + (uint32_t)__builtin_ctzll(bits);
		if (which >= clients)
			break;
		ret = take_from_row(server, which, request);
		if (!ret || ret == -EBADMSG) {
			server->next = which + 1 < clients ? which + 1 : 0;
			return ret;
		}
		if (ret == -EALREADY)
			result = ret;
	}
	return result;
}

static int attempt_request_take(void *handle, void *argument)
{
	struct server *server = handle;
	const struct service *service = server->service;
	const uint32_t words = count_pending_words(&service->geometry);
	const uint32_t start = server->next / 64;
	const uint64_t from_next = ~0ULL << server->next % 64;
	int ret = take_of_the_dead(server, argument), result = -EAGAIN;
	uint32_t i, at;
	uint64_t bits;

	if (ret != -EAGAIN)
		return ret;
	/* From the client whose turn it is, around all of them. */
	for (i = 0; i <= words; i++) {
		at = (start + i) % words;
		bits = atomic_load(&service->pending[at]);
		if (i == 0)
			bits &= from_next;
		if (i == words)
			bits &= ~from_next;
		ret = take_from_rows(server, at * 64, bits, argument);
		if (!ret || ret == -EBADMSG)
			return ret;
		if (ret == -EALREADY)
			result = ret;
	}
	return result;
}

int ipcshm_server_take(struct ipcshm_server *handle, struct ipcshm_service_request *request,
		       uint64_t deadline)
{
	struct server *server = server_of(handle);
	const struct service *service = server->service;
	const struct gate_call call = {
		.attempt = attempt_request_take,
		.handle = server,
		.argument = request,
		.gate = &service->shared->requests,
		.spin = &server->spin,
	};
	int ret;

	if (!service_token_is_own(service, server->token))
		return -ESRCH;
	if ((uint32_t)__builtin_popcount(server->used) >= service->geometry.max_held)
		return -ENOBUFS;
	ret = attempt_request_take(server, request);
	if ((ret == -EAGAIN || ret == -EALREADY) && deadline)
		ret = gate_wait(service->area, &call, deadline);
	return ret;
}

/* Replies. */

static struct held_request *find_held(struct server *server,
				      const struct ipcshm_service_request *request)
{
	uint32_t i;

	for (i = 0; i < IPCSHM_SERVICE_HELD_MAX; i++) {
		if (server->used & 1U << i && server->held[i].slot == request->index &&
		    call_number(server->held[i].state) == (uint32_t)request->id)
			return &server->held[i];
	}
	return NULL;
}

static void forget_request(struct server *server, const struct held_request *held)
{
	server->used &= ~(1U << (held - server->held));
}

/* Returns false, and has finished the request, if the client has cancelled. */
static bool is_wanted(struct server *server, struct held_request *held)
{
	if (atomic_load(state_at(server->service, held->slot)) == held->state)
		return true;
	finish_dropped(server, held->slot, call_number(held->state));
	forget_request(server, held);
	return false;
}

/* False if the client is gone; drops the request then. */
static bool has_client(struct server *server, struct held_request *held)
{
	struct client_row *row = row_of(server->service, held->slot);

	if (atomic_load(&row->token) == held->client &&
	    ipcshm_area_is_alive(server->service->area, held->client))
		return true;
	finish_dropped(server, held->slot, call_number(held->state));
	forget_request(server, held);
	return false;
}

/**
 * struct wanted_loan - what a loan is for
 * @held: the request
 * @reply: to be filled in
 */
struct wanted_loan {
	struct held_request *held;
	struct ipcshm_service_reply *reply;
};

static int attempt_reply_loan(void *handle, void *argument)
{
	const struct wanted_loan *wanted = argument;
	struct held_request *held = wanted->held;
	struct server *server = handle;
	const struct service *service = server->service;
	struct service_slot *slot = &service->slots[held->slot];
	uint64_t released;

	if (!is_wanted(server, held) || !has_client(server, held))
		return -ECANCELED;
	released = atomic_load(&slot->released);
	if (held->count - (uint32_t)released >= service->geometry.max_replies)
		return -EAGAIN;
	*wanted->reply = (struct ipcshm_service_reply) {
		.data = reply_at(service, held->slot, held->count) + 1,
		.size = wanted->reply->size,
		.id = wanted->reply->id,
		.number = held->count,
		.index = held->slot,
	};
	held->loaned = true;
	return 0;
}

int ipcshm_server_loan(struct ipcshm_server *handle, const struct ipcshm_service_request *request,
		       uint64_t size, struct ipcshm_service_reply *reply, uint64_t deadline)
{
	struct server *server = server_of(handle);
	const struct service *service = server->service;
	struct wanted_loan wanted = { find_held(server, request), reply };
	const struct gate_call call = {
		.attempt = attempt_reply_loan,
		.handle = server,
		.argument = &wanted,
		.gate = &service->shared->room,
		.spin = &server->spin,
	};
	int ret;

	if (!service_token_is_own(service, server->token))
		return -ESRCH;
	if (!wanted.held)
		return -EINVAL;
	if (size > service->geometry.reply_size)
		return -EMSGSIZE;
	reply->size = size;
	reply->id = request->id;
	ret = attempt_reply_loan(server, &wanted);
	if (ret == -EAGAIN && deadline)
		ret = gate_wait(service->area, &call, deadline);
	return ret;
}

static void write_reply_meta(const struct server *server, const struct held_request *held,
			     const struct ipcshm_service_reply *reply)
{
	struct reply_meta *meta = reply_at(server->service, held->slot, held->count);

	atomic_store_explicit(&meta->size, reply->size, memory_order_relaxed);
	atomic_store_explicit(&meta->status, (uint32_t)reply->status, memory_order_relaxed);
	atomic_store_explicit(&meta->server, server->token, memory_order_relaxed);
	atomic_store_explicit(&meta->attempt, held->attempt, memory_order_relaxed);
}

int ipcshm_server_reply(struct ipcshm_server *handle, const struct ipcshm_service_request *request,
			const struct ipcshm_service_reply *reply, uint32_t flags)
{
	struct server *server = server_of(handle);
	const struct service *service = server->service;
	struct held_request *held = find_held(server, request);

	if (!service_token_is_own(service, server->token))
		return -ESRCH;
	if (!held || !held->loaned || reply->index != held->slot || flags & ~IPCSHM_SERVICE_MORE)
		return -EINVAL;
	if (reply->size > service->geometry.reply_size)
		return -EMSGSIZE;
	if (!is_wanted(server, held))
		return -ECANCELED;
	write_reply_meta(server, held, reply);
	held->loaned = false;
	held->count++;
	count_up(&server->row->replies);
	publish_replies(service, held->slot, call_number(held->state),
			held->count | (flags ? 0 : REPLIES_FINISHED));
	if (!flags)
		forget_request(server, held);
	return 0;
}

/* Another server is to take the request. */
static void give_request_back(struct server *server, struct held_request *held)
{
	const struct service *service = server->service;
	const uint32_t number = call_number(held->state);
	uint64_t word = held->state;

	forget_request(server, held);
	if (!atomic_compare_exchange_strong(state_at(service, held->slot), &word,
					    call_word(number, CALL_READY, 0))) {
		finish_dropped(server, held->slot, number);
		return;
	}
	service_set_pending(service, held->slot / service->geometry.max_calls);
	gate_open(service->area, &service->shared->requests);
}

int ipcshm_server_return(struct ipcshm_server *handle,
			 const struct ipcshm_service_request *request)
{
	struct server *server = server_of(handle);
	struct held_request *held = find_held(server, request);

	if (!service_token_is_own(server->service, server->token))
		return -ESRCH;
	if (!held)
		return -EINVAL;
	give_request_back(server, held);
	return 0;
}

/* Event loops. */

int ipcshm_server_set_busy_poll(struct ipcshm_server *handle, uint32_t nanoseconds)
{
	server_of(handle)->spin = (struct gate_spin) { .max = nanoseconds, .now = nanoseconds };
	return 0;
}

int ipcshm_server_arm(struct ipcshm_server *handle, int fd)
{
	struct server *server = server_of(handle);
	const struct service *service = server->service;
	const uint32_t words = count_pending_words(&service->geometry);
	struct gate *gate = &service->shared->requests;
	uint32_t deaths = ipcshm_area_deaths(service->area);
	uint32_t i, word;

	if (!service_token_is_own(service, server->token))
		return -ESRCH;
	if (service->area->fd < 0)
		return -EOPNOTSUPP;
	word = gate_enter(gate);
	if (!server->has_looked || server->deaths != deaths)
		return 1;
	for (i = 0; i < words; i++) {
		if (atomic_load(&service->pending[i]))
			return 1;
	}
	return ipcshm_region_watch(fd, gate_offset(service->area, gate), sizeof(word), word,
				   deaths);
}

/* Attaching. */

int ipcshm_server_attach(struct ipcshm_server *handle, const struct ipcshm_service *of)
{
	const struct service *service = (const struct service *)of;
	struct server *server = server_of(handle);
	uint32_t token = area_token(service->area);
	uint32_t i;

	if (!token)
		return area_no_token(service->area);
	*server = (struct server) {
		.service = service,
		.token = token,
		.spin = { .max = GATE_SPIN_MAX, .now = GATE_SPIN_MAX },
	};
	for (i = 0; i < service->geometry.servers; i++) {
		server->row = &service->servers[i];
		if (!service_take_row(service, &server->row->token, token))
			continue;
		gate_open(service->area, &service->shared->peers);
		return 0;
	}
	return -EUSERS;
}

/* As if the server had died: the client learns that, unless another server is to take it. */
static void abandon_request(struct server *server, struct held_request *held)
{
	const struct service *service = server->service;
	const uint32_t number = call_number(held->state);
	uint64_t word = held->state;

	if (held->flags & IPCSHM_SERVICE_RETRY) {
		give_request_back(server, held);
		return;
	}
	forget_request(server, held);
	if (atomic_compare_exchange_strong(state_at(service, held->slot), &word,
					   call_word(number, CALL_TAKEN, 0)))
		gate_open(service->area, &row_of(service, held->slot)->replies);
	else
		finish_dropped(server, held->slot, number);
}

void ipcshm_server_detach(struct ipcshm_server *handle)
{
	struct server *server = server_of(handle);
	uint32_t i;

	/* The parent's, in a child of fork(2). */
	if (!service_token_is_own(server->service, server->token))
		return;
	for (i = 0; i < IPCSHM_SERVICE_HELD_MAX; i++) {
		if (server->used & 1U << i)
			abandon_request(server, &server->held[i]);
	}
	atomic_store(&server->row->token, 0);
	server->token = 0;
}
