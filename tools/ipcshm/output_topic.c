// SPDX-License-Identifier: GPL-2.0-only
/* Lists of publishers and subscribers of topics. */
#include "output_topic.h"

#include <inttypes.h>
#include <ipcshm-topic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input_user.h"
#include "object.h"
#include "output_field.h"
#include "output_format.h"
#include "output_table.h"

#define PEERS_MAX (2 * IPCSHM_TOPIC_HANDLES_MAX)

/**
 * struct peer - a publisher or subscriber
 * @peer: of the library
 * @pid: of its process; 0: unknown
 * @process: its name
 */
struct peer {
	struct ipcshm_topic_peer peer;
	uint32_t pid;
	char process[PROCESS_MAX];
};

struct peers {
	size_t count;
	struct peer peer[PEERS_MAX];
};

static const struct column columns[] = {
	{ "ROLE", false },  { "TOKEN", true }, { "PID", true },	    { "BEHIND", true },
	{ "MISSED", true }, { "HELD", true },  { "PROCESS", false },
};

static const char *name_role(const struct ipcshm_topic_peer *peer)
{
	if (peer->flags & IPCSHM_TOPIC_PUBLISHER)
		return "publisher";
	return peer->flags & IPCSHM_TOPIC_RELIABLE ? "reliable" : "subscriber";
}

static int read_peers(int region, struct peers *peers)
{
	struct ipcshm_region_member_args member;
	struct ipcshm_topic_peer list[PEERS_MAX];
	int count = ipcshm_topic_peers(region, list, PEERS_MAX, sizeof(*list));

	if (count < 0)
		return count;
	peers->count = count < PEERS_MAX ? (size_t)count : PEERS_MAX;
	for (size_t i = 0; i < peers->count; i++) {
		struct peer *peer = &peers->peer[i];

		peer->peer = list[i];
		peer->pid = 0;
		if (!ipcshm_region_member(region, list[i].token, &member))
			peer->pid = member.pid;
		process_text(peer->pid, peer->process, sizeof(peer->process));
	}
	return 0;
}

static struct peers *find_peers(const char *name)
{
	struct peers *peers = malloc(sizeof(*peers));
	int device, region, err;

	if (!peers)
		abort();
	device = ipcshm_open();
	region = ipcshm_region_open(device, name, IPCSHM_READ, 0, NULL);
	err = region < 0 ? region : read_peers(region, peers);
	if (region >= 0)
		close(region);
	if (device >= 0)
		close(device);
	if (!err)
		return peers;
	free(peers);
	return NULL;
}

static void print_number(struct table *table, uint64_t number, bool exists)
{
	char text[FORMAT_MAX];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	table_cell(table, exists ? text : "-", false);
}

static void print_peer(struct table *table, const struct peer *peer)
{
	bool subscribes = peer->peer.flags & IPCSHM_TOPIC_SUBSCRIBER;
	char text[FIELD_TEXT_MAX];

	table_cell(table, name_role(&peer->peer), false);
	print_number(table, peer->peer.token, true);
	print_number(table, peer->pid, peer->pid);
	print_number(table, peer->peer.lag, subscribes);
	print_number(table, peer->peer.missed, subscribes);
	print_number(table, peer->peer.held, subscribes);
	format_name(peer->process, strlen(peer->process), text);
	table_cell(table, *text ? text : "-", false);
}

void topic_table(const char *name)
{
	struct peers *peers = find_peers(name);
	struct table *table;

	if (peers && peers->count) {
		table = table_create(columns, sizeof(columns) / sizeof(*columns));
		if (!table)
			abort();
		putchar('\n');
		for (size_t i = 0; i < peers->count; i++)
			print_peer(table, &peers->peer[i]);
		table_end(table);
	}
	free(peers);
}

static void write_number(struct json *json, const char *key, uint64_t number, bool exists)
{
	json_key(json, key);
	if (exists)
		json_number(json, number);
	else
		json_null(json);
}

static void write_peer(struct json *json, const struct peer *peer)
{
	bool subscribes = peer->peer.flags & IPCSHM_TOPIC_SUBSCRIBER;

	json_open(json, '{');
	json_key(json, "role");
	json_string(json, name_role(&peer->peer));
	write_number(json, "token", peer->peer.token, true);
	write_number(json, "pid", peer->pid, peer->pid);
	write_number(json, "samples_behind", peer->peer.lag, subscribes);
	write_number(json, "missed", peer->peer.missed, subscribes);
	write_number(json, "samples_held", peer->peer.held, subscribes);
	json_key(json, "process");
	if (*peer->process)
		json_text(json, peer->process, strlen(peer->process));
	else
		json_null(json);
	json_close(json, '}');
}

void topic_array(const char *name, struct json *json)
{
	struct peers *peers = find_peers(name);

	if (!peers) {
		json_null(json);
		return;
	}
	json_open(json, '[');
	for (size_t i = 0; i < peers->count; i++)
		write_peer(json, &peers->peer[i]);
	json_close(json, ']');
	free(peers);
}
