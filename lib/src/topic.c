// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Topics: geometry, creation, attaching, and waiting for peers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "topic.h"

#define SAMPLES_SUFFIX	".samples"

/* Geometry. */

static uint32_t round_up_power(uint32_t value)
{
	return value < 2 ? 1 : 1U << (32 - __builtin_clz(value - 1));
}

/*
 * Samples that all handles need together, and some for each publisher to claim ahead: many if they
 * are small, since each look for free samples costs the same.
 */
static uint64_t samples_needed(const struct topic_geometry *geometry)
{
	uint64_t needed = geometry->history + (uint64_t)geometry->subscribers * geometry->max_held +
			  (uint64_t)geometry->publishers * geometry->max_loans;
	uint64_t ahead = TOPIC_CACHE_BYTES / geometry->stride;

	if (ahead > TOPIC_CACHE)
		ahead = TOPIC_CACHE;
	if (ahead < 1)
		ahead = 1;
	ahead *= geometry->publishers;
	return needed + (ahead > needed / 3 ? ahead : needed / 3) + 1;
}

static uint64_t compute_stride(uint64_t sample_size)
{
	return topic_round_up(sizeof(struct sample_meta) + sample_size + IPCSHM_TOPIC_HEADER,
			      TOPIC_ALIGN);
}

static uint64_t subscriber_row_size(const struct topic_geometry *geometry)
{
	return topic_round_up(offsetof(struct topic_subscriber_row, hold) +
			      geometry->max_held * sizeof(uint32_t), 64);
}

struct topic_places topic_place_parts(const struct topic_geometry *geometry)
{
	struct topic_places at = { .publishers = sizeof(struct topic_shared) };

	at.subscribers = at.publishers +
			 geometry->publishers * sizeof(struct topic_publisher_row);
	at.log = topic_round_up(at.subscribers +
				geometry->subscribers * subscriber_row_size(geometry), TOPIC_ALIGN);
	at.owners = topic_round_up(at.log + geometry->history * sizeof(uint64_t), TOPIC_ALIGN);
	at.end = topic_round_up(at.owners + geometry->samples * sizeof(uint64_t), TOPIC_ALIGN);
	return at;
}

static bool topic_geometry_is_valid(const struct topic_geometry *geometry)
{
	return geometry->sample_size && geometry->sample_size <= IPCSHM_TOPIC_SIZE_MAX &&
	       geometry->stride == compute_stride(geometry->sample_size) &&
	       geometry->publishers && geometry->publishers <= IPCSHM_TOPIC_HANDLES_MAX &&
	       geometry->subscribers && geometry->subscribers <= IPCSHM_TOPIC_HANDLES_MAX &&
	       geometry->max_held && geometry->max_held <= IPCSHM_TOPIC_HELD_MAX &&
	       geometry->max_loans && geometry->max_loans <= IPCSHM_TOPIC_LOANS_MAX &&
	       geometry->history >= 2 * geometry->publishers &&
	       geometry->history <= IPCSHM_TOPIC_HISTORY_MAX &&
	       geometry->history == round_up_power(geometry->history) &&
	       geometry->samples >= geometry->history + 2 * geometry->publishers &&
	       geometry->samples <= IPCSHM_TOPIC_SAMPLES_MAX &&
	       geometry->stride <= SIZE_MAX / 2 / geometry->samples &&
	       topic_place_parts(geometry).end <= SIZE_MAX / 2 &&
	       memchr(geometry->type, 0, sizeof(geometry->type));
}

static int make_topic_geometry(const struct ipcshm_topic_attr *attr,
			       struct topic_geometry *geometry)
{
	const uint32_t publishers = or_default(attr->publishers, 4);
	const uint32_t history = or_default(attr->history, 8);
	const uint32_t none[5] = { 0 };
	uint64_t needed;

