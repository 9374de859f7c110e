/* SPDX-License-Identifier: GPL-2.0-only */
/* The screen of ipcshm top. */
#ifndef OUTPUT_TOP_H
#define OUTPUT_TOP_H

#include "input_netlink.h"
#include "input_sample.h"
#include "output_view.h"

struct top {
	struct netlink *netlink;
	struct filter filter;
	const char *columns;
	const char *sort;
	uint64_t interval; /* nanoseconds */
	uint64_t count;	   /* of samples, until the end */
	bool reverse;
	bool only_topics;
	bool paused;
	bool help;
	struct view view;
	size_t sort_column;
	size_t first; /* the row on top */
	size_t widths[VIEW_COLUMNS_MAX];
	struct sample samples[2];
	struct sample *now;
	const struct object **rows;
	size_t rows_room;
	struct quotas quotas;
	bool has_quotas;
};

/* Draw the screen. */
void top_draw(struct top *top);

/* Return the number of objects that fit on the screen. */
size_t top_page(void);

#endif /* OUTPUT_TOP_H */
