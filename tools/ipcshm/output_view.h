/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects as rows of a table: its columns and cells. */
#ifndef OUTPUT_VIEW_H
#define OUTPUT_VIEW_H

#include <stdbool.h>

#include "output_field.h"
#include "object.h"
#include "output_table.h"

#define VIEW_COLUMNS_MAX 48

struct view {
	bool rates;	/* set before view_parse(): objects have rates */
	size_t count;
	const struct field *fields[VIEW_COLUMNS_MAX];	/* NULL: the state, in words */
	struct column columns[VIEW_COLUMNS_MAX];
};

/* The columns of a kind, or of both (0). */
const char *view_default(uint32_t kind);

/* The columns of regions that are topics. */
const char *view_default_of_topics(void);

/* Parse names of fields, and "state", with commas between them. */
bool view_parse(struct view *view, const char *names);

void view_text(const struct view *view, size_t column, const struct object *object,
	       char text[FIELD_TEXT_MAX]);

/* Return whether a cell needs attention, as one of a queue whose consumer is stuck. */
bool view_alarms(const struct view *view, size_t column, const struct object *object);

/* Write the state of an object, in words. */
void view_state(const struct object *object, char text[FIELD_TEXT_MAX]);

#endif /* OUTPUT_VIEW_H */
