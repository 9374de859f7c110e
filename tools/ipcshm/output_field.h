/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of what the kernel tells: one table for each structure of object.h.
 * It says how a field is called, where it comes from, where it is, and what it
 * counts.  All that reads, prints or sorts goes by these tables.
 */
#ifndef OUTPUT_FIELD_H
#define OUTPUT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

/* What a field counts, or is: it decides how it looks. */
enum unit {
	UNIT_COUNT,
	UNIT_CAPACITY,		/* a count, or IPCSHM_UNBOUNDED */
	UNIT_BYTES,
	UNIT_BYTE_CAPACITY,
	UNIT_RATE,		/* a second */
	UNIT_SINCE,		/* CLOCK_MONOTONIC; shown as how long ago; 0: never */
	UNIT_TIME,		/* CLOCK_REALTIME */
	UNIT_KIND,
	UNIT_HOLDER_KIND,
	UNIT_NAME,
	UNIT_USER,
	UNIT_GROUP,
	UNIT_MODE,
	UNIT_FLAGS,
	UNIT_ACCESS,
	UNIT_OVERFLOW,
	UNIT_EVENT,
	UNIT_END,
	UNIT_QUOTA,
};

/* Which of an object's nests a field is in; the others are at the top. */
enum nest { NEST_NONE, NEST_REGION, NEST_QUEUE };

/**
 * struct field - one of a structure's
 * @name: as scripts know it: in JSON, and to choose columns by
 * @heading: of a column
 * @unit: what it counts
 * @nest: where in the message it is
 * @attribute: which it is there; 0: not from the kernel
 * @offset: where in the structure it is
 * @size: 4 or 8, bytes; a name has more
 */
struct field {
	const char *name;
	const char *heading;
	enum unit unit;
	enum nest nest;
	unsigned int attribute;
	size_t offset;
	size_t size;
};

/* All end with a field without a name. */
extern const struct field object_fields[];
extern const struct field member_fields[];
extern const struct field holder_fields[];
extern const struct field event_fields[];

/* Of an object, what only who looks twice can tell. */
extern const struct field rate_fields[];

/* What any field's text fits in, with names spelled out byte by byte. */
#define FIELD_TEXT_MAX 1100

/* The field with a name of @length bytes, or NULL. */
const struct field *field_find(const struct field *fields, const char *name, size_t length);

/* Is it there in this record, or has it no value? */
bool field_is_set(const struct field *field, const void *record);

/* Its value, for comparing; of those that are numbers. */
uint64_t field_number(const struct field *field, const void *record);

/* Numbers are aligned to the right. */
bool field_is_number(const struct field *field);

/* As people read it, "-" if it isn't set. */
void field_text(const struct field *field, const void *record, char text[FIELD_TEXT_MAX]);

/* As scripts read it, null if it isn't set. */
void field_json(const struct field *field, const void *record, struct json *json);

/*
 * A whole record, without the braces around it.  Of an object only what its kind
 * has; of those that aren't set null, or nothing with @sparse.
 */
void fields_json(const struct field *fields, const void *record, bool sparse, struct json *json);

/* Does what it tells of have it?  A region has no depth. */
bool field_applies(const struct field *field, const void *record);

#endif /* OUTPUT_FIELD_H */