	if (history > IPCSHM_TOPIC_HISTORY_MAX || publishers > IPCSHM_TOPIC_HANDLES_MAX ||
	    attr->max_sample_size > IPCSHM_TOPIC_SIZE_MAX ||
	    memcmp(attr->reserved, none, sizeof(none)))
		return -EINVAL;
	*geometry = (struct topic_geometry) {
		.version = TOPIC_VERSION,
		.sample_size = attr->max_sample_size,
		.stride = compute_stride(attr->max_sample_size),
		.history = round_up_power(history > 2 * publishers ? history : 2 * publishers),
		.publishers = publishers,
		.subscribers = or_default(attr->subscribers, 16),
		.max_held = or_default(attr->max_held, 4),
		.max_loans = or_default(attr->max_loans, 2),
		.samples = attr->samples,
		.type_version = attr->type_version,
	};
	memcpy(geometry->type, attr->type, sizeof(geometry->type));
	needed = samples_needed(geometry);
	if (!attr->samples)
		geometry->samples = needed < UINT32_MAX ? (uint32_t)needed : UINT32_MAX;
	return topic_geometry_is_valid(geometry) ? 0 : -EINVAL;
}

void topic_locate_parts(struct topic *topic, unsigned char *base)
{
	const struct topic_places at = topic_place_parts(&topic->geometry);

	topic->shared = (void *)base;
	topic->publishers = (void *)(base + at.publishers);
	topic->subscribers = base + at.subscribers;
	topic->row_size = (size_t)subscriber_row_size(&topic->geometry);
	topic->log = (void *)(base + at.log);
	topic->owners = (void *)(base + at.owners);
}

static size_t control_size(const struct topic_geometry *geometry)
{
	return (size_t)topic_place_parts(geometry).end;
}

static size_t samples_size(const struct topic_geometry *geometry)
{
	return (size_t)(geometry->samples * geometry->stride);
}

int ipcshm_topic_size(const struct ipcshm_topic_attr *attr, size_t *control, size_t *samples)
{
	struct topic_geometry geometry;
	int ret = make_topic_geometry(attr, &geometry);

	if (ret)
		return ret;
	*control = control_size(&geometry);
	*samples = samples_size(&geometry);
	return 0;
}

int ipcshm_topic_create(const struct ipcshm_area *area, uint64_t offset,
			const struct ipcshm_topic_attr *attr)
{
	_Atomic uint32_t *magic;
	struct topic topic;
	unsigned char *base;
	uint32_t i;
	int ret;

	ret = make_topic_geometry(attr, &topic.geometry);
	if (ret)
		return ret;
	if (((uintptr_t)area->base + offset) % TOPIC_ALIGN)
		return -EINVAL;
	base = ipcshm_area_at(area, offset, control_size(&topic.geometry), TOPIC_ALIGN);
	if (!base)
		return -ENOSPC;
	topic_locate_parts(&topic, base);
	magic = &topic.shared->geometry.magic;
	/* An atomic store of its own: a process that attaches too early may load it at once. */
	atomic_store_explicit(magic, 0, memory_order_relaxed);
	memset(magic + 1, 0, control_size(&topic.geometry) - sizeof(*magic));
	memcpy(magic + 1, &topic.geometry.magic + 1, sizeof(topic.geometry) - sizeof(*magic));
	for (i = 0; i < topic.geometry.history; i++)
		topic.log[i] = log_word((uint64_t)i - topic.geometry.history, NO_INDEX);
	/* Pairs with the load in topic_load_geometry(). */
	atomic_store_explicit(magic, TOPIC_MAGIC, memory_order_release);
	return 0;
}

int topic_load_geometry(const struct topic_shared *shared, struct topic_geometry *geometry)
{
	if (atomic_load_explicit(&shared->geometry.magic, memory_order_acquire) != TOPIC_MAGIC)
		return -EPROTO;
	memcpy(geometry, &shared->geometry, sizeof(*geometry));
	return geometry->version == TOPIC_VERSION && topic_geometry_is_valid(geometry) ?
	       0 : -EPROTO;
}

