// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Services: geometry, creation, attaching, peers and statistics.
 */
#include <stdlib.h>

#include "service.h"

/* Geometry. */

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static uint64_t request_stride(uint64_t size)
{
	return round_up(size, SERVICE_ALIGN);
}

static uint64_t reply_stride(uint64_t size)
{
	return round_up(sizeof(struct reply_meta) + size, SERVICE_ALIGN);
}

static bool size_is_valid(uint64_t size)
{
	return size && size <= IPCSHM_SERVICE_SIZE_MAX;
}

static bool is_within(uint32_t value, uint32_t most)
{
	return value && value <= most;
}

static uint64_t client_row_size(const struct service_geometry *geometry)
{
	return round_up(offsetof(struct client_row, state) +
			geometry->max_calls * sizeof(uint64_t), SERVICE_ALIGN);
}

static uint64_t count_slots(const struct service_geometry *geometry)
{
	return (uint64_t)geometry->clients * geometry->max_calls;
}

/*
 * Where the parts of a service are, in bytes from its start.  64 bits hold the sums of all
 * sizes that are within their limits; a size_t of 32 bits does not.
 */
struct service_places {
	uint64_t clients, servers, pending, slots, memory, end;
};

static struct service_places place_parts(const struct service_geometry *geometry)
{
	struct service_places at = { .clients = sizeof(struct service_shared) };

	at.servers = at.clients + geometry->clients * client_row_size(geometry);
	at.pending = round_up(at.servers + geometry->servers * sizeof(struct server_row),
			      SERVICE_ALIGN);
	at.slots = round_up(at.pending + count_pending_words(geometry) * sizeof(uint64_t),
			    SERVICE_ALIGN);
	at.memory = round_up(at.slots + count_slots(geometry) * sizeof(struct service_slot),
			     SERVICE_ALIGN);
	at.end = at.memory + count_slots(geometry) *
		 (geometry->request_stride + geometry->max_replies * geometry->reply_stride);
	return at;
}

static bool service_geometry_is_valid(const struct service_geometry *geometry)
{
	return size_is_valid(geometry->request_size) && size_is_valid(geometry->reply_size) &&
	       geometry->request_stride == request_stride(geometry->request_size) &&
	       geometry->reply_stride == reply_stride(geometry->reply_size) &&
	       is_within(geometry->clients, IPCSHM_SERVICE_HANDLES_MAX) &&
	       is_within(geometry->servers, IPCSHM_SERVICE_HANDLES_MAX) &&
	       is_within(geometry->max_calls, IPCSHM_SERVICE_CALLS_MAX) &&
	       is_within(geometry->max_held, IPCSHM_SERVICE_HELD_MAX) &&
	       is_within(geometry->max_replies, IPCSHM_SERVICE_REPLIES_MAX) &&
	       place_parts(geometry).end <= SIZE_MAX / 2 &&
	       memchr(geometry->request_type, 0, sizeof(geometry->request_type)) &&
	       memchr(geometry->reply_type, 0, sizeof(geometry->reply_type));
}

static int make_service_geometry(const struct ipcshm_service_attr *attr,
				 struct service_geometry *geometry)
{
	const uint32_t none[5] = { 0 };

	if (!size_is_valid(attr->max_request_size) || !size_is_valid(attr->max_reply_size) ||
	    memcmp(attr->reserved, none, sizeof(none)))
		return -EINVAL;
	*geometry = (struct service_geometry) {
		.version = SERVICE_VERSION,
		.request_size = attr->max_request_size,
		.reply_size = attr->max_reply_size,
		.request_stride = request_stride(attr->max_request_size),
		.reply_stride = reply_stride(attr->max_reply_size),
		.clients = or_default(attr->clients, 16),
		.servers = or_default(attr->servers, 4),
		.max_calls = or_default(attr->max_calls, 4),
		.max_held = or_default(attr->max_held, 4),
		.max_replies = or_default(attr->max_replies, 2),
		.request_version = attr->request_version,
		.reply_version = attr->reply_version,
	};
	memcpy(geometry->request_type, attr->request_type, sizeof(geometry->request_type));
	memcpy(geometry->reply_type, attr->reply_type, sizeof(geometry->reply_type));
	return service_geometry_is_valid(geometry) ? 0 : -EINVAL;
}

