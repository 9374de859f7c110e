/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libipcshm - services: requests and replies in shared memory, many clients and servers.
 *
 * A client loans memory, fills it with a request, and calls. One server takes the request,
 * reads it in place, loans memory for a reply, fills it and replies; the client reads the reply
 * in place. Nothing is copied. A client may have several calls outstanding and takes their
 * replies in any order. A call may have several replies, a stream, of which the last one is
 * marked.
 *
 * No process repairs anything after a death. If a server dies, another one takes over the
 * requests that it had, or their calls fail with -EOWNERDEAD, as each call chooses. If a client
 * dies, its requests are not taken any longer, and replies to it are dropped.
 *
 *	struct ipcshm_service_attr attr = { .max_request_size = 4096, .max_reply_size = 1 << 20 };
 *
 *	ipcshm_service_open(&service, device, "render", 0, 0600, &attr, IPCSHM_FOREVER);
 *
 *	ipcshm_client_attach(&client, &service);
 *	ipcshm_client_loan(&client, size, &request, IPCSHM_FOREVER);
 *	fill(request.data);
 *	ipcshm_client_call(&client, &request, IPCSHM_SERVICE_RETRY);
 *	ipcshm_client_take(&client, request.id, &reply, IPCSHM_FOREVER);
 *	show(reply.data);
 *	ipcshm_client_release(&client, &reply);
 *
 *	ipcshm_server_attach(&server, &service);
 *	ipcshm_server_take(&server, &request, IPCSHM_FOREVER);
 *	ipcshm_server_loan(&server, &request, size, &reply, IPCSHM_FOREVER);
 *	render(request.data, reply.data);
 *	ipcshm_server_reply(&server, &request, &reply, 0);
 *
 * All of a service's processes write to its region. A process that writes what it likes there
 * can spoil requests and replies; it can make no call of another process crash, access other
 * memory, or outlast its deadline.
 */
#ifndef IPCSHM_SERVICE_H
#define IPCSHM_SERVICE_H

#include <ipcshm-area.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IPCSHM_SERVICE_SIZE_MAX		(1ULL << 32)	/* bytes of a request, and of a reply */
#define IPCSHM_SERVICE_HANDLES_MAX	4096	/* clients, and servers */
#define IPCSHM_SERVICE_CALLS_MAX	32	/* calls that a client has outstanding */
#define IPCSHM_SERVICE_HELD_MAX		32	/* requests that a server has taken */
#define IPCSHM_SERVICE_REPLIES_MAX	64	/* replies of a call that are not released */
#define IPCSHM_SERVICE_ATTEMPTS		8	/* servers that a call is given to, at most */
#define IPCSHM_SERVICE_TYPE_MAX		63	/* bytes of a type's name */

/* Flags of ipcshm_client_call(). */
#define IPCSHM_SERVICE_RETRY	0x01U	/* if the server dies, another one takes the request */

/* Flags of ipcshm_server_reply(). */
#define IPCSHM_SERVICE_MORE	0x01U	/* other replies to the same request follow */

/**
 * struct ipcshm_service_attr - attributes of a service
 * @max_request_size: bytes of the largest request, 1 to IPCSHM_SERVICE_SIZE_MAX
 * @max_reply_size: bytes of the largest reply, 1 to IPCSHM_SERVICE_SIZE_MAX
 * @clients: handles that call at a time; 0: 16
 * @servers: handles that serve at a time; 0: 4
 * @max_calls: calls that each client has outstanding, at most IPCSHM_SERVICE_CALLS_MAX; 0: 4
 * @max_held: requests that each server has taken and not finished, at most
 *	IPCSHM_SERVICE_HELD_MAX; 0: 4
 * @max_replies: replies of a call that the client has not released, at most
 *	IPCSHM_SERVICE_REPLIES_MAX; 0: 2. A server that streams faster waits. Memory that was
 *	never used takes no space.
 * @request_version: version of the request's type, of the application's choice
 * @reply_version: version of the reply's type
 * @reserved: 0
 * @request_type: name of the request's type, of the application's choice, with a NUL at its end
 * @reply_type: name of the reply's type
 */
struct ipcshm_service_attr {
	uint64_t max_request_size;
	uint64_t max_reply_size;
	uint32_t clients;
	uint32_t servers;
	uint32_t max_calls;
	uint32_t max_held;
	uint32_t max_replies;
	uint32_t request_version;
	uint32_t reply_version;
	uint32_t reserved[5];
	char request_type[IPCSHM_SERVICE_TYPE_MAX + 1];
	char reply_type[IPCSHM_SERVICE_TYPE_MAX + 1];
};

