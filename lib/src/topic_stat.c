// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Topics: statistics, of a handle's topic, or of one that the process has not opened.
 *
 * The latter are computed from a copy of the control area that is read through a descriptor.
 * The process becomes no member, writes nothing, and trusts nothing that it has read.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "topic.h"

uint32_t topic_count_publishers(const struct topic *topic)
{
	uint32_t i, count = 0;

	for (i = 0; i < topic->geometry.publishers; i++)
		count += token_is_alive(topic, &topic->publishers[i].token);
	return count;
}

uint32_t topic_count_subscribers(const struct topic *topic)
{
	uint32_t i, count = 0;

	for (i = 0; i < topic->geometry.subscribers; i++)
		count += token_is_alive(topic, &subscriber_row(topic, i)->token);
	return count;
}

/* Of the subscriber that has the row; @end is the position after the last sample. */
static struct ipcshm_topic_peer describe_subscriber(const struct topic *topic,
						    struct topic_subscriber_row *row, uint64_t end)
{
	uint64_t cursor = atomic_load_explicit(&row->cursor, memory_order_relaxed);
	struct ipcshm_topic_peer peer = {
		.token = atomic_load_explicit(&row->token, memory_order_relaxed),
		.flags = IPCSHM_TOPIC_SUBSCRIBER |
			 (atomic_load_explicit(&row->flags, memory_order_relaxed) &
			  IPCSHM_TOPIC_RELIABLE),
		.lag = cursor < end ? end - cursor : 0,
		.missed = atomic_load_explicit(&row->missed, memory_order_relaxed),
	};
	uint32_t i;

	for (i = 0; i < topic->geometry.max_held; i++)
		peer.held += !!atomic_load_explicit(&row->hold[i], memory_order_relaxed);
	return peer;
}

static struct ipcshm_topic_stat compute_stat(const struct topic *topic)
{
	struct ipcshm_topic_stat stat = {
		.published = topic_find_end(topic),
		.publishers = topic_count_publishers(topic),
	};
	struct ipcshm_topic_peer peer;
	uint32_t i;

	topic_describe_geometry(&topic->geometry, &stat.attr);
	for (i = 0; i < topic->geometry.subscribers; i++) {
		struct topic_subscriber_row *row = subscriber_row(topic, i);

		if (!token_is_alive(topic, &row->token))
			continue;
		peer = describe_subscriber(topic, row, stat.published);
		stat.subscribers++;
		stat.reliable += !!(peer.flags & IPCSHM_TOPIC_RELIABLE);
		stat.missed += peer.missed;
		stat.held += peer.held;
		if (stat.lag < peer.lag)
			stat.lag = peer.lag;
	}
	return stat;
}

static int copy_stat(const struct topic *topic, struct ipcshm_topic_stat *to, size_t size)
{
	struct ipcshm_topic_stat stat = compute_stat(topic);

	memset(to, 0, size);
	memcpy(to, &stat, sizeof(stat));
	return 0;
}

int ipcshm_topic_get_stat(const struct ipcshm_topic *handle, struct ipcshm_topic_stat *stat,
			  size_t size)
{
	if (size < sizeof(*stat))
		return -EINVAL;
	return copy_stat((const struct topic *)handle, stat, size);
}

/* Topics that the process has not opened. */

/**
 * struct snapshot - a topic as it was read through a descriptor
 * @topic: its parts are in @copy
 * @area: with the member page
 * @copy: the control area up to its owner words
 */
struct snapshot {
	struct topic topic;
	struct ipcshm_area area;
	unsigned char *copy;
};

static int read_all(int fd, void *to, size_t size)
{
	unsigned char *bytes = to;
	ssize_t got;
	size_t done;

	for (done = 0; done < size; done += (size_t)got) {
		got = pread(fd, bytes + done, size - done, (off_t)(IPCSHM_AREA_HEADER + done));
		if (got < 0)
			return -errno;
		if (!got)
			return -EPROTO;
	}
	return 0;
}