static void locate_parts(struct service *service, unsigned char *base)
{
	const struct service_places at = place_parts(&service->geometry);

	service->shared = (void *)base;
	service->clients = base + at.clients;
	service->servers = (void *)(base + at.servers);
	service->pending = (void *)(base + at.pending);
	service->slots = (void *)(base + at.slots);
	service->memory = base + at.memory;
	service->row_size = (size_t)client_row_size(&service->geometry);
}

int ipcshm_service_size(const struct ipcshm_service_attr *attr, size_t *size)
{
	struct service_geometry geometry;
	int ret = make_service_geometry(attr, &geometry);

	if (!ret)
		*size = (size_t)place_parts(&geometry).end;
	return ret;
}

int ipcshm_service_create(const struct ipcshm_area *area, uint64_t offset,
			  const struct ipcshm_service_attr *attr)
{
	struct service_geometry geometry;
	struct service_places at;
	_Atomic uint32_t *magic;
	unsigned char *base;
	int ret;

	ret = make_service_geometry(attr, &geometry);
	if (ret)
		return ret;
	if (((uintptr_t)area->base + offset) % SERVICE_ALIGN)
		return -EINVAL;
	at = place_parts(&geometry);
	base = ipcshm_area_at(area, offset, (size_t)at.end, SERVICE_ALIGN);
	if (!base)
		return -ENOSPC;
	magic = &((struct service_shared *)base)->geometry.magic;
	/* An atomic store of its own: a process that attaches too early may load it at once. */
	atomic_store_explicit(magic, 0, memory_order_relaxed);
	/* The memory of requests and replies stays as it is: it may be large, and untouched. */
	memset(magic + 1, 0, (size_t)at.memory - sizeof(*magic));
	memcpy(magic + 1, &geometry.magic + 1, sizeof(geometry) - sizeof(*magic));
	/* Pairs with the load in load_geometry(). */
	atomic_store_explicit(magic, SERVICE_MAGIC, memory_order_release);
	return 0;
}

static int load_geometry(const struct service_shared *shared, struct service_geometry *geometry)
{
	if (atomic_load_explicit(&shared->geometry.magic, memory_order_acquire) != SERVICE_MAGIC)
		return -EPROTO;
	memcpy(geometry, &shared->geometry, sizeof(*geometry));
	return geometry->version == SERVICE_VERSION && service_geometry_is_valid(geometry) ?
	       0 : -EPROTO;
}

static void describe_geometry(const struct service_geometry *geometry,
			      struct ipcshm_service_attr *attr)
{
	*attr = (struct ipcshm_service_attr) {
		.max_request_size = geometry->request_size,
		.max_reply_size = geometry->reply_size,
		.clients = geometry->clients,
		.servers = geometry->servers,
		.max_calls = geometry->max_calls,
		.max_held = geometry->max_held,
		.max_replies = geometry->max_replies,
		.request_version = geometry->request_version,
		.reply_version = geometry->reply_version,
	};
	memcpy(attr->request_type, geometry->request_type, sizeof(attr->request_type));
	memcpy(attr->reply_type, geometry->reply_type, sizeof(attr->reply_type));
}

static bool number_differs(uint64_t wanted, uint64_t is)
{
	return wanted && wanted != is;
}

static bool type_differs(const char *wanted, const char *is)
{
	return wanted[0] && strncmp(wanted, is, IPCSHM_SERVICE_TYPE_MAX + 1);
}