/**
 * struct ipcshm_service_request - a request that a client has loaned, or a server has taken
 * @data: the request; servers must not change it
 * @size: bytes of @data; a client may lower it before it calls
 * @id: of the call; each call of a client has the next one
 * @time: taken: when it was called, CLOCK_MONOTONIC nanoseconds
 * @client: taken: member token of the client
 * @attempt: taken: servers that have died with it
 * @flags: taken: of the call
 * @index: which memory it is; private
 */
struct ipcshm_service_request {
	void *data;
	uint64_t size;
	uint64_t id;
	uint64_t time;
	uint32_t client;
	uint32_t attempt;
	uint32_t flags;
	uint32_t index;
};

/**
 * struct ipcshm_service_reply - a reply that a server has loaned, or a client has taken
 * @data: the reply; clients must not change it
 * @size: bytes of @data; a server may lower it before it replies
 * @id: of the call
 * @number: place among the replies of the call, from 0
 * @status: of the application's choice; 0 in a new loan
 * @server: taken: member token of the server
 * @attempt: taken: servers that had died with the request before; if it grows within a stream,
 *	another server has begun the stream anew
 * @last: taken: 1 if the call has no further reply
 * @index: which memory it is; private
 * @reserved: 0
 */
struct ipcshm_service_reply {
	void *data;
	uint64_t size;
	uint64_t id;
	uint64_t number;
	int32_t status;
	uint32_t server;
	uint32_t attempt;
	uint32_t last;
	uint32_t index;
	uint32_t reserved;
};

/**
 * struct ipcshm_service - a process's handle of a service
 * @opaque: private
 *
 * Its threads share it; a child of fork(2) can use its copy.
 */
struct ipcshm_service {
	uint64_t opaque[80];
};

/**
 * struct ipcshm_client - a handle that calls
 * @opaque: private: don't copy or change it
 *
 * One thread at a time uses a handle; each thread attaches its own. In a child of fork(2) the
 * parent's handles fail with -ESRCH.
 */
struct ipcshm_client {
	uint64_t opaque[192];
};

/**
 * struct ipcshm_server - a handle that serves
 * @opaque: private: don't copy or change it
 *
 * As a client, used by one thread of one process at a time.
 */
struct ipcshm_server {
	uint64_t opaque[192];
};

/**
 * struct ipcshm_service_stat - state of a service
 * @attr: as it was created
 * @calls: since the service was created
 * @replies: since the service was created
 * @retried: requests that another server has taken over from a dead one
 * @dropped: requests whose client was gone, or had cancelled, before the last reply
 * @clients: handles that are attached, of living processes
 * @servers: handles that are attached, of living processes
 * @waiting: requests that no server has taken
 * @taken: requests that living servers have taken and not finished
 */
struct ipcshm_service_stat {
	struct ipcshm_service_attr attr;
	uint64_t calls;
	uint64_t replies;
	uint64_t retried;
	uint64_t dropped;
	uint32_t clients;
	uint32_t servers;
	uint32_t waiting;
	uint32_t taken;
};

/**
 * ipcshm_service_size - calculate the memory that a service needs
 * @attr: of the service
 * @size: filled in: bytes
 *
 * Return: 0, or -EINVAL: invalid attributes.
 */
int ipcshm_service_size(const struct ipcshm_service_attr *attr, size_t *size);

/**
 * ipcshm_service_create - create a service in an area
 * @area: the area
 * @offset: where in it, a multiple of 128
 * @attr: of the service
 *
 * For memory that the application sets up; ipcshm_service_open() does all of it. One process
 * calls this, before others attach.
 *
 * Return: 0, or -EINVAL: invalid attributes, or @offset is not aligned; -ENOSPC: the area is too
 * small.
 */
int ipcshm_service_create(const struct ipcshm_area *area, uint64_t offset,
			  const struct ipcshm_service_attr *attr);

/**
 * ipcshm_service_attach - get a handle of a service in an area
 * @service: filled in
 * @area: the area, which stays while the handle is used
 * @offset: as given to ipcshm_service_create()
 * @attr: NULL, or what the caller expects: the maximum sizes, types and versions, as far as they
 *	are not 0; filled in with those of the service, even if they differ
 *
 * Return: 0, or -EINVAL: @offset is not aligned; -EPROTO: no service, another layout version, or
 * it exceeds the area; -EPROTOTYPE: the service differs from @attr.
 */