void topic_describe_geometry(const struct topic_geometry *geometry,
			     struct ipcshm_topic_attr *attr)
{
	*attr = (struct ipcshm_topic_attr) {
		.max_sample_size = geometry->sample_size,
		.history = geometry->history,
		.publishers = geometry->publishers,
		.subscribers = geometry->subscribers,
		.max_held = geometry->max_held,
		.max_loans = geometry->max_loans,
		.samples = geometry->samples,
		.type_version = geometry->type_version,
	};
	memcpy(attr->type, geometry->type, sizeof(attr->type));
}

static bool topic_attr_differs(const struct topic_geometry *geometry,
			       const struct ipcshm_topic_attr *attr)
{
	return (attr->max_sample_size && attr->max_sample_size != geometry->sample_size) ||
	       (attr->type_version && attr->type_version != geometry->type_version) ||
	       (attr->type[0] && strncmp(attr->type, geometry->type, sizeof(attr->type)));
}

int ipcshm_topic_attach(struct ipcshm_topic *handle, const struct ipcshm_area *area,
			uint64_t offset, void *samples, size_t size,
			struct ipcshm_topic_attr *attr)
{
	struct topic *topic = (struct topic *)handle;
	unsigned char *base;
	bool wrong;
	int ret;

	if (((uintptr_t)area->base + offset) % TOPIC_ALIGN || (uintptr_t)samples % TOPIC_ALIGN)
		return -EINVAL;
	base = ipcshm_area_at(area, offset, sizeof(struct topic_shared), TOPIC_ALIGN);
	if (!base)
		return -EPROTO;
	*topic = (struct topic) { .area = area, .samples = samples };
	ret = topic_load_geometry((void *)base, &topic->geometry);
	if (ret)
		return ret;
	if (!ipcshm_area_at(area, offset, control_size(&topic->geometry), TOPIC_ALIGN) ||
	    size < samples_size(&topic->geometry))
		return -EPROTO;
	topic_locate_parts(topic, base);
	if (!attr)
		return 0;
	wrong = topic_attr_differs(&topic->geometry, attr);
	topic_describe_geometry(&topic->geometry, attr);
	return wrong ? -EPROTOTYPE : 0;
}

/* Names. */

