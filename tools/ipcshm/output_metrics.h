/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects and quotas as OpenMetrics text, for monitoring systems. */
#ifndef OUTPUT_METRICS_H
#define OUTPUT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "object.h"

/**
 * struct metrics - what a collection found
 * @to: the output
 * @spell_out: spell out what a terminal could take for a command
 * @objects: regions and queues
 * @object_count: number of objects
 * @quotas: of users, of the default and of the network namespace
 * @quotas_count: number of quotas
 */
struct metrics {
	FILE *to;
	bool spell_out;
	const struct object *objects;
	size_t object_count;
	const struct quotas *quotas;
	size_t quotas_count;
};

/* Print all families of metrics, each with its samples, and the end of the text. */
void metrics_print(const struct metrics *metrics);

#endif /* OUTPUT_METRICS_H */