int ipcshm_service_attach(struct ipcshm_service *service, const struct ipcshm_area *area,
			  uint64_t offset, struct ipcshm_service_attr *attr);

/**
 * ipcshm_service_open - open a service by its name, or create it
 * @service: filled in
 * @device: from ipcshm_open()
 * @name: the name of its region
 * @flags: IPCSHM_PERSISTENT, IPCSHM_POPULATE, IPCSHM_HUGE, of a new service; or 0
 * @mode: permission bits of a new service, less the umask
 * @attr: of a new service; out: of the one opened, also with -EPROTOTYPE
 * @deadline: CLOCK_MONOTONIC nanoseconds, or IPCSHM_FOREVER: how long to wait for a process
 *	that creates the service
 *
 * Clients and servers may call it in any order. If a process dies while it creates the service,
 * another one creates it.
 *
 * Return: 0, or -EINVAL; -EPROTO: the region of that name is no service; -EPROTOTYPE: its
 * sizes, types or versions differ from @attr; -ETIMEDOUT; -EINTR; -ENOMEM; the errors of
 * ipcshm_area_open().
 */
int ipcshm_service_open(struct ipcshm_service *service, int device, const char *name,
			uint32_t flags, mode_t mode, struct ipcshm_service_attr *attr,
			uint64_t deadline);

/**
 * ipcshm_service_close - close a service from ipcshm_service_open()
 * @service: the service; detach its clients and servers before
 */
void ipcshm_service_close(struct ipcshm_service *service);

/**
 * ipcshm_service_fd - open a descriptor for an event loop
 * @service: from ipcshm_service_open()
 * @device: from ipcshm_open()
 *
 * Return: a new descriptor of the region, for ipcshm_client_arm() or ipcshm_server_arm(), which
 * the caller closes; or -EOPNOTSUPP: the service was not opened by name; the errors of
 * ipcshm_region_open().
 */
int ipcshm_service_fd(const struct ipcshm_service *service, int device);

/**
 * ipcshm_service_wait - wait for peers
 * @service: the service
 * @clients: how many clients of living processes have to be attached
 * @servers: how many servers
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), IPCSHM_FOREVER or
 *	IPCSHM_NOW
 *
 * Return: 0, or -ETIMEDOUT, -EINTR; the errors of ipcshm_area_wait() except a death.
 */
int ipcshm_service_wait(const struct ipcshm_service *service, uint32_t clients, uint32_t servers,
			uint64_t deadline);

/**
 * ipcshm_service_get_stat - get the state of a service
 * @service: the service
 * @stat: filled in; the counters may change during the call
 * @size: sizeof(*@stat); later versions of the structure are longer
 *
 * Return: 0, or -EINVAL: @size is smaller than the first version of the structure.
 */
int ipcshm_service_get_stat(const struct ipcshm_service *service,
			    struct ipcshm_service_stat *stat, size_t size);

/**
 * ipcshm_client_attach - become a client of a service
 * @client: filled in
 * @service: the service, which stays open while the client is attached
 *
 * Return: 0, or -EUSERS: as many clients as the service takes are attached; -ESRCH: the process
 * is not a member of the area.
 */
int ipcshm_client_attach(struct ipcshm_client *client, const struct ipcshm_service *service);

/**
 * ipcshm_client_detach - detach a client
 * @client: attached; its calls are cancelled, and its replies released
 */
void ipcshm_client_detach(struct ipcshm_client *client);

/**
 * ipcshm_client_loan - get memory for a request
 * @client: attached
 * @size: bytes, 0 to the service's max_request_size
 * @request: filled in: data, size
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), IPCSHM_FOREVER or
 *	IPCSHM_NOW
 *
 * The data is uninitialized. Waits only while servers still work on calls that the client, or
 * one before it, has cancelled.
 *
 * Return: 0, or -EAGAIN: servers have all memory of cancelled calls, with IPCSHM_NOW;
 * -ETIMEDOUT; -EINTR; -EMSGSIZE: @size is too large; -ENOBUFS: max_calls are loaned,
 * outstanding, or have replies that are not released; -ESRCH: the client belongs to another
 * process; the errors of ipcshm_area_wait() except a death.
 */
int ipcshm_client_loan(struct ipcshm_client *client, uint64_t size,
		       struct ipcshm_service_request *request, uint64_t deadline);

