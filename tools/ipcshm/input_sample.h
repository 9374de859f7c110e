/* SPDX-License-Identifier: GPL-2.0-only */
/* What there is at a time, for those who look again and again. */
#ifndef INPUT_SAMPLE_H
#define INPUT_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output_field.h"
#include "input_netlink.h"

/**
 * struct sample - all objects
 * @objects: in the order of their numbers
 * @count: how many they are
 * @room: how many fit
 * @time: when it was, CLOCK_MONOTONIC nanoseconds; 0: never
 */
struct sample {
	struct object *objects;
	size_t count;
	size_t room;
	uint64_t time;
};

/* Takes it anew.  Returns 0, 1 if objects came or went meanwhile, or -errno. */
int sample_take(struct sample *sample, struct netlink *netlink, const struct filter *filter);

/* What has happened a second, since @before. */
void sample_rate(struct sample *sample, const struct sample *before);

/*
 * Puts objects in order.  Largest first, but for names, and the other way round
 * with @reverse; what has no value is last.
 */
void sample_sort(const struct object **objects, size_t count, const struct field *field,
		 bool reverse);

#endif /* INPUT_SAMPLE_H */