static int read_parts(int fd, struct snapshot *snapshot)
{
	struct topic_shared shared;
	size_t size;
	int ret;

	ret = read_all(fd, &shared, sizeof(shared));
	if (!ret)
		ret = topic_load_geometry(&shared, &snapshot->topic.geometry);
	if (ret)
		return ret;
	/* A multiple of TOPIC_ALIGN, as aligned_alloc() needs. */
	size = (size_t)topic_place_parts(&snapshot->topic.geometry).owners;
	snapshot->copy = aligned_alloc(TOPIC_ALIGN, size);
	if (!snapshot->copy)
		return -ENOMEM;
	topic_locate_parts(&snapshot->topic, snapshot->copy);
	return read_all(fd, snapshot->copy, size);
}

static void free_snapshot(struct snapshot *snapshot)
{
	free(snapshot->copy);
	munmap((void *)snapshot->area.members, sizeof(*snapshot->area.members));
}

/* The members after the rows: a member of a row that is still alive had it at both times. */
static int take_snapshot(int fd, struct snapshot *snapshot)
{
	int ret;

	*snapshot = (struct snapshot) { .topic.area = &snapshot->area };
	ret = ipcshm_region_map_members(fd, &snapshot->area.members);
	if (ret)
		return ret;
	ret = read_parts(fd, snapshot);
	if (ret)
		free_snapshot(snapshot);
	return ret;
}

int ipcshm_topic_inspect(int fd, struct ipcshm_topic_stat *stat, size_t size)
{
	struct snapshot snapshot;
	int saved = errno;
	int ret;

	if (size < sizeof(*stat))
		return -EINVAL;
	ret = take_snapshot(fd, &snapshot);
	if (!ret) {
		ret = copy_stat(&snapshot.topic, stat, size);
		free_snapshot(&snapshot);
	}
	errno = saved;
	return ret;
}

/**
 * struct peer_list - peers that a call returns
 * @peers, @room, @size: as given to ipcshm_topic_peers()
 * @count: of all
 */
struct peer_list {
	struct ipcshm_topic_peer *peers;
	uint32_t room, count;
	size_t size;
};

static void add_peer(struct peer_list *list, const struct ipcshm_topic_peer *peer)
{
	unsigned char *to = (unsigned char *)list->peers + list->count * list->size;

	if (list->count++ >= list->room)
		return;
	memset(to, 0, list->size);
	memcpy(to, peer, sizeof(*peer));
}

static void list_peers(const struct topic *topic, struct peer_list *list)
{
	uint64_t end = topic_find_end(topic);
	struct ipcshm_topic_peer peer;
	uint32_t i;

	for (i = 0; i < topic->geometry.publishers; i++) {
		peer = (struct ipcshm_topic_peer) {
			.token = atomic_load(&topic->publishers[i].token),
			.flags = IPCSHM_TOPIC_PUBLISHER,
		};
		if (ipcshm_area_is_alive(topic->area, peer.token))
			add_peer(list, &peer);
	}
	for (i = 0; i < topic->geometry.subscribers; i++) {
		peer = describe_subscriber(topic, subscriber_row(topic, i), end);
		if (ipcshm_area_is_alive(topic->area, peer.token))
			add_peer(list, &peer);
	}
}

int ipcshm_topic_peers(int fd, struct ipcshm_topic_peer *peers, uint32_t count, size_t size)
{
	struct peer_list list = { .peers = peers, .room = count, .size = size };
	struct snapshot snapshot;
	int saved = errno;
	int ret;

	if (size < sizeof(*peers))
		return -EINVAL;
	ret = take_snapshot(fd, &snapshot);
	if (!ret) {
		list_peers(&snapshot.topic, &list);
		free_snapshot(&snapshot);
		ret = (int)list.count;
	}
	errno = saved;
	return ret;
}
