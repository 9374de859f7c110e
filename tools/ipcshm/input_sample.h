/* SPDX-License-Identifier: GPL-2.0-only */
/* Samples: all objects at a point in time. */
#ifndef INPUT_SAMPLE_H
#define INPUT_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output_field.h"
#include "input_netlink.h"
#include "input_topic.h"

/**
 * struct sample - all objects
 * @objects: in the order of their numbers
 * @count: number of objects
 * @room: number of objects that fit
 * @time: of the sample, CLOCK_MONOTONIC nanoseconds; 0: never
 * @only_topics: leave out what is no topic
 * @topics: while it is taken
 */
struct sample {
	struct object *objects;
	size_t count;
	size_t room;
	uint64_t time;
	bool only_topics;
	struct topics topics;
};

/* Take a sample.  Returns 0, 1 if objects came or went concurrently, or -errno. */
int sample_take(struct sample *sample, struct netlink *netlink, const struct filter *filter);

/* Compute the rates since @before. */
void sample_rate(struct sample *sample, const struct sample *before);

/*
 * Sort objects: largest first, names in ascending order, and the opposite with @reverse.
 * Objects without a value are last.
 */
void sample_sort(const struct object **objects, size_t count, const struct field *field,
		 bool reverse);

#endif /* INPUT_SAMPLE_H */
