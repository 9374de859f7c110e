// SPDX-License-Identifier: GPL-2.0-only
/* Tables for people. */
#include "output_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output_format.h"

/* Rows whose cells are kept to see how wide columns have to be. */
#define ROWS_KEPT 200

struct cell {
	char *text;
	bool alarming;
};

struct table {
	const struct column *columns;
	size_t count;
	size_t filled; /* cells in @cells */
	bool begun;    /* the heading is out, widths stay */
	size_t *widths;
	struct cell *cells;
};

bool table_has_colours(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

struct table *table_create(const struct column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->count = count;
	table->widths = calloc(count, sizeof(*table->widths));
	table->cells = calloc(count * ROWS_KEPT, sizeof(*table->cells));
	if (!table->widths || !table->cells) {
		free(table->widths);
		free(table->cells);
		free(table);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		table->widths[i] = format_width(columns[i].heading);
	return table;
}

static void print_blanks(size_t count)
{
	printf("%*s", (int)count, "");
}

/* The last column isn't padded, so that no line ends in blanks. */
static void print_cell(const struct table *table, size_t column, const char *text,
		       const char *colour)
{
	size_t width = format_width(text);
	size_t space = table->widths[column] > width ? table->widths[column] - width : 0;
	bool last = column + 1 == table->count;

	if (table->columns[column].right)
		print_blanks(space);
	printf("%s%s%s", colour, text, *colour ? "\033[m" : "");
	if (!table->columns[column].right && !last)
		print_blanks(space);
	fputs(last ? "\n" : "  ", stdout);
}

static void print_heading(struct table *table)
{
	const char *colour = table_has_colours() ? "\033[1m" : "";

	for (size_t i = 0; i < table->count; i++)
		print_cell(table, i, table->columns[i].heading, colour);
	table->begun = true;
}

static void widen_columns(struct table *table)
{
	for (size_t i = 0; i < table->filled; i++) {
		size_t width = format_width(table->cells[i].text), column = i % table->count;

		if (table->widths[column] < width)
			table->widths[column] = width;
	}
}

static void print_rows(struct table *table)
{
	bool colours = table_has_colours();

	if (!table->begun) {
		widen_columns(table);
		print_heading(table);
	}
	for (size_t i = 0; i < table->filled; i++) {
		print_cell(table, i % table->count, table->cells[i].text,
			   colours && table->cells[i].alarming ? "\033[1;31m" : "");
		free(table->cells[i].text);
	}
	table->filled = 0;
}

void table_cell(struct table *table, const char *text, bool alarming)
{
	struct cell *cell = &table->cells[table->filled++];

	cell->text = strdup(text);
	cell->alarming = alarming;
	if (!cell->text)
		abort();
	if (table->filled == table->count * ROWS_KEPT)
		print_rows(table);
}

void table_end(struct table *table)
{
	print_rows(table);
	free(table->widths);
	free(table->cells);
	free(table);
}
