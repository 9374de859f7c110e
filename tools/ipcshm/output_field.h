/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of the kernel's answers: one table for each structure of object.h, with name,
 * attribute, offset and unit of each field.  Reading, printing and sorting use these tables.
 */
#ifndef OUTPUT_FIELD_H
#define OUTPUT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

/* The unit of a field, by which it is printed. */
enum unit {
	UNIT_COUNT,
	UNIT_CAPACITY,		/* a count, or IPCSHM_UNBOUNDED */
	UNIT_BYTES,
	UNIT_BYTE_CAPACITY,
	UNIT_RATE,		/* a second */
	UNIT_SINCE,		/* CLOCK_MONOTONIC; printed as the time since then; 0: never */
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

/*
 * The nest of an object's message that has the field; NEST_NONE: the top.  A topic is no message,
 * and a region besides.
 */
enum nest { NEST_NONE, NEST_REGION, NEST_QUEUE, NEST_TOPIC };

/**
 * struct field - a field of a structure
 * @name: in JSON, and to choose columns
 * @heading: of its column
 * @unit: of its value
 * @nest: of the attribute in the message
 * @attribute: in the nest; 0: not from the kernel
 * @offset: in the structure
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

/* Each table ends with a field without a name. */
extern const struct field object_fields[];
extern const struct field member_fields[];
extern const struct field holder_fields[];
extern const struct field event_fields[];

/* Fields of an object that two samples are needed for. */
extern const struct field rate_fields[];

/* Room for the text of any field, with names spelled out byte by byte. */
#define FIELD_TEXT_MAX 1100

/* Find the field with a name of @length bytes, or NULL. */
const struct field *field_find(const struct field *fields, const char *name, size_t length);

/* Return whether the record has a value of the field. */
bool field_is_set(const struct field *field, const void *record);

/* Return the value of a field that is a number. */
uint64_t field_number(const struct field *field, const void *record);

/* Return whether a field is a number, which is aligned to the right. */
bool field_is_number(const struct field *field);

/* Write a value for people, "-" if the field is not set. */
void field_text(const struct field *field, const void *record, char text[FIELD_TEXT_MAX]);

/* Write a value for scripts, null if the field is not set. */
void field_json(const struct field *field, const void *record, struct json *json);

/*
 * Write a record without the braces around it: of an object only the fields of its kind.
 * Fields that are not set are null, or left out with @sparse.
 */
void fields_json(const struct field *fields, const void *record, bool sparse, struct json *json);

/* Return whether objects of the kind of @record have the field: a region has no depth. */
bool field_applies(const struct field *field, const void *record);

#endif /* OUTPUT_FIELD_H */