static bool service_attr_differs(const struct service_geometry *geometry,
				 const struct ipcshm_service_attr *attr)
{
	return number_differs(attr->max_request_size, geometry->request_size) ||
	       number_differs(attr->max_reply_size, geometry->reply_size) ||
	       number_differs(attr->request_version, geometry->request_version) ||
	       number_differs(attr->reply_version, geometry->reply_version) ||
	       type_differs(attr->request_type, geometry->request_type) ||
	       type_differs(attr->reply_type, geometry->reply_type);
}

int ipcshm_service_attach(struct ipcshm_service *handle, const struct ipcshm_area *area,
			  uint64_t offset, struct ipcshm_service_attr *attr)
{
	struct service *service = (struct service *)handle;
	unsigned char *base;
	uint64_t end;
	bool wrong;
	int ret;

	if (((uintptr_t)area->base + offset) % SERVICE_ALIGN)
		return -EINVAL;
	base = ipcshm_area_at(area, offset, sizeof(struct service_shared), SERVICE_ALIGN);
	if (!base)
		return -EPROTO;
	*service = (struct service) { .area = area };
	ret = load_geometry((void *)base, &service->geometry);
	if (ret)
		return ret;
	end = place_parts(&service->geometry).end;
	if (!ipcshm_area_at(area, offset, (size_t)end, SERVICE_ALIGN))
		return -EPROTO;
	locate_parts(service, base);
	if (!attr)
		return 0;
	wrong = service_attr_differs(&service->geometry, attr);
	describe_geometry(&service->geometry, attr);
	return wrong ? -EPROTOTYPE : 0;
}

/* Names. */

static int service_create_in_area(const struct ipcshm_area *area, void *attr)
{
	return ipcshm_service_create(area, IPCSHM_AREA_HEADER, attr);
}

static int open_area(struct ipcshm_service *handle, int device, const char *name, uint32_t flags,
		     mode_t mode, struct ipcshm_service_attr *attr, uint64_t deadline)
{
	struct service *service = (struct service *)handle;
	struct ipcshm_region_attr region = { 0 };
	char *copy = strdup(name);
	struct ipcshm_area area;
	size_t size;
	int ret;

	if (!copy)
		return -ENOMEM;
	ret = ipcshm_service_size(attr, &size);
	if (ret)
		goto free_copy;
	region.size = IPCSHM_AREA_HEADER + size;
	ret = ipcshm_area_open(&area, device, name, flags, mode, &region,
			       service_create_in_area, attr, deadline);
	if (ret < 0)
		goto free_copy;
	ret = ipcshm_service_attach(handle, &area, IPCSHM_AREA_HEADER, attr);
	if (ret)
		goto close_area;
	service->own_area = area;
	service->area = &service->own_area;
	service->name = copy;
	return 0;

close_area:
	ipcshm_area_close(&area);
free_copy:
	free(copy);
	return ret;
}

int ipcshm_service_open(struct ipcshm_service *handle, int device, const char *name,
			uint32_t flags, mode_t mode, struct ipcshm_service_attr *attr,
			uint64_t deadline)
{
	const uint32_t allowed = IPCSHM_PERSISTENT | IPCSHM_POPULATE | IPCSHM_HUGE;
	int saved = errno;
	int ret;

	if (flags & ~allowed)
		return -EINVAL;
	ret = open_area(handle, device, name, flags, mode, attr, deadline);
	errno = saved;
	return ret;
}

void ipcshm_service_close(struct ipcshm_service *handle)
{
	struct service *service = (struct service *)handle;
	int saved = errno;

	ipcshm_area_close(&service->own_area);
	free(service->name);
	errno = saved;
}

int ipcshm_service_fd(const struct ipcshm_service *handle, int device)
{
	const struct service *service = (const struct service *)handle;

	if (!service->name)
		return -EOPNOTSUPP;
	return ipcshm_region_open(device, service->name, IPCSHM_READ | IPCSHM_WRITE, 0, NULL);
}

/* Peers. */