/* Open the region of samples before the control area: a process with the latter has both. */
static int map_samples(struct topic *topic, int device, const char *name, uint32_t flags,
		       mode_t mode, size_t bytes)
{
	const bool read_only = flags & IPCSHM_TOPIC_READ_ONLY;
	uint32_t rights = read_only ? IPCSHM_READ : IPCSHM_READ | IPCSHM_WRITE;
	struct ipcshm_region_attr attr = { .size = bytes };
	char full[IPCSHM_NAME_MAX + 2];
	void *address;
	int fd, ret;

	if (snprintf(full, sizeof(full), "%s" SAMPLES_SUFFIX, name) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	flags &= ~IPCSHM_TOPIC_READ_ONLY;
	if (bytes)
		flags |= IPCSHM_CREATE;
	fd = ipcshm_region_open(device, full, rights | flags, mode, &attr);
	if (fd < 0)
		return fd;
	ret = ipcshm_region_map(fd, rights, &address, &topic->size);
	close(fd);
	if (ret)
		return ret;
	topic->samples = address;
	topic->read_only = read_only;
	return 0;
}

static int topic_create_in_area(const struct ipcshm_area *area, void *attr)
{
	return ipcshm_topic_create(area, IPCSHM_AREA_HEADER, attr);
}

static void unmap_samples(const struct topic *topic)
{
	munmap(topic->samples, topic->size);
}

static int open_parts(struct ipcshm_topic *handle, int device, const char *name, uint32_t flags,
		      mode_t mode, struct ipcshm_topic_attr *attr, uint64_t deadline)
{
	struct topic mapped = { .name = strdup(name) };
	struct topic *topic = (struct topic *)handle;
	struct ipcshm_region_attr region = { 0 };
	size_t control = 0, bytes = 0;
	int ret;

	if (!mapped.name)
		return -ENOMEM;
	if (attr->max_sample_size) {
		ret = ipcshm_topic_size(attr, &control, &bytes);
		if (ret)
			goto free_name;
		region.size = IPCSHM_AREA_HEADER + control;
	}
	ret = map_samples(&mapped, device, name, flags, mode, bytes);
	if (ret)
		goto free_name;
	ret = ipcshm_area_open(&mapped.own_area, device, name, flags & ~IPCSHM_TOPIC_READ_ONLY,
			       mode, &region, topic_create_in_area, attr, deadline);
	if (ret < 0)
		goto unmap;
	ret = ipcshm_topic_attach(handle, &mapped.own_area, IPCSHM_AREA_HEADER, mapped.samples,
				  mapped.size, attr);
	if (ret)
		goto close_area;
	topic->own_area = mapped.own_area;
	topic->area = &topic->own_area;
	topic->name = mapped.name;
	topic->size = mapped.size;
	topic->read_only = mapped.read_only;
	return 0;

close_area:
	ipcshm_area_close(&mapped.own_area);
unmap:
	unmap_samples(&mapped);
free_name:
	free(mapped.name);
	return ret;
}

int ipcshm_topic_open(struct ipcshm_topic *handle, int device, const char *name, uint32_t flags,
		      mode_t mode, struct ipcshm_topic_attr *attr, uint64_t deadline)
{
	const uint32_t created = IPCSHM_PERSISTENT | IPCSHM_POPULATE | IPCSHM_HUGE;
	int saved = errno;
	int ret;

	if (!attr || flags & ~(IPCSHM_TOPIC_READ_ONLY | (attr->max_sample_size ? created : 0)))
		return -EINVAL;
	ret = open_parts(handle, device, name, flags, mode, attr, deadline);
	errno = saved;
	return ret;
}

void ipcshm_topic_close(struct ipcshm_topic *handle)
{
	struct topic *topic = (struct topic *)handle;
	int saved = errno;

	ipcshm_area_close(&topic->own_area);
	unmap_samples(topic);
	free(topic->name);
	errno = saved;
}

int ipcshm_topic_fd(const struct ipcshm_topic *handle, int device)
{
	const struct topic *topic = (const struct topic *)handle;

	if (!topic->name)
		return -EOPNOTSUPP;
	return ipcshm_region_open(device, topic->name, IPCSHM_READ | IPCSHM_WRITE, 0, NULL);
}

/* Peers. */

/* Take a row that has no living owner. */
bool topic_take_row(const struct topic *topic, _Atomic uint32_t *token, uint32_t own)
{
	uint32_t old = atomic_load(token);

	return (!old || !ipcshm_area_is_alive(topic->area, old)) &&
	       atomic_compare_exchange_strong(token, &old, own);
}

/**
 * struct wanted_peers - what a call waits for
 * @publishers, @subscribers: at least so many
 */
struct wanted_peers {
	uint32_t publishers, subscribers;
};

static int topic_attempt_wait(void *handle, void *argument)
{
	const struct wanted_peers *wanted = argument;
	const struct topic *topic = handle;

	return topic_count_publishers(topic) >= wanted->publishers &&
	       topic_count_subscribers(topic) >= wanted->subscribers ? 0 : -EAGAIN;
}

int ipcshm_topic_wait(const struct ipcshm_topic *handle, uint32_t publishers,
		      uint32_t subscribers, uint64_t deadline)
{
	struct topic *topic = (struct topic *)handle;
	struct wanted_peers wanted = { publishers, subscribers };
	const struct gate_call call = {
		.attempt = topic_attempt_wait,
		.handle = topic,
		.argument = &wanted,
		.gate = &topic->shared->peers,
	};

	return gate_wait(topic->area, &call, deadline);
}
