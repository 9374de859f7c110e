/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Services: the layout in shared memory, and declarations that the files of the service share.
 *
 *	     0	geometry, written once
 *	   256	gate of servers: requests
 *	   384	gate of servers: room for replies
 *	   512	gate of ipcshm_service_wait()
 *	   768	rows of clients: gate, token, a state word for each slot
 *		rows of servers
 *		pending: a bit for each row of a client
 *		slots: max_calls for each row of a client
 *		memory of each slot: the request, and max_replies replies
 *
 * A slot holds one call, and belongs to a row. Its state word is
 * (number << 32 | state << 30 | token), where the number is that of the call:
 *
 *	IDLE	the client's own
 *	READY	called: any server may take it
 *	TAKEN	by the server whose token it is
 *	DROPPED	by that server, but the client no longer wants it
 *
 *	client		IDLE -> READY			call
 *			READY -> IDLE			cancel
 *			TAKEN -> DROPPED		cancel
 *			TAKEN of a dead server -> IDLE	-EOWNERDEAD
 *	server		READY -> TAKEN			take
 *			TAKEN of a dead server -> TAKEN	take over, if the call may be retried
 *			TAKEN -> READY			return
 *			TAKEN -> TAKEN by token 0	detach: as if it had died
 *
 * All but the first are a compare and exchange, so one server has a request. Its death needs no
 * further step: the token in the word is dead.
 *
 * Replies are numbered within their call; reply i lies in memory i modulo max_replies. The
 * server that has the request writes it, then stores the slot's replies word
 * (number << 32 | FINISHED | count). That publishes the reply, and with FINISHED it also ends
 * the server's access to the slot, at one instant. So a slot may be used again if it is neither
 * READY, nor taken by a living server that has not finished it. The client stores how many
 * replies from the first on it has released; the server writes none whose memory is in use.
 *
 * A client that dies leaves its row to another. That one takes back the slots without a server,
 * and drops those of living servers; such a slot is not used before its server has finished it.
 *
 *	client					server
 *	C0 state: READY				P0 no state of the row is READY
 *	C1 if the pending bit is not set,	P1 clear the pending bit
 *	   set it				P2 is a state READY? then set the bit
 *
 * All are seq_cst. Either P2 sees C0, or C1 sees P1. A server that dies between P1 and P2 may
 * leave a request without a bit: each server looks at all slots after each death. There it also
 * finds the requests of the dead. A server that is stopped there holds up the calls of a client
 * as if it had taken them, until the client's next call.
 *
 * A hostile peer can overwrite any of this at any time. Handles have their own copies of the
 * geometry, of a client's calls and of the requests that a server has. Everything else is loaded
 * once, and used after it was masked or compared. No loop is longer than the tables.
 */
#ifndef IPCSHM_SERVICE_INTERNAL_H
#define IPCSHM_SERVICE_INTERNAL_H

#include "gate.h"

#pragma GCC visibility push(default)
#include <ipcshm-service.h>
#pragma GCC visibility pop

#define SERVICE_MAGIC	0x69706f53U	/* "Sopi" */
#define SERVICE_VERSION	1U
#define SERVICE_ALIGN	128
#define SERVICE_TRIES	64

enum call_state { CALL_IDLE, CALL_READY, CALL_TAKEN, CALL_DROPPED };

#define CALL_STATE_SHIFT	30
#define REPLIES_FINISHED	(1ULL << 31)
#define REPLIES_COUNT		(REPLIES_FINISHED - 1)

/**
 * struct service_geometry - what a service is like; a handle has a copy that was checked
 * @magic, @version: identify the layout
 * @request_size, @reply_size: bytes of the largest
 * @request_stride, @reply_stride: bytes of memory for each
 * @clients, @servers, @max_calls, @max_held, @max_replies: how many
 * @request_version, @reply_version, @request_type, @reply_type: of the application's choice
 */
struct service_geometry {
	_Atomic uint32_t magic;
	uint32_t version;
	uint64_t request_size;
	uint64_t reply_size;
	uint64_t request_stride;
	uint64_t reply_stride;
	uint32_t clients;
	uint32_t servers;
	uint32_t max_calls;
	uint32_t max_held;
	uint32_t max_replies;
	uint32_t request_version;
	uint32_t reply_version;
	char request_type[IPCSHM_SERVICE_TYPE_MAX + 1];
	char reply_type[IPCSHM_SERVICE_TYPE_MAX + 1];
};