/* Take a row that has no living owner. */
bool service_take_row(const struct service *service, _Atomic uint32_t *token, uint32_t own)
{
	uint32_t old = atomic_load(token);

	return !ipcshm_area_is_alive(service->area, old) &&
	       atomic_compare_exchange_strong(token, &old, own);
}

/* A state of the row was READY before: C1, or P2. */
void service_set_pending(const struct service *service, uint32_t row)
{
	_Atomic uint64_t *word = &service->pending[row / 64];
	const uint64_t bit = 1ULL << row % 64;

	if (!(atomic_load(word) & bit))
		atomic_fetch_or(word, bit);
}

static uint32_t count_clients(const struct service *service)
{
	uint32_t i, count = 0;

	for (i = 0; i < service->geometry.clients; i++)
		count += service_token_is_alive(service, &client_row(service, i)->token);
	return count;
}

static uint32_t count_servers(const struct service *service)
{
	uint32_t i, count = 0;

	for (i = 0; i < service->geometry.servers; i++)
		count += service_token_is_alive(service, &service->servers[i].token);
	return count;
}

/**
 * struct wanted_peers - what a call waits for
 * @clients, @servers: at least so many
 */
struct wanted_peers {
	uint32_t clients, servers;
};

static int service_attempt_wait(void *handle, void *argument)
{
	const struct wanted_peers *wanted = argument;
	const struct service *service = handle;

	return count_clients(service) >= wanted->clients &&
	       count_servers(service) >= wanted->servers ? 0 : -EAGAIN;
}

int ipcshm_service_wait(const struct ipcshm_service *handle, uint32_t clients, uint32_t servers,
			uint64_t deadline)
{
	struct service *service = (struct service *)handle;
	struct wanted_peers wanted = { clients, servers };
	const struct gate_call call = {
		.attempt = service_attempt_wait,
		.handle = service,
		.argument = &wanted,
		.gate = &service->shared->peers,
	};

	return gate_wait(service->area, &call, deadline);
}

/* Statistics. */

static void add_client(const struct service *service, uint32_t which,
		       struct ipcshm_service_stat *stat)
{
	struct client_row *row = client_row(service, which);
	const uint32_t calls = service->geometry.max_calls;
	uint32_t k, token;
	uint64_t word;

	stat->calls += atomic_load_explicit(&row->calls, memory_order_relaxed);
	if (!service_token_is_alive(service, &row->token))
		return;
	stat->clients++;
	for (k = 0; k < calls; k++) {
		word = atomic_load_explicit(&row->state[k], memory_order_relaxed);
		token = call_token(word);
		if (call_state(word) == CALL_READY)
			stat->waiting++;
		else if (call_state(word) == CALL_TAKEN && ipcshm_area_is_alive(service->area, token))
			stat->taken += !is_finished(service, which * calls + k, call_number(word));
	}
}

static void add_server(const struct service *service, struct server_row *row,
		       struct ipcshm_service_stat *stat)
{
	stat->replies += atomic_load_explicit(&row->replies, memory_order_relaxed);
	stat->retried += atomic_load_explicit(&row->retried, memory_order_relaxed);
	stat->dropped += atomic_load_explicit(&row->dropped, memory_order_relaxed);
	stat->servers += service_token_is_alive(service, &row->token);
}

int ipcshm_service_get_stat(const struct ipcshm_service *handle, struct ipcshm_service_stat *to,
			    size_t size)
{
	const struct service *service = (const struct service *)handle;
	struct ipcshm_service_stat stat = { 0 };
	uint32_t i;

	if (size < sizeof(stat))
		return -EINVAL;
	describe_geometry(&service->geometry, &stat.attr);
	for (i = 0; i < service->geometry.clients; i++)
		add_client(service, i, &stat);
	for (i = 0; i < service->geometry.servers; i++)
		add_server(service, &service->servers[i], &stat);
	memset(to, 0, size);
	memcpy(to, &stat, sizeof(stat));
	return 0;
}
