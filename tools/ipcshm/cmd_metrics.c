// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm metrics */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "find.h"
#include "input_netlink.h"
#include "input_sample.h"
#include "output_metrics.h"

struct collection {
	struct sample sample;
	struct quotas *quotas;
	size_t quotas_count;
	size_t quotas_room;
};

static int add_quotas(const struct quotas *quotas, void *data)
{
	struct collection *collection = data;

	if (collection->quotas_count == collection->quotas_room) {
		size_t room = collection->quotas_room ? 2 * collection->quotas_room : 16;
		struct quotas *grown = reallocarray(collection->quotas, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		collection->quotas = grown;
		collection->quotas_room = room;
	}
	collection->quotas[collection->quotas_count++] = *quotas;
	return 0;
}

/* All before the first line is printed: a failure leaves no text that looks whole. */
static int collect(struct collection *collection, struct netlink *netlink)
{
	const struct filter all = { 0 };
	int err = sample_take(&collection->sample, netlink, &all);

	if (err >= 0)
		err = netlink_all_quotas(netlink, add_quotas, collection);
	return err < 0 ? err : netlink_bound(netlink, add_quotas, collection);
}

static void print_collection(const struct collection *collection)
{
	const struct metrics metrics = {
		.to = stdout,
		.spell_out = isatty(STDOUT_FILENO),
		.objects = collection->sample.objects,
		.object_count = collection->sample.count,
		.quotas = collection->quotas,
		.quotas_count = collection->quotas_count,
	};

	metrics_print(&metrics);
}

int command_metrics(const struct command *self, int argc, char **argv)
{
	struct collection collection = { 0 };
	struct netlink *netlink;
	int err;

	command_parse(self, NULL, NULL, argc, argv, NULL);
	err = netlink_open(&netlink);
	if (!err)
		err = collect(&collection, netlink);
	if (err >= 0)
		print_collection(&collection);
	free(collection.sample.objects);
	free(collection.quotas);
	return find_finish(netlink, "metrics", NULL, err);
}