/**
 * ipcshm_client_call - send a request
 * @client: attached
 * @request: from ipcshm_client_loan(); after success, no longer the client's; @id is filled in
 * @flags: IPCSHM_SERVICE_RETRY, or 0
 *
 * Never waits. One server takes the request, now or when there is one. With
 * IPCSHM_SERVICE_RETRY a request may be served more than once, since a server may die after it
 * has done its work.
 *
 * Return: 0, or -EINVAL: not a loan of this client, or invalid flags; -EMSGSIZE: its size was
 * raised above the service's; -ESRCH.
 */
int ipcshm_client_call(struct ipcshm_client *client, struct ipcshm_service_request *request,
		       uint32_t flags);

/**
 * ipcshm_client_discard - return a loan
 * @client: attached
 * @request: from ipcshm_client_loan()
 *
 * Return: 0, or -EINVAL: not a loan of this client; -ESRCH.
 */
int ipcshm_client_discard(struct ipcshm_client *client,
			  const struct ipcshm_service_request *request);

/**
 * ipcshm_client_take - take a reply
 * @client: attached
 * @id: of the call; 0: any call
 * @reply: filled in; also with -EOWNERDEAD and -EBADMSG: the id of the call
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), IPCSHM_FOREVER or
 *	IPCSHM_NOW
 *
 * Waits until there is a reply. It stays unchanged until ipcshm_client_release(). The replies of
 * a call come in their order; the call ends with its last one, or with -EOWNERDEAD or -EBADMSG.
 * After -ETIMEDOUT it is still outstanding.
 *
 * Return: 0, or -EAGAIN: no reply yet, with IPCSHM_NOW; -ETIMEDOUT; -EINTR; -ENOENT: no such
 * call is outstanding; -EOWNERDEAD: the server has died or detached, or, with
 * IPCSHM_SERVICE_RETRY, as many servers as IPCSHM_SERVICE_ATTEMPTS; -EBADMSG: a process wrote
 * to the call what no call writes; -ESRCH: the client belongs to another process; the errors of
 * ipcshm_area_wait() except a death.
 */
int ipcshm_client_take(struct ipcshm_client *client, uint64_t id,
		       struct ipcshm_service_reply *reply, uint64_t deadline);

/**
 * ipcshm_client_release - release a reply
 * @client: attached
 * @reply: from ipcshm_client_take(), in any order
 *
 * Return: 0, or -EINVAL: the client does not hold it; -ESRCH.
 */
int ipcshm_client_release(struct ipcshm_client *client,
			  const struct ipcshm_service_reply *reply);

/**
 * ipcshm_client_cancel - give up a call
 * @client: attached
 * @id: of the call
 *
 * Replies that were taken before are still the client's. If a server has taken the request, its
 * next call for the request fails with -ECANCELED, and its memory is used again after that.
 *
 * Return: 0, or -ENOENT: no such call is outstanding; -ESRCH.
 */
int ipcshm_client_cancel(struct ipcshm_client *client, uint64_t id);

/**
 * ipcshm_client_arm - report a reply to an event loop
 * @client: attached to a service in a region
 * @fd: a descriptor of the region, as from ipcshm_service_fd(); one that no other word is
 *	watched with
 *
 * After it returned 0, poll(2) and epoll(7) report EPOLLIN on @fd when there is a reply to take,
 * and EPOLLPRI after a death, which may end a call: wait for both. Call it again each time
 * before waiting.
 *
 * Return: 0: wait; 1: ipcshm_client_take() has something already; or -EOPNOTSUPP: the area is
 * not a region; -ESRCH; the errors of ipcshm_region_watch().
 */
int ipcshm_client_arm(struct ipcshm_client *client, int fd);

/**
 * ipcshm_client_set_busy_poll - set how long a take looks for a reply before it sleeps
 * @client: attached
 * @nanoseconds: at most; 0: not at all; 20000 by default
 *
 * The time adapts: it shrinks while replies come later, and is restored when one comes in time.
 *
 * Return: 0.
 */
int ipcshm_client_set_busy_poll(struct ipcshm_client *client, uint32_t nanoseconds);

/**
 * ipcshm_server_attach - become a server of a service
 * @server: filled in
 * @service: the service, which stays open while the server is attached
 *
 * Return: 0, or -EUSERS: as many servers as the service takes are attached; -ESRCH: the process
 * is not a member of the area.
 */
int ipcshm_server_attach(struct ipcshm_server *server, const struct ipcshm_service *service);

/**
 * ipcshm_server_detach - detach a server
 * @server: attached
 *
 * Requests that it has taken and not finished go to another server, if they were called with
 * IPCSHM_SERVICE_RETRY; the others fail as if the server had died.
 */