/**
 * struct service_shared - the start of a service
 * @geometry: written once, by create
 * @requests: where servers sleep for requests
 * @room: where servers sleep for clients that release replies
 * @peers: where tasks sleep for clients and servers
 */
struct service_shared {
	struct service_geometry geometry __attribute__((aligned(256)));
	struct gate requests;
	struct gate room;
	struct gate peers;
} __attribute__((aligned(256)));

/**
 * struct client_row - what others see of a client
 * @replies: where the client sleeps
 * @token: its member; 0: none
 * @calls: of this row since the service was created; the number of a call continues it
 * @state: a word for each slot; padded to a multiple of 128 bytes
 */
struct client_row {
	struct gate replies;
	_Atomic uint32_t token;
	_Atomic uint64_t calls;
	_Atomic uint64_t state[];
} __attribute__((aligned(SERVICE_ALIGN)));

/**
 * struct server_row - what others see of a server
 * @token: its member; 0: none
 * @replies, @retried, @dropped: of this row since the service was created
 */
struct server_row {
	_Atomic uint32_t token;
	_Atomic uint64_t replies;
	_Atomic uint64_t retried;
	_Atomic uint64_t dropped;
} __attribute__((aligned(64)));

/**
 * struct service_slot - a call
 * @replies: number of the call, FINISHED, count of replies; written by its server
 * @released: number of the call, count of released replies; written by its client
 * @size, @id, @time, @flags: of the request; written by its client
 * @client: token; that of the row may be of another client since then
 * @attempt: servers that have died with it
 */
struct service_slot {
	_Atomic uint64_t replies;
	_Atomic uint64_t released;
	_Atomic uint64_t size;
	_Atomic uint64_t id;
	_Atomic uint64_t time;
	_Atomic uint32_t flags;
	_Atomic uint32_t client;
	_Atomic uint32_t attempt;
} __attribute__((aligned(64)));

/**
 * struct reply_meta - the start of a reply's memory; written by its server
 * @size: bytes of data
 * @status: of the application's choice
 * @server: token
 * @attempt: of the request
 */
struct reply_meta {
	_Atomic uint64_t size;
	_Atomic uint32_t status;
	_Atomic uint32_t server;
	_Atomic uint32_t attempt;
} __attribute__((aligned(64)));

/**
 * struct service - struct ipcshm_service
 * @area: where the service lies
 * @own_area: the area that ipcshm_service_open() has opened
 * @name: as given to it; NULL: another call made this handle
 * @shared, @clients, @servers, @pending, @slots, @memory: where they are
 * @row_size: bytes of a client's row
 * @geometry: checked
 */
struct service {
	const struct ipcshm_area *area;
	struct ipcshm_area own_area;
	char *name;
	struct service_shared *shared;
	unsigned char *clients;
	struct server_row *servers;
	_Atomic uint64_t *pending;
	struct service_slot *slots;
	unsigned char *memory;
	size_t row_size;
	struct service_geometry geometry;
};

/**
 * struct client_call - what a client knows of a call in a slot
 * @id: of the call; the number is its low half
 * @taken: replies
 * @released: replies from the first on
 * @held: bits: which of @taken are not released, by number modulo max_replies
 * @may_retry: IPCSHM_SERVICE_RETRY
 */
struct client_call {
	uint64_t id;
	uint64_t held;
	uint32_t taken;
	uint32_t released;
	bool may_retry;
};

/**
 * struct client - struct ipcshm_client
 * @service: of it
 * @token: of the process
 * @which: its row
 * @row: in shared memory
 * @calls: calls of the row so far
 * @used: bits: slots that are loaned, called or hold replies
 * @called: bits: slots of calls that are outstanding
 * @next: slot to look at first for a reply to any call
 * @spin: how long to look for a reply before sleeping
 * @call: of each slot
 */
struct client {
	const struct service *service;
	uint32_t token;
	uint32_t which;
	struct client_row *row;
	uint64_t calls;
	uint32_t used;
	uint32_t called;
	uint32_t next;
	struct gate_spin spin;
	struct client_call call[IPCSHM_SERVICE_CALLS_MAX];
};

