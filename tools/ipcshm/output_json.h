/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output for scripts, written piece by piece: nothing is kept, however long a list is.
 * Libraries build a tree of each element first, which took most of the time of a long list.
 */
#ifndef OUTPUT_JSON_H
#define OUTPUT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The file of a document; nothing else is to be set: { .to = stdout } */
struct json {
	FILE *to;
	bool comma;   /* before the next value */
	size_t used;  /* of @bytes; json_line() writes them out */
	char bytes[4096];
};

/* An object, '{' to '}', or an array, '[' to ']'. */
void json_open(struct json *json, char bracket);
void json_close(struct json *json, char bracket);

/* In an object, before each value; plain ASCII. */
void json_key(struct json *json, const char *name);

void json_null(struct json *json);
void json_boolean(struct json *json, bool value);
void json_number(struct json *json, uint64_t value);
void json_decimal(struct json *json, double value, unsigned int digits); /* behind the point */
void json_string(struct json *json, const char *text);

/* A string of any bytes: each byte that is not UTF-8 becomes U+FFFD. */
void json_text(struct json *json, const char *bytes, size_t size);

/* Return whether the bytes are UTF-8. */
bool json_is_text(const char *bytes, size_t size);

/* A newline, which ends a document. */
void json_line(struct json *json);

/* An array with each element on a line of its own: open it, before each element, close it. */
void json_list_open(struct json *json);
void json_list_next(struct json *json);
void json_list_close(struct json *json);

#endif /* OUTPUT_JSON_H */