void ipcshm_server_detach(struct ipcshm_server *server);

/**
 * ipcshm_server_take - take the next request
 * @server: attached
 * @request: filled in
 * @deadline: CLOCK_MONOTONIC nanoseconds (see ipcshm_deadline()), IPCSHM_FOREVER or
 *	IPCSHM_NOW
 *
 * Waits until there is a request. Clients have their turns; the requests of a client are taken
 * in their order, except those of dead servers. The request stays unchanged until the last
 * reply, or until ipcshm_server_return().
 *
 * Return: 0, or -EAGAIN: no request, with IPCSHM_NOW; -EALREADY: contention, with IPCSHM_NOW;
 * -ETIMEDOUT; -EINTR; -ENOBUFS: the server has max_held; -EBADMSG: a process wrote to a request
 * what no call writes; -ESRCH: the server belongs to another process; the errors of
 * ipcshm_area_wait() except a death.
 */
int ipcshm_server_take(struct ipcshm_server *server, struct ipcshm_service_request *request,
		       uint64_t deadline);

/**
 * ipcshm_server_loan - get memory for a reply
 * @server: attached
 * @request: from ipcshm_server_take()
 * @size: bytes, 0 to the service's max_reply_size
 * @reply: filled in: data, size, id, number
 * @deadline: as for ipcshm_server_take()
 *
 * The data is uninitialized. Waits while the client has max_replies of the call that it has not
 * released. A second loan for the same reply returns the same memory.
 *
 * Return: 0, or -EAGAIN: the client has max_replies, with IPCSHM_NOW; -ETIMEDOUT; -EINTR;
 * -ECANCELED: the client is gone or has cancelled, so the request is finished; -EMSGSIZE: @size
 * is too large; -EINVAL: the server does not have the request; -ESRCH; the errors of
 * ipcshm_area_wait() except a death.
 */
int ipcshm_server_loan(struct ipcshm_server *server, const struct ipcshm_service_request *request,
		       uint64_t size, struct ipcshm_service_reply *reply, uint64_t deadline);

/**
 * ipcshm_server_reply - send a reply
 * @server: attached
 * @request: from ipcshm_server_take(); after success, finished, except with IPCSHM_SERVICE_MORE
 * @reply: from ipcshm_server_loan(); after success, no longer the server's
 * @flags: IPCSHM_SERVICE_MORE: a stream, of which this is not the last reply; or 0
 *
 * Never waits. If the client dies or cancels at the same time, the reply is dropped.
 *
 * Return: 0, or -ECANCELED: the client has cancelled, so the request is finished; -EINVAL: not a
 * loan for this request, or invalid flags; -EMSGSIZE: its size was raised above the service's;
 * -ESRCH.
 */
int ipcshm_server_reply(struct ipcshm_server *server, const struct ipcshm_service_request *request,
			const struct ipcshm_service_reply *reply, uint32_t flags);

/**
 * ipcshm_server_return - give a request to another server
 * @server: attached
 * @request: from ipcshm_server_take()
 *
 * The same server may take it again. Replies that were sent stay sent.
 *
 * Return: 0, or -EINVAL: the server does not have the request; -ESRCH.
 */
int ipcshm_server_return(struct ipcshm_server *server,
			 const struct ipcshm_service_request *request);

/**
 * ipcshm_server_arm - report a request to an event loop
 * @server: attached to a service in a region
 * @fd: a descriptor of the region, as from ipcshm_service_fd(); one that no other word is
 *	watched with
 *
 * After it returned 0, poll(2) and epoll(7) report EPOLLIN on @fd when there is a request to
 * take, and EPOLLPRI after a death, which may leave one: wait for both. Call it again each time
 * before waiting.
 *
 * Return: 0: wait; 1: ipcshm_server_take() may have something already; or -EOPNOTSUPP: the area
 * is not a region; -ESRCH; the errors of ipcshm_region_watch().
 */
int ipcshm_server_arm(struct ipcshm_server *server, int fd);

/**
 * ipcshm_server_set_busy_poll - set how long a take looks for a request before it sleeps
 * @server: attached
 * @nanoseconds: at most; 0: not at all; 20000 by default
 *
 * As ipcshm_client_set_busy_poll(); it counts for ipcshm_server_loan(), too.
 *
 * Return: 0.
 */
int ipcshm_server_set_busy_poll(struct ipcshm_server *server, uint32_t nanoseconds);

#ifdef __cplusplus
}
#endif

#endif /* IPCSHM_SERVICE_H */