/**
 * struct held_request - what a server knows of a request that it has
 * @state: the slot's state word, TAKEN by this server
 * @slot: index among all slots
 * @count: replies that were sent, by all servers
 * @client: token
 * @attempt: servers that died with it
 * @flags: of the call
 * @loaned: there is a loan for the next reply
 */
struct held_request {
	uint64_t state;
	uint32_t slot;
	uint32_t count;
	uint32_t client;
	uint32_t attempt;
	uint32_t flags;
	bool loaned;
};

/**
 * struct server - struct ipcshm_server
 * @service: of it
 * @token: of the process
 * @row: in shared memory
 * @deaths: the count before the last look at all slots that found nothing
 * @has_looked: there was one
 * @next: row of the client that has its turn
 * @used: bits: used entries of @held
 * @spin: how long to look for a request before sleeping
 * @held: requests
 */
struct server {
	const struct service *service;
	uint32_t token;
	uint32_t deaths;
	struct server_row *row;
	bool has_looked;
	uint32_t next;
	uint32_t used;
	struct gate_spin spin;
	struct held_request held[IPCSHM_SERVICE_HELD_MAX];
};

_Static_assert(sizeof(struct service) <= sizeof(struct ipcshm_service), "a handle is too small");
_Static_assert(sizeof(struct client) <= sizeof(struct ipcshm_client), "likewise");
_Static_assert(sizeof(struct server) <= sizeof(struct ipcshm_server), "likewise");
_Static_assert(sizeof(struct service_geometry) <= 256, "gates are where the picture has them");

/* Words of the map of clients with requests; a service has at least one client. */
static inline uint32_t count_pending_words(const struct service_geometry *geometry)
{
	return (geometry->clients - 1) / 64 + 1;
}

static inline uint64_t call_word(uint32_t number, enum call_state state, uint32_t token)
{
	return (uint64_t)number << 32 | (uint32_t)state << CALL_STATE_SHIFT | token;
}

static inline uint32_t call_number(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static inline enum call_state call_state(uint64_t word)
{
	return (enum call_state)((uint32_t)word >> CALL_STATE_SHIFT);
}

static inline uint32_t call_token(uint64_t word)
{
	return word & IPCSHM_TOKEN_MASK;
}

static inline struct client_row *client_row(const struct service *service, uint32_t row)
{
	return (struct client_row *)(service->clients + row * service->row_size);
}

static inline _Atomic uint64_t *state_at(const struct service *service, uint32_t slot)
{
	const uint32_t calls = service->geometry.max_calls;

	return &client_row(service, slot / calls)->state[slot % calls];
}

static inline unsigned char *memory_at(const struct service *service, uint32_t slot)
{
	const struct service_geometry *geometry = &service->geometry;

	return service->memory + slot * (geometry->request_stride +
					 geometry->max_replies * geometry->reply_stride);
}

static inline struct reply_meta *reply_at(const struct service *service, uint32_t slot,
					  uint32_t number)
{
	const struct service_geometry *geometry = &service->geometry;

	return (struct reply_meta *)(memory_at(service, slot) + geometry->request_stride +
				     number % geometry->max_replies * geometry->reply_stride);
}

static inline bool service_token_is_alive(const struct service *service, _Atomic uint32_t *token)
{
	return ipcshm_area_is_alive(service->area,
				    atomic_load_explicit(token, memory_order_acquire));
}

/* The handle belongs to the calling process: not so in a child of fork(2). */
static inline bool service_token_is_own(const struct service *service, uint32_t token)
{
	return area_known_token(service->area) == token;
}

/* The server of call @number has ended its access to the slot. */
static inline bool is_finished(const struct service *service, uint32_t slot, uint32_t number)
{
	uint64_t replies = atomic_load(&service->slots[slot].replies);

	return call_number(replies) == number && replies & REPLIES_FINISHED;
}

/* Another server may take the request of a dead one. */
static inline bool may_try_again(struct service_slot *slot)
{
	return atomic_load_explicit(&slot->attempt, memory_order_relaxed) <
	       IPCSHM_SERVICE_ATTEMPTS - 1;
}

/* service.c */

bool service_take_row(const struct service *service, _Atomic uint32_t *token, uint32_t own);
void service_set_pending(const struct service *service, uint32_t row);

#endif /* IPCSHM_SERVICE_INTERNAL_H */
